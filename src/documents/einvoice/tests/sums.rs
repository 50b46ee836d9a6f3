//! Sums that hold to the smallest unit, whatever the lines.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::fixtures::*;
use crate::documents::einvoice::{EInvoice, EInvoiceLine, check};
use crate::domain::coupon::Discount;
use crate::domain::document::{Document, DocumentKind, DocumentLine};
use crate::domain::invoice::{Line, add_up, discounted, nets};
use crate::domain::money::scaled;
use crate::domain::tax::TaxBasis;
use crate::domain::{Currency, Money};

/// What a line comes to by what is written of it alone.
fn recomputed(line: &EInvoiceLine, currency: Currency) -> Decimal {
    let price = &line.price;
    let product = price.quantity * price.price / price.base.unwrap_or(Decimal::ONE);
    let discount = line.discount.map_or(Decimal::ZERO, Money::exact);
    scaled(product, currency.decimals()) - discount
}

/// Checks every equation of an e-invoice.
fn hold(document: &Document) {
    let invoice = EInvoice::of(document).unwrap();
    for (line, of) in invoice.lines.iter().zip(&document.lines) {
        assert_eq!(recomputed(line, invoice.currency), of.net.exact(), "{line:?} of {of:?}");
        assert_eq!(line.net, of.net);
        assert!(line.price.price >= Decimal::ZERO && line.price.price.scale() <= 6, "{line:?}");
        assert!(line.price.quantity.scale() <= 4, "{line:?}");
        assert!(line.price.base.is_none_or(|base| base > Decimal::ZERO && base.scale() <= 4));
        assert!(line.discount.is_none_or(|discount| discount.minor() > 0), "{line:?}");
    }
    let sums = invoice.sums;
    let lines: i64 = invoice.lines.iter().map(|line| line.net.minor()).sum();
    assert_eq!(lines, sums.net.minor());
    assert_eq!(sums.net.minor() + sums.tax.minor(), sums.total.minor());
    assert_eq!(sums.total.minor() - sums.paid.minor(), sums.due.minor());
    assert_eq!(sums.tax, document.amounts.tax);
    assert_eq!(sums.total, document.amounts.total);
}

#[test]
fn the_sums_of_the_matrix_hold() {
    super::matrix::matrix().iter().for_each(|(_, document)| hold(document));
}

#[test]
fn a_price_is_said_as_it_was_billed_where_it_can_be() {
    use TaxBasis::{Exclusive, Inclusive};
    for (basis, quantity, unit_price, minor, said) in [
        (Exclusive, "1", "49.00", 4900, ("1", "49", "")),
        (Exclusive, "5.00", "12.345", 6173, ("5", "12.345", "")),
        (Exclusive, "123456", "0.001234567", 15_241, ("123456", "1.234567", "1000")),
        (Exclusive, "1000000", "0.000000123", 12, ("1000000", "0.000123", "1000")),
        // More decimals than a quantity may have: one piece.
        (Exclusive, "0.33333", "30.00", 1000, ("1", "10.00", "")),
        (Exclusive, "3", "-", 1234, ("1", "12.34", "")),
        (Exclusive, "0", "5", 0, ("1", "0.00", "")),
        // A price that is not what it comes to.
        (Exclusive, "3", "4.00", 1300, ("3", "13.00", "3")),
        (Inclusive, "1", "49.90", 4990, ("1", "41.58", "")),
        (Inclusive, "2", "49.90", 9980, ("2", "41.585", "")),
        (Inclusive, "3", "49.90", 14_970, ("3", "124.75", "3")),
        (Inclusive, "7", "10.00", 7000, ("7", "58.33", "7")),
    ] {
        let items = vec![Item("x", quantity, unit_price, minor)];
        let document = Draft { items, basis, ..Draft::default() }.invoice();
        let price = EInvoice::of(&document).unwrap().lines[0].price;
        let base = price.base.map(|base| base.to_string()).unwrap_or_default();
        let found = (price.quantity.to_string(), price.price.to_string(), base);
        let (q, p, b) = said;
        let expected = (q.to_owned(), p.to_owned(), b.to_owned());
        assert_eq!(found, expected, "{quantity} x {unit_price}");
        hold(&document);
    }
}

