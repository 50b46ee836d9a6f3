//! What `benches/run.sh` measures `billing` with: made-up businesses of any size, the bare loops
//! that it is compared with, a mail relay that is slow to answer, and a stopwatch that also sees
//! peak memory and the write-ahead log.
//!
//! It speaks SQL of its own on purpose: a yardstick that went through `billing::store` would
//! measure the store with itself.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use billing::books::issue;
use billing::domain::TenantId;
use billing::domain::calendar::plus_days;
use billing::domain::email::Locale;
use billing::domain::tenant::{Tenant, TenantStatus};
use chrono::{Datelike, Months, NaiveDate};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

type Done<T = ()> = Result<T, Box<dyn Error>>;

/// Rows a commit of every loop here.
const ROWS_A_COMMIT: usize = 500;

/// Invoices a tenant. One of them is due for a stage, one is overdue and waits, the others are
/// not due yet.
const INVOICES_A_TENANT: i64 = 10;

/// Subscriptions a tenant.
const SUBSCRIPTIONS_A_TENANT: i64 = 2;

/// Uses of coupons a tenant. In every other round of them all tenants use the same coupon.
const USES_A_TENANT: i64 = 10;

/// Coupons that every tenant used once.
const POPULAR: i64 = USES_A_TENANT / 2;

const USAGE: &str = "yardstick stock DB INVOICES AS-OF       fill a database of billing init
yardstick subscribe DB N AS-OF          the same with subscriptions, all due
yardstick promote DB N AS-OF            the same with coupons and as many uses; prints a code that
                                        can be used once and was not
yardstick csv TENANTS INVOICES N AS-OF  write files to import
yardstick list TASK DB FILE             what a run of the task wrote, as a list for the loop
yardstick check-overdue DB FILE AS-OF   the bare loop: the same rows
yardstick recurring DB FILE AS-OF       the bare loop: the same rows
yardstick generate DB FILE AS-OF        the bare loop: the same rows
yardstick owe DB N AS-OF                fill a database with tenants that are charged, one invoice each
yardstick gateway DELAY-MS              a gateway's program: takes so long, and every charge succeeds
yardstick import DB CSV AS-OF           the bare loop: the same rows
yardstick same DB DB                    fails where the two hold different rows
yardstick trade DB INVOICES AS-OF       fill a database with most of a year of a business
yardstick report NAME DB AS-OF          the bare SQL of a report's figures
yardstick queue DB LETTERS AS-OF        fill a database of billing init with queued letters
yardstick deliver DELAY-MS LETTERS CONFIG COMMAND…
                                        run COMMAND against a relay of that delay; prints seconds
yardstick measure TIMES DB COMMAND…     prints median seconds, peak RSS and largest WAL in MB; {}
                                        in the command is the number of its run
yardstick refused TIMES DB COMMAND…     the same of a command that says no";

fn main() -> Done {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["stock", db, invoices, as_of] => stock(db, invoices.parse()?, as_of.parse()?),
        ["subscribe", db, n, as_of] => subscribe(db, n.parse()?, as_of.parse()?),
        ["promote", db, n, as_of] => promote(db, n.parse()?, as_of.parse()?),
        ["owe", db, n, as_of] => owe(db, n.parse()?, as_of.parse()?),
        ["gateway", delay] => gateway(Duration::from_millis(delay.parse()?)),
        ["csv", tenants, invoices, n, as_of] => csv(tenants, invoices, n.parse()?, as_of.parse()?),
        ["list", "check-overdue", db, file] => list(db, STEPS, file),
        ["list", "recurring", db, file] => list(db, ISSUED, file),
        ["list", "generate", db, file] => list(db, GENERATED, file),
        ["check-overdue", db, file, as_of] => check_overdue(db, file, as_of),
        ["recurring", db, file, as_of] => recurring(db, file, as_of),
        ["generate", db, file, as_of] => generate(db, file, as_of),
        ["import", db, file, as_of] => import(db, file, as_of),
        ["same", one, other] => same(one, other),
        ["trade", db, invoices, as_of] => trade(db, invoices.parse()?, as_of.parse()?),
        ["report", name, db, as_of] => report(name, db, as_of.parse()?),
        ["queue", db, letters, as_of] => queue(db, letters.parse()?, as_of.parse()?),
        ["deliver", delay, letters, config, command @ ..] => {
            deliver(Duration::from_millis(delay.parse()?), letters.parse()?, config, command)
        }
        // 3: done, but something needs a person.
        ["measure", times, db, command @ ..] => measure(times.parse()?, db, command, &[0, 3]),
        ["refused", times, db, command @ ..] => measure(times.parse()?, db, command, &[1]),
        // `cargo bench` starts every bench without arguments.
        [] => {
            println!("benches/run.sh runs this; its parts:\n{USAGE}");
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

/// A connection as durable as the tool's: write-ahead log, synced at each commit, foreign keys; the
/// journals of single statements in memory, as the tool has them.
fn open(db: &str) -> Done<Connection> {
    let conn = Connection::open(db)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(conn)
}

/// The instant that `--as-of DATE` stands for in UTC.
fn noon(date: impl std::fmt::Display) -> String {
    format!("{date}T12:00:00Z")
}

// --- The data ------------------------------------------------------------------------------------

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

fn locale(tenant: i64) -> &'static str {
    if tenant % 3 == 0 { "en" } else { "fr" }
}

/// Fills a database with open invoices. They are written in the order in which they were issued,
/// ten rounds through all tenants, so that a tenant's invoices, and those that are due, lie far
/// apart in the file, as they do in a real one.
fn stock(db: &str, invoices: i64, as_of: NaiveDate) -> Done {
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

/// Fills a database with monthly subscriptions of which one period was billed, and the next began
/// on the first of the month. They too are written in rounds through all tenants: the first of a
/// tenant needs a new copy of it as the buyer, the second finds that one.
fn subscribe(db: &str, subscriptions: i64, as_of: NaiveDate) -> Done {
    let tenants = subscriptions / SUBSCRIPTIONS_A_TENANT;
    let next_on = as_of.with_day(1).ok_or("no such day")?;
    let (start, next) = ((next_on - Months::new(1)).to_string(), next_on.to_string());
    let at = noon(&start);
    let mut conn = open(db)?;
    conn.pragma_update(None, "synchronous", "OFF")?;
    let tx = conn.transaction()?;
    insert_tenants(&tx, tenants)?;
    insert_plans(&tx, &at)?;
    for id in 1..=subscriptions {
        let (tenant, plan, quantity) = (1 + (id - 1) % tenants, 1 + id % 3, 1 + id / 3 % 3);
        tx.prepare_cached(
            "INSERT INTO subscriptions (id, tenant_id, plan_id, status, quantity, anchor, anchor_on,
               anchor_day, started_on, current_period_start, current_period_end, next_billing_on,
               created_at, updated_at)
             VALUES (?1, ?2, ?3, 'active', ?4, 'calendar', ?5, 1, ?5, ?5, ?6, ?6, ?7, ?7)",
        )?
        .execute((id, tenant, plan, quantity, &start, &next, &at))?;
        tx.prepare_cached("INSERT INTO billing_starts VALUES (?1, ?2, 'created')")?
            .execute((id, &start))?;
        tx.prepare_cached(
            "INSERT INTO invoices (id, number, origin, tenant_id, subscription_id, status, currency,
               subtotal_minor, total_minor, paid_minor, seller_id, buyer_id, issued_on, due_on,
               paid_on, period_start, period_end, created_at, updated_at)
             VALUES (?1, 'A-' || ?1, 'imported', ?2, ?1, 'paid', 'EUR', 4900, 4900, 4900, 1, 1 + ?2,
               ?3, ?3, ?3, ?3, ?4, ?5, ?5)",
        )?
        .execute((id, tenant, &start, &next, &at))?;
        tx.prepare_cached(
            "INSERT INTO invoice_lines (invoice_id, position, description, amount_minor)
             VALUES (?1, 1, 'Subscription, one month', 4900)",
        )?
        .execute([id])?;
    }
    tx.commit()?;
    settle(conn)
}

