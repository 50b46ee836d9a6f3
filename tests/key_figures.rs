//! The key figures, worked out by hand on a small month, and counted in a real ledger where it is
//! there.
mod support;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, TimeDelta};
use serde_json::Value;
use support::Shop;

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} of {value}"))
}

/// The figure of that name, and currency where it has one.
fn figure<'a>(kpis: &'a Value, name: &str, currency: Option<&str>) -> &'a Value {
    let all = kpis.as_array().expect("a list");
    let meant = |kpi: &&Value| kpi["kpi"] == name && kpi["currency"].as_str() == currency;
    all.iter().find(meant).unwrap_or_else(|| panic!("{name} {currency:?} in {kpis}"))
}

fn pay(shop: &Shop, number: &str, amount: &str, on: &str) {
    let pay = ["invoice", "pay", number, "--amount", amount, "--no-email", "--as-of", on];
    shop.ok(&pay);
}

#[test]
fn the_key_figures_of_a_small_month() {
    let shop = Shop::with_config("[kpi]\nacquisition_spend = \"50\"\noverdue_rate = \"60\"\n");
    let first = ["--as-of", "2026-03-01"];
    let ok = |args: &[&str]| drop(shop.ok(&[args, &first].concat()));
    ok(&["plan", "create", "pro", "--name", "Pro", "--price", "40", "--interval", "month"]);
    ok(&[
        "coupon",
        "create",
        "HALF",
        "--name",
        "Half",
        "--percent",
        "50",
        "--until",
        "2026-12-31",
        "--from",
        "2026-01-01",
    ]);
    for (tenant, currency) in [("ada", "EUR"), ("ben", "EUR"), ("sud", "XOF")] {
        let email = format!("{tenant}@clients.example");
        ok(&[
            "tenant",
            "create",
            tenant,
            "--name",
            tenant,
            "--email",
            &email,
            "--currency",
            currency,
        ]);
    }
    // February: ada's first invoice, with a coupon; paid within ten days.
    let february = ["--as-of", "2026-02-01"];
    let make = ["subscription", "create", "--plan", "pro", "--tenant"];
    shop.ok(&[&make[..], &["ada", "--coupon", "HALF"], &february].concat());
    pay(&shop, "INV-2026-000001", "20", "2026-02-11");
    // March: a renewal, a first invoice with a coupon, and two one-off invoices.
    shop.task("generate-recurring-invoices", "2026-03-01", &["--no-deliver"]);
    shop.ok(&[&make[..], &["ben", "--coupon", "HALF"], &first].concat());
    ok(&["invoice", "create", "--tenant", "ben", "--amount", "100", "--due-on", "2026-03-10"]);
    ok(&["invoice", "create", "--tenant", "sud", "--amount", "9000", "--due-on", "2026-03-30"]);
    pay(&shop, "INV-2026-000002", "40", "2026-03-06");
    pay(&shop, "INV-2026-000003", "20", "2026-03-21");
    pay(&shop, "INV-2026-000004", "25", "2026-03-21");

    let month = ["--since", "2026-03-01", "--until", "2026-03-30", "--as-of", "2026-03-30"];
    let kpis = shop.json(&[&["report", "kpi"][..], &month].concat());
    let is = |name: &str, currency: Option<&str>, value: Value, previous: Value| {
        let kpi = figure(&kpis, name, currency);
        assert_eq!((&kpi["value"], &kpi["previous"]), (&value, &previous), "{name}: {kpi}");
    };
    let (none, text) = (Value::Null, |text: &str| Value::from(text));
    // Open are 75 EUR of ben's, overdue, and 9000 XOF, due that day.
    is("overdue_rate_count", None, text("0.5000"), none.clone());
    is("overdue_rate_amount", Some("EUR"), text("1.0000"), none.clone());
    is("overdue_rate_amount", Some("XOF"), text("0.0000"), none.clone());
    assert_eq!(figure(&kpis, "overdue_rate_count", None)["met"], true);
    assert_eq!(figure(&kpis, "overdue_rate_amount", Some("EUR"))["met"], false);
    // 5 and 20 days in March, 10 in February.
    is("days_to_collect", None, text("12.5"), text("10.0"));
    assert_eq!(figure(&kpis, "days_to_collect", None)["trend"], "up");
    // Ben's two went overdue, one of them was paid.
    is("recovery_rate", None, text("0.5000"), none.clone());
    // One of three, no renewal; in February one of one.
    is("coupon_share", None, text("0.3333"), text("1.0000"));
    // 50 + 20 discount for ben in March, 50 + 20 for ada in February: one new payer each.
    is("acquisition_cost", Some("EUR"), text("70.00"), text("70.00"));
    let cost = figure(&kpis, "acquisition_cost", Some("EUR"));
    assert_eq!((&cost["target"], &cost["met"]), (&text("56.00"), &Value::Bool(false)));
    is("task_success_rate", None, text("1.0000"), none);
    is("emails_failed", None, text("0"), text("0"));
    assert_eq!(figure(&kpis, "emails_failed", None)["met"], true);
}

