//! Every command that writes, killed at every point where it commits, and then given again: what
//! is left is what one clean command leaves, row by row and e-mail by e-mail.
mod support;

use std::time::{Duration, Instant};

use serde_json::json;
use support::coupons::Uses;
use support::inside::Random;
use support::races::Said;
use support::subscriptions::{CLEANUP, GENERATE, due, text, trials};
use support::{Contents, Prepared, Shop, TODAY, assert_same, business};

/// What a clean command leaves.
struct Left {
    contents: Contents,
    mailbox: std::collections::BTreeMap<String, Vec<u8>>,
}

impl Left {
    /// The audit trail says in which order things came to pass; after a crash that may be another
    /// one, with the same events in it.
    fn in_shop(shop: &Shop) -> Left {
        let mut contents = shop.contents();
        let events = contents.get_mut("events").expect("the audit trail");
        for event in events.iter_mut() {
            *event = event.split_once(' ').expect("its id first").1.to_owned();
        }
        events.sort();
        Left { contents, mailbox: shop.mailbox() }
    }

    /// What the command leaves if nothing disturbs it.
    fn by(prepared: &Prepared, args: &[&str]) -> Left {
        let shop = prepared.shop();
        shop.ok(&[args, &TODAY].concat());
        shop.check();
        Left::in_shop(&shop)
    }

    /// Proves that the shop holds the same, and that all it holds agrees.
    fn is_in(&self, shop: &Shop, what: &str) {
        let found = Left::in_shop(shop);
        assert_same(what, &found.contents, &self.contents);
        let names = |left: &Left| left.mailbox.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&found), names(self), "{what}");
        assert!(found.mailbox == self.mailbox, "{what}: an e-mail has other bytes");
        shop.check();
    }
}

/// Kills the command at its first commit point, its second, and so on until it comes to its end;
/// after each death `again` does what an operator or cron does next. Returns how many points there
/// are.
fn killed_at_every_point(prepared: &Prepared, args: &[&str], again: impl Fn(&Shop)) -> u64 {
    let expected = Left::by(prepared, args);
    let args = [args, &TODAY[..]].concat();
    for point in 1.. {
        let shop = prepared.shop();
        let died = shop.crashes(&args, point);
        if died.is_some() {
            runs_that_died_are_shown_as_such(&shop);
            again(&shop);
        }
        expected.is_in(&shop, &format!("{args:?} killed at point {point}"));
        if died.is_none() {
            return point - 1;
        }
    }
    unreachable!("a command has an end")
}

/// A run that the database still takes for running is told as interrupted: nobody holds its lock.
fn runs_that_died_are_shown_as_such(shop: &Shop) {
    let sql = shop.sql();
    let mut running = sql.prepare("SELECT id FROM runs WHERE status = 'running'").expect("runs");
    let running = running.query_map([], |row| row.get::<_, i64>(0)).expect("rows");
    let running: Vec<_> = running.map(|id| format!("run_{}", id.expect("an id"))).collect();
    assert!(running.len() <= 1, "{running:?}");
    for run in shop.json(&["tasks", "runs"]).as_array().expect("a list") {
        let id = run["id"].as_str().expect("an id").to_owned();
        let expected = if running.contains(&id) { "interrupted" } else { "ok" };
        assert_eq!(run["status"], expected, "{run}");
    }
}

/// Whatever became of those before it.
fn last_run_is_ok(shop: &Shop) {
    let runs = shop.json(&["tasks", "runs", "--limit", "1"]);
    assert_eq!(runs[0]["status"], "ok", "{runs}");
}

fn simply_again(args: &'static [&'static str]) -> impl Fn(&Shop) {
    move |shop| _ = shop.ok(&[args, &TODAY[..]].concat())
}

fn invoice_of(shop: &Shop, tenant: &str) -> String {
    let list = shop.json(&["invoice", "list", "--tenant", tenant]);
    list[0]["number"].as_str().expect("a number").to_owned()
}

