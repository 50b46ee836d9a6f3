//! The promises to scripts that no single scenario shows.
mod support;

use serde_json::{Value, json};
use support::Shop;

#[test]
fn a_refused_command_prints_nothing_but_its_error() {
    let shop = Shop::new();
    for noun in ["invoice", "transaction", "email", "event"] {
        for form in ["json", "csv", "table"] {
            let done = shop.run(&[noun, "list", "--tenant", "nobody", "--format", form]);
            assert_eq!((done.status, done.stdout.as_str()), (1, ""), "{noun} {form}");
            assert!(done.stderr.contains("there is no tenant nobody"), "{}", done.stderr);
        }
    }
}

#[test]
fn global_flags_stand_before_and_after_the_noun() {
    let shop = Shop::new();
    for args in [
        &["--json", "tenant", "list"][..],
        &["tenant", "--json", "list"],
        &["tenant", "list", "--format", "json"],
        &["--format=json", "tenant", "list"],
    ] {
        assert_eq!(shop.ok(args), "[]\n", "{args:?}");
    }
}

#[test]
fn an_empty_list_is_an_empty_document() {
    let shop = Shop::new();
    assert_eq!(shop.json(&["invoice", "overdue"]), json!({ "invoices": [], "totals": {} }));
    assert!(shop.ok(&["tenant", "list", "--format", "csv"]).starts_with("slug,name,email"));
    assert_eq!(shop.ok(&["tenant", "list"]), "none\n");
}

#[test]
fn the_environment_stands_in_for_flags_and_empty_values_for_nothing() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-16");
    let overdue = |days: &str| {
        let mut command = shop.command(&["invoice", "overdue", "--json"]);
        command.env("BILLING_AS_OF", days).env("BILLING_DB", "").env("BILLING_CONFIG", "");
        let output = command.output().expect("billing starts");
        assert!(output.status.success());
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    assert_eq!(overdue("2026-01-18")["invoices"][0]["days_overdue"], 2);
    assert_eq!(overdue("2026-01-16")["invoices"], json!([]));
    assert!(overdue("")["invoices"][0]["days_overdue"].as_i64() > Some(300));
}

