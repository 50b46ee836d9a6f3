//! Why an e-mail cannot be drawn up or handed over.

use crate::domain::refusal::Reasons;

/// Why an e-mail cannot be drawn up or handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undeliverable {
    /// A template that cannot be rendered; `name` is its file, where it is the operator's.
    Template { name: String, message: String },
    /// An address, a header or a setting of the transport.
    Transport { message: String },
}

impl Reasons for Undeliverable {}
