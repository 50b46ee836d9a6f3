//! The operator's book: its commands are run.
mod support;

use std::path::Path;

use support::transcript::root;

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
    backup => "backup.md",
    configuration => "configuration.md",
    coupons => "coupons.md",
    cron => "cron.md",
    dunning => "dunning.md",
    e_mail => "e-mail.md",
    everyday => "everyday.md",
    gateways => "gateways.md",
    install => "install.md",
    moving_in => "moving-in.md",
    payments => "payments.md",
    reports => "reports.md",
    scripts => "scripts.md",
    subscriptions => "subscriptions.md",
}
