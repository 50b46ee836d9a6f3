//! Subscriptions: a tenant's running agreement on a plan.

use chrono::NaiveDate;

use super::coupon::Redemption;
use super::period::{Anchor, Cycle, Period};
use super::plan::{Interval, Plan};
use super::price::{Price, PriceMove};
use super::tax::TaxBasis;
use super::tenant::SuspensionCause;
use super::{
    Currency, ItemId, Money, PlanId, Refusal, Result, SubscriptionId, TenantId, calendar, words,
};

words! {
    /// Where a subscription stands. `past_due` is derived: it is active, one of its invoices is
    /// overdue, and it is billed as before.
    SubscriptionStatus {
        Trialing = "trialing",
        Active = "active",
        PastDue = "past_due",
        /// Its customer asked that it rests: it is not billed meanwhile.
        Paused = "paused",
        Suspended = "suspended",
        Canceled = "canceled",
    }
}

words! {
    /// How its invoices are collected: charged to the default payment method, or sent.
    Collection { Automatic = "automatic", Invoice = "invoice" }
}

/// The most that a subscription may have of its plan.
pub const MOST_QUANTITY: i64 = 1_000_000;

/// An item of a subscription: so many of a plan, at one of its prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub id: ItemId,
    pub plan_id: PlanId,
    /// The plan's code and name.
    pub plan: String,
    pub plan_name: String,
    /// For a whole interval.
    pub price: Price,
    /// The prices that take its place, one after another.
    pub moves: Vec<PriceMove>,
    /// Whether the plan's prices are with tax.
    pub basis: TaxBasis,
    pub quantity: i64,
}

impl Item {
    /// So many of a plan at its price, which are not written yet.
    pub fn new(plan: &Plan, quantity: i64) -> Item {
        Item {
            id: ItemId::NEW,
            plan_id: plan.id,
            plan: plan.code.clone(),
            plan_name: plan.name.clone(),
            price: plan.price.clone(),
            moves: Vec::new(),
            basis: plan.basis,
            quantity,
        }
    }

    /// How many of its moves have come for a period that starts on that day.
    fn moved(&self, start: NaiveDate) -> usize {
        self.moves.iter().take_while(|to| to.from_on <= start).count()
    }

    /// It in a period that starts on that day, at the price that it has then.
    fn in_period(&self, start: NaiveDate) -> Item {
        match self.moved(start).checked_sub(1) {
            None => self.clone(),
            Some(last) => Item {
                price: self.moves[last].price.clone(),
                moves: self.moves[last + 1..].to_vec(),
                ..self.clone()
            },
        }
    }

    /// Whether the other is this item, as it is at another time.
    pub fn is_same(&self, other: &Item) -> bool {
        self.id == other.id && (self.id != ItemId::NEW || self.plan_id == other.plan_id)
    }

    /// What it comes to for a whole interval, before discount and tax.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn amount(&self) -> Result<Money> {
        self.price.amount(self.quantity)
    }
}

/// The items of a subscription, in their order: at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Items {
    first: Item,
    others: Vec<Item>,
}

impl Items {
    /// That item alone.
    pub fn one(item: Item) -> Items {
        Items { first: item, others: Vec::new() }
    }

    /// Those; `None` where there is none.
    pub fn of(items: impl IntoIterator<Item = Item>) -> Option<Items> {
        let mut items = items.into_iter();
        let first = items.next()?;
        Some(Items { first, others: items.collect() })
    }

    /// The item that the other is at another time.
    pub fn same(&self, other: &Item) -> Option<&Item> {
        self.iter().find(|item| item.is_same(other))
    }

    /// Adds an item behind the others.
    pub fn push(&mut self, item: Item) {
        self.others.push(item);
    }

    /// The first of them, which stands for the subscription where one plan is named.
    pub fn first(&self) -> &Item {
        &self.first
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Item> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// What is billed for a period: items of one interval and currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub items: Items,
    pub interval: Interval,
}

impl Terms {
    /// The first item.
    pub fn first(&self) -> &Item {
        self.items.first()
    }

    /// They in a period that starts on that day: at the prices that took the place of those that they
    /// have; `None` where these stay.
    pub fn moved(&self, start: NaiveDate) -> Option<Terms> {
        if self.items.iter().all(|item| item.moved(start) == 0) {
            return None;
        }
        let items = Items::of(self.items.iter().map(|item| item.in_period(start)))?;
        Some(Terms { items, interval: self.interval })
    }

