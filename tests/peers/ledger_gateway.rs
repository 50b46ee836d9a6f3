//! A gateway that keeps its own books and misbehaves: the other end of the crash trials. What it
//! books is what customers paid; billing has to come to the same.
//!
//!     command = ["…/ledger_gateway", "FOLDER", "seed=7", "abort-after=20", "garbage=10"]
//!
//! FOLDER is made where it is not there. The other arguments are NAME=NUMBER, 0 where not given:
//!
//! | name | |
//! |---|---|
//! | `seed` | what all chances are drawn from |
//! | `decline` | percent of the keys that are declined, worth another attempt |
//! | `decline-hard` | percent of the keys that are declined for good |
//! | `pending` | percent of the keys that are pending at first |
//! | `pending-declines` | percent of the pending ones that are declined in the end |
//! | `asks` | the status question, from 1, that brings a pending one to its end |
//! | `early-sleep` | percent of the calls that sleep before booking |
//! | `late-sleep` | percent of the calls that sleep after booking |
//! | `sleep-ms` | the longest of these sleeps |
//! | `abort-before` | percent of the calls that kill themselves before booking |
//! | `abort-after` | percent of the calls that kill themselves after booking |
//! | `garbage` | percent of the calls that book and answer with no JSON |
//! | `twice` | percent of the calls that book and answer twice |
//! | `late` | percent of the calls that book and answer after `late-ms` |
//! | `late-ms` | to be longer than the time-out |
//! | `refund-decline` | percent of the refunds that are declined for good |
//! | `refund-pending` | percent of the refunds that are pending at first |
//! | `refund-pending-declines` | percent of the pending ones that are declined in the end |
//! | `refund-fails-later` | percent of the others that succeed, and fail when `asks` questions were asked |
//! | `outside` | percent of the charges of which half is given back here, without being asked |
//! | `dispute` | percent of the charges that are disputed: open, and decided after `asks` more tellings |
//! | `dispute-lost` | percent of the disputes that are lost |
//!
//! What becomes of a key is drawn from seed and key; how a call goes, from seed, key and the number
//! of the call with that key: the same calls always go the same way, whatever runs beside them.
//! `decline`, `decline-hard` and `pending` share 100 percent, and so do the ways to misbehave from
//! `abort-before` to `late`; sleeps are drawn apart from these.
//!
//! A charge is given back by the reference that was answered to it, `led_KEY`, and never more of it than
//! was taken, whoever asks. What others do comes about when `changes` are asked for, which tells of all
//! that succeeded: the refunds that billing asked for, as `led_KEY`, and the others, as `out_KEY`.
//!
//! # What is in the folder
//!
//! - `seen/KEY`: the question of the first call with the key, without operation and reference.
//! - `booked/KEY`: `{"key","invoice","tenant","currency","amount","amount_minor","outcome"}`, the outcome
//!   being `succeeded`, `declined` or `pending`. This is the truth: money was taken where it says
//!   `succeeded`. Each file is there whole or not at all, whenever the program is killed.
//! - `refunded/KEY`: the same of a refund, with `charge`, `amount`, `code` and `at`; `disputes/KEY`: of
//!   the charge with that key, `{"key","status","at"}`.
//! - `calls/KEY.N`: empty, one a call, so that N is the number of the call even after a crash.
//! - `log`: a line a call, its fields divided by tabs: operation (`charge`, `status`, `refund`,
//!   `refund-status`, or `changes` with the key `changes`), key, number of the call, invoice,
//!   amount in minor units, currency, what is known of the key (`not_found` or an outcome), how the
//!   call goes (`answers`, `abort-before`, `abort-after`, `garbage`, `twice`, `late`). It is written
//!   after booking and before any misbehaviour that follows; a call that was killed in its sleep
//!   before has booked nothing and has no line, and one that was killed between booking and this
//!   line has no line either: count money in `booked`.
//!
//! - `running`: each call holds a shared lock on it. Billing may be killed while a call goes on: who
//!   gets the lock alone knows that no call is under way that has begun to read its question.
//!
//! A key that comes with another body than the first time is answered with exit code 65 and logged
//! as `conflict`; wrong arguments end with 64, a question that is none with 66, a fault of the machine
//! with 74. No trial may see any of them.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

#[path = "ledger_gateway/refunds.rs"]
mod refunds;

