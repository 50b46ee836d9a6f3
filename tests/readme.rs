//! The README: its commands are run, and its table of the configuration is complete and right.
mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use billing::config::Config;
use billing::domain::Refusal;
use billing::domain::coupon::Reason;
use support::Shop;

fn readme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

fn text() -> String {
    std::fs::read_to_string(readme()).expect("the README")
}

#[test]
fn every_command_that_is_shown_does_what_is_shown() {
    support::transcript::run(&readme(), |folder| {
        let examples = folder.join("examples");
        std::fs::create_dir(&examples).expect("a folder");
        for file in ["tenants.csv", "invoices.csv", "payments.csv"] {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(file);
            std::fs::copy(from, examples.join(file)).expect("an example");
        }
    });
}

/// The rows of the configuration table: section (empty: none), key, default where there is one.
fn rows() -> Vec<(String, String, Option<String>)> {
    let text = text();
    let table = text.split("## Configuration").nth(1).expect("the section");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let (name, rest) = row.split_once("` | ").expect("a key");
        let (section, key) = name.rsplit_once(' ').unwrap_or(("", name));
        let section = section.trim_matches(['[', ']']).to_owned();
        let default = rest.strip_prefix('`').and_then(|rest| rest.split_once('`'));
        (section, key.to_owned(), default.map(|(value, _)| value.to_owned()))
    })
    .take_while(|(_, key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    .collect()
}

/// What stands in backquotes at the beginning of the rows of the table under that heading.
fn first_column(heading: &str) -> Vec<String> {
    let text = text();
    let table = text.split(heading).nth(1).expect(heading);
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').nth(1).unwrap_or_default().trim().to_owned()).collect()
}

#[test]
fn the_tables_of_coupons_name_every_reason_and_every_flag() {
    let reasons: Vec<String> =
        Reason::ALL.iter().map(|reason| format!("`{}`", reason.word())).collect();
    assert_eq!(first_column("| reason | meaning | what to do |"), reasons);
    let help = Shop::empty().ok(&["coupon", "create", "--help"]);
    let options = help.split("Options:").nth(1).and_then(|help| help.split("-h, --help").next());
    let flags: BTreeSet<&str> = options
        .expect("options")
        .lines()
        .filter_map(|line| line.trim().strip_prefix("--"))
        .map(|line| line.split([' ', '[', '=']).next().unwrap_or_default())
        .filter(|flag| !["name", "description"].contains(flag))
        .collect();
    let rows = first_column("| flag of `coupon create` | default | meaning |").join(" ");
    let named = rows.split("--").skip(1).filter_map(|rest| rest.split([' ', '`']).next());
    assert_eq!(named.collect::<BTreeSet<_>>(), flags);
}

fn load(text: &str) -> Result<Config, Refusal> {
    let shop = Shop::empty();
    shop.write("billing.toml", text);
    Config::load(Some(&shop.path("billing.toml")))
}

/// The keys that a section takes, by what the program says where it meets one that it does not.
fn keys(section: &str) -> BTreeSet<String> {
    let head = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
    let Err(Refusal::Config { message, .. }) = load(&format!("{head}no_such_key = 1\n")) else {
        panic!("[{section}] takes any key");
    };
    let (_, known) = message.split_once(", expected ").expect(&message);
    let known = known.trim_start_matches("one of ").replace(" or ", ", ");
    known.split(", ").map(str::to_owned).collect()
}

#[test]
fn the_table_names_every_key_and_no_other() {
    let sections: BTreeSet<String> = rows().into_iter().map(|(section, ..)| section).collect();
    for section in &sections {
        let in_table: BTreeSet<String> =
            rows().into_iter().filter(|row| row.0 == *section).map(|row| row.1).collect();
        let mut known = keys(section);
        // A section is a key of the one that it lies in: `stripe` of [payments].
        for inner in sections.iter().filter(|inner| !inner.is_empty()) {
            let (outer, key) = inner.rsplit_once('.').unwrap_or(("", inner));
            assert!(outer != section || known.remove(key), "no section [{inner}]");
        }
        assert_eq!(in_table, known, "[{section}]");
    }
}

#[test]
fn the_defaults_in_the_table_are_the_defaults() {
    for (section, key, default) in rows() {
        let Some(default) = default else { continue };
        let head = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
        let line = format!("{head}{key} = {default}\n");
        let mut config = load(&line).unwrap_or_else(|refusal| panic!("{line}{refusal:?}"));
        config.path = None;
        assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()), "{line}");
    }
}

#[test]
fn every_configuration_that_is_shown_loads() {
    let text = text();
    let mut shown = 0;
    for block in text.split("```toml").skip(1) {
        let (_, block) = block.split_once('\n').expect("a block");
        let block = block.split("```").next().unwrap_or_default();
        load(block).unwrap_or_else(|refusal| panic!("{block}{refusal:?}"));
        shown += 1;
    }
    assert!(shown >= 2, "{shown} configurations");
}

/// Links to files of this repository lead somewhere, and links within the README to a heading.
#[test]
fn links_lead_somewhere() {
    let text = text();
    let headings: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("## ").or_else(|| line.strip_prefix("### ")))
        .map(|heading| heading.to_lowercase().replace(' ', "-").replace(',', ""))
        .collect();
    for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        if link.starts_with("https://") {
            continue;
        }
        match link.strip_prefix('#') {
            Some(heading) => assert!(headings.contains(heading), "{link}"),
            None => assert!(
                Path::new(env!("CARGO_MANIFEST_DIR")).join(link).exists(),
                "{link} is not there"
            ),
        }
    }
}