fn insert_plans(conn: &Connection, at: &str) -> Done {
    for (id, plan, minor) in [(1, "Small", 1900), (2, "Team", 4900), (3, "Large", 9900)] {
        conn.execute(
            "INSERT INTO plans (id, code, name, price_minor, currency, interval, created_at,
               updated_at)
             VALUES (?1, lower(?2), ?2, ?3, 'EUR', 'month', ?4, ?4)",
            (id, plan, minor, at),
        )?;
    }
    Ok(())
}

/// Fills a database with tenants that have a payment method, and an open invoice each that is to be
/// charged.
fn owe(db: &str, invoices: i64, as_of: NaiveDate) -> Done {
    let at = noon(as_of);
    let mut conn = open(db)?;
    conn.pragma_update(None, "synchronous", "OFF")?;
    let tx = conn.transaction()?;
    insert_tenants(&tx, invoices)?;
    for id in 1..=invoices {
        tx.prepare_cached(
            "INSERT INTO payment_methods (tenant_id, kind, token, is_default, created_at, updated_at)
             VALUES (?1, 'card', 'tok_' || ?1, 1, ?2, ?2)",
        )?
        .execute((id, &at))?;
        tx.prepare_cached(
            "INSERT INTO invoices (id, number, origin, tenant_id, status, currency, subtotal_minor,
               total_minor, seller_id, buyer_id, issued_on, due_on, collection, created_at,
               updated_at)
             VALUES (?1, 'A-' || ?1, 'typed', ?1, 'open', 'EUR', 4900, 4900, 1, 1 + ?1, ?2, ?2,
               'automatic', ?3, ?3)",
        )?
        .execute((id, as_of.to_string(), &at))?;
        tx.prepare_cached(
            "INSERT INTO invoice_lines (invoice_id, position, description, amount_minor)
             VALUES (?1, 1, 'Subscription, one month', 4900)",
        )?
        .execute([id])?;
    }
    tx.commit()?;
    settle(conn)
}

