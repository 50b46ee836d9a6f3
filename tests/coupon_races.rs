//! Coupons under many commands at once: no limit is passed, no use is counted twice or lost, and
//! whatever meets comes to what it comes to one after the other. `BILLING_RACES=50` runs each race
//! so often.
mod support;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use billing::books::Book;
use billing::books::issue::NewIssue;
use billing::domain::Money;
use billing::domain::invoice::Line;
use serde_json::{Value, json};
use support::coupons::Uses;
use support::inside::Inside;
use support::races::{Meeting, Said, code, error, race, same_as, times};
use support::subscriptions::{GENERATE, subscribers};
use support::{Outcome, Prepared, Shop, TODAY};

use Said::{No, Yes};

/// So many commands start at once where a limit of [`LIMIT`] is to hold.
const CROWD: usize = 64;
const LIMIT: usize = 10;

/// Sixty-four customers with an invoice over 100.00 each, by three rates of tax, numbered as they
/// are; after these the sixty-four invoices of one customer.
static BUSINESS: LazyLock<Prepared> = LazyLock::new(|| {
    let shop = Shop::new();
    let mut tenants = "slug,name,email,tax_rate\n".to_owned();
    for n in 1..=CROWD {
        tenants.push_str(&format!("t{n},Tenant {n},t{n}@clients.example,{}\n", n % 3 * 10));
    }
    tenants.push_str("many,Many,many@clients.example,20\n");
    shop.write("tenants.csv", &tenants);
    shop.ok(&["import", "tenants", "tenants.csv", "--quiet"]);
    std::fs::remove_file(shop.path("tenants.csv")).expect("the file");
    let inside = Inside::new(&shop);
    let act = inside.clock("2026-03-02").act("operator");
    let issued = inside.open().write(|db| {
        let issuer = Book::new(db, &act, &inside.config).issuer()?;
        for n in 1..=2 * CROWD {
            let slug = if n <= CROWD { format!("t{n}") } else { "many".to_owned() };
            let tenant = db.tenant(&slug)?;
            let line = Line::single("Work".into(), Money::from_minor(10_000, tenant.currency));
            issuer.issue(&NewIssue::single(&tenant, &[line], act.today))?;
        }
        Ok(())
    });
    issued.expect("invoices");
    shop.check();
    shop.prepared()
});

/// Thirty subscribers, of whom the third is due for two months.
static SUBSCRIBERS: LazyLock<Prepared> = LazyLock::new(subscribers);

/// The business with a coupon of 10 % besides.
fn with_coupon(code: &str, limits: &[&str]) -> Prepared {
    with(&[&["coupon", "create", code, "--name", code, "--percent", "10"], limits].concat())
}

/// The business after a command.
fn with(command: &[&str]) -> Prepared {
    after(&BUSINESS, command)
}

fn after(prepared: &Prepared, command: &[&str]) -> Prepared {
    let shop = prepared.shop();
    let until: &[&str] = match command[..2] {
        ["coupon", "create"] => &["--until", "2026-12-31"],
        _ => &[],
    };
    shop.ok(&[command, until, &TODAY].concat());
    shop.prepared()
}

/// The number of the `n`th invoice.
fn number(n: usize) -> String {
    format!("INV-2026-{n:06}")
}

/// The commands that apply a coupon to each of these invoices.
fn applying<'a>(code: &'a str, numbers: &'a [String]) -> Vec<Vec<&'a str>> {
    numbers.iter().map(|n| vec!["coupon", "apply", code, "--invoice", n.as_str()]).collect()
}

/// The invoices that a coupon was applied to, in the order in which that was done.
fn won(shop: &Shop, code: &str) -> Vec<String> {
    let sql = shop.sql();
    let mut query = sql
        .prepare(
            "SELECT i.number FROM coupon_usages u JOIN coupons c ON c.id = u.coupon_id
             JOIN invoices i ON i.id = u.invoice_id WHERE c.code = ?1 ORDER BY u.redemption_id",
        )
        .expect("a query");
    let found = query.query_map([code], |row| row.get(0)).expect("rows");
    found.map(|number| number.expect("a number")).collect()
}

