//! What the database itself forbids, whatever the program does.
mod support;

use rusqlite::Connection;
use support::{Shop, versions};

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

const INVOICE: &str = "INSERT INTO invoices (number, origin, tenant_id, subscription_id, purpose,
    status, currency, subtotal_minor, total_minor, seller_id, buyer_id, issued_on, due_on,
    period_start, period_end, closed_at, created_at, updated_at) ";

#[test]
fn no_row_joins_two_tenants() {
    let (_shop, sql) = two_tenants();
    let invoice = format!(
        "{INVOICE} VALUES ('X', 'typed', 1, 2, 'period', 'open', 'EUR', 1, 1, 1, 1, '2026-01-01',
           '2026-01-02', '2026-01-01', '2026-02-01', NULL, 't', 't')"
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
            "an e-mail about another tenant's invoice",
            "INSERT INTO emails (tenant_id, invoice_id, template, locale, recipient, dedup_key,
               message_id, queued_at, next_try_at)
             VALUES (1, 2, 'invoice', 'en', 'a@b.co', 'k', 'm', 't', 't')",
        ),
        (
            "a pending item for another tenant's subscription",
            "INSERT INTO pending_items (tenant_id, subscription_id, currency, description, quantity,
               amount_minor, tax_inclusive, discountable, created_on, created_at)
             VALUES (1, 2, 'EUR', 'x', '1', 1, 0, 0, '2026-01-01', 't')",
        ),
        (
            "a pending item on another tenant's invoice",
            "INSERT INTO pending_items (tenant_id, invoice_id, currency, description, quantity,
               amount_minor, tax_inclusive, discountable, created_on, created_at)
             VALUES (1, 2, 'EUR', 'x', '1', 1, 0, 0, '2026-01-01', 't')",
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
    let bill_for = |purpose: &str, number: &str, status: &str, start: &str, end: &str| {
        let closed = if status == "void" { "'t'" } else { "NULL" };
        sql.execute_batch(&format!(
            "{INVOICE} VALUES ('{number}', 'typed', 1, 1, '{purpose}', '{status}', 'EUR', 1, 1, 1, 1,
               '2026-01-01', '2026-01-02', '{start}', '{end}', {closed}, 't', 't')"
        ))
    };
    let bill = |number: &str, status: &str, start: &str, end: &str| {
        bill_for("period", number, status, start, end)
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
    // What is billed between periods lies in one.
    bill_for("change", "E", "open", "2026-01-15", "2026-02-01").expect("a change in the middle");
    bill_for("change", "F", "open", "2026-01-01", "2026-02-01").expect("a change on the first day");
    bill_for("usage", "G", "open", "2026-01-01", "2026-02-01").expect("the usage of a period");
    bill("H", "open", "2026-03-01", "2026-04-01").expect("a period after them");
    // And stays what it is.
    let moved = sql.execute_batch("UPDATE invoices SET purpose = 'single' WHERE number = 'E'");
    assert!(moved.expect_err("what it bills").to_string().contains("issued"));
    let of_none = format!(
        "{INVOICE} VALUES ('I', 'typed', 1, NULL, 'period', 'open', 'EUR', 1, 1, 1, 1, '2026-01-01',
           '2026-01-02', '2026-05-01', '2026-06-01', NULL, 't', 't')"
    );
    let refused = sql.execute_batch(&of_none).expect_err("a period of no subscription");
    assert!(refused.to_string().contains("CHECK"), "{refused}");
}

