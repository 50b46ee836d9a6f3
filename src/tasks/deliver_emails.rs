//! `tasks deliver-emails`, and the delivery at the end of the other tasks: reads the facts of each
//! due e-mail again, draws it up, hands it to the transport, and records what became of it.

mod attachment;
mod facts;

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

use super::batch::Pass;
use super::{Done, Given, ItemError, Tally, item_error};
use crate::books::document::Printed;
use crate::books::links::Links;
use crate::books::{Book, queued_facts};
use crate::config::Config;
use crate::domain::dunning::Policy;
use crate::domain::event::{EmailEvent, EmailFacts, Flat};
use crate::domain::template::Content;
use crate::domain::tenant::Tenant;
use crate::domain::{Act, EmailId, Result, act, text};
use crate::mail::Undeliverable;
use crate::mail::{
    self, Attachment, Headers, Outbox, Outcome, Outgoing, Rendered, Renderer, Transport,
};
use crate::store::{Db, DrawnUp, Email, Store};
use attachment::Documents;
use facts::{Facts, facts};

pub use facts::Linking;

/// How long after its first attempt an e-mail is tried again: later and later, for three days.
const TRIED_FOR: TimeDelta = TimeDelta::days(3);

/// E-mails read at once.
const PAGE: usize = 64;

/// How long an e-mail may wait before a run names it.
const MAY_WAIT: TimeDelta = TimeDelta::hours(1);

/// Of those that wait, so many are named one by one.
const NAMED: u32 = 20;

/// What became of the e-mails.
#[derive(Debug, Default)]
pub struct Delivered {
    pub sent: u64,
    /// Failed for good.
    pub failed: u64,
    pub errors: Vec<ItemError>,
}

/// Sends what is queued and due. The caller holds the lock of delivery.
///
/// # Errors
/// A fault of the file, a template or the portal's secret that cannot be read; what fails of one e-mail is recorded
/// with it and in the result.
pub fn deliver(store: &mut Store, given: &Given) -> Result<Delivered> {
    let act = given.clock.act("task:deliver-emails");
    let mut post = Post {
        renderer: Renderer::new(given.config.mail.templates.as_deref())?,
        links: Links::of(given.config)?,
        machine_now: given.clock.machine_now(),
        store,
        config: given.config,
        policy: given.config.dunning_policy(),
        act: &act,
        page: VecDeque::new(),
        scan: Scan::default(),
        documents: Documents::new(given.config, !matches!(given.transport, Transport::Nowhere)),
        delivered: Delivered::default(),
        down: false,
        kept: None,
    };
    mail::deliver(given.transport, &mut post)?;
    let Post { mut delivered, documents, kept, down, .. } = post;
    delivered.errors.extend(documents.errors);
    // Each of them is tried again by itself; that none left is what a person has to know today.
    if let Some(why) = kept.filter(|_| delivered.sent == 0 && !down) {
        let message = format!("none of the e-mails that were tried left: {why}");
        delivered.errors.push(item_error("mail", "nothing_left", message));
    }
    Ok(delivered)
}

/// The e-mails that have waited for more than an hour, oldest first: the first of them each, and
/// how many more there are. Those that the run has named already are not named again.
///
/// # Errors
/// A fault of the file.
pub fn waiting(store: &mut Store, given: &Given, named: &[ItemError]) -> Result<Vec<ItemError>> {
    let since = act::instant(given.clock.now - MAY_WAIT);
    let (emails, count) =
        store.read(|db| Ok((db.waiting_emails(&since, NAMED)?, db.count_waiting(&since)?)))?;
    let others = count.saturating_sub(emails.len() as u64);
    let mut errors: Vec<ItemError> = emails.iter().map(named_as_waiting).collect();
    errors.retain(|error| named.iter().all(|other| other.subject != error.subject));
    if others > 0 {
        let message = format!("{others} more e-mails have waited for more than an hour");
        errors.push(item_error("mail", "emails_waiting", message));
    }
    Ok(errors)
}

fn named_as_waiting(email: &Email) -> ItemError {
    let why = email.error.as_deref().unwrap_or("not tried yet");
    let message = format!("to {}: waits since {}: {why}", email.to, email.queued_at);
    item_error(&email.id.to_string(), "email_waiting", message)
}

