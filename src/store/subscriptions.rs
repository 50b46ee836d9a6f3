//! The rows of subscriptions: their terms and their periods. What is written is in [`changes`].

mod changes;
mod items;

use chrono::NaiveDate;
use rusqlite::{OptionalExtension, Row, Rows};

use super::invoices::is_overdue;
use super::plans::price_columns;
use super::{Db, columns};
use crate::domain::period::{Cycle, Period};
use crate::domain::subscription::{Items, Pause, Subscription, Suspension, Terms, Unbilled};
use crate::domain::{PlanId, Refusal, Result, SubscriptionId, TenantId};
use items::ItemRow;

pub use changes::{Begins, Billed, NewSubscription};
pub use items::NewItem;

/// Which subscriptions are read.
#[derive(Debug, Clone, Default)]
pub struct SubscriptionFilter {
    pub tenant: Option<TenantId>,
    pub order: Order,
}

/// In which order they are read.
#[derive(Debug, Clone, Copy, Default)]
pub enum Order {
    #[default]
    OldestFirst,
    NewestFirst,
}

/// Where a scan of what is due stands: the last row that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueSubscription {
    pub on: NaiveDate,
    pub id: SubscriptionId,
}

/// Subscriptions, a row an item; those of one subscription stand together, in their order.
macro_rules! subscription_query {
    ($rest:literal) => {
        subscription_query!("", $rest)
    };
    ($index:literal, $rest:literal) => {
        concat!(
            "SELECT s.*, t.slug AS tenant,
                    EXISTS (SELECT 1 FROM redemptions WHERE subscription_id = s.id
                      AND subscription_id IS NOT NULL AND returned_at IS NULL) AS redeemed,
                    i.id AS item_id, i.standing, i.quantity,
                    EXISTS (SELECT 1 FROM price_moves WHERE old_price_id = i.price_id) AS moves,
                    EXISTS (SELECT 1 FROM price_moves WHERE old_price_id = i.pending_price_id)
                      AS next_moves, p.id AS plan_id, p.code, p.name, p.interval,
                    p.interval_count, p.tax_inclusive, ",
            price_columns!("r", "price"),
            ", i.pending_quantity, n.id AS next_plan_id, n.code AS next_code,
                    n.name AS next_name, n.interval AS next_interval,
                    n.interval_count AS next_interval_count,
                    n.tax_inclusive AS next_tax_inclusive, ",
            price_columns!("m", "next_price"),
            " FROM subscriptions s ",
            $index,
            " JOIN tenants t ON t.id = s.tenant_id
             JOIN subscription_items i ON i.subscription_id = s.id AND i.standing <> 'removed'
             JOIN plans p ON p.id = i.plan_id JOIN prices r ON r.id = i.price_id
             LEFT JOIN plans n ON n.id = i.pending_plan_id
             LEFT JOIN prices m ON m.id = i.pending_price_id ",
            $rest
        )
    };
}