/// Pays one of the two invoices of a tenant that is suspended; whatever settles the other, which is
/// returned, brings it back.
fn held_by_one_invoice(shop: &Shop) -> String {
    let list = shop.json(&["invoice", "list", "--tenant", "birch"]);
    let [held, other] = [0, 1].map(|at| text(&list[at]["number"]));
    shop.ok(&[&["invoice", "pay", &other, "--amount", "100"][..], &TODAY].concat());
    assert_eq!(standing(shop, "birch"), "suspended");
    held
}

fn standing(shop: &Shop, tenant: &str) -> String {
    text(&shop.json(&["tenant", "show", tenant])["status"])
}

#[test]
fn check_overdue_killed_anywhere_and_run_again_is_one_run() {
    let args = &["tasks", "check-overdue", "--quiet"];
    let prepared = business();
    let points = killed_at_every_point(&prepared, args, |shop| {
        simply_again(args)(shop);
        last_run_is_ok(shop);
    });
    // The run's start and end, its pages, the change to delivery, and two commits an e-mail.
    assert!(points >= 30, "{points}");
    let sent = Left::by(&prepared, args).mailbox;
    assert_eq!(sent.len(), 5, "the business has something for every stage");
}

#[test]
fn deliver_emails_killed_anywhere_and_run_again_sends_each_email_once() {
    let shop = business().shop();
    shop.ok(&[&["tasks", "check-overdue", "--no-deliver", "--quiet"][..], &TODAY].concat());
    let args = &["tasks", "deliver-emails"];
    let points = killed_at_every_point(&shop.prepared(), args, |shop| {
        simply_again(args)(shop);
        last_run_is_ok(shop);
    });
    assert!(points >= 20, "{points}");
}

#[test]
fn letters_of_a_run_that_died_while_it_sent_them_leave_with_deliver_emails_too() {
    let args = &["tasks", "check-overdue", "--quiet"];
    let points = killed_at_every_point(&business(), args, |shop| {
        // Whatever the hour: cron starts delivery every ten minutes, and the run once a day.
        simply_again(&["tasks", "deliver-emails"])(shop);
        simply_again(args)(shop);
    });
    assert!(points >= 30, "{points}");
}

/// Kills the command (SIGKILL) so often, later and later, and gives it again. Between commits too:
/// while a file is written, or a page of the log.
fn killed_at_moments(prepared: &Prepared, args: &[&str], times: u64) {
    let expected = Left::by(prepared, args);
    let args = [args, &TODAY].concat();
    let mut died = 0;
    for moment in (0..times).map(|n| Duration::from_millis(2 * n)) {
        let shop = prepared.shop();
        died += u32::from(shop.is_killed(&args, moment));
        runs_that_died_are_shown_as_such(&shop);
        shop.ok(&args);
        expected.is_in(&shop, &format!("{args:?} killed after {moment:?}"));
    }
    println!("{died} of {times} died");
    assert!(died > 0);
}

#[test]
fn a_run_killed_at_any_moment_leaves_no_half_email_once_it_is_run_again() {
    killed_at_moments(&business(), &["tasks", "check-overdue", "--quiet"], 40);
}

#[test]
fn billing_killed_anywhere_and_run_again_bills_each_period_once() {
    let args = &["tasks", GENERATE, "--quiet"];
    let prepared = due();
    let points = killed_at_every_point(&prepared, args, |shop| {
        simply_again(args)(shop);
        last_run_is_ok(shop);
    });
    // The run's start and end, two scans, the change to delivery, and two commits an e-mail.
    assert!(points >= 15, "{points}");
    let sent = Left::by(&prepared, args).mailbox;
    assert_eq!(sent.len(), 6, "one for each period that is due");
}

