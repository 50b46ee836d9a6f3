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
