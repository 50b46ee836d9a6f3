//! The next invoice of a subscription: which period it bills, on which day, and by which task. What it
//! comes to is in [`super::pricing`].

use chrono::NaiveDate;

use super::recurrence::{self, Backlog, Bill, Reason};
use super::refusal::NothingFollows;
use super::schedule::Task;
use super::subscription::{Subscription, SubscriptionStatus};
use super::trial::{self, Action, Policy};
use super::{Refusal, Result};

/// The next invoice of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upcoming {
    pub bill: Bill,
    /// The day on which a task that comes every day issues it.
    pub issued_on: NaiveDate,
    pub by: Task,
}

/// What becomes of a trial, besides the trial itself.
#[derive(Debug, Clone)]
pub struct TrialEnd {
    /// The paid subscription that it would become.
    pub converted: Subscription,
    /// Whether the config makes one of it, and whether there is a payment method for it.
    pub is_wanted: bool,
    pub is_payable: bool,
}

/// The next invoice of a subscription as it stands today: of what has begun and is not billed the oldest
/// period, else the period that starts next. `trial` is asked of one on trial.
///
/// # Errors
/// No invoice follows, or more has begun than may be billed unasked.
pub fn upcoming(
    subscription: &Subscription,
    trial: Option<&TrialEnd>,
    today: NaiveDate,
) -> Result<Upcoming> {
    let by = Task::GenerateRecurringInvoices;
    if let Some(bill) = first_begun(subscription, today)? {
        return Ok(Upcoming { bill, issued_on: today, by });
    }
    let nothing =
        |why| Err(Refusal::NothingFollows { subscription: subscription.id.to_string(), why });
    let rests = |next| subscription.pause.as_ref().is_some_and(|pause| pause.from <= next);
    if let Some(goes_on) = recurrence::after_pause(subscription) {
        return upcoming(&goes_on, trial, today);
    }
    match (subscription.status, trial, &subscription.suspension) {
        (SubscriptionStatus::Trialing, Some(end), _) => after_trial(subscription, end, today),
        (SubscriptionStatus::Suspended, _, Some(suspension)) => {
            nothing(NothingFollows::Suspended {
                since: suspension.on,
                cause: suspension.cause.word(),
            })
        }
        (SubscriptionStatus::Active, ..) => {
            match (subscription.next_billing_on, subscription.ends_on) {
                (_, Some(on)) if on <= today => nothing(NothingFollows::Canceled),
                (Some(next), Some(on)) if on <= next => nothing(NothingFollows::Ends { on }),
                (Some(next), _) if rests(next) => nothing(NothingFollows::Paused),
                (Some(next), _) => {
                    let bill = recurrence::bill_from(subscription, next);
                    Ok(Upcoming { bill, issued_on: next, by })
                }
                (None, _) => nothing(NothingFollows::Canceled),
            }
        }
        (SubscriptionStatus::Paused, ..) => nothing(NothingFollows::Paused),
        _ => nothing(NothingFollows::Canceled),
    }
}

/// The oldest period that has begun and is not billed.
fn first_begun(subscription: &Subscription, today: NaiveDate) -> Result<Option<Bill>> {
    let decision = recurrence::decide(subscription, today, Backlog::Held);
    match decision.reason {
        Reason::Backlog { count, since } => {
            let subscription = subscription.id.to_string();
            Err(Refusal::PeriodNotBilled { subscription, count, since })
        }
        _ => Ok(decision.bills.into_iter().next()),
    }
}

/// The first invoice of what a trial becomes, on the first day on which the task looks at it as one that
/// has ended.
fn after_trial(trial: &Subscription, end: &TrialEnd, today: NaiveDate) -> Result<Upcoming> {
    let last_free_day = trial.trial_ends_on.unwrap_or(today);
    let day = trial::first_paid_day(last_free_day).max(today);
    let policy = Policy { reminder_days: 0, converts: end.is_wanted && end.is_payable };
    let why = match trial::decide(trial, policy, day) {
        Some(Action::Convert) => {
            // Where its first paid period starts after that day, the other task bills it.
            if let Some(bill) = first_begun(&end.converted, day)? {
                let by = Task::CleanupExpiredTrials;
                return Ok(Upcoming { bill, issued_on: day, by });
            }
            return upcoming(&end.converted, None, day);
        }
        Some(Action::Cancel) => NothingFollows::Ends { on: day },
        _ => NothingFollows::TrialEnds {
            last_free_day,
            without_method: end.is_wanted.then(|| trial.tenant.clone()),
        },
    };
    Err(Refusal::NothingFollows { subscription: trial.id.to_string(), why })
}
