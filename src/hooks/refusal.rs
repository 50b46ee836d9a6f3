//! Why something is refused of a hook.

use crate::domain::EventId;
use crate::domain::refusal::Reasons;

/// Why something is refused of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookRefused {
    /// The configuration has none of that name; it may be that `meant` was.
    Unknown { name: String, meant: Option<String> },
    /// It did not take a made-up event, and why.
    Failed { name: String, why: String },
    /// It is told again only of what it was told of: the last event of that is `told`.
    NotToldYet { name: String, told: EventId },
    /// It is to be told of another event next, or of none.
    NotNext { name: String, event: EventId, next: Option<EventId> },
}

impl Reasons for HookRefused {}
