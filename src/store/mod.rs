//! The only room that speaks SQL. A function here is one statement or one aggregate.

mod automation;
pub mod charges;
mod check;
mod columns;
mod coupon_sums;
mod coupons;
mod credits;
pub mod dunning;
mod events;
mod fault;
mod idempotency;
mod invoices;
mod ledger;
mod migrate;
mod numbers;
mod outbox;
mod payment_methods;
mod plans;
mod random;
mod redemptions;
pub mod reports;
mod revenue;
pub mod runs;
pub mod subscriptions;
mod tenants;
mod transactions;

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono_tz::Tz;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Params, TransactionBehavior};

use crate::domain::{Refusal, Result};

pub use automation::{StandingChange, TimeRange};
pub use check::{CHASED, CHECKS, Finding, Found};
pub use coupon_sums::CouponPeriod;
pub use coupons::CouponFilter;
pub use credits::{CreditFilter, NewCredit};
pub use events::{EventFilter, RecordedEvent};
pub use fault::{Fault, FaultKind, Locked};
pub use invoices::{InvoiceFilter, NewInvoice};
pub use ledger::Subject;
pub use migrate::{Migration, VERSION};
pub use outbox::{DrawnUp, Email, EmailFilter, NewEmail};
pub use random::Random;
pub use redemptions::{NewRedemption, NewUsage, UsageFilter};
pub use runs::{Run, RunStatus};
pub use subscriptions::{NewSubscription, Order, SubscriptionFilter};
pub use tenants::TenantFilter;
pub use transactions::TransactionFilter;

/// `BILL`, in the header of every file of ours: a foreign database is told by it.
const APPLICATION_ID: i64 = 0x4249_4C4C;

/// How long a command waits for another one's transaction. Ours take milliseconds; an import of a
/// million rows takes half a minute.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// Free space below which nothing is opened. In WAL mode a full disk can kill even a reader (the
/// shared-memory file is mapped, and a page that has no room behind it raises SIGBUS).
const LEAST_FREE: u64 = 1 << 20;

/// What a command may do with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Refused by SQLite itself where something is written.
    Read,
    Write,
}

/// An open database.
#[derive(Debug)]
pub struct Store {
    conn: Connection,
    path: PathBuf,
    /// The business time zone: where an instant that is kept counts as a date.
    zone: Tz,
}

/// The database inside one transaction.
#[derive(Debug)]
pub struct Db<'a> {
    conn: &'a Connection,
    zone: Tz,
    /// Who acted last, so that a run looks its own number up once a transaction.
    actor: RefCell<Option<(String, i64)>>,
    /// What the texts of events are salted with.
    random: RefCell<Random>,
}

impl<'a> Db<'a> {
    fn new(conn: &'a Connection, zone: Tz) -> Self {
        Db { conn, zone, actor: RefCell::default(), random: RefCell::default() }
    }

    /// Inserts a row and returns its id, or `None` where `ON CONFLICT` let it be. RETURNING would
    /// say the same, but it counts as a statement of many writes: SQLite then keeps a journal of
    /// its own for it, and plans to search every table that refers to this one.
    fn insert_unless_there(&self, sql: &str, values: impl Params) -> Result<Option<i64>> {
        let inserted = self.conn.prepare_cached(sql)?.execute(values)?;
        Ok((inserted > 0).then(|| self.conn.last_insert_rowid()))
    }
}

impl Store {
    /// Opens a database of this version.
    ///
    /// # Errors
    /// No such file (an empty one is never made here), not a database, not one of ours, another
    /// schema version, damaged, no room, no permission.
    pub fn open(path: &Path, access: Access) -> Result<Store> {
        let store = Store::open_any_version(path, access)?;
        let found = store.version()?;
        let known = VERSION;
        match found.cmp(&known) {
            std::cmp::Ordering::Equal => Ok(store),
            std::cmp::Ordering::Greater => Err(fault(path, FaultKind::Newer { found, known })),
            std::cmp::Ordering::Less => Err(fault(path, FaultKind::Older { found, known })),
        }
    }

    /// Opens a database of ours whatever its version: for `db status`, `db migrate`, `db check`.
    ///
    /// # Errors
    /// As [`Store::open`], but for the version.
    pub fn open_any_version(path: &Path, access: Access) -> Result<Store> {
        look_at_file(path)?;
        require_space(path, LEAST_FREE)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let store = Store::connect(path, flags)?;
        match access {
            Access::Read => store.pragma("query_only", 1)?,
            Access::Write => {
                store.use_wal()?;
                // An insert that fires a trigger keeps a journal of its own, for the case that it
                // fails half-way: a dozen pages, which are not worth a file.
                store.pragma("temp_store", 2)?;
            }
        }
        let id: i64 = store.query_pragma("application_id")?;
        if id != APPLICATION_ID {
            return Err(fault(path, FaultKind::NotOurs));
        }
        Ok(store)
    }

