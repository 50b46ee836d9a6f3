//! The rows that number invoices without gaps.

use rusqlite::OptionalExtension;

use super::Db;
use crate::domain::Result;

impl Db<'_> {
    /// The next number of a series, taken in the transaction that issues the invoice: where that
    /// is rolled back, the number was never taken.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn take_number(&self, series: &str) -> Result<i64> {
        // Read back by a statement of its own: RETURNING makes and drops a table each time.
        self.conn
            .prepare_cached(
                "INSERT INTO number_sequences (series, last) VALUES (?1, 1)
                 ON CONFLICT (series) DO UPDATE SET last = last + 1",
            )?
            .execute([series])?;
        let mut last =
            self.conn.prepare_cached("SELECT last FROM number_sequences WHERE series = ?1")?;
        Ok(last.query_row([series], |row| row.get(0))?)
    }

    /// How many numbers of a series would be passed over by that one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn numbers_passed(&self, series: &str, sequence: i64) -> Result<i64> {
        let mut last =
            self.conn.prepare_cached("SELECT last FROM number_sequences WHERE series = ?1")?;
        let last: Option<i64> = last.query_row([series], |row| row.get(0)).optional()?;
        Ok((sequence - 1 - last.unwrap_or(0)).max(0))
    }

    /// Notes that the last number of a series was taken before it came to it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn skip_number(&self, series: &str) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE number_sequences SET skipped = skipped + 1 WHERE series = ?1")?
            .execute([series])?;
        Ok(())
    }

    /// Notes a number that was imported or typed: the series goes on above it, and what it passed
    /// over is no gap.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn note_number(&self, series: &str, sequence: i64) -> Result<()> {
        let last: Option<i64> = self
            .conn
            .prepare_cached("SELECT last FROM number_sequences WHERE series = ?1")?
            .query_row([series], |row| row.get(0))
            .optional()?;
        let passed = sequence - last.unwrap_or(0);
        if passed > 0 {
            self.conn
                .prepare_cached(
                    "INSERT INTO number_sequences (series, last, skipped) VALUES (?1, ?2, ?3)
                     ON CONFLICT (series) DO UPDATE
                     SET last = excluded.last, skipped = skipped + excluded.skipped",
                )?
                .execute((series, sequence, passed))?;
        }
        Ok(())
    }
}
