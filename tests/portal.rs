//! The portal before people who want more than is theirs: each test takes something that they could
//! try, and fails where its guard is taken away.
mod support;

use std::sync::OnceLock;

use billing::domain::{InvoiceId, TenantId};
use billing::links::{Claims, Purpose, Signer, Subject};
use chrono::{TimeDelta, Utc};
use rusqlite::Connection;
use support::portal::{Ask, BASE, COOKIE, Form, Reply};
use support::{Contents, Prepared, Shop, assert_same, rows};

/// Two customers with everything that a customer may have; all that customers may do is allowed.
fn portal() -> Shop {
    static SHOP: OnceLock<Prepared> = OnceLock::new();
    SHOP.get_or_init(build).portal()
}

fn build() -> Prepared {
    let shop = Shop::with_config(
        "[payments]\ngateway = \"sandbox\"\n[company]\nname = \"Example Services\"\n",
    );
    shop.ok(&["portal", "init", "--base-url", BASE]);
    let config = std::fs::read_to_string(shop.path("billing.toml")).expect("billing.toml");
    let allow = "allow = [\"pay\", \"change\", \"cancel\", \"coupon\", \"details\", \"methods\", \
                 \"dispute\"]\n";
    shop.write("billing.toml", &format!("{config}{allow}"));
    for (plan, price) in [("basic", "20"), ("pro", "49.90")] {
        shop.ok(&["plan", "create", plan, "--name", plan, "--price", price, "--interval", "month"]);
    }
    for tenant in ["acme", "birch"] {
        shop.owes(tenant, &day(-20));
        let of = ["--tenant", tenant];
        let line = ["--amount", "30", "--description", "<script>alert(1)</script>"];
        let paid = shop.json(&[&["invoice", "create"], &of[..], &line].concat());
        let paid = paid["number"].as_str().expect("a number");
        shop.ok(&["invoice", "pay", paid, "--amount", "30"]);
        let note = ["credit-note", "create", "--invoice", paid, "--amount", "10", "--reason"];
        shop.ok(&[&note[..], &["goodwill"]].concat());
        shop.ok(&[&["subscription", "create", "--plan", "basic"], &of[..]].concat());
        let method = ["payment-method", "create", "--kind", "card", "--token"];
        let token = format!("tok_{tenant}_secret");
        shop.ok(&[&method[..], &[&token, "--label", "Visa ending in 4242"], &of].concat());
        shop.ok(&[&method[..], &["tok_ok", "--label", "Mastercard", "--default"], &of].concat());
    }
    let once = ["coupon", "create", "ONCE", "--name", "Once", "--percent", "10", "--max-uses", "1"];
    shop.ok(&[&once[..], &["--until", &day(30), "--eligibility", "all"]].concat());
    // What these say is not asked here.
    shop.ok(&["tasks", "deliver-emails", "--quiet"]);
    shop.prepared()
}

/// A day, so many from today.
fn day(from_today: i64) -> String {
    (Utc::now() + TimeDelta::days(from_today)).date_naive().to_string()
}

/// What a customer has, by the names that stand in addresses.
struct Belongings {
    open: String,
    paid: String,
    note: String,
    subscription: String,
    method: String,
}

impl Belongings {
    fn of(shop: &Shop, tenant: &str) -> Belongings {
        let first = |noun: &str, field: &str, more: &[&str]| {
            let list = shop.json(&[&[noun, "list", "--tenant", tenant], more].concat());
            list[0][field].as_str().unwrap_or_else(|| panic!("{noun}: {list}")).to_owned()
        };
        let method = shop.sql().query_row(
            "SELECT m.id FROM payment_methods m JOIN tenants t ON t.id = m.tenant_id
             WHERE t.slug = ?1 AND m.token LIKE '%secret'",
            [tenant],
            |row| row.get::<_, i64>(0),
        );
        Belongings {
            open: first("invoice", "number", &["--status", "open"]),
            paid: first("invoice", "number", &["--status", "paid"]),
            note: first("credit-note", "number", &[]),
            subscription: first("subscription", "id", &[]),
            method: format!("pm_{}", method.expect("a method")),
        }
    }

    /// What was never anybody's.
    fn nobodys() -> Belongings {
        Belongings {
            open: "INV-2020-000777".to_owned(),
            paid: "INV-2020-000778".to_owned(),
            note: "CN-2020-000779".to_owned(),
            subscription: "sub_777".to_owned(),
            method: "pm_777".to_owned(),
        }
    }

    /// Every page of theirs.
    fn pages(&self) -> Vec<String> {
        let Belongings { open, paid, note, subscription, .. } = self;
        let change = "change?item=basic&plan=pro&quantity=2&when";
        vec![
            format!("/invoices/{open}"),
            format!("/invoices/{paid}"),
            format!("/invoices/{paid}.pdf"),
            format!("/credit-notes/{note}.pdf"),
            format!("/subscription/{subscription}"),
            format!("/subscription/{subscription}/{change}=now"),
            format!("/subscription/{subscription}/{change}=next"),
        ]
    }

    /// Where their forms lead, by the name of the form.
    fn actions(&self) -> Vec<(&'static str, String)> {
        let Belongings { open, subscription, method, .. } = self;
        vec![
            ("pay", format!("/invoices/{open}/pay")),
            ("dispute", format!("/invoices/{open}/dispute")),
            ("change", format!("/subscription/{subscription}/change")),
            ("coupon", format!("/subscription/{subscription}/coupon")),
            ("cancel", format!("/subscription/{subscription}/cancel")),
            ("resume", format!("/subscription/{subscription}/resume")),
            ("method", format!("/methods/{method}/default")),
            ("method", format!("/methods/{method}/remove")),
        ]
    }
}

/// All rows of all tables.
fn everything(sql: &Connection) -> Contents {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table'";
    let mut statement = sql.prepare(tables).expect("the schema");
    let names = statement.query_map([], |row| row.get::<_, String>(0)).expect("tables");
    names
        .map(|name| {
            let name = name.expect("a name");
            // Whoever may write has seen the machine's clock.
            let columns = if name == "database_info" { "id, uuid, created_at" } else { "*" };
            let found = rows(sql, &format!("SELECT {columns} FROM {name}"));
            (name, found)
        })
        .collect()
}

