//! Coupons and their uses, and the bare loop that writes what coupon generate writes.

use billing::domain::calendar::plus_days;
use chrono::NaiveDate;
use rusqlite::Connection;

use crate::Done;
use crate::database::{each_line, fill, insert_tenants, keep_pages, noon, open, open_list};
use crate::invoices::Invoice;
use crate::trail::{actor, insert_event};

/// Uses of coupons a tenant. In every other round of them all tenants use the same coupon.
const USES_A_TENANT: i64 = 10;

/// Coupons that every tenant used once.
pub const POPULAR: i64 = USES_A_TENANT / 2;

/// Fills a database with coupons and as many uses: some coupons that every tenant used once, and
/// single-use codes, of which every other one was used. Each use has its redemption, its paid
/// invoice and the check before it; each tenant has one open invoice, `B-1` of `t1`, more.
pub fn promote(db: &str, coupons: i64, as_of: NaiveDate) -> Done {
    let tenants = coupons / USES_A_TENANT;
    fill(db, |conn| {
        // Codes come in no order.
        keep_pages(conn)?;
        insert_tenants(conn, tenants)?;
        insert_coupons(conn, coupons, plus_days(as_of, -90), plus_days(as_of, 90))?;
        for id in 1..=coupons {
            let (round, tenant) = ((id - 1) / tenants, 1 + (id - 1) % tenants);
            let coupon = match round % 2 {
                0 => 1 + round / 2,
                _ => POPULAR + round / 2 * tenants + tenant,
            };
            let on = plus_days(as_of, round - USES_A_TENANT);
            let invoice = Invoice { subtotal: 5000, ..Invoice::new(id, tenant, on) };
            let (coupon_id, paid_on) = (Some(coupon), Some(on));
            Invoice { discount: 1000, coupon: coupon_id, paid_on, ..invoice }.insert(conn)?;
            insert_use(conn, id, coupon, tenant, (5000, 1000), on)?;
        }
        for tenant in 1..=tenants {
            let number = format!("B-{tenant}");
            let invoice = Invoice::new(coupons + tenant, tenant, as_of);
            Invoice { number, subtotal: 5000, ..invoice }.insert(conn)?;
        }
        Ok(())
    })?;
    println!("{}", coupon_code(coupons));
    Ok(())
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

/// What coupon generate wrote, one row a coupon, in its order, and its event.
pub const GENERATED: &str =
    "SELECT c.code, c.code_folded, c.name, c.percent, c.valid_from, c.valid_to,
    a.name AS actor, CASE WHEN c.id = 1 THEN x.data END AS event, x.reason
  FROM coupons c JOIN events v ON v.kind = 'coupons_generated'
  JOIN actors a ON a.id = v.actor_id JOIN event_texts x ON x.event_id = v.id ORDER BY c.id";

/// Writes the same rows as a run of coupon generate, with no code to make and none to print; all in
/// one transaction, as the tool does.
pub fn generate(db: &str, file: &str, as_of: &str) -> Done {
    let conn = open(db)?;
    let at = noon(as_of);
    let mut coupon = conn.prepare(
        "INSERT INTO coupons (code, code_folded, name, discount_type, percent, valid_from, valid_to,
           max_uses, created_at, updated_at)
         VALUES (?1, ?2, ?3, 'percentage', ?4, ?5, ?6, 1, ?7, ?7)",
    )?;
    each_line(&conn, open_list(file)?, usize::MAX, |record| {
        let (name, percent) = (&record[2], &record[3]);
        let (from, to) = (&record[4], &record[5]);
        coupon.execute((&record[0], &record[1], name, percent, from, to, &at))?;
        if !record[7].is_empty() {
            let (actor, text) = (actor(&conn, &record[6])?, (Some(&record[8]), &record[7]));
            insert_event(&conn, actor, (&at, "coupons_generated"), (None, None), text)?;
        }
        Ok(())
    })?;
    Ok(conn.execute_batch("COMMIT")?)
}
