//! The versions of the schema. A new file is made from schema.sql; an older one is lifted by the
//! migrations below, each in one transaction. The list is only ever appended to.

mod events;
mod ledger;
mod subscriptions;

use std::path::PathBuf;

use rusqlite::OptionalExtension;

use super::{Db, Fault, FaultKind, Store, crash_point};
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
type Fill = fn(&Db, &dyn Fn(&str) -> String) -> Result<()>;

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, summary: "the first schema", sql: None, fill: None },
    Migration {
        version: 2,
        summary: "subscriptions with their anchor day, suspensions and history",
        sql: Some(include_str!("migrations/2.sql")),
        fill: Some(|db, day_of| Ok(subscriptions::lift(db.conn, day_of)?)),
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
        fill: Some(|db, day_of| Ok(ledger::lift(db.conn, day_of)?)),
    },
    Migration {
        version: 6,
        summary: "the last run of a task, found at once",
        sql: Some(include_str!("migrations/6.sql")),
        fill: None,
    },
    Migration {
        version: 7,
        summary: "prices, and items of subscriptions that lines name",
        sql: Some(include_str!("migrations/7.sql")),
        fill: None,
    },
    Migration {
        version: 8,
        summary: "the texts of events apart from them, salted and hashed",
        sql: Some(include_str!("migrations/8.sql")),
        fill: Some(|db, _| events::lift(db)),
    },
    Migration {
        version: 9,
        summary: "a reference of several payments",
        sql: Some(include_str!("migrations/9.sql")),
        fill: None,
    },
    Migration {
        version: 10,
        summary: "the credit of customers, and what it pays",
        sql: Some(include_str!("migrations/10.sql")),
        fill: None,
    },
    Migration {
        version: 11,
        summary: "copies of e-mails to further addresses",
        sql: Some(include_str!("migrations/11.sql")),
        fill: None,
    },
    Migration {
        version: 12,
        summary: "whole names of gateways, and the last change by the clock",
        sql: Some(include_str!("migrations/12.sql")),
        fill: None,
    },
    Migration {
        version: 13,
        summary: "what is billed besides the next periods",
        sql: Some(include_str!("migrations/13.sql")),
        fill: None,
    },
    Migration {
        version: 14,
        summary: "external ids and notes of customers; keys of what was made",
        sql: Some(include_str!("migrations/14.sql")),
        fill: None,
    },
    Migration {
        version: 15,
        summary: "credit notes, refunds, and payments on account",
        sql: Some(include_str!("migrations/15.sql")),
        fill: None,
    },
    Migration {
        version: 16,
        summary: "prices with tax, why there is none, and parties in parts",
        sql: Some(include_str!("migrations/16.sql")),
        fill: None,
    },
    Migration {
        version: 17,
        summary: "documents, and what credit had paid of an invoice at its issue",
        sql: Some(include_str!("migrations/17.sql")),
        fill: None,
    },
    Migration {
        version: 18,
        summary: "prices by tier and package, with included units and a minimum",
        sql: Some(include_str!("migrations/18.sql")),
        fill: None,
    },
    Migration {
        version: 19,
        summary: "several items, and prices that take the place of others",
        sql: Some(include_str!("migrations/19.sql")),
        fill: None,
    },
    Migration {
        version: 20,
        summary: "pending items, and coupons that are taken off subscriptions",
        sql: Some(include_str!("migrations/20.sql")),
        fill: None,
    },
    Migration {
        version: 21,
        summary: "periods of which the rest was given back, and pauses",
        sql: Some(include_str!("migrations/21.sql")),
        fill: None,
    },
    Migration {
        version: 22,
        summary: "meters, usage, and what of it is billed",
        sql: Some(include_str!("migrations/22.sql")),
        fill: None,
    },
    Migration {
        version: 23,
        summary: "hooks, and how far each is told",
        sql: Some(include_str!("migrations/23.sql")),
        fill: None,
    },
    Migration {
        version: 24,
        summary: "pages of the gateway on which customers pay",
        sql: Some(include_str!("migrations/24.sql")),
        fill: None,
    },
    Migration {
        version: 25,
        summary: "links of the portal, and addresses to be confirmed",
        sql: Some(include_str!("migrations/25.sql")),
        fill: None,
    },
    Migration {
        version: 26,
        summary: "keys of the API, and what was asked under which",
        sql: Some(include_str!("migrations/26.sql")),
        fill: None,
    },
    Migration {
        version: 27,
        summary: "sessions of the portal that were ended",
        sql: Some(include_str!("migrations/27.sql")),
        fill: None,
    },
];

