//! The gateway that keeps books and misbehaves, tests/peers/ledger_gateway.rs: where it is, and
//! what stands in its books.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What became of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    pub invoice: String,
    pub tenant: String,
    pub currency: String,
    pub amount_minor: i64,
    /// `succeeded`, `declined` or `pending`.
    pub outcome: String,
}

/// A line of the log, in its order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    pub operation: String,
    pub key: String,
    pub number: u64,
    pub invoice: String,
    pub amount_minor: i64,
    pub currency: String,
    /// `not_found`, an outcome, or `-` where nobody looked.
    pub known: String,
    /// `answers`, `conflict`, or how it misbehaved.
    pub way: String,
}

/// The program beside the test's own: `cargo test` builds it, `cargo test --test NAME` does not.
pub fn program() -> PathBuf {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    BUILT.get_or_init(find_or_build).clone()
}

fn find_or_build() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let folder = test.parent().and_then(Path::parent).expect("target/PROFILE/deps");
    let program = folder.join("examples/ledger_gateway");
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers");
    let sources = ["ledger_gateway.rs", "ledger_gateway/refunds.rs"];
    let changed = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
    // None is older than any.
    if sources.iter().any(|source| changed(&program) < changed(&peers.join(source))) {
        let profile = match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(profile) => profile,
        };
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--example", "ledger_gateway", "--profile", profile]);
        // What cargo sets for a test would look like a change to some crates, and build them anew.
        let own = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_"];
        for (name, _) in std::env::vars() {
            if own.iter().any(|prefix| name.starts_with(prefix)) {
                cargo.env_remove(name);
            }
        }
        let target = folder.parent().expect("the target folder");
        cargo.env("CARGO_TARGET_DIR", target).current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(cargo.status().expect("cargo starts").success(), "ledger_gateway is not built");
    }
    program
}

/// The command line as the config has it, the program's path first.
pub fn command(folder: &Path, settings: &[&str]) -> Vec<String> {
    let path = |path: &Path| path.to_str().expect("a path of text").to_owned();
    let settings = settings.iter().map(|setting| (*setting).to_owned());
    [path(&program()), path(folder)].into_iter().chain(settings).collect()
}

/// Waits until no call is under way: billing may have been killed in the middle of one.
pub fn wait_until_quiet(folder: &Path) {
    if let Ok(running) = fs::File::open(folder.join("running")) {
        running.lock().expect("a lock");
    }
}

/// A refund, as it is booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refunded {
    /// The reference of the charge, `led_KEY`.
    pub charge: String,
    pub booked: Booked,
}

/// The refunds, by key: `out_…` where nobody had asked for it.
pub fn refunds(folder: &Path) -> BTreeMap<String, Refunded> {
    let read = |path: &Path| {
        let text = fs::read_to_string(path).expect("a booking");
        let entry: Value = serde_json::from_str(&text).expect("a whole one");
        let charge = entry["charge"].as_str().expect("a charge").to_owned();
        let (key, booked) = booked(path);
        (key, Refunded { charge, booked })
    };
    files(folder, "refunded").iter().map(|path| read(path)).collect()
}

/// How the disputes stand, by the key of the charge.
pub fn disputes(folder: &Path) -> BTreeMap<String, String> {
    let read = |path: &Path| {
        let text = fs::read_to_string(path).expect("a dispute");
        let entry: Value = serde_json::from_str(&text).expect("a whole one");
        let text = |name: &str| entry[name].as_str().expect(name).to_owned();
        (text("key"), text("status"))
    };
    files(folder, "disputes").iter().map(|path| read(path)).collect()
}

/// Of no charge more is back, or on its way, than was taken.
pub fn never_too_much_back(folder: &Path) {
    let (books, mut given) = (books(folder), BTreeMap::new());
    for (key, refund) in refunds(folder) {
        let charge = refund.charge.strip_prefix("led_").expect("a charge of ours").to_owned();
        if ["succeeded", "pending"].contains(&refund.booked.outcome.as_str()) {
            assert_eq!(books[&charge].outcome, "succeeded", "{key} of {charge}");
            *given.entry(charge).or_insert(0) += refund.booked.amount_minor;
        }
    }
    for (charge, back) in given {
        let taken = books[&charge].amount_minor;
        assert!(back <= taken, "{charge}: {back} of {taken}");
    }
}

fn files(folder: &Path, name: &str) -> Vec<PathBuf> {
    // It was never started where there is none.
    let entries = fs::read_dir(folder.join(name)).into_iter().flatten();
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

/// The books, by key.
pub fn books(folder: &Path) -> BTreeMap<String, Booked> {
    files(folder, "booked").iter().map(|path| booked(path)).collect()
}

fn booked(path: &Path) -> (String, Booked) {
    let text = fs::read_to_string(path).expect("a booking");
    let entry: Value = serde_json::from_str(&text).expect("a whole one");
    let text = |name: &str| entry[name].as_str().expect(name).to_owned();
    let booked = Booked {
        invoice: text("invoice"),
        tenant: text("tenant"),
        currency: text("currency"),
        amount_minor: entry["amount_minor"].as_i64().expect("an amount"),
        outcome: text("outcome"),
    };
    (text("key"), booked)
}

/// The log, line by line.
pub fn log(folder: &Path) -> Vec<Call> {
    let text = fs::read_to_string(folder.join("log")).unwrap_or_default();
    text.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [operation, key, number, invoice, amount, currency, known, way] = fields[..] else {
                panic!("{line}")
            };
            Call {
                operation: operation.to_owned(),
                key: key.to_owned(),
                number: number.parse().expect("a number"),
                invoice: invoice.to_owned(),
                amount_minor: amount.parse().expect("an amount"),
                currency: currency.to_owned(),
                known: known.to_owned(),
                way: way.to_owned(),
            }
        })
        .collect()
}
