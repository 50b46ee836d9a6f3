//! What the reports of overdue invoices, transactions, recurring revenue, coupons and the tasks say,
//! worked out by hand on small histories.
mod support;

use serde_json::{Value, json};
use support::Shop;

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} of {value}"))
}

fn pay(shop: &Shop, number: &str, amount: &str, on: &str) {
    let pay = ["invoice", "pay", number, "--amount", amount, "--no-email", "--as-of", on];
    shop.ok(&pay);
}

#[test]
fn every_age_falls_into_its_bucket() {
    let shop = Shop::new();
    for (tenant, due_on) in [
        ("today", "2026-03-31"),
        ("one", "2026-03-30"),
        ("three", "2026-03-28"),
        ("four", "2026-03-27"),
        ("seven", "2026-03-24"),
        ("eight", "2026-03-23"),
        ("fifteen", "2026-03-16"),
        ("sixteen", "2026-03-15"),
        ("thirty", "2026-03-01"),
        ("thirty-one", "2026-02-28"),
    ] {
        shop.owes(tenant, due_on);
    }
    let report = shop.json(&["report", "overdue", "--as-of", "2026-03-31"]);
    let buckets: Vec<_> = report["buckets"]
        .as_array()
        .expect("buckets")
        .iter()
        .map(|b| (text(b, "bucket"), b["invoices"].as_u64().expect("a count"), text(b, "amount")))
        .collect();
    assert_eq!(
        buckets,
        [
            ("1-3", 2, "200.00"),
            ("4-7", 2, "200.00"),
            ("8-15", 2, "200.00"),
            ("16-30", 2, "200.00"),
            ("31+", 1, "100.00"),
        ]
    );
    assert_eq!(report["totals"], serde_json::json!({ "EUR": "900.00" }));
    let since = ["report", "overdue", "--as-of", "2026-03-31", "--since", "2026-03-24"];
    assert_eq!(shop.json(&since)["totals"], serde_json::json!({ "EUR": "400.00" }));
}

#[test]
fn the_overdue_report_agrees_with_the_overdue_list() {
    let shop = support::business().shop();
    let today = ["--as-of", "2026-03-16"];
    let report = shop.json(&[&["report", "overdue"][..], &today].concat());
    let list = shop.json(&[&["invoice", "overdue"][..], &today].concat());
    assert_eq!(report["totals"], list["totals"]);
    let of = |invoices: &Value, tenant: &str| -> Vec<Value> {
        let all = invoices.as_array().expect("a list").iter();
        all.filter(|row| row["tenant"] == tenant).cloned().collect()
    };
    for tenant in ["acme", "birch", "elm", "fern", "grove", "iris"] {
        let [row] = &of(&report["tenants"], tenant)[..] else { panic!("{tenant}: one row") };
        let invoices = of(&list["invoices"], tenant);
        assert_eq!(row["invoices"], invoices.len(), "{tenant}");
        assert_eq!(row["oldest_due_on"], invoices[0]["due_on"], "{tenant}");
        assert_eq!(row["days_overdue"], invoices[0]["days_overdue"], "{tenant}");
        let next = invoices.iter().filter_map(|i| i["next_step_on"].as_str()).min();
        assert_eq!(row["next_step_on"].as_str(), next, "{tenant}");
    }
    let rests: Vec<_> = report["rests"].as_array().expect("a list").iter().collect();
    let said: Vec<_> = rests.iter().map(|r| (text(r, "tenant"), text(r, "rests"))).collect();
    assert_eq!(said, [("cedar", "promised until 2026-03-20"), ("dune", "disputed")]);
}

