//! Pending items: which invoice takes one, once; what becomes of it where that invoice is voided, its
//! subscription ends or its customer is suspended; and that what is foreseen is what is billed.
mod support;

use billing::books::Book;
use billing::clock::Clock;
use billing::config::Config;
use billing::domain::pending_item::{NewPendingItem, PendingStatus};
use billing::domain::tax::TaxBasis;
use billing::domain::{Money, PendingItemId, Refusal, Result, SubscriptionId};
use billing::failure::Failure;
use billing::store::{Access, Db, Store};
use serde_json::{Value, json};
use support::Shop;
use support::subscriptions::{GENERATE, text};

fn eur(minor: i64) -> Money {
    Money::from_minor(minor, "EUR".parse().expect("a currency"))
}

/// Works on the books of a shop as a verb does.
fn books<T>(shop: &Shop, work: impl FnOnce(&Book, &Db) -> Result<T>) -> T {
    let config = Config::load(Some(&shop.path("billing.toml"))).expect("the config");
    let act = Clock::new(Some("2026-03-10"), config.timezone).expect("a date").act("test");
    let mut store = Store::open(&shop.path("billing.db"), Access::Write).expect("the database");
    store.write(|db| work(&Book::new(db, &act, &config), db)).expect("the work")
}

#[test]
fn what_a_change_lets_wait_is_lowered_and_removed_by_later_ones() {
    let shop = Shop::new();
    shop.tenant("acme");
    shop.plan("basic", "10", "1", &[]);
    let id = shop.subscribe("acme", "basic", "2026-03-01", &[]);
    let of: SubscriptionId = id.parse().expect("an id");
    let start = "2026-03-01".parse().expect("a date");
    let refusals = books(&shop, |book, db| {
        let new = NewPendingItem {
            tenant: db.tenant("acme")?.id,
            subscription: Some(of),
            description: "2 more seats, 10–31 March".to_owned(),
            quantity: 1.into(),
            unit_price: Some(eur(1200).exact()),
            amount: eur(1200),
            basis: TaxBasis::Exclusive,
            discountable: false,
            period: Some((book.act.today, "2026-04-01".parse().expect("a date"))),
            of_change: Some(start),
        };
        let first = book.add_pending_item(&new)?;
        let second = book.add_pending_item(&NewPendingItem { amount: eur(300), ..new.clone() })?;
        // One by hand, and one of another period, are no business of this period's changes.
        book.add_pending_item(&NewPendingItem { of_change: None, ..new.clone() })?;
        book.add_pending_item(&NewPendingItem { of_change: start.succ_opt(), ..new })?;
        let made = || db.pending_items_of_change(of, start);
        let ids = |made: &[billing::domain::pending_item::PendingItem]| -> Vec<PendingItemId> {
            made.iter().map(|item| item.id).collect()
        };
        assert_eq!(ids(&made()?), [second, first], "newest first");
        book.lower_pending_item(&made()?[0], eur(300))?;
        assert_eq!(ids(&made()?), [first]);
        book.lower_pending_item(&made()?[0], eur(200))?;
        let left = &made()?[0];
        assert_eq!((left.amount, left.unit_price), (eur(1000), Some(eur(1000).exact())));
        let gone = db.pending_item(second)?;
        assert_eq!((gone.status(), gone.amount), (PendingStatus::Removed, eur(300)));
        let refused = |result: Result<()>| result.expect_err("it is refused");
        Ok([
            refused(book.lower_pending_item(left, eur(1001))),
            refused(book.lower_pending_item(&gone, eur(1))),
        ])
    });
    let codes = refusals.map(|refusal: Refusal| Failure::of(&anyhow::Error::new(refusal)).code);
    assert_eq!(codes, ["above_pending_item", "not_pending"]);
    let events = shop.json(&["event", "list", "--tenant", "acme"]);
    let events = events.as_array().expect("a list").iter();
    let told: Vec<_> = events
        .filter(|event| text(&event["kind"]).starts_with("pending_item"))
        .map(|event| (text(&event["kind"]), text(&event["data"]["amount"])))
        .collect();
    let told: Vec<_> = told.iter().map(|(kind, amount)| (kind.as_str(), amount.as_str())).collect();
    let created = |amount| ("pending_item_created", amount);
    let later = [("pending_item_removed", "3.00"), ("pending_item_lowered", "10.00")];
    let made = [created("12.00"), created("3.00"), created("12.00"), created("12.00")];
    assert_eq!(told, [&made[..], &later].concat());
    shop.check();
}

