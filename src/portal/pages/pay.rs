//! Pay now: on a page of the gateway's, to which ours links. Nothing is typed here.

use serde_json::{Value, json};

use super::trouble::Trouble;
use super::{Answer, Desk, encoded, missing};
use crate::config::PortalAction;
use crate::domain::checkout::{Checkout, CheckoutStatus, SandboxOutcome};
use crate::domain::invoice::InvoiceStatus;
use crate::domain::tenant::TenantStatus;
use crate::domain::{Currency, Money, Refusal};
use crate::failure::{Failure, api};
use crate::portal::response::{Response, Status};
use crate::store::Store;
use crate::tasks::checkout::{self, Asked, Back};

impl Desk<'_> {
    /// Whether an invoice can be paid here.
    pub(super) fn takes_payments(&self) -> bool {
        let ctx = self.visit.context("portal");
        self.visit.given(&ctx, |given| Ok(checkout::may_begin(given))).unwrap_or(false)
    }

    fn back<'a>(&self, return_url: &'a str, base_url: &'a str) -> Back<'a> {
        Back { return_url, base_url: Some(base_url) }
    }
}

/// Begins the payment of an invoice: a page that links to the gateway's. Asked for twice, it is the
/// same one.
pub fn begin(desk: &Desk, store: &mut Store, number: &str) -> Answer {
    let fields = desk.form("pay")?;
    desk.require(PortalAction::Pay)?;
    let found = store.read(|db| desk.own_invoice(db, number))?;
    let invoice = found.ok_or_else(|| missing("invoice", number))?;
    let place = format!("/invoices/{}", encoded(&invoice.number));
    let refused =
        |refusal: Refusal| Trouble::back_to(Box::new(Failure::from(&refusal)), place.clone());
    let currency: Currency = match fields.get("currency").unwrap_or_default().parse() {
        Ok(currency) => currency,
        Err(_) => return Err(Trouble::Status(Status::BadRequest)),
    };
    let shown = Money::parse(fields.get("amount").unwrap_or_default(), currency)
        .map_err(|_| Trouble::Status(Status::BadRequest))?;
    let (base, ctx) = (desk.visit.base(), desk.visit.context(&desk.actor()));
    let return_url = format!("{base}/return/{}", encoded(&invoice.number));
    let back = desk.back(&return_url, &base);
    let asked = Asked { invoice: &invoice.number, shown: Some(shown), back };
    let mut writer = ctx.writer()?;
    let begun =
        desk.visit.given(&ctx, |given| checkout::begin(&mut writer, given, &ctx.act(), &asked));
    lead_on(desk, &begun.map_err(refused)?, &place)
}

/// Begins a page of the gateway's on which a payment method is added.
pub fn add_method(desk: &Desk, _store: &mut Store) -> Answer {
    desk.form("add-method")?;
    desk.require(PortalAction::Methods)?;
    let place = "/details";
    let refused =
        |refusal: Refusal| Trouble::back_to(Box::new(Failure::from(&refusal)), place.to_owned());
    let (base, ctx) = (desk.visit.base(), desk.visit.context(&desk.actor()));
    let return_url = format!("{base}/return");
    let back = desk.back(&return_url, &base);
    let mut writer = ctx.writer()?;
    let slug = &desk.tenant()?.slug;
    let begun = desk
        .visit
        .given(&ctx, |given| checkout::begin_setup(&mut writer, given, &ctx.act(), slug, &back));
    lead_on(desk, &begun.map_err(refused)?, place)
}

/// The page that links to the gateway's: a form may not redirect to another site.
fn lead_on(desk: &Desk, begun: &Checkout, place: &str) -> Answer {
    let Some(url) = begun.page(desk.visit.clock.now) else {
        // What the gateway made of it is not known: it is asked about, and nothing is begun twice.
        return Err(Trouble::back_to(Box::new(api::gateway_silent()), place.to_owned()));
    };
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    desk.page(
        Status::Ok,
        "portal/checkout.html",
        json!({ "checkout": {
            "invoice": begun.invoice,
            "amount": begun.amount.map(Money::major),
            "currency": begun.currency.code(),
            "url": url,
            "host": host,
            "back": place,
        }}),
    )
}

