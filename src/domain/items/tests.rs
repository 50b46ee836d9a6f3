mod change_now;

use proptest::prelude::*;

use super::*;
use crate::domain::period::{Anchor, Period};
use crate::domain::plan::IntervalUnit;
use crate::domain::subscription::example;
use crate::domain::tax::TaxBasis;
use crate::domain::{Currency, ItemId, Money, PlanId, price};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn plan(id: i64, code: &str, currency: &str) -> Plan {
    Plan {
        id: PlanId(id),
        code: code.to_owned(),
        name: code.to_owned(),
        price: price::example(Money::from_minor(4990, currency.parse::<Currency>().unwrap())),
        price_archived_at: None,
        basis: TaxBasis::Exclusive,
        interval: Interval { unit: IntervalUnit::Month, count: 1 },
        trial_days: 0,
        archived_at: None,
        created_at: String::new(),
        updated_at: String::new(),
    }
}

/// So many of a plan.
fn of(plan: &Plan, quantity: i64) -> Terms {
    let item = Item { id: ItemId(1), ..Item::new(plan, quantity) };
    Terms { items: Items::one(item), interval: plan.interval }
}

/// Two of the plan `pro`, billed for March 2026.
fn two_of_pro() -> Subscription {
    let terms = of(&plan(1, "pro", "EUR"), 2);
    let march = Period { start: day("2026-03-01"), end: day("2026-04-01") };
    Subscription {
        period: Some(march),
        next_billing_on: Some(march.end),
        terms: terms.clone(),
        ..example(Anchor::Calendar, march.start, terms.interval)
    }
}

const TODAY: &str = "2026-03-20";

fn to(plan: Option<Plan>, quantity: Option<i64>) -> Edit {
    Edit::Change(vec![Change { item: None, plan, quantity }])
}

#[test]
fn what_a_change_does_not_name_stays_as_it_is_or_is_to_be() {
    let mut subscription = two_of_pro();
    let big = plan(2, "big", "EUR");
    let changed = change(&subscription, &to(Some(big), None), day(TODAY)).unwrap().unwrap();
    assert_eq!((changed.first().plan.as_str(), changed.first().quantity), ("big", 2));
    subscription.pending = Some(changed);
    let changed = change(&subscription, &to(None, Some(5)), day(TODAY)).unwrap().unwrap();
    assert_eq!((changed.first().plan.as_str(), changed.first().quantity), ("big", 5));
}

#[test]
fn a_change_back_takes_the_pending_one_back() {
    let mut subscription = two_of_pro();
    subscription.pending = Some(of(&plan(2, "big", "EUR"), 2));
    // Also where the plan that it is on was archived meanwhile.
    let archived_at = Some("2026-03-10T12:00:00Z".to_owned());
    let pro = Plan { archived_at, ..plan(1, "pro", "EUR") };
    assert_eq!(change(&subscription, &to(Some(pro), None), day(TODAY)), Ok(None));
}

#[test]
fn a_plan_that_is_archived_or_in_another_currency_or_the_same_is_refused() {
    let subscription = two_of_pro();
    let archived = Plan { archived_at: Some(String::new()), ..plan(2, "old", "EUR") };
    let refused = |wanted| change(&subscription, &wanted, day(TODAY)).unwrap_err();
    let archived = refused(to(Some(archived), None));
    assert!(matches!(archived, Refusal::PlanArchived { .. }), "{archived:?}");
    let currency = refused(to(Some(plan(3, "cfa", "XOF")), None));
    assert!(matches!(currency, Refusal::PlanCurrency { .. }), "{currency:?}");
    let same = refused(to(Some(plan(1, "pro", "EUR")), Some(2)));
    assert!(matches!(same, Refusal::NothingToChange { .. }), "{same:?}");
}

/// Its items as they will be: their ids, plans and quantities.
fn listed(terms: &Terms) -> Vec<(i64, String, i64)> {
    terms.items.iter().map(|item| (item.id.0, item.plan.clone(), item.quantity)).collect()
}

fn after(subscription: &Subscription, edit: &Edit) -> Option<Terms> {
    change(subscription, edit, day(TODAY)).unwrap()
}

fn add(plan: Plan, quantity: i64) -> Edit {
    Edit::Add { plan: Box::new(plan), quantity }
}

fn remove(plan: &str) -> Edit {
    Edit::Remove { plan: plan.to_owned() }
}

/// Two of the plan `pro` and seven of `seats`.
fn pro_with_seats() -> Subscription {
    let mut subscription = two_of_pro();
    let seats = Item { id: ItemId(2), ..Item::new(&plan(3, "seats", "EUR"), 7) };
    subscription.terms.items.push(seats);
    subscription
}

#[test]
fn an_item_that_was_to_leave_and_is_added_again_stays_what_it_was() {
    let mut subscription = pro_with_seats();
    subscription.pending = after(&subscription, &remove("pro"));
    let coming = subscription.pending.as_ref().unwrap();
    assert_eq!(listed(coming), [(2, "seats".to_owned(), 7)]);
    // At the price that it has, which the plan has no more.
    let mut dearer = plan(1, "pro", "EUR");
    dearer.price = price::example(Money::from_minor(9990, dearer.price.currency));
    assert_eq!(after(&subscription, &add(dearer.clone(), 2)), None);
    let more = after(&subscription, &add(dearer, 3)).unwrap();
    assert_eq!(listed(&more), [(1, "pro".to_owned(), 3), (2, "seats".to_owned(), 7)]);
    assert_eq!(more.first().price, subscription.terms.first().price);
}

