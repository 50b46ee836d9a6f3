//! `billing subscription coupon`.

use clap::Args;

use super::super::Context;
use super::write;
use crate::domain::SubscriptionId;

#[derive(Debug, Args)]
pub struct Coupon {
    /// The subscription's id, such as sub_12
    id: SubscriptionId,
    /// Let its coupon take nothing off any invoice to come
    #[arg(long, required = true)]
    remove: bool,
}

pub(super) fn coupon(ctx: &mut Context, args: &Coupon) -> anyhow::Result<()> {
    let mut begun = Vec::new();
    write(ctx, args.id, |book, subscription| {
        begun = book.remove_coupon(subscription)?;
        Ok(())
    })?;
    ctx.note_begun(&begun);
    Ok(())
}
