//! What the gateway `stripe` gives back, against a Stripe of our own: whatever happens to a request,
//! repeating it as a run does gives back once, and never more than was taken. And what it tells of
//! refunds and disputes that were made at Stripe.
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use billing::domain::charge::{Answer, ChargeRequest, Token};
use billing::domain::gateway_refund::{Change, DisputeStatus, Done, RefundRequest};
use billing::domain::payment_method::PaymentMethodKind;
use billing::domain::{Money, PaymentMethodId};
use billing::gateway::{CHANGES_SPAN, Gateway, Stripe};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use support::fake_stripe::{self, FakeStripe, Fault, SECRET_KEY, parameters};
use support::inside::Random;

const TIMEOUT: Duration = Duration::from_secs(20);

fn gateway(fake: &FakeStripe) -> Gateway {
    Gateway::Stripe(Stripe::new(Token::new(SECRET_KEY.to_owned()), &fake.base_url(), TIMEOUT))
}

fn now(fake: &FakeStripe) -> DateTime<Utc> {
    DateTime::from_timestamp(fake.now(), 0).expect("a time")
}

fn next_number() -> usize {
    static NUMBER: AtomicUsize = AtomicUsize::new(1);
    NUMBER.fetch_add(1, Ordering::SeqCst)
}

/// Charges so much on that method; the reference.
fn charged(fake: &FakeStripe, method: &str, minor: i64, currency: &str) -> String {
    let token = format!("cus_{}:{method}", next_number());
    succeeded(&gateway(fake).charge(&charge(fake, &token, minor, currency))).to_owned()
}

fn charge(fake: &FakeStripe, token: &str, minor: i64, currency: &str) -> ChargeRequest {
    let number = next_number();
    ChargeRequest {
        idempotency_key: format!("5a0c1b7e-txn{number}-1"),
        amount: Money::from_minor(minor, currency.parse().expect("a currency")),
        invoice: format!("INV-2026-{number:06}"),
        tenant: "société-d-exemple & fils".to_owned(),
        method: PaymentMethodId(7),
        kind: PaymentMethodKind::Card,
        token: Token::new(token.to_owned()),
        created_at: now(fake),
        prepared_at: now(fake),
    }
}

/// A refund that nobody asked for yet.
fn of(fake: &FakeStripe, charge: &str, minor: i64, currency: &str) -> RefundRequest {
    RefundRequest {
        idempotency_key: format!("7c1b22d0-txn{}-1", next_number()),
        amount: Money::from_minor(minor, currency.parse().expect("a currency")),
        invoice: "INV-2026-000041".to_owned(),
        tenant: "société-d-exemple & fils".to_owned(),
        charge: charge.to_owned(),
        credit_note: Some("CN-2026-000007".to_owned()),
        created_at: now(fake),
        prepared_at: now(fake),
    }
}

/// A charge of 49.90 on that method, and a refund of all of it.
fn whole(fake: &FakeStripe, method: &str) -> RefundRequest {
    let charge = charged(fake, method, 4_990, "EUR");
    of(fake, &charge, 4_990, "EUR")
}

/// What a run does about a refund, and the runs after it.
fn as_runs_do(fake: &FakeStripe, gateway: &Gateway, request: &RefundRequest) -> Answer {
    let mut answer = gateway.refund(request);
    for _ in 0..8 {
        let reference = match &answer {
            Answer::Succeeded { .. } | Answer::Declined { .. } => return answer,
            Answer::Pending { reference } => reference.clone(),
            Answer::Unknown { .. } | Answer::NotSent { .. } | Answer::NotFound => None,
        };
        fake.revive();
        fake.finish_refunds("succeeded");
        fake.advance(TimeDelta::hours(1));
        answer = gateway.refund_status(request, reference.as_deref());
        let now = now(fake);
        if answer == Answer::NotFound && gateway.remembers_refund(request, now, now) {
            answer = gateway.refund(request);
        }
    }
    answer
}

