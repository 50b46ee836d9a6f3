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
            line.contains(" = ") && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        });
        match bare.filter(|_| is_key || in_text) {
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
}
