//! `import credit-notes`.

use chrono::NaiveDate;

use super::table::Row;
use super::{Bad, Import, RowOutcome};
use crate::books::{Crediting, Notify, Planned};
use crate::domain::credit_note::{AskedSplit, CreditNote, CreditReason, Credited, Part};
use crate::domain::invoice::{self, Invoice};
use crate::domain::refusal::Why;
use crate::domain::{Money, Refusal, text};

pub const REQUIRED: &[&str] = &["number", "invoice", "total", "issued_on"];
pub const OPTIONAL: &[&str] = &[
    "reason",
    "memo",
    "tax",
    "currency",
    "reduces_due",
    "to_credit",
    "refunded",
    "outside",
    "lost",
    // What `credit-note list --format csv` has besides is computed, and passed over.
    "tenant",
    "subscription",
    "subtotal",
    "discount",
    "tax_rate",
    "refund_status",
    "tax_inclusive",
    "created_at",
];

/// A row, checked.
struct Read {
    number: String,
    invoice: Invoice,
    total: Money,
    tax: Option<Money>,
    issued_on: NaiveDate,
    reason: CreditReason,
    memo: Option<String>,
    /// What the file says is due no more, and is credit.
    reduces_due: Option<Money>,
    to_credit: Option<Money>,
    /// What went back, by hand or by another program's gateway.
    back: Option<Money>,
}

impl Import<'_> {
    pub(super) fn credit_note(&self, row: &Row) -> Result<RowOutcome, Bad> {
        let read = self.read_credit_note(row)?;
        if let Some(there) = self.db.find_credit_note(&read.number)? {
            let fields = differences(row, &read, &there)?;
            return match fields.is_empty() {
                true => Ok(RowOutcome::Skipped),
                false => Err(row.bad("number", Why::DiffersForGood { fields: fields.join(", ") })),
            };
        }
        let outside = read.back.filter(|back| !back.is_zero());
        let new = Crediting {
            credited: match read.tax {
                Some(tax) => Credited::Stated { total: read.total, tax },
                None => Credited::Amount(read.total),
            },
            split: AskedSplit {
                credit: outside.map(|_| Part::Rest),
                refund: None,
                outside: outside.map(Part::Amount),
            },
            reason: read.reason,
            memo: read.memo.as_deref(),
            reference: None,
            issued_on: read.issued_on,
            // Its customer had it from the other program.
            notify: Notify::Nobody,
        };
        let planned = match self.book().plan_credit_note(&read.invoice, &new) {
            Ok(planned) => planned,
            Err(refusal) => return Err(refused(row, &read, refusal)),
        };
        check_split(row, &read, &planned)?;
        self.book().import_credit_note(&read.invoice, &new, &planned, &read.number)?;
        Ok(RowOutcome::Created)
    }

    fn read_credit_note(&self, row: &Row) -> Result<Read, Bad> {
        let number = row.need("number", invoice::number);
        let invoice = match row.need("invoice", invoice::number) {
            Some(number) => {
                let found = self.db.find_invoice(&number)?;
                if found.is_none() {
                    row.note("invoice", Why::UnknownInvoice);
                }
                found
            }
            None => None,
        };
        let currency = invoice.as_ref().map_or(self.config.currency, |i| i.total.currency());
        if row.currency("currency").is_some_and(|given| given != currency) && invoice.is_some() {
            row.note("currency", Why::NotOneOf { words: currency.code().to_owned() });
        }
        let total = row.need_amount("total", currency);
        if total.is_some_and(Money::is_zero) {
            row.note("total", Why::Zero);
        }
        let issued_on = row.need_date("issued_on");
        if issued_on.is_some_and(|date| date > self.act.today) {
            row.note("issued_on", Why::AfterToday);
        }
        let reason = row
            .word("reason", "duplicate, error, cancellation, change, goodwill, correction, other");
        let memo = row.take("memo", |v| text::line("memo", v, 500));
        let amount = |column| row.amount(column, currency);
        let (tax, reduces_due, to_credit) =
            (amount("tax"), amount("reduces_due"), amount("to_credit"));
        if tax.zip(total).is_some_and(|(tax, total)| tax.minor() > total.minor()) {
            row.note("tax", Why::NotAllowedWith { field: "a smaller total" });
        }
        let back = back(amount("refunded"), amount("outside"), amount("lost"))?;
        row.checked((|| {
            Some(Read {
                number: number?,
                invoice: invoice?,
                total: total?,
                tax,
                issued_on: issued_on?,
                reason: reason.unwrap_or(CreditReason::Other),
                memo,
                reduces_due,
                to_credit,
                back,
            })
        })())
    }
}

