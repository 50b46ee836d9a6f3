//! The rows that dunning reads and writes.

use chrono::NaiveDate;
use chrono_tz::Tz;
use rusqlite::Row;

use super::invoices::{is_overdue, stage, stage_word};
use super::{Db, columns};
use crate::domain::dunning::{InvoiceFacts, TenantFacts};
use crate::domain::money::{Minimums, Totals};
use crate::domain::stage::Stage;
use crate::domain::tenant::TenantStatus;
use crate::domain::{Act, EmailId, InvoiceId, Result, RunId, TenantId};

/// A stage to be recorded.
#[derive(Debug, Clone, Copy)]
pub struct NewStep {
    pub stage: Stage,
    /// The round it belongs to.
    pub round: i64,
    pub days_overdue: i64,
    pub run: Option<RunId>,
    /// The e-mail that tells of it.
    pub email: Option<EmailId>,
}

/// A stage that was recorded.
#[derive(Debug, Clone)]
pub struct Step {
    pub stage: Stage,
    pub round: i64,
    pub recorded_on: NaiveDate,
    pub days_overdue: i64,
    pub run: Option<RunId>,
    pub email: Option<EmailId>,
    pub email_status: Option<String>,
}

/// A stage that an e-mail tells of.
#[derive(Debug, Clone, Copy)]
pub struct ToldStep {
    pub stage: Stage,
    pub invoice: InvoiceId,
    pub recorded_on: NaiveDate,
}

/// Where a scan of what is due stands: the last key that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueKey {
    pub due_on: NaiveDate,
    pub tenant: TenantId,
}

macro_rules! facts_query {
    ($($rest:expr),+) => {
        concat!(
            "SELECT i.id, i.tenant_id, i.number, i.issued_on, i.due_on, i.currency, i.total_minor, i.due_minor,
                    i.stage, i.dunning_round, i.warned_on, i.set_back_on, i.promised_until,
                    i.disputed_at IS NOT NULL AS disputed,
                    (SELECT status FROM emails WHERE id = i.warning_email_id) AS warning_email,
                    (SELECT sent_at FROM emails WHERE id = i.warning_email_id) AS warning_sent_at,
                    (SELECT max(last_tried_at) FROM transactions
                     WHERE invoice_id = i.id AND kind = 'charge'
                       AND status IN ('pending', 'unknown')) AS charge_since,
                    (SELECT m.kind FROM transactions x JOIN payment_methods m
                       ON m.id = x.payment_method_id
                     WHERE x.invoice_id = i.id AND x.kind = 'charge'
                       AND x.status IN ('pending', 'unknown')) AS charge_kind,
                    i.collection = 'automatic' AS automatic,
                    coalesce((SELECT failure_code = 'amount_too_small' FROM transactions
                      WHERE invoice_id = i.id AND kind = 'charge' ORDER BY id DESC LIMIT 1), 0)
                      AS too_small
             FROM invoices i ",
            $($rest),+
        )
    };
}

