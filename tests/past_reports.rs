//! A report of a past day says what that day said. Weeks in which money comes, goes back and comes
//! again: the reports of each evening are kept, and asked for once more when all is over.
mod support;

use serde_json::Value;
use support::Shop;
use support::inside::Random;

const DAYS: u64 = 45;
const TENANTS: u64 = 8;
const REPORTS: [&str; 7] =
    ["overdue", "transactions", "mrr", "tax", "kpi", "coupons", "automation"];

/// A day of 2026, counted from the first of January.
fn date(day: u64) -> String {
    chrono::NaiveDate::from_yo_opt(2026, day as u32).expect("a day").to_string()
}

/// A business, and how far its clocks are from UTC; `None`: commands are given days and no hours, so
/// that all of a day is done at its noon.
struct Business {
    shop: Shop,
    offset: Option<&'static str>,
}

impl Business {
    /// A day at that hour of its time zone.
    fn at(&self, day: u64, hour: u64) -> String {
        match self.offset {
            Some(offset) => format!("{}T{hour:02}:00:00{offset}", date(day)),
            None => date(day),
        }
    }

    fn report(&self, name: &str, day: u64) -> Value {
        self.shop.json(&["report", name, "--as-of", &self.at(day, 23)])
    }
}

/// Steps come after days and not weeks, and nothing is held back.
const CONFIG: &str = "\
[dunning]
friendly_days = 1
urgent_days = 3
warning_days = 4
suspension_days = 8
min_notice_days = 3
max_suspensions_per_run = 100
max_emails_per_run = 1000
[payments]
gateway = \"sandbox\"
";

fn start(timezone: &str, offset: Option<&'static str>) -> Business {
    let shop = Shop::new();
    let config = std::fs::read_to_string(shop.path("billing.toml")).expect("the config");
    let config = config.replace("timezone = \"UTC\"", &format!("timezone = \"{timezone}\""));
    assert!(config.contains(timezone));
    shop.write("billing.toml", &(config + CONFIG));
    let day = date(1);
    let ok = |args: &[&str]| shop.ok(&[args, &["--as-of", &day]].concat());
    ok(&["plan", "create", "basic", "--name", "Basic", "--price", "30", "--interval", "month"]);
    for (code, percent) in [("TEN", "10"), ("ALL", "100")] {
        let coupon = ["coupon", "create", code, "--name", code, "--percent", percent];
        ok(&[&coupon[..], &["--until", "2026-12-31", "--max-uses-per-customer", "20"]].concat());
    }
    for nth in 0..TENANTS {
        let (slug, email) = (format!("t{nth}"), format!("t{nth}@clients.example"));
        ok(&["tenant", "create", &slug, "--name", &slug, "--email", &email]);
        let tokens = ["tok_ok", "tok_flaky_1", "tok_pending", "tok_declined", "tok_unknown"];
        if let Some(token) = tokens.get(nth as usize) {
            let method = ["payment-method", "create", "--tenant", &slug, "--kind", "card"];
            ok(&[&method[..], &["--token", token, "--default"]].concat());
        }
    }
    Business { shop, offset }
}

/// Something that an operator does; being refused is an outcome like any other.
fn do_something(business: &Business, random: &mut Random, day: u64, hour: u64) {
    let (shop, now) = (&business.shop, business.at(day, hour));
    let tenant = format!("t{}", random.below(TENANTS));
    let invoice = format!("INV-2026-{:06}", 1 + random.below(day + 6));
    let due = date(day + random.below(5));
    let promise = date(day + random.below(6));
    let email = format!("eml_{}", 1 + random.below(3 * day));
    let transaction = format!("txn_{}", 1 + random.below(day + 4));
    let args: Vec<&str> = match random.below(21) {
        0..4 => vec!["invoice", "create", "--tenant", &tenant, "--amount", "100", "--due-on", &due],
        4 => vec!["subscription", "create", "--tenant", &tenant, "--plan", "basic"],
        5 => vec![
            "subscription",
            "create",
            "--tenant",
            &tenant,
            "--plan",
            "basic",
            "--coupon",
            "TEN",
            "--collection",
            "automatic",
        ],
        6 | 7 => vec!["invoice", "pay", &invoice, "--amount", "20"],
        8 | 9 => vec!["invoice", "pay", &invoice, "--amount", "100"],
        10 => vec!["transaction", "reverse", &transaction, "--reason", "it never came"],
        11 => vec!["invoice", "write-off", &invoice, "--reason", "gone"],
        12 => vec!["invoice", "void", &invoice, "--reason", "wrong"],
        13 => vec!["invoice", "promise", &invoice, "--until", &promise],
        14 => match random.below(2) {
            0 => vec!["invoice", "dispute", &invoice],
            _ => vec!["invoice", "dispute", &invoice, "--resolve"],
        },
        15 => vec!["coupon", "apply", "TEN", "--invoice", &invoice],
        18 => vec!["coupon", "apply", "ALL", "--invoice", &invoice],
        19 => vec![
            "payment-method",
            "create",
            "--tenant",
            &tenant,
            "--kind",
            "card",
            "--token",
            ["tok_ok", "tok_pending", "tok_unknown", "tok_declined_hard"][day as usize % 4],
            "--default",
        ],
        16 => vec!["invoice", "charge", &invoice],
        20 => vec!["email", "resend", &email],
        _ => match random.below(3) {
            0 => vec!["transaction", "resolve", &transaction, "--succeeded", "--note", "seen"],
            1 => vec!["tenant", "reactivate", &tenant],
            _ => vec!["coupon", "validate", "TEN", "--tenant", &tenant, "--amount", "10"],
        },
    };
    let done = shop.run(&[&args[..], &["--as-of", &now, "--yes"]].concat());
    assert!([0, 1, 3].contains(&done.status), "{args:?}: {}", done.stderr);
}

