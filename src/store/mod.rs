//! The only room that speaks SQL. A function here is one statement or one aggregate.

mod api_keys;
mod api_requests;
mod automation;
mod backup;
pub mod charges;
mod check;
mod checkouts;
mod columns;
mod coupon_sums;
mod coupons;
mod credit_notes;
mod credits;
mod documents;
pub mod dunning;
mod events;
mod fault;
pub mod files;
mod gateway_changes;
mod hooks;
mod idempotency;
mod invoices;
mod journal;
mod ledger;
mod migrate;
mod numbers;
mod on_account;
mod outbox;
mod payment_methods;
mod pending_items;
mod plans;
mod portal;
mod proration;
mod random;
mod redemptions;
mod refunds;
mod reopened;
pub mod reports;
mod revenue;
pub mod runs;
mod sessions;
pub mod subscriptions;
mod tenants;
mod transactions;
pub mod usage;
mod wrong_coupons;

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono_tz::Tz;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Params, TransactionBehavior};

use crate::domain::{Refusal, Result};
use files::Part;

pub use api_keys::NewApiKey;
pub use api_requests::{ApiAnswer, ApiRequest, Begun};
pub use automation::{StandingChange, TimeRange};
pub use backup::Copies;
pub use check::{CHASED, CHECKS, Finding, Found};
pub use checkouts::NewCheckout;
pub use coupon_sums::CouponPeriod;
pub use coupons::CouponFilter;
pub use credit_notes::{CreditNoteFilter, NewCreditNote};
pub use credits::{CreditFilter, NewCredit};
pub use documents::{KeptDocument, NewDocument, Shelf};
pub use events::{EventFilter, RecordedEvent};
pub use fault::{Fault, FaultKind, Holder, Locked};
pub use files::require_space;
pub use hooks::{HookRow, ToTell, Untaken};
pub use invoices::{InvoiceFilter, NewInvoice};
pub use journal::{Days, Foreign};
pub use ledger::Subject;
pub use migrate::{Migration, VERSION};
pub use outbox::{DrawnUp, Email, EmailFilter, NewEmail};
pub use pending_items::PendingItemFilter;
pub use portal::LinkRequest;
pub use random::Random;
pub use redemptions::{NewRedemption, NewUsage, UsageFilter};
pub use refunds::{Again, NewRefund, RefundSeries};
pub use runs::{Run, RunStatus};
pub use subscriptions::{NewSubscription, Order, SubscriptionFilter};
pub use tenants::TenantFilter;
pub use transactions::TransactionFilter;
pub use wrong_coupons::{Guess, GuessId};

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

/// Whether a command has changed anything yet: what it then fails to print was done all the same.
#[derive(Debug, Clone, Default)]
pub struct Changes(Arc<AtomicBool>);