/// An item that is made on a day; returns its id.
fn add(shop: &Shop, tenant: &str, amount: &str, day: &str, more: &[&str]) -> String {
    let args = ["pending-item", "create", "--tenant", tenant, "--amount", amount];
    let what = ["--description", "Training", "--as-of", day];
    text(&shop.json(&[&args[..], &what, more].concat())["id"])
}

/// What became of an item, and by which invoice.
fn stands(shop: &Shop, id: &str) -> (String, Option<String>) {
    let item = shop.json(&["pending-item", "show", id]);
    (text(&item["status"]), item["invoice"].as_str().map(str::to_owned))
}

/// Runs a task, whose dry run has to say before what it does. Returns what it came to.
fn run(shop: &Shop, task: &str, day: &str) -> Value {
    let dry = shop.json(&["tasks", task, "--as-of", day, "--dry-run"]);
    let report = shop.task(task, day, &[]);
    let same = ["subscriptions_billed", "invoices_created", "totals", "subscriptions_ended"];
    for field in same.iter().chain(&["emails_queued", "errors"]) {
        assert_eq!(dry[field], report[field], "{field} on {day}: {dry}");
    }
    shop.check();
    report
}

/// The next invoice of a subscription, which explain and the preview tell alike: its total.
fn next(shop: &Shop, id: &str, day: &str) -> String {
    let preview = shop.json(&["invoice", "preview", "--subscription", id, "--as-of", day]);
    let explained = shop.json(&["subscription", "explain", id, "--as-of", day]);
    let next = match (&explained["due"][0], &explained["next"]) {
        (Value::Null, Value::Null) => &explained["at_end"],
        (Value::Null, next) => next,
        (due, _) => due,
    };
    assert_eq!(preview["total"], next["total"], "{explained}");
    text(&preview["total"])
}

/// The lines of an invoice: what for, amount, discount.
fn lines(shop: &Shop, number: &str) -> Vec<[String; 3]> {
    let invoice = shop.json(&["invoice", "show", number]);
    let lines = invoice["lines"].as_array().expect("lines").iter();
    lines
        .map(|line| ["description", "amount", "discount"].map(|field| text(&line[field])))
        .collect()
}

fn total(shop: &Shop, number: &str) -> String {
    text(&shop.json(&["invoice", "show", number])["total"])
}

/// Two customers and two plans; the first has a subscription since 1 March.
fn shop(config: &str) -> Shop {
    let shop = Shop::with_config(config);
    for tenant in ["acme", "birch"] {
        shop.tenant(tenant);
    }
    shop.plan("pro", "50", "1", &[]);
    shop.plan("gross", "60", "1", &["--tax-inclusive"]);
    shop.subscribe("acme", "pro", "2026-03-01", &[]);
    shop
}

const VOID: [&str; 3] = ["--reason", "a test", "--yes"];

#[test]
fn the_next_period_takes_what_waits_behind_its_own_lines_once() {
    let shop = shop("");
    let of_it = add(&shop, "acme", "12", "2026-03-10", &["--subscription", "sub_1"]);
    let of_any = add(&shop, "acme", "7.50", "2026-03-11", &[]);
    let of_other = add(&shop, "birch", "99", "2026-03-11", &[]);
    let removed = add(&shop, "acme", "1000", "2026-03-11", &[]);
    shop.ok(&["pending-item", "remove", &removed]);
    assert_eq!(shop.refusal(&["pending-item", "remove", &removed]), "not_pending");
    assert_eq!(next(&shop, "sub_1", "2026-03-12"), "69.50");
    let report = run(&shop, GENERATE, "2026-04-01");
    assert_eq!(report["totals"]["EUR"], "69.50");
    let expected =
        [["pro", "50.00", "0.00"], ["Training", "12.00", "0.00"], ["Training", "7.50", "0.00"]];
    assert_eq!(lines(&shop, "INV-2026-000002"), expected);
    let by = |number: &str| ("invoiced".to_owned(), Some(number.to_owned()));
    assert_eq!(stands(&shop, &of_it), by("INV-2026-000002"));
    assert_eq!(stands(&shop, &of_any), by("INV-2026-000002"));
    assert_eq!(stands(&shop, &of_other), ("pending".to_owned(), None));
    assert_eq!(stands(&shop, &removed), ("removed".to_owned(), None));
    assert_eq!(shop.refusal(&["pending-item", "remove", &of_it]), "not_pending");
    let report = run(&shop, GENERATE, "2026-05-01");
    assert_eq!(report["totals"]["EUR"], "50.00");
    let kinds = shop.json(&["event", "list", "--kind", "pending_item_invoiced"]);
    assert_eq!(kinds.as_array().map(Vec::len), Some(2));
}

