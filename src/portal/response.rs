//! An answer: its status, its headers, its body, and how CGI and HTTP write it.

use std::io::{self, Write};

/// The statuses that are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Ok,
    Created,
    SeeOther,
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    PayloadTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    TooManyRequests,
    InternalServerError,
    ServiceUnavailable,
}

impl Status {
    /// Its number and the words beside it (RFC 9110).
    pub fn line(self) -> (u16, &'static str) {
        match self {
            Status::Ok => (200, "OK"),
            Status::Created => (201, "Created"),
            Status::SeeOther => (303, "See Other"),
            Status::BadRequest => (400, "Bad Request"),
            Status::Unauthorized => (401, "Unauthorized"),
            Status::Forbidden => (403, "Forbidden"),
            Status::NotFound => (404, "Not Found"),
            Status::MethodNotAllowed => (405, "Method Not Allowed"),
            Status::Conflict => (409, "Conflict"),
            Status::PayloadTooLarge => (413, "Content Too Large"),
            Status::UriTooLong => (414, "URI Too Long"),
            Status::UnsupportedMediaType => (415, "Unsupported Media Type"),
            Status::TooManyRequests => (429, "Too Many Requests"),
            Status::InternalServerError => (500, "Internal Server Error"),
            Status::ServiceUnavailable => (503, "Service Unavailable"),
        }
    }

    /// Its number.
    pub fn code(self) -> u16 {
        self.line().0
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: Status,
    pub content_type: &'static str,
    /// More headers; a value is written without what would end its line.
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Whether e-mails were queued that are to leave once the answer has.
    pub delivers: bool,
}

/// What every answer says of itself. Pages are for one customer and no search engine; what an
/// answer shows is ours, and nothing of it is kept, framed, guessed at or told to another site.
const ALWAYS: &[(&str, &str)] = &[
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("X-Robots-Tag", "noindex"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
];

/// The policy of an answer that is no page: it loads nothing and runs nothing.
const NOTHING: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const POLICY: &str = "Content-Security-Policy";

impl Response {
    /// An answer with a body.
    pub fn new(status: Status, content_type: &'static str, body: Vec<u8>) -> Response {
        Response { status, content_type, headers: Vec::new(), body, delivers: false }
    }

    /// A page of HTML under its own [`Response::policy`].
    pub fn page(status: Status, html: String, policy: String) -> Response {
        let page = Response::new(status, "text/html; charset=utf-8", html.into_bytes());
        page.with(POLICY, policy)
    }

    /// An object as JSON.
    pub fn json(status: Status, object: &serde_json::Value) -> Response {
        Response::new(status, "application/json", format!("{object}\n").into_bytes())
    }

    /// Leads to another address by GET.
    pub fn see_other(location: String) -> Response {
        let there = Response::new(Status::SeeOther, "text/plain; charset=utf-8", Vec::new());
        there.with("Location", location)
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Response {
        self.headers.push((name, value.into()));
        self
    }

    /// The same where e-mails are to leave once it has.
    #[must_use]
    pub fn and_deliver(self) -> Response {
        Response { delivers: true, ..self }
    }

    /// Writes it as the answer of a CGI program; `head`: without its body.
    ///
    /// # Errors
    /// Nobody reads it.
    pub fn write_cgi(&self, out: &mut dyn Write, head: bool) -> io::Result<()> {
        let (code, words) = self.status.line();
        self.write(&format!("Status: {code} {words}\r\n"), out, head)
    }

    /// Writes it as an answer of HTTP/1.1, after which the connection is closed.
    ///
    /// # Errors
    /// Nobody reads it.
    pub fn write_http(&self, out: &mut dyn Write, head: bool) -> io::Result<()> {
        let (code, words) = self.status.line();
        self.write(&format!("HTTP/1.1 {code} {words}\r\nConnection: close\r\n"), out, head)
    }

    fn write(&self, first: &str, out: &mut dyn Write, head: bool) -> io::Result<()> {
        let mut text = String::from(first);
        let mut header = |name: &str, value: &str| {
            text.push_str(name);
            text.push_str(": ");
            // A value never ends its line: what comes from a config or a gateway adds no header.
            text.extend(value.chars().filter(|c| !c.is_control()));
            text.push_str("\r\n");
        };
        header("Content-Type", self.content_type);
        header("Content-Length", &self.body.len().to_string());
        ALWAYS.iter().for_each(|(name, value)| header(name, value));
        if !self.headers.iter().any(|(name, _)| *name == POLICY) {
            header(POLICY, NOTHING);
        }
        self.headers.iter().for_each(|(name, value)| header(name, value));
        text.push_str("\r\n");
        out.write_all(text.as_bytes())?;
        if !head {
            out.write_all(&self.body)?;
        }
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(response: &Response, head: bool) -> String {
        let mut out = Vec::new();
        response.write_cgi(&mut out, head).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_value_adds_no_header() {
        let there = Response::see_other("/x\r\nSet-Cookie: a=b\n\n<html>".to_owned());
        let text = written(&there, false);
        assert!(text.contains("Location: /xSet-Cookie: a=b<html>\r\n"));
        assert_eq!(text.matches("\r\n\r\n").count(), 1);
    }

    #[test]
    fn a_head_is_the_answer_without_its_body() {
        let answer = Response::json(Status::Ok, &serde_json::json!({"a": 1}));
        let (whole, head) = (written(&answer, false), written(&answer, true));
        assert_eq!(whole, format!("{head}{{\"a\":1}}\n"));
        assert!(head.starts_with("Status: 200 OK\r\nContent-Type: application/json\r\n"));
        assert!(head.contains("Content-Length: 8\r\n"));
    }
}
