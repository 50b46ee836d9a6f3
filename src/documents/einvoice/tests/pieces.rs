//! Exact pieces of what is written.

use super::fixtures::*;
use crate::documents::einvoice::{Syntax, xml};
use crate::domain::document::Document;
use crate::domain::legal::Notes;
use crate::domain::party::{CustomerKind, Party};
use crate::domain::tax::{TaxBasis, TaxCategory};

/// What is written, without what indents it.
fn written(document: &Document, syntax: Syntax) -> String {
    xml(document, syntax).unwrap().lines().map(str::trim_start).collect()
}

/// Checks that what is written holds the pieces, and none of those that it must not.
fn holds(document: &Document, cii: &[&str], ubl: &[&str], never: &[&str]) {
    for (syntax, pieces) in [(Syntax::Cii, cii), (Syntax::Ubl, ubl)] {
        let text = written(document, syntax);
        pieces.iter().for_each(|piece| assert!(text.contains(piece), "no {piece} in {text}"));
        never.iter().for_each(|piece| assert!(!text.contains(piece), "{piece} in {text}"));
    }
}

#[test]
fn an_invoice_says_who_what_and_how_much() {
    let draft = Draft { discount: 490, credit: 1000, ..Draft::default() };
    holds(
        &draft.invoice(),
        &[
            "<ram:ID>S1</ram:ID>",
            "<ram:ID>FA-2026-000001</ram:ID><ram:TypeCode>380</ram:TypeCode>",
            "<ram:Name>Client &amp; Fils SAS</ram:Name><ram:SpecifiedLegalOrganization><ram:ID \
             schemeID=\"0002\">404833048</ram:ID>",
            "<ram:URIID schemeID=\"0225\">732829320</ram:URIID>",
            "<ram:ID schemeID=\"VA\">FR44732829320</ram:ID>",
            "<ram:ActualAmount>4.90</ram:ActualAmount><ram:ReasonCode>95</ram:ReasonCode>\
             <ram:Reason>Remise</ram:Reason>",
            "<ram:EndDateTime><udt:DateTimeString format=\"102\">20261130</udt:DateTimeString>",
            "<ram:TypeCode>58</ram:TypeCode>",
            "<ram:PaymentReference>RF27FA2026000001</ram:PaymentReference>",
            "<ram:LineTotalAmount>44.10</ram:LineTotalAmount><ram:TaxBasisTotalAmount>44.10\
             </ram:TaxBasisTotalAmount><ram:TaxTotalAmount currencyID=\"EUR\">8.82</ram:TaxTotalAmount>\
             <ram:GrandTotalAmount>52.92</ram:GrandTotalAmount><ram:TotalPrepaidAmount>10.00\
             </ram:TotalPrepaidAmount><ram:DuePayableAmount>42.92</ram:DuePayableAmount>",
        ],
        &[
            "<cbc:ProfileID>S1</cbc:ProfileID><cbc:ID>FA-2026-000001</cbc:ID>",
            "<cbc:DueDate>2026-12-05</cbc:DueDate><cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>",
            "<cbc:Note>#PMT#Une indemnité forfaitaire de 40 € ",
            "<cbc:EndpointID schemeID=\"0225\">404833048</cbc:EndpointID>",
            "<cbc:InvoicedQuantity unitCode=\"C62\">1</cbc:InvoicedQuantity>",
            "<cbc:PriceAmount currencyID=\"EUR\">49.00</cbc:PriceAmount>",
            "<cbc:PrepaidAmount currencyID=\"EUR\">10.00</cbc:PrepaidAmount>",
            "<cbc:PaymentMeansCode>58</cbc:PaymentMeansCode>",
        ],
        &["BAR", "VATEX"],
    );
}

#[test]
fn what_is_paid_at_issue_says_so() {
    let paid = Draft { credit: 5880, ..Draft::default() }.invoice();
    holds(
        &paid,
        &["<ram:ID>S2</ram:ID>", "<ram:TotalPrepaidAmount>58.80</ram:TotalPrepaidAmount>"],
        &["<cbc:ProfileID>S2</cbc:ProfileID>", "<cbc:DueDate>2026-11-05</cbc:DueDate>"],
        &["IBAN", "PaymentMeans"],
    );
    let free = Draft { discount: 4900, ..Draft::default() }.invoice();
    let nothing = ["<ram:DuePayableAmount>0.00</ram:DuePayableAmount>", "<ram:ID>S1</ram:ID>"];
    holds(&free, &nothing, &[], &["Prepaid", "PaymentMeans"]);
}

