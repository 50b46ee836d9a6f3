//! A credit and what it pays, as objects.

use serde_json::{Value, json};

use crate::domain::credit::{Credit, CreditUse};
use crate::view::{Align, Column};

/// Columns of `credit list`.
pub const CREDITS: &[Column] = &[
    ("id", "Credit", Align::Left, 0),
    ("tenant", "Tenant", Align::Left, 0),
    ("source", "Source", Align::Left, 3),
    ("amount", "Amount", Align::Right, 0),
    ("left", "Left", Align::Right, 0),
    ("currency", "", Align::Left, 0),
    ("counts_from", "From", Align::Left, 2),
    ("transaction", "Transaction", Align::Left, 4),
    ("reason", "Reason", Align::Left, 1),
];

/// Fields of a credit.
pub const CREDIT_FIELDS: &[&str] = &[
    "id",
    "tenant",
    "source",
    "transaction",
    "credit_note",
    "amount",
    "left",
    "currency",
    "reason",
    "counts_from",
    "taken_back_at",
    "created_at",
];

/// A credit.
pub fn credit(credit: &Credit) -> Value {
    json!({
        "id": credit.id.to_string(),
        "tenant": credit.tenant,
        "source": credit.source.word(),
        "transaction": credit.transaction.map(|id| id.to_string()),
        "credit_note": credit.credit_note,
        "amount": credit.amount.major(),
        "left": credit.left.major(),
        "currency": credit.amount.currency().code(),
        "reason": credit.reason,
        "counts_from": credit.counts_from,
        "taken_back_at": credit.taken_back_at,
        "created_at": credit.created_at,
    })
}

/// What of a credit pays, or paid, an invoice.
pub fn credit_use(one: &CreditUse) -> Value {
    json!({
        "id": one.id.to_string(),
        "credit": one.credit.to_string(),
        "invoice": one.invoice,
        "amount": one.amount.major(),
        "currency": one.amount.currency().code(),
        "applied_on": one.applied_on,
        "unapplied_at": one.unapplied_at,
        "unapplied_reason": one.unapplied_reason,
    })
}
