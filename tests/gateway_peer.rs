//! The gateway of the crash trials does what it says: its chances are the same each time, its books
//! are whole, and an honest caller comes to the same as they do.
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use billing::domain::charge::{Answer, ChargeRequest, Token};
use billing::domain::gateway_refund::{Change, Done, RefundRequest};
use billing::domain::payment_method::PaymentMethodKind;
use billing::domain::{Currency, Money, PaymentMethodId};
use billing::gateway::Program;
use chrono::DateTime;
use support::ledger::{self, Booked};

fn gateway(folder: &Path, settings: &[&str]) -> Program {
    let command = ledger::command(folder, settings);
    Program {
        command,
        timeout: Duration::from_secs(60),
        pass_env: Vec::new(),
        name: None,
        refunds: true,
    }
}

fn request(invoice: u32, number: u32) -> ChargeRequest {
    ChargeRequest {
        idempotency_key: format!("9b2e-txn{invoice}-{number}"),
        amount: Money::from_minor(i64::from(invoice) * 100, Currency::XOF),
        invoice: format!("INV-2026-{invoice:06}"),
        tenant: "acme".into(),
        method: PaymentMethodId(3),
        kind: PaymentMethodKind::Card,
        token: Token::new("tok_1".into()),
        created_at: DateTime::UNIX_EPOCH,
        prepared_at: DateTime::UNIX_EPOCH,
    }
}

/// Asks until the key came to an end, as the protocol has it: the same key after whatever is not
/// known, and never another one.
fn outcome(program: &Program, request: &ChargeRequest) -> Answer {
    let mut answer = program.charge(request);
    for _ in 0..200 {
        answer = match answer {
            Answer::Succeeded { .. } | Answer::Declined { .. } => return answer,
            Answer::NotFound | Answer::NotSent { .. } => program.charge(request),
            Answer::Pending { reference } => program.status(request, reference.as_deref()),
            Answer::Unknown { .. } => program.status(request, None),
        };
    }
    panic!("{}: no end", request.idempotency_key);
}

/// Charges the invoice, three times at most; the key that succeeded.
fn charge(program: &Program, invoice: u32) -> Option<String> {
    for number in 1..=3 {
        let request = request(invoice, number);
        match outcome(program, &request) {
            Answer::Succeeded { .. } => return Some(request.idempotency_key),
            Answer::Declined { retryable: true, .. } => {}
            _ => return None,
        }
    }
    None
}

/// Charges 80 invoices on four threads; the keys that succeeded.
fn charge_all(program: &Program) -> BTreeSet<String> {
    let of_a_thread = |thread: u32| -> Vec<String> {
        (1..=80).filter(|n| n % 4 == thread).filter_map(|n| charge(program, n)).collect()
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|n| scope.spawn(move || of_a_thread(n))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    })
}

#[test]
fn an_honest_caller_and_the_books_agree_whatever_goes_wrong() {
    let settings = [
        "seed=7",
        "decline=20",
        "decline-hard=10",
        "pending=20",
        "pending-declines=30",
        "asks=2",
        "early-sleep=20",
        "late-sleep=20",
        "sleep-ms=3",
        "abort-before=10",
        "abort-after=10",
        "garbage=10",
        "twice=10",
    ];
    let run = || {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("ledger");
        let known = charge_all(&gateway(&folder, &settings));
        ledger::wait_until_quiet(&folder);
        let mut log = ledger::log(&folder);
        log.sort();
        (known, ledger::books(&folder), log)
    };
    let (known, books, log) = run();
    let succeeded = |books: &BTreeMap<String, Booked>| -> BTreeSet<String> {
        let paid = books.iter().filter(|(_, booked)| booked.outcome == "succeeded");
        paid.map(|(key, _)| key.clone()).collect()
    };
    assert_eq!(succeeded(&books), known);
    let mut paid = BTreeMap::new();
    for booked in books.values().filter(|booked| booked.outcome == "succeeded") {
        *paid.entry(&booked.invoice).or_insert(0) += booked.amount_minor;
    }
    for (invoice, amount) in paid {
        let number: i64 = invoice.rsplit('-').next().expect("a number").parse().expect("digits");
        assert_eq!(amount, number * 100, "{invoice}");
    }
    // Everything that can go wrong did, and every outcome was there.
    let ways: BTreeSet<&str> = log.iter().map(|call| call.way.as_str()).collect();
    let expected = ["abort-after", "abort-before", "answers", "garbage", "twice"];
    assert_eq!(ways, BTreeSet::from(expected));
    let outcomes: BTreeSet<&str> = log.iter().map(|call| call.known.as_str()).collect();
    assert_eq!(outcomes, BTreeSet::from(["-", "declined", "not_found", "pending", "succeeded"]));
    assert_eq!(run(), (known, books, log));
}

