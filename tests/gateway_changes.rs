//! What is done at the gateway without being asked, as the task that asks for it books it: refunds from
//! the dashboard and disputes, each once, and never a refund of ours for one of theirs.
mod support;

use std::process::Output;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use support::fake_stripe::{FakeStripe, Fault, SECRET_KEY};
use support::subscriptions::text;
use support::{Outcome, Shop};

const RETRY: [&str; 2] = ["tasks", "retry-failed-payments"];

/// A shop whose cards are charged by a Stripe of our own; both clocks go together.
struct Bench {
    shop: Shop,
    fake: FakeStripe,
    now: DateTime<Utc>,
}

impl Bench {
    fn new() -> Bench {
        let (shop, fake) = (Shop::new(), FakeStripe::start());
        let now: DateTime<Utc> = "2025-03-01T12:00:00Z".parse().expect("a time");
        fake.set_clock(now.timestamp());
        let bench = Bench { shop, fake, now };
        bench.configure("");
        bench
    }

    fn configure(&self, more: &str) {
        let url = self.fake.base_url();
        self.shop.configure(&format!(
            "[payments]\ngateway = \"stripe\"\ntimeout_seconds = 5\n{more}\
             [payments.stripe]\nbase_url = \"{url}\"\n"
        ));
    }

    /// With an invoice of acme over 120.00 that was charged on that method.
    fn charged(method: &str) -> Bench {
        let bench = Bench::new();
        bench.tenant("acme", method);
        let number = bench.billed("acme", "120");
        bench.ok(&["invoice", "charge", &number]);
        bench
    }

    fn tenant(&self, slug: &str, method: &str) {
        self.shop.tenant(slug);
        let (create, token) =
            (["payment-method", "create", "--tenant", slug], format!("cus_1:{method}"));
        self.ok(&[&create[..], &["--kind", "card", "--default", "--token", &token]].concat());
    }

    fn billed(&self, tenant: &str, amount: &str) -> String {
        let create = ["invoice", "create", "--tenant", tenant, "--amount", amount];
        text(&self.json(&[&create[..], &["--description", "Hosting"]].concat())["number"])
    }

    /// Both clocks go on.
    fn later(&mut self, hours: i64) {
        self.now += TimeDelta::hours(hours);
        self.fake.advance(TimeDelta::hours(hours));
    }

    fn command(&self, words: &[&str]) -> std::process::Command {
        let mut command = self.shop.command(words);
        command.args(["--as-of", &self.now.to_rfc3339()]).env("BILLING_STRIPE_KEY", SECRET_KEY);
        command
    }

    fn run(&self, words: &[&str]) -> Outcome {
        let Output { status, stdout, stderr } = self.command(words).output().expect("it starts");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Outcome { status: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
    }

    fn ok(&self, words: &[&str]) -> String {
        let done = self.run(words);
        assert_eq!(done.status, 0, "{words:?}: {done:?}");
        done.stdout
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[words, &["--json"]].concat())).expect("JSON")
    }

    fn emails(&self) -> u64 {
        self.json(&["email", "list"]).as_array().map_or(0, |emails| emails.len() as u64)
    }

    /// A run that books so many changes; the codes of its errors.
    fn books(&self, changes: u64) -> Vec<String> {
        let emails = self.emails();
        let done = self.run(&[&RETRY[..], &["--no-deliver", "--json"]].concat());
        let report: Value = serde_json::from_str(&done.stdout).expect("a report");
        assert_eq!(report["changes_booked"], changes, "{report}");
        assert_eq!(report["emails_queued"], self.emails() - emails, "{report}");
        let errors = report["errors"].as_array().expect("errors");
        assert_eq!(done.status, if errors.is_empty() { 0 } else { 3 }, "{report}");
        errors.iter().map(|error| text(&error["code"])).collect()
    }

    fn intent(&self) -> String {
        self.fake.charges()[0].intent.clone()
    }

    fn refunds(&self) -> Vec<(String, String)> {
        let list = self.json(&["transaction", "list"]);
        let refunds = list.as_array().expect("a list").iter().filter(|t| t["kind"] == "refund");
        refunds.map(|t| (text(&t["status"]), text(&t["amount"]))).collect()
    }

    fn notes(&self) -> Vec<Value> {
        self.json(&["credit-note", "list"]).as_array().expect("a list").clone()
    }

    fn credit(&self) -> Value {
        self.json(&["tenant", "show", "acme"])["credit_balance"].clone()
    }

    fn invoice(&self, number: &str) -> Value {
        self.json(&["invoice", "show", number])
    }

    fn events(&self, kind: &str) -> usize {
        self.json(&["event", "list", "--kind", kind]).as_array().map_or(0, Vec::len)
    }

    /// What succeeded at Stripe is what succeeded in our books; nothing more to book.
    fn agrees(&self) {
        self.fake.never_too_much_back();
        let there = self.fake.refunds();
        let there = there.iter().filter(|refund| refund["status"] == "succeeded");
        let there: i64 = there.map(|refund| refund["amount"].as_i64().expect("units")).sum();
        let here: i64 = self
            .shop
            .sql()
            .query_row(
                "SELECT coalesce(sum(amount_minor), 0) FROM transactions
                 WHERE kind = 'refund' AND status = 'succeeded'",
                [],
                |row| row.get(0),
            )
            .expect("a sum");
        assert_eq!(here, there, "{:#?}", self.fake.refunds());
        self.shop.check_but_for_credits();
    }
}

