//! What a person reads when something was refused: a message, a hint, a code for scripts and the
//! exit status. The words of every refusal stand here and nowhere else.

pub mod api;
pub mod einvoice;
mod rooms;
mod rules;
mod usage;
mod values;

use std::fmt::Write as _;

use serde_json::Value;

use crate::domain::Refusal;
use crate::domain::refusal::Reasons;
use crate::domain::text::printable;

/// Exit statuses that scripts rely on.
pub mod exit {
    /// Done.
    pub const DONE: u8 = 0;
    /// Refused or failed; nothing was changed.
    pub const REFUSED: u8 = 1;
    /// The command line is wrong.
    pub const USAGE: u8 = 2;
    /// A task did its work, but some items failed or were held back.
    pub const PARTIAL: u8 = 3;
    /// Done, but the result could not be written (`EX_IOERR` of sysexits.h).
    pub const DONE_UNSAID: u8 = 74;
    /// Another run holds the lock (`EX_TEMPFAIL` of sysexits.h).
    pub const TRY_LATER: u8 = 75;
}

/// Standard output cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unprintable {
    pub message: String,
    /// Nobody reads it any more.
    pub reader_gone: bool,
}

impl Reasons for Unprintable {}

/// A failure in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For scripts: `snake_case`, never renamed.
    pub code: &'static str,
    pub message: String,
    /// What to do, where that can be said.
    pub hint: Option<String>,
    pub exit: u8,
    /// More for programs: the fields of an object, or null.
    pub details: Value,
}

impl Failure {
    /// A failure of a command, exit status 1.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        let (message, hint, exit) = (message.into(), None, exit::REFUSED);
        Failure { code, message, hint, exit, details: Value::Null }
    }

    /// A command line that cannot be carried out, exit status 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Failure { exit: exit::USAGE, ..Failure::new("usage", message) }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same of a command that had changed something by then. Where the result alone could not be
    /// written, what was asked is done: `invoice pay … > /dev/full`, run again, pays twice.
    #[must_use]
    pub fn after_changes(self) -> Self {
        if self.code != UNPRINTED {
            return self;
        }
        let told = new("done_not_printed", format!("done, but {}", self.message));
        Failure { exit: exit::DONE_UNSAID, ..told }
            .hint("do not do it again; billing event list shows what was changed")
    }

    /// The words for whatever a command returned. Context that was added on the way up comes
    /// first.
    pub fn of(error: &anyhow::Error) -> Failure {
        let mut failure = match (error.downcast_ref::<Refusal>(), error.downcast_ref::<Failure>()) {
            (Some(refusal), _) => Failure::from(refusal),
            (None, Some(failure)) => failure.clone(),
            // Whatever reads or writes a file names it in a refusal: this is standard output.
            (None, None) if error.is::<std::io::Error>() => cannot_print(&error.to_string()),
            (None, None) => Failure::new("internal", error.root_cause().to_string()),
        };
        let context: Vec<String> = error
            .chain()
            .take_while(|link| !link.is::<Refusal>() && !link.is::<Failure>())
            .filter(|link| !link.is::<std::io::Error>())
            .map(ToString::to_string)
            .filter(|text| *text != failure.message)
            .collect();
        if !context.is_empty() {
            failure.message = format!("{}: {}", context.join(": "), failure.message);
        }
        failure
    }

    /// The failure as it is printed: one line of JSON, or `error:` and `hint:` lines.
    pub fn render(&self, json: bool) -> String {
        if json {
            let mut error = serde_json::json!({
                "code": self.code, "message": self.message, "hint": self.hint,
            });
            for (name, value) in self.details.as_object().into_iter().flatten() {
                error[name] = value.clone();
            }
            return format!("{}\n", serde_json::json!({ "error": error }));
        }
        let mut text = format!("error: {}\n", printable(&self.message));
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "hint: {}", printable(hint));
        }
        text
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

fn new(code: &'static str, message: impl Into<String>) -> Failure {
    Failure::new(code, message)
}

/// The code of [`cannot_print`].
const UNPRINTED: &str = "output";

fn cannot_print(message: &str) -> Failure {
    new("output", format!("cannot write the result: {}", plain_io(message)))
}

/// What the system said, without the number that it has for it.
fn plain_io(message: &str) -> &str {
    message.split_once(" (os error ").map_or(message, |(words, _)| words)
}