/// What these commands leave, one after the other.
fn left_by(prepared: &Prepared, commands: &[Vec<&str>]) -> Shop {
    let shop = prepared.shop();
    for args in commands {
        shop.ok(&[&args[..], &TODAY].concat());
    }
    shop
}

fn all_refused_with(refused: &[&Outcome], reason: &str) {
    for outcome in refused {
        let error = error(outcome);
        assert_eq!(error["code"], reason, "{error}");
        assert_eq!(error["reasons"], json!([reason]), "{error}");
    }
}

/// Applies a coupon to all these invoices at once, again and again: ten of them get it, the others
/// are refused for that reason, and nothing else is left than what the ten leave alone.
fn ten_win(prepared: &Prepared, numbers: &[String], reason: &str) {
    let mut winners: BTreeMap<String, usize> = BTreeMap::new();
    for time in 0..times() {
        let shop = prepared.shop();
        let outcomes = race(&shop, &applying("TEN", numbers));
        let (done, refused): (Vec<_>, Vec<_>) = outcomes.iter().partition(|o| o.status == 0);
        assert_eq!((done.len(), refused.len()), (LIMIT, CROWD - LIMIT));
        all_refused_with(&refused, reason);
        assert_eq!(shop.uses("TEN"), Uses::invoices(LIMIT as i64));
        assert_eq!(shop.json(&["coupon", "show", "TEN"])["current_uses"], LIMIT);
        // Whoever was told so has the discount, and nobody else.
        let won = won(&shop, "TEN");
        for (number, outcome) in numbers.iter().zip(&outcomes) {
            assert_eq!(won.contains(number), outcome.status == 0, "{number}: {outcome:?}");
        }
        // Whoever was refused left no row: no event, no check that is counted, no other total.
        let alone = left_by(prepared, &applying("TEN", &won));
        same_as(&format!("time {time}: {won:?}"), &shop, &alone);
        won.into_iter().for_each(|number| *winners.entry(number).or_default() += 1);
    }
    println!("{} of {} invoices won at least once", winners.len(), numbers.len());
}

#[test]
fn sixty_four_customers_at_once_get_the_ten_uses_of_a_coupon_and_not_one_more() {
    let numbers: Vec<_> = (1..=CROWD).map(number).collect();
    ten_win(&with_coupon("TEN", &["--max-uses", "10"]), &numbers, "max_uses_reached");
}

#[test]
fn one_customer_gets_the_ten_uses_that_it_may_have_for_sixty_four_invoices_at_once() {
    let numbers: Vec<_> = (CROWD + 1..=2 * CROWD).map(number).collect();
    let limits = ["--max-uses-per-customer", "10"];
    ten_win(&with_coupon("TEN", &limits), &numbers, "max_uses_per_customer_reached");
}

/// The business with sixteen coupons.
fn sixteen_coupons(prepared: &Prepared) -> Prepared {
    let shop = prepared.shop();
    for n in 1..=16 {
        shop.coupon(&format!("C{n}"), &["--percent", &n.to_string()]);
    }
    shop.prepared()
}

/// Sixteen times the same coupon, and sixteen coupons.
fn sixteen_codes() -> [Vec<String>; 2] {
    [vec!["C1".to_owned(); 16], (1..=16).map(|n| format!("C{n}")).collect()]
}

/// Applies sixteen times at once; one succeeds, and the others are told that a coupon is there
/// already, or of the same coupon that the customer has used it.
fn one_of_sixteen_wins(prepared: &Prepared, to: [&str; 2], uses: Uses) {
    for codes in sixteen_codes() {
        for time in 0..times() {
            let shop = prepared.shop();
            let apply = |code| vec!["coupon", "apply", code, to[0], to[1]];
            let commands: Vec<_> = codes.iter().map(|code| apply(code.as_str())).collect();
            let outcomes = race(&shop, &commands);
            let done: Vec<_> = (0..16).filter(|n| outcomes[*n].status == 0).collect();
            assert_eq!(done.len(), 1, "{outcomes:?}");
            let winner = codes[done[0]].as_str();
            for refused in outcomes.iter().filter(|outcome| outcome.status != 0) {
                let same = codes.iter().all(|code| code == winner);
                let expected = if same { "max_uses_per_customer_reached" } else { "has_coupon" };
                assert_eq!(code(refused), expected);
                let message = error(refused)["message"].as_str().expect("a message").to_owned();
                assert!(message.contains(winner), "{message}");
            }
            assert_eq!(shop.uses(winner), uses);
            let alone = left_by(prepared, &[apply(winner)]);
            same_as(&format!("time {time}: {winner}"), &shop, &alone);
        }
    }
}

