//! Documents of whatever parties, dates and texts: what lacks nothing is written for the rules that run
//! outside of these tests.

use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::fixtures::*;
use super::matrix::write;
use crate::documents::einvoice::{check, check_currency};
use crate::domain::document::Document;
use crate::domain::email::Locale;
use crate::domain::legal::LegalNotes;
use crate::domain::legal::Notes;
use crate::domain::party::{CustomerKind, Party};
use crate::domain::tax::{TaxBasis, TaxCategory};

fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    prop::sample::select(values).prop_map(|text| (!text.is_empty()).then(|| text.to_owned()))
}

const TEXTS: &[&str] = &[
    "",
    "PMT",
    "#PMD#",
    "#AAB#TXD#",
    "a # b # c",
    "#X#y",
    "##",
    "B2B",
    "  x  ",
    "\u{1}",
    "<&>\"'",
    "é\n\nß",
    "#BAR#B2B",
    "#REG#",
    "]]>",
];

fn parties() -> impl Strategy<Value = Party> {
    let name = one_of(&["", "Client & Fils", "A", "<b>"]);
    let country =
        one_of(&["", "FR", "FR", "FR", "DE", "BE", "SN", "US", "GR", "GB", "XK", "XX", "RE"]);
    let legal_id = one_of(&[
        "",
        "732829320",
        "404 833 048",
        "404 833 048 00012",
        "RCCM SN-1",
        "12",
        "HRB 12 B",
        "0123.456.749",
    ]);
    let registration =
        one_of(&["", "RCS Paris 552 100 554", "SARL au capital de 10 000 €", "SN-DKR-1"]);
    let vat_id = one_of(&[
        "",
        "FR44 732 829 320",
        "DE123456789",
        "BE 0123.456.749",
        "EL123456789",
        "GR123456789",
        "GB 123 4567 89",
        "XI123456789",
        "123456789",
        "US123",
        "FRAUD",
        "SN 005123456",
        "NINEA 00",
        "FR",
        "D",
    ]);
    let tax_id = one_of(&[
        "",
        "NINEA 005123456",
        "DE123456789",
        "30/123/45678",
        "SIRET 40483304800012",
        "#1",
    ]);
    let electronic = one_of(&[
        "",
        "",
        "",
        "0225:404833048",
        "0225:404833048_A",
        "0225:a b",
        "0208:0123456749",
        "9930:DE123456789",
        "EM:a@b.example",
        "a@b.example",
        "0002:732829320",
        "0219:1",
        "404833048",
        "é@b.example",
        "0225:a/b",
    ]);
    let email = one_of(&["", "a@example.com", "a@example.com"]);
    let address = one_of(&["", "One line", "1\n2\n3\n4\n5", " \n "]);
    let place = (one_of(&["", "1 rue <A>"]), one_of(&["", "75002"]), one_of(&["", "Paris", " "]));
    let iban = one_of(&["", "FR7630006000011234567890189", "SN08SN0100152000048500003035"]);
    let kind = prop::option::of(prop::sample::select(CustomerKind::ALL));
    let first = (name, country, legal_id, registration, vat_id, tax_id);
    let more = (electronic, email, address, place, iban, one_of(&["", "AGRIFRPP"]), kind);
    (first, more).prop_map(|(first, more)| {
        let (name, country, legal_id, registration, vat_id, tax_id) = first;
        let (electronic_address, email, address, (street, postcode, city), iban, bic, kind) = more;
        let numbers =
            Party { name, country, legal_id, registration, vat_id, tax_id, ..Party::default() };
        let numbers = Party { electronic_address, email, address, ..numbers };
        Party { street, postcode, city, iban, bic, kind, ..numbers }
    })
}

type More = (Option<TaxCategory>, &'static str, &'static str, bool, i64, i64, bool);

fn more() -> impl Strategy<Value = More> {
    (
        prop::option::of(prop::sample::select(TaxCategory::ALL)),
        prop::sample::select(&["20", "5.5", "18", "0", "19.60", "21", "0.9", "100"][..]),
        prop::sample::select(&["EUR", "EUR", "EUR", "XOF", "USD", "KWD", "JPY", "STN"][..]),
        any::<bool>(),
        0i64..=5000,
        0i64..=7000,
        any::<bool>(),
    )
}

type Said = (
    Option<String>,
    Option<String>,
    Option<String>,
    &'static str,
    &'static str,
    &'static str,
    bool,
);

fn said() -> impl Strategy<Value = Said> {
    (
        one_of(TEXTS),
        one_of(TEXTS),
        one_of(TEXTS),
        prop::sample::select(&["F-1", "F/2+3_4", "F.1", "INV-2026-000001"][..]),
        prop::sample::select(&["2026-12-05", "2026-11-05", "2026-11-01", "2100-01-01"][..]),
        prop::sample::select(&["", "law", "own"][..]),
        any::<bool>(),
    )
}

fn drawn(seller: Party, buyer: Party, more: More, said: Said) -> Document {
    let (category, rate, currency, inclusive, discount, credit, credit_note) = more;
    let untaxed = category.is_some_and(|c| c != TaxCategory::Standard);
    let rate = if untaxed { "0" } else { rate };
    let items = vec![
        Item("Plan", "3", "16.333333", 4900),
        Item("Appels", "1234.5", "0.0081012", 1000),
        Item("Prorata", "2", "-", 333),
    ];
    let basis = TaxBasis::of(inclusive);
    let draft = Draft {
        seller,
        buyer,
        items,
        basis,
        category,
        rate,
        currency,
        discount,
        ..Draft::default()
    };
    let mut document = if credit_note { draft.credit_note() } else { draft.invoice() };
    let (memo, legal, reason, number, due_on, notes, automatic) = said;
    if !credit_note {
        let covered = credit.min(document.amounts.total.minor());
        document.due = document
            .amounts
            .total
            .minus(crate::domain::Money::from_minor(covered, document.currency()))
            .unwrap();
        document.due_on = Some(day(due_on));
    }
    (document.memo, document.legal_text, document.tax_reason) = (memo.clone(), legal, reason);
    document.number = number.to_owned();
    document.payment.automatic = automatic;
    document.payment.how_to_pay = memo;
    if let Some(law) = LegalNotes::of(Some("FR"), None, Locale::En).filter(|_| notes == "law") {
        document.notes = Notes::Law(law);
    } else if notes == "own" {
        document.notes = Notes::Own(document.memo.clone().unwrap_or_default());
    }
    document
}

#[test]
#[ignore = "writes a folder for the rules that run elsewhere"]
fn what_lacks_nothing_is_written() {
    let folder = std::env::var("BILLING_EINVOICES").unwrap();
    let strategy = (parties(), parties(), more(), said());
    let (mut runner, mut french, mut others) = (TestRunner::deterministic(), 0, 0);
    while french < 300 || others < 300 {
        let (seller, buyer, more, said) = strategy.new_tree(&mut runner).unwrap().current();
        let document = drawn(seller, buyer, more, said);
        let home = document.seller.country.as_deref() == Some("FR");
        let (name, found) = if home { ("fr", &mut french) } else { ("xx", &mut others) };
        if *found < 300 && check_currency(&document).is_ok() && check(&document).is_empty() {
            *found += 1;
            write(Path::new(&folder), &format!("chance-{name}-{found}"), &document);
        }
    }
}