#[test]
fn a_price_is_archived_and_never_edited_and_a_plan_has_one_that_is_live() {
    let (_shop, sql) = two_tenants();
    let add = "INSERT INTO prices (plan_id, currency, model, unit_amount, created_at) ";
    for (statement, says) in [
        ("UPDATE prices SET unit_amount = '1.00'", "cannot be changed"),
        ("UPDATE prices SET currency = 'XOF'", "cannot be changed"),
        ("DELETE FROM prices", "cannot be deleted"),
        (&format!("{add} VALUES (1, 'EUR', 'per_unit', '12.00', 't')"), "UNIQUE"),
        (&format!("{add} VALUES (1, 'XOF', 'per_unit', NULL, 't')"), "CHECK"),
        (&format!("{add} VALUES (1, 'XOF', 'per_unit', '-1', 't')"), "CHECK"),
        (&format!("{add} VALUES (1, 'XOF', 'per_unit', '1e3', 't')"), "CHECK"),
        (&format!("{add} VALUES (1, 'XOF', 'by_weight', '1', 't')"), "CHECK"),
        // A price of another plan.
        (
            "INSERT INTO plans (id, code, name, interval, created_at, updated_at)
             VALUES (2, 'other', 'Other', 'month', 't', 't');
             UPDATE subscription_items SET plan_id = 2 WHERE id = 1",
            "FOREIGN KEY",
        ),
        ("UPDATE subscription_items SET pending_quantity = 2 WHERE id = 1", "CHECK"),
        ("UPDATE subscription_items SET quantity = 0 WHERE id = 1", "CHECK"),
    ] {
        let refused = sql.execute_batch(statement).expect_err(statement).to_string();
        assert!(refused.contains(says), "{statement}: {refused}");
    }
    sql.execute_batch("UPDATE prices SET archived_at = 't'").expect("an archived price");
    sql.execute_batch(&format!("{add} VALUES (1, 'EUR', 'per_unit', '12.00', 't')"))
        .expect("a new one in its place");
    assert!(sql.execute_batch("UPDATE prices SET archived_at = NULL WHERE id = 1").is_err());
}

#[test]
fn the_tiers_of_a_price_rise_and_are_those_that_it_was_made_with() {
    let (_shop, sql) = two_tenants();
    let add =
        "INSERT INTO prices (created_at, id, plan_id, currency, model, unit_amount, package_size,
                 included) VALUES ('t', ";
    for values in [
        "2, 1, 'XOF', 'flat', NULL, NULL, 0)",
        "2, 1, 'XOF', 'flat', '1', NULL, 1)",
        "2, 1, 'XOF', 'graduated', '1', NULL, 0)",
        "2, 1, 'XOF', 'package', '1', NULL, 0)",
        "2, 1, 'XOF', 'package', '1', 0, 0)",
        "2, 1, 'XOF', 'per_unit', '1', 10, 0)",
        "2, 1, 'XOF', 'per_unit', '1', NULL, -1)",
    ] {
        let refused = sql.execute_batch(&format!("{add}{values}")).expect_err(values).to_string();
        assert!(refused.contains("CHECK"), "{values}: {refused}");
    }
    sql.execute_batch(
        "INSERT INTO prices (id, plan_id, currency, model, created_at)
         VALUES (2, 1, 'XOF', 'volume', 't');
         INSERT INTO price_tiers VALUES (2, 1, 10, '5', '0'), (2, 2, NULL, '4', '0')",
    )
    .expect("a price with tiers");
    for statement in [
        // Of a price that has none, or has them all.
        "INSERT INTO price_tiers VALUES (1, 1, 10, '5', '0')",
        "INSERT INTO price_tiers VALUES (2, 3, 20, '5', '0')",
        "UPDATE price_tiers SET unit_amount = '1'",
        "DELETE FROM price_tiers",
        "UPDATE prices SET included = 1",
        "UPDATE prices SET minimum_minor = 1",
        "UPDATE prices SET package_size = 1",
    ] {
        assert!(sql.execute_batch(statement).is_err(), "{statement}");
    }
    sql.execute_batch(
        "INSERT INTO prices (id, plan_id, currency, model, created_at)
         VALUES (3, 1, 'USD', 'graduated', 't');
         INSERT INTO price_tiers VALUES (3, 1, 10, '5', '0')",
    )
    .expect("a first tier");
    for values in ["(3, 2, 10, '4', '0')", "(3, 3, NULL, '4', '0')", "(3, 2, NULL, '-4', '0')"] {
        let statement = format!("INSERT INTO price_tiers VALUES {values}");
        assert!(sql.execute_batch(&statement).is_err(), "{statement}");
    }
}

