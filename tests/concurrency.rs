//! Many commands at once on one database: the outcome is that of some order of them, one after the
//! other, and nobody is told that the file is busy.
mod support;

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{Months, NaiveDate};
use serde_json::Value;
use support::races::{Meeting, Said, code, nobody_met_a_busy_file, race, same_as, statuses, times};
use support::subscriptions::{GENERATE, subscribers};
use support::{Prepared, Shop, TODAY, business};

/// The business of the other tests with forty more tenants that have an e-mail to come, so that a
/// run takes long enough to be met by others.
static BUSINESS: LazyLock<Prepared> = LazyLock::new(|| {
    let shop = business().shop();
    let mut tenants = "slug,name,email\n".to_owned();
    let mut invoices = "number,tenant,total,issued_on,due_on\n".to_owned();
    for n in 1..=40 {
        tenants.push_str(&format!("more-{n},More {n},more-{n}@clients.example\n"));
        let due_on = if n % 2 == 0 { "2026-03-13" } else { "2026-03-05" };
        invoices.push_str(&format!("OLD-{n},more-{n},{n},2026-01-02,{due_on}\n"));
    }
    shop.write("tenants.csv", &tenants);
    shop.write("invoices.csv", &invoices);
    for kind in ["tenants", "invoices"] {
        let file = format!("{kind}.csv");
        shop.ok(&[&["import", kind, &file, "--quiet"][..], &TODAY].concat());
        std::fs::remove_file(shop.path(&file)).expect("the file");
    }
    shop.prepared()
});

static SUBSCRIBERS: LazyLock<Prepared> = LazyLock::new(subscribers);

/// What one command of its own leaves.
fn left_by(prepared: &Prepared, args: &[&str]) -> Shop {
    let shop = prepared.shop();
    shop.ok(&[args, &TODAY].concat());
    shop
}

#[test]
fn eight_runs_at_once_are_one_run_and_those_that_come_too_late_say_so() {
    let args = vec!["tasks", "check-overdue", "--wait", "0"];
    let one = left_by(&BUSINESS, &args);
    assert_eq!(one.mailbox().len(), 45);
    for time in 0..times() {
        let shop = BUSINESS.shop();
        let outcomes = race(&shop, &vec![args.clone(); 8]);
        let statuses = statuses(&outcomes);
        assert!(statuses.contains(&0), "{statuses:?}");
        for refused in outcomes.iter().filter(|outcome| outcome.status != 0) {
            assert_eq!((refused.status, code(refused).as_str()), (75, "locked"));
        }
        same_as(&format!("time {time}: {statuses:?}"), &shop, &one);
    }
}

/// Crontab lines that all say midnight.
#[test]
fn the_tasks_of_one_minute_follow_one_another() {
    let shop = BUSINESS.shop();
    let tasks = [
        "generate-recurring-invoices",
        "retry-failed-payments",
        "cleanup-expired-trials",
        "check-overdue",
        "deliver-emails",
    ];
    let outcomes = race(&shop, &tasks.map(|task| vec!["tasks", task]));
    assert_eq!(statuses(&outcomes), [0; 5], "{outcomes:?}");
    shop.check();
}

#[test]
fn eight_runs_that_wait_for_each_other_all_do_their_work_and_it_is_done_once() {
    let one = left_by(&BUSINESS, &["tasks", "check-overdue"]);
    for time in 0..times() {
        let shop = BUSINESS.shop();
        let outcomes = race(&shop, &vec![vec!["tasks", "check-overdue", "--wait", "30"]; 8]);
        assert_eq!(statuses(&outcomes), [0; 8]);
        let reports =
            outcomes.iter().map(|o| serde_json::from_str::<Value>(&o.stdout).expect("JSON"));
        let queued: u64 = reports.map(|r| r["emails_queued"].as_u64().expect("a count")).sum();
        assert_eq!(queued, 45, "each e-mail is counted by one run");
        same_as(&format!("time {time}"), &shop, &one);
    }
}

#[test]
fn four_deliveries_at_once_send_each_email_once() {
    let queued = left_by(&BUSINESS, &["tasks", "check-overdue", "--no-deliver"]).prepared();
    let one = left_by(&queued, &["tasks", "deliver-emails"]);
    assert_eq!(one.mailbox().len(), 45);
    for time in 0..times() {
        let shop = queued.shop();
        let outcomes = race(&shop, &vec![vec!["tasks", "deliver-emails"]; 4]);
        let statuses = statuses(&outcomes);
        assert!(statuses.contains(&0), "{statuses:?}");
        let reports = outcomes.iter().filter_map(|o| serde_json::from_str::<Value>(&o.stdout).ok());
        let sent: u64 = reports.map(|r| r["emails_sent"].as_u64().expect("a count")).sum();
        assert_eq!(sent, 45, "each e-mail is counted by one run");
        // The rows say how often each was tried: a second sending would be one attempt too many.
        same_as(&format!("time {time}: {statuses:?}"), &shop, &one);
    }
}

