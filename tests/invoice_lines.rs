//! Invoices of several lines that were typed: what they come to, on whatever shows or takes them.
mod support;

use billing::domain::money::scaled;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use support::Shop;
use support::subscriptions::text;

/// A seller and a buyer of whom an e-invoice lacks nothing.
const SELLER: &str = "
[company]
name = \"Example SARL\"
country = \"FR\"
street = \"1 rue de la Paix\"
postcode = \"75002\"
city = \"Paris\"
legal_id = \"552100554\"
vat_id = \"FR27552100554\"
electronic_address = \"552100554\"
[invoicing]
tax_rate = \"20\"
";

fn shop() -> Shop {
    let shop = Shop::with_config(SELLER);
    let named = ["--name", "Atelier SARL", "--email", "a@atelier.example", "--country", "FR"];
    let place = ["--street", "5 rue du Lac", "--postcode", "69001", "--city", "Lyon"];
    let numbers = ["--legal-id", "301502401", "--vat-id", "FR12301502401"];
    shop.ok(&[&["tenant", "create", "atelier"][..], &named, &place, &numbers].concat());
    shop
}

const DAY: [&str; 2] = ["--as-of", "2026-03-02"];

/// An invoice over those lines.
fn bill(shop: &Shop, lines: &[&str], more: &[&str]) -> Value {
    let lines: Vec<&str> = lines.iter().flat_map(|line| ["--line", line]).collect();
    shop.json(&[&["invoice", "create", "--tenant", "atelier"], &lines[..], more, &DAY].concat())
}

fn field(lines: &Value, name: &str) -> Vec<String> {
    let lines = lines.as_array().expect("lines");
    lines
        .iter()
        .map(|line| line[name].as_str().map_or(line[name].to_string(), str::to_owned))
        .collect()
}

fn sum(lines: &Value, name: &str) -> Decimal {
    field(lines, name).iter().map(|amount| amount.parse::<Decimal>().expect("an amount")).sum()
}

fn exact(value: &Value) -> Decimal {
    text(value).parse().expect("an amount")
}

const LINES: [&str; 4] =
    ["Support: on site:1.5:80.00", "SMS:12345:0.0123", "Training:3:33.335", "A gift:2:0"];

#[test]
fn an_invoice_has_its_lines_in_their_order_each_rounded_once() {
    let shop = shop();
    let made = bill(&shop, &LINES, &[]);
    let lines = &made["lines"];
    assert_eq!(field(lines, "description"), ["Support: on site", "SMS", "Training", "A gift"]);
    assert_eq!(lines[0]["quantity"], "1.5");
    assert_eq!(lines[1]["quantity"], 12345);
    assert_eq!(field(lines, "unit_price"), ["80.00", "0.0123", "33.335", "0.00"]);
    // 151.8435 and 100.005.
    assert_eq!(field(lines, "amount"), ["120.00", "151.84", "100.01", "0.00"]);
    assert_eq!((&made["subtotal"], &made["tax"]), (&json!("371.85"), &json!("74.37")));
    assert_eq!(made["total"], "446.22");
    let number = text(&made["number"]);
    assert_eq!(shop.json(&["invoice", "show", &number, "--as-of", "2026-03-02"]), made);
    let shown = shop.ok(&["invoice", "show", &number]);
    assert!(shown.contains("Support: on site"), "{shown}");
    shop.check();
}

#[test]
fn a_coupon_comes_off_all_lines_and_the_parts_are_the_whole() {
    let shop = shop();
    let coupon = ["coupon", "create", "TEN", "--name", "Ten", "--percent", "10"];
    shop.ok(&[&coupon[..], &["--until", "2026-12-31", "--from", "2026-01-01"]].concat());
    for basis in ["--tax-inclusive", "--tax-exclusive"] {
        let coupon: &[&str] = if basis == "--tax-inclusive" { &["--coupon", "TEN"] } else { &[] };
        let made = bill(&shop, &LINES, &[&[basis], coupon].concat());
        let lines = &made["lines"];
        assert_eq!(sum(lines, "amount"), exact(&made["subtotal"]), "{basis}");
        assert_eq!(sum(lines, "discount"), exact(&made["discount"]), "{basis}");
        assert_eq!(sum(lines, "net"), exact(&made["net"]), "{basis}");
        let discount = if coupon.is_empty() { "0.00" } else { "37.19" };
        assert_eq!(made["discount"], discount, "{basis}");
        let total = if coupon.is_empty() { "446.22" } else { "334.66" };
        assert_eq!(made["total"], total, "{basis}");
    }
    shop.check();
}

#[test]
fn what_an_invoice_takes_besides_its_lines_it_takes_still() {
    let shop = shop();
    let dates = ["--issued-on", "2026-02-27", "--due-on", "2026-03-31"];
    let more = ["--number", "INV-2026-000001", "--send"];
    let made = bill(&shop, &["Support:1:80"], &[&dates[..], &more].concat());
    assert_eq!(made["number"], "INV-2026-000001");
    assert_eq!((&made["issued_on"], &made["due_on"]), (&json!("2026-02-27"), &json!("2026-03-31")));
    let sent = shop.json(&["email", "list", "--tenant", "atelier"]);
    assert_eq!(sent.as_array().map(Vec::len), Some(1));
    // Over nothing, it is issued as paid.
    assert_eq!(bill(&shop, &["A gift:2:0"], &[])["status"], "paid");
    shop.check();
}

