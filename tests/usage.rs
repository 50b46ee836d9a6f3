//! Usage: each event once, whatever happens to the process that takes it, and what is billed of it in the
//! end, in whatever order it comes.
mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use support::Shop;

const GENERATE: &str = "generate-recurring-invoices";

/// A plan for 20.00 a month with 10 SMS included, 100 at 0.10 and all others at 0.05, and so many
/// subscribers of it since 1 January.
fn shop(subscribers: usize, config: &str) -> Shop {
    let shop = Shop::with_config(config);
    shop.ok(&["plan", "create", "pro", "--name", "Pro", "--price", "20", "--interval", "month"]);
    shop.ok(&["meter", "create", "sms", "--name", "SMS", "--aggregation", "sum"]);
    let price = ["--tier", "100:0.10", "--tier", "inf:0.05", "--included", "10"];
    let add = ["plan", "price", "add", "pro", "--meter", "sms", "--model", "graduated"];
    shop.ok(&[add.as_slice(), price.as_slice()].concat());
    for n in 1..=subscribers {
        let (slug, email) = (format!("t{n}"), format!("t{n}@clients.example"));
        shop.ok(&["tenant", "create", &slug, "--name", &slug, "--email", &email]);
        let create = ["subscription", "create", "--tenant", &slug, "--plan", "pro"];
        shop.ok(&[create.as_slice(), &["--as-of", "2026-01-01", "-q"]].concat());
    }
    shop
}

fn add(shop: &Shop, id: &str, at: &str, value: &str, now: &str) {
    let event = ["usage", "add", "--meter", "sms", "--tenant", "t1", "--id", id];
    let when = ["--at", at, "--value", value, "--as-of", now, "-q"];
    shop.ok(&[event.as_slice(), when.as_slice()].concat());
}

/// What each usage line of an invoice comes to, with the first day of its period.
fn usage_lines(shop: &Shop, number: &str) -> Vec<(String, String)> {
    let invoice = shop.json(&["invoice", "show", number]);
    let lines = invoice["lines"].as_array().expect("lines").iter();
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    lines
        .filter(|line| line["description"].as_str().is_some_and(|says| says.starts_with("SMS")))
        .map(|line| (text(&line["period_start"]), text(&line["amount"])))
        .collect()
}

/// What is kept of each day.
fn totals(shop: &Shop) -> Vec<String> {
    let sql = shop.sql();
    let mut statement = sql
        .prepare("SELECT subscription_id || ' ' || day || ' ' || events || ' ' || value FROM usage_totals ORDER BY 1")
        .expect("totals");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

/// So many events of several subscribers, spread over January, with ids at random.
fn events(count: usize, subscribers: usize) -> String {
    let mut text = String::new();
    let mut random: u64 = 42;
    for n in 0..count {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (of, day, hour) = (1 + n % subscribers, 1 + n * 30 / count, random >> 33 & 15);
        writeln!(
            text,
            r#"{{"id":"{random:016x}","meter":"sms","subscription":"sub_{of}","at":"2026-01-{day:02}T{hour:02}:00:00Z","value":"{}.{}"}}"#,
            random >> 40 & 7,
            random >> 50 & 7
        )
        .expect("a text");
    }
    text
}

/// A file that is sent twice, by two processes at once, killed, and sent again: the same totals as of one
/// that was sent once. `BILLING_USAGE_EVENTS` says of how many events.
#[test]
fn a_file_is_taken_once_however_often_it_is_sent() {
    let count = std::env::var("BILLING_USAGE_EVENTS").ok().and_then(|text| text.parse().ok());
    let count = count.unwrap_or(25_000);
    let prepared = {
        let shop = shop(20, "");
        shop.write("events.jsonl", &events(count, 20));
        shop.prepared()
    };
    let import = ["usage", "import", "events.jsonl", "--as-of", "2026-02-01"];
    let once = prepared.shop();
    let clean = once.json(&import);
    assert_eq!(clean["accepted"], count);
    let expected = totals(&once);
    once.check();

    let often = prepared.shop();
    for after in [40, 120, 250] {
        often.is_killed(&import, Duration::from_millis(after));
    }
    let both = often.at_once(&[import.to_vec(), import.to_vec()]);
    assert!(both.iter().all(|done| done.status == 0), "{both:?}");
    assert_eq!(totals(&often), expected);
    let again = often.json(&import);
    assert_eq!((&again["accepted"], &again["duplicates"]), (&0.into(), &count.into()));
    assert_eq!(totals(&often), expected);
    often.check();
}

/// Killed at every commit, and sent again.
#[test]
fn an_import_that_died_is_sent_again() {
    let prepared = {
        let shop = shop(3, "");
        shop.write("events.jsonl", &events(20_500, 3));
        shop.prepared()
    };
    let import = ["usage", "import", "events.jsonl", "--as-of", "2026-02-01"];
    let once = prepared.shop();
    once.ok(&import);
    let mut died = 0;
    for point in 1.. {
        let shop = prepared.shop();
        if shop.crashes(&import, point).is_none() {
            break;
        }
        died += 1;
        shop.ok(&import);
        assert_eq!(totals(&shop), totals(&once), "died at {point}");
        shop.check();
    }
    assert_eq!(died, 6, "three commits, before and after each");
}

/// What was billed of a period of the first subscriber in the end, by the period's first day: lines of
/// invoices that stand, less what was credited, in minor units.
fn billed(shop: &Shop) -> BTreeMap<String, i64> {
    let sql = shop.sql();
    let mut statement = sql
        .prepare(
            "SELECT u.starts_on, sum(l.amount_minor - coalesce((SELECT sum(n.amount_minor)
               FROM credit_notes c JOIN credit_note_lines n ON n.credit_note_id = c.id
               WHERE c.invoice_id = u.invoice_id AND n.line = u.position), 0))
             FROM usage_lines u JOIN invoices i ON i.id = u.invoice_id
             JOIN invoice_lines l ON l.invoice_id = u.invoice_id AND l.position = u.position
             WHERE i.status <> 'void' AND u.subscription_id = 1 GROUP BY 1",
        )
        .expect("lines");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

