//! What the Stripe of the tests gives back, and what others do there: the dashboard, and the
//! customers' banks. What becomes of a refund stands in the payment method of its charge:
//!
//! - `pm_refund_pending`: on its way until [`FakeStripe::finish_refunds`]
//! - `pm_refund_action`: somebody would have to act
//! - `pm_refund_fails`: the bank does not take it
//! - `pm_refund_later`: it succeeds, and fails two days later
//! - `pm_refund_broke`: the account has no money
//! - anything else succeeds

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::{FakeStripe, Fault, Kept, Leaves, Request, State, error, invalid, lock};

/// When a refund that is taken back is.
const LATER: i64 = 2 * 24 * 3600;

impl FakeStripe {
    /// What goes wrong with the next refund that is asked for, or the one after those said before.
    pub fn next_refund(&self, fault: Fault) {
        self.state().next_refunds.push_back(fault);
    }

    /// Gives so many units back from the dashboard; the refund's id.
    pub fn refund_outside(&self, intent: &str, units: i64) -> String {
        let mut state = self.state();
        let refund = state.book_refund(intent, units, json!({}), "succeeded");
        refund["id"].as_str().expect("an id").to_owned()
    }

    /// The customer's bank disputes the payment; the dispute's id.
    pub fn dispute(&self, intent: &str, status: &str) -> String {
        let mut state = self.state();
        state.ids += 1;
        let (id, now) = (format!("du_3Fake{:012}", state.ids), state.now);
        let charge = state.intent(intent).expect("a payment")["latest_charge"].clone();
        state.disputes.push(json!({
            "id": id, "object": "dispute", "amount": 1, "currency": "eur", "charge": charge,
            "payment_intent": intent, "status": status, "reason": "fraudulent", "created": now,
            "is_charge_refundable": status.starts_with("warning_"),
        }));
        id
    }

    /// The bank decides.
    pub fn decide(&self, dispute: &str, status: &str) {
        let mut state = self.state();
        let found = state.disputes.iter_mut().find(|d| d["id"] == dispute);
        found.expect("a dispute")["status"] = json!(status);
    }

    /// Ends every refund that is on its way.
    pub fn finish_refunds(&self, status: &str) {
        for refund in &mut self.state().refunds {
            if refund["status"] == "pending" {
                refund["status"] = json!(status);
            }
        }
    }

    /// Puts a refund there that nobody asked for.
    pub fn insert_refund(&self, refund: Value) {
        self.state().refunds.push(refund);
    }

    /// All of them, the oldest first.
    pub fn refunds(&self) -> Vec<Value> {
        let mut state = self.state();
        state.take_back();
        state.refunds.clone()
    }

    /// Nothing was given back twice for one key, and of no charge more than it took.
    pub fn never_too_much_back(&self) {
        let (mut keys, mut given) = (BTreeMap::new(), BTreeMap::new());
        for refund in self.refunds() {
            if counts(&refund) {
                if let Some(key) = refund["metadata"]["billing_key"].as_str() {
                    *keys.entry(key.to_owned()).or_insert(0) += 1;
                }
                let intent = refund["payment_intent"].as_str().unwrap_or_default().to_owned();
                *given.entry(intent).or_insert(0) += refund["amount"].as_i64().expect("an amount");
            }
        }
        for (key, times) in keys {
            assert_eq!(times, 1, "{key} gave back {times} times");
        }
        for charge in self.charges() {
            let back = given.get(&charge.intent).copied().unwrap_or(0);
            assert!(back <= charge.amount, "{}: {back} of {}", charge.intent, charge.amount);
        }
    }
}

/// Whether its money is gone, or on its way.
fn counts(refund: &Value) -> bool {
    ["succeeded", "pending", "requires_action"].iter().any(|status| refund["status"] == *status)
}

/// "Create a refund".
pub fn create(
    request: &Request,
    params: &BTreeMap<String, String>,
    fault: &Fault,
    shared: &Mutex<State>,
) -> Leaves {
    let known =
        |name: &str| ["payment_intent", "amount"].contains(&name) || name.starts_with("metadata[");
    if let Some(name) = params.keys().find(|name| !known(name)) {
        let says = format!("Received unknown parameter: {name}");
        return invalid(Some("parameter_unknown"), &says);
    }
    let Some(key) = request.headers.get("idempotency-key") else {
        return invalid(None, "a test without a key");
    };
    let mut state = lock(shared);
    if let Some((status, body)) = state.kept(key, &request.body) {
        return Leaves::Whole(status, body);
    }
    let (since, unknown) = (state.now, error("api_error", None, "An unknown error occurred"));
    let kept = Kept { params: request.body.clone(), since, answer: None };
    state.keys.insert(key.clone(), kept);
    if let Fault::LateBooking { by, .. } = fault {
        drop(state);
        std::thread::sleep(*by);
        state = lock(shared);
    }
    let (status, body) = match fault {
        Fault::Fail500 => (500, unknown),
        Fault::DoneThen500 => {
            state.refund(params);
            (500, unknown)
        }
        _ => state.refund(params),
    };
    state.keep(key, status, body)
}

impl State {
    fn intent(&self, id: &str) -> Option<&Value> {
        self.intents.iter().find(|intent| intent["id"] == id)
    }

    /// How much of a payment was given back, or is on its way.
    fn given_back(&self, intent: &str) -> i64 {
        let of = self.refunds.iter().filter(|r| r["payment_intent"] == intent && counts(r));
        of.map(|refund| refund["amount"].as_i64().unwrap_or(0)).sum()
    }

