//! A pending item as an object.

use serde_json::{Value, json};

use super::quantity;
use crate::domain::money;
use crate::domain::pending_item::PendingItem;
use crate::view::{Align, Column};

/// Columns of `pending-item list`.
pub const PENDING_ITEMS: &[Column] = &[
    ("id", "Item", Align::Left, 0),
    ("tenant", "Tenant", Align::Left, 0),
    ("subscription", "Subscription", Align::Left, 3),
    ("description", "For", Align::Left, 0),
    ("amount", "Amount", Align::Right, 0),
    ("currency", "", Align::Left, 0),
    ("created_on", "Since", Align::Left, 2),
    ("status", "Status", Align::Left, 0),
    ("invoice", "Invoice", Align::Left, 1),
];

/// Fields of a pending item.
pub const PENDING_ITEM_FIELDS: &[&str] = &[
    "id",
    "tenant",
    "subscription",
    "description",
    "quantity",
    "unit_price",
    "amount",
    "currency",
    "tax_inclusive",
    "discountable",
    "period_start",
    "period_end",
    "of_change",
    "status",
    "invoice",
    "created_on",
    "created_at",
    "removed_at",
];

/// A pending item.
pub fn pending_item(item: &PendingItem) -> Value {
    json!({
        "id": item.id.to_string(),
        "tenant": item.tenant,
        "subscription": item.subscription.map(|id| id.to_string()),
        "description": item.description,
        "quantity": quantity(item.quantity),
        "unit_price": item.unit_price.map(|price| money::major(price, item.amount.currency())),
        "amount": item.amount.major(),
        "currency": item.amount.currency().code(),
        "tax_inclusive": item.basis.is_inclusive(),
        "discountable": item.discountable,
        "period_start": item.period.map(|(start, _)| start),
        "period_end": item.period.map(|(_, end)| end),
        "of_change": item.of_change,
        "status": item.status().word(),
        "invoice": item.invoice,
        "created_on": item.created_on,
        "created_at": item.created_at,
        "removed_at": item.removed_at,
    })
}
