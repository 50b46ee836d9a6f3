//! Most of a year of a business, for reports to look back on.

use billing::domain::calendar::plus_days;
use chrono::{Months, NaiveDate};
use rusqlite::Connection;

use crate::Done;
use crate::coupons::{POPULAR, insert_coupons, insert_usage, insert_use};
use crate::database::{INVOICES_A_TENANT, fill, insert_plans, insert_tenants, keep_pages, noon};
use crate::invoices::{Invoice, SERIES, STAGES, insert_email, insert_money};
use crate::recurring::insert_subscription;
use crate::runs::insert_runs;
use crate::trail::{actor, insert_event};

/// Days of what `trade` writes.
const TRADE_DAYS: i64 = 300;

/// A coupon that discounts a subscription for good, and no other invoice.
const LASTING: i64 = POPULAR;

/// Periods of a subscription that ended.
const PERIODS_TO_END: i64 = 3;

/// Fills a database with 300 days of a business: ten invoices a tenant, 30 days apart, spread over
/// the days; a subscription a tenant, which begins with one of them; payments, charges, coupons,
/// e-mails, events, runs.
pub fn trade(db: &str, invoices: i64, as_of: NaiveDate) -> Done {
    fill(db, |conn| {
        keep_pages(conn)?;
        let tenants = invoices / INVOICES_A_TENANT;
        insert_tenants(conn, tenants)?;
        insert_plans(conn, &noon("2025-01-01"))?;
        let from = plus_days(as_of, -TRADE_DAYS - 1);
        insert_coupons(conn, POPULAR + tenants, from, plus_days(as_of, 90))?;
        conn.execute("UPDATE coupons SET duration = 'forever' WHERE id = ?1", [LASTING])?;
        let issued_on = |id: i64| plus_days(as_of, -((invoices - id) * TRADE_DAYS / invoices));
        for tenant in 1..=tenants {
            let start = issued_on(begins(tenant) * tenants + tenant);
            insert_subscribed(conn, tenant, start, as_of)?;
            if gets_lasting(tenant) {
                conn.prepare_cached(
                    "INSERT INTO redemptions (id, coupon_id, tenant_id, subscription_id,
                       redeemed_at)
                     VALUES (?1, ?2, ?3, ?3, ?4)",
                )?
                .execute((invoices + tenant, LASTING, tenant, noon(start)))?;
            }
        }
        let actor = actor(conn, "operator:bench")?;
        for id in 1..=invoices {
            let invoice = traded(id, invoices, issued_on(id), as_of);
            insert_traded(conn, actor, &invoice, invoices, as_of)?;
        }
        insert_runs(conn, "system", TRADE_DAYS, as_of)?;
        conn.execute(
            "INSERT INTO number_sequences
             SELECT ?1, ?2, count(*) FROM invoices WHERE origin = 'imported'",
            (SERIES, invoices),
        )?;
        Ok(())
    })
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
fn insert_subscribed(conn: &Connection, id: i64, start: NaiveDate, as_of: NaiveDate) -> Done {
    let period = (start, start + Months::new(1));
    insert_subscription(conn, (id, id), "anniversary", start, period)?;
    let (grown, ended) = (plus_days(start, 60), plus_days(start, 30 * PERIODS_TO_END));
    if id % 10 == 1 && grown <= as_of {
        conn.prepare_cached(
            "UPDATE subscription_items SET quantity = quantity + 1, updated_at = ?2
             WHERE subscription_id = ?1",
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

/// An invoice: of a hundred one is void, five stay open, the others are paid 3 to 18 days after
/// their issue; of the oldest one of ten was paid before it was imported.
fn traded(id: i64, invoices: i64, on: NaiveDate, as_of: NaiveDate) -> Invoice {
    let tenants = invoices / INVOICES_A_TENANT;
    let (round, tenant) = ((id - 1) / tenants, 1 + (id - 1) % tenants);
    let nth = round - begins(tenant);
    let billed = nth >= 0 && (!ends(tenant) || nth < PERIODS_TO_END);
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
    let settled_on = plus_days(on, 3 + id % 16);
    // A tenant's invoices are so many apart that the last digits are the same.
    let (paid_on, voided_on) = match id % 983 % 100 {
        _ if settled_on > as_of => (None, None),
        1 if coupon.is_none() => (None, Some(settled_on)),
        0 | 20 | 40 | 60 | 80 => (None, None),
        _ => (Some(settled_on), None),
    };
    let due_on = plus_days(on, 15);
    let reached = match paid_on.or(voided_on) {
        Some(_) => 0,
        None => STAGES.iter().filter(|(_, days)| plus_days(due_on, *days) <= as_of).count(),
    };
    let imported = !billed && id % 100 == 10;
    Invoice {
        number: if imported { format!("OLD-{id:07}") } else { format!("INV-2026-{id:07}") },
        origin: if imported { "imported" } else { "issued" },
        subtotal,
        discount: coupon.map_or(0, |_| subtotal / 5),
        coupon,
        due_on,
        period: billed.then(|| (tenant, on, plus_days(on, 30))),
        paid_on,
        voided_on,
        reached: &STAGES[..reached],
        ..Invoice::new(id, tenant, on)
    }
}

/// Writes an invoice with what came of it: its e-mail, its events, the use of its coupon, and the
/// money.
fn insert_traded(
    conn: &Connection,
    actor: i64,
    invoice: &Invoice,
    invoices: i64,
    as_of: NaiveDate,
) -> Done {
    let &Invoice { id, tenant, issued_on: on, due_on, .. } = invoice;
    invoice.insert(conn)?;
    let key = format!("invoice/{id}");
    insert_email(conn, (tenant, Some(id)), "invoice", &key, &noon(on), id % 1000 != 5)?;
    let event = |on, kind, invoice, data| {
        insert_event(conn, actor, (&noon(on), kind), (Some(tenant), invoice), (None, data))
    };
    event(on, "invoice_issued", Some(id), "{}")?;
    // A few were suspended, and came back.
    if id % 500 == 33 && due_on <= as_of {
        let cause = r#"{"cause":"overdue"}"#;
        event(due_on, "tenant_suspended", None, cause)?;
        event(due_on, "tenant_reactivated", None, "{}")?;
        conn.prepare_cached(
            "INSERT INTO tenant_states (tenant_id, since, status_before, status, cause)
             VALUES (?1, ?2, 'active', 'suspended', 'overdue'),
               (?1, ?2, 'suspended', 'active', NULL)",
        )?
        .execute((tenant, noon(due_on)))?;
    }
    let amounts = (invoice.subtotal, invoice.discount);
    match invoice.coupon {
        Some(LASTING) => {
            insert_usage(conn, (invoices + tenant, id), LASTING, tenant, amounts, &noon(on))?;
        }
        Some(coupon) => insert_use(conn, id, coupon, tenant, amounts, on)?,
        None => {}
    }
    match invoice.paid_on {
        Some(paid_on) if invoice.origin == "issued" => {
            event(paid_on, "payment_recorded", Some(id), "{}")?;
            insert_money(conn, id, tenant, invoice.total(), paid_on)
        }
        _ => Ok(()),
    }
}
