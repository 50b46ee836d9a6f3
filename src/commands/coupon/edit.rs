//! `billing coupon edit`, `activate`, `deactivate`, `delete`: what changes a coupon that is there.

use clap::Args;

use super::super::Context;
use super::offer::OfferArgs;
use super::warn_of_end;
use crate::books::Book;
use crate::domain::coupon::{self, Coupon, Offer};
use crate::domain::event::{By, CouponEvent};
use crate::domain::{Refusal, Result};
use crate::view::objects;

#[derive(Debug, Args)]
pub struct Edit {
    /// The coupon's code, in any case
    code: String,
    #[command(flatten)]
    offer: OfferArgs,
    /// A percentage for amounts in every currency from now on
    #[arg(long, conflicts_with = "currency")]
    any_currency: bool,
    /// For all plans from now on
    #[arg(long, conflicts_with = "plans")]
    all_plans: bool,
}

pub(super) fn edit(ctx: &mut Context, mut args: Edit) -> anyhow::Result<()> {
    args.offer.read_numbers(ctx.config.locale);
    change(ctx, &args.code, |book, ctx, before| {
        let Book { db, act, .. } = *book;
        if args.offer == OfferArgs::default() && !args.all_plans && !args.any_currency {
            return Err(Refusal::NothingToEdit { noun: "coupon" });
        }
        let mut new = args.offer.edited(ctx, db, &before.offer, args.all_plans)?;
        if args.any_currency {
            new = new.in_any_currency()?;
        }
        let changed = before.offer.differences(&new);
        if changed.is_empty() {
            ctx.note(&format!("note: {} was like that already", before.code));
            return Ok(());
        }
        coupon::check_edit(before, &new, db.used_so_far(before.id)?)?;
        db.update_coupon(act, before.id, &new)?;
        let after = db.coupon(&before.code)?;
        book.record_coupon(CouponEvent::edited(before, &after, &act.at(), By::Command))
    })?;
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Switch {
    On,
    Off,
}

/// Switching on what is on changes nothing and is no mistake.
pub(super) fn switch(ctx: &mut Context, code: &str, to: Switch) -> anyhow::Result<()> {
    change(ctx, code, |book, ctx, before| {
        let on = to == Switch::On;
        if before.offer.is_active == on {
            let now = if on { "active" } else { "inactive" };
            ctx.note(&format!("note: {} was {now} already", before.code));
            return Ok(());
        }
        let new = Offer { is_active: on, ..before.offer.clone() };
        book.db.update_coupon(book.act, before.id, &new)?;
        let code = &before.code;
        let event = match to {
            Switch::On => CouponEvent::Activated { code },
            Switch::Off => CouponEvent::Deactivated { code },
        };
        book.record_coupon(event)
    })?;
    Ok(())
}

/// Changes a coupon in one transaction, and shows it.
pub(super) fn change(
    ctx: &mut Context,
    code: &str,
    work: impl FnOnce(&Book, &Context, &Coupon) -> Result<()>,
) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    let act = ctx.act();
    let coupon = ctx.write(&mut store, |book| {
        work(book, ctx, &book.db.coupon(code)?)?;
        book.db.coupon(code)
    })?;
    if coupon.offer.is_active {
        warn_of_end(ctx, &coupon.offer.valid_to, &act);
    }
    Ok(ctx.printer.object(&objects::coupon(&coupon, &act.at()))?)
}

pub(super) fn delete(ctx: &mut Context, code: &str) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    let object = ctx.write(&mut store, |book| {
        let Book { db, act, .. } = *book;
        let coupon = db.coupon(code)?;
        if db.was_redeemed(coupon.id)? {
            return Err(Refusal::CouponUndeletable { coupon: coupon.code });
        }
        db.delete_coupon(coupon.id)?;
        book.record_coupon(CouponEvent::deleted(&coupon, &act.at()))?;
        Ok(objects::coupon(&coupon, &act.at()))
    })?;
    Ok(ctx.printer.object(&object)?)
}
