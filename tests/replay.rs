//! Two years of a real ledger, day by day: 2,466 invoices of 100 customers, each settled once, in
//! full, at most 45 days late. What the program recorded is compared with what plain counting in
//! the file says, on clean days, after missed ones, with two runs a day and with runs that died.
//!
//! The ledger is third-party data and no part of this project. Where it is not there, the tests
//! say so and pass.
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use billing::books::{Book, Notify, PaymentTerms};
use billing::domain::schedule::Task;
use billing::domain::transaction::NewPayment;
use billing::store::Store;
use billing::tasks::Options;
use chrono::{Days, NaiveDate};
use support::inside::{Inside, Random};
use support::{Contents, Prepared, Shop, assert_same, rows};

const FIRST_DAY: &str = "2012-01-03";
const LAST_DAY: &str = "2014-01-10";

/// The stages and their days, as the interface promises them.
const LADDER: [(&str, i64); 4] =
    [("friendly", 3), ("urgent", 7), ("warning", 15), ("suspension", 30)];
const NOTICE: i64 = 7;

/// A line of the ledger.
#[derive(Debug, Clone)]
struct Settled {
    customer: String,
    number: String,
    amount: String,
    issued_on: NaiveDate,
    due_on: NaiveDate,
    settled_on: NaiveDate,
}

impl Settled {
    fn days_late(&self) -> i64 {
        (self.settled_on - self.due_on).num_days()
    }
}

/// A stage of an invoice and the day it is recorded.
type Step = (String, &'static str, NaiveDate);

/// What a replay is to come to, and what it came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    steps: BTreeSet<Step>,
    /// Customer and day.
    suspended: BTreeSet<(String, NaiveDate)>,
    returned: BTreeSet<(String, NaiveDate)>,
}

impl Counted {
    fn of_stage(&self, stage: &str) -> usize {
        self.steps.iter().filter(|(_, recorded, _)| *recorded == stage).count()
    }

    fn say(&self, what: &str) {
        let counts = LADDER.map(|(stage, _)| format!("{} {stage}", self.of_stage(stage)));
        println!(
            "{what}: {}; {} tenants suspended, {} returned",
            counts.join(", "),
            self.suspended.len(),
            self.returned.len()
        );
    }
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn days() -> impl Iterator<Item = NaiveDate> {
    date(FIRST_DAY).iter_days().take_while(|day| *day <= date(LAST_DAY))
}

fn ledger_path() -> PathBuf {
    match std::env::var_os("BILLING_RECEIVABLES") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/receivables.csv"),
    }
}

/// The ledger, or `None` where this machine does not have it.
fn ledger() -> Option<&'static [Settled]> {
    static LEDGER: LazyLock<Option<Vec<Settled>>> = LazyLock::new(|| {
        let text = std::fs::read_to_string(ledger_path()).ok()?;
        let mut lines = text.lines();
        let header: Vec<_> = lines.next()?.split(',').collect();
        let column = |name| header.iter().position(|c| *c == name).expect("the column");
        let (customer, number) = (column("customerID"), column("invoiceNumber"));
        let (issued, due) = (column("InvoiceDate"), column("DueDate"));
        let (settled, amount) = (column("SettledDate"), column("InvoiceAmount"));
        let day = |text| NaiveDate::parse_from_str(text, "%d/%m/%Y").expect("dd/mm/yyyy");
        let read = lines.map(|line| {
            let cells: Vec<_> = line.split(',').collect();
            Settled {
                customer: cells[customer].to_lowercase(),
                number: cells[number].to_owned(),
                amount: cells[amount].to_owned(),
                issued_on: day(cells[issued]),
                due_on: day(cells[due]),
                settled_on: day(cells[settled]),
            }
        });
        Some(read.collect())
    });
    let ledger = LEDGER.as_deref();
    if ledger.is_none() {
        // Past the capture of the test harness: a test that was not made should be seen.
        let said = format!("skipped: there is no {}\n", ledger_path().display());
        std::io::stderr().write_all(said.as_bytes()).ok();
    }
    ledger
}

