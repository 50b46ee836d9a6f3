//! `billing subscription cancel`.

use clap::Args;

use super::super::tasks::refunding;
use super::super::{Context, prompt};
use super::changed::show_changed;
use super::{object, write};
use crate::books::Back;
use crate::books::change::Changed;
use crate::books::subscribe::Canceled;
use crate::domain::subscription::When;
use crate::domain::{Result, SubscriptionId, TransactionId, text};
use crate::failure::exit;
use crate::store::{Db, Store};
use crate::tasks::refund::{self, Refunded};

#[derive(Debug, Args)]
pub struct Cancel {
    /// The subscription's id, such as sub_12
    id: SubscriptionId,
    /// End it at once; nothing that was billed is credited, unless --credit or --refund is given
    #[arg(long)]
    now: bool,
    /// Credit the rest of the period: what of it was paid becomes the customer's credit
    #[arg(long, requires = "now", conflicts_with = "refund")]
    credit: bool,
    /// Credit the rest of the period, and ask the gateway to give back what it took for it
    #[arg(long, requires = "now")]
    refund: bool,
    /// Why the customer leaves, for the audit trail
    #[arg(long)]
    reason: Option<String>,
}

pub(super) fn cancel(ctx: &mut Context, args: &Cancel) -> anyhow::Result<u8> {
    let back = match (args.credit, args.refund) {
        (true, _) => Some(Back::Balance),
        (_, true) => Some(Back::Refund),
        _ => None,
    };
    let why = args.reason.as_deref().map(|why| text::line("reason", why, 400)).transpose()?;
    let why = why.as_deref();
    match (args.now, back) {
        (true, Some(back)) => cancel_and_give_back(ctx, args.id, back, why),
        (true, None) => cancel_now(ctx, args.id, why),
        (false, _) => {
            write(ctx, args.id, |book, subscription| {
                book.cancel_subscription(subscription, When::PeriodEnd, why).map(drop)
            })?;
            Ok(exit::DONE)
        }
    }
}

fn cancel_now(ctx: &mut Context, id: SubscriptionId, why: Option<&str>) -> anyhow::Result<u8> {
    prompt::ask(ctx, &format!("{id} ends now, and nothing is credited"))?;
    let mut canceled = Canceled::default();
    let mut billed_until = None;
    write(ctx, id, |book, subscription| {
        canceled = book.cancel_subscription(subscription, When::Now, why)?;
        billed_until = book.db.billed_until(subscription)?;
        Ok(())
    })?;
    say_what_was_billed(ctx, &canceled);
    match billed_until {
        Some(until) => ctx.note(&format!("note: billed until {until}; nothing is credited")),
        None => ctx.note("note: nothing was billed"),
    }
    canceled.dropped.iter().for_each(|what| ctx.note(&format!("warning: {what}")));
    Ok(exit::DONE)
}

fn say_what_was_billed(ctx: &Context, canceled: &Canceled) {
    ctx.note_begun(&canceled.billed);
    if let Some(invoice) = &canceled.pending {
        ctx.note(&format!("note: {} bills what was pending", invoice.number));
    }
}

/// Ends a subscription and gives back the rest of its period; the keys of refunds are on disk with that,
/// before the gateway is asked.
fn cancel_and_give_back(
    ctx: &mut Context,
    id: SubscriptionId,
    back: Back,
    why: Option<&str>,
) -> anyhow::Result<u8> {
    prompt::ask(ctx, &format!("{id} ends now, and the rest of its period is credited"))?;
    let mut store = ctx.writer()?;
    let (canceled, given, refunded) = match back {
        Back::Balance => {
            let (canceled, given) = give_back(ctx, &mut store, (id, back, why), &|_, _| Ok(()))?;
            (canceled, given, Refunded::default())
        }
        Back::Refund => {
            let mut done = None;
            let refunded = refunding(ctx, |given, act| {
                let prepare = |db: &Db, id| refund::prepare(db, given, act, id);
                let (canceled, changed) = give_back(ctx, &mut store, (id, back, why), &prepare)?;
                let refunds =
                    changed.as_ref().map_or(Vec::new(), |changed| changed.refunds().to_vec());
                done = Some((canceled, changed));
                refund::begun(&mut store, given, act, &refunds)
            })?;
            let (canceled, given) = done.unwrap_or_default();
            (canceled, given, refunded)
        }
    };
    say_what_was_billed(ctx, &canceled);
    let mut subscription = object(ctx, &mut store, id)?;
    match &given {
        Some(given) => show_changed(ctx, &mut subscription, given)?,
        None => {
            ctx.printer.object(&subscription)?;
            ctx.note("note: nothing is billed for today, so nothing is credited");
        }
    }
    Ok(if refunded.errors.is_empty() { exit::DONE } else { exit::PARTIAL })
}

/// Writes it, and has `prepare` make the keys of its refunds, in one transaction.
fn give_back(
    ctx: &Context,
    store: &mut Store,
    (id, back, why): (SubscriptionId, Back, Option<&str>),
    prepare: &dyn Fn(&Db, TransactionId) -> Result<()>,
) -> Result<(Canceled, Option<Changed>)> {
    ctx.write(store, |book| {
        let (canceled, given) = book.cancel_and_give_back(&book.db.subscription(id)?, back, why)?;
        let refunds = given.iter().flat_map(Changed::refunds);
        refunds.copied().try_for_each(|refund| prepare(book.db, refund))?;
        Ok((canceled, given))
    })
}