/// Reads a request, takes so long, and answers that the money came.
fn gateway(delay: Duration) -> Done {
    std::io::read_to_string(std::io::stdin())?;
    std::thread::sleep(delay);
    println!(r#"{{"status":"succeeded"}}"#);
    Ok(())
}

/// Fills a database with coupons and as many uses: some coupons that every tenant used once, and
/// single-use codes, of which every other one was used. Each use has its redemption, its paid
/// invoice and the check before it; each tenant has one open invoice, `B-1` of `t1`, more.
fn promote(db: &str, coupons: i64, as_of: NaiveDate) -> Done {
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
fn insert_coupons(conn: &Connection, coupons: i64, from: NaiveDate, to: NaiveDate) -> Done {
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
fn insert_use(
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
fn insert_usage(
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

/// Fills a database with 300 days of a business: ten invoices a tenant, 30 days apart, spread over
/// the days; a subscription a tenant, which begins with one of them; payments, charges, coupons,
/// letters, events, runs.
fn trade(db: &str, invoices: i64, as_of: NaiveDate) -> Done {
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

/// Days of what `trade` writes.
const TRADE_DAYS: i64 = 300;

/// A coupon that discounts a subscription for good, and no other invoice.
const LASTING: i64 = POPULAR;

/// Periods of a subscription that ended.
const PERIODS_TO_END: i64 = 3;

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

/// Tenants `t1` … and a party of each, after the seller's.
fn insert_tenants(conn: &Connection, tenants: i64) -> Done {
    conn.execute("INSERT INTO parties (id, document) VALUES (1, '{\"name\":\"Bench\"}')", [])?;
    let mut tenant = conn.prepare(
        "INSERT INTO tenants (id, slug, name, email, currency, locale, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, 'EUR', ?5, ?6, ?6)",
    )?;
    let mut party = conn.prepare("INSERT INTO parties (id, document) VALUES (?1, ?2)")?;
    for id in 1..=tenants {
        let (name, email) = (format!("Customer {id}"), format!("pay@t{id}.example"));
        tenant.execute((id, format!("t{id}"), &name, &email, locale(id), noon("2025-01-01")))?;
        party.execute((1 + id, format!(r#"{{"name":"{name}","email":"{email}"}}"#)))?;
    }
    Ok(())
}

/// Leaves one file, without a write-ahead log beside it, so that it can be copied.
fn settle(conn: Connection) -> Done {
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    conn.close().map_err(|(_, error)| error.into())
}

/// Writes a file of tenants and one of their invoices, by number: as another system exports them,
/// neighbours are of different tenants.
fn csv(tenants_file: &str, invoices_file: &str, invoices: i64, as_of: NaiveDate) -> Done {
    let tenants = invoices / INVOICES_A_TENANT;
    let mut out = BufWriter::new(File::create(tenants_file)?);
    writeln!(out, "slug,name,email,currency,locale")?;
    for id in 1..=tenants {
        writeln!(out, "t{id},Customer {id},pay@t{id}.example,EUR,{}", locale(id))?;
    }
    out.flush()?;
    let mut out = BufWriter::new(File::create(invoices_file)?);
    writeln!(out, "number,tenant,total,issued_on,due_on,currency,description,status,paid_on")?;
    for id in 1..=invoices {
        let tenant = 1 + (id - 1) % tenants;
        let issued_on = plus_days(as_of, -(1 + (invoices - id) * 365 / invoices));
        let due_on = plus_days(issued_on, 15);
        let (units, cents) = (10 + id % 90, id % 100);
        // Nine of ten were paid.
        let paid = match id % 10 {
            0 => "open,".to_owned(),
            _ => format!("paid,{due_on}"),
        };
        writeln!(
            out,
            "INV-2025-{id:06},t{tenant},{units}.{cents:02},{issued_on},{due_on},EUR,\
             \"Subscription, one month\",{paid}"
        )?;
    }
    Ok(out.flush()?)
}

/// Fills a database with letters that are due, one a tenant, each of an overdue invoice.
fn queue(db: &str, letters: i64, as_of: NaiveDate) -> Done {
    let mut conn = open(db)?;
    let tx = conn.transaction()?;
    insert_tenants(&tx, letters)?;
    let (due_on, at) = (plus_days(as_of, -3).to_string(), noon(as_of));
    for id in 1..=letters {
        tx.prepare_cached(
            "INSERT INTO invoices (id, number, origin, tenant_id, status, currency, subtotal_minor,
               total_minor, seller_id, buyer_id, issued_on, due_on, stage, created_at, updated_at)
             VALUES (?1, 'A-' || ?1, 'imported', ?1, 'open', 'EUR', 4900, 4900, 1, 1 + ?1, ?2, ?2,
               'friendly', ?3, ?3)",
        )?
        .execute((id, &due_on, &at))?;
        tx.prepare_cached(
            "INSERT INTO emails (id, tenant_id, template, stage, locale, recipient, dedup_key,
               message_id, queued_at, next_try_at)
             VALUES (?1, ?1, 'friendly', 'friendly', ?2, ?3, ?1, ?1 || '@bench.example', ?4, ?4)",
        )?
        .execute((id, locale(id), format!("pay@t{id}.example"), &at))?;
        tx.prepare_cached(
            "INSERT INTO dunning_steps (invoice_id, dunning_round, stage, tenant_id, recorded_on,
               days_overdue, email_id) VALUES (?1, 1, 'friendly', ?1, ?2, 3, ?1)",
        )?
        .execute((id, as_of.to_string()))?;
    }
    tx.commit()?;
    settle(conn)
}

// --- The loops -----------------------------------------------------------------------------------

/// What a run of check-overdue wrote, one row a step, in its order.
const STEPS: &str = "SELECT s.invoice_id, s.tenant_id, s.stage, s.dunning_round, s.days_overdue,
    e.locale, e.recipient, e.dedup_key, e.message_id, v.data,
    CASE WHEN s.stage = 'suspension' THEN t.suspension_reason END AS reason, v.reason AS why
  FROM dunning_steps s JOIN emails e ON e.id = s.email_id JOIN tenants t ON t.id = s.tenant_id
  JOIN events v ON v.invoice_id = s.invoice_id AND v.kind = 'dunning_stage_recorded'
  WHERE s.run_id IS NOT NULL ORDER BY e.id";

/// What a run of generate-recurring-invoices wrote, one row an invoice, in its order; the texts of
/// seller and buyer where they were new.
const ISSUED: &str = "SELECT i.number, i.sequence, i.tenant_id, i.subtotal_minor, i.tax_rate,
    i.tax_minor, i.total_minor, i.seller_id, i.buyer_id, i.due_on, i.subscription_id,
    i.period_start, i.period_end, l.description, l.quantity, l.unit_minor, e.locale, e.recipient,
    e.dedup_key, e.message_id, v.data, s.anchor_on, s.anchor_day,
    CASE WHEN i.sequence = 1 THEN seller.document END AS new_seller,
    CASE WHEN NOT EXISTS (SELECT 1 FROM invoices o WHERE o.tenant_id = i.tenant_id
      AND o.buyer_id = i.buyer_id AND o.id < i.id) THEN buyer.document END AS new_buyer
  FROM emails e JOIN invoices i ON i.id = e.invoice_id
  JOIN invoice_lines l ON l.invoice_id = i.id JOIN subscriptions s ON s.id = i.subscription_id
  JOIN events v ON v.invoice_id = i.id AND v.kind = 'invoice_issued'
  JOIN parties seller ON seller.id = i.seller_id JOIN parties buyer ON buyer.id = i.buyer_id
  WHERE e.run_id IS NOT NULL ORDER BY e.id";

/// What coupon generate wrote, one row a coupon, in its order, and its event.
const GENERATED: &str = "SELECT c.code, c.code_folded, c.name, c.percent, c.valid_from, c.valid_to,
    v.actor, CASE WHEN c.id = 1 THEN v.data END AS event, v.reason
  FROM coupons c JOIN events v ON v.kind = 'coupons_generated' ORDER BY c.id";

/// Writes down what a run wrote, one line a row of that query.
fn list(db: &str, query: &str, file: &str) -> Done {
    let conn = open(db)?;
    let mut out = csv::Writer::from_path(file)?;
    let mut query = conn.prepare(query)?;
    let columns = query.column_count();
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            use rusqlite::types::ValueRef;
            match row.get_ref(column)? {
                ValueRef::Integer(number) => out.write_field(number.to_string())?,
                ValueRef::Text(text) => out.write_field(text)?,
                _ => out.write_field("")?,
            }
        }
        out.write_record(None::<&[u8]>)?;
    }
    Ok(out.flush()?)
}

/// Writes the same rows as a run of check-overdue, with nothing to find out: no reading, no
/// deciding.
fn check_overdue(db: &str, file: &str, as_of: &str) -> Done {
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

/// Writes the same rows as a run of generate-recurring-invoices, with nothing to find out; the
/// number sequence once a commit.
fn recurring(db: &str, file: &str, as_of: &str) -> Done {
    let conn = open(db)?;
    let at = noon(as_of);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(file)?;
    conn.execute(
        "INSERT INTO runs (id, task, as_of, clock, status, started_at)
         VALUES (1, 'generate-recurring-invoices', ?1, 'given', 'ok', ?1)",
        [&at],
    )?;
    let mut party = conn.prepare("INSERT INTO parties (id, document) VALUES (?1, ?2)")?;
    let mut invoice = conn.prepare(
        "INSERT INTO invoices (number, series, sequence, origin, tenant_id, status, currency,
           subtotal_minor, tax_rate, tax_minor, total_minor, seller_id, buyer_id, issued_on, due_on,
           subscription_id, period_start, period_end, created_at, updated_at)
         VALUES (?1, 'INV-2026-#', ?2, 'issued', ?3, 'open', 'EUR', ?4, ?5, ?6, ?7, ?8, ?9, ?10,
           ?11, ?12, ?13, ?14, ?15, ?15)",
    )?;
    let mut line = conn.prepare(
        "INSERT INTO invoice_lines (invoice_id, position, description, quantity, unit_minor,
           amount_minor, period_start, period_end) VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut event = conn.prepare(
        "INSERT INTO events (at, kind, tenant_id, invoice_id, actor, data)
         VALUES (?1, 'invoice_issued', ?2, ?3, 'task:generate-recurring-invoices', ?4)",
    )?;
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
    let mut record = csv::StringRecord::new();
    let mut rows = 0;
    conn.execute_batch("BEGIN IMMEDIATE")?;
    while reader.read_record(&mut record)? {
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
        line.execute((issued, &record[13], number(14)?, number(15)?, subtotal, start, end))?;
        event.execute((&at, tenant, issued, &record[20]))?;
        let letter = (&record[16], &record[17], &record[18], &record[19]);
        email.execute((tenant, issued, letter.0, letter.1, letter.2, letter.3, &at))?;
        subscription.execute((id, start, end, &record[21], number(22)?, &at))?;
        rows += 1;
        if rows % ROWS_A_COMMIT == 0 {
            sequence.execute([rows as i64])?;
            conn.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        }
    }
    sequence.execute([rows as i64])?;
    Ok(conn.execute_batch("COMMIT")?)
}

/// Writes the same rows as a run of coupon generate, with no code to make and none to print; all in
/// one transaction, as the tool does.
fn generate(db: &str, file: &str, as_of: &str) -> Done {
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

/// Writes the same rows as an import of invoices, as a short script would: all tenants in a map,
/// and no value checked but by the schema.
fn import(db: &str, file: &str, as_of: &str) -> Done {
    let conn = open(db)?;
    let at = noon(as_of);
    let mut tenants = read_tenants(&conn)?;
    let mut party = conn.prepare("INSERT INTO parties (document) VALUES (?1)")?;
    let mut invoice = conn.prepare(
        "INSERT INTO invoices (number, series, sequence, origin, tenant_id, status, currency,
           subtotal_minor, discount_minor, tax_rate, tax_minor, total_minor, paid_minor,
           paid_elsewhere_minor, seller_id, buyer_id, issued_on, due_on, paid_on, created_at,
           updated_at)
         VALUES (?1, 'INV-2025-#', ?2, 'imported', ?3, ?4, ?5, ?6, 0, '0', 0, ?6, ?7, ?7, ?8, ?9,
           ?10, ?11, ?12, ?13, ?13)",
    )?;
    let mut line = conn.prepare(
        "INSERT INTO invoice_lines (invoice_id, position, description, quantity, unit_minor,
           amount_minor, discount_minor) VALUES (?1, 1, ?2, 1, ?3, ?3, 0)",
    )?;
    let mut event = conn.prepare(
        "INSERT INTO events (at, kind, tenant_id, invoice_id, actor)
         VALUES (?1, 'invoice_imported', ?2, ?3, 'import:invoices')",
    )?;
    let mut reader = csv::Reader::from_path(file)?;
    let mut record = csv::StringRecord::new();
    let (mut rows, mut seller) = (0usize, 0i64);
    conn.execute_batch("BEGIN IMMEDIATE")?;
    while reader.read_record(&mut record)? {
        let (tenant, document, buyer) = tenants.get_mut(&record[1]).ok_or("unknown tenant")?;
        if *buyer == 0 {
            party.execute([&*document])?;
            *buyer = conn.last_insert_rowid();
        }
        if seller == 0 {
            party.execute([issue::seller(&Default::default())])?;
            seller = conn.last_insert_rowid();
        }
        let (units, cents) = record[2].split_once('.').ok_or("no decimals")?;
        let minor = units.parse::<i64>()? * 100 + cents.parse::<i64>()?;
        let sequence: i64 = record[0][9..].parse()?;
        let paid = &record[7] == "paid";
        invoice.execute(params![
            &record[0],
            sequence,
            *tenant,
            &record[7],
            &record[5],
            minor,
            if paid { minor } else { 0 },
            seller,
            *buyer,
            &record[3],
            &record[4],
            paid.then_some(&record[8]),
            &at,
        ])?;
        let id = conn.last_insert_rowid();
        line.execute((id, &record[6], minor))?;
        event.execute((&at, *tenant, id))?;
        rows += 1;
        if rows % ROWS_A_COMMIT == 0 {
            conn.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        }
    }
    conn.execute("INSERT INTO number_sequences VALUES ('INV-2025-#', ?1, ?1)", [rows as i64])?;
    Ok(conn.execute_batch("COMMIT")?)
}

/// Each tenant by its slug: its id, the text of its party, and (0: not written yet) that row.
fn read_tenants(conn: &Connection) -> Done<HashMap<String, (i64, String, i64)>> {
    let mut tenants = HashMap::new();
    let mut query = conn.prepare("SELECT id, slug, name, email FROM tenants")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let tenant = Tenant {
            id: TenantId(row.get(0)?),
            slug: row.get(1)?,
            name: row.get(2)?,
            email: row.get(3)?,
            currency: billing::domain::Currency::XOF,
            locale: Locale::Fr,
            country: None,
            address: None,
            tax_id: None,
            tax_rate: None,
            status: TenantStatus::Active,
            suspension: None,
            created_at: String::new(),
            updated_at: String::new(),
        };
        let document = issue::buyer(&tenant);
        tenants.insert(tenant.slug, (tenant.id.0, document, 0));
    }
    Ok(tenants)
}

/// Proves that tool and loop did the same work: every table that they write holds the same rows.
fn same(one: &str, other: &str) -> Done {
    let conn = Connection::open(one)?;
    conn.execute("ATTACH ?1 AS other", [other])?;
    let count = |from: &str| -> rusqlite::Result<i64> {
        conn.query_row(&format!("SELECT count(*) FROM {from}"), [], |row| row.get(0))
    };
    for table in [
        "tenants",
        "parties",
        "subscriptions",
        "subscription_states",
        "invoices",
        "invoice_lines",
        "dunning_steps",
        "emails",
        "events",
        "number_sequences",
        "coupons",
    ] {
        let differ = format!("(SELECT * FROM main.{table} EXCEPT SELECT * FROM other.{table})");
        let differ = count(&differ)?;
        let (here, there) = (count(&format!("main.{table}"))?, count(&format!("other.{table}"))?);
        if differ > 0 || here != there {
            return Err(format!("{table}: {here} and {there} rows, {differ} differ").into());
        }
    }
    Ok(())
}

// --- The reports ---------------------------------------------------------------------------------

/// What is overdue by age, and by customer with what comes next.
const OVERDUE: &[&str] = &[
    "SELECT currency, CASE WHEN due_on >= date(:day, '-3 days') THEN 1
         WHEN due_on >= date(:day, '-7 days') THEN 4 WHEN due_on >= date(:day, '-15 days') THEN 8
         WHEN due_on >= date(:day, '-30 days') THEN 16 ELSE 31 END AS age,
       count(*), sum(total_minor - paid_minor)
     FROM invoices WHERE status = 'open' AND due_on < :day GROUP BY 1, 2",
    "SELECT t.slug, t.name, i.currency, sum(i.total_minor - i.paid_minor) AS owed, count(*),
       min(i.due_on), julianday(:day) - julianday(min(i.due_on)), i.disputed_at IS NOT NULL
         OR coalesce(i.promised_until >= :day, 0) OR EXISTS (SELECT 1 FROM transactions x
           WHERE x.invoice_id = i.id AND x.kind = 'charge' AND x.status IN ('pending', 'unknown'))
         AS rests,
       max(CASE i.stage WHEN 'none' THEN 0 WHEN 'friendly' THEN 1 WHEN 'urgent' THEN 2
         WHEN 'warning' THEN 3 ELSE 4 END),
       min(CASE i.stage WHEN 'none' THEN date(i.due_on, '+3 days')
         WHEN 'friendly' THEN date(i.due_on, '+7 days')
         WHEN 'urgent' THEN date(i.due_on, '+15 days')
         -- A warning whose letter failed is no notice.
         ELSE (SELECT max(date(i.due_on, '+30 days'), date(i.warned_on, '+7 days')) FROM emails e
           WHERE e.id = i.warning_email_id AND e.status <> 'failed') END)
     FROM invoices i JOIN tenants t ON t.id = i.tenant_id
     WHERE i.status = 'open' AND i.due_on < :day
     GROUP BY i.tenant_id, i.currency, rests ORDER BY i.currency, owed DESC",
];

/// The transactions of the period by day, and what surplus ones left.
const TRANSACTIONS: &[&str] = &[
    "SELECT substr(created_at, 1, 10), currency, method, status, failure_code, count(*),
       sum(amount_minor)
     FROM transactions WHERE created_at >= :from AND created_at < :before GROUP BY 1, 2, 3, 4, 5",
    "SELECT t.slug, x.id, x.currency, x.amount_minor - x.applied_minor
     FROM transactions x JOIN tenants t ON t.id = x.tenant_id
     WHERE x.status = 'succeeded' AND x.applied_minor < x.amount_minor AND x.created_at < :before",
];

/// The ten coupons that were used most in the period, and the sums of all.
const COUPONS: &[&str] = &[
    TOP_COUPONS,
    "SELECT count(*), count(DISTINCT tenant_id), min(redeemed_at), max(redeemed_at)
     FROM redemptions WHERE returned_at IS NULL AND redeemed_at >= :from AND redeemed_at < :before",
    "SELECT sum(days), count(*) FROM (SELECT count(*) AS days FROM coupon_checks
     WHERE checked_on BETWEEN :since AND :day GROUP BY coupon_id, tenant_id)",
    "SELECT currency, sum(discount_minor), sum(original_minor - discount_minor)
     FROM coupon_usages WHERE returned_at IS NULL AND used_at >= :from AND used_at < :before
     GROUP BY currency",
];

const TOP_COUPONS: &str = "\
    WITH top AS MATERIALIZED (
       SELECT coupon_id, sum(uses) AS uses FROM (
         SELECT coupon_id, 1 AS uses FROM redemptions
         WHERE returned_at IS NULL AND redeemed_at >= :from AND redeemed_at < :before
         UNION ALL
         SELECT coupon_id, 0 FROM coupon_usages
         WHERE returned_at IS NULL AND used_at >= :from AND used_at < :before)
       GROUP BY coupon_id ORDER BY 2 DESC LIMIT 10)
     SELECT c.code, t.uses,
       (SELECT count(DISTINCT r.tenant_id) || min(r.redeemed_at) || max(r.redeemed_at)
        FROM redemptions r WHERE r.coupon_id = t.coupon_id AND r.returned_at IS NULL
          AND r.redeemed_at >= :from AND r.redeemed_at < :before),
       (SELECT count(*) || ' ' || count(DISTINCT k.tenant_id) FROM coupon_checks k
        WHERE k.coupon_id = t.coupon_id AND k.checked_on BETWEEN :since AND :day),
       (SELECT sum(u.discount_minor) || ' ' || sum(u.original_minor) FROM coupon_usages u
        WHERE u.coupon_id = t.coupon_id AND u.returned_at IS NULL
          AND u.used_at >= :from AND u.used_at < :before)
     FROM top t JOIN coupons c ON c.id = t.coupon_id ORDER BY t.uses DESC";

