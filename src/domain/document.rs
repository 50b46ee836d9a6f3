//! What an invoice or credit note says on paper, as it was when it was issued: the one value that its
//! PDF and its e-invoice are made of.
//!
//! Drawn up in `books/document.rs`, written in `documents/`, kept in `store/documents.rs`.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::email::Locale;
use super::invoice::Amounts;
use super::legal::Notes;
use super::party::Party;
use super::tax::{self, TaxBasis, TaxCategory};
use super::{CreditNoteId, Currency, InvoiceId, Money, words};

words! {
    /// What a document is.
    DocumentKind { Invoice = "invoice", CreditNote = "credit_note" }
}

words! {
    /// In which form it is written.
    DocumentForm {
        /// PDF/A-3b.
        Pdf = "pdf",
        /// The same with the e-invoice inside: Factur-X, ZUGFeRD.
        Facturx = "facturx",
        /// UN/CEFACT Cross Industry Invoice.
        Cii = "cii",
        /// OASIS Universal Business Language 2.1.
        Ubl = "ubl",
    }
}

impl DocumentForm {
    /// How the name of a file ends that holds it.
    pub const fn ending(self) -> &'static str {
        match self {
            DocumentForm::Pdf | DocumentForm::Facturx => "pdf",
            DocumentForm::Cii | DocumentForm::Ubl => "xml",
        }
    }
}

/// Whose document it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentOf {
    Invoice(InvoiceId),
    CreditNote(CreditNoteId),
}

/// An invoice or credit note as it is written.
#[derive(Debug, Clone)]
pub struct Document {
    pub kind: DocumentKind,
    pub number: String,
    pub locale: Locale,
    pub issued_on: NaiveDate,
    /// `None` of a credit note.
    pub due_on: Option<NaiveDate>,
    /// Half-open.
    pub period: Option<(NaiveDate, NaiveDate)>,
    pub seller: Party,
    pub buyer: Party,
    pub lines: Vec<DocumentLine>,
    pub basis: TaxBasis,
    /// Percent.
    pub tax_rate: Decimal,
    /// `None` of an invoice that was imported.
    pub tax_category: Option<TaxCategory>,
    /// Why there is no tax.
    pub tax_reason: Option<String>,
    pub amounts: Amounts,
    /// The coupon that gave the discount.
    pub coupon: Option<String>,
    /// What was paid before the invoice came into this program.
    pub paid: Money,
    /// What the customer's credit paid of it at its issue.
    pub credit_applied: Money,
    /// What was left to be paid then; nothing of a credit note.
    pub due: Money,
    /// The invoice that a credit note takes back.
    pub corrects: Option<Corrected>,
    /// What the seller says of it.
    pub memo: Option<String>,
    pub notes: Notes,
    pub payment: Payment,
    /// What the seller says of itself, under the notes.
    pub legal_text: Option<String>,
    /// The last line of each page.
    pub footer: Option<String>,
}

/// A line of a document.
#[derive(Debug, Clone)]
pub struct DocumentLine {
    pub description: String,
    pub quantity: Decimal,
    /// In major units, on the document's basis; none where quantity × price is not what it comes to.
    pub unit_price: Option<Decimal>,
    /// Before discount, on the document's basis.
    pub amount: Money,
    pub discount: Money,
    /// Without tax and after discount.
    pub net: Money,
    /// Half-open.
    pub period: Option<(NaiveDate, NaiveDate)>,
}

/// The invoice that a credit note takes back.
#[derive(Debug, Clone)]
pub struct Corrected {
    pub number: String,
    pub issued_on: NaiveDate,
}

/// How a document is paid.
#[derive(Debug, Clone, Default)]
pub struct Payment {
    /// By itself, with the customer's payment method.
    pub automatic: bool,
    /// What the seller says of it, in lines.
    pub how_to_pay: Option<String>,
    /// An account as the seller wrote it, in lines; the seller's IBAN and BIC stand with the seller.
    pub bank: Option<String>,
}

impl Document {
    /// Its one currency.
    pub fn currency(&self) -> Currency {
        self.amounts.total.currency()
    }

    /// Whether it bears tax, or could.
    pub fn is_taxed(&self) -> bool {
        tax::is_taxed(self.tax_rate, self.amounts.tax)
    }

    /// How its sums stand to its tax; `None` where there is none.
    pub fn taxed_on(&self) -> Option<TaxBasis> {
        self.is_taxed().then_some(self.basis)
    }

    /// What the customer writes on a transfer, so that a program knows the invoice: the number as a
    /// creditor reference; `None` of a credit note, and of a number that does not fit into one.
    pub fn reference(&self) -> Option<String> {
        (self.kind == DocumentKind::Invoice).then(|| creditor_reference(&self.number)).flatten()
    }
}

/// The number of an invoice as a creditor reference (ISO 11649): `RF`, two check digits, and the letters and
/// digits of the number; `None` where these are none or more than 21.
pub fn creditor_reference(number: &str) -> Option<String> {
    let body: String = number
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let is_plain = number.chars().all(|c| c.is_ascii() || !c.is_alphanumeric());
    if !is_plain || !(1..=21).contains(&body.len()) {
        return None;
    }
    let check = 98 - super::party::modulo_97(body.bytes().chain(*b"RF00"));
    Some(format!("RF{check:02}{body}"))
}

/// What a file with a document is called: its number, in the letters that every file system and mail program
/// takes.
pub fn file_stem(number: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    let stem: String = number.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    // Neither hidden, nor the folder above, nor an option of a program.
    match stem.starts_with(['.', '-']) {
        true => format!("_{stem}"),
        false => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_creditor_reference_bears_the_number_and_proves_it() {
        for (number, reference) in [
            // The example of the standard.
            ("539007547034", Some("RF18539007547034")),
            ("INV-2026-000001", Some("RF94INV2026000001")),
            ("inv/2026/000001", Some("RF94INV2026000001")),
            ("F\u{e9}vrier-1", None),
            ("---", None),
            ("1234567890123456789012", None),
        ] {
            assert_eq!(creditor_reference(number).as_deref(), reference, "{number}");
        }
    }

    #[test]
    fn a_file_is_called_by_letters_that_every_system_takes() {
        for (number, stem) in [
            ("INV-2026-000001", "INV-2026-000001"),
            ("F0012/2026", "F0012_2026"),
            ("../../etc", "_.._.._etc"),
            ("-rf", "_-rf"),
            ("N\u{b0} 7", "N__7"),
        ] {
            assert_eq!(file_stem(number), stem);
        }
    }
}
