//! Money that goes back to a customer, out of its credit. Its rules are in `domain/refund.rs`.

use super::Book;
use crate::domain::credit_note::Split;
use crate::domain::event::RefundEvent;
use crate::domain::invoice::Invoice;
use crate::domain::ledger::Entry;
use crate::domain::refund::{Free, Held, OUTSIDE, Refundable, give_back};
use crate::domain::transaction::{Transaction, TransactionKind, TransactionStatus};
use crate::domain::{CreditId, CreditNoteId, Money, Refusal, Result, TransactionId};
use crate::store::{Again, NewRefund, Subject};

/// How money goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way<'a> {
    /// The gateway that took it is asked to give it back.
    Gateway,
    /// It was given back by hand.
    Outside { reference: Option<&'a str> },
    /// It was given back at the gateway, which calls it so: out of those credits too.
    AtGateway { charge: TransactionId, reference: &'a str, credits: &'a [(CreditId, Money)] },
}

impl Book<'_> {
    /// Gives back what of a payment is credit that is not used: its surplus, or what credit notes of its
    /// invoice gave. Returns the refund; by a gateway, that is to be asked.
    ///
    /// # Errors
    /// The payment did not succeed, was made by hand and is to go back by a gateway, or more is asked
    /// for than there is of such credit.
    pub fn refund(
        &self,
        payment: &Transaction,
        amount: Option<Money>,
        way: Way,
        reason: &str,
    ) -> Result<TransactionId> {
        let name = payment.id.to_string();
        let found = self.db.refundable_of(payment.id)?;
        let Some(refundable) = found else {
            let status = match payment.kind {
                TransactionKind::Refund => "a refund",
                _ => payment.status.word(),
            };
            return Err(Refusal::NotRefundable { transaction: name, status });
        };
        let by_hand = refundable.kind == TransactionKind::Payment;
        let free = self.db.credit_from(payment)?;
        let mut most = Money::zero(payment.amount.currency());
        for one in &free {
            most = most.plus(one.left)?;
        }
        if refundable.left.minor() < most.minor() {
            most = refundable.left;
        }
        let asked = amount.unwrap_or(most);
        if asked.is_zero() || asked.minor() > most.minor() {
            let (invoice, left) = (payment.invoice.clone(), most);
            return Err(Refusal::CreditInUse { transaction: name, invoice, asked, left, by_hand });
        }
        if way == Way::Gateway && by_hand {
            return Err(Refusal::RefundByHand { transaction: name });
        }
        let parts = take(&free, asked)?;
        let of = Some(refundable.transaction);
        self.begin(about(payment), of, None, &parts, way, Some(reason))
    }

    /// Writes a refund down, which holds those parts of credit; one that was made by other hands is
    /// booked at once.
    fn begin(
        &self,
        about: Subject,
        of: Option<TransactionId>,
        note: Option<CreditNoteId>,
        parts: &[(CreditId, Money)],
        way: Way,
        reason: Option<&str>,
    ) -> Result<TransactionId> {
        // There is always one.
        let mut amount = parts[0].1;
        for (_, part) in &parts[1..] {
            amount = amount.plus(*part)?;
        }
        let (status, method, reference) = match way {
            Way::Gateway => (TransactionStatus::Unknown, None, None),
            Way::Outside { reference } => (TransactionStatus::Succeeded, Some(OUTSIDE), reference),
            Way::AtGateway { reference, .. } => {
                (TransactionStatus::Succeeded, None, Some(reference))
            }
        };
        let credit_note = note.or(self.note_of(parts)?);
        let Subject { tenant, invoice, .. } = about;
        let new = NewRefund { of, tenant, invoice, amount, credit_note, status, method, reference };
        let id = self.db.insert_refund(self.act, &new)?;
        for (credit, part) in parts {
            self.db.hold_credit(self.act, *credit, id, *part)?;
        }
        let outside = method.is_some();
        for held in self.db.held_by(id)? {
            // A note that is being written says itself where its total goes.
            if held.credit_note == note {
                continue;
            }
            self.divert(&held, |split, amount| {
                split.to_credit = split.to_credit.minus(amount)?;
                let to = if outside { &mut split.outside } else { &mut split.refunded };
                *to = to.plus(amount)?;
                Ok(())
            })?;
        }
        let currency = amount.currency();
        let event = RefundEvent::Begun { transaction: id, refund_of: of, amount, currency };
        self.record((tenant, invoice), event, reason)?;
        if status == TransactionStatus::Succeeded {
            self.book_refund(about, id, amount, reference)?;
        }
        Ok(id)
    }

    /// The note whose credit all of the parts are, where it is one.
    fn note_of(&self, parts: &[(CreditId, Money)]) -> Result<Option<CreditNoteId>> {
        let mut notes = Vec::new();
        for (credit, _) in parts {
            notes.push(self.db.note_of_credit(*credit)?);
        }
        notes.dedup();
        Ok(if let [one] = notes[..] { one } else { None })
    }

    /// Says anew where the total of the note went whose credit a refund holds.
    fn divert(
        &self,
        held: &Held,
        change: impl FnOnce(&mut Split, Money) -> Result<()>,
    ) -> Result<()> {
        let Some(id) = held.credit_note else { return Ok(()) };
        let note = self.db.credit_note_by_id(id)?;
        let mut split = note.split;
        change(&mut split, held.amount)?;
        self.db.split_credit_note(id, &split, note.lost)
    }

    /// Writes down what was given back by hand for a note: out of what was paid by hand first, the
    /// newest of it first.
    pub(super) fn return_by_hand(
        &self,
        invoice: &Invoice,
        (note, credit): (CreditNoteId, CreditId),
        amount: Money,
        reference: Option<&str>,
    ) -> Result<()> {
        let mut from = self.db.refundable(invoice.id)?;
        from.sort_by_key(|one| one.kind.is_at_gateway());
        let way = Way::Outside { reference };
        let mut rest = amount;
        for (one, part) in give_back(&from, amount)? {
            rest = rest.minus(part)?;
            let (of, parts) = (Some(one.transaction), [(credit, part)]);
            self.begin(Subject::of(invoice, None), of, Some(note), &parts, way, None)?;
        }
        if !rest.is_zero() {
            let about = Subject::of(invoice, None);
            self.begin(about, None, Some(note), &[(credit, rest)], way, None)?;
        }
        Ok(())
    }

    /// Writes the refunds of a note down that a gateway is to be asked for, or made of its own: the newest
    /// charge goes back first, unless the gateway says which it was.
    pub(super) fn begin_refunds(
        &self,
        invoice: &Invoice,
        (note, credit): (CreditNoteId, CreditId),
        amount: Money,
        way: Way,
    ) -> Result<Vec<TransactionId>> {
        if let Way::AtGateway { charge, credits, .. } = way {
            let parts = [credits, &[(credit, amount)]].concat();
            return Ok(vec![self.begin(
                Subject::of(invoice, None),
                Some(charge),
                Some(note),
                &parts,
                way,
                None,
            )?]);
        }
        let mut from = self.db.refundable(invoice.id)?;
        from.retain(|one: &Refundable| one.kind.is_at_gateway());
        let mut begun = Vec::new();
        for (one, part) in give_back(&from, amount)? {
            let (of, parts) = (Some(one.transaction), [(credit, part)]);
            let about = Subject::of(invoice, None);
            begun.push(self.begin(about, of, Some(note), &parts, way, None)?);
        }
        Ok(begun)
    }

    /// Books a refund that the gateway, or a person who asked it, says has succeeded. `again`: whether it
    /// is asked about once more, as one may fail later.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn refund_succeeded(
        &self,
        id: TransactionId,
        reference: Option<&str>,
        again: Again,
    ) -> Result<()> {
        let refund = self.db.transaction(id)?;
        let status = TransactionStatus::Succeeded;
        self.db.refund_stands(self.act, id, status, reference, None, again)?;
        if refund.status == TransactionStatus::Succeeded {
            return Ok(());
        }
        self.book_refund(about(&refund), id, refund.amount, reference)
    }

    fn book_refund(
        &self,
        about: Subject,
        id: TransactionId,
        amount: Money,
        reference: Option<&str>,
    ) -> Result<()> {
        let subject = self.subject_of(about, id)?;
        self.db.book(self.act, subject, &Entry::refunded(amount, self.act.today))?;
        for held in self.db.held_by(id)? {
            self.lose(id, about, held.lost)?;
        }
        let (currency, paid_on) = (amount.currency(), self.act.today);
        let event =
            RefundEvent::Succeeded { transaction: id, amount, currency, paid_on, reference };
        self.record((about.tenant, about.invoice), event, None)
    }

    fn subject_of(&self, about: Subject, refund: TransactionId) -> Result<Subject> {
        let credit_note = self.db.note_of_refund(refund)?;
        Ok(Subject { credit_note, transaction: Some(refund), ..about })
    }

    /// Books as lost what went back by a refund although the payment that it came from was taken back.
    pub(super) fn lose(&self, id: TransactionId, about: Subject, lost: Money) -> Result<()> {
        if lost.is_zero() {
            return Ok(());
        }
        let subject = Subject { invoice: None, ..self.subject_of(about, id)? };
        self.db.book(self.act, subject, &Entry::refund_lost(lost, self.act.today))
    }

    /// Books a refund that failed for good, also one that had succeeded: what it held is the customer's
    /// credit again, which pays what it can.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn refund_failed(
        &self,
        id: TransactionId,
        code: &str,
        message: Option<&str>,
    ) -> Result<()> {
        let refund = self.db.transaction(id)?;
        let about = about(&refund);
        let went_back = refund.status == TransactionStatus::Succeeded;
        if went_back {
            let subject = self.subject_of(about, id)?;
            let entry = Entry::refund_failed(refund.amount, self.act.today);
            self.db.book(self.act, subject, &entry)?;
        }
        let outside = refund.method.as_deref() == Some(OUTSIDE);
        for held in self.db.held_by(id)? {
            if went_back && !held.lost.is_zero() {
                let subject = Subject { invoice: None, ..self.subject_of(about, id)? };
                let entry = Entry::refund_lost(held.lost, self.act.today).taken_back();
                self.db.book(self.act, subject, &entry)?;
            }
            let Some(note) = held.credit_note else { continue };
            let note = self.db.credit_note_by_id(note)?;
            let mut split = note.split;
            let from = if outside { &mut split.outside } else { &mut split.refunded };
            *from = from.minus(held.amount)?;
            split.to_credit = split.to_credit.plus(held.amount)?.minus(held.lost)?;
            self.db.split_credit_note(note.id, &split, note.lost.minus(held.lost)?)?;
        }
        self.db.let_credit_go(self.act, id)?;
        let status = TransactionStatus::Failed;
        self.db.refund_stands(self.act, id, status, None, Some((code, message)), Again::No)?;
        let (amount, currency) = (refund.amount, refund.amount.currency());
        let event = RefundEvent::Failed { transaction: id, amount, currency, code, message };
        self.record((about.tenant, about.invoice), event, None)?;
        self.settle_from_credit(about.tenant)
    }
}

/// What a transaction is about: its invoice, or of a payment on account the customer alone.
pub(super) fn about(transaction: &Transaction) -> Subject {
    let (tenant, invoice) = (transaction.tenant_id, transaction.invoice_id);
    Subject { invoice, ..Subject::of_tenant(tenant) }
}

/// Which of the credits give how much of `amount`, the first of them first.
///
/// # Errors
/// A credit in another currency.
pub(super) fn take(free: &[Free], amount: Money) -> Result<Vec<(CreditId, Money)>> {
    let (mut due, mut parts) = (amount, Vec::new());
    for one in free {
        let part = if one.left.minor() < due.minor() { one.left } else { due };
        if !part.is_zero() {
            due = due.minus(part)?;
            parts.push((one.credit, part));
        }
    }
    Ok(parts)
}