impl Db<'_> {
    /// A page of tenants with invoices at `at_stage` that were due on or before `until` (and on or
    /// after `start_on`), after `after`, by due date and tenant. Reads the index of what is due
    /// and nothing else.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn due_for_dunning(
        &self,
        at_stage: Option<Stage>,
        until: NaiveDate,
        start_on: Option<NaiveDate>,
        after: Option<DueKey>,
        limit: usize,
    ) -> Result<Vec<DueKey>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT due_on, tenant_id FROM invoices INDEXED BY invoices_dunning
             WHERE stage = ?1 AND status = 'open' AND disputed_at IS NULL
               AND stage <> 'suspension' AND due_on <= ?2 AND (due_on, tenant_id) > (?3, ?4)
             GROUP BY due_on, tenant_id ORDER BY due_on, tenant_id LIMIT ?5",
        )?;
        let (from, tenant) = match (after, start_on) {
            (Some(key), _) => (key.due_on.to_string(), key.tenant.0),
            (None, Some(start_on)) => (start_on.to_string(), 0),
            (None, None) => (String::new(), 0),
        };
        let keys = statement.query_map(
            (stage_word(at_stage), until.to_string(), from, tenant, limit as i64),
            |row| {
                Ok(DueKey {
                    due_on: columns::date(row, "due_on")?,
                    tenant: TenantId(row.get("tenant_id")?),
                })
            },
        )?;
        Ok(keys.collect::<rusqlite::Result<_>>()?)
    }

    /// A tenant with its open invoices that were due before `today`, oldest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn dunning_facts(&self, tenant: TenantId, today: NaiveDate) -> Result<TenantFacts> {
        let (slug, status) = self
            .conn
            .prepare_cached("SELECT slug, status FROM tenants WHERE id = ?1")?
            .query_row([tenant.0], |row| Ok((row.get("slug")?, columns::word(row, "status")?)))?;
        let mut statement = self.conn.prepare_cached(facts_query!(
            "INDEXED BY invoices_open WHERE i.tenant_id = ?1 AND ",
            is_overdue!("i", "?2"),
            " ORDER BY i.due_on, i.id"
        ))?;
        let invoices =
            statement.query_map((tenant.0, today.to_string()), |row| facts(row, self.zone))?;
        let mut invoices = invoices.collect::<rusqlite::Result<Vec<_>>>()?;
        owed_in_all(&mut invoices);
        Ok(TenantFacts { id: tenant, slug, status, invoices })
    }

    /// The same facts of one invoice, whatever its due date.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn dunning_facts_of_invoice(&self, invoice: InvoiceId) -> Result<InvoiceFacts> {
        let mut statement = self.conn.prepare_cached(facts_query!("WHERE i.id = ?1"))?;
        Ok(statement.query_row([invoice.0], |row| facts(row, self.zone))?)
    }

    /// What the tenant of an invoice owes of its currency in all that was due before `today`; looked
    /// up only where the invoice alone is below the least amount that is chased.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn owed_beside(
        &self,
        facts: &mut InvoiceFacts,
        today: NaiveDate,
        minimums: &Minimums,
    ) -> Result<()> {
        if !minimums.is_above(facts.amount_due) {
            return Ok(());
        }
        let currency = facts.amount_due.currency();
        let mut statement = self.conn.prepare_cached(concat!(
            "SELECT coalesce(sum(o.due_minor), 0) AS owed
             FROM invoices i JOIN invoices o INDEXED BY invoices_open ON o.tenant_id = i.tenant_id
             WHERE i.id = ?1 AND o.currency = i.currency AND ",
            is_overdue!("o", "?2")
        ))?;
        facts.owed = statement.query_row((facts.id.0, today.to_string()), |row| {
            columns::money(row, "owed", currency)
        })?;
        Ok(())
    }

    /// Hands each open invoice that was due before `due_before` to `each`, oldest first, with its
    /// tenant's slug and status.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_overdue(
        &self,
        tenant: Option<TenantId>,
        due_before: NaiveDate,
        mut each: impl FnMut(&str, TenantStatus, InvoiceFacts) -> Result<()>,
    ) -> Result<()> {
        let sql = match tenant {
            Some(_) => facts_query!(
                "WHERE i.tenant_id = ?1 AND ",
                is_overdue!("i", "?2"),
                " ORDER BY i.due_on, i.id"
            ),
            None => facts_query!(
                "WHERE ?1 IS NULL AND ",
                is_overdue!("i", "?2"),
                " ORDER BY i.due_on, i.id"
            ),
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut owner =
            self.conn.prepare_cached("SELECT slug, status FROM tenants WHERE id = ?1")?;
        let mut rows = statement.query((tenant.map(|id| id.0), due_before.to_string()))?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get("tenant_id")?;
            let (slug, status): (String, TenantStatus) = owner
                .query_row([id], |row| Ok((row.get("slug")?, columns::word(row, "status")?)))?;
            each(&slug, status, facts(row, self.zone)?)?;
        }
        Ok(())
    }

    /// Records a stage of an invoice: in its row, and in the history. A warning counts as notice
    /// from today on.
    ///
    /// # Errors
    /// The stage is recorded in this round already.
    pub fn record_step(
        &self,
        act: &Act,
        facts: &InvoiceFacts,
        tenant: TenantId,
        step: NewStep,
    ) -> Result<()> {
        let today = act.today.to_string();
        let stage = step.stage.word();
        let warns = step.stage == Stage::Warning;
        let email = step.email.map(|id| id.0);
        self.conn
            .prepare_cached(
                "UPDATE invoices SET stage = ?2, dunning_round = ?3,
                   warned_on = CASE WHEN ?4 THEN ?5 ELSE warned_on END,
                   warning_email_id = CASE WHEN ?4 THEN ?6 ELSE warning_email_id END,
                   updated_at = max(updated_at, ?7), changed_at = ?7
                 WHERE id = ?1",
            )?
            .execute((facts.id.0, stage, step.round, warns, &today, email, act.at()))?;
        self.conn
            .prepare_cached(
                "INSERT INTO dunning_steps (invoice_id, dunning_round, stage, tenant_id,
                   recorded_on, days_overdue, run_id, email_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute((
                facts.id.0,
                step.round,
                stage,
                tenant.0,
                &today,
                step.days_overdue,
                step.run.map(|id| id.0),
                email,
            ))?;
        Ok(())
    }

    /// The stages that an e-mail tells of.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn steps_of_email(&self, email: EmailId) -> Result<Vec<ToldStep>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT stage, invoice_id, recorded_on FROM dunning_steps WHERE email_id = ?1",
        )?;
        let steps = statement.query_map([email.0], |row| {
            Ok(ToldStep {
                stage: columns::word(row, "stage")?,
                invoice: InvoiceId(row.get("invoice_id")?),
                recorded_on: columns::date(row, "recorded_on")?,
            })
        })?;
        Ok(steps.collect::<rusqlite::Result<_>>()?)
    }

    /// Lets another e-mail stand for the stages that `from` told of. Where it was a warning, the
    /// notice starts today: returns the numbers of those invoices.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn move_steps(&self, act: &Act, from: EmailId, to: EmailId) -> Result<Vec<String>> {
        self.conn
            .prepare_cached("UPDATE dunning_steps SET email_id = ?2 WHERE email_id = ?1")?
            .execute((from.0, to.0))?;
        let mut statement = self.conn.prepare_cached(
            "UPDATE invoices SET warning_email_id = ?2, warned_on = ?3,
               updated_at = max(updated_at, ?4), changed_at = ?4
             WHERE warning_email_id = ?1 RETURNING number",
        )?;
        let warned = statement
            .query_map((from.0, to.0, act.today.to_string(), act.at()), |row| row.get("number"))?;
        Ok(warned.collect::<rusqlite::Result<_>>()?)
    }

    /// Every stage that was recorded for an invoice, oldest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn steps_of_invoice(&self, invoice: InvoiceId) -> Result<Vec<Step>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT s.*, e.status AS email_status FROM dunning_steps s
             LEFT JOIN emails e ON e.id = s.email_id
             WHERE s.invoice_id = ?1 ORDER BY s.dunning_round, s.days_overdue",
        )?;
        let steps = statement.query_map([invoice.0], |row| {
            Ok(Step {
                stage: columns::word(row, "stage")?,
                round: row.get("dunning_round")?,
                recorded_on: columns::date(row, "recorded_on")?,
                days_overdue: row.get("days_overdue")?,
                run: row.get::<_, Option<i64>>("run_id")?.map(RunId),
                email: row.get::<_, Option<i64>>("email_id")?.map(EmailId),
                email_status: row.get("email_status")?,
            })
        })?;
        Ok(steps.collect::<rusqlite::Result<_>>()?)
    }
}