#[test]
fn payments_at_once_never_pay_more_than_is_due() {
    let prepared = business();
    let number =
        prepared.shop().json(&["invoice", "list", "--tenant", "birch"])[0]["number"].clone();
    let number = number.as_str().expect("a number");
    for _ in 0..times() {
        let shop = prepared.shop();
        let references: Vec<String> = (1..=10).map(|n| format!("BANK {n}")).collect();
        let pay = |reference| {
            vec!["invoice", "pay", number, "--amount", "60.00", "--reference", reference]
        };
        let outcomes = race(&shop, &references.iter().map(|r| pay(r.as_str())).collect::<Vec<_>>());
        let (paid, refused): (Vec<_>, Vec<_>) = outcomes.iter().partition(|o| o.status == 0);
        assert_eq!(paid.len(), 1);
        assert!(refused.iter().all(|o| code(o) == "above_due"), "{refused:?}");
        assert_eq!(shop.json(&["invoice", "show", number])["amount_due"], "40.00");
        let booked = shop.json(&["transaction", "list", "--invoice", number]);
        assert_eq!(booked.as_array().expect("a list").len(), 1);
        shop.check();
    }
}

#[test]
fn one_reference_booked_at_once_is_booked_once_on_each_invoice() {
    let prepared = business();
    let list = prepared.shop().json(&["invoice", "list", "--tenant", "birch"]);
    let numbers: Vec<_> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|i| i["number"].as_str().expect("one"))
        .collect();
    assert_eq!(numbers.len(), 2);
    for _ in 0..times() {
        let shop = prepared.shop();
        let pay =
            |number| vec!["invoice", "pay", number, "--amount", "60", "--reference", "BANK 9"];
        let commands: Vec<_> = numbers.iter().cycle().take(8).map(|number| pay(number)).collect();
        let outcomes = race(&shop, &commands);
        let (paid, refused): (Vec<_>, Vec<_>) = outcomes.iter().partition(|o| o.status == 0);
        assert_eq!(paid.len(), 2);
        assert!(refused.iter().all(|o| code(o) == "reference_taken"), "{refused:?}");
        assert_eq!(shop.json(&["tenant", "show", "birch"])["balance_due"], "80.00");
        shop.check();
    }
}

#[test]
fn sixteen_invoices_created_at_once_are_numbered_without_a_gap() {
    let prepared = business();
    for _ in 0..times() {
        let shop = prepared.shop();
        let create = vec!["invoice", "create", "--tenant", "heath", "--amount", "12.50"];
        let outcomes = race(&shop, &vec![create; 16]);
        assert_eq!(statuses(&outcomes), [0; 16]);
        let told: BTreeSet<String> = outcomes
            .iter()
            .map(|outcome| serde_json::from_str::<Value>(&outcome.stdout).expect("JSON"))
            .map(|invoice| invoice["number"].as_str().expect("a number").to_owned())
            .collect();
        // The business has issued eleven before.
        let expected: BTreeSet<String> = (12..28).map(|n| format!("INV-2026-{n:06}")).collect();
        assert_eq!(told, expected, "each caller is told its own number");
        shop.check();
    }
}

