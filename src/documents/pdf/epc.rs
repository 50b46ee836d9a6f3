//! The code that a banking app reads: a transfer in euros, filled in (EPC069-12).

use qrcodegen::{QrCode, QrCodeEcc, QrSegment, Version};

use crate::domain::document::{Document, DocumentKind};

/// Where a transfer in euros can be sent by the scheme that the code is of.
#[rustfmt::skip]
const SEPA: &[&str] = &[
    "AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI",
    "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL",
    "NO", "PL", "PT", "RO", "RS", "SE", "SI", "SK", "SM", "VA",
];

/// What the code of an invoice says; `None` of one that nobody is to send a transfer for, or cannot.
pub fn text(document: &Document) -> Option<String> {
    let seller = &document.seller;
    let (name, iban) = (seller.name.as_deref()?, seller.iban.as_deref()?);
    let in_euros = document.currency().code() == "EUR";
    let to_be_sent = document.kind == DocumentKind::Invoice
        && document.due.minor() > 0
        && !document.payment.automatic;
    let can_be_sent = iban.get(..2).is_some_and(|country| SEPA.contains(&country));
    let amount = document.due.major();
    // 999 999 999.99 is the largest amount.
    if !(in_euros && to_be_sent && can_be_sent && amount.len() <= 12) {
        return None;
    }
    let name: String = name.chars().take(70).collect();
    let bic = seller.bic.as_deref().unwrap_or_default();
    // A number that does not fit into a reference is said in words.
    let (reference, words) = match document.reference() {
        Some(reference) => (reference, ""),
        None => (String::new(), document.number.as_str()),
    };
    let text =
        format!("BCD\n002\n1\nSCT\n{bic}\n{name}\n{iban}\nEUR{amount}\n\n{reference}\n{words}");
    Some(text.trim_end().to_owned())
}

/// The dark squares of the code, in rows; `None` where it says too much for one.
pub fn squares(text: &str) -> Option<Vec<Vec<bool>>> {
    let segments = [QrSegment::make_bytes(text.as_bytes())];
    let (least, most) = (Version::new(1), Version::new(13));
    let level = QrCodeEcc::Medium;
    let code = QrCode::encode_segments_advanced(&segments, level, least, most, None, false).ok()?;
    let row = |y| (0..code.size()).map(|x| code.get_module(x, y)).collect();
    Some((0..code.size()).map(row).collect())
}
