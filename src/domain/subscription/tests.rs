use super::*;
use crate::domain::Currency;
use crate::domain::plan::IntervalUnit;
use crate::domain::price;
use crate::domain::recurrence::cancel;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn plan(id: i64, code: &str, currency: &str) -> Plan {
    Plan {
        id: PlanId(id),
        code: code.to_owned(),
        name: code.to_owned(),
        price: price::example(Money::from_minor(4990, currency.parse::<Currency>().unwrap())),
        price_archived_at: None,
        basis: TaxBasis::Exclusive,
        interval: Interval { unit: IntervalUnit::Month, count: 1 },
        trial_days: 0,
        archived_at: None,
        created_at: String::new(),
        updated_at: String::new(),
    }
}

/// So many of a plan.
fn of(plan: &Plan, quantity: i64) -> Terms {
    let interval = plan.interval;
    let example = example_terms(interval, Money::from_minor(1, plan.price.currency), 1);
    Terms { items: Items::one(example.first().with(plan, quantity)), interval }
}

/// Two of the plan `pro`, billed for March 2026.
fn two_of_pro() -> Subscription {
    let terms = of(&plan(1, "pro", "EUR"), 2);
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
    assert_eq!((changed.first().plan.as_str(), changed.first().quantity), ("big", 2));
    subscription.pending = Some(changed);
    let changed = change(&subscription, &to(None, Some(5)), day(TODAY)).unwrap().unwrap();
    assert_eq!((changed.first().plan.as_str(), changed.first().quantity), ("big", 5));
}

#[test]
fn a_change_back_takes_the_pending_one_back() {
    let mut subscription = two_of_pro();
    subscription.pending = Some(of(&plan(2, "big", "EUR"), 2));
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
