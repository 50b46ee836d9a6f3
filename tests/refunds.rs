//! Refunds before a gateway that says what the test has it say: when one is sent, asked about, tried
//! again under another key or given up, and what is the customer's credit after it.
mod support;

use std::os::unix::fs::PermissionsExt;

use billing::domain::TransactionId;
use billing::gateway::Gateway;
use billing::mail::Transport;
use billing::tasks::{Given, refund};
use serde_json::{Value, json};
use support::inside::Inside;
use support::subscriptions::text;
use support::{Outcome, Shop};

const RETRY: &str = "retry-failed-payments";
const DAY: &str = "2025-03-01";

/// The program: it writes down what it is asked, and says what the file of that name holds, with KEY
/// being the key; else a charge and a refund succeed, a key is unknown, and nothing was done.
const PROGRAM: &str = r#"
read -r question
KEY=$(echo "$question" | sed 's/.*"idempotency_key":"\([^"]*\)".*/\1/')
else='{"status":"succeeded","reference":"for-KEY"}'
case $question in
*'"operation":"changes"'*) asked=changes; else='{"changes":[]}';;
*'"operation":"refund"'*) asked=refund;;
*'"of":"refund"'*) asked=ask; else='{"status":"not_found"}';;
*'"operation":"status"'*) asked=ask-charge; else='{"status":"not_found"}';;
*) asked=charge;;
esac
echo "$question" >> "asked.$asked"
says=$else
[ -e "says.$asked" ] && says=$(cat "says.$asked")
echo "$says" | sed "s/KEY/$KEY/g""#;

const DECLINED: &str = r#"{"status":"declined","code":"no_balance","message":"the account is empty","retryable":true}"#;
const REFUSED: &str = r#"{"status":"declined","code":"account_closed","message":"the account is closed","retryable":false}"#;
const PENDING: &str = r#"{"status":"pending","reference":"for-KEY"}"#;
const SUCCEEDED: &str = r#"{"status":"succeeded","reference":"for-KEY"}"#;
const NOT_FOUND: &str = r#"{"status":"not_found"}"#;
const GARBAGE: &str = "<html>502</html>";

/// A shop before that program.
fn shop() -> Shop {
    let shop = Shop::new();
    shop.program("#!/bin/sh");
    shop.gives_back("refunds = true\n");
    shop
}

/// One with an invoice of acme over 120.00 that was charged; its number.
fn charged() -> (Shop, String) {
    let shop = shop();
    let number = shop.charged("acme", "120");
    (shop, number)
}

impl Shop {
    fn program(&self, first_line: &str) {
        let text = format!("{first_line}\ncd '{}'\n{PROGRAM}\n", self.path("").display());
        self.write("gateway", &text);
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(self.path("gateway"), mode).expect("a mode");
    }

    fn gives_back(&self, more: &str) {
        let path = self.path("gateway");
        self.configure(&format!(
            "[payments]\ngateway = \"command\"\ncommand = [{path:?}]\ntimeout_seconds = 1\n{more}"
        ));
    }

    fn says(&self, what: &str, answer: &str) {
        self.write(&format!("says.{what}"), answer);
    }

