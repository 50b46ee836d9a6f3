//! Files of every version before this one, lifted: no row is lost, what they say is said still, and
//! a lift that is killed, or started twice, is one lift.
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};
use support::inside::Random;
use support::subscriptions::text;
use support::versions::{VERSIONS, differences, is_promised, printed, shop};
use support::{Contents, Prepared, Shop, assert_same};

const MIGRATE: [&str; 2] = ["db", "migrate"];

/// Every table of a file, and the columns that tell its rows apart.
fn tables(sql: &Connection) -> BTreeMap<String, String> {
    let query = "SELECT t.name, group_concat(c.name, ', ') FROM sqlite_schema t
                 JOIN pragma_table_info(t.name) c ON c.pk > 0
                 WHERE t.type = 'table' GROUP BY t.name";
    let mut statement = sql.prepare(query).expect("the schema");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("tables");
    rows.collect::<Result<_, _>>().expect("tables")
}

fn keys(sql: &Connection, table: &str, columns: &str) -> BTreeSet<String> {
    support::rows(sql, &format!("SELECT {columns} FROM {table}")).into_iter().collect()
}

/// All rows, runs among them.
fn contents(shop: &Shop) -> Contents {
    let sql = shop.sql();
    let all = tables(&sql).into_keys();
    // The salts are drawn anew by each lift.
    let salted = tables(&sql).contains_key("event_texts");
    let query = |name: &str| match name {
        "events" if salted => support::EVENTS.to_owned(),
        "event_texts" => "SELECT event_id, reason, data FROM event_texts".to_owned(),
        _ => format!("SELECT * FROM {name}"),
    };
    all.map(|name| (name.clone(), support::rows(&sql, &query(&name)))).collect()
}

fn lifted(version: u8) -> Shop {
    let shop = shop(version);
    shop.ok(&MIGRATE);
    shop
}

#[test]
fn no_row_of_an_older_file_is_lost() {
    // What a lift adds to: a method for charges of which none was told, the history of what had none.
    let grow = ["payment_methods", "subscription_states", "billing_starts"];
    for version in VERSIONS {
        let shop = shop(version);
        let before: Vec<_> = {
            let sql = shop.sql();
            let tables = tables(&sql).into_iter();
            tables.map(|(table, columns)| (keys(&sql, &table, &columns), table, columns)).collect()
        };
        assert!(before.len() >= 20, "version {version}");
        shop.ok(&MIGRATE);
        let sql = shop.sql();
        for (old, table, columns) in before {
            assert!(!old.is_empty(), "version {version} has nothing in {table}");
            let new = keys(&sql, &table, &columns);
            let lost: Vec<_> = old.difference(&new).collect();
            assert!(lost.is_empty(), "version {version}, {table}: {lost:?}");
            let same = new.len() == old.len() || grow.contains(&table.as_str());
            assert!(same, "version {version}, {table}: {} rows became {}", old.len(), new.len());
        }
    }
}

#[test]
fn an_older_file_is_told_as_its_own_program_told_it() {
    for version in VERSIONS {
        let shop = lifted(version);
        shop.check_but_for_credits();
        let mut wrong = Vec::new();
        let commands = printed(version);
        assert!(commands.len() >= 4, "version {version}");
        for (command, said) in &commands {
            let words: Vec<&str> = command.split(' ').collect();
            differences(said, &shop.json(&words), command, &mut wrong);
        }
        wrong.retain(|difference| !is_promised(difference));
        assert!(wrong.is_empty(), "version {version}:\n{}", wrong.join("\n"));
    }
}

#[test]
fn the_reports_of_an_older_file_are_told() {
    for version in VERSIONS {
        let shop = lifted(version);
        for day in ["2026-01-07", "2026-01-21", "2026-02-04", "2026-04-15"] {
            for report in ["overdue", "transactions", "mrr", "kpi", "coupons", "automation"] {
                shop.json(&["report", report, "--as-of", day]);
            }
        }
        // What was overdue is what its own program listed.
        let listed = &printed(version)["invoice overdue --as-of 2026-02-06"]["totals"];
        let report = shop.json(&["report", "overdue", "--as-of", "2026-02-06"]);
        assert!(listed.is_object() && !report["totals"]["EUR"].is_null(), "{listed} {report}");
        for (currency, total) in listed.as_object().expect("totals") {
            assert_eq!(&report["totals"][currency], total, "version {version}");
        }
    }
}

