//! What is asked of a person at a terminal, before what cannot be undone. `script` of util-linux gives
//! the command one; where there is none, nothing is tried.
mod support;

use std::process::{Command, Stdio};

use support::Shop;

/// Carries a command out at a terminal where `answer` is typed; whether it was done.
fn at_a_terminal(shop: &Shop, words: &[&str], answer: &str) -> Option<(bool, String)> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let line = format!("{} {}", env!("CARGO_BIN_EXE_billing"), quoted.join(" "));
    let mut child = Command::new("script")
        .args(["-qefc", &line, "/dev/null"])
        .current_dir(shop.path(""))
        .env("BILLING_DB", shop.path("billing.db"))
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    use std::io::Write;
    child.stdin.take()?.write_all(answer.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    Some((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

#[test]
fn what_cannot_be_undone_is_asked_at_a_terminal_and_nowhere_else() {
    let shop = Shop::new();
    shop.plan("monthly", "31", "1", &[]);
    shop.tenant("acme");
    shop.subscribe("acme", "monthly", "2026-01-10", &[]);
    shop.ok(&["invoice", "create", "--tenant", "acme", "--amount", "10", "--as-of", "2026-01-10"]);
    let at = ["--as-of", "2026-01-11"];
    let commands: [&[&str]; 6] = [
        &["invoice", "create", "--tenant", "acme", "--amount", "1", "--issued-on", "2031-01-11"],
        &["invoice", "create", "--tenant", "acme", "--amount", "1", "--issued-on", "2021-01-11"],
        &["invoice", "write-off", "INV-2026-000002", "--reason", "gone"],
        &["invoice", "void", "INV-2026-000001", "--reason", "a mistake"],
        &["subscription", "cancel", "sub_1", "--now"],
        &["tenant", "close", "acme"],
    ];
    for command in commands {
        let words = [command, &at].concat();
        let Some((done, said)) = at_a_terminal(&shop, &words, "n") else { return };
        assert!(!done && said.contains("Go on?"), "{command:?}: {said}");
        let (done, said) = at_a_terminal(&shop, &words, "y").expect("script");
        assert!(done, "{command:?}: {said}");
    }
    assert_eq!(shop.json(&["tenant", "show", "acme"])["status"], "closed");
}

#[test]
fn a_first_run_that_writes_to_many_is_asked_for_at_a_terminal() {
    let shop = Shop::new();
    for n in 0..11 {
        let tenant = format!("t{n}");
        shop.tenant(&tenant);
        let create = ["invoice", "create", "--tenant", &tenant, "--amount", "10"];
        shop.ok(&[&create[..], &["--as-of", "2026-01-10"]].concat());
    }
    let run = ["tasks", "check-overdue", "--as-of", "2026-01-29"];
    let Some((done, said)) = at_a_terminal(&shop, &run, "n") else { return };
    assert!(!done && said.contains("the first run of check-overdue writes 11 e-mails"), "{said}");
    assert!(at_a_terminal(&shop, &run, "y").expect("script").0);
    // Not the first any more.
    let (done, said) =
        at_a_terminal(&shop, &["tasks", "check-overdue", "--as-of", "2026-02-03"], "")
            .expect("script");
    assert!(done && !said.contains("Go on?"), "{said}");
}

#[test]
fn a_pdf_is_not_printed_at_a_terminal() {
    let shop = Shop::new();
    let number = shop.owes("acme", "2026-01-16");
    let Some((done, said)) = at_a_terminal(&shop, &["invoice", "pdf", &number, "--json"], "")
    else {
        return;
    };
    assert!(!done && said.contains("out_is_a_terminal"), "{said}");
    let to_file = ["invoice", "pdf", &number, "--out", "a.pdf"];
    assert!(at_a_terminal(&shop, &to_file, "").expect("script").0);
}
