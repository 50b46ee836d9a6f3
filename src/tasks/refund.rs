//! Refunds by a gateway: asked for once, asked about until their outcome is known, and looked after for
//! a while after they succeeded. As with charges, the attempt with its key is committed, the gateway is
//! called with no transaction open, and what it answered is committed. Refunds are few: one at a time.

mod book;
mod changes;

use std::time::Duration;

use super::charge::patience;
use super::lock::Lock;
use super::{BATCH, Given, ItemError, item_error, item_refused};
use crate::books::Book;
use crate::domain::act::instant;
use crate::domain::charge::Found;
use crate::domain::event::RefundEvent;
use crate::domain::gateway_refund::RefundRequest;
use crate::domain::refund::{Step, decide};
use crate::domain::transaction::TransactionStatus;
use crate::domain::{Act, AttemptId, Refusal, Result, TransactionId};
use crate::gateway::{Began, Gateway, Unavailable};
use crate::store::{Db, Locked, RefundSeries, Store};
pub use changes::changes;

/// What asking for refunds came to.
#[derive(Debug, Clone, Default)]
pub struct Refunded {
    pub succeeded: u64,
    /// Failed for good: they are the customers' credit.
    pub failed: u64,
    /// Without an outcome yet.
    pub pending: u64,
    /// Refunds and disputes that were made at the gateway.
    pub at_gateway: u64,
    /// What customers are told of it: credit notes, and that they come back.
    pub emails_queued: u64,
    pub errors: Vec<ItemError>,
}

impl Refunded {
    /// Whether anything was done that a person would want to read of.
    pub fn did_something(&self) -> bool {
        self.succeeded + self.failed + self.pending + self.at_gateway > 0 || !self.errors.is_empty()
    }
}

/// What is to be asked of the gateway.
struct Job {
    refund: TransactionId,
    attempt: AttemptId,
    call: Call,
    request: RefundRequest,
    reference: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    /// With a key that was made now.
    Send,
    /// With a key that may have been sent before.
    SendAgain,
    Ask,
}

struct Refunder<'a> {
    given: &'a Given<'a>,
    act: &'a Act,
}

/// Checks that a gateway can be asked to give anything back.
///
/// # Errors
/// None is configured, it gives nothing back, or it cannot be used.
pub fn check(gateway: &Gateway) -> Result<()> {
    if !gateway.charges() {
        return Err(Unavailable::None.into());
    }
    if !gateway.refunds() {
        return Err(Unavailable::Refunds { gateway: gateway.name() }.into());
    }
    gateway.check()
}

/// Writes the first attempt of a refund down, in the transaction that begins it.
///
/// # Errors
/// No gateway is configured, it gives nothing back, or another one took the money.
pub fn prepare(db: &Db, given: &Given, act: &Act, refund: TransactionId) -> Result<()> {
    let gateway = given.gateway;
    check(gateway)?;
    if let Some(charge) = db.gateway_of_charge(refund)?
        && gateway.began(&charge) == Began::Elsewhere
    {
        return Err(Unavailable::Another { took: charge.gateway, gateway: gateway.name() }.into());
    }
    Refunder { given, act }.attempt(db, refund).map(drop)
}

/// Asks the gateway for refunds that were prepared a moment ago.
///
/// # Errors
/// A fault of the file, or another process charges: the next run asks then.
pub fn begun(
    store: &mut Store,
    given: &Given,
    act: &Act,
    refunds: &[TransactionId],
) -> Result<Refunded> {
    let mut refunded = Refunded::default();
    if refunds.is_empty() {
        return Ok(refunded);
    }
    // Who had the lock may have asked for them, and died before anybody heard of it.
    let (at_once, call) = match Lock::take_charging(store.path(), &act.actor, Duration::ZERO) {
        Ok(lock) => (Some(lock), Call::Send),
        Err(_) => (None, Call::SendAgain),
    };
    let taken =
        at_once.map_or_else(|| Lock::take_charging(store.path(), &act.actor, patience(given)), Ok);
    let _lock = match taken {
        Err(refusal) if refusal.of::<Locked>().is_some() => {
            // What was written stands, with its key.
            let late = |id: &TransactionId| {
                let words =
                    "another process charges; billing tasks retry-failed-payments asks for it";
                item_error(&id.to_string(), "not_asked_yet", words)
            };
            refunded.errors = refunds.iter().map(late).collect();
            return Ok(refunded);
        }
        taken => taken?,
    };
    let refunder = Refunder { given, act };
    for id in refunds {
        let job = store.read(|db| {
            let series = db.refund_series(*id)?;
            // A run came in between.
            let fresh = series.last_attempt.filter(|attempt| attempt.is_prepared());
            fresh.map(|attempt| refunder.job(db, *id, attempt.id, call)).transpose()
        })?;
        if let Some(job) = job {
            refunder.carry_out(store, job, &mut refunded)?;
        }
    }
    Ok(refunded)
}

