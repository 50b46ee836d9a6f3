//! The rows of the audit trail: what happened in `events`, what is said of it in `event_texts`.

use ring::digest::{Context, SHA256};
use rusqlite::{OptionalExtension, Row};

use super::{Db, columns};
use crate::domain::event::{About, Event, quote};
use crate::domain::{Act, EventId, InvoiceId, Result, TenantId};

/// Something that happened, as it is stored.
#[derive(Debug, Clone)]
pub struct RecordedEvent {
    pub id: EventId,
    pub at: String,
    pub kind: String,
    pub tenant: Option<String>,
    pub invoice: Option<String>,
    pub actor: String,
    pub reason: Option<String>,
    /// The values, as JSON.
    pub data: String,
}

/// Which events are listed.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    pub tenant: Option<TenantId>,
    pub invoice: Option<InvoiceId>,
    pub kind: Option<String>,
    pub after: Option<EventId>,
    pub limit: Option<u32>,
}

/// What an event says, and the salt it is hashed with.
struct Text<'a> {
    salt: [u8; 16],
    reason: Option<&'a str>,
    data: &'a str,
}

impl<'a> Text<'a> {
    /// As schema.sql has it.
    fn hash(&self) -> [u8; 32] {
        let mut array = String::with_capacity(self.data.len() + 64);
        array.push('[');
        match self.reason {
            Some(reason) => quote(reason, &mut array),
            None => array.push_str("null"),
        }
        array.push(',');
        array.push_str(self.data);
        array.push(']');
        let mut context = Context::new(&SHA256);
        context.update(&self.salt);
        context.update(array.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        hash
    }
}

/// What happened, without what is said of it. `id` is given where a row is moved.
pub(super) struct Fact<'a> {
    pub id: Option<i64>,
    pub at: &'a str,
    pub kind: &'a str,
    pub tenant_id: Option<i64>,
    pub invoice_id: Option<i64>,
    pub actor: &'a str,
}

macro_rules! events_where {
    ($($condition:expr),+) => {
        concat!(
            "SELECT e.id, e.at, e.kind, a.name AS actor, x.reason, x.data, t.slug AS tenant,
                    i.number AS invoice
             FROM events e JOIN actors a ON a.id = e.actor_id
             LEFT JOIN event_texts x ON x.event_id = e.id
             LEFT JOIN tenants t ON t.id = e.tenant_id
             LEFT JOIN invoices i ON i.id = e.invoice_id
             WHERE e.id > ?1 AND (?2 IS NULL OR e.kind = ?2) AND ",
            $($condition),+
        )
    };
}

impl Db<'_> {
    /// Adds an event to the trail.
    ///
    /// # Errors
    /// No randomness to be had, or a fault of the file.
    pub fn record<'e>(
        &self,
        act: &Act,
        about: impl Into<About>,
        event: impl Into<Event<'e>>,
        reason: Option<&str>,
    ) -> Result<()> {
        let (about, event) = (about.into(), event.into());
        let fact = Fact {
            id: None,
            at: &act.at(),
            kind: event.word(),
            tenant_id: about.tenant.map(|id| id.0),
            invoice_id: about.invoice.map(|id| id.0),
            actor: &act.actor,
        };
        self.write_event(&fact, reason, &event.data())
    }

    /// Writes an event with what is said of it, which is salted here.
    ///
    /// # Errors
    /// No randomness to be had, or a fault of the file.
    pub(super) fn write_event(&self, fact: &Fact, reason: Option<&str>, data: &str) -> Result<()> {
        let text = Text { salt: self.random.borrow_mut().take()?, reason, data };
        let actor = self.actor_id(fact.actor)?;
        self.conn
            .prepare_cached(
                "INSERT INTO events (id, at, kind, tenant_id, invoice_id, actor_id, text_hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute((
                fact.id,
                fact.at,
                fact.kind,
                fact.tenant_id,
                fact.invoice_id,
                actor,
                text.hash(),
            ))?;
        self.conn
            .prepare_cached(
                "INSERT INTO event_texts (event_id, salt, reason, data) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((self.conn.last_insert_rowid(), text.salt, text.reason, text.data))?;
        Ok(())
    }

    fn actor_id(&self, name: &str) -> Result<i64> {
        let mut last = self.actor.borrow_mut();
        if let Some((_, id)) = last.as_ref().filter(|(known, _)| known == name) {
            return Ok(*id);
        }
        let there = self
            .conn
            .prepare_cached("SELECT id FROM actors WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        let id = match there {
            Some(id) => id,
            None => {
                self.conn
                    .prepare_cached("INSERT INTO actors (name) VALUES (?1)")?
                    .execute([name])?;
                self.conn.last_insert_rowid()
            }
        };
        *last = Some((name.to_owned(), id));
        Ok(id)
    }

    /// Hands each event that the filter lets through to `each`, oldest first.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_event(
        &self,
        filter: &EventFilter,
        mut each: impl FnMut(RecordedEvent) -> Result<()>,
    ) -> Result<()> {
        // Who asks for those after one reads on from there: the next ones, not the newest.
        let newest = filter.limit.filter(|_| filter.after.is_none());
        // One statement an index, so that one customer's trail costs what it holds.
        let sql = match (filter.tenant, filter.invoice) {
            (_, Some(_)) => columns::newest_last!(
                newest,
                events_where,
                ["(?3 IS NULL OR e.tenant_id = ?3) AND e.invoice_id = ?4"],
                "e.id",
                "e.id",
                "id",
                "?5"
            ),
            (Some(_), None) => columns::newest_last!(
                newest,
                events_where,
                ["e.tenant_id = ?3 AND ?4 IS NULL"],
                "e.id",
                "e.id",
                "id",
                "?5"
            ),
            (None, None) => columns::newest_last!(
                newest,
                events_where,
                ["?3 IS NULL AND ?4 IS NULL"],
                "e.id",
                "e.id",
                "id",
                "?5"
            ),
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query((
            filter.after.map_or(0, |id| id.0),
            &filter.kind,
            filter.tenant.map(|id| id.0),
            filter.invoice.map(|id| id.0),
            columns::limit(filter.limit),
        ))?;
        while let Some(row) = rows.next()? {
            each(event(row)?)?;
        }
        Ok(())
    }
}

/// What is wrong with what an event says, if anything is.
pub(super) fn bad_text(row: &Row) -> rusqlite::Result<Option<String>> {
    let id: i64 = row.get("id")?;
    let Some(salt) = row.get("salt")? else { return Ok(Some(format!("evt_{id} says nothing"))) };
    let text = Text {
        salt,
        reason: row.get_ref("reason")?.as_str_or_null()?,
        data: row.get_ref("data")?.as_str()?,
    };
    let same = text.hash() == row.get::<_, [u8; 32]>("text_hash")?;
    Ok((!same).then(|| format!("evt_{id} does not say what was recorded")))
}

/// An event whose text was erased says nothing any more.
pub(super) fn event(row: &Row) -> rusqlite::Result<RecordedEvent> {
    Ok(RecordedEvent {
        id: EventId(row.get("id")?),
        at: row.get("at")?,
        kind: row.get("kind")?,
        tenant: row.get("tenant")?,
        invoice: row.get("invoice")?,
        actor: row.get("actor")?,
        reason: row.get("reason")?,
        data: row.get::<_, Option<String>>("data")?.unwrap_or_else(|| "null".to_owned()),
    })
}
