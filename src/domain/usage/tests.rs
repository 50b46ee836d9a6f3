use proptest::prelude::*;

use super::*;
use crate::domain::price::{Tier, Tiers};
use crate::domain::{Currency, PriceId};

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn eur() -> Currency {
    "EUR".parse().unwrap()
}

fn price(model: Model) -> Price {
    Price { id: PriceId(1), currency: eur(), terms: PriceTerms::plain(model) }
}

fn tiers(tiers: &[&str]) -> Tiers {
    let tiers = tiers.iter().map(|text| Tier::parse(text, eur(), str::to_owned));
    tiers.collect::<Result<_>>().and_then(Tiers::of).unwrap()
}

fn graduated(texts: &[&str]) -> Price {
    price(Model::Graduated { tiers: tiers(texts) })
}

fn minor(charges: &[Charge]) -> Vec<i64> {
    charges.iter().map(|charge| charge.amount.minor()).collect()
}

fn comes_to(price: &Price, quantity: &str, minimum: Option<i64>) -> Vec<i64> {
    let minimum = minimum.map(|minimum| Money::from_minor(minimum, eur()));
    minor(&charges(price, decimal(quantity), minimum).unwrap())
}

#[test]
fn the_value_of_an_event_is_decimal_text() {
    for (text, expected) in
        [("1", "1"), ("12.50", "12.5"), ("-3", "-3"), ("0.000000001", "0.000000001"), ("007", "7")]
    {
        assert_eq!(number(text).unwrap().to_string(), expected);
    }
    for text in [
        "",
        "-",
        ".5",
        "5.",
        "1e3",
        "+1",
        "1,5",
        " 1",
        "0x10",
        "NaN",
        "--1",
        "0.0000000001",
        "1000000000000.1",
        "99999999999999999999999999999999999",
    ] {
        assert_eq!(number(text), Err(Why::NotAValue), "{text}");
    }
}

/// 10 units are free, 100 cost 0.10, all others 0.05: at every bound, one beside it, and between.
#[test]
fn tiers_are_charged_at_every_bound_and_beside_it() {
    let mut sms = graduated(&["100:0.10", "inf:0.05"]);
    sms.terms.included = 10;
    for (quantity, expected) in [
        ("0", vec![]),
        ("1", vec![0]),
        ("10", vec![0]),
        ("11", vec![0, 10]),
        ("10.5", vec![0, 5]),
        ("109", vec![0, 990]),
        ("110", vec![0, 1000]),
        ("110.1", vec![0, 1000, 1]),
        ("111", vec![0, 1000, 5]),
        ("1210", vec![0, 1000, 5500]),
    ] {
        assert_eq!(comes_to(&sms, quantity, None), expected, "{quantity}");
    }
    let volume = price(Model::Volume { tiers: tiers(&["100:0.10", "inf:0.05:1.00"]) });
    for (quantity, expected) in
        [("0", vec![]), ("100", vec![1000]), ("100.01", vec![500, 100]), ("101", vec![505, 100])]
    {
        assert_eq!(comes_to(&volume, quantity, None), expected, "{quantity}");
    }
    let package = price(Model::Package { package: decimal("2"), size: 100 });
    for (quantity, expected) in
        [("0", vec![]), ("0.1", vec![200]), ("100", vec![200]), ("101", vec![400])]
    {
        assert_eq!(comes_to(&package, quantity, None), expected, "{quantity}");
    }
}

#[test]
fn a_percentage_is_of_the_value_and_a_minimum_is_a_charge_of_its_own() {
    let fee = price(Model::Percentage { percent: decimal("2.9") });
    assert_eq!(comes_to(&fee, "1250", None), [3625]);
    assert_eq!(comes_to(&fee, "0", None), [0i64; 0]);
    assert_eq!(comes_to(&fee, "100", Some(500)), [290, 210]);
    assert_eq!(comes_to(&fee, "0", Some(500)), [500]);
    assert_eq!(comes_to(&fee, "1250", Some(500)), [3625]);
    let charge = &charges(&fee, decimal("1250"), None).unwrap()[0];
    assert_eq!((charge.quantity, charge.unit_price), (decimal("1250"), decimal("0.029")));
    // The fee of the first tier is due without any unit.
    assert_eq!(comes_to(&graduated(&["10:1:5", "inf:1"]), "0", None), [500]);
}

