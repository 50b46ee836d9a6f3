//! The API: JSON for the product and for customers' own programs, each with a key.
//!
//! [`routes`] is the table of all addresses, from which [`openapi`] is made too; [`customer`] and
//! [`product`] answer them, most by the command that does the same, whose words [`fields`] makes of a
//! request; [`once`] keeps answers for who asks again; [`status`] says with which status what is refused.

mod customer;
mod fields;
mod once;
pub mod openapi;
mod product;
mod routes;
pub mod status;

use serde_json::{Map, Value};

use super::Visit;
use super::request::{BodyKind, Method};
use super::response::{Response, Status};
use crate::commands::Context;
use crate::commands::asked::{Asked, Noun};
use crate::domain::api_key::{ApiKey, Scope};
use crate::domain::{Refusal, Result as Checked, TenantId};
use crate::failure::{Failure, api};
use crate::store::Db;
use fields::Source;
use routes::{Holder, Route};

/// What is answered in place of what was asked for.
#[derive(Debug)]
pub struct Problem {
    status: Status,
    failure: Box<Failure>,
    headers: Vec<(&'static str, String)>,
}

type Outcome = Result<Response, Problem>;

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Problem {
        Problem { status: status::of(&failure), failure: Box::new(failure), headers: Vec::new() }
    }
}

impl From<Box<Failure>> for Problem {
    fn from(failure: Box<Failure>) -> Problem {
        Problem::from(*failure)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        Problem::from(Failure::from(&refusal))
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Problem {
        Problem::from(Failure::of(&error))
    }
}

impl Problem {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Problem {
        self.headers.push((name, value.into()));
        self
    }

    /// As section 1 has errors of commands. What is out of order on our side is for the log: it may name
    /// paths, and nobody outside can do anything about it.
    fn response(self) -> Response {
        let Problem { status, failure, headers } = self;
        let unavailable = status == Status::ServiceUnavailable;
        let ours = unavailable || status == Status::InternalServerError;
        let told = match ours && *failure != api::gateway_silent() {
            true => {
                super::log(&failure.render(false));
                Failure { code: failure.code, ..api::unavailable() }
            }
            false => *failure,
        };
        let json = "application/json";
        let mut response = Response::new(status, json, told.render(true).into_bytes());
        response.headers.extend(headers);
        match unavailable {
            true => response.with("Retry-After", "5"),
            false => response,
        }
    }
}

/// Answers a request below `/api`.
pub fn answer(visit: &Visit) -> Response {
    carry_out(visit).unwrap_or_else(Problem::response)
}

/// An answer to a request that could not be read.
pub fn unreadable(status: Status) -> Response {
    let failure = match status {
        Status::MethodNotAllowed => {
            let allowed = "GET, HEAD, POST, PATCH, DELETE";
            let problem = Problem::from(api::method_not_allowed(allowed));
            return problem.with("Allow", allowed).response();
        }
        Status::PayloadTooLarge => api::too_large(),
        Status::NotFound => api::no_such_address(),
        Status::UriTooLong => api::bad_request("the address is too long"),
        Status::ServiceUnavailable => api::unavailable(),
        _ => api::bad_request("the request cannot be read"),
    };
    Problem { status, failure: Box::new(failure), headers: Vec::new() }.response()
}

/// A request that may be carried out, and by whom.
#[derive(Debug)]
struct Ask<'a> {
    visit: &'a Visit,
    key: ApiKey,
    route: &'static Route,
    /// What the address names, in its order.
    named: Vec<&'a str>,
    fields: Map<String, Value>,
    /// Under which key the verb is to make what it makes, once.
    once: Option<String>,
}

fn carry_out(visit: &Visit) -> Outcome {
    let request = &visit.request;
    let segments = request.segments();
    let (route, named) = routes::find(request.method, &segments)?;
    if route.holder == Holder::Anyone {
        return Ok(openapi::response(visit));
    }
    let key = known(visit)?;
    check_may(&key, route)?;
    check_allowed(visit, &key, route)?;
    let fields = fields_of(visit)?;
    let ask = Ask { visit, key, route, named, fields, once: None };
    match &request.idempotency_key {
        Some(idempotency_key) if request.method != Method::Get => once::run(ask, idempotency_key),
        _ => (route.does)(&ask),
    }
}

/// Whose key the request carries.
fn known(visit: &Visit) -> Result<ApiKey, Problem> {
    let unknown = || Problem::from(api::unauthorized()).with("WWW-Authenticate", "Bearer");
    let header = visit.request.authorization.as_deref().unwrap_or_default();
    let (scheme, secret) = header.split_once(' ').ok_or_else(unknown)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unknown());
    }
    let ctx = visit.context("api");
    ctx.reader()?.read(|db| db.api_key_of(secret.trim()))?.ok_or_else(unknown)
}

