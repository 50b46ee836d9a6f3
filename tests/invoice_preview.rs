//! `invoice preview`: what it says is what the task writes on its day, and it writes nothing itself.
mod support;

use std::collections::BTreeSet;

use serde_json::Value;
use support::Shop;
use support::subscriptions::{CLEANUP, GENERATE, text};

/// What is the same before the issue and after it.
const SAME: &[&str] = &[
    "tenant",
    "subscription",
    "currency",
    "subtotal",
    "discount",
    "tax_inclusive",
    "net",
    "tax_rate",
    "tax_category",
    "tax_reason",
    "tax",
    "total",
    "credit_applied",
    "amount_due",
    "issued_on",
    "due_on",
    "period_start",
    "period_end",
    "collection",
    "coupon",
    "seller",
    "buyer",
    "lines",
];

fn preview(shop: &Shop, id: &str, day: &str) -> Value {
    shop.json(&["invoice", "preview", "--subscription", id, "--as-of", day])
}

fn refused(shop: &Shop, id: &str, day: &str) -> (String, String) {
    let error = shop.refused(&["invoice", "preview", "--subscription", id, "--as-of", day]);
    (text(&error["code"]), error["reason"].as_str().unwrap_or_default().to_owned())
}

/// Looks at the next invoice on that day, lets the task come on the day that it names, and compares.
/// Returns the invoice.
fn proven(shop: &Shop, id: &str, day: &str) -> Value {
    let before = shop.contents();
    let foreseen = preview(shop, id, day);
    support::assert_same("after a preview", &shop.contents(), &before);
    for nothing in ["number", "origin", "created_at", "updated_at"] {
        assert!(foreseen[nothing].is_null(), "{nothing}");
    }
    assert_eq!(foreseen["status"], "draft");
    let tenant = text(&foreseen["tenant"]);
    let numbers = |shop: &Shop| -> BTreeSet<String> {
        let list = shop.json(&["invoice", "list", "--tenant", &tenant]);
        let list = list.as_array().expect("a list").iter();
        list.filter(|one| one["subscription"] == id).map(|one| text(&one["number"])).collect()
    };
    let old = numbers(shop);
    shop.task(&text(&foreseen["issued_by"]), &text(&foreseen["issued_on"]), &["--no-deliver"]);
    let new = numbers(shop);
    // Where more than one had begun, the oldest.
    let number = new.difference(&old).next().unwrap_or_else(|| panic!("{id}: nothing was issued"));
    let issued = shop.json(&["invoice", "show", number]);
    for field in SAME {
        assert_eq!(foreseen[field], issued[field], "{id}: {field}");
    }
    issued
}

fn shop(config: &str) -> Shop {
    let shop = Shop::with_config(&format!("[invoicing]\ntax_rate = \"20\"\n{config}"));
    shop.plan("pro", "49.90", "1", &[]);
    shop.plan("team", "99.99", "1", &[]);
    shop.plan("year", "500", "12", &[]);
    shop.plan("gross", "49.90", "1", &["--tax-inclusive"]);
    shop.tenant("acme");
    shop
}

fn change(shop: &Shop, id: &str, day: &str, to: &[&str]) {
    shop.ok(&[&["subscription", "change", id, "--as-of", day], to].concat());
}

#[test]
fn a_whole_period_is_billed_as_it_was_foreseen() {
    let shop = shop("");
    let id = shop.subscribe("acme", "pro", "2026-03-01", &["--quantity", "3"]);
    let issued = proven(&shop, &id, "2026-03-20");
    assert_eq!((&issued["issued_on"], &issued["total"]), (&"2026-04-01".into(), &"179.64".into()));
    shop.check();
}

