//! What `db check` proves: that the file is sound, and that what is kept agrees with what it can
//! be recomputed from.

use super::{Access, Store};
use crate::domain::{Result, coupon};

/// Something that does not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    /// What was found, naming the row.
    pub detail: String,
}

/// What a check found.
#[derive(Debug, Default)]
pub struct Found {
    /// The first of them.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub more: u64,
}

impl Found {
    fn add(&mut self, check: &'static str, detail: String) {
        match self.findings.len() < MOST_NAMED {
            true => self.findings.push(Finding { check, detail }),
            false => self.more += 1,
        }
    }
}

/// So many findings of one check are named: a file that is damaged all over would fill the memory.
const MOST_NAMED: usize = 100;

/// One check: its name, what it proves, and the query that returns what breaks it.
#[derive(Debug)]
pub struct Check {
    pub name: &'static str,
    pub proves: &'static str,
    sql: &'static str,
}

/// What SQL alone cannot see of a coupon: that it is read, and found by its code.
fn bad_coupon(row: &rusqlite::Row) -> rusqlite::Result<Option<String>> {
    let code: String = row.get("code")?;
    Ok(match super::coupons::coupon(row) {
        Err(error) => Some(format!("{code} cannot be read: {error}")),
        Ok(coupon) if coupon::fold(&code) != row.get::<_, String>("code_folded")? => {
            Some(format!("{} is not found by its code", coupon.code))
        }
        Ok(coupon) if coupon.offer.check().is_err() || !coupon.offer.discount.is_sound() => {
            Some(format!("{code} has values that no coupon may have"))
        }
        Ok(_) => None,
    })
}

/// The check that holds only where credit is used by itself (`[invoicing] apply_credit`).
pub const CHASED: &str = "chased";