/// The version that this program reads and writes.
pub const VERSION: i64 = MIGRATIONS[MIGRATIONS.len() - 1].version;

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
        self.rebuilding(|store| {
            store.write(|db| {
                // Read inside the transaction: of two that migrate at once, the second finds nothing.
                let from: i64 =
                    db.conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
                if from > VERSION {
                    let kind = FaultKind::Newer { found: from, known: VERSION };
                    return Err(Fault { path, kind }.into());
                }
                let pending: Vec<_> = MIGRATIONS.iter().filter(|m| m.version > from).collect();
                for migration in &pending {
                    crash_point("before a migration");
                    db.conn.execute_batch(migration.sql.unwrap_or_default())?;
                    if let Some(fill) = migration.fill {
                        crash_point("before the rows of a migration");
                        fill(db, day_of)?;
                    }
                    db.conn.pragma_update(None, "user_version", migration.version)?;
                }
                db.check_references()?;
                Ok(pending)
            })
        })
    }

    /// Lets `work` put a new table in the place of one that others refer to: they go on to refer to
    /// its name. References are not enforced meanwhile ([`Db::check_references`] looks at them all),
    /// and neither can be switched inside a transaction.
    fn rebuilding<T>(&mut self, work: impl FnOnce(&mut Store) -> Result<T>) -> Result<T> {
        self.pragma("foreign_keys", 0)?;
        self.pragma("legacy_alter_table", 1)?;
        let done = work(self);
        self.pragma("legacy_alter_table", 0)?;
        self.pragma("foreign_keys", 1)?;
        done
    }
}

impl Db<'_> {
    /// Proves that each row that names another finds it.
    fn check_references(&self) -> Result<()> {
        let mut statement = self.conn.prepare(
            r#"SELECT "table" || ' row ' || coalesce(rowid, '?') || ' names a missing row of ' || parent
               FROM pragma_foreign_key_check LIMIT 1"#,
        )?;
        match statement.query_row([], |row| row.get(0)).optional()? {
            None => Ok(()),
            Some(found) => {
                let kind = FaultKind::Corrupt(found);
                Err(Fault { path: PathBuf::new(), kind }.into())
            }
        }
    }

    /// Whether nothing was written since the database was made.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn is_untouched(&self) -> Result<bool> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM events) AND NOT EXISTS (SELECT 1 FROM runs)";
        Ok(self.conn.query_row(sql, [], |row| row.get(0))?)
    }

    /// The moment of the last change that was made by the machine's clock, RFC 3339; `None`: there was
    /// none yet.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn system_at(&self) -> Result<Option<String>> {
        Ok(self.conn.query_row("SELECT system_at FROM database_info", [], |row| row.get(0))?)
    }

    /// When the database was made.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn created_at(&self) -> Result<String> {
        Ok(self.conn.query_row("SELECT created_at FROM database_info", [], |row| row.get(0))?)
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::Currency;

    /// A migration writes the decimals of currencies down, so that it lifts a file in the same way
    /// for ever; the amounts were stored by those that the program knows.
    #[test]
    fn the_decimals_that_a_migration_reckons_with_are_those_of_the_currencies() {
        let sql = rusqlite::Connection::open_in_memory().unwrap();
        let migration = include_str!("migrations/7.sql");
        let until = migration.find("-- What was copied").unwrap();
        sql.execute_batch(&migration[..until]).unwrap();
        let emails = || 'A'..='Z';
        let mut known = 0;
        for code in emails().flat_map(|a| {
            emails().flat_map(move |b| emails().map(move |c| [a, b, c].iter().collect::<String>()))
        }) {
            let Ok(currency) = code.parse::<Currency>() else { continue };
            let query = "SELECT coalesce((SELECT decimals FROM currency_decimals
                           WHERE currency = ?1), 2)";
            let decimals: u32 = sql.query_row(query, [&code], |row| row.get(0)).unwrap();
            assert_eq!(decimals, currency.decimals(), "{code}");
            known += 1;
        }
        assert!(known > 150, "{known}");
    }
}
