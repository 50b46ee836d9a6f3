//! The history of what cron ran.

use billing::domain::calendar::plus_days;
use chrono::NaiveDate;
use rusqlite::Connection;

use crate::Done;
use crate::database::fill;

/// Fills a database with the runs of so many days and nothing else, all of them on a given clock:
/// who looks for the last one on the system's clock finds none.
pub fn run_daily(db: &str, days: i64, as_of: NaiveDate) -> Done {
    fill(db, |conn| insert_runs(conn, "given", days, as_of))
}

/// The runs of so many days: four tasks a day, and e-mails every ten minutes. One of a thousand
/// failed, but none of the last day.
pub fn insert_runs(conn: &Connection, clock: &str, days: i64, as_of: NaiveDate) -> Done {
    let mut run = conn.prepare(
        "INSERT INTO runs (task, as_of, clock, status, started_at, finished_at, result)
         VALUES (?1, ?2, ?4, ?3, ?2, ?2, '{\"duration_ms\":12}')",
    )?;
    let mut nth = 0;
    for day in (0..days).rev().map(|days| plus_days(as_of, -days)) {
        let mut record = |task: &str, at: String| {
            nth += 1;
            let failed = nth % 1000 == 0 && day < as_of;
            run.execute((task, at, if failed { "failed" } else { "ok" }, clock))
        };
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