/// What a subscription was is written down whatever changes it, item by item.
#[test]
fn a_pending_item_is_lowered_while_it_waits_and_removed_for_good() {
    let (_shop, sql) = two_tenants();
    sql.execute_batch(
        "INSERT INTO pending_items (id, tenant_id, currency, description, quantity, amount_minor,
           tax_inclusive, discountable, created_on, created_at)
         VALUES (1, 1, 'EUR', 'x', '1', 100, 0, 0, '2026-01-01', 't'),
                (2, 1, 'EUR', 'y', '1', 100, 0, 0, '2026-01-01', 't');
         UPDATE pending_items SET amount_minor = 60 WHERE id = 1;
         UPDATE pending_items SET invoice_id = 1 WHERE id = 1;
         UPDATE pending_items SET removed_at = 't' WHERE id = 2;",
    )
    .expect("what an item lives through");
    let change = |set: &str, id: i64| {
        sql.execute_batch(&format!("UPDATE pending_items SET {set} WHERE id = {id}"))
    };
    for (set, id) in [
        ("amount_minor = 50", 1),
        ("removed_at = 't'", 1),
        ("description = 'z'", 1),
        ("discountable = 1", 1),
        ("amount_minor = 50", 2),
        ("removed_at = NULL", 2),
        ("invoice_id = 1", 2),
    ] {
        assert!(change(set, id).is_err(), "{set} of {id}");
    }
    change("invoice_id = NULL", 1).expect("its invoice was voided");
    for amount in [61, 60, 0, -1] {
        assert!(change(&format!("amount_minor = {amount}"), 1).is_err(), "{amount}");
    }
    assert!(sql.execute_batch("DELETE FROM pending_items").is_err());
}

#[test]
fn the_database_keeps_every_standing_of_every_item() {
    let (_shop, sql) = two_tenants();
    sql.execute_batch(
        "INSERT INTO subscription_items (id, subscription_id, tenant_id, position, plan_id, price_id,
           quantity, created_at, updated_at) VALUES (3, 1, 1, 2, 1, 1, 5, 't2', 't2');
         UPDATE subscription_items SET quantity = 7, updated_at = 't3' WHERE id = 1;
         UPDATE subscription_items SET quantity = 7, updated_at = 't4' WHERE id = 1;
         UPDATE subscriptions SET status = 'suspended', suspended_at = 't5', updated_at = 't5',
           suspended_on = '2026-01-05', suspension_cause = 'manual', suspended_from = 'active'
         WHERE id = 1;
         -- One that joins has no standing before it does, and one that was removed none after.
         INSERT INTO subscription_items (id, subscription_id, tenant_id, position, plan_id, price_id,
           quantity, standing, created_at, updated_at) VALUES (4, 1, 1, 3, 1, 1, 2, 'joins', 't6', 't6');
         UPDATE subscription_items SET quantity = 3, updated_at = 't7' WHERE id = 4;
         UPDATE subscription_items SET standing = 'leaves', updated_at = 't7' WHERE id = 3;
         UPDATE subscriptions SET status = 'active', suspended_at = NULL, updated_at = 't8',
           suspended_on = NULL, suspension_cause = NULL, suspended_from = NULL,
           next_billing_on = '2026-02-01' WHERE id = 1;
         UPDATE subscription_items SET standing = 'current', updated_at = 't9' WHERE id = 4;
         UPDATE subscription_items SET standing = 'removed', removed_at = 't9', updated_at = 't9'
         WHERE id = 3;
         UPDATE subscriptions SET ends_on = '2026-02-01', canceled_at = 'ta', status = 'canceled',
           next_billing_on = NULL, updated_at = 'ta' WHERE id = 1",
    )
    .expect("changes");
    let mut statement = sql
        .prepare(
            "SELECT item_id, since, status, quantity FROM subscription_states
             WHERE subscription_id = 1 ORDER BY id",
        )
        .expect("the history");
    let rows = statement.query_map([], |row| {
        let (since, status): (String, String) = (row.get(1)?, row.get(2)?);
        Ok(format!("{} {since} {status} {}", row.get::<_, i64>(0)?, row.get::<_, i64>(3)?))
    });
    let found: Vec<_> = rows.expect("rows").map(|row| row.expect("a row")).collect();
    assert_eq!(
        found,
        [
            "1 t active 1",
            "3 t2 active 5",
            "1 t3 active 7",
            "1 t5 suspended 7",
            "3 t5 suspended 5",
            "1 t8 active 7",
            "3 t8 active 5",
            "4 t9 active 3",
            "3 t9 canceled 5",
            "1 ta canceled 7",
            "4 ta canceled 3"
        ]
    );
}

