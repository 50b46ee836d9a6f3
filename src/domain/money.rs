//! Amounts of money: whole numbers of a currency's smallest unit, never a fraction of one.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};

/// The one rounding of the whole program: half away from zero, as tax offices and accountants
/// round. `Decimal::round_dp` alone would round 2.345 to 2.34 (half to even).
pub const ROUNDING: RoundingStrategy = RoundingStrategy::MidpointAwayFromZero;

/// `part` ÷ `whole` with so many decimals; `None` where there is nothing to divide by.
pub fn ratio(
    part: impl Into<Decimal>,
    whole: impl Into<Decimal>,
    decimals: u32,
) -> Option<Decimal> {
    part.into().checked_div(whole.into()).map(|exact| scaled(exact, decimals))
}

/// A share of a whole as a fraction with four decimals; `None` of nothing. One that is not all of it
/// is never rounded to all of it, nor to nothing what is something: of 26,000 runs, one that failed
/// is seen.
pub fn share(part: impl Into<Decimal>, whole: impl Into<Decimal>) -> Option<Decimal> {
    let (part, whole) = (part.into(), whole.into());
    let least = Decimal::new(1, 4);
    ratio(part, whole, 4).map(|share| match share {
        share if share == Decimal::ONE && part < whole => share - least,
        share if share.is_zero() && !part.is_zero() => least,
        share => share,
    })
}

/// A number rounded to so many decimals, with exactly as many when it is printed.
pub fn scaled(exact: Decimal, decimals: u32) -> Decimal {
    let mut rounded = exact.round_dp_with_strategy(decimals, ROUNDING);
    rounded.rescale(decimals);
    rounded
}

/// The largest amount that is accepted, in minor units: 10^15. It keeps sums of 9,000 such
/// amounts within 64 bits, and the database refuses more as well.
pub const MAX_MINOR: i64 = 1_000_000_000_000_000;

/// A currency of ISO 4217 that has a minor unit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The West African CFA franc, what billing is in where nothing else is said.
    pub const XOF: Currency = Currency(iso_currency::Currency::XOF);
    /// The euro.
    pub const EUR: Currency = Currency(iso_currency::Currency::EUR);

    /// The three e-mails, `EUR`.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Decimals of the currency by ISO 4217: 0 for XOF, 2 for EUR, 3 for KWD.
    pub fn decimals(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

/// What is wrong with a currency that was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadCurrency {
    Unknown,
    /// Another one took its place.
    Withdrawn {
        instead: &'static str,
    },
}

impl fmt::Display for BadCurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadCurrency::Unknown => {
                f.write_str("not a currency code of ISO 4217, such as XOF or EUR")
            }
            BadCurrency::Withdrawn { instead } => {
                write!(f, "a currency that was withdrawn: use {instead}")
            }
        }
    }
}

/// Currencies that were withdrawn, and what took their place. An old file may hold amounts in them;
/// nothing new is billed in them.
const WITHDRAWN: [(&str, &str); 5] =
    [("BGN", "EUR"), ("CUC", "CUP"), ("HRK", "EUR"), ("SLL", "SLE"), ("ZWL", "ZWG")];

impl Currency {
    /// Reads a code as it is typed: in any case, and no currency that was withdrawn.
    ///
    /// # Errors
    /// It is no code of ISO 4217, or one that was withdrawn.
    pub fn typed(text: &str) -> Result<Currency, BadCurrency> {
        let code = text.to_ascii_uppercase();
        match WITHDRAWN.iter().find(|(old, _)| *old == code) {
            Some((_, instead)) => Err(BadCurrency::Withdrawn { instead }),
            None => code.parse().map_err(|_| BadCurrency::Unknown),
        }
    }
}

impl FromStr for Currency {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        iso_currency::Currency::from_code(code)
            // Gold, SDRs and testing codes have no minor unit: nothing can be billed in them.
            .filter(|c| c.exponent().is_some())
            .map(Currency)
            .ok_or_else(|| BadCurrency::Unknown.to_string())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// What is wrong with an amount that was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadAmount {
    NotAnAmount,
    Negative,
    TooLarge,
    TooManyDecimals {
        currency: Currency,
    },
    /// More than [`UNIT_DECIMALS`] of the price of a unit.
    TooManyUnitDecimals,
}

/// Why amounts cannot be reckoned together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyFault {
    MixedCurrencies {
        one: Currency,
        other: Currency,
    },
    /// Above [`MAX_MINOR`], either way.
    Overflow {
        currency: Currency,
    },
}

