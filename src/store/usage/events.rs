//! The rows of what was used: events, and the totals of their days.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rusqlite::{CachedStatement, OptionalExtension, Row};
use rust_decimal::Decimal;

use crate::domain::usage::{Aggregation, Total};
use crate::domain::{Act, ItemId, MeterId, PriceId, Refusal, Result, SubscriptionId, TenantId};
use crate::store::{Db, columns};

/// An event to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewUsageEvent<'a> {
    /// The business day, as it is stored.
    pub day: &'a str,
    pub id: &'a str,
    pub meter: MeterId,
    pub subscription: SubscriptionId,
    pub at_us: i64,
    pub value: &'a str,
    pub properties: Option<&'a str>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    New,
    /// It is there already, and says the same.
    Duplicate,
    /// Another one has its id on that day.
    Conflict,
}

/// Writes events, many in one transaction.
pub struct UsageWriter<'a> {
    insert: CachedStatement<'a>,
    same: CachedStatement<'a>,
}

impl std::fmt::Debug for UsageWriter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UsageWriter").finish_non_exhaustive()
    }
}

impl UsageWriter<'_> {
    /// Takes an event once for ever.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn take(&mut self, new: &NewUsageEvent) -> Result<Taken> {
        if self.insert.execute(values(new))? > 0 {
            return Ok(Taken::New);
        }
        Ok(if self.has(new)? { Taken::Duplicate } else { Taken::Conflict })
    }

    /// Whether that event is there, with that content.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn has(&mut self, new: &NewUsageEvent) -> Result<bool> {
        let same = self.same.query_row(values(new), |row| row.get(0)).optional()?;
        Ok(same.unwrap_or(false))
    }
}

/// Day, id, meter, subscription, moment, value and properties.
type Values<'e> = (&'e str, &'e str, i64, i64, i64, &'e str, Option<&'e str>);

fn values<'e>(new: &NewUsageEvent<'e>) -> Values<'e> {
    let (meter, subscription) = (new.meter.0, new.subscription.0);
    (new.day, new.id, meter, subscription, new.at_us, new.value, new.properties)
}

/// Which events are listed.
#[derive(Debug, Clone, Default)]
pub struct UsageEventFilter {
    pub tenant: Option<TenantId>,
    pub subscription: Option<SubscriptionId>,
    pub meter: Option<MeterId>,
    pub since: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
    /// The newest so many.
    pub limit: Option<u32>,
}

/// An event as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUsage {
    pub id: String,
    pub day: NaiveDate,
    pub meter: String,
    pub meter_id: MeterId,
    pub aggregation: Aggregation,
    pub subscription: SubscriptionId,
    pub tenant_id: TenantId,
    pub tenant: String,
    pub at_us: i64,
    pub value: String,
    pub properties: Option<String>,
    pub voided_at: Option<String>,
    pub void_reason: Option<String>,
}

/// What of a subscription decides whether an event of it is taken.
#[derive(Debug, Clone)]
pub struct UsageSubscriber {
    pub id: SubscriptionId,
    pub tenant: TenantId,
    pub started_on: NaiveDate,
    /// The first day after its end, and when that was recorded: a day in the middle of which it ended counts
    /// until then, where it has a period.
    pub ends_on: Option<NaiveDate>,
    pub ended_at: Option<String>,
    /// The last day of its trial, whose usage is free.
    pub trial_ends_on: Option<NaiveDate>,
    /// The first day of what a run is to bill, where it is billed.
    pub bills_from: Option<NaiveDate>,
    /// The periods whose usage is known to be billed, or will be.
    pub rows: Vec<KnownRow>,
    /// What its plans offer.
    pub offers: Vec<MeterOffer>,
}

/// A period of usage, and the meters that it has prices for.
#[derive(Debug, Clone)]
pub struct KnownRow {
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    pub billed: bool,
    /// Each from the day on which the subscription has it.
    pub meters: Vec<(MeterId, NaiveDate)>,
}

impl KnownRow {
    /// Whether it has a price for the meter on that day, or with `None` on any.
    pub fn has(&self, meter: MeterId, on: Option<NaiveDate>) -> bool {
        let from = self.meters.iter().find(|(there, _)| *there == meter).map(|(_, from)| *from);
        from.is_some_and(|from| on.is_none_or(|day| from <= day))
    }
}

