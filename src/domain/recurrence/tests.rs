mod pauses;

use proptest::prelude::*;

use super::super::price::PriceMove;
use super::super::subscription::Items;
use super::*;
use crate::domain::period::Anchor;
use crate::domain::plan::Interval;
use crate::domain::plan::IntervalUnit;
use crate::domain::pricing::charges;
use crate::domain::subscription::{example, example_terms};
use crate::domain::tenant::SuspensionCause;
use crate::domain::{Currency, Money, calendar};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn months(count: u32) -> Interval {
    Interval { unit: IntervalUnit::Month, count }
}

fn years(count: u32) -> Interval {
    Interval { unit: IntervalUnit::Year, count }
}

fn terms(interval: Interval, minor: i64, quantity: i64) -> Terms {
    example_terms(interval, Money::from_minor(minor, "EUR".parse::<Currency>().unwrap()), quantity)
}

/// What a bill of one item comes to.
fn comes_to(bill: &Bill) -> i64 {
    charges(&bill.terms.items, bill.proration).unwrap()[0].amount.minor()
}

/// An active subscription that begins on `start` and was never billed.
fn begun(anchor: Anchor, start: NaiveDate, interval: Interval) -> Subscription {
    example(anchor, start, interval)
}

/// What a run does to the subscription that it bills.
fn apply(subscription: &mut Subscription, decision: &Decision) {
    let Some(last) = decision.bills.last() else { return };
    subscription.period = Some(last.period);
    subscription.next_billing_on = decision.next_on;
    subscription.cycle = decision.cycle;
    (subscription.terms, subscription.pending) = (last.terms.clone(), None);
}

/// The starts of the first `count` periods.
fn starts(cycle: Cycle, from: NaiveDate, count: usize) -> Vec<String> {
    std::iter::successors(Some(from), |start| Some(cycle.period_from(*start).end))
        .take(count)
        .map(|date| date.to_string())
        .collect()
}

#[test]
fn a_year_of_months_from_the_31st_is_clamped_and_back_again() {
    let start = day("2026-01-31");
    let cycle = Cycle::starting(Anchor::Anniversary, start, months(1));
    assert_eq!(
        starts(cycle, start, 14),
        [
            "2026-01-31",
            "2026-02-28",
            "2026-03-31",
            "2026-04-30",
            "2026-05-31",
            "2026-06-30",
            "2026-07-31",
            "2026-08-31",
            "2026-09-30",
            "2026-10-31",
            "2026-11-30",
            "2026-12-31",
            "2027-01-31",
            "2027-02-28",
        ]
    );
}

#[test]
fn years_from_29_february_are_back_on_it_in_leap_years() {
    let start = day("2024-02-29");
    let cycle = Cycle::starting(Anchor::Anniversary, start, years(1));
    let expected = ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"];
    assert_eq!(starts(cycle, start, 5), expected);
    // 2100 is no leap year.
    assert_eq!(cycle.period_from(day("2096-02-29")).end, day("2097-02-28"));
    assert_eq!(cycle.interval_around(day("2100-03-15")).start, day("2100-02-28"));
}

#[test]
fn quarters_and_half_years_keep_their_day() {
    for (interval, start, expected) in [
        (months(3), "2025-11-30", ["2025-11-30", "2026-02-28", "2026-05-30", "2026-08-30"]),
        (months(3), "2027-11-29", ["2027-11-29", "2028-02-29", "2028-05-29", "2028-08-29"]),
        (months(6), "2026-08-31", ["2026-08-31", "2027-02-28", "2027-08-31", "2028-02-29"]),
        (years(2), "2024-02-29", ["2024-02-29", "2026-02-28", "2028-02-29", "2030-02-28"]),
        (months(18), "2026-01-31", ["2026-01-31", "2027-07-31", "2029-01-31", "2030-07-31"]),
    ] {
        let cycle = Cycle::starting(Anchor::Anniversary, day(start), interval);
        assert_eq!(starts(cycle, day(start), 4), expected, "{interval:?} from {start}");
    }
}