#[test]
fn the_end_of_trials_killed_anywhere_and_run_again_ends_each_trial_once() {
    let args = &["tasks", CLEANUP, "--quiet"];
    let prepared = trials();
    let points = killed_at_every_point(&prepared, args, |shop| {
        simply_again(args)(shop);
        // The other task finds nothing that the death has left to it.
        simply_again(&["tasks", GENERATE, "--quiet"])(shop);
        last_run_is_ok(shop);
    });
    assert!(points >= 15, "{points}");
    let shop = prepared.shop();
    let run = shop.task(CLEANUP, "2026-03-16", &[]);
    let counts = ["expired", "suspended", "converted", "reminded"].map(|name| run[name].as_u64());
    assert_eq!(counts, [5, 2, 2, 2].map(Some), "the business has something for every branch");
}

#[test]
fn billing_and_the_end_of_trials_killed_at_any_moment_are_one_run_once_they_are_run_again() {
    killed_at_moments(&due(), &["tasks", GENERATE, "--quiet"], 10);
    killed_at_moments(&trials(), &["tasks", CLEANUP, "--quiet"], 10);
}

#[test]
fn a_payment_killed_anywhere_is_booked_once_if_its_reference_is_looked_for_first() {
    let shop = business().shop();
    // The payment brings the tenant back, so that there is more to lose than a row.
    let number = held_by_one_invoice(&shop);
    let prepared = shop.prepared();
    let pay = ["invoice", "pay", &number, "--amount", "100", "--reference", "BANK 17"];
    let points = killed_at_every_point(&prepared, &pay, |shop| {
        let booked = shop.json(&["transaction", "list", "--invoice", &number]);
        let booked = booked.as_array().expect("a list");
        if !booked.iter().any(|payment| payment["reference"] == "BANK 17") {
            shop.ok(&[&pay[..], &TODAY].concat());
        }
        assert_eq!(standing(shop, "birch"), "active");
        // Who does not look is refused, and nothing is booked twice.
        assert_ne!(shop.run(&[&pay[..], &TODAY].concat()).status, 0);
    });
    assert_eq!(points, 2);
}

#[test]
fn an_invoice_whose_creation_is_killed_anywhere_takes_one_number_and_one_email() {
    let create = ["invoice", "create", "--tenant", "heath", "--amount", "250", "--send"];
    let create = [&create[..], &["--description", "Setup, order 4711"]].concat();
    let points = killed_at_every_point(&business(), &create, |shop| {
        let issued = shop.json(&["invoice", "list", "--tenant", "heath"]);
        let issued = issued.as_array().expect("a list");
        let is_it = |line: &serde_json::Value| line["description"] == "Setup, order 4711";
        if !issued.iter().any(|i| i["lines"].as_array().expect("lines").iter().any(is_it)) {
            shop.ok(&[&create[..], &TODAY].concat());
        }
    });
    assert_eq!(points, 2);
}

#[test]
fn imports_killed_anywhere_and_given_again_are_one_import() {
    let shop = business().shop();
    let mut invoices = "number,tenant,total,issued_on,due_on,paid_on\n".to_owned();
    for n in 1..=40 {
        let paid_on = if n % 4 == 0 { "2026-02-20" } else { "" };
        invoices.push_str(&format!("OLD-{n},heath,{n}.50,2026-01-02,2026-02-01,{paid_on}\n"));
    }
    // One that fits the format of our numbers and raises their sequence.
    invoices.push_str("INV-2026-000700,heath,12,2026-01-02,2026-02-01,\n");
    shop.write("invoices.csv", &invoices);
    let args = &["import", "invoices", "invoices.csv", "--quiet"];
    let points = killed_at_every_point(&shop.prepared(), args, simply_again(args));
    assert_eq!(points, 2);

    shop.ok(&[&args[..], &TODAY].concat());
    let birch = invoice_of(&shop, "birch");
    // With a reference and without: two equal payments without one are two payments.
    shop.write(
        "payments.csv",
        &format!(
            "invoice,amount,paid_on,reference\n{birch},100,2026-03-15,BANK 17\n\
             OLD-39,10,2026-03-15,\nOLD-39,10,2026-03-15,\nOLD-38,38.50,2026-03-14,BANK 18\n"
        ),
    );
    let args = &["import", "payments", "payments.csv", "--quiet"];
    let points = killed_at_every_point(&shop.prepared(), args, simply_again(args));
    assert_eq!(points, 2);
}