#[test]
fn a_credit_note_says_what_it_takes_back() {
    holds(
        &Draft::default().credit_note(),
        &[
            "<ram:TypeCode>381</ram:TypeCode>",
            "<ram:InvoiceReferencedDocument><ram:IssuerAssignedID>FA-2026-000001</ram:IssuerAssignedID>\
             <ram:FormattedIssueDateTime><qdt:DateTimeString format=\"102\">20261105</qdt:DateTimeString>",
            "<ram:Content>Erreur de facturation</ram:Content><ram:SubjectCode>AAI</ram:SubjectCode>",
            "<ram:Description>Avoir\u{a0}: rien à payer.</ram:Description>",
            "<ram:DuePayableAmount>58.80</ram:DuePayableAmount>",
        ],
        &[
            "<CreditNote xmlns=",
            "<cbc:CreditNoteTypeCode>381</cbc:CreditNoteTypeCode>",
            "<cbc:CreditedQuantity unitCode=\"C62\">1</cbc:CreditedQuantity>",
            "<cac:InvoiceDocumentReference><cbc:ID>FA-2026-000001</cbc:ID><cbc:IssueDate>2026-11-05",
            "<cbc:Note>#PMD#Sans objet\u{a0}: avoir.</cbc:Note>",
        ],
        &["DueDate", "PaymentMeans", "Prepaid"],
    );
}

#[test]
fn what_bears_no_tax_says_why() {
    let of = |category, seller, buyer| {
        Draft { category: Some(category), rate: "0", seller, buyer, ..Draft::default() }.invoice()
    };
    let franchise = of(TaxCategory::Exempt, Party { vat_id: None, ..paris() }, lyon());
    holds(
        &franchise,
        &[
            "<ram:ExemptionReason>TVA non applicable, art. 293 B du CGI</ram:ExemptionReason>",
            "<ram:ExemptionReasonCode>VATEX-FR-FRANCHISE</ram:ExemptionReasonCode>",
            "<ram:ID schemeID=\"FC\">732829320</ram:ID>",
        ],
        &["<cbc:CompanyID>732829320</cbc:CompanyID><cac:TaxScheme><cbc:ID>FC</cbc:ID>"],
        &[],
    );
    let german = Draft { seller: berlin(), ..Draft::default() };
    let exempt = Draft { category: Some(TaxCategory::Exempt), rate: "0", ..german }.invoice();
    holds(
        &exempt,
        &["<ram:CategoryCode>E<", "Exonéré de TVA"],
        &[],
        &["VATEX", "BusinessProcess", "ProfileID"],
    );
    let reverse = of(TaxCategory::ReverseCharge, paris(), berlin());
    holds(
        &reverse,
        &["VATEX-EU-AE", "<ram:ID schemeID=\"VA\">DE123456789<"],
        &["<cbc:Percent>0<"],
        &[],
    );
    let export = of(TaxCategory::Export, paris(), boston());
    holds(&export, &["VATEX-EU-G"], &["<cbc:EndpointID schemeID=\"EM\">billing@example.com<"], &[]);
    let outside = of(TaxCategory::OutsideScope, paris(), berlin());
    let never = ["Percent", "FR44732829320", "DE123456789", "\"VA\""];
    holds(
        &outside,
        &["VATEX-EU-O", "<ram:ID schemeID=\"0002\">732829320<"],
        &["VATEX-EU-O"],
        &never,
    );
    let zero = of(TaxCategory::Zero, paris(), lyon());
    let note = "<ram:Content>TVA au taux zéro</ram:Content><ram:SubjectCode>TXD</ram:SubjectCode>";
    holds(&zero, &[note, "<ram:CategoryCode>Z<"], &[], &["VATEX", "Exemption"]);
}

#[test]
fn francs_have_no_decimals_and_their_seller_no_number_for_vat() {
    let items = vec![Item("Abonnement", "3", "-", 10_000)];
    let (basis, discount) = (TaxBasis::Inclusive, 500);
    let draft = Draft {
        seller: dakar(),
        buyer: dakar(),
        items,
        rate: "18",
        currency: "XOF",
        basis,
        discount,
        ..Draft::default()
    };
    holds(
        &draft.invoice(),
        &[
            "<ram:ChargeAmount>8475</ram:ChargeAmount>",
            "<ram:ActualAmount>424</ram:ActualAmount>",
            "<ram:CalculatedAmount>1449</ram:CalculatedAmount>",
            "<ram:SpecifiedLegalOrganization><ram:ID>SN-DKR-2020-B-123</ram:ID>",
            "<ram:ID schemeID=\"FC\">NINEA 005123456</ram:ID>",
            "<ram:LineOne>Immeuble Fahd</ram:LineOne><ram:LineTwo>Boulevard Djily Mbaye</ram:LineTwo>\
             <ram:LineThree>Plateau, Dakar</ram:LineThree><ram:CountryID>SN</ram:CountryID>",
            "<ram:TypeCode>30</ram:TypeCode>",
        ],
        &["<cac:AddressLine><cbc:Line>Plateau, Dakar</cbc:Line></cac:AddressLine>"],
        &["BusinessProcess", "ProfileID", "PMT", "\"VA\""],
    );
}

