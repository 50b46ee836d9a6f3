//! `import payments`.

use std::collections::HashMap;

use super::table::Row;
use super::{Bad, Import, RowOutcome};
use crate::books::Notify;
use crate::domain::invoice::Invoice;
use crate::domain::refusal::Why;
use crate::domain::transaction::{NewPayment, Overpayment};
use crate::domain::{InvoiceId, Refusal, TransactionId, invoice, text};
use crate::store::Db;

pub const REQUIRED: &[&str] = &["invoice", "amount", "paid_on"];
pub const OPTIONAL: &[&str] = &["method", "reference"];

/// Rows without a reference that were matched with payments of an earlier import: the second of
/// two equal rows is matched with the second of two equal payments. Holds only what was matched.
pub struct Matched {
    /// The newest transaction before this import.
    before: TransactionId,
    counts: HashMap<(InvoiceId, i64, String), i64>,
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

    /// Whether the payment was recorded before.
    fn is_there(
        &self,
        matched: &mut Matched,
        row: &Row,
        invoice: &Invoice,
        payment: &NewPayment,
    ) -> Result<bool, Bad> {
        if let Some(reference) = &payment.reference {
            let Some(there) = self.db.payment_with_reference(reference)? else {
                // A file that is read again does not bring back a payment that was taken back.
                return Ok(self.db.was_reversed(invoice.id, reference, payment.amount)?);
            };
            if there.invoice_id == invoice.id && there.amount == payment.amount {
                return Ok(true);
            }
            return Err(row.bad("reference", Why::ReferenceTaken));
        }
        let equal = self.db.count_equal_payments(invoice.id, payment, matched.before)?;
        if equal == 0 {
            return Ok(false);
        }
        let key = (invoice.id, payment.amount.minor(), payment.paid_on.to_string());
        let count = matched.counts.entry(key).or_default();
        *count += 1;
        Ok(*count <= equal)
    }

    fn pay(&self, row: &Row, invoice: &Invoice, payment: &NewPayment) -> Result<RowOutcome, Bad> {
        let overpayment = match self.options.allow_overpayment {
            true => Overpayment::KeepAsCredit,
            false => Overpayment::Refuse,
        };
        let nobody = Notify::Nobody;
        match self.book().pay(invoice, payment, overpayment, nobody) {
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
