//! An invoice or credit note as EN 16931 has it: one value of business terms (BT) and their groups (BG), which
//! `cii` and `ubl` each write in their own syntax. What a rule wants and nobody said is a [`Lack`].

mod cii;
mod line;
mod note;
mod party;
mod payment;
mod tax;
#[cfg(test)]
mod tests;
mod ubl;

use chrono::{Datelike, NaiveDate};

pub use line::{EInvoiceLine, Price};
pub use note::Note;
pub use party::{Identifier, PostalAddress, Trader};
pub use payment::{Account, Means};
pub use tax::{Vat, VatCategory};

use super::lack::Lack;
use super::refusal::Unwritable;
use crate::domain::document::{Corrected, Document, DocumentKind};
use crate::domain::{Currency, Money, Refusal, Result, words};

words! {
    /// In which syntax an e-invoice is written.
    Syntax {
        /// UN/CEFACT Cross Industry Invoice.
        Cii = "cii",
        /// OASIS Universal Business Language 2.1.
        Ubl = "ubl",
    }
}

/// The rules that an e-invoice follows (BT-24); in CII it is the profile EN 16931 of Factur-X as well.
const SPECIFICATION: &str = "urn:cen.eu:en16931:2017";

/// Currencies that the program knows and the lists of the standard do not: most were withdrawn.
const UNLISTED: [&str; 7] = ["BGN", "CUC", "HRK", "SLL", "STN", "XAD", "ZWL"];

/// An e-invoice.
#[derive(Debug, Clone)]
pub struct EInvoice {
    /// BT-23, of a French seller: what is sold, and whether it was paid.
    pub process: Option<&'static str>,
    /// BT-3.
    pub kind: DocumentKind,
    /// BT-1.
    pub number: String,
    /// BT-2.
    pub issued_on: NaiveDate,
    /// BT-9.
    pub due_on: Option<NaiveDate>,
    /// BT-5.
    pub currency: Currency,
    /// BG-1.
    pub notes: Vec<Note>,
    /// BT-25 and BT-26.
    pub corrects: Option<Corrected>,
    /// BG-4.
    pub seller: Trader,
    /// BG-7.
    pub buyer: Trader,
    /// BT-72: the end of what is billed, else the day of issue. CII has no place for none.
    pub delivered_on: NaiveDate,
    /// BG-14.
    pub period: Option<Period>,
    /// BG-16.
    pub means: Option<Means>,
    /// BT-20.
    pub terms: Option<String>,
    /// BG-23.
    pub vat: Vat,
    /// BG-22.
    pub sums: Sums,
    /// BG-25.
    pub lines: Vec<EInvoiceLine>,
}

/// What is billed, both days among it: BT-73 and BT-74, of a line BT-134 and BT-135.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub first: NaiveDate,
    pub last: NaiveDate,
}

/// The sums of an e-invoice. A discount stands with the lines, so that there is none on the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sums {
    /// BT-106, which is BT-109 and BT-116 as well.
    pub net: Money,
    /// BT-110, which is BT-117 as well.
    pub tax: Money,
    /// BT-112.
    pub total: Money,
    /// BT-113.
    pub paid: Money,
    /// BT-115.
    pub due: Money,
}

/// The e-invoice of a document.
///
/// # Errors
/// What cannot be said in the standard, else all that the document lacks.
pub fn xml(document: &Document, syntax: Syntax) -> Result<String> {
    check_currency(document)?;
    let invoice = EInvoice::of(document).map_err(|lacks| {
        Refusal::from(Unwritable::Incomplete { number: document.number.clone(), lacks })
    })?;
    Ok(match syntax {
        Syntax::Cii => cii::write(&invoice),
        Syntax::Ubl => ubl::write(&invoice),
    })
}

/// All that a document lacks to be an e-invoice.
pub fn check(document: &Document) -> Vec<Lack> {
    EInvoice::of(document).err().unwrap_or_default()
}

/// Checks that an e-invoice can be in the document's currency.
///
/// # Errors
/// One that the standard does not know, or that a French seller has to say in euros as well.
pub fn check_currency(document: &Document) -> Result<()> {
    let (number, currency) = (document.number.clone(), document.currency());
    if currency.decimals() > 2 || UNLISTED.contains(&currency.code()) {
        return Err(Unwritable::CurrencyNotInStandard { number, currency }.into());
    }
    if is_french(document) && currency != Currency::EUR {
        return Err(Unwritable::CurrencyNeedsRate { number, currency }.into());
    }
    Ok(())
}

