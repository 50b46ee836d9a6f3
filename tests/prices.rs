//! Prices: how they are typed and stored, what they print, what the audit trail says of them, and what
//! subscriptions that have one are billed, today and after it was archived.
mod support;

use billing::clock::Clock;
use billing::domain::price::{Model, PriceTerms, Tier, Tiers};
use billing::domain::{Currency, Refusal, Result, plan};
use billing::failure::Failure;
use billing::store::{Access, Store};
use serde_json::{Value, json};
use support::Shop;
use support::subscriptions::{GENERATE, text};

/// The code with which something is refused.
fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    Failure::from(&result.expect_err("a refusal")).code
}

#[test]
fn what_is_wrong_with_tiers_is_told() {
    let read = |tiers: &[&str]| -> Result<Tiers> {
        let tier = |text: &&str| Tier::parse(text, Currency::EUR, str::to_owned);
        Tiers::of(tiers.iter().map(tier).collect::<Result<_>>()?)
    };
    assert!(read(&["10:5.00", "inf:4.00:20"]).is_ok());
    for (tiers, expected) in [
        (["10:5.00", "inf"], "bad_tier"),
        (["10:5.00", "10:4.00"], "tiers_out_of_order"),
        (["inf:5.00", "20:4.00"], "tiers_out_of_order"),
        (["10:5.00", "20:4.00"], "tiers_without_end"),
        (["10:5.00", "inf:0.0000000000001"], "too_many_decimals"),
        (["10:5.00", "inf:1:0.001"], "too_many_decimals"),
    ] {
        assert_eq!(code(read(&tiers)), expected, "{tiers:?}");
    }
}

/// As it is read again, so it was written; where all are archived, nobody can subscribe.
#[test]
fn a_plan_has_one_live_price_a_currency() {
    let shop = Shop::new();
    shop.plan("team", "9", "1", &[]);
    let clock = Clock::new(Some("2026-01-01"), chrono_tz::UTC).expect("a date");
    let mut store = Store::open(&shop.path("billing.db"), Access::Write).expect("the database");
    let tier = |text| Tier::parse(text, Currency::EUR, str::to_owned).expect("a tier");
    let tiers = Tiers::of(vec![tier("10:5.00"), tier("inf:0.0004:20")]).expect("tiers");
    let mut terms = PriceTerms::plain(Model::Volume { tiers });
    terms.included = 3;
    let new = plan::NewPrice { meter: None, currency: Currency::XOF, terms };
    let act = clock.act("test");
    let written = store.write(|db| {
        let team = db.plan("team")?;
        db.insert_price(&act, team.id, &team.code, &new)?;
        let again = db.insert_price(&act, team.id, &team.code, &new);
        assert!(matches!(again, Err(Refusal::PriceExists { .. })), "{again:?}");
        assert_eq!(code(again), "price_exists");
        assert_eq!(db.plan_in("team", Currency::XOF)?.price.terms, new.terms);
        for listed in db.prices(team.id)? {
            db.plan("team")?.check_offered()?;
            db.archive_price(&act, listed.price.id)?;
        }
        assert_eq!(code(db.plan("team")?.check_offered()), "no_price");
        // It was the last one.
        assert_eq!(db.plan("team")?.price.terms, new.terms);
        Ok(())
    });
    written.expect("prices");
}

/// A shop with a plan `team` at 9.00 EUR a month, and its customer `acme`.
fn shop() -> Shop {
    let shop = Shop::new();
    shop.plan("team", "9", "1", &["--as-of", "2026-01-01"]);
    shop.tenant("acme");
    shop
}

/// Adds a price to `team`.
fn add(shop: &Shop, flags: &[&str]) -> Value {
    shop.json(&[&["plan", "price", "add", "team", "--as-of", "2026-01-01"], flags].concat())
}

/// Archives the price of `team` in EUR.
fn archive(shop: &Shop, day: &str) -> Value {
    shop.json(&["plan", "price", "archive", "team", "--currency", "EUR", "--as-of", day])
}

const TIERED: &[&str] =
    &["--model", "graduated", "--tier", "2:8", "--tier", "inf:0.0004:5", "--minimum", "10"];

