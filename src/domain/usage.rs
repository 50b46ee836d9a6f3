//! The rules of usage: what a meter measures, what its events come to, and what that costs.
//!
//! Its rows are in `store/usage/`, its verbs in `books/usage.rs` and `books/arrears.rs`, its words in
//! `commands/usage.rs` and `commands/meter.rs`.

use std::rc::Rc;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::period::{Cycle, Period};
use super::price::{Model, PartOf, Price, PriceTerms};
use super::refusal::Why;
use super::tax::TaxBasis;
use super::{ItemId, MeterId, Money, Refusal, Result, SubscriptionId, text, words};

words! {
    /// How the events of a meter come to a quantity.
    Aggregation {
        Sum = "sum",
        /// How many there are.
        Count = "count",
        Max = "max",
        /// The value of the latest.
        Last = "last",
        /// How many different values they have.
        Unique = "unique",
    }
}

/// What usage is measured by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meter {
    pub id: MeterId,
    pub code: String,
    pub name: String,
    pub aggregation: Aggregation,
    /// What it counts, as people say it: `SMS`, `GB`.
    pub unit: Option<String>,
    pub archived_at: Option<String>,
    pub created_at: String,
}

/// A meter that is typed, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMeter {
    pub code: String,
    pub name: String,
    pub aggregation: Aggregation,
    pub unit: Option<String>,
}

impl NewMeter {
    /// Checks a meter as it is typed.
    ///
    /// # Errors
    /// The code is no slug, or name or unit cannot be printed.
    pub fn check(
        code: &str,
        name: &str,
        aggregation: Aggregation,
        unit: Option<&str>,
    ) -> Result<NewMeter> {
        Ok(NewMeter {
            code: text::slug("code", code)?,
            name: text::line("name", name, 200)?,
            aggregation,
            unit: unit.map(|unit| text::line("unit", unit, 50)).transpose()?,
        })
    }
}

/// Checks that a price may be of a meter, or of none.
///
/// # Errors
/// A percentage of what is no sum, or a meter that is archived.
pub fn check_price(meter: Option<&Meter>, terms: &PriceTerms) -> Result<()> {
    let is_percentage = matches!(terms.model, Model::Percentage { .. });
    match meter {
        None if is_percentage => Err(Refusal::PercentageOf { meter: None }),
        None => Ok(()),
        Some(meter) if meter.archived_at.is_some() => {
            Err(Refusal::MeterArchived { meter: meter.code.clone() })
        }
        Some(meter) if is_percentage && meter.aggregation != Aggregation::Sum => {
            Err(Refusal::PercentageOf { meter: Some(meter.code.clone()) })
        }
        Some(_) => Ok(()),
    }
}

/// The largest value of an event, either way, and the most decimals of one: sums of millions of such are
/// exact.
pub const MOST_VALUE: i64 = 1_000_000_000_000;
const VALUE_DECIMALS: u32 = 9;
/// The largest sum of a day.
const MOST_SUM: i64 = 1_000_000_000_000_000_000;

/// Reads the value of an event as decimal text.
///
/// # Errors
/// It is none, too large, or has too many decimals.
pub fn number(text: &str) -> std::result::Result<Decimal, Why> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || text.len() > 40 {
        return Err(Why::NotAValue);
    }
    let value = Decimal::from_str_exact(text).map_err(|_| Why::NotAValue)?.normalize();
    match value.abs() <= MOST_VALUE.into() && value.scale() <= VALUE_DECIMALS {
        true => Ok(value),
        false => Err(Why::NotAValue),
    }
}

/// An event that comes in, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Of the file, from 1 on.
    pub line: u64,
    pub id: Box<str>,
    /// The meter's code.
    pub meter: Rc<str>,
    pub of: Subscriber,
    /// Microseconds since 1970.
    pub at_us: i64,
    pub value: Box<str>,
    /// A JSON object; `None`: an empty one.
    pub properties: Option<Box<str>>,
}

/// Whose usage it is, as it was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subscriber {
    Subscription(SubscriptionId),
    /// A customer, with exactly one subscription that has the meter.
    Tenant(String),
}

/// The value of an event that says none.
pub const DEFAULT_VALUE: &str = "1";

/// What events come to that were not voided: those of a day, or of several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Total {
    pub events: i64,
    /// The sum, the greatest or the last of them; of a count and of unique values nothing.
    pub value: Decimal,
    /// Which one was the last: its moment in microseconds since 1970, and its id.
    pub last: Option<(i64, String)>,
}

impl Total {
    /// That of one event.
    pub fn of(aggregation: Aggregation, value: Decimal, at_us: i64, id: &str) -> Total {
        Total {
            events: 1,
            value: match aggregation {
                Aggregation::Count | Aggregation::Unique => Decimal::ZERO,
                Aggregation::Sum | Aggregation::Max | Aggregation::Last => value,
            },
            last: (aggregation == Aggregation::Last).then(|| (at_us, id.to_owned())),
        }
    }

    /// The total of both, in whichever order they come; `None` where it is too large.
    #[must_use]
    pub fn plus(self, other: Total, aggregation: Aggregation) -> Option<Total> {
        if other.events == 0 || self.events == 0 {
            return Some(if other.events == 0 { self } else { other });
        }
        let events = self.events + other.events;
        let (one, two) = (self.value, other.value);
        Some(match aggregation {
            Aggregation::Count | Aggregation::Unique => Total { events, ..self },
            Aggregation::Sum => {
                let value = one.checked_add(two).filter(|sum| sum.abs() <= MOST_SUM.into())?;
                Total { events, value: value.normalize(), last: None }
            }
            Aggregation::Max => Total { events, value: one.max(two), last: None },
            Aggregation::Last if other.last > self.last => Total { events, ..other },
            Aggregation::Last => Total { events, ..self },
        })
    }

