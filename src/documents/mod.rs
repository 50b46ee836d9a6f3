//! The PDF and the e-invoice of an invoice or credit note, from what it says on paper
//! ([`Document`](crate::domain::document::Document)). Nothing here reads a clock, a file or the database: the
//! same document is always the same bytes.

pub mod einvoice;
mod lack;
pub mod pdf;
mod refusal;
mod xml;

pub use lack::{Lack, Side};
pub use pdf::{Assets, Typesetter};
pub use refusal::Unwritable;
