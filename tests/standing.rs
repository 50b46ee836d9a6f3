//! What brings a tenant back, what holds it, and what an e-mail says when the facts have moved on.
mod support;

use serde_json::{Value, json};
use support::Shop;

fn status(shop: &Shop, tenant: &str) -> Value {
    shop.json(&["tenant", "show", tenant])["status"].clone()
}

fn pay(shop: &Shop, number: &str, amount: &str, day: &str) {
    shop.ok(&["invoice", "pay", number, "--amount", amount, "--as-of", day]);
}

/// Runs each day, as cron does.
fn run_days(shop: &Shop, days: &[&str]) {
    for day in days {
        shop.task("check-overdue", day, &[]);
    }
}

/// A suspended tenant: two invoices a day apart, due on 10 and 11 January, suspended on 9 February.
fn suspended() -> (Shop, String, String) {
    let shop = Shop::new();
    let (a, b) = (shop.owes("acme", "2026-01-10"), shop.owes("acme", "2026-01-11"));
    run_days(&shop, &["2026-01-25", "2026-01-26", "2026-02-09", "2026-02-10"]);
    assert_eq!(status(&shop, "acme"), "suspended");
    (shop, a, b)
}

#[test]
fn a_tenant_comes_back_when_the_last_invoice_past_suspension_is_paid() {
    let (shop, a, b) = suspended();
    pay(&shop, &a, "100", "2026-02-11");
    assert_eq!(status(&shop, "acme"), "suspended");
    pay(&shop, &b, "40", "2026-02-11");
    assert_eq!(status(&shop, "acme"), "suspended");
    pay(&shop, &b, "60", "2026-02-12");
    assert_eq!(status(&shop, "acme"), "active");
    shop.check();
}

#[test]
fn taking_back_a_part_payment_does_not_let_go_of_a_suspended_tenant() {
    let (shop, a, b) = suspended();
    pay(&shop, &a, "30", "2026-02-11");
    shop.ok(&["transaction", "reverse", "txn_1", "--reason", "bounced", "--as-of", "2026-02-12"]);
    pay(&shop, &b, "100", "2026-02-12");
    assert_eq!(status(&shop, "acme"), "suspended");
    pay(&shop, &a, "100", "2026-02-13");
    assert_eq!(status(&shop, "acme"), "active");
}

#[test]
fn taking_back_a_part_payment_leaves_the_notice_that_was_given() {
    let shop = Shop::new();
    let number = shop.owes("acme", "2026-01-10");
    run_days(&shop, &["2026-01-25"]);
    pay(&shop, &number, "30", "2026-01-26");
    shop.ok(&["transaction", "reverse", "txn_1", "--reason", "bounced", "--as-of", "2026-01-27"]);
    assert_eq!(shop.task("check-overdue", "2026-02-09", &[])["tenants_suspended"], 1);
}

#[test]
fn taking_back_the_payment_that_brought_a_tenant_back_warns_it_anew() {
    let (shop, a, b) = suspended();
    pay(&shop, &a, "100", "2026-02-11");
    pay(&shop, &b, "100", "2026-02-11");
    assert_eq!(status(&shop, "acme"), "active");
    shop.ok(&["transaction", "reverse", "txn_2", "--reason", "bounced", "--as-of", "2026-02-12"]);
    assert_eq!(shop.task("check-overdue", "2026-02-12", &[])["steps"]["warning"], 1);
    assert_eq!(shop.task("check-overdue", "2026-02-18", &[])["tenants_suspended"], 0);
    assert_eq!(shop.task("check-overdue", "2026-02-19", &[])["tenants_suspended"], 1);
    shop.check();
}

#[test]
fn an_invoice_whose_suspension_no_run_has_recorded_yet_holds_its_tenant_too() {
    let shop = Shop::new();
    let (a, _b) = (shop.owes("acme", "2026-01-10"), shop.owes("acme", "2026-01-12"));
    run_days(&shop, &["2026-01-25", "2026-01-27", "2026-02-09"]);
    // Cron slept on the 11th, when the other one came to its thirtieth day.
    pay(&shop, &a, "100", "2026-02-12");
    assert_eq!(status(&shop, "acme"), "suspended");
}