/// What a customer may send of each form, with the tokens of this session.
fn filled(shop: &Shop, cookie: &str, theirs: &Belongings) -> Vec<Form> {
    let Belongings { open, subscription, method, .. } = theirs;
    let invoice = shop.get(cookie, &format!("/invoices/{open}"));
    let page = shop.get(cookie, &format!("/subscription/{subscription}"));
    let change =
        format!("/subscription/{subscription}/change?item=basic&plan=pro&quantity=2&when=next");
    let change = shop.get(cookie, &change);
    let details = shop.get(cookie, "/details");
    let of = |page: &Reply, path: &str| page.form(path);
    let at = |verb: &str| format!("/subscription/{subscription}/{verb}");
    vec![
        of(&invoice, &format!("/invoices/{open}/pay")),
        of(&invoice, &format!("/invoices/{open}/dispute")).with("note", "No."),
        of(&change, &at("change")),
        of(&page, &at("coupon")).with("code", "ONCE"),
        of(&page, &at("cancel")).with("reason", "Too dear"),
        of(&details, &format!("/methods/{method}/default")),
        of(&details, &format!("/methods/{method}/remove")),
        of(&details, "/methods/add"),
        of(&details, "/details").with("name", "Another name"),
        of(&details, "/out"),
    ]
}

#[test]
fn what_is_anothers_is_as_if_it_were_not_there() {
    let shop = portal();
    let cookie = shop.sign_in("acme");
    let (mine, theirs) = (Belongings::of(&shop, "acme"), Belongings::of(&shop, "birch"));
    let none = Belongings::nobodys();
    for uri in mine.pages() {
        assert_eq!(shop.get(&cookie, &uri).status, 200, "{uri}");
    }
    let before = everything(&shop.sql());
    let same = |what: &str, theirs: &Reply, none: &Reply| {
        assert_eq!((theirs.status, none.status), (404, 404), "{what}");
        assert_eq!((&theirs.body, &theirs.headers), (&none.body, &none.headers), "{what}");
    };
    let back = |of: &Belongings| format!("/return/{}", of.open);
    let pages = |of: &Belongings| [of.pages(), vec![back(of)]].concat();
    for (theirs, none) in pages(&theirs).iter().zip(pages(&none)) {
        same(theirs, &shop.get(&cookie, theirs), &shop.get(&cookie, &none));
    }
    let mut forms = filled(&shop, &cookie, &mine);
    let resume = mine.actions().into_iter().find(|(name, _)| *name == "resume").expect("it");
    // Nothing is canceled, so that no page has this form.
    forms.insert(5, Form { action: resume.1, fields: vec![form_token(&shop, &cookie, "resume")] });
    for (at, (name, action)) in theirs.actions().iter().enumerate() {
        let form = &forms[at];
        let none = &none.actions()[at].1;
        let send = |action: &str| shop.post(&cookie, &form.to(action));
        same(&format!("{name} {action}"), &send(action), &send(none));
    }
    assert_same("refused", &everything(&shop.sql()), &before);
}

/// The token of a form, as only we can sign it.
fn form_token(shop: &Shop, cookie: &str, form: &str) -> (String, String) {
    let signer = Signer::from_secret(&shop.portal_secret());
    let session = signer.verify(Purpose::Session, cookie, Utc::now()).expect("a session");
    let subject = Subject::form(cookie, form);
    let token = signer.sign(&Claims { purpose: Purpose::Form, invoice: None, subject, ..session });
    ("token".to_owned(), token)
}

#[test]
fn a_link_is_ours_in_time_and_for_this() {
    let shop = portal();
    let signer = Signer::from_secret(&shop.portal_secret());
    let now = Utc::now();
    let good = Claims {
        purpose: Purpose::Portal,
        tenant: TenantId(1),
        invoice: None,
        expires_at: now + TimeDelta::hours(1),
        generation: 1,
        subject: Subject::NONE,
    };
    let generation = "SELECT portal_generation FROM tenants WHERE id = 1";
    let generation = shop.sql().query_row(generation, [], |row| row.get(0)).expect("a number");
    let good = Claims { generation, ..good };
    let theirs = "SELECT max(id) FROM invoices WHERE tenant_id = 2";
    let theirs = shop.sql().query_row(theirs, [], |row| row.get(0)).expect("an invoice");
    let theirs = InvoiceId(theirs);
    let enter = |token: &str| shop.ask("GET", &format!("/in/{token}")).send();
    let refused = |what: &str, token: &str| {
        let reply = enter(token);
        assert_eq!((reply.status, reply.cookie()), (403, None), "{what}");
        assert!(!reply.text().contains(token), "{what}");
        // As a session it is nobody's either.
        assert_eq!(shop.get(token, "/invoices").status, 303, "{what} as a cookie");
        // The page has a form, whose token says when it ends.
        let form = reply.form("/sign-in");
        reply.text().replace(form.get("token"), "")
    };
    let token = signer.sign(&good);
    let cookie = enter(&token).cookie().expect("a session");
    assert_eq!(shop.get(&cookie, "/invoices").status, 200);
    assert_eq!(shop.get(&token, "/invoices").status, 303, "a link is no session");
    assert_eq!(enter(&cookie).status, 403, "a session is no link");
    let confirms = signer.sign(&Claims { purpose: Purpose::Confirm, ..good });
    // Nothing is to be confirmed by it.
    assert_eq!((enter(&confirms).status, enter(&confirms).cookie()), (403, None));
    assert_eq!(shop.get(&confirms, "/invoices").status, 303, "one that confirms is no session");
    assert_eq!(shop.get(&cookie.replace('=', ""), "/").status, 200);

    // Tampered with, at any place.
    let foreign = Signer::from_secret(&"x".repeat(64)).sign(&good);
    let page = refused("foreign", &foreign);
    for at in (0..token.len()).step_by(9) {
        let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        let mut tampered = token.clone();
        tampered.replace_range(at..=at, other);
        refused(&format!("tampered at {at}"), &tampered);
        let mut tampered = cookie.clone();
        tampered.replace_range(at..=at, other);
        if tampered != cookie {
            assert_eq!(shop.get(&tampered, "/invoices").status, 303, "a cookie, at {at}");
        }
    }
    refused("cut", &token[..token.len() - 1]);
    refused("longer", &format!("{token}A"));

    // Of another time, of before they were revoked, of nobody; why is said to nobody.
    let wrong = [
        ("expired", Claims { expires_at: now - TimeDelta::seconds(1), ..good }),
        ("long expired", Claims { expires_at: now - TimeDelta::days(400), ..good }),
        ("revoked", Claims { generation: good.generation - 1, ..good }),
        ("of later", Claims { generation: good.generation + 1, ..good }),
        ("of nobody", Claims { tenant: TenantId(777), ..good }),
        ("a form", Claims { purpose: Purpose::Form, ..good }),
        ("another's invoice", Claims { purpose: Purpose::Invoice, invoice: Some(theirs), ..good }),
    ];
    for (what, claims) in wrong {
        assert!(refused(what, &signer.sign(&claims)) == page, "{what}: another page");
    }
    let session = signer.verify(Purpose::Session, &cookie, now).expect("a session");
    for (what, claims) in [
        ("expired", Claims { expires_at: now - TimeDelta::seconds(1), ..session }),
        ("revoked", Claims { generation: session.generation - 1, ..session }),
        ("of nobody", Claims { tenant: TenantId(777), ..session }),
    ] {
        let reply = shop.get(&signer.sign(&claims), "/invoices");
        assert_eq!((reply.status, reply.location()), (303, "/"), "a session, {what}");
    }
    shop.ok(&["portal", "revoke", "acme"]);
    refused("revoked by its command", &token);
    assert_eq!(shop.get(&cookie, "/invoices").status, 303, "its session goes with it");
}

