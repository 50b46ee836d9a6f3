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

/// Invoices that were open past their due date at the end of `:day`, which ends `:before`. How they
/// stood with dunning, and their tenants, is what was recorded last before that: by the order of
/// the records, for a day's commands and runs may all be made for its noon.
const OVERDUE: &str = concat!(
    "WITH ",
    stood!("i.due_on < :day AND i.due_on >= :since"),
    ", was_open (id, total_minor, due_minor) AS (
       SELECT id, total_minor, due_minor FROM invoices
       WHERE status = 'open' AND due_on < :day AND due_on >= :since
         AND id NOT IN (SELECT id FROM changed)
       UNION ALL
       SELECT id, total_minor, due_minor FROM stood WHERE status = 'open')
     SELECT t.slug, t.name, i.id, i.tenant_id, i.number, i.issued_on, i.due_on, i.currency,
            o.total_minor, o.due_minor, i.dunning_round,
            CASE WHEN NOT :later THEN t.status ELSE coalesce(
              (SELECT status FROM tenant_states WHERE tenant_id = t.id AND since < :before
               ORDER BY id DESC LIMIT 1),
              (SELECT status_before FROM tenant_states WHERE tenant_id = t.id ORDER BY id LIMIT 1),
              t.status) END AS tenant_status,
            CASE WHEN NOT :later THEN i.stage ELSE coalesce(h.stage, 'none') END AS stage,
            CASE WHEN NOT :later THEN i.warned_on ELSE h.warned_on END AS warned_on,
            CASE WHEN NOT :later THEN i.set_back_on ELSE h.set_back_on END AS set_back_on,
            CASE WHEN NOT :later THEN i.promised_until ELSE h.promised_until END AS promised_until,
            CASE WHEN NOT :later THEN i.disputed_at IS NOT NULL ELSE coalesce(h.disputed, 0) END
              AS disputed,
            (SELECT CASE WHEN :later AND coalesce(m.ended_at, m.sent_at) >= :before THEN 'queued' ELSE m.status END
             FROM emails m WHERE m.id =
               CASE WHEN NOT :later THEN i.warning_email_id ELSE h.warning_email_id END)
              AS warning_email,
            (SELECT m.sent_at FROM emails m WHERE m.id =
               CASE WHEN NOT :later THEN i.warning_email_id ELSE h.warning_email_id END
               AND (NOT :later OR m.sent_at < :before)) AS warning_sent_at,
            (SELECT max(a.created_at)
             FROM transactions x JOIN charge_attempts a ON a.transaction_id = x.id
             WHERE x.invoice_id = i.id AND x.kind = 'charge' AND a.created_at < :before
               AND CASE WHEN x.updated_at < :before THEN x.status IN ('pending', 'unknown')
                 -- Whether the last attempt of those days had an outcome by then.
                 ELSE (SELECT coalesce(l.answered_at >= :before, 1)
                     OR l.status IN ('pending', 'unknown')
                   FROM charge_attempts l WHERE l.transaction_id = x.id AND l.created_at < :before
                   ORDER BY l.id DESC LIMIT 1) END)
              AS charge_since,
            (SELECT m.kind FROM transactions x JOIN payment_methods m ON m.id = x.payment_method_id
             WHERE x.invoice_id = i.id AND x.kind = 'charge' AND x.created_at < :before
             ORDER BY x.id DESC LIMIT 1) AS charge_kind,
            i.collection = 'automatic' AS automatic,
            coalesce((SELECT x.failure_code = 'amount_too_small' FROM transactions x
             WHERE x.invoice_id = i.id AND x.kind = 'charge' AND x.created_at < :before
             ORDER BY x.id DESC LIMIT 1), 0) AS too_small
     FROM was_open o JOIN invoices i ON i.id = o.id JOIN tenants t ON t.id = i.tenant_id
     LEFT JOIN invoice_states h ON :later AND h.id = (SELECT max(s.id) FROM invoice_states s
       WHERE s.invoice_id = i.id AND s.since < :before)
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
                facts: dunning::facts(row, self.zone)?,
            })?;
        }
        Ok(())
    }
}
