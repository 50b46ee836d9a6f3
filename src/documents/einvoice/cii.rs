//! An e-invoice as UN/CEFACT Cross Industry Invoice, in the order of its elements.

use chrono::NaiveDate;

use super::{EInvoice, EInvoiceLine, Means, Period, Price, SPECIFICATION, Trader};
use crate::documents::xml::Xml;
use crate::domain::Currency;
use crate::domain::document::DocumentKind;
use crate::domain::money::major;

const NAMESPACES: [(&str, &str); 4] = [
    ("xmlns:rsm", "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"),
    (
        "xmlns:ram",
        "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    ),
    ("xmlns:qdt", "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"),
    ("xmlns:udt", "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"),
];

/// The whole of it.
pub(super) fn write(invoice: &EInvoice) -> String {
    Xml::document("rsm:CrossIndustryInvoice", &NAMESPACES, |xml| {
        context(xml, invoice);
        document(xml, invoice);
        xml.element("rsm:SupplyChainTradeTransaction", |xml| {
            for (at, line) in invoice.lines.iter().enumerate() {
                trade_line(xml, invoice, at + 1, line);
            }
            xml.element("ram:ApplicableHeaderTradeAgreement", |xml| {
                xml.element("ram:SellerTradeParty", |xml| trader(xml, &invoice.seller));
                xml.element("ram:BuyerTradeParty", |xml| trader(xml, &invoice.buyer));
            });
            xml.element("ram:ApplicableHeaderTradeDelivery", |xml| {
                xml.element("ram:ActualDeliverySupplyChainEvent", |xml| {
                    date(xml, "ram:OccurrenceDateTime", invoice.delivered_on);
                });
            });
            xml.element("ram:ApplicableHeaderTradeSettlement", |xml| settlement(xml, invoice));
        });
    })
}

fn context(xml: &mut Xml, invoice: &EInvoice) {
    xml.element("rsm:ExchangedDocumentContext", |xml| {
        if let Some(process) = invoice.process {
            xml.element("ram:BusinessProcessSpecifiedDocumentContextParameter", |xml| {
                xml.text("ram:ID", process);
            });
        }
        xml.element("ram:GuidelineSpecifiedDocumentContextParameter", |xml| {
            xml.text("ram:ID", SPECIFICATION);
        });
    });
}

fn document(xml: &mut Xml, invoice: &EInvoice) {
    xml.element("rsm:ExchangedDocument", |xml| {
        xml.text("ram:ID", &invoice.number);
        let code = match invoice.kind {
            DocumentKind::Invoice => "380",
            DocumentKind::CreditNote => "381",
        };
        xml.text("ram:TypeCode", code);
        date(xml, "ram:IssueDateTime", invoice.issued_on);
        for note in &invoice.notes {
            xml.element("ram:IncludedNote", |xml| {
                xml.text("ram:Content", &note.text);
                xml.text("ram:SubjectCode", note.code);
            });
        }
    });
}

fn trade_line(xml: &mut Xml, invoice: &EInvoice, number: usize, line: &EInvoiceLine) {
    xml.element("ram:IncludedSupplyChainTradeLineItem", |xml| {
        xml.element("ram:AssociatedDocumentLineDocument", |xml| {
            xml.text("ram:LineID", &number.to_string());
        });
        xml.element("ram:SpecifiedTradeProduct", |xml| xml.text("ram:Name", &line.name));
        xml.element("ram:SpecifiedLineTradeAgreement", |xml| {
            price(xml, &line.price, invoice.currency);
        });
        let unit = [("unitCode", Price::UNIT)];
        xml.element("ram:SpecifiedLineTradeDelivery", |xml| {
            xml.text_with("ram:BilledQuantity", &unit, &line.price.quantity.to_string());
        });
        xml.element("ram:SpecifiedLineTradeSettlement", |xml| {
            xml.element("ram:ApplicableTradeTax", |xml| {
                xml.text("ram:TypeCode", "VAT");
                xml.text("ram:CategoryCode", invoice.vat.category.word());
                rate(xml, invoice);
            });
            period(xml, line.period);
            if let Some(discount) = line.discount {
                xml.element("ram:SpecifiedTradeAllowanceCharge", |xml| {
                    xml.element("ram:ChargeIndicator", |xml| xml.text("udt:Indicator", "false"));
                    xml.text("ram:ActualAmount", &discount.major());
                    xml.text("ram:ReasonCode", EInvoiceLine::DISCOUNT_CODE);
                    xml.text("ram:Reason", line.discount_reason);
                });
            }
            xml.element("ram:SpecifiedTradeSettlementLineMonetarySummation", |xml| {
                xml.text("ram:LineTotalAmount", &line.net.major());
            });
        });
    });
}

fn price(xml: &mut Xml, price: &Price, currency: Currency) {
    xml.element("ram:NetPriceProductTradePrice", |xml| {
        xml.text("ram:ChargeAmount", &major(price.price, currency));
        if let Some(base) = price.base {
            let unit = [("unitCode", Price::UNIT)];
            xml.text_with("ram:BasisQuantity", &unit, &base.to_string());
        }
    });
}

fn trader(xml: &mut Xml, trader: &Trader) {
    xml.text("ram:Name", &trader.name);
    if let Some(id) = &trader.legal_id {
        xml.element("ram:SpecifiedLegalOrganization", |xml| {
            xml.text_with("ram:ID", &id.attributes(), &id.value);
        });
    }
    if let Some(email) = &trader.email {
        xml.element("ram:DefinedTradeContact", |xml| {
            xml.element("ram:EmailURIUniversalCommunication", |xml| xml.text("ram:URIID", email));
        });
    }
    xml.element("ram:PostalTradeAddress", |xml| {
        let address = &trader.address;
        xml.maybe("ram:PostcodeCode", address.postcode.as_deref());
        let names = ["ram:LineOne", "ram:LineTwo", "ram:LineThree"];
        for (name, line) in names.into_iter().zip(&address.lines) {
            xml.text(name, line);
        }
        xml.maybe("ram:CityName", address.city.as_deref());
        xml.text("ram:CountryID", &address.country);
    });
    if let Some(id) = &trader.electronic_address {
        xml.element("ram:URIUniversalCommunication", |xml| {
            xml.text_with("ram:URIID", &id.attributes(), &id.value);
        });
    }
    for (scheme, id) in [("VA", &trader.vat_id), ("FC", &trader.tax_number)] {
        let Some(id) = id else { continue };
        xml.element("ram:SpecifiedTaxRegistration", |xml| {
            xml.text_with("ram:ID", &[("schemeID", scheme)], id);
        });
    }
}

fn settlement(xml: &mut Xml, invoice: &EInvoice) {
    let reference = invoice.means.as_ref().and_then(|means| means.reference.as_deref());
    xml.maybe("ram:PaymentReference", reference);
    xml.text("ram:InvoiceCurrencyCode", invoice.currency.code());
    invoice.means.iter().for_each(|way| means(xml, way));
    tax(xml, invoice);
    period(xml, invoice.period);
    if invoice.terms.is_some() || invoice.due_on.is_some() {
        xml.element("ram:SpecifiedTradePaymentTerms", |xml| {
            xml.maybe("ram:Description", invoice.terms.as_deref());
            invoice.due_on.iter().for_each(|due| date(xml, "ram:DueDateDateTime", *due));
        });
    }
    sums(xml, invoice);
    if let Some(corrected) = &invoice.corrects {
        xml.element("ram:InvoiceReferencedDocument", |xml| {
            xml.text("ram:IssuerAssignedID", &corrected.number);
            xml.element("ram:FormattedIssueDateTime", |xml| {
                day(xml, "qdt:DateTimeString", corrected.issued_on);
            });
        });
    }
}

fn means(xml: &mut Xml, means: &Means) {
    xml.element("ram:SpecifiedTradeSettlementPaymentMeans", |xml| {
        xml.text("ram:TypeCode", means.code);
        let Some(account) = &means.account else { return };
        xml.element("ram:PayeePartyCreditorFinancialAccount", |xml| {
            xml.text("ram:IBANID", &account.iban);
            xml.maybe("ram:AccountName", account.name.as_deref());
        });
        if let Some(bic) = &account.bic {
            xml.element("ram:PayeeSpecifiedCreditorFinancialInstitution", |xml| {
                xml.text("ram:BICID", bic);
            });
        }
    });
}

fn tax(xml: &mut Xml, invoice: &EInvoice) {
    xml.element("ram:ApplicableTradeTax", |xml| {
        let vat = &invoice.vat;
        xml.text("ram:CalculatedAmount", &invoice.sums.tax.major());
        xml.text("ram:TypeCode", "VAT");
        xml.maybe("ram:ExemptionReason", vat.reason.as_deref());
        xml.text("ram:BasisAmount", &invoice.sums.net.major());
        xml.text("ram:CategoryCode", vat.category.word());
        xml.maybe("ram:ExemptionReasonCode", vat.reason_code);
        rate(xml, invoice);
    });
}

fn sums(xml: &mut Xml, invoice: &EInvoice) {
    let sums = &invoice.sums;
    xml.element("ram:SpecifiedTradeSettlementHeaderMonetarySummation", |xml| {
        xml.text("ram:LineTotalAmount", &sums.net.major());
        xml.text("ram:TaxBasisTotalAmount", &sums.net.major());
        let currency = [("currencyID", invoice.currency.code())];
        xml.text_with("ram:TaxTotalAmount", &currency, &sums.tax.major());
        xml.text("ram:GrandTotalAmount", &sums.total.major());
        if !sums.paid.is_zero() {
            xml.text("ram:TotalPrepaidAmount", &sums.paid.major());
        }
        xml.text("ram:DuePayableAmount", &sums.due.major());
    });
}

fn rate(xml: &mut Xml, invoice: &EInvoice) {
    let rate = invoice.vat.rate.map(|rate| rate.to_string());
    xml.maybe("ram:RateApplicablePercent", rate.as_deref());
}

fn period(xml: &mut Xml, period: Option<Period>) {
    let Some(period) = period else { return };
    xml.element("ram:BillingSpecifiedPeriod", |xml| {
        date(xml, "ram:StartDateTime", period.first);
        date(xml, "ram:EndDateTime", period.last);
    });
}

fn date(xml: &mut Xml, name: &'static str, date: NaiveDate) {
    xml.element(name, |xml| day(xml, "udt:DateTimeString", date));
}

fn day(xml: &mut Xml, name: &'static str, date: NaiveDate) {
    xml.text_with(name, &[("format", "102")], &date.format("%Y%m%d").to_string());
}