/// What the ledger alone says about daily runs: each of a day's payments is booked before its run,
/// so an invoice that is settled n days late meets the runs of its first n − 1 days.
fn count_in_the_ledger(ledger: &[Settled]) -> Counted {
    let mut counted = Counted::default();
    let mut held: BTreeMap<&str, Vec<(NaiveDate, NaiveDate)>> = BTreeMap::new();
    for invoice in ledger {
        for (stage, offset) in LADDER.into_iter().filter(|(_, days)| invoice.days_late() > *days) {
            let on = invoice.due_on + chrono::TimeDelta::days(offset);
            counted.steps.insert((invoice.number.clone(), stage, on));
            if stage == "suspension" {
                held.entry(&invoice.customer).or_default().push((on, invoice.settled_on));
            }
        }
    }
    // A customer is suspended from the first such day until none of its invoices holds it.
    for (customer, mut times) in held {
        times.sort();
        let mut until: Option<NaiveDate> = None;
        for (from, to) in times {
            match until {
                Some(end) if from < end => until = Some(end.max(to)),
                _ => {
                    counted.returned.extend(until.map(|end| (customer.to_owned(), end)));
                    counted.suspended.insert((customer.to_owned(), from));
                    until = Some(to);
                }
            }
        }
        counted.returned.extend(until.map(|end| (customer.to_owned(), end)));
    }
    counted
}

/// The rules of the interface, day by day, for runs on some of the days. Slow and plain on purpose,
/// and nothing of it is the program's.
fn count_by_the_rules(ledger: &[Settled], runs_on: impl Fn(NaiveDate) -> bool) -> Counted {
    let mut counted = Counted::default();
    let mut highest: BTreeMap<&str, i64> = BTreeMap::new();
    let mut warned: BTreeMap<&str, NaiveDate> = BTreeMap::new();
    let mut suspended: BTreeSet<&str> = BTreeSet::new();
    for today in days() {
        let paid_today = ledger.iter().filter(|invoice| invoice.settled_on == today);
        for customer in paid_today.map(|invoice| invoice.customer.as_str()) {
            let held = ledger.iter().any(|other| {
                other.customer == customer
                    && other.settled_on > today
                    && highest.get(other.number.as_str()) == Some(&30)
            });
            if !held && suspended.remove(customer) {
                counted.returned.insert((customer.to_owned(), today));
            }
        }
        if !runs_on(today) {
            continue;
        }
        for invoice in ledger.iter().filter(|i| i.due_on < today && today < i.settled_on) {
            let number = invoice.number.as_str();
            let age = (today - invoice.due_on).num_days();
            let Some(reached) = LADDER.iter().rfind(|(_, days)| age >= *days) else { continue };
            if highest.get(number).is_some_and(|recorded| *recorded >= reached.1) {
                continue;
            }
            let (stage, offset) = match (reached.0, warned.get(number)) {
                // No suspension without a warning, nor before its notice has run out.
                ("suspension", None) => ("warning", 15),
                ("suspension", Some(on)) if (today - *on).num_days() < NOTICE => continue,
                _ => *reached,
            };
            counted.steps.insert((number.to_owned(), stage, today));
            highest.insert(number, offset);
            match stage {
                "warning" => _ = warned.insert(number, today),
                "suspension" if suspended.insert(&invoice.customer) => {
                    counted.suspended.insert((invoice.customer.clone(), today));
                }
                _ => {}
            }
        }
    }
    counted
}