    /// The names of the plans.
    pub fn names(&self) -> String {
        let names: Vec<_> = self.items.iter().map(|item| item.plan_name.as_str()).collect();
        names.join(", ")
    }

    /// What it is billed in.
    pub fn currency(&self) -> Currency {
        self.first().price.currency
    }

    /// Whether what it is billed is with tax: as the first item's plan says.
    pub fn basis(&self) -> TaxBasis {
        self.first().basis
    }

    /// What they come to for a whole interval, before discount and tax.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn amount(&self) -> Result<Money> {
        let mut sum = Money::zero(self.currency());
        for item in self.items.iter() {
            sum = sum.plus(item.amount()?)?;
        }
        Ok(sum)
    }
}

/// Why and since when a subscription is suspended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// RFC 3339, UTC.
    pub at: String,
    /// The day in the business time zone.
    pub on: NaiveDate,
    pub cause: SuspensionCause,
    /// What it was before: active, or on trial.
    pub from: SubscriptionStatus,
}

/// A rest of a subscription that its customer asked for, planned or begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Its first day: no period that starts on it or later is billed.
    pub from: NaiveDate,
    /// Its last day; `None`: it ends when somebody says so.
    pub until: Option<NaiveDate>,
    pub reason: Option<String>,
}

impl Pause {
    /// The day on which its subscription goes on by itself.
    pub fn goes_on_from(&self) -> Option<NaiveDate> {
        self.until.map(|last| calendar::plus_days(last, 1))
    }
}

/// Periods of a subscription that has ended which no run had billed: whole ones, as they would have
/// been billed in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unbilled {
    /// Where the first of them starts.
    pub from: NaiveDate,
    /// The last day on which one of them can have begun.
    pub until: NaiveDate,
}

/// A subscription as it stands.
#[derive(Debug, Clone)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub tenant_id: TenantId,
    pub tenant: String,
    /// As stored: never `past_due`.
    pub status: SubscriptionStatus,
    pub terms: Terms,
    /// What it changes to with the next period.
    pub pending: Option<Terms>,
    pub anchor: Anchor,
    pub cycle: Cycle,
    pub started_on: NaiveDate,
    /// The period that was billed last, or the trial.
    pub period: Option<Period>,
    /// When the next period starts that is to be billed; `None` on trial.
    pub next_billing_on: Option<NaiveDate>,
    /// The last free day.
    pub trial_ends_on: Option<NaiveDate>,
    pub trial_reminded_at: Option<String>,
    pub collection: Collection,
    /// Canceled, and running to the end of its period.
    pub cancel_at_period_end: bool,
    /// The first day after its end, once it is canceled.
    pub ends_on: Option<NaiveDate>,
    pub canceled_at: Option<String>,
    pub suspension: Option<Suspension>,
    pub pause: Option<Pause>,
    /// What had begun when its tenant was closed, and is not billed.
    pub unbilled: Option<Unbilled>,
    /// The coupon that was applied to it last, used up or not.
    pub coupon: Option<Redemption>,
    /// The first day after what was billed before it was imported.
    pub billed_elsewhere_until: Option<NaiveDate>,
    /// The row that it was imported from, as JSON.
    pub imported: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

impl Subscription {
    /// Whether its periods that are to be billed anew wait for its return: it is suspended, and does not end
    /// with this day's run, after which nobody would bill them.
    pub fn waits_to_be_billed(&self, today: NaiveDate) -> bool {
        let ends = self.ends_on.is_some_and(|on| on <= today);
        self.status == SubscriptionStatus::Suspended && !ends
    }

    /// Where it stands on `today`: one whose end has come is canceled, also before the run that
    /// records it; one with an invoice overdue is past due.
    pub fn status_on(&self, today: NaiveDate, has_overdue: bool) -> SubscriptionStatus {
        match self.status {
            _ if self.ends_on.is_some_and(|on| on <= today) => SubscriptionStatus::Canceled,
            SubscriptionStatus::Active if has_overdue => SubscriptionStatus::PastDue,
            status => status,
        }
    }

