//! Payment methods: how a tenant pays by itself. Only a gateway's token stands for the card or the
//! account, and it is never shown.

use super::refusal::Why;
use super::{PaymentMethodId, Refusal, Result, TenantId, text, words};

words! {
    /// What it is.
    PaymentMethodKind {
        Card = "card",
        MobileMoney = "mobile_money",
        BankTransfer = "bank_transfer",
        Other = "other",
    }
}

/// How many days a charge without an outcome keeps its invoice at rest, by what it charges: a transfer
/// takes longer than a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingDays {
    pub card: i64,
    pub mobile_money: i64,
    pub bank_transfer: i64,
    pub other: i64,
}

impl Default for PendingDays {
    fn default() -> Self {
        PendingDays { bank_transfer: 14, ..PendingDays::all(5) }
    }
}

impl PendingDays {
    /// As many for every kind.
    pub const fn all(days: i64) -> Self {
        PendingDays { card: days, mobile_money: days, bank_transfer: days, other: days }
    }

    /// Those of a kind; of one that is not known, those of `other`.
    pub fn of(self, kind: Option<PaymentMethodKind>) -> i64 {
        match kind {
            Some(PaymentMethodKind::Card) => self.card,
            Some(PaymentMethodKind::MobileMoney) => self.mobile_money,
            Some(PaymentMethodKind::BankTransfer) => self.bank_transfer,
            Some(PaymentMethodKind::Other) | None => self.other,
        }
    }
}

words! {
    /// Whether it can be used.
    PaymentMethodStatus { Active = "active", Removed = "removed" }
}

/// A payment method as it stands, without its token.
#[derive(Debug, Clone)]
pub struct PaymentMethod {
    pub id: PaymentMethodId,
    pub tenant_id: TenantId,
    pub tenant: String,
    pub kind: PaymentMethodKind,
    pub label: Option<String>,
    pub status: PaymentMethodStatus,
    pub is_default: bool,
    pub created_at: String,
    pub updated_at: String,
}

/// What is typed of a payment method, checked.
#[derive(Clone)]
pub struct NewPaymentMethod {
    pub kind: PaymentMethodKind,
    /// A secret.
    pub token: String,
    pub label: Option<String>,
    /// It is charged by default from now on.
    pub is_default: bool,
}

/// Checks a gateway's token: a text that is no card number. Card numbers may not be kept outside a
/// gateway (PCI DSS, requirement 3).
pub fn token(value: &str) -> Result<String> {
    // The value is a secret, and no message may name it.
    let token = text::line("token", value, 500).map_err(|refusal| match refusal {
        Refusal::Bad { field, why, .. } => Refusal::bad(field, "", why),
        other => other,
    })?;
    match is_card_number(&token) {
        true => Err(Refusal::bad("token", "", Why::CardNumber)),
        false => Ok(token),
    }
}

/// Whether a text is 13 to 19 digits, perhaps with spaces or hyphens between, that pass the check of
/// ISO/IEC 7812 (Luhn): every second digit from the right counts double, and the sum of all digits
/// is a multiple of ten.
fn is_card_number(text: &str) -> bool {
    let bare: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.')).collect();
    let digits: Option<Vec<u32>> = bare.chars().map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| (13..=19).contains(&digits.len())) else {
        return false;
    };
    let doubled = |digit: u32| digit * 2 / 10 + digit * 2 % 10;
    let from_right = digits.iter().rev().enumerate();
    let sum: u32 = from_right.map(|(at, d)| if at % 2 == 1 { doubled(*d) } else { *d }).sum();
    sum.is_multiple_of(10)
}

/// Checks what a payment method is called: `Visa …4242`.
pub fn label(value: &str) -> Result<String> {
    text::line("label", value, 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_number_is_no_token_however_it_is_written() {
        for number in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242",
            "378282246310005",
            "5555555555554444",
            "4222222222222",
            "6304000000000000000",
        ] {
            let refused = token(number).unwrap_err();
            assert_eq!(refused, Refusal::bad("token", "", Why::CardNumber), "{number}");
        }
        for good in ["tok_4242424242424242", "4242424242424241", "123456789012", "cus_1:pm_2"] {
            assert!(token(good).is_ok(), "{good}");
        }
    }
}
