//! `billing subscription change`, `add` and `remove`: what it is made of, from the next period or from today
//! on.

use clap::Args;

use super::super::tasks::{charging, check_may_charge};
use super::super::{Context, amount_or_nothing, words};
use super::changed::{changed_object, say_why_nothing, show_changed};
use super::{object, write};
use crate::books::Book;
use crate::books::change::{Billed, Changed, NewNow};
use crate::domain::email::Locale;
use crate::domain::items::{Change, Edit};
use crate::domain::period::Anchor;
use crate::domain::proration::BillChanges;
use crate::domain::subscription::{Collection, MOST_QUANTITY, Subscription};
use crate::domain::{InvoiceId, Money, Refusal, Result, SubscriptionId};
use crate::failure::Failure;
use crate::store::Db;
use crate::tasks::charge;

#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// The subscription's id, such as sub_12
    id: SubscriptionId,
    /// Which of its plans is changed, where it has several; several change together, in this order
    #[arg(long, value_name = "CODE")]
    item: Vec<String>,
    /// The plan from then on
    #[arg(long, value_name = "CODE",
        required_unless_present_any = ["quantity", "collection", "anchor"])]
    plan: Vec<String>,
    /// How many of it from then on
    #[arg(long, value_name = "N",
        value_parser = clap::value_parser!(i64).range(1..=MOST_QUANTITY))]
    quantity: Vec<i64>,
    /// Charge the default payment method, or send the invoice, from the next invoice on
    #[arg(long, value_parser = words::<Collection>())]
    collection: Option<Collection>,
    /// Begin a new period today, and start periods from now on as on today's day, or on the 1st
    #[arg(long, requires = "now", value_parser = words::<Anchor>())]
    anchor: Option<Anchor>,
    #[command(flatten)]
    now: Now,
}

#[derive(Debug, Args)]
pub struct Add {
    /// The subscription's id, such as sub_12
    id: SubscriptionId,
    /// The plan that it has besides
    #[arg(long, value_name = "CODE")]
    plan: String,
    /// How many of it
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(i64).range(1..=MOST_QUANTITY))]
    quantity: i64,
    #[command(flatten)]
    now: Now,
}

#[derive(Debug, Args)]
pub struct Remove {
    /// The subscription's id, such as sub_12
    id: SubscriptionId,
    /// The plan that it has no more
    #[arg(long, value_name = "CODE")]
    plan: String,
    #[command(flatten)]
    now: Now,
}

/// From when a change holds, and when its difference is billed.
#[derive(Debug, Args)]
struct Now {
    /// From today on: what that comes to for the rest of the period is billed, or given back
    #[arg(long)]
    now: bool,
    /// Bill a difference at once or with the next period; as configured where it is not given
    #[arg(long, requires = "now", value_parser = words::<BillChanges>())]
    bill: Option<BillChanges>,
    /// Say what it would come to, and write nothing
    #[arg(long, requires = "now")]
    dry_run: bool,
    /// Refuse it where it comes to another total than this, as --dry-run said it
    #[arg(long, requires = "now", value_name = "AMOUNT", allow_hyphen_values = true)]
    total: Option<String>,
}

impl Now {
    /// Checks that a change comes to what whoever asks for it was shown; below nothing where a credit note
    /// gives it back.
    fn check_total(&self, id: SubscriptionId, now: Money, locale: Locale) -> Result<()> {
        let Some(typed) = &self.total else { return Ok(()) };
        let (digits, gives_back) = match typed.strip_prefix('-') {
            Some(digits) => (digits, true),
            None => (typed.as_str(), false),
        };
        let amount = amount_or_nothing("total", digits, now.currency(), locale)?;
        let minor = if gives_back { -amount.minor() } else { amount.minor() };
        let shown = Money::from_minor(minor, now.currency());
        if shown == now {
            return Ok(());
        }
        Err(Refusal::TotalChanged { subscription: id.to_string(), shown, now })
    }
}

pub(super) fn change(ctx: &mut Context, args: &ChangeArgs) -> anyhow::Result<()> {
    let items = args.item.len().max(1);
    for (flag, given) in [("--plan", args.plan.len()), ("--quantity", args.quantity.len())] {
        if given > 0 && given != items {
            return Err(Failure::usage(format!("as many {flag} as --item, one for each")).into());
        }
    }
    let others = !(args.plan.is_empty() && args.quantity.is_empty());
    let beside = (args.anchor, args.collection);
    edit(ctx, args.id, &args.now, beside, |db, subscription| {
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
    edit(ctx, args.id, &args.now, (None, None), |db, subscription| {
        let plan = db.plan_in(&args.plan, subscription.terms.currency())?;
        Ok(Some(Edit::Add { plan: Box::new(plan), quantity: args.quantity }))
    })
}

pub(super) fn remove(ctx: &mut Context, args: &Remove) -> anyhow::Result<()> {
    let plan = || args.plan.clone();
    edit(ctx, args.id, &args.now, (None, None), |_, _| Ok(Some(Edit::Remove { plan: plan() })))
}

/// Edits the items of a subscription from the next period or from today on, its anchor with them, and how it
/// is collected at once, and shows it.
fn edit(
    ctx: &mut Context,
    id: SubscriptionId,
    now: &Now,
    (anchor, collection): (Option<Anchor>, Option<Collection>),
    wanted: impl FnOnce(&Db, &Subscription) -> Result<Option<Edit>>,
) -> anyhow::Result<()> {
    if now.now {
        return change_now(ctx, id, now, |book, subscription| {
            if let Some(collection) = collection.filter(|to| *to != subscription.collection) {
                book.change_collection(subscription.id, collection)?;
            }
            let edit = wanted(book.db, subscription)?.unwrap_or(Edit::Change(Vec::new()));
            Ok(NewNow { edit, anchor, bill: now.bill })
        });
    }
    let mut begun = Vec::new();
    write(ctx, id, |book, subscription| {
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

/// Changes a subscription from today on as `wanted` says, or says what that would come to.
fn change_now(
    ctx: &mut Context,
    id: SubscriptionId,
    now: &Now,
    wanted: impl FnOnce(&Book, &Subscription) -> Result<NewNow>,
) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    let work = |book: &Book| {
        let subscription = book.db.subscription(id)?;
        let new = wanted(book, &subscription)?;
        let changed = book.change_now(&subscription, &new)?;
        now.check_total(id, changed.total, ctx.config.locale)?;
        Ok(changed)
    };
    if now.dry_run {
        let act = ctx.act();
        let changed = store.rehearse(|db| work(&Book::new(db, &act, &ctx.config)))?;
        ctx.printer.object(&changed_object(&changed))?;
        say_why_nothing(ctx, &changed);
        return Ok(());
    }
    let changed = ctx.write(&mut store, |book| {
        let changed = work(book)?;
        // What would be refused after this had been written would be written again by who gives it again.
        if to_charge(&changed).is_some() {
            check_may_charge(ctx)?;
        }
        Ok(changed)
    })?;
    if let Some(invoice) = to_charge(&changed) {
        charging(ctx, |given, act| charge::first_invoice(&mut store, given, act, invoice))?;
    }
    let mut subscription = object(ctx, &mut store, id)?;
    show_changed(ctx, &mut subscription, &changed)
}

/// The invoice of a change that is collected by itself.
fn to_charge(changed: &Changed) -> Option<InvoiceId> {
    match &changed.billed {
        Billed::Invoice(invoice) => {
            Some(invoice.id).filter(|_| invoice.collection == Collection::Automatic)
        }
        _ => None,
    }
}
