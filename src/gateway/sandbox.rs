//! The sandbox: answers from the token, and takes no money.

use chrono::{DateTime, Utc};

use crate::domain::charge::{Answer, ChargeRequest, TOO_SMALL, Token};
use crate::domain::checkout::{
    Became, CheckoutRequest, LIFETIME, NewMethod, Opened, Page, Purpose, SandboxOutcome,
};
use crate::domain::gateway_refund::RefundRequest;
use crate::domain::payment_method::PaymentMethodKind;

/// What each reference of the sandbox begins with.
const OURS: &str = "sandbox_";

/// Tokens that are charged as `tok_ok`, and what their references begin with: the sandbox keeps
/// nothing, and a refund knows no more of its charge than that.
const OF_REFUND: [(&str, &str); 3] = [
    ("tok_refund_pending", "sandbox_refund_pending_"),
    ("tok_refund_fails", "sandbox_refund_fails_"),
    ("tok_refund_unknown", "sandbox_refund_unknown_"),
];

/// Answers a charge. `tok_flaky_N` declines N times: how often it was asked for this debt stands
/// at the end of the key, which counts the attempts of a transaction.
pub fn charge(request: &ChargeRequest) -> Answer {
    let succeeded = || Answer::Succeeded { reference: Some(reference(request)) };
    match request.token.reveal() {
        "tok_ok" => succeeded(),
        token if of_refund(token).is_some() => succeeded(),
        "tok_declined" => declined("insufficient_funds", true),
        "tok_declined_hard" => declined("stolen_card", false),
        // Takes half of a major unit at least, as Stripe does in EUR.
        "tok_least" if request.amount.minor() < 50 => declined(TOO_SMALL, true),
        "tok_least" => succeeded(),
        "tok_pending" => Answer::Pending { reference: Some(reference(request)) },
        "tok_unknown" => Answer::Unknown { message: SILENT.to_owned() },
        flaky => match flaky.strip_prefix("tok_flaky_").and_then(|n| n.parse::<u64>().ok()) {
            Some(times) if try_number(&request.idempotency_key) > times => succeeded(),
            Some(_) => declined("insufficient_funds", true),
            None => declined("unknown_token", false),
        },
    }
}

/// Answers what became of a charge: what is pending stays so, and of what is unknown nothing is
/// known.
pub fn status(request: &ChargeRequest) -> Answer {
    charge(request)
}

/// Answers a refund, and what became of one: what is pending stays so, as of a charge. A charge that
/// the sandbox did not take it does not give back.
pub fn refund(request: &RefundRequest) -> Answer {
    let reference = Some(format!("{OURS}{}", request.idempotency_key));
    let refuse = |code: &str, message: &str| Answer::Declined {
        code: code.to_owned(),
        message: Some(message.to_owned()),
        retryable: false,
    };
    let told = OF_REFUND.iter().find(|(_, prefix)| request.charge.starts_with(prefix));
    match told.map(|(token, _)| *token) {
        Some("tok_refund_pending") => Answer::Pending { reference },
        Some("tok_refund_fails") => refuse("refund_failed", "the sandbox fails this refund"),
        Some(_) => Answer::Unknown { message: SILENT.to_owned() },
        None if request.charge.starts_with(OURS) => Answer::Succeeded { reference },
        None => refuse("unknown_charge", "the sandbox took no such charge"),
    }
}

/// Answers a checkout: its page is the portal's own.
pub fn checkout(request: &CheckoutRequest) -> Opened {
    let reference = format!("{OURS}{}", request.idempotency_key);
    let url = format!("{}/sandbox/{reference}", request.base_url.trim_end_matches('/'));
    Opened::Redirect(Page { url, reference, expires_at: Some(request.created_at + LIFETIME) })
}

/// Answers what became of a checkout: what was chosen on its page, until a day is over.
pub fn checkout_status(request: &CheckoutRequest, now: DateTime<Utc>) -> Became {
    let reference = format!("{OURS}{}", request.idempotency_key);
    match (request.outcome, &request.purpose) {
        (Some(SandboxOutcome::Succeeded), Purpose::Payment { .. }) => {
            Became::Paid { reference: Some(reference), method: PaymentMethodKind::Card }
        }
        (Some(SandboxOutcome::Succeeded), Purpose::Setup { .. }) => Became::SetUp(NewMethod {
            kind: PaymentMethodKind::Card,
            token: Token::new("tok_ok".to_owned()),
            label: Some("Sandbox".to_owned()),
        }),
        (Some(SandboxOutcome::Declined), _) => Became::Failed {
            code: "insufficient_funds".to_owned(),
            message: Some("the sandbox declined it".to_owned()),
        },
        (Some(SandboxOutcome::Pending), Purpose::Payment { .. }) => {
            Became::OnItsWay { reference: Some(reference) }
        }
        (Some(SandboxOutcome::Pending), _) => Became::Open { reference: Some(reference) },
        (None, _) if now >= request.created_at + LIFETIME => Became::Expired,
        (None, _) => Became::Open { reference: Some(reference) },
    }
}

