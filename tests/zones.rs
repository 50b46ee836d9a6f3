//! Days are those of the business: a run half an hour before its midnight and one half an hour
//! after it stand on two dates, whatever UTC says, and on whichever side of summer time.
mod support;

use serde_json::{Value, json};
use support::Shop;
use support::subscriptions::{CLEANUP, GENERATE, text};

const WEST: &str = "America/Los_Angeles";
const EAST: &str = "Pacific/Auckland";

/// A shop with a tenant and a plan at 31.00 a month, in a time zone.
fn shop_in(zone: &str) -> Shop {
    let shop = Shop::with_config(&format!("timezone = \"{zone}\"\n"));
    shop.plan("monthly", "31", "1", &[]);
    shop.tenant("acme");
    shop
}

/// Runs at both times, which lie on two dates: the period that starts on the second is billed by
/// the second run, and issued on that date.
fn bills_after_midnight(shop: &Shop, before: &str, after: &str) {
    let run = |at| shop.task(GENERATE, at, &[])["invoices_created"].clone();
    assert_eq!(run(before), 0, "{before}");
    assert_eq!(run(after), 1, "{after}");
    assert_eq!(run(after), 0, "{after}, again");
    let list = shop.json(&["invoice", "list"]);
    let dates = list.as_array().expect("a list").iter();
    let last = dates.map(|i| (text(&i["period_start"]), text(&i["issued_on"]))).max();
    let date = after[..10].to_owned();
    assert_eq!(last, Some((date.clone(), date)));
}

#[test]
fn west_of_utc_the_1st_begins_at_local_midnight_in_winter_and_in_summer() {
    let shop = shop_in(WEST);
    // In UTC it is February by then.
    let created_at = "2026-01-31T23:30:00-08:00";
    let id = shop.subscribe("acme", "monthly", created_at, &[]);
    assert_eq!(shop.subscription(&id, created_at)["started_on"], "2026-01-31");
    for (before, after) in [
        ("2026-01-31T23:45:00-08:00", "2026-02-01T00:30:00-08:00"),
        ("2026-02-28T23:30:00-08:00", "2026-03-01T00:30:00-08:00"),
        // Summer time since 8 March: the hour at which the run before still found nothing.
        ("2026-03-31T23:30:00-07:00", "2026-04-01T00:30:00-07:00"),
    ] {
        bills_after_midnight(&shop, before, after);
    }
    // The clocks go back on 1 November itself, after the run.
    shop.task(GENERATE, "2026-10-01T00:30:00-07:00", &[]);
    bills_after_midnight(&shop, "2026-10-31T23:30:00-07:00", "2026-11-01T00:30:00-07:00");
    assert_eq!(shop.task(GENERATE, "2026-11-01T01:30:00-08:00", &[])["invoices_created"], 0);
    bills_after_midnight(&shop, "2026-11-30T23:30:00-08:00", "2026-12-01T00:30:00-08:00");
    shop.check();
}

#[test]
fn east_of_utc_the_1st_begins_while_utc_is_in_the_month_before() {
    let shop = shop_in(EAST);
    let created_at = "2026-02-01T00:30:00+13:00";
    let id = shop.subscribe("acme", "monthly", created_at, &[]);
    assert_eq!(shop.subscription(&id, created_at)["started_on"], "2026-02-01");
    for (before, after) in [
        ("2026-02-28T23:30:00+13:00", "2026-03-01T00:30:00+13:00"),
        ("2026-03-31T23:30:00+13:00", "2026-04-01T00:30:00+13:00"),
        // Summer time ended on 5 April.
        ("2026-04-30T23:30:00+12:00", "2026-05-01T00:30:00+12:00"),
    ] {
        bills_after_midnight(&shop, before, after);
    }
    // And begins again on 27 September.
    shop.task(GENERATE, "2026-09-01T00:30:00+12:00", &[]);
    bills_after_midnight(&shop, "2026-09-30T23:30:00+13:00", "2026-10-01T00:30:00+13:00");
    shop.check();
}

