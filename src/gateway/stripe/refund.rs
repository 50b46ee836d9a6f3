//! Refunds at Stripe: one for each key, of a payment intent. The pages are "Create a refund", "The
//! refund object" and "Refund and cancel payments".
//!
//! The charge is read before: what was given back from the dashboard, or taken back by the customer's
//! bank, is not given back a second time. And before anything is called refused it is looked for
//! under its key, so that a refund that was made is never taken for one that was not.

use serde_json::Value;

use super::answer::{self, is_id};
use super::dispute::{self, DISPUTES};
use super::http::Reply;
use super::{MOST_PAGES, Stripe, amount, form, without_secrets};
use crate::domain::charge::Answer;
use crate::domain::gateway_refund::{DisputeStatus, RefundRequest};

pub const REFUNDS: &str = "/v1/refunds";

/// A refund, as far as anybody asks here.
pub struct Refund<'a> {
    pub id: &'a str,
    pub status: &'a str,
    pub amount: Option<i64>,
    pub currency: Option<&'a str>,
    /// The payment that it gives back; `None` where that was made without an intent, as none is here.
    pub intent: Option<&'a str>,
    /// The key that it was made by; `None` where it was made in the dashboard, or by another program.
    pub key: Option<&'a str>,
    pub created: Option<i64>,
    /// Why it failed.
    reason: Option<&'a str>,
}

impl Refund<'_> {
    /// Reads one; `None` where it is none.
    pub fn read(value: &Value) -> Option<Refund<'_>> {
        if value["object"].as_str() != Some("refund") {
            return None;
        }
        Some(Refund {
            // `re_…`, and `pyr_…` where the money did not come from a card.
            id: value["id"].as_str().filter(|id| is_id(id, ""))?,
            status: value["status"].as_str()?,
            amount: value["amount"].as_i64(),
            currency: value["currency"].as_str(),
            intent: value["payment_intent"].as_str(),
            key: value["metadata"]["billing_key"].as_str(),
            created: value["created"].as_i64(),
            reason: answer::word(value, "failure_reason"),
        })
    }

    /// The least for what matters most, where two carry the same key.
    fn rank(&self) -> u8 {
        match self.status {
            "succeeded" => 0,
            "pending" | "requires_action" => 1,
            "failed" | "canceled" => 3,
            _ => 2,
        }
    }

    /// What it says of itself. One that succeeded may fail days later: the customer's bank sends the
    /// money back, and Stripe keeps it.
    fn answer(&self) -> Answer {
        let reference = Some(self.id.to_owned());
        match self.status {
            "succeeded" => Answer::Succeeded { reference },
            // It may wait for the account's balance, or for the customer to say where to.
            "pending" | "requires_action" => Answer::Pending { reference },
            "failed" => Answer::Declined {
                code: self.reason.unwrap_or("refund_failed").to_owned(),
                message: Some(format!("{} failed", self.id)),
                retryable: self.reason == Some("insufficient_funds"),
            },
            "canceled" => Answer::Declined {
                code: "canceled".to_owned(),
                message: Some(format!("{} was canceled", self.id)),
                retryable: false,
            },
            other => Answer::Unknown { message: format!("{} is {other}", self.id) },
        }
    }
}

/// A request in Stripe's terms.
struct Call<'a> {
    request: &'a RefundRequest,
    units: i64,
    currency: String,
}

impl Call<'_> {
    /// What can never have been charged is declined without a call.
    fn of(request: &RefundRequest) -> Result<Call<'_>, Answer> {
        let currency = request.amount.currency().code();
        if !is_id(&request.charge, "pi_") {
            let says = "the reference of the charge is not one of Stripe's".to_owned();
            return Err(declined("bad_reference", says));
        }
        let units = amount::units(request.amount).ok_or_else(|| {
            let says = format!("Stripe does not take this amount of {currency}");
            declined("amount_not_supported", says)
        })?;
        Ok(Call { request, units, currency: currency.to_ascii_lowercase() })
    }

    /// The body, of the same bytes for the same request.
    fn form(&self) -> String {
        let (request, units) = (self.request, self.units.to_string());
        let mut fields = vec![
            ("payment_intent", request.charge.as_str()),
            ("amount", units.as_str()),
            ("metadata[billing_key]", &request.idempotency_key),
            ("metadata[invoice]", &request.invoice),
            ("metadata[tenant]", &request.tenant),
        ];
        let note = request.credit_note.as_deref();
        fields.extend(note.map(|number| ("metadata[credit_note]", number)));
        form(&fields)
    }

    fn has_key(&self, refund: &Refund<'_>) -> bool {
        refund.key == Some(self.request.idempotency_key.as_str())
    }

    /// What a refund says of this request, whether it carries its key or was asked for by its id.
    fn settled(&self, refund: &Refund<'_>) -> Answer {
        let is = refund.intent == Some(self.request.charge.as_str())
            && refund.amount == Some(self.units)
            && refund.currency == Some(self.currency.as_str());
        match is {
            true => refund.answer(),
            false => Answer::Unknown {
                message: format!("{} is not the refund of this charge and amount", refund.id),
            },
        }
    }
}

