//! Pauses: what is billed before one, what it lets begin and end, and how a subscription goes on.

use super::*;

/// Billed by the month from the 1st of January on, up to the day before `next`, with a pause.
fn resting(next: &str, from: &str, until: Option<&str>) -> Subscription {
    let mut one = begun(Anchor::Calendar, day("2024-01-01"), months(1));
    one.next_billing_on = Some(day(next));
    let billed = one.cycle.interval_around(calendar::plus_days(day(next), -1));
    one.period = Some(billed);
    one.pause = Some(Pause { from: day(from), until: until.map(day), reason: None });
    one
}

/// The same, and its pause has begun.
fn paused(next: &str, from: &str, until: Option<&str>) -> Subscription {
    Subscription { status: SubscriptionStatus::Paused, ..resting(next, from, until) }
}

fn ending(one: Subscription, on: Option<&str>) -> Subscription {
    Subscription { cancel_at_period_end: on.is_some(), ends_on: on.map(day), ..one }
}

fn due(count: usize, since: &str) -> Reason {
    Reason::Due { count, since: day(since) }
}

#[test]
fn a_run_bills_what_begins_before_a_pause_and_lets_it_begin_however_late_it_comes() {
    let rests = |from| Reason::Paused { from: day(from) };
    let ended = |on| Reason::Ended { on: day(on) };
    for (next, from, ends_on, today, bills, pauses, ends, reason) in [
        // Planned from the end of what is billed.
        ("2026-04-01", "2026-04-01", None, "2026-03-31", 0, None, None, rests("2026-04-01")),
        (
            "2026-04-01",
            "2026-04-01",
            None,
            "2026-04-01",
            0,
            Some("2026-04-01"),
            None,
            rests("2026-04-01"),
        ),
        // Nothing was billed since February.
        ("2026-02-01", "2026-04-01", None, "2026-03-31", 2, None, None, due(2, "2026-02-01")),
        (
            "2026-02-01",
            "2026-04-01",
            None,
            "2026-06-15",
            2,
            Some("2026-04-01"),
            None,
            due(2, "2026-02-01"),
        ),
        // In the middle of a month: the month begins before, and is billed whole.
        ("2026-04-01", "2026-04-15", None, "2026-04-14", 1, None, None, due(1, "2026-04-01")),
        (
            "2026-04-01",
            "2026-04-15",
            None,
            "2026-06-15",
            1,
            Some("2026-04-15"),
            None,
            due(1, "2026-04-01"),
        ),
        // Within what is billed.
        (
            "2026-05-01",
            "2026-04-15",
            None,
            "2026-04-20",
            0,
            Some("2026-04-15"),
            None,
            rests("2026-04-15"),
        ),
        // What ends first, or on that day, is not paused any more.
        (
            "2026-02-01",
            "2026-04-01",
            Some("2026-03-01"),
            "2026-06-15",
            1,
            None,
            Some("2026-03-01"),
            due(1, "2026-02-01"),
        ),
        (
            "2026-04-01",
            "2026-04-01",
            Some("2026-04-01"),
            "2026-04-01",
            0,
            None,
            Some("2026-04-01"),
            ended("2026-04-01"),
        ),
        // What ends later is paused until then.
        (
            "2026-04-01",
            "2026-04-01",
            Some("2026-05-01"),
            "2026-04-30",
            0,
            Some("2026-04-01"),
            None,
            rests("2026-04-01"),
        ),
        (
            "2026-04-01",
            "2026-04-15",
            Some("2026-05-01"),
            "2026-05-03",
            1,
            None,
            Some("2026-05-01"),
            due(1, "2026-04-01"),
        ),
    ] {
        let one = ending(resting(next, from, None), ends_on);
        let decision = decide(&one, day(today), Backlog::Held);
        let what = format!("{next}, paused from {from}, ends {ends_on:?}, on {today}");
        assert_eq!(decision.bills.len(), bills, "{what}");
        assert_eq!(decision.pauses, pauses.map(day), "{what}");
        assert_eq!(decision.ends, ends.map(day), "{what}");
        assert_eq!(decision.reason, reason, "{what}");
    }
}

#[test]
fn what_was_missed_before_a_pause_is_counted_up_to_it() {
    // 24 months before the pause, and more than that until the day of the run.
    let late = resting("2024-01-01", "2026-01-01", None);
    let decision = decide(&late, day("2026-08-15"), Backlog::Held);
    assert_eq!((decision.bills.len(), decision.pauses), (24, Some(day("2026-01-01"))));
    assert_eq!(decision.next_on, Some(day("2026-01-01")));
    // One more is held, and the pause with it: nothing begins over what is not billed.
    let late = resting("2024-01-01", "2026-02-01", None);
    let held = decide(&late, day("2026-08-15"), Backlog::Held);
    assert_eq!(held.reason, Reason::Backlog { count: 25, since: day("2024-01-01") });
    assert_eq!((held.bills.len(), held.pauses), (0, None));
    let allowed = decide(&late, day("2026-08-15"), Backlog::Allowed);
    assert_eq!((allowed.bills.len(), allowed.pauses), (25, Some(day("2026-02-01"))));
}

