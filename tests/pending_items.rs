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
use support::Shop;
use support::subscriptions::text;

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
