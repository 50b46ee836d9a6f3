//! What happens to subscriptions.

use chrono::NaiveDate;

use super::changes::Changes;
use super::data::{Extra, Flat, Nested, group, kinds};
use crate::domain::subscription::{Collection, Item, Subscription, SubscriptionStatus, Terms};
use crate::domain::tenant::SuspensionCause;
use crate::domain::{Currency, Money, SubscriptionId};

kinds! {
    /// What happens to a subscription.
    SubscriptionEvent<'a> {
        /// A subscription began.
        Created = "subscription_created" {
            /// How it stands.
            standing: Flat<Standing<'a>>,
            /// It was imported.
            imported: Extra<bool>,
        },
        /// An import set an imported subscription right, of which nothing was billed here.
        Corrected = "subscription_corrected" {
            /// How it stands now.
            standing: Flat<Standing<'a>>,
            /// True: nothing but an import corrects a subscription.
            imported: bool,
            /// What changed.
            changes: Changes,
        },
        /// Items, plans or quantities will change with the next period.
        ChangePlanned = "subscription_change_planned" {
            /// How it stands now.
            standing: Flat<Standing<'a>>,
        },
        /// A planned change was taken back.
        ChangeWithdrawn = "subscription_change_withdrawn" {
            /// How it stands now.
            standing: Flat<Standing<'a>>,
        },
        /// A planned change came into force.
        ChangeApplied = "subscription_change_applied" {
            /// How it stands now.
            standing: Flat<Standing<'a>>,
            /// The first day of the first period on the new terms.
            since: Option<NaiveDate>,
        },
        /// A subscription changed in the middle of a period.
        Changed = "subscription_changed" {
            /// How it stands now.
            standing: Flat<Standing<'a>>,
            /// What the rest of the period came to at the old terms.
            credit: Money,
            /// What that, or the new period, comes to at the new ones.
            charge: Money,
        },
        /// A subscription will be paused.
        PausePlanned = "subscription_pause_planned" {
            /// How it stands now.
            standing: Flat<Standing<'a>>,
            /// Its first day.
            from: NaiveDate,
            /// Its last day.
            until: Option<NaiveDate>,
        },
        /// A planned pause was taken back.
        PauseWithdrawn = "subscription_pause_withdrawn" {
            /// How it stands now.
            standing: Flat<Standing<'a>>,
        },
        /// A pause began.
        Paused = "subscription_paused" {
            /// How it stands now.
            standing: Flat<Standing<'a>>,
            /// Its first day.
            from: NaiveDate,
            /// Its last day.
            until: Option<NaiveDate>,
        },
        /// A paused subscription goes on.
        Resumed = "subscription_resumed" {
            /// How it stands now.
            standing: Flat<Standing<'a>>,
        },
        /// A subscription will end with its period.
        CancellationPlanned = "subscription_cancellation_planned" {
            /// How it stands now.
            standing: Flat<Standing<'a>>,
        },
        /// A planned end was taken back.
        CancellationWithdrawn = "subscription_cancellation_withdrawn" {
            /// How it stands now.
            standing: Flat<Standing<'a>>,
        },
        /// A subscription ended.
        Canceled = "subscription_canceled" {
            /// How it stands now.
            standing: Flat<Standing<'a>>,
            /// It ended because its customer was closed.
            with_tenant: Extra<bool>,
        },
        /// A subscription was suspended.
        Suspended = "subscription_suspended" {
            /// How it stands now.
            standing: Flat<Standing<'a>>,
            /// What suspended it.
            cause: SuspensionCause,
            /// It was suspended because its customer was.
            with_tenant: Extra<bool>,
        },
        /// A suspended subscription goes on.
        Returned = "subscription_returned" {
            /// How it stands now.
            standing: Flat<Standing<'a>>,
        },
        /// A subscription came back, and periods that had begun before its suspension stay unbilled.
        BacklogDropped = "subscription_backlog_dropped" {
            /// How it stood before.
            standing: Flat<Standing<'a>>,
        },
        /// How the invoices to come are collected was changed.
        CollectionChanged = "subscription_collection_changed" {
            /// How it stands.
            standing: Flat<Standing<'a>>,
            /// How they are collected now.
            collection: Collection,
            /// How they were.
            collection_before: Collection,
        },
        /// A trial was given more days.
        TrialExtended = "trial_extended" {
            /// How it stands now.
            standing: Flat<Standing<'a>>,
            /// What the last free day was.
            trial_ends_on_before: NaiveDate,
        },
        /// A trial became a paid subscription.
        TrialConverted = "trial_converted" {
            /// How it stands now.
            standing: Flat<Standing<'a>>,
        },
    }
}

group! {
    /// How a subscription stands.
    Standing<'a> {
        /// The subscription.
        subscription: SubscriptionId,
        /// Where it stands; it is never told as `past_due`.
        status: SubscriptionStatus,
        /// What is billed for a period.
        terms: Nested<TermsFacts<'a>>,
        /// What will be billed from the next period on.
        pending: Option<Nested<TermsFacts<'a>>>,
        /// When the next period starts that is to be billed.
        next_billing_on: Option<NaiveDate>,
        /// The last free day.
        trial_ends_on: Option<NaiveDate>,
        /// The first day after its end.
        ends_on: Option<NaiveDate>,
    }
}

group! {
    /// What is billed for a period.
    TermsFacts<'a> {
        /// The plan's code.
        plan: &'a str,
        /// How many of it.
        quantity: i64,
        /// Of one for a whole interval, where each costs the same.
        price: Option<String>,
        /// What the price is in.
        currency: Currency,
        /// All of its items; the first of them is the one above.
        items: Vec<Nested<ItemFacts<'a>>>,
    }
}

group! {
    /// An item of a subscription.
    ItemFacts<'a> {
        /// The plan's code.
        plan: &'a str,
        /// How many of it.
        quantity: i64,
        /// Of one for a whole interval, where each costs the same.
        price: Option<String>,
    }
}

impl<'a> Standing<'a> {
    /// How a subscription stands.
    pub fn of(subscription: &'a Subscription) -> Flat<Standing<'a>> {
        let item = |item: &'a Item| {
            let (plan, quantity) = (item.plan.as_str(), item.quantity);
            Nested(ItemFacts { plan, quantity, price: item.price.major() })
        };
        let terms = |terms: &'a Terms| {
            Nested(TermsFacts {
                plan: &terms.first().plan,
                quantity: terms.first().quantity,
                price: terms.first().price.major(),
                currency: terms.first().price.currency,
                items: terms.items.iter().map(item).collect(),
            })
        };
        Flat(Standing {
            subscription: subscription.id,
            status: subscription.status,
            terms: terms(&subscription.terms),
            pending: subscription.pending.as_ref().map(terms),
            next_billing_on: subscription.next_billing_on,
            trial_ends_on: subscription.trial_ends_on,
            ends_on: subscription.ends_on,
        })
    }
}
