//! The blocks of a document, in the order of reading.

use crate::domain::document::{Document, DocumentKind};
use crate::domain::party::Party;
use crate::domain::{Result, countries, wording};

use super::flow::{self, Frame, Piece};
use super::fonts::Setter;
use super::grid::{
    BODY, BOTTOM, GUTTER, HALF, Ink, LEFT, Length, NOTE, RIGHT, STRONG, Style, TITLE, TOP, WIDTH,
    pt,
};
use super::marks::{Block, Mark, What};
use super::words::{self, Words};
use super::{payment, table, totals};

/// How large a logo is at most; a dot of it is never larger than on a screen.
const LOGO: (Length, Length) = (pt(160), pt(50));
const DOT: Length = 75;
/// Of a column of four.
const QUARTER: Length = (WIDTH - 3 * GUTTER) / 4;
/// How high notes are that stay together.
const FEW_NOTES: Length = pt(140);
/// From the top of a page to what lies below its running head.
const RUNNING_HEAD: Length = pt(26);

/// The pages of a document; `logo` is how large the logo is, in dots.
pub fn pages(
    document: &Document,
    setter: &Setter<'_>,
    logo: Option<(i32, i32)>,
) -> Result<Vec<Vec<Mark>>> {
    let footer = footer(document, setter)?;
    let frame = Frame {
        top: TOP,
        top_of_next: TOP + RUNNING_HEAD,
        bottom: BOTTOM - footer.height - pt(14),
    };
    let pages = flow::pages(pieces(document, setter, logo)?, &frame);
    let of = pages.len();
    let finished = |(at, marks)| finish(document, setter, &footer, at + 1, of, marks);
    pages.into_iter().enumerate().map(finished).collect()
}

fn pieces(
    document: &Document,
    setter: &Setter<'_>,
    logo: Option<(i32, i32)>,
) -> Result<Vec<Piece>> {
    let alone = |before, block| Piece { block, before, ..Piece::default() };
    let mut pieces = vec![
        alone(0, top(document, setter, logo)?),
        alone(pt(24), facts(document, setter)?),
        alone(pt(18), parties(document, setter)?),
    ];
    let memo = document.memo.as_ref().filter(|_| document.kind == DocumentKind::Invoice);
    if let Some(memo) = memo {
        pieces.push(alone(pt(18), paragraph(setter, memo, BODY)?));
    }
    pieces.extend(table::pieces(document, setter)?);
    pieces.push(alone(pt(8), totals::block(document, setter)?));
    pieces.extend(payment::block(document, setter)?.map(|block| alone(pt(24), block)));
    pieces.extend(notes(document, setter)?);
    Ok(pieces)
}

/// What the law and the seller say below, a paragraph a line.
fn notes(document: &Document, setter: &Setter<'_>) -> Result<Vec<Piece>> {
    let mut pieces: Vec<Piece> = Vec::new();
    for text in document.notes.lines().iter().chain(&document.legal_text) {
        let mut before = if pieces.is_empty() { pt(22) } else { pt(6) };
        for line in text.lines() {
            let block = paragraph(setter, line, NOTE)?;
            pieces.push(Piece { block, before, ..Piece::default() });
            before = pt(2);
        }
    }
    // A few notes stay together: one that is alone on a page looks lost.
    let height: Length = pieces.iter().map(|piece| piece.block.height).sum();
    if height <= FEW_NOTES {
        let last = pieces.len().saturating_sub(1);
        pieces.iter_mut().take(last).for_each(|piece| piece.keeps_next = true);
    }
    Ok(pieces)
}

fn paragraph(setter: &Setter<'_>, text: &str, style: Style) -> Result<Block> {
    let mut block = Block::default();
    block.push_all(LEFT, setter.lines(text, style, WIDTH)?);
    Ok(block)
}

/// The logo, or the name in its place, beside what the document is.
fn top(document: &Document, setter: &Setter<'_>, logo: Option<(i32, i32)>) -> Result<Block> {
    let mut title = Block::default();
    title.push(0, setter.line(words::kind(document), TITLE)?);
    title.push_all(0, setter.lines(&document.number, STRONG, RIGHT - HALF)?);
    let mut block = Block::default();
    block.append_beside([(0, letterhead(document, setter, logo)?), (HALF, title)]);
    Ok(block)
}

fn letterhead(document: &Document, setter: &Setter<'_>, logo: Option<(i32, i32)>) -> Result<Block> {
    let mut block = Block::default();
    match (logo, &document.seller.name) {
        (Some(dots), _) => {
            let (width, height) = fitted(dots);
            block.marks.push(Mark { x: LEFT, y: 0, what: What::Picture { width, height } });
            block.space(height);
        }
        (None, Some(name)) => {
            // Its letters stand on the line of the title beside it.
            block.space(TITLE.baseline() - STRONG.baseline());
            block.push_all(LEFT, setter.lines(name, STRONG, HALF - GUTTER - LEFT)?);
        }
        (None, None) => {}
    }
    Ok(block)
}