    /// Whether it was on trial when it was suspended, for another reason than that its trial
    /// ended: then it comes back to its trial.
    pub fn comes_back_to_trial(&self) -> bool {
        self.suspension.as_ref().is_some_and(|suspension| {
            suspension.from == SubscriptionStatus::Trialing
                && suspension.cause != SuspensionCause::Trial
        })
    }

    /// What is billed for the next period: what it changes to, else what it has.
    pub fn coming_terms(&self) -> &Terms {
        self.pending.as_ref().unwrap_or(&self.terms)
    }

    /// Whether its invoices are charged by themselves.
    pub fn is_automatic(&self) -> bool {
        self.collection == Collection::Automatic
    }

    /// Whether an invoice of it may follow: its end is not recorded, or what had begun by then is not
    /// billed.
    pub fn is_running(&self) -> bool {
        self.status != SubscriptionStatus::Canceled || self.unbilled.is_some()
    }

    /// Checks that it has not ended.
    ///
    /// # Errors
    /// It has.
    pub fn check_running(&self, today: NaiveDate) -> Result<()> {
        match self.status_on(today, false) {
            SubscriptionStatus::Canceled => {
                Err(Refusal::SubscriptionCanceled { subscription: self.id.to_string() })
            }
            _ => Ok(()),
        }
    }
}

/// Checks that an invoice of a subscription is still to come: it has not ended, and does not run
/// out with what is billed.
///
/// # Errors
/// It has, or does.
pub fn check_period_follows(subscription: &Subscription, today: NaiveDate) -> Result<()> {
    subscription.check_running(today)?;
    match (subscription.ends_on, subscription.next_billing_on) {
        (Some(ends_on), Some(next)) if next >= ends_on => {
            Err(Refusal::NoNextPeriod { subscription: subscription.id.to_string(), ends_on })
        }
        // On trial: it ends with it.
        (Some(ends_on), None) => {
            Err(Refusal::NoNextPeriod { subscription: subscription.id.to_string(), ends_on })
        }
        _ => Ok(()),
    }
}

/// What a pause is asked for with.
#[derive(Debug, Clone, Default)]
pub struct NewPause {
    /// Its first day; `None`: the end of what is billed.
    pub from: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
    pub reason: Option<String>,
}

/// When a cancellation takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Now,
    PeriodEnd,
}

/// Checks that a cancellation can be taken back: it has not taken effect.
///
/// # Errors
/// It has, or there is none.
pub fn check_resumable(subscription: &Subscription, today: NaiveDate) -> Result<()> {
    subscription.check_running(today)?;
    match subscription.cancel_at_period_end {
        true => Ok(()),
        false => Err(Refusal::NotCanceled { subscription: subscription.id.to_string() }),
    }
}

/// An active subscription to one of a plan for 49.90 EUR that begins on `start` and was never
/// billed: what tests start from.
#[cfg(test)]
pub(super) fn example(anchor: Anchor, start: NaiveDate, interval: Interval) -> Subscription {
    Subscription {
        id: SubscriptionId(1),
        tenant_id: TenantId(1),
        tenant: "acme".into(),
        status: SubscriptionStatus::Active,
        terms: example_terms(interval, Money::from_minor(4990, "EUR".parse().unwrap()), 1),
        pending: None,
        anchor,
        cycle: Cycle::starting(anchor, start, interval),
        started_on: start,
        period: None,
        next_billing_on: Some(start),
        trial_ends_on: None,
        trial_reminded_at: None,
        collection: Collection::Invoice,
        cancel_at_period_end: false,
        ends_on: None,
        canceled_at: None,
        suspension: None,
        pause: None,
        unbilled: None,
        coupon: None,
        billed_elsewhere_until: None,
        imported: None,
        created_at: String::new(),
        updated_at: String::new(),
    }
}

/// So many of a plan at that price.
#[cfg(test)]
pub(super) fn example_terms(interval: Interval, price: Money, quantity: i64) -> Terms {
    let item = Item {
        id: ItemId(1),
        plan_id: PlanId(1),
        plan: "pro".into(),
        plan_name: "Pro".into(),
        price: super::price::example(price),
        moves: Vec::new(),
        basis: TaxBasis::Exclusive,
        quantity,
    };
    Terms { items: Items::one(item), interval }
}

#[cfg(test)]
mod tests;