fn note(amount: &str, where_: &'static str) -> Vec<String> {
    let create = ["credit-note", "create", "--invoice", "INV-2025-000001", "--amount", amount];
    let more = ["--reason", "cancellation", "--no-email", where_];
    create.iter().chain(&more).map(|word| (*word).to_owned()).collect()
}

fn words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

#[test]
fn a_refund_from_the_dashboard_uses_credit_first_and_the_rest_is_a_credit_note() {
    let mut bench = Bench::charged("pm_card");
    bench.ok(&words(&note("30", "--credit")));
    bench.fake.refund_outside(&bench.intent(), 5_000);
    bench.later(1);
    assert_eq!(bench.books(1), [""; 0]);
    assert_eq!(bench.refunds(), [("succeeded".to_owned(), "50.00".to_owned())]);
    let notes = bench.notes();
    let told: Vec<_> = notes
        .iter()
        .map(|n| [&n["reason"], &n["total"], &n["to_credit"], &n["refunded"], &n["refund_status"]])
        .collect();
    assert_eq!(
        json!(told),
        json!([
            ["cancellation", "30.00", "0.00", "30.00", "succeeded"],
            ["other", "20.00", "0.00", "20.00", "succeeded"]
        ])
    );
    let invoice = bench.invoice("INV-2025-000001");
    let told = ["status", "amount_due", "amount_paid", "credit_notes_total", "refunded"];
    let told = told.map(|field| invoice[field].clone());
    assert_eq!(json!(told), json!(["paid", "0.00", "120.00", "50.00", "50.00"]));
    bench.agrees();
    let before = bench.shop.contents();
    for _ in 0..3 {
        assert_eq!(bench.books(0), [""; 0]);
    }
    support::assert_same("nothing more", &bench.shop.contents(), &before);
    // The next one is another one.
    bench.later(1);
    bench.fake.refund_outside(&bench.intent(), 7_000);
    assert_eq!(bench.books(1), [""; 0]);
    assert_eq!(bench.books(0), [""; 0]);
    assert_eq!(bench.invoice("INV-2025-000001")["refunded"], "120.00");
    bench.agrees();
}

#[test]
fn a_refund_from_the_dashboard_that_fails_two_days_later_is_credit_again() {
    let mut bench = Bench::charged("pm_refund_later");
    bench.fake.refund_outside(&bench.intent(), 2_000);
    assert_eq!(bench.books(1), [""; 0]);
    bench.later(24);
    assert_eq!(bench.books(0), [""; 0]);
    bench.agrees();
    bench.later(24);
    assert_eq!(bench.books(0), ["refund_failed"]);
    assert_eq!(bench.credit(), json!({"EUR": "20.00"}));
    assert_eq!(bench.notes()[0]["to_credit"], "20.00");
    bench.agrees();
    bench.later(24);
    assert_eq!(bench.books(0), [""; 0]);
}