/// The runs of the period and the last of each task, letters by day and kind, suspensions, and all
/// of the coupons.
const AUTOMATION: &[&str] = &[
    "SELECT task, count(*), sum(status = 'ok'), sum(status = 'partial') FROM runs
     WHERE as_of >= :from AND as_of < :before AND status <> 'running' GROUP BY task",
    "SELECT * FROM runs WHERE id IN (SELECT max(id) FROM runs GROUP BY task)",
    "SELECT substr(coalesce(sent_at, first_tried_at, queued_at), 1, 10), template, status, count(*)
     FROM emails WHERE status IN ('sent', 'failed')
       AND coalesce(sent_at, first_tried_at, queued_at) >= :from
       AND coalesce(sent_at, first_tried_at, queued_at) < :before
     GROUP BY 1, 2, 3",
    "SELECT count(*) FROM emails WHERE next_try_at IS NOT NULL",
    "SELECT kind, data ->> '$.cause', count(*) FROM events
     WHERE kind IN ('tenant_suspended', 'tenant_reactivated') AND at >= :from AND at < :before
     GROUP BY 1, 2",
    COUPONS[0],
    COUPONS[1],
    COUPONS[2],
    COUPONS[3],
];

/// What is asked once a period: of the invoices in one scan, and of the coupons.
const KPI_OF_PERIOD: &[&str] = &[
    "SELECT currency, sum(was_open), sum(iif(was_open, due, 0)), sum(was_open AND late),
       sum(iif(was_open AND late, due, 0)), count(days), sum(days), sum(went_overdue),
       sum(went_overdue AND paid), sum(checkout), sum(checkout AND coupon_id IS NOT NULL)
     FROM (
       SELECT currency, coupon_id, due_on < :day AS late, coalesce(paid_on <= :day, 0) AS paid,
         status = 'open' OR coalesce(paid_on > :day OR closed_at >= :before, 0) AS was_open,
         CASE WHEN paid_minor = 0 THEN total_minor WHEN paid_on <= :day THEN 0
           ELSE total_minor - coalesce((SELECT sum(x.applied_minor) FROM transactions x
             WHERE x.invoice_id = i.id AND x.paid_on <= :day), 0) END AS due,
         CASE WHEN paid_on BETWEEN :since AND :day
           THEN julianday(paid_on) - julianday(issued_on) END AS days,
         due_on >= date(:since, '-61 days') AND due_on < :day
           AND (paid_on IS NULL OR paid_on > due_on) AS went_overdue,
         CASE WHEN issued_on < :since OR origin = 'imported' THEN 0
           WHEN subscription_id IS NULL THEN 1
           ELSE NOT EXISTS (SELECT 1 FROM invoices f WHERE f.subscription_id = i.subscription_id
             AND f.status <> 'void' AND f.period_start < i.period_start) END AS checkout
       FROM invoices i
       WHERE issued_on <= :day AND (status <> 'void' OR closed_at >= :before) LIMIT -1)
     GROUP BY currency",
    "SELECT u.currency, sum(u.discount_minor) FROM coupon_usages u
     WHERE u.used_at >= :from AND u.used_at < :before AND u.returned_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM transactions x WHERE x.tenant_id = u.tenant_id
         AND x.status = 'succeeded' AND x.paid_on < :since)
       AND NOT EXISTS (SELECT 1 FROM invoices i WHERE i.tenant_id = u.tenant_id
         AND i.paid_elsewhere_minor > 0 AND i.paid_on < :since)
     GROUP BY u.currency",
];

