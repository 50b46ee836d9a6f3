//! What is changed of a subscription at once: the end of its trial, its coupon, how it is collected.
mod support;

use serde_json::{Value, json};
use support::Shop;
use support::subscriptions::{CLEANUP, GENERATE, text};

const SANDBOX: &str = "[payments]\ngateway = \"sandbox\"\n";

fn shop(config: &str) -> Shop {
    let shop = Shop::with_config(config);
    shop.tenant("acme");
    shop.plan("pro", "50", "1", &[]);
    shop
}

fn trial(shop: &Shop, id: &str, day: &str, what: &[&str]) -> Value {
    shop.json(&[&["subscription", "trial", id, "--as-of", day], what].concat())
}

/// The e-mails of a template, oldest first: their status.
fn emails(shop: &Shop, template: &str) -> Vec<String> {
    let list = shop.json(&["email", "list"]);
    let of_it = list.as_array().expect("a list").iter().filter(|one| one["template"] == template);
    of_it.map(|one| text(&one["status"])).collect()
}

#[test]
fn a_trial_is_extended_and_its_new_end_announced_anew() {
    for anchor in ["calendar", "anniversary"] {
        let shop = shop("[trials]\non_end = \"convert\"\n");
        shop.pays_by_itself("acme");
        let more = ["--trial-days", "14", "--anchor", anchor];
        let id = shop.subscribe("acme", "pro", "2026-03-01", &more);
        assert_eq!(shop.task(CLEANUP, "2026-03-12", &[])["reminded"], 1);
        let extended = trial(&shop, &id, "2026-03-13", &["--extend-days", "7"]);
        let stands =
            (&extended["status"], &extended["trial_ends_on"], &extended["current_period_end"]);
        assert_eq!(stands, (&json!("trialing"), &json!("2026-03-21"), &json!("2026-03-22")));
        shop.check();
        assert_eq!(shop.task(CLEANUP, "2026-03-16", &[])["reminded"], 0);
        assert_eq!(shop.task(CLEANUP, "2026-03-18", &[])["reminded"], 1);
        assert_eq!(emails(&shop, "trial_ending"), ["sent", "sent"]);
        assert_eq!(shop.task(CLEANUP, "2026-03-22", &[])["converted"], 1);
        let expected = match anchor {
            // 10 of 31 days.
            "calendar" => ("2026-03-22", "2026-04-01", "16.13"),
            _ => ("2026-03-22", "2026-04-22", "50.00"),
        };
        let (start, end, total) = expected;
        assert_eq!(shop.billed("acme"), [(start.to_owned(), end.to_owned(), total.to_owned())]);
        shop.check();
        let told = shop.json(&["event", "list", "--kind", "trial_extended"]);
        assert_eq!(told[0]["data"]["trial_ends_on_before"], "2026-03-14");
        assert_eq!(shop.refusal(&["subscription", "trial", &id, "--end-now"]), "not_on_trial");
    }
}

#[test]
fn a_trial_that_ends_today_is_billed_and_charged_from_today() {
    for (anchor, end, total) in
        [("calendar", "2026-04-01", "44.48"), ("anniversary", "2026-04-10", "59.00")]
    {
        let shop = shop(SANDBOX);
        shop.pays_by_itself("acme");
        let more = ["--trial-days", "30", "--anchor", anchor];
        let id = shop.subscribe("acme", "pro", "2026-03-01", &more);
        let item =
            ["pending-item", "create", "--tenant", "acme", "--amount", "9", "--tax-exclusive"];
        shop.ok(&[&item[..], &["--description", "Setup", "--as-of", "2026-03-02"]].concat());
        let ended = trial(&shop, &id, "2026-03-10", &["--end-now"]);
        let stands = (&ended["status"], &ended["trial_ends_on"], &ended["collection"]);
        assert_eq!(stands, (&json!("active"), &json!("2026-03-09"), &json!("automatic")));
        let invoice = shop.json(&["invoice", "list", "--tenant", "acme"])[0].clone();
        assert_eq!(
            (&invoice["period_start"], &invoice["period_end"]),
            (&json!("2026-03-10"), &json!(end))
        );
        assert_eq!(invoice["total"], total);
        assert_eq!(invoice["status"], "paid", "it is charged at once");
        shop.task("deliver-emails", "2026-03-10", &[]);
        assert_eq!(emails(&shop, "trial_ended"), ["sent"]);
        shop.check();
        // The runs of the day and of the old end find nothing to do.
        assert_eq!(shop.task(CLEANUP, "2026-03-10", &[])["expired"], 0);
        assert_eq!(shop.task(GENERATE, "2026-03-31", &[])["invoices_created"], 0);
        assert_eq!(shop.task(CLEANUP, "2026-04-01", &[])["expired"], 0);
        shop.check();
    }
}