fn succeeded(answer: &Answer) -> &str {
    match answer {
        Answer::Succeeded { reference: Some(reference) } => reference,
        other => panic!("{other:?}"),
    }
}

fn unknown(answer: &Answer) -> &str {
    match answer {
        Answer::Unknown { message } if !message.is_empty() => message,
        other => panic!("{other:?}"),
    }
}

fn not_sent(answer: &Answer) -> &str {
    match answer {
        Answer::NotSent { message } if !message.is_empty() => message,
        other => panic!("{other:?}"),
    }
}

fn declined(answer: &Answer) -> (&str, bool) {
    match answer {
        Answer::Declined { code, retryable, message: Some(_) } => (code, *retryable),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refund_is_asked_for_in_these_bytes_once_the_charge_was_read() {
    let fake = FakeStripe::start();
    let charge = charged(&fake, "pm_card", 4_990, "EUR");
    let request = RefundRequest {
        idempotency_key: "7c1b22d0-txn42-1".to_owned(),
        ..of(&fake, &charge, 1_000, "EUR")
    };
    let before = fake.requests().len();
    let reference = succeeded(&gateway(&fake).refund(&request)).to_owned();
    let sent = &fake.requests()[before..];
    assert_eq!(sent.len(), 2);
    assert_eq!(
        (sent[0].method.as_str(), sent[0].query.as_str()),
        ("GET", "expand%5B%5D=latest_charge")
    );
    assert_eq!(sent[0].path, format!("/v1/payment_intents/{charge}"));
    assert_eq!((sent[1].method.as_str(), sent[1].path.as_str()), ("POST", "/v1/refunds"));
    assert_eq!(
        sent[1].body,
        format!(
            "payment_intent={charge}&amount=1000&metadata%5Bbilling_key%5D=7c1b22d0-txn42-1\
             &metadata%5Binvoice%5D=INV-2026-000041\
             &metadata%5Btenant%5D=soci%C3%A9t%C3%A9-d-exemple%20%26%20fils\
             &metadata%5Bcredit_note%5D=CN-2026-000007"
        )
    );
    assert_eq!(sent[1].headers["idempotency-key"], "7c1b22d0-txn42-1");
    assert_eq!(fake.refunds()[0]["id"], *reference);
    // Of no credit note: it is not named.
    let without = RefundRequest { credit_note: None, ..of(&fake, &charge, 1_000, "EUR") };
    succeeded(&gateway(&fake).refund(&without));
    let sent = fake.requests().pop().expect("a request");
    assert!(!parameters(&sent.body).contains_key("metadata[credit_note]"));
}

#[test]
fn the_same_refund_is_the_same_bytes_and_goes_out_once() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    let request = whole(&fake, "pm_card");
    assert_eq!(gateway.refund_status(&request, None), Answer::NotFound);
    let first = gateway.refund(&request);
    let reference = succeeded(&first).to_owned();
    // All of the charge is given back by then, and by this key.
    assert_eq!(gateway.refund(&request.clone()), first);
    assert_eq!(gateway.refund_status(&request, None), first);
    assert_eq!(gateway.refund_status(&request, Some(&reference)), first);
    assert_eq!(fake.refunds().len(), 1);
    // A part is sent again in the same bytes, and Stripe answers as it did.
    let part = of(&fake, &charged(&fake, "pm_card", 4_990, "EUR"), 1_000, "EUR");
    assert_eq!(gateway.refund(&part), gateway.refund(&part));
    let bodies: Vec<String> = fake.requests().into_iter().map(|request| request.body).collect();
    let of_part = bodies.iter().filter(|body| body.contains(&part.idempotency_key));
    assert_eq!(of_part.clone().count(), 2);
    assert_eq!(of_part.collect::<std::collections::BTreeSet<_>>().len(), 1);
    assert_eq!(fake.refunds().len(), 2);
    fake.never_too_much_back();
}

#[test]
fn amounts_are_said_in_stripes_units() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    for (minor, currency, units) in
        [(15_000, "XOF", 15_000), (5, "UGX", 500), (125_000, "MGA", 1_250), (5_120, "KWD", 5_120)]
    {
        let charge = charged(&fake, "pm_card", minor, currency);
        let request = of(&fake, &charge, minor, currency);
        let answer = gateway.refund(&request);
        let reference = succeeded(&answer).to_owned();
        let refund = fake.refunds().pop().expect("a refund");
        assert_eq!((&refund["amount"], &refund["id"]), (&json!(units), &json!(reference)));
        assert_eq!(gateway.refund_status(&request, Some(&reference)), answer);
        // And back: what Stripe tells of it is what was asked for.
        let told = gateway.changes(now(&fake)).expect("changes").pop().expect("a change");
        let idempotency_key = Some(request.idempotency_key.clone());
        assert_eq!(told.done, Done::Refund { amount: request.amount, idempotency_key });
    }
}

