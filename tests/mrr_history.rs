//! Half a year of twenty subscriptions, made by the commands that an operator would type, and what
//! `report mrr` has to say of each month, worked out by hand.
//!
//! What each customer comes to at the end of a month (none pays, so most are past due: they count):
//!
//! ```text
//! EUR     Jan     Feb     Mar     Apr     May     Jun
//! ben      30.00   30.00   50.00   50.00   50.00   50.00  basic, pro from March; cancels, then not
//! cleo     50.00   50.00   50.00   30.00   30.00   30.00  pro, basic from April
//! dan       0.00   60.00   60.00  100.00  100.00   40.00  3 seats, 5 from April, 2 from June
//! eva      83.33   83.33   83.33   83.33   83.33   83.33  1000 a year ÷ 12
//! finn      0.00   30.00   30.00   30.00   30.00   30.00  half off, once: MRR stays
//! hugo      0.00   25.00   25.00   50.00   50.00   50.00  pro, half off for February and March
//! ines      0.00   30.00   30.00   30.00   30.00   30.00  on trial to 13 February
//! jon       0.00    0.00    0.00    0.00    0.00    0.00  a trial and no more
//! kim      30.00    0.00    0.00    0.00   50.00   50.00  canceled, back with another
//! lea      50.00   50.00   50.00    0.00    0.00    0.00  canceled in March, runs to its end
//! nils      0.00   50.00    0.00    0.00   50.00   50.00  suspended in March, back in May
//! olga      0.00    0.00   30.00  103.33   73.33   73.33  basic to May; (1000 - 120) ÷ 12 too
//! pia       0.00    0.00    0.00    0.00   30.00   30.00  March and April are free
//! quin      0.00    0.00    0.00    0.00    0.00   30.00  one that never began, one in June
//! sum     243.33  408.33  408.33  476.67  576.67  546.67  two thirds of a cent from April on
//!
//! XOF     Jan     Feb     Mar     Apr     May     Jun
//! awa      10000   10000   15000   15000   15000       0  cfa, plus from March, canceled in June
//! bila      8333    8333    8333       0       0       0  100000 a year ÷ 12, canceled in April
//! coly         0       0   18000   18000    9000    9000  two less 10 % forever, one from May
//! sum      18333   18333   41333   33000   24000    9000
//! ```
//!
//! What moved it:
//!
//! ```text
//! EUR 01    0.00 + 243.33 (ben, cleo, eva, kim, lea are new)                               = 243.33
//! EUR 02  243.33 + 195.00 (dan 60, finn 30, hugo 25, ines 30, nils 50 are new) - 30 (kim)  = 408.33
//! EUR 03  408.33 + 30 (olga is new) + 20 (ben) - 50 (nils)                                 = 408.33
//! EUR 04  408.33 + 138.33 (dan 40, hugo 25, olga 73.33) - 20 (cleo) - 50 (lea)             = 476.67
//! EUR 05  476.67 + 30 (pia is new) + 100 (kim and nils are back) - 30 (olga)               = 576.67
//! EUR 06  576.67 + 30 (quin is new) - 60 (dan)                                             = 546.67
//! XOF 01       0 + 18333 (awa, bila are new)                                               =  18333
//! XOF 02   18333                                                                           =  18333
//! XOF 03   18333 + 18000 (coly is new) + 5000 (awa)                                        =  41333
//! XOF 04   41333 - 8333 (bila)                                                             =  33000
//! XOF 05   33000 - 9000 (coly)                                                             =  24000
//! XOF 06   24000 - 15000 (awa)                                                             =   9000
//! ```
//!
//! Pia and quin are new and not reactivated: neither came to anything before.
mod support;

use serde_json::Value;
use support::Shop;
use support::subscriptions::{CLEANUP, GENERATE};

/// The same as the program has to say it. ARR is twelve times MRR.
const EXPECTED: &str = "\
month,until,currency,start,new,expansion,reactivation,contraction,churn,mrr,arr,customers,subscriptions
2026-01,2026-01-31,EUR,0.00,243.33,0.00,0.00,0.00,0.00,243.33,2919.96,5,5
2026-01,2026-01-31,XOF,0,18333,0,0,0,0,18333,219996,2,2
2026-02,2026-02-28,EUR,243.33,195.00,0.00,0.00,0.00,-30.00,408.33,4899.96,9,9
2026-02,2026-02-28,XOF,18333,0,0,0,0,0,18333,219996,2,2
2026-03,2026-03-31,EUR,408.33,30.00,20.00,0.00,0.00,-50.00,408.33,4899.96,9,9
2026-03,2026-03-31,XOF,18333,18000,5000,0,0,0,41333,495996,3,3
2026-04,2026-04-30,EUR,408.33,0.00,138.34,0.00,-20.00,-50.00,476.67,5720.04,8,9
2026-04,2026-04-30,XOF,41333,0,0,0,0,-8333,33000,396000,2,2
2026-05,2026-05-31,EUR,476.67,30.00,0.00,100.00,-30.00,0.00,576.67,6920.04,11,11
2026-05,2026-05-31,XOF,33000,0,0,0,-9000,0,24000,288000,2,2
2026-06,2026-06-30,EUR,576.67,30.00,0.00,0.00,-60.00,0.00,546.67,6560.04,12,12
2026-06,2026-06-30,XOF,24000,0,0,0,0,-15000,9000,108000,1,1
";

