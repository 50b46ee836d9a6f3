//! Days are those of the business: a run half an hour before its midnight and one half an hour
//! after it stand on two dates, whatever UTC says, and on whichever side of summer time.
mod support;

use serde_json::json;
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
