//! Every command that writes, killed at every point where it commits, and then given again: what
//! is left is what one clean command leaves, row by row and letter by letter.
mod support;

use std::time::Duration;

use support::subscriptions::{CLEANUP, GENERATE, due, trials};
use support::{Contents, Prepared, Shop, assert_same, business};

const TODAY: [&str; 2] = ["--as-of", "2026-03-16"];

/// What a clean command leaves.
struct Left {
    contents: Contents,
    mailbox: std::collections::BTreeMap<String, Vec<u8>>,
}

impl Left {
    /// The audit trail says in which order things came to pass; after a crash that may be another
    /// one, with the same events in it.
    fn in_shop(shop: &Shop) -> Left {
        let mut contents = shop.contents();
        let events = contents.get_mut("events").expect("the audit trail");
        for event in events.iter_mut() {
            *event = event.split_once(' ').expect("its id first").1.to_owned();
        }
        events.sort();
        Left { contents, mailbox: shop.mailbox() }
    }

    /// What the command leaves if nothing disturbs it.
    fn by(prepared: &Prepared, args: &[&str]) -> Left {
        let shop = prepared.shop();
        shop.ok(&[args, &TODAY].concat());
        shop.check();
        Left::in_shop(&shop)
    }

    /// Proves that the shop holds the same, and that all it holds agrees.
    fn is_in(&self, shop: &Shop, what: &str) {
        let found = Left::in_shop(shop);
        assert_same(what, &found.contents, &self.contents);
        let names = |left: &Left| left.mailbox.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&found), names(self), "{what}");
        assert!(found.mailbox == self.mailbox, "{what}: a letter has other bytes");
        shop.check();
    }
}

/// Kills the command at its first commit point, its second, and so on until it comes to its end;
/// after each death `again` does what an operator or cron does next. Returns how many points there
/// are.
fn killed_at_every_point(prepared: &Prepared, args: &[&str], again: impl Fn(&Shop)) -> u64 {
    let expected = Left::by(prepared, args);
    let args = [args, &TODAY[..]].concat();
    for point in 1.. {
        let shop = prepared.shop();
        let died = shop.crashes(&args, point);
        if died.is_some() {
            runs_that_died_are_shown_as_such(&shop);
            again(&shop);
        }
        expected.is_in(&shop, &format!("{args:?} killed at point {point}"));
        if died.is_none() {
            return point - 1;
        }
    }
    unreachable!("a command has an end")
}

/// A run that the database still takes for running is told as interrupted: nobody holds its lock.
fn runs_that_died_are_shown_as_such(shop: &Shop) {
    let sql = shop.sql();
    let mut running = sql.prepare("SELECT id FROM runs WHERE status = 'running'").expect("runs");
    let running = running.query_map([], |row| row.get::<_, i64>(0)).expect("rows");
    let running: Vec<_> = running.map(|id| format!("run_{}", id.expect("an id"))).collect();
    assert!(running.len() <= 1, "{running:?}");
    for run in shop.json(&["tasks", "runs"]).as_array().expect("a list") {
        let id = run["id"].as_str().expect("an id").to_owned();
        let expected = if running.contains(&id) { "interrupted" } else { "ok" };
        assert_eq!(run["status"], expected, "{run}");
    }
}

/// Whatever became of those before it.
fn last_run_is_ok(shop: &Shop) {
    let runs = shop.json(&["tasks", "runs", "--limit", "1"]);
    assert_eq!(runs[0]["status"], "ok", "{runs}");
}

fn simply_again(args: &'static [&'static str]) -> impl Fn(&Shop) {
    move |shop| _ = shop.ok(&[args, &TODAY[..]].concat())
}

fn invoice_of(shop: &Shop, tenant: &str) -> String {
    let list = shop.json(&["invoice", "list", "--tenant", tenant]);
    list[0]["number"].as_str().expect("a number").to_owned()
}

#[test]
fn check_overdue_killed_anywhere_and_run_again_is_one_run() {
    let args = &["tasks", "check-overdue", "--quiet"];
    let prepared = business();
    let points = killed_at_every_point(&prepared, args, |shop| {
        simply_again(args)(shop);
        last_run_is_ok(shop);
    });
    // The run's start and end, its pages, the change to delivery, and two commits a letter.
    assert!(points >= 30, "{points}");
    let sent = Left::by(&prepared, args).mailbox;
    assert_eq!(sent.len(), 5, "the business has something for every stage");
}

#[test]
fn deliver_emails_killed_anywhere_and_run_again_sends_each_letter_once() {
    let shop = business().shop();
    shop.ok(&[&["tasks", "check-overdue", "--no-deliver", "--quiet"][..], &TODAY].concat());
    let args = &["tasks", "deliver-emails"];
    let points = killed_at_every_point(&shop.prepared(), args, |shop| {
        simply_again(args)(shop);
        last_run_is_ok(shop);
    });
    assert!(points >= 20, "{points}");
}

#[test]
fn letters_of_a_run_that_died_while_it_sent_them_leave_with_deliver_emails_too() {
    let args = &["tasks", "check-overdue", "--quiet"];
    let points = killed_at_every_point(&business(), args, |shop| {
        // Whatever the hour: cron starts delivery every ten minutes, and the run once a day.
        simply_again(&["tasks", "deliver-emails"])(shop);
        simply_again(args)(shop);
    });
    assert!(points >= 30, "{points}");
}