#[test]
fn one_that_rests_is_not_billed_and_ends_on_its_day() {
    let one = ending(paused("2026-04-01", "2026-04-01", None), Some("2026-05-01"));
    let rests = decide(&one, day("2026-04-30"), Backlog::Held);
    let status = SubscriptionStatus::Paused;
    assert_eq!(rests.reason, Reason::NotBilled { status });
    assert_eq!((rests.bills.len(), rests.pauses, rests.ends), (0, None, None));
    let over = decide(&one, day("2026-06-10"), Backlog::Held);
    assert_eq!(over.reason, Reason::Ended { on: day("2026-05-01") });
    assert_eq!((over.bills.len(), over.ends), (0, Some(day("2026-05-01"))));
}

#[test]
fn an_end_before_the_run_that_pauses_leaves_what_began_before_the_pause() {
    for (next, from, today, until) in [
        ("2026-02-01", "2026-03-10", "2026-06-01", Some("2026-03-09")),
        ("2026-02-01", "2026-03-10", "2026-02-20", Some("2026-02-20")),
        ("2026-04-01", "2026-04-01", "2026-06-01", None),
    ] {
        let one = resting(next, from, None);
        let left = unbilled_at_end(&one, day(today));
        let expected = until.map(|until| Unbilled { from: day(next), until: day(until) });
        assert_eq!(left, expected, "{next} {from} {today}");
        let status = SubscriptionStatus::Canceled;
        let ended = Subscription { status, unbilled: left, ends_on: Some(day(today)), ..one };
        let bills = decide(&ended, day("2026-07-01"), Backlog::Held).bills;
        let begun = left.map_or(0, |left| ended.cycle.periods_begun(left.from, left.until));
        assert_eq!(bills.len(), begun, "{next} {from} {today}");
    }
}

#[test]
fn a_return_goes_on_in_what_is_billed_and_after_it_begins_a_period_on_its_day() {
    let cycle = |on, anchor_day| Cycle { anchor_on: day(on), anchor_day, interval: months(1) };
    let anew = |on, cycle| Return::NewPeriod { on: day(on), cycle };
    for (anchor, next, ends_on, on, how) in [
        (
            Anchor::Calendar,
            "2026-05-01",
            None,
            "2026-04-20",
            Return::GoesOn { until: day("2026-05-01") },
        ),
        (
            Anchor::Calendar,
            "2026-05-01",
            None,
            "2026-04-30",
            Return::GoesOn { until: day("2026-05-01") },
        ),
        (
            Anchor::Calendar,
            "2026-05-01",
            None,
            "2026-05-01",
            anew("2026-05-01", cycle("2026-05-01", 1)),
        ),
        (
            Anchor::Calendar,
            "2026-04-01",
            None,
            "2026-05-20",
            anew("2026-05-20", cycle("2026-06-01", 1)),
        ),
        (
            Anchor::Anniversary,
            "2026-04-01",
            None,
            "2026-05-31",
            anew("2026-05-31", cycle("2026-05-31", 31)),
        ),
        // What was billed beyond the pause and given back: it is billed until the day of the pause.
        (
            Anchor::Calendar,
            "2026-04-10",
            None,
            "2026-04-10",
            anew("2026-04-10", cycle("2026-05-01", 1)),
        ),
        (
            Anchor::Calendar,
            "2026-04-01",
            Some("2026-05-10"),
            "2026-05-09",
            anew("2026-05-09", cycle("2026-06-01", 1)),
        ),
        (
            Anchor::Calendar,
            "2026-04-01",
            Some("2026-05-10"),
            "2026-05-10",
            Return::Ended { on: day("2026-05-10") },
        ),
    ] {
        let one = Subscription { anchor, ..ending(paused(next, "2026-04-01", None), ends_on) };
        let (found, after) = resume(&one, day(on));
        assert_eq!(found, how, "{anchor:?} {next} {ends_on:?} {on}");
        assert_eq!(after.status, SubscriptionStatus::Active);
        assert_eq!(after.pause, None);
        match how {
            Return::GoesOn { until } => assert_eq!(after.next_billing_on, Some(until)),
            Return::NewPeriod { on, cycle } => {
                assert_eq!((after.next_billing_on, after.cycle), (Some(on), cycle));
            }
            _ => {}
        }
    }
}