#[test]
fn a_trial_ends_on_its_first_day_too_and_without_a_payment_method_its_invoice_is_sent() {
    let shop = shop("");
    let id = shop.subscribe("acme", "pro", "2026-03-01", &["--trial-days", "14"]);
    let ended = trial(&shop, &id, "2026-03-01", &["--end-now"]);
    assert_eq!((&ended["status"], &ended["collection"]), (&json!("active"), &json!("invoice")));
    let billed = ("2026-03-01".to_owned(), "2026-04-01".to_owned(), "50.00".to_owned());
    assert_eq!(shop.billed("acme"), [billed]);
    shop.check();
    // One that is over, and that no run has ended yet, is billed as the run would have.
    shop.tenant("birch");
    let late = shop.subscribe("birch", "pro", "2026-03-01", &["--trial-days", "14"]);
    trial(&shop, &late, "2026-03-20", &["--end-now"]);
    assert_eq!(shop.billed("birch")[0].0, "2026-03-15");
    // One that is to begin later begins then, and is paid for from its first day.
    shop.tenant("cedar");
    let later = shop.subscribe(
        "cedar",
        "pro",
        "2026-03-20",
        &["--start", "2026-04-05", "--trial-days", "14"],
    );
    let ended = trial(&shop, &later, "2026-03-21", &["--end-now"]);
    assert_eq!(
        (&ended["status"], &ended["next_billing_on"]),
        (&json!("active"), &json!("2026-04-05"))
    );
    assert!(shop.billed("cedar").is_empty());
    assert_eq!(emails(&shop, "trial_ended").len(), 2, "of acme and birch");
    shop.task(GENERATE, "2026-04-05", &[]);
    assert_eq!(shop.billed("cedar")[0].0, "2026-04-05");
    // One that was canceled ends with its trial.
    shop.tenant("dune");
    let canceled = shop.subscribe("dune", "pro", "2026-03-01", &["--trial-days", "14"]);
    shop.ok(&["subscription", "cancel", &canceled, "--as-of", "2026-03-02"]);
    for what in [&["--end-now"][..], &["--extend-days", "3"]] {
        let args = [&["subscription", "trial", &canceled, "--as-of", "2026-03-03"], what].concat();
        assert_eq!(shop.refusal(&args), "no_next_period");
    }
    shop.check();
}

#[test]
fn a_coupon_that_is_removed_takes_nothing_off_what_comes_and_keeps_what_it_gave() {
    let shop = shop("");
    let code = ["coupon", "create", "HALF", "--name", "Half", "--percent", "50", "--duration", "4"];
    shop.ok(&[
        &code[..],
        &["--from", "2026-01-01", "--until", "2026-12-31", "--max-uses-per-customer", "2"],
    ]
    .concat());
    let id = shop.subscribe("acme", "pro", "2026-03-01", &["--coupon", "HALF"]);
    shop.task(GENERATE, "2026-04-01", &[]);
    // May has begun, and no run came: it is billed first, with the coupon.
    let remove = ["subscription", "coupon", &id, "--remove", "--as-of"];
    let removed = shop.json(&[&remove[..], &["2026-05-02"]].concat());
    assert_eq!(removed["coupon"], Value::Null);
    let totals = || shop.billed("acme").into_iter().map(|(_, _, total)| total).collect::<Vec<_>>();
    assert_eq!(totals(), ["25.00", "25.00", "25.00"]);
    shop.check();
    shop.task(GENERATE, "2026-06-01", &[]);
    assert_eq!(totals()[3], "50.00");
    assert_eq!(shop.refusal(&[&remove[..], &["2026-06-02"]].concat()), "no_coupon");
}

