//! `billing coupon generate`.

use clap::Args;
use serde_json::Value;

use super::super::{Context, prompt};
use super::offer::{Asked, OfferArgs, in_words};
use crate::books::Book;
use crate::domain::coupon::{self};
use crate::domain::event::{CouponEvent, CouponFacts, Nested};
use crate::view::{objects, progress::Progress};

const GENERATED_DEFAULTS: &str =
    "Where a flag is not given: for everybody, on all plans, each code once, from now on, and
off one invoice of a subscription. --format csv prints a list for a mailing.";

#[derive(Debug, Args)]
#[command(after_help = GENERATED_DEFAULTS)]
pub struct Generate {
    /// How many codes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// What each code starts with, as in SUMMER-7KQM-2RXW-9HTB; also their name, if none is given
    #[arg(long, value_name = "P", default_value = "")]
    prefix: String,
    #[command(flatten)]
    offer: OfferArgs,
    /// Nobody can use them before coupon activate
    #[arg(long)]
    inactive: bool,
}

pub(super) fn generate(ctx: &mut Context, mut args: Generate) -> anyhow::Result<()> {
    let prefix = coupon::prefix(&args.prefix)?;
    let name = Some(prefix.clone()).filter(|prefix| !prefix.is_empty());
    let asked = args.offer.complete(ctx, name.as_deref())?;
    let quiet = ctx.verbosity == super::super::Verbosity::Quiet;
    let mut bar = Progress::new("generating codes", u64::from(args.count), quiet);
    let mut store = ctx.writer()?;
    if asked == Asked::Something {
        let offer = store.read(|db| args.offer.offer(ctx, db, 1, !args.inactive))?;
        let codes = format!("each of {} codes", args.count);
        prompt::confirm(ctx, &in_words(&codes, &offer, ctx.config.timezone))?;
    }
    let made = ctx.write(&mut store, |book| {
        let Book { db, act, .. } = *book;
        let offer = args.offer.offer(ctx, db, 1, !args.inactive)?;
        let ids = book.generate_coupons(&prefix, args.count, &offer, |made| bar.at(made))?;
        let first = ids.map(|(first, _)| db.coupon_in(first)).transpose()?;
        let event = CouponEvent::Generated {
            count: args.count,
            prefix: &prefix,
            first: first.as_ref().map(|first| Nested(CouponFacts::of(first, &act.at()))),
        };
        book.record_coupon(event)?;
        Ok(ids.zip(first.map(|first| objects::coupon(&first, &act.at()))))
    });
    bar.end();
    let made = made?;
    let mut list = ctx.printer.list(objects::COUPON_FIELDS, objects::COUPONS);
    if let Some((ids, first)) = made {
        // All of them offer what the first one does, so that of the others only the code is read.
        store.read(|db| {
            db.each_code(ids, |code| {
                let mut row = first.clone();
                row["code"] = Value::from(code);
                list.row(row).map_err(super::super::out_failed)
            })
        })?;
    }
    Ok(list.end()?)
}
