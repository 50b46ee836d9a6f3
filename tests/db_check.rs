//! What `db check` finds in a damaged copy.
mod support;

use serde_json::Value;
use support::Shop;
use support::subscriptions::GENERATE;

/// What a check found: how much, and what is named of it.
fn found(shop: &Shop, check: &str) -> (u64, Vec<String>) {
    let done = shop.run(&["db", "check", "--json"]);
    let document: Value = serde_json::from_str(&done.stdout).expect("JSON");
    let list = |name: &str| document[name].as_array().expect("a list").clone();
    let of_check = list("checks").into_iter().find(|c| c["name"] == check).expect("the check");
    let count = of_check["found"].as_u64().expect("a count");
    let named = list("findings").into_iter().filter(|finding| finding["check"] == check);
    let named = named.map(|finding| finding["detail"].as_str().expect("a text").to_owned());
    assert_eq!(done.status, i32::from(document["ok"] == false), "{document}");
    (count, named.collect())
}

#[test]
fn a_period_that_begins_where_none_ends_is_found_and_one_after_a_void_invoice_is_none() {
    let shop = Shop::new();
    shop.plan("monthly", "31", "1", &[]);
    for tenant in ["acme", "birch"] {
        shop.tenant(tenant);
        let by_day = ["--anchor", "anniversary", "--as-of", "2026-01-10"];
        shop.subscribe(tenant, "monthly", "2026-01-10", &by_day[..2]);
    }
    shop.task(GENERATE, "2026-03-10", &[]);
    let second = shop.json(&["invoice", "list", "--tenant", "acme"])[1]["number"].clone();
    let second = second.as_str().expect("a number").to_owned();
    shop.ok(&["invoice", "void", &second, "--reason", "a test", "--yes", "--as-of", "2026-03-11"]);
    shop.check();

    // Where billing began is forgotten, and where it goes on is a day too late.
    let sql = shop.sql();
    sql.execute_batch(
        "DELETE FROM billing_starts WHERE subscription_id = 1;
         UPDATE subscriptions SET next_billing_on = '2026-04-11' WHERE id = 2",
    )
    .expect("a damaged file");
    let gap = |subscription: &str, day: &str| {
        format!("{subscription}: a period starts on {day}, where none ends and nothing begins")
    };
    let gaps = vec![gap("sub_1", "2026-01-10"), gap("sub_2", "2026-04-11")];
    assert_eq!(found(&shop, "gaps"), (2, gaps));
}

#[test]
fn a_hundred_findings_of_a_check_are_named_and_the_others_counted() {
    let shop = Shop::new();
    shop.tenant("acme");
    for count in [100, 101, 250] {
        let invoice = |n| format!("B-{n},acme,10,2026-01-01,2026-01-31,Subscription\n");
        let invoices: String = (0..count).map(invoice).collect();
        let header = "number,tenant,total,issued_on,due_on,description\n";
        shop.write("invoices.csv", &format!("{header}{invoices}"));
        shop.ok(&["import", "invoices", "invoices.csv"]);
        shop.sql()
            .execute_batch("UPDATE invoice_lines SET unit_price = NULL, amount_minor = 1")
            .expect("a damaged file");
        let (all, named) = found(&shop, "totals");
        assert_eq!((all, named.len()), (count, 100));
        let told = shop.run(&["db", "check"]).stdout;
        let lines: Vec<&str> = told.lines().collect();
        // A heading above them.
        let more = (count > 100).then(|| format!("totals  and {} more", count - 100));
        assert_eq!(lines.len(), 101 + usize::from(more.is_some()), "{told}");
        assert_eq!(more.as_deref(), lines.get(101).copied());
    }
}

#[test]
fn items_that_do_not_go_together_and_lines_of_another_subscription_are_found() {
    let shop = Shop::new();
    for (code, months) in [("monthly", "1"), ("quarterly", "3")] {
        shop.plan(code, "31", months, &[]);
    }
    for tenant in ["acme", "birch", "cedar"] {
        shop.tenant(tenant);
        shop.subscribe(tenant, "monthly", "2026-01-10", &["--anchor", "anniversary"]);
    }
    shop.check();
    shop.sql()
        .execute_batch(
            "INSERT INTO subscription_items (id, subscription_id, tenant_id, position, plan_id,
               price_id, quantity, created_at, updated_at)
             SELECT 9, id, tenant_id, 2, 2, 2, 1, created_at, updated_at FROM subscriptions
             WHERE id = 1;
             UPDATE invoice_lines SET item_id = 9 WHERE invoice_id = 2;
             PRAGMA foreign_keys = 0;
             DELETE FROM subscription_items WHERE subscription_id = 3",
        )
        .expect("a damaged file");
    let expected = [
        "sub_3 has no item",
        "sub_1 has items of two intervals, currencies or kinds of tax",
        "sub_1 is to have items of two intervals, currencies or kinds of tax",
        "INV-2026-000002 bills item_9, which is not of sub_2",
    ];
    assert_eq!(found(&shop, "items"), (4, expected.map(str::to_owned).to_vec()));
}