/// The check that no one query makes: sums of decimal text are exact.
const USAGE: &str = "usage";

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
              HAVING coalesce(sum(x.applied_minor), 0) <> i.paid_minor - i.paid_elsewhere_minor
              UNION ALL
              SELECT 'txn_' || x.id || ' is ' || x.amount_minor || ' on account, its credit is of '
                || coalesce(c.amount_minor, 0)
              FROM transactions x LEFT JOIN credits c ON c.transaction_id = x.id
              WHERE x.kind = 'payment' AND x.invoice_id IS NULL
                AND (c.source IS NOT 'on_account' OR c.amount_minor <> x.amount_minor)",
    },
    Check {
        name: "currencies",
        proves: "each transaction is in the currency of its invoice",
        sql: "SELECT 'txn_' || x.id || ' is in ' || x.currency || ', ' || i.number || ' in ' || i.currency
              FROM transactions x JOIN invoices i ON i.id = x.invoice_id
              WHERE x.currency <> i.currency
              UNION ALL
              SELECT 'txn_' || x.id || ' is in ' || x.currency || ', crd_' || c.id || ' in ' || c.currency
              FROM credits c JOIN transactions x ON x.id = c.transaction_id
              WHERE x.currency <> c.currency",
    },
    Check {
        name: "numbers",
        proves: "the numbers of each series have no gap",
        sql: "SELECT s.series || ': the last is ' || s.last || ', ' || s.skipped
                || ' were passed over, and ' || count(i.id) || ' were issued'
              FROM number_sequences s
              LEFT JOIN (SELECT id, series FROM invoices WHERE origin = 'issued'
                UNION ALL SELECT id, series FROM credit_notes WHERE origin = 'issued') i
                ON i.series = s.series
              GROUP BY s.series HAVING count(i.id) + s.skipped <> s.last",
    },
    Check {
        name: "periods",
        proves: "no two live invoices bill the same time of one subscription",
        sql: "SELECT before || ' and ' || number || ' bill the same time of sub_' || subscription_id
              FROM (SELECT number, subscription_id, period_start,
                      lag(number) OVER of_one AS before,
                      lag(coalesce(billed_until, period_end)) OVER of_one AS until
                    FROM invoices WHERE purpose = 'period' AND status <> 'void'
                      AND (billed_until IS NULL OR billed_until > period_start)
                    WINDOW of_one AS (PARTITION BY subscription_id ORDER BY period_start))
              WHERE period_start < until",
    },
    Check {
        name: "gaps",
        proves: "each period starts where the one before it ends, or where billing begins anew",
        // Sorted together, not joined: no index leads to the end of a period.
        sql: "SELECT 'sub_' || subscription_id || ': a period starts on ' || day
                || ', where none ends and nothing begins'
              FROM (SELECT subscription_id, period_start AS day, 0 AS expected FROM invoices
                    WHERE purpose = 'period'
                    UNION ALL
                    SELECT id, next_billing_on, 0 FROM subscriptions WHERE status = 'active'
                    UNION ALL
                    SELECT subscription_id, coalesce(billed_until, period_end), 1 FROM invoices
                    WHERE purpose = 'period'
                    UNION ALL
                    SELECT subscription_id, starts_on, 1 FROM billing_starts)
              GROUP BY subscription_id, day HAVING max(expected) = 0",
    },
    Check {
        name: "pointers",
        proves: "the next period to be billed of each active subscription is not billed",
        sql: "SELECT 'sub_' || s.id || ' is to be billed from ' || s.next_billing_on || ', and '
                || i.number || ' bills until ' || coalesce(i.billed_until, i.period_end)
              FROM subscriptions s JOIN invoices i ON i.subscription_id = s.id
                AND i.purpose = 'period' AND i.status <> 'void'
                AND coalesce(i.billed_until, i.period_end) > s.next_billing_on
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
        name: "codes",
        proves: "each coupon can be read, and is found by its code",
        sql: "SELECT * FROM coupons",
    },
    Check {
        name: "discounts",
        proves: "each discounted invoice has one live usage of its coupon, over the same amounts",
        sql: "SELECT i.number || ' has a discount of ' || i.discount_minor
                || CASE WHEN u.id IS NULL THEN ', which no usage of a coupon tells of'
                     ELSE ', the usage of its coupon says ' || u.discount_minor END
              FROM invoices i
              LEFT JOIN coupon_usages u ON u.invoice_id = i.id AND u.returned_at IS NULL
              WHERE i.status <> 'void' AND (i.coupon_id IS NOT NULL OR i.discount_minor > 0)
                AND (u.id IS NULL OR u.coupon_id IS NOT i.coupon_id
                  OR u.discount_minor <> i.discount_minor OR u.original_minor <> i.subtotal_minor
                  OR u.currency <> i.currency)
              UNION ALL
              SELECT i.number || ' has no discount, and use_' || u.id || ' is not returned'
              FROM coupon_usages u JOIN invoices i ON i.id = u.invoice_id
              WHERE u.returned_at IS NULL AND u.credit_note_id IS NULL
                AND (i.status = 'void' OR i.coupon_id IS NULL)
              UNION ALL
              SELECT 'use_' || u.id || ' gave ' || u.discount_minor || ' off ' || i.number || ', '
                || n.number || ' says ' || n.subtotal_minor
              FROM coupon_usages u JOIN invoices i ON i.id = u.invoice_id
              JOIN credit_notes n ON n.id = u.credit_note_id
              WHERE n.invoice_id <> u.invoice_id OR n.subtotal_minor <> u.discount_minor",
    },
    Check {
        name: "redemptions",
        proves: "a use is returned when no invoice has its discount and none can follow, and only then",
        sql: "WITH r AS (SELECT r.*, s.status AS standing, s.unbilled_from, c.duration, c.duration_periods,
                  (SELECT count(*) FROM coupon_usages u
                   WHERE u.redemption_id = r.id AND u.returned_at IS NULL) AS live,
                  r.ended_at IS NOT NULL AND r.periods_left > 0 AND s.status <> 'canceled'
                    AND r.returned_at IS NULL AND r.removed_at IS NULL AS waits
                FROM redemptions r JOIN coupons c ON c.id = r.coupon_id
                LEFT JOIN subscriptions s ON s.id = r.subscription_id)
              SELECT 'red_' || id || ' is not returned, and no invoice has it or can have it' FROM r
              WHERE returned_at IS NULL AND live = 0 AND ended_at IS NOT NULL AND waits IS NOT 1
              UNION ALL
              SELECT 'red_' || id || ' is returned, and ' || live || ' invoices have it' FROM r
              WHERE returned_at IS NOT NULL AND live > 0
              UNION ALL
              SELECT 'red_' || id || ' waits for an invoice of sub_' || subscription_id
                || ', which is canceled' FROM r
              WHERE returned_at IS NULL AND ended_at IS NULL AND standing = 'canceled'
                AND unbilled_from IS NULL
                AND subscription_id NOT IN (SELECT subscription_id FROM reopened_periods)
              UNION ALL
              SELECT 'red_' || id || ' runs, and has nothing to run for' FROM r
              WHERE ended_at IS NULL AND (subscription_id IS NULL OR periods_left = 0)
              UNION ALL
              SELECT 'red_' || id || ' has periods left and waits, and no other runs' FROM r
              WHERE waits = 1 AND NOT EXISTS (SELECT 1 FROM redemptions o
                WHERE o.subscription_id = r.subscription_id AND o.ended_at IS NULL
                  AND o.returned_at IS NULL)
              UNION ALL
              SELECT 'red_' || id || ' has ' || coalesce(periods_left, 'all') || ' periods left and '
                || live || ' invoices, and its coupon is for ' || coalesce(duration_periods, duration)
              FROM r WHERE subscription_id IS NOT NULL AND CASE duration
                WHEN 'forever' THEN periods_left IS NOT NULL
                WHEN 'once' THEN coalesce(periods_left, -1) + live <> 1
                ELSE coalesce(periods_left, -1) + live <> duration_periods END
              UNION ALL
              SELECT 'red_' || id || ' is of one invoice, and ' || live || ' have it' FROM r
              WHERE subscription_id IS NULL AND (live > 1 OR periods_left IS NOT 0)
              UNION ALL
              SELECT 'use_' || u.id || ' and red_' || r.id || ' are of two coupons'
              FROM coupon_usages u JOIN redemptions r ON r.id = u.redemption_id
              WHERE u.coupon_id <> r.coupon_id
              UNION ALL
              SELECT 'use_' || u.id || ' is on ' || i.number || ', which is not of sub_'
                || r.subscription_id
              FROM coupon_usages u JOIN redemptions r ON r.id = u.redemption_id
              JOIN invoices i ON i.id = u.invoice_id
              WHERE r.subscription_id IS NOT NULL AND i.subscription_id IS NOT r.subscription_id",
    },
    Check {
        name: "limits",
        proves: "no customer has used a coupon more often than it allows",
        sql: "SELECT c.code || ' was used ' || count(*) || ' times by ' || t.slug || ', and may be '
                || c.max_uses_per_customer || ' times'
              FROM redemptions r JOIN coupons c ON c.id = r.coupon_id
              JOIN tenants t ON t.id = r.tenant_id
              WHERE r.returned_at IS NULL AND c.max_uses_per_customer > 0
              GROUP BY r.coupon_id, r.tenant_id HAVING count(*) > c.max_uses_per_customer",
    },
    Check {
        name: "charges",
        proves: "each charge stands where its last try left it, and took money once",
        sql: "SELECT 'txn_' || x.id || ' is ' || x.status || ', and its last attempt is ' || a.status
              FROM transactions x JOIN charge_attempts a ON a.id =
                (SELECT max(id) FROM charge_attempts WHERE transaction_id = x.id)
              WHERE x.kind = 'charge' AND x.reversed_at IS NULL AND a.status NOT IN (
                CASE x.status WHEN 'succeeded' THEN 'succeeded' WHEN 'pending' THEN 'pending'
                  WHEN 'failed' THEN 'declined' ELSE 'unknown' END,
                CASE x.status WHEN 'unknown' THEN 'prepared' WHEN 'failed' THEN 'not_sent' ELSE '' END)
              UNION ALL
              SELECT 'txn_' || id || ' is a charge without an attempt' FROM transactions x
              WHERE kind = 'charge'
                AND NOT EXISTS (SELECT 1 FROM charge_attempts WHERE transaction_id = x.id)
              UNION ALL
              SELECT 'txn_' || transaction_id || ' took money ' || count(*) || ' times'
              FROM charge_attempts WHERE status = 'succeeded'
              GROUP BY transaction_id HAVING count(*) > 1
              UNION ALL
              SELECT 'txn_' || id || ' has no outcome, and no run looks at it' FROM transactions
              WHERE kind = 'charge' AND status IN ('pending', 'unknown') AND next_retry_at IS NULL",
    },
    Check {
        name: "letters",
        proves: "the bytes of each letter that was sent are kept",
        sql: "SELECT 'eml_' || e.id || ' was sent, and its bytes are gone' FROM emails e
              LEFT JOIN email_messages m ON m.email_id = e.id
              WHERE e.sent_at IS NOT NULL AND m.email_id IS NULL",
    },
    Check {
        name: "ledger",
        proves: "each entry of the ledger balances, in the currency of its invoice",
        sql: "SELECT 'entry ' || l.id || ' (' || l.kind || ') does not balance' FROM ledger l
              WHERE l.receivable_minor + l.cash_minor + l.loss_minor
                <> l.credit_minor + l.revenue_minor + l.tax_minor
              UNION ALL
              SELECT 'entry ' || l.id || ' (' || l.kind || ') is in ' || l.currency || ', '
                || i.number || ' in ' || i.currency
              FROM ledger l JOIN invoices i ON i.id = l.invoice_id
              WHERE l.currency <> i.currency AND l.kind IN ('discount', 'payment', 'charge',
                'reversal', 'write_off', 'void', 'credit_note', 'credit_netted', 'refund')",
    },
    Check {
        name: "dues",
        proves: "what is due on each invoice, and its status, is what the ledger says",
        sql: "SELECT i.number || ' is ' || i.status || ' with ' || i.due_minor
                || ' due, the ledger says ' || coalesce(sum(l.receivable_minor), 0) || ' owed and '
                || coalesce(sum(l.loss_minor), 0) || ' given up'
              FROM invoices i LEFT JOIN ledger l ON l.invoice_id = i.id
              WHERE i.status <> 'draft'
              GROUP BY i.id
              HAVING coalesce(sum(l.receivable_minor), 0)
                  <> CASE i.status WHEN 'open' THEN i.due_minor ELSE 0 END
                OR coalesce(sum(l.loss_minor), 0)
                  <> CASE i.status WHEN 'uncollectible' THEN i.due_minor ELSE 0 END",
    },
    Check {
        name: "paid",
        proves: "what is paid on each invoice is what the ledger says",
        sql: "SELECT i.number || ' has ' || i.paid_minor || ' paid, the ledger says '
                || coalesce(-sum(l.receivable_minor + l.loss_minor), 0)
              FROM invoices i LEFT JOIN ledger l ON l.invoice_id = i.id
                AND l.kind NOT IN ('invoice', 'discount', 'write_off', 'void', 'credit_applied',
                  'credit_unapplied', 'credit_note', 'credit_netted')
              -- A correction takes back the issue too: of those that had one, the dues tell.
              WHERE i.status <> 'draft' AND NOT EXISTS (SELECT 1 FROM ledger c
                WHERE c.invoice_id = i.id AND c.kind = 'correction')
              GROUP BY i.id
              HAVING coalesce(-sum(l.receivable_minor + l.loss_minor), 0) <> i.paid_minor",
    },
    Check {
        name: "revenue",
        proves: "what each invoice comes to, and its tax, is what the ledger says",
        sql: "SELECT i.number || ' comes to ' || i.total_minor || ' with ' || i.tax_minor
                || ' of tax, the ledger says ' || coalesce(sum(l.revenue_minor + l.tax_minor), 0)
                || ' with ' || coalesce(sum(l.tax_minor), 0)
              FROM invoices i LEFT JOIN ledger l ON l.invoice_id = i.id AND l.kind <> 'credit_note'
              WHERE i.status <> 'draft'
              GROUP BY i.id
              HAVING coalesce(sum(l.revenue_minor + l.tax_minor), 0)
                  <> CASE i.status WHEN 'void' THEN 0 ELSE i.total_minor END
                OR coalesce(sum(l.tax_minor), 0)
                  <> CASE i.status WHEN 'void' THEN 0 ELSE i.tax_minor END",
    },
    Check {
        name: "credits",
        proves: "the money and the credit of each transaction are what the ledger says",
        sql: "SELECT 'txn_' || x.id || ' brought ' || x.cash || ' and left ' || x.credit
                || ' of credit, the ledger says ' || coalesce(sum(l.cash_minor), 0) || ' and '
                || coalesce(sum(l.credit_minor), 0)
              FROM (SELECT id,
                      CASE WHEN status <> 'succeeded' THEN 0
                        WHEN kind = 'refund' THEN -amount_minor ELSE amount_minor END AS cash,
                      CASE WHEN status <> 'succeeded' THEN 0
                        WHEN kind = 'refund' THEN -amount_minor ELSE amount_minor - applied_minor END
                        AS credit
                    FROM transactions) x
              LEFT JOIN ledger l ON l.transaction_id = x.id
                AND l.kind NOT IN ('credit_applied', 'credit_unapplied', 'refund_lost')
              GROUP BY x.id
              HAVING coalesce(sum(l.cash_minor), 0) <> x.cash
                OR coalesce(sum(l.credit_minor), 0) <> x.credit",
    },
    Check {
        name: "history",
        proves: "the last of each history is how its invoice or tenant stands",
        sql: "SELECT i.number || ' stands otherwise than its history says' FROM invoices i
              JOIN invoice_states h ON h.id =
                (SELECT max(id) FROM invoice_states WHERE invoice_id = i.id)
              WHERE h.stage <> i.stage OR h.warned_on IS NOT i.warned_on
                OR h.set_back_on IS NOT i.set_back_on OR h.promised_until IS NOT i.promised_until
                OR h.warning_email_id IS NOT i.warning_email_id
                OR h.disputed <> (i.disputed_at IS NOT NULL)
              UNION ALL
              SELECT number || ' stands at ' || stage || ', and has no history' FROM invoices i
              WHERE stage <> 'none'
                AND NOT EXISTS (SELECT 1 FROM invoice_states WHERE invoice_id = i.id)
              UNION ALL
              SELECT t.slug || ' is ' || t.status || ', its history says ' || h.status
              FROM tenants t JOIN tenant_states h ON h.id =
                (SELECT max(id) FROM tenant_states WHERE tenant_id = t.id)
              WHERE h.status <> t.status",
    },
    Check {
        name: "items",
        proves: "each subscription has items, each plan once, of one interval and currency, and its lines bill those",
        sql: "SELECT 'sub_' || s.id || ' has no item' FROM subscriptions s
              WHERE NOT EXISTS (SELECT 1 FROM subscription_items
                WHERE subscription_id = s.id AND standing IN ('current', 'leaves'))
              UNION ALL
              -- As they are, and as they will be.
              SELECT 'sub_' || x.subscription_id || x.has
                || CASE WHEN count(DISTINCT x.plan_id) < count(*) THEN ' two items of a plan'
                  ELSE ' items of two intervals, currencies or kinds of tax' END
              FROM (SELECT subscription_id, ' has' AS has, plan_id, price_id
                    FROM subscription_items WHERE standing IN ('current', 'leaves')
                    UNION ALL
                    SELECT subscription_id, ' is to have', coalesce(pending_plan_id, plan_id),
                      coalesce(pending_price_id, price_id)
                    FROM subscription_items WHERE standing IN ('current', 'joins')) x
              JOIN plans p ON p.id = x.plan_id JOIN prices r ON r.id = x.price_id
              GROUP BY x.subscription_id, x.has
              HAVING count(DISTINCT p.interval || p.interval_count || r.currency
                  || p.tax_inclusive) > 1
                OR count(DISTINCT x.plan_id) < count(*)
              UNION ALL
              SELECT i.number || ' bills item_' || l.item_id || ', which is not of '
                || coalesce('sub_' || i.subscription_id, 'it')
              FROM invoice_lines l JOIN invoices i ON i.id = l.invoice_id
              JOIN subscription_items o ON o.id = l.item_id
              WHERE o.subscription_id IS NOT i.subscription_id",
    },
    Check {
        name: "price_moves",
        proves: "a price in whose place another comes is archived, and in the same currency",
        sql: "SELECT p.code || ' has a price in ' || r.currency || ' that goes to another, and is '
                || CASE WHEN r.archived_at IS NULL THEN 'live' ELSE 'in another currency' END
              FROM price_moves m JOIN prices r ON r.id = m.old_price_id
              JOIN prices n ON n.id = m.new_price_id JOIN plans p ON p.id = m.plan_id
              WHERE r.archived_at IS NULL OR r.currency <> n.currency",
    },
    Check {
        name: "states",
        proves: "the history of each subscription ends with how it stands",
        sql: "SELECT 'sub_' || s.id || ' is ' || s.status || ' with item_' || i.id
                || ', and its history ends otherwise'
              FROM subscriptions s JOIN subscription_items i ON i.subscription_id = s.id
              LEFT JOIN subscription_states h ON h.id = (SELECT max(id) FROM subscription_states
                WHERE subscription_id = s.id AND item_id = i.id)
              WHERE CASE WHEN i.standing IN ('current', 'leaves') THEN h.id IS NULL
                    OR h.status <> s.status OR h.plan_id <> i.plan_id OR h.price_id <> i.price_id
                    OR h.quantity <> i.quantity
                  -- One that never joined, or was never had, has none.
                  ELSE h.status <> 'canceled' END",
    },
    Check {
        name: "events",
        proves: "what each event says is what was recorded",
        sql: "SELECT e.id, e.text_hash, x.salt, x.reason, x.data
              FROM events e LEFT JOIN event_texts x ON x.event_id = e.id",
    },
    Check {
        name: "credit_left",
        proves: "what is left of each credit is what neither pays an invoice nor goes back",
        sql: "SELECT 'crd_' || id || ' has ' || left_minor || ' left of ' || amount_minor || ', and '
                || uses || ' pay invoices, ' || held || ' go back, ' || netted_minor || ' are set off'
              FROM (SELECT c.*,
                  (SELECT coalesce(sum(amount_minor), 0) FROM credit_uses u
                   WHERE u.credit_id = c.id AND u.unapplied_at IS NULL) AS uses,
                  (SELECT coalesce(sum(amount_minor - lost_minor), 0) FROM credit_refunds h
                   WHERE h.credit_id = c.id AND h.failed_at IS NULL) AS held
                FROM credits c)
              WHERE left_minor <> CASE WHEN taken_back_at IS NULL
                  THEN amount_minor - uses - held - netted_minor ELSE 0 END
                OR (taken_back_at IS NOT NULL AND uses + held > 0)",
    },
    Check {
        name: "credit_balances",
        proves: "what is left of the credit of each customer is what the ledger says",
        sql: "SELECT t.slug || ' has ' || sum(s.left_minor) || ' ' || s.currency
                || ' in credit, the ledger says ' || sum(s.ledger)
              FROM (SELECT tenant_id, currency, left_minor, 0 AS ledger FROM credits
                    UNION ALL
                    -- What is on its way back is booked when it arrives.
                    SELECT h.tenant_id, h.currency, h.amount_minor - h.lost_minor, 0
                    FROM credit_refunds h JOIN transactions x ON x.id = h.transaction_id
                    WHERE h.failed_at IS NULL AND x.status <> 'succeeded'
                    UNION ALL
                    SELECT tenant_id, currency, 0, credit_minor FROM ledger
                    INDEXED BY ledger_credit WHERE credit_minor <> 0) s
              JOIN tenants t ON t.id = s.tenant_id
              GROUP BY s.tenant_id, s.currency HAVING sum(s.left_minor) <> sum(s.ledger)",
    },
    Check {
        name: "credit_applied",
        proves: "the credit that pays each invoice is what its uses and the ledger say",
        sql: "SELECT number || ' has ' || applied || ' of credit, its uses come to ' || uses
                || ', the ledger says ' || ledger
              FROM (SELECT i.number, i.credit_applied_minor AS applied,
                      (SELECT coalesce(sum(amount_minor), 0) FROM credit_uses
                       WHERE invoice_id = i.id AND unapplied_at IS NULL) AS uses,
                      (SELECT coalesce(-sum(receivable_minor + loss_minor), 0) FROM ledger
                       WHERE invoice_id = i.id AND kind IN ('credit_applied', 'credit_unapplied'))
                        AS ledger
                    FROM invoices i
                    WHERE i.credit_applied_minor > 0
                      OR i.id IN (SELECT invoice_id FROM credit_uses))
              WHERE applied <> uses OR applied <> ledger",
    },
    Check {
        name: "credit_notes",
        proves: "what credit notes took back of each invoice is what the ledger says, and no more than it",
        sql: "SELECT number || ' has credit notes over ' || notes || ' of ' || tax || ' tax, the ledger says '
                || ledger || ' of ' || ledger_tax || ', the invoice ' || copy
              FROM (SELECT i.number, i.credit_notes_minor AS copy, i.total_minor, i.tax_minor, i.origin,
                  (SELECT coalesce(sum(total_minor), 0) FROM credit_notes WHERE invoice_id = i.id)
                    AS notes,
                  (SELECT coalesce(sum(tax_minor), 0) FROM credit_notes WHERE invoice_id = i.id)
                    AS tax,
                  (SELECT coalesce(-sum(revenue_minor + tax_minor), 0) FROM ledger
                   WHERE invoice_id = i.id AND kind = 'credit_note') AS ledger,
                  (SELECT coalesce(-sum(tax_minor), 0) FROM ledger
                   WHERE invoice_id = i.id AND kind = 'credit_note') AS ledger_tax
                FROM invoices i WHERE i.credit_notes_minor > 0
                  OR i.id IN (SELECT invoice_id FROM credit_notes))
              WHERE notes <> copy OR notes <> ledger OR tax <> ledger_tax OR notes > total_minor
                -- What of an imported invoice was tax may not be known, and a note may state it.
                OR (tax > tax_minor AND NOT (origin = 'imported' AND tax_minor = 0))
              UNION ALL
              SELECT n.number || ': lines come to ' || coalesce(sum(l.amount_minor), 0) || ' less '
                || coalesce(sum(l.discount_minor), 0) || ', net ' || coalesce(sum(l.net_minor), 0)
              FROM credit_notes n LEFT JOIN credit_note_lines l ON l.credit_note_id = n.id
              GROUP BY n.id HAVING coalesce(sum(l.amount_minor), 0) <> n.subtotal_minor
                OR coalesce(sum(l.discount_minor), 0) <> n.discount_minor
                OR coalesce(sum(l.net_minor), 0) <> n.total_minor - n.tax_minor",
    },
    Check {
        name: "credited",
        proves: "what credit notes took off what is due is what their splits and the ledger say",
        sql: "SELECT number || ' has ' || credited_minor || ' credited, its notes say ' || notes
                || ', the ledger ' || ledger
              FROM (SELECT i.number, i.credited_minor,
                  (SELECT coalesce(sum(reduces_due_minor), 0) FROM credit_notes
                   WHERE invoice_id = i.id) AS notes,
                  (SELECT coalesce(-sum(receivable_minor + loss_minor), 0) FROM ledger
                   WHERE invoice_id = i.id AND kind IN ('credit_note', 'credit_netted')) AS ledger
                FROM invoices i WHERE i.credit_notes_minor > 0
                  OR i.id IN (SELECT invoice_id FROM credit_notes))
              WHERE credited_minor <> notes OR credited_minor <> ledger
              UNION ALL
              SELECT n.number || ' gave back ' || (n.refunded_minor + n.outside_minor)
                || ', its refunds come to ' || coalesce(sum(h.amount_minor), 0) || ', of which '
                || coalesce(sum(h.lost_minor), 0) || ' are lost'
              FROM credit_notes n LEFT JOIN credits c ON c.credit_note_id = n.id
              LEFT JOIN credit_refunds h ON h.credit_id = c.id AND h.failed_at IS NULL
              GROUP BY n.id
              HAVING coalesce(sum(h.amount_minor), 0) <> n.refunded_minor + n.outside_minor
                OR coalesce(sum(h.lost_minor), 0) <> n.lost_minor",
    },
    Check {
        name: "refunds",
        proves: "no payment gives back more than it brought, and each refund holds as much credit",
        sql: "SELECT 'txn_' || p.id || ' brought ' || p.amount_minor || ', and ' || sum(r.amount_minor)
                || ' of it go back'
              FROM transactions p JOIN transactions r INDEXED BY transactions_refunds
                ON r.refund_of = p.id
              WHERE p.kind <> 'refund' AND (r.status <> 'failed' OR r.next_retry_at IS NOT NULL)
              GROUP BY p.id HAVING sum(r.amount_minor) > p.amount_minor
              UNION ALL
              SELECT 'txn_' || x.id || ' gives back ' || x.amount_minor || ', and holds '
                || coalesce(sum(h.amount_minor), 0) || ' of credit'
              FROM transactions x LEFT JOIN credit_refunds h ON h.transaction_id = x.id
                AND h.failed_at IS NULL
              WHERE x.kind = 'refund'
              GROUP BY x.id HAVING coalesce(sum(h.amount_minor), 0)
                <> CASE WHEN x.status <> 'failed' OR x.next_retry_at IS NOT NULL
                  THEN x.amount_minor ELSE 0 END",
    },
    Check {
        name: CHASED,
        proves: "no customer was chased for an invoice that its credit could have paid",
        sql: "SELECT DISTINCT i.number || ' was chased, while ' || t.slug || ' has credit'
              FROM credits c INDEXED BY credits_left
              JOIN invoices i INDEXED BY invoices_open ON i.tenant_id = c.tenant_id
                AND i.status = 'open' AND i.currency = c.currency
              JOIN dunning_steps s ON s.invoice_id = i.id
              JOIN runs r ON r.id = s.run_id AND r.as_of > max(c.created_at,
                -- Since when it is free: it may have paid another one, or been on its way back, or
                -- a person kept it off this one until putting a part of it back.
                coalesce((SELECT max(CASE WHEN u.invoice_id = i.id
                    THEN max(u.applied_at, coalesce(u.unapplied_at, ''))
                    ELSE coalesce(u.unapplied_at, '') END)
                  FROM credit_uses u WHERE u.credit_id = c.id), ''),
                coalesce((SELECT max(h.failed_at) FROM credit_refunds h
                  WHERE h.credit_id = c.id), ''),
                -- Since when the invoice takes it: until then its money may have been on its way.
                coalesce((SELECT max(x.updated_at) FROM transactions x
                  WHERE x.invoice_id = i.id AND x.kind = 'charge'), ''))
              JOIN tenants t ON t.id = c.tenant_id
              WHERE c.left_minor > 0 AND i.disputed_at IS NULL AND i.promised_until IS NULL
                AND NOT EXISTS (SELECT 1 FROM credit_uses u WHERE u.invoice_id = i.id
                  AND u.credit_id = c.id AND u.kept_off = 1)
                AND NOT EXISTS (SELECT 1 FROM transactions x WHERE x.invoice_id = i.id
                  AND x.kind = 'charge' AND x.status IN ('pending', 'unknown'))",
    },
    Check {
        name: "gateway_references",
        proves: "no gateway gave the charges of two invoices one reference",
        sql: "SELECT a.gateway || ' gave the reference ' || a.reference || ' to the charges of '
                || group_concat(DISTINCT i.number)
              FROM charge_attempts a JOIN transactions x ON x.id = a.transaction_id
              JOIN invoices i ON i.id = x.invoice_id
              WHERE a.reference IS NOT NULL AND x.status IN ('succeeded', 'pending')
              GROUP BY a.reference, a.gateway
              HAVING count(DISTINCT x.invoice_id) > 1",
    },
    Check {
        name: "prices",
        proves: "the tiers of each price that has some end with one that has no bound",
        sql: "SELECT p.code || ': nothing says what is above the last tier of its price in ' || r.currency
                || ' (' || r.model || ')'
              FROM prices r JOIN plans p ON p.id = r.plan_id
              WHERE r.model IN ('graduated', 'volume') AND NOT EXISTS
                (SELECT 1 FROM price_tiers WHERE price_id = r.id AND up_to IS NULL)",
    },
    Check {
        name: "pending",
        proves: "each pending item that was taken is on one live invoice, as it was, and on no other",
        sql: "SELECT 'pit_' || p.id || ' was taken by ' || i.number || ', which '
                || CASE i.status WHEN 'void' THEN 'is void'
                   ELSE 'has ' || count(l.position) || ' lines of it' END
              FROM pending_items p JOIN invoices i ON i.id = p.invoice_id
              LEFT JOIN invoice_lines l ON l.invoice_id = i.id AND l.pending_item_id = p.id
              GROUP BY p.id HAVING i.status = 'void' OR count(l.position) <> 1
              UNION ALL
              SELECT i.number || ' bills pit_' || p.id || ', which '
                || CASE WHEN p.invoice_id IS NOT i.id THEN 'it has not taken'
                   ELSE 'is of ' || p.amount_minor || ' ' || p.currency END
              FROM invoice_lines l JOIN invoices i ON i.id = l.invoice_id
              JOIN pending_items p ON p.id = l.pending_item_id
              WHERE i.status <> 'void' AND (p.invoice_id IS NOT i.id OR i.currency <> p.currency
                OR l.discountable <> p.discountable
                OR (i.tax_inclusive = p.tax_inclusive AND l.amount_minor <> p.amount_minor))",
    },
    Check {
        name: USAGE,
        proves: "the totals of each day's usage are what its events come to",
        sql: "",
    },
    Check {
        name: "usage-lines",
        proves: "each line that bills usage is of the subscription and the time that it bills",
        sql: "SELECT i.number || ' bills usage of sub_' || u.subscription_id || ' in line ' || u.position
              FROM usage_lines u JOIN invoices i ON i.id = u.invoice_id
              JOIN invoice_lines l ON l.invoice_id = u.invoice_id AND l.position = u.position
              WHERE i.subscription_id IS NOT u.subscription_id OR l.period_start <> u.starts_on
              UNION ALL
              SELECT 'sub_' || subscription_id || ' has two periods of usage on ' || starts_on
              FROM (SELECT subscription_id, starts_on,
                      lag(ends_on) OVER (PARTITION BY subscription_id ORDER BY starts_on) AS until
                    FROM usage_periods)
              WHERE starts_on < until
              UNION ALL
              SELECT 'sub_' || subscription_id || ' used ' || value || ' on ' || day
                || ', which no event says'
              FROM usage_totals WHERE events = 0 AND value <> '0'
              UNION ALL
              SELECT 'sub_' || subscription_id || ' used ' || value || ' on ' || day
                || ', which no event says'
              FROM usage_values v
              WHERE events > 0 AND NOT EXISTS (SELECT 1 FROM usage_totals t
                WHERE t.subscription_id = v.subscription_id AND t.meter_id = v.meter_id
                  AND t.day = v.day AND t.events >= v.events)",
    },
    Check {
        name: "hooks",
        proves: "no hook was told of an event that there is not",
        sql: "SELECT name || ' was told of evt_' || told_id || ', and there is none so late'
              FROM hooks WHERE told_id > (SELECT coalesce(max(id), 0) FROM events)",
    },
    Check {
        name: "checkouts",
        proves: "each checkout stands as its transaction does, and was paid once",
        sql: "SELECT 'cko_' || c.id || ' is ' || c.status || ', and txn_' || x.id || ' is ' || x.status
              FROM checkouts c JOIN transactions x ON x.id = c.transaction_id
              WHERE x.reversed_at IS NULL AND x.status <> CASE c.status WHEN 'expired' THEN 'failed'
                WHEN 'prepared' THEN 'unknown' ELSE c.status END
              UNION ALL
              SELECT 'txn_' || x.id || ' is a checkout that nobody was asked for'
              FROM transactions x LEFT JOIN checkouts c ON c.transaction_id = x.id
              WHERE x.kind = 'checkout' AND c.id IS NULL
              UNION ALL
              SELECT 'cko_' || c.id || ' is paid, and has no transaction' FROM checkouts c
              WHERE c.invoice_id IS NOT NULL AND c.status = 'succeeded' AND c.transaction_id IS NULL
              UNION ALL
              SELECT 'cko_' || c.id || ' and txn_' || x.id || ' are not of one invoice and amount'
              FROM checkouts c JOIN transactions x ON x.id = c.transaction_id
              WHERE x.invoice_id IS NOT c.invoice_id OR x.amount_minor <> c.amount_minor
                OR x.currency <> c.currency OR x.kind <> 'checkout'
              UNION ALL
              SELECT 'cko_' || c.id || ' asks for ' || c.amount_minor || ', and ' || i.due_minor
                || ' are due on ' || i.number
              FROM checkouts c JOIN invoices i ON i.id = c.invoice_id
              WHERE c.ended_at IS NULL AND c.superseded = 0 AND c.amount_minor <> i.due_minor
              UNION ALL
              SELECT 'txn_' || x.id || ' was paid on a page, and has ' || count(a.id) || ' attempts'
              FROM transactions x LEFT JOIN charge_attempts a ON a.transaction_id = x.id
              WHERE x.kind = 'checkout' AND (x.status = 'succeeded' OR x.reversed_at IS NOT NULL)
              GROUP BY x.id HAVING count(a.id) <> 1",
    },
];

