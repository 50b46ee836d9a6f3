//! The values of events as JSON, and what docs/events.md calls them.

use std::fmt::Write as _;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::domain::charge::Found;
use crate::domain::coupon::{CouponStatus, DiscountType, Eligibility};
use crate::domain::credit_note::CreditReason;
use crate::domain::document::DocumentForm;
use crate::domain::email::Locale;
use crate::domain::gateway_refund::DisputeStatus;
use crate::domain::hook::HookState;
use crate::domain::invoice::InvoiceStatus;
use crate::domain::party::CustomerKind;
use crate::domain::payment_method::PaymentMethodKind;
use crate::domain::price::ModelWord;
use crate::domain::stage::Stage;
use crate::domain::subscription::{Collection, SubscriptionStatus};
use crate::domain::tax::TaxCategory;
use crate::domain::template::Template;
use crate::domain::tenant::{SuspensionCause, TenantStatus};
use crate::domain::usage::Aggregation;
use crate::domain::{
    ApiKeyId, AttemptId, CheckoutId, CreditId, CreditUseId, Currency, DocumentId, EmailId, EventId,
    Money, PaymentMethodId, PendingItemId, RedemptionId, RunId, SubscriptionId, TransactionId,
    UsageId,
};

/// A value as JSON has it.
pub trait Value {
    /// What it is, in words.
    fn is() -> String;

    /// Writes it.
    fn write(&self, json: &mut String);
}

/// Writes a text as a JSON string, as RFC 8785 has it: quotes, backslashes and control characters
/// are escaped, all else stands as it is.
pub fn quote(text: &str, json: &mut String) {
    json.push('"');
    // All that is escaped is ASCII, so that the pieces between are whole characters.
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|b| b < 0x20 || b == b'"' || b == b'\\') {
        json.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => json.push_str("\\\""),
            b'\\' => json.push_str("\\\\"),
            0x08 => json.push_str("\\b"),
            b'\t' => json.push_str("\\t"),
            b'\n' => json.push_str("\\n"),
            0x0c => json.push_str("\\f"),
            b'\r' => json.push_str("\\r"),
            // A String takes whatever is written to it.
            control => drop(write!(json, "\\u{control:04x}")),
        }
        rest = &rest[at + 1..];
    }
    json.push_str(rest);
    json.push('"');
}

impl Value for str {
    fn is() -> String {
        "text".to_owned()
    }

    fn write(&self, json: &mut String) {
        quote(self, json);
    }
}

impl Value for String {
    fn is() -> String {
        str::is()
    }

    fn write(&self, json: &mut String) {
        quote(self, json);
    }
}

impl<T: Value + ?Sized> Value for &T {
    fn is() -> String {
        T::is()
    }

    fn write(&self, json: &mut String) {
        (**self).write(json);
    }
}

impl<T: Value> Value for Option<T> {
    fn is() -> String {
        format!("{}, or null", T::is())
    }

    fn write(&self, json: &mut String) {
        match self {
            Some(value) => value.write(json),
            None => json.push_str("null"),
        }
    }
}

impl<T: Value> Value for [T] {
    fn is() -> String {
        format!("list of {}", T::is())
    }

    fn write(&self, json: &mut String) {
        json.push('[');
        for (at, value) in self.iter().enumerate() {
            if at > 0 {
                json.push(',');
            }
            value.write(json);
        }
        json.push(']');
    }
}

impl<T: Value> Value for Vec<T> {
    fn is() -> String {
        <[T]>::is()
    }

    fn write(&self, json: &mut String) {
        self.as_slice().write(json);
    }
}

/// JSON that was checked when it came in: an object of texts.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a>(pub &'a str);

impl Value for Texts<'_> {
    fn is() -> String {
        "object of texts".to_owned()
    }

    fn write(&self, json: &mut String) {
        json.push_str(self.0);
    }
}

impl Value for bool {
    fn is() -> String {
        "true or false".to_owned()
    }

    fn write(&self, json: &mut String) {
        json.push_str(if *self { "true" } else { "false" });
    }
}

impl Value for Money {
    fn is() -> String {
        "amount".to_owned()
    }

    fn write(&self, json: &mut String) {
        quote(&self.major(), json);
    }
}

/// Values that are printed as they are, as a number or between quotes.
macro_rules! printed {
    ($($type:ty: $is:literal, $quote:literal;)+) => {$(
        impl Value for $type {
            fn is() -> String {
                $is.to_owned()
            }

            fn write(&self, json: &mut String) {
                // A String takes whatever is written to it.
                write!(json, concat!($quote, "{}", $quote), self).ok();
            }
        }
    )+};
}

printed! {
    i64: "number", "";
    u32: "number", "";
    u64: "number", "";
    NaiveDate: "date", "\"";
    Decimal: "decimal", "\"";
    Currency: "currency", "\"";
}

/// Ids, `txn_7`.
macro_rules! ids {
    ($($type:ty)+) => {$(
        impl Value for $type {
            fn is() -> String {
                format!("id, `{}7`", <$type>::PREFIX)
            }

            fn write(&self, json: &mut String) {
                write!(json, "\"{self}\"").ok();
            }
        }
    )+};
}

ids! {
    ApiKeyId AttemptId CheckoutId CreditId CreditUseId DocumentId EmailId EventId PaymentMethodId PendingItemId RedemptionId RunId SubscriptionId TransactionId UsageId
}

/// Enums of words.
macro_rules! one_of {
    ($($type:ty)+) => {$(
        impl Value for $type {
            fn is() -> String {
                let all: Vec<_> = <$type>::ALL.iter().map(|v| format!("`{v}`")).collect();
                all.join(", ")
            }

            fn write(&self, json: &mut String) {
                quote(self.word(), json);
            }
        }
    )+};
}

one_of! {
    Aggregation Collection CouponStatus CreditReason CustomerKind DiscountType DisputeStatus DocumentForm Eligibility Found HookState InvoiceStatus
    Locale ModelWord PaymentMethodKind Stage SubscriptionStatus SuspensionCause TaxCategory Template
    TenantStatus
}
