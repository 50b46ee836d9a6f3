//! The stages of dunning.

use super::words;

words! {
    /// The stages of the ladder, lowest first.
    Stage {
        Friendly = "friendly",
        Urgent = "urgent",
        Warning = "warning",
        Suspension = "suspension",
    }
}
