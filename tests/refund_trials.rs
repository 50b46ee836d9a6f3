//! Refunds, killed at random moments before a gateway that misbehaves, gives back by itself and is
//! disputed: once the task has run again, what the gateway gave back is what our books say, to the unit.
//!
//! A trial is one kill of one `billing` process. As many are made as fit into some seconds;
//! `BILLING_TRIALS=1000` makes so many, whatever time they take, and `BILLING_REPLAY_SEED` draws
//! others. What is drawn is the same for each seed; at which instruction a kill arrives is not.
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate};
use serde_json::Value;
use support::inside::Random;
use support::ledger;
use support::subscriptions::{GENERATE, text};
use support::{Outcome, Prepared, Shop};

const RETRY: &str = "retry-failed-payments";
const TENANTS: u64 = 8;

/// How refunds and disputes come out: the same while it misbehaves and while it does not.
const OUTCOMES: [&str; 8] = [
    "refund-decline=12",
    "refund-pending=25",
    "refund-pending-declines=30",
    "refund-fails-later=15",
    "outside=30",
    "dispute=20",
    "dispute-lost=50",
    "asks=2",
];
/// Late answers cost a second each, and so there are few.
const MISBEHAVES: [&str; 9] = [
    "early-sleep=40",
    "late-sleep=40",
    "sleep-ms=15",
    "abort-before=8",
    "abort-after=8",
    "garbage=6",
    "twice=6",
    "late=1",
    "late-ms=1500",
];
/// What a run may say of refunds that a person has to look at.
const NAMED: [&str; 6] = [
    "refund_failed",
    "pending_too_long",
    "nothing_to_credit",
    "credit_note_above_invoice",
    "refunded_too_much",
    "refund_of_reversed",
];

/// What the trials came to, of all threads.
#[derive(Default)]
struct Tally {
    kills: AtomicU64,
    by_point: AtomicU64,
    worlds: AtomicU64,
    own: AtomicU64,
    failed: AtomicU64,
    outside: AtomicU64,
    named: AtomicU64,
    lost: AtomicU64,
    calls: AtomicU64,
}

impl Tally {
    fn add(count: &AtomicU64, number: usize) {
        count.fetch_add(number as u64, Ordering::Relaxed);
    }
}

/// A shop before the ledger, with customers that were charged 120.00 each.
struct World {
    shop: Shop,
    random: Random,
    seed: u64,
    day: NaiveDate,
    /// How long each command took that nobody killed, in µs.
    took: BTreeMap<&'static str, u64>,
}

fn subscribers() -> Prepared {
    let shop = Shop::new();
    shop.plan("monthly", "120", "1", &[]);
    for n in 1..=TENANTS {
        let tenant = format!("t{n}");
        shop.tenant(&tenant);
        let create = ["payment-method", "create", "--tenant", &tenant, "--kind", "card"];
        shop.ok(&[&create[..], &["--default", "--token", "tok_1"]].concat());
        let more = ["--anchor", "anniversary", "--collection", "automatic", "--no-invoice"];
        shop.subscribe(&tenant, "monthly", "2025-03-01", &more);
    }
    shop.prepared()
}

impl World {
    fn new(prepared: &Prepared, seed: u64) -> World {
        let world = World {
            shop: prepared.shop(),
            random: Random::with(seed),
            seed,
            day: "2025-03-02".parse().expect("a day"),
            took: BTreeMap::new(),
        };
        world.configure(&[]);
        let report = world.shop.task(GENERATE, "2025-03-01", &["--no-deliver"]);
        assert_eq!(report["charged"], TENANTS, "{report}");
        world.configure(&MISBEHAVES);
        world
    }

    /// E-mails stay in the database, answers may take a second.
    fn configure(&self, more: &[&str]) {
        let seed = format!("seed={}", self.seed % 1_000_000);
        let settings = [&OUTCOMES[..], more, &[&seed]].concat();
        let command = ledger::command(&self.shop.path("ledger"), &settings);
        let command: Vec<String> = command.iter().map(|word| format!("{word:?}")).collect();
        self.shop.configure(&format!(
            "[payments]\ngateway = \"command\"\nname = \"ledger\"\nrefunds = true\n\
             command = [{}]\ntimeout_seconds = 1\nparallel = 2\n",
            command.join(", ")
        ));
    }

