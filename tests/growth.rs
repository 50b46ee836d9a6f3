//! What grows with the work and not with its square: SQLite's own steps are counted, at one size and
//! at four times that size, so that no test depends on how busy the machine is.
mod support;

use std::path::Path;

use billing::clock::Clock;
use billing::config::Config;
use billing::domain::schedule::Task;
use billing::gateway::Gateway;
use billing::imports::{ImportOptions, Kind, import};
use billing::mail::Transport;
use billing::reports;
use billing::store::{Access, CHECKS, Store};
use billing::tasks::{self, Given, Options, check_overdue};
use support::statements::{Statements, statements_of};

/// A business whose commands are counted.
struct Business {
    folder: tempfile::TempDir,
    config: Config,
}

impl Business {
    fn new() -> Business {
        let business = Business {
            folder: tempfile::tempdir().expect("a temporary folder"),
            config: Config::default(),
        };
        let act = business.clock("2026-01-01").act("test");
        drop(Store::create(&business.path(), &act).expect("a database"));
        business
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("billing.db")
    }

    fn open(&self) -> Store {
        Store::open(&self.path(), Access::Write).expect("the database")
    }

    fn clock(&self, day: &str) -> Clock {
        Clock::new(Some(day), self.config.timezone).expect("a date")
    }

    fn take(&self, kind: Kind, text: &str, day: &str) {
        let (act, path) = (self.clock(day).act("import"), Path::new("test.csv"));
        let options = ImportOptions { update: true, ..ImportOptions::default() };
        let mut store = self.open();
        import(&mut store, &act, &self.config, kind, path, text.as_bytes(), options, |_| {})
            .expect("an import");
    }

    fn tenants(&self, count: usize) {
        let tenant = |n| format!("t{n},Tenant {n},t{n}@clients.example\n");
        let tenants: String = (0..count).map(tenant).collect();
        self.take(Kind::Tenants, &format!("slug,name,email\n{tenants}"), "2026-01-01");
    }

    /// A subscription of each tenant, by an import; each has so many invoices afterwards.
    fn subscriptions(&self, count: usize, invoices: usize) {
        self.tenants(count);
        let plans = "code,name,price,interval\npro,Pro,50,month\n";
        self.take(Kind::Plans, plans, "2026-01-01");
        self.take(Kind::Subscriptions, &subscriptions(count), "2026-01-01");
        for month in 2..2 + invoices {
            self.run(Task::GenerateRecurringInvoices, &format!("2026-{month:02}-01"));
        }
    }

    fn run(&self, task: Task, day: &str) {
        let clock = self.clock(day);
        let options = Options { no_deliver: true, allow_mass_email: true, ..Options::default() };
        tasks::run(&mut self.open(), &self.given(&clock), task, &options).expect("a run");
    }

    fn given<'a>(&'a self, clock: &'a Clock) -> Given<'a> {
        let (config, transport, gateway) = (&self.config, &Transport::Nowhere, &Gateway::None);
        Given { config, clock, transport, gateway }
    }
}

fn subscriptions(count: usize) -> String {
    let subscription = |n| format!("t{n},pro,2025-12-01,active,2025-12-01,2026-01-01\n");
    let subscriptions: String = (0..count).map(subscription).collect();
    let period = "current_period_start,current_period_end";
    format!("tenant,plan,started_on,status,{period}\n{subscriptions}")
}

/// A tenant that pays nothing for years: each invoice was due on a day of its own.
fn never_pays(invoices: u64) -> Business {
    let business = Business::new();
    business.tenants(1);
    let due = |n| business.clock("2026-03-31").today() - chrono::Days::new(n);
    let invoice = |n| format!("B-{n},t0,10,2024-01-01,{},Subscription\n", due(n));
    let invoices: String = (1..=invoices).map(invoice).collect();
    let header = "number,tenant,total,issued_on,due_on,description\n";
    business.take(Kind::Invoices, &format!("{header}{invoices}"), "2026-03-31");
    business
}

