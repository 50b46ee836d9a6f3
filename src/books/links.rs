//! The links to the portal: what each says, and until when it holds.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::config::Config;
use crate::domain::calendar::plus_days;
use crate::domain::invoice::Invoice;
use crate::domain::invoice_link::InvoiceLinkFacts;
use crate::domain::tenant::Tenant;
use crate::domain::{InvoiceId, Result, TenantId};
use crate::links::{Claims, Purpose, Signer, Subject, url};

/// How long a link that signs a customer in holds.
pub const SIGN_IN_FOR: TimeDelta = TimeDelta::hours(12);

/// How long a link that confirms an address holds.
pub const CONFIRM_FOR: TimeDelta = TimeDelta::hours(24);

/// What makes links: where the portal is, and what signs.
#[derive(Debug)]
pub struct Links {
    base_url: String,
    signer: Signer,
}

/// An invoice and its customer, as its link says them.
#[derive(Debug, Clone, Copy)]
pub struct LinkedInvoice {
    pub invoice: InvoiceId,
    pub tenant: TenantId,
    /// The tenant's.
    pub generation: i64,
    pub facts: InvoiceLinkFacts,
}

impl LinkedInvoice {
    /// That of an invoice of the tenant.
    pub fn of(invoice: &Invoice, tenant: &Tenant) -> LinkedInvoice {
        LinkedInvoice {
            invoice: invoice.id,
            tenant: tenant.id,
            generation: tenant.portal_generation,
            facts: InvoiceLinkFacts { issued_on: invoice.issued_on, paid_on: invoice.paid_on },
        }
    }
}

impl Links {
    /// As the configuration says; `None` where there is no portal.
    ///
    /// # Errors
    /// The secrets cannot be read: [`Config::portal_secrets`].
    pub fn of(config: &Config) -> Result<Option<Links>> {
        let signer = Signer::from_secrets(&config.portal_secrets()?);
        let links = config.portal.as_ref().zip(signer);
        Ok(links.map(|(portal, signer)| Links { base_url: portal.base_url.clone(), signer }))
    }

    /// The same where the portal is somewhere else, as for trying out.
    #[must_use]
    pub fn at(self, base_url: String) -> Links {
        Links { base_url, ..self }
    }

    /// What signs and reads their tokens.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The link that shows an invoice and lets it be paid. It is the same whenever it is made, so that an
    /// e-mail that is tried again says the same; that it holds no more once the invoice was paid long
    /// ago is asked when it is used.
    pub fn invoice(&self, linked: &LinkedInvoice) -> String {
        self.sign(&Claims {
            purpose: Purpose::Invoice,
            tenant: linked.tenant,
            invoice: Some(linked.invoice),
            expires_at: end_of(linked.facts.longest_until()),
            generation: linked.generation,
            subject: Subject::NONE,
        })
    }

    /// The link that signs a customer in until then.
    pub fn sign_in(&self, tenant: TenantId, generation: i64, expires_at: DateTime<Utc>) -> String {
        self.sign(&Claims {
            purpose: Purpose::Portal,
            tenant,
            invoice: None,
            expires_at,
            generation,
            subject: Subject::NONE,
        })
    }

    /// The link that confirms a customer's new address until then.
    pub fn confirm(
        &self,
        tenant: TenantId,
        generation: i64,
        email: &str,
        expires_at: DateTime<Utc>,
    ) -> String {
        self.sign(&Claims {
            purpose: Purpose::Confirm,
            tenant,
            invoice: None,
            expires_at,
            generation,
            subject: Subject::address(email),
        })
    }

    fn sign(&self, claims: &Claims) -> String {
        url(&self.base_url, &self.signer.sign(claims))
    }
}

/// The end of a day, wherever that day is: links know no time zone.
pub(super) fn end_of(day: NaiveDate) -> DateTime<Utc> {
    plus_days(day, 1).and_time(NaiveTime::MIN).and_utc()
}
