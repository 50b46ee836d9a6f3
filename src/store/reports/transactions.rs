//! Transactions, counted and added up.

use chrono::NaiveDate;
use rusqlite::{Row, named_params};

use crate::domain::refund::OUTSIDE;
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

/// The refunds of a currency that went back in a span: how many, and what they come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WentBack {
    pub currency: Currency,
    pub by_gateway: i64,
    pub by_gateway_minor: i64,
    /// Made outside of this program.
    pub by_hand: i64,
    pub by_hand_minor: i64,
}

impl Db<'_> {
    /// Hands each tally of the payments, checkouts among them, made from `since` to `until`, whenever they were recorded, and
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
               SELECT x.*, CASE x.kind WHEN 'payment' THEN coalesce(x.paid_on,
                        -- One that was taken back.
                        (SELECT booked_on FROM ledger WHERE transaction_id = x.id
                           AND kind = 'payment'),
                        date(x.created_at))
                      -- A checkout counts once it is paid, and one that nobody paid is no attempt.
                      WHEN 'checkout' THEN coalesce(x.paid_on,
                        (SELECT booked_on FROM ledger WHERE transaction_id = x.id
                           AND kind = 'charge')) END AS made_on
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
                        WHEN x.kind <> 'charge' THEN 'succeeded'
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
               WHERE CASE WHEN x.kind <> 'charge' THEN x.made_on BETWEEN :since AND :until
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

    /// What went back to customers from `since` to `until`, both included, by currency. One that failed
    /// after all until then did not go back.
    ///
    /// # Errors
    /// Sums that are too large, or a fault of the file.
    pub fn went_back(&self, since: NaiveDate, until: NaiveDate) -> Result<Vec<WentBack>> {
        // Refunds are few, and have an index of their own.
        let mut statement = self.conn.prepare_cached(
            "SELECT currency, sum(NOT outside) AS by_gateway, sum(outside) AS by_hand,
               sum(CASE WHEN outside THEN 0 ELSE amount_minor END) AS by_gateway_minor,
               sum(CASE WHEN outside THEN amount_minor ELSE 0 END) AS by_hand_minor
             FROM (SELECT x.currency, x.amount_minor, x.method IS :outside AS outside
               FROM transactions x INDEXED BY transactions_invoice_refunds
               JOIN ledger l INDEXED BY ledger_transaction ON l.transaction_id = x.id
               WHERE x.kind = 'refund' AND l.kind = 'refund'
                 AND l.booked_on BETWEEN :since AND :until
                 AND NOT EXISTS (SELECT 1 FROM ledger f INDEXED BY ledger_transaction
                   WHERE f.transaction_id = x.id AND f.kind = 'refund_failed'
                     AND f.booked_on <= :until))
             GROUP BY currency ORDER BY currency",
        )?;
        let (since, until) = (since.to_string(), until.to_string());
        let days = named_params! { ":since": since, ":until": until, ":outside": OUTSIDE };
        let found = statement.query_map(days, |row| {
            Ok(WentBack {
                currency: columns::word(row, "currency")?,
                by_gateway: row.get("by_gateway")?,
                by_gateway_minor: row.get("by_gateway_minor")?,
                by_hand: row.get("by_hand")?,
                by_hand_minor: row.get("by_hand_minor")?,
            })
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
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