#[test]
fn a_pending_item_that_is_billed_twice_or_by_none_or_otherwise_is_found() {
    let shop = Shop::new();
    shop.plan("monthly", "31", "1", &[]);
    for (tenant, id) in [("acme", "sub_1"), ("birch", "sub_2"), ("cedar", "sub_3")] {
        shop.tenant(tenant);
        shop.subscribe(tenant, "monthly", "2026-01-10", &[]);
        let item = ["pending-item", "create", "--tenant", tenant, "--subscription", id];
        shop.ok(&[&item[..], &["--amount", "5", "--description", "Training"]].concat());
    }
    shop.task(GENERATE, "2026-02-01", &[]);
    shop.check();
    shop.sql()
        .execute_batch(
            "UPDATE invoice_lines SET pending_item_id = NULL WHERE pending_item_id = 1;
             UPDATE pending_items SET invoice_id = NULL WHERE id = 2;
             UPDATE invoice_lines SET discountable = 1 WHERE pending_item_id = 3",
        )
        .expect("a damaged file");
    let expected = [
        "pit_1 was taken by INV-2026-000004, which has 0 lines of it",
        "INV-2026-000005 bills pit_2, which it has not taken",
        "INV-2026-000006 bills pit_3, which is of 500 EUR",
    ];
    assert_eq!(found(&shop, "pending"), (3, expected.map(str::to_owned).to_vec()));
}

#[test]
fn a_price_that_is_live_and_goes_to_another_is_found() {
    let shop = Shop::new();
    shop.plan("monthly", "31", "1", &[]);
    shop.ok(&["plan", "reprice", "monthly", "--price", "32", "--as-of", "2026-01-10"]);
    shop.check();
    shop.sql()
        .execute_batch("DROP TRIGGER prices_stay_archived; DROP INDEX prices_live; UPDATE prices SET archived_at = NULL")
        .expect("a damaged file");
    let currency = shop.json(&["plan", "show", "monthly"])["currency"].as_str().map(str::to_owned);
    let expected = format!(
        "monthly has a price in {} that goes to another, and is live",
        currency.expect("a currency")
    );
    assert_eq!(found(&shop, "price_moves"), (1, vec![expected]));
}

#[test]
fn a_history_that_does_not_end_with_how_a_subscription_stands_is_found() {
    let shop = Shop::new();
    shop.plan("monthly", "31", "1", &[]);
    for tenant in ["acme", "birch", "cedar"] {
        shop.tenant(tenant);
        shop.subscribe(tenant, "monthly", "2026-01-10", &[]);
    }
    shop.ok(&["subscription", "cancel", "sub_2", "--now", "--as-of", "2026-01-11"]);
    shop.check();
    shop.sql()
        .execute_batch(
            "DELETE FROM subscription_states WHERE subscription_id = 2 AND status = 'canceled';
             UPDATE subscription_states SET quantity = 2 WHERE subscription_id = 3",
        )
        .expect("a damaged file");
    let expected = [
        "sub_2 is canceled with item_2, and its history ends otherwise",
        "sub_3 is active with item_3, and its history ends otherwise",
    ];
    assert_eq!(found(&shop, "states"), (2, expected.map(str::to_owned).to_vec()));
}

#[test]
fn a_backup_is_checked_as_db_check_does_before_it_has_its_name() {
    let shop = Shop::new();
    shop.plan("monthly", "31", "1", &[]);
    shop.tenant("acme");
    shop.subscribe("acme", "monthly", "2026-01-10", &["--anchor", "anniversary"]);
    shop.ok(&["db", "backup", "sound.db"]);
    shop.sql().execute_batch("DELETE FROM billing_starts").expect("a damaged file");
    assert_eq!(shop.run(&["db", "check"]).status, 1);
    let error = shop.refused(&["db", "backup", "copy.db"]);
    assert_eq!(error["code"], "unsound_copy", "{error}");
    let names = || std::fs::read_dir(shop.path(".")).expect("a folder").count();
    let before = names();
    assert_eq!(shop.refusal(&["db", "backup", "copy.db"]), "unsound_copy");
    assert_eq!(names(), before, "nothing is left of it");
    // Better than none.
    shop.ok(&["db", "backup", "copy.db", "--yes"]);
    assert!(shop.path("copy.db").exists());
}

#[test]
fn a_price_whose_tiers_have_no_end_is_found() {
    let shop = Shop::new();
    shop.plan("monthly", "31", "1", &[]);
    let tiers = ["--tier", "10:2", "--tier", "inf:1"];
    let add = ["plan", "price", "add", "monthly", "--currency", "USD", "--model", "volume"];
    shop.ok(&[add.as_slice(), tiers.as_slice()].concat());
    shop.check();
    shop.sql()
        .execute_batch(
            "DROP TRIGGER price_tiers_no_delete; DELETE FROM price_tiers WHERE up_to IS NULL",
        )
        .expect("a damaged file");
    let says = "monthly: nothing says what is above the last tier of its price in USD (volume)";
    assert_eq!(found(&shop, "prices"), (1, vec![says.to_owned()]));
}
