//! What a document says.

use super::*;
use crate::documents::pdf::epc;
use crate::domain::document::Corrected;

fn has(document: &Document, text: &str) -> bool {
    all_said(document).iter().any(|said| said == text)
}

/// The sums, each with its amount.
fn sums(document: &Document) -> Vec<(String, String)> {
    let said = all_said(document);
    let from = said.iter().rposition(|text| text.starts_with("Poste")).unwrap() + 4;
    let until = said.iter().position(|text| text == "Paiement" || text.starts_with("Aucun"));
    let until = until.unwrap_or(said.len() - 1);
    said[from..until].chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

fn labels(document: &Document) -> Vec<String> {
    sums(document).into_iter().map(|(label, _)| label).collect()
}

#[test]
fn the_sums_are_those_of_the_letters() {
    let mut document = many(2);
    let pairs = [
        ("Total HT", "20,00 €"),
        ("TVA\u{a0}20\u{a0}%", "4,00 €"),
        ("Total TTC", "24,00 €"),
        ("Net à payer", "24,00 €"),
    ];
    let told = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(label, amount)| ((*label).to_owned(), (*amount).to_owned())).collect()
    };
    assert_eq!(sums(&document), told(&pairs));
    document.basis = TaxBasis::Inclusive;
    document.amounts.total = document.amounts.subtotal;
    assert_eq!(labels(&document)[..2], ["Total HT", "TVA\u{a0}20\u{a0}%"]);
    document.basis = TaxBasis::Exclusive;
    document.amounts.discount = money(500, "EUR");
    document.coupon = some("MARS");
    document.paid = money(300, "EUR");
    document.credit_applied = money(200, "EUR");
    assert_eq!(
        labels(&document),
        [
            "Total HT",
            "Remise (MARS)",
            "Total HT net",
            "TVA\u{a0}20\u{a0}%",
            "Total TTC",
            "Déjà réglé",
            "Avoir imputé",
            "Net à payer",
        ]
    );
    assert_eq!(sums(&document)[6], ("Avoir imputé".to_owned(), "-2,00 €".to_owned()));
}

#[test]
fn why_there_is_no_tax_stands_where_the_tax_would() {
    let mut document = many(1);
    document.tax_rate = Decimal::ZERO;
    document.amounts.tax = money(0, "EUR");
    document.tax_reason = some("Autoliquidation");
    let said = all_said(&document);
    let at = said.iter().position(|text| text == "Autoliquidation").unwrap();
    assert_eq!((said[at - 2].as_str(), said[at + 1].as_str()), ("Sous-total", "Total"));
}

#[test]
fn columns_that_say_nothing_are_left_out() {
    let mut document = many(2);
    assert!(has(&document, "Prix unitaire HT") && has(&document, "Quantité"));
    assert!(!has(&document, "Remise"));
    document.lines[0].discount = money(100, "EUR");
    assert!(has(&document, "Remise") && has(&document, "-1,00 €"));
    for line in &mut document.lines {
        line.unit_price = None;
    }
    assert!(!has(&document, "Prix unitaire HT") && !has(&document, "Quantité"));
    document.lines[1].quantity = Decimal::new(250, 2);
    assert!(has(&document, "Quantité") && has(&document, "2,5"));
}

#[test]
fn a_line_tells_its_period_where_it_is_not_the_document_s() {
    let mut document = many(2);
    document.period = Some((day(2026, 3, 1), day(2026, 4, 1)));
    document.lines[0].period = document.period;
    document.lines[1].period = Some((day(2026, 2, 15), day(2026, 3, 1)));
    let said = all_said(&document);
    let times = |text: &str| said.iter().filter(|said| *said == text).count();
    assert_eq!(times("du 1er au 31 mars 2026"), 1);
    assert_eq!(times("du 15 au 28 février 2026"), 1);
}

