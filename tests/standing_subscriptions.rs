//! What becomes of subscriptions whose tenant is suspended and comes back, of trials, and of what
//! a run holds back or cannot bill.
mod support;

use serde_json::{Value, json};
use support::Shop;
use support::coupons::Uses;
use support::subscriptions::{CLEANUP, GENERATE, text};

/// A shop with a plan that is billed each month, and a tenant.
fn shop() -> Shop {
    shop_with("")
}

fn shop_with(config: &str) -> Shop {
    let shop = Shop::with_config(config);
    shop.plan("monthly", "31", "1", &[]);
    shop.tenant("acme");
    shop
}

const BY_DAY: [&str; 2] = ["--anchor", "anniversary"];

fn suspend(shop: &Shop, day: &str) {
    shop.ok(&["tenant", "suspend", "acme", "--reason", "abuse", "--as-of", day]);
}

fn come_back(shop: &Shop, day: &str) {
    shop.ok(&["tenant", "reactivate", "acme", "--as-of", day]);
}

fn bill(shop: &Shop, day: &str) -> Value {
    let run = shop.task(GENERATE, day, &[]);
    assert_eq!(run["errors"], json!([]), "{day}");
    run["invoices_created"].clone()
}

/// The periods of the tenant's live invoices.
fn periods(shop: &Shop) -> Vec<[String; 2]> {
    shop.billed("acme").into_iter().map(|(start, end, _)| [start, end]).collect()
}

fn period(start: &str, end: &str) -> [String; 2] {
    [format!("2026-{start}"), format!("2026-{end}")]
}

fn status(shop: &Shop, id: &str, day: &str) -> String {
    text(&shop.subscription(id, day)["status"])
}

#[test]
fn one_that_is_back_inside_a_billed_period_goes_on_and_nothing_is_billed_twice() {
    for anchor in ["calendar", "anniversary"] {
        let shop = shop();
        shop.subscribe("acme", "monthly", "2026-01-10", &["--anchor", anchor]);
        bill(&shop, "2026-02-10");
        let before = periods(&shop);
        suspend(&shop, "2026-02-12");
        come_back(&shop, "2026-02-25");
        assert_eq!(bill(&shop, "2026-02-25"), 0, "{anchor}");
        assert_eq!(periods(&shop), before);
        // The next period starts where it would have started.
        let until = before.last().expect("a period")[1].clone();
        assert_eq!(bill(&shop, "2026-03-10"), 1, "{anchor}");
        assert_eq!(periods(&shop).last().expect("a period")[0], until);
        shop.check();
    }
}

#[test]
fn one_that_is_back_after_its_period_starts_anew_that_day_and_its_absence_is_never_billed() {
    let returns = [
        // 12 of 31 days, and then whole months.
        ("calendar", [period("05-20", "06-01"), period("06-01", "07-01")], "12.00"),
        // That day of the month is its own from then on.
        ("anniversary", [period("05-20", "06-20"), period("06-20", "07-20")], "31.00"),
    ];
    for (anchor, expected, total) in returns {
        let shop = shop();
        shop.subscribe("acme", "monthly", "2026-01-31", &["--anchor", anchor]);
        bill(&shop, "2026-03-04");
        let before = periods(&shop);
        suspend(&shop, "2026-03-05");
        assert_eq!(bill(&shop, "2026-04-30"), 0);
        come_back(&shop, "2026-05-20");
        bill(&shop, "2026-05-21");
        bill(&shop, "2026-06-20");
        let billed = shop.billed("acme");
        let after: Vec<_> = periods(&shop).split_off(before.len());
        assert_eq!(after, expected, "{anchor}");
        assert_eq!(billed[before.len()].2, total);
        shop.check();
    }
}

#[test]
fn one_that_is_back_on_the_day_on_which_its_period_ends_starts_the_next_one() {
    let shop = shop();
    shop.subscribe("acme", "monthly", "2026-01-31", &BY_DAY);
    suspend(&shop, "2026-02-05");
    come_back(&shop, "2026-02-28");
    bill(&shop, "2026-02-28");
    assert_eq!(periods(&shop), [period("01-31", "02-28"), period("02-28", "03-28")]);
    shop.check();
}

