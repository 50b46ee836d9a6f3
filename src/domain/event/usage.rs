//! What happens to meters and to what is used.

use chrono::NaiveDate;

use super::data::kinds;
use crate::domain::SubscriptionId;
use crate::domain::usage::Aggregation;

kinds! {
    /// What happens to a meter.
    MeterEvent<'a> {
        /// A meter was added.
        Created = "meter_created" {
            /// Its code.
            meter: &'a str,
            /// How its events come to a quantity.
            aggregation: Aggregation,
            /// What it counts.
            unit: Option<&'a str>,
        },
        /// A meter was taken off the offer; prices that have it go on.
        Archived = "meter_archived" {
            /// Its code.
            meter: &'a str,
        },
    }
}

kinds! {
    /// What happens to usage.
    UsageEvent<'a> {
        /// An event of usage was added by hand.
        Added = "usage_added" {
            /// Its id.
            id: &'a str,
            /// The business day on which it was.
            day: NaiveDate,
            /// The meter's code.
            meter: &'a str,
            /// Whose usage it is.
            subscription: SubscriptionId,
            /// Its value.
            value: &'a str,
        },
        /// Events of usage were taken from a file.
        Imported = "usage_imported" {
            /// How many were new.
            accepted: u64,
            /// How many were there already.
            duplicates: u64,
        },
        /// An event of usage was voided: it counts no more.
        Voided = "usage_voided" {
            /// Its id.
            id: &'a str,
            /// The business day on which it was.
            day: NaiveDate,
            /// The meter's code.
            meter: &'a str,
            /// Whose usage it is.
            subscription: SubscriptionId,
            /// Its value.
            value: &'a str,
        },
    }
}
