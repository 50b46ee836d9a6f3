//! What the database itself forbids, whatever the program does.
mod support;

use rusqlite::Connection;
use support::Shop;

/// A database with two tenants, each with a subscription, an invoice, a payment method and a
/// redemption of a coupon; row 1 is the first one's, row 2 the second one's.
fn two_tenants() -> (Shop, Connection) {
    let shop = Shop::new();
    let first = shop.owes("first", "2026-01-16");
    let second = shop.owes("second", "2026-01-16");
    assert_eq!((first.as_str(), second.as_str()), ("INV-2026-000001", "INV-2026-000002"));
    let sql = shop.sql();
    sql.pragma_update(None, "foreign_keys", true).expect("foreign keys");
    sql.execute_batch(
        "INSERT INTO plans (id, code, name, interval, created_at, updated_at)
         VALUES (1, 'basic', 'Basic', 'month', 't', 't');
         INSERT INTO prices (id, plan_id, currency, model, unit_amount, created_at)
         VALUES (1, 1, 'EUR', 'per_unit', '10.00', 't');
         INSERT INTO coupons (id, code, code_folded, name, discount_type, percent, valid_from,
           valid_to, created_at, updated_at)
         VALUES (1, 'TEN', 'ten', 'Ten', 'percentage', '10', '2026', '2027', 't', 't');
         INSERT INTO subscriptions (id, tenant_id, status, anchor, anchor_on, anchor_day,
           started_on, next_billing_on, created_at, updated_at)
         VALUES (1, 1, 'active', 'calendar', '2026-01-01', 1, '2026-01-01', '2026-01-01', 't', 't'),
                (2, 2, 'active', 'calendar', '2026-01-01', 1, '2026-01-01', '2026-01-01', 't', 't');
         INSERT INTO subscription_items (id, subscription_id, tenant_id, position, plan_id, price_id,
           quantity, created_at, updated_at)
         VALUES (1, 1, 1, 1, 1, 1, 1, 't', 't'), (2, 2, 2, 1, 1, 1, 1, 't', 't');
         INSERT INTO payment_methods (id, tenant_id, kind, token, created_at, updated_at)
         VALUES (1, 1, 'card', 'a', 't', 't'), (2, 2, 'card', 'b', 't', 't');
         INSERT INTO redemptions (id, coupon_id, tenant_id, redeemed_at)
         VALUES (1, 1, 1, 't'), (2, 1, 2, 't');",
    )
    .expect("rows of one tenant each");
    (shop, sql)
}

const INVOICE: &str = "INSERT INTO invoices (number, origin, tenant_id, subscription_id, status,
    currency, subtotal_minor, total_minor, seller_id, buyer_id, issued_on, due_on, period_start,
    period_end, created_at, updated_at) ";

