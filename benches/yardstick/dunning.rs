//! Overdue invoices, and the bare loop that writes what check-overdue writes.

use billing::domain::calendar::plus_days;
use chrono::NaiveDate;
use rusqlite::Connection;

use crate::Done;
use crate::database::{
    INVOICES_A_TENANT, ROWS_A_COMMIT, each_line, fill, insert_run, insert_tenants, noon, open,
    open_list,
};
use crate::invoices::{Invoice, STAGES, insert_sequence};
use crate::trail::{actor, insert_event};

/// How old a tenant's due invoice is, in days, and how many stages it reached before. Of twenty
/// tenants most pay after a reminder or two, few come as far as suspension.
fn due_for(tenant: i64) -> (i64, usize) {
    match tenant % 20 {
        0..=9 => (3, 0),
        10..=14 => (7, 1),
        15..=17 => (15, 2),
        _ => (30, 3),
    }
}

/// Fills a database with open invoices: of a tenant's ten one is due for a stage, one is overdue and
/// waits, the others are not due yet. They are written in the order in which they were issued,
/// ten rounds through all tenants, so that a tenant's invoices, and those that are due, lie far
/// apart in the file, as they do in a real one.
pub fn stock(db: &str, invoices: i64, as_of: NaiveDate) -> Done {
    let tenants = invoices / INVOICES_A_TENANT;
    fill(db, |conn| {
        insert_tenants(conn, tenants)?;
        let actor = actor(conn, "operator:bench")?;
        for round in 0..INVOICES_A_TENANT {
            for tenant in 1..=tenants {
                // Where a tenant's due invoice stands differs from tenant to tenant.
                let (age, reached) = match (round + tenant) % INVOICES_A_TENANT {
                    0 => due_for(tenant / INVOICES_A_TENANT),
                    1 => (1, 0),
                    later => (-later, 0),
                };
                let due_on = plus_days(as_of, -age);
                insert_issued(conn, actor, round * tenants + tenant, tenant, due_on, reached)?;
            }
        }
        insert_sequence(conn, invoices)
    })
}

/// Fills a database with one tenant whose invoices are all due for their first stage, each of
/// another day, as after an import.
pub fn owe_all(db: &str, invoices: i64, as_of: NaiveDate) -> Done {
    fill(db, |conn| {
        insert_tenants(conn, 1)?;
        let actor = actor(conn, "operator:bench")?;
        for id in 1..=invoices {
            insert_issued(conn, actor, id, 1, plus_days(as_of, id - invoices - 3), 0)?;
        }
        insert_sequence(conn, invoices)
    })
}

/// An invoice that was issued 15 days before its due date, and reached so many stages.
fn insert_issued(
    conn: &Connection,
    actor: i64,
    id: i64,
    tenant: i64,
    due_on: NaiveDate,
    reached: usize,
) -> Done {
    let issued_on = plus_days(due_on, -15);
    Invoice {
        number: format!("INV-2026-{id:06}"),
        origin: "issued",
        subtotal: 1000 + id % 9000,
        due_on,
        reached: &STAGES[..reached],
        ..Invoice::new(id, tenant, issued_on)
    }
    .insert(conn)?;
    let (at, about) = (noon(issued_on), (Some(tenant), Some(id)));
    insert_event(conn, actor, (&at, "invoice_issued"), about, (None, "{}"))
}

/// What a run of check-overdue wrote, one row a step, in its order.
pub const STEPS: &str =
    "SELECT s.invoice_id, s.tenant_id, s.stage, s.dunning_round, s.days_overdue,
    e.locale, e.recipient, e.dedup_key, e.message_id, x.data,
    CASE WHEN s.stage = 'suspension' THEN t.suspension_reason END AS reason, x.reason AS why,
    e.template, e.id
  FROM dunning_steps s JOIN emails e ON e.id = s.email_id JOIN tenants t ON t.id = s.tenant_id
  JOIN events v ON v.invoice_id = s.invoice_id AND v.kind = 'dunning_stage_recorded'
  JOIN event_texts x ON x.event_id = v.id
  WHERE s.run_id IS NOT NULL ORDER BY v.id";

/// Writes the same rows as a run of check-overdue, with nothing to find out: no reading, no
/// deciding.
pub fn check_overdue(db: &str, file: &str, as_of: &str) -> Done {
    let conn = open(db)?;
    let at = noon(as_of);
    insert_run(&conn, "check-overdue", &at)?;
    let mut email = conn.prepare(
        "INSERT INTO emails (tenant_id, template, stage, locale, recipient, facts, dedup_key,
           message_id, run_id, queued_at, next_try_at)
         VALUES (?1, ?2, ?2, ?3, ?4, '{}', ?5, ?6, 1, ?7, ?7)",
    )?;
    let mut invoice = conn.prepare(
        "UPDATE invoices SET stage = ?2, dunning_round = ?3, updated_at = ?4, changed_at = ?4
         WHERE id = ?1",
    )?;
    let mut warned = conn.prepare(
        "UPDATE invoices SET stage = ?2, dunning_round = ?3, updated_at = ?4, changed_at = ?4,
           warned_on = ?5, warning_email_id = ?6 WHERE id = ?1",
    )?;
    let mut step = conn.prepare(
        "INSERT INTO dunning_steps (invoice_id, dunning_round, stage, tenant_id, recorded_on,
           days_overdue, run_id, email_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7)",
    )?;
    let actor = actor(&conn, "task:check-overdue")?;
    let mut suspend = conn.prepare(
        "UPDATE tenants SET status = 'suspended', suspended_at = ?2, suspension_cause = 'overdue',
           suspension_reason = ?3, updated_at = ?2, changed_at = ?2 WHERE id = ?1",
    )?;
    // One e-mail tells of all steps of its tenant.
    let (mut told, mut email_id) = (String::new(), 0);
    each_line(&conn, open_list(file)?, ROWS_A_COMMIT, |record| {
        let number = |at: usize| record[at].parse::<i64>();
        let (id, tenant, stage, round) = (number(0)?, number(1)?, &record[2], number(3)?);
        if record[13] != told {
            record[13].clone_into(&mut told);
            let (template, to) = (&record[12], &record[6]);
            email.execute((tenant, template, &record[5], to, &record[7], &record[8], &at))?;
            email_id = conn.last_insert_rowid();
        }
        match stage {
            "warning" => warned.execute((id, stage, round, &at, as_of, email_id))?,
            _ => invoice.execute((id, stage, round, &at))?,
        };
        step.execute((id, round, stage, tenant, as_of, number(4)?, email_id))?;
        let about = (Some(tenant), Some(id));
        let text = (Some(&record[11]), &record[9]);
        insert_event(&conn, actor, (&at, "dunning_stage_recorded"), about, text)?;
        if stage == "suspension" {
            suspend.execute((tenant, &at, &record[10]))?;
            let cause = r#"{"cause":"overdue"}"#;
            let text = (Some(&record[10]), cause);
            insert_event(&conn, actor, (&at, "tenant_suspended"), about, text)?;
        }
        Ok(())
    })?;
    Ok(conn.execute_batch("COMMIT")?)
}