#[test]
fn an_invoice_tells_how_it_is_paid() {
    let mut document = many(1);
    document.payment.how_to_pay = some("Par virement.");
    for text in [
        "12,00 € à régler au plus tard le 31 mars 2026.",
        "Par virement.",
        "FR76 3000 6000 0112 3456 7890 189",
        "AGRIFRPP",
        "RF94 INV2 0260 0000 1",
        "Scannez pour payer",
    ] {
        assert!(has(&document, text), "{text}: {:?}", all_said(&document));
    }
    document.payment.bank = some("Banque du Lac\nCompte 12");
    assert!(has(&document, "Compte 12") && !has(&document, "BIC"));
    document.payment.automatic = true;
    let collected =
        "Le montant de 12,00 € sera prélevé automatiquement\u{a0}; vous n’avez rien à faire.";
    assert!(has(&document, collected) && !has(&document, "Scannez pour payer"));
    assert!(has(&document, "RF94 INV2 0260 0000 1") && !has(&document, "Compte 12"));
    document.due = money(0, "EUR");
    assert!(has(&document, "Aucun paiement n’est attendu de votre part."));
    assert!(has(&document, "Net à payer") && !has(&document, "Paiement"));
}

#[test]
fn a_credit_note_names_its_invoice_and_asks_for_nothing() {
    let mut document = many(1);
    document.kind = DocumentKind::CreditNote;
    document.number = "AV-7".to_owned();
    document.due_on = None;
    document.due = money(0, "EUR");
    document.memo = some("Résiliation");
    let (number, issued_on) = ("INV-2026-000001".to_owned(), day(2026, 2, 1));
    document.corrects = Some(Corrected { number, issued_on });
    for text in ["Avoir", "AV-7", "INV-2026-000001", "1er février 2026", "Motif", "Résiliation"] {
        assert!(has(&document, text), "{text}");
    }
    for text in ["Paiement", "Net à payer", "Aucun paiement n’est attendu de votre part."] {
        assert!(!has(&document, text), "{text}");
    }
}

#[test]
fn amounts_are_written_as_in_the_letters() {
    let document = invoice(Locale::En, "XOF", &[("Plan", 15_000)]);
    assert!(has(&document, "15,000 F CFA") && has(&document, "Amount due"));
    let document = invoice(Locale::Fr, "XOF", &[("Offre", 15_000)]);
    assert!(has(&document, "15 000 F CFA") && has(&document, "18 000 F CFA"));
    assert!(!has(&document, "Scannez pour payer") && has(&document, "RF94 INV2 0260 0000 1"));
}

#[test]
fn the_code_says_what_a_transfer_needs() {
    let document = many(1);
    let text = "BCD\n002\n1\nSCT\nAGRIFRPP\nAtelier Lumière\nFR7630006000011234567890189\nEUR12.00\n\n\
                RF94INV2026000001";
    assert_eq!(epc::text(&document).as_deref(), Some(text));
    let changed = |change: fn(&mut Document)| {
        let mut document = document.clone();
        change(&mut document);
        epc::text(&document)
    };
    let long = changed(|d| d.seller.name = Some("é".repeat(90))).unwrap();
    assert_eq!(long.lines().nth(5), Some("é".repeat(70).as_str()));
    let without = changed(|d| d.seller.bic = None).unwrap();
    assert_eq!(without, text.replace("AGRIFRPP", ""));
    let none: [fn(&mut Document); 7] = [
        |d| d.payment.automatic = true,
        |d| d.due = money(0, "EUR"),
        |d| d.due = money(100_000_000_000, "EUR"),
        |d| d.seller.iban = None,
        |d| d.seller.iban = some("SN08SN0100152000048500003035"),
        |d| d.seller.name = None,
        |d| d.kind = DocumentKind::CreditNote,
    ];
    for (at, change) in none.into_iter().enumerate() {
        assert_eq!(changed(change), None, "{at}");
    }
    assert_eq!(epc::text(&invoice(Locale::Fr, "XOF", &[("Offre", 15_000)])), None);
}

#[test]
fn the_code_is_a_square_with_three_corners() {
    let rows = epc::squares(&epc::text(&many(1)).unwrap()).unwrap();
    let side = rows.len();
    assert!(side <= 69 && rows.iter().all(|row| row.len() == side));
    let corner = [true, false, true, true, true, false, true];
    assert_eq!(rows[2][..7], corner);
    assert_eq!(rows[2][side - 7..], corner);
    assert_eq!(rows[side - 3][..7], corner);
    assert_eq!(epc::squares(&"x".repeat(400)), None);
}
