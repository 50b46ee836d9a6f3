//! Payment methods: how a tenant pays by itself. Only a gateway's token stands for the card or the
//! account, and it is never shown.

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

/// Checks a gateway's token.
pub fn token(value: &str) -> Result<String> {
    // The value is a secret, and no message may name it.
    text::line("token", value, 500).map_err(|refusal| match refusal {
        Refusal::Bad { field, why, .. } => Refusal::bad(field, "", why),
        other => other,
    })
}

/// Checks what a payment method is called: `Visa …4242`.
pub fn label(value: &str) -> Result<String> {
    text::line("label", value, 100)
}