#[test]
fn a_payment_that_races_the_run_on_the_day_of_suspension_leaves_the_tenant_active() {
    let prepared = business();
    let number =
        prepared.shop().json(&["invoice", "list", "--tenant", "acme"])[0]["number"].clone();
    let number = number.as_str().expect("a number");
    let (mut suspended_first, mut paid_first) = (0, 0);
    for time in 0..4 * times() {
        let shop = prepared.shop();
        let run = shop.start(&[&["tasks", "check-overdue"][..], &TODAY].concat());
        // Later and later, so that it meets the run at every point of its work.
        std::thread::sleep(Duration::from_millis(time as u64));
        let pay = ["invoice", "pay", number, "--amount", "100", "--reference", "BANK 1"];
        let pay = shop.start(&[&pay[..], &TODAY].concat());
        let outcomes = [run, pay].map(Shop::end_of);
        nobody_met_a_busy_file(&outcomes);
        assert_eq!(statuses(&outcomes), [0; 2], "{outcomes:?}");
        assert_eq!(shop.json(&["invoice", "show", number])["status"], "paid");
        assert_eq!(shop.json(&["tenant", "show", "acme"])["status"], "active");
        let events = shop.json(&["event", "list", "--tenant", "acme"]);
        let kinds: Vec<_> = events
            .as_array()
            .expect("a list")
            .iter()
            .map(|e| e["kind"].as_str().expect("one"))
            .collect();
        let count = |kind| kinds.iter().filter(|k| **k == kind).count();
        assert_eq!(count("tenant_suspended"), count("tenant_reactivated"), "{kinds:?}");
        assert_eq!(count("payment_recorded"), 1);
        match count("tenant_suspended") {
            0 => paid_first += 1,
            _ => suspended_first += 1,
        }
        shop.ok(&[&["tasks", "deliver-emails"][..], &TODAY].concat());
        shop.check();
    }
    println!("suspended and back {suspended_first} times, paid before the run {paid_first} times");
}

#[test]
fn eight_runs_at_once_for_twenty_months_bill_each_period_once() {
    let (raced, calm) = (SUBSCRIBERS.shop(), SUBSCRIBERS.shop());
    let first: NaiveDate = "2026-03-16".parse().expect("a date");
    for month in 0..20 {
        let day = (first + Months::new(month)).to_string();
        let one = calm.task(GENERATE, &day, &[]);
        let run = ["tasks", GENERATE, "--as-of", &day, "--json"];
        let hasty = [&run[..], &["--wait", "0"]].concat();
        // In every second month some of them wait for their turn, and find nothing left to do.
        let patient = [&run[..], &["--wait", "30"]].concat();
        let waits = |n| month % 2 == 1 && n % 2 == 1;
        let runs: Vec<_> =
            (0..8).map(|n| if waits(n) { patient.clone() } else { hasty.clone() }).collect();
        let outcomes = raced.at_once(&runs);
        nobody_met_a_busy_file(&outcomes);
        for (n, outcome) in outcomes.iter().enumerate() {
            match outcome.status {
                0 => {}
                _ => assert_eq!((outcome.status, waits(n)), (75, false), "{outcome:?}"),
            }
        }
        let reports = outcomes.iter().filter_map(|o| serde_json::from_str::<Value>(&o.stdout).ok());
        let issued: u64 = reports.map(|r| r["invoices_created"].as_u64().expect("a count")).sum();
        assert!(issued > 0);
        assert_eq!(Some(issued), one["invoices_created"].as_u64(), "{day}: counted by one run");
    }
    same_as("twenty months", &raced, &calm);
}

/// Runs a command beside the task that bills, sooner and later, and proves that the outcome is
/// that of the two in one order or the other.
fn races_the_run_that_bills(command: &[&str]) {
    // The e-mails are no part of it: they leave when everything is decided.
    let run = ["tasks", GENERATE, "--no-deliver"];
    let both_do = [Said::Yes, Said::Yes];
    Meeting { one: &run, other: command, one_first: both_do, other_first: both_do }
        .in_either_order(&SUBSCRIBERS);
}

#[test]
fn a_change_of_quantity_beside_the_run_is_billed_now_or_with_the_next_period() {
    races_the_run_that_bills(&["subscription", "change", "sub_3", "--quantity", "9"]);
}

#[test]
fn a_cancellation_beside_the_run_leaves_the_period_that_has_begun_billed_once() {
    races_the_run_that_bills(&["subscription", "cancel", "sub_3"]);
    races_the_run_that_bills(&["subscription", "cancel", "sub_3", "--now"]);
}

/// Each period that has begun is billed: the difference is of what was billed.
fn all_billed() -> Prepared {
    let shop = SUBSCRIBERS.shop();
    shop.ok(&[&["tasks", GENERATE, "--no-deliver"][..], &TODAY].concat());
    shop.prepared()
}

#[test]
fn a_change_now_beside_the_run_is_of_what_was_billed_or_is_refused() {
    let run = ["tasks", GENERATE, "--no-deliver"];
    let change = ["subscription", "change", "sub_3", "--quantity", "9", "--now"];
    let refused = Said::No("period_not_billed");
    Meeting {
        one: &run,
        other: &change,
        one_first: [Said::Yes, Said::Yes],
        other_first: [Said::Yes, refused],
    }
    .in_either_order(&SUBSCRIBERS);
}