/// Days of the months, written down and not computed: what every bound is held against.
fn length(year: i32, month: u32) -> u32 {
    const COMMON: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = [2024, 2028, 2032].contains(&year);
    COMMON[month as usize - 1] + u32::from(leap && month == 2)
}

#[test]
fn every_bound_of_anchors_28_to_31_is_that_day_or_the_last_of_its_month() {
    for (year, month) in (2024..=2027).flat_map(|y| (1..=12).map(move |m| (y, m))) {
        for anchor_day in 28..=length(year, month) {
            let start = NaiveDate::from_ymd_opt(year, month, anchor_day).unwrap();
            for interval in [months(1), months(3), months(6), years(1)] {
                let cycle = Cycle::starting(Anchor::Anniversary, start, interval);
                let (mut at, mut y, mut m) = (start, year, month);
                while y < 2032 {
                    for _ in 0..interval.months() {
                        (y, m) = if m == 12 { (y + 1, 1) } else { (y, m + 1) };
                    }
                    let expected =
                        NaiveDate::from_ymd_opt(y, m, anchor_day.min(length(y, m))).unwrap();
                    at = cycle.period_from(at).end;
                    assert_eq!(at, expected, "{interval:?} from {start}");
                }
            }
        }
    }
}

#[test]
fn a_calendar_subscription_runs_to_the_1st_and_then_from_1st_to_1st() {
    for (interval, start, periods) in [
        (months(1), "2026-03-15", ["2026-03-15", "2026-04-01", "2026-05-01", "2026-06-01"]),
        (months(1), "2026-03-01", ["2026-03-01", "2026-04-01", "2026-05-01", "2026-06-01"]),
        (months(3), "2026-12-31", ["2026-12-31", "2027-01-01", "2027-04-01", "2027-07-01"]),
        (years(1), "2026-03-15", ["2026-03-15", "2026-04-01", "2027-04-01", "2028-04-01"]),
    ] {
        let cycle = Cycle::starting(Anchor::Calendar, day(start), interval);
        assert_eq!(starts(cycle, day(start), 4), periods, "{interval:?}");
    }
}

#[test]
fn a_first_partial_period_is_the_days_of_the_whole_interval_that_ends_there() {
    // Half of a month of 30 days, half of one of 29: rounded half away from zero, once, after the
    // quantity.
    for (interval, start, days, of, price, quantity, amount) in [
        (months(1), "2026-03-15", 17, 31, 4990, 1, 2736),
        (months(1), "2026-03-31", 1, 31, 4990, 1, 161),
        (months(1), "2026-02-15", 14, 28, 4990, 1, 2495),
        (months(1), "2028-02-15", 15, 29, 4990, 1, 2581),
        (months(1), "2026-04-16", 15, 30, 4991, 1, 2496),
        (months(1), "2026-03-15", 17, 31, 4990, 3, 8209),
        // The quarter that ends on 1 April began on 1 January.
        (months(3), "2026-03-15", 17, 90, 14900, 1, 2814),
        (years(1), "2026-03-15", 17, 365, 49900, 1, 2324),
        (years(1), "2028-02-15", 15, 366, 49900, 1, 2045),
    ] {
        let mut subscription = begun(Anchor::Calendar, day(start), interval);
        subscription.terms = terms(interval, price, quantity);
        let bill = bill_from(&subscription, day(start));
        assert_eq!(bill.proration, Some(Proration { days, of }), "{start}");
        assert_eq!(comes_to(&bill), amount, "{start} × {quantity}");
    }
    let whole = begun(Anchor::Calendar, day("2026-03-01"), months(1));
    assert_eq!(bill_from(&whole, day("2026-03-01")).proration, None);
}

