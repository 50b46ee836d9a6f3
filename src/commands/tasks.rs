//! `billing tasks`: the words for what cron runs.

mod dry_run;
mod first;
mod given;
mod runs;
mod status;
mod summary;

use std::io::IsTerminal;
use std::time::Duration;

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::{Context, date_arg};
use crate::domain::schedule::Task;
use crate::failure::exit;
use crate::mail::Transport;
use crate::tasks::generate_recurring_invoices as recurring;
use crate::tasks::{self, Given, Options};
pub use given::{
    asking, charging, check_may_charge, checking_out, end_checkouts, end_superseded, gateway,
    refunding, transport,
};
use runs::Runs;
use summary::print_report;
pub use summary::summary;

/// `billing tasks …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Chase overdue invoices: reminders, notice, suspension
    #[command(visible_alias = "check-overdue-invoices")]
    CheckOverdue(CheckOverdue),
    /// Issue an invoice for every period that has begun and is not billed
    #[command(visible_alias = "generate-recurring")]
    GenerateRecurringInvoices(GenerateRecurringInvoices),
    /// Charge again what was declined, and ask what became of charges and refunds, also of those made at
    /// the gateway itself
    RetryFailedPayments(RetryFailedPayments),
    /// End trials: announce it, then suspend or convert
    CleanupExpiredTrials(CleanupExpiredTrials),
    /// Send the e-mails that are queued and due
    DeliverEmails(DeliverEmails),
    /// Tell hooks what happened
    DeliverEvents(DeliverEvents),
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
    /// Wait so long for another run that holds the lock; 60 where nobody watches, else 0
    #[arg(long, value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(0..=86_400))]
    wait: Option<u64>,
}

/// So long a task waits that cron starts: lines of one minute follow one another.
const UNWATCHED_WAIT: u64 = 60;

#[derive(Debug, Args)]
pub struct CheckOverdue {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    caps: Caps,
    /// Leave the e-mails queued, and tell no hook
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
    /// Leave the e-mails queued, and tell no hook
    #[arg(long)]
    no_deliver: bool,
}

#[derive(Debug, Args)]
pub struct RetryFailedPayments {
    #[command(flatten)]
    common: Common,
    /// Leave the e-mails queued, and tell no hook
    #[arg(long)]
    no_deliver: bool,
}

#[derive(Debug, Args)]
pub struct CleanupExpiredTrials {
    #[command(flatten)]
    common: Common,
    /// Leave the e-mails queued, and tell no hook
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
pub struct DeliverEvents {
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
        Command::DeliverEvents(args) => match args.common.dry_run {
            true => dry_run::deliver_events(ctx),
            false => run_task(ctx, Task::DeliverEvents, &options(ctx, &args.common, false)),
        },
        Command::Simulate(args) => dry_run::simulation(ctx, &args),
        Command::List => status::list(ctx),
        Command::Status => status::status(ctx),
        Command::Runs(args) => runs::runs(ctx, &args),
    }
}

fn options(ctx: &Context, common: &Common, no_deliver: bool) -> Options {
    let unwatched = if std::io::stdout().is_terminal() { 0 } else { UNWATCHED_WAIT };
    let wait = Duration::from_secs(common.wait.unwrap_or(unwatched));
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
    first::ask(ctx, &mut store, task, options)?;
    let transport = transport(&ctx.config, &ctx.db)?;
    let gateway = gateway(&ctx.config);
    let (config, clock) = (&ctx.config, &ctx.clock);
    let given = Given { config, clock, transport: &transport, gateway: &gateway };
    let report = tasks::run(&mut store, &given, task, options)?;
    // Nothing is printed before the last connection is closed: a reader that goes away must not
    // leave the write-ahead log behind.
    drop(store);
    if let Transport::File { directory, .. } = &transport
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
