//! The sandbox: answers from the token, and takes no money.

use crate::domain::charge::{Answer, ChargeRequest, TOO_SMALL};

/// Answers a charge. `tok_flaky_N` declines N times: how often it was asked for this debt stands
/// at the end of the key, which counts the attempts of a transaction.
pub fn charge(request: &ChargeRequest) -> Answer {
    let succeeded = || Answer::Succeeded { reference: Some(reference(request)) };
    match request.token.reveal() {
        "tok_ok" => succeeded(),
        "tok_declined" => declined("insufficient_funds", true),
        "tok_declined_hard" => declined("stolen_card", false),
        // Takes half of a major unit at least, as Stripe does in EUR.
        "tok_least" if request.amount.minor() < 50 => declined(TOO_SMALL, true),
        "tok_least" => succeeded(),
        "tok_pending" => Answer::Pending { reference: Some(reference(request)) },
        "tok_unknown" => Answer::Unknown { message: "the sandbox says nothing".to_owned() },
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

fn declined(code: &str, retryable: bool) -> Answer {
    let message = Some(format!("the sandbox declines this token: {code}"));
    Answer::Declined { code: code.to_owned(), message, retryable }
}

fn reference(request: &ChargeRequest) -> String {
    format!("sandbox_{}", request.idempotency_key)
}

/// The number of the attempt, from 1, that ends a key: `…-2`.
fn try_number(key: &str) -> u64 {
    key.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::charge::Token;
    use crate::domain::payment_method::PaymentMethodKind;
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
