//! Charging, killed at random moments before a gateway that misbehaves: the gateway's own books say
//! what customers paid, and once the task has run again the database says the same, to the unit.
//!
//! A trial is one kill of one `billing` process. As many are made as fit into half a minute;
//! `BILLING_TRIALS=2000` makes so many, whatever time they take, and `BILLING_REPLAY_SEED` draws
//! others. What is drawn is the same for each seed; at which instruction a kill arrives is not.
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate};
use rusqlite::Connection;
use support::inside::Random;
use support::ledger::{self, Booked};
use support::subscriptions::text;
use support::{Outcome, Prepared, Shop};

const RETRY: &str = "retry-failed-payments";
const GENERATE: &str = "generate-recurring-invoices";

/// How the keys come out: the same while it misbehaves and while it does not.
const OUTCOMES: [&str; 5] =
    ["decline=25", "decline-hard=8", "pending=20", "pending-declines=30", "asks=2"];
/// Late answers cost a second each, and so there are few.
const MISBEHAVES: [&str; 10] = [
    "early-sleep=40",
    "late-sleep=40",
    "sleep-ms=15",
    "abort-before=8",
    "abort-after=8",
    "garbage=6",
    "twice=6",
    "late=1",
    "late-ms=1500",
    "seed=0",
];

/// Where a kill found the process, judged from what it left: by the ledger's lock whether a call
/// was under way, by its files whether it was called, by the rows what had been committed. Several
/// charges go on at once; the kill counts for the first that fits, in the order of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    DuringTheCall,
    AnswerNotCommitted,
    KeyNotCalled,
    AfterTheAnswer,
    BeforeTheKey,
    /// Another process charged meanwhile, so that what is left cannot be told apart.
    TwoAtOnce,
}

/// What the trials came to, of all threads.
#[derive(Default)]
struct Tally {
    kills: AtomicU64,
    phases: Mutex<BTreeMap<Phase, u64>>,
    by_point: AtomicU64,
    worlds: AtomicU64,
    booked: AtomicU64,
    keys: AtomicU64,
    calls: AtomicU64,
}

impl Tally {
    fn killed(&self, phase: Phase) {
        self.kills.fetch_add(1, Ordering::Relaxed);
        *self.phases.lock().expect("no panic").entry(phase).or_default() += 1;
    }
}

/// A shop before the ledger.
struct World {
    shop: Shop,
    random: Random,
    day: NaiveDate,
    /// How long each command took that nobody killed, in µs.
    took: BTreeMap<&'static str, u64>,
    /// Invoices for which a person recorded a payment.
    paid_by_hand: BTreeSet<String>,
    tenants: usize,
}

/// Ten subscribers who pay by themselves, one of whose periods falls due on each of ten days, and
/// ten customers who are sent an invoice.
fn subscribers() -> Prepared {
    let shop = Shop::new();
    shop.plan("monthly", "10", "1", &[]);
    for n in 1..=10 {
        let tenant = format!("t{n}");
        shop.tenant(&tenant);
        new_method(&shop, &tenant, "tok_first", "2025-02-01");
        let day = format!("2025-02-{:02}", n + 1);
        let more = ["--anchor", "anniversary", "--collection", "automatic", "--no-invoice"];
        shop.subscribe(&tenant, "monthly", &day, &more);
    }
    shop.check();
    shop.prepared()
}

fn new_method(shop: &Shop, tenant: &str, token: &str, day: &str) {
    let create = ["payment-method", "create", "--tenant", tenant, "--kind", "card", "--default"];
    shop.ok(&[&create[..], &["--token", token, "--as-of", day]].concat());
}

/// Writes billing.toml: e-mails stay in the database, answers may take a second.
fn configure(shop: &Shop, settings: &[&str]) {
    let command = ledger::command(&shop.path("ledger"), settings);
    let command: Vec<String> = command.iter().map(|word| format!("{word:?}")).collect();
    shop.configure(&format!(
        "[payments]\ngateway = \"command\"\nname = \"ledger\"\ncommand = [{}]\ntimeout_seconds = 1\nparallel = 2\n",
        command.join(", ")
    ));
}

/// What can be told of the attempts from outside, to be compared.
struct Seen {
    /// Key, status and time of the answer.
    tries: BTreeMap<String, (String, Option<String>)>,
    /// How often each key came to the ledger.
    calls: BTreeMap<String, u64>,
}

