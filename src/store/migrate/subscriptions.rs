//! Version 2: the days of what version 1 kept as instants.

use rusqlite::Connection;

use crate::store::crash_point;

/// Sets the days on which subscriptions of version 1 were suspended or canceled; `day_of` says on
/// which business day an instant lies.
///
/// # Errors
/// A fault of the file.
pub(super) fn lift(conn: &Connection, day_of: &dyn Fn(&str) -> String) -> rusqlite::Result<()> {
    let mut found = conn.prepare(
        "SELECT id, coalesce(suspended_at, canceled_at) AS at FROM subscriptions
         WHERE suspended_at IS NOT NULL OR (canceled_at IS NOT NULL AND cancel_at_period_end = 0)",
    )?;
    let mut set = conn.prepare(
        "UPDATE subscriptions SET
           suspended_on = iif(status = 'suspended', coalesce(date(?2), suspended_on), NULL),
           ends_on = iif(status = 'canceled', coalesce(date(?2), ends_on), ends_on)
         WHERE id = ?1",
    )?;
    let mut rows = found.query([])?;
    while let Some(row) = rows.next()? {
        crash_point("a subscription of version 2");
        let at: String = row.get("at")?;
        set.execute((row.get::<_, i64>("id")?, day_of(&at)))?;
    }
    Ok(())
}