#[test]
fn of_several_periods_the_first_takes_it_and_of_several_subscriptions_the_first_that_is_due() {
    let shop = shop("");
    let later = shop.subscribe("acme", "pro", "2026-03-15", &["--anchor", "anniversary"]);
    let of_later = add(&shop, "acme", "5", "2026-03-20", &["--subscription", &later]);
    let of_any = add(&shop, "acme", "12", "2026-03-20", &[]);
    // 1 April comes before 15 April.
    assert_eq!(next(&shop, "sub_1", "2026-03-20"), "62.00");
    assert_eq!(next(&shop, &later, "2026-03-20"), "55.00");
    // Two months are missed; both are due on one day.
    let report = run(&shop, GENERATE, "2026-05-20");
    assert_eq!(
        (&report["invoices_created"], &report["totals"]["EUR"]),
        (&json!(4), &json!("217.00"))
    );
    let invoices = [&of_any, &of_later].map(|id| stands(&shop, id).1.expect("an invoice"));
    let starts =
        invoices.map(|number| text(&shop.json(&["invoice", "show", &number])["period_start"]));
    assert_eq!(starts, ["2026-04-01", "2026-04-15"]);
    // One that is canceled bills no period any more: the other takes it.
    add(&shop, "acme", "12", "2026-05-21", &[]);
    shop.ok(&["subscription", "cancel", "sub_1", "--as-of", "2026-05-21"]);
    assert_eq!(next(&shop, &later, "2026-05-21"), "62.00");
    let report = run(&shop, GENERATE, "2026-06-15");
    assert_eq!(
        (&report["subscriptions_ended"], &report["totals"]["EUR"]),
        (&json!(1), &json!("62.00"))
    );
}

#[test]
fn what_a_void_invoice_had_taken_waits_again_and_is_billed_once_more_and_no_more() {
    let shop = shop("");
    let kept = add(&shop, "acme", "12", "2026-03-10", &[]);
    let removed = add(&shop, "acme", "30", "2026-03-10", &[]);
    run(&shop, GENERATE, "2026-04-01");
    assert_eq!(total(&shop, "INV-2026-000002"), "92.00");
    let void = ["invoice", "void", "INV-2026-000002", "--rebill", "--as-of", "2026-04-02"];
    shop.ok(&[&void[..], &VOID].concat());
    assert_eq!(stands(&shop, &kept), ("pending".to_owned(), None));
    shop.check();
    shop.ok(&["pending-item", "remove", &removed, "--as-of", "2026-04-02"]);
    add(&shop, "acme", "5", "2026-04-02", &[]);
    assert_eq!(next(&shop, "sub_1", "2026-04-02"), "67.00");
    let report = run(&shop, GENERATE, "2026-04-02");
    assert_eq!(
        (&report["invoices_created"], &report["totals"]["EUR"]),
        (&json!(1), &json!("67.00"))
    );
    assert_eq!(stands(&shop, &kept).1.as_deref(), Some("INV-2026-000003"));
    // Where its period stays unbilled, what it had taken does not.
    let void = ["invoice", "void", "INV-2026-000003", "--as-of", "2026-04-03"];
    shop.ok(&[&void[..], &VOID].concat());
    assert_eq!(next(&shop, "sub_1", "2026-04-03"), "67.00");
    run(&shop, GENERATE, "2026-05-01");
    assert_eq!(total(&shop, "INV-2026-000004"), "67.00");
    // A period to be billed anew, and the next one, which both are due on the same day.
    let void = ["invoice", "void", "INV-2026-000004", "--rebill", "--as-of", "2026-05-02"];
    shop.ok(&[&void[..], &VOID].concat());
    assert_eq!(next(&shop, "sub_1", "2026-06-02"), "67.00");
    let report = run(&shop, GENERATE, "2026-06-02");
    assert_eq!(
        (&report["invoices_created"], &report["totals"]["EUR"]),
        (&json!(2), &json!("117.00"))
    );
    let returned = shop.json(&["event", "list", "--kind", "pending_item_returned"]);
    assert_eq!(returned.as_array().map(Vec::len), Some(2 + 2 + 2));
}

