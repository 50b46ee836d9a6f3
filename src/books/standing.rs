//! The standing of a tenant: suspended, back, closed.

use chrono::NaiveDate;

use super::Book;
use super::returns::Which;
use crate::domain::dunning;
use crate::domain::event::{By, Event, Reactivation, Standing, SubscriptionEvent, TenantEvent};
use crate::domain::recurrence::{self, Backlog};
use crate::domain::subscription::Subscription;
use crate::domain::template::Template;
use crate::domain::tenant::{Suspension, SuspensionCause, Tenant, TenantStatus};
use crate::domain::{InvoiceId, Refusal, Result, TenantId, calendar};
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
        self.suspend_tenant(tenant.id, SuspensionCause::Manual, reason, None)
    }

    /// Suspends a tenant and its running subscriptions, or gives a suspended one another cause;
    /// `invoice` is the one that is the cause.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn suspend_tenant(
        &self,
        tenant: TenantId,
        cause: SuspensionCause,
        reason: &str,
        invoice: Option<InvoiceId>,
    ) -> Result<()> {
        let running = self.db.running_subscriptions(tenant)?;
        let suspension = Suspension { at: self.act.at(), cause, reason: reason.to_owned() };
        self.db.suspend_tenant(self.act, tenant, &suspension)?;
        self.record((tenant, invoice), TenantEvent::Suspended { cause }, Some(reason))?;
        for id in running {
            let suspended = self.db.subscription(id)?;
            let (standing, with_tenant) = (Standing::of(&suspended), true.into());
            let event = SubscriptionEvent::Suspended { standing, cause, with_tenant };
            self.record(tenant, event, Some(reason))?;
        }
        Ok(())
    }

    /// Brings a suspended tenant back by hand, with what its suspension took. Invoices that are past
    /// suspension, or would be before a notice has run out, are warned anew; with `until`, each
    /// overdue invoice is promised until then. Returns what of its subscriptions stays unbilled, in
    /// words.
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
            let suspended = self.db.suspended_subscriptions(tenant.id)?;
            let subscription = suspended.first().map(|one| one.id.to_string());
            return Err(Refusal::NotSuspended { tenant: tenant.slug.clone(), subscription });
        };
        if let Some(until) = until {
            if until < self.act.today {
                return Err(Refusal::PromiseInThePast { until, today: self.act.today });
            }
            for invoice in self.db.overdue_of(tenant.id, self.act.today)? {
                self.promise(&invoice, until, reason)?;
            }
        }
        let set_back = self.warn_anew(tenant.id)?;
        let how =
            Reactivation::ByHand { promised_until: until, set_back: &set_back, on: self.act.today };
        let which = Which::TakenBy(suspension.cause);
        self.bring_back(tenant.id, suspension, which, reason, how)
    }

    /// Sets the invoices of a tenant back that could suspend it without a new notice, and returns their
    /// numbers.
    fn warn_anew(&self, tenant: TenantId) -> Result<Vec<String>> {
        let (policy, mut set_back) = (self.config.dunning_policy(), Vec::new());
        for facts in self.db.dunning_facts(tenant, self.act.today)?.invoices {
            if dunning::is_warned_anew(&facts, &policy, self.act.today) {
                self.db.set_back_invoice(self.act, facts.id)?;
                set_back.push(facts.number);
            }
        }
        self.db.set_back_uncollectible(self.act, tenant)?;
        Ok(set_back)
    }

    /// Closes a tenant: it is not served any more, and its subscriptions end now. What it owes is
    /// chased all the same; what waits for a subscription is billed, and what has begun and is not
    /// billed is left to the next run: returns both, in words.
    ///
    /// # Errors
    /// It is closed already.
    pub fn close_tenant(
        &self,
        tenant: &Tenant,
        by: By,
        reason: Option<&str>,
    ) -> Result<Vec<String>> {
        if tenant.status == TenantStatus::Closed {
            return Err(Refusal::TenantClosed { tenant: tenant.slug.clone() });
        }
        let live = self.db.live_subscriptions(tenant.id)?;
        self.db.close_tenant(self.act, tenant.id)?;
        self.record(tenant.id, TenantEvent::Closed { imported: by.into() }, reason)?;
        let mut notes = Vec::new();
        for before in &live {
            self.end_usage(before, self.act.today)?;
            match recurrence::unbilled_at_end(before, self.act.today) {
                Some(left) => {
                    self.db.leave_unbilled(before.id, left)?;
                    notes.push(self.left_to_the_next_run(before)?);
                }
                None => {
                    self.end_redemptions(before)?;
                    if let Some(issued) = self.issuer()?.bill_at_end(before, None)? {
                        let number = self.db.invoice_by_id(issued.id)?.number;
                        notes.push(format!("{}: {number} bills what was pending", before.id));
                    }
                }
            }
            let ended = self.db.subscription(before.id)?;
            let (standing, with_tenant) = (Standing::of(&ended), true.into());
            let event = SubscriptionEvent::Canceled { standing, with_tenant };
            let reason = format!("ended on {}: the customer was closed", self.act.today);
            self.record(tenant.id, event, Some(&reason))?;
        }
        for item in self.db.waiting_of(tenant.id)?.iter().filter(|item| item.subscription.is_none())
        {
            notes.push(format!(
                "{} of {} stays pending; invoice create --tenant {} --pending bills it",
                item.id, item.amount, tenant.slug
            ));
        }
        Ok(notes)
    }

    /// What had begun of a subscription and is not billed, in words.
    fn left_to_the_next_run(&self, subscription: &Subscription) -> Result<String> {
        let ended = self.db.subscription(subscription.id)?;
        let begun = recurrence::decide(&ended, self.act.today, Backlog::Allowed);
        let (first, last) = (begun.bills.first(), begun.bills.last());
        let days = first.zip(last).map(|(first, last)| (first.period.start, last.period.end));
        let days = days.map_or(String::new(), |(start, end)| {
            format!("{start} to {}", calendar::plus_days(end, -1))
        });
        Ok(format!("{}: {days} had begun and is not billed; the next run bills it", ended.id))
    }

    /// Makes a closed tenant active again. Its subscriptions stay ended.
    ///
    /// # Errors
    /// It is not closed.
    pub fn reopen_tenant(&self, tenant: &Tenant, by: By, reason: Option<&str>) -> Result<()> {
        if tenant.status != TenantStatus::Closed {
            let (tenant, status) = (tenant.slug.clone(), tenant.status.word());
            return Err(Refusal::NotClosed { tenant, status });
        }
        // What went on ageing meanwhile gives no notice, as after a return by hand.
        self.warn_anew(tenant.id)?;
        self.db.reactivate_tenant(self.act, tenant.id)?;
        let imported = by == By::Import;
        self.record(tenant.id, TenantEvent::Reopened { imported }, reason)
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
        // What is left and too little to be chased is warned of anew, should more be owed again.
        for facts in facts.invoices.iter().filter(|invoice| !invoice.disputed) {
            if dunning::is_past_suspension(facts, &policy, self.act.today) {
                self.db.set_back_invoice(self.act, facts.id)?;
            }
        }
        let reason = Some("no overdue invoice holds it any more");
        let how = match because {
            Because::Paid => Reactivation::Paid,
            Because::Corrected => Reactivation::Corrected,
        };
        self.bring_back(id, &suspension, Which::Overdue, reason, how).map(drop)
    }

    fn bring_back(
        &self,
        id: TenantId,
        suspension: &Suspension,
        which: Which,
        reason: Option<&str>,
        how: Reactivation,
    ) -> Result<Vec<String>> {
        self.db.reactivate_tenant(self.act, id)?;
        let event = Event::from(TenantEvent::Reactivated { how });
        let facts = event.data();
        self.record(id, event, reason)?;
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
                facts: &facts,
                run: None,
            },
        )?;
        Ok(dropped)
    }
}
