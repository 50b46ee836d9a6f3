//! What cron runs, and what touches more than one noun in one transaction.
//!
//! A scheduled task takes the lock, records its run, does its work in batches, and then delivers
//! the e-mails that are due. [`run`] is the frame; the work of each task is in a file of its own.

mod batch;
pub mod charge;
pub mod check_overdue;
pub mod checkout;
pub mod cleanup_expired_trials;
pub mod deliver_emails;
pub mod deliver_events;
pub mod generate_recurring_invoices;
pub mod lock;
pub mod refund;
pub mod retry_failed_payments;
pub mod simulate;

use std::time::Duration;

use serde::Serialize;

use crate::clock::Clock;
use crate::config::{Config, TransportKind};
use crate::domain::recurrence::Backlog;
use crate::domain::schedule::Task;
use crate::domain::{Refusal, Result, RunId, act};
use crate::gateway::Gateway;
use crate::mail::{Renderer, Transport};
use crate::store::runs::Phase;
use crate::store::{RunStatus, Store, require_space};
use lock::Lock;

/// Free space that a run asks for before it starts: its log stays below 16 MB.
const SPACE_FOR_A_RUN: u64 = 32 << 20;

/// Tenants decided and written in one transaction: the write lock is held for milliseconds, and
/// the write-ahead log stays small.
pub const BATCH: usize = 250;

/// What a run is given; nothing in it is reached for.
#[derive(Debug)]
pub struct Given<'a> {
    pub config: &'a Config,
    pub clock: &'a Clock,
    pub transport: &'a Transport,
    pub gateway: &'a Gateway,
}

/// How a run is to be done.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Leaves the e-mails queued.
    pub no_deliver: bool,
    /// Goes on where the clock looks wrong.
    pub yes: bool,
    /// Waits so long for another run.
    pub wait: Duration,
    pub allow_mass_suspension: bool,
    pub allow_mass_email: bool,
    pub allow_backlog: bool,
}

impl Options {
    fn backlog(&self) -> Backlog {
        if self.allow_backlog { Backlog::Allowed } else { Backlog::Held }
    }
}

/// An item that failed, was held back or needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemError {
    /// What it is about: a tenant's slug, an e-mail's id, or the run.
    pub subject: String,
    pub code: String,
    pub message: String,
}

/// Stages recorded, by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StepCounts {
    pub friendly: u64,
    pub urgent: u64,
    pub warning: u64,
    pub suspension: u64,
}

/// What a task counts besides what all of them count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Tally {
    GenerateRecurringInvoices(generate_recurring_invoices::Counts),
    RetryFailedPayments(retry_failed_payments::Counts),
    CleanupExpiredTrials(cleanup_expired_trials::Counts),
    CheckOverdue(check_overdue::Counts),
    DeliverEmails {},
    DeliverEvents {},
}

/// What a run did: printed, and kept with the run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub task: String,
    pub as_of: String,
    pub run_id: Option<String>,
    pub status: String,
    pub dry_run: bool,
    pub duration_ms: u64,
    pub emails_queued: u64,
    pub emails_sent: u64,
    pub emails_failed: u64,
    #[serde(flatten)]
    pub tally: Tally,
    /// Invoices that customers were found to have paid on the gateway's page; there where there are some.
    #[serde(skip_serializing_if = "is_nothing")]
    pub checkouts_paid: u64,
    /// What hooks were told; `None` where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hooks: Option<deliver_events::Counts>,
    pub errors: Vec<ItemError>,
    /// Why hooks did not take what other tasks told them, for whoever reads along: the work of those was
    /// whole, and `deliver-events` goes on with the hooks.
    #[serde(skip)]
    pub hook_warnings: Vec<ItemError>,
    /// Whether anything was done that a person would want to read of.
    #[serde(skip)]
    pub did_something: bool,
}

/// What the work of a task reports to the frame.
#[derive(Debug)]
pub struct Done {
    pub tally: Tally,
    pub emails_queued: u64,
    pub errors: Vec<ItemError>,
    pub did_something: bool,
}

/// As serde wants it.
fn is_nothing(count: &u64) -> bool {
    *count == 0
}

