//! What changes in the middle of a period read of invoices, and write of them.

use chrono::NaiveDate;
use rusqlite::OptionalExtension;

use super::{Db, columns};
use crate::domain::coupon::Redemption;
use crate::domain::invoice::Invoice;
use crate::domain::period::{Anchor, Cycle, Period};
use crate::domain::{Act, InvoiceId, RedemptionId, Result, SubscriptionId};

impl Db<'_> {
    /// The live invoice whose period contains the day and was not given back by then, and the first day
    /// after what it bills.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn period_invoice_on(
        &self,
        of: SubscriptionId,
        day: NaiveDate,
    ) -> Result<Option<(Invoice, NaiveDate)>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, coalesce(billed_until, period_end) AS until FROM invoices
             WHERE subscription_id = ?1 AND purpose = 'period' AND status <> 'void'
               AND period_start <= ?2 AND (billed_until IS NULL OR billed_until > period_start)
             ORDER BY period_start DESC LIMIT 1",
        )?;
        let row = statement.query_row((of.0, day.to_string()), |row| {
            Ok((InvoiceId(row.get("id")?), columns::date(row, "until")?))
        });
        match row.optional()?.filter(|(_, until)| *until > day) {
            Some((id, until)) => Ok(Some((self.invoice_by_id(id)?, until))),
            None => Ok(None),
        }
    }

    /// The live invoices of changes within a period of a subscription, newest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn change_invoices(&self, of: SubscriptionId, period: Period) -> Result<Vec<Invoice>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id FROM invoices
             WHERE subscription_id = ?1 AND purpose = 'change' AND status <> 'void'
               AND period_start >= ?2 AND period_start < ?3
             ORDER BY id DESC",
        )?;
        let days = (of.0, period.start.to_string(), period.end.to_string());
        let ids = statement.query_map(days, |row| Ok(InvoiceId(row.get("id")?)))?;
        ids.map(|id| self.invoice_by_id(id?)).collect()
    }

    /// The redemption whose discount an invoice has.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn redemption_on(&self, invoice: InvoiceId) -> Result<Option<Redemption>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT redemption_id FROM coupon_usages
             WHERE invoice_id = ?1 AND returned_at IS NULL",
        )?;
        let id = statement.query_row([invoice.0], |row| Ok(RedemptionId(row.get(0)?)));
        id.optional()?.map(|id| self.redemption(id)).transpose()
    }

    /// Notes that the rest of the period of an invoice, from that day on, was given back.
    ///
    /// # Errors
    /// It was before.
    pub fn end_period_early(&self, act: &Act, id: InvoiceId, until: NaiveDate) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE invoices SET billed_until = ?2, updated_at = ?3 WHERE id = ?1")?
            .execute((id.0, until.to_string(), act.at()))?;
        Ok(())
    }

    /// Lets the periods of a subscription be counted by that cycle; the next one that is to be billed
    /// starts on `next_on`, where one is to be.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn set_cycle(
        &self,
        act: &Act,
        id: SubscriptionId,
        (anchor, cycle): (Anchor, Cycle),
        next_on: Option<NaiveDate>,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE subscriptions SET anchor = ?2, anchor_on = ?3, anchor_day = ?4,
                   next_billing_on = ?5, updated_at = ?6
                 WHERE id = ?1",
            )?
            .execute((
                id.0,
                anchor.word(),
                cycle.anchor_on.to_string(),
                cycle.anchor_day,
                next_on.map(|on| on.to_string()),
                act.at(),
            ))?;
        Ok(())
    }
}
