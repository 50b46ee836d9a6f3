//! An event as hooks are told it: what happened, and beside it the noun that it happened to, as it
//! stands now.

use std::cell::OnceCell;

use serde_json::{Value, json};

use crate::config::Config;
use crate::domain::event::Noun;
use crate::domain::hook::TEST_KIND;
use crate::domain::{Act, Result, act};
use crate::mail::Renderer;
use crate::show;
use crate::store::{Db, ToTell};
use crate::tasks::deliver_emails::{self, Linking};

/// Writes messages. What it needs to draw up e-mails is read when the first one asks for it.
pub struct Writer<'a> {
    config: &'a Config,
    act: &'a Act,
    renderer: OnceCell<Option<Renderer>>,
}

impl<'a> Writer<'a> {
    /// A writer that shows the nouns as they stand when `act` is done.
    pub fn new(config: &'a Config, act: &'a Act) -> Writer<'a> {
        Writer { config, act, renderer: OnceCell::new() }
    }

    /// The body of an event: one JSON object on one line.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn body(&self, db: &Db, to_tell: &ToTell) -> Result<String> {
        let event = &to_tell.event;
        let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
        // What an event said that was erased is not told by what it was about, either.
        let object = if to_tell.erased { Value::Null } else { self.object(db, to_tell, &data)? };
        let body = json!({
            "id": event.id.to_string(),
            "kind": event.kind,
            "at": event.at,
            "tenant": event.tenant,
            "invoice": event.invoice,
            "actor": event.actor,
            "reason": event.reason,
            "data": data,
            "object": object,
        });
        Ok(body.to_string())
    }

    /// What the event is about, as it stands; null where it is there no more.
    fn object(&self, db: &Db, to_tell: &ToTell, data: &Value) -> Result<Value> {
        let Some(noun) = Noun::of(&to_tell.event.kind) else { return Ok(Value::Null) };
        match self.noun(db, noun, to_tell, data) {
            Ok(shown) => Ok(shown.unwrap_or_default()),
            Err(refusal) if refusal.is_of_the_item() => Ok(Value::Null),
            Err(fault) => Err(fault),
        }
    }

    fn noun(&self, db: &Db, noun: Noun, to_tell: &ToTell, data: &Value) -> Result<Option<Value>> {
        let today = self.act.today;
        let word = |field: &str| data[field].as_str();
        let shown = match noun {
            Noun::Tenant => {
                let Some(id) = to_tell.tenant else { return Ok(None) };
                show::tenant(db, &db.tenant_by_id(id)?)?
            }
            Noun::Invoice => {
                let Some(id) = to_tell.invoice else { return Ok(None) };
                show::invoice(db, &db.invoice_by_id(id)?, today)?
            }
            Noun::PaymentMethod => {
                let Some(id) = id(word("payment_method")) else { return Ok(None) };
                show::payment_method(&db.payment_method(id)?)
            }
            Noun::Plan => {
                let Some(code) = word("plan") else { return Ok(None) };
                show::plan(db, &db.plan(code)?)?
            }
            Noun::Subscription => {
                let Some(id) = id(word("subscription")) else { return Ok(None) };
                show::subscription(db, &db.subscription(id)?, today)?
            }
            Noun::PendingItem => {
                let Some(id) = id(word("pending_item")) else { return Ok(None) };
                show::pending_item(&db.pending_item(id)?)
            }
            Noun::Transaction => {
                let Some(id) = id(word("transaction")) else { return Ok(None) };
                show::transaction(db, id)?
            }
            Noun::Credit => {
                let Some(id) = id(word("credit")) else { return Ok(None) };
                show::credit(db, id)?
            }
            Noun::CreditNote => {
                let Some(number) = word("credit_note") else { return Ok(None) };
                show::credit_note(&db.credit_note(number)?)
            }
            Noun::Coupon => {
                let Some(code) = word("code").or(word("coupon")) else { return Ok(None) };
                show::coupon(&db.coupon(code)?, &self.act.at())
            }
            Noun::Email => {
                let Some(id) = id(word("email")) else { return Ok(None) };
                let email = db.email(id)?;
                let mut object = show::email(&email, || {
                    let renderer = self.renderer()?;
                    let (act, config) = (self.act, self.config);
                    let linking = (renderer, Linking { links: None, now: act.now });
                    deliver_emails::preview(db, act, config, linking, &email).ok().flatten()
                });
                // Its text has links, and whoever has one comes in.
                object["message"] = Value::Null;
                object
            }
            Noun::Documented => {
                let Some(number) = word("number") else { return Ok(None) };
                match db.credit_note(number) {
                    Ok(note) => show::credit_note(&note),
                    Err(_) => show::invoice(db, &db.invoice(number)?, today)?,
                }
            }
            Noun::Meter => {
                let Some(code) = word("meter") else { return Ok(None) };
                show::meter(&db.meter(code)?)
            }
            Noun::UsageEvent => {
                let day = word("day").and_then(|day| day.parse().ok());
                let (Some(day), Some(id)) = (day, word("id")) else { return Ok(None) };
                show::usage_event(&db.usage_event(day, id)?)
            }
        };
        Ok(Some(shown))
    }

    /// `None` where the operator's templates cannot be read, which the delivery of e-mails tells.
    fn renderer(&self) -> Option<&Renderer> {
        let templates = self.config.mail.templates.as_deref();
        self.renderer.get_or_init(|| Renderer::new(templates).ok()).as_ref()
    }
}

fn id<T: std::str::FromStr>(word: Option<&str>) -> Option<T> {
    word?.parse().ok()
}

/// The body of a made-up event: nothing happened, and nobody is meant.
pub fn made_up(id: &str, act: &Act) -> String {
    let body = json!({
        "id": id,
        "kind": TEST_KIND,
        "at": act::instant(act.now),
        "tenant": null,
        "invoice": null,
        "actor": act.actor,
        "reason": null,
        "data": {},
        "object": null,
    });
    body.to_string()
}