impl Seen {
    fn now(shop: &Shop) -> Seen {
        let sql = shop.sql();
        let mut tries = sql
            .prepare("SELECT idempotency_key, status, answered_at FROM charge_attempts")
            .unwrap();
        let tries = tries.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))));
        let tries = tries.expect("tries").map(|row| row.expect("an attempt")).collect();
        let mut calls = BTreeMap::new();
        for entry in fs::read_dir(shop.path("ledger/calls")).into_iter().flatten() {
            let name = entry.expect("an entry").file_name().into_string().expect("text");
            let (key, number) = name.rsplit_once('.').expect("KEY.N");
            if number != "asked" {
                *calls.entry(key.to_owned()).or_default() += 1;
            }
        }
        Seen { tries, calls }
    }

    /// Where a process died that left `self`, before which `before` was there.
    fn phase(&self, before: &Seen, call_under_way: bool) -> Phase {
        let unchanged = |key: &&String| match before.tries.get(*key) {
            Some(earlier) => self.tries[*key] == *earlier,
            None => self.tries[*key].0 == "prepared",
        };
        let called = |key: &String| self.calls.get(key) > before.calls.get(key);
        if call_under_way {
            return Phase::DuringTheCall;
        }
        if self.tries.keys().filter(unchanged).any(called) {
            return Phase::AnswerNotCommitted;
        }
        let is_new = |key: &&String| !before.tries.contains_key(*key);
        if self.tries.keys().filter(is_new).any(|key| !self.calls.contains_key(key)) {
            return Phase::KeyNotCalled;
        }
        match self.tries == before.tries {
            true => Phase::BeforeTheKey,
            false => Phase::AfterTheAnswer,
        }
    }
}

/// Whether a call is under way that has begun to read its question.
fn call_under_way(shop: &Shop) -> bool {
    let running = fs::File::open(shop.path("ledger/running"));
    running.is_ok_and(|file| file.try_lock().is_err())
}

impl World {
    fn new(prepared: &Prepared, seed: u64) -> World {
        let shop = prepared.shop();
        let seed_setting = format!("seed={}", seed % 1_000_000);
        let mut settings = [&OUTCOMES[..], &MISBEHAVES].concat();
        settings.pop();
        settings.push(&seed_setting);
        configure(&shop, &settings);
        World {
            shop,
            random: Random::with(seed),
            day: "2025-03-02".parse().expect("a day"),
            took: BTreeMap::new(),
            paid_by_hand: BTreeSet::new(),
            tenants: 10,
        }
    }

    fn day(&self) -> String {
        self.day.to_string()
    }

    fn open_invoice(&mut self) -> Option<String> {
        let open = column(&self.shop.sql(), "SELECT number FROM invoices WHERE status = 'open'");
        self.random.one_of(&open)
    }

