//! Calls of Stripe's API: one request, one answer, nothing repeated by itself.

use std::time::Duration;

use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::domain::charge::Token;
use crate::outside::http;

/// The version of the API whose shapes are meant here, whatever the account's own is: the last one
/// whose specification was read.
pub const VERSION: &str = "2026-07-29.dahlia";

/// A list of 100 payment intents has some hundred kilobytes.
const LARGEST_ANSWER: u64 = 16 * 1024 * 1024;

const CONNECTIONS: usize = 16;

/// The account at the other end.
pub struct Api {
    agent: Agent,
    base_url: String,
    secret_key: Token,
    timeout: Duration,
}

/// An answer that is JSON.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
    /// What Stripe's support asks for, `req_…`.
    pub request_id: Option<String>,
}

impl Api {
    /// An account by its key. Nobody is called yet.
    pub fn new(secret_key: Token, base_url: &str, timeout: Duration) -> Api {
        let agent = http::agent(base_url, timeout, CONNECTIONS);
        let base_url = base_url.trim_end_matches('/').to_owned();
        Api { agent, base_url, secret_key, timeout }
    }

    /// The same account, with no more time for a call than that.
    pub fn within(self, limit: Duration) -> Api {
        if self.timeout <= limit {
            return self;
        }
        Api::new(self.secret_key, &self.base_url, limit)
    }

    /// The key, to be looked at and never shown.
    pub fn secret_key(&self) -> &str {
        self.secret_key.reveal()
    }

    /// Where the account is reached.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Reads.
    ///
    /// # Errors
    /// In words: no answer, or one that is no JSON.
    pub fn get(&self, path: &str) -> Result<Reply, NoReply> {
        let request = self
            .agent
            .get(format!("{}{path}", self.base_url))
            .header("Authorization", self.bearer())
            .header("Stripe-Version", VERSION)
            .header("Accept", "application/json");
        self.read(request.call())
    }

    /// Writes.
    ///
    /// # Errors
    /// In words: no answer, or one that is no JSON. What was asked may be done all the same.
    pub fn post(&self, path: &str, key: Option<&str>, form: &str) -> Result<Reply, NoReply> {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.base_url))
            .header("Authorization", self.bearer())
            .header("Stripe-Version", VERSION)
            .header("Accept", "application/json")
            .content_type("application/x-www-form-urlencoded");
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        self.read(request.send(form))
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.secret_key())
    }

    fn read(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Reply, NoReply> {
        let mut answer = answer.map_err(|error| self.words(&error))?;
        let status = answer.status().as_u16();
        let request_id = answer.headers().get("Request-Id").and_then(|id| id.to_str().ok());
        let request_id = request_id.map(str::to_owned);
        let bytes = answer.body_mut().with_config().limit(LARGEST_ANSWER).read_to_vec();
        let bytes = bytes.map_err(|error| self.words(&error))?;
        match serde_json::from_slice(&bytes) {
            Ok(body @ Value::Object(_)) => Ok(Reply { status, body, request_id }),
            _ => Err(NoReply {
                message: format!("Stripe answers {status}, and not in JSON"),
                never_sent: false,
            }),
        }
    }

    fn words(&self, error: &ureq::Error) -> NoReply {
        let refused = std::io::ErrorKind::ConnectionRefused;
        let never_sent = match error {
            ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => true,
            // The standard library has no kind of its own for a name that is not found.
            ureq::Error::Io(error) => {
                error.kind() == refused || error.to_string().contains("lookup address")
            }
            _ => false,
        };
        let message = http::no_answer(error, "Stripe", &self.base_url, self.timeout);
        NoReply { message, never_sent }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub struct NoReply {
    pub message: String,
    /// Nobody was there to be asked: not a byte of the request left.
    pub never_sent: bool,
}

impl From<NoReply> for String {
    fn from(none: NoReply) -> String {
        none.message
    }
}
