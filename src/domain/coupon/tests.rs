use proptest::prelude::*;

use super::*;
use crate::domain::invoice::{Line, add_up, discounted};
use crate::domain::tax::TaxBasis;

fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

fn money(text: &str, code: &str) -> Money {
    Money::parse(text, currency(code)).unwrap()
}

fn on(id: i64, code: &str) -> OnPlan {
    OnPlan { id: PlanId(id), code: code.to_owned(), currency: currency("EUR") }
}

/// 30 % off, valid in 2026, that asks for nothing else.
fn thirty_percent() -> Coupon {
    Coupon {
        id: CouponId(1),
        code: "THIRTY".into(),
        offer: Offer {
            name: "Thirty".into(),
            description: None,
            discount: Discount::percent("30").unwrap(),
            currency: None,
            valid_from: "2026-01-01T00:00:00Z".into(),
            valid_to: "2026-12-31T23:59:59Z".into(),
            max_uses: 0,
            max_uses_per_customer: 0,
            plans: Vec::new(),
            eligibility: Eligibility::All,
            minimum: None,
            first_payment_only: false,
            duration: Duration::Once,
            is_active: true,
        },
        current_uses: 0,
        created_at: String::new(),
        updated_at: String::new(),
    }
}

/// A customer on the plan `pro` that has paid before, and is to pay 100.00 EUR in March.
fn facts() -> Facts {
    Facts {
        at: "2026-03-01T12:00:00Z".into(),
        uses_by_customer: 0,
        plans: vec![on(1, "pro")],
        has_paid_invoice: true,
        has_payment: true,
        amount: money("100", "EUR"),
    }
}

fn refused(coupon: &Coupon, facts: &Facts) -> Vec<Reason> {
    reasons(&check(coupon, facts))
}

type Change = fn(&mut Coupon, &mut Facts);

/// What makes each rule say no, and nothing else. The last column is what makes it say yes by a
/// hair.
const RULES: &[(Reason, Change, Change)] = &[
    (Reason::Inactive, |c, _| c.offer.is_active = false, |c, _| c.offer.is_active = true),
    (
        Reason::NotYetValid,
        |c, f| c.offer.valid_from = after(&f.at),
        |c, f| c.offer.valid_from = f.at.clone(),
    ),
    (
        Reason::Expired,
        |c, f| c.offer.valid_to = before(&f.at),
        |c, f| c.offer.valid_to = f.at.clone(),
    ),
    (
        Reason::MaxUsesReached,
        |c, _| (c.offer.max_uses, c.current_uses) = (10, 10),
        |c, _| (c.offer.max_uses, c.current_uses) = (10, 9),
    ),
    (
        Reason::MaxUsesPerCustomerReached,
        |c, f| (c.offer.max_uses_per_customer, f.uses_by_customer) = (2, 2),
        |c, f| (c.offer.max_uses_per_customer, f.uses_by_customer) = (2, 1),
    ),
    (
        Reason::PlanNotApplicable,
        |c, _| c.offer.plans = vec![on(2, "basic"), on(3, "team")],
        |c, _| c.offer.plans = vec![on(2, "basic"), on(1, "pro")],
    ),
    (
        Reason::NotNewCustomer,
        |c, f| (c.offer.eligibility, f.has_paid_invoice) = (Eligibility::NewCustomers, true),
        |c, f| (c.offer.eligibility, f.has_paid_invoice) = (Eligibility::NewCustomers, false),
    ),
    (
        Reason::NotExistingCustomer,
        |c, f| (c.offer.eligibility, f.has_paid_invoice) = (Eligibility::ExistingCustomers, false),
        |c, f| (c.offer.eligibility, f.has_paid_invoice) = (Eligibility::ExistingCustomers, true),
    ),
    (
        Reason::BelowMinimum,
        |c, f| c.offer.minimum = Some(one_more(f.amount)),
        |c, f| c.offer.minimum = Some(f.amount),
    ),
    (
        Reason::NotFirstPayment,
        |c, f| (c.offer.first_payment_only, f.has_payment) = (true, true),
        |c, f| (c.offer.first_payment_only, f.has_payment) = (true, false),
    ),
    (
        Reason::CurrencyMismatch,
        |c, _| c.offer.currency = Some(Currency::XOF),
        |c, f| c.offer.currency = Some(f.amount.currency()),
    ),
];

