//! `billing tasks`: the words for what cron runs.

mod dry_run;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Context, Limit, Verbosity, date_arg};
use crate::config::{Config, GatewayKind, TlsKind, TransportKind};
use crate::domain::schedule::Task;
use crate::domain::{Act, Money, Result, act};
use crate::failure::exit;
use crate::gateway::{Gateway, Program, Stripe};
use crate::mail::{Secret, Smtp, Tls, Transport};
use crate::reports::{self, run_status};
use crate::store::{Run, RunStatus};
use crate::tasks::charge::Charged;
use crate::tasks::{
    self, Given, ItemError, Options, Report, Tally, check_overdue, cleanup_expired_trials,
    generate_recurring_invoices, retry_failed_payments,
};
use crate::view::{Align, Column, Format};

/// `billing tasks …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Chase overdue invoices: reminders, notice, suspension
    #[command(visible_alias = "check-overdue-invoices")]
    CheckOverdue(CheckOverdue),
    /// Issue an invoice for every period that has begun and is not billed
    #[command(visible_alias = "generate-recurring")]
    GenerateRecurringInvoices(GenerateRecurringInvoices),
    /// Charge again what was declined, and ask what became of charges without an outcome
    RetryFailedPayments(RetryFailedPayments),
    /// End trials: announce it, then suspend or convert
    CleanupExpiredTrials(CleanupExpiredTrials),
    /// Send the e-mails that are queued and due
    DeliverEmails(DeliverEmails),
    /// What check-overdue would do each day if nobody paid, on a copy of the database
    Simulate(Simulate),
    /// What tasks there are, and when crontab is to run them
    List,
    /// Last run, next expected, late or not; exit status 1 where one is late or failed
    Status,
    /// The history of runs, newest first
    Runs(Runs),
}

/// What every task takes.
#[derive(Debug, Args)]
pub struct Common {
    /// Show what would be done and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Wait so long for another run that holds the lock
    #[arg(long, value_name = "SECONDS", default_value_t = 0,
        value_parser = clap::value_parser!(u64).range(0..=86_400))]
    wait: u64,
}

#[derive(Debug, Args)]
pub struct CheckOverdue {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    caps: Caps,
    /// Leave the e-mails queued
    #[arg(long)]
    no_deliver: bool,
}

#[derive(Debug, Args)]
pub struct GenerateRecurringInvoices {
    #[command(flatten)]
    common: Common,
    /// Bill a subscription also where more than 24 of its periods were missed
    #[arg(long)]
    allow_backlog: bool,
    /// Leave the e-mails queued
    #[arg(long)]
    no_deliver: bool,
}

#[derive(Debug, Args)]
pub struct RetryFailedPayments {
    #[command(flatten)]
    common: Common,
    /// Leave the e-mails queued
    #[arg(long)]
    no_deliver: bool,
}

#[derive(Debug, Args)]
pub struct CleanupExpiredTrials {
    #[command(flatten)]
    common: Common,
    /// Leave the e-mails queued
    #[arg(long)]
    no_deliver: bool,
}

#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Caps {
    /// Suspend more tenants than max_suspensions_per_run
    #[arg(long)]
    allow_mass_suspension: bool,
    /// Write to more tenants than max_emails_per_run
    #[arg(long)]
    allow_mass_email: bool,
}

