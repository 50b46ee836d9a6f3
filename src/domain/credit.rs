//! What a customer has in credit: where it comes from, and which invoices it pays.
//!
//! Its rows are in `store/credits.rs`, its verbs in `books/credit.rs` and `books/account.rs`, its words
//! in `commands/credit.rs`.

use chrono::NaiveDate;

use super::{CreditId, CreditUseId, InvoiceId, Money, Result, TransactionId, words};

words! {
    /// Where a credit comes from.
    CreditSource {
        /// More was paid than was due.
        Overpayment = "overpayment",
        /// A payment for no invoice.
        OnAccount = "on_account",
        /// A credit note gave it.
        CreditNote = "credit_note",
        /// It was given, for which no money came.
        Grant = "grant",
    }
}

words! {
    /// Whether credit pays invoices by itself (`[invoicing] apply_credit`).
    ApplyCredit {
        Automatic = "automatic",
        Manual = "manual",
    }
}

/// A credit as it stands.
#[derive(Debug, Clone)]
pub struct Credit {
    pub id: CreditId,
    pub tenant: String,
    pub source: CreditSource,
    /// The payment whose surplus it is.
    pub transaction: Option<TransactionId>,
    /// The number of the credit note that gave it.
    pub credit_note: Option<String>,
    pub amount: Money,
    /// What neither pays an invoice nor goes back, nor was taken back.
    pub left: Money,
    pub reason: Option<String>,
    /// The business day from which it counts: the oldest is used first.
    pub counts_from: NaiveDate,
    /// When it was taken back with the payment that it came from.
    pub taken_back_at: Option<String>,
    pub created_at: String,
}

/// What of a credit pays an invoice.
#[derive(Debug, Clone)]
pub struct CreditUse {
    pub id: CreditUseId,
    pub credit: CreditId,
    /// The payment whose surplus the credit is.
    pub transaction: Option<TransactionId>,
    pub invoice_id: InvoiceId,
    pub invoice: String,
    pub amount: Money,
    pub applied_on: NaiveDate,
    /// When and why it was taken off the invoice again.
    pub unapplied_at: Option<String>,
    pub unapplied_reason: Option<String>,
}

/// A credit, and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    pub credit: CreditId,
    /// The payment whose surplus it is.
    pub transaction: Option<TransactionId>,
    pub left: Money,
}

/// What of which credits pays `due`, the first of them first; `credits` keep what is left then.
///
/// # Errors
/// A credit in another currency.
pub fn draw<'a>(
    credits: impl IntoIterator<Item = &'a mut Left>,
    due: Money,
) -> Result<Vec<(Left, Money)>> {
    let (mut due, mut drawn) = (due, Vec::new());
    for credit in credits {
        let part = if credit.left.minor() < due.minor() { credit.left } else { due };
        if !part.is_zero() {
            due = due.minus(part)?;
            credit.left = credit.left.minus(part)?;
            drawn.push((*credit, part));
        }
    }
    Ok(drawn)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn eur(minor: i64) -> Money {
        Money::from_minor(minor, "EUR".parse().unwrap())
    }

    proptest! {
        #[test]
        fn credits_pay_what_is_due_oldest_first_and_never_more(
            lefts in prop::collection::vec(0i64..1_000, 0..8), due in 0i64..4_000,
        ) {
            let left = |(at, minor): (usize, &i64)| Left {
                credit: CreditId(at as i64 + 1), transaction: None, left: eur(*minor),
            };
            let mut credits: Vec<_> = lefts.iter().enumerate().map(left).collect();
            let drawn = draw(&mut credits, eur(due)).unwrap();
            let sum: i64 = drawn.iter().map(|(_, part)| part.minor()).sum();
            prop_assert_eq!(sum, due.min(lefts.iter().sum()));
            // Each that was drawn on, but for the last, is used up; none is passed over.
            let used: Vec<_> = drawn.iter().map(|(credit, _)| credit.credit.0).collect();
            let some_left = lefts.iter().zip(1..).filter(|(minor, _)| **minor > 0);
            let first: Vec<i64> = some_left.map(|(_, id)| id).take(used.len()).collect();
            prop_assert_eq!(used, first);
            for (credit, before) in credits.iter().zip(&lefts) {
                let of = |(from, part): &(Left, Money)| {
                    if from.credit == credit.credit { part.minor() } else { 0 }
                };
                let part: i64 = drawn.iter().map(of).sum();
                prop_assert_eq!(credit.left.minor(), before - part);
            }
        }
    }
}
