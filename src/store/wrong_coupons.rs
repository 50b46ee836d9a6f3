//! Codes of coupons that do not exist, as customers gave them on the portal or to the API: who goes on
//! guessing is sent away. By the machine's clock, for guessing takes real time.

use chrono::{DateTime, TimeDelta, Utc};

use super::Db;
use crate::domain::act::instant;
use crate::domain::{Result, TenantId};

/// So many wrong codes a customer may give in an hour.
const MOST_WRONG_COUPONS: u32 = 20;

/// How long a wrong code counts.
const COUNTED: TimeDelta = TimeDelta::hours(1);

/// A code that is looked up, and counts as a wrong one until it was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuessId(i64);

/// Whether a customer's code may be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guess {
    Counted(GuessId),
    /// Too many were wrong: the seconds until the next one may be given.
    Wait {
        seconds: i64,
    },
}

impl Db<'_> {
    /// Counts a code that a customer gives as a wrong one, before it is looked up, where not too many were in
    /// the last hour; also lets go of some that count no more.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn begin_guess(&self, tenant: TenantId, now: DateTime<Utc>) -> Result<Guess> {
        let mut statement = self.conn.prepare_cached(
            "SELECT at FROM wrong_coupons WHERE tenant_id = ?1 AND at > ?2 ORDER BY at DESC",
        )?;
        let rows = statement.query_map((tenant.0, instant(now - COUNTED)), |row| row.get(0))?;
        let at: Vec<String> = rows.collect::<rusqlite::Result<_>>()?;
        // The one that has to grow old before there is room for another.
        let oldest = at.get(MOST_WRONG_COUPONS as usize - 1);
        let oldest = oldest.and_then(|at| DateTime::parse_from_rfc3339(at).ok());
        if let Some(oldest) = oldest {
            let seconds = (oldest.to_utc() + COUNTED - now).num_seconds() + 1;
            return Ok(Guess::Wait { seconds: seconds.max(1) });
        }
        self.conn
            .prepare_cached(
                "DELETE FROM wrong_coupons WHERE id IN (
                   SELECT id FROM wrong_coupons WHERE at < ?1 ORDER BY at LIMIT 50)",
            )?
            .execute([instant(now - COUNTED)])?;
        let mut insert = self
            .conn
            .prepare_cached("INSERT INTO wrong_coupons (tenant_id, at) VALUES (?1, ?2)")?;
        Ok(Guess::Counted(GuessId(insert.insert((tenant.0, instant(now)))?)))
    }

    /// Takes a guess back: there is such a coupon, or it was not looked up.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn guess_was_right(&self, guess: GuessId) -> Result<()> {
        self.conn.prepare_cached("DELETE FROM wrong_coupons WHERE id = ?1")?.execute([guess.0])?;
        Ok(())
    }
}