impl Store {
    /// Runs every check, and hands over what each found, in their order. Whether the file is sound
    /// takes SQLite as long as all the others together, so that the two halves run side by side, on
    /// a connection each: 1,000,000 invoices then take half the time.
    ///
    /// # Errors
    /// A file too damaged to be read, or what `each` refuses.
    pub fn check_each(
        &mut self,
        mut each: impl FnMut(&'static Check, Found) -> Result<()>,
    ) -> Result<()> {
        let Some((sound, others)) = CHECKS.split_first() else { return Ok(()) };
        let mut beside = Store::open(&self.path, Access::Read)?;
        // It looks every row up in each index: 64 MB of pages kept save a sixth of the time.
        beside.pragma("cache_size", -65_536)?;
        let (sound_found, others_found) = std::thread::scope(|scope| {
            let looked_at = scope.spawn(|| beside.check(sound));
            let others: Vec<_> = others.iter().map(|check| self.check(check)).collect();
            (looked_at.join(), others)
        });
        // A panic of the thread is one of ours.
        each(sound, sound_found.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?)?;
        others.iter().zip(others_found).try_for_each(|(check, found)| each(check, found?))
    }

    /// Runs a check.
    ///
    /// # Errors
    /// A file too damaged to be read.
    pub fn check(&mut self, check: &Check) -> Result<Found> {
        self.read(|db| {
            let mut found = Found::default();
            if check.name == USAGE {
                db.check_usage(|detail| found.add(check.name, detail))?;
                return Ok(found);
            }
            let mut statement = db.conn.prepare(check.sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let detail = match check.name {
                    "codes" => bad_coupon(row)?,
                    "events" => super::events::bad_text(row)?,
                    _ => Some(row.get(0)?),
                };
                if let Some(detail) = detail {
                    found.add(check.name, detail);
                }
            }
            Ok(found)
        })
    }
}
