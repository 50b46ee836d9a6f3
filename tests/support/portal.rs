//! The portal as a web server starts it: one request in the environment and on standard input, one
//! answer on standard output. Every answer is held to what holds of all of them.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use super::{Prepared, Shop};

/// Where the portal of these tests is.
pub const BASE: &str = "https://billing.example";

/// The name of its cookie.
pub const COOKIE: &str = "__Host-billing";

/// What every answer says, besides its policy.
const ALWAYS: [(&str, &str); 4] = [
    ("cache-control", "no-store"),
    ("referrer-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("x-robots-tag", "noindex"),
];

/// A request that is about to be sent.
pub struct Ask<'s> {
    shop: &'s Shop,
    variables: Vec<(OsString, OsString)>,
    body: Vec<u8>,
}

/// An answer, taken apart.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// What the web server finds on standard error, and keeps in its log.
    pub log: String,
}

/// A form of a page, as somebody sends it who types nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl Shop {
    /// A request without a body.
    pub fn ask(&self, method: &str, uri: &str) -> Ask<'_> {
        let query = uri.split_once('?').map_or("", |(_, query)| query);
        let ask = Ask { shop: self, variables: Vec::new(), body: Vec::new() };
        ask.variable("REQUEST_METHOD", method)
            .variable("REQUEST_URI", uri)
            .variable("QUERY_STRING", query)
            .variable("GATEWAY_INTERFACE", "CGI/1.1")
            .variable("SERVER_PROTOCOL", "HTTP/1.1")
            .variable("BILLING_CONFIG", self.path("billing.toml"))
    }

    /// A GET by whoever has this cookie.
    pub fn get(&self, cookie: &str, uri: &str) -> Reply {
        self.ask("GET", uri).cookie(cookie).send()
    }

    /// A form, sent from a page of the portal.
    pub fn post(&self, cookie: &str, form: &Form) -> Reply {
        self.posting(cookie, form).send()
    }

    /// The same, not yet sent.
    pub fn posting(&self, cookie: &str, form: &Form) -> Ask<'_> {
        self.ask("POST", &form.action).cookie(cookie).header("Origin", BASE).fields(&form.fields)
    }

    /// The cookie of whoever opens a link of the portal.
    pub fn open(&self, url: &str) -> String {
        let path = url.strip_prefix(BASE).expect("a link of ours");
        let reply = self.ask("GET", path).send();
        assert_eq!(reply.status, 303, "{reply:?}");
        reply.cookie().expect("a cookie")
    }

    /// The cookie of a customer who signed in.
    pub fn sign_in(&self, tenant: &str) -> String {
        self.open(self.json(&["portal", "link", tenant])["url"].as_str().expect("a link"))
    }

    /// The only secret of the portal.
    pub fn portal_secret(&self) -> String {
        let secret = std::fs::read_to_string(self.path("portal-secret")).expect("the secret");
        secret.trim().to_owned()
    }
}

impl Prepared {
    /// A folder with these files in it, of which only its owner may read the secret.
    pub fn portal(&self) -> Shop {
        let shop = self.shop();
        let owner_only = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(shop.path("portal-secret"), owner_only).expect("the secret");
        shop
    }
}