#[test]
fn a_subscription_that_ends_bills_what_waits_for_it() {
    let shop = shop("");
    shop.pays_by_itself("birch");
    let ended_now = shop.subscribe("birch", "pro", "2026-03-01", &["--collection", "automatic"]);
    let trial = shop.subscribe("birch", "pro", "2026-03-01", &["--trial-days", "14"]);
    for id in ["sub_1", &ended_now, &trial] {
        let tenant = if id == "sub_1" { "acme" } else { "birch" };
        add(&shop, tenant, "12", "2026-03-10", &["--subscription", id]);
    }
    let of_any = add(&shop, "acme", "99", "2026-03-10", &[]);
    let cancel = |id: &str, more: &[&str]| {
        shop.json(&[&["subscription", "cancel", id, "--as-of", "2026-03-11"], more].concat());
    };
    // At the end of what is billed, by the run that ends it.
    cancel("sub_1", &[]);
    assert_eq!(next(&shop, "sub_1", "2026-03-11"), "12.00");
    assert_eq!(run(&shop, GENERATE, "2026-03-31")["invoices_created"], 0);
    let report = run(&shop, GENERATE, "2026-04-01");
    let ended =
        (&report["subscriptions_ended"], &report["totals"]["EUR"], &report["emails_queued"]);
    assert_eq!(ended.0, &json!(1));
    // birch's period of April takes its own.
    assert_eq!(report["totals"]["EUR"], "74.00");
    let mut list = shop.json(&["invoice", "list", "--tenant", "acme"]);
    let last = list.as_array_mut().expect("a list").pop().expect("an invoice");
    assert_eq!((&last["total"], &last["purpose"]), (&json!("12.00"), &json!("single")));
    assert_eq!(lines(&shop, &text(&last["number"])), [["Training", "12.00", "0.00"]]);
    // Nothing of it is left, and what names no subscription goes on to wait.
    assert_eq!(shop.refusal(&["invoice", "preview", "--subscription", "sub_1"]), "no_next_invoice");
    assert_eq!(stands(&shop, &of_any).0, "pending");
    // At once; it is collected as the subscription was.
    let item = add(&shop, "birch", "20", "2026-04-02", &["--subscription", &ended_now]);
    let done = shop.run(&["subscription", "cancel", &ended_now, "--now", "--as-of", "2026-04-03"]);
    let number = stands(&shop, &item).1.expect("an invoice");
    assert!(
        done.stderr.contains(&format!("note: {number} bills what was pending")),
        "{}",
        done.stderr
    );
    let billed = shop.json(&["invoice", "show", &number]);
    assert_eq!((&billed["total"], &billed["collection"]), (&json!("20.00"), &json!("automatic")));
    shop.check();
}

#[test]
fn a_trial_that_was_canceled_bills_at_its_end_what_waits_for_it() {
    let shop = shop("");
    let trial = shop.subscribe("birch", "pro", "2026-03-01", &["--trial-days", "14"]);
    let item = add(&shop, "birch", "12", "2026-03-10", &["--subscription", &trial]);
    shop.ok(&["subscription", "cancel", &trial, "--as-of", "2026-03-11"]);
    assert_eq!(next(&shop, &trial, "2026-03-11"), "12.00");
    let report = run(&shop, "cleanup-expired-trials", "2026-03-15");
    assert_eq!((&report["expired"], &report["emails_queued"]), (&json!(1), &json!(1)));
    assert_eq!(stands(&shop, &item).0, "invoiced");
}

