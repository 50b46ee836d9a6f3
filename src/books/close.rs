//! Invoices that are closed without money: void, or given up.

use super::{Because, Book};
use crate::domain::event::InvoiceEvent;
use crate::domain::invoice::{self, Invoice};
use crate::domain::ledger::{Claim, Entry};
use crate::domain::{Refusal, Result};
use crate::store::Subject;

/// How an invoice is voided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voiding {
    pub sent: Sent,
    pub then: Then,
}

/// Whether an invoice may be voided whose e-mail has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Refused,
    Allowed,
}

/// What becomes of the period of a void invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    StaysUnbilled,
    BillAnew,
}

impl Book<'_> {
    /// Voids an invoice: it should never have been issued. A tenant that was suspended for it alone
    /// comes back. The period that it bills stays unbilled, unless `then` opens it.
    ///
    /// # Errors
    /// It is not open, something was paid on it, a charge of it has no outcome yet, its e-mail has
    /// left and `sent` does not allow that, or there is no period to be opened.
    pub fn void(&self, invoice: &Invoice, reason: &str, how: Voiding) -> Result<()> {
        invoice::check_voidable(invoice)?;
        // The money may be on its way.
        if self.db.live_charge(invoice.id)?.is_some() {
            return Err(Refusal::ChargePending { invoice: invoice.number.clone() });
        }
        if how.sent == Sent::Refused
            && let Some(on) = self.db.invoice_out_since(invoice.id)?
        {
            return Err(Refusal::AlreadySent { invoice: invoice.number.clone(), on });
        }
        let (number, period) = (|| invoice.number.clone(), invoice.billed_period());
        if how.then == Then::BillAnew {
            // What was given back of it may be billed by another by now.
            let whole = period.filter(|_| invoice.billed_until.is_none());
            let (subscription, _) = whole.ok_or_else(|| Refusal::NoPeriod { invoice: number() })?;
            self.db.reopen_period(invoice.id, subscription)?;
        }
        // What credit paid of it goes back to the customer first.
        let invoice = &self.release_all(invoice, "the invoice is void")?;
        self.close(
            invoice,
            &Entry::voided(&invoice.amounts(), Claim::of(invoice.status), self.act.today),
            reason,
        )?;
        self.record(invoice, InvoiceEvent::Voided, Some(reason))?;
        if how.then == Then::StaysUnbilled {
            // A period that is billed anew takes its usage with it.
            self.db.usage_of_void(invoice.id)?;
        }
        self.return_coupon(invoice)?;
        self.return_pending(invoice)?;
        self.use_credit(invoice.tenant_id)?;
        self.come_back(invoice.tenant_id, Because::Corrected)
    }

    /// Gives an invoice up. It may still be paid later, and a tenant that was suspended for it stays
    /// so: nothing was paid.
    ///
    /// # Errors
    /// It is not open.
    pub fn write_off(&self, invoice: &Invoice, reason: &str) -> Result<()> {
        invoice::check_open(invoice)?;
        self.close(invoice, &Entry::written_off(invoice.due, self.act.today), reason)?;
        self.record(invoice, InvoiceEvent::WrittenOff, Some(reason))
    }

    fn close(&self, invoice: &Invoice, entry: &Entry, reason: &str) -> Result<()> {
        self.db.book(self.act, Subject::of(invoice, None), entry)?;
        self.db.keep_closing_reason(invoice.id, reason)
    }
}
