//! How an invoice is paid.

use crate::domain::document::{Document, DocumentKind};
use crate::domain::{Result, wording};

use super::epc;
use super::fonts::{Setter, Text};
use super::grid::{BODY, GUTTER, Ink, LEFT, Length, NOTE, QUIET, RIGHT, STRONG, WIDTH, pt};
use super::marks::{Block, Mark, What};
use super::words::{self, Words};

/// How wide the code is at most, without the white around it.
const CODE: Length = pt(76);

/// By when and how; `None` where nothing is to be paid.
pub fn block(document: &Document, setter: &Setter<'_>) -> Result<Option<Block>> {
    if document.kind != DocumentKind::Invoice {
        return Ok(None);
    }
    let words = Words::of(document.locale);
    let mut block = Block::default();
    if document.due.minor() <= 0 {
        block.push_all(LEFT, setter.lines(words.nothing_due, STRONG, WIDTH)?);
        return Ok(Some(block));
    }
    let code = code(document, setter)?;
    let room = WIDTH - code.as_ref().map_or(0, |(width, _)| width + GUTTER);
    let text = text(document, setter, room)?;
    block.rule(LEFT, WIDTH, Ink::Hair);
    block.space(pt(10));
    let code = code.map(|(width, code)| (RIGHT - width, code));
    block.append_beside([(LEFT, text)].into_iter().chain(code));
    Ok(Some(block))
}

fn text(document: &Document, setter: &Setter<'_>, room: Length) -> Result<Block> {
    let words = Words::of(document.locale);
    let amount = wording::amount(document.due, document.locale);
    let day = document.due_on.map(|day| wording::date(day, document.locale));
    let mut block = Block::default();
    block.push_all(0, setter.lines(words.payment, STRONG, room)?);
    let how = document.payment.how_to_pay.as_ref().filter(|_| !document.payment.automatic);
    let to_pay = match document.payment.automatic {
        true => words::collected(&amount, document.locale),
        false => words::to_pay(&amount, day.as_deref(), document.locale),
    };
    for text in [Some(&to_pay), how].into_iter().flatten() {
        block.push_all(0, setter.lines(text, BODY, room)?);
    }
    let account = account(document);
    if !account.is_empty() {
        block.space(pt(6));
    }
    let label = |(label, value)| Ok((setter.line(label, QUIET)?, value));
    let account = account.into_iter().map(label).collect::<Result<Vec<(Text, String)>>>()?;
    let labels = account.iter().map(|(label, _)| label.width + GUTTER).max().unwrap_or_default();
    for (label, value) in account {
        block.put(0, label);
        block.push_all(labels, setter.lines(&value, BODY, room - labels)?);
    }
    Ok(block)
}

/// Where the money goes, and what is written on the transfer. An account beside an amount that is
/// collected would have it paid twice.
fn account(document: &Document) -> Vec<(&'static str, String)> {
    let (words, seller) = (Words::of(document.locale), &document.seller);
    let own = document.payment.bank.clone().map(|bank| (words.bank, bank));
    let iban = || seller.iban.as_deref().map(|iban| ("IBAN", wording::in_fours(iban)));
    let bic = || seller.bic.clone().map(|bic| ("BIC", bic));
    let account = match own {
        _ if document.payment.automatic => [None, None],
        Some(own) => [Some(own), None],
        None => [iban(), iban().and(bic())],
    };
    let reference = seller.iban.as_ref().and_then(|_| document.reference.clone());
    let reference = reference.map(|reference| (words.reference, wording::in_fours(&reference)));
    account.into_iter().flatten().chain(reference).collect()
}

/// The code with what it is for, and how wide that is.
fn code(document: &Document, setter: &Setter<'_>) -> Result<Option<(Length, Block)>> {
    let Some(rows) = epc::text(document).and_then(|text| epc::squares(&text)) else {
        return Ok(None);
    };
    let many = Length::try_from(rows.len()).unwrap_or(Length::MAX);
    let side = CODE / many;
    let width = side * many;
    let caption: Text = setter.line(Words::of(document.locale).scan, NOTE)?;
    let mut block = Block { height: width + pt(5), ..Block::default() };
    block.marks.push(Mark { x: 0, y: 0, what: What::Squares { side, rows } });
    block.push((width - caption.width) / 2, caption);
    Ok(Some((width, block)))
}
