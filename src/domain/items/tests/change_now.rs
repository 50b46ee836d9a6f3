//! Edits that hold from today on, beside those that wait for the next period.

use super::*;

/// What it has from today on, and what is pending then; its items as [`listed`].
fn from_today(subscription: &Subscription, edit: &Edit) -> (Vec<Listed>, Option<Vec<Listed>>) {
    let new = change_now(subscription, edit, Beside::Nothing, day(TODAY)).unwrap();
    (listed(&new.terms), new.pending.as_ref().map(listed))
}

type Listed = (i64, String, i64);

fn so_many(id: i64, plan: &str, quantity: i64) -> Listed {
    (id, plan.to_owned(), quantity)
}

/// An edit of the item of that plan.
fn of_item(item: &str, plan: Option<Plan>, quantity: Option<i64>) -> Edit {
    Edit::Change(vec![Change { item: Some(item.into()), plan, quantity }])
}

#[test]
fn what_is_named_holds_today_and_next_and_what_is_not_stays_pending() {
    let (big, seats) = (|| plan(2, "big", "EUR"), || plan(3, "seats", "EUR"));
    for (pending, edit, today, next) in [
        // Nothing is pending.
        (None, to(None, Some(4)), vec![so_many(1, "pro", 4)], None),
        // A quantity waits: another plan today keeps it waiting.
        (
            Some(to(None, Some(5))),
            to(Some(big()), None),
            vec![so_many(1, "big", 2)],
            Some(vec![so_many(1, "big", 5)]),
        ),
        // A plan waits: another quantity today is that of the next period, too.
        (
            Some(to(Some(big()), None)),
            to(None, Some(4)),
            vec![so_many(1, "pro", 4)],
            Some(vec![so_many(1, "big", 4)]),
        ),
        // Both wait, and one is named.
        (
            Some(to(Some(big()), Some(7))),
            to(None, Some(4)),
            vec![so_many(1, "pro", 4)],
            Some(vec![so_many(1, "big", 4)]),
        ),
        // What waits holds today already.
        (Some(to(None, Some(5))), to(None, Some(5)), vec![so_many(1, "pro", 5)], None),
        (Some(to(Some(big()), None)), to(Some(big()), None), vec![so_many(1, "big", 2)], None),
        // Another item joins, and what waits for the first stays.
        (
            Some(to(None, Some(5))),
            add(seats(), 3),
            vec![so_many(1, "pro", 2), so_many(0, "seats", 3)],
            Some(vec![so_many(1, "pro", 5), so_many(0, "seats", 3)]),
        ),
        // What was to join joins, as it waited or at another quantity.
        (
            Some(add(seats(), 3)),
            add(seats(), 3),
            vec![so_many(1, "pro", 2), so_many(0, "seats", 3)],
            None,
        ),
        (
            Some(add(seats(), 3)),
            add(seats(), 8),
            vec![so_many(1, "pro", 2), so_many(0, "seats", 8)],
            None,
        ),
        // Something else is named: it joins when it was to.
        (
            Some(add(seats(), 3)),
            of_item("pro", None, Some(4)),
            vec![so_many(1, "pro", 4)],
            Some(vec![so_many(1, "pro", 4), so_many(0, "seats", 3)]),
        ),
    ] {
        let mut one = two_of_pro();
        one.pending = pending.as_ref().and_then(|pending| after(&one, pending));
        assert_eq!(from_today(&one, &edit), (today, next), "{pending:?}, then {edit:?}");
    }
}

#[test]
fn what_was_to_join_is_that_item_when_it_joins_today() {
    let mut one = two_of_pro();
    let mut pending = one.terms.clone();
    pending.items.push(Item { id: ItemId(9), ..Item::new(&plan(3, "seats", "EUR"), 3) });
    one.pending = Some(pending);
    let joined = from_today(&one, &add(plan(3, "seats", "EUR"), 5));
    assert_eq!(joined, (vec![so_many(1, "pro", 2), so_many(9, "seats", 5)], None));
}

#[test]
fn what_is_to_leave_leaves_today_or_stays_changed_until_it_leaves() {
    let mut one = pro_with_seats();
    one.pending = after(&one, &remove("seats"));
    let pro_alone = vec![so_many(1, "pro", 2)];
    assert_eq!(from_today(&one, &remove("seats")), (pro_alone.clone(), None));
    // Two seats more until then.
    let more = from_today(&one, &of_item("seats", None, Some(9)));
    let both = vec![so_many(1, "pro", 2), so_many(2, "seats", 9)];
    assert_eq!(more, (both, Some(pro_alone)));
}

#[test]
fn the_last_item_that_the_next_period_has_cannot_leave_today() {
    let mut one = pro_with_seats();
    one.pending = after(&one, &remove("seats"));
    // It would come back with the next period, or the next period would have none.
    let refused = change_now(&one, &remove("pro"), Beside::Nothing, day(TODAY)).unwrap_err();
    assert!(matches!(refused, Refusal::LastItem { .. }), "{refused:?}");
}

#[test]
fn nothing_to_change_is_refused_but_beside_another_anchor() {
    let one = two_of_pro();
    let same = to(None, Some(2));
    let refused = change_now(&one, &same, Beside::Nothing, day(TODAY)).unwrap_err();
    assert!(matches!(refused, Refusal::NothingToChange { .. }), "{refused:?}");
    let anchored = change_now(&one, &same, Beside::Anchor, day(TODAY)).unwrap();
    assert_eq!((listed(&anchored.terms), anchored.pending), (vec![so_many(1, "pro", 2)], None));
}

#[test]
fn one_that_runs_out_may_change_until_then() {
    let mut one = two_of_pro();
    (one.cancel_at_period_end, one.ends_on) = (true, Some(day("2026-04-01")));
    assert_eq!(from_today(&one, &to(None, Some(4))).0, [so_many(1, "pro", 4)]);
    one.ends_on = Some(day(TODAY));
    let over = change_now(&one, &to(None, Some(4)), Beside::Nothing, day(TODAY)).unwrap_err();
    assert!(matches!(over, Refusal::SubscriptionCanceled { .. }), "{over:?}");
}