#[test]
fn every_period_that_has_begun_is_due_and_none_that_has_not() {
    let subscription = begun(Anchor::Anniversary, day("2026-01-31"), months(1));
    for (today, due) in [
        ("2026-01-30", 0),
        ("2026-01-31", 1),
        ("2026-02-27", 1),
        ("2026-02-28", 2),
        ("2026-03-30", 2),
        ("2026-03-31", 3),
    ] {
        let decision = decide(&subscription, day(today), Backlog::Held);
        assert_eq!(decision.bills.len(), due, "{today}");
    }
}

#[test]
fn of_24_missed_periods_all_are_billed_and_of_25_none_unless_it_is_allowed() {
    let subscription = begun(Anchor::Calendar, day("2026-01-01"), months(1));
    let bills = |today: &str, backlog| decide(&subscription, day(today), backlog).bills.len();
    assert_eq!(bills("2027-12-31", Backlog::Held), 24);
    assert_eq!(bills("2028-01-01", Backlog::Held), 0);
    assert_eq!(bills("2028-01-01", Backlog::Allowed), 25);
    let held = decide(&subscription, day("2028-01-01"), Backlog::Held);
    assert_eq!(held.reason, Reason::Backlog { count: 25, since: day("2026-01-01") });
    assert_eq!(held.next_on, Some(day("2026-01-01")));
}

#[test]
fn what_is_suspended_canceled_or_on_trial_is_not_billed() {
    let mut subscription = begun(Anchor::Calendar, day("2026-01-01"), months(1));
    for status in
        [SubscriptionStatus::Suspended, SubscriptionStatus::Canceled, SubscriptionStatus::Trialing]
    {
        subscription.status = status;
        let decision = decide(&subscription, day("2026-06-01"), Backlog::Allowed);
        assert_eq!((decision.bills.len(), decision.ends), (0, None), "{status}");
    }
}

#[test]
fn a_change_of_plan_or_quantity_holds_from_the_next_period_on() {
    let mut subscription = begun(Anchor::Anniversary, day("2026-01-31"), months(1));
    let first = decide(&subscription, day("2026-01-31"), Backlog::Held);
    apply(&mut subscription, &first);
    // Yearly from 28 February on, which stands for the 31st.
    subscription.pending = Some(terms(years(1), 49900, 2));
    let second = decide(&subscription, day("2028-03-01"), Backlog::Held);
    let billed: Vec<_> = second
        .bills
        .iter()
        .map(|bill| (bill.period.start.to_string(), comes_to(bill), bill.proration))
        .collect();
    let expected = ["2026-02-28", "2027-02-28", "2028-02-29"];
    assert_eq!(billed, expected.map(|start| (start.to_owned(), 2 * 49900, None)));
    apply(&mut subscription, &second);
    // And monthly again: from 28 February 2029, then on the 31st where there is one.
    subscription.pending = Some(terms(months(1), 4990, 1));
    let third = decide(&subscription, day("2029-03-31"), Backlog::Held);
    let begun: Vec<_> = third.bills.iter().map(|bill| bill.period.start).collect();
    assert_eq!(begun, [day("2029-02-28"), day("2029-03-31")]);
}

/// A price of 49.90 becomes 59.90 from 10 March on and 69.90 from 1 May on.
#[test]
fn a_price_that_takes_the_place_of_another_holds_from_the_first_period_that_starts_then() {
    let mut subscription = begun(Anchor::Calendar, day("2026-01-01"), months(1));
    let to = |from_on: &str, minor| PriceMove {
        from_on: day(from_on),
        price: terms(months(1), minor, 1).first().price.clone(),
    };
    let mut item = subscription.terms.first().clone();
    item.moves = vec![to("2026-03-10", 5990), to("2026-05-01", 6990)];
    subscription.terms.items = Items::one(item);
    let expected = [4990, 4990, 4990, 5990, 6990, 6990];
    // All that was missed at once, and month by month: the same bills.
    let missed = decide(&subscription, day("2026-06-15"), Backlog::Held);
    assert_eq!(missed.bills.iter().map(comes_to).collect::<Vec<_>>(), expected);
    let mut one_by_one = Vec::new();
    for month in 1..=6 {
        let decision = decide(&subscription, day(&format!("2026-{month:02}-02")), Backlog::Held);
        one_by_one.extend(decision.bills.iter().map(comes_to));
        apply(&mut subscription, &decision);
    }
    assert_eq!(one_by_one, expected);
    assert_eq!(subscription.terms.first().moves, []);
}