#[test]
fn a_price_is_printed_with_all_that_it_says() {
    let shop = shop();
    let at = "2026-01-01T12:00:00Z";
    archive(&shop, "2026-01-01");
    let tiered = add(&shop, &[TIERED, &["--included", "3"]].concat());
    let expected = json!({
        "plan": "team", "currency": "EUR", "model": "graduated",
        "says": "to 2: 8.00; to inf: 0.0004 + 5.00", "unit_amount": null, "meter": null,
        "percent": null, "tiers": [
            { "up_to": 2, "unit": "8.00", "flat": "0.00" },
            { "up_to": null, "unit": "0.0004", "flat": "5.00" },
        ],
        "package_size": null, "included": 3, "minimum": "10.00", "archived": false,
        "archived_at": null, "created_at": at,
    });
    assert_eq!(tiered, expected);
    let package = add(
        &shop,
        &["--currency", "XOF", "--model", "package", "--price", "500", "--package-size", "9"],
    );
    assert_eq!(package["unit_amount"], "500");
    assert_eq!((&package["package_size"], &package["tiers"]), (&json!(9), &Value::Null));

    // The list has all of them, the oldest first, and so has the plan, which shows the first live one.
    let list = shop.json(&["plan", "price", "list", "team"]);
    let first = &list[0];
    assert_eq!((&first["model"], &first["archived_at"]), (&json!("per_unit"), &json!(at)));
    assert_eq!((&list[1], &list[2]), (&tiered, &package));
    let newest = shop.json(&["plan", "price", "list", "team", "--limit", "1"]);
    assert_eq!(newest, json!([package]));
    let plan = shop.json(&["plan", "show", "team"]);
    assert_eq!(plan["prices"], list);
    assert_eq!((&plan["price"], &plan["currency"]), (&Value::Null, &json!("EUR")));
    assert_eq!(shop.json(&["plan", "list"])[0], plan);
}

#[test]
fn the_audit_trail_tells_of_prices_and_of_an_edit() {
    let shop = shop();
    add(&shop, &[&["--currency", "USD"], TIERED].concat());
    archive(&shop, "2026-01-02");
    shop.ok(&["plan", "edit", "team", "--name", "Crew", "--trial-days", "7"]);
    let one = |kind: &str| {
        let found = shop.json(&["event", "list", "--kind", kind]);
        assert_eq!(found.as_array().map(Vec::len), Some(1), "{kind}");
        found[0]["data"].clone()
    };
    let added = json!({
        "plan": "team", "meter": null, "model": "graduated", "unit_amount": null, "percent": null,
        "tiers": [
            { "up_to": 2, "unit": "8.00", "flat": "0.00" },
            { "up_to": null, "unit": "0.0004", "flat": "5.00" },
        ],
        "package_size": null, "included": 0, "minimum": "10.00", "currency": "USD",
    });
    assert_eq!(one("plan_price_added"), added);
    let archived = one("plan_price_archived");
    assert_eq!(
        (&archived["unit_amount"], &archived["currency"], &archived["tiers"]),
        (&json!("9.00"), &json!("EUR"), &Value::Null)
    );
    let edited = one("plan_edited");
    assert_eq!(edited["changed"], json!(["name", "trial_days"]));
    assert_eq!(edited["after"], json!({ "name": "Crew", "trial_days": 7 }));
    assert_eq!(edited["imported"], json!(false));
}

