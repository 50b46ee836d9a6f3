//! The API, asked as a web server asks it: the binary started for each request.
mod support;

use std::collections::BTreeSet;
use std::process::Child;

use serde_json::{Value, json};
use support::cgi::{Answer, Request, answer};
use support::{Prepared, Shop};

const JSON: &str = "application/json";

/// The keys that there are, by what they may ask for: `read`, …, of the product, and of acme.
struct Keys(Value);

impl Keys {
    fn of(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_else(|| panic!("no key {name}"))
    }
}

/// Two customers, acme and birch, each with a subscription, its first invoice and a card of the sandbox;
/// a coupon; a meter.
fn shop() -> (Shop, Keys) {
    static PREPARED: std::sync::OnceLock<(Prepared, Value)> = std::sync::OnceLock::new();
    let (prepared, keys) = PREPARED.get_or_init(|| {
        let shop = Shop::with_config("[payments]\ngateway = \"sandbox\"\n");
        for (code, price) in [("basic", "10"), ("pro", "30")] {
            let plan = ["plan", "create", code, "--name", code, "--price", price];
            shop.ok(&[&plan[..], &["--interval", "month"]].concat());
        }
        shop.ok(&["meter", "create", "sms", "--name", "SMS", "--aggregation", "sum"]);
        let price = ["plan", "price", "add", "basic", "--meter", "sms", "--model", "per_unit"];
        shop.ok(&[&price[..], &["--price", "0.05"]].concat());
        for tenant in ["acme", "birch"] {
            let email = format!("{tenant}@clients.example");
            shop.ok(&["tenant", "create", tenant, "--name", tenant, "--email", &email]);
            shop.ok(&["subscription", "create", "--tenant", tenant, "--plan", "basic"]);
            let method = ["payment-method", "create", "--tenant", tenant, "--kind", "card"];
            shop.ok(&[&method[..], &["--token", "tok_secret", "--default"]].concat());
        }
        let coupon = ["coupon", "create", "WELCOME", "--name", "Welcome", "--percent", "20"];
        shop.ok(&[&coupon[..], &["--until", "2099-01-01"]].concat());
        let mut keys = json!({});
        for scope in ["read", "write", "coupons", "usage"] {
            let key = |name: &str, more: &[&str]| {
                let create = ["api-key", "create", "--name", name, "--scope", scope];
                shop.json(&[&create[..], more].concat())["key"].clone()
            };
            keys[scope] = key(scope, &[]);
            let of_acme = format!("acme {scope}");
            keys[of_acme.as_str()] = key(&of_acme, &["--tenant", "acme"]);
        }
        (shop.prepared(), keys)
    });
    (prepared.shop(), Keys(keys.clone()))
}

fn number(shop: &Shop, tenant: &str) -> String {
    let list = shop.json(&["invoice", "list", "--tenant", tenant]);
    list[0]["number"].as_str().expect("a number").to_owned()
}

/// Every address with whose key it is for, which scopes open it besides `write`, and something to send.
const ADDRESSES: &[(&str, &str, char, &str)] = &[
    ("GET", "/api/v1/me", 'c', "read"),
    ("GET", "/api/v1/invoices", 'c', "read"),
    ("GET", "/api/v1/invoices/{number}", 'c', "read"),
    ("GET", "/api/v1/invoices/{number}.pdf", 'c', "read"),
    ("POST", "/api/v1/invoices/{number}/pay", 'c', ""),
    ("POST", "/api/v1/subscriptions/{id}/change", 'c', ""),
    ("POST", "/api/v1/subscriptions/{id}/cancel", 'c', ""),
    ("POST", "/api/v1/subscriptions/{id}/resume", 'c', ""),
    ("GET", "/api/v1/payment-methods", 'c', "read"),
    ("POST", "/api/v1/payment-methods", 'c', ""),
    ("POST", "/api/v1/payment-methods/{id}/default", 'c', ""),
    ("DELETE", "/api/v1/payment-methods/{id}", 'c', ""),
    ("GET", "/api/v1/details", 'c', "read"),
    ("PATCH", "/api/v1/details", 'c', ""),
    ("POST", "/api/v1/coupons/validate", 'b', "coupons"),
    ("POST", "/api/v1/coupons/apply", 'b', "coupons"),
    ("GET", "/api/v1/admin/coupons", 'p', "read coupons"),
    ("POST", "/api/v1/admin/coupons", 'p', "coupons"),
    ("GET", "/api/v1/admin/coupons/{code}", 'p', "read coupons"),
    ("PATCH", "/api/v1/admin/coupons/{code}", 'p', "coupons"),
    ("DELETE", "/api/v1/admin/coupons/{code}", 'p', "coupons"),
    ("POST", "/api/v1/admin/usage", 'p', "usage"),
    ("GET", "/api/v1/admin/tenants/{slug}", 'p', "read"),
    ("POST", "/api/v1/admin/tenants/{tenant}/link", 'p', ""),
    ("POST", "/api/v1/admin/tenants/{tenant}/payment-methods", 'p', ""),
];