#[test]
fn what_had_begun_before_the_suspension_and_no_run_billed_is_billed_on_the_return() {
    // No cron from the beginning on: February and March are owed when it is suspended.
    let owing = || {
        let shop = shop();
        let id = shop.subscribe("acme", "monthly", "2026-01-10", &BY_DAY);
        suspend(&shop, "2026-03-15");
        assert_eq!(bill(&shop, "2026-03-16"), 0);
        (shop, id)
    };
    let owed = [period("01-10", "02-10"), period("02-10", "03-10"), period("03-10", "04-10")];
    let (shop, _) = owing();
    come_back(&shop, "2026-03-20");
    assert_eq!(periods(&shop), owed);
    // It goes on in the last of them.
    assert_eq!(bill(&shop, "2026-04-09"), 0);
    assert_eq!(bill(&shop, "2026-04-10"), 1);
    shop.check();

    let (shop, _) = owing();
    come_back(&shop, "2026-06-01");
    bill(&shop, "2026-06-01");
    assert_eq!(periods(&shop), [&owed[..], &[period("06-01", "07-01")]].concat());
    shop.check();
}

#[test]
fn one_that_had_not_begun_when_it_was_suspended_begins_when_it_was_to_begin() {
    let shop = shop();
    let start = ["--start", "2026-05-10", "--anchor", "anniversary"];
    shop.subscribe("acme", "monthly", "2026-02-01", &start);
    suspend(&shop, "2026-02-05");
    come_back(&shop, "2026-03-01");
    assert_eq!(bill(&shop, "2026-05-09"), 0);
    assert_eq!(bill(&shop, "2026-05-10"), 1);
    assert_eq!(periods(&shop), [period("05-10", "06-10")]);
    shop.check();
}

#[test]
fn one_that_was_canceled_and_suspended_over_its_end_is_canceled_on_the_return() {
    for runs_meanwhile in [false, true] {
        let shop = shop();
        let id = shop.subscribe("acme", "monthly", "2026-01-10", &BY_DAY);
        shop.ok(&["subscription", "cancel", &id, "--as-of", "2026-01-20"]);
        suspend(&shop, "2026-01-25");
        if runs_meanwhile {
            bill(&shop, "2026-02-11");
        }
        come_back(&shop, "2026-03-01");
        assert_eq!(status(&shop, &id, "2026-03-01"), "canceled");
        assert_eq!(bill(&shop, "2026-03-11"), 0);
        assert_eq!(periods(&shop), [period("01-10", "02-10")]);
        shop.check();
    }
}

#[test]
fn a_change_that_waited_through_a_suspension_holds_from_the_return() {
    let shop = shop();
    shop.plan("quarterly", "90", "3", &[]);
    let id = shop.subscribe("acme", "monthly", "2026-01-10", &BY_DAY);
    shop.ok(&["subscription", "change", &id, "--plan", "quarterly", "--as-of", "2026-01-20"]);
    suspend(&shop, "2026-01-25");
    come_back(&shop, "2026-03-30");
    bill(&shop, "2026-06-30");
    let after = [period("03-30", "06-30"), period("06-30", "09-30")];
    assert_eq!(periods(&shop)[1..], after);
    shop.check();
}

#[test]
fn coming_back_inside_the_period_of_a_voided_invoice_starts_a_new_one() {
    let shop = shop();
    shop.subscribe("acme", "monthly", "2026-01-10", &BY_DAY);
    suspend(&shop, "2026-01-15");
    let number = text(&shop.json(&["invoice", "list"])[0]["number"]);
    shop.ok(&["invoice", "void", &number, "--reason", "a quarrel", "--as-of", "2026-01-16"]);
    come_back(&shop, "2026-01-25");
    assert_eq!(bill(&shop, "2026-01-25"), 1);
    assert_eq!(periods(&shop), [period("01-25", "02-25")]);
    shop.check();
}

#[test]
fn one_that_was_canceled_ends_on_its_day_also_where_it_came_back_to_a_new_period() {
    let shop = shop();
    let id = shop.subscribe("acme", "monthly", "2026-01-10", &BY_DAY);
    shop.ok(&["subscription", "cancel", &id, "--as-of", "2026-01-12"]);
    suspend(&shop, "2026-01-15");
    let number = text(&shop.json(&["invoice", "list"])[0]["number"]);
    shop.ok(&["invoice", "void", &number, "--reason", "a quarrel", "--as-of", "2026-01-16"]);
    come_back(&shop, "2026-01-25");
    assert_eq!(bill(&shop, "2026-01-25"), 1);
    // 16 of the 31 days from 25 January: 31.00 a month.
    let billed = ("2026-01-25".to_owned(), "2026-02-10".to_owned(), "16.00".to_owned());
    assert_eq!(shop.billed("acme"), [billed]);
    assert_eq!(bill(&shop, "2026-02-10"), 0);
    assert_eq!(status(&shop, &id, "2026-02-10"), "canceled");
    shop.check();
}

