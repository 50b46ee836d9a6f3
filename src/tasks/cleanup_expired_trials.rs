//! `tasks cleanup-expired-trials`: announces the end of trials, and ends those whose last day has
//! passed.

use chrono::NaiveDate;
use serde::Serialize;

use super::batch::{Pass, Sum};
use super::charge;
use super::generate_recurring_invoices::problem;
use super::{BATCH, Done, Given, ItemError, Tally, item_refused};
use crate::books::{Book, Foreseen};
use crate::config::Config;
use crate::domain::event::{Standing, SubscriptionEvent};
use crate::domain::recurrence::{self, Backlog, Decision};
use crate::domain::subscription::Subscription;
use crate::domain::template::Template;
use crate::domain::tenant::{SuspensionCause, TenantStatus};
use crate::domain::trial::{Action, Policy, decide};
use crate::domain::{Act, Result, RunId, calendar};
use crate::store::subscriptions::DueSubscription;
use crate::store::{Db, Store};

/// What the task counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Trials whose last day has passed: suspended, converted, or canceled before.
    pub expired: u64,
    /// Subscriptions that were suspended for it.
    pub suspended: u64,
    pub converted: u64,
    /// Trials whose end was announced.
    pub reminded: u64,
}

/// What is summed up over a run, a page or a trial.
#[derive(Debug, Default)]
struct Ended {
    counts: Counts,
    emails_queued: u64,
    errors: Vec<ItemError>,
}

impl Sum for Ended {
    fn add(&mut self, other: Self) {
        self.counts.expired += other.counts.expired;
        self.counts.suspended += other.counts.suspended;
        self.counts.converted += other.counts.converted;
        self.counts.reminded += other.counts.reminded;
        self.emails_queued += other.emails_queued;
        self.errors.extend(other.errors);
    }
}

impl Ended {
    fn done(self) -> Done {
        let counts = self.counts;
        Done {
            emails_queued: self.emails_queued,
            did_something: counts.expired + counts.reminded > 0 || !self.errors.is_empty(),
            tally: Tally::CleanupExpiredTrials(counts),
            errors: self.errors,
        }
    }
}

/// What is looked at besides the trial itself.
fn policy(book: &Book, trial: &Subscription) -> Result<Policy> {
    let converts = book.trial_converts(trial.tenant_id)?;
    Ok(Policy { reminder_days: book.config.trials.reminder_days, converts })
}

/// Ends and announces what is due, in batches.
///
/// # Errors
/// A fault of the file; what fails of one trial is in the errors of the result instead.
pub fn work(store: &mut Store, given: &Given, run: RunId) -> Result<Done> {
    let act = given.clock.act("task:cleanup-expired-trials");
    let writer = Writer { run };
    let sum = go_through(Pass::Run(store), given.config, &act, |book, trial, action| {
        writer.write(book, trial, action)
    })?;
    let charged = charge::new_invoices(store, given, &act, run)?;
    let mut done = sum.done();
    done.did_something |= charged.did_something();
    done.emails_queued += charged.emails_queued;
    done.errors.extend(charged.errors);
    Ok(done)
}

/// Hands what a run would do to `each`, and returns what it would count. Writes nothing.
///
/// # Errors
/// What `each` refuses, or a fault of the file.
pub fn dry_run(
    store: &mut Store,
    given: &Given,
    mut each: impl FnMut(&Subscription, Action) -> Result<()>,
) -> Result<Done> {
    let act = given.clock.act("task:cleanup-expired-trials");
    let mut taken = Foreseen::default();
    let sum = store.read(|db| {
        go_through(Pass::DryRun(db), given.config, &act, |book, trial, action| {
            each(trial, action)?;
            foreseen(book, trial, action, &mut taken)
        })
    })?;
    Ok(sum.done())
}

/// Decides for each trial that has ended or is about to, and hands the decision to `act_on`, which
/// returns what it comes to.
fn go_through(
    mut pass: Pass,
    config: &Config,
    act: &Act,
    mut act_on: impl FnMut(&Book, &Subscription, Action) -> Result<Ended>,
) -> Result<Ended> {
    let mut after = None;
    pass.each_page(
        |db| {
            let page = page(db, config, act, after)?;
            after = page.last().copied().or(after);
            Ok(page)
        },
        |db, page, _| {
            let (book, mut sum) = (Book::new(db, act, config), Ended::default());
            for due in page {
                let trial = db.subscription(due.id)?;
                if let Some(action) = decide(&trial, policy(&book, &trial)?, act.today) {
                    sum.add(act_on(&book, &trial, action)?);
                }
            }
            Ok(sum)
        },
        |_, due, refusal, sum: &mut Ended| {
            sum.errors.push(item_refused(&due.id.to_string(), refusal));
            Ok(())
        },
    )
}

