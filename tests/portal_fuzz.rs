//! The portal before whatever bytes there are: real requests, torn and mixed, and bytes at random. It
//! never panics, and its answer is always one. `BILLING_PORTAL_INPUTS` says how many: `bash tests/soak.sh
//! portal` sends a million.
mod support;

use std::collections::BTreeMap;

use billing::portal::request::Request;
use billing::portal::{Call, Ground, answer};
use support::Shop;
use support::inside::Random;
use support::portal::{BASE, COOKIE, Reply};

/// A request as a web server hands it on; a variable may hold anything but NUL.
#[derive(Clone, Default)]
struct Input {
    variables: BTreeMap<&'static str, Vec<u8>>,
    body: Vec<u8>,
}

/// What a request is read from.
const NAMES: [&str; 9] = [
    "REQUEST_METHOD",
    "REQUEST_URI",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "HTTP_COOKIE",
    "HTTP_ORIGIN",
    "HTTP_AUTHORIZATION",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_IDEMPOTENCY_KEY",
];

/// Pieces that mean something to a parser.
const PIECES: [&str; 40] = [
    "%",
    "%0",
    "%00",
    "%2e%2e",
    "%2f",
    "%ff",
    "%c3%28",
    "..",
    "/",
    "//",
    "?",
    "#",
    "&",
    "&&",
    "=",
    "==",
    ";",
    "; ",
    "+",
    ",",
    "\r\n",
    "\n\n",
    "\u{feff}",
    "\u{202e}",
    "é",
    "-1",
    "0",
    "00000",
    "99999999999999999999",
    "1e309",
    "__Host-billing=",
    "billing=",
    "token=",
    "amount=",
    "null",
    "https://",
    "http://a@b/",
    "Bearer ",
    "/api/v1/",
    "*",
];

impl Input {
    fn new(method: &str, uri: &str, cookie: &str) -> Input {
        let mut input = Input::default();
        input.set("REQUEST_METHOD", method);
        input.set("REQUEST_URI", uri);
        input.set("HTTP_ACCEPT_LANGUAGE", "fr-FR,fr;q=0.9,en;q=0.8");
        input.set("HTTP_COOKIE", &format!("a=b; {COOKIE}={cookie}; c"));
        input
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.variables.insert(name, value.as_bytes().to_vec());
    }

    fn with_body(mut self, kind: &str, body: String) -> Input {
        self.set("CONTENT_TYPE", kind);
        self.set("HTTP_ORIGIN", BASE);
        self.body = body.into_bytes();
        self.says_its_length();
        self
    }

    fn says_its_length(&mut self) {
        let length = self.body.len().to_string();
        self.set("CONTENT_LENGTH", &length);
    }

    /// The same, torn in a few places, or with what another one has.
    fn torn(&self, random: &mut Random, others: &[Input]) -> Input {
        let mut input = self.clone();
        for _ in 0..=random.below(3) {
            let other = &others[below(random, others.len())];
            match random.below(12) {
                0 => input.body = tear(random, &input.body, &other.body),
                1 => input.body = any(random, 300),
                2 => {
                    let name = NAMES[below(random, NAMES.len())];
                    input.variables.remove(name);
                }
                3 => {
                    let name = NAMES[below(random, NAMES.len())];
                    input.variables.insert(name, any(random, 200));
                }
                4 | 5 => {
                    let name = NAMES[below(random, NAMES.len())];
                    if let Some(value) = other.variables.get(name) {
                        input.variables.insert(name, value.clone());
                    }
                }
                _ => {
                    let name = NAMES[below(random, NAMES.len())];
                    let value = input.variables.get(name).cloned().unwrap_or_default();
                    let from = other.variables.get(name).cloned().unwrap_or_default();
                    input.variables.insert(name, tear(random, &value, &from));
                }
            }
        }
        // Mostly a body is as long as is said, or nothing of it would be read.
        if random.below(8) > 0 {
            input.says_its_length();
        }
        for value in input.variables.values_mut() {
            value.retain(|byte| *byte != 0);
        }
        input
    }

    fn read(&self, prefix: &str) -> Result<Request, billing::portal::response::Status> {
        let variable = |name: &str| self.variables.get(name).cloned();
        Request::read(&variable, &mut self.body.as_slice(), prefix)
    }

    fn shown(&self) -> String {
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let variables = self.variables.iter().map(|(name, value)| (*name, lossy(value)));
        format!("{:?} {:?}", variables.collect::<Vec<_>>(), lossy(&self.body))
    }
}

fn below(random: &mut Random, end: usize) -> usize {
    usize::try_from(random.below(end.max(1) as u64)).expect("less than a length")
}

fn any(random: &mut Random, longest: usize) -> Vec<u8> {
    let length = below(random, longest);
    (0..length).map(|_| u8::try_from(random.below(256)).expect("a byte")).collect()
}

/// Bytes that were changed somewhere, or go over into others.
fn tear(random: &mut Random, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let mut torn = bytes.to_vec();
    let at = below(random, torn.len() + 1);
    match random.below(6) {
        0 if at < torn.len() => torn[at] = u8::try_from(random.below(256)).expect("a byte"),
        1 if at < torn.len() => drop(torn.remove(at)),
        2 => {
            let piece = PIECES[below(random, PIECES.len())];
            torn.splice(at..at, piece.bytes());
        }
        3 => {
            torn.truncate(at);
            torn.extend_from_slice(&other[below(random, other.len() + 1)..]);
        }
        4 => {
            let piece = torn[at..].to_vec();
            let times = 1 + below(random, 3);
            (0..times).for_each(|_| torn.extend_from_slice(&piece));
        }
        _ => torn.truncate(at),
    }
    torn
}

