//! The file of a database as the system sees it, and what is made beside it: whole or not at all,
//! and its owner's.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, lchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};

use super::{FaultKind, crash_point, fault};
use crate::domain::{Refusal, Result};

/// To whom a file belongs that root makes for somebody else's database. SQLite does the same for its
/// log: one run as root would leave files that keep every later one out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    pub user: u32,
    pub group: u32,
}

impl Owner {
    /// The owner of the database at `db`; `None` where what we make is theirs already, or cannot be
    /// given to them, since we are not root.
    pub fn of(db: &Path) -> Option<Owner> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let meta = std::fs::metadata(db).ok()?;
        let owner = Owner { user: meta.uid(), group: meta.gid() };
        let ours = Owner { user: 0, group: rustix::process::getegid().as_raw() };
        Some(owner).filter(|owner| *owner != ours)
    }

    /// Gives a file or folder, which was just made, to the owner. A file system that knows no owners
    /// is no fault.
    pub fn take(self, made: &Path) {
        lchown(made, Some(self.user), Some(self.group)).ok();
    }
}

/// Opens a file beside the database at `db` to write, and makes it where it is not there: readable
/// by the database's owner alone, and theirs. A link is not followed: whoever may write into the
/// folder would have root write anywhere.
///
/// # Errors
/// No permission, no room, or a link.
pub fn open_beside(db: &Path, path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(NO_LINK);
    let file = options.open(path)?;
    if let Some(owner) = Owner::of(db) {
        let meta = file.metadata()?;
        // One with a second name elsewhere may be anybody's.
        if meta.is_file() && meta.nlink() == 1 && meta.uid() == 0 && owner.user != 0 {
            std::os::unix::fs::fchown(&file, Some(owner.user), Some(owner.group)).ok();
        }
    }
    Ok(file)
}

const NO_LINK: i32 = OFlags::NOFOLLOW.bits().cast_signed();

/// The bytes of a file; `None` where there is none, or something else has its name: a pipe would be waited for.
pub fn read_file(path: &Path) -> Option<Vec<u8>> {
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    std::fs::read(path).ok()
}

/// Opens a file to read; a link is not followed: root would read anything for whoever planted it.
///
/// # Errors
/// There is none, a link is there, or there is no permission.
pub fn open_to_read(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(NO_LINK | NO_WAIT).open(path)
}

const NO_WAIT: i32 = OFlags::NONBLOCK.bits().cast_signed();

/// Makes a folder, and those above it, where there is none: for its owner alone.
///
/// # Errors
/// A link is there, which would lead what is written elsewhere, or there is no permission.
pub fn make_folder(path: &Path, owner: Option<Owner>) -> Result<()> {
    let failed = |e: io::Error| Refusal::file(path, "make", &e);
    if path.is_symlink() {
        return Err(failed(io::Error::other("it is a symbolic link")));
    }
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        make_folder_above(above, owner)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(failed(e)),
        Ok(()) => {
            owner.into_iter().for_each(|owner| owner.take(path));
            Ok(())
        }
    }
}

/// A folder above another may well be a link: the operator put it there.
fn make_folder_above(path: &Path, owner: Option<Owner>) -> Result<()> {
    if path.is_dir() { Ok(()) } else { make_folder(path, owner) }
}

/// A file that is made under another name beside its own, which it gets when it is complete: what a
/// `kill -9` leaves behind is in nobody's way, and the next attempt writes over it. It goes where it
/// is dropped before.
#[derive(Debug)]
pub struct Part {
    file: File,
    path: PathBuf,
    target: PathBuf,
}

impl Part {
    /// Begins the file, empty, readable by its owner alone.
    ///
    /// # Errors
    /// It is there already, another process is making it, or there is no room or permission.
    pub fn begin(target: &Path) -> Result<Part> {
        Part::open(target, Earlier::Refused)
    }

    /// Begins the file anew, beside the one that may be there.
    ///
    /// # Errors
    /// Another process is making it, or there is no room or permission.
    pub fn begin_over(target: &Path) -> Result<Part> {
        Part::open(target, Earlier::Replaced)
    }

    fn open(target: &Path, earlier: Earlier) -> Result<Part> {
        let failed = |e: io::Error| Refusal::file(target, "make", &e);
        if let Some(folder) = target.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| Refusal::file(folder, "make", &e))?;
        }
        let path = Part::path_of(target);
        loop {
            if earlier == Earlier::Refused && target.symlink_metadata().is_ok() {
                return Err(Refusal::WouldOverwrite { path: target.to_owned() });
            }
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false).mode(0o600).custom_flags(NO_LINK);
            let file = options.open(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(failed(io::Error::other("another process is making it")));
                }
                Err(TryLockError::Error(e)) => return Err(failed(e)),
            }
            // Whoever held it a moment ago may have given it its name, or have taken it away.
            let identity = |meta: std::fs::Metadata| (meta.dev(), meta.ino());
            let mine = file.metadata().map(identity).map_err(failed)?;
            if std::fs::symlink_metadata(&path).map(identity).is_ok_and(|there| there == mine) {
                file.set_len(0).map_err(failed)?;
                return Ok(Part { file, path, target: target.to_owned() });
            }
        }
    }

    /// Whether an attempt to make `target` did not come to its end.
    pub fn is_left(target: &Path) -> bool {
        Part::path_of(target).exists()
    }

    fn path_of(target: &Path) -> PathBuf {
        with_ending(target, ".part")
    }

    /// Where it is meanwhile.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// No room.
    pub fn write(&mut self, text: &str) -> Result<()> {
        self.write_bytes(text.as_bytes())
    }

    /// Writes all of them.
    ///
    /// # Errors
    /// No room.
    pub fn write_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all(bytes);
        written.map_err(|e| Refusal::file(&self.target, "write", &e))
    }

    /// Gives it its name, once it is on disk.
    ///
    /// # Errors
    /// The name was taken meanwhile, or the disk failed.
    pub fn publish(self) -> Result<()> {
        let synced = self.file.sync_all();
        synced.map_err(|e| Refusal::file(&self.target, "make", &e))?;
        crash_point("before a file has its name");
        put_in_place(&self.path, &self.target)?;
        crash_point("after a file has its name");
        Ok(())
    }
}

