//! The rows of charges: series of attempts, each with what the gateway was asked and what it answered.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{OptionalExtension, Row};

use super::{Db, columns};
use crate::domain::charge::{
    Attempt, AttemptStatus, ChargeRequest, LastAttempt, Owed, RetryFacts, Token,
};
use crate::domain::invoice::Invoice;
use crate::domain::payment_method::PaymentMethod;
use crate::domain::transaction::TransactionStatus;
use crate::domain::{
    Act, AttemptId, InvoiceId, Money, PaymentMethodId, Result, TenantId, TransactionId,
};

/// A charge that a run has to look at: the series, its last attempt, and what of its invoice matters.
#[derive(Debug, Clone)]
pub struct Series {
    pub transaction: TransactionId,
    pub invoice: InvoiceId,
    pub number: String,
    pub tenant_id: TenantId,
    pub tenant: String,
    pub status: TransactionStatus,
    /// Since when it has no outcome, where it has none: when its last attempt was made.
    pub last_attempt: Attempt,
    /// Whether a run looks at it again.
    pub is_tried_again: bool,
    pub failure_code: Option<String>,
    pub facts: RetryFacts,
}

/// What became of an attempt, to be written.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    pub status: AttemptStatus,
    pub reference: Option<&'a str>,
    pub code: Option<&'a str>,
    pub message: Option<&'a str>,
    /// Declined for good: the same method will not do later.
    pub hard_decline: bool,
}

impl<'a> Answered<'a> {
    /// An attempt that came to that, with nothing more to say.
    pub fn plain(status: AttemptStatus) -> Answered<'a> {
        Answered { status, reference: None, code: None, message: None, hard_decline: false }
    }
}

macro_rules! attempt_query {
    ($rest:literal) => {
        concat!(
            "SELECT a.*, x.currency,
               a.id <= (SELECT earlier_attempts FROM database_info) AS of_earlier_version
             FROM charge_attempts a
             JOIN transactions x ON x.id = a.transaction_id ",
            $rest
        )
    };
}

macro_rules! series_query {
    ($rest:literal) => {
        concat!(
            "SELECT x.id, x.status, x.retries, x.hard_decline, x.first_failed_at, x.last_tried_at,
                    x.failure_code, x.created_at, x.currency,
                    EXISTS (SELECT 1 FROM charge_attempts a JOIN payment_methods m
                        ON m.id = a.payment_method_id AND m.is_default = 1
                      WHERE a.transaction_id = x.id AND a.hard_decline = 1)
                      AS default_declined_for_good,
                    x.next_retry_at IS NOT NULL AS is_tried_again,
                    i.id AS invoice_id, i.number, i.status AS invoice_status, i.tenant_id,
                    i.due_minor, i.promised_until,
                    i.disputed_at IS NOT NULL AS disputed, t.slug AS tenant,
                    s.ends_on IS NOT NULL AND s.ends_on <= i.period_start AS ended_before_period,
                    (SELECT id FROM payment_methods m
                     WHERE m.tenant_id = x.tenant_id AND m.is_default = 1) AS default_method
             FROM transactions x JOIN invoices i ON i.id = x.invoice_id
             JOIN tenants t ON t.id = x.tenant_id
             LEFT JOIN subscriptions s ON s.id = i.subscription_id ",
            $rest
        )
    };
}

