//! The portal: what customers see and do for themselves, and the API for the product. No daemon: a
//! web server starts the binary for a request, as CGI/1.1 (RFC 3875), and it answers that one;
//! [`listen`] does the same on loopback, for trying out.
//!
//! [`request`] reads what came, [`response`] writes what is answered, [`api`] is the JSON side,
//! [`pages`] the one with pages. Nothing here decides what a verb does: actions go through the
//! commands ([`crate::commands::asked`]) and the books.

pub mod api;
pub mod cgi;
pub mod listen;
pub mod pages;
pub mod request;
pub mod response;
mod session;

use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::clock::Clock;
use crate::commands::tasks::{asking, check_may_charge, gateway, transport};
use crate::commands::{Changes, Context, Verbosity};
use crate::config::Config;
use crate::domain::Result;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::tasks::{Given, deliver_events, deliver_now};
use crate::view::Printer;
use request::{Method, Request, Variables};
use response::{Response, Status};

/// How long a request may take. A CGI program that hangs blocks a worker of the web server.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);

/// How much of it a gateway gets; what it has not answered by then is `unknown`.
const GATEWAY_LIMIT: Duration = Duration::from_secs(8);

/// What is kept of a request's time for its answer.
const ANSWER: Duration = Duration::from_millis(700);

/// How long hooks are told what a customer has just done.
const HOOKS_LIMIT: Duration = Duration::from_secs(3);

/// How long another command's transaction is waited for.
const PATIENCE: Duration = Duration::from_secs(4);

/// How the program was called, as far as a request goes by it: `--config`, `--db` and `--as-of`.
#[derive(Debug, Clone, Default)]
pub struct Call {
    pub config: Option<PathBuf>,
    pub db: Option<PathBuf>,
    pub as_of: Option<String>,
}

/// Where requests come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// A web server, at `[portal] base_url`.
    Cgi,
    /// Our own socket on loopback, without a certificate: its cookie is a plain one.
    Loopback(SocketAddr),
}

/// A request, and what it is answered with: the configuration, the moment, the file.
#[derive(Debug)]
pub struct Visit {
    pub request: Request,
    pub config: Config,
    pub clock: Clock,
    pub ground: Ground,
    call: Call,
}

impl Visit {
    /// Where the portal is, without a slash at its end.
    pub fn base(&self) -> String {
        base(&self.config, self.ground)
    }

    /// What all its paths begin with.
    pub fn prefix(&self) -> String {
        prefix(&self.config, self.ground)
    }

    /// The origin of its pages (RFC 6454), as a browser says it.
    pub fn origin(&self) -> String {
        let (base, prefix) = (self.base(), self.prefix());
        base.strip_suffix(&prefix).unwrap_or(&base).to_owned()
    }

    /// Tells the product what a customer has just done, before the page is back: who paid is let in by
    /// then. What a hook does not take in time is told by the next run. A request for a link tells
    /// nobody, or its answer would take longer where the address is known; and the API is called by the
    /// product itself.
    fn tell_hooks(&self, response: &Response) {
        let path = self.request.segments();
        let did = match (self.request.method, path.first()) {
            (_, Some(&"api" | &"sign-in")) => false,
            // Whoever comes back and nothing was booked has done nothing.
            (Method::Get, first) => first == Some(&"return") && response.delivers,
            _ => true,
        };
        if !did || self.config.hooks.is_empty() || response.status.code() >= 400 {
            return;
        }
        let left = self.left();
        let ctx = self.context("portal");
        let tell = || -> anyhow::Result<()> {
            let mut store = ctx.writer()?;
            Ok(self.given(&ctx, |given| {
                deliver_events::within(&mut store, given, left.min(HOOKS_LIMIT));
                Ok(())
            })?)
        };
        if let Err(error) = tell() {
            log(&format!("hooks are told by the next run: {}", Failure::of(&error).code));
        }
    }

    /// How much of the request's time is left, but for what its answer takes.
    fn left(&self) -> Duration {
        let spent = Duration::from_millis(self.clock.elapsed_ms()) + ANSWER;
        TIME_LIMIT.saturating_sub(spent)
    }

    /// Who takes the money, for so many calls within the time that is left.
    pub fn gateway(&self, calls: u32) -> Gateway {
        gateway(&self.config).within(GATEWAY_LIMIT.min(self.left()) / calls.max(1))
    }

    /// Does what wants a gateway once, within its time.
    ///
    /// # Errors
    /// What `work` refuses, or `--as-of` lies in the future where money would really move.
    pub fn given<T>(&self, ctx: &Context, work: impl FnOnce(&Given) -> Result<T>) -> Result<T> {
        self.given_calls(ctx, 1, work)
    }

    /// The same of what wants it so many times, one after another.
    ///
    /// # Errors
    /// As [`Visit::given`].
    pub fn given_calls<T>(
        &self,
        ctx: &Context,
        calls: u32,
        work: impl FnOnce(&Given) -> Result<T>,
    ) -> Result<T> {
        check_may_charge(ctx)?;
        asking(ctx, &self.gateway(calls), |given, _| work(given))
    }

    /// What a command is given that `actor` asks for, such as `customer:acme` or `api:shop`.
    pub fn context(&self, actor: &str) -> Context {
        context(&self.call, self.config.clone(), self.clock.clone(), actor)
    }
}

fn context(call: &Call, config: Config, clock: Clock, actor: &str) -> Context {
    Context {
        db: config.database(call.db.as_deref()),
        db_named: call.db.clone(),
        config_named: call.config.clone(),
        as_of: call.as_of.clone(),
        typed: String::new(),
        printer: Printer::captured(config.timezone),
        config,
        clock,
        changes: Changes::default(),
        verbosity: Verbosity::Quiet,
        yes: false,
        actor: Some(actor.to_owned()),
        patience: Some(PATIENCE),
    }
}