/// Ends a checkout, unless something was chosen on its page.
pub fn expire_checkout(request: &CheckoutRequest, now: DateTime<Utc>) -> Became {
    match request.outcome {
        None => Became::Expired,
        Some(_) => checkout_status(request, now),
    }
}

const SILENT: &str = "the sandbox says nothing";

fn declined(code: &str, retryable: bool) -> Answer {
    let message = Some(format!("the sandbox declines this token: {code}"));
    Answer::Declined { code: code.to_owned(), message, retryable }
}

fn reference(request: &ChargeRequest) -> String {
    let prefix = of_refund(request.token.reveal()).unwrap_or(OURS);
    format!("{prefix}{}", request.idempotency_key)
}

/// What the references of a token begin with, where it says what becomes of its refund.
fn of_refund(token: &str) -> Option<&'static str> {
    OF_REFUND.iter().find(|(named, _)| *named == token).map(|(_, prefix)| *prefix)
}

/// The number of the attempt, from 1, that ends a key: `…-2`.
fn try_number(key: &str) -> u64 {
    key.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Money, PaymentMethodId};

    fn request(token: &str, number: u32) -> ChargeRequest {
        ChargeRequest {
            idempotency_key: format!("9b2e-txn1-{number}"),
            amount: Money::from_minor(15_000, Currency::XOF),
            invoice: "INV-2026-000001".into(),
            tenant: "acme".into(),
            method: PaymentMethodId(1),
            kind: PaymentMethodKind::Card,
            token: Token::new(token.into()),
            created_at: chrono::DateTime::UNIX_EPOCH,
            prepared_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn each_token_answers_as_its_name_says() {
        let answers = |token: &str| charge(&request(token, 1));
        assert!(matches!(answers("tok_ok"), Answer::Succeeded { .. }));
        assert!(matches!(answers("tok_declined"), Answer::Declined { retryable: true, .. }));
        assert!(matches!(answers("tok_declined_hard"), Answer::Declined { retryable: false, .. }));
        assert!(matches!(answers("tok_pending"), Answer::Pending { .. }));
        assert!(matches!(answers("tok_unknown"), Answer::Unknown { .. }));
        assert!(matches!(answers("4242"), Answer::Declined { retryable: false, .. }));
    }

    /// Charges the token, and gives back what it was charged.
    fn refunded(token: &str) -> Answer {
        let Answer::Succeeded { reference: Some(charge) } = charge(&request(token, 1)) else {
            panic!("{token} is not charged")
        };
        refund(&refund_of(&charge))
    }

    fn refund_of(charge: &str) -> RefundRequest {
        RefundRequest {
            idempotency_key: "9b2e-txn2-1".into(),
            amount: Money::from_minor(5_000, Currency::XOF),
            invoice: "INV-2026-000001".into(),
            tenant: "acme".into(),
            charge: charge.into(),
            credit_note: None,
            created_at: chrono::DateTime::UNIX_EPOCH,
            prepared_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_refund_comes_to_what_the_token_of_its_charge_says() {
        let reference = Some("sandbox_9b2e-txn2-1".to_owned());
        for token in ["tok_ok", "tok_least", "tok_flaky_0"] {
            let succeeded = Answer::Succeeded { reference: reference.clone() };
            assert_eq!(refunded(token), succeeded, "{token}");
        }
        assert_eq!(refunded("tok_refund_pending"), Answer::Pending { reference });
        let Answer::Declined { code, retryable, .. } = refunded("tok_refund_fails") else {
            panic!("it fails")
        };
        assert_eq!((code.as_str(), retryable), ("refund_failed", false));
        assert!(matches!(refunded("tok_refund_unknown"), Answer::Unknown { .. }));
        for charge in ["pi_1", "", "refund_fails"] {
            let answer = refund(&refund_of(charge));
            assert!(matches!(answer, Answer::Declined { retryable: false, .. }), "{charge}");
        }
    }

    #[test]
    fn a_flaky_token_declines_so_often_and_then_succeeds() {
        let answers: Vec<bool> = (1..=4)
            .map(|number| {
                matches!(charge(&request("tok_flaky_2", number)), Answer::Succeeded { .. })
            })
            .collect();
        assert_eq!(answers, [false, false, true, true]);
    }
}
