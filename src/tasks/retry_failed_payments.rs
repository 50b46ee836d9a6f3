//! `tasks retry-failed-payments`: applies the decisions of `domain::charge` to every charge that is
//! open, and charges what had no attempt yet. The calls themselves are in `tasks::charge`.

use chrono_tz::Tz;
use serde::Serialize;

use super::charge::{self, Charged, Foreseen};
use super::refund::{self, Refunded};
use super::{Done, Given, Tally};
use crate::clock::{shown, stored_shown};
use crate::domain::charge::{Exhausted, Rests, Retry, Waits};
use crate::domain::refund::Step;
use crate::domain::{Money, Result, RunId};
use crate::gateway::{Began, Gateway};
use crate::store::Store;

/// What the task counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Charges that were begun, or tried again.
    pub eligible: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub pending: u64,
    /// No attempt is left: it was marked, and dunning goes on.
    pub exhausted: u64,
    /// Refunds that went back, that failed for good, and that have no outcome yet.
    pub refunds_succeeded: u64,
    pub refunds_failed: u64,
    pub refunds_pending: u64,
    /// Refunds and disputes that were made at the gateway, and are booked now.
    pub changes_booked: u64,
}

/// Charges and asks what is due.
///
/// # Errors
/// A fault of the file, or another process charges; what fails of one charge is in the errors of
/// the result instead.
pub fn work(store: &mut Store, given: &Given, run: RunId) -> Result<Done> {
    let act = given.clock.act("task:retry-failed-payments");
    let charged = charge::everything(store, given, &act, run)?;
    let mut refunded = refund::everything(store, given, &act)?;
    let changed = refund::changes(store, given, &act)?;
    refunded.at_gateway += changed.at_gateway;
    refunded.emails_queued += changed.emails_queued;
    refunded.errors.extend(changed.errors);
    Ok(done(charged, refunded))
}

fn done(charged: Charged, refunded: Refunded) -> Done {
    Done {
        did_something: charged.did_something() || refunded.did_something(),
        tally: Tally::RetryFailedPayments(Counts {
            eligible: charged.eligible,
            succeeded: charged.succeeded,
            failed: charged.failed,
            pending: charged.pending,
            exhausted: charged.exhausted,
            refunds_succeeded: refunded.succeeded,
            refunds_failed: refunded.failed,
            refunds_pending: refunded.pending,
            changes_booked: refunded.at_gateway,
        }),
        emails_queued: charged.emails_queued + refunded.emails_queued,
        errors: charged.errors.into_iter().chain(refunded.errors).collect(),
    }
}

/// A candidate of a dry run, and why it would be tried or not.
#[derive(Debug, Clone)]
pub struct Reasoned {
    /// `None` where it had no attempt yet.
    pub transaction: Option<String>,
    pub invoice: String,
    pub tenant: String,
    pub amount: Money,
    /// `charge`, `refund`, `ask`, `wait`, `exhausted` or `over`.
    pub action: &'static str,
    pub reason: String,
}

/// Hands each candidate of a run to `each`, with what would be done and why; returns what a run
/// would count. Writes nothing, and calls nobody: what a gateway would answer is not foreseen.
///
/// # Errors
/// What `each` refuses, or a fault of the file.
pub fn dry_run(
    store: &mut Store,
    given: &Given,
    mut each: impl FnMut(Reasoned) -> Result<()>,
) -> Result<Done> {
    let act = given.clock.act("task:retry-failed-payments");
    let (mut eligible, mut exhausted) = (0, 0);
    let charged = charge::dry_run(store, given, &act, |foreseen| {
        let reasoned = reasoned(foreseen, given.gateway, given.clock.timezone);
        eligible += u64::from(reasoned.action == "charge");
        exhausted += u64::from(reasoned.action == "exhausted");
        each(reasoned)
    })?;
    refund::dry_run(store, given, &act, |series, step, began| {
        let (action, reason) = match step {
            Step::Send | Step::Ask if began == Began::Elsewhere => {
                ("wait", refund::elsewhere(series, given))
            }
            Step::Send => ("refund", "it has not gone back".to_owned()),
            Step::Ask => ("ask", format!("its outcome is {}", series.facts.status)),
            Step::Wait => ("wait", "it is looked at again later".to_owned()),
            Step::GiveUp => ("exhausted", "no attempt is left".to_owned()),
            Step::Over => ("over", "it went back long ago".to_owned()),
        };
        each(Reasoned {
            transaction: Some(series.transaction.to_string()),
            invoice: series.number.clone(),
            tenant: series.tenant.clone(),
            amount: series.amount,
            action,
            reason,
        })
    })?;
    Ok(done(Charged { eligible, exhausted, ..charged }, Refunded::default()))
}

