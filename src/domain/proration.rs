//! Changes in the middle of a billed period: what the rest of the period comes to, at the terms that it
//! has and at those that it is to have.
//!
//! Nothing but the difference of the two is billed or credited, so that changes of one day add up to what
//! the direct change would have come to, and a change that is taken back leaves nothing due.

use chrono::NaiveDate;

use super::coupon::{Discount, Redemption};
use super::invoice::{Invoice, Line};
use super::period::{Cycle, Period, Proration};
use super::subscription::Terms;
use super::{Money, Result, calendar, words};

words! {
    /// When the difference of a change in mid-period is billed: at once, or with the next period.
    BillChanges { Now = "now", Next = "next" }
}

/// A difference waits for the invoice of the next period where that is no further away: a month.
const NEXT_WITHIN_DAYS: i64 = 31;

impl BillChanges {
    /// What holds where nobody said: with the next period where that starts soon.
    pub fn by_default(today: NaiveDate, next_on: Option<NaiveDate>) -> BillChanges {
        match next_on {
            Some(next) if calendar::days_between(today, next) <= NEXT_WITHIN_DAYS => {
                BillChanges::Next
            }
            _ => BillChanges::Now,
        }
    }
}

/// What is left of a billed period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// From the day of the change to the end of the period.
    pub period: Period,
    /// Its days, out of those of the whole interval in which it lies: of a period that was prorated, too.
    pub share: Proration,
}

impl Rest {
    /// What is left from `today` on of what is billed until the day before `until`.
    pub fn of(cycle: Cycle, today: NaiveDate, until: NaiveDate) -> Rest {
        let period = Period { start: today, end: until };
        let whole = cycle.interval_around(today).days();
        Rest { period, share: Proration { days: period.days(), of: whole } }
    }

    /// What terms come to for it: their share of a whole interval, less the percentage that discounts the
    /// period (of a coupon that is limited to plans, those plans' items), rounded once. A fixed discount was for the period as it was billed, and stays with it.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn net(self, terms: &Terms, redemption: Option<&Redemption>) -> Result<Money> {
        let whole = terms.amount()?;
        let percent = |of: &&Redemption| matches!(of.discount, Discount::Percent(_));
        let off = match redemption.filter(percent) {
            None => Money::zero(whole.currency()),
            Some(redemption) => {
                let mut open = Money::zero(whole.currency());
                for item in terms.items.iter().filter(|i| redemption.takes(Some(i.plan_id))) {
                    open = open.plus(item.amount()?)?;
                }
                redemption.discount.off(open)?
            }
        };
        Ok(whole.minus(off)?.share(self.share.days, self.share.of)?)
    }
}

/// How much of each is given back, one after another and never more than is left of it, until `wanted` is; and
/// what then cannot be given back.
///
/// # Errors
/// Two currencies.
pub fn in_turn(wanted: Money, lefts: &[Money]) -> Result<(Vec<Money>, Money)> {
    let mut still = wanted;
    let mut parts = Vec::with_capacity(lefts.len());
    for left in lefts {
        let part = if left.minor() < still.minor() { *left } else { still };
        still = still.minus(part)?;
        parts.push(part);
    }
    Ok((parts, still))
}

