//! `billing coupon`: the words for promotional codes. Their rules are in `domain/coupon.rs`, their
//! rows in `store/coupons.rs` and `store/redemptions.rs`, their verbs in `tasks/redeem.rs`.

mod offer;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Map, Value, json};

use super::{Context, Limit, currency_arg, prompt};
use crate::books::Book;
use crate::books::redeem::{Asked, Validated};
use crate::domain::coupon::{self, Coupon, Offer, OnPlan};
use crate::domain::event::{By, CouponEvent, CouponFacts, Nested};
use crate::domain::refusal::Why;
use crate::domain::{Act, Currency, Money, Refusal, Result, SubscriptionId, text};
use crate::failure::{Failure, exit};
use crate::reports;
use crate::store::{CouponFilter, Db, Store, UsageFilter};
use crate::view::{Format, objects, progress::Progress};
use offer::OfferArgs;

/// `billing coupon …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a coupon; asks for what is missing on a terminal
    Create(Create),
    /// List coupons
    List(List),
    /// Show a coupon
    Show(Named),
    /// Change a coupon; of one that was used only name, description, end, limits and plans
    Edit(Edit),
    /// Let a coupon be used again
    Activate(Named),
    /// Let nobody use a coupon any more; what runs goes on
    Deactivate(Named),
    /// Delete a coupon that was never used
    Delete(Named),
    /// Make many single-use codes at once
    Generate(Generate),
    /// Say whether a customer can use a coupon, and which rule says what
    Validate(Validate),
    /// Use a coupon for an open invoice, or for a subscription's coming ones
    Apply(Apply),
    /// List what coupons took off which invoices
    Usages(Usages),
    /// Sum up what came of a coupon, or of all of them
    Stats(Stats),
}

/// A coupon's code.
#[derive(Debug, Args)]
pub struct Named {
    /// The coupon's code, in any case
    code: String,
}

/// What `create` takes where a flag is not given; `generate` is single-use and otherwise the same.
const DEFAULTS: &str =
    "Where a flag is not given: for everybody, on all plans, as often as anyone likes but once
a customer, from now on, and off one invoice of a subscription.";
const GENERATED_DEFAULTS: &str =
    "Where a flag is not given: for everybody, on all plans, each code once, from now on, and
off one invoice of a subscription. --format csv prints a list for a mailing.";

#[derive(Debug, Args)]
#[command(after_help = DEFAULTS)]
pub struct Create {
    /// 2 to 50 letters and digits, with - _ . between
    code: Option<String>,
    #[command(flatten)]
    offer: OfferArgs,
    /// Nobody can use it before coupon activate
    #[arg(long)]
    inactive: bool,
}

#[derive(Debug, Args)]
pub struct List {
    /// Only those that can be used now: active, within their dates, not used up
    #[arg(long)]
    active: bool,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Debug, Args)]
pub struct Edit {
    /// The coupon's code, in any case
    code: String,
    #[command(flatten)]
    offer: OfferArgs,
    /// A percentage for amounts in every currency from now on
    #[arg(long, conflicts_with = "currency")]
    any_currency: bool,
    /// For all plans from now on
    #[arg(long, conflicts_with = "plans")]
    all_plans: bool,
}

#[derive(Debug, Args)]
#[command(after_help = GENERATED_DEFAULTS)]
pub struct Generate {
    /// How many codes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// What each code starts with, as in SUMMER-7KQM-2RXW-9HTB; also their name, if none is given
    #[arg(long, value_name = "P", default_value = "")]
    prefix: String,
    #[command(flatten)]
    offer: OfferArgs,
    /// Nobody can use them before coupon activate
    #[arg(long)]
    inactive: bool,
}

#[derive(Debug, Args)]
pub struct Validate {
    /// The coupon's code, in any case
    code: Option<String>,
    /// Who wants to use it
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    /// Before discount and tax
    #[arg(long, allow_negative_numbers = true)]
    amount: Option<String>,
    /// What is bought; a coupon that is limited to plans is refused without one
    #[arg(long, value_name = "CODE")]
    plan: Option<String>,
    /// The plan's or the customer's if not given
    #[arg(long, value_name = "C", value_parser = currency_arg)]
    currency: Option<Currency>,
}

