//! `billing subscription change`, `add` and `remove`: what it is made of.

use clap::Args;

use super::super::{Context, words};
use crate::domain::items::{Change, Edit};
use crate::domain::subscription::{Collection, MOST_QUANTITY, Subscription};
use crate::domain::{Result, SubscriptionId};
use crate::failure::Failure;
use crate::store::Db;

#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// The subscription's id, such as sub_12
    id: SubscriptionId,
    /// Which of its plans is changed, where it has several; several change together, in this order
    #[arg(long, value_name = "CODE")]
    item: Vec<String>,
    /// The plan from the next period on
    #[arg(long, value_name = "CODE", required_unless_present_any = ["quantity", "collection"])]
    plan: Vec<String>,
    /// How many of it from the next period on
    #[arg(long, value_name = "N",
        value_parser = clap::value_parser!(i64).range(1..=MOST_QUANTITY))]
    quantity: Vec<i64>,
    /// Charge the default payment method, or send the invoice, from the next invoice on
    #[arg(long, value_parser = words::<Collection>())]
    collection: Option<Collection>,
}

#[derive(Debug, Args)]
pub struct Add {
    /// The subscription's id, such as sub_12
    id: SubscriptionId,
    /// The plan that it has besides, from the next period on
    #[arg(long, value_name = "CODE")]
    plan: String,
    /// How many of it
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(i64).range(1..=MOST_QUANTITY))]
    quantity: i64,
}

#[derive(Debug, Args)]
pub struct Remove {
    /// The subscription's id, such as sub_12
    id: SubscriptionId,
    /// The plan that it has no more, from the next period on
    #[arg(long, value_name = "CODE")]
    plan: String,
}

pub(super) fn change(ctx: &mut Context, args: &ChangeArgs) -> anyhow::Result<()> {
    let items = args.item.len().max(1);
    for (flag, given) in [("--plan", args.plan.len()), ("--quantity", args.quantity.len())] {
        if given > 0 && given != items {
            return Err(Failure::usage(format!("as many {flag} as --item, one for each")).into());
        }
    }
    let others = !(args.plan.is_empty() && args.quantity.is_empty());
    edit(ctx, args.id, args.collection, |db, subscription| {
        if !others {
            return Ok(None);
        }
        let change = |nth: usize| {
            let plan = args.plan.get(nth);
            let plan = plan.map(|code| db.plan_in(code, subscription.terms.currency()));
            Ok(Change {
                item: args.item.get(nth).cloned(),
                plan: plan.transpose()?,
                quantity: args.quantity.get(nth).copied(),
            })
        };
        Ok(Some(Edit::Change((0..items).map(change).collect::<Result<_>>()?)))
    })
}

pub(super) fn add(ctx: &mut Context, args: &Add) -> anyhow::Result<()> {
    edit(ctx, args.id, None, |db, subscription| {
        let plan = db.plan_in(&args.plan, subscription.terms.currency())?;
        Ok(Some(Edit::Add { plan: Box::new(plan), quantity: args.quantity }))
    })
}

pub(super) fn remove(ctx: &mut Context, args: &Remove) -> anyhow::Result<()> {
    edit(ctx, args.id, None, |_, _| Ok(Some(Edit::Remove { plan: args.plan.clone() })))
}

/// Edits the items of a subscription from the next period on and how it is collected at once, and shows
/// it.
fn edit(
    ctx: &mut Context,
    id: SubscriptionId,
    collection: Option<Collection>,
    wanted: impl FnOnce(&Db, &Subscription) -> Result<Option<Edit>>,
) -> anyhow::Result<()> {
    let mut begun = Vec::new();
    super::change(ctx, id, |book, subscription| {
        let edit = wanted(book.db, subscription)?;
        if let Some(edit) = &edit {
            begun = book.change_subscription(subscription, edit)?;
        }
        match collection.filter(|to| edit.is_none() || *to != subscription.collection) {
            Some(collection) => book.change_collection(subscription.id, collection),
            None => Ok(()),
        }
    })?;
    ctx.note_begun(&begun);
    Ok(())
}
