//! Tax: whether prices are with or without it, and what of an amount it is.

use rust_decimal::Decimal;

use super::{Money, Result, words};

words! {
    /// Whether what is charged is without tax, which comes on top, or with it.
    TaxBasis { Exclusive = "exclusive", Inclusive = "inclusive" }
}

/// An amount taken apart: `total = net + tax`, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taxed {
    pub net: Money,
    pub tax: Money,
    pub total: Money,
}

impl TaxBasis {
    /// The basis that is meant by whether amounts are with tax.
    pub fn of(inclusive: bool) -> TaxBasis {
        if inclusive { TaxBasis::Inclusive } else { TaxBasis::Exclusive }
    }

    /// Whether amounts are with tax.
    pub fn is_inclusive(self) -> bool {
        self == TaxBasis::Inclusive
    }

    /// What is charged after discount, taken apart at a rate in percent. Without tax, tax = amount ×
    /// rate and comes on top; with tax, net = amount × 100 ÷ (100 + rate), and the tax is the rest. Each
    /// rounded once: the one place where tax is worked out.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn take_apart(self, charged: Money, rate: Decimal) -> Result<Taxed> {
        match self {
            TaxBasis::Exclusive => {
                let tax = charged.percent(rate)?;
                Ok(Taxed { net: charged, tax, total: charged.plus(tax)? })
            }
            TaxBasis::Inclusive => {
                let net = charged.without_percent(rate)?;
                Ok(Taxed { net, tax: charged.minus(net)?, total: charged })
            }
        }
    }

    /// What lines come to without tax: each is charged so much after its discount, and together they
    /// come to `net`. What rounding leaves goes to the lines that lost most by it.
    pub fn nets(self, charged: &[Money], net: Money) -> Vec<Money> {
        match self {
            TaxBasis::Exclusive => charged.to_vec(),
            TaxBasis::Inclusive => {
                let weights: Vec<i64> = charged.iter().map(|line| line.minor()).collect();
                net.split(&weights)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::from_minor(minor, code.parse().unwrap())
    }

    #[test]
    fn tax_comes_on_top_or_out_of_what_is_charged() {
        use TaxBasis::{Exclusive, Inclusive};
        for (basis, charged, code, rate, net, tax, total) in [
            (Inclusive, 10_000, "XOF", "18", 8475, 1525, 10_000),
            (Exclusive, 10_000, "XOF", "18", 10_000, 1800, 11_800),
            (Inclusive, 4990, "EUR", "20", 4158, 832, 4990),
            (Inclusive, 1250, "KWD", "5", 1190, 60, 1250),
            (Inclusive, 9990, "EUR", "5.5", 9469, 521, 9990),
            // 118 × 100 ÷ 118 is 100 to the unit, and 59 of it the half of that.
            (Inclusive, 118, "XOF", "18", 100, 18, 118),
            (Inclusive, 1, "XOF", "100", 1, 0, 1),
            (Inclusive, 3, "XOF", "100", 2, 1, 3),
            (Inclusive, 0, "EUR", "20", 0, 0, 0),
            (Inclusive, 4990, "EUR", "0", 4990, 0, 4990),
        ] {
            let apart = basis.take_apart(money(charged, code), rate.parse().unwrap()).unwrap();
            let minor = (apart.net.minor(), apart.tax.minor(), apart.total.minor());
            assert_eq!(minor, (net, tax, total), "{basis} {charged} {code} at {rate} %");
        }
    }

    #[test]
    fn nets_of_lines_add_up_to_that_of_the_whole() {
        // 3 × 33.33 at 20 % is 83.33 of 99.99: 27.78 each would be a cent too much.
        let lines = [money(3333, "EUR"); 3];
        let nets = TaxBasis::Inclusive.nets(&lines, money(8333, "EUR"));
        assert_eq!(nets.iter().map(|net| net.minor()).collect::<Vec<_>>(), [2778, 2778, 2777]);
        assert_eq!(TaxBasis::Exclusive.nets(&lines, money(9999, "EUR")), lines);
    }

    proptest! {
        #[test]
        fn parts_add_up_on_either_basis(
            lines in prop::collection::vec(0i64..=1_000_000_000, 1..12),
            rate in 0i64..=1_000_000,
            code in prop::sample::select(vec!["XOF", "EUR", "KWD", "CLF"]),
            inclusive in any::<bool>(),
        ) {
            let basis = TaxBasis::of(inclusive);
            let rate = Decimal::new(rate, 4);
            let charged = money(lines.iter().sum(), code);
            let apart = basis.take_apart(charged, rate).unwrap();
            prop_assert_eq!(apart.net.minor() + apart.tax.minor(), apart.total.minor());
            prop_assert_eq!(charged, if inclusive { apart.total } else { apart.net });
            prop_assert!(apart.tax.minor() >= 0);
            let lines: Vec<_> = lines.iter().map(|minor| money(*minor, code)).collect();
            let nets = basis.nets(&lines, apart.net);
            prop_assert_eq!(nets.iter().map(|net| net.minor()).sum::<i64>(), apart.net.minor());
            for (net, line) in nets.iter().zip(&lines) {
                prop_assert!((0..=line.minor()).contains(&net.minor()));
            }
        }

        #[test]
        fn what_came_on_top_comes_out_again(
            net in 0i64..=1_000_000_000_000, rate in 0i64..=1_000_000,
        ) {
            let rate = Decimal::new(rate, 4);
            let net = money(net, "EUR");
            let total = TaxBasis::Exclusive.take_apart(net, rate).unwrap().total;
            prop_assert_eq!(TaxBasis::Inclusive.take_apart(total, rate).unwrap().net, net);
        }
    }
}