#[derive(Debug, Args)]
pub struct DeliverEmails {
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub struct Simulate {
    /// The last day; 45 days from now where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    until: Option<NaiveDate>,
    #[command(flatten)]
    caps: Caps,
}

#[derive(Debug, Args)]
pub struct Runs {
    #[arg(long, value_parser = task_arg)]
    task: Option<Task>,
    #[command(flatten)]
    limit: Limit,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::GenerateRecurringInvoices(args) => {
            let options = Options {
                allow_backlog: args.allow_backlog,
                ..options(ctx, &args.common, args.no_deliver)
            };
            match args.common.dry_run {
                true => dry_run::generate_recurring_invoices(ctx, &options),
                false => run_task(ctx, Task::GenerateRecurringInvoices, &options),
            }
        }
        Command::RetryFailedPayments(args) => match args.common.dry_run {
            true => dry_run::retry_failed_payments(ctx),
            false => {
                let options = options(ctx, &args.common, args.no_deliver);
                run_task(ctx, Task::RetryFailedPayments, &options)
            }
        },
        Command::CleanupExpiredTrials(args) => match args.common.dry_run {
            true => dry_run::cleanup_expired_trials(ctx),
            false => {
                let options = options(ctx, &args.common, args.no_deliver);
                run_task(ctx, Task::CleanupExpiredTrials, &options)
            }
        },
        Command::CheckOverdue(args) => {
            let options = args.caps.lift(options(ctx, &args.common, args.no_deliver));
            match args.common.dry_run {
                true => dry_run::check_overdue(ctx, &options),
                false => run_task(ctx, Task::CheckOverdue, &options),
            }
        }
        Command::DeliverEmails(args) => match args.common.dry_run {
            true => dry_run::deliver_emails(ctx),
            false => run_task(ctx, Task::DeliverEmails, &options(ctx, &args.common, false)),
        },
        Command::Simulate(args) => dry_run::simulation(ctx, &args),
        Command::List => list(ctx),
        Command::Status => status(ctx),
        Command::Runs(args) => runs(ctx, &args),
    }
}

/// A task by its name or its alias.
fn task_arg(name: &str) -> std::result::Result<Task, String> {
    match name {
        "check-overdue-invoices" => Ok(Task::CheckOverdue),
        "generate-recurring" => Ok(Task::GenerateRecurringInvoices),
        _ => name.parse(),
    }
}

fn options(ctx: &Context, common: &Common, no_deliver: bool) -> Options {
    let wait = Duration::from_secs(common.wait);
    Options { no_deliver, yes: ctx.yes, wait, ..Options::default() }
}

impl Caps {
    fn lift(self, options: Options) -> Options {
        Options {
            allow_mass_suspension: self.allow_mass_suspension,
            allow_mass_email: self.allow_mass_email,
            ..options
        }
    }
}

fn run_task(ctx: &mut Context, task: Task, options: &Options) -> anyhow::Result<u8> {
    let mut store = ctx.writer()?;
    let transport = transport(&ctx.config, &ctx.db)?;
    let gateway = gateway(&ctx.config);
    let (config, clock) = (&ctx.config, &ctx.clock);
    let given = Given { config, clock, transport: &transport, gateway: &gateway };
    let report = tasks::run(&mut store, &given, task, options)?;
    // Nothing is printed before the last connection is closed: a reader that goes away must not
    // leave the write-ahead log behind.
    drop(store);
    if let Transport::File { directory } = &transport
        && report.emails_queued > 0
        && std::io::stderr().is_terminal()
    {
        ctx.note(&format!(
            "e-mails are files in {}: nothing leaves the machine",
            directory.display()
        ));
    }
    print_report(ctx, &report)?;
    Ok(if report.errors.is_empty() { exit::DONE } else { exit::PARTIAL })
}

/// How e-mails leave, as billing.toml says.
///
/// # Errors
/// A password file that cannot be read or that others may read.
pub fn transport(config: &Config, db: &std::path::Path) -> Result<Transport> {
    let mail = &config.mail;
    Ok(match mail.transport {
        TransportKind::File => Transport::File { directory: mail_folder(config, db) },
        TransportKind::Sendmail => Transport::Sendmail { program: mail.sendmail.clone() },
        TransportKind::Smtp => {
            let tls = match mail.tls {
                TlsKind::Starttls => Tls::Starttls,
                TlsKind::Implicit => Tls::Implicit,
                TlsKind::None => Tls::None,
            };
            let standard = if mail.tls == TlsKind::Implicit { 465 } else { 587 };
            Transport::Smtp(Smtp {
                host: mail.host.clone().unwrap_or_default(),
                port: mail.port.unwrap_or(standard),
                tls,
                user: mail.user.clone(),
                password: config.smtp_password()?.map(Secret::new),
                connections: mail.connections as usize,
                timeout: Duration::from_secs(30),
                ca_file: mail.ca_file.clone(),
            })
        }
    })
}

