//! A subscription, explained: which period it is in, what was billed, what is due, what comes next.

use chrono::NaiveDate;

use super::Book;
use super::arrears::Ripe;
use super::pending::Foreseen;
use crate::domain::invoice::{Amounts, Invoice, Line};
use crate::domain::period::Period;
use crate::domain::recurrence::{self, Backlog, Bill, Decision, Reason, Return};
use crate::domain::subscription::{Subscription, SubscriptionStatus};
use crate::domain::{Currency, Result, SubscriptionId};

/// What the next invoice depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provided {
    Converted,
    CameBack,
}

impl Provided {
    /// As a clause.
    pub fn word(self) -> &'static str {
        match self {
            Provided::Converted => "if it goes on after its trial",
            Provided::CameBack => "if it came back today",
        }
    }
}

/// The next invoice of a subscription.
#[derive(Debug, Clone)]
pub struct Next {
    pub bill: Bill,
    pub lines: Vec<Line>,
    pub amounts: Amounts,
    pub provided: Option<Provided>,
}

/// A subscription, explained.
#[derive(Debug, Clone)]
pub struct Explained {
    pub subscription: Subscription,
    /// What its customer is billed in otherwise.
    pub tenant_currency: Currency,
    pub status: SubscriptionStatus,
    pub today: NaiveDate,
    /// Oldest period first, void ones too.
    pub invoices: Vec<Invoice>,
    pub decision: Decision,
    /// What has begun and is not billed, held back or not.
    pub due: Vec<(Bill, Amounts)>,
    pub next: Option<Next>,
    /// What its end bills of what waits for it, where no period follows that would.
    pub at_end: Option<Amounts>,
    /// Usage that is billed alone, as it stands, where no period follows that takes it.
    pub usage: Vec<(Period, Amounts)>,
}

/// What is due, what follows it, and what that depends on.
#[derive(Default)]
struct Ahead {
    due: Vec<Bill>,
    next: Option<Bill>,
    provided: Option<Provided>,
}

impl Book<'_> {
    /// Says which period a subscription is in, what was billed, what is due, and what comes next.
    ///
    /// # Errors
    /// There is no such subscription, or an amount is too large.
    pub fn explain_subscription(&self, id: SubscriptionId) -> Result<Explained> {
        let (subscription, today) = (self.db.subscription(id)?, self.act.today);
        let mut decision =
            recurrence::decide(&subscription, self.billing_day(&subscription)?, Backlog::Held);
        if let Reason::NotYet { next_on: since } = decision.reason
            && since <= today
        {
            decision.reason = Reason::WaitsForUsage { since };
        }
        let ahead = self.look_ahead(&subscription, today)?;
        // One after another: a coupon's last period may be among what is due.
        let bills = || ahead.due.iter().chain(ahead.next.as_ref());
        let mut taken = match bills().next() {
            Some(first) => self.taken_before(&subscription, first.period.start)?,
            None => Foreseen::default(),
        };
        let reopened = self.reopened(&subscription, &mut taken)?;
        let foreseen = self.foresee_bills(&subscription, bills(), Ripe::SoFar, &mut taken)?;
        let status = subscription.status_on(today, self.db.has_overdue(&subscription, today)?);
        let next = ahead.next.zip(foreseen.last().cloned());
        let next = next.map(|(bill, (lines, amounts))| Next {
            bill,
            lines,
            amounts,
            provided: ahead.provided,
        });
        let ends = subscription.ends_on.is_some() && subscription.is_running();
        let at_end = match ends && next.is_none() {
            true => self.foresee_end(&subscription, &mut taken)?,
            false => None,
        };
        let usage = match &next {
            None => self.foresee_usage(&subscription, &[], Ripe::SoFar)?,
            Some(_) => Vec::new(),
        };
        let tenant_currency = self.db.tenant_by_id(subscription.tenant_id)?.currency;
        Ok(Explained {
            tenant_currency,
            invoices: self.db.invoices_of_subscription(&subscription)?,
            due: reopened
                .into_iter()
                .chain(ahead.due.into_iter().zip(foreseen.into_iter().map(|(_, amounts)| amounts)))
                .collect(),
            subscription,
            status,
            today,
            decision,
            next,
            at_end,
            usage,
        })
    }

    /// The periods of void invoices that are billed anew.
    fn reopened(
        &self,
        subscription: &Subscription,
        taken: &mut Foreseen,
    ) -> Result<Vec<(Bill, Amounts)>> {
        let mut due = Vec::new();
        for void in self.db.reopened_of(subscription.id)? {
            let Some((_, (start, end))) = void.billed_period() else { continue };
            let amounts = self.foresee_rebill(&void, subscription, taken)?;
            let decision = Decision::to_rebill(subscription, Period { start, end });
            due.extend(decision.bills.into_iter().map(|bill| (bill, amounts)));
        }
        Ok(due)
    }

    fn look_ahead(&self, subscription: &Subscription, today: NaiveDate) -> Result<Ahead> {
        match (subscription.status, subscription.trial_ends_on) {
            (SubscriptionStatus::Trialing, Some(last)) => {
                let (start, cycle) = self.paid_from(subscription, last)?;
                let paid = Subscription { cycle, ..subscription.clone() };
                let next = bill_before_end(&paid, start);
                Ok(Ahead { due: Vec::new(), next, provided: Some(Provided::Converted) })
            }
            (SubscriptionStatus::Active | SubscriptionStatus::Paused, _) => {
                let due = recurrence::decide(
                    subscription,
                    self.billing_day(subscription)?,
                    Backlog::Allowed,
                );
                let after = Subscription {
                    next_billing_on: due.next_on,
                    cycle: due.cycle,
                    ..subscription.clone()
                };
                let next = match (&after.pause, due.next_on) {
                    (Some(pause), next) if next.is_none_or(|next| pause.from <= next) => {
                        let goes_on = recurrence::after_pause(&after);
                        goes_on.and_then(|one| bill_before_end(&one, one.next_billing_on?))
                    }
                    (_, Some(start)) => bill_before_end(subscription, start),
                    (_, None) => None,
                };
                Ok(Ahead { due: due.bills, next, provided: None })
            }
            (SubscriptionStatus::Suspended, _) => {
                let billed_until = self.db.billed_until(subscription)?;
                let back = recurrence::back(subscription, billed_until, today);
                let next = match back.how {
                    Return::GoesOn { until } => bill_before_end(&back.after, until),
                    Return::NewPeriod { on, cycle } => {
                        bill_before_end(&Subscription { cycle, ..back.after }, on)
                    }
                    Return::Trial | Return::Ended { .. } => None,
                };
                Ok(Ahead { due: back.missed.bills, next, provided: Some(Provided::CameBack) })
            }
            _ => {
                let due = recurrence::decide(subscription, today, Backlog::Allowed);
                Ok(Ahead { due: due.bills, ..Ahead::default() })
            }
        }
    }
}

/// The bill of the period that starts on that day, unless the subscription ends before.
fn bill_before_end(subscription: &Subscription, start: NaiveDate) -> Option<Bill> {
    let goes_on = subscription.ends_on.is_none_or(|on| start < on);
    goes_on.then(|| recurrence::bill_from(subscription, start))
}
