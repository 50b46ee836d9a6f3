//! `billing subscription`: the words for running agreements. Their rules are in
//! `domain::subscription` and `domain::recurrence`, their rows in `store`, their verbs in
//! `books::subscribe`.

mod cancel;
mod change;
mod changed;
mod coupon;
mod create;
mod explain;
mod pause;
mod trial;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{Context, Limit, words};
use crate::books::Book;
use crate::domain::subscription::{Subscription, SubscriptionStatus};
use crate::domain::{Result, SubscriptionId};
use crate::failure::exit;
use crate::show;
use crate::store::{Order, Store, SubscriptionFilter};
use crate::view::{Format, objects};
use cancel::Cancel;
use change::ChangeArgs;
use coupon::Coupon;
use create::Create;
use pause::PauseArgs;
use trial::Trial;

/// `billing subscription …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Begin a subscription, and issue its first invoice
    Create(Create),
    /// List subscriptions
    List(List),
    /// Show a subscription
    Show(Named),
    /// Change plan or quantity from the next period on, or (--now) from today on
    Change(ChangeArgs),
    /// Add a plan to it from the next period on, or (--now) from today on
    Add(change::Add),
    /// Remove a plan from it from the next period on, or (--now) from today on
    Remove(change::Remove),
    /// Give a trial more days, or let it go on as a paid subscription today
    Trial(Trial),
    /// Take the coupon off its invoices to come
    Coupon(Coupon),
    /// Let a subscription rest: it is not billed meanwhile
    Pause(PauseArgs),
    /// End a subscription with its period, or (--now) at once
    Cancel(Cancel),
    /// End a pause, take a cancellation at the period's end back, or bring back a trial that ended
    Resume(Named),
    /// Say which period it is in, what was billed, and what the next invoice will be
    Explain(Named),
}

/// A subscription's id.
#[derive(Debug, Args)]
pub struct Named {
    /// The subscription's id, such as sub_12
    id: SubscriptionId,
}

#[derive(Debug, Args)]
pub struct List {
    /// Only those of this status
    #[arg(long, value_parser = words::<SubscriptionStatus>())]
    status: Option<SubscriptionStatus>,
    /// Only those of this customer
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Create(args) => create::create(ctx, &args)?,
        Command::List(args) => list(ctx, &args)?,
        Command::Show(args) => show(ctx, &mut ctx.reader()?, args.id)?,
        Command::Change(args) => change::change(ctx, &args)?,
        Command::Add(args) => change::add(ctx, &args)?,
        Command::Remove(args) => change::remove(ctx, &args)?,
        Command::Trial(args) => trial::trial(ctx, &args)?,
        Command::Coupon(args) => coupon::coupon(ctx, &args)?,
        Command::Pause(args) => pause::pause(ctx, &args)?,
        Command::Cancel(args) => return cancel::cancel(ctx, &args),
        Command::Resume(args) => {
            let mut unbilled = None;
            write(ctx, args.id, |book, subscription| {
                unbilled = book.resume(subscription)?;
                Ok(())
            })?;
            unbilled.iter().for_each(|what| ctx.note(&format!("warning: {what}")));
        }
        Command::Explain(args) => explain::explain(ctx, args.id)?,
    }
    Ok(exit::DONE)
}

/// Changes a subscription in one transaction, and shows it.
fn write(
    ctx: &mut Context,
    id: SubscriptionId,
    work: impl FnOnce(&Book, &Subscription) -> Result<()>,
) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    ctx.write(&mut store, |book| work(book, &book.db.subscription(id)?))?;
    show(ctx, &mut store, id)
}

fn show(ctx: &mut Context, store: &mut Store, id: SubscriptionId) -> anyhow::Result<()> {
    let object = object(ctx, store, id)?;
    Ok(ctx.printer.object(&object)?)
}

fn object(ctx: &Context, store: &mut Store, id: SubscriptionId) -> Result<Value> {
    let today = ctx.clock.today();
    store.read(|db| show::subscription(db, &db.subscription(id)?, today))
}

fn list(ctx: &mut Context, args: &List) -> anyhow::Result<()> {
    let today = ctx.clock.today();
    let mut store = ctx.reader()?;
    let for_people = ctx.printer.format() == Format::Table;
    let mut list = ctx.printer.list(objects::SUBSCRIPTION_FIELDS, objects::SUBSCRIPTIONS);
    store.read(|db| {
        let tenant = args.tenant.as_deref().map(|slug| db.tenant(slug)).transpose()?;
        let limit = args.limit.limit;
        // Of the newest, which are read backwards, only so many are kept.
        let order = limit.map_or(Order::OldestFirst, |_| Order::NewestFirst);
        let filter = SubscriptionFilter { tenant: tenant.map(|t| t.id), order };
        let mut newest = Vec::new();
        db.each_subscription(&filter, |subscription| {
            if limit.is_some_and(|limit| newest.len() >= limit as usize) {
                return Ok(false);
            }
            let overdue = db.has_overdue(&subscription, today)?;
            // Derived: the database cannot sort it out.
            let status = subscription.status_on(today, overdue);
            if args.status.is_none_or(|wanted| wanted == status) {
                let mut object = objects::subscription(&subscription, status);
                if for_people {
                    several_plans(&subscription, &mut object);
                }
                match limit {
                    Some(_) => newest.push(object),
                    None => list.row(object).map_err(super::out_failed)?,
                }
            }
            Ok(true)
        })?;
        newest.into_iter().rev().try_for_each(|row| list.row(row).map_err(super::out_failed))
    })?;
    Ok(list.end()?)
}

/// Puts all of its plans where a table has one: how many of each is said where it is shown.
fn several_plans(subscription: &Subscription, object: &mut Value) {
    let plans: Vec<_> = subscription.terms.items.iter().map(|item| item.plan.as_str()).collect();
    if plans.len() > 1 {
        object["plan"] = plans.join(", ").into();
        object["quantity"] = Value::Null;
    }
}