/// What a request came to.
#[derive(Debug)]
pub struct Answered {
    pub response: Response,
    /// Whether only its head is wanted.
    pub head: bool,
    /// Whose e-mails are to leave, once the answer has.
    then: Option<Box<Visit>>,
}

impl Answered {
    /// Of an answer that nothing follows.
    pub fn with(response: Response, head: bool) -> Answered {
        Answered { response, head, then: None }
    }

    /// Sends the e-mails that were queued: [`deliver`]. Called once the answer has left, which says the
    /// same, and as soon, whether an address is a customer's or not.
    pub fn deliver(&self) {
        if let Some(visit) = &self.then {
            deliver(&visit.call);
        }
    }
}

/// Sends the e-mails that were queued. What fails is sent by the next run.
pub fn deliver(call: &Call) {
    let deliver = || -> anyhow::Result<()> {
        let (config, clock) = prepare(call)?;
        let ctx = context(call, config, clock, "portal");
        let transport = transport(&ctx.config, &ctx.db)?;
        let given = Given {
            config: &ctx.config,
            clock: &ctx.clock,
            transport: &transport,
            gateway: &Gateway::None,
        };
        Ok(deliver_now(&mut ctx.writer()?, &given)?)
    };
    if let Err(error) = deliver() {
        log(&format!("e-mails stay queued: {}", Failure::of(&error).code));
    }
}

/// Answers a request.
pub fn answer(call: &Call, ground: Ground, variables: Variables, body: &mut dyn Read) -> Answered {
    let head = variables("REQUEST_METHOD").as_deref() == Some(b"HEAD");
    let (config, clock) = match prepare(call) {
        Ok(prepared) => prepared,
        Err(refusal) => {
            let page = out_of_order(&Failure::from(&refusal));
            let answer = match is_of_api(variables, "") {
                true => api::unreadable(Status::ServiceUnavailable),
                false => page,
            };
            return Answered::with(answer, head);
        }
    };
    let prefix = prefix(&config, ground);
    match Request::read(variables, body, &prefix) {
        Ok(request) => {
            let visit = Visit { request, config, clock, ground, call: call.clone() };
            let response = route(&visit);
            visit.tell_hooks(&response);
            let then = response.delivers.then(|| Box::new(visit));
            Answered { response, head, then }
        }
        // Which page it was to be is not known: the words are those of no language's page.
        Err(status) if is_of_api(variables, &prefix) => {
            Answered::with(api::unreadable(status), head)
        }
        Err(status) => Answered::with(bare(status), head),
    }
}

/// What a request is told that took too long, in the form that it waits for.
pub fn given_up(variables: Variables) -> Response {
    let uri = variables("REQUEST_URI").unwrap_or_default();
    match uri.windows(5).any(|part| part == b"/api/") {
        true => api::unreadable(Status::ServiceUnavailable),
        false => bare(Status::ServiceUnavailable),
    }
}

fn prepare(call: &Call) -> Result<(Config, Clock)> {
    let mut config = Config::load(call.config.as_deref())?;
    let timeout = &mut config.payments.timeout_seconds;
    *timeout = (*timeout).min(u32::try_from(GATEWAY_LIMIT.as_secs()).unwrap_or(*timeout));
    let clock = Clock::new(call.as_of.as_deref(), config.timezone);
    Ok((config, clock?))
}

/// The path of the portal's own address: `/billing`, or nothing.
fn prefix(config: &Config, ground: Ground) -> String {
    let base = base(config, ground);
    let path = base.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    path.map_or_else(String::new, |(_, path)| format!("/{path}"))
}

/// Where the portal is, without a slash at its end.
fn base(config: &Config, ground: Ground) -> String {
    match (ground, &config.portal) {
        (Ground::Loopback(address), _) => format!("http://{address}"),
        (Ground::Cgi, Some(portal)) => portal.base_url.clone(),
        (Ground::Cgi, None) => String::new(),
    }
}

/// Whether a request that could not be read was one to the API, as far as its address tells.
fn is_of_api(variables: Variables, prefix: &str) -> bool {
    let uri = variables("REQUEST_URI").unwrap_or_default();
    let below = uri.strip_prefix(prefix.as_bytes()).unwrap_or_default();
    below == b"/api" || below.starts_with(b"/api/") || below.starts_with(b"/api?")
}

fn route(visit: &Visit) -> Response {
    match visit.request.path.first().map(String::as_str) {
        Some("api") => api::answer(visit),
        _ => pages::answer(visit),
    }
}

/// An answer without a page: to a request that could not be read.
fn bare(status: Status) -> Response {
    let (code, words) = status.line();
    let response = Response::new(
        status,
        "text/plain; charset=utf-8",
        format!("{code} {words}\n").into_bytes(),
    );
    match status {
        Status::MethodNotAllowed => response.with("Allow", "GET, HEAD, POST, PATCH, DELETE"),
        Status::ServiceUnavailable => response.with("Retry-After", "5"),
        _ => response,
    }
}

/// The operator's trouble: the words go to the server's log, a visitor learns that there is one.
fn out_of_order(failure: &Failure) -> Response {
    log(&failure.render(false));
    bare(Status::ServiceUnavailable)
}

/// Tells the operator, on standard error, which a web server keeps in its log. Nothing that a
/// request carried belongs there.
pub(crate) fn log(text: &str) {
    use std::io::Write;
    for line in text.lines() {
        let _ =
            writeln!(std::io::stderr(), "billing portal: {}", crate::domain::text::printable(line));
    }
}
