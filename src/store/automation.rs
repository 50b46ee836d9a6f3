//! What the scheduled tasks did in a period: runs, letters, suspensions.

use super::{Db, Run, RunStatus, columns};
use crate::domain::email::EmailStatus;
use crate::domain::letter::Template;
use crate::domain::schedule::Task;
use crate::domain::tenant::SuspensionCause;
use crate::domain::{Result, RunId};

/// A half-open stretch of time, as instants are stored: from the first up to the second.
pub type Stretch<'a> = (&'a str, &'a str);

/// A tenant was suspended, or came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
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
        (from, to): Stretch,
        mut each: impl FnMut(RunId, RunStatus),
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, status FROM runs WHERE task = ?1 AND as_of >= ?2 AND as_of < ?3
             ORDER BY id",
        )?;
        let mut rows = statement.query((task.word(), from, to))?;
        while let Some(row) = rows.next()? {
            each(RunId(row.get("id")?), columns::word(row, "status")?);
        }
        Ok(())
    }

    /// The newest run of a task.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn newest_run(&self, task: Task) -> Result<Option<Run>> {
        let mut newest = None;
        self.each_run(Some(task), Some(1), |run| {
            newest = Some(run);
            Ok(())
        })?;
        Ok(newest)
    }

    /// Hands each letter that left or failed for good in the stretch to `each`, with the instant
    /// that it counts at: one that left, when it left; one that failed, when it was first tried.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_letter_between(
        &self,
        (from, to): Stretch,
        mut each: impl FnMut(Template, EmailStatus, &str) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(
            "SELECT template, status, coalesce(sent_at, first_tried_at, queued_at) AS at
             FROM emails WHERE status IN ('sent', 'failed')
               AND coalesce(sent_at, first_tried_at, queued_at) >= ?1
               AND coalesce(sent_at, first_tried_at, queued_at) < ?2
             ORDER BY id",
        )?;
        let mut rows = statement.query((from, to))?;
        while let Some(row) = rows.next()? {
            let at: String = row.get("at")?;
            each(columns::word(row, "template")?, columns::word(row, "status")?, &at)?;
        }
        Ok(())
    }

    /// How many letters wait to be sent.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn count_queued_letters(&self) -> Result<i64> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT count(*) FROM emails WHERE next_try_at IS NOT NULL")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// How often tenants were suspended in the stretch, by cause, and how often they came back.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn turns_between(&self, (from, to): Stretch) -> Result<Vec<(Turn, i64)>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT kind, cause, count(*) AS count
             FROM (SELECT kind, CASE WHEN kind = 'tenant_suspended'
                     THEN json_extract(data, '$.cause') END AS cause
                   FROM events WHERE kind IN ('tenant_suspended', 'tenant_reactivated')
                     AND at >= ?1 AND at < ?2)
             GROUP BY kind, cause ORDER BY kind, cause",
        )?;
        let found = statement.query_map((from, to), |row| {
            let kind: String = row.get("kind")?;
            let turn = match kind.as_str() {
                "tenant_reactivated" => Turn::Returned,
                _ => Turn::Suspended(columns::word_or_null(row, "cause")?),
            };
            Ok((turn, row.get("count")?))
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }
}
