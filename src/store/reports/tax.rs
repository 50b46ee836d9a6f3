//! Revenue and tax as they were booked, by rate and category.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::domain::tax::TaxCategory;
use crate::domain::{Currency, Result};
use crate::store::{Db, columns};

/// What was booked on invoices of one currency, category and rate, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxSum {
    pub currency: Currency,
    /// `None` of what was imported without.
    pub category: Option<TaxCategory>,
    /// Percent; `None` where there is no category.
    pub rate: Option<Decimal>,
    /// Issued in that time.
    pub invoices: i64,
    /// What invoices billed, less discounts and what was voided: negative where that is more.
    pub net: i64,
    pub tax: i64,
    /// What credit notes took back of it.
    pub credited_net: i64,
    pub credited_tax: i64,
}

impl Db<'_> {
    /// What was booked from one day to another, both included. Whatever touches revenue and tax is in
    /// it on the day from which it counts: a void on the day of the void, not on that of the issue.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn tax_sums(&self, since: NaiveDate, until: NaiveDate) -> Result<Vec<TaxSum>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT l.currency, i.tax_category,
                    CASE WHEN i.tax_category IS NOT NULL THEN i.tax_rate END AS rate,
                    count(DISTINCT CASE WHEN l.kind = 'invoice' THEN l.invoice_id END) AS invoices,
                    sum(iif(l.kind = 'credit_note', 0, l.revenue_minor)) AS net,
                    sum(iif(l.kind = 'credit_note', 0, l.tax_minor)) AS tax,
                    -sum(iif(l.kind = 'credit_note', l.revenue_minor, 0)) AS credited_net,
                    -sum(iif(l.kind = 'credit_note', l.tax_minor, 0)) AS credited_tax
             FROM ledger l INDEXED BY ledger_booked CROSS JOIN invoices i ON i.id = l.invoice_id
             WHERE l.booked_on BETWEEN ?1 AND ?2
               AND (l.kind = 'invoice' OR l.revenue_minor <> 0 OR l.tax_minor <> 0)
             GROUP BY 1, 2, 3",
        )?;
        let sums = statement.query_map((since.to_string(), until.to_string()), |row| {
            Ok(TaxSum {
                currency: columns::word(row, "currency")?,
                category: columns::word_or_null(row, "tax_category")?,
                rate: columns::word_or_null::<Decimal>(row, "rate")?.map(|rate| rate.normalize()),
                invoices: row.get("invoices")?,
                net: row.get("net")?,
                tax: row.get("tax")?,
                credited_net: row.get("credited_net")?,
                credited_tax: row.get("credited_tax")?,
            })
        })?;
        Ok(sums.collect::<rusqlite::Result<_>>()?)
    }
}
