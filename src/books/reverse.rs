//! Money that never came, or went back by the bank's hands: a payment that is taken back, and all that
//! was built on it.

use super::Book;
use super::netting::TakenBack;
use super::refund;
use super::release::{Again, Touched};
use crate::domain::event::{Extra, PaymentEvent};
use crate::domain::invoice::InvoiceStatus;
use crate::domain::ledger::{Claim, Entry};
use crate::domain::transaction::{Transaction, TransactionKind, check_reversible};
use crate::domain::{Money, Result, TransactionId};
use crate::store::Subject;

impl Book<'_> {
    /// Takes a payment back: the money never came, or went back. The invoice is open again, and what
    /// the payment's surplus had paid is due again, newest first; what the notes of these invoices had
    /// given is set off. A refund that is taken back did not arrive: it is credit again.
    ///
    /// # Errors
    /// It did not succeed, or was taken back already.
    pub fn reverse(&self, id: TransactionId, reason: &str) -> Result<TakenBack> {
        let transaction = self.db.transaction(id)?;
        check_reversible(&transaction)?;
        let zero = Money::zero(transaction.amount.currency());
        if transaction.kind == TransactionKind::Refund {
            self.refund_failed(id, "reversed", Some(reason))?;
            return Ok(TakenBack { opened: Vec::new(), lost: zero });
        }
        self.end_refunds(id)?;
        let about = refund::about(&transaction);
        let (touched, mut lost) = self.take_surplus_back(about, id, zero)?;
        let Some(invoice) = transaction.invoice_id else {
            let set_off = self.set_off(touched, zero)?;
            lost = lost.plus(set_off.lost)?;
            self.reverse_on_account(&transaction, reason, lost)?;
            return Ok(TakenBack { opened: set_off.opened, lost });
        };
        let before = self.db.invoice_by_id(invoice)?;
        self.db.reverse_transaction(self.act, id, reason)?;
        let entry = Entry::reversed(
            transaction.amount,
            transaction.applied,
            Claim::of(before.status),
            self.act.today,
        );
        self.db.book(self.act, Subject::of(&before, Some(id)), &entry)?;
        let reopened = before.status == InvoiceStatus::Paid && !transaction.applied.is_zero();
        let set_back = reopened && self.chase_anew(&before)?;
        let netted = self.net_credit_notes(&self.db.invoice_by_id(before.id)?)?;
        let set_off = self.set_off([touched, netted.touched].concat(), zero)?;
        lost = lost.plus(netted.lost)?.plus(set_off.lost)?;
        let event = PaymentEvent::Reversed {
            transaction: id,
            amount: transaction.amount,
            currency: transaction.amount.currency(),
            reopened,
            set_back,
            netted: Extra(Some(netted.amount).filter(|amount| !amount.is_zero())),
            lost: Extra(Some(lost).filter(|amount| !amount.is_zero())),
        };
        self.record(&before, event, Some(reason))?;
        // Other credit of the customer pays what is due now.
        self.settle_from_credit(before.tenant_id)?;
        Ok(TakenBack { opened: set_off.opened, lost })
    }

    /// Ends the refunds of a payment that the gateway does not have: nothing goes back of money that never
    /// came. One without an outcome may have gone.
    fn end_refunds(&self, payment: TransactionId) -> Result<()> {
        for refund in self.db.refunds_not_sent(payment)? {
            let message = "the payment was taken back";
            self.refund_failed(refund, "payment_reversed", Some(message))?;
        }
        Ok(())
    }

    /// Takes a payment on account back, whose credit is gone already.
    fn reverse_on_account(
        &self,
        transaction: &Transaction,
        reason: &str,
        lost: Money,
    ) -> Result<()> {
        let (id, amount, currency) =
            (transaction.id, transaction.amount, transaction.amount.currency());
        self.db.reverse_transaction(self.act, id, reason)?;
        let nothing = Money::zero(currency);
        let entry = Entry::reversed(amount, nothing, Claim::Receivable, self.act.today);
        let subject = Subject { transaction: Some(id), ..refund::about(transaction) };
        self.db.book(self.act, subject, &entry)?;
        let event = PaymentEvent::Reversed {
            transaction: id,
            amount,
            currency,
            reopened: false,
            set_back: false,
            netted: Extra(None),
            lost: Extra(Some(lost).filter(|amount| !amount.is_zero())),
        };
        self.record(transaction.tenant_id, event, Some(reason))?;
        // Other credit of the customer pays what is due now.
        self.settle_from_credit(transaction.tenant_id)
    }

    /// Takes back the credit that a payment left: what it pays is due again, newest first, and what went
    /// back to the customer is lost. Returns the invoices that it paid, and the loss.
    fn take_surplus_back(
        &self,
        about: Subject,
        id: TransactionId,
        mut lost: Money,
    ) -> Result<(Vec<Touched>, Money)> {
        let Some(credit) = self.db.credit_of_transaction(id)? else {
            return Ok((Vec::new(), lost));
        };
        let mut uses = self.db.credit_uses_of(credit)?;
        uses.retain(|one| one.unapplied_at.is_none());
        uses.reverse();
        let reason = "the payment that the credit came from was taken back";
        let touched = self.release(&uses, reason, Again::ByItself)?;
        for held in self.db.held_of(credit)? {
            let rest = held.amount.minus(held.lost)?;
            self.db.lose_held(&held, rest)?;
            lost = lost.plus(rest)?;
            // One that is on its way is lost when it arrives.
            if held.succeeded {
                self.lose(held.refund, about, rest)?;
            }
        }
        self.db.take_credit_back(self.act, credit)?;
        Ok((touched, lost))
    }
}
