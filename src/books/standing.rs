//! The standing of a tenant: suspended, back, closed.

use chrono::NaiveDate;

use super::Book;
use super::returns::Which;
use crate::domain::dunning;
use crate::domain::letter::Template;
use crate::domain::tenant::{Suspension, SuspensionCause, Tenant, TenantStatus};
use crate::domain::{Refusal, Result, TenantId};
use crate::store::NewEmail;

/// What happened to the invoice that held a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// It was paid, for which the customer is thanked.
    Paid,
    /// It was voided, or an import set it right.
    Corrected,
}

impl Book<'_> {
    /// Suspends a tenant by hand: it stays so until it is reactivated by hand, whatever is paid.
    ///
    /// # Errors
    /// It is closed, or suspended by hand already.
    pub fn suspend(&self, tenant: &Tenant, reason: &str) -> Result<()> {
        match (&tenant.status, &tenant.suspension) {
            (TenantStatus::Closed, _) => {
                return Err(Refusal::TenantClosed { tenant: tenant.slug.clone() });
            }
            (_, Some(s)) if s.cause == SuspensionCause::Manual => {
                return Err(Refusal::AlreadySuspended { tenant: tenant.slug.clone() });
            }
            _ => {}
        }
        let cause = SuspensionCause::Manual;
        self.db.suspend_tenant(
            self.act,
            tenant.id,
            &Suspension { at: self.act.at(), cause, reason: reason.to_owned() },
        )?;
        self.tenant_event(tenant.id, "tenant_suspended", Some(reason), r#"{"cause":"manual"}"#)
    }

    /// Brings a suspended tenant back by hand. Invoices that are past suspension are warned anew after
    /// the notice; with `until`, each overdue invoice is promised until then. Returns what of its
    /// subscriptions stays unbilled, in words.
    ///
    /// # Errors
    /// It is closed, or not suspended, or the promised day has passed.
    pub fn reactivate(
        &self,
        tenant: &Tenant,
        reason: Option<&str>,
        until: Option<NaiveDate>,
    ) -> Result<Vec<String>> {
        if tenant.status == TenantStatus::Closed {
            return Err(Refusal::TenantClosed { tenant: tenant.slug.clone() });
        }
        let Some(suspension) = &tenant.suspension else {
            return self.reactivate_subscriptions(tenant, reason);
        };
        if let Some(until) = until {
            if until < self.act.today {
                return Err(Refusal::PromiseInThePast { until, today: self.act.today });
            }
            for invoice in self.db.overdue_of(tenant.id, self.act.today)? {
                self.promise(&invoice, until, reason)?;
            }
        }
        let (policy, mut set_back) = (self.config.dunning_policy(), Vec::new());
        for facts in self.db.dunning_facts(tenant.id, self.act.today)?.invoices {
            if dunning::is_past_suspension(&facts, &policy, self.act.today) {
                self.db.set_back_invoice(self.act, facts.id)?;
                set_back.push(facts.number);
            }
        }
        self.db.set_back_uncollectible(self.act, tenant.id)?;
        let data = serde_json::json!({
            "by_hand": true, "promised_until": until, "set_back": set_back, "on": self.act.today,
        });
        self.bring_back(tenant.id, suspension, Which::All, reason, &data.to_string())
    }

    /// Brings back the suspended subscriptions of a tenant that is active itself: one whose trial
    /// ended while another went on.
    fn reactivate_subscriptions(
        &self,
        tenant: &Tenant,
        reason: Option<&str>,
    ) -> Result<Vec<String>> {
        if self.db.suspended_subscriptions(tenant.id)?.is_empty() {
            return Err(Refusal::NotSuspended { tenant: tenant.slug.clone() });
        }
        let data = r#"{"by_hand":true,"subscriptions_only":true}"#;
        self.tenant_event(tenant.id, "tenant_reactivated", reason, data)?;
        self.return_subscriptions(tenant.id, Which::All)
    }

    /// Closes a tenant: it is not served any more, and its subscriptions end now. What it owes is
    /// chased all the same.
    ///
    /// # Errors
    /// It is closed already.
    pub fn close_tenant(&self, tenant: &Tenant) -> Result<()> {
        if tenant.status == TenantStatus::Closed {
            return Err(Refusal::TenantClosed { tenant: tenant.slug.clone() });
        }
        let redemptions = self.db.open_redemptions_of(tenant.id)?;
        self.db.close_tenant(self.act, tenant.id)?;
        for redemption in redemptions {
            self.end_redemption(tenant.id, &redemption)?;
        }
        self.tenant_event(tenant.id, "tenant_closed", None, "")
    }

    /// Brings a tenant back that was suspended for overdue invoices, where none of them holds it any
    /// more because each was paid or voided.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn come_back(&self, id: TenantId, because: Because) -> Result<()> {
        if !self.config.dunning.reactivate_on_payment {
            return Ok(());
        }
        let tenant = self.db.tenant_by_id(id)?;
        let Some(suspension) = tenant.suspension else { return Ok(()) };
        if suspension.cause != SuspensionCause::Overdue {
            return Ok(());
        }
        let policy = self.config.dunning_policy();
        let facts = self.db.dunning_facts(id, self.act.today)?;
        let held = facts.invoices.iter().any(|i| dunning::holds(i, &policy, self.act.today));
        if held || self.db.has_uncollectible_past_suspension(id)? {
            return Ok(());
        }
        let reason = Some("no overdue invoice holds it any more");
        let data = match because {
            Because::Paid => r#"{"by_hand":false,"paid":true}"#,
            Because::Corrected => r#"{"by_hand":false,"paid":false}"#,
        };
        self.bring_back(id, &suspension, Which::Overdue, reason, data).map(drop)
    }

    fn bring_back(
        &self,
        id: TenantId,
        suspension: &Suspension,
        which: Which,
        reason: Option<&str>,
        data: &str,
    ) -> Result<Vec<String>> {
        self.db.reactivate_tenant(self.act, id)?;
        self.tenant_event(id, "tenant_reactivated", reason, data)?;
        let dropped = self.return_subscriptions(id, which)?;
        let key = format!("reactivation/{}/{}/{}", id.0, suspension.at, self.act.at());
        self.db.queue_email(
            self.act,
            &NewEmail {
                tenant: id,
                invoice: None,
                template: Template::Reactivation,
                domain: &self.config.mail_domain(),
                dedup_key: &key,
                facts: data,
                run: None,
            },
        )?;
        Ok(dropped)
    }
}