#[test]
fn one_that_comes_back_by_hand_is_warned_again_also_where_the_cap_held_it() {
    let shop = Shop::with_config("[dunning]\nmax_suspensions_per_run = 0\n");
    shop.owes("acme", "2026-01-10");
    run_days(&shop, &["2026-01-25"]);
    assert_eq!(shop.task("check-overdue", "2026-02-12", &[])["suspensions_held"], 1);
    shop.ok(&["tenant", "suspend", "acme", "--reason", "abuse", "--as-of", "2026-02-12"]);
    shop.ok(&["tenant", "reactivate", "acme", "--as-of", "2026-02-13"]);
    let run = |day| shop.task("check-overdue", day, &["--allow-mass-suspension"]);
    assert_eq!(run("2026-02-14")["tenants_suspended"], 0);
    assert_eq!(run("2026-02-20")["steps"]["warning"], 1);
    assert_eq!(run("2026-02-27")["tenants_suspended"], 1);
    shop.check();
}

#[test]
fn a_write_off_pays_nothing_and_brings_nobody_back() {
    let shop = Shop::new();
    let number = shop.owes("acme", "2026-01-10");
    run_days(&shop, &["2026-01-25", "2026-02-09"]);
    shop.ok(&["invoice", "write-off", &number, "--reason", "insolvent", "--as-of", "2026-02-10"]);
    assert_eq!(status(&shop, "acme"), "suspended");
    pay(&shop, &number, "100", "2026-02-11");
    assert_eq!(status(&shop, "acme"), "active");
}

#[test]
fn what_a_tenant_was_suspended_for_and_was_given_up_holds_it_still() {
    let give_up = |shop: &Shop, number: &str, day: &str| {
        shop.ok(&["invoice", "write-off", number, "--reason", "insolvent", "--as-of", day]);
    };
    let (shop, a, b) = suspended();
    give_up(&shop, &a, "2026-02-11");
    pay(&shop, &b, "100", "2026-02-11");
    assert_eq!(status(&shop, "acme"), "suspended");
    pay(&shop, &a, "100", "2026-02-12");
    assert_eq!(status(&shop, "acme"), "active");
    shop.check();
    // Voiding the other one pays nothing either.
    let (shop, a, b) = suspended();
    give_up(&shop, &a, "2026-02-11");
    shop.ok(&["invoice", "void", &b, "--reason", "wrong", "--as-of", "2026-02-11"]);
    assert_eq!(status(&shop, "acme"), "suspended");
    // One that was never reason enough for a suspension does not hold.
    let (shop, a, b) = suspended();
    let c = shop.owes("acme", "2026-02-01");
    shop.task("check-overdue", "2026-02-10", &[]);
    give_up(&shop, &c, "2026-02-11");
    pay(&shop, &a, "100", "2026-02-11");
    pay(&shop, &b, "100", "2026-02-11");
    assert_eq!(status(&shop, "acme"), "active");
    // Nor does one that was given up before the tenant came back by hand, the next time.
    let (shop, a, b) = suspended();
    give_up(&shop, &a, "2026-02-11");
    shop.ok(&["tenant", "reactivate", "acme", "--as-of", "2026-02-12"]);
    run_days(&shop, &["2026-02-19", "2026-02-26"]);
    assert_eq!(status(&shop, "acme"), "suspended");
    pay(&shop, &b, "100", "2026-02-27");
    assert_eq!(status(&shop, "acme"), "active");
}

