//! The rows of hooks: how far each was told, and what it did not take.

use rusqlite::{OptionalExtension, Row};

use super::Db;
use super::events::{RecordedEvent, event};
use crate::domain::event::quote;
use crate::domain::hook::{HookState, Kinds};
use crate::domain::{EventId, InvoiceId, Result, TenantId};

/// A hook as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookRow {
    pub name: String,
    /// The last event that it was told of, or that it is not told of.
    pub told: EventId,
    /// How often it was called with the next one, and did not take it.
    pub attempts: i64,
    pub failing_since: Option<String>,
    pub tried_at: Option<String>,
    pub next_try_at: Option<String>,
    /// What went wrong the last time.
    pub error: Option<String>,
    pub stopped_at: Option<String>,
    /// Since when no run has told it all that there was.
    pub behind_since: Option<String>,
}

impl HookRow {
    /// How it stands.
    pub fn state(&self) -> HookState {
        match (&self.stopped_at, &self.failing_since) {
            (Some(_), _) => HookState::Stopped,
            (None, Some(_)) => HookState::Failing,
            (None, None) => HookState::Ok,
        }
    }
}

/// An event that a hook is to be told of.
#[derive(Debug, Clone)]
pub struct ToTell {
    pub event: RecordedEvent,
    pub tenant: Option<TenantId>,
    pub invoice: Option<InvoiceId>,
    /// What it said was erased since.
    pub erased: bool,
}

/// What became of a call that a hook did not take.
#[derive(Debug, Clone, Copy)]
pub struct Untaken<'a> {
    /// When it was called, and when it is called again; `None`: not before a person has it go on.
    pub at: &'a str,
    pub next_try_at: Option<&'a str>,
    pub error: &'a str,
}

