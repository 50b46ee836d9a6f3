//! Periods whose invoice was voided and that are billed anew by the next run.

use chrono::NaiveDate;

use super::Db;
use crate::domain::invoice::Invoice;
use crate::domain::{InvoiceId, Result, SubscriptionId};

impl Db<'_> {
    /// Opens the period of a void invoice of a subscription.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn reopen_period(&self, invoice: InvoiceId, of: SubscriptionId) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO reopened_periods (invoice_id, subscription_id) VALUES (?1, ?2)",
            )?
            .execute((invoice.0, of.0))?;
        Ok(())
    }

    /// Takes note that the period of a void invoice is billed again.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn period_rebilled(&self, invoice: InvoiceId) -> Result<()> {
        self.conn
            .prepare_cached("DELETE FROM reopened_periods WHERE invoice_id = ?1")?
            .execute([invoice.0])?;
        Ok(())
    }

    /// A page of void invoices whose periods are billed anew by the run of that day, after `after`.
    /// [`Subscription::waits_to_be_billed`](crate::domain::subscription::Subscription::waits_to_be_billed)
    /// says the same of one that was read.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn reopened_periods(
        &self,
        today: NaiveDate,
        after: InvoiceId,
        limit: usize,
    ) -> Result<Vec<InvoiceId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT r.invoice_id FROM reopened_periods r
             JOIN subscriptions s ON s.id = r.subscription_id
             WHERE r.invoice_id > ?1 AND (s.status <> 'suspended' OR s.ends_on <= ?2)
             ORDER BY r.invoice_id LIMIT ?3",
        )?;
        let page = (after.0, today.to_string(), limit as i64);
        let found = statement.query_map(page, |row| Ok(InvoiceId(row.get(0)?)))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// The void invoices of a subscription whose periods are open.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn reopened_of(&self, of: SubscriptionId) -> Result<Vec<Invoice>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT invoice_id FROM reopened_periods WHERE subscription_id = ?1 ORDER BY invoice_id",
        )?;
        let found = statement.query_map([of.0], |row| Ok(InvoiceId(row.get(0)?)))?;
        found.map(|id| self.invoice_by_id(id?)).collect()
    }
}