/// What the program recorded.
fn count_in_the_database(shop: &Shop) -> Counted {
    let sql = shop.sql();
    let mut counted = Counted::default();
    let mut steps = sql
        .prepare(
            "SELECT number, s.stage, recorded_on FROM dunning_steps s
             JOIN invoices i ON i.id = s.invoice_id",
        )
        .expect("the steps");
    let mut found = steps.query([]).expect("rows");
    while let Some(row) = found.next().expect("a row") {
        let stage: String = row.get(1).expect("a stage");
        let (stage, _) = LADDER.into_iter().find(|(name, _)| *name == stage).expect("its name");
        let on: String = row.get(2).expect("a day");
        counted.steps.insert((row.get(0).expect("a number"), stage, date(&on)));
    }
    let mut events = sql
        .prepare(
            "SELECT e.kind, t.slug, date(e.at) FROM events e JOIN tenants t ON t.id = e.tenant_id
             WHERE e.kind IN ('tenant_suspended', 'tenant_reactivated')",
        )
        .expect("the events");
    let mut found = events.query([]).expect("rows");
    while let Some(row) = found.next().expect("a row") {
        let (kind, on): (String, String) =
            (row.get(0).expect("a kind"), row.get(2).expect("a day"));
        let of = (row.get(1).expect("a slug"), date(&on));
        let fresh = match kind.as_str() {
            "tenant_suspended" => counted.suspended.insert(of),
            _ => counted.returned.insert(of),
        };
        assert!(fresh, "{kind} twice on {on}");
    }
    counted
}

/// The ledger's customers and invoices, taken over by the binary before the first day. Every
/// replay starts from the same file.
fn imported() -> &'static Prepared {
    static IMPORTED: LazyLock<Prepared> = LazyLock::new(|| {
        let ledger = ledger().expect("asked for only where it is there");
        let shop = Shop::new();
        let customers: BTreeSet<_> = ledger.iter().map(|invoice| &invoice.customer).collect();
        let mut tenants = "slug,name,email,currency\n".to_owned();
        for slug in customers {
            tenants.push_str(&format!("{slug},Customer {slug},{slug}@clients.example,USD\n"));
        }
        let mut invoices = "number,tenant,total,issued_on,due_on,currency\n".to_owned();
        for Settled { number, customer, amount, issued_on, due_on, .. } in ledger {
            invoices.push_str(&format!("{number},{customer},{amount},{issued_on},{due_on},USD\n"));
        }
        shop.write("tenants.csv", &tenants);
        shop.write("invoices.csv", &invoices);
        for kind in ["tenants", "invoices"] {
            let file = format!("{kind}.csv");
            shop.ok(&["import", kind, &file, "--as-of", "2012-01-02", "--quiet"]);
            std::fs::remove_file(shop.path(&file)).expect("the file");
        }
        shop.prepared()
    });
    &IMPORTED
}

/// A ledger that is replayed into a shop.
struct Replay<'a> {
    inside: Inside<'a>,
    paid_on: BTreeMap<NaiveDate, Vec<&'a str>>,
}

impl<'a> Replay<'a> {
    fn new(shop: &'a Shop, ledger: &'a [Settled]) -> Replay<'a> {
        let mut paid_on: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for invoice in ledger {
            paid_on.entry(invoice.settled_on).or_default().push(invoice.number.as_str());
        }
        Replay { inside: Inside::new(shop), paid_on }
    }

    fn open(&self) -> Store {
        self.inside.open()
    }

    /// Books a day's payments.
    fn pay(&self, store: &mut Store, day: NaiveDate) {
        let Some(numbers) = self.paid_on.get(&day) else { return };
        let act = self.inside.clock(&day.to_string()).act("replay");
        let booked = store.write(|db| {
            for number in numbers {
                let invoice = db.invoice(number)?;
                let payment = NewPayment {
                    amount: invoice.due,
                    paid_on: day,
                    method: None,
                    reference: Some(format!("settles {number}")),
                };
                let terms = PaymentTerms::strict(Notify::Nobody);
                Book::new(db, &act, &self.inside.config).pay(&invoice, &payment, terms)?;
            }
            Ok(())
        });
        booked.unwrap_or_else(|e| panic!("{day}: {e:?}"));
    }

    /// One clean run; every e-mail counts as sent.
    fn run(&self, store: &mut Store, at: &str) {
        let options =
            Options { allow_mass_suspension: true, allow_mass_email: true, ..Options::default() };
        self.inside.run(store, Task::CheckOverdue, at, &options);
    }
}

