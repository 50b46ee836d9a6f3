//! What a document comes to.

use crate::domain::document::{Document, DocumentKind};
use crate::domain::tax::TaxBasis;
use crate::domain::{Money, Result, labels, wording};

use super::fonts::Setter;
use super::grid::{BODY, GUTTER, HALF, Ink, Length, QUIET, RIGHT, STRONG, Style, pt};
use super::marks::Block;
use super::words::Words;

const ROOM: Length = RIGHT - HALF;

/// A sum with what it is called; why there is no tax has none.
struct Sum {
    label: String,
    amount: Option<Money>,
    /// Whether it is taken off.
    is_less: bool,
    style: Style,
}

/// The sums.
pub fn block(document: &Document, setter: &Setter<'_>) -> Result<Block> {
    let mut block = Block::default();
    for sum in sums(document) {
        if sum.style == STRONG {
            block.space(pt(4));
            block.rule(HALF, ROOM, Ink::Rule);
            block.space(pt(5));
        }
        let mut amount = Block::default();
        let mut room = ROOM;
        if let Some(money) = sum.amount {
            let sign = if sum.is_less { "-" } else { "" };
            let text = format!("{sign}{}", wording::amount(money, document.locale));
            let text = setter.line(&text, sum.style)?;
            room -= text.width + GUTTER;
            amount.put_left_of(RIGHT, text);
        }
        let mut label = Block::default();
        label.push_all(HALF, setter.lines(&sum.label, sum.style, room)?);
        block.append_beside([(0, label), (0, amount)]);
        block.space(150);
    }
    Ok(block)
}

/// The sums that there are, as the e-mails show them.
fn sums(document: &Document) -> Vec<Sum> {
    let Document { amounts, locale, .. } = document;
    let country = document.seller.country.as_deref();
    let basis = document.taxed_on();
    let called = labels::sums(country, *locale, document.tax_rate, basis);
    let words = Words::of(*locale);
    let is_inclusive = basis.is_some_and(TaxBasis::is_inclusive);
    let (has_discount, has_tax) = (!amounts.discount.is_zero(), basis.is_some());
    let discount = match &document.coupon {
        Some(coupon) => format!("{} ({coupon})", words.discount),
        None => words.discount.to_owned(),
    };
    let is_invoice = document.kind == DocumentKind::Invoice;
    let total_style = if is_invoice { BODY } else { STRONG };
    let shown = |label: &str, amount, style| {
        Some(Sum { label: label.to_owned(), amount: Some(amount), is_less: false, style })
    };
    let less = |label: &str, amount: Money| {
        let sum = Sum { label: label.to_owned(), amount: Some(amount), is_less: true, style: BODY };
        (!amount.is_zero()).then_some(sum)
    };
    let reason = |reason: &String| {
        let label = reason.clone();
        Sum { label, amount: None, is_less: false, style: QUIET }
    };
    [
        shown(called.subtotal, amounts.subtotal, BODY).filter(|_| has_discount || !is_inclusive),
        less(&discount, amounts.discount),
        shown(called.net, amounts.net(), BODY)
            .filter(|_| has_tax && (has_discount || is_inclusive)),
        shown(&called.tax, amounts.tax, BODY).filter(|_| has_tax),
        document.tax_reason.as_ref().map(reason),
        shown(called.total, amounts.total, total_style),
        less(words.paid, document.paid),
        less(words.credit_applied, document.credit_applied),
        shown(called.due, document.due, STRONG).filter(|_| is_invoice),
    ]
    .into_iter()
    .flatten()
    .collect()
}
