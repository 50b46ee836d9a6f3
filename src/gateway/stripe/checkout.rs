//! Checkouts at Stripe: a Checkout Session for each key, on a page of Stripe's own. The pages are "Create a
//! Checkout Session", "Expire a Checkout Session" and "The Checkout Session object".
//!
//! What is paid in one has a payment intent, whose id is the reference from then on: refunds and disputes
//! name it, as they do of a charge.

use std::time::Duration;

use chrono::DateTime;
use serde_json::Value;

use super::answer::{self, Intent, is_id};
use super::http::Reply;
use super::{CLOCK_ERROR, MOST_PAGES, Payer, Stripe, amount, form, shown};
use crate::domain::charge::{Answer, Token};
use crate::domain::checkout::{Became, CheckoutRequest, NewMethod, Opened, Page, Purpose, is_page};
use crate::domain::payment_method::PaymentMethodKind;

const SESSIONS: &str = "/v1/checkout/sessions";

/// A session, as far as anybody asks here.
struct Session<'a> {
    id: &'a str,
    status: &'a str,
    value: &'a Value,
}

impl Session<'_> {
    /// Reads one; `None` where it is none.
    fn read(value: &Value) -> Option<Session<'_>> {
        if value["object"].as_str() != Some("checkout.session") {
            return None;
        }
        let id = value["id"].as_str().filter(|id| is_id(id, "cs_") && id.len() <= 200)?;
        Some(Session { id, status: value["status"].as_str()?, value })
    }

    fn key(&self) -> Option<&str> {
        self.value["metadata"]["billing_key"].as_str()
    }
}

/// A request in Stripe's terms.
struct Call<'a> {
    request: &'a CheckoutRequest,
    /// What is to be paid, in Stripe's units; none where a method is added.
    units: Option<i64>,
    currency: String,
}

impl Call<'_> {
    fn of(request: &CheckoutRequest) -> Result<Call<'_>, Opened> {
        let (units, currency) = match &request.purpose {
            Purpose::Setup { currency } => (None, *currency),
            Purpose::Payment { amount, .. } => {
                let currency = amount.currency();
                let units = amount::units(*amount).ok_or_else(|| Opened::Refused {
                    code: "amount_not_supported".to_owned(),
                    message: Some(format!("Stripe does not take this amount of {currency}")),
                })?;
                (Some(units), currency)
            }
        };
        Ok(Call { request, units, currency: currency.code().to_ascii_lowercase() })
    }

    /// The customer whom Stripe knows, if there is one.
    fn customer(&self) -> Option<&str> {
        let token = self.request.customer.as_ref()?;
        Payer::read(token.reveal()).map(|payer| payer.customer)
    }

    /// The body, of the same bytes for the same request and customer.
    fn form(&self, customer: Option<&str>) -> String {
        let request = self.request;
        let units = self.units.map(|units| units.to_string()).unwrap_or_default();
        let mut fields = vec![
            ("success_url", request.return_url.as_str()),
            ("cancel_url", &request.return_url),
            ("client_reference_id", &request.idempotency_key),
            ("metadata[billing_key]", &request.idempotency_key),
            ("metadata[tenant]", &request.tenant),
        ];
        fields.extend(customer.map(|customer| ("customer", customer)));
        match &request.purpose {
            Purpose::Payment { invoice, .. } => fields.extend([
                ("mode", "payment"),
                ("line_items[0][quantity]", "1"),
                ("line_items[0][price_data][currency]", self.currency.as_str()),
                ("line_items[0][price_data][unit_amount]", units.as_str()),
                ("line_items[0][price_data][product_data][name]", invoice),
                ("metadata[invoice]", invoice),
                ("payment_intent_data[description]", invoice),
                ("payment_intent_data[metadata][billing_key]", &request.idempotency_key),
                ("payment_intent_data[metadata][invoice]", invoice),
                ("payment_intent_data[metadata][tenant]", &request.tenant),
            ]),
            Purpose::Setup { .. } => {
                fields.extend([
                    ("mode", "setup"),
                    ("currency", self.currency.as_str()),
                    ("setup_intent_data[metadata][tenant]", &request.tenant),
                ]);
                // A method is charged later as one of a customer's.
                fields.extend(customer.is_none().then_some(("customer_creation", "always")));
            }
        }
        form(&fields)
    }

    fn has_key(&self, session: &Session<'_>) -> bool {
        session.key() == Some(self.request.idempotency_key.as_str())
    }

    /// Whether the session is this checkout and no other.
    fn is(&self, session: &Session<'_>) -> bool {
        let value = session.value;
        self.has_key(session)
            && match self.units {
                Some(units) => {
                    value["amount_total"].as_i64() == Some(units)
                        && value["currency"].as_str() == Some(self.currency.as_str())
                }
                None => value["mode"].as_str() == Some("setup"),
            }
    }

    /// What a session says of its checkout.
    fn became(&self, session: &Session<'_>) -> Became {
        if !self.is(session) {
            let message = format!("{} is not the checkout of this key and amount", session.id);
            return Became::Unknown { message };
        }
        match (session.status, self.units) {
            ("expired", _) => Became::Expired,
            ("open", _) => Became::Open { reference: Some(session.id.to_owned()) },
            ("complete", Some(_)) => paid(session),
            ("complete", None) => set_up(session),
            (other, _) => Became::Unknown { message: format!("{} is {other}", session.id) },
        }
    }
}