impl Part {
    /// Gives it its name, once it is on disk, in place of the file that may be there.
    ///
    /// # Errors
    /// The disk failed.
    pub fn publish_over(self) -> Result<()> {
        let failed = |e: io::Error| Refusal::file(&self.target, "make", &e);
        self.file.sync_all().map_err(failed)?;
        std::fs::rename(&self.path, &self.target).map_err(failed)?;
        sync_folder_of(&self.target).map_err(failed)
    }
}

/// What becomes of a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Earlier {
    Refused,
    Replaced,
}

impl Drop for Part {
    /// Where it has its name already, there is nothing under the other one.
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).ok();
    }
}

/// Gives a complete file its name, never over another file.
pub(super) fn put_in_place(part: &Path, target: &Path) -> Result<()> {
    let failed = |e: io::Error| Refusal::file(target, "make", &e);
    let taken = || Refusal::WouldOverwrite { path: target.to_owned() };
    match renameat_with(CWD, part, CWD, target, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(rustix::io::Errno::EXIST) => return Err(taken()),
        // A file system that cannot look and rename in one step.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            if target.symlink_metadata().is_ok() {
                return Err(taken());
            }
            std::fs::rename(part, target).map_err(failed)?;
        }
        Err(e) => return Err(failed(e.into())),
    }
    sync_folder_of(target).map_err(failed)
}

/// Removes the logs of a database that is no more: they would be written into a new one of its name.
pub(super) fn remove_logs(path: &Path) -> io::Result<()> {
    for ending in ["-wal", "-shm", "-journal"] {
        match std::fs::remove_file(with_ending(path, ending)) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(())
}

/// The path with something behind its name.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Whether the log beside a database says that it is one of ours, where the file itself does not yet.
/// It is looked at without a change: a log that is closed would else be written back into the file.
fn log_is_ours(path: &Path) -> bool {
    let look = || -> rusqlite::Result<i64> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        conn.pragma_query_value(None, "application_id", |row| row.get(0))
    };
    look().is_ok_and(|id| id == super::APPLICATION_ID)
}

/// Refuses where the disk of `path` has less than `least` bytes free.
///
/// # Errors
/// Too little room. Where the file system does not say, there is room.
pub fn require_space(path: &Path, least: u64) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(disk) = rustix::fs::statvfs(folder) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < least {
        return Err(fault(path, FaultKind::Full { room: Some((free, least)) }));
    }
    Ok(())
}

/// Makes a new name in a folder last: the file's own bytes are on disk already.
fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Says what is wrong with a file before SQLite gets to see it: a missing, foreign or truncated
/// file is told in words, not as "malformed", and nothing is written into a foreign one.
pub(super) fn look_at(path: &Path) -> Result<()> {
    for _ in 0..LOOKS {
        match missing_bytes(path)? {
            None => return Ok(()),
            // Another process may be writing its log back into the file, page by page.
            Some(_) => std::thread::sleep(A_LOOK),
        }
    }
    match missing_bytes(path)? {
        None => Ok(()),
        Some(missing) => {
            Err(fault(path, FaultKind::Corrupt(format!("the file ends {missing} bytes too early"))))
        }
    }
}

/// A file that ends too early is looked at so often, so long apart: while the last of many commands
/// ends, its log is written back and goes away, and the header may be newer than the length.
const LOOKS: u32 = 40;
const A_LOOK: Duration = Duration::from_millis(5);

/// How many bytes a file lacks of what its header says, where it lacks any.
fn missing_bytes(path: &Path) -> Result<Option<u64>> {
    let mut header = [0u8; 100];
    // To open a FIFO would wait for somebody who writes into it.
    if std::fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        return Err(fault(path, FaultKind::NotADatabase));
    }
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Err(fault(path, FaultKind::Missing)),
        Err(e) if e.kind() == ErrorKind::PermissionDenied => {
            return Err(fault(path, FaultKind::Denied));
        }
        Err(e) => return Err(Refusal::file(path, "read", &e)),
    };
    if file.read_exact(&mut header).is_err() || &header[..16] != b"SQLite format 3\0" {
        return Err(fault(path, FaultKind::NotADatabase));
    }
    let page_size = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65536,
        size => u64::from(size),
    };
    let pages = u64::from(u32::from_be_bytes([header[28], header[29], header[30], header[31]]));
    // With a write-ahead log beside it, the newest pages may stand there alone.
    let has_wal = std::fs::metadata(with_ending(path, "-wal")).is_ok_and(|m| m.len() > 0);
    if header[68..72] != super::APPLICATION_ID.to_be_bytes()[4..] && !(has_wal && log_is_ours(path))
    {
        return Err(fault(path, FaultKind::NotOurs));
    }
    // Measured last: the file only grows.
    let length = file.metadata().map_or(0, |meta| meta.len());
    Ok((pages * page_size).checked_sub(length).filter(|missing| *missing > 0 && !has_wal))
}

/// Whether there is a process of that id, as far as this machine can tell.
pub fn process_lives(id: i64) -> bool {
    let pid = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
    let Some(pid) = pid else { return false };
    !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}