#[test]
fn a_report_of_a_past_day_says_what_that_day_showed() {
    let shop = Shop::new();
    let paid = shop.owes("paid", "2026-02-10");
    let part = shop.owes("part", "2026-02-11");
    let void = shop.owes("void", "2026-02-12");
    let lost = shop.owes("lost", "2026-02-13");
    let word = shop.owes("word", "2026-02-14");
    let fight = shop.owes("fight", "2026-02-15");
    pay(&shop, &part, "30", "2026-02-18");
    for day in ["2026-02-14", "2026-02-19", "2026-03-01"] {
        shop.task("check-overdue", day, &[]);
    }
    let day = ["--as-of", "2026-03-02"];
    let reports: [&[&str]; 3] = [
        &["report", "overdue"],
        &["report", "kpi"],
        &["report", "transactions", "--since", "2026-02-01"],
    ];
    let shown = reports.map(|report| shop.json(&[report, &day].concat()));
    // Everything changes after it.
    pay(&shop, &paid, "100", "2026-03-05");
    pay(&shop, &part, "70", "2026-03-06");
    let change = |args: &[&str]| drop(shop.ok(&[args, &["--as-of", "2026-03-07"]].concat()));
    change(&["invoice", "void", &void, "--reason", "wrong"]);
    change(&["invoice", "write-off", &lost, "--reason", "gone"]);
    change(&["invoice", "promise", &word, "--until", "2026-03-20"]);
    change(&["invoice", "dispute", &fight]);
    shop.task("check-overdue", "2026-03-21", &[]);
    change(&["invoice", "create", "--tenant", "paid", "--amount", "9", "--due-on", "2026-03-25"]);
    let again = reports.map(|report| shop.json(&[report, &day].concat()));
    for (before, after) in shown.iter().zip(&again) {
        assert_eq!(before, after);
    }
    assert_eq!(shown[0]["totals"], serde_json::json!({ "EUR": "570.00" }));
    // The same through --until, from a later day.
    let until = ["report", "overdue", "--until", "2026-03-02", "--as-of", "2026-03-31"];
    assert_eq!(shop.json(&until), shown[0]);
    let now = shop.json(&["report", "overdue", "--as-of", "2026-03-31"]);
    assert_eq!(now["totals"], serde_json::json!({ "EUR": "209.00" }));
}

#[test]
fn transactions_are_counted_by_status_method_and_business_day() {
    let shop =
        Shop::with_config("timezone = \"Pacific/Auckland\"\n[payments]\ngateway = \"sandbox\"");
    let one = shop.owes("one", "2026-03-01");
    let two = shop.owes("two", "2026-03-01");
    let three = shop.owes("three", "2026-03-01");
    let at = |number: &str, amount: &str, method: &str, at: &str| {
        let pay = ["invoice", "pay", number, "--amount", amount, "--method", method, "--no-email"];
        shop.ok(&[&pay[..], &["--as-of", at]].concat());
    };
    // Midnight in Auckland is 11:00 UTC in March.
    at(&one, "10", "cash", "2026-03-09T10:59:59Z");
    at(&one, "20", "cash", "2026-03-09T11:00:00Z");
    at(&two, "40", "transfer", "2026-03-10T10:59:59Z");
    at(&two, "5", "transfer", "2026-03-10T11:00:00Z");
    let method = ["payment-method", "create", "--tenant", "three", "--kind", "card", "--default"];
    shop.ok(&[&method[..], &["--token", "tok_declined"]].concat());
    shop.run(&["invoice", "charge", &three, "--as-of", "2026-03-10"]);
    shop.ok(&["transaction", "reverse", "txn_3", "--reason", "bounced", "--as-of", "2026-03-20"]);

    let days = ["--since", "2026-03-10", "--until", "2026-03-10"];
    let report = |as_of| {
        let args = [&["report", "transactions", "--as-of", as_of][..], &days].concat();
        shop.json(&args)
    };
    // On the day itself nothing was reversed.
    let then = report("2026-03-10");
    assert_eq!(
        then["days"],
        serde_json::json!([{ "date": "2026-03-10", "currency": "EUR", "succeeded": 2, "failed": 1,
          "pending": 0, "unknown": 0, "amount": "60.00" }])
    );
    assert_eq!(then["success_rate"], "0.6667");
    assert_eq!(then["failures"], serde_json::json!([{ "code": "insufficient_funds", "count": 1 }]));
    assert_eq!(
        then["totals"],
        serde_json::json!([
            { "currency": "EUR", "status": "failed", "count": 1, "amount": "100.00" },
            { "currency": "EUR", "status": "succeeded", "count": 2, "amount": "60.00" }])
    );
    let methods: Vec<_> = then["methods"].as_array().expect("a list").iter().collect();
    let said = |m: &&Value| format!("{} {} {}", m["method"], m["amount"], m["success_rate"]);
    assert_eq!(
        methods.iter().map(said).collect::<Vec<_>>(),
        [
            r#""card" "0.00" "0.0000""#,
            r#""cash" "20.00" "1.0000""#,
            r#""transfer" "40.00" "1.0000""#
        ]
    );
    // Of the period, the whole of which lies before the reversal, nothing changes later.
    assert_eq!(report("2026-03-25"), then);
    // Where the period goes on past it, the reversal counts.
    let long = ["--since", "2026-03-10", "--until", "2026-03-25", "--as-of", "2026-03-25"];
    let now = shop.json(&[&["report", "transactions"][..], &long].concat());
    assert_eq!(now["days"][0]["failed"], 2);
    assert_eq!(now["success_rate"], "0.5000");
    // Nothing at all.
    let none = shop.json(&["report", "transactions", "--as-of", "2025-03-25"]);
    assert_eq!(none["success_rate"], Value::Null);
    assert_eq!(none["days"], serde_json::json!([]));
}