impl Ask<'_> {
    /// A variable of CGI; in place of one that was set before.
    pub fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        let name = OsString::from(name);
        self.variables.retain(|(before, _)| *before != name);
        self.variables.push((name, value.into()));
        self
    }

    /// The same without it.
    pub fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(before, _)| before != name);
        self
    }

    /// A header of the request.
    pub fn header(self, name: &str, value: impl Into<OsString>) -> Self {
        let name = name.to_ascii_uppercase().replace('-', "_");
        self.variable(&format!("HTTP_{name}"), value)
    }

    /// The cookie of a session.
    pub fn cookie(self, token: &str) -> Self {
        self.header("Cookie", format!("theme=dark; {COOKIE}={token}"))
    }

    /// A body.
    pub fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let mut ask = self
            .variable("CONTENT_TYPE", content_type)
            .variable("CONTENT_LENGTH", body.len().to_string());
        ask.body = body;
        ask
    }

    /// The fields of a form as its body.
    pub fn fields(self, fields: &[(String, String)]) -> Self {
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(fields);
        self.body("application/x-www-form-urlencoded", text.finish())
    }

    /// Sends it, and waits for the answer.
    pub fn send(self) -> Reply {
        let is_head = self.variables.iter().any(|(_, value)| value == "HEAD");
        let secrets = self.secrets();
        let (child, writing) = self.start();
        let reply = Reply::of(child, is_head);
        writing.join().expect("a body that was written");
        reply.keeps(&secrets);
        reply
    }

    /// Sends it, and takes the answer as soon as it is whole; what the program does afterwards goes on.
    pub fn send_and_leave(self) -> (Reply, Child) {
        let (mut child, writing) = self.start();
        let mut written = Vec::new();
        let stdout = child.stdout.as_mut().expect("a pipe");
        stdout.read_to_end(&mut written).expect("an answer");
        writing.join().expect("a body that was written");
        (Reply::parse(&written, String::new()), child)
    }

    /// Sends it so many times at once.
    pub fn at_once(asks: Vec<Self>) -> Vec<Reply> {
        let started: Vec<_> = asks.into_iter().map(Ask::start).collect();
        let replies = started.into_iter().map(|(child, writing)| {
            let reply = Reply::of(child, false);
            writing.join().expect("a body that was written");
            reply
        });
        replies.collect()
    }

    /// What must stand in no log: the secret that signs, and the cookie of the request.
    fn secrets(&self) -> Vec<String> {
        let cookies = self.variables.iter().filter(|(name, _)| name == "HTTP_COOKIE");
        let values = cookies.filter_map(|(_, value)| value.to_str()?.rsplit_once('='));
        let mut secrets: Vec<String> = values.map(|(_, token)| token.to_owned()).collect();
        secrets.extend(std::fs::read_to_string(self.shop.path("portal-secret")).ok());
        let secrets = secrets.iter().map(|secret| secret.trim().to_owned());
        secrets.filter(|secret| secret.len() > 20).collect()
    }

    fn start(self) -> (Child, std::thread::JoinHandle<()>) {
        let mut command: Command = self.shop.command(&[]);
        command.envs(self.variables);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("billing starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let body = self.body;
        // An answer may come before the body was read.
        let writing = std::thread::spawn(move || drop(stdin.write_all(&body)));
        (child, writing)
    }
}

impl Reply {
    fn of(child: Child, is_head: bool) -> Reply {
        let output = child.wait_with_output().expect("an end");
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{:?}: {log}", output.status);
        let reply = Reply::parse(&output.stdout, log);
        reply.is_well_formed(is_head);
        reply
    }

    /// Takes apart what a CGI program wrote.
    pub fn parse(written: &[u8], log: String) -> Reply {
        let end = written.windows(4).position(|w| w == b"\r\n\r\n").expect("an empty line");
        let head = std::str::from_utf8(&written[..end]).expect("a head in text");
        let mut headers: Vec<(String, String)> = head
            .split("\r\n")
            .map(|line| {
                let (name, value) = line.split_once(": ").expect("a header");
                assert!(!value.contains(|c: char| c.is_control()), "{line:?}");
                (name.to_ascii_lowercase(), value.to_owned())
            })
            .collect();
        let (first, status) = headers.remove(0);
        assert_eq!(first, "status");
        let status = status.split(' ').next().and_then(|code| code.parse().ok());
        Reply { status: status.expect("a status"), headers, body: written[end + 4..].to_vec(), log }
    }