fn after(at: &str) -> String {
    at.replace("12:00:00", "12:00:01")
}

fn before(at: &str) -> String {
    at.replace("12:00:00", "11:59:59")
}

fn one_more(amount: Money) -> Money {
    Money::from_minor(amount.minor() + 1, amount.currency())
}

#[test]
fn every_reason_but_an_unknown_code_has_a_rule_in_the_order_of_reasons() {
    let rules: Vec<Reason> = RULES.iter().map(|(reason, ..)| *reason).collect();
    assert_eq!(Reason::ALL[0], Reason::NotFound);
    assert_eq!(&Reason::ALL[1..], rules);
}

#[test]
fn each_rule_says_no_for_its_reason_alone_and_yes_by_a_hair() {
    assert_eq!(refused(&thirty_percent(), &facts()), []);
    for (reason, breaks, holds) in RULES {
        let (mut coupon, mut asked) = (thirty_percent(), facts());
        breaks(&mut coupon, &mut asked);
        assert_eq!(refused(&coupon, &asked), [*reason]);
        let (mut coupon, mut asked) = (thirty_percent(), facts());
        holds(&mut coupon, &mut asked);
        assert_eq!(refused(&coupon, &asked), [], "{reason} by a hair");
    }
}

#[test]
fn any_two_rules_say_no_together_in_the_order_of_reasons() {
    for (at, (first, breaks_first, _)) in RULES.iter().enumerate() {
        for (second, breaks_second, _) in &RULES[at + 1..] {
            // Who is asked for new customers is not asked for existing ones; and amounts of two
            // currencies cannot be compared, so that the minimum has nothing to say then.
            let exclude = [
                (Reason::NotNewCustomer, Reason::NotExistingCustomer),
                (Reason::BelowMinimum, Reason::CurrencyMismatch),
            ];
            let (mut coupon, mut asked) = (thirty_percent(), facts());
            breaks_first(&mut coupon, &mut asked);
            breaks_second(&mut coupon, &mut asked);
            let expected = match exclude.contains(&(*first, *second)) {
                true => vec![*second],
                false => vec![*first, *second],
            };
            assert_eq!(refused(&coupon, &asked), expected, "{first} and {second}");
        }
    }
}

#[test]
fn all_rules_together_list_every_reason_in_order() {
    let (mut coupon, mut asked) = (thirty_percent(), facts());
    for (reason, breaks, _) in RULES {
        if *reason != Reason::NotExistingCustomer {
            breaks(&mut coupon, &mut asked);
        }
    }
    let mut expected = Reason::ALL[1..].to_vec();
    expected.retain(|reason| !matches!(reason, Reason::NotExistingCustomer | Reason::BelowMinimum));
    // It cannot begin after and end before the same moment: the table sets them anyway.
    assert_eq!(refused(&coupon, &asked), expected);
}

#[test]
fn a_coupon_for_plans_is_refused_where_there_is_none() {
    let (mut coupon, mut asked) = (thirty_percent(), facts());
    coupon.offer.plans = vec![on(1, "pro")];
    asked.plans = Vec::new();
    assert_eq!(refused(&coupon, &asked), [Reason::PlanNotApplicable]);
}

#[test]
fn a_new_customer_may_have_paid_nothing_of_a_positive_total_and_still_made_a_payment() {
    // A payment on account that was not enough: no paid invoice, and no first payment any more.
    let (mut coupon, mut asked) = (thirty_percent(), facts());
    (coupon.offer.eligibility, coupon.offer.first_payment_only) = (Eligibility::NewCustomers, true);
    (asked.has_paid_invoice, asked.has_payment) = (false, true);
    assert_eq!(refused(&coupon, &asked), [Reason::NotFirstPayment]);
}

#[test]
fn percentages_are_rounded_half_away_from_zero() {
    for (percent, amount, code, off) in [
        // 5.235
        ("15", "34.90", "EUR", "5.24"),
        ("10", "35.00", "EUR", "3.50"),
        ("50", "0.01", "EUR", "0.01"),
        ("49.99", "0.01", "EUR", "0.00"),
        // 4999.5
        ("33.33", "15000", "XOF", "5000"),
        ("12.5", "1.250", "KWD", "0.156"),
        ("100", "34.90", "EUR", "34.90"),
    ] {
        let discount = Discount::percent(percent).unwrap();
        assert_eq!(
            discount.off(money(amount, code)).unwrap(),
            money(off, code),
            "{percent} {amount}"
        );
    }
}