#[test]
fn a_refund_out_of_several_notes_that_fails_later_is_the_credit_of_each_again() {
    let mut bench = Bench::charged("pm_refund_later");
    for amount in ["30", "10"] {
        bench.ok(&words(&note(amount, "--credit")));
    }
    let told = |bench: &Bench| {
        let notes = bench.notes();
        let told = |n: &Value| json!([n["to_credit"], n["refunded"], n["refund_status"]]);
        notes.iter().map(told).collect::<Vec<_>>()
    };
    bench.fake.refund_outside(&bench.intent(), 6_000);
    assert_eq!(bench.books(1), [""; 0]);
    let back = |amount: &str| json!(["0.00", amount, "succeeded"]);
    assert_eq!(told(&bench), [back("30.00"), back("10.00"), back("20.00")]);
    bench.later(24);
    assert_eq!(bench.books(0), [""; 0]);
    bench.later(24);
    assert_eq!(bench.books(0), ["refund_failed"]);
    let failed = |amount: &str| json!([amount, "0.00", "failed"]);
    assert_eq!(told(&bench), [failed("30.00"), failed("10.00"), failed("20.00")]);
    assert_eq!(bench.credit(), json!({"EUR": "60.00"}));
    bench.agrees();
    // Of both notes at once, asked for here.
    bench.ok(&["transaction", "refund", "txn_1", "--reason", "again", "--amount", "35"]);
    let told = told(&bench);
    assert_eq!(told[0], json!(["0.00", "30.00", "partial"]));
    assert_eq!(told[1], json!(["5.00", "5.00", "partial"]));
    bench.agrees();
}

#[test]
fn a_refund_of_ours_that_fails_two_days_later_pays_what_is_open_and_the_tenant_comes_back() {
    let mut bench = Bench::charged("pm_refund_later");
    bench.ok(&words(&note("48", "--refund")));
    assert_eq!(bench.refunds(), [("succeeded".to_owned(), "48.00".to_owned())]);
    // Another invoice of 40.00 is open, and acme was suspended by hand.
    let create =
        ["invoice", "create", "--tenant", "acme", "--amount", "40", "--description", "Old"];
    let more = ["--issued-on", "2025-01-01", "--due-on", "2025-01-29"];
    let old = text(&bench.json(&[&create[..], &more].concat())["number"]);
    bench.ok(&["tenant", "suspend", "acme", "--reason", "owes"]);
    let status = |bench: &Bench| bench.json(&["tenant", "show", "acme"])["status"].clone();
    bench.later(24);
    assert_eq!(bench.books(0), [""; 0]);
    assert_eq!(bench.invoice(&old)["amount_due"], "40.00");
    bench.later(24);
    assert_eq!(bench.books(0), ["refund_failed"]);
    let invoice = bench.invoice(&old);
    assert_eq!((&invoice["status"], &invoice["credit_applied"]), (&json!("paid"), &json!("40.00")));
    assert_eq!(bench.credit(), json!({"EUR": "8.00"}));
    // By hand it was suspended, and by hand it comes back.
    assert_eq!(status(&bench), "suspended");
    assert_eq!(bench.invoice("INV-2025-000001")["refunded"], "0.00");
    bench.agrees();
}

#[test]
fn a_tenant_that_was_suspended_for_what_the_failed_refund_pays_comes_back() {
    let mut bench = Bench::charged("pm_refund_later");
    let create =
        ["invoice", "create", "--tenant", "acme", "--amount", "40", "--description", "Old"];
    let more = ["--issued-on", "2025-01-01", "--due-on", "2025-01-29"];
    bench.ok(&[&create[..], &more].concat());
    bench.ok(&["tasks", "check-overdue"]);
    bench.later(10 * 24);
    bench.ok(&["tasks", "check-overdue"]);
    let status = |bench: &Bench| bench.json(&["tenant", "show", "acme"])["status"].clone();
    assert_eq!(status(&bench), "suspended");
    bench.ok(&words(&note("48", "--refund")));
    bench.later(24);
    assert_eq!(bench.books(0), [""; 0]);
    bench.later(24);
    assert_eq!(bench.books(0), ["refund_failed"]);
    assert_eq!((status(&bench), bench.credit()), (json!("active"), json!({"EUR": "8.00"})));
    assert_eq!(bench.events("tenant_reactivated"), 1);
    bench.agrees();
}

#[test]
fn a_refund_of_ours_is_never_taken_for_one_of_theirs() {
    for fault in [
        Fault::None,
        Fault::DropAfter,
        Fault::DropBefore,
        Fault::HalfAnswer,
        Fault::DoneThen500,
        Fault::NoJson,
    ] {
        let mut bench = Bench::charged("pm_card");
        bench.fake.next_refund(fault.clone());
        let done = bench.run(&words(&note("48", "--refund")));
        let unknown = !matches!(fault, Fault::None);
        assert_eq!(done.status, if unknown { 3 } else { 0 }, "{fault:?}: {done:?}");
        for _ in 0..2 {
            bench.later(1);
            assert_eq!(bench.books(0), [""; 0], "{fault:?}");
        }
        let refunds = bench.refunds();
        assert_eq!(refunds, [("succeeded".to_owned(), "48.00".to_owned())], "{fault:?}");
        assert_eq!((bench.fake.refunds().len(), bench.notes().len()), (1, 1), "{fault:?}");
        bench.agrees();
    }
}

