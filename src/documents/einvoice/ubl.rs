//! An e-invoice as OASIS UBL 2.1, in the order of its elements: an invoice and a credit note are two kinds
//! of document there.

use super::{EInvoice, EInvoiceLine, Means, Period, Price, SPECIFICATION, Trader};
use crate::documents::xml::Xml;
use crate::domain::Money;
use crate::domain::document::DocumentKind;
use crate::domain::money::major;

/// What differs between the two kinds of document.
struct Kind {
    root: &'static str,
    namespace: &'static str,
    code: (&'static str, &'static str),
    line: &'static str,
    quantity: &'static str,
}

const INVOICE: Kind = Kind {
    root: "Invoice",
    namespace: "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2",
    code: ("cbc:InvoiceTypeCode", "380"),
    line: "cac:InvoiceLine",
    quantity: "cbc:InvoicedQuantity",
};

const CREDIT_NOTE: Kind = Kind {
    root: "CreditNote",
    namespace: "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2",
    code: ("cbc:CreditNoteTypeCode", "381"),
    line: "cac:CreditNoteLine",
    quantity: "cbc:CreditedQuantity",
};

/// The whole of it.
pub(super) fn write(invoice: &EInvoice) -> String {
    let kind = match invoice.kind {
        DocumentKind::Invoice => &INVOICE,
        DocumentKind::CreditNote => &CREDIT_NOTE,
    };
    let components = "urn:oasis:names:specification:ubl:schema:xsd:Common";
    let namespaces = [
        ("xmlns", kind.namespace),
        ("xmlns:cac", &format!("{components}AggregateComponents-2")),
        ("xmlns:cbc", &format!("{components}BasicComponents-2")),
    ];
    Xml::document(kind.root, &namespaces, |xml| {
        head(xml, invoice, kind);
        xml.element("cac:AccountingSupplierParty", |xml| trader(xml, &invoice.seller));
        xml.element("cac:AccountingCustomerParty", |xml| trader(xml, &invoice.buyer));
        xml.element("cac:Delivery", |xml| {
            xml.text("cbc:ActualDeliveryDate", &invoice.delivered_on.to_string());
        });
        invoice.means.iter().for_each(|way| means(xml, way));
        if let Some(terms) = &invoice.terms {
            xml.element("cac:PaymentTerms", |xml| xml.text("cbc:Note", terms));
        }
        tax(xml, invoice);
        sums(xml, invoice);
        for (at, line) in invoice.lines.iter().enumerate() {
            trade_line(xml, invoice, kind, at + 1, line);
        }
    })
}

fn head(xml: &mut Xml, invoice: &EInvoice, kind: &Kind) {
    xml.text("cbc:CustomizationID", SPECIFICATION);
    xml.maybe("cbc:ProfileID", invoice.process);
    xml.text("cbc:ID", &invoice.number);
    xml.text("cbc:IssueDate", &invoice.issued_on.to_string());
    // Of a credit note no such date is known, and UBL has no such element.
    invoice.due_on.iter().for_each(|due| xml.text("cbc:DueDate", &due.to_string()));
    xml.text(kind.code.0, kind.code.1);
    for note in &invoice.notes {
        xml.text("cbc:Note", &format!("#{}#{}", note.code, note.text));
    }
    xml.text("cbc:DocumentCurrencyCode", invoice.currency.code());
    period(xml, invoice.period);
    if let Some(corrected) = &invoice.corrects {
        xml.element("cac:BillingReference", |xml| {
            xml.element("cac:InvoiceDocumentReference", |xml| {
                xml.text("cbc:ID", &corrected.number);
                xml.text("cbc:IssueDate", &corrected.issued_on.to_string());
            });
        });
    }
}

fn trader(xml: &mut Xml, trader: &Trader) {
    xml.element("cac:Party", |xml| {
        if let Some(id) = &trader.electronic_address {
            xml.text_with("cbc:EndpointID", &id.attributes(), &id.value);
        }
        address(xml, trader);
        for (scheme, id) in [("VAT", &trader.vat_id), ("FC", &trader.tax_number)] {
            let Some(id) = id else { continue };
            xml.element("cac:PartyTaxScheme", |xml| {
                xml.text("cbc:CompanyID", id);
                tax_scheme(xml, scheme);
            });
        }
        xml.element("cac:PartyLegalEntity", |xml| {
            xml.text("cbc:RegistrationName", &trader.name);
            if let Some(id) = &trader.legal_id {
                xml.text_with("cbc:CompanyID", &id.attributes(), &id.value);
            }
        });
        if let Some(email) = &trader.email {
            xml.element("cac:Contact", |xml| xml.text("cbc:ElectronicMail", email));
        }
    });
}