#[test]
fn a_part_of_a_period_is_billed_as_it_was_foreseen() {
    let shop = shop("");
    let more = ["--no-invoice", "--quantity", "7"];
    let id = shop.subscribe("acme", "pro", "2026-03-15", &more);
    // It has begun: the next run bills it.
    let issued = proven(&shop, &id, "2026-03-15");
    assert_eq!(issued["issued_on"], "2026-03-15");
    assert!(issued["lines"][0]["unit_price"].is_null());
    // One that begins later, on its day.
    let later = ["--no-invoice", "--start", "2026-04-11"];
    let id = shop.subscribe("acme", "gross", "2026-03-15", &later);
    assert_eq!(proven(&shop, &id, "2026-03-20")["issued_on"], "2026-04-11");
    shop.check();
}

#[test]
fn what_is_to_change_is_in_it() {
    let shop = shop("");
    let seats = shop.subscribe("acme", "pro", "2026-03-01", &[]);
    change(&shop, &seats, "2026-03-10", &["--quantity", "12"]);
    assert_eq!(proven(&shop, &seats, "2026-03-10")["lines"][0]["quantity"], 12);
    let plan = shop.subscribe("acme", "pro", "2026-05-20", &[]);
    change(&shop, &plan, "2026-05-22", &["--plan", "team", "--quantity", "2"]);
    assert_eq!(proven(&shop, &plan, "2026-05-25")["subtotal"], "199.98");
    // Another interval ends with the calendar's year.
    let interval = shop.subscribe("acme", "pro", "2026-06-15", &[]);
    change(&shop, &interval, "2026-06-16", &["--plan", "year"]);
    let issued = proven(&shop, &interval, "2026-06-20");
    assert_eq!(issued["period_start"], "2026-07-01");
    // A period that has begun is billed as it was.
    let late = shop.subscribe("acme", "team", "2026-07-01", &[]);
    assert_eq!(proven(&shop, &late, "2026-09-02")["period_start"], "2026-08-01");
    shop.check();
}

#[test]
fn a_coupon_comes_off_for_as_long_as_it_runs() {
    let shop = shop("");
    for (code, what, duration) in [
        ("ONCE", ["--percent", "15"], "once"),
        ("TWICE", ["--percent", "33.33"], "2"),
        ("EVER", ["--amount", "7.77"], "forever"),
    ] {
        let named = ["coupon", "create", code, "--name", code, "--until", "2027-12-31"];
        let how = ["--from", "2026-01-01", "--duration", duration];
        shop.ok(&[&named[..], &how, &what].concat());
    }
    for (code, discounts) in [
        ("ONCE", ["14.97", "0.00", "0.00"]),
        ("TWICE", ["33.26", "33.26", "0.00"]),
        ("EVER", ["7.77", "7.77", "7.77"]),
    ] {
        let more = ["--quantity", "2", "--coupon", code, "--no-invoice"];
        let tenant = code.to_lowercase();
        shop.tenant(&tenant);
        let id = shop.subscribe(&tenant, "pro", "2026-03-01", &more);
        for (day, discount) in ["2026-03-01", "2026-03-25", "2026-04-30"].iter().zip(discounts) {
            let issued = proven(&shop, &id, day);
            assert_eq!(issued["discount"], discount, "{code} on {day}");
        }
    }
    shop.check();
}

#[test]
fn prices_with_tax_are_taken_apart_alike() {
    let shop = shop("");
    let id = shop.subscribe("acme", "gross", "2026-03-01", &["--quantity", "3"]);
    let issued = proven(&shop, &id, "2026-03-02");
    assert_eq!((&issued["total"], &issued["tax"]), (&"149.70".into(), &"24.95".into()));
}

