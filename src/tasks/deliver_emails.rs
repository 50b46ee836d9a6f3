//! `tasks deliver-emails`, and the delivery at the end of the other tasks: reads the facts of each
//! due e-mail again, draws it up, hands it to the transport, and records what became of it.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::batch::Pass;
use super::{Done, Given, ItemError, Tally, item_error};
use crate::books::Book;
use crate::config::Config;
use crate::domain::charge::{LastAttempt, Retry, decide_retry};
use crate::domain::dunning::{InvoiceFacts, NextStep, Policy, TenantFacts, decide_invoice, rest};
use crate::domain::email::{EmailStatus, Locale};
use crate::domain::event::{EmailEvent, EmailFacts, Flat};
use crate::domain::invoice::InvoiceStatus;
use crate::domain::money::Totals;
use crate::domain::payment_method::PaymentMethod;
use crate::domain::schedule::Task;
use crate::domain::stage::Stage;
use crate::domain::subscription::SubscriptionStatus;
use crate::domain::template::{
    AfterTrial, Collecting, ConfirmedPayment, Content, FailedPayment, ListedInvoice, Template,
    Trial,
};
use crate::domain::tenant::{SuspensionCause, Tenant, TenantStatus};
use crate::domain::transaction::{TransactionKind, TransactionStatus};
use crate::domain::trial::Action;
use crate::domain::{
    Act, EmailId, InvoiceId, Refusal, Result, SubscriptionId, TransactionId, act, text,
};
use crate::mail::Undeliverable;
use crate::mail::wording;
use crate::mail::{self, Headers, Outbox, Outcome, Outgoing, Rendered, Renderer};
use crate::store::dunning::ToldStep;
use crate::store::{Db, DrawnUp, Email, NewEmail, Store};

/// How long after its first attempt an e-mail is tried again: later and later, for three days.
const TRIED_FOR: TimeDelta = TimeDelta::days(3);

/// What marks the key of an e-mail that a person sent again.
const AGAIN: &str = "/again/";