/// An amount in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// `minor` smallest units of the currency: 4990 EUR minor units are 49.90 EUR.
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Money { minor, currency }
    }

    /// Nothing, in that currency.
    pub const fn zero(currency: Currency) -> Self {
        Money { minor: 0, currency }
    }

    /// Whole smallest units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency of the amount.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The amount in major units, with the currency's decimals: 49.90 of 4990 cents.
    pub fn exact(self) -> Decimal {
        Decimal::new(self.minor, self.currency.decimals())
    }

    /// An exact number of major units, rounded once by [`ROUNDING`].
    ///
    /// # Errors
    /// A result above [`MAX_MINOR`].
    pub fn of(exact: Decimal, currency: Currency) -> Result<Money, MoneyFault> {
        let zero = Money::zero(currency);
        zero.rounded(in_minor(exact, currency)).ok_or(MoneyFault::Overflow { currency })
    }

    /// Reads an amount as a person types it, in major units: at most the currency's decimals
    /// (`10.5` XOF is refused, not rounded), never negative.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, BadAmount> {
        let (whole, fraction) = digits(text)?;
        if fraction.len() > currency.decimals() as usize {
            return Err(BadAmount::TooManyDecimals { currency });
        }
        let padded = format!("{whole}{fraction:0<width$}", width = currency.decimals() as usize);
        match padded.parse::<i64>() {
            Ok(minor) if minor <= MAX_MINOR => Ok(Money { minor, currency }),
            _ => Err(BadAmount::TooLarge),
        }
    }

    /// The sum.
    ///
    /// # Errors
    /// Two currencies, or more than [`MAX_MINOR`] either way.
    pub fn plus(self, other: Money) -> Result<Money, MoneyFault> {
        self.with(other, i64::checked_add)
    }

    /// The difference.
    ///
    /// # Errors
    /// As [`Money::plus`].
    pub fn minus(self, other: Money) -> Result<Money, MoneyFault> {
        self.with(other, i64::checked_sub)
    }

    fn with(self, other: Money, op: fn(i64, i64) -> Option<i64>) -> Result<Money, MoneyFault> {
        if self.currency != other.currency {
            return Err(MoneyFault::MixedCurrencies { one: self.currency, other: other.currency });
        }
        match op(self.minor, other.minor) {
            Some(minor) if minor.abs() <= MAX_MINOR => Ok(Money { minor, ..self }),
            _ => Err(MoneyFault::Overflow { currency: self.currency }),
        }
    }

    /// `percent` hundredths of the amount, rounded once by [`ROUNDING`].
    ///
    /// # Errors
    /// A result above [`MAX_MINOR`].
    pub fn percent(self, percent: Decimal) -> Result<Money, MoneyFault> {
        let overflow = MoneyFault::Overflow { currency: self.currency };
        // Multiplied before it is divided: 1/3 % of 300 is 1, not 0.99.
        let exact = Decimal::from(self.minor)
            .checked_mul(percent)
            .and_then(|product| product.checked_div(Decimal::ONE_HUNDRED));
        self.rounded(exact).ok_or(overflow)
    }

    /// What is left of the amount without so many hundredths that came on top of it: 100 of 120 at 20,
    /// rounded once by [`ROUNDING`].
    ///
    /// # Errors
    /// A result above [`MAX_MINOR`].
    pub fn without_percent(self, percent: Decimal) -> Result<Money, MoneyFault> {
        let overflow = MoneyFault::Overflow { currency: self.currency };
        let exact =
            Decimal::from(self.minor).checked_mul(Decimal::ONE_HUNDRED).and_then(|hundred| {
                Decimal::ONE_HUNDRED
                    .checked_add(percent)
                    .and_then(|whole| hundred.checked_div(whole))
            });
        self.rounded(exact).ok_or(overflow)
    }

    /// So many times the amount.
    ///
    /// # Errors
    /// A result above [`MAX_MINOR`].
    pub fn times(self, count: i64) -> Result<Money, MoneyFault> {
        match self.minor.checked_mul(count) {
            Some(minor) if minor.abs() <= MAX_MINOR => Ok(Money { minor, ..self }),
            _ => Err(MoneyFault::Overflow { currency: self.currency }),
        }
    }

    /// The exact fraction `part` ÷ `whole` of the amount, rounded once by [`ROUNDING`]. What is
    /// left of the amount is the complement: two parts that are rounded each on its own may come
    /// to one unit more than the whole (half of 1 is 1, twice).
    ///
    /// # Errors
    /// A whole of nothing, or a result above [`MAX_MINOR`].
    pub fn share(self, part: i64, whole: i64) -> Result<Money, MoneyFault> {
        let overflow = MoneyFault::Overflow { currency: self.currency };
        self.rounded(fraction(Decimal::from(self.minor), part, whole)).ok_or(overflow)
    }

    /// The exact fraction `part` ÷ `whole` of an exact number of major units, rounded once by
    /// [`ROUNDING`]: [`Money::share`] of what need not be whole in minor units.
    ///
    /// # Errors
    /// As [`Money::share`].
    pub fn share_of(
        exact: Decimal,
        part: i64,
        whole: i64,
        currency: Currency,
    ) -> Result<Money, MoneyFault> {
        let minor = in_minor(exact, currency).and_then(|minor| fraction(minor, part, whole));
        Money::zero(currency).rounded(minor).ok_or(MoneyFault::Overflow { currency })
    }

    /// Splits the amount by weights so that the parts add up to it: each gets what its share comes
    /// to in whole units, and what is left goes to those that lost most by that, the first ones
    /// where they are alike (largest remainder). With weights that add up to at least the amount,
    /// no part is above its weight.
    ///
    /// Neither the amount nor a weight may be negative; where all weights are nothing, so are the
    /// parts.
    pub fn split(self, weights: &[i64]) -> Vec<Money> {
        let whole: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
        if whole <= 0 {
            return weights.iter().map(|_| Money::zero(self.currency)).collect();
        }
        let product = |weight: i64| i128::from(self.minor) * i128::from(weight);
        // A share is below the amount, which fits.
        let floor = |weight: i64| i64::try_from(product(weight) / whole).unwrap_or(self.minor);
        let mut parts: Vec<i64> = weights.iter().map(|weight| floor(*weight)).collect();
        let left = self.minor - parts.iter().sum::<i64>();
        let mut by_loss: Vec<usize> = (0..weights.len()).collect();
        by_loss.sort_by_key(|at| std::cmp::Reverse(product(weights[*at]) % whole));
        for at in by_loss.into_iter().take(usize::try_from(left).unwrap_or(0)) {
            parts[at] += 1;
        }
        parts.into_iter().map(|minor| Money { minor, ..self }).collect()
    }

    fn rounded(self, exact: Option<Decimal>) -> Option<Money> {
        let whole = exact?.round_dp_with_strategy(0, ROUNDING);
        let minor = i64::try_from(whole).ok().filter(|minor| minor.abs() <= MAX_MINOR)?;
        Some(Money { minor, ..self })
    }

    /// Major units with exactly the currency's decimals, `15000` XOF, `49.90` EUR.
    pub fn major(self) -> String {
        let mut text = String::new();
        self.write_major(&mut text, '.');
        text
    }

    /// Adds what [`Money::major`] says to a text, with that decimal mark.
    pub fn write_major(self, text: &mut String, mark: char) {
        let decimals = self.currency.decimals();
        let unit = 10u64.pow(decimals);
        let minor = self.minor.unsigned_abs();
        let sign = if self.minor < 0 { "-" } else { "" };
        let _ = write!(text, "{sign}{}", minor / unit);
        if decimals > 0 {
            let _ = write!(text, "{mark}{:0width$}", minor % unit, width = decimals as usize);
        }
    }
}