#[test]
fn a_change_now_beside_an_end_now_gives_back_what_the_rest_comes_to_then() {
    let change = ["subscription", "change", "sub_3", "--quantity", "1", "--now"];
    let cancel = ["subscription", "cancel", "sub_3", "--now", "--credit"];
    Meeting {
        one: &change,
        other: &cancel,
        one_first: [Said::Yes, Said::Yes],
        other_first: [Said::No("already_canceled"), Said::Yes],
    }
    .in_either_order(&all_billed());
}

/// Eight at once: runs, changes and ends of one subscription.
#[test]
fn changes_now_runs_and_ends_at_once_credit_nothing_twice() {
    let prepared = all_billed();
    let cancel = ["subscription", "cancel", "sub_3", "--now", "--credit"];
    let used = left_of_t3(&left_by(&prepared, &cancel));
    for time in 0..times() {
        let shop = prepared.shop();
        let change = |n| vec!["subscription", "change", "sub_3", "--now", "--quantity", n];
        let now = |n| [&change(n)[..], &["--bill", "now"]].concat();
        let cancel = cancel.to_vec();
        let run = vec!["tasks", GENERATE, "--no-deliver", "--wait", "30"];
        let mut commands = vec![run.clone(), change("1"), cancel.clone(), now("7"), change("2")];
        commands.extend([run, cancel, change("1")]);
        commands.rotate_left(time % 8);
        let outcomes = race(&shop, &commands);
        let canceled =
            commands.iter().zip(&outcomes).filter(|(args, o)| args[1] == "cancel" && o.status == 0);
        assert_eq!(canceled.count(), 1, "one of the two ends it: {outcomes:?}");
        for (args, refused) in commands.iter().zip(&outcomes).filter(|(_, o)| o.status != 0) {
            let codes = ["already_canceled", "nothing_to_change"];
            assert!(codes.contains(&code(refused).as_str()), "{args:?}: {refused:?}");
        }
        // In whatever order: what is left of the period is what was used of it.
        let waits = shop.json(&["pending-item", "list", "--status", "pending", "--tenant", "t3"]);
        assert_eq!(waits, Value::Array(Vec::new()), "{outcomes:?}");
        assert_eq!(left_of_t3(&shop), used, "{outcomes:?}");
        shop.check();
    }
}

/// What the invoices of the customer come to less what was credited of them, in cents.
fn left_of_t3(shop: &Shop) -> i64 {
    let list = shop.json(&["invoice", "list", "--tenant", "t3", "--as-of", "2026-03-16"]);
    let minor = |value: &Value| -> i64 {
        value.as_str().expect("an amount").replace('.', "").parse().expect("a number")
    };
    let left = |one: &Value| minor(&one["total"]) - minor(&one["credited"]);
    list.as_array().expect("a list").iter().map(left).sum()
}

#[test]
fn a_suspension_beside_the_run_comes_before_the_invoice_or_after_it() {
    races_the_run_that_bills(&["tenant", "suspend", "t3", "--reason", "abuse"]);
}

#[test]
fn a_subscription_begun_beside_the_run_takes_its_number_before_or_after_those_of_the_run() {
    let create = ["subscription", "create", "--tenant", "t3", "--plan", "monthly"];
    races_the_run_that_bills(&create);
}

#[test]
fn a_run_that_is_at_work_or_has_ended_is_never_told_as_interrupted() {
    let shop = business().shop();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let newest = shop.json(&["tasks", "runs", "--limit", "1"]);
                    if newest[0]["status"] == "interrupted" {
                        over.store(true, Ordering::Relaxed);
                        panic!("{newest}");
                    }
                }
            });
        }
        for _ in 0..10 * times() {
            if over.load(Ordering::Relaxed) {
                break;
            }
            shop.ok(&[&["tasks", "check-overdue"][..], &TODAY].concat());
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn looking_at_a_run_that_died_does_not_keep_the_next_one_from_starting() {
    let prepared = business();
    for _ in 0..times() {
        let shop = prepared.shop();
        let args = [&["tasks", "check-overdue"][..], &TODAY].concat();
        // The second point is the first at which the database knows of the run.
        shop.crashes(&args, 2).expect("it dies");
        let look: Vec<_> = (0..8).map(|_| shop.start(&["tasks", "runs", "--json"])).collect();
        let next = shop.run(&args);
        assert_eq!(next.status, 0, "{next:?}");
        for outcome in look.into_iter().map(Shop::end_of) {
            assert_eq!(outcome.status, 0, "{outcome:?}");
        }
    }
}
