//! What a document lacks to be an e-invoice: what EN 16931 or the French rules (BR-FR) want, and nobody said.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::domain::Money;

/// Who of the two a lack is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Seller,
    Buyer,
}

/// What a document lacks to be an e-invoice. `message` and `hint` stand in the room of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    Name(Side),
    Country(Side),
    /// A country that ISO 3166 does not know.
    UnknownCountry {
        side: Side,
        country: String,
    },
    /// The nine digits of a French firm.
    Siren(Side),
    /// Neither a number in a register nor one for VAT, of a seller that is not French.
    Identifier,
    VatId(Side),
    /// A number for VAT that does not begin with its country.
    BadVatId {
        side: Side,
        vat_id: String,
    },
    /// Of a seller: neither a number for VAT nor one for taxes.
    TaxNumber,
    /// Where it takes e-invoices.
    Address(Side),
    /// One that no platform understands.
    BadAddress {
        side: Side,
        address: String,
    },
    /// No tax, and nobody said why.
    TaxCategory,
    /// A rate that France does not know.
    Rate {
        rate: Decimal,
    },
    /// A tax that is not what its rate makes of the net.
    Tax {
        tax: Money,
        rate: Decimal,
    },
    /// A number that France does not take: of letters, digits and `+ - _ /`, at most 35.
    Number {
        number: String,
    },
    /// A credit note that does not say which invoice it takes back.
    Corrects,
    /// The number of that invoice, which France does not take.
    CorrectedNumber {
        number: String,
    },
    DueDate,
    DueBeforeIssue {
        issued_on: NaiveDate,
        due_on: NaiveDate,
    },
    /// A date outside the years that France takes.
    Date {
        date: NaiveDate,
    },
    NoLines,
    /// A line that does not say what it bills, counted from 1.
    Description {
        line: usize,
    },
    /// Lines that do not come to the net of the whole.
    Sum {
        lines: Money,
        net: Money,
    },
}

impl Lack {
    /// The business term of EN 16931 that is not there.
    pub fn term(&self) -> &'static str {
        use Side::{Buyer, Seller};
        match self {
            Lack::Name(Seller) => "BT-27",
            Lack::Name(Buyer) => "BT-44",
            Lack::Country(Seller) | Lack::UnknownCountry { side: Seller, .. } => "BT-40",
            Lack::Country(Buyer) | Lack::UnknownCountry { side: Buyer, .. } => "BT-55",
            Lack::Siren(Seller) | Lack::Identifier => "BT-30",
            Lack::Siren(Buyer) => "BT-47",
            Lack::VatId(Seller) | Lack::BadVatId { side: Seller, .. } => "BT-31",
            Lack::VatId(Buyer) | Lack::BadVatId { side: Buyer, .. } => "BT-48",
            Lack::TaxNumber => "BT-32",
            Lack::Address(Seller) | Lack::BadAddress { side: Seller, .. } => "BT-34",
            Lack::Address(Buyer) | Lack::BadAddress { side: Buyer, .. } => "BT-49",
            Lack::TaxCategory => "BT-118",
            Lack::Rate { .. } => "BT-119",
            Lack::Tax { .. } => "BT-117",
            Lack::Number { .. } => "BT-1",
            Lack::Corrects | Lack::CorrectedNumber { .. } => "BT-25",
            Lack::DueDate | Lack::DueBeforeIssue { .. } => "BT-9",
            Lack::Date { .. } => "BT-2",
            Lack::NoLines => "BG-25",
            Lack::Description { .. } => "BT-153",
            Lack::Sum { .. } => "BT-106",
        }
    }

    /// For scripts: `snake_case`, never renamed.
    pub fn code(&self) -> &'static str {
        use Side::{Buyer, Seller};
        match self {
            Lack::Name(Seller) => "seller_name_missing",
            Lack::Name(Buyer) => "buyer_name_missing",
            Lack::Country(Seller) => "seller_country_missing",
            Lack::Country(Buyer) => "buyer_country_missing",
            Lack::UnknownCountry { side: Seller, .. } => "seller_country_unknown",
            Lack::UnknownCountry { side: Buyer, .. } => "buyer_country_unknown",
            Lack::Siren(Seller) => "seller_siren_missing",
            Lack::Siren(Buyer) => "buyer_siren_missing",
            Lack::Identifier => "seller_legal_id_missing",
            Lack::VatId(Seller) => "seller_vat_id_missing",
            Lack::VatId(Buyer) => "buyer_vat_id_missing",
            Lack::BadVatId { side: Seller, .. } => "seller_vat_id_bad",
            Lack::BadVatId { side: Buyer, .. } => "buyer_vat_id_bad",
            Lack::TaxNumber => "seller_tax_id_missing",
            Lack::Address(Seller) => "seller_electronic_address_missing",
            Lack::Address(Buyer) => "buyer_electronic_address_missing",
            Lack::BadAddress { side: Seller, .. } => "seller_electronic_address_bad",
            Lack::BadAddress { side: Buyer, .. } => "buyer_electronic_address_bad",
            Lack::TaxCategory => "tax_category_missing",
            Lack::Rate { .. } => "tax_rate_not_french",
            Lack::Tax { .. } => "tax_off_rate",
            Lack::Number { .. } => "number_not_french",
            Lack::Corrects => "corrected_invoice_missing",
            Lack::CorrectedNumber { .. } => "corrected_number_not_french",
            Lack::DueDate => "due_date_missing",
            Lack::DueBeforeIssue { .. } => "due_before_issue",
            Lack::Date { .. } => "date_not_french",
            Lack::NoLines => "lines_missing",
            Lack::Description { .. } => "description_missing",
            Lack::Sum { .. } => "lines_off_net",
        }
    }
}