/// `part` ÷ `whole` of a number of minor units, multiplied before it is divided. The quotient is cut
/// at 28 digits, which cannot move that of whole minor units across a half: the nearest one that is
/// no half lies 1 ÷ (2 × whole) away.
fn fraction(minor: Decimal, part: i64, whole: i64) -> Option<Decimal> {
    let product = minor.checked_mul(Decimal::from(part))?;
    product.checked_div(Decimal::from(whole))
}

/// Major units as minor ones, whole or not.
fn in_minor(exact: Decimal, currency: Currency) -> Option<Decimal> {
    exact.checked_mul(Decimal::from(10i64.pow(currency.decimals())))
}

/// An exact number of major units as it is printed: with the currency's decimals, and more where it
/// has more (`49.90`, `0.0004` EUR).
pub fn major(exact: Decimal, currency: Currency) -> String {
    let mut exact = exact.normalize();
    if exact.scale() < currency.decimals() {
        exact.rescale(currency.decimals());
    }
    exact.to_string()
}

/// The digits of an amount before its point and behind it.
fn digits(text: &str) -> Result<(&str, &str), BadAmount> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err(BadAmount::NotAnAmount),
        Some((whole, fraction)) => (whole, fraction),
        None => (digits, ""),
    };
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(BadAmount::NotAnAmount);
    }
    if digits.len() != text.len() {
        return Err(BadAmount::Negative);
    }
    Ok((whole, fraction))
}

