//! What was overdue at the end of a day.

use chrono::NaiveDate;
use rusqlite::named_params;

use crate::domain::dunning::InvoiceFacts;
use crate::domain::tenant::TenantStatus;
use crate::domain::{Result, TenantId};
use crate::store::{Db, columns, dunning};

/// The end of a day at which something is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub day: NaiveDate,
    /// The first instant after it in the business time zone, as it is stored.
    pub before: String,
}

/// An invoice that was open past its due date.
#[derive(Debug, Clone)]
pub struct OverdueInvoice {
    pub tenant_id: TenantId,
    pub tenant: String,
    pub name: String,
    pub status: TenantStatus,
    pub facts: InvoiceFacts,
}

/// Invoices that were open past their due date at the end of `:day`, which ends `:before`.
const OVERDUE: &str = concat!(
    "WITH ",
    stood!("i.due_on < :day AND i.due_on >= :since"),
    ", ended (id, event, set_back, day) AS (
       SELECT c.id, e.id, coalesce(e.data ->> '$.set_back', 0), NULL FROM changed c
       JOIN events e ON e.invoice_id = c.id AND e.at < :before AND e.kind IN
         ('promise_recorded', 'dispute_opened', 'dispute_resolved', 'payment_reversed')
         -- A part of what an open invoice is paid with changes nothing of its notice.
         AND (e.kind <> 'payment_reversed' OR coalesce(e.data ->> '$.reopened', 1))
       UNION ALL
       SELECT c.id, e.id, 2, e.data ->> '$.on' FROM changed c
       JOIN events e ON e.tenant_id = c.tenant_id AND e.at < :before
         AND e.kind = 'tenant_reactivated'
         AND EXISTS (SELECT 1 FROM json_each(e.data, '$.set_back') WHERE value = c.number)),
     -- Up to which event warnings give no notice, and from which on an invoice past suspension, or
     -- past its warning, stood below it again. By the order of events, for a day's commands and
     -- runs may all be made for its noon.
     notice (id, ended, unsuspended, unwarned, unwarned_on) AS MATERIALIZED (
       SELECT id, max(event), max(event) FILTER (WHERE set_back > 0),
         max(event) FILTER (WHERE set_back = 2), max(day)
       FROM ended GROUP BY id),
     steps (id, event, stage, day) AS MATERIALIZED (
       SELECT c.id, e.id, e.data ->> '$.stage',
         date(c.due_on, '+' || (e.data ->> '$.days_overdue') || ' days')
       FROM changed c JOIN events e ON e.invoice_id = c.id AND e.at < :before
         AND e.kind = 'dunning_stage_recorded'),
     -- Warnings whose letter was sent once more, which starts their notice anew.
     resent (id, event, at, email, day) AS MATERIALIZED (
       SELECT c.id, e.id, e.at, e.data ->> '$.email', e.data ->> '$.on'
       FROM changed c JOIN events e ON e.tenant_id = c.tenant_id AND e.kind = 'email_resent'
         AND EXISTS (SELECT 1 FROM json_each(e.data, '$.warned') WHERE value = c.number)),
     warnings (id, event, day) AS (
       SELECT id, event, day FROM steps WHERE stage = 'warning'
       UNION ALL
       SELECT id, event, day FROM resent WHERE at < :before),
     was_open (id, total_minor, paid_minor) AS (
       SELECT id, total_minor, paid_minor FROM invoices
       WHERE status = 'open' AND due_on < :day AND due_on >= :since
         AND (NOT :later OR updated_at < :before)
       UNION ALL
       SELECT id, total_minor, paid_minor FROM stood WHERE status = 'open')
     SELECT t.slug, t.name, i.id, i.tenant_id, i.number, i.issued_on, i.due_on, i.currency,
            o.total_minor, o.paid_minor, i.dunning_round,
            CASE WHEN t.updated_at < :before THEN t.status ELSE coalesce((
              SELECT CASE e.kind WHEN 'tenant_suspended' THEN 'suspended'
                WHEN 'tenant_closed' THEN 'closed' ELSE 'active' END
              FROM events e WHERE e.tenant_id = t.id AND e.at < :before
                AND e.kind IN ('tenant_suspended', 'tenant_reactivated', 'tenant_closed')
              ORDER BY e.id DESC LIMIT 1), 'active') END AS tenant_status,
            CASE WHEN i.updated_at < :before THEN i.stage ELSE coalesce((
              SELECT CASE WHEN s.stage = 'suspension' AND s.event < n.unsuspended
                  OR s.stage = 'warning' AND s.event < n.unwarned
                THEN 'urgent' ELSE s.stage END
              FROM steps s LEFT JOIN notice n ON n.id = s.id
              WHERE s.id = i.id ORDER BY s.event DESC LIMIT 1), 'none')
              END AS stage,
            CASE WHEN i.updated_at < :before THEN i.warned_on ELSE (
              SELECT w.day FROM warnings w LEFT JOIN notice n ON n.id = w.id
              WHERE w.id = i.id AND (n.ended IS NULL OR w.event > n.ended)
              ORDER BY w.event DESC LIMIT 1)
              END AS warned_on,
            CASE WHEN i.updated_at < :before THEN i.set_back_on ELSE (
              SELECT unwarned_on FROM notice WHERE id = i.id AND unwarned = ended)
              END AS set_back_on,
            CASE WHEN i.updated_at < :before THEN i.promised_until ELSE (
              SELECT e.data ->> '$.until' FROM events e
              WHERE e.invoice_id = i.id AND e.kind = 'promise_recorded' AND e.at < :before
              ORDER BY e.id DESC LIMIT 1) END AS promised_until,
            CASE WHEN i.updated_at < :before THEN i.disputed_at IS NOT NULL
              ELSE coalesce((SELECT e.kind = 'dispute_opened' FROM events e
                WHERE e.invoice_id = i.id AND e.at < :before
                  AND e.kind IN ('dispute_opened', 'dispute_resolved')
                ORDER BY e.id DESC LIMIT 1), 0) END AS disputed,
            (SELECT CASE WHEN m.status IN ('failed', 'canceled') AND :later AND NOT EXISTS (
                SELECT 1 FROM events e WHERE e.tenant_id = m.tenant_id AND e.at < :before
                  AND e.kind IN ('email_failed', 'email_canceled')
                  AND e.data ->> '$.email' = 'eml_' || m.id)
                THEN 'queued' ELSE m.status END
             FROM emails m WHERE m.id = CASE WHEN i.updated_at < :before THEN i.warning_email_id
               ELSE coalesce(
                 (SELECT substr(r.email, 5) FROM resent r WHERE r.id = i.id AND r.at >= :before
                  ORDER BY r.event LIMIT 1),
                 (SELECT s.email_id FROM dunning_steps s WHERE s.invoice_id = i.id
                    AND s.stage = 'warning' AND s.recorded_on <= :day
                  ORDER BY s.recorded_on DESC LIMIT 1)) END) AS warning_letter,
            (SELECT date(max(a.created_at))
             FROM transactions x JOIN charge_attempts a ON a.transaction_id = x.id
             WHERE x.invoice_id = i.id AND x.kind = 'charge' AND a.created_at < :before
               AND CASE WHEN x.updated_at < :before THEN x.status IN ('pending', 'unknown')
                 -- Whether the last try of those days had an outcome by then.
                 ELSE (SELECT coalesce(l.answered_at >= :before, 1)
                     OR l.status IN ('pending', 'unknown')
                   FROM charge_attempts l WHERE l.transaction_id = x.id AND l.created_at < :before
                   ORDER BY l.id DESC LIMIT 1) END)
              AS charge_since
     FROM was_open o JOIN invoices i ON i.id = o.id JOIN tenants t ON t.id = i.tenant_id
     ORDER BY i.due_on, i.id"
);

