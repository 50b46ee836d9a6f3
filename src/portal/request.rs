//! A request as CGI/1.1 (RFC 3875) hands it over: what of it we go by, and nothing else.
//!
//! Everything here comes from whoever has a browser or `curl`. `HTTP_PROXY` and its like are never
//! looked at, for a client sets them by a header; the path is taken from `REQUEST_URI`, since what
//! servers put into `PATH_INFO` differs; no header and no field stands in for the method.

use std::io::Read;

use percent_encoding::percent_decode;

use super::response::Status;

/// The longest body that is read.
pub const MOST_BODY: usize = 64 * 1024;

/// The longest `REQUEST_URI`.
const MOST_URI: usize = 8 * 1024;

/// The longest header that is looked at.
const MOST_HEADER: usize = 8 * 1024;

/// The methods that something answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Also of HEAD, whose answer leaves without its body.
    Get,
    Post,
    Patch,
    Delete,
}

impl Method {
    /// As it is written in a request.
    pub fn word(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// What is sent for a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    Form,
    Json,
    Other,
}

/// Names and their values, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded` (the URL standard of WHATWG).
    pub fn parse(bytes: &[u8]) -> Fields {
        Fields(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The value of that name; of one that stands there twice, the first.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The value of that name without spaces around it, if there is anything in it.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A request that is well-formed.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    /// Whether only the head of the answer is wanted.
    pub head: bool,
    /// The segments of the path, decoded: `/invoices/INV-1` is `["invoices", "INV-1"]`, `/` none.
    pub path: Vec<String>,
    pub query: Fields,
    pub origin: Option<String>,
    pub authorization: Option<String>,
    pub idempotency_key: Option<String>,
    pub accept_language: Option<String>,
    cookies: Option<String>,
    pub body_kind: BodyKind,
    pub body: Vec<u8>,
}

/// A variable of the request, by the name that CGI gives it.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<Vec<u8>>;

impl Request {
    /// Reads a request. `prefix` is the path of the portal's own address, `/billing` or nothing.
    ///
    /// # Errors
    /// The status with which it is answered: 400, 404 of a path outside the prefix, 405, 413, 414.
    pub fn read(
        variables: Variables,
        body: &mut dyn Read,
        prefix: &str,
    ) -> Result<Request, Status> {
        let (method, head) = match variables("REQUEST_METHOD").as_deref() {
            Some(b"GET") => (Method::Get, false),
            Some(b"HEAD") => (Method::Get, true),
            Some(b"POST") => (Method::Post, false),
            Some(b"PATCH") => (Method::Patch, false),
            Some(b"DELETE") => (Method::Delete, false),
            Some(_) => return Err(Status::MethodNotAllowed),
            None => return Err(Status::BadRequest),
        };
        let uri = variables("REQUEST_URI").ok_or(Status::BadRequest)?;
        let (path, query) = address(&uri, prefix)?;
        let header = |name: &str| match variables(name) {
            Some(value) => text(value).map(Some),
            None => Ok(None),
        };
        // One that cannot be read is as if it were not there: it names nobody and allows nothing.
        let readable = |name: &str| variables(name).and_then(|value| text(value).ok());
        // Cookies of other programs at this host may be anything, and ours stands beside them.
        let cookies =
            variables("HTTP_COOKIE").map(|all| String::from_utf8_lossy(&all).into_owned());
        Ok(Request {
            method,
            head,
            path,
            query,
            origin: readable("HTTP_ORIGIN"),
            authorization: readable("HTTP_AUTHORIZATION"),
            idempotency_key: header("HTTP_IDEMPOTENCY_KEY")?,
            accept_language: readable("HTTP_ACCEPT_LANGUAGE"),
            cookies,
            body_kind: kind_of(header("CONTENT_TYPE")?.as_deref()),
            body: read_body(header("CONTENT_LENGTH")?.as_deref(), body)?,
        })
    }

    /// The value of a cookie; of one that was sent twice, the first.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.cookies.as_deref()?.split(';');
        let mut named = pairs.filter_map(|pair| pair.trim().split_once('='));
        // Ours is printable ASCII, whatever else a client sends.
        let value = named.find(|(n, _)| *n == name).map(|(_, value)| value);
        value.filter(|value| value.bytes().all(|b| (b' '..=b'~').contains(&b)))
    }

    /// The path as it is matched: `["invoices", "INV-1"]`.
    pub fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// The fields of a form.
    ///
    /// # Errors
    /// 415 of what is no form.
    pub fn form(&self) -> Result<Fields, Status> {
        match self.body_kind {
            BodyKind::Form => Ok(Fields::parse(&self.body)),
            _ if self.body.is_empty() => Ok(Fields::default()),
            _ => Err(Status::UnsupportedMediaType),
        }
    }
}

/// A header as text: printable ASCII, as all that we go by is.
fn text(value: Vec<u8>) -> Result<String, Status> {
    let value = String::from_utf8(value).map_err(|_| Status::BadRequest)?;
    match value.len() <= MOST_HEADER && value.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        true => Ok(value),
        false => Err(Status::BadRequest),
    }
}

