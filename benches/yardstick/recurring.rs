//! Subscriptions that are due, and the bare loop that writes what generate-recurring-invoices
//! writes.

use billing::domain::calendar::plus_days;
use chrono::{Datelike, Months, NaiveDate};
use rusqlite::{Connection, params};

use crate::Done;
use crate::database::{
    ROWS_A_COMMIT, each_line, fill, insert_plans, insert_run, insert_tenants, noon, open, open_list,
};
use crate::invoices::{Invoice, insert_sequence, insert_transaction};
use crate::trail::{actor, insert_event};

/// Subscriptions a tenant.
const SUBSCRIPTIONS_A_TENANT: i64 = 2;

/// Fills a database with monthly subscriptions of which one period was billed, and the next began
/// on the first of the month. They too are written in rounds through all tenants: the first of a
/// tenant needs a new copy of it as the buyer, the second finds that one.
pub fn subscribe(db: &str, subscriptions: i64, as_of: NaiveDate) -> Done {
    let tenants = subscriptions / SUBSCRIPTIONS_A_TENANT;
    let next = as_of.with_day(1).ok_or("no such day")?;
    let start = next - Months::new(1);
    fill(db, |conn| {
        insert_tenants(conn, tenants)?;
        insert_plans(conn, &noon(start))?;
        for id in 1..=subscriptions {
            let tenant = 1 + (id - 1) % tenants;
            insert_subscription(conn, (id, tenant), "calendar", start, (start, next))?;
            let (period, paid_on) = (Some((id, start, next)), Some(start));
            Invoice { period, paid_on, ..Invoice::new(id, tenant, start) }.insert(conn)?;
        }
        Ok(())
    })
}

/// Fills a database with monthly subscriptions that were billed, and paid for, for so many months.
/// The invoices are written month by month, as they came.
pub fn bill(db: &str, subscriptions: i64, months: u32, as_of: NaiveDate) -> Done {
    let tenants = subscriptions / SUBSCRIPTIONS_A_TENANT;
    let next = as_of.with_day(1).ok_or("no such day")?;
    let start = next - Months::new(months);
    fill(db, |conn| {
        insert_tenants(conn, tenants)?;
        insert_plans(conn, &noon(start))?;
        for id in 1..=subscriptions {
            let tenant = 1 + (id - 1) % tenants;
            let period = (next - Months::new(1), next);
            insert_subscription(conn, (id, tenant), "calendar", start, period)?;
        }
        let mut id = 0;
        for month in 0..months {
            let (from, until) = (start + Months::new(month), start + Months::new(month + 1));
            let paid_on = plus_days(from, 3);
            for subscription in 1..=subscriptions {
                id += 1;
                let invoice = Invoice {
                    number: format!("INV-2026-{id:07}"),
                    origin: "issued",
                    period: Some((subscription, from, until)),
                    paid_on: Some(paid_on),
                    ..Invoice::new(id, 1 + (subscription - 1) % tenants, from)
                };
                invoice.insert(conn)?;
                let (how, total) = (("payment", "bank_transfer"), invoice.total());
                insert_transaction(conn, (id, invoice.tenant), how, (total, total), paid_on)?;
            }
        }
        insert_sequence(conn, id)
    })
}

/// A monthly subscription that is billed until the end of this period.
pub fn insert_subscription(
    conn: &Connection,
    (id, tenant): (i64, i64),
    anchor: &str,
    started_on: NaiveDate,
    (start, end): (NaiveDate, NaiveDate),
) -> Done {
    let (plan, quantity) = (1 + id % 3, 1 + id / 3 % 3);
    conn.prepare_cached(
        "INSERT INTO subscriptions (id, tenant_id, status, anchor, anchor_on, anchor_day, started_on,
           current_period_start, current_period_end, next_billing_on, created_at, updated_at)
         VALUES (?1, ?2, 'active', ?3, ?4, ?5, ?4, ?6, ?7, ?7, ?8, ?8)",
    )?
    .execute(params![
        id,
        tenant,
        anchor,
        started_on.to_string(),
        started_on.day(),
        start.to_string(),
        end.to_string(),
        noon(started_on),
    ])?;
    conn.prepare_cached(
        "INSERT INTO subscription_items (id, subscription_id, tenant_id, position, plan_id, price_id,
           quantity, created_at, updated_at)
         VALUES (?1, ?1, ?2, 1, ?3, ?3, ?4, ?5, ?5)",
    )?
    .execute((id, tenant, plan, quantity, noon(started_on)))?;
    conn.prepare_cached("INSERT INTO billing_starts VALUES (?1, ?2, 'created')")?
        .execute((id, started_on.to_string()))?;
    Ok(())
}