#[test]
fn a_period_that_starts_on_the_day_on_which_the_clocks_change_is_billed_on_that_day() {
    let anniversary = ["--anchor", "anniversary"];
    let shop = shop_in(WEST);
    shop.subscribe("acme", "monthly", "2026-02-08", &anniversary);
    // 8 March has 23 hours, 1 November 25.
    bills_after_midnight(&shop, "2026-03-07T23:30:00-08:00", "2026-03-08T00:30:00-08:00");
    let shop = shop_in(EAST);
    shop.subscribe("acme", "monthly", "2026-03-05", &anniversary);
    bills_after_midnight(&shop, "2026-04-04T23:30:00+13:00", "2026-04-05T00:30:00+13:00");
    // Where the clocks skip midnight, the day begins at one.
    let shop = shop_in("America/Santiago");
    shop.subscribe("acme", "monthly", "2026-08-06", &anniversary);
    bills_after_midnight(&shop, "2026-09-05T23:30:00-04:00", "2026-09-06T01:00:00-03:00");
}

#[test]
fn a_part_of_a_month_is_counted_in_days_and_not_in_hours() {
    for (zone, day, total) in
        [(WEST, "2026-03-08", "24.00"), (WEST, "2026-03-09", "23.00"), (EAST, "2026-10-27", "5.00")]
    {
        let shop = shop_in(zone);
        shop.subscribe("acme", "monthly", day, &[]);
        assert_eq!(shop.json(&["invoice", "list"])[0]["total"], total, "{zone} {day}");
    }
}

#[test]
fn a_trial_ends_with_its_last_local_day() {
    for (zone, made_at, before, after) in [
        (
            WEST,
            "2026-03-01T23:30:00-08:00",
            "2026-03-14T23:30:00-07:00",
            "2026-03-15T00:30:00-07:00",
        ),
        (
            EAST,
            "2026-03-28T00:30:00+13:00",
            "2026-04-10T23:30:00+12:00",
            "2026-04-11T00:30:00+12:00",
        ),
    ] {
        let shop = shop_in(zone);
        let id = shop.subscribe("acme", "monthly", made_at, &["--trial-days", "14"]);
        assert_eq!(shop.subscription(&id, made_at)["trial_ends_on"], json!(before[..10]));
        assert_eq!(shop.task(CLEANUP, before, &[])["expired"], 0, "{zone}");
        assert_eq!(shop.task(CLEANUP, after, &[])["expired"], 1, "{zone}");
        shop.check();
    }
}

/// The two zones, each with a due date and what it takes to name a local time on a day of March.
const ZONES: [(&str, &str); 2] = [(WEST, "-07:00"), (EAST, "+13:00")];

/// Half an hour before the end of a day of March 2026, and half an hour after its beginning.
fn late(day: u32, offset: &str) -> String {
    format!("2026-03-{day:02}T23:30:00{offset}")
}

fn early(day: u32, offset: &str) -> String {
    format!("2026-03-{day:02}T00:30:00{offset}")
}

#[test]
fn an_invoice_grows_a_day_older_at_local_midnight() {
    for (zone, offset) in ZONES {
        let shop = shop_in(zone);
        shop.owes("acme", "2026-03-10");
        let age = |at: &str| {
            let overdue = shop.json(&["invoice", "overdue", "--as-of", at]);
            overdue["invoices"][0]["days_overdue"].clone()
        };
        assert_eq!((age(&late(10, offset)), age(&early(11, offset))), (Value::Null, json!(1)));
        let steps = |at: &str| shop.task("check-overdue", at, &[])["steps"].clone();
        assert_eq!(steps(&late(12, offset))["friendly"], 0, "{zone}");
        assert_eq!(steps(&early(13, offset))["friendly"], 1, "{zone}");
        assert_eq!(steps(&late(24, offset))["urgent"], 1, "{zone}");
        assert_eq!(steps(&early(25, offset))["warning"], 1, "{zone}");
        let explain =
            shop.ok(&["invoice", "explain", "INV-2026-000001", "--as-of", &late(31, offset)]);
        assert!(explain.contains("2026-04-09  suspension"), "{zone}: {explain}");
        shop.check();
    }
}

