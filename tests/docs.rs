//! The README and the operator's book: their commands are run, their links lead somewhere, and the
//! README stays short and names every page.
mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use support::transcript::{documents_of, root};

/// Runs a page in an empty folder with the examples beside it, as each page says that it begins.
fn page(document: &Path) {
    let left = support::transcript::run(document, |folder| {
        let examples = folder.join("examples");
        std::fs::create_dir(&examples).expect("a folder");
        for entry in std::fs::read_dir(root().join("examples")).expect("the examples") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|e| e == "csv") {
                let copy = examples.join(path.file_name().expect("a name"));
                std::fs::copy(path, copy).expect("an example");
            }
        }
    });
    // A reader who goes on to the next page in the same shell must not trip over this one.
    assert!(left.is_empty(), "{}: leaves {left:?} set", document.display());
}

support::transcript::documents! {
    "docs", page;
    accounting => "accounting.md",
    api => "api.md",
    backup => "backup.md",
    configuration => "configuration.md",
    coupons => "coupons.md",
    cron => "cron.md",
    dunning => "dunning.md",
    e_mail => "e-mail.md",
    corrections => "corrections.md",
    everyday => "everyday.md",
    gateways => "gateways.md",
    hooks => "hooks.md",
    install => "install.md",
    invoices => "invoices.md",
    moving_in => "moving-in.md",
    payments => "payments.md",
    portal => "portal.md",
    reports => "reports.md",
    scripts => "scripts.md",
    subscriptions => "subscriptions.md",
    tax => "tax.md",
    usage => "usage.md",
}

#[test]
fn readme() {
    page(&root().join("README.md"));
}

/// Four screens: whoever wants to know more opens a page of the book.
#[test]
fn the_readme_is_short_and_names_every_page() {
    let text = text(&root().join("README.md"));
    assert!(text.lines().count() <= 250, "{} lines", text.lines().count());
    let contents = text.split("\n## ").find(|section| section.starts_with("Contents\n"));
    let contents = contents.expect("a table of contents");
    for page in documents_of(&root().join("docs")) {
        let name = page.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(
            contents.contains(&format!("](docs/{name})")),
            "docs/{name} is not in the contents"
        );
    }
}

/// A room that was added or renamed is in the table of rooms.
#[test]
fn the_architecture_names_every_room_of_the_source() {
    let text = text(&root().join("docs/architecture.md"));
    for entry in std::fs::read_dir(root().join("src")).expect("the source") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            let room = format!("`src/{}/`", path.file_name().expect("a name").display());
            assert!(text.contains(&room), "{room}");
        }
    }
}

fn text(document: &Path) -> String {
    std::fs::read_to_string(document).expect("a document")
}

/// The lines of a document that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// The anchors that GitHub gives to the headings of a document.
fn anchors(document: &Path) -> BTreeSet<String> {
    let text = text(document);
    let headings = prose(&text).filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let words = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = words.chars().filter(|&c| c.is_alphanumeric() || " -_".contains(c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// Links to files of this repository lead somewhere, and those to a heading to a heading.
#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    let mut followed = 0;
    for document in linking() {
        let folder = document.parent().expect("a folder");
        let text = text(&document);
        let links = prose(&text).flat_map(|line| line.split("](").skip(1));
        for link in links.filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("https://") {
                continue;
            }
            followed += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { document.clone() } else { folder.join(file) };
            let there = target.exists() && (anchor.is_empty() || anchors(&target).contains(anchor));
            if !there {
                wrong.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(followed > 50, "{followed} links");
}

/// Every document that people read.
fn linking() -> Vec<PathBuf> {
    let root = root();
    let folders = ["", "docs", "examples", "benches", "tests/scenarios"];
    folders.iter().flat_map(|folder| documents_of(&root.join(folder))).collect()
}