#[test]
fn a_surplus_payment_is_unapplied_credit_from_its_day_on() {
    let shop = Shop::new();
    let number = shop.owes("acme", "2026-03-01");
    shop.write(
        "payments.csv",
        &format!("invoice,amount,paid_on,method,reference\n{number},130,2026-03-05,transfer,R1\n"),
    );
    shop.ok(&[
        "import",
        "payments",
        "payments.csv",
        "--allow-overpayment",
        "--as-of",
        "2026-03-06",
    ]);
    let report = |as_of| shop.json(&["report", "transactions", "--as-of", as_of]);
    assert_eq!(
        report("2026-03-06")["unapplied"],
        serde_json::json!([{ "tenant": "acme", "transaction": "txn_1", "currency": "EUR",
          "amount": "30.00" }])
    );
    assert_eq!(report("2026-03-05")["unapplied"], serde_json::json!([]));
}

/// Two invoices of 100.00, one paid by hand on 2 March and one charged on 3 March: of the first 30.00
/// go back by hand on 10 March, of the second 20.00 and 5.50 by the gateway on 12 and 20 March.
fn with_refunds() -> Shop {
    let shop = Shop::with_config("[payments]\ngateway = \"sandbox\"\n");
    let (first, second) = (shop.owes("acme", "2026-03-31"), shop.owes("birch", "2026-03-31"));
    let method = ["payment-method", "create", "--tenant", "birch", "--kind", "card", "--default"];
    shop.ok(&[&method[..], &["--token", "tok_ok", "--as-of", "2026-03-01"]].concat());
    let on = |day: &str, args: &[&str]| shop.ok(&[args, &["--as-of", day]].concat());
    on("2026-03-02", &["invoice", "pay", &first, "--amount", "100", "--method", "transfer"]);
    on("2026-03-03", &["invoice", "charge", &second]);
    let note = |day: &str, invoice: &str, amount: &str, back: &[&str]| {
        let of = ["credit-note", "create", "--invoice", invoice, "--amount", amount];
        on(day, &[&of[..], &["--reason", "goodwill"], back].concat());
    };
    note("2026-03-10", &first, "30", &["--outside", "--reference", "R1"]);
    note("2026-03-12", &second, "20", &["--refund"]);
    // Half of it stays the customer's credit.
    note("2026-03-20", &second, "11", &["--refund", "5.50", "--credit"]);
    shop
}

