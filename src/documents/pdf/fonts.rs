//! Fonts: what can be used, how wide text is, and the part of a font that a document takes along.

use std::borrow::Cow;

use subsetter::GlyphRemapper;
use ttf_parser::{Face, GlyphId, Permissions, Tag};
use unicode_normalization::UnicodeNormalization;

use crate::documents::Unwritable;
use crate::domain::Result;

use super::grid::{Length, Style, Weight};
use super::lean::lean;

/// A font that was found usable.
#[derive(Debug)]
pub struct Font {
    /// Its key in the config.
    what: &'static str,
    data: Cow<'static, [u8]>,
    /// What it calls itself, in letters that a PDF takes.
    pub name: String,
    pub metrics: Metrics,
    pub outlines: Outlines,
}

/// How a font draws its glyphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlines {
    TrueType,
    Cff,
}

/// The places of the fonts.
pub const REGULAR: usize = 0;
pub const BOLD: usize = 1;

/// In thousandths of the size.
#[derive(Debug, Clone, Copy)]
pub struct Metrics {
    pub ascent: i32,
    pub descent: i32,
    pub cap_height: i32,
    /// Left, bottom, right, top.
    pub bounds: [i32; 4],
    pub is_bold: bool,
}

/// A character as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyph {
    /// The place of the font that has it: that of the regular or of the bold one.
    pub font: usize,
    pub id: u16,
    /// In thousandths of the size.
    pub advance: u16,
    pub character: char,
}

/// Text in one line.
#[derive(Debug, Clone)]
pub struct Text {
    pub glyphs: Vec<Glyph>,
    pub style: Style,
    pub width: Length,
}

/// Sets the text of one document.
pub struct Setter<'a> {
    faces: Vec<Option<Face<'a>>>,
    number: &'a str,
}

/// The glyphs of a font that a document uses.
#[derive(Debug)]
pub struct Used {
    glyphs: GlyphRemapper,
    /// By their place in the document's font, which begins with that of what is missing.
    pub advances: Vec<u16>,
    pub characters: Vec<char>,
}

impl Font {
    /// Reads a font; `what` is its key in the config.
    pub fn new(what: &'static str, data: Cow<'static, [u8]>) -> Result<Font> {
        let amiss = |message: String| Unwritable::Asset { what, message };
        if data.starts_with(b"wOFF") || data.starts_with(b"wOF2") {
            return Err(amiss("a font of the web (WOFF): take its TTF".to_owned()).into());
        }
        let face = Face::parse(&data, 0).map_err(|e| amiss(format!("not a TTF: {e}")))?;
        let has = |tag| face.raw_face().table(Tag::from_bytes(tag)).is_some();
        let outlines = match (has(b"glyf"), has(b"CFF ")) {
            (true, _) => Outlines::TrueType,
            (false, true) => Outlines::Cff,
            _ => return Err(amiss("a font without outlines".to_owned()).into()),
        };
        let restricted = face.permissions() == Some(Permissions::Restricted);
        if restricted || !face.is_subsetting_allowed() || !face.is_outline_embedding_allowed() {
            return Err(amiss("its license forbids to embed it (OS/2 fsType)".to_owned()).into());
        }
        // What the part of a document would fail at is told before there is one.
        subsetter::subset(&data, 0, &GlyphRemapper::new())
            .map_err(|e| amiss(format!("not a TTF that can be cut: {e}")))?;
        let (name, metrics) = (name_of(&face), Metrics::of(&face));
        Ok(Font { what, data, name, metrics, outlines })
    }

    /// The part of the font that has these glyphs: a TrueType font, or the table of a CFF font alone.
    pub fn part(&self, used: &Used) -> Result<Vec<u8>> {
        let amiss = |message: String| Unwritable::Asset { what: self.what, message };
        let part = subsetter::subset(&self.data, 0, &used.glyphs)
            .map_err(|e| amiss(format!("it cannot be cut: {e}")))?;
        match self.outlines {
            Outlines::TrueType => Ok(lean(&part).unwrap_or(part)),
            Outlines::Cff => ttf_parser::RawFace::parse(&part, 0)
                .ok()
                .and_then(|face| face.table(Tag::from_bytes(b"CFF ")).map(<[u8]>::to_vec))
                .ok_or_else(|| amiss("it cannot be cut".to_owned()).into()),
        }
    }
}

