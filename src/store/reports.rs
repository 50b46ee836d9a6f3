//! The sums that reports are made of, grouped and added up by SQLite.
//!
//! Every query looks at the end of a day, and leaves out what was recorded later. A row that was not
//! changed since stands as it stood; of one that was, what it was is read from the events, the tries
//! and the steps that were recorded of it. A payment counts from the day on which it was made, and an
//! invoice from that of its issue, whenever they were recorded.

/// The day on which the payment `x` was made, and what it applied: of one that was taken back, its
/// event says so, for its row does not any more.
macro_rules! made {
    (day) => {
        made!("coalesce(e.data ->> '$.paid_on', substr(e.at, 1, 10))")
    };
    (applied) => {
        made!("CAST(replace(e.data ->> '$.applied', '.', '') AS INTEGER)")
    };
    ($what:literal) => {
        concat!(
            "(SELECT ",
            $what,
            " FROM events e WHERE e.invoice_id = x.invoice_id
                AND e.kind IN ('payment_recorded', 'charge_succeeded')
                AND e.data ->> '$.transaction' = 'txn_' || x.id)"
        )
    };
}

/// Common tables, the last of which is `stood (id, status, total_minor, paid_minor, paid_on)`: the
/// invoices that meet the condition and were changed since the end of `:day`, which is the instant
/// `:before`, as they stood then. All others stand as their rows say. Empty unless `:later`.
///
/// A payment that was taken back leaves no trace in its row: what it had applied, and since when, is
/// what its event says.
macro_rules! stood {
    ($condition:literal) => {
        concat!(
            "changed AS MATERIALIZED (
               SELECT i.id, i.tenant_id, i.number, i.status, i.total_minor, i.paid_elsewhere_minor,
                      i.paid_on, i.issued_on, i.due_on, i.closed_at
               FROM invoices i
               WHERE :later AND (i.updated_at >= :before OR i.paid_on > :day)
                 AND i.status <> 'draft' AND ",
            $condition,
            "),
             applied (id, minor, day) AS MATERIALIZED (
               SELECT c.id, x.applied_minor, x.paid_on
               FROM changed c JOIN transactions x ON x.invoice_id = c.id
               WHERE x.status = 'succeeded' AND x.paid_on <= :day
               UNION ALL
               SELECT c.id, ",
            made!(applied),
            ", ",
            made!(day),
            " AS day
               FROM changed c JOIN transactions x ON x.invoice_id = c.id
               WHERE x.reversed_at >= :before AND day <= :day
               UNION ALL
               SELECT id, paid_elsewhere_minor, coalesce(paid_on, issued_on) FROM changed
               WHERE paid_elsewhere_minor > 0 AND coalesce(paid_on, issued_on) <= :day),
             totals (id, minor) AS MATERIALIZED (
               SELECT c.id, coalesce((
                 SELECT CAST(replace(e.data ->> '$.total_before', '.', '') AS INTEGER)
                 FROM events e WHERE e.invoice_id = c.id AND e.kind = 'coupon_applied'
                   AND e.at >= :before ORDER BY e.id LIMIT 1), c.total_minor)
               FROM changed c),
             stood (id, status, total_minor, paid_minor, paid_on) AS MATERIALIZED (
               SELECT c.id,
                 CASE WHEN c.closed_at < :before THEN c.status
                   -- Closed before it was imported: since when is not known.
                   WHEN c.closed_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM events e
                     WHERE e.invoice_id = c.id
                       AND e.kind IN ('invoice_voided', 'invoice_written_off')) THEN c.status
                   WHEN coalesce(sum(a.minor), 0) = t.minor THEN 'paid'
                   -- Given up, and since then paid or voided.
                   WHEN EXISTS (
                     SELECT 1 FROM events e WHERE e.invoice_id = c.id
                       AND e.kind = 'invoice_written_off' AND e.at < :before
                       AND NOT EXISTS (SELECT 1 FROM events r WHERE r.invoice_id = c.id
                         AND r.kind = 'payment_reversed' AND coalesce(r.data ->> '$.reopened', 1)
                         AND r.id > e.id AND r.at < :before))
                     THEN 'uncollectible'
                   ELSE 'open' END,
                 t.minor, coalesce(sum(a.minor), 0), coalesce(max(a.day), (
                   -- Nothing was left to be paid: from its issue on, or from a coupon's day on.
                   SELECT max(coalesce(e.data ->> '$.on', substr(e.at, 1, 10))) FROM events e
                   WHERE e.invoice_id = c.id AND e.kind = 'coupon_applied' AND e.at < :before),
                   c.issued_on)
               FROM changed c JOIN totals t ON t.id = c.id LEFT JOIN applied a ON a.id = c.id
               GROUP BY c.id)"
        )
    };
}

mod kpi;
mod overdue;
mod transactions;

pub use kpi::{InvoiceSums, NewPayers, Span};
pub use overdue::{End, OverdueInvoice};
pub use transactions::{Tally, TallyKey};
