//! Recurring billing: where periods start and end, which are due, and how a subscription that was
//! suspended goes on. What a period comes to is in [`super::pricing`].
//!
//! A period is half-open, `[start, end)`. Its bounds are counted from the anchor (anchor + n
//! intervals, clamped in short months) and never from the period before: 31 January, 28 February,
//! 31 March, not 28 March. A run that comes late finds the periods that it would have found in
//! time, since they depend on nothing but the anchor.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::period::{Cycle, Period, Proration};
use super::refusal::Why;
use super::subscription::{
    NewPause, Pause, Subscription, SubscriptionStatus, Terms, Unbilled, When,
};
use super::{Refusal, Result, calendar};

/// So many periods of one subscription may have gone unbilled; with more, something else is wrong
/// than a machine that was off, and nobody wants thirty invoices in one night.
pub const MOST_MISSED: usize = 24;

/// One period's bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    pub period: Period,
    pub terms: Terms,
    /// Where the period is no whole interval.
    pub proration: Option<Proration>,
}

/// Goes through the periods of a subscription one after another.
#[derive(Debug, Clone)]
struct Walk<'a> {
    cycle: Cycle,
    terms: Cow<'a, Terms>,
    /// Terms that hold from the next period on.
    pending: Option<&'a Terms>,
    start: NaiveDate,
    /// The first day after its end: no period goes beyond it.
    ends_on: Option<NaiveDate>,
}

impl<'a> Walk<'a> {
    fn from(subscription: &'a Subscription, start: NaiveDate) -> Self {
        Walk {
            cycle: subscription.cycle,
            terms: Cow::Borrowed(&subscription.terms),
            pending: subscription.pending.as_ref(),
            start,
            ends_on: subscription.ends_on,
        }
    }

    /// The period that starts next, and moves behind it.
    fn next_period(&mut self) -> Period {
        if let Some(terms) = self.pending.take() {
            if terms.interval != self.terms.interval {
                self.cycle = self.cycle.from(self.start, terms.interval);
            }
            self.terms = Cow::Borrowed(terms);
        }
        if let Some(terms) = self.terms.moved(self.start) {
            self.terms = Cow::Owned(terms);
        }
        let mut period = self.cycle.period_from(self.start);
        // One that was canceled, came back, and began a period anew ends on its day all the same.
        if let Some(on) = self.ends_on.filter(|on| *on > period.start) {
            period.end = period.end.min(on);
        }
        self.start = period.end;
        period
    }

    fn next_bill(&mut self) -> Bill {
        let period = self.next_period();
        Bill {
            period,
            terms: self.terms.clone().into_owned(),
            proration: self.cycle.proration(period),
        }
    }
}

/// Whether more than [`MOST_MISSED`] periods are billed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backlog {
    Held,
    Allowed,
}

/// Why a subscription is billed, or is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is not one that is billed.
    NotBilled { status: SubscriptionStatus },
    /// Its next period starts on that day.
    NotYet { next_on: NaiveDate },
    /// So many periods have begun since that day.
    Due { count: usize, since: NaiveDate },
    /// More have begun than may be billed unasked.
    Backlog { count: usize, since: NaiveDate },
    /// It is canceled and paid to its end: no period follows.
    RunsOut { on: NaiveDate },
    /// It ended on that day.
    Ended { on: NaiveDate },
    /// It rests from that day on.
    Paused { from: NaiveDate },
    /// The invoice of that period was voided, so that it is billed anew.
    Reopened { since: NaiveDate },
    /// Usage of it is billed that goes with no period.
    UsageAlone,
    /// A period began on that day, and is billed when the usage before it is settled.
    WaitsForUsage { since: NaiveDate },
}

impl Decision {
    /// What a run does about a period whose invoice was voided to be billed anew: that alone, with
    /// the lines that it had.
    pub fn to_rebill(subscription: &Subscription, period: Period) -> Decision {
        Decision::alone(subscription, period, Reason::Reopened { since: period.start })
    }

    /// What a run does about usage of that time that goes with no period: that alone.
    pub fn of_usage(subscription: &Subscription, period: Period) -> Decision {
        Decision::alone(subscription, period, Reason::UsageAlone)
    }

    fn alone(subscription: &Subscription, period: Period, reason: Reason) -> Decision {
        let terms = subscription.terms.clone();
        Decision {
            bills: vec![Bill { period, terms, proration: None }],
            cycle: subscription.cycle,
            next_on: subscription.next_billing_on,
            ends: None,
            pauses: None,
            reason,
        }
    }
}

