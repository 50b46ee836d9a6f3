use proptest::prelude::*;

use super::*;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn price(model: Model, code: &str) -> Price {
    let terms = PriceTerms::plain(model);
    Price { id: PriceId(1), currency: code.parse().unwrap(), terms }
}

fn per_unit(unit: &str, code: &str) -> Price {
    price(Model::PerUnit { unit: decimal(unit) }, code)
}

fn read(tiers: &[&str]) -> Result<Tiers> {
    let eur = "EUR".parse().unwrap();
    let tiers = tiers.iter().map(|text| Tier::parse(text, eur, str::to_owned));
    tiers.collect::<Result<_>>().and_then(Tiers::of)
}

fn tiers(tiers: &[&str]) -> Tiers {
    read(tiers).unwrap()
}

/// The parts of what so many come to, not rounded.
fn parts(price: &Price, quantity: impl Into<Decimal>) -> Vec<Part> {
    let mut parts = Vec::new();
    let rounded = |exact| Money::of(exact, price.currency);
    price
        .each_amount(quantity, rounded, |part, _| {
            parts.push(part);
            Ok(())
        })
        .unwrap();
    parts
}

fn exact(price: &Price, quantity: impl Into<Decimal>) -> Decimal {
    parts(price, quantity).iter().map(|part| part.quantity * part.unit).sum()
}

/// What whole units come to, counted out one by one.
fn counted(model: &Model, quantity: i64) -> Decimal {
    let tier_of = |unit: i64, tiers: &Tiers| -> Tier {
        tiers.iter().find(|tier| tier.up_to.is_none_or(|last| unit <= last)).unwrap().clone()
    };
    match model {
        Model::Flat { amount } => *amount,
        Model::PerUnit { unit } => (0..quantity).map(|_| *unit).sum(),
        Model::Percentage { percent } => {
            (0..quantity).map(|_| *percent).sum::<Decimal>() / Decimal::ONE_HUNDRED
        }
        Model::Volume { tiers } => {
            let tier = tier_of(quantity, tiers);
            (0..quantity).map(|_| tier.unit).sum::<Decimal>() + tier.flat
        }
        Model::Graduated { tiers } => {
            let units: Decimal = (1..=quantity).map(|unit| tier_of(unit, tiers).unit).sum();
            let reached = tier_of(quantity, tiers);
            let flats = tiers.iter().take_while(|tier| **tier != reached).map(|tier| tier.flat);
            units + flats.sum::<Decimal>() + reached.flat
        }
        Model::Package { package, size } => {
            let (mut begun, mut left) = (Decimal::ZERO, quantity);
            while left > 0 {
                begun += package;
                left -= size;
            }
            begun
        }
    }
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
        ("0.5", "XOF", "3", 2),
    ] {
        let quantity: Decimal = decimal(quantity);
        let amount = per_unit(unit, currency).amount(quantity).unwrap();
        assert_eq!(amount.minor(), minor, "{quantity} × {unit}");
    }
}

#[test]
fn an_amount_that_is_too_large_is_refused() {
    let dear = per_unit("10000000000000.00", "EUR");
    assert!(dear.amount(Decimal::ONE).is_ok());
    assert!(dear.amount(Decimal::TWO).is_err());
    assert!(dear.amount(Decimal::MAX).is_err());
}

/// Worked out by hand: 10 at 5.00 are 50.00, 90 at 4.00 are 360.00.
#[test]
fn tiers_at_every_bound_and_one_beside_it() {
    let plain = ["10:5.00", "100:4.00", "inf:3.50"];
    let fees = ["10:5.00:20", "100:4.00:30", "inf:0:500"];
    for (quantity, graduated, volume, graduated_fees, volume_fees) in [
        (0, "0", "0", "20", "20"),
        (1, "5", "5", "25", "25"),
        (9, "45", "45", "65", "65"),
        (10, "50", "50", "70", "70"),
        (11, "54", "44", "104", "74"),
        (99, "406", "396", "456", "426"),
        (100, "410", "400", "460", "430"),
        (101, "413.5", "353.5", "960", "500"),
        (1000, "3560", "3500", "960", "500"),
    ] {
        for (model, expected) in [
            (Model::Graduated { tiers: tiers(&plain) }, graduated),
            (Model::Volume { tiers: tiers(&plain) }, volume),
            (Model::Graduated { tiers: tiers(&fees) }, graduated_fees),
            (Model::Volume { tiers: tiers(&fees) }, volume_fees),
        ] {
            let what = format!("{quantity} of {model:?}");
            assert_eq!(counted(&model, quantity), decimal(expected), "counted out, {what}");
            assert_eq!(exact(&price(model, "EUR"), quantity), decimal(expected), "{what}");
        }
    }
}