#[test]
fn a_charge_brings_a_tenant_back_and_a_part_of_what_is_due_does_not() {
    let (shop, a, b) = suspended();
    shop.configure("[payments]\ngateway = \"sandbox\"\n");
    let method = ["payment-method", "create", "--tenant", "acme", "--kind", "card", "--default"];
    shop.ok(&[&method[..], &["--token", "tok_ok"]].concat());
    let charge = |number: &str| {
        shop.ok(&["invoice", "charge", number, "--as-of", "2026-02-11"]);
    };
    charge(&a);
    assert_eq!(status(&shop, "acme"), "suspended");
    charge(&b);
    assert_eq!(status(&shop, "acme"), "active");
    shop.check();
    // What is disputed does not hold; what is left of the other one leaves it as it is.
    let (shop, a, b) = suspended();
    shop.ok(&["invoice", "dispute", &a, "--as-of", "2026-02-11"]);
    let c = shop.owes("acme", "2026-02-05");
    shop.ok(&["invoice", "dispute", &b, "--as-of", "2026-02-11"]);
    pay(&shop, &c, "40", "2026-02-11");
    assert_eq!(status(&shop, "acme"), "suspended");
    pay(&shop, &c, "60", "2026-02-11");
    assert_eq!(status(&shop, "acme"), "active");
}

#[test]
fn who_comes_back_may_promise_to_pay_on_the_very_day() {
    let (shop, ..) = suspended();
    let reactivate = |until: &str| {
        let args = ["tenant", "reactivate", "acme", "--until", until, "--as-of", "2026-02-11"];
        shop.run(&args).status
    };
    assert_eq!((reactivate("2026-02-10"), reactivate("2026-02-11")), (1, 0));
    assert_eq!(status(&shop, "acme"), "active");
    let invoice = shop.json(&["invoice", "list", "--tenant", "acme"])[0].clone();
    let promise = ["invoice", "promise", invoice["number"].as_str().expect("a number"), "--until"];
    let promised = |until| shop.run(&[&promise[..], &[until, "--as-of", "2026-02-11"]].concat());
    assert_eq!((promised("2026-02-10").status, promised("2026-02-11").status), (1, 0));
}

/// What a closed customer owes is chased to the end of the ladder; there is nothing to suspend any
/// more, and so nothing to tell.
#[test]
fn a_closed_tenant_comes_to_the_last_stage_without_a_word() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-10");
    run_days(&shop, &["2026-01-25"]);
    shop.ok(&["tenant", "close", "acme", "--as-of", "2026-01-26"]);
    let run = shop.task("check-overdue", "2026-02-09", &[]);
    let counts = ["emails_queued", "tenants_suspended"].map(|name| run[name].clone());
    assert_eq!((&run["steps"]["suspension"], counts), (&json!(1), [json!(0), json!(0)]));
    assert_eq!(shop.task("check-overdue", "2026-02-10", &[])["steps"]["suspension"], 0);
    assert_eq!(status(&shop, "acme"), "closed");
    shop.check();
}

#[test]
fn where_payment_brings_nobody_back_a_person_does() {
    let (shop, a, b) = suspended();
    shop.configure("[dunning]\nreactivate_on_payment = false\n");
    pay(&shop, &a, "100", "2026-02-11");
    shop.ok(&["invoice", "void", &b, "--reason", "wrong", "--as-of", "2026-02-11"]);
    assert_eq!(status(&shop, "acme"), "suspended");
    assert_eq!(shop.json(&["event", "list", "--kind", "tenant_reactivated"]), json!([]));
    let emails = shop.json(&["email", "list"]);
    let mut emails = emails.as_array().expect("e-mails").iter();
    assert!(emails.all(|email| email["template"] != "reactivation"));
    shop.ok(&["tenant", "reactivate", "acme", "--as-of", "2026-02-12"]);
    assert_eq!(status(&shop, "acme"), "active");
    // Nobody is promised what does not happen.
    let text = |config: &str| {
        let shop = Shop::with_config(config);
        shop.owes("acme", "2026-01-10");
        run_days(&shop, &["2026-01-25", "2026-02-09"]);
        let list = shop.json(&["email", "list", "--stage", "suspension"]);
        shop.json(&["email", "show", list[0]["id"].as_str().expect("an id")])["message"].to_string()
    };
    let promise = "We will restore your access as soon as we receive payment in full";
    assert!(text("").contains(promise));
    assert!(!text("[dunning]\nreactivate_on_payment = false\n").contains(promise));
}

