//! Documents to be written, as the books would draw them up.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::domain::coupon::Discount;
use crate::domain::document::{Corrected, Document, DocumentKind, DocumentLine, Payment};
use crate::domain::email::Locale;
use crate::domain::invoice::{Line, add_up, discounted, nets};
use crate::domain::legal::{LegalNotes, Notes};
use crate::domain::party::{CustomerKind, Party};
use crate::domain::tax::{TaxBasis, TaxCategory};
use crate::domain::{Currency, Money};

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A party in parts: name, country, street, postcode, city, number in a register, for VAT, for taxes.
pub fn party(parts: [&str; 8]) -> Party {
    let [name, country, street, postcode, city, legal_id, vat_id, tax_id] = parts.map(some);
    let email = Some("billing@example.com".to_owned());
    Party {
        name,
        email,
        country,
        street,
        postcode,
        city,
        legal_id,
        vat_id,
        tax_id,
        ..Party::default()
    }
}

pub fn paris() -> Party {
    let parts = ["Studio Exemple SARL", "FR", "12 rue de la Paix", "75002", "Paris", "732 829 320"];
    let [a, b, c, d, e, f] = parts;
    Party {
        iban: some("FR7630006000011234567890189"),
        bic: some("AGRIFRPP"),
        ..party([a, b, c, d, e, f, "FR44 732 829 320", ""])
    }
}

pub fn lyon() -> Party {
    let parts = ["Client & Fils SAS", "FR", "1 avenue Leclerc", "69003", "Lyon", "404 833 048"];
    let [a, b, c, d, e, f] = parts;
    party([a, b, c, d, e, f, "FR83404833048", ""])
}

pub fn berlin() -> Party {
    let iban = some("DE89370400440532013000");
    let parts = ["Muster GmbH", "DE", "Hauptstraße 1", "10115", "Berlin", "HRB 1234"];
    let [a, b, c, d, e, f] = parts;
    Party { iban, ..party([a, b, c, d, e, f, "DE123456789", "30/123/45678"]) }
}

pub fn bruxelles() -> Party {
    let parts = ["Exemple SRL", "BE", "Rue Neuve 1", "1000", "Bruxelles", "0123.456.749"];
    let [a, b, c, d, e, f] = parts;
    let electronic_address = some("0208:0123456749");
    Party { electronic_address, ..party([a, b, c, d, e, f, "BE 0123.456.749", ""]) }
}

pub fn dakar() -> Party {
    Party {
        address: some("Immeuble Fahd\nBoulevard Djily Mbaye\nPlateau\nDakar"),
        registration: some("SN-DKR-2020-B-123"),
        iban: some("SN08SN0100152000048500003035"),
        ..party(["Dakar Services SARL", "SN", "", "", "", "", "", "NINEA 005123456"])
    }
}

pub fn boston() -> Party {
    party(["Acme Inc.", "US", "1 Main Street", "02108", "Boston", "", "", "12-3456789"])
}

pub fn consumer(country: &str) -> Party {
    let kind = Some(CustomerKind::Consumer);
    Party {
        kind,
        ..party(["Jeanne Martin", country, "3 rue Haute", "44000", "Nantes", "", "", ""])
    }
}

/// A line: what it bills, how many, at which price; `-` where the price is not what it comes to.
pub struct Item(pub &'static str, pub &'static str, pub &'static str, pub i64);

pub struct Draft {
    pub seller: Party,
    pub buyer: Party,
    pub items: Vec<Item>,
    pub basis: TaxBasis,
    pub category: Option<TaxCategory>,
    pub rate: &'static str,
    pub currency: &'static str,
    pub discount: i64,
    pub credit: i64,
    pub period: Option<(NaiveDate, NaiveDate)>,
    pub locale: Locale,
}

impl Default for Draft {
    fn default() -> Self {
        Draft {
            seller: paris(),
            buyer: lyon(),
            items: vec![Item("Abonnement Pro", "1", "49.00", 4900)],
            basis: TaxBasis::Exclusive,
            category: Some(TaxCategory::Standard),
            rate: "20",
            currency: "EUR",
            discount: 0,
            credit: 0,
            period: Some((day("2026-11-01"), day("2026-12-01"))),
            locale: Locale::Fr,
        }
    }
}

impl Draft {
    pub fn invoice(self) -> Document {
        let currency: Currency = self.currency.parse().unwrap();
        let money = |minor| Money::from_minor(minor, currency);
        let line = |Item(description, quantity, price, minor): &Item| Line {
            description: (*description).to_owned(),
            quantity: decimal(quantity),
            unit_price: price.parse().ok(),
            period: self.period,
            ..Line::single(String::new(), money(*minor))
        };
        let lines: Vec<Line> = self.items.iter().map(line).collect();
        let lines = discounted(&lines, &Discount::Amount(money(self.discount))).unwrap();
        let rate = decimal(self.rate);
        let amounts = add_up(&lines, self.basis, rate).unwrap();
        let nets = nets(&lines, &amounts, self.basis);
        let law = LegalNotes::of(self.seller.country.as_deref(), self.buyer.kind, self.locale);
        let country = self.seller.country.clone();
        let reason = |c: TaxCategory| c.default_reason(country.as_deref(), self.locale);
        Document {
            kind: DocumentKind::Invoice,
            number: "FA-2026-000001".into(),
            locale: self.locale,
            issued_on: day("2026-11-05"),
            due_on: Some(day("2026-12-05")),
            period: self.period,
            lines: lines
                .into_iter()
                .zip(nets)
                .map(|(line, net)| document_line(line, net))
                .collect(),
            basis: self.basis,
            tax_rate: rate,
            tax_category: self.category,
            tax_reason: self.category.and_then(reason).map(str::to_owned),
            amounts,
            coupon: None,
            paid: money(0),
            credit_applied: money(self.credit),
            due: money(amounts.total.minor() - self.credit),
            corrects: None,
            memo: None,
            notes: law.map_or(Notes::None, Notes::Law),
            payment: Payment::default(),
            reference: Some("RF27FA2026000001".into()),
            legal_text: None,
            footer: None,
            seller: self.seller,
            buyer: self.buyer,
        }
    }

    /// The same as a credit note that takes it back.
    pub fn credit_note(self) -> Document {
        let invoice = self.invoice();
        let corrects = Corrected { number: invoice.number.clone(), issued_on: invoice.issued_on };
        Document {
            kind: DocumentKind::CreditNote,
            number: "CN-2026-000001".into(),
            issued_on: day("2026-11-10"),
            due_on: None,
            due: Money::zero(invoice.currency()),
            corrects: Some(corrects),
            memo: Some("Erreur de facturation".into()),
            notes: Notes::None,
            reference: None,
            ..invoice
        }
    }
}

fn document_line(line: Line, net: Money) -> DocumentLine {
    let Line { description, quantity, unit_price, amount, discount, period, .. } = line;
    DocumentLine { description, quantity, unit_price, amount, discount, net, period }
}
