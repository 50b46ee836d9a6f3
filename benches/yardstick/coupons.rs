//! Coupons and their uses, and the bare loop that writes what coupon generate writes.

use billing::domain::calendar::plus_days;
use chrono::NaiveDate;
use rusqlite::{Connection, params};

use crate::Done;
use crate::database::{insert_tenants, noon, open, settle};

/// Uses of coupons a tenant. In every other round of them all tenants use the same coupon.
const USES_A_TENANT: i64 = 10;

/// Coupons that every tenant used once.
pub const POPULAR: i64 = USES_A_TENANT / 2;

/// Fills a database with coupons and as many uses: some coupons that every tenant used once, and
/// single-use codes, of which every other one was used. Each use has its redemption, its paid
/// invoice and the check before it; each tenant has one open invoice, `B-1` of `t1`, more.
pub fn promote(db: &str, coupons: i64, as_of: NaiveDate) -> Done {
    let tenants = coupons / USES_A_TENANT;
    let mut conn = open(db)?;
    conn.pragma_update(None, "synchronous", "OFF")?;
    // Codes come in no order: with less, each is put on a page that was let go before.
    conn.pragma_update(None, "cache_size", -(1 << 20))?;
    let tx = conn.transaction()?;
    insert_tenants(&tx, tenants)?;
    insert_coupons(&tx, coupons, plus_days(as_of, -90), plus_days(as_of, 90))?;
    for id in 1..=coupons {
        let (round, tenant) = ((id - 1) / tenants, 1 + (id - 1) % tenants);
        let coupon = match round % 2 {
            0 => 1 + round / 2,
            _ => POPULAR + round / 2 * tenants + tenant,
        };
        let on = plus_days(as_of, round - USES_A_TENANT);
        insert_simple_invoice(&tx, id, tenant, Some(coupon), on)?;
        insert_use(&tx, id, coupon, tenant, (5000, 1000), on)?;
    }
    for tenant in 1..=tenants {
        insert_simple_invoice(&tx, coupons + tenant, tenant, None, as_of)?;
    }
    tx.commit()?;
    println!("{}", coupon_code(coupons));
    settle(conn)
}

/// Coupons of a fifth off: the popular ones for everybody, the others for one use.
pub fn insert_coupons(conn: &Connection, coupons: i64, from: NaiveDate, to: NaiveDate) -> Done {
    let (from, to) = (noon(from), noon(to));
    for id in 1..=coupons {
        let (code, max_uses) = (coupon_code(id), i64::from(id > POPULAR));
        conn.prepare_cached(
            "INSERT INTO coupons (id, code, code_folded, name, discount_type, percent, valid_from,
               valid_to, max_uses, max_uses_per_customer, created_at, updated_at)
             VALUES (?1, ?2, lower(?2), 'Bench', 'percentage', '20', ?3, ?4, ?5, ?5, ?3, ?3)",
        )?
        .execute((id, &code, &from, &to, max_uses))?;
    }
    Ok(())
}

/// The check, the redemption and the usage of a coupon on an invoice, all with the invoice's id.
pub fn insert_use(
    conn: &Connection,
    id: i64,
    coupon: i64,
    tenant: i64,
    (original, discount): (i64, i64),
    on: NaiveDate,
) -> Done {
    let at = noon(on);
    conn.prepare_cached("INSERT INTO coupon_checks VALUES (?1, ?2, ?3)")?.execute((
        coupon,
        tenant,
        on.to_string(),
    ))?;
    conn.prepare_cached(
        "INSERT INTO redemptions (id, coupon_id, tenant_id, periods_left, redeemed_at, ended_at)
         VALUES (?1, ?2, ?3, 0, ?4, ?4)",
    )?
    .execute((id, coupon, tenant, &at))?;
    insert_usage(conn, (id, id), coupon, tenant, (original, discount), &at)
}