#[test]
fn killed_at_every_commit_a_refund_goes_back_once_and_is_booked_as_ours() {
    for point in 1.. {
        let mut bench = Bench::charged("pm_card");
        let mut command = bench.command(&words(&note("48", "--refund")));
        let done = command.env("BILLING_CRASH_AT", point.to_string()).output().expect("it starts");
        let died = done.status.code().is_none();
        bench.later(1);
        assert_eq!(bench.books(0), [""; 0], "point {point}");
        let notes = bench.notes().len();
        assert_eq!((bench.refunds().len(), bench.fake.refunds().len()), (notes, notes));
        bench.agrees();
        if !died {
            assert!(point > 4 && notes == 1, "{point}");
            return;
        }
    }
}

/// The run sends what was not sent, asks what became of another, and books a refund and a dispute.
#[test]
fn a_run_killed_at_every_commit_books_all_of_it_once() {
    for point in 1.. {
        let mut bench = Bench::charged("pm_card");
        bench.ok(&words(&note("10", "--credit")));
        bench.fake.next_refund(Fault::DropBefore);
        assert_eq!(bench.run(&words(&note("20", "--refund"))).status, 3);
        bench.fake.next_refund(Fault::DropAfter);
        assert_eq!(bench.run(&words(&note("30", "--refund"))).status, 3);
        bench.fake.refund_outside(&bench.intent(), 1_500);
        bench.fake.dispute(&bench.intent(), "warning_needs_response");
        bench.later(1);
        let mut command = bench.command(&[&RETRY[..], &["--no-deliver"]].concat());
        let done = command.env("BILLING_CRASH_AT", point.to_string()).output().expect("it starts");
        let died = done.status.code().is_none();
        bench.ok(&[&RETRY[..], &["--no-deliver"]].concat());
        assert_eq!(bench.books(0), [""; 0], "point {point}");
        let invoice = bench.invoice("INV-2025-000001");
        assert_eq!(
            (&invoice["refunded"], &invoice["credit_notes_total"]),
            (&json!("65.00"), &json!("65.00")),
            "point {point}"
        );
        assert_eq!((bench.refunds().len(), bench.events("charge_disputed")), (3, 1));
        bench.agrees();
        if !died {
            assert!(point > 10, "{point}");
            return;
        }
    }
}

/// What a person says of a refund may be wrong: money that went back is booked all the same.
#[test]
fn what_went_back_although_somebody_said_that_it_failed_is_booked() {
    let mut bench = Bench::charged("pm_card");
    bench.fake.next_refund(Fault::DropAfter);
    assert_eq!(bench.run(&words(&note("48", "--refund"))).status, 3);
    bench.ok(&["transaction", "resolve", "txn_2", "--failed", "--note", "so I was told"]);
    assert_eq!(bench.credit(), json!({"EUR": "48.00"}));
    bench.later(1);
    assert_eq!(bench.books(1), [""; 0]);
    assert_eq!(bench.credit(), json!({}));
    assert_eq!(bench.notes().len(), 1, "it goes back out of the credit");
    bench.agrees();
    bench.later(24);
    assert_eq!(bench.books(0), [""; 0]);
    bench.agrees();
}

#[test]
fn what_somebody_said_has_gone_back_is_not_booked_again() {
    let mut bench = Bench::charged("pm_card");
    bench.fake.next_refund(Fault::DropAfter);
    assert_eq!(bench.run(&words(&note("48", "--refund"))).status, 3);
    bench.ok(&["transaction", "resolve", "txn_2", "--succeeded", "--note", "I saw it there"]);
    bench.later(1);
    assert_eq!(bench.books(0), [""; 0]);
    assert_eq!(bench.notes().len(), 1);
    bench.agrees();
}

/// Puts a copy of the file back, as a restore does.
fn restore(bench: &Bench) {
    for name in ["billing.db-wal", "billing.db-shm"] {
        let _ = std::fs::remove_file(bench.shop.path(name));
    }
    std::fs::copy(bench.shop.path("copy.db"), bench.shop.path("billing.db")).expect("the copy");
}

