use proptest::prelude::*;

use super::*;
use crate::domain::coupon::Discount;
use crate::domain::invoice::{Line as Billed, Origin, Purpose, add_up, discounted};
use crate::domain::subscription::Collection;
use crate::domain::tax::TaxCategory;

fn money(minor: i64, currency: &str) -> Money {
    Money::from_minor(minor, currency.parse().unwrap())
}

/// An invoice over lines of those amounts, with so much discount spread over them; `paid` is what of
/// its total is not due any more.
fn invoice(lines: &[i64], discount: i64, rate: &str, basis: TaxBasis, currency: &str) -> Invoice {
    let lines: Vec<_> = lines
        .iter()
        .map(|minor| Billed::single("A line".into(), money(*minor, currency)))
        .collect();
    let lines = discounted(&lines, &Discount::Amount(money(discount, currency))).unwrap();
    let tax_rate: Decimal = rate.parse().unwrap();
    let amounts = add_up(&lines, basis, tax_rate).unwrap();
    let Amounts { subtotal, discount, tax, total } = amounts;
    let day: NaiveDate = "2026-03-01".parse().unwrap();
    Invoice {
        id: InvoiceId(1),
        number: "INV-1".into(),
        origin: Origin::Issued,
        tenant_id: TenantId(1),
        tenant: "acme".into(),
        subscription_id: None,
        purpose: Purpose::Single,
        collection: Collection::Invoice,
        status: InvoiceStatus::Open,
        subtotal,
        discount,
        tax_basis: basis,
        tax_rate,
        tax_category: Some(TaxCategory::Standard),
        tax_reason: None,
        tax,
        total,
        due: total,
        paid: money(0, currency),
        credit_at_issue: money(0, currency),
        credit_applied: money(0, currency),
        paid_elsewhere: money(0, currency),
        credited: money(0, currency),
        credit_notes_total: money(0, currency),
        refunded: money(0, currency),
        coupon: None,
        issued_on: day,
        due_on: day,
        paid_on: None,
        period: None,
        billed_until: None,
        closed_reason: None,
        stage: None,
        warned_on: None,
        promised_until: None,
        promise_note: None,
        disputed_at: None,
        dispute_note: None,
        seller: "{}".into(),
        buyer: "{}".into(),
        created_at: String::new(),
        updated_at: String::new(),
        lines,
    }
}

/// Adds a note to what was credited before.
fn add(before: &mut Before, drawn: &Drawn) {
    for line in &drawn.lines {
        let (amount, discount) = &mut before.lines[line.line - 1];
        *amount = amount.plus(line.amount).unwrap();
        *discount = discount.plus(line.discount).unwrap();
    }
    before.tax = before.tax.plus(drawn.amounts.tax).unwrap();
    before.total = before.total.plus(drawn.amounts.total).unwrap();
}

fn sums(drawn: &Drawn) -> [i64; 4] {
    let Amounts { subtotal, discount, tax, total } = drawn.amounts;
    [subtotal, discount, tax, total].map(Money::minor)
}

/// 19.99 + 10.01 less 3.00 of discount at 20 %: 27.00 net, 5.40 tax, 32.40.
#[test]
fn a_note_of_a_line_takes_its_share_of_discount_and_tax() {
    let invoice = invoice(&[1999, 1001], 300, "20", TaxBasis::Exclusive, "EUR");
    assert_eq!((invoice.tax.minor(), invoice.total.minor()), (540, 3240));
    let mut before = Before::nothing(&invoice);
    let exclusive = TaxBasis::Exclusive;
    let line = |position, minor: Option<i64>| {
        Credited::Lines(vec![(position, minor.map(|minor| money(minor, "EUR")))])
    };
    // 10.00 of the second line, whose discount is 1.00: round(1.00 × 10.00 ÷ 10.01) = 1.00.
    let first = draw_up(&invoice, exclusive, &before, &line(2, Some(1000))).unwrap();
    assert_eq!(sums(&first), [1000, 100, 180, 1080]);
    add(&mut before, &first);
    // The cent that is left of it has no discount any more.
    let second = draw_up(&invoice, exclusive, &before, &line(2, None)).unwrap();
    assert_eq!(sums(&second), [1, 0, 0, 1]);
    add(&mut before, &second);
    let rest = draw_up(&invoice, exclusive, &before, &Credited::Full).unwrap();
    assert_eq!(sums(&rest), [1999, 200, 360, 2159]);
    add(&mut before, &rest);
    assert_eq!(before.total, invoice.total);
    let none = draw_up(&invoice, exclusive, &before, &Credited::Full);
    assert_eq!(
        none,
        Err(Refusal::NothingToCredit { invoice: "INV-1".into(), left: money(0, "EUR") })
    );
}