    /// What holds of every answer, whatever was asked.
    pub fn is_well_formed(&self, is_head: bool) {
        for (name, value) in ALWAYS {
            assert_eq!(self.header(name), Some(value), "{name}: {self:?}");
        }
        for (name, _) in &self.headers {
            let of_that_name = self.headers.iter().filter(|(other, _)| other == name).count();
            assert_eq!(of_that_name, 1, "{name} stands there twice: {:?}", self.headers);
        }
        let policy = self.header("content-security-policy").expect("a policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        for loose in ["unsafe", "*", "http:", "https:", "script-src"] {
            assert!(!policy.contains(loose), "{policy}");
        }
        let length = self.header("content-length").and_then(|n| n.parse::<usize>().ok());
        let length = length.expect("a length");
        if is_head {
            assert!(self.body.is_empty(), "{self:?}");
        } else {
            assert_eq!(length, self.body.len(), "{self:?}");
        }
        let content_type = self.header("content-type").expect("a content type");
        if content_type.starts_with("text/html") && !is_head {
            let page = self.text();
            assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
            for active in ["<script", "javascript:", " onclick", " style=\"", "<iframe", "http:"] {
                assert!(!page.contains(active), "{active}: {page}");
            }
        }
    }

    /// Whether log and page keep what nobody is to read there.
    fn keeps(&self, secrets: &[String]) {
        for secret in secrets {
            assert!(!self.log.contains(secret), "{}", self.log);
            assert!(!self.text().contains(secret), "a page shows a secret: {}", self.text());
        }
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What a page says, without what stands on each.
    pub fn said(&self) -> String {
        let text = self.text();
        let main = text.split("<main id=\"content\">").nth(1);
        main.and_then(|rest| rest.split("</main>").next()).unwrap_or(&text).to_owned()
    }

    /// Where it leads.
    pub fn location(&self) -> &str {
        self.header("location").expect("a redirect")
    }

    /// The session that it begins.
    pub fn cookie(&self) -> Option<String> {
        let (pair, attributes) = self.header("set-cookie")?.split_once("; ")?;
        for attribute in ["Path=/", "HttpOnly", "Secure", "SameSite=Lax"] {
            assert!(attributes.split("; ").any(|a| a == attribute), "{attributes}");
        }
        assert!(!attributes.contains("Domain"), "{attributes}");
        Some(pair.strip_prefix(COOKIE)?.strip_prefix('=')?.to_owned())
    }

    /// The forms of a page.
    pub fn forms(&self) -> Vec<Form> {
        let page = self.text();
        let forms = page.split("<form ").skip(1).map(|form| {
            let form = form.split("</form>").next().expect("an end");
            let head = form.split('>').next().expect("a tag");
            let fields = form.split("<input ").skip(1).filter_map(|input| {
                let input = input.split('>').next()?;
                let value = attribute(input, "value").unwrap_or_default();
                Some((attribute(input, "name")?, value))
            });
            Form { action: attribute(head, "action").expect("an action"), fields: fields.collect() }
        });
        forms.collect()
    }

    /// The form that is sent to there.
    pub fn form(&self, action: &str) -> Form {
        let forms = self.forms();
        let found = forms.iter().find(|form| form.action == action);
        found.unwrap_or_else(|| panic!("no form to {action}: {forms:?}: {}", self.text())).clone()
    }

    /// The address of a link that is a button.
    pub fn button(&self) -> String {
        let page = self.text();
        let link = page.split("<a class=\"button\" ").nth(1).expect("a button");
        attribute(link.split('>').next().expect("a tag"), "href").expect("an address")
    }
}

impl Form {
    /// The same with a field as somebody types it.
    pub fn with(&self, name: &str, value: &str) -> Form {
        let mut form = self.without(name);
        form.fields.push((name.to_owned(), value.to_owned()));
        form
    }

    /// The same without a field.
    pub fn without(&self, name: &str) -> Form {
        let mut form = self.clone();
        form.fields.retain(|(n, _)| n != name);
        form
    }

    /// The same, sent to somewhere else.
    pub fn to(&self, action: &str) -> Form {
        Form { action: action.to_owned(), ..self.clone() }
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> &str {
        let field = self.fields.iter().find(|(n, _)| n == name);
        field.map(|(_, value)| value.as_str()).expect("a field")
    }
}

/// An attribute of a tag, as it was before it was escaped.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
    let plain = [("&#x2f;", "/"), ("&#x27;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">")];
    let value = plain.iter().fold(value.to_owned(), |v, (coded, c)| v.replace(coded, c));
    Some(value.replace("&amp;", "&"))
}
