//! What a template sees of a credit note.

use minijinja::{Value, context};

use super::super::wording;
use super::filters::{amount, day, unless_zero};
use super::parties::{party_facts, some};
use crate::domain::Money;
use crate::domain::credit_note::{CreditNote, RefundStatus};
use crate::domain::labels;
use crate::domain::tax::{self, TaxBasis};
use crate::domain::template::{Content, ToldCreditNote};

/// `credit_note`: `number`, `issued_on`, `invoice`, `invoice_issued_on`, `memo`, `seller`, `buyer`, `lines`
/// (`description`, `amount`), `subtotal`, `discount`, `net`, `tax`, `tax_inclusive`, `tax_reason`, `total`; and where its total goes:
/// `reduces_due`, `to_credit`, `refunded`, `outside`, `refund_pending`, with what is then due on the invoice,
/// `amount_due`.
pub(super) fn facts(told: &ToldCreditNote, content: &Content) -> Value {
    let (note, invoice, locale) = (&told.note, &told.invoice, content.locale);
    let amounts = &note.amounts;
    let lines: Vec<Value> = note
        .lines
        .iter()
        .map(|line| {
            context! {
                description => wording::typographic(&line.description, locale),
                amount => amount(line.amount, locale),
            }
        })
        .collect();
    let net = amounts.total.minor() - amounts.tax.minor();
    context! {
        number => note.number.as_str(),
        issued_on => day(note.issued_on, locale),
        invoice => note.invoice.as_str(),
        invoice_issued_on => day(invoice.issued_on, locale),
        memo => some(note.memo.as_ref()),
        seller => party_facts(&content.seller, locale),
        buyer => party_facts(&content.buyer, locale),
        lines => lines,
        subtotal => amount(amounts.subtotal, locale),
        discount => unless_zero(amounts.discount, locale),
        net => amount(Money::from_minor(net, amounts.total.currency()), locale),
        tax_rate => wording::unbroken(&wording::percent(&note.tax_rate.normalize().to_string(), locale)),
        tax => tax::is_taxed(note.tax_rate, amounts.tax).then(|| amount(amounts.tax, locale)),
        tax_inclusive => taxed_on(note).is_some_and(TaxBasis::is_inclusive),
        tax_reason => some(invoice.tax_reason.as_ref()).map(|reason| wording::typographic(reason, locale)),
        total => amount(amounts.total, locale),
        reduces_due => unless_zero(note.split.reduces_due, locale),
        to_credit => unless_zero(note.split.to_credit, locale),
        refunded => unless_zero(note.split.refunded, locale),
        refund_pending => note.refund_status == RefundStatus::Pending,
        outside => unless_zero(note.split.outside, locale),
        amount_due => unless_zero(invoice.due, locale),
        due_on => day(invoice.due_on, locale),
    }
}

/// How the sums of the note stand to its tax; `None` where there is none.
fn taxed_on(note: &CreditNote) -> Option<TaxBasis> {
    tax::is_taxed(note.tax_rate, note.amounts.tax).then_some(note.basis)
}

/// What the sums of the note are called where its seller is.
pub(super) fn label_facts(told: &ToldCreditNote, content: &Content) -> Value {
    let note = &told.note;
    let country = content.seller.country.as_deref();
    let taxed = taxed_on(note);
    let sums = labels::sums(country, content.locale, note.tax_rate, taxed);
    context! {
        subtotal => sums.subtotal,
        net => sums.net,
        tax => sums.tax,
        total => sums.total,
        due => sums.due,
    }
}