#[test]
fn a_late_answer_is_booked_and_found_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = gateway(folder.path(), &["late=100", "late-ms=60000"]);
    // Long enough for it to start and book, wherever the tests run.
    program.timeout = Duration::from_secs(3);
    let request = request(1, 1);
    let late = Answer::Unknown { message: "no answer within 3 s".into() };
    assert_eq!(program.charge(&request), late);
    let paid = Answer::Succeeded { reference: Some("led_9b2e-txn1-1".into()) };
    assert_eq!(gateway(folder.path(), &[]).status(&request, None), paid);
    assert_eq!(gateway(folder.path(), &[]).charge(&request), paid);
    assert_eq!(ledger::books(folder.path()).len(), 1);
}

#[test]
fn another_body_is_a_conflict() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = gateway(folder.path(), &[]);
    let first = request(1, 1);
    assert!(matches!(program.charge(&first), Answer::Succeeded { .. }));
    let other = ChargeRequest { tenant: "other".into(), ..first.clone() };
    let message = "ended with status 65: the key came with another body before".to_owned();
    assert_eq!(program.charge(&other), Answer::Unknown { message });
    let log = ledger::log(folder.path());
    assert_eq!(
        log.iter().map(|call| call.way.as_str()).collect::<Vec<_>>(),
        ["answers", "conflict"]
    );
    // What it does not know is a mistake of the trial, not a chance of 0.
    for wrong in ["garbge=5", "garbage", "garbage=x"] {
        let answer = gateway(folder.path(), &[wrong]).charge(&first);
        let Answer::Unknown { message } = answer else { panic!("{wrong}: {answer:?}") };
        assert!(message.starts_with("ended with status 64"), "{message}");
    }
}

fn refund(charge: &str, number: u32, minor: i64) -> RefundRequest {
    RefundRequest {
        idempotency_key: format!("back-{charge}-{number}"),
        amount: Money::from_minor(minor, Currency::XOF),
        invoice: "INV-2026-000001".into(),
        tenant: "acme".into(),
        charge: charge.into(),
        credit_note: number.is_multiple_of(2).then(|| "CN-2026-000001".into()),
        created_at: DateTime::UNIX_EPOCH,
        prepared_at: DateTime::UNIX_EPOCH,
    }
}

/// Asks until the refund came to an end.
fn refunded(program: &Program, request: &RefundRequest) -> Answer {
    let mut answer = program.refund(request);
    for _ in 0..200 {
        answer = match answer {
            Answer::Succeeded { .. } | Answer::Declined { .. } => return answer,
            Answer::NotFound | Answer::NotSent { .. } => program.refund(request),
            Answer::Pending { reference } => program.refund_status(request, reference.as_deref()),
            Answer::Unknown { .. } => program.refund_status(request, None),
        };
    }
    panic!("{}: no end", request.idempotency_key);
}

/// What is told, as soon as it is told in full.
fn told(program: &Program) -> Vec<Change> {
    let heard = (0..200).find_map(|_| program.changes(DateTime::UNIX_EPOCH).ok());
    heard.expect("changes are told in the end")
}