/// The business with a plan, a subscription to it, and a coupon of 10 %, once a customer.
fn with_coupon() -> Shop {
    let shop = business().shop();
    shop.plan("monthly", "40", "1", &[]);
    shop.subscribe("heath", "monthly", "2026-03-02", &[]);
    shop.coupon("TEN", &["--percent", "10", "--max-uses", "5", "--duration", "3"]);
    shop
}

/// Kills the command before its only commit, and after it: nothing of it stands then, or all of
/// it. The coupon is used so often `before` and `after`, from whichever side its uses are counted.
/// Given again, a command of which nothing stands does its work, and one that has done it is told
/// what is `said` and changes nothing.
fn all_or_nothing(prepared: &Prepared, args: &[&str], [before, after]: [Uses; 2], said: Said) {
    let (nothing, all) = (Left::in_shop(&prepared.shop()), Left::by(prepared, args));
    let args = [args, &TODAY, &["--json"]].concat();
    for (point, stands, uses) in [(1, &nothing, before), (2, &all, after)] {
        let shop = prepared.shop();
        let what = format!("{args:?} killed at point {point}");
        shop.crashes(&args, point).unwrap_or_else(|| panic!("{what}: it did not die"));
        stands.is_in(&shop, &what);
        assert_eq!(shop.uses("TEN"), uses, "{what}");
        let again = shop.run(&args);
        let expected = if point == 1 { Said::Yes } else { said };
        assert!(expected.by(&again), "{what}, given again: {again:?}");
        all.is_in(&shop, &format!("{what}, given again"));
        assert_eq!(shop.uses("TEN"), after, "{what}, given again");
    }
    // There is no third point: it is one transaction.
    assert!(prepared.shop().crashes(&args, 3).is_none(), "{args:?}");
}

#[test]
fn a_coupon_whose_use_for_an_invoice_is_killed_anywhere_is_used_with_its_discount_or_not_at_all() {
    let prepared = with_coupon().prepared();
    let number = invoice_of(&prepared.shop(), "heath");
    let apply = ["coupon", "apply", "TEN", "--invoice", &number, "--metadata", "campaign=spring"];
    all_or_nothing(
        &prepared,
        &apply,
        [Uses::NONE, Uses::invoices(1)],
        Said::No("max_uses_per_customer_reached"),
    );
}

#[test]
fn a_coupon_that_settles_an_invoice_killed_anywhere_brings_its_tenant_back_with_it_or_not_at_all() {
    let shop = with_coupon();
    shop.ok(&["coupon", "edit", "TEN", "--percent", "100"]);
    let number = held_by_one_invoice(&shop);
    let prepared = shop.prepared();
    let apply = ["coupon", "apply", "TEN", "--invoice", &number];
    // Given again, it finds that the customer has used it.
    let said = Said::No("max_uses_per_customer_reached");
    all_or_nothing(&prepared, &apply, [Uses::NONE, Uses::invoices(1)], said);
    let shop = prepared.shop();
    shop.ok(&[&apply[..], &TODAY].concat());
    assert_eq!(standing(&shop, "birch"), "active", "there was more to lose than a use");
}

#[test]
fn a_coupon_whose_use_for_a_subscription_is_killed_anywhere_is_on_it_or_is_not_used() {
    let apply = ["coupon", "apply", "TEN", "--subscription", "sub_1"];
    let uses = [Uses::NONE, Uses::subscription(0)];
    all_or_nothing(
        &with_coupon().prepared(),
        &apply,
        uses,
        Said::No("max_uses_per_customer_reached"),
    );
}

