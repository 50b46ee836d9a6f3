//! Payments on account: what is left of one may go back, and what had gone back is lost where the
//! payment is taken back later; random payments pay what a model says, and the books agree.
mod support;

use billing::books::{Book, Way};
use billing::clock::Clock;
use billing::config::Config;
use billing::domain::{Money, TransactionId};
use billing::store::{Access, Store};
use proptest::prelude::*;
use support::Shop;

const DAY: &str = "2026-03-20";

fn with_book<T>(shop: &Shop, work: impl FnOnce(&Book) -> billing::domain::Result<T>) -> T {
    let config = Config::default();
    let act = Clock::new(Some(DAY), config.timezone).expect("a day").act("test");
    let mut store = Store::open(&shop.path("billing.db"), Access::Write).expect("the database");
    store.write(|db| work(&Book::new(db, &act, &config))).expect("what is done")
}

/// Gives a part of a payment back by hand.
fn give_back(shop: &Shop, id: i64, minor: i64) -> TransactionId {
    with_book(shop, |book| {
        let payment = book.db.transaction(TransactionId(id))?;
        let amount = Money::from_minor(minor, payment.amount.currency());
        let way = Way::Outside { reference: Some("BACK-1") };
        book.refund(&payment, Some(amount), way, "paid twice")
    })
}

fn record(shop: &Shop, amount: &str) -> serde_json::Value {
    let args = ["payment", "record", "--tenant", "acme", "--paid-on", DAY, "--amount", amount];
    shop.json(&[&args[..], &["--as-of", DAY]].concat())
}

fn shop() -> Shop {
    let shop = Shop::new();
    shop.ok(&["tenant", "create", "acme", "--name", "Acme", "--email", "a@acme.example"]);
    shop
}

#[test]
fn what_is_left_of_a_payment_on_account_goes_back_and_may_fail_to() {
    let shop = shop();
    assert_eq!(record(&shop, "90")["to_credit"], "90.00");
    let refund = give_back(&shop, 1, 3_000);
    let shown = shop.json(&["transaction", "show", &refund.to_string()]);
    assert_eq!((&shown["kind"], &shown["invoice"]), (&"refund".into(), &serde_json::Value::Null));
    assert_eq!((&shown["refund_of"], &shown["status"]), (&"txn_1".into(), &"succeeded".into()));
    let credit = shop.json(&["credit", "list"]);
    assert_eq!((&credit[0]["source"], &credit[0]["left"]), (&"on_account".into(), &"60.00".into()));
    shop.check_but_for_credits();
    with_book(&shop, |book| book.refund_failed(refund, "account_closed", None));
    assert_eq!(shop.json(&["credit", "list"])[0]["left"], "90.00");
    shop.check_but_for_credits();
}

#[test]
fn what_had_gone_back_of_a_payment_that_never_came_is_lost() {
    let shop = shop();
    record(&shop, "90");
    give_back(&shop, 1, 3_000);
    shop.ok(&["invoice", "create", "--tenant", "acme", "--amount", "50", "--as-of", DAY]);
    let back =
        shop.run(&["transaction", "reverse", "txn_1", "--reason", "bounced", "--as-of", DAY]);
    assert_eq!(back.status, 0, "{}", back.stderr);
    for said in ["INV-2026-000001 is open again", "30.00 EUR of txn_1 had gone back"] {
        assert!(back.stderr.contains(said), "{}", back.stderr);
    }
    assert_eq!(shop.json(&["invoice", "show", "INV-2026-000001"])["amount_due"], "50.00");
    assert_eq!(shop.json(&["credit", "list"])[0]["left"], "0.00");
    shop.check();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Each payment fills the invoices in the order of their due dates, and what is left is credit.
    #[test]
    fn payments_fill_what_is_due_oldest_first(
        dues in prop::collection::vec((1u32..20, 1i64..5_000), 1..5),
        payments in prop::collection::vec(1i64..8_000, 1..4),
    ) {
        let shop = shop();
        let mut model: Vec<(u32, i64)> = Vec::new();
        for (day, minor) in &dues {
            let (due_on, amount) = (format!("2026-03-{day:02}"), major(*minor));
            let args = ["invoice", "create", "--tenant", "acme", "--amount", &amount];
            let days = ["--issued-on", "2026-02-28", "--due-on", &due_on, "--as-of", DAY];
            shop.ok(&[&args[..], &days[..]].concat());
            model.push((*day, *minor));
        }
        let mut order: Vec<usize> = (0..model.len()).collect();
        order.sort_by_key(|at| (model[*at].0, *at));
        for payment in payments {
            let (mut left, mut parts) = (payment, Vec::new());
            for at in &order {
                let part = left.min(model[*at].1);
                if part > 0 {
                    (left, model[*at].1) = (left - part, model[*at].1 - part);
                    parts.push((format!("INV-2026-{:06}", at + 1), major(part), major(model[*at].1)));
                }
            }
            let told = record(&shop, &major(payment));
            let text = |one: &serde_json::Value, field: &str| {
                one[field].as_str().expect("a text").to_owned()
            };
            let paid: Vec<_> = told["invoices"].as_array().expect("a list").iter()
                .map(|one| (text(one, "number"), text(one, "amount"), text(one, "amount_due")))
                .collect();
            prop_assert_eq!(paid, parts);
            prop_assert_eq!(text(&told, "to_credit"), major(left));
        }
        shop.check_but_for_credits();
    }
}

fn major(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}
