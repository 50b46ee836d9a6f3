//! Subscriptions that come back from a suspension.

use super::Book;
use crate::domain::event::{Reactivation, Standing, SubscriptionEvent, TenantEvent};
use crate::domain::recurrence::{self, Reason, Return};
use crate::domain::subscription::{Subscription, SubscriptionStatus};
use crate::domain::tenant::{SuspensionCause, TenantStatus};
use crate::domain::{Refusal, Result, TenantId};
use crate::store::subscriptions::Begins;

/// Which suspended subscriptions of a tenant come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that were suspended for overdue invoices.
    Overdue,
    /// What a suspension of the tenant took that had that cause.
    TakenBy(SuspensionCause),
}

impl Which {
    /// Those of the suspended subscriptions of a tenant that come back. One whose trial ended was not
    /// taken by a suspension for anything else; of several the one whose end suspended the tenant,
    /// which is the last.
    fn of(self, suspended: Vec<Subscription>) -> Vec<Subscription> {
        let cause = |one: &Subscription| one.suspension.as_ref().map(|suspension| suspension.cause);
        let ended = |one: &&Subscription| cause(one) == Some(SuspensionCause::Trial);
        let last = suspended.iter().filter(ended).filter_map(|one| one.trial_ends_on).max();
        let comes_back = |one: &Subscription| match (self, cause(one)) {
            (Which::Overdue, cause) => cause == Some(SuspensionCause::Overdue),
            (Which::TakenBy(by), Some(SuspensionCause::Trial)) => {
                by == SuspensionCause::Trial && one.trial_ends_on == last
            }
            (Which::TakenBy(_), _) => true,
        };
        suspended.into_iter().filter(comes_back).collect()
    }
}

impl Book<'_> {
    /// Brings the suspended subscriptions of a tenant back, each by its own rule. What had begun
    /// before the suspension and was never billed, because no run came, is billed now; where that is
    /// more than may be billed unasked, it is dropped, and named in what is returned.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub fn return_subscriptions(&self, tenant: TenantId, which: Which) -> Result<Vec<String>> {
        let suspended = which.of(self.db.suspended_subscriptions(tenant)?);
        let dropped: Result<Vec<_>> =
            suspended.iter().map(|one| self.bring_back_subscription(one)).collect();
        Ok(dropped?.into_iter().flatten().collect())
    }

    /// Takes a planned cancellation back, or where there is none brings back one that is suspended for
    /// itself, because its trial ended. Returns what stays unbilled, in words.
    ///
    /// # Errors
    /// It has ended, or is neither; its tenant is suspended; an amount that is too large.
    pub(super) fn resume_unpaused(&self, subscription: &Subscription) -> Result<Option<String>> {
        let suspended = subscription.status == SubscriptionStatus::Suspended;
        if !suspended || subscription.cancel_at_period_end {
            return self.resume_subscription(subscription).map(|()| None);
        }
        let tenant = self.db.tenant_by_id(subscription.tenant_id)?;
        if tenant.status == TenantStatus::Suspended {
            return Err(Refusal::TenantSuspended { tenant: tenant.slug });
        }
        let how = Reactivation::SubscriptionsOnly;
        self.record(tenant.id, TenantEvent::Reactivated { how }, None)?;
        self.bring_back_subscription(subscription)
    }

    fn bring_back_subscription(&self, suspended: &Subscription) -> Result<Option<String>> {
        let billed_until = self.db.billed_until(suspended)?;
        let back = recurrence::back(suspended, billed_until, self.act.today);
        let dropped = match back.missed.reason {
            Reason::Backlog { count, since } => Some(self.drop_backlog(suspended, count, since)?),
            _ => None,
        };
        if !back.missed.bills.is_empty() {
            self.issuer()?.bill(suspended, &back.missed, None)?;
        }
        self.return_subscription(&self.db.subscription(suspended.id)?, &back.how)?;
        Ok(dropped)
    }

    /// Lets a suspended subscription go on as is decided.
    fn return_subscription(&self, suspended: &Subscription, how: &Return) -> Result<()> {
        let id = suspended.id;
        let reason = match *how {
            Return::Ended { on } => return self.end_subscription(suspended, on, None).map(drop),
            Return::Trial => {
                self.db.back_to_trial(self.act, id)?;
                // Should it become a paid one, the time of its absence is not paid for.
                if suspended.trial_ends_on.is_some_and(|last| last < self.act.today) {
                    self.db.begin_billing(id, self.act.today, Begins::Returned)?;
                }
                "back on its trial".to_owned()
            }
            Return::GoesOn { until } => {
                self.db.activate_subscription(self.act, id, until, None)?;
                format!("goes on in the period that is billed until {until}")
            }
            Return::NewPeriod { on, cycle } => {
                self.db.activate_subscription(self.act, id, on, Some(cycle))?;
                self.db.begin_billing(id, on, Begins::Returned)?;
                format!("a new period starts on {on}")
            }
        };
        let returned = self.db.subscription(id)?;
        let event = SubscriptionEvent::Returned { standing: Standing::of(&returned) };
        self.record(returned.tenant_id, event, Some(&reason))
    }
}