#[test]
fn sixteen_at_once_on_one_invoice_take_one_discount_off_it() {
    let prepared = sixteen_coupons(&BUSINESS);
    one_of_sixteen_wins(&prepared, ["--invoice", &number(3)], Uses::invoices(1));
}

#[test]
fn sixteen_at_once_on_one_subscription_leave_it_with_one_coupon() {
    let prepared = sixteen_coupons(&SUBSCRIBERS);
    one_of_sixteen_wins(&prepared, ["--subscription", "sub_3"], Uses::subscription(0));
}

#[test]
fn invoices_created_at_once_with_a_coupon_are_as_many_as_it_allows_and_numbered_without_a_gap() {
    let prepared = with_coupon("THREE", &["--max-uses", "3"]);
    let tenants: Vec<_> = (1..=16).map(|n| format!("t{n}")).collect();
    let create = |tenant| {
        vec!["invoice", "create", "--tenant", tenant, "--amount", "50", "--coupon", "THREE"]
    };
    let commands: Vec<_> = tenants.iter().map(|tenant| create(tenant.as_str())).collect();
    for _ in 0..times() {
        let shop = prepared.shop();
        let outcomes = race(&shop, &commands);
        let (done, refused): (Vec<_>, Vec<_>) = outcomes.iter().partition(|o| o.status == 0);
        all_refused_with(&refused, "max_uses_reached");
        assert_eq!(shop.uses("THREE"), Uses::invoices(3));
        let told = done.iter().map(|o| serde_json::from_str::<Value>(&o.stdout).expect("JSON"));
        let mut told: Vec<_> = told
            .map(|i| {
                [&i["number"], &i["subtotal"], &i["discount"]].map(support::subscriptions::text)
            })
            .collect();
        told.sort();
        // A refused one took no number.
        let next = (1..=3).map(|n| [number(2 * CROWD + n), "50.00".to_owned(), "5.00".to_owned()]);
        assert_eq!(told, next.collect::<Vec<_>>());
        shop.check();
    }
}

#[test]
fn one_customer_begins_one_of_sixteen_subscriptions_with_a_coupon_for_one_use() {
    let shop = SUBSCRIBERS.shop();
    shop.coupon("FIRST", &["--amount", "4", "--duration", "3"]);
    let prepared = shop.prepared();
    let create =
        vec!["subscription", "create", "--tenant", "t1", "--plan", "monthly", "--coupon", "FIRST"];
    let alone = left_by(&prepared, std::slice::from_ref(&create));
    for time in 0..times() {
        let shop = prepared.shop();
        let outcomes = race(&shop, &vec![create.clone(); 16]);
        let (done, refused): (Vec<_>, Vec<_>) = outcomes.iter().partition(|o| o.status == 0);
        assert_eq!(done.len(), 1);
        // A refused one left no subscription, no invoice and no number behind.
        all_refused_with(&refused, "max_uses_per_customer_reached");
        assert_eq!(shop.uses("FIRST"), Uses::subscription(1));
        same_as(&format!("time {time}"), &shop, &alone);
    }
}

/// What is told of an invoice here: where it stands, what comes off it, and what it comes to.
fn invoice(shop: &Shop, number: &str) -> [String; 3] {
    let invoice = shop.json(&["invoice", "show", number]);
    ["status", "discount", "total"].map(|field| support::subscriptions::text(&invoice[field]))
}

/// The third customer's invoice is one over 100.00 without tax.
const OF_T3: &str = "INV-2026-000003";
const APPLY: [&str; 5] = ["coupon", "apply", "TEN", "--invoice", OF_T3];