fn reasoned(foreseen: Foreseen, gateway: &Gateway, zone: Tz) -> Reasoned {
    let (transaction, invoice, tenant, amount, action, reason) = match foreseen {
        Foreseen::First { number, tenant, amount, .. } => {
            (None, number, tenant, amount, "charge", "it had no attempt yet".to_owned())
        }
        Foreseen::NoMethod { number, tenant, amount } => {
            (None, number, tenant, amount, "wait", waits(Waits::NoMethod))
        }
        Foreseen::Asked { series } => {
            let since = stored_shown(&series.last_attempt.created_at, zone);
            let (began, now) = (&series.last_attempt.gateway, gateway.name());
            let (action, reason) = match gateway.began(&series.last_attempt) {
                Began::Here | Began::Perhaps => {
                    ("ask", format!("its outcome is {} since {since}", series.status))
                }
                Began::Elsewhere => {
                    ("wait", format!("it was begun with {began}, and {now} is configured"))
                }
            };
            let amount = series.last_attempt.amount;
            (Some(series.transaction), series.number, series.tenant, amount, action, reason)
        }
        Foreseen::Retried { series, retry } => {
            let retries = series.facts.retries;
            let code = series.failure_code.as_deref().unwrap_or("declined");
            let (action, reason) = match retry {
                Retry::Now => ("charge", format!("{code}, retry {}", retries + 1)),
                Retry::Wait { why, until: Some(until) } => {
                    ("wait", format!("{} until {}", waits(why), shown(until, zone)))
                }
                Retry::Wait { why, until: None } => ("wait", waits(why)),
                Retry::Exhausted { why: Exhausted::Retries { made } } => {
                    ("exhausted", format!("no attempt is left, retries made: {made}"))
                }
                Retry::Exhausted { why: Exhausted::Window { first_failed_at } } => {
                    let on = first_failed_at.with_timezone(&zone).date_naive();
                    ("exhausted", format!("no attempt is left, first declined on {on}"))
                }
                Retry::Over { why } => ("over", rests(why)),
            };
            let amount = series.facts.invoice.amount_due;
            (Some(series.transaction), series.number, series.tenant, amount, action, reason)
        }
    };
    let transaction = transaction.map(|id| id.to_string());
    match gateway.charges() {
        true => Reasoned { transaction, invoice, tenant, amount, action, reason },
        false => {
            let reason = "no gateway is configured".to_owned();
            Reasoned { transaction, invoice, tenant, amount, action: "wait", reason }
        }
    }
}

fn waits(why: Waits) -> String {
    match why {
        Waits::Interval => "the least interval between two tries runs".to_owned(),
        Waits::NewMethod => "declined for good, another payment method is needed".to_owned(),
        Waits::NoMethod => "the customer has no default payment method".to_owned(),
        Waits::Rests(why) => rests(why),
    }
}

fn rests(why: Rests) -> String {
    match why {
        Rests::NotOpen { status } => format!("the invoice is {status}"),
        Rests::Ended => "its subscription ended before the period, or on its first day".to_owned(),
        Rests::Promised { until } => format!("promised until {until}"),
        Rests::Disputed => "the invoice is disputed".to_owned(),
    }
}
