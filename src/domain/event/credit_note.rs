//! What happens to credit notes, and to the money that goes back.

use chrono::NaiveDate;

use super::data::kinds;
use crate::domain::charge::Found;
use crate::domain::credit_note::CreditReason;
use crate::domain::{AttemptId, Currency, Money, TransactionId};

kinds! {
    /// What happens to a credit note.
    CreditNoteEvent<'a> {
        /// What was billed was taken back by a credit note.
        Issued = "credit_note_issued" {
            /// Its number.
            credit_note: &'a str,
            /// What it comes to.
            total: Money,
            /// The tax in it.
            tax: Money,
            /// What the amounts are in.
            currency: Currency,
            /// What is due on the invoice no more.
            reduces_due: Money,
            /// What is the customer's credit.
            to_credit: Money,
            /// What the gateway is asked to give back.
            refunded: Money,
            /// What was given back by hand.
            outside: Money,
            /// The day of its issue.
            issued_on: NaiveDate,
            /// Why.
            reason: CreditReason,
        },
    }
}

kinds! {
    /// What happens to money that goes back.
    RefundEvent<'a> {
        /// Money is to go back to the customer, or went back by other hands.
        Begun = "refund_begun" {
            /// The refund.
            transaction: TransactionId,
            /// The payment or charge that it gives back.
            refund_of: Option<TransactionId>,
            /// How much.
            amount: Money,
            /// What the amount is in.
            currency: Currency,
        },
        /// The money went back.
        Succeeded = "refund_succeeded" {
            /// The refund.
            transaction: TransactionId,
            /// How much.
            amount: Money,
            /// What the amount is in.
            currency: Currency,
            /// The business day.
            paid_on: NaiveDate,
            /// What the gateway or the bank calls it.
            reference: Option<&'a str>,
        },
        /// The money did not go back, or came back after all: it is the customer's credit.
        Failed = "refund_failed" {
            /// The refund.
            transaction: TransactionId,
            /// How much.
            amount: Money,
            /// What the amount is in.
            currency: Currency,
            /// The gateway's code.
            code: &'a str,
            /// The gateway's words.
            message: Option<&'a str>,
        },
        /// The gateway took the refund on, and does not say yet what becomes of it.
        Pending = "refund_pending" {
            /// The refund.
            transaction: TransactionId,
            /// What the gateway calls it.
            reference: Option<&'a str>,
            /// How much.
            amount: Money,
            /// What the amount is in.
            currency: Currency,
        },
        /// The refund never reached the gateway.
        NotSent = "refund_not_sent" {
            /// The refund.
            transaction: TransactionId,
            /// Which attempt of it.
            attempt: AttemptId,
            /// How much was to go back.
            amount: Money,
            /// What the amount is in.
            currency: Currency,
            /// Why.
            message: &'a str,
        },
        /// The gateway said no, and is asked again.
        Declined = "refund_declined" {
            /// The refund.
            transaction: TransactionId,
            /// Which attempt of it.
            attempt: AttemptId,
            /// How much was to go back.
            amount: Money,
            /// What the amount is in.
            currency: Currency,
            /// The gateway's code.
            code: &'a str,
            /// The gateway's words.
            message: Option<&'a str>,
        },
        /// A person said what became of a refund that had no outcome.
        Resolved = "refund_resolved" {
            /// The refund.
            transaction: TransactionId,
            /// What was found out.
            found: Found,
        },
        /// The gateway was asked, and what became of the refund is not known.
        Unknown = "refund_unknown" {
            /// The refund.
            transaction: TransactionId,
            /// Which attempt of it.
            attempt: AttemptId,
            /// How much goes back, or does not.
            amount: Money,
            /// What the amount is in.
            currency: Currency,
            /// What is known.
            message: &'a str,
        },
    }
}
