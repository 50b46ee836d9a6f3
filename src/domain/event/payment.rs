//! What happens to money: payments, and charges by a gateway.

use chrono::NaiveDate;

use super::data::{Extra, kinds};
use crate::domain::charge::Found;
use crate::domain::gateway_refund::DisputeStatus;
use crate::domain::{AttemptId, CheckoutId, Currency, Money, PaymentMethodId, TransactionId};

kinds! {
    /// What happens to a payment or a charge.
    PaymentEvent<'a> {
        /// A payment was recorded, by a person or an import.
        Recorded = "payment_recorded" {
            /// The payment.
            transaction: TransactionId,
            /// What was paid.
            amount: Money,
            /// What of it went to the invoice; the rest is the customer's credit.
            applied: Money,
            /// What is due on the invoice after it.
            remaining: Money,
            /// What the amounts are in.
            currency: Currency,
            /// The business day on which it was paid.
            paid_on: NaiveDate,
            /// How it was paid.
            method: Option<&'a str>,
            /// What the payer or the bank calls it.
            reference: Option<&'a str>,
        },
        /// A payment or a charge was taken back: the money never came, or went back.
        Reversed = "payment_reversed" {
            /// The payment or charge.
            transaction: TransactionId,
            /// What it had been.
            amount: Money,
            /// What the amount is in.
            currency: Currency,
            /// The invoice had been paid, and is open again.
            reopened: bool,
            /// The invoice's notice of suspension begins anew.
            set_back: bool,
            /// What its credit notes had given as credit, and takes off what is due again.
            netted: Extra<Money>,
            /// What had gone back to the customer of the money that never came.
            lost: Extra<Money>,
        },
        /// A gateway took the money.
        ChargeSucceeded = "charge_succeeded" {
            /// The charge.
            transaction: TransactionId,
            /// What was charged.
            amount: Money,
            /// What of it went to the invoice; the rest is the customer's credit.
            applied: Money,
            /// What is due on the invoice after it.
            remaining: Money,
            /// What the amounts are in.
            currency: Currency,
            /// The business day.
            paid_on: NaiveDate,
            /// The kind of the payment method.
            method: &'a str,
            /// What the gateway calls it.
            reference: Option<&'a str>,
        },
        /// A gateway said no.
        ChargeDeclined = "charge_declined" {
            /// The charge.
            transaction: TransactionId,
            /// Which attempt of it.
            attempt: AttemptId,
            /// What was to be charged.
            amount: Money,
            /// What the amount is in.
            currency: Currency,
            /// What it was to be charged to.
            payment_method: PaymentMethodId,
            /// The gateway's code.
            code: &'a str,
            /// The gateway's words.
            message: Option<&'a str>,
            /// It may be charged again without another payment method.
            retryable: bool,
        },
        /// The gateway takes no charge as small as that: a later one takes both.
        ChargeTooSmall = "charge_too_small" {
            /// The charge.
            transaction: TransactionId,
            /// What was to be charged.
            amount: Money,
            /// What the amount is in.
            currency: Currency,
        },
        /// A gateway took the charge on, and does not say yet what becomes of it.
        ChargePending = "charge_pending" {
            /// The charge.
            transaction: TransactionId,
            /// What the gateway calls it.
            reference: Option<&'a str>,
            /// What is charged.
            amount: Money,
            /// What the amount is in.
            currency: Currency,
        },
        /// A gateway was asked, and what became of the charge is not known.
        ChargeUnknown = "charge_unknown" {
            /// The charge.
            transaction: TransactionId,
            /// Which attempt of it.
            attempt: AttemptId,
            /// What is charged, or is not.
            amount: Money,
            /// What the amount is in.
            currency: Currency,
            /// What is known.
            message: &'a str,
        },
        /// The charge never reached the gateway: it counts as no attempt.
        ChargeNotSent = "charge_not_sent" {
            /// The charge.
            transaction: TransactionId,
            /// Which attempt of it.
            attempt: AttemptId,
            /// What was to be charged.
            amount: Money,
            /// What the amount is in.
            currency: Currency,
            /// Why.
            message: &'a str,
        },
        /// A person said what became of a charge or checkout that had no outcome.
        ChargeResolved = "charge_resolved" {
            /// The charge.
            transaction: TransactionId,
            /// What was found out.
            found: Found,
        },
        /// The customer had the bank take a charge back, or that was decided.
        ChargeDisputed = "charge_disputed" {
            /// The charge.
            transaction: TransactionId,
            /// What the gateway calls the dispute.
            reference: &'a str,
            /// How it stands.
            status: DisputeStatus,
        },
        /// No attempt is left; dunning goes on.
        ChargeExhausted = "charge_exhausted" {
            /// The charge.
            transaction: TransactionId,
        },
        /// Nothing is to be charged any more, since nothing is owed.
        ChargeTriesEnded = "charge_tries_ended" {
            /// The charge.
            transaction: TransactionId,
        },
        /// A page of the gateway's is there on which the customer pays the invoice, or (without one) adds a
        /// payment method.
        CheckoutBegun = "checkout_begun" {
            /// The checkout.
            checkout: CheckoutId,
            /// What is to be paid by it, as a transaction.
            transaction: Extra<TransactionId>,
            /// What is to be paid.
            amount: Extra<Money>,
            /// What the amount is in, or the payment method is to take.
            currency: Currency,
            /// What the gateway calls it.
            reference: &'a str,
            /// Until when the page is there.
            expires_at: Extra<&'a str>,
        },
        /// A gateway was asked for a page, and whether there is one is not known.
        CheckoutUnknown = "checkout_unknown" {
            /// The checkout.
            checkout: CheckoutId,
            /// What is to be paid by it, as a transaction.
            transaction: Extra<TransactionId>,
            /// What is known.
            message: &'a str,
        },
        /// The customer paid on a page of the gateway's.
        CheckoutSucceeded = "checkout_succeeded" {
            /// The payment.
            transaction: TransactionId,
            /// What was paid.
            amount: Money,
            /// What of it went to the invoice; the rest is the customer's credit.
            applied: Money,
            /// What is due on the invoice after it.
            remaining: Money,
            /// What the amounts are in.
            currency: Currency,
            /// The business day.
            paid_on: NaiveDate,
            /// What it was paid with.
            method: &'a str,
            /// What the gateway calls it.
            reference: Option<&'a str>,
        },
        /// Nobody paid on a page of the gateway's, and it is closed: this is no decline.
        CheckoutExpired = "checkout_expired" {
            /// The checkout.
            checkout: CheckoutId,
            /// What was to be paid by it, as a transaction.
            transaction: Extra<TransactionId>,
            /// The invoice was paid, credited or closed otherwise, or was to be paid anew.
            superseded: Extra<bool>,
        },
        /// What the customer did on a page of the gateway's did not go through, and the page is closed.
        CheckoutFailed = "checkout_failed" {
            /// The checkout.
            checkout: CheckoutId,
            /// What was to be paid by it, as a transaction.
            transaction: Extra<TransactionId>,
            /// The gateway's code.
            code: &'a str,
            /// The gateway's words.
            message: Option<&'a str>,
        },
    }
}