/// What is to be done about a subscription today, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The periods to be billed, oldest first.
    pub bills: Vec<Bill>,
    /// The cycle after them, and when the next period starts.
    pub cycle: Cycle,
    pub next_on: Option<NaiveDate>,
    /// The day on which a subscription that was canceled ended, where that day has come.
    pub ends: Option<NaiveDate>,
    /// The first day of its pause, where that day has come.
    pub pauses: Option<NaiveDate>,
    pub reason: Reason,
}

/// Decides which periods of a subscription are billed today: every one that has begun and is not
/// billed, oldest first; none of one that is suspended, canceled or on trial.
pub fn decide(subscription: &Subscription, today: NaiveDate, backlog: Backlog) -> Decision {
    let mut decision = Decision {
        bills: Vec::new(),
        cycle: subscription.cycle,
        next_on: subscription.next_billing_on,
        ends: None,
        pauses: None,
        reason: Reason::NotBilled { status: subscription.status },
    };
    if let Some(unbilled) = subscription.unbilled {
        return left_unbilled(subscription, unbilled, backlog);
    }
    let ends = subscription.ends_on.filter(|on| *on <= today);
    // What ends first is not paused any more.
    let pauses = subscription.pause.as_ref().map(|pause| pause.from);
    let pauses = pauses.filter(|from| *from <= today && ends.is_none());
    let active = subscription.status == SubscriptionStatus::Active;
    let Some(next) = subscription.next_billing_on.filter(|_| active) else {
        return match ends.filter(|_| subscription.status != SubscriptionStatus::Canceled) {
            Some(on) => end_unbilled(subscription, decision, on, backlog),
            None => decision,
        };
    };
    let count = count_begun(subscription, next, today);
    if count > MOST_MISSED && backlog == Backlog::Held {
        return Decision { reason: Reason::Backlog { count, since: next }, ..decision };
    }
    let mut walk = Walk::from(subscription, next);
    decision.bills.extend((0..count).map(|_| walk.next_bill()));
    let runs_out = subscription.ends_on.filter(|on| *on <= next);
    let rests = subscription.pause.as_ref().map(|pause| pause.from).filter(|from| *from <= next);
    let reason = match (count, ends, runs_out, rests) {
        (0, Some(on), ..) => Reason::Ended { on },
        (0, None, Some(on), _) => Reason::RunsOut { on },
        (0, None, None, Some(from)) => Reason::Paused { from },
        (0, None, None, None) => Reason::NotYet { next_on: next },
        _ => Reason::Due { count, since: next },
    };
    Decision { cycle: walk.cycle, next_on: Some(walk.start), ends, pauses, reason, ..decision }
}

/// What is billed of a subscription that has ended: whole periods, as if it had not.
fn left_unbilled(subscription: &Subscription, unbilled: Unbilled, backlog: Backlog) -> Decision {
    let running = Subscription {
        status: SubscriptionStatus::Active,
        next_billing_on: Some(unbilled.from),
        ends_on: None,
        unbilled: None,
        ..subscription.clone()
    };
    decide(&running, unbilled.until, backlog)
}

/// What an end of today leaves unbilled, for the next run to bill: what has begun by today (or by a
/// suspension), and before the day on which it was to end anyhow.
pub fn unbilled_at_end(subscription: &Subscription, today: NaiveDate) -> Option<Unbilled> {
    let from = subscription.next_billing_on?;
    let day = subscription.suspension.as_ref().map_or(today, |suspension| suspension.on);
    let pause_from = subscription.pause.as_ref().map(|pause| pause.from);
    let bounds = [subscription.ends_on, pause_from].into_iter().flatten();
    let last_days = bounds.map(|on| calendar::plus_days(on, -1));
    let until = last_days.min().map_or(day, |last| last.min(day));
    (from <= until).then_some(Unbilled { from, until })
}

/// How many periods from `next` on have begun by `today`, before the subscription ends or is paused.
fn count_begun(subscription: &Subscription, next: NaiveDate, today: NaiveDate) -> usize {
    let mut walk = Walk::from(subscription, next);
    let mut count = 0;
    let pause_from = subscription.pause.as_ref().map(|pause| pause.from);
    let bounds = [subscription.ends_on, pause_from];
    let last = bounds.into_iter().flatten().min();
    while walk.start <= today && last.is_none_or(|on| walk.start < on) {
        walk.next_period();
        count += 1;
    }
    count
}

/// The end of a subscription that is suspended or on trial: what had begun before the suspension
/// and was never billed is owed still.
fn end_unbilled(
    subscription: &Subscription,
    decision: Decision,
    on: NaiveDate,
    backlog: Backlog,
) -> Decision {
    let Some(suspension) = &subscription.suspension else {
        return Decision { ends: Some(on), reason: Reason::Ended { on }, ..decision };
    };
    let missed = missed_until_suspension(subscription, suspension.on, backlog);
    match missed.reason {
        Reason::Backlog { .. } => missed,
        _ => Decision { ends: Some(on), reason: Reason::Ended { on }, ..missed },
    }
}

