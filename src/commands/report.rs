//! `billing report`: the words for what the operator looks at each morning. What is in a report is
//! put together in `reports`.

mod automation;
mod coupons;
mod html;
mod kpi;
mod mrr;
mod overdue;
mod tax;
mod transactions;
mod usage;

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::{Context, date_arg};
use crate::domain::Result;
use crate::reports::Period;

/// `billing report …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Monthly and annual recurring revenue, month by month, and what moved it
    #[command(
        mut_arg("since", |arg| arg.help("A day of the first month; a year earlier where it is not given")),
        mut_arg("until", |arg| arg.help("The day that is looked at; today where it is not given")),
    )]
    Mrr(Between),
    /// What is overdue: by age, by customer with the next step, and what rests
    #[command(
        mut_arg("since", |arg| arg.help("Only what was due on that day or later")),
        mut_arg("until", |arg| arg.help("What was overdue at the end of that day; today where it is not given")),
    )]
    Overdue(Between),
    /// Payments and charges: how many, by which method, how they went, day by day
    Transactions(Between),
    /// What was invoiced by rate and category of tax: net, tax and total, for the tax declaration
    Tax(Between),
    /// What was billed of usage, meter by meter: it is in no recurring revenue
    Usage(Between),
    /// The key figures beside their targets and the period before
    #[command(after_help = kpi::FORMULAS)]
    Kpi(Between),
    /// What was made of coupons: uses, discounts, revenue, conversion
    Coupons(Between),
    /// The scheduled tasks' runs, e-mails sent and failed, suspensions and returns
    Automation(Between),
    /// All of them as pages to open in a browser
    Html(html::Html),
}

/// The days that a report is about.
#[derive(Debug, Clone, Copy, Args)]
pub struct Between {
    /// The first day; 30 days up to the last where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    since: Option<NaiveDate>,
    /// The last day, all of it; today where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    until: Option<NaiveDate>,
}

impl Between {
    fn period(self, ctx: &Context) -> Result<Period> {
        Period::new(&ctx.clock, self.since, self.until)
    }
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Mrr(days) => mrr::run(ctx, days),
        Command::Overdue(days) => overdue::run(ctx, days),
        Command::Transactions(days) => transactions::run(ctx, days),
        Command::Tax(days) => tax::run(ctx, days),
        Command::Usage(days) => usage::run(ctx, days),
        Command::Kpi(days) => kpi::run(ctx, days),
        Command::Coupons(days) => coupons::run(ctx, days),
        Command::Automation(days) => automation::run(ctx, days),
        Command::Html(args) => html::run(ctx, &args),
    }
}
