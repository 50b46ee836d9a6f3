//! `billing usage`: the words for what customers use. Its rules are in `domain/usage.rs`, its rows in
//! `store/usage/`, its verbs in `books/usage.rs`.

mod import;
mod show;

use chrono::{DateTime, NaiveDate};
use clap::{Args, Subcommand};

use super::{Context, Limit, date_arg, out_failed};
use crate::books::{KnownUsage, TakenUsage};
use crate::domain::event::UsageEvent;
use crate::domain::reject::Reject;
use crate::domain::usage::{DEFAULT_VALUE, Incoming, Subscriber};
use crate::domain::{Refusal, SubscriptionId, text, wording};
use crate::failure::exit;
use crate::imports::usage_properties;
use crate::show::usage_event;
use crate::store::Store;
use crate::store::usage::UsageEventFilter;
use crate::view::objects;

/// `billing usage …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add an event by hand
    Add(Add),
    /// Take events from a file; what is there already is passed over
    Import(import::Import),
    /// Say what was used in a period, and what it comes to so far
    Show(show::Show),
    /// Void an event: it counts no more, and what was billed of it is corrected
    Void(Void),
    /// List events
    List(List),
}

#[derive(Debug, Args)]
pub struct Add {
    /// The meter's code
    #[arg(long, value_name = "M")]
    meter: String,
    #[command(flatten)]
    of: Of,
    /// How much: a decimal number; of a meter of unique values any text
    #[arg(long, value_name = "V", default_value = DEFAULT_VALUE, allow_negative_numbers = true)]
    value: String,
    /// When it was used; now where it is not given
    #[arg(long, value_name = "WHEN")]
    at: Option<String>,
    /// The event's own id: one that is there already on that day is not taken twice
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// What else is to be remembered of it, a JSON object
    #[arg(long, value_name = "JSON")]
    properties: Option<String>,
}

/// Whose usage it is.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Of {
    /// The customer, with exactly one subscription that has the meter
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    /// The subscription's id, such as sub_12
    #[arg(long, value_name = "ID")]
    subscription: Option<SubscriptionId>,
}

#[derive(Debug, Args)]
pub struct Void {
    /// The event's id
    id: String,
    /// When it was: the day, or the moment
    #[arg(long, value_name = "WHEN")]
    at: String,
    /// Why
    #[arg(long, value_name = "R")]
    reason: String,
}

#[derive(Debug, Args)]
pub struct List {
    /// Only those of this customer
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    /// Only those of this subscription
    #[arg(long, value_name = "ID")]
    subscription: Option<SubscriptionId>,
    /// Only those of this meter
    #[arg(long, value_name = "M")]
    meter: Option<String>,
    /// The first day
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    since: Option<NaiveDate>,
    /// The last day, all of it
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    until: Option<NaiveDate>,
    #[command(flatten)]
    limit: Limit,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Add(args) => add(ctx, &args)?,
        Command::Import(args) => return import::run(ctx, &args),
        Command::Show(args) => show::run(ctx, &args)?,
        Command::Void(args) => void(ctx, &args)?,
        Command::List(args) => list(ctx, &args)?,
    }
    Ok(exit::DONE)
}

/// Takes events of usage from memory, a JSON object a line.
///
/// # Errors
/// Whatever is refused of all of them; what is refused of one is named in what is printed.
pub fn take(ctx: &mut Context, lines: Vec<u8>) -> anyhow::Result<u8> {
    import::take(ctx, lines)
}

/// A moment as it is typed, in microseconds since 1970: of a date, its first instant.
fn moment(ctx: &Context, text: &str) -> Result<i64, Refusal> {
    // What `start` would cut off: parts of a second.
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        ctx.clock.start("at", text)?;
        return Ok(at.timestamp_micros());
    }
    let at = ctx.clock.start("at", text)?;
    let at = DateTime::parse_from_rfc3339(&at).map_err(|_| Reject::BadTime { value: at });
    Ok(at.map_err(Refusal::Usage)?.timestamp_micros())
}

