//! Charging: the one place where a gateway is called.
//!
//! The order of things is what keeps a debt from being charged twice: the try with its key is
//! committed; the gateway is called with no transaction open; what it answered is committed. A
//! process that dies between leaves a try without an answer, and whoever charges next asks about
//! it first, or sends the same bytes under the same key. One process at a time charges (the lock),
//! several calls at once (the threads), and one thread alone speaks to the database.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::Scope;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::batch::{self, Sum};
use super::lock::Lock;
use super::settle::{self, invoice_event};
use super::{Given, ItemError, item_error, item_refused};
use crate::domain::act::instant;
use crate::domain::charge::{
    Answer, AttemptStatus, ChargeRequest, Exhausted, Rests, Retry, decide_retry,
};
use crate::domain::invoice::{self, Invoice};
use crate::domain::letter::Template;
use crate::domain::payment_method::{PaymentMethod, PaymentMethodStatus};
use crate::domain::transaction::TransactionStatus;
use crate::domain::{
    Act, AttemptId, InvoiceId, Money, Refusal, Result, RunId, TransactionId, calendar,
};
use crate::gateway::Gateway;
use crate::store::charges::{Answered, Series};
use crate::store::{Db, NewEmail, Store};

/// What charging came to.
#[derive(Debug, Clone, Default)]
pub struct Charged {
    /// Charges that were begun, or tried again.
    pub eligible: u64,
    pub succeeded: u64,
    pub failed: u64,
    /// Without an outcome yet: the gateway took them on.
    pub pending: u64,
    /// Declined so often, or so long ago, that no try is left.
    pub exhausted: u64,
    pub emails_queued: u64,
    pub errors: Vec<ItemError>,
}

impl Sum for Charged {
    fn add(&mut self, other: Self) {
        self.eligible += other.eligible;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.pending += other.pending;
        self.exhausted += other.exhausted;
        self.emails_queued += other.emails_queued;
        self.errors.extend(other.errors);
    }
}

impl Charged {
    /// Whether anything was done that a person would want to read of.
    pub fn did_something(&self) -> bool {
        self.eligible + self.succeeded + self.failed + self.pending + self.exhausted > 0
            || !self.errors.is_empty()
    }
}

/// What is to be looked at.
#[derive(Debug, Clone, Copy)]
enum Candidate {
    /// An open invoice under automatic collection, if it had no try yet.
    Invoice(InvoiceId),
    /// A charge without an outcome, or one that was declined.
    Charge(TransactionId),
}

/// Where candidates come from, a page at a time.
#[derive(Debug)]
enum Source {
    /// Every charge that is open, and then every invoice that had no try yet.
    Charges {
        after: TransactionId,
    },
    NeverCharged {
        after: InvoiceId,
    },
    These(Vec<Candidate>),
}

impl Source {
    fn page(&mut self, store: &mut Store, limit: usize) -> Result<Vec<Candidate>> {
        match self {
            Source::Charges { after } => {
                let ids = store.read(|db| db.open_charges(*after, limit))?;
                if let Some(last) = ids.last() {
                    *after = *last;
                    return Ok(ids.into_iter().map(Candidate::Charge).collect());
                }
                *self = Source::NeverCharged { after: InvoiceId(0) };
                self.page(store, limit)
            }
            Source::NeverCharged { after } => {
                let ids = store.read(|db| db.never_charged(*after, limit))?;
                *after = ids.last().copied().unwrap_or(*after);
                Ok(ids.into_iter().map(Candidate::Invoice).collect())
            }
            Source::These(candidates) => {
                let rest = candidates.split_off(limit.min(candidates.len()));
                Ok(std::mem::replace(candidates, rest))
            }
        }
    }
}

/// What a gateway is asked, and about which try.
#[derive(Debug, Clone)]
struct Job {
    call: Call,
    transaction: TransactionId,
    attempt: AttemptId,
    invoice: InvoiceId,
    request: ChargeRequest,
    reference: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Charge,
    /// What became of it.
    Ask,
}

