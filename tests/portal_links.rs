//! Links that customers ask for, and addresses that they confirm: what the portal's pages call.
mod support;

use billing::books::Book;
use billing::clock::Clock;
use billing::config::Config;
use billing::domain::Refusal;
use billing::failure::Failure;
use billing::links::{Bad, Claims, Purpose, Signer};
use billing::store::{Access, Store};
use chrono::{DateTime, TimeDelta, Utc};
use support::Shop;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const BASE: &str = "https://pay.example";

/// A shop with a portal and a customer, whose e-mails go to two addresses.
fn shop() -> Shop {
    let shop = Shop::with_config(&format!("[portal]\nbase_url = \"{BASE}\"\n"));
    private(&shop, "portal-secret", SECRET);
    shop.ok(&[
        "tenant",
        "create",
        "acme",
        "--name",
        "Acme",
        "--email",
        "Awa@Shop.example",
        "--cc",
        "boss@shop.example",
    ]);
    shop
}

fn private(shop: &Shop, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    shop.write(name, text);
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(shop.path(name), mode).expect("a mode");
}

/// As the portal does it: in one transaction, by the machine's clock.
fn write<T>(shop: &Shop, work: impl FnOnce(&Book) -> Result<T, Refusal>) -> Result<T, Refusal> {
    let config = Config::load(Some(&shop.path("billing.toml"))).expect("a config");
    let act = Clock::new(None, config.timezone).expect("a clock").act("portal");
    let mut store = Store::open(&shop.path("billing.db"), Access::Write).expect("the database");
    store.write(|db| work(&Book::new(db, &act, &config)))
}

fn now() -> DateTime<Utc> {
    Clock::new(None, chrono_tz::UTC).expect("a clock").now
}

fn request(shop: &Shop, address: &str, now: DateTime<Utc>) {
    write(shop, |book| book.request_portal_link(address, now)).expect("the same answer for all");
}

fn change(shop: &Shop, email: &str, now: DateTime<Utc>) -> Result<(), &'static str> {
    let asked = write(shop, |book| {
        book.ask_to_change_email(&book.db.tenant("acme")?, email, now).map(drop)
    });
    asked.map_err(|refusal| Failure::from(&refusal).code)
}

fn confirm(shop: &Shop, claims: &Claims) -> Result<String, &'static str> {
    let confirmed = write(shop, |book| book.confirm_email(claims).map(|tenant| tenant.email));
    confirmed.map_err(|refusal| Failure::from(&refusal).code)
}

/// Tenant, template, address and status of each e-mail.
fn emails(shop: &Shop) -> Vec<[String; 4]> {
    let emails = shop.json(&["email", "list"]);
    let of =
        |email: &serde_json::Value, field: &str| email[field].as_str().unwrap_or("").to_owned();
    let emails = emails.as_array().expect("a list").iter();
    emails.map(|e| ["tenant", "template", "to", "status"].map(|field| of(e, field))).collect()
}

fn statuses(shop: &Shop) -> Vec<String> {
    emails(shop).into_iter().map(|[.., status]| status).collect()
}

/// What the link in an e-mail says.
fn claims(shop: &Shop, email: &str, purpose: Purpose) -> Result<Claims, Bad> {
    let shown = shop.ok(&["email", "show", email]);
    let link = shown.lines().find(|line| line.starts_with(BASE)).expect(&shown);
    let token = link.strip_prefix(&format!("{BASE}/in/")).expect("a link");
    Signer::from_secret(SECRET).verify(purpose, token, now())
}

#[test]
fn each_customer_of_an_address_gets_a_link_at_its_own_address_alone() {
    let shop = shop();
    for (slug, email) in [
        ("other", "awa@shop.EXAMPLE"),
        ("gone", "awa@shop.example"),
        ("zenith", "awa@shop.example.org"),
    ] {
        shop.ok(&["tenant", "create", slug, "--name", slug, "--email", email, "--locale", "fr"]);
    }
    shop.ok(&["tenant", "close", "gone"]);
    for address in
        [" AWA@shop.example ", "nobody@shop.example", "boss@shop.example", "no address", ""]
    {
        request(&shop, address, now());
    }
    let to = |tenant: &str, to: &str, status: &str| {
        [tenant, "portal_link", to, status].map(str::to_owned)
    };
    let [acme, other, gone] =
        [("acme", "Awa@Shop.example"), ("other", "awa@shop.EXAMPLE"), ("gone", "awa@shop.example")];
    let all = |status| [acme, other, gone].map(|(tenant, email)| to(tenant, email, status));
    assert_eq!(emails(&shop), all("queued"));
    shop.ok(&["tasks", "deliver-emails"]);
    assert_eq!(emails(&shop), all("sent"));
    let message = shop.json(&["email", "show", "eml_1"])["message"].to_string();
    assert!(message.contains("Awa@Shop.example") && !message.contains("boss@"), "{message}");
    for (id, slug) in [("eml_1", "acme"), ("eml_2", "other"), ("eml_3", "gone")] {
        let read = claims(&shop, id, Purpose::Portal).expect("a link that holds");
        let tenant = write(&shop, |book| book.db.tenant(slug)).expect("a tenant");
        assert_eq!((read.tenant, read.invoice), (tenant.id, None));
        let left = read.expires_at - now();
        assert!(left > TimeDelta::hours(11) && left <= TimeDelta::hours(12), "{left}");
        assert_eq!(claims(&shop, id, Purpose::Session), Err(Bad::Forged));
    }
}

