//! Pending items: what waits for an invoice, and which takes it.

use super::Book;
use crate::domain::event::{PendingItemEvent, PendingItemFacts};
use crate::domain::pending_item::{NewPendingItem, PendingItem};
use crate::domain::{Money, PendingItemId, Result};

impl Book<'_> {
    /// Lets something wait for the next invoice.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn add_pending_item(&self, new: &NewPendingItem) -> Result<PendingItemId> {
        let id = self.db.insert_pending_item(self.act, new)?;
        let added = self.db.pending_item(id)?;
        let item = PendingItemFacts::of(&added);
        let reason = format!("{}: {}", added.description, added.amount);
        self.record(added.tenant_id, PendingItemEvent::Created { item }, Some(&reason))?;
        Ok(id)
    }

    /// Takes so much off a pending item; one of which nothing is left is removed.
    ///
    /// # Errors
    /// It does not wait, or comes to less than that.
    pub fn lower_pending_item(&self, before: &PendingItem, by: Money) -> Result<()> {
        let Some(lowered) = before.lowered(by)? else {
            return self.remove_pending_item(before, Some("a later change took all of it back"));
        };
        self.db.lower_pending_item(&lowered)?;
        let item = PendingItemFacts::of(&lowered);
        let event = PendingItemEvent::Lowered { item, amount_before: before.amount };
        let reason = format!("{}: {} instead of {}", before.id, lowered.amount, before.amount);
        self.record(before.tenant_id, event, Some(&reason))
    }

    /// Lets a pending item be billed no more.
    ///
    /// # Errors
    /// An invoice has taken it, or it was removed before.
    pub fn remove_pending_item(&self, item: &PendingItem, reason: Option<&str>) -> Result<()> {
        item.check_waits()?;
        self.db.remove_pending_item(self.act, item.id)?;
        let event = PendingItemEvent::Removed { item: PendingItemFacts::of(item) };
        self.record(item.tenant_id, event, reason)
    }
}
