//! The locks of a database: one for deciding, one for delivering, one for telling hooks, one for charging. They are files beside it, locked
//! by the kernel, which frees them when a process dies.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::DateTime;

use crate::domain::schedule::Task;
use crate::domain::{Refusal, Result, RunId, act};
use crate::store::runs::Phase;
use crate::store::{Holder, Locked, Store, files};

/// A lock that is held until it is dropped. Meanwhile its file says who holds it.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    /// The file is closed after this, which gives the lock back.
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
    }
}

impl Lock {
    /// Takes the lock of a phase of the database at `db`; waits for it so long.
    ///
    /// # Errors
    /// Another run holds it, or its file cannot be made.
    pub fn take(db: &Path, phase: Phase, task: Task, wait: Duration) -> Result<Lock> {
        Lock::wait_for(db, &path(db, phase), task.word(), task.word(), wait)
    }

    /// Takes the lock of charging: of all processes that call a gateway for this database, one does
    /// at a time, so that an attempt without an answer is never one that another process is at.
    ///
    /// # Errors
    /// Another process holds it, or its file cannot be made.
    pub fn take_charging(db: &Path, actor: &str, wait: Duration) -> Result<Lock> {
        let name = actor.strip_prefix("task:").unwrap_or(actor);
        Lock::wait_for(db, &beside(db, ".charging.lock"), "charging", name, wait)
    }

    /// `what` cannot begin while another holds the lock; `name` is who will hold it.
    fn wait_for(db: &Path, path: &Path, what: &str, name: &str, wait: Duration) -> Result<Lock> {
        let until = Instant::now() + wait;
        loop {
            if let Some(lock) = Lock::try_path(db, path, name)? {
                return Ok(lock);
            }
            if Instant::now() >= until {
                let (what, path) = (what.to_owned(), path.to_owned());
                return Err(Locked { holder: holder(&path), what, path }.into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Takes the lock if nobody holds it but, for a moment, someone who only looks.
    ///
    /// # Errors
    /// Its file cannot be made.
    pub fn try_take(db: &Path, phase: Phase, task: Task) -> Result<Option<Lock>> {
        Lock::try_path(db, &path(db, phase), task.word())
    }

    fn try_path(db: &Path, path: &Path, name: &str) -> Result<Option<Lock>> {
        let file = open(db, path)?;
        for _ in 0..LOOKS {
            match file.try_lock() {
                Ok(()) => {
                    let lock = Lock { file };
                    lock.name_holder(name).map_err(|e| Refusal::file(path, "lock", &e))?;
                    return Ok(Some(lock));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(A_LOOK),
                Err(TryLockError::Error(e)) => return Err(Refusal::file(path, "lock", &e)),
            }
        }
        Ok(None)
    }

    /// When the lock was taken is when this was written.
    fn name_holder(&self, name: &str) -> std::io::Result<()> {
        self.file.set_len(0)?;
        (&self.file).write_all(format!("{} {name}\n", std::process::id()).as_bytes())
    }
}

/// Who holds a lock, where the file says it: another program may have taken it, or the holder has not
/// written its name yet.
fn holder(path: &Path) -> Option<Holder> {
    let written = DateTime::from_timestamp(std::fs::metadata(path).ok()?.mtime(), 0)?;
    let text = std::fs::read_to_string(path).ok()?;
    let (pid, name) = text.trim_end().split_once(' ')?;
    let since = act::instant(written);
    Some(Holder { name: name.to_owned(), pid: pid.parse().ok()?, since })
}

/// [`is_held`] has to take a lock to see whether it is free. It has given it back long before all
/// these looks are over, so that nobody is turned away because someone looked.
const LOOKS: u32 = 20;
const A_LOOK: Duration = Duration::from_millis(5);

fn open(db: &Path, path: &Path) -> Result<File> {
    files::open_beside(db, path).map_err(|e| Refusal::file(path, "lock", &e))
}

/// Whether a task holds the lock. Any number may look at once, and none is taken for a task.
fn is_held(db: &Path, phase: Phase) -> Result<bool> {
    let path = path(db, phase);
    match open(db, &path)?.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(e)) => Err(Refusal::file(&path, "lock", &e)),
    }
}

fn path(db: &Path, phase: Phase) -> PathBuf {
    match phase {
        Phase::Deciding => beside(db, ".lock"),
        Phase::Delivering => beside(db, ".delivery.lock"),
        Phase::Telling => beside(db, ".hooks.lock"),
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
        let looks = open(&db, &path(&db, Phase::Deciding)).unwrap();
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
            assert!(Lock::try_take(&db, Phase::Deciding, task).unwrap().is_none());
            drop(lock);
        });
    }

    #[test]
    fn who_is_turned_away_is_told_who_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let db = folder.path().join("billing.db");
        let take = |task| Lock::take(&db, Phase::Deciding, task, Duration::ZERO);
        let held = take(Task::GenerateRecurringInvoices).unwrap();
        let refusal = take(Task::CheckOverdue).unwrap_err();
        let locked: &Locked = refusal.of().unwrap();
        let holder = locked.holder.as_ref().unwrap();
        assert_eq!(locked.what, "check-overdue");
        assert_eq!(
            (holder.name.as_str(), holder.pid),
            ("generate-recurring-invoices", std::process::id())
        );
        assert!(DateTime::parse_from_rfc3339(&holder.since).is_ok());
        drop(held);
        assert!(holder_of(&db).is_none());
        take(Task::CheckOverdue).unwrap();
    }

    fn holder_of(db: &Path) -> Option<Holder> {
        holder(&path(db, Phase::Deciding))
    }
}
