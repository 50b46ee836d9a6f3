//! The rows of what was done at a gateway by other hands than ours.

use rusqlite::OptionalExtension;

use super::Db;
use crate::domain::{Act, Result, TransactionId};

impl Db<'_> {
    /// The charge to which a gateway of one of those names gave the reference, where there is one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn charge_of_reference(&self, reference: &str) -> Result<Vec<TransactionId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT DISTINCT x.id FROM charge_attempts a INDEXED BY charge_attempts_reference
             JOIN transactions x ON x.id = a.transaction_id
             WHERE a.reference = ?1 AND a.reference IS NOT NULL AND x.kind = 'charge'
               AND a.status = 'succeeded' ORDER BY x.id",
        )?;
        let ids = statement.query_map([reference], |row| Ok(TransactionId(row.get(0)?)))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether a refund at the gateway is one of ours: by the key that it was asked with, or by the
    /// reference that it got; or whether one of ours of that charge has no outcome yet, and may be it.
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
            "SELECT EXISTS (SELECT 1 FROM charge_attempts WHERE idempotency_key = ?3)
               OR EXISTS (SELECT 1 FROM transactions r INDEXED BY transactions_refunds
                 WHERE r.refund_of = ?1 AND (r.reference = ?2
                   OR (r.status = 'unknown' AND r.reference IS NULL)))",
        )?;
        Ok(statement.query_row((charge.0, reference, key), |row| row.get(0))?)
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
            "SELECT id FROM gateway_changes
             WHERE gateway = ?1 AND kind = ?2 AND reference = ?3 AND status = ?4",
        )?;
        let values = (gateway, kind, reference, status);
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
