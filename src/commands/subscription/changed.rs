//! What a change in the middle of a period came to: as an object, and in words.

use serde_json::{Value, json};

use super::super::Context;
use crate::books::change::{Billed, Changed, Unbilled};
use crate::domain::Money;
use crate::domain::invoice::Invoice;
use crate::view::Format;

/// What a change comes to. Amounts are before tax, or with it where the plan's prices are; `tax` and `total`
/// are with their sign: what a credit note gives back is below nothing.
pub(super) fn changed_object(changed: &Changed) -> Value {
    let given = &changed.given;
    let document = match &changed.billed {
        Billed::Invoice(_) => Some("invoice"),
        Billed::Pending(_) => Some("pending_item"),
        Billed::Nothing if !given.notes.is_empty() => Some("credit_note"),
        Billed::Nothing if !given.lowered.is_empty() => Some("pending_item"),
        Billed::Nothing => None,
    };
    json!({
        "credit": changed.credit.major(),
        "charge": changed.charge.major(),
        "difference": changed.difference().major(),
        "tax": changed.tax.major(),
        "total": changed.total.major(),
        "currency": changed.total.currency().code(),
        "document": document,
        "bill_on": changed.bill_on,
        "not_credited": given.left.map(Money::major),
        "lines": lines(changed),
    })
}

/// What is given back, then what is billed; each by the document that says so.
fn lines(changed: &Changed) -> Vec<Value> {
    let line = |document: &str, description: &str, amount: i64| {
        let amount = Money::from_minor(amount, changed.total.currency());
        json!({
            "document": document,
            "description": description,
            "amount": amount.major(),
            "currency": amount.currency().code(),
        })
    };
    let mut lines = Vec::new();
    for (item, by) in &changed.given.lowered {
        lines.push(line("pending_item", &item.description, -by.minor()));
    }
    for note in &changed.given.notes {
        for of in &note.lines {
            let amount = of.discount.minor() - of.amount.minor();
            lines.push(line("credit_note", &of.description, amount));
        }
    }
    match &changed.billed {
        Billed::Nothing => {}
        Billed::Invoice(invoice) => {
            lines.extend(invoice.lines.iter().map(|of| {
                line("invoice", &of.description, of.amount.minor() - of.discount.minor())
            }))
        }
        Billed::Pending(item) => {
            lines.push(line("pending_item", &item.description, item.amount.minor()));
        }
    }
    lines
}

/// Prints a subscription with what a change of it came to.
pub(super) fn show_changed(
    ctx: &mut Context,
    subscription: &mut Value,
    changed: &Changed,
) -> anyhow::Result<()> {
    if ctx.printer.format() == Format::Json {
        let mut change = changed_object(changed);
        change["invoice"] = json!(match &changed.billed {
            Billed::Invoice(invoice) => Some(&invoice.number),
            _ => None,
        });
        change["pending_item"] = json!(match &changed.billed {
            Billed::Pending(item) => Some(item.id.to_string()),
            _ => None,
        });
        let notes: Vec<_> = changed.given.notes.iter().map(|note| &note.number).collect();
        change["credit_notes"] = json!(notes);
        subscription["change"] = change;
    }
    ctx.printer.object(subscription)?;
    say_what_was_done(ctx, changed);
    say_why_nothing(ctx, changed);
    Ok(())
}

fn say_what_was_done(ctx: &Context, changed: &Changed) {
    ctx.note_begun(&changed.begun);
    for (item, by) in &changed.given.lowered {
        ctx.note(&format!("note: {by} less to be billed by {}", item.id));
    }
    for note in &changed.given.notes {
        let (number, total, invoice) = (&note.number, note.amounts.total, &note.invoice);
        ctx.note(&format!("note: {number} credits {total} of {invoice}"));
    }
    match &changed.billed {
        Billed::Invoice(invoice) => ctx.note(&billed(invoice)),
        Billed::Pending(item) => {
            let on = changed.bill_on.map(|on| format!(" on {on}")).unwrap_or_default();
            ctx.note(&format!("note: {} waits as {}, to be billed{on}", item.amount, item.id));
        }
        Billed::Nothing => {}
    }
}

fn billed(invoice: &Invoice) -> String {
    format!("note: {} bills {}, due {}", invoice.number, invoice.total, invoice.due_on)
}

pub(super) fn say_why_nothing(ctx: &Context, changed: &Changed) {
    match changed.because {
        Some(Unbilled::NotBilled) => {
            ctx.note("note: nothing is billed for today, so nothing is billed or given back");
        }
        Some(Unbilled::Elsewhere { until }) => {
            ctx.note(&format!(
                "note: billed elsewhere until {until}: nothing is given back of that"
            ));
        }
        None => {}
    }
    if let (Some(left), None) = (changed.given.left, changed.because) {
        ctx.note(&format!(
            "note: {left} cannot be given back: no more was billed and not credited"
        ));
    }
}
