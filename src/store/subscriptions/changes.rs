//! What is written of subscriptions: new ones, and every change of one.

use chrono::NaiveDate;
use rusqlite::{Statement, ToSql};

use crate::domain::period::{Anchor, Cycle, Period};
use crate::domain::subscription::{Collection, Pause, SubscriptionStatus, Terms, Unbilled};
use crate::domain::tenant::SuspensionCause;
use crate::domain::{Act, Result, SubscriptionId, TenantId};
use crate::store::Db;
use crate::store::subscriptions::NewItem;

/// A subscription to be written.
#[derive(Debug, Clone)]
pub struct NewSubscription<'a> {
    pub tenant: TenantId,
    /// What it is made of: at least one.
    pub items: &'a [NewItem],
    pub status: SubscriptionStatus,
    pub anchor: Anchor,
    pub cycle: Cycle,
    pub started_on: NaiveDate,
    pub period: Option<Period>,
    pub next_billing_on: Option<NaiveDate>,
    pub trial_ends_on: Option<NaiveDate>,
    pub collection: Collection,
    /// The first day after the end of one that is written as canceled.
    pub ends_on: Option<NaiveDate>,
    /// Why one that is written as suspended is.
    pub suspension: Option<SuspensionCause>,
    pub billed_elsewhere_until: Option<NaiveDate>,
    pub imported: Option<&'a str>,
}

/// Where the periods of a subscription begin anew, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    Created,
    TrialEnded,
    Returned,
    Imported,
    /// A change gave the rest of the period back.
    Changed,
}

/// What a run moves on of a subscription that it billed.
#[derive(Debug, Clone, Copy)]
pub struct Billed<'a> {
    /// The last period that was billed.
    pub period: Period,
    pub next_on: NaiveDate,
    pub cycle: Cycle,
    /// The terms that came into force with it, where they changed: those that were pending.
    pub terms: Option<&'a Terms>,
}

/// The columns that a subscription is written with, and their values in that order.
macro_rules! columns {
    () => {
        "(tenant_id, status, anchor, anchor_on, anchor_day, started_on, current_period_start,
          current_period_end, next_billing_on, trial_ends_on, collection, ends_on, canceled_at,
          suspended_at, suspended_on, suspension_cause, suspended_from, billed_elsewhere_until,
          imported, updated_at, created_at)"
    };
}
macro_rules! values {
    () => {
        "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
          ?20, ?20)"
    };
}

fn bind(statement: &mut Statement, act: &Act, new: &NewSubscription) -> rusqlite::Result<()> {
    let date = |date: Option<NaiveDate>| date.map(|date| date.to_string());
    let at = act.at();
    let paused = new.suspension.map(|_| at.as_str());
    let canceled = (new.status == SubscriptionStatus::Canceled).then_some(at.as_str());
    let values: [&dyn ToSql; 20] = [
        &new.tenant.0,
        &new.status.word(),
        &new.anchor.word(),
        &new.cycle.anchor_on.to_string(),
        &new.cycle.anchor_day,
        &new.started_on.to_string(),
        &date(new.period.map(|period| period.start)),
        &date(new.period.map(|period| period.end)),
        &date(new.next_billing_on),
        &date(new.trial_ends_on),
        &new.collection.word(),
        &date(new.ends_on),
        &canceled,
        &paused,
        &paused.map(|_| act.today.to_string()),
        &new.suspension.map(SuspensionCause::word),
        &paused.map(|_| "active"),
        &date(new.billed_elsewhere_until),
        &new.imported,
        &at,
    ];
    for (at, value) in values.into_iter().enumerate() {
        statement.raw_bind_parameter(at + 1, value)?;
    }
    Ok(())
}