/// What a run of generate-recurring-invoices wrote, one row an invoice, in its order; the texts of
/// seller and buyer where they were new.
pub const ISSUED: &str = "SELECT i.number, i.sequence, i.tenant_id, i.subtotal_minor, i.tax_rate,
    i.tax_minor, i.total_minor, i.seller_id, i.buyer_id, i.due_on, i.subscription_id,
    i.period_start, i.period_end, l.description, l.quantity, l.unit_price, e.locale, e.recipient,
    e.dedup_key, e.message_id, x.data, s.anchor_on, s.anchor_day,
    CASE WHEN i.sequence = 1 THEN seller.document END AS new_seller,
    CASE WHEN NOT EXISTS (SELECT 1 FROM invoices o WHERE o.tenant_id = i.tenant_id
      AND o.buyer_id = i.buyer_id AND o.id < i.id) THEN buyer.document END AS new_buyer,
    l.item_id
  FROM emails e JOIN invoices i ON i.id = e.invoice_id
  JOIN invoice_lines l ON l.invoice_id = i.id JOIN subscriptions s ON s.id = i.subscription_id
  JOIN events v ON v.invoice_id = i.id AND v.kind = 'invoice_issued'
  JOIN event_texts x ON x.event_id = v.id
  JOIN parties seller ON seller.id = i.seller_id JOIN parties buyer ON buyer.id = i.buyer_id
  WHERE e.run_id IS NOT NULL ORDER BY e.id";

/// Writes the same rows as a run of generate-recurring-invoices, with nothing to find out; the
/// number sequence once a commit.
pub fn recurring(db: &str, file: &str, as_of: &str) -> Done {
    let conn = open(db)?;
    let at = noon(as_of);
    insert_run(&conn, "generate-recurring-invoices", &at)?;
    let mut party = conn.prepare("INSERT INTO parties (id, document) VALUES (?1, ?2)")?;
    let mut invoice = conn.prepare(
        "INSERT INTO invoices (number, series, sequence, origin, tenant_id, status, currency,
           subtotal_minor, tax_rate, tax_minor, total_minor, seller_id, buyer_id, issued_on, due_on,
           subscription_id, purpose, period_start, period_end, created_at, updated_at)
         VALUES (?1, 'INV-2026-#', ?2, 'issued', ?3, 'open', 'EUR', ?4, ?5, ?6, ?7, ?8, ?9, ?10,
           ?11, ?12, 'period', ?13, ?14, ?15, ?15)",
    )?;
    let mut line = conn.prepare(
        "INSERT INTO invoice_lines (invoice_id, position, item_id, description, quantity, unit_price,
           amount_minor, period_start, period_end) VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut entry = conn.prepare(
        "INSERT INTO ledger (booked_on, recorded_at, kind, tenant_id, invoice_id, currency,
           receivable_minor, revenue_minor, tax_minor)
         VALUES (?1, ?2, 'invoice', ?3, ?4, 'EUR', ?5, ?5 - ?6, ?6)",
    )?;
    let actor = actor(&conn, "task:generate-recurring-invoices")?;
    let mut email = conn.prepare(
        "INSERT INTO emails (tenant_id, invoice_id, template, locale, recipient, dedup_key,
           message_id, run_id, queued_at, next_try_at)
         VALUES (?1, ?2, 'invoice', ?3, ?4, ?5, ?6, 1, ?7, ?7)",
    )?;
    let mut subscription = conn.prepare(
        "UPDATE subscriptions SET current_period_start = ?2, current_period_end = ?3,
           next_billing_on = ?3, anchor_on = ?4, anchor_day = ?5, updated_at = ?6 WHERE id = ?1",
    )?;
    let mut sequence = conn.prepare(
        "INSERT INTO number_sequences VALUES ('INV-2026-#', ?1, 0)
         ON CONFLICT (series) DO UPDATE SET last = excluded.last",
    )?;
    let mut rows = 0;
    each_line(&conn, open_list(file)?, ROWS_A_COMMIT, |record| {
        let number = |at: usize| record[at].parse::<i64>();
        let (tenant, subtotal, id) = (number(2)?, number(3)?, number(10)?);
        let (seller, buyer, start, end) = (number(7)?, number(8)?, &record[11], &record[12]);
        for (id, document) in [(seller, &record[23]), (buyer, &record[24])] {
            if !document.is_empty() {
                party.execute((id, document))?;
            }
        }
        invoice.execute(params![
            &record[0],
            number(1)?,
            tenant,
            subtotal,
            &record[4],
            number(5)?,
            number(6)?,
            seller,
            buyer,
            as_of,
            &record[9],
            id,
            start,
            end,
            &at,
        ])?;
        let issued = conn.last_insert_rowid();
        let (item, quantity, price) = (number(25)?, &record[14], &record[15]);
        line.execute((issued, item, &record[13], quantity, price, subtotal, start, end))?;
        entry.execute((as_of, &at, tenant, issued, number(6)?, number(5)?))?;
        let about = (Some(tenant), Some(issued));
        insert_event(&conn, actor, (&at, "invoice_issued"), about, (None, &record[20]))?;
        let to = (&record[16], &record[17], &record[18], &record[19]);
        email.execute((tenant, issued, to.0, to.1, to.2, to.3, &at))?;
        subscription.execute((id, start, end, &record[21], number(22)?, &at))?;
        rows += 1;
        if rows % ROWS_A_COMMIT == 0 {
            sequence.execute([rows as i64])?;
        }
        Ok(())
    })?;
    sequence.execute([rows as i64])?;
    Ok(conn.execute_batch("COMMIT")?)
}