#[test]
fn each_scope_opens_what_it_says_and_nothing_else() {
    let (shop, keys) = shop();
    for (method, path, whose, scopes) in ADDRESSES {
        let uri = path
            .replace("{number}", "INV-1999-000001")
            .replace("{id}", "999")
            .replace("{code}", "NONE")
            .replace("{slug}", "none")
            .replace("{tenant}", "none");
        let nobody = shop.asks(&Request::new(method, &uri));
        assert_eq!(
            (nobody.status, nobody.code().as_str()),
            (401, "unauthorized"),
            "{method} {uri}"
        );
        assert_eq!(nobody.header("WWW-Authenticate"), Some("Bearer"));
        for scope in ["read", "write", "coupons", "usage"] {
            for key in [scope.to_owned(), format!("acme {scope}")] {
                // A field that nobody knows: what is open says so, and changes nothing.
                let request = Request::new(method, &uri).by(keys.of(&key));
                let request = match *method {
                    "GET" => request,
                    _ => request.json(&json!({ "nonsense": 1 })),
                };
                let answer = shop.asks(&request);
                let open_to = match whose {
                    'c' => key.starts_with("acme"),
                    'p' => !key.starts_with("acme"),
                    _ => true,
                };
                let opens = open_to && (scope == "write" || scopes.split(' ').any(|s| s == scope));
                let is_open = answer.status != 403;
                assert_eq!(is_open, opens, "{method} {uri} {key}: {}", answer.text());
                assert_ne!(answer.status, 401, "{key}");
                if !is_open {
                    assert_eq!(answer.code(), "forbidden");
                }
            }
        }
    }
    // None was forgotten.
    let described = shop.asks(&Request::new("GET", "/api/v1/openapi.json")).json();
    let mut all = BTreeSet::new();
    for (path, operations) in described["paths"].as_object().expect("paths") {
        for method in operations.as_object().expect("operations").keys() {
            all.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    assert!(all.remove("GET /api/v1/openapi.json"));
    let tried: BTreeSet<_> = ADDRESSES.iter().map(|(m, path, ..)| format!("{m} {path}")).collect();
    assert_eq!(all, tried);
}

#[test]
fn a_key_that_was_revoked_opens_nothing() {
    let (shop, keys) = shop();
    let key = keys.of("acme read");
    let me = |header: &str| {
        let request = Request::new("GET", "/api/v1/me/").with("HTTP_AUTHORIZATION", header);
        shop.asks(&request.with("HTTP_COOKIE", format!("billing={key}"))).status
    };
    assert_eq!(me(&format!("Bearer {key}")), 200);
    assert_eq!(me(&format!("bearer {key}")), 200);
    for header in ["", "Bearer", "Bearer ", "Bearer bk_0000", &format!("Basic {key}"), key] {
        assert_eq!(me(header), 401, "{header}");
    }
    shop.ok(&["api-key", "revoke", "acme read"]);
    assert_eq!(me(&format!("Bearer {key}")), 401);
    // What is kept is no key.
    let database = std::fs::read(shop.path("billing.db")).expect("the database");
    let wal = std::fs::read(shop.path("billing.db-wal")).unwrap_or_default();
    for bytes in [database, wal] {
        assert!(!bytes.windows(key.len()).any(|part| part == key.as_bytes()));
    }
}

#[test]
fn what_is_anothers_and_what_is_not_there_are_the_same() {
    let (shop, keys) = shop();
    let birch = number(&shop, "birch");
    let write = keys.of("acme write");
    let body = json!({ "code": "WELCOME" });
    let plan = json!({ "plan": "pro" });
    for (method, path, theirs, none, body) in [
        ("GET", "/api/v1/invoices/{}", birch.as_str(), "INV-1999-000001", Value::Null),
        ("GET", "/api/v1/invoices/{}.pdf", &birch, "INV-1999-000001", Value::Null),
        ("GET", "/api/v1/invoices?after={}", &birch, "INV-1999-000001", Value::Null),
        ("POST", "/api/v1/invoices/{}/pay", &birch, "INV-1999-000001", Value::Null),
        ("POST", "/api/v1/subscriptions/{}/change", "sub_2", "sub_9", plan.clone()),
        ("POST", "/api/v1/subscriptions/{}/change", "2", "x", plan),
        ("POST", "/api/v1/subscriptions/{}/cancel", "sub_2", "sub_9", Value::Null),
        ("POST", "/api/v1/subscriptions/{}/resume", "sub_2", "sub_9", Value::Null),
        ("POST", "/api/v1/payment-methods/{}/default", "pm_2", "pm_9", Value::Null),
        ("DELETE", "/api/v1/payment-methods/{}", "pm_2", "pm_9", Value::Null),
        ("POST", "/api/v1/coupons/apply?{}", "", "", body.clone()),
    ] {
        let answers = [theirs, none].map(|name| {
            let answer = shop.api(write, method, &path.replace("{}", name), &body);
            assert!(!answer.log.contains(name) || name.is_empty(), "{}", answer.log);
            (answer.status, answer.text().replace(name, "IT"), answer.headers.len())
        });
        if !theirs.is_empty() {
            assert_eq!(answers[0], answers[1], "{method} {path}");
            assert_eq!(answers[0].0, 404, "{method} {path}: {}", answers[0].1);
        }
    }
    for (field, theirs, none) in [
        ("invoice", birch.as_str(), "INV-1999-000001"),
        ("subscription", "sub_2", "sub_9"),
        ("tenant", "birch", "nobody"),
    ] {
        let answers = [theirs, none].map(|name| {
            let mut body = json!({ "code": "WELCOME" });
            body[field] = json!(name);
            let answer = shop.api(write, "POST", "/api/v1/coupons/apply/", &body);
            (answer.status, answer.text().replace(name, "IT"))
        });
        assert_eq!(answers[0], answers[1], "{field}");
        assert_eq!(answers[0].0, 404, "{field}: {}", answers[0].1);
    }
    let validate = |tenant: &str| {
        let body = json!({ "code": "WELCOME", "amount": "10", "tenant": tenant });
        let answer = shop.api(write, "POST", "/api/v1/coupons/validate", &body);
        (answer.status, answer.text().replace(tenant, "IT"))
    };
    assert_eq!(validate("birch"), validate("nobody"));
    assert_eq!(validate("acme").0, 200);
}

#[test]
fn the_coupons_of_the_brief() {
    let (shop, keys) = shop();
    let key = keys.of("coupons");
    let ask = |method: &str, path: &str, body: &Value| shop.api(key, method, path, body);
    let body = json!({
        "code": "SUMMER", "name": "Summer", "amount": "15.00", "until": "2099-01-01",
        "max_uses": 2, "plan": ["basic", "pro"], "first_payment_only": false, "inactive": true,
        "description": null,
    });
    let made = ask("POST", "/api/v1/admin/coupons/", &body);
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(made.header("Content-Type"), Some(JSON));
    assert_eq!(made.text(), shop.ok(&["coupon", "show", "SUMMER", "--json"]));
    assert_eq!(made.json()["is_active"], false);
    let on = ask("PATCH", "/api/v1/admin/coupons/summer/", &json!({ "is_active": true }));
    assert_eq!((on.status, &on.json()["is_active"]), (200, &json!(true)));
    let named =
        ask("PATCH", "/api/v1/admin/coupons/SUMMER", &json!({ "name": "Été", "max_uses": 5 }));
    assert_eq!((named.status, &named.json()["name"]), (200, &json!("Été")));
    let list = ask("GET", "/api/v1/admin/coupons/?limit=1", &Value::Null);
    assert_eq!(list.json().as_array().map(Vec::len), Some(1));
    assert_eq!(list.text(), shop.ok(&["coupon", "list", "--limit", "1", "--json"]));
    assert_eq!(ask("GET", "/api/v1/admin/coupons/summer/", &Value::Null).status, 200);

    let validate = json!({ "code": "WELCOME", "tenant": "acme", "amount": "34.90" });
    let valid = ask("POST", "/api/v1/coupons/validate/", &validate);
    assert_eq!((valid.status, &valid.json()["valid"]), (200, &json!(true)));
    assert_eq!(valid.json()["final_amount"], "27.92");
    let cli = ["coupon", "validate", "WELCOME", "--tenant", "acme", "--amount", "34.90", "--json"];
    // Its rules tell of the moment.
    let told = |text: &str| text.split("\"rules\"").next().map(str::to_owned);
    assert_eq!(told(&valid.text()), told(&shop.ok(&cli)));
    let none = json!({ "code": "NONE", "tenant": "acme", "amount": 34 });
    let none = ask("POST", "/api/v1/coupons/validate/", &none);
    assert_eq!((none.status, &none.json()["valid"]), (200, &json!(false)));
    assert_eq!(none.json()["reasons"], json!(["not_found"]));

    let invoice = number(&shop, "acme");
    let apply = json!({ "code": "welcome", "invoice": invoice, "metadata": { "order": 17 } });
    let applied = ask("POST", "/api/v1/coupons/apply/", &apply);
    assert_eq!(applied.status, 200, "{}", applied.text());
    let show = shop.json(&["invoice", "show", &invoice]);
    assert_eq!(applied.json()["discount_amount"], show["discount"]);
    assert_eq!(applied.json()["metadata"], json!({ "order": "17" }));
    let again = ask("POST", "/api/v1/coupons/apply/", &apply);
    assert_eq!((again.status, again.code().as_str()), (409, "max_uses_per_customer_reached"));
    let used = json!({ "code": "WELCOME", "subscription": "sub_1" });
    let used = ask("POST", "/api/v1/coupons/apply/", &used);
    assert_eq!(used.status, 409);
    assert_eq!(used.json()["error"]["reasons"], json!(["max_uses_per_customer_reached"]));
    let gone =
        ask("POST", "/api/v1/coupons/apply/", &json!({ "code": "NONE", "invoice": invoice }));
    assert_eq!((gone.status, gone.code().as_str()), (404, "not_found"));
    assert_eq!(ask("DELETE", "/api/v1/admin/coupons/WELCOME/", &Value::Null).status, 409);
    let deleted = ask("DELETE", "/api/v1/admin/coupons/SUMMER/", &Value::Null);
    assert_eq!((deleted.status, &deleted.json()["code"]), (200, &json!("SUMMER")));
    assert_eq!(ask("GET", "/api/v1/admin/coupons/SUMMER/", &Value::Null).status, 404);
    let events = shop.json(&["event", "list", "--kind", "coupon_created"]);
    assert_eq!(events[1]["actor"], "api:coupons");
    shop.check_but_for_credits();
}

#[test]
fn of_thirty_two_at_once_one_takes_the_last_use() {
    let (shop, keys) = shop();
    let coupon = ["coupon", "create", "LAST", "--name", "Last", "--percent", "10"];
    shop.ok(&[&coupon[..], &["--until", "2099-01-01", "--max-uses", "1"]].concat());
    let bodies: Vec<Value> = (0..32)
        .map(|n| {
            let tenant = format!("t{n}");
            let invoice = shop.owes(&tenant, "2099-01-01");
            json!({ "code": "LAST", "tenant": tenant, "invoice": invoice })
        })
        .collect();
    let begin = |body: &Value| {
        let request = Request::new("POST", "/api/v1/coupons/apply/").by(keys.of("coupons"));
        shop.begins(&request.json(body), &[])
    };
    let begun: Vec<Child> = bodies.iter().map(begin).collect();
    let answers: Vec<Answer> = begun.into_iter().map(answer).collect();
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    let lost = answers.iter().filter(|a| a.status == 409 && a.code() == "max_uses_reached").count();
    assert_eq!((won, lost), (1, 31), "{:?}", answers.iter().map(Answer::text).collect::<Vec<_>>());
    assert_eq!(shop.json(&["coupon", "show", "LAST"])["current_uses"], 1);
    shop.check();
}

#[test]
fn twenty_wrong_codes_an_hour_are_enough() {
    let (shop, keys) = shop();
    let validate = |key: &str, code: String, tenant: &str| {
        let body = json!({ "code": code, "amount": "10", "tenant": tenant });
        shop.api(keys.of(key), "POST", "/api/v1/coupons/validate/", &body)
    };
    for n in 0..20 {
        assert_eq!(validate("acme coupons", format!("GUESS{n}"), "acme").status, 200, "{n}");
        // The product itself is not limited.
        assert_eq!(validate("coupons", format!("GUESS{n}"), "acme").status, 200);
    }
    let refused = validate("acme coupons", "WELCOME".to_owned(), "acme");
    assert_eq!((refused.status, refused.code().as_str()), (429, "too_many_requests"));
    let wait: u32 = refused.header("Retry-After").and_then(|v| v.parse().ok()).expect("seconds");
    assert!((3500..=3601).contains(&wait), "{wait}");
    let apply = json!({ "code": "WELCOME", "subscription": "sub_1" });
    let apply = shop.api(keys.of("acme write"), "POST", "/api/v1/coupons/apply/", &apply);
    assert_eq!(apply.status, 429);
    assert_eq!(validate("coupons", "WELCOME".to_owned(), "acme").status, 200);
    let later = "UPDATE wrong_coupons SET at = strftime('%Y-%m-%dT%H:%M:%SZ', at, '-3601 seconds')";
    shop.sql().execute(later, []).expect("an hour later");
    assert_eq!(validate("acme coupons", "WELCOME".to_owned(), "acme").status, 200);
}

#[test]
fn the_same_key_is_the_same_answer() {
    let (shop, keys) = shop();
    let ask = |idempotency_key: &str, method: &str, uri: &str, body: &Value| {
        let request = Request::new(method, uri).by(keys.of("write")).json(body);
        shop.asks(&request.with("HTTP_IDEMPOTENCY_KEY", idempotency_key))
    };
    let uri = "/api/v1/admin/tenants/acme/payment-methods";
    let body = json!({ "kind": "card", "token": "tok_other" });
    let first = ask("k1", "POST", uri, &body);
    assert_eq!((first.status, first.header("Idempotent-Replayed")), (201, None));
    let second = ask("k1", "POST", uri, &body);
    assert_eq!((second.status, second.header("Idempotent-Replayed")), (201, Some("true")));
    assert_eq!(second.body, first.body);
    assert!(!first.text().contains("tok_other"));
    for (method, uri, body) in [
        ("POST", uri, json!({ "kind": "card", "token": "tok_third" })),
        ("POST", "/api/v1/admin/tenants/birch/payment-methods", body.clone()),
        ("PATCH", "/api/v1/admin/coupons/WELCOME", body.clone()),
    ] {
        let other = ask("k1", method, uri, &body);
        assert_eq!((other.status, other.code().as_str()), (409, "idempotency_key_reused"));
    }
    // What was refused is refused again, whatever has changed; another key of the API is another space.
    let late = json!({ "code": "LATE", "name": "Late", "percent": "5", "until": "2099-01-01" });
    let missing = ask("k2", "PATCH", "/api/v1/admin/coupons/LATE", &json!({ "name": "Later" }));
    assert_eq!(missing.status, 404);
    assert_eq!(ask("k3", "POST", "/api/v1/admin/coupons", &late).status, 201);
    let missing = ask("k2", "PATCH", "/api/v1/admin/coupons/LATE", &json!({ "name": "Later" }));
    assert_eq!((missing.status, missing.header("Idempotent-Replayed")), (404, Some("true")));
    let other = Request::new("DELETE", "/api/v1/admin/coupons/LATE").by(keys.of("coupons"));
    assert_eq!(shop.asks(&other.with("HTTP_IDEMPOTENCY_KEY", "k2")).status, 200);
    // A day later the key is free. (A test has no day: the moment is another one all the same.)
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let day =
        "UPDATE api_requests SET begun_at = strftime('%Y-%m-%dT%H:%M:%SZ', begun_at, '-25 hours')";
    shop.sql().execute(day, []).expect("a day later");
    let third = ask("k1", "POST", uri, &body);
    assert_eq!((third.status, third.header("Idempotent-Replayed")), (201, None));
    let methods = shop.json(&["payment-method", "list", "--tenant", "acme"]);
    assert_eq!(methods.as_array().map(Vec::len), Some(3));
    for bad in ["", &"x".repeat(256)] {
        assert_eq!(ask(bad, "POST", uri, &body).status, 400);
    }
}

#[test]
fn what_was_paid_is_no_credit_by_the_customers_word() {
    let (shop, keys) = shop();
    let coupon = ["coupon", "create", "HALF", "--name", "Half", "--percent", "50"];
    shop.ok(&[&coupon[..], &["--until", "2099-01-01"]].concat());
    // What the first invoice of its subscription leaves of the credit pays a part of the next one.
    shop.ok(&["credit", "grant", "--tenant", "acme", "--amount", "25", "--reason", "goodwill"]);
    let [credited, paid, noted, due] = &[(); 4].map(|()| shop.owes("acme", "2099-01-01"));
    shop.ok(&["invoice", "pay", paid, "--amount", "99"]);
    let note = ["credit-note", "create", "--invoice", noted, "--amount", "60", "--reason"];
    shop.ok(&[&note[..], &["goodwill"]].concat());
    let apply = |invoice: &str, key: &str| {
        let body = json!({ "code": "HALF", "invoice": invoice });
        shop.api(keys.of(key), "POST", "/api/v1/coupons/apply", &body)
    };
    let before = shop.contents();
    for invoice in [paid, credited, noted] {
        let refused = apply(invoice, "acme write");
        assert_eq!((refused.status, refused.code().as_str()), (409, "partly_paid"));
    }
    support::assert_same("refused", &shop.contents(), &before);
    assert_eq!(apply(due, "acme write").status, 200);
    shop.check_but_for_credits();
}

#[test]
fn a_link_that_was_answered_is_kept_nowhere() {
    let (shop, keys) = shop();
    shop.ok(&["portal", "init", "--base-url", "https://billing.example"]);
    let ask = || {
        let request = Request::new("POST", "/api/v1/admin/tenants/acme/link").by(keys.of("write"));
        shop.asks(&request.with("HTTP_IDEMPOTENCY_KEY", "a link"))
    };
    for answer in [ask(), ask()] {
        assert_eq!((answer.status, answer.header("Idempotent-Replayed")), (201, None));
    }
    let kept = shop.sql().query_row("SELECT count(*) FROM api_requests", [], |row| row.get(0));
    assert_eq!(kept, Ok(0_i64));
}

/// Either all of what is asked for is changed, or nothing.
#[test]
fn a_change_of_details_that_is_refused_changes_nothing() {
    let (shop, keys) = shop();
    let patch = |body: Value| shop.api(keys.of("acme write"), "PATCH", "/api/v1/details", &body);
    // Letters leave by a process of their own, while this goes on.
    let told = || {
        let count = |table: &str| {
            let count = format!("SELECT count(*) FROM {table}");
            shop.sql().query_row(&count, [], |row| row.get::<_, i64>(0)).expect(table)
        };
        (shop.ok(&["tenant", "show", "acme", "--json"]), count("emails"), count("portal_requests"))
    };
    let refused = |body: Value, status: u16, code: &str| {
        let before = told();
        let answer = patch(body.clone());
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body}");
        assert_eq!(told(), before, "{body}");
    };
    // Where there is no portal nothing can be confirmed.
    refused(json!({ "email": "new@clients.example" }), 409, "no_portal");
    refused(json!({ "email": "new@clients.example", "name": "Other" }), 409, "no_portal");
    shop.ok(&["portal", "init", "--base-url", "https://billing.example"]);
    refused(json!({ "email": "new@clients.example", "country": "XXX" }), 400, "bad_country");
    for nth in 0..3 {
        let email = format!("new{nth}@clients.example");
        assert_eq!(patch(json!({ "email": email, "name": format!("Name {nth}") })).status, 200);
    }
    refused(json!({ "email": "new9@clients.example", "name": "Other" }), 429, "too_many_links");
    refused(json!({ "email": "new9@clients.example" }), 429, "too_many_links");

    // E-mails have links: a copy goes where whoever bills lets it go.
    let cc = ["--cc", "one@clients.example", "--cc", "two@clients.example"];
    shop.ok(&[&["tenant", "edit", "acme"][..], &cc].concat());
    for copies in [json!("new@x.example"), json!(["one@clients.example", "new@x.example"])] {
        refused(json!({ "cc": copies, "name": "Other" }), 403, "forbidden");
    }
    for (body, left) in [
        (json!({ "cc": ["two@clients.example", "one@clients.example"] }), 2),
        (json!({ "cc": "two@clients.example" }), 1),
        (json!({ "no_cc": true }), 0),
    ] {
        let answer = patch(body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["cc"].as_array().map(Vec::len), Some(left));
    }
    refused(json!({ "cc": "one@clients.example" }), 403, "forbidden");
}

/// What no page offers no key changes to.
#[test]
fn a_subscription_changes_to_what_its_page_offers() {
    let (shop, keys) = shop();
    let yearly = ["plan", "create", "yearly", "--name", "yearly", "--price", "99"];
    shop.ok(&[&yearly[..], &["--interval", "year"]].concat());
    let change = |key: &str, body: Value| {
        let answer = shop.api(keys.of(key), "POST", "/api/v1/subscriptions/1/change", &body);
        (answer.status, answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let none = || (404, "not_found".to_owned());
    for key in ["without a portal", "with one"] {
        let other = json!({ "plan": "yearly", "now": true });
        assert_eq!(change("acme write", other), none(), "{key}");
        shop.configure(
            "[portal]\nbase_url = \"https://billing.example\"\nsecret_file = \"portal-secret\"\n\
             plans = [\"pro\", \"yearly\"]\n",
        );
    }
    // Its own plan is its own, whatever is offered.
    let seats = json!({ "plan": "basic", "quantity": 2 });
    assert_eq!(change("acme write", seats).0, 200);
}

/// However many are asked for at once.
#[test]
fn forty_codes_at_once_are_no_more_than_twenty() {
    let (shop, keys) = shop();
    let request = |code: &str| {
        let body = json!({ "code": code, "amount": "10" });
        Request::new("POST", "/api/v1/coupons/validate").by(keys.of("acme coupons")).json(&body)
    };
    // Who is right may ask as often as it likes.
    for nth in 0..21 {
        assert_eq!(shop.asks(&request("WELCOME")).status, 200, "{nth}");
    }
    let codes: Vec<String> = (0..40).map(|nth| format!("GUESS{nth}")).collect();
    let begun: Vec<Child> = codes.iter().map(|code| shop.begins(&request(code), &[])).collect();
    let statuses: Vec<u16> = begun.into_iter().map(|child| answer(child).status).collect();
    let looked_up = statuses.iter().filter(|status| **status == 200).count();
    assert!(statuses.iter().all(|status| [200, 429, 503].contains(status)), "{statuses:?}");
    assert!(looked_up == 20 || looked_up < 20 && statuses.contains(&503), "{statuses:?}");
}

/// Sent by several at once, or again after it was killed anywhere, a request makes one thing.
#[test]
fn a_request_that_died_or_was_sent_twice_makes_one_thing() {
    let (shop, keys) = shop();
    let uri = "/api/v1/admin/tenants/birch/payment-methods";
    let request = Request::new("POST", uri)
        .by(keys.of("write"))
        .json(&json!({ "kind": "card", "token": "tok_other" }))
        .with("HTTP_IDEMPOTENCY_KEY", "at once");
    let begun: Vec<Child> = (0..8).map(|_| shop.begins(&request, &[])).collect();
    let answers: Vec<Answer> = begun.into_iter().map(answer).collect();
    assert!(answers.iter().any(|answer| answer.status == 201));
    for answer in &answers {
        let waits = answer.status == 409 && answer.code() == "in_progress";
        assert!(answer.status == 201 || waits, "{}", answer.text());
    }
    let count = || {
        let methods = shop.json(&["payment-method", "list", "--tenant", "birch"]);
        methods.as_array().map(Vec::len).expect("a list")
    };
    assert_eq!(count(), 2);
    for (n, point) in (1..).enumerate() {
        let idempotency_key = format!("killed at {point}");
        let request = request.clone().with("HTTP_IDEMPOTENCY_KEY", idempotency_key);
        let at = point.to_string();
        let child = shop.begins(&request, &[("BILLING_CRASH_AT", &at)]);
        let survived = child.wait_with_output().expect("an end").status.success();
        if !survived {
            let early = shop.asks(&request);
            assert!([201, 409].contains(&early.status), "{point}: {}", early.text());
            let minute = "UPDATE api_requests SET
                tried_at = strftime('%Y-%m-%dT%H:%M:%SZ', tried_at, '-61 seconds')";
            shop.sql().execute(minute, []).expect("a minute later");
            assert_eq!(shop.asks(&request).status, 201, "{point}");
        }
        assert_eq!(count(), 3 + n, "{point}");
        if survived {
            assert!(point > 3, "{point}");
            break;
        }
    }
    shop.check();
}

#[test]
fn what_cannot_be_read_is_refused_as_json() {
    let (shop, keys) = shop();
    let key = keys.of("write");
    let post = |uri| Request::new("POST", uri).by(key);
    let raw = |body: &str, content_type: &str| {
        let mut request = post("/api/v1/coupons/validate/").with("CONTENT_TYPE", content_type);
        request.body = body.as_bytes().to_vec();
        request
    };
    let long = format!("/api/{}", "a".repeat(9000));
    for (request, status, code) in [
        (Request::new("GET", "/api/v1/nothing"), 404, "not_found"),
        (Request::new("GET", "/api"), 404, "not_found"),
        (Request::new("PUT", "/api/v1/me"), 405, "method_not_allowed"),
        (post("/api/v1/me"), 405, "method_not_allowed"),
        (Request::new("GET", &long), 414, "bad_request"),
        (Request::new("GET", "/api/v1/%ff"), 400, "bad_request"),
        (raw("code=WELCOME", "application/x-www-form-urlencoded"), 415, "unsupported_media_type"),
        (raw("{}", "text/plain"), 415, "unsupported_media_type"),
        (raw("{", JSON), 400, "bad_json"),
        (raw("[]", "application/json; charset=utf-8"), 400, "bad_json"),
        (raw("{\"code\":\"\u{0}\"}", JSON), 400, "bad_json"),
        (raw(&"[".repeat(60_000), JSON), 400, "bad_json"),
        (raw(&" ".repeat(65_537), JSON), 413, "too_large"),
        (post("/api/v1/coupons/validate/?code=WELCOME"), 400, "bad_fields"),
    ] {
        let answer = shop.asks(&request);
        let what = format!("{} {:.60}", request.method, request.uri);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what}");
        assert_eq!(answer.header("Content-Type"), Some(JSON), "{what}");
        assert_eq!(answer.header("Allow").is_some(), status == 405, "{what}");
        assert!(answer.json()["error"]["message"].is_string());
    }
    let allowed = shop.asks(&post("/api/v1/admin/coupons/X"));
    assert_eq!(allowed.header("Allow"), Some("GET, PATCH, DELETE, HEAD"));
    let head = shop.asks(&Request::new("HEAD", "/api/v1/openapi.json"));
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn all_that_is_wrong_with_fields_is_said_at_once() {
    let (shop, keys) = shop();
    let body = json!({
        "cod": "WELCOME", "amount": 34.9, "tenant": ["acme"], "plan": "--help",
        "idempotency_key": "x", "yes": true,
    });
    let answer = shop.api(keys.of("coupons"), "POST", "/api/v1/coupons/validate/", &body);
    assert_eq!((answer.status, answer.code().as_str()), (400, "bad_fields"));
    let fields = answer.json()["error"]["fields"].clone();
    let named: BTreeSet<_> =
        fields.as_array().expect("fields").iter().map(|f| f["field"].to_string()).collect();
    let expected = ["cod", "amount", "tenant", "idempotency_key", "yes", "code"];
    assert_eq!(named, expected.iter().map(|name| format!("{name:?}")).collect());
    assert!(answer.text().contains("did you mean code?"), "{}", answer.text());
    assert!(answer.text().contains("write it as text"), "{}", answer.text());
    // A value is never a flag.
    for value in ["--help", "--version", "--yes", "-h", "--", "a=b", "--db=/tmp/x"] {
        let body = json!({ "code": value, "tenant": value, "amount": value, "plan": value });
        let answer = shop.api(keys.of("coupons"), "POST", "/api/v1/coupons/validate/", &body);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "not_found"),
            "{value}: {}",
            answer.text()
        );
    }
    let dash = json!({ "kind": "card", "token": "-" });
    let uri = "/api/v1/admin/tenants/acme/payment-methods";
    assert_eq!(shop.api(keys.of("write"), "POST", uri, &dash).status, 400);
}

#[test]
fn a_customer_reads_what_is_its_own() {
    let (shop, keys) = shop();
    let key = keys.of("acme read");
    let get = |uri: &str| shop.api(key, "GET", uri, &Value::Null);
    assert_eq!(get("/api/v1/me").text(), shop.ok(&["tenant", "show", "acme", "--json"]));
    assert_eq!(get("/api/v1/details/").text(), get("/api/v1/me").text());
    let invoice = number(&shop, "acme");
    let show = shop.ok(&["invoice", "show", &invoice, "--json"]);
    assert_eq!(get(&format!("/api/v1/invoices/{invoice}")).text(), show);
    let methods = get("/api/v1/payment-methods");
    let list = ["payment-method", "list", "--tenant", "acme", "--json"];
    assert_eq!(methods.text(), shop.ok(&list));
    assert!(!methods.text().contains("tok_secret"));
    for n in 1..=5 {
        shop.owes("acme", &format!("2099-01-0{n}"));
    }
    shop.owes("birch", "2099-01-01");
    let all = shop.json(&["invoice", "list", "--tenant", "acme"]);
    assert_eq!(get("/api/v1/invoices").json(), all);
    let mut walked = Vec::new();
    let mut after = String::new();
    loop {
        let page = get(&format!("/api/v1/invoices?limit=2{after}")).json();
        let page = page.as_array().expect("a list");
        let Some(last) = page.last() else { break };
        after = format!("&after={}", last["number"].as_str().expect("a number"));
        walked.extend(page.clone());
    }
    assert_eq!(json!(walked), all);
    assert_eq!(get("/api/v1/invoices?status=paid").json(), json!([]));
    for wrong in ["limit=0", "limit=101", "limit=x", "status=late", "page=2"] {
        let answer = get(&format!("/api/v1/invoices?{wrong}"));
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_fields"), "{wrong}");
    }
    let pdf = get(&format!("/api/v1/invoices/{invoice}.pdf"));
    assert_eq!((pdf.status, pdf.header("Content-Type")), (200, Some("application/pdf")));
    let name = format!("attachment; filename=\"{invoice}.pdf\"");
    assert_eq!(pdf.header("Content-Disposition"), Some(name.as_str()));
    assert!(pdf.body.starts_with(b"%PDF-"));
    // Now that the document is there, looking writes nothing at all.
    let before = (shop.contents(), std::fs::read(shop.path("billing.db")).expect("the file"));
    for (method, path, whose, _) in ADDRESSES.iter().filter(|(method, ..)| *method == "GET") {
        let key = if *whose == 'c' { keys.of("acme write") } else { keys.of("write") };
        let uri = path
            .replace("{number}", &invoice)
            .replace("{code}", "WELCOME")
            .replace("{slug}", "acme");
        for _ in 0..2 {
            let answer = shop.api(key, method, &uri, &Value::Null);
            assert_eq!(answer.status, 200, "{uri}: {}", answer.text());
            assert!(
                !answer.text().contains("tok_secret") && !answer.text().contains("bk_"),
                "{uri}"
            );
            assert_eq!(answer.log, "", "{uri}");
        }
    }
    let after = (shop.contents(), std::fs::read(shop.path("billing.db")).expect("the file"));
    support::assert_same("GET", &after.0, &before.0);
    assert!(after.1 == before.1, "the file changed");
}

#[test]
fn a_customer_does_what_it_may() {
    let (shop, keys) = shop();
    let key = keys.of("acme write");
    let post = |uri: &str, body: Value| shop.api(key, "POST", uri, &body);
    let preview =
        post("/api/v1/subscriptions/sub_1/change", json!({ "plan": "pro", "preview": true }));
    assert_eq!(preview.status, 200, "{}", preview.text());
    let cli = ["subscription", "change", "sub_1", "--plan", "pro", "--now", "--dry-run", "--json"];
    assert_eq!(preview.text(), shop.ok(&cli));
    let show = || shop.ok(&["subscription", "show", "sub_1", "--json"]);
    let before = show();
    let changed = post("/api/v1/subscriptions/1/change/", json!({ "plan": "pro", "quantity": 3 }));
    assert_eq!((changed.status, changed.text()), (200, show()));
    assert_ne!(show(), before);
    for (body, status) in [
        (json!({ "plan": "pro", "quantity": 3 }), 409),
        (json!({}), 400),
        (json!({ "collection": "invoice" }), 400),
        (json!({ "plan": "pro", "bill": "next", "now": true }), 400),
        (json!({ "plan": "prx" }), 404),
        (json!({ "quantity": 0 }), 400),
    ] {
        let answer = post("/api/v1/subscriptions/sub_1/change", body.clone());
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert_eq!(
            answer.json()["error"]["hint"].is_null(),
            answer.code() != "bad_fields",
            "{body}"
        );
    }
    let canceled = post("/api/v1/subscriptions/sub_1/cancel", Value::Null);
    assert_eq!((canceled.status, &canceled.json()["cancel_at_period_end"]), (200, &json!(true)));
    let resumed = post("/api/v1/subscriptions/sub_1/resume", json!({}));
    assert_eq!((resumed.status, &resumed.json()["cancel_at_period_end"]), (200, &json!(false)));
    assert_eq!(post("/api/v1/subscriptions/sub_1/cancel", json!({ "refund": true })).status, 400);

    let details = json!({ "name": "Acme SARL", "address": "1 rue\nDakar", "locale": "fr", "clear": "tax_id" });
    let edited = shop.api(key, "PATCH", "/api/v1/details", &details);
    assert_eq!(
        (edited.status, edited.text()),
        (200, shop.ok(&["tenant", "show", "acme", "--json"]))
    );
    assert_eq!(edited.json()["address"], "1 rue\nDakar");
    for body in [
        json!({ "currency": "USD" }),
        json!({ "tax_rate": "0" }),
        json!({ "external_id": "x" }),
        json!({ "metadata": { "a": "b" } }),
        json!({ "slug": "birch" }),
        json!({ "clear": ["metadata"] }),
        json!({}),
    ] {
        assert_eq!(shop.api(key, "PATCH", "/api/v1/details", &body).status, 400, "{body}");
    }
    // A new address has to be confirmed, for which there has to be a portal.
    let same = json!({ "email": "acme@clients.example" });
    assert_eq!(shop.api(key, "PATCH", "/api/v1/details", &same).status, 200);
    for email in [json!("nobody"), json!(3)] {
        let bad = shop.api(key, "PATCH", "/api/v1/details", &json!({ "email": email }));
        assert_eq!(bad.status, 400, "{}", bad.text());
    }
    let removed = shop.api(key, "DELETE", "/api/v1/payment-methods/pm_1", &Value::Null);
    assert_eq!((removed.status, &removed.json()["status"]), (200, &json!("removed")));
    let gone = post("/api/v1/payment-methods/pm_1/default", Value::Null);
    assert_eq!((gone.status, gone.code().as_str()), (409, "payment_method_removed"));
    let apply =
        post("/api/v1/coupons/apply", json!({ "code": "WELCOME", "subscription": "sub_1" }));
    assert_eq!(apply.status, 200, "{}", apply.text());
    let validate = post("/api/v1/coupons/validate", json!({ "code": "WELCOME", "amount": "10" }));
    assert_eq!(validate.json()["reasons"], json!(["max_uses_per_customer_reached"]));
    shop.check();
}

#[test]
fn a_customer_pays_on_the_gateways_page() {
    let (shop, keys) = shop();
    let key = keys.of("acme write");
    let pay = format!("/api/v1/invoices/{}/pay", number(&shop, "acme"));
    let nowhere = shop.api(key, "POST", &pay, &Value::Null);
    assert_eq!((nowhere.status, nowhere.code().as_str()), (400, "bad_fields"));
    let body = json!({ "return_url": "https://acme.example/back" });
    let begun = shop.api(key, "POST", &pay, &body);
    assert_eq!(
        (begun.status, &begun.json()["status"]),
        (201, &json!("pending")),
        "{}",
        begun.text()
    );
    assert!(begun.json()["url"].as_str().is_some_and(|url| url.starts_with("https://")));
    let again = shop.api(key, "POST", &pay, &body);
    assert_eq!(again.json()["url"], begun.json()["url"]);
    let setup = shop.api(key, "POST", "/api/v1/payment-methods", &body);
    assert_eq!((setup.status, &setup.json()["setup"]), (201, &json!(true)), "{}", setup.text());
    let refused = shop.api(key, "POST", &pay, &json!({ "return_url": "ftp://x" }));
    assert_eq!(refused.status, 400, "{}", refused.text());
    let other = json!({ "return_url": "https://acme.example/back", "amount": "9.99" });
    let other = shop.api(key, "POST", &pay, &other);
    assert_eq!((other.status, other.code().as_str()), (409, "amount_changed"));
}

/// Whether the gateway has a page is not known: the same request asks again.
#[test]
fn a_gateway_that_says_nothing_is_asked_again() {
    let (shop, keys) = shop();
    shop.write("silent", "#!/bin/sh\ncat > /dev/null\nexit 1\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(shop.path("silent"), mode).expect("a program");
    let program = shop.path("silent").display().to_string();
    shop.configure(&format!("[payments]\ngateway = \"command\"\ncommand = [{program:?}]\n"));
    let pay = format!("/api/v1/invoices/{}/pay", number(&shop, "birch"));
    let key =
        shop.json(&["api-key", "create", "--name", "b", "--scope", "write", "--tenant", "birch"]);
    let request = Request::new("POST", &pay).by(key["key"].as_str().expect("a key"));
    let request = request.json(&json!({ "return_url": "https://birch.example/back" }));
    let request = request.with("HTTP_IDEMPOTENCY_KEY", "pay");
    for _ in 0..2 {
        let silent = shop.asks(&request);
        let code = silent.code();
        assert_eq!((silent.status, code.as_str()), (503, "gateway_silent"), "{}", silent.text());
        assert_eq!(silent.header("Idempotent-Replayed"), None);
    }
    let me = shop.api(keys.of("acme read"), "GET", "/api/v1/me", &Value::Null);
    assert_eq!(me.status, 200);
    shop.write("billing.toml", "nonsense = true\n");
    let broken = shop.api(keys.of("acme read"), "GET", "/api/v1/me", &Value::Null);
    assert_eq!((broken.status, broken.code().as_str()), (503, "unavailable"));
    assert!(broken.log.contains("nonsense") && !broken.text().contains("nonsense"));
}

#[test]
fn the_configuration_says_what_customers_may() {
    let (shop, keys) = shop();
    shop.configure(
        "[payments]\ngateway = \"sandbox\"\n[portal]\nbase_url = \"https://billing.example\"\n\
         secret_file = \"portal-secret\"\nallow = [\"pay\", \"change\"]\nplans = [\"basic\"]\n",
    );
    let key = keys.of("acme write");
    let ask = |method: &str, uri: &str, body: Value| shop.api(key, method, uri, &body);
    let forbidden = [
        ask("POST", "/api/v1/subscriptions/sub_1/cancel", json!({})),
        ask("POST", "/api/v1/coupons/apply", json!({ "code": "WELCOME", "subscription": "sub_1" })),
        ask("PATCH", "/api/v1/details", json!({ "name": "Other" })),
        ask("POST", "/api/v1/payment-methods", json!({})),
        ask("DELETE", "/api/v1/payment-methods/pm_1", Value::Null),
    ];
    for answer in forbidden {
        assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"));
    }
    let other = ask("POST", "/api/v1/subscriptions/sub_1/change", json!({ "plan": "pro" }));
    let none = ask("POST", "/api/v1/subscriptions/sub_1/change", json!({ "plan": "prx" }));
    assert_eq!(other.text(), none.text().replace("prx", "pro"));
    assert_eq!(other.status, 404);
    for plan in [json!(["basic", "pro"]), json!(7)] {
        let body = json!({ "plan": plan });
        let answer = ask("POST", "/api/v1/subscriptions/sub_1/change", body);
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{plan}");
    }
    let seats = ask("POST", "/api/v1/subscriptions/sub_1/change", json!({ "quantity": 2 }));
    assert_eq!(seats.status, 200, "{}", seats.text());
    // The portal, which asks what became of it, is where the gateway sends the customer back to.
    let invoice = number(&shop, "acme");
    let pay = ask("POST", &format!("/api/v1/invoices/{invoice}/pay"), Value::Null);
    assert_eq!(pay.json()["return_url"], format!("https://billing.example/return/{invoice}"));
    // The product may do all of it.
    let apply = json!({ "code": "WELCOME", "subscription": "sub_1" });
    assert_eq!(shop.api(keys.of("write"), "POST", "/api/v1/coupons/apply", &apply).status, 200);
}

#[test]
fn the_product_hands_usage_in_and_looks_at_customers() {
    let (shop, keys) = shop();
    let usage = |body: Value| shop.api(keys.of("usage"), "POST", "/api/v1/admin/usage", &body);
    let event = json!({
        "id": "e1", "meter": "sms", "subscription": "sub_1", "value": "12.5", "properties": { "to": "SN" },
    });
    let taken = usage(event.clone());
    assert_eq!((taken.status, &taken.json()["value"]), (201, &json!("12.5")), "{}", taken.text());
    assert_eq!(taken.json()["properties"], json!({ "to": "SN" }));
    let at = taken.json()["at"].clone();
    let mut again = event.clone();
    again["at"] = at.clone();
    assert_eq!(usage(again.clone()).text(), taken.text());
    again["value"] = json!(13);
    assert_eq!((usage(again.clone()).status, usage(again).code()), (409, "id_conflict".to_owned()));
    for (body, status, code) in [
        (json!({}), 400, "bad_fields"),
        (json!({ "meter": "sms" }), 400, "usage"),
        (json!({ "meter": "mms", "tenant": "acme" }), 404, "not_found"),
        (json!({ "meter": "sms", "tenant": "acme", "value": "x" }), 400, "bad_value"),
        (json!({ "meter": "sms", "tenant": "acme", "properties": [] }), 400, "bad_fields"),
        (json!({ "events": {} }), 400, "bad_fields"),
        (json!({ "events": [], "meter": "sms" }), 400, "bad_fields"),
    ] {
        let answer = usage(body.clone());
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body}");
    }
    let events = json!({ "events": [
        { "id": "e2", "meter": "sms", "tenant": "birch", "at": at },
        { "id": "e3", "meter": "sms", "tenant": "nobody", "at": at },
        { "id": "e2", "meter": "sms", "tenant": "birch", "at": at },
    ] });
    let taken = usage(events).json();
    assert_eq!(taken["accepted"], 1);
    assert_eq!(taken["duplicates"], 1);
    assert_eq!(taken["rejected"][0]["line"], 2);
    // Without an id of its own, an event has that of the request.
    let once = Request::new("POST", "/api/v1/admin/usage").by(keys.of("usage"));
    let once =
        once.json(&json!({ "meter": "sms", "tenant": "acme" })).with("HTTP_IDEMPOTENCY_KEY", "u");
    assert_eq!(shop.asks(&once).body, shop.asks(&once).body);
    let list = shop.json(&["usage", "list", "--tenant", "acme"]);
    assert_eq!(list.as_array().map(Vec::len), Some(2));

    shop.ok(&["tenant", "edit", "acme", "--external-id", "u-17"]);
    let get = |uri: &str| shop.api(keys.of("read"), "GET", uri, &Value::Null);
    let show = shop.ok(&["tenant", "show", "acme", "--json"]);
    assert_eq!(get("/api/v1/admin/tenants/acme").text(), show);
    assert_eq!(get("/api/v1/admin/tenants/@u-17/").text(), show);
    assert_eq!(get("/api/v1/admin/tenants/%40u-17").text(), show);
    assert_eq!(get("/api/v1/admin/tenants/none").status, 404);
    let link =
        || shop.api(keys.of("write"), "POST", "/api/v1/admin/tenants/acme/link", &Value::Null);
    assert_eq!((link().status, link().code().as_str()), (409, "no_portal"));
    shop.ok(&["portal", "init", "--base-url", "https://billing.example"]);
    let made = link();
    assert_eq!(made.status, 201, "{}", made.text());
    assert!(
        made.json()["url"]
            .as_str()
            .is_some_and(|url| url.starts_with("https://billing.example/in/"))
    );
}

#[test]
fn what_is_out_of_order_is_told_to_the_operator_alone() {
    let (shop, keys) = shop();
    let me = || shop.api(keys.of("acme read"), "GET", "/api/v1/me", &Value::Null);
    let holder = shop.sql();
    holder.execute_batch("BEGIN IMMEDIATE").expect("the write lock");
    assert_eq!(me().status, 200);
    let edit = shop.api(keys.of("acme write"), "PATCH", "/api/v1/details", &json!({ "name": "B" }));
    assert_eq!((edit.status, edit.code().as_str()), (503, "busy"));
    assert_eq!(edit.header("Retry-After"), Some("5"));
    holder.execute_batch("ROLLBACK").expect("let go");
    std::fs::rename(shop.path("billing.db"), shop.path("away.db")).expect("away");
    let gone = me();
    assert_eq!((gone.status, gone.code().as_str()), (503, "no_database"));
    assert!(!gone.text().contains("billing.db") && gone.log.contains("billing.db"));
}