#[test]
fn a_fixed_amount_never_takes_more_than_there_is() {
    let five = Discount::amount("5000", Currency::XOF).unwrap();
    for (amount, off) in [("15000", "5000"), ("5000", "5000"), ("4999", "4999"), ("0", "0")] {
        assert_eq!(five.off(money(amount, "XOF")).unwrap(), money(off, "XOF"), "{amount}");
    }
    assert_eq!(five.off(money("100", "EUR")).unwrap(), money("0", "EUR"));
}

#[test]
fn tax_is_taken_on_what_the_discount_leaves() {
    // 10 % of 3500 cents leaves 3150; 8.25 % of that is 259.875.
    let lines = [Line::single("Pro".into(), money("35.00", "EUR"))];
    let lines = discounted(&lines, &Discount::percent("10").unwrap()).unwrap();
    let amounts = add_up(&lines, TaxBasis::Exclusive, "8.25".parse().unwrap()).unwrap();
    assert_eq!(amounts.tax, money("2.60", "EUR"));
    assert_eq!(amounts.total, money("34.10", "EUR"));
}

#[test]
fn what_is_no_discount_is_refused() {
    for text in ["0", "-5", "100.01", "12.345", "", "5 %", "1e1", "NaN"] {
        assert!(Discount::percent(text).is_err(), "{text}");
    }
    for text in ["0", "-5", "10.5", ""] {
        assert!(Discount::amount(text, Currency::XOF).is_err(), "{text}");
    }
    assert_eq!(Discount::percent("12.50").unwrap().value(), "12.5");
    assert_eq!(Discount::amount("5", currency("EUR")).unwrap().value(), "5.00");
}

#[test]
fn a_duration_is_once_forever_or_a_number_of_periods() {
    for (text, periods) in
        [("once", Some(1)), ("forever", None), ("3", Some(3)), ("1200", Some(1200))]
    {
        let duration: Duration = text.parse().unwrap();
        assert_eq!((duration.periods(), duration.to_string().as_str()), (periods, text));
    }
    for text in ["0", "-1", "1201", "three", "", "1.5", "Once"] {
        assert!(text.parse::<Duration>().is_err(), "{text}");
    }
}

