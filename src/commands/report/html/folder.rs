//! The folder of the pages. They are written into a new one beside it, are all on disk, and only
//! then get their names: a reader never sees half a page.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{Refusal, Result};
use crate::store::files::Owner;
use crate::view::html::GENERATOR;

const TENANTS: &str = "tenants";

/// How the name of a folder ends that is being filled.
const PART: &str = ".part";

/// So many pages are brought to disk at a time.
const SYNCERS: usize = 8;

/// A folder that is being filled.
#[derive(Debug)]
pub struct Folder {
    target: PathBuf,
    /// Where the pages are until all are written; removed when this is dropped.
    part: PathBuf,
    names: BTreeSet<String>,
    /// Whose they are to be.
    owner: Option<Owner>,
    /// The folders above it that were not there, the lowest first: they go again where nothing
    /// comes into them.
    made: Vec<PathBuf>,
}

impl Folder {
    /// Begins to fill a folder that is not there yet, is empty, or whose overview is one of ours.
    /// What else is in it stays.
    ///
    /// # Errors
    /// It is another folder, or nothing can be written beside it.
    pub fn new(target: &Path, owner: Option<Owner>, now: DateTime<Utc>) -> Result<Folder> {
        let failed = |e: std::io::Error| Refusal::file(target, "make", &e);
        check_ours(target)?;
        // A name such as `.` or `pages/..` has nothing beside it: its full path has.
        let target = match target.canonicalize() {
            Ok(full) => full,
            Err(_) => std::path::absolute(target).map_err(failed)?,
        };
        let above = target.parent().unwrap_or(&target).to_owned();
        let made =
            above.ancestors().take_while(|path| !path.exists()).map(Path::to_owned).collect();
        let mut name = OsString::from(&target);
        name.push(format!(".{}{PART}", uuid::Uuid::new_v4().simple()));
        let part = PathBuf::from(name);
        let folder = Folder { target, part, names: BTreeSet::new(), owner, made };
        fs::create_dir_all(&above).map_err(failed)?;
        folder.made.iter().for_each(|made| folder.give(made));
        remove_abandoned(&folder.target, &above, now);
        for path in [folder.part.clone(), folder.part.join(TENANTS)] {
            let made = DirBuilder::new().mode(0o700).create(&path);
            made.map_err(|e| Refusal::file(&path, "make", &e))?;
            folder.give(&path);
        }
        Ok(folder)
    }

    fn give(&self, made: &Path) {
        if let Some(owner) = self.owner {
            owner.take(made);
        }
    }

    /// Writes a page, to be put in place with the others.
    ///
    /// # Errors
    /// No room, or no permission.
    pub fn write(&mut self, name: &str, page: &str) -> Result<()> {
        let path = self.part.join(name);
        let open = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let write = || open()?.write_all(page.as_bytes());
        write().map_err(|e| Refusal::file(&path, "write", &e))?;
        self.give(&path);
        self.names.insert(name.to_owned());
        Ok(())
    }

    /// Puts the pages in place, the overview last, removes those of tenants that are no more, and
    /// says how many pages there are.
    ///
    /// # Errors
    /// No permission, or another file system is mounted there.
    pub fn publish(self) -> Result<usize> {
        let failed = |e: std::io::Error| Refusal::file(&self.target, "write", &e);
        self.sync_pages().map_err(failed)?;
        // A folder that is not there yet, or is empty, is there with all its pages at once.
        let at_once = fs::rename(&self.part, &self.target);
        match at_once {
            Ok(()) => {}
            Err(e) if is_filled(&e) => self.replace().map_err(failed)?,
            Err(e) => return Err(failed(e)),
        }
        sync(&self.target).map_err(failed)?;
        if let Some(above) = self.target.parent() {
            sync(above).map_err(failed)?;
        }
        Ok(self.names.len())
    }