    /// What it was asked, the oldest first.
    fn asked(&self, what: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path(&format!("asked.{what}")));
        let text = text.unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a question")).collect()
    }

    fn keys(&self, what: &str) -> Vec<String> {
        self.asked(what).iter().map(|question| text(&question["idempotency_key"])).collect()
    }

    fn charged(&self, tenant: &str, amount: &str) -> String {
        self.tenant(tenant);
        let method = ["payment-method", "create", "--tenant", tenant, "--kind", "card"];
        self.ok(&[&method[..], &["--default", "--token", "tok"]].concat());
        let number = self.billed_on(tenant, amount, DAY);
        self.ok(&["invoice", "charge", &number, "--as-of", DAY]);
        number
    }

    fn billed_on(&self, tenant: &str, amount: &str, day: &str) -> String {
        let create = ["invoice", "create", "--tenant", tenant, "--amount", amount];
        text(
            &self.json(&[&create[..], &["--description", "Hosting", "--as-of", day]].concat())["number"],
        )
    }

    /// A credit note of so much that goes back, or is to.
    fn credits(&self, number: &str, amount: &str) -> Outcome {
        self.run(&credit_note(number, amount))
    }

    /// The refunds, the oldest first, each with the history of its attempts.
    fn refunds(&self) -> Vec<Value> {
        let list = self.json(&["transaction", "list"]);
        let refunds = list.as_array().expect("a list").iter().filter(|t| t["kind"] == "refund");
        refunds.map(|t| self.json(&["transaction", "show", &text(&t["id"])])).collect()
    }

    /// The one refund: its status, and how often it was tried.
    fn refund(&self) -> (String, usize) {
        let refunds = self.refunds();
        assert_eq!(refunds.len(), 1, "{refunds:#?}");
        (text(&refunds[0]["status"]), refunds[0]["history"].as_array().expect("tries").len())
    }

    fn credit(&self, tenant: &str) -> Value {
        self.json(&["tenant", "show", tenant])["credit_balance"].clone()
    }

    fn note(&self) -> Value {
        let notes = self.json(&["credit-note", "list"]);
        assert_eq!(notes.as_array().map(Vec::len), Some(1), "{notes}");
        notes[0].clone()
    }

    fn invoice(&self, number: &str) -> Value {
        self.json(&["invoice", "show", number])
    }

    fn events(&self, kind: &str) -> Vec<Value> {
        let events = self.json(&["event", "list", "--kind", kind]);
        events.as_array().expect("a list").clone()
    }

    /// A run on that day, in which so many refunds succeed, fail and have no outcome; its errors.
    fn retried(&self, at: &str, counts: [u64; 3]) -> Vec<String> {
        let report = self.task(RETRY, at, &["--no-deliver"]);
        let names = ["refunds_succeeded", "refunds_failed", "refunds_pending"];
        assert_eq!(names.map(|name| report[name].as_u64()), counts.map(Some), "{at}: {report}");
        let errors = report["errors"].as_array().expect("errors");
        let status = if errors.is_empty() { "ok" } else { "partial" };
        assert_eq!(report["status"], status, "{report}");
        errors.iter().map(|error| text(&error["code"])).collect()
    }

    fn checked(&self) {
        self.check_but_for_credits();
    }
}

fn credit_note<'a>(number: &'a str, amount: &'a str) -> Vec<&'a str> {
    let create = ["credit-note", "create", "--invoice", number, "--amount", amount];
    let more = ["--reason", "cancellation", "--refund", "--no-email", "--as-of", DAY, "--json"];
    [&create[..], &more].concat()
}

#[test]
fn a_refund_that_was_never_sent_is_sent_half_an_hour_later_under_a_key_of_its_own() {
    let (shop, number) = charged();
    // It is there and may be run, and cannot be started.
    shop.program("#!/nowhere/sh");
    let done = shop.credits(&number, "48");
    assert_eq!(done.status, 3, "{done:?}");
    assert!(done.stderr.contains("not reached"), "{done:?}");
    assert_eq!(shop.refund(), ("failed".to_owned(), 1));
    let refund = &shop.refunds()[0];
    assert_eq!(refund["failure_code"], "not_sent");
    assert_eq!(shop.events("refund_not_sent").len(), 1);
    let note = shop.note();
    assert_eq!((&note["refunded"], &note["refund_status"]), (&json!("48.00"), &json!("pending")));
    // The credit is held meanwhile: no invoice is paid with it.
    assert_eq!(shop.credit("acme"), json!({}));
    let other = shop.billed_on("acme", "10", DAY);
    assert_eq!(shop.invoice(&other)["amount_due"], "10.00");
    shop.checked();

    // Nor can it be asked what was done there.
    let quiet = ["changes_unknown"];
    assert_eq!(shop.retried("2025-03-01T12:29:59Z", [0, 0, 0]), quiet);
    assert_eq!(shop.refund(), ("failed".to_owned(), 1));
    let named = ["not_sent", "changes_unknown"];
    assert_eq!(shop.retried("2025-03-01T12:30:00Z", [0, 0, 0]), named);
    assert_eq!(shop.events("refund_not_sent").len(), 2);
    // However long nobody is there, it is not given up.
    assert_eq!(shop.retried("2025-03-20", [0, 0, 0]), named);
    shop.program("#!/bin/sh");
    assert_eq!(shop.retried("2025-03-21", [1, 0, 0]), [""; 0]);
    let refund = &shop.refunds()[0];
    let keys: Vec<&Value> = refund["history"]
        .as_array()
        .expect("tries")
        .iter()
        .map(|t| &t["idempotency_key"])
        .collect();
    assert_eq!((keys.len(), shop.keys("refund").len()), (4, 1));
    assert!(keys.iter().all(|key| keys.iter().filter(|k| k == &key).count() == 1), "{keys:?}");
    assert_eq!(
        (&refund["status"], &refund["paid_on"]),
        (&json!("succeeded"), &json!("2025-03-21"))
    );
    assert_eq!(shop.note()["refund_status"], "succeeded");
    assert_eq!(shop.invoice(&number)["refunded"], "48.00");
    shop.checked();
}