#[test]
fn a_firm_is_known_by_whatever_says_its_siren() {
    let bare = Party { legal_id: None, vat_id: None, ..lyon() };
    let id = |text: &str| Some(text.to_owned());
    for buyer in [
        Party { legal_id: id("404 833 048"), ..bare.clone() },
        Party { legal_id: id("404.833.048.00012"), ..bare.clone() },
        Party {
            registration: id("SA au capital de 10 000 €, RCS Lyon 404\u{a0}833\u{a0}048"),
            ..bare.clone()
        },
        Party { registration: id("Tél. 123 456 789, 404833048 RCS Lyon"), ..bare.clone() },
        Party { vat_id: id("FR 83 404 833 048"), ..bare.clone() },
        Party { tax_id: id("SIRET 40483304800012"), ..bare.clone() },
        Party {
            electronic_address: id("iso6523-actorid-upis::0225:404833048"),
            legal_id: id("404833048"),
            ..bare.clone()
        },
        Party { electronic_address: id("404833048"), legal_id: id("404833048"), ..bare },
    ] {
        let siren = ["schemeID=\"0002\">404833048<", "schemeID=\"0225\">404833048<"];
        holds(&Draft { buyer, ..Draft::default() }.invoice(), &siren, &siren, &[]);
    }
}

#[test]
fn a_tax_number_that_looks_like_one_for_vat_is_one() {
    for (country, vat_id, tax_id, said) in [
        ("DE", "", "DE 123 456 789", "\"VA\">DE123456789<"),
        ("DE", "", "30/123/45678", "\"FC\">30/123/45678<"),
        ("GB", "", "GB 123 4567 89", "\"VA\">GB123456789<"),
        ("GR", "EL 123456789", "", "\"VA\">EL123456789<"),
        ("CH", "CHE-123.456.789 MWST", "", "\"VA\">CHE123456789MWST<"),
        ("SN", "", "SN-DKR 2020 B 123", "\"FC\">SN-DKR 2020 B 123<"),
        ("SN", "NINEA 005123456", "", "\"FC\">NINEA 005123456<"),
    ] {
        let seller = party(["Ex", country, "", "", "", "12", vat_id, tax_id]);
        holds(&Draft { seller, ..Draft::default() }.invoice(), &[said], &[], &[]);
    }
}

#[test]
fn notes_are_told_apart_whatever_is_written_in_them() {
    let mut document = Draft::default().invoice();
    document.notes = Notes::Own("12 % #PMD#PMT# a".into());
    document.legal_text = Some("AAB".into());
    document.memo = Some("a\u{0}b".into());
    holds(
        &document,
        &["<ram:Content>12 % #(PMD)#(PMT)# a</ram:Content><ram:SubjectCode>PMT<"],
        &[
            "<cbc:Note>#AAB#12 % #(PMD)#(PMT)# a</cbc:Note><cbc:Note>#AAI#ab</cbc:Note>",
            "<cbc:Note>#REG#(AAB)</cbc:Note>",
        ],
        &[],
    );
    for (country, treatment) in [("FR", "B2C"), ("DE", "B2CINT")] {
        let buyer = Party { kind: Some(CustomerKind::Consumer), ..consumer(country) };
        let note = format!("<cbc:Note>#BAR#{treatment}</cbc:Note>");
        let none = "<cbc:Note>#PMT#Sans objet\u{a0}: le client est un consommateur.</cbc:Note>";
        holds(&Draft { buyer, ..Draft::default() }.invoice(), &[], &[&note, none], &[]);
    }
}

#[test]
fn how_it_is_paid_is_said_where_it_is_known() {
    let mut automatic = Draft::default().invoice();
    automatic.payment.automatic = true;
    holds(
        &automatic,
        &["<ram:TypeCode>57</ram:TypeCode>"],
        &[],
        &["FR76", "PaymentReference", "PaymentID"],
    );
    let mut told = Draft { seller: Party { iban: None, ..paris() }, ..Draft::default() }.invoice();
    told.payment.how_to_pay = Some("Par chèque".into());
    told.payment.bank = Some("CBAO 0123".into());
    let terms = "<cac:PaymentTerms><cbc:Note>Par chèqueCBAO 0123</cbc:Note></cac:PaymentTerms>";
    holds(&told, &[], &[terms], &["PaymentMeans"]);
}
