//! What cron would do in the days to come if nobody paid and nobody stepped in: the same tasks, on
//! a copy of the database, with a made-up clock and no mail.

use std::path::Path;

use chrono::NaiveDate;

use super::{Given, Options, Report, Tally};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::schedule::Task;
use crate::domain::{Result, calendar};
use crate::gateway::Gateway;
use crate::mail::Transport;
use crate::store::{Access, Copies, Store};

/// Copies the database into `folder` and runs `check-overdue` for each day from `from` to `until`;
/// hands each day's report to `each`. The database itself is only read.
///
/// # Errors
/// The copy cannot be made, or a run fails as it would fail.
pub fn simulate(
    store: &Store,
    config: &Config,
    folder: &Path,
    from: NaiveDate,
    until: NaiveDate,
    options: &Options,
    mut each: impl FnMut(NaiveDate, &Report) -> Result<()>,
) -> Result<()> {
    let copy = folder.join("simulation.db");
    store.backup(&copy, Copies::Readable)?;
    let mut copy = Store::open(&copy, Access::Write)?.in_zone(config.timezone);
    let mut day = from;
    while day <= until {
        let clock = Clock::new(Some(&day.to_string()), config.timezone)?;
        let given = Given {
            config,
            clock: &clock,
            transport: &Transport::Nowhere,
            gateway: &Gateway::None,
        };
        let report = super::run(&mut copy, &given, Task::CheckOverdue, options)?;
        each(day, &report)?;
        day = calendar::plus_days(day, 1);
    }
    Ok(())
}

/// Whether a report of a simulated day has something to say.
pub fn is_quiet(report: &Report) -> bool {
    match report.tally {
        Tally::DeliverEmails {} | Tally::DeliverEvents {} => report.emails_sent == 0,
        _ => !report.did_something,
    }
}
