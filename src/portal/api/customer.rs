//! What a customer's own program asks for: what is its own, and nothing else. What is another's and what is
//! not there are the same answer.

use serde_json::Value;

use super::{Ask, Outcome, Problem, product, routes};
use crate::books::Book;
use crate::commands::asked::{Noun, edit_tenant};
use crate::domain::checkout::Checkout;
use crate::domain::invoice::{Invoice, InvoiceStatus};
use crate::domain::subscription::Subscription;
use crate::domain::tenant::Tenant;
use crate::domain::{Act, Money, PaymentMethodId, Refusal, SubscriptionId, TenantId, text};
use crate::failure::api;
use crate::portal::pages::invoices::attachment;
use crate::portal::pages::subscription::{coupon_is_unknown, offered_by};
use crate::portal::pages::{encoded, found};
use crate::store::{Guess, GuessId, Store};
use crate::tasks::Given;
use crate::tasks::checkout::{self, Asked, Back};
use crate::view::objects;

/// So many invoices a page has where nobody says, and at most.
const PAGE: u32 = 50;
const MOST: u32 = 100;

pub(super) fn me(ask: &Ask) -> Outcome {
    let (_, slug) = ask.customer()?;
    Ok(ask.answer(ask.verb(&[("slug", slug)])?.printed))
}

pub(super) fn invoices(ask: &Ask) -> Outcome {
    ask.takes_only(&["status", "after", "limit"])?;
    let (tenant, _) = ask.customer()?;
    let wrong = |field: &str, words: String| {
        Problem::from(api::bad_fields(&[(field.to_owned(), "bad_value", words)]))
    };
    let text = |name: &str| ask.fields.get(name).and_then(Value::as_str);
    let status = text("status").map(str::parse::<InvoiceStatus>).transpose();
    let status = status.map_err(|words| wrong("status", words))?;
    let limit = match text("limit").map(str::parse::<u32>) {
        None => PAGE,
        Some(Ok(limit)) if (1..=MOST).contains(&limit) => limit,
        Some(_) => return Err(wrong("limit", format!("it is a number from 1 to {MOST}"))),
    };
    let after = text("after").map(|number| own_invoice(ask, number)).transpose()?;
    let ctx = ask.context();
    let (mut printer, today) = (ctx.printer, ctx.clock.today());
    let mut invoices = Vec::new();
    let mut store = ask.context().reader()?;
    store.read(|db| {
        db.each_invoice_after((*tenant, after.map(|a| a.id)), status, limit, |invoice| {
            invoices.push(objects::invoice(&invoice, today));
            Ok(())
        })
    })?;
    let mut list = printer.list(objects::INVOICE_FIELDS, objects::INVOICES);
    let printed = invoices.into_iter().try_for_each(|invoice| list.row(invoice));
    printed.and_then(|()| list.end()).map_err(anyhow::Error::from)?;
    Ok(ask.answer(printer.into_bytes()))
}

/// The invoice of that number, where it is the customer's.
fn own_invoice(ask: &Ask, number: &str) -> Result<Invoice, Problem> {
    let (tenant, _) = ask.customer()?;
    invoice_of(ask, *tenant, number)
}

fn invoice_of(ask: &Ask, tenant: TenantId, number: &str) -> Result<Invoice, Problem> {
    let found = ask.read(|db| db.find_invoice(number))?;
    let own = found
        .filter(|invoice| invoice.tenant_id == tenant && invoice.status != InvoiceStatus::Draft);
    own.ok_or_else(|| api::not_there("invoice", number).into())
}

/// A subscription, where it is that customer's.
fn check_subscription(ask: &Ask, tenant: TenantId, id: &str) -> Result<Subscription, Problem> {
    let none = || Problem::from(api::not_there("subscription", id));
    let row: SubscriptionId = id.parse().map_err(|_| none())?;
    let found = ask.read(|db| found(db.subscription(row)))?;
    found.filter(|subscription| subscription.tenant_id == tenant).ok_or_else(none)
}