/// Plans, coupons and customers.
fn offers() -> Shop {
    let shop = Shop::with_config("[trials]\non_end = \"convert\"\n");
    for (code, price) in [("basic", "30"), ("pro", "50"), ("seat", "20")] {
        shop.plan(code, price, "1", &[]);
    }
    // A year in months, and in years.
    shop.plan("year", "1000", "12", &[]);
    let year = ["plan", "create", "cfa-year", "--name", "Year", "--price", "100000"];
    shop.ok(&[&year[..], &["--currency", "XOF", "--interval", "year"]].concat());
    for (code, price) in [("cfa", "10000"), ("cfa-plus", "15000")] {
        shop.plan(code, price, "1", &["--currency", "XOF"]);
    }
    for (code, discount, duration) in [
        ("HELLO", ["--percent", "50"], "once"),
        ("START", ["--percent", "50"], "2"),
        ("FREE", ["--percent", "100"], "2"),
        ("LOYAL", ["--percent", "10"], "forever"),
        ("FIXED", ["--amount", "120"], "forever"),
    ] {
        shop.coupon(code, &[&discount[..], &["--duration", duration]].concat());
    }
    for tenant in [
        "ben", "cleo", "dan", "eva", "finn", "hugo", "ines", "jon", "kim", "lea", "nils", "olga",
        "pia", "quin", "awa", "bila", "coly",
    ] {
        shop.tenant(tenant);
    }
    shop.pays_by_itself("ines");
    shop
}

/// The nightly runs of a day.
fn night(shop: &Shop, day: &str) {
    for task in [CLEANUP, GENERATE] {
        shop.task(task, day, &["--no-deliver"]);
    }
}

/// What a past day looked like when it was today, in every format.
fn seen(shop: &Shop, day: &str) -> [String; 3] {
    ["json", "csv", "table"]
        .map(|format| shop.ok(&["report", "mrr", "--as-of", day, "--format", format]))
}

fn in_cents(row: &Value, name: &str) -> i64 {
    let amount = row[name].as_str().unwrap_or_else(|| panic!("{name} of {row}"));
    amount.replace('.', "").parse().expect("an amount")
}

