//! Sessions of the portal that were ended before their time; one that runs is a signed cookie and no
//! row.

use chrono::{DateTime, Utc};

use super::Db;
use crate::domain::Result;
use crate::domain::act::instant;

impl Db<'_> {
    /// Whether a session was ended, by the hash of its cookie.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn is_session_ended(&self, hash: &str) -> Result<bool> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM ended_sessions WHERE session = ?1)")?;
        Ok(statement.query_row([hash], |row| row.get(0))?)
    }

    /// Ends a session that would last until then; those whose time was up by `now` go.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn end_session(&self, hash: &str, until: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
        self.conn
            .prepare_cached("DELETE FROM ended_sessions WHERE expires_at <= ?1")?
            .execute([instant(now)])?;
        self.conn
            .prepare_cached(
                "INSERT INTO ended_sessions (session, expires_at) VALUES (?1, ?2)
                 ON CONFLICT DO NOTHING",
            )?
            .execute((hash, instant(until)))?;
        Ok(())
    }
}
