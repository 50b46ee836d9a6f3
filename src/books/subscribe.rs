//! The verbs of subscriptions: beginning, billing, changing, canceling, coming back. Each is done
//! in its caller's transaction, whoever calls it: a command, an import, a task.

mod explain;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::issue::{Issued, Issuer, NewIssue};
use super::redeem::{self, Discounts};
use super::settle::tenant_event;
use crate::config::{Config, OnTrialEnd};
use crate::domain::email::Locale;
use crate::domain::invoice::{Amounts, Line};
use crate::domain::plan::Plan;
use crate::domain::recurrence::{self, Bill, Cycle, Decision, Period, Reason, Return};
use crate::domain::subscription::{
    self, Anchor, Change, Collection, Subscription, SubscriptionStatus, Terms, When,
};
use crate::domain::tenant::{SuspensionCause, Tenant, TenantStatus};
use crate::domain::trial;
use crate::domain::{Act, Money, Refusal, Result, RunId, SubscriptionId, TenantId, calendar};
use crate::mail::wording;
use crate::store::subscriptions::{Begins, Billed};
use crate::store::{Db, NewSubscription};

pub use explain::{Explained, Next, Provided, explain};

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

/// Works out how a subscription begins.
///
/// # Errors
/// The tenant is closed or suspended, the plan is archived, or the amount is too large.
pub fn start(db: &Db, new: &NewStart) -> Result<Start> {
    match new.tenant.status {
        TenantStatus::Active => {}
        TenantStatus::Suspended => {
            return Err(Refusal::TenantSuspended { tenant: new.tenant.slug.clone() });
        }
        TenantStatus::Closed => {
            return Err(Refusal::TenantClosed { tenant: new.tenant.slug.clone() });
        }
    }
    if new.plan.archived_at.is_some() {
        return Err(Refusal::PlanArchived { plan: new.plan.code.clone() });
    }
    new.plan.price.times(new.quantity)?;
    let asked = new.trial_days;
    let had_trial =
        asked.is_none() && new.plan.trial_days > 0 && db.had_trial(new.tenant.id, new.plan.id)?;
    let days = asked.unwrap_or(if had_trial { 0 } else { new.plan.trial_days });
    let paid_from = calendar::plus_days(new.start, days);
    Ok(Start {
        trial_ends_on: (days > 0).then(|| calendar::plus_days(paid_from, -1)),
        paid_from,
        cycle: Cycle::starting(new.anchor, paid_from, new.plan.interval),
        had_trial,
    })
}

/// How many periods of a subscription that begins so have begun by `today`: as many invoices. None
/// of one on a trial that does not become a paid one by itself.
///
/// # Errors
/// As [`start`].
pub fn periods_begun(db: &Db, config: &Config, new: &NewStart, today: NaiveDate) -> Result<usize> {
    let start = start(db, new)?;
    Ok(match start.trial_ends_on {
        Some(_) if !converts(db, config, new.tenant.id)? => 0,
        _ => start.cycle.periods_begun(start.paid_from, today),
    })
}

/// Begins a subscription. Nothing is billed yet.
///
/// # Errors
/// As [`start`].
pub fn create(db: &Db, act: &Act, new: &NewStart) -> Result<SubscriptionId> {
    let start = start(db, new)?;
    let on_trial = start.trial_ends_on.is_some();
    let id = db.insert_subscription(
        act,
        &NewSubscription {
            tenant: new.tenant.id,
            plan: new.plan.id,
            status: match on_trial {
                true => SubscriptionStatus::Trialing,
                false => SubscriptionStatus::Active,
            },
            quantity: new.quantity,
            anchor: new.anchor,
            cycle: start.cycle,
            started_on: new.start,
            period: on_trial.then_some(Period { start: new.start, end: start.paid_from }),
            next_billing_on: (!on_trial).then_some(start.paid_from),
            trial_ends_on: start.trial_ends_on,
            collection: new.collection,
            ends_on: None,
            pause: None,
            billed_elsewhere_until: None,
            imported: None,
        },
    )?;
    if !on_trial {
        db.begin_billing(id, start.paid_from, Begins::Created)?;
    }
    let created = db.subscription(id)?;
    let reason = match start.trial_ends_on {
        Some(on) => format!("{}, on trial until {on}", in_words(&created.terms)),
        None => in_words(&created.terms),
    };
    subscription_event(db, act, &created, "subscription_created", Some(&reason), json!({}))?;
    Ok(id)
}

