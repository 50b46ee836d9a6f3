//! Prices: by which model, and at which amounts, a quantity is charged.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::money::{self, BadAmount, MoneyFault};
use super::refusal::Why;
use super::{Currency, Money, PriceId, Refusal, Result, words};

words! {
    /// The model of a price.
    ModelWord {
        Flat = "flat",
        PerUnit = "per_unit",
        Graduated = "graduated",
        Volume = "volume",
        Package = "package",
        /// Of meters alone: a percentage of the value that is measured.
        Percentage = "percentage",
    }
}

/// A price of a plan. It is never edited: it is archived, and a new one is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    pub id: PriceId,
    pub currency: Currency,
    pub terms: PriceTerms,
}

/// A price that takes the place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceMove {
    /// From the first period on that starts on this day or after it.
    pub from_on: NaiveDate,
    pub price: Price,
}

/// What a price says, whichever currency it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTerms {
    pub model: Model,
    /// So many units are free, and come off first.
    pub included: i64,
    /// What a period comes to at least.
    pub minimum: Option<Money>,
}

/// How a quantity comes to an amount. Amounts are in major units, with up to 12 decimals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Model {
    /// The same, whatever the quantity is.
    Flat { amount: Decimal },
    /// Each unit at the same amount.
    PerUnit { unit: Decimal },
    /// Each unit at the amount of the tier that it falls into.
    Graduated { tiers: Tiers },
    /// All units at the amount of the tier that the quantity falls into.
    Volume { tiers: Tiers },
    /// So much for each package of so many units that is begun.
    Package { package: Decimal, size: i64 },
    /// So many hundredths of the value that a meter measures.
    Percentage { percent: Decimal },
}

/// A tier: units up to a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// The last unit of it; `None`: there is no last one.
    pub up_to: Option<i64>,
    /// Of each unit.
    pub unit: Decimal,
    /// Once, where it is reached; the first tier always is.
    pub flat: Decimal,
}

/// Tiers that rise; the last of them, and no other, has no bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiers {
    bounded: Vec<Tier>,
    last: Tier,
}

/// What of a price a part of its amount is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartOf {
    /// All of it.
    Whole,
    /// Units that are free.
    Included,
    /// The units of one of several tiers.
    Units(Range),
    /// Packages of so many units.
    Packages { size: i64 },
    /// So many hundredths of a value.
    Percent(Decimal),
    /// What a tier costs besides its units; none is said where all units are in one tier.
    FlatFee(Option<Range>),
    /// What is lacking to the minimum.
    Minimum,
}

/// The units of a tier, those that are free counted in: from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub first: i64,
    pub last: Option<i64>,
}

/// A part of what a quantity comes to: so many, at so much each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub of: PartOf,
    pub quantity: Decimal,
    pub unit: Decimal,
}

/// The most hundredths that a price may take of a value.
pub const MOST_PERCENT: i64 = 100;

/// The most units that a tier, a package or what is included may have.
pub const MOST_UNITS: i64 = 1_000_000_000_000;

impl Tiers {
    /// Tiers in their order, as they are typed or stored.
    ///
    /// # Errors
    /// They do not rise, or the last one has a bound, or another one has none.
    pub fn of(mut tiers: Vec<Tier>) -> Result<Tiers> {
        let rises = |pair: &[Tier]| match (pair[0].up_to, pair[1].up_to) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(one), Some(other)) => one < other,
        };
        if let Some(pair) = tiers.windows(2).find(|pair| !rises(pair)) {
            let before = bound(pair[0].up_to);
            return Err(Refusal::bad("tier", &bound(pair[1].up_to), Why::TierOrder { before }));
        }
        match tiers.pop() {
            Some(last) if last.up_to.is_none() => Ok(Tiers { bounded: tiers, last }),
            last => {
                let up_to = last.and_then(|last| last.up_to);
                Err(Refusal::bad("tier", &bound(up_to), Why::TiersEnd))
            }
        }
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Tier> {
        self.bounded.iter().chain(std::iter::once(&self.last))
    }

    /// Each of them with the bound of the one before it: its units are those above that.
    fn with_floors(&self) -> impl Iterator<Item = (i64, &Tier)> {
        let floors = self.bounded.iter().filter_map(|tier| tier.up_to);
        std::iter::once(0).chain(floors).zip(self.iter())
    }
}

/// A bound as it is typed.
pub fn bound(up_to: Option<i64>) -> String {
    up_to.map_or_else(|| "inf".to_owned(), |up_to| up_to.to_string())
}

