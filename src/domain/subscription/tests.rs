use super::*;
use crate::domain::plan::IntervalUnit;
use crate::domain::recurrence::cancel;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Two of a plan, billed for March 2026.
fn two_of_pro() -> Subscription {
    let interval = Interval { unit: IntervalUnit::Month, count: 1 };
    let march = Period { start: day("2026-03-01"), end: day("2026-04-01") };
    Subscription {
        period: Some(march),
        next_billing_on: Some(march.end),
        ..example(Anchor::Calendar, march.start, interval)
    }
}

const TODAY: &str = "2026-03-20";

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
    (trial.status, trial.trial_ends_on) = (SubscriptionStatus::Trialing, Some(day("2026-03-20")));
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