/// What one statement tells of both periods: first payments, runs, letters.
const KPI_OF_BOTH: &[&str] = &[
    "SELECT t.currency, sum(day >= :since), sum(day < :since)
     FROM (SELECT tenant_id, min(day) AS day FROM (
         SELECT tenant_id, min(paid_on) AS day FROM transactions WHERE status = 'succeeded'
         GROUP BY tenant_id
         UNION ALL
         SELECT tenant_id, paid_on FROM invoices WHERE paid_elsewhere_minor > 0)
       GROUP BY tenant_id) f JOIN tenants t ON t.id = f.tenant_id
     WHERE day BETWEEN :earlier AND :day GROUP BY t.currency",
    "SELECT as_of >= :from, count(*), sum(status = 'ok') FROM runs
     WHERE status <> 'running' AND as_of >= :earlier AND as_of < :before GROUP BY 1",
    "SELECT count(*) FILTER (WHERE sent_at >= :from AND sent_at < :before),
       count(*) FILTER (WHERE sent_at >= :earlier AND sent_at < :from),
       count(*) FILTER (WHERE status = 'failed' AND first_tried_at >= :from),
       count(*) FILTER (WHERE status = 'failed' AND first_tried_at >= :earlier
         AND first_tried_at < :from)
     FROM emails",
];