/// A meter that a plan of a subscription has a price for.
#[derive(Debug, Clone, Copy)]
pub struct MeterOffer {
    pub meter: MeterId,
    pub item: ItemId,
    pub price: PriceId,
    /// From this day on.
    pub from: NaiveDate,
}

/// Events with all that is shown of them.
macro_rules! events_query {
    ($rest:literal) => {
        concat!(
            "SELECT e.*, m.code AS meter, m.aggregation, s.tenant_id, t.slug AS tenant
             FROM usage_events e JOIN meters m ON m.id = e.meter_id
             JOIN subscriptions s ON s.id = e.subscription_id JOIN tenants t ON t.id = s.tenant_id ",
            $rest
        )
    };
}

impl Db<'_> {
    /// What writes events in this transaction.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn usage_writer(&self) -> Result<UsageWriter<'_>> {
        Ok(UsageWriter {
            insert: self.conn.prepare_cached(
                "INSERT INTO usage_events (day, id, meter_id, subscription_id, at_us, value,
                   properties)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
            )?,
            same: self.conn.prepare_cached(
                "SELECT meter_id = ?3 AND subscription_id = ?4 AND at_us = ?5 AND value = ?6
                   AND properties IS ?7
                 FROM usage_events WHERE day = ?1 AND id = ?2",
            )?,
        })
    }

    /// A number that is another one whenever another process has written.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn data_version(&self) -> Result<i64> {
        Ok(self.conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
    }

    /// Adds what new events of a day come to, to what is there.
    ///
    /// # Errors
    /// A sum that is too large, or a fault of the file.
    pub fn add_usage_total(
        &self,
        (subscription, meter, day): (SubscriptionId, MeterId, &str),
        aggregation: Aggregation,
        new: Total,
    ) -> Result<()> {
        let there = self.usage_total_of((subscription, meter, day))?.unwrap_or_default();
        let too_large = || Refusal::UsageTooLarge { subscription: subscription.to_string() };
        let sum = there.plus(new, aggregation).ok_or_else(too_large)?;
        self.write_usage_total((subscription, meter, day), &sum)
    }

    /// What is kept of a day.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn usage_total_of(
        &self,
        (subscription, meter, day): (SubscriptionId, MeterId, &str),
    ) -> Result<Option<Total>> {
        let mut find = self.conn.prepare_cached(
            "SELECT events, value, last_at_us, last_id FROM usage_totals
             WHERE subscription_id = ?1 AND meter_id = ?2 AND day = ?3",
        )?;
        Ok(find.query_row((subscription.0, meter.0, day), total).optional()?)
    }

    fn write_usage_total(
        &self,
        (subscription, meter, day): (SubscriptionId, MeterId, &str),
        sum: &Total,
    ) -> Result<()> {
        let (at, id) = match &sum.last {
            Some((at, id)) => (Some(*at), Some(id.as_str())),
            None => (None, None),
        };
        self.conn
            .prepare_cached(
                "INSERT INTO usage_totals (subscription_id, meter_id, day, events, value,
                   last_at_us, last_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT DO UPDATE SET events = excluded.events, value = excluded.value,
                   last_at_us = excluded.last_at_us, last_id = excluded.last_id",
            )?
            .execute((subscription.0, meter.0, day, sum.events, sum.value.to_string(), at, id))?;
        Ok(())
    }

    /// Counts a value of a meter that counts different ones; `by` is negative where an event was voided.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn count_usage_value(
        &self,
        (subscription, meter, day): (SubscriptionId, MeterId, &str),
        value: &str,
        by: i64,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO usage_values (subscription_id, meter_id, day, value, events)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET events = events + excluded.events",
            )?
            .execute((subscription.0, meter.0, day, value, by))?;
        Ok(())
    }

    /// Voids an event, and reckons its day anew.
    ///
    /// # Errors
    /// A sum that is too large, or a fault of the file.
    pub fn void_usage_event(&self, act: &Act, event: &ListedUsage, reason: &str) -> Result<()> {
        let day = event.day.to_string();
        self.conn
            .prepare_cached(
                "UPDATE usage_events SET voided_at = ?3, void_reason = ?4
                 WHERE day = ?1 AND id = ?2",
            )?
            .execute((&day, &event.id, act.at(), reason))?;
        let key = (event.subscription, event.meter_id, day.as_str());
        if event.aggregation == Aggregation::Unique {
            self.conn
                .prepare_cached(
                    "UPDATE usage_values SET events = events - 1
                     WHERE subscription_id = ?1 AND meter_id = ?2 AND day = ?3 AND value = ?4",
                )?
                .execute((key.0.0, key.1.0, key.2, &event.value))?;
        }
        let sum = self.usage_of_day(event, &day)?;
        self.write_usage_total(key, &sum)
    }

    /// What the events come to that a day has of the subscription and the meter of one of them.
    fn usage_of_day(&self, of: &ListedUsage, day: &str) -> Result<Total> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, at_us, value FROM usage_events
             WHERE day = ?1 AND subscription_id = ?2 AND meter_id = ?3 AND voided_at IS NULL",
        )?;
        let mut rows = statement.query((day, of.subscription.0, of.meter_id.0))?;
        let mut sum = Total::default();
        while let Some(row) = rows.next()? {
            let id: String = row.get("id")?;
            let value = match of.aggregation {
                Aggregation::Unique => Decimal::ZERO,
                _ => columns::word(row, "value")?,
            };
            let one = Total::of(of.aggregation, value, row.get("at_us")?, &id);
            let too_large = || Refusal::UsageTooLarge { subscription: of.subscription.to_string() };
            sum = sum.plus(one, of.aggregation).ok_or_else(too_large)?;
        }
        Ok(sum)
    }

    /// The event with that id on that day.
    ///
    /// # Errors
    /// There is none.
    pub fn usage_event(&self, day: NaiveDate, id: &str) -> Result<ListedUsage> {
        let mut statement =
            self.conn.prepare_cached(events_query!("WHERE e.day = ?1 AND e.id = ?2"))?;
        let found = statement.query_row((day.to_string(), id), listed).optional()?;
        found.ok_or_else(|| Refusal::NoUsageEvent { id: id.to_owned(), day })
    }

    /// Hands the events that the filter lets through to `each`, by day and moment; of a limit, the newest.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_usage_event(
        &self,
        filter: &UsageEventFilter,
        mut each: impl FnMut(ListedUsage) -> Result<()>,
    ) -> Result<()> {
        let days = self.usage_event_days(filter)?;
        let mut statement = self.conn.prepare_cached(events_query!(
            "WHERE e.day = ?1 AND (?2 IS NULL OR e.subscription_id = ?2)
               AND (?3 IS NULL OR e.meter_id = ?3) AND (?4 IS NULL OR s.tenant_id = ?4)
             ORDER BY e.at_us, e.id"
        ))?;
        let mut of_day = |day: &str| -> Result<Vec<ListedUsage>> {
            let key = (
                day,
                filter.subscription.map(|id| id.0),
                filter.meter.map(|id| id.0),
                filter.tenant.map(|id| id.0),
            );
            let found = statement.query_map(key, listed)?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        };
        let Some(limit) = filter.limit else {
            for day in days {
                of_day(&day)?.into_iter().try_for_each(&mut each)?;
            }
            return Ok(());
        };
        let mut newest: Vec<ListedUsage> = Vec::new();
        for day in days.iter().rev() {
            let left = limit as usize - newest.len();
            newest.extend(of_day(day)?.into_iter().rev().take(left));
            if newest.len() == limit as usize {
                break;
            }
        }
        newest.into_iter().rev().try_for_each(each)
    }

    /// The days on which there are events that the filter may let through.
    fn usage_event_days(&self, filter: &UsageEventFilter) -> Result<Vec<String>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT DISTINCT day FROM usage_totals
             WHERE (?1 IS NULL OR subscription_id = ?1) AND (?2 IS NULL OR meter_id = ?2)
               AND (?3 IS NULL OR day >= ?3) AND (?4 IS NULL OR day <= ?4)
             ORDER BY day",
        )?;
        let key = (
            filter.subscription.map(|id| id.0),
            filter.meter.map(|id| id.0),
            filter.since.map(|day| day.to_string()),
            filter.until.map(|day| day.to_string()),
        );
        let days = statement.query_map(key, |row| row.get(0))?;
        Ok(days.collect::<rusqlite::Result<_>>()?)
    }

    /// The subscriptions of a tenant, whether they run or not.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn subscriptions_of(&self, tenant: TenantId) -> Result<Vec<SubscriptionId>> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT id FROM subscriptions WHERE tenant_id = ?1 ORDER BY id")?;
        let found = statement.query_map([tenant.0], |row| Ok(SubscriptionId(row.get(0)?)))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// What of a subscription decides whether an event of it is taken; periods that ended before `since`
    /// are left out. `None` where there is no such subscription.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn usage_subscriber(
        &self,
        id: SubscriptionId,
        since: NaiveDate,
    ) -> Result<Option<UsageSubscriber>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT tenant_id, started_on, ends_on, next_billing_on, trial_ends_on,
               CASE WHEN status = 'active' THEN next_billing_on END AS bills_from,
               CASE WHEN status = 'canceled' THEN canceled_at END AS ended_at
             FROM subscriptions WHERE id = ?1",
        )?;
        let found = statement
            .query_row([id.0], |row| {
                let next: Option<NaiveDate> = columns::date_or_null(row, "next_billing_on")?;
                let subscriber = UsageSubscriber {
                    id,
                    tenant: TenantId(row.get("tenant_id")?),
                    started_on: columns::date(row, "started_on")?,
                    ends_on: columns::date_or_null(row, "ends_on")?,
                    ended_at: row.get("ended_at")?,
                    trial_ends_on: columns::date_or_null(row, "trial_ends_on")?,
                    bills_from: columns::date_or_null(row, "bills_from")?,
                    rows: Vec::new(),
                    offers: Vec::new(),
                };
                Ok((subscriber, next))
            })
            .optional()?;
        let Some((mut subscriber, next)) = found else { return Ok(None) };
        subscriber.rows = self.known_usage_rows(id, since)?;
        subscriber.offers = self.meter_offers(&subscriber, next)?;
        Ok(Some(subscriber))
    }

    fn known_usage_rows(&self, of: SubscriptionId, since: NaiveDate) -> Result<Vec<KnownRow>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT u.starts_on, u.ends_on, u.billed_at IS NOT NULL AS billed, p.meter_id,
               (SELECT min(h.since) FROM subscription_states h
                WHERE h.subscription_id = u.subscription_id AND h.plan_id = r.plan_id) AS since,
               (SELECT min(i.created_at) FROM invoices i
                WHERE i.subscription_id = u.subscription_id AND i.purpose = 'period'
                  AND i.status <> 'void' AND i.period_start = u.starts_on) AS billed_at
             FROM usage_periods u JOIN usage_prices p
               ON p.subscription_id = u.subscription_id AND p.starts_on = u.starts_on
             JOIN prices r ON r.id = p.price_id
             WHERE u.subscription_id = ?1 AND u.ends_on > ?2
             ORDER BY u.starts_on",
        )?;
        let mut rows = statement.query((of.0, since.to_string()))?;
        let mut known: Vec<KnownRow> = Vec::new();
        while let Some(row) = rows.next()? {
            let (starts_on, meter) = (columns::date(row, "starts_on")?, row.get("meter_id")?);
            let (since, billed_at): (Option<String>, Option<String>) =
                (row.get("since")?, row.get("billed_at")?);
            // What came with a change of a period that was billed before is had from that day on.
            let joined = since.zip(billed_at).is_some_and(|(since, billed)| since > billed);
            let since = columns::date_in(row, "since", self.zone)?.filter(|_| joined);
            let meter = (MeterId(meter), since.map_or(starts_on, |since| since.max(starts_on)));
            match known.last_mut().filter(|last| last.starts_on == starts_on) {
                Some(last) => last.meters.push(meter),
                None => known.push(KnownRow {
                    starts_on,
                    ends_on: columns::date(row, "ends_on")?,
                    billed: row.get("billed")?,
                    meters: vec![meter],
                }),
            }
        }
        Ok(known)
    }

    /// What the plans of a subscription offer, those of its first plan from its start on, of a later one
    /// since it has it, and of one that it changes to from `next` on.
    fn meter_offers(
        &self,
        of: &UsageSubscriber,
        next: Option<NaiveDate>,
    ) -> Result<Vec<MeterOffer>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT i.id AS item_id, r.id AS price_id, r.meter_id, 0 AS coming,
               (SELECT since FROM subscription_states h WHERE h.subscription_id = ?1
                  AND h.item_id = i.id AND h.plan_id = i.plan_id
                  AND h.id > (SELECT min(id) FROM subscription_states WHERE subscription_id = ?1)
                  AND NOT EXISTS (SELECT 1 FROM subscription_states f
                    WHERE f.subscription_id = ?1 AND f.item_id = i.id AND f.plan_id = i.plan_id
                      AND f.id < h.id)
                ORDER BY h.id LIMIT 1) AS since
             FROM subscription_items i JOIN prices b ON b.id = i.price_id
             JOIN prices r ON r.plan_id = i.plan_id AND r.currency = b.currency
             WHERE i.subscription_id = ?1 AND i.standing IN ('current', 'leaves')
               AND r.meter_id IS NOT NULL AND r.archived_at IS NULL
             UNION ALL
             SELECT i.id, r.id, r.meter_id, 1, NULL
             FROM subscription_items i JOIN prices b ON b.id = coalesce(i.pending_price_id, i.price_id)
             JOIN prices r
               ON r.plan_id = coalesce(i.pending_plan_id, i.plan_id) AND r.currency = b.currency
             WHERE i.subscription_id = ?1
               AND (i.pending_price_id IS NOT NULL OR i.standing = 'joins')
               AND r.meter_id IS NOT NULL AND r.archived_at IS NULL",
        )?;
        let mut rows = statement.query([of.id.0])?;
        let mut offers: BTreeMap<i64, MeterOffer> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let coming: bool = row.get("coming")?;
            let since = columns::date_in(row, "since", self.zone)?;
            let from = match (coming, since, next) {
                (true, _, Some(next)) => next,
                (true, _, None) => continue,
                (false, Some(since), _) => since,
                (false, None, _) => of.started_on,
            };
            let meter: i64 = row.get("meter_id")?;
            offers.entry(meter).or_insert(MeterOffer {
                meter: MeterId(meter),
                item: ItemId(row.get("item_id")?),
                price: PriceId(row.get("price_id")?),
                from,
            });
        }
        Ok(offers.into_values().collect())
    }

    /// Charges a meter in a period of usage that is under way, or was.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn join_meter(
        &self,
        subscription: SubscriptionId,
        starts_on: NaiveDate,
        offer: &MeterOffer,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO usage_prices (subscription_id, starts_on, meter_id, item_id, price_id)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
            )?
            .execute((
                subscription.0,
                starts_on.to_string(),
                offer.meter.0,
                offer.item.0,
                offer.price.0,
            ))?;
        Ok(())
    }
}

/// A total, from a row of `usage_totals`.
pub(super) fn total(row: &Row) -> rusqlite::Result<Total> {
    let at: Option<i64> = row.get("last_at_us")?;
    let id: Option<String> = row.get("last_id")?;
    Ok(Total { events: row.get("events")?, value: columns::word(row, "value")?, last: at.zip(id) })
}

fn listed(row: &Row) -> rusqlite::Result<ListedUsage> {
    Ok(ListedUsage {
        id: row.get("id")?,
        day: columns::date(row, "day")?,
        meter: row.get("meter")?,
        meter_id: MeterId(row.get("meter_id")?),
        aggregation: columns::word(row, "aggregation")?,
        subscription: SubscriptionId(row.get("subscription_id")?),
        tenant_id: TenantId(row.get("tenant_id")?),
        tenant: row.get("tenant")?,
        at_us: row.get("at_us")?,
        value: row.get("value")?,
        properties: row.get("properties")?,
        voided_at: row.get("voided_at")?,
        void_reason: row.get("void_reason")?,
    })
}