    /// Makes a new database from schema.sql, readable by its owner alone.
    ///
    /// # Errors
    /// The file is there already, or cannot be made.
    pub fn create(path: &Path, act: &crate::domain::Act) -> Result<Store> {
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| Refusal::file(folder, "make", &e))?;
        }
        require_space(path, LEAST_FREE)?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|e| Refusal::file(path, "make", &e))?;
        let made = Store::fill_new(path, act);
        if made.is_err() {
            std::fs::remove_file(path).ok();
        }
        made
    }

    fn fill_new(path: &Path, act: &crate::domain::Act) -> Result<Store> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut store = Store::connect(path, flags)?;
        store.use_wal()?;
        store.write(|db| {
            db.conn.execute_batch(migrate::SCHEMA)?;
            db.conn.pragma_update(None, "application_id", APPLICATION_ID)?;
            db.conn.pragma_update(None, "user_version", VERSION)?;
            db.conn.execute(
                "INSERT INTO database_info (id, uuid, created_at) VALUES (1, ?1, ?2)",
                (uuid::Uuid::new_v4().to_string(), act.at()),
            )?;
            Ok(())
        })?;
        Ok(store)
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Store> {
        let open = || -> rusqlite::Result<Connection> {
            let conn = Connection::open_with_flags(path, flags)?;
            conn.busy_timeout(BUSY_TIMEOUT)?;
            conn.set_prepared_statement_cache_capacity(128);
            // A plan never depends on bound values. Without this SQLite compiles a statement anew
            // each time a value is bound that it once weighed against a partial index.
            conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            conn.pragma_update(None, "synchronous", "FULL")?;
            conn.pragma_update(None, "foreign_keys", true)?;
            conn.pragma_update(None, "trusted_schema", false)?;
            conn.pragma_update(None, "cell_size_check", true)?;
            Ok(conn)
        };
        let conn = open().map_err(|e| at_path(path, e.into()))?;
        Ok(Store { conn, path: path.to_owned(), zone: Tz::UTC })
    }

    /// The same where instants count as dates of that zone, and not of UTC.
    #[must_use]
    pub fn in_zone(self, zone: Tz) -> Store {
        Store { zone, ..self }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads in one snapshot.
    ///
    /// # Errors
    /// Whatever `work` refuses.
    pub fn read<T>(&mut self, work: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        self.in_transaction(TransactionBehavior::Deferred, true, work)
    }

    /// Writes in one transaction: all of it, or where `work` refuses nothing. What `work` reads is
    /// as fresh as can be, for nobody else writes meanwhile.
    ///
    /// # Errors
    /// Whatever `work` refuses, or a fault of the file. A fault at the commit itself leaves open
    /// whether it took place: the next command reads what is there.
    pub fn write<T>(&mut self, work: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        self.in_transaction(TransactionBehavior::Immediate, true, work)
    }

    /// Does all of `work` as [`Store::write`] would, and then takes it back: what a dry run shows
    /// is what would have been written.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn rehearse<T>(&mut self, work: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        self.in_transaction(TransactionBehavior::Immediate, false, work)
    }

    fn in_transaction<T>(
        &mut self,
        behavior: TransactionBehavior,
        keep: bool,
        work: impl FnOnce(&Db) -> Result<T>,
    ) -> Result<T> {
        let (path, zone) = (&self.path, self.zone);
        let writes = matches!(behavior, TransactionBehavior::Immediate);
        let run = |conn: &mut Connection| -> Result<T> {
            let transaction = conn.transaction_with_behavior(behavior)?;
            let done = work(&Db::new(&transaction, zone))?;
            if !keep {
                transaction.rollback()?;
                return Ok(done);
            }
            if writes {
                crash_point("before commit");
            }
            transaction.commit()?;
            if writes {
                crash_point("after commit");
            }
            Ok(done)
        };
        run(&mut self.conn).map_err(|e| at_path(path, e))
    }

    /// Schema version of the file.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn version(&self) -> Result<i64> {
        self.query_pragma("user_version")
    }

    /// Copies the database, as it stands at one moment, into a new file readable by its owner
    /// alone; the copy is checked and on disk before it gets its name.
    ///
    /// # Errors
    /// The target is there already or cannot be written, or the copy is not sound.
    pub fn backup(&self, target: &Path) -> Result<()> {
        if target.exists() {
            return Err(Refusal::WouldOverwrite { path: target.to_owned() });
        }
        let mut name = target.as_os_str().to_owned();
        name.push(format!(".{}.part", uuid::Uuid::new_v4().simple()));
        let part = PathBuf::from(name);
        let done = self.backup_into(&part).and_then(|()| {
            let named = std::fs::rename(&part, target).and_then(|()| sync_folder_of(target));
            named.map_err(|e| Refusal::file(target, "make", &e))
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

    /// WAL: readers never wait for the nightly run, nor it for them. A backup that was brought back
    /// is not in it yet.
    fn use_wal(&self) -> Result<()> {
        let mode = || -> rusqlite::Result<String> {
            self.conn.query_row("PRAGMA journal_mode", [], |row| row.get(0))
        };
        match mode().map_err(|e| at_path(&self.path, e.into()))?.as_str() {
            "wal" => Ok(()),
            _ => self.pragma_text("journal_mode", "WAL"),
        }
    }

    fn pragma(&self, name: &str, value: i64) -> Result<()> {
        let set = self.conn.pragma_update(None, name, value);
        set.map_err(|e| at_path(&self.path, e.into()))
    }

    fn pragma_text(&self, name: &str, value: &str) -> Result<()> {
        let set = self.conn.pragma_update(None, name, value);
        set.map_err(|e| at_path(&self.path, e.into()))
    }

    fn query_pragma(&self, name: &str) -> Result<i64> {
        let value = self.conn.pragma_query_value(None, name, |row| row.get(0));
        value.map_err(|e| at_path(&self.path, e.into()))
    }
}

/// Where crash tests kill the process: `BILLING_CRASH_AT=7` aborts it at the seventh point that it
/// passes. Without the variable it does nothing, and in release builds it is not there.
pub fn crash_point(_name: &str) {
    #[cfg(debug_assertions)]
    {
        use std::sync::LazyLock;
        use std::sync::atomic::{AtomicU64, Ordering};
        static AT: LazyLock<Option<u64>> = LazyLock::new(|| {
            std::env::var("BILLING_CRASH_AT").ok().and_then(|text| text.parse().ok())
        });
        static PASSED: AtomicU64 = AtomicU64::new(0);
        if let Some(at) = *AT
            && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == at
        {
            std::process::abort();
        }
    }
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
    std::fs::File::open(folder)?.sync_all()
}

/// Says what is wrong with a file before SQLite gets to see it: a missing, foreign or truncated
/// file is told in words, not as "malformed".
fn look_at_file(path: &Path) -> Result<()> {
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
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Err(fault(path, FaultKind::Missing)),
        Err(e) if e.kind() == ErrorKind::PermissionDenied => {
            return Err(fault(path, FaultKind::Denied));
        }
        Err(e) => return Err(Refusal::file(path, "read", &e)),
    };
    let is_file = file.metadata().is_ok_and(|meta| meta.is_file());
    if !is_file || file.read_exact(&mut header).is_err() || &header[..16] != b"SQLite format 3\0" {
        return Err(fault(path, FaultKind::NotADatabase));
    }
    let page_size = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65536,
        size => u64::from(size),
    };
    let pages = u64::from(u32::from_be_bytes([header[28], header[29], header[30], header[31]]));
    // With a write-ahead log beside it, the newest pages may stand there alone.
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    let has_wal = std::fs::metadata(wal).is_ok_and(|m| m.len() > 0);
    // Measured last: the file only grows.
    let length = file.metadata().map_or(0, |meta| meta.len());
    Ok((pages * page_size).checked_sub(length).filter(|missing| *missing > 0 && !has_wal))
}