#[test]
fn credit_pays_it_as_if_it_were_issued_today() {
    let shop = shop("");
    let id = shop.subscribe("acme", "pro", "2026-03-01", &[]);
    shop.ok(&["invoice", "pay", "INV-2026-000001", "--amount", "all", "--as-of", "2026-03-02"]);
    assert_eq!(preview(&shop, &id, "2026-03-03")["credit_applied"], "0.00");
    for (amount, applied, due) in [("20", "20.00", "39.88"), ("100", "59.88", "0.00")] {
        let grant = ["credit", "grant", "--tenant", "acme", "--amount", amount, "--reason", "r"];
        shop.ok(&[&grant[..], &["--as-of", "2026-03-04"]].concat());
        let day = if amount == "20" { "2026-03-05" } else { "2026-04-20" };
        let asked = shop.run(&["invoice", "preview", "--subscription", &id, "--as-of", day]);
        let said = format!("note: {applied} EUR of credit would pay it if it were issued today\n");
        assert!(asked.stderr.contains(&said), "{}", asked.stderr);
        let issued = proven(&shop, &id, day);
        assert_eq!(
            (&issued["credit_applied"], &issued["amount_due"]),
            (&applied.into(), &due.into())
        );
        if amount == "20" {
            let number = text(&issued["number"]);
            shop.ok(&["invoice", "pay", &number, "--amount", "all", "--as-of", "2026-04-02"]);
        }
    }
    let manual = self::shop("apply_credit = \"manual\"\n");
    let id = manual.subscribe("acme", "pro", "2026-03-01", &[]);
    let grant = ["credit", "grant", "--tenant", "acme", "--amount", "20", "--reason", "r"];
    manual.ok(&[&grant[..], &["--as-of", "2026-03-04"]].concat());
    assert_eq!(proven(&manual, &id, "2026-03-05")["credit_applied"], "0.00");
}

#[test]
fn a_trial_that_goes_on_is_billed_as_it_was_foreseen() {
    let shop = shop("[trials]\non_end = \"convert\"\n");
    for (tenant, anchor) in [("nova", "calendar"), ("luna", "anniversary")] {
        shop.tenant(tenant);
        shop.pays_by_itself(tenant);
        let more = ["--trial-days", "14", "--anchor", anchor];
        let id = shop.subscribe(tenant, "pro", "2026-03-05", &more);
        let foreseen = preview(&shop, &id, "2026-03-06");
        assert_eq!(
            (&foreseen["issued_by"], &foreseen["issued_on"]),
            (&CLEANUP.into(), &"2026-03-19".into())
        );
        let issued = proven(&shop, &id, "2026-03-06");
        assert_eq!(issued["collection"], "automatic");
        assert_eq!(preview(&shop, &id, "2026-03-20")["issued_by"], GENERATE);
    }
    // Whose last day has passed is billed with the next run.
    shop.tenant("late");
    shop.pays_by_itself("late");
    let id = shop.subscribe("late", "pro", "2026-05-01", &["--trial-days", "10"]);
    assert_eq!(proven(&shop, &id, "2026-05-14")["period_start"], "2026-05-11");
    shop.check();
}

#[test]
fn a_period_that_is_billed_anew_comes_first() {
    let shop = shop("");
    let id = shop.subscribe("acme", "pro", "2026-03-01", &["--quantity", "2"]);
    let void = ["invoice", "void", "INV-2026-000001", "--reason", "r", "--rebill", "--yes"];
    shop.ok(&[&void[..], &["--as-of", "2026-03-10"]].concat());
    change(&shop, &id, "2026-03-11", &["--quantity", "5"]);
    // Not while its customer is suspended.
    shop.ok(&["tenant", "suspend", "acme", "--reason", "r", "--as-of", "2026-03-11"]);
    assert_eq!(refused(&shop, &id, "2026-03-11").1, "suspended");
    shop.ok(&["tenant", "reactivate", "acme", "--as-of", "2026-03-11"]);
    let issued = proven(&shop, &id, "2026-03-12");
    assert_eq!(
        (&issued["period_start"], &issued["subtotal"]),
        (&"2026-03-01".into(), &"99.80".into())
    );
    assert_eq!(proven(&shop, &id, "2026-03-12")["subtotal"], "249.50");
}