#[test]
fn a_subscription_begun_with_a_coupon_and_killed_anywhere_is_there_with_its_discount_or_not_at_all()
{
    let create = ["subscription", "create", "--tenant", "heath", "--plan", "monthly"];
    let create = [&create[..], &["--coupon", "TEN"]].concat();
    let uses = [Uses::NONE, Uses::subscription(1)];
    // Who gives it again without looking gets no second one with the coupon.
    let said = Said::No("max_uses_per_customer_reached");
    all_or_nothing(&with_coupon().prepared(), &create, uses, said);
}

#[test]
fn an_invoice_created_with_a_coupon_and_killed_anywhere_is_there_with_its_discount_or_not_at_all() {
    let create = ["invoice", "create", "--tenant", "heath", "--amount", "250", "--send"];
    let create = [&create[..], &["--coupon", "TEN"]].concat();
    let uses = [Uses::NONE, Uses::invoices(1)];
    let said = Said::No("max_uses_per_customer_reached");
    all_or_nothing(&with_coupon().prepared(), &create, uses, said);
}

#[test]
fn a_discounted_invoice_whose_void_is_killed_anywhere_gives_its_use_back_with_it_or_keeps_it() {
    let shop = with_coupon();
    let number = invoice_of(&shop, "heath");
    shop.ok(&[&["coupon", "apply", "TEN", "--invoice", &number][..], &TODAY].concat());
    let void = ["invoice", "void", &number, "--reason", "a mistake"];
    let uses = [Uses::invoices(1), Uses::returned(1)];
    all_or_nothing(&shop.prepared(), &void, uses, Said::No("not_open"));
}

#[test]
fn a_discounted_period_whose_void_is_killed_anywhere_is_given_back_with_it_or_stays_used() {
    let shop = with_coupon();
    let create = ["subscription", "create", "--tenant", "elm", "--plan", "monthly"];
    let begun = shop.json(&[&create[..], &["--coupon", "TEN"], &TODAY].concat());
    let id = text(&begun["id"]);
    let left = |shop: &Shop| shop.subscription(&id, TODAY[1])["coupon_periods_left"].clone();
    assert_eq!(left(&shop), json!(2));
    let issued = shop.json(&["invoice", "list", "--tenant", "elm"]);
    let of_period = |invoice: &&serde_json::Value| invoice["discount"] != "0.00";
    let issued: Vec<_> = issued.as_array().expect("a list").iter().filter(of_period).collect();
    assert_eq!(issued.len(), 1);
    let void = ["invoice", "void", &text(&issued[0]["number"]), "--reason", "a mistake"];
    let prepared = shop.prepared();
    let uses = [Uses::subscription(1), Uses::subscription(0)];
    all_or_nothing(&prepared, &void, uses, Said::No("not_open"));
    let shop = prepared.shop();
    shop.ok(&[&void[..], &TODAY].concat());
    assert_eq!(left(&shop), json!(3));
}

#[test]
fn a_look_at_a_coupon_that_is_killed_anywhere_is_counted_once_or_not_at_all() {
    let prepared = with_coupon().prepared();
    let look = ["coupon", "validate", "TEN", "--tenant", "heath", "--amount", "100"];
    all_or_nothing(&prepared, &look, [Uses::NONE; 2], Said::Yes);
    let checks = Left::by(&prepared, &look).contents["coupon_checks"].len();
    assert_eq!(checks, 1);
}

