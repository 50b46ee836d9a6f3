//! Files to import, and the script that one would write to import invoices.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};

use billing::books::party;
use billing::domain::TenantId;
use billing::domain::calendar::plus_days;
use billing::domain::email::Locale;
use billing::domain::tenant::{Tenant, TenantStatus};
use chrono::{Datelike, Months, NaiveDate};
use rusqlite::{Connection, params};

use crate::Done;
use crate::database::{INVOICES_A_TENANT, ROWS_A_COMMIT, each_line, locale, noon, open};
use crate::trail::{actor, insert_event};

/// Writes a file of tenants and one of their invoices, by number: as another system exports them,
/// neighbours are of different tenants.
pub fn csv(tenants_file: &str, invoices_file: &str, invoices: i64, as_of: NaiveDate) -> Done {
    let tenants = invoices / INVOICES_A_TENANT;
    write_tenants(tenants_file, tenants)?;
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
            // Never on a day to come.
            _ => format!("paid,{}", due_on.min(as_of)),
        };
        writeln!(
            out,
            "INV-2025-{id:06},t{tenant},{units}.{cents:02},{issued_on},{due_on},EUR,\
             \"Subscription, one month\",{paid}"
        )?;
    }
    Ok(out.flush()?)
}

/// Writes a file of tenants, and one of their subscriptions, one a tenant, that began elsewhere on
/// some day of the last two years, one of three on each of the plans.
pub fn csv_subscriptions(
    tenants_file: &str,
    subscriptions_file: &str,
    subscriptions: i64,
    as_of: NaiveDate,
) -> Done {
    write_tenants(tenants_file, subscriptions)?;
    let period = as_of.with_day(1).ok_or("no such day")?;
    let next = period + Months::new(1);
    let mut out = BufWriter::new(File::create(subscriptions_file)?);
    writeln!(out, "tenant,plan,started_on,status,current_period_start,current_period_end")?;
    for id in 1..=subscriptions {
        let started_on = plus_days(period, -(1 + id % 730));
        let plan = ["small", "team", "large"][id as usize % 3];
        writeln!(out, "t{id},{plan},{started_on},active,{period},{next}")?;
    }
    Ok(out.flush()?)
}

fn write_tenants(file: &str, tenants: i64) -> Done {
    let mut out = BufWriter::new(File::create(file)?);
    writeln!(out, "slug,name,email,currency,locale")?;
    for id in 1..=tenants {
        writeln!(out, "t{id},Customer {id},pay@t{id}.example,EUR,{}", locale(id))?;
    }
    Ok(out.flush()?)
}

/// Writes the same rows as an import of invoices, as a short script would: all tenants in a map,
/// and no value checked but by the schema.
pub fn import(db: &str, file: &str, as_of: &str) -> Done {
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
        "INSERT INTO invoice_lines (invoice_id, position, description, unit_price, amount_minor)
         VALUES (?1, 1, ?2, ?3, ?4)",
    )?;
    let mut entry = conn.prepare(
        "INSERT INTO ledger (booked_on, recorded_at, kind, tenant_id, invoice_id, currency,
           receivable_minor, cash_minor, revenue_minor)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let actor = actor(&conn, "import:invoices")?;
    let (mut rows, mut seller) = (0i64, 0i64);
    each_line(&conn, csv::Reader::from_path(file)?, ROWS_A_COMMIT, |record| {
        let (tenant, document, buyer) = tenants.get_mut(&record[1]).ok_or("unknown tenant")?;
        if *buyer == 0 {
            party.execute([&*document])?;
            *buyer = conn.last_insert_rowid();
        }
        if seller == 0 {
            party.execute([party::copy(Default::default())])?;
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
        line.execute((id, &record[6], &record[2], minor))?;
        let currency = &record[5];
        entry.execute((&record[3], &at, "invoice", *tenant, id, currency, minor, 0, minor))?;
        if paid {
            entry.execute((&record[8], &at, "payment", *tenant, id, currency, -minor, minor, 0))?;
        }
        let about = (Some(*tenant), Some(id));
        insert_event(&conn, actor, (&at, "invoice_imported"), about, (None, "{}"))?;
        rows += 1;
        Ok(())
    })?;
    conn.execute("INSERT INTO number_sequences VALUES ('INV-2025-#', ?1, ?1)", [rows])?;
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
            cc: Vec::new(),
            currency: billing::domain::Currency::XOF,
            locale: Locale::Fr,
            country: None,
            address: None,
            tax_id: None,
            details: billing::domain::party::Details::default(),
            tax: billing::domain::tax::OwnTax::default(),
            tax_rate: None,
            status: TenantStatus::Active,
            suspension: None,
            external_id: None,
            metadata: String::new(),
            portal_generation: 1,
            pending_email: None,
            created_at: String::new(),
            created_on: chrono::NaiveDate::MIN,
            updated_at: String::new(),
        };
        let document = party::copy(tenant.party());
        tenants.insert(tenant.slug, (tenant.id.0, document, 0));
    }
    Ok(tenants)
}