/// Hands each e-mail that a run would try to send to `each`. Writes and sends nothing.
///
/// # Errors
/// What `each` refuses, or a fault of the file.
pub fn dry_run(
    store: &mut Store,
    given: &Given,
    mut each: impl FnMut(&Email) -> Result<()>,
) -> Result<Done> {
    let act = given.clock.act("task:deliver-emails");
    let mut scan = Scan::default();
    store.read(|db| {
        Pass::DryRun(db).each_page(
            |db| scan.page(db, &act),
            |_, page, ()| page.iter().try_for_each(&mut each),
            |_, _, refusal, ()| Err(refusal.clone()),
        )
    })?;
    Ok(nothing_decided())
}

/// What the task decides: it only delivers.
pub fn nothing_decided() -> Done {
    Done {
        tally: Tally::DeliverEmails {},
        emails_queued: 0,
        errors: Vec::new(),
        did_something: false,
    }
}

/// Walks what is due, by the time of its next attempt.
#[derive(Debug, Default)]
struct Scan {
    after: Option<(String, EmailId)>,
}

impl Scan {
    /// The next e-mails; none where all were read.
    fn page(&mut self, db: &Db, act: &Act) -> Result<Vec<Email>> {
        let after = self.after.as_ref().map(|(time, id)| (time.as_str(), *id));
        let page = db.due_emails(act, after, PAGE)?;
        if let Some(last) = page.last() {
            self.after = Some((last.next_try_at.clone().unwrap_or_default(), last.id));
        }
        Ok(page)
    }
}

/// The outbox as the transport sees it.
struct Post<'a> {
    store: &'a mut Store,
    renderer: Renderer,
    links: Option<Links>,
    machine_now: DateTime<Utc>,
    config: &'a Config,
    policy: Policy,
    act: &'a Act,
    page: VecDeque<Email>,
    scan: Scan,
    documents: Documents<'a>,
    delivered: Delivered,
    down: bool,
    /// What was last said of an e-mail that is to be tried again.
    kept: Option<String>,
}

impl Outbox for Post<'_> {
    fn next(&mut self) -> Result<Option<Outgoing>> {
        loop {
            let Some(email) = self.next_email()? else { return Ok(None) };
            match self.draw_up(&email) {
                Ok(Some(outgoing)) => return Ok(Some(outgoing)),
                Ok(None) => {}
                // One e-mail that cannot be drawn up does not hold up the others. That was an attempt:
                // after three days the e-mail has failed, and a warning that failed is no notice.
                Err(refusal) if refusal.is_of_the_item() => {
                    let error = super::item_refused(&email.id.to_string(), &refusal);
                    if self.try_later(&email, &error.message)? == Next::TriedAgain {
                        self.delivered.errors.push(error);
                    }
                }
                Err(fatal) => return Err(fatal),
            }
        }
    }

    fn done(&mut self, id: EmailId, outcome: Outcome) -> Result<()> {
        let email = self.store.read(|db| db.email(id))?;
        match outcome {
            Outcome::Sent => self.sent(&email, &[]),
            Outcome::SentWithout(copies) => self.sent(&email, &copies),
            Outcome::Refused(why) => self.failed(&email, &why),
            Outcome::TryLater(why) | Outcome::NotFromUs(why) => {
                if self.try_later(&email, &why)? == Next::TriedAgain {
                    self.kept = Some(why);
                }
                Ok(())
            }
            Outcome::Down(why) => {
                if !std::mem::replace(&mut self.down, true) {
                    let message = format!("no e-mail leaves: {why}");
                    self.delivered.errors.push(item_error("mail", "transport_down", message));
                }
                self.try_later(&email, &why).map(drop)
            }
        }
    }
}

