//! A Stripe of our own, as far as a payment or a refund is asked for and asked after: on a loopback port, with
//! a clock that can be set, and with every fault on order. It keeps keys as "Idempotent requests"
//! and "Advanced error handling" say: the same key gets the same answer, a 500 included; other
//! parameters under it are refused; one that is in use is refused; after 24 hours it is forgotten.
//!
//! What the issuer says stands in the payment method's id, so that nothing has to be set up before
//! another program charges:
//!
//! - `pm_decline_CODE`: declined with that decline code; `pm_error_CODE`: with that code alone
//! - `pm_advice_CODE`: declined as `generic_decline` with that advice
//! - `pm_processing`: on its way until [`FakeStripe::finish`]
//! - `pm_action`: the customer would have to act
//! - `pm_refund_…`: paid; what becomes of a refund stands in `refunds`
//! - `pm_missing…`, `cus_missing…`: there is no such thing
//! - anything else is paid

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};

mod checkout;
mod refunds;

pub const SECRET_KEY: &str = "sk_test_4eC39HqLyjWDarjtT1zdp7dc";

const KEY_LIFE: i64 = 24 * 3600;

/// What goes wrong with one request.
#[derive(Debug, Clone, Default)]
pub enum Fault {
    #[default]
    None,
    /// The connection breaks; nothing was begun.
    DropBefore,
    /// The connection breaks after everything was done.
    DropAfter,
    /// Half of the answer arrives.
    HalfAnswer,
    /// All is done, and the answer is a 500, which the key keeps.
    DoneThen500,
    /// Nothing is done, and the answer is a 500, which the key keeps.
    Fail500,
    /// An intent is left behind in that state, and the answer is a 500, which the key keeps.
    LeftOpen(&'static str),
    /// All is done at once; the answer comes so much later.
    LateAnswer(Duration),
    /// At work for so long; the key is in use meanwhile, and the intent can be seen or not.
    LateBooking { by: Duration, seen: bool },
    /// The same until [`FakeStripe::go_on`].
    AtWork { seen: bool },
    /// All is done; the answer is no HTTP.
    NoHttp,
    /// All is done; the answer is no JSON.
    NoJson,
    /// An answer that is given before the key is looked at.
    Answers(u16, Value),
    /// The whole server is gone, until [`FakeStripe::revive`]; the request was done or not.
    Dies { done: bool },
}

/// One request, as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    /// By names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// Money that really moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    pub intent: String,
    pub key: String,
    pub invoice: String,
    pub amount: i64,
    pub currency: String,
}

/// Decides about the next creation of an intent: its number from 0, and its parameters.
type Plan = Box<dyn FnMut(usize, &BTreeMap<String, String>) -> Fault + Send>;

struct Kept {
    params: String,
    since: i64,
    /// `None`: in use.
    answer: Option<(u16, Value)>,
}

#[derive(Default)]
struct State {
    now: i64,
    requests: Vec<Request>,
    creations: usize,
    plan: Option<Plan>,
    next: VecDeque<Fault>,
    next_reads: VecDeque<Fault>,
    next_refunds: VecDeque<Fault>,
    next_sessions: VecDeque<Fault>,
    keys: HashMap<String, Kept>,
    /// In the order of their creation.
    intents: Vec<Value>,
    refunds: Vec<Value>,
    sessions: Vec<Value>,
    disputes: Vec<Value>,
    /// Those that are at work.
    busy: Vec<String>,
    charges: Vec<Charge>,
    ids: u64,
    down: bool,
    goes_on: bool,
}

/// The server; it stops when it is dropped.
pub struct FakeStripe {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stopped: Arc<AtomicBool>,
}