#[test]
fn a_number_with_a_slash_is_opened_paid_and_fetched() {
    let shop = portal();
    let line = ["--amount", "12", "--description", "Work", "--number", "2026/A/1"];
    shop.ok(&[&["invoice", "create", "--tenant", "acme"], &line[..]].concat());
    let cookie = shop.sign_in("acme");
    let front = shop.get(&cookie, "/");
    assert!(front.text().contains("href=\"/invoices/2026%2FA%2F1\""), "{}", front.text());
    let pay = front.form("/invoices/2026%2FA%2F1/pay");
    assert_eq!(shop.post(&cookie, &pay).status, 200);
    for page in ["/invoices/2026%2FA%2F1", "/invoices/2026%2FA%2F1.pdf"] {
        assert_eq!(shop.get(&cookie, page).status, 200, "{page}");
    }
}

#[test]
fn a_cookie_of_another_program_shuts_nobody_out() {
    let shop = portal();
    let cookie = shop.sign_in("acme");
    let all = format!("other=é; {COOKIE}={cookie}");
    assert_eq!(shop.ask("GET", "/invoices").header("Cookie", all).send().status, 200);
}

#[test]
fn the_link_of_an_invoice_leaves_who_is_signed_in_signed_in() {
    let shop = portal();
    let (cookie, mine) = (shop.sign_in("acme"), Belongings::of(&shop, "acme"));
    let link = shop.json(&["portal", "link", "acme", "--invoice", &mine.open]);
    let path = link["url"].as_str().and_then(|url| url.strip_prefix(BASE)).expect("a link");
    let reply = shop.get(&cookie, path);
    let place = format!("/invoices/{}", mine.open);
    assert_eq!((reply.status, reply.location(), reply.cookie()), (303, place.as_str(), None));
    // Another customer's session is no reason to show it, and gives way to its own.
    let other = shop.sign_in("birch");
    assert!(shop.get(&other, path).cookie().is_some_and(|own| own != other));
}

#[test]
fn nobody_has_paid_by_an_address() {
    let shop = portal();
    let (cookie, mine) = (shop.sign_in("acme"), Belongings::of(&shop, "acme"));
    let says = |number: &str| shop.get(&cookie, &format!("/invoices/{number}?done=paid")).text();
    assert!(says(&mine.paid).contains("role=\"status\""));
    assert!(!says(&mine.open).contains("role=\"status\""));
}

#[test]
fn a_change_on_trial_has_its_price_too() {
    let shop = portal();
    let of = ["--tenant", "acme", "--plan", "basic", "--trial-days", "14"];
    let made = shop.json(&[&["subscription", "create"], &of[..]].concat());
    let id = made["id"].as_str().expect("an id");
    let cookie = shop.sign_in("acme");
    let uri = format!("/subscription/{id}/change?item=basic&plan=basic&quantity=5&when=next");
    let page = shop.get(&cookie, &uri);
    assert!(page.text().contains("100"), "{}", page.text());
    let form = page.form(&format!("/subscription/{id}/change"));
    assert_eq!(form.get("amount"), "100.00");
    assert_eq!(shop.post(&cookie, &form.with("amount", "1.00")).status, 409);
    assert_eq!(shop.post(&cookie, &form).status, 303);
}

#[test]
fn a_session_that_was_ended_is_over() {
    let shop = portal();
    let (cookie, other) = (shop.sign_in("acme"), shop.sign_in("acme"));
    let out = shop.get(&cookie, "/").form("/out");
    assert_eq!(shop.post(&cookie, &out.without("token")).status, 403);
    let reply = shop.post(&cookie, &out);
    assert_eq!((reply.status, reply.cookie().as_deref()), (303, Some("")));
    assert!(reply.header("set-cookie").is_some_and(|c| c.contains("Max-Age=0")));
    assert_eq!(shop.get(&cookie, "/invoices").status, 303, "whoever kept the cookie");
    assert_eq!(shop.get(&other, "/invoices").status, 200, "another browser of theirs");
}

#[test]
fn a_form_is_sent_from_our_page_in_its_session() {
    let shop = portal();
    let (cookie, other) = (shop.sign_in("acme"), shop.sign_in("acme"));
    let mine = Belongings::of(&shop, "acme");
    let forms = filled(&shop, &cookie, &mine);
    let others = filled(&shop, &other, &mine);
    let expired = {
        let signer = Signer::from_secret(&shop.portal_secret());
        let session = signer.verify(Purpose::Session, &cookie, Utc::now()).expect("a session");
        let expires_at = Utc::now() - TimeDelta::seconds(1);
        move |name: &str| {
            let subject = Subject::form(&cookie_of(&session, &signer), name);
            let claims = Claims { purpose: Purpose::Form, expires_at, subject, ..session };
            signer.sign(&claims)
        }
    };
    let before = everything(&shop.sql());
    let names = [
        "pay",
        "dispute",
        "change",
        "coupon",
        "cancel",
        "method",
        "method",
        "add-method",
        "details",
        "out",
    ];
    for (at, form) in forms.iter().enumerate() {
        let foreign = forms.iter().find(|f| f.get("token") != form.get("token")).expect("one");
        let tokens = [
            ("none", form.without("token")),
            ("an empty one", form.with("token", "")),
            ("another form's", form.with("token", foreign.get("token"))),
            ("another session's", form.with("token", others[at].get("token"))),
            ("the session itself", form.with("token", &cookie)),
            ("an old one", form.with("token", &expired(names[at]))),
        ];
        for (what, form) in tokens {
            assert_eq!(shop.post(&cookie, &form).status, 403, "{}: token: {what}", form.action);
        }
        let posting = || shop.posting(&cookie, form);
        let origins = [
            ("none", posting().without("HTTP_ORIGIN")),
            ("another", posting().header("Origin", "https://elsewhere.example")),
            ("null", posting().header("Origin", "null")),
            ("an empty one", posting().header("Origin", "")),
            ("without TLS", posting().header("Origin", "http://billing.example")),
            ("with a port", posting().header("Origin", "https://billing.example:8443")),
            ("one below", posting().header("Origin", "https://a.billing.example")),
            ("one that begins so", posting().header("Origin", "https://billing.example.net")),
            ("two", posting().header("Origin", format!("{BASE}, {BASE}"))),
            // A page of ours that leads here is no origin.
            ("a referrer", posting().without("HTTP_ORIGIN").header("Referer", format!("{BASE}/"))),
        ];
        for (what, ask) in origins {
            assert_eq!(ask.send().status, 403, "{}: origin: {what}", form.action);
        }
        let nobody = shop.posting("", form).send().status;
        assert!([303, 403].contains(&nobody), "{}: no cookie: {nobody}", form.action);
        assert_same(&form.action, &everything(&shop.sql()), &before);
    }
    for form in &forms {
        let reply = shop.post(&cookie, form);
        assert!([200, 303].contains(&reply.status), "{}: {}", form.action, reply.said());
    }
}

