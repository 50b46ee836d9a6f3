//! Credit, credit notes and refunds under many commands at once: credit is used once, an invoice is
//! credited once, money goes back once, and the numbers have no gap. `BILLING_RACES=50` runs each race
//! so often.
mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::races::{code, race, statuses, times};
use support::subscriptions::text;
use support::{Outcome, Prepared, Shop, TODAY};

/// So many commands start at once where one credit is used.
const CROWD: usize = 64;

/// A customer who owes nothing, before the sandbox.
fn customer() -> Shop {
    let shop = Shop::with_config("[payments]\ngateway = \"sandbox\"\n");
    shop.tenant("acme");
    let create = ["payment-method", "create", "--tenant", "acme", "--kind", "card", "--default"];
    shop.ok(&[&create[..], &["--token", "tok_ok"]].concat());
    shop
}

fn today(shop: &Shop, args: &[&str]) -> Value {
    shop.json(&[args, &TODAY].concat())
}

fn billed(shop: &Shop, amount: &str) -> String {
    let create = ["invoice", "create", "--tenant", "acme", "--amount", amount];
    text(&today(shop, &[&create[..], &["--description", "Hosting"]].concat())["number"])
}

/// With an invoice over 120.00 that was charged.
fn charged() -> Prepared {
    let shop = customer();
    let number = billed(&shop, "120");
    shop.ok(&[&["invoice", "charge", &number][..], &TODAY].concat());
    shop.prepared()
}

fn printed(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).expect("JSON")
}

/// One of them did it, and the others were told that code.
fn one_did(outcomes: &[Outcome], refused: &str) {
    let (done, others): (Vec<_>, Vec<_>) = outcomes.iter().partition(|o| o.status == 0);
    assert_eq!(done.len(), 1, "{outcomes:#?}");
    assert!(others.iter().all(|o| o.status == 1 && code(o) == refused), "{others:#?}");
}

fn notes(shop: &Shop) -> Vec<String> {
    let notes = shop.json(&["credit-note", "list"]);
    notes.as_array().expect("a list").iter().map(|note| text(&note["number"])).collect()
}

#[test]
fn one_credit_is_used_once_by_sixty_four_invoices_that_are_issued_at_once() {
    let shop = customer();
    let grant = ["credit", "grant", "--tenant", "acme", "--amount", "95", "--reason", "sorry"];
    today(&shop, &grant);
    let prepared = shop.prepared();
    for _ in 0..times() {
        let shop = prepared.shop();
        let create = vec!["invoice", "create", "--tenant", "acme", "--amount", "10"];
        let outcomes = race(&shop, &vec![create; CROWD]);
        assert_eq!(statuses(&outcomes), [0; CROWD]);
        let invoices: Vec<Value> = outcomes.iter().map(printed).collect();
        let numbers: BTreeSet<String> = invoices.iter().map(|i| text(&i["number"])).collect();
        let expected = (1..=CROWD).map(|n| format!("INV-2026-{n:06}"));
        assert_eq!(numbers, expected.collect());
        // Nine are paid by it and one by half, whichever came first.
        let with = |credit: &str, due: &str| {
            let is = |i: &&Value| i["credit_applied"] == credit && i["amount_due"] == due;
            invoices.iter().filter(is).count()
        };
        assert_eq!(
            [with("10.00", "0.00"), with("5.00", "5.00"), with("0.00", "10.00")],
            [9, 1, 54]
        );
        let tenant = shop.json(&["tenant", "show", "acme"]);
        assert_eq!(
            (&tenant["credit_balance"], &tenant["balance_due"]),
            (&json!({}), &json!("545.00"))
        );
        shop.check();
    }
}

#[test]
fn of_sixteen_who_credit_all_of_an_invoice_one_does_and_no_number_is_lost() {
    let prepared = charged();
    for _ in 0..times() {
        let shop = prepared.shop();
        let other = billed(&shop, "50");
        for number in ["INV-2026-000001", &other] {
            let create = ["credit-note", "create", "--invoice", number, "--full"];
            let outcomes = race(
                &shop,
                &vec![[&create[..], &["--reason", "error", "--no-email"]].concat(); 16],
            );
            one_did(&outcomes, "nothing_to_credit");
        }
        assert_eq!(notes(&shop), ["CN-2026-000001", "CN-2026-000002"]);
        let statuses = ["INV-2026-000001", &other].map(|number| {
            let invoice = shop.json(&["invoice", "show", number]);
            (text(&invoice["status"]), text(&invoice["amount_due"]))
        });
        // The credit of the one paid the other, whose note gives it back.
        assert_eq!(statuses[0], ("paid".to_owned(), "0.00".to_owned()));
        assert_eq!(statuses[1].1, "0.00");
        let credit = shop.json(&["tenant", "show", "acme"])["credit_balance"].clone();
        assert_eq!(credit, json!({"EUR": "120.00"}));
        shop.check_but_for_credits();
    }
}

