//! What the rules of a coupon say.

use super::words;

words! {
    /// Why a coupon cannot be used, in the order in which reasons are listed.
    Reason {
        NotFound = "not_found",
        Inactive = "inactive",
        NotYetValid = "not_yet_valid",
        Expired = "expired",
        MaxUsesReached = "max_uses_reached",
        MaxUsesPerCustomerReached = "max_uses_per_customer_reached",
        PlanNotApplicable = "plan_not_applicable",
        NotNewCustomer = "not_new_customer",
        NotExistingCustomer = "not_existing_customer",
        BelowMinimum = "below_minimum",
        NotFirstPayment = "not_first_payment",
        CurrencyMismatch = "currency_mismatch",
    }
}

/// What one rule of a coupon says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub rule: &'static str,
    /// What it asks for, and what was found.
    pub asks: String,
    pub found: String,
    /// Why it says no, where it does.
    pub reason: Option<Reason>,
}

/// The reasons among verdicts, in their order.
pub fn reasons(verdicts: &[Verdict]) -> Vec<Reason> {
    verdicts.iter().filter_map(|verdict| verdict.reason).collect()
}
