//! What a run of the tool wrote: as a list for the loop, and row by row against what the loop
//! wrote; and whether a file is sound.

use rusqlite::Connection;

use crate::Done;
use crate::database::open;

/// Writes down what a run wrote, one line a row of that query.
pub fn list(db: &str, query: &str, file: &str) -> Done {
    let conn = open(db)?;
    let mut out = csv::Writer::from_path(file)?;
    let mut query = conn.prepare(query)?;
    let columns = query.column_count();
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            use rusqlite::types::ValueRef;
            match row.get_ref(column)? {
                ValueRef::Integer(number) => out.write_field(number.to_string())?,
                ValueRef::Text(text) => out.write_field(text)?,
                _ => out.write_field("")?,
            }
        }
        out.write_record(None::<&[u8]>)?;
    }
    Ok(out.flush()?)
}

/// Proves that tool and loop did the same work: every table that they write holds the same rows.
pub fn same(one: &str, other: &str) -> Done {
    let conn = Connection::open(one)?;
    conn.execute("ATTACH ?1 AS other", [other])?;
    let count = |from: &str| -> rusqlite::Result<i64> {
        conn.query_row(&format!("SELECT count(*) FROM {from}"), [], |row| row.get(0))
    };
    for table in [
        "tenants",
        "tenant_states",
        "parties",
        "subscriptions",
        "subscription_items",
        "subscription_states",
        "invoices",
        "invoice_states",
        "invoice_lines",
        "ledger",
        "dunning_steps",
        "emails",
        "actors",
        "events",
        "event_texts",
        "number_sequences",
        "coupons",
    ] {
        // No two salts are the same, nor the hashes over them.
        let columns = match table {
            "events" => "id, at, kind, tenant_id, invoice_id, actor_id",
            "event_texts" => "event_id, reason, data",
            _ => "*",
        };
        let differ = format!(
            "(SELECT {columns} FROM main.{table} EXCEPT SELECT {columns} FROM other.{table})"
        );
        let differ = count(&differ)?;
        let (here, there) = (count(&format!("main.{table}"))?, count(&format!("other.{table}"))?);
        if differ > 0 || here != there {
            return Err(format!("{table}: {here} and {there} rows, {differ} differ").into());
        }
    }
    Ok(())
}

/// Asks SQLite itself whether a file is sound: each page, row and index, and each reference.
pub fn sound(db: &str) -> Done {
    let conn = open(db)?;
    let verdict: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    let dangling: i64 =
        conn.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))?;
    if verdict != "ok" || dangling > 0 {
        return Err(format!("{verdict}; {dangling} rows name a missing one").into());
    }
    Ok(())
}