    /// What is billed of it; `distinct` values were counted apart. Below nothing is nothing.
    pub fn quantity(&self, aggregation: Aggregation, distinct: i64) -> Decimal {
        let quantity = match aggregation {
            Aggregation::Count => self.events.into(),
            Aggregation::Unique => distinct.into(),
            Aggregation::Sum | Aggregation::Max | Aggregation::Last => self.value,
        };
        quantity.max(Decimal::ZERO).normalize()
    }
}

/// By which price the usage of a meter is charged, and for which item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterPrice {
    pub meter: Meter,
    pub item: ItemId,
    /// The plan that has it.
    pub plan: super::PlanId,
    pub price: Price,
    pub basis: TaxBasis,
}

words! {
    /// What was billed and is not right any more.
    Late {
        /// No run has looked at it.
        New = "new",
        /// What is lacking waits for the next invoice.
        Waits = "waits",
    }
}

/// A period of which the usage is billed, once it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsagePeriod {
    pub period: Period,
    /// The days of the whole interval that it is a part of.
    pub whole_days: i64,
    /// Whether the time itself was not billed: then usage alone counts.
    pub away: bool,
    pub billed: bool,
    pub late: Option<Late>,
    pub prices: Vec<MeterPrice>,
}

impl UsagePeriod {
    /// Time in which the subscription was not billed itself.
    pub fn away(period: Period, prices: Vec<MeterPrice>) -> UsagePeriod {
        let whole_days = period.days().max(1);
        UsagePeriod { period, whole_days, away: true, billed: false, late: None, prices }
    }

    /// A period that is billed itself, and the days of the whole interval that it is a part of.
    pub fn running(period: Period, whole_days: i64, prices: Vec<MeterPrice>) -> UsagePeriod {
        UsagePeriod { period, whole_days, away: false, billed: false, late: None, prices }
    }

    /// What its usage comes to at least by that price: the part of a minimum that is for its days.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn minimum(&self, price: &Price) -> Result<Option<Money>> {
        let Some(minimum) = price.terms.minimum.filter(|_| !self.away) else { return Ok(None) };
        let days = self.period.days();
        match days < self.whole_days {
            true => Ok(Some(minimum.share(days, self.whole_days)?)),
            false => Ok(Some(minimum)),
        }
    }

    /// What so much usage in it comes to by that price, part by part; `events` of none say that nothing
    /// was used.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn charges(&self, price: &Price, quantity: Decimal, events: i64) -> Result<Vec<Charge>> {
        if self.away && events == 0 {
            return Ok(Vec::new());
        }
        charges(price, quantity, self.minimum(price)?)
    }

    /// Whether something of it is to be billed, or was not billed right.
    pub fn is_open(&self) -> bool {
        !self.billed || self.late.is_some()
    }
}

/// A part of what usage comes to: a line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    pub of: Of,
    pub quantity: Decimal,
    pub unit_price: Decimal,
    pub amount: Money,
}

/// What of usage a charge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Part(PartOf),
    /// What came after the rest had been billed.
    Late,
}

/// What so much usage comes to by a price, part by part; what comes to nothing because nothing was used is no part.
///
/// # Errors
/// An amount that is too large.
pub fn charges(price: &Price, quantity: Decimal, minimum: Option<Money>) -> Result<Vec<Charge>> {
    let mut charges = Vec::new();
    let rounded = |exact| Money::of(exact, price.currency);
    price.each_amount_above(quantity, rounded, minimum, |part, amount| {
        if !part.quantity.is_zero() || !amount.is_zero() {
            charges.push(Charge {
                of: Of::Part(part.of),
                quantity: part.quantity,
                unit_price: part.unit,
                amount,
            });
        }
        Ok(())
    })?;
    Ok(charges)
}

/// What is to be done about the usage of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    Nothing,
    /// These lines are lacking.
    More(Vec<Charge>),
    /// So much was billed that was not used.
    Less(Money),
}

/// What is lacking to, or above, what the usage of a period comes to: `whole` is all of it, `billed` what its
/// lines billed less what was corrected of them; `None` where there is no line yet.
///
/// # Errors
/// An amount that is too large.
pub fn difference(whole: Vec<Charge>, billed: Option<Money>, zero: Money) -> Result<Difference> {
    let Some(billed) = billed else {
        let nothing = whole.is_empty();
        return Ok(if nothing { Difference::Nothing } else { Difference::More(whole) });
    };
    let mut sum = zero;
    for charge in &whole {
        sum = sum.plus(charge.amount)?;
    }
    let lacking = sum.minus(billed)?;
    Ok(match lacking.minor() {
        0 => Difference::Nothing,
        more if more > 0 => Difference::More(vec![Charge {
            of: Of::Late,
            quantity: Decimal::ONE,
            unit_price: lacking.exact(),
            amount: lacking,
        }]),
        _ => Difference::Less(billed.minus(sum)?),
    })
}

/// The periods of a cycle from a day to another; the first and the last may be parts of one.
pub fn tiles(cycle: Cycle, from: NaiveDate, until: NaiveDate) -> Vec<Period> {
    let mut tiles = Vec::new();
    let mut start = from;
    while start < until {
        let end = cycle.period_from(start).end.min(until);
        tiles.push(Period { start, end });
        start = end;
    }
    tiles
}

#[cfg(test)]
mod tests;
