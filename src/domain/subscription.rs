//! Subscriptions: a tenant's running agreement on a plan.

use chrono::NaiveDate;

use super::coupon::Redemption;
use super::plan::{Interval, Plan};
use super::recurrence::{self, Cycle, Period};
use super::tenant::SuspensionCause;
use super::{Money, PlanId, Refusal, Result, SubscriptionId, TenantId, words};

words! {
    /// Where a subscription stands. `past_due` is derived: it is active, one of its invoices is
    /// overdue, and it is billed as before.
    SubscriptionStatus {
        Trialing = "trialing",
        Active = "active",
        PastDue = "past_due",
        Suspended = "suspended",
        Canceled = "canceled",
    }
}

words! {
    /// What its periods start on: the 1st of the month, or the day on which it began.
    Anchor { Calendar = "calendar", Anniversary = "anniversary" }
}

words! {
    /// How its invoices are collected: charged to the default payment method, or sent.
    Collection { Automatic = "automatic", Invoice = "invoice" }
}

/// The most that a subscription may have of its plan.
pub const MOST_QUANTITY: i64 = 1_000_000;

/// What is billed for a period: so many of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub plan_id: PlanId,
    /// The plan's code and name.
    pub plan: String,
    pub plan_name: String,
    /// Of one for a whole interval.
    pub price: Money,
    pub interval: Interval,
    pub quantity: i64,
}

impl Terms {
    /// So many of that plan.
    pub fn of(plan: &Plan, quantity: i64) -> Terms {
        Terms {
            plan_id: plan.id,
            plan: plan.code.clone(),
            plan_name: plan.name.clone(),
            price: plan.price,
            interval: plan.interval,
            quantity,
        }
    }
}

