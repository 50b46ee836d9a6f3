//! Invoices that are closed without money: void, or given up.

use super::{Because, Book};
use crate::domain::event::InvoiceEvent;
use crate::domain::invoice::{self, Invoice};
use crate::domain::ledger::Entry;
use crate::domain::{Refusal, Result};
use crate::store::Subject;

impl Book<'_> {
    /// Voids an invoice: it should never have been issued. A tenant that was suspended for it alone
    /// comes back.
    ///
    /// # Errors
    /// It is not open, something was paid on it, or a charge of it has no outcome yet.
    pub fn void(&self, invoice: &Invoice, reason: &str) -> Result<()> {
        invoice::check_voidable(invoice)?;
        // The money may be on its way.
        if self.db.live_charge(invoice.id)?.is_some() {
            return Err(Refusal::ChargePending { invoice: invoice.number.clone() });
        }
        // What credit paid of it goes back to the customer first.
        let invoice = &self.release_all(invoice, "the invoice is void")?;
        self.close(invoice, &Entry::voided(&invoice.amounts(), self.act.today), reason)?;
        self.record(invoice, InvoiceEvent::Voided, Some(reason))?;
        self.return_coupon(invoice)?;
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
