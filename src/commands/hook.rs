//! `billing hook`: the words for who is told of what happens.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Context, Limit, event, prompt};
use crate::books::Book;
use crate::config::Hook;
use crate::domain::event::{About, HookEvent};
use crate::domain::{self, EventId, Refusal, act, text};
use crate::failure::exit;
use crate::gateway::Gateway;
use crate::hooks::HookRefused;
use crate::mail::Transport;
use crate::store::{Db, HookRow};
use crate::tasks::{Given, deliver_events};
use crate::view::{Align, Column};

/// `billing hook …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the hooks, how far each was told, and how it stands
    List(Limit),
    /// Send a made-up event to a hook: it is told nothing, and stays where it stands
    Test(Named),
    /// Tell a hook again of all that happened after an event
    Replay(Replay),
    /// Have a hook pass over the event that it does not take
    Skip(Skip),
    /// Have a hook that failed or stopped go on with the next run
    Resume(Named),
}

#[derive(Debug, Args)]
pub struct Named {
    /// Its name in billing.toml
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Debug, Args)]
pub struct Replay {
    /// Its name in billing.toml
    #[arg(value_name = "NAME")]
    name: String,
    /// The event after which it is told again, such as evt_88; 0: from the first on
    #[arg(long, value_name = "ID", value_parser = event::after)]
    after: EventId,
}

#[derive(Debug, Args)]
pub struct Skip {
    /// Its name in billing.toml
    #[arg(value_name = "NAME")]
    name: String,
    /// The event that it is to be told next, such as evt_90
    #[arg(value_name = "EVENT")]
    event: EventId,
    /// Why it may miss it
    #[arg(long)]
    reason: String,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::List(limit) => list(ctx, limit)?,
        Command::Test(args) => test(ctx, &args)?,
        Command::Replay(args) => replay(ctx, &args)?,
        Command::Skip(args) => skip(ctx, &args)?,
        Command::Resume(args) => resume(ctx, &args)?,
    }
    Ok(exit::DONE)
}

const FIELDS: &[&str] = &[
    "name",
    "target",
    "kinds",
    "state",
    "told",
    "behind",
    "next",
    "attempts",
    "failing_since",
    "next_try_at",
    "error",
];

const COLUMNS: &[Column] = &[
    ("name", "Hook", Align::Left, 0),
    ("target", "Goes to", Align::Left, 2),
    ("kinds", "Kinds", Align::Left, 4),
    ("state", "State", Align::Left, 0),
    ("told", "Told", Align::Left, 0),
    ("behind", "Behind", Align::Right, 0),
    ("next_try_at", "Called again", Align::Left, 1),
    ("error", "Error", Align::Left, 0),
];

/// In the order of the configuration, where the newest stand last.
fn list(ctx: &mut Context, limit: Limit) -> anyhow::Result<()> {
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list(FIELDS, COLUMNS);
    let hooks = &ctx.config.hooks;
    let passed_over = limit.limit.map_or(0, |newest| hooks.len().saturating_sub(newest as usize));
    let rows = hooks[passed_over..].iter().map(|hook| store.read(|db| object(db, hook)));
    let rows: Vec<Value> = rows.collect::<domain::Result<_>>()?;
    rows.into_iter().try_for_each(|row| list.row(row))?;
    Ok(list.end()?)
}

/// A hook of the configuration as it stands. One that no command has met yet is told of nothing so far.
fn object(db: &Db, hook: &Hook) -> domain::Result<Value> {
    let row = db.hook(&hook.name)?;
    let seconds =
        |at: &Option<String>| at.as_deref().and_then(deliver_events::instant).map(act::instant);
    let told = row.as_ref().map_or(db.newest_event()?, |row| row.told);
    let next = db.events_to_tell(told, &hook.kinds, 1)?;
    let behind = match &row {
        Some(row) => deliver_events::behind(db, hook, row)?,
        None => 0,
    };
    Ok(json!({
        "name": hook.name,
        "target": hook.target.shown(),
        "kinds": hook.kinds.patterns(),
        "state": row.as_ref().map_or("ok", |row| row.state().word()),
        "told": told.to_string(),
        "behind": behind,
        "next": next.first().map(|next| next.event.id.to_string()),
        "attempts": row.as_ref().map_or(0, |row| row.attempts),
        "failing_since": row.as_ref().and_then(|row| seconds(&row.failing_since)),
        "stopped_at": row.as_ref().and_then(|row| seconds(&row.stopped_at)),
        "next_try_at": row.as_ref().and_then(|row| seconds(&row.next_try_at)),
        "error": row.and_then(|row| row.error),
    }))
}

