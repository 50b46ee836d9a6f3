//! `billing tasks`: the words for what cron runs.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Context, Limit, Verbosity, date_arg};
use crate::clock::Clock;
use crate::config::{Config, TlsKind, TransportKind};
use crate::domain::refusal::Why;
use crate::domain::schedule::Task;
use crate::domain::{Refusal, Result, RunId, act};
use crate::failure::exit;
use crate::mail::{Secret, Smtp, Tls, Transport};
use crate::store::{Email, Run, RunStatus};
use crate::tasks::{self, Given, ItemError, Options, Report, Tally, check_overdue, simulate};
use crate::view::{Align, Column, Format, explain};

/// `billing tasks …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Chase overdue invoices: reminders, notice, suspension
    #[command(visible_alias = "check-overdue-invoices")]
    CheckOverdue(CheckOverdue),
    /// Send the letters that are queued and due
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
    /// Leave the letters queued
    #[arg(long)]
    no_deliver: bool,
}

#[derive(Debug, Args)]
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
        Command::CheckOverdue(args) => {
            let options = options(ctx, &args.common, &args.caps, args.no_deliver);
            match args.common.dry_run {
                true => dry_run_check_overdue(ctx, &options),
                false => run_task(ctx, Task::CheckOverdue, &options),
            }
        }
        Command::DeliverEmails(args) => {
            let caps = Caps { allow_mass_suspension: false, allow_mass_email: false };
            let options = options(ctx, &args.common, &caps, false);
            match args.common.dry_run {
                true => dry_run_deliver(ctx),
                false => run_task(ctx, Task::DeliverEmails, &options),
            }
        }
        Command::Simulate(args) => run_simulation(ctx, &args),
        Command::List => list(ctx),
        Command::Status => status(ctx),
        Command::Runs(args) => runs(ctx, &args),
    }
}

/// A task by its name or its alias.
fn task_arg(name: &str) -> std::result::Result<Task, String> {
    name.strip_suffix("-invoices").filter(|n| *n == "check-overdue").unwrap_or(name).parse()
}

fn options(ctx: &Context, common: &Common, caps: &Caps, no_deliver: bool) -> Options {
    Options {
        no_deliver,
        yes: ctx.yes,
        wait: Duration::from_secs(common.wait),
        allow_mass_suspension: caps.allow_mass_suspension,
        allow_mass_email: caps.allow_mass_email,
    }
}

fn run_task(ctx: &mut Context, task: Task, options: &Options) -> anyhow::Result<u8> {
    let mut store = ctx.writer()?;
    let transport = transport(&ctx.config, &ctx.db)?;
    let given = Given { config: &ctx.config, clock: &ctx.clock, transport: &transport };
    let report = tasks::run(&mut store, &given, task, options)?;
    // Nothing is printed before the last connection is closed: a reader that goes away must not
    // leave the write-ahead log behind.
    drop(store);
    if let Transport::File { directory } = &transport
        && report.emails_queued > 0
        && std::io::stderr().is_terminal()
    {
        ctx.note(&format!(
            "letters are files in {}: nothing leaves the machine",
            directory.display()
        ));
    }
    print_report(ctx, &report)?;
    Ok(if report.errors.is_empty() { exit::DONE } else { exit::PARTIAL })
}

/// How letters leave, as billing.toml says.
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
        Format::Json => Ok(ctx.printer.document(&serde_json::to_value(report)?)?),
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
        Tally::CheckOverdue(_) => {
            report.did_something || report.emails_sent > 0 || !report.errors.is_empty()
        }
        Tally::DeliverEmails {} => !report.errors.is_empty(),
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
    let mut parts = Vec::new();
    if let Tally::CheckOverdue(counts) = report.tally {
        let steps = [
            (counts.steps.friendly, "friendly"),
            (counts.steps.urgent, "urgent"),
            (counts.steps.warning, "warning"),
            (counts.steps.suspension, "suspension"),
        ];
        let recorded: Vec<_> =
            steps.iter().filter(|(n, _)| *n > 0).map(|(n, stage)| format!("{n} {stage}")).collect();
        parts.push(match recorded.is_empty() {
            true => "no new stage".to_owned(),
            false => format!("{would}recorded {}", recorded.join(", ")),
        });
        if counts.tenants_suspended > 0 {
            parts.push(format!("{would}suspended {}", plural(counts.tenants_suspended, "tenant")));
        }
        if counts.suspensions_held > 0 {
            parts.push(format!("held back {}", plural(counts.suspensions_held, "suspension")));
        }
    }
    let letters = [
        (report.emails_queued, "queued"),
        (report.emails_sent, "sent"),
        (report.emails_failed, "failed"),
    ];
    let told: Vec<_> =
        letters.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    parts.push(match told.is_empty() {
        true => "no letters".to_owned(),
        false => format!("letters: {}", told.join(", ")),
    });
    if !report.errors.is_empty() {
        parts.push(plural(report.errors.len() as u64, "error"));
    }
    format!("{} {}: {}", report.task, report.as_of, parts.join("; "))
}

