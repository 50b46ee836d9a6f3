//! Charging as single commands show it: what each answer of a gateway comes to, who is charged and
//! who is not, what happens when two charge at once, and what no output ever shows.
mod support;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::{Value, json};
use support::races::{code, nobody_met_a_busy_file};
use support::subscriptions::{GENERATE, text};
use support::{Outcome, Shop, ledger, rows};

const RETRY: &str = "retry-failed-payments";
/// The day on which the periods of these tests begin.
const DAY: &str = "2025-03-01";
const SANDBOX: &str = "[payments]\ngateway = \"sandbox\"\n";

/// A shop with a gateway, as its billing.toml says.
fn shop(config: &str) -> Shop {
    let shop = Shop::with_config(config);
    shop.plan("monthly", "10", "1", &[]);
    shop
}

impl Shop {
    /// A payment method that the tenant pays with from now on.
    fn method(&self, tenant: &str, token: &str) {
        let args = ["payment-method", "create", "--tenant", tenant, "--kind", "card", "--default"];
        self.ok(&[&args[..], &["--token", token]].concat());
    }

    /// A tenant with that token and an invoice over 10.00 under automatic collection, which is
    /// charged as soon as it is issued; the invoice's number.
    fn subscriber(&self, tenant: &str, token: &str) -> String {
        self.tenant(tenant);
        self.method(tenant, token);
        let more = ["--anchor", "anniversary", "--collection", "automatic"];
        self.subscribe(tenant, "monthly", DAY, &more);
        let list = self.json(&["invoice", "list", "--tenant", tenant]);
        text(&list[0]["number"])
    }

    fn invoice_status(&self, number: &str) -> String {
        text(&self.json(&["invoice", "show", number])["status"])
    }

    /// The charges of an invoice, the newest first, each with the history of its attempts.
    fn charges(&self, number: &str) -> Vec<Value> {
        let list = self.json(&["transaction", "list", "--invoice", number]);
        let charges = list.as_array().expect("a list").iter().filter(|t| t["kind"] == "charge");
        charges.map(|t| self.json(&["transaction", "show", &text(&t["id"])])).collect()
    }

    /// How often the invoice was tried to be charged.
    fn tries(&self, number: &str) -> usize {
        self.charges(number).iter().map(|c| c["history"].as_array().expect("tries").len()).sum()
    }

    fn coupon_of_2025(&self, code: &str, percent: &str) {
        let create = ["coupon", "create", code, "--name", code, "--percent", percent];
        self.ok(&[&create[..], &["--from", "2025-01-01", "--until", "2025-12-31"]].concat());
    }

    fn credits(&self) -> Value {
        self.json(&["db", "check"])["unapplied_credits"].clone()
    }

    /// Money that was paid some other way.
    fn pay(&self, number: &str, amount: &str) {
        self.ok(&["invoice", "pay", number, "--amount", amount, "--as-of", DAY]);
    }

    /// A gateway of a few lines of shell, with KEY being the key that it was asked with.
    fn shell_gateway(&self, name: &str, lines: &str) -> String {
        let path = self.path(name);
        let text = format!(
            "#!/bin/sh\ncd '{}'\nread -r question\n\
             KEY=$(echo \"$question\" | sed 's/.*\"idempotency_key\":\"\\([^\"]*\\)\".*/\\1/')\n\
             case $question in *'\"operation\":\"status\"'*) ASKED=status;; *) ASKED=charge;; esac\n\
             {lines}\n",
            self.path("").display()
        );
        self.write(name, &text);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("a mode");
        format!("[payments]\ngateway = \"command\"\ncommand = [{path:?}]\n")
    }
}

/// A shop whose gateway is the ledger, honest but for what is set.
fn with_ledger(settings: &[&str]) -> Shop {
    let shop = shop("");
    shop.configure(&ledger_config(&shop, settings));
    shop
}

fn ledger_config(shop: &Shop, settings: &[&str]) -> String {
    let command = ledger::command(&shop.path("ledger"), settings);
    let command: Vec<String> = command.iter().map(|word| format!("{word:?}")).collect();
    format!("[payments]\ngateway = \"command\"\ncommand = [{}]\n", command.join(", "))
}

fn error_codes(report: &Value) -> Vec<String> {
    report["errors"].as_array().expect("errors").iter().map(|e| text(&e["code"])).collect()
}

