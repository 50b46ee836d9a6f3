//! What is to be invoiced in the days to come.

use super::Book;
use crate::domain::money::Totals;
use crate::domain::subscription::SubscriptionStatus;
use crate::domain::{Result, calendar};
use crate::store::SubscriptionFilter;

/// What is to be invoiced.
#[derive(Debug, Clone, Default)]
pub struct Coming {
    pub invoices: u64,
    pub totals: Totals,
}

impl Book<'_> {
    /// What running subscriptions are billed for by so many days from now, with tax and less
    /// discounts, as far as it has not been billed: what is due, and one period ahead of each.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub fn coming_invoices(&self, days: i64) -> Result<Coming> {
        let until = calendar::plus_days(self.act.today, days);
        let mut running = Vec::new();
        self.db.each_subscription(&SubscriptionFilter::default(), |subscription| {
            let due = subscription.next_billing_on.is_some_and(|on| on <= until);
            if subscription.status == SubscriptionStatus::Active && due {
                running.push(subscription.id);
            }
            Ok(true)
        })?;
        let mut coming = Coming::default();
        for id in running {
            let explained = self.explain_subscription(id)?;
            let next = explained.next.filter(|next| next.bill.period.start <= until);
            let next = next.filter(|next| next.provided.is_none()).map(|next| next.amounts);
            for amounts in explained.due.into_iter().map(|(_, amounts)| amounts).chain(next) {
                coming.invoices += 1;
                coming.totals.add(amounts.total)?;
            }
        }
        Ok(coming)
    }
}