/// The next trials that have ended or are about to, by their last day.
fn page(
    db: &Db,
    config: &Config,
    act: &Act,
    after: Option<DueSubscription>,
) -> Result<Vec<DueSubscription>> {
    let until = calendar::plus_days(act.today, config.trials.reminder_days);
    db.trials_until(until, after, BATCH)
}

/// What an action adds to the sum.
fn counted(action: Action) -> Ended {
    let one = |yes: bool| u64::from(yes);
    let remind = action == Action::Remind;
    Ended {
        counts: Counts {
            expired: one(!remind),
            suspended: one(action == Action::Suspend),
            converted: one(action == Action::Convert),
            reminded: one(remind),
        },
        emails_queued: one(action != Action::Cancel),
        errors: Vec::new(),
    }
}

/// A trial as the paid subscription that it becomes, and what is billed of it.
fn conversion(book: &Book, trial: &Subscription) -> Result<(Subscription, Decision)> {
    let today = book.act.today;
    let converted = book.as_converted(trial, trial.trial_ends_on.unwrap_or(today))?;
    let decision = recurrence::decide(&converted, today, Backlog::Held);
    Ok((converted, decision))
}

/// What an action would add to the sum, with the invoices of a conversion.
///
/// # Errors
/// What the run would refuse of the trial, or a fault of the file.
fn foreseen(
    book: &Book,
    trial: &Subscription,
    action: Action,
    taken: &mut Foreseen,
) -> Result<Ended> {
    let mut sum = counted(action);
    if action == Action::Convert {
        let (converted, decision) = conversion(book, trial)?;
        book.bill_amounts(&converted, &decision.bills, taken)?;
        sum.emails_queued += decision.bills.len() as u64;
        sum.errors.extend(problem(trial.id, &decision));
    }
    if action == Action::Cancel {
        sum.emails_queued += u64::from(book.foresee_end(trial, taken)?.is_some());
    }
    Ok(sum)
}

/// Writes decisions.
struct Writer {
    run: RunId,
}

impl Writer {
    /// Writes what is decided of a trial, in the caller's transaction.
    fn write(&self, book: &Book, trial: &Subscription, action: Action) -> Result<Ended> {
        let last_day = trial.trial_ends_on.unwrap_or(book.act.today);
        let mut sum = counted(action);
        match action {
            Action::Remind => {
                book.db.note_trial_reminder(book.act, trial.id)?;
                book.tell_of_trial(trial, Template::TrialEnding, last_day, action, Some(self.run))?;
            }
            Action::Suspend => {
                self.suspend(book, trial, last_day)?;
                book.tell_of_trial(trial, Template::TrialEnded, last_day, action, Some(self.run))?;
            }
            Action::Convert => {
                book.tell_of_trial(trial, Template::TrialEnded, last_day, action, Some(self.run))?;
                let (converted, decision) = conversion(book, trial)?;
                let issued = book.issuer()?.convert_trial(&converted, &decision, Some(self.run))?;
                sum.emails_queued += issued.len() as u64;
                sum.errors.extend(problem(trial.id, &decision));
            }
            Action::Cancel => {
                let ends_on = trial.ends_on.unwrap_or(book.act.today);
                let issued = book.end_subscription(trial, ends_on, Some(self.run))?;
                sum.emails_queued += u64::from(issued.is_some());
            }
        }
        Ok(sum)
    }

    /// Suspends the subscription, and its tenant too where nothing else of it runs.
    fn suspend(&self, book: &Book, trial: &Subscription, last_day: NaiveDate) -> Result<()> {
        let (db, act, cause) = (book.db, book.act, SuspensionCause::Trial);
        let reason = format!("the trial of {} ended on {last_day}", trial.terms.names());
        db.suspend_subscription(act, trial.id, cause)?;
        let suspended = db.subscription(trial.id)?;
        let standing = Standing::of(&suspended);
        let event = SubscriptionEvent::Suspended { standing, cause, with_tenant: false.into() };
        book.record(trial.tenant_id, event, Some(&reason))?;
        let tenant = db.tenant_by_id(trial.tenant_id)?;
        if tenant.status != TenantStatus::Active
            || db.has_another_running(tenant.id, trial.id, act.today)?
        {
            return Ok(());
        }
        book.suspend_tenant(tenant.id, cause, &reason, None)
    }
}