#[test]
fn who_comes_back_is_thanked_for_a_payment_alone() {
    let email = |shop: &Shop, day: &str| {
        shop.ok(&["tasks", "deliver-emails", "--as-of", day]);
        let emails = shop.json(&["email", "list", "--tenant", "acme"]);
        let last = emails.as_array().and_then(|l| l.last()).expect("an e-mail")["id"].clone();
        shop.json(&["email", "show", last.as_str().expect("an id")])["message"].to_string()
    };
    let (shop, a, b) = suspended();
    shop.ok(&["tenant", "reactivate", "acme", "--as-of", "2026-02-11"]);
    let by_hand = email(&shop, "2026-02-11");
    assert!(by_hand.contains(&a) && !by_hand.contains("Thank you"), "{by_hand}");
    let (shop, ..) = suspended();
    pay(&shop, &a, "100", "2026-02-11");
    pay(&shop, &b, "100", "2026-02-11");
    assert!(email(&shop, "2026-02-11").contains("received your payment. Thank you"));
    let (shop, ..) = suspended();
    for number in [&a, &b] {
        shop.ok(&["invoice", "void", number, "--reason", "wrong", "--as-of", "2026-02-11"]);
    }
    assert!(!email(&shop, "2026-02-11").contains("Thank you"));
}

#[test]
fn a_dispute_that_ends_after_the_tenant_came_back_warns_anew() {
    let (shop, a, b) = suspended();
    shop.ok(&["invoice", "dispute", &a, "--as-of", "2026-02-11"]);
    pay(&shop, &b, "100", "2026-02-11");
    assert_eq!(status(&shop, "acme"), "active");
    shop.ok(&["invoice", "dispute", &a, "--resolve", "--as-of", "2026-02-12"]);
    assert_eq!(shop.task("check-overdue", "2026-02-12", &[])["steps"]["warning"], 1);
    assert_eq!(shop.task("check-overdue", "2026-02-19", &[])["tenants_suspended"], 1);
    shop.check();
}

#[test]
fn an_import_that_pays_or_moves_an_invoice_changes_its_dunning() {
    let shop = Shop::new();
    shop.ok(&["tenant", "create", "acme", "--name", "Acme", "--email", "a@b.co"]);
    let header = "number,tenant,total,issued_on,due_on,paid_on\n";
    shop.write("open.csv", &format!("{header}A-1,acme,100,2026-01-01,2026-01-10,\n"));
    shop.write("later.csv", &format!("{header}A-1,acme,100,2026-01-01,2026-02-10,\n"));
    shop.write("paid.csv", &format!("{header}A-1,acme,100,2026-01-01,2026-02-10,2026-03-15\n"));
    let import = |file, day| shop.json(&["import", "invoices", file, "--update", "--as-of", day]);
    import("open.csv", "2026-01-01");
    run_days(&shop, &["2026-01-17"]);
    assert_eq!(import("later.csv", "2026-01-18")["updated"], 1);
    // Another due date is another ladder.
    assert_eq!(shop.task("check-overdue", "2026-02-13", &[])["steps"]["friendly"], 1);
    run_days(&shop, &["2026-02-25", "2026-03-12"]);
    assert_eq!(status(&shop, "acme"), "suspended");
    assert_eq!(import("paid.csv", "2026-03-15")["updated"], 1);
    assert_eq!(status(&shop, "acme"), "active");
    let emails = shop.json(&["email", "list", "--tenant", "acme"]);
    assert_eq!(
        emails.as_array().and_then(|l| l.last()).expect("an e-mail")["template"],
        "reactivation"
    );
    // The file that says open again differs from what is there.
    let header = "number,tenant,total,issued_on,due_on,status\n";
    shop.write("again.csv", &format!("{header}A-1,acme,100,2026-01-01,2026-02-10,open\n"));
    assert_eq!(shop.refusal(&["import", "invoices", "again.csv"]), "bad_rows");
    // Taken all the same, it is chased anew: warned, and then suspended for.
    assert_eq!(import("again.csv", "2026-03-16")["updated"], 1);
    assert_eq!(shop.task("check-overdue", "2026-03-16", &[])["steps"]["warning"], 1);
    assert_eq!(shop.task("check-overdue", "2026-03-23", &[])["tenants_suspended"], 1);
    shop.check();
}

