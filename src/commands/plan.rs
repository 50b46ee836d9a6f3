//! `billing plan`: the words for what is sold. Its rules are in `domain::plan`, its rows in
//! `store`.

mod price;
mod reprice;

use clap::{Args, Subcommand};

use super::basis::Basis;
use super::once::Once;
use super::{Context, Limit, amount_or_nothing, currency_arg, words};
use crate::domain::event::{About, By, Changed, Changes, PlanEvent, PlanFacts};
use crate::domain::plan::{self, Interval, IntervalUnit, NewPlan};
use crate::domain::{Currency, PlanId, Refusal};
use crate::failure::exit;
use crate::show;
use crate::store::Store;
use crate::view::objects;

/// `billing plan …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a plan
    Create(Create),
    /// List plans
    List(Limit),
    /// Show a plan
    Show(Named),
    /// Change the name of a plan, or the trial of new subscriptions
    Edit(Edit),
    /// Take a plan off the offer; its subscribers stay on it
    Archive(Named),
    /// Put another price in the place of one, also for the subscriptions that have it, and tell them
    Reprice(reprice::Reprice),
    /// The prices of a plan, in several currencies and by several models
    #[command(subcommand)]
    Price(price::Command),
}

/// A plan's code.
#[derive(Debug, Args)]
pub struct Named {
    /// The plan's code
    code: String,
}

#[derive(Debug, Args)]
pub struct Edit {
    /// The plan's code
    code: String,
    /// What invoices call it from now on
    #[arg(long)]
    name: Option<String>,
    /// Free days at the start of subscriptions made from now on
    #[arg(long, value_name = "N",
        value_parser = clap::value_parser!(i64).range(0..=plan::MOST_TRIAL_DAYS))]
    trial_days: Option<i64>,
}

#[derive(Debug, Args)]
pub struct Create {
    /// A short name for commands: lower-case letters, digits, hyphens
    code: String,
    /// What invoices call it
    #[arg(long)]
    name: String,
    /// Of one for a whole interval, before tax where it is not --tax-inclusive
    #[arg(long, allow_negative_numbers = true)]
    price: String,
    /// What the price is in; the configured currency where it is not given
    #[arg(long, value_name = "C", value_parser = currency_arg)]
    currency: Option<Currency>,
    /// How often it is billed
    #[arg(long, value_parser = words::<IntervalUnit>())]
    interval: IntervalUnit,
    /// Each so many intervals: 3 months are a quarter
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(Interval::MOST)))]
    interval_count: u32,
    /// Free days at the start of a subscription
    #[arg(long, value_name = "N", default_value_t = 0,
        value_parser = clap::value_parser!(i64).range(0..=plan::MOST_TRIAL_DAYS))]
    trial_days: i64,
    #[command(flatten)]
    basis: Basis,
    #[command(flatten)]
    once: Once,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Create(args) => create(ctx, &args)?,
        Command::List(limit) => list(ctx, limit)?,
        Command::Show(args) => show(ctx, &mut ctx.reader()?, &args.code)?,
        Command::Edit(args) => edit(ctx, &args)?,
        Command::Archive(args) => archive(ctx, &args.code)?,
        Command::Price(command) => price::run(ctx, command)?,
        Command::Reprice(args) => reprice::run(ctx, &args)?,
    }
    Ok(exit::DONE)
}

fn create(ctx: &mut Context, args: &Create) -> anyhow::Result<()> {
    let currency = args.currency.unwrap_or(ctx.config.currency);
    let new = NewPlan {
        code: plan::code(&args.code)?,
        name: plan::name(&args.name)?,
        price: amount_or_nothing("price", &args.price, currency, ctx.config.locale)?,
        basis: args.basis.get(&ctx.config),
        interval: Interval { unit: args.interval, count: args.interval_count },
        trial_days: args.trial_days,
    };
    let mut store = ctx.writer()?;
    let made = args.once.create(ctx, &mut store, "", |book| {
        let id = book.db.insert_plan(book.act, &new)?;
        book.record(About::NOBODY, PlanEvent::created(&new, By::Command), None)?;
        Ok(id.0)
    })?;
    let code = store.read(|db| Ok(db.plan_by_id(PlanId(made.id()))?.code))?;
    show(ctx, &mut store, &code)
}

fn archive(ctx: &mut Context, code: &str) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    store.write(|db| {
        let plan = db.plan(code)?;
        if plan.archived_at.is_some() {
            return Err(Refusal::PlanArchived { plan: plan.code });
        }
        db.archive_plan(&ctx.act(), plan.id)?;
        let event = PlanEvent::Archived { plan: &plan.code };
        db.record(&ctx.act(), About::NOBODY, event, None)
    })?;
    show(ctx, &mut store, code)
}

fn edit(ctx: &mut Context, args: &Edit) -> anyhow::Result<()> {
    if args.name.is_none() && args.trial_days.is_none() {
        return Err(Refusal::NothingToEdit { noun: "plan" }.into());
    }
    let name = args.name.as_deref().map(plan::name).transpose()?;
    let mut store = ctx.writer()?;
    ctx.write(&mut store, |book| {
        let before = book.db.plan(&args.code)?;
        let name = name.as_deref().unwrap_or(&before.name);
        let trial_days = args.trial_days.unwrap_or(before.trial_days);
        book.db.edit_plan(book.act, before.id, name, trial_days)?;
        let after = PlanFacts { name, trial_days };
        let changes = Changes::between(&PlanFacts::of(&before), &after, Changed::Names);
        let event = PlanEvent::Edited { plan: &before.code, imported: false, changes };
        book.record(About::NOBODY, event, None)
    })?;
    show(ctx, &mut store, &args.code)
}

fn show(ctx: &mut Context, store: &mut Store, code: &str) -> anyhow::Result<()> {
    let for_people = ctx.printer.for_people();
    let object = store.read(|db| {
        let plan = db.plan(code)?;
        match for_people {
            true => Ok(objects::plan_for_people(&plan, &db.prices(plan.id)?)),
            false => show::plan(db, &plan),
        }
    })?;
    Ok(ctx.printer.object(&object)?)
}

fn list(ctx: &mut Context, limit: Limit) -> anyhow::Result<()> {
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list(objects::PLAN_FIELDS, objects::PLANS);
    store.read(|db| {
        db.each_plan(limit.limit, |plan| {
            let prices = db.prices(plan.id)?;
            list.row(objects::plan(&plan, &prices)).map_err(super::out_failed)
        })
    })?;
    Ok(list.end()?)
}