/// How large a picture of so many dots is on paper.
fn fitted((across, down): (i32, i32)) -> (Length, Length) {
    let (most_across, most_down) = (LOGO.0.min(across * DOT), LOGO.1.min(down * DOT));
    // The side that is the first to reach its most.
    match i64::from(most_across) * i64::from(down) <= i64::from(most_down) * i64::from(across) {
        true => (most_across, scaled(most_across, down, across)),
        false => (scaled(most_down, across, down), most_down),
    }
}

fn scaled(length: Length, part: i32, whole: i32) -> Length {
    let scaled = i64::from(length) * i64::from(part) / i64::from(whole.max(1));
    Length::try_from(scaled).unwrap_or(length).max(1)
}

/// When it was issued, and what else is said of the whole, side by side.
fn facts(document: &Document, setter: &Setter<'_>) -> Result<Block> {
    let (words, locale) = (Words::of(document.locale), document.locale);
    let mut facts = vec![(words::issued_on(document), wording::date(document.issued_on, locale))];
    facts.extend(document.due_on.map(|day| (words.due_on, wording::date(day, locale))));
    facts.extend(document.corrects.as_ref().map(|corrected| {
        let day = wording::date(corrected.issued_on, locale);
        (words.corrected, format!("{}\n{day}", corrected.number))
    }));
    facts.extend(document.period.map(|period| (words.period, wording::period(period, locale))));
    if document.kind == DocumentKind::CreditNote {
        facts.extend(document.memo.clone().map(|memo| (words.reason, memo)));
    }
    let last = facts.len() - 1;
    let mut blocks = Vec::new();
    let mut x = LEFT;
    for (at, (label, value)) in facts.iter().enumerate() {
        let room = if at == last { RIGHT - x } else { QUARTER };
        let mut block = Block::default();
        block.push(0, setter.line(label, NOTE)?);
        block.push_all(0, setter.lines(value, BODY, room)?);
        blocks.push((x, block));
        x += QUARTER + GUTTER;
    }
    let mut block = Block::default();
    block.append_beside(blocks);
    Ok(block)
}

/// Seller and buyer side by side.
fn parties(document: &Document, setter: &Setter<'_>) -> Result<Block> {
    let words = Words::of(document.locale);
    let seller = party(document, &document.seller, words.seller, setter)?;
    let buyer = party(document, &document.buyer, words.buyer, setter)?;
    let mut block = Block::default();
    block.append_beside([(LEFT, seller), (HALF, buyer)]);
    Ok(block)
}

fn party(document: &Document, party: &Party, label: &str, setter: &Setter<'_>) -> Result<Block> {
    let (locale, room) = (document.locale, RIGHT - HALF);
    let country = party.country.as_deref().map(|code| countries::name(code, locale).to_owned());
    let address = party.address_lines().into_iter().chain(country);
    let lines = address.chain(party.email.clone()).chain(party.number_lines(locale));
    let mut block = Block::default();
    block.push(0, setter.line(label, NOTE)?);
    block.space(150);
    if let Some(name) = &party.name {
        block.push_all(0, setter.lines(name, STRONG, room)?);
    }
    for line in lines {
        block.push_all(0, setter.lines(&line, BODY, room)?);
    }
    Ok(block)
}

/// The last lines of each page, but for its number.
fn footer(document: &Document, setter: &Setter<'_>) -> Result<Block> {
    let text = document.footer.as_deref().unwrap_or_default();
    let lines = setter.lines(text, NOTE, WIDTH - QUARTER)?;
    let mut block = Block::default();
    block.rule(LEFT, WIDTH, Ink::Hair);
    block.space(pt(6));
    match lines.is_empty() {
        true => block.space(NOTE.leading),
        false => block.push_all(LEFT, lines),
    }
    Ok(block)
}

/// A page with what each page has: the running head first, the footer last.
fn finish(
    document: &Document,
    setter: &Setter<'_>,
    footer: &Block,
    number: usize,
    of: usize,
    marks: Vec<Mark>,
) -> Result<Vec<Mark>> {
    let mut page = Block::default();
    if number > 1 {
        page.space(TOP);
        let name = document.seller.name.as_deref().unwrap_or_default();
        page.put(LEFT, setter.cut(&words::title(document), NOTE, RIGHT - HALF)?);
        page.put_left_of(RIGHT, setter.cut(name, NOTE, RIGHT - HALF)?);
    }
    page.marks.extend(marks);
    page.height = BOTTOM - footer.height;
    page.append(0, footer.clone());
    page.height = BOTTOM - footer.height + pt(6);
    page.put_left_of(RIGHT, setter.line(&words::page(number, of, document.locale), NOTE)?);
    Ok(page.marks)
}
