//! Checkouts by a program: what it reads, and what it answers. The operations are `checkout`, `status` with
//! `"of":"checkout"`, and `expire`, which a program need not know.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{self, LONGEST_CODE, LONGEST_MESSAGE, LONGEST_REFERENCE, string};
use super::words::Words;
use super::{Program, question};
use crate::domain::charge::Token;
use crate::domain::checkout::{Became, CheckoutRequest, NewMethod, Opened, Page, Purpose, is_page};
use crate::domain::gateway_refund::UNSUPPORTED;
use crate::domain::payment_method::PaymentMethodKind;
use crate::domain::text;
use crate::outside::run::{LONGEST_ANSWER, Ran};

/// A question about a checkout, with its fields in this order.
#[derive(Serialize)]
struct Question<'a> {
    version: u8,
    operation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<&'static str>,
    idempotency_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_minor: Option<i64>,
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoice: Option<&'a str>,
    tenant: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    setup: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    return_url: &'a str,
}

/// What is asked of a checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Begin,
    Status,
    Expire,
}

/// What an answer says, each field of whatever type, as of a charge.
#[derive(Deserialize)]
struct Said {
    status: Option<Value>,
    reference: Option<Value>,
    code: Option<Value>,
    message: Option<Value>,
    url: Option<Value>,
    expires_at: Option<Value>,
    method: Option<Value>,
    payment_method: Option<Method>,
    paying: Option<Value>,
}

#[derive(Deserialize)]
struct Method {
    kind: Option<Value>,
    token: Option<Value>,
    label: Option<Value>,
}

impl Program {
    /// Asks for a page on which the customer pays, or adds a payment method.
    pub fn checkout(&self, request: &CheckoutRequest) -> Opened {
        let group = match self.start() {
            Ok(group) => group,
            Err(message) => return Opened::NotSent { message },
        };
        let words = words_of(request);
        let opened = question(Operation::Begin, request, None)
            .and_then(|bytes| self.hear(group, &bytes, LONGEST_ANSWER))
            .and_then(|ran| said(&ran, self.timeout, &words))
            .and_then(|said| opened(said, &words).map_err(answered_with));
        opened.unwrap_or_else(|message| Opened::Unknown { message })
    }

    /// Asks what became of a checkout.
    pub fn checkout_status(&self, request: &CheckoutRequest, reference: Option<&str>) -> Became {
        self.ask_of_checkout(Operation::Status, request, reference)
    }

    /// Asks the program to end a checkout. One that does not know how leaves it as it is.
    pub fn expire_checkout(&self, request: &CheckoutRequest, reference: &str) -> Became {
        self.ask_of_checkout(Operation::Expire, request, Some(reference))
    }

    fn ask_of_checkout(
        &self,
        operation: Operation,
        request: &CheckoutRequest,
        reference: Option<&str>,
    ) -> Became {
        let words = words_of(request);
        let became = question(operation, request, reference)
            .and_then(|bytes| self.hear(self.start()?, &bytes, LONGEST_ANSWER))
            .and_then(|ran| said(&ran, self.timeout, &words))
            .and_then(|said| became(operation, request, said, &words).map_err(answered_with));
        became.unwrap_or_else(|message| Became::Unknown { message })
    }
}

/// What may be shown of what a program says: nothing where it may tell the token of a new method.
fn words_of(request: &CheckoutRequest) -> Words {
    match &request.purpose {
        Purpose::Payment { .. } => Words::hiding_nothing(),
        Purpose::Setup { .. } => Words::hiding_all(),
    }
}

fn question(
    operation: Operation,
    request: &CheckoutRequest,
    reference: Option<&str>,
) -> Result<Vec<u8>, String> {
    let (pays, currency) = match &request.purpose {
        Purpose::Payment { amount, invoice } => (Some((amount, invoice)), amount.currency()),
        Purpose::Setup { currency } => (None, *currency),
    };
    question::line(&Question {
        version: 1,
        operation: match operation {
            Operation::Begin => "checkout",
            Operation::Status => "status",
            Operation::Expire => "expire",
        },
        of: (operation != Operation::Begin).then_some("checkout"),
        idempotency_key: &request.idempotency_key,
        amount: pays.map(|(amount, _)| amount.major()),
        amount_minor: pays.map(|(amount, _)| amount.minor()),
        currency: currency.code(),
        invoice: pays.map(|(_, invoice)| invoice.as_str()),
        tenant: &request.tenant,
        setup: pays.is_none().then_some(true),
        reference,
        return_url: &request.return_url,
    })
}

