//! The Checkout Sessions of the Stripe of the tests, and what a customer does on their pages.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::{FakeStripe, Fault, Kept, Leaves, Request, State, error, invalid, lock, refused};

/// How long a session lasts.
const LIFE: i64 = 24 * 3600;

impl FakeStripe {
    /// What goes wrong with the next session that is asked for, or the one after those said before.
    pub fn next_session(&self, fault: Fault) {
        self.state().next_sessions.push_back(fault);
    }

    /// All of them, the oldest first.
    pub fn sessions(&self) -> Vec<Value> {
        let mut state = self.state();
        state.close_sessions();
        state.sessions.clone()
    }

    /// The customer goes through a page to its end: pays with a method of that type, or adds it.
    /// `unpaid`: the money of a debit is on its way.
    pub fn goes_through(&self, session: &str, method: &str, payment_status: &str) {
        let mut state = self.state();
        let at = state.session(session).expect("a session");
        let of = state.sessions[at].clone();
        assert_eq!(of["status"], "open", "the page is closed");
        let mut details =
            json!({"id": format!("pm_{}", state.ids), "object": "payment_method", "type": method});
        details[method] = json!({"last4": "4242", "brand": "visa"});
        let customer = match &of["customer"] {
            Value::Null if of["customer_creation"] == "always" => json!("cus_new"),
            known => known.clone(),
        };
        state.ids += 1;
        let id = format!("3Fake{:012}", state.ids);
        if of["mode"] == "setup" {
            state.sessions[at]["setup_intent"] = json!({"id": format!("seti_{id}"),
                "object": "setup_intent", "status": "succeeded", "payment_method": details});
        } else {
            let status = if payment_status == "paid" { "succeeded" } else { "processing" };
            let key = of["metadata"]["billing_key"].as_str().unwrap_or_default().to_owned();
            let invoice = of["metadata"]["invoice"].as_str().unwrap_or_default().to_owned();
            let units = of["amount_total"].as_i64().expect("an amount");
            let currency = of["currency"].as_str().unwrap_or_default().to_owned();
            let intent = json!({"id": format!("pi_{id}"), "object": "payment_intent",
                "amount": units, "amount_received": units, "currency": currency,
                "customer": customer, "payment_method": details["id"], "metadata": of["metadata"],
                "created": state.now, "status": status, "last_payment_error": null,
                "latest_charge": format!("ch_{id}")});
            state.intents.push(intent.clone());
            if status == "succeeded" {
                let intent = format!("pi_{id}");
                state.charges.push(super::Charge { intent, key, invoice, amount: units, currency });
            }
            state.sessions[at]["payment_intent"] = intent;
            state.sessions[at]["payment_intent"]["payment_method"] = details;
        }
        state.sessions[at]["customer"] = customer;
        state.sessions[at]["payment_status"] = json!(payment_status);
        state.sessions[at]["status"] = json!("complete");
        state.sessions[at]["url"] = Value::Null;
    }

    /// The bank takes a debit back that was on its way.
    pub fn debit_fails(&self, session: &str) {
        let mut state = self.state();
        let at = state.session(session).expect("a session");
        let intent = &mut state.sessions[at]["payment_intent"];
        intent["status"] = json!("requires_payment_method");
        intent["last_payment_error"] = refused("insufficient_funds");
    }
}

