//! Links to customers' pages that a person makes and revokes.

use chrono::{DateTime, NaiveDate, Utc};

use super::Book;
use super::links::{LinkedInvoice, Links, SIGN_IN_FOR, end_of};
use crate::domain::event::TenantEvent;
use crate::domain::invoice::Invoice;
use crate::domain::invoice_link::invoice_link_holds;
use crate::domain::tenant::Tenant;
use crate::domain::{Refusal, Result, act};

/// A link that was made, and until when it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeLink {
    pub url: String,
    /// RFC 3339; of an invoice's, as things stand.
    pub expires_at: String,
}

impl Book<'_> {
    /// Makes a link that signs a customer in, for a person who hands it on. `now` is the machine's.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn make_sign_in_link(
        &self,
        links: &Links,
        tenant: &Tenant,
        now: DateTime<Utc>,
    ) -> Result<MadeLink> {
        let until = now + SIGN_IN_FOR;
        let url = links.sign_in(tenant.id, tenant.portal_generation, until);
        let made = MadeLink { url, expires_at: act::instant(until) };
        let event = TenantEvent::LinkMade { invoice: None, expires_at: &made.expires_at };
        self.record(tenant.id, event, None)?;
        Ok(made)
    }

    /// Makes the link of one invoice, the same that its e-mails have. `today` is the machine's, in the
    /// business time zone.
    ///
    /// # Errors
    /// The invoice is another customer's, or was paid or issued so long ago that its link holds no more.
    pub fn make_invoice_link(
        &self,
        links: &Links,
        tenant: &Tenant,
        invoice: &Invoice,
        today: NaiveDate,
    ) -> Result<MadeLink> {
        if invoice.tenant_id != tenant.id {
            let name = invoice.number.clone();
            return Err(Refusal::NotFound { noun: "invoice", name, near: None });
        }
        let linked = LinkedInvoice::of(invoice, tenant);
        let until = linked.facts.holds_until();
        if !invoice_link_holds(linked.facts, today) {
            return Err(Refusal::LinkOver { invoice: invoice.number.clone(), until });
        }
        let expires_at = end_of(until);
        let made = MadeLink { url: links.invoice(&linked), expires_at: act::instant(expires_at) };
        let invoice_number = Some(invoice.number.as_str());
        let event = TenantEvent::LinkMade { invoice: invoice_number, expires_at: &made.expires_at };
        self.record(invoice, event, None)?;
        Ok(made)
    }

    /// Ends all links to a customer's pages, those in e-mails too, and each session that began with one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn revoke_portal(&self, tenant: &Tenant) -> Result<()> {
        self.db.revoke_portal(self.act, tenant.id)?;
        self.record(tenant.id, TenantEvent::LinksRevoked, None)
    }
}
