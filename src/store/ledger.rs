//! The ledger's rows, and the copies of their sums that invoices keep.

use super::{Db, columns};
use crate::domain::invoice::Invoice;
use crate::domain::ledger::{Entry, EntryKind};
use crate::domain::{Act, InvoiceId, Money, Result, TenantId, TransactionId};

/// What an entry is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    pub tenant: TenantId,
    pub invoice: Option<InvoiceId>,
    pub transaction: Option<TransactionId>,
}

impl Subject {
    /// An invoice, and the transaction that moves something on it, where one does.
    pub fn of(invoice: &Invoice, transaction: Option<TransactionId>) -> Self {
        Subject { tenant: invoice.tenant_id, invoice: Some(invoice.id), transaction }
    }
}

impl Db<'_> {
    /// Books an entry, and keeps the copies of its invoice: what is paid on it, whether it is
    /// settled, and since when. The one way in which money is written down.
    ///
    /// # Errors
    /// More than is due, or a rule of the schema says no.
    pub fn book(&self, act: &Act, subject: Subject, entry: &Entry) -> Result<()> {
        self.insert_entry(act, subject, entry)?;
        let (paid, credit) = (entry.paid_on_invoice(), entry.credit_on_invoice());
        let closes = matches!(entry.kind, EntryKind::Void | EntryKind::WriteOff);
        let Some(id) = subject.invoice.filter(|_| paid != 0 || credit != 0 || closes) else {
            return Ok(());
        };
        // Where nothing is left, the invoice is paid on the day of its latest payment: they may be
        // recorded in another order, as a bank lists the newest first. One that was given up and
        // is partly paid stays given up. One that is open again keeps no reason for which it was
        // closed before it was paid.
        self.conn
            .prepare_cached(
                "UPDATE invoices SET paid_minor = paid_minor + ?2,
                   credit_applied_minor = credit_applied_minor + ?6,
                   status = CASE WHEN ?3 = 'void' THEN 'void'
                     WHEN ?3 = 'write_off' THEN 'uncollectible'
                     WHEN paid_minor + credit_applied_minor + ?2 + ?6 = total_minor THEN 'paid'
                     WHEN status = 'paid' THEN 'open' ELSE status END,
                   paid_on = CASE WHEN ?3 NOT IN ('void', 'write_off')
                       AND paid_minor + credit_applied_minor + ?2 + ?6 = total_minor
                     THEN max(?4, coalesce((SELECT max(paid_on) FROM transactions
                         WHERE invoice_id = ?1 AND applied_minor > 0), ?4),
                       coalesce((SELECT max(applied_on) FROM credit_uses
                         WHERE invoice_id = ?1 AND unapplied_at IS NULL), ?4)) END,
                   closed_at = CASE WHEN ?3 IN ('void', 'write_off') THEN ?5
                     WHEN paid_minor + credit_applied_minor + ?2 + ?6 = total_minor THEN NULL
                     ELSE closed_at END,
                   closed_reason = CASE WHEN status = 'paid' AND ?2 + ?6 < 0 THEN NULL
                     ELSE closed_reason END,
                   updated_at = max(updated_at, ?5)
                 WHERE id = ?1",
            )?
            .execute((
                id.0,
                paid,
                entry.kind.word(),
                entry.booked_on.to_string(),
                act.at(),
                credit,
            ))?;
        Ok(())
    }

    /// Hands what is left of the surplus of each transaction to `each`: tenant, transaction, amount. `before`: as far as it was recorded before that instant.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_surplus(
        &self,
        before: Option<&str>,
        mut each: impl FnMut(String, TransactionId, Money) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(
            "SELECT t.slug, l.transaction_id AS id, l.currency, sum(l.credit_minor) AS credit
             FROM ledger l INDEXED BY ledger_credit JOIN tenants t ON t.id = l.tenant_id
             WHERE l.credit_minor <> 0 AND (?1 IS NULL OR l.recorded_at < ?1)
               AND l.transaction_id IS NOT NULL
             GROUP BY l.transaction_id HAVING credit > 0 ORDER BY l.transaction_id",
        )?;
        let mut rows = statement.query([before])?;
        while let Some(row) = rows.next()? {
            let credit = columns::money(row, "credit", columns::word(row, "currency")?)?;
            each(row.get("slug")?, TransactionId(row.get("id")?), credit)?;
        }
        Ok(())
    }

    /// Takes back all that was booked of an imported invoice that an import sets right, each on
    /// the day from which it counted.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn unbook(&self, act: &Act, invoice: InvoiceId) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO ledger (booked_on, recorded_at, kind, tenant_id, invoice_id, currency,
                   receivable_minor, cash_minor, loss_minor, credit_minor, revenue_minor, tax_minor)
                 SELECT booked_on, ?2, 'correction', tenant_id, invoice_id, currency,
                   -sum(receivable_minor), -sum(cash_minor), -sum(loss_minor),
                   -sum(credit_minor), -sum(revenue_minor), -sum(tax_minor)
                 FROM ledger
                 -- What credit paid of it was taken off before, each in entries of its own.
                 WHERE invoice_id = ?1 AND kind NOT IN ('credit_applied', 'credit_unapplied')
                 GROUP BY booked_on, tenant_id, currency
                 -- What an earlier correction took back is gone already.
                 HAVING sum(receivable_minor) <> 0 OR sum(cash_minor) <> 0
                   OR sum(loss_minor) <> 0 OR sum(credit_minor) <> 0
                   OR sum(revenue_minor) <> 0 OR sum(tax_minor) <> 0",
            )?
            .execute((invoice.0, act.at()))?;
        Ok(())
    }

    /// Writes an entry of an invoice that is written itself with its copies.
    ///
    /// # Errors
    /// A rule of the schema says no.
    pub(super) fn insert_entry(&self, act: &Act, subject: Subject, entry: &Entry) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO ledger (booked_on, recorded_at, kind, tenant_id, invoice_id,
                   transaction_id, currency, receivable_minor, cash_minor, loss_minor,
                   credit_minor, revenue_minor, tax_minor)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute((
                entry.booked_on.to_string(),
                act.at(),
                entry.kind.word(),
                subject.tenant.0,
                subject.invoice.map(|id| id.0),
                subject.transaction.map(|id| id.0),
                entry.currency.code(),
                entry.receivable,
                entry.cash,
                entry.loss,
                entry.credit,
                entry.revenue,
                entry.tax,
            ))?;
        Ok(())
    }
}
