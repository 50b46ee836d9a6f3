//! The errors that no command line brings about by itself: faults of the machine, and databases that
//! another hand changed. The faults are real ones to the program: a small library, loaded before
//! the system's own, makes its calls fail.
mod support;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use billing::domain::invoice::NumberFormat;
use billing::failure::Failure;
use serde_json::{Value, json};
use support::Shop;

/// Runs a command that a fault of the machine strikes, by its name in support/faults.c; returns the
/// error.
fn struck_by(fault: &str, shop: &Shop, args: &[&str]) -> Value {
    let output = struck(shop, fault, &[args, &["--json"]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
    let error: Value = serde_json::from_str(&said).expect("one line of JSON");
    error["error"].clone()
}

fn struck(shop: &Shop, fault: &str, args: &[&str]) -> Output {
    let library = shop.path("faults.so");
    if !library.exists() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/faults.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source);
        assert!(cc.status().expect("cc, which built SQLite").success());
    }
    let mut command = shop.command(args);
    command.env("LD_PRELOAD", &library).env("FAULT", fault);
    command.output().expect("billing starts")
}

const ACME: [&str; 7] = ["tenant", "create", "acme", "--name", "Acme", "--email", "a@b.co"];

#[test]
fn without_randomness_no_code_is_drawn() {
    let shop = Shop::new();
    let args = [
        "coupon",
        "generate",
        "--count",
        "2",
        "--prefix",
        "X",
        "--percent",
        "5",
        "--until",
        "2999-01-01",
    ];
    let error = struck_by("random", &shop, &args);
    assert_eq!(error["code"], "no_randomness");
    let message = error["message"].as_str().expect("a message");
    assert!(message.starts_with("the system gives no random bytes: "), "{message}");
    assert_eq!(shop.json(&["coupon", "list"]), json!([]));
    shop.ok(&args);
}

/// A machine with a clock 700 days ahead issued and sent the invoices of two years on its first run.
#[test]
fn a_clock_that_jumped_before_the_first_run_changes_nothing() {
    let shop = Shop::new();
    let email = ["--email", "a@b.co"];
    shop.ok(&[&["tenant", "create", "acme", "--name", "Acme"], &email[..]].concat());
    shop.ok(&["plan", "create", "pro", "--name", "Pro", "--price", "10", "--interval", "month"]);
    shop.ok(&["subscription", "create", "--tenant", "acme", "--plan", "pro"]);
    let before = shop.contents();
    for args in [
        &["tasks", "generate-recurring-invoices"][..],
        &["tasks", "check-overdue"],
        &["tasks", "deliver-emails"],
        &["invoice", "create", "--tenant", "acme", "--amount", "5"],
        &["tenant", "close", "acme"],
    ] {
        assert_eq!(struck_by("700 days ahead", &shop, args)["code"], "clock_jumped", "{args:?}");
    }
    assert_eq!(shop.contents(), before);
    assert_eq!(shop.mailbox().len(), 0);
    // Who looks is not kept from it.
    let ahead = struck(&shop, "700 days ahead", &["tenant", "list", "--json"]);
    assert_eq!(ahead.status.code(), Some(0));
    // A clock that is right after all: once with --yes, and from then on by it.
    let yes =
        struck(&shop, "700 days ahead", &["tenant", "suspend", "acme", "--reason", "x", "--yes"]);
    assert_eq!(yes.status.code(), Some(0), "{}", String::from_utf8_lossy(&yes.stderr));
    let again = struck(&shop, "700 days ahead", &["tenant", "reactivate", "acme"]);
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(shop.refusal(&["tenant", "close", "acme"]), "clock_jumped");
}

#[test]
fn a_clock_outside_the_years_that_are_reckoned_with_is_told() {
    let shop = Shop::new();
    for fault in ["before 1970", "year 10000"] {
        for args in
            [&["tenant", "list"][..], &["tasks", "check-overdue"], &["init", "--config", "b.toml"]]
        {
            assert_eq!(struck_by(fault, &shop, args)["code"], "clock_impossible", "{args:?}");
        }
        // A day that is given needs no clock.
        for args in [&["tasks", "status"][..], &["tasks", "check-overdue"], &["tenant", "list"]] {
            let given = [args, &["--as-of", "2026-03-01"]].concat();
            let output = struck(&shop, fault, &given);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code().is_some_and(|code| code < 2), "{given:?}: {said}");
            assert!(!said.contains("panicked"), "{said}");
        }
    }
}