#[test]
fn codes_are_letters_and_digits_of_any_script() {
    for good in ["AB", "WELCOME2025", "ÉTÉ-2026", "a.b_c", "夏祭り", "été", &"X".repeat(50)]
    {
        assert!(code(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "A",
        "-AB",
        "_AB",
        "A B",
        "A\u{a0}B",
        "A\u{200b}B",
        "A\u{3000}B",
        "A\u{3164}B",
        "A\tB",
        "A\u{202e}B",
        "A\u{ad}B",
        "A\u{345}B",
        "A\u{34f}B",
        "A/B",
        "50%",
        &"X".repeat(51),
    ] {
        assert!(code(bad).is_err(), "{bad:?}");
    }
    // E and an accent of its own is É, and counts as one e-mail.
    assert_eq!(code("E\u{301}TE\u{301}").unwrap(), "ÉTÉ");
}

#[test]
fn codes_are_compared_without_case() {
    for (one, other) in [
        ("WELCOME2025", "welcome2025"),
        ("ÉTÉ", "été"),
        ("ÉTÉ", "e\u{301}te\u{301}"),
        ("STRASSE", "straße"),
        ("STRAẞE", "straße"),
        ("ΟΔΟΣ", "οδος"),
        ("οδος", "οδοσ"),
        ("ＡＢＣ", "abc"),
        (" WELCOME ", "welcome"),
    ] {
        assert_eq!(fold(one), fold(other), "{one} {other}");
    }
    assert_ne!(fold("WELCOME"), fold("WELC0ME"));
    // Also what is no code may be looked for.
    assert_eq!(fold(""), "");
}

#[test]
fn generated_codes_are_codes_that_are_easy_to_read_out() {
    let mut bytes = (0..=255u8).cycle();
    let mut next = || Ok(bytes.next().unwrap());
    for (prefix, start) in [("SUMMER", "SUMMER-"), ("", "")] {
        let generated = generate(prefix, &mut next).unwrap();
        assert_eq!(code(&generated).as_deref(), Ok(generated.as_str()));
        let random = generated.strip_prefix(start).unwrap();
        assert_eq!(random.split('-').map(str::len).collect::<Vec<_>>(), [4, 4, 4]);
        assert!(!random.contains(['0', 'O', '1', 'I', 'L']), "{random}");
    }
    let longest = prefix(&"P".repeat(MOST_PREFIX)).unwrap();
    assert_eq!(generate(&longest, &mut next).unwrap().len(), *CODE_LENGTH.end());
    assert!(prefix(&"P".repeat(MOST_PREFIX + 1)).is_err());
    assert!(prefix("A B").is_err());
    assert_eq!(prefix("SUMMER-").as_deref(), Ok("SUMMER"));
}

/// Every e-mail comes from as many bytes as any other: 8 of the 248 that are taken.
#[test]
fn no_letter_of_a_generated_code_is_likelier_than_another() {
    let mut count = [0; 31];
    let mut bytes = (0..248u8).cycle();
    for _ in 0..248 {
        let generated = generate("", || Ok(bytes.next().unwrap())).unwrap();
        for email in generated.bytes().filter(|b| *b != b'-') {
            count[ALPHABET.iter().position(|a| *a == email).unwrap()] += 1;
        }
    }
    assert!(count.iter().all(|n| *n == count[0]), "{count:?}");
    let mut refused = [248, 255, 0].into_iter().chain(std::iter::repeat(1));
    assert!(generate("", || Ok(refused.next().unwrap())).unwrap().starts_with("23"));
}

#[test]
fn what_was_used_keeps_what_its_users_agreed_to() {
    let used = UsedSoFar { ever: 3, uses: 2, most_by_one_customer: 2 };
    let coupon = thirty_percent();
    type Edit = fn(&mut Offer);
    let edits: &[(Edit, bool)] = &[
        (|o| o.name = "Other".into(), true),
        (|o| o.description = Some("Other".into()), true),
        (|o| o.valid_to = "2027-01-01T00:00:00Z".into(), true),
        (|o| o.max_uses = 2, true),
        (|o| o.max_uses = 1, false),
        (|o| o.max_uses_per_customer = 2, true),
        (|o| o.max_uses_per_customer = 1, false),
        (|o| o.plans = vec![on(1, "pro")], true),
        (|o| o.discount = Discount::percent("20").unwrap(), false),
        (|o| o.discount = Discount::amount("30", Currency::XOF).unwrap(), false),
        (|o| o.currency = Some(Currency::XOF), false),
        (|o| o.valid_from = "2025-01-01T00:00:00Z".into(), false),
        (|o| o.eligibility = Eligibility::NewCustomers, false),
        (|o| o.minimum = Some(money("1", "EUR")), false),
        (|o| o.first_payment_only = true, false),
        (|o| o.duration = Duration::Forever, false),
    ];
    for (at, (edit, may)) in edits.iter().enumerate() {
        let mut new = coupon.offer.clone();
        edit(&mut new);
        assert_eq!(check_edit(&coupon, &new, used).is_ok(), *may, "edit {at}");
        // Before the first use, everything may change.
        assert!(check_edit(&coupon, &new, UsedSoFar::default()).is_ok(), "edit {at}, unused");
    }
}

#[test]
fn a_coupon_stands_where_its_fields_say() {
    let coupon = thirty_percent();
    let status = |coupon: &Coupon, at: &str| coupon.status_at(at);
    assert_eq!(status(&coupon, "2025-12-31T23:59:59Z"), CouponStatus::Scheduled);
    assert_eq!(status(&coupon, "2026-01-01T00:00:00Z"), CouponStatus::Active);
    assert_eq!(status(&coupon, "2026-12-31T23:59:59Z"), CouponStatus::Active);
    assert_eq!(status(&coupon, "2027-01-01T00:00:00Z"), CouponStatus::Expired);
    let mut used = coupon.clone();
    (used.offer.max_uses, used.current_uses) = (1, 1);
    assert_eq!(status(&used, "2026-03-01T00:00:00Z"), CouponStatus::UsedUp);
    used.offer.is_active = false;
    assert_eq!(status(&used, "2026-03-01T00:00:00Z"), CouponStatus::Inactive);
}

#[test]
fn a_redemption_gives_each_of_its_periods_once() {
    let redemption = |periods_left| Redemption {
        id: RedemptionId(1),
        coupon_id: CouponId(1),
        code: "THIRTY".into(),
        discount: Discount::percent("30").unwrap(),
        periods_left,
        subscription_id: Some(SubscriptionId(1)),
        removed_at: None,
        ended_at: None,
        plans: Vec::new(),
    };
    let mut three = redemption(Some(3));
    assert_eq!((0..5).filter(|_| three.take().is_some()).count(), 3);
    assert!(!three.is_running());
    let mut forever = redemption(None);
    assert!((0..5).all(|_| forever.take().is_some()));
    let mut ended = Redemption { ended_at: Some(String::new()), ..redemption(Some(3)) };
    assert_eq!(ended.take(), None);
}

/// A currency of 0, 2 and 3 decimals.
fn any_currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec!["XOF", "EUR", "KWD"]).prop_map(currency)
}

