//! A document as PDF/A-3b, with the e-invoice inside where there is one.
//!
//! From the bottom up: [`grid`] has the measures of the page, [`fonts`] turns text into glyphs, [`marks`] is what
//! lies on a page, [`flow`] breaks blocks into pages, [`sheet`] says which blocks a document has, and [`canvas`],
//! [`xmp`] and [`file`] write it all down. Lengths are whole hundredths of a point, so that floating point
//! stands in [`canvas`] alone.

mod canvas;
mod epc;
mod figures;
mod file;
mod flow;
mod fonts;
mod grid;
mod lean;
mod marks;
mod payment;
mod picture;
mod sheet;
mod table;
mod totals;
mod words;
mod wrap;
mod xmp;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use miniz_oxide::deflate::compress_to_vec_zlib;

use crate::domain::Result;
use crate::domain::document::Document;

use self::fonts::{Font, Setter};
use self::picture::Picture;

/// What the operator brings along; what is `None` is as built in, and there is no built-in logo.
#[derive(Debug, Default)]
pub struct Assets {
    /// A TrueType or OpenType font.
    pub font: Option<Vec<u8>>,
    pub font_bold: Option<Vec<u8>>,
    /// A PNG or JPEG.
    pub logo: Option<Vec<u8>>,
}

/// Sets documents. Made once, used for all of a run.
#[derive(Debug)]
pub struct Typesetter {
    /// The regular one, and the bold one where there is one.
    fonts: Vec<Font>,
    logo: Option<Picture>,
    /// The color profile, deflated.
    profile: Vec<u8>,
}

const REGULAR: &[u8] = include_bytes!("fonts/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("fonts/DejaVuSans-Bold.ttf");
const PROFILE: &[u8] = include_bytes!("pdf/srgb.icc");

impl Typesetter {
    /// # Errors
    /// A font or a logo that cannot be used.
    pub fn new(assets: &Assets) -> Result<Typesetter> {
        let own = |data: &Option<Vec<u8>>| data.clone().map(Cow::Owned);
        let regular = own(&assets.font).unwrap_or(Cow::Borrowed(REGULAR));
        // The bold one that is built in is of another family than a font of the operator: its own glyphs are
        // drawn bolder instead.
        let built_in = assets.font.is_none().then_some(Cow::Borrowed(BOLD));
        let bold = own(&assets.font_bold).or(built_in);
        let mut fonts = vec![Font::new("font", regular)?];
        fonts.extend(bold.map(|bold| Font::new("font_bold", bold)).transpose()?);
        Ok(Typesetter {
            fonts,
            logo: assets.logo.as_deref().map(Picture::read).transpose()?,
            profile: deflated(PROFILE),
        })
    }

    /// The document as a PDF; `einvoice` is its Cross Industry Invoice, which then lies inside as Factur-X.
    ///
    /// # Errors
    /// A character that neither font has.
    pub fn pdf(&self, document: &Document, einvoice: Option<&str>) -> Result<Vec<u8>> {
        let setter = Setter::new(&self.fonts, &document.number);
        let pages = sheet::pages(document, &setter, self.logo.as_ref().map(Picture::size))?;
        file::write(self, document, &pages, einvoice)
    }
}

/// The bytes as most streams of a file have them.
fn deflated(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec_zlib(bytes, 6)
}
