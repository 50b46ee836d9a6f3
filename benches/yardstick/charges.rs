//! Invoices that are charged, and a gateway that is slow.

use std::time::Duration;

use chrono::NaiveDate;

use crate::Done;
use crate::database::{insert_tenants, noon, open, settle};

/// Fills a database with tenants that have a payment method, and an open invoice each that is to be
/// charged.
pub fn owe(db: &str, invoices: i64, as_of: NaiveDate) -> Done {
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
pub fn gateway(delay: Duration) -> Done {
    std::io::read_to_string(std::io::stdin())?;
    std::thread::sleep(delay);
    println!(r#"{{"status":"succeeded"}}"#);
    Ok(())
}
