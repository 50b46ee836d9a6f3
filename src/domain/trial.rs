//! Trials: when their end is announced, and what becomes of them.

use chrono::NaiveDate;

use super::subscription::{Subscription, SubscriptionStatus};
use super::{Refusal, Result, calendar, words};

words! {
    /// What is done about a trial.
    Action {
        /// Its end is announced.
        Remind = "remind",
        /// It has ended: the subscription is suspended.
        Suspend = "suspend",
        /// It has ended: the subscription is a paid one from the day after.
        Convert = "convert",
        /// It has ended, and was canceled before.
        Cancel = "cancel",
    }
}

/// What is looked at besides the trial itself.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// The end is announced so many days before the last free day.
    pub reminder_days: i64,
    /// It becomes a paid subscription: the config says so, and there is a default payment method.
    pub converts: bool,
}

/// Where the first period starts that is paid for: on the day after the last free one.
pub fn first_paid_day(last_free_day: NaiveDate) -> NaiveDate {
    calendar::plus_days(last_free_day, 1)
}

/// Checks that a subscription is on a trial that goes on: one that was canceled ends with it.
///
/// # Errors
/// It is on no trial, or ends with it.
pub fn check_on_trial(subscription: &Subscription) -> Result<NaiveDate> {
    let name = || subscription.id.to_string();
    let last_free_day = match (subscription.status, subscription.trial_ends_on) {
        (SubscriptionStatus::Trialing, Some(last_free_day)) => last_free_day,
        (status, _) => {
            return Err(Refusal::NotOnTrial { subscription: name(), status: status.word() });
        }
    };
    match subscription.ends_on {
        Some(ends_on) => Err(Refusal::NoNextPeriod { subscription: name(), ends_on }),
        None => Ok(last_free_day),
    }
}

/// The last free day of a trial that ends today: the day before it, or, where it is over and no run has
/// ended it yet, the one that it had. One that is to begin later has none.
pub fn ended_now(
    subscription: &Subscription,
    last_free_day: NaiveDate,
    today: NaiveDate,
) -> NaiveDate {
    last_free_day.min(calendar::plus_days(today.max(subscription.started_on), -1))
}

/// What is to be done about a subscription's trial on `today`; `None` for nothing (yet).
/// `trial_ends_on` is the last free day, so that the trial has ended on the day after.
pub fn decide(trial: &Subscription, policy: Policy, today: NaiveDate) -> Option<Action> {
    let ends_on = trial.trial_ends_on?;
    if trial.status != SubscriptionStatus::Trialing {
        return None;
    }
    if ends_on >= today {
        let remind_on = calendar::plus_days(ends_on, -policy.reminder_days);
        return (trial.trial_reminded_at.is_none() && remind_on <= today).then_some(Action::Remind);
    }
    Some(match policy.converts {
        _ if trial.cancel_at_period_end => Action::Cancel,
        true => Action::Convert,
        false => Action::Suspend,
    })
}