/// Who takes the money, as billing.toml says.
pub fn gateway(config: &Config) -> Gateway {
    let payments = &config.payments;
    let timeout = Duration::from_secs(u64::from(payments.timeout_seconds));
    match payments.gateway {
        GatewayKind::None => Gateway::None,
        GatewayKind::Sandbox => Gateway::Sandbox,
        GatewayKind::Command => Gateway::Command(Program {
            command: payments.command.clone(),
            timeout,
            pass_env: payments.pass_env.clone(),
        }),
        GatewayKind::Stripe => match config.stripe_secret_key() {
            Ok(key) => Gateway::Stripe(Stripe::new(key, &payments.stripe.base_url, timeout)),
            Err(refusal) => Gateway::Unusable(refusal),
        },
    }
}

/// Checks that a command may charge: one that lies in the future is refused where money would
/// really move.
///
/// # Errors
/// It lies in the future.
pub fn check_may_charge(ctx: &Context) -> Result<()> {
    match gateway(&ctx.config).moves_money() && !ctx.yes {
        true => ctx.clock.check_not_in_the_future(),
        false => Ok(()),
    }
}

/// Charges as a command asks for it, and says what came of it.
///
/// # Errors
/// What `work` refuses, or it lies in the future.
pub fn charging(
    ctx: &Context,
    work: impl FnOnce(&Given, &Act) -> Result<Charged>,
) -> anyhow::Result<Charged> {
    check_may_charge(ctx)?;
    let gateway = gateway(&ctx.config);
    let given = Given {
        config: &ctx.config,
        clock: &ctx.clock,
        transport: &Transport::Nowhere,
        gateway: &gateway,
    };
    let charged = work(&given, &ctx.act())?;
    tell_errors(ctx, &charged.errors);
    if charged.failed > 0 {
        ctx.note("note: the charge was declined; billing transaction list shows why");
    }
    if charged.pending > 0 {
        ctx.note("note: the charge is pending; billing tasks retry-failed-payments asks for it");
    }
    Ok(charged)
}

/// Where the `file` transport writes: as configured, else `mail/` beside the database.
fn mail_folder(config: &Config, db: &std::path::Path) -> PathBuf {
    let beside = || db.parent().map(|folder| folder.join("mail")).unwrap_or_else(|| "mail".into());
    config.mail.directory.clone().unwrap_or_else(beside)
}

/// Without a terminal, a run that did something prints one line, and one that did nothing prints
/// nothing: cron mails what is printed. Errors are always told.
fn print_report(ctx: &mut Context, report: &Report) -> anyhow::Result<()> {
    tell_errors(ctx, &report.errors);
    match ctx.printer.format() {
        Format::Json => Ok(ctx.printer.document(report)?),
        Format::Csv => Ok(ctx.printer.object(&serde_json::to_value(report)?)?),
        Format::Table => {
            let people = std::io::stdout().is_terminal();
            let quiet = ctx.verbosity == Verbosity::Quiet;
            if quiet || (!people && !worth_a_line(report)) {
                return Ok(());
            }
            Ok(ctx.printer.text(&summary(report))?)
        }
    }
}

/// Cron starts `deliver-emails` all day long; it is only heard where something failed.
fn worth_a_line(report: &Report) -> bool {
    match report.tally {
        Tally::DeliverEmails {} => !report.errors.is_empty(),
        _ => report.did_something || report.emails_sent > 0 || !report.errors.is_empty(),
    }
}

const MOST_ERRORS_TOLD: usize = 20;

fn tell_errors(ctx: &Context, errors: &[ItemError]) {
    for error in errors.iter().take(MOST_ERRORS_TOLD) {
        ctx.note(&format!("warning: {}: {}", error.subject, error.message));
    }
    if let Some(more) = errors.len().checked_sub(MOST_ERRORS_TOLD).filter(|more| *more > 0) {
        ctx.note(&format!("warning: and {more} more; --json names them all"));
    }
}

