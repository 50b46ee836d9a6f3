//! The smallest lives in which money went wrong once, each found by tests/money_chance.rs.
mod support;

use serde_json::Value;
use support::Shop;

/// Runs a command on a day of January 2026.
fn on(shop: &Shop, day: u32, args: &[&str]) -> Value {
    shop.json(&[args, &["--as-of", &format!("2026-01-{day:02}")]].concat())
}

fn grant(shop: &Shop, day: u32, amount: &str) {
    let grant = ["credit", "grant", "--tenant", "acme", "--amount", amount, "--reason", "goodwill"];
    on(shop, day, &grant);
}

fn unapply(shop: &Shop, day: u32, of: &str) {
    on(shop, day, &["credit", "unapply", of, "--reason", "a mistake"]);
}

#[test]
fn credit_that_a_person_took_off_one_invoice_still_pays_the_next_before_newer_credit() {
    let shop = Shop::new();
    let (first, second) = (shop.owes("acme", "2026-02-01"), shop.owes("acme", "2026-02-02"));
    on(&shop, 2, &["invoice", "dispute", &second]);
    grant(&shop, 3, "250");
    unapply(&shop, 4, "cru_1");
    on(&shop, 5, &["invoice", "dispute", &second, "--resolve"]);
    // Pays the first, which the older one is kept off; the second is the older one's.
    grant(&shop, 6, "180");
    let left = on(&shop, 6, &["credit", "list"]);
    assert_eq!([&left[0]["left"], &left[1]["left"]], ["150.00", "80.00"], "{left:#}");
    assert_eq!(on(&shop, 6, &["invoice", "show", &first])["status"], "paid");
}

/// What is overdue on a day by currency.
fn overdue(shop: &Shop, day: u32) -> Value {
    on(shop, day, &["report", "overdue"])["totals"].clone()
}

/// The mean days until invoices were paid, up to a day.
fn days_to_collect(shop: &Shop, day: u32) -> Value {
    let figures = on(shop, day, &["report", "kpi"]);
    let mut figures = figures.as_array().expect("figures").iter();
    figures.find(|figure| figure["kpi"] == "days_to_collect").expect("it")["value"].clone()
}

#[test]
fn an_invoice_that_was_paid_and_credited_by_hindsight_was_not_overdue_by_less_than_nothing() {
    let shop = Shop::new();
    let number = shop.owes("acme", "2026-01-05");
    on(&shop, 10, &["invoice", "pay", &number, "--amount", "100"]);
    on(&shop, 20, &["transaction", "reverse", "txn_1", "--reason", "bounced"]);
    let note = ["credit-note", "create", "--invoice", &number, "--full", "--reason", "error"];
    on(&shop, 21, &[&note[..], &["--issued-on", "2026-01-15"]].concat());
    assert_eq!(overdue(&shop, 8), serde_json::json!({ "EUR": "100.00" }));
    assert_eq!(overdue(&shop, 16), serde_json::json!({}));
}

#[test]
fn what_comes_on_top_does_not_say_that_an_invoice_was_paid_later() {
    let shop = Shop::new();
    let number = shop.owes("acme", "2026-01-05");
    on(&shop, 3, &["invoice", "pay", &number, "--amount", "100"]);
    shop.write("bank.csv", &format!("invoice,amount,paid_on\n{number},20,2026-01-09\n"));
    let import = ["import", "payments", "bank.csv", "--allow-overpayment", "--quiet"];
    shop.ok(&[&import[..], &["--as-of", "2026-01-09"]].concat());
    assert_eq!(days_to_collect(&shop, 10), "2.0");
    on(&shop, 20, &["transaction", "reverse", "txn_1", "--reason", "bounced"]);
    assert_eq!(days_to_collect(&shop, 10), "2.0");
}

#[test]
fn credit_that_was_taken_off_again_does_not_say_that_an_invoice_was_paid_later() {
    let shop = Shop::new();
    let number = shop.owes("acme", "2026-01-05");
    grant(&shop, 8, "40");
    unapply(&shop, 9, "cru_1");
    on(&shop, 9, &["invoice", "pay", &number, "--amount", "100", "--paid-on", "2026-01-05"]);
    assert_eq!(days_to_collect(&shop, 10), "4.0");
    on(&shop, 20, &["transaction", "reverse", "txn_1", "--reason", "bounced"]);
    assert_eq!(days_to_collect(&shop, 10), "4.0");
}

#[test]
fn credit_that_was_used_when_another_invoice_was_chased_is_no_finding() {
    let shop = Shop::new();
    shop.owes("acme", "2026-02-01");
    grant(&shop, 2, "50");
    shop.owes("acme", "2026-01-05");
    shop.task("check-overdue", "2026-01-09", &[]);
    unapply(&shop, 10, "cru_1");
    shop.check_but_for_credits();
}

#[test]
fn credit_that_a_person_puts_back_in_part_was_kept_off_when_its_invoice_was_chased() {
    let shop = Shop::new();
    let number = shop.owes("acme", "2026-01-05");
    grant(&shop, 2, "50");
    unapply(&shop, 3, "cru_1");
    shop.task("check-overdue", "2026-01-09", &[]);
    on(&shop, 10, &["credit", "apply", "--invoice", &number, "--amount", "20"]);
    shop.check_but_for_credits();
}

#[test]
fn a_coupon_leaves_the_credit_on_an_invoice_that_a_person_put_there() {
    let shop = Shop::with_config("[invoicing]\napply_credit = \"manual\"\n");
    let number = shop.owes("acme", "2026-02-01");
    let coupon = ["coupon", "create", "TEN", "--name", "Ten", "--percent", "10"];
    on(&shop, 2, &[&coupon[..], &["--until", "2026-12-31"]].concat());
    grant(&shop, 2, "40");
    on(&shop, 3, &["credit", "apply", "--invoice", &number]);
    on(&shop, 4, &["coupon", "apply", "TEN", "--invoice", &number]);
    let invoice = on(&shop, 4, &["invoice", "show", &number]);
    let sums = [&invoice["total"], &invoice["credit_applied"], &invoice["amount_due"]];
    assert_eq!(sums, ["90.00", "40.00", "50.00"], "{invoice:#}");
}

#[test]
fn what_notes_gave_is_set_off_as_soon_as_credit_or_money_is_taken_off_their_invoice() {
    let shop = Shop::new();
    let number = shop.owes("acme", "2026-01-05");
    let pay = |day, amount| on(&shop, day, &["invoice", "pay", &number, "--amount", amount]);
    let note = |day| {
        let of = ["credit-note", "create", "--invoice", &number, "--amount", "30"];
        on(&shop, day, &[&of[..], &["--reason", "goodwill"]].concat());
    };
    grant(&shop, 2, "50");
    pay(2, "30");
    pay(2, "20");
    // The first note's credit pays another invoice.
    let other = shop.owes("acme", "2026-01-20");
    note(4);
    on(&shop, 4, &["invoice", "dispute", &other]);
    note(5);
    unapply(&shop, 6, "cru_1");
    let sums_of = |day| {
        let invoice = on(&shop, day, &["invoice", "show", &number]);
        ["credited", "credit_applied", "amount_due"].map(|name| invoice[name].clone())
    };
    assert_eq!(sums_of(6), ["50.00", "0.00", "0.00"]);
    shop.task("check-overdue", "2026-01-07", &[]);
    on(&shop, 8, &["transaction", "reverse", "txn_1", "--reason", "bounced"]);
    assert_eq!(sums_of(8), ["60.00", "0.00", "20.00"]);
    assert_eq!(on(&shop, 8, &["invoice", "show", &other])["amount_due"], "100.00");
}