#[test]
fn each_token_of_the_sandbox_comes_to_what_its_name_says() {
    let shop = shop(SANDBOX);
    for (tenant, token, charge, invoice, failure) in [
        ("ok", "tok_ok", "succeeded", "paid", json!(null)),
        ("declined", "tok_declined", "failed", "open", json!("insufficient_funds")),
        ("hard", "tok_declined_hard", "failed", "open", json!("stolen_card")),
        ("pending", "tok_pending", "pending", "open", json!(null)),
        ("unknown", "tok_unknown", "unknown", "open", json!(null)),
        ("flaky", "tok_flaky_1", "failed", "open", json!("insufficient_funds")),
        ("other", "4242", "failed", "open", json!("unknown_token")),
    ] {
        let number = shop.subscriber(tenant, token);
        let charges = shop.charges(&number);
        assert_eq!(charges.len(), 1, "{token}");
        assert_eq!(charges[0]["status"], charge, "{token}");
        assert_eq!(charges[0]["failure_code"], failure, "{token}");
        assert_eq!(charges[0]["metadata"]["retries"], 0, "{token}");
        assert_eq!(shop.invoice_status(&number), invoice, "{token}");
    }
    // The day after: what was declined is tried again, what has no outcome is asked for.
    let report = shop.task(RETRY, "2025-03-02", &[]);
    let counts = ["eligible", "succeeded", "failed", "pending"].map(|name| report[name].as_u64());
    assert_eq!(counts, [2, 1, 1, 1].map(Some), "{report}");
    assert_eq!(error_codes(&report), ["outcome_unknown"]);
    shop.check();
}

#[test]
fn of_sixteen_who_charge_an_invoice_at_once_one_does() {
    for token in ["tok_ok", "tok_pending", "tok_unknown"] {
        let shop = shop("");
        let number = shop.subscriber("acme", token);
        shop.configure(SANDBOX);
        let charge = vec!["invoice", "charge", &number, "--as-of", DAY, "--json"];
        let outcomes = shop.at_once(&vec![charge; 16]);
        let told: Vec<&Outcome> = outcomes.iter().filter(|o| [0, 3].contains(&o.status)).collect();
        assert_eq!(told.len(), 1, "{token}: {outcomes:?}");
        let refused = if token == "tok_ok" { "not_open" } else { "charge_pending" };
        for outcome in outcomes.iter().filter(|o| ![0, 3].contains(&o.status)) {
            assert!([refused, "locked"].contains(&code(outcome).as_str()), "{token}: {outcome:?}");
        }
        assert_eq!(shop.tries(&number), 1);
        shop.check();
    }
}

#[test]
fn every_command_that_charges_started_at_once_charges_each_debt_once() {
    let shop = with_ledger(&["early-sleep=100", "late-sleep=100", "sleep-ms=40"]);
    shop.configure("");
    let numbers: Vec<String> =
        (1..=6).map(|n| shop.subscriber(&format!("t{n}"), "tok_x")).collect();
    shop.configure(&ledger_config(&shop, &["early-sleep=100", "late-sleep=100", "sleep-ms=40"]));
    let day = ["--as-of", DAY];
    let tasks = [RETRY, GENERATE].map(|task| [&["tasks", task, "--no-deliver"], &day[..]].concat());
    let charges = numbers.iter().map(|number| [&["invoice", "charge", number], &day[..]].concat());
    let commands: Vec<Vec<&str>> =
        tasks.iter().cloned().chain(charges).chain(tasks.iter().cloned()).collect();
    let outcomes = shop.at_once(&commands);
    nobody_met_a_busy_file(&outcomes);
    // Whoever was turned away comes again.
    shop.ok(&commands[0]);
    let books = ledger::books(&shop.path("ledger"));
    let booked: BTreeSet<&str> = books.values().map(|booked| booked.invoice.as_str()).collect();
    assert_eq!((books.len(), booked.len()), (6, 6), "{books:?}");
    for number in &numbers {
        assert_eq!((shop.tries(number), shop.invoice_status(number).as_str()), (1, "paid"));
    }
    shop.check();
}

#[test]
fn a_crontab_line_of_each_minute_burns_no_retries() {
    let shop = shop(SANDBOX);
    let number = shop.subscriber("acme", "tok_declined");
    for minute in 1..=20 {
        let report = shop.task(RETRY, &format!("2025-03-01T12:{minute:02}:00Z"), &[]);
        assert_eq!(report["eligible"], 0, "{report}");
    }
    shop.task(RETRY, "2025-03-02T07:59:59Z", &[]);
    assert_eq!(shop.tries(&number), 1);
    // Twenty hours after the first, and after each one that follows; three times.
    let mut tries = 1;
    for at in ["2025-03-02T08:00:00Z", "2025-03-03T04:00:00Z", "2025-03-04T00:00:00Z"] {
        tries += 1;
        for seconds in [":00Z", ":01Z", ":59Z"] {
            shop.task(RETRY, &at.replace(":00Z", seconds), &[]);
            assert_eq!(shop.tries(&number), tries, "{at}");
        }
    }
    for day in ["2025-03-05", "2025-03-06", "2025-03-07", "2025-04-01"] {
        shop.task(RETRY, day, &[]);
    }
    assert_eq!(shop.tries(&number), 4, "the first and three retries");
    assert_eq!(shop.charges(&number)[0]["metadata"]["retries"], 3);
    let events = shop.json(&["event", "list", "--kind", "charge_exhausted"]);
    assert_eq!(events.as_array().map(Vec::len), Some(1));
}

