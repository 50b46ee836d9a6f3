//! What was billed is taken back by a document of its own. Its rules are in `domain/credit_note.rs`.

use chrono::NaiveDate;

use super::refund::Way;
use super::{Because, Book, Notify};
use crate::domain::credit::CreditSource;
use crate::domain::credit_note::{
    AskedSplit, CreditReason, Credited, Drawn, Split, allocate, basis, check_creditable, draw_up,
};
use crate::domain::event::CreditNoteEvent;
use crate::domain::invoice::{Invoice, Origin};
use crate::domain::ledger::{Claim, Entry};
use crate::domain::refund::{Refundable, sum};
use crate::domain::tax::TaxBasis;
use crate::domain::template::Template;
use crate::domain::{CreditNoteId, Money, Refusal, Result, TransactionId};
use crate::store::{NewCredit, NewCreditNote, NewEmail, Subject};

/// What of an invoice is taken back, and where it goes.
#[derive(Debug, Clone)]
pub struct Crediting<'a> {
    pub credited: Credited,
    pub split: AskedSplit,
    pub reason: CreditReason,
    pub memo: Option<&'a str>,
    /// What the bank calls the money that went back by hand.
    pub reference: Option<&'a str>,
    pub issued_on: NaiveDate,
    pub notify: Notify,
}

/// What a credit note will come to.
#[derive(Debug, Clone)]
pub struct Planned {
    pub drawn: Drawn,
    pub basis: TaxBasis,
    pub split: Split,
}

/// A credit note that was written.
#[derive(Debug, Clone)]
pub struct Written {
    pub id: CreditNoteId,
    /// The refunds that a gateway is to be asked for.
    pub refunds: Vec<TransactionId>,
}

