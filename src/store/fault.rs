//! What is wrong with a database or its file.

use std::path::PathBuf;

use crate::domain::refusal::Reasons;

/// What is wrong, and with which file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub path: PathBuf,
    pub kind: FaultKind,
}

impl Reasons for Fault {
    fn are_of_the_item(&self) -> bool {
        self.kind.is_of_the_item()
    }
}

/// Another run holds the lock of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    /// What cannot begin: a task, or charging.
    pub what: String,
    /// The lock's file.
    pub path: PathBuf,
    /// Who holds it, where that is known.
    pub holder: Option<Holder>,
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// A task, or the actor that charges.
    pub name: String,
    pub pid: u32,
    /// An instant of the machine's clock, RFC 3339.
    pub since: String,
}

impl Reasons for Locked {}

/// What the database or its file said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    Missing,
    NotADatabase,
    NotOurs,
    Corrupt(String),
    /// A copy in which `db check` finds so much, and the first of it.
    Unsound {
        found: u64,
        first: String,
    },
    Newer {
        found: i64,
        known: i64,
    },
    Older {
        found: i64,
        known: i64,
    },
    ReadOnly,
    /// Bytes that are free and bytes that are needed, where that is known.
    Full {
        room: Option<(u64, u64)>,
    },
    Busy,
    Denied,
    Io(String),
    /// A rule of the schema (CHECK, UNIQUE, FOREIGN KEY, trigger) said no.
    Constraint(String),
    Other(String),
}

impl FaultKind {
    /// Whether the fault lies with the item that was written (and others may still be written),
    /// not with the file or the disk.
    pub fn is_of_the_item(&self) -> bool {
        matches!(self, FaultKind::Constraint(_) | FaultKind::Other(_))
    }
}
