//! The programs of examples/gateways/, run as billing runs them. Where there is no Python 3, the
//! tests say so and do nothing.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use billing::domain::charge::{Answer, ChargeRequest, Token};
use billing::domain::checkout::{Became, CheckoutRequest, Opened, Purpose};
use billing::domain::gateway_refund::{Change, DisputeStatus, Done, RefundRequest};
use billing::domain::payment_method::PaymentMethodKind;
use billing::domain::{Currency, Money, PaymentMethodId};
use billing::gateway::Program;
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Connection;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/gateways/mobile_money.py");

/// The program with a folder of its own.
struct MobileMoney {
    folder: tempfile::TempDir,
    program: Program,
}

impl MobileMoney {
    /// `None` where it cannot be run here, which is said even where a test's output is kept back.
    fn new() -> Option<MobileMoney> {
        let python = Command::new("python3").arg("--version").stdout(Stdio::null()).status();
        if !python.is_ok_and(|status| status.success()) {
            let _ = writeln!(std::io::stderr(), "no python3: mobile_money.py is not tested here");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state");
        let command = vec![SCRIPT.to_owned(), state.to_str().expect("text").to_owned()];
        let timeout = Duration::from_secs(120);
        let program = Program { command, timeout, pass_env: Vec::new(), name: None, refunds: true };
        program.check().expect("it is executable");
        Some(MobileMoney { folder, program })
    }

    fn charge(&self, key: &str, account: &str) -> Answer {
        self.program.charge(&request(key, account))
    }

    fn status(&self, key: &str, account: &str) -> Answer {
        self.program.status(&request(key, account), None)
    }

    /// Charges the account, and waits until it has paid; the reference.
    fn paid(&self, key: &str, account: &str) -> String {
        assert!(matches!(self.charge(key, account), Answer::Pending { .. }));
        match self.status(key, account) {
            Answer::Succeeded { reference: Some(reference) } => reference,
            other => panic!("{other:?}"),
        }
    }

    /// Changes what the program wrote.
    fn edit(&self, file: &str, sql: &str) {
        let path = self.folder.path().join("state").join(file);
        let changed = Connection::open(path).and_then(|db| db.execute(sql, ()));
        assert_eq!(changed.expect(sql), 1, "{sql}");
    }

    /// The requests that the provider has.
    fn asked_of_provider(&self) -> i64 {
        let path = self.folder.path().join("state/made-up-provider.sqlite");
        let db = Connection::open(path).expect("the provider's file");
        db.query_row("SELECT count(*) FROM requests", (), |row| row.get(0)).expect("a count")
    }
}

fn request(key: &str, account: &str) -> ChargeRequest {
    ChargeRequest {
        idempotency_key: key.into(),
        amount: Money::from_minor(15_000, Currency::XOF),
        invoice: "INV-2026-000001".into(),
        tenant: "acme".into(),
        method: PaymentMethodId(3),
        kind: PaymentMethodKind::MobileMoney,
        token: Token::new(account.into()),
        created_at: Utc::now(),
        prepared_at: Utc::now(),
    }
}

const PAYS: &str = "+221770000001";
const POOR: &str = "+221770000000";
const REFUSES: &str = "+221 77 000 88 88";
const CLOSED: &str = "221770009999";

#[track_caller]
fn declined(answer: Answer) -> (String, bool) {
    let Answer::Declined { code, message, retryable } = answer else { panic!("{answer:?}") };
    assert!(message.is_some_and(|message| message.contains(' ')), "{code}");
    (code, retryable)
}

#[track_caller]
fn unknown(answer: Answer) -> String {
    let Answer::Unknown { message } = answer else { panic!("{answer:?}") };
    message
}

#[test]
fn a_charge_is_pending_first_and_then_what_the_customer_says() {
    let Some(mobile) = MobileMoney::new() else { return };
    assert_eq!(mobile.status("k-1", PAYS), Answer::NotFound);
    let Answer::Pending { reference } = mobile.charge("k-1", PAYS) else { panic!() };
    assert!(reference.is_some());
    // Asked again it says the same, and asks nobody for money again.
    assert_eq!(mobile.charge("k-1", PAYS), Answer::Pending { reference: reference.clone() });
    let asked = mobile.program.status(&request("k-1", PAYS), reference.as_deref());
    assert_eq!(asked, Answer::Succeeded { reference: reference.clone() });
    assert_eq!(mobile.charge("k-1", PAYS), Answer::Succeeded { reference: reference.clone() });
    assert_eq!(mobile.status("k-1", PAYS), Answer::Succeeded { reference });
    assert_eq!(mobile.asked_of_provider(), 1);
    assert!(matches!(mobile.charge("k-2", REFUSES), Answer::Pending { .. }));
    assert_eq!(declined(mobile.status("k-2", REFUSES)), ("refused_by_customer".into(), true));
    assert_eq!(declined(mobile.charge("k-2", REFUSES)), ("refused_by_customer".into(), true));
}

#[test]
fn declines_say_whether_another_try_may_do() {
    let Some(mobile) = MobileMoney::new() else { return };
    assert_eq!(declined(mobile.charge("k-1", POOR)), ("insufficient_funds".into(), true));
    assert_eq!(declined(mobile.status("k-1", POOR)), ("insufficient_funds".into(), true));
    assert_eq!(declined(mobile.charge("k-2", CLOSED)), ("account_closed".into(), false));
    assert_eq!(declined(mobile.charge("k-3", "tok_ok")), ("not_an_account".into(), false));
    let card = ChargeRequest { kind: PaymentMethodKind::Card, ..request("k-4", PAYS) };
    assert_eq!(declined(mobile.program.charge(&card)), ("unsupported_method".into(), false));
    let eur = Money::from_minor(1_050, "EUR".parse().expect("a currency"));
    let eur = ChargeRequest { amount: eur, ..request("k-5", PAYS) };
    assert_eq!(declined(mobile.program.charge(&eur)), ("unsupported_currency".into(), false));
    let cedi = Money::from_minor(1_050, "GHS".parse().expect("a currency"));
    let cedi = ChargeRequest { amount: cedi, ..request("k-6", PAYS) };
    assert!(matches!(mobile.program.charge(&cedi), Answer::Pending { .. }));
}

#[test]
fn a_key_is_never_used_for_two_charges() {
    let Some(mobile) = MobileMoney::new() else { return };
    assert!(matches!(mobile.charge("k-1", PAYS), Answer::Pending { .. }));
    let expected = "ended with status 65: the key was used for another charge or refund before";
    let amount = Money::from_minor(15_001, Currency::XOF);
    let other = ChargeRequest { amount, ..request("k-1", PAYS) };
    assert_eq!(unknown(mobile.program.charge(&other)), expected);
    assert_eq!(unknown(mobile.program.status(&other, None)), expected);
    assert_eq!(unknown(mobile.charge("k-1", CLOSED)), expected);
}

/// The program was killed between its two writes, before or after the provider heard of it.
#[test]
fn a_run_that_was_cut_off_charges_once() {
    let Some(mobile) = MobileMoney::new() else { return };
    let cut_off = "UPDATE charges SET status = 'sent', reference = NULL, code = NULL";
    let first = mobile.charge("k-1", PAYS);
    assert!(matches!(first, Answer::Pending { .. }));
    mobile.edit("ledger.sqlite", cut_off);
    assert_eq!(mobile.charge("k-1", PAYS), first);
    mobile.edit("ledger.sqlite", cut_off);
    assert_eq!(mobile.status("k-1", PAYS), first);
    // It was never asked: that is no decline, and the charge goes out after all.
    mobile.edit("ledger.sqlite", cut_off);
    mobile.edit("made-up-provider.sqlite", "DELETE FROM requests");
    assert_eq!(mobile.status("k-1", PAYS), Answer::NotFound);
    assert_eq!(mobile.charge("k-1", PAYS), first);
    assert_eq!(mobile.asked_of_provider(), 1);
}

#[test]
fn keys_are_remembered_for_30_days_and_for_ever_while_they_are_open() {
    let Some(mobile) = MobileMoney::new() else { return };
    assert!(matches!(mobile.charge("open", PAYS), Answer::Pending { .. }));
    declined(mobile.charge("over", POOR));
    let age = |key: &str, days| {
        let at = (Utc::now() - TimeDelta::days(days)).to_rfc3339();
        let sql = format!("UPDATE charges SET created_at = '{at}' WHERE key = '{key}'");
        mobile.edit("ledger.sqlite", &sql);
    };
    age("open", 29);
    age("over", 29);
    // Each run forgets at its end, so the second one tells.
    for _ in 0..2 {
        declined(mobile.status("over", POOR));
    }
    age("open", 31);
    age("over", 31);
    declined(mobile.status("over", POOR));
    assert_eq!(mobile.status("over", POOR), Answer::NotFound);
    assert!(matches!(mobile.status("open", PAYS), Answer::Succeeded { .. }));
}

#[test]
fn many_at_once_charge_each_key_once() {
    let Some(mobile) = MobileMoney::new() else { return };
    std::thread::scope(|scope| {
        for thread in 0..12 {
            let mobile = &mobile;
            scope.spawn(move || {
                let answer = mobile.charge(&format!("k-{}", thread % 4), PAYS);
                assert!(matches!(answer, Answer::Pending { .. }), "{answer:?}");
            });
        }
    });
    assert_eq!(mobile.asked_of_provider(), 4);
}

#[test]
fn what_is_no_question_ends_with_a_code_and_without_the_token() {
    let Some(mobile) = MobileMoney::new() else { return };
    let state = mobile.folder.path().join("state");
    let question = format!(
        r#"{{"version":1,"operation":"charge","idempotency_key":"k","amount":"15000",
        "amount_minor":15000,"currency":"XOF","invoice":"I","tenant":"acme",
        "payment_method":{{"id":"pm_3","kind":"mobile_money","token":"{PAYS}"}}}}"#
    );
    assert_eq!(run(&[&state], &question).0, 0);
    for (from, to, says) in [
        (question.as_str(), "", "no JSON object"),
        (&question, "[]", "no JSON object"),
        (":1,", ":2,", "version 1"),
        ("\"charge\"", "\"resell\"", "none of charge, refund, status, checkout, expire"),
        ("\"charge\"", "\"refund\"", "reference"),
        ("\"charge\"", "\"changes\"", "since"),
        ("\"charge\"", "\"status\",\"of\":\"charge\"", "of is refund or checkout"),
        ("\"charge\"", "\"status\",\"of\":\"refund\"", "charge is no text"),
        ("\"k\"", "\"\"", "idempotency_key"),
        (":15000", ":15000.0", "amount_minor"),
        (":15000", ":true", "amount_minor"),
        (":15000", ":-1", "amount_minor"),
        (":15000", ":15001", "differ"),
        ("\"15000\"", "\"-15000\"", "amount is no number"),
        (&format!("\"{PAYS}\""), "7", "token"),
    ] {
        assert!(question.contains(from), "{from}");
        let (status, said) = run(&[&state], &question.replacen(from, to, 1));
        assert_eq!(status, 65, "{to}: {said}");
        assert!(said.contains(says) && said.lines().count() == 1, "{to}: {said}");
        assert!(!said.contains(PAYS), "{said}");
    }
    assert_eq!(run(&[], &question).0, 64);
    // A fault of the machine, and no answer.
    let (status, said) = run(&[Path::new(SCRIPT)], &question);
    assert_eq!(status, 1, "{said}");
    assert!(!said.contains(PAYS), "{said}");
}