/// What of a subscription has begun and no run has billed: by today, or where it is suspended, by the
/// day of its suspension. A verb that changes what is billed bills this first, so that a machine that
/// was off, or a zone in which the day began after the run, changes no bill.
pub fn begun(subscription: &Subscription, today: NaiveDate, backlog: Backlog) -> Decision {
    match &subscription.suspension {
        Some(suspension) => missed_until_suspension(subscription, suspension.on, backlog),
        None => decide(subscription, today, backlog),
    }
}

/// Whether the settled usage of a subscription is to be billed alone: no period follows that takes it, or
/// the one that follows was billed before. A period that has begun takes it.
pub fn bills_usage_alone(subscription: &Subscription, today: NaiveDate) -> bool {
    let follows = |next: &NaiveDate| subscription.ends_on.is_none_or(|on| *next < on);
    let next = subscription.next_billing_on.filter(|next| *next <= today);
    // A dry run meets one whose pause begins as it stands before.
    let rests = subscription.pause.as_ref().is_some_and(|pause| pause.from <= today);
    match subscription.status {
        SubscriptionStatus::Active => !rests && next.filter(follows).is_none(),
        SubscriptionStatus::Canceled => subscription.unbilled.is_none(),
        _ => false,
    }
}

/// The bill of the period that starts on that day, whether it has come or not.
pub fn bill_from(subscription: &Subscription, start: NaiveDate) -> Bill {
    Walk::from(subscription, start).next_bill()
}

/// The bill of the first period that starts on or after a day, of those from `start` on, and the terms of
/// the one before it; `None` where it ends before.
pub fn first_bill_from(
    subscription: &Subscription,
    start: NaiveDate,
    day: NaiveDate,
) -> Option<(Terms, Bill)> {
    let mut walk = Walk::from(subscription, start);
    let mut before = subscription.terms.clone();
    while subscription.ends_on.is_none_or(|on| walk.start < on) {
        let bill = walk.next_bill();
        if bill.period.start >= day {
            return Some((before, bill));
        }
        before = bill.terms;
    }
    None
}

/// The end of the period (or trial) that contains the day, billed or not; the day itself where none
/// does.
pub fn period_end_after(subscription: &Subscription, today: NaiveDate) -> NaiveDate {
    let active = subscription.status == SubscriptionStatus::Active;
    match subscription.next_billing_on {
        Some(next) if active && next <= today => {
            let mut walk = Walk::from(subscription, next);
            while walk.start <= today {
                walk.next_period();
            }
            walk.start
        }
        // What was billed last, or the trial, runs still.
        _ => subscription.period.map_or(today, |period| period.end.max(today)),
    }
}

/// The first day after the end of a subscription that is canceled today.
///
/// # Errors
/// It is canceled already; with `PeriodEnd` also where it is to end then anyhow.
pub fn cancel(subscription: &Subscription, when: When, today: NaiveDate) -> Result<NaiveDate> {
    let canceled = || Refusal::SubscriptionCanceled { subscription: subscription.id.to_string() };
    match (when, subscription.status) {
        (_, SubscriptionStatus::Canceled) => Err(canceled()),
        // Also one whose end has come and is not recorded, because what it owes is held back.
        (When::Now, _) => Ok(subscription.ends_on.map_or(today, |on| on.min(today))),
        (When::PeriodEnd, _) if subscription.cancel_at_period_end => Err(canceled()),
        (When::PeriodEnd, _) => Ok(period_end_after(subscription, today)),
    }
}

/// The pause that is asked for: from that day, else from the end of what is billed.
///
/// # Errors
/// It is no subscription that is billed, ends before, or was to begin or end in the past.
pub fn pause(subscription: &Subscription, asked: NewPause, today: NaiveDate) -> Result<Pause> {
    subscription.check_running(today)?;
    let id = || subscription.id.to_string();
    if subscription.status != SubscriptionStatus::Active {
        return Err(Refusal::NotPausable {
            subscription: id(),
            status: subscription.status.word(),
        });
    }
    let from = asked.from.unwrap_or_else(|| period_end_after(subscription, today));
    if from < today {
        let why = Why::Before { field: "today" };
        return Err(Refusal::bad("on", &from.to_string(), why));
    }
    if let Some(ends_on) = subscription.ends_on.filter(|on| *on <= from) {
        return Err(Refusal::NoNextPeriod { subscription: id(), ends_on });
    }
    if let Some(until) = asked.until.filter(|until| *until < from) {
        let why = Why::Before { field: "on" };
        return Err(Refusal::bad("until", &until.to_string(), why));
    }
    Ok(Pause { from, until: asked.until, reason: asked.reason })
}