/// The cookie again: of the same claims it is always the same.
fn cookie_of(session: &Claims, signer: &Signer) -> String {
    signer.sign(session)
}

#[test]
fn what_is_only_looked_at_changes_no_row() {
    let shop = portal();
    let mine = Belongings::of(&shop, "acme");
    let portal = shop.json(&["portal", "link", "acme"])["url"].as_str().expect("it").to_owned();
    let invoice = ["portal", "link", "acme", "--invoice", &mine.open];
    let invoice = shop.json(&invoice)["url"].as_str().expect("a link").to_owned();
    let path = |url: &str| url.strip_prefix(BASE).expect("ours").to_owned();
    let cookie = shop.sign_in("acme");
    let front = shop.get(&cookie, "/").form(&format!("/invoices/{}/pay", mine.open));
    let sandbox = path(&shop.post(&cookie, &front).button());
    let mut pages = vec![path(&portal), path(&invoice), sandbox];
    pages.extend(mine.pages());
    let places = [
        "/",
        "/?done=paid",
        "/invoices",
        "/details",
        "/out",
        "/sign-in",
        "/return",
        "/nowhere",
        "/in/none",
        "/confirm/none",
        "/sandbox/none",
        "/api/v1/me",
        "/methods/add",
    ];
    pages.extend(places.map(str::to_owned));
    pages.extend(mine.actions().into_iter().map(|(_, action)| action));
    // What is made at first asking is made.
    for uri in pages.iter().filter(|uri| uri.ends_with(".pdf")) {
        shop.get(&cookie, uri);
    }
    let before = everything(&shop.sql());
    for uri in &pages {
        for token in [cookie.as_str(), ""] {
            let (first, head) = (shop.get(token, uri), shop.ask("HEAD", uri).cookie(token).send());
            let second = shop.get(token, uri);
            assert_eq!(first.status, head.status, "{uri}");
            assert_eq!(first.status, second.status, "{uri}");
            if !uri.starts_with("/in/") {
                let length = |reply: &Reply| reply.header("content-length").map(str::to_owned);
                assert_eq!(length(&first), length(&head), "{uri}");
            }
            assert_same(uri, &everything(&shop.sql()), &before);
        }
    }
}

#[test]
fn a_body_has_its_limit_and_no_field_is_a_method() {
    let shop = portal();
    let cookie = shop.sign_in("acme");
    let out = shop.get(&cookie, "/").form("/out");
    let padded = |to: usize| {
        let mut text = form_urlencoded::Serializer::new(String::new());
        let text = text.extend_pairs(&out.fields).append_pair("padding", "").finish();
        let padding = to - text.len();
        let kind = "application/x-www-form-urlencoded";
        let ask = shop.ask("POST", "/out").cookie(&cookie).header("Origin", BASE);
        ask.body(kind, format!("{text}{}", "a".repeat(padding)))
    };
    assert_eq!(padded(64 * 1024 + 1).send().status, 413);
    assert_eq!(padded(65_000 + 1024).send().status, 413);
    let lengths = [
        ("18446744073709551616", 413),
        ("99999999999999999999999", 413),
        ("-1", 400),
        ("1e3", 400),
        ("0x10", 400),
        // More than there is.
        ("60000", 400),
    ];
    for (length, status) in lengths {
        let reply = padded(1000).variable("CONTENT_LENGTH", length).send();
        assert_eq!(reply.status, status, "{length}");
    }
    for kind in ["text/plain", "multipart/form-data; boundary=a", "application/json", ""] {
        let reply = padded(1000).variable("CONTENT_TYPE", kind).send();
        assert_eq!(reply.status, 415, "{kind:?}");
    }
    assert_eq!(shop.get(&cookie, "/invoices").status, 200, "nothing of it was done");

    let fields: Vec<String> = out.fields.iter().map(|(n, v)| format!("{n}={v}")).collect();
    let query = format!("/out?_method=POST&{}", fields.join("&"));
    let over = |ask: Ask<'_>| {
        ask.header("X-HTTP-Method-Override", "POST")
            .header("X-HTTP-Method", "POST")
            .header("X-Method-Override", "POST")
            .header("Origin", BASE)
            .cookie(&cookie)
            .fields(&out.fields)
            .send()
            .status
    };
    assert_eq!(over(shop.ask("GET", &query)), 405);
    for method in ["PUT", "TRACE", "CONNECT", "OPTIONS", "post", "POST ", "G\u{c9}T", ""] {
        assert_eq!(over(shop.ask(method, "/out")), 405, "{method:?}");
    }
    assert_eq!(shop.get(&cookie, "/invoices").status, 200, "nothing of it was done");
    assert_eq!(padded(64 * 1024).send().status, 303, "so much is read");
    assert_eq!(shop.get(&cookie, "/invoices").status, 303);
}