/// The most decimals that the price of a unit may have.
pub const UNIT_DECIMALS: usize = 12;

/// Reads the price of a unit in major units: up to [`UNIT_DECIMALS`] decimals, whatever the currency has.
///
/// # Errors
/// It is none, or more than can be billed.
pub fn unit_price(text: &str, currency: Currency) -> Result<Decimal, BadAmount> {
    let (_, fraction) = digits(text)?;
    if fraction.len() > UNIT_DECIMALS {
        return Err(BadAmount::TooManyUnitDecimals);
    }
    let exact = Decimal::from_str_exact(text).map_err(|_| BadAmount::TooLarge)?;
    Money::of(exact, currency).map_err(|_| BadAmount::TooLarge)?;
    Ok(exact)
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} {}", self.major(), self.currency))
    }
}

/// Sums per currency, in the order in which the currencies first came: amounts of two currencies
/// are never added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals(Vec<Money>);

impl Totals {
    /// Adds the amount to the sum of its currency.
    ///
    /// # Errors
    /// A sum above [`MAX_MINOR`].
    pub fn add(&mut self, amount: Money) -> Result<(), MoneyFault> {
        match self.0.iter_mut().find(|sum| sum.currency() == amount.currency()) {
            Some(sum) => *sum = sum.plus(amount)?,
            None => self.0.push(amount),
        }
        Ok(())
    }