#[test]
fn a_surplus_that_was_kept_can_be_given_back() {
    let shop = Shop::new();
    let number = shop.owes("acme", "2026-01-10");
    shop.write(
        "paid.csv",
        &format!("invoice,amount,paid_on,reference\n{number},100,2026-01-05,R1\n{number},20,2026-01-06,R2\n"),
    );
    assert_eq!(shop.refusal(&["import", "payments", "paid.csv"]), "bad_rows");
    shop.ok(&["import", "payments", "paid.csv", "--allow-overpayment"]);
    let check = shop.json(&["db", "check"]);
    assert_eq!(check["unapplied_credits"][0]["amount"], "20.00");
    shop.ok(&["transaction", "reverse", "txn_2", "--reason", "given back"]);
    assert_eq!(shop.json(&["invoice", "show", &number])["status"], "paid");
    assert_eq!(shop.json(&["db", "check"])["unapplied_credits"], json!([]));
    // Reading the file again brings neither back.
    let again = shop.json(&["import", "payments", "paid.csv", "--allow-overpayment"]);
    assert_eq!(again["skipped"], 2);
}

#[test]
fn what_would_keep_every_email_from_leaving_is_told_before_anything_is_decided() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-10");
    std::fs::create_dir(shop.path("templates")).expect("a folder");
    shop.write("templates/friendly.en.txt", "Subject: {{ nothing_of_that_name }}\n\nx\n");
    for mail in [
        "templates = \"templates\"",
        "templates = \"nowhere\"",
        "transport = \"smtp\"\nhost = \"mail.example.com\"\nfrom = \"a@b.co\"\ntls = \"none\"",
        "transport = \"smtp\"\nhost = \"mail.example.com\"\nfrom = \"a@b.co\"\nuser = \"x\"",
    ] {
        shop.configure(&format!("[mail]\n{mail}\n"));
        shop.refused(&["tasks", "check-overdue", "--as-of", "2026-01-20"]);
        assert_eq!(shop.json(&["tasks", "runs"]), json!([]), "{mail}");
        assert_eq!(shop.json(&["invoice", "list"])[0]["stage"], Value::Null, "{mail}");
    }
}

#[test]
fn a_late_warning_names_a_date_and_goes_to_the_present_address() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-10");
    shop.task("check-overdue", "2026-01-25", &["--no-deliver"]);
    shop.ok(&["tenant", "edit", "acme", "--email", "new@clients.example", "--locale", "fr"]);
    shop.ok(&["tasks", "deliver-emails", "--as-of", "2026-02-10"]);
    let email = shop.json(&["email", "show", "eml_1"]);
    assert_eq!((&email["to"], &email["locale"]), (&json!("new@clients.example"), &json!("fr")));
    let subject = email["subject"].as_str().expect("a subject");
    assert!(subject.ends_with("sera suspendu le 17 février 2026"), "{subject}");
}

#[test]
fn reminders_go_on_with_the_thread_of_their_invoice() {
    let shop = Shop::new();
    shop.ok(&["tenant", "create", "acme", "--name", "Acme", "--email", "a@b.co"]);
    let issued = ["--issued-on", "2026-01-01", "--due-on", "2026-01-10", "--as-of", "2026-01-01"];
    let create = ["invoice", "create", "--tenant", "acme", "--amount", "100", "--send"];
    shop.ok(&[&create[..], &issued[..]].concat());
    run_days(&shop, &["2026-01-02", "2026-01-13", "2026-01-17"]);
    let emails = shop.json(&["email", "list"]);
    let answers = |id: &str| {
        let text =
            shop.json(&["email", "show", id])["message"].as_str().expect("an e-mail").to_owned();
        let line = text.lines().find(|line| line.starts_with("In-Reply-To: ")).map(str::to_owned);
        line.map(|line| line["In-Reply-To: ".len()..].trim().to_owned())
    };
    assert_eq!(answers("eml_1"), None);
    for (id, before) in [("eml_2", 0), ("eml_3", 1)] {
        assert_eq!(answers(id).as_deref(), emails[before]["message_id"].as_str(), "{id}");
    }
}

