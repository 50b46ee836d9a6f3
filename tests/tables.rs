//! Tables on terminals of several widths, and lists that are cut.
mod support;

use support::{Outcome, Shop};

/// Every command that prints a table, on the demo.
const COMMANDS: &[&str] = &[
    "tenant list",
    "tenant show client-001",
    "plan list",
    "subscription list",
    "subscription show 1",
    "subscription explain 1",
    "invoice list",
    "invoice overdue",
    "invoice show INV-2026-000001",
    "invoice explain INV-2026-000001",
    "transaction list",
    "transaction show 1",
    "coupon list",
    "coupon usages",
    "coupon stats",
    "payment-method list",
    "email list",
    "event list",
    "tasks list",
    "tasks status",
    "tasks runs",
    "tasks check-overdue --dry-run",
    "tasks retry-failed-payments --dry-run",
    "tasks generate-recurring-invoices --dry-run",
    "tasks cleanup-expired-trials --dry-run",
    "tasks deliver-emails --dry-run",
    "report mrr",
    "report tax",
    "report overdue",
    "report transactions",
    "report kpi",
    "report coupons",
    "report automation",
    "db status",
];

/// A folder with the demo in it.
fn demo() -> Shop {
    let shop = Shop::empty();
    shop.ok(&["demo", "--dir", ".", "--as-of", "2026-03-02", "--quiet"]);
    shop
}

fn on_terminal(shop: &Shop, width: u16, args: &[&str]) -> Outcome {
    let mut command = shop.command(args);
    command.args(["--as-of", "2026-03-02"]).env("COLUMNS", width.to_string());
    let done = command.output().expect("billing starts");
    Outcome {
        status: done.status.code().unwrap_or(-1),
        stdout: String::from_utf8(done.stdout).expect("text"),
        stderr: String::from_utf8(done.stderr).expect("text"),
    }
}

#[test]
fn every_table_fits_the_terminal_and_names_what_it_leaves_out() {
    let shop = demo();
    for command in COMMANDS {
        let args: Vec<_> = command.split(' ').collect();
        let mut missing_before = usize::MAX;
        for width in [80, 100, 120, 200] {
            let shown = on_terminal(&shop, width, &args);
            let late = *command == "tasks status";
            assert!(shown.status == 0 || late, "{command}: {}", shown.stderr);
            // A sentence is left to the terminal, which breaks it; so is what is a single word.
            let rows = shown.stdout.lines().filter(|line| line.contains("  "));
            for line in rows {
                let length = line.chars().count();
                assert!(length <= usize::from(width), "{command} at {width}: {length}: {line}");
            }
            let note = format!("not shown at {width} columns: ");
            let missing = shown.stderr.lines().find_map(|line| line.strip_prefix(&note));
            let missing = missing.map_or(0, |names| names.split(", ").count());
            assert!(missing <= missing_before, "{command} at {width}: {}", shown.stderr);
            missing_before = missing;
        }
        assert_eq!(missing_before, 0, "{command} has room at 200 columns");
    }
}

#[test]
fn a_file_is_no_terminal_and_nothing_is_left_out_of_it() {
    let shop = demo();
    let done = shop.run(&["transaction", "list"]);
    assert_eq!(done.stderr, "");
    let heading = done.stdout.lines().next().expect("a heading");
    for column in ["Transaction", "Kind", "Attempts", "Why", "Reference"] {
        assert!(heading.contains(column), "{column}: {heading}");
    }
    let quiet = on_terminal(&shop, 80, &["transaction", "list", "--quiet"]);
    assert_eq!(quiet.stderr, "");
    assert!(!quiet.stdout.contains("Reference"));
}

#[test]
fn a_limit_leaves_the_newest_in_the_usual_order() {
    let shop = demo();
    for (noun, name) in [
        ("tenant", "slug"),
        ("plan", "code"),
        ("subscription", "id"),
        ("invoice", "number"),
        ("transaction", "id"),
        ("coupon", "code"),
        ("payment-method", "id"),
        ("email", "id"),
        ("event", "id"),
    ] {
        let list = |more: &[&str]| {
            let args: Vec<_> = [noun, "list"].iter().chain(more).copied().collect();
            let all = shop.json(&args);
            let all = all.as_array().expect("a list").clone();
            let name =
                |object: &serde_json::Value| object[name].as_str().expect("a name").to_owned();
            all.iter().map(name).collect::<Vec<_>>()
        };
        let (all, newest) = (list(&[]), list(&["--limit", "2"]));
        match noun {
            // By their names, and the newest by when they were made.
            "tenant" | "plan" => {
                assert_eq!(newest.len(), 2, "{noun}");
                assert!(newest.is_sorted(), "{newest:?}");
            }
            _ => assert_eq!(newest, all[all.len() - 2..], "{noun}"),
        }
        assert_eq!(list(&["--limit", "100000"]), all, "{noun}");
        assert!(list(&["--limit", "0"]).is_empty(), "{noun}");
    }
    let usages = |more: &[&str]| {
        let args: Vec<_> = ["coupon", "usages"].iter().chain(more).copied().collect();
        shop.json(&args).as_array().expect("a list").clone()
    };
    assert_eq!(usages(&["--limit", "1"])[0], *usages(&[]).last().expect("a usage"));
    let active = shop.json(&["subscription", "list", "--status", "active"]);
    let newest = shop.json(&["subscription", "list", "--status", "active", "--limit", "1"]);
    assert_eq!(newest[0], *active.as_array().and_then(|all| all.last()).expect("active ones"));
}