#[test]
fn a_coupon_that_is_removed_stays_so_where_an_invoice_is_voided_and_makes_room_for_another() {
    let shop = shop("");
    let code = |code: &str, percent: &str| {
        let args =
            ["coupon", "create", code, "--name", code, "--percent", percent, "--duration", "3"];
        shop.ok(&[&args[..], &["--from", "2026-01-01", "--until", "2026-12-31"]].concat());
    };
    code("HALF", "50");
    code("TENTH", "10");
    let id = shop.subscribe("acme", "pro", "2026-03-01", &["--coupon", "HALF"]);
    shop.ok(&["subscription", "coupon", &id, "--remove", "--as-of", "2026-03-02"]);
    shop.check();
    let void = ["invoice", "void", "INV-2026-000001", "--reason", "a test", "--yes", "--rebill"];
    shop.ok(&[&void[..], &["--as-of", "2026-03-03"]].concat());
    shop.check();
    // No invoice has it any more: its use is free again.
    assert_eq!(shop.json(&["coupon", "show", "HALF"])["current_uses"], 0);
    shop.task(GENERATE, "2026-03-03", &[]);
    assert_eq!(shop.billed("acme")[0].2, "50.00");
    shop.ok(&["coupon", "apply", "TENTH", "--subscription", &id, "--as-of", "2026-03-04"]);
    shop.task(GENERATE, "2026-04-01", &[]);
    assert_eq!(shop.billed("acme")[1].2, "45.00");
    // One that was used keeps its use, and one that was left to the run of this day is not billed first.
    shop.ok(&["subscription", "coupon", &id, "--remove", "--as-of", "2026-04-02"]);
    assert_eq!(shop.json(&["coupon", "show", "TENTH"])["current_uses"], 1);
    shop.tenant("birch");
    let left = shop.subscribe("birch", "pro", "2026-04-02", &["--no-invoice", "--coupon", "HALF"]);
    shop.ok(&["subscription", "coupon", &left, "--remove", "--as-of", "2026-04-02"]);
    shop.task(GENERATE, "2026-04-02", &[]);
    assert_eq!(shop.billed("birch")[0].2, "48.33");
    shop.check();
    let told = shop.json(&["event", "list", "--kind", "coupon_removed"]);
    assert_eq!(told.as_array().map(Vec::len), Some(3));
}

#[test]
fn how_it_is_collected_changes_at_once_beside_what_changes_with_the_next_period() {
    let shop = shop(SANDBOX);
    shop.plan("team", "90", "1", &[]);
    shop.pays_by_itself("acme");
    let id = shop.subscribe("acme", "pro", "2026-03-01", &[]);
    let change = ["subscription", "change", &id, "--as-of", "2026-03-10"];
    let both = ["--collection", "automatic", "--plan", "team"];
    let changed = shop.json(&[&change[..], &both].concat());
    assert_eq!((&changed["collection"], &changed["plan"]), (&json!("automatic"), &json!("pro")));
    assert_eq!(changed["pending"]["plan"], "team");
    // What was sent to be paid is not charged for that.
    shop.task("retry-failed-payments", "2026-03-11", &[]);
    assert_eq!(shop.json(&["transaction", "list"]), json!([]));
    let report = shop.task(GENERATE, "2026-04-01", &[]);
    assert_eq!((&report["totals"]["EUR"], &report["charged"]), (&json!("90.00"), &json!(1)));
    let same = [&change[..], &["--collection", "automatic"]].concat();
    assert_eq!(shop.refusal(&same), "nothing_to_change");
    shop.ok(&["subscription", "change", &id, "--collection", "invoice", "--as-of", "2026-04-02"]);
    assert_eq!(shop.task(GENERATE, "2026-05-01", &[])["charged"], 0);
    let told = shop.json(&["event", "list", "--kind", "subscription_collection_changed"]);
    assert_eq!(told[1]["data"]["collection"], "invoice");
    shop.ok(&["subscription", "cancel", &id, "--now", "--as-of", "2026-05-02"]);
    let gone =
        ["subscription", "change", &id, "--collection", "automatic", "--as-of", "2026-05-03"];
    assert_eq!(shop.refusal(&gone), "already_canceled");
    shop.check();
}

/// What a note of one invoice gives to the balance pays the other one at once: the note of that one goes by
/// what is due then.
#[test]
fn a_paid_change_and_an_open_period_are_given_back_one_after_the_other() {
    let shop = Shop::new();
    shop.tenant("acme");
    shop.plan("pro", "62", "1", &[]);
    let id = shop.subscribe("acme", "pro", "2026-03-01", &[]);
    let more = ["subscription", "change", &id, "--quantity", "2", "--now", "--bill", "now"];
    shop.ok(&[&more[..], &["--as-of", "2026-03-02"]].concat());
    shop.ok(&["invoice", "pay", "INV-2026-000002", "--amount", "60", "--as-of", "2026-03-02"]);
    let cancel = ["subscription", "cancel", &id, "--now", "--credit", "--yes"];
    let given = shop.json(&[&cancel[..], &["--as-of", "2026-03-02"]].concat());
    assert_eq!(given["change"]["total"], "-120.00");
    let invoice = shop.json(&["invoice", "show", "INV-2026-000001", "--as-of", "2026-03-02"]);
    let sums = (&invoice["credited"], &invoice["credit_applied"], &invoice["amount_due"]);
    assert_eq!(sums, (&json!("2.00"), &json!("60.00"), &json!("0.00")));
    shop.check();
}