#[test]
fn an_invoice_that_is_voided_beside_a_coupon_is_void_and_the_use_is_returned_or_never_was() {
    let [applied_first, voided_first] = Meeting {
        one: &APPLY,
        other: &["invoice", "void", OF_T3, "--reason", "a mistake"],
        one_first: [Yes, Yes],
        other_first: [No("not_open"), Yes],
    }
    .in_either_order(&with_coupon("TEN", &["--max-uses", "1"]));
    assert_eq!(invoice(&applied_first, OF_T3), ["void", "10.00", "90.00"]);
    assert_eq!(applied_first.uses("TEN"), Uses::returned(1));
    assert_eq!(invoice(&voided_first, OF_T3), ["void", "0.00", "100.00"]);
    assert_eq!(voided_first.uses("TEN"), Uses::NONE);
}

#[test]
fn a_coupon_that_is_deactivated_beside_its_use_was_used_before_or_is_refused() {
    let [applied_first, deactivated_first] = Meeting {
        one: &APPLY,
        other: &["coupon", "deactivate", "TEN"],
        one_first: [Yes, Yes],
        other_first: [No("inactive"), Yes],
    }
    .in_either_order(&with_coupon("TEN", &[]));
    assert_eq!(invoice(&applied_first, OF_T3), ["open", "10.00", "90.00"]);
    assert_eq!(applied_first.uses("TEN"), Uses::invoices(1));
    assert_eq!(invoice(&deactivated_first, OF_T3), ["open", "0.00", "100.00"]);
    assert_eq!(deactivated_first.uses("TEN"), Uses::NONE);
    for shop in [applied_first, deactivated_first] {
        assert_eq!(shop.json(&["coupon", "show", "TEN"])["is_active"], false);
    }
}

#[test]
fn a_coupon_that_is_deleted_beside_its_first_use_is_gone_or_stays() {
    // Somebody has looked at it, which keeps nobody from deleting it.
    let looked = ["coupon", "validate", "TEN", "--tenant", "t3", "--amount", "100"];
    let prepared = after(&with_coupon("TEN", &[]), &looked);
    let [applied_first, deleted_first] = Meeting {
        one: &APPLY,
        other: &["coupon", "delete", "TEN"],
        one_first: [Yes, No("coupon_used")],
        other_first: [No("not_found"), Yes],
    }
    .in_either_order(&prepared);
    assert_eq!(applied_first.uses("TEN"), Uses::invoices(1));
    assert_eq!(invoice(&applied_first, OF_T3), ["open", "10.00", "90.00"]);
    assert_eq!(deleted_first.refusal(&["coupon", "show", "TEN"]), "not_found");
    assert_eq!(invoice(&deleted_first, OF_T3), ["open", "0.00", "100.00"]);
}

#[test]
fn an_invoice_that_is_paid_in_full_beside_a_coupon_is_never_paid_above_what_it_comes_to() {
    let [applied_first, paid_first] = Meeting {
        one: &APPLY,
        other: &["invoice", "pay", OF_T3, "--amount", "100", "--reference", "BANK 1"],
        one_first: [Yes, No("above_due")],
        // Once it is paid, the coupon is given by a credit note.
        other_first: [Yes, Yes],
    }
    .in_either_order(&with_coupon("TEN", &[]));
    assert_eq!(invoice(&applied_first, OF_T3), ["open", "10.00", "90.00"]);
    assert_eq!(applied_first.uses("TEN"), Uses::invoices(1));
    assert_eq!(invoice(&paid_first, OF_T3), ["paid", "0.00", "100.00"]);
    assert_eq!(paid_first.uses("TEN"), Uses { discounted: 0, ..Uses::invoices(1) });
}

#[test]
fn what_is_paid_of_an_invoice_beside_a_coupon_settles_it_or_comes_before_it() {
    // As much as is due once the coupon is applied.
    let [applied_first, paid_first] = Meeting {
        one: &APPLY,
        other: &["invoice", "pay", OF_T3, "--amount", "90", "--reference", "BANK 1"],
        one_first: [Yes, Yes],
        other_first: [Yes, Yes],
    }
    .in_either_order(&with_coupon("TEN", &[]));
    assert_eq!(invoice(&applied_first, OF_T3), ["paid", "10.00", "90.00"]);
    assert_eq!(applied_first.uses("TEN"), Uses::invoices(1));
    // 90 were paid of 100; the other 10 are credited.
    assert_eq!(invoice(&paid_first, OF_T3), ["paid", "0.00", "100.00"]);
    assert_eq!(paid_first.uses("TEN"), Uses { discounted: 0, ..Uses::invoices(1) });
}