const NAMES: [&str; 22] = [
    "seed",
    "decline",
    "decline-hard",
    "pending",
    "pending-declines",
    "asks",
    "early-sleep",
    "late-sleep",
    "sleep-ms",
    "abort-before",
    "abort-after",
    "garbage",
    "twice",
    "late",
    "late-ms",
    "refund-decline",
    "refund-pending",
    "refund-pending-declines",
    "refund-fails-later",
    "outside",
    "dispute",
    "dispute-lost",
];

/// The ways to misbehave of which a call has one at most.
const WAYS: [&str; 5] = ["abort-before", "abort-after", "garbage", "twice", "late"];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next();
    let Some((folder, settings)) = folder.zip(Settings::read(arguments)) else {
        return stop(64, "usage: ledger_gateway FOLDER [NAME=NUMBER]…");
    };
    let ledger = Ledger { folder: PathBuf::from(folder), settings };
    let _running = match ledger.open() {
        Ok(running) => running,
        Err(error) => return stop(74, &error.to_string()),
    };
    let Some(question) = Question::read() else {
        return stop(66, "standard input holds no question");
    };
    match ledger.answer(&question) {
        Ok(code) => ExitCode::from(code),
        Err(error) => stop(74, &error.to_string()),
    }
}

fn stop(code: u8, why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(code)
}

/// The numbers of the command line.
struct Settings(BTreeMap<String, u64>);

impl Settings {
    fn read(arguments: impl Iterator<Item = String>) -> Option<Settings> {
        let mut settings = BTreeMap::new();
        for argument in arguments {
            let (name, number) = argument.split_once('=')?;
            NAMES.contains(&name).then_some(())?;
            settings.insert(name.to_owned(), number.parse().ok()?);
        }
        Some(Settings(settings))
    }

    fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// A number below `below` for what is asked of a key or a call, the same each time.
    fn draw(&self, what: &str, of: &str, below: u64) -> u64 {
        // FNV-1a over all of it, and the end of splitmix64 to spread what differs in one e-mail.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let parts = [&self.get("seed").to_le_bytes(), what.as_bytes(), &[0], of.as_bytes()];
        for byte in parts.into_iter().flatten() {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (hash ^ (hash >> 31)) % below.max(1)
    }

    /// Whether a chance of its own comes true.
    fn happens(&self, name: &str, of: &str) -> bool {
        self.draw(name, of, 100) < self.get(name)
    }

    /// The one of the names that comes true, of chances that share 100 percent.
    fn one_of(&self, names: &[&'static str], of: &str) -> Option<&'static str> {
        let drawn = self.draw(names[0], of, 100);
        let mut until = 0;
        names.iter().copied().find(|name| {
            until += self.get(name);
            drawn < until
        })
    }

    fn sleep(&self, name: &str, call: &str) {
        if self.happens(name, call) {
            let longest = self.draw(&format!("{name} so long"), call, self.get("sleep-ms") + 1);
            thread::sleep(Duration::from_millis(longest));
        }
    }
}

/// What is asked of a key, or of none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Charge,
    Status,
    Refund,
    RefundStatus,
    Changes { since: DateTime<Utc> },
}

impl Operation {
    fn word(self) -> &'static str {
        match self {
            Operation::Charge => "charge",
            Operation::Status => "status",
            Operation::Refund => "refund",
            Operation::RefundStatus => "refund-status",
            Operation::Changes { .. } => "changes",
        }
    }

    fn is_of_refund(self) -> bool {
        matches!(self, Operation::Refund | Operation::RefundStatus)
    }

    fn asks_status(self) -> bool {
        matches!(self, Operation::Status | Operation::RefundStatus)
    }
}

/// What billing asks.
struct Question {
    operation: Operation,
    key: String,
    /// All that has to be the same each time.
    body: Map<String, Value>,
}

impl Question {
    fn read() -> Option<Question> {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).ok()?;
        let Ok(Value::Object(mut body)) = serde_json::from_str(&text) else { return None };
        let reference = body.remove("reference");
        let (operation, of) = (body.remove("operation")?, body.remove("of"));
        let operation = match (operation.as_str()?, of.as_ref().map(Value::as_str)) {
            ("charge", None) => Operation::Charge,
            ("status", None) => Operation::Status,
            ("refund", None) => Operation::Refund,
            ("status", Some(Some("refund"))) => Operation::RefundStatus,
            ("changes", None) => {
                let since = body.get("since")?.as_str()?.parse().ok()?;
                let (operation, key) = (Operation::Changes { since }, "changes".to_owned());
                return Some(Question { operation, key, body: Map::new() });
            }
            _ => return None,
        };
        let key = body.get("idempotency_key")?.as_str()?.to_owned();
        body.get("amount_minor")?.as_i64().filter(|minor| *minor > 0)?;
        let texts = ["invoice", "tenant", "currency", "amount"];
        texts.iter().all(|name| body.get(*name).is_some_and(Value::is_string)).then_some(())?;
        match operation {
            Operation::Refund => drop(body.insert("charge".to_owned(), reference?)),
            Operation::RefundStatus => {}
            _ => drop(body.get("payment_method")?.get("token")?.as_str()?),
        }
        if operation.is_of_refund() {
            body.get("charge")?.as_str()?;
            body.get("credit_note")?;
        }
        // The same fields, in whatever order they came.
        body.sort_keys();
        Some(Question { operation, key, body })
    }
}