/// In minor units.
fn price(used: i64) -> i64 {
    let charged = (used - 10).max(0);
    charged.min(100) * 10 + (charged - 100).max(0) * 5
}

/// However events are spread over days and runs, and whatever of them is voided, what is billed in the end
/// is the price of the whole.
#[test]
fn what_is_billed_in_the_end_is_the_price_of_all_usage() {
    let prepared = shop(1, "").prepared();
    let mut random: u64 = 7;
    let mut below = |most: u64| {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % most
    };
    for life in 0..12 {
        let shop = prepared.shop();
        let mut used: BTreeMap<&str, i64> = BTreeMap::new();
        let mut there: Vec<(String, &str, String, i64)> = Vec::new();
        // Each event of January or February comes on some day of the months after.
        for (day, now) in [
            "2026-02-01",
            "2026-02-02",
            "2026-02-09",
            "2026-02-20",
            "2026-03-02",
            "2026-03-04",
            "2026-04-02",
        ]
        .into_iter()
        .enumerate()
        {
            for n in 0..below(3) {
                let early = below(2) == 0 || day < 3;
                let month = if early { "2026-01-01" } else { "2026-02-01" };
                let at = format!("{}-{:02}T10:00:00Z", &month[..7], 28 - below(3));
                if at[..10] > *now || (now > "2026-03-04" || month == "2026-01-01" && day > 3) {
                    continue;
                }
                let (id, value) = (format!("{life}-{day}-{n}"), below(140) as i64);
                add(&shop, &id, &at, &value.to_string(), now);
                *used.entry(month).or_default() += value;
                there.push((id, month, at, value));
            }
            if below(3) == 0 && !there.is_empty() {
                let (id, month, at, value) =
                    there.swap_remove(usize::try_from(below(there.len() as u64)).expect("small"));
                shop.ok(&[
                    "usage", "void", &id, "--at", &at, "--reason", "a test", "--as-of", now, "-q",
                ]);
                *used.entry(month).or_default() -= value;
            }
            let dry = shop.task(GENERATE, now, &["--dry-run"]);
            let done = shop.task(GENERATE, now, &["--no-deliver"]);
            for field in ["invoices_created", "totals", "credit_notes_created"] {
                assert_eq!(dry[field], done[field], "life {life}, {now}: {field}");
            }
            shop.check_but_for_credits();
        }
        // What came after the last invoice is on the one after that.
        shop.task(GENERATE, "2026-05-02", &["--no-deliver"]);
        shop.check_but_for_credits();
        let billed = billed(&shop);
        for (month, used) in used {
            let got = billed.get(month).copied().unwrap_or_default();
            assert_eq!(got, price(used), "life {life}, {month}: {used} used");
        }
    }
}

/// A run that bills usage with a period and alone, and credits what is void, may die at every commit: the next
/// one leaves what an undisturbed one leaves.
#[test]
fn a_run_that_died_is_made_good_by_the_next() {
    let prepared = {
        let shop = shop(3, "");
        for n in 1..=3 {
            let of = format!("sub_{n}");
            let event = ["usage", "add", "--meter", "sms", "--subscription", &of, "--value", "300"];
            let when = ["--at", "2026-01-10", "--id", &of, "--as-of", "2026-01-10", "-q"];
            shop.ok(&[event.as_slice(), when.as_slice()].concat());
        }
        shop.task(GENERATE, "2026-02-02", &["--no-deliver"]);
        shop.ok(&["subscription", "cancel", "sub_3", "--now", "--as-of", "2026-02-10"]);
        for n in 2..=3 {
            let of = format!("sub_{n}");
            let event = ["usage", "add", "--meter", "sms", "--subscription", &of, "--value", "30"];
            let when = ["--at", "2026-02-09", "--id", &of, "--as-of", "2026-02-10", "-q"];
            shop.ok(&[event.as_slice(), when.as_slice()].concat());
        }
        let void = ["usage", "void", "sub_1", "--at", "2026-01-10", "--reason", "a test"];
        shop.ok(&[void.as_slice(), &["--as-of", "2026-02-10", "-q"]].concat());
        shop.prepared()
    };
    let run = ["tasks", GENERATE, "--no-deliver", "--as-of", "2026-03-02"];
    let clean = prepared.shop();
    let done = clean.json(&run);
    assert_eq!((&done["invoices_created"], &done["credit_notes_created"]), (&3.into(), &1.into()));
    let expected = clean.contents();
    for point in 1.. {
        let shop = prepared.shop();
        if shop.crashes(&run, point).is_none() {
            assert!(point > 8, "it died at {point} commits");
            break;
        }
        shop.ok(&run);
        assert_eq!(shop.contents(), expected, "died at {point}");
        shop.check_but_for_credits();
    }
}