    /// A command that charges, and what it is called.
    fn draw(&mut self) -> (&'static str, Vec<String>) {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self.random.below(10) {
            0..=3 => (RETRY, words(&["tasks", RETRY, "--no-deliver"])),
            4..=6 => (GENERATE, words(&["tasks", GENERATE, "--no-deliver"])),
            7..=8 => match self.open_invoice() {
                Some(number) => ("charge", words(&["invoice", "charge", &number])),
                None => (GENERATE, words(&["tasks", GENERATE, "--no-deliver"])),
            },
            _ => {
                let tenant = format!("t{}", self.random.below(self.tenants as u64) + 1);
                let create = ["subscription", "create", "--plan", "monthly", "--tenant", &tenant];
                ("create", words(&[&create[..], &["--collection", "automatic"]].concat()))
            }
        }
    }

    fn args(&self, words: &[String]) -> Vec<String> {
        [words, &["--as-of".to_owned(), self.day()]].concat()
    }

    /// Runs a command to its end.
    fn run(&mut self, what: &'static str, words: &[String]) {
        let (args, begun) = (self.args(words), Instant::now());
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let done = self.shop.run(&args);
        nothing_strange(&args, &done);
        self.took.insert(what, begun.elapsed().as_micros() as u64);
    }

    /// A moment of the command's life, and a little beyond.
    fn moment(&mut self, what: &'static str) -> Duration {
        let took = self.took.get(what).copied().unwrap_or(60_000).min(1_000_000);
        Duration::from_micros(self.random.below(took * 11 / 10))
    }

    /// Kills a command, unless it comes to its end before, and counts where it died.
    fn killed(&mut self, tally: &Tally) {
        let (what, words) = self.draw();
        let args = self.args(&words);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let before = Seen::now(&self.shop);
        let died = match self.random.below(3) {
            // At a commit, of which few are made without a charge and two dozen with many.
            0 => {
                let mut command = self.shop.command(&args);
                let point = 1 + self.random.below(14);
                command.env("BILLING_CRASH_AT", point.to_string());
                let died = command.output().expect("billing starts").status.code().is_none();
                tally.by_point.fetch_add(u64::from(died), Ordering::Relaxed);
                died
            }
            _ => {
                let after = self.moment(what);
                self.shop.is_killed(&args, after)
            }
        };
        let under_way = call_under_way(&self.shop);
        ledger::wait_until_quiet(&self.shop.path("ledger"));
        if died {
            tally.killed(Seen::now(&self.shop).phase(&before, under_way));
        }
        self.holds_at_every_moment();
    }

    /// Two commands at once, one of which is killed, or both at different moments. Nobody waits
    /// for the calls of the dead.
    fn two_at_once(&mut self, tally: &Tally) {
        let (drawn, both) = ([self.draw(), self.draw()], self.random.below(2) == 0);
        let [one, other] = drawn.each_ref().map(|(_, words)| self.args(words));
        let words = |args: &'_ [String]| args.iter().map(String::clone).collect::<Vec<_>>();
        let start = |args: &[String]| {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            self.shop.start(&args)
        };
        let (mut first, mut second) = (start(&one), start(&other));
        std::thread::sleep(self.moment(drawn[0].0));
        first.kill().expect("it is ours");
        if both {
            std::thread::sleep(self.moment(drawn[1].0));
            second.kill().expect("it is ours");
        }
        for (child, args) in [(first, words(&one)), (second, words(&other))] {
            let done = Shop::end_of(child);
            match done.status < 0 {
                true => tally.killed(Phase::TwoAtOnce),
                false => {
                    let args: Vec<&str> = args.iter().map(String::as_str).collect();
                    nothing_strange(&args, &done);
                }
            }
        }
        self.holds_at_every_moment();
    }

    /// What people do meanwhile.
    fn somebody_acts(&mut self) {
        let day = self.day();
        match self.random.below(4) {
            // Money that comes by another way, in full or in part: what was charged for it too is
            // a credit.
            0 => {
                let Some(number) = self.open_invoice() else { return };
                let amount = if self.random.below(3) == 0 { "4" } else { "10" };
                let pay = ["invoice", "pay", &number, "--amount", amount, "--as-of", &day];
                if self.shop.run(&pay).status == 0 {
                    self.paid_by_hand.insert(number);
                }
            }
            1 => {
                let tenant = format!("t{}", self.random.below(self.tenants as u64) + 1);
                new_method(&self.shop, &tenant, &format!("tok_{day}"), &day);
            }
            2 => {
                let Some(number) = self.open_invoice() else { return };
                let until = self.day + Days::new(1);
                let until = until.to_string();
                self.shop.run(&["invoice", "promise", &number, "--until", &until, "--as-of", &day]);
            }
            // Refused while a charge has no outcome.
            _ => {
                let Some(number) = self.open_invoice() else { return };
                self.shop.run(&["invoice", "void", &number, "--reason", "x", "--as-of", &day]);
            }
        }
    }

    /// What holds whenever nobody writes, even just after a death.
    fn holds_at_every_moment(&self) {
        let sql = self.shop.sql();
        nothing(
            &sql,
            "two attempts of an invoice are alive",
            "SELECT x.invoice_id FROM charge_attempts a JOIN transactions x
               ON x.id = a.transaction_id
             WHERE a.status IN ('prepared', 'pending', 'unknown')
             GROUP BY x.invoice_id HAVING count(*) > 1",
        );
        nothing(
            &sql,
            "more than three retries",
            "SELECT transaction_id FROM charge_attempts
             WHERE status IN ('succeeded', 'declined', 'pending')
             GROUP BY transaction_id HAVING count(*) > 4",
        );
        nothing(
            &sql,
            "an attempt of an invoice was made before the one before it had an answer",
            "SELECT y.idempotency_key FROM charge_attempts a
             JOIN transactions x ON x.id = a.transaction_id
             JOIN transactions z ON z.invoice_id = x.invoice_id
             JOIN charge_attempts y ON y.transaction_id = z.id AND y.id > a.id
             WHERE a.answered_at IS NULL OR a.answered_at > y.created_at",
        );
    }

    /// The ledger comes to its senses, and cron goes on until no charge is open.
    fn goes_on_until_quiet(&mut self) {
        ledger::wait_until_quiet(&self.shop.path("ledger"));
        let seed = self.setting_of_seed();
        configure(&self.shop, &[&OUTCOMES[..], &[&seed]].concat());
        for _ in 0..14 {
            self.day = self.day + Days::new(1);
            self.shop.machine_goes_on(24 * 60 * 60);
            let report = self.shop.task(RETRY, &self.day(), &["--no-deliver"]);
            // Nobody could ask for some days, so that what is pending may be so for long.
            let errors = report["errors"].as_array().expect("errors");
            assert!(errors.iter().all(|e| e["code"] == "pending_too_long"), "{report}");
            let open = "SELECT id FROM transactions WHERE next_retry_at IS NOT NULL";
            if column(&self.shop.sql(), open).is_empty() {
                return;
            }
        }
        panic!("still not quiet");
    }

    fn setting_of_seed(&self) -> String {
        let config = fs::read_to_string(self.shop.path("billing.toml")).expect("billing.toml");
        let at = config.find("seed=").expect("the seed");
        config[at..].split('"').next().expect("its end").to_owned()
    }
}