/// Asks what became of every charge without an outcome, and charges every open invoice under
/// automatic collection that had no try yet.
///
/// # Errors
/// A fault of the file. Where another process charges, or the gateway cannot be reached at all, it
/// is left to `retry-failed-payments`: what was issued stands.
pub fn new_invoices(store: &mut Store, given: &Given, act: &Act, run: RunId) -> Result<Charged> {
    let idle = store.read(|db| {
        Ok(db.never_charged(InvoiceId(0), 1)?.is_empty()
            && db.open_charges(TransactionId(0), 1)?.is_empty())
    })?;
    if idle {
        return Ok(Charged::default());
    }
    let source = Source::Charges { after: TransactionId(0) };
    let charger = Charger { given, act, run: Some(run), reach: Reach::OpenAndNew };
    left_for_later(with_lock(store, charger, source, A_MOMENT))
}

/// How long another process that charges is waited for, where what is to be charged may as well be
/// charged by the next run.
const A_MOMENT: Duration = Duration::from_secs(5);

/// What is refused before anything was charged keeps nobody from what was done before it.
fn left_for_later(done: Result<Charged>) -> Result<Charged> {
    match done {
        Err(Refusal::Locked { .. }) => Ok(Charged::default()),
        Err(refusal) if refusal.is_of_the_item() => {
            Ok(Charged { errors: vec![item_refused("gateway", &refusal)], ..Charged::default() })
        }
        done => done,
    }
}

/// Looks at every charge that is open, and at every invoice that had no try yet. The caller holds
/// the lock of charging.
///
/// # Errors
/// A fault of the file.
pub fn everything(store: &mut Store, given: &Given, act: &Act, run: RunId) -> Result<Charged> {
    if !given.gateway.charges() {
        return left_open(store, given);
    }
    let source = Source::Charges { after: TransactionId(0) };
    let charger = Charger { given, act, run: Some(run), reach: Reach::Everything };
    charger.drive(store, source, Vec::new())
}

/// Names what a gateway was asked for and there is none any more that could say what became of it:
/// the money may have moved.
fn left_open(store: &mut Store, given: &Given) -> Result<Charged> {
    let mut charged = Charged::default();
    let mut after = TransactionId(0);
    loop {
        let ids = store.read(|db| db.open_charges(after, super::BATCH))?;
        let Some(last) = ids.last() else { return Ok(charged) };
        after = *last;
        for id in ids {
            let series = store.read(|db| db.charge_series(id))?;
            if series.status != TransactionStatus::Failed {
                charged.errors.push(begun_with_another(&series, given.gateway));
            }
        }
    }
}

/// Charges one invoice under automatic collection, if it had no try yet.
///
/// # Errors
/// A fault of the file; see [`new_invoices`].
pub fn first_invoice(
    store: &mut Store,
    given: &Given,
    act: &Act,
    invoice: InvoiceId,
) -> Result<Charged> {
    let source = Source::These(vec![Candidate::Invoice(invoice)]);
    let charger = Charger { given, act, run: None, reach: Reach::Everything };
    left_for_later(with_lock(store, charger, source, patience(given)))
}

/// Charges an invoice now, because a person asks for it: on the default payment method, whatever
/// was tried before.
///
/// # Errors
/// The invoice is not open, a charge of it has no outcome yet, its tenant has no default payment
/// method, there is no gateway, or another process charges.
pub fn by_hand(store: &mut Store, given: &Given, act: &Act, number: &str) -> Result<Charged> {
    if !given.gateway.charges() {
        return Err(Refusal::NoGateway);
    }
    given.gateway.check()?;
    let lock = Lock::take_charging(store.path(), patience(given))?;
    let charger = Charger { given, act, run: None, reach: Reach::Everything };
    let job = store.write(|db| {
        let invoice = db.invoice(number)?;
        invoice::check_open(&invoice)?;
        if db.live_charge(invoice.id)?.is_some() {
            return Err(Refusal::ChargePending { invoice: invoice.number });
        }
        let method = db.default_payment_method(invoice.tenant_id)?;
        let method = method.ok_or(Refusal::NoPaymentMethod { tenant: invoice.tenant.clone() })?;
        charger.begin(db, invoice.id, invoice.due(), &method)
    })?;
    let mut charged = charger.drive(store, Source::These(Vec::new()), vec![job])?;
    drop(lock);
    charged.eligible += 1;
    Ok(charged)
}

fn with_lock(
    store: &mut Store,
    charger: Charger,
    source: Source,
    wait: Duration,
) -> Result<Charged> {
    let gateway = charger.given.gateway;
    if !gateway.charges() {
        return Ok(Charged::default());
    }
    // What would keep every charge from reaching it is found before a key is made.
    gateway.check()?;
    let _lock = Lock::take_charging(store.path(), wait)?;
    charger.drive(store, source, Vec::new())
}

