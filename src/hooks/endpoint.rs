//! A receiver over HTTP: one message, one answer.

use std::time::Duration;

use ureq::Agent;

use super::Keys;
use crate::outside::http;

/// So much of an answer is read, which keeps the connection for the next message; nobody looks at it.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// So long an answer's body is waited for: its status has said all, and the event is taken or not.
const BODY: Duration = Duration::from_secs(1);

/// Messages go one after another.
const CONNECTIONS: usize = 1;

/// Where messages are posted to.
#[derive(Debug)]
pub struct Endpoint {
    agent: Agent,
    url: String,
    keys: Keys,
    timeout: Duration,
}

/// What came of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was taken.
    Taken,
    /// The receiver wants no more of them.
    Gone,
    /// It was not taken, or nobody knows; in words, without a secret.
    Failed(String),
    /// There was no answer in time, and there was less of it than a receiver gets.
    CutShort,
}

impl Endpoint {
    /// An endpoint. Nobody is called yet.
    pub fn new(url: &str, keys: Keys, timeout: Duration) -> Endpoint {
        let agent = http::agent(url, timeout, CONNECTIONS);
        Endpoint { agent, url: url.to_owned(), keys, timeout }
    }

    /// Posts a message: its id, which stays the same however often it is sent, and its body. `timestamp` is
    /// the Unix time at which it leaves; the call may last `within`, and never longer than the
    /// receiver's own limit.
    pub fn post(&self, id: &str, body: &str, timestamp: i64, within: Duration) -> Answer {
        let limit = within.min(self.timeout);
        if limit.is_zero() {
            return Answer::CutShort;
        }
        let request = self
            .agent
            .post(&self.url)
            .config()
            .timeout_global(Some(limit))
            .timeout_recv_body(Some(BODY))
            .build()
            .content_type("application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", self.keys.sign(id, timestamp, body));
        match request.send(body) {
            Ok(mut answer) => {
                let status = answer.status().as_u16();
                // Whatever it says beside its status, and however that ends, changes nothing.
                let _ = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec();
                match status {
                    200..=299 => Answer::Taken,
                    410 => Answer::Gone,
                    300..=399 => {
                        Answer::Failed(format!("answers {status}: redirects are not followed"))
                    }
                    _ => Answer::Failed(format!("answers {status}")),
                }
            }
            Err(ureq::Error::Timeout(_)) if limit < self.timeout => Answer::CutShort,
            Err(error) => Answer::Failed(http::no_answer(&error, "it", "its host", limit)),
        }
    }
}
