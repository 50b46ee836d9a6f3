//! Transactions: money that moved or was to move.

use chrono::NaiveDate;

use super::{InvoiceId, Money, Refusal, Result, TransactionId, words};

words! {
    TransactionStatus {
        Pending = "pending",
        Succeeded = "succeeded",
        Failed = "failed",
        /// A gateway was asked and its answer never came.
        Unknown = "unknown",
    }
}

words! {
    TransactionKind {
        /// Recorded by a person or an import.
        Payment = "payment",
        /// Taken by a gateway.
        Charge = "charge",
    }
}

/// A transaction as it stands.
#[derive(Debug, Clone)]
pub struct Transaction {
    pub id: TransactionId,
    pub invoice_id: InvoiceId,
    pub invoice: String,
    pub tenant: String,
    pub kind: TransactionKind,
    pub status: TransactionStatus,
    pub amount: Money,
    /// What of the amount went to the invoice; the rest is the tenant's unapplied credit.
    pub applied: Money,
    pub paid_on: Option<NaiveDate>,
    pub method: Option<String>,
    pub reference: Option<String>,
    pub attempts: i64,
    pub failure_code: Option<String>,
    pub failure_message: Option<String>,
    /// Of a charge: the attempts after the first that reached an answer.
    pub retries: i64,
    pub reversed_at: Option<String>,
    pub reversal_reason: Option<String>,
    pub metadata: String,
    pub created_at: String,
    pub updated_at: String,
}

/// A payment to be recorded, checked as far as it can be without its invoice.
#[derive(Debug, Clone)]
pub struct NewPayment {
    pub amount: Money,
    pub paid_on: NaiveDate,
    pub method: Option<String>,
    pub reference: Option<String>,
}

/// What becomes of money above what is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overpayment {
    Refuse,
    /// Kept as the tenant's unapplied credit.
    KeepAsCredit,
}

/// Checks that a transaction can be taken back: it succeeded and was not taken back before.
pub fn check_reversible(transaction: &Transaction) -> Result<()> {
    let name = transaction.id.to_string();
    if transaction.reversed_at.is_some() {
        return Err(Refusal::AlreadyReversed { transaction: name });
    }
    match transaction.status {
        TransactionStatus::Succeeded => Ok(()),
        other => Err(Refusal::NotReversible { transaction: name, status: other.word() }),
    }
}
