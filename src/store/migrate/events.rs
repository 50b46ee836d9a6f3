//! Version 8: the texts of events apart from them.

use std::path::PathBuf;

use crate::domain::Result;
use crate::store::events::Fact;
use crate::store::{Db, Fault, FaultKind};

/// Moves every row of `events_to_move` to where events stand since then, and drops the table once
/// nothing is left in it.
///
/// # Errors
/// A row that was not moved as it was, or a fault of the file.
pub fn lift(db: &Db) -> Result<()> {
    copy(db)?;
    db.conn.execute(
        "DELETE FROM events_to_move AS o WHERE EXISTS (
           SELECT 1 FROM events e JOIN actors a ON a.id = e.actor_id
           JOIN event_texts x ON x.event_id = e.id
           WHERE e.id = o.id AND e.at = o.at AND e.kind = o.kind AND a.name = o.actor
             AND e.tenant_id IS o.tenant_id AND e.invoice_id IS o.invoice_id
             AND x.reason IS o.reason AND x.data = o.data)",
        [],
    )?;
    let left = "SELECT EXISTS (SELECT 1 FROM events_to_move)";
    if db.conn.query_row(left, [], |row| row.get(0))? {
        let kind = FaultKind::Other("an event was not moved as it was".to_owned());
        return Err(Fault { path: PathBuf::new(), kind }.into());
    }
    Ok(db.conn.execute_batch("DROP TABLE events_to_move")?)
}

fn copy(db: &Db) -> Result<()> {
    let mut statement = db.conn.prepare("SELECT * FROM events_to_move ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (at, kind): (String, String) = (row.get("at")?, row.get("kind")?);
        let (actor, data): (String, String) = (row.get("actor")?, row.get("data")?);
        let reason: Option<String> = row.get("reason")?;
        let fact = Fact {
            id: row.get("id")?,
            at: &at,
            kind: &kind,
            tenant_id: row.get("tenant_id")?,
            invoice_id: row.get("invoice_id")?,
            actor: &actor,
        };
        db.write_event(&fact, reason.as_deref(), &data)?;
    }
    Ok(())
}