/// The run that records the end may come before the return or not at all: the periods that had
/// begun before the suspension are owed either way.
#[test]
fn what_was_missed_before_a_suspension_is_billed_also_where_the_end_comes_first() {
    for runs_meanwhile in [false, true] {
        let shop = shop();
        let id = shop.subscribe("acme", "monthly", "2026-01-10", &BY_DAY);
        // No run in February; then it is canceled to 10 April, and suspended.
        shop.ok(&["subscription", "cancel", &id, "--as-of", "2026-03-15"]);
        suspend(&shop, "2026-03-20");
        if runs_meanwhile {
            let would = shop.task(GENERATE, "2026-04-12", &["--dry-run"]);
            assert_eq!(would["invoices_created"], 2);
            assert_eq!(bill(&shop, "2026-04-12"), 2);
        }
        come_back(&shop, "2026-05-01");
        assert_eq!(status(&shop, &id, "2026-05-01"), "canceled");
        let billed = [("01-10", "02-10"), ("02-10", "03-10"), ("03-10", "04-10")];
        assert_eq!(periods(&shop), billed.map(|(start, end)| period(start, end)));
        shop.check();
    }
}

#[test]
fn explain_foresees_what_a_return_bills() {
    let shop = shop();
    let id = shop.subscribe("acme", "monthly", "2026-01-10", &BY_DAY);
    suspend(&shop, "2026-03-12");
    let explain = ["subscription", "explain", &id, "--as-of", "2026-03-20"];
    let explained = shop.json(&explain);
    let dates = |bill: &Value| [text(&bill["period_start"]), text(&bill["period_end"])];
    let due: Vec<_> = explained["due"].as_array().expect("a list").iter().map(dates).collect();
    assert_eq!(due, [period("02-10", "03-10"), period("03-10", "04-10")]);
    assert_eq!(explained["next"]["on"], "2026-04-10");
    come_back(&shop, "2026-03-20");
    let billed = [("01-10", "02-10"), ("02-10", "03-10"), ("03-10", "04-10")];
    assert_eq!(periods(&shop), billed.map(|(start, end)| period(start, end)));
    assert_eq!(shop.subscription(&id, "2026-03-20")["next_billing_on"], "2026-04-10");
}

#[test]
fn a_conversion_that_is_foreseen_is_the_one_that_takes_place() {
    let shop = shop_with("[trials]\non_end = \"convert\"\n");
    shop.plan("tried", "20", "1", &["--trial-days", "10"]);
    shop.pays_by_itself("acme");
    shop.subscribe("acme", "tried", "2026-01-01", &BY_DAY);
    suspend(&shop, "2026-01-05");
    come_back(&shop, "2026-02-10");
    let would = shop.task(CLEANUP, "2026-02-11", &["--dry-run"]);
    let did = shop.task(CLEANUP, "2026-02-11", &["--no-deliver"]);
    for field in ["expired", "converted", "emails_queued"] {
        assert_eq!(would[field], did[field], "{field}");
    }
    assert_eq!(did["emails_queued"], 2);
    // It was away when its trial ended: what it is told is what it is billed from.
    assert_eq!(periods(&shop), [period("02-10", "03-10")]);
    let emails = shop.json(&["email", "list"]);
    let told = emails.as_array().expect("a list").iter().find(|l| l["template"] == "trial_ended");
    let id = text(&told.expect("the e-mail")["id"]);
    shop.task("deliver-emails", "2026-02-11", &[]);
    let email = text(&shop.json(&["email", "show", &id])["message"]);
    assert!(email.contains("10 February 2026"), "{email}");
}

#[test]
fn a_trial_that_was_canceled_ends_without_a_bill_or_a_suspension() {
    for config in ["", "[trials]\non_end = \"convert\"\n"] {
        let shop = shop_with(config);
        shop.pays_by_itself("acme");
        let id = shop.subscribe("acme", "monthly", "2026-03-01", &["--trial-days", "14"]);
        shop.ok(&["subscription", "cancel", &id, "--as-of", "2026-03-02"]);
        let run = shop.task(CLEANUP, "2026-03-15", &[]);
        let counts = ["expired", "converted", "suspended"].map(|name| run[name].clone());
        assert_eq!(counts, [1, 0, 0].map(Value::from), "{config}");
        assert_eq!(status(&shop, &id, "2026-03-15"), "canceled");
        assert_eq!(shop.json(&["tenant", "show", "acme"])["status"], "active");
        assert!(periods(&shop).is_empty());
        shop.check();
    }
}

