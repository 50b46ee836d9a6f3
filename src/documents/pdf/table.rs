//! The lines of a document.

use std::rc::Rc;

use rust_decimal::Decimal;

use crate::domain::document::{Document, DocumentLine};
use crate::domain::{Money, Result, wording};

use super::figures::{Column, Figure};
use super::flow::Piece;
use super::fonts::Setter;
use super::grid::{BODY, GUTTER, Ink, LEFT, Length, NOTE, QUIET, RIGHT, WIDTH, pt};
use super::marks::Block;
use super::words::{self, Words};

/// Above and below a row.
const PADDING: Length = 350;
/// What a description has at least.
const NARROWEST: Length = pt(110);

/// The head and the rows; the last row stays with what comes below.
pub fn pieces(document: &Document, setter: &Setter<'_>) -> Result<Vec<Piece>> {
    let (columns, room) = columns(document, setter)?;
    let head = Rc::new(head(document, setter, &columns)?);
    let mut pieces =
        vec![Piece { block: Block::clone(&head), before: pt(22), keeps_next: true, head: None }];
    let last = document.lines.len().saturating_sub(1);
    for (row, line) in document.lines.iter().enumerate() {
        let mut block = description(document, line, setter, room)?;
        let mut figures = Block { height: PADDING, ..Block::default() };
        columns.iter().for_each(|column| column.put(&mut figures, row));
        block.marks.extend(figures.marks);
        block.rule(LEFT, WIDTH, if row < last { Ink::Hair } else { Ink::Rule });
        let head = Some(Rc::clone(&head));
        pieces.push(Piece { block, before: 0, keeps_next: row == last, head });
    }
    Ok(pieces)
}

/// The columns of numbers that the lines need, and how wide that leaves their descriptions.
fn columns(document: &Document, setter: &Setter<'_>) -> Result<(Vec<Column>, Length)> {
    let (price, amount) = words::price_and_amount(document);
    let words = Words::of(document.locale);
    let one = |line: &DocumentLine| line.unit_price.is_none() && line.quantity == Decimal::ONE;
    let are_counted = !document.lines.iter().all(one);
    let amount_of = |money: Money| wording::amount(money, document.locale);
    let price_of = |price| wording::exact_amount(price, document.currency(), document.locale);
    let quantity_of =
        |quantity: Decimal| wording::number(&quantity.normalize().to_string(), document.locale);
    let less = |line: &DocumentLine| {
        (!line.discount.is_zero()).then(|| format!("-{}", amount_of(line.discount)))
    };
    let texts: [(&str, Vec<Option<String>>); 4] = [
        (words.quantity, texts(document, |l| are_counted.then(|| quantity_of(l.quantity)))),
        (price, texts(document, |l| l.unit_price.map(price_of))),
        (words.discount, texts(document, less)),
        (amount, texts(document, |l| Some(amount_of(l.amount)))),
    ];
    let mut columns = Vec::new();
    for (title, texts) in texts {
        let figure = |text: &String| Figure::new(setter, text, BODY, document.locale);
        let figures = texts.iter().map(|text| text.as_ref().map(figure).transpose());
        let column = Column::new(setter.line(title, NOTE)?, figures.collect::<Result<_>>()?);
        columns.extend((!column.is_empty()).then_some(column));
    }
    let mut right = RIGHT;
    for column in columns.iter_mut().rev() {
        column.right = right;
        right -= column.width() + GUTTER;
    }
    Ok((columns, (right - LEFT).max(NARROWEST)))
}

fn texts(
    document: &Document,
    text: impl Fn(&DocumentLine) -> Option<String>,
) -> Vec<Option<String>> {
    document.lines.iter().map(text).collect()
}

fn head(document: &Document, setter: &Setter<'_>, columns: &[Column]) -> Result<Block> {
    let mut head = Block::default();
    head.put(LEFT, setter.line(Words::of(document.locale).description, NOTE)?);
    for column in columns {
        head.put_left_of(column.right, column.title.clone());
    }
    head.space(NOTE.leading + PADDING);
    head.rule(LEFT, WIDTH, Ink::Rule);
    Ok(head)
}

/// What a line is for, and its period where that is not the document's.
fn description(
    document: &Document,
    line: &DocumentLine,
    setter: &Setter<'_>,
    room: Length,
) -> Result<Block> {
    let mut block = Block { height: PADDING, ..Block::default() };
    block.push_all(LEFT, setter.lines(&line.description, BODY, room)?);
    if let Some(period) = line.period.filter(|period| Some(*period) != document.period) {
        let period = wording::period(period, document.locale);
        block.push_all(LEFT, setter.lines(&period, QUIET, room)?);
    }
    block.space(PADDING);
    Ok(block)
}
