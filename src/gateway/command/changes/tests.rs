use std::result::Result;

use super::super::tests::{prints, program, since};
use super::*;
use crate::gateway::Gateway;

/// What the script tells of changes.
fn told(script: &str) -> Result<Vec<Change>, String> {
    program(script).1.changes(since())
}

/// What is wrong with the list.
#[track_caller]
fn faults(list: &str) -> String {
    told(&prints(&format!(r#"{{"changes":{list}}}"#))).expect_err(list)
}

#[test]
fn what_was_done_is_told_oldest_first() {
    let list = r#"{"changes":[
        {"kind":"dispute","status":"lost","reference":"dp_1","charge":"ch_2",
         "at":"2026-03-05T23:30:00-01:00"},
        {"kind":"refund","reference":"re_1","charge":"ch_1","amount":"48.5","currency":"EUR",
         "at":"2026-03-01T09:00:00.250Z","status":null,"more":[1]},
        {"kind":"dispute","status":"open","reference":"dp_1","charge":"ch_2",
         "at":"2026-03-02T00:00:00Z"}],"next":null}"#;
    let (_place, program) = program(&prints(list));
    let changes = Gateway::Command(program).changes(since()).unwrap();
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let dispute = |status, day: &str| Change {
        reference: "dp_1".into(),
        charge: "ch_2".into(),
        at: at(day),
        done: Done::Dispute { status },
    };
    let amount = Money::from_minor(4_850, "EUR".parse().unwrap());
    let refund = Change {
        reference: "re_1".into(),
        charge: "ch_1".into(),
        at: at("2026-03-01T09:00:00.250Z"),
        done: Done::Refund { amount, idempotency_key: None },
    };
    let lost = dispute(DisputeStatus::Lost, "2026-03-06T00:30:00Z");
    let open = dispute(DisputeStatus::Open, "2026-03-02T00:00:00Z");
    assert_eq!(changes, [refund, open, lost]);
    assert_eq!(told(&prints(r#"{"changes":[]}"#)), Ok(Vec::new()));
}

#[test]
fn each_fault_of_what_is_told_is_named() {
    let of = |change: &str| faults(&format!("[{change}]"));
    let refund = r#"{"kind":"refund","reference":"re_1","charge":"ch_1","amount":"48.00","currency":"EUR","at":"2026-03-01T00:00:00Z"}"#;
    let dispute = r#"{"kind":"dispute","status":"open","reference":"dp_1","charge":"ch_1","at":"2026-03-01T00:00:00Z"}"#;
    assert_eq!(told(&prints(&format!(r#"{{"changes":[{refund},{dispute}]}}"#))).unwrap().len(), 2);
    for (change, from, to, says) in [
        (refund, r#""refund""#, r#""chargeback""#, "an unknown kind: chargeback"),
        (refund, r#""kind":"refund","#, "", "no kind"),
        (refund, r#""re_1""#, "null", "no reference"),
        (refund, r#""re_1""#, r#"" ""#, "no reference"),
        (refund, r#""re_1""#, "7", "a reference that is no text"),
        (refund, r#""re_1""#, r#""a\nb""#, "a reference that is no line of 1 to 200 characters"),
        (refund, r#""charge":"ch_1","#, "", "no charge"),
        (refund, r#""48.00""#, "48.00", "an amount that is no text"),
        (refund, r#""48.00""#, r#""48.005""#, "no amount of EUR: 48.005"),
        (refund, r#""48.00""#, r#""-48""#, "no amount of EUR: -48"),
        (refund, r#""48.00""#, r#""0.00""#, "no amount of EUR: 0.00"),
        (refund, r#","amount":"48.00""#, "", "no amount"),
        (refund, "EUR", "EURO", "an unknown currency: EURO"),
        (refund, r#","currency":"EUR""#, "", "no currency"),
        (refund, "T00:00:00Z", "", "an at that is no RFC 3339: 2026-03-01"),
        (refund, "T00:00:00Z", "T00:00:00", "an at that is no RFC 3339: 2026-03-01T00:00:00"),
        (refund, r#","at":"2026-03-01T00:00:00Z""#, "", "no at"),
        (refund, r#""2026-03-01T00:00:00Z""#, "1772323200", "an at that is no text"),
        (dispute, "open", "closed", "an unknown status: closed"),
        (dispute, r#""status":"open","#, "", "no status"),
        (dispute, r#""ch_1""#, "true", "a charge that is no text"),
    ] {
        assert!(change.contains(from), "{from}");
        assert_eq!(of(&change.replacen(from, to, 1)), format!("answered with change 1: {says}"));
    }
    // All of them at once, and each of the two wrong ones.
    let bad = r#"{"kind":"refund","amount":"x","currency":"EUR","at":"never"}"#;
    assert_eq!(
        of(&format!("{refund},{bad},{{}}")),
        "answered with change 2: no reference, no charge, an at that is no RFC 3339: never, \
         no amount of EUR: x; change 3: no reference, no charge, no at, no kind"
    );
    let twice = of(&format!("{refund},{dispute},{dispute},{refund}"));
    assert_eq!(twice, "answered with change 4: the refund re_1 a second time");
    let many = vec!["{}"; 25].join(",");
    let many = of(&many);
    assert!(many.ends_with("; and 15 more changes with faults"), "{many}");
    assert!(
        of(&refund.replace("\"at\"", "\"charge\":\"ch_2\",\"at\"")).contains("duplicate field")
    );
}

#[test]
fn what_is_no_list_of_changes_is_none() {
    for (said, says) in [
        ("", "answered with nothing"),
        ("[]", "answered with no JSON object: []"),
        ("{}", "answered with no changes"),
        (r#"{"changes":null}"#, "answered with no changes"),
        (r#"{"changes":{}}"#, "answered with changes that are no list"),
        (r#"{"changes":[[]]}"#, "answered with a change 1 that is no object"),
        (r#"{"changes":["re_1"]}"#, "answered with a change 1 that is no object"),
        (r#"{"changes":[]}{"changes":[]}"#, "answered with no JSON object"),
        (r#"{"changes":["#, "answered with no JSON object"),
        (r#"{"status":"declined","code":"unsupported"}"#, "answered with no changes"),
    ] {
        let got = told(&prints(said)).expect_err(said);
        assert!(got.starts_with(says), "{said}: {got}");
    }
    let failed = told("echo 'no network' >&2; exit 75").unwrap_err();
    assert_eq!(failed, "ended with status 75: no network");
    // Longer than an answer about money may be.
    let long = format!("{{ printf '%{}s'; echo '{{\"changes\":[]}}'; }}", 1 << 20);
    assert_eq!(told(&long), Ok(Vec::new()));
    let endless = "head -c 5000000 /dev/zero | tr '\\0' ' '";
    assert_eq!(told(endless), Err("answered with more than 4096 KB".to_owned()));
}