/// How long a person waits for another process that charges: as long as its calls may take.
fn patience(given: &Given) -> Duration {
    Duration::from_secs(2 * u64::from(given.config.payments.timeout_seconds) + 5)
}

struct Charger<'a> {
    given: &'a Given<'a>,
    act: &'a Act,
    run: Option<RunId>,
    reach: Reach,
}

/// What a run does with the charges that it meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Whatever is due.
    Everything,
    /// Asks what became of those without an outcome, and begins new ones; what was declined is left
    /// to `retry-failed-payments`.
    OpenAndNew,
}

/// What the threads that call the gateway share.
struct Calls<'a> {
    gateway: &'a Gateway,
    jobs: Mutex<Receiver<Job>>,
    /// The file failed: nothing is charged any more whose outcome could not be written.
    stop: AtomicBool,
}

impl Calls<'_> {
    fn work(&self, answers: &Sender<(Job, Answer)>) {
        loop {
            let job = match self.jobs.lock() {
                Ok(jobs) => jobs.recv(),
                Err(_) => return,
            };
            let Ok(job) = job else { return };
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            // A fault of ours in there must not leave the others waiting for an answer for ever.
            let called =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match job.call {
                    Call::Charge => self.gateway.charge(&job.request),
                    Call::Ask => self.gateway.status(&job.request, job.reference.as_deref()),
                }));
            let message = || "the call broke off".to_owned();
            let answer = called.unwrap_or_else(|_| Answer::Unknown { message: message() });
            if answers.send((job, answer)).is_err() {
                return;
            }
        }
    }
}

/// The hands that call: as many as there is work for, and no more than the config allows.
struct Hands<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    calls: &'scope Calls<'env>,
    send: Sender<Job>,
    answers: Sender<(Job, Answer)>,
    most: usize,
    hired: usize,
    in_flight: usize,
}

impl<'scope> Hands<'scope, '_> {
    fn give(&mut self, job: Job) {
        self.in_flight += 1;
        if self.hired < self.most.min(self.in_flight) {
            let (calls, answers) = (self.calls, self.answers.clone());
            self.scope.spawn(move || calls.work(&answers));
            self.hired += 1;
        }
        // Somebody receives as long as this lives.
        let _ = self.send.send(job);
    }
}