    fn column(&self, query: &str) -> Vec<String> {
        let sql = self.shop.sql();
        let mut statement = sql.prepare(query).expect(query);
        let rows = statement.query_map([], |row| row.get(0)).expect(query);
        rows.map(|row| row.expect(query)).collect()
    }

    fn invoice(&mut self, status: &str) -> Option<String> {
        let query = format!("SELECT number FROM invoices WHERE status = '{status}'");
        self.random.one_of(&self.column(&query))
    }

    fn amount(&mut self) -> String {
        format!("{}.{:02}", self.random.below(70), 1 + self.random.below(99))
    }

    /// A command that gives back, and what it is called.
    fn draw(&mut self) -> (&'static str, Vec<String>) {
        let retry = ("retry", owned(&["tasks", RETRY, "--no-deliver"]));
        match self.random.below(10) {
            0..=3 => retry,
            4..=7 => {
                let (number, amount) = (self.invoice("paid"), self.amount());
                let Some(number) = number else { return retry };
                let create = ["credit-note", "create", "--invoice", &number, "--refund"];
                let of = match self.random.below(4) {
                    0 => vec!["--full"],
                    _ => vec!["--amount", &amount],
                };
                let more = ["--reason", "goodwill", "--no-email"];
                ("note", owned(&[&create[..], &of, &more].concat()))
            }
            _ => {
                let charges = "SELECT 'txn_' || id FROM transactions
                    WHERE kind = 'charge' AND status = 'succeeded'";
                let Some(id) = self.random.one_of(&self.column(charges)) else { return retry };
                ("refund", owned(&["transaction", "refund", &id, "--reason", "too much"]))
            }
        }
    }

    fn args(&self, words: &[String]) -> Vec<String> {
        [words, &["--as-of".to_owned(), self.day.to_string()]].concat()
    }

    /// Runs a command to its end.
    fn run(&mut self, what: &'static str, words: &[String]) {
        let (args, begun) = (self.args(words), Instant::now());
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        nothing_strange(&args, &self.shop.run(&args));
        self.took.insert(what, begun.elapsed().as_micros() as u64);
    }

    /// A moment of the command's life, and a little beyond.
    fn moment(&mut self, what: &'static str) -> Duration {
        let took = self.took.get(what).copied().unwrap_or(60_000).min(1_000_000);
        Duration::from_micros(self.random.below(took * 11 / 10))
    }

    /// Kills a command, unless it comes to its end before.
    fn killed(&mut self, tally: &Tally) {
        let (what, words) = self.draw();
        let args = self.args(&words);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let died = match self.random.below(3) {
            0 => {
                let mut command = self.shop.command(&args);
                command.env("BILLING_CRASH_AT", (1 + self.random.below(14)).to_string());
                let died = command.output().expect("billing starts").status.code().is_none();
                Tally::add(&tally.by_point, usize::from(died));
                died
            }
            _ => {
                let after = self.moment(what);
                self.shop.is_killed(&args, after)
            }
        };
        Tally::add(&tally.kills, usize::from(died));
        // At times nobody waits for the call of the dead.
        if self.random.below(2) == 0 {
            ledger::wait_until_quiet(&self.shop.path("ledger"));
        }
    }

    /// Two commands at once, one of which is killed, or both at different moments.
    fn two_at_once(&mut self, tally: &Tally) {
        let (drawn, both) = ([self.draw(), self.draw()], self.random.below(2) == 0);
        let args = drawn.each_ref().map(|(_, words)| self.args(words));
        let words = args.each_ref().map(|a| a.iter().map(String::as_str).collect::<Vec<_>>());
        let [mut first, mut second] = words.each_ref().map(|words| self.shop.start(words));
        std::thread::sleep(self.moment(drawn[0].0));
        first.kill().expect("it is ours");
        if both {
            std::thread::sleep(self.moment(drawn[1].0));
            second.kill().expect("it is ours");
        }
        for (child, words) in [first, second].into_iter().zip(&words) {
            let done = Shop::end_of(child);
            match done.status < 0 {
                true => Tally::add(&tally.kills, 1),
                false => nothing_strange(words, &done),
            }
        }
    }