#[test]
fn what_can_never_have_been_charged_is_declined_without_a_call() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    for charge in ["", "ch_1", "sandbox_1", "pi_", "pi_1/cancel", "pi_1?expand[]=x", "mm_9"] {
        let request = of(&fake, charge, 100, "EUR");
        assert_eq!(declined(&gateway.refund(&request)), ("bad_reference", false), "{charge}");
        assert_eq!(gateway.refund_status(&request, None), Answer::NotFound);
        unknown(&gateway.refund_status(&request, Some("re_1")));
    }
    let request = of(&fake, "pi_1", 5_124, "KWD");
    assert_eq!(declined(&gateway.refund(&request)), ("amount_not_supported", false));
    assert!(fake.requests().is_empty());
}

#[test]
fn a_refund_is_on_its_way_succeeds_fails_or_is_canceled() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    for (end, method) in [
        ("succeeded", "pm_refund_pending"),
        ("canceled", "pm_refund_pending"),
        ("failed", "pm_refund_pending"),
    ] {
        let request = whole(&fake, method);
        let answer = gateway.refund(&request);
        let Answer::Pending { reference: Some(reference) } = &answer else { panic!("{answer:?}") };
        assert_eq!(gateway.refund_status(&request, Some(reference)), answer);
        fake.finish_refunds(end);
        let ended = gateway.refund_status(&request, Some(reference));
        assert_eq!(ended, gateway.refund_status(&request, None), "{end}");
        match end {
            "succeeded" => assert_eq!(succeeded(&ended), reference),
            "canceled" => assert_eq!(declined(&ended), ("canceled", false)),
            _ => assert_eq!(declined(&ended), ("refund_failed", false)),
        }
    }
    let waits = gateway.refund(&whole(&fake, "pm_refund_action"));
    assert!(matches!(waits, Answer::Pending { .. }), "{waits:?}");
    let request = whole(&fake, "pm_refund_fails");
    let answer = gateway.refund(&request);
    assert_eq!(declined(&answer), ("expired_or_canceled_card", false));
    assert_eq!(gateway.refund_status(&request, None), answer);
    // Only the account's own balance may be another later.
    let answer = gateway.refund(&whole(&fake, "pm_refund_broke"));
    assert_eq!(declined(&answer), ("balance_insufficient", true));
}

#[test]
fn a_refund_that_succeeded_may_fail_two_days_later() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    let request = whole(&fake, "pm_refund_later");
    let answer = gateway.refund(&request);
    let reference = succeeded(&answer).to_owned();
    fake.advance(TimeDelta::hours(47));
    assert_eq!(gateway.refund_status(&request, Some(&reference)), answer);
    fake.advance(TimeDelta::hours(1));
    let answer = gateway.refund_status(&request, Some(&reference));
    assert_eq!(declined(&answer), ("lost_or_stolen_card", false));
    // It can be given back otherwise now.
    let again = RefundRequest { idempotency_key: "other-key-1".to_owned(), ..request };
    succeeded(&gateway.refund(&again));
    fake.never_too_much_back();
}

