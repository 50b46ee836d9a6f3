//! The rows of transactions.

use rusqlite::{OptionalExtension, Row};

use super::{Db, Subject, columns};
use crate::domain::transaction::{Alike, NewPayment, Transaction, TransactionStatus};
use crate::domain::{Act, InvoiceId, Money, Refusal, Result, TenantId, TransactionId};

/// Which transactions are listed.
#[derive(Debug, Clone, Default)]
pub struct TransactionFilter {
    pub status: Option<TransactionStatus>,
    pub tenant: Option<TenantId>,
    pub invoice: Option<InvoiceId>,
    /// Only those made on or after this instant.
    pub since: Option<String>,
    /// Only those made on or before this instant.
    pub until: Option<String>,
    /// The newest.
    pub limit: Option<u32>,
}

macro_rules! is_listed {
    () => {
        "(?1 IS NULL OR x.status = ?1) AND (?4 IS NULL OR x.created_at >= ?4)
         AND (?6 IS NULL OR x.created_at <= ?6)"
    };
}

macro_rules! transaction_query {
    ($($rest:expr),+) => {
        concat!(
            "SELECT x.*, i.number AS invoice, t.slug AS tenant, n.number AS credit_note,
                    (SELECT count(*) FROM charge_attempts a WHERE a.transaction_id = x.id)
                      + (x.kind = 'payment') AS attempts
             FROM transactions x LEFT JOIN invoices i ON i.id = x.invoice_id
             JOIN tenants t ON t.id = x.tenant_id
             LEFT JOIN credit_notes n ON n.id = x.credit_note_id ",
            $($rest),+
        )
    };
}