/// The file that a command would open where none is there: its refusal names it.
fn database(shop: &Shop, variables: &[(&str, &str)], args: &[&str]) -> String {
    let mut command = shop.command(&[&["tenant", "list"], args].concat());
    for (name, value) in variables {
        command.env(name, value);
    }
    let output = command.output().expect("billing starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let named = said.strip_prefix("error: there is no database ").and_then(|s| s.lines().next());
    named.unwrap_or_else(|| panic!("{args:?}: {said}")).to_owned()
}

#[test]
fn a_config_is_looked_for_in_the_order_that_is_documented() {
    let shop = Shop::empty();
    let xdg = shop.path("xdg").display().to_string();
    let variables = [("BILLING_CONFIG", "variable.toml"), ("XDG_CONFIG_HOME", xdg.as_str())];
    let places = [
        ("flag.toml", "flag.db"),
        ("variable.toml", "variable.db"),
        ("billing.toml", "here.db"),
        ("xdg/billing/billing.toml", "xdg.db"),
        (".config/billing/billing.toml", "home.db"),
    ];
    for (place, database) in places {
        std::fs::create_dir_all(shop.path(place).parent().expect("a folder")).expect("a folder");
        shop.write(place, &format!("database = \"{database}\"\n"));
    }
    let flag = ["--config", "flag.toml"];
    assert_eq!(database(&shop, &variables, &flag), "flag.db");
    assert_eq!(database(&shop, &variables, &[]), "variable.db");
    assert_eq!(database(&shop, &variables[1..], &[]), "here.db");
    // One that is named has to be there; one that is looked for may be missing. What it names is
    // relative to its own folder.
    std::fs::remove_file(shop.path("variable.toml")).expect("a file");
    let said = shop.command(&["tenant", "list"]).envs(variables).output().expect("an end").stderr;
    assert!(said.starts_with(b"error: there is no config file variable.toml"));
    std::fs::remove_file(shop.path("billing.toml")).expect("a file");
    assert_eq!(database(&shop, &variables[1..], &[]), format!("{xdg}/billing/xdg.db"));
    let of_home = shop.path(".config/billing/home.db").display().to_string();
    assert_eq!(database(&shop, &[], &[]), of_home);
    // A variable that is no absolute path is passed over.
    assert_eq!(database(&shop, &[("XDG_CONFIG_HOME", "xdg")], &[]), of_home);
    std::fs::remove_dir_all(shop.path(".config")).expect("a folder");
    let built_in = shop.path(".local/share/billing/billing.db").display().to_string();
    assert_eq!(database(&shop, &[], &[]), built_in);
}

#[test]
fn a_database_is_looked_for_in_the_order_that_is_documented() {
    let shop = Shop::empty();
    let xdg = shop.path("xdg").display().to_string();
    let home = ("XDG_DATA_HOME", xdg.as_str());
    let variables = [("BILLING_DB", "variable.db"), home];
    shop.write("billing.toml", "database = \"config.db\"\n");
    assert_eq!(database(&shop, &variables, &["--db", "flag.db"]), "flag.db");
    assert_eq!(database(&shop, &variables, &[]), "variable.db");
    assert_eq!(database(&shop, &variables[1..], &[]), "config.db");
    shop.write("billing.toml", "currency = \"EUR\"\n");
    assert_eq!(database(&shop, &variables[1..], &[]), format!("{xdg}/billing/billing.db"));
    let relative = database(&shop, &[("XDG_DATA_HOME", "xdg")], &[]);
    assert!(relative.ends_with("/.local/share/billing/billing.db"), "{relative}");
}

#[test]
fn the_short_names_of_tasks_run_the_same_tasks() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-16");
    let run = |task| shop.task(task, "2026-01-20", &[])["task"].clone();
    assert_eq!(run("check-overdue-invoices"), "check-overdue");
    assert_eq!(run("generate-recurring"), "generate-recurring-invoices");
    let runs = shop.json(&["tasks", "runs"]);
    let tasks = runs.as_array().expect("runs").iter().map(|run| run["task"].clone());
    assert_eq!(Value::from_iter(tasks), json!(["generate-recurring-invoices", "check-overdue"]));
    let one = shop.json(&["tasks", "runs", "--task", "check-overdue"]);
    assert_eq!(one.as_array().map(Vec::len), Some(1));
}

#[test]
fn overdue_invoices_may_be_listed_from_an_age_on() {
    let shop = Shop::new();
    for (tenant, due_on) in [
        ("acme", "2026-01-10"),
        ("birch", "2026-01-11"),
        ("acme", "2026-01-12"),
        ("acme", "2026-01-15"),
    ] {
        shop.owes(tenant, due_on);
    }
    let overdue = |more: &[&str]| {
        let args = [&["invoice", "overdue", "--as-of", "2026-01-15"], more].concat();
        let list = shop.json(&args);
        let invoices = list["invoices"].as_array().expect("invoices").iter();
        let days: Vec<i64> = invoices.filter_map(|i| i["days_overdue"].as_i64()).collect();
        (days, list["totals"]["EUR"].clone())
    };
    assert_eq!(overdue(&[]), (vec![5, 4, 3], json!("300.00")));
    assert_eq!(overdue(&["--min-days", "0"]), (vec![5, 4, 3], json!("300.00")));
    assert_eq!(overdue(&["--min-days", "4"]), (vec![5, 4], json!("200.00")));
    assert_eq!(overdue(&["--min-days", "4", "--tenant", "acme"]), (vec![5], json!("100.00")));
    assert_eq!(overdue(&["--min-days", "6"]), (vec![], Value::Null));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let shop = Shop::new();
    for n in 0..50 {
        shop.owes(&format!("tenant-{n}"), "2026-01-16");
    }
    let mut child = shop.command(&["invoice", "list", "--json"]);
    let mut child = child.stdout(std::process::Stdio::piped()).spawn().expect("billing starts");
    drop(child.stdout.take());
    assert!(child.wait().expect("an end").success());
}

#[test]
fn a_full_standard_output_is_a_failure() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-16");
    for args in [&["invoice", "list"][..], &["completions", "bash"], &["man"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let output = shop.command(args).stdout(full).output().expect("billing starts");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
    }
}

