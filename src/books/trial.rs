//! Trials that become paid subscriptions.

use chrono::NaiveDate;

use super::Book;
use super::issue::{Issued, Issuer};
use super::record::in_words;
use crate::config::OnTrialEnd;
use crate::domain::event::{Standing, SubscriptionEvent};
use crate::domain::period::Cycle;
use crate::domain::recurrence::Decision;
use crate::domain::subscription::{Collection, Subscription, SubscriptionStatus};
use crate::domain::{Result, RunId, TenantId, trial};
use crate::store::subscriptions::Begins;

impl Book<'_> {
    /// A trial as the paid subscription that it becomes, which is collected by itself.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn as_converted(
        &self,
        trial: &Subscription,
        last_free_day: NaiveDate,
    ) -> Result<Subscription> {
        let (paid_from, cycle) = self.paid_from(trial, last_free_day)?;
        Ok(Subscription {
            status: SubscriptionStatus::Active,
            collection: Collection::Automatic,
            next_billing_on: Some(paid_from),
            cycle,
            ..trial.clone()
        })
    }

    /// Whether a trial becomes a paid subscription when it ends: where the config says so and the
    /// tenant has a default payment method.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn trial_converts(&self, tenant: TenantId) -> Result<bool> {
        Ok(self.config.trials.on_end == OnTrialEnd::Convert
            && self.db.default_payment_method(tenant)?.is_some())
    }

    /// Where the first period starts that is paid for after a trial, and what is counted from there:
    /// on the day after the last free one; where the trial was over when it came back from a
    /// suspension, on the day of its return.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn paid_from(
        &self,
        subscription: &Subscription,
        last_free_day: NaiveDate,
    ) -> Result<(NaiveDate, Cycle)> {
        let day_after = trial::first_paid_day(last_free_day);
        Ok(match self.db.last_beginning(subscription.id)?.filter(|on| *on > day_after) {
            Some(on) => {
                let interval = subscription.terms.interval;
                (on, Cycle::starting(subscription.anchor, on, interval))
            }
            None => (day_after, subscription.cycle),
        })
    }
}

impl Issuer<'_> {
    /// Makes a trial the paid subscription that it is to become ([`Book::as_converted`]), and issues what is
    /// decided of it.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub fn convert_trial(
        &self,
        converted: &Subscription,
        decision: &Decision,
        run: RunId,
    ) -> Result<Vec<Issued>> {
        let (db, act, id) = (self.book.db, self.book.act, converted.id);
        db.set_collection(id, converted.collection)?;
        if let Some(paid_from) = converted.next_billing_on {
            db.activate_subscription(act, id, paid_from, Some(converted.cycle))?;
            db.begin_billing(id, paid_from, Begins::TrialEnded)?;
        }
        let reason = format!("goes on as {}", in_words(&converted.terms));
        let event = SubscriptionEvent::TrialConverted { standing: Standing::of(converted) };
        self.book.record(converted.tenant_id, event, Some(&reason))?;
        self.bill(converted, decision, Some(run))
    }
}