/// What marks, in its facts, an e-mail that was sent again with all others that had failed.
const TOGETHER: &str = "sent_again_with_others";

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
/// A fault of the file, or a template that cannot be read; what fails of one e-mail is recorded
/// with it and in the result.
pub fn deliver(store: &mut Store, given: &Given) -> Result<Delivered> {
    let act = given.clock.act("task:deliver-emails");
    let mut post = Post {
        renderer: Renderer::new(given.config.mail.templates.as_deref())?,
        store,
        config: given.config,
        policy: given.config.dunning_policy(),
        act: &act,
        page: VecDeque::new(),
        scan: Scan::default(),
        delivered: Delivered::default(),
        down: false,
        kept: None,
    };
    mail::deliver(given.transport, &mut post)?;
    let Post { mut delivered, kept, down, .. } = post;
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
    config: &'a Config,
    policy: Policy,
    act: &'a Act,
    page: VecDeque<Email>,
    scan: Scan,
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
        let drawn_up = self.store.write(|db| {
            if let Some(kept) = db.message(email.id)? {
                return Ok(Some((email.to.clone(), email.cc.clone(), kept)));
            }
            let tenant = db.tenant_by_id(email.tenant_id)?;
            match facts(db, email, &tenant, config, policy, act)? {
                Facts::Content(content) => {
                    let rendered = renderer.render(&content)?;
                    let bytes = compose(email, &tenant, config, &content, &rendered)?;
                    let drawn_up = DrawnUp {
                        template: content.template,
                        locale: content.locale,
                        recipient: &tenant.email,
                        cc: &tenant.cc,
                        subject: &rendered.subject,
                        message: &bytes,
                    };
                    db.draw_up_email(act, email.id, &drawn_up)?;
                    Ok(Some((tenant.email, tenant.cc, bytes)))
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
    renderer: &Renderer,
    email: &Email,
) -> Result<Option<Rendered>> {
    let tenant = db.tenant_by_id(email.tenant_id)?;
    match facts(db, email, &tenant, config, &config.dunning_policy(), act)? {
        Facts::Content(content) => renderer.render(&content).map(Some),
        Facts::Nothing(_) => Ok(None),
    }
}

/// Queues an e-mail again, as a new one to the tenant's present address: the old one stays in the
/// record as it is. The new one stands for the stages that the old one told of, and where it is a
/// warning, its notice starts anew.
///
/// # Errors
/// The e-mail is still queued, or was sent again before.
pub fn resend(db: &Db, act: &Act, config: &Config, id: EmailId) -> Result<EmailId> {
    let old = db.email(id)?;
    if old.status == EmailStatus::Queued {
        return Err(Refusal::StillQueued { email: id.to_string() });
    }
    let new = queue_again(db, act, config, &old, &old.facts)?;
    new.ok_or_else(|| Refusal::AlreadyResent { email: id.to_string() })
}

/// Queues each e-mail again that has failed since then and was not sent again before. A reminder
/// whose invoice has come to a higher stage meanwhile is left to that stage's e-mail.
///
/// # Errors
/// A fault of the file.
pub fn resend_failed(
    db: &Db,
    act: &Act,
    config: &Config,
    since: Option<&str>,
) -> Result<Vec<EmailId>> {
    let mut queued = Vec::new();
    for old in db.failed_emails(since)? {
        let mut facts = queued_facts(&old);
        facts[TOGETHER] = true.into();
        queued.extend(queue_again(db, act, config, &old, &facts.to_string())?);
    }
    Ok(queued)
}

/// `None` where the e-mail was sent again before.
fn queue_again(
    db: &Db,
    act: &Act,
    config: &Config,
    old: &Email,
    facts: &str,
) -> Result<Option<EmailId>> {
    let base = old.dedup_key.split(AGAIN).next().unwrap_or(&old.dedup_key);
    let new = db.queue_email(
        act,
        &NewEmail {
            tenant: old.tenant_id,
            invoice: old.invoice_id,
            template: old.template,
            domain: &config.mail_domain(),
            dedup_key: &format!("{base}{AGAIN}{}", old.id.0),
            facts,
            run: None,
        },
    )?;
    let Some(new) = new else { return Ok(None) };
    let warned = db.move_steps(act, old.id, new)?;
    let event = EmailEvent::Resent { email: old.id, r#as: new, warned: &warned, on: act.today };
    record(db, act, old, event, None)?;
    Ok(Some(new))
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

/// The message of an e-mail. All its headers are known when it is queued, so that every attempt is the
/// same message.
fn compose(
    email: &Email,
    tenant: &Tenant,
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
        to_name: &tenant.name,
        to: &tenant.email,
        cc: &tenant.cc,
        message_id: &email.message_id,
        date: queued.to_utc(),
        in_reply_to: content.in_reply_to.as_deref(),
    };
    mail::compose(&headers, rendered)
}

enum Facts {
    Content(Box<Content>),
    /// The e-mail has nothing left to say, and why.
    Nothing(&'static str),
}

/// Reads the facts of an e-mail now.
fn facts(
    db: &Db,
    email: &Email,
    tenant: &Tenant,
    config: &Config,
    policy: &Policy,
    act: &Act,
) -> Result<Facts> {
    let mut content = Content {
        template: email.template,
        locale: tenant.locale,
        company: config.company.clone(),
        tenant_name: tenant.name.clone(),
        tenant_suspended: tenant.status == TenantStatus::Suspended,
        declined: false,
        today: act.today,
        overdue: Vec::new(),
        totals: Vec::new(),
        suspension_on: None,
        suspended_on: None,
        next_letter_on: None,
        paid: false,
        comes_back: config.dunning.reactivate_on_payment
            && tenant.suspension.as_ref().is_none_or(|s| s.cause == SuspensionCause::Overdue),
        invoice: None,
        collecting: None,
        payment: None,
        failure: None,
        trial: None,
        in_reply_to: None,
    };
    match email.template {
        Template::Friendly | Template::Urgent | Template::Warning | Template::Suspension => {
            if let Some(nothing) = dunning_facts(db, email, tenant, policy, act, &mut content)? {
                return Ok(Facts::Nothing(nothing));
            }
        }
        Template::Reactivation => {
            if tenant.status != TenantStatus::Active {
                return Ok(Facts::Nothing("the tenant is not active any more"));
            }
            content.paid = queued_facts(email)["paid"] == true;
            let facts = db.dunning_facts(tenant.id, act.today)?;
            list_overdue(&mut content, &chased(&facts, policy, act.today), act)?;
        }
        Template::Invoice => {
            let Some(id) = email.invoice_id else { return Ok(Facts::Nothing("no invoice")) };
            let invoice = db.invoice_by_id(id)?;
            if invoice.status == InvoiceStatus::Void {
                return Ok(Facts::Nothing("the invoice is void"));
            }
            content.collecting = collecting(db, id, tenant.locale)?;
            content.invoice = Some(invoice);
        }
        Template::PaymentReceived => {
            content.payment = confirmed_payment(db, email, tenant.locale)?;
            if content.payment.is_none() {
                return Ok(Facts::Nothing("the payment was taken back"));
            }
        }
        Template::PaymentFailed => {
            content.failure = failed_payment(db, email, tenant.locale, config, act)?;
            if content.failure.is_none() {
                return Ok(Facts::Nothing("the invoice is settled, or its charge is under way"));
            }
        }
        Template::TrialEnding | Template::TrialEnded => {
            if let Some(nothing) = trial_facts(db, email, config, act, &mut content)? {
                return Ok(Facts::Nothing(nothing));
            }
        }
    }
    Ok(Facts::Content(Box::new(content)))
}

/// Fills an e-mail about a trial in. Returns why there is nothing to say, if so: the trial that was
/// to end has ended, or the one that ended goes on after all.
fn trial_facts(
    db: &Db,
    email: &Email,
    config: &Config,
    act: &Act,
    content: &mut Content,
) -> Result<Option<&'static str>> {
    let Some(id) = queued_facts(email)["subscription"].as_i64() else {
        return Ok(Some("no subscription"));
    };
    let book = Book::new(db, act, config);
    let subscription = db.subscription(SubscriptionId(id))?;
    let Some(ends_on) = subscription.trial_ends_on else { return Ok(Some("no trial")) };
    let status = subscription.status_on(act.today, false);
    let cause = subscription.pause.as_ref().map(|pause| pause.cause);
    let action = queued_facts(email)["action"].as_str().and_then(Action::from_word);
    let after = match (action, status) {
        (Some(Action::Remind), SubscriptionStatus::Trialing) if ends_on >= act.today => {
            match subscription.cancel_at_period_end {
                true => AfterTrial::Canceled,
                false if book.trial_converts(subscription.tenant_id)? => AfterTrial::Converted,
                false => AfterTrial::Suspended,
            }
        }
        (Some(Action::Convert), SubscriptionStatus::Active) => AfterTrial::Converted,
        (Some(Action::Suspend), SubscriptionStatus::Suspended)
            if cause == Some(SuspensionCause::Trial) =>
        {
            AfterTrial::Suspended
        }
        (Some(Action::Remind), _) => return Ok(Some("the trial is over, or was ended before")),
        _ => return Ok(Some("the subscription is not any more what the trial's end made it")),
    };
    let terms = subscription.coming_terms();
    content.trial = Some(Trial {
        plan: terms.first().plan_name.clone(),
        quantity: terms.first().quantity,
        ends_on,
        first_paid_on: book.paid_from(&subscription, ends_on)?.0,
        price: terms.amount()?,
        interval: terms.interval,
        after,
    });
    Ok(None)
}

/// Fills a dunning e-mail in: its stage is the highest that it tells of and that still holds, its
/// list is what is overdue now and does not rest. Returns why there is nothing to say, if so.
fn dunning_facts(
    db: &Db,
    email: &Email,
    tenant: &Tenant,
    policy: &Policy,
    act: &Act,
    content: &mut Content,
) -> Result<Option<&'static str>> {
    let facts = db.dunning_facts(tenant.id, act.today)?;
    let chased = chased(&facts, policy, act.today);
    let told = db.steps_of_email(email.id)?;
    let Some(step) = still_true(&told, email, tenant, &chased) else {
        return Ok(Some("nothing that it tells of is still owed and unpaid"));
    };
    let stage = step.stage;
    content.template = Template::of_stage(stage);
    content.in_reply_to = db.email_before(email.id, step.invoice)?;
    content.declined = chased.iter().try_fold(false, |declined, invoice| {
        Ok::<_, Refusal>(declined || db.was_declined(invoice.id)?)
    })?;
    if stage == Stage::Suspension {
        content.suspended_on = Some(step.recorded_on);
    }
    list_overdue(content, &chased, act)?;
    if tenant.status == TenantStatus::Active {
        let told = chased.iter().filter(|invoice| invoice.stage == Some(stage));
        let next = told.filter_map(|invoice| upcoming(invoice, tenant, policy, act.today));
        content.next_letter_on = next.map(|step| step.on).min();
        let next = chased.iter().filter_map(|invoice| upcoming(invoice, tenant, policy, act.today));
        let suspensions = next.filter(|step| step.stage == Stage::Suspension);
        content.suspension_on = suspensions.map(|step| step.on).min();
    }
    Ok(None)
}

/// The highest stage that an e-mail tells of and that still holds, if one does.
fn still_true<'a>(
    told: &'a [ToldStep],
    email: &Email,
    tenant: &Tenant,
    chased: &[&InvoiceFacts],
) -> Option<&'a ToldStep> {
    let suspended = tenant.suspension.as_ref().is_some_and(|s| s.cause == SuspensionCause::Overdue);
    let by_hand = email.dedup_key.contains(AGAIN) && queued_facts(email)[TOGETHER] != true;
    let stages: HashMap<_, _> = chased.iter().map(|invoice| (invoice.id, invoice.stage)).collect();
    let holds = |step: &&ToldStep| match step.stage {
        // The suspension itself is told, whichever of the overdue invoices keeps it up by now.
        Stage::Suspension => suspended && !chased.is_empty(),
        // What has come to a higher stage meanwhile is told by that stage's e-mail: nobody gets a
        // warning together with the suspension. One that a person sends again is sent.
        stage => {
            stages.get(&step.invoice).is_some_and(|reached| by_hand || *reached <= Some(stage))
        }
    };
    told.iter().filter(holds).max_by_key(|step| step.stage)
}

/// The overdue invoices that do not rest: what an e-mail lists.
fn chased<'a>(facts: &'a TenantFacts, policy: &Policy, today: NaiveDate) -> Vec<&'a InvoiceFacts> {
    facts.invoices.iter().filter(|i| rest(i, policy, today, |_| {}).is_none()).collect()
}

