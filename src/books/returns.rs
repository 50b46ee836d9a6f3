//! Subscriptions that come back from a suspension.

use super::Book;
use crate::domain::event::{Standing, SubscriptionEvent};
use crate::domain::recurrence::{self, Reason, Return};
use crate::domain::subscription::Subscription;
use crate::domain::tenant::SuspensionCause;
use crate::domain::{Result, TenantId};
use crate::store::subscriptions::Begins;

/// Which suspended subscriptions of a tenant come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that were suspended for overdue invoices.
    Overdue,
    All,
}

impl Book<'_> {
    /// Brings the suspended subscriptions of a tenant back, each by its own rule. What had begun
    /// before the suspension and was never billed, because no run came, is billed now; where that is
    /// more than may be billed unasked, it is dropped, and named in what is returned.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub fn return_subscriptions(&self, tenant: TenantId, which: Which) -> Result<Vec<String>> {
        let mut dropped = Vec::new();
        for suspended in self.db.suspended_subscriptions(tenant)? {
            let overdue =
                suspended.pause.as_ref().is_some_and(|p| p.cause == SuspensionCause::Overdue);
            if which == Which::Overdue && !overdue {
                continue;
            }
            let billed_until = self.db.billed_until(&suspended)?;
            let back = recurrence::back(&suspended, billed_until, self.act.today);
            if let Reason::Backlog { count, since } = back.missed.reason {
                dropped.push(self.drop_backlog(&suspended, count, since)?);
            }
            if !back.missed.bills.is_empty() {
                self.issuer()?.bill(&suspended, &back.missed, None)?;
            }
            self.return_subscription(&self.db.subscription(suspended.id)?, &back.how)?;
        }
        Ok(dropped)
    }

    /// Lets a suspended subscription go on as is decided.
    fn return_subscription(&self, suspended: &Subscription, how: &Return) -> Result<()> {
        let id = suspended.id;
        let reason = match *how {
            Return::Ended { on } => return self.end_subscription(suspended, on),
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