/// The positions of the lines of an invoice that bill its own period, or a change within it, and of which
/// something is left: usage, and what waited for the invoice, is none of it. `lefts` is what is left of each
/// line. The lines of invoices that were imported name no item.
pub fn lines_to_give_back(invoice: &Invoice, lefts: &[Money]) -> Vec<usize> {
    let names_items = invoice.lines.iter().any(|line| line.item.is_some());
    let bills_the_period =
        |line: &Line| !names_items || (line.item.is_some() && line.period == invoice.period);
    let lines = invoice.lines.iter().zip(lefts).enumerate();
    let kept = lines.filter(|(_, (line, left))| bills_the_period(line) && left.minor() > 0);
    kept.map(|(at, _)| at + 1).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::period::Anchor;
    use crate::domain::plan::{Interval, IntervalUnit};
    use crate::domain::subscription::example_terms;
    use crate::domain::{CouponId, PlanId, RedemptionId};

    const MONTH: Interval = Interval { unit: IntervalUnit::Month, count: 1 };

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn terms(minor: i64, quantity: i64) -> Terms {
        example_terms(MONTH, Money::from_minor(minor, "EUR".parse().unwrap()), quantity)
    }

    fn redemption(discount: Discount) -> Redemption {
        Redemption {
            id: RedemptionId(1),
            coupon_id: CouponId(1),
            code: "TEN".into(),
            discount,
            periods_left: None,
            subscription_id: None,
            ended_at: None,
            removed_at: None,
            plans: Vec::new(),
        }
    }

    fn rest(anchor: Anchor, start: &str, today: &str) -> Rest {
        let cycle = Cycle::starting(anchor, day(start), MONTH);
        let until = cycle.period_from(day(start)).end;
        Rest::of(cycle, day(today), until)
    }

    #[test]
    fn the_rest_of_a_period_is_its_days_of_the_whole_interval() {
        for (anchor, start, today, days, of) in [
            (Anchor::Calendar, "2026-03-01", "2026-03-15", 17, 31),
            (Anchor::Calendar, "2026-03-01", "2026-03-01", 31, 31),
            (Anchor::Calendar, "2026-03-01", "2026-03-31", 1, 31),
            // The first period was prorated: the whole interval is March all the same.
            (Anchor::Calendar, "2026-03-10", "2026-03-15", 17, 31),
            (Anchor::Anniversary, "2026-01-31", "2026-02-14", 14, 28),
            (Anchor::Anniversary, "2028-02-29", "2028-03-01", 28, 29),
        ] {
            let rest = rest(anchor, start, today);
            assert_eq!(rest.share, Proration { days, of }, "{start} {today}");
        }
    }

    #[test]
    fn a_percentage_comes_off_both_sides_and_a_fixed_amount_off_neither() {
        let rest = rest(Anchor::Calendar, "2026-03-01", "2026-03-15");
        let ten = redemption(Discount::Percent("10".parse().unwrap()));
        let fixed = redemption(Discount::Amount(Money::from_minor(500, "EUR".parse().unwrap())));
        let of_other_plan = Redemption { plans: vec![PlanId(2)], ..ten.clone() };
        // 31.00 × 17 ÷ 31; 27.90 × 17 ÷ 31.
        for (redemption, minor) in
            [(None, 1700), (Some(&ten), 1530), (Some(&fixed), 1700), (Some(&of_other_plan), 1700)]
        {
            assert_eq!(rest.net(&terms(3100, 1), redemption).unwrap().minor(), minor);
        }
    }

    #[test]
    fn what_is_given_back_is_taken_in_turn_and_never_above_what_is_left() {
        let eur = |minor| Money::from_minor(minor, "EUR".parse().unwrap());
        for (wanted, parts, still) in [
            (0, [0, 0, 0], 0),
            (5, [5, 0, 0], 0),
            (10, [10, 0, 0], 0),
            (12, [10, 0, 2], 0),
            (30, [10, 0, 20], 0),
            (31, [10, 0, 20], 1),
        ] {
            let given = in_turn(eur(wanted), &[eur(10), eur(0), eur(20)]).unwrap();
            assert_eq!(given, (parts.map(eur).to_vec(), eur(still)), "{wanted}");
        }
    }

    #[test]
    fn a_difference_waits_for_the_next_period_where_that_is_within_a_month() {
        for (next, wanted) in [
            (Some("2026-04-15"), BillChanges::Next),
            (Some("2026-04-16"), BillChanges::Now),
            (None, BillChanges::Now),
        ] {
            let today = day("2026-03-15");
            assert_eq!(BillChanges::by_default(today, next.map(day)), wanted);
        }
    }

    proptest! {
        /// Where a period is cut in two at any day, its used and its unused part come to the whole.
        #[test]
        fn what_is_used_and_what_is_left_come_to_what_was_billed(
            minor in 0i64..10_000_000, quantity in 1i64..50, cut in 0i64..=31,
            percent in prop::option::of(1u32..=100),
        ) {
            let terms = terms(minor, quantity);
            let discount = percent.map(|percent| redemption(Discount::Percent(percent.into())));
            let cycle = Cycle::starting(Anchor::Calendar, day("2026-03-01"), MONTH);
            let at = calendar::plus_days(day("2026-03-01"), cut);
            let of = |from, until| Rest::of(cycle, from, until).net(&terms, discount.as_ref());
            let whole = of(day("2026-03-01"), day("2026-04-01")).unwrap();
            let left = if cut == 31 { 0 } else { of(at, day("2026-04-01")).unwrap().minor() };
            let used = whole.minor() - left;
            let days = Proration { days: cut, of: 31 };
            let share = whole.share(days.days, days.of).unwrap().minor();
            // Both are rounded: a half of a unit may be on either side.
            prop_assert!((used - share).abs() <= 1, "{used} {share}");
        }
    }
}