#[test]
fn no_row_joins_two_tenants() {
    let (_shop, sql) = two_tenants();
    let invoice = format!(
        "{INVOICE} VALUES ('X', 'typed', 1, 2, 'open', 'EUR', 1, 1, 1, 1, '2026-01-01',
           '2026-01-02', '2026-01-01', '2026-02-01', 't', 't')"
    );
    let joins = [
        ("an invoice of another tenant's subscription", invoice.as_str()),
        (
            "a transaction of another tenant's invoice",
            "INSERT INTO transactions (invoice_id, tenant_id, kind, status, currency, amount_minor,
               created_at, updated_at) VALUES (2, 1, 'charge', 'failed', 'EUR', 1, 't', 't')",
        ),
        (
            "a charge on another tenant's payment method",
            "INSERT INTO transactions (invoice_id, tenant_id, payment_method_id, kind, status,
               currency, amount_minor, created_at, updated_at)
             VALUES (1, 1, 2, 'charge', 'failed', 'EUR', 1, 't', 't')",
        ),
        (
            "a coupon redeemed for another tenant's subscription",
            "INSERT INTO redemptions (coupon_id, tenant_id, subscription_id, redeemed_at)
             VALUES (1, 1, 2, 't')",
        ),
        (
            "an item of another tenant's subscription",
            "INSERT INTO subscription_items (subscription_id, tenant_id, position, plan_id, price_id,
               quantity, created_at, updated_at) VALUES (2, 1, 2, 1, 1, 1, 't', 't')",
        ),
        (
            "a usage of another tenant's redemption",
            "INSERT INTO coupon_usages (redemption_id, coupon_id, tenant_id, invoice_id,
               original_minor, discount_minor, currency, used_at)
             VALUES (2, 1, 1, 1, 10, 1, 'EUR', 't')",
        ),
        (
            "a usage on another tenant's invoice",
            "INSERT INTO coupon_usages (redemption_id, coupon_id, tenant_id, invoice_id,
               original_minor, discount_minor, currency, used_at)
             VALUES (1, 1, 1, 2, 10, 1, 'EUR', 't')",
        ),
        (
            "a dunning step of another tenant's invoice",
            "INSERT INTO dunning_steps (invoice_id, dunning_round, stage, tenant_id, recorded_on,
               days_overdue) VALUES (2, 1, 'friendly', 1, '2026-01-20', 4)",
        ),
        (
            "a letter about another tenant's invoice",
            "INSERT INTO emails (tenant_id, invoice_id, template, locale, recipient, dedup_key,
               message_id, queued_at, next_try_at)
             VALUES (1, 2, 'invoice', 'en', 'a@b.co', 'k', 'm', 't', 't')",
        ),
        ("an invoice that moves", "UPDATE transactions SET tenant_id = 2 WHERE invoice_id = 1"),
        ("an item that moves", "UPDATE subscription_items SET subscription_id = 2, position = 2 WHERE id = 1"),
        ("a subscription that moves", "UPDATE redemptions SET subscription_id = 2 WHERE id = 1"),
    ];
    sql.execute_batch(
        "INSERT INTO transactions (invoice_id, tenant_id, kind, status, currency, amount_minor,
           created_at, updated_at) VALUES (1, 1, 'charge', 'failed', 'EUR', 1, 't', 't')",
    )
    .expect("a transaction of one tenant");
    for (what, statement) in joins {
        let refused = sql.execute_batch(statement).expect_err(what).to_string();
        assert!(refused.contains("FOREIGN KEY"), "{what}: {refused}");
    }
}

#[test]
fn no_time_of_a_subscription_is_billed_twice() {
    let (_shop, sql) = two_tenants();
    let bill = |number: &str, status: &str, start: &str, end: &str| {
        let closed = if status == "void" { "'t'" } else { "NULL" };
        sql.execute_batch(&format!(
            "INSERT INTO invoices (number, origin, tenant_id, subscription_id, status, currency,
               subtotal_minor, total_minor, seller_id, buyer_id, issued_on, due_on, period_start,
               period_end, closed_at, created_at, updated_at)
             VALUES ('{number}', 'typed', 1, 1, '{status}', 'EUR', 1, 1, 1, 1, '2026-01-01',
               '2026-01-02', '{start}', '{end}', {closed}, 't', 't')"
        ))
    };
    bill("A", "open", "2026-01-01", "2026-02-01").expect("the first period");
    bill("B", "open", "2026-02-01", "2026-03-01").expect("the next period");
    for (start, end) in [
        ("2026-01-01", "2026-02-01"),
        ("2026-01-31", "2026-02-02"),
        ("2025-12-01", "2026-01-02"),
        ("2026-01-10", "2026-01-20"),
        ("2025-01-01", "2027-01-01"),
    ] {
        assert!(bill("C", "open", start, end).is_err(), "{start} to {end}");
    }
    bill("D", "void", "2026-01-01", "2026-02-01").expect("a void invoice bills nothing");
    // A void invoice stays void: it would bill the period again.
    assert!(sql.execute_batch("UPDATE invoices SET status = 'open' WHERE number = 'D'").is_err());
}