impl Charger<'_> {
    /// Goes through the candidates: prepares, calls, books, until nothing is left.
    fn drive(&self, store: &mut Store, source: Source, ready: Vec<Job>) -> Result<Charged> {
        let (send, jobs) = mpsc::channel();
        let (answers, answered) = mpsc::channel();
        let stop = AtomicBool::new(false);
        let calls = Calls { gateway: self.given.gateway, jobs: Mutex::new(jobs), stop };
        let most = self.given.config.payments.parallel.max(1) as usize;
        std::thread::scope(|scope| {
            let (hired, in_flight) = (0, 0);
            let mut hands = Hands { scope, calls: &calls, send, answers, most, hired, in_flight };
            ready.into_iter().for_each(|job| hands.give(job));
            let done = self.go_through(store, source, &mut hands, &answered);
            calls.stop.store(done.is_err(), Ordering::Relaxed);
            drop(hands);
            done
        })
    }

    fn go_through(
        &self,
        store: &mut Store,
        mut source: Source,
        hands: &mut Hands,
        answered: &Receiver<(Job, Answer)>,
    ) -> Result<Charged> {
        let mut sum = Charged::default();
        let mut more = true;
        loop {
            // Twice as many are prepared as can be called at once, so that no hand waits for a
            // commit.
            let room = (2 * hands.most).saturating_sub(hands.in_flight);
            if more && room >= hands.most {
                let page = source.page(store, room)?;
                more = !page.is_empty();
                let Page { jobs, charged } = self.prepare_page(store, &page)?;
                sum.add(charged);
                jobs.into_iter().for_each(|job| hands.give(job));
                continue;
            }
            if hands.in_flight == 0 {
                return Ok(sum);
            }
            let Ok(first) = answered.recv() else { return Ok(sum) };
            let page: Vec<_> = std::iter::once(first).chain(answered.try_iter()).collect();
            hands.in_flight -= page.len();
            let Page { jobs, charged } = self.book_page(store, &page)?;
            sum.add(charged);
            jobs.into_iter().for_each(|job| hands.give(job));
        }
    }

    fn prepare_page(&self, store: &mut Store, page: &[Candidate]) -> Result<Page> {
        batch::write(
            store,
            page,
            |db, page, _| {
                let mut sum = Page::default();
                for candidate in page {
                    let job = match *candidate {
                        Candidate::Invoice(id) => self.prepare_invoice(db, id, &mut sum.charged)?,
                        Candidate::Charge(id) => self.prepare_charge(db, id, &mut sum.charged)?,
                    };
                    sum.jobs.extend(job);
                }
                Ok(sum)
            },
            |store, candidate, refusal, sum: &mut Page| {
                let subject = match *candidate {
                    Candidate::Invoice(id) => store.read(|db| db.invoice_by_id(id))?.number,
                    Candidate::Charge(id) => id.to_string(),
                };
                sum.charged.errors.push(item_refused(&subject, refusal));
                Ok(())
            },
        )
    }

    /// The first try of an invoice; `None` where it rests, was tried before, or nobody can be
    /// charged.
    fn prepare_invoice(
        &self,
        db: &Db,
        id: InvoiceId,
        charged: &mut Charged,
    ) -> Result<Option<Job>> {
        let owed = db.owed(id)?;
        if owed.rests(self.act.today).is_some() || db.was_charged(id)? {
            return Ok(None);
        }
        let tenant = db.invoice_by_id(id)?.tenant_id;
        let Some(method) = db.default_payment_method(tenant)? else { return Ok(None) };
        charged.eligible += 1;
        self.begin(db, id, owed.amount_due, &method).map(Some)
    }

    /// Another try of a charge that was declined, or the question what became of one; `None` where
    /// there is nothing to do now.
    fn prepare_charge(
        &self,
        db: &Db,
        id: TransactionId,
        charged: &mut Charged,
    ) -> Result<Option<Job>> {
        let series = db.charge_series(id)?;
        match series.status {
            TransactionStatus::Succeeded => return Ok(None),
            TransactionStatus::Pending | TransactionStatus::Unknown => {
                let (began, now) = (&series.last_try.gateway, self.given.gateway.name());
                if *began == now {
                    return self.ask(db, &series).map(Some);
                }
                // Another gateway never saw the key, and would be asked to charge once more.
                charged.errors.push(begun_with_another(&series, self.given.gateway));
                return Ok(None);
            }
            TransactionStatus::Failed if self.reach == Reach::OpenAndNew => return Ok(None),
            TransactionStatus::Failed => {}
        }
        let policy = self.given.config.retry_policy();
        match decide_retry(&series.facts, &policy, self.act.now, self.act.today) {
            Retry::Wait { .. } => Ok(None),
            Retry::Over { why } => {
                self.end_series(db, &series, why)?;
                Ok(None)
            }
            Retry::Exhausted { why } => {
                self.exhaust(db, &series, why)?;
                charged.exhausted += 1;
                Ok(None)
            }
            Retry::Now => {
                let method = db.default_payment_method(series.tenant_id)?;
                let Some(method) = method else { return Ok(None) };
                let amount = series.facts.invoice.amount_due;
                db.retry_charge(self.act, id, amount, &method)?;
                charged.eligible += 1;
                self.try_once(db, id, series.invoice, amount, &method).map(Some)
            }
        }
    }

    /// Writes a charge and its first try down.
    fn begin(
        &self,
        db: &Db,
        invoice: InvoiceId,
        amount: Money,
        method: &PaymentMethod,
    ) -> Result<Job> {
        let transaction = db.insert_charge(self.act, invoice, amount, method)?;
        self.try_once(db, transaction, invoice, amount, method)
    }

    /// Writes a try down, with a key of its own: the number at its end says which try of the invoice
    /// it is.
    fn try_once(
        &self,
        db: &Db,
        transaction: TransactionId,
        invoice: InvoiceId,
        amount: Money,
        method: &PaymentMethod,
    ) -> Result<Job> {
        let number = db.count_tries(invoice)? + 1;
        let key = key(db, invoice, number)?;
        let (gateway, now) = (self.given.gateway.name(), self.given.clock.machine_now());
        let (named, now) = ((gateway.as_str(), key.as_str()), instant(now));
        let attempt = db.insert_attempt(self.act, transaction, method, named, amount, &now)?;
        let request = db.charge_request(attempt)?;
        let (call, reference) = (Call::Charge, None);
        Ok(Job { call, transaction, attempt, invoice, request, reference })
    }

    fn ask(&self, db: &Db, series: &Series) -> Result<Job> {
        let last = &series.last_try;
        Ok(Job {
            call: Call::Ask,
            transaction: series.transaction,
            attempt: last.id,
            invoice: series.invoice,
            request: db.charge_request(last.id)?,
            reference: last.reference.clone(),
        })
    }

    fn book_page(&self, store: &mut Store, page: &[(Job, Answer)]) -> Result<Page> {
        batch::write(
            store,
            page,
            |db, page, _| {
                let mut sum = Page::default();
                for (job, answer) in page {
                    let again = self.book(db, job, answer, &mut sum.charged)?;
                    sum.jobs.extend(again);
                }
                Ok(sum)
            },
            // What was answered is not lost: the try has no answer here, and the next run asks.
            |_, (job, _), refusal, sum: &mut Page| {
                sum.charged.errors.push(item_refused(&job.transaction.to_string(), refusal));
                Ok(())
            },
        )
    }

    /// Writes down what the gateway answered; returns the call that follows from it, if one does.
    fn book(
        &self,
        db: &Db,
        job: &Job,
        answer: &Answer,
        charged: &mut Charged,
    ) -> Result<Option<Job>> {
        // Nobody else charges while this process holds the lock; where the lock was taken away, what
        // the other wrote down stands.
        if !db.attempt_status(job.attempt)?.is_live() {
            let message = "another process wrote its outcome down meanwhile";
            let error = item_error(&job.transaction.to_string(), "written_meanwhile", message);
            charged.errors.push(error);
            return Ok(None);
        }
        match (answer, job.call) {
            (Answer::Succeeded { reference }, _) => {
                self.succeeded(db, job, reference.as_deref())?;
                charged.succeeded += 1;
                charged.emails_queued += 1;
            }
            (Answer::Declined { code, message, retryable }, _) => {
                self.declined(db, job, (code, message.as_deref(), !retryable), charged)?;
            }
            (Answer::Pending { reference }, _) => {
                self.pending(db, job, reference.as_deref(), charged)?;
            }
            (Answer::NotFound, Call::Ask) => return self.never_seen(db, job, charged),
            (Answer::NotFound, Call::Charge) => {
                let message = "the gateway answered a charge with not_found";
                self.unknown(db, job, message, charged)?;
            }
            (Answer::NotSent { message }, Call::Charge) => {
                self.not_sent(db, job, message)?;
                let words = format!("{} was not charged: {message}", job.request.invoice);
                let subject = job.transaction.to_string();
                charged.errors.push(item_error(&subject, "not_sent", words));
            }
            (Answer::NotSent { message } | Answer::Unknown { message }, _) => {
                self.unknown(db, job, message, charged)?;
            }
        }
        Ok(None)
    }

    fn succeeded(&self, db: &Db, job: &Job, reference: Option<&str>) -> Result<()> {
        let answered = Answered { reference, ..Answered::plain(AttemptStatus::Succeeded) };
        db.answer_attempt(self.act, job.attempt, &answered)?;
        let invoice = db.invoice_by_id(job.invoice)?;
        let charge = settle::Charge {
            transaction: job.transaction,
            amount: job.request.amount,
            method: job.request.kind.word(),
            reference,
            run: self.run,
        };
        settle::charged(db, self.act, self.given.config, &invoice, &charge)
    }

    fn declined(
        &self,
        db: &Db,
        job: &Job,
        (code, message, hard): (&str, Option<&str>, bool),
        charged: &mut Charged,
    ) -> Result<()> {
        let (status, code_kept) = (AttemptStatus::Declined, Some(code));
        let answered =
            Answered { code: code_kept, message, hard_decline: hard, ..Answered::plain(status) };
        db.answer_attempt(self.act, job.attempt, &answered)?;
        db.charge_declined(self.act, job.transaction, code, message, hard)?;
        charged.failed += 1;
        let invoice = db.invoice_by_id(job.invoice)?;
        let data = json!({
            "transaction": job.transaction.to_string(), "attempt": job.attempt.to_string(),
            "amount": job.request.amount.major(), "currency": job.request.amount.currency().code(),
            "payment_method": job.request.method.to_string(),
            "code": code, "message": message, "retryable": !hard,
        });
        invoice_event(db, self.act, &invoice, "charge_declined", Some(code), &data.to_string())?;
        if self.tell_of_failure(db, job, &invoice)? {
            charged.emails_queued += 1;
        }
        let series = db.charge_series(job.transaction)?;
        let policy = self.given.config.retry_policy();
        match decide_retry(&series.facts, &policy, self.act.now, self.act.today) {
            Retry::Exhausted { why } => {
                self.exhaust(db, &series, why)?;
                charged.exhausted += 1;
            }
            Retry::Over { why } => self.end_series(db, &series, why)?,
            Retry::Now | Retry::Wait { .. } => {}
        }
        Ok(())
    }

    /// Queues the letter about a first failure: once a charge, and not where nothing is owed.
    fn tell_of_failure(&self, db: &Db, job: &Job, invoice: &Invoice) -> Result<bool> {
        let dedup_key = format!("payment_failed/{}", job.transaction.0);
        if invoice.due().is_zero() {
            return Ok(false);
        }
        let facts = format!(r#"{{"transaction":{}}}"#, job.transaction.0);
        let queued = db.queue_email(
            self.act,
            &NewEmail {
                tenant: invoice.tenant_id,
                invoice: Some(invoice.id),
                template: Template::PaymentFailed,
                domain: &self.given.config.mail_domain(),
                dedup_key: &dedup_key,
                facts: &facts,
                run: self.run,
            },
        )?;
        Ok(queued.is_some())
    }

    /// Ends a series that has nothing to be tried for any more.
    fn end_series(&self, db: &Db, series: &Series, why: Rests) -> Result<()> {
        db.end_series(self.act, series.transaction, None)?;
        let reason = match why {
            Rests::NotOpen { status } => format!("the invoice is {status}"),
            _ => "its subscription ended before the period, or on its first day".to_owned(),
        };
        let invoice = db.invoice_by_id(series.invoice)?;
        let data = json!({ "transaction": series.transaction.to_string() }).to_string();
        invoice_event(db, self.act, &invoice, "charge_tries_ended", Some(&reason), &data)
    }

    fn exhaust(&self, db: &Db, series: &Series, why: Exhausted) -> Result<()> {
        db.end_series(self.act, series.transaction, None)?;
        let invoice = db.invoice_by_id(series.invoice)?;
        let reason = match why {
            Exhausted::Retries { made } => format!("no try is left, retries made: {made}"),
            Exhausted::Window { first_failed_at } => {
                format!("no try is left, first declined on {}", first_failed_at.date_naive())
            }
        };
        let data = json!({ "transaction": series.transaction.to_string() }).to_string();
        invoice_event(db, self.act, &invoice, "charge_exhausted", Some(&reason), &data)
    }

    fn pending(
        &self,
        db: &Db,
        job: &Job,
        reference: Option<&str>,
        charged: &mut Charged,
    ) -> Result<()> {
        let before = db.charge_series(job.transaction)?;
        let answered = Answered { reference, ..Answered::plain(AttemptStatus::Pending) };
        db.answer_attempt(self.act, job.attempt, &answered)?;
        db.charge_is_open(self.act, job.transaction, TransactionStatus::Pending, reference)?;
        charged.pending += 1;
        if before.status != TransactionStatus::Pending {
            let invoice = db.invoice_by_id(job.invoice)?;
            let data = json!({
                "transaction": job.transaction.to_string(), "reference": reference,
                "amount": job.request.amount.major(),
                "currency": job.request.amount.currency().code(),
            });
            let kind = "charge_pending";
            return invoice_event(db, self.act, &invoice, kind, None, &data.to_string());
        }
        let zone = self.given.clock.timezone;
        let since = job.request.created_at.with_timezone(&zone).date_naive();
        if calendar::days_between(since, self.act.today) > self.given.config.payments.pending_days {
            let message = format!("the charge of {} is pending since {since}", before.number);
            let subject = job.transaction.to_string();
            charged.errors.push(item_error(&subject, "pending_too_long", message));
        }
        Ok(())
    }

    /// The gateway never saw the key: the same charge is sent, under the same key, while it would
    /// still know it for the same. Where something else is to be charged by now (a part was paid,
    /// the method was removed) or nothing for the time being, the try is over once no call can bring
    /// the key any more, and what is owed is decided on anew.
    fn never_seen(&self, db: &Db, job: &Job, charged: &mut Charged) -> Result<Option<Job>> {
        let series = db.charge_series(job.transaction)?;
        if series.status == TransactionStatus::Pending || job.reference.is_some() {
            let message = "the gateway says that it never saw a charge that it had taken on";
            self.unknown(db, job, message, charged)?;
            return Ok(None);
        }
        let owed = &series.facts.invoice;
        let same = owed.rests(self.act.today).is_none()
            && owed.amount_due == job.request.amount
            && db.payment_method(job.request.method)?.status == PaymentMethodStatus::Active;
        let machine_now = self.given.clock.machine_now();
        let remembers = self.given.gateway.remembers(&job.request, self.act.now, machine_now);
        match (same, remembers) {
            (true, true) => Ok(Some(Job { call: Call::Charge, ..job.clone() })),
            (true, false) => {
                let message = "the gateway does not know the key any more, or never did";
                self.unknown(db, job, message, charged)?;
                Ok(None)
            }
            (false, _) if self.may_be_on_its_way(&job.request) => Ok(None),
            (false, _) => {
                self.not_sent(db, job, "the gateway never saw the key")?;
                self.prepare_charge(db, job.transaction, charged)
            }
        }
    }

    /// Whether a call with this key may arrive yet: a program that was started by a run that died
    /// goes on, and books when it pleases. Only then does "never saw it" say that it never will.
    fn may_be_on_its_way(&self, request: &ChargeRequest) -> bool {
        let timeout = i64::from(self.given.config.payments.timeout_seconds);
        let done = TimeDelta::hours(1) + TimeDelta::seconds(2 * timeout);
        self.act.now - request.created_at < done
    }

    /// The try never reached the gateway: it counts as none, and the next one has a key of its own.
    fn not_sent(&self, db: &Db, job: &Job, message: &str) -> Result<()> {
        let (code, message) = (Some("not_sent"), Some(message));
        let answered = Answered { code, message, ..Answered::plain(AttemptStatus::NotSent) };
        db.answer_attempt(self.act, job.attempt, &answered)?;
        db.charge_was_not_sent(self.act, job.transaction)
    }

    /// Nothing can be relied on: the next run asks again. What was pending stays so.
    fn unknown(&self, db: &Db, job: &Job, message: &str, charged: &mut Charged) -> Result<()> {
        let series = db.charge_series(job.transaction)?;
        if series.status != TransactionStatus::Pending {
            let (code, message) = (Some("unknown"), Some(message));
            let answered = Answered { code, message, ..Answered::plain(AttemptStatus::Unknown) };
            db.answer_attempt(self.act, job.attempt, &answered)?;
            db.charge_is_open(self.act, job.transaction, TransactionStatus::Unknown, None)?;
        }
        // Said once: it is asked for day after day.
        if series.last_try.status == AttemptStatus::Prepared {
            let invoice = db.invoice_by_id(job.invoice)?;
            let data = json!({
                "transaction": job.transaction.to_string(), "attempt": job.attempt.to_string(),
                "amount": job.request.amount.major(),
                "currency": job.request.amount.currency().code(), "message": message,
            });
            let kind = "charge_unknown";
            invoice_event(db, self.act, &invoice, kind, Some(message), &data.to_string())?;
        }
        charged.errors.push(unknown_outcome(&series, message));
        Ok(())
    }
}