impl Post<'_> {
    fn next_email(&mut self) -> Result<Option<Email>> {
        if self.page.is_empty() {
            let (scan, act) = (&mut self.scan, self.act);
            self.page = self.store.read(|db| scan.page(db, act))?.into();
        }
        Ok(self.page.pop_front())
    }

    /// The bytes to be sent: those of the first attempt where there was one, else drawn up now from
    /// fresh facts and kept. `None` where the e-mail has nothing left to say.
    fn draw_up(&mut self, email: &Email) -> Result<Option<Outgoing>> {
        let (config, policy, renderer, act) = (self.config, &self.policy, &self.renderer, self.act);
        let (documents, linking) =
            (&mut self.documents, Linking { links: self.links.as_ref(), now: self.machine_now });
        let drawn_up = self.store.write(|db| {
            let book = Book::new(db, act, config);
            if let Some(kept) = db.message(email.id)? {
                let bytes = with_document(kept, documents.again(&book, email)?.as_ref())?;
                return Ok(Some((email.to.clone(), email.cc.clone(), bytes)));
            }
            let tenant = db.tenant_by_id(email.tenant_id)?;
            match facts(db, email, &tenant, config, policy, act, linking)? {
                Facts::Content(mut content) => {
                    let document = documents.of(&book, email, &content)?;
                    content.attached = document.is_some();
                    let (to, cc) = recipients(email, &tenant);
                    let rendered = renderer.render(&content)?;
                    let headers = Recipient { name: &tenant.name, to: &to, cc: &cc };
                    let bytes = compose(email, &headers, config, &content, &rendered)?;
                    let drawn_up = DrawnUp {
                        template: content.template,
                        locale: content.locale,
                        recipient: &to,
                        cc: &cc,
                        subject: &rendered.subject,
                        message: &bytes,
                        document: document.as_ref().map(|printed| printed.kept.id),
                    };
                    db.draw_up_email(act, email.id, &drawn_up)?;
                    Ok(Some((to, cc, with_document(bytes, document.as_ref())?)))
                }
                Facts::Nothing(reason) => {
                    db.cancel_email(act, email.id, reason)?;
                    let event = EmailEvent::Canceled { email: told(email) };
                    record(db, act, email, event, Some(reason))?;
                    Ok(None)
                }
            }
        })?;
        let Some((to, cc, bytes)) = drawn_up else { return Ok(None) };
        let to = text::ascii_address(&to);
        let cc = cc.iter().map(|copy| text::ascii_address(copy)).collect();
        let from = mail::bare_address(&self.config.mail_from())?;
        let message_id = email.message_id.clone();
        Ok(Some(Outgoing { id: email.id, message_id, from, to, cc, bytes }))
    }

    /// An e-mail is sent where its main address took it; a copy that was not taken is named.
    fn sent(&mut self, email: &Email, copies: &[String]) -> Result<()> {
        self.delivered.sent += 1;
        for copy in copies {
            let message = format!("copy to {copy}");
            self.delivered.errors.push(item_error(&email.id.to_string(), "cc_refused", message));
        }
        let without = (!copies.is_empty()).then(|| format!("no copy to {}", copies.join("; ")));
        let act = self.act;
        self.store.write(|db| {
            db.email_sent(act, email.id, without.as_deref())?;
            record(db, act, email, EmailEvent::Sent { email: told(email) }, None)
        })
    }

    fn failed(&mut self, email: &Email, why: &str) -> Result<()> {
        self.delivered.failed += 1;
        let message = format!("to {}: {why}", email.to);
        self.delivered.errors.push(item_error(&email.id.to_string(), "email_failed", message));
        let act = self.act;
        self.store.write(|db| {
            db.email_failed(act, email.id, why, None)?;
            record(db, act, email, EmailEvent::Failed { email: told(email) }, Some(why))
        })
    }

    fn try_later(&mut self, email: &Email, why: &str) -> Result<Next> {
        let first = email.first_tried_at.as_deref();
        let first = first.and_then(|at| DateTime::parse_from_rfc3339(at).ok());
        let first = first.map_or(self.act.now, |at| at.to_utc());
        match next_attempt(first, self.act.now, email.attempts + 1) {
            None => {
                self.failed(email, &format!("given up after three days: {why}"))?;
                Ok(Next::GivenUp)
            }
            Some(at) => {
                let at = act::instant(at);
                self.store.write(|db| db.email_failed(self.act, email.id, why, Some(&at)))?;
                Ok(Next::TriedAgain)
            }
        }
    }
}