#[test]
fn an_empty_database_divides_by_nothing() {
    let shop = Shop::new();
    let kpis = shop.json(&["report", "kpi"]);
    for kpi in kpis.as_array().expect("a list") {
        let counts = kpi["unit"] == "emails";
        assert_eq!(kpi["value"], if counts { Value::from("0") } else { Value::Null }, "{kpi}");
    }
    let overdue = shop.json(&["report", "overdue"]);
    assert_eq!(overdue["buckets"], serde_json::json!([]));
    let help = shop.ok(&["report", "kpi", "--help"]);
    for kpi in kpis.as_array().expect("a list") {
        assert!(help.contains(text(kpi, "kpi")), "{kpi}");
    }
    // Written with a period that ends before it begins.
    let refused = ["report", "kpi", "--since", "2026-03-02", "--until", "2026-03-01"];
    assert_eq!(shop.refusal(&refused), "bad_order");
}

/// A line of the ledger, in cents.
struct Settled {
    customer: String,
    number: String,
    amount: String,
    issued_on: NaiveDate,
    due_on: NaiveDate,
    settled_on: NaiveDate,
}

impl Settled {
    fn cents(&self) -> i64 {
        let (whole, part) = self.amount.split_once('.').unwrap_or((&self.amount, ""));
        format!("{whole}{part:0<2}").parse().expect("an amount")
    }
}

/// The ledger that is no part of this project, or `None` where it is not there.
fn ledger() -> Option<Vec<Settled>> {
    let path = match std::env::var_os("BILLING_RECEIVABLES") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/receivables.csv"),
    };
    let Ok(text) = std::fs::read_to_string(&path) else {
        let said = format!("skipped: there is no {}\n", path.display());
        std::io::stderr().write_all(said.as_bytes()).ok();
        return None;
    };
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next()?;
    let column = |name| header.iter().position(|c| *c == name).expect("the column");
    let columns = ["customerID", "invoiceNumber", "InvoiceAmount"].map(column);
    let dates = ["InvoiceDate", "DueDate", "SettledDate"].map(column);
    let read = lines.map(|cells| {
        let [customer, number, amount] = columns.map(|at| cells[at].to_owned());
        let date = |at: usize| NaiveDate::parse_from_str(cells[at], "%d/%m/%Y").expect("a date");
        let [issued_on, due_on, settled_on] = dates.map(date);
        let customer = customer.to_lowercase();
        Settled { customer, number, amount, issued_on, due_on, settled_on }
    });
    Some(read.collect())
}

/// `part` ÷ `whole`, half away from zero, with so many decimals.
fn rounded(part: i64, whole: i64, decimals: u32) -> String {
    let scaled = (part * 10_i64.pow(decimals) * 2 + whole) / (whole * 2);
    let (one, width) = (10_i64.pow(decimals), decimals as usize);
    format!("{}.{:0width$}", scaled / one, scaled % one)
}

#[test]
fn the_figures_of_a_real_ledger_are_what_counting_in_it_says() {
    let Some(ledger) = ledger() else { return };
    let shop = Shop::new();
    let customers: BTreeSet<_> = ledger.iter().map(|invoice| &invoice.customer).collect();
    let mut tenants = "slug,name,email,currency\n".to_owned();
    for slug in customers {
        tenants.push_str(&format!("{slug},Customer {slug},{slug}@clients.example,USD\n"));
    }
    let mut invoices = "number,tenant,total,issued_on,due_on,currency\n".to_owned();
    let mut payments = "invoice,amount,paid_on,reference\n".to_owned();
    for of in &ledger {
        let Settled { customer, number, amount, issued_on, due_on, settled_on } = of;
        invoices.push_str(&format!("{number},{customer},{amount},{issued_on},{due_on},USD\n"));
        payments.push_str(&format!("{number},{amount},{settled_on},settles {number}\n"));
    }
    for (kind, text) in [("tenants", tenants), ("invoices", invoices), ("payments", payments)] {
        shop.write("rows.csv", &text);
        shop.ok(&["import", kind, "rows.csv", "--as-of", "2014-02-01", "--quiet"]);
    }
    for day in ["2012-03-31", "2012-09-15", "2013-01-31", "2013-07-01", "2013-11-30"] {
        let until: NaiveDate = day.parse().expect("a date");
        let since = until - TimeDelta::days(29);
        // The whole ledger is there from the later day on, which looks back; the figures are those
        // of the day.
        let kpis = shop.json(&["report", "kpi", "--until", day, "--as-of", "2014-02-01"]);
        assert_eq!(kpis, shop.json(&["report", "kpi", "--as-of", day]), "{day}");
        let open: Vec<_> = ledger
            .iter()
            .filter(|invoice| invoice.issued_on <= until && invoice.settled_on > until)
            .collect();
        let late: Vec<_> = open.iter().filter(|invoice| invoice.due_on < until).collect();
        let (owed, overdue): (i64, i64) =
            (open.iter().map(|i| i.cents()).sum(), late.iter().map(|i| i.cents()).sum());
        let count = figure(&kpis, "overdue_rate_count", None);
        assert_eq!(count["value"], rounded(late.len() as i64, open.len() as i64, 4), "{day}");
        let amount = figure(&kpis, "overdue_rate_amount", Some("USD"));
        assert_eq!(amount["value"], rounded(overdue, owed, 4), "{day}");

        let paid = ledger.iter().filter(|i| i.settled_on >= since && i.settled_on <= until);
        let days: Vec<i64> = paid.map(|i| (i.settled_on - i.issued_on).num_days()).collect();
        let mean = rounded(days.iter().sum(), days.len() as i64, 1);
        assert_eq!(figure(&kpis, "days_to_collect", None)["value"], mean, "{day}");

        let went: Vec<_> = ledger
            .iter()
            .filter(|i| i.settled_on > i.due_on)
            .filter(|i| {
                let late_on = i.due_on + TimeDelta::days(1);
                late_on >= since - TimeDelta::days(60) && late_on <= until
            })
            .collect();
        let recovered = went.iter().filter(|i| i.settled_on <= until).count() as i64;
        let rate = rounded(recovered, went.len() as i64, 4);
        assert_eq!(figure(&kpis, "recovery_rate", None)["value"], rate, "{day}");
        println!("{day}: {}, {mean} days, recovered {rate}", text(count, "value"));

        let report = shop.json(&["report", "overdue", "--as-of", day]);
        let total = format!("{}.{:02}", overdue / 100, overdue % 100);
        assert_eq!(report["totals"]["USD"], total, "{day}");
    }
}