/// What a redemption takes off an invoice.
pub fn insert_usage(
    conn: &Connection,
    (redemption, invoice): (i64, i64),
    coupon: i64,
    tenant: i64,
    (original, discount): (i64, i64),
    at: &str,
) -> Done {
    conn.prepare_cached(
        "INSERT INTO coupon_usages (redemption_id, coupon_id, tenant_id, invoice_id,
           original_minor, discount_minor, currency, used_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'EUR', ?7)",
    )?
    .execute((redemption, coupon, tenant, invoice, original, discount, at))?;
    Ok(())
}

/// The popular ones have names; the others are as random as generated ones, so that neighbours in
/// time are none in the index.
fn coupon_code(id: i64) -> String {
    if id <= POPULAR {
        return format!("WELCOME{id}");
    }
    format!("{:016X}", (id as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// An invoice over 50 EUR: paid where a coupon took a fifth off it, else open.
fn insert_simple_invoice(
    conn: &Connection,
    id: i64,
    tenant: i64,
    coupon: Option<i64>,
    on: NaiveDate,
) -> Done {
    let (number, status, discount, paid) = match coupon {
        Some(_) => (format!("A-{id}"), "paid", 1000, 4000),
        None => (format!("B-{tenant}"), "open", 0, 0),
    };
    let paid_on = coupon.map(|_| on.to_string());
    conn.prepare_cached(
        "INSERT INTO invoices (id, number, origin, tenant_id, status, currency, subtotal_minor,
           discount_minor, total_minor, paid_minor, paid_elsewhere_minor, coupon_id, seller_id,
           buyer_id, issued_on, due_on, paid_on, created_at, updated_at)
         VALUES (?1, ?10, 'imported', ?2, ?3, 'EUR', 5000, ?4, 5000 - ?4, ?5, ?5, ?6, 1, 1 + ?2,
           ?7, ?7, ?8, ?9, ?9)",
    )?
    .execute(params![
        id,
        tenant,
        status,
        discount,
        paid,
        coupon,
        on.to_string(),
        paid_on,
        noon(on),
        number,
    ])?;
    conn.prepare_cached(
        "INSERT INTO invoice_lines (invoice_id, position, description, amount_minor, discount_minor)
         VALUES (?1, 1, 'Subscription, one month', 5000, ?2)",
    )?
    .execute((id, discount))?;
    Ok(())
}

/// What coupon generate wrote, one row a coupon, in its order, and its event.
pub const GENERATED: &str =
    "SELECT c.code, c.code_folded, c.name, c.percent, c.valid_from, c.valid_to,
    v.actor, CASE WHEN c.id = 1 THEN v.data END AS event, v.reason
  FROM coupons c JOIN events v ON v.kind = 'coupons_generated' ORDER BY c.id";

/// Writes the same rows as a run of coupon generate, with no code to make and none to print; all in
/// one transaction, as the tool does.
pub fn generate(db: &str, file: &str, as_of: &str) -> Done {
    let conn = open(db)?;
    let at = noon(as_of);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(file)?;
    let mut coupon = conn.prepare(
        "INSERT INTO coupons (code, code_folded, name, discount_type, percent, valid_from, valid_to,
           max_uses, created_at, updated_at)
         VALUES (?1, ?2, ?3, 'percentage', ?4, ?5, ?6, 1, ?7, ?7)",
    )?;
    let mut event = conn.prepare(
        "INSERT INTO events (at, kind, actor, data, reason)
         VALUES (?1, 'coupons_generated', ?2, ?3, ?4)",
    )?;
    let mut record = csv::StringRecord::new();
    conn.execute_batch("BEGIN IMMEDIATE")?;
    while reader.read_record(&mut record)? {
        let (name, percent) = (&record[2], &record[3]);
        let (from, to) = (&record[4], &record[5]);
        coupon.execute((&record[0], &record[1], name, percent, from, to, &at))?;
        if !record[7].is_empty() {
            event.execute((&at, &record[6], &record[7], &record[8]))?;
        }
    }
    Ok(conn.execute_batch("COMMIT")?)
}