#[test]
fn codes_whose_making_is_killed_anywhere_are_all_there_or_none_is_so_whoever_looks_makes_them_once()
{
    let prepared = with_coupon().prepared();
    let generate = ["coupon", "generate", "--count", "50", "--prefix", "SPRING", "--percent", "20"];
    let generate = [&generate[..], &["--until", "2026-12-31", "--quiet"], &TODAY].concat();
    let made = |shop: &Shop| -> Vec<String> {
        let list = shop.json(&["coupon", "list"]);
        let codes = list.as_array().expect("a list").iter().map(|coupon| text(&coupon["code"]));
        codes.filter(|code| code.starts_with("SPRING-")).collect()
    };
    for (point, stand) in [(1, 0), (2, 50)] {
        let shop = prepared.shop();
        let died = shop.crashes(&generate, point).expect("it dies");
        // They were printed by nobody.
        assert_eq!((died.stdout.as_str(), made(&shop).len()), ("", stand));
        // What is drawn at random is no repetition of anything: who gives it again without a look
        // has twice as many.
        if made(&shop).is_empty() {
            shop.ok(&generate);
        }
        let codes: std::collections::BTreeSet<String> = made(&shop).into_iter().collect();
        assert_eq!(codes.len(), 50);
        let told = shop.json(&["event", "list"]);
        let is_it = |event: &&serde_json::Value| event["kind"] == "coupons_generated";
        assert_eq!(told.as_array().expect("a list").iter().filter(is_it).count(), 1);
        shop.check();
    }
    assert!(prepared.shop().crashes(&generate, 3).is_none());
}

#[test]
fn forty_uses_of_a_coupon_killed_at_random_moments_are_counted_as_often_as_they_stand() {
    let shop = Shop::new();
    shop.tenant("acme");
    shop.coupon("TEN", &["--percent", "10", "--max-uses", "40", "--max-uses-per-customer", "0"]);
    let create = ["invoice", "create", "--tenant", "acme", "--amount", "100"];
    let numbers: Vec<String> =
        (0..42).map(|_| text(&shop.json(&[&create[..], &TODAY].concat())["number"])).collect();
    let apply = |number| {
        [&["coupon", "apply", "TEN", "--invoice", number], &TODAY[..], &["--json"]].concat()
    };
    // How long one takes that nobody kills, which leaves no trace: its invoice is voided again.
    let begun = Instant::now();
    shop.ok(&apply(numbers[41].as_str()));
    let took = u64::try_from(begun.elapsed().as_micros()).expect("a moment");
    shop.ok(&["invoice", "void", &numbers[41], "--reason", "a trial"]);
    let mut random = Random::seeded();
    let has_it = |number: &str| shop.json(&["invoice", "show", number])["coupon"] == "TEN";
    let (mut died, mut stand) = (0, 0);
    let numbers = &numbers[..41];
    for number in &numbers[..40] {
        let after = Duration::from_micros(random.below(took * 5 / 4));
        let killed = shop.is_killed(&apply(number), after);
        let stands = has_it(number);
        assert!(killed || stands, "{number}: it was done, and is not there");
        died += i64::from(killed);
        stand += i64::from(stands);
        assert_eq!(shop.uses("TEN"), Uses { ever: stand + 1, ..Uses::invoices(stand) });
    }
    shop.check();
    println!("{died} of 40 died, the uses of {stand} stand");
    assert!(died > 0);
    // Given again, each is done or was done, and what is not there has kept no use for itself.
    for number in &numbers[..40] {
        let said = match has_it(number) {
            true if shop.uses("TEN") == Uses { ever: 41, ..Uses::invoices(40) } => {
                Said::No("max_uses_reached")
            }
            true => Said::No("has_coupon"),
            false => Said::Yes,
        };
        let again = shop.run(&apply(number));
        assert!(said.by(&again), "{number}: {again:?}");
    }
    assert_eq!(shop.uses("TEN"), Uses { ever: 41, ..Uses::invoices(40) });
    assert_eq!(shop.refusal(&apply(&numbers[40])[..7]), "max_uses_reached");
    shop.check();
}

/// Two months of a plan at 60.00, billed on 1 March: paid by card, and owed.
fn in_a_billed_month() -> Prepared {
    let shop = Shop::with_config("[payments]\ngateway = \"sandbox\"\n");
    shop.plan("monthly", "62", "1", &[]);
    for tenant in ["paid", "owes"] {
        shop.tenant(tenant);
        let mut more = vec!["--quantity", "2"];
        if tenant == "paid" {
            shop.pays_by_itself(tenant);
            more.extend(["--collection", "automatic"]);
        }
        shop.subscribe(tenant, "monthly", "2026-03-01", &more);
    }
    shop.ok(&["tasks", "deliver-emails", "--as-of", "2026-03-12"]);
    shop.check();
    std::fs::remove_dir_all(shop.path("mail")).expect("the mail folder");
    shop.prepared()
}

