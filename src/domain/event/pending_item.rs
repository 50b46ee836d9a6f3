//! What happens to pending items.

use super::data::{Flat, group, kinds};
use crate::domain::pending_item::PendingItem;
use crate::domain::{Currency, Money, PendingItemId, SubscriptionId};

kinds! {
    /// What happens to a pending item.
    PendingItemEvent<'a> {
        /// Something waits for the next invoice.
        Created = "pending_item_created" {
            /// The item.
            item: Flat<PendingItemFacts<'a>>,
        },
        /// A pending item comes to less, because a later change took something of it back.
        Lowered = "pending_item_lowered" {
            /// The item as it is now.
            item: Flat<PendingItemFacts<'a>>,
            /// What it came to before.
            amount_before: Money,
        },
        /// An invoice took a pending item.
        Invoiced = "pending_item_invoiced" {
            /// The item.
            item: Flat<PendingItemFacts<'a>>,
        },
        /// The invoice that had taken a pending item is void, and the item waits again.
        Returned = "pending_item_returned" {
            /// The item.
            item: Flat<PendingItemFacts<'a>>,
        },
        /// A pending item is not to be billed any more.
        Removed = "pending_item_removed" {
            /// The item.
            item: Flat<PendingItemFacts<'a>>,
        },
    }
}

group! {
    /// A pending item.
    PendingItemFacts<'a> {
        /// The pending item.
        pending_item: PendingItemId,
        /// The subscription whose invoice it waits for.
        subscription: Option<SubscriptionId>,
        /// What it is for.
        description: &'a str,
        /// What it comes to, with tax or without, as it was made.
        amount: Money,
        /// What the amount is in.
        currency: Currency,
    }
}

impl<'a> PendingItemFacts<'a> {
    /// What an event says of an item.
    pub fn of(item: &'a PendingItem) -> Flat<PendingItemFacts<'a>> {
        Flat(PendingItemFacts {
            pending_item: item.id,
            subscription: item.subscription,
            description: &item.description,
            amount: item.amount,
            currency: item.amount.currency(),
        })
    }
}