#[test]
fn a_suspension_waits_for_its_notice_in_local_days() {
    for (zone, offset) in ZONES {
        let shop = shop_in(zone);
        // Thirty days late since long: the warning alone is what is waited for.
        shop.owes("acme", "2026-01-10");
        shop.task("check-overdue", &late(10, offset), &[]);
        let suspended = |at: &str| shop.task("check-overdue", at, &[])["tenants_suspended"].clone();
        assert_eq!(suspended(&late(16, offset)), 0, "{zone}");
        assert_eq!(suspended(&early(17, offset)), 1, "{zone}");
        let steps = shop.json(&["event", "list", "--kind", "dunning_stage_recorded"]);
        assert_eq!(steps[1]["data"]["days_overdue"], 66, "{zone}");
    }
}

#[test]
fn a_promise_holds_until_its_last_local_day() {
    for (zone, offset) in ZONES {
        let shop = shop_in(zone);
        let number = shop.owes("acme", "2026-02-10");
        let promise = ["invoice", "promise", &number, "--until", "2026-03-14"];
        let made = |at: &str| shop.run(&[&promise[..], &["--as-of", at]].concat()).status;
        assert_eq!((made(&early(15, offset)), made(&late(14, offset))), (1, 0), "{zone}");
        let warned = |at: &str| shop.task("check-overdue", at, &[])["steps"]["warning"].clone();
        assert_eq!((warned(&late(14, offset)), warned(&early(15, offset))), (json!(0), json!(1)));
    }
}

/// A shop that charges what it bills, in a time zone; its one customer's card answers so.
fn charging_in(zone: &str, token: &str) -> Shop {
    let shop = Shop::with_config(&format!(
        "timezone = \"{zone}\"\n[invoicing]\nnet_days = 0\n\
         [payments]\ngateway = \"sandbox\"\ncollection = \"automatic\"\n"
    ));
    shop.plan("monthly", "31", "1", &[]);
    shop.tenant("acme");
    let method = ["payment-method", "create", "--tenant", "acme", "--kind", "card", "--default"];
    shop.ok(&[&method[..], &["--token", token]].concat());
    shop
}

#[test]
fn a_charge_is_paid_on_the_local_day() {
    for (zone, offset) in ZONES {
        for (at, day) in [(late(10, offset), "2026-03-10"), (early(10, offset), "2026-03-10")] {
            let shop = charging_in(zone, "tok_ok");
            shop.subscribe("acme", "monthly", &at, &[]);
            let invoice = shop.json(&["invoice", "show", "INV-2026-000001"]);
            assert_eq!((&invoice["issued_on"], &invoice["paid_on"]), (&json!(day), &json!(day)));
            let charge = shop.json(&["transaction", "show", "txn_1"]);
            assert_eq!(charge["paid_on"], day, "{at}");
            let since = |day: &str| {
                let list = ["transaction", "list", "--since", day];
                shop.json(&list).as_array().map(Vec::len)
            };
            assert_eq!((since("2026-03-10"), since("2026-03-11")), (Some(1), Some(0)), "{at}");
            shop.check();
        }
    }
}

/// The charge rests the invoice for five days after the local day on which it was sent, whatever
/// day it was in UTC, and is named from the next one on: by dunning, and by who asks for it.
#[test]
fn a_charge_is_pending_since_the_local_day() {
    for (zone, offset) in ZONES {
        for begun in [early(10, offset), late(10, offset)] {
            let shop = charging_in(zone, "tok_pending");
            shop.subscribe("acme", "monthly", &begun, &[]);
            let codes = |task: &str, at: &str| -> Vec<String> {
                let result = shop.task(task, at, &[]);
                let errors = result["errors"].as_array().expect("errors").iter();
                errors.map(|error| text(&error["code"])).collect()
            };
            for task in ["check-overdue", "retry-failed-payments"] {
                let none: [&str; 0] = [];
                assert_eq!(codes(task, &late(15, offset)), none, "{zone} {begun} {task}");
            }
            let explain =
                |at: &str| shop.ok(&["invoice", "explain", "INV-2026-000001", "--as-of", at]);
            assert!(
                explain(&late(15, offset)).contains("since 2026-03-10, waits until 2026-03-15")
            );
            let at = early(16, offset);
            assert_eq!(codes("check-overdue", &at), ["charge_pending"], "{zone} {begun}");
            assert_eq!(codes("retry-failed-payments", &at), ["pending_too_long"], "{zone} {begun}");
        }
    }
}