#[test]
fn a_customer_gets_three_links_an_hour() {
    let shop = shop();
    let start = now();
    let after = |minutes: i64| {
        request(&shop, "awa@shop.example", start + TimeDelta::minutes(minutes));
        emails(&shop).len()
    };
    assert_eq!([0, 10, 20, 30, 59, 60, 61, 71].map(after), [1, 2, 3, 3, 3, 4, 4, 5]);
}

/// Whoever asks at once gets no more: the database counts.
#[test]
fn requests_at_once_are_counted_all() {
    let shop = shop();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| request(&shop, "awa@shop.example", now()));
        }
    });
    assert_eq!(emails(&shop).len(), 3);
}

/// A link that would lead nowhere is not sent.
#[test]
fn a_link_that_holds_no_more_is_not_sent() {
    let shop = shop();
    request(&shop, "awa@shop.example", now());
    shop.ok(&["portal", "revoke", "acme"]);
    request(&shop, "awa@shop.example", now() - TimeDelta::hours(12));
    shop.ok(&["tasks", "deliver-emails"]);
    assert_eq!(statuses(&shop), ["canceled", "canceled"]);
    request(&shop, "awa@shop.example", now());
    shop.configure("");
    shop.ok(&["tasks", "deliver-emails"]);
    assert_eq!(statuses(&shop), ["canceled", "canceled", "canceled"]);
}

#[test]
fn a_new_address_holds_once_it_was_confirmed_from_there() {
    let shop = shop();
    let email = || shop.json(&["tenant", "show", "acme"])["email"].clone();
    change(&shop, "Compta@shop.example", now()).expect("asked");
    shop.ok(&["tasks", "deliver-emails"]);
    assert_eq!(email(), "Awa@Shop.example");
    let link = claims(&shop, "eml_1", Purpose::Confirm).expect("a link that holds");
    assert_eq!(confirm(&shop, &link).as_deref(), Ok("Compta@shop.example"));
    assert_eq!(email(), "Compta@shop.example");
    // Once.
    assert_eq!(confirm(&shop, &link), Err("confirmation_over"));
    shop.ok(&["tasks", "deliver-emails"]);
    let sent = |template: &str, to: &str| ["acme", template, to, "sent"].map(str::to_owned);
    let expected =
        [sent("email_confirm", "Compta@shop.example"), sent("email_changed", "Awa@Shop.example")];
    assert_eq!(emails(&shop), expected);
    let told = shop.ok(&["email", "show", "eml_2"]);
    assert!(told.contains("Compta@shop.example") && !told.contains(BASE), "{told}");
    let asked = shop.json(&["event", "list", "--kind", "tenant_email_asked"]);
    assert_eq!(asked[0]["data"]["email"], "Compta@shop.example");
    let edited = shop.json(&["event", "list", "--kind", "tenant_edited"]);
    assert_eq!(edited[0]["reason"], "confirmed from the new address");
    assert!(edited[0]["data"].to_string().contains("Awa@Shop.example"), "{edited}");
}

#[test]
fn an_address_is_confirmed_by_its_own_link_alone() {
    let shop = shop();
    let asked = |email: &str, at: DateTime<Utc>| {
        change(&shop, email, at).expect("asked");
        shop.ok(&["tasks", "deliver-emails"]);
        let newest = emails(&shop).len();
        claims(&shop, &format!("eml_{newest}"), Purpose::Confirm).expect("a link that holds")
    };
    let an_hour = TimeDelta::hours(1);
    let first = asked("one@shop.example", now() - an_hour - an_hour);
    // Another address was asked for.
    let second = asked("two@shop.example", now() - an_hour - an_hour);
    assert_eq!(confirm(&shop, &first), Err("confirmation_over"));
    // The operator set one.
    shop.ok(&["tenant", "edit", "acme", "--email", "three@shop.example"]);
    assert_eq!(confirm(&shop, &second), Err("confirmation_over"));
    let third = asked("four@shop.example", now() - an_hour - an_hour);
    shop.ok(&["portal", "revoke", "acme"]);
    assert_eq!(confirm(&shop, &third), Err("confirmation_over"));
    // Nor by another kind of link.
    let fourth = asked("five@shop.example", now());
    for purpose in Purpose::ALL.into_iter().filter(|purpose| *purpose != Purpose::Confirm) {
        assert_eq!(confirm(&shop, &Claims { purpose, ..fourth }), Err("confirmation_over"));
    }
    // One that was replaced before it left is not sent.
    change(&shop, "six@shop.example", now()).expect("asked");
    change(&shop, "seven@shop.example", now()).expect("asked");
    shop.ok(&["tasks", "deliver-emails"]);
    assert_eq!(statuses(&shop)[4..], ["canceled", "sent"]);
    // No more than three an hour.
    assert_eq!(change(&shop, "eight@shop.example", now()), Err("too_many_links"));
    assert_eq!(change(&shop, "three@shop.example", now()), Err("email_unchanged"));
    assert_eq!(change(&shop, "eight", now()), Err("bad_email"));
    assert_eq!(shop.json(&["tenant", "show", "acme"])["email"], "three@shop.example");
}
