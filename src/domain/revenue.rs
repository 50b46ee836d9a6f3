//! Recurring revenue: what subscriptions come to a month, and why that changed.
//!
//! Everything is computed from dated facts (when a subscription stood where, when a coupon was
//! used), so that a report of a past day says what that day would have shown.

use chrono::NaiveDate;

use super::coupon::Discount;
use super::plan::Interval;
use super::subscription::SubscriptionStatus;
use super::{Currency, Money, Result};

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
    /// What it comes to for a whole interval: price × quantity.
    pub whole: Money,
    pub interval: Interval,
}

/// A coupon that lasts longer than one invoice.
#[derive(Debug, Clone)]
pub struct Lasting {
    pub redeemed_at: String,
    pub returned_at: Option<String>,
    pub discount: Discount,
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

    /// What its items come to at that moment for a whole interval, and how many months that has;
    /// `None` where none is billed.
    fn whole(&self, cut: &Cut) -> Result<Option<(Money, i64)>> {
        let mut sum: Option<(Money, i64)> = None;
        for standings in &self.items {
            let Some(standing) = standings.iter().rfind(|s| s.since <= cut.at) else { continue };
            if standing.status == SubscriptionStatus::Active {
                let before = sum.map_or(Money::zero(standing.whole.currency()), |(sum, _)| sum);
                let months = i64::from(standing.interval.months());
                sum = Some((before.plus(standing.whole)?, months));
            }
        }
        Ok(sum)
    }

    /// What it comes to a month at that moment, rounded once: price × quantity ÷ months of the
    /// interval, less what a lasting coupon takes off. Nothing while it is on trial, suspended or
    /// over.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn monthly(&self, cut: &Cut) -> Result<i64> {
        if self.started_on > cut.on || self.ends_on.is_some_and(|on| on <= cut.on) {
            return Ok(0);
        }
        let Some((whole, months)) = self.whole(cut)? else { return Ok(0) };
        let off = match self.coupons.iter().find(|coupon| coupon.holds(cut)) {
            Some(coupon) => coupon.discount.off(whole)?,
            None => Money::zero(whole.currency()),
        };
        let rest = whole.minus(off)?;
        // A report asks this for every subscription at every month's end, and most run by the month.
        Ok(match months {
            1 => rest.minor(),
            months => rest.share(1, months)?.minor(),
        })
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
            if self.monthly(&cut)? > 0 {
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

/// The months of one currency, customer by customer.
#[derive(Debug, Clone)]
pub struct Roll {
    pub currency: Currency,
    pub months: Vec<Month>,
}

impl Roll {
    /// Nothing yet, over so many months.
    pub fn new(currency: Currency, months: usize) -> Roll {
        Roll { currency, months: vec![Month::default(); months] }
    }

    /// Adds a customer by what its subscriptions come to at each cut: one before the first month,
    /// and one at the end of each. `returns` says of a month whether a customer that came to
    /// nothing at its start had come to something before; it is asked only where that matters.
    ///
    /// # Errors
    /// What `returns` refuses.
    pub fn add(
        &mut self,
        at_cuts: &[i64],
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
                (0, _) if returns(nth)? => &mut month.movements.reactivation,
                (0, _) => &mut month.movements.new,
                (_, 0) => &mut month.movements.churn,
                _ if change > 0 => &mut month.movements.expansion,
                _ => &mut month.movements.contraction,
            };
            *movement += change;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
