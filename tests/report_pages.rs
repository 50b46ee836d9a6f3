//! The reports as pages.
mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

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

#[test]
fn an_empty_database_has_its_reports_and_pages_too() {
    let shop = Shop::new();
    for report in ["coupons", "automation"] {
        for format in ["table", "json", "csv"] {
            shop.ok(&["report", report, "--format", format]);
        }
    }
    write_pages(&shop, "2026-03-01");
    assert!(page(&shop, "index.html").contains("No revenue yet."));
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
    for part in ["€180.00", "notice of suspension, 3 Mar 2026", "At rest", ">disputed</td>"] {
        assert!(overdue.contains(part), "{part}: {overdue}");
    }
    let paid = page(&shop, "transactions.html");
    for part in ["cash</th><td class=\"num\">1</td>", "2 Mar: €20.00", ">R1</span></td>", "100%"]
    {
        assert!(paid.contains(part), "{part}: {paid}");
    }
    // A chart over time that has no room shows its newest end first, and is not blown up where it has.
    for name in ["index.html", "mrr.html", "transactions.html", "automation.html"] {
        let text = page(&shop, name);
        let charts = text.matches("<svg class=\"chart\"").count();
        assert_eq!(text.matches("class=\"scroll newest\"").count(), charts, "{name}");
        assert!(text.contains("max-width: 760px"), "{name}");
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
fn the_overview_says_how_revenue_holds_and_what_comes_next() {
    let shop = Shop::new();
    shop.plan("monthly", "31", "1", &[]);
    for tenant in ["acme", "brew", "cafe"] {
        shop.tenant(tenant);
        shop.subscribe(tenant, "monthly", "2026-01-01", &[]);
    }
    shop.subscribe("acme", "monthly", "2026-02-10", &["--quantity", "2"]);
    for (tenant, day) in [("dent", "2026-02-01"), ("echo", "2026-02-02")] {
        shop.tenant(tenant);
        shop.subscribe(tenant, "monthly", day, &["--trial-days", "14"]);
    }
    let sold = ["payment-method", "create", "--tenant", "dent", "--kind", "card", "--token", "tok"];
    shop.ok(&[&sold[..], &["--default", "--as-of", "2026-02-02"]].concat());
    let convert = "database = \"billing.db\"\ncurrency = \"EUR\"\nlocale = \"en\"\n[trials]\non_end = \"convert\"\n";
    shop.write("billing.toml", convert);
    shop.task("cleanup-expired-trials", "2026-02-20", &[]);
    shop.ok(&["subscription", "cancel", "sub_3", "--now", "--yes", "--as-of", "2026-02-25"]);
    for day in ["2026-02-01", "2026-03-01"] {
        shop.task("generate-recurring-invoices", day, &[]);
    }
    write_pages(&shop, "2026-03-02");
    let index = page(&shop, "index.html");
    let figure = |name: &str| {
        let after = index.split(&format!("<dt>{name}")).nth(1).unwrap_or_else(|| panic!("{name}"));
        after.split("<span>").nth(1).and_then(|s| s.split('<').next()).unwrap_or("").to_owned()
    };
    // Three at 31.00 on 1 February, of which one left.
    assert_eq!(figure("Churn, Feb 2026"), "33.3%");
    // … and one grew by 62.00.
    assert_eq!(figure("Net revenue retention, Feb 2026"), "133.3%");
    // Four times 31.00 of acme and brew, and dent's.
    assert_eq!(figure("Revenue per customer, EUR"), "€51.67");
    assert_eq!(figure("Trials that became paid, 30 days"), "50%");
    assert_eq!(figure("To be invoiced in 30 days"), "€155.00");
    for part in [
        "<tr><th scope=\"row\">monthly</th><td class=\"num\">4</td><td class=\"num\">€155.00</td></tr>",
        "<tr><th scope=\"row\">Jan 2026</th><td class=\"num\">3</td><td class=\"num\">2</td>",
    ] {
        assert!(index.contains(part), "{part}: {index}");
    }
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
    std::fs::copy(pages.join("tenants/acme.html"), pages.join("tenants/gone.html")).unwrap();
    std::fs::write(pages.join("notes.txt"), "mine").unwrap();
    std::fs::write(pages.join("tenants/mine.html"), "mine").unwrap();
    let before = page(&shop, "index.html");
    let reader = std::fs::File::open(pages.join("index.html")).unwrap();
    write_pages(&shop, "2026-03-02");
    assert!(!pages.join("tenants/gone.html").exists() && pages.join("tenants/acme.html").exists());
    assert_eq!(
        (page(&shop, "notes.txt"), page(&shop, "tenants/mine.html")),
        ("mine".into(), "mine".into())
    );
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
fn a_long_list_of_debtors_is_cut_and_says_so() {
    let shop = Shop::new();
    let (mut tenants, mut invoices) =
        ("slug,name,email\n".to_owned(), "number,tenant,total,issued_on,due_on\n".to_owned());
    for nth in 1..=1001 {
        tenants += &format!("t{nth:04},Customer {nth},t{nth}@clients.example\n");
        invoices += &format!("OLD-{nth},t{nth:04},{nth},2026-01-01,2026-01-31\n");
    }
    shop.write("tenants.csv", &tenants);
    shop.write("invoices.csv", &invoices);
    for kind in ["tenants", "invoices"] {
        shop.ok(&["import", kind, &format!("{kind}.csv"), "--as-of", "2026-02-01", "--quiet"]);
    }
    write_pages(&shop, "2026-03-01");
    let overdue = page(&shop, "overdue.html");
    assert!(overdue.contains("The 1000 largest; 1 more are not shown"), "{overdue}");
    // The smallest of them is the one that is left out.
    assert!(overdue.contains("tenants/t0002.html") && !overdue.contains("tenants/t0001.html"));
    assert!(page(&shop, "tenants.html").contains("tenants/t0001.html"));
}

#[test]
fn a_refused_run_leaves_no_folder_and_a_killed_one_is_cleared_away_in_time() {
    let shop = Shop::new();
    let out = shop.path("new/deep/pages");
    let out = out.to_str().unwrap();
    assert_eq!(
        shop.refusal(&["report", "html", "--out", out, "--db", "missing.db"]),
        "no_database"
    );
    let bad = "[kpi]\nacquisition_spend = \"10.001\"\n";
    shop.write("bad.toml", bad);
    let db = shop.path("billing.db");
    let config = shop.path("bad.toml");
    let with = ["--config", config.to_str().unwrap(), "--db", db.to_str().unwrap()];
    shop.refusal(&[&["report", "html", "--out", out], &with[..]].concat());
    assert!(!shop.path("new").exists());

    let left = |id: &str| shop.path(&format!("pages.{id}.part"));
    let (old, young) = (left("0123456789abcdef0123456789abcdef"), left(&"f".repeat(32)));
    for part in [&old, &young, &shop.path("pages.mine.part")] {
        std::fs::create_dir(part).unwrap();
    }
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    std::fs::File::open(&old).unwrap().set_modified(long_ago).unwrap();
    write_pages(&shop, "2026-03-01");
    assert!(!old.exists() && young.exists() && shop.path("pages.mine.part").exists());
    // One with something of someone else in it.
    std::fs::create_dir(&old).unwrap();
    std::fs::write(old.join("mine.txt"), "mine").unwrap();
    std::fs::File::open(&old).unwrap().set_modified(long_ago).unwrap();
    write_pages(&shop, "2026-03-01");
    assert!(old.join("mine.txt").exists());
    // A link would lead the pages out of the folder.
    let (tenants, elsewhere) = (shop.path("pages/tenants"), shop.path("elsewhere"));
    std::fs::rename(&tenants, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &tenants).unwrap();
    let pages = shop.path("pages");
    let again = ["--as-of", "2026-03-01", "report", "html", "--out", pages.to_str().unwrap()];
    assert!(shop.run(&again).stderr.contains("symbolic link"));
}

#[test]
fn a_page_of_a_past_day_says_that_statements_are_of_now() {
    let shop = Shop::new();
    let day = ["--as-of", "2026-01-01"];
    let tenant = ["tenant", "create", "acme", "--name", "Acme", "--email", "a@clients.example"];
    shop.ok(&[&tenant[..], &day].concat());
    shop.ok(&[&["invoice", "create", "--tenant", "acme", "--amount", "100"][..], &day].concat());
    let says = |day: &str| {
        write_pages(&shop, day);
        page(&shop, "tenants/acme.html").contains("The database holds later entries")
    };
    shop.ok(&["invoice", "pay", "INV-2026-000001", "--amount", "20", "--as-of", "2026-03-05"]);
    assert!(says("2026-03-04"));
    assert!(!says("2026-03-05"));
}

#[test]
fn a_french_page_speaks_french() {
    let shop = Shop::new();
    let number = shop.owes("acme", "2026-01-10");
    shop.task("check-overdue", "2026-01-25", &[]);
    shop.task("check-overdue", "2026-02-09", &[]);
    let config = "database = \"billing.db\"\ncurrency = \"EUR\"\nlocale = \"fr\"\n";
    std::fs::write(shop.path("billing.toml"), config).expect("billing.toml");
    write_pages(&shop, "2026-02-10");
    let tenant = page(&shop, "tenants/acme.html");
    assert!(tenant.contains(&format!("facture {number} échue depuis 30 jours")), "{tenant}");
    for name in ["index.html", "mrr.html", "overdue.html", "transactions.html", "automation.html"] {
        let text = page(&shop, name);
        for word in ["rélèvement", "ourriel", "Départs", "Réduction", " :</", " ; "] {
            assert!(!text.contains(word), "{name}: {word}");
        }
    }
    assert!(page(&shop, "index.html").contains("Aucun revenu pour l’instant."));
}
