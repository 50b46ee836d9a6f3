//! Stripe: one payment intent for each key, created and confirmed in one request while the
//! customer is away. What it answers is mapped in `answer`, amounts in `amount`; what is given back
//! stands in `refund`, and what was done there without being asked in `changes`.
//!
//! The sources are Stripe's pages "Idempotent requests", "Advanced error handling", "Create a
//! PaymentIntent" and "How PaymentIntents work"; others are named where they are followed.

mod amount;
mod answer;
mod changes;
mod checkout;
mod dispute;
mod http;
mod refund;

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;

use super::Unavailable;
use crate::domain::Result;
use crate::domain::charge::{Answer, ChargeRequest, Token};
use answer::Intent;
use http::{Api, Reply};

/// How long the same key is the same charge. "Advanced error handling": a repeated request is safe
/// "as long as the second request occurs within 24 hours"; an hour is left for clocks that differ.
pub const MEMORY: TimeDelta = TimeDelta::hours(23);

/// How far this machine's clock may have been ahead of Stripe's when the key was made: one that is
/// set to local time is up to 14 hours off.
const CLOCK_ERROR: TimeDelta = TimeDelta::hours(24);

const INTENTS: &str = "/v1/payment_intents";

/// Pages of 100 of what belongs to one customer or payment: more is an endless list.
const MOST_PAGES: usize = 100;

/// The longest message that is kept.
const MOST_CHARACTERS: usize = 500;

/// The account.
pub struct Stripe {
    api: Api,
    name: Option<String>,
}

/// Who pays, and with what: the two halves of a token, `cus_…:pm_…`.
#[derive(Clone, Copy)]
struct Payer<'a> {
    customer: &'a str,
    method: &'a str,
}

impl Payer<'_> {
    fn read(token: &str) -> Option<Payer<'_>> {
        let (customer, method) = token.split_once(':')?;
        let fits = answer::is_id(customer, "cus_") && answer::is_id(method, "pm_");
        fits.then_some(Payer { customer, method })
    }
}

/// A request in Stripe's terms.
struct Charge<'a> {
    request: &'a ChargeRequest,
    payer: Payer<'a>,
    units: i64,
    currency: String,
}

impl Charge<'_> {
    /// What can never be charged is declined without a call.
    fn of(request: &ChargeRequest) -> std::result::Result<Charge<'_>, Answer> {
        let never = |code: &str, message: String| Answer::Declined {
            code: code.to_owned(),
            message: Some(message),
            retryable: false,
        };
        let token = request.token.reveal();
        let payer = Payer::read(token).ok_or_else(|| {
            never("bad_token", "the token is not of the form cus_…:pm_…".to_owned())
        })?;
        let code = request.amount.currency();
        let units = amount::units(request.amount).ok_or_else(|| {
            never("amount_not_supported", format!("Stripe does not take this amount of {code}"))
        })?;
        Ok(Charge { request, payer, units, currency: code.code().to_ascii_lowercase() })
    }

    /// The body, of the same bytes for the same request: Stripe refuses a key that comes with
    /// others.
    ///
    /// `off_session` makes a payment that needs the customer's authentication fail with
    /// `authentication_required`. `allow_redirects` = `never` is needed since any method of the
    /// account may be meant: without it a confirmation asks for a `return_url`.
    fn form(&self) -> String {
        let request = self.request;
        form(&[
            ("amount", &self.units.to_string()),
            ("currency", &self.currency),
            ("customer", self.payer.customer),
            ("payment_method", self.payer.method),
            ("confirm", "true"),
            ("off_session", "true"),
            ("automatic_payment_methods[enabled]", "true"),
            ("automatic_payment_methods[allow_redirects]", "never"),
            ("description", &request.invoice),
            ("metadata[billing_key]", &request.idempotency_key),
            ("metadata[invoice]", &request.invoice),
            ("metadata[tenant]", &request.tenant),
        ])
    }

    /// Whether it was made by this key.
    fn has_key(&self, intent: &Intent<'_>) -> bool {
        intent.key == Some(self.request.idempotency_key.as_str())
    }

    /// Whether the intent is this charge and no other.
    fn is(&self, intent: &Intent<'_>) -> bool {
        self.has_key(intent)
            && intent.amount == Some(self.units)
            && intent.currency == Some(self.currency.as_str())
    }
}

impl std::fmt::Debug for Stripe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stripe").field("base_url", &self.api.base_url()).finish_non_exhaustive()
    }
}

impl Stripe {
    /// An account by its secret key, reached at `base_url`, with so long a time for each call from
    /// its first to its last byte. What `[payments.stripe]` says is checked already.
    pub fn new(secret_key: Token, base_url: &str, timeout: Duration) -> Stripe {
        Stripe { api: Api::new(secret_key, base_url, timeout), name: None }
    }

