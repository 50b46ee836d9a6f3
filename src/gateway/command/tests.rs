use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::*;
use crate::domain::charge::Token;
use crate::domain::gateway_refund::UNSUPPORTED;
use crate::domain::payment_method::PaymentMethodKind;
use crate::domain::programs::ENVIRONMENT;
use crate::domain::{Currency, Money, PaymentMethodId};
use crate::gateway::Gateway;

const TOKEN: &str = "tok_4e7c90aa";

fn request() -> ChargeRequest {
    ChargeRequest {
        idempotency_key: "9b2e-txn1-1".into(),
        amount: Money::from_minor(15_000, Currency::XOF),
        invoice: "INV-2026-000001".into(),
        tenant: "acme".into(),
        method: PaymentMethodId(3),
        kind: PaymentMethodKind::MobileMoney,
        token: Token::new(TOKEN.into()),
        created_at: chrono::DateTime::UNIX_EPOCH,
        prepared_at: chrono::DateTime::UNIX_EPOCH,
    }
}

/// A program that runs the script, with its directory as the script's first argument. The shell
/// reads the script: a file that is executed may be "busy" while another test forks.
pub fn program(script: &str) -> (tempfile::TempDir, Program) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("gateway");
    fs::write(&path, script).unwrap();
    let words = [Path::new("/bin/sh"), &path, place.path()];
    let command = words.map(|word| word.to_str().unwrap().to_owned()).to_vec();
    (
        place,
        Program {
            command,
            timeout: Duration::from_secs(60),
            pass_env: Vec::new(),
            name: None,
            refunds: true,
        },
    )
}

fn charged(script: &str) -> Answer {
    program(script).1.charge(&request())
}

/// The answer to a status question: that may be `not_found`.
fn asked(script: &str) -> Answer {
    program(script).1.status(&request(), None)
}

/// What an unknown outcome says.
#[track_caller]
fn unknown(answer: Answer) -> String {
    let Answer::Unknown { message } = answer else { panic!("{answer:?}") };
    assert!(!message.contains(TOKEN), "{message}");
    assert!(message.chars().count() <= 400 && !message.contains(char::is_control), "{message:?}");
    message
}

fn not_sent(answer: Answer) -> String {
    let Answer::NotSent { message } = answer else { panic!("{answer:?}") };
    assert!(!message.contains(TOKEN), "{message}");
    assert!(message.chars().count() <= 400 && !message.contains(char::is_control), "{message:?}");
    message
}

/// A script that prints the text as it is.
pub fn prints(text: &str) -> String {
    format!("cat <<'END'\n{text}\nEND\n")
}

/// Whether the process is there and not dead. One whose parent is gone may stay as a zombie where
/// nobody reaps it, as in a container without an init.
fn lives(pid: &str) -> bool {
    let id = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    let zombie = stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('Z'));
    rustix::process::test_kill_process(id).is_ok() && !zombie
}