/// What is to be remembered of a use.
#[derive(Debug, Args)]
pub struct Metadata {
    /// What is to be remembered of the coupon's use; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    metadata: Vec<String>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("to").required(true).args(["invoice", "subscription"]))]
pub struct Apply {
    /// The coupon's code, in any case
    code: String,
    /// An open invoice on which nothing was paid
    #[arg(long, value_name = "NUMBER")]
    invoice: Option<String>,
    /// A subscription whose coming invoices it discounts
    #[arg(long, value_name = "ID")]
    subscription: Option<SubscriptionId>,
    #[command(flatten)]
    metadata: Metadata,
}

#[derive(Debug, Args)]
pub struct Usages {
    /// Only of this coupon
    code: Option<String>,
    /// Only of this customer
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Debug, Args)]
pub struct Stats {
    /// Only of this coupon
    code: Option<String>,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Create(args) => create(ctx, args)?,
        Command::List(args) => list(ctx, &args)?,
        Command::Show(args) => show(ctx, &mut ctx.reader()?, &args.code)?,
        Command::Edit(args) => edit(ctx, &args)?,
        Command::Activate(args) => switch(ctx, &args.code, Switch::On)?,
        Command::Deactivate(args) => switch(ctx, &args.code, Switch::Off)?,
        Command::Delete(args) => delete(ctx, &args.code)?,
        Command::Generate(args) => generate(ctx, args)?,
        Command::Validate(args) => return validate(ctx, args),
        Command::Apply(args) => apply(ctx, &args)?,
        Command::Usages(args) => usages(ctx, &args)?,
        Command::Stats(args) => stats(ctx, &args)?,
    }
    Ok(exit::DONE)
}

fn show(ctx: &mut Context, store: &mut Store, code: &str) -> anyhow::Result<()> {
    let at = ctx.act().at();
    let coupon = store.read(|db| db.coupon(code))?;
    Ok(ctx.printer.object(&objects::coupon(&coupon, &at))?)
}

fn list(ctx: &mut Context, args: &List) -> anyhow::Result<()> {
    let at = ctx.act().at();
    let redeemable_at = args.active.then(|| at.clone());
    let filter = CouponFilter { redeemable_at, limit: args.limit.limit };
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list(objects::COUPON_FIELDS, objects::COUPONS);
    store.read(|db| {
        db.each_coupon(&filter, |coupon| {
            list.row(objects::coupon(&coupon, &at)).map_err(super::out_failed)
        })
    })?;
    Ok(list.end()?)
}

fn create(ctx: &mut Context, mut args: Create) -> anyhow::Result<()> {
    let checked = |text: &str| coupon::code(text).map(drop);
    let code = prompt::needed(ctx, "CODE", "Code", args.code.take(), checked)?;
    let code = coupon::code(&code)?;
    args.offer.complete(ctx, None)?;
    let act = ctx.act();
    let mut store = ctx.writer()?;
    let coupon = store.write(|db| {
        let offer = args.offer.offer(ctx, db, 0, !args.inactive)?;
        if db.insert_coupon(&act, &code, &offer, None)?.is_none() {
            return Err(Refusal::Exists { noun: "coupon", name: db.coupon(&code)?.code });
        }
        let coupon = db.coupon(&code)?;
        Book::new(db, &act, &ctx.config).record_coupon(CouponEvent::created(
            &coupon,
            &act.at(),
            By::Command,
        ))?;
        Ok(coupon)
    })?;
    warn_of_end(ctx, &coupon.offer.valid_to, &act);
    warn_of_currency(ctx, &coupon.offer);
    Ok(ctx.printer.object(&objects::coupon(&coupon, &act.at()))?)
}

/// Says so where no plan that it is for is billed in the coupon's currency.
fn warn_of_currency(ctx: &Context, offer: &Offer) {
    let Some(currency) = offer.currency else { return };
    if !offer.plans.is_empty() && offer.plans.iter().all(|plan| plan.currency != currency) {
        ctx.note(&format!("warning: it is in {currency}, and none of its plans is"));
    }
}

fn warn_of_end(ctx: &Context, valid_to: &str, act: &Act) {
    if act.at().as_str() > valid_to {
        ctx.note(&format!("warning: it ended on {valid_to}, nobody can use it"));
    }
}

