//! What a bill comes to: the charges of each item, of a whole interval or of a part of one. The one place
//! where the amount of a period is worked out, for the run that bills and for whoever asks before.

use rust_decimal::Decimal;

use super::period::Proration;
use super::price::{Part, PartOf};
use super::subscription::{Item, Items};
use super::{Money, Result};

/// A part of what an item comes to for a period, before discount and tax: a line of its invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge<'a> {
    pub item: &'a Item,
    /// What of its price.
    pub of: PartOf,
    /// Where the period is no whole interval.
    pub proration: Option<Proration>,
    pub quantity: Decimal,
    /// In major units; none where quantity × price is not what it comes to.
    pub unit_price: Option<Decimal>,
    pub amount: Money,
}

/// What each item comes to for a period, part by part: its price, or so many days of it; each part
/// rounded once.
///
/// # Errors
/// An amount that is too large.
pub fn charges(items: &Items, proration: Option<Proration>) -> Result<Vec<Charge<'_>>> {
    let mut charges = Vec::new();
    for item in items.iter() {
        let currency = item.price.currency;
        let rounded = |exact| match proration {
            Some(part) => Money::share_of(exact, part.days, part.of, currency),
            None => Money::of(exact, currency),
        };
        item.price.each_amount(item.quantity, rounded, |Part { of, quantity, unit }, amount| {
            // A part of an interval has no unit price: quantity × price is not what it comes to.
            let unit_price = Some(unit).filter(|_| proration.is_none());
            charges.push(Charge { item, of, proration, quantity, unit_price, amount });
            Ok(())
        })?;
    }
    Ok(charges)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::plan::{Interval, IntervalUnit};
    use crate::domain::price::{Model, Tier, Tiers};
    use crate::domain::subscription::example_terms;

    fn items(minor: i64, quantity: i64, code: &str) -> Items {
        let price = Money::from_minor(minor, code.parse().unwrap());
        let month = Interval { unit: IntervalUnit::Month, count: 1 };
        example_terms(month, price, quantity).items
    }

    #[test]
    fn several_items_are_a_charge_each_in_their_order() {
        let mut several = items(4990, 2, "EUR");
        several.push(items(10, 30, "EUR").first().clone());
        let part = Some(Proration { days: 17, of: 31 });
        for (proration, expected) in [(None, [9980, 300]), (part, [5473, 165])] {
            let charges = charges(&several, proration).unwrap();
            let amounts: Vec<_> = charges.iter().map(|charge| charge.amount.minor()).collect();
            assert_eq!(amounts, expected);
        }
    }

    /// 7 units at 30.00 up to the 3rd and 20.00 above are 90.00 and 80.00; 17 of 31 days of them are
    /// 49.35 and 43.87, and 17 of 31 days of a minimum of 200.00 are 109.68.
    #[test]
    fn tiers_and_a_minimum_are_a_charge_each_also_of_a_part() {
        let mut seats = items(0, 7, "EUR").first().clone();
        let eur = seats.price.currency;
        let tier = |text| Tier::parse(text, eur, str::to_owned).unwrap();
        let tiers = Tiers::of(vec![tier("3:30"), tier("inf:20")]).unwrap();
        seats.price.terms.model = Model::Graduated { tiers };
        seats.price.terms.minimum = Some(Money::from_minor(20_000, eur));
        let items = Items::one(seats);
        let amounts = |proration| -> Vec<_> {
            let charges = charges(&items, proration).unwrap();
            let unit_price = |charge: &Charge| charge.unit_price.map(|price| price.to_string());
            charges.iter().map(|charge| (charge.amount.minor(), unit_price(charge))).collect()
        };
        let said = |minor, price: &str| (minor, Some(price.to_owned()));
        assert_eq!(amounts(None), [said(9000, "30"), said(8000, "20"), said(3000, "30.00")]);
        let part = amounts(Some(Proration { days: 17, of: 31 }));
        assert_eq!(part, [(4935, None), (4387, None), (10_968 - 4935 - 4387, None)]);
        assert_eq!(items.first().amount().unwrap().minor(), 20_000);
    }

    proptest! {
        #[test]
        fn a_whole_period_is_price_times_quantity(
            minor in 0i64..=1_000_000_000, quantity in 1i64..=1_000_000,
            code in prop::sample::select(vec!["XOF", "EUR", "KWD", "CLF"]),
        ) {
            let items = items(minor, quantity, code);
            let charges = charges(&items, None).unwrap();
            let one = items.first();
            prop_assert_eq!(charges[0].amount.minor(), minor * quantity);
            prop_assert_eq!((charges.len(), charges[0].item), (1, one));
            prop_assert_eq!(charges[0].unit_price, one.price.unit_price());
        }

        #[test]
        fn a_part_of_a_period_is_the_share_of_the_whole(
            minor in 0i64..=1_000_000_000, quantity in 1i64..=1_000, of in 28i64..=3_660,
            before in 1i64..=3_660,
            code in prop::sample::select(vec!["XOF", "EUR", "KWD", "CLF"]),
        ) {
            let days = 1 + before % of;
            let items = items(minor, quantity, code);
            let charges = charges(&items, Some(Proration { days, of })).unwrap();
            let whole = Money::from_minor(minor * quantity, code.parse().unwrap());
            prop_assert_eq!(charges[0].amount, whole.share(days, of).unwrap());
            prop_assert_eq!(charges[0].unit_price, None);
        }
    }
}