/// What the customer gets is to the cent what was asked for, also where no net and its tax make it.
#[test]
fn a_note_by_amount_comes_to_that_amount() {
    let invoice = invoice(&[10_000], 0, "20", TaxBasis::Exclusive, "EUR");
    let before = Before::nothing(&invoice);
    for (amount, net, tax) in [(4800, 4000, 800), (1000, 833, 167), (3, 2, 1), (1, 1, 0)] {
        let credited = Credited::Amount(money(amount, "EUR"));
        let drawn = draw_up(&invoice, TaxBasis::Exclusive, &before, &credited).unwrap();
        assert_eq!(sums(&drawn), [net, 0, tax, amount], "{amount}");
    }
}

/// 10 000 F with 18 % in them are 8475 + 1525; half of it takes half of the tax.
#[test]
fn a_note_of_prices_with_tax_takes_their_tax() {
    let invoice = invoice(&[10_000], 0, "18", TaxBasis::Inclusive, "XOF");
    assert_eq!((invoice.tax.minor(), invoice.total.minor()), (1525, 10_000));
    let mut before = Before::nothing(&invoice);
    let half = Credited::Amount(money(5_000, "XOF"));
    let first = draw_up(&invoice, TaxBasis::Inclusive, &before, &half).unwrap();
    assert_eq!(sums(&first), [5_000, 0, 763, 5_000]);
    assert_eq!(first.lines[0].net.minor(), 4_237);
    add(&mut before, &first);
    let rest = draw_up(&invoice, TaxBasis::Inclusive, &before, &Credited::Full).unwrap();
    assert_eq!(sums(&rest), [5_000, 0, 762, 5_000]);
}

#[test]
fn more_than_is_left_and_a_line_that_is_not_there_are_refused() {
    let invoice = invoice(&[1_000], 0, "20", TaxBasis::Exclusive, "EUR");
    let before = Before::nothing(&invoice);
    let refused = |credited: Credited| {
        draw_up(&invoice, TaxBasis::Exclusive, &before, &credited).unwrap_err()
    };
    let above = |given, left, line| Refusal::CreditNoteAboveInvoice {
        invoice: "INV-1".into(),
        line,
        given: money(given, "EUR"),
        left: money(left, "EUR"),
    };
    assert_eq!(refused(Credited::Amount(money(1_201, "EUR"))), above(1_201, 1_200, None));
    let line = |position, minor| Credited::Lines(vec![(position, Some(money(minor, "EUR")))]);
    assert_eq!(refused(line(1, 1_001)), above(1_001, 1_000, Some(1)));
    assert!(matches!(refused(line(2, 1)), Refusal::NoSuchLine { line: 2, lines: 1, .. }));
    assert!(matches!(refused(line(0, 1)), Refusal::NoSuchLine { line: 0, .. }));
    // The same line twice is of what the first leaves.
    let twice = Credited::Lines(vec![(1, Some(money(600, "EUR"))), (1, Some(money(600, "EUR")))]);
    assert_eq!(refused(twice), above(600, 400, Some(1)));
}

const RATES: [&str; 9] = ["0", "2.1", "5.5", "7", "10", "18", "19.25", "20", "25"];

/// What a step of a partition credits: which line, how much of what is left of it, by line or by
/// amount.
type Step = (usize, u32, u8);

/// The note of another program, of which `tax` is tax.
fn stated(invoice: &Invoice, before: &Before, total: i64, tax: i64) -> Result<Drawn> {
    let currency = invoice.total.currency();
    let [total, tax] = [total, tax].map(|minor| Money::from_minor(minor, currency));
    let credited = Credited::Stated { total, tax };
    draw_up(invoice, basis(invoice, &credited), before, &credited)
}

#[test]
fn a_note_of_another_program_states_its_tax() {
    // 100.00 and 20.00 of tax, of which 12.00 with 2.10 are credited: rounded otherwise than here.
    let known = invoice(&[6_000, 4_000], 0, "20", TaxBasis::Exclusive, "EUR");
    let mut before = Before::nothing(&known);
    let drawn = stated(&known, &before, 1_200, 210).unwrap();
    assert_eq!(sums(&drawn), [990, 0, 210, 1_200]);
    add(&mut before, &drawn);
    assert!(stated(&known, &before, 1_200, 1_791).is_err(), "more tax than is left");
    assert!(stated(&known, &before, 10_000, 0).is_err(), "more net than is left");
    let rest = draw_up(&known, TaxBasis::Exclusive, &before, &Credited::Full).unwrap();
    assert_eq!(sums(&rest), [9_010, 0, 1_790, 10_800]);
}