/// The business day on which a moment lies.
fn day(ctx: &Context, at_us: i64) -> NaiveDate {
    let at = DateTime::from_timestamp_micros(at_us).unwrap_or_default();
    at.with_timezone(&ctx.clock.timezone).date_naive()
}

fn add(ctx: &mut Context, args: &Add) -> anyhow::Result<()> {
    let id = match &args.id {
        Some(id) => text::line("id", id, 200)?,
        None => uuid::Uuid::new_v4().to_string(),
    };
    let at_us = match &args.at {
        Some(text) => moment(ctx, text)?,
        None => ctx.clock.now.timestamp_micros(),
    };
    let of = match (&args.of.subscription, &args.of.tenant) {
        (Some(id), _) => Subscriber::Subscription(*id),
        (None, tenant) => Subscriber::Tenant(tenant.clone().unwrap_or_default()),
    };
    let properties = args.properties.as_deref().map(usage_properties).transpose();
    let properties = properties.map_err(Refusal::Usage)?.flatten();
    let plain = wording::plain_number(&args.value, ctx.config.locale).into_owned();
    let mut store = ctx.writer()?;
    let day = day(ctx, at_us);
    let taken = ctx.write(&mut store, |book| {
        let meter = book.db.meter(&args.meter)?;
        let is_text = meter.aggregation == crate::domain::usage::Aggregation::Unique;
        let value = if is_text { args.value.clone() } else { plain };
        let event = Incoming {
            line: 1,
            id: id.as_str().into(),
            meter: meter.code.into(),
            of,
            at_us,
            value: value.into(),
            properties: properties.map(String::into_boxed_str),
        };
        let mut taken = TakenUsage::default();
        book.take_usage(&mut KnownUsage::default(), &[event], &mut taken)?;
        if let Some((_, reject)) = taken.rejected.pop() {
            return Err(Refusal::Usage(reject));
        }
        if taken.accepted > 0 {
            let added = book.db.usage_event(day, &id)?;
            let event = UsageEvent::Added {
                id: &added.id,
                day,
                meter: &added.meter,
                subscription: added.subscription,
                value: &added.value,
            };
            book.record(added.tenant_id, event, None)?;
        }
        Ok(taken)
    })?;
    if taken.duplicates > 0 {
        ctx.note(&format!("note: {id} is there already, and says the same"));
    }
    show_event(ctx, &mut store, day, &id)
}

fn show_event(
    ctx: &mut Context,
    store: &mut Store,
    day: NaiveDate,
    id: &str,
) -> anyhow::Result<()> {
    let event = store.read(|db| db.usage_event(day, id))?;
    Ok(ctx.printer.object(&usage_event(&event))?)
}

fn void(ctx: &mut Context, args: &Void) -> anyhow::Result<()> {
    let reason = text::line("reason", &args.reason, 500)?;
    let day = day(ctx, moment(ctx, &args.at)?);
    let mut store = ctx.writer()?;
    let event = ctx.write(&mut store, |book| book.void_usage(day, &args.id, &reason))?;
    Ok(ctx.printer.object(&usage_event(&event))?)
}

fn list(ctx: &mut Context, args: &List) -> anyhow::Result<()> {
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list(objects::USAGE_EVENT_FIELDS, objects::USAGE_EVENTS);
    store.read(|db| {
        let tenant = args.tenant.as_deref().map(|name| db.tenant(name)).transpose()?;
        if let Some(id) = args.subscription {
            db.subscription(id)?;
        }
        let meter = args.meter.as_deref().map(|code| db.meter(code)).transpose()?;
        let filter = UsageEventFilter {
            tenant: tenant.map(|tenant| tenant.id),
            subscription: args.subscription,
            meter: meter.map(|meter| meter.id),
            since: args.since,
            until: args.until,
            limit: args.limit.limit,
        };
        db.each_usage_event(&filter, |event| list.row(usage_event(&event)).map_err(out_failed))
    })?;
    Ok(list.end()?)
}
