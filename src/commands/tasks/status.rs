//! `billing tasks list` and `status`.

use serde_json::json;

use super::super::Context;
use crate::domain::act;
use crate::domain::schedule::Task;
use crate::failure::exit;
use crate::reports::{self, run_status};
use crate::store::RunStatus;
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
        all_well &= !expected.late && !failed;
        rows.push(json!({
            "task": task.word(),
            "crontab": task.schedule().crontab(),
            "last_run": last.as_ref().map(|run| run.id.to_string()),
            "last_run_at": last.as_ref().map(|run| &run.as_of),
            "status": status.map_or("never run", RunStatus::word),
            "next_expected_at": act::instant(expected.next),
            "late": expected.late,
        }));
    }
    let mut list = ctx.printer.list(fields, STATUS);
    rows.into_iter().try_for_each(|row| list.row(row))?;
    list.end()?;
    Ok(if all_well { exit::DONE } else { exit::REFUSED })
}
