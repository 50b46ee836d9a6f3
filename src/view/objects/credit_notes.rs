//! Credit notes as objects.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{BUYER_PARTS, SELLER_PARTS, party};
use crate::domain::credit_note::{CreditNote, CreditReason, Drawn, NoteLine, Split};
use crate::domain::invoice::{Amounts, Invoice};
use crate::view::{Align, Column};

/// Columns of `credit-note list`.
pub const CREDIT_NOTES: &[Column] = &[
    ("number", "Credit note", Align::Left, 0),
    ("invoice", "Invoice", Align::Left, 0),
    ("tenant", "Tenant", Align::Left, 1),
    ("issued_on", "Issued on", Align::Left, 0),
    ("reason", "Reason", Align::Left, 4),
    ("total", "Total", Align::Right, 0),
    ("currency", "", Align::Left, 0),
    ("reduces_due", "Off the due", Align::Right, 2),
    ("to_credit", "To credit", Align::Right, 2),
    ("refunded", "Refunded", Align::Right, 2),
    ("outside", "By hand", Align::Right, 5),
    ("refund_status", "Refund", Align::Left, 4),
];

/// Fields of a credit note.
pub const CREDIT_NOTE_FIELDS: &[&str] = &[
    "number",
    "tenant",
    "invoice",
    "subscription",
    "reason",
    "memo",
    "subtotal",
    "discount",
    "tax_rate",
    "tax",
    "tax_inclusive",
    "total",
    "currency",
    "reduces_due",
    "to_credit",
    "refunded",
    "outside",
    "lost",
    "refund_status",
    "issued_on",
    "created_at",
];

/// A credit note.
pub fn credit_note(note: &CreditNote) -> Value {
    let mut object = json!({
        "number": note.number,
        "tenant": note.tenant,
        "invoice": note.invoice,
        "subscription": note.subscription.map(|id| id.to_string()),
        "reason": note.reason.word(),
        "memo": note.memo,
    });
    sums(&mut object, note.tax_rate, &note.lines, &note.amounts, &note.split);
    object["tax_inclusive"] = json!(note.basis.is_inclusive());
    object["lost"] = json!(note.lost.major());
    object["refund_status"] = json!(note.refund_status.word());
    object["issued_on"] = json!(note.issued_on);
    object["seller"] = party(&note.seller, SELLER_PARTS);
    object["buyer"] = party(&note.buyer, BUYER_PARTS);
    object["created_at"] = json!(note.created_at);
    object
}

/// What is said of a credit note that is foreseen.
#[derive(Debug, Clone, Copy)]
pub struct Foreseen<'a> {
    pub reason: CreditReason,
    pub memo: Option<&'a str>,
    pub issued_on: NaiveDate,
}

/// What a credit note would come to.
pub fn planned_credit_note(
    invoice: &Invoice,
    (drawn, split): (&Drawn, &Split),
    new: &Foreseen,
) -> Value {
    let mut object = json!({
        "number": null,
        "tenant": invoice.tenant,
        "invoice": invoice.number,
        "subscription": invoice.subscription_id.map(|id| id.to_string()),
        "reason": new.reason.word(),
        "memo": new.memo,
    });
    sums(&mut object, invoice.tax_rate, &drawn.lines, &drawn.amounts, split);
    object["issued_on"] = json!(new.issued_on);
    object["dry_run"] = json!(true);
    object
}

fn sums(object: &mut Value, rate: Decimal, lines: &[NoteLine], amounts: &Amounts, split: &Split) {
    object["lines"] = lines.iter().map(line).collect();
    object["subtotal"] = json!(amounts.subtotal.major());
    object["discount"] = json!(amounts.discount.major());
    object["tax_rate"] = json!(rate.normalize().to_string());
    object["tax"] = json!(amounts.tax.major());
    object["total"] = json!(amounts.total.major());
    object["currency"] = json!(amounts.total.currency().code());
    object["reduces_due"] = json!(split.reduces_due.major());
    object["to_credit"] = json!(split.to_credit.major());
    object["refunded"] = json!(split.refunded.major());
    object["outside"] = json!(split.outside.major());
}

fn line(line: &NoteLine) -> Value {
    json!({
        "line": line.line,
        "description": line.description,
        "amount": line.amount.major(),
        "discount": line.discount.major(),
        "net": line.net.major(),
        "currency": line.amount.currency().code(),
    })
}