impl Db<'_> {
    /// Whether one of the newest thousand events lies at or after that instant: any order of
    /// instants may have been given, and to ask all events would take longer than a report.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn has_newer_event(&self, at: &str) -> Result<bool> {
        let newest =
            "SELECT EXISTS (SELECT 1 FROM (SELECT at FROM events ORDER BY id DESC LIMIT 1000)
             WHERE at >= ?1)";
        Ok(self.conn.prepare_cached(newest)?.query_row([at], |row| row.get(0))?)
    }

    /// Hands each invoice that was overdue at the end of the day to `each`, with what was due
    /// then, by due date. `later`: something may have been recorded after that day, so that all
    /// settled invoices are looked at too, and not only those that are open now.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_overdue_at(
        &self,
        end: &End,
        since: Option<NaiveDate>,
        later: bool,
        mut each: impl FnMut(OverdueInvoice) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(OVERDUE)?;
        let mut rows = statement.query(named_params! {
            ":day": end.day.to_string(),
            ":before": end.before,
            ":since": since.map_or_else(String::new, |since| since.to_string()),
            ":later": later,
        })?;
        while let Some(row) = rows.next()? {
            each(OverdueInvoice {
                tenant_id: TenantId(row.get("tenant_id")?),
                tenant: row.get("slug")?,
                name: row.get("name")?,
                status: columns::word(row, "tenant_status")?,
                facts: dunning::facts(row)?,
            })?;
        }
        Ok(())
    }
}
