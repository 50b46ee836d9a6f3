//! What was made of coupons.

use super::Period;
use crate::clock::Clock;
use crate::domain::Result;
use crate::domain::coupon::{Coupon, Stats};
use crate::store::{CouponPeriod, Db};

/// So many coupons are named as those that were used most.
pub const TOP: u32 = 10;

/// The report.
#[derive(Debug, Clone)]
pub struct Coupons {
    pub period: Period,
    /// Those that were used most, most first.
    pub top: Vec<CouponLine>,
    /// The sums of all, also of those that are not named.
    pub all: Stats,
}

/// A coupon, and what was made of it in the period.
#[derive(Debug, Clone)]
pub struct CouponLine {
    pub coupon: Coupon,
    pub stats: Stats,
}

/// Puts it together.
///
/// # Errors
/// Amounts that are too large, or a fault of the file.
pub fn coupons(db: &Db, clock: &Clock, period: Period) -> Result<Coupons> {
    let span = period.span(clock);
    let days = CouponPeriod { stretch: span.stretch(), days: (span.since, span.until) };
    let line = |code: String| {
        let coupon = db.coupon(&code)?;
        let stats = db.coupon_stats(Some(coupon.id), Some(&days))?;
        Ok(CouponLine { coupon, stats })
    };
    let codes = db.top_coupons_between(&days, TOP)?;
    Ok(Coupons {
        period,
        top: codes.into_iter().map(line).collect::<Result<_>>()?,
        all: db.coupon_stats(None, Some(&days))?,
    })
}
