//! The rows of payments on account: which invoices they may pay, and what their parts say.

use super::Db;
use crate::domain::on_account::PassedOver;
use crate::domain::transaction::{Alike, NewPayment};
use crate::domain::{Currency, InvoiceId, Result, TenantId, TransactionId};

impl Db<'_> {
    /// The open invoices of a tenant in a currency, the oldest due first, with why a payment on account
    /// passes one over, where it does.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn open_in(
        &self,
        tenant: TenantId,
        currency: Currency,
    ) -> Result<Vec<(InvoiceId, Option<PassedOver>)>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, disputed_at IS NOT NULL AS disputed,
               EXISTS (SELECT 1 FROM transactions x INDEXED BY transactions_live
                 WHERE x.invoice_id = i.id AND x.kind = 'charge'
                   AND x.status IN ('pending', 'unknown')) AS charging
             FROM invoices i INDEXED BY invoices_open
             WHERE tenant_id = ?1 AND status = 'open' AND currency = ?2
             ORDER BY due_on, id",
        )?;
        let found = statement.query_map((tenant.0, currency.code()), |row| {
            let why = match (row.get("disputed")?, row.get("charging")?) {
                (true, _) => Some(PassedOver::Disputed),
                (false, true) => Some(PassedOver::ChargePending),
                (false, false) => None,
            };
            Ok((InvoiceId(row.get("id")?), why))
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// What the payments on account of a tenant say of one more that bears the same reference, or like
    /// them none. One is the sum of its parts; with a reference, payments that were recorded on each
    /// invoice by hand are the same one where they come to as much on that day. Of the same ones only
    /// those not newer than `before` are counted.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn payments_alike_on_account(
        &self,
        tenant: TenantId,
        payment: &NewPayment,
        before: Option<TransactionId>,
    ) -> Result<Alike> {
        let mut statement = self.conn.prepare_cached(
            "WITH mine AS (
               SELECT x.id, x.part_of, x.amount_minor, x.reversed_at IS NOT NULL AS reversed,
                 -- The day of a payment that was taken back is the ledger's.
                 coalesce(x.paid_on, (SELECT booked_on FROM ledger
                   WHERE transaction_id = x.id AND kind = 'payment')) AS day
               FROM transactions x INDEXED BY transactions_tenant
               WHERE x.tenant_id = ?1 AND x.kind = 'payment' AND x.currency = ?2
                 AND x.reference IS ?3),
             whole AS (
               SELECT part_of AS id, sum(amount_minor) = ?4 AND min(day) = ?5 AS same,
                 min(reversed) AS reversed
               FROM mine WHERE part_of IS NOT NULL GROUP BY part_of)
             SELECT count(*) FILTER (WHERE same AND id <= ?6) AS same,
               max(id) FILTER (WHERE same AND id <= ?6) AS newest,
               min(id) FILTER (WHERE NOT same AND NOT reversed) AS other,
               (SELECT max(id) FROM mine WHERE ?3 IS NOT NULL AND day = ?5 AND id <= ?6
                HAVING sum(amount_minor) = ?4) AS by_hand
             FROM whole",
        )?;
        let before = before.map_or(i64::MAX, |id| id.0);
        let (currency, amount) = (payment.amount.currency().code(), payment.amount.minor());
        let day = payment.paid_on.to_string();
        let values = (tenant.0, currency, &payment.reference, amount, day, before);
        Ok(statement.query_row(values, |row| {
            let same: i64 = row.get("same")?;
            let id = |name| Ok::<_, rusqlite::Error>(Option::map(row.get(name)?, TransactionId));
            let (newest, by_hand) = (id("newest")?, id("by_hand")?);
            let by_hand = by_hand.filter(|_| same == 0);
            let same = same + i64::from(by_hand.is_some());
            Ok(Alike { same, newest: newest.or(by_hand), other: id("other")? })
        })?)
    }

    /// Notes which transactions are the parts of one payment on account.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn join_payment(&self, first: TransactionId, parts: &[TransactionId]) -> Result<()> {
        let mut update =
            self.conn.prepare_cached("UPDATE transactions SET part_of = ?1 WHERE id = ?2")?;
        for part in parts {
            update.execute((first.0, part.0))?;
        }
        Ok(())
    }
}