impl Changes {
    /// Something was changed, and stays so.
    pub fn made(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether something was.
    pub fn are_made(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// An open database.
#[derive(Debug)]
pub struct Store {
    conn: Connection,
    path: PathBuf,
    changes: Changes,
    /// The business time zone: where an instant that is kept counts as a date.
    zone: Tz,
    /// The moment that the machine's clock said, where the command goes by it.
    system_at: Option<String>,
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
    /// Whether there is any meter, once that was asked.
    has_meters: Cell<Option<bool>>,
}

impl<'a> Db<'a> {
    fn new(conn: &'a Connection, zone: Tz) -> Self {
        Db {
            conn,
            zone,
            actor: RefCell::default(),
            random: RefCell::default(),
            has_meters: Cell::default(),
        }
    }

    /// Does all of `work`, or nothing of it: what was written before it was refused is taken back, and
    /// the transaction goes on.
    ///
    /// # Errors
    /// As `work`, or a fault of the file.
    pub fn wholly<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.conn.execute_batch("SAVEPOINT wholly")?;
        match work() {
            Ok(done) => {
                self.conn.execute_batch("RELEASE wholly")?;
                Ok(done)
            }
            Err(refusal) => {
                self.conn.execute_batch("ROLLBACK TO wholly; RELEASE wholly")?;
                // The row of who acted may have been taken back, too.
                self.actor.replace(None);
                Err(refusal)
            }
        }
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
        let store = Store::look(path)?;
        let found = store.version()?;
        let known = VERSION;
        match found.cmp(&known) {
            std::cmp::Ordering::Equal => store.made_ready(access),
            std::cmp::Ordering::Greater => Err(fault(path, FaultKind::Newer { found, known })),
            std::cmp::Ordering::Less => Err(fault(path, FaultKind::Older { found, known })),
        }
    }

    /// Opens a database of ours whatever its version: for `db status`, `db migrate`, `db check`.
    ///
    /// # Errors
    /// As [`Store::open`], but for the version.
    pub fn open_any_version(path: &Path, access: Access) -> Result<Store> {
        Store::look(path)?.made_ready(access)
    }

    /// Opens a database of ours and changes nothing about it.
    fn look(path: &Path) -> Result<Store> {
        files::look_at(path)?;
        require_space(path, LEAST_FREE)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let store = Store::connect(path, flags)?;
        let id: i64 = store.query_pragma("application_id")?;
        if id != APPLICATION_ID {
            return Err(fault(path, FaultKind::NotOurs));
        }
        Ok(store)
    }

    fn made_ready(self, access: Access) -> Result<Store> {
        match access {
            Access::Read => self.pragma("query_only", 1)?,
            Access::Write => {
                self.use_wal()?;
                // An insert that fires a trigger keeps a journal of its own, for the case that it
                // fails half-way: a dozen pages, which are not worth a file.
                self.pragma("temp_store", 2)?;
            }
        }
        Ok(self)
    }

    /// Makes a new database from schema.sql, readable by its owner alone. It gets its name when it is
    /// complete: one that was killed meanwhile can be made again.
    ///
    /// # Errors
    /// The file is there already, or cannot be made.
    pub fn create(path: &Path, act: &crate::domain::Act) -> Result<Store> {
        let part = Part::begin(path)?;
        require_space(path, LEAST_FREE)?;
        Store::fill_new(part.path(), act).map_err(|e| at_path(path, e))?;
        files::remove_logs(path).map_err(|e| Refusal::file(path, "make", &e))?;
        part.publish()?;
        Store::open(path, Access::Write)
    }

    fn fill_new(path: &Path, act: &crate::domain::Act) -> Result<()> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut store = Store::connect(path, flags)?;
        // Nobody goes on with a file that was not finished, so nothing has to be taken back.
        store.pragma_text("journal_mode", "MEMORY")?;
        store.write(|db| {
            db.conn.execute_batch(migrate::SCHEMA)?;
            db.conn.pragma_update(None, "application_id", APPLICATION_ID)?;
            db.conn.pragma_update(None, "user_version", VERSION)?;
            db.conn.execute(
                "INSERT INTO database_info (id, uuid, created_at) VALUES (1, ?1, ?2)",
                (uuid::Uuid::new_v4().to_string(), act.at()),
            )?;
            Ok(())
        })
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
        Ok(Store {
            conn,
            path: path.to_owned(),
            changes: Changes::default(),
            zone: Tz::UTC,
            system_at: None,
        })
    }

    /// The same where instants count as dates of that zone, and not of UTC.
    #[must_use]
    pub fn in_zone(self, zone: Tz) -> Store {
        Store { zone, ..self }
    }

    /// The same where each commit keeps the moment that the machine's clock said.
    #[must_use]
    pub fn by_system_clock(self, at: String) -> Store {
        Store { system_at: Some(at), ..self }
    }

    /// The same where each commit is noted in `changes`.
    #[must_use]
    pub fn noting(self, changes: &Changes) -> Store {
        Store { changes: changes.clone(), ..self }
    }

    /// Waits no longer than that for another command's transaction, where it would wait
    /// [`BUSY_TIMEOUT`] else.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn wait_at_most(&self, patience: Duration) -> Result<()> {
        Ok(self.conn.busy_timeout(patience)?)
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

    /// Writes what `work` writes without waiting for the disk: a commit may be lost with the power, though not
    /// with the process. For what is done again then.
    ///
    /// # Errors
    /// As `work`, or a fault of the file.
    pub fn lightly<T>(&mut self, work: impl FnOnce(&mut Store) -> Result<T>) -> Result<T> {
        self.pragma_text("synchronous", "NORMAL")?;
        let done = work(self);
        self.pragma_text("synchronous", "FULL")?;
        done
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
        let (path, zone, changes) = (&self.path, self.zone, &self.changes);
        let writes = matches!(behavior, TransactionBehavior::Immediate);
        let run = |conn: &mut Connection| -> Result<T> {
            let transaction = conn.transaction_with_behavior(behavior)?;
            let done = work(&Db::new(&transaction, zone))?;
            if !keep {
                transaction.rollback()?;
                return Ok(done);
            }
            if let Some(at) = self.system_at.as_ref().filter(|_| writes) {
                let sql = "UPDATE database_info SET system_at = ?1
                           WHERE id = 1 AND system_at IS NOT ?1";
                transaction.prepare_cached(sql)?.execute([at])?;
            }
            if writes {
                crash_point("before commit");
            }
            transaction.commit()?;
            if writes {
                changes.made();
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
        use std::sync::atomic::AtomicU64;
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