#[test]
fn an_address_leads_where_it_says_and_nowhere_else() {
    let shop = portal();
    let (cookie, mine) = (shop.sign_in("acme"), Belongings::of(&shop, "acme"));
    for (uri, status) in [
        ("/../billing.toml", 404),
        ("/invoices/../details", 404),
        ("/invoices/..%2f..%2fbilling.db", 404),
        ("/invoices/%2e%2e/details", 404),
        ("/invoices/..;/details", 404),
        ("/./details", 404),
        ("//details", 404),
        ("/details//", 404),
        ("//elsewhere.example/", 404),
        ("/invoices%2fINV-1", 404),
        ("/%64etails", 200),
        ("/details/", 200),
        ("/details%00", 400),
        ("/details%00.pdf", 400),
        ("/details%0d%0aSet-Cookie:%20a=b", 400),
        ("/details%ff", 400),
        ("/details\r\nX: y", 400),
        ("/d\u{e9}tails", 400),
        ("/details#front", 404),
        ("details", 404),
        ("*", 404),
        ("", 404),
        ("https://billing.example/details", 200),
        ("https://elsewhere.example/details", 200),
        ("https://elsewhere.example", 200),
    ] {
        assert_eq!(shop.get(&cookie, uri).status, status, "{uri:?}");
    }
    let long = format!("/details?{}", "a".repeat(9000));
    assert_eq!(shop.get(&cookie, &long).status, 414);
    let many = format!("/{}", "a/".repeat(3000));
    assert_eq!(shop.get(&cookie, &many).status, 404);

    // What else a server says of the path is not asked, nor what a client calls so.
    let at = |ask: Ask<'_>| ask.cookie(&cookie).send();
    let page = shop.get(&cookie, &format!("/invoices/{}", mine.open));
    let reply = at(shop
        .ask("GET", &format!("/invoices/{}", mine.open))
        .variable("PATH_INFO", "/details")
        .variable("SCRIPT_NAME", "/elsewhere")
        .variable("PATH_TRANSLATED", "/etc/passwd")
        .variable("QUERY_STRING", "done=paid")
        .header("X-Original-URL", "/details")
        .header("X-Rewrite-URL", "/details")
        .header("X-Forwarded-Prefix", "/elsewhere")
        .header("X-Forwarded-Host", "elsewhere.example")
        .header("Host", "elsewhere.example")
        .header("Billing-Config", "/tmp/mine.toml"));
    assert_eq!((reply.status, &reply.body), (200, &page.body));
    // The words of a query choose no file (RFC 3875, 4.4).
    let mut command = shop.command(&["--db", "/tmp/mine.db"]);
    command.env("QUERY_STRING", "--db+/tmp/mine.db").env("REQUEST_URI", "/?--db+/tmp/mine.db");
    command.env("GATEWAY_INTERFACE", "CGI/1.1").env("REQUEST_METHOD", "GET");
    let output = command.env("BILLING_CONFIG", shop.path("billing.toml")).output().expect("it");
    assert_eq!(Reply::parse(&output.stdout, String::new()).status, 200);

    // Headers that are no text, or twice as long as any.
    use std::os::unix::ffi::OsStringExt;
    let bytes = |bytes: &[u8]| std::ffi::OsString::from_vec(bytes.to_vec());
    for value in [bytes(b"\xff\xfe"), bytes(b"a\r\nb"), bytes(&[b'a'; 9000])] {
        // They name nobody and allow nothing; what would be acted on is refused.
        for name in ["Cookie", "Origin", "Accept-Language", "Authorization"] {
            let reply = shop.ask("GET", "/").header(name, value.clone()).send();
            assert_eq!(reply.status, 200, "{name}: {value:?}");
        }
        let reply = shop.ask("GET", "/").header("Idempotency-Key", value.clone()).send();
        assert_eq!(reply.status, 400, "{value:?}");
    }
    let without = shop.ask("GET", "/").without("REQUEST_URI").send();
    assert_eq!(without.status, 400);
    // Of two cookies of the name the first counts, which only this host can have set.
    let two = format!("{COOKIE}={cookie}; {COOKIE}=other");
    assert_eq!(shop.ask("GET", "/details").header("Cookie", two).send().status, 200);
}

#[test]
fn a_proxy_is_not_said_by_a_header() {
    let shop = portal();
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
    let proxy = format!("http://{}", elsewhere.local_addr().expect("its address"));
    let config = std::fs::read_to_string(shop.path("billing.toml")).expect("billing.toml");
    let stripe = "gateway = \"stripe\"\ncollection = \"invoice\"";
    let account = "[payments.stripe]\nbase_url = \"https://127.0.0.1:9\"\n";
    let config = config.replace("gateway = \"sandbox\"", stripe);
    shop.write("billing.toml", &format!("{config}\n{account}"));
    let (cookie, mine) = (shop.sign_in("acme"), Belongings::of(&shop, "acme"));
    let pay = shop
        .ask("GET", "/")
        .cookie(&cookie)
        .variable("BILLING_STRIPE_KEY", "sk_test_1234567890")
        .send()
        .form(&format!("/invoices/{}/pay", mine.open));
    let ask = shop.posting(&cookie, &pay).variable("BILLING_STRIPE_KEY", "sk_test_1234567890");
    let reply = ask.header("Proxy", &proxy).send();
    assert!([409, 503].contains(&reply.status), "{}", reply.said());
    elsewhere.set_nonblocking(true).expect("a socket");
    assert!(elsewhere.accept().is_err(), "it was asked");

    // Nor what else a gateway's program is to get of the environment.
    let seen = shop.path("environment");
    let lines = format!(
        "gateway = \"command\"\ncommand = [\"sh\", \"-c\", \"env > {}\"]\n\
         pass_env = [\"HTTP_PROXY\", \"HTTPS_PROXY\"]\n[payments.stripe]",
        seen.display()
    );
    let config = config.replace(stripe, "") + &account.replace("[payments.stripe]", &lines);
    let config = config
        .replacen("[payments]\n", "", 1)
        .replace("gateway = \"command", "[payments]\ngateway = \"command");
    shop.write("billing.toml", &config);
    let own = "http://proxy.example:3128";
    let ask = shop.posting(&cookie, &pay).variable("HTTPS_PROXY", own).header("Proxy", &proxy);
    ask.send();
    let environment = std::fs::read_to_string(&seen).expect("the program ran");
    assert!(environment.contains(own) && !environment.contains("HTTP_PROXY"), "{environment}");
}

#[test]
fn one_use_is_used_once() {
    let shop = portal();
    let mut asks = Vec::new();
    for n in 0..32 {
        let tenant = format!("t{n}");
        let email = format!("{tenant}@clients.example");
        shop.ok(&["tenant", "create", &tenant, "--name", &tenant, "--email", &email]);
        let of = ["--tenant", &tenant, "--plan", "basic"];
        let made = shop.json(&[&["subscription", "create"], &of[..]].concat());
        let id = made["subscription"]["id"].as_str().or(made["id"].as_str()).expect("an id");
        let cookie = shop.sign_in(&tenant);
        let token = form_token(&shop, &cookie, "coupon");
        let fields = vec![token, ("code".to_owned(), " once ".to_owned())];
        let form = Form { action: format!("/subscription/{id}/coupon"), fields };
        asks.push(shop.posting(&cookie, &form));
    }
    let replies = Ask::at_once(asks);
    let taken = replies.iter().filter(|reply| reply.status == 303).count();
    let busy = replies.iter().filter(|reply| reply.status == 503).count();
    let refused = replies.iter().filter(|reply| reply.status == 409).count();
    assert_eq!((taken, refused + busy), (1, 31), "{:?}", statuses(&replies));
    let uses = "SELECT current_uses FROM coupons WHERE code = 'ONCE'";
    assert_eq!(shop.sql().query_row(uses, [], |row| row.get::<_, i64>(0)), Ok(1));
    shop.check_but_for_credits();
}