/// A script that is told "failed, nothing was changed" pays again.
#[test]
fn what_was_done_and_could_not_be_printed_is_told_so() {
    let shop = Shop::new();
    let number = shop.owes("acme", "2026-01-16");
    shop.write("more.csv", "slug,name,email\nbolt,Bolt,b@c.co\n");
    let unprinted = |args: &[&str]| {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let output = shop.command(args).arg("--json").stdout(full).output().expect("it starts");
        let error: Value = serde_json::from_slice(&output.stderr).expect("one line of JSON");
        let code = error["error"]["code"].as_str().expect("a code").to_owned();
        (output.status.code().expect("an end"), code)
    };
    let coupon = ["coupon", "create", "WELCOME", "--name", "Welcome", "--percent", "5"];
    let coupon: Vec<_> = coupon.into_iter().chain(["--until", "2999-01-01"]).collect();
    for args in [
        &["invoice", "pay", &number, "--amount", "10"][..],
        &["tenant", "edit", "acme", "--name", "Acme"],
        &["plan", "create", "pro", "--name", "Pro", "--price", "10", "--interval", "month"],
        &coupon,
        &["subscription", "create", "--tenant", "acme", "--plan", "pro"],
        &["payment-method", "create", "--tenant", "acme", "--kind", "card", "--token", "tok_ok"],
        &["import", "tenants", "more.csv"],
        &["tasks", "check-overdue"],
        &["db", "backup", "copy.db"],
        &["db", "migrate", "--db", "new.db"],
        &["init", "--config", "other/billing.toml"],
        &["report", "html", "--out", "pages"],
    ] {
        assert_eq!(unprinted(args), (74, "done_not_printed".to_owned()), "{args:?}");
    }
    assert_eq!(shop.json(&["invoice", "show", &number])["amount_paid"], "10.00");
    for args in [
        &["invoice", "list"][..],
        &["coupon", "validate", "WELCOME", "--tenant", "acme", "--amount", "10"],
        &["import", "tenants", "more.csv", "--dry-run"],
        &["tasks", "check-overdue", "--dry-run"],
        &["tasks", "simulate"],
        &["db", "migrate"],
        &["db", "check"],
    ] {
        assert_eq!(unprinted(args), (1, "output".to_owned()), "{args:?}");
    }
}

#[test]
fn new_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let shop = Shop::new();
    shop.owes("acme", "2026-01-16");
    shop.task("check-overdue", "2026-01-20", &[]);
    shop.ok(&["db", "backup", "copy.db"]);
    let mode = |path: &std::path::Path| {
        std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
    };
    for file in ["billing.db", "billing.toml", "copy.db", "billing.db.lock"] {
        assert_eq!(mode(&shop.path(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&shop.path("mail")), 0o700);
    for email in std::fs::read_dir(shop.path("mail")).expect("letters") {
        assert_eq!(mode(&email.expect("an e-mail").path()), 0o600);
    }
}

#[test]
fn a_dry_run_changes_nothing() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-16");
    let before = std::fs::read(shop.path("billing.db")).expect("the database");
    let dry = shop.task("check-overdue", "2026-02-20", &["--dry-run"]);
    assert_eq!((&dry["dry_run"], &dry["run_id"]), (&json!(true), &Value::Null));
    assert_eq!(dry["steps"]["warning"], 1);
    assert_eq!(dry["decisions"][0]["action"], "record warning");
    let after = std::fs::read(shop.path("billing.db")).expect("the database");
    assert!(before == after && !shop.path("mail").exists());
}

#[test]
fn a_changed_setting_holds_from_the_next_run_on() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-16");
    assert_eq!(shop.task("check-overdue", "2026-01-17", &[])["steps"]["friendly"], 0);
    shop.configure("[dunning]\nfriendly_days = 1\n");
    assert_eq!(shop.task("check-overdue", "2026-01-17", &[])["steps"]["friendly"], 1);
}

