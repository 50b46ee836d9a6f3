//! A business in a temporary folder, with nothing of the machine around it: what every test of the
//! binary starts from.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod cgi;
pub mod change_model;
pub mod coupon_model;
pub mod coupons;
pub mod fake_stripe;
pub mod inside;
pub mod ledger;
pub mod money_model;
pub mod portal;
pub mod races;
pub mod receiver;
pub mod statements;
pub mod subscriptions;
pub mod transcript;
pub mod versions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// A folder with a database, and the binary run in it.
pub struct Shop {
    folder: tempfile::TempDir,
}

/// A business kept in memory, to be laid out again for every trial: the same rows, ids and uuid
/// each time, so that what two trials leave behind can be compared byte by byte.
pub struct Prepared {
    files: Vec<(String, Vec<u8>)>,
}

/// All rows of a database, table by table.
pub type Contents = BTreeMap<String, Vec<String>>;

/// What a command came to.
#[derive(Debug)]
pub struct Outcome {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Shop {
    /// An empty folder.
    pub fn empty() -> Shop {
        Shop { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A folder after `billing init`, in EUR and English.
    pub fn new() -> Shop {
        let shop = Shop::empty();
        shop.ok(&["init", "--currency", "EUR", "--locale", "en", "--company", "Example Services"]);
        shop
    }

    /// The same with lines added to billing.toml.
    pub fn with_config(lines: &str) -> Shop {
        let shop = Shop::new();
        shop.configure(lines);
        shop
    }

    /// Replaces billing.toml.
    pub fn configure(&self, lines: &str) {
        let text =
            format!("database = \"billing.db\"\ncurrency = \"EUR\"\nlocale = \"en\"\n{lines}");
        std::fs::write(self.path("billing.toml"), text).expect("billing.toml");
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    /// The command, ready to be started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(args);
        seal(&mut command, self.folder.path());
        command
    }

    /// Runs the command, whatever it comes to.
    pub fn run(&self, args: &[&str]) -> Outcome {
        outcome(self.command(args).output().expect("billing starts"))
    }

    /// Runs a command that must succeed; returns its standard output.
    pub fn ok(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.status, 0, "billing {args:?}: {}{}", done.stdout, done.stderr);
        done.stdout
    }

    /// Runs a command that must succeed, and reads its JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        let args: Vec<_> = args.iter().copied().chain(["--json"]).collect();
        let text = self.ok(&args);
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{args:?}: {e}: {text}"))
    }

    /// Runs a command that must be refused; returns the error object.
    pub fn refused(&self, args: &[&str]) -> Value {
        let args: Vec<_> = args.iter().copied().chain(["--json"]).collect();
        let done = self.run(&args);
        assert!(done.status == 1 || done.status == 2, "{args:?}: {} {}", done.status, done.stdout);
        let error: Value = serde_json::from_str(&done.stderr).expect("one line of JSON");
        error["error"].clone()
    }

    /// The code with which a command is refused.
    pub fn refusal(&self, args: &[&str]) -> String {
        self.refused(args)["code"].as_str().expect("a code").to_owned()
    }

    /// Runs a task on a day; returns its result, whatever its exit status.
    pub fn task(&self, task: &str, day: &str, more: &[&str]) -> Value {
        let args: Vec<_> = ["tasks", task, "--as-of", day, "--json"]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        let done = self.run(&args);
        serde_json::from_str(&done.stdout)
            .unwrap_or_else(|e| panic!("{args:?}: {e}: {}{}", done.stdout, done.stderr))
    }

    /// A tenant with an invoice over 100.00, due on that day.
    pub fn owes(&self, tenant: &str, due_on: &str) -> String {
        if self.run(&["tenant", "show", tenant]).status != 0 {
            let email = format!("{tenant}@clients.example");
            self.ok(&["tenant", "create", tenant, "--name", tenant, "--email", &email]);
        }
        let issued = ["--issued-on", "2026-01-01", "--due-on", due_on];
        let args: Vec<_> = ["invoice", "create", "--tenant", tenant, "--amount", "100"]
            .into_iter()
            .chain(issued)
            .collect();
        self.json(&args)["number"].as_str().expect("a number").to_owned()
    }

    /// Proves that what is kept agrees with what it is computed from.
    pub fn check(&self) {
        let done = self.run(&["db", "check"]);
        assert_eq!((done.status, done.stdout.as_str()), (0, ""), "{}", done.stderr);
    }

    /// The same where customers have credit, which `db check` tells a person too.
    pub fn check_but_for_credits(&self) {
        let told = self.json(&["db", "check"]);
        assert_eq!(told["ok"], true, "{}", told["findings"]);
    }

    /// Keeps the files of the folder, for [`Prepared::shop`].
    pub fn prepared(&self) -> Prepared {
        Prepared { files: files(self.folder.path()).into_iter().collect() }
    }