fn edit(ctx: &mut Context, args: &Edit) -> anyhow::Result<()> {
    change(ctx, &args.code, |db, ctx, act, before| {
        if args.offer == OfferArgs::default() && !args.all_plans && !args.any_currency {
            return Err(Refusal::NothingToEdit { noun: "coupon" });
        }
        let mut new = args.offer.edited(ctx, db, &before.offer, args.all_plans)?;
        if args.any_currency {
            new = new.in_any_currency()?;
        }
        let changed = before.offer.differences(&new);
        if changed.is_empty() {
            ctx.note(&format!("note: {} was like that already", before.code));
            return Ok(());
        }
        coupon::check_edit(before, &new, db.used_so_far(before.id)?)?;
        db.update_coupon(act, before.id, &new)?;
        let after = db.coupon(&before.code)?;
        Book::new(db, act, &ctx.config).record_coupon(CouponEvent::edited(
            before,
            &after,
            &act.at(),
            By::Command,
        ))
    })?;
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Switch {
    On,
    Off,
}

/// Switching on what is on changes nothing and is no mistake.
fn switch(ctx: &mut Context, code: &str, to: Switch) -> anyhow::Result<()> {
    change(ctx, code, |db, ctx, act, before| {
        let on = to == Switch::On;
        if before.offer.is_active == on {
            let now = if on { "active" } else { "inactive" };
            ctx.note(&format!("note: {} was {now} already", before.code));
            return Ok(());
        }
        let new = Offer { is_active: on, ..before.offer.clone() };
        db.update_coupon(act, before.id, &new)?;
        let code = &before.code;
        let event = match to {
            Switch::On => CouponEvent::Activated { code },
            Switch::Off => CouponEvent::Deactivated { code },
        };
        Book::new(db, act, &ctx.config).record_coupon(event)
    })?;
    Ok(())
}

/// Changes a coupon in one transaction, and shows it.
fn change(
    ctx: &mut Context,
    code: &str,
    work: impl FnOnce(&Db, &Context, &Act, &Coupon) -> Result<()>,
) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    let act = ctx.act();
    let coupon = store.write(|db| {
        work(db, ctx, &act, &db.coupon(code)?)?;
        db.coupon(code)
    })?;
    if coupon.offer.is_active {
        warn_of_end(ctx, &coupon.offer.valid_to, &act);
    }
    Ok(ctx.printer.object(&objects::coupon(&coupon, &act.at()))?)
}

fn delete(ctx: &mut Context, code: &str) -> anyhow::Result<()> {
    let act = ctx.act();
    let object = ctx.writer()?.write(|db| {
        let coupon = db.coupon(code)?;
        if db.was_redeemed(coupon.id)? {
            return Err(Refusal::CouponUndeletable { coupon: coupon.code });
        }
        db.delete_coupon(coupon.id)?;
        Book::new(db, &act, &ctx.config).record_coupon(CouponEvent::deleted(&coupon, &act.at()))?;
        Ok(objects::coupon(&coupon, &act.at()))
    })?;
    Ok(ctx.printer.object(&object)?)
}

fn generate(ctx: &mut Context, mut args: Generate) -> anyhow::Result<()> {
    let prefix = coupon::prefix(&args.prefix)?;
    let name = Some(prefix.clone()).filter(|prefix| !prefix.is_empty());
    args.offer.complete(ctx, name.as_deref())?;
    let act = ctx.act();
    let quiet = ctx.verbosity == super::Verbosity::Quiet;
    let mut bar = Progress::new("generating codes", u64::from(args.count), quiet);
    let mut store = ctx.writer()?;
    let made = store.write(|db| {
        let offer = args.offer.offer(ctx, db, 1, !args.inactive)?;
        let ids = Book::new(db, &act, &ctx.config).generate_coupons(
            &prefix,
            args.count,
            &offer,
            |made| bar.at(made),
        )?;
        let first = ids.map(|(first, _)| db.coupon_in(first)).transpose()?;
        let event = CouponEvent::Generated {
            count: args.count,
            prefix: &prefix,
            first: first.as_ref().map(|first| Nested(CouponFacts::of(first, &act.at()))),
        };
        Book::new(db, &act, &ctx.config).record_coupon(event)?;
        Ok(ids.zip(first.map(|first| objects::coupon(&first, &act.at()))))
    });
    bar.end();
    let made = made?;
    let mut list = ctx.printer.list(objects::COUPON_FIELDS, objects::COUPONS);
    if let Some((ids, first)) = made {
        // All of them offer what the first one does, so that of the others only the code is read.
        store.read(|db| {
            db.each_code(ids, |code| {
                let mut row = first.clone();
                row["code"] = Value::from(code);
                list.row(row).map_err(super::out_failed)
            })
        })?;
    }
    Ok(list.end()?)
}