/// The last hour of a month where the business is belongs to that month, whatever it is in UTC, also on the
/// days on which clocks are set.
#[test]
fn a_period_ends_at_midnight_of_the_business_time_zone() {
    for (zone, bounds) in [
        ("Europe/Paris", ("2026-01-31T22:59:59Z", "2026-01-31T23:00:00Z")),
        ("America/New_York", ("2026-02-01T04:59:59.999999Z", "2026-02-01T05:00:00Z")),
        ("Asia/Kolkata", ("2026-01-31T18:29:59Z", "2026-01-31T18:30:00Z")),
        ("Pacific/Auckland", ("2026-01-31T10:59:59Z", "2026-01-31T11:00:00Z")),
    ] {
        let shop = shop(1, &format!("timezone = \"{zone}\"\n"));
        add(&shop, "before", bounds.0, "110", "2026-02-02");
        add(&shop, "after", bounds.1, "20", "2026-02-02");
        shop.task(GENERATE, "2026-02-04", &["--no-deliver"]);
        shop.task(GENERATE, "2026-03-04", &["--no-deliver"]);
        let january = ("2026-01-01".to_owned(), "10.00".to_owned());
        assert!(usage_lines(&shop, "INV-2026-000002").contains(&january), "{zone}");
        let february = ("2026-02-01".to_owned(), "1.00".to_owned());
        assert!(usage_lines(&shop, "INV-2026-000003").contains(&february), "{zone}");
        shop.check();
    }
    // Clocks go forward on 29 March: the day has 23 hours, and April begins at 22:00 in UTC.
    let shop = shop(1, "timezone = \"Europe/Paris\"\n");
    for (id, at, day) in [
        ("a", "2026-03-28T22:59:59Z", "2026-03-28"),
        ("b", "2026-03-28T23:00:00Z", "2026-03-29"),
        ("c", "2026-03-29T21:59:59Z", "2026-03-29"),
        ("d", "2026-03-29T22:00:00Z", "2026-03-30"),
        ("e", "2026-03-31T21:59:59Z", "2026-03-31"),
        ("f", "2026-03-31T22:00:00Z", "2026-04-01"),
    ] {
        add(&shop, id, at, "1", "2026-04-02");
        let listed = shop.json(&["usage", "list", "--limit", "1"]);
        assert_eq!(listed[0]["day"], day, "{at}");
    }
}

/// The grace is counted from midnight where the business is.
#[test]
fn a_period_is_billed_when_the_grace_is_over() {
    let shop = shop(1, "timezone = \"Europe/Paris\"\n[usage]\ngrace_hours = 6\n");
    for (now, created) in [
        ("2026-02-01T04:59:59Z", 0),
        ("2026-02-01T05:00:00Z", 1),
        ("2026-03-01T04:59:59Z", 0),
        ("2026-04-02T00:00:00Z", 2),
    ] {
        let done = shop.task(GENERATE, now, &["--no-deliver"]);
        assert_eq!(done["invoices_created"], created, "{now}");
    }
    shop.check();
}

/// What is used while a subscription is suspended counts, and is billed when it is back.
#[test]
fn usage_of_a_suspension_is_billed_on_return() {
    let shop = shop(1, "");
    shop.ok(&["tenant", "suspend", "t1", "--reason", "abuse", "--as-of", "2026-01-20"]);
    add(&shop, "a", "2026-01-25T10:00:00Z", "60", "2026-01-26");
    add(&shop, "b", "2026-02-10T10:00:00Z", "110", "2026-02-11");
    assert_eq!(shop.task(GENERATE, "2026-02-20", &["--no-deliver"])["invoices_created"], 0);
    shop.ok(&["tenant", "reactivate", "t1", "--as-of", "2026-02-25"]);
    add(&shop, "c", "2026-02-26T10:00:00Z", "11", "2026-02-26");
    assert_eq!(shop.task(GENERATE, "2026-02-26", &["--no-deliver"])["invoices_created"], 1);
    let lines = usage_lines(&shop, "INV-2026-000002");
    let of = |day: &str, amount: &str| (day.to_owned(), amount.to_owned());
    assert_eq!(
        lines,
        [
            of("2026-01-01", "0.00"),
            of("2026-01-01", "5.00"),
            of("2026-02-01", "0.00"),
            of("2026-02-01", "10.00"),
        ]
    );
    shop.task(GENERATE, "2026-03-02", &["--no-deliver"]);
    assert!(usage_lines(&shop, "INV-2026-000003").contains(&of("2026-02-25", "0.10")));
    shop.check();
}

