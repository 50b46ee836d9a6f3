//! Tax: whether prices are with or without it, what of an amount it is, and why there is none.

use rust_decimal::Decimal;

use super::email::{ByLanguage, Locale};
use super::{Money, Result, words};

words! {
    /// Why an invoice is taxed as it is. All but the first bill no tax, and print a reason.
    TaxCategory {
        /// At the customer's or the seller's rate, which may be nothing.
        Standard = "standard",
        /// Taxed, at a rate of zero.
        Zero = "zero",
        /// The buyer accounts for the tax.
        ReverseCharge = "reverse_charge",
        /// Sold to another country.
        Export = "export",
        /// The seller or what it sells is exempt.
        Exempt = "exempt",
        /// No sale that the tax is about.
        OutsideScope = "outside_scope",
    }
}

impl TaxCategory {
    /// What an invoice of that category says where nobody wrote a reason; `None` of one that is taxed.
    /// `country` is the seller's: a French one that is exempt is so as a small business.
    pub fn default_reason(self, country: Option<&str>, locale: Locale) -> Option<&'static str> {
        use Locale::{En, Fr};
        use TaxCategory as C;
        Some(match (self, locale) {
            (C::Standard, _) => return None,
            (C::Exempt, Fr) if country == Some("FR") => "TVA non applicable, art. 293 B du CGI",
            (C::Exempt, En) if country == Some("FR") => {
                "VAT not applicable, article 293 B of the French tax code (CGI)"
            }
            (C::Zero, Fr) => "TVA au taux zéro",
            (C::Zero, En) => "Zero-rated for VAT",
            (C::ReverseCharge, Fr) => "Autoliquidation",
            (C::ReverseCharge, En) => "Reverse charge",
            (C::Export, Fr) => "Exonération de TVA, exportation",
            (C::Export, En) => "Exempt from VAT, export",
            (C::Exempt, Fr) => "Exonéré de TVA",
            (C::Exempt, En) => "Exempt from VAT",
            (C::OutsideScope, Fr) => "Hors du champ d’application de la TVA",
            (C::OutsideScope, En) => "Outside the scope of VAT",
        })
    }
}

/// Whether what is taxed so bears tax, or could.
pub fn is_taxed(rate: Decimal, tax: Money) -> bool {
    !rate.is_zero() || !tax.is_zero()
}

/// What is said of a customer's tax besides its rate; what is not is as the seller says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnTax {
    pub category: Option<TaxCategory>,
    pub reason: Option<String>,
}

/// What the seller says of tax, for customers of whom nothing else is said.
#[derive(Debug, Clone, Copy)]
pub struct SellerTax<'a> {
    /// Where the seller is, ISO 3166.
    pub country: Option<&'a str>,
    pub category: TaxCategory,
    /// Percent.
    pub rate: Decimal,
    /// The reason of its category.
    pub reason: Option<&'a ByLanguage>,
}

/// How an invoice is taxed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Treatment {
    pub category: TaxCategory,
    /// Percent.
    pub rate: Decimal,
    /// Why there is no tax, in the invoice's language; `None` where there is.
    pub reason: Option<String>,
}

impl Default for SellerTax<'_> {
    /// No tax, and nothing said of why.
    fn default() -> Self {
        SellerTax {
            country: None,
            category: TaxCategory::Standard,
            rate: Decimal::ZERO,
            reason: None,
        }
    }
}

impl SellerTax<'_> {
    /// The category and the rate of a customer of whom these are said.
    pub fn rate_of(
        &self,
        category: Option<TaxCategory>,
        rate: Option<Decimal>,
    ) -> (TaxCategory, Decimal) {
        match category.unwrap_or(self.category) {
            TaxCategory::Standard => (TaxCategory::Standard, rate.unwrap_or(self.rate)),
            other => (other, Decimal::ZERO),
        }
    }

    /// How an invoice of a customer is taxed: its own category, rate and reason come before those of the
    /// seller, whose reason is of the seller's own category alone.
    pub fn treat(&self, own: &OwnTax, rate: Option<Decimal>, locale: Locale) -> Treatment {
        let (category, rate) = self.rate_of(own.category, rate);
        let sellers = || self.reason.filter(|_| category == self.category)?.get(locale);
        let reason = match category {
            TaxCategory::Standard => None,
            _ => (own.reason.as_deref().or_else(sellers))
                .or_else(|| category.default_reason(self.country, locale)),
        };
        Treatment { category, rate, reason: reason.map(str::to_owned) }
    }
}

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

impl Default for TaxBasis {
    /// Tax comes on top, where nothing else is said.
    fn default() -> Self {
        TaxBasis::Exclusive
    }
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
    fn a_customer_comes_before_the_seller() {
        use TaxCategory as C;
        let small = ByLanguage { fr: Some("Franchise".into()), en: None };
        let seller = |category, reason| SellerTax {
            country: Some("FR"),
            category,
            rate: Decimal::from(20),
            reason,
        };
        let of = |seller: SellerTax, category, reason: Option<&str>, locale| {
            let own = OwnTax { category, reason: reason.map(str::to_owned) };
            let treated = seller.treat(&own, Some(10.into()), locale);
            (treated.category, i64::try_from(treated.rate).unwrap(), treated.reason)
        };
        let (fr, en) = (Locale::Fr, Locale::En);
        let taxed = seller(C::Standard, None);
        let exempt = seller(C::Exempt, None);
        let written = seller(C::Exempt, Some(&small));
        for (seller, own, reason, locale, category, rate, printed) in [
            (taxed, None, None, fr, C::Standard, 10, None),
            // A reason is of no use where there is tax.
            (taxed, None, Some("x"), fr, C::Standard, 10, None),
            (taxed, Some(C::ReverseCharge), None, fr, C::ReverseCharge, 0, Some("Autoliquidation")),
            (taxed, Some(C::Export), Some("art. 262"), en, C::Export, 0, Some("art. 262")),
            (exempt, None, None, fr, C::Exempt, 0, Some("TVA non applicable, art. 293 B du CGI")),
            (exempt, Some(C::Standard), None, fr, C::Standard, 10, None),
            (written, None, None, fr, C::Exempt, 0, Some("Franchise")),
            (written, None, None, en, C::Exempt, 0, Some("Franchise")),
            (written, None, Some("own"), en, C::Exempt, 0, Some("own")),
            // The seller's reason is not that of another category.
            (written, Some(C::Zero), None, en, C::Zero, 0, Some("Zero-rated for VAT")),
        ] {
            let expected = (category, rate, printed.map(str::to_owned));
            assert_eq!(of(seller, own, reason, locale), expected);
        }
    }

    #[test]
    fn every_category_without_tax_has_a_reason_in_each_language() {
        for country in [None, Some("FR"), Some("SN")] {
            for (category, locale) in
                TaxCategory::ALL.iter().flat_map(|c| Locale::ALL.iter().map(move |l| (*c, *l)))
            {
                let reason = category.default_reason(country, locale);
                assert_eq!(reason.is_none(), category == TaxCategory::Standard, "{category}");
            }
        }
        let abroad = TaxCategory::Exempt.default_reason(Some("SN"), Locale::Fr);
        assert_eq!(abroad, Some("Exonéré de TVA"));
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