/// Where the gateway sends the customer afterwards: what became of it is asked now.
pub fn came_back(desk: &Desk, store: &mut Store, number: Option<&str>) -> Answer {
    let tenant = desk.tenant()?;
    let invoice = match number {
        Some(number) => {
            let found = store.read(|db| desk.own_invoice(db, number))?;
            Some(found.ok_or_else(|| missing("invoice", number))?)
        }
        None => None,
    };
    let ctx = desk.visit.context(&desk.actor());
    let mut writer = ctx.writer()?;
    // One that is over for us is ended there, and then asked about.
    let asked = desk.visit.given_calls(&ctx, 2, |given| match &invoice {
        Some(invoice) => checkout::ask_about_invoice(&mut writer, given, &ctx.act(), invoice.id),
        None => checkout::ask_about_tenant(&mut writer, given, &ctx.act(), tenant.id),
    })?;
    let Some(invoice) = invoice else {
        let code = if asked.set_up > 0 { "method" } else { "no-method" };
        return Ok(told(super::done(desk, "/details", code), &asked));
    };
    let (now, standing) =
        store.read(|db| Ok((db.invoice_by_id(invoice.id)?, db.tenant_by_id(tenant.id)?.status)))?;
    let came_back = tenant.status == TenantStatus::Suspended && standing == TenantStatus::Active;
    let code = match now.status {
        InvoiceStatus::Paid if came_back => "back",
        InvoiceStatus::Paid => "paid",
        _ if asked.paid > 0 => "paid",
        _ if asked.open > 0 => "on-its-way",
        _ => "not-paid",
    };
    let place = format!("/invoices/{}", encoded(&now.number));
    Ok(told(super::done(desk, &place, code), &asked))
}

/// Lets leave what customers are told of an outcome. Whoever asks again asks for nothing to be written.
fn told(response: Response, asked: &checkout::CheckedOut) -> Response {
    if asked.emails_queued > 0 { response.and_deliver() } else { response }
}

/// The sandbox's own page, for whoever has its address.
pub fn sandbox(desk: &Desk, reference: &str) -> Answer {
    let mut store = desk.visit.context("sandbox").reader()?;
    let checkout = store.read(|db| db.sandbox_checkout(reference))?;
    desk.page(Status::Ok, "portal/sandbox.html", json!({ "checkout": shown(desk, &checkout) }))
}

fn shown(desk: &Desk, checkout: &Checkout) -> Value {
    json!({
        "reference": checkout.reference,
        "invoice": checkout.invoice,
        "amount": checkout.amount.map(Money::major),
        "currency": checkout.currency.code(),
        "open": checkout.status == CheckoutStatus::Pending && desk.visit.clock.now < checkout.ends_at(),
        "return_url": checkout.return_url,
    })
}

/// What somebody chose there; it is booked when the customer is back.
pub fn sandbox_outcome(desk: &Desk, reference: &str) -> Answer {
    let fields = desk.form("sandbox")?;
    let outcome = fields.get("outcome").and_then(SandboxOutcome::from_word);
    let outcome = outcome.ok_or(Trouble::Status(Status::BadRequest))?;
    let mut store = desk.visit.context("sandbox").writer()?;
    let checkout = checkout::sandbox_outcome(&mut store, reference, outcome)?;
    if checkout.return_url.starts_with(&format!("{}/", desk.visit.base())) {
        return Ok(Response::see_other(checkout.return_url));
    }
    // A form does not lead to another site; a page that links there does.
    let mut over = shown(desk, &checkout);
    over["open"] = json!(false);
    desk.page(Status::Ok, "portal/sandbox.html", json!({ "checkout": over }))
}