fn any_discount(currency: Currency) -> impl Strategy<Value = Discount> {
    prop_oneof![
        (1i64..=10_000).prop_map(|hundredths| Discount::Percent(Decimal::new(hundredths, 2))),
        (1i64..=10_000_000).prop_map(move |m| Discount::Amount(Money::from_minor(m, currency))),
    ]
}

#[test]
fn every_letter_folds_to_what_folds_to_itself() {
    for c in ('\0'..=char::MAX).filter(|c| is_letter_or_digit(*c)) {
        let text = c.to_string();
        if code(&format!("A{c}")).is_err() {
            continue;
        }
        let folded = fold(&text);
        assert_eq!(fold(&folded), folded, "{c} U+{:04X}", c as u32);
        assert_eq!(fold(&text.to_uppercase()), folded, "{c} U+{:04X}", c as u32);
        assert_eq!(fold(&text.to_lowercase()), folded, "{c} U+{:04X}", c as u32);
    }
}

proptest! {
    #[test]
    fn a_discount_lies_between_nothing_and_the_amount(
        (discount, amount) in any_currency().prop_flat_map(|currency| {
            let amount = (0i64..=10_000_000).prop_map(move |m| Money::from_minor(m, currency));
            (any_discount(currency), amount)
        }),
    ) {
        let off = discount.off(amount).unwrap();
        prop_assert!((0..=amount.minor()).contains(&off.minor()));
        if let Discount::Percent(percent) = discount {
            // Half away from zero, in whole numbers: twice the error is at most one unit, and what
            // lies in the middle was rounded up.
            let exact = i128::from(amount.minor()) * percent.mantissa() * 10i128.pow(2 - percent.scale());
            let error = 2 * (i128::from(off.minor()) * 10_000 - exact);
            prop_assert!(-10_000 < error && error <= 10_000, "{} {}", percent, amount);
        }
    }

    #[test]
    fn the_discounts_of_lines_add_up_and_are_never_above_a_line(
        (discount, amounts) in any_currency().prop_flat_map(|currency| {
            let amount = (0i64..=1_000_000).prop_map(move |m| Money::from_minor(m, currency));
            (any_discount(currency), prop::collection::vec(amount, 1..20))
        }),
    ) {
        let lines: Vec<_> = amounts.iter().map(|a| Line::single("x".into(), *a)).collect();
        let spread = discounted(&lines, &discount).unwrap();
        let subtotal: i64 = amounts.iter().map(|a| a.minor()).sum();
        let whole = discount.off(Money::from_minor(subtotal, amounts[0].currency())).unwrap();
        prop_assert_eq!(spread.iter().map(|l| l.discount.minor()).sum::<i64>(), whole.minor());
        for line in &spread {
            prop_assert!((0..=line.amount.minor()).contains(&line.discount.minor()));
        }
        // No line gets a whole unit more or less than its share.
        for line in spread.iter().filter(|_| subtotal > 0) {
            let share = i128::from(whole.minor()) * i128::from(line.amount.minor());
            let error = i128::from(line.discount.minor()) * i128::from(subtotal) - share;
            prop_assert!(error.abs() < i128::from(subtotal));
        }
    }

    #[test]
    fn a_code_is_its_own_fold_whatever_its_case(text in "[A-Za-zÀ-ÿΑ-Ωα-ω0-9][A-Za-zÀ-ÿ0-9_.-]{1,20}") {
        if let Ok(code) = code(&text) {
            prop_assert_eq!(fold(&code), fold(&code.to_uppercase()));
            prop_assert_eq!(fold(&code), fold(&code.to_lowercase()));
            prop_assert_eq!(fold(&fold(&code)), fold(&code));
        }
    }
}
