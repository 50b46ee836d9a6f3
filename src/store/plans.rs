//! The rows of plans and of their prices.

use chrono::NaiveDate;
use rusqlite::{OptionalExtension, Row};
use rust_decimal::Decimal;

use super::{Db, columns};
use crate::domain::plan::{Interval, ListedPrice, NewPlan, NewPrice, Plan};
use crate::domain::price::{Model, ModelWord, Price, PriceMove, PriceTerms, Tier, Tiers};
use crate::domain::tax::TaxBasis;
use crate::domain::{
    Act, Currency, MeterId, Money, PlanId, PriceId, Refusal, Result, SubscriptionId,
};

/// The columns of a price, `$of` in the query, for [`price`]: each has `$name` before its own.
macro_rules! price_columns {
    ($of:literal, $name:literal) => {
        concat!(
            $of, ".id AS ", $name, "_id, ",
            $of, ".currency AS ", $name, "_currency, ",
            $of, ".model AS ", $name, "_model, ",
            $of, ".unit_amount AS ", $name, "_unit_amount, ",
            $of, ".package_size AS ", $name, "_package_size, ",
            $of, ".included AS ", $name, "_included, ",
            $of, ".minimum_minor AS ", $name, "_minimum_minor, ",
            "CASE WHEN ", $of, ".model IN ('graduated', 'volume') THEN
               (SELECT group_concat(coalesce(up_to, 'inf') || ':' || unit_amount || ':' || flat_amount, ' '
                  ORDER BY position) FROM price_tiers WHERE price_id = ", $of, ".id)
             END AS ", $name, "_tiers"
        )
    };
}
pub(super) use price_columns;

/// What [`price_columns`] calls them.
#[derive(Debug)]
pub(super) struct PriceColumns {
    id: &'static str,
    currency: &'static str,
    model: &'static str,
    unit_amount: &'static str,
    package_size: &'static str,
    included: &'static str,
    minimum_minor: &'static str,
    tiers: &'static str,
}

macro_rules! column_names {
    ($name:literal) => {
        PriceColumns {
            id: concat!($name, "_id"),
            currency: concat!($name, "_currency"),
            model: concat!($name, "_model"),
            unit_amount: concat!($name, "_unit_amount"),
            package_size: concat!($name, "_package_size"),
            included: concat!($name, "_included"),
            minimum_minor: concat!($name, "_minimum_minor"),
            tiers: concat!($name, "_tiers"),
        }
    };
}

/// Those of the price that something has.
pub(super) const PRICE: &PriceColumns = &column_names!("price");
/// Those of the price that it changes to.
pub(super) const NEXT_PRICE: &PriceColumns = &column_names!("next_price");

/// A plan with the first of its live prices, else the last that it had.
macro_rules! plan_query {
    ($($rest:expr),+) => {
        plan_query!(of
            "(SELECT id FROM prices WHERE plan_id = p.id AND meter_id IS NULL AND archived_at IS NULL
              ORDER BY id LIMIT 1)",
            "(SELECT max(id) FROM prices WHERE plan_id = p.id AND meter_id IS NULL)",
            $($rest),+
        )
    };
    (of $live:literal, $last:literal, $($rest:expr),+) => {
        concat!(
            "SELECT p.*, ", price_columns!("r", "price"), ", r.archived_at AS price_archived_at
             FROM plans p JOIN prices r ON r.id = coalesce(", $live, ", ", $last, ") ",
            $($rest),+
        )
    };
}

