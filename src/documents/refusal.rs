//! Why a document cannot be written.

use super::lack::Lack;
use crate::domain::Currency;
use crate::domain::refusal::Reasons;

/// Why a document cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unwritable {
    /// The font has no such character.
    Glyph { number: String, character: char },
    /// A font or a picture of the operator that cannot be used; `what` is its key in the config.
    Asset { what: &'static str, message: String },
    /// The standard of e-invoices knows amounts of two decimals at most, and no currency that was withdrawn.
    CurrencyNotInStandard { number: String, currency: Currency },
    /// A French e-invoice in another currency says its tax in euros, by a rate that is not known here.
    CurrencyNeedsRate { number: String, currency: Currency },
    /// An e-invoice says more than is known.
    Incomplete { number: String, lacks: Vec<Lack> },
}

impl Unwritable {
    /// Whether it is the e-invoice that cannot be written: a PDF without it can.
    pub fn is_of_the_einvoice(&self) -> bool {
        match self {
            Unwritable::CurrencyNotInStandard { .. }
            | Unwritable::CurrencyNeedsRate { .. }
            | Unwritable::Incomplete { .. } => true,
            Unwritable::Glyph { .. } | Unwritable::Asset { .. } => false,
        }
    }
}

impl Reasons for Unwritable {}
