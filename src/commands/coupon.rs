//! `billing coupon`: the words for promotional codes. Their rules are in `domain/coupon.rs`, their
//! rows in `store/coupons.rs` and `store/redemptions.rs`, their verbs in `books/redeem.rs`.

mod apply;
mod create;
mod edit;
mod generate;
mod offer;
mod usage;
mod validate;

use clap::{Args, Subcommand};

use super::{Context, Limit};
use crate::domain::Act;
use crate::failure::exit;
use crate::store::{CouponFilter, Store};
use crate::view::objects;
use apply::Apply;
pub use apply::Metadata;
use create::Create;
use edit::{Edit, Switch};
use generate::Generate;
use usage::{Stats, Usages};
use validate::Validate;

/// `billing coupon …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a coupon; asks for what is missing on a terminal
    Create(Create),
    /// List coupons
    List(List),
    /// Show a coupon
    Show(Named),
    /// Change a coupon; of one that was used only name, description, end, limits and plans
    Edit(Edit),
    /// Let a coupon be used again
    Activate(Named),
    /// Let nobody use a coupon any more; what runs goes on
    Deactivate(Named),
    /// Delete a coupon that was never used
    Delete(Named),
    /// Make many single-use codes at once
    Generate(Generate),
    /// Say whether a customer can use a coupon, and which rule says what
    Validate(Validate),
    /// Use a coupon for an open invoice, or for a subscription's coming ones
    Apply(Apply),
    /// List what coupons took off which invoices
    Usages(Usages),
    /// Sum up what came of a coupon, or of all of them
    Stats(Stats),
}

/// A coupon's code.
#[derive(Debug, Args)]
pub struct Named {
    /// The coupon's code, in any case
    code: String,
}

#[derive(Debug, Args)]
pub struct List {
    /// Only those that can be used now: active, within their dates, not used up
    #[arg(long)]
    active: bool,
    #[command(flatten)]
    limit: Limit,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Create(args) => create::create(ctx, args)?,
        Command::List(args) => list(ctx, &args)?,
        Command::Show(args) => show(ctx, &mut ctx.reader()?, &args.code)?,
        Command::Edit(args) => edit::edit(ctx, args)?,
        Command::Activate(args) => edit::switch(ctx, &args.code, Switch::On)?,
        Command::Deactivate(args) => edit::switch(ctx, &args.code, Switch::Off)?,
        Command::Delete(args) => edit::delete(ctx, &args.code)?,
        Command::Generate(args) => generate::generate(ctx, args)?,
        Command::Validate(args) => return validate::validate(ctx, args),
        Command::Apply(args) => apply::apply(ctx, &args)?,
        Command::Usages(args) => usage::usages(ctx, &args)?,
        Command::Stats(args) => usage::stats(ctx, &args)?,
    }
    Ok(exit::DONE)
}

fn show(ctx: &mut Context, store: &mut Store, code: &str) -> anyhow::Result<()> {
    let at = ctx.act().at();
    let coupon = store.read(|db| db.coupon(code))?;
    Ok(ctx.printer.object(&objects::coupon(&coupon, &at))?)
}

fn list(ctx: &mut Context, args: &List) -> anyhow::Result<()> {
    let at = ctx.act().at();
    let redeemable_at = args.active.then(|| at.clone());
    let filter = CouponFilter { redeemable_at, limit: args.limit.limit };
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list(objects::COUPON_FIELDS, objects::COUPONS);
    store.read(|db| {
        db.each_coupon(&filter, |coupon| {
            list.row(objects::coupon(&coupon, &at)).map_err(super::out_failed)
        })
    })?;
    Ok(list.end()?)
}

fn warn_of_end(ctx: &Context, valid_to: &str, act: &Act) {
    if act.at().as_str() > valid_to {
        ctx.note(&format!("warning: it ended on {valid_to}, nobody can use it"));
    }
}