/// Asks for a report's figures at the end of the day as one would by hand, of the 30 days up to it,
/// and prints them.
fn report(name: &str, db: &str, day: NaiveDate) -> Done {
    let conn = open(db)?;
    let ask = |queries: &[&str], day: NaiveDate| {
        queries.iter().try_for_each(|query| print_rows(&conn, query, day))
    };
    match name {
        "overdue" => ask(OVERDUE, day),
        "transactions" => ask(TRANSACTIONS, day),
        "coupons" => ask(COUPONS, day),
        "automation" => ask(AUTOMATION, day),
        "kpi" => {
            ask(KPI_OF_PERIOD, day)?;
            ask(KPI_OF_PERIOD, plus_days(day, -30))?;
            ask(KPI_OF_BOTH, day)
        }
        "mrr" => mrr(&conn, day),
        _ => Err(USAGE.into()),
    }
}

/// Prints what a query finds for the 30 days up to `day`.
fn print_rows(conn: &Connection, query: &str, day: NaiveDate) -> Done {
    let since = plus_days(day, -29);
    let midnight = |day| format!("{day}T00:00:00Z");
    let mut statement = conn.prepare(query)?;
    for (name, value) in [
        (":day", day.to_string()),
        (":since", since.to_string()),
        (":earlier", plus_days(day, -59).to_string()),
        (":from", midnight(since)),
        (":before", midnight(plus_days(day, 1))),
    ] {
        if let Some(at) = statement.parameter_index(name)? {
            statement.raw_bind_parameter(at, value)?;
        }
    }
    let columns = statement.column_count();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        for at in 0..columns {
            match row.get_ref(at)? {
                ValueRef::Null => write!(out, "\t")?,
                ValueRef::Integer(value) => write!(out, "{value}\t")?,
                ValueRef::Real(value) => write!(out, "{value}\t")?,
                ValueRef::Text(value) | ValueRef::Blob(value) => {
                    out.write_all(value)?;
                    out.write_all(b"\t")?;
                }
            }
        }
        writeln!(out)?;
    }
    Ok(out.flush()?)
}

