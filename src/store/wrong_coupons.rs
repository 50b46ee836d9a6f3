//! Codes of coupons that do not exist, as customers gave them on the portal or to the API: who goes on
//! guessing is sent away. By the machine's clock, for guessing takes real time.

use chrono::{DateTime, TimeDelta, Utc};

use super::Db;
use crate::domain::act::instant;
use crate::domain::{Result, TenantId};

/// So many wrong codes a customer may give in an hour.
pub const MOST_WRONG_COUPONS: u32 = 20;

/// How long a wrong code counts.
const COUNTED: TimeDelta = TimeDelta::hours(1);

/// The wrong codes of a customer in the hour that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongCoupons {
    pub count: u32,
    /// Where they are too many: the seconds until the next one may be given.
    pub wait_seconds: Option<i64>,
}

impl Db<'_> {
    /// The wrong codes of a customer until now.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn wrong_coupons(&self, tenant: TenantId, now: DateTime<Utc>) -> Result<WrongCoupons> {
        let mut statement = self.conn.prepare_cached(
            "SELECT at FROM wrong_coupons WHERE tenant_id = ?1 AND at > ?2 ORDER BY at DESC",
        )?;
        let rows = statement.query_map((tenant.0, instant(now - COUNTED)), |row| row.get(0))?;
        let at: Vec<String> = rows.collect::<rusqlite::Result<_>>()?;
        let count = u32::try_from(at.len()).unwrap_or(u32::MAX);
        // The one that has to grow old before there is room for another.
        let oldest = at.get(MOST_WRONG_COUPONS as usize - 1);
        let oldest = oldest.and_then(|at| DateTime::parse_from_rfc3339(at).ok());
        let wait = oldest.map(|at| (at.to_utc() + COUNTED - now).num_seconds() + 1);
        Ok(WrongCoupons { count, wait_seconds: wait.map(|seconds| seconds.max(1)) })
    }

    /// A customer gave a code that does not exist; also lets go of some that count no more.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn note_wrong_coupon(&self, tenant: TenantId, now: DateTime<Utc>) -> Result<()> {
        self.conn
            .prepare_cached(
                "DELETE FROM wrong_coupons WHERE id IN (
                   SELECT id FROM wrong_coupons WHERE at < ?1 ORDER BY at LIMIT 50)",
            )?
            .execute([instant(now - COUNTED)])?;
        self.conn
            .prepare_cached("INSERT INTO wrong_coupons (tenant_id, at) VALUES (?1, ?2)")?
            .execute((tenant.0, instant(now)))?;
        Ok(())
    }
}