#[test]
fn a_refund_that_is_declined_for_now_is_tried_again_and_is_credit_once_no_attempt_is_left() {
    let (shop, number) = charged();
    shop.says("refund", DECLINED);
    assert_eq!(shop.credits(&number, "48").status, 0);
    assert_eq!(shop.refund(), ("failed".to_owned(), 1));
    assert_eq!(shop.note()["refund_status"], "pending");
    assert_eq!(shop.events("refund_declined").len(), 1);
    let mut tries = 1;
    for (early, at) in [
        ("2025-03-02T07:59:59Z", "2025-03-02T08:00:00Z"),
        ("2025-03-03T03:59:59Z", "2025-03-03T04:00:00Z"),
        ("2025-03-03T23:59:59Z", "2025-03-04T00:00:00Z"),
    ] {
        shop.retried(early, [0, 0, 0]);
        assert_eq!(shop.refund().1, tries, "{early}");
        assert_eq!(shop.retried(at, [0, 0, 0]), [""; 0]);
        tries += 1;
        assert_eq!(shop.refund().1, tries, "{at}");
    }
    assert_eq!((shop.credit("acme"), shop.keys("refund").len()), (json!({}), 4));
    shop.checked();
    assert_eq!(shop.retried("2025-03-04T01:00:00Z", [0, 1, 0]), ["refund_failed"]);
    assert_eq!(shop.refunds()[0]["failure_code"], "exhausted");
    assert_eq!(shop.credit("acme"), json!({"EUR": "48.00"}));
    let note = shop.note();
    assert_eq!(
        (&note["refunded"], &note["to_credit"], &note["refund_status"]),
        (&json!("0.00"), &json!("48.00"), &json!("failed"))
    );
    assert_eq!(shop.retried("2025-03-10", [0, 0, 0]), [""; 0]);
    assert_eq!(shop.keys("refund").len(), 4);
    shop.checked();
}

#[test]
fn a_decline_for_now_that_is_followed_by_another_answer_goes_back_once() {
    let (shop, number) = charged();
    shop.says("refund", DECLINED);
    assert_eq!(shop.credits(&number, "48").status, 0);
    shop.says("refund", SUCCEEDED);
    assert_eq!(shop.retried("2025-03-02", [1, 0, 0]), [""; 0]);
    let keys = shop.keys("refund");
    assert_eq!(keys.len(), 2);
    assert!(keys[0] != keys[1], "{keys:?}");
    assert_eq!(shop.credit("acme"), json!({}));
    assert_eq!(shop.retried("2025-03-03", [0, 0, 0]), [""; 0]);
    shop.check();
}

#[test]
fn a_refund_that_is_declined_for_good_is_credit_that_pays_the_next_invoice() {
    let (shop, number) = charged();
    shop.says("refund", REFUSED);
    let done = shop.credits(&number, "48");
    assert_eq!(done.status, 3, "{done:?}");
    assert!(done.stderr.contains("the account is closed"), "{done:?}");
    let refund = &shop.refunds()[0];
    assert_eq!(
        (&refund["status"], &refund["failure_code"]),
        (&json!("failed"), &json!("account_closed"))
    );
    assert_eq!(shop.credit("acme"), json!({"EUR": "48.00"}));
    shop.checked();
    let other = shop.invoice(&shop.billed_on("acme", "50", DAY));
    assert_eq!((&other["credit_applied"], &other["amount_due"]), (&json!("48.00"), &json!("2.00")));
    assert_eq!(shop.retried("2025-03-09", [0, 0, 0]), [""; 0]);
    shop.check();
}

