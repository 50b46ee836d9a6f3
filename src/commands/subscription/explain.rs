//! `billing subscription explain`.

use serde_json::{Value, json};

use super::super::Context;
use crate::books::Explained;
use crate::domain::invoice::{Amounts, nets};
use crate::domain::recurrence::Bill;
use crate::domain::{Money, SubscriptionId};
use crate::view::{Align, Column, Format, explain, objects};

pub(super) fn explain(ctx: &mut Context, id: SubscriptionId) -> anyhow::Result<()> {
    let explained =
        ctx.read(&mut ctx.reader()?, |book| Ok(value(&book.explain_subscription(id)?)))?;
    match ctx.printer.format() {
        Format::Table => explain_to_people(ctx, &explained),
        // What is one table of it: what was billed.
        Format::Csv => {
            let mut list = ctx.printer.list(BILLED_FIELDS, BILLED);
            let billed = explained["billed"].as_array().cloned().unwrap_or_default();
            billed.into_iter().try_for_each(|row| list.row(row))?;
            Ok(list.end()?)
        }
        Format::Json => Ok(ctx.printer.document(&explained)?),
    }
}

pub(super) fn value(explained: &Explained) -> Value {
    let subscription = &explained.subscription;
    let pairs = |pairs: &[(Bill, Amounts)]| -> Vec<Value> {
        pairs.iter().map(|(bill, amounts)| explain::bill(bill, amounts)).collect()
    };
    let billed = explained.invoices.iter().map(|invoice| {
        json!({
            "invoice": invoice.number, "period": explain::period(invoice.period),
            "period_start": invoice.period.map(|(start, _)| start),
            "period_end": invoice.period.map(|(_, end)| end),
            "issued_on": invoice.issued_on, "due_on": invoice.due_on,
            "total": invoice.total.major(), "currency": invoice.total.currency().code(),
            "status": invoice.status.word(),
        })
    });
    let next = explained.next.as_ref().map(|next| {
        let mut object = explain::bill(&next.bill, &next.amounts);
        object["on"] = json!(next.bill.period.start);
        let basis = next.bill.terms.basis();
        object["tax_inclusive"] = json!(basis.is_inclusive());
        object["lines"] = objects::lines(&next.lines, &nets(&next.lines, &next.amounts, basis));
        object["if"] = json!(next.provided.map(|provided| provided.word()));
        object
    });
    let usage = explained.usage.iter().map(|(period, amounts)| {
        json!({
            "period": explain::period(Some((period.start, period.end))),
            "period_start": period.start,
            "period_end": period.end,
            "total": amounts.total.major(),
            "currency": amounts.total.currency().code(),
        })
    });
    json!({
        "usage": usage.collect::<Vec<_>>(),
        "subscription": objects::subscription(subscription, explained.status),
        "amount": subscription.terms.amount().map(Money::major).ok(),
        "tenant_currency": explained.tenant_currency.code(),
        "today": explained.today,
        "period": explain::period(subscription.period.map(|p| (p.start, p.end))),
        "reason": explain::billing_reason(&explained.decision.reason),
        "billed": billed.collect::<Vec<_>>(),
        "due": pairs(&explained.due),
        "next": next,
        "at_end": explained.at_end.as_ref().map(explain::amounts),
    })
}

const BILLED_FIELDS: &[&str] =
    &["invoice", "period", "issued_on", "due_on", "total", "currency", "status"];

pub(super) const BILLED: &[Column] = &[
    ("invoice", "Invoice", Align::Left, 0),
    ("period", "Period", Align::Left, 0),
    ("issued_on", "Issued", Align::Left, 2),
    ("due_on", "Due", Align::Left, 1),
    ("total", "Total", Align::Right, 0),
    ("currency", "", Align::Left, 0),
    ("status", "Status", Align::Left, 0),
];