impl Db<'_> {
    /// The plan with that code.
    ///
    /// # Errors
    /// None has it.
    pub fn plan(&self, code: &str) -> Result<Plan> {
        self.find_plan(code)?.ok_or_else(|| no_plan(code))
    }

    /// The same with its price in that currency where it has one, else its first.
    ///
    /// # Errors
    /// None has the code.
    pub fn plan_in(&self, code: &str, currency: Currency) -> Result<Plan> {
        self.find_plan_in(code, currency)?.ok_or_else(|| no_plan(code))
    }

    /// The plan with that code, if there is one, with its price in that currency where it has one,
    /// else its first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn find_plan_in(&self, code: &str, currency: Currency) -> Result<Option<Plan>> {
        let mut statement = self.conn.prepare_cached(plan_query!(of
            "(SELECT id FROM prices WHERE plan_id = p.id AND meter_id IS NULL AND archived_at IS NULL
              ORDER BY currency <> ?2, id LIMIT 1)",
            "(SELECT id FROM prices WHERE plan_id = p.id AND meter_id IS NULL
              ORDER BY currency <> ?2, id DESC LIMIT 1)",
            "WHERE p.code = ?1"
        ))?;
        Ok(statement.query_row((code, currency.code()), plan).optional()?)
    }

    /// The plan with that code, if there is one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn find_plan(&self, code: &str) -> Result<Option<Plan>> {
        let mut statement = self.conn.prepare_cached(plan_query!("WHERE p.code = ?1"))?;
        Ok(statement.query_row([code], plan).optional()?)
    }

    /// The plan in that row.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn plan_by_id(&self, id: PlanId) -> Result<Plan> {
        let mut statement = self.conn.prepare_cached(plan_query!("WHERE p.id = ?1"))?;
        Ok(statement.query_row([id.0], plan)?)
    }

    /// Hands each plan to `each`, by code; archived ones too.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_plan(
        &self,
        limit: Option<u32>,
        mut each: impl FnMut(Plan) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(columns::newest_last!(
            limit,
            plan_query,
            [""],
            "p.id",
            "p.code",
            "code",
            "?1"
        ))?;
        let mut rows = statement.query([columns::limit(limit)])?;
        while let Some(row) = rows.next()? {
            each(plan(row)?)?;
        }
        Ok(())
    }

    /// Adds a plan with its price.
    ///
    /// # Errors
    /// The code is taken.
    pub fn insert_plan(&self, act: &Act, new: &NewPlan) -> Result<PlanId> {
        let inserted = self.insert_unless_there(
            "INSERT INTO plans (code, name, interval, interval_count, trial_days, created_at,
               updated_at, tax_inclusive)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)
             ON CONFLICT (code) DO NOTHING",
            (
                &new.code,
                &new.name,
                new.interval.unit.word(),
                new.interval.count,
                new.trial_days,
                act.at(),
                new.basis.is_inclusive(),
            ),
        )?;
        let taken = || Refusal::Exists { noun: "plan", name: new.code.clone() };
        let id = inserted.map(PlanId).ok_or_else(taken)?;
        let terms = PriceTerms::plain(Model::per_unit(new.price));
        let price = NewPrice { meter: None, currency: new.currency(), terms };
        self.insert_price(act, id, &new.code, &price)?;
        Ok(id)
    }

    /// Adds a price to the plan with that code.
    ///
    /// # Errors
    /// It has a live one in that currency, for the same meter or none.
    pub fn insert_price(
        &self,
        act: &Act,
        plan: PlanId,
        code: &str,
        new: &NewPrice,
    ) -> Result<PriceId> {
        let PriceTerms { model, included, minimum } = &new.terms;
        let inserted = self.insert_unless_there(
            "INSERT INTO prices (plan_id, currency, model, unit_amount, package_size, included,
               minimum_minor, created_at, meter_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
            (
                plan.0,
                new.currency.code(),
                model.word().word(),
                model.unit_amount().or(model.percent()).map(|amount| amount.to_string()),
                model.package_size(),
                included,
                minimum.map(Money::minor),
                act.at(),
                new.meter.as_ref().map(|(MeterId(id), _)| id),
            ),
        )?;
        let taken = || Refusal::PriceExists {
            plan: code.to_owned(),
            meter: new.meter.as_ref().map(|(_, code)| code.clone()),
            currency: new.currency,
        };
        let id = inserted.map(PriceId).ok_or_else(taken)?;
        let mut statement = self.conn.prepare_cached(
            "INSERT INTO price_tiers (price_id, position, up_to, unit_amount, flat_amount)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for (position, tier) in (1i64..).zip(model.tiers().into_iter().flat_map(Tiers::iter)) {
            let (unit, flat) = (tier.unit.to_string(), tier.flat.to_string());
            statement.execute((id.0, position, tier.up_to, unit, flat))?;
        }
        Ok(id)
    }

    /// The prices of a plan, the oldest first; archived ones too.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn prices(&self, plan: PlanId) -> Result<Vec<ListedPrice>> {
        let mut statement = self.conn.prepare_cached(concat!(
            "SELECT ",
            price_columns!("r", "price"),
            ", r.archived_at, r.created_at,
               (SELECT code FROM meters WHERE id = r.meter_id) AS meter
             FROM prices r WHERE r.plan_id = ?1 ORDER BY r.id"
        ))?;
        let prices = statement.query_map([plan.0], |row| {
            Ok(ListedPrice {
                price: price(row, PRICE)?,
                meter: row.get("meter")?,
                archived_at: row.get("archived_at")?,
                created_at: row.get("created_at")?,
            })
        })?;
        Ok(prices.collect::<rusqlite::Result<_>>()?)
    }

    /// Takes a price off the offer; subscriptions that have it keep it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn archive_price(&self, act: &Act, id: PriceId) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE prices SET archived_at = ?2 WHERE id = ?1")?
            .execute((id.0, act.at()))?;
        Ok(())
    }

    /// Lets the subscriptions that have a price go to another one of its plan, each with its first
    /// period that starts on or after that day.
    ///
    /// # Errors
    /// A rule of the schema says no.
    pub fn move_price(
        &self,
        act: &Act,
        plan: PlanId,
        (old, new): (PriceId, PriceId),
        from_on: NaiveDate,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO price_moves (old_price_id, new_price_id, plan_id, from_on, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((old.0, new.0, plan.0, from_on.to_string(), act.at()))?;
        Ok(())
    }

    /// The prices that take the place of one, one after another.
    pub(super) fn price_moves(&self, id: PriceId) -> rusqlite::Result<Vec<PriceMove>> {
        let mut statement = self.conn.prepare_cached(concat!(
            "WITH RECURSIVE moves (price_id, from_on, nth) AS (
               SELECT new_price_id, from_on, 1 FROM price_moves WHERE old_price_id = ?1
               UNION ALL
               SELECT m.new_price_id, m.from_on, nth + 1
               FROM moves JOIN price_moves m ON m.old_price_id = moves.price_id)
             SELECT moves.from_on, ",
            price_columns!("r", "price"),
            " FROM moves JOIN prices r ON r.id = moves.price_id ORDER BY moves.nth"
        ))?;
        let moves = statement.query_map([id.0], |row| {
            Ok(PriceMove { from_on: columns::date(row, "from_on")?, price: price(row, PRICE)? })
        })?;
        moves.collect()
    }

    /// The subscriptions of which an item has or will have a price, or one in whose place it comes.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn subscriptions_that_move(&self, to: PriceId) -> Result<Vec<SubscriptionId>> {
        let mut statement = self.conn.prepare_cached(
            "WITH RECURSIVE before (id) AS (
               SELECT old_price_id FROM price_moves WHERE new_price_id = ?1
               UNION ALL
               SELECT m.old_price_id FROM before JOIN price_moves m ON m.new_price_id = before.id)
             SELECT s.id FROM subscriptions s
             WHERE s.status <> 'canceled' AND EXISTS (SELECT 1 FROM subscription_items i
               WHERE i.subscription_id = s.id AND i.standing <> 'removed'
                 AND (i.price_id IN (SELECT id FROM before)
                   OR i.pending_price_id IN (SELECT id FROM before)))
             ORDER BY s.id",
        )?;
        let found = statement.query_map([to.0], |row| Ok(SubscriptionId(row.get(0)?)))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Gives a plan another name and trial. Its interval never changes.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn edit_plan(&self, act: &Act, id: PlanId, name: &str, trial_days: i64) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE plans SET name = ?2, trial_days = ?3, updated_at = ?4 WHERE id = ?1",
            )?
            .execute((id.0, name, trial_days, act.at()))?;
        Ok(())
    }

    /// Takes a plan off the offer; its subscribers stay on it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn archive_plan(&self, act: &Act, id: PlanId) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE plans SET archived_at = ?2, updated_at = ?2 WHERE id = ?1")?
            .execute((id.0, act.at()))?;
        Ok(())
    }
}

