//! Which items a subscription has: those that it begins with, and what adds, changes and removes them.
//! All of them are billed together, so that they have one interval, one currency and one basis of tax.

use chrono::NaiveDate;

use super::plan::{Interval, Plan};
use super::subscription::{Item, Items, Subscription, Terms};
use super::{Refusal, Result};

/// What `subscription change` asks for of one item.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The plan of the item; `None` where there is one item alone.
    pub item: Option<String>,
    pub plan: Option<Plan>,
    pub quantity: Option<i64>,
}

/// What is asked for of the items of a subscription.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Other plans or quantities: all of them together, so that all may go to another interval.
    Change(Vec<Change>),
    Add {
        plan: Box<Plan>,
        quantity: i64,
    },
    /// The item of the plan with that code.
    Remove {
        plan: String,
    },
}

/// The terms of a subscription that begins with so many of each plan: of the first, and the others.
///
/// # Errors
/// A plan is archived, is there twice, or does not go together with the first; an amount that is too
/// large.
pub fn begin(first: (&Plan, i64), others: &[(Plan, i64)]) -> Result<Terms> {
    first.0.check_offered()?;
    others.iter().try_for_each(|(plan, _)| plan.check_offered())?;
    taken_over(first, others)
}

/// As [`begin`], also of plans that are archived: those of a subscription that began elsewhere.
///
/// # Errors
/// A plan is there twice, or does not go together with the first; an amount that is too large.
pub fn taken_over(first: (&Plan, i64), others: &[(Plan, i64)]) -> Result<Terms> {
    let others = others.iter().map(|(plan, quantity)| (plan, *quantity));
    let mut slots: Vec<Slot> = Vec::new();
    for (plan, quantity) in std::iter::once(first).chain(others) {
        if slots.iter().any(|slot| slot.item.plan_id == plan.id) {
            return Err(Refusal::ItemExists { subscription: None, plan: plan.code.clone() });
        }
        slots.push(Slot { item: Item::new(plan, quantity), interval: plan.interval });
    }
    together(slots)?.ok_or_else(|| Refusal::LastItem { plan: first.0.code.clone() })
}

/// The terms that a subscription has with its next period after an edit; `None` where it takes back what
/// was pending. What is not named stays as it is pending, or as it is.
///
/// # Errors
/// It is canceled, or runs out at the end of its period; a plan is archived, or does not go together with
/// the other items; nothing would change.
pub fn change(subscription: &Subscription, edit: &Edit, today: NaiveDate) -> Result<Option<Terms>> {
    subscription.check_running(today)?;
    if subscription.cancel_at_period_end {
        let (subscription, on) = (subscription.id.to_string(), subscription.ends_on);
        return Err(Refusal::NoNextPeriod { subscription, ends_on: on.unwrap_or(today) });
    }
    let wanted = edited(subscription, subscription.coming_terms(), edit)?;
    if subscription.coming_terms() == &wanted {
        return Err(Refusal::NothingToChange { subscription: subscription.id.to_string() });
    }
    Ok((wanted != subscription.terms).then_some(wanted))
}

/// Terms that hold from today on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTerms {
    pub terms: Terms,
    /// Those of the next period, where they are others: what was pending and is not named stays so.
    pub pending: Option<Terms>,
}

/// What is asked for beside an edit of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    Nothing,
    /// Another anchor, so that the items need not change.
    Anchor,
}

/// The terms that a subscription has from today on, and with its next period, after an edit.
///
/// # Errors
/// It has ended; as [`edited`]; nothing would change.
pub fn change_now(
    subscription: &Subscription,
    edit: &Edit,
    beside: Beside,
    today: NaiveDate,
) -> Result<NewTerms> {
    subscription.check_running(today)?;
    let terms = edited(subscription, &subscription.terms, edit)?;
    let pending = match &subscription.pending {
        None => None,
        Some(pending) => Some(pending_after(subscription, pending, edit)?),
    };
    let pending = pending.filter(|pending| *pending != terms);
    let same = terms == subscription.terms && pending == subscription.pending;
    if same && beside == Beside::Nothing {
        return Err(Refusal::NothingToChange { subscription: subscription.id.to_string() });
    }
    Ok(NewTerms { terms, pending })
}

/// What is pending after an edit of what holds today: it is edited too, as far as it has what is named.
fn pending_after(subscription: &Subscription, pending: &Terms, edit: &Edit) -> Result<Terms> {
    let joins = |plan: &Plan| pending.items.iter().any(|item| item.plan_id == plan.id);
    let edited = match edit {
        Edit::Add { plan, quantity } if joins(plan) => {
            let (item, quantity) = (Some(plan.code.clone()), Some(*quantity));
            let change = Change { item, plan: None, quantity };
            edited(subscription, pending, &Edit::Change(vec![change]))
        }
        edit => edited(subscription, pending, edit),
    };
    match edited {
        // It leaves with the next period anyhow.
        Err(Refusal::NoItem { .. }) => Ok(pending.clone()),
        edited => edited,
    }
}