fn refund(key: &str, charge: &str, minor: i64) -> RefundRequest {
    RefundRequest {
        idempotency_key: key.into(),
        amount: Money::from_minor(minor, Currency::XOF),
        invoice: "INV-2026-000001".into(),
        tenant: "acme".into(),
        charge: charge.into(),
        credit_note: Some("CN-2026-000001".into()),
        created_at: Utc::now(),
        prepared_at: Utc::now(),
    }
}

const FULL: &str = "+221770006666";
const SLOW: &str = "+221770005555";

#[test]
fn a_refund_is_paid_once_and_never_above_its_charge() {
    let Some(mobile) = MobileMoney::new() else { return };
    let charge = mobile.paid("k-1", PAYS);
    let program = &mobile.program;
    let first = refund("r-1", &charge, 10_000);
    assert_eq!(program.refund_status(&first, None), Answer::NotFound);
    let answer = program.refund(&first);
    let Answer::Succeeded { reference: Some(reference) } = &answer else { panic!("{answer:?}") };
    assert_eq!(program.refund(&first), answer);
    assert_eq!(program.refund_status(&first, None), answer);
    assert_eq!(program.refund_status(&first, Some(reference)), answer);
    let above = program.refund(&refund("r-2", &charge, 5_001));
    assert_eq!(declined(above), ("refund_above_charge".into(), false));
    let rest = RefundRequest { credit_note: None, ..refund("r-3", &charge, 5_000) };
    assert!(matches!(program.refund(&rest), Answer::Succeeded { .. }));
    let unknown_charge = program.refund(&refund("r-4", "mm_nothing", 1));
    assert_eq!(declined(unknown_charge), ("unknown_charge".into(), false));
    let dollars = Money::from_minor(100, "USD".parse().expect("a currency"));
    let dollars = RefundRequest { amount: dollars, ..refund("r-5", &charge, 1) };
    assert_eq!(declined(program.refund(&dollars)), ("unsupported_currency".into(), false));
    // A key is of one refund, and of no charge.
    let conflict = "ended with status 65: the key was used for another charge or refund before";
    let other = refund("r-1", &charge, 9_999);
    for answer in [
        program.refund(&other),
        program.refund_status(&other, None),
        program.refund(&refund("k-1", &charge, 15_000)),
        mobile.charge("r-1", PAYS),
    ] {
        assert_eq!(unknown(answer), conflict);
    }
}

