//! A sheet as the marks that lie on its pages, and a file as its bytes.

mod assets;
mod breaking;
mod saying;
mod setting;
mod writing;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::domain::Money;
use crate::domain::document::{Document, DocumentKind, DocumentLine, Payment};
use crate::domain::email::Locale;
use crate::domain::invoice::Amounts;
use crate::domain::legal::Notes;
use crate::domain::party::Party;
use crate::domain::tax::TaxBasis;

use super::fonts::{Setter, Text};
use super::grid::Length;
use super::marks::{Mark, What};
use super::{Assets, Typesetter, sheet};

fn typesetter() -> Typesetter {
    Typesetter::new(&Assets::default()).unwrap()
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn money(minor: i64, code: &str) -> Money {
    Money::from_minor(minor, code.parse().unwrap())
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// An invoice over these lines of minor units, 20 % on top, to be paid by transfer.
fn invoice(locale: Locale, code: &str, lines: &[(&str, i64)]) -> Document {
    let zero = money(0, code);
    let line = |(description, minor): &(&str, i64)| DocumentLine {
        description: (*description).to_owned(),
        quantity: Decimal::ONE,
        unit_price: Some(money(*minor, code).exact()),
        amount: money(*minor, code),
        discount: zero,
        net: money(*minor, code),
        period: None,
    };
    let subtotal: i64 = lines.iter().map(|(_, minor)| minor).sum();
    let (tax, total) = (money(subtotal / 5, code), money(subtotal + subtotal / 5, code));
    Document {
        kind: DocumentKind::Invoice,
        number: "INV-2026-000001".to_owned(),
        locale,
        issued_on: day(2026, 3, 1),
        due_on: Some(day(2026, 3, 31)),
        period: None,
        seller: Party {
            name: some("Atelier Lumière"),
            country: some("FR"),
            iban: some("FR7630006000011234567890189"),
            bic: some("AGRIFRPP"),
            ..Party::default()
        },
        buyer: Party { name: some("Acme"), ..Party::default() },
        lines: lines.iter().map(line).collect(),
        basis: TaxBasis::Exclusive,
        tax_rate: Decimal::from(20),
        tax_category: None,
        tax_reason: None,
        amounts: Amounts { subtotal: money(subtotal, code), discount: zero, tax, total },
        coupon: None,
        paid: zero,
        credit_applied: zero,
        due: total,
        corrects: None,
        memo: None,
        notes: Notes::None,
        payment: Payment::default(),
        reference: some("RF94INV2026000001"),
        legal_text: None,
        footer: None,
    }
}

fn many(count: usize) -> Document {
    let names: Vec<String> = (1..=count).map(|n| format!("Poste {n}")).collect();
    let lines: Vec<(&str, i64)> = names.iter().map(|name| (name.as_str(), 1000)).collect();
    invoice(Locale::Fr, "EUR", &lines)
}

fn pages(document: &Document) -> Vec<Vec<Mark>> {
    let with = typesetter();
    sheet::pages(document, &Setter::new(&with.fonts, &document.number), None).unwrap()
}

/// The texts of a page in the order of reading.
fn said(page: &[Mark]) -> Vec<String> {
    texts(page).into_iter().map(|(_, _, text)| words_of(text)).collect()
}

fn all_said(document: &Document) -> Vec<String> {
    pages(document).iter().flat_map(|page| said(page)).collect()
}

fn texts(page: &[Mark]) -> Vec<(Length, Length, &Text)> {
    let text = |mark| match mark {
        &Mark { x, y, what: What::Text(ref text) } => Some((x, y, text)),
        _ => None,
    };
    page.iter().filter_map(text).collect()
}

fn words_of(text: &Text) -> String {
    text.glyphs.iter().map(|glyph| glyph.character).collect()
}
