//! Breaks text into lines.

use crate::domain::Result;

use super::fonts::{Glyph, Setter, Text, width};
use super::grid::{Length, Style};

impl Setter<'_> {
    /// The text in lines of that width at most; its own lines stay lines.
    pub fn lines(&self, text: &str, style: Style, most: Length) -> Result<Vec<Text>> {
        let mut lines = Vec::new();
        for line in text.lines() {
            let glyphs = self.glyphs(line.trim(), style.weight)?;
            lines.extend(wrapped(&glyphs, style, most));
        }
        Ok(lines)
    }

    /// As much of the text as one line of that width holds.
    pub fn cut(&self, text: &str, style: Style, most: Length) -> Result<Text> {
        let mut glyphs = self.glyphs(text, style.weight)?;
        glyphs.truncate(fitting(&glyphs, style, most));
        Ok(Text::new(glyphs, style))
    }
}

/// Lines of that width at most; one of nothing is a line too.
fn wrapped(glyphs: &[Glyph], style: Style, most: Length) -> Vec<Text> {
    let mut lines = Vec::new();
    let mut rest = glyphs;
    loop {
        let fitting = fitting(rest, style, most);
        if fitting == rest.len() {
            lines.push(Text::new(rest.to_vec(), style));
            return lines;
        }
        let at = place_to_break(rest, fitting);
        lines.push(Text::new(without_spaces(&rest[..at]).to_vec(), style));
        rest = without_spaces(&rest[at..]);
    }
}

/// How many of the glyphs fit; at least one.
fn fitting(glyphs: &[Glyph], style: Style, most: Length) -> usize {
    if width(glyphs, style) <= most {
        return glyphs.len();
    }
    let most = i64::from(most) * 1000 / i64::from(style.size);
    let mut taken = 0;
    let fits = |glyph: &&Glyph| {
        taken += i64::from(glyph.advance);
        taken <= most
    };
    glyphs.iter().take_while(fits).count().max(1)
}

/// Where the line ends: at a space, at one that is better kept, behind a mark, anywhere.
fn place_to_break(glyphs: &[Glyph], fitting: usize) -> usize {
    let last = |may: &dyn Fn(usize) -> bool| (1..=fitting).rev().find(|at| may(*at));
    let is_space = |at: usize| glyphs[at].character == ' ';
    let behind_mark = |at: usize| {
        matches!(glyphs[at - 1].character, '-' | '/' | '_' | '.' | ',' | '@' | '&' | '=' | '?')
    };
    last(&|at| is_space(at) && !is_kept(glyphs, at))
        .or_else(|| last(&is_space))
        .or_else(|| last(&behind_mark))
        .unwrap_or(fitting)
}

/// Whether a space belongs to what stands around it: within an amount, and before a mark in French.
fn is_kept(glyphs: &[Glyph], at: usize) -> bool {
    let before = glyphs[at - 1].character;
    let after = |ahead: usize| glyphs.get(at + ahead).map_or(' ', |glyph| glyph.character);
    match after(1) {
        ':' | ';' | '?' | '!' | '»' | '%' | '€' => true,
        next if next.is_ascii_digit() => before.is_ascii_digit(),
        'F' => before.is_ascii_digit() && (after(2), after(3), after(4)) == (' ', 'C', 'F'),
        'C' => before == 'F' && (after(2), after(3)) == ('F', 'A'),
        _ => before == '«',
    }
}

fn without_spaces(glyphs: &[Glyph]) -> &[Glyph] {
    let is_ink = |glyph: &Glyph| glyph.character != ' ';
    let from = glyphs.iter().position(is_ink).unwrap_or(glyphs.len());
    let to = glyphs.iter().rposition(is_ink).map_or(from, |at| at + 1);
    &glyphs[from..to]
}
