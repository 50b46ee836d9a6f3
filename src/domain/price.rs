//! Prices: by which model, and at which amounts, a quantity is charged.

use rust_decimal::Decimal;

use super::money::{self, MoneyFault};
use super::{Currency, Money, PriceId, Result};

/// A price of a plan. It is never edited: it is archived, and a new one is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    pub id: PriceId,
    pub currency: Currency,
    pub model: Model,
}

/// How a quantity comes to an amount. Amounts are in major units, with up to 12 decimals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Model {
    /// Each unit at the same amount.
    PerUnit { unit: Decimal },
}

impl Model {
    /// Each unit at that amount, which has the decimals of its currency.
    pub fn per_unit(amount: Money) -> Model {
        Model::PerUnit { unit: amount.exact() }
    }

    /// The model's word.
    pub fn word(&self) -> &'static str {
        match self {
            Model::PerUnit { .. } => "per_unit",
        }
    }
}

impl Price {
    /// What so many come to for a whole interval, before discount and tax, rounded once.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn amount(&self, quantity: impl Into<Decimal>) -> Result<Money> {
        Ok(Money::of(self.exact(quantity)?, self.currency)?)
    }

    /// The same in major units, not rounded: for what takes a part of it.
    ///
    /// # Errors
    /// As [`Price::amount`].
    pub fn exact(&self, quantity: impl Into<Decimal>) -> Result<Decimal> {
        let exact = match self.model {
            Model::PerUnit { unit } => unit.checked_mul(quantity.into()),
        };
        Ok(exact.ok_or(MoneyFault::Overflow { currency: self.currency })?)
    }

    /// What one comes to, where each comes to the same.
    pub fn unit_price(&self) -> Option<Decimal> {
        match self.model {
            Model::PerUnit { unit } => Some(unit),
        }
    }

    /// The same as it is printed, in major units.
    pub fn major(&self) -> Option<String> {
        self.unit_price().map(|unit| money::major(unit, self.currency))
    }
}

/// A price of that amount each: what tests start from.
#[cfg(test)]
pub(super) fn example(amount: Money) -> Price {
    Price { id: PriceId(1), currency: amount.currency(), model: Model::per_unit(amount) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(unit: &str, currency: &str) -> Price {
        let model = Model::PerUnit { unit: unit.parse().unwrap() };
        Price { id: PriceId(1), currency: currency.parse().unwrap(), model }
    }

    #[test]
    fn an_amount_is_exact_until_it_is_rounded_once() {
        for (unit, currency, quantity, minor) in [
            ("49.90", "EUR", "3", 14970),
            ("0.0004", "EUR", "12", 0),
            // Each rounded for itself would come to nothing.
            ("0.0004", "EUR", "12500", 500),
            ("0.005", "EUR", "1", 1),
            ("15000", "XOF", "1000000", 15_000_000_000),
            ("0.000000000001", "KWD", "1000000", 0),
        ] {
            let price = price(unit, currency);
            let quantity: Decimal = quantity.parse().unwrap();
            assert_eq!(price.amount(quantity).unwrap().minor(), minor, "{quantity} × {unit}");
        }
    }

    #[test]
    fn an_amount_that_is_too_large_is_refused() {
        let dear = price("10000000000000.00", "EUR");
        assert!(dear.amount(Decimal::ONE).is_ok());
        assert!(dear.amount(Decimal::TWO).is_err());
        assert!(dear.amount(Decimal::MAX).is_err());
    }
}