/// Ends of months that recurring revenue is looked at: one before the thirteen that are shown.
const CUTS: usize = 14;

/// The recurring revenue of thirteen months and its movements: one query, customer by customer, and
/// one for the coupons that last.
fn mrr(conn: &Connection, day: NaiveDate) -> Done {
    let first = day.with_day(1).ok_or("no such day")?;
    let mut cuts: Vec<String> = (0..CUTS as u32 - 1)
        .map(|back| plus_days(first - Months::new(back), -1).to_string())
        .collect();
    cuts.reverse();
    cuts.push(day.to_string());
    let mut lasting: HashMap<i64, (String, i64)> = HashMap::new();
    let mut query = conn.prepare(
        "SELECT r.subscription_id, substr(r.redeemed_at, 1, 10), CAST(c.percent AS INTEGER)
         FROM redemptions r JOIN coupons c ON c.id = r.coupon_id
         WHERE r.subscription_id IS NOT NULL AND c.duration <> 'once' AND r.returned_at IS NULL",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        lasting.insert(row.get(0)?, (row.get(1)?, row.get(2)?));
    }
    let mut query = conn.prepare(
        "SELECT s.tenant_id, s.id, substr(h.since, 1, 10), h.status, h.quantity * p.price_minor
           / CASE p.interval WHEN 'year' THEN 12 * p.interval_count ELSE p.interval_count END
         FROM subscriptions s JOIN subscription_states h ON h.subscription_id = s.id
         JOIN plans p ON p.id = h.plan_id ORDER BY s.tenant_id, s.id, h.id",
    )?;
    let mut months = [[0i64; 8]; CUTS];
    let (mut tenant, mut subscription) = (0, 0);
    let (mut customer, mut one) = ([0i64; CUTS], [0i64; CUTS]);
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (of, id): (i64, i64) = (row.get(0)?, row.get(1)?);
        if id != subscription {
            add_subscription(&mut customer, &mut one, &mut months);
            subscription = id;
        }
        if of != tenant {
            add_customer(&mut customer, &mut months);
            tenant = of;
        }
        let since = row.get_ref(2)?.as_str()?;
        let minor: i64 = if row.get_ref(3)?.as_str()? == "active" { row.get(4)? } else { 0 };
        let coupon = lasting.get(&id);
        for (amount, cut) in one.iter_mut().zip(&cuts) {
            if since <= cut.as_str() {
                *amount = match coupon {
                    Some((from, percent)) if from <= cut => minor - minor * percent / 100,
                    _ => minor,
                };
            }
        }
    }
    add_subscription(&mut customer, &mut one, &mut months);
    add_customer(&mut customer, &mut months);
    for (cut, month) in cuts.iter().zip(&months).skip(1) {
        println!("{cut} {month:?}");
    }
    Ok(())
}