#[test]
fn what_was_given_back_from_the_dashboard_is_not_given_back_again() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    let posts =
        || fake.requests().iter().filter(|r| r.path == "/v1/refunds" && r.method == "POST").count();
    let request = whole(&fake, "pm_card");
    fake.refund_outside(&request.charge, 1_000);
    let answer = gateway.refund(&request);
    assert_eq!(declined(&answer), ("refund_above_charge", false));
    let Answer::Declined { message: Some(message), .. } = answer else { unreachable!() };
    assert_eq!(message, "only 39.90 EUR of the charge is left");
    fake.refund_outside(&request.charge, 3_990);
    assert_eq!(declined(&gateway.refund(&request)), ("charge_already_refunded", false));
    assert_eq!(posts(), 0);
    // What is left can be had.
    let request = whole(&fake, "pm_card");
    fake.refund_outside(&request.charge, 1_000);
    succeeded(&gateway.refund(&of(&fake, &request.charge, 3_990, "EUR")));
    // Made between the look and the request: Stripe refuses by itself.
    let request = whole(&fake, "pm_card");
    let code = Some("charge_already_refunded");
    fake.next_refund(Fault::Answers(400, fake_stripe::error("invalid_request_error", code, "no")));
    assert_eq!(declined(&gateway.refund(&request)), ("charge_already_refunded", false));
    // The charge was made in another currency than the refund is asked in.
    let other = of(&fake, &request.charge, 4_990, "USD");
    assert_eq!(declined(&gateway.refund(&other)), ("other_currency", false));
    fake.never_too_much_back();
}

#[test]
fn what_the_customers_bank_disputes_is_not_given_back() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    for (status, expected) in [
        ("needs_response", Some(true)),
        ("under_review", Some(true)),
        ("lost", Some(false)),
        ("won", None),
        ("warning_needs_response", None),
        ("warning_closed", None),
    ] {
        let request = whole(&fake, "pm_card");
        fake.dispute(&request.charge, status);
        let answer = gateway.refund(&request);
        match expected {
            Some(retryable) => {
                assert_eq!(declined(&answer), ("charge_disputed", retryable), "{status}");
            }
            None => drop(succeeded(&answer).to_owned()),
        }
    }
    let request = whole(&fake, "pm_card");
    fake.dispute(&request.charge, "new_word");
    assert!(not_sent(&gateway.refund(&request)).contains("new_word"));
}

/// Nothing was sent while the charge could not be read.
#[test]
fn a_charge_that_cannot_be_read_is_not_given_back() {
    let fake = FakeStripe::start();
    let request = whole(&fake, "pm_card");
    let invalid = "invalid_request_error";
    for fault in [
        Fault::DropBefore,
        Fault::HalfAnswer,
        Fault::NoJson,
        Fault::Answers(200, json!({"object": "list"})),
        Fault::Answers(200, json!({"object": "payment_intent", "latest_charge": "ch_1"})),
        Fault::Answers(401, fake_stripe::error(invalid, None, "Invalid API Key")),
        Fault::Answers(403, fake_stripe::error(invalid, None, "not the permissions")),
        Fault::Answers(429, fake_stripe::error(invalid, None, "Too many requests")),
        Fault::Answers(500, fake_stripe::error("api_error", None, "An error")),
    ] {
        let before = fake.requests().len();
        fake.next_read(fault);
        // With connections of its own: one that a fault has closed may be noticed too late.
        not_sent(&self::gateway(&fake).refund(&request));
        assert_eq!(fake.requests().len(), before + 1);
    }
    let gateway = gateway(&fake);
    let elsewhere = of(&fake, "pi_missing", 100, "EUR");
    assert!(not_sent(&gateway.refund(&elsewhere)).contains("404"));
    // Nor while nobody can say whether this key gave it back already.
    fake.refund_outside(&request.charge, 4_990);
    fake.next_read(Fault::None);
    fake.next_read(Fault::DropBefore);
    unknown(&gateway.refund(&request));
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
    let url = format!("http://{}", port.expect("a port"));
    let nobody = Stripe::new(Token::new(SECRET_KEY.to_owned()), &url, TIMEOUT);
    let nobody = Gateway::Stripe(nobody);
    not_sent(&nobody.refund(&request));
    unknown(&nobody.refund_status(&request, None));
    assert!(nobody.changes(now(&fake)).is_err());
}