#[test]
fn what_changes_rests_or_ends_today_killed_anywhere_stands_with_its_documents_or_not_at_all() {
    let prepared = in_a_billed_month();
    // The one that is owed: nothing is asked of a gateway.
    let change = ["subscription", "change", "sub_2", "--now", "--quantity"];
    let more = [&change[..], &["5"]].concat();
    let at_once = [&more[..], &["--bill", "now"]].concat();
    let fewer = [&change[..], &["1"]].concat();
    let pause = ["subscription", "pause", "sub_2", "--now", "--credit"];
    let end = ["subscription", "cancel", "sub_2", "--now", "--credit"];
    for (args, said) in [
        (&more[..], "nothing_to_change"),
        (&at_once, "nothing_to_change"),
        (&fewer, "nothing_to_change"),
        (&pause, "not_pausable"),
        (&end, "already_canceled"),
    ] {
        let (nothing, all) = (Left::in_shop(&prepared.shop()), Left::by(&prepared, args));
        let args = [args, &TODAY, &["--json"]].concat();
        let (mut points, mut undone) = (0, 0);
        for point in 1.. {
            let shop = prepared.shop();
            let what = format!("{args:?} killed at point {point}");
            if shop.crashes(&args, point).is_none() {
                break;
            }
            points += 1;
            let told = shop.run(&args);
            if Said::Yes.by(&told) {
                undone += 1;
            } else {
                assert!(Said::No(said).by(&told), "{what}, given again: {told:?}");
            }
            all.is_in(&shop, &format!("{what}, given again"));
        }
        assert!(
            points >= 2 && undone >= 1,
            "{args:?}: {points} points, {undone} before the commit"
        );
        let shop = prepared.shop();
        shop.crashes(&args, 1).expect("it dies");
        nothing.is_in(&shop, &format!("{args:?} killed before its commit"));
    }
}

#[test]
fn a_refund_of_what_an_end_gives_back_killed_anywhere_is_asked_for_once() {
    let prepared = in_a_billed_month();
    let end = ["subscription", "cancel", "sub_1", "--now", "--refund"];
    let end = [&end[..], &TODAY, &["--json"]].concat();
    let mut points = 0;
    for point in 1.. {
        let shop = prepared.shop();
        let what = format!("killed at point {point}");
        let died = shop.crashes(&end, point).is_some();
        points += u64::from(died);
        // Given again: the first time it died before it did anything.
        let again = shop.run(&end);
        assert!(Said::No("already_canceled").by(&again) || again.status == 0, "{again:?}");
        // The run asks what became of what was begun.
        shop.machine_goes_on(3600);
        let run = shop.task("retry-failed-payments", "2026-03-16", &[]);
        assert_eq!(run["errors"], json!([]), "{what}: {run}");
        let notes = shop.json(&["credit-note", "list", "--tenant", "paid"]);
        assert_eq!(notes.as_array().map(Vec::len), Some(1), "{what}: {notes}");
        // 124.00 for 16 of 31 days.
        assert_eq!((&notes[0]["total"], &notes[0]["refunded"]), (&json!("64.00"), &json!("64.00")));
        let moved = shop.json(&["transaction", "list", "--tenant", "paid"]);
        let moved = moved.as_array().expect("a list").iter();
        let refunds: Vec<_> = moved.filter(|one| one["kind"] == "refund").collect();
        assert_eq!(refunds.len(), 1, "{what}: {refunds:?}");
        assert_eq!(refunds[0]["status"], "succeeded", "{what}");
        shop.check();
        if !died {
            break;
        }
    }
    assert!(points >= 4, "{points}");
}
