//! The notes of an e-invoice (BG-1), each with the code of what it is about.

use super::is_french;
use super::tax::{self, Vat, VatCategory};
use crate::documents::xml::is_said;
use crate::domain::document::{Document, DocumentKind};
use crate::domain::email::Locale;
use crate::domain::legal::LegalNotes;
use crate::domain::legal::Notes;
use crate::domain::party::CustomerKind;

/// A note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// BT-21.
    pub code: &'static str,
    /// BT-22.
    pub text: String,
}

/// What recovering a late payment costs.
const INDEMNITY: &str = "PMT";
/// What a late payment costs.
const PENALTIES: &str = "PMD";
/// Whether paying early costs less.
const DISCOUNT: &str = "AAB";
/// How a French platform treats it.
const TREATMENT: &str = "BAR";
/// Of the tax.
const TAX: &str = "TXD";
/// What the law wants a firm to say of itself.
const LEGAL: &str = "REG";
/// Anything else.
const GENERAL: &str = "AAI";

/// The codes that may stand on an invoice once at most (BR-FR-06 and 31).
const ONCE: [&str; 5] = [INDEMNITY, PENALTIES, DISCOUNT, TREATMENT, TAX];

/// The notes of a document.
pub(super) fn of(document: &Document, vat: &Vat) -> Vec<Note> {
    let mut notes = late_payment(document);
    notes.extend(treatment(document).map(|text| note(TREATMENT, text)));
    // At a rate of zero the standard has no other place for it (BR-Z-10).
    let zero = vat.category == VatCategory::Zero;
    let reason = tax::written_reason(document).filter(|_| zero);
    notes.extend(reason.map(|reason| note(TAX, &reason)));
    notes.extend(document.memo.as_deref().map(|memo| note(GENERAL, memo)));
    notes.extend(document.legal_text.as_deref().map(|text| note(LEGAL, text)));
    notes.retain(|note| is_said(&note.text));
    notes
}

fn note(code: &'static str, text: &str) -> Note {
    Note { code, text: unmistakable(text) }
}

/// A text that cannot pass for the beginning of another note. In UBL a note is `#CODE#text`, and what checks
/// it reads all notes as one text, with `#` between them.
fn unmistakable(text: &str) -> String {
    let mut between = format!("#{text}#");
    for code in ONCE {
        let (begins, said) = (format!("#{code}#"), format!("#({code})#"));
        // Two of them share a sign.
        while between.contains(&begins) {
            between = between.replace(&begins, &said);
        }
    }
    between[1..between.len() - 1].trim().to_owned()
}

/// What is said of late and early payment. A French seller says all three of it on whatever it issues
/// (BR-FR-05), also where the law wants none of it.
fn late_payment(document: &Document) -> Vec<Note> {
    let by_law = |law: &LegalNotes| {
        vec![
            note(INDEMNITY, law.indemnity),
            note(PENALTIES, law.penalties),
            note(DISCOUNT, law.discount),
        ]
    };
    let alike = |text: &str| [INDEMNITY, PENALTIES, DISCOUNT].map(|code| note(code, text)).to_vec();
    let french = is_french(document);
    match &document.notes {
        Notes::Law(law) => by_law(law),
        Notes::Own(text) if french && is_said(text) => alike(text),
        Notes::Own(text) if !french => vec![note(GENERAL, text)],
        Notes::None | Notes::Own(_) if !french => Vec::new(),
        Notes::None | Notes::Own(_) => match law(document) {
            Some(law) => by_law(&law),
            None => alike(not_applicable(document)),
        },
    }
}

/// What the law says of an invoice that says nothing; nothing of a credit note, and to a consumer.
fn law(document: &Document) -> Option<LegalNotes> {
    let country = document.seller.country.as_deref();
    let law = LegalNotes::of(country, document.buyer.kind, document.locale);
    law.filter(|_| document.kind == DocumentKind::Invoice)
}

fn not_applicable(document: &Document) -> &'static str {
    match (document.kind, document.locale) {
        (DocumentKind::CreditNote, Locale::Fr) => "Sans objet\u{a0}: avoir.",
        (DocumentKind::CreditNote, Locale::En) => "Not applicable: credit note.",
        (DocumentKind::Invoice, Locale::Fr) => "Sans objet\u{a0}: le client est un consommateur.",
        (DocumentKind::Invoice, Locale::En) => "Not applicable: the customer is a consumer.",
    }
}

/// What is no invoice between businesses a French platform reports, and passes on to nobody.
fn treatment(document: &Document) -> Option<&'static str> {
    let consumer = document.buyer.kind == Some(CustomerKind::Consumer);
    let home = document.buyer.country.as_deref() == Some("FR");
    let treatment = if home { "B2C" } else { "B2CINT" };
    (consumer && is_french(document)).then_some(treatment)
}
