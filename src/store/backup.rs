//! Copies of the database: each checked and on disk before it gets its name.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::Connection;

use super::check::{CHECKS, Check, Found};
use super::files::{self, Owner};
use super::{Access, Fault, FaultKind, Store, VERSION, at_path, fault};
use crate::domain::{Refusal, Result};

/// Which copies are worth their name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copies {
    /// Those in which `db check` finds nothing, but for a check that the config makes no sense of.
    Checked { but: Option<&'static str> },
    /// Those that SQLite can read: for what is looked at and thrown away, or better than nothing.
    Readable,
}

impl Store {
    /// Copies the database, as it stands at one moment, into a new file readable by its owner alone.
    ///
    /// # Errors
    /// The target is there already or cannot be written, or the copy is not sound.
    pub fn backup(&self, target: &Path, which: Copies) -> Result<()> {
        if target.exists() {
            return Err(Refusal::WouldOverwrite { path: target.to_owned() });
        }
        let id = uuid::Uuid::new_v4().simple().to_string();
        let part = files::with_ending(target, &format!(".{id}.part"));
        let done = self.backup_into(&part).and_then(|()| {
            if let Copies::Checked { but } = which {
                check_copy(&part, target, but)?;
            }
            files::remove_logs(target).map_err(|e| Refusal::file(target, "make", &e))?;
            files::put_in_place(&part, target)
        });
        if done.is_err() {
            std::fs::remove_file(&part).ok();
        }
        done
    }

    fn backup_into(&self, part: &Path) -> Result<()> {
        let file_error = |e: std::io::Error| Refusal::file(part, "make", &e);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(part)
            .map_err(file_error)?;
        if let Some(owner) = Owner::of(&self.path) {
            owner.take(part);
        }
        let copy = || -> rusqlite::Result<String> {
            let mut to = Connection::open(part)?;
            // In one step, so that a busy writer cannot make it start over and over.
            rusqlite::backup::Backup::new(&self.conn, &mut to)?.step(-1)?;
            // The copy is one file, without a -wal beside it.
            to.pragma_update(None, "journal_mode", "DELETE")?;
            to.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        };
        let verdict = copy().map_err(|e| at_path(part, e.into()))?;
        if verdict != "ok" {
            return Err(fault(part, FaultKind::Corrupt(verdict)));
        }
        file.sync_all().map_err(file_error)
    }
}

/// Proves of a copy what `db check` proves: one that is needed has to be good. Of another version only
/// what holds of every file.
fn check_copy(part: &Path, target: &Path, but: Option<&str>) -> Result<()> {
    let mut copy = Store::open_any_version(part, Access::Read)?;
    let (mut total, mut first) = (0, None);
    let mut count = |found: Found| {
        total += found.findings.len() as u64 + found.more;
        first = first.take().or(found.findings.into_iter().next());
    };
    if copy.version()? == VERSION {
        copy.check_each(|check, found| {
            if Some(check.name) != but {
                count(found);
            }
            Ok(())
        })?;
    } else {
        let of_every_file = |check: &&Check| ["file", "references"].contains(&check.name);
        for check in CHECKS.iter().filter(of_every_file) {
            count(copy.check(check)?);
        }
    }
    match first {
        None => Ok(()),
        Some(first) => {
            let first = format!("{}: {}", first.check, first.detail);
            let kind = FaultKind::Unsound { found: total, first };
            Err(Fault { path: target.to_owned(), kind }.into())
        }
    }
}
