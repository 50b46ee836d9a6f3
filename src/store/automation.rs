//! What the scheduled tasks did in a period: runs, e-mails, suspensions.

use super::runs::run;
use super::{Db, Run, RunStatus, columns};
use crate::domain::email::EmailStatus;
use crate::domain::schedule::Task;
use crate::domain::template::Template;
use crate::domain::tenant::{SuspensionCause, TenantStatus};
use crate::domain::{Result, RunId};

/// A half-open stretch of time, as instants are stored: from the first up to the second.
pub type TimeRange<'a> = (&'a str, &'a str);

/// A tenant was suspended, or came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandingChange {
    /// Of an event that names no cause: `None`.
    Suspended(Option<SuspensionCause>),
    Returned,
}

impl Db<'_> {
    /// Hands each run of a task that was made for an instant of the stretch to `each`.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn each_run_between(
        &self,
        task: Task,
        (from, to): TimeRange,
        mut each: impl FnMut(RunId, RunStatus),
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, status FROM runs INDEXED BY runs_as_of
             WHERE task = ?1 AND as_of >= ?2 AND as_of < ?3",
        )?;
        let mut rows = statement.query((task.word(), from, to))?;
        while let Some(row) = rows.next()? {
            each(RunId(row.get("id")?), columns::word(row, "status")?);
        }
        Ok(())
    }

    /// The newest runs of a task that were made for an instant before that one, newest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn last_runs(&self, task: Task, before: &str, count: u32) -> Result<Vec<Run>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT * FROM runs INDEXED BY runs_task WHERE task = ?1 AND as_of < ?2
             ORDER BY id DESC LIMIT ?3",
        )?;
        let found = statement.query_map((task.word(), before, count), run)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Hands each e-mail that left or failed for good in the stretch to `each`, with the instant
    /// at which it did.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_email_between(
        &self,
        (from, to): TimeRange,
        mut each: impl FnMut(Template, EmailStatus, &str) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(
            "SELECT template, status, coalesce(sent_at, ended_at) AS at FROM emails
             WHERE status IN ('sent', 'failed') AND coalesce(sent_at, ended_at) >= ?1
               AND coalesce(sent_at, ended_at) < ?2 ORDER BY id",
        )?;
        let mut rows = statement.query((from, to))?;
        while let Some(row) = rows.next()? {
            let at: String = row.get("at")?;
            each(columns::word(row, "template")?, columns::word(row, "status")?, &at)?;
        }
        Ok(())
    }

    /// How many e-mails waited to be sent at that instant. `later`: some may have left since.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn count_queued_emails(&self, before: &str, later: bool) -> Result<i64> {
        let sql = match later {
            false => "SELECT count(*) FROM emails WHERE next_try_at IS NOT NULL AND queued_at < ?1",
            true => {
                "SELECT count(*) FROM emails WHERE queued_at < ?1
                   AND coalesce(sent_at, ended_at, ?1) >= ?1"
            }
        };
        Ok(self.conn.prepare_cached(sql)?.query_row([before], |row| row.get(0))?)
    }

    /// How often tenants were suspended in the stretch, by cause, and how often they came back.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn turns_between(&self, (from, to): TimeRange) -> Result<Vec<(StandingChange, i64)>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT status, cause, count(*) AS count FROM tenant_states
             WHERE since >= ?1 AND since < ?2 AND status = 'suspended' GROUP BY cause
             UNION ALL
             SELECT 'active', NULL, count(*) FROM events
             WHERE kind = 'tenant_reactivated' AND at >= ?1 AND at < ?2 HAVING count(*) > 0
             ORDER BY status, cause",
        )?;
        let found = statement.query_map((from, to), |row| {
            let turn = match columns::word(row, "status")? {
                TenantStatus::Suspended => {
                    StandingChange::Suspended(columns::word_or_null(row, "cause")?)
                }
                _ => StandingChange::Returned,
            };
            Ok((turn, row.get("count")?))
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }
}