/// One line that says what a run did.
pub fn summary(report: &Report) -> String {
    let would = if report.dry_run { "would have " } else { "" };
    let mut parts = match &report.tally {
        Tally::GenerateRecurringInvoices(counts) => billed(counts, would),
        Tally::RetryFailedPayments(counts) => charges(counts, would),
        Tally::CleanupExpiredTrials(counts) => trials(counts, would),
        Tally::CheckOverdue(counts) => chased(counts, would),
        Tally::DeliverEmails {} => Vec::new(),
    };
    let emails = [
        (report.emails_queued, "queued"),
        (report.emails_sent, "sent"),
        (report.emails_failed, "failed"),
    ];
    let told: Vec<_> =
        emails.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    parts.push(match told.is_empty() {
        true => "no e-mails".to_owned(),
        false => format!("e-mails: {}", told.join(", ")),
    });
    if !report.errors.is_empty() {
        parts.push(plural(report.errors.len() as u64, "error"));
    }
    format!("{} {}: {}", report.task, report.as_of, parts.join("; "))
}

fn billed(counts: &generate_recurring_invoices::Counts, would: &str) -> Vec<String> {
    let totals: Vec<_> = counts.totals.iter().map(Money::to_string).collect();
    let mut parts = vec![match counts.invoices_created {
        0 => "no new invoice".to_owned(),
        created => format!(
            "{would}issued {} to {}, {}",
            plural(created, "invoice"),
            plural(counts.subscriptions_billed, "subscription"),
            totals.join(", ")
        ),
    }];
    if counts.charged + counts.declined > 0 {
        parts.push(format!("charged {}, {} declined", counts.charged, counts.declined));
    }
    if counts.subscriptions_ended > 0 {
        parts.push(format!("{would}ended {}", plural(counts.subscriptions_ended, "subscription")));
    }
    parts
}

fn charges(counts: &retry_failed_payments::Counts, would: &str) -> Vec<String> {
    let mut parts = vec![match counts.eligible {
        0 => "nothing to charge".to_owned(),
        eligible => format!("{would}tried {}", plural(eligible, "charge")),
    }];
    let outcomes = [
        (counts.succeeded, "succeeded"),
        (counts.failed, "declined"),
        (counts.pending, "pending"),
        (counts.exhausted, "without an attempt left"),
    ];
    let told: Vec<_> =
        outcomes.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    parts.extend((!told.is_empty()).then(|| told.join(", ")));
    parts
}

fn trials(counts: &cleanup_expired_trials::Counts, would: &str) -> Vec<String> {
    let canceled = counts.expired - counts.suspended - counts.converted;
    let done = [
        (counts.suspended, "suspended"),
        (counts.converted, "converted"),
        (canceled, "canceled"),
        (counts.reminded, "announced"),
    ];
    let told = done.iter().filter(|(n, _)| *n > 0);
    let told: Vec<_> =
        told.map(|(n, what)| format!("{would}{what} {}", plural(*n, "trial"))).collect();
    if told.is_empty() { vec!["no trial ends".to_owned()] } else { told }
}

fn chased(counts: &check_overdue::Counts, would: &str) -> Vec<String> {
    let steps = [
        (counts.steps.friendly, "friendly"),
        (counts.steps.urgent, "urgent"),
        (counts.steps.warning, "warning"),
        (counts.steps.suspension, "suspension"),
    ];
    let recorded: Vec<_> =
        steps.iter().filter(|(n, _)| *n > 0).map(|(n, stage)| format!("{n} {stage}")).collect();
    let mut parts = vec![match recorded.is_empty() {
        true => "no new stage".to_owned(),
        false => format!("{would}recorded {}", recorded.join(", ")),
    }];
    if counts.tenants_suspended > 0 {
        parts.push(format!("{would}suspended {}", plural(counts.tenants_suspended, "tenant")));
    }
    if counts.suspensions_held > 0 {
        parts.push(format!("held back {}", plural(counts.suspensions_held, "suspension")));
    }
    parts
}