/// What becomes of an e-mail whose attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    TriedAgain,
    GivenUp,
}

/// An e-mail as it would be drawn up now; `None` where it has nothing left to say.
///
/// # Errors
/// A fault of the file, or a template that cannot be filled in.
pub fn preview(
    db: &Db,
    act: &Act,
    config: &Config,
    (renderer, linking): (&Renderer, Linking),
    email: &Email,
) -> Result<Option<Rendered>> {
    let tenant = db.tenant_by_id(email.tenant_id)?;
    match facts(db, email, &tenant, config, &config.dunning_policy(), act, linking)? {
        Facts::Content(mut content) => {
            // As it will leave: whether a document can be made shows when it is.
            content.attached = attachment::carries(config) && attachment::paper(&content).is_some();
            renderer.render(&content).map(Some)
        }
        Facts::Nothing(_) => Ok(None),
    }
}

/// When an e-mail is tried again after so many attempts; `None` once three days have passed since the
/// first.
fn next_attempt(first: DateTime<Utc>, now: DateTime<Utc>, attempts: i64) -> Option<DateTime<Utc>> {
    let wait = match attempts {
        ..=1 => TimeDelta::minutes(5),
        2 => TimeDelta::minutes(30),
        3 => TimeDelta::hours(2),
        4 => TimeDelta::hours(8),
        _ => TimeDelta::hours(24),
    };
    let until = first + TRIED_FOR;
    (now < until).then(|| until.min(now + wait))
}

/// Adds an event about an e-mail.
fn record(
    db: &Db,
    act: &Act,
    email: &Email,
    event: EmailEvent,
    reason: Option<&str>,
) -> Result<()> {
    db.record(act, (email.tenant_id, email.invoice_id), event, reason)
}

/// What each event about an e-mail tells of it.
fn told(email: &Email) -> Flat<EmailFacts<'_>> {
    Flat(EmailFacts { email: email.id, template: email.template, to: &email.to })
}

/// To whom an e-mail goes: an address that a person named gets it alone.
fn recipients(email: &Email, tenant: &Tenant) -> (String, Vec<String>) {
    match queued_facts(email)["to"].as_str() {
        Some(named) => (named.to_owned(), Vec::new()),
        None => (tenant.email.clone(), tenant.cc.clone()),
    }
}

/// The message as it leaves: what was drawn up, with the document that goes with it.
fn with_document(message: Vec<u8>, document: Option<&Printed>) -> Result<Vec<u8>> {
    let Some(Printed { kept, bytes }) = document else { return Ok(message) };
    mail::attach(&message, &Attachment { name: &kept.file_name(), bytes })
}

/// Who gets an e-mail.
struct Recipient<'a> {
    name: &'a str,
    to: &'a str,
    cc: &'a [String],
}

/// The message of an e-mail. All its headers are known when it is queued, so that every attempt is the
/// same message.
fn compose(
    email: &Email,
    recipient: &Recipient,
    config: &Config,
    content: &Content,
    rendered: &Rendered,
) -> Result<Vec<u8>> {
    let queued =
        DateTime::parse_from_rfc3339(&email.queued_at).map_err(|_| Undeliverable::Transport {
            message: format!("{} was queued at {}, which is no instant", email.id, email.queued_at),
        })?;
    let headers = Headers {
        from: &config.mail_from(),
        reply_to: config.mail.reply_to.as_deref().or(config.company.email.as_deref()),
        to_name: recipient.name,
        to: recipient.to,
        cc: recipient.cc,
        message_id: &email.message_id,
        date: queued.to_utc(),
        in_reply_to: content.in_reply_to.as_deref(),
    };
    mail::compose(&headers, rendered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_email_is_tried_later_and_later_for_three_days() {
        let first: DateTime<Utc> = "2026-03-01T09:00:00Z".parse().unwrap();
        let (mut now, mut tries) = (first, Vec::new());
        for attempt in 1.. {
            let Some(next) = next_attempt(first, now, attempt) else { break };
            tries.push((next - first).num_minutes());
            now = next;
        }
        assert_eq!(tries, [5, 35, 155, 635, 635 + 1440, 635 + 2880, 3 * 1440]);
    }
}
