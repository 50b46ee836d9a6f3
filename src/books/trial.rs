//! Trials that become paid subscriptions.

use chrono::NaiveDate;

use super::Book;
use super::issue::{Issued, Issuer};
use super::record::in_words;
use crate::config::OnTrialEnd;
use crate::domain::event::{Standing, SubscriptionEvent};
use crate::domain::period::{Cycle, Period};
use crate::domain::recurrence::{self, Backlog, Decision};
use crate::domain::subscription::{Collection, Subscription, SubscriptionStatus};
use crate::domain::template::Template;
use crate::domain::{Result, RunId, TenantId, calendar, trial};
use crate::store::NewEmail;
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

impl Book<'_> {
    /// Gives a trial so many free days more.
    ///
    /// # Errors
    /// The subscription is on no trial, or ends with it.
    pub fn extend_trial(&self, subscription: &Subscription, days: i64) -> Result<()> {
        let before = trial::check_on_trial(subscription)?;
        let last_free_day = calendar::plus_days(before, days);
        let extended = self.move_trial(subscription, last_free_day)?;
        let standing = Standing::of(&extended);
        let event = SubscriptionEvent::TrialExtended { standing, trial_ends_on_before: before };
        let reason = format!("on trial until {last_free_day}, not {before}");
        self.record(extended.tenant_id, event, Some(&reason))
    }

    /// Ends a trial today, as one that becomes a paid subscription: it is billed from today, and charged
    /// by itself where there is a default payment method. Returns what was issued.
    ///
    /// # Errors
    /// The subscription is on no trial, or ends with it; or an amount that is too large.
    pub fn end_trial(&self, subscription: &Subscription) -> Result<Vec<Issued>> {
        let last_free_day = trial::check_on_trial(subscription)?;
        let last_free_day = trial::ended_now(subscription, last_free_day, self.act.today);
        let ended = self.move_trial(subscription, last_free_day)?;
        let is_payable = self.db.default_payment_method(ended.tenant_id)?.is_some();
        let mut converted = self.as_converted(&ended, last_free_day)?;
        if !is_payable {
            converted.collection = ended.collection;
        }
        // One that was to begin later had no free day that could have ended.
        if last_free_day < self.act.today {
            let (template, action) = (Template::TrialEnded, trial::Action::Convert);
            self.tell_of_trial(&ended, template, last_free_day, action, None)?;
        }
        let decision = recurrence::decide(&converted, self.act.today, Backlog::Held);
        self.issuer()?.convert_trial(&converted, &decision, None)
    }

    /// Moves the end of a trial, and with it what its paid periods are counted from.
    fn move_trial(
        &self,
        subscription: &Subscription,
        last_free_day: NaiveDate,
    ) -> Result<Subscription> {
        let paid_from = trial::first_paid_day(last_free_day);
        let free = Period { start: subscription.started_on, end: paid_from };
        let free = Some(free).filter(|free| free.start < free.end);
        let interval = subscription.terms.interval;
        let cycle = Cycle::starting(subscription.anchor, paid_from, interval);
        self.db.move_trial(self.act, subscription.id, last_free_day, free, cycle)?;
        self.db.subscription(subscription.id)
    }

    /// Tells a customer what becomes of a trial, once for each last day.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn tell_of_trial(
        &self,
        trial: &Subscription,
        template: Template,
        last_free_day: NaiveDate,
        action: trial::Action,
        run: Option<RunId>,
    ) -> Result<()> {
        let facts = format!(r#"{{"subscription":{},"action":"{action}"}}"#, trial.id.0);
        self.db.queue_email(
            self.act,
            &NewEmail {
                tenant: trial.tenant_id,
                invoice: None,
                template,
                domain: &self.config.mail_domain(),
                dedup_key: &format!("{template}/{}/{last_free_day}", trial.id.0),
                facts: &facts,
                run,
            },
        )?;
        Ok(())
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
        run: Option<RunId>,
    ) -> Result<Vec<Issued>> {
        let (db, act, id) = (self.book.db, self.book.act, converted.id);
        db.set_collection(act, id, converted.collection)?;
        if let Some(paid_from) = converted.next_billing_on {
            db.activate_subscription(act, id, paid_from, Some(converted.cycle))?;
            db.begin_billing(id, paid_from, Begins::TrialEnded)?;
        }
        let reason = format!("goes on as {}", in_words(&converted.terms));
        let event = SubscriptionEvent::TrialConverted { standing: Standing::of(converted) };
        self.book.record(converted.tenant_id, event, Some(&reason))?;
        self.bill(converted, decision, run)
    }
}