impl EInvoice {
    /// The document in the terms of the standard.
    ///
    /// # Errors
    /// All that it lacks.
    pub fn of(document: &Document) -> std::result::Result<EInvoice, Vec<Lack>> {
        let mut lacks = Vec::new();
        let vat = tax::of(document, &mut lacks);
        let (seller, buyer) = party::of(document, vat.category, &mut lacks);
        let invoice = EInvoice {
            process: process(document),
            kind: document.kind,
            number: document.number.clone(),
            issued_on: document.issued_on,
            due_on: due_on(document),
            currency: document.currency(),
            notes: note::of(document, &vat),
            corrects: document.corrects.clone(),
            seller,
            buyer,
            delivered_on: Period::of(document.period).map_or(document.issued_on, |p| p.last),
            period: Period::of(document.period),
            means: payment::means(document),
            terms: payment::terms(document),
            vat,
            sums: Sums::of(document),
            lines: line::of(document, &mut lacks),
        };
        invoice.check_rest(is_french(document), &mut lacks);
        if lacks.is_empty() { Ok(invoice) } else { Err(lacks) }
    }

    /// Looks for what has no other place: numbers, dates and sums.
    fn check_rest(&self, french: bool, lacks: &mut Vec<Lack>) {
        let sum: i64 = self.lines.iter().map(|line| line.net.minor()).sum();
        let lines = Money::from_minor(sum, self.currency);
        if lines != self.sums.net {
            lacks.push(Lack::Sum { lines, net: self.sums.net });
        }
        if self.kind == DocumentKind::CreditNote && self.corrects.is_none() {
            lacks.push(Lack::Corrects);
        }
        let dateless = self.due_on.is_none() && self.terms.is_none();
        if dateless && self.sums.due.minor() > 0 {
            lacks.push(Lack::DueDate);
        }
        if french {
            self.check_french(lacks);
        }
    }

    /// What France wants of numbers (BR-FR-01 and 02) and dates (BR-FR-03 and CO-07).
    fn check_french(&self, lacks: &mut Vec<Lack>) {
        if !is_french_number(&self.number) {
            lacks.push(Lack::Number { number: self.number.clone() });
        }
        let corrected = self.corrects.as_ref();
        if let Some(number) = corrected.map(|c| &c.number).filter(|n| !is_french_number(n)) {
            lacks.push(Lack::CorrectedNumber { number: number.clone() });
        }
        let paid = self.process == Some(PAID_SERVICES);
        if let Some(due_on) = self.due_on.filter(|due| *due < self.issued_on && !paid) {
            lacks.push(Lack::DueBeforeIssue { issued_on: self.issued_on, due_on });
        }
        let periods = self.lines.iter().map(|line| line.period).chain([self.period]);
        let days = periods.flatten().flat_map(|period| [period.first, period.last]);
        let mut days: Vec<NaiveDate> = days.chain([self.issued_on]).chain(self.due_on).collect();
        days.extend(corrected.map(|c| c.issued_on));
        days.retain(|day| !(2000..=2099).contains(&day.year()));
        days.sort();
        days.dedup();
        lacks.extend(days.into_iter().map(|date| Lack::Date { date }));
    }
}

impl Period {
    /// A half-open period as the standard has it: with its last day. One of no days is its first.
    fn of(period: Option<(NaiveDate, NaiveDate)>) -> Option<Period> {
        let (first, until) = period?;
        Some(Period { first, last: until.pred_opt().unwrap_or(until).max(first) })
    }
}

impl Sums {
    /// The amounts as they were issued. What was paid is what is not due any more, so that the sums hold;
    /// of a credit note nothing is paid yet.
    fn of(document: &Document) -> Sums {
        let total = document.amounts.total;
        let due = match document.kind {
            DocumentKind::Invoice => document.due,
            DocumentKind::CreditNote => total,
        };
        let paid = Money::from_minor(total.minor() - due.minor(), total.currency());
        Sums { net: document.amounts.net(), tax: document.amounts.tax, total, paid, due }
    }

    /// Whether something was paid, or the customer's credit covered it.
    fn is_paid(&self) -> bool {
        self.due.is_zero() && !self.total.is_zero()
    }
}

/// Services, to be paid.
const SERVICES: &str = "S1";

/// Services that are paid already.
const PAID_SERVICES: &str = "S2";

/// BT-23. Its codes are French: other countries have theirs.
fn process(document: &Document) -> Option<&'static str> {
    let process = if Sums::of(document).is_paid() { PAID_SERVICES } else { SERVICES };
    is_french(document).then_some(process)
}

/// BT-9. Of what is paid already France wants the day when it was, which was at the latest that of issue.
fn due_on(document: &Document) -> Option<NaiveDate> {
    match process(document) {
        Some(PAID_SERVICES) => Some(document.issued_on),
        _ => document.due_on.filter(|_| document.kind == DocumentKind::Invoice),
    }
}

/// Whether the rules of France hold.
fn is_french(document: &Document) -> bool {
    document.seller.country.as_deref() == Some("FR")
}

/// Whether France takes such a number.
fn is_french_number(number: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '_' | '/');
    (1..=35).contains(&number.len()) && number.chars().all(fits)
}