impl Report {
    fn new(task: Task, clock: &Clock, done: Done) -> Report {
        Report {
            task: task.word().to_owned(),
            as_of: act::instant(clock.now),
            run_id: None,
            status: RunStatus::Ok.word().to_owned(),
            dry_run: false,
            duration_ms: 0,
            emails_queued: done.emails_queued,
            emails_sent: 0,
            emails_failed: 0,
            tally: done.tally,
            checkouts_paid: 0,
            hooks: None,
            errors: done.errors,
            hook_warnings: Vec::new(),
            did_something: done.did_something,
        }
    }

    /// The report of a dry run: what a run would do, with nothing recorded.
    pub fn of_dry_run(task: Task, clock: &Clock, done: Done) -> Report {
        let mut report = Report::new(task, clock, done);
        report.dry_run = true;
        report.seal(clock.elapsed_ms());
        report
    }

    fn seal(&mut self, duration_ms: u64) {
        let status = if self.errors.is_empty() { RunStatus::Ok } else { RunStatus::Partial };
        self.status = status.word().to_owned();
        self.duration_ms = duration_ms;
    }
}

/// Runs a task once: takes the lock, records the run, works, and
/// delivers.
///
/// # Errors
/// Something would leave on a day in the future, another run holds the lock, the disk is nearly full, or the file
/// failed; single items that fail are in the report instead.
pub fn run(store: &mut Store, given: &Given, task: Task, options: &Options) -> Result<Report> {
    // A demo runs one task after another on one clock.
    let (clock, began_ms) = (given.clock, given.clock.elapsed_ms());
    let writes_to_people = !options.no_deliver && task != Task::DeliverEvents;
    let leaves = leaves(given);
    let moves = given.gateway.moves_money() && task.charges();
    if ((leaves && writes_to_people) || moves) && !options.yes {
        clock.check_not_in_the_future()?;
    }
    if writes_to_people {
        check_delivery(given)?;
    }
    if task == Task::RetryFailedPayments {
        given.gateway.check()?;
    }
    require_space(store.path(), SPACE_FOR_A_RUN)?;
    if task == Task::DeliverEvents && !tells(store, given)? {
        return nothing_to_tell(store, given, began_ms);
    }
    let phase = match task {
        Task::DeliverEmails => Phase::Delivering,
        Task::DeliverEvents => Phase::Telling,
        _ => Phase::Deciding,
    };
    // Held until the run's end is recorded: one that is marked as running and holds no lock is
    // taken for dead.
    let mut lock = Lock::take(store.path(), phase, task, options.wait)?;
    let charging = match task {
        Task::RetryFailedPayments => {
            Some(Lock::take_charging(store.path(), task.word(), options.wait)?)
        }
        _ => None,
    };
    let actor = clock.act(format!("task:{task}"));
    let run = store.write(|db| db.start_run(&actor, task, clock.given, phase))?;
    let worked = work(store, given, task, options, run, &mut lock).and_then(|mut report| {
        // Whoever wants to charge need not wait for those who are told of it.
        drop(charging);
        match options.no_deliver {
            true => {}
            false => tell_hooks(store, given, task, run, &mut lock, &mut report)?,
        }
        Ok(report)
    });
    let mut report = match worked {
        Ok(report) => report,
        Err(refusal) => {
            let error = item_refused("run", &refusal);
            let failed = serde_json::json!({ "task": task.word(), "errors": [error] });
            let at = act::instant(clock.later());
            // The file may be the very thing that failed; the refusal says so, and a run without
            // an end shows as interrupted.
            store.write(|db| db.finish_run(run, RunStatus::Failed, &at, &failed.to_string())).ok();
            return Err(refusal);
        }
    };
    report.run_id = Some(run.to_string());
    report.seal(clock.elapsed_ms().saturating_sub(began_ms));
    let status = RunStatus::from_word(&report.status).unwrap_or(RunStatus::Ok);
    let result = serde_json::to_string(&report).unwrap_or_else(|_| "{}".to_owned());
    let at = act::instant(clock.later());
    store.write(|db| db.finish_run(run, status, &at, &result))?;
    drop(lock);
    Ok(report)
}

