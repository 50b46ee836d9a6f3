//! The rows of plans and of their prices.

use rusqlite::{OptionalExtension, Row};
use rust_decimal::Decimal;

use super::{Db, columns};
use crate::domain::plan::{Interval, NewPlan, Plan};
use crate::domain::price::{Model, Price};
use crate::domain::tax::TaxBasis;
use crate::domain::{Act, Currency, PlanId, PriceId, Refusal, Result};

/// A plan with the first of its prices.
macro_rules! plan_query {
    ($($rest:expr),+) => {
        concat!(
            "SELECT p.*, r.id AS price_id, r.currency, r.model, r.unit_amount
             FROM plans p JOIN prices r ON r.id =
               (SELECT min(id) FROM prices WHERE plan_id = p.id AND archived_at IS NULL) ",
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
        let mut statement = self.conn.prepare_cached(
            "SELECT p.*, r.id AS price_id, r.currency, r.model, r.unit_amount
             FROM plans p JOIN prices r ON r.id =
               (SELECT id FROM prices WHERE plan_id = p.id AND archived_at IS NULL
                ORDER BY currency <> ?2, id LIMIT 1)
             WHERE p.code = ?1",
        )?;
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
        let model = Model::per_unit(new.price);
        let Model::PerUnit { unit } = model;
        self.conn
            .prepare_cached(
                "INSERT INTO prices (plan_id, currency, model, unit_amount, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((id.0, new.currency().code(), model.word(), unit.to_string(), act.at()))?;
        Ok(id)
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
        price: price(row, "price_id", "currency", "model", "unit_amount")?,
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
pub(super) fn price(
    row: &Row,
    id: &str,
    currency: &str,
    model: &str,
    unit_amount: &str,
) -> rusqlite::Result<Price> {
    let model = match row.get_ref(model)?.as_str()? {
        "per_unit" => Model::PerUnit { unit: columns::word::<Decimal>(row, unit_amount)? },
        other => return Err(columns::bad(model, other)),
    };
    Ok(Price { id: PriceId(row.get(id)?), currency: columns::word(row, currency)?, model })
}