#[test]
fn a_refund_on_its_way_is_asked_about_until_it_came_or_not() {
    for (end, counts) in [(SUCCEEDED, [1, 0, 0]), (REFUSED, [0, 1, 0])] {
        let (shop, number) = charged();
        shop.says("refund", PENDING);
        assert_eq!(shop.credits(&number, "48").status, 0);
        assert_eq!(shop.refund(), ("pending".to_owned(), 1));
        shop.says("ask", PENDING);
        assert_eq!(shop.retried("2025-03-02", [0, 0, 1]), [""; 0]);
        // Nobody is there, or talks nonsense: it stays what it was.
        shop.says("ask", GARBAGE);
        assert_eq!(shop.retried("2025-03-03", [0, 0, 0]), ["outcome_unknown"]);
        shop.says("ask", NOT_FOUND);
        assert_eq!(shop.retried("2025-03-04", [0, 0, 0]), ["outcome_unknown"]);
        assert_eq!(shop.refund(), ("pending".to_owned(), 1));
        shop.says("ask", PENDING);
        assert_eq!(shop.retried("2025-03-07", [0, 0, 1]), ["pending_too_long"]);
        shop.checked();
        shop.says("ask", end);
        let errors = shop.retried("2025-03-08", counts);
        assert_eq!(errors.len() as u64, counts[1]);
        assert_eq!((shop.keys("refund").len(), shop.keys("ask").len()), (1, 5));
        let reference = &shop.asked("ask")[0]["reference"];
        assert_eq!(*reference, json!(format!("for-{}", shop.keys("refund")[0])));
        let expected = if counts[0] == 1 { json!({}) } else { json!({"EUR": "48.00"}) };
        assert_eq!(shop.credit("acme"), expected);
        shop.checked();
    }
}