impl Db<'_> {
    /// Hands the subscriptions in rows of [`subscription_query`] to `each`, until it says `false`.
    ///
    /// A coupon is read for itself, and only where there is one: joined to each row, it made a run
    /// that bills subscriptions without coupons 3 % slower.
    fn read_subscriptions(
        &self,
        mut rows: Rows,
        mut each: impl FnMut(Subscription) -> Result<bool>,
    ) -> Result<()> {
        let mut current: Option<(Subscription, Vec<ItemRow>)> = None;
        while let Some(row) = rows.next()? {
            let id = SubscriptionId(row.get("id")?);
            let item = self.item_row(row)?;
            if let Some((_, same)) = current.as_mut().filter(|(current, _)| current.id == id) {
                same.push(item);
                continue;
            }
            let mut next = subscription(row, &item)?;
            if row.get("redeemed")? {
                next.coupon = self.last_redemption(id)?;
            }
            if let Some((done, items)) = current.replace((next, vec![item]))
                && !each(items::with_terms(done, items))?
            {
                return Ok(());
            }
        }
        match current {
            Some((last, items)) => each(items::with_terms(last, items)).map(drop),
            None => Ok(()),
        }
    }

    /// The first of the subscriptions in rows of [`subscription_query`].
    fn first_subscription(&self, rows: Rows) -> Result<Option<Subscription>> {
        let mut first = None;
        self.read_subscriptions(rows, |found| {
            first = Some(found);
            Ok(false)
        })?;
        Ok(first)
    }

    /// The subscription with that id.
    ///
    /// # Errors
    /// There is none.
    pub fn subscription(&self, id: SubscriptionId) -> Result<Subscription> {
        let mut statement =
            self.conn.prepare_cached(subscription_query!("WHERE s.id = ?1 ORDER BY i.position"))?;
        let found = self.first_subscription(statement.query([id.0])?)?;
        found.ok_or_else(|| Refusal::NotFound {
            noun: "subscription",
            name: id.to_string(),
            near: None,
        })
    }

    /// Hands each subscription to `each`, in the order in which they were made or, as the filter
    /// says, the newest first, until it says `false`.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_subscription(
        &self,
        filter: &SubscriptionFilter,
        each: impl FnMut(Subscription) -> Result<bool>,
    ) -> Result<()> {
        let sql = match (filter.tenant, filter.order) {
            (Some(_), Order::OldestFirst) => {
                subscription_query!("WHERE s.tenant_id = ?1 ORDER BY s.id, i.position")
            }
            (Some(_), Order::NewestFirst) => {
                subscription_query!("WHERE s.tenant_id = ?1 ORDER BY s.id DESC, i.position")
            }
            (None, Order::OldestFirst) => {
                subscription_query!("WHERE ?1 IS NULL ORDER BY s.id, i.position")
            }
            (None, Order::NewestFirst) => {
                subscription_query!("WHERE ?1 IS NULL ORDER BY s.id DESC, i.position")
            }
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        self.read_subscriptions(statement.query([filter.tenant.map(|id| id.0)])?, each)
    }

    /// The subscriptions of a tenant that run: a suspension of the tenant suspends these.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn running_subscriptions(&self, tenant: TenantId) -> Result<Vec<SubscriptionId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id FROM subscriptions
             WHERE tenant_id = ?1 AND status IN ('active', 'trialing') ORDER BY id",
        )?;
        let found = statement.query_map([tenant.0], |row| Ok(SubscriptionId(row.get(0)?)))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// The subscriptions of a tenant that have not ended: its closing ends these.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn live_subscriptions(&self, tenant: TenantId) -> Result<Vec<Subscription>> {
        let mut statement = self.conn.prepare_cached(subscription_query!(
            "WHERE s.tenant_id = ?1 AND s.status <> 'canceled' ORDER BY s.id, i.position"
        ))?;
        let mut found = Vec::new();
        self.read_subscriptions(statement.query([tenant.0])?, |subscription| {
            found.push(subscription);
            Ok(true)
        })?;
        Ok(found)
    }

    /// The subscriptions of a tenant that are suspended.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn suspended_subscriptions(&self, tenant: TenantId) -> Result<Vec<Subscription>> {
        let mut statement = self.conn.prepare_cached(subscription_query!(
            "WHERE s.tenant_id = ?1 AND s.status = 'suspended' ORDER BY s.id, i.position"
        ))?;
        let mut found = Vec::new();
        self.read_subscriptions(statement.query([tenant.0])?, |subscription| {
            found.push(subscription);
            Ok(true)
        })?;
        Ok(found)
    }

    /// The newest subscription there is; 0 where there is none.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn newest_subscription(&self) -> Result<SubscriptionId> {
        let newest = "SELECT coalesce(max(id), 0) FROM subscriptions";
        Ok(SubscriptionId(self.conn.query_row(newest, [], |row| row.get(0))?))
    }

    /// The subscriptions of a tenant on a plan that started on that day, imported ones first: those
    /// that rows of an import name.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn find_subscriptions(
        &self,
        tenant: TenantId,
        plan: PlanId,
        started_on: NaiveDate,
    ) -> Result<Vec<Subscription>> {
        let mut statement = self.conn.prepare_cached(subscription_query!(
            // A plan has any number of subscriptions, a tenant has few.
            "INDEXED BY subscriptions_tenant",
            "WHERE s.tenant_id = ?1 AND s.started_on = ?3
               AND EXISTS (SELECT 1 FROM subscription_items
                 WHERE subscription_id = s.id AND plan_id = ?2)
             ORDER BY s.imported IS NULL, s.id, i.position"
        ))?;
        let mut found = Vec::new();
        let rows = statement.query((tenant.0, plan.0, started_on.to_string()))?;
        self.read_subscriptions(rows, |subscription| {
            found.push(subscription);
            Ok(true)
        })?;
        Ok(found)
    }

    /// Whether one of a subscription's invoices is open and was due before `today`.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn has_overdue(&self, of: &Subscription, today: NaiveDate) -> Result<bool> {
        // Found among what its tenant owes: the index of periods does not hold every invoice.
        Ok(self
            .conn
            .prepare_cached(concat!(
                "SELECT EXISTS (SELECT 1 FROM invoices i INDEXED BY invoices_open
                   WHERE i.tenant_id = ?1 AND i.subscription_id = ?3 AND ",
                is_overdue!("i", "?2"),
                ")"
            ))?
            .query_row((of.tenant_id.0, today.to_string(), of.id.0), |row| row.get(0))?)
    }

    /// Whether the tenant ever had a trial of that plan.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn had_trial(&self, tenant: TenantId, plan: PlanId) -> Result<bool> {
        Ok(self
            .conn
            .prepare_cached(
                // By what each subscription was at any time: a trial of one plan that was changed
                // to another is still a trial of the first.
                "SELECT EXISTS (
                   SELECT 1 FROM subscriptions s
                   JOIN subscription_states h ON h.subscription_id = s.id
                   WHERE s.tenant_id = ?1 AND s.trial_ends_on IS NOT NULL AND h.plan_id = ?2
                     AND (h.status = 'trialing' OR s.imported IS NOT NULL)
                 )",
            )?
            .query_row((tenant.0, plan.0), |row| row.get(0))?)
    }

    /// Whether another subscription of the tenant runs on `today`: active, or on trial. A trial that
    /// is over counts until its own end is recorded, so that it is told and counted for itself
    /// before its tenant is suspended with the last of them.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn has_another_running(
        &self,
        tenant: TenantId,
        but: SubscriptionId,
        today: NaiveDate,
    ) -> Result<bool> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM subscriptions WHERE tenant_id = ?1 AND id <> ?2
                   AND (ends_on IS NULL OR ends_on > ?3)
                   AND status IN ('active', 'trialing'))",
            )?
            .query_row((tenant.0, but.0, today.to_string()), |row| row.get(0))?)
    }

    /// The first day after what live invoices of the subscription, or bills before its import,
    /// cover; also those that the next run issues again.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn billed_until(&self, subscription: &Subscription) -> Result<Option<NaiveDate>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT coalesce(billed_until, period_end) AS until FROM invoices
             WHERE subscription_id = ?1 AND purpose = 'period' AND status <> 'void'
               AND (billed_until IS NULL OR billed_until > period_start)
             ORDER BY period_start DESC LIMIT 1",
        )?;
        let row = statement.query_row([subscription.id.0], |row| columns::date(row, "until"));
        let reopened = self.reopened_of(subscription.id)?;
        let reopened = reopened.iter().filter_map(|void| void.period).map(|(_, end)| end).max();
        Ok(row.optional()?.max(subscription.billed_elsewhere_until).max(reopened))
    }

    /// Where the periods of a subscription began anew last.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn last_beginning(&self, id: SubscriptionId) -> Result<Option<NaiveDate>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT starts_on FROM billing_starts WHERE subscription_id = ?1
             ORDER BY starts_on DESC LIMIT 1",
        )?;
        let row = statement.query_row([id.0], |row| columns::date(row, "starts_on"));
        Ok(row.optional()?)
    }

    /// A page of active subscriptions whose next period starts on or before `until`, after
    /// `after`, by that day and id.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn due_for_billing(
        &self,
        until: NaiveDate,
        after: Option<DueSubscription>,
        limit: usize,
    ) -> Result<Vec<DueSubscription>> {
        self.due(
            "SELECT next_billing_on AS due_on, id FROM subscriptions
             INDEXED BY subscriptions_next_billing
             WHERE status = 'active' AND next_billing_on IS NOT NULL AND next_billing_on <= ?1
               AND (next_billing_on, id) > (?2, ?3)
             ORDER BY next_billing_on, id LIMIT ?4",
            until,
            after,
            limit,
        )
    }

    /// A page of subscriptions that were canceled and whose end came on or before `until`.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn ending(
        &self,
        until: NaiveDate,
        after: Option<DueSubscription>,
        limit: usize,
    ) -> Result<Vec<DueSubscription>> {
        self.due(
            "SELECT ends_on AS due_on, id FROM subscriptions INDEXED BY subscriptions_ending
             WHERE cancel_at_period_end = 1 AND status <> 'canceled' AND ends_on <= ?1
               AND (ends_on, id) > (?2, ?3)
             ORDER BY ends_on, id LIMIT ?4",
            until,
            after,
            limit,
        )
    }

    /// A page of active subscriptions whose pause begins on or before `until`.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn pausing(
        &self,
        until: NaiveDate,
        after: Option<DueSubscription>,
        limit: usize,
    ) -> Result<Vec<DueSubscription>> {
        self.due(
            "SELECT pause_from AS due_on, id FROM subscriptions INDEXED BY subscriptions_pausing
             WHERE status = 'active' AND pause_from IS NOT NULL AND pause_from <= ?1
               AND (pause_from, id) > (?2, ?3)
             ORDER BY pause_from, id LIMIT ?4",
            until,
            after,
            limit,
        )
    }

    /// A page of paused subscriptions whose last paused day lies before `today`.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn resuming(
        &self,
        today: NaiveDate,
        after: Option<DueSubscription>,
        limit: usize,
    ) -> Result<Vec<DueSubscription>> {
        self.due(
            "SELECT pause_until AS due_on, id FROM subscriptions INDEXED BY subscriptions_resuming
             WHERE status = 'paused' AND pause_until IS NOT NULL AND pause_until < ?1
               AND (pause_until, id) > (?2, ?3)
             ORDER BY pause_until, id LIMIT ?4",
            today,
            after,
            limit,
        )
    }

    /// A page of subscriptions that ended before what had begun of them was billed, by where that
    /// starts.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn ended_unbilled(
        &self,
        until: NaiveDate,
        after: Option<DueSubscription>,
        limit: usize,
    ) -> Result<Vec<DueSubscription>> {
        self.due(
            "SELECT unbilled_from AS due_on, id FROM subscriptions INDEXED BY subscriptions_unbilled
             WHERE unbilled_from IS NOT NULL AND unbilled_from <= ?1
               AND (unbilled_from, id) > (?2, ?3)
             ORDER BY unbilled_from, id LIMIT ?4",
            until,
            after,
            limit,
        )
    }

    /// A page of trials whose last day lies on or before `until`.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn trials_until(
        &self,
        until: NaiveDate,
        after: Option<DueSubscription>,
        limit: usize,
    ) -> Result<Vec<DueSubscription>> {
        self.due(
            "SELECT trial_ends_on AS due_on, id FROM subscriptions INDEXED BY subscriptions_trials
             WHERE status = 'trialing' AND trial_ends_on <= ?1 AND (trial_ends_on, id) > (?2, ?3)
             ORDER BY trial_ends_on, id LIMIT ?4",
            until,
            after,
            limit,
        )
    }

    fn due(
        &self,
        sql: &str,
        until: NaiveDate,
        after: Option<DueSubscription>,
        limit: usize,
    ) -> Result<Vec<DueSubscription>> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let (on, id) = after.map_or((String::new(), 0), |key| (key.on.to_string(), key.id.0));
        let keys = statement.query_map((until.to_string(), on, id, limit as i64), |row| {
            let on = columns::date(row, "due_on")?;
            Ok(DueSubscription { on, id: SubscriptionId(row.get("id")?) })
        })?;
        Ok(keys.collect::<rusqlite::Result<_>>()?)
    }
}