/// How a subscription stands once what is decided of it is billed.
pub fn billed(subscription: &Subscription, decision: &Decision) -> Subscription {
    let mut after = subscription.clone();
    if let Some(last) = decision.bills.last() {
        (after.terms, after.pending) = (last.terms.clone(), None);
        (after.cycle, after.next_billing_on) = (decision.cycle, decision.next_on);
        after.period = Some(last.period);
    }
    after
}

/// How a subscription goes on whose pause ends before `on`: within what is billed, or with a period that
/// starts on that day, however late this is decided. Returned with it is how it stands then.
pub fn resume(paused: &Subscription, on: NaiveDate) -> (Return, Subscription) {
    let how = come_back(paused, paused.next_billing_on, on);
    let mut after = paused.clone();
    (after.status, after.pause) = (SubscriptionStatus::Active, None);
    match how {
        Return::GoesOn { until } => after.next_billing_on = Some(until),
        Return::NewPeriod { on, cycle } => {
            (after.next_billing_on, after.cycle) = (Some(on), cycle);
        }
        Return::Trial | Return::Ended { .. } => {}
    }
    (how, after)
}

/// The subscription that one becomes whose next period its pause comes before; `None`: the pause has no
/// end, the subscription ends first, or nothing is in the way of the next period.
pub fn after_pause(subscription: &Subscription) -> Option<Subscription> {
    let pause = subscription.pause.as_ref()?;
    let rests = subscription.next_billing_on.is_none_or(|next| pause.from <= next);
    let on = pause.goes_on_from().filter(|_| rests)?;
    match resume(subscription, on) {
        (Return::Ended { .. }, _) => None,
        (_, after) => Some(after),
    }
}

/// How a suspended subscription goes on when it comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Return {
    /// On trial as before; the run that ends trials looks at it next.
    Trial,
    /// In the period that is billed already, up to that day; or, where it was to begin later, to
    /// begin then.
    GoesOn { until: NaiveDate },
    /// With a new period from that day on.
    NewPeriod { on: NaiveDate, cycle: Cycle },
    /// Not at all: it was to end on that day, which has come.
    Ended { on: NaiveDate },
}

/// What a subscription comes back to that owes nothing.
fn come_back(
    subscription: &Subscription,
    billed_until: Option<NaiveDate>,
    today: NaiveDate,
) -> Return {
    if let Some(on) = subscription.ends_on.filter(|on| *on <= today) {
        return Return::Ended { on };
    }
    if subscription.comes_back_to_trial() {
        return Return::Trial;
    }
    // One that was to begin later still does.
    let begins = subscription.next_billing_on.filter(|_| subscription.started_on > today);
    match billed_until.filter(|until| *until > today).or(begins) {
        Some(until) => Return::GoesOn { until },
        None => {
            let terms = subscription.coming_terms();
            let cycle = Cycle::starting(subscription.anchor, today, terms.interval);
            Return::NewPeriod { on: today, cycle }
        }
    }
}

/// What becomes of a suspended subscription that comes back.
#[derive(Debug, Clone)]
pub struct Back {
    /// What is billed first: the periods that had begun by the suspension.
    pub missed: Decision,
    /// The subscription once that is billed, and how it goes on.
    pub after: Subscription,
    pub how: Return,
}

/// What a suspended subscription owes and comes back to on `today`. `billed_until` is the first day
/// after what live invoices (or bills before an import) cover.
pub fn back(
    subscription: &Subscription,
    billed_until: Option<NaiveDate>,
    today: NaiveDate,
) -> Back {
    let suspended_on = subscription.suspension.as_ref().map_or(today, |suspension| suspension.on);
    let missed = missed_until_suspension(subscription, suspended_on, Backlog::Held);
    let after = billed(subscription, &missed);
    let last = missed.bills.last().map(|last| last.period.end);
    let until = billed_until.max(last);
    Back { how: come_back(&after, until, today), missed, after }
}

/// The periods that had begun when a subscription was suspended and that no run had billed, that of
/// the day itself too: a machine that was off is no reason not to bill them. Periods that began later
/// are never billed.
fn missed_until_suspension(
    subscription: &Subscription,
    suspended_on: NaiveDate,
    backlog: Backlog,
) -> Decision {
    let mut running = subscription.clone();
    // Of a suspension that is left, `decide` would ask here again what was missed before it.
    (running.status, running.suspension) = (SubscriptionStatus::Active, None);
    decide(&running, suspended_on, backlog)
}

#[cfg(test)]
mod tests;
