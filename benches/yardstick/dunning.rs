//! Overdue invoices, and the bare loop that writes what check-overdue writes.

use billing::domain::calendar::plus_days;
use chrono::NaiveDate;
use rusqlite::params;

use crate::Done;
use crate::database::{
    INVOICES_A_TENANT, ROWS_A_COMMIT, insert_tenants, locale, noon, open, settle,
};

/// What a tenant's due invoice is due for: its stage so far, its age in days, and the stages
/// recorded before with the ages at which they were.
type DueFor = (&'static str, i64, &'static [(&'static str, i64)]);

/// Of twenty tenants: most pay after a reminder or two, few come as far as suspension.
fn due_for(tenant: i64) -> DueFor {
    match tenant % 20 {
        0..=9 => ("none", 3, &[]),
        10..=14 => ("friendly", 7, &[("friendly", 3)]),
        15..=17 => ("urgent", 15, &[("friendly", 3), ("urgent", 7)]),
        _ => ("warning", 30, &[("friendly", 3), ("urgent", 7), ("warning", 15)]),
    }
}

/// Fills a database with open invoices: of a tenant's ten one is due for a stage, one is overdue and
/// waits, the others are not due yet. They are written in the order in which they were issued,
/// ten rounds through all tenants, so that a tenant's invoices, and those that are due, lie far
/// apart in the file, as they do in a real one.
pub fn stock(db: &str, invoices: i64, as_of: NaiveDate) -> Done {
    let tenants = invoices / INVOICES_A_TENANT;
    let mut conn = open(db)?;
    conn.pragma_update(None, "synchronous", "OFF")?;
    let tx = conn.transaction()?;
    insert_tenants(&tx, tenants)?;
    {
        let mut invoice = tx.prepare(
            "INSERT INTO invoices (id, number, series, sequence, origin, tenant_id, status,
               currency, subtotal_minor, total_minor, seller_id, buyer_id, issued_on, due_on,
               stage, warned_on, warning_email_id, created_at, updated_at)
             VALUES (?1, ?2, 'INV-2026-#', ?1, 'issued', ?3, 'open', 'EUR', ?4, ?4, 1, ?5, ?6, ?7,
               ?8, ?9, ?10, ?11, ?11)",
        )?;
        let mut line = tx.prepare(
            "INSERT INTO invoice_lines (invoice_id, position, description, unit_minor,
               amount_minor) VALUES (?1, 1, 'Subscription, one month', ?2, ?2)",
        )?;
        let mut step = tx.prepare(
            "INSERT INTO dunning_steps (invoice_id, dunning_round, stage, tenant_id, recorded_on,
               days_overdue, email_id) VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let mut email = tx.prepare(
            "INSERT INTO emails (tenant_id, template, stage, locale, recipient, status, attempts,
               dedup_key, message_id, queued_at, first_tried_at, sent_at)
             VALUES (?1, ?2, ?2, ?3, ?4, 'sent', 1, ?5, ?6, ?7, ?7, ?7)",
        )?;
        let mut event = tx.prepare(
            "INSERT INTO events (at, kind, tenant_id, invoice_id, actor)
             VALUES (?1, 'invoice_issued', ?2, ?3, 'operator:bench')",
        )?;
        for round in 0..INVOICES_A_TENANT {
            for tenant in 1..=tenants {
                let id = round * tenants + tenant;
                // Where a tenant's due invoice stands differs from tenant to tenant.
                let (stage, age, before) = match (round + tenant) % INVOICES_A_TENANT {
                    0 => due_for(tenant / INVOICES_A_TENANT),
                    1 => ("none", 1, &[] as &[_]),
                    later => ("none", -later, &[] as &[_]),
                };
                let due_on = plus_days(as_of, -age);
                let warned_on = (stage == "warning").then(|| plus_days(due_on, 15).to_string());
                let mut letters = Vec::new();
                for (told, days) in before {
                    let on = noon(plus_days(due_on, *days));
                    let key = format!("dunning/{id}/1/{told}");
                    let message_id = format!("{told}.{id}@bench.example");
                    let (to, locale) = (format!("pay@t{tenant}.example"), locale(tenant));
                    email.execute((tenant, told, locale, to, key, message_id, on))?;
                    letters.push(tx.last_insert_rowid());
                }
                let issued_on = plus_days(due_on, -15);
                let minor = 1000 + id % 9000;
                invoice.execute(params![
                    id,
                    format!("INV-2026-{id:06}"),
                    tenant,
                    minor,
                    1 + tenant,
                    issued_on.to_string(),
                    due_on.to_string(),
                    stage,
                    warned_on,
                    letters.last().filter(|_| stage == "warning"),
                    noon(issued_on),
                ])?;
                line.execute((id, minor))?;
                event.execute((noon(issued_on), tenant, id))?;
                for ((told, days), letter) in before.iter().zip(&letters) {
                    let on = plus_days(due_on, *days).to_string();
                    step.execute((id, told, tenant, on, days, letter))?;
                }
            }
        }
    }
    tx.execute("INSERT INTO number_sequences VALUES ('INV-2026-#', ?1, 0)", [invoices])?;
    tx.commit()?;
    settle(conn)
}

