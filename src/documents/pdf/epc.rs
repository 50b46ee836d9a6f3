//! The code that a banking app reads: a transfer in euros, filled in (EPC069-12).

use qrcodegen::{QrCode, QrCodeEcc, QrSegment, Version};

use crate::domain::document::{Document, DocumentKind};
use crate::domain::party::is_sepa;

/// What the code of an invoice says; `None` of one that nobody is to send a transfer for, or cannot.
pub fn text(document: &Document) -> Option<String> {
    let seller = &document.seller;
    let (name, iban) = (seller.name.as_deref()?, seller.iban.as_deref()?);
    let in_euros = document.currency().code() == "EUR";
    let to_be_sent = document.kind == DocumentKind::Invoice
        && document.due.minor() > 0
        && !document.payment.automatic;
    let can_be_sent = is_sepa(iban);
    let amount = document.due.major();
    // 999 999 999.99 is the largest amount.
    if !(in_euros && to_be_sent && can_be_sent && amount.len() <= 12) {
        return None;
    }
    let name: String = name.chars().take(70).collect();
    let bic = seller.bic.as_deref().unwrap_or_default();
    let reference = document.reference.as_deref()?;
    Some(format!("BCD\n002\n1\nSCT\n{bic}\n{name}\n{iban}\nEUR{amount}\n\n{reference}"))
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