#[test]
fn a_subscription_that_was_canceled_is_billed_to_its_end_and_no_further() {
    let mut subscription = begun(Anchor::Calendar, day("2026-01-01"), months(1));
    subscription.cancel_at_period_end = true;
    subscription.ends_on = Some(day("2026-03-01"));
    let late = decide(&subscription, day("2026-06-15"), Backlog::Held);
    let starts: Vec<_> = late.bills.iter().map(|bill| bill.period.start).collect();
    assert_eq!(starts, [day("2026-01-01"), day("2026-02-01")]);
    assert_eq!(late.ends, Some(day("2026-03-01")));
    apply(&mut subscription, &late);
    let then = decide(&subscription, day("2026-06-15"), Backlog::Held);
    assert_eq!((then.bills.len(), then.ends), (0, Some(day("2026-03-01"))));
    assert_eq!(then.reason, Reason::Ended { on: day("2026-03-01") });
}

#[test]
fn a_cancellation_ends_the_period_that_contains_the_day_billed_or_not() {
    let mut subscription = begun(Anchor::Calendar, day("2026-01-15"), months(1));
    // Not yet begun: nothing runs that could be run out.
    assert_eq!(period_end_after(&subscription, day("2026-01-10")), day("2026-01-10"));
    // Two months that no run has billed.
    assert_eq!(period_end_after(&subscription, day("2026-03-20")), day("2026-04-01"));
    let decision = decide(&subscription, day("2026-02-10"), Backlog::Held);
    apply(&mut subscription, &decision);
    assert_eq!(period_end_after(&subscription, day("2026-02-20")), day("2026-03-01"));
}

/// The subscription as it is suspended on that day.
fn suspended(mut subscription: Subscription, on: &str) -> Subscription {
    subscription.suspension = Some(crate::domain::subscription::Suspension {
        at: format!("{on}T12:00:00Z"),
        on: day(on),
        cause: SuspensionCause::Overdue,
        from: subscription.status,
    });
    subscription.status = SubscriptionStatus::Suspended;
    subscription
}

#[test]
fn who_comes_back_inside_a_billed_period_goes_on_in_it_and_after_it_begins_anew() {
    let mut subscription = begun(Anchor::Calendar, day("2026-03-01"), months(1));
    let billed = decide(&subscription, day("2026-03-01"), Backlog::Held);
    apply(&mut subscription, &billed);
    let away = suspended(subscription, "2026-03-10");
    let until = Some(day("2026-04-01"));
    let goes_on = Return::GoesOn { until: day("2026-04-01") };
    assert_eq!(come_back(&away, until, day("2026-03-31")), goes_on);
    // On the 1st the billed period is over; a calendar month begins, whole.
    let back = |today: &str| come_back(&away, until, day(today));
    let cycle = Cycle { anchor_on: day("2026-04-01"), anchor_day: 1, interval: months(1) };
    assert_eq!(back("2026-04-01"), Return::NewPeriod { on: day("2026-04-01"), cycle });
    // In the middle of a month: a partial one to the next 1st.
    let cycle = Cycle { anchor_on: day("2026-07-01"), ..cycle };
    assert_eq!(back("2026-06-20"), Return::NewPeriod { on: day("2026-06-20"), cycle });
    // The invoice of the period was voided: nothing covers the day.
    let cycle = Cycle { anchor_on: day("2026-04-01"), ..cycle };
    let voided = come_back(&away, None, day("2026-03-20"));
    assert_eq!(voided, Return::NewPeriod { on: day("2026-03-20"), cycle });
}