/// An edit of what there is now knows the item that is to join: it is that one, which joins earlier.
#[test]
fn an_item_that_is_to_join_is_the_one_that_is_added_now() {
    let mut subscription = two_of_pro();
    let support = plan(4, "support", "EUR");
    let mut pending = subscription.terms.clone();
    pending.items.push(Item { id: ItemId(9), ..Item::new(&support, 3) });
    subscription.pending = Some(pending);
    let now = edited(&subscription, &subscription.terms, &add(support, 1)).unwrap();
    assert_eq!(listed(&now), [(1, "pro".to_owned(), 2), (9, "support".to_owned(), 1)]);
}

#[test]
fn an_item_is_named_by_what_it_is_to_be_or_is() {
    let mut subscription = pro_with_seats();
    let big = |item: &str, plan: Plan| {
        Edit::Change(vec![Change { item: Some(item.into()), plan: Some(plan), quantity: None }])
    };
    subscription.pending = after(&subscription, &big("pro", plan(2, "big", "EUR")));
    for item in ["big", "pro"] {
        let changed = after(&subscription, &big(item, plan(4, "huge", "EUR"))).unwrap();
        assert_eq!(listed(&changed), [(1, "huge".to_owned(), 2), (2, "seats".to_owned(), 7)]);
    }
    let refused = |edit: &Edit| change(&subscription, edit, day(TODAY)).unwrap_err();
    let unnamed = refused(&to(None, Some(3)));
    assert!(matches!(unnamed, Refusal::WhichItem { .. }), "{unnamed:?}");
    let unknown = refused(&remove("huge"));
    assert!(matches!(unknown, Refusal::NoItem { .. }), "{unknown:?}");
    let twice = refused(&add(plan(3, "seats", "EUR"), 1));
    assert!(matches!(twice, Refusal::ItemExists { .. }), "{twice:?}");
    let twice = refused(&big("seats", plan(2, "big", "EUR")));
    assert!(matches!(twice, Refusal::ItemExists { .. }), "{twice:?}");
}

#[test]
fn all_go_to_another_interval_together_or_none() {
    let subscription = pro_with_seats();
    let yearly = |id, code: &str| Plan {
        interval: Interval { unit: IntervalUnit::Year, count: 1 },
        ..plan(id, code, "EUR")
    };
    let to_yearly = |item: &str, id, code| Change {
        item: Some(item.into()),
        plan: Some(yearly(id, code)),
        quantity: None,
    };
    let one = Edit::Change(vec![to_yearly("pro", 5, "pro-y")]);
    let refused = change(&subscription, &one, day(TODAY)).unwrap_err();
    assert!(matches!(refused, Refusal::IntervalMismatch { .. }), "{refused:?}");
    let both = [to_yearly("seats", 6, "seats-y"), to_yearly("pro", 5, "pro-y")];
    let both = after(&subscription, &Edit::Change(both.to_vec())).unwrap();
    assert_eq!(listed(&both), [(1, "pro-y".to_owned(), 2), (2, "seats-y".to_owned(), 7)]);
    assert_eq!(both.interval.unit, IntervalUnit::Year);
    let inclusive = Plan { basis: TaxBasis::Inclusive, ..plan(7, "net", "EUR") };
    let refused = change(&subscription, &add(inclusive, 1), day(TODAY)).unwrap_err();
    assert!(matches!(refused, Refusal::BasisMismatch { .. }), "{refused:?}");
}

proptest! {
    /// Whatever is added and removed: each plan once, one item at least, and each that stays keeps its
    /// id; what is taken back leaves nothing pending.
    #[test]
    fn edits_keep_the_items_apart(edits in prop::collection::vec((0i64..6, 0i64..6), 1..40)) {
        let mut subscription = pro_with_seats();
        for (nth, quantity) in edits {
            let plan = plan(10 + nth, &format!("p{nth}"), "EUR");
            let edit = match quantity {
                0 => Edit::Remove { plan: plan.code.clone() },
                // Any of those that there are goes to that plan.
                4 | 5 => {
                    let coming = subscription.coming_terms();
                    let any = coming.items.iter().nth((nth % 2) as usize).or(coming.items.iter().next());
                    let (item, quantity) = (any.map(|item| item.plan.clone()), None);
                    Edit::Change(vec![Change { item, plan: Some(plan), quantity }])
                }
                _ => add(plan, quantity),
            };
            if let Ok(pending) = change(&subscription, &edit, day(TODAY)) {
                prop_assert!(pending.is_none() || pending.as_ref() != Some(&subscription.terms));
                subscription.pending = pending;
            }
            let coming = subscription.coming_terms();
            let mut plans: Vec<_> = coming.items.iter().map(|item| item.plan_id).collect();
            plans.sort();
            plans.dedup();
            prop_assert_eq!(plans.len(), coming.items.iter().count());
            let mut ids: Vec<_> =
                coming.items.iter().map(|item| item.id).filter(|id| *id != ItemId::NEW).collect();
            ids.sort();
            ids.dedup();
            let written = coming.items.iter().filter(|item| item.id != ItemId::NEW).count();
            prop_assert_eq!(ids.len(), written);
        }
    }
}