#[test]
fn the_business_of_an_older_file_goes_on() {
    for version in VERSIONS {
        let shop = lifted(version);
        let count = |shop: &Shop| {
            let list = shop.json(&["invoice", "list"]);
            list.as_array().expect("a list").len()
        };
        let before = count(&shop);
        for day in ["2026-04-02", "2026-04-03", "2026-04-20"] {
            for task in [
                "generate-recurring-invoices",
                "cleanup-expired-trials",
                "retry-failed-payments",
                "check-overdue",
            ] {
                shop.task(task, day, &[]);
            }
        }
        shop.check_but_for_credits();
        if version == 1 {
            assert!(count(&shop) > before, "an active subscription is billed");
        }
    }
}

#[test]
fn a_subscription_of_version_1_keeps_what_was_said_of_it() {
    let shop = lifted(1);
    let of = |id: u8, names: &[&str]| -> Vec<Value> {
        let told =
            shop.json(&["subscription", "show", &format!("sub_{id}"), "--as-of", "2026-03-25"]);
        names.iter().map(|name| told[*name].clone()).collect()
    };
    let names = ["status", "quantity", "anchor_day", "next_billing_on", "pending", "ends_on"];
    // A change of quantity alone is one of its plan too; and its tenant was suspended.
    let waits = json!({ "plan": "basic", "quantity": 3 });
    let expected = json!(["suspended", 2, 31, "2026-04-30", waits, null]);
    assert_eq!(json!(of(1, &names)), expected);
    assert_eq!(json!(of(1, &["coupon", "suspension_cause"])), json!(["Ten", "overdue"]));
    // At 20:30 UTC it was the next day in Kolkata.
    assert_eq!(json!(of(2, &["status", "ends_on"])), json!(["canceled", "2026-03-10"]));
    let on_trial = json!(["trialing", null, "2026-03-19"]);
    assert_eq!(json!(of(3, &["status", "next_billing_on", "trial_ends_on"])), on_trial);
    let by_hand = json!(["suspended", "manual", "2026-03-01"]);
    assert_eq!(json!(of(4, &["status", "suspension_cause", "next_billing_on"])), by_hand);
    let of_trial = json!(["suspended", "trial", null]);
    assert_eq!(json!(of(5, &["status", "suspension_cause", "next_billing_on"])), of_trial);
    let ends = json!(["active", true, "2026-04-01"]);
    assert_eq!(json!(of(6, &["status", "cancel_at_period_end", "ends_on"])), ends);
    assert_eq!(json!(of(7, &["status", "next_billing_on"])), json!(["active", "2026-04-01"]));
    // They run no longer than their tenant is served.
    assert_eq!(json!(of(8, &["status", "suspension_cause"])), json!(["suspended", "overdue"]));
    assert_eq!(json!(of(9, &["status", "ends_on"])), json!(["canceled", "2026-01-31"]));
    // The day of a suspension, which no command shows.
    let day = "SELECT suspended_on FROM subscriptions WHERE id = 4";
    let day: String = shop.sql().query_row(day, [], |row| row.get(0)).expect("a day");
    assert_eq!(day, "2026-02-21");
    // It comes back where it was.
    shop.ok(&["tenant", "reactivate", "heath", "--reason", "a favour", "--as-of", "2026-03-25"]);
    assert_eq!(json!(of(8, &["status", "next_billing_on"])), json!(["active", "2026-03-25"]));
}

