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
const OVERDUE: &str = "\
    WITH was_open (id) AS (
       SELECT id FROM invoices
       WHERE status = 'open' AND due_on < :day AND due_on >= :since
       UNION ALL
       SELECT id FROM invoices
       WHERE :later AND status IN ('paid', 'void', 'uncollectible')
         AND due_on < :day AND due_on >= :since AND (paid_on > :day OR closed_at >= :before))
     SELECT t.slug, t.name, t.status AS tenant_status, i.id, i.tenant_id, i.number,
            i.issued_on, i.due_on, i.currency, i.total_minor, i.dunning_round,
            CASE WHEN NOT :later OR i.paid_minor = 0 THEN i.paid_minor
              WHEN i.paid_minor = i.paid_elsewhere_minor AND i.paid_on > :day THEN 0
              ELSE i.paid_elsewhere_minor + coalesce((SELECT sum(x.applied_minor)
                FROM transactions x WHERE x.invoice_id = i.id AND x.paid_on <= :day), 0)
              END AS paid_minor,
            CASE WHEN i.updated_at < :before THEN i.stage ELSE coalesce((
              SELECT s.stage FROM dunning_steps s
              WHERE s.invoice_id = i.id AND s.recorded_on <= :day
              ORDER BY s.dunning_round DESC, s.days_overdue DESC LIMIT 1), 'none')
              END AS stage,
            CASE WHEN i.updated_at < :before THEN i.warned_on ELSE (
              SELECT max(s.recorded_on) FROM dunning_steps s
              WHERE s.invoice_id = i.id AND s.recorded_on <= :day AND s.stage = 'warning')
              END AS warned_on,
            CASE WHEN i.set_back_on <= :day THEN i.set_back_on END AS set_back_on,
            CASE WHEN i.updated_at < :before THEN i.promised_until ELSE (
              SELECT e.data ->> '$.until' FROM events e
              WHERE e.invoice_id = i.id AND e.kind = 'promise_recorded' AND e.at < :before
              ORDER BY e.id DESC LIMIT 1) END AS promised_until,
            CASE WHEN i.updated_at < :before THEN i.disputed_at IS NOT NULL
              ELSE coalesce((SELECT e.kind = 'dispute_opened' FROM events e
                WHERE e.invoice_id = i.id AND e.at < :before
                  AND e.kind IN ('dispute_opened', 'dispute_resolved')
                ORDER BY e.id DESC LIMIT 1), 0) END AS disputed,
            (SELECT status FROM emails WHERE id = i.warning_email_id) AS warning_letter,
            (SELECT date(min(created_at)) FROM transactions
             WHERE invoice_id = i.id AND kind = 'charge' AND created_at < :before
               AND status IN ('pending', 'unknown')) AS charge_since
     FROM was_open o JOIN invoices i ON i.id = o.id JOIN tenants t ON t.id = i.tenant_id
     ORDER BY i.due_on, i.id";

impl Db<'_> {
    /// Whether the newest event lies at or after that instant.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn has_newer_event(&self, at: &str) -> Result<bool> {
        let newest = "SELECT coalesce((SELECT at FROM events ORDER BY id DESC LIMIT 1) >= ?1, 0)";
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