/// The name of the font in letters that a PDF takes.
fn name_of(face: &Face<'_>) -> String {
    let names = face.names().into_iter();
    let own = names.filter(|name| name.name_id == ttf_parser::name_id::POST_SCRIPT_NAME);
    let own = own.filter_map(|name| name.to_string()).next().unwrap_or_default();
    let name: String =
        own.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(60).collect();
    if name.is_empty() { "Font".to_owned() } else { name }
}

impl Metrics {
    fn of(face: &Face<'_>) -> Metrics {
        let scaled = |units: i16| thousandths(i32::from(units), face);
        let bounds = face.global_bounding_box();
        // Old fonts do not say it.
        let of_h = || Some(face.glyph_bounding_box(face.glyph_index('H')?)?.y_max);
        let cap_height = face.capital_height().or_else(of_h).unwrap_or(face.ascender());
        Metrics {
            ascent: scaled(face.ascender()),
            descent: scaled(face.descender()),
            cap_height: scaled(cap_height),
            bounds: [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(scaled),
            is_bold: face.is_bold(),
        }
    }
}

/// Units of the font in thousandths of its size, to the nearest.
fn thousandths(units: i32, face: &Face<'_>) -> i32 {
    let whole = i32::from(face.units_per_em());
    (units * 1000 + whole / 2).div_euclid(whole)
}

impl<'a> Setter<'a> {
    /// For the document of that number.
    pub fn new(fonts: &'a [Font], number: &'a str) -> Setter<'a> {
        let faces = fonts.iter().map(|font| Face::parse(&font.data, 0).ok()).collect();
        Setter { faces, number }
    }

    /// The text in one line.
    pub fn line(&self, text: &str, style: Style) -> Result<Text> {
        Ok(Text::new(self.glyphs(text, style.weight)?, style))
    }

    /// The glyphs of a text, from the font of its weight where that has them, else from the other. Marks that were
    /// typed behind their letters are one with them first, as fonts have them.
    pub fn glyphs(&self, text: &str, weight: Weight) -> Result<Vec<Glyph>> {
        let fonts = if weight == Weight::Bold { [BOLD, REGULAR] } else { [REGULAR, BOLD] };
        text.nfc()
            .map(|character| {
                let candidates = [character, stand_in(character)];
                let found = candidates
                    .into_iter()
                    .flat_map(|c| fonts.iter().map(move |font| (c, *font)))
                    .find_map(|(c, font)| self.glyph(c, font));
                let missing =
                    || Unwritable::Glyph { number: self.number.to_owned(), character }.into();
                found.ok_or_else(missing)
            })
            .collect()
    }

    fn glyph(&self, character: char, font: usize) -> Option<Glyph> {
        let face = self.faces.get(font)?.as_ref().filter(|_| !needs_shaping(character))?;
        let id = face.glyph_index(character).filter(|id| *id != GlyphId(0))?;
        let advance = thousandths(i32::from(face.glyph_hor_advance(id)?), face);
        Some(Glyph { font, id: id.0, advance: u16::try_from(advance).ok()?, character })
    }
}

/// Whether the script of a character joins or reorders its letters, or runs from right to left: what would be
/// drawn, although the font has it, is not what was written.
fn needs_shaping(character: char) -> bool {
    matches!(character, '\u{590}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{18af}'
        | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' | '\u{10800}'..='\u{11fff}')
}

/// What is drawn where a font has no such space or hyphen.
fn stand_in(character: char) -> char {
    match character {
        '\u{a0}' | '\u{202f}' | '\u{2009}' => ' ',
        '\u{2011}' => '-',
        other => other,
    }
}

impl Text {
    pub fn new(glyphs: Vec<Glyph>, style: Style) -> Text {
        let width = width(&glyphs, style);
        Text { glyphs, style, width }
    }
}

/// How wide these glyphs are side by side.
pub fn width(glyphs: &[Glyph], style: Style) -> Length {
    let thousandths: i64 = glyphs.iter().map(|glyph| i64::from(glyph.advance)).sum();
    Length::try_from(thousandths * i64::from(style.size) / 1000).unwrap_or(Length::MAX)
}

impl Used {
    pub fn new() -> Used {
        Used { glyphs: GlyphRemapper::new(), advances: Vec::new(), characters: Vec::new() }
    }

    /// The place of a glyph in the document's font.
    pub fn place(&mut self, glyph: Glyph) -> u16 {
        let place = self.glyphs.remap(glyph.id);
        // Places are given one by one; what two characters share is copied as the first.
        if usize::from(place) > self.advances.len() {
            self.advances.push(glyph.advance);
            self.characters.push(glyph.character);
        }
        place
    }

    pub fn is_empty(&self) -> bool {
        self.advances.is_empty()
    }
}
