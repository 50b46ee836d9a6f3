//! Charges: what a gateway is asked, what it answers, and what is tried again when.
//!
//! One transaction is one series of attempts for one debt. Each attempt that reaches an answer has a key
//! of its own; only a decline leads to another key, so that no debt is charged twice.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::invoice::InvoiceStatus;
use super::payment_method::PaymentMethodKind;
use super::{AttemptId, Money, PaymentMethodId, TransactionId, words};

words! {
    /// What became of one attempt.
    AttemptStatus {
        /// Its key is on disk; whether the gateway was called is not known.
        Prepared = "prepared",
        Succeeded = "succeeded",
        Declined = "declined",
        /// The gateway took it on, and the money is on its way or not.
        Pending = "pending",
        /// The gateway was called, and its answer never came or said nothing.
        Unknown = "unknown",
        /// The gateway never saw the key, and will not: another attempt has another.
        NotSent = "not_sent",
    }
}

words! {
    /// What a person found out of a charge that has no outcome.
    Found { Succeeded = "succeeded", Failed = "failed" }
}

/// A gateway's token: a secret, which `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Hides a token.
    pub fn new(token: String) -> Token {
        Token(token)
    }

    /// The token itself, for the gateway alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What a gateway is asked to charge. Everything in it is on disk before it is called, and never
/// changes: the same key always goes with the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeRequest {
    pub idempotency_key: String,
    pub amount: Money,
    /// The invoice's number and the tenant's slug.
    pub invoice: String,
    pub tenant: String,
    pub method: PaymentMethodId,
    pub kind: PaymentMethodKind,
    pub token: Token,
    /// When the key was made: as the command was told, and by the machine's clock.
    pub created_at: DateTime<Utc>,
    pub prepared_at: DateTime<Utc>,
}

/// What a gateway answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Succeeded {
        reference: Option<String>,
    },
    Declined {
        code: String,
        message: Option<String>,
        /// Whether the same method may do later: not a card that was stolen.
        retryable: bool,
    },
    Pending {
        reference: Option<String>,
    },
    /// It never saw the key. No decline, and uses up no retry.
    NotFound,
    /// The request certainly never reached it: nobody was there, or it turned every request away.
    NotSent {
        message: String,
    },
    /// Nothing that can be relied on: a time-out, a dropped connection, words that are no answer.
    Unknown {
        message: String,
    },
}

/// One attempt, as it is recorded.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub id: AttemptId,
    pub transaction: TransactionId,
    /// The name of the gateway that was asked.
    pub gateway: String,
    /// Made by a version whose names of gateways had a program's first word alone.
    pub of_earlier_version: bool,
    pub idempotency_key: String,
    pub status: AttemptStatus,
    pub amount: Money,
    /// None of what was paid on a page of the gateway's.
    pub method: Option<PaymentMethodId>,
    pub reference: Option<String>,
    pub code: Option<String>,
    pub message: Option<String>,
    pub created_at: String,
    pub answered_at: Option<String>,
}

impl Attempt {
    /// Whether its key is on disk, and nobody knows yet whether the gateway was called.
    pub fn is_prepared(&self) -> bool {
        self.status == AttemptStatus::Prepared
    }
}

/// The code of a charge that is below what the gateway takes (Stripe, "Error codes"). It says nothing
/// of the customer's card: it is no decline.
pub const TOO_SMALL: &str = "amount_too_small";

/// What the config says of attempts.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Attempts after the first.
    pub max_retries: i64,
    /// Nothing is tried so long after the first failure.
    pub window: TimeDelta,
    /// Between two attempts.
    pub least_interval: TimeDelta,
}

/// What a decision about a declined charge looks at.
#[derive(Debug, Clone)]
pub struct RetryFacts {
    /// `None` where no attempt was ever declined.
    pub first_failed_at: Option<DateTime<Utc>>,
    pub last_tried_at: DateTime<Utc>,
    /// Made so far.
    pub retries: i64,
    /// What became of the last attempt.
    pub last: LastAttempt,
    /// The tenant's default method, and whether an attempt of this debt on it was declined for good.
    pub default_method: Option<PaymentMethodId>,
    pub default_declined_for_good: bool,
    pub invoice: Owed,
}

/// What became of the last attempt of a charge that has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastAttempt {
    Declined,
    /// Only another method may do.
    DeclinedForGood,
    /// It never reached the gateway.
    NotSent,
}

