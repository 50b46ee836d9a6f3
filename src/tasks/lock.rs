//! The locks of a database: one for deciding, one for delivering. They are files beside it, locked
//! by the kernel, which frees them when a process dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::domain::schedule::Task;
use crate::domain::{Refusal, Result};
use crate::store::runs::Phase;
use crate::store::{Run, RunStatus};

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
        let until = Instant::now() + wait;
        loop {
            if let Some(lock) = Lock::try_take(db, phase)? {
                return Ok(lock);
            }
            if Instant::now() >= until {
                return Err(Refusal::Locked { task: task.word().to_owned() });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Takes the lock if nobody holds it.
    ///
    /// # Errors
    /// Its file cannot be made.
    pub fn try_take(db: &Path, phase: Phase) -> Result<Option<Lock>> {
        let path = path(db, phase);
        let failed = |e: std::io::Error| Refusal::file(&path, "lock", &e);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(failed(e)),
        }
    }
}

/// Beside the real file, so that a run through a symbolic link meets the same lock.
fn path(db: &Path, phase: Phase) -> PathBuf {
    let mut name = std::fs::canonicalize(db).unwrap_or_else(|_| db.to_owned()).into_os_string();
    name.push(match phase {
        Phase::Deciding => ".lock",
        Phase::Delivering => ".delivery.lock",
    });
    PathBuf::from(name)
}

/// How a run stands: one that is marked as running while nobody holds the lock of its phase died.
///
/// # Errors
/// The lock's file cannot be made.
pub fn status_of(db: &Path, run: &Run) -> Result<RunStatus> {
    match run.phase {
        Some(phase) if Lock::try_take(db, phase)?.is_some() => Ok(RunStatus::Interrupted),
        _ => Ok(run.status),
    }
}