#[test]
fn the_tax_of_a_note_may_be_known_where_that_of_its_invoice_is_not() {
    let unknown = Invoice {
        origin: Origin::Imported,
        tax_category: None,
        ..invoice(&[12_000], 0, "0", TaxBasis::Exclusive, "EUR")
    };
    let mut before = Before::nothing(&unknown);
    let drawn = stated(&unknown, &before, 2_400, 400).unwrap();
    assert_eq!(sums(&drawn), [2_400, 0, 400, 2_400]);
    assert_eq!(drawn.lines[0].net.minor(), 2_000);
    add(&mut before, &drawn);
    let by_amount = Credited::Amount(Money::from_minor(600, unknown.total.currency()));
    let drawn = draw_up(&unknown, TaxBasis::Exclusive, &before, &by_amount).unwrap();
    assert_eq!(sums(&drawn), [600, 0, 0, 600]);
    add(&mut before, &drawn);
    assert!(stated(&unknown, &before, 9_001, 0).is_err());
    let rest = draw_up(&unknown, TaxBasis::Exclusive, &before, &Credited::Full).unwrap();
    assert_eq!(sums(&rest), [9_000, 0, 0, 9_000]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Any partition of an invoice into credit notes, by line or by amount, in any order, adds up
    /// to the invoice exactly; nothing is negative, and nothing above what was left.
    #[test]
    fn notes_that_credit_a_whole_invoice_add_up_to_it(
        lines in prop::collection::vec(prop_oneof![0i64..50, 0i64..2_000_000], 1..5),
        off in 0u32..=100, rate in prop::sample::select(&RATES[..]),
        inclusive in any::<bool>(), currency in prop::sample::select(vec!["XOF", "EUR", "KWD"]),
        steps in prop::collection::vec((0usize..5, 0u32..=1_000, 0u8..3), 0..12),
    ) {
        let discount = lines.iter().sum::<i64>() * i64::from(off) / 100;
        let basis = if inclusive { TaxBasis::Inclusive } else { TaxBasis::Exclusive };
        let invoice = invoice(&lines, discount, rate, basis, currency);
        let mut before = Before::nothing(&invoice);
        let mut notes: Vec<Drawn> = Vec::new();
        for step in steps {
            let Some(credited) = asked(&invoice, &before, step) else { continue };
            let Ok(drawn) = draw_up(&invoice, basis, &before, &credited) else { continue };
            if let Credited::Amount(amount) = credited {
                prop_assert_eq!(drawn.amounts.total, amount);
            } else if let Credited::Charged { amount, .. } = credited {
                let Amounts { subtotal, discount, .. } = drawn.amounts;
                prop_assert_eq!(subtotal.minus(discount).unwrap(), amount);
            }
            add(&mut before, &drawn);
            notes.push(drawn);
        }
        if before.total != invoice.total {
            let rest = draw_up(&invoice, basis, &before, &Credited::Full).unwrap();
            add(&mut before, &rest);
            notes.push(rest);
        }
        prop_assert_eq!(before.total, invoice.total);
        prop_assert_eq!(before.tax, invoice.tax);
        for (line, (amount, discount)) in invoice.lines.iter().zip(&before.lines) {
            // A unit of a line and of its discount may be left together: they come to nothing.
            let left = line.amount.minus(*amount).unwrap();
            prop_assert_eq!(left, line.discount.minus(*discount).unwrap());
        }
        for note in &notes {
            prop_assert!(sums(note).iter().all(|minor| *minor >= 0), "{:?}", note);
            let [subtotal, discount, tax, total] = sums(note);
            let with_tax = if inclusive { 0 } else { tax };
            prop_assert_eq!(total, subtotal - discount + with_tax);
            let (mut amounts, mut discounts, mut nets) = (0, 0, 0);
            for line in &note.lines {
                let parts = [line.amount, line.discount, line.net].map(Money::minor);
                prop_assert!(parts.iter().all(|minor| *minor >= 0), "{:?}", note);
                (amounts, discounts) = (amounts + parts[0], discounts + parts[1]);
                nets += parts[2];
            }
            prop_assert_eq!((amounts, discounts, nets), (subtotal, discount, total - tax));
        }
    }
}

fn asked(invoice: &Invoice, before: &Before, (line, share, way): Step) -> Option<Credited> {
    let currency = invoice.total.currency();
    let of = |left: i64| Money::from_minor(left * i64::from(share) / 1_000, currency);
    let at = line % invoice.lines.len();
    let (amount, credited) = match way {
        0 => {
            let left = invoice.lines[at].amount.minus(before.lines[at].0).unwrap();
            let amount = of(left.minor());
            (amount, Credited::Lines(vec![(at + 1, Some(amount))]))
        }
        // Of that line and those behind it.
        1 => {
            let left: i64 = charged_left(invoice, before)[at..].iter().map(|m| m.minor()).sum();
            let lines = (at + 1..=invoice.lines.len()).collect();
            (of(left), Credited::Charged { amount: of(left), lines })
        }
        _ => {
            let amount = of(invoice.total.minus(before.total).unwrap().minor());
            (amount, Credited::Amount(amount))
        }
    };
    (!amount.is_zero()).then_some(credited)
}