#[test]
fn a_trial_with_a_backlog_becomes_a_subscription_whose_backlog_is_named() {
    let shop = shop_with("[trials]\non_end = \"convert\"\n");
    shop.plan("tried", "20", "1", &["--trial-days", "10"]);
    shop.pays_by_itself("acme");
    let start = ["--start", "2023-01-01", "--yes"];
    let id = shop.subscribe("acme", "tried", "2026-01-01", &start);
    for more in [&["--dry-run"][..], &[]] {
        let run = shop.task(CLEANUP, "2026-01-01", more);
        assert_eq!((&run["converted"], &run["status"]), (&json!(1), &json!("partial")));
        let error = &run["errors"][0];
        assert_eq!((&error["subject"], &error["code"]), (&json!(id), &json!("backlog")));
    }
}

#[test]
fn a_backlog_that_nobody_wants_billed_is_ended_by_canceling_now() {
    let shop = shop();
    let back_then = ["--start", "2023-01-01", "--yes", "--no-invoice"];
    let id = shop.subscribe("acme", "monthly", "2026-02-11", &back_then);
    shop.ok(&["subscription", "cancel", &id, "--as-of", "2026-02-11"]);
    // Its end has come, and what it owes is held back.
    assert_eq!(shop.task(GENERATE, "2026-03-03", &[])["errors"][0]["code"], "backlog");
    shop.ok(&["subscription", "cancel", &id, "--now", "--as-of", "2026-03-03"]);
    assert_eq!(shop.subscription(&id, "2026-03-03")["ends_on"], "2026-03-01");
    assert_eq!(bill(&shop, "2026-03-04"), 0);
    shop.check();
}

#[test]
fn a_backlog_that_a_suspension_cut_off_is_named_in_the_trail() {
    let shop = shop();
    shop.subscribe("acme", "monthly", "2024-01-01", &[]);
    suspend(&shop, "2026-02-15");
    come_back(&shop, "2026-03-01");
    let dropped = ["event", "list", "--kind", "subscription_backlog_dropped"];
    let reason = text(&shop.json(&dropped)[0]["reason"]);
    assert_eq!(reason, "25 periods since 2024-02-01 were missed and stay unbilled");
    assert_eq!(bill(&shop, "2026-03-01"), 1);
    shop.check();
}

#[test]
fn a_trial_that_is_suspended_by_hand_comes_back_to_its_trial() {
    let shop = shop();
    let id = shop.subscribe("acme", "monthly", "2026-01-10", &["--trial-days", "30"]);
    suspend(&shop, "2026-01-15");
    come_back(&shop, "2026-01-20");
    assert_eq!(status(&shop, &id, "2026-01-20"), "trialing");
    assert_eq!(bill(&shop, "2026-02-08"), 0);
    // Its last free day is what it was.
    assert_eq!(shop.task(CLEANUP, "2026-02-08", &[])["expired"], 0);
    assert_eq!(shop.task(CLEANUP, "2026-02-09", &[])["suspended"], 1);
    shop.check();
}

#[test]
fn a_trial_that_ended_while_it_was_suspended_by_hand_is_paid_for_from_the_return_on() {
    let returns = [
        ("calendar", [period("03-20", "04-01"), period("04-01", "05-01")]),
        ("anniversary", [period("03-20", "04-20"), period("04-20", "05-20")]),
    ];
    for (anchor, expected) in returns {
        let shop = shop_with("[trials]\non_end = \"convert\"\n");
        shop.pays_by_itself("acme");
        let trial = ["--trial-days", "10", "--anchor", anchor];
        shop.subscribe("acme", "monthly", "2026-01-01", &trial);
        suspend(&shop, "2026-01-05");
        shop.task(CLEANUP, "2026-01-11", &[]);
        come_back(&shop, "2026-03-20");
        assert_eq!(shop.task(CLEANUP, "2026-03-21", &[])["converted"], 1);
        bill(&shop, "2026-04-20");
        // Nobody pays for the weeks in which nothing was served.
        assert_eq!(periods(&shop), expected, "{anchor}");
        shop.check();
    }
}