#[test]
fn a_refund_may_wait_fail_at_once_and_fail_later() {
    let Some(mobile) = MobileMoney::new() else { return };
    let program = &mobile.program;
    let full = refund("r-1", &mobile.paid("k-1", FULL), 15_000);
    assert!(matches!(program.refund(&full), Answer::Pending { reference: Some(_) }));
    let failed = declined(program.refund_status(&full, None));
    assert_eq!(failed, ("account_takes_no_money".into(), false));
    assert_eq!(declined(program.refund(&full)), failed);
    let slow = refund("r-2", &mobile.paid("k-2", SLOW), 15_000);
    let waits = program.refund(&slow);
    assert!(matches!(waits, Answer::Pending { .. }), "{waits:?}");
    assert_eq!(program.refund_status(&slow, None), waits);
    // The money comes back two days after it went.
    let late = refund("r-3", &mobile.paid("k-3", PAYS), 15_000);
    assert!(matches!(program.refund(&late), Answer::Succeeded { .. }));
    let sql = "UPDATE refunds SET state = 'failed', reason = 'account_takes_no_money'
               WHERE external_id = 'r-3'";
    mobile.edit("made-up-provider.sqlite", sql);
    assert_eq!(declined(program.refund_status(&late, None)), failed);
}

/// The program was killed between its two writes, before or after the provider heard of it.
#[test]
fn a_refund_that_was_cut_off_is_paid_once() {
    let Some(mobile) = MobileMoney::new() else { return };
    let request = refund("r-1", &mobile.paid("k-1", PAYS), 15_000);
    let cut_off =
        "UPDATE charges SET status = 'sent', reference = NULL, code = NULL WHERE key = 'r-1'";
    let first = mobile.program.refund(&request);
    assert!(matches!(first, Answer::Succeeded { .. }), "{first:?}");
    mobile.edit("ledger.sqlite", cut_off);
    assert_eq!(mobile.program.refund(&request), first);
    mobile.edit("ledger.sqlite", cut_off);
    assert_eq!(mobile.program.refund_status(&request, None), first);
    mobile.edit("ledger.sqlite", cut_off);
    mobile.edit("made-up-provider.sqlite", "DELETE FROM refunds");
    assert_eq!(mobile.program.refund_status(&request, None), Answer::NotFound);
    assert_eq!(mobile.program.refund(&request), first);
}

