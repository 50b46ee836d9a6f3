//! How customers come in and go out: by a link from an e-mail, without a password.

use serde_json::json;

use super::trouble::Trouble;
use super::{Answer, Desk, details};
use crate::books::Book;
use crate::links::{Claims, Purpose};
use crate::portal::response::{Response, Status};
use crate::portal::session::{self, Session};

/// The page that asks for an address.
pub fn page(desk: &Desk) -> Answer {
    desk.page(Status::Ok, "portal/sign_in.html", json!({ "asked": false }))
}

/// Takes an address, and says the same of each, whether it is a customer's or not. The e-mail leaves
/// once the answer has.
pub fn ask_for_link(desk: &Desk) -> Answer {
    let fields = desk.form("sign-in")?;
    let address = fields.filled("email").unwrap_or_default();
    let ctx = desk.visit.context("portal");
    let mut store = ctx.writer()?;
    let act = ctx.act();
    store.write(|db| {
        let book = Book::new(db, &act, &ctx.config);
        book.request_portal_link(address, desk.now)
    })?;
    let page = desk.page(Status::Ok, "portal/sign_in.html", json!({ "asked": true }))?;
    Ok(page.and_deliver())
}

/// Comes in by a link. Nothing is written: who looks at a link beforehand, as mail filters do, does no harm.
pub fn enter(desk: &Desk, token: &str) -> Answer {
    let signer = desk.links.signer();
    let purposes = [Purpose::Portal, Purpose::Invoice, Purpose::Confirm];
    let claims = signer.verify_any(&purposes, token, desk.now).map_err(|_| Trouble::BadLink)?;
    if claims.purpose == Purpose::Confirm {
        return details::ask_to_confirm(desk, token);
    }
    let place = place_of(desk, &claims)?.ok_or(Trouble::BadLink)?;
    // Who is signed in already stays so, and sees the invoice among the others.
    let mut store = desk.visit.context("portal").reader()?;
    let present = desk.come_in(&mut store)?;
    if present.is_some_and(|c| c.tenant.id == claims.tenant && c.session.invoice().is_none()) {
        return Ok(Response::see_other(desk.url(&place)));
    }
    let nonce = crate::store::Random::default().take::<16>()?;
    let hours = desk.portal.session_hours;
    let session = Session::begin(signer, &claims, hours, &nonce, desk.now);
    let cookie = session.cookie(desk.visit.ground, desk.now);
    Ok(Response::see_other(desk.url(&place)).with("Set-Cookie", cookie))
}

/// Where a link leads; nowhere where it was revoked, or shows its invoice no more.
fn place_of(desk: &Desk, claims: &Claims) -> Result<Option<String>, Trouble> {
    let mut store = desk.visit.context("portal").reader()?;
    Ok(store.read(|db| {
        let Some(tenant) = db.find_tenant_by_id(claims.tenant)? else { return Ok(None) };
        if tenant.portal_generation != claims.generation {
            return Ok(None);
        }
        let Some(id) = claims.invoice else { return Ok(Some("/".to_owned())) };
        let invoice = db.invoice_by_id(id)?;
        let place = format!("/invoices/{}", super::encoded(&invoice.number));
        Ok(Some(place).filter(|_| desk.link_holds(&invoice, &tenant)))
    })?)
}

/// Ends the session, for whoever has its cookie.
pub fn out(desk: &Desk) -> Answer {
    desk.form("out")?;
    if let Some(customer) = &desk.customer {
        let ctx = desk.visit.context("portal");
        let (key, until) = (customer.session.key(), customer.session.claims.expires_at);
        ctx.writer()?.write(|db| db.end_session(&key, until, desk.now))?;
    }
    let out = Response::see_other(desk.url("/?done=out"));
    Ok(out.with("Set-Cookie", session::no_cookie(desk.visit.ground)))
}