#[test]
fn no_period_goes_beyond_the_end_of_one_that_was_canceled() {
    let mut subscription = begun(Anchor::Anniversary, day("2026-04-05"), months(1));
    (subscription.cancel_at_period_end, subscription.ends_on) = (true, Some(day("2026-04-10")));
    let bill = bill_from(&subscription, day("2026-04-05"));
    assert_eq!(bill.period, Period { start: day("2026-04-05"), end: day("2026-04-10") });
    assert_eq!(bill.proration, Some(Proration { days: 5, of: 30 }));
    assert_eq!(comes_to(&bill), 832);
}

#[test]
fn one_that_ends_while_it_is_suspended_owes_what_had_begun_before() {
    let mut subscription = begun(Anchor::Calendar, day("2026-01-01"), months(1));
    (subscription.cancel_at_period_end, subscription.ends_on) = (true, Some(day("2026-03-01")));
    let away = suspended(subscription, "2026-02-10");
    let before = decide(&away, day("2026-02-28"), Backlog::Held);
    assert_eq!((before.bills.len(), before.ends), (0, None));
    let ended = decide(&away, day("2026-04-15"), Backlog::Held);
    let starts: Vec<_> = ended.bills.iter().map(|bill| bill.period.start).collect();
    assert_eq!(starts, [day("2026-01-01"), day("2026-02-01")]);
    assert_eq!(ended.ends, Some(day("2026-03-01")));
}

#[test]
fn a_canceled_trial_that_was_over_when_its_tenant_was_suspended_ends_and_owes_nothing() {
    let mut trial = begun(Anchor::Calendar, day("2026-03-01"), months(1));
    trial.status = SubscriptionStatus::Trialing;
    (trial.trial_ends_on, trial.next_billing_on) = (Some(day("2026-03-10")), None);
    (trial.cancel_at_period_end, trial.ends_on) = (true, Some(day("2026-03-11")));
    let away = suspended(trial, "2026-03-13");
    let ended = decide(&away, day("2026-03-14"), Backlog::Held);
    assert_eq!((ended.bills.len(), ended.ends), (0, Some(day("2026-03-11"))));
    let back = back(&away, None, day("2026-03-14"));
    assert_eq!(back.how, Return::Ended { on: day("2026-03-11") });
}

#[test]
fn by_anniversary_the_day_of_the_return_becomes_the_anchor() {
    let away = suspended(begun(Anchor::Anniversary, day("2026-01-31"), months(1)), "2026-02-10");
    let Return::NewPeriod { on, cycle } = come_back(&away, None, day("2026-05-12")) else {
        panic!("a new period");
    };
    assert_eq!(starts(cycle, on, 3), ["2026-05-12", "2026-06-12", "2026-07-12"]);
}

#[test]
fn what_had_begun_by_a_suspension_is_billed_and_what_began_later_never() {
    let begun_then = |on: &str| -> Vec<String> {
        let away = suspended(begun(Anchor::Calendar, day("2026-01-01"), months(1)), on);
        let missed = super::begun(&away, day("2026-07-15"), Backlog::Held);
        missed.bills.iter().map(|bill| bill.period.start.to_string()).collect()
    };
    assert_eq!(begun_then("2026-02-28"), ["2026-01-01", "2026-02-01"]);
    // A run at midnight had billed March before anybody could suspend on that day.
    assert_eq!(begun_then("2026-03-01"), ["2026-01-01", "2026-02-01", "2026-03-01"]);
}

fn any_interval() -> impl Strategy<Value = Interval> {
    let unit = prop::sample::select(vec![IntervalUnit::Month, IntervalUnit::Year]);
    (unit, 1u32..=24).prop_map(|(unit, count)| Interval { unit, count })
}

fn any_day() -> impl Strategy<Value = NaiveDate> {
    (0i64..12_000).prop_map(|days| calendar::plus_days(day("2000-01-01"), days))
}