#[test]
fn the_newest_customer_is_the_one_made_last_and_events_after_one_are_the_next() {
    let shop = Shop::new();
    for tenant in ["zoe", "acme", "mill"] {
        let email = format!("{tenant}@clients.example");
        shop.ok(&["tenant", "create", tenant, "--name", tenant, "--email", &email]);
    }
    let slugs = |limit| {
        let tenants = shop.json(&["tenant", "list", "--limit", limit]);
        let tenants = tenants.as_array().expect("a list").iter();
        tenants.map(|t| t["slug"].as_str().expect("a slug").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(slugs("1"), ["mill"]);
    assert_eq!(slugs("2"), ["acme", "mill"]);
    let events = shop.json(&["event", "list", "--after", "evt_1", "--limit", "1"]);
    assert_eq!(events[0]["id"], "evt_2", "who reads on wants the next, not the newest");
}

#[test]
fn invoices_and_transactions_of_a_time() {
    let shop = Shop::new();
    shop.ok(&["tenant", "create", "acme", "--name", "Acme", "--email", "a@clients.example"]);
    for day in ["2026-01-31", "2026-02-01", "2026-02-28", "2026-03-01"] {
        let args = ["invoice", "create", "--tenant", "acme", "--amount", "10", "--issued-on", day];
        let number = shop.json(&args)["number"].as_str().expect("a number").to_owned();
        shop.ok(&["invoice", "pay", &number, "--amount", "10", "--as-of", day]);
    }
    let count = |noun, more: &[&str]| {
        let args: Vec<_> = [noun, "list"].iter().chain(more).copied().collect();
        shop.json(&args).as_array().expect("a list").len()
    };
    for noun in ["invoice", "transaction"] {
        assert_eq!(count(noun, &["--since", "2026-02-01"]), 3, "{noun}");
        assert_eq!(count(noun, &["--until", "2026-02-28"]), 3, "{noun}");
        let february = ["--since", "2026-02-01", "--until", "2026-02-28"];
        assert_eq!(count(noun, &february), 2, "{noun}");
        assert_eq!(count(noun, &[&february[..], &["--limit", "1"]].concat()), 1, "{noun}");
        assert_eq!(count(noun, &[&february[..], &["--tenant", "acme"]].concat()), 2, "{noun}");
    }
    assert_eq!(count("invoice", &["--overdue", "--since", "2026-02-01"]), 0);
}

#[test]
fn what_a_table_prints_is_taken_as_an_amount() {
    let shop = Shop::new();
    let config = "database = \"billing.db\"\ncurrency = \"EUR\"\nlocale = \"fr\"\n";
    shop.write("billing.toml", config);
    shop.ok(&["tenant", "create", "acme", "--name", "Acme", "--email", "a@clients.example"]);
    for (typed, total) in [("2 395,20", "2395.20"), ("2\u{a0}395,2", "2395.20"), ("7,5", "7.50")] {
        let made = shop.json(&["invoice", "create", "--tenant", "acme", "--amount", typed]);
        assert_eq!(made["total"], total, "{typed}");
        let number = made["number"].as_str().expect("a number");
        let paid = shop.json(&["invoice", "pay", number, "--amount", typed]);
        assert_eq!(paid["amount_paid"], total, "{typed}");
    }
    let plan = ["plan", "create", "pro", "--name", "Pro", "--interval", "month", "--price"];
    assert_eq!(shop.json(&[&plan[..], &["1 000,00"]].concat())["price"], "1000.00");
    let coupon = ["coupon", "create", "SPRING", "--name", "Spring", "--until", "2030-01-01"];
    let offer = ["--percent", "12,5", "--minimum", "1 000"];
    let coupon = shop.json(&[&coupon[..], &offer].concat());
    assert_eq!(coupon["discount_value"], "12.5");
    assert_eq!(coupon["minimum_purchase_amount"], "1000.00");
    let refused = shop.refused(&["invoice", "create", "--tenant", "acme", "--amount", "2,395.20"]);
    assert!(refused["message"].to_string().contains("2,395.20"), "{refused}");
}

#[test]
fn colour_says_nothing_about_how_numbers_are_written() {
    let shop = Shop::new();
    shop.ok(&["tenant", "create", "acme", "--name", "Acme", "--email", "a@clients.example"]);
    shop.ok(&["invoice", "create", "--tenant", "acme", "--amount", "1234.5"]);
    for color in ["always", "never"] {
        let list = shop.ok(&["--color", color, "invoice", "list"]);
        assert!(list.contains("1234.50"), "{color}: {list}");
    }
}
