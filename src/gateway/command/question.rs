//! What a program reads: one object on one line. The line is ended, so that a shell's `read` takes it
//! as well.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::answer::Operation;
use crate::domain::Money;
use crate::domain::charge::ChargeRequest;
use crate::domain::gateway_refund::RefundRequest;

/// A question about money, with its fields in this order.
#[derive(Serialize)]
struct Question<'a> {
    version: u8,
    operation: &'static str,
    /// What a status is asked of, where it is no charge.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<&'static str>,
    idempotency_key: &'a str,
    amount: String,
    amount_minor: i64,
    currency: &'static str,
    invoice: &'a str,
    tenant: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_method: Option<Method<'a>>,
    /// What the gateway answered earlier: to what is asked after, or to the charge that is to be given
    /// back. A charge has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    /// The reference of the charge, where `reference` is that of its refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    charge: Option<&'a str>,
    /// There in each question about a refund, and null where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    credit_note: Option<Option<&'a str>>,
}

#[derive(Serialize)]
struct Method<'a> {
    id: String,
    kind: &'static str,
    token: &'a str,
}

#[derive(Serialize)]
struct Since {
    version: u8,
    operation: &'static str,
    since: String,
}

/// The bytes of a charge, or of what became of it.
pub fn of_charge(
    operation: Operation,
    request: &ChargeRequest,
    reference: Option<&str>,
) -> Result<Vec<u8>, String> {
    let method = Method {
        id: request.method.to_string(),
        kind: request.kind.word(),
        token: request.token.reveal(),
    };
    line(&Question {
        invoice: &request.invoice,
        tenant: &request.tenant,
        payment_method: Some(method),
        reference,
        ..about(operation, &request.idempotency_key, request.amount)
    })
}

/// The bytes of a refund.
pub fn of_refund(request: &RefundRequest) -> Result<Vec<u8>, String> {
    line(&Question {
        invoice: &request.invoice,
        tenant: &request.tenant,
        reference: Some(&request.charge),
        credit_note: Some(request.credit_note.as_deref()),
        ..about(Operation::Refund, &request.idempotency_key, request.amount)
    })
}

/// The bytes that ask what became of a refund.
pub fn of_refund_status(
    request: &RefundRequest,
    reference: Option<&str>,
) -> Result<Vec<u8>, String> {
    line(&Question {
        of: Some(Operation::Refund.word()),
        invoice: &request.invoice,
        tenant: &request.tenant,
        reference,
        charge: Some(&request.charge),
        credit_note: Some(request.credit_note.as_deref()),
        ..about(Operation::Status, &request.idempotency_key, request.amount)
    })
}

/// The bytes that ask for what was done since.
pub fn of_changes(since: DateTime<Utc>) -> Result<Vec<u8>, String> {
    let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
    line(&Since { version: 1, operation: "changes", since })
}

/// What all have in common.
fn about<'a>(operation: Operation, key: &'a str, amount: Money) -> Question<'a> {
    Question {
        version: 1,
        operation: operation.word(),
        of: None,
        idempotency_key: key,
        amount: amount.major(),
        amount_minor: amount.minor(),
        currency: amount.currency().code(),
        invoice: "",
        tenant: "",
        payment_method: None,
        reference: None,
        charge: None,
        credit_note: None,
    }
}

/// A question as it is written.
pub fn line(question: &impl Serialize) -> Result<Vec<u8>, String> {
    // The error is not shown: it could only be of a value.
    let mut bytes = serde_json::to_vec(question).map_err(|_| "cannot be asked".to_owned())?;
    bytes.push(b'\n');
    Ok(bytes)
}