#[test]
fn what_was_issued_or_recorded_is_never_rewritten_or_deleted() {
    let (_shop, sql) = two_tenants();
    for statement in [
        "DELETE FROM invoices",
        "DELETE FROM invoice_lines",
        "DELETE FROM events",
        "UPDATE events SET kind = 'nothing'",
        "DELETE FROM event_texts",
        "UPDATE event_texts SET reason = 'none'",
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
    words.join(" ").replace(" ,", ",").replace(" )", ")")
}

/// A file of each version that was ever released, full or empty, becomes the schema.sql of today.
#[test]
fn an_older_file_is_lifted_to_the_same_schema() {
    let shop = Shop::new();
    let schema = |sql: Connection| -> Vec<(String, String)> {
        let query = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name";
        let mut statement = sql.prepare(query).expect("the schema");
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        let rows: Vec<(String, String)> = rows.collect::<Result<_, _>>().expect("definitions");
        rows.into_iter().map(|(name, sql)| (name, plain(&sql))).collect()
    };
    let new = schema(shop.sql());
    for version in versions::VERSIONS {
        let file = format!("v{version}.db");
        versions::empty(&shop, version, &file);
        shop.ok(&["--db", &file, "db", "migrate"]);
        let lifted = Connection::open(shop.path(&file)).expect("a database");
        assert_eq!(schema(lifted), new, "version {version}");
        let full = versions::shop(version);
        full.ok(&["db", "migrate"]);
        assert_eq!(schema(full.sql()), new, "version {version}, full");
    }
}

/// A file of version 4: a plan in each kind of currency; a subscription of each, of which one is to
/// change; an invoice of a period with a line that has a unit price, one of a part without, one of no
/// subscription.
fn of_version_4(shop: &Shop, name: &str) {
    versions::empty(shop, 4, name);
    let sql = Connection::open(shop.path(name)).expect("a new file");
    sql.execute_batch(
        "PRAGMA foreign_keys = 1;
         INSERT INTO database_info VALUES (1, 'u', '2026-01-01T12:00:00Z');
         INSERT INTO tenants (id, slug, name, email, currency, locale, created_at, updated_at)
         VALUES (1, 'acme', 'Acme', 'a@b.example', 'EUR', 'en', 't', 't');
         INSERT INTO parties VALUES (1, '{}');
         INSERT INTO plans (id, code, name, price_minor, currency, interval, created_at, updated_at)
         VALUES (3, 'eur', 'Eur', 4990, 'EUR', 'month', 't', 't'),
                (4, 'xof', 'Xof', 15000, 'XOF', 'month', 't', 't'),
                (5, 'kwd', 'Kwd', 1005, 'KWD', 'month', 't', 't'),
                (6, 'clf', 'Clf', 7, 'CLF', 'year', 't', 't'),
                (7, 'big', 'Big', 1000000000000000, 'EUR', 'month', 't', 't');
         INSERT INTO subscriptions (id, tenant_id, plan_id, status, quantity, anchor, anchor_on,
           anchor_day, started_on, next_billing_on, pending_plan_id, pending_quantity, created_at,
           updated_at)
         SELECT id + 10, 1, id, 'active', id, 'calendar', '2026-01-01', 1, '2026-01-01',
           '2026-02-01', CASE id WHEN 3 THEN 7 END, CASE id WHEN 3 THEN 2 END, 't', 't'
         FROM plans WHERE id < 7;
         UPDATE subscriptions SET quantity = 9, updated_at = 't2' WHERE id = 14;
         INSERT INTO billing_starts SELECT id, started_on, 'created' FROM subscriptions;
         INSERT INTO invoices (id, number, origin, tenant_id, subscription_id, status, currency,
           subtotal_minor, total_minor, seller_id, buyer_id, issued_on, due_on, period_start,
           period_end, created_at, updated_at)
         SELECT s.id + 10, 'I-' || s.id, 'typed', 1, s.id, 'open', p.currency, 7, 7, 1, 1,
           '2026-01-01', '2026-01-16', '2026-01-01', '2026-02-01', 't', 't'
         FROM subscriptions s JOIN plans p ON p.id = s.plan_id;
         INSERT INTO invoices (id, number, origin, tenant_id, status, currency, subtotal_minor,
           total_minor, seller_id, buyer_id, issued_on, due_on, created_at, updated_at)
         VALUES (9, 'S-9', 'typed', 1, 'open', 'EUR', 7, 7, 1, 1, '2026-01-01', '2026-01-16', 't',
           't');
         INSERT INTO invoice_lines (invoice_id, position, description, quantity, unit_minor,
           amount_minor)
         SELECT id, 1, number, 2, CASE currency WHEN 'XOF' THEN NULL ELSE 1005 END, 7 FROM invoices",
    )
    .expect("a file of version 4");
}

#[test]
fn plans_of_an_older_file_get_prices_its_subscriptions_items_and_its_lines_decimals() {
    let shop = Shop::new();
    of_version_4(&shop, "v4.db");
    shop.ok(&["--db", "v4.db", "db", "migrate"]);
    let sql = Connection::open(shop.path("v4.db")).expect("the database");
    let rows = |query: &str| -> Vec<String> {
        let mut statement = sql.prepare(query).expect("a query");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("a text")).collect()
    };
    assert_eq!(
        rows(
            "SELECT concat_ws(' ', code, model, unit_amount, currency)
              FROM prices r JOIN plans p ON p.id = r.plan_id ORDER BY p.id"
        ),
        [
            "eur per_unit 49.90 EUR",
            "xof per_unit 15000 XOF",
            "kwd per_unit 1.005 KWD",
            "clf per_unit 0.0007 CLF",
            "big per_unit 10000000000000.00 EUR"
        ]
    );
    assert_eq!(
        rows(
            "SELECT concat_ws(' ', i.subscription_id, i.position, p.code, r.currency, i.quantity,
                n.code, m.currency, i.pending_quantity)
              FROM subscription_items i JOIN plans p ON p.id = i.plan_id
              JOIN prices r ON r.id = i.price_id LEFT JOIN plans n ON n.id = i.pending_plan_id
              LEFT JOIN prices m ON m.id = i.pending_price_id ORDER BY i.id"
        ),
        ["13 1 eur EUR 3 big EUR 2", "14 1 xof XOF 9", "15 1 kwd KWD 5", "16 1 clf CLF 6"]
    );
    assert_eq!(
        rows(
            "SELECT concat_ws(' ', h.subscription_id, h.since, h.status, p.code, h.quantity)
              FROM subscription_states h JOIN subscription_items i ON i.id = h.item_id
              AND i.subscription_id = h.subscription_id JOIN plans p ON p.id = h.plan_id
              ORDER BY h.id"
        ),
        [
            "13 t active eur 3",
            "14 t active xof 4",
            "15 t active kwd 5",
            "16 t active clf 6",
            "14 t2 active xof 9"
        ]
    );
    assert_eq!(
        rows(
            "SELECT concat_ws(' ', i.number, i.purpose, o.subscription_id, l.quantity,
                coalesce(l.unit_price, '-'), l.amount_minor)
              FROM invoices i JOIN invoice_lines l ON l.invoice_id = i.id
              LEFT JOIN subscription_items o ON o.id = l.item_id ORDER BY i.id"
        ),
        [
            "S-9 single 2 10.05 7",
            "I-13 period 13 2 10.05 7",
            "I-14 period 14 2 - 7",
            "I-15 period 15 2 1.005 7",
            "I-16 period 16 2 0.1005 7"
        ]
    );
    // What referred to the tables that were made anew refers to the new ones.
    sql.pragma_update(None, "foreign_keys", true).expect("foreign keys");
    for statement in [
        "DELETE FROM subscription_states; DELETE FROM subscriptions WHERE id = 13",
        "INSERT INTO billing_starts VALUES (99, '2026-01-01', 'created')",
        "UPDATE subscription_items SET subscription_id = 99 WHERE id = 13",
    ] {
        let refused = sql.execute_batch(statement).expect_err(statement).to_string();
        assert!(refused.contains("FOREIGN KEY"), "{statement}: {refused}");
    }
}

