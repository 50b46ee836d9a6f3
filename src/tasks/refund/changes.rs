//! What was done at the gateway without being asked: each refund and dispute is booked once.

use super::{Refunded, Refunder};
use crate::domain::act::Act;
use crate::domain::gateway_refund::{Change, Done};
use crate::domain::{Result, TransactionId};
use crate::gateway::{Began, CHANGES_SPAN};
use crate::store::{Db, Store};
use crate::tasks::{Given, item_error, item_refused};

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
        match store.write(|db| refunder.book_change(db, &change)) {
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
    fn book_change(&self, db: &Db, change: &Change) -> Result<bool> {
        let Some(charge) = self.charge_of(db, &change.charge)? else { return Ok(false) };
        let gateway = self.given.gateway.name();
        let reference = change.reference.as_str();
        match &change.done {
            Done::Refund { amount, idempotency_key } => {
                if db.may_be_our_refund(charge, reference, idempotency_key.as_deref())?
                    || !db.note_change(self.act, &gateway, ("refund", reference, "done"), charge)?
                {
                    return Ok(false);
                }
                let charge = db.transaction(charge)?;
                self.books(db).refunded_at_gateway(&charge, *amount, reference)?;
            }
            Done::Dispute { status } => {
                let told = ("dispute", reference, status.word());
                if !db.note_change(self.act, &gateway, told, charge)? {
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
