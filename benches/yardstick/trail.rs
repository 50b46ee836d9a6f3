//! The audit trail: what happened, and what is said of it, salted and hashed as schema.sql has it.

use std::sync::atomic::{AtomicU64, Ordering};

use ring::digest::{Context, SHA256};
use rusqlite::Connection;

use crate::Done;

/// What differs from salt to salt: to draw them would be to find something out.
static SALTS: AtomicU64 = AtomicU64::new(0);

/// The number of an actor, who is written down where nobody knows it.
pub fn actor(conn: &Connection, name: &str) -> Done<i64> {
    conn.execute("INSERT INTO actors (name) VALUES (?1) ON CONFLICT DO NOTHING", [name])?;
    let find = "SELECT id FROM actors WHERE name = ?1";
    Ok(conn.query_row(find, [name], |row| row.get(0))?)
}

/// An entry of the audit trail. No reason here needs an escape in JSON.
pub fn insert_event(
    conn: &Connection,
    actor: i64,
    (at, kind): (&str, &str),
    (tenant, invoice): (Option<i64>, Option<i64>),
    (reason, data): (Option<&str>, &str),
) -> Done {
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&SALTS.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    let text = match reason {
        Some(reason) => format!("[\"{reason}\",{data}]"),
        None => format!("[null,{data}]"),
    };
    let mut context = Context::new(&SHA256);
    context.update(&salt);
    context.update(text.as_bytes());
    conn.prepare_cached(
        "INSERT INTO events (at, kind, tenant_id, invoice_id, actor_id, text_hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute((at, kind, tenant, invoice, actor, context.finish().as_ref()))?;
    conn.prepare_cached(
        "INSERT INTO event_texts (event_id, salt, reason, data) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute((conn.last_insert_rowid(), salt, reason, data))?;
    Ok(())
}
