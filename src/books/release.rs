//! Credit that is taken off invoices again.

use super::Book;
use crate::domain::credit::CreditUse;
use crate::domain::event::CreditEvent;
use crate::domain::invoice::{Invoice, InvoiceStatus};
use crate::domain::ledger::{Claim, Entry};
use crate::domain::{InvoiceId, Result};
use crate::store::Subject;

/// Whether credit that was taken off an invoice may go back there by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    ByItself,
    /// A person took it off.
    ByHand,
}

/// An invoice off which credit was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Touched {
    pub invoice: InvoiceId,
    /// It had been paid.
    pub reopened: bool,
}

impl Book<'_> {
    /// Takes credit off the invoices that it pays, and chases those anew that are open again; returns the
    /// invoices. What their credit notes had given is the caller's to set off.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn release(
        &self,
        uses: &[CreditUse],
        reason: &str,
        again: Again,
    ) -> Result<Vec<Touched>> {
        let mut touched = Vec::new();
        for one in uses {
            let before = self.db.invoice_by_id(one.invoice_id)?;
            self.db.end_credit_use(self.act, one, reason, again == Again::ByHand)?;
            let claim = Claim::of(before.status);
            let entry = Entry::credit_unapplied(one.amount, claim, self.act.today);
            self.db.book(self.act, Subject::of(&before, one.transaction), &entry)?;
            let reopened = before.status == InvoiceStatus::Paid;
            if reopened {
                self.chase_anew(&before)?;
            }
            touched.push(Touched { invoice: before.id, reopened });
            let event = CreditEvent::Unapplied {
                credit: one.credit,
                credit_use: one.id,
                amount: one.amount,
                currency: one.amount.currency(),
                reopened,
            };
            self.record(&before, event, Some(reason))?;
        }
        Ok(touched)
    }

    /// Takes all credit off an invoice, and returns the invoice as it stands then.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn release_all(&self, invoice: &Invoice, reason: &str) -> Result<Invoice> {
        let uses = self.db.credit_uses_of_invoice(invoice.id)?;
        self.release(&uses, reason, Again::ByItself)?;
        self.db.invoice_by_id(invoice.id)
    }
}