impl Tier {
    /// Reads `UP_TO:UNIT[:FLAT]`. `plain` makes a plain number of one that is written as people do.
    ///
    /// # Errors
    /// It is not that, or an amount of it is none.
    pub fn parse(text: &str, currency: Currency, plain: impl Fn(&str) -> String) -> Result<Tier> {
        let bad = |why: Why| Refusal::bad("tier", text, why);
        let mut parts = text.split(':').map(str::trim);
        let (Some(up_to), Some(unit), flat, None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(bad(Why::NotATier));
        };
        let up_to = match up_to {
            "inf" => None,
            number => {
                let number = plain(number).parse::<i64>().ok();
                let number = number.filter(|number| (1..=MOST_UNITS).contains(number));
                Some(number.ok_or_else(|| bad(Why::NotATier))?)
            }
        };
        let amount = |amiss: BadAmount| match amiss {
            BadAmount::NotAnAmount => bad(Why::NotATier),
            amiss => bad(Why::Amount(amiss)),
        };
        let unit = money::unit_price(&plain(unit), currency).map_err(amount)?;
        let flat = Money::parse(&plain(flat.unwrap_or("0")), currency).map_err(amount)?;
        Ok(Tier { up_to, unit, flat: flat.exact() })
    }
}

/// Reads how many hundredths a price takes of a value: above 0, and up to [`MOST_PERCENT`].
///
/// # Errors
/// It is none.
pub fn percent(text: &str) -> Result<Decimal> {
    let bad = || Refusal::bad("percent", text, Why::NotAPercentage);
    let is_plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let percent = Decimal::from_str_exact(text).ok().filter(|_| is_plain).ok_or_else(bad)?;
    let few = percent.scale() <= 10;
    match percent {
        percent if few && percent > Decimal::ZERO && percent <= MOST_PERCENT.into() => Ok(percent),
        _ => Err(bad()),
    }
}

impl Model {
    /// Each unit at that amount, which has the decimals of its currency.
    pub fn per_unit(amount: Money) -> Model {
        Model::PerUnit { unit: amount.exact() }
    }

    /// Which one it is.
    pub fn word(&self) -> ModelWord {
        match self {
            Model::Flat { .. } => ModelWord::Flat,
            Model::PerUnit { .. } => ModelWord::PerUnit,
            Model::Graduated { .. } => ModelWord::Graduated,
            Model::Volume { .. } => ModelWord::Volume,
            Model::Package { .. } => ModelWord::Package,
            Model::Percentage { .. } => ModelWord::Percentage,
        }
    }

    /// The one amount that it says, where it has no tiers: of all, of a unit or of a package.
    pub fn unit_amount(&self) -> Option<Decimal> {
        match *self {
            Model::Flat { amount: unit }
            | Model::PerUnit { unit }
            | Model::Package { package: unit, .. } => Some(unit),
            Model::Graduated { .. } | Model::Volume { .. } | Model::Percentage { .. } => None,
        }
    }

    /// The hundredths that it takes of a value, where it does.
    pub fn percent(&self) -> Option<Decimal> {
        match *self {
            Model::Percentage { percent } => Some(percent),
            _ => None,
        }
    }

    /// The tiers, where it has some.
    pub fn tiers(&self) -> Option<&Tiers> {
        match self {
            Model::Graduated { tiers } | Model::Volume { tiers } => Some(tiers),
            _ => None,
        }
    }

    /// The units of a package, where it has packages.
    pub fn package_size(&self) -> Option<i64> {
        match self {
            Model::Package { size, .. } => Some(*size),
            _ => None,
        }
    }

    /// Hands the parts of what so many units come to that are not free to `each`; `free` units came
    /// off before.
    fn each_part<E>(
        &self,
        quantity: Decimal,
        free: i64,
        mut each: impl FnMut(Part) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let one = |of, unit| Part { of, quantity: Decimal::ONE, unit };
        match self {
            Model::Flat { amount } => each(one(PartOf::Whole, *amount)),
            Model::PerUnit { unit } => each(Part { of: PartOf::Whole, quantity, unit: *unit }),
            Model::Percentage { percent } => {
                let unit = *percent * Decimal::new(1, 2);
                each(Part { of: PartOf::Percent(*percent), quantity, unit })
            }
            Model::Package { package, size } => {
                let of = PartOf::Packages { size: *size };
                each(Part { of, quantity: begun(quantity, (*size).into()), unit: *package })
            }
            Model::Volume { tiers } => {
                let falls = |tier: &&Tier| tier.up_to.is_none_or(|up_to| quantity <= up_to.into());
                let tier = tiers.iter().find(falls).unwrap_or(&tiers.last);
                each_of_tier(tier, quantity, PartOf::Whole, None, each)
            }
            Model::Graduated { tiers } => {
                let reached = |floor: i64| floor == 0 || quantity > floor.into();
                let several =
                    tiers.bounded.first().and_then(|first| first.up_to).is_some_and(reached);
                for (floor, tier) in tiers.with_floors().take_while(|(floor, _)| reached(*floor)) {
                    let until = tier.up_to.map_or(quantity, |up_to| quantity.min(up_to.into()));
                    let range = Range {
                        first: free + floor + 1,
                        last: tier.up_to.map(|up_to| free + up_to),
                    };
                    let range = Some(range).filter(|_| several);
                    let units = range.map_or(PartOf::Whole, PartOf::Units);
                    each_of_tier(tier, until - Decimal::from(floor), units, range, &mut each)?;
                }
                Ok(())
            }
        }
    }
}