pub(super) fn invoice(ask: &Ask) -> Outcome {
    own_invoice(ask, ask.named[0])?;
    product::verb(ask)
}

pub(super) fn pdf(ask: &Ask) -> Outcome {
    ask.takes_only(&[])?;
    let number = own_invoice(ask, ask.named[0])?.number;
    let pdf = ask.verb(&[("number", &number)])?.printed;
    Ok(attachment(&number, pdf))
}

/// Begins a page of the gateway's on which an invoice is paid.
pub(super) fn pay(ask: &Ask) -> Outcome {
    ask.takes_only(&["return_url", "amount"])?;
    let invoice = own_invoice(ask, ask.named[0])?;
    let shown = text_of(ask, "amount").map(|text| Money::parse(&text, invoice.due.currency()));
    let shown = shown.transpose().map_err(|_| wrong("amount", "it is no amount"))?;
    let base = ask.visit.base();
    let return_url = return_url(ask, &base, &format!("/return/{}", encoded(&invoice.number)))?;
    let back = Back { return_url: &return_url, base_url: Some(&*base).filter(|b| !b.is_empty()) };
    let asked = Asked { invoice: &invoice.number, shown, back };
    page(ask, |store, given, act| checkout::begin(store, given, act, &asked))
}

/// Begins one on which a payment method is added.
pub(super) fn setup(ask: &Ask) -> Outcome {
    ask.takes_only(&["return_url"])?;
    let (_, slug) = ask.customer()?;
    let base = ask.visit.base();
    let return_url = return_url(ask, &base, "/return")?;
    let back = Back { return_url: &return_url, base_url: Some(&*base).filter(|b| !b.is_empty()) };
    page(ask, |store, given, act| checkout::begin_setup(store, given, act, slug, &back))
}

/// Where the gateway sends the customer: where the request says, else to the portal, which asks what became
/// of it.
fn return_url(ask: &Ask, base: &str, path: &str) -> Result<String, Problem> {
    match text_of(ask, "return_url") {
        Some(url) => Ok(url),
        None if !base.is_empty() => Ok(format!("{base}{path}")),
        None => {
            let missing = "it is missing: there is no [portal] to come back to";
            Err(wrong("return_url", missing))
        }
    }
}

/// Begins a page of the gateway's, and shows it. Where nobody knows whether there is one, the same request
/// made again asks once more under the same key.
fn page(
    ask: &Ask,
    begin: impl FnOnce(&mut Store, &Given, &Act) -> Result<Checkout, Refusal>,
) -> Outcome {
    let mut ctx = ask.context();
    let mut store = ctx.writer()?;
    let begun = ask.visit.given(&ctx, |given| begin(&mut store, given, &ctx.act()))?;
    if begun.url.is_none() {
        return Err(api::gateway_silent().into());
    }
    let object = objects::checkout(&begun, ctx.clock.now);
    ctx.printer.object(&object).map_err(anyhow::Error::from)?;
    Ok(ask.answer(ctx.printer.into_bytes()))
}

pub(super) fn change(ask: &Ask) -> Outcome {
    let (tenant, _) = ask.customer()?;
    let subscription = check_subscription(ask, *tenant, ask.named[0])?;
    let plans = match ask.fields.get("plan") {
        Some(Value::Array(plans)) => plans.iter().filter_map(as_text).collect(),
        Some(plan) => Vec::from_iter(as_text(plan)),
        None => Vec::new(),
    };
    let portal = ask.visit.config.portal.as_ref();
    let offered = ask.read(|db| offered_by(portal, db, &subscription))?;
    let is_offered = |plan: &String| offered.iter().any(|offered| offered.code == *plan);
    if let Some(plan) = plans.iter().find(|plan| !is_offered(plan)) {
        return Err(api::not_there("plan", plan).into());
    }
    let preview = match ask.fields.get("preview") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(preview)) => *preview,
        Some(_) => return Err(wrong("preview", "it is true or false")),
    };
    let mut fixed = vec![("id", ask.named[0])];
    if preview {
        fixed.extend([("now", ""), ("dry_run", "")]);
    }
    Ok(ask.answer(ask.verb(&fixed)?.printed))
}