#[test]
fn whatever_goes_wrong_no_charge_is_given_back_twice_or_above_what_was_taken() {
    let settings = [
        "seed=11",
        "decline=10",
        "refund-decline=10",
        "refund-pending=25",
        "refund-pending-declines=30",
        "outside=40",
        "dispute=20",
        "dispute-lost=50",
        "asks=2",
        "early-sleep=20",
        "late-sleep=20",
        "sleep-ms=3",
        "abort-before=10",
        "abort-after=10",
        "garbage=10",
        "twice=10",
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("ledger");
    let program = gateway(&folder, &settings);
    let charges: Vec<(String, i64)> = (1..=60)
        .filter_map(|invoice| Some((charge(&program, invoice)?, i64::from(invoice) * 100)))
        .map(|(key, minor)| (format!("led_{key}"), minor))
        .collect();
    // Two halves and once more all of it, of four at once; what others do comes in between.
    let of_a_thread = |thread: usize| -> Vec<String> {
        let own = charges.iter().enumerate().filter(|(at, _)| at % 4 == thread);
        let mut back = Vec::new();
        for (at, (charge, minor)) in own {
            for (number, part) in [(1, minor / 2), (2, minor / 2), (3, *minor)] {
                let request = refund(charge, number, part);
                if let Answer::Succeeded { .. } = refunded(&program, &request) {
                    back.push(request.idempotency_key);
                }
            }
            if at % 8 == thread {
                let _ = program.changes(DateTime::UNIX_EPOCH);
            }
        }
        back
    };
    let known: BTreeSet<String> = std::thread::scope(|scope| {
        let of_a_thread = &of_a_thread;
        let threads: Vec<_> = (0..4).map(|n| scope.spawn(move || of_a_thread(n))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    let mut last = told(&program);
    for _ in 0..3 {
        last = told(&program);
    }
    ledger::wait_until_quiet(&folder);
    ledger::never_too_much_back(&folder);
    let books = ledger::refunds(&folder);
    let went = books.iter().filter(|(_, refund)| refund.booked.outcome == "succeeded");
    let (theirs, ours): (Vec<&String>, Vec<&String>) =
        went.map(|(key, _)| key).partition(|key| key.starts_with("out_"));
    assert_eq!(ours.into_iter().cloned().collect::<BTreeSet<_>>(), known);
    assert!(known.len() > 30 && theirs.len() > 10, "{} and {}", known.len(), theirs.len());
    // All that went back is told, ours by the reference that was answered, and each dispute as it
    // came out.
    let mut refunds = BTreeSet::new();
    let mut disputes = BTreeMap::new();
    for change in &last {
        match &change.done {
            Done::Refund { amount, .. } => {
                let key = change.reference.strip_prefix("led_").expect("a reference");
                assert_eq!(books[key].charge, change.charge);
                assert_eq!(books[key].booked.amount_minor, amount.minor());
                assert!(refunds.insert(key.to_owned()), "{key}");
            }
            Done::Dispute { status } => {
                let charge = change.charge.strip_prefix("led_").expect("a reference");
                disputes.insert(charge.to_owned(), status.word().to_owned());
            }
        }
    }
    assert_eq!(refunds, known.into_iter().chain(theirs.into_iter().cloned()).collect());
    assert_eq!(disputes, ledger::disputes(&folder));
    let ends: BTreeSet<&str> = disputes.values().map(String::as_str).collect();
    assert_eq!(ends, BTreeSet::from(["lost", "won"]));
    let log = ledger::log(&folder);
    let operations: BTreeSet<&str> = log.iter().map(|call| call.operation.as_str()).collect();
    let expected = ["changes", "charge", "refund", "refund-status", "status"];
    assert_eq!(operations, BTreeSet::from(expected));
    assert!(!log.iter().any(|call| call.way == "conflict"));
}

#[test]
fn a_refund_that_succeeded_fails_when_it_is_asked_about_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = gateway(folder.path(), &["refund-fails-later=100", "asks=2"]);
    let charge = format!("led_{}", charge(&program, 5).expect("it is paid"));
    let request = refund(&charge, 1, 500);
    let succeeded =
        Answer::Succeeded { reference: Some(format!("led_{}", request.idempotency_key)) };
    assert_eq!(program.refund(&request), succeeded);
    assert_eq!(program.refund_status(&request, None), succeeded);
    let declined = |answer: Answer| {
        let Answer::Declined { code, retryable, .. } = answer else { panic!("{answer:?}") };
        (code, retryable)
    };
    let failed = ("account_closed".to_owned(), false);
    assert_eq!(declined(program.refund_status(&request, None)), failed);
    assert_eq!(declined(program.refund(&request)), failed);
    assert_eq!(program.changes(DateTime::UNIX_EPOCH), Ok(Vec::new()));
    // It may be given back once more, and never above what was taken.
    assert!(matches!(program.refund(&refund(&charge, 2, 500)), Answer::Succeeded { .. }));
    let above = declined(program.refund(&refund(&charge, 3, 1)));
    assert_eq!(above, ("refund_above_charge".to_owned(), false));
    let unknown = declined(program.refund(&refund("led_nothing", 1, 1)));
    assert_eq!(unknown, ("unknown_charge".to_owned(), false));
    ledger::never_too_much_back(folder.path());
}
