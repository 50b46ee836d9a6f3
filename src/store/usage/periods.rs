//! The rows of what is billed of usage: periods, their prices, and the lines that bill them.

use chrono::NaiveDate;
use rusqlite::OptionalExtension;

use super::{meter_columns, meter_price, price_columns};
use crate::domain::period::Period;
use crate::domain::usage::{Aggregation, Late, Total, UsagePeriod};
use crate::domain::{
    Act, CreditNoteId, Currency, InvoiceId, MeterId, Money, Result, SubscriptionId,
};
use crate::store::{Db, columns};

/// A line that bills usage of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BilledUsage {
    pub invoice: InvoiceId,
    /// Of the line, from 1 on.
    pub position: usize,
    pub amount: Money,
    /// What credit notes took back of it.
    pub credited: Money,
    /// What of that was taken back because less was used.
    pub corrected: Money,
}

/// A period whose usage is to be billed: where a page of them stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnbilledUsage {
    pub ends_on: NaiveDate,
    pub subscription: SubscriptionId,
}

/// A subscription of whose usage something changed after it was billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateUsage {
    pub subscription: SubscriptionId,
}

impl Db<'_> {
    /// The periods of a subscription of which something is to be billed or was not billed right, and the
    /// last of all; oldest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn open_usage_periods(&self, of: SubscriptionId) -> Result<Vec<UsagePeriod>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT starts_on, ends_on, whole_days, away, billed_at IS NOT NULL AS billed, late
             FROM usage_periods
             WHERE subscription_id = ?1 AND (billed_at IS NULL OR late IS NOT NULL OR starts_on =
               (SELECT max(starts_on) FROM usage_periods WHERE subscription_id = ?1))
             ORDER BY starts_on",
        )?;
        let found = statement.query_map([of.0], period)?;
        let mut periods: Vec<UsagePeriod> = found.collect::<rusqlite::Result<_>>()?;
        for period in &mut periods {
            self.read_usage_prices(of, period)?;
        }
        Ok(periods)
    }

    /// The period of a subscription that contains a day, if one does.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn usage_period_at(
        &self,
        of: SubscriptionId,
        day: NaiveDate,
    ) -> Result<Option<UsagePeriod>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT starts_on, ends_on, whole_days, away, billed_at IS NOT NULL AS billed, late
             FROM usage_periods WHERE subscription_id = ?1 AND starts_on <= ?2
             ORDER BY starts_on DESC LIMIT 1",
        )?;
        let found = statement.query_row((of.0, day.to_string()), period).optional()?;
        let Some(mut period) = found.filter(|found| found.period.contains(day)) else {
            return Ok(None);
        };
        self.read_usage_prices(of, &mut period)?;
        Ok(Some(period))
    }

    /// Where the last period of usage ends that ends by a day, and the first one starts after it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn usage_periods_beside(
        &self,
        of: SubscriptionId,
        day: NaiveDate,
    ) -> Result<(Option<NaiveDate>, Option<NaiveDate>)> {
        let mut statement = self.conn.prepare_cached(
            "SELECT (SELECT max(ends_on) FROM usage_periods
                     WHERE subscription_id = ?1 AND starts_on <= ?2) AS before,
                    (SELECT min(starts_on) FROM usage_periods
                     WHERE subscription_id = ?1 AND starts_on > ?2) AS after",
        )?;
        let found = statement.query_row((of.0, day.to_string()), |row| {
            Ok((columns::date_or_null(row, "before")?, columns::date_or_null(row, "after")?))
        })?;
        Ok(found)
    }

    fn read_usage_prices(&self, of: SubscriptionId, into: &mut UsagePeriod) -> Result<()> {
        let mut statement = self.conn.prepare_cached(concat!(
            "SELECT u.item_id, r.plan_id, p.tax_inclusive, ",
            meter_columns!("m"),
            ", ",
            price_columns!("r", "price"),
            " FROM usage_prices u JOIN meters m ON m.id = u.meter_id
             JOIN prices r ON r.id = u.price_id JOIN plans p ON p.id = r.plan_id
             WHERE u.subscription_id = ?1 AND u.starts_on = ?2 ORDER BY u.meter_id"
        ))?;
        let key = (of.0, into.period.start.to_string());
        let prices = statement.query_map(key, meter_price)?;
        into.prices = prices.collect::<rusqlite::Result<_>>()?;
        Ok(())
    }

    /// Writes a period with its prices; of one that is there, where it ends and what became of it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn write_usage_period(
        &self,
        act: &Act,
        of: SubscriptionId,
        period: &UsagePeriod,
    ) -> Result<()> {
        let starts_on = period.period.start.to_string();
        self.conn
            .prepare_cached(
                "INSERT INTO usage_periods (subscription_id, starts_on, ends_on, whole_days, away,
                   billed_at, late)
                 VALUES (?1, ?2, ?3, ?4, ?5, CASE WHEN ?6 THEN ?7 END, ?8)
                 ON CONFLICT DO UPDATE SET ends_on = excluded.ends_on,
                   whole_days = excluded.whole_days, away = excluded.away,
                   billed_at = coalesce(billed_at, excluded.billed_at), late = excluded.late",
            )?
            .execute((
                of.0,
                &starts_on,
                period.period.end.to_string(),
                period.whole_days,
                period.away,
                period.billed,
                act.at(),
                period.late.map(Late::word),
            ))?;
        let mut statement = self.conn.prepare_cached(
            "INSERT INTO usage_prices (subscription_id, starts_on, meter_id, item_id, price_id)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        )?;
        for one in &period.prices {
            let (meter, item, price) = (one.meter.id.0, one.item.0, one.price.id.0);
            statement.execute((of.0, &starts_on, meter, item, price))?;
        }
        Ok(())
    }

    /// What a subscription used by a meter on the days of a period that it used any.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn usage_days(
        &self,
        of: SubscriptionId,
        meter: MeterId,
        period: Period,
    ) -> Result<Vec<(NaiveDate, Total)>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT day, events, value, last_at_us, last_id FROM usage_totals
             WHERE subscription_id = ?1 AND meter_id = ?2 AND day >= ?3 AND day < ?4
             ORDER BY day",
        )?;
        let key = (of.0, meter.0, period.start.to_string(), period.end.to_string());
        let days = statement
            .query_map(key, |row| Ok((columns::date(row, "day")?, super::events::total(row)?)))?;
        Ok(days.collect::<rusqlite::Result<_>>()?)
    }

    /// How many different values a subscription used by a meter in a period.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn distinct_usage(
        &self,
        of: SubscriptionId,
        meter: MeterId,
        period: Period,
    ) -> Result<i64> {
        let mut statement = self.conn.prepare_cached(
            "SELECT count(DISTINCT value) FROM usage_values
             WHERE subscription_id = ?1 AND meter_id = ?2 AND day >= ?3 AND day < ?4
               AND events > 0",
        )?;
        let key = (of.0, meter.0, period.start.to_string(), period.end.to_string());
        Ok(statement.query_row(key, |row| row.get(0))?)
    }

    /// What a subscription used by a meter in a period: the total, and how many different values.
    ///
    /// # Errors
    /// A sum that is too large, or a fault of the file.
    pub fn usage_total(
        &self,
        of: SubscriptionId,
        (meter, aggregation): (MeterId, Aggregation),
        period: Period,
    ) -> Result<(Total, i64)> {
        let mut sum = Total::default();
        for (_, total) in self.usage_days(of, meter, period)? {
            let too_large =
                || crate::domain::Refusal::UsageTooLarge { subscription: of.to_string() };
            sum = sum.plus(total, aggregation).ok_or_else(too_large)?;
        }
        let distinct = match aggregation {
            Aggregation::Unique => self.distinct_usage(of, meter, period)?,
            _ => 0,
        };
        Ok((sum, distinct))
    }

    /// The lines of invoices that stand which bill the usage of a meter in a period, the newest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn billed_usage(
        &self,
        of: SubscriptionId,
        starts_on: NaiveDate,
        meter: MeterId,
        currency: Currency,
    ) -> Result<Vec<BilledUsage>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT u.invoice_id, u.position, l.amount_minor,
               (SELECT coalesce(sum(n.amount_minor), 0) FROM credit_notes c
                JOIN credit_note_lines n ON n.credit_note_id = c.id
                WHERE c.invoice_id = u.invoice_id AND n.line = u.position) AS credited_minor,
               (SELECT coalesce(sum(n.amount_minor), 0) FROM credit_notes c
                JOIN usage_corrections o ON o.credit_note_id = c.id
                JOIN credit_note_lines n ON n.credit_note_id = c.id
                WHERE c.invoice_id = u.invoice_id AND n.line = u.position) AS corrected_minor
             FROM usage_lines u
             JOIN invoice_lines l ON l.invoice_id = u.invoice_id AND l.position = u.position
             JOIN invoices i ON i.id = u.invoice_id
             WHERE u.subscription_id = ?1 AND u.starts_on = ?2 AND u.meter_id = ?3
               AND i.status <> 'void'
             ORDER BY u.invoice_id DESC, u.position DESC",
        )?;
        let lines = statement.query_map((of.0, starts_on.to_string(), meter.0), |row| {
            Ok(BilledUsage {
                invoice: InvoiceId(row.get("invoice_id")?),
                position: row.get::<_, u32>("position")? as usize,
                amount: columns::money(row, "amount_minor", currency)?,
                credited: columns::money(row, "credited_minor", currency)?,
                corrected: columns::money(row, "corrected_minor", currency)?,
            })
        })?;
        Ok(lines.collect::<rusqlite::Result<_>>()?)
    }

    /// Notes that a line of an invoice bills usage.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn insert_usage_line(
        &self,
        (invoice, position): (InvoiceId, usize),
        of: SubscriptionId,
        starts_on: NaiveDate,
        meter: MeterId,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO usage_lines (invoice_id, position, subscription_id, starts_on, meter_id)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((invoice.0, position as i64, of.0, starts_on.to_string(), meter.0))?;
        Ok(())
    }

    /// Lets the lines of an invoice that takes the place of a void one bill the same usage.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn copy_usage_lines(&self, void: InvoiceId, to: InvoiceId) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO usage_lines (invoice_id, position, subscription_id, starts_on, meter_id)
                 SELECT ?2, position, subscription_id, starts_on, meter_id FROM usage_lines
                 WHERE invoice_id = ?1",
            )?
            .execute((void.0, to.0))?;
        Ok(())
    }

    /// Lets a run look again at the usage that an invoice billed, which is void now.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn usage_of_void(&self, invoice: InvoiceId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE usage_periods SET late = 'new'
                 WHERE billed_at IS NOT NULL AND (subscription_id, starts_on) IN
                   (SELECT subscription_id, starts_on FROM usage_lines WHERE invoice_id = ?1)",
            )?
            .execute([invoice.0])?;
        Ok(())
    }

    /// Notes that a credit note was written because less was used than billed.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn insert_usage_correction(&self, note: CreditNoteId) -> Result<()> {
        self.conn
            .prepare_cached("INSERT INTO usage_corrections (credit_note_id) VALUES (?1)")?
            .execute([note.0])?;
        Ok(())
    }

    /// Says how the usage of a period that was billed stands.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn set_usage_late(
        &self,
        of: SubscriptionId,
        starts_on: NaiveDate,
        late: Option<Late>,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE usage_periods SET late = ?3
                 WHERE subscription_id = ?1 AND starts_on = ?2 AND billed_at IS NOT NULL
                   AND late IS NOT ?3",
            )?
            .execute((of.0, starts_on.to_string(), late.map(Late::word)))?;
        Ok(())
    }

    /// Lets the next run look at all that waits for an invoice of a subscription of which none follows.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn wake_late_usage(&self, of: SubscriptionId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE usage_periods SET late = 'new' WHERE subscription_id = ?1 AND late = 'waits'",
            )?
            .execute([of.0])?;
        Ok(())
    }

    /// A page of subscriptions that have a period which ended on or before `until` and whose usage is not
    /// billed, by that day. Those that are away wait for their return.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn unbilled_usage(
        &self,
        until: NaiveDate,
        after: Option<UnbilledUsage>,
        limit: usize,
    ) -> Result<Vec<UnbilledUsage>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT u.ends_on, u.subscription_id
             FROM usage_periods u INDEXED BY usage_periods_unbilled
             CROSS JOIN subscriptions s ON s.id = u.subscription_id
             WHERE u.billed_at IS NULL AND u.ends_on <= ?1
               AND (u.ends_on, u.subscription_id) > (?2, ?3)
               AND s.status IN ('active', 'canceled')
               AND NOT EXISTS (SELECT 1 FROM usage_periods e
                 WHERE e.subscription_id = u.subscription_id AND e.starts_on < u.starts_on
                   AND e.billed_at IS NULL)
             ORDER BY u.ends_on, u.subscription_id LIMIT ?4",
        )?;
        let (on, id) =
            after.map_or((String::new(), 0), |key| (key.ends_on.to_string(), key.subscription.0));
        let found = statement.query_map((until.to_string(), on, id, limit as i64), |row| {
            let subscription = SubscriptionId(row.get("subscription_id")?);
            Ok(UnbilledUsage { ends_on: columns::date(row, "ends_on")?, subscription })
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether usage of a subscription is not billed of a period that ended by a day.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn has_unbilled_usage(&self, of: SubscriptionId, until: NaiveDate) -> Result<bool> {
        let mut statement = self.conn.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM usage_periods
               WHERE subscription_id = ?1 AND billed_at IS NULL AND ends_on <= ?2)",
        )?;
        Ok(statement.query_row((of.0, until.to_string()), |row| row.get(0))?)
    }

    /// A page of subscriptions of whose usage something changed after it was billed, and no run has looked
    /// at it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn late_usage(&self, after: SubscriptionId, limit: usize) -> Result<Vec<LateUsage>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT DISTINCT u.subscription_id
             FROM usage_periods u INDEXED BY usage_periods_late
             WHERE u.late = 'new' AND u.subscription_id > ?1
             ORDER BY u.subscription_id LIMIT ?2",
        )?;
        let found = statement.query_map((after.0, limit as i64), |row| {
            Ok(LateUsage { subscription: SubscriptionId(row.get("subscription_id")?) })
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }
}

fn period(row: &rusqlite::Row) -> rusqlite::Result<UsagePeriod> {
    Ok(UsagePeriod {
        period: Period {
            start: columns::date(row, "starts_on")?,
            end: columns::date(row, "ends_on")?,
        },
        whole_days: row.get("whole_days")?,
        away: row.get("away")?,
        billed: row.get("billed")?,
        late: columns::word_or_null(row, "late")?,
        prices: Vec::new(),
    })
}
