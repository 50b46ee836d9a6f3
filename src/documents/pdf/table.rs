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

/// The columns of numbers, and how wide they leave the descriptions.
struct Grid {
    columns: Vec<Column>,
    room: Length,
    /// Whether the numbers leave the descriptions too little, and stand below them.
    are_below: bool,
}

/// The head and the rows; the last row stays with what comes below.
pub fn pieces(document: &Document, setter: &Setter<'_>) -> Result<Vec<Piece>> {
    let grid = grid(document, setter)?;
    let head = Rc::new(head(document, setter, &grid)?);
    let mut pieces =
        vec![Piece { block: Block::clone(&head), before: pt(22), keeps_next: true, head: None }];
    let last = document.lines.len().saturating_sub(1);
    for (at, line) in document.lines.iter().enumerate() {
        let mut block = row(description(document, line, setter, grid.room)?, &grid, at);
        block.rule(LEFT, WIDTH, if at < last { Ink::Hair } else { Ink::Rule });
        let head = Some(Rc::clone(&head));
        pieces.push(Piece { block, before: 0, keeps_next: at == last, head });
    }
    Ok(pieces)
}

/// A description with its numbers beside its first line, or below it.
fn row(description: Block, grid: &Grid, at: usize) -> Block {
    let mut figures = Block::default();
    grid.columns.iter().for_each(|column| column.put(&mut figures, at));
    let mut row = Block { height: PADDING, ..Block::default() };
    match grid.are_below {
        true => {
            figures.space(BODY.leading);
            row.append(0, description);
            row.append(0, figures);
        }
        false => row.append_beside([(0, description), (0, figures)]),
    }
    row.space(PADDING);
    row
}

/// The columns that the lines need.
fn grid(document: &Document, setter: &Setter<'_>) -> Result<Grid> {
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
        (amount, texts(document, |l| Some(amount_of(after_discount(l))))),
    ];
    let mut columns = Vec::new();
    for (title, texts) in texts {
        let figure = |text: &String| Figure::new(setter, text, BODY, document.locale);
        let figures = texts.iter().map(|text| text.as_ref().map(figure).transpose());
        let column = Column::new(setter.line(title, NOTE)?, figures.collect::<Result<_>>()?);
        columns.extend((!column.is_empty()).then_some(column));
    }
    let room = WIDTH - columns.iter().map(|column| column.width() + GUTTER).sum::<Length>();
    let are_below = room < NARROWEST;
    let gutter = if are_below { GUTTER / 2 } else { GUTTER };
    let mut right = RIGHT;
    for column in columns.iter_mut().rev() {
        column.right = right;
        right -= column.width() + gutter;
    }
    Ok(Grid { columns, room: if are_below { WIDTH } else { room }, are_below })
}

/// What a line comes to, on the document's basis: the sums begin with what all come to before.
fn after_discount(line: &DocumentLine) -> Money {
    Money::from_minor(line.amount.minor() - line.discount.minor(), line.amount.currency())
}

fn texts(
    document: &Document,
    text: impl Fn(&DocumentLine) -> Option<String>,
) -> Vec<Option<String>> {
    document.lines.iter().map(text).collect()
}

fn head(document: &Document, setter: &Setter<'_>, grid: &Grid) -> Result<Block> {
    let mut head = Block::default();
    head.put(LEFT, setter.line(Words::of(document.locale).description, NOTE)?);
    if grid.are_below {
        head.space(NOTE.leading);
    }
    for column in &grid.columns {
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
    let mut block = Block::default();
    block.push_all(LEFT, setter.lines(&line.description, BODY, room)?);
    if let Some(period) = line.period.filter(|period| Some(*period) != document.period) {
        let period = wording::period(period, document.locale);
        block.push_all(LEFT, setter.lines(&period, QUIET, room)?);
    }
    Ok(block)
}