/// The key of a try of an invoice. It follows from what it is for: where a backup was brought back
/// and forgot a charge, the same try comes with the same key again, by which the gateway knows it.
fn key(db: &Db, invoice: InvoiceId, number: i64) -> Result<String> {
    let invoice = db.invoice_by_id(invoice)?;
    let file = uuid::Uuid::try_parse(&db.database_uuid()?).unwrap_or_default();
    let debt = format!("{}/{}/{number}", invoice.tenant, invoice.number);
    Ok(format!("{}-{number}", uuid::Uuid::new_v5(&file, debt.as_bytes())))
}

/// Names a charge that was begun with a gateway that is not configured any more.
fn begun_with_another(series: &Series, gateway: &Gateway) -> ItemError {
    let (began, now) = (&series.last_try.gateway, gateway.name());
    unknown_outcome(series, &format!("it was begun with {began}, and {now} is configured"))
}

/// Names a charge whose outcome is not known.
fn unknown_outcome(series: &Series, message: &str) -> ItemError {
    let (id, number) = (series.transaction, &series.number);
    let words = format!(
        "whether {} were charged for {number} is not known: {message}; the next run asks again; \
         whoever finds it out says so with billing transaction resolve {id}",
        series.last_try.amount
    );
    item_error(&id.to_string(), "outcome_unknown", words)
}