/// The price of a plan changes; who had it before is billed on at the old one, whoever comes pays the
/// new one, and so does who changes to the plan.
#[test]
fn an_archived_price_is_kept_by_who_has_it_and_given_to_nobody_else() {
    let shop = shop();
    shop.plan("solo", "5", "1", &["--as-of", "2026-01-01"]);
    let before = shop.subscribe("acme", "team", "2026-01-01", &["--quantity", "3"]);
    let other = shop.subscribe("acme", "solo", "2026-01-01", &["--quantity", "3"]);
    archive(&shop, "2026-01-10");
    let begin = ["subscription", "create", "--tenant", "acme", "--plan", "team"];
    assert_eq!(shop.refusal(&begin), "no_price");
    let change = ["subscription", "change", other.as_str(), "--plan", "team"];
    let change = [change.as_slice(), &["--as-of", "2026-01-20"]].concat();
    assert_eq!(shop.refusal(&change), "no_price");
    add(&shop, TIERED);
    shop.ok(&change);
    // Going back to its own plan keeps the price, and so does another quantity.
    shop.ok(&["subscription", "change", &before, "--quantity", "4", "--as-of", "2026-01-20"]);
    let after = shop.subscribe(
        "acme",
        "team",
        "2026-01-20",
        &["--quantity", "3", "--anchor", "anniversary"],
    );
    shop.task(GENERATE, "2026-02-01", &[]);
    let sql = shop.sql();
    let lines = |subscription: &str| -> Vec<String> {
        let mut statement = sql
            .prepare(
                "SELECT i.period_start || ' ' || l.description || ' ' || l.quantity || ' × '
                   || l.unit_price || ' = ' || l.amount_minor
                 FROM invoices i JOIN invoice_lines l ON l.invoice_id = i.id
                 WHERE 'sub_' || i.subscription_id = ?1 ORDER BY i.id, l.position",
            )
            .expect("the lines");
        let lines = statement.query_map([subscription], |row| row.get(0)).expect("rows");
        lines.collect::<rusqlite::Result<_>>().expect("lines")
    };
    let of_team = |day: &str| {
        vec![
            format!("{day} team, 1 to 2 2 × 8 = 1600"),
            format!("{day} team, from 3 1 × 0.0004 = 0"),
            format!("{day} team, flat fee from 3 1 × 5.00 = 500"),
        ]
    };
    let kept = ["2026-01-01 team 3 × 9.00 = 2700", "2026-02-01 team 4 × 9.00 = 3600"];
    assert_eq!(lines(&before), kept);
    let mut changed = vec!["2026-01-01 solo 3 × 5.00 = 1500".to_owned()];
    changed.extend(of_team("2026-02-01"));
    assert_eq!(lines(&other), changed);
    assert_eq!(lines(&after), of_team("2026-01-20"));
    // 36.00, 21.00 and 21.00.
    let months = shop.json(&["report", "mrr", "--as-of", "2026-02-01"]);
    let last = months["months"].as_array().and_then(|months| months.last()).expect("a month");
    assert!(last.to_string().contains("\"78.00\""), "{last}");
    shop.check();
}

/// A coupon and the tax are of all lines together, and what a credit note takes back is a line, too.
#[test]
fn coupons_tax_and_credit_notes_take_every_line() {
    let shop = shop();
    archive(&shop, "2026-01-01");
    let flags = ["--model", "graduated", "--tier", "2:8", "--tier", "inf:5.55", "--minimum", "40"];
    add(&shop, &flags);
    shop.ok(&["tenant", "edit", "acme", "--tax-rate", "20"]);
    shop.ok(&[
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
        "--plan",
        "team",
    ]);
    shop.subscribe("acme", "team", "2026-01-01", &["--quantity", "3", "--coupon", "HALF"]);
    let invoice = shop.json(&["invoice", "show", "INV-2026-000001"]);
    // 16.00, 5.55 and 18.45 to the minimum.
    let amounts: Vec<_> = invoice["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| (text(&line["amount"]), text(&line["discount"])))
        .collect();
    let pair = |amount: &str, discount: &str| (amount.to_owned(), discount.to_owned());
    assert_eq!(amounts[0], pair("16.00", "8.00"));
    assert_eq!((amounts[1].0.as_str(), amounts[2].0.as_str()), ("5.55", "18.45"));
    let totals = ["subtotal", "discount", "tax", "total"].map(|name| text(&invoice[name]));
    assert_eq!(totals, ["40.00", "20.00", "4.00", "24.00"]);
    shop.ok(&[
        "credit-note",
        "create",
        "--invoice",
        "INV-2026-000001",
        "--line",
        "3",
        "--reason",
        "error",
    ]);
    shop.check();
}

/// What is imported again finds the price in its currency, whatever the plan has besides.
#[test]
fn plans_are_imported_again_beside_their_other_prices() {
    let shop = Shop::new();
    let file = "code,name,price,currency,interval\npro,Pro,50,EUR,month\n";
    shop.write("plans.csv", file);
    shop.ok(&["import", "plans", "plans.csv"]);
    shop.ok(&[
        "plan",
        "price",
        "add",
        "pro",
        "--currency",
        "XOF",
        "--model",
        "flat",
        "--price",
        "30000",
    ]);
    let again = shop.json(&["import", "plans", "plans.csv"]);
    assert_eq!(again["skipped"], 1, "{again}");
    shop.ok(&["plan", "price", "archive", "pro", "--currency", "EUR"]);
    let flags = ["--currency", "EUR", "--model", "per_unit", "--price", "50", "--minimum", "60"];
    shop.ok(&[&["plan", "price", "add", "pro"], flags.as_slice()].concat());
    let refused = shop.run(&["import", "plans", "plans.csv", "--update"]);
    assert!(refused.stderr.contains("never change"), "{}", refused.stderr);
}