#[test]
fn an_older_file_in_which_a_row_names_a_missing_one_is_left_as_it_is() {
    let shop = Shop::new();
    of_version_4(&shop, "v4.db");
    let sql = Connection::open(shop.path("v4.db")).expect("the database");
    sql.execute_batch(
        "PRAGMA foreign_keys = 0; UPDATE subscriptions SET tenant_id = 9 WHERE id = 14",
    )
    .expect("a subscription of nobody");
    let refused = shop.run(&["--db", "v4.db", "db", "migrate"]);
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(refused.stderr.contains("names a missing row of"), "{refused:?}");
    let status = shop.json(&["--db", "v4.db", "db", "status"]);
    assert_eq!(status["version"], 4);
    let quantity: i64 = sql
        .query_row("SELECT quantity FROM subscriptions WHERE id = 14", [], |row| row.get(0))
        .expect("the row as it was");
    assert_eq!(quantity, 9);
}

/// What of an invoice is tax, and why, is part of what was issued.
#[test]
fn an_issued_invoice_keeps_how_it_is_taxed() {
    let (_shop, sql) = two_tenants();
    let taxed = "INSERT INTO invoices (number, origin, tenant_id, status, currency, subtotal_minor,
        tax_rate, tax_minor, total_minor, tax_inclusive, tax_category, seller_id, buyer_id,
        issued_on, due_on, created_at, updated_at)";
    let with = |values: &str| {
        format!("{taxed} VALUES ({values}, 1, 1, '2026-01-01', '2026-01-02', 't', 't')")
    };
    for (statement, says) in [
        ("UPDATE invoices SET tax_inclusive = 1 WHERE id = 1".to_owned(), "cannot be changed"),
        ("UPDATE invoices SET tax_category = 'zero' WHERE id = 1".to_owned(), "cannot be changed"),
        ("UPDATE invoices SET tax_reason = 'x' WHERE id = 1".to_owned(), "cannot be changed"),
        // The total has the tax in it where it is inclusive, and else it comes on top.
        (with("'X', 'typed', 1, 'open', 'EUR', 120, '20', 20, 140, 1, 'standard'"), "CHECK"),
        (with("'X', 'typed', 1, 'open', 'EUR', 120, '20', 20, 120, 0, 'standard'"), "CHECK"),
        (with("'X', 'typed', 1, 'open', 'EUR', 120, '0', 0, 120, 0, 'free'"), "CHECK"),
        (with("'X', 'typed', 1, 'open', 'EUR', 120, '0', 0, 120, 2, 'zero'"), "CHECK"),
    ] {
        let refused = sql.execute_batch(&statement).expect_err(&statement).to_string();
        assert!(refused.contains(says), "{statement}: {refused}");
    }
    for values in [
        "'A', 'typed', 1, 'open', 'EUR', 120, '20', 20, 120, 1, 'standard'",
        "'B', 'typed', 1, 'open', 'EUR', 100, '20', 20, 120, 0, 'standard'",
        "'C', 'imported', 1, 'open', 'EUR', 120, '0', 0, 120, 0, NULL",
    ] {
        sql.execute_batch(&with(values)).expect(values);
    }
}