#[test]
fn an_invoice_is_collected_on_the_day_of_its_latest_payment_however_they_are_recorded() {
    // A bank lists the newest payment first.
    let shop = Shop::new();
    shop.ok(&["tenant", "create", "acme", "--name", "Acme", "--email", "acme@clients.example"]);
    let create = ["invoice", "create", "--tenant", "acme", "--amount", "100"];
    let days = ["--issued-on", "2026-01-01", "--due-on", "2026-01-10", "--as-of", "2026-01-01"];
    shop.ok(&[&create[..], &days].concat());
    let number = "INV-2026-000001";
    shop.write(
        "payments.csv",
        &format!("invoice,amount,paid_on\n{number},60,2026-01-25\n{number},40,2026-01-04\n"),
    );
    shop.ok(&["import", "payments", "payments.csv", "--as-of", "2026-01-26", "--quiet"]);
    assert_eq!(shop.json(&["invoice", "show", number])["paid_on"], "2026-01-25");
    let kpis = shop.json(&["report", "kpi", "--as-of", "2026-01-26"]);
    assert_eq!(text(figure(&kpis, "days_to_collect", None), "value"), "24.0");
    assert_eq!(text(figure(&kpis, "recovery_rate", None), "value"), "1.0000");
    let overdue = shop.json(&["report", "overdue", "--until", "2026-01-20"]);
    assert_eq!(overdue["totals"]["EUR"], "60.00");
}

#[test]
fn a_new_customer_costs_something_in_the_currency_in_which_it_paid() {
    let shop = Shop::new();
    let day = ["--as-of", "2026-01-05"];
    let ok = |args: &[&str]| shop.ok(&[args, &day].concat());
    for tenant in ["acme", "brew"] {
        let email = format!("{tenant}@clients.example");
        ok(&["tenant", "create", tenant, "--name", tenant, "--email", &email]);
    }
    let plan = ["plan", "create", "fcfa", "--name", "F", "--price", "5000", "--interval", "month"];
    ok(&[&plan[..], &["--currency", "XOF"]].concat());
    let coupon = ["coupon", "create", "TEN", "--name", "Ten", "--percent", "10"];
    ok(&[&coupon[..], &["--until", "2026-12-31"]].concat());
    // acme is billed in EUR and subscribes to a plan in XOF.
    let subscribe = ["subscription", "create", "--tenant", "acme", "--plan", "fcfa"];
    ok(&[&subscribe[..], &["--anchor", "anniversary", "--coupon", "TEN"]].concat());
    ok(&["invoice", "create", "--tenant", "brew", "--amount", "50"]);
    pay(&shop, "INV-2026-000001", "4500", "2026-01-06");
    pay(&shop, "INV-2026-000002", "50", "2026-01-06");
    shop.write(
        "billing.toml",
        &(std::fs::read_to_string(shop.path("billing.toml")).unwrap()
            + "\n[kpi]\nacquisition_spend = \"90\"\n"),
    );
    let cost = |currency: &str| {
        let kpis = shop.json(&["report", "kpi", "--as-of", "2026-01-10"]);
        text(figure(&kpis, "acquisition_cost", Some(currency)), "value").to_owned()
    };
    // 90.00 spent and one new customer in EUR; a discount of 500 and one in XOF.
    assert_eq!((cost("EUR"), cost("XOF")), ("90.00".into(), "500".into()));
    shop.ok(&["tenant", "edit", "acme", "--currency", "XOF", "--as-of", "2026-01-09"]);
    assert_eq!((cost("EUR"), cost("XOF")), ("90.00".into(), "500".into()));
}