/// A command that nobody killed says nothing but what charging may say.
fn nothing_strange(args: &[&str], done: &Outcome) {
    assert!([0, 1, 3, 75].contains(&done.status), "{args:?}: {done:?}");
    let bad = ["database is locked", "another command has been writing", "panicked", "tok_"];
    let strange = bad.iter().any(|words| done.stderr.contains(words));
    assert!(!strange && !done.stdout.contains("tok_"), "{args:?}: {done:?}");
}

fn column(sql: &Connection, query: &str) -> Vec<String> {
    let mut statement = sql.prepare(query).expect(query);
    let rows = statement.query_map([], |row| {
        Ok(match row.get::<_, rusqlite::types::Value>(0)? {
            rusqlite::types::Value::Text(text) => text,
            other => format!("{other:?}"),
        })
    });
    rows.expect(query).map(|row| row.expect(query)).collect()
}

fn nothing(sql: &Connection, what: &str, query: &str) {
    let found = column(sql, query);
    assert!(found.is_empty(), "{what}: {found:?}");
}

/// Proves that the ledger and the database agree, once no charge is open any more. Returns how
/// many debts the ledger has booked.
fn agree(shop: &Shop, paid_by_hand: &BTreeSet<String>) -> usize {
    ledger::wait_until_quiet(&shop.path("ledger"));
    let (books, sql) = (ledger::books(&shop.path("ledger")), shop.sql());
    let log = ledger::log(&shop.path("ledger"));
    // The same key always came with the same bytes.
    assert!(log.iter().all(|call| call.way != "conflict"), "{log:#?}");

    // Money was taken where the books say succeeded, and each of these is one attempt that says so,
    // for the same invoice, with the same amount.
    let succeeded = |booked: &&Booked| booked.outcome == "succeeded";
    let expected: BTreeMap<String, (String, i64)> = books
        .iter()
        .filter(|(_, booked)| succeeded(booked))
        .map(|(key, booked)| (key.clone(), (booked.invoice.clone(), booked.amount_minor)))
        .collect();
    let mut recorded = sql
        .prepare(
            "SELECT a.idempotency_key, i.number, a.amount_minor, x.amount_minor
             FROM charge_attempts a JOIN transactions x ON x.id = a.transaction_id
             JOIN invoices i ON i.id = x.invoice_id
             WHERE a.status = 'succeeded' AND x.status = 'succeeded'",
        )
        .expect("tries");
    let recorded = recorded.query_map([], |row| {
        let (tried, booked): (i64, i64) = (row.get(2)?, row.get(3)?);
        assert_eq!(tried, booked);
        Ok((row.get(0)?, (row.get(1)?, tried)))
    });
    let recorded: BTreeMap<String, (String, i64)> =
        recorded.expect("tries").map(|row| row.expect("an attempt")).collect();
    assert_eq!(recorded, expected, "what was recorded, and what customers paid");
    nothing(
        &sql,
        "a charge succeeded without an attempt",
        "SELECT id FROM transactions x WHERE kind = 'charge' AND status = 'succeeded'
           AND 1 <> (SELECT count(*) FROM charge_attempts
                     WHERE transaction_id = x.id AND status = 'succeeded')",
    );

    // No debt was charged twice, whatever else happened to it.
    let mut debts = BTreeMap::new();
    for booked in books.values().filter(succeeded) {
        *debts.entry(booked.invoice.as_str()).or_insert(0) += 1;
    }
    let twice: Vec<_> = debts.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "charged twice: {twice:?}");
    // What was paid twice, a person has recorded the other payment; it is their credit.
    let credits = column(
        &sql,
        "SELECT i.number FROM transactions x JOIN invoices i ON i.id = x.invoice_id
         WHERE x.status = 'succeeded' AND x.applied_minor < x.amount_minor",
    );
    assert!(credits.iter().all(|number| paid_by_hand.contains(number)), "{credits:?}");

    // No debt is dropped in silence: what is still owed was declined, and marked when no attempt was
    // left.
    nothing(
        &sql,
        "no charge was begun",
        "SELECT number FROM invoices i WHERE status = 'open' AND collection = 'automatic'
           AND NOT EXISTS (SELECT 1 FROM transactions WHERE invoice_id = i.id AND kind = 'charge')",
    );
    nothing(
        &sql,
        "given up without a word",
        "SELECT i.number FROM invoices i
         JOIN transactions x ON x.id = (SELECT max(id) FROM transactions
                                        WHERE invoice_id = i.id AND kind = 'charge')
         WHERE i.status = 'open' AND NOT EXISTS (SELECT 1 FROM events JOIN event_texts ON event_id = id
           WHERE invoice_id = i.id AND kind = 'charge_exhausted'
             AND json_extract(data, '$.transaction') = 'txn_' || x.id)",
    );
    nothing(
        &sql,
        "no answer yet",
        "SELECT id FROM charge_attempts WHERE status IN ('prepared', 'pending', 'unknown')",
    );
    nothing(
        &sql,
        "a period was billed twice",
        "SELECT group_concat(number) FROM invoices WHERE status <> 'void'
         GROUP BY subscription_id, period_start HAVING count(*) > 1",
    );
    let checked = shop.json(&["db", "check"]);
    assert_eq!(checked["ok"], true, "{checked}");
    // Some of them have paid another invoice since.
    let kept = shop.json(&["credit", "list"]);
    assert_eq!(kept.as_array().expect("a list").len(), credits.len(), "{kept}");
    debts.len()
}