#[test]
fn an_older_copy_books_what_it_forgot_once_and_gives_back_nothing_twice() {
    for again_first in [true, false] {
        let mut bench = Bench::charged("pm_card");
        bench.ok(&["db", "backup", "copy.db"]);
        bench.ok(&words(&note("48", "--refund")));
        restore(&bench);
        bench.later(1);
        if again_first {
            // Whoever repeats what was forgotten gives back nothing more.
            bench.ok(&words(&note("48", "--refund")));
            assert_eq!(bench.books(0), [""; 0]);
            assert_eq!(bench.notes()[0]["reason"], "cancellation");
        } else {
            assert_eq!(bench.books(1), [""; 0]);
            assert_eq!(bench.notes()[0]["reason"], "other");
        }
        assert_eq!((bench.fake.refunds().len(), bench.refunds().len()), (1, 1));
        bench.agrees();
        // What is given back from here on is another refund, also of the same amount.
        bench.later(1);
        bench.ok(&words(&note("48", "--refund")));
        assert_eq!((bench.fake.refunds().len(), bench.refunds().len()), (2, 2));
        assert_eq!(bench.books(0), [""; 0]);
        bench.agrees();
    }
}

/// What was forgotten is repeated in another order, and with another one in between.
#[test]
fn an_older_copy_knows_a_refund_by_its_charge_and_amount_in_whatever_order_it_is_repeated() {
    let mut bench = Bench::charged("pm_card");
    bench.ok(&["db", "backup", "copy.db"]);
    for amount in ["48", "20", "20"] {
        bench.ok(&words(&note(amount, "--refund")));
    }
    restore(&bench);
    bench.later(1);
    for amount in ["20", "5", "48", "20"] {
        // The number of the note is another one by then, so that Stripe refuses the repetition; asked, it
        // knows the refund.
        bench.run(&words(&note(amount, "--refund")));
    }
    assert_eq!(bench.books(0), [""; 0]);
    assert_eq!((bench.fake.refunds().len(), bench.refunds().len()), (4, 4));
    assert_eq!(bench.books(0), [""; 0]);
    bench.agrees();
}

#[test]
fn an_older_copy_that_forgot_a_refund_of_the_second_attempt_asks_for_the_next_by_another_key() {
    let mut bench = Bench::charged("pm_card");
    bench.ok(&["db", "backup", "copy.db"]);
    let code = Some("balance_insufficient");
    let empty = support::fake_stripe::error("invalid_request_error", code, "no money");
    bench.fake.next_refund(Fault::Answers(400, empty));
    bench.ok(&words(&note("48", "--refund")));
    bench.later(24);
    assert_eq!(bench.books(0), [""; 0]);
    assert_eq!(bench.fake.refunds().len(), 1);
    restore(&bench);
    assert_eq!(bench.books(1), [""; 0]);
    for _ in 0..2 {
        bench.ok(&words(&note("12", "--refund")));
    }
    assert_eq!((bench.fake.refunds().len(), bench.refunds().len()), (3, 3));
    assert_eq!(bench.books(0), [""; 0]);
    bench.agrees();
}

#[test]
fn a_gateway_that_is_given_a_name_tells_nothing_new() {
    let mut bench = Bench::charged("pm_card");
    bench.fake.refund_outside(&bench.intent(), 2_000);
    let dispute = bench.fake.dispute(&bench.intent(), "needs_response");
    assert_eq!(bench.books(2), [""; 0]);
    bench.configure("name = \"main\"\n");
    bench.later(1);
    assert_eq!(bench.books(0), [""; 0]);
    bench.fake.decide(&dispute, "won");
    assert_eq!(bench.books(1), [""; 0]);
    assert_eq!(bench.books(0), [""; 0]);
    assert_eq!(bench.events("charge_disputed"), 2);
    bench.agrees();
}

#[test]
fn more_than_is_left_to_be_credited_is_named_and_booked_once_there_is_room() {
    let mut bench = Bench::charged("pm_card");
    bench.ok(&words(&note("120", "--credit")));
    // The credit pays another invoice.
    let other = bench.billed("acme", "120");
    assert_eq!(bench.invoice(&other)["status"], "paid");
    bench.fake.refund_outside(&bench.intent(), 12_000);
    let before = bench.shop.contents();
    for _ in 0..2 {
        assert_eq!(bench.books(0), ["refunded_too_much"]);
        bench.later(24);
    }
    support::assert_same("refused", &bench.shop.contents(), &before);
    bench.ok(&["credit", "unapply", "cru_1", "--reason", "it went back at Stripe"]);
    assert_eq!(bench.books(1), [""; 0]);
    assert_eq!(bench.invoice(&other)["amount_due"], "120.00");
    bench.agrees();
}