impl FakeStripe {
    /// Starts one on a free port, with the machine's clock.
    pub fn start() -> FakeStripe {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = i64::try_from(now.expect("a clock").as_secs()).expect("a time");
        let state = Arc::new(Mutex::new(State { now, ..State::default() }));
        let stopped = Arc::new(AtomicBool::new(false));
        let (shared, flag) = (state.clone(), stopped.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if flag.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), state) = (stream, shared.clone()) else { continue };
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        FakeStripe { address, state, stopped }
    }

    /// What `[payments.stripe] base_url` is set to.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Sets its clock, in seconds since 1970.
    pub fn set_clock(&self, now: i64) {
        self.state().now = now;
    }

    pub fn advance(&self, by: chrono::TimeDelta) {
        self.state().now += by.num_seconds();
    }

    pub fn now(&self) -> i64 {
        self.state().now
    }

    /// What goes wrong with the next creation of an intent, or the one after those said before.
    pub fn next(&self, fault: Fault) {
        self.state().next.push_back(fault);
    }

    /// The same for what only reads, or cancels.
    pub fn next_read(&self, fault: Fault) {
        self.state().next_reads.push_back(fault);
    }

    /// Decides about each creation for which nothing was said.
    pub fn plan(
        &self,
        plan: impl FnMut(usize, &BTreeMap<String, String>) -> Fault + Send + 'static,
    ) {
        self.state().plan = Some(Box::new(plan));
    }

    /// Comes back after [`Fault::Dies`], with all that it had done.
    pub fn revive(&self) {
        self.state().down = false;
    }

    /// Lets what is [`Fault::AtWork`] come to its end.
    pub fn go_on(&self) {
        self.state().goes_on = true;
    }

    /// Ends every payment that is on its way.
    pub fn finish(&self, paid: bool) {
        let mut state = self.state();
        for at in 0..state.intents.len() {
            if state.intents[at]["status"] == "processing" {
                match paid {
                    true => state.book(at),
                    false => state.decline(at, refused("insufficient_funds")),
                }
            }
        }
    }

    /// Puts an intent there that nobody asked for.
    pub fn insert(&self, intent: Value) {
        self.state().intents.push(intent);
    }

    pub fn intents(&self) -> Vec<Value> {
        self.state().intents.clone()
    }

    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// Requests to create an intent.
    pub fn creations(&self) -> usize {
        self.state().creations
    }

    /// All money that moved.
    pub fn charges(&self) -> Vec<Charge> {
        self.state().charges.clone()
    }

    /// How often each key moved money.
    pub fn by_key(&self) -> BTreeMap<String, usize> {
        count(self.charges().into_iter().map(|charge| charge.key))
    }

    /// How often each invoice was paid.
    pub fn by_invoice(&self) -> BTreeMap<String, usize> {
        count(self.charges().into_iter().map(|charge| charge.invoice))
    }

    /// Nothing was charged twice.
    pub fn never_twice(&self) {
        for (what, times) in self.by_key().into_iter().chain(self.by_invoice()) {
            assert_eq!(times, 1, "{what} was charged {times} times");
        }
    }
}

