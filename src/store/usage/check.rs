//! Whether the totals of days agree with the events that they are of.

use std::collections::HashMap;

use rust_decimal::Decimal;

use crate::domain::usage::{Aggregation, Total};
use crate::domain::{MeterId, Result, SubscriptionId};
use crate::store::{Db, columns};

/// The totals of one day, as its events have them.
type OfDay = HashMap<(SubscriptionId, MeterId), Total>;

impl Db<'_> {
    /// Hands what does not agree to `found`: each day is reckoned anew from its events, of which one day at
    /// a time is held.
    ///
    /// # Errors
    /// A fault of the file, or a value that no event may have.
    pub(in crate::store) fn check_usage(&self, mut found: impl FnMut(String)) -> Result<()> {
        let aggregations: HashMap<MeterId, Aggregation> =
            self.meters()?.into_iter().map(|meter| (meter.id, meter.aggregation)).collect();
        let mut statement = self.conn.prepare(
            "SELECT day, id, meter_id, subscription_id, at_us, value FROM usage_events
             WHERE voided_at IS NULL ORDER BY day, id",
        )?;
        let mut rows = statement.query([])?;
        let (mut day, mut sums, mut events) = (String::new(), OfDay::new(), 0);
        while let Some(row) = rows.next()? {
            let of: String = row.get("day")?;
            if of != day {
                self.compare_usage(&day, &sums, &mut found)?;
                (day, sums) = (of, OfDay::new());
            }
            let key = (SubscriptionId(row.get("subscription_id")?), MeterId(row.get("meter_id")?));
            let aggregation = aggregations.get(&key.1).copied().unwrap_or(Aggregation::Count);
            let value = match aggregation {
                Aggregation::Unique => Decimal::ZERO,
                _ => columns::word(row, "value")?,
            };
            let id: String = row.get("id")?;
            let one = Total::of(aggregation, value, row.get("at_us")?, &id);
            let sum = sums.entry(key).or_default();
            *sum = std::mem::take(sum).plus(one, aggregation).unwrap_or_default();
            events += 1;
        }
        self.compare_usage(&day, &sums, &mut found)?;
        let kept = "SELECT coalesce(sum(events), 0) FROM usage_totals";
        let kept: i64 = self.conn.query_row(kept, [], |row| row.get(0))?;
        if kept != events {
            found(format!("the totals are of {kept} events, and there are {events}"));
        }
        Ok(())
    }

    fn compare_usage(&self, day: &str, sums: &OfDay, found: &mut impl FnMut(String)) -> Result<()> {
        for ((subscription, meter), sum) in sums {
            let kept = self.usage_total_of((*subscription, *meter, day))?;
            if kept.as_ref() != Some(sum) {
                let code = self.meter_by_id(*meter)?.code;
                let says = kept.map_or("nothing".to_owned(), |kept| kept.value.to_string());
                let (value, events) = (sum.value, sum.events);
                found(format!(
                    "{subscription}, {code}, {day}: {events} events come to {value}, \
                     the total says {says}"
                ));
            }
        }
        Ok(())
    }
}