/// The path below the prefix, in segments, and the query.
fn address(uri: &[u8], prefix: &str) -> Result<(Vec<String>, Fields), Status> {
    if uri.len() > MOST_URI {
        return Err(Status::UriTooLong);
    }
    // A NUL, a line's end or a letter outside ASCII is encoded, or the server is fooled by it.
    if !uri.iter().all(u8::is_ascii_graphic) {
        return Err(Status::BadRequest);
    }
    let uri = without_host(uri);
    let (path, query) = match uri.iter().position(|b| *b == b'?') {
        Some(at) => (&uri[..at], &uri[at + 1..]),
        None => (uri, &uri[..0]),
    };
    let below = path.strip_prefix(prefix.as_bytes()).ok_or(Status::NotFound)?;
    // `/billing` of the prefix `/billing` is its front page, `/billings` is another place.
    let below = match below {
        [] if !prefix.is_empty() => below,
        [b'/', rest @ ..] => rest,
        _ => return Err(Status::NotFound),
    };
    let mut path = below.split(|b| *b == b'/').map(segment).collect::<Result<Vec<_>, _>>()?;
    // The brief's addresses end with a slash; the same without it are the same.
    if path.last().is_some_and(String::is_empty) {
        path.pop();
    }
    match path.iter().any(String::is_empty) {
        true => Err(Status::NotFound),
        false => Ok((path, Fields::parse(query))),
    }
}

/// A client may send the whole address, as to a proxy: `GET https://billing.example/invoices`.
fn without_host(uri: &[u8]) -> &[u8] {
    let rest = uri.strip_prefix(b"https://").or_else(|| uri.strip_prefix(b"http://"));
    let Some(rest) = rest else { return uri };
    rest.iter().position(|b| *b == b'/').map_or(b"/", |at| &rest[at..])
}

/// A segment, decoded once. `..` leads nowhere: nothing of ours is a folder.
fn segment(raw: &[u8]) -> Result<String, Status> {
    let decoded = percent_decode(raw).decode_utf8().map_err(|_| Status::BadRequest)?;
    if decoded.chars().any(char::is_control) {
        return Err(Status::BadRequest);
    }
    match decoded.as_ref() {
        "." | ".." => Err(Status::NotFound),
        _ => Ok(decoded.into_owned()),
    }
}

fn kind_of(content_type: Option<&str>) -> BodyKind {
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match essence.to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => BodyKind::Form,
        "application/json" => BodyKind::Json,
        _ => BodyKind::Other,
    }
}