#[test]
fn nothing_is_tried_a_week_after_the_first_failure() {
    let shop = shop(SANDBOX);
    let number = shop.subscriber("acme", "tok_declined");
    let report = shop.task(RETRY, "2025-03-08T12:00:00Z", &[]);
    assert_eq!((&report["exhausted"], shop.tries(&number)), (&json!(1), 1), "{report}");
}

#[test]
fn a_decline_for_good_waits_for_another_method_which_is_tried_at_once_and_once() {
    let shop = shop(SANDBOX);
    let number = shop.subscriber("acme", "tok_declined_hard");
    for day in ["2025-03-02", "2025-03-03"] {
        assert_eq!(shop.task(RETRY, day, &[])["eligible"], 0);
    }
    shop.method("acme", "tok_declined_hard");
    for minute in ["12:01", "12:02", "12:03"] {
        shop.task(RETRY, &format!("2025-03-03T{minute}:00Z"), &[]);
    }
    assert_eq!(shop.tries(&number), 2, "at once, and once");
    shop.method("acme", "tok_ok");
    shop.task(RETRY, "2025-03-03T12:04:00Z", &[]);
    assert_eq!((shop.tries(&number), shop.invoice_status(&number).as_str()), (3, "paid"));
}

#[test]
fn what_is_settled_or_rests_meanwhile_is_not_charged() {
    let shop = shop(SANDBOX);
    shop.coupon_of_2025("FREE", "100");
    let tomorrow = ["--as-of", "2025-03-02"];
    let number = |tenant: &str| shop.subscriber(tenant, "tok_flaky_1");
    let [paid, voided, given_up, promised, disputed, free] =
        ["paid", "voided", "given-up", "promised", "disputed", "free"].map(number);
    shop.pay(&paid, "10");
    for args in [
        &["invoice", "void", &voided, "--reason", "a mistake"][..],
        &["invoice", "write-off", &given_up, "--reason", "gone"],
        &["invoice", "promise", &promised, "--until", "2025-03-03"],
        &["invoice", "dispute", &disputed],
        &["coupon", "apply", "FREE", "--invoice", &free],
    ] {
        shop.ok(&[args, &tomorrow].concat());
    }
    let report = shop.task(RETRY, "2025-03-03", &[]);
    assert_eq!((&report["eligible"], &report["exhausted"]), (&json!(0), &json!(0)), "{report}");
    for number in [&paid, &voided, &given_up, &promised, &disputed, &free] {
        assert_eq!(shop.tries(number), 1, "{number}");
    }
    // What only rested is charged once it rests no more.
    shop.ok(&["invoice", "dispute", &disputed, "--resolve", "--as-of", "2025-03-04"]);
    assert_eq!(shop.task(RETRY, "2025-03-04", &[])["succeeded"], 2);
    for number in [&promised, &disputed] {
        assert_eq!((shop.tries(number), shop.invoice_status(number).as_str()), (2, "paid"));
    }
    shop.check();
}

#[test]
fn what_is_due_after_a_payment_and_a_coupon_is_charged_and_no_more() {
    let shop = shop(SANDBOX);
    shop.coupon_of_2025("TEN", "10");
    let [part, cheaper] = ["part", "cheaper"].map(|tenant| shop.subscriber(tenant, "tok_flaky_1"));
    shop.pay(&part, "4");
    shop.ok(&["coupon", "apply", "TEN", "--invoice", &cheaper, "--as-of", DAY]);
    assert_eq!(shop.task(RETRY, "2025-03-02", &[])["succeeded"], 2);
    assert_eq!(shop.charges(&part)[0]["amount"], "6.00");
    assert_eq!(shop.charges(&cheaper)[0]["amount"], "9.00");
    assert_eq!(shop.credits(), json!([]));
}

#[test]
fn a_subscription_that_ended_before_the_period_began_is_not_charged_for_it() {
    for token in ["tok_declined", "tok_ok"] {
        // Declined on the first day, or not charged yet.
        let shop = shop(if token == "tok_ok" { "" } else { SANDBOX });
        let number = shop.subscriber("acme", token);
        let tries = shop.tries(&number);
        shop.ok(&["subscription", "cancel", "sub_1", "--now", "--as-of", DAY]);
        shop.configure(SANDBOX);
        shop.method("acme", "tok_ok");
        for task in [RETRY, GENERATE] {
            shop.task(task, "2025-03-03", &[]);
        }
        assert_eq!((shop.tries(&number), shop.invoice_status(&number).as_str()), (tries, "open"));
    }
}

