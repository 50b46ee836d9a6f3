//! Pauses: a subscription rests because its customer asked for it. Their rules are in
//! `domain/recurrence.rs`.

use chrono::NaiveDate;

use super::Book;
use super::change::Changed;
use super::rest::{Back, Giving};
use crate::domain::credit_note::CreditReason;
use crate::domain::event::{Standing, SubscriptionEvent};
use crate::domain::invoice::Invoice;
use crate::domain::recurrence::{self, Backlog, Return};
use crate::domain::subscription::{NewPause, Pause, Subscription, SubscriptionStatus};
use crate::domain::tenant::TenantStatus;
use crate::domain::{Refusal, Result, SubscriptionId, wording};
use crate::store::subscriptions::Begins;

/// Whether what is billed beyond the first day of a pause is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credit {
    Nothing,
    Rest,
}

/// What a pause that began did.
#[derive(Debug, Clone, Default)]
pub struct Paused {
    /// What had begun before it and was not billed.
    pub billed: Vec<Invoice>,
    /// What was given back, where something was to be.
    pub given: Option<Changed>,
}

impl Book<'_> {
    /// Plans a pause, or lets it begin where its first day is today: what began before is billed first.
    ///
    /// # Errors
    /// As [`recurrence::pause`]; more has begun than may be billed unasked; the money of an invoice that
    /// would be credited is on its way.
    pub fn pause_subscription(
        &self,
        subscription: &Subscription,
        asked: NewPause,
        credit: Credit,
    ) -> Result<Paused> {
        let (subscription, mut billed) = self.catch_up_pause(subscription)?;
        let pause = recurrence::pause(&subscription, asked, self.act.today)?;
        self.db.set_pause(self.act, subscription.id, Some(&pause))?;
        let planned = self.db.subscription(subscription.id)?;
        if pause.from > self.act.today {
            let (standing, from, until) = (Standing::of(&planned), pause.from, pause.until);
            let event = SubscriptionEvent::PausePlanned { standing, from, until };
            self.record(planned.tenant_id, event, pause.reason.as_deref())?;
            return Ok(Paused { billed, given: None });
        }
        billed.extend(self.bill_begun(&planned)?);
        self.begin_pause(planned.id)?;
        let given = match credit {
            Credit::Nothing => None,
            Credit::Rest => self.give_back_the_paused(planned.id)?,
        };
        Ok(Paused { billed, given })
    }

    /// Lets a pause begin, and end, whose day has come and for which no run came: what is done to a
    /// subscription today is done to one that stands as it should. Returns how it stands, and the
    /// invoices over what began before the pause and after it.
    ///
    /// # Errors
    /// As [`Book::bill_begun`].
    pub fn catch_up_pause(
        &self,
        subscription: &Subscription,
    ) -> Result<(Subscription, Vec<Invoice>)> {
        let (today, id) = (self.act.today, subscription.id);
        let (mut one, mut billed) = (subscription.clone(), Vec::new());
        let decide = |one: &Subscription| recurrence::decide(one, today, Backlog::Held);
        if decide(&one).pauses.is_some() && one.status == SubscriptionStatus::Active {
            billed.extend(self.bill_begun(&one)?);
            self.begin_pause(id)?;
            one = self.db.subscription(id)?;
        }
        let rests = one.status == SubscriptionStatus::Paused && decide(&one).ends.is_none();
        let goes_on_from = one.pause.as_ref().filter(|_| rests).and_then(Pause::goes_on_from);
        if let Some(on) = goes_on_from.filter(|on| *on <= today) {
            self.end_pause(&one, on)?;
            billed.extend(self.bill_begun(&self.db.subscription(id)?)?);
            one = self.db.subscription(id)?;
        }
        Ok((one, billed))
    }

    /// Begins a pause whose first day has come.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn begin_pause(&self, id: SubscriptionId) -> Result<()> {
        self.db.begin_pause(self.act, id)?;
        let paused = self.db.subscription(id)?;
        let Some(pause) = &paused.pause else { return Ok(()) };
        let (standing, from, until) = (Standing::of(&paused), pause.from, pause.until);
        let event = SubscriptionEvent::Paused { standing, from, until };
        self.record(paused.tenant_id, event, pause.reason.as_deref())
    }

    /// Gives back what is billed from today on of a subscription that is paused now.
    fn give_back_the_paused(&self, id: SubscriptionId) -> Result<Option<Changed>> {
        let paused = self.db.subscription(id)?;
        let Some(billed) = self.billed_rest(&paused)? else { return Ok(None) };
        let locale = self.db.tenant_by_id(paused.tenant_id)?.locale;
        let memo = wording::paused((billed.rest.period.start, billed.rest.period.end), locale);
        let giving = Giving { reason: CreditReason::Change, memo: &memo, back: Back::Balance };
        let given = self.give_back_rest(&paused, &billed, giving)?;
        if let Some(invoice) = &billed.invoice {
            let today = self.act.today;
            self.db.end_period_early(self.act, invoice.id, today)?;
            let cycle = (paused.anchor, paused.cycle);
            self.db.set_cycle(self.act, id, cycle, Some(today))?;
        }
        Ok(Some(given))
    }

    /// Ends the pause of a subscription today; else takes its planned cancellation back; else its planned
    /// pause; else brings it back where it is suspended for itself, because its trial ended. Returns what
    /// stays unbilled, in words.
    ///
    /// # Errors
    /// It has ended, or is none of these; its tenant is suspended; an amount that is too large.
    pub fn resume(&self, subscription: &Subscription) -> Result<Option<String>> {
        subscription.check_running(self.act.today)?;
        let rested = subscription.pause.is_some();
        let (subscription, _) = &self.catch_up_pause(subscription)?;
        if rested && subscription.pause.is_none() {
            // It ended before today.
            return Ok(None);
        }
        let planned = subscription.pause.is_some() && !subscription.cancel_at_period_end;
        match subscription.status {
            SubscriptionStatus::Paused => {
                let tenant = self.db.tenant_by_id(subscription.tenant_id)?;
                if tenant.status == TenantStatus::Suspended {
                    return Err(Refusal::TenantSuspended { tenant: tenant.slug });
                }
                self.end_pause(subscription, self.act.today).map(|()| None)
            }
            SubscriptionStatus::Active if planned => {
                self.withdraw_pause(subscription).map(|()| None)
            }
            _ => self.resume_unpaused(subscription),
        }
    }

    fn withdraw_pause(&self, subscription: &Subscription) -> Result<()> {
        self.db.set_pause(self.act, subscription.id, None)?;
        let standing = self.db.subscription(subscription.id)?;
        let event = SubscriptionEvent::PauseWithdrawn { standing: Standing::of(&standing) };
        self.record(standing.tenant_id, event, None)
    }

    /// Lets a paused subscription go on from that day: within what is billed, or with a period that starts
    /// on it. One whose tenant is suspended is suspended from then on, and comes back with it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn end_pause(&self, paused: &Subscription, on: NaiveDate) -> Result<()> {
        let id = paused.id;
        let tenant = self.db.tenant_by_id(paused.tenant_id)?;
        if let Some(suspension) = &tenant.suspension {
            let cause = suspension.cause;
            self.db.pause_becomes_suspension(self.act, id, cause)?;
            let suspended = self.db.subscription(id)?;
            let (standing, with_tenant) = (Standing::of(&suspended), true.into());
            let event = SubscriptionEvent::Suspended { standing, cause, with_tenant };
            return self.record(tenant.id, event, Some(&suspension.reason));
        }
        let reason = match recurrence::resume(paused, on).0 {
            Return::Ended { on } => return self.end_subscription(paused, on, None).map(drop),
            Return::NewPeriod { on, cycle } => {
                self.db.end_pause(self.act, id, on, Some(cycle))?;
                self.db.begin_billing(id, on, Begins::Returned)?;
                format!("a new period starts on {on}")
            }
            Return::GoesOn { until } => {
                self.db.end_pause(self.act, id, until, None)?;
                format!("goes on in the period that is billed until {until}")
            }
            // What is on trial cannot be paused.
            Return::Trial => return Ok(()),
        };
        let resumed = self.db.subscription(id)?;
        let event = SubscriptionEvent::Resumed { standing: Standing::of(&resumed) };
        self.record(resumed.tenant_id, event, Some(&reason))
    }
}