#[test]
fn many_refunds_of_one_charge_at_once_stay_below_it() {
    let Some(mobile) = MobileMoney::new() else { return };
    let charge = mobile.paid("k-1", PAYS);
    let paid = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..12)
            .map(|thread| {
                let request = refund(&format!("r-{}", thread % 6), &charge, 4_000);
                let program = &mobile.program;
                scope.spawn(move || (request.idempotency_key.clone(), program.refund(&request)))
            })
            .collect();
        let answers = threads.into_iter().map(|thread| thread.join().expect("no panic"));
        let paid = answers.filter(|(_, answer)| match answer {
            Answer::Succeeded { .. } => true,
            other => {
                assert_eq!(declined(other.clone()).0, "refund_above_charge");
                false
            }
        });
        paid.map(|(key, _)| key).collect::<std::collections::BTreeSet<_>>()
    });
    assert_eq!(paid.len(), 3);
}

#[test]
fn what_was_done_at_the_provider_is_told() {
    let Some(mobile) = MobileMoney::new() else { return };
    let began = Utc::now() - TimeDelta::days(180);
    let changes = |since: DateTime<Utc>| mobile.program.changes(since);
    assert_eq!(changes(began), Ok(Vec::new()));
    let charge = mobile.paid("k-1", PAYS);
    let answer = mobile.program.refund(&refund("r-1", &charge, 5_000));
    let Answer::Succeeded { reference: Some(ours) } = answer else { panic!("{answer:?}") };
    let of_charge = |sql: &str| {
        mobile.edit("made-up-provider.sqlite", &sql.replace("CHARGE", &format!("'{charge}'")));
    };
    of_charge(
        "INSERT INTO refunds VALUES
         (NULL, 'mr_1', CHARGE, '2500', 'XOF', 'paid', NULL, '2020-03-01T10:00:00+00:00')",
    );
    of_charge("INSERT INTO disputes VALUES ('d_1', CHARGE, 'opened', '2020-03-02T10:00:00+00:00')");
    let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
    let since = at("2020-03-01T10:00:00Z");
    let told = changes(since).expect("changes");
    let of = |reference: &str, day: &str, done| Change {
        reference: reference.into(),
        charge: charge.clone(),
        at: at(day),
        done,
    };
    let amount = |minor| Money::from_minor(minor, Currency::XOF);
    let back = |minor| Done::Refund { amount: amount(minor), idempotency_key: None };
    let dispute = |status| of("d_1", "2020-03-02T10:00:00Z", Done::Dispute { status });
    // In the order of the program: what billing asked for is known by its reference.
    assert_eq!((told[0].reference.as_str(), &told[0].done), (ours.as_str(), &back(5_000)));
    let outside = of("mr_1", "2020-03-01T10:00:00Z", back(2_500));
    assert_eq!(told[1..], [outside.clone(), dispute(DisputeStatus::Open)]);
    mobile.edit("made-up-provider.sqlite", "UPDATE disputes SET state = 'lost'");
    assert_eq!(changes(since).expect("changes")[1..], [outside, dispute(DisputeStatus::Lost)]);
    // Only what is not older is told.
    assert_eq!(changes(at("2020-03-02T10:00:01Z")).expect("changes").len(), 1);
    // A new word is no answer.
    mobile.edit("made-up-provider.sqlite", "UPDATE disputes SET state = 'moved'");
    let failed = changes(since).expect_err("a new word");
    assert_eq!(failed, "ended with status 75: the provider says of a dispute 'moved'");
}