impl Db<'_> {
    /// A page of charges that a run has to look at, after `after`: those without an outcome, and
    /// those that were declined and may be tried again.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn open_charges(&self, after: TransactionId, limit: usize) -> Result<Vec<TransactionId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id FROM transactions INDEXED BY transactions_open
             WHERE next_retry_at IS NOT NULL AND kind = 'charge' AND id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let ids = statement.query_map((after.0, limit as i64), |row| row.get(0))?;
        Ok(ids.map(|id| id.map(TransactionId)).collect::<rusqlite::Result<_>>()?)
    }

    /// A page of open invoices under automatic collection that had no attempt yet, after `after`.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn never_charged(&self, after: InvoiceId, limit: usize) -> Result<Vec<InvoiceId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id FROM invoices i INDEXED BY invoices_automatic
             WHERE status = 'open' AND collection = 'automatic' AND id > ?1
               AND NOT EXISTS (SELECT 1 FROM transactions
                 WHERE invoice_id = i.id AND kind = 'charge')
             ORDER BY id LIMIT ?2",
        )?;
        let ids = statement.query_map((after.0, limit as i64), |row| row.get(0))?;
        Ok(ids.map(|id| id.map(InvoiceId)).collect::<rusqlite::Result<_>>()?)
    }

    /// What else of a tenant a charge of `invoice` may take: the open invoices under automatic
    /// collection that are too small to be charged alone, by `least` or because the gateway said so,
    /// with what is due. None that is disputed or promised; and none at all while another charge of
    /// the tenant carries them, or each would be charged with both.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn too_small_beside(
        &self,
        invoice: &Invoice,
        least: Option<Money>,
        today: NaiveDate,
    ) -> Result<Vec<(InvoiceId, Money)>> {
        let currency = invoice.total.currency();
        let mut statement = self.conn.prepare_cached(
            "SELECT id, due_minor FROM (
               SELECT i.id, i.due_minor,
                 (SELECT x.failure_code FROM transactions x INDEXED BY transactions_invoice
                  WHERE x.invoice_id = i.id AND x.kind = 'charge' ORDER BY x.id DESC LIMIT 1) AS code
               FROM invoices i INDEXED BY invoices_open
               WHERE i.tenant_id = ?1 AND i.status = 'open' AND i.currency = ?2 AND i.id <> ?3
                 AND i.collection = 'automatic' AND i.disputed_at IS NULL
                 AND (i.promised_until IS NULL OR i.promised_until < ?4)
                 AND NOT EXISTS (SELECT 1 FROM transactions x INDEXED BY transactions_live
                   WHERE x.invoice_id = i.id AND x.kind = 'charge'
                     AND x.status IN ('pending', 'unknown')))
             WHERE (code = 'amount_too_small' OR due_minor < ?5)
               AND NOT EXISTS (SELECT 1 FROM transactions x INDEXED BY transactions_tenant
                 JOIN invoices j ON j.id = x.invoice_id
                 WHERE x.tenant_id = ?1 AND x.invoice_id <> ?3 AND x.kind = 'charge'
                   AND x.status IN ('pending', 'unknown') AND x.amount_minor > j.due_minor)
             ORDER BY id",
        )?;
        let least = least.map_or(0, Money::minor);
        let values = (invoice.tenant_id.0, currency.code(), invoice.id.0, today.to_string(), least);
        let small = statement.query_map(values, |row| {
            Ok((InvoiceId(row.get("id")?), columns::money(row, "due_minor", currency)?))
        })?;
        Ok(small.collect::<rusqlite::Result<_>>()?)
    }

    /// A charge with its last attempt and what of its invoice matters.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn charge_series(&self, id: TransactionId) -> Result<Series> {
        let last_attempt = self.last_attempt(id)?;
        let mut statement = self.conn.prepare_cached(series_query!("WHERE x.id = ?1"))?;
        Ok(statement.query_row([id.0], |row| series(row, last_attempt))?)
    }

    /// Whether a charge of an invoice was ever begun.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn was_charged(&self, id: InvoiceId) -> Result<bool> {
        let mut statement = self.conn.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM transactions WHERE invoice_id = ?1 AND kind = 'charge')",
        )?;
        Ok(statement.query_row([id.0], |row| row.get(0))?)
    }

    /// Whether anything was ever charged.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn was_ever_charged(&self) -> Result<bool> {
        let any = "SELECT max(id) IS NOT NULL FROM charge_attempts";
        Ok(self.conn.prepare_cached(any)?.query_row([], |row| row.get(0))?)
    }

    /// Whether a charge of an invoice was declined.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn was_declined(&self, id: InvoiceId) -> Result<bool> {
        let mut statement = self.conn.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM transactions WHERE invoice_id = ?1 AND kind = 'charge'
               AND status = 'failed')",
        )?;
        Ok(statement.query_row([id.0], |row| row.get(0))?)
    }

    /// The charge of an invoice that has no outcome yet, if there is one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn live_charge(&self, id: InvoiceId) -> Result<Option<TransactionId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id FROM transactions WHERE invoice_id = ?1
               AND kind = 'charge' AND status IN ('pending', 'unknown')",
        )?;
        Ok(statement.query_row([id.0], |row| row.get(0)).optional()?.map(TransactionId))
    }

    /// What of an invoice decides whether it is charged.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn owed(&self, id: InvoiceId) -> Result<Owed> {
        let mut statement = self.conn.prepare_cached(
            "SELECT i.status AS invoice_status, i.due_minor,
                    i.currency, i.promised_until, i.disputed_at IS NOT NULL AS disputed,
                    s.ends_on IS NOT NULL AND s.ends_on <= i.period_start AS ended_before_period
             FROM invoices i LEFT JOIN subscriptions s ON s.id = i.subscription_id
             WHERE i.id = ?1",
        )?;
        Ok(statement.query_row([id.0], owed)?)
    }

    fn last_attempt(&self, id: TransactionId) -> Result<Attempt> {
        let mut statement = self.conn.prepare_cached(attempt_query!(
            "WHERE a.transaction_id = ?1 ORDER BY a.id DESC LIMIT 1"
        ))?;
        Ok(statement.query_row([id.0], attempt)?)
    }

    /// Every attempt of a charge, oldest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn attempts(&self, id: TransactionId) -> Result<Vec<Attempt>> {
        let mut statement = self
            .conn
            .prepare_cached(attempt_query!("WHERE a.transaction_id = ?1 ORDER BY a.id"))?;
        let found = statement.query_map([id.0], attempt)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// How often an invoice was tried to be charged.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn count_attempts(&self, id: InvoiceId) -> Result<i64> {
        let mut statement = self.conn.prepare_cached(
            "SELECT count(*) FROM transactions x JOIN charge_attempts a ON a.transaction_id = x.id
             WHERE x.invoice_id = ?1 AND x.kind = 'charge'",
        )?;
        Ok(statement.query_row([id.0], |row| row.get(0))?)
    }

    /// What the gateway was asked in an attempt, the same each time.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn charge_request(&self, id: AttemptId) -> Result<ChargeRequest> {
        let mut statement = self.conn.prepare_cached(
            "SELECT a.idempotency_key, a.amount_minor, a.created_at, a.prepared_at, a.payment_method_id,
                    x.currency, i.number, t.slug, m.kind, m.token
             FROM charge_attempts a JOIN transactions x ON x.id = a.transaction_id
             JOIN invoices i ON i.id = x.invoice_id JOIN tenants t ON t.id = x.tenant_id
             JOIN payment_methods m ON m.id = a.payment_method_id
             WHERE a.id = ?1",
        )?;
        Ok(statement.query_row([id.0], |row| {
            Ok(ChargeRequest {
                idempotency_key: row.get("idempotency_key")?,
                amount: columns::money(row, "amount_minor", columns::word(row, "currency")?)?,
                invoice: row.get("number")?,
                tenant: row.get("slug")?,
                method: PaymentMethodId(row.get("payment_method_id")?),
                kind: columns::word(row, "kind")?,
                token: Token::new(row.get("token")?),
                created_at: columns::instant(row, "created_at")?,
                prepared_at: columns::instant(row, "prepared_at")?,
            })
        })?)
    }

    /// Begins a charge of an invoice: its outcome is not known until a gateway says it.
    ///
    /// # Errors
    /// Another charge of the invoice has no outcome yet.
    pub fn insert_charge(
        &self,
        act: &Act,
        invoice: InvoiceId,
        amount: Money,
        method: &PaymentMethod,
    ) -> Result<TransactionId> {
        // Whatever series there was is over: a person, or another collection, began a new one.
        self.conn
            .prepare_cached(
                "UPDATE transactions SET next_retry_at = NULL, updated_at = max(updated_at, ?2)
                 WHERE invoice_id = ?1 AND kind = 'charge' AND status = 'failed'
                   AND next_retry_at IS NOT NULL",
            )?
            .execute((invoice.0, act.at()))?;
        let id = self
            .conn
            .prepare_cached(
                "INSERT INTO transactions (invoice_id, tenant_id, kind, status, currency,
                   amount_minor, method, payment_method_id, last_tried_at, next_retry_at,
                   created_at, updated_at)
                 VALUES (?1, ?2, 'charge', 'unknown', ?3, ?4, ?5, ?6, ?7, ?7, ?7, ?7)",
            )?
            .insert((
                invoice.0,
                method.tenant_id.0,
                amount.currency().code(),
                amount.minor(),
                method.kind.word(),
                method.id.0,
                act.at(),
            ))?;
        Ok(TransactionId(id))
    }

    /// Begins another attempt of a charge that was declined, with what is due now.
    ///
    /// # Errors
    /// Another charge of the invoice has no outcome yet.
    pub fn retry_charge(
        &self,
        act: &Act,
        id: TransactionId,
        amount: Money,
        method: &PaymentMethod,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE transactions SET status = 'unknown', failure_code = NULL,
                   failure_message = NULL, amount_minor = ?2, method = ?3, payment_method_id = ?4,
                   last_tried_at = ?5, next_retry_at = ?5, updated_at = max(updated_at, ?5)
                 WHERE id = ?1",
            )?
            .execute((id.0, amount.minor(), method.kind.word(), method.id.0, act.at()))?;
        Ok(())
    }

    /// Writes an attempt's key down, before the gateway is called.
    ///
    /// # Errors
    /// The charge has an attempt without an answer.
    pub fn insert_attempt(
        &self,
        act: &Act,
        transaction: TransactionId,
        method: &PaymentMethod,
        (gateway, key): (&str, &str),
        amount: Money,
        machine_now: &str,
    ) -> Result<AttemptId> {
        let id = self
            .conn
            .prepare_cached(
                "INSERT INTO charge_attempts (transaction_id, tenant_id, payment_method_id,
                   gateway, idempotency_key, amount_minor, status, created_at, prepared_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'prepared', ?7, ?8)",
            )?
            .insert((
                transaction.0,
                method.tenant_id.0,
                method.id.0,
                gateway,
                key,
                amount.minor(),
                act.at(),
                machine_now,
            ))?;
        Ok(AttemptId(id))
    }

    /// Writes down what became of an attempt.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn answer_attempt(&self, act: &Act, id: AttemptId, answered: &Answered) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE charge_attempts SET status = ?2, reference = coalesce(?3, reference),
                   code = ?4, message = ?5, hard_decline = ?7,
                   -- Since when it stands so: a charge that is pending is asked about day after day.
                   answered_at = CASE WHEN status = ?2 THEN answered_at ELSE ?6 END,
                   pending_at = CASE WHEN ?2 = 'pending' THEN coalesce(pending_at, ?6)
                     ELSE pending_at END
                 WHERE id = ?1",
            )?
            .execute((
                id.0,
                answered.status.word(),
                answered.reference,
                answered.code,
                answered.message,
                act.at(),
                answered.hard_decline,
            ))?;
        Ok(())
    }

    /// Marks a charge as under way, or as one whose outcome is not known.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn charge_is_open(
        &self,
        act: &Act,
        id: TransactionId,
        status: TransactionStatus,
        reference: Option<&str>,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE transactions SET status = ?2, reference = coalesce(?3, reference),
                   updated_at = max(updated_at, ?4)
                 WHERE id = ?1",
            )?
            .execute((id.0, status.word(), reference, act.at()))?;
        self.count_retries(id)
    }

    /// Marks a charge as one whose last attempt never reached the gateway: it is looked at again.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn charge_was_not_sent(&self, act: &Act, id: TransactionId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE transactions SET status = 'failed', failure_code = 'not_sent',
                   failure_message = NULL, updated_at = max(updated_at, ?2)
                 WHERE id = ?1",
            )?
            .execute((id.0, act.at()))?;
        self.count_retries(id)
    }

    /// The status of an attempt as it is now.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn attempt_status(&self, id: AttemptId) -> Result<AttemptStatus> {
        let mut statement =
            self.conn.prepare_cached("SELECT status FROM charge_attempts WHERE id = ?1")?;
        Ok(statement.query_row([id.0], |row| columns::word(row, "status"))?)
    }

    /// What all keys of this database begin from: its own name.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn database_uuid(&self) -> Result<String> {
        let uuid = "SELECT uuid FROM database_info WHERE id = 1";
        Ok(self.conn.prepare_cached(uuid)?.query_row([], |row| row.get(0))?)
    }

    /// Books a charge that succeeded; `applied` of it goes to the invoice.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn charge_succeeded(
        &self,
        act: &Act,
        id: TransactionId,
        applied: Money,
        reference: Option<&str>,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE transactions SET status = 'succeeded', applied_minor = ?2, paid_on = ?3,
                   reference = coalesce(?4, reference), failure_code = NULL, failure_message = NULL,
                   next_retry_at = NULL, updated_at = max(updated_at, ?5)
                 WHERE id = ?1",
            )?
            .execute((id.0, applied.minor(), act.today.to_string(), reference, act.at()))?;
        self.count_retries(id)
    }

    /// Books a charge that was declined.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn charge_declined(
        &self,
        act: &Act,
        id: TransactionId,
        code: &str,
        message: Option<&str>,
        hard: bool,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE transactions SET status = 'failed', failure_code = ?2,
                   failure_message = ?3, hard_decline = ?4,
                   first_failed_at = coalesce(first_failed_at, ?5), updated_at = max(updated_at, ?5)
                 WHERE id = ?1",
            )?
            .execute((id.0, code, message, hard, act.at()))?;
        self.count_retries(id)
    }

    /// The retries made are the attempts with an answer, less the first: a technical fault uses up
    /// none.
    fn count_retries(&self, id: TransactionId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE transactions SET retries = max(0, (SELECT count(*) FROM charge_attempts
                   WHERE transaction_id = ?1
                     AND status IN ('succeeded', 'declined', 'pending')) - 1)
                 WHERE id = ?1",
            )?
            .execute([id.0])?;
        Ok(())
    }

    /// A charge of another invoice to which the gateway of an attempt gave the same reference, and that
    /// stands: its id and the invoice's number.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn same_reference(
        &self,
        attempt: AttemptId,
        reference: &str,
    ) -> Result<Option<(TransactionId, String)>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT x.id, i.number FROM charge_attempts a
             JOIN charge_attempts o INDEXED BY charge_attempts_reference
               ON o.reference = ?2 AND o.gateway = a.gateway AND o.id <> a.id
             JOIN transactions x ON x.id = o.transaction_id
             JOIN transactions mine ON mine.id = a.transaction_id
             JOIN invoices i ON i.id = x.invoice_id
             WHERE a.id = ?1 AND x.invoice_id <> mine.invoice_id
               AND x.status IN ('succeeded', 'pending')
             ORDER BY o.id LIMIT 1",
        )?;
        let found = statement.query_row((attempt.0, reference), |row| {
            Ok((TransactionId(row.get("id")?), row.get("number")?))
        });
        Ok(found.optional()?)
    }

    /// Ends a series of attempts: no run looks at it any more.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn end_series(
        &self,
        act: &Act,
        id: TransactionId,
        failure_code: Option<&str>,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE transactions SET next_retry_at = NULL,
                   status = CASE WHEN status IN ('pending', 'unknown') THEN 'failed' ELSE status END,
                   failure_code = coalesce(?2, failure_code), updated_at = max(updated_at, ?3)
                 WHERE id = ?1",
            )?
            .execute((id.0, failure_code, act.at()))?;
        Ok(())
    }
}

