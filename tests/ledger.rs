//! The ledger: what it says of each thing that happens to money, and that a copy which does not
//! agree with it is found.
mod support;

use rusqlite::Connection;
use support::Shop;

/// The six accounts of each entry of an invoice: receivable, cash, loss, credit, revenue, tax.
fn entries(sql: &Connection) -> Vec<(String, String, [i64; 6])> {
    let query = "SELECT kind, booked_on, receivable_minor, cash_minor, loss_minor, credit_minor,
                   revenue_minor, tax_minor FROM ledger ORDER BY id";
    let mut statement = sql.prepare(query).expect("the ledger");
    let rows = statement.query_map([], |row| {
        let accounts =
            [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?];
        Ok((row.get(0)?, row.get(1)?, accounts))
    });
    rows.expect("entries").collect::<Result<_, _>>().expect("entries")
}

fn shop() -> Shop {
    let shop = Shop::new();
    shop.ok(&[
        "tenant",
        "create",
        "acme",
        "--name",
        "Acme",
        "--email",
        "a@acme.example",
        "--currency",
        "EUR",
        "--tax-rate",
        "20",
        "--as-of",
        "2026-01-02",
    ]);
    shop.ok(&["invoice", "create", "--tenant", "acme", "--amount", "100", "--as-of", "2026-01-02"]);
    shop
}

const INVOICE: &str = "INV-2026-000001";

#[test]
fn what_happens_to_an_invoice_is_an_entry_each_and_reversing_leaves_the_payment_readable() {
    let shop = shop();
    shop.ok(&[
        "invoice",
        "pay",
        INVOICE,
        "--amount",
        "50",
        "--paid-on",
        "2026-01-05",
        "--as-of",
        "2026-01-10",
    ]);
    shop.ok(&["invoice", "write-off", INVOICE, "--reason", "gone", "--as-of", "2026-03-01"]);
    shop.ok(&["invoice", "pay", INVOICE, "--amount", "30", "--as-of", "2026-03-05"]);
    shop.ok(&["transaction", "reverse", "txn_1", "--reason", "bounced", "--as-of", "2026-03-06"]);
    let said = entries(&shop.sql());
    let expected = [
        ("invoice", "2026-01-02", [12000, 0, 0, 0, 10000, 2000]),
        // From the day on which it was paid, whenever it was recorded.
        ("payment", "2026-01-05", [-5000, 5000, 0, 0, 0, 0]),
        ("write_off", "2026-03-01", [-7000, 0, 7000, 0, 0, 0]),
        ("payment", "2026-03-05", [0, 3000, -3000, 0, 0, 0]),
        ("reversal", "2026-03-06", [0, -5000, 5000, 0, 0, 0]),
    ];
    let expected: Vec<_> =
        expected.map(|(kind, day, accounts)| (kind.into(), day.into(), accounts)).into();
    assert_eq!(said, expected);
    assert!(shop.ok(&["db", "check"]).is_empty());
}

#[test]
fn an_import_that_sets_an_invoice_right_takes_back_what_was_booked_of_it() {
    let shop = shop();
    let import = |total: &str, tenant: &str, issued: &str, more: &[&str]| {
        shop.write(
            "i.csv",
            &format!(
                "number,tenant,total,issued_on,due_on\nX-1,{tenant},{total},{issued},2026-02-01\n"
            ),
        );
        shop.ok(&[&["import", "invoices", "i.csv", "--as-of", "2026-01-20"], more].concat());
    };
    shop.ok(&[
        "tenant",
        "create",
        "beta",
        "--name",
        "Beta",
        "--email",
        "b@beta.example",
        "--currency",
        "EUR",
        "--as-of",
        "2026-01-02",
    ]);
    import("80", "acme", "2026-01-10", &[]);
    import("90", "beta", "2026-01-12", &["--update"]);
    let said = entries(&shop.sql());
    let expected = [
        ("invoice", "2026-01-02", [12000, 0, 0, 0, 10000, 2000]),
        ("invoice", "2026-01-10", [8000, 0, 0, 0, 8000, 0]),
        ("correction", "2026-01-10", [-8000, 0, 0, 0, -8000, 0]),
        ("invoice", "2026-01-12", [9000, 0, 0, 0, 9000, 0]),
    ];
    let expected: Vec<_> =
        expected.map(|(kind, day, accounts)| (kind.into(), day.into(), accounts)).into();
    assert_eq!(said, expected);
    assert!(shop.ok(&["db", "check"]).is_empty());
    let of_beta = "SELECT count(*) FROM ledger l JOIN tenants t ON t.id = l.tenant_id
                   WHERE t.slug = 'beta'";
    let count: i64 = shop.sql().query_row(of_beta, [], |row| row.get(0)).expect("a count");
    assert_eq!(count, 3, "its rows go with the invoice");
    // Set right once more: what was taken back before is not taken back again.
    import("95", "beta", "2026-01-12", &["--update"]);
    let said = entries(&shop.sql());
    assert_eq!(said.len(), 6, "{said:?}");
    assert_eq!(said[4], ("correction".into(), "2026-01-12".into(), [-9000, 0, 0, 0, -9000, 0]));
    assert!(shop.ok(&["db", "check"]).is_empty());
}

