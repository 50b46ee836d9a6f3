//! The rows of the audit trail.

use rusqlite::Row;

use super::{Db, columns};
use crate::domain::{Act, EventId, InvoiceId, Result, TenantId};

/// Something that happened, as it is stored.
#[derive(Debug, Clone)]
pub struct Event {
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

/// Something that happens now.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewEvent<'a> {
    pub kind: &'static str,
    pub tenant: Option<TenantId>,
    pub invoice: Option<InvoiceId>,
    pub reason: Option<&'a str>,
    /// JSON; empty for none.
    pub data: &'a str,
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

macro_rules! events_where {
    ($condition:literal) => {
        concat!(
            "SELECT e.id, e.at, e.kind, e.actor, e.reason, e.data, t.slug AS tenant,
                    i.number AS invoice
             FROM events e LEFT JOIN tenants t ON t.id = e.tenant_id
             LEFT JOIN invoices i ON i.id = e.invoice_id
             WHERE e.id > ?1 AND (?2 IS NULL OR e.kind = ?2) AND ",
            $condition,
            " ORDER BY e.id LIMIT ?5"
        )
    };
}

impl Db<'_> {
    /// Adds an event to the trail.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn add_event(&self, act: &Act, event: NewEvent) -> Result<()> {
        let data = if event.data.is_empty() { "{}" } else { event.data };
        self.conn
            .prepare_cached(
                "INSERT INTO events (at, kind, tenant_id, invoice_id, actor, reason, data)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute((
                act.at(),
                event.kind,
                event.tenant.map(|id| id.0),
                event.invoice.map(|id| id.0),
                &act.actor,
                event.reason,
                data,
            ))?;
        Ok(())
    }

    /// Hands each event that the filter lets through to `each`, oldest first.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_event(
        &self,
        filter: &EventFilter,
        mut each: impl FnMut(Event) -> Result<()>,
    ) -> Result<()> {
        // One statement an index, so that one customer's trail costs what it holds.
        let sql = match (filter.tenant, filter.invoice) {
            (_, Some(_)) => events_where!("(?3 IS NULL OR e.tenant_id = ?3) AND e.invoice_id = ?4"),
            (Some(_), None) => events_where!("e.tenant_id = ?3 AND ?4 IS NULL"),
            (None, None) => events_where!("?3 IS NULL AND ?4 IS NULL"),
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

fn event(row: &Row) -> rusqlite::Result<Event> {
    Ok(Event {
        id: EventId(row.get("id")?),
        at: row.get("at")?,
        kind: row.get("kind")?,
        tenant: row.get("tenant")?,
        invoice: row.get("invoice")?,
        actor: row.get("actor")?,
        reason: row.get("reason")?,
        data: row.get("data")?,
    })
}