/// "Create a Checkout Session".
pub fn create(
    request: &Request,
    params: &BTreeMap<String, String>,
    fault: &Fault,
    shared: &Mutex<State>,
) -> Leaves {
    const KNOWN: &[&str] = &[
        "cancel_url",
        "client_reference_id",
        "currency",
        "customer",
        "customer_creation",
        "line_items[0][price_data][currency]",
        "line_items[0][price_data][product_data][name]",
        "line_items[0][price_data][unit_amount]",
        "line_items[0][quantity]",
        "mode",
        "payment_intent_data[description]",
        "success_url",
    ];
    let known = |name: &str| {
        let data = ["metadata[", "payment_intent_data[metadata][", "setup_intent_data[metadata]["];
        KNOWN.contains(&name) || data.iter().any(|prefix| name.starts_with(prefix))
    };
    if let Some(name) = params.keys().find(|name| !known(name)) {
        let says = format!("Received unknown parameter: {name}");
        return invalid(Some("parameter_unknown"), &says);
    }
    let get = |name: &str| params.get(name).map_or("", String::as_str);
    let sets_up = get("mode") == "setup";
    if sets_up && (params.contains_key("line_items[0][quantity]") || get("currency").is_empty()) {
        return invalid(None, "setup mode takes no items, and wants a currency");
    }
    if params.contains_key("customer") && params.contains_key("customer_creation") {
        return invalid(
            None,
            "You may only specify one of these parameters: customer, customer_creation.",
        );
    }
    if get("success_url").is_empty() {
        return invalid(Some("parameter_missing"), "Missing required param: success_url.");
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
    let (status, body) = match fault {
        Fault::Fail500 => (500, unknown),
        _ => state.open_session(params),
    };
    state.keep(key, status, body)
}

impl State {
    fn session(&self, id: &str) -> Option<usize> {
        self.sessions.iter().position(|session| session["id"] == id)
    }

    fn open_session(&mut self, params: &BTreeMap<String, String>) -> (u16, Value) {
        let get = |name: &str| params.get(name).map_or("", String::as_str);
        let units = get("line_items[0][price_data][unit_amount]").parse::<i64>().ok();
        if units.is_some_and(|units| units < 50) {
            let says = "The Checkout Session's total amount must be at least $0.50 usd.";
            return (400, error("invalid_request_error", Some("amount_too_small"), says));
        }
        if get("customer").starts_with("cus_missing") {
            let says = format!("No such customer: '{}'", get("customer"));
            let mut body = error("invalid_request_error", Some("resource_missing"), &says);
            body["error"]["param"] = json!("customer");
            return (400, body);
        }
        self.ids += 1;
        let id = format!("cs_test_Fake{:012}", self.ids);
        let metadata: BTreeMap<&str, &str> = params
            .iter()
            .filter_map(|(name, value)| {
                let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
                Some((name, value.as_str()))
            })
            .collect();
        let currency = match units {
            Some(_) => get("line_items[0][price_data][currency]"),
            None => get("currency"),
        };
        let session = json!({
            "id": id, "object": "checkout.session", "mode": get("mode"), "status": "open",
            "payment_status": "unpaid", "amount_total": units, "currency": currency,
            "customer": params.get("customer"), "customer_creation": params.get("customer_creation"),
            "client_reference_id": params.get("client_reference_id"), "metadata": metadata,
            "created": self.now, "expires_at": self.now + LIFE, "payment_intent": null,
            "setup_intent": null, "url": format!("https://checkout.stripe.com/c/pay/{id}#fid"),
        });
        self.sessions.push(session.clone());
        (200, session)
    }

    /// Closes those whose time is over.
    fn close_sessions(&mut self) {
        let now = self.now;
        for session in &mut self.sessions {
            let over = session["expires_at"].as_i64().is_some_and(|at| at <= now);
            if over && session["status"] == "open" {
                session["status"] = json!("expired");
                session["url"] = Value::Null;
            }
        }
    }

    /// "Retrieve", "List" and "Expire a Checkout Session".
    pub fn look_at_sessions(
        &mut self,
        method: &str,
        path: &[&str],
        params: &BTreeMap<String, String>,
    ) -> (u16, Value) {
        self.close_sessions();
        let missing = |id: &str| {
            let says = format!("No such checkout.session: {id}");
            (404, error("invalid_request_error", Some("resource_missing"), &says))
        };
        match (method, path) {
            ("GET", []) => {
                let made = |name: &str| params.get(name).and_then(|n| n.parse::<i64>().ok());
                let (since, until) = (made("created[gte]"), made("created[lte]"));
                let listed = self.sessions.iter().rev().filter(|session| {
                    let at = session["created"].as_i64();
                    at >= since && until.is_none_or(|until| at <= Some(until))
                });
                let data: Vec<Value> = listed.cloned().map(collapsed).collect();
                (200, json!({"object": "list", "data": data, "has_more": false}))
            }
            ("GET", [id]) => match self.session(id) {
                Some(at) => {
                    let session = self.sessions[at].clone();
                    let whole = params.contains_key("expand[]");
                    (200, if whole { session } else { collapsed(session) })
                }
                None => missing(id),
            },
            ("POST", [id, "expire"]) => match self.session(id) {
                Some(at) if self.sessions[at]["status"] == "open" => {
                    self.sessions[at]["status"] = json!("expired");
                    self.sessions[at]["url"] = Value::Null;
                    (200, self.sessions[at].clone())
                }
                Some(_) => {
                    let says = "Only Checkout Sessions with a status in [\"open\"] can be expired.";
                    (400, error("invalid_request_error", None, says))
                }
                None => missing(id),
            },
            _ => (404, error("invalid_request_error", None, "Unrecognized request URL")),
        }
    }
}

/// What is not expanded is an id.
fn collapsed(mut session: Value) -> Value {
    for field in ["payment_intent", "setup_intent"] {
        session[field] = session[field]["id"].clone();
    }
    session
}
