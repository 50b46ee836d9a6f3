//! What invoices billed of usage, meter by meter.

use chrono::NaiveDate;

use crate::domain::{Currency, Result};
use crate::store::{Db, columns};

/// What was billed of the usage of a meter in one currency, in minor units, as lines have it: before tax
/// where prices are without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageSum {
    pub meter: String,
    pub name: String,
    pub currency: Currency,
    /// Whose usage it was.
    pub subscriptions: i64,
    /// What lines billed, less their discounts.
    pub billed: i64,
    /// What credit notes took back of such lines.
    pub credited: i64,
}

impl Db<'_> {
    /// What was billed of usage on invoices of those days that stand, and credited by notes of those
    /// days, both included; by meter.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn usage_sums(&self, since: NaiveDate, until: NaiveDate) -> Result<Vec<UsageSum>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT m.code, m.name, x.currency, count(DISTINCT x.subscription_id) AS subscriptions,
                    sum(x.billed) AS billed, sum(x.credited) AS credited
             FROM (SELECT u.meter_id, u.subscription_id, i.currency,
                     l.amount_minor - l.discount_minor AS billed, 0 AS credited
                   FROM usage_lines u
                   JOIN invoice_lines l ON l.invoice_id = u.invoice_id AND l.position = u.position
                   JOIN invoices i ON i.id = u.invoice_id
                   WHERE i.status <> 'void' AND i.issued_on BETWEEN ?1 AND ?2
                   UNION ALL
                   SELECT u.meter_id, u.subscription_id, c.currency, 0,
                     n.amount_minor - n.discount_minor
                   FROM usage_lines u
                   JOIN credit_notes c ON c.invoice_id = u.invoice_id
                   JOIN credit_note_lines n ON n.credit_note_id = c.id AND n.line = u.position
                   WHERE c.issued_on BETWEEN ?1 AND ?2) x
             JOIN meters m ON m.id = x.meter_id
             GROUP BY m.id, x.currency ORDER BY m.code, x.currency",
        )?;
        let sums = statement.query_map((since.to_string(), until.to_string()), |row| {
            Ok(UsageSum {
                meter: row.get("code")?,
                name: row.get("name")?,
                currency: columns::word(row, "currency")?,
                subscriptions: row.get("subscriptions")?,
                billed: row.get("billed")?,
                credited: row.get("credited")?,
            })
        })?;
        Ok(sums.collect::<rusqlite::Result<_>>()?)
    }
}