#[test]
fn a_email_whose_facts_are_gone_is_canceled_and_a_smaller_one_says_less() {
    let shop = Shop::new();
    let (a, b) = (shop.owes("acme", "2026-01-10"), shop.owes("acme", "2026-01-21"));
    let gone = shop.owes("other", "2026-01-10");
    shop.task("check-overdue", "2026-01-25", &["--no-deliver"]);
    pay(&shop, &a, "100", "2026-01-26");
    pay(&shop, &gone, "100", "2026-01-26");
    shop.ok(&["tasks", "deliver-emails", "--as-of", "2026-01-26"]);
    let emails = shop.json(&["email", "list"]);
    let of = |tenant: &str| {
        let all = emails.as_array().expect("letters");
        all.iter().find(|l| l["tenant"] == tenant).expect("an e-mail").clone()
    };
    // The warning told of two invoices; the one that is left has only come to its first reminder.
    assert_eq!(
        (&of("acme")["status"], &of("acme")["template"]),
        (&json!("sent"), &json!("friendly"))
    );
    let message = shop.json(&["email", "show", "eml_1"])["message"].to_string();
    assert!(message.contains(&b) && !message.contains(&a));
    assert_eq!(of("other")["status"], "canceled");
}

#[test]
fn a_email_that_cannot_be_drawn_up_fails_after_three_days_and_gives_no_notice() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-10");
    shop.task("check-overdue", "2026-01-25", &["--no-deliver"]);
    // No address of ours, but of an older file.
    shop.sql().execute("UPDATE tenants SET email = 'nobody'", []).expect("a bad address");
    for day in ["2026-01-25", "2026-01-26", "2026-01-27", "2026-01-28"] {
        assert_eq!(shop.task("deliver-emails", day, &[])["status"], "partial", "{day}");
    }
    assert_eq!(shop.json(&["email", "show", "eml_1"])["status"], "failed");
    let run = shop.task("check-overdue", "2026-02-10", &[]);
    assert_eq!(run["tenants_suspended"], 0);
    assert_eq!(run["errors"][0]["code"], "warning_not_delivered");
}

#[test]
fn a_email_that_waited_is_tried_for_three_days_all_the_same() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-10");
    shop.task("check-overdue", "2026-01-13", &["--no-deliver"]);
    shop.sql().execute("UPDATE tenants SET email = 'nobody'", []).expect("a bad address");
    let run = shop.task("deliver-emails", "2026-01-20", &[]);
    assert_eq!(run["errors"].as_array().map(Vec::len), Some(1));
    assert_eq!(shop.json(&["email", "show", "eml_1"])["status"], "queued");
    shop.sql().execute("UPDATE tenants SET email = 'a@b.co'", []).expect("an address");
    assert_eq!(shop.task("deliver-emails", "2026-01-21", &[])["emails_sent"], 1);
    shop.check();
}

#[test]
fn a_suspended_tenant_is_told_also_where_another_invoice_keeps_it_suspended_by_then() {
    let shop = Shop::new();
    let (a, b) = (shop.owes("acme", "2026-01-10"), shop.owes("acme", "2026-01-11"));
    run_days(&shop, &["2026-01-25", "2026-01-26"]);
    shop.task("check-overdue", "2026-02-09", &["--no-deliver"]);
    shop.task("check-overdue", "2026-02-10", &["--no-deliver"]);
    pay(&shop, &a, "100", "2026-02-11");
    assert_eq!(status(&shop, "acme"), "suspended");
    shop.ok(&["tasks", "deliver-emails", "--as-of", "2026-02-11"]);
    let emails = shop.json(&["email", "list", "--stage", "suspension"]);
    assert_eq!(emails[0]["status"], "sent");
    let id = emails[0]["id"].as_str().expect("an id");
    let text = shop.json(&["email", "show", id])["message"].to_string();
    assert!(
        text.contains(&b) && text.replace("=\\r\\n", "").contains("suspended on 9 February 2026"),
        "{text}"
    );
}