/// Adds up what a tenant owes in each currency, over all its overdue invoices.
fn owed_in_all(invoices: &mut [InvoiceFacts]) {
    let mut totals = Totals::default();
    for invoice in invoices.iter() {
        // Only the least amount is asked for: a sum that cannot be said is above it as it stands.
        totals.add(invoice.amount_due).ok();
    }
    for invoice in invoices {
        let currency = invoice.amount_due.currency();
        let owed = totals.iter().find(|total| total.currency() == currency);
        invoice.owed = owed.copied().unwrap_or(invoice.amount_due);
    }
}

/// The facts of a row that bears their columns.
pub(super) fn facts(row: &Row, zone: Tz) -> rusqlite::Result<InvoiceFacts> {
    let currency = columns::word(row, "currency")?;
    Ok(InvoiceFacts {
        id: InvoiceId(row.get("id")?),
        number: row.get("number")?,
        issued_on: columns::date(row, "issued_on")?,
        due_on: columns::date(row, "due_on")?,
        total: columns::money(row, "total_minor", currency)?,
        amount_due: columns::money(row, "due_minor", currency)?,
        owed: columns::money(row, "due_minor", currency)?,
        stage: stage(row)?,
        round: row.get("dunning_round")?,
        warned_on: match columns::date_in(row, "warning_sent_at", zone)? {
            Some(sent_on) => Some(sent_on),
            None => columns::date_or_null(row, "warned_on")?,
        },
        warning_email: columns::word_or_null(row, "warning_email")?,
        set_back_on: columns::date_or_null(row, "set_back_on")?,
        promised_until: columns::date_or_null(row, "promised_until")?,
        disputed: row.get("disputed")?,
        charge_since: columns::date_in(row, "charge_since", zone)?,
        automatic: row.get("automatic")?,
        too_small: row.get("too_small")?,
        charge_kind: columns::word_or_null(row, "charge_kind")?,
    })
}
