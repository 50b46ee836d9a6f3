//! What is to be charged, or asked about, a page at a time.

use crate::domain::{InvoiceId, Result, TransactionId};
use crate::store::Db;

/// What is to be looked at.
#[derive(Debug, Clone, Copy)]
pub enum Candidate {
    /// An open invoice under automatic collection, if it had no attempt yet.
    Invoice(InvoiceId),
    /// A charge without an outcome, or one that was declined.
    Charge(TransactionId),
}

/// Where candidates come from, a page at a time.
#[derive(Debug)]
pub enum Source {
    /// Every charge that is open, and then every invoice that had no attempt yet.
    Charges {
        after: TransactionId,
    },
    NeverCharged {
        after: InvoiceId,
    },
    These(Vec<Candidate>),
}

impl Source {
    /// The next ones; none: that was all.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn page(&mut self, db: &Db, limit: usize) -> Result<Vec<Candidate>> {
        match self {
            Source::Charges { after } => {
                let ids = db.open_charges(*after, limit)?;
                if let Some(last) = ids.last() {
                    *after = *last;
                    return Ok(ids.into_iter().map(Candidate::Charge).collect());
                }
                *self = Source::NeverCharged { after: InvoiceId(0) };
                self.page(db, limit)
            }
            Source::NeverCharged { after } => {
                let ids = db.never_charged(*after, limit)?;
                *after = ids.last().copied().unwrap_or(*after);
                Ok(ids.into_iter().map(Candidate::Invoice).collect())
            }
            Source::These(candidates) => {
                let rest = candidates.split_off(limit.min(candidates.len()));
                Ok(std::mem::replace(candidates, rest))
            }
        }
    }
}
