//! The binary asked as a web server asks a CGI program.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::Shop;

/// A request, as far as a test says something of it.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    pub method: &'a str,
    pub uri: &'a str,
    /// Variables of CGI, such as `HTTP_AUTHORIZATION`.
    pub variables: Vec<(&'a str, String)>,
    pub body: Vec<u8>,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// What the server's log has of it.
    pub log: String,
}

impl Answer {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{}: {e}: {}", self.status, self.text()))
    }

    /// The code of the error that was answered.
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl<'a> Request<'a> {
    pub fn new(method: &'a str, uri: &'a str) -> Request<'a> {
        Request { method, uri, ..Request::default() }
    }

    /// With a key of the API.
    pub fn by(self, key: &str) -> Request<'a> {
        self.with("HTTP_AUTHORIZATION", format!("Bearer {key}"))
    }

    pub fn with(mut self, name: &'a str, value: impl Into<String>) -> Request<'a> {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.into()));
        self
    }

    /// With a body of JSON.
    pub fn json(mut self, body: &Value) -> Request<'a> {
        self.body = body.to_string().into_bytes();
        self.with("CONTENT_TYPE", "application/json")
    }
}

impl Shop {
    /// Asks for something, and waits for the answer.
    pub fn asks(&self, request: &Request) -> Answer {
        answer(self.begins(request, &[]))
    }

    /// Asks with a key for what has a body or none.
    pub fn api(&self, key: &str, method: &str, uri: &str, body: &Value) -> Answer {
        let request = Request::new(method, uri).by(key);
        let request = if body.is_null() { request } else { request.json(body) };
        self.asks(&request)
    }

    /// Begins to ask, with more variables of the environment.
    pub fn begins(&self, request: &Request, more: &[(&str, &str)]) -> Child {
        let mut command: Command = self.command(&["portal"]);
        command
            .env("GATEWAY_INTERFACE", "CGI/1.1")
            .env("REQUEST_METHOD", request.method)
            .env("REQUEST_URI", request.uri)
            .env("QUERY_STRING", request.uri.split_once('?').map_or("", |(_, query)| query))
            .envs(request.variables.iter().map(|(name, value)| (*name, value.as_str())))
            .envs(more.iter().copied());
        if !request.body.is_empty() {
            command.env("CONTENT_LENGTH", request.body.len().to_string());
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("billing starts");
        // One that answers without reading has gone away by now.
        let _ = child.stdin.take().expect("its input").write_all(&request.body);
        child
    }
}

/// Reads the answer of a request that was begun.
pub fn answer(child: Child) -> Answer {
    let done = child.wait_with_output().expect("an end");
    let log = String::from_utf8_lossy(&done.stderr).into_owned();
    let at = done.stdout.windows(4).position(|end| end == b"\r\n\r\n");
    let at = at.unwrap_or_else(|| panic!("no answer: {log}"));
    let head = String::from_utf8(done.stdout[..at].to_vec()).expect("a head");
    let split = |line: &str| line.split_once(": ").map(|(n, v)| (n.to_owned(), v.to_owned()));
    let headers: Vec<_> = head.lines().filter_map(split).collect();
    let status = headers.iter().find(|(name, _)| name == "Status").expect("a status");
    let status = status.1.split(' ').next().and_then(|code| code.parse().ok()).expect("a number");
    Answer { status, headers, body: done.stdout[at + 4..].to_vec(), log }
}