/// A trial is free; the first paid period begins anew.
#[test]
fn usage_on_trial_is_free() {
    let shop = shop(0, "[trials]\non_end = \"convert\"\n[payments]\ngateway = \"sandbox\"\n");
    shop.ok(&["tenant", "create", "t1", "--name", "T", "--email", "t@clients.example"]);
    let method = ["payment-method", "create", "--tenant", "t1", "--kind", "card", "--token"];
    shop.ok(&[method.as_slice(), &["tok_ok", "--default"]].concat());
    let create =
        ["subscription", "create", "--tenant", "t1", "--plan", "pro", "--trial-days", "14"];
    shop.ok(&[create.as_slice(), &["--as-of", "2026-01-01", "-q"]].concat());
    add(&shop, "a", "2026-01-10T10:00:00Z", "500", "2026-01-10");
    let used = shop.json(&["usage", "show", "--tenant", "t1", "--as-of", "2026-01-10"]);
    assert_eq!((&used["status"], &used["amount"]), (&"free".into(), &"0.00".into()));
    shop.task("cleanup-expired-trials", "2026-01-15", &["--no-deliver"]);
    add(&shop, "b", "2026-01-15T10:00:00Z", "110", "2026-01-15");
    shop.task(GENERATE, "2026-02-02", &["--no-deliver"]);
    let lines = usage_lines(&shop, "INV-2026-000002");
    assert_eq!(lines[1], ("2026-01-15".to_owned(), "10.00".to_owned()));
    shop.check();
}

/// A change of plan moves meters with the next period; what only the new plan has is taken from then on.
#[test]
fn a_change_of_plan_moves_its_meters_with_the_next_period() {
    let shop = shop(1, "");
    shop.ok(&["meter", "create", "gb", "--name", "Traffic", "--aggregation", "sum"]);
    shop.ok(&["plan", "create", "max", "--name", "Max", "--price", "50", "--interval", "month"]);
    for (meter, price) in [("sms", "0.01"), ("gb", "1")] {
        let add = ["plan", "price", "add", "max", "--meter", meter, "--model", "per_unit"];
        shop.ok(&[add.as_slice(), &["--price", price]].concat());
    }
    shop.ok(&["subscription", "change", "sub_1", "--plan", "max", "--as-of", "2026-01-20"]);
    add(&shop, "a", "2026-01-25T10:00:00Z", "20", "2026-01-25");
    let gb = ["usage", "add", "--meter", "gb", "--tenant", "t1", "--value", "2", "--at"];
    let early = [gb.as_slice(), &["2026-01-31T10:00:00Z", "--as-of", "2026-02-01"]].concat();
    assert_eq!(shop.refusal(&early), "not_metered");
    shop.ok(&[gb.as_slice(), &["2026-02-01T10:00:00Z", "--as-of", "2026-02-01"]].concat());
    add(&shop, "b", "2026-02-01T10:00:00Z", "20", "2026-02-01");
    shop.task(GENERATE, "2026-02-02", &["--no-deliver"]);
    let lines = usage_lines(&shop, "INV-2026-000002");
    assert_eq!(lines.last().map(|(_, amount)| amount.as_str()), Some("1.00"));
    shop.task(GENERATE, "2026-03-02", &["--no-deliver"]);
    let invoice = shop.json(&["invoice", "show", "INV-2026-000003"]);
    assert_eq!(invoice["subtotal"], "52.20", "{invoice}");
    shop.check();
}

/// A coupon takes lines of usage as any other; of what is billed alone, where it is a percentage of all invoices.
/// Tax is on what is left.
#[test]
fn a_coupon_and_tax_take_usage() {
    let shop = shop(0, "[invoicing]\ntax_rate = 20\n");
    let coupon = ["coupon", "create", "half", "--name", "Half", "--from", "2026-01-01"];
    shop.ok(&[
        coupon.as_slice(),
        &["--until", "2027-01-01", "--percent", "50", "--duration", "forever"],
    ]
    .concat());
    shop.ok(&["tenant", "create", "t1", "--name", "T", "--email", "t@clients.example"]);
    let create = ["subscription", "create", "--tenant", "t1", "--plan", "pro", "--coupon", "half"];
    shop.ok(&[create.as_slice(), &["--as-of", "2026-01-01", "-q"]].concat());
    add(&shop, "a", "2026-01-10T10:00:00Z", "110", "2026-01-10");
    shop.task(GENERATE, "2026-02-02", &["--no-deliver"]);
    add(&shop, "b", "2026-02-03T10:00:00Z", "60", "2026-02-03");
    shop.ok(&["subscription", "cancel", "sub_1", "--now", "--as-of", "2026-02-03", "-q"]);
    shop.task(GENERATE, "2026-02-05", &["--no-deliver"]);
    for (number, subtotal, discount, tax) in
        [("INV-2026-000002", "30.00", "15.00", "3.00"), ("INV-2026-000003", "5.00", "2.50", "0.50")]
    {
        let invoice = shop.json(&["invoice", "show", number]);
        for (field, expected) in [("subtotal", subtotal), ("discount", discount), ("tax", tax)] {
            assert_eq!(invoice[field], expected, "{number}: {field}");
        }
    }
    shop.check();
}

