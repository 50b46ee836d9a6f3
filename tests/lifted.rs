//! Full databases of version 4, lifted: what was printed of every past day is printed still.
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::versions::differences;

/// The real-shaped data beside the checkout; a plain clone has none, and then nothing is compared.
fn data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/v4");
    data.is_dir().then_some(data)
}

fn unpacked(file: &Path) -> Vec<u8> {
    let output = Command::new("gzip").arg("-dc").arg(file).output().expect("gzip");
    assert!(output.status.success(), "{}", file.display());
    output.stdout
}

/// Lifts one of them and asks everything that version 4 was asked.
fn is_told_as_before(name: &str) {
    let Some(data) = data() else { return };
    let shop = support::Shop::empty();
    shop.write(
        "billing.toml",
        &std::fs::read_to_string(data.join(format!("{name}.toml"))).expect("toml"),
    );
    std::fs::write(shop.path("billing.db"), unpacked(&data.join(format!("{name}.db.gz"))))
        .expect("db");
    shop.ok(&["db", "migrate"]);
    let check = shop.run(&["db", "check", "--json"]);
    assert_eq!(check.status, 0, "{}", check.stdout);
    let expected = unpacked(&data.join(format!("{name}.expected.json.gz")));
    let expected: Value = serde_json::from_slice(&expected).expect("JSON");
    let commands = expected["commands"].as_object().expect("commands");
    assert!(commands.len() > 50, "{} commands", commands.len());
    let mut wrong = Vec::new();
    for (command, said) in commands {
        let words: Vec<&str> = command.split(' ').chain(["--json"]).collect();
        let outcome = shop.run(&words);
        assert_eq!(said["exit"], outcome.status, "{command}: {}", outcome.stderr);
        let found = serde_json::from_str(&outcome.stdout).unwrap_or(Value::Null);
        differences(&said["out"], &found, command, &mut wrong);
    }
    wrong.retain(|difference| !support::versions::is_promised(difference));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_business_in_kolkata() {
    is_told_as_before("random-3");
}

#[test]
fn a_business_in_dinars() {
    is_told_as_before("random-5");
}

#[test]
fn a_business_in_paris() {
    is_told_as_before("random-8");
}

#[test]
fn three_hundred_customers_in_two_currencies() {
    is_told_as_before("demo");
}