fn no_plan(code: &str) -> Refusal {
    Refusal::NotFound { noun: "plan", name: code.to_owned(), near: None }
}

fn plan(row: &Row) -> rusqlite::Result<Plan> {
    Ok(Plan {
        id: PlanId(row.get("id")?),
        code: row.get("code")?,
        name: row.get("name")?,
        price: price(row, PRICE)?,
        price_archived_at: row.get("price_archived_at")?,
        basis: basis(row, "tax_inclusive")?,
        interval: interval(row, "interval", "interval_count")?,
        trial_days: row.get("trial_days")?,
        archived_at: row.get("archived_at")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

/// An interval, from columns of those names.
pub(super) fn interval(row: &Row, unit: &str, count: &str) -> rusqlite::Result<Interval> {
    Ok(Interval { unit: columns::word(row, unit)?, count: row.get(count)? })
}

/// Whether prices are with tax, from a column of that name.
pub(super) fn basis(row: &Row, column: &str) -> rusqlite::Result<TaxBasis> {
    Ok(TaxBasis::of(row.get(column)?))
}

/// A price, from columns of those names.
pub(super) fn price(row: &Row, names: &PriceColumns) -> rusqlite::Result<Price> {
    let currency = columns::word(row, names.currency)?;
    let unit = || columns::word::<Decimal>(row, names.unit_amount);
    let model = match columns::word(row, names.model)? {
        ModelWord::Flat => Model::Flat { amount: unit()? },
        ModelWord::PerUnit => Model::PerUnit { unit: unit()? },
        ModelWord::Graduated => Model::Graduated { tiers: tiers(row, names.tiers)? },
        ModelWord::Volume => Model::Volume { tiers: tiers(row, names.tiers)? },
        ModelWord::Percentage => Model::Percentage { percent: unit()? },
        ModelWord::Package => {
            Model::Package { package: unit()?, size: row.get(names.package_size)? }
        }
    };
    let minimum: Option<i64> = row.get(names.minimum_minor)?;
    let terms = PriceTerms {
        model,
        included: row.get(names.included)?,
        minimum: minimum.map(|minor| Money::from_minor(minor, currency)),
    };
    Ok(Price { id: PriceId(row.get(names.id)?), currency, terms })
}

/// Tiers, from a column of [`price_columns`].
fn tiers(row: &Row, column: &str) -> rusqlite::Result<Tiers> {
    let text: Option<String> = row.get(column)?;
    let text = text.unwrap_or_default();
    let tier = |text: &str| {
        let (up_to, amounts) = text.split_once(':')?;
        let (unit, flat) = amounts.split_once(':')?;
        let up_to = match up_to {
            "inf" => None,
            number => Some(number.parse().ok()?),
        };
        Some(Tier { up_to, unit: unit.parse().ok()?, flat: flat.parse().ok()? })
    };
    let all: Option<Vec<Tier>> = text.split_whitespace().map(tier).collect();
    all.and_then(|all| Tiers::of(all).ok()).ok_or_else(|| columns::bad(column, &text))
}
