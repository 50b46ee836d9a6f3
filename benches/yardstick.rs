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

use billing::domain::TenantId;
use billing::domain::calendar::plus_days;
use billing::domain::email::Locale;
use billing::domain::tenant::{Tenant, TenantStatus};
use billing::tasks::issue;
use chrono::{Datelike, Months, NaiveDate};
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
    for (id, plan, minor) in [(1, "Small", 1900), (2, "Team", 4900), (3, "Large", 9900)] {
        tx.execute(
            "INSERT INTO plans (id, code, name, price_minor, currency, interval, created_at,
               updated_at)
             VALUES (?1, lower(?2), ?2, ?3, 'EUR', 'month', ?4, ?4)",
            (id, plan, minor, &at),
        )?;
    }
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
    let (from, to) = (noon(plus_days(as_of, -90)), noon(plus_days(as_of, 90)));
    let mut conn = open(db)?;
    conn.pragma_update(None, "synchronous", "OFF")?;
    // Codes come in no order: with less, each is put on a page that was let go before.
    conn.pragma_update(None, "cache_size", -(1 << 20))?;
    let tx = conn.transaction()?;
    insert_tenants(&tx, tenants)?;
    for id in 1..=coupons {
        let (code, max_uses) = (coupon_code(id), i64::from(id > POPULAR));
        tx.prepare_cached(
            "INSERT INTO coupons (id, code, code_folded, name, discount_type, percent, valid_from,
               valid_to, max_uses, max_uses_per_customer, created_at, updated_at)
             VALUES (?1, ?2, lower(?2), 'Bench', 'percentage', '20', ?3, ?4, ?5, ?5, ?3, ?3)",
        )?
        .execute((id, &code, &from, &to, max_uses))?;
    }
    for id in 1..=coupons {
        let (round, tenant) = ((id - 1) / tenants, 1 + (id - 1) % tenants);
        let coupon = match round % 2 {
            0 => 1 + round / 2,
            _ => POPULAR + round / 2 * tenants + tenant,
        };
        let on = plus_days(as_of, round - USES_A_TENANT);
        let (day, at) = (on.to_string(), noon(on));
        tx.prepare_cached("INSERT INTO coupon_checks VALUES (?1, ?2, ?3)")?
            .execute((coupon, tenant, &day))?;
        tx.prepare_cached(
            "INSERT INTO redemptions (id, coupon_id, tenant_id, periods_left, redeemed_at, ended_at)
             VALUES (?1, ?2, ?3, 0, ?4, ?4)",
        )?
        .execute((id, coupon, tenant, &at))?;
        insert_simple_invoice(&tx, id, tenant, Some(coupon), on)?;
        tx.prepare_cached(
            "INSERT INTO coupon_usages (id, redemption_id, coupon_id, tenant_id, invoice_id,
               original_minor, discount_minor, currency, used_at)
             VALUES (?1, ?1, ?2, ?3, ?1, 5000, 1000, 'EUR', ?4)",
        )?
        .execute((id, coupon, tenant, &at))?;
    }
    for tenant in 1..=tenants {
        insert_simple_invoice(&tx, coupons + tenant, tenant, None, as_of)?;
    }
    tx.commit()?;
    println!("{}", coupon_code(coupons));
    settle(conn)
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
