//! What was made of coupons, ever or in a period.

use chrono::NaiveDate;

use super::automation::TimeRange;
use super::{Db, columns};
use crate::domain::coupon::Stats;
use crate::domain::{CouponId, Result, calendar};

/// The days of a period, and the same as instants.
#[derive(Debug, Clone, Copy)]
pub struct CouponPeriod<'a> {
    pub stretch: TimeRange<'a>,
    /// The first and the last day.
    pub days: (NaiveDate, NaiveDate),
}

/// Whether a row had not been returned by `?3`, the end of the period; ever, where that is null.
macro_rules! live {
    () => {
        "coalesce(returned_at >= ?3, returned_at IS NULL)"
    };
}

macro_rules! redemption_sums {
    ($condition:expr) => {
        concat!(
            "SELECT coalesce(sum(live), 0) AS uses, coalesce(sum(NOT live), 0) AS returned,
                    count(DISTINCT CASE WHEN live THEN tenant_id END) AS customers,
                    min(CASE WHEN live THEN redeemed_at END) AS first_use,
                    max(CASE WHEN live THEN redeemed_at END) AS last_use
             FROM (SELECT tenant_id, redeemed_at, ",
            live!(),
            " AS live FROM redemptions WHERE ",
            $condition,
            ")"
        )
    };
}

// Of all coupons, a customer that checked two of them counts for each, as its uses do.
macro_rules! check_sums {
    ($condition:expr) => {
        concat!(
            "SELECT coalesce(sum(days), 0) AS checks, count(*) AS customers
             FROM (SELECT count(*) AS days FROM coupon_checks WHERE ",
            $condition,
            " GROUP BY coupon_id, tenant_id)"
        )
    };
}

macro_rules! usage_sums {
    ($condition:expr) => {
        concat!(
            "SELECT currency, sum(discount_minor) AS given,
                    sum(original_minor - discount_minor) AS revenue
             FROM coupon_usages WHERE ",
            live!(),
            " AND ",
            $condition,
            " GROUP BY currency ORDER BY currency"
        )
    };
}

/// The text of a sum: of one coupon (`?1`) or of all, from `?2` up to `?3` or ever. One condition
/// that serves them all would read every row there is for each coupon that is named.
macro_rules! sums {
    ($sums:ident, $at:literal, $coupon:expr, $period:expr) => {
        match ($coupon.is_some(), $period.is_some()) {
            (true, false) => $sums!("coupon_id = ?1 AND ?2 IS NULL AND ?3 IS NULL"),
            (false, false) => $sums!("?1 IS NULL AND ?2 IS NULL AND ?3 IS NULL"),
            (true, true) => {
                $sums!(concat!("coupon_id = ?1 AND ", $at, " >= ?2 AND ", $at, " < ?3"))
            }
            (false, true) => $sums!(concat!("?1 IS NULL AND ", $at, " >= ?2 AND ", $at, " < ?3")),
        }
    };
}

impl Db<'_> {
    /// The codes of the coupons that were used in the period, or discounted an invoice of it: most uses first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn top_coupons_between(&self, period: &CouponPeriod, count: u32) -> Result<Vec<String>> {
        let (from, to) = period.stretch;
        let mut statement = self.conn.prepare_cached(
            "SELECT c.code FROM coupons c JOIN (
               SELECT coupon_id, sum(uses) AS uses FROM (
                 SELECT coupon_id, count(*) AS uses FROM redemptions
                 WHERE coalesce(returned_at >= ?2, 1) AND redeemed_at >= ?1 AND redeemed_at < ?2
                 GROUP BY coupon_id
                 UNION ALL
                 SELECT coupon_id, 0 AS uses FROM coupon_usages
                 WHERE coalesce(returned_at >= ?2, 1) AND used_at >= ?1 AND used_at < ?2
                 GROUP BY coupon_id)
               GROUP BY coupon_id) u ON u.coupon_id = c.id
             ORDER BY u.uses DESC, c.code_folded LIMIT ?3",
        )?;
        let found = statement.query_map((from, to, count), |row| row.get(0))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// What was made of a coupon; `None`: of all of them together. In a period, what began in it:
    /// what was returned by its end counts as returned, what was returned later does not.
    ///
    /// # Errors
    /// A sum above the largest amount, or a fault of the file.
    pub fn coupon_stats(
        &self,
        coupon: Option<CouponId>,
        period: Option<&CouponPeriod>,
    ) -> Result<Stats> {
        let of = coupon.map(|id| id.0);
        let (from, to) = period.map(|period| period.stretch).unzip();
        let mut stats = Stats::default();
        self.conn
            .prepare_cached(sums!(redemption_sums, "redeemed_at", coupon, period))?
            .query_row((of, from, to), |row| {
                stats.uses = row.get("uses")?;
                stats.returned = row.get("returned")?;
                stats.customers = row.get("customers")?;
                stats.first_use = row.get("first_use")?;
                stats.last_use = row.get("last_use")?;
                Ok(())
            })?;
        let days = period.map(|period| {
            let (first, last) = period.days;
            (first.to_string(), calendar::plus_days(last, 1).to_string())
        });
        let (since, until) = days.unzip();
        (stats.checks, stats.customers_checked) = self
            .conn
            .prepare_cached(sums!(check_sums, "checked_on", coupon, period))?
            .query_row((of, since, until), |row| Ok((row.get("checks")?, row.get("customers")?)))?;
        let mut statement =
            self.conn.prepare_cached(sums!(usage_sums, "used_at", coupon, period))?;
        let mut rows = statement.query((of, from, to))?;
        while let Some(row) = rows.next()? {
            let currency = columns::word(row, "currency")?;
            stats.discount_given.add(columns::money(row, "given", currency)?)?;
            stats.revenue.add(columns::money(row, "revenue", currency)?)?;
        }
        Ok(stats)
    }
}
