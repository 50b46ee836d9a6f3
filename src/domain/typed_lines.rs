//! Lines of an invoice as a person types them: `DESCRIPTION:QUANTITY:UNIT_PRICE`. They are split from the
//! right, so that a description may have colons of its own.

use rust_decimal::Decimal;

use super::email::Locale;
use super::invoice::Line;
use super::money::BadAmount;
use super::refusal::{BadLine, Why};
use super::{Currency, Money, Refusal, Result, text, wording};

/// EN 16931 has no more decimals of a quantity in France (BR-FR-DEC-02).
const QUANTITY_DECIMALS: u32 = 4;

/// As many as a price of a plan may have.
const PRICE_DECIMALS: u32 = 12;

/// With its decimals it fits the 19 digits that an e-invoice has for a number.
const MOST_QUANTITY: i64 = 1_000_000_000_000;

/// A part of a line that is refused: which, what was typed, and why.
type BadPart = (&'static str, String, Why);

/// Reads lines, their numbers as people write them in `locale`. Each comes to quantity × unit price,
/// rounded once.
///
/// # Errors
/// All that is wrong with any of them.
pub fn read(typed: &[String], currency: Currency, locale: Locale) -> Result<Vec<Line>> {
    let (mut lines, mut bad) = (Vec::new(), Vec::new());
    for (at, typed) in typed.iter().enumerate() {
        match line(typed, currency, locale) {
            Ok(line) => lines.push(line),
            Err(parts) => bad.extend(parts.into_iter().map(|(field, value, why)| BadLine {
                position: at + 1,
                field,
                value,
                why,
            })),
        }
    }
    if bad.is_empty() { Ok(lines) } else { Err(Refusal::BadLines { of: typed.len(), bad }) }
}

fn line(
    typed: &str,
    currency: Currency,
    locale: Locale,
) -> std::result::Result<Line, Vec<BadPart>> {
    let mut parts = typed.rsplitn(3, ':');
    let (Some(price), Some(quantity), Some(description)) =
        (parts.next(), parts.next(), parts.next())
    else {
        return Err(vec![("", typed.to_owned(), Why::NotALine)]);
    };
    let mut bad = Vec::new();
    let mut wrong = |field, value: &str, why| bad.push((field, value.to_owned(), why));
    let description = match text::line("description", description, 500) {
        Ok(description) => Some(description),
        Err(Refusal::Bad { field, value, why }) => {
            wrong(field, &value, why);
            None
        }
        Err(_) => None,
    };
    let quantity =
        read_quantity(quantity, locale).map_err(|why| wrong("quantity", quantity.trim(), why)).ok();
    let unit_price = read_price(price, currency, locale)
        .map_err(|why| wrong("unit_price", price.trim(), why))
        .ok();
    let (Some(description), Some(quantity), Some(unit_price)) = (description, quantity, unit_price)
    else {
        return Err(bad);
    };
    match amount(quantity, unit_price, currency) {
        Some(amount) => {
            Ok(Line { quantity, unit_price: Some(unit_price), ..Line::single(description, amount) })
        }
        None => Err(vec![("", typed.to_owned(), Why::Amount(BadAmount::TooLarge))]),
    }
}

/// A line of that many at a price each, as they were typed apart: it comes to quantity × unit price,
/// rounded once, and to something.
///
/// # Errors
/// No quantity or no price of that currency, an amount that is too large, or nothing.
pub fn of_parts(
    description: String,
    quantity: &str,
    price: &str,
    currency: Currency,
    locale: Locale,
) -> Result<Line> {
    let read = read_quantity(quantity, locale);
    let many = read.map_err(|why| Refusal::bad("quantity", quantity, why))?;
    let read = read_price(price, currency, locale);
    let unit_price = read.map_err(|why| Refusal::bad("unit_price", price, why))?;
    let whole = format!("{} × {}", quantity.trim(), price.trim());
    match amount(many, unit_price, currency) {
        Some(amount) if amount.is_zero() => Err(Refusal::bad("amount", &whole, Why::Zero)),
        Some(amount) => {
            let line = Line::single(description, amount);
            Ok(Line { quantity: many, unit_price: Some(unit_price), ..line })
        }
        None => Err(Refusal::bad("amount", &whole, Why::Amount(BadAmount::TooLarge))),
    }
}

fn read_quantity(typed: &str, locale: Locale) -> std::result::Result<Decimal, Why> {
    let quantity = text::decimal(&wording::plain_number(typed.trim(), locale));
    let quantity = quantity.map(|quantity| quantity.normalize());
    let fits = |quantity: &Decimal| {
        *quantity > Decimal::ZERO
            && *quantity <= Decimal::from(MOST_QUANTITY)
            && quantity.scale() <= QUANTITY_DECIMALS
    };
    quantity.filter(fits).ok_or(Why::NotAQuantity)
}

/// With at least as many decimals as the currency has.
fn read_price(
    typed: &str,
    currency: Currency,
    locale: Locale,
) -> std::result::Result<Decimal, Why> {
    let price = text::decimal(&wording::plain_number(typed.trim(), locale));
    let mut price = price.ok_or(Why::Amount(BadAmount::NotAnAmount))?.normalize();
    if price < Decimal::ZERO {
        return Err(Why::Amount(BadAmount::Negative));
    }
    if price.scale() > PRICE_DECIMALS {
        return Err(Why::TooManyPriceDecimals { most: PRICE_DECIMALS });
    }
    Money::of(price, currency).map_err(|_| Why::Amount(BadAmount::TooLarge))?;
    price.rescale(price.scale().max(currency.decimals()));
    Ok(price)
}

/// What so many come to; `None` where that is too large, or has more digits than can be kept: it would be
/// rounded twice.
fn amount(quantity: Decimal, unit_price: Decimal, currency: Currency) -> Option<Money> {
    let exact = quantity.checked_mul(unit_price)?;
    let kept = exact.is_zero() || exact.scale() == quantity.scale() + unit_price.scale();
    Money::of(exact, currency).ok().filter(|_| kept)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::money::{self, MAX_MINOR};

    fn one(typed: &str, currency: &str, locale: Locale) -> Result<Line> {
        let lines = read(&[typed.to_owned()], currency.parse().unwrap(), locale)?;
        Ok(lines.into_iter().next().unwrap())
    }

    fn why(typed: &str, currency: &str) -> Vec<(&'static str, String, Why)> {
        match one(typed, currency, Locale::En) {
            Err(Refusal::BadLines { of: 1, bad }) => {
                assert!(bad.iter().all(|bad| bad.position == 1));
                bad.into_iter().map(|bad| (bad.field, bad.value, bad.why)).collect()
            }
            other => panic!("{typed}: {other:?}"),
        }
    }

    #[test]
    fn a_line_is_quantity_times_price_rounded_once() {
        for (typed, currency, description, quantity, price, minor) in [
            ("Support:1:80", "EUR", "Support", "1", "80.00", 8000),
            (
                "Support: on site: a day:1.5:80.00",
                "EUR",
                "Support: on site: a day",
                "1.5",
                "80.00",
                12000,
            ),
            ("09:00 to 10:30:1.5:80", "EUR", "09:00 to 10:30", "1.5", "80.00", 12000),
            ("SMS:12500:0.0004", "EUR", "SMS", "12500", "0.0004", 500),
            ("Half a cent:1:0.005", "EUR", "Half a cent", "1", "0.005", 1),
            ("Below half:1:0.0049", "EUR", "Below half", "1", "0.0049", 0),
            ("A gift:3:0", "EUR", "A gift", "3", "0.00", 0),
            ("Litres:0.3333:1500", "XOF", "Litres", "0.3333", "1500", 500),
            ("Rounded up:0.5:1", "XOF", "Rounded up", "0.5", "1", 1),
            ("Zeros:2.500000:1.000000000000000", "KWD", "Zeros", "2.5", "1.000", 2500),
            (" Spaces : 2 : 3 ", "EUR", "Spaces", "2", "3.00", 600),
            (
                "Tiny:1000000000000:0.000000000001",
                "EUR",
                "Tiny",
                "1000000000000",
                "0.000000000001",
                100,
            ),
        ] {
            let line = one(typed, currency, Locale::En).unwrap();
            let found = (
                line.description.as_str(),
                line.quantity.to_string(),
                line.unit_price.unwrap().to_string(),
                line.amount.minor(),
            );
            assert_eq!(
                found,
                (description, quantity.to_owned(), price.to_owned(), minor),
                "{typed}"
            );
        }
    }

    #[test]
    fn numbers_are_taken_as_the_locale_prints_them() {
        for (typed, locale) in [
            ("Conseil:1,5:1 250,50", Locale::Fr),
            ("Conseil:1.5:1250.5", Locale::Fr),
            ("Conseil:1,5:1\u{202f}250,50", Locale::Fr),
            ("Conseil:1.5:1,250.50", Locale::En),
        ] {
            let line = one(typed, "EUR", locale).unwrap();
            assert_eq!((line.amount.minor(), line.count()), (187_575, None), "{typed}");
        }
        assert!(one("Conseil:1,5:80", "EUR", Locale::En).is_err(), "1,5 is no English number");
    }

    #[test]
    fn what_is_wrong_is_named_part_by_part() {
        let amount = Why::Amount;
        for (typed, wrong) in [
            ("Support", vec![("", "Support", Why::NotALine)]),
            ("Support:80", vec![("", "Support:80", Why::NotALine)]),
            ("", vec![("", "", Why::NotALine)]),
            (":1:80", vec![("description", "", Why::Empty)]),
            ("a\tb:1:80", vec![("description", "a\tb", Why::ControlCharacter { code: 9 })]),
            ("x:0:80", vec![("quantity", "0", Why::NotAQuantity)]),
            ("x:-1:80", vec![("quantity", "-1", Why::NotAQuantity)]),
            ("x:1.00001:80", vec![("quantity", "1.00001", Why::NotAQuantity)]),
            ("x:1e3:80", vec![("quantity", "1e3", Why::NotAQuantity)]),
            ("x:1000000000000.1:0", vec![("quantity", "1000000000000.1", Why::NotAQuantity)]),
            ("x::80", vec![("quantity", "", Why::NotAQuantity)]),
            ("x:1:-5", vec![("unit_price", "-5", amount(BadAmount::Negative))]),
            ("x:1:", vec![("unit_price", "", amount(BadAmount::NotAnAmount))]),
            ("x:1:free", vec![("unit_price", "free", amount(BadAmount::NotAnAmount))]),
            (
                "x:1:0.0000000000001",
                vec![("unit_price", "0.0000000000001", Why::TooManyPriceDecimals { most: 12 })],
            ),
            (
                "x:1:10000000000000.01",
                vec![("unit_price", "10000000000000.01", amount(BadAmount::TooLarge))],
            ),
            ("x:2:10000000000000", vec![("", "x:2:10000000000000", amount(BadAmount::TooLarge))]),
            // More digits than a Decimal has: it would be rounded before it is rounded.
            (
                "x:0.9999:9000000000000.000000000001",
                vec![("", "x:0.9999:9000000000000.000000000001", amount(BadAmount::TooLarge))],
            ),
            (
                " :0:-1",
                vec![
                    ("description", "", Why::Empty),
                    ("quantity", "0", Why::NotAQuantity),
                    ("unit_price", "-1", amount(BadAmount::Negative)),
                ],
            ),
        ] {
            let wrong: Vec<_> = wrong
                .into_iter()
                .map(|(field, value, why)| (field, value.to_owned(), why))
                .collect();
            assert_eq!(why(typed, "EUR"), wrong, "{typed}");
        }
        assert_eq!(why(&format!("{}:1:1", "é".repeat(501)), "EUR")[0].2, Why::TooLong { max: 500 });
    }

    #[test]
    fn all_bad_lines_are_named_by_their_position() {
        let typed = ["a:1:1", "b:0:1", "c", "d:1:1", "e:1:x"].map(str::to_owned);
        let Err(Refusal::BadLines { of: 5, bad }) = read(&typed, Currency::EUR, Locale::En) else {
            panic!("they are refused");
        };
        assert_eq!(bad.iter().map(|bad| bad.position).collect::<Vec<_>>(), [2, 3, 5]);
    }

    proptest! {
        #[test]
        fn a_line_that_is_printed_is_read_again_as_it_was(
            quantity in 1i64..=100_000_000, places in 0u32..=4,
            price in 0i64..=10_000_000_000, decimals in 0u32..=12,
            description in "[a-z:0-9]{1,20}x",
            code in prop::sample::select(vec!["XOF", "EUR", "KWD", "CLF"]),
            fr in any::<bool>(),
        ) {
            let locale = if fr { Locale::Fr } else { Locale::En };
            let currency: Currency = code.parse().unwrap();
            let (quantity, price) = (Decimal::new(quantity, places), Decimal::new(price, decimals));
            let exact = quantity * price;
            prop_assume!(exact < Decimal::new(MAX_MINOR, currency.decimals()));
            let number = |exact: Decimal| wording::number(&exact.to_string(), locale);
            let typed = format!("{description}:{}:{}", number(quantity), number(price));
            let line = one(&typed, code, locale).unwrap();
            prop_assert_eq!(line.amount, Money::of(exact, currency).unwrap());
            prop_assert_eq!((line.quantity, line.unit_price), (quantity, Some(price)));
            prop_assert_eq!(&line.description, &description);
            let shown = money::major(line.unit_price.unwrap(), currency);
            prop_assert!(shown.split_once('.').map_or(0, |(_, d)| d.len()) >= currency.decimals() as usize);
        }
    }
}