/// Jobs that follow from a page, and what it came to.
#[derive(Default)]
struct Page {
    jobs: Vec<Job>,
    charged: Charged,
}

impl Sum for Page {
    fn add(&mut self, other: Self) {
        self.jobs.extend(other.jobs);
        self.charged.add(other.charged);
    }
}

/// What a person found out of a charge that has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Succeeded,
    Failed,
}

/// Writes down what a person found out of a charge whose outcome is not known.
///
/// # Errors
/// It has an outcome, or another process charges.
pub fn resolve(
    store: &mut Store,
    given: &Given,
    act: &Act,
    id: TransactionId,
    found: Found,
    note: &str,
) -> Result<()> {
    let _lock = Lock::take_charging(store.path(), patience(given))?;
    let charger = Charger { given, act, run: None, reach: Reach::Everything };
    store.write(|db| {
        let transaction = db.transaction(id)?;
        let open = [TransactionStatus::Pending, TransactionStatus::Unknown];
        if !open.contains(&transaction.status) {
            let status = transaction.status.word();
            return Err(Refusal::NotResolvable { transaction: id.to_string(), status });
        }
        let series = db.charge_series(id)?;
        let job = charger.ask(db, &series)?;
        let invoice = db.invoice_by_id(series.invoice)?;
        let data = json!({
            "transaction": id.to_string(),
            "found": if found == Found::Succeeded { "succeeded" } else { "failed" },
        });
        let kind = "charge_resolved";
        invoice_event(db, act, &invoice, kind, Some(note), &data.to_string())?;
        match found {
            Found::Succeeded => charger.succeeded(db, &job, None),
            Found::Failed => {
                let code = ("resolved_failed", Some(note), false);
                charger.declined(db, &job, code, &mut Charged::default())
            }
        }
    })
}