#[test]
fn every_month_is_what_was_worked_out_by_hand() {
    let shop = offers();
    let on = |day: &str, args: &[&str]| drop(shop.ok(&[args, &["--as-of", day]].concat()));
    let cancel = |day, id: &str| on(day, &["subscription", "cancel", id]);
    let cancel_now = |day, id: &str| on(day, &["subscription", "cancel", id, "--now"]);
    let change = |day, id: &str, to: &[&str]| {
        on(day, &[&["subscription", "change", id][..], to].concat());
    };

    // January.
    let awa = shop.subscribe("awa", "cfa", "2026-01-05", &[]);
    let bila = shop.subscribe("bila", "cfa-year", "2026-01-05", &[]);
    let first_week = seen(&shop, "2026-01-07");
    let ben = shop.subscribe("ben", "basic", "2026-01-10", &[]);
    let cleo = shop.subscribe("cleo", "pro", "2026-01-10", &[]);
    shop.subscribe("eva", "year", "2026-01-10", &[]);
    let kim = shop.subscribe("kim", "basic", "2026-01-10", &[]);
    shop.subscribe("ines", "basic", "2026-01-15", &["--trial-days", "30"]);
    let lea = shop.subscribe("lea", "pro", "2026-01-20", &["--anchor", "anniversary"]);
    cancel("2026-01-20", &ben);
    on("2026-01-25", &["subscription", "resume", &ben]);

    // February.
    night(&shop, "2026-02-01");
    let dan = shop.subscribe("dan", "seat", "2026-02-01", &["--quantity", "3"]);
    shop.subscribe("hugo", "pro", "2026-02-01", &["--coupon", "START"]);
    shop.subscribe("nils", "pro", "2026-02-01", &[]);
    shop.subscribe("finn", "basic", "2026-02-05", &["--coupon", "HELLO"]);
    change("2026-02-10", &awa, &["--plan", "cfa-plus"]);
    night(&shop, "2026-02-14");
    cancel_now("2026-02-15", &kim);
    change("2026-02-20", &ben, &["--plan", "pro"]);
    let february = seen(&shop, "2026-02-28");

    // March.
    night(&shop, "2026-03-01");
    let basic = shop.subscribe("olga", "basic", "2026-03-01", &[]);
    shop.subscribe("pia", "basic", "2026-03-01", &["--coupon", "FREE"]);
    shop.subscribe("jon", "basic", "2026-03-01", &["--trial-days", "14"]);
    let two = ["--quantity", "2", "--coupon", "LOYAL"];
    let coly = shop.subscribe("coly", "cfa", "2026-03-01", &two);
    change("2026-03-10", &dan, &["--quantity", "5"]);
    on("2026-03-10", &["tenant", "suspend", "nils", "--reason", "abuse"]);
    night(&shop, "2026-03-15");
    change("2026-03-15", &cleo, &["--plan", "basic"]);
    let later = shop.subscribe("quin", "pro", "2026-03-20", &["--start", "2026-05-01"]);
    night(&shop, "2026-03-21");
    cancel("2026-03-25", &lea);
    let march = seen(&shop, "2026-03-31");

    // April. Lea's period, and with it her subscription, ends on the 20th.
    night(&shop, "2026-04-01");
    let fixed = ["--coupon", "FIXED"];
    shop.subscribe("olga", "year", "2026-04-01", &fixed);
    cancel_now("2026-04-02", &later);
    change("2026-04-10", &coly, &["--quantity", "1"]);
    cancel_now("2026-04-15", &bila);
    night(&shop, "2026-04-20");

    // May.
    night(&shop, "2026-05-01");
    shop.subscribe("kim", "pro", "2026-05-05", &[]);
    change("2026-05-10", &dan, &["--quantity", "2"]);
    on("2026-05-12", &["tenant", "reactivate", "nils"]);
    cancel_now("2026-05-20", &basic);

    // June.
    night(&shop, "2026-06-01");
    shop.subscribe("quin", "basic", "2026-06-03", &[]);
    cancel_now("2026-06-10", &awa);
    shop.check();
    assert_eq!(shop.json(&["subscription", "list"]).as_array().map(Vec::len), Some(20));

    let half_year = ["report", "mrr", "--since", "2026-01-01", "--as-of", "2026-06-30"];
    assert_eq!(shop.ok(&[&half_year[..], &["--format", "csv"]].concat()), EXPECTED);

    // JSON says the same, cell by cell, and sums up the last day.
    let report = shop.json(&half_year);
    let months = report["months"].as_array().expect("months");
    let mut lines = EXPECTED.lines();
    let fields: Vec<_> = lines.next().expect("a header").split(',').collect();
    let cell = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows = months.iter().map(|row| fields.iter().map(|name| cell(&row[name])));
    let rows: Vec<String> = rows.map(|row| row.collect::<Vec<_>>().join(",")).collect();
    assert_eq!(rows, lines.collect::<Vec<_>>());
    assert_eq!(report["as_of"], "2026-06-30");
    assert_eq!(report["mrr"], serde_json::json!({ "EUR": "546.67", "XOF": "9000" }));
    assert_eq!(report["arr"], serde_json::json!({ "EUR": "6560.04", "XOF": "108000" }));

    // The movements explain each month, and a month starts where the one before it ended.
    for (nth, row) in months.iter().enumerate() {
        let moved = ["start", "new", "expansion", "reactivation", "contraction", "churn"];
        let sum: i64 = moved.iter().map(|name| in_cents(row, name)).sum();
        assert_eq!(sum, in_cents(row, "mrr"), "{row}");
        let before = nth.checked_sub(2).map_or(0, |nth| in_cents(&months[nth], "mrr"));
        assert_eq!(in_cents(row, "start"), before, "{row}");
    }

    // What was seen on a past day is still to be seen, to the byte; also where the only
    // subscriptions were in XOF.
    assert_eq!(seen(&shop, "2026-01-07"), first_week);
    assert_eq!(seen(&shop, "2026-02-28"), february);
    assert_eq!(seen(&shop, "2026-03-31"), march);
    // Also where it is looked at from today.
    let until = ["report", "mrr", "--until", "2026-03-31", "--as-of", "2026-06-30", "--json"];
    assert_eq!(shop.ok(&until), march[0]);
}
