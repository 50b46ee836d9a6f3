//! The rows of what was done at a gateway by other hands than ours.

use rusqlite::OptionalExtension;

use super::Db;
use crate::domain::{Act, Money, Result, TransactionId};

impl Db<'_> {
    /// The charge to which a gateway of one of those names gave the reference, where there is one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn charge_of_reference(&self, reference: &str) -> Result<Vec<TransactionId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT DISTINCT x.id FROM charge_attempts a INDEXED BY charge_attempts_reference
             JOIN transactions x ON x.id = a.transaction_id
             WHERE a.reference = ?1 AND a.reference IS NOT NULL AND x.kind IN ('charge', 'checkout')
               AND a.status = 'succeeded' ORDER BY x.id",
        )?;
        let ids = statement.query_map([reference], |row| Ok(TransactionId(row.get(0)?)))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether a refund at the gateway is one of ours: by the key that it was asked with, or by the
    /// reference that it got; or whether one of ours of that charge has no outcome yet, and may be it. One
    /// that has failed in our books is none that went back: whoever said so was wrong.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn may_be_our_refund(
        &self,
        charge: TransactionId,
        reference: &str,
        key: Option<&str>,
    ) -> Result<bool> {
        let mut statement = self.conn.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM charge_attempts a JOIN transactions r
                   ON r.id = a.transaction_id
                 WHERE a.idempotency_key = ?3
                   AND (r.status <> 'failed' OR r.next_retry_at IS NOT NULL))
               OR EXISTS (SELECT 1 FROM transactions r INDEXED BY transactions_refunds
                 WHERE r.refund_of = ?1 AND (r.status <> 'failed' OR r.next_retry_at IS NOT NULL)
                   AND (r.reference = ?2
                     OR (r.status IN ('pending', 'unknown') AND r.reference IS NULL)))",
        )?;
        Ok(statement.query_row((charge.0, reference, key), |row| row.get(0))?)
    }

    /// Gives the reference to a refund of ours of that charge and amount that went back and has none, as
    /// where a person found out that it did; whether there is one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn name_refund(
        &self,
        charge: TransactionId,
        amount: Money,
        reference: &str,
    ) -> Result<bool> {
        let named = self
            .conn
            .prepare_cached(
                "UPDATE transactions SET reference = ?3
                 WHERE id = (SELECT min(r.id) FROM transactions r INDEXED BY transactions_refunds
                   WHERE r.refund_of = ?1 AND r.status = 'succeeded' AND r.amount_minor = ?2
                     AND r.reference IS NULL AND r.method IS NOT 'outside')",
            )?
            .execute((charge.0, amount.minor(), reference))?;
        Ok(named > 0)
    }

    /// Writes down by which key a refund was made that was made at the gateway: ours, where the file was
    /// brought back from a backup and forgot it, so that no other refund is asked for by that key; else its
    /// reference there. By it the gateway is asked what becomes of the refund.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn insert_attempt_there(
        &self,
        act: &Act,
        refund: TransactionId,
        (gateway, reference): (&str, &str),
        key: Option<&str>,
        machine_now: &str,
    ) -> Result<()> {
        let told = key.map(|key| self.knows_key(key).map(|known| (key, known))).transpose()?;
        let key = told.filter(|(_, known)| !known).map_or(reference, |(key, _)| key);
        self.conn
            .prepare_cached(
                "INSERT INTO charge_attempts (transaction_id, tenant_id, payment_method_id,
                   gateway, idempotency_key, amount_minor, status, reference, created_at,
                   prepared_at, answered_at)
                 SELECT id, tenant_id, payment_method_id, ?2, ?3, amount_minor, 'succeeded', ?4, ?5,
                   ?6, ?5
                 FROM transactions WHERE id = ?1
                 ON CONFLICT (idempotency_key) DO NOTHING",
            )?
            .execute((refund.0, gateway, key, reference, act.at(), machine_now))?;
        Ok(())
    }

    /// Whether an attempt bears the key.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn knows_key(&self, key: &str) -> Result<bool> {
        let mut known =
            self.conn.prepare_cached("SELECT 1 FROM charge_attempts WHERE idempotency_key = ?1")?;
        Ok(known.exists([key])?)
    }

    /// Whether a dispute of a charge was won or lost already, as the gateway told earlier.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn dispute_is_decided(
        &self,
        gateway: &str,
        charge: TransactionId,
        reference: &str,
    ) -> Result<bool> {
        let mut decided = self.conn.prepare_cached(
            "SELECT 1 FROM gateway_changes
             WHERE gateway IN (SELECT ?3 UNION
                 SELECT gateway FROM charge_attempts WHERE transaction_id = ?1)
               AND kind = 'dispute' AND reference = ?2 AND status IN ('won', 'lost')",
        )?;
        Ok(decided.exists((charge.0, reference, gateway))?)
    }

    /// Writes down that a change at a gateway is booked; whether it was not before.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn note_change(
        &self,
        act: &Act,
        gateway: &str,
        (kind, reference, status): (&str, &str, &str),
        charge: TransactionId,
    ) -> Result<bool> {
        let mut known = self.conn.prepare_cached(
            // The gateway may have been given a name since.
            "SELECT id FROM gateway_changes
             WHERE gateway IN (SELECT ?1 UNION
                 SELECT gateway FROM charge_attempts WHERE transaction_id = ?5)
               AND kind = ?2 AND reference = ?3 AND status = ?4",
        )?;
        let values = (gateway, kind, reference, status, charge.0);
        if known.query_row(values, |row| row.get::<_, i64>(0)).optional()?.is_some() {
            return Ok(false);
        }
        self.conn
            .prepare_cached(
                "INSERT INTO gateway_changes (gateway, kind, reference, status, transaction_id,
                   recorded_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((gateway, kind, reference, status, charge.0, act.at()))?;
        Ok(true)
    }
}
