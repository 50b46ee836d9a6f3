//! The figures of the reports by SQL as one writes it by hand.

use std::io::{BufWriter, Write};

use billing::domain::calendar::plus_days;
use chrono::NaiveDate;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::database::open;
use crate::revenue::mrr;
use crate::{Done, USAGE};

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
         -- A warning whose e-mail failed is no notice.
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

/// The runs of the period and the last of each task, e-mails by day and kind, suspensions, and all
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
    "SELECT kind, data ->> '$.cause', count(*) FROM events JOIN event_texts ON event_id = id
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

/// What one statement tells of both periods: first payments, runs, e-mails.
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
pub fn report(name: &str, db: &str, day: NaiveDate) -> Done {
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
