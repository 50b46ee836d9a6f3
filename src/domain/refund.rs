//! The rules of refunds: which money goes back, and when one that did not arrive is tried again.
//!
//! Their rows are in `store/refunds.rs`, their verbs in `books/refund.rs`, the calls of the gateway
//! in `tasks/refund.rs`.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::calendar::days_between;
use super::charge::{LastAttempt, RetryPolicy, UNREACHED};
use super::transaction::{TransactionKind, TransactionStatus};
use super::{CreditId, Money, Result, TransactionId};

/// How a refund is told from one by a gateway: it was made by hand, outside of this program.
pub const OUTSIDE: &str = "outside";

/// A payment or charge that may go back, newest first where there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refundable {
    pub transaction: TransactionId,
    pub kind: TransactionKind,
    /// What of it has not gone back, and is not on its way.
    pub left: Money,
}

/// A credit, and what of it is free: it pays no invoice and is held by no refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Free {
    pub credit: CreditId,
    pub left: Money,
}

/// Which of the payments give back how much of `amount`, the first of them first.
///
/// # Errors
/// A payment in another currency.
pub fn give_back(from: &[Refundable], amount: Money) -> Result<Vec<(Refundable, Money)>> {
    let (mut due, mut parts) = (amount, Vec::new());
    for one in from {
        let part = if one.left.minor() < due.minor() { one.left } else { due };
        if !part.is_zero() {
            due = due.minus(part)?;
            parts.push((*one, part));
        }
    }
    Ok(parts)
}

/// What all of them have left.
///
/// # Errors
/// Amounts of two currencies.
pub fn sum(from: &[Refundable], zero: Money) -> Result<Money> {
    let mut sum = zero;
    for one in from {
        sum = sum.plus(one.left)?;
    }
    Ok(sum)
}

/// What a decision about a refund looks at.
#[derive(Debug, Clone)]
pub struct RefundFacts {
    pub status: TransactionStatus,
    /// How the last attempt ended; `None` where none was made, or the last has no outcome.
    pub last: Option<LastAttempt>,
    /// Whether an attempt has no outcome yet.
    pub asked: bool,
    pub first_failed_at: Option<DateTime<Utc>>,
    pub last_tried_at: DateTime<Utc>,
    /// The attempts that were declined, or taken on.
    pub answered: i64,
    /// When a run looked at it last.
    pub looked_at: DateTime<Utc>,
    /// When the money went back, where it did.
    pub paid_on: Option<NaiveDate>,
}

/// What is done about a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The gateway is asked for it, with a key of its own.
    Send,
    /// The gateway is asked what became of it.
    Ask,
    Wait,
    /// It was declined so often, or so long ago, that it has failed for good.
    GiveUp,
    /// It went back so long ago that no gateway takes it back any more.
    Over,
}

/// So many days a refund that succeeded may fail after all, as when the card was closed meanwhile
/// (Stripe: up to 30 days).
const MAY_FAIL_DAYS: i64 = 30;

/// A refund that succeeded is asked about once a day; cron comes a little early at times.
const ONCE_A_DAY: TimeDelta = TimeDelta::hours(20);

/// Decides what is done about a refund: one without an outcome is asked about, one that was declined and
/// may be tried again is, by the rules of charges, and one that succeeded is looked after for a while.
pub fn decide(
    facts: &RefundFacts,
    policy: &RetryPolicy,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Step {
    match facts.status {
        TransactionStatus::Succeeded => {
            let since = facts.paid_on.map_or(0, |paid_on| days_between(paid_on, today));
            match since > MAY_FAIL_DAYS {
                true => Step::Over,
                false if now < facts.looked_at + ONCE_A_DAY => Step::Wait,
                false => Step::Ask,
            }
        }
        _ if facts.asked => Step::Ask,
        TransactionStatus::Pending | TransactionStatus::Unknown if facts.last.is_none() => {
            Step::Send
        }
        _ => {
            let interval = match facts.last {
                Some(LastAttempt::NotSent) => policy.least_interval.min(UNREACHED),
                _ => policy.least_interval,
            };
            let began = facts.first_failed_at.unwrap_or(facts.last_tried_at);
            let unreached = facts.last == Some(LastAttempt::NotSent);
            let given_up = facts.answered > policy.max_retries || now >= began + policy.window;
            match () {
                () if given_up && !unreached => Step::GiveUp,
                () if now < facts.last_tried_at + interval => Step::Wait,
                () => Step::Send,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn facts(status: TransactionStatus, last: Option<LastAttempt>, asked: bool) -> RefundFacts {
        RefundFacts {
            status,
            last,
            asked,
            first_failed_at: last.map(|_| at("2026-03-01T02:00:00Z")),
            last_tried_at: at("2026-03-01T02:00:00Z"),
            answered: i64::from(last == Some(LastAttempt::Declined)),
            looked_at: at("2026-03-01T02:00:00Z"),
            paid_on: (status == TransactionStatus::Succeeded)
                .then(|| "2026-03-01".parse().unwrap()),
        }
    }

    #[test]
    fn a_refund_is_sent_once_asked_about_and_looked_after() {
        use LastAttempt::{Declined, NotSent};
        use TransactionStatus::{Failed, Pending, Succeeded, Unknown};
        let table = [
            (facts(Unknown, None, false), "2026-03-01T02:00:00Z", Step::Send),
            // Whoever prepared it may have died before it was sent, or after.
            (facts(Unknown, None, true), "2026-03-01T02:00:00Z", Step::Ask),
            (facts(Pending, None, true), "2026-04-01T02:00:00Z", Step::Ask),
            (facts(Failed, Some(Declined), false), "2026-03-01T21:59:00Z", Step::Wait),
            (facts(Failed, Some(Declined), false), "2026-03-01T22:00:00Z", Step::Send),
            (facts(Failed, Some(Declined), false), "2026-03-08T02:00:00Z", Step::GiveUp),
            (facts(Failed, Some(NotSent), false), "2026-03-01T02:29:00Z", Step::Wait),
            (facts(Failed, Some(NotSent), false), "2026-03-09T02:30:00Z", Step::Send),
            (facts(Succeeded, None, false), "2026-03-01T21:00:00Z", Step::Wait),
            (facts(Succeeded, None, false), "2026-03-02T02:00:00Z", Step::Ask),
            (facts(Succeeded, None, false), "2026-03-31T02:00:00Z", Step::Ask),
            (facts(Succeeded, None, false), "2026-04-01T02:00:00Z", Step::Over),
        ];
        let policy = RetryPolicy {
            max_retries: 3,
            window: TimeDelta::days(7),
            least_interval: TimeDelta::hours(20),
        };
        for (facts, now, step) in table {
            let found = decide(&facts, &policy, at(now), at(now).date_naive());
            assert_eq!(found, step, "{facts:?} at {now}");
        }
        let often = RefundFacts { answered: 4, ..facts(Failed, Some(Declined), false) };
        let now = at("2026-03-03T02:00:00Z");
        assert_eq!(decide(&often, &policy, now, now.date_naive()), Step::GiveUp);
    }
}
