//! The documents whose commands and output are tests: every scenario.
mod support;

use std::path::Path;

/// Each file of tests/scenarios, by name, so that a failing one is named by the test.
macro_rules! scenarios {
    ($($name:ident => $file:literal),+ $(,)?) => {
        $(#[test]
        fn $name() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join($file);
            support::transcript::run(&path, |_| {});
        })+

        #[test]
        fn every_scenario_is_run() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
            let mut there: Vec<_> = std::fs::read_dir(folder)
                .expect("the scenarios")
                .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
                .collect();
            there.sort();
            let mut named = vec![$($file.to_owned()),+];
            named.sort();
            assert_eq!(there, named);
        }
    };
}

scenarios! {
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
