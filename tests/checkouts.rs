//! Checkouts before a gateway that says what the test has it say: one page for one debt, whoever clicks; what
//! comes of it is booked once; and whatever else happens to the invoice, no money is taken twice unnoticed.
mod support;

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use billing::domain::checkout::{CheckoutStatus, SandboxOutcome};
use billing::domain::{Money, Refusal};
use billing::gateway::Gateway;
use billing::mail::Transport;
use billing::store::Store;
use billing::tasks::Given;
use billing::tasks::checkout::{self, Asked, Back};
use serde_json::{Value, json};
use support::Shop;
use support::inside::Inside;
use support::subscriptions::text;

const DAY: &str = "2026-03-01";
const RETRY: &str = "retry-failed-payments";
const URL: &str = "https://shop.example/thanks";

/// The program: it writes down what it is asked, all of it and by operation, and says what the file of that
/// name holds, KEY being the key; else there is a page, nobody has paid, and a page can be ended.
const PROGRAM: &str = r#"
read -r question
KEY=$(echo "$question" | sed 's/.*"idempotency_key":"\([^"]*\)".*/\1/')
case $question in
*'"operation":"checkout"'*) asked=checkout
  else='{"status":"redirect","url":"https://pay.example/KEY","reference":"page-KEY"}';;
*'"operation":"expire"'*) asked=expire; else='{"status":"expired"}';;
*'"of":"checkout"'*) asked=ask; else='{"status":"pending"}';;
*'"operation":"changes"'*) asked=changes; else='{"changes":[]}';;
*'"operation":"refund"'*) asked=refund; else='{"status":"succeeded","reference":"re-KEY"}';;
*'"operation":"charge"'*) asked=charge; else='{"status":"succeeded","reference":"ch-KEY"}';;
*) asked=other; else='{"status":"not_found"}';;
esac
echo "$question" >> "asked.$asked"
echo "$asked" >> asked
[ -e "slow.$asked" ] && sleep 0.4
[ -e "stuck.$asked" ] && rm "stuck.$asked" && sleep 3
[ -e "kill.$asked" ] && rm "kill.$asked" && kill -9 $PPID && exit 1
says=$else
[ -e "says.$asked" ] && says=$(cat "says.$asked")
echo "$says" | sed "s/KEY/$KEY/g""#;

const PAID: &str = r#"{"status":"succeeded","reference":"ch-KEY","method":"mobile_money"}"#;

fn shop() -> Shop {
    let shop = Shop::new();
    let text = format!("#!/bin/sh\ncd '{}'\n{PROGRAM}\n", shop.path("").display());
    shop.write("gateway", &text);
    let mode = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(shop.path("gateway"), mode).expect("a mode");
    shop.configure(&format!(
        "[payments]\ngateway = \"command\"\ncommand = [{:?}]\nrefunds = true\n",
        shop.path("gateway")
    ));
    shop
}

impl Shop {
    fn says(&self, what: &str, answer: &str) {
        self.write(&format!("says.{what}"), answer);
    }

    fn asked(&self, what: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path(&format!("asked.{what}")));
        let text = text.unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a question")).collect()
    }

    /// The operations that it was asked, in their order.
    fn operations(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("asked")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn checkout(&self, number: &str) -> Value {
        self.json(&["invoice", "checkout", number, "--return-url", URL, "--as-of", DAY])
    }

    fn transactions(&self, number: &str) -> Vec<Value> {
        let list = self.json(&["transaction", "list", "--invoice", number]);
        list.as_array().expect("a list").clone()
    }

    fn invoice(&self, number: &str) -> Value {
        self.json(&["invoice", "show", number])
    }

    fn kinds(&self, number: &str) -> Vec<(String, String)> {
        let all = self.transactions(number);
        all.iter().map(|one| (text(&one["kind"]), text(&one["status"]))).collect()
    }
}

