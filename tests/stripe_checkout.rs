//! Checkout Sessions, against a Stripe of our own: one session for one key, what became of it however it
//! ends, and a payment that is given back as any other.
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use billing::domain::Money;
use billing::domain::charge::{Answer, Token};
use billing::domain::checkout::{Became, CheckoutRequest, NewMethod, Opened, Page, Purpose};
use billing::domain::gateway_refund::RefundRequest;
use billing::domain::payment_method::PaymentMethodKind;
use billing::gateway::{Gateway, Stripe};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use support::fake_stripe::{FakeStripe, Fault, SECRET_KEY, parameters};

const URL: &str = "https://shop.example/thanks?a=b&c=d";

fn gateway(fake: &FakeStripe) -> Gateway {
    let timeout = Duration::from_secs(20);
    Gateway::Stripe(Stripe::new(Token::new(SECRET_KEY.to_owned()), &fake.base_url(), timeout))
}

fn now(fake: &FakeStripe) -> DateTime<Utc> {
    DateTime::from_timestamp(fake.now(), 0).expect("a time")
}

fn request(fake: &FakeStripe, minor: i64, currency: &str) -> CheckoutRequest {
    static NUMBER: AtomicUsize = AtomicUsize::new(1);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    CheckoutRequest {
        idempotency_key: format!("5a0c1b7e-cko{number}-1"),
        purpose: Purpose::Payment {
            amount: Money::from_minor(minor, currency.parse().expect("a currency")),
            invoice: format!("INV-2026-{number:06}"),
        },
        tenant: "société & fils".to_owned(),
        return_url: URL.to_owned(),
        base_url: "https://shop.example".to_owned(),
        customer: None,
        created_at: now(fake),
        prepared_at: now(fake),
        outcome: None,
    }
}

fn setup(fake: &FakeStripe, customer: Option<&str>) -> CheckoutRequest {
    CheckoutRequest {
        purpose: Purpose::Setup { currency: "EUR".parse().expect("a currency") },
        customer: customer.map(|token| Token::new(token.to_owned())),
        ..request(fake, 1, "EUR")
    }
}

#[track_caller]
fn page(opened: Opened) -> Page {
    let Opened::Redirect(page) = opened else { panic!("{opened:?}") };
    page
}

#[test]
fn a_session_is_one_for_its_key_and_names_what_is_paid() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    let asked = request(&fake, 4_990, "EUR");
    let opened = page(gateway.checkout(&asked));
    assert_eq!(page(gateway.checkout(&asked)), opened);
    assert_eq!(fake.sessions().len(), 1);
    assert!(opened.url.starts_with("https://checkout.stripe.com/"), "{opened:?}");
    assert_eq!(opened.expires_at, Some(now(&fake) + TimeDelta::hours(24)));
    let sent = parameters(&fake.requests()[0].body);
    let said = |name: &str| sent.get(name).map(String::as_str);
    assert_eq!(said("mode"), Some("payment"));
    assert_eq!((said("success_url"), said("cancel_url")), (Some(URL), Some(URL)));
    assert_eq!(said("client_reference_id"), Some(asked.idempotency_key.as_str()));
    assert_eq!(said("line_items[0][price_data][unit_amount]"), Some("4990"));
    assert_eq!(said("payment_intent_data[metadata][tenant]"), Some("société & fils"));
    assert_eq!(fake.requests()[0].headers["idempotency-key"], asked.idempotency_key);
    // Currencies as a charge says them.
    for (minor, currency, units) in
        [(15_000, "XOF", 15_000), (5_120, "KWD", 5_120), (5, "UGX", 500)]
    {
        page(gateway.checkout(&request(&fake, minor, currency)));
        let last = fake.sessions().pop().expect("a session");
        assert_eq!(last["amount_total"], json!(units), "{currency}");
    }
    // The customer that Stripe knows.
    let known = CheckoutRequest {
        customer: Some(Token::new("cus_7:pm_1".to_owned())),
        ..request(&fake, 4_990, "EUR")
    };
    page(gateway.checkout(&known));
    assert_eq!(fake.sessions().pop().expect("a session")["customer"], "cus_7");
}

