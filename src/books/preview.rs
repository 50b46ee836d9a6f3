//! The next invoice of a subscription as it stands today, before it is issued.

use chrono::{DateTime, NaiveDate};

use super::bill::{at_end, of_period};
use super::issue::NewIssue;
use super::pending::Foreseen;
use super::redeem::Discounts;
use super::{Book, party};
use crate::config::OnTrialEnd;
use crate::domain::invoice::{Invoice, InvoiceStatus, Line, Origin};
use crate::domain::period::Period;
use crate::domain::refusal::NothingFollows;
use crate::domain::schedule::Task;
use crate::domain::subscription::{Subscription, SubscriptionStatus};
use crate::domain::tax::TaxBasis;
use crate::domain::tenant::Tenant;
use crate::domain::upcoming::{TrialEnd, Upcoming, upcoming};
use crate::domain::{InvoiceId, Money, Refusal, Result, SubscriptionId, calendar};

/// An invoice that is to come.
#[derive(Debug, Clone)]
pub struct Preview {
    /// A draft, without a number. The credit on it is what would be used if it were issued today.
    pub invoice: Invoice,
    /// The task that will issue it.
    pub by: Task,
}

impl Book<'_> {
    /// The next invoice of a subscription: what the task that issues it will write, as far as nothing
    /// changes until then.
    ///
    /// # Errors
    /// There is no such subscription, no invoice of it follows, more has begun than may be billed unasked, or
    /// an amount is too large.
    pub fn preview_invoice(&self, id: SubscriptionId) -> Result<Preview> {
        let (subscription, today) = (self.db.subscription(id)?, self.act.today);
        let tenant = self.db.tenant_by_id(subscription.tenant_id)?;
        // Periods that are billed anew come first; those of a suspended one wait for its return.
        let waits = subscription.waits_to_be_billed(today);
        let reopened = if waits { Vec::new() } else { self.db.reopened_of(id)? };
        for void in reopened {
            let Some((_, (start, end))) = void.billed_period() else { continue };
            let period = Period { start, end };
            let lines = self.lines_anew(&void, &subscription, &tenant, &Foreseen::default())?;
            let by = Task::GenerateRecurringInvoices;
            let billed = (period, lines.as_slice(), void.tax_basis);
            return self.draft_of_period(&subscription, &tenant, billed, today, by);
        }
        // Once its pause ends, it is suspended with its tenant.
        let paused = subscription.status == SubscriptionStatus::Paused;
        if let Some(suspended) = tenant.suspension.as_ref().filter(|_| paused) {
            let at = DateTime::parse_from_rfc3339(&suspended.at).ok();
            let day = at.map(|at| at.with_timezone(&self.config.timezone).date_naive());
            let (since, cause) = (day.unwrap_or(today), suspended.cause.word());
            let why = NothingFollows::Suspended { since, cause };
            return Err(Refusal::NothingFollows { subscription: id.to_string(), why });
        }
        let trial = self.trial_end(&subscription)?;
        let day = self.billing_day(&subscription)?;
        let next = match upcoming(&subscription, trial.as_ref(), day) {
            Err(nothing @ Refusal::NothingFollows { .. }) => {
                return self.draft_at_end(&subscription, &tenant)?.ok_or(nothing);
            }
            next => next?,
        };
        let billed = trial.as_ref().map_or(&subscription, |end| &end.converted);
        let before = self.taken_before(billed, next.bill.period.start)?;
        let lines = self.coming_lines(billed, &tenant, &next.bill, &before)?;
        let what = (next.bill.period, lines.as_slice(), next.bill.terms.basis());
        let issued_on = self.issued_when(billed, &next)?;
        self.draft_of_period(billed, &tenant, what, issued_on, next.by)
    }

    /// The day on which a task that comes every day issues what is to come: where usage goes with it, once
    /// that is settled.
    fn issued_when(&self, subscription: &Subscription, next: &Upcoming) -> Result<NaiveDate> {
        let waits = match self.arrears(subscription)? {
            Some(mut arrears) => arrears.precedes(next.bill.period.start)?,
            None => false,
        };
        let days = if waits { (self.config.usage.grace_hours + 23) / 24 } else { 0 };
        let settled = calendar::plus_days(next.bill.period.start, days);
        Ok(next.issued_on.max(settled).max(self.act.today))
    }

    /// What becomes of a trial; `None` where there is none.
    fn trial_end(&self, subscription: &Subscription) -> Result<Option<TrialEnd>> {
        let last = subscription.trial_ends_on;
        let on_trial = subscription.status == SubscriptionStatus::Trialing;
        let Some(last) = last.filter(|_| on_trial) else { return Ok(None) };
        Ok(Some(TrialEnd {
            converted: self.as_converted(subscription, last)?,
            is_wanted: self.config.trials.on_end == OnTrialEnd::Convert,
            is_payable: self.db.default_payment_method(subscription.tenant_id)?.is_some(),
        }))
    }

    fn draft_of_period(
        &self,
        subscription: &Subscription,
        tenant: &Tenant,
        billed: (Period, &[Line], TaxBasis),
        issued_on: NaiveDate,
        by: Task,
    ) -> Result<Preview> {
        let redemption = Discounts::of(self.db, subscription).take(billed.1)?;
        let new = NewIssue {
            redemption: redemption.as_ref(),
            ..of_period(subscription, tenant, billed, issued_on)
        };
        self.draft(&new, by)
    }

    /// What the end of a subscription bills of what waits for it, where something does.
    fn draft_at_end(
        &self,
        subscription: &Subscription,
        tenant: &Tenant,
    ) -> Result<Option<Preview>> {
        let lines = self.lines_at_end(subscription, tenant, &Foreseen::default())?;
        let (Some(on), false) = (subscription.ends_on, lines.is_empty()) else { return Ok(None) };
        let by = match subscription.status {
            SubscriptionStatus::Canceled => return Ok(None),
            SubscriptionStatus::Trialing => Task::CleanupExpiredTrials,
            _ => Task::GenerateRecurringInvoices,
        };
        let new = at_end(subscription, tenant, &lines, on.max(self.act.today));
        self.draft(&new, by).map(Some)
    }

    fn draft(&self, new: &NewIssue, by: Task) -> Result<Preview> {
        let (tenant, issued_on) = (new.tenant, new.issued_on);
        let drawn = new.draw_up(self.config)?;
        let total = drawn.amounts.total;
        let credit = self.credit_for_new(tenant.id, total)?;
        let nothing = Money::zero(total.currency());
        let invoice = Invoice {
            id: InvoiceId(0),
            number: String::new(),
            origin: Origin::Issued,
            tenant_id: tenant.id,
            tenant: tenant.slug.clone(),
            subscription_id: new.period.map(|(id, _)| id),
            purpose: new.purpose,
            collection: new.collection,
            status: InvoiceStatus::Draft,
            subtotal: drawn.amounts.subtotal,
            discount: drawn.amounts.discount,
            tax_basis: new.basis,
            tax_rate: drawn.treatment.rate,
            tax_category: Some(drawn.treatment.category),
            tax_reason: drawn.treatment.reason,
            tax: drawn.amounts.tax,
            total,
            due: total.minus(credit)?,
            paid: nothing,
            credit_applied: credit,
            credit_at_issue: credit,
            paid_elsewhere: nothing,
            credited: nothing,
            credit_notes_total: nothing,
            refunded: nothing,
            coupon: new.redemption.map(|redemption| redemption.code.clone()),
            issued_on,
            due_on: drawn.due_on,
            paid_on: None,
            period: new.period.map(|(_, period)| (period.start, period.end)),
            billed_until: None,
            closed_reason: None,
            stage: None,
            warned_on: None,
            promised_until: None,
            promise_note: None,
            disputed_at: None,
            dispute_note: None,
            seller: party::copy(self.config.company.party()),
            buyer: party::copy(tenant.party()),
            created_at: String::new(),
            updated_at: String::new(),
            lines: drawn.lines,
        };
        Ok(Preview { invoice, by })
    }
}
