//! What a bill comes to: a charge for each item, of a whole interval or of a part of one. The one place
//! where the amount of a period is worked out, for the run that bills and for whoever asks before.

use rust_decimal::Decimal;

use super::period::Proration;
use super::subscription::{Item, Items};
use super::{Money, Result};

/// What an item comes to for a period, before discount and tax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge<'a> {
    pub item: &'a Item,
    /// Where the period is no whole interval.
    pub proration: Option<Proration>,
    pub quantity: Decimal,
    /// In major units; none where quantity × price is not what it comes to.
    pub unit_price: Option<Decimal>,
    pub amount: Money,
}

/// What each item comes to for a period: its price, or so many days of it; rounded once.
///
/// # Errors
/// An amount that is too large.
pub fn charges(items: &Items, proration: Option<Proration>) -> Result<Vec<Charge<'_>>> {
    items.iter().map(|item| charge(item, proration)).collect()
}

fn charge(item: &Item, proration: Option<Proration>) -> Result<Charge<'_>> {
    let amount = match proration {
        Some(part) => {
            let (exact, currency) = (item.price.exact(item.quantity)?, item.price.currency);
            Money::share_of(exact, part.days, part.of, currency)?
        }
        None => item.amount()?,
    };
    // A part of an interval has no unit price: quantity × price is not what it comes to.
    let unit_price = item.price.unit_price().filter(|_| proration.is_none());
    Ok(Charge { item, proration, quantity: item.quantity.into(), unit_price, amount })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::plan::{Interval, IntervalUnit};
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