/// How far a hook was told, and what it did not take, agree with each other in every row.
#[test]
fn a_hook_that_fails_says_since_when_and_why_and_none_is_forgotten() {
    let shop = Shop::new();
    let sql = shop.sql();
    sql.execute("INSERT INTO hooks (name, told_id, created_at) VALUES ('app', 0, 'now')", [])
        .expect("a hook");
    let fails = "UPDATE hooks SET attempts = 1, failing_since = 'a', behind_since = 'a',
                 tried_at = 'a', error = 'e'";
    for bad in [
        "UPDATE hooks SET attempts = 1",
        "UPDATE hooks SET told_id = -1",
        "UPDATE hooks SET stopped_at = 'a'",
        "UPDATE hooks SET next_try_at = 'a'",
        // Neither called again nor stopped.
        fails,
        "DELETE FROM hooks",
        "INSERT INTO hooks (name, told_id, created_at) VALUES ('app', 1, 'now')",
    ] {
        assert!(sql.execute(bad, []).is_err(), "{bad}");
    }
    sql.execute(&format!("{fails}, next_try_at = 'b'"), []).expect("called again");
    for more in ["stopped_at = 'b'", "next_try_at = NULL"] {
        assert!(sql.execute(&format!("{fails}, {more}"), []).is_err(), "{more}");
    }
    sql.execute(&format!("{fails}, next_try_at = NULL, stopped_at = 'b'"), []).expect("stopped");
}