    /// What people do meanwhile.
    fn somebody_acts(&mut self) {
        let (amount, status) = (self.amount(), ["open", "paid"][self.random.below(2) as usize]);
        let tenant = format!("t{}", 1 + self.random.below(TENANTS));
        let number = self.invoice(status);
        let number = number.as_deref().unwrap_or("INV-2025-000001");
        let payments = "SELECT 'txn_' || id FROM transactions
            WHERE kind = 'payment' AND status = 'succeeded'";
        let payment = self.random.one_of(&self.column(payments)).unwrap_or("txn_1".to_owned());
        let words = match self.random.below(5) {
            // Money that comes by another way, some of it too much.
            0 | 1 => {
                let pay = ["invoice", "pay", number, "--amount", &amount];
                owned(&[&pay[..], &["--allow-overpayment", "--no-email"]].concat())
            }
            // And never came.
            2 if payment != "txn_1" => {
                owned(&["transaction", "reverse", &payment, "--reason", "it never came"])
            }
            3 => {
                let create = ["credit-note", "create", "--invoice", number, "--amount", &amount];
                owned(&[&create[..], &["--reason", "error", "--credit", "--no-email"]].concat())
            }
            // What is in credit pays it.
            _ => owned(&["invoice", "create", "--tenant", &tenant, "--amount", &amount]),
        };
        self.run("somebody", &words);
    }

    /// The ledger comes to its senses, and cron goes on until nothing is open, and nothing new is told;
    /// returns what the last run named.
    fn goes_on_until_quiet(&mut self) -> Vec<Value> {
        ledger::wait_until_quiet(&self.shop.path("ledger"));
        self.configure(&[]);
        let mut calm = 0;
        for _ in 0..20 {
            self.day = self.day + Days::new(1);
            self.shop.machine_goes_on(24 * 60 * 60);
            let report = self.shop.task(RETRY, &self.day.to_string(), &["--no-deliver"]);
            let errors = report["errors"].as_array().expect("errors").clone();
            let fits = |error: &Value| NAMED.contains(&text(&error["code"]).as_str());
            assert!(errors.iter().all(fits), "{report}");
            let open = "SELECT 'txn_' || id FROM transactions WHERE next_retry_at IS NOT NULL";
            let quiet = report["changes_booked"] == 0 && self.column(open).is_empty();
            calm = if quiet { calm + 1 } else { 0 };
            // A dispute is decided once it was told of twice.
            if calm == 3 {
                return errors;
            }
        }
        panic!("still not quiet");
    }