#[test]
fn a_key_makes_lines_once_and_knows_their_order() {
    let shop = shop();
    let key = ["--idempotency-key", "order-7"];
    let first = bill(&shop, &["a:1:10", "b:2:20"], &key);
    assert_eq!(bill(&shop, &["a:1:10", "b:2:20"], &key), first);
    let again =
        ["invoice", "create", "--tenant", "atelier", "--line", "b:2:20", "--line", "a:1:10"];
    assert_eq!(shop.refusal(&[&again[..], &key, &DAY].concat()), "idempotency_key_reused");
    assert_eq!(shop.json(&["invoice", "list"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn bad_lines_are_all_named_and_nothing_is_changed() {
    let shop = shop();
    let coupon = ["coupon", "create", "TEN", "--name", "Ten", "--percent", "10"];
    shop.ok(&[&coupon[..], &["--until", "2026-12-31"]].concat());
    let before = shop.contents();
    let lines = ["Fine:1:1", "Support", "a:0:1", ":1.00001:-5", "Fine:2:2", "b:1:0.0000000000001"];
    let lines: Vec<&str> = lines.iter().flat_map(|line| ["--line", line]).collect();
    let create = [&["invoice", "create", "--tenant", "atelier"], &lines[..]].concat();
    let error = shop.refused(&[&create[..], &["--coupon", "TEN", "--send"], &DAY].concat());
    assert_eq!(error["code"], "bad_lines");
    let named: Vec<_> = error["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|bad| (bad["line"].as_u64().expect("a position"), text(&bad["code"])))
        .collect();
    let expected = [
        (2, "bad_line"),
        (3, "bad_quantity"),
        (4, "missing_value"),
        (4, "bad_quantity"),
        (4, "negative_amount"),
        (6, "too_many_decimals"),
    ];
    assert_eq!(named, expected.map(|(line, code)| (line, code.to_owned())));
    assert!(text(&error["message"]).starts_with("4 of 6 lines cannot be billed\n  line 2: "));
    support::assert_same("after a refusal", &shop.contents(), &before);
    // Each fits, and together they do not.
    let large = ["--line", "a:1:9000000000000", "--line", "b:1:9000000000000"];
    let create = [&["invoice", "create", "--tenant", "atelier"], &large[..], &DAY].concat();
    assert_eq!(shop.refusal(&create), "amount_too_large");
}

#[test]
fn lines_stand_in_place_of_an_amount() {
    let shop = shop();
    let line = ["--line", "a:1:1"];
    for more in [&["--amount", "5"][..], &["--description", "x"]] {
        let create = [&["invoice", "create", "--tenant", "atelier"], &line[..], more].concat();
        assert_eq!(shop.run(&create).status, 2, "{more:?}");
    }
    let neither = shop.run(&["invoice", "create", "--tenant", "atelier"]);
    assert_eq!(neither.status, 2);
    assert!(neither.stderr.contains("--amount"), "{}", neither.stderr);
}

#[test]
fn credit_notes_take_lines_by_their_position_and_add_up_to_the_invoice() {
    let shop = shop();
    let made = bill(&shop, &LINES, &[]);
    let number = text(&made["number"]);
    let note = |how: &[&str]| {
        let create = ["credit-note", "create", "--invoice", &number, "--reason", "error"];
        shop.json(&[&create[..], how, &DAY].concat())
    };
    let notes =
        [note(&["--line", "2"]), note(&["--line", "1:20.00", "--line", "3"]), note(&["--full"])];
    assert_eq!(field(&notes[0]["lines"], "description"), ["SMS"]);
    assert_eq!(notes[0]["subtotal"], "151.84");
    for name in ["tax", "total"] {
        let all: Decimal = notes.iter().map(|note| exact(&note[name])).sum();
        assert_eq!(all, exact(&made[name]), "{name}");
    }
    shop.check();
}

/// What stands between two marks, each time.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let parts = text.split(start).skip(1);
    parts.map(|part| part.split(end).next().expect("an end")).collect()
}

#[test]
fn documents_carry_the_lines_and_each_equation_holds_to_the_cent() {
    let shop = shop();
    let lines = [&LINES[..], &["Bits:1234567:0.000000123", "Hours:0.3333:99.99"]].concat();
    for basis in ["--tax-exclusive", "--tax-inclusive"] {
        let made = bill(&shop, &lines, &[basis]);
        let number = text(&made["number"]);
        let pdf = shop.command(&["invoice", "pdf", &number, "--out", "-"]).output().expect("a PDF");
        assert!(pdf.stdout.starts_with(b"%PDF"), "{}", String::from_utf8_lossy(&pdf.stderr));
        let checked = shop.run(&["invoice", "check", &number]);
        assert_eq!(checked.status, 0, "{}", checked.stdout);
        let xml = shop.ok(&["invoice", "xml", &number]);
        let (open, close) =
            ("<ram:IncludedSupplyChainTradeLineItem>", "</ram:IncludedSupplyChainTradeLineItem>");
        let items = between(&xml, open, close);
        assert_eq!(items.len(), lines.len());
        for (item, line) in items.iter().zip(made["lines"].as_array().expect("lines")) {
            let one = |name: &str| {
                let found = between(item, &format!("<ram:{name}"), "</ram:");
                let number = found.first().map(|text| text.split_once('>').expect("a tag").1);
                number.map(|number| number.parse::<Decimal>().expect("a number"))
            };
            let (quantity, price) = (one("BilledQuantity"), one("ChargeAmount"));
            let base = one("BasisQuantity").unwrap_or(Decimal::ONE);
            let product = quantity.expect("a quantity") * price.expect("a price") / base;
            let net = one("LineTotalAmount").expect("a net");
            assert_eq!(scaled(product, 2), net, "{basis}: {item}");
            assert_eq!(net, exact(&line["net"]), "{basis}: {item}");
        }
    }
}
