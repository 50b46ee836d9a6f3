//! What `db check` proves: that the file is sound, and that what is kept agrees with what it can
//! be recomputed from.

use super::{Db, Store};
use crate::domain::Result;

/// Something that does not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    /// What was found, naming the row.
    pub detail: String,
}

/// One check: its name, what it proves, and the query that returns what breaks it.
#[derive(Debug)]
pub struct Check {
    pub name: &'static str,
    pub proves: &'static str,
    sql: &'static str,
}

/// All of them, in the order in which they run.
pub const CHECKS: &[Check] = &[
    Check {
        name: "file",
        proves: "every page, row and index of the file is sound",
        sql: "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    },
    Check {
        name: "references",
        proves: "every row that names another finds it",
        sql: r#"SELECT "table" || ' row ' || coalesce(rowid, '?') || ' names a missing row of ' || parent
              FROM pragma_foreign_key_check"#,
    },
    Check {
        name: "totals",
        proves: "the lines of each invoice add up to its subtotal and discount",
        sql: "SELECT i.number || ': lines come to ' || coalesce(sum(l.amount_minor), 0) || ' less '
                || coalesce(sum(l.discount_minor), 0) || ', the invoice says ' || i.subtotal_minor
                || ' less ' || i.discount_minor
              FROM invoices i LEFT JOIN invoice_lines l ON l.invoice_id = i.id
              GROUP BY i.id
              HAVING coalesce(sum(l.amount_minor), 0) <> i.subtotal_minor
                OR coalesce(sum(l.discount_minor), 0) <> i.discount_minor",
    },
    Check {
        name: "payments",
        proves: "what is paid on each invoice is what its transactions applied",
        sql: "SELECT i.number || ': transactions applied ' || coalesce(sum(x.applied_minor), 0)
                || ', the invoice says ' || (i.paid_minor - i.paid_elsewhere_minor)
              FROM invoices i LEFT JOIN transactions x ON x.invoice_id = i.id
              GROUP BY i.id
              HAVING coalesce(sum(x.applied_minor), 0) <> i.paid_minor - i.paid_elsewhere_minor",
    },
    Check {
        name: "currencies",
        proves: "each transaction is in the currency of its invoice",
        sql: "SELECT 'txn_' || x.id || ' is in ' || x.currency || ', ' || i.number || ' in ' || i.currency
              FROM transactions x JOIN invoices i ON i.id = x.invoice_id
              WHERE x.currency <> i.currency",
    },
    Check {
        name: "numbers",
        proves: "the numbers of each series have no gap",
        sql: "SELECT s.series || ': the last is ' || s.last || ', ' || s.skipped
                || ' were passed over, and ' || count(i.id) || ' were issued'
              FROM number_sequences s
              LEFT JOIN invoices i ON i.series = s.series AND i.origin = 'issued'
              GROUP BY s.series HAVING count(i.id) + s.skipped <> s.last",
    },
    Check {
        name: "periods",
        proves: "no two live invoices bill the same time of one subscription",
        sql: "SELECT before || ' and ' || number || ' bill the same time of sub_' || subscription_id
              FROM (SELECT number, subscription_id, period_start,
                      lag(number) OVER of_one AS before, lag(period_end) OVER of_one AS until
                    FROM invoices WHERE subscription_id IS NOT NULL AND status <> 'void'
                    WINDOW of_one AS (PARTITION BY subscription_id ORDER BY period_start))
              WHERE period_start < until",
    },
    Check {
        name: "gaps",
        proves: "each period starts where the one before it ends, or where billing begins anew",
        sql: "SELECT 'sub_' || p.subscription_id || ': a period starts on ' || p.starts_on
                || ', where none ends and nothing begins'
              FROM (SELECT subscription_id, period_start AS starts_on FROM invoices
                    WHERE subscription_id IS NOT NULL
                    UNION SELECT id, next_billing_on FROM subscriptions WHERE status = 'active') p
              LEFT JOIN invoices i ON i.subscription_id = p.subscription_id
                AND i.period_end = p.starts_on
              LEFT JOIN billing_starts b ON b.subscription_id = p.subscription_id
                AND b.starts_on = p.starts_on
              WHERE i.id IS NULL AND b.starts_on IS NULL",
    },
    Check {
        name: "pointers",
        proves: "the next period to be billed of each active subscription is not billed",
        sql: "SELECT 'sub_' || s.id || ' is to be billed from ' || s.next_billing_on || ', and '
                || i.number || ' bills until ' || i.period_end
              FROM subscriptions s JOIN invoices i ON i.subscription_id = s.id
                AND i.status <> 'void' AND i.period_end > s.next_billing_on
              WHERE s.status = 'active'",
    },
    Check {
        name: "standings",
        proves: "subscriptions run only where their tenant is served",
        sql: "SELECT 'sub_' || s.id || ' is ' || s.status || ', and ' || t.slug || ' is ' || t.status
              FROM subscriptions s JOIN tenants t ON t.id = s.tenant_id
              WHERE s.status IN ('active', 'trialing') AND t.status <> 'active'",
    },
    Check {
        name: "stages",
        proves: "the stage of each invoice was recorded in its history",
        sql: "SELECT i.number || ' stands at ' || i.stage || ', which was never recorded'
              FROM invoices i
              WHERE i.stage <> 'none' AND NOT EXISTS (SELECT 1 FROM dunning_steps s
                WHERE s.invoice_id = i.id AND (s.stage = i.stage
                  OR (i.stage = 'urgent' AND s.stage IN ('warning', 'suspension'))))",
    },
    Check {
        name: "notices",
        proves: "each warning that counts as notice was recorded, and has its letter",
        sql: "SELECT i.number || ' was warned on ' || i.warned_on || ', which was never recorded'
              FROM invoices i
              WHERE i.warned_on IS NOT NULL AND NOT EXISTS (SELECT 1 FROM dunning_steps s
                WHERE s.invoice_id = i.id AND s.dunning_round = i.dunning_round
                  AND s.stage = 'warning' AND s.recorded_on <= i.warned_on)",
    },
    Check {
        name: "suspensions",
        proves: "no open invoice past suspension belongs to a tenant that is served",
        sql: "SELECT i.number || ' is past suspension, and ' || t.slug || ' is active'
              FROM invoices i JOIN tenants t ON t.id = i.tenant_id
              WHERE i.stage = 'suspension' AND i.status = 'open' AND i.disputed_at IS NULL
                AND t.status = 'active'",
    },
    Check {
        name: "coupons",
        proves: "the uses of each coupon are its redemptions that were not returned",
        sql: "SELECT c.code || ': ' || c.current_uses || ' uses, ' || count(r.id) || ' redemptions'
              FROM coupons c
              LEFT JOIN redemptions r ON r.coupon_id = c.id AND r.returned_at IS NULL
              GROUP BY c.id HAVING count(r.id) <> c.current_uses",
    },
    Check {
        name: "letters",
        proves: "the bytes of each letter that was sent are kept",
        sql: "SELECT 'eml_' || e.id || ' was sent, and its bytes are gone' FROM emails e
              LEFT JOIN email_messages m ON m.email_id = e.id
              WHERE e.sent_at IS NOT NULL AND m.email_id IS NULL",
    },
];

impl Store {
    /// Runs a check; hands each finding to `each`.
    ///
    /// # Errors
    /// What `each` refuses, or a file too damaged to be read.
    pub fn check(
        &mut self,
        check: &Check,
        mut each: impl FnMut(Finding) -> Result<()>,
    ) -> Result<()> {
        self.read(|db| {
            let mut statement = db.conn.prepare(check.sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                each(Finding { check: check.name, detail: row.get(0)? })?;
            }
            Ok(())
        })
    }
}

impl Db<'_> {
    /// Money that came in above what was due, and was not given back: the unapplied credit of
    /// each tenant, as `(slug, transaction, currency, minor units)`.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_unapplied_credit(
        &self,
        mut each: impl FnMut(String, crate::domain::TransactionId, crate::domain::Money) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(
            "SELECT t.slug, x.id, x.currency, x.amount_minor - x.applied_minor AS surplus
             FROM transactions x JOIN tenants t ON t.id = x.tenant_id
             WHERE x.status = 'succeeded' AND x.applied_minor < x.amount_minor ORDER BY x.id",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let currency = super::columns::word(row, "currency")?;
            let surplus = super::columns::money(row, "surplus", currency)?;
            each(row.get("slug")?, crate::domain::TransactionId(row.get("id")?), surplus)?;
        }
        Ok(())
    }
}
