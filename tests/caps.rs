//! How many customers one run may write to, and how many it may suspend, where nobody configured
//! it: the bound itself, one beyond it, and the share of the active customers that takes its place.
mod support;

use serde_json::{Value, json};
use support::Shop;

/// So many customers, the first of which owe 100.00, due on that day.
fn shop_with(customers: usize, owing: usize, due_on: &str) -> Shop {
    let shop = Shop::new();
    let tenants: String =
        (0..customers).map(|n| format!("t-{n},T {n},t-{n}@clients.example\n")).collect();
    shop.write("tenants.csv", &format!("slug,name,email\n{tenants}"));
    shop.ok(&["import", "tenants", "tenants.csv"]);
    owes(&shop, 0..owing, due_on);
    shop
}

fn owes(shop: &Shop, customers: std::ops::Range<usize>, due_on: &str) {
    let invoices: String =
        customers.map(|n| format!("{due_on}/{n},t-{n},100,2026-01-01,{due_on}\n")).collect();
    shop.write("invoices.csv", &format!("number,tenant,total,issued_on,due_on\n{invoices}"));
    shop.ok(&["import", "invoices", "invoices.csv"]);
}

/// What a run of that day came to: its exit status, the e-mails and suspensions, and its errors'
/// codes.
fn run(shop: &Shop, day: &str, more: &[&str]) -> Value {
    let args = ["tasks", "check-overdue", "--as-of", day, "--no-deliver", "--json"];
    let done = shop.run(&[&args[..], more].concat());
    let result: Value = serde_json::from_str(&done.stdout).expect("a result");
    let errors = result["errors"].as_array().expect("errors").iter();
    let codes: Vec<&Value> = errors.map(|error| &error["code"]).collect();
    json!([done.status, result["emails_queued"], result["tenants_suspended"], codes])
}

#[test]
fn a_hundred_customers_are_written_to_and_not_one_more() {
    let shop = shop_with(120, 100, "2026-01-10");
    assert_eq!(run(&shop, "2026-01-13", &["--dry-run"]), json!([0, 100, 0, []]));
    assert_eq!(run(&shop, "2026-01-13", &[]), json!([0, 100, 0, []]));
    let shop = shop_with(120, 101, "2026-01-10");
    for more in [&["--dry-run"][..], &[], &["--allow-mass-suspension"]] {
        assert_eq!(run(&shop, "2026-01-13", more), json!([3, 0, 0, ["mass_email"]]), "{more:?}");
    }
    // Nothing was done: all of it is still to be done.
    assert_eq!(shop.json(&["email", "list"]), json!([]));
    assert_eq!(run(&shop, "2026-01-13", &["--allow-mass-email"]), json!([0, 101, 0, []]));
    shop.check();
}

#[test]
fn where_a_quarter_of_the_active_customers_is_more_than_a_hundred_it_is_the_bound() {
    let shop = shop_with(404, 101, "2026-01-10");
    // Of 403 it is a hundred.
    shop.ok(&["tenant", "close", "t-403"]);
    assert_eq!(run(&shop, "2026-01-13", &["--dry-run"]), json!([3, 0, 0, ["mass_email"]]));
    shop.ok(&["tenant", "create", "new", "--name", "New", "--email", "new@clients.example"]);
    owes(&shop, 101..102, "2026-01-10");
    assert_eq!(run(&shop, "2026-01-13", &[]), json!([3, 0, 0, ["mass_email"]]));
    shop.ok(&["invoice", "void", "2026-01-10/101", "--reason", "a mistake"]);
    assert_eq!(run(&shop, "2026-01-13", &[]), json!([0, 101, 0, []]));
}

/// Customers who were warned long enough ago, and a run in which their suspension has come.
fn suspends(customers: usize, owing: usize, more: &[&str]) -> Value {
    let shop = shop_with(customers, owing, "2026-01-10");
    run(&shop, "2026-01-25", &[]);
    shop.ok(&["tasks", "deliver-emails", "--as-of", "2026-01-25"]);
    run(&shop, "2026-02-09", more)
}

#[test]
fn ten_customers_are_suspended_and_not_one_more() {
    assert_eq!(suspends(20, 10, &[]), json!([0, 10, 10, []]));
    assert_eq!(suspends(20, 11, &[]), json!([3, 0, 0, ["mass_suspension"]]));
    assert_eq!(suspends(20, 11, &["--dry-run"]), json!([3, 0, 0, ["mass_suspension"]]));
    let mass_email = ["--allow-mass-email"];
    assert_eq!(suspends(20, 11, &mass_email), json!([3, 0, 0, ["mass_suspension"]]));
    assert_eq!(suspends(20, 11, &["--allow-mass-suspension"]), json!([0, 11, 11, []]));
}

#[test]
fn where_a_twentieth_of_the_active_customers_is_more_than_ten_it_is_the_bound() {
    assert_eq!(suspends(219, 11, &[]), json!([3, 0, 0, ["mass_suspension"]]));
    assert_eq!(suspends(220, 11, &[]), json!([0, 11, 11, []]));
    assert_eq!(suspends(220, 12, &[]), json!([3, 0, 0, ["mass_suspension"]]));
}

#[test]
fn a_bound_that_is_configured_is_the_bound_however_many_customers_there_are() {
    let shop = shop_with(120, 3, "2026-01-10");
    let with = |most: u32| {
        shop.configure(&format!("[dunning]\nmax_emails_per_run = {most}\n"));
        run(&shop, "2026-01-13", &["--dry-run"])
    };
    assert_eq!(with(2), json!([3, 0, 0, ["mass_email"]]));
    assert_eq!(with(3), json!([0, 3, 0, []]));
    assert_eq!(with(0), json!([3, 0, 0, ["mass_email"]]));
    // One that lets more pass than the default does.
    owes(&shop, 3..120, "2026-01-10");
    assert_eq!(with(119), json!([3, 0, 0, ["mass_email"]]));
    assert_eq!(with(120), json!([0, 120, 0, []]));
}

/// Suspensions that are held back write to nobody, so that the reminders may still leave.
#[test]
fn who_is_not_suspended_is_not_written_to_and_does_not_count() {
    let shop = shop_with(4, 3, "2026-01-10");
    run(&shop, "2026-01-25", &[]);
    shop.ok(&["tasks", "deliver-emails", "--as-of", "2026-01-25"]);
    owes(&shop, 3..4, "2026-02-06");
    let caps = |suspensions: u32| {
        let caps = format!("max_suspensions_per_run = {suspensions}\nmax_emails_per_run = 3\n");
        shop.configure(&format!("[dunning]\n{caps}"));
        run(&shop, "2026-02-09", &["--dry-run"])
    };
    assert_eq!(caps(3), json!([3, 0, 0, ["mass_email"]]));
    assert_eq!(caps(2), json!([3, 1, 0, ["mass_suspension"]]));
    assert_eq!(run(&shop, "2026-02-09", &[]), json!([3, 1, 0, ["mass_suspension"]]));
}
