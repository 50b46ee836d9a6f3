//! Transactions, counted and added up.

use chrono::NaiveDate;
use rusqlite::{Row, named_params};

use crate::domain::transaction::TransactionStatus;
use crate::domain::{Currency, Result};
use crate::store::{Db, columns};

/// What the transactions of a tally have in common, as they stood at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TallyKey {
    /// The day on which payments were made.
    pub paid_on: Option<NaiveDate>,
    /// Of charges the quarter of an hour in UTC in which they were first tried: its first instant. No
    /// business day begins inside one.
    pub quarter: Option<String>,
    pub currency: Currency,
    pub method: Option<String>,
    pub status: TransactionStatus,
    pub failure_code: Option<String>,
}

/// So many transactions that have that in common, and what they come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    pub key: TallyKey,
    pub count: i64,
    pub minor: i64,
}

impl Db<'_> {
    /// Hands each tally of the payments made from `since` to `until`, whenever they were recorded, and
    /// of the charges first tried from `from` on and before `before`, to `each`, by time. What was
    /// changed since stands as it did then: a payment had succeeded, a charge was what its last
    /// answer said.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_tally(
        &self,
        (since, until): (NaiveDate, NaiveDate),
        (from, before): (&str, &str),
        mut each: impl FnMut(Tally) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(
            "WITH dated AS (
               SELECT x.*, CASE WHEN x.kind = 'payment' THEN coalesce(x.paid_on,
                        -- One that was taken back.
                        (SELECT booked_on FROM ledger WHERE transaction_id = x.id
                           AND kind = 'payment'),
                        date(x.created_at)) END AS made_on
               FROM transactions x WHERE x.kind <> 'refund'),
             stood AS (
               SELECT x.made_on,
                      CASE WHEN x.kind = 'charge' THEN substr(x.created_at, 1, 14)
                        || CASE substr(x.created_at, 15, 2) / 15
                        WHEN 0 THEN '00' WHEN 1 THEN '15' WHEN 2 THEN '30' ELSE '45' END END AS quarter,
                      x.currency,
                      CASE WHEN a.id IS NULL THEN x.method ELSE (
                        SELECT kind FROM payment_methods WHERE id = a.payment_method_id) END AS method,
                      coalesce(a.amount_minor, x.amount_minor) AS amount_minor,
                      CASE WHEN a.id IS NULL THEN x.failure_code ELSE a.code END AS code,
                      CASE WHEN x.updated_at < :before OR x.reversed_at < :before THEN x.status
                        WHEN x.kind = 'payment' THEN 'succeeded'
                        WHEN a.answered_at < :before THEN CASE
                          WHEN a.status IN ('declined', 'not_sent') THEN 'failed'
                          WHEN a.status IN ('succeeded', 'pending') THEN a.status
                          ELSE 'unknown' END
                        WHEN a.pending_at < :before
                          THEN 'pending'
                        ELSE 'unknown' END AS status
               FROM dated x
               -- Of a charge that was changed since, the last attempt of those days: its next one may
               -- be for another amount, on another method.
               LEFT JOIN charge_attempts a ON a.id = CASE
                 WHEN x.kind = 'charge' AND x.updated_at >= :before
                   AND coalesce(x.reversed_at >= :before, 1)
                 THEN (SELECT max(id) FROM charge_attempts
                   WHERE transaction_id = x.id AND created_at < :before) END
               WHERE CASE x.kind WHEN 'payment' THEN x.made_on BETWEEN :since AND :until
                 ELSE x.created_at >= :from AND x.created_at < :before END)
             SELECT made_on, quarter || ':00Z' AS quarter, currency, method, status,
                    CASE WHEN status = 'failed' THEN code END AS failure_code,
                    count(*) AS count, sum(amount_minor) AS minor
             FROM stood GROUP BY 1, 2, 3, 4, 5, 6",
        )?;
        let (since, until) = (since.to_string(), until.to_string());
        let mut rows = statement.query(named_params! {
            ":since": since, ":until": until, ":from": from, ":before": before,
        })?;
        while let Some(row) = rows.next()? {
            each(tally(row)?)?;
        }
        Ok(())
    }
}

fn tally(row: &Row) -> rusqlite::Result<Tally> {
    let key = TallyKey {
        paid_on: columns::date_or_null(row, "made_on")?,
        quarter: row.get("quarter")?,
        currency: columns::word(row, "currency")?,
        method: row.get("method")?,
        status: columns::word(row, "status")?,
        failure_code: row.get("failure_code")?,
    };
    Ok(Tally { key, count: row.get("count")?, minor: row.get("minor")? })
}
