//! The documents whose commands and output are tests: every scenario.
mod support;

use std::path::Path;

fn scenario(document: &Path) {
    support::transcript::run(document, |_| {});
}

support::transcript::documents! {
    "tests/scenarios", scenario;
    backlog => "backlog.md",
    charges => "charges.md",
    coupons => "coupons.md",
    dunning => "dunning.md",
    errors => "errors.md",
    import => "import.md",
    money => "money.md",
    periods => "periods.md",
    redemptions => "redemptions.md",
    reports => "reports.md",
    suspension => "suspension.md",
    year => "year.md",
}
