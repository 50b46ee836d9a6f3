//! A database to fill or to write to, and the rows that most of them need.

use std::fs::File;

use rusqlite::Connection;

use crate::Done;

/// Rows a commit of every loop here.
pub const ROWS_A_COMMIT: usize = 500;

/// Invoices a tenant.
pub const INVOICES_A_TENANT: i64 = 10;

/// A connection as durable as the tool's: write-ahead log, synced at each commit, foreign keys; the
/// journals of single statements in memory, as the tool has them.
pub fn open(db: &str) -> Done<Connection> {
    let conn = Connection::open(db)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(conn)
}

/// Fills a database of billing init, in one transaction, and leaves one file without a write-ahead
/// log beside it, so that it can be copied.
pub fn fill(db: &str, insert: impl FnOnce(&Connection) -> Done) -> Done {
    let mut conn = open(db)?;
    conn.pragma_update(None, "synchronous", "OFF")?;
    let tx = conn.transaction()?;
    insert(&tx)?;
    tx.commit()?;
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    conn.close().map_err(|(_, error)| error.into())
}

/// Lets what is written lie in memory until it is committed: where rows come in no order, each is
/// else put on a page that was let go before.
pub fn keep_pages(conn: &Connection) -> Done {
    Ok(conn.pragma_update(None, "cache_size", -(1 << 20))?)
}

/// The row of a task's run, the first of its database.
pub fn insert_run(conn: &Connection, task: &str, at: &str) -> Done {
    conn.execute(
        "INSERT INTO runs (id, task, as_of, clock, status, started_at)
         VALUES (1, ?1, ?2, 'given', 'ok', ?2)",
        (task, at),
    )?;
    Ok(())
}

/// Hands each line of a list to `write`, and commits after so many of them. The transaction of the
/// last ones is still open afterwards.
pub fn each_line(
    conn: &Connection,
    mut list: csv::Reader<File>,
    lines_a_commit: usize,
    mut write: impl FnMut(&csv::StringRecord) -> Done,
) -> Done {
    let mut line = csv::StringRecord::new();
    let mut lines = 0;
    conn.execute_batch("BEGIN IMMEDIATE")?;
    while list.read_record(&mut line)? {
        write(&line)?;
        lines += 1;
        if lines % lines_a_commit == 0 {
            conn.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        }
    }
    Ok(())
}

/// A list as `yardstick list` writes it.
pub fn open_list(file: &str) -> Done<csv::Reader<File>> {
    Ok(csv::ReaderBuilder::new().has_headers(false).from_path(file)?)
}

/// The instant that `--as-of DATE` stands for in UTC.
pub fn noon(date: impl std::fmt::Display) -> String {
    format!("{date}T12:00:00Z")
}

pub fn locale(tenant: i64) -> &'static str {
    if tenant % 3 == 0 { "en" } else { "fr" }
}

/// Tenants `t1` … and a party of each, after the seller's.
pub fn insert_tenants(conn: &Connection, tenants: i64) -> Done {
    conn.execute("INSERT INTO parties (id, document) VALUES (1, '{\"name\":\"Bench\"}')", [])?;
    let mut tenant = conn.prepare(
        "INSERT INTO tenants (id, slug, name, email, currency, locale, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, 'EUR', ?5, ?6, ?6)",
    )?;
    let mut party = conn.prepare("INSERT INTO parties (id, document) VALUES (?1, ?2)")?;
    for id in 1..=tenants {
        let (name, email) = (format!("Customer {id}"), format!("pay@t{id}.example"));
        tenant.execute((id, format!("t{id}"), &name, &email, locale(id), noon("2025-01-01")))?;
        party.execute((1 + id, format!(r#"{{"name":"{name}","email":"{email}"}}"#)))?;
    }
    Ok(())
}

/// So many cents as a decimal number of euros, as prices are stored.
pub fn major(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

pub fn insert_plans(conn: &Connection, at: &str) -> Done {
    for (id, plan, minor) in [(1, "Small", 1900), (2, "Team", 4900), (3, "Large", 9900)] {
        conn.execute(
            "INSERT INTO plans (id, code, name, interval, created_at, updated_at)
             VALUES (?1, lower(?2), ?2, 'month', ?3, ?3)",
            (id, plan, at),
        )?;
        conn.execute(
            "INSERT INTO prices (id, plan_id, currency, model, unit_amount, created_at)
             VALUES (?1, ?1, 'EUR', 'per_unit', ?2, ?3)",
            (id, major(minor), at),
        )?;
    }
    Ok(())
}
