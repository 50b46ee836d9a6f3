//! The rows of meters, and by which prices plans charge them; events and totals are in [`events`], what is
//! billed of them in [`periods`].

mod check;
mod events;
mod periods;

use rusqlite::{OptionalExtension, Row};

use super::plans::{PRICE, basis, price, price_columns};
use super::{Db, columns};
use crate::domain::usage::{Meter, MeterPrice, NewMeter};
use crate::domain::{Act, Currency, ItemId, MeterId, PlanId, Refusal, Result};

pub use events::{
    KnownRow, ListedUsage, MeterOffer, NewUsageEvent, Taken, UsageEventFilter, UsageSubscriber,
    UsageWriter,
};
pub use periods::{BilledUsage, LateUsage, UnbilledUsage};

/// The columns of a meter, `$of` in the query.
macro_rules! meter_columns {
    ($of:literal) => {
        concat!(
            $of,
            ".id AS meter_id, ",
            $of,
            ".code AS meter_code, ",
            $of,
            ".name AS meter_name, ",
            $of,
            ".aggregation, ",
            $of,
            ".unit, ",
            $of,
            ".archived_at AS meter_archived_at, ",
            $of,
            ".created_at AS meter_created_at"
        )
    };
}
use meter_columns;

impl Db<'_> {
    /// Whether there is any meter: where there is none, nothing has to be asked about usage.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn has_meters(&self) -> Result<bool> {
        if let Some(known) = self.has_meters.get() {
            return Ok(known);
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM meters WHERE id > 0)";
        let found = self.conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        self.has_meters.set(Some(found));
        Ok(found)
    }

    /// Adds a meter.
    ///
    /// # Errors
    /// The code is taken.
    pub fn insert_meter(&self, act: &Act, new: &NewMeter) -> Result<MeterId> {
        let inserted = self.insert_unless_there(
            "INSERT INTO meters (code, name, aggregation, unit, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (code) DO NOTHING",
            (&new.code, &new.name, new.aggregation.word(), &new.unit, act.at()),
        )?;
        self.has_meters.set(None);
        let taken = || Refusal::Exists { noun: "meter", name: new.code.clone() };
        inserted.map(MeterId).ok_or_else(taken)
    }

    /// The meter with that code.
    ///
    /// # Errors
    /// None has it.
    pub fn meter(&self, code: &str) -> Result<Meter> {
        let none = || Refusal::NotFound { noun: "meter", name: code.to_owned(), near: None };
        self.find_meter(code)?.ok_or_else(none)
    }

    /// The meter with that code, if there is one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn find_meter(&self, code: &str) -> Result<Option<Meter>> {
        let mut statement = self.conn.prepare_cached(concat!(
            "SELECT ",
            meter_columns!("m"),
            " FROM meters m WHERE m.code = ?1"
        ))?;
        Ok(statement.query_row([code], meter).optional()?)
    }

    /// The meter in that row.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn meter_by_id(&self, id: MeterId) -> Result<Meter> {
        let mut statement = self.conn.prepare_cached(concat!(
            "SELECT ",
            meter_columns!("m"),
            " FROM meters m WHERE m.id = ?1"
        ))?;
        Ok(statement.query_row([id.0], meter)?)
    }

    /// The meters by code, archived ones too.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn meters(&self) -> Result<Vec<Meter>> {
        let mut statement = self.conn.prepare_cached(concat!(
            "SELECT ",
            meter_columns!("m"),
            " FROM meters m ORDER BY m.code"
        ))?;
        let meters = statement.query_map([], meter)?;
        Ok(meters.collect::<rusqlite::Result<_>>()?)
    }

    /// Takes a meter off the offer: no new price may have it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn archive_meter(&self, act: &Act, id: MeterId) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE meters SET archived_at = ?2 WHERE id = ?1")?
            .execute((id.0, act.at()))?;
        Ok(())
    }

    /// The live prices that a plan has for meters in that currency, as those of an item.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn offered_meter_prices(
        &self,
        plan: PlanId,
        currency: Currency,
        item: ItemId,
    ) -> Result<Vec<MeterPrice>> {
        let mut statement = self.conn.prepare_cached(concat!(
            "SELECT r.plan_id, p.tax_inclusive, ?3 AS item_id, ",
            meter_columns!("m"),
            ", ",
            price_columns!("r", "price"),
            " FROM prices r JOIN meters m ON m.id = r.meter_id JOIN plans p ON p.id = r.plan_id
             WHERE r.plan_id = ?1 AND r.currency = ?2 AND r.meter_id IS NOT NULL
               AND r.archived_at IS NULL
             ORDER BY r.id"
        ))?;
        let prices = statement.query_map((plan.0, currency.code(), item.0), meter_price)?;
        Ok(prices.collect::<rusqlite::Result<_>>()?)
    }
}

/// A meter, from a row with [`meter_columns`].
fn meter(row: &Row) -> rusqlite::Result<Meter> {
    Ok(Meter {
        id: MeterId(row.get("meter_id")?),
        code: row.get("meter_code")?,
        name: row.get("meter_name")?,
        aggregation: columns::word(row, "aggregation")?,
        unit: row.get("unit")?,
        archived_at: row.get("meter_archived_at")?,
        created_at: row.get("meter_created_at")?,
    })
}

/// A price of a meter, from a row with the columns of both, the plan and the item.
fn meter_price(row: &Row) -> rusqlite::Result<MeterPrice> {
    Ok(MeterPrice {
        meter: meter(row)?,
        item: ItemId(row.get("item_id")?),
        plan: PlanId(row.get("plan_id")?),
        price: price(row, PRICE)?,
        basis: basis(row, "tax_inclusive")?,
    })
}