#[test]
fn an_invoice_that_a_coupon_brings_to_nothing_beside_its_payment_is_settled_by_one_of_them() {
    let free = ["coupon", "create", "TEN", "--name", "All of it", "--percent", "100"];
    let [applied_first, paid_first] = Meeting {
        one: &APPLY,
        other: &["invoice", "pay", OF_T3, "--amount", "100", "--reference", "BANK 1"],
        one_first: [Yes, No("already_paid")],
        other_first: [Yes, Yes],
    }
    .in_either_order(&with(&free));
    assert_eq!(invoice(&applied_first, OF_T3), ["paid", "100.00", "0.00"]);
    assert_eq!(applied_first.uses("TEN"), Uses::invoices(1));
    assert_eq!(invoice(&paid_first, OF_T3), ["paid", "0.00", "100.00"]);
    assert_eq!(paid_first.uses("TEN"), Uses { discounted: 0, ..Uses::invoices(1) });
}

#[test]
fn a_limit_that_is_set_beside_a_use_comes_before_it_or_is_refused_as_below_what_is_used() {
    let used = ["coupon", "apply", "TEN", "--invoice", &number(1)];
    let prepared = after(&with_coupon("TEN", &[]), &used);
    let [applied_first, edited_first] = Meeting {
        one: &APPLY,
        other: &["coupon", "edit", "TEN", "--max-uses", "1"],
        one_first: [Yes, No("below_used")],
        other_first: [No("max_uses_reached"), Yes],
    }
    .in_either_order(&prepared);
    let limit = |shop: &Shop| shop.json(&["coupon", "show", "TEN"])["max_uses"].clone();
    assert_eq!((limit(&applied_first), applied_first.uses("TEN")), (json!(0), Uses::invoices(2)));
    assert_eq!((limit(&edited_first), edited_first.uses("TEN")), (json!(1), Uses::invoices(1)));
}

#[test]
fn the_last_use_that_a_void_gives_back_goes_to_who_comes_after_it() {
    let used = ["coupon", "apply", "TEN", "--invoice", &number(1)];
    let prepared = after(&with_coupon("TEN", &["--max-uses", "1"]), &used);
    let [applied_first, voided_first] = Meeting {
        one: &APPLY,
        other: &["invoice", "void", &number(1), "--reason", "a mistake"],
        one_first: [No("max_uses_reached"), Yes],
        other_first: [Yes, Yes],
    }
    .in_either_order(&prepared);
    assert_eq!(applied_first.uses("TEN"), Uses::returned(1));
    assert_eq!(invoice(&applied_first, OF_T3), ["open", "0.00", "100.00"]);
    assert_eq!(voided_first.uses("TEN"), Uses { ever: 2, ..Uses::invoices(1) });
    assert_eq!(invoice(&voided_first, OF_T3), ["open", "10.00", "90.00"]);
}

#[test]
fn an_invoice_that_eight_void_at_once_gives_its_use_back_once() {
    let prepared = after(&with_coupon("TEN", &[]), &APPLY);
    let void = vec!["invoice", "void", OF_T3, "--reason", "a mistake"];
    let alone = left_by(&prepared, std::slice::from_ref(&void));
    for time in 0..times() {
        let shop = prepared.shop();
        let outcomes = race(&shop, &vec![void.clone(); 8]);
        let (done, refused): (Vec<_>, Vec<_>) = outcomes.iter().partition(|o| o.status == 0);
        assert_eq!(done.len(), 1);
        assert!(refused.iter().all(|outcome| code(outcome) == "not_open"), "{refused:?}");
        assert_eq!(shop.uses("TEN"), Uses::returned(1));
        same_as(&format!("time {time}"), &shop, &alone);
    }
}