#[test]
fn a_warning_that_had_not_left_gives_notice_from_the_day_on_which_it_leaves() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-10");
    shop.task("check-overdue", "2026-01-25", &["--no-deliver"]);
    run_days(&shop, &["2026-02-09", "2026-02-15"]);
    let emails = |stage| shop.json(&["email", "list", "--stage", stage])[0]["status"].clone();
    assert_eq!((emails("warning"), emails("suspension")), (json!("sent"), json!(null)));
    assert_eq!(status(&shop, "acme"), "active");
    run_days(&shop, &["2026-02-16"]);
    assert_eq!(emails("suspension"), "sent");
    assert_eq!(status(&shop, "acme"), "suspended");
}

#[test]
fn who_is_suspended_by_hand_is_not_promised_a_return_on_payment() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-10");
    shop.ok(&["tenant", "suspend", "acme", "--reason", "abuse", "--as-of", "2026-01-12"]);
    run_days(&shop, &["2026-01-13"]);
    let text = shop.json(&["email", "show", "eml_1"])["message"].to_string();
    assert!(text.contains("is suspended at present") && !text.contains("comes back"), "{text}");
}

#[test]
fn without_a_notice_period_a_second_run_of_the_day_does_nothing_more() {
    let shop = Shop::with_config("[dunning]\nmin_notice_days = 0\n");
    shop.owes("acme", "2026-01-10");
    run_days(&shop, &["2026-02-09"]);
    assert_eq!(status(&shop, "acme"), "suspended");
    shop.ok(&["tenant", "reactivate", "acme", "--as-of", "2026-02-10"]);
    run_days(&shop, &["2026-02-10", "2026-02-10"]);
    assert_eq!(status(&shop, "acme"), "active");
    run_days(&shop, &["2026-02-11"]);
    assert_eq!(status(&shop, "acme"), "suspended");
}

#[test]
fn a_run_looks_at_each_tenant_once_and_a_dry_run_counts_the_same() {
    let shop = Shop::new();
    let promised = shop.owes("acme", "2026-01-10");
    for due in ["2026-01-11", "2026-01-18", "2026-01-25"] {
        shop.owes("acme", due);
    }
    run_days(&shop, &["2026-01-14", "2026-01-26"]);
    shop.sql()
        .execute_batch(
            "UPDATE emails SET status = 'failed', sent_at = NULL WHERE template = 'warning'",
        )
        .expect("a warning that failed");
    shop.ok(&["invoice", "promise", &promised, "--until", "2026-03-01", "--as-of", "2026-01-27"]);
    let dry = shop.task("check-overdue", "2026-02-15", &["--dry-run"]);
    let real = shop.task("check-overdue", "2026-02-15", &[]);
    for field in ["examined", "steps", "errors", "emails_queued", "tenants_suspended"] {
        assert_eq!(dry[field], real[field], "{field}");
    }
    assert_eq!((&real["examined"], real["errors"].as_array().map(Vec::len)), (&json!(4), Some(1)));
}

#[test]
fn a_written_off_invoice_stays_so_when_a_part_payment_is_taken_back() {
    let shop = Shop::new();
    let number = shop.owes("acme", "2026-01-10");
    pay(&shop, &number, "4", "2026-01-26");
    shop.ok(&["invoice", "write-off", &number, "--reason", "insolvent", "--as-of", "2026-02-01"]);
    shop.ok(&["transaction", "reverse", "txn_1", "--reason", "bounced", "--as-of", "2026-06-01"]);
    let invoice = shop.json(&["invoice", "show", &number]);
    assert_eq!(
        (&invoice["status"], &invoice["amount_due"]),
        (&json!("uncollectible"), &json!("100.00"))
    );
    shop.check();
}

#[test]
fn a_file_of_a_newer_program_is_not_migrated_and_a_wait_has_an_end() {
    let shop = Shop::new();
    shop.sql().pragma_update(None, "user_version", 99).expect("a version");
    assert_eq!(shop.refusal(&["db", "migrate"]), "newer_database");
    let forever = ["tasks", "check-overdue", "--wait", "18446744073709551615"];
    assert_eq!(shop.run(&forever).status, 2);
}