/// How many packages of that size so many units begin.
fn begun(quantity: Decimal, size: Decimal) -> Decimal {
    let over = quantity % size;
    let full = (quantity - over) / size;
    if over.is_zero() { full } else { full + Decimal::ONE }
}

/// The units of a tier, and what it costs besides; one that costs nothing by the unit is told by that.
fn each_of_tier<E>(
    tier: &Tier,
    quantity: Decimal,
    units: PartOf,
    range: Option<Range>,
    mut each: impl FnMut(Part) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let has_flat = !tier.flat.is_zero();
    if !has_flat || !(quantity.is_zero() || tier.unit.is_zero()) {
        each(Part { of: units, quantity, unit: tier.unit })?;
    }
    if has_flat {
        each(Part { of: PartOf::FlatFee(range), quantity: Decimal::ONE, unit: tier.flat })?;
    }
    Ok(())
}

impl PriceTerms {
    /// By that model, without anything included or a minimum.
    pub fn plain(model: Model) -> PriceTerms {
        PriceTerms { model, included: 0, minimum: None }
    }
}

impl Price {
    /// What so many come to for a whole interval, before discount and tax: the sum of its parts.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn amount(&self, quantity: impl Into<Decimal>) -> Result<Money> {
        let mut sum = Money::zero(self.currency);
        self.each_amount(
            quantity,
            |exact| Money::of(exact, self.currency),
            |_, amount| {
                sum = sum.plus(amount)?;
                Ok(())
            },
        )?;
        Ok(sum)
    }

    /// Hands the parts of what so many come to to `each`, with the amount of each: what `rounded` makes
    /// of its exact one, of a whole interval, in major units. They add up to the minimum at least.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn each_amount(
        &self,
        quantity: impl Into<Decimal>,
        rounded: impl Fn(Decimal) -> std::result::Result<Money, MoneyFault>,
        each: impl FnMut(Part, Money) -> Result<()>,
    ) -> Result<()> {
        let minimum = self.terms.minimum.map(|minimum| rounded(minimum.exact())).transpose()?;
        self.each_amount_above(quantity.into(), rounded, minimum, each)
    }

    /// The same of parts that add up to `minimum` at least.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn each_amount_above(
        &self,
        quantity: Decimal,
        rounded: impl Fn(Decimal) -> std::result::Result<Money, MoneyFault>,
        minimum: Option<Money>,
        mut each: impl FnMut(Part, Money) -> Result<()>,
    ) -> Result<()> {
        let PriceTerms { model, included, .. } = &self.terms;
        let mut sum = Money::zero(self.currency);
        let overflow = MoneyFault::Overflow { currency: self.currency };
        let mut billed = |part: Part| {
            let exact = part.quantity.checked_mul(part.unit).ok_or(overflow)?;
            let amount = rounded(exact)?;
            sum = sum.plus(amount)?;
            each(part, amount)
        };
        let free = quantity.min((*included).into());
        if !free.is_zero() {
            billed(Part { of: PartOf::Included, quantity: free, unit: Decimal::ZERO })?;
        }
        let rest = quantity - free;
        model.each_part(rest, *included, |part| {
            // Where all are included, only what is due without any unit is left to be said.
            let is_said = free.is_zero() || !rest.is_zero() || !part.is_nothing();
            if is_said { billed(part) } else { Ok(()) }
        })?;
        let Some(minimum) = minimum else { return Ok(()) };
        let lacking = minimum.minus(sum)?;
        if lacking.minor() > 0 {
            let part = Part { of: PartOf::Minimum, quantity: Decimal::ONE, unit: lacking.exact() };
            each(part, lacking)?;
        }
        Ok(())
    }

    /// What one comes to, where each comes to the same.
    pub fn unit_price(&self) -> Option<Decimal> {
        match &self.terms {
            PriceTerms { model: Model::PerUnit { unit }, included: 0, minimum: None } => {
                Some(*unit)
            }
            _ => None,
        }
    }

    /// The same as it is printed, in major units.
    pub fn major(&self) -> Option<String> {
        self.unit_price().map(|unit| money::major(unit, self.currency))
    }
}

impl Part {
    /// Whether it comes to nothing.
    fn is_nothing(&self) -> bool {
        self.quantity.is_zero() || self.unit.is_zero()
    }
}

/// A price of that amount each: what tests start from.
#[cfg(test)]
pub(super) fn example(amount: Money) -> Price {
    let terms = PriceTerms::plain(Model::per_unit(amount));
    Price { id: PriceId(1), currency: amount.currency(), terms }
}

#[cfg(test)]
mod tests;