/// A tenant with a subscription since 10 January, suspended for its first invoice on 25 February.
fn overdue() -> (Shop, String, String) {
    let shop = shop();
    let id = shop.subscribe("acme", "monthly", "2026-01-10", &BY_DAY);
    let number = text(&shop.json(&["invoice", "list"])[0]["number"]);
    for day in ["2026-02-09", "2026-02-24"] {
        bill(&shop, day);
        shop.task("check-overdue", day, &[]);
    }
    assert_eq!(status(&shop, &id, "2026-02-24"), "suspended");
    (shop, id, number)
}

#[test]
fn a_suspension_for_a_debt_that_is_lifted_by_payment_brings_the_subscription_back() {
    let (shop, id, number) = overdue();
    shop.ok(&["invoice", "pay", &number, "--amount", "31", "--as-of", "2026-03-01"]);
    assert_eq!(status(&shop, &id, "2026-03-01"), "active");
    // It was billed until 10 March when it was suspended.
    assert_eq!(bill(&shop, "2026-03-09"), 0);
    assert_eq!(bill(&shop, "2026-03-10"), 1);
    shop.check();
    let (shop, id, number) = overdue();
    shop.ok(&["invoice", "pay", &number, "--amount", "31", "--as-of", "2026-03-20"]);
    bill(&shop, "2026-03-20");
    // It runs again, with a younger invoice that is late.
    assert_eq!(status(&shop, &id, "2026-03-20"), "past_due");
    assert_eq!(periods(&shop)[2..], [period("03-20", "04-20")]);
    shop.check();
}

#[test]
fn a_payment_does_not_bring_back_what_was_suspended_for_its_trial() {
    let shop = shop();
    let paid = shop.subscribe("acme", "monthly", "2026-01-10", &BY_DAY);
    let tried = shop.subscribe("acme", "monthly", "2026-01-10", &["--trial-days", "10"]);
    let number = text(&shop.json(&["invoice", "list"])[0]["number"]);
    shop.task(CLEANUP, "2026-01-20", &[]);
    assert_eq!(status(&shop, &tried, "2026-01-20"), "suspended");
    assert_eq!(shop.json(&["tenant", "show", "acme"])["status"], "active");
    for day in ["2026-02-09", "2026-02-24"] {
        shop.task("check-overdue", day, &[]);
    }
    assert_eq!(shop.json(&["tenant", "show", "acme"])["status"], "suspended");
    shop.ok(&["invoice", "pay", &number, "--amount", "31", "--as-of", "2026-02-25"]);
    assert_eq!(status(&shop, &paid, "2026-02-25"), "active");
    assert_eq!(status(&shop, &tried, "2026-02-25"), "suspended");
    // By hand, it is another decision.
    shop.ok(&["subscription", "resume", &tried, "--as-of", "2026-02-26"]);
    assert_eq!(status(&shop, &tried, "2026-02-26"), "active");
    shop.check();
}

#[test]
fn a_tenant_is_served_while_one_of_its_trials_runs() {
    let shop = shop();
    shop.subscribe("acme", "monthly", "2026-01-01", &["--trial-days", "10"]);
    shop.subscribe("acme", "monthly", "2026-01-01", &["--trial-days", "20"]);
    assert_eq!(shop.task(CLEANUP, "2026-01-11", &[])["suspended"], 1);
    assert_eq!(shop.json(&["tenant", "show", "acme"])["status"], "active");
    assert_eq!(shop.task(CLEANUP, "2026-01-21", &[])["suspended"], 1);
    let tenant = shop.json(&["tenant", "show", "acme"]);
    assert_eq!(tenant["status"], "suspended");
    assert_eq!(bill(&shop, "2026-03-01"), 0);
    shop.check();
}

#[test]
fn two_trials_that_ended_before_the_same_late_run_suspend_their_tenant() {
    let shop = shop();
    shop.subscribe("acme", "monthly", "2026-01-01", &["--trial-days", "10"]);
    shop.subscribe("acme", "monthly", "2026-01-01", &["--trial-days", "20"]);
    assert_eq!(shop.task(CLEANUP, "2026-02-01", &[])["suspended"], 2);
    assert_eq!(shop.json(&["tenant", "show", "acme"])["status"], "suspended");
    // Each is told of its own end.
    let emails = shop.json(&["email", "list", "--tenant", "acme"]);
    assert_eq!(emails.as_array().map(Vec::len), Some(2));
    shop.check();
}

