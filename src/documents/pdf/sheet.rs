//! The blocks of a document.

use crate::domain::Result;
use crate::domain::document::Document;

use super::fonts::Setter;
use super::grid::{LEFT, TITLE, TOP};
use super::marks::{Block, Mark};
use super::words;

/// The pages of a document; `logo` is how large the logo is, in dots.
pub fn pages(
    document: &Document,
    setter: &Setter<'_>,
    _logo: Option<(i32, i32)>,
) -> Result<Vec<Vec<Mark>>> {
    let mut block = Block::default();
    block.push(LEFT, setter.line(&words::title(document), TITLE)?);
    Ok(vec![block.marks.into_iter().map(|mark| mark.moved(0, TOP)).collect()])
}
