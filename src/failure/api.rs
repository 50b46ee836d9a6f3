//! The words of what the API alone refuses.

use super::{Failure, new};
use crate::domain::text::printable_value;

/// Nobody who is known asks.
pub fn unauthorized() -> Failure {
    new("unauthorized", "the request has no key, or one that is unknown or revoked")
        .hint("send it as Authorization: Bearer bk_…; billing api-key create makes one")
}

/// The key is known, and is for something else.
pub fn forbidden(why: impl Into<String>) -> Failure {
    new("forbidden", why)
}

/// There is nothing at that address.
pub fn no_such_address() -> Failure {
    new("not_found", "there is nothing at this address")
        .hint("/api/v1/openapi.json lists all of them")
}

/// What is not there, or is another customer's: whoever asks learns not which.
pub fn not_there(noun: &str, name: &str) -> Failure {
    new("not_found", format!("there is no {noun} {}", printable_value(name)))
}

/// Another method is what the address answers to.
pub fn method_not_allowed(allowed: &str) -> Failure {
    new("method_not_allowed", format!("this address answers to {allowed}"))
}

/// The body is no JSON by its own account.
pub fn unsupported_media_type() -> Failure {
    new("unsupported_media_type", "the body is not application/json")
        .hint("send it with Content-Type: application/json")
}

/// The body is no JSON object.
pub fn bad_body(why: &str) -> Failure {
    new("bad_json", format!("the body is no JSON object: {why}"))
}

/// What is wrong with the fields of a request: each with its code and words.
pub fn bad_fields(wrong: &[(String, &'static str, String)]) -> Failure {
    let said: Vec<_> = wrong.iter().map(|(field, _, words)| format!("{field}: {words}")).collect();
    let fields: Vec<_> = wrong
        .iter()
        .map(|(field, code, words)| {
            serde_json::json!({ "field": field, "code": code, "message": words })
        })
        .collect();
    let details = serde_json::json!({ "fields": fields });
    Failure { details, ..new("bad_fields", said.join("; ")) }
        .hint("/api/v1/openapi.json lists the fields of each request")
}

/// Money stands behind a part of an invoice, which a coupon would turn into credit: not the customer's to say.
pub fn not_all_due(invoice: &str) -> Failure {
    new(
        "partly_paid",
        format!("{invoice} is not due in full any more, so its customer uses no coupon on it"),
    )
}

/// A copy to an address from which nothing was confirmed.
pub fn new_copy() -> Failure {
    forbidden(
        "cc: who gets copies is set up by whoever bills; a customer may keep those that are there, or remove them",
    )
}

/// Too many codes were guessed.
pub fn too_many_wrong_coupons(wait_seconds: i64) -> Failure {
    new("too_many_requests", "too many coupon codes that do not exist were given in the last hour")
        .hint(format!("the next one is looked at in {wait_seconds} seconds"))
}

/// The same request is being carried out.
pub fn in_progress() -> Failure {
    new("in_progress", "a request with this Idempotency-Key is being carried out")
        .hint("ask again in a moment: the answer is kept")
}

/// The key stands for another request.
pub fn key_reused() -> Failure {
    new("idempotency_key_reused", "the Idempotency-Key was used for another request")
        .hint("a key stands for one method, path and body: use another one")
}

/// The request cannot be read.
pub fn bad_request(why: &'static str) -> Failure {
    new("bad_request", why)
}

/// The body is larger than what is read.
pub fn too_large() -> Failure {
    new("too_large", "the body is longer than 64 KB").hint("hand it in in parts")
}

/// Something is out of order on our side, and the log says what.
pub fn unavailable() -> Failure {
    new("unavailable", "this cannot be answered now").hint("ask again in a moment")
}

/// The gateway gave no answer that can be relied on.
pub fn gateway_silent() -> Failure {
    new("gateway_silent", "whether the gateway has a page to pay on is not known")
        .hint("ask again in a moment: a second page is never made")
}
