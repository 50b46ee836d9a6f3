use proptest::prelude::*;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

const POLICY: RetryPolicy = RetryPolicy {
    max_retries: 3,
    window: TimeDelta::days(7),
    least_interval: TimeDelta::hours(20),
};

/// Declined for want of money on 1 March at 2 in the morning, never tried since.
fn declined() -> RetryFacts {
    RetryFacts {
        first_failed_at: Some(at("2026-03-01T02:00:00Z")),
        last_tried_at: at("2026-03-01T02:00:00Z"),
        retries: 0,
        last: LastAttempt::Declined,
        default_method: Some(PaymentMethodId(1)),
        default_declined_for_good: false,
        invoice: Owed {
            status: InvoiceStatus::Open,
            amount_due: Money::from_minor(15_000, crate::domain::Currency::XOF),
            promised_until: None,
            disputed: false,
            ended_before_period: false,
        },
    }
}

fn decided(facts: &RetryFacts, now: &str) -> Retry {
    let now = at(now);
    decide_retry(facts, &POLICY, now, now.date_naive())
}

#[test]
fn it_is_tried_again_after_the_least_interval_and_within_the_window() {
    let wait = Retry::Wait { why: Waits::Interval, until: Some(at("2026-03-01T22:00:00Z")) };
    let over = Exhausted::Window { first_failed_at: at("2026-03-01T02:00:00Z") };
    for (now, expected) in [
        ("2026-03-01T02:01:00Z", wait),
        ("2026-03-01T21:59:59Z", wait),
        ("2026-03-01T22:00:00Z", Retry::Now),
        ("2026-03-08T01:59:59Z", Retry::Now),
        ("2026-03-08T02:00:00Z", Retry::Exhausted { why: over }),
    ] {
        assert_eq!(decided(&declined(), now), expected, "{now}");
    }
}

#[test]
fn after_three_retries_no_try_is_left() {
    let facts = RetryFacts { retries: 3, ..declined() };
    let exhausted = Retry::Exhausted { why: Exhausted::Retries { made: 3 } };
    assert_eq!(decided(&facts, "2026-03-03T02:00:00Z"), exhausted);
}

#[test]
fn a_decline_for_good_waits_for_another_method_which_is_tried_at_once() {
    let last = LastAttempt::DeclinedForGood;
    let mut facts = RetryFacts { last, default_declined_for_good: true, ..declined() };
    let waits = Retry::Wait { why: Waits::NewMethod, until: None };
    assert_eq!(decided(&facts, "2026-03-03T02:00:00Z"), waits);
    facts.default_method = Some(PaymentMethodId(2));
    facts.default_declined_for_good = false;
    assert_eq!(decided(&facts, "2026-03-01T02:01:00Z"), Retry::Now);
    facts.default_method = None;
    let waits = Retry::Wait { why: Waits::NoMethod, until: None };
    assert_eq!(decided(&facts, "2026-03-03T02:00:00Z"), waits);
}

#[test]
fn what_was_settled_promised_or_disputed_meanwhile_is_not_charged() {
    let day = "2026-03-03T02:00:00Z";
    for status in [InvoiceStatus::Void, InvoiceStatus::Uncollectible] {
        let mut facts = declined();
        facts.invoice.status = status;
        let over = Retry::Over { why: Rests::NotOpen { status } };
        assert_eq!(decided(&facts, day), over);
    }
    // A payment may be taken back within the window.
    let mut facts = declined();
    facts.invoice.status = InvoiceStatus::Paid;
    let why = Rests::NotOpen { status: InvoiceStatus::Paid };
    let waits = Retry::Wait { why: Waits::Rests(why), until: None };
    assert_eq!(decided(&facts, day), waits);
    assert_eq!(decided(&facts, "2026-03-08T02:00:00Z"), Retry::Over { why });
    let mut facts = declined();
    facts.invoice.ended_before_period = true;
    assert_eq!(decided(&facts, day), Retry::Over { why: Rests::Ended });
    let mut facts = declined();
    let until = at(day).date_naive();
    facts.invoice.promised_until = Some(until);
    let promised = Waits::Rests(Rests::Promised { until });
    assert_eq!(decided(&facts, day), Retry::Wait { why: promised, until: None });
    // The day after, the promise is over.
    assert_eq!(decided(&facts, "2026-03-04T02:00:00Z"), Retry::Now);
    facts.invoice.disputed = true;
    let disputed = Waits::Rests(Rests::Disputed);
    assert_eq!(decided(&facts, "2026-03-04T02:00:00Z"), Retry::Wait { why: disputed, until: None });
}

#[test]
fn what_never_reached_the_gateway_is_tried_again_soon() {
    let facts = RetryFacts { last: LastAttempt::NotSent, first_failed_at: None, ..declined() };
    let until = Some(at("2026-03-01T02:30:00Z"));
    let waits = Retry::Wait { why: Waits::Interval, until };
    assert_eq!(decided(&facts, "2026-03-01T02:01:00Z"), waits);
    assert_eq!(decided(&facts, "2026-03-01T02:30:00Z"), Retry::Now);
    let over = Exhausted::Window { first_failed_at: facts.last_tried_at };
    assert_eq!(decided(&facts, "2026-03-08T02:00:00Z"), Retry::Exhausted { why: over });
}

#[test]
fn a_token_is_not_shown() {
    assert_eq!(format!("{:?}", Token::new("tok_secret".into())), "Token(…)");
}

proptest! {
    /// Whatever is asked at whatever times, with declines of both kinds and methods that come
    /// and go: the attempts that are made keep every limit.
    #[test]
    fn no_limit_is_ever_passed(
        steps in prop::collection::vec((0i64..40, any::<bool>(), 1i64..4), 1..60),
    ) {
        let mut facts = declined();
        let (first, mut now) = (facts.last_tried_at, facts.last_tried_at);
        let mut declined_for_good = Vec::new();
        for (hours, hard, method) in steps {
            now += TimeDelta::hours(hours);
            facts.default_method = Some(PaymentMethodId(method));
            facts.default_declined_for_good = declined_for_good.contains(&method);
            if decide_retry(&facts, &POLICY, now, now.date_naive()) != Retry::Now {
                continue;
            }
            prop_assert!(facts.retries < 3);
            prop_assert!(now - first < TimeDelta::days(7));
            prop_assert!(!declined_for_good.contains(&method));
            if facts.last == LastAttempt::Declined {
                prop_assert!(now - facts.last_tried_at >= TimeDelta::hours(20));
            }
            facts.retries += 1;
            facts.last_tried_at = now;
            facts.last = if hard { LastAttempt::DeclinedForGood } else { LastAttempt::Declined };
            declined_for_good.extend(hard.then_some(method));
        }
    }
}
