//! The rows of refunds, and of the credit that they hold.

use super::{Db, columns};
use crate::domain::charge::{Attempt, AttemptStatus, LastAttempt};
use crate::domain::gateway_refund::RefundRequest;
use crate::domain::invoice::Invoice;
use crate::domain::payment_method::PaymentMethodKind;
use crate::domain::refund::{Free, Held, RefundFacts, Refundable};
use crate::domain::transaction::{Transaction, TransactionKind, TransactionStatus};
use crate::domain::{
    Act, AttemptId, CreditId, CreditNoteId, InvoiceId, Money, Result, TenantId, TransactionId,
};

/// A refund that is about to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewRefund<'a> {
    /// What it gives back; `None`: what was paid before the invoice was imported.
    pub of: Option<TransactionId>,
    pub tenant: TenantId,
    /// None where it gives a payment on account back.
    pub invoice: Option<InvoiceId>,
    pub amount: Money,
    pub credit_note: Option<CreditNoteId>,
    /// `unknown` until the gateway says otherwise; `succeeded` of one that was made elsewhere.
    pub status: TransactionStatus,
    /// How it went back where no gateway is to be asked.
    pub method: Option<&'a str>,
    pub reference: Option<&'a str>,
}

macro_rules! held_query {
    ($rest:literal) => {
        concat!(
            "SELECT h.id, h.transaction_id, h.amount_minor, h.lost_minor, h.currency,
               c.credit_note_id, x.status = 'succeeded' AS succeeded
             FROM credit_refunds h JOIN credits c ON c.id = h.credit_id
             JOIN transactions x ON x.id = h.transaction_id
             WHERE h.failed_at IS NULL AND ",
            $rest
        )
    };
}

macro_rules! refundable_query {
    ($rest:literal) => {
        concat!(
            "SELECT x.id, x.kind, x.currency, x.amount_minor - (SELECT coalesce(sum(r.amount_minor), 0)
               FROM transactions r INDEXED BY transactions_refunds WHERE r.refund_of = x.id
                 AND (r.status <> 'failed' OR r.next_retry_at IS NOT NULL)) AS left_minor
             FROM transactions x
             WHERE x.kind IN ('payment', 'charge', 'checkout') AND x.status = 'succeeded' AND ",
            $rest
        )
    };
}