fn steps(run: &Statements) -> u64 {
    run.values().map(|cost| cost.steps).sum()
}

/// How often the statements that contain the text were run.
fn times(run: &Statements, text: &str) -> u64 {
    run.iter().filter(|(sql, _)| sql.contains(text)).map(|(_, cost)| cost.times).sum()
}

/// Four times the work takes at most five times the steps.
fn assert_linear(what: &str, cost: impl Fn(usize) -> u64, size: usize) {
    let (once, four_times) = (cost(size), cost(4 * size));
    println!("{what}: {once} steps for {size}, {four_times} for {}", 4 * size);
    assert!(
        four_times < 5 * once,
        "{what}: {once} steps for {size}, {four_times} for four times that"
    );
    assert!(four_times > 2 * once, "{what}: nothing was done");
}

#[test]
fn check_overdue_decides_once_for_a_tenant_however_many_invoices_it_owes() {
    let cost = |invoices: usize| {
        let business = never_pays(invoices as u64);
        let run = statements_of(|| business.run(Task::CheckOverdue, "2026-03-31"));
        // For the caps, and for the decision.
        assert_eq!(times(&run, "i.warned_on, i.set_back_on"), 2, "{run:#?}");
        assert_eq!(times(&run, "INSERT INTO emails"), 1, "{run:#?}");
        steps(&run)
    };
    assert_linear("check-overdue", cost, 100);
    let dry_cost = |invoices: usize| {
        let business = never_pays(invoices as u64);
        let clock = business.clock("2026-03-31");
        let mut decisions = 0;
        let run = statements_of(|| {
            let (mut store, given) = (business.open(), business.given(&clock));
            check_overdue::dry_run(&mut store, &given, &Options::default(), |_, _| {
                decisions += 1;
                Ok(())
            })
            .expect("a dry run");
        });
        assert_eq!(decisions, 1);
        steps(&run)
    };
    assert_linear("check-overdue --dry-run", dry_cost, 100);
}

#[test]
fn db_check_takes_as_long_as_there_are_subscriptions_and_invoices() {
    let cost = |count: usize| {
        let business = Business::new();
        business.subscriptions(count, 6);
        let run = statements_of(|| {
            let mut store = business.open();
            for check in CHECKS {
                let found = store.check(check).expect("a sound file");
                assert!(found.findings.is_empty(), "{found:?}");
            }
        });
        assert!(times(&run, "SELECT") >= CHECKS.len() as u64, "{run:#?}");
        steps(&run)
    };
    assert_linear("db check", cost, 50);
}

#[test]
fn an_import_of_subscriptions_does_not_look_through_those_of_the_plan() {
    let cost = |count: usize| {
        let business = Business::new();
        business.subscriptions(count, 0);
        // The same file again: each row is found.
        let again = statements_of(|| {
            business.take(Kind::Subscriptions, &subscriptions(count), "2026-01-02");
        });
        steps(&again)
    };
    assert_linear("import subscriptions", cost, 50);
}

#[test]
fn a_task_that_starts_does_not_look_through_its_earlier_runs() {
    for clock in ["given", "system"] {
        let cost = |runs: usize| {
            let business = Business::new();
            let sql = rusqlite::Connection::open(business.path()).expect("the database");
            let insert = format!(
                "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {runs})
                 INSERT INTO runs (task, as_of, clock, status, started_at)
                 SELECT 'check-overdue', strftime('%Y-%m-%dT%H:%M:%SZ', '2026-01-01', n || ' minutes'),
                   '{clock}', 'ok', '2026-01-01T00:00:00Z' FROM n"
            );
            sql.execute_batch(&insert).expect("earlier runs");
            let clock = business.clock("2026-03-31");
            let run = statements_of(|| {
                business.run(Task::CheckOverdue, "2026-03-31");
                let mut store = business.open();
                store
                    .read(|db| reports::expected(db, Task::CheckOverdue, clock.now))
                    .expect("what is expected");
            });
            steps(&run)
        };
        assert_eq!(cost(10), cost(1000), "runs on the {clock} clock");
    }
}