#[test]
fn a_disk_that_fails_says_that_the_outcome_is_not_known() {
    let shop = Shop::new();
    let error = struck_by("disk", &shop, &ACME);
    assert_eq!(
        error,
        json!({
            "code": "io",
            "message": "the disk failed, disk I/O error: billing.db",
            "hint": "whether the last change took place is not known: look before you repeat it",
        })
    );
    shop.check();
}

#[test]
fn a_writer_that_does_not_end_keeps_others_waiting_for_a_minute_and_no_longer() {
    let shop = Shop::new();
    let other = shop.sql();
    other.execute_batch("BEGIN IMMEDIATE").expect("the write lock");
    let error = struck_by("patience", &shop, &ACME);
    assert_eq!(
        error,
        json!({
            "code": "busy",
            "message": "another command has been writing for a minute: billing.db",
            "hint": "try again when it has finished",
        })
    );
    other.execute_batch("ROLLBACK").expect("the lock is given back");
    shop.ok(&ACME);
}

/// A backup that was put aside, write-protected: it can be read, and not written.
#[test]
fn a_file_that_may_only_be_read_is_read_and_not_written() {
    let shop = Shop::new();
    shop.ok(&["db", "backup", "copy.db"]);
    let mode = |path: &Path, mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, mode).expect("it is ours");
    };
    mode(&shop.path("copy.db"), 0o444);
    mode(&shop.path("."), 0o755);
    mode(&shop.path("billing.toml"), 0o644);
    // Root may write whatever the mode says: somebody else then runs a copy of the program, since
    // the folder in which cargo built it may be closed to others.
    let program = shop.path("program");
    std::fs::copy(shop.command(&[]).get_program(), &program).expect("a copy of the program");
    let run = |args: &[&str]| {
        let mut command = Command::new(&program);
        support::seal(&mut command, &shop.path("."));
        command.args(args).args(["--db", "copy.db", "--json"]);
        if rustix::process::geteuid().is_root() {
            command.uid(65_534).gid(65_534);
        }
        command.output().expect("the program starts")
    };
    let list = run(&["tenant", "list"]);
    assert_eq!(String::from_utf8_lossy(&list.stdout), "[]\n");
    let refused = run(&ACME);
    assert_eq!(refused.status.code(), Some(1));
    let error: Value = serde_json::from_slice(&refused.stderr).expect("one line of JSON");
    assert_eq!(
        error["error"],
        json!({
            "code": "read_only",
            "message": "the database or its folder cannot be written: copy.db",
            "hint": "check the owner and the mode of the folder and of the file",
        })
    );
}

#[test]
fn a_rule_of_the_database_that_says_no_is_told_in_its_own_words() {
    let shop = Shop::new();
    let rule = "CREATE TRIGGER full BEFORE INSERT ON tenants BEGIN SELECT RAISE(ABORT, 'no more customers'); END";
    shop.sql().execute_batch(rule).expect("a rule");
    let error = shop.refused(&ACME);
    let message = "the database refused it: no more customers";
    assert_eq!(error, json!({ "code": "constraint", "message": message, "hint": null }));
}

#[test]
fn a_table_that_is_gone_is_told() {
    let shop = Shop::new();
    shop.sql().execute_batch("DROP TABLE events").expect("it goes");
    let error = shop.refused(&["event", "list"]);
    let message = "no such table: events";
    assert_eq!((&error["code"], &error["hint"]), (&json!("storage"), &Value::Null));
    assert!(error["message"].as_str().is_some_and(|said| said.starts_with(message)), "{error}");
}

/// What the config file says is refused before it comes to this; and an error that no room
/// foresaw has a code too.
#[test]
fn what_cannot_be_provoked_has_words_all_the_same() {
    let refusal = NumberFormat::parse("INV").expect_err("it numbers nothing");
    let failure = Failure::of(&anyhow::Error::new(refusal));
    assert_eq!(failure.code, "bad_number_format");
    let said = failure.render(false);
    assert!(said.starts_with("error: INV is no format of invoice numbers\nhint: "), "{said}");
    let failure = Failure::of(&anyhow::anyhow!("nobody thought of this"));
    assert_eq!((failure.code, failure.exit), ("internal", 1));
    assert_eq!(failure.render(false), "error: nobody thought of this\n");
}