#[test]
fn a_charge_under_way_that_succeeds_after_the_invoice_was_paid_is_a_credit() {
    let shop = with_ledger(&["pending=100", "asks=1"]);
    let number = shop.subscriber("acme", "tok_x");
    assert_eq!(shop.charges(&number)[0]["status"], "pending");
    // The money is on its way: nothing is begun that would take it once more, or drop it.
    for args in [
        &["invoice", "charge", &number][..],
        &["invoice", "void", &number, "--reason", "a mistake"],
    ] {
        assert_eq!(shop.refusal(&[args, &["--as-of", DAY]].concat()), "charge_pending");
    }
    shop.pay(&number, "10");
    shop.ok(&["tasks", RETRY, "--as-of", "2025-03-02"]);
    let charge = &shop.charges(&number)[0];
    assert_eq!((&charge["status"], &charge["applied"]), (&json!("succeeded"), &json!("0.00")));
    let said = shop.run(&["db", "check"]);
    assert_eq!(said.status, 0);
    let words = "acme has an unapplied credit of 10.00 EUR from txn_1\n";
    assert_eq!(said.stdout, words);
}

#[test]
fn what_a_person_found_out_is_booked_as_if_the_gateway_had_said_it() {
    for token in ["tok_unknown", "tok_pending"] {
        let shop = shop(SANDBOX);
        let [came, never] = ["came", "never"].map(|tenant| shop.subscriber(tenant, token));
        let id = |number: &str| text(&shop.charges(number)[0]["id"]);
        let resolve = |number: &str, found: &str| {
            shop.ok(&[
                "transaction",
                "resolve",
                &id(number),
                found,
                "--note",
                "asked by phone",
                "--as-of",
                DAY,
            ])
        };
        resolve(&came, "--succeeded");
        assert_eq!(shop.invoice_status(&came), "paid");
        resolve(&never, "--failed");
        let charge = &shop.charges(&never)[0];
        let told = (&charge["status"], &charge["failure_code"]);
        assert_eq!(told, (&json!("failed"), &json!("resolved_failed")));
        // Said once: the second time there is nothing open.
        for number in [&came, &never] {
            let again = ["transaction", "resolve", &id(number), "--failed", "--note", "x"];
            assert_eq!(shop.refusal(&again), "not_resolvable");
        }
        // What failed is a failure like others, and is tried again.
        shop.method("never", "tok_ok");
        shop.task(RETRY, "2025-03-02", &[]);
        assert_eq!((shop.tries(&never), shop.invoice_status(&never).as_str()), (2, "paid"));
        assert_eq!(shop.tries(&came), 1);
        shop.check();
    }
}

#[test]
fn a_customer_who_paid_meanwhile_is_not_told_that_the_charge_failed() {
    let shop = shop(SANDBOX);
    let told = |tenant: &str| {
        let emails = shop.json(&["email", "list", "--tenant", tenant]);
        let mut emails = emails.as_array().expect("e-mails").iter();
        emails.any(|email| email["template"] == "payment_failed")
    };
    for (tenant, paid) in [("owes", "9.99"), ("paid", "10")] {
        let number = shop.subscriber(tenant, "tok_pending");
        shop.pay(&number, paid);
        let id = text(&shop.charges(&number)[0]["id"]);
        shop.ok(&["transaction", "resolve", &id, "--failed", "--note", "refused", "--as-of", DAY]);
        assert_eq!(told(tenant), tenant == "owes", "{tenant}");
    }
}

#[test]
fn what_was_begun_with_one_gateway_is_asked_of_no_other() {
    for token in ["tok_unknown", "tok_pending"] {
        let shop = shop(SANDBOX);
        let number = shop.subscriber("acme", token);
        // One that was declined owes nobody an answer.
        shop.subscriber("beta", "tok_declined_hard");
        let command = ledger_config(&shop, &[]);
        for (config, name) in [(command.as_str(), "command"), ("", "none")] {
            shop.configure(config);
            for day in ["2025-03-02", "2025-03-20"] {
                let report = shop.task(RETRY, day, &[]);
                assert_eq!(error_codes(&report), ["outcome_unknown"], "{report}");
                let message = text(&report["errors"][0]["message"]);
                let words = format!("begun with sandbox, and {name}");
                assert!(message.contains(&words), "{message}");
            }
        }
        assert_eq!(ledger::log(&shop.path("ledger")), []);
        assert_eq!(shop.tries(&number), 1);
        // With the first one again, it is asked.
        shop.configure(SANDBOX);
        shop.task(RETRY, "2025-04-10", &[]);
        assert_eq!(shop.tries(&number), 1);
    }
}