/// The work of the task, and the delivery after it. `lock` is the one for deciding (or, of
/// `deliver-emails`, for delivering); before the e-mails leave it is exchanged for that of
/// delivery, since those may take long.
fn work(
    store: &mut Store,
    given: &Given,
    task: Task,
    options: &Options,
    run: RunId,
    lock: &mut Lock,
) -> Result<Report> {
    // Whoever has paid on the gateway's page is neither chased nor charged.
    let act = given.clock.act(format!("task:{task}"));
    let checked_out = match task {
        // Nothing is decided here, and a gateway that is down does not hold up what is to be told.
        Task::DeliverEvents => checkout::CheckedOut::default(),
        _ => checkout::everything(store, given, &act, run)?,
    };
    let mut done = match task {
        Task::GenerateRecurringInvoices => {
            generate_recurring_invoices::work(store, given, options, run)?
        }
        Task::RetryFailedPayments => retry_failed_payments::work(store, given, run)?,
        Task::CleanupExpiredTrials => cleanup_expired_trials::work(store, given, run)?,
        Task::CheckOverdue => check_overdue::work(store, given, options, run)?,
        Task::DeliverEmails => deliver_emails::nothing_decided(),
        Task::DeliverEvents => nothing_decided(),
    };
    done.did_something |= checked_out.did_something();
    done.emails_queued += checked_out.emails_queued;
    done.errors.splice(0..0, checked_out.errors);
    let mut report = Report::new(task, given.clock, done);
    report.checkouts_paid = checked_out.paid;
    if options.no_deliver || task == Task::DeliverEvents {
        return Ok(report);
    }
    if given.config.company.name.is_empty() && leaves(given) {
        // Nobody pays an invoice of nobody. No attempt is lost: the e-mails stay queued.
        let actor = given.clock.act("task");
        if store.read(|db| db.has_due_emails(&actor))? {
            report.errors.push(item_error("mail", "no_sender", NO_SENDER));
        }
        return Ok(report);
    }
    let delivers = match task {
        Task::DeliverEmails => true,
        _ => start_delivery(store, given, task, run, lock)?,
    };
    if !delivers {
        // Where another run delivers just now, what waits is about to leave.
        let actor = given.clock.act("task");
        if !store.read(|db| db.has_due_emails(&actor))? {
            let waiting = deliver_emails::waiting(store, given, &report.errors)?;
            report.errors.extend(waiting);
        }
        return Ok(report);
    }
    match deliver_emails::deliver(store, given) {
        Ok(delivered) => {
            report.emails_sent = delivered.sent;
            report.emails_failed = delivered.failed;
            report.errors.extend(delivered.errors);
            let waiting = deliver_emails::waiting(store, given, &report.errors)?;
            report.errors.extend(waiting);
        }
        // What was decided stands; the e-mails stay queued for the next run.
        Err(refusal) if refusal.is_of_the_item() => {
            report.errors.push(item_refused("mail", &refusal));
        }
        Err(fatal) => return Err(fatal),
    }
    Ok(report)
}

/// What a task decides that only tells.
fn nothing_decided() -> Done {
    Done {
        tally: Tally::DeliverEvents {},
        emails_queued: 0,
        errors: Vec::new(),
        did_something: false,
    }
}

/// Whether a hook is to be told something. A simulation tells nobody.
fn tells(store: &mut Store, given: &Given) -> Result<bool> {
    if given.config.hooks.is_empty() || matches!(given.transport, Transport::Nowhere) {
        return Ok(false);
    }
    let now = given.clock.machine_now();
    deliver_events::register(store, given.config, now)?;
    store.read(|db| deliver_events::is_due(db, given.config, now))
}