#[test]
fn what_says_nothing_of_the_refund_leaves_it_unknown() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    let invalid = "invalid_request_error";
    for (status, kind, code) in [
        (400, "idempotency_error", None),
        (400, invalid, Some("testmode_charges_only")),
        (404, invalid, None),
        (401, invalid, None),
        (403, invalid, None),
        (409, invalid, Some("idempotency_key_in_use")),
        (429, invalid, Some("lock_timeout")),
        (500, "api_error", None),
        (302, "api_error", None),
        (200, "", None),
    ] {
        let body = match kind {
            "" => json!({"object": "refund", "id": "re_1", "status": "succeeded"}),
            _ => fake_stripe::error(kind, code, "sk_test_abc says: no 'cus_Secret'"),
        };
        fake.next_refund(Fault::Answers(status, body));
        let request = whole(&fake, "pm_card");
        let answer = gateway.refund(&request);
        let turned_away = [401, 429].contains(&status);
        let says = if turned_away { not_sent(&answer) } else { unknown(&answer) };
        assert!(says.contains(&status.to_string()), "{status}: {says}");
        assert!(!says.contains("abc") && !says.contains("Secret"), "{says}");
        succeeded(&as_runs_do(&fake, &gateway, &request));
    }
    for code in [None, Some("resource_missing")] {
        fake.next_refund(Fault::Answers(404, fake_stripe::error(invalid, Some("x"), "no")));
        let answer = gateway.refund(&whole(&fake, "pm_card"));
        assert_eq!(declined(&answer), ("x", false), "{code:?}");
    }
    fake.never_too_much_back();
}

#[test]
fn whatever_happens_to_a_request_repeating_it_gives_back_once() {
    let faults = [
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::HalfAnswer,
        Fault::NoHttp,
        Fault::NoJson,
        Fault::DoneThen500,
        Fault::Dies { done: true },
        Fault::Dies { done: false },
        Fault::Answers(429, fake_stripe::error("invalid_request_error", None, "too many")),
    ];
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    for first in &faults {
        for more in [vec![], vec![first.clone()], vec![Fault::DropAfter, Fault::NoJson]] {
            let request = whole(&fake, "pm_card");
            fake.next_refund(first.clone());
            more.iter().for_each(|fault| fake.next_refund(fault.clone()));
            let answer = gateway.refund(&request);
            assert!(
                matches!(answer, Answer::Unknown { .. } | Answer::NotSent { .. }),
                "{answer:?}"
            );
            fake.revive();
            more.iter().for_each(|fault| fake.next_read(fault.clone()));
            let answer = as_runs_do(&fake, &gateway, &request);
            let reference = succeeded(&answer).to_owned();
            assert_eq!(gateway.refund_status(&request, Some(&reference)), answer);
            let back: Vec<Value> = fake.refunds();
            let ours = back.iter().filter(|r| r["payment_intent"] == *request.charge);
            assert_eq!(ours.count(), 1, "{first:?} {more:?}");
        }
    }
    fake.never_too_much_back();
}