#[test]
fn a_bound_is_the_last_unit_of_its_tier_also_between_whole_units() {
    let of = |model| price(model, "EUR");
    let tiers = tiers(&["10:5.00", "inf:4.00"]);
    let graduated = of(Model::Graduated { tiers: tiers.clone() });
    let volume = of(Model::Volume { tiers });
    let package = of(Model::Package { package: decimal("3"), size: 10 });
    for (quantity, by_tier, by_volume, by_package) in [
        ("9.5", "47.5", "47.5", "3"),
        ("10", "50", "50", "3"),
        ("10.5", "52", "42", "6"),
        ("20", "90", "80", "6"),
        ("20.000000000001", "90.000000000004", "80.000000000004", "9"),
    ] {
        let quantity: Decimal = decimal(quantity);
        assert_eq!(exact(&graduated, quantity), decimal(by_tier), "{quantity}");
        assert_eq!(exact(&volume, quantity), decimal(by_volume), "{quantity}");
        assert_eq!(exact(&package, quantity), decimal(by_package), "{quantity}");
    }
}

#[test]
fn each_part_says_what_it_is_for() {
    let range = |first, last| Range { first, last };
    let mut price = price(Model::Graduated { tiers: tiers(&["10:5:20", "inf:0:7"]) }, "EUR");
    let of = |price: &Price, quantity: i64| -> Vec<(PartOf, String)> {
        let parts = parts(price, quantity);
        parts.iter().map(|part| (part.of, format!("{} × {}", part.quantity, part.unit))).collect()
    };
    // One tier is all of it, and needs no range; a fee alone stands for units that cost nothing.
    let one = vec![(PartOf::Whole, "3 × 5".into()), (PartOf::FlatFee(None), "1 × 20.00".into())];
    assert_eq!(of(&price, 3), one);
    let (low, high) = (range(1, Some(10)), range(11, None));
    let two = vec![
        (PartOf::Units(low), "10 × 5".to_owned()),
        (PartOf::FlatFee(Some(low)), "1 × 20.00".to_owned()),
        (PartOf::FlatFee(Some(high)), "1 × 7.00".to_owned()),
    ];
    assert_eq!(of(&price, 12), two);
    // The first fee is due at none, and so is a minimum.
    assert_eq!(of(&price, 0), [(PartOf::FlatFee(None), "1 × 20.00".to_owned())]);
    price.terms.included = 5;
    price.terms.minimum = Some(Money::from_minor(2550, price.currency));
    let all_included = vec![
        (PartOf::Included, "4 × 0".to_owned()),
        (PartOf::FlatFee(None), "1 × 20.00".to_owned()),
        (PartOf::Minimum, "1 × 5.50".to_owned()),
    ];
    assert_eq!(of(&price, 4), all_included);
    // Ranges are told as the customer counts, with what is included.
    let (low, high) = (range(6, Some(15)), range(16, None));
    let beyond = vec![
        (PartOf::Included, "5 × 0".to_owned()),
        (PartOf::Units(low), "10 × 5".to_owned()),
        (PartOf::FlatFee(Some(low)), "1 × 20.00".to_owned()),
        (PartOf::FlatFee(Some(high)), "1 × 7.00".to_owned()),
    ];
    assert_eq!(of(&price, 17), beyond);
}

#[test]
fn each_part_is_rounded_for_itself_and_the_amount_is_their_sum() {
    // 3 × 0.335 = 1.005 and 1 × 0.335 = 0.335: 1.01 and 0.34, where 1.34 is all of it rounded once.
    let price = price(Model::Graduated { tiers: tiers(&["3:0.335", "inf:0.335"]) }, "EUR");
    assert_eq!(price.amount(4).unwrap().minor(), 135);
    assert_eq!(price.amount(3).unwrap().minor(), 101);
}

#[test]
fn tiers_rise_and_the_last_one_has_no_end() {
    let why = |said: &[&str]| match read(said) {
        Err(Refusal::Bad { field: "tier", value, why }) => (value, why),
        other => panic!("{said:?}: {other:?}"),
    };
    for said in ["", "10", "10:5:6:7", "0:5", "-1:5", "1.5:5", "inf:x", "x:5", "inf:5:"] {
        assert_eq!(why(&[said]), (said.to_owned(), Why::NotATier));
    }
    assert_eq!(why(&["inf:-1"]).1, Why::Amount(BadAmount::Negative));
    assert_eq!(why(&["inf:0.0000000000001"]).1, Why::Amount(BadAmount::TooManyUnitDecimals));
    let eur = "EUR".parse().unwrap();
    assert_eq!(why(&["inf:1:0.001"]).1, Why::Amount(BadAmount::TooManyDecimals { currency: eur }));
    let order = |value: &str, before: &str| {
        (value.to_owned(), Why::TierOrder { before: before.to_owned() })
    };
    assert_eq!(why(&["10:5", "10:4", "inf:1"]), order("10", "10"));
    assert_eq!(why(&["10:5", "9:4", "inf:1"]), order("9", "10"));
    assert_eq!(why(&["inf:5", "9:4"]), order("9", "inf"));
    assert_eq!(why(&["inf:5", "inf:4"]), order("inf", "inf"));
    assert_eq!(why(&["10:5"]), ("10".to_owned(), Why::TiersEnd));
    assert_eq!(why(&[]).1, Why::TiersEnd);
}