#[test]
fn what_a_customer_left_unbilled_is_billed_after_it_has_gone() {
    let shop = shop("");
    let id = shop.subscribe("acme", "pro", "2026-03-01", &[]);
    shop.ok(&["tenant", "close", "acme", "--as-of", "2026-04-10"]);
    assert_eq!(proven(&shop, &id, "2026-04-11")["period_start"], "2026-04-01");
    assert_eq!(refused(&shop, &id, "2026-04-12").1, "canceled");
}

#[test]
fn it_has_the_shape_of_an_invoice() {
    let shop = shop("");
    let id = shop.subscribe("acme", "pro", "2026-03-01", &[]);
    let names = |object: &Value| -> BTreeSet<String> {
        object.as_object().expect("an object").keys().cloned().collect()
    };
    let mut shown = names(&shop.json(&["invoice", "show", "INV-2026-000001"]));
    shown.insert("issued_by".to_owned());
    assert_eq!(names(&preview(&shop, &id, "2026-03-02")), shown);
    let asked = shop.run(&["invoice", "preview", "--subscription", &id, "--as-of", "2026-03-02"]);
    let said = "note: tasks generate-recurring-invoices will issue it on 2026-04-01; nothing was written\n";
    assert_eq!(asked.stderr, said);
}

#[test]
fn where_no_invoice_follows_it_says_why() {
    let shop = shop("");
    let no_next = |why: &str| ("no_next_invoice".to_owned(), why.to_owned());
    let trial = shop.subscribe("acme", "pro", "2026-03-01", &["--trial-days", "14"]);
    assert_eq!(refused(&shop, &trial, "2026-03-02"), no_next("trial_ends"));
    shop.ok(&["subscription", "cancel", &trial, "--as-of", "2026-03-03"]);
    assert_eq!(refused(&shop, &trial, "2026-03-04"), no_next("ends"));
    let ends = shop.subscribe("acme", "pro", "2026-03-01", &[]);
    shop.ok(&["subscription", "cancel", &ends, "--as-of", "2026-03-03"]);
    assert_eq!(refused(&shop, &ends, "2026-03-04"), no_next("ends"));
    assert_eq!(refused(&shop, &ends, "2026-04-02"), no_next("canceled"));
    let canceled = shop.subscribe("acme", "team", "2026-03-01", &[]);
    shop.ok(&["subscription", "cancel", &canceled, "--now", "--as-of", "2026-03-03"]);
    assert_eq!(refused(&shop, &canceled, "2026-03-04"), no_next("canceled"));
    shop.tenant("idle");
    let suspended = shop.subscribe("idle", "pro", "2026-03-01", &[]);
    shop.ok(&["tenant", "suspend", "idle", "--reason", "r", "--as-of", "2026-03-05"]);
    assert_eq!(refused(&shop, &suspended, "2026-03-06"), no_next("suspended"));
    assert_eq!(refused(&shop, "sub_99", "2026-03-06").0, "not_found");
    let years = shop.subscribe("acme", "pro", "2026-03-01", &["--no-invoice"]);
    assert_eq!(refused(&shop, &years, "2029-03-01").0, "period_not_billed");
}

#[test]
fn a_trial_lacks_a_payment_method_or_the_config_that_lets_it_go_on() {
    let shop = shop("[trials]\non_end = \"convert\"\n");
    let id = shop.subscribe("acme", "pro", "2026-03-01", &["--trial-days", "14"]);
    let asked = ["invoice", "preview", "--subscription", &id, "--as-of", "2026-03-02"];
    let error = shop.refused(&asked);
    assert_eq!(
        (&error["code"], &error["reason"]),
        (&"no_next_invoice".into(), &"trial_ends".into())
    );
    assert!(text(&error["hint"]).contains("payment-method create --tenant acme"), "{error}");
    shop.pays_by_itself("acme");
    shop.json(&asked);
}