#[test]
fn who_guesses_codes_is_sent_away_after_twenty() {
    let shop = portal();
    let (cookie, mine) = (shop.sign_in("acme"), Belongings::of(&shop, "acme"));
    let form = shop
        .get(&cookie, &format!("/subscription/{}", mine.subscription))
        .form(&format!("/subscription/{}/coupon", mine.subscription));
    let guess = |code: &str| shop.post(&cookie, &form.with("code", code)).status;
    for nth in 0..20 {
        assert_eq!(guess(&format!("GUESS{nth}")), 409, "{nth}");
    }
    assert_eq!(guess("GUESS20"), 429);
    // The right one as well, or an answer would tell it.
    let reply = shop.post(&cookie, &form.with("code", "ONCE"));
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("3600")));
    // Nobody else has guessed.
    let (other, its) = (shop.sign_in("birch"), Belongings::of(&shop, "birch"));
    let form = shop
        .get(&other, &format!("/subscription/{}", its.subscription))
        .form(&format!("/subscription/{}/coupon", its.subscription));
    assert_eq!(shop.post(&other, &form.with("code", "ONCE")).status, 303);
}

fn statuses(replies: &[Reply]) -> Vec<u16> {
    replies.iter().map(|reply| reply.status).collect()
}

/// How many rows a query counts.
fn count(shop: &Shop, query: &str) -> i64 {
    shop.sql()
        .query_row(&format!("SELECT count(*) FROM {query}"), [], |row| row.get(0))
        .expect("it")
}

#[test]
fn a_click_too_many_pays_nothing_twice() {
    let shop = portal();
    let (cookie, mine) = (shop.sign_in("acme"), Belongings::of(&shop, "acme"));
    let pay = shop.get(&cookie, "/").form(&format!("/invoices/{}/pay", mine.open));
    // Once more, and by a form that shows another amount.
    assert_eq!(shop.post(&cookie, &pay.with("amount", "1.00")).status, 409);
    assert_eq!(shop.post(&cookie, &pay.with("amount", "-90.00")).status, 400);
    assert_eq!(shop.post(&cookie, &pay.with("currency", "USD")).status, 409);
    assert_eq!(count(&shop, "checkouts"), 0);
    let first = Ask::at_once((0..6).map(|_| shop.posting(&cookie, &pay)).collect());
    let pages: Vec<&Reply> = first.iter().filter(|reply| reply.status == 200).collect();
    assert!(!pages.is_empty(), "{:?}", statuses(&first));
    assert!(first.iter().all(|r| [200, 503].contains(&r.status)), "{:?}", statuses(&first));
    let url = pages[0].button();
    assert!(pages.iter().all(|page| page.button() == url), "another page of the gateway's");
    assert_eq!(shop.post(&cookie, &pay).button(), url);
    assert_eq!(count(&shop, "checkouts"), 1);

    let page = shop.get(&cookie, url.strip_prefix(BASE).expect("the sandbox"));
    let forms = page.forms().into_iter().filter(|form| form.action.starts_with("/sandbox/"));
    let yes = forms.into_iter().find(|form| form.get("outcome") == "succeeded").expect("it");
    let paid = Ask::at_once((0..4).map(|_| shop.posting("", &yes)).collect());
    assert!(paid.iter().any(|reply| reply.status == 303), "{:?}", statuses(&paid));
    let back = format!("/return/{}", mine.open);
    let returns = (0..6).map(|_| shop.ask("GET", &back).cookie(&cookie)).collect();
    let returns = Ask::at_once(returns);
    assert!(returns.iter().all(|r| [303, 503].contains(&r.status)), "{:?}", statuses(&returns));
    let reply = shop.get(&cookie, &back);
    assert!(reply.location().ends_with("?done=paid"), "{}", reply.location());
    let payments = "transactions WHERE kind <> 'refund' AND status = 'succeeded'
                    AND invoice_id = (SELECT id FROM invoices WHERE tenant_id = 1 AND total_minor = 10000)";
    assert_eq!(count(&shop, payments), 1);
    assert_eq!(shop.json(&["invoice", "show", &mine.open])["status"], "paid");
    // Whoever kept the page clicks once more.
    assert_eq!(shop.post(&cookie, &pay).status, 409);
    assert_eq!(count(&shop, payments), 1);
    shop.check_but_for_credits();
}

#[test]
fn the_link_of_an_invoice_shows_that_one_alone() {
    let shop = portal();
    let mine = Belongings::of(&shop, "acme");
    let link = shop.json(&["portal", "link", "acme", "--invoice", &mine.open]);
    let cookie = shop.open(link["url"].as_str().expect("a link"));
    let own = format!("/invoices/{}", mine.open);
    assert_eq!(shop.get(&cookie, "/").location(), own);
    let page = shop.get(&cookie, &own);
    assert_eq!(page.status, 200);
    for other in [&mine.paid, &mine.note, "/details", "/subscription"] {
        assert!(!page.text().contains(other), "its page leads to {other}");
    }
    assert_eq!(shop.get(&cookie, &format!("{own}.pdf")).status, 200);
    let others = ["/invoices", "/details", "/return", "/subscription/sub_1", "/nowhere"];
    let mut others: Vec<String> = others.map(str::to_owned).to_vec();
    others.extend(mine.pages().into_iter().filter(|uri| !uri.starts_with(&own)));
    let none = shop.get(&cookie, "/invoices/INV-2020-000777");
    for uri in others {
        let reply = shop.get(&cookie, &uri);
        assert_eq!((reply.status, &reply.body), (404, &none.body), "{uri}");
    }
    // With tokens that only we can sign, it may still do nothing but pay.
    let before = everything(&shop.sql());
    for (name, action) in mine.actions().into_iter().filter(|(name, _)| *name != "pay") {
        let fields = [("note", "No."), ("code", "ONCE"), ("item", "basic"), ("plan", "pro")];
        let fields = fields.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
        let fields = [fields, vec![form_token(&shop, &cookie, name)]].concat();
        let reply = shop.post(&cookie, &Form { action, fields });
        assert!([403, 404].contains(&reply.status), "{name}: {}", reply.status);
    }
    for (name, action) in [("details", "/details"), ("add-method", "/methods/add")] {
        let fields = vec![form_token(&shop, &cookie, name), ("name".into(), "Mine".into())];
        let reply = shop.post(&cookie, &Form { action: action.to_owned(), fields });
        assert!([403, 404].contains(&reply.status), "{name}: {}", reply.status);
    }
    assert_same("refused", &everything(&shop.sql()), &before);
    // Its own form pays, and its session is none of the customer's.
    let pay = page.form(&format!("{own}/pay"));
    assert_eq!(shop.post(&shop.sign_in("acme"), &pay).status, 403, "another session");
    assert_eq!(shop.post(&cookie, &pay).status, 200);
}