fn add_subscription(
    customer: &mut [i64; CUTS],
    one: &mut [i64; CUTS],
    months: &mut [[i64; 8]; CUTS],
) {
    for ((sum, amount), month) in customer.iter_mut().zip(one).zip(months) {
        *sum += *amount;
        month[7] += i64::from(*amount > 0);
        *amount = 0;
    }
}

/// Revenue, new, more, less, lost, come back, customers; the subscriptions are counted before.
fn add_customer(customer: &mut [i64; CUTS], months: &mut [[i64; 8]; CUTS]) {
    let mut been = customer[0] > 0;
    for nth in 1..CUTS {
        let (before, after, month) = (customer[nth - 1], customer[nth], &mut months[nth]);
        month[0] += after;
        month[6] += i64::from(after > 0);
        match (before, after) {
            (0, 0) => {}
            (0, _) => month[if been { 5 } else { 1 }] += after,
            (_, 0) => month[4] -= before,
            _ => month[if after > before { 2 } else { 3 }] += after - before,
        }
        been |= after > 0;
    }
    *customer = [0; CUTS];
}

// --- The stopwatch -------------------------------------------------------------------------------

/// What the system says of a process that ended: `struct rusage`, of which only the peak memory
/// is read. No crate at hand has this call.
#[repr(C)]
#[derive(Default)]
struct Usage {
    times: [i64; 4],
    peak_kib: i64,
    rest: [i64; 13],
}

unsafe extern "C" {
    fn wait4(pid: i32, status: *mut i32, options: i32, usage: *mut Usage) -> i32;
}

/// Runs a command to its end; returns its exit status as `wait` gives it, and its peak memory.
fn run(command: &[&str]) -> Done<(i32, Duration, i64)> {
    let (program, args) = command.split_first().ok_or(USAGE)?;
    let started = Instant::now();
    let child = Command::new(program).args(args).stdout(Stdio::null()).spawn()?;
    let (mut status, mut usage) = (0, Usage::default());
    // SAFETY: both pointers are to live values of the size that the call fills in.
    let ended = unsafe { wait4(i32::try_from(child.id())?, &mut status, 0, &mut usage) };
    let took = started.elapsed();
    if ended < 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok((status, took, usage.peak_kib))
}

/// Runs a command so many times while watching the database's write-ahead log. It has to end with
/// one of these statuses.
fn measure(times: usize, db: &str, command: &[&str], statuses: &[i32]) -> Done {
    let mut log = db.to_owned();
    log.push_str("-wal");
    let log = PathBuf::from(log);
    let (largest, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let watch = || {
        while !over.load(Ordering::Relaxed) {
            largest.fetch_max(log.metadata().map_or(0, |m| m.len()), Ordering::Relaxed);
            thread::sleep(Duration::from_millis(2));
        }
    };
    let (mut seconds, mut peak) = (Vec::new(), 0);
    thread::scope(|scope| -> Done {
        scope.spawn(watch);
        let mut all = || -> Done {
            for n in 1..=times {
                let words: Vec<_> =
                    command.iter().map(|word| word.replace("{}", &n.to_string())).collect();
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let (status, took, kib) = run(&words)?;
                if !statuses.iter().any(|allowed| status == allowed << 8) {
                    return Err(format!("{} ended with wait status {status}", command[0]).into());
                }
                seconds.push(took.as_secs_f64());
                peak = peak.max(kib);
            }
            Ok(())
        };
        let done = all();
        over.store(true, Ordering::Relaxed);
        done
    })?;
    seconds.sort_by(f64::total_cmp);
    let megabytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "{:.6} {:.1} {:.1}",
        seconds[seconds.len() / 2],
        megabytes(peak as u64 * 1024),
        megabytes(largest.into_inner())
    );
    Ok(())
}

// --- The relay -----------------------------------------------------------------------------------

/// Each Message-ID that came, and how often.
type Inbox = Arc<Mutex<BTreeMap<String, u64>>>;

/// Runs a command that delivers to a relay which takes `delay` to answer the final dot, as
/// networks and virus scanners make it; `PORT` in `config` stands for its port. Fails where a
/// letter was lost or came twice.
fn deliver(delay: Duration, letters: usize, config: &str, command: &[&str]) -> Done {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port().to_string();
    std::fs::write(config, std::fs::read_to_string(config)?.replace("PORT", &port))?;
    let inbox = Inbox::default();
    let shared = Arc::clone(&inbox);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let inbox = Arc::clone(&shared);
            thread::spawn(move || converse(client, delay, &inbox));
        }
    });
    let (status, took, _) = run(command)?;
    let inbox = inbox.lock().map_err(|_| "a conversation failed")?;
    let (came, distinct) = (inbox.values().sum::<u64>(), inbox.len());
    if status != 0 || distinct != letters || came != letters as u64 {
        let ended = format!("wait status {status}");
        return Err(format!("{letters} letters: {came} came, {distinct} distinct; {ended}").into());
    }
    println!("{:.6}", took.as_secs_f64());
    Ok(())
}

fn converse(client: TcpStream, delay: Duration, inbox: &Inbox) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut out = client.try_clone()?;
    let mut lines = BufReader::new(client).lines();
    out.write_all(b"220 bench\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                let mut id = String::new();
                for line in lines.by_ref() {
                    match line? {
                        end if end == "." => break,
                        header if header.to_ascii_lowercase().starts_with("message-id:") => {
                            id = header
                        }
                        _ => {}
                    }
                }
                thread::sleep(delay);
                if let Ok(mut inbox) = inbox.lock() {
                    *inbox.entry(id).or_default() += 1;
                }
                out.write_all(b"250 taken\r\n")?;
            }
            "EHLO" => out.write_all(b"250-bench\r\n250 8BITMIME\r\n")?,
            "QUIT" => {
                out.write_all(b"221 bye\r\n")?;
                break;
            }
            _ => out.write_all(b"250 ok\r\n")?,
        }
    }
    Ok(())
}