    /// Checks that the key is one with which money can be asked for.
    ///
    /// # Errors
    /// It is empty, or not of the form of a secret key ("API keys": `sk_…`, restricted `rk_…`).
    pub fn check(&self) -> Result<()> {
        let key = self.api.secret_key();
        let message = match key {
            "" => "the secret key is empty",
            // What cannot stand in a header would only be found when charging.
            _ if !key.bytes().all(|b| b.is_ascii_graphic()) => {
                "the secret key has characters that no key has"
            }
            _ if key.starts_with("sk_") || key.starts_with("rk_") => return Ok(()),
            _ => "the secret key does not begin with sk_ or rk_",
        };
        let place = "[payments.stripe]".to_owned();
        Err(Unavailable::Setting { place, message: message.to_owned() }.into())
    }

    /// Charges.
    pub fn charge(&self, request: &ChargeRequest) -> Answer {
        let charge = match Charge::of(request) {
            Ok(charge) => charge,
            Err(never) => return never,
        };
        let reply = self.api.post(INTENTS, Some(&request.idempotency_key), &charge.form());
        without_secrets(match reply {
            Ok(reply) => self.charged(&charge, &reply),
            Err(none) if none.never_sent => Answer::NotSent { message: none.message },
            Err(none) => Answer::Unknown { message: none.message },
        })
    }

    /// The same account under the name that the operator has for it.
    #[must_use]
    pub fn named(self, name: Option<String>) -> Stripe {
        Stripe { name, ..self }
    }

    /// What the operator calls it: the key does not say which account it is of.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether the money is real: `live`, or `test`. The ids of one account are none of another's.
    pub fn mode(&self) -> &'static str {
        match self.api.secret_key().contains("_live_") {
            true => "live",
            false => "test",
        }
    }

    /// Asks what became of a charge: by Stripe's own id where it gave one, else by looking for the
    /// key among the customer's payments.
    ///
    /// A payment that was begun and waits for something is canceled, so that its answer is final.
    pub fn status(&self, request: &ChargeRequest, reference: Option<&str>) -> Answer {
        let charge = match (Charge::of(request), reference) {
            (Ok(charge), _) => charge,
            // It was never sent, and charging says why.
            (Err(_), None) => return Answer::NotFound,
            (Err(_), Some(_)) => {
                let message = "it has a reference, and cannot have been sent to Stripe".to_owned();
                return Answer::Unknown { message };
            }
        };
        let answer = match reference {
            Some(reference) => self.retrieve(&charge, reference),
            None => self.find(&charge),
        };
        without_secrets(answer.unwrap_or_else(|message| Answer::Unknown { message }))
    }

    /// What the answer to the one request says. Where the key was used before, it is the answer of
    /// then.
    fn charged(&self, charge: &Charge<'_>, reply: &Reply) -> Answer {
        let error = &reply.body["error"];
        match reply.status {
            200 => match Intent::read(&reply.body) {
                Some(intent) => self.settled(charge, &intent),
                None => answer::unknown(reply),
            },
            402 if error.is_object() => self.declined(charge, error),
            400 | 404 if answer::is_refusal(reply) => match self.declined(charge, error) {
                Answer::Declined { code, message, .. } => {
                    Answer::Declined { code, message, retryable: false }
                }
                other => other,
            },
            // "No valid API key provided", "Too many requests": turned away at the door.
            401 | 429 => match answer::unknown(reply) {
                Answer::Unknown { message } => Answer::NotSent { message },
                other => other,
            },
            // A key in use or with other bytes, a fault of Stripe's, which may have charged all the same ("treat the result of a 500 request
            // as indeterminate") and whose answer the key keeps.
            _ => answer::unknown(reply),
        }
    }

    /// A decline, once the intent that comes with it has come to rest.
    fn declined(&self, charge: &Charge<'_>, error: &Value) -> Answer {
        match Intent::read(&error["payment_intent"]) {
            Some(intent) if !intent.failed() && intent.status != "requires_payment_method" => {
                match self.settled(charge, &intent) {
                    Answer::Declined { .. } => answer::declined(error),
                    other => other,
                }
            }
            _ => answer::declined(error),
        }
    }

    /// What an intent says of its charge.
    fn settled(&self, charge: &Charge<'_>, intent: &Intent<'_>) -> Answer {
        if !charge.is(intent) {
            let message = format!("{} is not the payment of this key and amount", intent.id);
            return Answer::Unknown { message };
        }
        match intent.status {
            "succeeded" => Answer::Succeeded { reference: intent.reference() },
            "processing" => Answer::Pending { reference: intent.reference() },
            _ if intent.failed() => failed(intent),
            _ if intent.waits() => self.canceled(charge, intent),
            other => Answer::Unknown { message: format!("{} is {other}", intent.id) },
        }
    }

    /// Cancels an intent that waits for somebody: its first request may still be at work, or the
    /// customer may be asked by Stripe, and it would be paid after another key was. "Cancel a
    /// PaymentIntent": "After it's canceled, no additional charges are made by the PaymentIntent".
    /// One that is at work or has succeeded meanwhile cannot be canceled, and stays unknown.
    fn canceled(&self, charge: &Charge<'_>, intent: &Intent<'_>) -> Answer {
        let reply = match self.api.post(&format!("{INTENTS}/{}/cancel", intent.id), None, "") {
            Ok(reply) => reply,
            Err(none) => return Answer::Unknown { message: none.message },
        };
        match Intent::read(&reply.body) {
            Some(now) if reply.status == 200 && now.status == "canceled" && charge.is(&now) => {
                match intent.status {
                    "requires_action" if intent.error.is_null() => Answer::Declined {
                        code: "authentication_required".to_owned(),
                        message: Some("the customer would have had to act".to_owned()),
                        retryable: false,
                    },
                    _ => failed(intent),
                }
            }
            _ => answer::unknown(&reply),
        }
    }

    /// Asks for the intent by its id.
    fn retrieve(
        &self,
        charge: &Charge<'_>,
        reference: &str,
    ) -> std::result::Result<Answer, String> {
        if !answer::is_id(reference, "pi_") {
            return Err("the reference is not one of Stripe's".to_owned());
        }
        let reply = self.api.get(&format!("{INTENTS}/{reference}"))?;
        Ok(match Intent::read(&reply.body) {
            Some(intent) if reply.status == 200 => self.settled(charge, &intent),
            // Also where there is none of that id: it was there, and the account may be another.
            _ => answer::unknown(&reply),
        })
    }

    /// Looks for the key among the customer's intents. Their list shows what was written a moment
    /// ago, as Stripe's search does not ("Search": not for "read-after-write flows"). Two with one
    /// key cannot be; were there two, the one that charged would count.
    fn find(&self, charge: &Charge<'_>) -> std::result::Result<Answer, String> {
        // The earlier of both: the one is real, the other what the command was told.
        let made = charge.request.prepared_at.min(charge.request.created_at);
        let since = (made - CLOCK_ERROR).timestamp().to_string();
        let query = [("customer", charge.payer.customer), ("created[gte]", since.as_str())];
        let ours = |value: &Value| Intent::read(value).map(|intent| charge.has_key(&intent));
        let found = self.list(INTENTS, &query, MOST_PAGES, ours)?;
        let best = found.iter().filter_map(Intent::read).min_by_key(Intent::rank);
        Ok(best.map_or(Answer::NotFound, |intent| self.settled(charge, &intent)))
    }

    /// The objects of a list that are wanted, the newest first. `wanted` says nothing of one that
    /// cannot be read: then nobody knows what the list says.
    fn list(
        &self,
        path: &str,
        query: &[(&str, &str)],
        most_pages: usize,
        wanted: impl Fn(&Value) -> Option<bool>,
    ) -> std::result::Result<Vec<Value>, String> {
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..most_pages {
            let mut query = query.to_vec();
            query.push(("limit", "100"));
            query.extend(after.as_deref().map(|id| ("starting_after", id)));
            let reply = self.api.get(&format!("{path}?{}", form(&query)))?;
            let page = reply.body["data"].as_array().filter(|_| reply.status == 200);
            let Some(page) = page else { return Err(answer::says(&reply)) };
            for value in page {
                match wanted(value) {
                    Some(true) => found.push(value.clone()),
                    Some(false) => {}
                    None => return Err(answer::says(&reply)),
                }
            }
            let last = page.last().and_then(|value| value["id"].as_str());
            match (reply.body["has_more"].as_bool(), last) {
                (Some(false), _) => return Ok(found),
                (Some(true), Some(last)) => after = Some(last.to_owned()),
                _ => return Err(answer::says(&reply)),
            }
        }
        Err(format!("the list {path} does not end"))
    }
}