impl Db<'_> {
    /// What was paid on an invoice and may go back, newest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn refundable(&self, invoice: InvoiceId) -> Result<Vec<Refundable>> {
        let mut statement =
            self.conn.prepare_cached(refundable_query!("x.invoice_id = ?1 ORDER BY x.id DESC"))?;
        let found = statement.query_map([invoice.0], refundable)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// What of a payment may go back; `None` where it did not succeed.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn refundable_of(&self, id: TransactionId) -> Result<Option<Refundable>> {
        let mut statement = self.conn.prepare_cached(refundable_query!("x.id = ?1"))?;
        let mut found = statement.query_map([id.0], refundable)?;
        Ok(found.next().transpose()?)
    }

    /// What is left of the credit that came from the payments and the credit notes of an invoice, which is
    /// what of a payment of it may go back: its own first, then that of the others, then the notes'.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn credit_from(&self, payment: &Transaction) -> Result<Vec<Free>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, left_minor, currency FROM (
               SELECT c.id, c.left_minor, c.currency, c.transaction_id <> ?1 AS later
               FROM transactions x INDEXED BY transactions_invoice
               JOIN credits c INDEXED BY credits_transaction ON c.transaction_id = x.id
               WHERE x.invoice_id = ?2 AND c.left_minor > 0
               UNION ALL
               -- One on account is of no invoice.
               SELECT c.id, c.left_minor, c.currency, 0
               FROM credits c INDEXED BY credits_transaction
               WHERE ?2 IS NULL AND c.transaction_id = ?1 AND c.left_minor > 0
               UNION ALL
               SELECT c.id, c.left_minor, c.currency, 2 FROM credit_notes n
               JOIN credits c INDEXED BY credits_credit_note ON c.credit_note_id = n.id
               WHERE n.invoice_id = ?2 AND c.left_minor > 0
               UNION
               -- What notes gave of the invoices that its surplus had paid.
               SELECT c.id, c.left_minor, c.currency, 3
               FROM credits s INDEXED BY credits_transaction
               JOIN credit_uses u INDEXED BY credit_uses_credit ON u.credit_id = s.id
                 AND u.unapplied_at IS NULL
               JOIN credit_notes n ON n.invoice_id = u.invoice_id
               JOIN credits c INDEXED BY credits_credit_note ON c.credit_note_id = n.id
               WHERE s.transaction_id = ?1 AND n.invoice_id IS NOT ?2 AND c.left_minor > 0)
             ORDER BY later, id",
        )?;
        let found =
            statement.query_map((payment.id.0, payment.invoice_id.map(|id| id.0)), |row| {
                let currency = columns::word(row, "currency")?;
                let left = columns::money(row, "left_minor", currency)?;
                Ok(Free { credit: CreditId(row.get("id")?), left })
            })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// The refunds of a payment that no gateway has: they were declined, or never sent, and wait for
    /// another attempt.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn refunds_not_sent(&self, payment: TransactionId) -> Result<Vec<TransactionId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id FROM transactions x INDEXED BY transactions_refunds
             WHERE refund_of = ?1 AND next_retry_at IS NOT NULL AND (status = 'failed'
               OR (status = 'unknown' AND NOT EXISTS
                 (SELECT 1 FROM charge_attempts WHERE transaction_id = x.id)))
             ORDER BY id",
        )?;
        let ids = statement.query_map([payment.0], |row| Ok(TransactionId(row.get(0)?)))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// What of the money that was paid before an invoice was imported went back by hand.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn refunded_elsewhere(&self, invoice: &Invoice) -> Result<Money> {
        let mut statement = self.conn.prepare_cached(
            "SELECT coalesce(sum(amount_minor), 0) AS minor
             FROM transactions INDEXED BY transactions_invoice_refunds
             WHERE invoice_id = ?1 AND kind = 'refund' AND refund_of IS NULL
               AND status = 'succeeded'",
        )?;
        let currency = invoice.total.currency();
        Ok(statement.query_row([invoice.id.0], |row| columns::money(row, "minor", currency))?)
    }

    /// The note whose credit that is, where it is of one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn note_of_credit(&self, id: CreditId) -> Result<Option<CreditNoteId>> {
        let mut statement =
            self.conn.prepare_cached("SELECT credit_note_id FROM credits WHERE id = ?1")?;
        let note: Option<i64> = statement.query_row([id.0], |row| row.get(0))?;
        Ok(note.map(CreditNoteId))
    }

    /// The note for which a refund is made, where it is for one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn note_of_refund(&self, id: TransactionId) -> Result<Option<CreditNoteId>> {
        let mut statement =
            self.conn.prepare_cached("SELECT credit_note_id FROM transactions WHERE id = ?1")?;
        let note: Option<i64> = statement.query_row([id.0], |row| row.get(0))?;
        Ok(note.map(CreditNoteId))
    }

    /// Writes a refund down.
    ///
    /// # Errors
    /// A rule of the schema says no.
    pub fn insert_refund(&self, act: &Act, new: &NewRefund) -> Result<TransactionId> {
        let done = new.status == TransactionStatus::Succeeded;
        let id = self
            .conn
            .prepare_cached(
                "INSERT INTO transactions (invoice_id, tenant_id, kind, status, currency,
                   amount_minor, paid_on, method, reference, payment_method_id, last_tried_at,
                   next_retry_at, refund_of, credit_note_id, created_at, updated_at)
                 SELECT ?10, ?11, 'refund', ?2, ?12, ?3, ?4, coalesce(?5, x.method), ?6,
                   x.payment_method_id, ?7, ?8, ?1, ?9, ?7, ?7
                 FROM (SELECT 1) LEFT JOIN transactions x ON x.id = ?1",
            )?
            .insert((
                new.of.map(|id| id.0),
                new.status.word(),
                new.amount.minor(),
                done.then(|| act.today.to_string()),
                new.method,
                new.reference,
                act.at(),
                (!done).then(|| act.at()),
                new.credit_note.map(|id| id.0),
                new.invoice.map(|id| id.0),
                new.tenant.0,
                new.amount.currency().code(),
            ))?;
        Ok(TransactionId(id))
    }

    /// Lets a refund hold a part of a credit.
    ///
    /// # Errors
    /// More than is left of it.
    pub fn hold_credit(
        &self,
        act: &Act,
        credit: CreditId,
        refund: TransactionId,
        amount: Money,
    ) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE credits SET left_minor = left_minor - ?2 WHERE id = ?1")?
            .execute((credit.0, amount.minor()))?;
        self.conn
            .prepare_cached(
                "INSERT INTO credit_refunds (credit_id, tenant_id, currency, transaction_id,
                   amount_minor, begun_at)
                 SELECT id, tenant_id, currency, ?2, ?3, ?4 FROM credits WHERE id = ?1",
            )?
            .execute((credit.0, refund.0, amount.minor(), act.at()))?;
        Ok(())
    }

    /// What a refund holds of credit now, or took of it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn held_by(&self, refund: TransactionId) -> Result<Vec<Held>> {
        let mut statement =
            self.conn.prepare_cached(held_query!("h.transaction_id = ?1 ORDER BY h.id"))?;
        let found = statement.query_map([refund.0], held)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// What refunds hold of a credit, or took of it, newest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn held_of(&self, credit: CreditId) -> Result<Vec<Held>> {
        let mut statement =
            self.conn.prepare_cached(held_query!("h.credit_id = ?1 ORDER BY h.id DESC"))?;
        let found = statement.query_map([credit.0], held)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Writes down that a credit lacks so much more of what a refund holds.
    ///
    /// # Errors
    /// More than the refund holds.
    pub fn lose_held(&self, held: &Held, lost: Money) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE credit_refunds SET lost_minor = lost_minor + ?2 WHERE id = ?1")?
            .execute((held.id, lost.minor()))?;
        Ok(())
    }

    /// Takes a part of a note's credit that is left: it is set off against what is due again.
    ///
    /// # Errors
    /// More than the note gave, or than is left.
    pub fn net_credit(&self, credit: CreditId, netted: Money, left: Money) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE credits SET netted_minor = netted_minor + ?2, left_minor = left_minor - ?3
                 WHERE id = ?1",
            )?
            .execute((credit.0, netted.minor(), left.minor()))?;
        Ok(())
    }

    /// Lets go of the credit that a refund held: it is left again, but for what it would lack by now.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn let_credit_go(&self, act: &Act, refund: TransactionId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE credits SET left_minor = left_minor + (SELECT sum(amount_minor - lost_minor)
                   FROM credit_refunds
                   WHERE transaction_id = ?1 AND credit_id = credits.id AND failed_at IS NULL)
                 WHERE id IN (SELECT credit_id FROM credit_refunds
                   WHERE transaction_id = ?1 AND failed_at IS NULL)",
            )?
            .execute([refund.0])?;
        self.conn
            .prepare_cached(
                "UPDATE credit_refunds SET failed_at = ?2, lost_minor = 0
                 WHERE transaction_id = ?1 AND failed_at IS NULL",
            )?
            .execute((refund.0, act.at()))?;
        Ok(())
    }

    /// Writes down what became of a refund. `asked_again`: a run looks at it once more.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn refund_stands(
        &self,
        act: &Act,
        id: TransactionId,
        status: TransactionStatus,
        reference: Option<&str>,
        failure: Option<(&str, Option<&str>)>,
        asked_again: Again,
    ) -> Result<()> {
        let (code, message) = failure.unzip();
        self.conn
            .prepare_cached(
                "UPDATE transactions SET status = ?2, reference = coalesce(?3, reference),
                   failure_code = ?4, failure_message = ?5,
                   first_failed_at = CASE WHEN ?2 = 'failed' THEN coalesce(first_failed_at, ?6)
                     ELSE first_failed_at END,
                   paid_on = CASE WHEN ?2 = 'succeeded' THEN coalesce(paid_on, ?7) END,
                   next_retry_at = CASE WHEN ?8 THEN ?6 END,
                   updated_at = max(updated_at, ?6)
                 WHERE id = ?1",
            )?
            .execute((
                id.0,
                status.word(),
                reference,
                code,
                message.flatten(),
                act.at(),
                act.today.to_string(),
                asked_again == Again::Yes,
            ))?;
        Ok(())
    }

    /// A page of refunds that a run has to look at, after `after`.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn open_refunds(&self, after: TransactionId, limit: usize) -> Result<Vec<TransactionId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id FROM transactions INDEXED BY transactions_open
             WHERE next_retry_at IS NOT NULL AND kind = 'refund' AND id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let ids = statement.query_map((after.0, limit as i64), |row| row.get(0))?;
        Ok(ids.map(|id| id.map(TransactionId)).collect::<rusqlite::Result<_>>()?)
    }
}