/// Looks at every refund that is open. The caller holds the lock of charging.
///
/// # Errors
/// A fault of the file; what fails of one refund is in the errors of the result instead.
pub fn everything(store: &mut Store, given: &Given, act: &Act) -> Result<Refunded> {
    let refunder = Refunder { given, act };
    let (mut refunded, mut after) = (Refunded::default(), TransactionId(0));
    loop {
        let page = store.read(|db| db.open_refunds(after, BATCH))?;
        let Some(last) = page.last() else { return Ok(refunded) };
        after = *last;
        for id in page {
            let job = writing(store, &mut refunded, |db, sum| refunder.decided(db, id, sum));
            let done = job.and_then(|job| match job {
                Some(job) => refunder.carry_out(store, job, &mut refunded),
                None => Ok(()),
            });
            match done {
                Ok(()) => {}
                Err(refusal) if refusal.is_of_the_item() => {
                    refunded.errors.push(item_refused(&id.to_string(), &refusal));
                }
                Err(refusal) => return Err(refusal),
            }
        }
    }
}

/// Hands each open refund to `each`, with what a run would do about it, if the gateway is the one that
/// it was begun with. Writes nothing.
///
/// # Errors
/// What `each` refuses, or a fault of the file.
pub fn dry_run(
    store: &mut Store,
    given: &Given,
    act: &Act,
    mut each: impl FnMut(&RefundSeries, Step, Began) -> Result<()>,
) -> Result<()> {
    let policy = given.config.retry_policy();
    let refunder = Refunder { given, act };
    let mut after = TransactionId(0);
    store.read(|db| {
        loop {
            let page = db.open_refunds(after, BATCH)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = *last;
            for id in page {
                let series = db.refund_series(id)?;
                let step = decide(&series.facts, &policy, act.now, act.today);
                each(&series, step, refunder.began(db, &series)?)?;
            }
        }
    })
}

/// Writes down what a person found out of a refund whose outcome is not known.
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
    let _lock = Lock::take_charging(store.path(), &act.actor, patience(given))?;
    let refunder = Refunder { given, act };
    store.write(|db| {
        let series = db.refund_series(id)?;
        let open = [TransactionStatus::Pending, TransactionStatus::Unknown];
        if !open.contains(&series.facts.status) {
            let status = series.facts.status.word();
            return Err(Refusal::NotResolvable { transaction: id.to_string(), status });
        }
        let refund = db.transaction(id)?;
        let event = RefundEvent::Resolved { transaction: id, found };
        db.record(act, (refund.tenant_id, refund.invoice_id), event, Some(note))?;
        refunder.found(db, &series, found, note)
    })
}

