//! `billing subscription cancel`.

use clap::Args;

use super::super::{Context, prompt};
use super::change;
use crate::books::subscribe::Canceled;
use crate::domain::SubscriptionId;
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
    if args.now {
        prompt::ask(ctx, &format!("{} ends now, and nothing is credited", args.id))?;
    }
    let mut canceled = Canceled::default();
    let mut billed_until = None;
    change(ctx, args.id, |book, subscription| {
        canceled = book.cancel_subscription(subscription, when)?;
        billed_until = book.db.billed_until(subscription)?;
        Ok(())
    })?;
    ctx.note_begun(&canceled.billed);
    if let Some(invoice) = &canceled.pending {
        ctx.note(&format!("note: {} bills what was pending", invoice.number));
    }
    if args.now {
        match billed_until {
            Some(until) => ctx.note(&format!("note: billed until {until}; nothing is credited")),
            None => ctx.note("note: nothing was billed"),
        }
        canceled.dropped.iter().for_each(|what| ctx.note(&format!("warning: {what}")));
    }
    Ok(())
}
