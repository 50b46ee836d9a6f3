//! Subscriptions of several plans, and prices that take the place of others: what is billed through
//! suspensions, missed runs and trials, what an import takes over, and what the books say of it.
mod support;

use serde_json::{Value, json};
use support::Shop;
use support::subscriptions::{CLEANUP, GENERATE, text};

/// A shop with the plans `pro` (30.00) and `seats` (5.00), billed each month.
fn shop() -> Shop {
    let shop = Shop::with_config("[trials]\non_end = \"convert\"\n");
    shop.plan("pro", "30", "1", &[]);
    shop.plan("seats", "5", "1", &[]);
    shop
}

/// What the live invoices of a tenant come to, oldest period first, with where each period starts.
fn billed(shop: &Shop, tenant: &str) -> Vec<(String, String)> {
    shop.billed(tenant).into_iter().map(|(start, _, total)| (start, total)).collect()
}

fn amounts(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(start, total)| ((*start).to_owned(), (*total).to_owned())).collect()
}

/// The items of a subscription on that day: plan, quantity, and the quantity from the next period on.
fn items(shop: &Shop, id: &str, day: &str) -> Vec<Value> {
    let shown = shop.subscription(id, day);
    let of = |item: &Value| json!([item["plan"], item["quantity"], item["pending_quantity"]]);
    shown["items"].as_array().expect("items").iter().map(of).collect()
}

#[test]
fn what_joins_and_leaves_does_so_with_the_first_of_several_missed_periods() {
    let shop = shop();
    shop.tenant("acme");
    let id = shop.subscribe("acme", "pro", "2026-01-10", &["--anchor", "anniversary"]);
    let day = ["--as-of", "2026-01-20"];
    shop.ok(
        &[&["subscription", "add", &id, "--plan", "seats", "--quantity", "4"][..], &day].concat()
    );
    shop.ok(&[&["subscription", "remove", &id, "--plan", "pro"][..], &day].concat());
    assert_eq!(items(&shop, &id, "2026-01-20"), [json!(["pro", 1, 0]), json!(["seats", 0, 4])]);
    shop.task(GENERATE, "2026-04-01", &[]);
    let expected = [("2026-01-10", "30.00"), ("2026-02-10", "20.00"), ("2026-03-10", "20.00")];
    assert_eq!(billed(&shop, "acme"), amounts(&expected));
    assert_eq!(items(&shop, &id, "2026-04-01"), [json!(["seats", 4, null])]);
    // It may be had again, as an item of its own.
    shop.ok(&["subscription", "add", &id, "--plan", "pro", "--as-of", "2026-04-02"]);
    shop.task(GENERATE, "2026-04-10", &[]);
    assert_eq!(
        items(&shop, &id, "2026-04-10"),
        [json!(["seats", 4, null]), json!(["pro", 1, null])]
    );
    shop.check();
}

#[test]
fn what_waits_while_a_subscription_is_suspended_holds_when_it_comes_back() {
    let shop = shop();
    shop.tenant("acme");
    let id = shop.subscribe(
        "acme",
        "pro",
        "2026-01-10",
        &["--anchor", "anniversary", "--item", "seats:2"],
    );
    shop.ok(&["tenant", "suspend", "acme", "--reason", "abuse", "--as-of", "2026-01-15"]);
    shop.ok(&["subscription", "remove", &id, "--plan", "seats", "--as-of", "2026-01-16"]);
    shop.ok(&[
        "plan",
        "reprice",
        "pro",
        "--price",
        "33",
        "--from",
        "2026-02-01",
        "--as-of",
        "2026-01-17",
    ]);
    shop.ok(&["tenant", "reactivate", "acme", "--as-of", "2026-03-05"]);
    shop.task(GENERATE, "2026-03-05", &[]);
    let expected = [("2026-01-10", "40.00"), ("2026-03-05", "33.00")];
    assert_eq!(billed(&shop, "acme"), amounts(&expected));
    shop.check();
}

