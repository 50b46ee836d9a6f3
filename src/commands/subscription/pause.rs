//! `billing subscription pause`.

use chrono::NaiveDate;
use clap::Args;

use super::super::{Context, date_arg};
use super::changed::show_changed;
use super::object;
use crate::books::pause::Credit;
use crate::domain::subscription::NewPause;
use crate::domain::{SubscriptionId, text};

#[derive(Debug, Args)]
pub struct PauseArgs {
    /// The subscription's id, such as sub_12
    id: SubscriptionId,
    /// Its first day; the end of what is billed where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg, conflicts_with = "now")]
    on: Option<NaiveDate>,
    /// From today on
    #[arg(long)]
    now: bool,
    /// Give back what is billed from today on
    #[arg(long, requires = "now")]
    credit: bool,
    /// Its last day: the next period starts on the day after; until it is resumed where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    until: Option<NaiveDate>,
    /// Why
    #[arg(long, value_name = "R")]
    reason: Option<String>,
}

pub(super) fn pause(ctx: &mut Context, args: &PauseArgs) -> anyhow::Result<()> {
    let reason = args.reason.as_deref().map(|reason| text::line("reason", reason, 500));
    let asked = NewPause {
        from: if args.now { Some(ctx.clock.today()) } else { args.on },
        until: args.until,
        reason: reason.transpose()?,
    };
    let credit = if args.credit { Credit::Rest } else { Credit::Nothing };
    let mut store = ctx.writer()?;
    let paused = ctx.write(&mut store, |book| {
        book.pause_subscription(&book.db.subscription(args.id)?, asked, credit)
    })?;
    ctx.note_begun(&paused.billed);
    let mut subscription = object(ctx, &mut store, args.id)?;
    match &paused.given {
        Some(given) => show_changed(ctx, &mut subscription, given),
        None => Ok(ctx.printer.object(&subscription)?),
    }
}
