use chrono::NaiveDate;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::payment_method::PaymentMethodKind;
use crate::domain::stage::Stage;
use crate::domain::subscription::SubscriptionStatus;
use crate::domain::tenant::{SuspensionCause, TenantEdit, TenantStatus};
use crate::domain::{
    Currency, EmailId, Money, PaymentMethodId, RunId, SubscriptionId, TransactionId,
};

fn data<'a>(event: impl Into<Event<'a>>) -> Value {
    let data = event.into().data();
    serde_json::from_str(&data).unwrap_or_else(|error| panic!("{data}: {error}"))
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn eur(minor: i64) -> Money {
    Money::from_minor(minor, "EUR".parse().expect("a currency"))
}

proptest! {
    /// Other programs read what is hashed and sent: it is the JSON that everyone writes.
    #[test]
    fn a_text_is_quoted_as_others_quote_it(text in any::<String>(), control in "[\u{0}-\u{1f}\"\\\\/\u{7f}a]{0,9}") {
        for text in [text, control] {
            let mut json = String::new();
            quote(&text, &mut json);
            prop_assert_eq!(json, serde_json::to_string(&text).expect("JSON"));
        }
    }
}

#[test]
fn what_was_promised_of_payments_is_kept() {
    let event = PaymentEvent::Recorded {
        transaction: TransactionId(7),
        amount: eur(15000),
        applied: eur(12000),
        remaining: eur(0),
        currency: eur(0).currency(),
        paid_on: day("2026-03-01"),
        method: Some("transfer \"SEPA\""),
        reference: None,
    };
    let expected = json!({
        "transaction": "txn_7", "amount": "150.00", "applied": "120.00", "remaining": "0.00",
        "currency": "EUR", "paid_on": "2026-03-01", "method": "transfer \"SEPA\"",
        "reference": null,
    });
    assert_eq!(data(event), expected);
}

#[test]
fn each_way_of_coming_back_tells_what_it_told() {
    let set_back = ["INV-1".to_owned()];
    let on = day("2026-03-01");
    let cases = [
        (
            Reactivation::ByHand { promised_until: None, set_back: &set_back, on },
            json!({
                "by_hand": true, "promised_until": null, "set_back": ["INV-1"],
                "on": "2026-03-01",
            }),
        ),
        (Reactivation::SubscriptionsOnly, json!({ "by_hand": true, "subscriptions_only": true })),
        (Reactivation::Paid, json!({ "by_hand": false, "paid": true })),
        (Reactivation::Corrected, json!({ "by_hand": false, "paid": false })),
    ];
    for (how, expected) in cases {
        assert_eq!(data(TenantEvent::Reactivated { how }), expected);
    }
}

#[test]
fn a_field_that_has_nothing_to_say_is_null_or_not_there_as_it_was() {
    let issued = |coupon, discount| InvoiceEvent::Issued {
        total: Money::from_minor(15000, Currency::XOF),
        currency: Currency::XOF,
        issued_on: day("2026-03-01"),
        due_on: day("2026-03-31"),
        subscription: None,
        period_start: None,
        period_end: None,
        coupon: Extra(coupon),
        discount: Extra(discount),
    };
    let mut expected = json!({
        "total": "15000", "currency": "XOF", "issued_on": "2026-03-01", "due_on": "2026-03-31",
        "subscription": null, "period_start": null, "period_end": null,
    });
    assert_eq!(data(issued(None, None)), expected);
    expected["coupon"] = json!("TEN");
    expected["discount"] = json!("1500");
    let discount = Money::from_minor(1500, Currency::XOF);
    assert_eq!(data(issued(Some("TEN"), Some(discount))), expected);
    assert_eq!(InvoiceEvent::Voided.word(), "invoice_voided");
    assert_eq!(data(InvoiceEvent::Voided), json!({}));
}

#[test]
fn words_numbers_flags_and_lists_are_what_they_are() {
    let stage =
        InvoiceEvent::StageRecorded { stage: Stage::Urgent, days_overdue: 7, run: RunId(4) };
    let expected = json!({ "stage": "urgent", "days_overdue": 7, "run": "run_4" });
    assert_eq!(data(stage), expected);
    let created = PaymentMethodEvent::Created {
        payment_method: PaymentMethodId(3),
        kind: PaymentMethodKind::MobileMoney,
        default: false,
        label: Extra(None),
        instead_of: Extra(None),
    };
    let expected = json!({ "payment_method": "pm_3", "kind": "mobile_money", "default": false });
    assert_eq!(data(created), expected);
    let warned = ["A-1".to_owned(), "A-2".to_owned()];
    let resent = EmailEvent::Resent {
        email: EmailId(1),
        r#as: EmailId(9),
        warned: &warned,
        on: day("2026-03-01"),
    };
    let expected = json!({
        "email": "eml_1", "as": "eml_9", "warned": ["A-1", "A-2"], "on": "2026-03-01",
    });
    assert_eq!(data(resent), expected);
}

#[test]
fn a_subscription_is_told_as_it_stands() {
    let item = |quantity| {
        let price = Some("49.90".to_owned());
        Nested(subscription::ItemFacts { plan: "pro", quantity, price })
    };
    let terms = |quantity| {
        Nested(subscription::TermsFacts {
            plan: "pro",
            quantity,
            price: Some("49.90".to_owned()),
            currency: eur(0).currency(),
            items: vec![item(quantity)],
        })
    };
    let standing = Flat(Standing {
        subscription: SubscriptionId(12),
        status: SubscriptionStatus::Suspended,
        terms: terms(2),
        pending: Some(terms(3)),
        next_billing_on: Some(day("2026-04-01")),
        trial_ends_on: None,
        ends_on: None,
    });
    let cause = SuspensionCause::Overdue;
    let event = SubscriptionEvent::Suspended { standing, cause, with_tenant: true.into() };
    let expected = json!({
        "subscription": "sub_12", "status": "suspended",
        "terms": { "plan": "pro", "quantity": 2, "price": "49.90", "currency": "EUR",
            "items": [{ "plan": "pro", "quantity": 2, "price": "49.90" }] },
        "pending": { "plan": "pro", "quantity": 3, "price": "49.90", "currency": "EUR",
            "items": [{ "plan": "pro", "quantity": 3, "price": "49.90" }] },
        "next_billing_on": "2026-04-01", "trial_ends_on": null, "ends_on": null,
        "cause": "overdue", "with_tenant": true,
    });
    assert_eq!(data(event), expected);
}

#[test]
fn an_edit_tells_what_was_and_what_is() {
    let facts = |name, tax_id| TenantFacts {
        name,
        email: "pay@acme.example",
        currency: Currency::XOF,
        cc: &[],
        locale: crate::domain::email::Locale::Fr,
        country: None,
        address: None,
        tax_id,
        street: None,
        postcode: None,
        city: None,
        legal_id: None,
        vat_id: None,
        electronic_address: None,
        customer_kind: None,
        tax_category: None,
        tax_reason: None,
        tax_rate: None,
        external_id: None,
        metadata: super::values::Texts("{}"),
        created_on: "2026-01-01".parse().unwrap(),
        status: TenantStatus::Active,
    };
    let (before, after) = (facts("Acme", None), facts("Acme Ltd", Some("1")));
    let edit = TenantEdit {
        name: Some("Acme Ltd".to_owned()),
        tax_id: Some("1".to_owned()),
        ..TenantEdit::default()
    };
    let values = json!({
        "before": { "name": "Acme", "tax_id": null },
        "after": { "name": "Acme Ltd", "tax_id": "1" },
    });
    let mut expected = values.clone();
    expected["name"] = json!("Acme Ltd");
    expected["tax_id"] = json!("1");
    assert_eq!(data(TenantEvent::edited(Some(&edit), &before, &after)), expected);
    let mut expected = values;
    expected["imported"] = json!(true);
    expected["changed"] = json!(["name", "tax_id"]);
    assert_eq!(data(TenantEvent::edited(None, &before, &after)), expected);
}

/// What hooks and scripts tell kinds by.
#[test]
fn each_kind_has_a_word_of_its_own() {
    let mut words: Vec<_> =
        NOUNS.iter().flat_map(|(_, kinds)| kinds.iter().map(|kind| kind.word)).collect();
    let count = words.len();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), count);
    for kind in NOUNS.iter().flat_map(|(_, kinds)| *kinds) {
        let mut names: Vec<_> = kind
            .data
            .iter()
            .flat_map(|field| match field.parts {
                Some(parts) => parts.fields.iter().map(|part| part.name).collect(),
                None => vec![field.name],
            })
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{}: two fields have one name", kind.word);
    }
}