pub(super) const DUE: &[Column] = &[
    ("plan", "Plan", Align::Left, 0),
    ("quantity", "Quantity", Align::Right, 0),
    ("period", "Period", Align::Left, 0),
    ("total", "Total", Align::Right, 0),
    ("currency", "", Align::Left, 0),
];

pub(super) const LINES: &[Column] = &[
    ("description", "Line", Align::Left, 0),
    ("quantity", "Quantity", Align::Right, 3),
    ("unit_price", "Unit price", Align::Right, 2),
    ("amount", "Amount", Align::Right, 0),
    ("discount", "Discount", Align::Right, 1),
    ("currency", "", Align::Left, 0),
];

/// What each costs, or, where none has a price of its own or there are several items, all of them.
fn costs(explained: &Value, has: &[String]) -> String {
    let subscription = &explained["subscription"];
    let currency = subscription["currency"].as_str().unwrap_or_default();
    let one = subscription["price"].as_str().filter(|_| has.len() == 1);
    match (one, explained["amount"].as_str()) {
        (Some(price), _) => format!("{price} {currency}"),
        (None, amount) => format!("{} {currency} in all", amount.unwrap_or_default()),
    }
}

pub(super) fn explain_to_people(ctx: &mut Context, explained: &Value) -> anyhow::Result<()> {
    let rows = |name: &str| explained[name].as_array().cloned().unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let subscription = &explained["subscription"];
    let has = explain::counted(&subscription["items"]);
    ctx.printer.text(&format!(
        "{} of {}, {}: {}, {} each {}",
        word(&subscription["id"]),
        word(&subscription["tenant"]),
        word(&subscription["status"]),
        has.join(", "),
        costs(explained, &has),
        word(&subscription["each"]),
    ))?;
    if explained["tenant_currency"] != subscription["currency"] {
        let (billed_in, has) =
            (word(&subscription["currency"]), word(&explained["tenant_currency"]));
        ctx.printer.text(&format!("billed in {billed_in}, its customer otherwise in {has}"))?;
    }
    let standing = explain::standing(subscription, ctx.config.timezone);
    standing.iter().try_for_each(|line| ctx.printer.text(line))?;
    ctx.printer.text(&format!(
        "today, {}: {}",
        word(&explained["today"]),
        word(&explained["reason"])
    ))?;
    for (name, head, columns) in
        [("billed", "billed", BILLED), ("due", "begun and not billed yet", DUE)]
    {
        let rows: Vec<_> = rows(name).into_iter().map(explain::with_items).collect();
        if !rows.is_empty() {
            ctx.printer.text(&format!("\n{head}"))?;
            ctx.printer.table(columns, &rows)?;
        }
    }
    let next = &explained["next"];
    let at_end = &explained["at_end"];
    for usage in rows("usage") {
        ctx.printer.text(&format!(
            "\nusage of {} is billed alone, {} {} so far",
            word(&usage["period"]),
            word(&usage["total"]),
            word(&usage["currency"])
        ))?;
    }
    if !at_end.is_null() {
        return Ok(ctx.printer.text(&format!(
            "\nno period follows; its end bills what is pending: total {} {}",
            word(&at_end["total"]),
            word(&at_end["currency"])
        ))?);
    }
    if next.is_null() {
        return Ok(ctx.printer.text("\nno invoice follows")?);
    }
    let provided = next["if"].as_str().map(|what| format!(", {what}")).unwrap_or_default();
    ctx.printer.text(&format!(
        "\nnext invoice, on {}{provided}, for {}",
        word(&next["on"]),
        word(&next["period"])
    ))?;
    ctx.printer.table(LINES, &next["lines"].as_array().cloned().unwrap_or_default())?;
    Ok(ctx.printer.text(&format!(
        "subtotal {}, discount {}, tax {}{}, total {} {}",
        word(&next["subtotal"]),
        word(&next["discount"]),
        word(&next["tax"]),
        if next["tax_inclusive"] == true { " in it" } else { "" },
        word(&next["total"]),
        word(&next["currency"])
    ))?)
}