/// What went back: by a gateway and by hand, less what of it was lost with its payment.
fn back(
    refunded: Option<Money>,
    outside: Option<Money>,
    lost: Option<Money>,
) -> Result<Option<Money>, Refusal> {
    let back = match (refunded, outside) {
        (Some(refunded), Some(outside)) => refunded.plus(outside)?,
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => return Ok(None),
    };
    let lost = lost.filter(|lost| lost.minor() <= back.minor());
    Ok(Some(lost.map_or(Ok(back), |lost| back.minus(lost))?))
}

/// Where a note's total goes follows from what is due on its invoice here; a file that says otherwise
/// was read before the payments of the invoice, or after too many.
fn check_split(row: &Row, read: &Read, planned: &Planned) -> Result<(), Bad> {
    let split = &planned.split;
    for (column, given, here) in [
        ("reduces_due", read.reduces_due, split.reduces_due),
        ("to_credit", read.to_credit, split.to_credit),
    ] {
        if given.is_some_and(|given| given != here) {
            let due = read.invoice.due;
            return Err(row.bad(column, Why::OtherSplit { here, due }));
        }
    }
    Ok(())
}

/// Names a refused row by its column.
fn refused(row: &Row, read: &Read, refusal: Refusal) -> Bad {
    match refusal {
        Refusal::NothingToCredit { .. } => {
            let what = "nothing of it is left to be credited";
            row.bad("invoice", Why::CannotChange { what })
        }
        Refusal::CreditNoteAboveInvoice { given, left, .. } if read.tax == Some(given) => {
            row.bad("tax", Why::AboveInvoice { left })
        }
        Refusal::CreditNoteAboveInvoice { left, .. } => {
            row.bad("total", Why::AboveInvoice { left })
        }
        Refusal::NotCreditable { status, .. } => row.bad("invoice", Why::NotCreditable { status }),
        Refusal::CreditedBeforeIssue { .. } => {
            row.bad("issued_on", Why::Before { field: "that of the invoice" })
        }
        Refusal::ChargePending { .. } => {
            let what = "a charge of it has no outcome yet";
            row.bad("invoice", Why::CannotChange { what })
        }
        Refusal::CreditNoteSplit { paid, .. } => row.bad("outside", Why::AbovePaid { most: paid }),
        Refusal::RefundAbovePaid { most, .. } => row.bad("outside", Why::AbovePaid { most }),
        other => other.into(),
    }
}

/// The columns of the row whose values are not those that are stored. Where its total went may have
/// changed here since, but not what went back elsewhere.
fn differences(row: &Row, read: &Read, there: &CreditNote) -> Result<Vec<&'static str>, Bad> {
    let gone = there.split.refunded.plus(there.split.outside).map_err(Refusal::from)?;
    let went = read.back.is_none_or(|back| back.minor() <= gone.minor());
    let pairs = [
        ("invoice", read.invoice.id == there.invoice_id),
        ("total", read.total == there.amounts.total),
        ("issued_on", read.issued_on == there.issued_on),
        ("tax", read.tax.is_none_or(|tax| tax == there.amounts.tax)),
        ("reason", row.get("reason").is_none() || read.reason == there.reason),
        ("memo", read.memo.is_none() || read.memo == there.memo),
        ("outside", went),
    ];
    Ok(pairs.into_iter().filter(|(_, same)| !same).map(|(column, _)| column).collect())
}