/// What a run of check-overdue wrote, one row a step, in its order.
pub const STEPS: &str =
    "SELECT s.invoice_id, s.tenant_id, s.stage, s.dunning_round, s.days_overdue,
    e.locale, e.recipient, e.dedup_key, e.message_id, v.data,
    CASE WHEN s.stage = 'suspension' THEN t.suspension_reason END AS reason, v.reason AS why
  FROM dunning_steps s JOIN emails e ON e.id = s.email_id JOIN tenants t ON t.id = s.tenant_id
  JOIN events v ON v.invoice_id = s.invoice_id AND v.kind = 'dunning_stage_recorded'
  WHERE s.run_id IS NOT NULL ORDER BY e.id";

/// Writes the same rows as a run of check-overdue, with nothing to find out: no reading, no
/// deciding.
pub fn check_overdue(db: &str, file: &str, as_of: &str) -> Done {
    let conn = open(db)?;
    let at = noon(as_of);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(file)?;
    conn.execute(
        "INSERT INTO runs (id, task, as_of, clock, status, started_at)
         VALUES (1, 'check-overdue', ?1, 'given', 'ok', ?1)",
        [&at],
    )?;
    let mut email = conn.prepare(
        "INSERT INTO emails (tenant_id, template, stage, locale, recipient, facts, dedup_key,
           message_id, run_id, queued_at, next_try_at)
         VALUES (?1, ?2, ?2, ?3, ?4, '{}', ?5, ?6, 1, ?7, ?7)",
    )?;
    let mut invoice = conn.prepare(
        "UPDATE invoices SET stage = ?2, dunning_round = ?3, updated_at = ?4 WHERE id = ?1",
    )?;
    let mut warned = conn.prepare(
        "UPDATE invoices SET stage = ?2, dunning_round = ?3, updated_at = ?4, warned_on = ?5,
           warning_email_id = ?6 WHERE id = ?1",
    )?;
    let mut step = conn.prepare(
        "INSERT INTO dunning_steps (invoice_id, dunning_round, stage, tenant_id, recorded_on,
           days_overdue, run_id, email_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7)",
    )?;
    let mut event = conn.prepare(
        "INSERT INTO events (at, kind, tenant_id, invoice_id, actor, reason, data)
         VALUES (?1, ?2, ?3, ?4, 'task:check-overdue', ?5, ?6)",
    )?;
    let mut suspend = conn.prepare(
        "UPDATE tenants SET status = 'suspended', suspended_at = ?2, suspension_cause = 'overdue',
           suspension_reason = ?3, updated_at = ?2 WHERE id = ?1",
    )?;
    let mut record = csv::StringRecord::new();
    let mut rows = 0;
    conn.execute_batch("BEGIN IMMEDIATE")?;
    while reader.read_record(&mut record)? {
        let number = |at: usize| record[at].parse::<i64>();
        let (id, tenant, stage, round) = (number(0)?, number(1)?, &record[2], number(3)?);
        email.execute((tenant, stage, &record[5], &record[6], &record[7], &record[8], &at))?;
        let letter = conn.last_insert_rowid();
        match stage {
            "warning" => warned.execute((id, stage, round, &at, as_of, letter))?,
            _ => invoice.execute((id, stage, round, &at))?,
        };
        step.execute((id, round, stage, tenant, as_of, number(4)?, letter))?;
        event.execute((&at, "dunning_stage_recorded", tenant, id, &record[11], &record[9]))?;
        if stage == "suspension" {
            suspend.execute((tenant, &at, &record[10]))?;
            let cause = r#"{"cause":"overdue"}"#;
            event.execute((&at, "tenant_suspended", tenant, id, &record[10], cause))?;
        }
        rows += 1;
        if rows % ROWS_A_COMMIT == 0 {
            conn.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        }
    }
    Ok(conn.execute_batch("COMMIT")?)
}
