//! `import payments`.

use std::collections::HashMap;

use super::table::Row;
use super::{Bad, Import, RowOutcome};
use crate::books::{Notify, PaymentTerms};
use crate::domain::invoice::Invoice;
use crate::domain::refusal::Why;
use crate::domain::transaction::{NewPayment, Repeated};
use crate::domain::{InvoiceId, Refusal, TransactionId, invoice, text};
use crate::store::Db;

pub const REQUIRED: &[&str] = &["invoice", "amount", "paid_on"];
pub const OPTIONAL: &[&str] = &["method", "reference"];

/// Rows that were matched with payments of an earlier import: the second of two equal rows is
/// matched with the second of two equal payments. Holds only what was matched.
pub struct Matched {
    /// The newest transaction before this import.
    before: TransactionId,
    counts: HashMap<(InvoiceId, i64, String, Option<String>), i64>,
}

impl Matched {
    pub fn new(db: &Db) -> crate::domain::Result<Self> {
        Ok(Matched { before: db.newest_transaction()?, counts: HashMap::new() })
    }
}

impl Import<'_> {
    pub(super) fn payment(&self, matched: &mut Matched, row: &Row) -> Result<RowOutcome, Bad> {
        let number = row.need("invoice", invoice::number);
        let found = match &number {
            Some(number) => self.db.find_invoice(number)?,
            None => None,
        };
        if found.is_none() && number.is_some() {
            row.note("invoice", Why::UnknownInvoice);
        }
        let currency = found.as_ref().map_or(self.config.currency, |i| i.total.currency());
        let amount = row.need_amount("amount", currency);
        if amount.is_some_and(|a| a.is_zero()) {
            row.note("amount", Why::Zero);
        }
        let paid_on = row.need_date("paid_on");
        if paid_on.is_some_and(|date| date > self.act.today) {
            row.note("paid_on", Why::AfterToday);
        }
        let method = row.take("method", |v| text::line("method", v, 100));
        let reference = row.take("reference", |v| text::line("reference", v, 200));
        let (invoice, payment) = row.checked((|| {
            let payment = NewPayment { amount: amount?, paid_on: paid_on?, method, reference };
            Some((found?, payment))
        })())?;
        if self.is_there(matched, row, &invoice, &payment)? {
            return Ok(RowOutcome::Skipped);
        }
        self.pay(row, &invoice, &payment)
    }

    /// Whether the payment was recorded by an earlier import, or in another way. Equal rows of one
    /// file are so many payments.
    fn is_there(
        &self,
        matched: &mut Matched,
        row: &Row,
        invoice: &Invoice,
        payment: &NewPayment,
    ) -> Result<bool, Bad> {
        let alike = self.db.payments_alike(invoice.id, payment, Some(matched.before))?;
        if alike.same > 0 {
            let (amount, paid_on) = (payment.amount.minor(), payment.paid_on.to_string());
            let key = (invoice.id, amount, paid_on, payment.reference.clone());
            let count = matched.counts.entry(key).or_default();
            *count += 1;
            if *count <= alike.same {
                return Ok(true);
            }
        }
        let repeats = payment.reference.is_some() && self.options.repeated == Repeated::Refuse;
        match alike.other.filter(|_| repeats) {
            Some(transaction) if transaction > matched.before => {
                Err(row.bad("reference", Why::ReferenceRepeated))
            }
            Some(transaction) => Err(row.bad("reference", Why::ReferenceTaken { transaction })),
            None => Ok(false),
        }
    }

    fn pay(&self, row: &Row, invoice: &Invoice, payment: &NewPayment) -> Result<RowOutcome, Bad> {
        // What may be repeated was decided above, for equal rows as well.
        let terms = PaymentTerms {
            overpayment: self.options.overpayment,
            repeated: Repeated::Take,
            notify: Notify::Nobody,
        };
        match self.book().pay(invoice, payment, terms) {
            Ok(_) => Ok(RowOutcome::Created),
            Err(Refusal::AboveDue { due, .. }) => Err(row.bad("amount", Why::AboveDue { due })),
            Err(Refusal::AlreadyPaid { .. }) => {
                Err(row.bad("invoice", Why::NotPayable { status: "paid" }))
            }
            Err(Refusal::NotPayable { status, .. }) => {
                Err(row.bad("invoice", Why::NotPayable { status }))
            }
            Err(other) => Err(other.into()),
        }
    }
}