/// What became of the payment of a session that the customer went through to its end.
fn paid(session: &Session<'_>) -> Became {
    let intent = &session.value["payment_intent"];
    if session.value["payment_status"].as_str() == Some("paid") {
        let reference = intent["id"].as_str().or(intent.as_str()).filter(|id| is_id(id, "pi_"));
        let Some(reference) = reference else {
            return Became::Unknown { message: format!("{} is paid by no payment", session.id) };
        };
        let method = kind(&intent["payment_method"]);
        return Became::Paid { reference: Some(reference.to_owned()), method };
    }
    // A debit takes days, and may come to nothing.
    match Intent::read(intent).filter(Intent::failed) {
        Some(failed) => match answer::declined(failed.error) {
            Answer::Declined { code, message, .. } => {
                Became::Failed { code, message: message.as_deref().map(shown) }
            }
            _ => Became::Expired,
        },
        None => Became::OnItsWay { reference: Some(session.id.to_owned()) },
    }
}

/// The payment method that a session added, by the token under which it is charged.
fn set_up(session: &Session<'_>) -> Became {
    let (value, intent) = (session.value, &session.value["setup_intent"]);
    let customer = value["customer"]["id"].as_str().or(value["customer"].as_str());
    let method = &intent["payment_method"];
    let token = customer.zip(method["id"].as_str().or(method.as_str()));
    let token = token.map(|(customer, method)| format!("{customer}:{method}"));
    match token.filter(|token| Payer::read(token).is_some()) {
        Some(token) if intent["status"].as_str() == Some("succeeded") => Became::SetUp(NewMethod {
            kind: kind(method),
            token: Token::new(token),
            label: label(method),
        }),
        _ => Became::Open { reference: Some(session.id.to_owned()) },
    }
}

/// What a payment method of Stripe's is.
fn kind(method: &Value) -> PaymentMethodKind {
    match method["type"].as_str() {
        Some("card" | "card_present") => PaymentMethodKind::Card,
        Some("customer_balance" | "us_bank_account") => PaymentMethodKind::BankTransfer,
        Some(debit) if debit.ends_with("_debit") => PaymentMethodKind::BankTransfer,
        _ => PaymentMethodKind::Other,
    }
}

/// What a payment method is called in lists: its brand, and what its customer knows it by.
fn label(method: &Value) -> Option<String> {
    let kind = answer::word(method, "type")?;
    let detail = &method[kind];
    let last4 = answer::word(detail, "last4").filter(|digits| digits.len() <= 4);
    let brand = answer::word(detail, "brand").unwrap_or(kind);
    Some(match last4 {
        Some(last4) => format!("{brand} …{last4}"),
        None => brand.to_owned(),
    })
}

impl Stripe {
    /// Asks for a page.
    pub fn checkout(&self, request: &CheckoutRequest) -> Opened {
        let call = match Call::of(request) {
            Ok(call) => call,
            Err(never) => return never,
        };
        let (key, customer) = (&request.idempotency_key, call.customer());
        let mut reply = self.api.post(SESSIONS, Some(key), &call.form(customer));
        // Deleted there, or of another account: whoever wants to pay is a new customer then. The key of
        // that request follows from this one, as the session does that it leads to.
        if customer.is_some() && reply.as_ref().is_ok_and(no_such_customer) {
            reply = self.api.post(SESSIONS, Some(&format!("{key}-new")), &call.form(None));
        }
        match reply {
            Ok(reply) => opened(&call, &reply),
            Err(none) if none.never_sent => Opened::NotSent { message: shown(&none.message) },
            Err(none) => Opened::Unknown { message: shown(&none.message) },
        }
    }