/// What differs, field by field.
fn differences(one: &Value, other: &Value) -> String {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            let differ = a.keys().filter(|name| a[*name] != b[*name]);
            differ.map(|name| format!("{name}: {} ", differences(&a[name], &b[name]))).collect()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let differ = a.iter().zip(b).filter(|(a, b)| a != b);
            differ.map(|(a, b)| format!("[{}] ", differences(a, b))).collect()
        }
        _ => format!("{one} became {other}"),
    }
}

#[test]
fn a_report_of_a_past_day_is_what_that_day_said() {
    let businesses = [
        (2, "UTC", None),
        (5, "America/Los_Angeles", Some("-08:00")),
        (10, "Pacific/Auckland", Some("+13:00")),
    ];
    let happened: Vec<String> = std::thread::scope(|threads| {
        let weeks = businesses.map(|(seed, timezone, offset)| {
            threads.spawn(move || weeks(seed, &start(timezone, offset)))
        });
        weeks.into_iter().flat_map(|weeks| weeks.join().expect("its reports stand")).collect()
    });
    // What would change a report that forgot to look did happen.
    for kind in [
        "payment_reversed",
        "invoice_written_off",
        "invoice_voided",
        "coupon_applied",
        "coupon_usage_returned",
        "promise_recorded",
        "dispute_opened",
        "charge_declined",
        "charge_pending",
        "email_resent",
        "tenant_suspended",
        "tenant_reactivated",
    ] {
        assert!(happened.contains(&format!("kind={kind} ")), "no {kind}: {happened:?}");
    }
}

/// Lives through them, and returns which kinds of events there were.
fn weeks(seed: u64, business: &Business) -> Vec<String> {
    let mut random = Random::with(seed);
    let mut evenings = Vec::new();
    for day in 2..DAYS {
        for hour in 8..12 {
            do_something(business, &mut random, day, hour);
        }
        for task in ["generate-recurring-invoices", "retry-failed-payments", "check-overdue"] {
            let run = business.shop.run(&["tasks", task, "--as-of", &business.at(day, 12)]);
            assert!([0, 3].contains(&run.status), "{task}: {}", run.stderr);
        }
        for hour in 13..15 {
            do_something(business, &mut random, day, hour);
        }
        evenings.push((day, REPORTS.map(|name| business.report(name, day))));
    }
    let mut changed = Vec::new();
    for (day, said) in &evenings {
        for (name, said) in REPORTS.iter().zip(said) {
            let now = business.report(name, *day);
            if now != *said {
                changed.push(format!("{name} of {}: {}", date(*day), differences(said, &now)));
            }
        }
    }
    assert!(changed.is_empty(), "seed {seed}, {} changed:\n{}", changed.len(), changed.join("\n"));
    support::rows(&business.shop.sql(), "SELECT DISTINCT kind FROM events")
}

#[test]
fn what_was_closed_before_its_import_was_never_overdue_here() {
    let shop = Shop::new();
    shop.ok(&["tenant", "create", "acme", "--name", "Acme", "--email", "acme@clients.example"]);
    let rows = "OLD-1,acme,100,2025-01-10,2025-02-10,void\nOLD-2,acme,50,2025-01-10,2025-02-10,uncollectible\n";
    shop.write("old.csv", &format!("number,tenant,total,issued_on,due_on,status\n{rows}"));
    shop.ok(&["import", "invoices", "old.csv", "--as-of", "2026-03-01", "--quiet"]);
    let overdue = shop.json(&["report", "overdue", "--as-of", "2026-02-27"]);
    assert_eq!(overdue["totals"], serde_json::json!({}));
}