#[test]
fn what_became_of_it_is_what_the_session_says() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    let begin = || {
        let asked = request(&fake, 4_990, "EUR");
        let opened = page(gateway.checkout(&asked));
        (asked, opened.reference)
    };
    let status = |(asked, reference): &(CheckoutRequest, String)| {
        gateway.checkout_status(asked, Some(reference), now(&fake))
    };
    let one = begin();
    assert_eq!(status(&one), Became::Open { reference: Some(one.1.clone()) });
    fake.goes_through(&one.1, "card", "paid");
    let Became::Paid { reference: Some(intent), method } = status(&one) else {
        panic!("{:?}", status(&one))
    };
    assert_eq!((method, intent.starts_with("pi_")), (PaymentMethodKind::Card, true));
    // It cannot be ended any more, and asking says why.
    let ended = gateway.expire_checkout(&one.0, &one.1, now(&fake));
    assert!(matches!(ended, Became::Unknown { .. }), "{ended:?}");

    // What was paid there is given back as a charge is.
    let refund = RefundRequest {
        idempotency_key: format!("{}-refund", one.0.idempotency_key),
        amount: Money::from_minor(1_000, "EUR".parse().expect("a currency")),
        invoice: "INV-2026-000001".to_owned(),
        tenant: "acme".to_owned(),
        charge: intent,
        credit_note: None,
        created_at: now(&fake),
        prepared_at: now(&fake),
    };
    assert!(matches!(gateway.refund(&refund), Answer::Succeeded { .. }));

    // A debit takes days, and may fail.
    let debit = begin();
    fake.goes_through(&debit.1, "sepa_debit", "unpaid");
    assert_eq!(status(&debit), Became::OnItsWay { reference: Some(debit.1.clone()) });
    fake.debit_fails(&debit.1);
    let Became::Failed { code, .. } = status(&debit) else { panic!("{:?}", status(&debit)) };
    assert_eq!(code, "insufficient_funds");

    // One is ended, one is left alone.
    let ended = begin();
    assert_eq!(gateway.expire_checkout(&ended.0, &ended.1, now(&fake)), Became::Expired);
    assert_eq!(status(&ended), Became::Expired);
    let left = begin();
    fake.advance(TimeDelta::hours(24));
    assert_eq!(status(&left), Became::Expired);
    // Another amount or key is another checkout.
    let other =
        (CheckoutRequest { idempotency_key: "other".to_owned(), ..left.0.clone() }, left.1.clone());
    assert!(matches!(status(&other), Became::Unknown { .. }));
}

#[test]
fn a_setup_gives_a_token_that_is_charged_later() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    for (customer, expected) in [(None, "cus_new"), (Some("cus_7:pm_1"), "cus_7")] {
        let asked = setup(&fake, customer);
        let opened = page(gateway.checkout(&asked));
        fake.goes_through(&opened.reference, "card", "no_payment_required");
        let became = gateway.checkout_status(&asked, Some(&opened.reference), now(&fake));
        let Became::SetUp(NewMethod { kind, token, label }) = became else { panic!("{became:?}") };
        assert!(token.reveal().starts_with(&format!("{expected}:pm_")), "{expected}");
        assert_eq!((kind, label.as_deref()), (PaymentMethodKind::Card, Some("visa …4242")));
    }
}

#[test]
fn a_customer_whom_stripe_does_not_know_any_more_pays_all_the_same() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    let gone = || Some(Token::new("cus_missing_1:pm_1".to_owned()));
    let asked = CheckoutRequest { customer: gone(), ..request(&fake, 4_990, "EUR") };
    let opened = page(gateway.checkout(&asked));
    assert_eq!(page(gateway.checkout(&asked)), opened);
    let found = gateway.checkout_status(&asked, None, now(&fake));
    assert_eq!(found, Became::Open { reference: Some(opened.reference) });
    let asked = CheckoutRequest { customer: gone(), ..setup(&fake, None) };
    page(gateway.checkout(&asked));
    let sessions = fake.sessions();
    assert_eq!((sessions.len(), &sessions[1]["customer_creation"]), (2, &json!("always")));
}

#[test]
fn whatever_happens_to_a_request_the_key_leads_to_the_session() {
    for fault in [Fault::DropBefore, Fault::DropAfter, Fault::HalfAnswer, Fault::NoJson] {
        let fake = FakeStripe::start();
        let gateway = gateway(&fake);
        let asked = request(&fake, 4_990, "EUR");
        let done = !matches!(fault, Fault::DropBefore);
        fake.next_session(fault.clone());
        let opened = gateway.checkout(&asked);
        assert!(matches!(opened, Opened::Unknown { .. }), "{fault:?}: {opened:?}");
        // A run looks for it; a customer who clicks again sends the key again.
        // The connection may still be the broken one.
        let look = || {
            let again = || gateway.checkout_status(&asked, None, now(&fake));
            let mut tries = std::iter::repeat_with(again).take(3);
            tries.find(|found| !matches!(found, Became::Unknown { .. })).expect("an answer")
        };
        let found = look();
        match done {
            true => assert!(matches!(found, Became::Open { reference: Some(_) }), "{found:?}"),
            false => assert_eq!(found, Became::NotFound),
        }
        let opened = page(gateway.checkout(&asked));
        assert_eq!(fake.sessions().len(), 1, "{fault:?}");
        fake.goes_through(&opened.reference, "card", "paid");
        let paid = look();
        assert!(matches!(paid, Became::Paid { .. }), "{paid:?}");
        fake.never_twice();
    }
}

#[test]
fn what_stripe_refuses_is_refused_in_its_words() {
    let fake = FakeStripe::start();
    let opened = gateway(&fake).checkout(&request(&fake, 10, "EUR"));
    let Opened::Refused { code, message } = opened else { panic!("{opened:?}") };
    assert_eq!(code, "amount_too_small");
    assert!(message.is_some_and(|words| words.contains("at least")));
    let opened = gateway(&fake).checkout(&request(&fake, 550, "KWD"));
    assert!(matches!(opened, Opened::Redirect(_)), "{opened:?}");
    let opened = gateway(&fake).checkout(&request(&fake, 5_124, "KWD"));
    assert!(matches!(opened, Opened::Refused { .. }), "{opened:?}");
    // With no more time than a customer waits.
    let hurried = gateway(&fake).within(Duration::from_millis(300));
    fake.next_session(Fault::LateAnswer(Duration::from_secs(5)));
    let opened = hurried.checkout(&request(&fake, 4_990, "EUR"));
    assert!(matches!(opened, Opened::Unknown { .. }), "{opened:?}");
}
