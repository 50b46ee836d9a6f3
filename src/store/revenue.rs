//! What subscriptions were over time: the rows that recurring revenue is computed from.

use std::collections::HashMap;

use chrono::NaiveDate;
use rusqlite::Row;

use super::{Db, columns, coupons};
use crate::domain::revenue::{Discounted, Lasting, Standing, Timeline};
use crate::domain::{PlanId, Result, TenantId};

impl Db<'_> {
    /// Hands the timeline of each subscription to `each`, customer by customer. `start_of` is the
    /// first instant of a day in the business time zone, as it is stored.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_timeline(
        &self,
        start_of: impl Fn(NaiveDate) -> String,
        mut each: impl FnMut(TenantId, Timeline) -> Result<()>,
    ) -> Result<()> {
        let mut lasting = self.lasting_coupons()?;
        let mut plans = HashMap::new();
        self.each_plan(None, |plan| {
            plans.insert(plan.id, (plan.price, plan.interval));
            Ok(())
        })?;
        // In the order of the index of customers, state by state: nothing is left to sort.
        let mut statement = self.conn.prepare_cached(
            "SELECT s.id, s.tenant_id, s.started_on, s.ends_on, s.imported IS NOT NULL AS imported,
                    h.since, h.status, h.plan_id, h.quantity
             FROM subscriptions s CROSS JOIN subscription_states h ON h.subscription_id = s.id
             ORDER BY s.tenant_id, s.id, h.id",
        )?;
        let at = columns::places(
            &statement,
            [
                "id",
                "tenant_id",
                "started_on",
                "ends_on",
                "imported",
                "since",
                "status",
                "plan_id",
                "quantity",
            ],
        )?;
        let [id, tenant_id, started_on, ends_on, imported, since, status, plan_id, quantity] = at;
        let mut rows = statement.query([])?;
        let mut current: Option<(i64, TenantId, Timeline)> = None;
        while let Some(row) = rows.next()? {
            let (id, plan_id) = (row.get(id)?, PlanId(row.get(plan_id)?));
            let (price, interval) =
                plans.get(&plan_id).ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            let mut standing = Standing {
                since: row.get(since)?,
                status: columns::word(row, status)?,
                whole: price.amount(row.get::<_, i64>(quantity)?)?,
                interval: *interval,
            };
            match &mut current {
                Some((same, _, timeline)) if *same == id => timeline.standings.push(standing),
                _ => {
                    if let Some((_, tenant, timeline)) = current.take() {
                        each(tenant, timeline)?;
                    }
                    let started_on = columns::date(row, started_on)?;
                    // One that was taken over ran before it came here.
                    if row.get(imported)? {
                        standing.since = start_of(started_on).min(standing.since);
                    }
                    let timeline = Timeline {
                        started_on,
                        ends_on: columns::date_or_null(row, ends_on)?,
                        standings: vec![standing],
                        coupons: lasting.remove(&id).unwrap_or_default(),
                    };
                    current = Some((id, TenantId(row.get(tenant_id)?), timeline));
                }
            }
        }
        match current {
            Some((_, tenant, timeline)) => each(tenant, timeline),
            None => Ok(()),
        }
    }

    /// The coupons that last longer than one invoice, by subscription. Uses are read of those that
    /// run out only: one that lasts forever holds whatever it was used for.
    fn lasting_coupons(&self) -> Result<HashMap<i64, Vec<Lasting>>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT r.id, r.subscription_id, r.redeemed_at, r.returned_at, c.discount_type,
                    c.percent, c.amount_minor, c.currency, c.duration_periods,
                    u.used_at, u.returned_at AS usage_returned_at, i.period_end
             FROM redemptions r JOIN coupons c ON c.id = r.coupon_id
             LEFT JOIN coupon_usages u ON u.redemption_id = r.id AND c.duration = 'repeating'
             LEFT JOIN invoices i ON i.id = u.invoice_id
             WHERE r.subscription_id IS NOT NULL AND c.duration <> 'once'
             ORDER BY r.id, u.id",
        )?;
        let mut rows = statement.query([])?;
        let mut found: HashMap<i64, Vec<Lasting>> = HashMap::new();
        let mut last = 0;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get("id")?;
            let of = found.entry(row.get("subscription_id")?).or_default();
            if id != last {
                of.push(lasting(row)?);
                last = id;
            }
            let used_at: Option<String> = row.get("used_at")?;
            if let (Some(used_at), Some(coupon)) = (used_at, of.last_mut()) {
                coupon.usages.push(Discounted {
                    used_at,
                    returned_at: row.get("usage_returned_at")?,
                    until: columns::date(row, "period_end")?,
                });
            }
        }
        Ok(found)
    }
}

fn lasting(row: &Row) -> rusqlite::Result<Lasting> {
    let periods: Option<i64> = row.get("duration_periods")?;
    Ok(Lasting {
        redeemed_at: row.get("redeemed_at")?,
        returned_at: row.get("returned_at")?,
        discount: coupons::discount(row, "discount_type", "percent", "amount_minor", "currency")?,
        periods: periods.map(|periods| usize::try_from(periods).unwrap_or(usize::MAX)),
        usages: Vec::new(),
    })
}