impl Db<'_> {
    /// The transaction with that id.
    ///
    /// # Errors
    /// There is none.
    pub fn transaction(&self, id: TransactionId) -> Result<Transaction> {
        self.conn
            .prepare_cached(transaction_query!("WHERE x.id = ?1"))?
            .query_row([id.0], transaction)
            .optional()?
            .ok_or_else(|| Refusal::NotFound {
                noun: "transaction",
                name: id.to_string(),
                near: None,
            })
    }

    /// What the payments of an invoice say of one more that bears the same reference, or like them
    /// none. Of the same ones only those not newer than `before` are counted.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn payments_alike(
        &self,
        id: InvoiceId,
        payment: &NewPayment,
        before: Option<TransactionId>,
    ) -> Result<Alike> {
        let mut statement = self.conn.prepare_cached(
            "SELECT count(*) FILTER (WHERE same) AS same, max(id) FILTER (WHERE same) AS newest,
               min(id) FILTER (WHERE NOT same AND NOT reversed) AS other
             FROM (SELECT x.id, x.reversed_at IS NOT NULL AS reversed,
                 -- The day of a payment that was taken back is the ledger's.
                 x.amount_minor = ?3 AND ?4 = coalesce(x.paid_on, (SELECT booked_on FROM ledger
                   WHERE transaction_id = x.id AND kind = 'payment')) AS same
               FROM transactions x INDEXED BY transactions_invoice
               WHERE x.invoice_id = ?1 AND x.kind = 'payment' AND x.reference IS ?2)
             WHERE id <= ?5 OR NOT same",
        )?;
        let before = before.map_or(i64::MAX, |id| id.0);
        let (amount, paid_on) = (payment.amount.minor(), payment.paid_on.to_string());
        let values = (id.0, &payment.reference, amount, paid_on, before);
        Ok(statement.query_row(values, |row| {
            let (newest, other): (Option<i64>, _) = (row.get("newest")?, row.get("other")?);
            let (newest, other) = (newest.map(TransactionId), Option::map(other, TransactionId));
            Ok(Alike { same: row.get("same")?, newest, other })
        })?)
    }

    /// Hands each transaction that the filter lets through to `each`, oldest first.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_transaction(
        &self,
        filter: &TransactionFilter,
        mut each: impl FnMut(Transaction) -> Result<()>,
    ) -> Result<()> {
        let sql = match (filter.invoice, filter.tenant) {
            (Some(_), _) => columns::newest_last!(
                filter.limit,
                transaction_query,
                ["WHERE x.invoice_id = ?3 AND (?2 IS NULL OR x.tenant_id = ?2) AND ", is_listed!()],
                "x.id",
                "x.id",
                "id",
                "?5"
            ),
            (None, Some(_)) => columns::newest_last!(
                filter.limit,
                transaction_query,
                ["WHERE x.tenant_id = ?2 AND ?3 IS NULL AND ", is_listed!()],
                "x.id",
                "x.id",
                "id",
                "?5"
            ),
            (None, None) => columns::newest_last!(
                filter.limit,
                transaction_query,
                ["WHERE ?2 IS NULL AND ?3 IS NULL AND ", is_listed!()],
                "x.id",
                "x.id",
                "id",
                "?5"
            ),
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query((
            filter.status.map(TransactionStatus::word),
            filter.tenant.map(|id| id.0),
            filter.invoice.map(|id| id.0),
            &filter.since,
            columns::limit(filter.limit),
            &filter.until,
        ))?;
        while let Some(row) = rows.next()? {
            each(transaction(row)?)?;
        }
        Ok(())
    }

    /// Records money that came in for an invoice, of which `applied` goes to it, or on account.
    ///
    /// # Errors
    /// The reference is that of another payment.
    pub fn insert_payment(
        &self,
        act: &Act,
        about: Subject,
        payment: &NewPayment,
        applied: Money,
    ) -> Result<TransactionId> {
        let id = self
            .conn
            .prepare_cached(
                "INSERT INTO transactions (invoice_id, tenant_id, kind, status, currency,
                   amount_minor, applied_minor, paid_on, method, reference, created_at, updated_at)
                 VALUES (?1, ?2, 'payment', 'succeeded', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
            )?
            .insert((
                about.invoice.map(|id| id.0),
                about.tenant.0,
                payment.amount.currency().code(),
                payment.amount.minor(),
                applied.minor(),
                payment.paid_on.to_string(),
                &payment.method,
                &payment.reference,
                act.at(),
            ))?;
        Ok(TransactionId(id))
    }

    /// The parts of the payment on account whose first one that is, in their order.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn parts_of(&self, first: TransactionId) -> Result<Vec<Transaction>> {
        let mut statement =
            self.conn.prepare_cached(transaction_query!("WHERE x.part_of = ?1 ORDER BY x.id"))?;
        let parts = statement.query_map([first.0], transaction)?;
        Ok(parts.collect::<rusqlite::Result<_>>()?)
    }

    /// Marks a transaction as taken back: the money never came, or went back.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn reverse_transaction(&self, act: &Act, id: TransactionId, reason: &str) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE transactions SET status = 'failed', applied_minor = 0, paid_on = NULL,
                   failure_code = 'reversed', reversed_at = ?2, reversal_reason = ?3,
                   updated_at = max(updated_at, ?2)
                 WHERE id = ?1",
            )?
            .execute((id.0, act.at(), reason))?;
        Ok(())
    }

    /// The newest transaction there is; 0 where there is none.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn newest_transaction(&self) -> Result<TransactionId> {
        let newest = "SELECT coalesce(max(id), 0) FROM transactions";
        Ok(TransactionId(self.conn.query_row(newest, [], |row| row.get(0))?))
    }

    /// Whether any money was booked on an invoice, or tried to be.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn has_transactions(&self, id: InvoiceId) -> Result<bool> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM transactions WHERE invoice_id = ?1)")?;
        Ok(statement.query_row([id.0], |row| row.get(0))?)
    }
}

fn transaction(row: &Row) -> rusqlite::Result<Transaction> {
    let currency = columns::word(row, "currency")?;
    Ok(Transaction {
        id: TransactionId(row.get("id")?),
        invoice_id: row.get::<_, Option<i64>>("invoice_id")?.map(InvoiceId),
        invoice: row.get("invoice")?,
        tenant_id: TenantId(row.get("tenant_id")?),
        tenant: row.get("tenant")?,
        kind: columns::word(row, "kind")?,
        status: columns::word(row, "status")?,
        amount: columns::money(row, "amount_minor", currency)?,
        applied: columns::money(row, "applied_minor", currency)?,
        paid_on: columns::date_or_null(row, "paid_on")?,
        method: row.get("method")?,
        reference: row.get("reference")?,
        attempts: row.get("attempts")?,
        failure_code: row.get("failure_code")?,
        failure_message: row.get("failure_message")?,
        retries: row.get("retries")?,
        reversed_at: row.get("reversed_at")?,
        reversal_reason: row.get("reversal_reason")?,
        refund_of: row.get::<_, Option<i64>>("refund_of")?.map(TransactionId),
        credit_note: row.get("credit_note")?,
        part_of: row.get::<_, Option<i64>>("part_of")?.map(TransactionId),
        metadata: row.get("metadata")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