/// Ten days of kills, and what they come to.
fn ten_days(prepared: &Prepared, seed: u64, tally: &Tally) {
    let mut world = World::new(prepared, seed);
    for _ in 0..10 {
        for _ in 0..3 {
            match world.random.below(8) {
                0..=4 => world.killed(tally),
                5..=6 => world.two_at_once(tally),
                _ => world.somebody_acts(),
            }
        }
        // On most days cron gets through as well, which also says how long that takes.
        if world.random.below(3) > 0 {
            let (what, words) = world.draw();
            world.run(what, &words);
        }
        world.day = world.day + Days::new(1);
    }
    world.goes_on_until_quiet();
    let booked = agree(&world.shop, &world.paid_by_hand);
    tally.worlds.fetch_add(1, Ordering::Relaxed);
    tally.booked.fetch_add(booked as u64, Ordering::Relaxed);
    let seen = Seen::now(&world.shop);
    tally.keys.fetch_add(seen.tries.len() as u64, Ordering::Relaxed);
    tally.calls.fetch_add(seen.calls.values().sum(), Ordering::Relaxed);
}

#[test]
fn whatever_is_killed_whenever_the_books_of_the_gateway_and_ours_agree_in_the_end() {
    let wanted: Option<u64> =
        std::env::var("BILLING_TRIALS").ok().map(|text| text.parse().expect("a number"));
    let (begun, tally, prepared) = (Instant::now(), Tally::default(), subscribers());
    let mut random = Random::seeded();
    let seeds: Vec<u64> = (0..10_000).map(|_| random.below(u64::MAX)).collect();
    let next = AtomicU64::new(0);
    let goes_on = || match wanted {
        Some(wanted) => tally.kills.load(Ordering::Relaxed) < wanted,
        None => begun.elapsed() < Duration::from_secs(25),
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while goes_on() {
                    let seed = seeds[next.fetch_add(1, Ordering::Relaxed) as usize];
                    // A panic in a thread of its own says which world it was.
                    let trial = std::panic::AssertUnwindSafe(|| ten_days(&prepared, seed, &tally));
                    if let Err(panic) = std::panic::catch_unwind(trial) {
                        println!("the world of seed {seed} failed");
                        std::panic::resume_unwind(panic);
                    }
                }
            });
        }
    });
    let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
    println!(
        "{} kills ({} of them at a commit) in {} worlds: {} debts charged, {} keys, {} calls, {:?}",
        count(&tally.kills),
        count(&tally.by_point),
        count(&tally.worlds),
        count(&tally.booked),
        count(&tally.keys),
        count(&tally.calls),
        begun.elapsed()
    );
    println!("{:#?}", tally.phases.lock().expect("no panic"));
    assert!(count(&tally.kills) > 0);
    if wanted.is_some_and(|wanted| wanted >= 300) {
        assert_eq!(tally.phases.lock().expect("no panic").len(), 6, "every phase was hit");
    }
}

