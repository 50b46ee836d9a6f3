//! Documents of every kind, for the rules of the standard and of France, which run outside of these tests.

use std::fmt::Write as _;
use std::path::Path;

use super::fixtures::*;
use crate::documents::einvoice::{Syntax, check, xml};
use crate::domain::document::{Document, DocumentKind, Payment};
use crate::domain::email::Locale;
use crate::domain::legal::Notes;
use crate::domain::party::{CustomerKind, Party};
use crate::domain::tax::{TaxBasis, TaxCategory};

/// Lines of all kinds: prices of many decimals, parts of a piece, one that was billed in part, one for nothing.
fn many() -> Vec<Item> {
    vec![
        Item("Abonnement Pro, \"équipe\" <5>", "5", "12.345", 6173),
        Item("Appels API", "123456", "0.001234567", 15241),
        Item("Conseil", "2.5", "80.333", 20083),
        Item("Stockage", "0.33333", "30.00", 1000),
        Item("Changement le 12", "3", "-", 1234),
        Item("Période d’essai", "1", "0", 0),
        Item("Sièges", "3", "-", 0),
    ]
}

fn francs() -> Vec<Item> {
    vec![
        Item("Abonnement", "3", "3333", 9999),
        Item("Messages", "1250", "1.75", 2188),
        Item("Prorata", "2", "-", 777),
    ]
}

/// A document as its invoice and its credit note.
fn both(name: &str, draft: fn() -> Draft) -> Vec<(String, Document)> {
    vec![(format!("{name}-380"), draft().invoice()), (format!("{name}-381"), draft().credit_note())]
}

fn rates_and_bases() -> Vec<(String, Document)> {
    use TaxBasis::{Exclusive, Inclusive};
    let mut all = Vec::new();
    for (rate, name) in
        [("20", "20"), ("5.50", "5-5"), ("2.1", "2-1"), ("8.5", "8-5"), ("0.9", "0-9")]
    {
        for (basis, on) in [(Exclusive, "ht"), (Inclusive, "ttc")] {
            for (discount, off) in [(0, "full"), (777, "off"), (43_731, "free")] {
                let draft = Draft { items: many(), rate, basis, discount, ..Draft::default() };
                all.push((format!("fr-s-{name}-{on}-{off}"), draft.invoice()));
            }
        }
    }
    let credit = Draft { items: many(), basis: Inclusive, discount: 777, ..Draft::default() };
    all.push(("fr-s-20-ttc-off-381".into(), credit.credit_note()));
    all
}

fn categories() -> Vec<(String, Document)> {
    let mut all = both("fr-e-franchise", || Draft {
        seller: Party { vat_id: None, ..paris() },
        category: Some(TaxCategory::Exempt),
        rate: "0",
        items: many(),
        ..Draft::default()
    });
    all.extend(both("fr-ae", || Draft {
        buyer: berlin(),
        category: Some(TaxCategory::ReverseCharge),
        rate: "0",
        locale: Locale::En,
        ..Draft::default()
    }));
    all.extend(both("fr-g", || Draft {
        buyer: boston(),
        category: Some(TaxCategory::Export),
        rate: "0",
        ..Draft::default()
    }));
    all.extend(both("fr-o", || Draft {
        buyer: berlin(),
        category: Some(TaxCategory::OutsideScope),
        rate: "0",
        discount: 490,
        ..Draft::default()
    }));
    all.extend(both("fr-z", || Draft {
        category: Some(TaxCategory::Zero),
        rate: "0",
        ..Draft::default()
    }));
    let mut other =
        Draft { category: Some(TaxCategory::Exempt), rate: "0", ..Draft::default() }.invoice();
    other.tax_reason = Some("Exonération, art. 261-4-4° du CGI".into());
    all.push(("fr-e-other".into(), other));
    let imported = Draft { category: None, ..Draft::default() };
    all.push(("fr-s-imported".into(), imported.invoice()));
    all
}

fn payments() -> Vec<(String, Document)> {
    let mut all = Vec::new();
    for (credit, name) in [(5880, "paid"), (1000, "part")] {
        let paid = Draft { credit, ..Draft::default() };
        all.push((format!("fr-s-{name}"), paid.invoice()));
        let german = Draft { credit, seller: berlin(), rate: "19", ..Draft::default() };
        all.push((format!("de-s-{name}"), Draft { credit: credit.min(5831), ..german }.invoice()));
    }
    let mut automatic = Draft::default().invoice();
    automatic.payment.automatic = true;
    all.push(("fr-s-automatic".into(), automatic));
    let mut told = Draft { seller: Party { iban: None, ..paris() }, ..Draft::default() }.invoice();
    told.payment = Payment {
        automatic: false,
        how_to_pay: Some("Par chèque à l’ordre de Studio Exemple\nou par Wave".into()),
        bank: Some("CBAO 0123".into()),
    };
    all.push(("fr-s-told".into(), told));
    let mut long = Draft::default().invoice();
    long.number = "FA/2026+november_00000000000000001".into();
    long.period = None;
    all.push(("fr-s-long-number".into(), long));
    all
}

