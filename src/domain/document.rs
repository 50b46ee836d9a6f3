//! What an invoice or credit note says on paper, as it was when it was issued: the one value that its
//! PDF and its e-invoice are made of.
//!
//! Drawn up in `books/document.rs`, written in `documents/`, kept in `store/documents.rs`.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::email::Locale;
use super::invoice::{Amounts, Origin};
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
    /// What the customer writes on a transfer, so that a program knows the invoice: a creditor reference
    /// (ISO 11649); `None` of a credit note.
    pub reference: Option<String>,
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
}

/// The creditor reference of an invoice (ISO 11649): `RF`, two check digits, and what no other invoice has.
/// That is the letters and digits of a number of the series, of which one differs from another in them
/// too. Numbers that were typed need not (`1-11` and `11-1`), and some have no letter that fits: then it
/// is the id.
pub fn creditor_reference(number: &str, origin: Origin, id: InvoiceId) -> String {
    let body: String = number.chars().filter(char::is_ascii_alphanumeric).collect();
    let body = body.to_ascii_uppercase();
    let is_plain = number.chars().all(|c| c.is_ascii() || !c.is_alphanumeric());
    let fits = is_plain && (1..=21).contains(&body.len());
    let body = match origin {
        Origin::Issued if fits => body,
        Origin::Issued | Origin::Typed | Origin::Imported => format!("ID{:07}", id.0),
    };
    let check = 98 - super::party::modulo_97(body.bytes().chain(*b"RF00"));
    format!("RF{check:02}{body}")
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
    fn a_creditor_reference_is_of_one_invoice_and_proves_it() {
        use Origin::{Imported, Issued, Typed};
        for (number, origin, reference) in [
            // The example of the standard.
            ("539007547034", Issued, "RF18539007547034"),
            ("INV-2026-000001", Issued, "RF94INV2026000001"),
            ("1-11", Typed, "RF71ID0000007"),
            ("INV-2026-000001", Imported, "RF71ID0000007"),
            ("F\u{e9}vrier-1", Issued, "RF71ID0000007"),
            ("---", Issued, "RF71ID0000007"),
            ("1234567890123456789012", Issued, "RF71ID0000007"),
        ] {
            assert_eq!(creditor_reference(number, origin, InvoiceId(7)), reference, "{number}");
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
