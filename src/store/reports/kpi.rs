//! The sums that the key figures are computed from.

use chrono::NaiveDate;
use rusqlite::{Row, named_params};

use super::End;
use crate::domain::money::Totals;
use crate::domain::{Currency, Result};
use crate::store::{Db, TimeRange, columns};

/// Days from one to another, both included, and the instants at which they begin and end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub since: NaiveDate,
    pub until: NaiveDate,
    /// The first instant, and the first one after, in the business time zone, as stored.
    pub from: String,
    pub before: String,
}

impl Span {
    /// Its last day.
    pub fn end(&self) -> End {
        End { day: self.until, before: self.before.clone() }
    }

    /// The two instants.
    pub fn stretch(&self) -> TimeRange<'_> {
        (&self.from, &self.before)
    }
}

/// What the invoices of a currency come to in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoiceSums {
    pub currency: Currency,
    /// Open at its end, and what was due on them.
    pub open: i64,
    pub open_minor: i64,
    /// Of those, past their due date.
    pub overdue: i64,
    pub overdue_minor: i64,
    /// Fully paid in it, and the days from issue to then, added up.
    pub paid: i64,
    pub paid_days: i64,
    /// Overdue for the first time in it or in the 60 days before it; of those, paid by its end.
    pub went_overdue: i64,
    pub recovered: i64,
    /// First invoices of subscriptions and one-off invoices that were issued in it; of those, with
    /// a coupon.
    pub checkouts: i64,
    pub with_coupon: i64,
}

/// The tenants whose first payment, in that currency, fell into a span, and into the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewPayers {
    pub currency: Currency,
    pub now: i64,
    pub before: i64,
}

/// What every invoice adds to the sums of a span, in one scan.
const INVOICE_SUMS: &str = concat!(
    "WITH ",
    stood!("i.issued_on <= :day"),
    ", facts AS (
       SELECT i.currency, coalesce(s.status, i.status) AS stood, i.due_on < :day AS late,
         coalesce(s.due_minor, i.due_minor) AS due,
         CASE WHEN s.id IS NULL THEN i.paid_on WHEN s.status = 'paid' THEN s.paid_on END AS paid_on,
         i.issued_on, i.due_on, coalesce(s.total_minor, i.total_minor) AS total,
         -- 1: a checkout, 2: one with a coupon. A CASE stops at what is false, an AND
         -- would ask the index for every invoice there is.
         CASE WHEN i.issued_on < :since OR i.origin = 'imported' THEN 0
           -- What is billed between periods is no first invoice.
           WHEN i.subscription_id IS NOT NULL AND (i.purpose <> 'period' OR EXISTS (
               SELECT 1 FROM invoices f WHERE f.subscription_id = i.subscription_id
                 AND f.purpose = 'period' AND f.status <> 'void'
                 AND f.period_start < i.period_start)
             -- One that was voided since was none yet. Found by its tenant: no index of periods
             -- holds void ones.
             OR :later AND EXISTS (
               SELECT 1 FROM invoices f WHERE f.tenant_id = i.tenant_id
                 AND f.subscription_id = i.subscription_id AND f.purpose = 'period'
                 AND f.status = 'void'
                 AND f.closed_at >= :before AND f.period_start < i.period_start)
             OR (SELECT s.imported IS NOT NULL FROM subscriptions s
               WHERE s.id = i.subscription_id)) THEN 0
           WHEN i.coupon_id IS NULL THEN 1
           WHEN :later AND EXISTS (SELECT 1 FROM ledger l WHERE l.invoice_id = i.id
             AND l.kind = 'discount' AND l.booked_on > :day) THEN 1
           ELSE 2 END AS checkout
       FROM invoices i LEFT JOIN stood s ON s.id = i.id
       WHERE i.issued_on <= :day AND i.status <> 'draft'
         AND coalesce(s.status, i.status) NOT IN ('void', 'credited')),
     figures AS (
       SELECT currency, stood = 'open' AS open, stood = 'open' AND late AS overdue, due,
         CASE WHEN paid_on >= :since AND total > 0
           THEN CAST(julianday(paid_on) - julianday(issued_on) AS INTEGER) END AS paid_days,
         due_on >= :overdue_since AND late AND (paid_on IS NULL OR paid_on > due_on)
           AS went_overdue,
         paid_on IS NOT NULL AS paid, checkout
       FROM facts
       -- Kept apart from the sums, which would compute each column once a use.
       LIMIT -1)
     SELECT currency, sum(open) AS open, sum(CASE WHEN open THEN due ELSE 0 END) AS open_minor,
       sum(overdue) AS overdue, sum(CASE WHEN overdue THEN due ELSE 0 END) AS overdue_minor,
       count(paid_days) AS paid, coalesce(sum(paid_days), 0) AS paid_days,
       sum(went_overdue) AS went_overdue, sum(went_overdue AND paid) AS recovered,
       sum(checkout > 0) AS checkouts, sum(checkout = 2) AS with_coupon
     FROM figures GROUP BY currency ORDER BY currency"
);

