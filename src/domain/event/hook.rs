//! What happens to hooks.

use super::data::kinds;
use crate::domain::EventId;
use crate::domain::hook::HookState;

kinds! {
    /// What happens to a hook.
    HookEvent<'a> {
        /// A hook said that it wants no more: nothing goes to it until a person has it go on.
        Stopped = "hook_stopped" {
            /// Its name.
            hook: &'a str,
            /// The event that it was called with.
            event: EventId,
        },
        /// A person had a hook go on: it is called again with the event that it had not taken.
        Resumed = "hook_resumed" {
            /// Its name.
            hook: &'a str,
            /// How it stood until then.
            state_before: HookState,
        },
        /// A person had events sent to a hook again.
        Replayed = "hook_replayed" {
            /// Its name.
            hook: &'a str,
            /// All events after this one are sent again; `evt_0`: all there are.
            after: EventId,
            /// The last event that it had been told of.
            told_before: EventId,
        },
        /// A person had a hook pass over an event that it did not take.
        Skipped = "hook_skipped" {
            /// Its name.
            hook: &'a str,
            /// The event.
            event: EventId,
            /// The kind of the event.
            kind: &'a str,
        },
    }
}