fn is(found: &[(String, String)], expected: &[(&str, &str)]) {
    let found: Vec<_> = found.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_page_is_paid_and_the_payment_is_that_of_its_day() {
    let shop = shop();
    let number = shop.owes("acme", "2026-03-16");
    let begun = shop.checkout(&number);
    let asked = shop.asked("checkout");
    let key = text(&asked[0]["idempotency_key"]);
    assert_eq!(
        asked,
        [json!({
            "version": 1, "operation": "checkout", "idempotency_key": key, "amount": "100.00",
            "amount_minor": 10_000, "currency": "EUR", "invoice": number, "tenant": "acme",
            "return_url": URL,
        })]
    );
    assert_eq!(begun["url"], format!("https://pay.example/{key}"));
    assert_eq!((&begun["status"], &begun["transaction"]), (&json!("pending"), &json!("txn_1")));
    is(&shop.kinds(&number), &[("checkout", "pending")]);
    // Nobody has paid yet, and a run says nothing of it.
    let run = shop.task(RETRY, DAY, &[]);
    assert_eq!(
        (&run["status"], &run["pending"], &run["eligible"]),
        (&json!("ok"), &json!(0), &json!(0))
    );
    assert_eq!(shop.asked("ask")[0]["of"], "checkout");
    assert_eq!(shop.asked("ask")[0]["reference"], format!("page-{key}"));
    shop.says("ask", PAID);
    let run = shop.task("check-overdue", "2026-03-02", &[]);
    assert_eq!((&run["checkouts_paid"], &run["emails_queued"]), (&json!(1), &json!(1)));
    let paid = &shop.transactions(&number)[0];
    assert_eq!((&paid["status"], &paid["paid_on"]), (&json!("succeeded"), &json!("2026-03-02")));
    assert_eq!(
        (&paid["method"], &paid["reference"]),
        (&json!("mobile_money"), &json!(format!("ch-{key}")))
    );
    assert_eq!(shop.invoice(&number)["status"], "paid");
    // Booked once, and asked about no more.
    let before = shop.asked("ask").len();
    shop.task(RETRY, "2026-03-03", &[]);
    assert_eq!((shop.asked("ask").len(), shop.transactions(&number).len()), (before, 1));
    let report = ["report", "transactions", "--since", "2026-03-01", "--until", "2026-03-31"];
    let report = shop.json(&report);
    assert_eq!(report["days"][0]["date"], "2026-03-02", "{report}");
    assert_eq!(report["methods"][0]["method"], "mobile_money", "{report}");
    shop.check();
}

#[test]
fn who_clicks_again_gets_the_same_page_however_many_click_at_once() {
    let shop = shop();
    let number = shop.owes("acme", "2026-03-16");
    shop.write("slow.checkout", "");
    let click = vec!["invoice", "checkout", &number, "--return-url", URL, "--as-of", DAY, "--json"];
    let outcomes = shop.at_once(&vec![click; 6]);
    let url = |outcome: &support::Outcome| {
        assert_eq!(outcome.status, 0, "{}", outcome.stderr);
        let told: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
        text(&told["url"])
    };
    let urls: Vec<_> = outcomes.iter().map(url).collect();
    assert!(urls.iter().all(|one| *one == urls[0]), "{urls:?}");
    assert_eq!(shop.asked("checkout").len(), 1);
    is(&shop.kinds(&number), &[("checkout", "pending")]);
    assert_eq!(text(&shop.checkout(&number)["url"]), urls[0]);
    shop.check();
}

#[test]
fn one_that_expires_is_no_decline_and_the_customer_is_chased_all_the_while() {
    let shop = shop();
    let number = shop.owes("acme", "2026-02-26");
    shop.checkout(&number);
    let run = shop.task("check-overdue", DAY, &[]);
    assert_eq!(run["steps"]["friendly"], 1, "{run}");
    shop.says("ask", r#"{"status":"expired"}"#);
    let run = shop.task(RETRY, "2026-03-02", &[]);
    assert_eq!(
        (&run["failed"], &run["emails_queued"], &run["errors"]),
        (&json!(0), &json!(0), &json!([]))
    );
    let over = &shop.transactions(&number)[0];
    assert_eq!((&over["status"], &over["failure_code"]), (&json!("failed"), &json!("expired")));
    let report = ["report", "transactions", "--since", "2026-03-01", "--until", "2026-03-31"];
    assert_eq!(shop.json(&report)["success_rate"], Value::Null);
    // Another one has another key.
    let again = shop.checkout(&number);
    assert_ne!(again["url"], Value::Null);
    let keys: Vec<_> =
        shop.asked("checkout").iter().map(|one| text(&one["idempotency_key"])).collect();
    assert_eq!((keys.len(), keys[0] != keys[1]), (2, true));
    shop.check();
}

#[test]
fn a_payment_ends_the_page_first() {
    let shop = shop();
    for verb in ["pay", "note", "void", "write-off"] {
        let number = shop.owes(verb, "2026-03-16");
        shop.checkout(&number);
        let before = shop.asked("expire").len();
        match verb {
            "pay" => shop.ok(&["invoice", "pay", &number, "--amount", "40", "--as-of", DAY]),
            "note" => shop.ok(&[
                "credit-note",
                "create",
                "--invoice",
                &number,
                "--amount",
                "40",
                "--reason",
                "error",
                "--as-of",
                DAY,
            ]),
            verb => shop.ok(&["invoice", verb, &number, "--reason", "x", "--yes", "--as-of", DAY]),
        };
        assert_eq!(shop.asked("expire").len(), before + 1, "{verb}");
        assert_eq!(shop.kinds(&number)[0], ("checkout".to_owned(), "failed".to_owned()), "{verb}");
    }
    shop.check();
}

#[test]
fn what_is_paid_on_a_page_that_cannot_be_ended_is_credit_and_is_named() {
    let shop = shop();
    let number = shop.owes("acme", "2026-03-16");
    let first = text(&shop.checkout(&number)["id"]);
    shop.says("expire", r#"{"status":"not_found"}"#);
    shop.ok(&["invoice", "pay", &number, "--amount", "all", "--as-of", DAY]);
    is(&shop.kinds(&number), &[("checkout", "pending"), ("payment", "succeeded")]);
    assert_eq!(first, "cko_1");
    // It goes on to be asked about.
    let run = shop.task(RETRY, DAY, &[]);
    assert_eq!(run["errors"], json!([]));
    shop.says("ask", PAID);
    let run = shop.task(RETRY, "2026-03-02", &[]);
    assert_eq!(run["errors"][0]["code"], "paid_twice", "{run}");
    is(&shop.kinds(&number), &[("checkout", "succeeded"), ("payment", "succeeded")]);
    let credit = shop.json(&["credit", "list", "--tenant", "acme"]);
    assert_eq!(
        (&credit[0]["left"], &credit[0]["source"]),
        (&json!("100.00"), &json!("overpayment"))
    );
    shop.check_but_for_credits();
    // And it can be given back through the gateway.
    shop.ok(&["transaction", "refund", "txn_1", "--reason", "paid twice", "--as-of", "2026-03-02"]);
    assert_eq!(shop.asked("refund")[0]["amount"], "100.00");
    shop.check();
}

#[test]
fn a_credit_note_gives_a_payment_on_a_page_back_through_the_gateway() {
    let shop = shop();
    let number = shop.owes("acme", "2026-03-16");
    shop.checkout(&number);
    shop.says("ask", PAID);
    shop.task(RETRY, DAY, &[]);
    shop.ok(&[
        "credit-note",
        "create",
        "--invoice",
        &number,
        "--full",
        "--refund",
        "--reason",
        "error",
        "--as-of",
        "2026-03-02",
    ]);
    let asked = shop.asked("refund");
    let reference = text(&shop.transactions(&number)[0]["reference"]);
    assert_eq!((asked.len(), text(&asked[0]["reference"])), (1, reference.clone()));
    is(&shop.kinds(&number), &[("checkout", "succeeded"), ("refund", "succeeded")]);
    // The customer's bank takes it back after all.
    let lost = json!({"changes": [{"kind": "dispute", "status": "lost", "reference": "dp_1",
        "charge": reference, "at": "2026-03-03T10:00:00Z"}]});
    shop.says("changes", &lost.to_string());
    shop.task(RETRY, "2026-03-03", &[]);
    is(&shop.kinds(&number), &[("checkout", "failed"), ("refund", "succeeded")]);
    shop.check();
}

#[test]
fn a_payment_on_a_page_can_be_taken_back() {
    let shop = shop();
    let number = shop.owes("acme", "2026-03-16");
    shop.checkout(&number);
    shop.says("ask", PAID);
    shop.task(RETRY, DAY, &[]);
    shop.ok(&["transaction", "reverse", "txn_1", "--reason", "never came", "--as-of", DAY]);
    assert_eq!(shop.invoice(&number)["status"], "open");
    let report = ["report", "transactions", "--since", DAY, "--until", DAY];
    assert_eq!(shop.json(&report)["days"][0]["date"], DAY);
    shop.check();
}

#[test]
fn a_suspended_customer_who_pays_is_back_in_the_same_request() {
    let shop = shop();
    shop.configure("[payments]\ngateway = \"sandbox\"\n");
    let number = shop.owes("acme", "2026-01-15");
    shop.task("check-overdue", "2026-02-01", &[]);
    shop.task("check-overdue", "2026-02-20", &[]);
    assert_eq!(shop.json(&["tenant", "show", "acme"])["status"], "suspended");
    let inside = Inside::new(&shop);
    let mut store = inside.open();
    let begun = at_work(&inside, "2026-02-21", |given, act| {
        let back = Back { return_url: URL, base_url: Some("https://shop.example/portal/") };
        let asked = Asked { invoice: &number, shown: None, back };
        checkout::begin(&mut store, given, act, &asked).expect("a page")
    });
    let reference = begun.reference.clone().expect("a reference");
    assert_eq!(begun.url, Some(format!("https://shop.example/portal/sandbox/{reference}")));
    checkout::sandbox_outcome(&mut store, &reference, SandboxOutcome::Succeeded).expect("a choice");
    let paid = at_work(&inside, "2026-02-21", |given, act| {
        checkout::ask(&mut store, given, act, begun.id).expect("an answer")
    });
    assert_eq!(paid.status, CheckoutStatus::Succeeded);
    drop(store);
    assert_eq!(shop.json(&["tenant", "show", "acme"])["status"], "active");
    shop.check();
}

/// Does something with the gateway that is configured, at noon of a day.
fn at_work<T>(
    inside: &Inside,
    day: &str,
    work: impl FnOnce(&Given, &billing::domain::Act) -> T,
) -> T {
    let clock = inside.clock(day);
    let given = Given {
        config: &inside.config,
        clock: &clock,
        transport: &Transport::Nowhere,
        gateway: &Gateway::Sandbox,
    };
    work(&given, &clock.act("portal"))
}

#[test]
fn the_sandbox_declines_waits_and_closes_its_page_after_a_day() {
    let shop = shop();
    shop.configure("[payments]\ngateway = \"sandbox\"\n");
    let inside = Inside::new(&shop);
    let begin = |store: &mut Store, number: &str| {
        at_work(&inside, DAY, |given, act| {
            let asked = Asked {
                invoice: number,
                shown: None,
                back: Back { return_url: URL, base_url: None },
            };
            checkout::begin(store, given, act, &asked).expect("a page")
        })
    };
    for (outcome, later, status) in [
        (Some(SandboxOutcome::Declined), DAY, CheckoutStatus::Failed),
        (Some(SandboxOutcome::Pending), "2026-03-05", CheckoutStatus::Pending),
        (None, "2026-03-01T12:00:00Z", CheckoutStatus::Pending),
        (None, "2026-03-02T12:00:01Z", CheckoutStatus::Expired),
    ] {
        let number = shop.owes("acme", "2026-03-16");
        let mut store = inside.open();
        let begun = begin(&mut store, &number);
        let reference = begun.reference.clone().expect("a reference");
        assert_eq!(begun.url, Some(format!("https://shop.example/sandbox/{reference}")));
        if let Some(outcome) = outcome {
            checkout::sandbox_outcome(&mut store, &reference, outcome).expect("a choice");
        }
        let found = at_work(&inside, later, |given, act| {
            checkout::ask(&mut store, given, act, begun.id).expect("an answer")
        });
        assert_eq!(found.status, status, "{outcome:?} {later}");
    }
    shop.check();
}

#[test]
fn what_is_due_has_to_be_what_was_shown() {
    let shop = shop();
    shop.configure("[payments]\ngateway = \"sandbox\"\n");
    let number = shop.owes("acme", "2026-03-16");
    shop.ok(&["invoice", "pay", &number, "--amount", "1", "--as-of", DAY]);
    let inside = Inside::new(&shop);
    let mut store = inside.open();
    let back = Back { return_url: URL, base_url: None };
    let shown = Some(Money::from_minor(10_000, "EUR".parse().expect("a currency")));
    let refused = at_work(&inside, DAY, |given, act| {
        let asked = Asked { invoice: &number, shown, back };
        checkout::begin(&mut store, given, act, &asked).expect_err("another amount")
    });
    assert!(matches!(refused, Refusal::AmountChanged { .. }), "{refused:?}");
    assert!(shop.transactions(&number).len() == 1);
}

#[test]
fn whoever_dies_between_call_and_answer_leaves_a_key_that_leads_to_the_same_page() {
    let shop = shop();
    let number = shop.owes("acme", "2026-03-16");
    shop.write("kill.checkout", "");
    let click = ["invoice", "checkout", &number, "--return-url", URL, "--as-of", DAY];
    assert_ne!(shop.run(&click).status, 0);
    assert!(shop.transactions(&number).is_empty());
    let since = Instant::now();
    let begun = shop.checkout(&number);
    assert!(since.elapsed() < Duration::from_secs(4), "nobody waits for a dead process");
    let asked = shop.asked("checkout");
    assert_eq!((asked.len(), &asked[0]), (2, &asked[1]));
    assert_eq!(begun["id"], "cko_1");
    is(&shop.kinds(&number), &[("checkout", "pending")]);
    shop.check();
}

#[test]
fn an_answer_that_never_came_leaves_it_unknown_and_the_next_click_sends_the_same_key() {
    let shop = shop();
    let number = shop.owes("acme", "2026-03-16");
    shop.says("checkout", "<html>502</html>");
    let click = ["invoice", "checkout", &number, "--return-url", URL, "--as-of", DAY, "--json"];
    let done = shop.run(&click);
    let told: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!((done.status, &told["status"], &told["url"]), (3, &json!("unknown"), &Value::Null));
    is(&shop.kinds(&number), &[("checkout", "unknown")]);
    let run = shop.task(RETRY, DAY, &[]);
    assert_eq!(run["errors"], json!([]), "it is nobody's debt");
    std::fs::remove_file(shop.path("says.checkout")).expect("it was there");
    assert_eq!(shop.checkout(&number)["status"], "pending");
    let asked = shop.asked("checkout");
    assert_eq!((asked.len(), &asked[0]), (2, &asked[1]));
    is(&shop.kinds(&number), &[("checkout", "pending")]);
    shop.check();
}

#[test]
fn a_gateway_that_makes_no_pages_says_so_and_nothing_stays_behind() {
    let shop = shop();
    let number = shop.owes("acme", "2026-03-16");
    let click = ["invoice", "checkout", &number, "--return-url", URL, "--as-of", DAY];
    for (answer, code) in [
        (r#"{"status":"not_found"}"#, "checkout_unsupported"),
        (r#"{"status":"declined","code":"unsupported"}"#, "checkout_unsupported"),
        (r#"{"status":"declined","code":"limit","message":"too much"}"#, "checkout_refused"),
    ] {
        shop.says("checkout", answer);
        assert_eq!(shop.refusal(&click), code, "{answer}");
        assert!(shop.transactions(&number).is_empty());
    }
    shop.configure("");
    assert_eq!(shop.refusal(&click), "checkout_unsupported");
    let elsewhere = ["invoice", "checkout", &number, "--return-url", "http://shop.example/"];
    shop.configure("[payments]\ngateway = \"sandbox\"\n");
    assert_eq!(shop.refusal(&elsewhere), "bad_url");
    shop.check();
}

#[test]
fn a_charge_ends_the_page_before_the_gateway_is_asked_to_charge() {
    let shop = shop();
    shop.says("ask", r#"{"status":"pending"}"#);
    let path = shop.path("gateway");
    shop.configure(&format!(
        "[payments]\ngateway = \"command\"\ncommand = [{path:?}]\ncollection = \"automatic\"\n"
    ));
    let number = shop.owes("acme", "2026-03-16");
    shop.checkout(&number);
    let method = ["payment-method", "create", "--tenant", "acme", "--kind", "card"];
    shop.ok(&[&method[..], &["--default", "--token", "tok"]].concat());
    shop.ok(&["invoice", "charge", &number, "--as-of", DAY]);
    assert_eq!(shop.operations(), ["checkout", "expire", "charge"]);
    is(&shop.kinds(&number), &[("checkout", "failed"), ("charge", "succeeded")]);
    // While a charge has no outcome, nobody is sent to pay.
    let number = shop.owes("acme", "2026-03-17");
    shop.says("charge", r#"{"status":"pending","reference":"ch_1"}"#);
    shop.ok(&["invoice", "charge", &number, "--as-of", DAY]);
    let click = ["invoice", "checkout", &number, "--return-url", URL, "--as-of", DAY];
    assert_eq!(shop.refusal(&click), "charge_pending");
    shop.check();
}

#[test]
fn a_run_that_charges_ends_the_page_first_and_charges_nothing_that_was_paid_there() {
    let shop = shop();
    for (name, expired, operations) in [
        ("ended", r#"{"status":"expired"}"#, vec!["expire", "charge"]),
        ("paid", PAID, vec!["expire"]),
        ("neither", r#"{"status":"declined","code":"no"}"#, vec!["expire", "ask", "charge"]),
    ] {
        std::fs::remove_file(shop.path("asked")).ok();
        let email = format!("{name}@clients.example");
        shop.ok(&["tenant", "create", name, "--name", name, "--email", &email]);
        shop.ok(&[
            "payment-method",
            "create",
            "--tenant",
            name,
            "--kind",
            "card",
            "--token",
            "t",
            "--default",
        ]);
        let plan = format!("plan-{name}");
        shop.ok(&["plan", "create", &plan, "--name", "P", "--price", "100", "--interval", "month"]);
        let subscribe = [
            "subscription",
            "create",
            "--tenant",
            name,
            "--plan",
            &plan,
            "--collection",
            "automatic",
            "--start",
            DAY,
            "--as-of",
            DAY,
        ];
        // Nothing is charged before the customer has gone to the page.
        shop.configure("");
        shop.ok(&subscribe);
        let path = shop.path("gateway");
        shop.configure(&format!("[payments]\ngateway = \"command\"\ncommand = [{path:?}]\n"));
        let number = text(&shop.json(&["invoice", "list", "--tenant", name])[0]["number"]);
        shop.checkout(&number);
        shop.says("expire", expired);
        shop.task(RETRY, DAY, &[]);
        let asked = shop.operations();
        let after: Vec<_> = asked.iter().skip(2).map(String::as_str).collect();
        assert_eq!(after, operations, "{name}: {asked:?}");
        assert_eq!(shop.invoice(&number)["status"], "paid", "{name}");
        if name == "neither" {
            // Both were paid: the customer has the second in credit.
            shop.says("ask", PAID);
            let run = shop.task(RETRY, "2026-03-02", &[]);
            assert_eq!(run["errors"][0]["code"], "paid_twice", "{run}");
        }
    }
    shop.check_but_for_credits();
}

#[test]
fn a_page_adds_a_payment_method_whose_token_is_told_to_nobody() {
    let shop = shop();
    shop.owes("acme", "2026-03-16");
    let setup =
        ["payment-method", "setup", "--tenant", "acme", "--return-url", URL, "--as-of", DAY];
    let begun = shop.json(&setup);
    assert_eq!((&begun["setup"], &begun["transaction"]), (&json!(true), &Value::Null));
    let asked = &shop.asked("checkout")[0];
    assert_eq!((&asked["setup"], &asked["amount"]), (&json!(true), &Value::Null));
    assert_eq!(shop.json(&setup)["url"], begun["url"]);
    for (label, default) in [("Visa …4242", true), ("Orange Money", false)] {
        shop.json(&setup);
        let method =
            json!({"kind": "card", "token": format!("tok_secret {label}"), "label": label});
        let done = json!({"status": "succeeded", "payment_method": method});
        shop.says("ask", &done.to_string());
        let run = shop.task(RETRY, DAY, &["-v"]);
        assert_eq!(run["errors"], json!([]));
        let list = shop.json(&["payment-method", "list"]);
        let last = list.as_array().and_then(|list| list.last()).expect("a method");
        assert_eq!(
            (&last["label"], &last["is_default"]),
            (&json!(label), &json!(default)),
            "{last}"
        );
        assert!(!list.to_string().contains("tok_secret"));
    }
    // One that the customer has already is added once.
    shop.json(&setup);
    let run = shop.task(RETRY, DAY, &[]);
    assert_eq!(run["errors"], json!([]));
    let list = shop.json(&["payment-method", "list"]);
    assert_eq!(list.as_array().map(Vec::len), Some(2), "{list}");
    // Nor where what it says cannot be understood.
    shop.json(&setup);
    shop.says("ask", r#"{"status":"succeeded","payment_method":{"token":"tok_secret"},"#);
    let done = shop.run(&["tasks", RETRY, "--as-of", DAY, "-v", "--json"]);
    assert!(!format!("{}{}", done.stdout, done.stderr).contains("tok_secret"));
    for listed in ["event", "transaction"] {
        assert!(!shop.json(&[listed, "list"]).to_string().contains("tok_secret"));
    }
    shop.check();
}

#[test]
fn money_that_is_on_its_way_by_a_page_is_taken_by_nothing_else() {
    let shop = shop();
    let number = shop.owes("acme", "2026-03-16");
    let method = ["payment-method", "create", "--tenant", "acme", "--kind", "card"];
    shop.ok(&[&method[..], &["--default", "--token", "tok"]].concat());
    shop.checkout(&number);
    shop.says("ask", r#"{"status":"pending","paying":true}"#);
    shop.says("expire", r#"{"status":"pending","paying":true}"#);
    let click = ["invoice", "checkout", &number, "--return-url", URL, "--as-of", DAY];
    let charge = ["invoice", "charge", &number, "--as-of", DAY];
    // Asked before a charge, and before a second page once the first is over.
    assert_eq!(shop.refusal(&charge), "charge_pending");
    assert_eq!(shop.refusal(&click), "charge_pending");
    shop.task(RETRY, DAY, &[]);
    assert!(shop.asked("charge").is_empty());
    is(&shop.kinds(&number), &[("checkout", "pending")]);
    let other = shop.owes("other", "2026-03-16");
    shop.checkout(&other);
    let late = ["invoice", "checkout", &other, "--return-url", URL, "--as-of", "2026-03-03"];
    assert_eq!(shop.refusal(&late), "charge_pending");
    assert_eq!(shop.asked("checkout").len(), 2);
    // It came to nothing after all.
    shop.says("ask", r#"{"status":"declined","code":"returned"}"#);
    shop.task(RETRY, "2026-03-04", &[]);
    is(&shop.kinds(&number), &[("checkout", "failed")]);
    shop.ok(&charge);
    is(&shop.kinds(&number), &[("checkout", "failed"), ("charge", "succeeded")]);
    shop.check();
}

#[test]
fn a_run_charges_nothing_that_a_customer_is_paying_on_a_page() {
    let shop = shop();
    let path = shop.path("gateway");
    shop.configure(&format!(
        "[payments]\ngateway = \"command\"\ncommand = [{path:?}]\ncollection = \"automatic\"\n"
    ));
    let number = shop.owes("acme", "2026-03-16");
    let method = ["payment-method", "create", "--tenant", "acme", "--kind", "card"];
    shop.ok(&[&method[..], &["--default", "--token", "tok"]].concat());
    shop.checkout(&number);
    for what in ["ask", "expire"] {
        shop.says(what, r#"{"status":"pending","paying":true}"#);
    }
    for day in [DAY, "2026-03-17", "2026-03-20"] {
        let run = shop.task(RETRY, day, &[]);
        assert_eq!(run["errors"], json!([]));
        assert!(shop.asked("charge").is_empty(), "{day}");
    }
    shop.says("ask", PAID);
    shop.task(RETRY, "2026-03-21", &[]);
    is(&shop.kinds(&number), &[("checkout", "succeeded")]);
    shop.check();
}

#[test]
fn the_same_key_goes_with_the_same_bytes_though_the_tenant_was_renamed() {
    let shop = shop();
    let number = shop.owes("acme", "2026-03-16");
    shop.says("checkout", "nothing");
    let click = ["invoice", "checkout", &number, "--return-url", URL, "--as-of", DAY];
    assert_eq!(shop.run(&click).status, 3);
    shop.ok(&["tenant", "rename", "acme", "apex"]);
    std::fs::remove_file(shop.path("says.checkout")).expect("it was there");
    assert_eq!(shop.checkout(&number)["tenant"], "apex");
    let asked = shop.asked("checkout");
    assert_eq!((asked.len(), &asked[0]), (2, &asked[1]));
    shop.check();
}

#[test]
fn a_page_is_there_for_a_month_at_most() {
    let shop = shop();
    let number = shop.owes("acme", "2026-03-16");
    let page = json!({"status": "redirect", "url": "https://pay.example/1", "reference": "1",
        "expires_at": "9999-12-31T23:59:59Z"});
    shop.says("checkout", &page.to_string());
    let begun = shop.checkout(&number);
    assert!(text(&begun["expires_at"]).starts_with("20"), "{begun}");
    shop.task(RETRY, "2026-03-02", &[]);
    shop.check();
}

#[test]
fn what_pays_an_invoice_without_naming_it_ends_its_page() {
    let shop = shop();
    let coupon = ["coupon", "create", "TEN", "--name", "Ten", "--percent", "10"];
    shop.ok(&[&coupon[..], &["--until", "2099-01-01", "--as-of", "2026-01-01"]].concat());
    for verb in ["payment", "coupon"] {
        let number = shop.owes(verb, "2026-03-16");
        shop.checkout(&number);
        let before = shop.asked("expire").len();
        match verb {
            "payment" => {
                let record = ["payment", "record", "--tenant", verb, "--amount", "40"];
                shop.ok(&[&record[..], &["--as-of", DAY]].concat())
            }
            _ => shop.ok(&["coupon", "apply", "TEN", "--invoice", &number, "--as-of", DAY]),
        };
        assert_eq!(shop.asked("expire").len(), before + 1, "{verb}");
        is(&shop.kinds(&number)[..1], &[("checkout", "failed")]);
    }
    shop.check();
}

#[test]
fn the_sandbox_has_its_page_whatever_day_it_is_asked_on() {
    let shop = shop();
    shop.configure("[payments]\ngateway = \"sandbox\"\n");
    let inside = Inside::new(&shop);
    for day in ["2026-03-01", "2036-03-01"] {
        let number = shop.owes("acme", "2026-03-16");
        let mut store = inside.open();
        let back = Back { return_url: URL, base_url: None };
        let asked = Asked { invoice: &number, shown: None, back };
        at_work(&inside, day, |given, act| {
            let begun = checkout::begin(&mut store, given, act, &asked).expect("a page");
            assert!(begun.page(given.clock.now).is_some(), "{day}");
        });
        drop(store);
        let click = ["invoice", "checkout", &number, "--return-url", URL, "--as-of", day];
        assert!(shop.json(&click)["url"].is_string(), "{day}");
    }
}

#[test]
fn a_person_says_what_became_of_one_that_nobody_can_be_asked_about() {
    let shop = shop();
    let number = shop.owes("acme", "2026-03-16");
    let page = json!({"status": "redirect", "url": "https://pay.example/1", "reference": "1",
        "expires_at": "2026-03-01T15:00:00Z"});
    shop.says("checkout", &page.to_string());
    shop.checkout(&number);
    // A customer may pay while the page is there.
    for found in ["--failed", "--succeeded"] {
        let early = ["transaction", "resolve", "txn_1", found, "--note", "x", "--as-of", DAY];
        assert_eq!(shop.refusal(&early), "not_resolvable");
    }
    let resolve = ["transaction", "resolve", "txn_1", "--succeeded", "--note", "seen at the bank"];
    shop.ok(&[&resolve[..], &["--as-of", "2026-03-02"]].concat());
    assert_eq!(shop.invoice(&number)["status"], "paid");
    assert_eq!(shop.refusal(&resolve), "not_resolvable");
    shop.check();
}

#[test]
fn a_run_of_the_future_ends_no_page_on_which_a_customer_may_pay() {
    let shop = shop();
    let number = shop.owes("acme", "2026-03-16");
    shop.checkout(&number);
    for answer in [r#"{"status":"not_found"}"#, r#"{"status":"pending"}"#] {
        shop.says("ask", answer);
        shop.task(RETRY, "2026-07-01", &["--yes"]);
        is(&shop.kinds(&number), &[("checkout", "pending")]);
    }
    shop.says("ask", PAID);
    shop.task(RETRY, DAY, &[]);
    assert_eq!(shop.invoice(&number)["status"], "paid");
    shop.check();
}

#[test]
fn a_page_that_is_open_after_it_was_to_be_ended_is_asked_about() {
    let shop = shop();
    let number = shop.owes("acme", "2026-03-16");
    shop.checkout(&number);
    shop.says("expire", r#"{"status":"pending"}"#);
    shop.says("ask", PAID);
    let pay = ["invoice", "pay", &number, "--amount", "all", "--as-of", DAY];
    assert_eq!(shop.refusal(&pay), "already_paid");
    assert_eq!(shop.operations(), ["checkout", "expire", "ask"]);
    is(&shop.kinds(&number), &[("checkout", "succeeded")]);
    shop.check();
}

#[test]
fn who_waits_for_another_process_asks_with_the_same_key_after_a_while() {
    let shop = shop();
    let number = shop.owes("acme", "2026-03-16");
    shop.write("stuck.checkout", "");
    let click = vec!["invoice", "checkout", &number, "--return-url", URL, "--as-of", DAY, "--json"];
    let outcomes = shop.at_once(&vec![click; 2]);
    let urls: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            let told: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
            (outcome.status, text(&told["url"]))
        })
        .collect();
    let asked = shop.asked("checkout");
    assert_eq!((asked.len(), &asked[0], &urls[0]), (2, &asked[1], &urls[1]));
    is(&shop.kinds(&number), &[("checkout", "pending")]);
    shop.check();
}

#[test]
fn one_of_another_gateway_is_given_up_after_its_time() {
    let shop = shop();
    let number = shop.owes("acme", "2026-03-16");
    let page = json!({"status": "redirect", "url": "https://pay.example/1", "reference": "1",
        "expires_at": "2026-03-02T12:00:00Z"});
    shop.says("checkout", &page.to_string());
    shop.checkout(&number);
    shop.configure("[payments]\ngateway = \"sandbox\"\n");
    shop.task(RETRY, "2026-03-31", &["--yes"]);
    is(&shop.kinds(&number), &[("checkout", "pending")]);
    assert!(shop.asked("ask").is_empty());
    // Another page takes its place at once.
    let new = shop.checkout(&number);
    assert_eq!(new["status"], "pending");
    shop.task(RETRY, "2026-04-02", &["--yes"]);
    is(&shop.kinds(&number), &[("checkout", "failed"), ("checkout", "failed")]);
    shop.check();
}

#[test]
fn whoever_is_killed_at_any_commit_leaves_one_key_and_one_payment() {
    let shop = shop();
    let mut points = 0;
    for point in 1.. {
        let number = shop.owes("acme", "2026-03-16");
        let click = ["invoice", "checkout", &number, "--return-url", URL, "--as-of", DAY];
        let keys = shop.asked("checkout").len();
        let crashed = shop.crashes(&click, point).is_some();
        assert_eq!(shop.checkout(&number)["status"], "pending", "{point}");
        let asked = shop.asked("checkout");
        let mut keys: Vec<_> =
            asked[keys..].iter().map(|one| text(&one["idempotency_key"])).collect();
        keys.dedup();
        assert_eq!(keys.len(), 1, "{point}: {keys:?}");
        shop.says("ask", PAID);
        let run = ["tasks", RETRY, "--no-deliver", "--as-of", DAY];
        let died = shop.crashes(&run, point).is_some();
        shop.ok(&run);
        std::fs::remove_file(shop.path("says.ask")).expect("it was there");
        is(&shop.kinds(&number), &[("checkout", "succeeded")]);
        assert_eq!(shop.invoice(&number)["status"], "paid", "{point}");
        points += u32::from(crashed) + u32::from(died);
        if !crashed && !died {
            break;
        }
    }
    assert!(points >= 6, "{points}");
    let count =
        |sql: &str| -> i64 { shop.sql().query_row(sql, [], |row| row.get(0)).expect("a count") };
    let receipts = count("SELECT count(*) FROM emails WHERE template = 'payment_received'");
    assert_eq!(receipts, count("SELECT count(*) FROM invoices"));
    shop.check();
}