#[test]
fn what_went_back_of_a_charge_that_was_taken_back_here_is_named_once() {
    let mut bench = Bench::charged("pm_card");
    bench.ok(&["transaction", "reverse", "txn_1", "--reason", "it went back by hand", "--yes"]);
    bench.fake.refund_outside(&bench.intent(), 12_000);
    assert_eq!(bench.books(0), ["refund_of_reversed"]);
    bench.later(24);
    assert_eq!(bench.books(0), [""; 0]);
    assert_eq!((bench.refunds().len(), bench.notes().len()), (0, 0));
    bench.shop.check();
}

#[test]
fn a_dispute_of_what_is_paid_is_written_down_and_a_lost_one_takes_the_charge_back() {
    for end in ["won", "lost"] {
        let mut bench = Bench::charged("pm_card");
        let dispute = bench.fake.dispute(&bench.intent(), "needs_response");
        assert_eq!(bench.books(1), [""; 0]);
        assert_eq!(bench.books(0), [""; 0]);
        let invoice = bench.invoice("INV-2025-000001");
        assert_eq!((&invoice["status"], &invoice["amount_due"]), (&json!("paid"), &json!("0.00")));
        bench.later(24);
        bench.fake.decide(&dispute, end);
        for changes in [1, 0, 0] {
            assert_eq!(bench.books(changes), [""; 0]);
        }
        let invoice = bench.invoice("INV-2025-000001");
        let due = if end == "won" { "0.00" } else { "120.00" };
        assert_eq!(invoice["amount_due"], due, "{end}");
        assert_eq!(bench.events("payment_reversed"), usize::from(end == "lost"));
        assert_eq!(bench.events("charge_disputed"), 2);
        bench.shop.check();
    }
}

#[test]
fn a_dispute_of_an_open_invoice_lets_it_rest_until_it_is_decided() {
    for end in ["won", "lost"] {
        let mut bench = Bench::new();
        bench.tenant("acme", "pm_card");
        let number = bench.billed("acme", "120");
        // 80.00 are charged and 40.00 due.
        bench.ok(&["invoice", "pay", &number, "--amount", "40", "--no-email"]);
        bench.ok(&["invoice", "charge", &number]);
        bench.ok(&["transaction", "reverse", "txn_1", "--reason", "it never came"]);
        let dispute = bench.fake.dispute(&bench.intent(), "under_review");
        assert_eq!(bench.books(1), [""; 0]);
        let rests =
            |bench: &Bench| bench.events("dispute_opened") - bench.events("dispute_resolved");
        assert_eq!(rests(&bench), 1);
        bench.later(40 * 24);
        let report = bench.json(&["tasks", "check-overdue", "--no-deliver"]);
        assert_eq!(report["emails_queued"], 0, "{report}");
        assert_eq!(bench.books(0), [""; 0]);
        bench.fake.decide(&dispute, end);
        assert_eq!(bench.books(1), [""; 0]);
        assert_eq!(bench.books(0), [""; 0]);
        assert_eq!(rests(&bench), 0);
        let due = if end == "won" { "40.00" } else { "120.00" };
        assert_eq!(bench.invoice(&number)["amount_due"], due);
        bench.shop.check();
    }
}

#[test]
fn a_refund_of_what_is_disputed_waits_and_is_credit_where_the_dispute_is_lost() {
    let mut bench = Bench::charged("pm_card");
    let dispute = bench.fake.dispute(&bench.intent(), "needs_response");
    let done = bench.run(&words(&note("48", "--refund")));
    assert_eq!(done.status, 0, "{done:?}");
    assert_eq!(bench.refunds(), [("failed".to_owned(), "48.00".to_owned())]);
    assert_eq!(bench.books(1), [""; 0]);
    bench.fake.decide(&dispute, "lost");
    bench.later(24);
    assert_eq!(bench.books(1), ["refund_failed"]);
    // The charge is gone: what the note gave takes off what is due.
    let invoice = bench.invoice("INV-2025-000001");
    assert_eq!((&invoice["amount_due"], bench.credit()), (&json!("72.00"), json!({})));
    assert_eq!(bench.books(0), [""; 0]);
    bench.shop.check();
}