/// The folder.
struct Ledger {
    folder: PathBuf,
    settings: Settings,
}

impl Ledger {
    /// Makes the folder, and locks `running` until what is returned is dropped.
    fn open(&self) -> io::Result<File> {
        for folder in ["seen", "booked", "refunded", "disputes", "locks", "calls", "tmp"] {
            fs::create_dir_all(self.folder.join(folder))?;
        }
        let running = File::create(self.folder.join("running"))?;
        running.lock_shared()?;
        Ok(running)
    }

    /// Takes the question through its call.
    fn answer(&self, question: &Question) -> io::Result<u8> {
        let number = self.number_of_call(&question.key)?;
        let call = format!("{} {number}", question.key);
        if !self.is_the_same(question)? {
            self.log(question, number, "-", "conflict")?;
            eprintln!("the key came with another body before");
            return Ok(65);
        }
        let way = self.settings.one_of(&WAYS, &call);
        self.settings.sleep("early-sleep", &call);
        if way == Some("abort-before") {
            self.log(question, number, "-", "abort-before")?;
            abort();
        }
        let (known, said) = match question.operation {
            Operation::Changes { since } => ("-".to_owned(), self.changes(since)?),
            _ => {
                let outcome = self.outcome(question)?;
                let said = self.said(question, outcome.as_deref())?;
                (outcome.unwrap_or_else(|| "not_found".to_owned()), said)
            }
        };
        let said = said.to_string();
        self.log(question, number, &known, way.unwrap_or("answers"))?;
        self.settings.sleep("late-sleep", &call);
        match way {
            Some("abort-after") => abort(),
            Some("late") => thread::sleep(Duration::from_millis(self.settings.get("late-ms"))),
            _ => {}
        }
        let said = match way {
            Some("garbage") => "<html>502 Bad Gateway</html>".to_owned(),
            Some("twice") => format!("{said}\n{said}"),
            _ => said,
        };
        writeln!(io::stdout(), "{said}")?;
        Ok(0)
    }

    /// The first N whose file is not there yet.
    fn number_of_call(&self, key: &str) -> io::Result<u64> {
        let mut number = 1;
        loop {
            let path = self.folder.join("calls").join(format!("{}.{number}", file_name(key)));
            match File::create_new(path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                created => return created.map(|_| number),
            }
        }
    }

    /// Whether the key came with this body the first time; this may be the first.
    fn is_the_same(&self, question: &Question) -> io::Result<bool> {
        let body = Value::Object(question.body.clone()).to_string();
        let seen = self.folder.join("seen").join(file_name(&question.key));
        Ok(self.create(&seen, &body)? || fs::read_to_string(&seen)? == body)
    }

    /// What the key came to, `None` where it is not booked. A charge or refund books it; a status
    /// question may bring what is pending to its end.
    fn outcome(&self, question: &Question) -> io::Result<Option<String>> {
        let folder = if question.operation.is_of_refund() { "refunded" } else { "booked" };
        let booked = self.place(folder, &question.key);
        match question.operation {
            Operation::Charge => {
                let text = entry(question, self.first_outcome(&question.key));
                self.create(&booked, &text)?;
            }
            Operation::Refund if !booked.exists() => self.book_refund(question)?,
            _ => {}
        }
        let text = match fs::read_to_string(&booked) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let outcome = serde_json::from_str::<Value>(&text)?["outcome"].as_str().map(str::to_owned);
        let (Some(known), true) = (&outcome, question.operation.asks_status()) else {
            return Ok(outcome);
        };
        let key = &question.key;
        // Two questions at once come to the same end, so that it is no matter which is the last.
        let last = match question.operation.is_of_refund() {
            true => self.refund_ends(key, known)?,
            false => self.charge_ends(key, known)?,
        };
        let Some(last) = last else { return Ok(outcome) };
        match question.operation.is_of_refund() {
            true => self.end_refund(key, last)?,
            false => fs::rename(self.temporary(&entry(question, last))?, &booked)?,
        }
        Ok(Some(last.to_owned()))
    }