/// Issues the first invoice of a subscription, where it has begun and is not on trial.
///
/// # Errors
/// An amount that is too large, or a fault of the file.
pub fn bill_first(db: &Db, act: &Act, config: &Config, id: SubscriptionId) -> Result<()> {
    let subscription = db.subscription(id)?;
    let Some(next) = subscription.next_billing_on.filter(|on| *on <= act.today) else {
        return Ok(());
    };
    let bill = recurrence::bill_from(&subscription, next)?;
    let (cycle, next_on) = (subscription.cycle, bill.period.end);
    let issuer = Issuer::new(db, act, config)?;
    bill_periods(&issuer, &subscription, &[bill], cycle, next_on, None)?;
    Ok(())
}

/// Issues what a decision says is due, and moves the subscription on behind it.
///
/// # Errors
/// A period that is billed already, an amount that is too large, or a fault of the file.
pub fn bill(
    issuer: &Issuer,
    subscription: &Subscription,
    decision: &Decision,
    run: Option<RunId>,
) -> Result<Vec<Issued>> {
    let Some(next_on) = decision.next_on else { return Ok(Vec::new()) };
    bill_periods(issuer, subscription, &decision.bills, decision.cycle, next_on, run)
}

fn bill_periods(
    issuer: &Issuer,
    subscription: &Subscription,
    bills: &[Bill],
    cycle: Cycle,
    next_on: NaiveDate,
    run: Option<RunId>,
) -> Result<Vec<Issued>> {
    let Some(last) = bills.last() else { return Ok(Vec::new()) };
    let (db, act) = (issuer.db, issuer.act);
    let tenant = db.tenant_by_id(subscription.tenant_id)?;
    let mut issued = Vec::with_capacity(bills.len());
    let mut discounts = Discounts::of(db, subscription);
    for bill in bills {
        let redemption = discounts.take()?;
        issued.push(issuer.issue(&NewIssue {
            period: Some((subscription.id, bill.period)),
            collection: subscription.collection,
            redemption: redemption.as_ref(),
            send: true,
            run,
            ..NewIssue::single(&tenant, &[line(bill, tenant.locale)], act.today)
        })?);
    }
    discounts.write(act)?;
    let terms = subscription.pending.as_ref();
    db.move_on(act, subscription.id, &Billed { period: last.period, next_on, cycle, terms })?;
    if terms.is_some() {
        let changed = db.subscription(subscription.id)?;
        let reason = format!("now {}", in_words(&changed.terms));
        let since = json!({ "since": bills.first().map(|bill| bill.period.start) });
        let kind = "subscription_change_applied";
        subscription_event(db, act, &changed, kind, Some(&reason), since)?;
    }
    Ok(issued)
}

/// The line of a period on its invoice: the plan, how many of it, the period. A part of an
/// interval has no unit price, since quantity × price is not what it comes to.
pub fn line(bill: &Bill, locale: Locale) -> Line {
    let terms = &bill.terms;
    let description = match bill.proration {
        Some(part) => wording::prorated(&terms.plan_name, part.days, part.of, locale),
        None => terms.plan_name.clone(),
    };
    Line {
        description,
        quantity: terms.quantity,
        unit_price: bill.proration.is_none().then_some(terms.price),
        amount: bill.amount,
        discount: Money::zero(bill.amount.currency()),
        period: Some((bill.period.start, bill.period.end)),
    }
}

/// What the bills of a subscription come to as invoices, one after another: its line, with what a
/// coupon takes off it, and the amounts.
///
/// # Errors
/// Amounts that are too large, or a fault of the file.
pub fn foresee<'b>(
    db: &Db,
    config: &Config,
    subscription: &Subscription,
    bills: impl IntoIterator<Item = &'b Bill>,
) -> Result<Vec<(Line, Amounts)>> {
    let tenant = db.tenant_by_id(subscription.tenant_id)?;
    let mut discounts = Discounts::of(db, subscription);
    let mut foreseen = Vec::new();
    for bill in bills {
        let redemption = discounts.take()?;
        let plain = [line(bill, tenant.locale)];
        let (lines, amounts) = redeem::amounts(config, &tenant, &plain, redemption.as_ref())?;
        foreseen.extend(lines.into_iter().map(|line| (line, amounts)));
    }
    Ok(foreseen)
}

/// What each bill of a subscription comes to as an invoice.
///
/// # Errors
/// As [`foresee`].
pub fn amounts(
    db: &Db,
    config: &Config,
    subscription: &Subscription,
    bills: &[Bill],
) -> Result<Vec<Amounts>> {
    let foreseen = foresee(db, config, subscription, bills)?;
    Ok(foreseen.into_iter().map(|(_, amounts)| amounts).collect())
}

