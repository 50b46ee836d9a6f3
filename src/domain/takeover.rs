//! How a subscription that began elsewhere goes on here: what was billed there is never billed
//! again, and the next period starts where that ends.

use chrono::{Datelike, NaiveDate};

use super::period::{Anchor, Cycle, Period};
use super::plan::Interval;
use super::subscription::SubscriptionStatus;
use super::tenant::SuspensionCause;
use super::trial;

/// What is said of a subscription that is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stated {
    /// `None`: on trial where its trial runs, else active.
    pub status: Option<SubscriptionStatus>,
    pub started_on: NaiveDate,
    /// The period that was billed last.
    pub period: Option<Period>,
    /// The last free day.
    pub trial_ends_on: Option<NaiveDate>,
    pub anchor: Anchor,
    pub interval: Interval,
}

/// Where a subscription stands that is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Takeover {
    /// On trial, active or canceled: for one that is suspended, what it was before.
    pub status: SubscriptionStatus,
    pub suspended: Option<SuspensionCause>,
    pub cycle: Cycle,
    /// The period that was billed last, or the trial.
    pub period: Option<Period>,
    pub next_billing_on: Option<NaiveDate>,
    /// The first day after what was billed elsewhere.
    pub billed_elsewhere_until: Option<NaiveDate>,
    /// The first day after its end, where it is canceled.
    pub ends_on: Option<NaiveDate>,
}

impl Takeover {
    /// The same, suspended: nothing is billed while it is. When it comes back it goes on to the
    /// end of what was billed elsewhere, or to the day on which it was to begin.
    fn suspended(self, cause: SuspensionCause) -> Takeover {
        Takeover {
            suspended: Some(cause),
            next_billing_on: None,
            billed_elsewhere_until: self.next_billing_on,
            ..self
        }
    }

    /// Where its periods begin here.
    pub fn begins_on(&self) -> Option<NaiveDate> {
        self.next_billing_on.or(self.billed_elsewhere_until)
    }
}

/// Works out where a subscription stands on `today`. `held` is why its tenant is suspended, where
/// it is: then none of its subscriptions runs.
pub fn take_over(stated: &Stated, held: Option<SuspensionCause>, today: NaiveDate) -> Takeover {
    use SubscriptionStatus as S;
    // A trial that was suspended comes back to its trial, as one does that is suspended here.
    let on_trial = stated.trial_ends_on.filter(|last| match stated.status {
        Some(S::Trialing) => true,
        None => *last >= today,
        Some(S::Suspended) => *last >= today && stated.period.is_none(),
        Some(_) => false,
    });
    let by_hand = held.unwrap_or(SuspensionCause::Manual);
    match (stated.status, on_trial) {
        (Some(S::Canceled), _) => canceled(stated, today),
        (Some(S::Suspended), Some(last)) => trial(stated, last).suspended(own_cause(by_hand)),
        (Some(S::Suspended), None) => active(stated, today).suspended(by_hand),
        (_, Some(last)) => match held {
            Some(cause) => trial(stated, last).suspended(own_cause(cause)),
            None => trial(stated, last),
        },
        (_, None) => match held {
            Some(cause) => active(stated, today).suspended(cause),
            None => active(stated, today),
        },
    }
}

/// `trial` says of a trial that it is over, and it would never come back to it.
fn own_cause(cause: SuspensionCause) -> SuspensionCause {
    match cause {
        SuspensionCause::Trial => SuspensionCause::Manual,
        cause => cause,
    }
}

/// The first day that is paid for.
fn paid_from(stated: &Stated) -> NaiveDate {
    stated.trial_ends_on.map_or(stated.started_on, trial::first_paid_day)
}

/// The cycle that counts from the first day that is paid for.
fn own_cycle(stated: &Stated) -> Cycle {
    Cycle::starting(stated.anchor, paid_from(stated), stated.interval)
}

fn trial(stated: &Stated, last_free_day: NaiveDate) -> Takeover {
    Takeover {
        status: SubscriptionStatus::Trialing,
        suspended: None,
        cycle: own_cycle(stated),
        period: Some(Period {
            start: stated.started_on,
            end: trial::first_paid_day(last_free_day),
        }),
        next_billing_on: None,
        billed_elsewhere_until: None,
        ends_on: None,
    }
}

fn active(stated: &Stated, today: NaiveDate) -> Takeover {
    let (cycle, period) = match stated.period {
        Some(period) => (cycle_after(stated, period), Some(period)),
        None => (own_cycle(stated), period_of(stated, today)),
    };
    let billed_until = period.map(|period| period.end);
    Takeover {
        status: SubscriptionStatus::Active,
        suspended: None,
        cycle,
        period,
        next_billing_on: Some(billed_until.unwrap_or_else(|| paid_from(stated))),
        billed_elsewhere_until: billed_until,
        ends_on: None,
    }
}

fn canceled(stated: &Stated, today: NaiveDate) -> Takeover {
    let until = stated.period.map(|period| period.end);
    Takeover {
        status: SubscriptionStatus::Canceled,
        period: stated.period,
        next_billing_on: None,
        billed_elsewhere_until: until,
        ends_on: Some(until.filter(|end| *end <= today).unwrap_or(today)),
        ..active(stated, today)
    }
}

/// The period that contains today, counted from the first day that is paid for; `None` where that
/// has not come.
fn period_of(stated: &Stated, today: NaiveDate) -> Option<Period> {
    let first = paid_from(stated);
    let whole = own_cycle(stated).interval_around(today);
    // The first may be a part of its interval.
    (first <= today).then(|| Period { start: whole.start.max(first), end: whole.end })
}

/// The cycle of what comes after a period that was billed elsewhere. By `anniversary` its end is a
/// bound; in a short month it may stand for a later day, which the first paid day or the period's
/// own first day tells: what was billed from 31 January to 28 February goes on to 31 March.
fn cycle_after(stated: &Stated, period: Period) -> Cycle {
    let end = period.end;
    let cycle = Cycle::starting(stated.anchor, end, stated.interval);
    if stated.anchor == Anchor::Calendar {
        return cycle;
    }
    let last = u32::from(end.num_days_in_month());
    let days = [paid_from(stated).day(), period.start.day()];
    let anchor_day = days.into_iter().find(|day| (*day).min(last) == end.day());
    Cycle { anchor_day: anchor_day.unwrap_or(end.day()), ..cycle }
}

#[cfg(test)]
mod tests;