/// The hook of that name in the configuration.
fn configured<'c>(ctx: &'c Context, name: &str) -> domain::Result<&'c Hook> {
    let hooks = &ctx.config.hooks;
    hooks.iter().find(|hook| hook.name == name).ok_or_else(|| {
        let known: Vec<&str> = hooks.iter().map(|hook| hook.name.as_str()).collect();
        let meant = text::nearest(name, &known).map(str::to_owned);
        HookRefused::Unknown { name: name.to_owned(), meant }.into()
    })
}

/// The row of a hook, which what writes has made.
fn row(db: &Db, name: &str) -> domain::Result<HookRow> {
    db.hook(name)?.ok_or_else(|| HookRefused::Unknown { name: name.to_owned(), meant: None }.into())
}

fn show(ctx: &mut Context, name: &str) -> anyhow::Result<()> {
    let mut store = ctx.reader()?;
    let hook = configured(ctx, name)?;
    let object = store.read(|db| object(db, hook))?;
    Ok(ctx.printer.object(&object)?)
}

fn test(ctx: &mut Context, args: &Named) -> anyhow::Result<()> {
    let hook = configured(ctx, &args.name)?;
    let id = format!("evt_test_{}", uuid::Uuid::new_v4().simple());
    let given = Given {
        config: &ctx.config,
        clock: &ctx.clock,
        transport: &Transport::Nowhere,
        gateway: &Gateway::None,
    };
    deliver_events::test(&given, &ctx.act(), hook, &id)
        .map_err(|why| Refusal::from(HookRefused::Failed { name: args.name.clone(), why }))?;
    let object =
        json!({ "name": args.name, "target": hook.target.shown(), "event": id, "taken": true });
    Ok(ctx.printer.object(&object)?)
}

fn replay(ctx: &mut Context, args: &Replay) -> anyhow::Result<()> {
    let hook = configured(ctx, &args.name)?;
    let mut store = ctx.writer()?;
    let again = store.read(|db| {
        let row = row(db, &hook.name)?;
        if args.after > row.told {
            return Err(HookRefused::NotToldYet { name: row.name, told: row.told }.into());
        }
        deliver_events::behind(db, hook, &HookRow { told: args.after, ..row })
    })?;
    let events = if again == 1 { "1 event".to_owned() } else { format!("{again} events") };
    prompt::ask(ctx, &format!("{} is told of {events}, also of those it took", hook.name))?;
    ctx.write(&mut store, |book| {
        let row = row(book.db, &hook.name)?;
        if args.after > row.told {
            return Err(HookRefused::NotToldYet { name: row.name, told: row.told }.into());
        }
        book.db.hook_begins_anew_after(&row.name, args.after)?;
        let (after, told_before) = (args.after, row.told);
        let event = HookEvent::Replayed { hook: &row.name, after, told_before };
        book.record(About::NOBODY, event, None)
    })?;
    show(ctx, &args.name)
}

fn skip(ctx: &mut Context, args: &Skip) -> anyhow::Result<()> {
    let reason = text::line("reason", &args.reason, 500)?;
    let hook = configured(ctx, &args.name)?;
    let mut store = ctx.writer()?;
    ctx.write(&mut store, |book| {
        let row = row(book.db, &hook.name)?;
        let next = book.db.events_to_tell(row.told, &hook.kinds, 1)?.into_iter().next();
        let id = next.as_ref().map(|next| next.event.id);
        let Some(next) = next.filter(|_| id == Some(args.event)) else {
            let next = id;
            return Err(HookRefused::NotNext { name: row.name, event: args.event, next }.into());
        };
        book.db.hook_goes_on_after(&row.name, args.event)?;
        let (event, kind) = (args.event, next.event.kind.as_str());
        let event = HookEvent::Skipped { hook: &row.name, event, kind };
        book.record(About::NOBODY, event, Some(&reason))
    })?;
    show(ctx, &args.name)
}

fn resume(ctx: &mut Context, args: &Named) -> anyhow::Result<()> {
    let hook = configured(ctx, &args.name)?;
    let mut store = ctx.writer()?;
    ctx.write(&mut store, |book| go_on(book, &hook.name))?;
    show(ctx, &args.name)
}

/// One that is well goes on anyway.
fn go_on(book: &Book, name: &str) -> domain::Result<()> {
    let row = row(book.db, name)?;
    if row.failing_since.is_none() {
        return Ok(());
    }
    book.db.hook_begins_anew_after(name, row.told)?;
    let event = HookEvent::Resumed { hook: name, state_before: row.state() };
    book.record(About::NOBODY, event, None)
}