#[test]
fn a_charge_that_is_pending_rests_from_its_last_try_on() {
    let shop = Shop::with_config("[payments]\ngateway = \"sandbox\"\n");
    let method = |token: &str, day: &str| {
        let add = ["payment-method", "create", "--tenant", "acme", "--kind", "card", "--default"];
        shop.ok(&[&add[..], &["--token", token, "--as-of", day]].concat());
    };
    let number = shop.owes("acme", "2026-01-02");
    method("tok_declined", "2026-01-05");
    shop.ok(&["invoice", "charge", &number, "--as-of", "2026-01-05"]);
    let evening = shop.json(&["report", "overdue", "--as-of", "2026-01-07"]);
    method("tok_pending", "2026-01-10");
    shop.ok(&["tasks", "retry-failed-payments", "--as-of", "2026-01-10"]);
    let rests = |day: &str| shop.json(&["report", "overdue", "--as-of", day])["rests"][0].clone();
    // As `invoice overdue` says: for five days from the attempt on.
    let listed = shop.json(&["invoice", "overdue", "--as-of", "2026-01-12"]);
    assert_eq!(rests("2026-01-12")["rests"], listed["invoices"][0]["rests"]);
    assert!(rests("2026-01-12")["rests"].as_str().is_some_and(|why| why.contains("2026-01-10")));
    assert_eq!(shop.json(&["report", "overdue", "--as-of", "2026-01-07"]), evening);
}

#[test]
fn a_warning_that_was_sent_once_more_gives_notice_from_then_on() {
    let shop = Shop::with_config(CONFIG);
    let number = shop.owes("acme", "2026-01-02");
    shop.task("check-overdue", "2026-01-06", &[]);
    let warning = shop.json(&["email", "list", "--stage", "warning"])[0]["id"].clone();
    shop.ok(&["email", "resend", warning.as_str().unwrap(), "--as-of", "2026-01-09"]);
    shop.ok(&["tasks", "deliver-emails", "--as-of", "2026-01-09"]);
    let next = |day: &str| {
        let owes = shop.json(&["report", "overdue", "--as-of", day])["tenants"][0].clone();
        (owes["next_step"].clone(), owes["next_step_on"].clone())
    };
    let suspension = |on: &str| (Value::from("suspension"), Value::from(on));
    assert_eq!(next("2026-01-10"), suspension("2026-01-12"));
    shop.ok(&["invoice", "pay", &number, "--amount", "10", "--as-of", "2026-01-11"]);
    assert_eq!(next("2026-01-10"), suspension("2026-01-12"));
    // Before it was sent once more, the first one gave notice.
    assert_eq!(next("2026-01-08"), suspension("2026-01-10"));
}

#[test]
fn an_invoice_that_was_given_up_and_paid_twice_over_was_not_overdue() {
    let shop = Shop::new();
    let number = shop.owes("acme", "2026-01-05");
    shop.ok(&["invoice", "write-off", &number, "--reason", "gone", "--as-of", "2026-01-06"]);
    let pay = |paid_on: &str, day: &str| {
        let pay = ["invoice", "pay", &number, "--amount", "100", "--paid-on", paid_on];
        shop.ok(&[&pay[..], &["--as-of", day]].concat());
    };
    pay("2026-01-10", "2026-01-10");
    shop.ok(&["transaction", "reverse", "txn_1", "--reason", "no funds", "--as-of", "2026-01-20"]);
    // It had come before that, as is found out later.
    pay("2026-01-08", "2026-01-21");
    for day in ["2026-01-07", "2026-01-09", "2026-01-15", "2026-01-22"] {
        let overdue = shop.json(&["report", "overdue", "--as-of", day]);
        assert_eq!(overdue["totals"], serde_json::json!({}), "{day}");
    }
}

#[test]
fn what_comes_as_credit_and_goes_back_says_nothing_of_when_an_invoice_was_paid() {
    let shop = Shop::new();
    let number = shop.owes("acme", "2026-01-05");
    shop.ok(&["invoice", "pay", &number, "--amount", "100", "--as-of", "2026-01-03"]);
    shop.write("bank.csv", &format!("invoice,amount,paid_on\n{number},20,2026-01-09\n"));
    let import = ["import", "payments", "bank.csv", "--allow-overpayment", "--quiet"];
    shop.ok(&[&import[..], &["--as-of", "2026-01-09"]].concat());
    let days_to_collect = || {
        let figures = shop.json(&["report", "kpi", "--as-of", "2026-01-10"]);
        let all = figures.as_array().expect("figures").clone();
        all.into_iter().find(|figure| figure["kpi"] == "days_to_collect").expect("days to collect")
    };
    let evening = days_to_collect();
    assert_eq!(evening["value"], "2.0", "{evening}");
    shop.ok(&["transaction", "reverse", "txn_2", "--reason", "not ours", "--as-of", "2026-01-20"]);
    assert_eq!(days_to_collect(), evening);
}