fn validate(ctx: &mut Context, args: Validate) -> anyhow::Result<u8> {
    let any = |_: &str| Ok(());
    let code = prompt::needed(ctx, "CODE", "Code", args.code, any)?;
    let slug = prompt::needed(ctx, "--tenant", "Customer", args.tenant, any)?;
    let typed = prompt::needed(ctx, "--amount", "Amount before discount", args.amount, any)?;
    let act = ctx.act();
    let mut store = ctx.writer()?;
    // A customer at a checkout does not wait for an import: only a check that is not counted yet is
    // written down.
    let (validated, amount, tenant, counted) = store.read(|db| {
        let tenant = db.tenant(&slug)?;
        let plan = args.plan.as_deref().map(|plan| db.plan(plan)).transpose()?;
        let of_plan = plan.as_ref().map(|plan| plan.price.currency);
        let currency = args.currency.or(of_plan).unwrap_or(tenant.currency);
        let amount =
            Money::parse(&typed, currency).map_err(|why| Refusal::bad("amount", &typed, why))?;
        let plan = plan.as_ref().map(OnPlan::of);
        let asked = Asked { tenant: tenant.id, plan, amount };
        let validated = Book::new(db, &act, &ctx.config).examine_coupon(&code, &asked)?;
        let counted = match &validated.coupon {
            Some(coupon) => db.is_checked(&act, coupon.id, tenant.id)?,
            None => true,
        };
        Ok((validated, amount, tenant, counted))
    })?;
    if let Some(coupon) = validated.coupon.as_ref().filter(|_| !counted) {
        store.write(|db| db.note_check(&act, coupon.id, tenant.id))?;
    }
    let tenant = tenant.slug;
    say_validated(ctx, &code, &tenant, amount, &validated)?;
    match coupon::reasons(&validated.verdicts).is_empty() {
        true => Ok(exit::DONE),
        false => Ok(exit::REFUSED),
    }
}

fn say_validated(
    ctx: &mut Context,
    code: &str,
    tenant: &str,
    amount: Money,
    validated: &Validated,
) -> anyhow::Result<()> {
    let code = validated.coupon.as_ref().map_or(code, |coupon| &coupon.code);
    let mut object = objects::validation(code, amount, validated.discount, &validated.verdicts);
    let rules: Vec<Value> = validated.verdicts.iter().map(objects::verdict).collect();
    match ctx.printer.format() {
        Format::Csv => Ok(ctx.printer.object(&object)?),
        Format::Json => {
            object["rules"] = json!(rules);
            Ok(ctx.printer.object(&object)?)
        }
        Format::Table => {
            let code = text::printable_value(code);
            let verdict = match coupon::reasons(&validated.verdicts).is_empty() {
                _ if validated.coupon.is_none() => format!("there is no coupon {code}"),
                true => {
                    let left = amount.minus(validated.discount).map_err(Refusal::from)?;
                    format!(
                        "{code} takes {} off {amount} for {tenant}, which leaves {left}",
                        validated.discount
                    )
                }
                false => format!("{code} cannot be used by {tenant} for {amount}"),
            };
            ctx.printer.text(&format!("{verdict}\n\n"))?;
            Ok(ctx.printer.table(objects::VERDICTS, &rules)?)
        }
    }
}

