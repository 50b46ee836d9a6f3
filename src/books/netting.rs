//! What the credit notes of an invoice had given as credit, once what paid it is taken back: it was
//! never paid, so that it takes off what is due again.

use std::collections::VecDeque;

use super::Book;
use super::release::{Again, Touched};
use crate::domain::credit_note::CreditNote;
use crate::domain::invoice::{Invoice, InvoiceStatus};
use crate::domain::ledger::{Claim, Entry};
use crate::domain::{CreditId, CreditUseId, Money, Refusal, Result};
use crate::store::Subject;

/// What became of it.
#[derive(Debug, Clone)]
pub(super) struct Netted {
    /// What is due no more.
    pub amount: Money,
    /// What of it had gone back to the customer.
    pub lost: Money,
    /// The invoices that it had paid.
    pub touched: Vec<Touched>,
}

/// What taking money or credit back brought with it.
#[derive(Debug, Clone)]
pub struct TakenBack {
    /// The other invoices that are open again, because the money had paid them as credit.
    pub opened: Vec<String>,
    /// What of the money had gone back to the customer.
    pub lost: Money,
}

impl Book<'_> {
    /// Sets off what the credit notes of an invoice gave as credit against what is due on it, the newest
    /// note first. Credit that pays other invoices is taken off them, newest first; what went back to
    /// the customer is lost.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn net_credit_notes(&self, invoice: &Invoice) -> Result<Netted> {
        let zero = Money::zero(invoice.total.currency());
        let mut netted = Netted { amount: zero, lost: zero, touched: Vec::new() };
        if invoice.credit_notes_total.is_zero() {
            return Ok(netted);
        }
        if invoice.due.is_zero() {
            return Ok(netted);
        }
        let mut due = self.without_own_credit(invoice)?;
        for note in self.db.credit_notes_of(invoice.id)?.iter().rev() {
            let Some(credit) = self.db.credit_of_note(note.id)? else { continue };
            let given = note.amounts.total.minus(note.split.reduces_due)?;
            let part = if given.minor() < due.minor() { given } else { due };
            if part.is_zero() {
                continue;
            }
            let lost = self.net(invoice, note, credit, part, &mut netted.touched)?;
            due = due.minus(part)?;
            netted.amount = netted.amount.plus(part)?;
            netted.lost = netted.lost.plus(lost)?;
        }
        Ok(netted)
    }

    /// Sets off what the notes of those invoices gave against what is due on them again, one after the
    /// other: that may take credit off others, whose notes then follow.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn set_off(&self, touched: Vec<Touched>, zero: Money) -> Result<TakenBack> {
        let (mut queue, mut lost) = (VecDeque::from(touched), zero);
        let mut reopened = Vec::new();
        while let Some(one) = queue.pop_front() {
            if one.reopened && !reopened.contains(&one.invoice) {
                reopened.push(one.invoice);
            }
            let netted = self.net_credit_notes(&self.db.invoice_by_id(one.invoice)?)?;
            lost = lost.plus(netted.lost)?;
            queue.extend(netted.touched);
        }
        let mut opened = Vec::new();
        for id in reopened {
            let invoice = self.db.invoice_by_id(id)?;
            opened.extend((invoice.status == InvoiceStatus::Open).then_some(invoice.number));
        }
        Ok(TakenBack { opened, lost })
    }

    /// Takes credit off an invoice again; it does not go back there by itself. Returns the invoice's
    /// number, and what followed.
    ///
    /// # Errors
    /// It was taken off before.
    pub fn unapply_credit(&self, id: CreditUseId, reason: &str) -> Result<(String, TakenBack)> {
        let one = self.db.credit_use(id)?;
        if one.unapplied_at.is_some() {
            return Err(Refusal::AlreadyUnapplied { credit_use: id });
        }
        let (number, zero) = (one.invoice.clone(), Money::zero(one.amount.currency()));
        let touched = self.release(&[one], reason, Again::ByHand)?;
        let mut followed = self.set_off(touched, zero)?;
        followed.opened.retain(|opened| *opened != number);
        Ok((number, followed))
    }

    /// Takes off an invoice what its own notes pay of it by credit, which is set off instead; returns what
    /// is due without it.
    fn without_own_credit(&self, invoice: &Invoice) -> Result<Money> {
        let reason = format!("a payment of {} was taken back", invoice.number);
        for note in self.db.credit_notes_of(invoice.id)? {
            let Some(credit) = self.db.credit_of_note(note.id)? else { continue };
            let mut uses = self.db.credit_uses_of(credit)?;
            uses.retain(|one| one.unapplied_at.is_none() && one.invoice_id == invoice.id);
            self.release(&uses, &reason, Again::ByItself)?;
        }
        Ok(self.db.invoice_by_id(invoice.id)?.due)
    }

    /// Takes `part` of what a note gave as credit; returns what of that had gone back.
    fn net(
        &self,
        invoice: &Invoice,
        note: &CreditNote,
        credit: CreditId,
        part: Money,
        touched: &mut Vec<Touched>,
    ) -> Result<Money> {
        let reason = format!("the payment of {} was taken back", invoice.number);
        let mut left = self.db.credit(credit)?.left;
        let mut uses = self.db.credit_uses_of(credit)?;
        uses.retain(|one| one.unapplied_at.is_none());
        while left.minor() < part.minor() {
            // Newest first; what is taken off too much pays again by itself.
            let Some(one) = uses.pop() else { break };
            touched.extend(self.release(&[one], &reason, Again::ByItself)?);
            left = self.db.credit(credit)?.left;
        }
        let from_left = if left.minor() < part.minor() { left } else { part };
        self.db.net_credit(credit, part, from_left)?;
        let mut missing = part.minus(from_left)?;
        let lost = missing;
        for held in self.db.held_of(credit)? {
            let open = held.amount.minus(held.lost)?;
            let of_this = if open.minor() < missing.minor() { open } else { missing };
            if of_this.is_zero() {
                continue;
            }
            missing = missing.minus(of_this)?;
            self.db.lose_held(&held, of_this)?;
            // One that is on its way is lost when it arrives.
            if held.succeeded {
                self.lose(held.refund, Subject::of(invoice, None), of_this)?;
            }
        }
        let mut split = note.split;
        split.reduces_due = split.reduces_due.plus(part)?;
        split.to_credit = split.to_credit.minus(from_left)?;
        self.db.split_credit_note(note.id, &split, note.lost.plus(lost)?)?;
        let entry = Entry::credit_netted(part, Claim::of(invoice.status), self.act.today);
        let subject = Subject { credit_note: Some(note.id), ..Subject::of(invoice, None) };
        self.db.book(self.act, subject, &entry)?;
        Ok(lost)
    }
}