/// Changes plan or quantity with the next period, or takes such a change back.
///
/// # Errors
/// As [`subscription::change`].
pub fn change(db: &Db, act: &Act, subscription: &Subscription, change: &Change) -> Result<()> {
    let pending = subscription::change(subscription, change, act.today)?;
    db.set_pending(act, subscription.id, pending.as_ref())?;
    let changed = db.subscription(subscription.id)?;
    let (kind, reason) = match &pending {
        Some(terms) => ("subscription_change_planned", format!("to {}", in_words(terms))),
        None => ("subscription_change_withdrawn", format!("stays on {}", in_words(&changed.terms))),
    };
    subscription_event(db, act, &changed, kind, Some(&reason), json!({}))
}

fn in_words(terms: &Terms) -> String {
    format!("{} × {}", terms.quantity, terms.plan)
}

/// Cancels a subscription, now or at the end of its period.
///
/// # Errors
/// As [`subscription::cancel`].
pub fn cancel(db: &Db, act: &Act, subscription: &Subscription, when: When) -> Result<()> {
    let ends_on = subscription::cancel(subscription, when, act.today)?;
    if ends_on <= act.today {
        return end(db, act, subscription, ends_on);
    }
    db.set_ends_on(act, subscription.id, Some(ends_on))?;
    let canceled = db.subscription(subscription.id)?;
    let (kind, reason) = ("subscription_cancellation_planned", format!("ends on {ends_on}"));
    subscription_event(db, act, &canceled, kind, Some(&reason), json!({}))
}

/// Ends a subscription.
///
/// # Errors
/// A fault of the file.
pub fn end(db: &Db, act: &Act, subscription: &Subscription, ends_on: NaiveDate) -> Result<()> {
    db.end_subscription(act, subscription.id, ends_on)?;
    for redemption in db.open_redemptions(subscription.id)? {
        redeem::end(db, act, subscription.tenant_id, &redemption)?;
    }
    let ended = db.subscription(subscription.id)?;
    let reason = format!("ended on {ends_on}");
    subscription_event(db, act, &ended, "subscription_canceled", Some(&reason), json!({}))
}

/// Takes a cancellation at the period's end back.
///
/// # Errors
/// It has taken effect, or there is none.
pub fn resume(db: &Db, act: &Act, subscription: &Subscription) -> Result<()> {
    subscription::check_resumable(subscription, act.today)?;
    db.set_ends_on(act, subscription.id, None)?;
    let resumed = db.subscription(subscription.id)?;
    subscription_event(db, act, &resumed, "subscription_cancellation_withdrawn", None, json!({}))
}

/// A trial as the paid subscription that it becomes, which is collected by itself.
///
/// # Errors
/// A fault of the file.
pub fn as_converted(
    db: &Db,
    trial: &Subscription,
    last_free_day: NaiveDate,
) -> Result<Subscription> {
    let (paid_from, cycle) = paid_from(db, trial, last_free_day)?;
    Ok(Subscription {
        status: SubscriptionStatus::Active,
        collection: Collection::Automatic,
        next_billing_on: Some(paid_from),
        cycle,
        ..trial.clone()
    })
}

/// Makes a trial the paid subscription that it is to become ([`as_converted`]), and issues what is
/// decided of it.
///
/// # Errors
/// An amount that is too large, or a fault of the file.
pub fn convert(
    issuer: &Issuer,
    converted: &Subscription,
    decision: &Decision,
    run: RunId,
) -> Result<Vec<Issued>> {
    let (db, act, id) = (issuer.db, issuer.act, converted.id);
    db.set_collection(id, converted.collection)?;
    if let Some(paid_from) = converted.next_billing_on {
        db.activate_subscription(act, id, paid_from, Some(converted.cycle))?;
        db.begin_billing(id, paid_from, Begins::TrialEnded)?;
    }
    let reason = format!("goes on as {}", in_words(&converted.terms));
    subscription_event(db, act, converted, "trial_converted", Some(&reason), json!({}))?;
    bill(issuer, converted, decision, Some(run))
}

/// Whether a trial becomes a paid subscription when it ends: where the config says so and the
/// tenant has a default payment method.
///
/// # Errors
/// A fault of the file.
pub fn converts(db: &Db, config: &Config, tenant: TenantId) -> Result<bool> {
    Ok(config.trials.on_end == OnTrialEnd::Convert && db.default_payment_method(tenant)?.is_some())
}