/// Kills the command (SIGKILL) so often, later and later, and gives it again. Between commits too:
/// while a file is written, or a page of the log.
fn killed_at_moments(prepared: &Prepared, args: &[&str], times: u64) {
    let expected = Left::by(prepared, args);
    let args = [args, &TODAY].concat();
    let mut died = 0;
    for moment in (0..times).map(|n| Duration::from_millis(2 * n)) {
        let shop = prepared.shop();
        died += u32::from(shop.is_killed(&args, moment));
        runs_that_died_are_shown_as_such(&shop);
        shop.ok(&args);
        expected.is_in(&shop, &format!("{args:?} killed after {moment:?}"));
    }
    println!("{died} of {times} died");
    assert!(died > 0);
}

#[test]
fn a_run_killed_at_any_moment_leaves_no_half_letter_once_it_is_run_again() {
    killed_at_moments(&business(), &["tasks", "check-overdue", "--quiet"], 40);
}

#[test]
fn billing_killed_anywhere_and_run_again_bills_each_period_once() {
    let args = &["tasks", GENERATE, "--quiet"];
    let prepared = due();
    let points = killed_at_every_point(&prepared, args, |shop| {
        simply_again(args)(shop);
        last_run_is_ok(shop);
    });
    // The run's start and end, two scans, the change to delivery, and two commits a letter.
    assert!(points >= 15, "{points}");
    let sent = Left::by(&prepared, args).mailbox;
    assert_eq!(sent.len(), 6, "one for each period that is due");
}

#[test]
fn the_end_of_trials_killed_anywhere_and_run_again_ends_each_trial_once() {
    let args = &["tasks", CLEANUP, "--quiet"];
    let prepared = trials();
    let points = killed_at_every_point(&prepared, args, |shop| {
        simply_again(args)(shop);
        // The other task finds nothing that the death has left to it.
        simply_again(&["tasks", GENERATE, "--quiet"])(shop);
        last_run_is_ok(shop);
    });
    assert!(points >= 15, "{points}");
    let shop = prepared.shop();
    let run = shop.task(CLEANUP, "2026-03-16", &[]);
    let counts = ["expired", "suspended", "converted", "reminded"].map(|name| run[name].as_u64());
    assert_eq!(counts, [5, 2, 2, 2].map(Some), "the business has something for every branch");
}

#[test]
fn billing_and_the_end_of_trials_killed_at_any_moment_are_one_run_once_they_are_run_again() {
    killed_at_moments(&due(), &["tasks", GENERATE, "--quiet"], 10);
    killed_at_moments(&trials(), &["tasks", CLEANUP, "--quiet"], 10);
}

#[test]
fn a_payment_killed_anywhere_is_booked_once_if_its_reference_is_looked_for_first() {
    let prepared = business();
    // A tenant that the payment brings back, so that there is more to lose than a row.
    let number = invoice_of(&prepared.shop(), "birch");
    let pay = ["invoice", "pay", &number, "--amount", "100", "--reference", "BANK 17"];
    let points = killed_at_every_point(&prepared, &pay, |shop| {
        let booked = shop.json(&["transaction", "list", "--invoice", &number]);
        let booked = booked.as_array().expect("a list");
        if !booked.iter().any(|payment| payment["reference"] == "BANK 17") {
            shop.ok(&[&pay[..], &TODAY].concat());
        }
        // Who does not look is refused, and nothing is booked twice.
        assert_ne!(shop.run(&[&pay[..], &TODAY].concat()).status, 0);
    });
    assert_eq!(points, 2);
}

#[test]
fn an_invoice_whose_creation_is_killed_anywhere_takes_one_number_and_one_letter() {
    let create = ["invoice", "create", "--tenant", "heath", "--amount", "250", "--send"];
    let create = [&create[..], &["--description", "Setup, order 4711"]].concat();
    let points = killed_at_every_point(&business(), &create, |shop| {
        let issued = shop.json(&["invoice", "list", "--tenant", "heath"]);
        let issued = issued.as_array().expect("a list");
        let is_it = |line: &serde_json::Value| line["description"] == "Setup, order 4711";
        if !issued.iter().any(|i| i["lines"].as_array().expect("lines").iter().any(is_it)) {
            shop.ok(&[&create[..], &TODAY].concat());
        }
    });
    assert_eq!(points, 2);
}

#[test]
fn imports_killed_anywhere_and_given_again_are_one_import() {
    let shop = business().shop();
    let mut invoices = "number,tenant,total,issued_on,due_on,paid_on\n".to_owned();
    for n in 1..=40 {
        let paid_on = if n % 4 == 0 { "2026-02-20" } else { "" };
        invoices.push_str(&format!("OLD-{n},heath,{n}.50,2026-01-02,2026-02-01,{paid_on}\n"));
    }
    // One that fits the format of our numbers and raises their sequence.
    invoices.push_str("INV-2026-000700,heath,12,2026-01-02,2026-02-01,\n");
    shop.write("invoices.csv", &invoices);
    let args = &["import", "invoices", "invoices.csv", "--quiet"];
    let points = killed_at_every_point(&shop.prepared(), args, simply_again(args));
    assert_eq!(points, 2);

    shop.ok(&[&args[..], &TODAY].concat());
    let birch = invoice_of(&shop, "birch");
    // With a reference and without: two equal payments without one are two payments.
    shop.write(
        "payments.csv",
        &format!(
            "invoice,amount,paid_on,reference\n{birch},100,2026-03-15,BANK 17\n\
             OLD-39,10,2026-03-15,\nOLD-39,10,2026-03-15,\nOLD-38,38.50,2026-03-14,BANK 18\n"
        ),
    );
    let args = &["import", "payments", "payments.csv", "--quiet"];
    let points = killed_at_every_point(&shop.prepared(), args, simply_again(args));
    assert_eq!(points, 2);
}
