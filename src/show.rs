//! Each noun as its `show` prints it: what a command answers, and what hooks send beside an event. It
//! is read here, and written by `view`.

use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::books::instant;
use crate::domain::invoice::Invoice;
use crate::domain::plan::Plan;
use crate::domain::stage::Stage;
use crate::domain::subscription::Subscription;
use crate::domain::tenant::Tenant;
use crate::domain::{CreditId, Result, TransactionId};
use crate::mail::Rendered;
use crate::store::usage::ListedUsage;
use crate::store::{Db, Email};
use crate::view::objects;

pub use crate::view::objects::{coupon, credit_note, meter, payment_method, pending_item};

/// A customer, with what it owes and has in credit.
///
/// # Errors
/// A fault of the file.
pub fn tenant(db: &Db, tenant: &Tenant) -> Result<Value> {
    let mut object = objects::tenant(tenant, &db.balance_due(tenant.id)?);
    object["credit_balance"] = objects::totals(&db.credit_balance(tenant.id)?);
    Ok(object)
}

/// An invoice, and what of the customer's credit pays it.
///
/// # Errors
/// A fault of the file.
pub fn invoice(db: &Db, invoice: &Invoice, today: NaiveDate) -> Result<Value> {
    let mut object = objects::invoice(invoice, today);
    if !invoice.credit_applied.is_zero() {
        let credits = db.credit_uses_of_invoice(invoice.id)?;
        if !credits.is_empty() {
            object["credits"] = credits.iter().map(objects::credit_use).collect();
        }
    }
    Ok(object)
}

/// A subscription.
///
/// # Errors
/// A fault of the file.
pub fn subscription(db: &Db, subscription: &Subscription, today: NaiveDate) -> Result<Value> {
    let overdue = db.has_overdue(subscription, today)?;
    Ok(objects::subscription(subscription, subscription.status_on(today, overdue)))
}

/// A plan with its prices.
///
/// # Errors
/// A fault of the file.
pub fn plan(db: &Db, plan: &Plan) -> Result<Value> {
    Ok(objects::plan(plan, &db.prices(plan.id)?))
}

/// A transaction with its attempts.
///
/// # Errors
/// There is none, or a fault of the file.
pub fn transaction(db: &Db, id: TransactionId) -> Result<Value> {
    let (transaction, attempts) = (db.transaction(id)?, db.attempts(id)?);
    let mut object = objects::transaction(&transaction);
    object["history"] = attempts.iter().map(objects::attempt).collect();
    Ok(object)
}

/// A credit, with what it pays and what of it goes back.
///
/// # Errors
/// There is none, or a fault of the file.
pub fn credit(db: &Db, id: CreditId) -> Result<Value> {
    let (credit, uses, held) = (db.credit(id)?, db.credit_uses_of(id)?, db.held_of(id)?);
    let mut object = objects::credit(&credit);
    object["uses"] = uses.iter().map(objects::credit_use).collect();
    if !held.is_empty() {
        object["refunds"] = held.iter().rev().map(objects::held).collect();
    }
    Ok(object)
}

/// An e-mail, as lists have it. The subject of one that is still queued is what `draw` makes of it now.
pub fn email(email: &Email, draw: impl FnOnce() -> Option<Rendered>) -> Value {
    let subject = match &email.subject {
        Some(subject) => Some(subject.clone()),
        None => draw().map(|rendered| rendered.subject),
    };
    json!({
        "id": email.id.to_string(),
        "tenant": email.tenant,
        "to": email.to,
        "subject": subject,
        "template": email.template.word(),
        "stage": email.stage.map(Stage::word),
        "locale": email.locale.word(),
        "status": email.status.word(),
        "attempts": email.attempts,
        "message_id": format!("<{}>", email.message_id),
        "queued_at": email.queued_at,
        "next_try_at": email.next_try_at,
        "sent_at": email.sent_at,
        "error": email.error,
        "document": email.document.map(|id| id.to_string()),
    })
}

/// The same with what it says: as it left, if it did; else as it would leave now.
///
/// # Errors
/// A fault of the file.
pub fn email_in_full(db: &Db, one: &Email, draw: impl Fn() -> Option<Rendered>) -> Result<Value> {
    let mut object = email(one, &draw);
    object["message"] = match db.message(one.id)? {
        Some(bytes) => json!(String::from_utf8_lossy(&bytes)),
        None => draw().map_or(Value::Null, |rendered| json!(rendered.text)),
    };
    Ok(object)
}

/// An event of usage.
pub fn usage_event(event: &ListedUsage) -> Value {
    let properties = event.properties.as_deref().unwrap_or("{}");
    json!({
        "id": event.id,
        "day": event.day,
        "meter": event.meter,
        "subscription": event.subscription.to_string(),
        "tenant": event.tenant,
        "at": instant(event.at_us),
        "value": event.value,
        "properties": serde_json::from_str::<Value>(properties).unwrap_or_default(),
        "voided": event.voided_at.is_some(),
        "voided_at": event.voided_at,
        "void_reason": event.void_reason,
    })
}
