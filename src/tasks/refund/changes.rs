//! What was done at the gateway without being asked: each refund and dispute is booked once.

use super::{Refunded, Refunder, writing};
use crate::domain::act::{Act, instant};
use crate::domain::gateway_refund::{Change, DisputeStatus, Done};
use crate::domain::transaction::{Transaction, TransactionStatus};
use crate::domain::{Money, Result, TransactionId};
use crate::gateway::{Began, CHANGES_SPAN};
use crate::store::{Db, Store};
use crate::tasks::{Given, ItemError, item_error, item_refused};

/// Asks the gateway what was done there, and books what is not booked yet. The caller holds the lock of
/// charging.
///
/// # Errors
/// A fault of the file; what cannot be booked is in the errors of the result instead.
pub fn changes(store: &mut Store, given: &Given, act: &Act) -> Result<Refunded> {
    let mut refunded = Refunded::default();
    if !given.gateway.refunds() || !store.read(|db| db.was_ever_charged())? {
        return Ok(refunded);
    }
    let told = match given.gateway.changes(act.now - CHANGES_SPAN) {
        Ok(told) => told,
        Err(message) => {
            let words = format!("what was done at the gateway is not known: {message}");
            refunded.errors.push(item_error("gateway", "changes_unknown", words));
            return Ok(refunded);
        }
    };
    let refunder = Refunder { given, act };
    for change in told {
        let booked = writing(store, &mut refunded, |db, refunded| {
            refunder.book_change(db, &change, &mut refunded.errors)
        });
        match booked {
            Ok(booked) => refunded.at_gateway += u64::from(booked),
            Err(refusal) if refusal.is_of_the_item() => {
                refunded.errors.push(item_refused(&change.reference, &refusal));
            }
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(refunded)
}

impl Refunder<'_> {
    /// Books a change; whether it was not booked before. What is of no charge of ours is another
    /// business of that account.
    fn book_change(&self, db: &Db, change: &Change, errors: &mut Vec<ItemError>) -> Result<bool> {
        let Some(charge) = self.charge_of(db, &change.charge)? else { return Ok(false) };
        let (gateway, reference) = (self.given.gateway.name(), change.reference.as_str());
        let is_new =
            |kind, status| db.note_change(self.act, &gateway, (kind, reference, status), charge);
        match &change.done {
            Done::Refund { amount, idempotency_key } => {
                let key = idempotency_key.as_deref();
                if db.may_be_our_refund(charge, reference, key)?
                    || db.name_refund(charge, *amount, reference)?
                    || !is_new("refund", "done")?
                {
                    return Ok(false);
                }
                let charge = db.transaction(charge)?;
                if charge.status != TransactionStatus::Succeeded {
                    errors.push(of_nothing(&charge, *amount, reference));
                    return Ok(false);
                }
                let refund = self.books(db).refunded_at_gateway(&charge, *amount, reference)?;
                let machine_now = instant(self.given.clock.machine_now());
                let told = (gateway.as_str(), reference);
                db.insert_attempt_there(self.act, refund, told, key, &machine_now)?;
                // It is looked after like one of ours: it may fail later.
                self.books(db).refund_succeeded(refund, None, self.again())?;
            }
            Done::Dispute { status } => {
                // Told by each of its steps, in whatever order: what is decided is not open again.
                let late = *status == DisputeStatus::Open;
                if late && db.dispute_is_decided(&gateway, charge, reference)? {
                    return Ok(false);
                }
                if !is_new("dispute", status.word())? {
                    return Ok(false);
                }
                let charge = db.transaction(charge)?;
                self.books(db).disputed_at_gateway(&charge, *status, reference)?;
            }
        }
        Ok(true)
    }

    /// The charge to which this gateway gave the reference.
    fn charge_of(&self, db: &Db, reference: &str) -> Result<Option<TransactionId>> {
        for id in db.charge_of_reference(reference)? {
            let attempts = db.attempts(id)?;
            let here = |attempt| self.given.gateway.began(attempt) != Began::Elsewhere;
            if attempts.iter().any(|one| one.reference.as_deref() == Some(reference) && here(one)) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }
}

/// Names a refund of a charge that was taken back in our books: they say already that the money is gone.
fn of_nothing(charge: &Transaction, amount: Money, reference: &str) -> ItemError {
    let words = format!(
        "{amount} of {} went back at the gateway as {reference}; {} had been taken back here, so that \
         nothing is booked",
        charge.invoice.as_deref().unwrap_or("no invoice"),
        charge.id
    );
    item_error(&charge.id.to_string(), "refund_of_reversed", words)
}
