//! The rows of plans.

use rusqlite::{OptionalExtension, Row};

use super::{Db, columns};
use crate::domain::plan::{Interval, NewPlan, Plan};
use crate::domain::{Act, PlanId, Refusal, Result};

impl Db<'_> {
    /// The plan with that code.
    ///
    /// # Errors
    /// None has it.
    pub fn plan(&self, code: &str) -> Result<Plan> {
        self.find_plan(code)?.ok_or_else(|| Refusal::NotFound {
            noun: "plan",
            name: code.to_owned(),
            near: None,
        })
    }

    /// The plan with that code, if there is one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn find_plan(&self, code: &str) -> Result<Option<Plan>> {
        let mut statement = self.conn.prepare_cached("SELECT * FROM plans WHERE code = ?1")?;
        Ok(statement.query_row([code], plan).optional()?)
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
        let mut statement =
            self.conn.prepare_cached("SELECT * FROM plans ORDER BY code LIMIT ?1")?;
        let mut rows = statement.query([columns::limit(limit)])?;
        while let Some(row) = rows.next()? {
            each(plan(row)?)?;
        }
        Ok(())
    }

    /// Adds a plan.
    ///
    /// # Errors
    /// The code is taken.
    pub fn insert_plan(&self, act: &Act, new: &NewPlan) -> Result<PlanId> {
        let inserted = self.insert_unless_there(
            "INSERT INTO plans (code, name, price_minor, currency, interval, interval_count,
               trial_days, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
             ON CONFLICT (code) DO NOTHING",
            (
                &new.code,
                &new.name,
                new.price.minor(),
                new.currency().code(),
                new.interval.unit.word(),
                new.interval.count,
                new.trial_days,
                act.at(),
            ),
        )?;
        inserted.map(PlanId).ok_or_else(|| Refusal::Exists { noun: "plan", name: new.code.clone() })
    }

    /// Gives a plan another name and trial. Its price and interval never change.
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

fn plan(row: &Row) -> rusqlite::Result<Plan> {
    let currency = columns::word(row, "currency")?;
    Ok(Plan {
        id: PlanId(row.get("id")?),
        code: row.get("code")?,
        name: row.get("name")?,
        price: columns::money(row, "price_minor", currency)?,
        interval: Interval {
            unit: columns::word(row, "interval")?,
            count: row.get("interval_count")?,
        },
        trial_days: row.get("trial_days")?,
        archived_at: row.get("archived_at")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
