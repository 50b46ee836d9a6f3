//! The object of a checkout.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::domain::checkout::{Checkout, CheckoutStatus};
use crate::domain::{Money, act};

/// A checkout: where the customer is to be sent, and how it stands. One that nobody knows of yet is unknown.
pub fn checkout(checkout: &Checkout, now: DateTime<Utc>) -> Value {
    let status = match checkout.status {
        CheckoutStatus::Prepared => CheckoutStatus::Unknown,
        other => other,
    };
    json!({
        "id": checkout.id.to_string(),
        "transaction": checkout.transaction.map(|id| id.to_string()),
        "invoice": checkout.invoice,
        "tenant": checkout.tenant,
        "setup": checkout.invoice_id.is_none(),
        "status": status.word(),
        "url": checkout.page(now),
        "reference": checkout.reference,
        "expires_at": checkout.expires_at.map(act::instant),
        "amount": checkout.amount.map(Money::major),
        "currency": checkout.currency.code(),
        "return_url": checkout.return_url,
        "payment_method": checkout.payment_method.map(|id| id.to_string()),
        "failure_code": checkout.code,
        "failure_message": checkout.message,
        "created_at": act::instant(checkout.created_at),
    })
}