fn said(ran: &Ran, patience: Duration, words: &Words) -> Result<Said, String> {
    let stdout = answer::spoken(ran, patience, words)?;
    answer::object(stdout, LONGEST_ANSWER).and_then(answer::parsed).map_err(|what| {
        answer::with_excerpt(format!("answered with {what}"), &words.excerpt(stdout))
    })
}

fn answered_with(what: String) -> String {
    format!("answered with {what}")
}

fn opened(said: Said, words: &Words) -> Result<Opened, String> {
    let status = string("status", said.status)?.ok_or("no status")?;
    match status.as_str() {
        "redirect" => {
            let url = string("url", said.url)?.ok_or("no url")?;
            if !is_page(&url) {
                let what = "a url that is neither https nor http to this machine";
                return Err(what.to_owned());
            }
            let reference = reference(said.reference)?.ok_or("no reference")?;
            let expires_at = string("expires_at", said.expires_at)?;
            let expires_at = expires_at.map(|text| instant(&text)).transpose()?;
            Ok(Opened::Redirect(Page { url, reference, expires_at }))
        }
        "declined" => match failure(said.code, said.message, words)? {
            (code, _) if code == UNSUPPORTED => Ok(Opened::Unsupported),
            (code, message) => Ok(Opened::Refused { code, message }),
        },
        // It knows no checkouts, and has never seen the key.
        "not_found" => Ok(Opened::Unsupported),
        other => Err(format!("an unknown status: {}", words.line(other, LONGEST_CODE))),
    }
}

fn became(
    operation: Operation,
    request: &CheckoutRequest,
    said: Said,
    words: &Words,
) -> Result<Became, String> {
    let status = string("status", said.status)?.ok_or("no status")?;
    let reference = reference(said.reference)?;
    match (status.as_str(), &request.purpose) {
        ("succeeded", Purpose::Payment { .. }) => {
            let method = match said.payment_method {
                Some(method) => method.kind,
                None => said.method,
            };
            Ok(Became::Paid { reference, method: kind(method)? })
        }
        ("succeeded", Purpose::Setup { .. }) => {
            let method = said.payment_method.ok_or("no payment_method")?;
            let token = string("token", method.token)?.ok_or("no token")?;
            let label = string("label", method.label)?;
            Ok(Became::SetUp(NewMethod {
                kind: kind(method.kind)?,
                token: Token::new(token),
                label,
            }))
        }
        ("pending", Purpose::Payment { .. }) => match said.paying {
            Some(Value::Bool(true)) => Ok(Became::OnItsWay { reference }),
            None | Some(Value::Bool(false) | Value::Null) => Ok(Became::Open { reference }),
            Some(_) => Err("a paying that is neither true nor false".to_owned()),
        },
        ("pending" | "redirect", _) => Ok(Became::Open { reference }),
        ("expired", _) => Ok(Became::Expired),
        // Nobody ended it who was asked to, and says why.
        ("declined", _) if operation == Operation::Expire => {
            Err("declined to an expire".to_owned())
        }
        ("declined", _) => match failure(said.code, said.message, words)? {
            (code, _) if code == "expired" => Ok(Became::Expired),
            (code, message) => Ok(Became::Failed { code, message }),
        },
        ("not_found", _) => Ok(Became::NotFound),
        (other, _) => Err(format!("an unknown status: {}", words.line(other, LONGEST_CODE))),
    }
}

/// As it was given or not at all: the program is asked with it later.
fn reference(value: Option<Value>) -> Result<Option<String>, String> {
    let reference = string("reference", value)?;
    Ok(reference.and_then(|text| text::line("reference", &text, LONGEST_REFERENCE).ok()))
}

fn kind(value: Option<Value>) -> Result<PaymentMethodKind, String> {
    let Some(word) = string("kind", value)? else { return Ok(PaymentMethodKind::Other) };
    PaymentMethodKind::from_word(&word).ok_or_else(|| "an unknown kind of payment".to_owned())
}

fn failure(
    code: Option<Value>,
    message: Option<Value>,
    words: &Words,
) -> Result<(String, Option<String>), String> {
    let code = string("code", code)?.unwrap_or_else(|| "declined".to_owned());
    // A code is a word of the program's own, never a token: it is told of a setup, too.
    let code = Words::hiding_nothing().line(&code, LONGEST_CODE);
    let message = string("message", message)?.map(|text| words.line(&text, LONGEST_MESSAGE));
    Ok((code, message.filter(|text| !text.is_empty())))
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let at = DateTime::parse_from_rfc3339(text);
    at.map(|at| at.to_utc()).map_err(|_| "an expires_at that is no instant".to_owned())
}

#[cfg(test)]
mod tests;
