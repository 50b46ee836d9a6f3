//! How the recurring revenue holds, and where it comes from.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{Mrr, MrrMonth};
use crate::config::Config;
use crate::domain::money::share;
use crate::domain::subscription::SubscriptionStatus;
use crate::domain::{Currency, Money, Result, calendar};
use crate::store::{Db, SubscriptionFilter};

/// How the revenue of a currency holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    pub currency: Currency,
    /// MRR ÷ paying customers, now; `None` without any.
    pub arpa: Option<Money>,
    /// The last month that is over, its first day; `None` where the report has none.
    pub month: Option<NaiveDate>,
    /// Of that month, as fractions: MRR lost with customers who left ÷ MRR at its start, and what of
    /// that MRR was left or had grown at its end, without new and returned customers.
    pub churn: Option<Decimal>,
    pub retention: Option<Decimal>,
}

/// How each currency's revenue holds, in the report's order.
///
/// # Errors
/// An amount that is too large.
pub fn growth(report: &Mrr) -> Result<Vec<Growth>> {
    let mut currencies: BTreeMap<&str, Vec<&MrrMonth>> = BTreeMap::new();
    for month in &report.months {
        currencies.entry(month.currency.code()).or_default().push(month);
    }
    let is_over = |month: &&&MrrMonth| {
        calendar::plus_days(month.until, 1).format("%d").to_string() == "01"
            && month.until < report.as_of
    };
    let mut growth = Vec::new();
    for months in currencies.values() {
        let Some(now) = months.last() else { continue };
        let arpa = match i64::try_from(now.figures.customers).unwrap_or(i64::MAX) {
            0 => None,
            customers => {
                Some(Money::from_minor(now.figures.mrr, now.currency).share(1, customers)?)
            }
        };
        let last = months.iter().rev().find(is_over);
        let of_start = |part: i64| last.and_then(|month| share(part, month.figures.start));
        let moved = last.map(|month| (month.figures.start, month.figures.movements));
        growth.push(Growth {
            currency: now.currency,
            arpa,
            month: last.map(|month| month.month),
            churn: moved.and_then(|(_, moved)| of_start(-moved.churn)),
            retention: moved.and_then(|(start, moved)| {
                of_start(start + moved.expansion + moved.contraction + moved.churn)
            }),
        });
    }
    Ok(growth)
}

/// What a plan comes to a month, before discounts and without tax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRevenue {
    pub plan: String,
    pub subscriptions: u64,
    pub monthly: Money,
}

/// What each plan's running subscriptions come to a month in each currency, the most first.
///
/// # Errors
/// An amount that is too large, or a fault of the file.
pub fn by_plan(db: &Db, config: &Config, today: NaiveDate) -> Result<Vec<PlanRevenue>> {
    // Whole intervals are added up first, so that each sum is rounded once.
    let mut sums: BTreeMap<(String, &str, i32), (u64, Money)> = BTreeMap::new();
    db.each_subscription(&SubscriptionFilter::default(), |subscription| {
        let runs = subscription.status == SubscriptionStatus::Active
            && subscription.started_on <= today
            && subscription.ends_on.is_none_or(|on| on > today);
        for item in subscription.terms.items.iter().filter(|_| runs) {
            let (mut amount, months) = (item.amount()?, subscription.terms.interval.months());
            if item.basis.is_inclusive() {
                let tenant = db.tenant_by_id(subscription.tenant_id)?;
                amount =
                    item.basis.take_apart(amount, tenant.taxed_by(&config.seller_tax()).rate)?.net;
            }
            let key = (item.plan.clone(), amount.currency().code(), months);
            let (count, sum) = sums.entry(key).or_insert((0, Money::zero(amount.currency())));
            *count += 1;
            *sum = sum.plus(amount)?;
        }
        Ok(true)
    })?;
    let mut plans: Vec<PlanRevenue> = Vec::new();
    for ((plan, _, months), (subscriptions, sum)) in sums {
        let monthly = sum.share(1, i64::from(months))?;
        plans.push(PlanRevenue { plan, subscriptions, monthly });
    }
    plans.sort_by_key(|plan| (plan.monthly.currency().code(), -plan.monthly.minor()));
    Ok(plans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::revenue::{Month, Movements};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_last_month_that_is_over_says_how_revenue_holds() {
        let month = |month: &str, until: &str, figures| MrrMonth {
            month: day(month),
            until: day(until),
            currency: Currency::XOF,
            figures,
        };
        let moved =
            Movements { new: 900, expansion: 150, contraction: -50, churn: -200, reactivation: 70 };
        let february =
            Month { start: 1000, mrr: 1870, movements: moved, customers: 9, subscriptions: 9 };
        let march = Month {
            start: 1870,
            mrr: 1500,
            movements: Movements { churn: -370, ..Movements::default() },
            customers: 7,
            subscriptions: 8,
        };
        let months = vec![
            month("2026-02-01", "2026-02-28", february),
            month("2026-03-01", "2026-03-10", march),
        ];
        let report = Mrr { as_of: day("2026-03-10"), months };
        let expected = Growth {
            currency: Currency::XOF,
            arpa: Some(Money::from_minor(214, Currency::XOF)),
            month: Some(day("2026-02-01")),
            churn: Some("0.2000".parse().unwrap()),
            retention: Some("0.9000".parse().unwrap()),
        };
        assert_eq!(growth(&report), Ok(vec![expected]));
    }

    #[test]
    fn without_a_month_that_is_over_or_revenue_at_its_start_there_is_no_rate() {
        let figures = Month { mrr: 0, ..Month::default() };
        let only = |until: &str, as_of: &str| Mrr {
            as_of: day(as_of),
            months: vec![MrrMonth {
                month: day("2026-02-01"),
                until: day(until),
                currency: Currency::XOF,
                figures,
            }],
        };
        for report in [only("2026-02-10", "2026-02-10"), only("2026-02-28", "2026-03-01")] {
            let found = growth(&report).unwrap();
            assert_eq!((found[0].arpa, found[0].churn, found[0].retention), (None, None, None));
        }
    }
}