fn parties() -> Vec<(String, Document)> {
    let mut all = both("fr-s-consumer", || Draft { buyer: consumer("FR"), ..Draft::default() });
    all.extend(both("fr-s-consumer-abroad", || Draft {
        buyer: consumer("BE"),
        ..Draft::default()
    }));
    let public = Party { kind: Some(CustomerKind::Public), ..lyon() };
    all.push(("fr-s-public".into(), Draft { buyer: public, ..Draft::default() }.invoice()));
    let platform = Some("0225:404833048_COMPTA".to_owned());
    let suffixed = Party { electronic_address: platform, ..lyon() };
    all.push(("fr-s-suffixed".into(), Draft { buyer: suffixed, ..Draft::default() }.invoice()));
    let rcs = Party {
        legal_id: None,
        registration: Some("RCS Paris 552 100 554".into()),
        address: Some("Bâtiment B\n12 rue de la Paix\nCedex 2\n75002 Paris\nFrance".into()),
        street: None,
        postcode: None,
        city: None,
        ..paris()
    };
    all.push(("fr-s-lines".into(), Draft { seller: rcs, ..Draft::default() }.invoice()));
    for (name, notes) in [
        ("own", Notes::Own("Pénalités : 12 %.\nPas d’escompte. #PMT# 40 €".into())),
        ("none", Notes::None),
    ] {
        let mut document = Draft::default().invoice();
        document.notes = notes;
        document.memo = Some("#PMD#\nVoir le n° #1 et #2 <b>&amp;</b> \u{1}".into());
        document.legal_text = Some("PMT".into());
        all.push((format!("fr-s-notes-{name}"), document));
    }
    all
}

fn abroad() -> Vec<(String, Document)> {
    let mut all =
        both("de-s", || Draft { seller: berlin(), rate: "19", items: many(), ..Draft::default() });
    all.extend(both("de-ae", || Draft {
        seller: berlin(),
        category: Some(TaxCategory::ReverseCharge),
        rate: "0",
        ..Draft::default()
    }));
    let tax_number = || Party { vat_id: None, ..berlin() };
    let small = Draft {
        seller: tax_number(),
        category: Some(TaxCategory::Exempt),
        rate: "0",
        ..Draft::default()
    };
    all.push(("de-e".into(), small.invoice()));
    all.extend(both("be-s", || Draft {
        seller: bruxelles(),
        rate: "21",
        discount: 99,
        ..Draft::default()
    }));
    all.extend(both("be-o", || Draft {
        seller: bruxelles(),
        category: Some(TaxCategory::OutsideScope),
        rate: "0",
        ..Draft::default()
    }));
    for (basis, on) in [(TaxBasis::Exclusive, "ht"), (TaxBasis::Inclusive, "ttc")] {
        for (discount, off) in [(0, "full"), (1001, "off"), (12_964, "free")] {
            let draft = || Draft {
                seller: dakar(),
                buyer: Party { legal_id: None, registration: None, ..dakar() },
                items: francs(),
                rate: "18",
                currency: "XOF",
                basis,
                discount,
                ..Draft::default()
            };
            all.push((format!("sn-s-{on}-{off}"), draft().invoice()));
            all.push((format!("sn-s-{on}-{off}-381"), draft().credit_note()));
        }
    }
    for currency in ["USD", "CHF", "JPY", "GBP"] {
        let items = vec![Item("Plan", "3", "-", 1000)];
        let draft = Draft { seller: berlin(), rate: "19", currency, items, ..Draft::default() };
        all.push((format!("de-s-{}", currency.to_lowercase()), draft.invoice()));
    }
    all
}

pub fn matrix() -> Vec<(String, Document)> {
    [rates_and_bases(), categories(), payments(), parties(), abroad()].concat()
}

#[test]
fn every_document_of_the_matrix_lacks_nothing() {
    let all = matrix();
    assert!(all.len() >= 60, "{}", all.len());
    for (name, document) in all {
        assert_eq!(check(&document), [], "{name}");
    }
}

/// What the commands say of a document, for who adds it up anew.
fn beside(document: &Document) -> String {
    let amounts = &document.amounts;
    let credit_note = document.kind == DocumentKind::CreditNote;
    let due = if credit_note { amounts.total } else { document.due };
    let mut json = format!("{{\"number\": \"{}\"", document.number);
    for (key, amount) in
        [("net", amounts.net()), ("tax", amounts.tax), ("total", amounts.total), ("due", due)]
    {
        let _ = write!(json, ", \"{key}\": \"{}\"", amount.major());
    }
    let loose = credit_note || document.basis.is_inclusive();
    let _ = write!(json, ", \"loose_tax\": {loose}}}");
    json
}

/// `BILLING_EINVOICES=folder cargo test --lib documents -- --ignored`, then
/// `python tests/peers/documents.py check folder`.
#[test]
#[ignore = "writes a folder for the rules that run elsewhere"]
fn the_matrix_is_written() {
    let folder = std::env::var("BILLING_EINVOICES").unwrap();
    matrix().iter().for_each(|(name, document)| write(Path::new(&folder), name, document));
}

/// Writes a document in both syntaxes, and beside them what the commands say of it.
pub fn write(folder: &Path, name: &str, document: &Document) {
    std::fs::create_dir_all(folder).unwrap();
    for syntax in Syntax::ALL {
        let path = folder.join(format!("{name}.{syntax}.xml"));
        std::fs::write(path, xml(document, *syntax).unwrap()).unwrap();
    }
    std::fs::write(folder.join(format!("{name}.json")), beside(document)).unwrap();
}