#[test]
fn while_it_is_suspended_it_waits_and_a_tenant_that_is_closed_is_billed_what_its_subscriptions_had()
{
    let shop = shop("");
    let item = add(&shop, "acme", "12", "2026-03-10", &["--subscription", "sub_1"]);
    let of_any = add(&shop, "acme", "3", "2026-03-10", &[]);
    shop.ok(&["tenant", "suspend", "acme", "--reason", "abuse", "--as-of", "2026-03-20"]);
    assert_eq!(run(&shop, GENERATE, "2026-04-10")["invoices_created"], 0);
    assert_eq!(stands(&shop, &item).0, "pending");
    shop.ok(&["tenant", "reactivate", "acme", "--as-of", "2026-04-11"]);
    assert_eq!(next(&shop, "sub_1", "2026-04-11"), next(&shop, "sub_1", "2026-04-12"));
    run(&shop, GENERATE, "2026-04-11");
    assert_eq!(stands(&shop, &item).0, "invoiced");
    assert_eq!(stands(&shop, &of_any).0, "invoiced");
    // Closed in the middle of what is billed, and with a period that no run had billed.
    let [at_once, by_run] = ["birch", "acme"].map(|tenant| {
        if tenant == "birch" {
            shop.subscribe(tenant, "pro", "2026-04-01", &[]);
        }
        let of = if tenant == "birch" { "sub_2" } else { "sub_1" };
        add(&shop, tenant, "12", "2026-04-20", &["--subscription", of])
    });
    let of_any = add(&shop, "birch", "7", "2026-04-20", &[]);
    let done = shop.run(&["tenant", "close", "birch", "--as-of", "2026-04-21"]);
    let number = stands(&shop, &at_once).1.expect("an invoice");
    assert!(
        done.stderr.contains(&format!("sub_2: {number} bills what was pending")),
        "{}",
        done.stderr
    );
    assert!(
        done.stderr.contains(&format!("{of_any} of 7.00 EUR stays pending")),
        "{}",
        done.stderr
    );
    shop.ok(&["tenant", "close", "acme", "--as-of", "2026-05-02"]);
    assert_eq!(stands(&shop, &by_run).0, "pending");
    let report = run(&shop, GENERATE, "2026-05-02");
    assert_eq!(report["totals"]["EUR"], "62.00");
    assert_eq!(stands(&shop, &by_run).0, "invoiced");
    shop.ok(&["invoice", "create", "--tenant", "birch", "--pending", "--as-of", "2026-05-03"]);
    assert_eq!(stands(&shop, &of_any).0, "invoiced");
}

#[test]
fn a_coupon_takes_nothing_off_it_unless_it_is_discountable() {
    let shop = shop("[invoicing]\ntax_rate = \"20\"\n");
    let until =
        ["--name", "x", "--from", "2026-03-01", "--until", "2026-12-31", "--duration", "forever"];
    for (code, what) in [("TENTH", ["--percent", "10"]), ("ALL", ["--amount", "80"])] {
        shop.ok(&[&["coupon", "create", code], &what[..], &until].concat());
    }
    shop.ok(&["coupon", "apply", "TENTH", "--subscription", "sub_1", "--as-of", "2026-03-02"]);
    add(&shop, "acme", "100", "2026-03-10", &[]);
    add(&shop, "acme", "40", "2026-03-10", &["--discountable"]);
    assert_eq!(next(&shop, "sub_1", "2026-03-10"), "217.20");
    run(&shop, GENERATE, "2026-04-01");
    let expected =
        [["pro", "50.00", "5.00"], ["Training", "100.00", "0.00"], ["Training", "40.00", "4.00"]];
    assert_eq!(lines(&shop, "INV-2026-000002"), expected);
    // More than what it may take something off takes that off, and no more.
    add(&shop, "birch", "100", "2026-03-10", &[]);
    let own = ["invoice", "create", "--tenant", "birch", "--pending", "--coupon", "ALL"];
    assert_eq!(shop.refusal(&own), "nothing_discountable");
    let made =
        shop.json(&[&own[..], &["--line", "Support:1:30", "--as-of", "2026-03-11"]].concat());
    assert_eq!((&made["discount"], &made["total"]), (&json!("30.00"), &json!("120.00")));
    // And so it does on an invoice that is there.
    add(&shop, "birch", "100", "2026-03-12", &[]);
    let plain = shop.json(&[
        "invoice",
        "create",
        "--tenant",
        "birch",
        "--pending",
        "--as-of",
        "2026-03-12",
    ]);
    let apply = ["coupon", "apply", "TENTH", "--invoice", &text(&plain["number"])];
    assert_eq!(
        shop.refusal(&[&apply[..], &["--as-of", "2026-03-12"]].concat()),
        "nothing_discountable"
    );
    shop.check();
}