fn address(xml: &mut Xml, trader: &Trader) {
    let address = &trader.address;
    let mut lines = address.lines.iter();
    xml.element("cac:PostalAddress", |xml| {
        xml.maybe("cbc:StreetName", lines.next().map(String::as_str));
        xml.maybe("cbc:AdditionalStreetName", lines.next().map(String::as_str));
        xml.maybe("cbc:CityName", address.city.as_deref());
        xml.maybe("cbc:PostalZone", address.postcode.as_deref());
        if let Some(line) = lines.next() {
            xml.element("cac:AddressLine", |xml| xml.text("cbc:Line", line));
        }
        xml.element("cac:Country", |xml| {
            xml.text("cbc:IdentificationCode", &address.country);
        });
    });
}

fn means(xml: &mut Xml, means: &Means) {
    xml.element("cac:PaymentMeans", |xml| {
        xml.text("cbc:PaymentMeansCode", means.code);
        xml.maybe("cbc:PaymentID", means.reference.as_deref());
        let Some(account) = &means.account else { return };
        xml.element("cac:PayeeFinancialAccount", |xml| {
            xml.text("cbc:ID", &account.iban);
            xml.maybe("cbc:Name", account.name.as_deref());
            if let Some(bic) = &account.bic {
                xml.element("cac:FinancialInstitutionBranch", |xml| xml.text("cbc:ID", bic));
            }
        });
    });
}

fn tax(xml: &mut Xml, invoice: &EInvoice) {
    let (vat, sums) = (&invoice.vat, &invoice.sums);
    xml.element("cac:TaxTotal", |xml| {
        amount(xml, "cbc:TaxAmount", sums.tax);
        xml.element("cac:TaxSubtotal", |xml| {
            amount(xml, "cbc:TaxableAmount", sums.net);
            amount(xml, "cbc:TaxAmount", sums.tax);
            xml.element("cac:TaxCategory", |xml| {
                xml.text("cbc:ID", vat.category.word());
                rate(xml, invoice);
                xml.maybe("cbc:TaxExemptionReasonCode", vat.reason_code);
                xml.maybe("cbc:TaxExemptionReason", vat.reason.as_deref());
                tax_scheme(xml, "VAT");
            });
        });
    });
}

fn sums(xml: &mut Xml, invoice: &EInvoice) {
    let sums = &invoice.sums;
    xml.element("cac:LegalMonetaryTotal", |xml| {
        amount(xml, "cbc:LineExtensionAmount", sums.net);
        amount(xml, "cbc:TaxExclusiveAmount", sums.net);
        amount(xml, "cbc:TaxInclusiveAmount", sums.total);
        if !sums.paid.is_zero() {
            amount(xml, "cbc:PrepaidAmount", sums.paid);
        }
        amount(xml, "cbc:PayableAmount", sums.due);
    });
}

fn trade_line(xml: &mut Xml, invoice: &EInvoice, kind: &Kind, number: usize, line: &EInvoiceLine) {
    let unit = [("unitCode", Price::UNIT)];
    xml.element(kind.line, |xml| {
        xml.text("cbc:ID", &number.to_string());
        xml.text_with(kind.quantity, &unit, &line.price.quantity.to_string());
        amount(xml, "cbc:LineExtensionAmount", line.net);
        period(xml, line.period);
        if let Some(discount) = line.discount {
            xml.element("cac:AllowanceCharge", |xml| {
                xml.text("cbc:ChargeIndicator", "false");
                xml.text("cbc:AllowanceChargeReasonCode", EInvoiceLine::DISCOUNT_CODE);
                xml.text("cbc:AllowanceChargeReason", line.discount_reason);
                amount(xml, "cbc:Amount", discount);
            });
        }
        xml.element("cac:Item", |xml| {
            xml.text("cbc:Name", &line.name);
            xml.element("cac:ClassifiedTaxCategory", |xml| {
                xml.text("cbc:ID", invoice.vat.category.word());
                rate(xml, invoice);
                tax_scheme(xml, "VAT");
            });
        });
        xml.element("cac:Price", |xml| {
            let currency = [("currencyID", invoice.currency.code())];
            let price = major(line.price.price, invoice.currency);
            xml.text_with("cbc:PriceAmount", &currency, &price);
            if let Some(base) = line.price.base {
                xml.text_with("cbc:BaseQuantity", &unit, &base.to_string());
            }
        });
    });
}

fn rate(xml: &mut Xml, invoice: &EInvoice) {
    let rate = invoice.vat.rate.map(|rate| rate.to_string());
    xml.maybe("cbc:Percent", rate.as_deref());
}

fn tax_scheme(xml: &mut Xml, scheme: &str) {
    xml.element("cac:TaxScheme", |xml| xml.text("cbc:ID", scheme));
}

fn period(xml: &mut Xml, period: Option<Period>) {
    let Some(period) = period else { return };
    xml.element("cac:InvoicePeriod", |xml| {
        xml.text("cbc:StartDate", &period.first.to_string());
        xml.text("cbc:EndDate", &period.last.to_string());
    });
}

fn amount(xml: &mut Xml, name: &'static str, amount: Money) {
    xml.text_with(name, &[("currencyID", amount.currency().code())], &amount.major());
}