/// The replay that nothing disturbed: what the others are compared with.
struct Undisturbed {
    counted: Counted,
    contents: Contents,
    final_states: Vec<String>,
}

fn undisturbed() -> &'static Undisturbed {
    static UNDISTURBED: LazyLock<Undisturbed> = LazyLock::new(|| {
        let ledger = ledger().expect("asked for only where it is there");
        let shop = imported().shop();
        let replay = Replay::new(&shop, ledger);
        let mut store = replay.open();
        for day in days() {
            replay.pay(&mut store, day);
            replay.run(&mut store, &day.to_string());
        }
        drop(store);
        check_invariants(&shop);
        Undisturbed {
            counted: count_in_the_database(&shop),
            contents: shop.contents(),
            final_states: final_states(&shop),
        }
    });
    &UNDISTURBED
}

/// What does not depend on which days had runs: who stands where, and what was paid when.
fn final_states(shop: &Shop) -> Vec<String> {
    let sql = shop.sql();
    let mut states = rows(
        &sql,
        "SELECT number, status, total_minor, paid_minor, issued_on, due_on, paid_on, promised_until,
           disputed_at FROM invoices ORDER BY number",
    );
    states.extend(rows(
        &sql,
        "SELECT slug, status, suspended_at, suspension_cause, suspension_reason FROM tenants
         ORDER BY slug",
    ));
    states
}

/// What holds whatever went wrong: read from the rows, with no knowledge of what happened.
fn check_invariants(shop: &Shop) {
    shop.check();
    let none = |what: &str, query: &str| {
        assert_eq!(rows(&shop.sql(), query), Vec::<String>::new(), "{what}");
    };
    none(
        "a suspension without a warning seven days before",
        "SELECT * FROM dunning_steps s WHERE stage = 'suspension' AND NOT EXISTS (
           SELECT 1 FROM dunning_steps w JOIN emails e ON e.id = w.email_id
           WHERE w.invoice_id = s.invoice_id AND w.dunning_round = s.dunning_round
             AND w.stage = 'warning' AND e.status = 'sent'
             AND date(w.recorded_on, '+7 days') <= s.recorded_on)",
    );
    none(
        "two dunning e-mails to a tenant on one day",
        "SELECT tenant_id, date(queued_at), count(*) FROM emails WHERE dedup_key LIKE 'dunning/%'
         GROUP BY 1, 2 HAVING count(*) > 1",
    );
    none("an e-mail that never left", "SELECT * FROM emails WHERE status <> 'sent'");
    none(
        "a stage twice, or a lower one after a higher one",
        "SELECT * FROM dunning_steps a JOIN dunning_steps b ON a.invoice_id = b.invoice_id
         WHERE a.stage <> b.stage AND (a.recorded_on = b.recorded_on
           OR (a.recorded_on < b.recorded_on AND instr('friendlyurgentwarningsuspension', a.stage)
             > instr('friendlyurgentwarningsuspension', b.stage)))",
    );
    none("a tenant that did not come back", "SELECT slug FROM tenants WHERE status <> 'active'");
    none("an invoice that is not paid", "SELECT number FROM invoices WHERE status <> 'paid'");
}

#[test]
fn daily_runs_record_exactly_what_counting_in_the_ledger_says() {
    let Some(ledger) = ledger() else { return };
    let started = Instant::now();
    let expected = count_in_the_ledger(ledger);
    expected.say("daily runs");
    assert_eq!(undisturbed().counted, expected);
    println!("replayed {} days in {:?}", days().count(), started.elapsed());
    // The two countings, which know nothing of each other, agree too.
    assert_eq!(count_by_the_rules(ledger, |_| true), expected);
}

