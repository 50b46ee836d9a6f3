//! `billing meter`: the words for what usage is measured by. Its rules are in `domain/usage.rs`, its rows
//! in `store/usage.rs`.

use clap::{Args, Subcommand};

use super::{Context, Limit, words};
use crate::domain::Refusal;
use crate::domain::event::{About, MeterEvent};
use crate::domain::usage::{Aggregation, NewMeter};
use crate::failure::exit;
use crate::store::Store;
use crate::view::objects;

/// `billing meter …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a meter
    Create(Create),
    /// List meters
    List(Limit),
    /// Show a meter
    Show(Named),
    /// Take a meter off the offer; prices that have it go on
    Archive(Named),
}

/// A meter's code.
#[derive(Debug, Args)]
pub struct Named {
    /// The meter's code
    code: String,
}

#[derive(Debug, Args)]
pub struct Create {
    /// A short name for commands and events: lower-case letters, digits, hyphens
    code: String,
    /// What invoices call it
    #[arg(long, value_name = "N")]
    name: String,
    /// How its events come to a quantity: their sum, number, greatest or latest value, or how many different values
    #[arg(long, value_parser = words::<Aggregation>())]
    aggregation: Aggregation,
    /// What it counts, such as SMS or GB
    #[arg(long, value_name = "U")]
    unit: Option<String>,
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
        Command::Archive(args) => archive(ctx, &args.code)?,
    }
    Ok(exit::DONE)
}

fn create(ctx: &mut Context, args: &Create) -> anyhow::Result<()> {
    let unit = args.unit.as_deref();
    let new = NewMeter::check(&args.code, &args.name, args.aggregation, unit)?;
    let mut store = ctx.writer()?;
    ctx.write(&mut store, |book| {
        book.db.insert_meter(book.act, &new)?;
        let unit = new.unit.as_deref();
        let event = MeterEvent::Created { meter: &new.code, aggregation: new.aggregation, unit };
        book.record(About::NOBODY, event, None)
    })?;
    show(ctx, &mut store, &new.code)
}

fn archive(ctx: &mut Context, code: &str) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    ctx.write(&mut store, |book| {
        let meter = book.db.meter(code)?;
        if meter.archived_at.is_some() {
            return Err(Refusal::MeterArchived { meter: meter.code });
        }
        book.db.archive_meter(book.act, meter.id)?;
        book.record(About::NOBODY, MeterEvent::Archived { meter: &meter.code }, None)
    })?;
    show(ctx, &mut store, code)
}

fn show(ctx: &mut Context, store: &mut Store, code: &str) -> anyhow::Result<()> {
    let meter = store.read(|db| db.meter(code))?;
    Ok(ctx.printer.object(&objects::meter(&meter))?)
}

fn list(ctx: &mut Context, limit: Limit) -> anyhow::Result<()> {
    let mut meters = ctx.reader()?.read(|db| db.meters())?;
    if let Some(newest) = limit.limit {
        let mut ids: Vec<_> = meters.iter().map(|meter| meter.id).collect();
        ids.sort_unstable_by(|one, other| other.cmp(one));
        ids.truncate(newest as usize);
        meters.retain(|meter| ids.contains(&meter.id));
    }
    let mut list = ctx.printer.list(objects::METER_FIELDS, objects::METERS);
    meters.iter().try_for_each(|meter| list.row(objects::meter(meter)))?;
    Ok(list.end()?)
}