impl Refunder<'_> {
    fn books<'a>(&'a self, db: &'a Db) -> Book<'a> {
        Book::new(db, self.act, self.given.config)
    }

    /// What is to be asked about a refund now; what needs no call is written down at once.
    fn decided(&self, db: &Db, id: TransactionId, refunded: &mut Refunded) -> Result<Option<Job>> {
        let series = db.refund_series(id)?;
        let policy = self.given.config.retry_policy();
        let step = decide(&series.facts, &policy, self.act.now, self.act.today);
        let calls = matches!(step, Step::Send | Step::Ask);
        if calls && self.began(db, &series)? == Began::Elsewhere {
            if series.facts.status != TransactionStatus::Succeeded {
                refunded.errors.push(self.begun_elsewhere(&series));
            }
            return Ok(None);
        }
        match (step, &series.last_attempt) {
            (Step::Wait, _) => Ok(None),
            (Step::Over, _) => db.refund_is_over(id).map(|()| None),
            (Step::GiveUp, _) => {
                let message = "no attempt is left";
                self.failed(db, &series, ("exhausted", Some(message)), refunded)?;
                Ok(None)
            }
            (Step::Ask, Some(attempt)) => self.job(db, id, attempt.id, Call::Ask).map(Some),
            (Step::Send | Step::Ask, _) => {
                let attempt = self.attempt(db, id)?;
                self.job(db, id, attempt, Call::Send).map(Some)
            }
        }
    }

    /// Whether the gateway is the one with which the refund was begun, or its charge made.
    fn began(&self, db: &Db, series: &RefundSeries) -> Result<Began> {
        let began = match &series.last_attempt {
            Some(attempt) => Some(attempt.clone()),
            None => db.gateway_of_charge(series.transaction)?,
        };
        Ok(began.map_or(Began::Elsewhere, |attempt| self.given.gateway.began(&attempt)))
    }

    /// Writes an attempt down, with a key of its own. It follows from what goes back: where a backup was
    /// brought back and forgot a refund, the same amount of the same charge comes with the same key again,
    /// unless the gateway has told of that refund meanwhile; and another amount with another key.
    fn attempt(&self, db: &Db, refund: TransactionId) -> Result<AttemptId> {
        let of = db.transaction(refund)?;
        let charge = db.charge_given_back(refund)?.unwrap_or_default();
        let file = uuid::Uuid::try_parse(&db.database_uuid()?).unwrap_or_default();
        let mut number = db.count_refund_attempts(refund)?;
        let key = loop {
            number += 1;
            let debt = format!("refund/{charge}/{}/{number}", of.amount.minor());
            let key = format!("{}-{number}", uuid::Uuid::new_v5(&file, debt.as_bytes()));
            if !db.knows_key(&key)? {
                break key;
            }
        };
        let (gateway, now) = (self.given.gateway.name(), self.given.clock.machine_now());
        db.insert_refund_attempt(self.act, refund, (&gateway, &key), &instant(now))
    }

    fn job(&self, db: &Db, refund: TransactionId, attempt: AttemptId, call: Call) -> Result<Job> {
        let request = db.refund_request(attempt)?;
        let reference = match call {
            Call::Ask => db.transaction(refund)?.reference,
            Call::Send | Call::SendAgain => None,
        };
        Ok(Job { refund, attempt, call, request, reference })
    }

    /// Calls the gateway, and writes down what it answered; where it never saw the key, it is called
    /// once more with the same.
    fn carry_out(&self, store: &mut Store, job: Job, refunded: &mut Refunded) -> Result<()> {
        let mut next = Some(job);
        while let Some(job) = next {
            let gateway = self.given.gateway;
            let answer = match job.call {
                Call::Send | Call::SendAgain => gateway.refund(&job.request),
                Call::Ask => gateway.refund_status(&job.request, job.reference.as_deref()),
            };
            next = writing(store, refunded, |db, sum| self.book(db, &job, &answer, sum))?;
        }
        Ok(())
    }

    fn begun_elsewhere(&self, series: &RefundSeries) -> ItemError {
        outcome_unknown(series, &elsewhere(series, self.given))
    }
}

/// Writes in one transaction, and counts the e-mails that this queues.
fn writing<T>(
    store: &mut Store,
    refunded: &mut Refunded,
    write: impl FnOnce(&Db, &mut Refunded) -> Result<T>,
) -> Result<T> {
    let (done, queued) = store.write(|db| {
        let before = db.newest_email()?;
        let done = write(db, refunded)?;
        Ok((done, db.newest_email()? - before))
    })?;
    refunded.emails_queued += queued;
    Ok(done)
}

/// Why a refund is neither sent nor asked about that was begun with another gateway.
pub fn elsewhere(series: &RefundSeries, given: &Given) -> String {
    let began = series.last_attempt.as_ref().map_or("another gateway", |a| a.gateway.as_str());
    format!("it was begun with {began}, and {} is configured", given.gateway.name())
}

/// Names a refund whose outcome is not known.
fn outcome_unknown(series: &RefundSeries, message: &str) -> ItemError {
    let (id, number) = (series.transaction, &series.number);
    let words = format!(
        "whether {} went back for {number} is not known: {message}; the next run asks again; \
         whoever finds it out says so with billing transaction resolve {id}",
        series.amount
    );
    item_error(&id.to_string(), "outcome_unknown", words)
}
