//! `billing subscription cancel`.

use clap::Args;

use super::super::Context;
use super::change;
use crate::domain::SubscriptionId;
use crate::domain::recurrence::{self};
use crate::domain::subscription::When;

#[derive(Debug, Args)]
pub struct Cancel {
    /// The subscription's id, such as sub_12
    id: SubscriptionId,
    /// End it at once; nothing that was billed is credited
    #[arg(long)]
    now: bool,
}

pub(super) fn cancel(ctx: &mut Context, args: &Cancel) -> anyhow::Result<()> {
    let when = if args.now { When::Now } else { When::PeriodEnd };
    let mut billed = (None, 0);
    change(ctx, args.id, |book, subscription| {
        billed = (
            book.db.billed_until(subscription)?,
            recurrence::count_due(subscription, book.act.today),
        );
        book.cancel_subscription(subscription, when)
    })?;
    if args.now {
        let (until, unbilled) = billed;
        match until {
            Some(until) => ctx.note(&format!("note: billed until {until}; nothing is credited")),
            None => ctx.note("note: nothing was billed"),
        }
        if unbilled > 0 {
            let plural = if unbilled == 1 { "period that has" } else { "periods that have" };
            ctx.note(&format!("note: {unbilled} {plural} begun will never be billed"));
        }
    }
    Ok(())
}