#[test]
fn a_clock_that_jumped_is_not_believed() {
    let shop = Shop::new();
    let run = |more: &[&str]| {
        let args: Vec<_> = ["tasks", "check-overdue"].iter().chain(more).copied().collect();
        let done = shop.run(&args);
        (done.status, done.stderr.contains("the system clock says"))
    };
    let code = || shop.refusal(&["tasks", "check-overdue"]);
    assert_eq!(run(&[]), (0, false));
    for (last, believed) in [
        ("strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '+23 hours')", true),
        ("strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '+25 hours')", false),
        ("strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-39 days')", true),
        ("strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-41 days')", false),
    ] {
        let sql = format!("UPDATE database_info SET system_at = {last}");
        shop.sql().execute(&sql, []).expect("a last change");
        assert_eq!(run(&[]), if believed { (0, false) } else { (1, true) }, "{last}");
        assert!(believed || code() == "clock_jumped", "{last}");
        // A moment that is given is never a jump, and leaves no mark for the next run.
        assert_eq!(run(&["--as-of", "2026-01-01"]), (0, false));
        assert_eq!(run(&["--yes"]), (0, false));
    }
}

#[test]
fn what_would_really_leave_does_not_leave_in_the_future() {
    let shop = Shop::with_config(
        "[company]\nname = \"Example\"\n[mail]\ntransport = \"sendmail\"\nfrom = \"a@b.co\"\nsendmail = \"/bin/true\"\n",
    );
    shop.owes("acme", "2026-01-10");
    let future = ["tasks", "check-overdue", "--as-of", "2999-01-01"];
    assert_eq!(shop.refusal(&future), "as_of_in_the_future");
    assert_eq!(shop.json(&["tasks", "runs"]), json!([]));
    for harmless in ["--dry-run", "--no-deliver"] {
        let args: Vec<_> = future.iter().copied().chain([harmless]).collect();
        shop.ok(&args);
    }
    shop.ok(&[&future[..], &["--yes"]].concat());
}

#[test]
fn a_simulation_shows_the_days_to_come_and_touches_nothing() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-16");
    let before = std::fs::read(shop.path("billing.db")).expect("the database");
    let days = shop.json(&["tasks", "simulate", "--as-of", "2026-01-17"]);
    let stages: Vec<_> = days
        .as_array()
        .expect("days")
        .iter()
        .map(|day| format!("{} {}", day["on"].as_str().unwrap_or(""), day["letters"]))
        .collect();
    assert_eq!(stages, ["2026-01-19 1", "2026-01-23 1", "2026-01-31 1", "2026-02-15 1"]);
    assert_eq!(days[3]["tenants_suspended"], 1);
    let after = std::fs::read(shop.path("billing.db")).expect("the database");
    assert!(before == after);
}

#[test]
fn the_demo_has_coupons_and_charges_and_is_the_same_each_time() {
    let shop = Shop::empty();
    let told = |folder: &str| {
        shop.ok(&["demo", "--dir", folder, "--as-of", "2026-03-02", "--quiet"]);
        let config = format!("{folder}/billing.toml");
        shop.ok(&["--config", &config, "db", "check"]);
        let charges = shop.json(&["--config", &config, "transaction", "list"]);
        let charges = charges.as_array().expect("transactions").iter();
        // The references have keys in them, which are random.
        let charges: Vec<_> = charges
            .filter(|transaction| transaction["kind"] == "charge")
            .map(|c| json!([c["id"], c["invoice"], c["amount"], c["status"], c["attempts"]]))
            .collect();
        let stats = ["--config", &config, "coupon", "stats", "--as-of", "2026-03-02"];
        (shop.json(&stats), charges)
    };
    let (stats, charges) = told("one");
    let used = stats["top"].as_array().expect("coupons").iter();
    let statuses: Vec<_> = used.map(|coupon| coupon["status"].as_str().expect("a word")).collect();
    assert_eq!(statuses, ["active", "active", "expired"]);
    for (status, tries) in [("succeeded", 1), ("succeeded", 2), ("failed", 3)] {
        let has = |charge: &Value| charge[3] == status && charge[4] == tries;
        assert!(charges.iter().any(has), "none {status} after {tries}: {charges:?}");
    }
    assert_eq!((stats, charges), told("two"));
}
