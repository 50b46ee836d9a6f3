use std::fs;

use super::*;
use crate::domain::{Currency, Money};
use crate::gateway::command::tests::{prints, program};

fn request() -> CheckoutRequest {
    CheckoutRequest {
        idempotency_key: "9b2e-1".into(),
        purpose: Purpose::Payment {
            amount: Money::from_minor(15_000, Currency::XOF),
            invoice: "INV-2026-000001".into(),
        },
        tenant: "acme".into(),
        return_url: "https://shop.example/thanks".into(),
        base_url: "https://shop.example".into(),
        customer: Some(Token::new("tok_secret".into())),
        created_at: DateTime::UNIX_EPOCH,
        prepared_at: DateTime::UNIX_EPOCH,
        outcome: None,
    }
}

fn setup() -> CheckoutRequest {
    CheckoutRequest { purpose: Purpose::Setup { currency: Currency::XOF }, ..request() }
}

#[test]
fn a_checkout_is_asked_in_these_bytes() {
    let (place, program) = program("cat > \"$1/asked\"; echo '{\"status\":\"pending\"}'");
    let asked = || fs::read_to_string(place.path().join("asked")).unwrap();
    let about = concat!(
        r#""idempotency_key":"9b2e-1","amount":"15000","amount_minor":15000,"currency":"XOF","#,
        r#""invoice":"INV-2026-000001","tenant":"acme""#
    );
    let back = r#""return_url":"https://shop.example/thanks"}"#;
    for _ in 0..2 {
        program.checkout(&request());
        assert_eq!(asked(), format!("{{\"version\":1,\"operation\":\"checkout\",{about},{back}\n"));
    }
    program.checkout_status(&request(), Some("page_1"));
    let of = r#""of":"checkout""#;
    let named = r#""reference":"page_1""#;
    let expected =
        format!("{{\"version\":1,\"operation\":\"status\",{of},{about},{named},{back}\n");
    assert_eq!(asked(), expected);
    program.checkout_status(&request(), None);
    assert_eq!(asked(), expected.replace(&format!("{named},"), ""));
    program.expire_checkout(&request(), "page_1");
    assert_eq!(asked(), expected.replace("\"status\"", "\"expire\""));
    program.checkout(&setup());
    assert_eq!(
        asked(),
        format!(
            "{{\"version\":1,\"operation\":\"checkout\",\"idempotency_key\":\"9b2e-1\",\
             \"currency\":\"XOF\",\"tenant\":\"acme\",\"setup\":true,{back}\n"
        )
    );
}