/// Lists overdue invoices with what they come to. A sum that is larger than any amount is told to
/// nobody.
fn list_overdue(content: &mut Content, invoices: &[&InvoiceFacts], act: &Act) -> Result<()> {
    content.overdue = invoices.iter().map(|invoice| listed(invoice, act)).collect();
    let mut totals = Totals::default();
    for invoice in invoices {
        totals.add(invoice.amount_due)?;
    }
    content.totals = totals.iter().copied().collect();
    Ok(())
}

/// The next step of an invoice: where an e-mail is drawn up late, one whose day has come already.
fn upcoming(
    invoice: &InvoiceFacts,
    tenant: &Tenant,
    policy: &Policy,
    today: NaiveDate,
) -> Option<NextStep> {
    let decided = decide_invoice(invoice, tenant.status, policy, today, |_| {});
    decided.next_step(today)
}

fn listed(invoice: &InvoiceFacts, act: &Act) -> ListedInvoice {
    ListedInvoice {
        number: invoice.number.clone(),
        issued_on: invoice.issued_on,
        due_on: invoice.due_on,
        days_overdue: invoice.age(act.today),
        total: invoice.total,
        amount_due: invoice.amount_due,
    }
}

/// What was noted of an e-mail when it was queued.
fn queued_facts(email: &Email) -> serde_json::Value {
    serde_json::from_str(&email.facts).unwrap_or_default()
}

