//! The rows of the portal: generations of links, addresses to be confirmed, and who asked for links.

use chrono::{DateTime, TimeDelta, Utc};

use super::Db;
use crate::domain::act::{self, Act};
use crate::domain::{Result, TenantId, words};

words! {
    /// What a customer asked an e-mail with a link for.
    LinkRequest {
        /// To come in.
        SignIn = "sign_in",
        /// To confirm a new address.
        Confirm = "confirm",
    }
}

/// So many of a kind may be asked for in an hour.
const MOST_AN_HOUR: i64 = 3;

impl Db<'_> {
    /// Notes that somebody asked for a link by some address: the same for every address.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn note_link_request(&self, now: DateTime<Utc>) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE database_info SET link_asked_at = ?1")?
            .execute([act::instant(now)])?;
        Ok(())
    }

    /// Counts a request of a tenant by the machine's clock; `false`: there were as many as there may be
    /// in the hour until now, and it is not counted.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn count_link_request(
        &self,
        tenant: TenantId,
        kind: LinkRequest,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let an_hour_ago = act::instant(now - TimeDelta::hours(1));
        self.conn
            .prepare_cached("DELETE FROM portal_requests WHERE tenant_id = ?1 AND asked_at <= ?2")?
            .execute((tenant.0, an_hour_ago))?;
        let counted = self
            .conn
            .prepare_cached(
                "INSERT INTO portal_requests (tenant_id, kind, asked_at)
                 SELECT ?1, ?2, ?3 WHERE ?4 > (SELECT count(*) FROM portal_requests
                   WHERE tenant_id = ?1 AND kind = ?2)",
            )?
            .execute((tenant.0, kind.word(), act::instant(now), MOST_AN_HOUR))?;
        Ok(counted == 1)
    }

    /// Ends each link and session of a tenant, and what waits to be confirmed.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn revoke_portal(&self, act: &Act, id: TenantId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE tenants SET portal_generation = portal_generation + 1, pending_email = NULL,
                   updated_at = max(updated_at, ?2), changed_at = ?2
                 WHERE id = ?1",
            )?
            .execute((id.0, act.at()))?;
        Ok(())
    }

    /// Lets an address wait until it is confirmed, in place of one that waited before.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn set_pending_email(&self, act: &Act, id: TenantId, email: &str) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE tenants SET pending_email = ?2, updated_at = max(updated_at, ?3), changed_at = ?3
                 WHERE id = ?1",
            )?
            .execute((id.0, email, act.at()))?;
        Ok(())
    }
}