/// A subscription but for its terms, of which it has that item for now, and its coupon.
fn subscription(row: &Row, item: &ItemRow) -> rusqlite::Result<Subscription> {
    let interval = item.interval;
    let period = columns::date_or_null(row, "current_period_start")?
        .zip(columns::date_or_null(row, "current_period_end")?)
        .map(|(start, end)| Period { start, end });
    let suspension = match columns::word_or_null(row, "suspension_cause")? {
        None => None,
        Some(cause) => Some(Suspension {
            at: row.get("suspended_at")?,
            on: columns::date(row, "suspended_on")?,
            cause,
            from: columns::word(row, "suspended_from")?,
        }),
    };
    Ok(Subscription {
        id: SubscriptionId(row.get("id")?),
        tenant_id: TenantId(row.get("tenant_id")?),
        tenant: row.get("tenant")?,
        status: columns::word(row, "status")?,
        terms: Terms { items: Items::one(item.item.clone()), interval },
        pending: None,
        anchor: columns::word(row, "anchor")?,
        cycle: Cycle {
            anchor_on: columns::date(row, "anchor_on")?,
            anchor_day: row.get("anchor_day")?,
            interval,
        },
        started_on: columns::date(row, "started_on")?,
        period,
        next_billing_on: columns::date_or_null(row, "next_billing_on")?,
        trial_ends_on: columns::date_or_null(row, "trial_ends_on")?,
        trial_reminded_at: row.get("trial_reminded_at")?,
        collection: columns::word(row, "collection")?,
        cancel_at_period_end: row.get("cancel_at_period_end")?,
        ends_on: columns::date_or_null(row, "ends_on")?,
        canceled_at: row.get("canceled_at")?,
        suspension,
        pause: match columns::date_or_null(row, "pause_from")? {
            None => None,
            Some(from) => Some(Pause {
                from,
                until: columns::date_or_null(row, "pause_until")?,
                reason: row.get("pause_reason")?,
            }),
        },
        unbilled: columns::date_or_null(row, "unbilled_from")?
            .zip(columns::date_or_null(row, "unbilled_until")?)
            .map(|(from, until)| Unbilled { from, until }),
        coupon: None,
        billed_elsewhere_until: columns::date_or_null(row, "billed_elsewhere_until")?,
        imported: row.get("imported")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
