//! The locks of a database: one for deciding, one for delivering, one for charging. They are files beside it, locked
//! by the kernel, which frees them when a process dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::domain::schedule::Task;
use crate::domain::{Refusal, Result, RunId};
use crate::store::runs::Phase;
use crate::store::{Locked, Store};

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a phase of the database at `db`; waits for it so long.
    ///
    /// # Errors
    /// Another run holds it, or its file cannot be made.
    pub fn take(db: &Path, phase: Phase, task: Task, wait: Duration) -> Result<Lock> {
        Lock::wait_for(&path(db, phase), task.word(), wait)
    }

    /// Takes the lock of charging: of all processes that call a gateway for this database, one does
    /// at a time, so that an attempt without an answer is never one that another process is at.
    ///
    /// # Errors
    /// Another process holds it, or its file cannot be made.
    pub fn take_charging(db: &Path, wait: Duration) -> Result<Lock> {
        Lock::wait_for(&beside(db, ".charging.lock"), "charging", wait)
    }

    fn wait_for(path: &Path, what: &str, wait: Duration) -> Result<Lock> {
        let until = Instant::now() + wait;
        loop {
            if let Some(lock) = Lock::try_path(path)? {
                return Ok(lock);
            }
            if Instant::now() >= until {
                return Err(Locked { task: what.to_owned() }.into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Takes the lock if nobody holds it but, for a moment, someone who only looks.
    ///
    /// # Errors
    /// Its file cannot be made.
    pub fn try_take(db: &Path, phase: Phase) -> Result<Option<Lock>> {
        Lock::try_path(&path(db, phase))
    }

    fn try_path(path: &Path) -> Result<Option<Lock>> {
        let file = open(path)?;
        for _ in 0..LOOKS {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Lock { _file: file })),
                Err(TryLockError::WouldBlock) => std::thread::sleep(A_LOOK),
                Err(TryLockError::Error(e)) => return Err(Refusal::file(path, "lock", &e)),
            }
        }
        Ok(None)
    }
}

/// [`is_held`] has to take a lock to see whether it is free. It has given it back long before all
/// these looks are over, so that nobody is turned away because someone looked.
const LOOKS: u32 = 20;
const A_LOOK: Duration = Duration::from_millis(5);

fn open(path: &Path) -> Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|e| Refusal::file(path, "lock", &e))
}

/// Whether a task holds the lock. Any number may look at once, and none is taken for a task.
fn is_held(db: &Path, phase: Phase) -> Result<bool> {
    let path = path(db, phase);
    match open(&path)?.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(e)) => Err(Refusal::file(&path, "lock", &e)),
    }
}

fn path(db: &Path, phase: Phase) -> PathBuf {
    match phase {
        Phase::Deciding => beside(db, ".lock"),
        Phase::Delivering => beside(db, ".delivery.lock"),
    }
}

/// Beside the real file, so that a run through a symbolic link meets the same lock.
fn beside(db: &Path, ending: &str) -> PathBuf {
    let mut name = std::fs::canonicalize(db).unwrap_or_else(|_| db.to_owned()).into_os_string();
    name.push(ending);
    PathBuf::from(name)
}

/// The runs that died: marked as running while nobody holds the lock of their phase.
///
/// # Errors
/// A lock's file cannot be made, or a fault of the database.
pub fn dead_runs(store: &mut Store) -> Result<Vec<RunId>> {
    let mut unheld = Vec::new();
    for (run, phase) in store.read(|db| db.running())? {
        if !is_held(store.path(), phase)? {
            unheld.push((run, phase));
        }
    }
    if unheld.is_empty() {
        return Ok(Vec::new());
    }
    // One that lived when it was read may have ended, or gone on to its next phase, before its
    // lock was looked at; then its row says so by now.
    let still = store.read(|db| db.running())?;
    Ok(unheld.into_iter().filter(|run| still.contains(run)).map(|(run, _)| run).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_turned_away_because_someone_looked() {
        let folder = tempfile::tempdir().unwrap();
        let db = folder.path().join("billing.db");
        let looks = open(&path(&db, Phase::Deciding)).unwrap();
        looks.lock_shared().unwrap();
        assert!(!is_held(&db, Phase::Deciding).unwrap());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(A_LOOK);
                drop(looks);
            });
            let task = Task::CheckOverdue;
            let lock = Lock::take(&db, Phase::Deciding, task, Duration::ZERO).unwrap();
            assert!(is_held(&db, Phase::Deciding).unwrap());
            assert!(Lock::try_take(&db, Phase::Deciding).unwrap().is_none());
            drop(lock);
        });
    }
}
