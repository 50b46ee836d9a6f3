//! How an e-invoice is to be paid (BG-16) and on what terms (BT-20).

use super::Sums;
use crate::documents::xml::is_said;
use crate::domain::Currency;
use crate::domain::document::{Document, DocumentKind};
use crate::domain::email::Locale;
use crate::domain::party::is_sepa;

/// How it is to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Means {
    /// BT-81.
    pub code: &'static str,
    /// BT-83.
    pub reference: Option<String>,
    /// BG-17.
    pub account: Option<Account>,
}

/// Where a transfer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// BT-84.
    pub iban: String,
    /// BT-85.
    pub name: Option<String>,
    /// BT-86.
    pub bic: Option<String>,
}

/// A credit transfer.
const TRANSFER: &str = "30";
/// One within SEPA.
const SEPA_TRANSFER: &str = "58";
/// As seller and buyer agreed before. A direct debit or a card would have to name the mandate or the card,
/// which the gateway knows.
const AGREED: &str = "57";

/// How a document is to be paid; `None` of one that is not, or of which nothing is known.
pub(super) fn means(document: &Document) -> Option<Means> {
    if document.kind == DocumentKind::CreditNote || Sums::of(document).due.minor() <= 0 {
        return None;
    }
    if document.payment.automatic {
        return Some(Means { code: AGREED, reference: None, account: None });
    }
    let iban = document.seller.iban.clone()?;
    let sepa = document.currency() == Currency::EUR && is_sepa(&iban);
    Some(Means {
        code: if sepa { SEPA_TRANSFER } else { TRANSFER },
        reference: document.reference.clone(),
        account: Some(Account {
            iban,
            name: document.seller.name.clone(),
            bic: document.seller.bic.clone(),
        }),
    })
}

/// On what terms it is to be paid, in lines. A credit note has no due date, and says that nothing is
/// (BR-CO-25).
pub(super) fn terms(document: &Document) -> Option<String> {
    if document.kind == DocumentKind::CreditNote {
        let nothing = match document.locale {
            Locale::Fr => "Avoir\u{a0}: rien à payer.",
            Locale::En => "Credit note: nothing to pay.",
        };
        return Some(nothing.to_owned());
    }
    if Sums::of(document).due.minor() <= 0 {
        return None;
    }
    let payment = &document.payment;
    let said = [payment.how_to_pay.as_deref(), payment.bank.as_deref()];
    let said: Vec<&str> =
        said.into_iter().flatten().map(str::trim).filter(|text| is_said(text)).collect();
    (!said.is_empty()).then(|| said.join("\n"))
}