#[test]
fn what_went_back_is_told_beside_what_came_in_and_no_part_of_its_success() {
    let shop = with_refunds();
    let report = |until: &str| {
        shop.json(&["report", "transactions", "--until", until, "--as-of", "2026-03-25"])
    };
    let now = report("2026-03-25");
    assert_eq!(
        now["refunds"],
        serde_json::json!([{ "currency": "EUR", "count": 3, "amount": "55.50",
          "gateway_count": 2, "gateway_amount": "25.50", "outside_count": 1,
          "outside_amount": "30.00" }])
    );
    assert_eq!(
        now["totals"],
        serde_json::json!([
            { "currency": "EUR", "status": "succeeded", "count": 2, "amount": "200.00" }])
    );
    assert_eq!(now["success_rate"], "1.0000");
    // Each belongs to the day on which it went back.
    assert_eq!(report("2026-03-11")["refunds"][0]["amount"], "30.00");
    assert_eq!(report("2026-03-12")["refunds"][0]["amount"], "50.00");
    assert_eq!(report("2026-03-09")["refunds"], serde_json::json!([]));
    let late = ["report", "transactions", "--since", "2026-03-13", "--as-of", "2026-03-25"];
    assert_eq!(shop.json(&late)["refunds"][0]["amount"], "5.50");
    let table = shop.ok(&["report", "transactions", "--as-of", "2026-03-25"]);
    let lines: Vec<&str> = table.lines().skip_while(|line| *line != "refunds").collect();
    let columns: Vec<&str> = lines[2].split_whitespace().collect();
    assert_eq!(columns, ["3", "55.50", "25.50", "30.00", "EUR"], "{table}");
    shop.ok(&["report", "html", "--out", "pages", "--as-of", "2026-03-25"]);
    let page = std::fs::read_to_string(shop.path("pages/transactions.html")).expect("the page");
    let refunds = page.split("<h2>Refunds</h2>").nth(1).expect("the refunds");
    let row = refunds.split("</tbody>").next().expect("rows");
    for cell in ["<td class=\"num\">3</td>", "55.50", "25.50", "30.00"] {
        assert!(row.contains(cell), "{cell}: {row}");
    }
}

/// A coupon that one tenant uses on 10 March and another only checks.
fn with_coupon() -> Shop {
    let shop = Shop::new();
    for tenant in ["acme", "brew"] {
        let email = format!("{tenant}@clients.example");
        shop.ok(&["tenant", "create", tenant, "--name", tenant, "--email", &email]);
    }
    let day = ["--as-of", "2026-03-01"];
    let create = ["coupon", "create", "TEN", "--name", "Ten", "--percent", "10"];
    shop.ok(&[&day[..], &create, &["--until", "2026-12-31"]].concat());
    let day = ["--as-of", "2026-03-10"];
    let invoice = ["invoice", "create", "--tenant", "acme", "--amount", "100", "--coupon", "TEN"];
    shop.ok(&[&day[..], &invoice].concat());
    shop.ok(
        &[&day[..], &["coupon", "validate", "TEN", "--tenant", "brew", "--amount", "5"]].concat()
    );
    shop
}

#[test]
fn coupons_are_told_for_the_days_that_are_asked_for() {
    let shop = with_coupon();
    let report = |since: &str, until: &str| {
        shop.json(&["report", "coupons", "--since", since, "--until", until])
    };
    let march = report("2026-03-01", "2026-03-31");
    assert_eq!((&march["uses"], &march["customers"]), (&json!(1), &json!(1)));
    assert_eq!((&march["customers_checked"], &march["conversion"]), (&json!(2), &json!("0.5000")));
    assert_eq!(march["discount_given"], json!({ "EUR": "10.00" }));
    assert_eq!(march["revenue"], json!({ "EUR": "90.00" }));
    assert_eq!(march["top"][0]["code"], "TEN");
    // The last day is in it, the day after it is not.
    assert_eq!(report("2026-03-10", "2026-03-10")["uses"], 1);
    let april = report("2026-04-01", "2026-04-30");
    assert_eq!((&april["uses"], &april["conversion"]), (&json!(0), &Value::Null));
    assert_eq!((&april["top"], &april["revenue"]), (&json!([]), &json!({})));
    // Without days, the thirty up to today.
    let today = |day: &str| shop.json(&["--as-of", day, "report", "coupons"])["uses"].clone();
    assert_eq!((today("2026-04-08"), today("2026-04-09")), (json!(1), json!(0)));
    let csv = shop.ok(&["--as-of", "2026-03-10", "report", "coupons", "--format", "csv"]);
    assert!(csv.starts_with("code,name,uses,customers,customers_checked,conversion,"), "{csv}");
    for report in ["coupons", "automation", "mrr"] {
        let back = ["report", report, "--since", "2026-03-02", "--until", "2026-03-01"];
        assert_eq!(shop.refusal(&back), "bad_order");
    }
}