    /// How a charge that is pending ends, once it was asked after often enough.
    fn charge_ends(&self, key: &str, outcome: &str) -> io::Result<Option<&'static str>> {
        if outcome != "pending" || self.times_asked(key)? < self.settings.get("asks") {
            return Ok(None);
        }
        Ok(Some(match self.settings.happens("pending-declines", key) {
            true => "declined",
            false => "succeeded",
        }))
    }

    fn first_outcome(&self, key: &str) -> &'static str {
        match self.settings.one_of(&["decline", "decline-hard", "pending"], key) {
            Some("pending") => "pending",
            Some(_) => "declined",
            None => "succeeded",
        }
    }

    /// How often the key's status was asked, this call included.
    fn times_asked(&self, key: &str) -> io::Result<u64> {
        let path = self.folder.join("calls").join(format!("{}.asked", file_name(key)));
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        file.write_all(b".")?;
        Ok(file.metadata()?.len())
    }

    fn said(&self, question: &Question, outcome: Option<&str>) -> io::Result<Value> {
        let key = &question.key;
        Ok(match outcome {
            None => json!({"status": "not_found"}),
            Some("declined") if question.operation.is_of_refund() => {
                json!({"status": "declined", "code": self.code_of_refund(key)?, "retryable": false})
            }
            Some("declined") => {
                let ways = ["decline", "decline-hard", "pending"];
                let hard = self.settings.one_of(&ways, key) == Some("decline-hard");
                let code = if hard { "account_closed" } else { "insufficient_funds" };
                json!({"status": "declined", "code": code, "retryable": !hard})
            }
            Some(outcome) => json!({"status": outcome, "reference": format!("led_{key}")}),
        })
    }

    fn log(&self, question: &Question, number: u64, known: &str, way: &str) -> io::Result<()> {
        let field = |name: &str| question.body.get(name);
        let text = |name: &str| field(name).and_then(Value::as_str).unwrap_or("-").to_owned();
        let fields = [
            question.operation.word().to_owned(),
            question.key.clone(),
            number.to_string(),
            text("invoice"),
            field("amount_minor").unwrap_or(&json!(0)).to_string(),
            text("currency"),
            known.to_owned(),
            way.to_owned(),
        ];
        let mut log = OpenOptions::new().append(true).create(true).open(self.folder.join("log"))?;
        // In one write, which the system puts at the end of the file as a whole.
        log.write_all(format!("{}\n", fields.join("\t")).as_bytes())
    }

    /// Makes the file with all of its text, or leaves one that is there; whether it was made.
    fn create(&self, path: &Path, text: &str) -> io::Result<bool> {
        let temporary = self.temporary(text)?;
        let made = fs::hard_link(&temporary, path);
        fs::remove_file(&temporary)?;
        match made {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            made => made.map(|()| true),
        }
    }

    fn temporary(&self, text: &str) -> io::Result<PathBuf> {
        let path = self.folder.join("tmp").join(std::process::id().to_string());
        // One that was killed earlier may have had the same id, and its file be in the books.
        let _ = fs::remove_file(&path);
        File::create_new(&path)?.write_all(text.as_bytes())?;
        Ok(path)
    }
}

/// A line of the books.
fn entry(question: &Question, outcome: &str) -> String {
    let of = |name: &str| question.body[name].clone();
    json!({
        "key": question.key,
        "invoice": of("invoice"),
        "tenant": of("tenant"),
        "currency": of("currency"),
        "amount": of("amount"),
        "amount_minor": of("amount_minor"),
        "outcome": outcome,
    })
    .to_string()
}

/// The key as the name of a file: what is no letter or digit of ASCII, `-` or `_`, by its code.
fn file_name(key: &str) -> String {
    let mut name = String::new();
    for byte in key.bytes() {
        match byte {
            b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    name
}

/// As a crash would have it, without the core file of `std::process::abort`.
fn abort() -> ! {
    let own = rustix::process::getpid();
    let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
    // The signal arrives before the call returns; this is for the compiler.
    std::process::exit(70)
}