impl Db<'_> {
    /// The sums of all invoices, one a currency, in one scan. `overdue_since` is the first due
    /// date of those that count as having gone overdue; `later`: something may have been recorded
    /// after the span.
    ///
    /// # Errors
    /// Sums that are too large, or a fault of the file.
    pub fn invoice_sums(
        &self,
        span: &Span,
        later: bool,
        overdue_since: NaiveDate,
    ) -> Result<Vec<InvoiceSums>> {
        let mut statement = self.conn.prepare_cached(INVOICE_SUMS)?;
        let found = statement.query_map(
            named_params! {
                ":since": span.since.to_string(),
                ":day": span.until.to_string(),
                ":before": span.before,
                ":later": later,
                ":overdue_since": overdue_since.to_string(),
            },
            invoice_sums,
        )?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Who paid for the first time in a span, and in the one before it. What was paid before an
    /// import is a payment too.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn new_payers(&self, span: &Span, before: &Span) -> Result<Vec<NewPayers>> {
        // Beside a min(), SQLite takes the other columns from a row that has it.
        let mut statement = self.conn.prepare_cached(concat!(
            "WITH paid (tenant_id, currency, day) AS (
               SELECT tenant_id, currency, CASE WHEN status = 'succeeded' THEN paid_on ELSE ",
            made_on!(),
            " END
               FROM transactions x
               WHERE kind <> 'refund' AND (status = 'succeeded' OR reversed_at >= ?5)
               UNION ALL
               SELECT tenant_id, currency, coalesce(paid_on, issued_on) FROM invoices
               WHERE paid_elsewhere_minor > 0),
             firsts AS (SELECT currency, min(day) AS day FROM paid GROUP BY tenant_id)
             SELECT currency, sum(day BETWEEN ?1 AND ?2) AS now, sum(day BETWEEN ?3 AND ?4) AS before
             FROM firsts WHERE day BETWEEN min(?1, ?3) AND max(?2, ?4)
             GROUP BY currency ORDER BY currency"
        ))?;
        let [since, until, before_since, before_until] =
            [span.since, span.until, before.since, before.until].map(|day| day.to_string());
        let bounds = (since, until, before_since, before_until, &span.before);
        let found = statement.query_map(bounds, |row| {
            Ok(NewPayers {
                currency: columns::word(row, "currency")?,
                now: row.get("now")?,
                before: row.get("before")?,
            })
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// The discounts that were given in a span to tenants that had paid nothing before it.
    ///
    /// # Errors
    /// Sums that are too large, or a fault of the file.
    pub fn discounts_to_new(&self, span: &Span) -> Result<Totals> {
        let mut statement = self.conn.prepare_cached(concat!(
            "SELECT u.currency, sum(u.discount_minor) AS given FROM coupon_usages u
             WHERE u.used_at >= :from AND u.used_at < :before
               AND (u.returned_at IS NULL OR u.returned_at >= :before)
               AND NOT EXISTS (SELECT 1 FROM transactions x WHERE x.tenant_id = u.tenant_id
                 AND x.kind <> 'refund' AND CASE WHEN x.status = 'succeeded' THEN x.paid_on < :since
                   ELSE x.reversed_at >= :before AND ",
            made_on!(),
            " < :since END)
               AND NOT EXISTS (SELECT 1 FROM invoices i WHERE i.tenant_id = u.tenant_id
                 AND i.paid_elsewhere_minor > 0 AND coalesce(i.paid_on, i.issued_on) < :since)
             GROUP BY u.currency ORDER BY u.currency"
        ))?;
        let mut rows = statement.query(named_params! {
            ":from": span.from, ":before": span.before, ":since": span.since.to_string(),
        })?;
        let mut given = Totals::default();
        while let Some(row) = rows.next()? {
            given.add(columns::money(row, "given", columns::word(row, "currency")?)?)?;
        }
        Ok(given)
    }

    /// The runs of a span that have ended, and how many of them went well.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn runs_in(&self, span: &Span) -> Result<(i64, i64)> {
        let mut statement = self.conn.prepare_cached(
            "SELECT count(*), coalesce(sum(status = 'ok'), 0) FROM runs
             WHERE status <> 'running' AND as_of >= ?1 AND as_of < ?2",
        )?;
        let ends = [&span.from, &span.before];
        Ok(statement.query_row(ends, |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// The e-mails that were sent in a span, and those that failed for good in it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn emails_in(&self, span: &Span) -> Result<(i64, i64)> {
        let mut statement = self.conn.prepare_cached(
            "SELECT (SELECT count(*) FROM emails WHERE sent_at >= ?1 AND sent_at < ?2),
                    (SELECT count(*) FROM emails
                     WHERE status = 'failed' AND ended_at >= ?1 AND ended_at < ?2)",
        )?;
        let ends = [&span.from, &span.before];
        Ok(statement.query_row(ends, |row| Ok((row.get(0)?, row.get(1)?)))?)
    }
}

fn invoice_sums(row: &Row) -> rusqlite::Result<InvoiceSums> {
    Ok(InvoiceSums {
        currency: columns::word(row, "currency")?,
        open: row.get("open")?,
        open_minor: row.get("open_minor")?,
        overdue: row.get("overdue")?,
        overdue_minor: row.get("overdue_minor")?,
        paid: row.get("paid")?,
        paid_days: row.get("paid_days")?,
        went_overdue: row.get("went_overdue")?,
        recovered: row.get("recovered")?,
        checkouts: row.get("checkouts")?,
        with_coupon: row.get("with_coupon")?,
    })
}