#[test]
fn it_is_converted_to_an_invoice_with_tax_or_without() {
    let shop = shop("[invoicing]\ntax_rate = \"20\"\n");
    let gross = shop.subscribe("birch", "gross", "2026-03-01", &[]);
    for (tenant, id) in [("acme", "sub_1"), ("birch", gross.as_str())] {
        for basis in ["--tax-inclusive", "--tax-exclusive"] {
            let args = ["pending-item", "create", "--tenant", tenant, "--subscription", id, basis];
            let what = ["--quantity", "3", "--unit-price", "10", "--description", &basis[6..]];
            shop.ok(&[&args[..], &what, &["--as-of", "2026-03-10"]].concat());
        }
    }
    // 30.00 with tax are 25.00, and 30.00 without are 36.00.
    assert_eq!(next(&shop, "sub_1", "2026-03-10"), "126.00");
    assert_eq!(next(&shop, &gross, "2026-03-10"), "126.00");
    run(&shop, GENERATE, "2026-04-01");
    let billed = |number: &str| {
        let invoice = shop.json(&["invoice", "show", number]);
        let lines = invoice["lines"].as_array().expect("lines")[1..].to_vec();
        let lines = lines.iter().map(|l| (text(&l["amount"]), l["unit_price"].clone()));
        lines.collect::<Vec<_>>()
    };
    let line = |amount: &str, price: Value| (amount.to_owned(), price);
    assert_eq!(
        billed("INV-2026-000003"),
        [line("25.00", Value::Null), line("30.00", json!("10.00"))]
    );
    assert_eq!(
        billed("INV-2026-000004"),
        [line("30.00", json!("10.00")), line("36.00", Value::Null)]
    );
}

#[test]
fn an_invoice_of_its_own_takes_what_waits_for_no_subscription() {
    let shop = shop("");
    let own = ["invoice", "create", "--tenant", "acme", "--pending", "--as-of", "2026-03-11"];
    assert_eq!(shop.refusal(&own), "nothing_pending");
    let named = add(&shop, "acme", "1", "2026-03-10", &["--subscription", "sub_1"]);
    assert_eq!(shop.refusal(&own), "nothing_pending");
    let dollars = add(&shop, "acme", "9", "2026-03-10", &["--currency", "USD"]);
    add(&shop, "acme", "12", "2026-03-10", &[]);
    let made = shop.json(&[&own[..], &["--line", "Support:2:10"]].concat());
    assert_eq!((&made["total"], &made["period_start"]), (&json!("32.00"), &Value::Null));
    assert_eq!(lines(&shop, &text(&made["number"]))[0][0], "Support");
    let made = shop.json(&[&own[..], &["--currency", "USD"]].concat());
    assert_eq!((&made["total"], &made["currency"]), (&json!("9.00"), &json!("USD")));
    assert_eq!(stands(&shop, &dollars).0, "invoiced");
    assert_eq!(stands(&shop, &named).0, "pending");
    // What a void invoice had taken of a subscription that has ended goes with any.
    shop.ok(&["subscription", "cancel", "sub_1", "--now", "--as-of", "2026-03-12"]);
    let number = stands(&shop, &named).1.expect("an invoice");
    shop.ok(&[&["invoice", "void", &number, "--as-of", "2026-03-13"], &VOID[..]].concat());
    let made = shop.json(&own);
    assert_eq!(made["total"], "1.00");
    shop.check();
}

#[test]
fn what_waits_for_60_days_is_named() {
    let shop = shop("");
    let id = add(&shop, "birch", "12", "2026-03-10", &[]);
    let said = |day: &str| shop.run(&["tasks", "status", "--as-of", day]).stderr;
    assert!(!said("2026-05-08").contains(&id));
    let late = said("2026-05-09");
    assert!(
        late.contains(&format!("{id} of birch waits for an invoice since 2026-03-10")),
        "{late}"
    );
    shop.ok(&["pending-item", "remove", &id]);
    assert!(!said("2026-05-09").contains(&id));
}

#[test]
fn it_is_made_once_under_a_key() {
    let shop = shop("");
    let key = ["--idempotency-key", "k-1"];
    let [first, again] = ["12", "12"].map(|amount| add(&shop, "acme", amount, "2026-03-10", &key));
    assert_eq!(first, again);
    assert_eq!(shop.json(&["pending-item", "list"]).as_array().map(Vec::len), Some(1));
}

/// What a random life draws from: the same for each seed.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn one<'a>(&mut self, of: &'a [String]) -> Option<&'a str> {
        (!of.is_empty()).then(|| of[self.below(of.len() as u64) as usize].as_str())
    }
}

