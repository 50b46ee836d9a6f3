//! `billing coupon usages` and `stats`: what came of coupons.

use clap::Args;
use serde_json::Value;

use super::super::{Context, Limit};
use crate::domain::Result;
use crate::domain::coupon::Coupon;
use crate::reports;
use crate::store::{Db, UsageFilter};
use crate::view::{Format, objects};

#[derive(Debug, Args)]
pub struct Usages {
    /// Only of this coupon
    code: Option<String>,
    /// Only of this customer
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Debug, Args)]
pub struct Stats {
    /// Only of this coupon
    code: Option<String>,
}

pub(super) fn usages(ctx: &mut Context, args: &Usages) -> anyhow::Result<()> {
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list(objects::USAGE_FIELDS, objects::USAGES);
    store.read(|db| {
        let coupon = args.code.as_deref().map(|code| db.coupon(code)).transpose()?;
        let tenant = args.tenant.as_deref().map(|slug| db.tenant(slug)).transpose()?;
        let filter = UsageFilter {
            coupon: coupon.map(|coupon| coupon.id),
            tenant: tenant.map(|tenant| tenant.id),
            limit: args.limit.limit,
        };
        db.each_usage(&filter, |usage| {
            list.row(objects::usage(&usage)).map_err(super::super::out_failed)
        })
    })?;
    Ok(list.end()?)
}

pub(super) fn stats(ctx: &mut Context, args: &Stats) -> anyhow::Result<()> {
    let at = ctx.act().at();
    let of = |db: &Db, coupon: &Coupon| {
        let stats = db.coupon_stats(Some(coupon.id), None)?;
        Ok(objects::coupon_stats(coupon, &stats, &at))
    };
    let mut store = ctx.reader()?;
    if let Some(code) = &args.code {
        let object = store.read(|db| of(db, &db.coupon(code)?))?;
        return Ok(ctx.printer.object(&object)?);
    }
    let (all, top) = store.read(|db| {
        let top = db.top_coupons(reports::TOP)?;
        let top: Vec<Value> = top.iter().map(|coupon| of(db, coupon)).collect::<Result<_>>()?;
        Ok((db.coupon_stats(None, None)?, top))
    })?;
    match ctx.printer.format() {
        Format::Json => Ok(ctx.printer.object(&objects::all_coupon_stats(&all, top))?),
        Format::Csv => {
            let mut list = ctx.printer.list(objects::STATS_FIELDS, objects::STATS);
            top.into_iter().try_for_each(|row| list.row(row))?;
            Ok(list.end()?)
        }
        Format::Table => {
            ctx.printer.object(&objects::coupon_sums(&all))?;
            ctx.printer.text("\nused most\n")?;
            Ok(ctx.printer.table(objects::STATS, &top)?)
        }
    }
}