fn plural(count: u64, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

const TASKS: &[Column] = &[
    ("task", "Task", Align::Left),
    ("crontab", "Crontab", Align::Left),
    ("summary", "What it does", Align::Left),
];

fn list(ctx: &mut Context) -> anyhow::Result<u8> {
    let mut list = ctx.printer.list(&["task", "crontab", "summary"], TASKS);
    for task in Task::ALL {
        list.row(json!({
            "task": task.word(),
            "crontab": task.schedule().crontab(),
            "summary": task.summary(),
        }))?;
    }
    list.end()?;
    Ok(exit::DONE)
}

const STATUS: &[Column] = &[
    ("task", "Task", Align::Left),
    ("last_run", "Last run", Align::Left),
    ("last_run_at", "At", Align::Left),
    ("status", "Status", Align::Left),
    ("next_expected_at", "Next expected", Align::Left),
    ("late", "Late", Align::Left),
];

fn status(ctx: &mut Context) -> anyhow::Result<u8> {
    let fields =
        &["task", "crontab", "last_run", "last_run_at", "status", "next_expected_at", "late"];
    let now = ctx.clock.now;
    let mut store = ctx.reader()?;
    let dead = tasks::lock::dead_runs(&mut store)?;
    let mut all_well = true;
    let mut rows = Vec::new();
    for task in Task::ALL.iter().copied() {
        let (last, expected) = store.read(|db| {
            let mut last = None;
            db.each_run(Some(task), Some(1), |run| {
                last = Some(run);
                Ok(())
            })?;
            Ok((last, reports::expected(db, task, now)?))
        })?;
        let status = last.as_ref().map(|run| run_status(run.id, run.status, &dead));
        let failed = matches!(status, Some(RunStatus::Failed | RunStatus::Interrupted));
        all_well &= !expected.late && !failed;
        rows.push(json!({
            "task": task.word(),
            "crontab": task.schedule().crontab(),
            "last_run": last.as_ref().map(|run| run.id.to_string()),
            "last_run_at": last.as_ref().map(|run| &run.as_of),
            "status": status.map_or("never run", RunStatus::word),
            "next_expected_at": act::instant(expected.next),
            "late": expected.late,
        }));
    }
    let mut list = ctx.printer.list(fields, STATUS);
    rows.into_iter().try_for_each(|row| list.row(row))?;
    list.end()?;
    Ok(if all_well { exit::DONE } else { exit::REFUSED })
}

const RUNS: &[Column] = &[
    ("id", "Run", Align::Left),
    ("task", "Task", Align::Left),
    ("as_of", "As of", Align::Left),
    ("status", "Status", Align::Left),
    ("did", "Result", Align::Left),
];

fn runs(ctx: &mut Context, args: &Runs) -> anyhow::Result<u8> {
    let fields = &["id", "task", "as_of", "status", "started_at", "finished_at"];
    let mut store = ctx.reader()?;
    let dead = tasks::lock::dead_runs(&mut store)?;
    let mut list = ctx.printer.list(fields, RUNS);
    store.read(|db| {
        db.each_run(args.task, args.limit.limit, |run| {
            let status = run_status(run.id, run.status, &dead);
            list.row(run_object(&run, status)).map_err(super::out_failed)
        })
    })?;
    list.end()?;
    Ok(exit::DONE)
}

fn run_object(run: &Run, status: RunStatus) -> Value {
    let result = run.result.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let did = result.as_ref().map(|result| did(run.task, result));
    json!({
        "id": run.id.to_string(),
        "task": run.task.word(),
        "as_of": run.as_of,
        "status": status.word(),
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "did": did,
        "result": result,
    })
}

/// What a run did, from its stored result.
fn did(task: Task, result: &Value) -> String {
    let count = |name: &str| result[name].as_u64().unwrap_or(0);
    let what = match task {
        Task::GenerateRecurringInvoices => format!("{} invoices, ", count("invoices_created")),
        Task::RetryFailedPayments => format!(
            "{} charges tried: {} succeeded, {} declined, {} pending, ",
            count("eligible"),
            count("succeeded"),
            count("failed"),
            count("pending")
        ),
        Task::CleanupExpiredTrials => {
            format!("{} trials ended, {} announced, ", count("expired"), count("reminded"))
        }
        Task::CheckOverdue => {
            let steps = result["steps"].as_object().into_iter().flatten();
            let recorded: u64 = steps.filter_map(|(_, n)| n.as_u64()).sum();
            format!("{recorded} stages, ")
        }
        Task::DeliverEmails => String::new(),
    };
    format!(
        "{what}{} e-mails queued, {} sent, {} failed",
        count("emails_queued"),
        count("emails_sent"),
        count("emails_failed")
    )
}
