//! Invoices that are charged, and a gateway that is slow.

use std::time::Duration;

use chrono::NaiveDate;

use crate::Done;
use crate::database::{fill, insert_tenants, noon};
use crate::invoices::Invoice;

/// Fills a database with tenants that have a payment method, and an open invoice each that is to be
/// charged.
pub fn owe(db: &str, invoices: i64, as_of: NaiveDate) -> Done {
    fill(db, |conn| {
        insert_tenants(conn, invoices)?;
        for id in 1..=invoices {
            conn.prepare_cached(
                "INSERT INTO payment_methods (tenant_id, kind, token, is_default, created_at,
                   updated_at)
                 VALUES (?1, 'card', 'tok_' || ?1, 1, ?2, ?2)",
            )?
            .execute((id, noon(as_of)))?;
            let collection = "automatic";
            Invoice { origin: "typed", collection, ..Invoice::new(id, id, as_of) }.insert(conn)?;
        }
        Ok(())
    })
}

/// Reads a request, takes so long, and answers that the money came.
pub fn gateway(delay: Duration) -> Done {
    std::io::read_to_string(std::io::stdin())?;
    std::thread::sleep(delay);
    println!(r#"{{"status":"succeeded"}}"#);
    Ok(())
}
