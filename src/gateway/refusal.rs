//! Why no gateway can be asked.

use crate::domain::refusal::Reasons;

/// Why no gateway can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unavailable {
    /// None is configured.
    None,
    /// It makes no checkouts, or there is none.
    Checkouts { gateway: String },
    /// It refused one, and in what words.
    Checkout { code: String, message: Option<String> },
    /// It gives nothing back.
    Refunds { gateway: String },
    /// What is to go back was taken by another one.
    Another { took: String, gateway: String },
    /// A setting under `[payments]` that it cannot do with.
    Setting { place: String, message: String },
}

impl Reasons for Unavailable {}