    /// Asks what became of a checkout: by Stripe's own id where it gave one, else by looking for the key
    /// among the sessions of that time.
    pub fn checkout_status(&self, request: &CheckoutRequest, reference: Option<&str>) -> Became {
        let Ok(call) = Call::of(request) else { return Became::NotFound };
        let became = match reference {
            Some(reference) => self.session(&call, reference),
            None => self.find_session(&call),
        };
        became.unwrap_or_else(|message| Became::Unknown { message: shown(&message) })
    }

    /// Ends a session: nobody pays by it any more. One that is paid already, or just then, is not ended, and
    /// asking says what it is.
    pub fn expire_checkout(&self, request: &CheckoutRequest, reference: &str) -> Became {
        let unknown = |message: &str| Became::Unknown { message: shown(message) };
        let Ok(call) = Call::of(request) else { return Became::NotFound };
        if !is_id(reference, "cs_") {
            return unknown("the reference is not one of Stripe's");
        }
        match self.api.post(&format!("{SESSIONS}/{reference}/expire"), None, "") {
            Ok(reply) => match Session::read(&reply.body).filter(|_| reply.status == 200) {
                Some(session) => call.became(&session),
                None => unknown(&answer::says(&reply)),
            },
            Err(none) => unknown(&none.message),
        }
    }

    /// The same account, with no more time for a call than that.
    #[must_use]
    pub fn within(self, limit: Duration) -> Stripe {
        Stripe { api: self.api.within(limit), name: self.name }
    }

    fn session(&self, call: &Call<'_>, reference: &str) -> Result<Became, String> {
        if !is_id(reference, "cs_") {
            return Err("the reference is not one of Stripe's".to_owned());
        }
        let query = form(&[("expand[]", expanded(call))]);
        let reply = self.api.get(&format!("{SESSIONS}/{reference}?{query}"))?;
        match Session::read(&reply.body).filter(|_| reply.status == 200) {
            Some(session) => Ok(call.became(&session)),
            None => Err(answer::says(&reply)),
        }
    }

    fn find_session(&self, call: &Call<'_>) -> Result<Became, String> {
        let made = call.request.prepared_at.min(call.request.created_at);
        let since = (made - CLOCK_ERROR).timestamp().to_string();
        let until = call.request.prepared_at.max(call.request.created_at) + CLOCK_ERROR;
        let until = until.timestamp().to_string();
        let query = [("created[gte]", since.as_str()), ("created[lte]", until.as_str())];
        let ours = |value: &Value| Session::read(value).map(|session| call.has_key(&session));
        let found = self.list(SESSIONS, &query, MOST_PAGES, ours)?;
        match found.first().and_then(Session::read) {
            // Again, with what the list does not say.
            Some(session) => self.session(call, session.id),
            None => Ok(Became::NotFound),
        }
    }
}

/// What of a session is wanted whole: how it was paid, or the method that it added.
fn expanded(call: &Call<'_>) -> &'static str {
    match call.units {
        Some(_) => "payment_intent.payment_method",
        None => "setup_intent.payment_method",
    }
}

fn no_such_customer(reply: &Reply) -> bool {
    let error = &reply.body["error"];
    error["code"].as_str() == Some("resource_missing")
        && error["param"].as_str() == Some("customer")
}

/// What the answer to the one request says. Where the key was used before, it is the answer of then.
fn opened(call: &Call<'_>, reply: &Reply) -> Opened {
    let (error, says) = (&reply.body["error"], || shown(&answer::says(reply)));
    match reply.status {
        200 => match Session::read(&reply.body).filter(|session| call.is(session)) {
            Some(session) => {
                let url = session.value["url"].as_str().filter(|url| is_page(url));
                let Some(url) = url else { return Opened::Unknown { message: says() } };
                let expires_at = session.value["expires_at"].as_i64();
                Opened::Redirect(Page {
                    url: url.to_owned(),
                    reference: session.id.to_owned(),
                    expires_at: expires_at.and_then(|at| DateTime::from_timestamp(at, 0)),
                })
            }
            None => Opened::Unknown { message: says() },
        },
        // Turned away at the door.
        401 | 429 => Opened::NotSent { message: says() },
        // A session that was refused is none, whatever the reason; only of a key in use nothing is known.
        400..=404 if error["type"].as_str() == Some("invalid_request_error") => Opened::Refused {
            code: answer::word(error, "code").unwrap_or("refused").to_owned(),
            message: error["message"].as_str().map(shown),
        },
        _ => Opened::Unknown { message: says() },
    }
}