fn fault(path: &Path, kind: FaultKind) -> Refusal {
    Fault { path: path.to_owned(), kind }.into()
}

fn at_path(path: &Path, refusal: Refusal) -> Refusal {
    match refusal.of::<Fault>() {
        Some(Fault { path: unknown, kind }) if unknown.as_os_str().is_empty() => {
            fault(path, kind.clone())
        }
        _ => refusal,
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Refusal {
        let kind = match &error {
            rusqlite::Error::SqliteFailure(code, message) => {
                let text = message.clone().unwrap_or_else(|| error.to_string());
                match code.code {
                    ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => FaultKind::Busy,
                    ErrorCode::DiskFull => FaultKind::Full { room: None },
                    ErrorCode::ReadOnly => FaultKind::ReadOnly,
                    ErrorCode::CannotOpen | ErrorCode::PermissionDenied => FaultKind::Denied,
                    ErrorCode::DatabaseCorrupt => FaultKind::Corrupt(text),
                    ErrorCode::NotADatabase => FaultKind::NotADatabase,
                    ErrorCode::SystemIoFailure => FaultKind::Io(text),
                    ErrorCode::ConstraintViolation => FaultKind::Constraint(text),
                    _ => FaultKind::Other(text),
                }
            }
            other => FaultKind::Other(other.to_string()),
        };
        Fault { path: PathBuf::new(), kind }.into()
    }
}
