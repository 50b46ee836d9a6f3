//! The versions of the schema. A new file is made from schema.sql; an older one is lifted by the
//! migrations below, each in one transaction. The list is only ever appended to.

mod ledger;

use rusqlite::Connection;

use super::{Db, Fault, FaultKind, Store};
use crate::domain::Result;

/// The whole current schema.
pub(super) const SCHEMA: &str = include_str!("../../schema.sql");

/// One step from a version to the next.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The version that the file has afterwards.
    pub version: i64,
    /// What it brings, for `db status`.
    pub summary: &'static str,
    /// `None` for the first: that is schema.sql as it was first released.
    sql: Option<&'static str>,
    /// What fills the rows that SQL alone cannot.
    fill: Option<Fill>,
}

/// Fills rows; is told on which business day an instant lies.
type Fill = fn(&Connection, &dyn Fn(&str) -> String) -> rusqlite::Result<()>;

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, summary: "the first schema", sql: None, fill: None },
    Migration {
        version: 2,
        summary: "subscriptions with their anchor day, suspensions and history",
        sql: Some(include_str!("migrations/2.sql")),
        fill: None,
    },
    Migration {
        version: 3,
        summary: "the uses of coupons, counted by the database",
        sql: Some(include_str!("migrations/3.sql")),
        fill: None,
    },
    Migration {
        version: 4,
        summary: "charges, try by try",
        sql: Some(include_str!("migrations/4.sql")),
        fill: None,
    },
    Migration {
        version: 5,
        summary: "the ledger, and the history of invoices and tenants",
        sql: Some(include_str!("migrations/5.sql")),
        fill: Some(ledger::lift),
    },
    Migration {
        version: 6,
        summary: "the last run of a task, found at once",
        sql: Some(include_str!("migrations/6.sql")),
        fill: None,
    },
];

/// The version that this program reads and writes.
pub const VERSION: i64 = MIGRATIONS.len() as i64;

impl Migration {
    /// All there are, oldest first.
    pub fn all() -> &'static [Migration] {
        MIGRATIONS
    }
}

impl Store {
    /// Applies what is pending; returns what was applied. `day_of` says on which business day an
    /// instant lies.
    ///
    /// # Errors
    /// A fault of the file; then it is as it was.
    pub fn migrate(&mut self, day_of: &dyn Fn(&str) -> String) -> Result<Vec<&'static Migration>> {
        let path = self.path().to_owned();
        self.write(|db| {
            // Read inside the transaction: of two that migrate at once, the second finds nothing.
            let from: i64 = db.conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
            if from > VERSION {
                let kind = FaultKind::Newer { found: from, known: VERSION };
                return Err(Fault { path, kind }.into());
            }
            let pending: Vec<_> = MIGRATIONS.iter().filter(|m| m.version > from).collect();
            for migration in &pending {
                db.conn.execute_batch(migration.sql.unwrap_or_default())?;
                if let Some(fill) = migration.fill {
                    fill(db.conn, day_of)?;
                }
                db.conn.pragma_update(None, "user_version", migration.version)?;
            }
            Ok(pending)
        })
    }
}

impl Db<'_> {
    /// When the database was made.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn created_at(&self) -> Result<String> {
        Ok(self.conn.query_row("SELECT created_at FROM database_info", [], |row| row.get(0))?)
    }
}
