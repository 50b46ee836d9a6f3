//! Most of a year of a business, for reports to look back on.

use billing::domain::calendar::plus_days;
use chrono::{Datelike, Months, NaiveDate};
use rusqlite::{Connection, params};

use crate::Done;
use crate::coupons::{POPULAR, insert_coupons, insert_usage, insert_use};
use crate::database::{
    INVOICES_A_TENANT, insert_plans, insert_tenants, locale, noon, open, settle,
};

/// Days of what `trade` writes.
const TRADE_DAYS: i64 = 300;

/// A coupon that discounts a subscription for good, and no other invoice.
const LASTING: i64 = POPULAR;

/// Periods of a subscription that ended.
const PERIODS_TO_END: i64 = 3;

/// Fills a database with 300 days of a business: ten invoices a tenant, 30 days apart, spread over
/// the days; a subscription a tenant, which begins with one of them; payments, charges, coupons,
/// letters, events, runs.
pub fn trade(db: &str, invoices: i64, as_of: NaiveDate) -> Done {
    let tenants = invoices / INVOICES_A_TENANT;
    let issued_on = |id: i64| plus_days(as_of, -((invoices - id) * TRADE_DAYS / invoices));
    let mut conn = open(db)?;
    conn.pragma_update(None, "synchronous", "OFF")?;
    conn.pragma_update(None, "cache_size", -(1 << 20))?;
    let tx = conn.transaction()?;
    insert_tenants(&tx, tenants)?;
    insert_plans(&tx, &noon("2025-01-01"))?;
    let from = plus_days(as_of, -TRADE_DAYS - 1);
    insert_coupons(&tx, POPULAR + tenants, from, plus_days(as_of, 90))?;
    tx.execute("UPDATE coupons SET duration = 'forever' WHERE id = ?1", [LASTING])?;
    for tenant in 1..=tenants {
        let start = issued_on(begins(tenant) * tenants + tenant);
        insert_subscription(&tx, tenant, start, as_of)?;
        if gets_lasting(tenant) {
            tx.prepare_cached(
                "INSERT INTO redemptions (id, coupon_id, tenant_id, subscription_id, redeemed_at)
                 VALUES (?1, ?2, ?3, ?3, ?4)",
            )?
            .execute((invoices + tenant, LASTING, tenant, noon(start)))?;
        }
    }
    for id in 1..=invoices {
        let (round, tenant) = ((id - 1) / tenants, 1 + (id - 1) % tenants);
        let nth = round - begins(tenant);
        let billed = nth >= 0 && (!ends(tenant) || nth < PERIODS_TO_END);
        let on = issued_on(id);
        let coupon = if billed && gets_lasting(tenant) {
            Some(LASTING)
        } else if (round + tenant) % INVOICES_A_TENANT == 3 {
            // Once a tenant.
            Some(match tenant / INVOICES_A_TENANT % POPULAR {
                0 => POPULAR + tenant,
                popular => popular,
            })
        } else {
            None
        };
        let subtotal = 1000 + id % 9000;
        let discount = coupon.map_or(0, |_| subtotal / 5);
        insert_traded(&tx, id, tenant, billed, coupon, (subtotal, discount), on, as_of)?;
        match coupon {
            Some(LASTING) => {
                let ids = (invoices + tenant, id);
                insert_usage(&tx, ids, LASTING, tenant, (subtotal, discount), &noon(on))?;
            }
            Some(coupon) => insert_use(&tx, id, coupon, tenant, (subtotal, discount), on)?,
            None => {}
        }
    }
    insert_runs(&tx, as_of)?;
    tx.execute(
        "INSERT INTO number_sequences
         SELECT 'INV-2026-#', ?1, count(*) FROM invoices WHERE origin = 'imported'",
        [invoices],
    )?;
    tx.commit()?;
    settle(conn)
}

/// The round in which a tenant's subscription begins.
fn begins(tenant: i64) -> i64 {
    tenant / 3 % INVOICES_A_TENANT
}

fn gets_lasting(tenant: i64) -> bool {
    tenant % 20 == 7
}

fn ends(tenant: i64) -> bool {
    tenant % 20 == 2
}

