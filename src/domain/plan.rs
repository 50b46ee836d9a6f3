//! Plans: what is sold, at which price, how often.

use super::price::{Price, PriceTerms};
use super::tax::TaxBasis;
use super::{Currency, MeterId, Money, PlanId, Refusal, Result, text, words};

words! {
    /// The unit of a billing interval.
    IntervalUnit { Month = "month", Year = "year" }
}

/// How often a plan is billed: each so many months or years. Quarterly is three months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub unit: IntervalUnit,
    /// At least 1, at most 120.
    pub count: u32,
}

impl Interval {
    /// The most units that an interval may have.
    pub const MOST: u32 = 120;

    /// The interval in months: 3 for a quarter, 12 for a year.
    pub fn months(self) -> i32 {
        let unit = match self.unit {
            IntervalUnit::Month => 1,
            IntervalUnit::Year => 12,
        };
        // At most 120 × 12.
        unit * self.count as i32
    }
}

/// `month`, `3 months`.
impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.count {
            1 => write!(f, "{}", self.unit),
            count => write!(f, "{count} {}s", self.unit),
        }
    }
}

/// A plan as it stands.
#[derive(Debug, Clone)]
pub struct Plan {
    pub id: PlanId,
    pub code: String,
    pub name: String,
    /// For one whole interval, before discount. One that is live where there is any.
    pub price: Price,
    /// Since when that is no price for a new subscription.
    pub price_archived_at: Option<String>,
    /// Whether its prices are with tax.
    pub basis: TaxBasis,
    pub interval: Interval,
    /// Free days at the start of a subscription; 0: none.
    pub trial_days: i64,
    pub archived_at: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

impl Plan {
    /// Checks that it can be subscribed to.
    ///
    /// # Errors
    /// It is archived, or has no live price.
    pub fn check_offered(&self) -> Result<()> {
        let plan = || self.code.clone();
        match (&self.archived_at, &self.price_archived_at) {
            (Some(_), _) => Err(Refusal::PlanArchived { plan: plan() }),
            (None, Some(_)) => Err(Refusal::NoPrice { plan: plan(), meter: None, currency: None }),
            (None, None) => Ok(()),
        }
    }
}

/// A price that a plan has or had.
#[derive(Debug, Clone)]
pub struct ListedPrice {
    pub price: Price,
    /// The code of the meter that it is for; `None`: of the plan itself.
    pub meter: Option<String>,
    pub archived_at: Option<String>,
    pub created_at: String,
}

/// A price that is typed, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPrice {
    /// The meter that it is for, and its code; `None`: of the plan itself.
    pub meter: Option<(MeterId, String)>,
    pub currency: Currency,
    pub terms: PriceTerms,
}

/// What is typed or imported of a plan, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPlan {
    pub code: String,
    pub name: String,
    /// Of one unit for one whole interval.
    pub price: Money,
    /// Whether that is with tax.
    pub basis: TaxBasis,
    pub interval: Interval,
    pub trial_days: i64,
}

impl NewPlan {
    /// The currency of the plan's price.
    pub fn currency(&self) -> Currency {
        self.price.currency()
    }
}

/// The longest trial, in days: ten years.
pub const MOST_TRIAL_DAYS: i64 = 3650;

/// Checks a plan's code, which is a slug.
pub fn code(value: &str) -> Result<String> {
    text::slug("code", value)
}

/// Checks a plan's name.
pub fn name(value: &str) -> Result<String> {
    text::line("name", value, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_is_three_months_and_two_years_are_twenty_four() {
        for (unit, count, months) in
            [(IntervalUnit::Month, 1, 1), (IntervalUnit::Month, 3, 3), (IntervalUnit::Year, 2, 24)]
        {
            assert_eq!(Interval { unit, count }.months(), months);
        }
    }
}