#[test]
fn three_weeks_without_cron_send_nothing_twice_and_shorten_no_notice() {
    let Some(ledger) = ledger() else { return };
    let middle = days().nth(days().count() / 2).expect("a day");
    let first = middle - Days::new(10);
    let runs_on = |day| !(first..first + Days::new(21)).contains(&day);
    let expected = count_by_the_rules(ledger, runs_on);

    let shop = imported().shop();
    let replay = Replay::new(&shop, ledger);
    let mut store = replay.open();
    for day in days() {
        replay.pay(&mut store, day);
        if runs_on(day) {
            replay.run(&mut store, &day.to_string());
        }
    }
    drop(store);
    expected.say(&format!("no runs for three weeks from {first}"));
    let found = count_in_the_database(&shop);
    assert_eq!(found, expected);
    check_invariants(&shop);

    let clean = undisturbed();
    assert_eq!(final_states(&shop), clean.final_states);
    let only = |a: &Counted, b: &Counted| a.steps.difference(&b.steps).cloned().collect::<Vec<_>>();
    let (missed, late) = (only(&clean.counted, &found), only(&found, &clean.counted));
    println!("{} stages of the clean replay were not recorded on their day", missed.len());
    println!("{} were recorded on another day: {late:?}", late.len());
    for (customer, day) in found.suspended.difference(&clean.counted.suspended) {
        println!("{customer} was suspended on {day}, and on no such day by daily runs");
    }
    // The outage is what makes the difference, and nothing else.
    assert!(!missed.is_empty() && !late.is_empty());
    let after = first + Days::new(21);
    let reach = after + Days::new(30);
    assert!(late.iter().all(|(_, _, on)| (after..reach).contains(on)), "{late:?}");
    assert!(missed.iter().all(|(_, _, on)| (first..reach).contains(on)), "{missed:?}");
}

#[test]
fn two_runs_a_day_leave_what_one_leaves() {
    let Some(ledger) = ledger() else { return };
    let shop = imported().shop();
    let replay = Replay::new(&shop, ledger);
    let mut store = replay.open();
    for day in days() {
        replay.pay(&mut store, day);
        replay.run(&mut store, &day.to_string());
        replay.run(&mut store, &format!("{day}T21:30:00Z"));
    }
    drop(store);
    check_invariants(&shop);
    assert_same("two runs a day", &shop.contents(), &undisturbed().contents);
}

#[test]
fn runs_that_are_killed_and_run_again_leave_what_clean_ones_leave() {
    let Some(ledger) = ledger() else { return };
    let mut random = Random::seeded();
    let shop = imported().shop();
    let replay = Replay::new(&shop, ledger);
    let (mut at_commits, mut at_moments, mut too_late) = (0, 0, 0);
    let mut store = Some(replay.open());
    for day in days() {
        let text = day.to_string();
        replay.pay(store.as_mut().expect("it is open"), day);
        if random.below(6) == 0 {
            // No connection of ours is open while a process dies, nor helps to clean up after it.
            store = None;
            let args = ["tasks", "check-overdue", "--as-of", &text, "--quiet"];
            let args = [&args[..], &["--allow-mass-suspension", "--allow-mass-email"]].concat();
            for _ in 0..=random.below(2) {
                if random.below(2) == 0 {
                    let died = shop.crashes(&args, 1 + random.below(10)).is_some();
                    *(if died { &mut at_commits } else { &mut too_late }) += 1;
                } else {
                    let died = shop.is_killed(&args, Duration::from_micros(random.below(25_000)));
                    *(if died { &mut at_moments } else { &mut too_late }) += 1;
                }
            }
        }
        replay.run(store.get_or_insert_with(|| replay.open()), &text);
    }
    drop(store);
    println!(
        "{at_commits} runs aborted at a commit, {at_moments} killed at a moment, \
         {too_late} had ended before"
    );
    assert!(at_commits > 10 && at_moments > 0);
    let sql = shop.sql();
    let left = rows(&sql, "SELECT id FROM runs WHERE status = 'running' AND phase = 'deciding'");
    assert_eq!(left, Vec::<String>::new(), "a dead run that still counts as deciding");
    drop(sql);
    check_invariants(&shop);
    assert_same("after kills", &shop.contents(), &undisturbed().contents);
}