#[test]
fn a_declined_charge_waits_for_the_last_local_day_of_a_promise() {
    for (zone, offset) in ZONES {
        let shop = charging_in(zone, "tok_declined");
        shop.subscribe("acme", "monthly", &late(10, offset), &[]);
        let promise = ["invoice", "promise", "INV-2026-000001", "--until", "2026-03-13"];
        shop.ok(&[&promise[..], &["--as-of", &late(10, offset)]].concat());
        let tried = |at: &str| shop.task("retry-failed-payments", at, &[])["eligible"].clone();
        assert_eq!((tried(&late(13, offset)), tried(&early(14, offset))), (json!(0), json!(1)));
    }
}

#[test]
fn a_charge_without_a_try_left_was_first_declined_on_the_local_day() {
    for (zone, offset) in ZONES {
        for begun in [early(10, offset), late(10, offset)] {
            let shop = charging_in(zone, "tok_declined");
            shop.subscribe("acme", "monthly", &begun, &[]);
            let run = shop.task("retry-failed-payments", &late(17, offset), &[]);
            assert_eq!(run["exhausted"], 1, "{zone} {begun}");
            let events = shop.json(&["event", "list", "--kind", "charge_exhausted"]);
            let reason = "no attempt is left, first declined on 2026-03-10";
            assert_eq!(events[0]["reason"], reason, "{zone} {begun}");
        }
    }
}

/// Where noon is the day after in UTC, or the day before.
const FAR: [&str; 3] = [EAST, "Pacific/Kiritimati", WEST];

#[test]
fn a_customer_is_one_since_the_local_day_that_was_typed() {
    for zone in FAR {
        let shop = shop_in(zone);
        let create = ["tenant", "create", "mill", "--name", "Mill", "--email", "m@clients.example"];
        shop.ok(&[&create[..], &["--created-on", "2026-01-10"]].concat());
        let table = shop.ok(&["tenant", "show", "mill"]);
        assert!(table.contains("2026-01-10 12:00\n"), "{zone}: {table}");
        let file = "slug,name,email,created_on\nmill,Mill,m@clients.example,2026-01-10\n";
        shop.write("tenants.csv", file);
        let read = || shop.ok(&["import", "tenants", "tenants.csv", "--update"]);
        assert!(read().contains("1 unchanged"), "{zone}");
        shop.write("tenants.csv", &file.replace("-10", "-11"));
        assert!(read().contains("1 updated"), "{zone}");
        let told = shop.json(&["event", "list", "--kind", "tenant_edited"]);
        let data = &told[0]["data"];
        assert_eq!(data["before"]["created_on"], "2026-01-10", "{zone}");
        assert_eq!(data["after"]["created_on"], "2026-01-11", "{zone}");
    }
}

#[test]
fn a_customer_made_just_after_midnight_is_one_since_that_day() {
    let shop = shop_in(EAST);
    let create = ["tenant", "create", "mill", "--name", "Mill", "--email", "m@clients.example"];
    shop.ok(&[&create[..], &["--as-of", "2026-02-01T00:30:00+13:00"]].concat());
    shop.write(
        "tenants.csv",
        "slug,name,email,created_on\nmill,Mill,m@clients.example,2026-02-01\n",
    );
    assert!(shop.ok(&["import", "tenants", "tenants.csv"]).contains("1 unchanged"));
}

#[test]
fn a_dry_run_of_charges_tells_local_times() {
    for (zone, offset) in ZONES {
        let shop = charging_in(zone, "tok_declined");
        let begun = late(10, offset);
        shop.subscribe("acme", "monthly", &begun, &[]);
        let dry_run = |at: &str| {
            let foreseen = shop.task("retry-failed-payments", at, &["--dry-run"]);
            foreseen["decisions"][0]["reason"].as_str().expect("a reason").to_owned()
        };
        assert!(dry_run(&late(10, offset)).contains(" until 2026-03-11 "), "{zone}");
        assert!(dry_run(&late(17, offset)).ends_with("first declined on 2026-03-10"), "{zone}");
    }
}