fn read_body(length: Option<&str>, body: &mut dyn Read) -> Result<Vec<u8>, Status> {
    let length = match length.map(str::trim) {
        None | Some("") => return Ok(Vec::new()),
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits,
        Some(_) => return Err(Status::BadRequest),
    };
    // A number that has no room is too large in any case.
    let length = length.parse::<usize>().map_err(|_| Status::PayloadTooLarge)?;
    if length > MOST_BODY {
        return Err(Status::PayloadTooLarge);
    }
    let mut bytes = vec![0; length];
    body.read_exact(&mut bytes).map_err(|_| Status::BadRequest)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read_with(
        variables: &[(&str, &[u8])],
        body: &[u8],
        prefix: &str,
    ) -> Result<Request, Status> {
        let map: HashMap<&str, &[u8]> = variables.iter().copied().collect();
        Request::read(&|name| map.get(name).map(|v| v.to_vec()), &mut &*body, prefix)
    }

    fn path_of(uri: &str, prefix: &str) -> Result<Vec<String>, Status> {
        let variables: [(&str, &[u8]); 2] =
            [("REQUEST_METHOD", b"GET"), ("REQUEST_URI", uri.as_bytes())];
        read_with(&variables, b"", prefix).map(|request| request.path)
    }

    #[test]
    fn a_path_is_its_segments_below_the_prefix() {
        for (uri, prefix, path) in [
            ("/", "", &[][..]),
            ("/invoices", "", &["invoices"]),
            ("/invoices/", "", &["invoices"]),
            ("/invoices/INV%2D1?x=1", "", &["invoices", "INV-1"]),
            ("/invoices/2026%2F1", "", &["invoices", "2026/1"]),
            ("https://billing.example/invoices", "", &["invoices"]),
            ("https://billing.example", "", &[]),
            ("/billing", "/billing", &[]),
            ("/billing/", "/billing", &[]),
            ("/billing/details", "/billing", &["details"]),
        ] {
            assert_eq!(path_of(uri, prefix), Ok(path.iter().map(|s| (*s).to_owned()).collect()));
        }
    }

    #[test]
    fn what_a_path_must_not_have_is_no_path() {
        for (uri, prefix, status) in [
            ("/invoices/../details", "", Status::NotFound),
            ("/invoices/%2e%2E/details", "", Status::NotFound),
            ("/./details", "", Status::NotFound),
            ("//details", "", Status::NotFound),
            ("/invoices/INV%00", "", Status::BadRequest),
            ("/invoices/INV\0", "", Status::BadRequest),
            ("/invoices/%0d%0aSet-Cookie:x", "", Status::BadRequest),
            ("/invoices/%ff", "", Status::BadRequest),
            ("/invoices/é", "", Status::BadRequest),
            ("invoices", "", Status::NotFound),
            ("", "", Status::NotFound),
            ("/", "/billing", Status::NotFound),
            ("/billings", "/billing", Status::NotFound),
        ] {
            assert_eq!(path_of(uri, prefix), Err(status), "{uri:?}");
        }
        let long = format!("/{}", "a".repeat(MOST_URI));
        assert_eq!(path_of(&long, ""), Err(Status::UriTooLong));
    }

    #[test]
    fn a_body_is_as_long_as_it_says_and_no_longer_than_64_kb() {
        let with = |length: &str, body: &[u8]| {
            let variables: [(&str, &[u8]); 3] = [
                ("REQUEST_METHOD", b"POST"),
                ("REQUEST_URI", b"/"),
                ("CONTENT_LENGTH", length.as_bytes()),
            ];
            read_with(&variables, body, "").map(|request| request.body)
        };
        assert_eq!(with("3", b"a=1&b=2"), Ok(b"a=1".to_vec()));
        assert_eq!(with("", b"a=1"), Ok(Vec::new()));
        assert_eq!(with("4", b"a=1"), Err(Status::BadRequest));
        assert_eq!(with("-1", b"a=1"), Err(Status::BadRequest));
        assert_eq!(with("65536", &[b'a'; 65536]).map(|b| b.len()), Ok(65536));
        assert_eq!(with("65537", &[b'a'; 65537]), Err(Status::PayloadTooLarge));
        assert_eq!(with("99999999999999999999999", b""), Err(Status::PayloadTooLarge));
    }

    #[test]
    fn nothing_stands_in_for_the_method() {
        let variables: [(&str, &[u8]); 5] = [
            ("REQUEST_METHOD", b"GET"),
            ("REQUEST_URI", b"/?_method=DELETE"),
            ("HTTP_X_HTTP_METHOD_OVERRIDE", b"DELETE"),
            ("HTTP_X_METHOD_OVERRIDE", b"DELETE"),
            ("HTTP_PROXY", b"http://elsewhere.example"),
        ];
        let request = read_with(&variables, b"", "").unwrap();
        assert_eq!(request.method, Method::Get);
        for method in ["PUT", "get", "TRACE", "", "CONNECT"] {
            let variables: [(&str, &[u8]); 2] =
                [("REQUEST_METHOD", method.as_bytes()), ("REQUEST_URI", b"/")];
            assert_eq!(read_with(&variables, b"", "").unwrap_err(), Status::MethodNotAllowed);
        }
    }

    #[test]
    fn the_first_of_two_cookies_or_fields_of_a_name_counts() {
        let variables: [(&str, &[u8]); 5] = [
            ("REQUEST_METHOD", b"POST"),
            ("REQUEST_URI", b"/"),
            ("HTTP_COOKIE", "other=é; billing=a.b=c; billing=second".as_bytes()),
            ("CONTENT_TYPE", b"Application/X-WWW-Form-Urlencoded; charset=utf-8"),
            ("CONTENT_LENGTH", b"17"),
        ];
        let request = read_with(&variables, b"a=1+%C3%A9&a=2&b=", "").unwrap();
        assert_eq!(request.cookie("billing"), Some("a.b=c"));
        assert_eq!(request.cookie("bill"), None);
        let form = request.form().unwrap();
        assert_eq!((form.get("a"), form.get("b"), form.filled("b")), (Some("1 é"), Some(""), None));
    }
}