    /// Proves that the ledger's books and ours agree, once nothing is open any more.
    fn agrees(&self, errors: &[Value], tally: &Tally) {
        let folder = self.shop.path("ledger");
        ledger::never_too_much_back(&folder);
        // The same key always came with the same bytes.
        let log = ledger::log(&folder);
        assert!(log.iter().all(|call| call.way != "conflict"), "{log:#?}");
        let sql = self.shop.sql();
        let mut statement = sql
            .prepare(
                "SELECT r.reference, c.reference, sum(r.amount_minor) FROM transactions r
                 JOIN transactions c ON c.id = r.refund_of
                 WHERE r.kind = 'refund' AND r.status = 'succeeded' GROUP BY r.reference, c.reference",
            )
            .expect("refunds");
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, (row.get::<_, String>(1)?, row.get::<_, i64>(2)?)))
        });
        let ours: BTreeMap<_, _> = rows.expect("refunds").map(|row| row.expect("one")).collect();

        let reversed: BTreeSet<String> = self
            .column(
                "SELECT reference FROM transactions WHERE kind = 'charge' AND reversed_at IS NOT NULL",
            )
            .into_iter()
            .collect();
        let named: BTreeSet<String> = errors.iter().map(|e| text(&e["subject"])).collect();
        let (mut theirs, mut excused) = (BTreeMap::new(), 0);
        for (key, refund) in ledger::refunds(&folder) {
            let own = !key.starts_with("out_");
            if refund.booked.outcome != "succeeded" {
                Tally::add(&tally.failed, usize::from(own));
                continue;
            }
            let reference = format!("led_{key}");
            Tally::add(if own { &tally.own } else { &tally.outside }, 1);
            // What nobody could book is named, day after day, or was once, of a charge that is gone.
            let excuse = named.contains(&reference) || reversed.contains(&refund.charge);
            if !own && !ours.contains_key(&reference) && excuse {
                excused += 1;
                continue;
            }
            theirs.insert(reference, (refund.charge, refund.booked.amount_minor));
        }
        assert_eq!(ours, theirs, "what was recorded, and what went back; named: {named:?}");
        Tally::add(&tally.named, excused);

        let disputes = ledger::disputes(&folder);
        let lost: BTreeSet<String> = disputes
            .iter()
            .filter(|(_, status)| *status == "lost")
            .map(|(key, _)| format!("led_{key}"))
            .collect();
        assert!(disputes.values().all(|status| status != "open"), "{disputes:?}");
        assert_eq!(reversed, lost, "the charges that were taken back");
        Tally::add(&tally.lost, lost.len());
        Tally::add(&tally.calls, log.len());
        self.shop.check_but_for_credits();
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A command that nobody killed says nothing but what giving back may say.
fn nothing_strange(args: &[&str], done: &Outcome) {
    assert!([0, 1, 3, 75].contains(&done.status), "{args:?}: {done:?}");
    let bad = ["database is locked", "another command has been writing", "panicked", "is damaged"];
    assert!(!bad.iter().any(|words| done.stderr.contains(words)), "{args:?}: {done:?}");
}

/// Eight days of kills, and what they come to.
fn eight_days(prepared: &Prepared, seed: u64, tally: &Tally) {
    let mut world = World::new(prepared, seed);
    for _ in 0..8 {
        for _ in 0..4 {
            match world.random.below(8) {
                0..=3 => world.killed(tally),
                4 => world.two_at_once(tally),
                _ => world.somebody_acts(),
            }
        }
        // On most days something gets through as well, which also says how long that takes.
        if world.random.below(3) > 0 {
            let (what, words) = world.draw();
            world.run(what, &words);
        }
        ledger::never_too_much_back(&world.shop.path("ledger"));
        world.day = world.day + Days::new(1);
    }
    let errors = world.goes_on_until_quiet();
    world.agrees(&errors, tally);
    Tally::add(&tally.worlds, 1);
}

#[test]
fn whatever_is_killed_whenever_what_went_back_is_what_our_books_say() {
    let wanted: Option<u64> =
        std::env::var("BILLING_TRIALS").ok().map(|text| text.parse().expect("a number"));
    let (begun, tally, prepared) = (Instant::now(), Tally::default(), subscribers());
    let mut random = Random::seeded();
    let seeds: Vec<u64> = (0..10_000).map(|_| random.below(u64::MAX)).collect();
    let next = AtomicU64::new(0);
    let goes_on = || match wanted {
        Some(wanted) => tally.kills.load(Ordering::Relaxed) < wanted,
        None => begun.elapsed() < Duration::from_secs(12),
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while goes_on() {
                    let seed = seeds[next.fetch_add(1, Ordering::Relaxed) as usize];
                    // A panic in a thread of its own says which world it was.
                    let trial =
                        std::panic::AssertUnwindSafe(|| eight_days(&prepared, seed, &tally));
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
        "{} kills ({} of them at a commit) in {} worlds: {} refunds of ours went back, {} did not; {} of \
         theirs, {} of them named; {} charges lost; {} calls, {:?}",
        count(&tally.kills),
        count(&tally.by_point),
        count(&tally.worlds),
        count(&tally.own),
        count(&tally.failed),
        count(&tally.outside),
        count(&tally.named),
        count(&tally.lost),
        count(&tally.calls),
        begun.elapsed()
    );
    assert!(count(&tally.kills) > 0);
}