#[test]
fn what_follows_a_pause_is_foreseen_where_its_end_is_known_and_it_comes_first() {
    for (next, from, until, ends_on, expected) in [
        ("2026-04-01", "2026-04-01", Some("2026-05-19"), None, Some("2026-05-20")),
        ("2026-04-01", "2026-04-01", Some("2026-05-31"), None, Some("2026-06-01")),
        // Within what is billed.
        ("2026-05-01", "2026-04-10", Some("2026-04-20"), None, Some("2026-05-01")),
        ("2026-05-01", "2026-04-10", Some("2026-05-04"), None, Some("2026-05-05")),
        // Nobody knows when it ends.
        ("2026-04-01", "2026-04-01", None, None, None),
        // A period is billed before it.
        ("2026-04-01", "2026-04-15", Some("2026-05-19"), None, None),
        // It ends first.
        ("2026-04-01", "2026-04-01", Some("2026-05-19"), Some("2026-05-01"), None),
    ] {
        let one = ending(resting(next, from, until), ends_on);
        let after = after_pause(&one).and_then(|after| after.next_billing_on);
        assert_eq!(after, expected.map(day), "{next} {from} {until:?} {ends_on:?}");
    }
    let one = Subscription { pause: None, ..resting("2026-04-01", "2026-04-01", None) };
    assert!(after_pause(&one).is_none());
}

#[test]
fn a_pause_begins_with_the_end_of_what_is_billed_or_on_a_day_that_is_named() {
    let one = Subscription { pause: None, ..resting("2026-04-01", "2026-04-01", None) };
    let ask = |from: Option<&str>, until: Option<&str>| NewPause {
        from: from.map(day),
        until: until.map(day),
        reason: None,
    };
    let today = day("2026-03-10");
    let planned = |one: &Subscription, asked| pause(one, asked, today);
    assert_eq!(planned(&one, ask(None, None)).unwrap().from, day("2026-04-01"));
    let named = planned(&one, ask(Some("2026-03-10"), Some("2026-03-10"))).unwrap();
    assert_eq!((named.from, named.until), (today, Some(today)));
    assert_eq!(named.goes_on_from(), Some(day("2026-03-11")));
    // A month that has begun and is not billed is run out first.
    let late = Subscription { next_billing_on: Some(day("2026-03-01")), ..one.clone() };
    assert_eq!(planned(&late, ask(None, None)).unwrap().from, day("2026-04-01"));

    let refused = |one: &Subscription, asked| planned(one, asked).unwrap_err();
    let past = refused(&one, ask(Some("2026-03-09"), None));
    assert!(matches!(&past, Refusal::Bad { .. }), "{past:?}");
    let backwards = refused(&one, ask(None, Some("2026-03-31")));
    assert!(matches!(&backwards, Refusal::Bad { .. }), "{backwards:?}");
    let runs_out = refused(&ending(one.clone(), Some("2026-04-01")), ask(None, None));
    assert!(matches!(&runs_out, Refusal::NoNextPeriod { .. }), "{runs_out:?}");
    for status in
        [SubscriptionStatus::Paused, SubscriptionStatus::Suspended, SubscriptionStatus::Trialing]
    {
        let other = refused(&Subscription { status, ..one.clone() }, ask(None, None));
        assert!(matches!(&other, Refusal::NotPausable { .. }), "{other:?}");
    }
}

proptest! {
    /// However the runs come: what is billed of a subscription with a pause is each period that begins
    /// outside of it, once.
    #[test]
    fn sloppy_runs_around_a_pause_bill_what_daily_runs_bill(
        from in 0i64..200, long in 0i64..120, gaps in prop::collection::vec(1i64..60, 1..20),
        anchor in any_anchor(),
    ) {
        let start = day("2026-01-17");
        let (from, until) = (calendar::plus_days(start, from), calendar::plus_days(start, from + long));
        let last: i64 = gaps.iter().sum();
        let billed = |days: &mut dyn Iterator<Item = i64>| {
            let mut one = begun(anchor, start, months(1));
            one.pause = Some(Pause { from, until: Some(until), reason: None });
            let mut periods = Vec::new();
            for today in days.map(|n| calendar::plus_days(start, n)) {
                loop {
                    let decision = decide(&one, today, Backlog::Allowed);
                    periods.extend(decision.bills.iter().map(|bill| bill.period));
                    apply(&mut one, &decision);
                    if decision.pauses.is_some() {
                        one.status = SubscriptionStatus::Paused;
                    }
                    let on = one.pause.as_ref().and_then(Pause::goes_on_from);
                    let Some(on) = on.filter(|on| one.status == SubscriptionStatus::Paused && *on <= today)
                    else { break };
                    one = resume(&one, on).1;
                }
            }
            periods
        };
        let sloppy = billed(&mut gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) }));
        let daily = billed(&mut (0..=last));
        prop_assert_eq!(&sloppy, &daily);
        for pair in daily.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start, "{pair:?}");
        }
        for period in daily {
            prop_assert!(period.start < from || until < period.start, "{period:?}");
        }
    }
}
