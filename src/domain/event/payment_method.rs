//! What happens to payment methods. Their tokens are never told.

use super::data::{Extra, kinds};
use crate::domain::PaymentMethodId;
use crate::domain::payment_method::PaymentMethodKind;

kinds! {
    /// What happens to a payment method.
    PaymentMethodEvent<'a> {
        /// A customer got a payment method.
        Created = "payment_method_created" {
            /// The payment method.
            payment_method: PaymentMethodId,
            /// What it is.
            kind: PaymentMethodKind,
            /// It is charged by default from now on.
            default: bool,
            /// What it is called in lists.
            label: Extra<&'a str>,
            /// The one that was the default before.
            instead_of: Extra<PaymentMethodId>,
        },
        /// A payment method was removed: it is used no more.
        Removed = "payment_method_removed" {
            /// The payment method.
            payment_method: PaymentMethodId,
            /// It was the default.
            default: Extra<bool>,
        },
        /// A payment method became the customer's default.
        MadeDefault = "payment_method_made_default" {
            /// The payment method.
            payment_method: PaymentMethodId,
            /// The one that was the default before.
            instead_of: Extra<PaymentMethodId>,
        },
    }
}
