//! Everything that a document can lack, provoked.

use super::fixtures::*;
use crate::documents::einvoice::{Syntax, check, xml};
use crate::documents::{Lack, Unwritable};
use crate::domain::document::{Corrected, Document};
use crate::domain::party::{CustomerKind, Party};
use crate::domain::tax::{TaxBasis, TaxCategory};
use crate::domain::{Currency, Money};

fn codes(document: &Document) -> Vec<&'static str> {
    check(document).iter().map(Lack::code).collect()
}

/// A document that was right, with one thing of it changed.
fn changed(draft: Draft, change: impl FnOnce(&mut Document)) -> Document {
    let mut document = draft.invoice();
    change(&mut document);
    document
}

fn french(change: impl FnOnce(&mut Document)) -> Vec<&'static str> {
    codes(&changed(Draft::default(), change))
}

fn german(change: impl FnOnce(&mut Document)) -> Vec<&'static str> {
    let draft = Draft { seller: berlin(), buyer: bruxelles(), rate: "19", ..Draft::default() };
    codes(&changed(draft, change))
}

fn untaxed(category: TaxCategory, seller: Party, buyer: Party) -> Vec<&'static str> {
    let draft = Draft { seller, buyer, category: Some(category), rate: "0", ..Draft::default() };
    codes(&draft.invoice())
}

#[test]
fn what_a_party_does_not_say_is_named() {
    assert_eq!(french(|d| d.seller.name = None), ["seller_name_missing"]);
    assert_eq!(german(|d| d.buyer.name = Some(" ".into())), ["buyer_name_missing"]);
    assert_eq!(german(|d| d.seller.country = None), ["seller_country_missing"]);
    assert_eq!(french(|d| d.buyer.country = None), ["buyer_country_missing"]);
    assert_eq!(german(|d| d.seller.country = Some("XX".into())), ["seller_country_unknown"]);
    assert_eq!(german(|d| d.buyer.country = Some("QZ".into())), ["buyer_country_unknown"]);
    let no_numbers = |party: &mut Party| {
        (party.legal_id, party.vat_id, party.tax_id) = (None, None, Some("12".into()));
    };
    assert_eq!(
        french(|d| no_numbers(&mut d.seller)),
        ["seller_siren_missing", "seller_vat_id_missing"]
    );
    assert_eq!(french(|d| no_numbers(&mut d.buyer)), ["buyer_siren_missing"]);
    // A private person has none.
    let person = |d: &mut Document| {
        no_numbers(&mut d.buyer);
        d.buyer.kind = Some(CustomerKind::Consumer);
    };
    assert!(french(person).is_empty());
    assert_eq!(german(|d| no_numbers(&mut d.seller)), ["seller_legal_id_missing"]);
    let no_tax_ids = |party: &mut Party| (party.vat_id, party.tax_id) = (None, None);
    assert_eq!(german(|d| no_tax_ids(&mut d.seller)), ["seller_tax_id_missing"]);
}

#[test]
fn a_number_for_vat_is_missing_where_its_category_wants_it() {
    use TaxCategory::{Exempt, Export, OutsideScope, ReverseCharge, Zero};
    let no_vat = |party: Party| Party { vat_id: None, tax_id: None, ..party };
    let bad = |party: Party| Party { vat_id: Some("123456789".into()), ..party };
    for (category, seller, buyer, lacks) in [
        (Export, no_vat(paris()), boston(), vec!["seller_vat_id_missing"]),
        (Export, no_vat(berlin()), boston(), vec!["seller_vat_id_missing"]),
        (ReverseCharge, no_vat(paris()), berlin(), vec!["seller_vat_id_missing"]),
        (ReverseCharge, paris(), no_vat(berlin()), vec!["buyer_vat_id_missing"]),
        // Beyond the European Union the number in a register stands for it.
        (ReverseCharge, paris(), boston(), vec!["buyer_vat_id_missing"]),
        (ReverseCharge, paris(), dakar(), vec![]),
        (ReverseCharge, bad(paris()), bad(berlin()), vec!["seller_vat_id_bad", "buyer_vat_id_bad"]),
        (Exempt, no_vat(paris()), lyon(), vec![]),
        (Exempt, no_vat(bruxelles()), lyon(), vec!["seller_tax_id_missing"]),
        (Zero, no_vat(bruxelles()), lyon(), vec!["seller_tax_id_missing"]),
        (OutsideScope, bad(bruxelles()), bad(berlin()), vec![]),
        (
            OutsideScope,
            Party { legal_id: None, ..bruxelles() },
            lyon(),
            vec!["seller_legal_id_missing"],
        ),
    ] {
        assert_eq!(untaxed(category, seller.clone(), buyer), lacks, "{category} {seller:?}");
    }
}