#[test]
fn a_trial_of_several_plans_becomes_one_invoice_at_the_prices_of_its_first_paid_day() {
    let shop = shop();
    shop.tenant("acme");
    shop.pays_by_itself("acme");
    let more = ["--item", "seats:3", "--trial-days", "20", "--anchor", "anniversary"];
    let id = shop.subscribe("acme", "pro", "2026-01-10", &more);
    shop.ok(&[
        "plan",
        "reprice",
        "seats",
        "--price",
        "6",
        "--from",
        "2026-01-30",
        "--as-of",
        "2026-01-12",
    ]);
    shop.ok(&[
        "plan",
        "reprice",
        "pro",
        "--price",
        "31",
        "--from",
        "2026-02-01",
        "--as-of",
        "2026-01-12",
    ]);
    shop.task(CLEANUP, "2026-01-30", &[]);
    assert_eq!(billed(&shop, "acme"), amounts(&[("2026-01-30", "48.00")]));
    shop.task(GENERATE, "2026-02-28", &[]);
    assert_eq!(billed(&shop, "acme")[1], ("2026-02-28".into(), "49.00".into()));
    assert_eq!(items(&shop, &id, "2026-03-01").len(), 2);
    shop.check();
}

/// A change that waits for the next period is of the price that it was asked at, and goes to the one in
/// its place; one reprice said for later than the next goes with it.
#[test]
fn a_price_moves_what_is_pending_and_one_after_another() {
    let shop = shop();
    shop.tenant("acme");
    let id = shop.subscribe("acme", "pro", "2026-01-01", &[]);
    shop.ok(&["subscription", "change", &id, "--quantity", "2", "--as-of", "2026-01-02"]);
    let reprice = |price: &str, from: &str| {
        shop.json(&[
            "plan",
            "reprice",
            "pro",
            "--price",
            price,
            "--from",
            from,
            "--as-of",
            "2026-01-03",
        ])
    };
    let first = reprice("40", "2026-03-01");
    assert_eq!(first["moves"][0]["old_amount"], "60.00");
    assert_eq!(first["moves"][0]["from_on"], "2026-03-01");
    // Said to hold before the first does: both hold on its day.
    let second = reprice("45", "2026-02-01");
    assert_eq!(second["moves"][0]["from_on"], "2026-03-01");
    let emails = shop.json(&["email", "list", "--as-of", "2026-01-03"]);
    let told =
        emails.as_array().expect("a list").iter().filter(|e| e["template"] == "price_change");
    assert_eq!(told.count(), 2);
    // All at once, after months without a run.
    shop.task(GENERATE, "2026-03-20", &[]);
    let expected = [("2026-01-01", "30.00"), ("2026-02-01", "60.00"), ("2026-03-01", "90.00")];
    assert_eq!(billed(&shop, "acme"), amounts(&expected));
    let next = shop.json(&["subscription", "explain", &id, "--as-of", "2026-03-20"]);
    assert_eq!(next["next"]["total"], "90.00");
    let mrr = shop.json(&["report", "mrr", "--as-of", "2026-03-20"]);
    let now = mrr.to_string();
    assert!(now.contains("\"mrr\":\"90.00\""), "{now}");
    shop.check();
}

#[test]
fn a_subscription_of_several_plans_is_imported_exported_and_known_again() {
    let shop = shop();
    shop.tenant("acme");
    let file = "tenant,plan,started_on,items\nacme,pro,2026-01-10,pro:1;seats:4\n";
    shop.write("subscriptions.csv", file);
    let import = |more: &[&str]| {
        let args = ["import", "subscriptions", "subscriptions.csv", "--as-of", "2026-01-20"];
        shop.ok(&[&args[..], more].concat())
    };
    import(&[]);
    let list = shop.ok(&["subscription", "list", "--format", "csv", "--as-of", "2026-01-20"]);
    assert!(list.lines().nth(1).is_some_and(|row| row.ends_with(",pro:1;seats:4")), "{list}");
    assert_eq!(import(&[]), "subscriptions: 0 created, 0 updated, 1 unchanged\n");
    // Set right: fewer of one, and then one plan alone.
    shop.write("subscriptions.csv", &file.replace("seats:4", "seats:2"));
    import(&["--update"]);
    assert_eq!(
        items(&shop, "sub_1", "2026-01-20"),
        [json!(["pro", 1, null]), json!(["seats", 2, null])]
    );
    shop.write("subscriptions.csv", &file.replace(";seats:4", ""));
    import(&["--update"]);
    assert_eq!(items(&shop, "sub_1", "2026-01-20"), [json!(["pro", 1, null])]);
    let next = shop.subscription("sub_1", "2026-01-20")["next_billing_on"].clone();
    shop.task(GENERATE, &text(&next), &[]);
    assert_eq!(billed(&shop, "acme")[0].1, "30.00");
    shop.check();
}
