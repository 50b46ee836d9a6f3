//! The words of why an event of usage is not taken.

use super::{Failure, new};
use crate::domain::reject::Reject;
use crate::domain::text::printable_value;

impl From<&Reject> for Failure {
    fn from(reject: &Reject) -> Failure {
        match reject {
            Reject::BadJson { what } => new("bad_json", format!("no event: {}", printable_value(what)))
                .hint("{\"id\":\"…\",\"meter\":\"sms\",\"subscription\":\"sub_12\",\"at\":\"2026-11-03T10:00:00Z\",\"value\":\"1\"}"),
            Reject::BadTime { value } => {
                new("bad_time", format!("not an instant: {}", printable_value(value)))
                    .hint("write 2026-11-03T10:00:00Z or 2026-11-03T11:00:00+01:00")
            }
            Reject::BadValue { value } => {
                new("bad_value", format!("not a value: {}", printable_value(value)))
                    .hint("a decimal number up to 1000000000000, with at most 9 decimals, as text; of unique values any text of one line")
            }
            Reject::UnknownMeter { meter } => {
                new("unknown_meter", format!("there is no meter {}", printable_value(meter)))
                    .hint("billing meter list shows them all")
            }
            Reject::UnknownSubscription { name } => {
                new("unknown_subscription", format!("there is no {}", printable_value(name)))
                    .hint("billing subscription list shows them all")
            }
            Reject::AmbiguousTenant { tenant, meter, subscriptions } => new(
                "ambiguous_tenant",
                format!("{tenant} has several subscriptions with {meter}: {}", subscriptions.join(", ")),
            )
            .hint("name the subscription in place of the customer"),
            Reject::NotMetered { who, meter } => {
                new("not_metered", format!("{who} has no price for {meter} at that time"))
                    .hint("billing plan price add PLAN --meter M gives its plan one")
            }
            Reject::BeforeStart { subscription, started_on } => {
                new("before_start", format!("{subscription} began on {started_on}"))
            }
            Reject::AfterEnd { subscription, ends_on } => {
                new("after_end", format!("{subscription} ended on {ends_on}"))
            }
            Reject::TooLate { day, earliest } => {
                new("too_late", format!("{day} is before {earliest}, the first day that is still taken"))
                    .hint("[usage] accept_late_days says how long")
            }
            Reject::InFuture { at, latest } => {
                new("in_future", format!("{at} is after {latest}"))
                    .hint("[usage] accept_early_minutes says how far a clock may be ahead")
            }
            Reject::IdConflict { id, day } => new(
                "id_conflict",
                format!("another event of {day} has the id {}", printable_value(id)),
            )
            .hint("an id says what an event is: give another event another id"),
        }
    }
}