/// Kills the command at its first commit point, its second and so on, each time in a shop of its
/// own; then cron comes. Returns how many points there are.
fn at_every_commit(prepared: &Prepared, args: &[&str], booked: usize) -> u64 {
    for point in 1.. {
        let shop = prepared.shop();
        configure(&shop, &[]);
        let today = ["--as-of", "2025-03-02"];
        let died = shop.crashes(&[args, &today].concat(), point).is_some();
        ledger::wait_until_quiet(&shop.path("ledger"));
        for task in [GENERATE, RETRY] {
            let args = ["tasks", task, "--no-deliver"];
            let done = shop.run(&[&args[..], &today].concat());
            assert_eq!(done.status, 0, "{args:?} after point {point}: {done:?}");
        }
        let found = agree(&shop, &BTreeSet::new());
        assert!(found == booked || found + 1 == booked, "{args:?}, point {point}: {found}");
        // One fewer only where the command died before it made the debt.
        let made = text(&shop.json(&["invoice", "list"])[0]["status"]) == "paid";
        assert!(made, "{args:?}, point {point}");
        if !died {
            assert_eq!(found, booked, "{args:?}");
            return point - 1;
        }
    }
    unreachable!("a command has an end")
}

#[test]
fn each_command_that_charges_killed_at_every_commit_charges_each_debt_once() {
    let shop = Shop::new();
    shop.plan("monthly", "10", "1", &[]);
    for tenant in ["one", "two", "three"] {
        shop.tenant(tenant);
        new_method(&shop, tenant, "tok_1", "2025-02-01");
    }
    let more = ["--anchor", "anniversary", "--collection", "automatic", "--no-invoice"];
    for tenant in ["one", "two"] {
        shop.subscribe(tenant, "monthly", "2025-03-01", &more);
    }
    let due = shop.prepared();
    let generate = ["tasks", GENERATE, "--no-deliver"];
    let points = at_every_commit(&due, &generate, 2);
    // The run's start and end, the scan, the keys, the answers: before and after each.
    assert!(points >= 10, "{points}");

    // Two debts are there already, and a third comes with the command or does not.
    let create = ["subscription", "create", "--tenant", "three", "--plan", "monthly"];
    let create = [&create[..], &["--collection", "automatic"]].concat();
    let points = at_every_commit(&due, &create, 3);
    assert!(points >= 6, "{points}");

    // Issued where there was no gateway.
    shop.ok(&[&generate[..], &["--as-of", "2025-03-02"]].concat());
    let issued = shop.prepared();
    let points = at_every_commit(&issued, &["tasks", RETRY, "--no-deliver"], 2);
    assert!(points >= 8, "{points}");
    let number = text(&shop.json(&["invoice", "list"])[0]["number"]);
    let points = at_every_commit(&issued, &["invoice", "charge", &number], 2);
    assert!(points >= 4, "{points}");
}