fn plural(count: u64, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

fn dry_run_check_overdue(ctx: &mut Context, options: &Options) -> anyhow::Result<u8> {
    let mut store = ctx.reader()?;
    let given = Given { config: &ctx.config, clock: &ctx.clock, transport: &Transport::Nowhere };
    let mut list = ctx.printer.list_within("decisions", DECISION_FIELDS, explain::DECISIONS);
    let done = check_overdue::dry_run(&mut store, &given, options, |facts, decision| {
        let mut rows = explain::decisions(facts, decision).into_iter();
        rows.try_for_each(|row| list.row(row)).map_err(super::out_failed)
    })?;
    let report = Report::of_dry_run(Task::CheckOverdue, &ctx.clock, done);
    list.end_with(&serde_json::to_value(&report)?)?;
    tell_errors(ctx, &report.errors);
    if ctx.printer.for_people() {
        ctx.printer.text(&summary(&report))?;
    }
    Ok(if report.errors.is_empty() { exit::DONE } else { exit::PARTIAL })
}

const DECISION_FIELDS: &[&str] = &[
    "tenant",
    "invoice",
    "due_on",
    "amount_due",
    "currency",
    "action",
    "stage",
    "letter",
    "reason",
    "next_step",
    "next_step_on",
];

const DUE_LETTERS: &[Column] = &[
    ("id", "Letter", Align::Left),
    ("tenant", "Tenant", Align::Left),
    ("to", "To", Align::Left),
    ("template", "Template", Align::Left),
    ("attempts", "Tries", Align::Right),
    ("queued_at", "Queued", Align::Left),
];

fn dry_run_deliver(ctx: &mut Context) -> anyhow::Result<u8> {
    let act = ctx.act();
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list_within("due", DUE_FIELDS, DUE_LETTERS);
    store.read(|db| {
        let mut after = None;
        loop {
            let page = db.due_emails(
                &act,
                after.as_ref().map(|(t, id): &(String, _)| (t.as_str(), *id)),
                512,
            )?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some((last.next_try_at.clone().unwrap_or_default(), last.id));
            page.iter().try_for_each(|e| list.row(due_letter(e)).map_err(super::out_failed))?;
        }
    })?;
    let done = tasks::Done {
        tally: Tally::DeliverEmails {},
        emails_queued: 0,
        errors: Vec::new(),
        did_something: false,
    };
    let report = Report::of_dry_run(Task::DeliverEmails, &ctx.clock, done);
    list.end_with(&serde_json::to_value(&report)?)?;
    Ok(exit::DONE)
}

const DUE_FIELDS: &[&str] = &["id", "tenant", "to", "template", "attempts", "queued_at"];

fn due_letter(email: &Email) -> Value {
    json!({
        "id": email.id.to_string(), "tenant": email.tenant, "to": email.to,
        "template": email.template.word(), "attempts": email.attempts,
        "queued_at": email.queued_at,
    })
}

const SIMULATED: &[Column] = &[
    ("on", "On", Align::Left),
    ("friendly", "Friendly", Align::Right),
    ("urgent", "Urgent", Align::Right),
    ("warning", "Warning", Align::Right),
    ("suspension", "Suspension", Align::Right),
    ("tenants_suspended", "Suspended", Align::Right),
    ("letters", "Letters", Align::Right),
    ("held", "Held back", Align::Left),
];

fn run_simulation(ctx: &mut Context, args: &Simulate) -> anyhow::Result<u8> {
    let from = ctx.clock.today();
    let until = args.until.unwrap_or(crate::domain::calendar::plus_days(from, 45));
    if until < from {
        let why = Why::Before { field: "today" };
        return Err(Refusal::bad("until", &until.to_string(), why).into());
    }
    let options = Options {
        no_deliver: false,
        yes: true,
        wait: Duration::ZERO,
        allow_mass_suspension: args.caps.allow_mass_suspension,
        allow_mass_email: args.caps.allow_mass_email,
    };
    let store = ctx.reader()?;
    let folder = super::scratch_folder("billing-simulation")?;
    let mut rows = Vec::new();
    let simulated =
        simulate::simulate(&store, &ctx.config, &folder, from, until, &options, |day, report| {
            let Tally::CheckOverdue(counts) = report.tally else { return Ok(()) };
            if simulate::is_quiet(report) {
                return Ok(());
            }
            let held: Vec<_> = report.errors.iter().map(|e| e.code.clone()).collect();
            rows.push(json!({
                "on": day, "friendly": counts.steps.friendly, "urgent": counts.steps.urgent,
                "warning": counts.steps.warning, "suspension": counts.steps.suspension,
                "tenants_suspended": counts.tenants_suspended, "letters": report.emails_queued,
                "held": held,
            }));
            Ok(())
        });
    std::fs::remove_dir_all(&folder).ok();
    simulated?;
    match ctx.printer.format() {
        Format::Table => ctx.printer.table(SIMULATED, &rows)?,
        _ => {
            let fields = &[
                "on",
                "friendly",
                "urgent",
                "warning",
                "suspension",
                "tenants_suspended",
                "letters",
                "held",
            ];
            let mut list = ctx.printer.list(fields, SIMULATED);
            rows.into_iter().try_for_each(|row| list.row(row))?;
            list.end()?;
        }
    }
    Ok(exit::DONE)
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
    let now = Clock::host_time(ctx.clock.now);
    let mut store = ctx.reader()?;
    let dead = tasks::lock::dead_runs(&mut store)?;
    let mut all_well = true;
    let mut rows = Vec::new();
    for task in Task::ALL.iter().copied() {
        let (last, since) = store.read(|db| {
            let mut last = None;
            db.each_run(Some(task), Some(1), |run| {
                last = Some(run);
                Ok(())
            })?;
            // A replay of a past day is no sign that cron slept, nor one of a day to come that it
            // did not.
            let since = db.last_run_until(task, &act::instant(ctx.clock.now))?;
            Ok((last, since.map_or_else(|| db.created_at(), Ok)?))
        })?;
        let status = last.as_ref().map(|run| status_of(run, &dead));
        let since = instant(&since).map_or(now, Clock::host_time);
        let late = task.schedule().is_late(&since, &now);
        let failed = matches!(status, Some(RunStatus::Failed | RunStatus::Interrupted));
        all_well &= !late && !failed;
        rows.push(json!({
            "task": task.word(),
            "crontab": task.schedule().crontab(),
            "last_run": last.as_ref().map(|run| run.id.to_string()),
            "last_run_at": last.as_ref().map(|run| &run.as_of),
            "status": status.map_or("never run", RunStatus::word),
            "next_expected_at": act::instant(task.schedule().next(&since).to_utc()),
            "late": late,
        }));
    }
    let mut list = ctx.printer.list(fields, STATUS);
    rows.into_iter().try_for_each(|row| list.row(row))?;
    list.end()?;
    Ok(if all_well { exit::DONE } else { exit::REFUSED })
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
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
            list.row(run_object(&run, status_of(&run, &dead))).map_err(super::out_failed)
        })
    })?;
    list.end()?;
    Ok(exit::DONE)
}

/// How a run stands, for people: the row of one that died says that it is running.
fn status_of(run: &Run, dead: &[RunId]) -> RunStatus {
    if dead.contains(&run.id) { RunStatus::Interrupted } else { run.status }
}

fn run_object(run: &Run, status: RunStatus) -> Value {
    let result = run.result.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let did = result.as_ref().map(|result| {
        let count = |name: &str| result[name].as_u64().unwrap_or(0);
        let steps = result["steps"].as_object().into_iter().flatten();
        let recorded: u64 = steps.filter_map(|(_, n)| n.as_u64()).sum();
        format!(
            "{recorded} stages, {} letters queued, {} sent, {} failed",
            count("emails_queued"),
            count("emails_sent"),
            count("emails_failed")
        )
    });
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
