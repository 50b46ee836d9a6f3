//! The verbs of subscriptions: beginning, changing, canceling, ending.

use chrono::NaiveDate;

use super::Book;
use super::issue::Issued;
use super::record::in_words;
use crate::domain::event::{By, Standing, SubscriptionEvent};
use crate::domain::invoice::Invoice;
use crate::domain::items::{self, Edit};
use crate::domain::period::Anchor;
use crate::domain::period::{Cycle, Period};
use crate::domain::plan::Plan;
use crate::domain::recurrence::{self, Backlog, Reason};
use crate::domain::subscription::{self, Collection, Subscription, SubscriptionStatus, When};
use crate::domain::tenant::{Tenant, TenantStatus};
use crate::domain::{Refusal, Result, RunId, SubscriptionId, calendar};
use crate::store::NewSubscription;
use crate::store::subscriptions::{Begins, NewItem};

/// A subscription to be begun.
#[derive(Debug, Clone)]
pub struct NewStart<'a> {
    pub tenant: &'a Tenant,
    pub plan: &'a Plan,
    pub start: NaiveDate,
    /// Free days; `None`: the plan's, where the tenant had no trial of it yet.
    pub trial_days: Option<i64>,
    pub anchor: Anchor,
    pub quantity: i64,
    /// What else it has, so many of each.
    pub others: &'a [(Plan, i64)],
    pub collection: Collection,
}

/// How a subscription begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    pub trial_ends_on: Option<NaiveDate>,
    /// Where the first period that is paid for starts.
    pub paid_from: NaiveDate,
    pub cycle: Cycle,
    /// The plan has a trial, and the tenant had it before.
    pub had_trial: bool,
}

impl Book<'_> {
    /// Works out how a subscription begins.
    ///
    /// # Errors
    /// The tenant is closed or suspended, and as [`items::begin`].
    pub fn subscription_start(&self, new: &NewStart) -> Result<Start> {
        match new.tenant.status {
            TenantStatus::Active => {}
            TenantStatus::Suspended => {
                return Err(Refusal::TenantSuspended { tenant: new.tenant.slug.clone() });
            }
            TenantStatus::Closed => {
                return Err(Refusal::TenantClosed { tenant: new.tenant.slug.clone() });
            }
        }
        items::begin((new.plan, new.quantity), new.others)?;
        let asked = new.trial_days;
        let had_trial = asked.is_none()
            && new.plan.trial_days > 0
            && self.db.had_trial(new.tenant.id, new.plan.id)?;
        let days = asked.unwrap_or(if had_trial { 0 } else { new.plan.trial_days });
        let paid_from = calendar::plus_days(new.start, days);
        Ok(Start {
            trial_ends_on: (days > 0).then(|| calendar::plus_days(paid_from, -1)),
            paid_from,
            cycle: Cycle::starting(new.anchor, paid_from, new.plan.interval),
            had_trial,
        })
    }

    /// How many periods of a subscription that begins so have begun: as many invoices. None
    /// of one on a trial that does not become a paid one by itself.
    ///
    /// # Errors
    /// As [`start`].
    pub fn periods_begun(&self, new: &NewStart) -> Result<usize> {
        let start = self.subscription_start(new)?;
        Ok(match start.trial_ends_on {
            Some(_) if !self.trial_converts(new.tenant.id)? => 0,
            _ => start.cycle.periods_begun(start.paid_from, self.act.today),
        })
    }

    /// Begins a subscription. Nothing is billed yet.
    ///
    /// # Errors
    /// As [`start`].
    pub fn begin_subscription(&self, new: &NewStart) -> Result<SubscriptionId> {
        let start = self.subscription_start(new)?;
        let on_trial = start.trial_ends_on.is_some();
        let terms = items::begin((new.plan, new.quantity), new.others)?;
        let items: Vec<_> = terms.items.iter().map(NewItem::of).collect();
        let id = self.db.insert_subscription(
            self.act,
            &NewSubscription {
                tenant: new.tenant.id,
                items: &items,
                status: match on_trial {
                    true => SubscriptionStatus::Trialing,
                    false => SubscriptionStatus::Active,
                },
                anchor: new.anchor,
                cycle: start.cycle,
                started_on: new.start,
                period: on_trial.then_some(Period { start: new.start, end: start.paid_from }),
                next_billing_on: (!on_trial).then_some(start.paid_from),
                trial_ends_on: start.trial_ends_on,
                collection: new.collection,
                ends_on: None,
                suspension: None,
                billed_elsewhere_until: None,
                imported: None,
            },
        )?;
        if !on_trial {
            self.db.begin_billing(id, start.paid_from, Begins::Created)?;
        }
        let created = self.db.subscription(id)?;
        let reason = match start.trial_ends_on {
            Some(on) => format!("{}, on trial until {on}", in_words(&created.terms)),
            None => in_words(&created.terms),
        };
        let (standing, imported) = (Standing::of(&created), By::Command.into());
        let event = SubscriptionEvent::Created { standing, imported };
        self.record(created.tenant_id, event, Some(&reason))?;
        Ok(id)
    }

    /// Changes the items with the next period, or takes such a change back. What has begun and
    /// is not billed is billed first, at the terms that held; returns those invoices.
    ///
    /// # Errors
    /// As [`items::change`] and [`Book::bill_begun`].
    pub fn change_subscription(
        &self,
        subscription: &Subscription,
        edit: &Edit,
    ) -> Result<Vec<Invoice>> {
        subscription.check_running(self.act.today)?;
        let (subscription, mut begun) = self.catch_up_pause(subscription)?;
        begun.extend(self.bill_begun(&subscription)?);
        let subscription = &self.db.subscription(subscription.id)?;
        let pending = items::change(subscription, edit, self.act.today)?;
        self.db.set_terms(self.act, subscription.id, &subscription.terms, pending.as_ref())?;
        let changed = self.db.subscription(subscription.id)?;
        let standing = Standing::of(&changed);
        let (event, reason) = match &pending {
            Some(terms) => {
                let reason = format!("to {}", in_words(terms));
                (SubscriptionEvent::ChangePlanned { standing }, reason)
            }
            None => {
                let reason = format!("stays on {}", in_words(&changed.terms));
                (SubscriptionEvent::ChangeWithdrawn { standing }, reason)
            }
        };
        self.record(changed.tenant_id, event, Some(&reason))?;
        Ok(begun)
    }
}