/// Those terms of a subscription after an edit.
///
/// # Errors
/// As [`change`], but that it may be any subscription, and nothing need change.
pub fn edited(subscription: &Subscription, terms: &Terms, edit: &Edit) -> Result<Terms> {
    let slot = |item: &Item| Slot { item: item.clone(), interval: terms.interval };
    let mut slots: Vec<_> = terms.items.iter().map(slot).collect();
    match edit {
        Edit::Change(changes) => {
            let before = slots.clone();
            for change in changes {
                let at = named(subscription, &before, change.item.as_deref())?;
                slots[at] = changed(subscription, &before[at], change)?;
            }
        }
        Edit::Add { plan, quantity } => {
            let new = Slot { item: Item::new(plan, *quantity), interval: plan.interval };
            slots.push(at_its_price(subscription, terms, new, plan)?);
        }
        Edit::Remove { plan } => {
            let at = named(subscription, &slots, Some(plan))?;
            if slots.len() == 1 {
                return Err(Refusal::LastItem { plan: plan.clone() });
            }
            slots.remove(at);
        }
    }
    let plan_of = |slot: &Slot| slot.item.plan_id;
    let twice =
        |(at, slot): &(usize, &Slot)| slots[..*at].iter().any(|s| plan_of(s) == plan_of(slot));
    if let Some((_, slot)) = slots.iter().enumerate().find(twice) {
        let (subscription, plan) = (Some(subscription.id.to_string()), slot.item.plan.clone());
        return Err(Refusal::ItemExists { subscription, plan });
    }
    // Each where it stood; what is new behind them.
    let place = |slot: &Slot| {
        subscription
            .terms
            .items
            .iter()
            .position(|item| item.is_same(&slot.item))
            .unwrap_or(usize::MAX)
    };
    slots.sort_by_key(place);
    let first = terms.first().plan.clone();
    together(slots)?.ok_or(Refusal::LastItem { plan: first })
}

/// An item, and how often its plan is billed.
#[derive(Debug, Clone)]
struct Slot {
    item: Item,
    interval: Interval,
}

/// Which of the items is named: by the plan that it is to have, or has.
fn named(subscription: &Subscription, slots: &[Slot], plan: Option<&str>) -> Result<usize> {
    let id = || subscription.id.to_string();
    let Some(plan) = plan else {
        let plans = || slots.iter().map(|slot| slot.item.plan.clone()).collect();
        return match slots.len() {
            1 => Ok(0),
            _ => Err(Refusal::WhichItem { subscription: id(), plans: plans() }),
        };
    };
    let to_be = slots.iter().position(|slot| slot.item.plan == plan);
    let has = || {
        let item = subscription.terms.items.iter().find(|item| item.plan == plan)?;
        slots.iter().position(|slot| slot.item.is_same(item))
    };
    let no_item = || Refusal::NoItem { subscription: id(), plan: plan.to_owned() };
    to_be.or_else(has).ok_or_else(no_item)
}

fn changed(subscription: &Subscription, before: &Slot, change: &Change) -> Result<Slot> {
    let quantity = change.quantity.unwrap_or(before.item.quantity);
    let Some(plan) = &change.plan else {
        let item = Item { quantity, ..before.item.clone() };
        return Ok(Slot { item, interval: before.interval });
    };
    if let Some(current) = subscription.terms.items.same(&before.item)
        && current.plan_id == plan.id
    {
        // Going back to the plan that it is on is no new contract on it: its price stays, too.
        let item = Item { quantity, ..current.clone() };
        return Ok(Slot { item, interval: subscription.terms.interval });
    }
    check_available(subscription, plan)?;
    let item = Item { id: before.item.id, ..Item::new(plan, quantity) };
    Ok(Slot { item, interval: plan.interval })
}

/// What is added: where it is an item that was to leave, or is to join later, that one, at the price that
/// it has.
fn at_its_price(
    subscription: &Subscription,
    terms: &Terms,
    new: Slot,
    plan: &Plan,
) -> Result<Slot> {
    let other = |item: &&Item| item.plan_id == plan.id && terms.items.same(item).is_none();
    for known in [&subscription.terms, subscription.coming_terms()] {
        if let Some(item) = known.items.iter().find(other) {
            let item = Item { quantity: new.item.quantity, ..item.clone() };
            return Ok(Slot { item, interval: known.interval });
        }
    }
    check_available(subscription, plan)?;
    Ok(new)
}

/// Checks that a subscription may have a plan.
fn check_available(subscription: &Subscription, plan: &Plan) -> Result<()> {
    plan.check_offered()?;
    let (has, needs) = (plan.price.currency, subscription.terms.currency());
    match has == needs {
        true => Ok(()),
        false => Err(Refusal::PlanCurrency { plan: plan.code.clone(), has, needs }),
    }
}

/// Those items as terms, where they go together; `None` where there is none.
fn together(slots: Vec<Slot>) -> Result<Option<Terms>> {
    let Some(Slot { item: first, interval: needs }) = slots.first().cloned() else {
        return Ok(None);
    };
    for Slot { item, interval } in &slots {
        let plan = || item.plan.clone();
        if item.price.currency != first.price.currency {
            let (has, needs) = (item.price.currency, first.price.currency);
            return Err(Refusal::PlanCurrency { plan: plan(), has, needs });
        }
        if *interval != needs {
            let (has, needs) = (interval.to_string(), needs.to_string());
            return Err(Refusal::IntervalMismatch { plan: plan(), has, needs });
        }
        if item.basis != first.basis {
            return Err(Refusal::BasisMismatch { plan: plan() });
        }
    }
    let items = Items::of(slots.into_iter().map(|slot| slot.item));
    let Some(items) = items else { return Ok(None) };
    let terms = Terms { items, interval: needs };
    terms.amount()?;
    Ok(Some(terms))
}

#[cfg(test)]
mod tests;