    /// The e-mails that left: every file of the mail folder, unfinished ones too.
    pub fn mailbox(&self) -> BTreeMap<String, Vec<u8>> {
        files(&self.path("mail"))
    }

    /// Starts a command and leaves it running.
    pub fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("billing starts")
    }

    /// Starts every command at once, and waits for all of them.
    pub fn at_once(&self, commands: &[Vec<&str>]) -> Vec<Outcome> {
        let started: Vec<Child> = commands.iter().map(|args| self.start(args)).collect();
        started.into_iter().map(Shop::end_of).collect()
    }

    /// Waits for a command that was started.
    pub fn end_of(child: Child) -> Outcome {
        outcome(child.wait_with_output().expect("an end"))
    }

    /// Runs a command that dies at the `point`th place where the binary passes a commit; `None`
    /// where it came to its end before that.
    pub fn crashes(&self, args: &[&str], point: u64) -> Option<Outcome> {
        let mut command = self.command(args);
        command.env("BILLING_CRASH_AT", point.to_string());
        let done = outcome(command.output().expect("billing starts"));
        assert!(done.status <= 0 || done.status == 3, "{args:?}: {}{}", done.stdout, done.stderr);
        (done.status < 0).then_some(done)
    }

    /// Starts a command and kills it (SIGKILL) so much later. Whether it died of that.
    pub fn is_killed(&self, args: &[&str], after: Duration) -> bool {
        let mut child = self.start(args);
        std::thread::sleep(after);
        child.kill().expect("it is ours");
        Shop::end_of(child).status < 0
    }

    /// Every row of every table but `runs`, without the number of the run that wrote it: that a
    /// run died and another took its work over is all that a crash may leave to be seen. Events stand
    /// with their actors and texts, without what is drawn at random.
    pub fn contents(&self) -> Contents {
        let sql = self.sql();
        let mut tables = sql
            .prepare(
                "SELECT name FROM sqlite_schema
                 WHERE type = 'table' AND name NOT IN ('runs', 'actors', 'event_texts')",
            )
            .expect("the schema");
        let names = tables.query_map([], |row| row.get::<_, String>(0)).expect("tables");
        names
            .map(|name| {
                let name = name.expect("a name");
                let query = match name.as_str() {
                    "events" => EVENTS.to_owned(),
                    // When the machine's clock was gone by last is another moment each time.
                    "database_info" => "SELECT id, uuid, created_at FROM database_info".to_owned(),
                    _ => format!("SELECT * FROM {name}"),
                };
                let rows = rows(&sql, &query);
                (name, rows)
            })
            .collect()
    }

    /// See [`machine_goes_on`].
    pub fn machine_goes_on(&self, seconds: u32) {
        machine_goes_on(&self.path("billing.db"), seconds);
    }

    /// The database itself, for what no command shows.
    pub fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("billing.db")).expect("the database")
    }
}

impl Prepared {
    /// A folder with these files in it.
    pub fn shop(&self) -> Shop {
        let shop = Shop::empty();
        for (name, bytes) in &self.files {
            std::fs::write(shop.path(name), bytes).expect("a file");
        }
        shop
    }
}

/// Lets the machine's clock go on for the charges that were begun: they were so many seconds earlier.
pub fn machine_goes_on(db: &Path, seconds: u32) {
    let sql = rusqlite::Connection::open(db).expect("the database");
    let trigger =
        "/* no task */ SELECT sql FROM sqlite_schema WHERE name = 'charge_attempts_immutable'";
    let trigger: String = sql.query_row(trigger, [], |row| row.get(0)).expect("the trigger");
    let earlier = format!(
        "BEGIN IMMEDIATE; DROP TRIGGER charge_attempts_immutable;
         /* no task */ UPDATE charge_attempts SET
           prepared_at = strftime('%Y-%m-%dT%H:%M:%SZ', prepared_at, '-{seconds} seconds');
         {trigger}; COMMIT"
    );
    sql.execute_batch(&earlier).expect("an earlier moment");
}

/// The day on which the made-up businesses are looked at.
pub const TODAY: [&str; 2] = ["--as-of", "2026-03-16"];