#[test]
fn an_electronic_address_is_one_that_platforms_know() {
    let at = |address: &str| Some(address.to_owned());
    for bad in ["nowhere", "9999:1", "0225:", "0225:404/833", "12345678"] {
        assert_eq!(
            french(|d| d.seller.electronic_address = at(bad)),
            ["seller_electronic_address_bad"]
        );
        assert_eq!(
            french(|d| d.buyer.electronic_address = at(bad)),
            ["buyer_electronic_address_bad"]
        );
    }
    let long = format!("{}@example.com", "a".repeat(120));
    assert_eq!(
        french(|d| d.buyer.electronic_address = at(&long)),
        ["buyer_electronic_address_bad"]
    );
    assert!(german(|d| d.buyer.electronic_address = at(&long)).is_empty());
    let nowhere = |party: &mut Party| {
        (party.email, party.legal_id, party.vat_id, party.tax_id) = (None, None, None, None);
    };
    let codes = french(|d| nowhere(&mut d.seller));
    assert!(codes.contains(&"seller_electronic_address_missing"), "{codes:?}");
    let codes = french(|d| nowhere(&mut d.buyer));
    assert!(codes.contains(&"buyer_electronic_address_missing"), "{codes:?}");
}

#[test]
fn tax_that_no_rule_explains_is_named() {
    let taxed = |category, rate, basis| {
        let draft = Draft { category, rate, basis, ..Draft::default() };
        codes(&draft.invoice())
    };
    let standard = Some(TaxCategory::Standard);
    assert_eq!(taxed(standard, "0", TaxBasis::Exclusive), ["tax_category_missing"]);
    assert_eq!(taxed(None, "0", TaxBasis::Exclusive), ["tax_category_missing"]);
    assert_eq!(taxed(standard, "18", TaxBasis::Inclusive), ["tax_rate_not_french"]);
    let off = |minor: i64| {
        move |d: &mut Document| {
            let amounts = &mut d.amounts;
            let add = |money: Money| Money::from_minor(money.minor() + minor, money.currency());
            (amounts.tax, amounts.total) = (add(amounts.tax), add(amounts.total));
            d.due = add(d.due);
        }
    };
    assert_eq!(french(off(100)), ["tax_off_rate"]);
    assert!(french(off(1)).is_empty());
    let exempt = Draft { category: Some(TaxCategory::Exempt), rate: "0", ..Draft::default() };
    assert_eq!(codes(&changed(exempt, off(1))), ["tax_off_rate"]);
}

#[test]
fn numbers_dates_and_lines_are_such_as_the_rules_take() {
    for bad in ["F.1", "F 1", "", "N°1", "123456789012345678901234567890123456"] {
        assert_eq!(french(|d| d.number = bad.into()), ["number_not_french"], "{bad}");
    }
    assert!(german(|d| d.number = "F.1".into()).is_empty());
    assert_eq!(german(|d| d.due_on = None), ["due_date_missing"]);
    assert_eq!(french(|d| d.due_on = Some(day("2026-11-04"))), ["due_before_issue"]);
    assert_eq!(french(|d| d.due_on = Some(day("2100-01-01"))), ["date_not_french"]);
    assert_eq!(french(|d| d.lines[0].description = "\u{1} ".into()), ["description_missing"]);
    assert_eq!(german(|d| d.lines.clear()), ["lines_missing", "lines_off_net"]);
    assert_eq!(
        german(|d| d.lines[0].net = Money::from_minor(4899, Currency::EUR)),
        ["lines_off_net"]
    );
    let note = |corrects: Option<Corrected>| {
        codes(&Document { corrects, ..Draft::default().credit_note() })
    };
    assert_eq!(note(None), ["corrected_invoice_missing"]);
    let (number, issued_on) = ("F.1".to_owned(), day("1999-12-31"));
    assert_eq!(
        note(Some(Corrected { number, issued_on })),
        ["corrected_number_not_french", "date_not_french"]
    );
}

#[test]
fn a_currency_that_cannot_be_said_is_refused_by_name() {
    let refused = |seller: Party, currency: &'static str| {
        let items = vec![Item("Plan", "1", "-", 1000)];
        let document = Draft { seller, currency, items, rate: "19", ..Draft::default() }.invoice();
        xml(&document, Syntax::Cii).err().and_then(|e| e.of::<Unwritable>().cloned())
    };
    for code in ["KWD", "CLF", "BGN"] {
        let (number, currency) = ("FA-2026-000001".to_owned(), code.parse().unwrap());
        let expected = Unwritable::CurrencyNotInStandard { number, currency };
        assert_eq!(refused(berlin(), code), Some(expected.clone()));
        assert_eq!(refused(paris(), code), Some(expected));
    }
    let number = "FA-2026-000001".to_owned();
    let expected = Unwritable::CurrencyNeedsRate { number, currency: Currency::XOF };
    assert_eq!(refused(paris(), "XOF"), Some(expected));
    assert_eq!(refused(berlin(), "USD"), None);
}

#[test]
fn all_that_is_missing_is_named_at_once() {
    let document = changed(Draft { rate: "19.5", ..Draft::default() }, |d| {
        d.seller = Party::default();
        d.seller.country = Some("FR".into());
        d.buyer = Party::default();
        d.number = "N° 1".into();
    });
    let refusal = xml(&document, Syntax::Ubl).unwrap_err();
    let Some(Unwritable::Incomplete { number, lacks }) = refusal.of::<Unwritable>() else {
        unreachable!("{refusal:?}");
    };
    assert_eq!(number, "N° 1");
    let terms: Vec<_> = lacks.iter().map(Lack::term).collect();
    let expected =
        ["BT-119", "BT-27", "BT-34", "BT-30", "BT-31", "BT-44", "BT-49", "BT-55", "BT-1"];
    assert_eq!(terms, expected);
    assert_eq!(*lacks, check(&document));
}
