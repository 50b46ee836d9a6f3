//! Trials: when their end is announced, and what becomes of them.

use chrono::NaiveDate;

use super::subscription::{Subscription, SubscriptionStatus};
use super::{calendar, words};

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