/// Sixteen customers apply the coupon at once, and amidst them something is done to the coupon.
/// `judge` looks at what is left, at those who were refused, and at how many were not, and says
/// what the command has to be told. All rows are those of the commands that succeeded, one after
/// the other in the order of the audit trail, in which the command's event is of that kind.
fn amidst_sixteen(
    prepared: &Prepared,
    command: &[&str],
    kind: &str,
    judge: impl Fn(&Shop, &[&Outcome], usize) -> Said,
) {
    let numbers: Vec<_> = (1..=16).map(number).collect();
    let mut after = Vec::new();
    for time in 0..times() {
        let shop = prepared.shop();
        let mut commands = applying("TEN", &numbers);
        // Earlier and later in the crowd.
        let at = time * 5 % 17;
        commands.insert(at, command.to_vec());
        let mut outcomes = race(&shop, &commands);
        let outcome = outcomes.remove(at);
        let (done, refused): (Vec<_>, Vec<_>) = outcomes.iter().partition(|o| o.status == 0);
        let said = judge(&shop, &refused, done.len());
        assert!(said.by(&outcome), "{outcome:?}, and {} had it", done.len());
        let won = won(&shop, "TEN");
        let mut serial = applying("TEN", &won);
        if said == Yes {
            let uses_before = shop
                .sql()
                .query_row(
                    "SELECT count(*) FROM events WHERE kind = 'coupon_redeemed'
                       AND id < (SELECT id FROM events WHERE kind = ?1)",
                    [kind],
                    |row| row.get::<_, i64>(0),
                )
                .expect("a number") as usize;
            serial.insert(uses_before, command.to_vec());
            after.push(uses_before);
        }
        same_as(&format!("{command:?}, time {time}: {won:?}"), &shop, &left_by(prepared, &serial));
    }
    println!("{} of {} succeeded, after {after:?} uses: {command:?}", after.len(), times());
}

#[test]
fn a_coupon_that_is_deactivated_amidst_sixteen_uses_is_refused_to_whoever_comes_later() {
    let command = ["coupon", "deactivate", "TEN"];
    let prepared = with_coupon("TEN", &[]);
    amidst_sixteen(&prepared, &command, "coupon_deactivated", |shop, refused, done| {
        all_refused_with(refused, "inactive");
        assert_eq!(shop.uses("TEN"), Uses::invoices(done as i64));
        Yes
    });
}

#[test]
fn a_coupon_that_is_deleted_amidst_sixteen_uses_is_gone_before_the_first_or_stays_for_all() {
    let command = ["coupon", "delete", "TEN"];
    let prepared = with_coupon("TEN", &[]);
    amidst_sixteen(&prepared, &command, "coupon_deleted", |shop, refused, done| match done {
        0 => {
            all_refused_with(refused, "not_found");
            assert_eq!(shop.refusal(&["coupon", "show", "TEN"]), "not_found");
            Yes
        }
        _ => {
            assert_eq!((done, shop.uses("TEN")), (16, Uses::invoices(16)));
            No("coupon_used")
        }
    });
}

#[test]
fn a_limit_of_five_that_is_set_amidst_sixteen_uses_holds_or_is_refused() {
    let command = ["coupon", "edit", "TEN", "--max-uses", "5"];
    let prepared = with_coupon("TEN", &[]);
    amidst_sixteen(&prepared, &command, "coupon_edited", |shop, refused, done| match done {
        // It came before the sixth use, and no sixth one came.
        5 => {
            all_refused_with(refused, "max_uses_reached");
            assert_eq!(shop.uses("TEN"), Uses::invoices(5));
            Yes
        }
        _ => {
            assert_eq!((done, shop.uses("TEN")), (16, Uses::invoices(16)));
            No("below_used")
        }
    });
}

