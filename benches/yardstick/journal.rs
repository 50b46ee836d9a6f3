//! The ledger read from end to end: what an export is compared with.

use std::io::{BufWriter, Write};

use crate::Done;
use crate::database::open;

/// Prints the entries of those days as CSV: a bare SELECT in the order of an export, with the names
/// that an accountant needs, a line an entry. No amount is turned into major units.
pub fn journal(db: &str, since: &str, until: &str) -> Done {
    let conn = open(db)?;
    let mut statement = conn.prepare(
        "SELECT l.booked_on, l.id, l.kind, t.slug, t.name, i.number, l.transaction_id, l.currency,
           l.receivable_minor, l.cash_minor, l.loss_minor, l.credit_minor, l.revenue_minor,
           l.tax_minor, l.recorded_at
         FROM ledger l JOIN tenants t ON t.id = l.tenant_id
         LEFT JOIN invoices i ON i.id = l.invoice_id
         WHERE l.booked_on BETWEEN ?1 AND ?2 ORDER BY l.booked_on, l.id",
    )?;
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let mut rows = statement.query((since, until))?;
    while let Some(row) = rows.next()? {
        let text = |at: usize| -> rusqlite::Result<&str> {
            Ok(row.get_ref(at)?.as_str_or_null()?.unwrap_or_default())
        };
        let transaction: Option<i64> = row.get(6)?;
        write!(out, "{},{},{},", text(0)?, row.get::<_, i64>(1)?, text(2)?)?;
        write!(out, "{},\"{}\",{},", text(3)?, text(4)?, text(5)?)?;
        write!(out, "{},{}", transaction.unwrap_or_default(), text(7)?)?;
        for at in 8..14 {
            write!(out, ",{}", row.get::<_, i64>(at)?)?;
        }
        writeln!(out, ",{}", text(14)?)?;
    }
    out.flush()?;
    Ok(())
}
