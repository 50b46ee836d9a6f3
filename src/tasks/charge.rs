//! Charging: the one place where a gateway is called.
//!
//! The order of things is what keeps a debt from being charged twice: the attempt with its key is
//! committed; the gateway is called with no transaction open; what it answered is committed. A
//! process that dies between leaves an attempt without an answer, and whoever charges next asks about
//! it first, or sends the same bytes under the same key. One process at a time charges (the lock),
//! several calls at once (the threads), and one thread alone speaks to the database.

mod book;
mod calls;
mod foresee;
mod prepare;
mod source;

use std::time::Duration;

use super::batch::{Pass, Sum};
use super::checkout;
use super::lock::Lock;
use super::{BATCH, Given, ItemError, item_error, item_refused};
use crate::books::Book;
use crate::domain::charge::Found;
use crate::domain::event::PaymentEvent;
use crate::domain::invoice::{self, InvoiceStatus};
use crate::domain::transaction::TransactionStatus;
use crate::domain::{Act, InvoiceId, Refusal, Result, RunId, TransactionId};
use crate::gateway::Gateway;
use crate::gateway::Unavailable;
use crate::store::charges::Series;
use crate::store::{Db, Locked, Store};

pub use foresee::Foreseen;
use source::{Candidate, Source};

/// What charging came to.
#[derive(Debug, Clone, Default)]
pub struct Charged {
    /// Charges that were begun, or tried again.
    pub eligible: u64,
    pub succeeded: u64,
    pub failed: u64,
    /// Without an outcome yet: the gateway took them on.
    pub pending: u64,
    /// Declined so often, or so long ago, that no attempt is left.
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
    /// Names what was refused.
    fn refused(&mut self, db: &Db, candidate: Candidate, refusal: &Refusal) -> Result<()> {
        let subject = match candidate {
            Candidate::Invoice(id) => db.invoice_by_id(id)?.number,
            Candidate::Charge(id) => id.to_string(),
        };
        self.errors.push(item_refused(&subject, refusal));
        Ok(())
    }

    /// Whether anything was done that a person would want to read of.
    pub fn did_something(&self) -> bool {
        self.eligible + self.succeeded + self.failed + self.pending + self.exhausted > 0
            || !self.errors.is_empty()
    }
}

/// Asks what became of every charge without an outcome, and charges every open invoice under
/// automatic collection that had no attempt yet.
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
    left_for_later(with_lock(store, charger, source, SHORT_WAIT))
}

/// How long another process that charges is waited for, where what is to be charged may as well be
/// charged by the next run.
const SHORT_WAIT: Duration = Duration::from_secs(5);

/// What is refused before anything was charged keeps nobody from what was done before it.
fn left_for_later(done: Result<Charged>) -> Result<Charged> {
    match done {
        Err(refusal) if refusal.of::<Locked>().is_some() => Ok(Charged::default()),
        Err(refusal) if refusal.is_of_the_item() => {
            Ok(Charged { errors: vec![item_refused("gateway", &refusal)], ..Charged::default() })
        }
        done => done,
    }
}

/// Looks at every charge that is open, and at every invoice that had no attempt yet. The caller holds
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
    let mut after = TransactionId(0);
    store.read(|db| {
        Pass::DryRun(db).each_page(
            |db| {
                let page = db.open_charges(after, BATCH)?;
                after = page.last().copied().unwrap_or(after);
                Ok(page)
            },
            |db, page, _| {
                let mut charged = Charged::default();
                for id in page {
                    let series = db.charge_series(*id)?;
                    if series.status != TransactionStatus::Failed {
                        charged.errors.push(begun_with_another(&series, given.gateway));
                    }
                }
                Ok(charged)
            },
            |db, id, refusal, charged| charged.refused(db, Candidate::Charge(*id), refusal),
        )
    })
}

/// Hands what [`everything`] would do to `each`, and returns what would fail of it. Writes nothing,
/// and calls nobody.
///
/// # Errors
/// What `each` refuses, or a fault of the file.
pub fn dry_run(
    store: &mut Store,
    given: &Given,
    act: &Act,
    each: impl FnMut(Foreseen) -> Result<()>,
) -> Result<Charged> {
    Charger { given, act, run: None, reach: Reach::Everything }.dry_run(store, each)
}

/// Charges one invoice under automatic collection, if it had no attempt yet.
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
        return Err(Unavailable::None.into());
    }
    given.gateway.check()?;
    let lock = Lock::take_charging(store.path(), &act.actor, patience(given))?;
    let charger = Charger { given, act, run: None, reach: Reach::Everything };
    checkout::expire_first(store, given, act, number)?;
    let job = store.write(|db| {
        let before = db.invoice(number)?;
        charger.books(db).settle_from_credit(before.tenant_id)?;
        let invoice = db.invoice(number)?;
        // Credit covers it: that stands, and nobody is charged.
        if before.status == InvoiceStatus::Open && invoice.status == InvoiceStatus::Paid {
            return Ok(None);
        }
        invoice::check_open(&invoice)?;
        if db.live_charge(invoice.id)?.is_some() || db.is_on_its_way(invoice.id)? {
            return Err(Refusal::ChargePending { invoice: invoice.number });
        }
        let method = db.default_payment_method(invoice.tenant_id)?;
        let method = method.ok_or(Refusal::NoPaymentMethod { tenant: invoice.tenant.clone() })?;
        charger.begin(db, invoice.id, invoice.due, &method).map(Some)
    })?;
    let Some(job) = job else { return Ok(Charged::default()) };
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
    let _lock = Lock::take_charging(store.path(), &charger.act.actor, wait)?;
    charger.drive(store, source, Vec::new())
}

/// How long a person waits for another process that charges: as long as its calls may take.
pub(super) fn patience(given: &Given) -> Duration {
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

impl Charger<'_> {
    /// The books in the transaction of `db`.
    fn books<'a>(&'a self, db: &'a Db) -> Book<'a> {
        Book::new(db, self.act, self.given.config)
    }
}

/// Names a charge that was begun with a gateway that is not configured any more.
fn begun_with_another(series: &Series, gateway: &Gateway) -> ItemError {
    let (began, now) = (&series.last_attempt.gateway, gateway.name());
    unknown_outcome(series, &format!("it was begun with {began}, and {now} is configured"))
}

/// Names a charge whose outcome is not known.
fn unknown_outcome(series: &Series, message: &str) -> ItemError {
    let (id, number) = (series.transaction, &series.number);
    let words = format!(
        "whether {} were charged for {number} is not known: {message}; the next run asks again; \
         whoever finds it out says so with billing transaction resolve {id}",
        series.last_attempt.amount
    );
    item_error(&id.to_string(), "outcome_unknown", words)
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
    let _lock = Lock::take_charging(store.path(), &act.actor, patience(given))?;
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
        let event = PaymentEvent::ChargeResolved { transaction: id, found };
        db.record(act, &invoice, event, Some(note))?;
        match found {
            Found::Succeeded => charger.succeeded(db, &job, None),
            Found::Failed => {
                let code = ("resolved_failed", Some(note), false);
                charger.declined(db, &job, code, &mut Charged::default())
            }
        }
    })
}
