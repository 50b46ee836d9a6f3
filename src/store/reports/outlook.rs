//! Trials that became paid subscriptions, and customers by the month in which they came.

use chrono::NaiveDate;

use crate::domain::Result;
use crate::store::Db;

/// The customers who were first billed for a subscription in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    /// `2026-03`.
    pub month: String,
    pub customers: i64,
    /// Those of them who have a subscription that runs.
    pub subscribed: i64,
}

impl Db<'_> {
    /// How many trials had their last day between those days, both included, and how many of them
    /// were billed afterwards.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn trials_between(&self, since: NaiveDate, until: NaiveDate) -> Result<(i64, i64)> {
        let mut statement = self.conn.prepare_cached(
            "SELECT count(*) AS ended,
                    coalesce(sum(EXISTS (
                      SELECT 1 FROM invoices i
                      WHERE i.subscription_id = s.id AND i.purpose = 'period'
                        AND i.status <> 'void' AND i.period_start > s.trial_ends_on)), 0) AS billed
             FROM subscriptions s WHERE s.trial_ends_on BETWEEN ?1 AND ?2",
        )?;
        let days = (since.to_string(), until.to_string());
        Ok(statement.query_row(days, |row| Ok((row.get("ended")?, row.get("billed")?)))?)
    }

    /// The newest cohorts, newest first; who is subscribed on `today` counts as such.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn cohorts(&self, today: NaiveDate, count: u32) -> Result<Vec<Cohort>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT substr(f.first_on, 1, 7) AS month, count(*) AS customers,
                    sum(EXISTS (
                      SELECT 1 FROM subscriptions s
                      WHERE s.tenant_id = f.tenant_id AND s.status = 'active'
                        AND (s.ends_on IS NULL OR s.ends_on > ?1))) AS subscribed
             FROM (SELECT tenant_id, min(period_start) AS first_on FROM invoices
                   WHERE purpose = 'period' AND status <> 'void' AND period_start <= ?1
                   GROUP BY tenant_id) f
             GROUP BY 1 ORDER BY 1 DESC LIMIT ?2",
        )?;
        let found = statement.query_map((today.to_string(), count), |row| {
            Ok(Cohort {
                month: row.get("month")?,
                customers: row.get("customers")?,
                subscribed: row.get("subscribed")?,
            })
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }
}