#[test]
fn who_is_suspended_sees_all_and_comes_back_by_paying() {
    let shop = portal();
    // Stage by stage, as the tasks go on.
    for from_today in -20..=0 {
        shop.task("check-overdue", &day(from_today), &[]);
    }
    let late = Shop::owes(&shop, "acme", &day(-60));
    for from_today in -20..=0 {
        shop.task("check-overdue", &day(from_today), &[]);
    }
    let status = |shop: &Shop| shop.json(&["tenant", "show", "acme"])["status"].clone();
    assert_eq!(status(&shop), "suspended");
    let (cookie, mine) = (shop.sign_in("acme"), Belongings::of(&shop, "acme"));
    for uri in [mine.pages(), vec!["/".into(), "/invoices".into(), "/details".into()]].concat() {
        let reply = shop.get(&cookie, &uri);
        let expected = if uri.contains("/change?") { vec![200, 409] } else { vec![200] };
        assert!(expected.contains(&reply.status), "{uri}: {}", reply.status);
    }
    let front = shop.get(&cookie, "/");
    assert!(front.text().contains("Your access is suspended."));
    let mut last = String::new();
    for form in front.forms().into_iter().filter(|form| form.action.ends_with("/pay")) {
        let page = shop.post(&cookie, &form).button();
        let page = shop.get(&cookie, page.strip_prefix(BASE).expect("the sandbox"));
        let forms = page.forms().into_iter().filter(|form| form.action.starts_with("/sandbox/"));
        let yes = forms.into_iter().find(|form| form.get("outcome") == "succeeded").expect("it");
        let back = shop.post(&cookie, &yes).location().to_owned();
        // Booked where the customer is back, not where somebody has the page of the sandbox.
        last = shop.get(&cookie, back.strip_prefix(BASE).expect("ours")).location().to_owned();
        if status(&shop) == "active" {
            break;
        }
    }
    assert!(last.ends_with("?done=back"), "{last}");
    assert_eq!(status(&shop), "active", "{late}");
    assert!(shop.get(&cookie, &last).text().contains("role=\"status\""));
    shop.check_but_for_credits();
}

#[test]
fn who_is_closed_sees_what_was_billed_and_changes_nothing() {
    let shop = portal();
    let (cookie, mine) = (shop.sign_in("acme"), Belongings::of(&shop, "acme"));
    let forms = filled(&shop, &cookie, &mine);
    shop.ok(&["tenant", "close", "acme", "--yes"]);
    for uri in ["/", "/invoices", "/details"] {
        assert_eq!(shop.get(&cookie, uri).status, 200, "{uri}");
    }
    assert_eq!(shop.get(&cookie, &format!("/invoices/{}", mine.open)).status, 200);
    for form in forms.iter().filter(|form| form.action.starts_with("/subscription/")) {
        assert_eq!(shop.post(&cookie, form).status, 409, "{}", form.action);
    }
}

#[test]
fn whoever_asks_for_a_link_learns_nothing() {
    let shop = portal();
    let form = shop.ask("GET", "/").send().form("/sign-in");
    let ask = |email: &str| shop.post("", &form.with("email", email));
    let known = ask("acme@clients.example");
    assert_eq!(known.status, 200);
    assert_eq!(known.header("set-cookie"), None);
    let page = |reply: &Reply| {
        reply.text().replace(reply.forms().first().map_or("\0", |f| f.get("token")), "")
    };
    let long = format!("{}@clients.example", "a".repeat(300));
    for email in [
        "nobody@clients.example",
        "ACME@CLIENTS.EXAMPLE",
        "no address",
        "",
        "a\r\nBcc: b@c.example",
        &long,
    ] {
        let reply = ask(email);
        assert_eq!((reply.status, page(&reply)), (200, page(&known)), "{email:?}");
        assert!(reply.log.is_empty(), "{email:?}: {}", reply.log);
    }
    for what in ["token", "origin"] {
        let reply = match what {
            "token" => shop.post("", &form.without("token").with("email", "acme@clients.example")),
            _ => shop.posting("", &form).header("Origin", "https://elsewhere.example").send(),
        };
        assert_eq!(reply.status, 403, "{what}");
    }
}

/// The links in letters of a customer's, the newest last, by the address to which they went; once all have
/// left that a process sends which a request left behind.
fn letters(shop: &Shop) -> Vec<(String, Option<String>)> {
    let begun = std::time::Instant::now();
    while count(shop, "emails WHERE status = 'queued'") > 0 {
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "letters stay");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    for letter in shop.mailbox().into_values() {
        let text =
            String::from_utf8(letter).expect("text").replace("=\r\n", "").replace("=3D", "=");
        let to =
            text.lines().find_map(|line| line.strip_prefix("To: ")).expect("it goes to somebody");
        assert!(!text.contains("\nCc: ") && !text.contains("\nBcc: "), "{text}");
        let link = text.split(&format!("{BASE}/in/")).nth(1).map(|rest| {
            let is_token = |c: &char| c.is_ascii_alphanumeric() || "-_".contains(*c);
            format!("{BASE}/in/{}", rest.chars().take_while(is_token).collect::<String>())
        });
        found.push((to.trim().to_owned(), link));
    }
    found
}

#[test]
fn a_link_goes_to_the_customers_own_address_three_times_an_hour() {
    let shop = portal();
    shop.ok(&["tenant", "edit", "acme", "--cc", "copy@clients.example"]);
    let form = shop.ask("GET", "/").send().form("/sign-in");
    let before = letters(&shop).len();
    for _ in 0..5 {
        let reply = shop.post("", &form.with("email", " ACME@clients.example"));
        assert_eq!(reply.status, 200);
    }
    let sent = &letters(&shop)[before..];
    assert_eq!(sent.len(), 3, "{sent:?}");
    for (to, link) in sent {
        assert!(to.contains("acme@clients.example") && !to.contains("copy@"), "{to}");
        let cookie = shop.open(link.as_ref().expect("a link"));
        assert_eq!(shop.get(&cookie, "/details").status, 200);
    }
    // It holds for nobody's copies, and no other customer has less for it.
    shop.post("", &form.with("email", "copy@clients.example"));
    shop.post("", &form.with("email", "birch@clients.example"));
    assert_eq!(letters(&shop).len(), before + 4);
}

/// Whoever asks for a link waits for no relay: an address that is a customer's would be known by it.
#[test]
fn the_answer_does_not_wait_for_the_letter() {
    use std::os::unix::fs::PermissionsExt;
    let shop = portal();
    let begins = shop.path("begun").display().to_string();
    shop.write("mailer", &format!("#!/bin/sh\ntouch {begins}\nexec sleep 20\n"));
    let runs = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(shop.path("mailer"), runs).expect("the mailer");
    let config = std::fs::read_to_string(shop.path("billing.toml")).expect("billing.toml");
    let mailer = shop.path("mailer").display().to_string();
    let mail = "[mail]\ntransport = \"sendmail\"\nfrom = \"Us <us@example.com>\"\n";
    shop.write("billing.toml", &format!("{config}{mail}sendmail = \"{mailer}\"\n"));
    let form = shop.ask("GET", "/").send().form("/sign-in");
    let begun = std::time::Instant::now();
    let ask = shop.posting("", &form.with("email", "acme@clients.example"));
    let (reply, mut child) = ask.send_and_leave();
    assert_eq!(reply.status, 200);
    assert!(begun.elapsed() < std::time::Duration::from_secs(8), "{:?}", begun.elapsed());
    while !shop.path("begun").exists() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "no letter leaves");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    child.kill().expect("it is ours");
    child.wait().expect("its end");
}