/// Of several subscriptions of a customer an event is of the one that runs; one of before its start is of the
/// one that ran then.
#[test]
fn an_event_of_a_customer_is_of_the_subscription_that_ran() {
    let shop = shop(1, "");
    shop.ok(&["subscription", "cancel", "sub_1", "--now", "--as-of", "2026-01-10T12:00:00Z", "-q"]);
    let create = ["subscription", "create", "--tenant", "t1", "--plan", "pro"];
    shop.ok(&[create.as_slice(), &["--as-of", "2026-01-10T13:00:00Z", "-q"]].concat());
    for (id, at, of) in [
        ("a", "2026-01-05T10:00:00Z", "sub_1"),
        ("b", "2026-01-10T10:00:00Z", "sub_2"),
        ("c", "2026-01-11T10:00:00Z", "sub_2"),
    ] {
        add(&shop, id, at, "1", "2026-01-12");
        let listed = shop.json(&["usage", "list", "--since", &at[..10], "--until", &at[..10]]);
        assert_eq!(listed[0]["subscription"], of, "{at}");
    }
    shop.check();
}

/// An invoice that is voided bills nothing: its usage is billed anew, once, whether its period is or not.
#[test]
fn the_usage_of_a_void_invoice_is_billed_anew() {
    let prepared = {
        let shop = shop(1, "");
        add(&shop, "a", "2026-01-25T10:00:00Z", "110", "2026-01-25");
        shop.task(GENERATE, "2026-02-02", &["--no-deliver"]);
        shop.prepared()
    };
    let void = ["invoice", "void", "INV-2026-000002", "--reason", "a mistake", "--yes"];
    for rebill in [false, true] {
        let shop = prepared.shop();
        let more: &[&str] = if rebill { &["--rebill"] } else { &[] };
        shop.ok(&[void.as_slice(), more, &["--as-of", "2026-02-03"]].concat());
        for day in ["2026-02-04", "2026-03-02", "2026-04-02"] {
            shop.task(GENERATE, day, &["--no-deliver"]);
        }
        assert_eq!(billed(&shop), BTreeMap::from([("2026-01-01".to_owned(), 1000)]), "{rebill}");
        shop.check();
    }
}

/// The audit trail and the check of the file know of meters and usage.
#[test]
fn meters_and_usage_are_in_the_trail_and_totals_are_proved() {
    let shop = shop(1, "");
    add(&shop, "a", "2026-01-25T10:00:00Z", "110", "2026-01-25");
    shop.write("e.jsonl", &events(3, 1));
    shop.ok(&["usage", "import", "e.jsonl", "--as-of", "2026-01-31"]);
    shop.ok(&["usage", "void", "a", "--at", "2026-01-25", "--reason", "a test"]);
    shop.ok(&["meter", "archive", "sms"]);
    for kind in ["meter_created", "usage_added", "usage_imported", "usage_voided", "meter_archived"]
    {
        let told = shop.json(&["event", "list", "--kind", kind]);
        assert_eq!(told.as_array().map(Vec::len), Some(1), "{kind}");
    }
    shop.check();
    shop.sql()
        .execute("UPDATE usage_totals SET value = '1' WHERE day = '2026-01-01'", [])
        .expect("it");
    let told = shop.run(&["db", "check", "--json"]);
    assert_eq!(told.status, 1);
    assert!(told.stdout.contains("2026-01-01: "), "{}", told.stdout);
}