impl Drop for FakeStripe {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for the next connection.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn count(names: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for name in names {
        *times.entry(name).or_default() += 1;
    }
    times
}

/// How an answer leaves.
enum Leaves {
    Whole(u16, Value),
    /// After so long.
    Late(Duration, u16, Value),
    Half(u16, Value),
    Bytes(&'static str),
    Nothing,
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let Ok(mut out) = stream.try_clone() else { return };
    let mut input = BufReader::new(stream);
    while let Some(request) = read(&mut input) {
        if lock(state).down {
            return;
        }
        lock(state).requests.push(request.clone());
        let sent = match answer(&request, state) {
            Leaves::Whole(status, body) => write(&mut out, status, &body),
            Leaves::Late(by, status, body) => {
                std::thread::sleep(by);
                write(&mut out, status, &body)
            }
            Leaves::Half(status, body) => {
                let bytes = bytes(status, &body);
                let _ = out.write_all(&bytes[..bytes.len() / 2]);
                return;
            }
            Leaves::Bytes(text) => {
                let _ = out.write_all(text.as_bytes());
                return;
            }
            Leaves::Nothing => return,
        };
        if sent.is_err() {
            return;
        }
    }
}

fn read(input: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    if input.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    Some(Request { method, path, query, headers, body: String::from_utf8(body).ok()? })
}

fn bytes(status: u16, body: &Value) -> Vec<u8> {
    let body = serde_json::to_string_pretty(body).expect("JSON");
    let head = format!(
        "HTTP/1.1 {status} Stripe\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Location: /v1/elsewhere\r\nRequest-Id: req_fake{status}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body.into_bytes()].concat()
}

fn write(out: &mut TcpStream, status: u16, body: &Value) -> std::io::Result<()> {
    out.write_all(&bytes(status, body))
}

/// `a=1&b%5Bc%5D=2` as a map.
pub fn parameters(form: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        let mut out = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            out.push(match byte {
                b'%' => {
                    let hex: Vec<u8> = rest.by_ref().take(2).collect();
                    let hex = String::from_utf8(hex).expect("two digits");
                    u8::from_str_radix(&hex, 16).expect("two digits")
                }
                b'+' => b' ',
                other => other,
            });
        }
        String::from_utf8(out).expect("UTF-8")
    };
    let pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

/// An error as Stripe words it.
pub fn error(kind: &str, code: Option<&str>, message: &str) -> Value {
    json!({"error": {"type": kind, "code": code, "message": message,
        "request_log_url": "https://dashboard.stripe.com/test/logs/req_fake"}})
}

fn invalid(code: Option<&str>, message: &str) -> Leaves {
    Leaves::Whole(400, error("invalid_request_error", code, message))
}

/// What an issuer says, as it stands in `error` and in `last_payment_error`.
fn refused(decline_code: &str) -> Value {
    let code = match decline_code {
        "authentication_required" | "expired_card" | "incorrect_cvc" | "processing_error" => {
            decline_code
        }
        _ => "card_declined",
    };
    json!({"type": "card_error", "code": code, "decline_code": decline_code,
        "message": "Your card was declined.", "doc_url": "https://stripe.com/docs/error-codes"})
}

fn answer(request: &Request, state: &Mutex<State>) -> Leaves {
    let posts = |path: &str| request.method == "POST" && request.path == path;
    let (refunds, sessions) = (posts("/v1/refunds"), posts("/v1/checkout/sessions"));
    let creates = refunds || sessions || posts("/v1/payment_intents");
    let params = parameters(if creates { &request.body } else { &request.query });
    let fault = {
        let mut state = lock(state);
        match creates {
            true if sessions => state.next_sessions.pop_front().unwrap_or_default(),
            true if refunds => state.next_refunds.pop_front().unwrap_or_default(),
            true => state.fault(&params),
            false => state.next_reads.pop_front().unwrap_or_default(),
        }
    };
    match fault {
        Fault::DropBefore => return Leaves::Nothing,
        Fault::Dies { done: false } => {
            lock(state).down = true;
            return Leaves::Nothing;
        }
        Fault::Answers(status, body) => return Leaves::Whole(status, body),
        _ => {}
    }
    let bearer = format!("Bearer {SECRET_KEY}");
    if request.headers.get("authorization") != Some(&bearer) {
        let says = "Invalid API Key provided: sk_test_********************p7dc";
        return Leaves::Whole(401, error("invalid_request_error", None, says));
    }
    let (status, body) = match creates {
        true => {
            let create = match (refunds, sessions) {
                (true, _) => self::refunds::create,
                (_, true) => self::checkout::create,
                _ => create,
            };
            match create(request, &params, &fault, state) {
                Leaves::Whole(status, body) => (status, body),
                other => return other,
            }
        }
        false => lock(state).look(request, &params),
    };
    match fault {
        Fault::DropAfter => Leaves::Nothing,
        Fault::HalfAnswer => Leaves::Half(status, body),
        Fault::LateAnswer(by) => Leaves::Late(by, status, body),
        Fault::NoHttp => Leaves::Bytes("220 mail.example ESMTP\r\n\r\n"),
        Fault::NoJson => Leaves::Bytes(
            "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 21\r\n\r\n<html>a proxy</html>\n",
        ),
        Fault::Dies { .. } => {
            lock(state).down = true;
            Leaves::Nothing
        }
        _ => Leaves::Whole(status, body),
    }
}

/// What "Create a PaymentIntent" asks of a request that confirms while the customer is away.
fn complaint(request: &Request, params: &BTreeMap<String, String>) -> Option<Leaves> {
    const KNOWN: &[&str] = &[
        "amount",
        "automatic_payment_methods[allow_redirects]",
        "automatic_payment_methods[enabled]",
        "confirm",
        "currency",
        "customer",
        "description",
        "error_on_requires_action",
        "off_session",
        "payment_method",
        "payment_method_types[]",
        "return_url",
    ];
    let get = |name: &str| params.get(name).map_or("", String::as_str);
    if !request.headers.contains_key("idempotency-key") {
        return Some(invalid(None, "a test without a key"));
    }
    let unknown =
        |name: &&String| !KNOWN.contains(&name.as_str()) && !name.starts_with("metadata[");
    if let Some(name) = params.keys().find(unknown) {
        let says = format!("Received unknown parameter: {name}");
        return Some(invalid(Some("parameter_unknown"), &says));
    }
    let currency = get("currency");
    let (Ok(amount), 3) = (get("amount").parse::<i64>(), currency.len()) else {
        return Some(invalid(Some("parameter_invalid_integer"), "Invalid integer"));
    };
    let multiple = match currency {
        "isk" | "ugx" => 100,
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => 10,
        _ => 1,
    };
    if amount < 1 || amount % multiple != 0 || currency.to_lowercase() != currency {
        return Some(invalid(None, "Invalid amount."));
    }
    let away = get("confirm") == "true" && get("off_session") == "true";
    let stays = get("automatic_payment_methods[allow_redirects]") == "never"
        && get("automatic_payment_methods[enabled]") == "true";
    if !away || !(stays || params.contains_key("return_url")) {
        return Some(invalid(None, "you must provide a `return_url`"));
    }
    None
}

fn create(
    request: &Request,
    params: &BTreeMap<String, String>,
    fault: &Fault,
    shared: &Mutex<State>,
) -> Leaves {
    if let Some(complaint) = complaint(request, params) {
        return complaint;
    }
    let key = request.headers["idempotency-key"].clone();
    let mut state = lock(shared);
    if let Some((status, body)) = state.kept(&key, &request.body) {
        return Leaves::Whole(status, body);
    }
    let since = state.now;
    let kept = Kept { params: request.body.clone(), since, answer: None };
    state.keys.insert(key.clone(), kept);

    if let Fault::LateBooking { seen, .. } | Fault::AtWork { seen } = fault {
        let begun = seen.then(|| state.begin(params)).and_then(Result::ok);
        let id = begun.map(|at| state.intents[at]["id"].as_str().unwrap_or_default().to_owned());
        state.busy.extend(id.clone());
        drop(state);
        match fault {
            Fault::LateBooking { by, .. } => std::thread::sleep(*by),
            _ => {
                while !lock(shared).goes_on {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        }
        state = lock(shared);
        state.busy.retain(|busy| Some(busy) != id.as_ref());
        let at = id.and_then(|id| state.intents.iter().position(|i| i["id"] == *id));
        let (status, body) = match at {
            Some(at) => state.confirm(at),
            None => state.run(params),
        };
        return state.keep(&key, status, body);
    }
    let (status, body) = match fault {
        Fault::Fail500 => (500, error("api_error", None, "An unknown error occurred")),
        Fault::LeftOpen(left) => {
            if let Ok(at) = state.begin(params) {
                state.intents[at]["status"] = json!(left);
            }
            (500, error("api_error", None, "An unknown error occurred"))
        }
        Fault::DoneThen500 => {
            state.run(params);
            (500, error("api_error", None, "An unknown error occurred"))
        }
        _ => state.run(params),
    };
    state.keep(&key, status, body)
}

impl State {
    fn fault(&mut self, params: &BTreeMap<String, String>) -> Fault {
        let number = self.creations;
        self.creations += 1;
        match (self.next.pop_front(), &mut self.plan) {
            (Some(fault), _) => fault,
            (None, Some(plan)) => plan(number, params),
            (None, None) => Fault::None,
        }
    }

    /// What the key says already.
    fn kept(&mut self, key: &str, params: &str) -> Option<(u16, Value)> {
        let now = self.now;
        self.keys.retain(|_, kept| now - kept.since < KEY_LIFE);
        let kept = self.keys.get(key)?;
        if kept.params != params {
            let says = "Keys for idempotent requests can only be used with the same parameters \
                        they were first used with.";
            return Some((400, error("idempotency_error", None, says)));
        }
        Some(kept.answer.clone().unwrap_or_else(|| {
            let says = "There is currently another in-progress request using this Idempotent Key";
            (409, error("invalid_request_error", Some("idempotency_key_in_use"), says))
        }))
    }

    fn keep(&mut self, key: &str, status: u16, body: Value) -> Leaves {
        if let Some(kept) = self.keys.get_mut(key) {
            kept.answer = Some((status, body.clone()));
        }
        Leaves::Whole(status, body)
    }

    fn run(&mut self, params: &BTreeMap<String, String>) -> (u16, Value) {
        match self.begin(params) {
            Ok(at) => self.confirm(at),
            Err(answer) => answer,
        }
    }

    /// Makes an intent that waits to be confirmed.
    fn begin(&mut self, params: &BTreeMap<String, String>) -> Result<usize, (u16, Value)> {
        for (field, named, what) in [
            ("customer", "cus_missing", "customer"),
            ("payment_method", "pm_missing", "PaymentMethod"),
        ] {
            if params[field].starts_with(named) {
                let says = format!("No such {what}: '{}'", params[field]);
                let mut body = error("invalid_request_error", Some("resource_missing"), &says);
                body["error"]["param"] = json!(field);
                return Err((400, body));
            }
        }
        self.ids += 1;
        let metadata: BTreeMap<&str, &str> = params
            .iter()
            .filter_map(|(name, value)| {
                let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
                Some((name, value.as_str()))
            })
            .collect();
        let amount: i64 = params["amount"].parse().expect("checked");
        let id = format!("pi_3Fake{:012}", self.ids);
        self.intents.push(json!({
            "id": id, "object": "payment_intent", "amount": amount, "amount_received": 0,
            "currency": params["currency"], "customer": params["customer"],
            "payment_method": params["payment_method"], "description": params.get("description"),
            "metadata": metadata, "created": self.now, "livemode": false,
            "client_secret": format!("{id}_secret_x"), "status": "requires_confirmation",
            "capture_method": "automatic_async", "last_payment_error": null, "next_action": null,
            "latest_charge": null, "canceled_at": null, "cancellation_reason": null,
        }));
        Ok(self.intents.len() - 1)
    }

    /// Asks the issuer.
    fn confirm(&mut self, at: usize) -> (u16, Value) {
        let method = self.intents[at]["payment_method"].as_str().unwrap_or_default().to_owned();
        let issuer = method.strip_prefix("pm_").unwrap_or_default();
        if issuer == "processing" {
            self.intents[at]["status"] = json!("processing");
        } else if issuer == "action" {
            self.intents[at]["status"] = json!("requires_action");
            self.intents[at]["next_action"] = json!({"type": "use_stripe_sdk"});
        } else if let Some(error) = issuer_error(issuer) {
            self.decline(at, error.clone());
            let mut error = error;
            error["payment_intent"] = self.intents[at].clone();
            return (402, json!({"error": error}));
        } else {
            self.book(at);
        }
        (200, self.intents[at].clone())
    }

    fn decline(&mut self, at: usize, error: Value) {
        self.intents[at]["status"] = json!("requires_payment_method");
        self.intents[at]["last_payment_error"] = error;
        self.intents[at]["payment_method"] = Value::Null;
    }

    /// Money moves.
    fn book(&mut self, at: usize) {
        let intent = &mut self.intents[at];
        intent["status"] = json!("succeeded");
        intent["amount_received"] = intent["amount"].clone();
        intent["latest_charge"] = json!(format!("ch_{at}"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.charges.push(Charge {
            intent: text(&intent["id"]),
            key: text(&intent["metadata"]["billing_key"]),
            invoice: text(&intent["metadata"]["invoice"]),
            amount: intent["amount"].as_i64().unwrap_or_default(),
            currency: text(&intent["currency"]),
        });
    }

    /// Everything but a creation.
    fn look(&mut self, request: &Request, params: &BTreeMap<String, String>) -> (u16, Value) {
        let path: Vec<&str> = request.path.split('/').skip(1).collect();
        match (request.method.as_str(), path.as_slice()) {
            ("GET", ["v1", "payment_intents"]) => self.list(params),
            ("GET", ["v1", "payment_intents", id]) => {
                let found = self.intents.iter().find(|intent| intent["id"] == **id);
                let Some(intent) = found.cloned() else { return missing(id) };
                match params.get("expand[]").map(String::as_str) {
                    Some("latest_charge") => (200, self.expanded(intent)),
                    _ => (200, intent),
                }
            }
            ("GET", ["v1", what @ ("refunds" | "disputes"), rest @ ..]) => {
                let path: Vec<&str> = std::iter::once(*what).chain(rest.iter().copied()).collect();
                self.look_at_refunds(&path, params)
            }
            (method, ["v1", "checkout", "sessions", rest @ ..]) => {
                self.look_at_sessions(method, rest, params)
            }
            ("POST", ["v1", "payment_intents", id, "cancel"]) => self.cancel(id),
            _ => {
                let says = format!("Unrecognized request URL ({})", request.path);
                (404, error("invalid_request_error", None, &says))
            }
        }
    }

    fn list(&self, params: &BTreeMap<String, String>) -> (u16, Value) {
        let customer = params.get("customer").map_or("", String::as_str);
        if customer.starts_with("cus_missing") {
            let says = format!("No such customer: '{customer}'");
            return (400, error("invalid_request_error", Some("resource_missing"), &says));
        }
        let number = |name: &str| params.get(name).and_then(|n| n.parse::<i64>().ok());
        let (since, limit) = (number("created[gte]").unwrap_or(0), number("limit").unwrap_or(10));
        let all = self.intents.iter().rev().filter(|intent| {
            intent["customer"] == customer && intent["created"].as_i64().unwrap_or(0) >= since
        });
        let after = params.get("starting_after");
        let rest: Vec<Value> = match after {
            Some(id) => all.skip_while(|intent| intent["id"] != **id).skip(1).cloned().collect(),
            None => all.cloned().collect(),
        };
        let limit = usize::try_from(limit.clamp(1, 100)).expect("small");
        let page: Vec<&Value> = rest.iter().take(limit).collect();
        (
            200,
            json!({"object": "list", "url": "/v1/payment_intents", "data": page,
            "has_more": rest.len() > limit}),
        )
    }

    fn cancel(&mut self, id: &str) -> (u16, Value) {
        if self.busy.iter().any(|busy| busy == id) {
            let says = "This object cannot be accessed right now because another API request or \
                        Stripe process is currently accessing it.";
            return (429, error("invalid_request_error", Some("lock_timeout"), says));
        }
        let now = self.now;
        let Some(intent) = self.intents.iter_mut().find(|intent| intent["id"] == id) else {
            return missing(id);
        };
        let status = intent["status"].as_str().unwrap_or_default().to_owned();
        if !status.starts_with("requires_") {
            let says = format!("You cannot cancel this PaymentIntent because it is {status}.");
            let code = Some("payment_intent_unexpected_state");
            return (400, error("invalid_request_error", code, &says));
        }
        intent["status"] = json!("canceled");
        intent["canceled_at"] = json!(now);
        intent["next_action"] = Value::Null;
        (200, intent.clone())
    }
}

fn missing(id: &str) -> (u16, Value) {
    let says = format!("No such payment_intent: '{id}'");
    (404, error("invalid_request_error", Some("resource_missing"), &says))
}

fn issuer_error(issuer: &str) -> Option<Value> {
    if let Some(code) = issuer.strip_prefix("decline_") {
        return Some(refused(code));
    }
    if let Some(code) = issuer.strip_prefix("error_") {
        return Some(json!({"type": "card_error", "code": code, "message": "It was declined."}));
    }
    let mut error = refused("generic_decline");
    error["advice_code"] = json!(issuer.strip_prefix("advice_")?);
    Some(error)
}
