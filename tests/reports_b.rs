//! Reports of coupons and of the tasks, and the reports as pages.
mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};
use support::Shop;

fn page(shop: &Shop, name: &str) -> String {
    std::fs::read_to_string(shop.path("pages").join(name)).expect(name)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

fn write_pages(shop: &Shop, day: &str) -> String {
    shop.ok(&["--as-of", day, "report", "html", "--out", shop.path("pages").to_str().unwrap()])
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
fn an_empty_database_has_its_reports_and_pages_too() {
    let shop = Shop::new();
    for report in ["coupons", "automation"] {
        for format in ["table", "json", "csv"] {
            shop.ok(&["report", report, "--format", format]);
        }
    }
    write_pages(&shop, "2026-03-01");
    assert!(page(&shop, "index.html").contains("No subscription ever came to anything."));
}

#[test]
fn pages_are_for_their_owner_and_hold_what_the_database_says() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-31");
    let number = shop.owes("brew", "2026-02-27");
    let pay =
        ["invoice", "pay", &number, "--amount", "20", "--method", "cash", "--reference", "R1"];
    shop.ok(&[&pay[..], &["--as-of", "2026-03-02"]].concat());
    shop.ok(&["invoice", "dispute", &number, "--note", "twice", "--as-of", "2026-03-01"]);
    let said = write_pages(&shop, "2026-03-03");
    assert!(said.starts_with("9 pages: "), "{said}");
    for name in ["", "tenants"] {
        assert_eq!(mode(&shop.path("pages").join(name)), 0o700, "{name}");
    }
    for name in [
        "index.html",
        "overdue.html",
        "transactions.html",
        "mrr.html",
        "coupons.html",
        "automation.html",
        "tenants.html",
        "tenants/acme.html",
    ] {
        assert_eq!(mode(&shop.path("pages").join(name)), 0o600, "{name}");
        let text = page(&shop, name);
        assert!(text.starts_with("<!doctype html>\n<html lang=\"en\">"), "{name}");
        assert!(text.trim_end().ends_with("</html>"), "{name}");
        for banned in ["<script", "http://", "https://", "src=", "url(", "@import"] {
            assert!(!text.contains(banned), "{name} holds {banned}");
        }
    }
    let overdue = page(&shop, "overdue.html");
    for part in ["€180.00", "notice of suspension, 3 Mar 2026", "At rest", "<td>disputed</td>"] {
        assert!(overdue.contains(part), "{part}: {overdue}");
    }
    let paid = page(&shop, "transactions.html");
    for part in ["cash</th><td class=\"num\">1</td>", "2 Mar: €20.00", "<td>R1</td>", "100%"] {
        assert!(paid.contains(part), "{part}: {paid}");
    }
    let index = page(&shop, "index.html");
    assert!(index.contains("Overdue invoices that are disputed</a>: <strong class=\"bad\">1<"));
    let figure = "overdue, of open invoices</th><td class=\"num\">100%</td>";
    assert!(index.contains(figure) && index.contains("&lt; 10%"), "{index}");
    assert!(page(&shop, "tenants/acme.html").contains("31 days overdue"));
    // Nothing of it stays beside the folder.
    let beside = std::fs::read_dir(shop.path("")).expect("a folder").flatten();
    assert!(!beside.into_iter().any(|e| e.file_name().to_string_lossy().contains(".part")));
}

#[test]
fn a_page_speaks_the_language_of_the_config() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-31");
    let text = std::fs::read_to_string(shop.path("billing.toml")).unwrap();
    shop.write("billing.toml", &text.replace("locale = \"en\"", "locale = \"fr\""));
    write_pages(&shop, "2026-03-01");
    let index = page(&shop, "index.html");
    assert!(index.contains("<html lang=\"fr\">") && index.contains("Vue d’ensemble"), "{index}");
    assert!(index.contains("1er mars 2026") && index.contains("100,00 €"), "{index}");
}

#[test]
fn a_name_that_is_typed_as_markup_is_harmless() {
    let shop = Shop::new();
    let name = "<script>alert(1)</script>\"' onload=x &amp; {{ 7*7 }}";
    let email = "acme@clients.example";
    let address = "</style><img src=x>";
    let create = ["tenant", "create", "acme", "--name", name, "--email", email];
    shop.ok(&[&create[..], &["--address", address]].concat());
    let invoice = ["invoice", "create", "--tenant", "acme", "--amount", "100"];
    let days = ["--issued-on", "2026-01-01", "--due-on", "2026-01-31"];
    shop.ok(&[&invoice[..], &days, &["--description", "<b>bold</b>"]].concat());
    let coupon = ["coupon", "create", "TEN", "--name", "<i>ten</i>", "--percent", "10"];
    shop.ok(&[&coupon[..], &["--until", "2027-12-31"]].concat());
    write_pages(&shop, "2026-03-01");
    for name in ["index.html", "tenants.html", "tenants/acme.html", "coupons.html", "overdue.html"]
    {
        let text = page(&shop, name);
        for banned in ["<script", "<img", "<b>bold", "<i>ten"] {
            assert!(!text.contains(banned), "{name} holds {banned}");
        }
        assert_eq!(text.matches("</style>").count(), 1, "{name}");
    }
    let tenant = page(&shop, "tenants/acme.html");
    assert!(tenant.contains("&lt;script&gt;alert(1)&lt;"), "{tenant}");
    assert!(tenant.contains("{{ 7*7 }}"), "{tenant}");
}

#[test]
fn pages_of_an_earlier_run_are_replaced_and_nothing_else_is() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-31");
    write_pages(&shop, "2026-03-01");
    let pages = shop.path("pages");
    // A tenant that is no more, a file of the operator's, and someone who reads meanwhile.
    std::fs::write(pages.join("tenants/gone.html"), "x").unwrap();
    std::fs::write(pages.join("notes.txt"), "mine").unwrap();
    let before = page(&shop, "index.html");
    let reader = std::fs::File::open(pages.join("index.html")).unwrap();
    write_pages(&shop, "2026-03-02");
    assert!(!pages.join("tenants/gone.html").exists() && pages.join("tenants/acme.html").exists());
    assert_eq!(page(&shop, "notes.txt"), "mine");
    assert_ne!(page(&shop, "index.html"), before);
    // The page that was open stays whole.
    assert_eq!(std::io::read_to_string(reader).unwrap(), before);
    // A folder of someone else's is left alone.
    let other = shop.path("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("index.html"), "<html>").unwrap();
    let refused = shop.refusal(&["report", "html", "--out", other.to_str().unwrap()]);
    assert_eq!(refused, "would_overwrite");
    assert_eq!(std::fs::read_dir(&other).unwrap().count(), 1);
    // An empty one is taken.
    let empty = shop.path("empty");
    std::fs::create_dir(&empty).unwrap();
    shop.ok(&["report", "html", "--out", empty.to_str().unwrap()]);
    assert_eq!(mode(&empty), 0o700);
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
