//! The PDF and the e-invoice of an invoice or credit note, from what it says on paper
//! ([`Document`](crate::domain::document::Document)). Nothing here reads a clock, a file or the database: the
//! same document is always the same bytes.

mod refusal;

pub use refusal::Unwritable;