#[test]
fn a_page_is_taken_as_it_is_given_or_not_at_all() {
    let opened = |answer: &str| program(&prints(answer)).1.checkout(&request());
    let at = "2026-03-02T09:00:00+01:00";
    let page = |expires_at: Option<&str>| {
        Opened::Redirect(Page {
            url: "https://pay.example/1#x".into(),
            reference: "page_1".into(),
            expires_at: expires_at.map(|at| instant(at).unwrap()),
        })
    };
    let base = r#"{"status":"redirect","url":"https://pay.example/1#x","reference":"page_1""#;
    assert_eq!(opened(&format!("{base},\"expires_at\":\"{at}\"}}")), page(Some(at)));
    assert_eq!(opened(&format!("{base},\"expires_at\":null,\"more\":1}}")), page(None));
    for unsupported in
        [r#"{"status":"not_found"}"#, r#"{"status":"declined","code":"unsupported"}"#]
    {
        assert_eq!(opened(unsupported), Opened::Unsupported);
    }
    let refused = opened(r#"{"status":"declined","code":"limit","message":"too much"}"#);
    assert_eq!(refused, Opened::Refused { code: "limit".into(), message: Some("too much".into()) });
    for (answer, says) in [
        (format!("{base},\"expires_at\":\"soon\"}}"), "an expires_at that is no instant"),
        (base.replace("https", "http") + "}", "a url that is neither https nor http to this"),
        (r#"{"status":"redirect","reference":"page_1"}"#.to_owned(), "no url"),
        (r#"{"status":"redirect","url":"https://pay.example/1"}"#.to_owned(), "no reference"),
        (
            r#"{"status":"redirect","url":7,"reference":"page_1"}"#.to_owned(),
            "a url that is no text",
        ),
        // Whatever it did, it was asked for a page.
        (r#"{"status":"succeeded","reference":"ch_1"}"#.to_owned(), "an unknown status: succeeded"),
        ("<html>".to_owned(), "no JSON object"),
    ] {
        let Opened::Unknown { message } = opened(&answer) else { panic!("{answer}") };
        assert!(message.contains(says), "{answer}: {message}");
    }
    let (_place, mut gone) = program("");
    gone.command = vec!["/nonexistent/gateway".into()];
    assert!(matches!(gone.checkout(&request()), Opened::NotSent { .. }));
}

#[test]
fn what_became_of_it_is_what_it_says() {
    let asked =
        |answer: &str| program(&prints(answer)).1.checkout_status(&request(), Some("page_1"));
    let reference = Some("ch_1".to_owned());
    let paid = |method| Became::Paid { reference: reference.clone(), method };
    for (answer, became) in [
        (r#"{"status":"succeeded","reference":"ch_1"}"#, paid(PaymentMethodKind::Other)),
        (
            r#"{"status":"succeeded","reference":"ch_1","method":"card"}"#,
            paid(PaymentMethodKind::Card),
        ),
        (
            r#"{"status":"succeeded","reference":"ch_1","payment_method":{"kind":"mobile_money"}}"#,
            paid(PaymentMethodKind::MobileMoney),
        ),
        (r#"{"status":"pending"}"#, Became::Open { reference: None }),
        (r#"{"status":"pending","paying":false}"#, Became::Open { reference: None }),
        (r#"{"status":"pending","paying":true}"#, Became::OnItsWay { reference: None }),
        (r#"{"status":"redirect","reference":"ch_1"}"#, Became::Open { reference }),
        (r#"{"status":"expired"}"#, Became::Expired),
        (r#"{"status":"declined","code":"expired"}"#, Became::Expired),
        (
            r#"{"status":"declined","code":"no_funds"}"#,
            Became::Failed { code: "no_funds".into(), message: None },
        ),
        (r#"{"status":"not_found"}"#, Became::NotFound),
    ] {
        assert_eq!(asked(answer), became, "{answer}");
    }
    for bad in [r#"{"status":"succeeded","method":"gold"}"#, r#"{"status":"paid"}"#, "", "[]"] {
        assert!(matches!(asked(bad), Became::Unknown { .. }), "{bad}");
    }
    // Who does not know how to end one says nothing of it.
    let ended = |answer: &str| program(&prints(answer)).1.expire_checkout(&request(), "page_1");
    assert_eq!(ended(r#"{"status":"expired"}"#), Became::Expired);
    let no = ended(r#"{"status":"declined","code":"unknown_operation"}"#);
    assert!(matches!(no, Became::Unknown { .. }), "{no:?}");
}

#[test]
fn the_token_of_a_new_method_is_told_to_nobody() {
    let asked = |script: &str| program(script).1.checkout_status(&setup(), Some("page_1"));
    let good = r#"{"status":"succeeded","payment_method":{"kind":"card","token":"tok_new","label":"Visa"}}"#;
    let expected = NewMethod {
        kind: PaymentMethodKind::Card,
        token: Token::new("tok_new".into()),
        label: Some("Visa".into()),
    };
    assert_eq!(asked(&prints(good)), Became::SetUp(expected));
    for script in [
        prints(&good.replace("}}", "}")),
        prints(r#"{"status":"tok_new"}"#),
        prints(r#"{"status":"succeeded","payment_method":{"token":["tok_new"]}}"#),
        "echo tok_new >&2; exit 1".to_owned(),
        "echo tok_new; exit 1".to_owned(),
    ] {
        let Became::Unknown { message } = asked(&script) else { panic!("{script}") };
        assert!(!message.contains("tok_new"), "{message}");
    }
    let declined = r#"{"status":"declined","code":"no","message":"tok_new"}"#;
    let failed = Became::Failed { code: "no".into(), message: None };
    assert_eq!(asked(&prints(declined)), failed);
}
