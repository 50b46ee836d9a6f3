//! Events of usage, and the bare loop that writes them into the same tables.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};

use billing::domain::calendar::plus_days;
use chrono::{DateTime, NaiveDate};
use rusqlite::Connection;
use rust_decimal::Decimal;

use crate::Done;
use crate::database::open;

/// Events a commit, as the tool has them.
const EVENTS_A_COMMIT: usize = 10_000;

/// Writes a file of so many events of so many subscriptions, in the order of time over the last 30 days,
/// with ids at random.
pub fn usage_events(file: &str, events: i64, subscriptions: i64, as_of: NaiveDate) -> Done {
    let mut out = BufWriter::new(File::create(file)?);
    let mut random: u64 = 1;
    for n in 0..events {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = random ^ (random >> 29);
        let second = n * 30 * 86_400 / events;
        let (day, second) = (plus_days(as_of, second / 86_400 - 30), second % 86_400);
        writeln!(
            out,
            "{{\"id\":\"{mixed:016x}-{:08x}\",\"meter\":\"calls\",\"subscription\":\"sub_{}\",\
             \"at\":\"{day}T{:02}:{:02}:{:02}Z\",\"value\":\"{}\"}}",
            random >> 32,
            1 + mixed % subscriptions.unsigned_abs(),
            second / 3600,
            second / 60 % 60,
            second % 60,
            1 + mixed % 9,
        )?;
    }
    Ok(out.flush()?)
}

/// Writes the same rows as an import of events, as a short program would: each line parsed, no value
/// checked but by the schema, the totals of days folded in memory and written once a commit.
pub fn usage(db: &str, file: &str) -> Done {
    let conn = open(db)?;
    conn.pragma_update(None, "cache_size", -16_384)?;
    let meters: HashMap<String, i64> = {
        let mut statement = conn.prepare("SELECT code, id FROM meters")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    let mut totals: HashMap<(i64, i64, String), (i64, Decimal)> = HashMap::new();
    let mut lines = BufReader::with_capacity(1 << 16, File::open(file)?).lines();
    loop {
        conn.execute_batch("BEGIN IMMEDIATE")?;
        let mut written = 0;
        for line in lines.by_ref().take(EVENTS_A_COMMIT) {
            written += 1;
            let line = line?;
            let event: serde_json::Value = serde_json::from_str(&line)?;
            let text = |name: &str| event[name].as_str().ok_or("no such field");
            let meter = *meters.get(text("meter")?).ok_or("no such meter")?;
            let subscription: i64 = text("subscription")?.trim_start_matches("sub_").parse()?;
            let at = DateTime::parse_from_rfc3339(text("at")?)?;
            let (day, value) = (at.date_naive().to_string(), text("value")?);
            let inserted = conn
                .prepare_cached(
                    "INSERT INTO usage_events (day, id, meter_id, subscription_id, at_us, value)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                )?
                .execute((&day, text("id")?, meter, subscription, at.timestamp_micros(), value))?;
            if inserted > 0 {
                let value: Decimal = value.parse()?;
                let total = totals.entry((subscription, meter, day)).or_default();
                (total.0, total.1) = (total.0 + 1, total.1 + value);
            }
        }
        write_totals(&conn, &mut totals)?;
        conn.execute_batch("COMMIT")?;
        if written == 0 {
            return Ok(());
        }
    }
}

fn write_totals(
    conn: &Connection,
    totals: &mut HashMap<(i64, i64, String), (i64, Decimal)>,
) -> Done {
    let mut find = conn.prepare_cached(
        "SELECT events, value FROM usage_totals
         WHERE subscription_id = ?1 AND meter_id = ?2 AND day = ?3",
    )?;
    let mut write = conn.prepare_cached(
        "INSERT INTO usage_totals (subscription_id, meter_id, day, events, value)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET events = excluded.events, value = excluded.value",
    )?;
    for ((subscription, meter, day), (mut events, mut value)) in totals.drain() {
        let mut there = find.query((subscription, meter, &day))?;
        if let Some(row) = there.next()? {
            events += row.get::<_, i64>(0)?;
            value += row.get::<_, String>(1)?.parse::<Decimal>()?;
        }
        drop(there);
        write.execute((subscription, meter, &day, events, value.to_string()))?;
    }
    Ok(())
}
