//! The versions of the schema. A new file is made from schema.sql; an older one is lifted by the
//! migrations below, each in one transaction. The list is only ever appended to.

use super::{Db, Store};
use crate::domain::refusal::Fault;
use crate::domain::{Refusal, Result};

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
}

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, summary: "the first schema", sql: None },
    Migration {
        version: 2,
        summary: "subscriptions with their anchor day, suspensions and history",
        sql: Some(include_str!("migrations/2.sql")),
    },
    Migration {
        version: 3,
        summary: "the uses of coupons, counted by the database",
        sql: Some(include_str!("migrations/3.sql")),
    },
    Migration {
        version: 4,
        summary: "charges, try by try",
        sql: Some(include_str!("migrations/4.sql")),
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
    /// Applies what is pending; returns what was applied.
    ///
    /// # Errors
    /// A fault of the file; then it is as it was.
    pub fn migrate(&mut self) -> Result<Vec<&'static Migration>> {
        let from = self.version()?;
        if from > VERSION {
            let fault = Fault::Newer { found: from, known: VERSION };
            return Err(Refusal::Storage { path: self.path().to_owned(), fault });
        }
        let pending: Vec<_> = MIGRATIONS.iter().filter(|m| m.version > from).collect();
        self.write(|db| {
            for migration in &pending {
                db.conn.execute_batch(migration.sql.unwrap_or_default())?;
                db.conn.pragma_update(None, "user_version", migration.version)?;
            }
            Ok(())
        })?;
        Ok(pending)
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
