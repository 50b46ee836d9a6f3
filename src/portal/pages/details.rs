//! The customer's details, and how it pays.

use serde_json::{Value, json};

use super::trouble::Trouble;
use super::{Answer, Desk, done, missing};
use crate::books::Book;
use crate::commands::asked::{Noun, edit_tenant};
use crate::config::PortalAction;
use crate::domain::email::Locale;
use crate::domain::tenant::Tenant;
use crate::domain::{PaymentMethodId, text};
use crate::failure::{Failure, api};
use crate::links::{Purpose, Subject};
use crate::portal::response::Status;
use crate::store::Store;
use crate::view::objects;

/// A field of the form: its flag of `tenant edit`, its labels, its kind, what a browser may fill in.
type Input = (&'static str, &'static str, &'static str, &'static str, &'static str);

/// What a customer may change of itself, in the order of the form.
const INPUTS: &[Input] = &[
    ("name", "Name", "Nom", "text", "organization"),
    ("email", "E-mail for invoices", "E-mail pour les factures", "email", "email"),
    (
        "cc",
        "Copies to (you can take addresses away)",
        "Copies à (vous pouvez en retirer)",
        "text",
        "",
    ),
    ("locale", "Language", "Langue", "locale", ""),
    ("address", "Address", "Adresse", "lines", "street-address"),
    ("street", "Street", "Rue", "text", "address-line1"),
    ("postcode", "Postcode", "Code postal", "text", "postal-code"),
    ("city", "City", "Ville", "text", "address-level2"),
    ("country", "Country (two letters)", "Pays (deux lettres)", "text", "country"),
    ("tax_id", "Tax number", "Numéro fiscal", "text", ""),
    ("vat_id", "VAT number", "Numéro de TVA", "text", ""),
    ("legal_id", "Company register number", "Numéro d’immatriculation", "text", ""),
];

/// Those that cannot be left empty.
const REQUIRED: &[&str] = &["name", "email", "locale"];

/// The page.
pub fn page(desk: &Desk, store: &mut Store) -> Answer {
    let tenant = desk.tenant()?;
    let mut methods = Vec::new();
    store.read(|db| {
        db.each_payment_method(Some(tenant.id), None, |method| {
            methods.push(objects::payment_method(&method));
            Ok(())
        })
    })?;
    methods.retain(|method| method["status"] == "active");
    // Where nobody gets a copy there is none to take away.
    let inputs = INPUTS.iter().filter(|(name, ..)| *name != "cc" || !tenant.cc.is_empty());
    let inputs: Vec<Value> = inputs.map(|input| shown(input, tenant, desk.locale)).collect();
    desk.page(
        Status::Ok,
        "portal/details.html",
        json!({
            "tenant": { "pending_email": tenant.pending_email },
            "inputs": inputs,
            "methods": methods,
            "may": {
                "details": desk.may(PortalAction::Details),
                "methods": desk.may(PortalAction::Methods),
                "add": desk.may(PortalAction::Methods) && desk.takes_payments(),
            },
        }),
    )
}

fn shown((name, en, fr, kind, auto): &Input, tenant: &Tenant, locale: Locale) -> Value {
    json!({
        "name": name,
        "label": if locale == Locale::Fr { fr } else { en },
        "kind": kind,
        "auto": auto,
        "required": REQUIRED.contains(name),
        "value": value(name, tenant),
    })
}

/// A field as the form shows it; nothing is an empty one.
fn value(name: &str, tenant: &Tenant) -> String {
    let value = match name {
        "name" => Some(&tenant.name),
        "email" => Some(&tenant.email),
        "cc" => return tenant.cc.join(", "),
        "locale" => return tenant.locale.word().to_owned(),
        "address" => tenant.address.as_ref(),
        "street" => tenant.details.street.as_ref(),
        "postcode" => tenant.details.postcode.as_ref(),
        "city" => tenant.details.city.as_ref(),
        "country" => tenant.country.as_ref(),
        "tax_id" => tenant.tax_id.as_ref(),
        "vat_id" => tenant.details.vat_id.as_ref(),
        "legal_id" => tenant.details.legal_id.as_ref(),
        _ => None,
    };
    value.cloned().unwrap_or_default()
}

/// Changes what was changed in the form. A new e-mail address waits until it is confirmed from there.
pub fn save(desk: &Desk) -> Answer {
    let fields = desk.form("details")?;
    desk.require(PortalAction::Details)?;
    let tenant = desk.tenant()?;
    let mut words = vec!["edit".to_owned()];
    let mut email = None;
    for (name, ..) in INPUTS {
        // What the form does not have stays as it is.
        let Some(typed) = fields.get(name) else { continue };
        let typed = typed.replace("\r\n", "\n").trim().to_owned();
        if typed == value(name, tenant) {
            continue;
        }
        let flag = name.replace('_', "-");
        match (*name, typed.as_str()) {
            ("email", _) => email = Some(typed),
            ("cc", "") => words.push("--no-cc".to_owned()),
            ("cc", list) => {
                let copies = list.split([',', ';', '\n']).map(str::trim).filter(|a| !a.is_empty());
                let copies: Vec<&str> = copies.collect();
                // Nothing was confirmed from a new one, and e-mails have links.
                if copies.iter().any(|copy| !tenant.has_copy(copy)) {
                    return Err(named(desk, Box::new(api::new_copy())));
                }
                words.extend(copies.iter().map(|copy| format!("--cc={copy}")));
            }
            (name, "") if REQUIRED.contains(&name) => {
                return Err(Trouble::Status(Status::BadRequest));
            }
            (name, "") => words.push(format!("--clear={name}")),
            (_, typed) => words.push(format!("--{flag}={typed}")),
        }
    }
    // What cannot be asked for is found before anything is changed.
    if let Some(email) = &email {
        let checked = text::email("email", email);
        checked.map_err(|refusal| named(desk, Box::new(Failure::from(&refusal))))?;
    }
    // Both are done, or neither.
    let ask_there = |book: &Book, tenant: &Tenant| match &email {
        Some(email) => book.ask_to_change_email(tenant, email, desk.now).map(|_| ()),
        None => Ok(()),
    };
    let ctx = desk.visit.context(&desk.actor());
    if words.len() > 1 {
        words.push("--".to_owned());
        words.push(tenant.slug.clone());
        edit_tenant(ctx, &words, ask_there).map_err(|why| named(desk, why))?;
    } else if email.is_some() {
        let act = ctx.act();
        let asked = ctx.writer()?.write(|db| ask_there(&Book::new(db, &act, &ctx.config), tenant));
        asked.map_err(|refusal| named(desk, Box::new(Failure::from(&refusal))))?;
    }
    Ok(match email {
        Some(_) => done(desk, "/details", "confirm").and_deliver(),
        None => done(desk, "/details", "saved"),
    })
}

/// Says which field of the form it is that cannot be what was typed.
fn named(desk: &Desk, failure: Box<Failure>) -> Trouble {
    let field = failure.message.split(':').next().unwrap_or_default();
    match INPUTS.iter().find(|(name, ..)| *name == field) {
        Some((_, en, fr, ..)) => {
            Trouble::Field(if desk.locale == Locale::Fr { fr } else { en }, "/details")
        }
        None => Trouble::back_to(failure, "/details".to_owned()),
    }
}

/// Asks whether a new address is to hold: the link alone changes nothing, for mail filters follow links.
pub fn ask_to_confirm(desk: &Desk, token: &str) -> Answer {
    let claims = desk.links.signer().verify(Purpose::Confirm, token, desk.now);
    let claims = claims.map_err(|_| Trouble::BadLink)?;
    let mut store = desk.visit.context("portal").reader()?;
    let tenant = store.read(|db| db.find_tenant_by_id(claims.tenant))?;
    let holds = |tenant: &Tenant| tenant.portal_generation == claims.generation;
    let waiting = tenant.filter(holds).and_then(|tenant| tenant.pending_email);
    let is_asked = |email: &String| claims.subject == Subject::address(email);
    let email = waiting.filter(is_asked).ok_or(Trouble::BadLink)?;
    desk.page(Status::Ok, "portal/confirm.html", json!({ "email": email, "link": token }))
}

/// Makes it the customer's address; the old one is told.
pub fn confirm(desk: &Desk, token: &str) -> Answer {
    desk.form("confirm")?;
    let claims = desk.links.signer().verify(Purpose::Confirm, token, desk.now);
    let claims = claims.map_err(|_| Trouble::BadLink)?;
    let ctx = desk.visit.context("portal");
    let act = ctx.act();
    let confirmed = ctx.writer()?.write(|db| {
        let book = Book::new(db, &act, &ctx.config);
        book.confirm_email(&claims)
    });
    match confirmed {
        Ok(_) => Ok(done(desk, "/", "confirmed").and_deliver()),
        Err(refusal) if Failure::from(&refusal).code == "confirmation_over" => {
            Err(Trouble::BadLink)
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Makes a payment method the default one, or removes it.
pub fn method(desk: &Desk, store: &mut Store, id: &str, verb: &str) -> Answer {
    desk.form("method")?;
    desk.require(PortalAction::Methods)?;
    let tenant = desk.tenant()?;
    let own = store.read(|db| {
        let Ok(id) = id.parse::<PaymentMethodId>() else { return Ok(None) };
        let found = super::found(db.payment_method(id))?;
        Ok(found.filter(|method| method.tenant_id == tenant.id))
    })?;
    let id = own.ok_or_else(|| missing("payment method", id))?.id.to_string();
    let verb = if verb == "default" { "set-default" } else { "remove" };
    desk.ask(Noun::PaymentMethod, &[verb.to_owned(), id])
        .map_err(|why| Trouble::back_to(why, "/details".to_owned()))?;
    Ok(done(desk, "/details", "saved"))
}
