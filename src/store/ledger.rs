//! The ledger's rows, and the copies of their sums that invoices keep.

use super::{Db, columns};
use crate::domain::invoice::Invoice;
use crate::domain::ledger::{Entry, EntryKind};
use crate::domain::{Act, CreditNoteId, InvoiceId, Money, Result, TenantId, TransactionId};

/// What an entry is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    pub tenant: TenantId,
    pub invoice: Option<InvoiceId>,
    pub transaction: Option<TransactionId>,
    pub credit_note: Option<CreditNoteId>,
}

impl Subject {
    /// An invoice, and the transaction that moves something on it, where one does.
    pub fn of(invoice: &Invoice, transaction: Option<TransactionId>) -> Self {
        let (tenant, invoice) = (invoice.tenant_id, Some(invoice.id));
        Subject { tenant, invoice, transaction, credit_note: None }
    }

    /// A customer, and nothing that was billed.
    pub fn of_tenant(tenant: TenantId) -> Self {
        Subject { tenant, invoice: None, transaction: None, credit_note: None }
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
        let credited = entry.credited_on_invoice();
        let closes = matches!(entry.kind, EntryKind::Void | EntryKind::WriteOff);
        let settles = paid != 0 || credit != 0 || credited != 0;
        let Some(id) = subject.invoice.filter(|_| settles || closes) else {
            return Ok(());
        };
        // Where nothing is left, the invoice is paid on the day of its latest payment: they may be
        // recorded in another order, as a bank lists the newest first; or on that of a credit note that
        // took the rest. It is credited where notes alone settled it. One that was given up and is partly
        // paid stays given up. One that is open again keeps no reason for which it was closed before.
        self.conn
            .prepare_cached(
                "UPDATE invoices SET paid_minor = paid_minor + ?2,
                   credit_applied_minor = credit_applied_minor + ?6,
                   credited_minor = credited_minor + ?7,
                   status = CASE WHEN ?3 = 'void' THEN 'void'
                     WHEN ?3 = 'write_off' THEN 'uncollectible'
                     WHEN remaining = 0 THEN CASE WHEN credited_minor + ?7 = total_minor
                       AND total_minor > 0 THEN 'credited' ELSE 'paid' END
                     WHEN status IN ('paid', 'credited') THEN 'open' ELSE status END,
                   paid_on = CASE WHEN ?3 NOT IN ('void', 'write_off') AND remaining = 0
                       AND (credited_minor + ?7 < total_minor OR total_minor = 0)
                     THEN max(?4, coalesce((SELECT max(paid_on) FROM transactions
                         WHERE invoice_id = ?1 AND applied_minor > 0), ?4),
                       coalesce((SELECT max(applied_on) FROM credit_uses
                         WHERE invoice_id = ?1 AND unapplied_at IS NULL), ?4),
                       CASE WHEN credited_minor = 0 THEN ?4 ELSE coalesce(
                         (SELECT max(booked_on) FROM ledger WHERE invoice_id = ?1
                          AND kind IN ('credit_note', 'credit_netted')
                          AND receivable_minor + loss_minor <> 0), ?4) END) END,
                   closed_at = CASE WHEN ?3 IN ('void', 'write_off') THEN ?5
                     WHEN remaining = 0 THEN NULL ELSE closed_at END,
                   closed_reason = CASE WHEN status IN ('paid', 'credited') AND remaining > 0 THEN NULL
                     ELSE closed_reason END,
                   updated_at = max(updated_at, ?5)
                 FROM (SELECT total_minor - paid_minor - credit_applied_minor - credited_minor
                     - ?2 - ?6 - ?7 AS remaining FROM invoices WHERE id = ?1)
                 WHERE id = ?1",
            )?
            .execute((
                id.0,
                paid,
                entry.kind.word(),
                entry.booked_on.to_string(),
                act.at(),
                credit,
                credited,
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
            "WITH surplus AS (
               SELECT tenant_id, transaction_id, currency, credit_minor
               FROM ledger INDEXED BY ledger_credit
               WHERE credit_minor <> 0 AND (?1 IS NULL OR recorded_at < ?1)
                 AND transaction_id IS NOT NULL
                 AND kind NOT IN ('refund', 'refund_failed', 'refund_lost')
               UNION ALL
               -- A refund names itself; what it took of a surplus is what it held of it.
               SELECT l.tenant_id, c.transaction_id, l.currency,
                 CASE l.kind WHEN 'refund' THEN -h.amount_minor ELSE h.amount_minor END
               FROM credit_refunds h JOIN credits c ON c.id = h.credit_id
               JOIN ledger l INDEXED BY ledger_transaction ON l.transaction_id = h.transaction_id
               WHERE c.transaction_id IS NOT NULL AND l.kind IN ('refund', 'refund_failed')
                 AND (?1 IS NULL OR l.recorded_at < ?1))
             SELECT t.slug, s.transaction_id AS id, s.currency, sum(s.credit_minor) AS credit
             FROM surplus s JOIN tenants t ON t.id = s.tenant_id
             GROUP BY s.transaction_id HAVING credit > 0 ORDER BY s.transaction_id",
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
                   credit_minor, revenue_minor, tax_minor, credit_note_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
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
                subject.credit_note.map(|id| id.0),
            ))?;
        Ok(())
    }
}