impl Book<'_> {
    /// What a credit note of an invoice would come to, and where it would go. Writes nothing.
    ///
    /// # Errors
    /// The invoice cannot be credited so: see [`draw_up`] and [`allocate`].
    pub fn plan_credit_note(&self, invoice: &Invoice, new: &Crediting) -> Result<Planned> {
        check_creditable(invoice, new.issued_on)?;
        if new.issued_on > self.act.today {
            let (credited_on, today) = (new.issued_on, self.act.today);
            return Err(Refusal::CreditedInTheFuture { credited_on, today });
        }
        // The money may be on its way.
        if self.db.live_charge(invoice.id)?.is_some() {
            return Err(Refusal::ChargePending { invoice: invoice.number.clone() });
        }
        let before = self.db.credited_before(invoice)?;
        let basis = basis(invoice, &new.credited);
        let drawn = draw_up(invoice, basis, &before, &new.credited)?;
        let total = drawn.amounts.total;
        let zero = Money::zero(total.currency());
        let paid = self.db.refundable(invoice.id)?;
        let returnable = sum(&paid, zero)?.plus(self.elsewhere_left(invoice)?)?;
        let charges: Vec<_> = paid.into_iter().filter(is_charge).collect();
        let split = allocate(invoice, total, &new.split, sum(&charges, zero)?, returnable)?;
        Ok(Planned { drawn, basis, split })
    }

    /// Credits an invoice: writes the note under the next number of its series, takes what is due no
    /// more off the invoice, and gives what was paid as credit, or back. A tenant that nothing holds any
    /// more comes back from its suspension.
    ///
    /// # Errors
    /// As [`Book::plan_credit_note`].
    pub fn credit(&self, invoice: &Invoice, new: &Crediting) -> Result<Written> {
        let planned = self.plan_credit_note(invoice, new)?;
        self.write_note(invoice, new, &planned, Way::Gateway)
    }

    /// Writes a note down that was planned; `way` is how the part goes back that a gateway gives.
    pub(super) fn write_note(
        &self,
        invoice: &Invoice,
        new: &Crediting,
        planned: &Planned,
        way: Way,
    ) -> Result<Written> {
        let id = self.number_note(invoice, new, planned)?;
        self.book_note(invoice, new, planned, id, way)
    }

    /// Writes a credit note of another program under its own number, as it was `planned`. No letter is
    /// queued where `new` says so. A number that fits the format raises its series.
    ///
    /// # Errors
    /// The number is taken.
    pub fn import_credit_note(
        &self,
        invoice: &Invoice,
        new: &Crediting,
        planned: &Planned,
        number: &str,
    ) -> Result<Written> {
        let read = self.config.invoicing.credit_note_format.read(number);
        if let Some((series, sequence)) = &read {
            self.db.note_number(series, *sequence)?;
        }
        let mut row = note_row(invoice, new, planned, number);
        row.sequence = read.as_ref().map(|(series, sequence)| (series.as_str(), *sequence));
        row.origin = Origin::Imported;
        let id = self.db.insert_credit_note(self.act, &row)?;
        self.book_note(invoice, new, planned, id, Way::Gateway)
    }

    /// Books a credit note that was written, and all that follows from it.
    fn book_note(
        &self,
        invoice: &Invoice,
        new: &Crediting,
        planned: &Planned,
        id: CreditNoteId,
        way: Way,
    ) -> Result<Written> {
        let Planned { drawn, split, .. } = planned;
        let total = drawn.amounts.total;
        let (claim, on) = (Claim::of(invoice.status), new.issued_on);
        let entry = Entry::credited(&drawn.amounts, split.reduces_due, claim, on);
        let subject = Subject { credit_note: Some(id), ..Subject::of(invoice, None) };
        self.db.book(self.act, subject, &entry)?;
        let note = self.db.credit_note_by_id(id)?;
        let event = CreditNoteEvent::Issued {
            credit_note: &note.number,
            total,
            tax: drawn.amounts.tax,
            currency: total.currency(),
            reduces_due: split.reduces_due,
            to_credit: split.to_credit,
            refunded: split.refunded,
            outside: split.outside,
            issued_on: new.issued_on,
            reason: new.reason,
        };
        self.record(invoice, event, new.memo)?;
        let paid = total.minus(split.reduces_due)?;
        let mut refunds = Vec::new();
        if !paid.is_zero() {
            let credit = self.db.insert_credit(
                self.act,
                &NewCredit {
                    tenant: invoice.tenant_id,
                    source: CreditSource::CreditNote,
                    transaction: None,
                    credit_note: Some(id),
                    amount: paid,
                    reason: new.memo,
                    counts_from: new.issued_on,
                },
            )?;
            self.return_by_hand(invoice, (id, credit), split.outside, new.reference)?;
            refunds = self.begin_refunds(invoice, (id, credit), split.refunded, way)?;
        }
        if new.notify == Notify::Customer {
            self.send_credit_note(invoice, id)?;
        }
        let settled = self.use_credit(invoice.tenant_id)?;
        let remaining = invoice.due.minus(split.reduces_due)?;
        let rests =
            !split.reduces_due.is_zero() && self.config.dunning_policy().is_little(remaining);
        if settled || rests {
            self.come_back(invoice.tenant_id, Because::Corrected)?;
        }
        Ok(Written { id, refunds })
    }

    /// Writes the note under the next number of its series.
    fn number_note(
        &self,
        invoice: &Invoice,
        new: &Crediting,
        planned: &Planned,
    ) -> Result<CreditNoteId> {
        let format = &self.config.invoicing.credit_note_format;
        let series = format.series(new.issued_on);
        loop {
            let sequence = self.db.take_number(&series)?;
            let number = format.number(new.issued_on, sequence);
            let mut row = note_row(invoice, new, planned, &number);
            row.sequence = Some((&series, sequence));
            match self.db.insert_credit_note(self.act, &row) {
                // An import brought that number, or the format was changed to one that it fits.
                Err(Refusal::Exists { .. }) => self.db.skip_number(&series)?,
                inserted => return inserted,
            }
        }
    }

    /// What was paid of an invoice before it was imported, and has not gone back by hand.
    fn elsewhere_left(&self, invoice: &Invoice) -> Result<Money> {
        if invoice.paid_elsewhere.is_zero() {
            return Ok(invoice.paid_elsewhere);
        }
        Ok(invoice.paid_elsewhere.minus(self.db.refunded_elsewhere(invoice)?)?)
    }

    fn send_credit_note(&self, invoice: &Invoice, id: CreditNoteId) -> Result<()> {
        self.db.queue_email(
            self.act,
            &NewEmail {
                tenant: invoice.tenant_id,
                invoice: Some(invoice.id),
                template: Template::CreditNote,
                domain: &self.config.mail_domain(),
                dedup_key: &format!("credit_note/{}", id.0),
                facts: &format!(r#"{{"credit_note":{}}}"#, id.0),
                run: None,
            },
        )?;
        Ok(())
    }
}

/// The row of a note, of no series yet.
fn note_row<'r>(
    invoice: &'r Invoice,
    new: &'r Crediting,
    planned: &'r Planned,
    number: &'r str,
) -> NewCreditNote<'r> {
    NewCreditNote {
        number,
        sequence: None,
        origin: Origin::Issued,
        invoice,
        amounts: planned.drawn.amounts,
        basis: planned.basis,
        tax_rate: invoice.tax_rate,
        split: planned.split,
        reason: new.reason,
        memo: new.memo,
        issued_on: new.issued_on,
        lines: &planned.drawn.lines,
    }
}

fn is_charge(one: &Refundable) -> bool {
    one.kind.is_at_gateway()
}
