//! What was done at Stripe without being asked: refunds made in the dashboard, and disputes. The pages
//! are "List all refunds" and "List all disputes".

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::dispute::{DISPUTES, dispute_status};
use super::refund::{REFUNDS, Refund};
use super::{Stripe, amount, shown};
use crate::domain::gateway_refund::{Change, Done};

/// Pages of 100 of all that an account gave back: half a year of a large one.
const MOST_PAGES: usize = 1_000;

impl Stripe {
    /// The refunds that succeeded and the disputes, of payments as billing makes them, that were made
    /// since then. Those that carry a key of billing's are told with it.
    ///
    /// # Errors
    /// In words: a list that cannot be had, or read.
    pub fn changes(&self, since: DateTime<Utc>) -> Result<Vec<Change>, String> {
        let since = since.timestamp().to_string();
        let query = [("created[gte]", since.as_str())];
        let told = self.refunds_since(&query).and_then(|mut changes| {
            changes.extend(self.disputes_since(&query)?);
            Ok(changes)
        });
        told.map_err(|message| shown(&message))
    }

    /// One that is pending is not told before it has succeeded, and one that failed gave nothing back.
    fn refunds_since(&self, query: &[(&str, &str)]) -> Result<Vec<Change>, String> {
        let wanted = |value: &Value| {
            let is_refund = value["object"].as_str()? == "refund";
            // Without an intent it is of none of billing's charges; those of an account's early days
            // have no status.
            let may_be = value["payment_intent"].is_string() && value["status"].is_string();
            match (is_refund, may_be) {
                (false, _) => None,
                (true, false) => Some(false),
                (true, true) => Some(Refund::read(value)?.status == "succeeded"),
            }
        };
        let found = self.list(REFUNDS, query, MOST_PAGES, wanted)?;
        // The oldest first, also of those of one second.
        let changes = found.iter().rev().filter_map(Refund::read).filter_map(|refund| {
            // What cannot be said in our terms was never charged by billing.
            let amount = amount::money(refund.amount?, refund.currency?)?;
            let idempotency_key = refund.key.map(str::to_owned);
            Some(Change {
                reference: refund.id.to_owned(),
                charge: refund.intent?.to_owned(),
                at: DateTime::from_timestamp(refund.created?, 0)?,
                done: Done::Refund { amount, idempotency_key },
            })
        });
        Ok(changes.collect())
    }

    /// Each as it stands: what was open may be lost or won when it is told the next time.
    fn disputes_since(&self, query: &[(&str, &str)]) -> Result<Vec<Change>, String> {
        let wanted = |value: &Value| {
            let read = value["object"].as_str()? == "dispute" && value["created"].is_i64();
            read.then_some(value["payment_intent"].is_string())
        };
        let found = self.list(DISPUTES, query, MOST_PAGES, wanted)?;
        found
            .iter()
            .rev()
            .map(|dispute| {
                let text = |field: &str| dispute[field].as_str().unwrap_or_default().to_owned();
                let created = dispute["created"].as_i64().unwrap_or_default();
                let status = dispute_status(dispute)?;
                Ok(Change {
                    reference: text("id"),
                    charge: text("payment_intent"),
                    at: DateTime::from_timestamp(created, 0).ok_or("a dispute without a time")?,
                    done: Done::Dispute { status },
                })
            })
            .collect()
    }
}