#[test]
fn a_refund_of_which_nothing_is_known_is_asked_about_and_never_sent_under_another_key() {
    let (shop, number) = charged();
    shop.says("refund", GARBAGE);
    let done = shop.credits(&number, "48");
    assert_eq!(done.status, 3, "{done:?}");
    assert_eq!(shop.refund(), ("unknown".to_owned(), 1));
    shop.says("ask", GARBAGE);
    for day in ["2025-03-02", "2025-03-09", "2025-04-02"] {
        assert_eq!(shop.retried(day, [0, 0, 0]), ["outcome_unknown"]);
    }
    assert_eq!(shop.events("refund_unknown").len(), 1, "said once");
    assert_eq!((shop.refund(), shop.credit("acme")), (("unknown".to_owned(), 1), json!({})));
    shop.checked();
    shop.says("ask", SUCCEEDED);
    assert_eq!(shop.retried("2025-04-03", [1, 0, 0]), [""; 0]);
    let keys = [shop.keys("refund"), shop.keys("ask")].concat();
    assert!(keys.len() == 5 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    shop.check();
}

#[test]
fn a_key_that_was_never_seen_is_sent_again_in_the_same_words() {
    let (shop, number) = charged();
    shop.says("refund", GARBAGE);
    shop.credits(&number, "48");
    shop.says("refund", SUCCEEDED);
    assert_eq!(shop.retried("2025-03-02", [1, 0, 0]), [""; 0]);
    let sent = shop.asked("refund");
    assert_eq!((sent.len(), shop.refund().1), (2, 1));
    assert_eq!(sent[0], sent[1]);
    assert_eq!(sent[0]["credit_note"], "CN-2025-000001");
    assert_eq!(sent[0]["amount_minor"], 4800);
    let charge = shop.keys("charge");
    assert_eq!(sent[0]["reference"], json!(format!("for-{}", charge[0])));
    shop.check();
}

#[test]
fn a_key_that_the_gateway_may_have_forgotten_is_not_sent_again() {
    let (shop, number) = charged();
    shop.says("refund", GARBAGE);
    shop.credits(&number, "48");
    shop.machine_goes_on(30 * 24 * 3600);
    shop.says("refund", SUCCEEDED);
    assert_eq!(shop.retried("2025-03-31", [0, 0, 0]), ["outcome_unknown"]);
    assert_eq!((shop.keys("refund").len(), shop.refund().0.as_str()), (1, "unknown"));
    // A person finds it out.
    let resolve = ["transaction", "resolve", "txn_2", "--failed", "--note", "by phone"];
    shop.ok(&[&resolve[..], &["--as-of", "2025-04-01"]].concat());
    assert_eq!(shop.credit("acme"), json!({"EUR": "48.00"}));
    assert_eq!(shop.refusal(&resolve), "not_resolvable");
    assert_eq!(shop.retried("2025-04-02", [0, 0, 0]), [""; 0]);
    shop.checked();
}

#[test]
fn what_was_begun_with_one_gateway_is_asked_of_no_other() {
    let (shop, number) = charged();
    shop.says("refund", GARBAGE);
    shop.credits(&number, "48");
    for config in ["[payments]\ngateway = \"sandbox\"\n", ""] {
        shop.configure(config);
        let report = shop.task(RETRY, "2025-03-02", &[]);
        assert_eq!(report["errors"][0]["code"], "outcome_unknown", "{report}");
        let message = text(&report["errors"][0]["message"]);
        assert!(message.contains("begun with command:"), "{message}");
        let planned = shop.json(&["tasks", RETRY, "--dry-run", "--as-of", "2025-03-02"]);
        assert!(!planned.to_string().contains("\"ask\""), "{planned}");
        // Nor is another refund begun of what the other one took.
        let refused = shop.credits(&number, "10");
        assert_eq!(refused.status, 1);
        let with = if config.is_empty() { "no_gateway" } else { "other_gateway" };
        assert!(refused.stderr.contains(with), "{refused:?}");
    }
    assert_eq!(shop.keys("ask").len(), 0);
    assert_eq!(shop.note()["number"], "CN-2025-000001", "what is refused writes nothing");
    shop.gives_back("refunds = true\n");
    shop.says("refund", SUCCEEDED);
    assert_eq!(shop.retried("2025-03-03", [1, 0, 0]), [""; 0]);
    shop.check();
}

#[test]
fn a_program_that_does_not_say_so_is_not_asked_to_give_back() {
    let (shop, number) = charged();
    for more in ["refunds = false\n", ""] {
        shop.gives_back(more);
        let done = shop.credits(&number, "48");
        assert_eq!(done.status, 1);
        assert!(done.stderr.contains("refunds_unsupported"), "{done:?}");
        assert_eq!(shop.retried("2025-03-02", [0, 0, 0]), [""; 0]);
    }
    assert_eq!((shop.asked("refund").len(), shop.asked("changes").len()), (0, 0));
    assert_eq!(shop.json(&["credit-note", "list"]), json!([]));
    // One that is open when the line goes: it is asked about, and not sent.
    shop.gives_back("refunds = true\n");
    shop.says("refund", GARBAGE);
    shop.credits(&number, "48");
    shop.gives_back("refunds = false\n");
    shop.says("ask", SUCCEEDED);
    shop.retried("2025-03-03", [1, 0, 0]);
    shop.check();
}

#[test]
fn of_two_charges_the_newest_goes_back_first() {
    let shop = shop();
    shop.tenant("acme");
    let method = ["payment-method", "create", "--tenant", "acme", "--kind", "card"];
    shop.ok(&[&method[..], &["--default", "--token", "tok"]].concat());
    let number = shop.billed_on("acme", "120", DAY);
    shop.ok(&["invoice", "pay", &number, "--amount", "40", "--as-of", DAY]);
    shop.ok(&["invoice", "charge", &number, "--as-of", DAY]);
    shop.ok(&["transaction", "reverse", "txn_1", "--reason", "it never came", "--as-of", DAY]);
    shop.ok(&["invoice", "charge", &number, "--as-of", DAY]);
    // 80.00 and then 40.00 were charged: of 60.00, 40.00 are of the second and 20.00 of the first.
    assert_eq!(shop.credits(&number, "60").status, 0);
    let refunds = shop.refunds();
    let told: Vec<_> =
        refunds.iter().map(|r| (text(&r["refund_of"]), text(&r["amount"]))).collect();
    let parts = [("txn_3", "40.00"), ("txn_2", "20.00")];
    assert_eq!(told, parts.map(|(of, amount)| (of.to_owned(), amount.to_owned())));
    assert_eq!(shop.note()["refunded"], "60.00");
    // What one of them says is not what the other one says.
    shop.says("refund", REFUSED);
    assert_eq!(shop.credits(&number, "70").status, 1, "only 60.00 are left");
    assert_eq!(shop.credits(&number, "60").status, 3);
    assert_eq!(shop.credit("acme"), json!({"EUR": "60.00"}));
    shop.checked();
}

#[test]
fn of_two_refunds_of_a_note_one_may_fail() {
    let shop = shop();
    shop.tenant("acme");
    let method = ["payment-method", "create", "--tenant", "acme", "--kind", "card"];
    shop.ok(&[&method[..], &["--default", "--token", "tok"]].concat());
    let number = shop.billed_on("acme", "120", DAY);
    shop.ok(&["invoice", "pay", &number, "--amount", "40", "--as-of", DAY]);
    shop.ok(&["invoice", "charge", &number, "--as-of", DAY]);
    shop.ok(&["transaction", "reverse", "txn_1", "--reason", "it never came", "--as-of", DAY]);
    shop.ok(&["invoice", "charge", &number, "--as-of", DAY]);
    shop.says("refund", PENDING);
    assert_eq!(shop.credits(&number, "120").status, 0);
    let fails = "transaction resolve txn_4 --failed --note x";
    shop.ok(&[&fails.split(' ').collect::<Vec<_>>()[..], &["--as-of", DAY]].concat());
    assert_eq!(shop.note()["refund_status"], "pending");
    shop.says("ask", SUCCEEDED);
    shop.retried("2025-03-02", [1, 0, 0]);
    let note = shop.note();
    assert_eq!(
        (&note["refunded"], &note["to_credit"], &note["refund_status"]),
        (&json!("80.00"), &json!("40.00"), &json!("partial"))
    );
    assert_eq!(shop.invoice(&number)["refunded"], "80.00");
    shop.checked();
}

#[test]
fn a_surplus_goes_back_and_what_was_billed_does_not() {
    let (shop, number) = charged();
    shop.ok(&[
        "invoice",
        "pay",
        &number,
        "--amount",
        "50",
        "--allow-overpayment",
        "--no-email",
        "--as-of",
        DAY,
    ]);
    let refund = ["transaction", "refund", "txn_1", "--reason", "paid twice", "--as-of", DAY];
    let more = [&refund[..], &["--amount", "50.01"]].concat();
    assert_eq!(shop.refusal(&more), "credit_in_use");
    assert_eq!(shop.credit("acme"), json!({"EUR": "50.00"}));
    let part = shop.json(&[&refund[..], &["--amount", "20"]].concat());
    assert_eq!((&part["status"], &part["amount"]), (&json!("succeeded"), &json!("20.00")));
    let rest = shop.json(&refund);
    assert_eq!((&rest["refund_of"], &rest["amount"]), (&json!("txn_1"), &json!("30.00")));
    assert_eq!(shop.refusal(&refund), "credit_in_use");
    let keys = shop.keys("refund");
    assert!(keys.len() == 2 && keys[0] != keys[1], "{keys:?}");
    assert_eq!(shop.invoice(&number)["status"], "paid");
    shop.check();
}

#[test]
fn a_surplus_that_cannot_go_back_is_credit_again() {
    let (shop, number) = charged();
    let pay = ["invoice", "pay", &number, "--amount", "50", "--allow-overpayment", "--as-of", DAY];
    shop.ok(&pay);
    shop.says("refund", REFUSED);
    let refund = ["transaction", "refund", "txn_1", "--reason", "paid twice", "--as-of", DAY];
    let done = shop.run(&refund);
    assert_eq!(done.status, 3, "{done:?}");
    assert_eq!(shop.credit("acme"), json!({"EUR": "50.00"}));
    shop.checked();
}

#[test]
fn a_refund_whose_payment_is_taken_back_meanwhile_is_a_loss_if_it_arrives() {
    for (end, lost) in [(SUCCEEDED, "48.00"), (REFUSED, "0.00")] {
        let (shop, number) = charged();
        shop.says("refund", PENDING);
        shop.credits(&number, "48");
        let reverse = ["transaction", "reverse", "txn_1", "--reason", "charged back"];
        let done = shop.run(&[&reverse[..], &["--as-of", "2025-03-02"]].concat());
        assert!(done.stderr.contains("48.00 EUR of txn_1 had gone back"), "{done:?}");
        // The note takes off what is due again: 120.00 less 48.00.
        let invoice = shop.invoice(&number);
        assert_eq!((&invoice["amount_due"], &invoice["status"]), (&json!("72.00"), &json!("open")));
        assert_eq!(shop.note()["reduces_due"], "48.00");
        shop.check();
        shop.says("ask", end);
        let counts = if end == SUCCEEDED { [1, 0, 0] } else { [0, 1, 0] };
        shop.retried("2025-03-03", counts);
        assert_eq!(shop.credit("acme"), json!({}), "there is nothing that it could be credit of");
        assert_eq!(shop.invoice(&number)["amount_due"], "72.00");
        let booked: i64 = shop
            .sql()
            .query_row("SELECT coalesce(sum(loss_minor), 0) FROM ledger", [], |row| row.get(0))
            .expect("the losses");
        assert_eq!(json!(format!("{}.{:02}", booked / 100, booked % 100)), lost);
        shop.check();
    }
}

#[test]
fn while_another_process_charges_a_refund_is_written_down_and_asked_for_by_the_next_run() {
    let (shop, number) = charged();
    let lock = std::fs::File::create(shop.path("billing.db.charging.lock")).expect("the lock");
    lock.lock().expect("nobody has it");
    let done = shop.credits(&number, "48");
    assert_eq!(done.status, 3, "{done:?}");
    assert!(done.stderr.contains("another process charges"), "{done:?}");
    assert_eq!((shop.refund(), shop.keys("refund").len()), (("unknown".to_owned(), 1), 0));
    assert_eq!(shop.note()["refund_status"], "pending");
    shop.checked();
    let inside = Inside::new(&shop);
    let clock = inside.clock(DAY);
    let (transport, gateway) = (Transport::Nowhere, Gateway::Sandbox);
    let given =
        Given { config: &inside.config, clock: &clock, transport: &transport, gateway: &gateway };
    let (act, refund) = (clock.act("operator"), TransactionId(2));
    let begun = refund::begun(&mut inside.open(), &given, &act, &[refund]).expect("it is told");
    assert_eq!(begun.errors[0].code, "not_asked_yet");
    drop(lock);
    assert_eq!(shop.retried(DAY, [1, 0, 0]), [""; 0]);
    let history = shop.refunds()[0]["history"].clone();
    assert_eq!(shop.keys("refund"), [text(&history[0]["idempotency_key"])]);
    shop.check();
}

/// Who had the lock may have sent the refund, and died: that it cannot be sent now says nothing.
#[test]
fn a_refund_that_waited_for_another_process_may_have_been_sent_by_it() {
    let (shop, number) = charged();
    let lock = std::fs::File::create(shop.path("billing.db.charging.lock")).expect("the lock");
    lock.lock().expect("nobody has it");
    let child = shop.start(&credit_note(&number, "48"));
    while shop.refunds().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    shop.program("#!/nowhere/sh");
    drop(lock);
    assert_eq!(Shop::end_of(child).status, 3);
    assert_eq!(shop.refund(), ("unknown".to_owned(), 1));
    shop.program("#!/bin/sh");
    assert_eq!(shop.retried(DAY, [1, 0, 0]), [""; 0]);
    assert_eq!(shop.refund(), ("succeeded".to_owned(), 1));
    shop.check();
}

#[test]
fn a_note_that_is_asked_for_twice_under_one_key_goes_back_once() {
    for (says, status) in [(SUCCEEDED, 0), (REFUSED, 3), (GARBAGE, 3)] {
        let (shop, number) = charged();
        shop.says("refund", says);
        let create = [&credit_note(&number, "48")[..], &["--idempotency-key", "order-7"]].concat();
        let first = shop.run(&create);
        assert_eq!(first.status, status, "{first:?}");
        let second = shop.run(&create);
        assert_eq!(second.status, 0, "{second:?}");
        assert_eq!(first.stdout, second.stdout);
        assert_eq!((shop.keys("refund").len(), shop.refunds().len()), (1, 1));
        shop.note();
        shop.checked();
    }
}

#[test]
fn a_dry_run_says_what_would_be_done_and_calls_nobody() {
    let (shop, number) = charged();
    shop.says("refund", GARBAGE);
    shop.credits(&number, "10");
    shop.says("refund", DECLINED);
    shop.credits(&number, "20");
    shop.says("refund", PENDING);
    shop.credits(&number, "30");
    let files = ["refund", "ask", "changes"];
    let (before, asked) = (shop.contents(), files.map(|what| shop.asked(what).len()));
    let plan = |at: &str| {
        let text = shop.ok(&["tasks", RETRY, "--dry-run", "--as-of", at, "--format", "csv"]);
        let lines = text.lines().filter(|line| line.contains("txn_"));
        lines.map(|line| line.split(',').nth(5).unwrap_or(line).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(plan(DAY), ["ask", "wait", "ask"]);
    assert_eq!(plan("2025-03-02"), ["ask", "refund", "ask"]);
    assert_eq!(plan("2025-03-08"), ["ask", "exhausted", "ask"]);
    // 60.00 of the 120.00 are left.
    let note = [&credit_note(&number, "60")[..], &["--dry-run"]].concat();
    let planned: Value = serde_json::from_str(&shop.ok(&note)).expect("JSON");
    assert_eq!(planned["refunded"], "60.00");
    support::assert_same("dry runs", &shop.contents(), &before);
    assert_eq!(files.map(|what| shop.asked(what).len()), asked);
}

#[test]
fn a_run_says_what_became_of_refunds_and_nothing_twice() {
    let shop = shop();
    for tenant in ["one", "two", "three"] {
        let number = shop.charged(tenant, "120");
        shop.says("refund", PENDING);
        shop.credits(&number, "48");
    }
    let report = shop.task(RETRY, "2025-03-02", &[]);
    assert_eq!(report["errors"][0]["code"], "outcome_unknown", "{report}");
    shop.says("ask", PENDING);
    assert_eq!(shop.retried("2025-03-02", [0, 0, 3]), [""; 0]);
    shop.says("ask", REFUSED);
    assert_eq!(shop.retried("2025-03-03", [0, 3, 0]), ["refund_failed"; 3]);
    assert_eq!(shop.retried("2025-03-03", [0, 0, 0]), [""; 0]);
    assert_eq!(shop.task(RETRY, "2025-03-03", &[])["changes_booked"], 0);
    shop.checked();
}

/// What the program tells of refunds of the one charge.
fn told(shop: &Shop, references: &[&str]) {
    let charge = format!("for-{}", shop.keys("charge")[0]);
    let changes: Vec<Value> = references
        .iter()
        .map(|reference| {
            json!({"kind": "refund", "reference": reference, "charge": charge, "amount": "48.00",
                "currency": "EUR", "at": "2025-03-01T12:00:00Z"})
        })
        .collect();
    shop.says("changes", &json!({"changes": changes}).to_string());
}

/// A program tells no keys: a refund of ours is known by its reference, or by its amount.
#[test]
fn what_a_person_found_out_is_not_booked_once_more_when_the_gateway_tells_of_it() {
    let (shop, number) = charged();
    shop.says("refund", GARBAGE);
    shop.credits(&number, "48");
    let resolve = ["transaction", "resolve", "txn_2", "--succeeded", "--note", "by phone"];
    shop.ok(&[&resolve[..], &["--as-of", DAY]].concat());
    assert_eq!(shop.refunds()[0]["reference"], json!(null));
    told(&shop, &["r1"]);
    for _ in 0..2 {
        assert_eq!(shop.task(RETRY, "2025-03-02", &[])["changes_booked"], 0);
        assert_eq!(shop.refunds()[0]["reference"], "r1");
    }
    shop.note();
    // Another one is another one.
    told(&shop, &["r1", "r2"]);
    assert_eq!(shop.task(RETRY, "2025-03-03", &[])["changes_booked"], 1);
    assert_eq!(shop.task(RETRY, "2025-03-03", &[])["changes_booked"], 0);
    assert_eq!(shop.invoice(&number)["refunded"], "96.00");
    shop.check();
}

#[test]
fn while_the_outcome_of_one_of_ours_is_open_nothing_is_taken_for_one_of_theirs() {
    for says in [GARBAGE, r#"{"status":"pending"}"#] {
        let (shop, number) = charged();
        shop.says("refund", says);
        shop.credits(&number, "48");
        shop.says("ask", GARBAGE);
        told(&shop, &["r1"]);
        let report = shop.task(RETRY, "2025-03-02", &[]);
        assert_eq!(report["changes_booked"], 0, "{report}");
        // It is that one.
        shop.says("ask", r#"{"status":"succeeded","reference":"r1"}"#);
        for counts in [[1, 0, 0], [0, 0, 0]] {
            assert_eq!(shop.retried("2025-03-03", counts), [""; 0]);
        }
        shop.note();
        assert_eq!(shop.invoice(&number)["refunded"], "48.00");
        shop.check();
        // What is told beside it is theirs.
        told(&shop, &["r1", "r2"]);
        assert_eq!(shop.task(RETRY, "2025-03-04", &[])["changes_booked"], 1);
        shop.check();
    }
}

/// A program may tell each step of a dispute, and all of them by one time.
#[test]
fn a_dispute_that_is_decided_is_not_open_again_in_whatever_order_its_steps_are_told() {
    for (end, due) in [("lost", "120.00"), ("won", "0.00")] {
        for order in [["open", end], [end, "open"]] {
            let (shop, number) = charged();
            let charge = format!("for-{}", shop.keys("charge")[0]);
            let step = |status: &str| {
                json!({"kind": "dispute", "reference": "d1", "charge": charge, "status": status,
                    "at": "2025-03-01T12:00:00Z"})
            };
            shop.says("changes", &json!({"changes": order.map(step)}).to_string());
            let booked = if order[0] == "open" { 2 } else { 1 };
            for booked in [booked, 0, 0] {
                let report = shop.task(RETRY, "2025-03-02", &[]);
                assert_eq!(report["changes_booked"], booked, "{report}");
            }
            let open = shop.events("dispute_opened").len() - shop.events("dispute_resolved").len();
            assert_eq!((open, &shop.invoice(&number)["amount_due"]), (0, &json!(due)));
            shop.check();
        }
    }
}
