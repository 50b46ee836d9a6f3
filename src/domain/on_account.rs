//! Payments on account: money that names its customer and no invoice.
//!
//! Its rows are in `store/on_account.rs`, its verb in `books/on_account.rs`, its words in
//! `commands/payment.rs`.

use super::invoice::Invoice;
use super::{Money, TransactionId};

/// Why a payment on account does not pay an open invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassedOver {
    /// Who disputes an invoice does not mean to pay it: the money would settle the dispute for them.
    Disputed,
    /// The money of it may be on its way, and would come twice.
    ChargePending,
}

/// What a payment on account paid.
#[derive(Debug, Clone)]
pub struct OnAccount {
    /// What was booked of it: one transaction an invoice, in the order in which they were paid, and
    /// one of no invoice, where something is left.
    pub transactions: Vec<TransactionId>,
    /// The invoices, as they stand then, with what each got.
    pub paid: Vec<(Invoice, Money)>,
    /// What is left of it, as credit.
    pub to_credit: Money,
    /// The open invoices that it does not pay, and why.
    pub passed_over: Vec<(String, PassedOver)>,
}