#[test]
fn with_a_gateway_that_cannot_be_used_invoices_are_issued_and_the_gateway_is_named() {
    let stripe = "[payments]\ngateway = \"stripe\"\n";
    let gone = "[payments]\ngateway = \"command\"\ncommand = [\"/nowhere/gateway\"]\n";
    for config in [stripe, gone] {
        let shop = shop("");
        shop.tenant("acme");
        shop.method("acme", "cus_1:pm_1");
        let more = ["--collection", "automatic", "--no-invoice"];
        shop.subscribe("acme", "monthly", DAY, &more);
        shop.configure(config);
        let generate = ["tasks", GENERATE, "--as-of", DAY, "--json"];
        let done = shop.run(&generate);
        let report: Value = serde_json::from_str(&done.stdout).expect("a report");
        assert_eq!((done.status, &report["invoices_created"]), (3, &json!(1)), "{done:?}");
        assert_eq!(report["errors"][0]["subject"], "gateway", "{report}");
        let number = text(&shop.json(&["invoice", "list"])[0]["number"]);
        // Who came only to charge is told the same, and no key is made for nobody.
        for args in [&["tasks", RETRY][..], &["invoice", "charge", &number]] {
            let refused = shop.refused(&[args, &["--as-of", DAY]].concat());
            assert!(refused.to_string().contains("payments"), "{refused}");
        }
        // A subscription stands all the same.
        shop.tenant("beta");
        shop.method("beta", "cus_2:pm_2");
        let create = ["subscription", "create", "--tenant", "beta", "--plan", "monthly"];
        let create = [&create[..], &["--collection", "automatic", "--as-of", DAY]].concat();
        let done = shop.run(&create);
        assert!(done.stderr.contains("gateway"), "{done:?}");
        assert_eq!(shop.json(&["invoice", "list"]).as_array().map(Vec::len), Some(2));
        assert_eq!(shop.tries(&number), 0);
        // Once there is one, both are charged.
        shop.configure(SANDBOX);
        for tenant in ["acme", "beta"] {
            shop.method(tenant, "tok_ok");
        }
        assert_eq!(shop.task(RETRY, DAY, &[])["succeeded"], 2);
        shop.check();
    }
}

#[test]
fn a_day_in_the_future_is_refused_where_money_moves_before_anything_is_written() {
    let shop = with_ledger(&[]);
    shop.configure("");
    let number = shop.subscriber("acme", "tok_x");
    shop.configure(&ledger_config(&shop, &[]));
    let before = shop.contents();
    let create = ["subscription", "create", "--tenant", "acme", "--plan", "monthly"];
    let create = [&create[..], &["--collection", "automatic"]].concat();
    let commands = [
        vec!["tasks", RETRY, "--no-deliver"],
        vec!["tasks", GENERATE, "--no-deliver"],
        vec!["tasks", "cleanup-expired-trials", "--no-deliver"],
        vec!["invoice", "charge", &number],
        create,
    ];
    for args in &commands {
        let ahead = [&args[..], &["--as-of", "2999-01-01"]].concat();
        assert_eq!(shop.refusal(&ahead), "as_of_in_the_future", "{args:?}");
        // Who gives it again with --yes makes no second one.
        support::assert_same(&format!("{args:?}"), &shop.contents(), &before);
    }
    assert_eq!(ledger::log(&shop.path("ledger")), []);
    shop.ok(&["invoice", "charge", &number, "--as-of", "2999-01-01", "--yes"]);
    assert_eq!(ledger::books(&shop.path("ledger")).len(), 1);
    // A dry run calls nobody.
    shop.ok(&["tasks", RETRY, "--dry-run", "--as-of", "2999-01-01"]);
}

/// A gateway that books late: it waits until the file `go` is there, or dies once `die` is.
const BOOKS_LATE: &str = "
paid='{\"status\":\"succeeded\",\"reference\":\"r\"}'
if [ $ASKED = status ]; then
    if [ -e booked.$KEY ]; then echo \"$paid\"; else echo '{\"status\":\"not_found\"}'; fi
    exit 0
fi
echo $KEY >> called
while [ ! -e go ]; do [ -e die ] && : > died && exit 1; sleep 0.02; done
: > booked.$KEY
echo \"$paid\"";

/// A shop whose invoice is being charged by a program that has not booked yet, and whose `billing`
/// was killed meanwhile: nobody stops the program, and nobody hears what it will say.
fn killed_while_the_program_goes_on() -> (Shop, String) {
    let shop = shop("");
    let number = shop.subscriber("acme", "tok_x");
    shop.configure(&shop.shell_gateway("late", BOOKS_LATE));
    let mut child = shop.start(&["invoice", "charge", &number, "--as-of", DAY]);
    wait_for(|| shop.path("called").exists());
    child.kill().expect("it is ours");
    assert!(Shop::end_of(child).status < 0);
    (shop, number)
}