fn owed(row: &Row) -> rusqlite::Result<Owed> {
    let currency = columns::word(row, "currency")?;
    Ok(Owed {
        status: columns::word(row, "invoice_status")?,
        amount_due: columns::money(row, "due_minor", currency)?,
        promised_until: columns::date_or_null(row, "promised_until")?,
        disputed: row.get("disputed")?,
        ended_before_period: row.get("ended_before_period")?,
    })
}

fn series(row: &Row, last_attempt: Attempt) -> rusqlite::Result<Series> {
    let last_tried_at: DateTime<Utc> = columns::instant(row, "last_tried_at")?;
    let last = match last_attempt.status {
        AttemptStatus::NotSent => LastAttempt::NotSent,
        _ if row.get("hard_decline")? => LastAttempt::DeclinedForGood,
        _ => LastAttempt::Declined,
    };
    Ok(Series {
        transaction: TransactionId(row.get("id")?),
        invoice: InvoiceId(row.get("invoice_id")?),
        number: row.get("number")?,
        tenant_id: TenantId(row.get("tenant_id")?),
        tenant: row.get("tenant")?,
        status: columns::word(row, "status")?,
        last_attempt,
        is_tried_again: row.get("is_tried_again")?,
        failure_code: row.get("failure_code")?,
        facts: RetryFacts {
            first_failed_at: columns::instant_or_null(row, "first_failed_at")?,
            last_tried_at,
            retries: row.get("retries")?,
            last,
            default_declined_for_good: row.get("default_declined_for_good")?,
            default_method: row.get::<_, Option<i64>>("default_method")?.map(PaymentMethodId),
            invoice: owed(row)?,
        },
    })
}

fn attempt(row: &Row) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        id: AttemptId(row.get("id")?),
        transaction: TransactionId(row.get("transaction_id")?),
        gateway: row.get("gateway")?,
        of_earlier_version: row.get("of_earlier_version")?,
        idempotency_key: row.get("idempotency_key")?,
        status: columns::word(row, "status")?,
        amount: columns::money(row, "amount_minor", columns::word(row, "currency")?)?,
        method: row.get::<_, Option<i64>>("payment_method_id")?.map(PaymentMethodId),
        reference: row.get("reference")?,
        code: row.get("code")?,
        message: row.get("message")?,
        created_at: row.get("created_at")?,
        answered_at: row.get("answered_at")?,
    })
}
