//! What was made of coupons in a period.

use chrono::NaiveDate;

use super::automation::Stretch;
use super::{Db, columns};
use crate::domain::coupon::Stats;
use crate::domain::{CouponId, Result};

/// The days of a period, and the same as instants.
#[derive(Debug, Clone, Copy)]
pub struct CouponPeriod<'a> {
    pub stretch: Stretch<'a>,
    /// The first and the last day.
    pub days: (NaiveDate, NaiveDate),
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
                 WHERE returned_at IS NULL AND redeemed_at >= ?1 AND redeemed_at < ?2
                 GROUP BY coupon_id
                 UNION ALL
                 SELECT coupon_id, 0 AS uses FROM coupon_usages
                 WHERE returned_at IS NULL AND used_at >= ?1 AND used_at < ?2
                 GROUP BY coupon_id)
               GROUP BY coupon_id) u ON u.coupon_id = c.id
             ORDER BY u.uses DESC, c.code_folded LIMIT ?3",
        )?;
        let found = statement.query_map((from, to, count), |row| row.get(0))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// What was made of a coupon in the period; `None`: of all of them together. What was returned
    /// since then does not count.
    ///
    /// # Errors
    /// A sum above the largest amount, or a fault of the file.
    pub fn coupon_stats_between(
        &self,
        period: &CouponPeriod,
        coupon: Option<CouponId>,
    ) -> Result<Stats> {
        let ((from, to), (first, last)) = (period.stretch, period.days);
        let of = coupon.map(|id| id.0);
        // Told apart in the text: a condition that serves both would read every use there is for
        // each coupon that is named.
        let only = if of.is_some() { "coupon_id = ?3" } else { "?3 IS NULL" };
        let mut stats = Stats::default();
        self.conn
            .prepare_cached(&format!(
                "SELECT count(*) AS uses, count(DISTINCT tenant_id) AS customers,
                        min(redeemed_at) AS first_use, max(redeemed_at) AS last_use
                 FROM redemptions WHERE returned_at IS NULL
                   AND redeemed_at >= ?1 AND redeemed_at < ?2 AND {only}"
            ))?
            .query_row((from, to, of), |row| {
                stats.uses = row.get("uses")?;
                stats.customers = row.get("customers")?;
                stats.first_use = row.get("first_use")?;
                stats.last_use = row.get("last_use")?;
                Ok(())
            })?;
        // Of all coupons, a customer that checked two of them counts for each, as its uses do.
        (stats.checks, stats.customers_checked) = self
            .conn
            .prepare_cached(&format!(
                "SELECT coalesce(sum(days), 0), count(*)
                 FROM (SELECT count(*) AS days FROM coupon_checks
                   WHERE checked_on BETWEEN ?1 AND ?2 AND {only}
                   GROUP BY coupon_id, tenant_id)"
            ))?
            .query_row((first.to_string(), last.to_string(), of), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT currency, sum(discount_minor) AS given,
                    sum(original_minor - discount_minor) AS revenue
             FROM coupon_usages WHERE returned_at IS NULL AND used_at >= ?1 AND used_at < ?2
               AND {only}
             GROUP BY currency ORDER BY currency"
        ))?;
        let mut rows = statement.query((from, to, of))?;
        while let Some(row) = rows.next()? {
            let currency = columns::word(row, "currency")?;
            stats.discount_given.add(columns::money(row, "given", currency)?)?;
            stats.revenue.add(columns::money(row, "revenue", currency)?)?;
        }
        Ok(stats)
    }
}