/// Faults at random, at requests and questions alike, while others give back from the dashboard.
#[test]
fn no_row_of_faults_gives_back_too_much_or_lies() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    let mut random = Random::seeded();
    let (mut back, mut refused, mut open) = (0, 0, 0);
    for number in 0..300 {
        let methods = ["pm_card", "pm_refund_pending", "pm_refund_fails", "pm_card"];
        let request = whole(&fake, methods[number % 4]);
        if random.below(5) == 0 {
            fake.refund_outside(
                &request.charge,
                1 + i64::try_from(random.below(4_990)).expect("small"),
            );
        }
        for _ in 0..4 {
            let mut fault = || match random.below(14) {
                0 => Fault::DropBefore,
                1 => Fault::DropAfter,
                2 => Fault::HalfAnswer,
                3 => Fault::NoJson,
                4 => Fault::Dies { done: true },
                5 => Fault::Dies { done: false },
                6 => Fault::DoneThen500,
                7 => Fault::Fail500,
                _ => Fault::None,
            };
            fake.next_refund(fault());
            fake.next_read(fault());
        }
        let answer = as_runs_do(&fake, &gateway, &request);
        let ours = |refund: &&Value| {
            refund["metadata"]["billing_key"] == *request.idempotency_key
                && refund["status"] == "succeeded"
        };
        let times = fake.refunds().iter().filter(ours).count();
        match answer {
            Answer::Succeeded { .. } => {
                assert_eq!(times, 1);
                back += 1;
            }
            Answer::Declined { .. } => {
                assert_eq!(times, 0);
                refused += 1;
            }
            _ => open += 1,
        }
        fake.revive();
    }
    fake.never_too_much_back();
    assert!(back > 60 && refused > 60, "{back} given back, {refused} refused, {open} open");
}

#[test]
fn one_key_from_many_threads_gives_back_once() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    let one = of(&fake, &charged(&fake, "pm_card", 49_900, "EUR"), 1_000, "EUR");
    let by = Duration::from_millis(300);
    fake.next_refund(Fault::LateBooking { by, seen: false });
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| match gateway.refund(&one) {
                Answer::Succeeded { .. } => {}
                other => assert!(unknown(&other).contains("409"), "{other:?}"),
            });
        }
    });
    succeeded(&gateway.refund_status(&one, None));
    assert_eq!(fake.refunds().len(), 1);
}

#[test]
fn a_refund_of_another_charge_amount_or_key_is_not_taken_for_it() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    let charge = charged(&fake, "pm_card", 4_990, "EUR");
    let request = of(&fake, &charge, 1_000, "EUR");
    let reference = succeeded(&gateway.refund(&request)).to_owned();
    let key = request.idempotency_key.as_str();
    let amount =
        RefundRequest { idempotency_key: key.to_owned(), ..of(&fake, &charge, 999, "EUR") };
    let other = charged(&fake, "pm_card", 4_990, "EUR");
    let charge_of = RefundRequest { charge: other, ..request.clone() };
    for wrong in [&amount, &charge_of] {
        unknown(&gateway.refund_status(wrong, Some(&reference)));
        assert!(unknown(&gateway.refund(wrong)).contains("400"));
    }
    let key = of(&fake, &charge, 1_000, "EUR");
    assert!(unknown(&gateway.refund_status(&key, Some(&reference))).contains("another key"));
    assert_eq!(gateway.refund_status(&key, None), Answer::NotFound);
    // One from the dashboard has no key, and is asked after by its name.
    let outside = fake.refund_outside(&charge, 1_000);
    assert_eq!(succeeded(&gateway.refund_status(&key, Some(&outside))), outside);
    assert_eq!(gateway.refund_status(&key, None), Answer::NotFound);
    for reference in ["re_missing", "pi_1", "re_1/cancel", "re_", ""] {
        unknown(&gateway.refund_status(&request, Some(reference)));
    }
    // Not from a card.
    let mut debit = fake.refunds().remove(0);
    debit["id"] = json!("pyr_1");
    fake.insert_refund(debit);
    assert_eq!(succeeded(&gateway.refund_status(&request, Some("pyr_1"))), "pyr_1");
}