/// Tiers with up to 4 bounds, prices with up to 12 decimals, and fees.
fn any_tiers() -> impl Strategy<Value = Tiers> {
    let amounts = (0i64..=5_000_000, 0u32..=12, prop_oneof![Just(0i64), 0i64..=9_999]);
    let tier = (1i64..=40, amounts);
    prop::collection::vec(tier, 1..=5).prop_map(|steps| {
        let (mut up_to, count) = (0, steps.len());
        let tiers = steps.into_iter().enumerate().map(|(at, (step, (unit, scale, flat)))| {
            up_to += step;
            let up_to = (at + 1 < count).then_some(up_to);
            Tier { up_to, unit: Decimal::new(unit, scale), flat: Decimal::new(flat, 2) }
        });
        Tiers::of(tiers.collect()).unwrap()
    })
}

fn any_model() -> impl Strategy<Value = Model> {
    prop_oneof![
        any_tiers().prop_map(|tiers| Model::Graduated { tiers }),
        any_tiers().prop_map(|tiers| Model::Volume { tiers }),
        (0i64..=99_999, 1i64..=50)
            .prop_map(|(package, size)| Model::Package { package: Decimal::new(package, 4), size }),
        (0i64..=99_999).prop_map(|unit| Model::PerUnit { unit: Decimal::new(unit, 4) }),
        (0i64..=99_999).prop_map(|amount| Model::Flat { amount: Decimal::new(amount, 2) }),
    ]
}

proptest! {
    #[test]
    fn any_model_comes_to_what_is_counted_out_unit_by_unit(
        model in any_model(), quantity in 0i64..=250,
    ) {
        let counted = counted(&model, quantity);
        prop_assert_eq!(exact(&price(model, "EUR"), quantity), counted);
    }

    /// One unit more comes to what that unit costs, and the fee of a tier that it begins.
    #[test]
    fn graduated_prices_telescope(tiers in any_tiers(), quantity in 0i64..=250) {
        let graduated = price(Model::Graduated { tiers: tiers.clone() }, "EUR");
        let next = quantity + 1;
        let (floor, tier) = tiers
            .with_floors()
            .find(|(_, tier)| tier.up_to.is_none_or(|last| next <= last))
            .unwrap();
        let begun = if floor == quantity && floor > 0 { tier.flat } else { Decimal::ZERO };
        let step = exact(&graduated, next) - exact(&graduated, quantity);
        prop_assert_eq!(step, tier.unit + begun);
    }

    /// Where prices fall from tier to tier, whoever takes more pays no more for each.
    #[test]
    fn by_volume_the_price_of_each_falls_with_the_prices(
        mut tiers in any_tiers(), quantity in 1i64..=250, more in 1i64..=250,
    ) {
        let mut units: Vec<Decimal> = tiers.iter().map(|tier| tier.unit).collect();
        units.sort_by(|one, other| other.cmp(one));
        let all = tiers.bounded.iter_mut().chain(std::iter::once(&mut tiers.last));
        all.zip(units).for_each(|(tier, unit)| (tier.unit, tier.flat) = (unit, Decimal::ZERO));
        let volume = price(Model::Volume { tiers: tiers.clone() }, "EUR");
        let graduated = price(Model::Graduated { tiers }, "EUR");
        // a ÷ q ≥ b ÷ (q + m), without a quotient that has no end.
        let (few, many) = (exact(&volume, quantity), exact(&volume, quantity + more));
        prop_assert!(few * Decimal::from(quantity + more) >= many * Decimal::from(quantity));
        prop_assert!(exact(&volume, quantity) <= exact(&graduated, quantity));
    }

    #[test]
    fn what_is_included_comes_off_first(
        model in any_model(), quantity in 0i64..=250, included in 0i64..=250,
    ) {
        let plain = price(model, "EUR");
        let mut free = plain.clone();
        free.terms.included = included;
        let rest = (quantity - included).max(0);
        prop_assert_eq!(exact(&free, quantity), exact(&plain, rest));
    }

    #[test]
    fn an_amount_is_the_sum_of_its_parts_and_no_less_than_the_minimum(
        model in any_model(), quantity in 0i64..=250, included in 0i64..=30, minimum in 1i64..=99_999,
        days in 1i64..=31,
    ) {
        let mut price = price(model, "EUR");
        let without = price.amount(quantity).unwrap().minor();
        price.terms.minimum = Some(Money::from_minor(minimum, price.currency));
        prop_assert_eq!(price.amount(quantity).unwrap().minor(), without.max(minimum));

        // Of a part of an interval, too.
        price.terms.included = included;
        let (mut sum, mut count) = (0, 0);
        let share = |exact| Money::share_of(exact, days, 31, price.currency);
        price.each_amount(quantity, share, |_, amount| {
            assert!(amount.minor() >= 0);
            sum += amount.minor();
            count += 1;
            Ok(())
        }).unwrap();
        let least = price.terms.minimum.unwrap().share(days, 31).unwrap().minor();
        prop_assert!(sum >= least, "{sum} of {least}");
        let whole = price.amount(quantity).unwrap();
        // Each part is rounded for itself, here and there.
        let apart = (sum - whole.share(days, 31).unwrap().minor()).abs();
        prop_assert!(apart <= count + 1, "{apart} of {count} parts");
    }
}
