//! The files of examples/, used as a reader would use them.
mod support;

use std::path::{Path, PathBuf};

use billing::config::Config;
use support::Shop;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(example(name)).expect("an example")
}

#[test]
fn the_first_month_goes_as_it_is_told() {
    support::transcript::run(&example("first-month.md"), |folder| {
        for file in ["tenants.csv", "invoices.csv", "payments.csv"] {
            std::fs::copy(example(file), folder.join(file)).expect("an example");
        }
    });
}

#[test]
fn the_five_campaigns_go_as_they_are_told() {
    support::transcript::run(&example("campaigns.md"), |_| {});
}

/// Subscriptions that began elsewhere, as the files show them: nothing of them is due in March.
#[test]
fn plans_and_subscriptions_move_in() {
    let shop = Shop::empty();
    for name in ["tenants", "plans", "subscriptions"] {
        let file = format!("{name}.csv");
        shop.write(&file, &text(&file));
    }
    let run = |day: &str, args: &[&str]| shop.json(&[&["--as-of", day], args].concat());
    shop.ok(&["init", "--currency", "XOF", "--timezone", "Africa/Dakar"]);
    for (name, rows) in [("tenants", 7), ("plans", 5), ("subscriptions", 7)] {
        let imported = run("2026-03-01", &["import", name, &format!("{name}.csv")]);
        assert_eq!(imported["created"], rows, "{name}");
    }
    for (day, invoices) in [("2026-03-30", 0), ("2026-03-31", 1), ("2026-04-01", 3)] {
        let billed = run(day, &["tasks", "generate-recurring-invoices", "--no-deliver"]);
        assert_eq!(billed["invoices_created"], invoices, "{day}");
    }
    shop.ok(&["--as-of", "2026-04-01", "db", "check"]);
}

/// Five campaigns, and what each of them says of a customer who has paid and of one who has not.
#[test]
fn coupons_move_in() {
    let shop = Shop::empty();
    for name in ["tenants", "invoices", "coupons"] {
        let file = format!("{name}.csv");
        shop.write(&file, &text(&file));
    }
    let run = |args: &[&str]| shop.json(&[&["--as-of", "2026-03-01"], args].concat());
    shop.ok(&["init", "--currency", "XOF", "--timezone", "Africa/Dakar"]);
    for (name, rows) in [("tenants", 7), ("invoices", 10), ("coupons", 5)] {
        let imported = run(&["import", name, &format!("{name}.csv")]);
        assert_eq!(imported["created"], rows, "{name}");
    }
    let status: Vec<_> = run(&["coupon", "list"])
        .as_array()
        .expect("coupons")
        .iter()
        .map(|coupon| format!("{} {}", coupon["code"], coupon["status"]).replace('"', ""))
        .collect();
    assert_eq!(
        status,
        [
            "WELCOME2025 active",
            "BLACKFRIDAY scheduled",
            "FIRST5000 active",
            "LOYALTY20 active",
            "REFERRAL active",
        ]
    );
    let takes_off = |code: &str, day: &str, tenant: &str| {
        let args = ["coupon", "validate", code, "--tenant", tenant, "--amount", "30000"];
        let done = shop.run(&[&["--as-of", day, "--json"], &args[..]].concat());
        let said: serde_json::Value = serde_json::from_str(&done.stdout).expect("a document");
        assert_eq!(done.status == 0, said["valid"] == true, "{said}");
        said["discount_amount"].as_str().expect("an amount").to_owned()
    };
    // The hotel has paid an invoice before, the workshop has not.
    for (code, day, new, existing) in [
        ("welcome2025", "2026-03-01", "9000", "0"),
        ("blackfriday", "2026-11-26", "0", "0"),
        ("blackfriday", "2026-11-27", "15000", "15000"),
        ("first5000", "2026-03-01", "5000", "0"),
        ("loyalty20", "2026-03-01", "0", "6000"),
        ("referral", "2026-03-01", "4500", "4500"),
    ] {
        let took = [takes_off(code, day, "menuiserie-bois"), takes_off(code, day, "hotel-teranga")];
        assert_eq!(took, [new, existing], "{code} on {day}");
    }
    shop.ok(&["--as-of", "2026-03-01", "db", "check"]);
}

/// What is shown as a default is the default: the file says nothing that no file would not say.
#[test]
fn the_configuration_loads_and_shows_the_defaults() {
    let mut shown = Config::load(Some(&example("billing.toml"))).expect("it loads");
    let defaults = Config::default();
    assert!(shown.database.take().is_some_and(|path| path.ends_with("billing.db")));
    shown.path = None;
    assert_eq!(format!("{shown:#?}"), format!("{defaults:#?}"));
}

/// Each key that is shown as a comment is a key, and takes the value that it is shown with.
#[test]
fn the_commented_keys_load_as_well() {
    let mut uncommented = String::new();
    let mut in_text = false;
    for line in text("billing.toml").lines() {
        let bare = line.strip_prefix("# ");
        let is_key = bare.is_some_and(|line| {
            let key = line.split(" = ").next().unwrap_or_default();
            let is_table = line.starts_with('[') && line.ends_with(']');
            is_table
                || line.contains(" = ") && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        });
        let begins = bare.is_some_and(|line| line.starts_with("[["));
        match bare.filter(|_| is_key || begins || in_text) {
            Some(bare) => {
                in_text ^= bare.matches("\"\"\"").count() == 1;
                uncommented.push_str(bare);
            }
            None => uncommented.push_str(line),
        }
        uncommented.push('\n');
    }
    let shop = Shop::empty();
    shop.write("billing.toml", &uncommented);
    let config = Config::load(Some(&shop.path("billing.toml"))).expect(&uncommented);
    assert!(config.company.legal_text.is_some() && config.kpi.emails_failed == Some(0));
    assert!(config.company.address.is_some_and(|address| address.lines().count() == 2));
    assert!(config.portal.is_some_and(|portal| portal.plans.is_some()));
    assert_eq!(config.hooks.len(), 2);
}