#[test]
fn what_was_done_at_stripe_is_told_oldest_first_and_as_it_stands() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    let since = now(&fake);
    assert_eq!(gateway.changes(since), Ok(Vec::new()));
    let (first, second) =
        (charged(&fake, "pm_card", 4_990, "EUR"), charged(&fake, "pm_card", 15_000, "XOF"));
    fake.advance(TimeDelta::hours(1));
    let dispute = fake.dispute(&first, "needs_response");
    let disputed_at = now(&fake);
    fake.advance(TimeDelta::hours(1));
    let outside = fake.refund_outside(&second, 5_000);
    let refunded_at = now(&fake);
    fake.advance(TimeDelta::hours(1));
    let ours = of(&fake, &second, 10_000, "XOF");
    let reference = succeeded(&gateway.refund(&ours)).to_owned();
    let of_dispute = |status| Change {
        reference: dispute.clone(),
        charge: first.clone(),
        at: disputed_at,
        done: Done::Dispute { status },
    };
    let xof = |minor| Money::from_minor(minor, "XOF".parse().expect("a currency"));
    let of_refund = |reference: &str, at, minor, key: Option<&str>| Change {
        reference: reference.to_owned(),
        charge: second.clone(),
        at,
        done: Done::Refund { amount: xof(minor), idempotency_key: key.map(str::to_owned) },
    };
    let theirs = of_refund(&outside, refunded_at, 5_000, None);
    // With its key: it is no news to who asked for it.
    let ours = of_refund(&reference, now(&fake), 10_000, Some(&ours.idempotency_key));
    let open = of_dispute(DisputeStatus::Open);
    assert_eq!(gateway.changes(since), Ok(vec![open.clone(), theirs.clone(), ours.clone()]));
    // The same each time, as it stands.
    assert_eq!(gateway.changes(since), Ok(vec![open, theirs.clone(), ours.clone()]));
    for (word, status) in [
        ("under_review", DisputeStatus::Open),
        ("lost", DisputeStatus::Lost),
        ("won", DisputeStatus::Won),
        ("warning_needs_response", DisputeStatus::Open),
        ("warning_under_review", DisputeStatus::Open),
        ("warning_closed", DisputeStatus::Won),
        ("prevented", DisputeStatus::Won),
    ] {
        fake.decide(&dispute, word);
        let told = gateway.changes(since).expect("changes");
        assert_eq!(told, [of_dispute(status), theirs.clone(), ours.clone()], "{word}");
    }
    assert_eq!(gateway.changes(refunded_at), Ok(vec![theirs, ours]));
    fake.decide(&dispute, "new_word");
    assert!(gateway.changes(since).expect_err("a new word").contains("new_word"));
}

/// What says nothing of billing's charges, and what gave nothing back.
#[test]
fn what_is_no_matter_of_billings_is_not_told() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    let since = now(&fake) - CHANGES_SPAN;
    let charge = charged(&fake, "pm_refund_pending", 4_990, "EUR");
    let request = of(&fake, &charge, 4_990, "EUR");
    let pending = gateway.refund(&request);
    assert!(matches!(pending, Answer::Pending { .. }), "{pending:?}");
    let refund = fake.refunds().remove(0);
    for (field, value) in [
        ("payment_intent", Value::Null),
        ("status", Value::Null),
        ("status", json!("failed")),
        ("status", json!("canceled")),
        ("currency", json!("iqd")),
        ("created", json!(fake.now() - 181 * 24 * 3600)),
    ] {
        let mut other = refund.clone();
        other["status"] = json!("succeeded");
        other["id"] = json!(format!("re_other{}", next_number()));
        other[field] = value;
        fake.insert_refund(other);
    }
    assert_eq!(gateway.changes(since), Ok(Vec::new()));
    fake.finish_refunds("succeeded");
    assert_eq!(gateway.changes(since).expect("changes").len(), 1);
}