impl Book<'_> {
    /// Changes how the invoices of a subscription are collected, from the next one on.
    ///
    /// # Errors
    /// It has ended, or they are collected so already.
    pub fn change_collection(&self, id: SubscriptionId, collection: Collection) -> Result<()> {
        let before = self.db.subscription(id)?;
        before.check_running(self.act.today)?;
        if before.collection == collection {
            let (subscription, collection) = (id.to_string(), collection.word());
            return Err(Refusal::CollectedSo { subscription, collection });
        }
        self.db.set_collection(self.act, id, collection)?;
        let event = SubscriptionEvent::CollectionChanged {
            standing: Standing::of(&before),
            collection,
            collection_before: before.collection,
        };
        let reason = format!("{collection} instead of {}", before.collection);
        self.record(before.tenant_id, event, Some(&reason))
    }
}

/// What had begun of a subscription that is canceled and no run had billed.
#[derive(Debug, Default)]
pub struct Canceled {
    /// What is billed of it.
    pub billed: Vec<Invoice>,
    /// What bills what waited for it.
    pub pending: Option<Invoice>,
    /// What stays unbilled, in words.
    pub dropped: Option<String>,
}

impl Book<'_> {
    /// Cancels a subscription, now or at the end of its period. Where it ends now, what has begun and
    /// is not billed is billed first: that no run came must not change the bill. More than may be
    /// billed unasked stays unbilled. `why` is the customer's reason, for the audit trail.
    ///
    /// # Errors
    /// As [`recurrence::cancel`].
    pub fn cancel_subscription(
        &self,
        subscription: &Subscription,
        when: When,
        why: Option<&str>,
    ) -> Result<Canceled> {
        let today = self.act.today;
        recurrence::cancel(subscription, when, today)?;
        let (subscription, begun) = &self.catch_up_pause(subscription)?;
        let ends_on = recurrence::cancel(subscription, when, today)?;
        if ends_on > today {
            self.db.set_ends_on(self.act, subscription.id, Some(ends_on))?;
            let canceled = self.db.subscription(subscription.id)?;
            let standing = Standing::of(&canceled);
            let event = SubscriptionEvent::CancellationPlanned { standing };
            self.record(
                canceled.tenant_id,
                event,
                Some(&because(&format!("ends on {ends_on}"), why)),
            )?;
            return Ok(Canceled { billed: begun.clone(), ..Canceled::default() });
        }
        let mut canceled = Canceled { billed: begun.clone(), ..Canceled::default() };
        match recurrence::begun(subscription, today, Backlog::Held).reason {
            Reason::Backlog { count, since } => {
                canceled.dropped = Some(self.drop_backlog(subscription, count, since)?);
            }
            _ => canceled.billed.extend(self.bill_begun(subscription)?),
        }
        let ended = self.db.subscription(subscription.id)?;
        if let Some(issued) = self.end_because(&ended, ends_on, None, why)? {
            canceled.pending = Some(self.db.invoice_by_id(issued.id)?);
        }
        Ok(canceled)
    }

    /// Ends a subscription. What waits for it is billed: returns that invoice.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub fn end_subscription(
        &self,
        subscription: &Subscription,
        ends_on: NaiveDate,
        run: Option<RunId>,
    ) -> Result<Option<Issued>> {
        self.end_because(subscription, ends_on, run, None)
    }

    fn end_because(
        &self,
        subscription: &Subscription,
        ends_on: NaiveDate,
        run: Option<RunId>,
        why: Option<&str>,
    ) -> Result<Option<Issued>> {
        self.end_usage(subscription, ends_on)?;
        let pending = self.issuer()?.bill_at_end(subscription, run)?;
        self.db.end_subscription(self.act, subscription.id, ends_on)?;
        self.end_redemptions(subscription)?;
        let ended = self.db.subscription(subscription.id)?;
        let (standing, with_tenant) = (Standing::of(&ended), false.into());
        let event = SubscriptionEvent::Canceled { standing, with_tenant };
        self.record(ended.tenant_id, event, Some(&because(&format!("ended on {ends_on}"), why)))?;
        Ok(pending)
    }

    /// Takes a cancellation at the period's end back.
    ///
    /// # Errors
    /// It has taken effect, or there is none.
    pub fn resume_subscription(&self, subscription: &Subscription) -> Result<()> {
        subscription::check_resumable(subscription, self.act.today)?;
        self.db.set_ends_on(self.act, subscription.id, None)?;
        let resumed = self.db.subscription(subscription.id)?;
        let event = SubscriptionEvent::CancellationWithdrawn { standing: Standing::of(&resumed) };
        self.record(resumed.tenant_id, event, None)
    }
}

/// What happened, and why where somebody said it.
fn because(what: &str, why: Option<&str>) -> String {
    why.map_or_else(|| what.to_owned(), |why| format!("{what}: {why}"))
}
