//! The ledger as `export journal` reads it: a day costs what that day holds.

mod support;

use billing::domain::Currency;
use billing::store::{Access, Days, Store};
use rusqlite::Connection;
use support::Shop;
use support::statements::statements_of;

/// A business whose ledger has so many entries on each day of March 2026.
fn shop(entries_a_day: u32) -> Shop {
    let shop = Shop::empty();
    shop.ok(&["init", "--currency", "EUR", "--locale", "en"]);
    shop.ok(&["tenant", "create", "acme", "--name", "Acme", "--email", "a@acme.example"]);
    let conn = Connection::open(shop.path("billing.db")).expect("the database");
    conn.execute(
        "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 31 * ?1 - 1)
         INSERT INTO ledger (booked_on, recorded_at, kind, tenant_id, currency, loss_minor,
           credit_minor)
         SELECT date('2026-03-01', (n % 31) || ' days'), '2026-03-31T23:30:00Z', 'credit_grant', 1,
           'EUR', 1 + n, 1 + n FROM n",
        [entries_a_day],
    )
    .expect("entries");
    shop
}

#[test]
fn a_day_is_read_without_the_other_days() {
    let day = "2026-03-15".parse().expect("a date");
    let days = Days { since: Some(day), until: day };
    for entries in [2, 200] {
        let shop = shop(entries);
        let mut seen = Vec::new();
        let run = statements_of(|| {
            let store = Store::open(&shop.path("billing.db"), Access::Read).expect("the database");
            let mut store = store.in_zone("Europe/Paris".parse().expect("a zone"));
            let found = store.read(|db| {
                db.each_booking(days, |booking| {
                    assert_eq!((booking.entry.booked_on, booking.tenant), (day, "acme"));
                    assert_eq!(booking.recorded_on.to_string(), "2026-04-01", "in the zone");
                    seen.push(booking.id);
                    Ok(())
                })?;
                db.foreign_booking(days, Currency::EUR)
            });
            assert_eq!(found.expect("the ledger"), None);
        });
        assert_eq!(seen.len() as u32, entries);
        assert!(seen.is_sorted(), "{seen:?}");
        let steps: Vec<u64> = run
            .iter()
            .filter(|(sql, _)| sql.contains("FROM ledger"))
            .map(|(_, cost)| cost.steps)
            .collect();
        assert_eq!(steps.len(), 2, "{run:?}");
        // Some dozens an entry that is read; 31 times as many lie beside them.
        assert!(steps.iter().all(|steps| *steps < 100 + 100 * u64::from(entries)), "{steps:?}");
    }
}

#[test]
fn days_without_a_beginning_are_all_up_to_their_end() {
    let shop = shop(1);
    let mut store = Store::open(&shop.path("billing.db"), Access::Read).expect("the database");
    let mut count = |since: Option<&str>, until: &str| {
        let days = Days {
            since: since.map(|day| day.parse().expect("a date")),
            until: until.parse().expect("a date"),
        };
        let mut count = 0;
        let read = store.read(|db| {
            db.each_booking(days, |_| {
                count += 1;
                Ok(())
            })
        });
        read.expect("the ledger");
        count
    };
    assert_eq!(count(None, "2026-03-10"), 10);
    assert_eq!(count(Some("2026-03-10"), "2026-03-31"), 22);
    assert_eq!(count(None, "2026-02-28"), 0);
}