pub(super) fn subscription(ask: &Ask) -> Outcome {
    let (tenant, _) = ask.customer()?;
    check_subscription(ask, *tenant, ask.named[0])?;
    product::verb(ask)
}

pub(super) fn methods(ask: &Ask) -> Outcome {
    let (_, slug) = ask.customer()?;
    Ok(ask.answer(ask.verb(&[("tenant", slug)])?.printed))
}

pub(super) fn method(ask: &Ask) -> Outcome {
    let (tenant, _) = ask.customer()?;
    let none = || Problem::from(api::not_there("payment method", ask.named[0]));
    let id: PaymentMethodId = ask.named[0].parse().map_err(|_| none())?;
    let found = ask.read(|db| found(db.payment_method(id)))?;
    if found.is_none_or(|method| method.tenant_id != *tenant) {
        return Err(none());
    }
    product::verb(ask)
}

/// Changes what a customer may change of itself. A new address of its e-mails waits until it is confirmed
/// from there.
pub(super) fn details(ask: &Ask) -> Outcome {
    let (tenant, slug) = ask.customer()?;
    let cleared = match ask.fields.get("clear") {
        Some(Value::Array(fields)) => fields.iter().collect(),
        Some(field) => vec![field],
        None => Vec::new(),
    };
    let mut cleared = cleared.into_iter().filter_map(Value::as_str);
    if let Some(other) = cleared.find(|field| !routes::DETAILS.contains(field)) {
        return Err(wrong("clear", &format!("{other} is not among what a customer changes")));
    }
    let tenant = ask.read(|db| db.tenant_by_id(*tenant))?;
    let copies = match ask.fields.get("cc") {
        Some(Value::Array(copies)) => copies.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(copy)) => vec![copy.as_str()],
        _ => Vec::new(),
    };
    if copies.into_iter().any(|copy| !tenant.has_copy(copy)) {
        return Err(api::new_copy().into());
    }
    let email = match ask.fields.get("email") {
        None | Some(Value::Null) => None,
        Some(Value::String(email)) => Some(text::email("email", email.trim())?),
        Some(_) => return Err(wrong("email", "it is a text")),
    };
    let mut fields = ask.fields.clone();
    fields.remove("email");
    let is_alone = email.is_some() && fields.values().all(Value::is_null);
    let new = email.filter(|email| *email != tenant.email);
    let (ctx, now) = (ask.context(), ask.visit.clock.machine_now());
    let ask_there = |book: &Book, tenant: &Tenant| match &new {
        Some(email) => book.ask_to_change_email(tenant, email, now).map(|_| ()),
        None => Ok(()),
    };
    // A field that nobody knows is one, whatever its value.
    if !is_alone || fields.keys().any(|name| !routes::DETAILS.contains(&name.as_str())) {
        let (_, words) = ask.words_of(&fields, &[("slug", slug)])?;
        edit_tenant(ctx, &words, ask_there).map_err(|failure| ask.told(*failure))?;
    } else {
        let act = ctx.act();
        ctx.writer()?.write(|db| ask_there(&Book::new(db, &act, &ctx.config), &tenant))?;
    }
    let show = ["show", "--", slug].map(str::to_owned);
    let answer = ask.answer(ask.ask(Noun::Tenant, &show)?.printed);
    Ok(if new.is_some() { answer.and_deliver() } else { answer })
}

/// The customer whom a request about a coupon is about: the one whose key it is, else the one it names.
fn about(ask: &Ask) -> Result<Option<(TenantId, String)>, Problem> {
    let Some(name) = text_of(ask, "tenant") else { return Ok(ask.own().cloned()) };
    let found = ask.read(|db| found(db.tenant(&name)))?.map(|tenant| (tenant.id, tenant.slug));
    let own = found.filter(|(id, _)| ask.own().is_none_or(|(own, _)| own == id));
    own.map(Some).ok_or_else(|| api::not_there("tenant", &name).into())
}

