use super::*;
use crate::domain::plan::IntervalUnit;

const MONTHLY: Interval = Interval { unit: IntervalUnit::Month, count: 1 };
const QUARTERLY: Interval = Interval { unit: IntervalUnit::Month, count: 3 };
const YEARLY: Interval = Interval { unit: IntervalUnit::Year, count: 1 };

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn stated(started_on: &str, anchor: Anchor, interval: Interval) -> Stated {
    Stated {
        status: None,
        started_on: day(started_on),
        period: None,
        trial_ends_on: None,
        anchor,
        interval,
    }
}

/// `start..end`, as the tables write it.
fn period(text: &str) -> Option<Period> {
    let (start, end) = text.split_once("..")?;
    Some(Period { start: day(start), end: day(end) })
}

/// The periods that follow, as many as `expected` names ends.
fn ends(takeover: &Takeover, from: NaiveDate, expected: &str) -> String {
    let mut start = from;
    let ends = expected.split(' ').map(|_| {
        start = takeover.cycle.period_from(start).end;
        start.to_string()
    });
    ends.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_billed_until_a_day_goes_on_from_it() {
    use Anchor::{Anniversary, Calendar};
    // Start, trial's last day, anchor, interval; the period; where the next ones end.
    for (start, trial, anchor, interval, billed, expected) in [
        ("2025-03-15", "", Calendar, MONTHLY, "2026-03-01..2026-04-01", "2026-05-01"),
        // Billed to the 10th elsewhere: a part up to the 1st, then whole months.
        ("2025-03-10", "", Calendar, MONTHLY, "2026-02-10..2026-03-10", "2026-04-01 2026-05-01"),
        ("2025-03-15", "", Calendar, QUARTERLY, "2026-01-01..2026-04-01", "2026-07-01"),
        ("2025-03-10", "", Calendar, YEARLY, "2025-03-10..2026-03-10", "2026-04-01 2027-04-01"),
        ("2025-01-31", "", Anniversary, MONTHLY, "2026-01-31..2026-02-28", "2026-03-31 2026-04-30"),
        ("2025-01-30", "", Anniversary, MONTHLY, "2026-01-30..2026-02-28", "2026-03-30"),
        ("2025-01-28", "", Anniversary, MONTHLY, "2026-01-28..2026-02-28", "2026-03-28"),
        ("2025-01-31", "", Anniversary, MONTHLY, "2026-03-31..2026-04-30", "2026-05-31 2026-06-30"),
        // The first paid day was the 31st.
        ("2025-01-17", "2025-01-30", Anniversary, MONTHLY, "2026-01-31..2026-02-28", "2026-03-31"),
        // It was moved to another day since it began, which the period tells.
        ("2025-01-15", "", Anniversary, MONTHLY, "2026-01-31..2026-02-28", "2026-03-31"),
        ("2025-01-15", "", Anniversary, MONTHLY, "2026-01-20..2026-02-20", "2026-03-20"),
        ("2024-02-29", "", Anniversary, YEARLY, "2025-02-28..2026-02-28", "2027-02-28 2028-02-29"),
    ] {
        let stated = Stated {
            period: period(billed),
            trial_ends_on: (!trial.is_empty()).then(|| day(trial)),
            ..stated(start, anchor, interval)
        };
        let name = format!("{start} {anchor} {billed}");
        // Early, late or long after: what follows is the same.
        for today in ["2026-01-15", "2026-04-10", "2026-12-31"] {
            let taken = take_over(&stated, None, day(today));
            let end = stated.period.unwrap().end;
            assert_eq!(taken.status, SubscriptionStatus::Active, "{name}");
            assert_eq!(taken.period, stated.period, "{name}");
            assert_eq!(taken.next_billing_on, Some(end), "{name}");
            assert_eq!(taken.billed_elsewhere_until, Some(end), "{name}");
            assert_eq!(ends(&taken, end, expected), expected, "{name}");
        }
    }
}

#[test]
fn without_a_period_the_one_that_contains_today_was_billed() {
    use Anchor::{Anniversary, Calendar};
    // Start, trial's last day, anchor, interval, today; the period; where the next ones end.
    for (start, trial, anchor, interval, today, billed, expected) in [
        ("2025-03-15", "", Calendar, MONTHLY, "2026-03-10", "2026-03-01..2026-04-01", "2026-05-01"),
        ("2025-03-15", "", Calendar, MONTHLY, "2026-03-01", "2026-03-01..2026-04-01", "2026-05-01"),
        ("2025-03-15", "", Calendar, MONTHLY, "2026-02-28", "2026-02-01..2026-03-01", "2026-04-01"),
        // The first period is a part of a month, or of a year.
        ("2026-03-05", "", Calendar, MONTHLY, "2026-03-10", "2026-03-05..2026-04-01", "2026-05-01"),
        ("2026-03-05", "", Calendar, YEARLY, "2026-03-10", "2026-03-05..2026-04-01", "2027-04-01"),
        ("2025-03-15", "", Calendar, YEARLY, "2026-03-10", "2025-04-01..2026-04-01", "2027-04-01"),
        (
            "2025-03-15",
            "",
            Calendar,
            QUARTERLY,
            "2026-03-10",
            "2026-01-01..2026-04-01",
            "2026-07-01",
        ),
        (
            "2025-01-31",
            "",
            Anniversary,
            MONTHLY,
            "2026-03-10",
            "2026-02-28..2026-03-31",
            "2026-04-30 2026-05-31",
        ),
        (
            "2025-01-31",
            "",
            Anniversary,
            MONTHLY,
            "2026-02-27",
            "2026-01-31..2026-02-28",
            "2026-03-31",
        ),
        (
            "2024-02-29",
            "",
            Anniversary,
            YEARLY,
            "2026-03-10",
            "2026-02-28..2027-02-28",
            "2028-02-29",
        ),
        (
            "2026-03-10",
            "",
            Anniversary,
            MONTHLY,
            "2026-03-10",
            "2026-03-10..2026-04-10",
            "2026-05-10",
        ),
        // Counted from the day after the trial.
        (
            "2026-02-01",
            "2026-02-14",
            Anniversary,
            MONTHLY,
            "2026-03-10",
            "2026-02-15..2026-03-15",
            "2026-04-15",
        ),
        (
            "2026-02-25",
            "2026-03-09",
            Calendar,
            MONTHLY,
            "2026-03-10",
            "2026-03-10..2026-04-01",
            "2026-05-01",
        ),
    ] {
        let stated = Stated {
            trial_ends_on: (!trial.is_empty()).then(|| day(trial)),
            ..stated(start, anchor, interval)
        };
        let name = format!("{start} {anchor} {today}");
        let taken = take_over(&stated, None, day(today));
        let billed = period(billed);
        assert_eq!(taken.period, billed, "{name}");
        assert_eq!(taken.next_billing_on, billed.map(|p| p.end), "{name}");
        assert_eq!(taken.billed_elsewhere_until, taken.next_billing_on, "{name}");
        assert_eq!(ends(&taken, billed.unwrap().end, expected), expected, "{name}");
    }
}

#[test]
fn one_that_begins_later_was_never_billed() {
    let (today, later) = (day("2026-03-10"), day("2026-03-15"));
    let begins = stated("2026-03-15", Anchor::Calendar, MONTHLY);
    // Not even where it is said to run already: its free days are free.
    let free = Stated {
        status: Some(SubscriptionStatus::Active),
        started_on: day("2026-03-01"),
        trial_ends_on: Some(day("2026-03-14")),
        ..begins
    };
    for stated in [begins, free] {
        let taken = take_over(&stated, None, today);
        assert_eq!(taken.status, SubscriptionStatus::Active);
        assert_eq!((taken.period, taken.billed_elsewhere_until), (None, None));
        assert_eq!(taken.next_billing_on, Some(later));
        assert_eq!(taken.begins_on(), Some(later));
    }
    // Nor does it begin before its day because its tenant came back before it.
    let held = take_over(&begins, Some(SuspensionCause::Overdue), today);
    assert_eq!((held.next_billing_on, held.billed_elsewhere_until), (None, Some(later)));
    let stated = Stated { status: Some(SubscriptionStatus::Suspended), ..begins };
    assert_eq!(take_over(&stated, None, today).billed_elsewhere_until, Some(later));
}

#[test]
fn a_trial_is_free_to_its_last_day() {
    let trial = Stated {
        trial_ends_on: Some(day("2026-03-20")),
        period: period("2026-03-01..2026-04-01"),
        ..stated("2026-03-07", Anchor::Anniversary, MONTHLY)
    };
    for (status, today, on_trial) in [
        (None, "2026-03-20", true),
        (None, "2026-03-21", false),
        (Some(SubscriptionStatus::Trialing), "2026-03-20", true),
        // The run that ends trials does the rest.
        (Some(SubscriptionStatus::Trialing), "2026-03-21", true),
        (Some(SubscriptionStatus::Active), "2026-03-10", false),
    ] {
        let taken = take_over(&Stated { status, ..trial }, None, day(today));
        assert_eq!(taken.status == SubscriptionStatus::Trialing, on_trial, "{today}");
        if on_trial {
            assert_eq!(taken.period, period("2026-03-07..2026-03-21"), "{today}");
            assert_eq!(taken.begins_on(), None, "{today}");
            assert_eq!(taken.cycle.anchor_day, 21, "{today}");
        }
    }
}

#[test]
fn one_that_is_suspended_is_billed_nothing_and_keeps_what_was_paid() {
    use SubscriptionStatus::{Active, Suspended, Trialing};
    use SuspensionCause::{Manual, Overdue, Trial};
    let (plain, billed) = ("", "2026-03-01..2026-04-01");
    // Status, why its tenant is, period, trial; what it was, why it is, until when it was paid.
    for (status, held, said, trial, was, why, until) in [
        // Where no period is named, the one that contains today was billed elsewhere.
        (Some(Suspended), None, plain, "", Active, Manual, "2026-04-01"),
        (Some(Suspended), None, billed, "", Active, Manual, "2026-04-01"),
        (Some(Suspended), Some(Overdue), billed, "", Active, Overdue, "2026-04-01"),
        (None, Some(Overdue), plain, "", Active, Overdue, "2026-04-01"),
        (Some(Active), Some(Trial), billed, "", Active, Trial, "2026-04-01"),
        (None, Some(Overdue), plain, "2026-03-20", Trialing, Overdue, ""),
        // Another trial's end suspended the tenant: this one's has not come.
        (None, Some(Trial), plain, "2026-03-20", Trialing, Manual, ""),
        (Some(Suspended), None, plain, "2026-03-20", Trialing, Manual, ""),
        (Some(Suspended), None, plain, "2026-03-01", Active, Manual, "2026-04-01"),
    ] {
        let stated = Stated {
            status,
            period: period(said),
            trial_ends_on: (!trial.is_empty()).then(|| day(trial)),
            ..stated("2026-02-07", Anchor::Calendar, MONTHLY)
        };
        let name = format!("{status:?} {held:?} {said} {trial}");
        let taken = take_over(&stated, held, day("2026-03-10"));
        assert_eq!((taken.status, taken.suspended), (was, Some(why)), "{name}");
        assert_eq!(taken.next_billing_on, None, "{name}");
        let until = (!until.is_empty()).then(|| day(until));
        assert_eq!(taken.billed_elsewhere_until, until, "{name}");
    }
}

#[test]
fn one_that_is_canceled_has_ended() {
    for (said, ends) in [
        ("", "2026-03-10"),
        ("2026-01-15..2026-02-15", "2026-02-15"),
        ("2026-02-10..2026-03-10", "2026-03-10"),
        ("2026-03-01..2026-04-01", "2026-03-10"),
    ] {
        let stated = Stated {
            status: Some(SubscriptionStatus::Canceled),
            period: period(said),
            ..stated("2025-02-07", Anchor::Calendar, MONTHLY)
        };
        for held in [None, Some(SuspensionCause::Overdue)] {
            let taken = take_over(&stated, held, day("2026-03-10"));
            assert_eq!(taken.status, SubscriptionStatus::Canceled, "{said}");
            assert_eq!((taken.suspended, taken.next_billing_on), (None, None), "{said}");
            assert_eq!(taken.ends_on, Some(day(ends)), "{said}");
        }
    }
}