/// docs/gateways.md shows what is asked, and a list that is understood.
#[test]
fn the_objects_of_the_page_are_those_of_the_program() {
    let page = include_str!("../docs/gateways.md");
    let folder = tempfile::tempdir().expect("a folder");
    let asked = folder.path().join("asked");
    let says = |answer: &str| {
        let script = format!("cat > \"$0\"; cat <<'END'\n{answer}\nEND");
        let command = ["/bin/sh", "-c", &script, asked.to_str().expect("text")];
        let (command, timeout) = (command.map(str::to_owned).to_vec(), Duration::from_secs(60));
        Program { command, timeout, pass_env: Vec::new(), name: None, refunds: true }
    };
    let shown = |what: &str| {
        let line = std::fs::read_to_string(&asked).expect("a question");
        assert!(page.contains(&format!("```json\n{line}```\n")), "{what}: {line}");
    };
    let amount = Money::from_minor(500, "EUR".parse().expect("a currency"));
    let request = RefundRequest { amount, ..refund("9b2e-txn9-1", "payment_1", 1) };
    let program = says(r#"{"status":"pending"}"#);
    program.refund(&request);
    shown("refund");
    program.refund_status(&request, Some("refund_1"));
    shown("status of a refund");
    let list = page.split("```json\n{\"changes\"").nth(1).and_then(|text| text.split("```").next());
    let program = says(&format!("{{\"changes\"{}", list.expect("a list")));
    let changes = program.changes("2026-03-01T00:00:00Z".parse().expect("a time"));
    assert_eq!(changes.expect("the list is understood").len(), 2);
    shown("changes");
}

/// The exit code, and what it said on standard error.
fn run(arguments: &[&Path], input: &str) -> (i32, String) {
    let mut child = Command::new(SCRIPT)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // One that has no use for it may have ended already.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("its end");
    (output.status.code().expect("no signal"), String::from_utf8(output.stderr).expect("text"))
}

#[test]
fn a_page_is_the_same_for_its_key_and_is_paid_or_closed() {
    let Some(mobile) = MobileMoney::new() else { return };
    let asked = |key: &str| CheckoutRequest {
        idempotency_key: key.into(),
        purpose: Purpose::Payment {
            amount: Money::from_minor(15_000, Currency::XOF),
            invoice: "INV-2026-000001".into(),
        },
        tenant: "acme".into(),
        return_url: "https://shop.example/thanks".into(),
        base_url: "https://shop.example".into(),
        customer: None,
        created_at: Utc::now(),
        prepared_at: Utc::now(),
        outcome: None,
    };
    let (one, two) = (asked("k-1"), asked("k-2"));
    assert_eq!(mobile.program.checkout_status(&one, None), Became::NotFound);
    let Opened::Redirect(page) = mobile.program.checkout(&one) else { panic!() };
    assert_eq!(mobile.program.checkout(&one), Opened::Redirect(page.clone()));
    assert_eq!(mobile.asked_of_provider(), 1);
    let reference = Some(page.reference.clone());
    let paid =
        Became::Paid { reference: reference.clone(), method: PaymentMethodKind::MobileMoney };
    assert_eq!(mobile.program.checkout_status(&one, reference.as_deref()), paid);
    // It is closed no more, and one that nobody has paid is.
    assert_eq!(mobile.program.expire_checkout(&one, &page.reference), paid);
    let Opened::Redirect(page) = mobile.program.checkout(&two) else { panic!() };
    assert_eq!(mobile.program.expire_checkout(&two, &page.reference), Became::Expired);
    assert_eq!(mobile.program.checkout_status(&two, Some(&page.reference)), Became::Expired);
    let setup =
        CheckoutRequest { purpose: Purpose::Setup { currency: Currency::XOF }, ..asked("k-3") };
    assert_eq!(mobile.program.checkout(&setup), Opened::Unsupported);
}
