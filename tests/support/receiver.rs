//! A receiver of hooks on a port of this machine: it keeps what it is sent, and answers what it is told to.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;
use serde_json::Value;

use super::Shop;

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What one request said.
#[derive(Debug, Clone)]
pub struct Request {
    pub id: String,
    pub timestamp: i64,
    pub signature: String,
    pub body: String,
    pub came: Instant,
}

impl Request {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Whether one of the signatures is by this secret.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let expected = signed_by(secret, &self.id, self.timestamp, &self.body);
        self.signature.split(' ').any(|one| one == expected)
    }
}

/// The signature of a message by that secret.
pub fn signed_by(secret: &str, id: &str, timestamp: i64, body: &str) -> String {
    let bytes = BASE64_STANDARD.decode(secret.trim_start_matches("whsec_")).expect("base64");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
    let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(tag))
}

/// What is answered: a status and further headers, after so long; 200 where nothing is said.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: &'static str,
    pub after: Duration,
}

#[derive(Default)]
struct Kept {
    requests: Vec<Request>,
    replies: VecDeque<Reply>,
    always: Option<Reply>,
    dribbles: bool,
}

#[derive(Clone)]
pub struct Receiver {
    port: u16,
    kept: Arc<Mutex<Kept>>,
}

impl Receiver {
    pub fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let kept = Arc::new(Mutex::new(Kept::default()));
        let receiver = Receiver { port, kept };
        let beside = receiver.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let receiver = beside.clone();
                std::thread::spawn(move || receiver.serve(stream));
            }
        });
        receiver
    }

    /// Answers each connection until its other end closes it.
    fn serve(&self, stream: TcpStream) {
        let mut lines = BufReader::new(stream.try_clone().expect("a stream"));
        let mut stream = stream;
        stream.set_nodelay(true).expect("a socket");
        loop {
            let (mut headers, mut line) = (Vec::new(), String::new());
            loop {
                line.clear();
                if lines.read_line(&mut line).unwrap_or(0) == 0 {
                    return;
                }
                if line.trim().is_empty() {
                    break;
                }
                headers.push(line.trim().to_owned());
            }
            let header = |name: &str| {
                let find = |line: &String| {
                    let (key, value) = line.split_once(':')?;
                    key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
                };
                headers.iter().find_map(find).unwrap_or_default()
            };
            let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
            if lines.read_exact(&mut body).is_err() {
                return;
            }
            let request = Request {
                id: header("webhook-id"),
                timestamp: header("webhook-timestamp").parse().unwrap_or(0),
                signature: header("webhook-signature"),
                body: String::from_utf8(body).expect("text"),
                came: Instant::now(),
            };
            let reply = {
                let mut kept = self.kept.lock().expect("no panic");
                kept.requests.push(request);
                kept.replies.pop_front().or(kept.always.clone())
            };
            let reply = reply.unwrap_or(Reply { status: "200 OK", after: Duration::ZERO });
            std::thread::sleep(reply.after);
            if self.kept.lock().expect("no panic").dribbles {
                let head = format!("HTTP/1.1 {}\r\nContent-Length: 1000\r\n\r\n", reply.status);
                let mut goes_on = stream.write_all(head.as_bytes()).is_ok();
                while goes_on {
                    std::thread::sleep(Duration::from_millis(100));
                    goes_on = stream.write_all(b".").is_ok();
                }
                return;
            }
            let answer = format!("HTTP/1.1 {}\r\nContent-Length: 2\r\n\r\nok", reply.status);
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks", self.port)
    }

    /// Answers the next requests with these statuses.
    pub fn replies(&self, statuses: &[&'static str]) {
        let reply = |&status| Reply { status, after: Duration::ZERO };
        self.kept.lock().expect("no panic").replies.extend(statuses.iter().map(reply));
    }

    /// Answers each request with that, once the others are used up.
    pub fn always(&self, status: &'static str, after: Duration) {
        self.kept.lock().expect("no panic").always = Some(Reply { status, after });
    }

    /// From here on a hundred seconds go by from an answer's status to its end.
    pub fn dribbles(&self) {
        self.kept.lock().expect("no panic").dribbles = true;
    }

    /// What was sent so far; from here on that is forgotten.
    pub fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.kept.lock().expect("no panic").requests)
    }

    /// The section of billing.toml for it.
    pub fn hook(&self, shop: &Shop, name: &str, more: &str) -> String {
        secret(shop, SECRET);
        let url = self.url();
        format!(
            "[[hooks]]\nname = \"{name}\"\nurl = \"{url}\"\nsecret_file = \"hook-secret\"\n{more}\n"
        )
    }
}

/// Writes the file of the secrets.
pub fn secret(shop: &Shop, lines: &str) {
    shop.write("hook-secret", lines);
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(shop.path("hook-secret"), mode).expect("a file");
}
