//! What the scheduled tasks did in a period: runs, letters, suspensions.

use super::runs::run;
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

/// When the letter `m`, which failed for good or was canceled, came to that end: its event says so.
macro_rules! ended_at {
    () => {
        "coalesce((SELECT e.at FROM events e WHERE e.tenant_id = m.tenant_id
           AND e.kind IN ('email_failed', 'email_canceled') AND e.data ->> '$.email' = 'eml_' || m.id
           ORDER BY e.id DESC LIMIT 1), m.first_tried_at, m.queued_at)"
    };
}
pub(super) use ended_at;

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

    /// The newest runs of a task that were made for an instant before that one, newest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn last_runs(&self, task: Task, before: &str, count: u32) -> Result<Vec<Run>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT * FROM runs WHERE task = ?1 AND as_of < ?2 ORDER BY id DESC LIMIT ?3",
        )?;
        let found = statement.query_map((task.word(), before, count), run)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Hands each letter that left or failed for good in the stretch to `each`, with the instant
    /// at which it did.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_letter_between(
        &self,
        (from, to): Stretch,
        mut each: impl FnMut(Template, EmailStatus, &str) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(concat!(
            "SELECT template, status, at
             FROM (SELECT m.id, m.template, m.status,
                     CASE m.status WHEN 'sent' THEN m.sent_at ELSE ",
            ended_at!(),
            " END AS at
                   FROM emails m WHERE m.status IN ('sent', 'failed'))
             WHERE at >= ?1 AND at < ?2 ORDER BY id"
        ))?;
        let mut rows = statement.query((from, to))?;
        while let Some(row) = rows.next()? {
            let at: String = row.get("at")?;
            each(columns::word(row, "template")?, columns::word(row, "status")?, &at)?;
        }
        Ok(())
    }

    /// How many letters waited to be sent at that instant. `later`: some may have left since.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn count_queued_letters(&self, before: &str, later: bool) -> Result<i64> {
        let sql = match later {
            false => "SELECT count(*) FROM emails WHERE next_try_at IS NOT NULL AND queued_at < ?1",
            true => concat!(
                "SELECT count(*) FROM emails m WHERE m.queued_at < ?1 AND CASE m.status
                   WHEN 'queued' THEN 1 WHEN 'sent' THEN m.sent_at >= ?1 ELSE ",
                ended_at!(),
                " >= ?1 END"
            ),
        };
        Ok(self.conn.prepare_cached(sql)?.query_row([before], |row| row.get(0))?)
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
