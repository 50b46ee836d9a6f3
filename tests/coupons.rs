//! Coupons where no transcript can show them: at a terminal, and what two ways of writing share.
mod support;

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use support::Shop;

/// Runs a command on a terminal of its own and types the answers, one after another.
fn at_a_terminal(shop: &Shop, command: &str, answers: &[&str]) -> String {
    // Should it ask for more than is typed, it does not wait for ever.
    let mut script = std::process::Command::new("timeout");
    script.args(["30", "script", "-qec", command, "/dev/null"]);
    support::seal(&mut script, &shop.path(""));
    script.env("TERM", "xterm").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = script.spawn().expect("script starts");
    let mut keyboard = child.stdin.take().expect("its input");
    for answer in answers {
        // Nobody types before there is a question.
        std::thread::sleep(Duration::from_millis(400));
        write!(keyboard, "{answer}\r").expect("a terminal");
        keyboard.flush().expect("a terminal");
    }
    let output = child.wait_with_output().expect("an end");
    drop(keyboard);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn what_is_missing_is_asked_for_on_a_terminal_until_it_is_right() {
    let shop = Shop::new();
    // 0 % is no discount: it is asked for again, what was typed still standing there.
    let again = format!("{}12.5 %", "\u{7f}".repeat(3));
    let answers = ["SPRING26", "Spring", "0 %", &again, "2026-06-30", "y"];
    let create = "billing --as-of 2026-03-01 coupon create";
    let said = at_a_terminal(&shop, create, &answers);
    assert!(said.contains("Discount, such as 30 % or 5000 EUR"), "{said}");
    assert!(said.contains("not a discount in percent"), "{said}");
    let coupon = shop.json(&["coupon", "show", "spring26"]);
    assert_eq!((&coupon["name"], &coupon["discount_value"]), (&json!("Spring"), &json!("12.5")));
    assert_eq!(coupon["valid_to"], "2026-06-30T23:59:59Z");
}

#[test]
fn without_a_terminal_nothing_is_asked_and_the_flag_is_named() {
    let shop = Shop::new();
    for (args, flag) in [
        (&["coupon", "create"][..], "CODE"),
        (&["coupon", "create", "AB"], "--name"),
        (&["coupon", "create", "AB", "--name", "x"], "--percent or --amount"),
        (&["coupon", "create", "AB", "--name", "x", "--percent", "5"], "--until"),
        (&["coupon", "validate"], "CODE"),
        (&["coupon", "validate", "AB"], "--tenant"),
        (&["coupon", "validate", "AB", "--tenant", "acme"], "--amount"),
        (&["coupon", "generate", "--count", "2", "--prefix", "AB"], "--percent or --amount"),
    ] {
        let done = shop.run(args);
        assert_eq!((done.status, done.stdout.as_str()), (2, ""), "{args:?}");
        assert!(done.stderr.contains(&format!("{flag} is missing")), "{args:?}: {}", done.stderr);
    }
    assert_eq!(shop.json(&["coupon", "list"]), Value::Array(Vec::new()));
}
