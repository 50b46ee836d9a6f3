//! How the scheduled tasks do: their runs, the e-mails, who was suspended and came back.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::Value;

use super::coupons::{Coupons, coupons};
use super::lateness::{expected, run_status};
use super::period::{Period, day_of, may_have_changed, parsed};
use crate::clock::Clock;
use crate::domain::email::EmailStatus;
use crate::domain::schedule::Task;
use crate::domain::template::Template;
use crate::domain::tenant::SuspensionCause;
use crate::domain::{Result, RunId};
use crate::store::reports::Span;
use crate::store::{Db, Run, RunStatus, StandingChange};

/// The report.
#[derive(Debug, Clone)]
pub struct Automation {
    pub period: Period,
    /// One a task, in the order in which cron starts them.
    pub tasks: Vec<TaskLine>,
    /// Oldest day first.
    pub emails: Vec<EmailCount>,
    /// E-mails that waited to be sent at its end.
    pub queued: i64,
    /// Tenants that the cap on suspensions held at the last run of check-overdue.
    pub suspensions_held: u64,
    pub turns: StandingChanges,
    pub coupons: Coupons,
}

/// A task: its last run, and its runs in the period.
#[derive(Debug, Clone)]
pub struct TaskLine {
    pub task: Task,
    /// Its newest runs up to the end of the period, newest first.
    pub last: Vec<LastRun>,
    pub next_expected: DateTime<Utc>,
    pub late: bool,
    /// Runs of the period that came to an end, and those of them that came to a good one.
    pub runs: u64,
    pub ok: u64,
    /// Did their work, but for some items.
    pub partial: u64,
    /// Failed or died.
    pub failed: u64,
}

/// So many of the newest runs of a task are named.
const LAST_RUNS: u32 = 5;

/// A run of a task.
#[derive(Debug, Clone)]
pub struct LastRun {
    pub run: Run,
    /// How it went; one that died without a word is interrupted.
    pub status: RunStatus,
    pub duration_ms: Option<u64>,
}

/// The e-mails of one kind on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmailCount {
    pub day: NaiveDate,
    pub template: Template,
    pub sent: u64,
    pub failed: u64,
}

/// How often tenants were suspended, by cause, and came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StandingChanges {
    pub suspended: i64,
    pub causes: Vec<(SuspensionCause, i64)>,
    pub returned: i64,
}

/// Puts it together. `dead` are the runs that stand as running and died.
///
/// # Errors
/// Amounts that are too large, or a fault of the file.
pub fn automation(db: &Db, clock: &Clock, period: Period, dead: &[RunId]) -> Result<Automation> {
    let span = &period.span(clock);
    let line = |task: &Task| task_line(db, clock, span, dead, *task);
    let mut tasks: Vec<TaskLine> = Task::ALL.iter().map(line).collect::<Result<_>>()?;
    // A report of days before there was any hook says what it said then.
    let has_hooks = db.first_hook_at()?.is_some();
    tasks.retain(|line| line.task != Task::DeliverEvents || has_hooks || !line.last.is_empty());
    let chasing = tasks.iter().find(|line| line.task == Task::CheckOverdue);
    let held = chasing.and_then(|line| line.last.first()).map_or(0, |last| held_by(&last.run));
    Ok(Automation {
        emails: emails(db, clock, span)?,
        queued: db.count_queued_emails(&span.before, may_have_changed(db, clock, &span.end())?)?,
        suspensions_held: held,
        turns: turns(db, span)?,
        coupons: coupons(db, clock, period)?,
        period,
        tasks,
    })
}

fn task_line(db: &Db, clock: &Clock, span: &Span, dead: &[RunId], task: Task) -> Result<TaskLine> {
    let last = db.last_runs(task, &span.before, LAST_RUNS)?.into_iter().map(|run| LastRun {
        status: run_status(run.id, run.status, dead),
        duration_ms: duration(&run),
        run,
    });
    // The end of the period, or now.
    let end = parsed(&span.before).map_or(clock.now, |end| end - TimeDelta::seconds(1));
    let now = end.min(clock.now);
    let expected = expected(db, task, now)?;
    let (mut runs, mut ok, mut partial) = (0, 0, 0);
    db.each_run_between(task, span.stretch(), |id, status| {
        let status = run_status(id, status, dead);
        runs += u64::from(status != RunStatus::Running);
        ok += u64::from(status == RunStatus::Ok);
        partial += u64::from(status == RunStatus::Partial);
    })?;
    Ok(TaskLine {
        task,
        next_expected: expected.next,
        late: expected.late,
        last: last.collect(),
        runs,
        ok,
        partial,
        failed: runs - ok - partial,
    })
}

/// A field of what a run printed.
fn said(run: &Run, field: &str) -> Option<u64> {
    let result: Value = serde_json::from_str(run.result.as_deref()?).ok()?;
    result[field].as_u64()
}

/// How long it took: as it said itself, else by its two instants.
fn duration(run: &Run) -> Option<u64> {
    let between = || {
        let (start, end) = (parsed(&run.started_at)?, parsed(run.finished_at.as_deref()?)?);
        u64::try_from((end - start).num_milliseconds()).ok()
    };
    said(run, "duration_ms").or_else(between)
}

fn held_by(run: &Run) -> u64 {
    said(run, "suspensions_held").unwrap_or(0)
}

fn emails(db: &Db, clock: &Clock, span: &Span) -> Result<Vec<EmailCount>> {
    let mut counts: BTreeMap<(NaiveDate, Template), (u64, u64)> = BTreeMap::new();
    db.each_email_between(span.stretch(), |template, status, at| {
        let day = day_of(clock, at).unwrap_or(span.since);
        let (sent, failed) = counts.entry((day, template)).or_default();
        match status {
            EmailStatus::Sent => *sent += 1,
            _ => *failed += 1,
        }
        Ok(())
    })?;
    let line = |((day, template), (sent, failed))| EmailCount { day, template, sent, failed };
    Ok(counts.into_iter().map(line).collect())
}

fn turns(db: &Db, span: &Span) -> Result<StandingChanges> {
    let mut turns = StandingChanges::default();
    for (turn, count) in db.turns_between(span.stretch())? {
        match turn {
            StandingChange::Returned => turns.returned += count,
            StandingChange::Suspended(cause) => {
                turns.suspended += count;
                turns.causes.extend(cause.map(|cause| (cause, count)));
            }
        }
    }
    Ok(turns)
}