#[test]
fn a_tenant_has_one_trial_of_a_plan_unless_it_is_given_another() {
    let shop = shop_with("[trials]\non_end = \"convert\"\n");
    shop.plan("tried", "20", "1", &["--trial-days", "10"]);
    shop.pays_by_itself("acme");
    let start = |day, more: &[&str]| {
        let id = shop.subscribe("acme", "tried", day, more);
        status(&shop, &id, day)
    };
    let first = shop.subscribe("acme", "tried", "2026-01-01", &[]);
    assert_eq!(status(&shop, &first, "2026-01-01"), "trialing");
    assert_eq!(start("2026-01-02", &[]), "active");
    assert_eq!(start("2026-01-02", &["--trial-days", "5"]), "trialing");
    assert_eq!(start("2026-01-02", &["--trial-days", "0"]), "active");
    // Having gone over to another plan meanwhile makes no difference.
    shop.task(CLEANUP, "2026-01-11", &[]);
    shop.ok(&["subscription", "change", &first, "--plan", "monthly", "--as-of", "2026-01-12"]);
    bill(&shop, "2026-02-01");
    assert_eq!(shop.subscription(&first, "2026-02-01")["plan"], "monthly");
    assert_eq!(start("2026-02-02", &[]), "active");
    shop.ok(&["subscription", "cancel", &first, "--now", "--as-of", "2026-02-03"]);
    assert_eq!(start("2026-02-03", &[]), "active");
    // The plan that it went over to was never tried.
    shop.plan("untried", "20", "1", &["--trial-days", "10"]);
    let third = shop.subscribe("acme", "tried", "2026-02-04", &["--trial-days", "3"]);
    shop.task(CLEANUP, "2026-02-07", &[]);
    shop.ok(&["subscription", "change", &third, "--plan", "untried", "--as-of", "2026-02-08"]);
    bill(&shop, "2026-03-01");
    assert_eq!(shop.subscription(&third, "2026-03-01")["plan"], "untried");
    let untried = shop.subscribe("acme", "untried", "2026-03-02", &[]);
    assert_eq!(status(&shop, &untried, "2026-03-02"), "trialing");
    shop.check();
}

/// A subscription whose first of so many unbilled months starts on 1 January 2024, seen on the
/// last day of the last of them.
fn missed(months: u32) -> (Shop, String, String) {
    let shop = shop();
    let start = ["--start", "2024-01-01", "--no-invoice", "--yes"];
    let id = shop.subscribe("acme", "monthly", "2026-03-01", &start);
    let first: chrono::NaiveDate = "2024-01-01".parse().expect("a date");
    let day = (first + chrono::Months::new(months)).pred_opt().expect("a day");
    (shop, id, day.to_string())
}

#[test]
fn twenty_four_missed_periods_are_billed_oldest_first() {
    let (shop, _, day) = missed(24);
    assert_eq!(bill(&shop, &day), 24);
    let list = shop.json(&["invoice", "list"]);
    let mut listed: Vec<_> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|i| (text(&i["number"]), text(&i["period_start"])))
        .collect();
    listed.sort();
    assert!(listed.is_sorted_by_key(|(_, start)| start.clone()), "{listed:?}");
    shop.check();
}

#[test]
fn twenty_five_missed_periods_are_held_and_named_until_they_are_allowed() {
    let (shop, id, day) = missed(25);
    shop.tenant("other");
    shop.subscribe("other", "monthly", &day, &["--no-invoice"]);
    let run = shop.run(&["tasks", GENERATE, "--as-of", &day, "--json"]);
    assert_eq!(run.status, 3, "{run:?}");
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(report["invoices_created"], 1, "the others are billed");
    let [error] = &report["errors"].as_array().expect("a list")[..] else { panic!("{report}") };
    assert_eq!((&error["subject"], &error["code"]), (&json!(id), &json!("backlog")));
    assert!(text(&error["message"]).contains("--allow-backlog"), "{error}");
    assert_eq!(periods(&shop), <[[String; 2]; 0]>::default());
    shop.check();
    // Held until someone decides, also by the next run.
    assert_eq!(shop.run(&["tasks", GENERATE, "--as-of", &day]).status, 3);
    assert_eq!(shop.task(GENERATE, &day, &["--allow-backlog"])["invoices_created"], 25);
    assert_eq!(bill(&shop, &day), 0);
    shop.check();
}

