//! What a document says besides its facts, in both languages.

use crate::domain::document::{Document, DocumentKind};
use crate::domain::email::Locale;
use crate::domain::tax::TaxBasis;

/// The words of a language.
pub struct Words {
    pub invoice: &'static str,
    pub credit_note: &'static str,
    pub issued_on: &'static str,
    pub due_on: &'static str,
    pub period: &'static str,
    /// That a credit note takes back.
    pub corrected: &'static str,
    pub reason: &'static str,
    pub seller: &'static str,
    pub buyer: &'static str,
    pub description: &'static str,
    pub quantity: &'static str,
    pub discount: &'static str,
    pub paid: &'static str,
    pub credit_applied: &'static str,
    pub nothing_due: &'static str,
    pub payment: &'static str,
    pub bank: &'static str,
    pub reference: &'static str,
    pub scan: &'static str,
}

const FR: Words = Words {
    invoice: "Facture",
    credit_note: "Avoir",
    issued_on: "Date d’émission",
    due_on: "Échéance",
    period: "Période",
    corrected: "Facture",
    reason: "Motif",
    seller: "Vendeur",
    buyer: "Facturé à",
    description: "Désignation",
    quantity: "Quantité",
    discount: "Remise",
    paid: "Déjà réglé",
    credit_applied: "Avoir imputé",
    nothing_due: "Aucun paiement n’est attendu de votre part.",
    payment: "Paiement",
    bank: "Coordonnées bancaires",
    reference: "Référence",
    scan: "Scannez pour payer",
};

const EN: Words = Words {
    invoice: "Invoice",
    credit_note: "Credit note",
    issued_on: "Invoice date",
    due_on: "Due date",
    period: "Period",
    corrected: "Invoice",
    reason: "Reason",
    seller: "Seller",
    buyer: "Billed to",
    description: "Description",
    quantity: "Quantity",
    discount: "Discount",
    paid: "Already paid",
    credit_applied: "Credit applied",
    nothing_due: "There is nothing left for you to pay.",
    payment: "Payment",
    bank: "Bank details",
    reference: "Reference",
    scan: "Scan to pay",
};

impl Words {
    pub fn of(locale: Locale) -> &'static Words {
        match locale {
            Locale::Fr => &FR,
            Locale::En => &EN,
        }
    }
}

/// `Facture`.
pub fn kind(document: &Document) -> &'static str {
    let words = Words::of(document.locale);
    match document.kind {
        DocumentKind::Invoice => words.invoice,
        DocumentKind::CreditNote => words.credit_note,
    }
}

/// `Facture INV-2026-000001`.
pub fn title(document: &Document) -> String {
    format!("{} {}", kind(document), document.number)
}

/// What the date of a document is called.
pub fn issued_on(document: &Document) -> &'static str {
    match (document.kind, document.locale) {
        (DocumentKind::CreditNote, Locale::En) => "Date",
        _ => Words::of(document.locale).issued_on,
    }
}

/// What the price of one and the amount of a line are called; in French with what they are of the tax.
pub fn price_and_amount(document: &Document) -> (&'static str, &'static str) {
    match (document.locale, document.taxed_on()) {
        (Locale::Fr, None) => ("Prix unitaire", "Montant"),
        (Locale::Fr, Some(TaxBasis::Exclusive)) => ("Prix unitaire HT", "Montant HT"),
        (Locale::Fr, Some(TaxBasis::Inclusive)) => ("Prix unitaire TTC", "Montant TTC"),
        (Locale::En, _) => ("Unit price", "Amount"),
    }
}

/// By when which amount is to be paid.
pub fn to_pay(amount: &str, due_on: Option<&str>, locale: Locale) -> String {
    match (locale, due_on) {
        (Locale::Fr, Some(day)) => format!("{amount} à régler au plus tard le {day}."),
        (Locale::Fr, None) => format!("{amount} à régler."),
        (Locale::En, Some(day)) => format!("{amount} to be paid by {day}."),
        (Locale::En, None) => format!("{amount} to be paid."),
    }
}

/// That it is paid by itself.
pub fn collected(amount: &str, locale: Locale) -> String {
    match locale {
        Locale::Fr => format!(
            "Le montant de {amount} sera prélevé automatiquement\u{a0}; vous n’avez rien à faire."
        ),
        Locale::En => {
            format!("We will collect {amount} automatically; you need not do anything.")
        }
    }
}

/// `Page 2 sur 3`.
pub fn page(number: usize, of: usize, locale: Locale) -> String {
    match locale {
        Locale::Fr => format!("Page {number} sur {of}"),
        Locale::En => format!("Page {number} of {of}"),
    }
}
