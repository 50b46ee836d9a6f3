//! The rules of refunds: which money goes back, and when one that did not arrive is tried again.
//!
//! Their rows are in `store/refunds.rs`, their verbs in `books/refund.rs`, the calls of the gateway
//! in `tasks/refund.rs`.

use super::transaction::TransactionKind;
use super::{CreditId, Money, Result, TransactionId};

/// How a refund is told from one by a gateway: it was made by hand, outside of this program.
pub const OUTSIDE: &str = "outside";

/// A payment or charge that may go back, newest first where there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refundable {
    pub transaction: TransactionId,
    pub kind: TransactionKind,
    /// What of it has not gone back, and is not on its way.
    pub left: Money,
}

/// A credit, and what of it is free: it pays no invoice and is held by no refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Free {
    pub credit: CreditId,
    pub left: Money,
}

/// Which of the payments give back how much of `amount`, the first of them first.
///
/// # Errors
/// A payment in another currency.
pub fn give_back(from: &[Refundable], amount: Money) -> Result<Vec<(Refundable, Money)>> {
    let (mut due, mut parts) = (amount, Vec::new());
    for one in from {
        let part = if one.left.minor() < due.minor() { one.left } else { due };
        if !part.is_zero() {
            due = due.minus(part)?;
            parts.push((*one, part));
        }
    }
    Ok(parts)
}

/// What all of them have left.
///
/// # Errors
/// Amounts of two currencies.
pub fn sum(from: &[Refundable], zero: Money) -> Result<Money> {
    let mut sum = zero;
    for one in from {
        sum = sum.plus(one.left)?;
    }
    Ok(sum)
}