/// Why and since when a subscription is suspended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// RFC 3339, UTC.
    pub at: String,
    /// The day in the business time zone.
    pub on: NaiveDate,
    pub cause: SuspensionCause,
    /// What it was before: active, or on trial.
    pub from: SubscriptionStatus,
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
    pub pause: Option<Pause>,
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
        self.pause.as_ref().is_some_and(|pause| {
            pause.from == SubscriptionStatus::Trialing && pause.cause != SuspensionCause::Trial
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

    /// Whether an invoice of it may follow: its end is not recorded.
    pub fn is_running(&self) -> bool {
        self.status != SubscriptionStatus::Canceled
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

/// What `subscription change` asks for.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub plan: Option<Plan>,
    pub quantity: Option<i64>,
}

/// The terms that a subscription changes to with its next period; `None` where the change takes
/// back what was pending. What is not named stays as it is pending, or as it is.
///
/// # Errors
/// It is canceled, or runs out at the end of its period; the plan is archived or in another
/// currency; nothing would change.
pub fn change(
    subscription: &Subscription,
    change: &Change,
    today: NaiveDate,
) -> Result<Option<Terms>> {
    subscription.check_running(today)?;
    if subscription.cancel_at_period_end {
        let (subscription, on) = (subscription.id.to_string(), subscription.ends_on);
        return Err(Refusal::NoNextPeriod { subscription, ends_on: on.unwrap_or(today) });
    }
    let wanted = subscription.coming_terms();
    let quantity = change.quantity.unwrap_or(wanted.quantity);
    let mut wanted = Terms { quantity, ..wanted.clone() };
    if let Some(plan) = &change.plan {
        // Going back to the plan that it is on is no new contract on it.
        if plan.archived_at.is_some() && plan.id != subscription.terms.plan_id {
            return Err(Refusal::PlanArchived { plan: plan.code.clone() });
        }
        let (one, other) = (subscription.terms.price.currency(), plan.price.currency());
        if one != other {
            return Err(Refusal::PlanCurrency { plan: plan.code.clone(), has: other, needs: one });
        }
        wanted = Terms::of(plan, quantity);
    }
    wanted.price.times(wanted.quantity)?;
    if subscription.coming_terms() == &wanted {
        return Err(Refusal::NothingToChange { subscription: subscription.id.to_string() });
    }
    Ok((wanted != subscription.terms).then_some(wanted))
}

/// When a cancellation takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Now,
    PeriodEnd,
}

/// The first day after the end of a subscription that is canceled today.
///
/// # Errors
/// It is canceled already; with `PeriodEnd` also where it is to end then anyhow.
pub fn cancel(subscription: &Subscription, when: When, today: NaiveDate) -> Result<NaiveDate> {
    let canceled = || Refusal::SubscriptionCanceled { subscription: subscription.id.to_string() };
    match (when, subscription.status) {
        (_, SubscriptionStatus::Canceled) => Err(canceled()),
        // Also one whose end has come and is not recorded, because what it owes is held back.
        (When::Now, _) => Ok(subscription.ends_on.map_or(today, |on| on.min(today))),
        (When::PeriodEnd, _) if subscription.cancel_at_period_end => Err(canceled()),
        (When::PeriodEnd, _) => Ok(recurrence::period_end_after(subscription, today)),
    }
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
        terms: Terms {
            plan_id: PlanId(1),
            plan: "pro".into(),
            plan_name: "Pro".into(),
            price: Money::from_minor(4990, "EUR".parse().unwrap()),
            interval,
            quantity: 1,
        },
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
        pause: None,
        coupon: None,
        billed_elsewhere_until: None,
        imported: None,
        created_at: String::new(),
        updated_at: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;
    use crate::domain::plan::IntervalUnit;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn plan(id: i64, code: &str, currency: &str) -> Plan {
        Plan {
            id: PlanId(id),
            code: code.to_owned(),
            name: code.to_owned(),
            price: Money::from_minor(4990, currency.parse::<Currency>().unwrap()),
            interval: Interval { unit: IntervalUnit::Month, count: 1 },
            trial_days: 0,
            archived_at: None,
            created_at: String::new(),
            updated_at: String::new(),
        }
    }

    /// Two of the plan `pro`, billed for March 2026.
    fn two_of_pro() -> Subscription {
        let terms = Terms::of(&plan(1, "pro", "EUR"), 2);
        let march = Period { start: day("2026-03-01"), end: day("2026-04-01") };
        Subscription {
            period: Some(march),
            next_billing_on: Some(march.end),
            terms: terms.clone(),
            ..example(Anchor::Calendar, march.start, terms.interval)
        }
    }

    const TODAY: &str = "2026-03-20";

    fn to(plan: Option<Plan>, quantity: Option<i64>) -> Change {
        Change { plan, quantity }
    }

    #[test]
    fn what_a_change_does_not_name_stays_as_it_is_or_is_to_be() {
        let mut subscription = two_of_pro();
        let big = plan(2, "big", "EUR");
        let changed = change(&subscription, &to(Some(big), None), day(TODAY)).unwrap().unwrap();
        assert_eq!((changed.plan.as_str(), changed.quantity), ("big", 2));
        subscription.pending = Some(changed);
        let changed = change(&subscription, &to(None, Some(5)), day(TODAY)).unwrap().unwrap();
        assert_eq!((changed.plan.as_str(), changed.quantity), ("big", 5));
    }

    #[test]
    fn a_change_back_takes_the_pending_one_back() {
        let mut subscription = two_of_pro();
        subscription.pending = Some(Terms::of(&plan(2, "big", "EUR"), 2));
        // Also where the plan that it is on was archived meanwhile.
        let archived_at = Some("2026-03-10T12:00:00Z".to_owned());
        let pro = Plan { archived_at, ..plan(1, "pro", "EUR") };
        assert_eq!(change(&subscription, &to(Some(pro), None), day(TODAY)), Ok(None));
    }

    #[test]
    fn a_plan_that_is_archived_or_in_another_currency_or_the_same_is_refused() {
        let subscription = two_of_pro();
        let archived = Plan { archived_at: Some(String::new()), ..plan(2, "old", "EUR") };
        let refused = |wanted| change(&subscription, &wanted, day(TODAY)).unwrap_err();
        let archived = refused(to(Some(archived), None));
        assert!(matches!(archived, Refusal::PlanArchived { .. }), "{archived:?}");
        let currency = refused(to(Some(plan(3, "cfa", "XOF")), None));
        assert!(matches!(currency, Refusal::PlanCurrency { .. }), "{currency:?}");
        let same = refused(to(Some(plan(1, "pro", "EUR")), Some(2)));
        assert!(matches!(same, Refusal::NothingToChange { .. }), "{same:?}");
    }

    #[test]
    fn it_is_canceled_once_its_end_has_come_also_before_a_run_records_it() {
        let mut subscription = two_of_pro();
        let ends_on = cancel(&subscription, When::PeriodEnd, day(TODAY)).unwrap();
        assert_eq!(ends_on, day("2026-04-01"));
        (subscription.cancel_at_period_end, subscription.ends_on) = (true, Some(ends_on));
        let status = |today: &str| subscription.status_on(day(today), false);
        assert_eq!(status("2026-03-31"), SubscriptionStatus::Active);
        assert_eq!(status("2026-04-01"), SubscriptionStatus::Canceled);
        assert!(check_resumable(&subscription, day("2026-03-31")).is_ok());
        assert!(check_resumable(&subscription, day("2026-04-01")).is_err());
        // At once is still possible, and twice at the period's end is not.
        assert_eq!(cancel(&subscription, When::Now, day(TODAY)), Ok(day(TODAY)));
        assert!(cancel(&subscription, When::PeriodEnd, day(TODAY)).is_err());
    }

    #[test]
    fn past_due_is_active_with_an_invoice_overdue() {
        let mut subscription = two_of_pro();
        assert_eq!(subscription.status_on(day(TODAY), true), SubscriptionStatus::PastDue);
        subscription.status = SubscriptionStatus::Suspended;
        assert_eq!(subscription.status_on(day(TODAY), true), SubscriptionStatus::Suspended);
    }

    #[test]
    fn a_trial_is_announced_once_and_ends_on_the_day_after_its_last() {
        use crate::domain::trial::{Action, Policy, decide};
        let mut trial = two_of_pro();
        (trial.status, trial.trial_ends_on) =
            (SubscriptionStatus::Trialing, Some(day("2026-03-20")));
        let decided = |trial: &Subscription, today: &str, converts| {
            decide(trial, Policy { reminder_days: 3, converts }, day(today))
        };
        assert_eq!(decided(&trial, "2026-03-16", false), None);
        assert_eq!(decided(&trial, "2026-03-17", false), Some(Action::Remind));
        assert_eq!(decided(&trial, "2026-03-20", false), Some(Action::Remind));
        assert_eq!(decided(&trial, "2026-03-21", false), Some(Action::Suspend));
        assert_eq!(decided(&trial, "2026-03-21", true), Some(Action::Convert));
        trial.trial_reminded_at = Some("2026-03-17T03:00:00Z".into());
        assert_eq!(decided(&trial, "2026-03-18", false), None);
        trial.cancel_at_period_end = true;
        assert_eq!(decided(&trial, "2026-03-21", true), Some(Action::Cancel));
        trial.status = SubscriptionStatus::Suspended;
        assert_eq!(decided(&trial, "2026-03-21", true), None);
    }
}
