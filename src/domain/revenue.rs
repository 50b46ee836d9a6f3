//! Recurring revenue: what subscriptions come to a month, and why that changed.
//!
//! Everything is computed from dated facts (when a subscription stood where, when a coupon was
//! used), so that a report of a past day says what that day would have shown.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::coupon::Discount;
use super::money::MoneyFault;
use super::plan::Interval;
use super::subscription::SubscriptionStatus;
use super::tax::TaxBasis;
use super::{Currency, Money, PlanId, Result};

/// How many parts a minor unit has, so that every month's share is a whole number of them: a twelfth
/// where plans run by the year. What is summed up is exact, and rounded once where it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts(i64);

/// The finest parts: with them the sum of ten million of the largest amounts is still a number.
const FINEST: i64 = 1_000_000_000_000_000;

impl Parts {
    /// Those in which the shares of intervals of so many months are whole. Of more kinds of intervals
    /// than anybody has, the last are rounded to the finest parts.
    pub fn of(months: impl IntoIterator<Item = i64>) -> Parts {
        let common = |one: i64, other: i64| -> i64 {
            let (mut a, mut b) = (one, other);
            while b != 0 {
                (a, b) = (b, a % b);
            }
            let fits = (one / a).checked_mul(other);
            fits.filter(|parts| *parts <= FINEST).unwrap_or(one)
        };
        Parts(months.into_iter().filter(|months| *months > 0).fold(1, common))
    }

    /// A month's share of what so many months come to.
    fn share(self, minor: i64, months: i64) -> i128 {
        half_away(i128::from(minor) * i128::from(self.0), i128::from(months))
    }

    /// Parts as minor units, rounded once; `None` where that is more than can be said.
    fn rounded(self, parts: i128) -> Option<i64> {
        i64::try_from(half_away(parts, i128::from(self.0))).ok()
    }
}

/// A quotient of whole numbers, the half away from zero.
fn half_away(dividend: i128, divisor: i128) -> i128 {
    let half = divisor / 2 * dividend.signum();
    // An odd divisor has no half.
    (dividend + half) / divisor
}

/// A moment at which revenue is looked at: the end of a day, or now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// RFC 3339 in UTC, as everything stored.
    pub at: String,
    pub on: NaiveDate,
}

/// A standing of an item of a subscription, from that moment on.
#[derive(Debug, Clone)]
pub struct Standing {
    pub since: String,
    pub status: SubscriptionStatus,
    pub plan: PlanId,
    /// What it comes to for a whole interval, at its price and quantity.
    pub whole: Money,
    /// Whether that is with tax.
    pub basis: TaxBasis,
    pub interval: Interval,
}

/// A coupon that lasts longer than one invoice.
#[derive(Debug, Clone)]
pub struct Lasting {
    pub redeemed_at: String,
    pub returned_at: Option<String>,
    pub discount: Discount,
    /// The plans that it takes something off; none: all.
    pub plans: Vec<PlanId>,
    /// `None`: forever.
    pub periods: Option<usize>,
    pub usages: Vec<Discounted>,
}

/// A period that a lasting coupon discounts.
#[derive(Debug, Clone)]
pub struct Discounted {
    pub used_at: String,
    pub returned_at: Option<String>,
    /// The first day after it.
    pub until: NaiveDate,
}

impl Lasting {
    fn takes(&self, plan: PlanId) -> bool {
        self.plans.is_empty() || self.plans.contains(&plan)
    }

    /// Whether it lowers what the subscription comes to at that moment: it has periods to come, or
    /// the last one that it discounts still runs.
    fn holds(&self, cut: &Cut) -> bool {
        let had = |at: &Option<String>| at.as_ref().is_some_and(|at| *at <= cut.at);
        if self.redeemed_at > cut.at || had(&self.returned_at) {
            return false;
        }
        let live = || self.usages.iter().filter(|u| u.used_at <= cut.at && !had(&u.returned_at));
        self.periods.is_none_or(|periods| live().count() < periods)
            || live().any(|usage| cut.on < usage.until)
    }
}

/// What is known of a subscription over time.
#[derive(Debug, Clone)]
pub struct Timeline {
    pub started_on: NaiveDate,
    /// The first day after its end.
    pub ends_on: Option<NaiveDate>,
    /// Item by item, oldest first: the first is as old as the subscription.
    pub items: Vec<Vec<Standing>>,
    pub coupons: Vec<Lasting>,
    pub rates: Rates,
}