impl Db<'_> {
    /// Writes a subscription with its items.
    ///
    /// # Errors
    /// A rule of the schema says no.
    pub fn insert_subscription(&self, act: &Act, new: &NewSubscription) -> Result<SubscriptionId> {
        let insert = concat!("INSERT INTO subscriptions ", columns!(), " VALUES ", values!());
        let mut statement = self.conn.prepare_cached(insert)?;
        bind(&mut statement, act, new)?;
        statement.raw_execute()?;
        let id = SubscriptionId(self.conn.last_insert_rowid());
        self.insert_items(act, id, new.items)?;
        Ok(id)
    }

    /// Writes an imported subscription, of which nothing was billed here, over again.
    ///
    /// # Errors
    /// A rule of the schema says no.
    pub fn correct_imported_subscription(
        &self,
        act: &Act,
        id: SubscriptionId,
        new: &NewSubscription,
    ) -> Result<()> {
        self.conn
            .prepare_cached("DELETE FROM billing_starts WHERE subscription_id = ?1")?
            .execute([id.0])?;
        let update = concat!(
            "UPDATE subscriptions SET ",
            columns!(),
            " = ",
            values!(),
            ", cancel_at_period_end = 0, trial_reminded_at = NULL, unbilled_from = NULL,
               unbilled_until = NULL
             WHERE id = ?21 AND imported IS NOT NULL"
        );
        let mut statement = self.conn.prepare_cached(update)?;
        bind(&mut statement, act, new)?;
        statement.raw_bind_parameter(21, id.0)?;
        statement.raw_execute()?;
        self.correct_items(act, id, new.items)
    }

    /// Notes that the periods of a subscription begin anew on that day.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn begin_billing(
        &self,
        id: SubscriptionId,
        starts_on: NaiveDate,
        begins: Begins,
    ) -> Result<()> {
        let why = match begins {
            Begins::Created => "created",
            Begins::TrialEnded => "trial_ended",
            Begins::Returned => "returned",
            Begins::Imported => "imported",
            Begins::Changed => "changed",
        };
        self.conn
            .prepare_cached(
                "INSERT INTO billing_starts (subscription_id, starts_on, why) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO NOTHING",
            )?
            .execute((id.0, starts_on.to_string(), why))?;
        Ok(())
    }

    /// Leaves what had begun of a subscription that has ended to the next run.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn leave_unbilled(&self, id: SubscriptionId, unbilled: Unbilled) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE subscriptions SET unbilled_from = ?2, unbilled_until = ?3 WHERE id = ?1",
            )?
            .execute((id.0, unbilled.from.to_string(), unbilled.until.to_string()))?;
        Ok(())
    }

    /// Moves a subscription on behind the periods that were billed. Nothing follows of one that has
    /// ended.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn move_on(&self, act: &Act, id: SubscriptionId, billed: &Billed) -> Result<()> {
        if let Some(terms) = billed.terms {
            self.set_terms(act, id, terms, None)?;
        }
        self.conn
            .prepare_cached(
                "UPDATE subscriptions SET current_period_start = ?2, current_period_end = ?3,
                   next_billing_on = CASE WHEN status <> 'canceled' THEN ?4 END,
                   unbilled_from = NULL, unbilled_until = NULL,
                   anchor_on = ?5, anchor_day = ?6, updated_at = ?7
                 WHERE id = ?1",
            )?
            .execute((
                id.0,
                billed.period.start.to_string(),
                billed.period.end.to_string(),
                billed.next_on.to_string(),
                billed.cycle.anchor_on.to_string(),
                billed.cycle.anchor_day,
                act.at(),
            ))?;
        Ok(())
    }

    /// Lets a subscription run to its end on that day, or (`None`) go on.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn set_ends_on(
        &self,
        act: &Act,
        id: SubscriptionId,
        ends_on: Option<NaiveDate>,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE subscriptions SET cancel_at_period_end = ?2 IS NOT NULL, ends_on = ?2,
                   updated_at = ?3
                 WHERE id = ?1",
            )?
            .execute((id.0, ends_on.map(|date| date.to_string()), act.at()))?;
        Ok(())
    }

    /// Ends a subscription; `ends_on` is the first day after it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn end_subscription(
        &self,
        act: &Act,
        id: SubscriptionId,
        ends_on: NaiveDate,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE subscriptions SET status = 'canceled', canceled_at = ?3, ends_on = ?2,
                   next_billing_on = NULL, suspended_at = NULL, suspended_on = NULL,
                   suspension_cause = NULL, suspended_from = NULL, pause_from = NULL,
                   pause_until = NULL, pause_reason = NULL, updated_at = ?3
                 WHERE id = ?1",
            )?
            .execute((id.0, ends_on.to_string(), act.at()))?;
        Ok(())
    }

    /// Plans a pause of a subscription, or (`None`) takes it back.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn set_pause(&self, act: &Act, id: SubscriptionId, pause: Option<&Pause>) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE subscriptions SET pause_from = ?2, pause_until = ?3, pause_reason = ?4,
                   updated_at = ?5
                 WHERE id = ?1",
            )?
            .execute((
                id.0,
                pause.map(|pause| pause.from.to_string()),
                pause.and_then(|pause| pause.until).map(|until| until.to_string()),
                pause.and_then(|pause| pause.reason.as_deref()),
                act.at(),
            ))?;
        Ok(())
    }

    /// Begins the pause of an active subscription that is planned.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn begin_pause(&self, act: &Act, id: SubscriptionId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE subscriptions SET status = 'paused', updated_at = ?2
                 WHERE id = ?1 AND status = 'active' AND pause_from IS NOT NULL",
            )?
            .execute((id.0, act.at()))?;
        Ok(())
    }

    /// Ends a pause: the next period that is to be billed starts on `next_on`, and where a cycle is given
    /// it is counted from there on.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn end_pause(
        &self,
        act: &Act,
        id: SubscriptionId,
        next_on: NaiveDate,
        cycle: Option<Cycle>,
    ) -> Result<()> {
        self.activate_subscription(act, id, next_on, cycle)?;
        self.set_pause(act, id, None)
    }

    /// Suspends a subscription whose pause ended while its tenant was suspended.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn pause_becomes_suspension(
        &self,
        act: &Act,
        id: SubscriptionId,
        cause: SuspensionCause,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE subscriptions SET suspended_from = 'active', status = 'suspended',
                   suspended_at = ?2, suspended_on = ?3, suspension_cause = ?4, pause_from = NULL,
                   pause_until = NULL, pause_reason = NULL, updated_at = ?2,
                   -- No period began while it was paused that its return could owe.
                   next_billing_on = CASE WHEN started_on > ?3 THEN next_billing_on END
                 WHERE id = ?1 AND status = 'paused'",
            )?
            .execute((id.0, act.at(), act.today.to_string(), cause.word()))?;
        Ok(())
    }

    /// Suspends a subscription.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn suspend_subscription(
        &self,
        act: &Act,
        id: SubscriptionId,
        cause: SuspensionCause,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE subscriptions SET suspended_from = status, status = 'suspended',
                   suspended_at = ?2, suspended_on = ?3, suspension_cause = ?4, updated_at = ?2
                 WHERE id = ?1 AND status IN ('active', 'trialing')",
            )?
            .execute((id.0, act.at(), act.today.to_string(), cause.word()))?;
        Ok(())
    }

    /// Puts a suspended subscription back on its trial.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn back_to_trial(&self, act: &Act, id: SubscriptionId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE subscriptions SET status = 'trialing', next_billing_on = NULL,
                   suspended_at = NULL, suspended_on = NULL, suspension_cause = NULL,
                   suspended_from = NULL, updated_at = ?2
                 WHERE id = ?1",
            )?
            .execute((id.0, act.at()))?;
        Ok(())
    }

    /// Makes a subscription active; its next period starts on `next_on`, and where a cycle is
    /// given it is counted from there on.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn activate_subscription(
        &self,
        act: &Act,
        id: SubscriptionId,
        next_on: NaiveDate,
        cycle: Option<Cycle>,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE subscriptions SET status = 'active', next_billing_on = ?2,
                   anchor_on = coalesce(?3, anchor_on), anchor_day = coalesce(?4, anchor_day),
                   suspended_at = NULL, suspended_on = NULL, suspension_cause = NULL,
                   suspended_from = NULL, updated_at = ?5
                 WHERE id = ?1",
            )?
            .execute((
                id.0,
                next_on.to_string(),
                cycle.map(|cycle| cycle.anchor_on.to_string()),
                cycle.map(|cycle| cycle.anchor_day),
                act.at(),
            ))?;
        Ok(())
    }

    /// Sets how the invoices of a subscription are collected.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn set_collection(
        &self,
        act: &Act,
        id: SubscriptionId,
        collection: Collection,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE subscriptions SET collection = ?2, updated_at = ?3 WHERE id = ?1",
            )?
            .execute((id.0, collection.word(), act.at()))?;
        Ok(())
    }

    /// Moves the end of a trial, with the free days that it has then and what its paid periods are counted
    /// from. Its end may be announced again.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn move_trial(
        &self,
        act: &Act,
        id: SubscriptionId,
        last_free_day: NaiveDate,
        free: Option<Period>,
        cycle: Cycle,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE subscriptions SET trial_ends_on = ?2, trial_reminded_at = NULL,
                   current_period_start = ?3, current_period_end = ?4, anchor_on = ?5,
                   anchor_day = ?6, updated_at = ?7
                 WHERE id = ?1",
            )?
            .execute((
                id.0,
                last_free_day.to_string(),
                free.map(|period| period.start.to_string()),
                free.map(|period| period.end.to_string()),
                cycle.anchor_on.to_string(),
                cycle.anchor_day,
                act.at(),
            ))?;
        Ok(())
    }

    /// Notes that the end of a trial was announced.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn note_trial_reminder(&self, act: &Act, id: SubscriptionId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE subscriptions SET trial_reminded_at = ?2, updated_at = ?2 WHERE id = ?1",
            )?
            .execute((id.0, act.at()))?;
        Ok(())
    }
}
