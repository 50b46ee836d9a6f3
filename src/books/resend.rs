//! E-mails that are sent again.

use serde_json::json;

use super::Book;
use crate::domain::email::EmailStatus;
use crate::domain::event::{EmailEvent, Extra, InvoiceEvent};
use crate::domain::invoice::{Invoice, InvoiceStatus};
use crate::domain::template::Template;
use crate::domain::{EmailId, Refusal, Result};
use crate::store::{Email, NewEmail};

/// What marks the key of an e-mail that was sent again.
const AGAIN: &str = "/again/";

/// What marks, in its facts, an e-mail that was sent again with all others that had failed.
const TOGETHER: &str = "sent_again_with_others";

/// Whether a person asked for this e-mail by name, and not with all that had failed.
pub fn is_sent_again_by_name(email: &Email) -> bool {
    email.dedup_key.contains(AGAIN) && queued_facts(email)[TOGETHER] != true
}

impl Book<'_> {
    /// Queues an e-mail again, as a new one to the tenant's present address: the old one stays in the
    /// record as it is. The new one stands for the stages that the old one told of, and where it is a
    /// warning, its notice starts anew.
    ///
    /// # Errors
    /// The e-mail is still queued, or was sent again before.
    pub fn resend(&self, id: EmailId) -> Result<EmailId> {
        let old = self.db.email(id)?;
        if old.status == EmailStatus::Queued {
            return Err(Refusal::StillQueued { email: id.to_string() });
        }
        let new = self.queue_again(&old, &old.facts)?;
        new.ok_or_else(|| Refusal::AlreadyResent { email: id.to_string() })
    }

    /// Queues the e-mail with an invoice, also with an imported one: to the customer, or to the address
    /// that is named alone.
    ///
    /// # Errors
    /// The invoice is void, or the e-mail with it is queued already.
    pub fn send_invoice(&self, invoice: &Invoice, to: Option<&str>) -> Result<EmailId> {
        let status = invoice.status;
        if matches!(status, InvoiceStatus::Void | InvoiceStatus::Draft) {
            let invoice = invoice.number.clone();
            return Err(Refusal::NotOpen { invoice, status: status.word() });
        }
        if let Some(email) = self.db.queued_invoice_email(invoice.id, to)? {
            return Err(Refusal::StillQueued { email: email.to_string() });
        }
        let newest = self.db.newest_email()?;
        let facts = to.map_or_else(|| "{}".to_owned(), |to| json!({ "to": to }).to_string());
        let new = self.db.queue_email(
            self.act,
            &NewEmail {
                tenant: invoice.tenant_id,
                invoice: Some(invoice.id),
                template: Template::Invoice,
                domain: &self.config.mail_domain(),
                dedup_key: &format!("invoice/{}/after/{newest}", invoice.id.0),
                facts: &facts,
                run: None,
            },
        )?;
        let exists = || Refusal::Exists { noun: "email", name: invoice.number.clone() };
        let email = new.ok_or_else(exists)?;
        self.record(invoice, InvoiceEvent::SentByHand { email, to: Extra(to) }, None)?;
        Ok(email)
    }

    /// Queues each e-mail again that has failed since then and was not sent again before. A reminder
    /// whose invoice has come to a higher stage meanwhile is left to that stage's e-mail.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn resend_failed(&self, since: Option<&str>) -> Result<Vec<EmailId>> {
        let mut queued = Vec::new();
        for old in self.db.failed_emails(since)? {
            let mut facts = queued_facts(&old);
            facts[TOGETHER] = true.into();
            queued.extend(self.queue_again(&old, &facts.to_string())?);
        }
        Ok(queued)
    }

    /// `None` where the e-mail was sent again before.
    fn queue_again(&self, old: &Email, facts: &str) -> Result<Option<EmailId>> {
        let base = old.dedup_key.split(AGAIN).next().unwrap_or(&old.dedup_key);
        let new = self.db.queue_email(
            self.act,
            &NewEmail {
                tenant: old.tenant_id,
                invoice: old.invoice_id,
                template: old.template,
                domain: &self.config.mail_domain(),
                dedup_key: &format!("{base}{AGAIN}{}", old.id.0),
                facts,
                run: None,
            },
        )?;
        let Some(new) = new else { return Ok(None) };
        let warned = self.db.move_steps(self.act, old.id, new)?;
        let on = self.act.today;
        let event = EmailEvent::Resent { email: old.id, r#as: new, warned: &warned, on };
        self.record((old.tenant_id, old.invoice_id), event, None)?;
        Ok(Some(new))
    }
}

/// What was noted of an e-mail when it was queued.
pub fn queued_facts(email: &Email) -> serde_json::Value {
    serde_json::from_str(&email.facts).unwrap_or_default()
}
