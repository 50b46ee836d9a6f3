//! `billing coupon create`.

use clap::Args;

use super::super::once::Once;
use super::super::{Context, prompt};
use super::offer::{Asked, OfferArgs, in_words};
use super::warn_of_end;
use crate::books::Book;
use crate::domain::coupon::{self, Offer};
use crate::domain::event::{By, CouponEvent};
use crate::domain::{CouponId, Refusal};
use crate::view::objects;

/// What `create` takes where a flag is not given; `generate` is single-use and otherwise the same.
pub(super) const DEFAULTS: &str =
    "Where a flag is not given: for everybody, on all plans, as often as anyone likes but once
a customer, from now on, and off one invoice of a subscription.";

#[derive(Debug, Args)]
#[command(after_help = DEFAULTS)]
pub struct Create {
    /// 2 to 50 letters and digits, with - _ . between
    code: Option<String>,
    #[command(flatten)]
    offer: OfferArgs,
    /// Nobody can use it before coupon activate
    #[arg(long)]
    inactive: bool,
    #[command(flatten)]
    once: Once,
}

pub(super) fn create(ctx: &mut Context, mut args: Create) -> anyhow::Result<()> {
    let checked = |text: &str| coupon::code(text).map(drop);
    let code = prompt::needed(ctx, "CODE", "Code", args.code.take(), checked)?;
    let code = coupon::code(&code)?;
    let asked = args.offer.complete(ctx, None)?;
    let act = ctx.act();
    let mut store = ctx.writer()?;
    if asked == Asked::Something {
        // What was typed at a prompt may have been meant otherwise, and is live at once.
        let offer = store.read(|db| args.offer.offer(ctx, db, 0, !args.inactive))?;
        prompt::confirm(ctx, &in_words(&code, &offer, ctx.config.timezone))?;
    }
    let made = args.once.create(ctx, &mut store, "", |book| {
        let Book { db, act, .. } = *book;
        let offer = args.offer.offer(ctx, db, 0, !args.inactive)?;
        let Some(id) = db.insert_coupon(act, &code, &offer, None)? else {
            return Err(Refusal::Exists { noun: "coupon", name: db.coupon(&code)?.code });
        };
        let coupon = db.coupon_in(id)?;
        book.record_coupon(CouponEvent::created(&coupon, &act.at(), By::Command))?;
        Ok(id.0)
    })?;
    let coupon = store.read(|db| db.coupon_in(CouponId(made.id())))?;
    warn_of_end(ctx, &coupon.offer.valid_to, &act);
    warn_of_currency(ctx, &coupon.offer);
    Ok(ctx.printer.object(&objects::coupon(&coupon, &act.at()))?)
}

/// Says so where no plan that it is for is billed in the coupon's currency.
pub(super) fn warn_of_currency(ctx: &Context, offer: &Offer) {
    let Some(currency) = offer.currency else { return };
    if !offer.plans.is_empty() && offer.plans.iter().all(|plan| plan.currency != currency) {
        ctx.note(&format!("warning: it is in {currency}, and none of its plans is"));
    }
}