#[test]
fn a_new_address_holds_once_it_was_confirmed_from_there() {
    let shop = portal();
    let cookie = shop.sign_in("acme");
    let details = shop.get(&cookie, "/details").form("/details");
    let address = || shop.json(&["tenant", "show", "acme"])["email"].clone();
    let before = letters(&shop).len();
    assert_eq!(shop.post(&cookie, &details.with("email", "no address")).status, 400);
    assert_eq!(shop.post(&cookie, &details.with("email", "new@clients.example")).status, 303);
    assert_eq!(address(), "acme@clients.example");
    let sent = letters(&shop);
    assert_eq!(sent.len(), before + 1, "{sent:?}");
    let (_, link) = sent.iter().find(|(to, _)| to.contains("new@")).expect("a letter to there");
    let link = link.clone().expect("a link");
    let place = link.strip_prefix(BASE).expect("ours").to_owned();
    let page = shop.ask("GET", &place).send();
    assert_eq!(page.cookie(), None, "whoever reads the letter is nobody yet");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("new@clients.example"));
    // What follows is not told of the key in its address.
    assert!(page.text().contains("<meta name=\"referrer\" content=\"strict-origin\">"));
    assert_eq!(address(), "acme@clients.example", "a mail filter that follows links");
    let form = page.form(&place.replace("/in/", "/confirm/"));
    assert_eq!(shop.post("", &form.without("token")).status, 403);
    assert_eq!(shop.posting("", &form).without("HTTP_ORIGIN").send().status, 403);
    assert_eq!(address(), "acme@clients.example");
    assert_eq!(shop.post("", &form).status, 303);
    assert_eq!(address(), "new@clients.example");
    let told = letters(&shop);
    assert_eq!(told.len(), before + 2, "the old address is told: {told:?}");
    // Once, and not of another address that is asked for later.
    assert!([403, 409].contains(&shop.post("", &form).status));
    let details = shop.get(&cookie, "/details").form("/details");
    assert_eq!(shop.post(&cookie, &details.with("email", "third@clients.example")).status, 303);
    assert!([403, 409].contains(&shop.post("", &form).status));
    assert!([403, 409].contains(&shop.ask("GET", &place).send().status));
    assert_eq!(address(), "new@clients.example");
}

#[test]
fn a_form_of_details_that_is_refused_changes_nothing() {
    let shop = portal();
    let cookie = shop.sign_in("acme");
    let details = || shop.get(&cookie, "/details").form("/details");
    for nth in 0..3 {
        let email = format!("new{nth}@clients.example");
        let form = details().with("email", &email).with("city", &format!("City {nth}"));
        assert_eq!(shop.post(&cookie, &form).status, 303);
    }
    let form = details().with("email", "new9@clients.example").with("city", "Nowhere");
    assert_eq!(shop.post(&cookie, &form).status, 429);
    assert_eq!(shop.json(&["tenant", "show", "acme"])["city"], "City 2");
    // Copies are taken away here, and added by whoever bills.
    let cc = || shop.json(&["tenant", "show", "acme"])["cc"].clone();
    let of_two = ["--cc", "one@clients.example", "--cc", "two@clients.example"];
    shop.ok(&[&["tenant", "edit", "acme"][..], &of_two].concat());
    let both = cc();
    let more = details().with("cc", "one@clients.example, new@x.example").with("city", "Nowhere");
    let refused = shop.post(&cookie, &more);
    assert_eq!(refused.status, 400);
    assert!(refused.said().contains("you can take addresses away"), "{}", refused.said());
    assert_eq!(cc(), both);
    assert_eq!(shop.json(&["tenant", "show", "acme"])["city"], "City 2");
    assert_eq!(shop.post(&cookie, &details().with("cc", "two@clients.example")).status, 303);
    assert_eq!(cc(), serde_json::json!(["two@clients.example"]));
    assert_eq!(shop.post(&cookie, &details().with("cc", "")).status, 303);
    assert_eq!(cc(), serde_json::json!([]));
}

#[test]
fn what_pays_stands_on_no_page_and_in_no_log() {
    let shop = portal();
    let (cookie, mine) = (shop.sign_in("acme"), Belongings::of(&shop, "acme"));
    let pages = ["/", "/invoices", "/details"].map(str::to_owned).to_vec();
    for uri in [pages, mine.pages()].concat() {
        let reply = shop.get(&cookie, &uri);
        for secret in ["tok_acme_secret", "tok_ok", &shop.portal_secret()] {
            assert!(!reply.text().contains(secret) && !reply.log.contains(secret), "{uri}");
        }
        assert!(reply.log.is_empty(), "{uri}: {}", reply.log);
    }
    // A link that is none is told to nobody, and no page leads on with it in its address.
    let token = "A".repeat(111);
    for uri in [format!("/in/{token}"), format!("/confirm/{token}")] {
        let reply = shop.ask("GET", &uri).send();
        assert!(reply.log.is_empty() && !reply.text().contains(&token), "{uri}: {}", reply.log);
    }
    // The operator learns what is out of order, a visitor only that something is.
    std::fs::remove_file(shop.path("portal-secret")).expect("the secret");
    let reply = shop.get(&cookie, &format!("/in/{token}"));
    assert_eq!((reply.status, reply.text().as_str()), (503, "503 Service Unavailable\n"));
    assert!(reply.log.contains("portal-secret") && !reply.log.contains(&token), "{}", reply.log);
    assert_eq!(reply.header("retry-after"), Some("5"));
}

#[test]
fn who_waits_for_the_database_is_told_when_to_come_back() {
    let shop = portal();
    let cookie = shop.sign_in("acme");
    let out = shop.get(&cookie, "/").form("/out");
    let sql = shop.sql();
    sql.execute_batch("/* no task */ BEGIN IMMEDIATE").expect("a lock");
    let begun = std::time::Instant::now();
    let reply = shop.post(&cookie, &out);
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")));
    assert!(begun.elapsed() < std::time::Duration::from_secs(10));
    // Readers wait for nobody.
    assert_eq!(shop.get(&cookie, "/invoices").status, 200);
    sql.execute_batch("ROLLBACK").expect("the lock is given back");
    assert_eq!(shop.post(&cookie, &out).status, 303);
}
