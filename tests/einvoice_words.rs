//! The words of what keeps a document from being written, each by its code.

use std::collections::BTreeSet;

use billing::documents::{Lack, Side, Unwritable};
use billing::domain::{Currency, Money, Refusal};
use billing::failure::{Failure, einvoice};
use chrono::NaiveDate;

fn lacks() -> Vec<Lack> {
    use Lack as L;
    let (text, day) = (|| "x".to_owned(), NaiveDate::default());
    let money = Money::zero(Currency::EUR);
    let of = |side: Side| {
        [
            L::Name(side),
            L::Country(side),
            L::UnknownCountry { side, country: text() },
            L::Siren(side),
            L::VatId(side),
            L::BadVatId { side, vat_id: text() },
            L::Address(side),
            L::BadAddress { side, address: text() },
        ]
    };
    let others = [
        L::Identifier,
        L::TaxNumber,
        L::TaxCategory,
        L::Rate { rate: 18.into() },
        L::Tax { tax: money, rate: 18.into() },
        L::Number { number: text() },
        L::Corrects,
        L::CorrectedNumber { number: text() },
        L::DueDate,
        L::DueBeforeIssue { issued_on: day, due_on: day },
        L::Date { date: day },
        L::NoLines,
        L::Description { line: 1 },
        L::Sum { lines: money, net: money },
    ];
    of(Side::Seller).into_iter().chain(of(Side::Buyer)).chain(others).collect()
}

#[test]
fn every_lack_says_what_is_missing_and_where_it_is_set() {
    let lacks = lacks();
    let codes: BTreeSet<_> = lacks.iter().map(Lack::code).collect();
    assert_eq!(codes.len(), lacks.len());
    for lack in lacks {
        let (message, hint) = (einvoice::message(&lack), einvoice::hint(&lack, "acme"));
        assert!(!message.is_empty() && !hint.is_empty(), "{lack:?}");
        assert!(lack.term().starts_with('B'), "{lack:?}");
        let code = lack.code();
        if code.starts_with("buyer_") {
            assert!(hint.contains("billing tenant edit acme --"), "{code}: {hint}");
        }
        if code.starts_with("seller_") {
            assert!(hint.contains("[company] "), "{code}: {hint}");
        }
    }
}

#[test]
fn what_cannot_be_written_is_named_by_its_code() {
    let number = || "INV-1".to_owned();
    let all = vec![Lack::Name(Side::Buyer), Lack::Country(Side::Seller)];
    for (refusal, code, said) in [
        (Unwritable::Glyph { number: number(), character: '\u{4e16}' }, "glyph_missing", "U+4E16"),
        (
            Unwritable::Asset { what: "logo", message: "no PNG".into() },
            "bad_asset",
            "[documents] logo",
        ),
        (
            Unwritable::CurrencyNotInStandard {
                number: number(),
                currency: "KWD".parse().unwrap(),
            },
            "currency_not_in_standard",
            "KWD has 3 decimals",
        ),
        (
            Unwritable::CurrencyNotInStandard {
                number: number(),
                currency: "BGN".parse().unwrap(),
            },
            "currency_not_in_standard",
            "know no BGN",
        ),
        (
            Unwritable::CurrencyNeedsRate { number: number(), currency: Currency::XOF },
            "currency_needs_rate",
            "INV-1 is in XOF",
        ),
        (
            Unwritable::Incomplete { number: number(), lacks: all },
            "einvoice_incomplete",
            "\n  BT-44: the buyer has no name\n  BT-40: ",
        ),
    ] {
        let failure = Failure::from(&Refusal::from(refusal));
        assert_eq!(failure.code, code);
        assert!(failure.message.contains(said), "{}", failure.message);
    }
}

#[test]
fn a_program_reads_what_is_missing_one_by_one() {
    let lacks = vec![Lack::VatId(Side::Buyer)];
    let refusal = Unwritable::Incomplete { number: "INV-1".into(), lacks };
    let failure = Failure::from(&Refusal::from(refusal));
    let lack = &failure.details["lacks"][0];
    assert_eq!((&lack["code"], &lack["term"]), (&"buyer_vat_id_missing".into(), &"BT-48".into()));
}