/// The payment that an e-mail confirms; `None` where it was taken back.
fn confirmed_payment(db: &Db, email: &Email, locale: Locale) -> Result<Option<ConfirmedPayment>> {
    let Some(id) = queued_facts(email)["transaction"].as_i64() else { return Ok(None) };
    let payment = db.transaction(TransactionId(id))?;
    let invoice = db.invoice_by_id(payment.invoice_id)?;
    let Some(paid_on) = payment.paid_on.filter(|_| payment.status == TransactionStatus::Succeeded)
    else {
        return Ok(None);
    };
    Ok(Some(ConfirmedPayment {
        amount: payment.amount,
        paid_on,
        method: payment.method.and_then(|method| match payment.kind {
            TransactionKind::Charge => wording::method(&method, locale),
            TransactionKind::Payment => {
                Some(wording::paid_by(&method, locale).map_or(method, str::to_owned))
            }
        }),
        reference: payment.reference,
        invoice: invoice.number.clone(),
        remaining: invoice.due,
    }))
}

/// The charge of an invoice that is on its way, if there is one: the money may be taken already.
fn collecting(db: &Db, invoice: InvoiceId, locale: Locale) -> Result<Option<Collecting>> {
    let Some(id) = db.live_charge(invoice)? else { return Ok(None) };
    let method = db.payment_method(db.charge_series(id)?.last_attempt.method)?;
    Ok(Some(Collecting { method: method_in_words(method, locale) }))
}