    /// Looks at the charge and gives back.
    fn refund(&mut self, params: &BTreeMap<String, String>) -> (u16, Value) {
        self.take_back();
        let refuse =
            |code: Option<&str>, says: &str| (400, error("invalid_request_error", code, says));
        let id = params.get("payment_intent").map_or("", String::as_str);
        let Some(intent) = self.intent(id).cloned() else { return super::missing(id) };
        if intent["status"] != "succeeded" {
            return refuse(None, "This PaymentIntent does not have a successful charge to refund.");
        }
        let against = ["needs_response", "under_review", "lost"];
        let mut disputes = self.disputes.iter().filter(|d| d["payment_intent"] == id);
        if disputes.any(|d| against.iter().any(|status| d["status"] == *status)) {
            let says = "The charge cannot be refunded because it has been charged back.";
            return refuse(Some("charge_disputed"), says);
        }
        let left = intent["amount_received"].as_i64().unwrap_or(0) - self.given_back(id);
        if left <= 0 {
            return refuse(Some("charge_already_refunded"), "It has already been refunded.");
        }
        let Some(units) = params.get("amount").and_then(|n| n.parse::<i64>().ok()) else {
            return refuse(Some("parameter_invalid_integer"), "Invalid integer");
        };
        if units < 1 || units > left {
            return refuse(None, "Refund amount is greater than unrefunded amount on charge");
        }
        let method = intent["payment_method"].as_str().unwrap_or_default();
        let status = match method.strip_prefix("pm_refund_") {
            Some("broke") => {
                let says = "Insufficient funds in your Stripe balance to refund this amount.";
                return refuse(Some("balance_insufficient"), says);
            }
            Some("pending") => "pending",
            Some("action") => "requires_action",
            Some("fails") => "failed",
            _ => "succeeded",
        };
        let metadata: BTreeMap<&str, &str> = params
            .iter()
            .filter_map(|(name, value)| {
                let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
                Some((name, value.as_str()))
            })
            .collect();
        (200, self.book_refund(id, units, json!(metadata), status))
    }

    fn book_refund(&mut self, intent: &str, units: i64, metadata: Value, status: &str) -> Value {
        self.ids += 1;
        let of = self.intent(intent).expect("a payment").clone();
        let reason = (status == "failed").then_some("expired_or_canceled_card");
        let refund = json!({
            "id": format!("re_3Fake{:012}", self.ids), "object": "refund", "amount": units,
            "currency": of["currency"], "charge": of["latest_charge"], "payment_intent": intent,
            "metadata": metadata, "status": status, "created": self.now, "reason": null,
            "failure_reason": reason, "balance_transaction": "txn_fake",
        });
        self.refunds.push(refund.clone());
        refund
    }

    /// What succeeded two days ago fails where the bank does not want it.
    fn take_back(&mut self) {
        for at in 0..self.refunds.len() {
            let refund = &self.refunds[at];
            let intent = refund["payment_intent"].as_str().unwrap_or_default();
            let later =
                self.intent(intent).is_some_and(|i| i["payment_method"] == "pm_refund_later");
            let due = refund["created"].as_i64().unwrap_or(0) + LATER <= self.now;
            if later && due && refund["status"] == "succeeded" {
                self.refunds[at]["status"] = json!("failed");
                self.refunds[at]["failure_reason"] = json!("lost_or_stolen_card");
            }
        }
    }

    /// The charge of a payment, as `expand[]=latest_charge` shows it.
    pub fn expanded(&self, mut intent: Value) -> Value {
        let Some(id) = intent["latest_charge"].as_str().map(str::to_owned) else { return intent };
        let name = intent["id"].as_str().unwrap_or_default().to_owned();
        let back = self.given_back(&name);
        let disputed = self.disputes.iter().any(|d| d["payment_intent"] == *name);
        intent["latest_charge"] = json!({
            "id": id, "object": "charge", "amount": intent["amount"], "status": "succeeded",
            "amount_refunded": back, "refunded": intent["amount"] == back,
            "currency": intent["currency"], "disputed": disputed, "payment_intent": name,
        });
        intent
    }

    /// Refunds and disputes, as they are read.
    pub fn look_at_refunds(
        &mut self,
        what: &[&str],
        params: &BTreeMap<String, String>,
    ) -> (u16, Value) {
        self.take_back();
        match what {
            ["refunds"] => page(&self.refunds, "/v1/refunds", params),
            ["disputes"] => page(&self.disputes, "/v1/disputes", params),
            [_, id] => {
                let found = self.refunds.iter().find(|refund| refund["id"] == **id);
                found.cloned().map_or_else(|| super::missing(id), |refund| (200, refund))
            }
            _ => super::missing(""),
        }
    }
}

/// A page of a list, the newest first.
fn page(all: &[Value], url: &str, params: &BTreeMap<String, String>) -> (u16, Value) {
    let number = |name: &str| params.get(name).and_then(|n| n.parse::<i64>().ok());
    let since = number("created[gte]").unwrap_or(0);
    let wanted = all.iter().rev().filter(|value| {
        let intent = params.get("payment_intent");
        value["created"].as_i64().unwrap_or(0) >= since
            && intent.is_none_or(|id| value["payment_intent"] == **id)
    });
    let rest: Vec<&Value> = match params.get("starting_after") {
        Some(id) => wanted.skip_while(|value| value["id"] != **id).skip(1).collect(),
        None => wanted.collect(),
    };
    let limit = usize::try_from(number("limit").unwrap_or(10).clamp(1, 100)).expect("small");
    let data: Vec<&&Value> = rest.iter().take(limit).collect();
    (200, json!({"object": "list", "url": url, "data": data, "has_more": rest.len() > limit}))
}