/// How many inputs are sent.
fn inputs() -> u64 {
    let said = std::env::var("BILLING_PORTAL_INPUTS").ok();
    said.map_or(50_000, |text| text.parse().expect("BILLING_PORTAL_INPUTS is a number"))
}

/// A small shop, and every request that its pages lead to.
fn shop() -> (Shop, Vec<Input>) {
    let shop = Shop::with_config("[payments]\ngateway = \"sandbox\"\n");
    shop.ok(&["portal", "init", "--base-url", BASE]);
    shop.ok(&["plan", "create", "basic", "--name", "B", "--price", "20", "--interval", "month"]);
    let number = shop.owes("acme", "2026-01-31");
    shop.ok(&["subscription", "create", "--tenant", "acme", "--plan", "basic"]);
    let cookie = shop.sign_in("acme");
    let link = shop.json(&["portal", "link", "acme"])["url"].as_str().expect("it").to_owned();
    let change = "/subscription/sub_1/change?item=basic&plan=basic&quantity=2&when=";
    let mut uris: Vec<String> =
        ["/", "/invoices", "/details", "/return", "/nowhere", "/in/x"].map(str::to_owned).to_vec();
    uris.extend([format!("/invoices/{number}"), format!("/invoices/{number}.pdf")]);
    uris.extend([format!("/return/{number}"), "/subscription/sub_1".to_owned()]);
    uris.extend([format!("{change}now"), format!("{change}next")]);
    uris.push(link.strip_prefix(BASE).expect("a link of ours").to_owned());
    let mut found: Vec<Input> = uris.iter().map(|uri| Input::new("GET", uri, &cookie)).collect();
    let forms = uris
        .iter()
        .filter(|uri| !uri.ends_with(".pdf"))
        .flat_map(|uri| [shop.get(&cookie, uri).forms(), shop.get("", uri).forms()].concat());
    // Whoever signs out would be nobody from then on.
    for form in forms.filter(|form| form.action != "/out") {
        let mut text = form_urlencoded::Serializer::new(String::new());
        let text = text.extend_pairs(&form.fields).finish();
        let input = Input::new("POST", &form.action, &cookie);
        found.push(input.with_body("application/x-www-form-urlencoded", text));
    }
    let json = r#"{"code":"WELCOME","tenant":"acme","amount":"34.90"}"#;
    for uri in ["/api/v1/coupons/validate/", "/api/v1/me", "/api/v1/subscriptions/sub_1/change"] {
        let mut input = Input::new("POST", uri, &cookie);
        input.set("HTTP_AUTHORIZATION", "Bearer key_0123456789");
        input.set("HTTP_IDEMPOTENCY_KEY", "order 7");
        found.push(input.with_body("application/json", json.to_owned()));
        found.push(Input::new("DELETE", uri, &cookie));
        found.push(Input::new("HEAD", uri, &cookie));
    }
    (shop, found)
}

#[test]
fn whatever_comes_is_read_or_refused() {
    let mut random = Random::seeded();
    let (_shop, real) = shop();
    let mut read = 0;
    for n in 0..inputs() {
        let one = &real[below(&mut random, real.len())];
        let input = one.torn(&mut random, &real);
        let prefix = if n % 4 == 0 { "/billing" } else { "" };
        let Ok(request) = input.read(prefix) else { continue };
        read += 1;
        let shown = || input.shown();
        assert!(request.path.iter().all(|s| !s.is_empty() && s != ".."), "{}", shown());
        assert!(!request.path.concat().chars().any(char::is_control), "{}", shown());
        assert!(request.body.len() <= 64 * 1024, "{}", shown());
        if let Some(cookie) = request.cookie(COOKIE) {
            assert!(cookie.bytes().all(|b| (b' '..=b'~').contains(&b)), "{}", shown());
        }
        for name in ["token", "amount", "", "\u{fffd}"] {
            request.query.get(name);
            let _ = request.form().map(|fields| fields.filled(name).map(str::len));
        }
    }
    assert!(read * 5 > inputs(), "only {read} were read at all");
}

#[test]
fn whatever_comes_has_an_answer() {
    let mut random = Random::seeded();
    let (shop, real) = shop();
    let call = Call { config: Some(shop.path("billing.toml")), ..Call::default() };
    let ask = |input: &Input| {
        let variable = |name: &str| input.variables.get(name).cloned();
        let answered = answer(&call, Ground::Cgi, &variable, &mut input.body.as_slice());
        let mut written = Vec::new();
        answered.response.write_cgi(&mut written, answered.head).expect("memory");
        let reply = Reply::parse(&written, String::new());
        reply.is_well_formed(answered.head);
        reply.status
    };
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    for n in 0..inputs() / 50 {
        let one = &real[below(&mut random, real.len())];
        // Some as they are, so that pages are reached.
        let input = if n % 8 == 0 { one.clone() } else { one.torn(&mut random, &real) };
        let status = ask(&input);
        assert_ne!(status, 500, "{}", input.shown());
        *statuses.entry(status).or_default() += 1;
    }
    for expected in [200, 303, 400, 403, 404] {
        assert!(statuses.contains_key(&expected), "{expected} in {statuses:?}");
    }
    shop.check_but_for_credits();
}