#[test]
fn automation_tells_runs_letters_and_suspensions() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-31");
    for day in ["2026-02-03", "2026-02-15", "2026-03-02"] {
        shop.task("check-overdue", day, &[]);
    }
    let pay = ["invoice", "pay", "INV-2026-000001", "--amount", "100", "--as-of", "2026-03-03"];
    shop.ok(&pay);
    let report = |days: &[&str]| {
        shop.json(&[&["--as-of", "2026-03-03", "report", "automation"], days].concat())
    };
    let all = report(&["--since", "2026-02-01"]);
    let chase = all["tasks"].as_array().unwrap().iter().find(|t| t["task"] == "check-overdue");
    let chase = chase.expect("the task");
    assert_eq!((&chase["runs"], &chase["ok"]), (&json!(3), &json!(3)));
    assert_eq!((&chase["status"], &chase["success_rate"]), (&json!("ok"), &json!("1.0000")));
    // Telling hooks is told of once there is one.
    assert_eq!(all["tasks"].as_array().map(Vec::len), Some(5));
    let never = &all["tasks"][0];
    assert_eq!((&never["status"], &never["success_rate"]), (&json!("never run"), &Value::Null));
    assert_eq!((&all["tenants_suspended"], &all["tenants_returned"]), (&json!(1), &json!(1)));
    assert_eq!(all["suspension_causes"], json!({ "overdue": 1 }));
    let first = &all["emails"][0];
    assert_eq!((&first["day"], &first["stage"]), (&json!("2026-02-03"), &json!("friendly")));
    assert_eq!((&first["sent"], &first["failed"]), (&json!(1), &json!(0)));
    assert_eq!((&all["emails_sent"], &all["emails_queued"]), (&json!(3), &json!(2)));
    // One day alone.
    let day = report(&["--since", "2026-02-15", "--until", "2026-02-15"]);
    assert_eq!((&day["emails_sent"], &day["tenants_suspended"]), (&json!(1), &json!(0)));
    let csv = shop.ok(&["--as-of", "2026-03-03", "report", "automation", "--format", "csv"]);
    assert!(csv.starts_with("part,item,day,measure,value\n"), "{csv}");
    assert!(csv.contains("\nsums,,,tenants_suspended,1\n"), "{csv}");
    shop.ok(&["--as-of", "2026-03-03", "report", "automation"]);
}

#[test]
fn mrr_is_told_at_the_end_of_a_day_and_from_a_month_on() {
    let shop = Shop::new();
    shop.ok(&["tenant", "create", "acme", "--name", "acme", "--email", "acme@clients.example"]);
    shop.ok(&["plan", "create", "pro", "--name", "Pro", "--price", "40", "--interval", "month"]);
    let subscribe = ["subscription", "create", "--tenant", "acme", "--plan", "pro"];
    for day in ["2026-01-10", "2026-03-10"] {
        shop.ok(&[&subscribe[..], &["--as-of", day]].concat());
    }
    let mrr =
        |days: &[&str]| shop.json(&[&["report", "mrr", "--as-of", "2026-04-15"], days].concat());
    let (now, then) = (mrr(&[]), mrr(&["--until", "2026-03-09"]));
    assert_eq!(now["months"].as_array().map(Vec::len), Some(13));
    assert_eq!((&now["as_of"], &now["mrr"]["EUR"]), (&json!("2026-04-15"), &json!("80.00")));
    assert_eq!((&then["as_of"], &then["mrr"]["EUR"]), (&json!("2026-03-09"), &json!("40.00")));
    assert_eq!(mrr(&["--until", "2026-03-10"])["mrr"]["EUR"], "80.00");
    // The months are the same ones, only fewer.
    let late = mrr(&["--since", "2026-03-20"]);
    assert_eq!(late["months"].as_array().map(Vec::len), Some(2));
    assert_eq!(late["months"][0], now["months"][11]);
    assert_eq!(late["months"][0]["expansion"], "40.00");
    // A day to come is no later than today.
    assert_eq!(mrr(&["--until", "2026-12-31"]), now);
}

#[test]
fn an_overdue_report_since_a_day_says_so() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-10");
    let day = ["--as-of", "2026-03-01"];
    let report = |more: &[&str]| shop.ok(&[&["report", "overdue"], &day[..], more].concat());
    assert!(
        report(&["--since", "2026-01-10"])
            .starts_with("overdue on 2026-03-01, due since 2026-01-10: ")
    );
    let nothing = "nothing that was due since 2026-01-11 is overdue on 2026-03-01\n";
    assert_eq!(report(&["--since", "2026-01-11"]), nothing);
    let turned = ["report", "overdue", "--since", "2026-03-02"];
    assert_eq!(shop.refusal(&[&turned[..], &day].concat()), "bad_order");
}

