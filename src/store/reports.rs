//! The sums that reports are made of, grouped and added up by SQLite.
//!
//! Every query looks at the end of a day. Money is read from the ledger as far as it is booked on
//! that day or before: a payment counts from the day on which it was made, an invoice from that of
//! its issue, whenever they were recorded. What has no entry since stands as its row says. How an
//! invoice or a tenant stood is read from its history, as far as it was recorded by then.

/// Common tables: `changed (id)`, the invoices of which something else was due after `:day`, or that
/// were voided after it (none unless `:later`), and `stood (id, status, total_minor, due_minor,
/// paid_on)`, those of them that meet the condition as they stood at its end. All others stand as
/// their rows say: what comes and goes as a customer's credit changes nothing of its invoice.
macro_rules! stood {
    ($condition:literal) => {
        concat!(
            "changed (id) AS MATERIALIZED (
               SELECT DISTINCT invoice_id FROM ledger
               WHERE :later AND booked_on > :day AND invoice_id IS NOT NULL
                 AND (receivable_minor <> 0 OR loss_minor <> 0 OR kind = 'void')),
             stood (id, status, total_minor, due_minor, paid_on) AS MATERIALIZED (
               SELECT i.id,
                 CASE WHEN max(l.kind = 'void') THEN 'void'
                   -- Given up and paid twice over: one of the payments was taken back since. Earlier
                   -- versions said so, and said open of what else was below nothing by hindsight.
                   WHEN sum(l.receivable_minor + l.loss_minor) < 0
                     AND max(l.id) <= (SELECT earlier_entries FROM database_info)
                     AND max(CASE WHEN l.kind = 'write_off' THEN l.id END)
                       > max(CASE WHEN l.receivable_minor > 0 THEN l.id END)
                     THEN 'uncollectible'
                   -- Below nothing where what came was recorded later than what had taken its place.
                   WHEN sum(l.receivable_minor + l.loss_minor) = 0
                     OR (sum(l.receivable_minor + l.loss_minor) < 0
                       AND max(l.id) > (SELECT earlier_entries FROM database_info))
                     THEN CASE
                     -- Neither money nor credit settled any of it.
                     WHEN max(l.kind = 'credit_note') AND sum(CASE WHEN l.kind IN ('payment',
                         'charge', 'reversal', 'credit_applied', 'credit_unapplied')
                       THEN l.receivable_minor + l.loss_minor ELSE 0 END) = 0 THEN 'credited'
                     ELSE 'paid' END
                   WHEN sum(l.loss_minor) > 0 THEN 'uncollectible'
                   ELSE 'open' END,
                 sum(CASE WHEN l.kind NOT IN ('void', 'credit_note') THEN l.revenue_minor + l.tax_minor ELSE 0 END),
                 sum(l.receivable_minor + l.loss_minor),
                 -- On the day of its latest payment that was not taken back (earlier versions: also of one
                 -- that was all surplus); else nothing was left to be paid from a coupon's day on, or from
                 -- its issue.
                 coalesce((SELECT max(day)
                     FROM (SELECT min(p.booked_on) AS day FROM ledger p
                       WHERE p.invoice_id = i.id AND p.booked_on <= :day
                         AND p.kind IN ('payment', 'charge', 'reversal')
                       GROUP BY p.transaction_id
                       HAVING CASE WHEN max(p.id) <= (SELECT earlier_entries FROM database_info)
                         THEN sum(p.cash_minor) > 0
                         ELSE sum(p.receivable_minor + p.loss_minor) < 0 END
                       UNION ALL
                       -- Or on that on which credit was applied last that was not taken off again.
                       SELECT u.applied_on FROM credit_uses u INDEXED BY credit_uses_invoice
                       WHERE u.invoice_id = i.id AND u.applied_on <= :day
                         AND (u.unapplied_at IS NULL OR u.unapplied_at >= :before)
                       UNION ALL
                       -- Or on that of a credit note that took something off it.
                       SELECT p.booked_on FROM ledger p
                       WHERE p.invoice_id = i.id AND p.booked_on <= :day
                         AND p.kind IN ('credit_note', 'credit_netted')
                         AND p.receivable_minor + p.loss_minor <> 0)),
                   max(CASE WHEN l.kind = 'discount' THEN l.booked_on END), i.issued_on)
               FROM changed c JOIN invoices i ON i.id = c.id
               JOIN ledger l ON l.invoice_id = i.id AND l.booked_on <= :day
               WHERE i.status <> 'draft' AND ",
            $condition,
            " GROUP BY i.id)"
        )
    };
}

/// The business day on which the payment `x` was made, also of one that was taken back.
macro_rules! made_on {
    () => {
        "(SELECT l.booked_on FROM ledger l
          WHERE l.transaction_id = x.id AND l.kind IN ('payment', 'charge'))"
    };
}

mod kpi;
mod outlook;
mod overdue;
mod tax;
mod transactions;
mod usage;

pub use kpi::{InvoiceSums, NewPayers, Span};
pub use outlook::Cohort;
pub use overdue::{End, OverdueInvoice};
pub use tax::TaxSum;
pub use transactions::{Tally, TallyKey, WentBack};
pub use usage::UsageSum;