/// A year of a customer with several subscriptions, in which anything happens that moves what waits.
fn life(seed: u64) {
    let mut draw = Draw(seed);
    let shop = Shop::with_config("[invoicing]\ntax_rate = \"20\"\n");
    shop.tenant("acme");
    shop.plan("pro", "50", "1", &[]);
    shop.plan("gross", "60", "3", &["--tax-inclusive"]);
    let mut subscriptions: Vec<String> = Vec::new();
    let mut items: Vec<String> = Vec::new();
    for step in 0..24 {
        let day = format!("2026-{:02}-{:02}", 1 + step / 4, 1 + 7 * (step % 4) + draw.below(7));
        let on = ["--as-of", day.as_str()];
        let attempt = |args: &[&str]| shop.run(&[args, &on].concat());
        match draw.below(12) {
            0 | 1 if subscriptions.len() < 4 => {
                let plan = ["pro", "gross"][draw.below(2) as usize];
                let more =
                    [&["--anchor", "anniversary"][..], &["--no-invoice"], &["--trial-days", "20"]];
                let args = ["subscription", "create", "--tenant", "acme", "--plan", plan, "--json"];
                let made = attempt(&[&args[..], more[draw.below(3) as usize]].concat());
                let made: Value = serde_json::from_str(&made.stdout).unwrap_or_default();
                subscriptions.extend(made["id"].as_str().map(str::to_owned));
            }
            2..=5 => {
                let amount = format!("{}.{:02}", 1 + draw.below(90), draw.below(100));
                let args =
                    ["pending-item", "create", "--tenant", "acme", "--amount", &amount, "--json"];
                let basis = ["--tax-inclusive", "--tax-exclusive"][draw.below(2) as usize];
                let of = draw.one(&subscriptions).filter(|_| step % 3 > 0);
                let of: Vec<&str> = of.iter().flat_map(|id| ["--subscription", id]).collect();
                let made = attempt(&[&args[..], &of, &[basis, "--description", "x"]].concat());
                let made: Value = serde_json::from_str(&made.stdout).unwrap_or_default();
                items.extend(made["id"].as_str().map(str::to_owned));
            }
            6 => drop(draw.one(&items).map(|id| attempt(&["pending-item", "remove", id]))),
            7 => {
                let list = shop.json(&["invoice", "list"]);
                let numbers: Vec<_> = list
                    .as_array()
                    .expect("a list")
                    .iter()
                    .map(|one| text(&one["number"]))
                    .collect();
                let anew = if draw.below(2) == 0 { &["--rebill"][..] } else { &[] };
                if let Some(number) = draw.one(&numbers) {
                    attempt(&[&["invoice", "void", number], &VOID[..], anew].concat());
                }
            }
            8 => {
                let now = if draw.below(2) == 0 { &["--now"][..] } else { &[] };
                if let Some(id) = draw.one(&subscriptions) {
                    attempt(&[&["subscription", "cancel", id], now].concat());
                }
            }
            9 => drop(attempt(&["invoice", "create", "--tenant", "acme", "--pending"])),
            10 if draw.below(2) == 0 => {
                attempt(&["tenant", "suspend", "acme", "--reason", "abuse"]);
            }
            10 => drop(attempt(&["tenant", "reactivate", "acme"])),
            _ => drop(
                draw.one(&subscriptions)
                    .map(|id| attempt(&["subscription", "trial", id, "--end-now"])),
            ),
        }
        shop.check();
        run(&shop, "cleanup-expired-trials", &day);
        run(&shop, GENERATE, &day);
        for id in &subscriptions {
            let preview = attempt(&["invoice", "preview", "--subscription", id]);
            assert!(
                preview.status == 0 || preview.stderr.contains("no invoice follows"),
                "{}",
                preview.stderr
            );
        }
    }
    // Each item is on one live invoice, or on none.
    let list = shop.json(&["invoice", "list"]);
    let live: Vec<String> = list
        .as_array()
        .expect("a list")
        .iter()
        .filter(|one| one["status"] != "void")
        .map(|one| text(&one["number"]))
        .collect();
    let billed: usize = live
        .iter()
        .map(|number| lines(&shop, number).iter().filter(|line| line[0] == "x").count())
        .sum();
    let listed = shop.json(&["pending-item", "list", "--status", "invoiced"]);
    assert_eq!(listed.as_array().map(Vec::len), Some(billed), "seed {seed}");
}

#[test]
fn whatever_happens_each_item_is_billed_once_and_as_it_was_foreseen() {
    for seed in [2, 5] {
        life(seed);
    }
}
