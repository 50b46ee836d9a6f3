//! Tax, as it is worked out on what is billed.

/// Whether the amounts of an invoice are with tax in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TaxBasis {
    /// Tax is added to them.
    #[default]
    Exclusive,
    /// Tax is in them.
    Inclusive,
}