/// The run of `deliver-events` that finds nothing to do. One a minute, half a million a year: it takes
/// the place of the one before it, where that found nothing, either.
fn nothing_to_tell(store: &mut Store, given: &Given, began_ms: u64) -> Result<Report> {
    let (clock, task) = (given.clock, Task::DeliverEvents);
    let held = store.read(|db| deliver_events::held(db, given.config))?;
    let mut report = Report::new(task, clock, nothing_decided());
    report.hooks = Some(deliver_events::Counts { held, ..Default::default() });
    report.seal(clock.elapsed_ms().saturating_sub(began_ms));
    let actor = clock.act(format!("task:{task}"));
    let at = act::instant(clock.later());
    store.write(|db| {
        let run = db.quiet_run(&actor, task, clock.given)?;
        report.run_id = Some(run.to_string());
        let result = serde_json::to_string(&report).unwrap_or_else(|_| "{}".to_owned());
        db.finish_run(run, RunStatus::Ok, &at, &result)
    })?;
    Ok(report)
}

/// Tells hooks what was done, last of all. Where another run tells just now, it is left to that one.
fn tell_hooks(
    store: &mut Store,
    given: &Given,
    task: Task,
    run: RunId,
    lock: &mut Lock,
    report: &mut Report,
) -> Result<()> {
    if task != Task::DeliverEvents {
        if !tells(store, given)? {
            return Ok(());
        }
        let Some(telling) = Lock::try_take(store.path(), Phase::Telling, task)? else {
            return Ok(());
        };
        store.write(|db| db.run_goes_on(run, Phase::Telling))?;
        *lock = telling;
    }
    let told = deliver_events::tell(store, given)?;
    report.did_something |= task == Task::DeliverEvents && told.counts.delivered > 0;
    report.hooks = Some(told.counts);
    match task {
        Task::DeliverEvents => report.errors.extend(told.errors),
        _ => report.hook_warnings = told.errors,
    }
    Ok(())
}

/// Whether e-mails leave this machine.
fn leaves(given: &Given) -> bool {
    given.config.mail.transport != TransportKind::File
        && !matches!(given.transport, Transport::Nowhere)
}

/// What would keep every e-mail from leaving is found before anything is decided.
fn check_delivery(given: &Given) -> Result<()> {
    given.transport.check()?;
    match given.config.mail.templates.as_deref() {
        Some(templates) => Renderer::new(Some(templates)).map(drop),
        None => Ok(()),
    }
}

/// Sends what is queued and due, outside of a task: what a customer has asked for on the portal. Where a
/// run delivers just now, it is left to that one.
///
/// # Errors
/// A fault of the file, or e-mails cannot leave at all.
pub fn deliver_now(store: &mut Store, given: &Given) -> Result<()> {
    check_delivery(given)?;
    if leaves(given) {
        given.clock.check_not_in_the_future()?;
    }
    match Lock::try_take(store.path(), Phase::Delivering, Task::DeliverEmails)? {
        Some(_lock) => deliver_emails::deliver(store, given).map(drop),
        None => Ok(()),
    }
}

/// Exchanges the lock of deciding for that of delivery, which is taken before the other is given
/// back: at no moment does the run hold none and look dead. False where nothing is due or another
/// run delivers; then the lock stays what it was.
fn start_delivery(
    store: &mut Store,
    given: &Given,
    task: Task,
    run: RunId,
    lock: &mut Lock,
) -> Result<bool> {
    let actor = given.clock.act("task");
    if !store.read(|db| db.has_due_emails(&actor))? {
        return Ok(false);
    }
    let Some(delivering) = Lock::try_take(store.path(), Phase::Delivering, task)? else {
        return Ok(false);
    };
    store.write(|db| db.run_goes_on(run, Phase::Delivering))?;
    *lock = delivering;
    Ok(true)
}

/// Why nothing leaves this machine.
const NO_SENDER: &str =
    "no e-mail leaves before billing.toml says who sends it: set [company] name";

/// An error of one item, for the report.
pub fn item_error(subject: &str, code: &str, message: impl Into<String>) -> ItemError {
    ItemError { subject: subject.to_owned(), code: code.to_owned(), message: message.into() }
}

/// The refusal of one item, for the report: the words are those that the command line would say.
fn item_refused(subject: &str, refusal: &Refusal) -> ItemError {
    let failure = crate::failure::Failure::from(refusal);
    item_error(subject, failure.code, failure.message)
}