fn check_may(key: &ApiKey, route: &Route) -> Result<(), Problem> {
    let needed = |scope: &Scope| key.scopes.contains(scope);
    if !needed(&Scope::Write) && !route.scopes.iter().any(needed) {
        let any: Vec<_> = route.scopes.iter().map(|scope| scope.word()).collect();
        let any = any.into_iter().chain([Scope::Write.word()]).collect::<Vec<_>>().join(" or ");
        return Err(api::forbidden(format!("the key lacks the scope {any}")).into());
    }
    match (route.holder, &key.tenant) {
        (Holder::Customer, None) => {
            Err(api::forbidden("this is for the key of a customer: api-key create --tenant").into())
        }
        (Holder::Product, Some(_)) => {
            Err(api::forbidden("a customer's key sees nothing of the product").into())
        }
        _ => Ok(()),
    }
}

/// What `[portal] allow` keeps from customers it keeps from their programs, too.
fn check_allowed(visit: &Visit, key: &ApiKey, route: &Route) -> Result<(), Problem> {
    let (Some(action), Some(_), Some(portal)) = (route.action, &key.tenant, &visit.config.portal)
    else {
        return Ok(());
    };
    match portal.allows(action) {
        true => Ok(()),
        false => Err(api::forbidden(format!("[portal] allow does not list {action}")).into()),
    }
}

fn fields_of(visit: &Visit) -> Result<Map<String, Value>, Problem> {
    let request = &visit.request;
    if request.method == Method::Get {
        let query = request.query.iter();
        return Ok(query.map(|(name, text)| (name.to_owned(), Value::from(text))).collect());
    }
    if let Some((name, _)) = request.query.iter().next() {
        return Err(api::bad_fields(&[fields::unknown(name, &[])]).into());
    }
    if request.body.is_empty() {
        return Ok(Map::new());
    }
    if request.body_kind != BodyKind::Json {
        return Err(api::unsupported_media_type().into());
    }
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(api::bad_body("it is something else").into()),
        Err(error) => Err(api::bad_body(&error.to_string()).into()),
    }
}

impl Ask<'_> {
    fn context(&self) -> Context {
        self.visit.context(&format!("api:{}", self.key.name))
    }

    /// The customer whose key it is.
    fn own(&self) -> Option<&(TenantId, String)> {
        self.key.tenant.as_ref()
    }

    /// The same, where the route is for customers.
    fn customer(&self) -> Result<&(TenantId, String), Problem> {
        self.own().ok_or_else(|| api::forbidden("this is for the key of a customer").into())
    }

    fn source(&self) -> Source {
        match self.visit.request.method {
            Method::Get => Source::Query,
            _ => Source::Body,
        }
    }

    /// Reads the file in one snapshot.
    fn read<T>(&self, work: impl FnOnce(&Db) -> Checked<T>) -> Result<T, Problem> {
        Ok(self.context().reader()?.read(work)?)
    }

    /// Carries out the route's verb; `fixed` are values that the address or the key gives.
    fn verb(&self, fixed: &[(&str, &str)]) -> Result<Asked, Problem> {
        self.verb_of(&self.fields, fixed)
    }

    /// The same with other fields.
    fn verb_of(
        &self,
        fields: &Map<String, Value>,
        fixed: &[(&str, &str)],
    ) -> Result<Asked, Problem> {
        let (noun, words) = self.words_of(fields, fixed)?;
        self.ask(noun, &words)
    }

    /// The words of the route's verb.
    fn words_of(
        &self,
        fields: &Map<String, Value>,
        fixed: &[(&str, &str)],
    ) -> Result<(Noun, Vec<String>), Problem> {
        let Some(verb) = self.route.verb else {
            return Err(Failure::new("internal", "a route without a verb").into());
        };
        let form = fields::Form::of(verb);
        let mut fixed = fixed.to_vec();
        if let Some(key) = self.once.as_deref().filter(|_| form.makes_once()) {
            fixed.push(("idempotency_key", key));
        }
        let also: Vec<_> = self.route.also.iter().map(|(name, _)| *name).collect();
        let words = form.words(&fixed, fields, self.source(), &also)?;
        Ok((verb.noun, words))
    }

    /// Runs a command.
    fn ask(&self, noun: Noun, words: &[String]) -> Result<Asked, Problem> {
        let mut ctx = self.context();
        ctx.typed = words.join("\0");
        noun.ask(ctx, words).map_err(|failure| self.told(*failure).into())
    }

    /// What is refused, for whoever asks: flags are fields here, and a customer's program is told nothing
    /// of commands, nor of names that are like the one that it gave.
    fn told(&self, mut failure: Failure) -> Failure {
        if failure.code == "usage" {
            failure.message = fields::without_hyphens(&failure.message);
            failure.hint = None;
        }
        if self.own().is_some() {
            failure.hint = None;
        }
        failure
    }

    /// What a command printed, as the answer to the route.
    fn answer(&self, printed: Vec<u8>) -> Response {
        Response::new(self.route.answers, "application/json", printed)
    }

    /// No other field than these.
    fn takes_only(&self, known: &[&str]) -> Result<(), Problem> {
        let others = self.fields.keys().filter(|name| !known.contains(&name.as_str()));
        let wrong: Vec<_> = others.map(|name| fields::unknown(name, known)).collect();
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(api::bad_fields(&wrong).into()),
        }
    }
}
