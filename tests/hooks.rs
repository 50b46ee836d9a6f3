//! Hooks: who is told, in which order, how often, and what is not lost where a receiver or billing itself
//! fails.
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use billing::clock::Clock;
use billing::config::Config;
use billing::gateway::Gateway;
use billing::mail::Transport;
use billing::store::{Access, Store};
use billing::tasks::{Given, deliver_events};
use serde_json::{Value, json};
use support::Shop;
use support::receiver::{Receiver, SECRET, secret, signed_by};

const DELIVER: [&str; 2] = ["tasks", "deliver-events"];

/// A shop whose one hook, `app`, goes to the receiver.
fn shop_with(receiver: &Receiver, more: &str) -> Shop {
    let shop = Shop::new();
    shop.configure(&receiver.hook(&shop, "app", more));
    shop
}

/// Runs the task; its result, whatever its exit status.
fn deliver(shop: &Shop) -> (i32, Value) {
    let done = shop.run(&["tasks", "deliver-events", "--json"]);
    (done.status, serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{e}: {done:?}")))
}

/// So many events at once: so many customers.
fn happen_at_once(shop: &Shop, count: usize) {
    let rows: String = (0..count).map(|n| format!("t{n},T{n},t{n}@clients.example\n")).collect();
    shop.write("many.csv", &format!("slug,name,email\n{rows}"));
    shop.ok(&["import", "tenants", "many.csv"]);
}

/// The ids of the events that the trail has, after one.
fn trail(shop: &Shop, after: &str) -> Vec<String> {
    let events = shop.json(&["event", "list", "--after", after]);
    let id = |event: &Value| event["id"].as_str().expect("an id").to_owned();
    events.as_array().expect("a list").iter().map(id).collect()
}

fn ids(receiver: &Receiver) -> Vec<String> {
    receiver.take().into_iter().map(|request| request.id).collect()
}

/// The waits are by the machine's clock: they are made to have passed.
fn time_passes(shop: &Shop) {
    let sql = "UPDATE hooks SET next_try_at = '2020-01-01T00:00:00.000Z'
               WHERE next_try_at IS NOT NULL";
    shop.sql().execute(sql, []).expect("a hook");
}

fn stands(shop: &Shop, hook: &str) -> Value {
    let hooks = shop.json(&["hook", "list"]);
    let is = |one: &&Value| one["name"] == hook;
    hooks.as_array().expect("a list").iter().find(is).expect("the hook").clone()
}

#[test]
fn what_happens_is_told_signed_and_with_the_noun_as_it_stands() {
    let receiver = Receiver::start();
    let shop = shop_with(&receiver, "kinds = [\"tenant_suspended\", \"tenant_reactivated\"]");
    shop.tenant("acme");
    shop.ok(&["tenant", "suspend", "acme", "--reason", "no answer"]);
    shop.ok(&["tenant", "edit", "acme", "--name", "Acme & Söhne"]);
    let (status, result) = deliver(&shop);
    assert_eq!((status, &result["hooks"]["delivered"]), (0, &json!(1)), "{result}");
    let sent = receiver.take();
    let [request] = sent.as_slice() else { panic!("{sent:?}") };
    assert!(request.is_signed_by(SECRET));
    assert!(!request.is_signed_by("whsec_bm90IG91cnM="));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    assert!((request.timestamp - i64::try_from(now.as_secs()).expect("a time")).abs() < 60);

    let told = request.json();
    let names: Vec<_> = told.as_object().expect("an object").keys().cloned().collect();
    let fields = ["id", "kind", "at", "tenant", "invoice", "actor", "reason", "data", "object"];
    assert_eq!(names, fields);
    let event = &shop.json(&["event", "list", "--kind", "tenant_suspended"])[0];
    for field in &fields[..8] {
        assert_eq!(told[field], event[field], "{field}");
    }
    assert_eq!(told["id"], request.id.as_str());
    // As it stands now, not as it stood then.
    assert_eq!(told["object"], shop.json(&["tenant", "show", "acme"]));
    assert_eq!(told["object"]["name"], "Acme & Söhne");

    // Nothing is told twice, and a run without anything to tell says nothing.
    let quiet = shop.run(&DELIVER);
    assert_eq!((quiet.status, quiet.stdout.as_str(), quiet.stderr.as_str()), (0, "", ""));
    assert_eq!(receiver.take().len(), 0);
    shop.check();
}

#[test]
fn each_noun_goes_as_its_own_command_shows_it() {
    let receiver = Receiver::start();
    let shop = shop_with(&receiver, "");
    shop.tenant("acme");
    shop.plan("pro", "50", "1", &[]);
    shop.ok(&[
        "payment-method",
        "create",
        "--tenant",
        "acme",
        "--kind",
        "card",
        "--token",
        "tok_ok",
    ]);
    shop.subscribe("acme", "pro", "2026-03-01", &["--anchor", "anniversary"]);
    let coupon = ["coupon", "create", "HALF", "--name", "Half", "--percent", "50"];
    shop.ok(&[&coupon[..], &["--until", "2036-12-31"]].concat());
    let number = shop.owes("acme", "2026-03-10");
    shop.ok(&["invoice", "pay", &number, "--amount", "100"]);
    shop.ok(&["credit", "grant", "--tenant", "acme", "--amount", "5", "--reason", "a test"]);
    shop.ok(&["meter", "create", "sms", "--name", "SMS", "--aggregation", "sum", "--unit", "SMS"]);
    deliver(&shop);
    let told = receiver.take();
    let object = |kind: &str| {
        let mut of_kind = told.iter().map(|request| request.json()).filter(|e| e["kind"] == kind);
        of_kind.next().unwrap_or_else(|| panic!("no {kind}"))["object"].clone()
    };
    for (kind, command) in [
        ("tenant_created", vec!["tenant", "show", "acme"]),
        ("plan_created", vec!["plan", "show", "pro"]),
        ("subscription_created", vec!["subscription", "show", "sub_1"]),
        ("invoice_issued", vec!["invoice", "show", "INV-2026-000001"]),
        ("payment_recorded", vec!["transaction", "show", "txn_1"]),
        ("credit_granted", vec!["credit", "show", "crd_1"]),
        ("coupon_created", vec!["coupon", "show", "HALF"]),
    ] {
        assert_eq!(object(kind), shop.json(&command), "{kind}");
    }
    for (kind, command) in [
        ("payment_method_created", vec!["payment-method", "list"]),
        ("meter_created", vec!["meter", "list"]),
    ] {
        assert_eq!(object(kind), shop.json(&command)[0], "{kind}");
    }
    assert!(told.iter().all(|request| !request.body.contains("tok_ok")));
}

#[test]
fn two_hundred_events_arrive_in_order_at_a_receiver_that_fails_three_times() {
    let receiver = Receiver::start();
    let shop = shop_with(&receiver, "");
    happen_at_once(&shop, 200);
    let expected = trail(&shop, "0");
    assert_eq!(expected.len(), 200);
    let mut taken = Vec::new();
    for (at, status) in [(20, "500 Oops"), (57, "302 Found"), (0, "429 Slow down")] {
        let mut replies = vec!["204 No Content"; at];
        replies.push(status);
        receiver.replies(&replies);
        let (exit, result) = deliver(&shop);
        let mut sent = ids(&receiver);
        // The last of them was not taken, and nothing behind it was sent.
        assert_eq!((exit, sent.len()), (3, at + 1), "{result}");
        let failed = sent.pop().expect("one");
        taken.append(&mut sent);
        let error = &result["errors"][0];
        assert_eq!((&error["subject"], &error["code"]), (&json!("app"), &json!("hook_failed")));
        assert!(error["message"].as_str().expect("words").contains(&failed), "{error}");
        let app = stands(&shop, "app");
        assert_eq!((&app["state"], &app["next"]), (&json!("failing"), &json!(failed)));
        assert_eq!(app["behind"], 200 - taken.len());
        // It rests: nobody calls it before its time.
        assert_eq!(deliver(&shop).0, 0);
        assert_eq!(receiver.take().len(), 0);
        time_passes(&shop);
    }
    // The last two are of one event.
    assert_eq!(stands(&shop, "app")["attempts"], 2);
    deliver(&shop);
    taken.extend(ids(&receiver));
    assert_eq!(taken, expected);
    let app = stands(&shop, "app");
    let well = (json!("ok"), json!(0), Value::Null, Value::Null);
    let is = (&app["state"], &app["behind"], &app["error"], &app["next_try_at"]);
    assert_eq!(is, (&well.0, &well.1, &well.2, &well.3));
    shop.check();
}

#[test]
fn an_event_that_fails_again_and_again_is_tried_later_and_later() {
    let receiver = Receiver::start();
    let shop = shop_with(&receiver, "");
    shop.tenant("acme");
    receiver.always("503 Down", Duration::ZERO);
    let wait = |shop: &Shop| -> i64 {
        let query =
            "SELECT round((julianday(next_try_at) - julianday(tried_at)) * 86400) FROM hooks";
        shop.sql().query_row(query, [], |row| row.get::<_, f64>(0)).expect("a hook") as i64
    };
    let hour = 3600;
    for seconds in [5, 300, 1800, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour] {
        assert_eq!(deliver(&shop).0, 3);
        assert_eq!(wait(&shop), seconds);
        time_passes(&shop);
    }
    deliver(&shop);
    assert_eq!(wait(&shop), 24 * hour);
    assert_eq!(stands(&shop, "app")["attempts"], 10);
    let sent = receiver.take();
    // One message, however often: the same id, each time with a signature of its own time.
    assert!(sent.iter().all(|request| request.id == sent[0].id && request.is_signed_by(SECRET)));
}

/// Between the answer and the row that keeps it, at each commit of a run.
#[test]
fn a_run_that_is_killed_repeats_one_event_and_loses_none() {
    let receiver = Receiver::start();
    let shop = shop_with(&receiver, "");
    happen_at_once(&shop, 6);
    let expected = trail(&shop, "0");
    let mut repeated_once = 0;
    for point in 1..60 {
        let sql =
            "UPDATE hooks SET told_id = 0, attempts = 0, failing_since = NULL, tried_at = NULL,
                   next_try_at = NULL, error = NULL, behind_since = NULL";
        shop.sql().execute(sql, []).expect("a hook");
        if shop.crashes(&DELIVER, point).is_none() {
            assert!(point > 10, "{point}");
            break;
        }
        deliver(&shop);
        let mut sent = ids(&receiver);
        let count = sent.len();
        let repeats = sent.windows(2).filter(|pair| pair[0] == pair[1]).count();
        sent.dedup();
        // At most the one that was in flight came twice, and in its place.
        assert_eq!(sent, expected, "point {point}");
        assert!(repeats <= 1 && count == expected.len() + repeats, "point {point}: {repeats}");
        repeated_once += repeats;
    }
    assert_eq!(repeated_once, 6);
    shop.check();
}

#[test]
fn a_hook_that_is_down_for_days_slows_nothing() {
    let (up, down) = (Receiver::start(), Receiver::start());
    let shop = Shop::new();
    let hooks = down.hook(&shop, "down", "timeout_seconds = 1") + &up.hook(&shop, "up", "");
    shop.configure(&hooks);
    happen_at_once(&shop, 20);
    down.always("200 OK", Duration::from_secs(3));
    deliver(&shop);
    assert_eq!((ids(&up).len(), down.take().len()), (20, 1));
    let three_days = "UPDATE hooks SET behind_since = '2020-01-01T00:00:00.000Z', attempts = 9
                      WHERE name = 'down'";
    shop.sql().execute(three_days, []).expect("a hook");
    // It is late, and that is said where a monitor looks.
    let status = shop.run(&["tasks", "status"]);
    assert_eq!(status.status, 1, "{status:?}");
    assert!(status.stderr.contains("warning: hook down is behind by 20 events since 2020-01-01"));
    for n in 0..3 {
        shop.tenant(&format!("more-{n}"));
        let begun = Instant::now();
        let (exit, result) = deliver(&shop);
        assert_eq!((exit, &result["hooks"]["delivered"]), (0, &json!(1)));
        assert!(begun.elapsed() < Duration::from_secs(2));
        assert_eq!((ids(&up).len(), down.take().len()), (1, 0));
    }
    // When its time has come the others go first, and it costs one call.
    shop.tenant("last");
    time_passes(&shop);
    deliver(&shop);
    let (told, untold) = (up.take(), down.take());
    assert_eq!((told.len(), untold.len()), (1, 1));
    assert!(told[0].came < untold[0].came);
}

/// What a person says while a delivery is in flight is not undone by what comes of that.
#[test]
fn a_replay_in_the_middle_of_a_delivery_stands() {
    let receiver = Receiver::start();
    let shop = shop_with(&receiver, "");
    happen_at_once(&shop, 5);
    receiver.always("200 OK", Duration::from_millis(700));
    let task = shop.start(&DELIVER);
    let mut came = Vec::new();
    while came.len() < 2 {
        came.append(&mut ids(&receiver));
        std::thread::sleep(Duration::from_millis(10));
    }
    shop.ok(&["hook", "replay", "app", "--after", "evt_0"]);
    assert_eq!(Shop::end_of(task).status, 0);
    assert_eq!(stands(&shop, "app")["told"], "evt_0");
    receiver.always("200 OK", Duration::ZERO);
    receiver.take();
    deliver(&shop);
    assert_eq!(ids(&receiver), trail(&shop, "0"));
}

#[test]
fn a_receiver_that_dribbles_has_taken_what_its_status_says() {
    let receiver = Receiver::start();
    let shop = shop_with(&receiver, "");
    happen_at_once(&shop, 2);
    receiver.dribbles();
    let begun = Instant::now();
    let (exit, result) = deliver(&shop);
    assert_eq!((exit, &result["hooks"]["delivered"]), (0, &json!(2)), "{result}");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn of_two_senders_one_sends() {
    let receiver = Receiver::start();
    let shop = shop_with(&receiver, "");
    happen_at_once(&shop, 30);
    receiver.always("200 OK", Duration::from_millis(20));
    let overdue = ["tasks", "check-overdue"];
    let deliver_now = ["tasks", "deliver-events", "--wait", "30"];
    let done = shop.at_once(&[deliver_now.to_vec(), overdue.to_vec(), deliver_now.to_vec()]);
    for outcome in &done {
        assert_eq!(outcome.status, 0, "{outcome:?}");
    }
    let mut sent = ids(&receiver);
    assert_eq!(sent.len(), 30);
    sent.dedup();
    assert_eq!(sent, trail(&shop, "0"));
    // Who does not wait is told to come again.
    shop.tenant("late");
    receiver.always("200 OK", Duration::from_secs(2));
    let first = shop.start(&DELIVER);
    while receiver.take().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let second = shop.run(&["tasks", "deliver-events", "--wait", "0"]);
    assert_eq!(second.status, 75, "{second:?}");
    assert_eq!(Shop::end_of(first).status, 0);
}

#[test]
fn other_tasks_tell_too_and_without_delivery_they_do_not() {
    let receiver = Receiver::start();
    let shop = shop_with(&receiver, "kinds = [\"dunning_stage_recorded\"]");
    shop.owes("acme", "2026-01-31");
    let quiet = shop.task("check-overdue", "2026-02-04", &["--no-deliver"]);
    assert_eq!((&quiet["steps"]["friendly"], receiver.take().len()), (&json!(1), 0));
    let loud = shop.task("check-overdue", "2026-02-08", &[]);
    assert_eq!(loud["hooks"]["delivered"], 2, "{loud}");
    assert_eq!(receiver.take().len(), 2);
    // What would be told is shown, and nobody is called.
    shop.task("check-overdue", "2026-02-16", &["--no-deliver"]);
    let would = shop.json(&["tasks", "deliver-events", "--dry-run"]);
    assert_eq!(would["due"][0]["kind"], "dunning_stage_recorded");
    assert_eq!((&would["hooks"]["delivered"], receiver.take().len()), (&json!(1), 0));
    // A run that fails to tell has done its work all the same: it warns, and deliver-events goes on.
    receiver.replies(&["500 Oops"]);
    let done = shop.run(&["tasks", "check-overdue", "--as-of", "2026-02-17", "--json"]);
    let result: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!((done.status, &result["status"], &result["errors"]), (0, &json!("ok"), &json!([])));
    assert_eq!(result["hooks"]["failed"], 1);
    assert!(done.stderr.contains("warning: app: did not take evt_"), "{done:?}");
}

#[test]
fn a_receiver_that_is_too_slow_is_late_until_it_was_told_all() {
    let receiver = Receiver::start();
    let shop = shop_with(&receiver, "");
    happen_at_once(&shop, 3);
    let since = |shop: &Shop| -> Option<String> {
        let query = "SELECT behind_since FROM hooks";
        shop.sql().query_row(query, [], |row| row.get(0)).expect("a hook")
    };
    // It takes one event a call, and there is no time for more.
    receiver.always("200 OK", Duration::from_millis(400));
    told_within(&shop, Duration::from_millis(600));
    assert_eq!((ids(&receiver).len() < 3, since(&shop).is_some()), (true, true));
    assert_eq!(shop.run(&["tasks", "status"]).status, 0);
    let long_ago = "UPDATE hooks SET behind_since = '2020-01-01T00:00:00.000Z'";
    shop.sql().execute(long_ago, []).expect("a hook");
    told_within(&shop, Duration::from_millis(600));
    let status = shop.run(&["tasks", "status"]);
    assert_eq!(status.status, 1, "{status:?}");
    let warning = "warning: hook app is behind by 1 event since 2020-01-01T00:00:00Z\n";
    assert!(status.stderr.contains(warning), "{status:?}");
    deliver(&shop);
    assert_eq!((since(&shop), shop.run(&["tasks", "status"]).status), (None, 0));
    // One that fails for days begins anew once a person has it go on.
    shop.tenant("more");
    receiver.always("500 Oops", Duration::ZERO);
    deliver(&shop);
    shop.sql().execute(long_ago, []).expect("a hook");
    assert_eq!(shop.run(&["tasks", "status"]).status, 1);
    shop.ok(&["hook", "resume", "app"]);
    assert_eq!((since(&shop), shop.run(&["tasks", "status"]).status), (None, 0));
    deliver(&shop);
    assert!(since(&shop).is_some_and(|since| since.as_str() > "2021"));
}

#[test]
fn the_newest_hooks_are_listed_alone() {
    let shop = Shop::new();
    let hook = |name| format!("[[hooks]]\nname = \"{name}\"\ncommand = [\"true\"]\n");
    shop.configure(&["a", "b", "c"].map(hook).concat());
    let names = |limit: &str| -> Vec<Value> {
        let hooks = shop.json(&["hook", "list", "--limit", limit]);
        hooks.as_array().expect("a list").iter().map(|hook| hook["name"].clone()).collect()
    };
    assert_eq!(names("2"), ["b", "c"]);
    assert_eq!((names("0").len(), names("9").len()), (0, 3));
}

/// A gateway that is down holds up whoever asks it; what is told needs none.
#[test]
fn telling_asks_about_no_checkout() {
    let receiver = Receiver::start();
    let shop = shop_with(&receiver, "");
    let number = shop.owes("acme", "2026-03-10");
    let asked = shop.path("asked");
    let answer = json!({
        "status": "redirect", "url": "https://pay.example/1", "reference": "ref-1",
        "expires_at": "2036-01-01T00:00:00Z",
    });
    let script = format!("#!/bin/sh\ncat > /dev/null\necho one >> {asked:?}\necho '{answer}'\n");
    shop.write("gateway", &script);
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(shop.path("gateway"), mode).expect("a file");
    let gateway = shop.path("gateway");
    let payments = format!("[payments]\ngateway = \"command\"\ncommand = [{gateway:?}]\n");
    shop.configure(&(payments + &receiver.hook(&shop, "app", "")));
    let times = || std::fs::read_to_string(&asked).expect("a file").lines().count();
    let back = ["--return-url", "https://app.example/back", "--as-of", "2026-03-16"];
    shop.ok(&[&["invoice", "checkout", &number], &back[..]].concat());
    assert_eq!(times(), 1);
    deliver(&shop);
    assert_eq!((receiver.take().is_empty(), times()), (false, 1));
    shop.run(&["tasks", "check-overdue", "--as-of", "2026-03-16"]);
    assert_eq!(times(), 2);
}

#[test]
fn while_a_secret_is_replaced_both_sign() {
    let receiver = Receiver::start();
    let shop = shop_with(&receiver, "");
    let (old, new) = (SECRET, "whsec_bmV3IHNlY3JldCBvZiBvdXJz");
    for (lines, by_old, by_new) in [
        (old.to_owned(), true, false),
        (format!("{new}\n{old}\n"), true, true),
        (new.to_owned(), false, true),
    ] {
        secret(&shop, &lines);
        shop.tenant(&format!("t-{by_old}-{by_new}"));
        deliver(&shop);
        let sent = receiver.take();
        let signed = (sent[0].is_signed_by(old), sent[0].is_signed_by(new));
        assert_eq!((sent.len(), signed), (1, (by_old, by_new)));
    }
    // A file that others may read signs nothing, and the hook says why.
    use std::os::unix::fs::PermissionsExt;
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(shop.path("hook-secret"), open).expect("a file");
    shop.tenant("last");
    let (exit, result) = deliver(&shop);
    assert_eq!((exit, receiver.take().len()), (3, 0));
    assert!(result["errors"][0]["message"].as_str().expect("words").contains("chmod 600"));
    assert!(!result.to_string().contains("whsec_"));
}

#[test]
fn a_receiver_that_is_gone_stops_its_hook_until_a_person_has_it_go_on() {
    let (gone, other) = (Receiver::start(), Receiver::start());
    let shop = Shop::new();
    shop.configure(&(gone.hook(&shop, "gone", "") + &other.hook(&shop, "other", "")));
    happen_at_once(&shop, 3);
    gone.replies(&["410 Gone"]);
    let (exit, result) = deliver(&shop);
    let errors = result["errors"].as_array().expect("a list");
    assert_eq!((exit, errors[0]["code"].as_str()), (3, Some("hook_stopped")));
    assert_eq!(gone.take().len(), 1);
    assert_eq!(stands(&shop, "gone")["state"], "stopped");
    // Nothing goes there, whatever happens; the other one hears of it.
    shop.tenant("more");
    let (exit, result) = deliver(&shop);
    assert_eq!((exit, &result["hooks"]["held"]), (0, &json!(5)), "{result}");
    assert_eq!(gone.take().len(), 0);
    let heard: Vec<Value> = other.take().iter().map(|request| request.json()).collect();
    let stop = heard.iter().find(|event| event["kind"] == "hook_stopped").expect("hook_stopped");
    assert_eq!(stop["data"], json!({ "hook": "gone", "event": "evt_1" }));
    assert_eq!(stop["object"], Value::Null);
    shop.ok(&["hook", "resume", "gone"]);
    deliver(&shop);
    assert_eq!(gone.take().len(), trail(&shop, "0").len());
    let resumed = &shop.json(&["event", "list", "--kind", "hook_resumed"])[0];
    assert_eq!(resumed["data"], json!({ "hook": "gone", "state_before": "stopped" }));
}

#[test]
fn a_hook_is_told_from_now_on_and_goes_on_where_it_was() {
    let receiver = Receiver::start();
    let shop = Shop::new();
    shop.tenant("before");
    let without = std::fs::read_to_string(shop.path("billing.toml")).expect("billing.toml");
    shop.configure(&receiver.hook(&shop, "app", ""));
    assert_eq!(deliver(&shop).1["hooks"]["delivered"], 0);
    shop.tenant("first");
    deliver(&shop);
    assert_eq!(receiver.take()[0].json()["tenant"], "first");
    // Away and back again: nothing is lost.
    shop.write("billing.toml", &without);
    shop.tenant("away");
    shop.configure(&receiver.hook(&shop, "app", ""));
    shop.tenant("back");
    deliver(&shop);
    let told: Vec<_> = receiver.take().iter().map(|r| r.json()["tenant"].clone()).collect();
    assert_eq!(told, ["away", "back"]);
    // One that is new is told of what is done by the command that meets it first.
    shop.configure(&receiver.hook(&shop, "another", ""));
    shop.tenant("new");
    deliver(&shop);
    assert_eq!(receiver.take()[0].json()["tenant"], "new");
}

#[test]
fn a_hook_is_told_again_or_passes_over_what_it_does_not_take() {
    let receiver = Receiver::start();
    let shop = shop_with(&receiver, "kinds = [\"tenant_*\"]");
    happen_at_once(&shop, 5);
    deliver(&shop);
    receiver.take();
    let back = shop.json(&["hook", "replay", "app", "--after", "evt_3"]);
    assert_eq!((&back["told"], &back["behind"]), (&json!("evt_3"), &json!(2)));
    receiver.always("500 Oops", Duration::ZERO);
    deliver(&shop);
    assert_eq!(ids(&receiver), ["evt_4"]);
    let skip =
        |event: &str| ["hook", "skip", "app", event, "--reason", "a test"].map(str::to_owned);
    let refused = |event: &str| {
        let args = skip(event);
        shop.refusal(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert_eq!((refused("evt_5"), refused("evt_3")), ("not_next".into(), "not_next".into()));
    assert_eq!(shop.refusal(&["hook", "replay", "app", "--after", "evt_5"]), "not_told_yet");
    assert_eq!(shop.refusal(&["hook", "list-it", "app"]), "usage");
    assert_eq!(shop.refused(&["hook", "resume", "ap"])["code"], "not_found");
    let args = skip("evt_4");
    let skipped = shop.json(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((&skipped["next"], &skipped["state"]), (&json!("evt_5"), &json!("ok")));
    receiver.always("200 OK", Duration::ZERO);
    deliver(&shop);
    assert_eq!(ids(&receiver), ["evt_5"]);
    let events = shop.json(&["event", "list", "--after", "evt_5"]);
    let told: Vec<_> = events.as_array().expect("a list").iter().map(|e| &e["kind"]).collect();
    assert_eq!(told, ["hook_replayed", "hook_skipped"]);
    assert_eq!(
        events[0]["data"],
        json!({ "hook": "app", "after": "evt_3", "told_before": "evt_5" })
    );
    assert_eq!(events[1]["reason"], "a test");
    let data = json!({ "hook": "app", "event": "evt_4", "kind": "tenant_created" });
    assert_eq!(events[1]["data"], data);
    // A test of it is told to it alone, and moves nothing.
    let tried = shop.json(&["hook", "test", "app"]);
    let sent = receiver.take();
    assert_eq!((sent.len(), sent[0].json()["kind"].as_str()), (1, Some("hook_test")));
    assert_eq!((&tried["taken"], &tried["event"]), (&json!(true), &json!(sent[0].id)));
    receiver.replies(&["403 No"]);
    assert_eq!(shop.refusal(&["hook", "test", "app"]), "hook_failed");
    assert_eq!(stands(&shop, "app")["told"], "evt_7");
}

#[test]
fn a_program_is_told_a_hundred_at_a_time_and_what_it_says_is_done_stands() {
    let shop = Shop::new();
    let told = shop.path("told");
    let program = |script: &str| {
        let script = script.replace("TOLD", told.to_str().expect("a path"));
        shop.write("program", &format!("#!/bin/sh\n{script}\n"));
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(shop.path("program"), mode).expect("a file");
    };
    let path = shop.path("program");
    let hook = format!(
        "[[hooks]]\nname = \"app\"\ncommand = [{:?}]\ntimeout_seconds = 5\n",
        path.to_str().expect("a path")
    );
    shop.configure(&hook);
    happen_at_once(&shop, 150);
    program("wc -l >> TOLD");
    let (exit, result) = deliver(&shop);
    assert_eq!((exit, &result["hooks"]["delivered"]), (0, &json!(150)), "{result}");
    let counts = std::fs::read_to_string(&told).expect("the counts");
    assert_eq!(counts.split_whitespace().collect::<Vec<_>>(), ["100", "50"]);

    // What it says to have done is not told again, whatever becomes of the rest.
    shop.ok(&["hook", "replay", "app", "--after", "evt_140"]);
    program("cat > TOLD; echo '{\"done\":\"evt_143\"}'; echo no disk >&2; exit 4");
    let (exit, result) = deliver(&shop);
    assert_eq!((exit, &result["hooks"]["delivered"]), (3, &json!(3)), "{result}");
    let error = result["errors"][0]["message"].as_str().expect("words");
    assert!(error.contains("evt_144 (tenant_created)") && error.contains("exits with 4"));
    // What it complains of may hold a secret: who tries it sees it, and nothing of it is kept.
    assert!(!result.to_string().contains("no disk"), "{result}");
    assert_eq!(stands(&shop, "app")["error"], "exits with 4");
    let first = std::fs::read_to_string(&told).expect("the events");
    let lines: Vec<Value> =
        first.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    assert_eq!((lines.len(), &lines[0]["id"]), (11, &json!("evt_141")));
    assert_eq!(lines[0]["object"]["slug"], "t140");
    let tried = shop.refused(&["hook", "test", "app"]);
    assert!(tried["message"].as_str().expect("words").contains("exits with 4: no disk"));
    time_passes(&shop);
    program("cat > TOLD");
    deliver(&shop);
    let second = std::fs::read_to_string(&told).expect("the events");
    assert!(second.starts_with("{\"id\":\"evt_144\""));
    assert_eq!(stands(&shop, "app")["behind"], 0);
    // One that is not there, and one that hangs.
    shop.tenant("more");
    program("echo '{\"done\":\"evt_152\"}'; sleep 60");
    let (exit, result) = deliver(&shop);
    assert_eq!((exit, &result["hooks"]["delivered"]), (3, &json!(1)), "{result}");
    shop.check();
}

/// The example for operators, as it is shown, beside a real billing.
#[test]
fn the_example_switches_customers_off_and_on_and_believes_nobody_else() {
    let shop = Shop::new();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/hooks/receiver.py");
    let mut python = Ended(
        Command::new("python3")
            .args(["-I", "-B", example, "0"])
            .arg(shop.path("access.db"))
            .env("BILLING_HOOK_SECRET", SECRET)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3"),
    );
    let mut line = String::new();
    let out = python.0.stdout.take().expect("its output");
    BufReader::new(out).read_line(&mut line).expect("a line");
    let port: u16 = line.trim().rsplit(':').next().expect("a port").parse().expect("a number");
    secret(&shop, SECRET);
    shop.configure(&format!(
        "[[hooks]]\nname = \"app\"\nurl = \"http://127.0.0.1:{port}/\"\nsecret_file = \"hook-secret\"\n"
    ));
    let access = |tenant: &str| -> Option<bool> {
        let sql = rusqlite::Connection::open(shop.path("access.db")).expect("a database");
        let query = "SELECT may_come_in FROM access WHERE tenant = ?1";
        sql.query_row(query, [tenant], |row| row.get(0)).ok()
    };
    for tenant in ["acme", "birch"] {
        shop.tenant(tenant);
    }
    shop.ok(&["tenant", "suspend", "acme", "--reason", "a test"]);
    deliver(&shop);
    assert_eq!((access("acme"), access("birch")), (Some(false), Some(true)));
    shop.ok(&["tenant", "reactivate", "acme"]);
    let (exit, result) = deliver(&shop);
    assert_eq!((exit, access("acme")), (0, Some(true)), "{result}");
    // All of it again changes nothing: each event was done.
    shop.ok(&["hook", "replay", "app", "--after", "0"]);
    rusqlite::Connection::open(shop.path("access.db"))
        .and_then(|sql| sql.execute("DELETE FROM access", []))
        .expect("a database");
    assert_eq!(deliver(&shop).1["errors"], json!([]));
    assert_eq!(access("acme"), None);

    // Somebody else's message, and one of long ago that was kept.
    let post = |secret: &str, timestamp: i64| -> String {
        let body = r#"{"id":"evt_900","kind":"tenant_suspended","object":{"slug":"acme"}}"#;
        let signature = signed_by(secret, "evt_900", timestamp, body);
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the example");
        let length = body.len();
        let request = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\nConnection: close\r\n\
             webhook-id: evt_900\r\nwebhook-timestamp: {timestamp}\r\n\
             webhook-signature: v2,x {signature}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer.split(' ').nth(1).expect("a status").to_owned()
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs();
    let now = i64::try_from(now).expect("a time");
    assert_eq!(post("whsec_bm90IG91cnM=", now), "401");
    assert_eq!((post(SECRET, now - 301), post(SECRET, now + 900)), ("401".into(), "401".into()));
    assert_eq!(access("acme"), None);
}

/// A process that ends with its test, however that goes.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_was_erased_of_an_event_is_told_to_nobody() {
    let receiver = Receiver::start();
    let shop = shop_with(&receiver, "");
    shop.tenant("acme");
    shop.ok(&["tenant", "suspend", "acme", "--reason", "a secret"]);
    let erase = "DROP TRIGGER event_texts_no_delete; DELETE FROM event_texts WHERE event_id = 2";
    shop.sql().execute_batch(erase).expect("a file");
    deliver(&shop);
    let told: Vec<Value> = receiver.take().iter().map(|request| request.json()).collect();
    assert_eq!((&told[0]["object"]["slug"], told.len()), (&json!("acme"), 2));
    let erased = &told[1];
    assert_eq!(erased["kind"], "tenant_suspended");
    for field in ["data", "reason", "object"] {
        assert_eq!(erased[field], Value::Null, "{field}");
    }
}

/// Tells as the portal does; how long it took.
fn told_within(shop: &Shop, limit: Duration) -> Duration {
    let config = Config::load(Some(&shop.path("billing.toml"))).expect("a config");
    let clock = Clock::new(None, config.timezone).expect("a clock");
    let (transport, gateway) = (Transport::Nowhere, Gateway::None);
    let given = Given { config: &config, clock: &clock, transport: &transport, gateway: &gateway };
    let mut store = Store::open(&shop.path("billing.db"), Access::Write).expect("a database");
    let begun = Instant::now();
    deliver_events::within(&mut store, &given, limit);
    begun.elapsed()
}

/// As the portal has it told: at once, and never longer than a reader waits.
#[test]
fn what_was_just_done_is_told_within_a_moment_or_left_to_the_task() {
    let receiver = Receiver::start();
    let shop = shop_with(&receiver, "");
    let within = |limit| told_within(&shop, Duration::from_millis(limit));
    shop.tenant("acme");
    within(2000);
    assert_eq!((receiver.take().len(), stands(&shop, "app")["behind"].clone()), (1, json!(0)));
    // A receiver that takes longer has not failed: the task calls it again, and waits for it.
    shop.tenant("birch");
    receiver.always("200 OK", Duration::from_millis(1500));
    assert!(within(300) < Duration::from_millis(1400));
    let app = stands(&shop, "app");
    assert_eq!((&app["state"], &app["behind"]), (&json!("ok"), &json!(1)));
    // Where another process tells, it is left to that one.
    receiver.take();
    let task = shop.start(&DELIVER);
    while receiver.take().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(within(2000) < Duration::from_secs(1));
    assert_eq!(Shop::end_of(task).status, 0);
    assert_eq!((stands(&shop, "app")["behind"].clone(), receiver.take().len()), (json!(0), 0));
    // What fails is kept with the hook, and said by nobody.
    shop.tenant("cedar");
    receiver.always("500 Oops", Duration::ZERO);
    within(2000);
    assert_eq!(stands(&shop, "app")["state"], "failing");
}

/// Whoever waits for a page does not wait for a program, and does not have it killed in its work either.
#[test]
fn a_program_is_left_to_the_task() {
    let receiver = Receiver::start();
    let shop = Shop::new();
    let program = "[[hooks]]\nname = \"program\"\ncommand = [\"tee\", \"told\"]\n";
    shop.configure(&(receiver.hook(&shop, "app", "") + program));
    shop.tenant("acme");
    told_within(&shop, Duration::from_secs(2));
    let behind = |hook| stands(&shop, hook)["behind"].clone();
    assert_eq!((behind("app"), behind("program")), (json!(0), json!(1)));
    assert!(!shop.path("told").exists());
    deliver(&shop);
    assert_eq!((behind("program"), shop.path("told").exists()), (json!(0), true));
}

#[test]
fn a_wait_that_a_hook_has_begun_is_no_others() {
    let (one, other) = (Receiver::start(), Receiver::start());
    let shop = Shop::new();
    shop.configure(&(one.hook(&shop, "one", "") + &other.hook(&shop, "other", "")));
    happen_at_once(&shop, 3);
    one.replies(&["200 OK", "500 Oops"]);
    deliver(&shop);
    assert_eq!((ids(&one), ids(&other).len()), (vec!["evt_1".into(), "evt_2".into()], 3));
    shop.tenant("more");
    deliver(&shop);
    assert_eq!((ids(&one).len(), ids(&other)), (0, vec!["evt_4".to_owned()]));
}

#[test]
fn runs_that_find_nothing_leave_one_row() {
    let shop = Shop::new();
    let runs = || shop.json(&["tasks", "runs", "--task", "deliver-events"]);
    for day in ["2026-03-01", "2026-03-02", "2026-03-03"] {
        shop.task("deliver-events", day, &[]);
    }
    assert_eq!(runs().as_array().expect("a list").len(), 1);
    assert_eq!(runs()[0]["as_of"], "2026-03-03T12:00:00Z");
    // A run of a past day is one of its own.
    shop.task("deliver-events", "2026-02-01", &[]);
    assert_eq!(runs().as_array().expect("a list").len(), 2);
    // Without a hook nobody waits for it.
    let status = shop.json(&["tasks", "list"]);
    assert_eq!(status[5]["crontab"], "* * * * *");
}

#[test]
fn a_row_that_runs_ahead_of_the_trail_is_found() {
    let receiver = Receiver::start();
    let shop = shop_with(&receiver, "");
    shop.tenant("acme");
    shop.check();
    shop.sql().execute("UPDATE hooks SET told_id = 7", []).expect("a hook");
    let found = shop.run(&["db", "check"]);
    assert_eq!(found.status, 1);
    assert!(found.stdout.contains("app was told of evt_7"), "{found:?}");
}