impl Stripe {
    /// Gives back.
    pub fn refund(&self, request: &RefundRequest) -> Answer {
        let answer = Call::of(request).and_then(|call| {
            self.look_at_the_charge(&call)?;
            let sent = self.api.post(REFUNDS, Some(&request.idempotency_key), &call.form());
            Ok(match sent {
                Ok(reply) => self.refunded(&call, &reply),
                Err(none) if none.never_sent => Answer::NotSent { message: none.message },
                Err(none) => Answer::Unknown { message: none.message },
            })
        });
        without_secrets(answer.unwrap_or_else(|instead| instead))
    }

    /// Asks what became of a refund: by Stripe's own id where it gave one, else by looking for the key
    /// among the refunds of the charge. One that carries no key at all was made at Stripe, and is
    /// asked after by its id.
    pub fn refund_status(&self, request: &RefundRequest, reference: Option<&str>) -> Answer {
        let answer = match (Call::of(request), reference) {
            (Ok(call), Some(reference)) => self.retrieve_refund(&call, reference),
            (Ok(call), None) => self.find_refund(&call).map(|f| f.unwrap_or(Answer::NotFound)),
            // It was never sent, and refunding says why.
            (Err(_), None) => Ok(Answer::NotFound),
            (Err(_), Some(_)) => {
                Err("it has a reference, and cannot have been sent to Stripe".to_owned())
            }
        };
        without_secrets(answer.unwrap_or_else(|message| Answer::Unknown { message }))
    }

    /// Whether the charge can be given back as far as is asked: `Err` is the answer where it cannot,
    /// or where nobody can say, in which case nothing is sent.
    fn look_at_the_charge(&self, call: &Call<'_>) -> Result<(), Answer> {
        let not_sent = |message: String| Answer::NotSent { message };
        let charge = self.charge_of(&call.request.charge).map_err(not_sent)?;
        let Some(taken) = charge["amount"].as_i64() else { return Ok(()) };
        if charge["currency"].as_str() != Some(call.currency.as_str()) {
            let says = "the charge is of another currency".to_owned();
            return Err(declined("other_currency", says));
        }
        let left = taken - charge["amount_refunded"].as_i64().unwrap_or(0);
        if left <= 0 {
            let says = "all of the charge was given back already".to_owned();
            return Err(self.refused(call, declined("charge_already_refunded", says)));
        }
        if call.units > left {
            let says = format!("only {} of the charge is left", told(left, &call.currency));
            return Err(self.refused(call, declined("refund_above_charge", says)));
        }
        if charge["disputed"].as_bool() != Some(true) {
            return Ok(());
        }
        match self.dispute_of(&call.request.charge).map_err(not_sent)? {
            Some(status) => Err(self.refused(call, disputed(status))),
            None => Ok(()),
        }
    }

    /// The charge of a payment intent, null where it has none.
    fn charge_of(&self, intent: &str) -> Result<Value, String> {
        let query = form(&[("expand[]", "latest_charge")]);
        let reply = self.api.get(&format!("{}/{intent}?{query}", super::INTENTS))?;
        if reply.status != 200 || reply.body["object"].as_str() != Some("payment_intent") {
            return Err(answer::says(&reply));
        }
        match &reply.body["latest_charge"] {
            Value::Null => Ok(Value::Null),
            charge if charge["object"].as_str() == Some("charge") => Ok(charge.clone()),
            _ => Err(answer::says(&reply)),
        }
    }