/// What a run of `retry-failed-payments` would do about one charge or invoice, for `--dry-run`.
#[derive(Debug, Clone)]
pub enum Foreseen {
    /// It would be charged for the first time.
    First {
        number: String,
        tenant: String,
        amount: Money,
    },
    /// Nothing can be charged: why.
    NoMethod {
        number: String,
        tenant: String,
        amount: Money,
    },
    Asked {
        series: Series,
    },
    Retried {
        series: Series,
        retry: Retry,
    },
}

/// Hands what a run would do to `each`. Writes nothing, and calls nobody.
///
/// # Errors
/// What `each` refuses, or a fault of the file.
pub fn foresee(
    store: &mut Store,
    given: &Given,
    act: &Act,
    mut each: impl FnMut(Foreseen) -> Result<()>,
) -> Result<()> {
    let policy = given.config.retry_policy();
    let mut source = Source::Charges { after: TransactionId(0) };
    loop {
        let page = source.page(store, super::BATCH)?;
        if page.is_empty() {
            return Ok(());
        }
        for candidate in page {
            let foreseen = store.read(|db| match candidate {
                Candidate::Charge(id) => {
                    let series = db.charge_series(id)?;
                    Ok(Some(match series.status {
                        TransactionStatus::Failed => {
                            let retry = decide_retry(&series.facts, &policy, act.now, act.today);
                            Foreseen::Retried { series, retry }
                        }
                        _ => Foreseen::Asked { series },
                    }))
                }
                Candidate::Invoice(id) => {
                    let (owed, invoice) = (db.owed(id)?, db.invoice_by_id(id)?);
                    if owed.rests(act.today).is_some() {
                        return Ok(None);
                    }
                    let (number, tenant) = (invoice.number.clone(), invoice.tenant.clone());
                    let amount = owed.amount_due;
                    Ok(Some(match db.default_payment_method(invoice.tenant_id)? {
                        Some(_) => Foreseen::First { number, tenant, amount },
                        None => Foreseen::NoMethod { number, tenant, amount },
                    }))
                }
            })?;
            foreseen.map_or(Ok(()), &mut each)?;
        }
    }
}