#[test]
fn sixteen_notes_of_one_invoice_at_once_never_come_to_more_than_it() {
    let prepared = charged();
    for _ in 0..times() {
        let shop = prepared.shop();
        let create = ["credit-note", "create", "--invoice", "INV-2026-000001", "--amount", "25"];
        let create = [&create[..], &["--reason", "error", "--refund", "--no-email"]].concat();
        let outcomes = race(&shop, &vec![create; 16]);
        // Four times 25.00 of 120.00; 20.00 are left.
        let (done, others): (Vec<_>, Vec<_>) = outcomes.iter().partition(|o| o.status == 0);
        assert_eq!(done.len(), 4, "{outcomes:#?}");
        assert!(others.iter().all(|o| code(o) == "credit_note_above_invoice"), "{others:#?}");
        let numbers: Vec<String> = (1..=4).map(|n| format!("CN-2026-{n:06}")).collect();
        assert_eq!(notes(&shop), numbers);
        let invoice = shop.json(&["invoice", "show", "INV-2026-000001"]);
        assert_eq!(
            (&invoice["refunded"], &invoice["credit_notes_total"]),
            (&json!("100.00"), &json!("100.00"))
        );
        let keys = "SELECT DISTINCT idempotency_key FROM charge_attempts";
        assert_eq!(support::rows(&shop.sql(), keys).len(), 1 + 4);
        shop.check();
    }
}

#[test]
fn of_sixteen_who_give_a_surplus_back_one_does() {
    let shop = charged().shop();
    let pay = ["invoice", "pay", "INV-2026-000001", "--amount", "30", "--allow-overpayment"];
    shop.ok(&[&pay[..], &TODAY].concat());
    let prepared = shop.prepared();
    for _ in 0..times() {
        let shop = prepared.shop();
        let refund = vec!["transaction", "refund", "txn_1", "--reason", "paid twice"];
        one_did(&race(&shop, &vec![refund; 16]), "credit_in_use");
        let list = shop.json(&["transaction", "list"]);
        let refunds = list.as_array().expect("a list").iter().filter(|t| t["kind"] == "refund");
        let amounts: Vec<_> = refunds.map(|t| (text(&t["status"]), text(&t["amount"]))).collect();
        assert_eq!(amounts, [("succeeded".to_owned(), "30.00".to_owned())]);
        shop.check();
    }
}

/// A refund and an invoice want the same credit: one of them has it, whole.
#[test]
fn a_refund_and_the_invoices_that_would_use_its_credit_share_it_to_the_cent() {
    let shop = charged().shop();
    let pay = ["invoice", "pay", "INV-2026-000001", "--amount", "30", "--allow-overpayment"];
    shop.ok(&[&pay[..], &TODAY].concat());
    let prepared = shop.prepared();
    let (mut went_back, mut paid) = (0, 0);
    for _ in 0..2 * times() {
        let shop = prepared.shop();
        let refund = vec!["transaction", "refund", "txn_1", "--reason", "paid twice"];
        let create = vec!["invoice", "create", "--tenant", "acme", "--amount", "10"];
        let commands = [&vec![create.clone(); 2][..], &[refund], &vec![create; 5]].concat();
        let outcomes = race(&shop, &commands);
        let back: i64 = match outcomes[2].status {
            0 => printed(&outcomes[2])["amount"].as_str().map(cents).expect("an amount"),
            _ => {
                assert_eq!(code(&outcomes[2]), "credit_in_use");
                0
            }
        };
        let used: i64 = outcomes
            .iter()
            .filter(|o| o.status == 0)
            .filter_map(|o| printed(o)["credit_applied"].as_str().map(cents))
            .sum();
        assert_eq!(back + used, 3_000, "{outcomes:#?}");
        went_back += back;
        paid += used;
        shop.check();
    }
    println!("{went_back} cents went back, {paid} paid invoices");
}

fn cents(amount: &str) -> i64 {
    amount.replace('.', "").parse().expect("cents")
}
