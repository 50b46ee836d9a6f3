//! Numbers in columns, aligned at what separates their decimals.

use crate::domain::Result;
use crate::domain::email::Locale;

use super::fonts::{Glyph, Setter, Text, width};
use super::grid::{Length, Style};
use super::marks::Block;

/// A number as it is written.
#[derive(Debug, Clone)]
pub struct Figure {
    text: Text,
    /// How wide it is up to its decimals.
    whole: Length,
}

/// Numbers one below the other, as far as there are any.
#[derive(Debug)]
pub struct Column {
    pub title: Text,
    figures: Vec<Option<Figure>>,
    /// The widest, up to the decimals and from there on.
    whole: Length,
    rest: Length,
    /// Where it ends.
    pub right: Length,
}

impl Figure {
    pub fn new(setter: &Setter<'_>, text: &str, style: Style, locale: Locale) -> Result<Figure> {
        let text = setter.line(text, style)?;
        let whole = width(&text.glyphs[..decimals(&text.glyphs, locale)], style);
        Ok(Figure { text, whole })
    }

    fn rest(&self) -> Length {
        self.text.width - self.whole
    }
}

/// Where the decimals begin, or would.
fn decimals(glyphs: &[Glyph], locale: Locale) -> usize {
    let point = match locale {
        Locale::Fr => ',',
        Locale::En => '.',
    };
    let is_digit = |at: usize| glyphs[at].character.is_ascii_digit();
    let separates = |at: &usize| glyphs[*at].character == point && is_digit(at + 1);
    let last_digit = (0..glyphs.len()).rev().find(|at| is_digit(*at));
    let end = last_digit.unwrap_or_default();
    (0..end).rev().find(separates).unwrap_or(end + 1).min(glyphs.len())
}

impl Column {
    pub fn new(title: Text, figures: Vec<Option<Figure>>) -> Column {
        let most = |part: fn(&Figure) -> Length| {
            figures.iter().flatten().map(part).max().unwrap_or_default()
        };
        let (whole, rest) = (most(|figure| figure.whole), most(Figure::rest));
        Column { title, figures, whole, rest, right: 0 }
    }

    /// How much room its title and its numbers take.
    pub fn width(&self) -> Length {
        self.title.width.max(self.whole + self.rest)
    }

    pub fn is_empty(&self) -> bool {
        self.figures.iter().all(Option::is_none)
    }

    /// A number at its place in the line of the block that comes next.
    pub fn put(&self, block: &mut Block, row: usize) {
        if let Some(figure) = self.figures.get(row).and_then(Option::as_ref) {
            let point = self.right - self.rest;
            block.put(point - figure.whole, figure.text.clone());
        }
    }
}
