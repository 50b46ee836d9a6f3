//! What is measured and used, as objects.

use serde_json::{Value, json};

use super::{Align, Column};
use crate::domain::usage::Meter;

/// Columns of `meter list`.
pub const METERS: &[Column] = &[
    ("code", "Meter", Align::Left, 0),
    ("name", "Name", Align::Left, 0),
    ("aggregation", "Aggregation", Align::Left, 0),
    ("unit", "Unit", Align::Left, 1),
    ("archived", "Archived", Align::Left, 0),
];

/// Fields of a meter.
pub const METER_FIELDS: &[&str] =
    &["code", "name", "aggregation", "unit", "archived", "archived_at", "created_at"];

/// A meter.
pub fn meter(meter: &Meter) -> Value {
    json!({
        "code": meter.code,
        "name": meter.name,
        "aggregation": meter.aggregation.word(),
        "unit": meter.unit,
        "archived": meter.archived_at.is_some(),
        "archived_at": meter.archived_at,
        "created_at": meter.created_at,
    })
}

/// Columns of `usage list`.
pub const USAGE_EVENTS: &[Column] = &[
    ("id", "Event", Align::Left, 0),
    ("at", "At", Align::Left, 0),
    ("meter", "Meter", Align::Left, 0),
    ("value", "Value", Align::Right, 0),
    ("subscription", "Subscription", Align::Left, 1),
    ("tenant", "Tenant", Align::Left, 2),
    ("voided", "Voided", Align::Left, 0),
];

/// Fields of an event of usage.
pub const USAGE_EVENT_FIELDS: &[&str] = &[
    "id",
    "day",
    "meter",
    "subscription",
    "tenant",
    "at",
    "value",
    "properties",
    "voided",
    "voided_at",
    "void_reason",
];