/// What of an invoice decides whether it is charged.
#[derive(Debug, Clone)]
pub struct Owed {
    pub status: InvoiceStatus,
    pub amount_due: Money,
    pub promised_until: Option<NaiveDate>,
    pub disputed: bool,
    /// Its subscription ended before its period began, or on that very day: the customer is asked for
    /// what is owed, and not charged.
    pub ended_before_period: bool,
}

/// Why an invoice is not charged now, whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rests {
    /// It is paid, void or given up.
    NotOpen {
        status: InvoiceStatus,
    },
    /// Its subscription was canceled before the period began.
    Ended,
    Promised {
        until: NaiveDate,
    },
    Disputed,
}

impl Rests {
    /// Whether it will not be charged later either. What was paid may be owed again, where the
    /// payment is taken back.
    pub fn is_final(self) -> bool {
        match self {
            Rests::NotOpen { status } => status != InvoiceStatus::Paid,
            Rests::Ended => true,
            Rests::Promised { .. } | Rests::Disputed => false,
        }
    }
}

impl AttemptStatus {
    /// Whether the attempt has no outcome yet.
    pub fn is_live(self) -> bool {
        matches!(self, AttemptStatus::Prepared | AttemptStatus::Pending | AttemptStatus::Unknown)
    }
}

impl Owed {
    /// Why it is not charged on that day; `None` where it is.
    pub fn rests(&self, today: NaiveDate) -> Option<Rests> {
        match self.promised_until {
            _ if self.status != InvoiceStatus::Open => Some(Rests::NotOpen { status: self.status }),
            _ if self.ended_before_period => Some(Rests::Ended),
            Some(until) if until >= today => Some(Rests::Promised { until }),
            _ if self.disputed => Some(Rests::Disputed),
            _ => None,
        }
    }
}

/// What is done about a charge that was declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It is tried again, with a new key.
    Now,
    /// It waits, until then where that is known.
    Wait { why: Waits, until: Option<DateTime<Utc>> },
    /// No attempt is left: it is marked, and dunning goes on.
    Exhausted { why: Exhausted },
    /// There is nothing to be tried any more.
    Over { why: Rests },
}

/// What a charge waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// The least interval between two attempts.
    Interval,
    /// Declined for good on that method: another has to be the default.
    NewMethod,
    /// The tenant has no default method.
    NoMethod,
    /// The invoice rests.
    Rests(Rests),
}

/// Why no attempt is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    Retries { made: i64 },
    Window { first_failed_at: DateTime<Utc> },
}

/// Decides what is done about a charge that was declined: never more than so many retries, never
/// outside the window, never after a decline for good without a new method, which is then tried
/// once at once.
pub fn decide_retry(
    facts: &RetryFacts,
    policy: &RetryPolicy,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Retry {
    let rests = facts.invoice.rests(today);
    if let Some(why) = rests.filter(|rests| rests.is_final()) {
        return Retry::Over { why };
    }
    let began = facts.first_failed_at.unwrap_or(facts.last_tried_at);
    let exhausted = match facts.retries >= policy.max_retries {
        true => Some(Exhausted::Retries { made: facts.retries }),
        false if now >= began + policy.window => Some(Exhausted::Window { first_failed_at: began }),
        false => None,
    };
    match (exhausted, rests) {
        (Some(_), Some(why @ Rests::NotOpen { .. })) => return Retry::Over { why },
        (Some(why), _) => return Retry::Exhausted { why },
        (None, Some(why)) => return Retry::Wait { why: Waits::Rests(why), until: None },
        (None, None) => {}
    }
    if facts.default_method.is_none() {
        return Retry::Wait { why: Waits::NoMethod, until: None };
    }
    if facts.default_declined_for_good {
        return Retry::Wait { why: Waits::NewMethod, until: None };
    }
    let interval = match facts.last {
        LastAttempt::Declined => policy.least_interval,
        LastAttempt::NotSent => policy.least_interval.min(UNREACHED),
        LastAttempt::DeclinedForGood => TimeDelta::zero(),
    };
    let next = facts.last_tried_at + interval;
    match now < next {
        true => Retry::Wait { why: Waits::Interval, until: Some(next) },
        false => Retry::Now,
    }
}

/// How long a gateway that was not reached is left alone: a crontab line that runs each minute would
/// else leave an attempt a minute in the books.
pub const UNREACHED: TimeDelta = TimeDelta::minutes(30);

#[cfg(test)]
mod tests;