#[test]
fn every_page_is_read_and_one_that_fails_is_no_end() {
    let fake = FakeStripe::start();
    let gateway = gateway(&fake);
    let since = now(&fake);
    let charge = charged(&fake, "pm_card", 100_000, "EUR");
    for _ in 0..230 {
        fake.refund_outside(&charge, 100);
    }
    let before = fake.requests().len();
    assert_eq!(gateway.changes(since).expect("changes").len(), 230);
    let asked = &fake.requests()[before..];
    let paths: Vec<&str> = asked.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["/v1/refunds", "/v1/refunds", "/v1/refunds", "/v1/disputes"]);
    let query = parameters(&asked[2].query);
    assert_eq!(query["created[gte]"], since.timestamp().to_string());
    assert!(query["starting_after"].starts_with("re_") && query["limit"] == "100");
    // A key is looked for on each of them.
    let request = of(&fake, &charge, 100, "EUR");
    assert_eq!(gateway.refund_status(&request, None), Answer::NotFound);
    let list = |data: Value, more: Value| json!({"object": "list", "data": data, "has_more": more});
    for fault in [
        Fault::DropBefore,
        Fault::HalfAnswer,
        Fault::NoJson,
        Fault::Answers(500, fake_stripe::error("api_error", None, "An error")),
        Fault::Answers(403, fake_stripe::error("invalid_request_error", None, "no rights")),
        Fault::Answers(200, json!({"data": []})),
        Fault::Answers(200, list(json!("none"), json!(false))),
        Fault::Answers(200, list(json!([{"object": "charge", "id": "ch_1"}]), json!(false))),
        Fault::Answers(200, list(json!([]), json!(true))),
    ] {
        for good in 0..4 {
            (0..good).for_each(|_| fake.next_read(Fault::None));
            fake.next_read(fault.clone());
            // With connections of its own: one that a fault has closed may be noticed too late.
            let told = self::gateway(&fake).changes(since);
            assert!(told.is_err(), "{fault:?} after {good}: {told:?}");
        }
        fake.next_read(Fault::None);
        fake.next_read(fault);
        unknown(&self::gateway(&fake).refund_status(&request, None));
    }
}

/// The shapes of requests and answers, against another program's idea of Stripe. It is started,
/// with a customer and a card in it, by tests/peers/stripe.py.
#[test]
#[ignore = "tests/peers/stripe.py starts what it talks to"]
fn localstripe() {
    let given = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let (key, url) = (Token::new(SECRET_KEY.to_owned()), given("LOCALSTRIPE_URL"));
    let gateway = Gateway::Stripe(Stripe::new(key, &url, TIMEOUT));
    // For its clock, which is the machine's.
    let fake = FakeStripe::start();
    let since = now(&fake) - CHANGES_SPAN;
    let mut expected = Vec::new();
    for (minor, part, currency) in
        [(4_990, 1_000, "EUR"), (15_000, 5_000, "XOF"), (5, 2, "UGX"), (125_000, 25_000, "MGA")]
    {
        let request = charge(&fake, &given("LOCALSTRIPE_VISA"), minor, currency);
        let charge = succeeded(&gateway.charge(&request)).to_owned();
        let above = of(&fake, &charge, minor * 2, currency);
        assert_eq!(declined(&gateway.refund(&above)), ("refund_above_charge", false));
        for part in [part, minor - part] {
            let request = of(&fake, &charge, part, currency);
            assert_eq!(gateway.refund_status(&request, None), Answer::NotFound);
            let answer = gateway.refund(&request);
            let reference = succeeded(&answer).to_owned();
            assert_eq!(gateway.refund_status(&request, Some(&reference)), answer);
            assert_eq!(gateway.refund_status(&request, None), answer);
            let idempotency_key = Some(request.idempotency_key);
            let done = Done::Refund { amount: request.amount, idempotency_key };
            expected.push((reference, charge.clone(), done));
        }
        let again = of(&fake, &charge, part, currency);
        assert_eq!(declined(&gateway.refund(&again)), ("charge_already_refunded", false));
    }
    let elsewhere = of(&fake, "pi_nothing", 100, "EUR");
    assert!(not_sent(&gateway.refund(&elsewhere)).contains("404"));
    let told = gateway.changes(since).expect("changes").into_iter();
    let mut told: Vec<_> =
        told.map(|change| (change.reference, change.charge, change.done)).collect();
    told.sort_by(|one, other| one.0.cmp(&other.0));
    expected.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(told, expected);
}