/// A made-up business on 2026-03-16, with something for every branch of a run: a tenant at each
/// stage, one that is suspended already, one that promised, one that disputes, one with several
/// invoices, one that is not late, and one whose invoice of 100.00 is due for suspension.
pub fn business() -> Prepared {
    let shop = Shop::new();
    for (tenant, due_on) in [
        ("acme", "2026-02-14"),
        ("birch", "2026-02-08"),
        ("birch", "2026-02-14"),
        ("cedar", "2026-02-13"),
        ("dune", "2026-02-13"),
        ("elm", "2026-03-01"),
        ("elm", "2026-03-09"),
        ("fern", "2026-03-09"),
        ("grove", "2026-03-13"),
        ("heath", "2026-03-31"),
        // Missed by every run so far: it is warned before it can be suspended.
        ("iris", "2026-01-20"),
    ] {
        if tenant != "iris" {
            shop.owes(tenant, due_on);
        }
    }
    // The past: a month of runs.
    for day in ["2026-02-17", "2026-02-21", "2026-02-28", "2026-03-07", "2026-03-12"] {
        shop.ok(&["tasks", "check-overdue", "--as-of", day, "--quiet"]);
    }
    shop.owes("iris", "2026-01-20");
    let of = |tenant: &str| {
        let list = shop.json(&["invoice", "list", "--tenant", tenant]);
        list[0]["number"].as_str().expect("a number").to_owned()
    };
    let today = ["--as-of", "2026-03-12"];
    let promise = ["invoice", "promise", &of("cedar"), "--until", "2026-03-20"];
    shop.ok(&[&promise[..], &today].concat());
    shop.ok(&[&["invoice", "dispute", &of("dune")][..], &today].concat());
    shop.check();
    // What the past sent is told by the database; the folder starts empty.
    std::fs::remove_dir_all(shop.path("mail")).expect("the mail folder");
    shop.prepared()
}

/// Says which rows stand on one side only, where anything differs.
pub fn assert_same(what: &str, found: &Contents, expected: &Contents) {
    for (table, rows) in expected {
        let empty = Vec::new();
        let there = found.get(table).unwrap_or(&empty);
        if there == rows {
            continue;
        }
        let missing: Vec<_> = rows.iter().filter(|row| !there.contains(row)).take(5).collect();
        let extra: Vec<_> = there.iter().filter(|row| !rows.contains(row)).take(5).collect();
        panic!("{what}: {table} differs\n  missing: {missing:#?}\n  extra: {extra:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{what}: tables");
}

/// Events with who acted and what is said of them.
pub const EVENTS: &str = "SELECT e.id, e.at, e.kind, e.tenant_id, e.invoice_id, a.name AS actor,
    x.reason, x.data
  FROM events e JOIN actors a ON a.id = e.actor_id JOIN event_texts x ON x.event_id = e.id
  ORDER BY e.id";

/// The rows of a query as text, `column=value`, without the number of the run.
pub fn rows(sql: &rusqlite::Connection, query: &str) -> Vec<String> {
    let mut statement = sql.prepare(query).expect("a query");
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = Vec::new();
    let mut rows = statement.query([]).expect("rows");
    while let Some(row) = rows.next().expect("a row") {
        let mut text = String::new();
        for (at, column) in columns.iter().enumerate() {
            let value: rusqlite::types::Value = row.get(at).expect("a value");
            let value = match (column.as_str(), value) {
                // By the machine's clock, whatever day a test gives.
                ("prepared_at", _) => continue,
                ("run_id", _) => continue,
                ("data", rusqlite::types::Value::Text(data)) => without_run(&data),
                (_, rusqlite::types::Value::Null) => "-".to_owned(),
                (_, rusqlite::types::Value::Integer(n)) => n.to_string(),
                (_, rusqlite::types::Value::Text(text)) => text,
                (_, rusqlite::types::Value::Blob(bytes)) => {
                    String::from_utf8_lossy(&bytes).into_owned()
                }
                (_, rusqlite::types::Value::Real(x)) => panic!("{column} is a real number: {x}"),
            };
            text.push_str(&format!("{column}={value} "));
        }
        found.push(text);
    }
    found
}

/// An event's data without the run that it names.
fn without_run(data: &str) -> String {
    let mut data: Value = serde_json::from_str(data).expect("JSON");
    if let Some(object) = data.as_object_mut() {
        object.remove("run");
    }
    data.to_string()
}

/// Every file of a folder and of the folders in it.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|p| if p.is_dir() { files_below(&p) } else { vec![p] }).collect()
}

/// The files of a folder by name; none where there is no such folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(folder) else { return BTreeMap::new() };
    let entries = entries.map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| entry.path().is_file());
    files
        .map(|entry| {
            let name = entry.file_name().into_string().expect("a name");
            (name, std::fs::read(entry.path()).expect("a file"))
        })
        .collect()
}

fn outcome(output: Output) -> Outcome {
    Outcome {
        // A process that was killed has no status.
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The program that is tested: the one that cargo built beside the tests, or, to see that a release
/// build says the same, the one that `BILLING_TEST_BINARY` names.
fn binary() -> PathBuf {
    let named = std::env::var_os("BILLING_TEST_BINARY");
    named.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_billing")), PathBuf::from)
}

/// Runs a command in a folder with nothing of the machine's environment but what it needs.
pub fn seal(command: &mut Command, folder: &Path) {
    let binary = binary();
    let bin = binary.parent().expect("a folder");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .env("LOGNAME", "awa")
        .env("TZ", "UTC")
        .stdin(std::process::Stdio::null());
}
