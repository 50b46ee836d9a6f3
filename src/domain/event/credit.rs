//! What happens to the credit of customers.

use super::data::kinds;
use crate::domain::{CreditId, CreditUseId, Currency, Money};

kinds! {
    /// What happens to a credit.
    CreditEvent<'a> {
        /// A customer was given credit.
        Granted = "credit_granted" {
            /// The credit.
            credit: CreditId,
            /// How much.
            amount: Money,
            /// What the amount is in.
            currency: Currency,
            /// Why.
            reason: &'a str,
        },
        /// Credit paid an invoice, or a part of it.
        Applied = "credit_applied" {
            /// The credit.
            credit: CreditId,
            /// Its use.
            credit_use: CreditUseId,
            /// How much of it.
            amount: Money,
            /// What is due on the invoice after it.
            remaining: Money,
            /// What the amounts are in.
            currency: Currency,
        },
        /// Credit was taken off an invoice again.
        Unapplied = "credit_unapplied" {
            /// The credit.
            credit: CreditId,
            /// Its use.
            credit_use: CreditUseId,
            /// How much.
            amount: Money,
            /// What the amount is in.
            currency: Currency,
            /// The invoice had been paid, and is open again.
            reopened: bool,
        },
    }
}