fn any_anchor() -> impl Strategy<Value = Anchor> {
    prop::sample::select(vec![Anchor::Calendar, Anchor::Anniversary])
}

proptest! {
    /// Periods tile: each starts where the one before it ends, is not empty and not longer than
    /// the interval; only the first can be a part of one.
    #[test]
    fn periods_tile_without_gap_or_overlap(
        anchor in any_anchor(), start in any_day(), interval in any_interval(),
    ) {
        let cycle = Cycle::starting(anchor, start, interval);
        let mut at = start;
        for n in 0..30 {
            let period = cycle.period_from(at);
            prop_assert!(period.start == at && period.end > at);
            let whole = cycle.interval_around(at);
            prop_assert!(whole.contains(at) && period.days() <= whole.days());
            prop_assert_eq!(cycle.proration(period).is_some(), whole.start != at);
            prop_assert!(n == 0 || whole.start == at);
            at = period.end;
        }
    }

    /// Any day lies in exactly the interval that is found for it, before the anchor too.
    #[test]
    fn every_day_lies_in_its_interval(
        anchor in any_anchor(), start in any_day(), interval in any_interval(), other in any_day(),
    ) {
        let around = Cycle::starting(anchor, start, interval).interval_around(other);
        prop_assert!(around.contains(other));
        let cycle = Cycle::starting(anchor, start, interval);
        prop_assert_eq!(cycle.interval_around(around.start), around);
        prop_assert_eq!(cycle.interval_around(calendar::plus_days(around.end, -1)), around);
        prop_assert_eq!(cycle.interval_around(around.end).start, around.end);
    }

    /// A leading proration and its complement, what is left of the price, come to the price; each
    /// is within one unit of its exact share.
    #[test]
    fn a_leading_proration_and_its_complement_are_the_price(
        start in any_day(), interval in any_interval(), minor in 0i64..=1_000_000_000_000,
    ) {
        let cycle = Cycle::starting(Anchor::Calendar, start, interval);
        let part = cycle.proration(cycle.period_from(start));
        prop_assume!(part.is_some());
        let Proration { days, of } = part.unwrap();
        let price = Money::from_minor(minor, "EUR".parse::<Currency>().unwrap());
        let lead = price.share(days, of).unwrap();
        let rest = price.minus(lead).unwrap();
        prop_assert_eq!(lead.plus(rest).unwrap(), price);
        // |lead × of − price × days| ≤ of ÷ 2: exact to half a unit, in whole numbers.
        let off = i128::from(lead.minor()) * i128::from(of) - i128::from(minor) * i128::from(days);
        prop_assert!(2 * off.abs() <= i128::from(of), "{} of {} days: {}", days, of, lead);
        let off = i128::from(rest.minor()) * i128::from(of)
            - i128::from(minor) * i128::from(of - days);
        prop_assert!(2 * off.abs() <= i128::from(of));
    }

    /// Whatever the days on which runs came, the same periods are billed at the same amounts.
    #[test]
    fn sloppy_runs_bill_what_daily_runs_bill(
        anchor in any_anchor(), start in any_day(), interval in any_interval(),
        runs in prop::collection::vec(0i64..900, 0..12), quantity in 1i64..5,
    ) {
        let last = 900;
        let lived = |days: &[i64]| {
            let mut subscription = begun(anchor, start, interval);
            subscription.terms = terms(interval, 4990, quantity);
            let mut bills = Vec::new();
            for after in days {
                let today = calendar::plus_days(start, *after);
                let decision = decide(&subscription, today, Backlog::Allowed);
                apply(&mut subscription, &decision);
                bills.extend(decision.bills);
            }
            (bills, subscription.next_billing_on)
        };
        let daily: Vec<i64> = (0..=last).collect();
        let mut sloppy = runs;
        sloppy.sort_unstable();
        sloppy.push(last);
        prop_assert_eq!(lived(&daily), lived(&sloppy));
    }
}