#[test]
fn a_subscription_that_cannot_be_billed_is_named_and_stops_no_other() {
    let shop = shop();
    shop.ok(&["tenant", "edit", "acme", "--tax-rate", "20"]);
    shop.plan("dear", "1", "1", &[]);
    let tenants: Vec<String> = (1..=6).map(|n| format!("t{n}")).collect();
    let mut bad = Vec::new();
    for tenant in &tenants {
        shop.tenant(tenant);
        let plan = if tenant == "t3" { "dear" } else { "monthly" };
        let id = shop.subscribe(tenant, plan, "2026-01-10", &BY_DAY);
        if ["t3", "t5"].contains(&tenant.as_str()) {
            bad.push(id);
        }
    }
    let sql = shop.sql();
    // As much as an amount may come to: with the tax it is more.
    sql.execute_batch(
        "DROP TRIGGER prices_immutable;
         UPDATE prices SET unit_amount = '10000000000000.00'
         WHERE plan_id = (SELECT id FROM plans WHERE code = 'dear');
         UPDATE tenants SET tax_rate = '20' WHERE slug = 't3';",
    )
    .expect("a price beyond reason");
    // A period that was billed already, and a subscription that does not know it.
    sql.execute_batch(
        "UPDATE subscriptions SET next_billing_on = '2026-02-09'
         WHERE tenant_id = (SELECT id FROM tenants WHERE slug = 't5')",
    )
    .expect("a pointer gone wrong");
    drop(sql);
    let run = shop.run(&["tasks", GENERATE, "--as-of", "2026-02-10", "--json"]);
    assert_eq!(run.status, 3, "{run:?}");
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(report["invoices_created"], 4, "{report}");
    let mut named: Vec<_> = report["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|error| text(&error["subject"]))
        .collect();
    named.sort();
    assert_eq!(named, bad, "{report}");
    // What failed took no number with it, and is tried again.
    let check = shop.run(&["db", "check"]);
    assert!(!check.stdout.contains("numbers"), "{}", check.stdout);
    let again = shop.task(GENERATE, "2026-02-10", &[]);
    assert_eq!(
        (&again["invoices_created"], again["errors"].as_array().map(Vec::len)),
        (&json!(0), Some(2))
    );
}

#[test]
fn a_canceled_trial_whose_end_no_run_recorded_before_a_suspension_ends_with_the_next_one() {
    // Whoever comes first: the task that bills, or the return of the tenant.
    for comes_back in [false, true] {
        let shop = shop();
        shop.tenant("birch");
        shop.subscribe("birch", "monthly", "2026-02-14", &BY_DAY);
        let id = shop.subscribe("acme", "monthly", "2026-03-01", &["--trial-days", "10"]);
        shop.ok(&["subscription", "cancel", &id, "--as-of", "2026-03-05"]);
        suspend(&shop, "2026-03-13");
        if comes_back {
            come_back(&shop, "2026-03-14");
        }
        // It keeps nobody else from being billed.
        assert_eq!(bill(&shop, "2026-03-14"), 1);
        assert_eq!(status(&shop, &id, "2026-03-14"), "canceled");
        assert_eq!(shop.subscription(&id, "2026-03-14")["ends_on"], "2026-03-11");
        assert_eq!(periods(&shop), <[[String; 2]; 0]>::default());
        shop.ok(&["subscription", "explain", &id, "--as-of", "2026-03-14"]);
        shop.check();
    }
}

#[test]
fn an_imported_subscription_with_a_coupon_is_not_rewritten_or_the_use_would_wait_for_ever() {
    let shop = shop();
    shop.coupon("TEN", &["--percent", "10", "--duration", "3", "--max-uses", "1"]);
    let import = |row: &str, more: &[&str]| {
        let columns = "tenant,plan,started_on,status,quantity";
        shop.write("subscriptions.csv", &format!("{columns}\nacme,monthly,2026-01-01,{row}\n"));
        let args = ["import", "subscriptions", "subscriptions.csv", "--json"];
        shop.run(&[&args[..], &["--as-of", "2026-01-20"], more].concat())
    };
    assert_eq!(import("active,1", &[]).status, 0);
    let apply = ["coupon", "apply", "TEN", "--subscription", "sub_1", "--as-of", "2026-01-20"];
    shop.ok(&apply);
    // One that is canceled has no coming invoice, and of two the coupon was never asked.
    for row in ["canceled,1", "active,2"] {
        let refused = import(row, &["--update"]);
        assert_eq!(refused.status, 1, "{refused:?}");
        assert!(refused.stderr.contains("a coupon was applied"), "{refused:?}");
        assert_eq!(shop.uses("TEN"), Uses::subscription(0));
        shop.check();
    }
    // The same row as before is no correction.
    assert_eq!(import("active,1", &["--update"]).status, 0);
    // Canceled here, it gives the use back.
    shop.ok(&["subscription", "cancel", "sub_1", "--now", "--as-of", "2026-01-20"]);
    assert_eq!(shop.uses("TEN"), Uses::returned(1));
    shop.check();
}

#[test]
fn a_subscription_takes_the_price_in_its_customers_currency_and_says_where_there_is_none() {
    let shop = shop();
    let create = ["tenant", "create", "brook", "--name", "Brook", "--email", "b@clients.example"];
    shop.ok(&[&create[..], &["--currency", "GBP"]].concat());
    let begin = ["subscription", "create", "--tenant", "brook", "--plan", "monthly", "--json"];
    let on = |day: &str| shop.run(&[&begin[..], &["--as-of", day]].concat());
    let first = on("2026-01-10");
    assert_eq!(first.status, 0, "{}", first.stderr);
    assert!(
        first.stderr.contains("note: billed in EUR, the plan has no price in the GBP of brook"),
        "{}",
        first.stderr
    );
    let explained = shop.ok(&["subscription", "explain", "sub_1", "--as-of", "2026-01-10"]);
    assert!(explained.contains("billed in EUR, its customer otherwise in GBP"), "{explained}");

    // Where the plan has a price in it, that is taken, also by a change and an import.
    shop.sql()
        .execute_batch(
            "INSERT INTO prices (plan_id, currency, model, unit_amount, created_at)
             VALUES (1, 'GBP', 'per_unit', '27', '2026-01-01T00:00:00Z')",
        )
        .expect("a price");
    let second = on("2026-01-11");
    assert!(!second.stderr.contains("billed in"), "{}", second.stderr);
    let second: Value = serde_json::from_str(&second.stdout).expect("JSON");
    assert_eq!((&second["currency"], &second["price"]), (&json!("GBP"), &json!("27.00")));
    shop.plan("more", "40", "1", &[]);
    shop.sql()
        .execute_batch(
            "INSERT INTO prices (plan_id, currency, model, unit_amount, created_at)
             VALUES (2, 'GBP', 'per_unit', '35', '2026-01-01T00:00:00Z')",
        )
        .expect("a price");
    shop.ok(&["subscription", "change", "sub_2", "--plan", "more", "--as-of", "2026-01-12"]);
    shop.task(GENERATE, "2026-02-01", &["--no-deliver"]);
    assert_eq!(shop.subscription("sub_2", "2026-02-01")["price"], "35.00");
    shop.write("take.csv", "tenant,plan,started_on\nbrook,monthly,2025-12-01\n");
    shop.ok(&["import", "subscriptions", shop.path("take.csv").to_str().expect("a path")]);
    assert_eq!(shop.subscription("sub_3", "2026-02-01")["currency"], "GBP");
    shop.check();
}

/// What had begun before a suspension is billed first, and with it comes into force what was to change then.
#[test]
fn a_change_now_of_one_that_is_suspended_is_of_what_holds_by_then() {
    let shop = shop();
    shop.plan("pro", "62", "1", &[]);
    let id = shop.subscribe("acme", "monthly", "2026-01-01", &[]);
    shop.ok(&["subscription", "change", &id, "--plan", "pro", "--as-of", "2026-01-10"]);
    // No run came on the 1st.
    suspend(&shop, "2026-02-02");
    let change = ["subscription", "change", &id, "--quantity", "3", "--now"];
    let outcome = shop.run(&[&change[..], &["--json", "--as-of", "2026-02-05"]].concat());
    assert!(outcome.stderr.contains("2026-02-01 to 2026-02-28 had begun"), "{}", outcome.stderr);
    let now = shop.subscription(&id, "2026-02-05");
    let terms = (&now["plan"], &now["quantity"], &now["pending"]);
    assert_eq!(terms, (&json!("pro"), &json!(3), &Value::Null));
    assert_eq!(periods(&shop), [period("01-01", "02-01"), period("02-01", "03-01")]);
    shop.check();
}