/// What a payment method is called, or its kind.
fn method_in_words(method: PaymentMethod, locale: Locale) -> Option<String> {
    method.label.or_else(|| wording::method(method.kind.word(), locale))
}

/// What a charge came to that was declined; `None` where the invoice is settled by now, or a later
/// attempt has not failed.
fn failed_payment(
    db: &Db,
    email: &Email,
    locale: Locale,
    config: &Config,
    act: &Act,
) -> Result<Option<FailedPayment>> {
    let Some(id) = queued_facts(email)["transaction"].as_i64() else { return Ok(None) };
    let series = db.charge_series(TransactionId(id))?;
    let invoice = db.invoice_by_id(series.invoice)?;
    let open = invoice.status == InvoiceStatus::Open;
    if !open || series.status != TransactionStatus::Failed {
        return Ok(None);
    }
    let tried_again = series.is_tried_again && series.facts.last != LastAttempt::DeclinedForGood;
    // The next run that finds the least interval between two attempts over.
    let ready = match decide_retry(&series.facts, &config.retry_policy(), act.now, act.today) {
        Retry::Wait { until, .. } => until,
        Retry::Now => Some(act.now),
        Retry::Exhausted { .. } | Retry::Over { .. } => None,
    };
    let run = Task::RetryFailedPayments.schedule();
    let tried_again_on = ready
        .filter(|_| tried_again)
        .map(|ready| run.next(&ready.with_timezone(&config.timezone)).date_naive());
    let method = db.payment_method(series.last_attempt.method)?;
    Ok(Some(FailedPayment {
        amount: series.last_attempt.amount,
        invoice: invoice.number,
        due_on: invoice.due_on,
        method: method_in_words(method, locale),
        code: series.failure_code,
        tried_again,
        tried_again_on,
    }))
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