#[test]
fn a_coupon_that_is_applied_beside_the_run_discounts_the_next_period_to_come_in_either_order() {
    let shop = SUBSCRIBERS.shop();
    shop.coupon("ONCE", &["--percent", "50"]);
    // A monthly subscription, 4 × 10.00, with the periods from 3 February and 3 March due.
    let [applied_first, run_first] = Meeting {
        one: &["coupon", "apply", "ONCE", "--subscription", "sub_3"],
        // The e-mails are no part of it: they leave when everything is decided.
        other: &["tasks", GENERATE, "--no-deliver"],
        one_first: [Yes, Yes],
        other_first: [Yes, Yes],
    }
    .in_either_order(&shop.prepared());
    let totals = |shop: &Shop| -> Vec<String> {
        shop.billed("t3").into_iter().map(|(_, _, total)| total).collect()
    };
    // What has begun is billed without it, by whichever comes first.
    for shop in [applied_first, run_first] {
        assert_eq!(totals(&shop), ["40.00", "40.00", "40.00"]);
        assert_eq!(shop.uses("ONCE"), Uses::subscription(0));
        shop.task(GENERATE, "2026-04-03", &[]);
        assert_eq!(totals(&shop)[3], "20.00");
        assert_eq!(shop.uses("ONCE"), Uses::subscription(1));
    }
}

#[test]
fn a_coupon_for_two_periods_beside_eight_runs_discounts_two_invoices() {
    let shop = SUBSCRIBERS.shop();
    shop.coupon("TWICE", &["--amount", "15", "--duration", "2"]);
    let prepared = shop.prepared();
    let run = ["tasks", GENERATE, "--wait", "30", "--no-deliver"];
    for _ in 0..times() {
        let shop = prepared.shop();
        let mut commands = vec![run.to_vec(); 8];
        commands.insert(4, vec!["coupon", "apply", "TWICE", "--subscription", "sub_3"]);
        let outcomes = race(&shop, &commands);
        assert!(outcomes.iter().all(|outcome| outcome.status == 0), "{outcomes:?}");
        for day in ["2026-04-03", "2026-05-03"] {
            shop.task(GENERATE, day, &[]);
        }
        assert_eq!(shop.uses("TWICE"), Uses::subscription(2));
        let totals: Vec<_> = shop.billed("t3").into_iter().map(|(_, _, total)| total).collect();
        let discounted = [
            ["40.00", "25.00", "25.00", "40.00", "40.00"],
            ["40.00", "40.00", "40.00", "25.00", "25.00"],
        ];
        assert!(discounted.iter().any(|expected| totals == expected), "{totals:?}");
        shop.check();
    }
}

#[test]
fn a_subscription_that_is_canceled_beside_a_coupon_gives_the_use_back_or_refuses_it() {
    let shop = SUBSCRIBERS.shop();
    shop.coupon("LASTING", &["--percent", "25", "--duration", "forever"]);
    let [applied_first, canceled_first] = Meeting {
        one: &["coupon", "apply", "LASTING", "--subscription", "sub_3"],
        other: &["subscription", "cancel", "sub_3", "--now"],
        one_first: [Yes, Yes],
        other_first: [No("already_canceled"), Yes],
    }
    .in_either_order(&shop.prepared());
    assert_eq!(applied_first.uses("LASTING"), Uses::returned(1));
    assert_eq!(canceled_first.uses("LASTING"), Uses::NONE);
}

#[test]
fn the_void_of_a_discounted_invoice_beside_the_end_of_its_subscription_returns_the_use_once() {
    let shop = SUBSCRIBERS.shop();
    shop.coupon("TWICE", &["--amount", "15", "--duration", "2"]);
    let create = ["subscription", "create", "--tenant", "t3", "--plan", "monthly"];
    let begun = shop.json(&[&create[..], &["--coupon", "TWICE"], &TODAY].concat());
    let id = support::subscriptions::text(&begun["id"]);
    let [number] = won(&shop, "TWICE").try_into().expect("one invoice");
    assert_eq!(shop.uses("TWICE"), Uses::subscription(1));
    let orders = Meeting {
        one: &["invoice", "void", &number, "--reason", "a mistake"],
        other: &["subscription", "cancel", &id, "--now"],
        one_first: [Yes, Yes],
        other_first: [Yes, Yes],
    }
    .in_either_order(&shop.prepared());
    for shop in orders {
        assert_eq!(shop.uses("TWICE"), Uses::returned(1));
        assert_eq!(invoice(&shop, &number)[0], "void");
    }
}
