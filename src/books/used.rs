//! What a subscription used in a period, and what that comes to so far. Writes nothing.

use chrono::NaiveDate;

use super::Book;
use super::arrears::{Arrears, UsedOfMeter};
use crate::domain::subscription::{Subscription, SubscriptionStatus};
use crate::domain::usage::{Meter, UsagePeriod};
use crate::domain::{Money, Refusal, Result, SubscriptionId, calendar};

/// Which period is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedPeriod {
    /// The one that contains today.
    Current,
    /// The one before it.
    Last,
    /// The one that contains that day.
    On(NaiveDate),
}

/// What was used in a period.
#[derive(Debug, Clone)]
pub struct UsedInPeriod {
    pub subscription: Subscription,
    pub period: UsagePeriod,
    /// Whether nothing of it is charged: it was a trial.
    pub free: bool,
    pub meters: Vec<UsedOfMeter>,
    /// What all of it comes to so far.
    pub amount: Money,
}

impl Book<'_> {
    /// What a subscription used in a period, by one meter or all that it has.
    ///
    /// # Errors
    /// It has no meter, or no period there.
    pub fn used_in(
        &self,
        id: SubscriptionId,
        asked: AskedPeriod,
        meter: Option<&Meter>,
    ) -> Result<UsedInPeriod> {
        let subscription = self.db.subscription(id)?;
        let none = |asked: String| Refusal::NoUsagePeriod { subscription: id.to_string(), asked };
        let Some(arrears) = self.arrears(&subscription)? else {
            let (tenant, subscriptions) = (id.to_string(), Vec::new());
            return Err(Refusal::WhichMetered { tenant, subscriptions });
        };
        let today = self.act.today;
        let at = |day| self.usage_period_on(&subscription, &arrears, day);
        let (found, asked) = match asked {
            AskedPeriod::Current => (at(today)?, today.to_string()),
            AskedPeriod::On(day) => (at(day)?, day.to_string()),
            AskedPeriod::Last => {
                let before = match at(today)? {
                    Some((current, _)) => Some(current.period.start),
                    None => arrears.last_end(),
                };
                let day = before.map(|start| calendar::plus_days(start, -1));
                (day.map(at).transpose()?.flatten(), "last".to_owned())
            }
        };
        let (period, free) = found.ok_or_else(|| none(asked))?;
        let mut amount = Money::zero(subscription.terms.currency());
        let mut meters = Vec::new();
        for price in &period.prices {
            if meter.is_some_and(|meter| meter.id != price.meter.id) {
                continue;
            }
            let mut used = arrears.used(&period, price)?;
            if free {
                (used.lines, used.amount) = (Vec::new(), Money::zero(amount.currency()));
            }
            amount = amount.plus(used.amount)?;
            meters.push(used);
        }
        Ok(UsedInPeriod { subscription, period, free, meters, amount })
    }

    /// The period of usage that contains a day, and whether it is free.
    fn usage_period_on(
        &self,
        of: &Subscription,
        arrears: &Arrears,
        day: NaiveDate,
    ) -> Result<Option<(UsagePeriod, bool)>> {
        if let Some(mut there) = self.db.usage_period_at(of.id, day)? {
            if !there.billed {
                arrears.add_offered(&mut there)?;
            }
            return Ok(Some((there, false)));
        }
        if day < of.started_on || of.ends_on.is_some_and(|on| day >= on) {
            return Ok(None);
        }
        if let Some(last) = of.trial_ends_on.filter(|last| day <= *last) {
            let end = calendar::plus_days(last, 1);
            return Ok(Some((arrears.free(of.started_on, end)?, true)));
        }
        let runs = of.status == SubscriptionStatus::Active;
        Ok(Some((arrears.noted_on(of, day, runs)?, false)))
    }

    /// The subscription of a customer that has meters.
    ///
    /// # Errors
    /// None has, or several have.
    pub fn metered_subscription(&self, name: &str) -> Result<SubscriptionId> {
        let tenant = self.db.tenant(name)?;
        let (mut running, mut ended) = (Vec::new(), Vec::new());
        for id in self.db.subscriptions_of(tenant.id)? {
            let subscription = self.db.subscription(id)?;
            if self.arrears(&subscription)?.is_some() {
                let list = if subscription.is_running() { &mut running } else { &mut ended };
                list.push(id);
            }
        }
        let found = if running.is_empty() { ended } else { running };
        match found.as_slice() {
            [one] => Ok(*one),
            several => {
                let subscriptions = several.iter().map(ToString::to_string).collect();
                Err(Refusal::WhichMetered { tenant: tenant.slug, subscriptions })
            }
        }
    }
}