/// Each line that is not taken is named with its code, in the result and in the file of rejects, and the good
/// ones beside it are taken.
#[test]
fn lines_that_are_not_taken_are_named_with_their_codes() {
    let shop = shop(1, "");
    let at = r#""at":"2026-01-05T08:00:00Z""#;
    let lines = [
        ("bad_json", r#"{"id":"1","meter":"sms"}"#.to_owned()),
        ("bad_time", r#"{"id":"1","meter":"sms","tenant":"t1","at":"yesterday"}"#.to_owned()),
        ("bad_value", format!(r#"{{"id":"1","meter":"sms","tenant":"t1",{at},"value":"many"}}"#)),
        ("unknown_meter", format!(r#"{{"id":"1","meter":"mms","tenant":"t1",{at}}}"#)),
        ("unknown_subscription", format!(r#"{{"id":"1","meter":"sms","tenant":"t2",{at}}}"#)),
        ("", format!(r#"{{"id":"1","meter":"sms","tenant":"t1",{at},"value":2.5}}"#)),
        ("id_conflict", format!(r#"{{"id":"1","meter":"sms","tenant":"t1",{at},"value":"2"}}"#)),
        ("", format!(r#"{{"id":"2","meter":"sms","subscription":1,{at},"properties":{{"b":1,"a":2}}}}"#)),
        // The same, written in another way.
        ("", r#"{"properties":{"a":2,"b":1},"id":"2","meter":"sms","subscription":"sub_1","at":"2026-01-05T09:00:00.000+01:00","value":"1.0"}"#.to_owned()),
        ("in_future", r#"{"id":"3","meter":"sms","tenant":"t1","at":"2026-01-07T08:00:00Z"}"#.to_owned()),
    ];
    let text: String = lines.iter().map(|(_, line)| format!("{line}\n\n")).collect();
    shop.write("events.jsonl", &text);
    let import = ["usage", "import", "events.jsonl", "--rejects", "bad.jsonl", "--json"];
    let done = shop.run(&[import.as_slice(), &["--as-of", "2026-01-06"]].concat());
    assert_eq!(done.status, 3, "{}", done.stderr);
    let result: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
    let codes = |value: &serde_json::Value| -> Vec<(u64, String)> {
        let list = value.as_array().expect("a list").iter();
        let code = |one: &serde_json::Value| one["code"].as_str().expect("a code").to_owned();
        list.map(|one| (one["line"].as_u64().expect("a line"), code(one))).collect()
    };
    let expected: Vec<(u64, String)> = (0u64..)
        .zip(&lines)
        .filter(|(_, (code, _))| !code.is_empty())
        .map(|(n, (code, _))| (1 + 2 * n, (*code).to_owned()))
        .collect();
    assert_eq!(codes(&result["rejected"]), expected);
    for (field, count) in [("lines", 10), ("accepted", 2), ("duplicates", 1)] {
        assert_eq!(result[field], count, "{field}");
    }
    assert_eq!(result["by_meter"]["sms"], 2);
    let kept = std::fs::read_to_string(shop.path("bad.jsonl")).expect("the rejects");
    let kept: Vec<serde_json::Value> =
        kept.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(codes(&kept.clone().into()), expected);
    assert_eq!(kept[0]["text"], lines[0].1.as_str());
    let listed = shop.json(&["usage", "list"]);
    assert_eq!(listed[1]["properties"].to_string(), r#"{"a":2,"b":1}"#);
    shop.check();
}

/// A plan that is added to a subscription brings its meters from its first day, one that joins later from
/// the next period, and one that was removed none.
#[test]
fn the_meters_of_a_plan_come_and_go_with_its_item() {
    let shop = Shop::new();
    shop.tenant("acme");
    shop.plan("base", "10", "1", &[]);
    shop.plan("texts", "5", "1", &[]);
    let meter = ["meter", "create", "sms", "--name", "SMS", "--aggregation", "sum"];
    shop.ok(&meter);
    let price = [
        "plan", "price", "add", "texts", "--meter", "sms", "--model", "per_unit", "--price", "0.10",
    ];
    shop.ok(&price);
    shop.subscribe("acme", "base", "2026-03-01", &[]);
    let used = |at: &str, id: &str| {
        let mut event = vec!["usage", "add", "--meter", "sms", "--subscription", "sub_1"];
        event.extend(["--id", id, "--at", at, "--as-of", at]);
        shop.run(&event).status == 0
    };
    assert!(!used("2026-03-05T10:00:00Z", "a"), "no plan of it has the meter");
    shop.ok(&["subscription", "add", "sub_1", "--plan", "texts", "--as-of", "2026-03-06"]);
    assert!(!used("2026-03-07T10:00:00Z", "b"), "it joins with the next period");
    shop.ok(&["subscription", "add", "sub_1", "--plan", "texts", "--now", "--as-of", "2026-03-10"]);
    assert!(used("2026-03-11T10:00:00Z", "c"), "it has joined");
    shop.task(GENERATE, "2026-04-02", &[]);
    let last = shop.json(&["invoice", "show", "INV-2026-000002", "--as-of", "2026-04-02"]);
    let says: Vec<_> =
        last["lines"].as_array().expect("lines").iter().map(|l| l["description"].clone()).collect();
    assert_eq!(says[0], "SMS");
    shop.ok(&[
        "subscription",
        "remove",
        "sub_1",
        "--plan",
        "texts",
        "--now",
        "--as-of",
        "2026-04-03",
    ]);
    shop.task(GENERATE, "2026-05-02", &[]);
    assert!(!used("2026-05-03T10:00:00Z", "d"), "it was removed");
    shop.check();
}

/// What is used of a meter is billed at the price that it had then, whatever is given up before the period is
/// over: the item, the price, or while a customer is suspended its plan. And of a month before, too, which
/// was billed without a meter.
#[test]
fn what_was_used_is_billed_though_its_price_is_given_up() {
    let shop = Shop::new();
    shop.ok(&["meter", "create", "sms", "--name", "SMS", "--aggregation", "sum"]);
    for plan in ["base", "texts", "other"] {
        shop.plan(plan, "10", "1", &[]);
    }
    let price = |verb: &str, plan: &str, at: &str| {
        let mut args = vec!["plan", "price", verb, plan, "--meter", "sms", "--as-of", at];
        if verb == "add" {
            args.extend(["--model", "per_unit", "--price", "0.10"]);
        }
        shop.ok(&args);
    };
    price("add", "texts", "2026-01-01");
    let used = |of: &str, at: &str, as_of: &str| {
        let event = ["usage", "add", "--meter", "sms", "--subscription", of, "--value", "100"];
        shop.ok(&[event.as_slice(), &["--at", at, "--as-of", as_of]].concat());
    };
    for (tenant, plan) in [("t1", "base"), ("t2", "texts"), ("t3", "other"), ("t4", "base")] {
        shop.tenant(tenant);
        shop.subscribe(tenant, plan, "2026-03-01", &[]);
    }
    // An item that comes and goes.
    let texts = ["--plan", "texts", "--now", "--as-of"];
    let item = |verb, at| {
        shop.ok(&[&["subscription", verb, "sub_1"], texts.as_slice(), &[at]].concat());
    };
    item("add", "2026-03-10");
    used("sub_1", "2026-03-12", "2026-03-12");
    item("remove", "2026-03-15");
    // Another plan, while the customer is suspended.
    shop.ok(&["tenant", "suspend", "t2", "--reason", "a quarrel", "--as-of", "2026-03-10"]);
    used("sub_2", "2026-04-02", "2026-04-02");
    let change = ["subscription", "change", "sub_2", "--plan", "base", "--now"];
    shop.ok(&[change.as_slice(), &["--as-of", "2026-04-03"]].concat());
    shop.ok(&["tenant", "reactivate", "t2", "--as-of", "2026-04-04"]);
    // A price that comes and goes.
    price("add", "other", "2026-03-05");
    used("sub_3", "2026-03-12", "2026-03-12");
    price("archive", "other", "2026-03-15");
    shop.task(GENERATE, "2026-04-05", &["--no-deliver"]);
    // A month that was billed without it.
    price("add", "base", "2026-04-06");
    used("sub_4", "2026-03-20", "2026-04-06");
    shop.task(GENERATE, "2026-05-05", &["--no-deliver"]);
    for (tenant, start) in
        [("t1", "2026-03-01"), ("t2", "2026-04-01"), ("t3", "2026-03-01"), ("t4", "2026-03-01")]
    {
        let list = shop.json(&["invoice", "list", "--tenant", tenant]);
        let numbers = list.as_array().expect("invoices").iter();
        let lines: Vec<_> = numbers
            .flat_map(|invoice| usage_lines(&shop, invoice["number"].as_str().expect("a number")))
            .collect();
        assert_eq!(lines, [(start.to_owned(), "10.00".to_owned())], "{tenant}");
    }
    shop.check();
}

/// A meter that only the new plan has starts on the day of the change, also once something was used of it.
#[test]
fn a_meter_of_a_new_plan_starts_on_the_day_of_the_change() {
    let shop = shop(1, "");
    shop.ok(&["meter", "create", "gb", "--name", "Traffic", "--aggregation", "sum"]);
    shop.ok(&["plan", "create", "max", "--name", "Max", "--price", "50", "--interval", "month"]);
    for meter in ["sms", "gb"] {
        let add = ["plan", "price", "add", "max", "--meter", meter, "--model", "per_unit"];
        shop.ok(&[add.as_slice(), &["--price", "1"]].concat());
    }
    let change = ["subscription", "change", "sub_1", "--plan", "max", "--now"];
    shop.ok(&[change.as_slice(), &["--as-of", "2026-01-20"]].concat());
    let gb = ["usage", "add", "--meter", "gb", "--tenant", "t1", "--as-of", "2026-01-25", "--at"];
    shop.ok(&[gb.as_slice(), &["2026-01-20"]].concat());
    assert_eq!(shop.refusal(&[gb.as_slice(), &["2026-01-19"]].concat()), "not_metered");
    // One that the old plan had goes on.
    add(&shop, "a", "2026-01-19T10:00:00Z", "1", "2026-01-25");
    shop.check();
}

/// What a dry run would bill alone is what the run bills, also of those that were away for months.
#[test]
fn a_dry_run_counts_usage_of_several_months_once() {
    let shop = shop(2, "");
    for id in ["sub_1", "sub_2"] {
        shop.ok(&["subscription", "pause", id, "--as-of", "2026-01-10"]);
    }
    shop.task(GENERATE, "2026-02-01", &["--no-deliver"]);
    for day in ["2026-01-20", "2026-02-20", "2026-03-20"] {
        for id in ["sub_1", "sub_2"] {
            let event = ["usage", "add", "--meter", "sms", "--subscription", id, "--value", "20"];
            shop.ok(&[event.as_slice(), &["--at", day, "--as-of", day]].concat());
        }
    }
    for id in ["sub_1", "sub_2"] {
        let cancel = ["subscription", "cancel", id, "--now", "--yes", "--as-of", "2026-03-20"];
        shop.ok(&cancel);
    }
    let dry = shop.task(GENERATE, "2026-03-25", &["--no-deliver", "--dry-run"]);
    let done = shop.task(GENERATE, "2026-03-25", &["--no-deliver"]);
    for field in ["invoices_created", "subscriptions_billed", "totals"] {
        assert_eq!(dry[field], done[field], "{field}");
    }
    assert_eq!(done["invoices_created"], 2);
    shop.check();
}

/// What a run does that a pause, an end, or a meter that was given up goes before is what its dry run says.
#[test]
fn a_dry_run_says_what_follows_a_pause_an_end_and_a_meter_that_was_given_up() {
    let shop = shop(5, "");
    shop.plan("base", "10", "1", &[]);
    for id in ["sub_1", "sub_2", "sub_3", "sub_4", "sub_5"] {
        let at = ["--at", "2026-01-05", "--as-of", "2026-01-05"];
        let event = ["usage", "add", "--meter", "sms", "--subscription", id, "--value", "20"];
        shop.ok(&[event.as_slice(), &at].concat());
    }
    let verb = |args: &[&str]| {
        shop.ok(&[&["subscription"], args, &["--as-of", "2026-01-10"]].concat());
    };
    // A pause that begins in a period that no run has billed; one that has ended by the run.
    verb(&["pause", "sub_1", "--on", "2026-02-20"]);
    verb(&["pause", "sub_2", "--on", "2026-01-20", "--until", "2026-02-10"]);
    // One that is paused when it ends; one that ends after a period that no run has billed.
    verb(&["pause", "sub_3", "--now"]);
    verb(&["cancel", "sub_3"]);
    verb(&["change", "sub_4", "--plan", "base"]);
    for day in ["2026-03-01", "2026-05-01"] {
        let dry = shop.task(GENERATE, day, &["--no-deliver", "--dry-run"]);
        let done = shop.task(GENERATE, day, &["--no-deliver"]);
        let counts =
            ["invoices_created", "totals", "subscriptions_paused", "subscriptions_resumed"];
        for field in counts.into_iter().chain(["subscriptions_ended"]) {
            assert_eq!(dry[field], done[field], "{day} {field}: {dry}\n{done}");
        }
    }
    shop.check();
}

/// A dry run bills no usage that is not settled where a period begins in the middle, as the run does not.
#[test]
fn a_dry_run_bills_what_is_settled_alone() {
    let shop = shop(1, "");
    let pause = ["subscription", "pause", "sub_1", "--now", "--credit", "--until", "2026-01-20"];
    shop.ok(&[pause.as_slice(), &["--as-of", "2026-01-10"]].concat());
    add(&shop, "a", "2026-01-20T10:00:00Z", "20", "2026-01-20T12:00:00Z");
    let dry = shop.task(GENERATE, "2026-01-21", &["--no-deliver", "--dry-run"]);
    let done = shop.task(GENERATE, "2026-01-21", &["--no-deliver"]);
    assert_eq!(dry["totals"], done["totals"]);
    assert_eq!(dry["invoices_created"], done["invoices_created"]);
    shop.check();
}

/// Sending a file again as a whole is the way to retry it, also when its events are too old by then.
#[test]
fn what_is_there_is_a_duplicate_however_late_it_is_sent_again() {
    let shop = Shop::new();
    shop.tenant("acme");
    shop.plan("texts", "5", "1", &[]);
    shop.ok(&["meter", "create", "sms", "--name", "SMS", "--aggregation", "sum"]);
    let price = ["--meter", "sms", "--model", "per_unit", "--price", "0.10"];
    shop.ok(&[&["plan", "price", "add", "texts"], &price[..]].concat());
    shop.subscribe("acme", "texts", "2026-03-01", &[]);
    let event = |id: &str| {
        format!(
            r#"{{"id":"{id}","meter":"sms","subscription":"sub_1","at":"2026-03-05T10:00:00Z"}}"#
        )
    };
    shop.write("sent.jsonl", &format!("{}\n", event("a")));
    let import = |day: &str| {
        let args = ["usage", "import", "sent.jsonl", "--json", "--as-of", day];
        let outcome = shop.run(&args);
        let told: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("a result");
        (outcome.status, told["accepted"].clone(), told["duplicates"].clone())
    };
    assert_eq!(import("2026-03-06"), (0, 1.into(), 0.into()));
    assert_eq!(import("2026-06-06"), (0, 0.into(), 1.into()));
    // What was not there is too late.
    shop.write("sent.jsonl", &format!("{}\n{}\n", event("a"), event("b")));
    assert_eq!(import("2026-06-06"), (3, 0.into(), 1.into()));
}
