//! What Stripe's answers mean: payment intents, and errors.

use serde_json::Value;

use super::http::Reply;
use crate::domain::charge::Answer;

/// A payment intent, as far as anybody asks here.
pub struct Intent<'a> {
    pub id: &'a str,
    pub status: &'a str,
    pub amount: Option<i64>,
    pub currency: Option<&'a str>,
    /// The key of the charge that made it.
    pub key: Option<&'a str>,
    /// Why the last attempt was declined; null where none was.
    pub error: &'a Value,
}

impl Intent<'_> {
    /// Reads one; `None` where it is none.
    pub fn read(value: &Value) -> Option<Intent<'_>> {
        if value["object"].as_str() != Some("payment_intent") {
            return None;
        }
        let id = value["id"].as_str().filter(|id| is_id(id, "pi_"))?;
        Some(Intent {
            id,
            status: value["status"].as_str()?,
            amount: value["amount"].as_i64(),
            currency: value["currency"].as_str(),
            key: value["metadata"]["billing_key"].as_str(),
            error: &value["last_payment_error"],
        })
    }

    /// Whether nothing more comes of it by itself ("How PaymentIntents work": a declined attempt leads
    /// back to `requires_payment_method`; `canceled` is final).
    pub fn failed(&self) -> bool {
        match self.status {
            "canceled" => true,
            "requires_payment_method" => !self.error.is_null(),
            _ => false,
        }
    }

    /// Whether it waits for somebody, and can be canceled.
    pub fn waits(&self) -> bool {
        let waiting = ["requires_payment_method", "requires_confirmation", "requires_action"];
        waiting.contains(&self.status) && !self.failed()
    }

    /// The least for what matters most, where two carry the same key.
    pub fn rank(&self) -> u8 {
        match self.status {
            "succeeded" => 0,
            "processing" => 1,
            _ if self.failed() => 4,
            _ if self.waits() => 3,
            _ => 2,
        }
    }

    /// What it is asked after by.
    pub fn reference(&self) -> Option<String> {
        Some(self.id.to_owned())
    }
}

/// Whether it is an id of Stripe's with that prefix, and nothing that would change a URL.
pub fn is_id(text: &str, prefix: &str) -> bool {
    let rest = text.strip_prefix(prefix).unwrap_or_default();
    let plain = rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    !rest.is_empty() && plain && text.len() <= 255
}

/// Declines after which the same method is not tried again.
///
/// The first nine are what "Automate payment retries" calls hard decline codes: "the payment only
/// executes if you obtain a new payment method". `authentication_required` is among them: an
/// off-session payment cannot be authenticated without the customer. The others are those of
/// "Stripe decline codes" and "Error codes" that lie in the card, the account or its mandate, and
/// that no waiting changes. All else (`insufficient_funds`, `generic_decline`, `do_not_honor`,
/// `processing_error`, `try_again_later`, …) may be tried again.
const HARD_DECLINES: &[&str] = &[
    "incorrect_number",
    "lost_card",
    "pickup_card",
    "stolen_card",
    "revocation_of_authorization",
    "revocation_of_all_authorizations",
    "authentication_required",
    "highest_risk_level",
    "transaction_not_allowed",
    // The card: expired, closed, wrong, blocked, or not for this.
    "authentication_not_handled",
    "card_not_supported",
    "currency_not_supported",
    "do_not_try_again",
    "expired_card",
    "fraudulent",
    "incorrect_cvc",
    "invalid_account",
    "invalid_cvc",
    "invalid_expiry_month",
    "invalid_expiry_year",
    "invalid_number",
    "merchant_blacklist",
    "new_account_information_available",
    "pin_try_exceeded",
    "restricted_card",
    "stop_payment_order",
    "testmode_decline",
    // A bank account or its mandate.
    "account_closed",
    "bank_account_restricted",
    "bank_account_unusable",
    "billing_invalid_mandate",
    "debit_not_authorized",
    "india_recurring_payment_mandate_canceled",
    "no_account",
    "payment_intent_mandate_invalid",
];

/// "Card declines", section on the issuer's advice: the same card is not to be tried again, or its
/// data are wrong.
const HARD_ADVICE: &[&str] = &["do_not_try_again", "confirm_card_data"];

/// A decline, as its error object has it: `error` of an answer, `last_payment_error` of an intent.
pub fn declined(error: &Value) -> Answer {
    let code = word(error, "decline_code").or_else(|| word(error, "code"));
    let codes = [word(error, "decline_code"), word(error, "code")];
    let hard = codes.into_iter().flatten().any(|code| HARD_DECLINES.contains(&code))
        || word(error, "advice_code").is_some_and(|advice| HARD_ADVICE.contains(&advice));
    Answer::Declined {
        code: code.or_else(|| word(error, "type")).unwrap_or("declined").to_owned(),
        message: error["message"].as_str().map(str::to_owned),
        retryable: !hard,
    }
}

/// Codes that come with a 400 and lie in the account, its key or this program ("Error codes").
const NOT_THE_CUSTOMERS: &[&str] = &[
    "account_invalid",
    "api_key_expired",
    "country_unsupported",
    "idempotency_key_in_use",
    "livemode_mismatch",
    "lock_timeout",
    "parameter_missing",
    "parameter_unknown",
    "parameters_exclusive",
    "payment_intent_rate_limit_exceeded",
    "payment_method_unactivated",
    "platform_api_key_expired",
    "rate_limit",
    "secret_key_required",
    "testmode_charges_only",
    "tls_version_unsupported",
    "url_invalid",
];

/// Whether a 400 or 404 on the creation of an intent or a refund is an answer for good: no such customer, a
/// method that is not his, an amount that is too small.
///
/// Such a request charges nothing. "Advanced error handling" says of content errors that a request
/// whose execution began "sends back the same 400 if followed by a new request with the same
/// idempotency key", and that most 400s for invalid parameters are found before the key is looked
/// at, thus for these parameters every time. Nor can the first of two requests with one key have
/// charged where the second is refused so: what the first came to would have been sent back.
///
/// Not so where the error is of the kind that every charge would meet: then no customer is to be
/// told that his card was declined, and the key may do once the account or program is in order.
pub fn is_refusal(reply: &Reply) -> bool {
    let error = &reply.body["error"];
    let known = word(error, "type") == Some("invalid_request_error");
    let ours = word(error, "code").is_some_and(|code| NOT_THE_CUSTOMERS.contains(&code));
    // A URL that Stripe does not know has no code.
    let no_such_url = reply.status == 404 && word(error, "code").is_none();
    // A key of the test mode with a customer of the live one, or the other way round.
    let other_mode = error["message"].as_str().is_some_and(|m| m.contains("a similar object"));
    known && !ours && !no_such_url && !other_mode
}

/// What is known of a charge or refund after an answer that says nothing of it.
pub fn unknown(reply: &Reply) -> Answer {
    Answer::Unknown { message: says(reply) }
}

/// An answer that is none to what was asked, in words.
pub fn says(reply: &Reply) -> String {
    let says = reply.body["error"]["message"].as_str().unwrap_or("nothing that is known here");
    match &reply.request_id {
        Some(id) => format!("Stripe answers {}: {says} ({id})", reply.status),
        None => format!("Stripe answers {}: {says}", reply.status),
    }
}

/// A code of Stripe's, which is a word.
pub fn word<'a>(error: &'a Value, field: &str) -> Option<&'a str> {
    let plain = |word: &&str| {
        !word.is_empty()
            && word.len() <= 64
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
    };
    error[field].as_str().filter(plain)
}