/// Where the first period starts that is paid for after a trial, and what is counted from there:
/// on the day after the last free one; where the trial was over when it came back from a
/// suspension, on the day of its return.
///
/// # Errors
/// A fault of the file.
pub fn paid_from(
    db: &Db,
    subscription: &Subscription,
    last_free_day: NaiveDate,
) -> Result<(NaiveDate, Cycle)> {
    let day_after = trial::first_paid_day(last_free_day);
    Ok(match db.last_beginning(subscription.id)?.filter(|on| *on > day_after) {
        Some(on) => {
            let interval = subscription.terms.interval;
            (on, Cycle::starting(subscription.anchor, on, interval))
        }
        None => (day_after, subscription.cycle),
    })
}

/// Which suspended subscriptions of a tenant come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that were suspended for overdue invoices.
    Overdue,
    All,
}

/// Brings the suspended subscriptions of a tenant back, each by its own rule. What had begun
/// before the suspension and was never billed, because no run came, is billed now; where that is
/// more than may be billed unasked, it is dropped, and named in what is returned.
///
/// # Errors
/// An amount that is too large, or a fault of the file.
pub fn come_back(
    db: &Db,
    act: &Act,
    config: &Config,
    tenant: TenantId,
    which: Which,
) -> Result<Vec<String>> {
    let mut dropped = Vec::new();
    for suspended in db.suspended_subscriptions(tenant)? {
        let overdue = suspended.pause.as_ref().is_some_and(|p| p.cause == SuspensionCause::Overdue);
        if which == Which::Overdue && !overdue {
            continue;
        }
        let back = recurrence::back(&suspended, db.billed_until(&suspended)?, act.today)?;
        if let Reason::Backlog { count, since } = back.missed.reason {
            let reason = format!("{count} periods since {since} were missed and stay unbilled");
            let kind = "subscription_backlog_dropped";
            subscription_event(db, act, &suspended, kind, Some(&reason), json!({}))?;
            dropped.push(format!("{}: {reason}", suspended.id));
        }
        if !back.missed.bills.is_empty() {
            bill(&Issuer::new(db, act, config)?, &suspended, &back.missed, None)?;
        }
        go_on(db, act, &db.subscription(suspended.id)?, &back.how)?;
    }
    Ok(dropped)
}

/// Lets a suspended subscription go on as is decided.
fn go_on(db: &Db, act: &Act, suspended: &Subscription, how: &Return) -> Result<()> {
    let id = suspended.id;
    let reason = match *how {
        Return::Ended { on } => return end(db, act, suspended, on),
        Return::Trial => {
            db.back_to_trial(act, id)?;
            // Should it become a paid one, the time of its absence is not paid for.
            if suspended.trial_ends_on.is_some_and(|last| last < act.today) {
                db.begin_billing(id, act.today, Begins::Returned)?;
            }
            "back on its trial".to_owned()
        }
        Return::GoesOn { until } => {
            db.activate_subscription(act, id, until, None)?;
            format!("goes on in the period that is billed until {until}")
        }
        Return::NewPeriod { on, cycle } => {
            db.activate_subscription(act, id, on, Some(cycle))?;
            db.begin_billing(id, on, Begins::Returned)?;
            format!("a new period starts on {on}")
        }
    };
    let returned = db.subscription(id)?;
    subscription_event(db, act, &returned, "subscription_returned", Some(&reason), json!({}))
}

/// Adds an event about a subscription, with how it stands now.
///
/// # Errors
/// A fault of the file.
pub fn subscription_event(
    db: &Db,
    act: &Act,
    subscription: &Subscription,
    kind: &'static str,
    reason: Option<&str>,
    more: Value,
) -> Result<()> {
    let terms = |terms: &Terms| {
        json!({
            "plan": terms.plan, "quantity": terms.quantity, "price": terms.price.major(),
            "currency": terms.price.currency().code(),
        })
    };
    let mut data = json!({
        "subscription": subscription.id.to_string(),
        "status": subscription.status.word(),
        "terms": terms(&subscription.terms),
        "pending": subscription.pending.as_ref().map(terms),
        "next_billing_on": subscription.next_billing_on,
        "trial_ends_on": subscription.trial_ends_on,
        "ends_on": subscription.ends_on,
    });
    if let (Some(data), Some(more)) = (data.as_object_mut(), more.as_object()) {
        data.extend(more.clone());
    }
    tenant_event(db, act, subscription.tenant_id, kind, reason, &data.to_string())
}