pub(super) fn validate(ask: &Ask) -> Outcome {
    let about = about(ask)?;
    let fixed: Vec<_> = about.iter().map(|(_, slug)| ("tenant", slug.as_str())).collect();
    let guess = begin_guess(ask)?;
    let asked = ask.verb(&fixed);
    let reasons = match &asked {
        Ok(asked) => {
            serde_json::from_slice::<Value>(&asked.printed).unwrap_or_default()["reasons"].take()
        }
        Err(_) => Value::Null,
    };
    end_guess(ask, guess, &reasons)?;
    // That a coupon cannot be used is what was asked, and no error.
    Ok(ask.answer(asked?.printed))
}

pub(super) fn apply(ask: &Ask) -> Outcome {
    let about = about(ask)?;
    let (invoice, subscription) = (text_of(ask, "invoice"), text_of(ask, "subscription"));
    if let Some((tenant, _)) = &about {
        if let Some(number) = &invoice {
            let invoice = invoice_of(ask, *tenant, number)?;
            if ask.own().is_some() {
                check_gives_no_credit(invoice)?;
            }
        }
        if let Some(id) = &subscription {
            check_subscription(ask, *tenant, id)?;
        }
    }
    if invoice.is_none() == subscription.is_none() {
        let words = "either this or subscription is given";
        return Err(wrong("invoice", words));
    }
    let guess = begin_guess(ask)?;
    let asked = ask.verb(&[]);
    let reasons = asked.as_ref().err().map(|problem| problem.failure.details["reasons"].clone());
    end_guess(ask, guess, &reasons.unwrap_or_default())?;
    Ok(ask.answer(asked?.printed))
}

/// Checks that all of an invoice is due, so that a coupon lowers what is due and gives no credit: what was paid
/// is given back as credit, which is not the customer's to say.
fn check_gives_no_credit(invoice: Invoice) -> Result<(), Problem> {
    if invoice.status != InvoiceStatus::Open {
        let (invoice, status) = (invoice.number, invoice.status.word());
        return Err(Refusal::NotOpen { invoice, status }.into());
    }
    match invoice.due == invoice.total {
        true => Ok(()),
        false => Err(api::not_all_due(&invoice.number).into()),
    }
}

/// Counts a customer's code as a wrong one before it is looked up, so that however many are asked for at once,
/// no more are looked up than may be; sends a customer away that has given too many.
fn begin_guess(ask: &Ask) -> Result<Option<GuessId>, Problem> {
    let Some((tenant, _)) = ask.own() else { return Ok(None) };
    let now = ask.visit.clock.machine_now();
    match ask.context().writer()?.write(|db| db.begin_guess(*tenant, now))? {
        Guess::Counted(guess) => Ok(Some(guess)),
        Guess::Wait { seconds } => {
            let problem = Problem::from(api::too_many_wrong_coupons(seconds));
            Err(problem.with("Retry-After", seconds.to_string()))
        }
    }
}

/// Takes that back, but where there is no such coupon.
fn end_guess(ask: &Ask, guess: Option<GuessId>, reasons: &Value) -> Result<(), Problem> {
    let Some(guess) = guess else { return Ok(()) };
    match coupon_is_unknown(reasons) {
        true => Ok(()),
        false => Ok(ask.context().writer()?.write(|db| db.guess_was_right(guess))?),
    }
}

/// A field that names something: a text, or the number of an id.
fn text_of(ask: &Ask, name: &str) -> Option<String> {
    ask.fields.get(name).and_then(as_text)
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn wrong(field: &str, words: &str) -> Problem {
    api::bad_fields(&[(field.to_owned(), "bad_value", words.to_owned())]).into()
}