/// A subscription with its tenant's id. One of ten has another quantity after 60 days, one of
/// twenty ends after 90.
fn insert_subscription(conn: &Connection, id: i64, start: NaiveDate, as_of: NaiveDate) -> Done {
    let (plan, quantity) = (1 + id % 3, 1 + id / 3 % 3);
    conn.prepare_cached(
        "INSERT INTO subscriptions (id, tenant_id, plan_id, status, quantity, anchor, anchor_on,
           anchor_day, started_on, current_period_start, current_period_end, next_billing_on,
           created_at, updated_at)
         VALUES (?1, ?1, ?2, 'active', ?3, 'anniversary', ?4, ?5, ?4, ?4, ?6, ?6, ?7, ?7)",
    )?
    .execute(params![
        id,
        plan,
        quantity,
        start.to_string(),
        start.day(),
        (start + Months::new(1)).to_string(),
        noon(start),
    ])?;
    conn.prepare_cached("INSERT INTO billing_starts VALUES (?1, ?2, 'created')")?
        .execute((id, start.to_string()))?;
    let (grown, ended) = (plus_days(start, 60), plus_days(start, 30 * PERIODS_TO_END));
    if id % 10 == 1 && grown <= as_of {
        conn.prepare_cached(
            "UPDATE subscriptions SET quantity = quantity + 1, updated_at = ?2 WHERE id = ?1",
        )?
        .execute((id, noon(grown)))?;
    }
    if ends(id) && ended <= as_of {
        conn.prepare_cached(
            "UPDATE subscriptions SET status = 'canceled', ends_on = ?2, canceled_at = ?3,
               next_billing_on = NULL, updated_at = ?3 WHERE id = ?1",
        )?
        .execute((id, ended.to_string(), noon(ended)))?;
    }
    Ok(())
}

/// An invoice with what came of it: of a hundred one is void, five stay open, the others are paid 3
/// to 18 days after their issue; of the oldest one of ten was paid before it was imported. A letter
/// each, and one a stage of what is overdue.
#[expect(clippy::too_many_arguments, reason = "an invoice has many parts")]
fn insert_traded(
    conn: &Connection,
    id: i64,
    tenant: i64,
    billed: bool,
    coupon: Option<i64>,
    (subtotal, discount): (i64, i64),
    on: NaiveDate,
    as_of: NaiveDate,
) -> Done {
    let (total, due_on) = (subtotal - discount, plus_days(on, 15));
    let settled_on = plus_days(on, 3 + id % 16);
    let age = (as_of - due_on).num_days();
    let imported = !billed && id % 100 == 10;
    // A tenant's invoices are so many apart that the last digits are the same.
    let status = match id % 983 % 100 {
        _ if settled_on > as_of => "open",
        1 if coupon.is_none() => "void",
        0 | 20 | 40 | 60 | 80 => "open",
        _ => "paid",
    };
    let settled = (status != "open").then(|| noon(settled_on));
    let paid = if status == "paid" { total } else { 0 };
    let reached: &[(&str, i64)] = &[("friendly", 3), ("urgent", 7), ("warning", 15)];
    let reached: Vec<_> = reached.iter().filter(|(_, d)| status == "open" && age >= *d).collect();
    let mut letters = Vec::new();
    for (stage, days) in &reached {
        let at = noon(plus_days(due_on, *days));
        insert_letter(conn, (tenant, None), stage, &format!("dunning/{id}/1/{stage}"), &at, true)?;
        letters.push(conn.last_insert_rowid());
    }
    let stage = reached.last().map_or("none", |(stage, _)| *stage);
    let warned = stage == "warning";
    conn.prepare_cached(
        "INSERT INTO invoices (id, number, series, sequence, origin, tenant_id, subscription_id,
           status, currency, subtotal_minor, discount_minor, total_minor, paid_minor,
           paid_elsewhere_minor, coupon_id, seller_id, buyer_id, issued_on, due_on, paid_on,
           period_start, period_end, closed_at, stage, warned_on, warning_email_id, created_at,
           updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'EUR', ?9, ?10, ?9 - ?10, ?11, ?12, ?13, 1, 1 + ?6,
           ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, coalesce(?24, ?23))",
    )?
    .execute(params![
        id,
        if imported { format!("OLD-{id:07}") } else { format!("INV-2026-{id:07}") },
        (!imported).then_some("INV-2026-#"),
        (!imported).then_some(id),
        if imported { "imported" } else { "issued" },
        tenant,
        billed.then_some(tenant),
        status,
        subtotal,
        discount,
        paid,
        if imported { paid } else { 0 },
        coupon,
        on.to_string(),
        due_on.to_string(),
        (status == "paid").then(|| settled_on.to_string()),
        billed.then(|| on.to_string()),
        billed.then(|| plus_days(on, 30).to_string()),
        settled.as_ref().filter(|_| status == "void"),
        stage,
        warned.then(|| plus_days(due_on, 15).to_string()),
        letters.last().filter(|_| warned),
        noon(on),
        settled,
    ])?;
    conn.prepare_cached(
        "INSERT INTO invoice_lines (invoice_id, position, description, amount_minor, discount_minor)
         VALUES (?1, 1, 'Subscription, one month', ?2, ?3)",
    )?
    .execute((id, subtotal, discount))?;
    for ((stage, days), letter) in reached.iter().zip(&letters) {
        conn.prepare_cached(
            "INSERT INTO dunning_steps (invoice_id, dunning_round, stage, tenant_id, recorded_on,
               days_overdue, email_id) VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            id,
            stage,
            tenant,
            plus_days(due_on, *days).to_string(),
            days,
            letter,
        ))?;
    }
    insert_letter(
        conn,
        (tenant, Some(id)),
        "invoice",
        &format!("invoice/{id}"),
        &noon(on),
        id % 1000 != 5,
    )?;
    let mut event = conn.prepare_cached(
        "INSERT INTO events (at, kind, tenant_id, invoice_id, actor, data)
         VALUES (?1, ?2, ?3, ?4, 'operator:bench', ?5)",
    )?;
    event.execute((noon(on), "invoice_issued", tenant, id, "{}"))?;
    // A few were suspended, and came back.
    if id % 500 == 33 && due_on <= as_of {
        let (at, cause) = (noon(due_on), r#"{"cause":"overdue"}"#);
        event.execute((&at, "tenant_suspended", tenant, None::<i64>, cause))?;
        event.execute((&at, "tenant_reactivated", tenant, None::<i64>, "{}"))?;
    }
    if paid == 0 || imported {
        return Ok(());
    }
    event.execute((noon(settled_on), "payment_recorded", tenant, id, "{}"))?;
    insert_money(conn, id, tenant, total, settled_on)
}

