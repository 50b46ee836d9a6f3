//! Why a file cannot be imported.

use std::path::PathBuf;

use crate::domain::refusal::{Reasons, Why};

/// A row of an imported file that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Line of the file, from 1; the header is line 1.
    pub line: u64,
    /// The column's name; empty where the whole row is meant.
    pub column: String,
    pub value: String,
    pub why: Why,
}

/// Why a file cannot be imported; nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// A CSV file with rows that cannot be taken.
    Rows { path: PathBuf, rows: Vec<BadRow> },
    /// Columns that no event of usage has, or that are lacking.
    Columns { path: PathBuf, problems: Vec<String> },
    /// A header that does not have the columns of its kind: all that is wrong with it.
    Header { path: PathBuf, problems: Vec<String> },
    /// Its columns are set apart by something else.
    Delimiter { path: PathBuf, found: char, expected: char },
}

impl Reasons for Unreadable {}
