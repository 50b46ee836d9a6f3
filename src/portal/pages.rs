//! The pages that customers see, and the forms on them. A page is a template over the same objects
//! that `--json` prints; a form does what a command does, under the same rules.

mod change;
mod details;
mod front;
pub(super) mod invoices;
mod pay;
mod says;
mod sign_in;
pub(super) mod subscription;
mod trouble;

use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::request::{Fields, Method};
use super::response::{Response, Status};
use super::session::{self, FORMS, Session};
use super::{Visit, log};
use crate::books::links::{LinkedInvoice, Links};
use crate::commands::asked::{Asked, Noun};
use crate::config::{Portal, PortalAction};
use crate::domain::email::Locale;
use crate::domain::invoice::Invoice;
use crate::domain::invoice_link::invoice_link_holds;
use crate::domain::tenant::Tenant;
use crate::domain::{Refusal, Result};
use crate::failure::Failure;
use crate::store::{Db, Store};
use crate::view::html::{PORTAL_STYLE, Site};
use trouble::Trouble;

/// What a page is made of, whoever looks at it.
pub struct Desk<'v> {
    visit: &'v Visit,
    portal: &'v Portal,
    links: Links,
    /// The machine's: links and sessions go by it.
    now: DateTime<Utc>,
    locale: Locale,
    customer: Option<Customer>,
}

/// Who came in, and the database as it was opened for the request.
struct Customer {
    session: Session,
    tenant: Tenant,
}

/// What a handler comes to.
type Answer = std::result::Result<Response, Trouble>;

/// Answers a request for a page.
pub fn answer(visit: &Visit) -> Response {
    let Some(portal) = &visit.config.portal else {
        log("[portal] is not configured: billing portal init says how");
        return super::bare(Status::ServiceUnavailable);
    };
    let links = match Links::of(&visit.config) {
        Ok(Some(links)) => links.at(visit.base()),
        Ok(None) => return super::bare(Status::ServiceUnavailable),
        Err(refusal) => return super::out_of_order(&Failure::from(&refusal)),
    };
    let locale = preferred(visit.request.accept_language.as_deref(), visit.config.locale);
    let now = visit.clock.machine_now();
    let mut desk = Desk { visit, portal, links, now, locale, customer: None };
    match desk.serve() {
        Ok(response) => response,
        Err(trouble) => trouble.page(&desk),
    }
}

/// The language that a browser asks for first, of those that we have.
fn preferred(accept: Option<&str>, fallback: Locale) -> Locale {
    let ranges = accept.unwrap_or_default().split(',').filter_map(|range| {
        let language = range.split([';', '-']).next().unwrap_or_default().trim();
        // Thousandths (RFC 9110, 12.4.2): `0.8` is 800, nothing is 1000.
        let weight = range.split_once("q=").map_or(1000, |(_, q)| {
            let digits: String = q.trim().chars().filter(char::is_ascii_digit).take(4).collect();
            format!("{digits:0<4}").parse::<u32>().unwrap_or(0)
        });
        Some((weight, language.to_ascii_lowercase().parse::<Locale>().ok()?))
    });
    // The first of those that are wanted most.
    let mut best: Option<(u32, Locale)> = None;
    for (weight, language) in ranges.filter(|(weight, _)| *weight > 0) {
        if best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, language));
        }
    }
    best.map_or(fallback, |(_, language)| language)
}