/// Ends that program before it booked. Without waiting for it, it might yet find the `go` that is
/// meant for the next one.
fn let_it_die(shop: &Shop) {
    shop.write("die", "");
    wait_for(|| shop.path("died").exists());
}

fn wait_for(there: impl Fn() -> bool) {
    for _ in 0..1000 {
        if there() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never came");
}

fn booked(shop: &Shop) -> usize {
    let files = std::fs::read_dir(shop.path("")).expect("the folder");
    let names = files.map(|file| file.expect("a file").file_name());
    names.filter(|name| name.to_string_lossy().starts_with("booked.")).count()
}

#[test]
fn a_program_that_books_after_billing_died_is_heard_even_if_the_invoice_was_paid_meanwhile() {
    let (shop, number) = killed_while_the_program_goes_on();
    shop.pay(&number, "10");
    // It says that it never saw the key, which is true until it books.
    shop.ok(&["tasks", RETRY, "--as-of", DAY]);
    shop.write("go", "");
    wait_for(|| booked(&shop) == 1);
    shop.ok(&["tasks", RETRY, "--as-of", "2025-03-02"]);
    assert_eq!(shop.charges(&number)[0]["status"], "succeeded");
    assert_eq!(shop.credits()[0]["amount"], "10.00", "the customer paid twice, and we say so");
}

#[test]
fn who_comes_while_a_charge_is_under_way_waits_for_its_answer() {
    let shop = shop("");
    let number = shop.subscriber("acme", "tok_x");
    shop.configure(&shop.shell_gateway("late", BOOKS_LATE));
    let charge = ["invoice", "charge", &number, "--as-of", DAY];
    let first = shop.start(&charge);
    wait_for(|| shop.path("called").exists());
    // A run that asked now would be told that the key was never seen, and would send it again; a
    // person could say that it failed.
    let found = ["transaction", "resolve", "txn_1", "--failed", "--note", "x", "--as-of", DAY];
    let others: Vec<_> = [&charge[..], &["tasks", RETRY, "--as-of", DAY, "--wait", "20"], &found]
        .into_iter()
        .map(|args| shop.start(args))
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    shop.write("go", "");
    assert_eq!(Shop::end_of(first).status, 0);
    let others: Vec<i32> = others.into_iter().map(|child| Shop::end_of(child).status).collect();
    assert_eq!(others, [1, 0, 1]);
    let called = std::fs::read_to_string(shop.path("called")).expect("the calls");
    assert_eq!((called.lines().count(), booked(&shop), shop.tries(&number)), (1, 1, 1));
    assert_eq!(shop.invoice_status(&number), "paid");
    shop.check();
}

/// A lock file that somebody deletes locks nobody out: what was written down meanwhile stands.
#[test]
fn an_outcome_that_was_written_down_while_the_gateway_was_asked_stands() {
    let shop = shop("");
    let number = shop.subscriber("acme", "tok");
    let resolve = "billing transaction resolve txn_1 --failed --note refused --as-of 2025-03-02";
    shop.configure(&shop.shell_gateway(
        "gateway",
        &format!(
            "rm billing.db.charging.lock\n{resolve} > out\n\
             echo '{{\"status\":\"succeeded\",\"reference\":\"late\"}}'"
        ),
    ));
    let report = shop.task(RETRY, "2025-03-02", &[]);
    assert_eq!(error_codes(&report), ["written_meanwhile"]);
    assert_eq!((&report["succeeded"], &report["status"]), (&json!(0), &json!("partial")));
    assert_eq!(shop.charges(&number)[0]["failure_code"], "resolved_failed");
    assert_eq!(shop.invoice_status(&number), "open");
    shop.check();
}

#[test]
fn a_key_that_no_program_ever_saw_is_given_up_once_the_invoice_is_paid() {
    let (shop, number) = killed_while_the_program_goes_on();
    shop.pay(&number, "10");
    let_it_die(&shop);
    // It may be on its way for an hour and twice the time that a call may take: of the machine's
    // clock, whatever day is given.
    for (at, errors) in [(DAY, 0), ("2025-03-01T13:01:00Z", 0), ("2025-03-09", 1)] {
        assert_eq!(shop.task(RETRY, at, &[])["errors"].as_array().map(Vec::len), Some(errors));
        assert_eq!(shop.charges(&number)[0]["status"], "unknown", "{at}");
    }
    shop.machine_goes_on(3600);
    shop.ok(&["tasks", RETRY, "--as-of", DAY]);
    assert_eq!(shop.charges(&number)[0]["status"], "unknown");
    shop.machine_goes_on(60);
    shop.ok(&["tasks", RETRY, "--as-of", DAY]);
    let charge = &shop.charges(&number)[0];
    let told = (&charge["status"], &charge["failure_code"]);
    assert_eq!(told, (&json!("failed"), &json!("not_sent")));
    assert_eq!((booked(&shop), shop.credits()), (0, json!([])));
    shop.check();
}

#[test]
fn a_key_that_no_program_ever_saw_is_not_sent_for_more_than_is_due_by_now() {
    let (shop, number) = killed_while_the_program_goes_on();
    let_it_die(&shop);
    shop.pay(&number, "4");
    // From here on the program answers at once.
    shop.write("go", "");
    shop.ok(&["tasks", RETRY, "--as-of", DAY]);
    shop.machine_goes_on(4000);
    for day in ["2025-03-02", "2025-03-03"] {
        shop.write("go", "");
        shop.ok(&["tasks", RETRY, "--as-of", day]);
    }
    assert_eq!((booked(&shop), shop.invoice_status(&number).as_str()), (1, "paid"));
    assert_eq!(shop.charges(&number)[0]["amount"], "6.00");
    assert_eq!(shop.credits(), json!([]));
    shop.check();
}

/// A program with an account, which never saw a key that it is asked about; charges of the account
/// `broken` have no outcome. Each call is a line of the file `calls`.
fn pays(shop: &Shop, accounts: &[&str]) -> String {
    let config = shop.shell_gateway(
        "pay",
        "echo \"$1 $ASKED\" >> calls\n\
         case $ASKED$1 in\n\
         status*) echo '{\"status\":\"not_found\"}';;\n\
         chargebroken) exit 7;;\n\
         *) echo \"{\\\"status\\\":\\\"succeeded\\\",\\\"reference\\\":\\\"$KEY\\\"}\";;\n\
         esac",
    );
    let words: String = accounts.iter().map(|account| format!(", {account:?}")).collect();
    config.replace("\"]", &format!("\"{words}]"))
}

fn calls(shop: &Shop) -> Vec<String> {
    let text = std::fs::read_to_string(shop.path("calls")).expect("calls");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn one_program_with_two_accounts_is_two_gateways() {
    let shop = shop("");
    shop.configure(&pays(&shop, &["broken"]));
    let number = shop.subscriber("acme", "tok");
    shop.configure(&pays(&shop, &["live"]));
    let report = shop.task(RETRY, "2025-03-02", &[]);
    assert_eq!(error_codes(&report), ["outcome_unknown"]);
    let message = text(&report["errors"][0]["message"]);
    assert!(message.contains("pay broken, and ") && message.contains("pay live is"), "{message}");
    // Neither asked nor charged.
    assert_eq!(
        (calls(&shop), shop.invoice_status(&number)),
        (vec!["broken charge".to_owned()], "open".to_owned())
    );
    // The account that it was begun with is asked, and charges under the same key.
    shop.configure(&pays(&shop, &["broken"]));
    shop.task(RETRY, "2025-03-02", &[]);
    assert_eq!(calls(&shop)[1..], ["broken status", "broken charge"]);
}

#[test]
fn a_gateway_that_has_a_name_may_move() {
    let shop = shop("");
    let named = |account: &str| format!("{}name = \"main\"\n", pays(&shop, &[account]));
    shop.configure(&pays(&shop, &["broken"]));
    let before = shop.subscriber("acme", "tok");
    // What was begun with the same command before it had a name is asked as well.
    shop.configure(&named("broken"));
    shop.task(RETRY, "2025-03-02", &[]);
    assert_eq!(calls(&shop)[1..], ["broken status", "broken charge"]);
    let number = shop.subscriber("birch", "tok");
    assert_eq!(shop.charges(&number)[0]["history"][0]["gateway"], "command@main");
    // Begun under the name, and asked under it wherever it is.
    shop.configure(&named("live"));
    shop.task(RETRY, "2025-03-02", &[]);
    assert_eq!(
        (shop.invoice_status(&number).as_str(), shop.invoice_status(&before).as_str()),
        ("paid", "open")
    );
}

/// Earlier versions kept a program's first word alone: `command:/bin/pay` of `/bin/pay account`.
#[test]
fn what_an_earlier_version_began_is_sent_again_only_by_the_program_that_it_surely_was() {
    for (accounts, asked, status) in
        [(&["live"][..], &["live status"][..], "open"), (&[], &[" status", " charge"], "paid")]
    {
        let shop = shop("");
        shop.configure(&pays(&shop, &["broken"]));
        let number = shop.subscriber("acme", "tok");
        shop.sql()
            .execute_batch(&format!(
                "DROP TRIGGER charge_attempts_immutable;
                 UPDATE charge_attempts SET gateway = 'command:{}';
                 UPDATE database_info SET earlier_attempts = 1",
                shop.path("pay").display()
            ))
            .expect("an older file");
        shop.configure(&pays(&shop, accounts));
        let report = shop.task(RETRY, "2025-03-02", &[]);
        assert_eq!(calls(&shop)[1..], *asked, "{report}");
        assert_eq!(shop.invoice_status(&number), status, "{report}");
        assert_eq!(report["errors"].as_array().map(Vec::len), Some(usize::from(status == "open")));
    }
}

#[test]
fn a_reference_that_is_given_to_two_customers_is_named_and_found() {
    let shop = shop("");
    let answers = "echo '{\"status\":\"succeeded\",\"reference\":\"r1\"}'";
    shop.configure(&shop.shell_gateway("same", answers));
    let first = shop.subscriber("acme", "tok");
    shop.check();
    shop.configure("");
    let second = shop.subscriber("birch", "tok");
    shop.configure(&shop.shell_gateway("same", answers));
    let report = shop.task(RETRY, "2025-03-02", &[]);
    assert_eq!(error_codes(&report), ["reference_repeated"]);
    let message = text(&report["errors"][0]["message"]);
    assert!(message.contains(&first) && message.contains(&second), "{message}");
    assert_eq!(shop.invoice_status(&second), "paid");
    let found = shop.run(&["db", "check", "--json"]);
    let found: Value = serde_json::from_str(&found.stdout).expect("JSON");
    assert_eq!(found["findings"][0]["check"], "gateway_references");
    let detail = text(&found["findings"][0]["detail"]);
    assert!(
        detail.ends_with(&format!("gave the reference r1 to the charges of {first},{second}")),
        "{detail}"
    );
    // Once one was taken back, the other is the one that came.
    shop.ok(&[
        "transaction",
        "reverse",
        "txn_2",
        "--reason",
        "never came",
        "--as-of",
        "2025-03-02",
    ]);
    shop.check();
}

#[test]
fn no_output_event_log_or_email_shows_a_token() {
    let secrets = ["tok_declined", "S3CRET", "tok_pending", "tok_unknown", "tok_flaky_1"];
    let shop = shop(SANDBOX);
    let mut said = String::new();
    let say = |said: &mut String, args: &[&str]| {
        let done = shop.run(args);
        said.push_str(&format!("{}{}", done.stdout, done.stderr));
    };
    for (n, token) in secrets.iter().enumerate() {
        let tenant = format!("t{n}");
        shop.subscriber(&tenant, token);
        say(&mut said, &["payment-method", "list", "--tenant", &tenant, "--json"]);
    }
    // A program that says all it was told, and dies.
    let tells = shop.shell_gateway(
        "tells",
        "echo \"$question\"; echo \"$question\" >&2\n\
         case $question in *S3CRET*) exit 7;; *) exit 0;; esac",
    );
    for (config, day) in [(SANDBOX, "2025-03-02"), (&tells, "2025-03-03"), (SANDBOX, "2025-03-05")]
    {
        shop.configure(config);
        for number in rows(&shop.sql(), "SELECT number FROM invoices") {
            let number = number.trim().trim_start_matches("number=").to_owned();
            say(&mut said, &["invoice", "charge", &number, "--as-of", day, "-v"]);
            say(&mut said, &["invoice", "show", &number, "--json"]);
        }
        say(&mut said, &["tasks", RETRY, "--dry-run", "--as-of", day]);
        say(&mut said, &["tasks", RETRY, "--as-of", day, "--json", "-v"]);
    }
    for noun in ["tenant", "transaction", "event", "email", "invoice", "subscription"] {
        say(&mut said, &[noun, "list", "--json"]);
    }
    for transaction in shop.json(&["transaction", "list"]).as_array().expect("a list") {
        say(&mut said, &["transaction", "show", &text(&transaction["id"]), "--json"]);
    }
    say(&mut said, &["tasks", "runs", "--json"]);
    shop.ok(&["tasks", "deliver-emails", "--as-of", "2025-03-05"]);

    let mut everything = vec![("what was said".to_owned(), said)];
    for (table, rows) in shop.contents() {
        if table != "payment_methods" {
            everything.push((table, rows.join("\n")));
        }
    }
    let runs = rows(&shop.sql(), "SELECT * FROM runs").join("\n");
    everything.push(("runs".to_owned(), runs));
    let mut folders = vec![shop.path("")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            match path.is_dir() {
                true => folders.push(path),
                // The database holds them, where they belong, and its log with it; the test wrote
                // the program.
                false if name.starts_with("billing.db") || name == "tells" => {}
                false => {
                    let bytes = std::fs::read(&path).expect("a file");
                    everything.push((name, String::from_utf8_lossy(&bytes).into_owned()));
                }
            }
        }
    }
    assert!(everything.len() > 20);
    for (place, text) in &everything {
        for secret in secrets {
            // The name of a test's token may begin another word.
            let found = text.match_indices(secret).next();
            assert!(found.is_none(), "{place} shows {secret}: {found:?}");
        }
    }
}
