//! Monthly recurring revenue, counted as one counts it by hand.

use std::collections::HashMap;

use billing::domain::calendar::plus_days;
use chrono::{Datelike, Months, NaiveDate};
use rusqlite::Connection;

use crate::Done;

/// Ends of months that recurring revenue is looked at: one before the thirteen that are shown.
const CUTS: usize = 14;

/// The recurring revenue of thirteen months and its movements: one query, customer by customer, and
/// one for the coupons that last.
pub fn mrr(conn: &Connection, day: NaiveDate) -> Done {
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
        // Without its point, a price is in cents.
        "SELECT s.tenant_id, s.id, substr(h.since, 1, 10), h.status,
           h.quantity * CAST(replace(r.unit_amount, '.', '') AS INTEGER)
             / CASE p.interval WHEN 'year' THEN 12 * p.interval_count ELSE p.interval_count END
         FROM subscriptions s JOIN subscription_states h ON h.subscription_id = s.id
         JOIN prices r ON r.id = h.price_id JOIN plans p ON p.id = h.plan_id
         ORDER BY s.tenant_id, s.id, h.id",
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