/// A refund that a run has to look at.
#[derive(Debug, Clone)]
pub struct RefundSeries {
    pub transaction: TransactionId,
    pub number: String,
    pub tenant: String,
    pub amount: Money,
    /// The kind of the payment method of its charge.
    pub method: Option<PaymentMethodKind>,
    /// `None` where no attempt was made.
    pub last_attempt: Option<Attempt>,
    pub facts: RefundFacts,
}

impl Db<'_> {
    /// A refund with its last attempt.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn refund_series(&self, id: TransactionId) -> Result<RefundSeries> {
        let last_attempt = self.attempts(id)?.pop();
        let last = last_attempt.as_ref().and_then(|attempt| match attempt.status {
            AttemptStatus::Declined => Some(LastAttempt::Declined),
            AttemptStatus::NotSent => Some(LastAttempt::NotSent),
            _ => None,
        });
        let asked = last_attempt.as_ref().is_some_and(|attempt| attempt.status.is_live());
        let mut statement = self.conn.prepare_cached(
            "SELECT x.*, coalesce(i.number, t.slug) AS number, t.slug, m.kind AS method_kind,
               (SELECT count(*) FROM charge_attempts a WHERE a.transaction_id = x.id
                  AND a.status IN ('succeeded', 'declined', 'pending')) AS answered
             FROM transactions x LEFT JOIN invoices i ON i.id = x.invoice_id
             JOIN tenants t ON t.id = x.tenant_id
             LEFT JOIN payment_methods m ON m.id = x.payment_method_id
             WHERE x.id = ?1",
        )?;
        Ok(statement.query_row([id.0], |row| {
            let last_tried_at = columns::instant(row, "last_tried_at")?;
            Ok(RefundSeries {
                transaction: id,
                number: row.get("number")?,
                tenant: row.get("slug")?,
                amount: columns::money(row, "amount_minor", columns::word(row, "currency")?)?,
                method: columns::word_or_null(row, "method_kind")?,
                last_attempt,
                facts: RefundFacts {
                    status: columns::word(row, "status")?,
                    last,
                    asked,
                    first_failed_at: columns::instant_or_null(row, "first_failed_at")?,
                    last_tried_at,
                    answered: row.get("answered")?,
                    looked_at: columns::instant_or_null(row, "next_retry_at")?
                        .unwrap_or(last_tried_at),
                    paid_on: columns::date_or_null(row, "paid_on")?,
                },
            })
        })?)
    }

    /// How often refunds of the same charge and amount as this one were tried.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn count_refund_attempts(&self, refund: TransactionId) -> Result<i64> {
        let mut statement = self.conn.prepare_cached(
            "SELECT count(*) FROM transactions own
             JOIN transactions x INDEXED BY transactions_refunds ON x.refund_of = own.refund_of
               AND x.amount_minor = own.amount_minor
             JOIN charge_attempts a ON a.transaction_id = x.id
             WHERE own.id = ?1",
        )?;
        Ok(statement.query_row([refund.0], |row| row.get(0))?)
    }

    /// The reference that the gateway gave to the charge which a refund gives back.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn charge_given_back(&self, refund: TransactionId) -> Result<Option<String>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT c.reference FROM transactions r LEFT JOIN transactions c ON c.id = r.refund_of
             WHERE r.id = ?1",
        )?;
        Ok(statement.query_row([refund.0], |row| row.get(0))?)
    }

    /// Writes an attempt's key down, before the gateway is called.
    ///
    /// # Errors
    /// The refund has an attempt without an answer.
    pub fn insert_refund_attempt(
        &self,
        act: &Act,
        refund: TransactionId,
        (gateway, key): (&str, &str),
        machine_now: &str,
    ) -> Result<AttemptId> {
        let id = self
            .conn
            .prepare_cached(
                "INSERT INTO charge_attempts (transaction_id, tenant_id, payment_method_id,
                   gateway, idempotency_key, amount_minor, status, created_at, prepared_at)
                 SELECT id, tenant_id, payment_method_id, ?2, ?3, amount_minor, 'prepared', ?4, ?5
                 FROM transactions WHERE id = ?1",
            )?
            .insert((refund.0, gateway, key, act.at(), machine_now))?;
        self.conn
            .prepare_cached(
                "UPDATE transactions SET status = 'unknown', failure_code = NULL,
                   failure_message = NULL, last_tried_at = ?2, next_retry_at = ?2,
                   updated_at = max(updated_at, ?2)
                 WHERE id = ?1",
            )?
            .execute((refund.0, act.at()))?;
        Ok(AttemptId(id))
    }

    /// With which gateway the charge was made that a refund gives back: its attempt that succeeded.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn gateway_of_charge(&self, refund: TransactionId) -> Result<Option<Attempt>> {
        let mut statement =
            self.conn.prepare_cached("SELECT refund_of FROM transactions WHERE id = ?1")?;
        let of: Option<i64> = statement.query_row([refund.0], |row| row.get(0))?;
        let Some(of) = of.map(TransactionId) else { return Ok(None) };
        let mut attempts = self.attempts(of)?;
        attempts.retain(|attempt| attempt.status == AttemptStatus::Succeeded);
        Ok(attempts.pop())
    }

    /// What the gateway was asked in an attempt, the same each time.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn refund_request(&self, id: AttemptId) -> Result<RefundRequest> {
        let mut statement = self.conn.prepare_cached(
            "SELECT a.idempotency_key, a.amount_minor, a.created_at, a.prepared_at, x.currency,
               i.number, t.slug, n.number AS credit_note, c.reference AS charge
             FROM charge_attempts a JOIN transactions x ON x.id = a.transaction_id
             JOIN invoices i ON i.id = x.invoice_id JOIN tenants t ON t.id = x.tenant_id
             LEFT JOIN transactions c ON c.id = x.refund_of
             LEFT JOIN credit_notes n ON n.id = x.credit_note_id
             WHERE a.id = ?1",
        )?;
        Ok(statement.query_row([id.0], |row| {
            Ok(RefundRequest {
                idempotency_key: row.get("idempotency_key")?,
                amount: columns::money(row, "amount_minor", columns::word(row, "currency")?)?,
                invoice: row.get("number")?,
                tenant: row.get("slug")?,
                charge: row.get::<_, Option<String>>("charge")?.unwrap_or_default(),
                credit_note: row.get("credit_note")?,
                created_at: columns::instant(row, "created_at")?,
                prepared_at: columns::instant(row, "prepared_at")?,
            })
        })?)
    }

    /// No run looks at a refund any more that went back long ago.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn refund_is_over(&self, id: TransactionId) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE transactions SET next_retry_at = NULL WHERE id = ?1")?
            .execute([id.0])?;
        Ok(())
    }
}

/// Whether a run looks at a refund again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    Yes,
    No,
}

fn held(row: &rusqlite::Row) -> rusqlite::Result<Held> {
    let currency = columns::word(row, "currency")?;
    let note: Option<i64> = row.get("credit_note_id")?;
    Ok(Held {
        id: row.get("id")?,
        refund: TransactionId(row.get("transaction_id")?),
        succeeded: row.get("succeeded")?,
        credit_note: note.map(CreditNoteId),
        amount: columns::money(row, "amount_minor", currency)?,
        lost: columns::money(row, "lost_minor", currency)?,
    })
}

fn refundable(row: &rusqlite::Row) -> rusqlite::Result<Refundable> {
    let kind: TransactionKind = columns::word(row, "kind")?;
    let left = columns::money(row, "left_minor", columns::word(row, "currency")?)?;
    Ok(Refundable { transaction: TransactionId(row.get("id")?), kind, left })
}