#[test]
fn a_negative_line_is_less_than_no_piece() {
    let mut document = Draft::default().invoice();
    let back = |minor| Money::from_minor(minor, Currency::EUR);
    let credit = DocumentLine {
        amount: back(-500),
        net: back(-500),
        unit_price: Some(decimal("-5")),
        ..document.lines[0].clone()
    };
    document.lines[0].net = back(5400);
    document.lines[0].amount = back(5400);
    document.lines.push(credit);
    hold(&document);
    let lines = EInvoice::of(&document).unwrap().lines;
    assert_eq!(lines[1].price.quantity, Decimal::NEGATIVE_ONE);
}

fn lines(currency: Currency) -> impl Strategy<Value = Vec<Line>> {
    let line = (0i64..=10_000_000, 0u32..=6, 0i64..=10_000_000_000, 0u32..=9, any::<bool>());
    let made = move |(quantity, q, price, p, prorated)| {
        let (quantity, price) = (Decimal::new(quantity, q), Decimal::new(price, p));
        let amount = Money::of(quantity * price, currency).ok()?;
        let amount = Some(amount).filter(|amount| amount.minor() < 10_000_000_000_000)?;
        let amount = if prorated { amount.share(17, 31).ok()? } else { amount };
        let unit_price = (!prorated).then_some(price);
        Some(Line { quantity, unit_price, ..Line::single("x".into(), amount) })
    };
    prop::collection::vec(line.prop_filter_map("too large", made), 1..8)
}

fn documents() -> impl Strategy<Value = Document> {
    let currencies = prop::sample::select(vec!["EUR", "XOF", "JPY", "USD"]);
    let more = (any::<bool>(), any::<bool>(), 0i64..=120, 0i64..=3000);
    (currencies, more).prop_flat_map(|(code, (inclusive, credit_note, percent, rate))| {
        let currency: Currency = code.parse().unwrap();
        lines(currency).prop_map(move |lines| {
            let rate = Decimal::new(rate.max(50), 2);
            document(&lines, TaxBasis::of(inclusive), rate, percent.min(100), credit_note)
        })
    })
}

fn document(
    lines: &[Line],
    basis: TaxBasis,
    rate: Decimal,
    percent: i64,
    credit_note: bool,
) -> Document {
    let subtotal: i64 = lines.iter().map(|line| line.amount.minor()).sum();
    let off = i64::try_from(i128::from(subtotal) * i128::from(percent) / 100).unwrap();
    let off = Money::from_minor(off, lines[0].amount.currency());
    let lines = discounted(lines, &Discount::Amount(off)).unwrap();
    let amounts = add_up(&lines, basis, rate).unwrap();
    let nets = nets(&lines, &amounts, basis);
    let draft = Draft { seller: dakar(), buyer: berlin(), ..Draft::default() };
    let of = |(line, net): (Line, Money)| DocumentLine {
        description: line.description,
        quantity: line.quantity,
        unit_price: line.unit_price,
        amount: line.amount,
        discount: line.discount,
        net,
        period: None,
    };
    let base = if credit_note { draft.credit_note() } else { draft.invoice() };
    let due = if base.kind == DocumentKind::Invoice {
        amounts.total
    } else {
        Money::zero(amounts.total.currency())
    };
    let zero = Money::zero(amounts.total.currency());
    Document {
        lines: lines.into_iter().zip(nets).map(of).collect(),
        basis,
        tax_rate: rate,
        amounts,
        due,
        paid: zero,
        credit_applied: zero,
        ..base
    }
}

proptest! {
    #[test]
    fn every_equation_holds_of_any_lines(document in documents()) {
        prop_assert_eq!(check(&document), []);
        hold(&document);
    }
}