/// At which rates a subscription whose price is with tax is taxed, in percent.
#[derive(Debug, Clone, Default)]
pub struct Rates {
    /// Those of its invoices, each from the moment of the first one at it; oldest first.
    pub billed: Vec<(String, Decimal)>,
    /// That of its next invoice.
    pub now: Decimal,
}

impl Rates {
    /// The rate at that moment: that of its last invoice until then, so that a rate that changes later
    /// changes nothing of the past; else that of its first one, else what holds now.
    fn at(&self, cut: &Cut) -> Decimal {
        let last = self.billed.iter().rfind(|(since, _)| *since <= cut.at);
        last.or(self.billed.first()).map_or(self.now, |(_, rate)| *rate)
    }
}

impl Timeline {
    /// What it is billed in.
    pub fn currency(&self) -> Option<Currency> {
        self.first_standing().map(|standing| standing.whole.currency())
    }

    /// Whether there was such a subscription by that moment.
    pub fn is_made_by(&self, cut: &Cut) -> bool {
        self.first_standing().is_some_and(|standing| standing.since <= cut.at)
    }

    fn first_standing(&self) -> Option<&Standing> {
        self.items.first().and_then(|standings| standings.first())
    }

    /// Its items that are billed at that moment.
    fn billed<'a>(&'a self, cut: &'a Cut) -> impl Iterator<Item = &'a Standing> {
        let at_cut = |standings: &'a Vec<Standing>| standings.iter().rfind(|s| s.since <= cut.at);
        self.items.iter().filter_map(at_cut).filter(|s| s.status == SubscriptionStatus::Active)
    }

    /// What it comes to a month at that moment, in parts of a minor unit: a whole interval ÷ its months,
    /// less what a lasting coupon takes off, without tax. Nothing while it is on trial, suspended or
    /// over.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn monthly(&self, cut: &Cut, parts: Parts) -> Result<i128> {
        if self.started_on > cut.on || self.ends_on.is_some_and(|on| on <= cut.on) {
            return Ok(0);
        }
        let Some(first) = self.billed(cut).next() else { return Ok(0) };
        let (basis, months) = (first.basis, i64::from(first.interval.months()));
        let nothing = Money::zero(first.whole.currency());
        let sum = |of: &dyn Fn(&Standing) -> bool| {
            self.billed(cut).filter(|s| of(s)).try_fold(nothing, |sum, s| sum.plus(s.whole))
        };
        let whole = sum(&|_| true)?;
        let off = match self.coupons.iter().find(|coupon| coupon.holds(cut)) {
            Some(coupon) => coupon.discount.off(sum(&|s| coupon.takes(s.plan))?)?,
            None => nothing,
        };
        let rest = whole.minus(off)?;
        let net = match basis {
            TaxBasis::Exclusive => rest,
            TaxBasis::Inclusive => basis.take_apart(rest, self.rates.at(cut))?.net,
        };
        Ok(parts.share(net.minor(), months))
    }

    /// The first moment at which it came to something. `at` is the cut of a moment, `start_of`
    /// that of the first instant of a day.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn first_revenue(
        &self,
        at: impl Fn(&str) -> Cut,
        start_of: impl Fn(NaiveDate) -> Cut,
        parts: Parts,
    ) -> Result<Option<String>> {
        // It rises with a standing, with its first day, or where a coupon ends: one that takes all
        // of it leaves nothing before.
        let mut moments: Vec<Cut> = self.items.iter().flatten().map(|s| at(&s.since)).collect();
        moments.push(start_of(self.started_on));
        for coupon in &self.coupons {
            moments.extend(coupon.returned_at.iter().map(|moment| at(moment)));
            moments.extend(coupon.usages.iter().map(|usage| start_of(usage.until)));
            // A run that comes late uses it for a period that is over.
            moments.extend(coupon.usages.iter().map(|usage| at(&usage.used_at)));
        }
        moments.sort_by(|one, other| one.at.cmp(&other.at));
        for cut in moments {
            if self.monthly(&cut, parts)? > 0 {
                return Ok(Some(cut.at));
            }
        }
        Ok(None)
    }
}