#[test]
fn what_was_issued_or_recorded_is_never_rewritten_or_deleted() {
    let (_shop, sql) = two_tenants();
    for statement in [
        "DELETE FROM invoices",
        "DELETE FROM invoice_lines",
        "DELETE FROM events",
        "UPDATE events SET actor = 'nobody'",
        "UPDATE invoices SET number = 'Y' WHERE id = 1",
        "UPDATE invoices SET subtotal_minor = 1 WHERE id = 1",
        "UPDATE invoices SET due_on = '2027-01-01' WHERE id = 1",
        "UPDATE invoices SET tenant_id = 2 WHERE id = 1",
        "UPDATE invoices SET paid_minor = 10001 WHERE id = 1",
        "UPDATE invoices SET paid_minor = -1 WHERE id = 1",
        "UPDATE invoices SET issued_on = '2026-02-30' WHERE id = 1",
    ] {
        assert!(sql.execute_batch(statement).is_err(), "{statement}");
    }
}

#[test]
fn the_database_counts_the_uses_of_a_coupon_and_takes_a_discount_off_once() {
    let (_shop, sql) = two_tenants();
    let uses = || -> i64 {
        let count = sql.query_row("SELECT current_uses FROM coupons", [], |row| row.get(0));
        count.expect("a coupon")
    };
    let run = |statement: &str| sql.execute_batch(statement);
    assert_eq!(uses(), 2);
    run("UPDATE redemptions SET returned_at = 't' WHERE id = 1").expect("a use is returned");
    assert_eq!(uses(), 1);
    run("UPDATE coupons SET max_uses = 1").expect("a limit that is reached");
    run("UPDATE invoices SET discount_minor = 1, total_minor = total_minor - 1, coupon_id = 1
         WHERE id = 1")
    .expect("a discount");
    for statement in [
        "UPDATE redemptions SET returned_at = NULL WHERE id = 1",
        "INSERT INTO redemptions (coupon_id, tenant_id, redeemed_at) VALUES (1, 1, 't')",
        "DELETE FROM redemptions",
        "DELETE FROM coupons",
        "UPDATE coupons SET current_uses = -1",
        "UPDATE invoices SET discount_minor = 2, total_minor = total_minor - 1 WHERE id = 1",
        "UPDATE invoices SET coupon_id = NULL WHERE id = 1",
    ] {
        assert!(run(statement).is_err(), "{statement}");
    }
    run("UPDATE invoices SET status = 'paid', paid_minor = total_minor, paid_on = '2026-01-02'
         WHERE id = 2")
    .expect("a payment");
    let discount = "UPDATE invoices SET discount_minor = 1, total_minor = total_minor - 1,
                      paid_minor = paid_minor - 1 WHERE id = 2";
    assert!(run(discount).is_err());
    assert_eq!(uses(), 1);
}

/// A definition without its comments, however its lines are broken: a column that a migration adds
/// stands on the line of the one before it.
fn plain(sql: &str) -> String {
    let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    words.join(" ").replace(" ,", ",")
}

/// schema.sql as it was at each version that was ever released, lifted by the migrations, is the
/// schema.sql of today.
#[test]
fn an_older_file_is_lifted_to_the_same_schema() {
    let shop = Shop::new();
    let schema = |file: &str| -> Vec<(String, String)> {
        let sql = Connection::open(shop.path(file)).expect("a database");
        let query = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name";
        let mut statement = sql.prepare(query).expect("the schema");
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        let rows: Vec<(String, String)> = rows.collect::<Result<_, _>>().expect("definitions");
        rows.into_iter().map(|(name, sql)| (name, plain(&sql))).collect()
    };
    let released = [include_str!("schema/v1.sql"), include_str!("schema/v2.sql")];
    for (version, old) in (1..).zip(released) {
        let file = format!("v{version}.db");
        {
            let sql = Connection::open(shop.path(&file)).expect("a new file");
            sql.execute_batch(old).expect("the old schema");
            sql.pragma_update(None, "application_id", 0x4249_4C4C).expect("our mark");
            sql.pragma_update(None, "user_version", version).expect("its version");
        }
        shop.ok(&["--db", &file, "db", "migrate"]);
        assert_eq!(schema(&file), schema("billing.db"), "version {version}");
    }
}