#[test]
fn a_business_is_started_where_the_flags_say() {
    let shop = Shop::empty();
    shop.ok(&["init", "--config", "new/billing.toml", "--currency", "EUR"]);
    let args = ["--config", "new/billing.toml", "tenant", "list"];
    assert_eq!(shop.ok(&args), "none\n");
    assert!(shop.path("new/billing.db").exists());
}

#[test]
fn a_business_says_who_it_is_when_it_is_started() {
    let shop = Shop::empty();
    let company = ["--company", "Example & Co", "--email", "billing@bücher.example"];
    let init = ["init", "--config", "billing.toml", "--currency", "EUR", "--locale", "en"];
    for bad in [["--country", "France"], ["--tax-rate", "200"], ["--email", "nobody"]] {
        shop.refused(&[&init[..], &bad].concat());
        assert!(!shop.path("billing.toml").exists(), "{bad:?}");
    }
    shop.ok(&[&init[..], &company, &["--country", "FR", "--tax-rate", "5.5"]].concat());
    shop.owes("acme", "2026-01-10");
    let invoice = shop.json(&["invoice", "list"])[0].clone();
    assert_eq!((&invoice["tax"], &invoice["total"]), (&json!("5.50"), &json!("105.50")));
    shop.task("check-overdue", "2026-01-25", &[]);
    let message = shop.json(&["email", "show", "eml_1"])["message"].to_string();
    for words in ["<billing@xn--bcher-kva.example>\\r\\nTo:", "France"] {
        assert!(message.contains(words), "{words}\n{message}");
    }
}

#[test]
fn a_backup_that_is_brought_back_is_a_database_like_any_other() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-10");
    shop.ok(&["db", "backup", "copy.db"]);
    std::fs::rename(shop.path("copy.db"), shop.path("billing.db")).expect("a file");
    run_days(&shop, &["2026-01-20"]);
    let mode: String =
        shop.sql().query_row("PRAGMA journal_mode", [], |row| row.get(0)).expect("a mode");
    assert_eq!(mode, "wal");
    shop.check();
}

/// 10^13 EUR, the largest amount of an invoice: nine thousand of them leave the range of a number.
#[test]
fn a_sum_that_cannot_be_said_is_refused_whole() {
    let shop = Shop::new();
    for tenant in ["acme", "zoe"] {
        let create = ["tenant", "create", tenant, "--name", tenant, "--email", "a@clients.example"];
        shop.run(&create);
    }
    let most = ["invoice", "create", "--amount", "10000000000000", "--as-of", "2026-01-01"];
    for _ in 0..2 {
        shop.ok(&[&most[..], &["--tenant", "zoe", "--due-on", "2026-01-10"]].concat());
    }
    // An e-mail names no sum that is too large; the run names the customer's e-mail, and goes on.
    let run = shop.run(&["tasks", "check-overdue", "--as-of", "2026-01-13", "--json"]);
    assert_eq!(run.status, 3, "{}", run.stderr);
    assert!(run.stdout.contains("amount_too_large"), "{}", run.stdout);
    assert_eq!(shop.json(&["email", "list"])[0]["status"], "queued");

    shop.sql()
        .execute_batch(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 9300)
             INSERT INTO invoices (number, origin, tenant_id, status, currency, subtotal_minor,
               total_minor, seller_id, buyer_id, issued_on, due_on, created_at, updated_at)
             SELECT 'MANY-' || n, 'typed', tenant_id, status, currency, subtotal_minor, total_minor,
               seller_id, buyer_id, issued_on, due_on, created_at, updated_at
             FROM invoices, n WHERE number = 'INV-2026-000001'",
        )
        .expect("invoices");
    for command in [&["tenant", "list"][..], &["tenant", "show", "zoe"], &["invoice", "overdue"]] {
        let refused = shop.run(&[command, &["--json", "--as-of", "2026-01-13"]].concat());
        assert_eq!((refused.status, refused.stdout.as_str()), (1, ""), "{command:?}");
        assert!(refused.stderr.contains("amount_too_large"), "{command:?}: {}", refused.stderr);
    }
}
