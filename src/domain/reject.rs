//! Why an event of usage is not taken, as data: `failure/usage.rs` has the words.

use chrono::NaiveDate;

use super::words;

words! {
    /// The code of a reason.
    RejectCode {
        BadJson = "bad_json",
        BadTime = "bad_time",
        BadValue = "bad_value",
        UnknownMeter = "unknown_meter",
        UnknownSubscription = "unknown_subscription",
        AmbiguousTenant = "ambiguous_tenant",
        NotMetered = "not_metered",
        BeforeStart = "before_start",
        AfterEnd = "after_end",
        TooLate = "too_late",
        InFuture = "in_future",
        IdConflict = "id_conflict",
    }
}

/// Why an event is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reject {
    /// The line is no event.
    BadJson {
        what: String,
    },
    BadTime {
        value: String,
    },
    BadValue {
        value: String,
    },
    UnknownMeter {
        meter: String,
    },
    /// Neither a subscription nor a customer.
    UnknownSubscription {
        name: String,
    },
    /// Several subscriptions of a customer have the meter.
    AmbiguousTenant {
        tenant: String,
        meter: String,
        subscriptions: Vec<String>,
    },
    /// Nothing charges the meter, at that time.
    NotMetered {
        who: String,
        meter: String,
    },
    BeforeStart {
        subscription: String,
        started_on: NaiveDate,
    },
    AfterEnd {
        subscription: String,
        ends_on: NaiveDate,
    },
    /// Of a day before this one.
    TooLate {
        day: NaiveDate,
        earliest: NaiveDate,
    },
    InFuture {
        at: String,
        latest: String,
    },
    /// Another event has the id on that day.
    IdConflict {
        id: String,
        day: NaiveDate,
    },
}

impl Reject {
    /// Its code.
    pub fn code(&self) -> RejectCode {
        match self {
            Reject::BadJson { .. } => RejectCode::BadJson,
            Reject::BadTime { .. } => RejectCode::BadTime,
            Reject::BadValue { .. } => RejectCode::BadValue,
            Reject::UnknownMeter { .. } => RejectCode::UnknownMeter,
            Reject::UnknownSubscription { .. } => RejectCode::UnknownSubscription,
            Reject::AmbiguousTenant { .. } => RejectCode::AmbiguousTenant,
            Reject::NotMetered { .. } => RejectCode::NotMetered,
            Reject::BeforeStart { .. } => RejectCode::BeforeStart,
            Reject::AfterEnd { .. } => RejectCode::AfterEnd,
            Reject::TooLate { .. } => RejectCode::TooLate,
            Reject::InFuture { .. } => RejectCode::InFuture,
            Reject::IdConflict { .. } => RejectCode::IdConflict,
        }
    }
}
