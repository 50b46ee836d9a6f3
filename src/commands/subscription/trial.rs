//! `billing subscription trial`.

use clap::Args;

use super::super::Context;
use super::super::tasks::check_may_charge;
use super::create::{charge_first, first_to_charge};
use super::{show, write};
use crate::domain::plan::MOST_TRIAL_DAYS;
use crate::domain::{InvoiceId, SubscriptionId};

#[derive(Debug, Args)]
pub struct Trial {
    /// The subscription's id, such as sub_12
    id: SubscriptionId,
    /// So many free days more; its end may be announced again
    #[arg(long, value_name = "N", conflicts_with = "end_now", required_unless_present = "end_now",
        value_parser = clap::value_parser!(i64).range(1..=MOST_TRIAL_DAYS))]
    extend_days: Option<i64>,
    /// Go on as a paid subscription from today, which is billed at once
    #[arg(long)]
    end_now: bool,
}

pub(super) fn trial(ctx: &mut Context, args: &Trial) -> anyhow::Result<()> {
    match args.extend_days {
        Some(days) => write(ctx, args.id, |book, trial| book.extend_trial(trial, days)),
        None => end(ctx, args.id),
    }
}

fn end(ctx: &mut Context, id: SubscriptionId) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    let issued = ctx.write(&mut store, |book| {
        let issued = book.end_trial(&book.db.subscription(id)?)?;
        if first_to_charge(book.db, id)?.is_some() {
            check_may_charge(ctx)?;
        }
        let number = |id: InvoiceId| Ok(book.db.invoice_by_id(id)?.number);
        issued.iter().map(|issued| number(issued.id)).collect::<crate::domain::Result<Vec<_>>>()
    })?;
    for number in issued {
        ctx.note(&format!("note: {number} bills it from today"));
    }
    charge_first(ctx, &mut store, id)?;
    show(ctx, &mut store, id)
}