#[test]
fn the_ledger_refuses_what_does_not_balance_and_is_never_rewritten() {
    let shop = shop();
    let sql = shop.sql();
    sql.pragma_update(None, "foreign_keys", true).expect("foreign keys");
    let entry = |accounts: &str| {
        format!(
            "INSERT INTO ledger (booked_on, recorded_at, kind, tenant_id, invoice_id, currency,
               receivable_minor, cash_minor, loss_minor, credit_minor, revenue_minor, tax_minor)
             VALUES ('2026-01-03', 't', 'payment', 1, 1, 'EUR', {accounts})"
        )
    };
    for statement in [
        entry("-100, 0, 0, 0, 0, 0").as_str(),
        entry("0, 100, 0, 99, 0, 0").as_str(),
        "UPDATE ledger SET booked_on = '2026-01-01'",
        "UPDATE ledger SET receivable_minor = 0, revenue_minor = 0, tax_minor = 0",
        "UPDATE ledger SET tenant_id = 2",
        "DELETE FROM ledger",
        "UPDATE invoice_states SET stage = 'none'",
        "DELETE FROM tenant_states",
    ] {
        let refused = sql.execute_batch(statement);
        let empty = statement.contains("_states");
        assert!(refused.is_err() || empty, "{statement}");
    }
    sql.execute_batch(&entry("-100, 100, 0, 0, 0, 0")).expect("an entry that balances");
}

/// What is found of a database in which one copy was changed behind the program's back.
fn found_after(damage: &str) -> Vec<String> {
    let shop = shop();
    shop.ok(&["invoice", "create", "--tenant", "acme", "--amount", "10", "--as-of", "2026-01-02"]);
    shop.ok(&["invoice", "pay", "INV-2026-000002", "--amount", "12", "--as-of", "2026-01-03"]);
    let birch = ["tenant", "create", "birch", "--name", "Birch", "--email", "b@birch.example"];
    shop.ok(&[&birch[..], &["--currency", "EUR", "--as-of", "2026-01-02"]].concat());
    shop.ok(&[
        "credit",
        "grant",
        "--tenant",
        "acme",
        "--amount",
        "5",
        "--reason",
        "goodwill",
        "--as-of",
        "2026-01-04",
    ]);
    shop.ok(&[
        "credit",
        "grant",
        "--tenant",
        "birch",
        "--amount",
        "5",
        "--reason",
        "goodwill",
        "--as-of",
        "2026-01-04",
    ]);
    shop.ok(&["tasks", "check-overdue", "--as-of", "2026-02-03"]);
    shop.ok(&["tenant", "suspend", "acme", "--reason", "a quarrel", "--as-of", "2026-02-03"]);
    let sql = shop.sql();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'trigger'";
    let triggers: Vec<String> = {
        let mut statement = sql.prepare(names).expect("triggers");
        let rows = statement.query_map([], |row| row.get(0)).expect("triggers");
        rows.collect::<Result<_, _>>().expect("triggers")
    };
    for name in triggers {
        sql.execute_batch(&format!("DROP TRIGGER {name}")).expect("a trigger");
    }
    sql.pragma_update(None, "ignore_check_constraints", true).expect("no checks");
    sql.execute_batch(damage).expect(damage);
    drop(sql);
    let output = shop.run(&["db", "check", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
    let findings = told["findings"].as_array().expect("findings");
    let mut found: Vec<String> =
        findings.iter().map(|f| f["check"].as_str().expect("a name").to_owned()).collect();
    found.dedup();
    found
}

#[test]
fn a_copy_that_the_ledger_does_not_bear_out_is_found() {
    let damaged = [
        ("UPDATE ledger SET receivable_minor = 1 WHERE id = 1", "ledger"),
        ("UPDATE ledger SET currency = 'XOF' WHERE kind = 'payment'", "ledger"),
        ("UPDATE invoices SET status = 'uncollectible', closed_at = 't' WHERE id = 1", "dues"),
        ("UPDATE ledger SET receivable_minor = 11900, revenue_minor = 9900 WHERE id = 1", "dues"),
        ("UPDATE invoices SET paid_minor = 100 WHERE id = 1", "paid"),
        ("UPDATE ledger SET revenue_minor = 9000, tax_minor = 3000 WHERE id = 1", "revenue"),
        (
            "UPDATE ledger SET cash_minor = 1100, credit_minor = -100 WHERE kind = 'payment'",
            "credits",
        ),
        ("UPDATE transactions SET amount_minor = 1300", "credits"),
        ("UPDATE invoices SET stage = 'none' WHERE id = 1", "history"),
        ("UPDATE invoices SET promised_until = '2026-03-01' WHERE id = 1", "history"),
        ("UPDATE tenant_states SET status = 'active'", "history"),
        ("DELETE FROM ledger WHERE id = 1", "dues"),
        ("UPDATE credits SET left_minor = 1 WHERE left_minor = 0", "credit_left"),
        ("UPDATE credits SET taken_back_at = 't', left_minor = 0 WHERE id = 1", "credit_left"),
        ("UPDATE credit_uses SET amount_minor = 400", "credit_left"),
        ("UPDATE credits SET amount_minor = 400, left_minor = 400 WHERE id = 2", "credit_balances"),
        ("DELETE FROM ledger WHERE kind = 'credit_grant'", "credit_balances"),
        ("UPDATE invoices SET credit_applied_minor = 400 WHERE id = 1", "credit_applied"),
        ("DELETE FROM ledger WHERE kind = 'credit_applied'", "credit_applied"),
        ("UPDATE credits SET tenant_id = 1 WHERE id = 2", "chased"),
    ];
    assert_eq!(found_after("SELECT 1"), Vec::<String>::new());
    for (damage, check) in damaged {
        let found = found_after(damage);
        assert!(found.iter().any(|name| name == check), "{damage}: {found:?}");
    }
}
