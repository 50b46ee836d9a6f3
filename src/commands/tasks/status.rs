//! `billing tasks list` and `status`.

use serde_json::json;

use super::super::Context;
use super::summary::plural;
use crate::domain::schedule::Task;
use crate::domain::{act, calendar, pending_item};
use crate::failure::exit;
use crate::reports::{self, run_status};
use crate::store::{RunStatus, Store};
use crate::tasks::deliver_events::LateHook;
use crate::tasks::{self};
use crate::view::{Align, Column};

pub(super) const TASKS: &[Column] = &[
    ("task", "Task", Align::Left, 0),
    ("crontab", "Crontab", Align::Left, 0),
    ("summary", "What it does", Align::Left, 1),
];

pub(super) fn list(ctx: &mut Context) -> anyhow::Result<u8> {
    let mut list = ctx.printer.list(&["task", "crontab", "summary"], TASKS);
    for task in Task::ALL {
        list.row(json!({
            "task": task.word(),
            "crontab": task.schedule().crontab(),
            "summary": task.summary(),
        }))?;
    }
    list.end()?;
    Ok(exit::DONE)
}

pub(super) const STATUS: &[Column] = &[
    ("task", "Task", Align::Left, 0),
    ("last_run", "Last run", Align::Left, 2),
    ("last_run_at", "At", Align::Left, 1),
    ("status", "Status", Align::Left, 0),
    ("next_expected_at", "Next expected", Align::Left, 0),
    ("late", "Late", Align::Left, 0),
];

pub(super) fn status(ctx: &mut Context) -> anyhow::Result<u8> {
    let fields =
        &["task", "crontab", "last_run", "last_run_at", "status", "next_expected_at", "late"];
    let now = ctx.clock.now;
    let mut store = ctx.reader()?;
    let dead = tasks::lock::dead_runs(&mut store)?;
    let mut all_well = true;
    let machine_now = ctx.clock.machine_now();
    let config = &ctx.config;
    let late_hooks = store.read(|db| tasks::deliver_events::late(db, config, machine_now))?;
    let mut rows = Vec::new();
    for task in Task::ALL.iter().copied() {
        let (last, expected) = store.read(|db| {
            let mut last = None;
            db.each_run(Some(task), Some(1), |run| {
                last = Some(run);
                Ok(())
            })?;
            Ok((last, reports::expected(db, task, now)?))
        })?;
        let status = last.as_ref().map(|run| run_status(run.id, run.status, &dead));
        let failed = matches!(status, Some(RunStatus::Failed | RunStatus::Interrupted));
        let late = match task {
            Task::DeliverEvents if config.hooks.is_empty() => false,
            Task::DeliverEvents => expected.late || !late_hooks.is_empty(),
            _ => expected.late,
        };
        all_well &= !late && !failed;
        rows.push(json!({
            "task": task.word(),
            "crontab": task.schedule().crontab(),
            "last_run": last.as_ref().map(|run| run.id.to_string()),
            "last_run_at": last.as_ref().map(|run| &run.as_of),
            "status": status.map_or("never run", RunStatus::word),
            "next_expected_at": act::instant(expected.next),
            "late": late,
        }));
    }
    let mut list = ctx.printer.list(fields, STATUS);
    rows.into_iter().try_for_each(|row| list.row(row))?;
    list.end()?;
    for LateHook { name, since, behind, why } in late_hooks {
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        let events = plural(u64::from(behind), "event");
        ctx.note(&format!("warning: hook {name} is behind by {events} since {since}{why}"));
    }
    name_what_waits(ctx, &mut store)?;
    Ok(if all_well { exit::DONE } else { exit::REFUSED })
}

/// So many pending items are named one by one.
const MOST_NAMED: usize = 20;

/// Names pending items for which no invoice came.
fn name_what_waits(ctx: &Context, store: &mut Store) -> anyhow::Result<()> {
    let since = calendar::plus_days(ctx.clock.today(), -pending_item::LONG_DAYS);
    let waiting = store.read(|db| db.waiting_since(since))?;
    for item in waiting.iter().take(MOST_NAMED) {
        ctx.note(&format!(
            "warning: {} of {} waits for an invoice since {}: {}, {}",
            item.id, item.tenant, item.created_on, item.description, item.amount
        ));
    }
    if let Some(more) = waiting.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
        ctx.note(&format!("warning: and {more} more; pending-item list shows them"));
    }
    Ok(())
}