/// The answer without what must not be shown: Stripe's messages name customers and methods, which
/// make up the token, and parts of the secret key.
fn without_secrets(answer: Answer) -> Answer {
    match answer {
        Answer::Declined { code, message, retryable } => {
            Answer::Declined { code, message: message.as_deref().map(shown), retryable }
        }
        Answer::Unknown { message } => Answer::Unknown { message: shown(&message) },
        Answer::NotSent { message } => Answer::NotSent { message: shown(&message) },
        other => other,
    }
}

/// The decline of an intent of which nothing more comes.
fn failed(intent: &Intent<'_>) -> Answer {
    if intent.error.is_object() {
        return answer::declined(intent.error);
    }
    Answer::Declined {
        code: "canceled".to_owned(),
        message: Some(format!("{} was canceled before it was paid", intent.id)),
        retryable: true,
    }
}

/// A message in one line and of bounded length, with ids and keys cut off after their prefix.
fn shown(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() || c == '_' || c == '*' {
            word.push(c);
            continue;
        }
        let hidden = ["cus_", "pm_", "sk_", "rk_"].into_iter().find(|p| word.starts_with(p));
        out.push_str(hidden.unwrap_or(&word));
        out.push_str(hidden.map_or("", |_| "…"));
        out.push(if c.is_control() { ' ' } else { c });
        word.clear();
    }
    out.trim_end().chars().take(MOST_CHARACTERS).collect()
}

/// `application/x-www-form-urlencoded`, which is a query as well.
fn form(fields: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in fields {
        if !out.is_empty() {
            out.push('&');
        }
        percent_encoded(name, &mut out);
        out.push('=');
        percent_encoded(value, &mut out);
    }
    out
}

fn percent_encoded(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
}
