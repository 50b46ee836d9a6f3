//! Transactions: money that moved or was to move.

use chrono::NaiveDate;

use super::{InvoiceId, Money, Refusal, Result, TenantId, TransactionId, words};

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
        /// Gives back what one of these brought.
        Refund = "refund",
        /// Paid, or to be paid, by the customer on a page of a gateway's.
        Checkout = "checkout",
    }
}

impl TransactionKind {
    /// Whether a gateway has the money, and may be asked to give it back.
    pub fn is_at_gateway(self) -> bool {
        matches!(self, TransactionKind::Charge | TransactionKind::Checkout)
    }
}

/// A transaction as it stands.
#[derive(Debug, Clone)]
pub struct Transaction {
    pub id: TransactionId,
    /// The invoice that it pays; none where it is a payment on account, or gives one back.
    pub invoice_id: Option<InvoiceId>,
    pub invoice: Option<String>,
    pub tenant_id: TenantId,
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
    /// Of a refund: the payment or charge that it gives back, and the number of the credit note for
    /// which it does.
    pub refund_of: Option<TransactionId>,
    pub credit_note: Option<String>,
    /// Of a payment on account: the first of its parts.
    pub part_of: Option<TransactionId>,
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

/// What payments of the same invoice with the same reference (or none) say of one more. The same
/// payment is one with the same invoice, amount, day and reference; the reference alone is not: a
/// standing order bears the same one each month, and one transfer pays several invoices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alike {
    /// How many are the same payment. One that was taken back goes on to stand for its own day.
    pub same: i64,
    /// The newest of these.
    pub newest: Option<TransactionId>,
    /// Another one that bears the reference, and was not taken back.
    pub other: Option<TransactionId>,
}

/// Whether a payment may bear the reference of another one of the same invoice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Repeated {
    #[default]
    Refuse,
    /// It is another payment: a standing order, or a row that stands twice in a bank's file.
    Take,
}

/// What becomes of money above what is due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overpayment {
    #[default]
    Refuse,
    /// Kept as the tenant's credit.
    KeepAsCredit,
}

impl Overpayment {
    /// As `--allow-overpayment` says.
    pub fn kept(allowed: bool) -> Self {
        if allowed { Overpayment::KeepAsCredit } else { Overpayment::Refuse }
    }
}

impl Repeated {
    /// As `--allow-repeated-reference` says.
    pub fn taken(allowed: bool) -> Self {
        if allowed { Repeated::Take } else { Repeated::Refuse }
    }
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