/// What changed the revenue of a month, in minor units. What lowers it is negative: the start and
/// all movements add up to the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Movements {
    pub new: i64,
    pub expansion: i64,
    pub contraction: i64,
    pub churn: i64,
    pub reactivation: i64,
}

impl Movements {
    /// All of them together.
    pub fn sum(&self) -> i64 {
        self.new + self.expansion + self.contraction + self.churn + self.reactivation
    }
}

/// A month of one currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Month {
    /// At the end of the month before.
    pub start: i64,
    pub mrr: i64,
    pub movements: Movements,
    /// Customers that come to something.
    pub customers: u64,
    /// Subscriptions that come to something.
    pub subscriptions: u64,
}

/// A month of one currency as it is summed up, in parts of a minor unit.
#[derive(Debug, Clone, Copy, Default)]
struct Exact {
    start: i128,
    mrr: i128,
    /// In the order of [`Movements`].
    moved: [i128; 5],
    customers: u64,
    subscriptions: u64,
}

const NEW: usize = 0;
const EXPANSION: usize = 1;
const CONTRACTION: usize = 2;
const CHURN: usize = 3;
const REACTIVATION: usize = 4;

impl Exact {
    /// As it is shown: each figure rounded once, and of the movements those with the largest rest a
    /// unit more, so that they add up to the change that is shown.
    fn shown(&self, parts: Parts) -> Option<Month> {
        let (start, mrr) = (parts.rounded(self.start)?, parts.rounded(self.mrr)?);
        let whole = i128::from(parts.0);
        let mut moved = self.moved.map(|parts| parts.div_euclid(whole));
        let mut order = [NEW, EXPANSION, CONTRACTION, CHURN, REACTIVATION];
        order.sort_by_key(|nth| -self.moved[*nth].rem_euclid(whole));
        let left = i128::from(mrr) - i128::from(start) - moved.iter().sum::<i128>();
        let left = usize::try_from(left).unwrap_or(0);
        order.iter().take(left).for_each(|nth| moved[*nth] += 1);
        let minor = |nth: usize| i64::try_from(moved[nth]).ok();
        Some(Month {
            start,
            mrr,
            movements: Movements {
                new: minor(NEW)?,
                expansion: minor(EXPANSION)?,
                contraction: minor(CONTRACTION)?,
                churn: minor(CHURN)?,
                reactivation: minor(REACTIVATION)?,
            },
            customers: self.customers,
            subscriptions: self.subscriptions,
        })
    }
}

/// The months of one currency, customer by customer.
#[derive(Debug, Clone)]
pub struct Roll {
    pub currency: Currency,
    parts: Parts,
    months: Vec<Exact>,
}

impl Roll {
    /// Nothing yet, over so many months.
    pub fn new(currency: Currency, months: usize, parts: Parts) -> Roll {
        Roll { currency, parts, months: vec![Exact::default(); months] }
    }

    /// A month as it is shown.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn month(&self, nth: usize) -> Result<Month> {
        let overflow = MoneyFault::Overflow { currency: self.currency };
        let month = self.months.get(nth).copied().unwrap_or_default();
        Ok(month.shown(self.parts).ok_or(overflow)?)
    }

    /// Adds a customer by what its subscriptions come to at each cut: one before the first month,
    /// and one at the end of each. `returns` says of a month whether a customer that came to
    /// nothing at its start had come to something before; it is asked only where that matters.
    ///
    /// # Errors
    /// What `returns` refuses.
    pub fn add(
        &mut self,
        at_cuts: &[i128],
        subscriptions: &[u64],
        returns: impl Fn(usize) -> Result<bool>,
    ) -> Result<()> {
        for (nth, month) in self.months.iter_mut().enumerate() {
            let (Some(before), Some(after)) = (at_cuts.get(nth), at_cuts.get(nth + 1)) else {
                break;
            };
            month.start += before;
            month.mrr += after;
            month.customers += u64::from(*after > 0);
            month.subscriptions += subscriptions.get(nth + 1).copied().unwrap_or(0);
            let change = after - before;
            let movement = match (*before, *after) {
                (0, 0) => continue,
                (0, _) if returns(nth)? => REACTIVATION,
                (0, _) => NEW,
                (_, 0) => CHURN,
                _ if change > 0 => EXPANSION,
                _ => CONTRACTION,
            };
            month.moved[movement] += change;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