    /// A dispute that keeps the charge from being given back: one that is lost, or undecided. Asking
    /// for information ("inquiry") is none yet: giving back is what settles it.
    fn dispute_of(&self, intent: &str) -> Result<Option<DisputeStatus>, String> {
        let disputes = |value: &Value| Some(value["object"].as_str()? == "dispute");
        let found = self.list(DISPUTES, &[("payment_intent", intent)], MOST_PAGES, disputes)?;
        let all = found.iter().filter(|found| !dispute::is_inquiry(found));
        let statuses: Vec<_> = all.map(dispute::dispute_status).collect::<Result<_, _>>()?;
        let worst = [DisputeStatus::Lost, DisputeStatus::Open];
        Ok(worst.into_iter().find(|status| statuses.contains(status)))
    }

    /// What the answer to the one request says. Where the key was used before, it is the answer of
    /// then.
    fn refunded(&self, call: &Call<'_>, reply: &Reply) -> Answer {
        let error = &reply.body["error"];
        match reply.status {
            200 => match Refund::read(&reply.body) {
                Some(refund) if call.has_key(&refund) => call.settled(&refund),
                _ => answer::unknown(reply),
            },
            402 if error.is_object() => self.refused(call, refusal(error)),
            400 | 404 if answer::is_refusal(reply) => self.refused(call, refusal(error)),
            // Turned away at the door.
            401 | 429 => Answer::NotSent { message: answer::says(reply) },
            _ => answer::unknown(reply),
        }
    }

    /// The refusal, unless the refund was made all the same.
    fn refused(&self, call: &Call<'_>, refusal: Answer) -> Answer {
        match self.find_refund(call) {
            Ok(found) => found.unwrap_or(refusal),
            Err(message) => Answer::Unknown { message },
        }
    }

    /// Asks for the refund by its id.
    fn retrieve_refund(&self, call: &Call<'_>, reference: &str) -> Result<Answer, String> {
        if !is_id(reference, "") {
            return Err("the reference is not one of Stripe's".to_owned());
        }
        let reply = self.api.get(&format!("{REFUNDS}/{reference}"))?;
        Ok(match Refund::read(&reply.body) {
            Some(refund) if reply.status == 200 => match refund.key {
                Some(_) if !call.has_key(&refund) => {
                    Answer::Unknown { message: format!("{} was made by another key", refund.id) }
                }
                _ => call.settled(&refund),
            },
            _ => answer::unknown(&reply),
        })
    }

    /// Looks for the key among the refunds of the charge. Two with one key cannot be; were there two,
    /// the one that gave money back would count.
    fn find_refund(&self, call: &Call<'_>) -> Result<Option<Answer>, String> {
        let query = [("payment_intent", call.request.charge.as_str())];
        let ours = |value: &Value| Refund::read(value).map(|refund| call.has_key(&refund));
        let found = self.list(REFUNDS, &query, MOST_PAGES, ours)?;
        let best = found.iter().filter_map(Refund::read).min_by_key(Refund::rank);
        Ok(best.map(|refund| call.settled(&refund)))
    }
}

fn declined(code: &str, message: String) -> Answer {
    Answer::Declined { code: code.to_owned(), message: Some(message), retryable: false }
}

/// The decline of a charge that the customer's bank has taken back, or may.
fn disputed(status: DisputeStatus) -> Answer {
    let (says, retryable) = match status {
        DisputeStatus::Lost => ("the customer's bank has taken the charge back", false),
        _ => ("the customer's bank disputes the charge", true),
    };
    Answer::Declined {
        code: "charge_disputed".to_owned(),
        message: Some(says.to_owned()),
        retryable,
    }
}

/// What Stripe refuses to give back, by its error object. Only the account's own balance may be
/// another later.
fn refusal(error: &Value) -> Answer {
    let code = answer::word(error, "code").or_else(|| answer::word(error, "type"));
    let code = code.unwrap_or("declined");
    Answer::Declined {
        code: code.to_owned(),
        message: error["message"].as_str().map(str::to_owned),
        retryable: ["balance_insufficient", "insufficient_funds"].contains(&code),
    }
}

/// An amount of Stripe's for people.
fn told(units: i64, currency: &str) -> String {
    amount::money(units, currency)
        .map_or_else(|| format!("{units} {currency}"), |money| money.to_string())
}