    /// Sees to it that every page is on disk before any gets its name. Not as each is written, and
    /// several at a time: the file system then takes many of them in one go.
    fn sync_pages(&self) -> std::io::Result<()> {
        let names: Vec<&String> = self.names.iter().collect();
        let sync_all =
            |names: &[&String]| names.iter().try_for_each(|name| sync(&self.part.join(name)));
        let share = names.len().div_ceil(SYNCERS).max(1);
        std::thread::scope(|threads| {
            let syncers: Vec<_> =
                names.chunks(share).map(|names| threads.spawn(move || sync_all(names))).collect();
            let died = |_| std::io::Error::other("a thread died");
            syncers.into_iter().try_for_each(|one| one.join().map_err(died)?)
        })?;
        sync(&self.part.join(TENANTS))?;
        sync(&self.part)
    }

    /// Puts page after page in the place of what an earlier run wrote.
    fn replace(&self) -> std::io::Result<()> {
        let tenants = self.target.join(TENANTS);
        // A link would lead the pages, and what is removed, out of the folder.
        if tenants.is_symlink() {
            return Err(std::io::Error::other("its folder of customers is a symbolic link"));
        }
        match DirBuilder::new().mode(0o700).create(&tenants) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(e),
            Err(_) => {}
            Ok(()) => self.give(&tenants),
        }
        for folder in [&self.target, &tenants] {
            fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        }
        // In reverse order of their names those of the tenants come first; the overview, which
        // leads to all of them, is kept for the end.
        let last = "index.html";
        let others = self.names.iter().rev().map(String::as_str).filter(|name| *name != last);
        for name in others.chain([last]) {
            fs::rename(self.part.join(name), self.target.join(name))?;
        }
        sync(&tenants)?;
        for entry in fs::read_dir(&tenants)? {
            let entry = entry?;
            let name = format!("{TENANTS}/{}", entry.file_name().to_string_lossy());
            if !self.names.contains(&name) && is_page(&entry.path()) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It is not there any more where it was put in place as a whole.
        fs::remove_dir_all(&self.part).ok();
        for folder in &self.made {
            fs::remove_dir(folder).ok();
        }
    }
}

fn is_filled(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists)
}

fn sync(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

/// Refuses a folder with something in it that no earlier run wrote.
fn check_ours(target: &Path) -> Result<()> {
    let unreadable = |e: std::io::Error| Refusal::file(target, "read", &e);
    let mut entries = match fs::read_dir(target) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(unreadable(e)),
    };
    if entries.next().is_none() {
        return Ok(());
    }
    match is_page(&target.join("index.html")) {
        true => Ok(()),
        false => Err(Refusal::WouldOverwrite { path: target.to_owned() }),
    }
}

/// Whether a file is a page that an earlier run wrote.
fn is_page(path: &Path) -> bool {
    if !path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let mut head = String::new();
    let read = File::open(path).and_then(|file| file.take(4096).read_to_string(&mut head));
    read.is_ok() && head.contains(GENERATOR)
}

/// Removes what runs that were killed left beside the folder: customers' pages that nobody would
/// come upon. One of the last day may be at work.
fn remove_abandoned(target: &Path, above: &Path, now: DateTime<Utc>) {
    let Some(name) = target.file_name().and_then(OsStr::to_str) else { return };
    for entry in fs::read_dir(above).into_iter().flatten().flatten() {
        let file_name = entry.file_name();
        let id = file_name.to_str().and_then(|text| text.strip_prefix(name)?.strip_prefix('.'));
        let id = id.and_then(|text| text.strip_suffix(PART));
        let modified =
            entry.metadata().ok().and_then(|meta| DateTime::from_timestamp(meta.mtime(), 0));
        let old = modified.is_some_and(|at| now - at > TimeDelta::days(1));
        let part = entry.path();
        let ours = || holds_pages(&part) && holds_pages(&part.join(TENANTS));
        if old && id.is_some_and(|id| uuid::Uuid::try_parse(id).is_ok()) && ours() {
            fs::remove_dir_all(part).ok();
        }
    }
}

/// Whether nothing is in a folder but pages, the folder of the customers', and the page that the run
/// was about to write.
fn holds_pages(folder: &Path) -> bool {
    let Ok(mut entries) = fs::read_dir(folder) else { return !folder.exists() };
    entries.all(|entry| {
        entry.is_ok_and(|entry| {
            let empty = || entry.metadata().is_ok_and(|metadata| metadata.len() == 0);
            entry.file_name() == TENANTS || is_page(&entry.path()) || empty()
        })
    })
}