impl Desk<'_> {
    fn serve(&mut self) -> Answer {
        let visit = self.visit;
        let segments = visit.request.segments();
        let method = visit.request.method;
        // These are for whoever has a link, or wants one.
        match (method, segments.as_slice()) {
            (Method::Get, ["in", token]) => return sign_in::enter(self, token),
            (Method::Post, ["sign-in"]) => return sign_in::ask_for_link(self),
            (Method::Post, ["confirm", token]) => return details::confirm(self, token),
            (Method::Get, ["sandbox", reference]) => return pay::sandbox(self, reference),
            (Method::Post, ["sandbox", reference]) => return pay::sandbox_outcome(self, reference),
            _ => {}
        }
        let mut store = visit.context("portal").reader()?;
        self.customer = self.come_in(&mut store)?;
        if let Some(customer) = &self.customer {
            self.locale = customer.tenant.locale;
        }
        match (method, segments.as_slice()) {
            (Method::Post, ["out"]) => return sign_in::out(self),
            (Method::Get, []) if self.customer.is_none() => return sign_in::page(self),
            _ if self.customer.is_none() => return Ok(Response::see_other(self.url("/"))),
            _ => {}
        }
        let whole = self.customer()?.session.invoice().is_none();
        match (method, segments.as_slice()) {
            (Method::Get, ["invoices", name]) => match name.strip_suffix(".pdf") {
                Some(number) => invoices::pdf(self, &mut store, number),
                None => invoices::invoice(self, &mut store, name),
            },
            (Method::Post, ["invoices", number, "pay"]) => pay::begin(self, &mut store, number),
            (Method::Get, ["return", number]) => pay::came_back(self, &mut store, Some(number)),
            (Method::Get, ["credit-notes", name]) => invoices::note_pdf(self, &mut store, name),
            (Method::Get, []) if !whole => self.to_its_invoice(&mut store),
            _ if !whole => self.nowhere(&segments),
            (Method::Get, []) => front::page(self, &mut store),
            (Method::Get, ["invoices"]) => invoices::list(self, &mut store),
            (Method::Post, ["invoices", number, "dispute"]) => {
                invoices::dispute(self, &mut store, number)
            }
            (Method::Get, ["subscription", id]) => subscription::page(self, &mut store, id),
            (Method::Get, ["subscription", id, "change"]) => change::preview(self, &mut store, id),
            (Method::Post, ["subscription", id, "change"]) => change::change(self, &mut store, id),
            (Method::Post, ["subscription", id, verb @ ("cancel" | "resume" | "coupon")]) => {
                subscription::act(self, &mut store, id, verb)
            }
            (Method::Get, ["return"]) => pay::came_back(self, &mut store, None),
            (Method::Get, ["details"]) => details::page(self, &mut store),
            (Method::Post, ["details"]) => details::save(self),
            (Method::Post, ["methods", "add"]) => pay::add_method(self, &mut store),
            (Method::Post, ["methods", id, verb @ ("default" | "remove")]) => {
                details::method(self, &mut store, id, verb)
            }
            _ => self.nowhere(&segments),
        }
    }

    /// The customer of the request's session, if that holds: its token is ours and in time, and was
    /// neither revoked nor ended; one of an invoice's link, as long as that link holds.
    fn come_in(&self, store: &mut Store) -> Result<Option<Customer>> {
        let visit = self.visit;
        let signer = self.links.signer();
        let Some(session) = Session::of(&visit.request, visit.ground, signer, self.now) else {
            return Ok(None);
        };
        let claims = session.claims;
        store.read(|db| {
            let Some(tenant) = db.find_tenant_by_id(claims.tenant)? else { return Ok(None) };
            if tenant.portal_generation != claims.generation
                || db.is_session_ended(&session.key())?
            {
                return Ok(None);
            }
            if let Some(id) = claims.invoice {
                let invoice = db.invoice_by_id(id)?;
                if !self.link_holds(&invoice, &tenant) {
                    return Ok(None);
                }
            }
            Ok(Some(Customer { session, tenant }))
        })
    }

    /// Whether the link of an invoice shows it still.
    fn link_holds(&self, invoice: &Invoice, tenant: &Tenant) -> bool {
        // The days of an invoice are business days; the link's own end is the machine's.
        let today = self.visit.clock.today();
        invoice.tenant_id == tenant.id
            && invoice_link_holds(LinkedInvoice::of(invoice, tenant).facts, today)
    }

    /// Who came in.
    fn customer(&self) -> std::result::Result<&Customer, Trouble> {
        self.customer.as_ref().ok_or(Trouble::Status(Status::Forbidden))
    }

    fn tenant(&self) -> std::result::Result<&Tenant, Trouble> {
        Ok(&self.customer()?.tenant)
    }

    /// The only page of who came by an invoice's link.
    fn to_its_invoice(&self, store: &mut Store) -> Answer {
        let Some(id) = self.customer()?.session.invoice() else { return Err(Trouble::missing()) };
        let invoice = store.read(|db| db.invoice_by_id(id))?;
        Ok(Response::see_other(self.url(&format!("/invoices/{}", encoded(&invoice.number)))))
    }

    /// No page: what is not there, or a form's address that was typed.
    fn nowhere(&self, segments: &[&str]) -> Answer {
        let allow = match segments {
            ["out" | "sign-in"] | ["invoices", _, "pay" | "dispute"] | ["methods", ..] => "POST",
            ["subscription", _, "cancel" | "resume" | "coupon"] => "POST",
            ["subscription", _, "change"] | ["details"] => "GET, HEAD, POST",
            [] | ["invoices"] | ["invoices", _] | ["subscription", _] => "GET, HEAD",
            _ => return Err(Trouble::missing()),
        };
        let known = self.customer()?.session.invoice().is_none();
        match allow != self.visit.request.method.word() && known {
            true if !allow.contains(self.visit.request.method.word()) => {
                Err(Trouble::NotAllowed(allow))
            }
            _ => Err(Trouble::missing()),
        }
    }

    /// An invoice of this customer, which this session may see. Another one's is as if there were none.
    fn own_invoice(&self, db: &Db, number: &str) -> Result<Option<Invoice>> {
        let Some(Customer { session, tenant }) = &self.customer else { return Ok(None) };
        let may = |invoice: &Invoice| {
            invoice.tenant_id == tenant.id
                && session.invoice().is_none_or(|only| only == invoice.id)
        };
        Ok(db.find_invoice(number)?.filter(may))
    }

    /// Whether customers may do that; never by an invoice's link, but pay.
    fn may(&self, action: PortalAction) -> bool {
        let whole = self.customer.as_ref().is_some_and(|c| c.session.invoice().is_none());
        self.portal.allows(action) && (whole || action == PortalAction::Pay)
    }

    /// The same of what is about to be done.
    fn require(&self, action: PortalAction) -> std::result::Result<(), Trouble> {
        if self.may(action) { Ok(()) } else { Err(Trouble::NotHere) }
    }

    /// The fields of a form that was sent from our own page, in this session.
    fn form(&self, name: &str) -> std::result::Result<Fields, Trouble> {
        if !session::is_own_origin(self.visit) {
            return Err(Trouble::Status(Status::Forbidden));
        }
        let fields = self.visit.request.form()?;
        let session = self.customer.as_ref().map(|customer| &customer.session);
        let token = fields.get("token").unwrap_or_default();
        match session::is_form_token(self.links.signer(), session, name, token, self.now) {
            true => Ok(fields),
            false => Err(Trouble::Status(Status::Forbidden)),
        }
    }

    /// Has a command done what the customer asks for; what it refuses is for the page to say.
    fn ask(&self, noun: Noun, words: &[String]) -> std::result::Result<Asked, Box<Failure>> {
        noun.ask(self.visit.context(&self.actor()), words)
    }

    /// Who acts, as the audit trail says it.
    fn actor(&self) -> String {
        let slug = self.customer.as_ref().map_or("", |customer| customer.tenant.slug.as_str());
        format!("customer:{slug}")
    }

    /// An address of the portal, as a page or a redirect names it.
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.visit.prefix())
    }

    /// A page of this name, with what all of them show.
    fn page(&self, status: Status, name: &str, facts: Value) -> Answer {
        let zone = self.visit.config.timezone;
        let local = move |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
        let site = Site::portal(name, self.locale, local)?;
        let mut data = self.shared();
        if let (Some(data), Value::Object(facts)) = (data.as_object_mut(), facts) {
            data.extend(facts);
        }
        let html = site.page(name, &self.visit.prefix(), &data)?;
        Ok(Response::page(status, html, policy()))
    }

    fn shared(&self) -> Value {
        let company = &self.visit.config.company;
        let session = self.customer.as_ref().map(|customer| &customer.session);
        let token = |form: &str| session::form_token(self.links.signer(), session, form, self.now);
        let tokens: serde_json::Map<String, Value> =
            FORMS.iter().map(|form| ((*form).to_owned(), Value::from(token(form)))).collect();
        let how = company.how_to_pay.as_ref().map(|how| how.get(self.locale));
        let done = self.visit.request.query.get("done").and_then(|c| says::done(c, self.locale));
        json!({
            "site": {
                "company": company.name, "email": company.email, "address": company.address,
                "how_to_pay": how,
            },
            "who": self.customer.as_ref().map(|customer| json!({ "name": customer.tenant.name })),
            "whole": session.is_some_and(|session| session.invoice().is_none()),
            "place": format!("/{}", self.visit.request.path.join("/")),
            "tokens": tokens,
            "notice": done.map(|(words, _)| words),
            "notice_is_bad": done.is_some_and(|(_, tone)| tone == says::Tone::Bad),
        })
    }
}

/// What a page may load and where its forms lead: its own style, and nowhere else.
fn policy() -> String {
    use base64::Engine as _;
    let hash = ring::digest::digest(&ring::digest::SHA256, PORTAL_STYLE.as_bytes());
    let hash = base64::engine::general_purpose::STANDARD.encode(hash);
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'"
    )
}

/// A name as a segment of a path.
pub(super) fn encoded(name: &str) -> String {
    const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(name, NAME).to_string()
}

/// Leads back to a page, which says what was done.
fn done(desk: &Desk, path: &str, code: &str) -> Response {
    Response::see_other(desk.url(&format!("{path}?done={code}")))
}

/// That there is no such thing, to whom it is not theirs to see.
fn missing(noun: &'static str, name: &str) -> Refusal {
    Refusal::NotFound { noun, name: name.to_owned(), near: None }
}

/// What was looked for, if it is there.
pub(super) fn found<T>(looked_up: Result<T>) -> Result<Option<T>> {
    match looked_up {
        Ok(found) => Ok(Some(found)),
        Err(Refusal::NotFound { .. }) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}
