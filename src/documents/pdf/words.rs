//! What a document says besides its facts, in both languages.

use crate::domain::document::{Document, DocumentKind};
use crate::domain::email::Locale;

/// `Facture INV-2026-000001`.
pub fn title(document: &Document) -> String {
    let kind = match (document.kind, document.locale) {
        (DocumentKind::Invoice, Locale::Fr) => "Facture",
        (DocumentKind::Invoice, Locale::En) => "Invoice",
        (DocumentKind::CreditNote, Locale::Fr) => "Avoir",
        (DocumentKind::CreditNote, Locale::En) => "Credit note",
    };
    format!("{kind} {}", document.number)
}