    /// One sum a currency.
    pub fn iter(&self) -> impl Iterator<Item = &Money> {
        self.0.iter()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Least amounts, at most one a currency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Minimums(Vec<Money>);

impl Minimums {
    /// Reads amounts of major units by currency.
    ///
    /// # Errors
    /// A currency that is none, or an amount that is none of that currency.
    pub fn parse<'a>(
        amounts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> std::result::Result<Self, String> {
        let read = |(code, amount): (&str, &str)| {
            let currency: Currency = code.parse()?;
            Money::parse(amount, currency)
                .map_err(|_| format!("not an amount in {currency}: {amount}"))
        };
        Ok(Minimums(amounts.into_iter().map(read).collect::<std::result::Result<_, String>>()?))
    }

    /// The least amount in that currency, where there is one.
    pub fn of(&self, currency: Currency) -> Option<Money> {
        self.0.iter().copied().find(|minimum| minimum.currency() == currency)
    }

    /// Whether an amount is below the least one of its currency.
    pub fn is_above(&self, amount: Money) -> bool {
        self.of(amount.currency()).is_some_and(|minimum| amount.minor() < minimum.minor())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_currency_is_typed_in_any_case_and_never_one_that_was_withdrawn() {
        for code in ["xof", "Xof", "XOF"] {
            assert_eq!(Currency::typed(code), Ok(Currency::XOF));
        }
        for (old, instead) in WITHDRAWN {
            assert_eq!(Currency::typed(old), Err(BadCurrency::Withdrawn { instead }));
            assert_eq!(
                Currency::typed(&old.to_lowercase()),
                Err(BadCurrency::Withdrawn { instead })
            );
            assert!(old.parse::<Currency>().is_ok(), "an old file is read: {old}");
            assert!(Currency::typed(instead).is_ok(), "{instead}");
        }
        for code in ["", "XX", "XAU", "EURO", "é"] {
            assert_eq!(Currency::typed(code), Err(BadCurrency::Unknown), "{code}");
        }
    }

    #[test]
    fn a_share_is_all_or_nothing_only_where_it_is() {
        for (part, whole, expected) in [
            (1, 3, "0.3333"),
            (25_999, 26_000, "0.9999"),
            (26_000, 26_000, "1.0000"),
            (1, 26_000, "0.0001"),
            (0, 26_000, "0.0000"),
            (3, 2, "1.5000"),
        ] {
            assert_eq!(
                share(part, whole).map(|share| share.to_string()).as_deref(),
                Some(expected)
            );
        }
        assert_eq!(share(0, 0), None);
    }

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn amounts_are_typed_with_at_most_the_currencys_decimals() {
        for (text, code, minor) in [
            ("15000", "XOF", 15000),
            ("49.9", "EUR", 4990),
            ("49.90", "EUR", 4990),
            ("1.25", "KWD", 1250),
            ("0", "EUR", 0),
            ("007", "XOF", 7),
        ] {
            assert_eq!(Money::parse(text, currency(code)).unwrap().minor(), minor, "{text} {code}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_and_never_rounded() {
        for (text, code, why) in [
            ("10.5", "XOF", BadAmount::TooManyDecimals { currency: currency("XOF") }),
            ("49.901", "EUR", BadAmount::TooManyDecimals { currency: currency("EUR") }),
            ("-1", "EUR", BadAmount::Negative),
            ("", "EUR", BadAmount::NotAnAmount),
            ("1e3", "EUR", BadAmount::NotAnAmount),
            ("1,000", "EUR", BadAmount::NotAnAmount),
            ("+5", "EUR", BadAmount::NotAnAmount),
            ("5.", "EUR", BadAmount::NotAnAmount),
            (".5", "EUR", BadAmount::NotAnAmount),
            ("10000000000000.01", "EUR", BadAmount::TooLarge),
            ("99999999999999999999", "XOF", BadAmount::TooLarge),
        ] {
            assert_eq!(Money::parse(text, currency(code)), Err(why), "{text} {code}");
        }
    }

    #[test]
    fn the_price_of_a_unit_may_have_twelve_decimals_whatever_its_currency_has() {
        for (text, code) in [("0.0004", "EUR"), ("10.5", "XOF"), ("0.000000000001", "KWD")] {
            let read = unit_price(text, currency(code)).map(|exact| exact.to_string());
            assert_eq!(read.as_deref(), Ok(text));
        }
        for (text, why) in [
            ("0.0000000000001", BadAmount::TooManyUnitDecimals),
            ("-0.1", BadAmount::Negative),
            ("1e-3", BadAmount::NotAnAmount),
            ("10000000000000.01", BadAmount::TooLarge),
            ("99999999999999999999999999999999", BadAmount::TooLarge),
        ] {
            assert_eq!(unit_price(text, currency("EUR")), Err(why), "{text}");
        }
    }

    #[test]
    fn tax_is_rounded_half_away_from_zero() {
        for (minor, percent, tax) in [(1050, "5", 53), (1030, "5", 52), (3150, "8.25", 260)] {
            let amount = Money::from_minor(minor, currency("EUR"));
            assert_eq!(amount.percent(percent.parse().unwrap()).unwrap().minor(), tax, "{minor}");
        }
    }

    #[test]
    fn an_exact_number_is_rounded_once_and_printed_with_all_its_decimals() {
        for (exact, code, minor, printed) in [
            ("49.9", "EUR", 4990, "49.90"),
            ("0.0004", "EUR", 0, "0.0004"),
            ("0.005", "EUR", 1, "0.005"),
            ("15000.000", "XOF", 15000, "15000"),
            ("1.2345", "KWD", 1235, "1.2345"),
        ] {
            let (exact, currency) = (exact.parse::<Decimal>().unwrap(), currency(code));
            assert_eq!(Money::of(exact, currency).unwrap().minor(), minor, "{exact}");
            assert_eq!(major(exact, currency), printed);
        }
        assert!(Money::of(Decimal::from(MAX_MINOR), currency("EUR")).is_err());
        assert!(Money::of(Decimal::MAX, currency("EUR")).is_err());
    }

    #[test]
    fn currencies_never_mix_and_sums_never_overflow() {
        let eur = Money::from_minor(1, currency("EUR"));
        assert!(eur.plus(Money::from_minor(1, Currency::XOF)).is_err());
        assert!(
            Money::from_minor(MAX_MINOR, Currency::XOF)
                .plus(Money::from_minor(1, Currency::XOF))
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn printing_and_parsing_an_amount_is_the_same_amount(
            minor in 0..=MAX_MINOR,
            code in prop::sample::select(vec!["XOF", "EUR", "KWD", "CLF"]),
        ) {
            let money = Money::from_minor(minor, currency(code));
            prop_assert_eq!(Money::parse(&money.major(), currency(code)), Ok(money));
        }
    }
}