/// What was paid: three of ten by card, and one of twenty-five after a card was declined; of a
/// thousand payments one is more than the invoice.
fn insert_money(conn: &Connection, id: i64, tenant: i64, total: i64, on: NaiveDate) -> Done {
    let mut money = conn.prepare_cached(
        "INSERT INTO transactions (invoice_id, tenant_id, kind, status, currency, amount_minor,
           applied_minor, paid_on, method, failure_code, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, 'EUR', ?5, ?6, ?7, ?8, ?9, ?10, ?10)",
    )?;
    let at = noon(on);
    if id % 25 == 2 {
        let code = Some(["insufficient_funds", "card_expired"][id as usize / 25 % 2]);
        let tried = noon(plus_days(on, -2));
        let none = None::<String>;
        money.execute((id, tenant, "charge", "failed", total, 0, none, "card", code, tried))?;
    }
    let (kind, method) = match id % 10 {
        2..=4 => ("charge", "card"),
        5..=7 => ("payment", "mobile_money"),
        _ => ("payment", "bank_transfer"),
    };
    let amount = total + if id % 1000 == 8 { 500 } else { 0 };
    let (day, code) = (Some(on.to_string()), None::<&str>);
    money.execute((id, tenant, kind, "succeeded", amount, total, day, method, code, at))?;
    Ok(())
}

fn insert_letter(
    conn: &Connection,
    (tenant, invoice): (i64, Option<i64>),
    template: &str,
    key: &str,
    at: &str,
    sent: bool,
) -> Done {
    conn.prepare_cached(
        "INSERT INTO emails (tenant_id, invoice_id, template, locale, recipient, status, attempts,
           dedup_key, message_id, queued_at, first_tried_at, sent_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?7 || '@bench.example', ?8, ?8, ?9)",
    )?
    .execute(params![
        tenant,
        invoice,
        template,
        locale(tenant),
        format!("pay@t{tenant}.example"),
        if sent { "sent" } else { "failed" },
        key,
        at,
        sent.then_some(at),
    ])?;
    Ok(())
}

/// The runs of those days: four tasks a day, and letters every ten minutes.
fn insert_runs(conn: &Connection, as_of: NaiveDate) -> Done {
    let mut run = conn.prepare(
        "INSERT INTO runs (task, as_of, clock, status, started_at, finished_at, result)
         VALUES (?1, ?2, 'system', ?3, ?2, ?2, '{\"duration_ms\":12}')",
    )?;
    let mut nth = 0;
    let mut record = |task: &str, at: String| {
        nth += 1;
        run.execute((task, at, if nth % 1000 == 0 { "failed" } else { "ok" }))
    };
    for day in (0..TRADE_DAYS).rev().map(|days| plus_days(as_of, -days)) {
        for (hour, task) in [
            (1, "generate-recurring-invoices"),
            (2, "retry-failed-payments"),
            (3, "cleanup-expired-trials"),
            (9, "check-overdue"),
        ] {
            record(task, format!("{day}T{hour:02}:00:00Z"))?;
        }
        for tens in 0..144 {
            record("deliver-emails", format!("{day}T{:02}:{}0:00Z", tens / 6, tens % 6))?;
        }
    }
    Ok(())
}