impl Db<'_> {
    /// Makes the rows of hooks that have none: each is told from now on.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn add_hooks<'n>(&self, names: impl Iterator<Item = &'n str>, at: &str) -> Result<()> {
        let mut statement = self.conn.prepare_cached(
            "INSERT INTO hooks (name, told_id, created_at)
             VALUES (?1, (SELECT coalesce(max(id), 0) FROM events), ?2) ON CONFLICT DO NOTHING",
        )?;
        for name in names {
            statement.execute((name, at))?;
        }
        Ok(())
    }

    /// The row of a hook, where there is one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn hook(&self, name: &str) -> Result<Option<HookRow>> {
        let mut statement = self.conn.prepare_cached("SELECT * FROM hooks WHERE name = ?1")?;
        Ok(statement.query_row([name], hook).optional()?)
    }

    /// When the first hook was met; `None`: there was none yet.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn first_hook_at(&self) -> Result<Option<String>> {
        let mut statement = self.conn.prepare_cached("SELECT min(created_at) FROM hooks")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// The newest event; 0 where there is none.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn newest_event(&self) -> Result<EventId> {
        let mut statement = self.conn.prepare_cached("SELECT coalesce(max(id), 0) FROM events")?;
        Ok(EventId(statement.query_row([], |row| row.get(0))?))
    }

    /// The next events of these kinds after one, at most so many, in the order of their ids.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn events_to_tell(&self, after: EventId, kinds: &Kinds, most: u32) -> Result<Vec<ToTell>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT e.id, e.at, e.kind, e.tenant_id, e.invoice_id, a.name AS actor, x.reason, x.data,
                    x.event_id IS NULL AS erased, t.slug AS tenant, i.number AS invoice
             FROM events e JOIN actors a ON a.id = e.actor_id
             LEFT JOIN event_texts x ON x.event_id = e.id
             LEFT JOIN tenants t ON t.id = e.tenant_id
             LEFT JOIN invoices i ON i.id = e.invoice_id
             WHERE e.id > ?1 AND (?2 IS NULL OR e.kind IN (SELECT value FROM json_each(?2)))
             ORDER BY e.id LIMIT ?3",
        )?;
        let rows = statement.query_map((after.0, list(kinds), most), |row| {
            Ok(ToTell {
                event: event(row)?,
                tenant: row.get::<_, Option<i64>>("tenant_id")?.map(TenantId),
                invoice: row.get::<_, Option<i64>>("invoice_id")?.map(InvoiceId),
                erased: row.get("erased")?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many events of these kinds there are after one; counted no further than to `most`.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn count_to_tell(&self, after: EventId, kinds: &Kinds, most: u32) -> Result<u32> {
        let mut statement = self.conn.prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM events
             WHERE id > ?1 AND (?2 IS NULL OR kind IN (SELECT value FROM json_each(?2)))
             LIMIT ?3)",
        )?;
        Ok(statement.query_row((after.0, list(kinds), most), |row| row.get(0))?)
    }

    /// Keeps that a hook took all up to an event, or is not told of it. False where it was told from
    /// elsewhere on meanwhile: then that stands.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn hook_told(&self, name: &str, before: EventId, told: EventId) -> Result<bool> {
        let changed = self
            .conn
            .prepare_cached(
                "UPDATE hooks SET told_id = ?3, attempts = 0, failing_since = NULL,
                     tried_at = NULL, next_try_at = NULL, error = NULL, stopped_at = NULL
                 WHERE name = ?1 AND told_id = ?2",
            )?
            .execute((name, before.0, told.0))?;
        Ok(changed > 0)
    }

    /// Keeps that a run has told a hook all that there was, or else that it was left behind at `at`. What
    /// it is behind since already stands. A hook that was told from elsewhere than `told` on meanwhile
    /// keeps what it has.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn hook_is_behind(&self, name: &str, told: EventId, at: Option<&str>) -> Result<()> {
        let mut statement = self.conn.prepare_cached(
            "UPDATE hooks SET behind_since = ?3
             WHERE name = ?1 AND told_id = ?2 AND (behind_since IS NULL) = (?3 IS NOT NULL)",
        )?;
        statement.execute((name, told.0, at))?;
        Ok(())
    }

    /// Has a hook go on after an event, wherever it stood and however it did. Since when it is behind
    /// stands. False where there is no such hook.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn hook_goes_on_after(&self, name: &str, told: EventId) -> Result<bool> {
        match self.hook(name)? {
            Some(row) => self.hook_told(name, row.told, told),
            None => Ok(false),
        }
    }

    /// The same, where a person begins anew with it: it is behind from the next run on that leaves it so.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn hook_begins_anew_after(&self, name: &str, told: EventId) -> Result<bool> {
        let goes_on = self.hook_goes_on_after(name, told)?;
        self.hook_is_behind(name, told, None)?;
        Ok(goes_on)
    }

    /// Keeps that a hook did not take the event after `told`. False where it was told from elsewhere
    /// on meanwhile.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn hook_failed(&self, name: &str, told: EventId, untaken: &Untaken) -> Result<bool> {
        let changed = self
            .conn
            .prepare_cached(
                "UPDATE hooks SET attempts = attempts + 1,
                     failing_since = coalesce(failing_since, ?3),
                     behind_since = coalesce(behind_since, ?3), tried_at = ?3, next_try_at = ?4,
                     error = ?5, stopped_at = CASE WHEN ?4 IS NULL THEN ?3 END
                 WHERE name = ?1 AND told_id = ?2",
            )?
            .execute((name, told.0, untaken.at, untaken.next_try_at, untaken.error))?;
        Ok(changed > 0)
    }
}

/// The kinds as SQL takes a list; `None`: every kind.
fn list(kinds: &Kinds) -> Option<String> {
    let mut json = String::new();
    for kind in kinds.each()? {
        json.push(if json.is_empty() { '[' } else { ',' });
        quote(kind, &mut json);
    }
    json.push(']');
    Some(json)
}

fn hook(row: &Row) -> rusqlite::Result<HookRow> {
    Ok(HookRow {
        name: row.get("name")?,
        told: EventId(row.get("told_id")?),
        attempts: row.get("attempts")?,
        failing_since: row.get("failing_since")?,
        tried_at: row.get("tried_at")?,
        next_try_at: row.get("next_try_at")?,
        error: row.get("error")?,
        stopped_at: row.get("stopped_at")?,
        behind_since: row.get("behind_since")?,
    })
}
