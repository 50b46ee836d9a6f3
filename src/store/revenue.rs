//! What subscriptions were over time: the rows that recurring revenue is computed from.

use std::collections::HashMap;

use chrono::NaiveDate;
use rusqlite::Row;
use rust_decimal::Decimal;

use super::{Db, columns, coupons, plans};
use crate::domain::plan::Interval;
use crate::domain::price::Price;
use crate::domain::revenue::{Discounted, Lasting, Rates, Standing, Timeline};
use crate::domain::subscription::SubscriptionStatus;
use crate::domain::tax::{SellerTax, TaxBasis};
use crate::domain::{PlanId, PriceId, Result, TenantId, trial};

/// A subscription whose rows are being read.
struct Reading {
    id: i64,
    tenant: TenantId,
    /// Its items, as they stand in the timeline.
    items: Vec<i64>,
    timeline: Timeline,
}

impl Reading {
    fn add(&mut self, item: i64, standing: Standing) {
        match self.items.iter().position(|known| *known == item) {
            Some(at) => self.timeline.items[at].push(standing),
            None => {
                self.items.push(item);
                self.timeline.items.push(vec![standing]);
            }
        }
    }
}

impl Db<'_> {
    /// Hands the timeline of each subscription to `each`, customer by customer. `start_of` is the
    /// first instant of a day in the business time zone, as it is stored; `seller` says how
    /// customers are taxed of whom nothing else is said.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_timeline(
        &self,
        start_of: impl Fn(NaiveDate) -> String,
        seller: &SellerTax,
        mut each: impl FnMut(TenantId, Timeline) -> Result<()>,
    ) -> Result<()> {
        let mut lasting = self.lasting_coupons()?;
        let mut rates = self.rates(seller)?;
        let prices = self.prices_and_intervals()?;
        // In the order of the index of customers, state by state: nothing is left to sort.
        let mut statement = self.conn.prepare_cached(
            "SELECT s.id, s.tenant_id, s.started_on, s.ends_on, s.trial_ends_on,
                    s.imported IS NOT NULL
                      AND (h.status <> 'canceled' OR s.billed_elsewhere_until IS NOT NULL)
                      AS imported,
                    h.item_id, h.since, h.status, h.plan_id, h.price_id, h.quantity
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
                "trial_ends_on",
                "imported",
                "item_id",
                "since",
                "status",
                "plan_id",
                "price_id",
                "quantity",
            ],
        )?;
        let [
            id,
            tenant_id,
            started_on,
            ends_on,
            trial_ends_on,
            imported,
            item_id,
            since,
            status,
            plan_id,
            price_id,
            quantity,
        ] = at;
        let mut rows = statement.query([])?;
        let mut current: Option<Reading> = None;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(id)?;
            let price_id = PriceId(row.get(price_id)?);
            let (price, basis, interval) =
                prices.get(&price_id).ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            let item: i64 = row.get(item_id)?;
            let mut standing = Standing {
                since: row.get(since)?,
                status: columns::word(row, status)?,
                plan: PlanId(row.get(plan_id)?),
                whole: price.amount(row.get::<_, i64>(quantity)?)?,
                basis: *basis,
                interval: *interval,
            };
            if let Some(same) = current.as_mut().filter(|current| current.id == id) {
                same.add(item, standing);
                continue;
            }
            let started_on = columns::date(row, started_on)?;
            // One that was taken over ran before it came here, also where it had ended by then and the
            // file says when: it was billed until its end, from its start or the end of its trial.
            if row.get(imported)? {
                let mut from = started_on;
                if standing.status == SubscriptionStatus::Canceled {
                    standing.status = SubscriptionStatus::Active;
                    let trial = columns::date_or_null(row, trial_ends_on)?;
                    from = from.max(trial.map_or(from, trial::first_paid_day));
                }
                standing.since = start_of(from).min(standing.since);
            }
            let next = Reading {
                id,
                tenant: TenantId(row.get(tenant_id)?),
                items: vec![item],
                timeline: Timeline {
                    started_on,
                    ends_on: columns::date_or_null(row, ends_on)?,
                    items: vec![vec![standing]],
                    coupons: lasting.remove(&id).unwrap_or_default(),
                    rates: rates.remove(&id).unwrap_or_default(),
                },
            };
            if let Some(done) = current.replace(next) {
                each(done.tenant, done.timeline)?;
            }
        }
        match current {
            Some(last) => each(last.tenant, last.timeline),
            None => Ok(()),
        }
    }

    /// The intervals of all plans, each once.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn intervals(&self) -> Result<Vec<Interval>> {
        let mut statement =
            self.conn.prepare_cached("SELECT DISTINCT interval, interval_count FROM plans")?;
        let found =
            statement.query_map([], |row| plans::interval(row, "interval", "interval_count"))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Every price that there ever was, whether it is with tax, and the interval of its plan.
    fn prices_and_intervals(&self) -> Result<HashMap<PriceId, (Price, TaxBasis, Interval)>> {
        let mut statement = self.conn.prepare_cached(concat!(
            "SELECT ",
            plans::price_columns!("r", "price"),
            ", p.interval, p.interval_count, p.tax_inclusive
             FROM prices r JOIN plans p ON p.id = r.plan_id"
        ))?;
        let prices = statement.query_map([], |row| {
            let price = plans::price(row, plans::PRICE)?;
            let interval = plans::interval(row, "interval", "interval_count")?;
            Ok((price.id, (price, plans::basis(row, "tax_inclusive")?, interval)))
        })?;
        Ok(prices.collect::<rusqlite::Result<_>>()?)
    }

    /// The rates of tax of subscriptions that were ever on a plan whose prices are with tax: that of the
    /// customer now, and those of its invoices, where they changed.
    fn rates(&self, seller: &SellerTax) -> Result<HashMap<i64, Rates>> {
        let mut found: HashMap<i64, Rates> = HashMap::new();
        let mut statement = self.conn.prepare_cached(
            "WITH taxed (id) AS MATERIALIZED (
               SELECT DISTINCT h.subscription_id FROM subscription_states h
               WHERE h.plan_id IN (SELECT id FROM plans WHERE tax_inclusive = 1))
             SELECT x.id, t.tax_rate AS own, t.tax_category AS category, i.created_at, i.tax_rate AS billed
             FROM taxed x CROSS JOIN subscriptions s ON s.id = x.id
             JOIN tenants t ON t.id = s.tenant_id
             LEFT JOIN invoices i ON i.subscription_id = s.id AND i.purpose = 'period'
             ORDER BY x.id, i.created_at, i.id",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let rates = found.entry(row.get("id")?).or_default();
            let own = columns::word_or_null(row, "own")?;
            rates.now = seller.rate_of(columns::word_or_null(row, "category")?, own).1;
            let Some(since) = row.get::<_, Option<String>>("created_at")? else { continue };
            let billed: Decimal = columns::word(row, "billed")?;
            if rates.billed.last().is_none_or(|(_, last)| *last != billed) {
                rates.billed.push((since, billed));
            }
        }
        Ok(found)
    }

    /// The coupons that last longer than one invoice, by subscription. Uses are read of those that
    /// run out only: one that lasts forever holds whatever it was used for.
    fn lasting_coupons(&self) -> Result<HashMap<i64, Vec<Lasting>>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT r.id, r.subscription_id, r.redeemed_at, r.returned_at, c.discount_type,
                    c.percent, c.amount_minor, c.currency, c.duration_periods,
                    u.used_at, u.returned_at AS usage_returned_at, i.period_end,
                    (SELECT group_concat(plan_id) FROM coupon_plans WHERE coupon_id = c.id) AS plans
             FROM redemptions r JOIN coupons c ON c.id = r.coupon_id
             LEFT JOIN coupon_usages u ON u.redemption_id = r.id AND c.duration = 'repeating'
             LEFT JOIN invoices i ON i.id = u.invoice_id
             WHERE r.subscription_id IS NOT NULL AND c.duration <> 'once'
               -- For one period is once, however it was said.
               AND c.duration_periods IS NOT 1
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
        plans: coupons::plan_ids(row, "plans")?,
        periods: periods.map(|periods| usize::try_from(periods).unwrap_or(usize::MAX)),
        usages: Vec::new(),
    })
}
