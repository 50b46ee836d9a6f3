//! Amounts in the units that Stripe takes, which are not always the smallest of ISO 4217.
//!
//! The source of the tables is Stripe's page "Supported currencies". What it does not name is
//! taken in hundredths, as ISO 4217 has it.

use crate::domain::{Currency, Money};

/// "Zero-decimal currencies": whole units, `500` for 500 JPY. The ariary (MGA) has two decimals in
/// ISO 4217. The list names UGX as well, whose special case holds (see below).
const WHOLE: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
    "XOF", "XPF",
];

/// "Special cases": they became zero-decimal currencies, and are still written with two decimals
/// that are always 00: `500` for 5 UGX. Stripe refuses anything else ("charged amounts must be
/// evenly divisible by 100"). What the page says of HUF and TWD is about payouts alone.
const WHOLE_IN_HUNDREDTHS: &[&str] = &["ISK", "UGX"];

/// "Three-decimal currencies": thousandths, of which "the least-significant (last) digit" has to
/// be 0: `5120` or `5130`, never 5.124 KWD.
const THOUSANDTHS: &[&str] = &["BHD", "JOD", "KWD", "OMR", "TND"];

/// The amount as Stripe takes it; `None` where it cannot be said in its units. It is never
/// rounded: another amount than the invoice's would be charged.
pub fn units(amount: Money) -> Option<i64> {
    let ours = amount.currency().decimals();
    let (theirs, multiple) = scale(amount.currency().code(), ours)?;
    let units = match ours.checked_sub(theirs) {
        Some(more) => {
            let factor = 10_i64.checked_pow(more)?;
            (amount.minor() % factor == 0).then_some(amount.minor() / factor)?
        }
        None => amount.minor().checked_mul(10_i64.checked_pow(theirs - ours)?)?,
    };
    (units > 0 && units % multiple == 0).then_some(units)
}

/// An amount that Stripe tells, with its currency in lower case; `None` where it is none that
/// [`units`] could have been asked for.
pub fn money(units: i64, code: &str) -> Option<Money> {
    let currency: Currency = code.to_ascii_uppercase().parse().ok()?;
    let ours = currency.decimals();
    let (theirs, multiple) = scale(currency.code(), ours)?;
    let minor = match ours.checked_sub(theirs) {
        Some(more) => units.checked_mul(10_i64.checked_pow(more)?)?,
        None => {
            let factor = 10_i64.checked_pow(theirs - ours)?;
            (units % factor == 0).then_some(units / factor)?
        }
    };
    (units > 0 && units % multiple == 0).then_some(Money::from_minor(minor, currency))
}

/// Stripe's decimals of a currency, and what an amount has to be a multiple of. A currency with
/// other decimals than two that the page does not name (CLF, IQD, LYD) is none that it takes.
fn scale(code: &str, iso_decimals: u32) -> Option<(u32, i64)> {
    if WHOLE.contains(&code) {
        Some((0, 1))
    } else if WHOLE_IN_HUNDREDTHS.contains(&code) {
        Some((2, 100))
    } else if THOUSANDTHS.contains(&code) {
        Some((3, 10))
    } else {
        (iso_decimals == 2).then_some((2, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(minor: i64, code: &str) -> Option<i64> {
        units(Money::from_minor(minor, code.parse().unwrap()))
    }

    #[test]
    fn an_amount_is_said_in_stripes_units() {
        for (minor, code, expected) in [
            (4_990, "EUR", Some(4_990)),
            (15_000, "XOF", Some(15_000)),
            (500, "JPY", Some(500)),
            // 5 UGX and 5 ISK, which have no decimals in ISO 4217.
            (5, "UGX", Some(500)),
            (5, "ISK", Some(500)),
            // 1,250.00 ariary, and a fraction of one.
            (125_000, "MGA", Some(1_250)),
            (125_050, "MGA", None),
            // 5.120 and 5.124 dinars.
            (5_120, "KWD", Some(5_120)),
            (5_124, "KWD", None),
            (5_120, "TND", Some(5_120)),
            // Special for payouts alone.
            (1_045, "HUF", Some(1_045)),
            (80_045, "TWD", Some(80_045)),
            // Not Stripe's.
            (1_000, "IQD", None),
            (1_000, "CLF", None),
            (0, "EUR", None),
            (-1, "EUR", None),
            (i64::MAX, "UGX", None),
        ] {
            assert_eq!(of(minor, code), expected, "{minor} {code}");
            // And back.
            if let Some(units) = expected {
                let told = money(units, &code.to_ascii_lowercase());
                assert_eq!(told, Some(Money::from_minor(minor, code.parse().unwrap())), "{code}");
            }
        }
    }

    #[test]
    fn what_could_not_be_charged_is_no_amount() {
        for (units, code) in
            [(5_124, "kwd"), (550, "ugx"), (0, "eur"), (-5, "eur"), (1_000, "iqd"), (5, "eure")]
        {
            assert_eq!(money(units, code), None, "{units} {code}");
        }
    }

    /// Each special one is a currency, and is special: no list repeats what ISO 4217 says of a
    /// currency with two decimals, and none stands in two lists.
    #[test]
    fn the_tables_agree_with_the_currencies() {
        let decimals = |code: &str| code.parse::<crate::domain::Currency>().unwrap().decimals();
        for code in WHOLE {
            assert_eq!(decimals(code), if *code == "MGA" { 2 } else { 0 }, "{code}");
        }
        assert!(WHOLE_IN_HUNDREDTHS.iter().all(|code| decimals(code) == 0));
        assert!(THOUSANDTHS.iter().all(|code| decimals(code) == 3));
        assert!(!WHOLE_IN_HUNDREDTHS.iter().any(|code| WHOLE.contains(code)));
    }
}