#[test]
fn a_try_of_a_charge_keeps_what_was_said_of_it() {
    let shop = lifted(1);
    let told = |id: u8| shop.json(&["transaction", "show", &format!("txn_{id}")]);
    let tries = |id: u8| -> Value {
        let told = told(id);
        let tries = told["history"].as_array().expect("tries").iter();
        let names =
            ["idempotency_key", "status", "reference", "code", "message", "at", "answered_at"];
        tries
            .map(|tried| names.iter().map(|name| tried[*name].clone()).collect::<Value>())
            .collect()
    };
    let [first, second] = ["2026-02-05T04:00:00Z", "2026-02-06T04:00:00Z"];
    let declined = json!([
        "key-1",
        "declined",
        null,
        "insufficient_funds",
        "too little",
        first,
        "2026-02-05T04:00:05Z"
    ]);
    let took = json!(["key-2", "succeeded", "ch_2", null, null, second, "2026-02-06T04:00:03Z"]);
    assert_eq!(tries(101), json!([declined, took]));
    // What was asked, without the secret in it.
    let asked = json!({ "key-1": r#"{"amount":2000,"token":"tok_flaky_1"}"#,
                        "key-2": r#"{"amount":2000,"token":"token"}"# });
    assert_eq!(told(101)["metadata"]["requests"], asked);
    // Of two without an answer, one can still have one.
    let given_up = "prepared when another attempt was made";
    let third = "2026-02-07T04:00:00Z";
    let expected = json!([
        ["key-4", "declined", null, "no_answer", given_up, first, null],
        ["key-5", "unknown", null, null, "timeout", third, null]
    ]);
    assert_eq!(tries(103), expected);
    assert_eq!(told(103)["metadata"]["requests"]["key-4"], "not even JSON");
    assert_eq!(told(104)["history"][0]["status"], "pending");
    // By which gateway is not known: no run asks another one, and a person can say it.
    let config = include_str!("schema/billing.toml").to_owned();
    shop.write("billing.toml", &(config + "[payments]\ngateway = \"sandbox\"\n"));
    let run = shop.task("retry-failed-payments", "2026-02-10", &[]);
    for id in ["txn_103", "txn_104"] {
        let errors = run["errors"].as_array().expect("errors");
        let of = errors.iter().find(|error| error["subject"] == id).unwrap_or(&Value::Null);
        assert!(text(&of["message"]).contains("begun with unknown"), "{id}: {run}");
    }
    assert_eq!(told(103)["status"], "unknown");
    for id in ["txn_103", "txn_104"] {
        shop.ok(&["transaction", "resolve", id, "--failed", "--note", "asked by phone"]);
    }
    shop.check_but_for_credits();
}

#[test]
fn a_lift_that_would_lose_a_row_is_refused_and_leaves_the_file_as_it_was() {
    let shop = shop(3);
    let sql = shop.sql();
    sql.pragma_update(None, "foreign_keys", false).expect("a row that names none");
    sql.execute_batch(
        "INSERT INTO charge_attempts (transaction_id, idempotency_key, request, status, created_at)
         VALUES (999, 'key-999', '{}', 'unknown', '2026-02-07T04:00:00Z')",
    )
    .expect("an attempt of no charge");
    let before = contents(&shop);
    let refused = shop.refused(&MIGRATE);
    assert!(text(&refused["message"]).contains("no attempt is lost"), "{refused}");
    assert_same("after the refusal", &contents(&shop), &before);
}

/// Kills the lift at its first point, its second, and so on; then lifts again. Returns how many
/// points there are.
fn killed_at_every_point(version: u8) -> u64 {
    let prepared = shop(version).prepared();
    let expected = contents(&lifted(version));
    for point in 1.. {
        let shop = prepared.shop();
        let died = shop.crashes(&MIGRATE, point).is_some();
        shop.ok(&MIGRATE);
        let what = format!("version {version} killed at point {point}");
        assert_same(&what, &contents(&shop), &expected);
        if !died {
            return point - 1;
        }
    }
    unreachable!("a lift has an end")
}

#[test]
fn a_lift_of_version_1_killed_anywhere_and_begun_again_is_one_lift() {
    // Each migration and what it fills, each invoice, and the commit.
    assert!(killed_at_every_point(1) >= 30);
}

#[test]
fn a_lift_of_version_2_killed_anywhere_and_begun_again_is_one_lift() {
    assert!(killed_at_every_point(2) >= 25);
}

#[test]
fn a_lift_of_version_3_killed_anywhere_and_begun_again_is_one_lift() {
    assert!(killed_at_every_point(3) >= 25);
}

#[test]
fn a_lift_of_version_4_killed_anywhere_and_begun_again_is_one_lift() {
    assert!(killed_at_every_point(4) >= 25);
}

#[test]
fn a_file_of_an_older_version_is_copied_before_it_is_lifted() {
    for version in 1..=4 {
        let shop = shop(version);
        assert!(
            shop.refused(&["tenant", "list"])["hint"]
                .as_str()
                .is_some_and(|hint| hint.contains("db backup"))
        );
        shop.ok(&["db", "backup", "copy.db"]);
        shop.ok(&["db", "migrate", "--db", "copy.db"]);
        shop.ok(&["db", "check", "--db", "copy.db", "--json"]);
        // What it began is told from what is begun now: its gateways have shorter names.
        let copy = rusqlite::Connection::open(shop.path("copy.db")).expect("the copy");
        let told = "SELECT earlier_attempts = coalesce(max(a.id), 0)
                    FROM database_info LEFT JOIN charge_attempts a";
        assert!(copy.query_row(told, [], |row| row.get::<_, bool>(0)).expect("a row"));
    }
}

/// Version 4 with each invoice sixty times, so that a lift lasts long enough to be disturbed.
fn large() -> Prepared {
    let shop = shop(4);
    shop.sql()
        .execute_batch(
            "CREATE TEMP TABLE copies AS WITH RECURSIVE n (n) AS
               (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 60) SELECT n * 1000 AS n FROM n;
             INSERT INTO invoices (id, number, origin, tenant_id, status, currency, subtotal_minor,
               discount_minor, tax_rate, tax_minor, total_minor, paid_minor, paid_elsewhere_minor,
               coupon_id, seller_id, buyer_id, issued_on, due_on, paid_on, closed_reason, closed_at,
               stage, warned_on, set_back_on, promised_until, disputed_at, created_at, updated_at)
             SELECT id + n, number || '-' || n, 'typed', tenant_id, status, currency, subtotal_minor,
               discount_minor, tax_rate, tax_minor, total_minor, paid_minor, paid_elsewhere_minor,
               coupon_id, seller_id, buyer_id, issued_on, due_on, paid_on, closed_reason, closed_at,
               stage, warned_on, set_back_on, promised_until, disputed_at, created_at, updated_at
             FROM invoices JOIN copies;
             INSERT INTO transactions (id, invoice_id, tenant_id, kind, status, currency, amount_minor,
               applied_minor, paid_on, reversed_at, reversal_reason, created_at, updated_at)
             SELECT id + n, invoice_id + n, tenant_id, 'payment', status, currency, amount_minor,
               applied_minor, paid_on, reversed_at, reversal_reason, created_at, updated_at
             FROM transactions JOIN copies WHERE status = 'succeeded' OR reversed_at IS NOT NULL;
             INSERT INTO events (id, at, kind, tenant_id, invoice_id, actor, reason, data)
             SELECT id + n, at, kind, tenant_id, invoice_id + n, actor, reason, CASE
               WHEN data ->> '$.transaction' IS NULL THEN data
               ELSE json_set(data, '$.transaction', 'txn_' || (substr(data ->> '$.transaction', 5) + n))
               END
             FROM events JOIN copies WHERE invoice_id IS NOT NULL",
        )
        .expect("many invoices");
    shop.prepared()
}

#[test]
fn a_lift_killed_at_any_moment_and_begun_again_is_one_lift() {
    let prepared = large();
    let undisturbed = prepared.shop();
    let begun = Instant::now();
    undisturbed.ok(&MIGRATE);
    let took = u64::try_from(begun.elapsed().as_micros()).expect("a moment");
    let expected = contents(&undisturbed);
    assert!(expected["invoices"].len() > 1500);
    let mut random = Random::seeded();
    let mut died = 0;
    for _ in 0..10 {
        let shop = prepared.shop();
        let after = Duration::from_micros(random.below(took));
        died += u32::from(shop.is_killed(&MIGRATE, after));
        shop.ok(&MIGRATE);
        assert_same(&format!("killed after {after:?}"), &contents(&shop), &expected);
    }
    println!("{died} of 10 died");
    assert!(died > 0);
}

#[test]
fn of_two_that_lift_at_once_one_does_and_the_other_finds_nothing_to_do() {
    let prepared = large();
    let undisturbed = prepared.shop();
    undisturbed.ok(&MIGRATE);
    let expected = contents(&undisturbed);
    for _ in 0..4 {
        let shop = prepared.shop();
        let both =
            shop.at_once(&[vec!["db", "migrate", "--json"], vec!["db", "migrate", "--json"]]);
        let mut applied: Vec<usize> = Vec::new();
        for outcome in &both {
            assert_eq!(outcome.status, 0, "{}", outcome.stderr);
            let told: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
            applied.push(told["applied"].as_array().expect("a list").len());
        }
        applied.sort_unstable();
        assert!(applied[0] == 0 && applied[1] > 0, "{applied:?}");
        assert_same("lifted by two", &contents(&shop), &expected);
    }
}