fn apply(ctx: &mut Context, args: &Apply) -> anyhow::Result<()> {
    let metadata = args.metadata.json()?;
    let act = ctx.act();
    let object = ctx.writer()?.write(|db| match (&args.invoice, args.subscription) {
        (Some(number), _) => {
            let invoice = db.invoice(number)?;
            let id = Book::new(db, &act, &ctx.config)
                .discount_invoice(&args.code, &invoice, &metadata)?;
            Ok(objects::usage(&db.usage(id)?))
        }
        (None, subscription) => {
            // One of them was given, clap says.
            let id = subscription.unwrap_or(SubscriptionId(0));
            let subscription = db.subscription(id)?;
            let applied = Book::new(db, &act, &ctx.config).redeem_for_subscription(
                &args.code,
                &subscription,
                &metadata,
            )?;
            let amounts = (applied.price, applied.discount);
            let noted = (metadata.as_str(), act.at());
            Ok(objects::redemption(&applied.redemption, &subscription, amounts, noted))
        }
    })?;
    Ok(ctx.printer.object(&object)?)
}

/// The most pairs that one use may carry.
const MOST_METADATA: usize = 20;

impl Metadata {
    /// The same of a command that need not use a coupon.
    ///
    /// # Errors
    /// As [`Metadata::json`], or there is something to be remembered and no coupon is used.
    pub fn json_with(&self, coupon: Option<&String>) -> anyhow::Result<String> {
        if coupon.is_none() && !self.metadata.is_empty() {
            return Err(Failure::usage("--metadata goes with --coupon").into());
        }
        Ok(self.json()?)
    }

    /// An object of texts, as JSON.
    ///
    /// # Errors
    /// One of them is no `KEY=VALUE`, a key stands there twice, or there are too many.
    pub fn json(&self) -> Result<String> {
        let bad = |pair: &str| Refusal::bad("metadata", pair, Why::NotMetadata);
        let mut object = Map::new();
        for pair in &self.metadata {
            let (key, value) = pair.split_once('=').ok_or_else(|| bad(pair))?;
            let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let fits = (1..=40).contains(&key.len()) && key.chars().all(is_key);
            if !fits || object.contains_key(key) || object.len() == MOST_METADATA {
                return Err(bad(pair));
            }
            let value = match value.trim() {
                "" => String::new(),
                value => text::line("metadata", value, 500)?,
            };
            object.insert(key.to_owned(), json!(value));
        }
        Ok(Value::Object(object).to_string())
    }
}

fn usages(ctx: &mut Context, args: &Usages) -> anyhow::Result<()> {
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list(objects::USAGE_FIELDS, objects::USAGES);
    store.read(|db| {
        let coupon = args.code.as_deref().map(|code| db.coupon(code)).transpose()?;
        let tenant = args.tenant.as_deref().map(|slug| db.tenant(slug)).transpose()?;
        let filter = UsageFilter {
            coupon: coupon.map(|coupon| coupon.id),
            tenant: tenant.map(|tenant| tenant.id),
            limit: args.limit.limit,
        };
        db.each_usage(&filter, |usage| list.row(objects::usage(&usage)).map_err(super::out_failed))
    })?;
    Ok(list.end()?)
}

fn stats(ctx: &mut Context, args: &Stats) -> anyhow::Result<()> {
    let at = ctx.act().at();
    let of = |db: &Db, coupon: &Coupon| {
        let stats = db.coupon_stats(Some(coupon.id), None)?;
        Ok(objects::coupon_stats(coupon, &stats, &at))
    };
    let mut store = ctx.reader()?;
    if let Some(code) = &args.code {
        let object = store.read(|db| of(db, &db.coupon(code)?))?;
        return Ok(ctx.printer.object(&object)?);
    }
    let (all, top) = store.read(|db| {
        let top = db.top_coupons(reports::TOP)?;
        let top: Vec<Value> = top.iter().map(|coupon| of(db, coupon)).collect::<Result<_>>()?;
        Ok((db.coupon_stats(None, None)?, top))
    })?;
    match ctx.printer.format() {
        Format::Json => Ok(ctx.printer.object(&objects::all_coupon_stats(&all, top))?),
        Format::Csv => {
            let mut list = ctx.printer.list(objects::STATS_FIELDS, objects::STATS);
            top.into_iter().try_for_each(|row| list.row(row))?;
            Ok(list.end()?)
        }
        Format::Table => {
            ctx.printer.object(&objects::coupon_sums(&all))?;
            ctx.printer.text("\nused most\n")?;
            Ok(ctx.printer.table(objects::STATS, &top)?)
        }
    }
}