/// Waits until the process is dead: a killed one may take a moment.
#[track_caller]
fn assert_gone(pid_file: &Path) {
    let pid = fs::read_to_string(pid_file).unwrap();
    let since = Instant::now();
    while lives(&pid) {
        assert!(since.elapsed() < Duration::from_secs(10), "{pid} lives");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_charge_is_asked_in_these_bytes() {
    let (place, program) = program("cat > \"$1/charge\"; echo '{\"status\":\"pending\"}'");
    for _ in 0..2 {
        assert_eq!(program.charge(&request()), Answer::Pending { reference: None });
        assert_eq!(
            fs::read_to_string(place.path().join("charge")).unwrap(),
            concat!(
                r#"{"version":1,"operation":"charge","idempotency_key":"9b2e-txn1-1","#,
                r#""amount":"15000","amount_minor":15000,"currency":"XOF","#,
                r#""invoice":"INV-2026-000001","tenant":"acme","#,
                r#""payment_method":{"id":"pm_3","kind":"mobile_money","token":"tok_4e7c90aa"}}"#,
                "\n"
            )
        );
    }
}

#[test]
fn a_status_is_asked_with_the_same_fields_and_the_reference() {
    let bytes = |operation, request: &_, reference| {
        String::from_utf8(question::of_charge(operation, request, reference).unwrap()).unwrap()
    };
    let charge = bytes(Operation::Charge, &request(), None);
    let plain = bytes(Operation::Status, &request(), None);
    assert_eq!(plain, charge.replace(r#""charge""#, r#""status""#));
    let (place, program) = program("cat > \"$1/status\"; echo '{\"status\":\"not_found\"}'");
    assert_eq!(program.status(&request(), Some("mm \"9\"")), Answer::NotFound);
    assert_eq!(
        fs::read_to_string(place.path().join("status")).unwrap(),
        plain.replace("}}\n", "},\"reference\":\"mm \\\"9\\\"\"}\n")
    );
}

#[test]
fn an_amount_with_cents_stands_in_major_and_in_minor_units() {
    let eur = "EUR".parse().unwrap();
    let request = ChargeRequest { amount: Money::from_minor(4_905, eur), ..request() };
    let bytes =
        String::from_utf8(question::of_charge(Operation::Charge, &request, None).unwrap()).unwrap();
    assert!(bytes.contains(r#""amount":"49.05","amount_minor":4905,"currency":"EUR""#), "{bytes}");
}

/// cargo sets variables for its tests; two of them stand for those of an operator.
#[test]
fn the_environment_is_what_is_promised_and_nothing_else() {
    let set: Vec<String> = std::env::vars()
        .map(|(name, value)| (name, value.contains('\n')))
        .filter(|(name, odd)| !odd && !ENVIRONMENT.contains(&name.as_str()))
        .map(|(name, _)| name)
        .take(2)
        .collect();
    let mut pass_env = set.clone();
    pass_env.push("BILLING_NO_SUCH_VARIABLE".into());
    let timeout = Duration::from_secs(60);
    let program =
        Program { command: vec!["env".into()], timeout, pass_env, name: None, refunds: true };
    program.check().unwrap();
    let ran = program.hear(program.start().unwrap(), b"", LONGEST_ANSWER).unwrap();
    let mut got: Vec<&str> = std::str::from_utf8(&ran.stdout.bytes).unwrap().lines().collect();
    let mut wanted: Vec<String> = std::env::vars()
        .filter(|(name, _)| ENVIRONMENT.contains(&name.as_str()) || set.contains(name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    got.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(got, wanted);
}

#[test]
fn arguments_reach_the_program_as_they_stand() {
    let (place, mut program) =
        program("shift; printf '%s\\n' \"$@\" > \"$0.arguments\"; pwd > \"$0.pwd\"");
    let odd = ["$HOME", "*", "`id`", "a b", "", "~", "'\"\\", "; exit 3", "--", "é"];
    program.command.extend(odd.map(str::to_owned));
    assert_eq!(unknown(program.charge(&request())), "answered with nothing");
    let read = |name| fs::read_to_string(place.path().join(name)).unwrap();
    assert_eq!(read("gateway.arguments"), odd.map(|word| format!("{word}\n")).concat());
    assert_eq!(Path::new(read("gateway.pwd").trim()), std::env::current_dir().unwrap());
}

#[test]
fn each_status_is_its_answer() {
    let reference = Some("ch_1".to_owned());
    let declined = |code: &str, message: Option<&str>, retryable| Answer::Declined {
        code: code.into(),
        message: message.map(str::to_owned),
        retryable,
    };
    for (said, expected) in [
        (
            r#"{"status":"succeeded","reference":"ch_1"}"#,
            Answer::Succeeded { reference: reference.clone() },
        ),
        (
            r#"{"status":"succeeded","reference":null,"code":5,"new":[1,{}]}"#,
            Answer::Succeeded { reference: None },
        ),
        (
            " \n{ \"reference\" : \" ch_1 \",\n\"status\":\"pending\" }\n\n",
            Answer::Pending { reference },
        ),
        (r#"{"status":"declined"}"#, declined("declined", None, true)),
        (
            r#"{"status":"declined","code":"","message":" ","retryable":null}"#,
            declined("declined", None, true),
        ),
        (
            r#"{"status":"declined","code":"Stolen-Card","message":"é\nno","retryable":false}"#,
            declined("Stolen-Card", Some("é no"), false),
        ),
        (r#"{"status":"not_found"}"#, Answer::NotFound),
    ] {
        assert_eq!(asked(&prints(said)), expected, "{said}");
    }
}

#[test]
fn whatever_is_no_answer_leaves_the_outcome_unknown() {
    for (said, message) in [
        ("", "answered with nothing"),
        ("paid!", "answered with no JSON object: paid!"),
        ("[\"succeeded\"]", "answered with no JSON object: [\"succeeded\"]"),
        (r#""succeeded""#, r#"answered with no JSON object: "succeeded""#),
        ("null", "answered with no JSON object: null"),
        (r#"{"status":"succ"#, r#"answered with no JSON object: {"status":"succ"#),
        (r#"{"status":"pending"} {"status":"succeeded"}"#, "more than one object"),
        (r#"{"status":"succeeded"}{"status":"succeeded"}"#, "more than one object"),
        (r#"{"status":"succeeded"} done"#, "answered with more than an object: {"),
        (r#"{"status":"declined","status":"succeeded"}"#, "with a duplicate field `status`"),
        ("{}", "answered with no status"),
        (r#"{"status":true}"#, "answered with a status that is no text"),
        (r#"{"status":"Succeeded"}"#, "answered with an unknown status: Succeeded"),
        (r#"{"status":"paid\u001b[2J"}"#, r"answered with an unknown status: paid\u{1b}[2J"),
        (r#"{"status":"succeeded","reference":7}"#, "answered with a reference that is no text"),
        (r#"{"status":"declined","code":["x"]}"#, "answered with a code that is no text"),
        (r#"{"status":"declined","message":{}}"#, "answered with a message that is no text"),
        (r#"{"status":"declined","retryable":"no"}"#, "retryable that is neither true nor false"),
    ] {
        let got = unknown(asked(&prints(said)));
        assert!(got.contains(message), "{said}: {got}");
    }
    let not_found = unknown(charged(&prints(r#"{"status":"not_found"}"#)));
    assert_eq!(not_found, "answered with not_found to a charge");
    let latin = "printf '{\"status\":\"succeeded\",\"reference\":\"\\351t\\351\"}'";
    assert!(unknown(asked(latin)).starts_with("answered with no JSON object: {\"status\""));
    let passed_over = "printf '{\"status\":\"succeeded\",\"other\":\"\\351t\\351\"}'";
    assert!(unknown(asked(passed_over)).starts_with("answered with no JSON object"));
}

#[test]
fn an_end_that_is_no_success_leaves_the_outcome_unknown() {
    let answer = prints(r#"{"status":"succeeded"}"#);
    let failing = format!("{answer}echo 'no  network\n at all' >&2; printf '\\033[1m' >&2; exit 3");
    let message = unknown(charged(&failing));
    assert_eq!(message, r"ended with status 3: no network at all \u{1b}[1m");
    assert_eq!(unknown(charged("exit 7")), "ended with status 7");
    assert_eq!(unknown(charged("echo no network; exit 7")), "ended with status 7: no network");
    let message = unknown(charged(&format!("{answer}kill -KILL $$")));
    assert!(message.starts_with("was ended by signal 9"), "{message}");
    // What is said on standard error besides an answer is nobody's business.
    let noisy = format!("echo warning >&2; {answer}");
    assert_eq!(charged(&noisy), Answer::Succeeded { reference: None });
}

#[test]
fn texts_are_cut_and_a_reference_is_kept_whole_or_not_at_all() {
    let (long, word) = ("é".repeat(600), |n: usize| format!("{}…", "é".repeat(n)));
    let declined = format!(r#"{{"status":"declined","code":"{long}","message":"{long}"}}"#);
    let expected = Answer::Declined { code: word(99), message: Some(word(499)), retryable: true };
    assert_eq!(charged(&prints(&declined)), expected);
    for (reference, kept) in [
        ("r".repeat(200), true),
        ("r".repeat(201), false),
        ("a\\nb".to_owned(), false),
        ("a\u{202e}b".to_owned(), false),
        (format!("ch_{TOKEN}"), false),
    ] {
        let said = format!(r#"{{"status":"pending","reference":"{reference}"}}"#);
        let expected = Answer::Pending { reference: kept.then(|| reference.clone()) };
        assert_eq!(charged(&prints(&said)), expected, "{reference}");
    }
}

#[test]
fn a_huge_output_is_read_to_its_end_and_not_kept() {
    let since = Instant::now();
    let flood = "head -c 10000000 /dev/zero | tr '\\0' ' '; touch \"$1/ended\"";
    let (place, program) = program(flood);
    assert_eq!(unknown(program.charge(&request())), "answered with more than 64 KB");
    // It was not stopped in the middle of what it did.
    assert!(place.path().join("ended").exists());
    let both = format!("{{ {flood}; }} >&2; exit 4");
    assert_eq!(unknown(charged(&both)), "ended with status 4");
    let answer = prints(r#"{"status":"pending"}"#);
    let answered = format!("{{ {flood}; }} >&2\n{answer}");
    assert_eq!(charged(&answered), Answer::Pending { reference: None });
    // The object and its line end are 15 bytes: after so many, all of it is read.
    let after = |spaces: u32| {
        let object = prints(r#"{"status":"x"}"#);
        unknown(charged(&format!("printf '%{spaces}s' ''; {object}")))
    };
    assert_eq!(after(65_521), "answered with an unknown status: x");
    assert!(after(65_522).starts_with("answered with more than 64 KB"));
    assert!(since.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_time_out_kills_all_that_was_started() {
    let script = "echo 'calling the bank' >&2; sleep 1000 & echo $! > \"$1/child\"
        (trap '' TERM HUP; sleep 1000 & echo $! > \"$1/grandchild\"; wait) &
        echo '{\"status\":\"succeeded\"}'; exec sleep 1000";
    let (place, mut program) = program(script);
    program.timeout = Duration::from_millis(2_500);
    let since = Instant::now();
    let message = unknown(program.charge(&request()));
    assert_eq!(message, "no answer within 2500 ms: calling the bank");
    assert!(since.elapsed() < Duration::from_secs(20));
    for child in ["child", "grandchild"] {
        assert_gone(&place.path().join(child));
    }
}

#[test]
fn a_child_in_the_background_holds_nothing_up_and_is_killed() {
    let script = "sleep 1000 & echo $! > \"$1/child\"; echo '{\"status\":\"pending\"}'";
    let since = Instant::now();
    let (place, first) = program(script);
    assert_eq!(first.charge(&request()), Answer::Pending { reference: None });
    assert_gone(&place.path().join("child"));
    // One that answers in its parent's place, and one that holds no pipe.
    let late = "(sleep 0.05; echo '{\"status\":\"pending\"}') & exit 0";
    assert_eq!(charged(late), Answer::Pending { reference: None });
    let quiet = script.replace("1000 &", "1000 >/dev/null 2>&1 </dev/null &");
    let (place, second) = program(&quiet);
    assert_eq!(second.charge(&request()), Answer::Pending { reference: None });
    assert_gone(&place.path().join("child"));
    assert!(since.elapsed() < Duration::from_secs(20));
}

/// A child that left the group cannot be killed with it, and is not waited for either.
#[test]
fn a_child_that_escapes_holds_nothing_up() {
    if !Path::new("/usr/bin/setsid").exists() {
        return;
    }
    let script = "setsid sh -c 'echo $$ > \"$1/child\"; exec sleep 1000' - \"$1\" &
        while ! [ -s \"$1/child\" ]; do sleep 0.01; done; echo '{\"status\":\"pending\"}'";
    let since = Instant::now();
    let (place, program) = program(script);
    assert_eq!(program.charge(&request()), Answer::Pending { reference: None });
    assert!(since.elapsed() < Duration::from_secs(20));
    let child = fs::read_to_string(place.path().join("child")).unwrap();
    let child = Pid::from_raw(child.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(child, Signal::KILL).unwrap();
}

#[test]
fn a_program_that_does_not_read_breaks_nothing() {
    let answer = prints(r#"{"status":"succeeded","reference":"ch_1"}"#);
    let succeeded = Answer::Succeeded { reference: Some("ch_1".into()) };
    // Longer than any pipe.
    let long = ChargeRequest { tenant: "x".repeat(1 << 20), ..request() };
    for script in [answer.clone(), format!("exec 0<&-; {answer}"), format!("sleep 0.1; {answer}")] {
        assert_eq!(program(&script).1.charge(&long), succeeded, "{script}");
    }
    let (place, slow) = program(&format!("sleep 0.1; wc -c > \"$1/read\"; {answer}"));
    assert_eq!(slow.charge(&long), succeeded);
    let read = fs::read_to_string(place.path().join("read")).unwrap();
    assert_eq!(
        read.trim(),
        question::of_charge(Operation::Charge, &long, None).unwrap().len().to_string()
    );
}

#[test]
fn the_token_never_comes_back() {
    let echo = r#"token=$(sed 's/.*"token":"\(.*\)"}}.*/\1/')"#;
    for (script, message) in [
        (r#"echo "no $token" >&2; exit 1"#, "ended with status 1: no ***"),
        (r#"echo "no $token"; exit 1"#, "ended with status 1: no ***"),
        (r#"echo "no $token""#, "answered with no JSON object: no ***"),
        (r#"echo "{\"status\":\"$token\"}""#, "answered with an unknown status: ***"),
        (r#"echo "{\"status\":\"x\",\"$token\":1" "#, r#"no JSON object: {"status":"x","***":1"#),
    ] {
        let message_got = unknown(charged(&format!("{echo}\n{script}")));
        assert!(message_got.ends_with(message), "{message_got}");
    }
    let declined =
        r#"echo "{\"status\":\"declined\",\"code\":\"$token\",\"message\":\"<$token>\"}""#;
    let (code, message) = ("***".to_owned(), Some("<***>".to_owned()));
    assert_eq!(
        charged(&format!("{echo}\n{declined}")),
        Answer::Declined { code, message, retryable: true }
    );
    // Cut at the end of what is kept.
    let cut = format!("printf '%4090s{TOKEN}%9000s' '' '' >&2; exit 1");
    assert_eq!(unknown(charged(&cut)), "ended with status 1");
}

#[test]
fn an_odd_token_never_comes_back_either() {
    let token = "té\"st a  b";
    let words = Words::hiding(&Token::new(token.into()));
    for text in [token, "t\u{e9}\\\"st a  b", "t\\u00e9\\\"st a  b"] {
        assert_eq!(words.line(&format!("<{text}>"), 100), "<***>");
    }
    let broken = Words::hiding(&Token::new("a b".into()));
    assert_eq!(broken.line("<a\n b>", 100), "<***>");
    assert_eq!(Words::hiding(&Token::new(String::new())).line("ab", 100), "ab");
}

#[test]
fn a_program_that_cannot_be_started_is_refused_before_and_not_asked_after() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("gateway");
    fs::write(&file, "#!/nonexistent/interpreter\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let of = |word: &str| {
        let command = vec![word.to_owned()];
        Program {
            command,
            timeout: Duration::from_secs(60),
            pass_env: Vec::new(),
            name: None,
            refunds: true,
        }
    };
    let path = |path: &PathBuf| path.to_str().unwrap().to_owned();
    let nowhere = path(&place.path().join("nowhere"));
    let (folder, file) = (path(&place.path().to_owned()), path(&file));
    for (word, why) in [
        ("", "names no program".to_owned()),
        (&nowhere, format!("cannot run {nowhere}: No such file or directory")),
        (&file, format!("cannot run {file}: Permission denied")),
        (&folder, format!("cannot run {folder}: it is no file")),
        ("./a", "./a is neither an absolute path nor a name that is in PATH".to_owned()),
        ("bin/a", "bin/a is neither an absolute path nor a name that is in PATH".to_owned()),
        ("no-such-gateway", "no-such-gateway is not in PATH".to_owned()),
    ] {
        let refusal = of(word).check().expect_err(word);
        let Some(Unavailable::Setting { place, message }) = refusal.of() else { panic!("{word}") };
        assert_eq!((place.as_str(), message), ("[payments] command", &why));
        let got = not_sent(of(word).charge(&request()));
        assert_eq!(got, format!("cannot be started: {why}"));
    }
    let none = Program { command: Vec::new(), ..of("") };
    assert!(none.check().is_err());
    // There, and yet it cannot be started: no check can tell.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
    of(&file).check().unwrap();
    let got = not_sent(of(&file).charge(&request()));
    assert_eq!(got, "cannot be started: No such file or directory");
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let good = || Program { pass_env: vec!["API_KEY".into()], ..program("").1 };
    good().check().unwrap();
    for bad in [
        Program { timeout: Duration::ZERO, ..good() },
        Program { pass_env: vec![String::new()], ..good() },
        Program { pass_env: vec!["API_KEY=secret".into()], ..good() },
    ] {
        let refusal = bad.check().unwrap_err();
        assert!(!refusal.to_string().contains("secret"), "{refusal}");
    }
}

/// A program that is being replaced while it is run.
#[cfg(target_os = "linux")]
#[test]
fn a_busy_file_is_not_asked() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("gateway");
    fs::write(&file, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
    let _writing = fs::OpenOptions::new().append(true).open(&file).unwrap();
    let command = vec![file.to_str().unwrap().to_owned()];
    let program = Program {
        command,
        timeout: Duration::from_secs(60),
        pass_env: Vec::new(),
        name: None,
        refunds: true,
    };
    assert_eq!(not_sent(program.charge(&request())), "cannot be started: Text file busy");
}

#[test]
fn many_threads_charge_at_once() {
    let script = "key=$(sed 's/.*_key\":\"\\([^\"]*\\)\".*/\\1/')
        sleep 0.05; echo \"{\\\"status\\\":\\\"succeeded\\\",\\\"reference\\\":\\\"$key\\\"}\"";
    let (_place, program) = program(script);
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let program = &program;
            scope.spawn(move || {
                for number in 0..4 {
                    let key = format!("key-{thread}-{number}");
                    let request = ChargeRequest { idempotency_key: key.clone(), ..request() };
                    let expected = Answer::Succeeded { reference: Some(key) };
                    assert_eq!(program.charge(&request), expected);
                }
            });
        }
    });
}

pub fn refund() -> RefundRequest {
    RefundRequest {
        idempotency_key: "9b2e-txn2-1".into(),
        amount: Money::from_minor(5_000, Currency::XOF),
        invoice: "INV-2026-000001".into(),
        tenant: "acme".into(),
        charge: "ch_1".into(),
        credit_note: Some("CN-2026-000001".into()),
        created_at: chrono::DateTime::UNIX_EPOCH,
        prepared_at: chrono::DateTime::UNIX_EPOCH,
    }
}

pub fn since() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::milliseconds(1_500)
}

#[test]
fn a_refund_and_what_became_of_it_are_asked_in_these_bytes() {
    let (place, program) = program("cat > \"$1/asked\"; echo '{\"status\":\"pending\"}'");
    let asked = || fs::read_to_string(place.path().join("asked")).unwrap();
    for _ in 0..2 {
        assert_eq!(program.refund(&refund()), Answer::Pending { reference: None });
        assert_eq!(
            asked(),
            concat!(
                r#"{"version":1,"operation":"refund","idempotency_key":"9b2e-txn2-1","#,
                r#""amount":"5000","amount_minor":5000,"currency":"XOF","#,
                r#""invoice":"INV-2026-000001","tenant":"acme","reference":"ch_1","#,
                r#""credit_note":"CN-2026-000001"}"#,
                "\n"
            )
        );
    }
    let without = RefundRequest { credit_note: None, ..refund() };
    program.refund(&without);
    assert!(asked().ends_with("\"reference\":\"ch_1\",\"credit_note\":null}\n"), "{}", asked());
    program.refund_status(&refund(), Some("re_1"));
    assert_eq!(
        asked(),
        concat!(
            r#"{"version":1,"operation":"status","of":"refund","idempotency_key":"9b2e-txn2-1","#,
            r#""amount":"5000","amount_minor":5000,"currency":"XOF","#,
            r#""invoice":"INV-2026-000001","tenant":"acme","reference":"re_1","charge":"ch_1","#,
            r#""credit_note":"CN-2026-000001"}"#,
            "\n"
        )
    );
    program.refund_status(&without, None);
    assert!(asked().contains(r#""tenant":"acme","charge":"ch_1","credit_note":null}"#));
    let _ = program.changes(since());
    let expected = r#"{"version":1,"operation":"changes","since":"1970-01-01T00:00:01Z"}"#;
    assert_eq!(asked(), format!("{expected}\n"));
}

#[test]
fn a_refund_is_answered_as_a_charge_is() {
    let reference = Some("re_1".to_owned());
    let refunded = |script: &str| program(script).1.refund(&refund());
    let asked = |script: &str| program(script).1.refund_status(&refund(), None);
    let succeeded = prints(r#"{"status":"succeeded","reference":"re_1"}"#);
    assert_eq!(refunded(&succeeded), Answer::Succeeded { reference });
    let no = prints(r#"{"status":"declined","code":"unsupported","retryable":false}"#);
    let declined = Answer::Declined { code: UNSUPPORTED.into(), message: None, retryable: false };
    assert_eq!((refunded(&no), asked(&no)), (declined.clone(), declined));
    let not_found = prints(r#"{"status":"not_found"}"#);
    assert_eq!(unknown(refunded(&not_found)), "answered with not_found to a refund");
    assert_eq!(asked(&not_found), Answer::NotFound);
    assert_eq!(unknown(refunded("exit 7")), "ended with status 7");
    let (_place, mut gone) = program("");
    gone.command = vec!["/nonexistent/gateway".into()];
    not_sent(gone.refund(&refund()));
    unknown(gone.refund_status(&refund(), None));
    assert!(gone.changes(since()).unwrap_err().starts_with("cannot be started: "));
}

/// Nobody starts a program with what it is not known to understand.
#[test]
fn a_program_that_is_not_said_to_refund_is_not_asked_to() {
    let (place, program) = program("touch \"$1/asked\"; echo '{\"status\":\"succeeded\"}'");
    let gateway = Gateway::Command(Program { refunds: false, ..program });
    assert!(!gateway.refunds());
    for gateway in [&gateway, &Gateway::None] {
        let Answer::Declined { code, retryable, .. } = gateway.refund(&refund()) else {
            panic!("{gateway:?}")
        };
        assert_eq!((code.as_str(), retryable), (UNSUPPORTED, false));
        assert_eq!(gateway.changes(since()), Ok(Vec::new()));
    }
    assert!(!place.path().join("asked").exists());
    // What was asked for while it was said to is asked after all the same.
    let answer = gateway.refund_status(&refund(), None);
    assert_eq!(answer, Answer::Succeeded { reference: None });
}