/// The tax report adds up to the invoices and credit notes themselves: of a filled business, by rate, category and
/// currency, whatever was discounted and voided on the way.
#[test]
fn the_tax_report_is_the_sum_of_the_invoices() {
    let shop = Shop::empty();
    shop.ok(&["demo", "--dir", ".", "--as-of", "2026-03-02", "--quiet"]);
    let with_tax = |args: &[&str]| shop.ok(&[args, &["--as-of", "2026-03-02"]].concat());
    with_tax(&["tenant", "edit", "client-001", "--tax-category", "export"]);
    with_tax(&["tenant", "edit", "client-002", "--tax-rate", "5.5"]);
    for (nth, amount) in (1..60).zip([1, 2, 7, 25, 999, 10_000, 123_457].into_iter().cycle()) {
        let tenant = format!("client-{:03}", 1 + nth % 5);
        let basis = ["--tax-inclusive", "--tax-exclusive"][nth % 2];
        let amount = (amount + nth).to_string();
        with_tax(&["invoice", "create", "--tenant", &tenant, "--amount", &amount, basis]);
    }
    let invoices = shop.json(&["invoice", "list"]);
    let open = |invoice: &&serde_json::Value| invoice["status"] == "open";
    let unpaid =
        |invoice: &&serde_json::Value| invoice["amount_paid"].as_str().map(minor) == Some(0);
    let unpaid: Vec<_> =
        invoices.as_array().expect("invoices").iter().filter(open).filter(unpaid).collect();
    assert!(unpaid.len() > 20, "{}", unpaid.len());
    for invoice in unpaid.iter().step_by(3) {
        let number = invoice["number"].as_str().expect("a number");
        with_tax(&["invoice", "void", number, "--reason", "x", "--yes"]);
    }
    let mut expected = std::collections::BTreeMap::new();
    for invoice in shop.json(&["invoice", "list"]).as_array().expect("invoices") {
        let word = |name: &str| invoice[name].as_str().map(str::to_owned);
        let void = invoice["status"] == "void";
        let sum: &mut [i64; 3] =
            expected.entry((word("currency"), word("tax_category"), word("tax_rate"))).or_default();
        for (nth, name) in ["net", "tax", "total"].iter().enumerate().filter(|_| !void) {
            sum[nth] += minor(invoice[*name].as_str().expect("an amount"));
        }
    }
    let report = shop.json(&["report", "tax", "--since", "2020-01-01", "--until", "2026-12-31"]);
    let mut found = std::collections::BTreeMap::new();
    for rate in report["rates"].as_array().expect("rates") {
        let word = |name: &str| rate[name].as_str().map(str::to_owned);
        let sums =
            ["net", "tax", "total"].map(|name| minor(rate[name].as_str().expect("an amount")));
        let key = (word("currency"), word("category"), word("rate"));
        assert!(found.insert(key, sums).is_none(), "{rate}");
    }
    assert_eq!(found, expected);
    assert!(found.len() > 3, "{found:?}");
    let by_currency = |name: &str| -> i64 {
        let total = |sum: &serde_json::Value| minor(sum[name].as_str().expect("an amount"));
        report["totals"].as_object().expect("totals").values().map(total).sum()
    };
    let sum = |nth: usize| found.values().map(|sums| sums[nth]).sum::<i64>();
    // The totals are what is left once credit notes have taken back what they did.
    let notes = shop.json(&["credit-note", "list"]);
    let notes = notes.as_array().expect("credit notes");
    assert!(notes.len() > 5, "{}", notes.len());
    let of = |name: &str| -> i64 {
        notes.iter().map(|note| minor(note[name].as_str().expect("an amount"))).sum()
    };
    let (tax, net) = (of("tax"), of("total") - of("tax"));
    assert_eq!((by_currency("net"), by_currency("tax")), (sum(0) - net, sum(1) - tax));
}

/// An amount in its smallest units.
fn minor(amount: &str) -> i64 {
    amount.replace('.', "").parse().expect("an amount")
}
