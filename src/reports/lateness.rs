//! Whether a scheduled task is late, and how its runs went: the one rule for `tasks status` and the
//! report on automation.

use chrono::{DateTime, Utc};

use super::period::parsed;
use crate::clock::Clock;
use crate::domain::schedule::Task;
use crate::domain::{Result, RunId, act};
use crate::store::{Db, RunStatus};

/// When cron is to start a task next, and whether a run of it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    pub next: DateTime<Utc>,
    pub late: bool,
}

/// What is expected of a task, as seen at `now`: after the latest instant up to then for which it
/// ran, or after the database was made, or had its first hook, where it never did. So a replay of a past day is no sign
/// that cron slept, nor a run for a day to come that it did not.
///
/// # Errors
/// A fault of the file.
pub fn expected(db: &Db, task: Task, now: DateTime<Utc>) -> Result<Expected> {
    let first = match task {
        Task::DeliverEvents => db.first_hook_at()?,
        _ => Some(db.created_at()?),
    };
    // Where there is no hook nobody waits.
    let is_awaited = first.is_some();
    let since = match (db.last_run_until(task, &act::instant(now))?, first) {
        (Some(last), _) => last,
        (None, Some(first)) => first,
        (None, None) => db.created_at()?,
    };
    let since = Clock::host_time(parsed(&since).unwrap_or(now));
    let schedule = task.schedule();
    Ok(Expected {
        next: schedule.next(&since).to_utc(),
        late: is_awaited && schedule.is_late(&since, &Clock::host_time(now)),
    })
}

/// How a run stands: the row of one that died without a word says that it is running. `dead` are
/// those that did.
pub fn run_status(id: RunId, recorded: RunStatus, dead: &[RunId]) -> RunStatus {
    if dead.contains(&id) { RunStatus::Interrupted } else { recorded }
}
