//! What customers ask an e-mail for: a link to their pages, and a new address, which they confirm.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::Book;
use super::links::{CONFIRM_FOR, SIGN_IN_FOR};
use crate::domain::event::{TenantEvent, TenantFacts};
use crate::domain::template::Template;
use crate::domain::tenant::{Tenant, TenantEdit};
use crate::domain::{EmailId, Refusal, Result, act, text};
use crate::links::{Claims, Purpose, Subject};
use crate::store::{LinkRequest, NewEmail};

impl Book<'_> {
    /// Queues an e-mail with a link for each customer whose own address that is, whatever its case, but
    /// three an hour for a customer at most. What it answers, writes and takes is the same whether there
    /// is such a customer: whoever asks learns nothing. `now` is the machine's.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn request_portal_link(&self, address: &str, now: DateTime<Utc>) -> Result<()> {
        self.db.note_link_request(now)?;
        let Ok(address) = text::email("email", address.trim()) else { return Ok(()) };
        for tenant in self.db.tenants_at(&address)? {
            if self.db.count_link_request(tenant.id, LinkRequest::SignIn, now)? {
                let facts = json!({
                    // Where the request was, also if the customer has another address by then.
                    "to": tenant.email,
                    "generation": tenant.portal_generation,
                    "expires_at": act::instant(now + SIGN_IN_FOR),
                });
                self.queue_link(&tenant, Template::PortalLink, &facts)?;
            }
        }
        Ok(())
    }

    /// Asks at a customer's new address whether it is theirs; it holds once it was confirmed from there.
    /// `now` is the machine's.
    ///
    /// # Errors
    /// It is no address, or the present one; there is no portal where it could be confirmed; three were
    /// asked for within the hour.
    pub fn ask_to_change_email(
        &self,
        tenant: &Tenant,
        new: &str,
        now: DateTime<Utc>,
    ) -> Result<EmailId> {
        let email = text::email("email", new.trim())?;
        if email == tenant.email {
            return Err(Refusal::EmailUnchanged { email });
        }
        self.config.need_portal()?;
        if !self.db.count_link_request(tenant.id, LinkRequest::Confirm, now)? {
            return Err(Refusal::TooManyLinks { tenant: tenant.slug.clone() });
        }
        self.db.set_pending_email(self.act, tenant.id, &email)?;
        self.record(tenant.id, TenantEvent::EmailAsked { email: &email }, None)?;
        let facts = json!({
            "to": email,
            "generation": tenant.portal_generation,
            "expires_at": act::instant(now + CONFIRM_FOR),
        });
        self.queue_link(tenant, Template::EmailConfirm, &facts)
    }

    /// Makes the address the customer's own that a link confirms, which was read already, and tells the
    /// one before it.
    ///
    /// # Errors
    /// The link was revoked, or another address was asked for or set since.
    pub fn confirm_email(&self, claims: &Claims) -> Result<Tenant> {
        let before = self.db.tenant_by_id(claims.tenant)?;
        let is_asked = |email: &String| claims.subject == Subject::address(email);
        let pending = before.pending_email.clone().filter(is_asked);
        let holds =
            claims.purpose == Purpose::Confirm && claims.generation == before.portal_generation;
        let Some(email) = pending.filter(|_| holds) else { return Err(Refusal::ConfirmationOver) };
        let edit = TenantEdit { email: Some(email), ..TenantEdit::default() };
        self.db.edit_tenant(self.act, before.id, &edit)?;
        let after = self.db.tenant_by_id(before.id)?;
        let (was, is) = (TenantFacts::of(&before), TenantFacts::of(&after));
        let event = TenantEvent::edited(Some(&edit), &was, &is);
        self.record(before.id, event, Some("confirmed from the new address"))?;
        let facts = json!({ "to": before.email, "new": after.email });
        self.queue_link(&before, Template::EmailChanged, &facts)?;
        Ok(after)
    }

    /// Queues an e-mail that stands for no other, however often the like was asked for.
    fn queue_link(
        &self,
        tenant: &Tenant,
        template: Template,
        facts: &serde_json::Value,
    ) -> Result<EmailId> {
        let newest = self.db.newest_email()?;
        let queued = self.db.queue_email(
            self.act,
            &NewEmail {
                tenant: tenant.id,
                invoice: None,
                template,
                domain: &self.config.mail_domain(),
                dedup_key: &format!("{template}/{}/after/{newest}", tenant.id.0),
                facts: &facts.to_string(),
                run: None,
            },
        )?;
        queued.ok_or_else(|| Refusal::Exists { noun: "email", name: template.to_string() })
    }
}
