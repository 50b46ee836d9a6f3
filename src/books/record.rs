//! What the books write into the audit trail.

use super::Book;
use crate::domain::Result;
use crate::domain::event::{About, CouponEvent, Event};
use crate::domain::subscription::Terms;

impl Book<'_> {
    /// Adds an event to the audit trail; `reason` says why, where there is more to say than that it
    /// happened.
    ///
    /// # Errors
    /// No randomness to be had, or a fault of the file.
    pub fn record<'e>(
        &self,
        about: impl Into<About>,
        event: impl Into<Event<'e>>,
        reason: Option<&str>,
    ) -> Result<()> {
        self.db.record(self.act, about, event, reason)
    }

    /// Adds an event about a coupon that is no customer's: its reason names the coupon.
    ///
    /// # Errors
    /// As [`Book::record`].
    pub fn record_coupon(&self, event: CouponEvent) -> Result<()> {
        let reason = event.named();
        self.record(About::NOBODY, event, reason.as_deref())
    }
}

/// Terms as a reason says them: `3 × basic`.
pub(super) fn in_words(terms: &Terms) -> String {
    let items: Vec<_> =
        terms.items.iter().map(|item| format!("{} × {}", item.quantity, item.plan)).collect();
    items.join(", ")
}