#[test]
fn a_minimum_is_for_the_days_of_a_period_and_of_none_that_was_not_billed() {
    let mut price = graduated(&["inf:1"]);
    price.terms.minimum = Some(Money::from_minor(3100, eur()));
    let day = |text: &str| text.parse().unwrap();
    let period = Period { start: day("2026-01-15"), end: day("2026-02-01") };
    let part = UsagePeriod::running(period, 31, Vec::new());
    assert_eq!(part.minimum(&price).unwrap().map(Money::minor), Some(1700));
    let whole = Period { start: day("2026-01-01"), end: day("2026-02-01") };
    let whole = UsagePeriod::running(whole, 31, Vec::new());
    assert_eq!(whole.minimum(&price).unwrap().map(Money::minor), Some(3100));
    let away = UsagePeriod::away(period, Vec::new());
    assert_eq!(away.minimum(&price).unwrap(), None);
    assert_eq!(minor(&away.charges(&price, Decimal::ZERO, 0).unwrap()), [0i64; 0]);
    assert_eq!(minor(&away.charges(&price, Decimal::ONE, 1).unwrap()), [100]);
}

#[test]
fn what_was_billed_comes_off_and_what_is_too_much_goes_back() {
    let zero = Money::zero(eur());
    let money = |minor| Money::from_minor(minor, eur());
    let whole =
        |quantity: &str| charges(&graduated(&["inf:0.10"]), decimal(quantity), None).unwrap();
    let found = |quantity: &str, billed: Option<i64>| {
        difference(whole(quantity), billed.map(money), zero).unwrap()
    };
    assert_eq!(found("0", None), Difference::Nothing);
    assert_eq!(found("100", None), Difference::More(whole("100")));
    assert_eq!(found("100", Some(1000)), Difference::Nothing);
    assert_eq!(found("70", Some(1000)), Difference::Less(money(300)));
    let Difference::More(late) = found("120", Some(1000)) else { panic!("nothing is lacking") };
    assert_eq!((late.len(), late[0].of, late[0].amount), (1, Of::Late, money(200)));
}

#[test]
fn days_are_tiled_by_the_cycle() {
    use crate::domain::period::Anchor;
    use crate::domain::plan::{Interval, IntervalUnit};
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let month = Interval { unit: IntervalUnit::Month, count: 1 };
    let cycle = Cycle::starting(Anchor::Calendar, day("2026-01-01"), month);
    let tiles = tiles(cycle, day("2026-01-20"), day("2026-03-10"));
    let bounds: Vec<_> =
        tiles.iter().map(|one| (one.start.to_string(), one.end.to_string())).collect();
    let expected =
        [("2026-01-20", "2026-02-01"), ("2026-02-01", "2026-03-01"), ("2026-03-01", "2026-03-10")];
    let expected: Vec<_> =
        expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    assert_eq!(bounds, expected);
}

fn total(aggregation: Aggregation, events: &[(i64, i64)]) -> Total {
    let mut sum = Total::default();
    for (value, at) in events {
        let one = Total::of(aggregation, Decimal::new(*value, 2), *at, &format!("{value}"));
        sum = sum.plus(one, aggregation).unwrap();
    }
    sum
}

proptest! {
    /// In whichever order events come, and however they are split into batches, the total is the same.
    #[test]
    fn a_total_does_not_depend_on_the_order(
        events in prop::collection::vec((-500i64..500, 0i64..20), 1..30),
        at in 0usize..30,
        aggregation in prop::sample::select(Aggregation::ALL),
    ) {
        let whole = total(aggregation, &events);
        let mut turned = events.clone();
        turned.reverse();
        prop_assert_eq!(&total(aggregation, &turned), &whole);
        let (first, second) = events.split_at(at.min(events.len()));
        let parts = total(aggregation, second).plus(total(aggregation, first), aggregation);
        prop_assert_eq!(parts.unwrap(), whole);
    }

    /// Whatever was billed and credited before, what is billed in the end is what the whole comes to.
    #[test]
    fn differences_add_up_to_the_price_of_the_whole(
        quantities in prop::collection::vec(0i64..3_000, 1..12),
        included in 0i64..200,
        minimum in prop::option::of(1i64..5_000),
    ) {
        let mut sms = graduated(&["100:0.103:2", "500:0.07", "inf:0.0333"]);
        sms.terms.included = included;
        let minimum = minimum.map(|minimum| Money::from_minor(minimum, eur()));
        let zero = Money::zero(eur());
        let mut billed: Option<Money> = None;
        for quantity in quantities {
            let whole = charges(&sms, Decimal::new(quantity, 1), minimum).unwrap();
            let price: i64 = whole.iter().map(|charge| charge.amount.minor()).sum();
            match difference(whole, billed, zero).unwrap() {
                Difference::Nothing => {}
                Difference::More(lines) => {
                    for line in lines {
                        billed = Some(billed.unwrap_or(zero).plus(line.amount).unwrap());
                    }
                }
                Difference::Less(less) => billed = Some(billed.unwrap().minus(less).unwrap()),
            }
            prop_assert_eq!(billed.map_or(0, Money::minor), price);
        }
    }
}
