//! The tables of the operator's book are complete and right, and the configurations that it shows
//! load.
mod support;

use std::collections::BTreeSet;

use billing::config::{Config, Unusable};
use billing::domain::Refusal;
use billing::domain::coupon::Reason;
use support::Shop;
use support::transcript::{documents_of, root};

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(name)).expect("a page")
}

/// The rows of the tables of configuration.md: section (empty: none), key, default where there is
/// one. A heading such as ``## `[mail]` `` says of which section the rows below it are.
fn rows() -> Vec<(String, String, Option<String>)> {
    let text = page("configuration.md");
    let mut section = None;
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = match heading.strip_prefix("`[").and_then(|rest| rest.strip_suffix("]`")) {
                Some(name) => Some(name.to_owned()),
                None => (heading == "At the top of the file").then(String::new),
            };
        }
        let (Some(section), Some(row)) = (&section, line.strip_prefix("| `")) else { continue };
        let (key, rest) = row.split_once("` | ").expect("a key");
        let default = rest.strip_prefix('`').and_then(|rest| rest.split_once('`'));
        found.push((section.clone(), key.to_owned(), default.map(|(value, _)| value.to_owned())));
    }
    found
}

/// The first column of the table of coupons.md that has this heading.
fn first_column(heading: &str) -> Vec<String> {
    let rows = table("coupons.md", heading).into_iter();
    rows.map(|cells| cells.into_iter().next().unwrap_or_default()).collect()
}

/// The cells of a page's table that has this heading, row by row.
fn table(name: &str, heading: &str) -> Vec<Vec<String>> {
    let text = page(name);
    let table = text.split(heading).nth(1).expect(heading);
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').skip(1).map(|cell| cell.trim().to_owned()).collect()).collect()
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
    let refusal = load(&format!("{head}no_such_key = 1\n")).expect_err(section);
    let Some(Unusable::Setting { message, .. }) = refusal.of() else {
        panic!("[{section}] takes any key");
    };
    let (_, known) = message.split_once(", expected ").expect(message);
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
            // One that may stand several times is in brackets of its own.
            let inner = inner.trim_matches(['[', ']']);
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
        let head = match section.as_str() {
            "" => String::new(),
            // There is none where nothing is said of it.
            "portal" => "[portal]\nbase_url = \"https://a.example\"\n".to_owned(),
            section => format!("[{section}]\n"),
        };
        let read = |text: &str| {
            let mut config = load(text).unwrap_or_else(|refusal| panic!("{text}{refusal:?}"));
            config.path = None;
            // Relative to the folder of the file.
            if let Some(portal) = &mut config.portal {
                portal.secret_file = portal.secret_file.file_name().expect("a name").into();
            }
            format!("{config:?}")
        };
        let line = format!("{head}{key} = {default}\n");
        assert_eq!(read(&line), read(&head), "{line}");
    }
}

#[test]
fn every_configuration_that_is_shown_loads() {
    let mut shown = 0;
    for path in documents_of(&root().join("docs")) {
        let text = std::fs::read_to_string(&path).expect("a page");
        for block in text.split("```toml").skip(1) {
            let (_, block) = block.split_once('\n').expect("a block");
            let block = block.split("```").next().unwrap_or_default();
            load(block).unwrap_or_else(|refusal| panic!("{}: {block}{refusal:?}", path.display()));
            shown += 1;
        }
    }
    assert!(shown >= 4, "{shown} configurations");
}

/// What stands in backquotes in a cell, but not in brackets.
fn names(cell: &str) -> Vec<String> {
    let outside: String =
        cell.split('(').map(|part| part.rsplit(')').next().unwrap_or_default()).collect();
    outside.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A template may use each name of the table, with each field that the table gives to it.
#[test]
fn e_mails_know_every_name_that_is_shown() {
    let shop = Shop::with_config("[mail]\ntemplates = \"templates\"\n");
    std::fs::create_dir(shop.path("templates")).expect("a folder");
    let mut used = 0;
    for row in table("e-mail.md", "| name | what it is | what it has |") {
        for name in names(&row[0]) {
            // The e-mail that has such a thing: what is said of it names it, else the reminder.
            let template = names(&row[1]).into_iter().next().unwrap_or("friendly".to_owned());
            let is_list = matches!(name.as_str(), "overdue" | "invoice.lines" | "payment.invoices");
            let item = if is_list { format!("{name}[0]") } else { name };
            let fields = names(&row[2]).into_iter().map(|field| format!("{item}.{field}"));
            for expression in std::iter::once(item.clone()).chain(fields) {
                let says = format!("{{{{ {expression} is defined }}}}");
                let text = format!("Subject: {says}\n\n{says}\n");
                shop.write(&format!("templates/{template}.en.txt"), &text);
                let shown = shop.ok(&["email", "preview", &template]);
                assert!(shown.starts_with("Subject: True"), "{template}: {expression}: {shown}");
                used += 1;
            }
        }
    }
    assert!(used > 50, "{used} names");
}
