//! `billing report transactions`.

use serde_json::{Value, json};

use super::Between;
use crate::commands::Context;
use crate::failure::exit;
use crate::reports::{
    DayTally, MethodTally, RefundTally, StatusTally, Transactions, percent, transactions,
};
use crate::view::{Align, Column, Format};

const FIELDS: &[&str] =
    &["date", "currency", "succeeded", "failed", "pending", "unknown", "amount"];

const DAYS: &[Column] = &[
    ("date", "Day", Align::Left, 0),
    ("succeeded", "Succeeded", Align::Right, 0),
    ("failed", "Failed", Align::Right, 0),
    ("pending", "Pending", Align::Right, 1),
    ("unknown", "Unknown", Align::Right, 2),
    ("amount", "Amount", Align::Right, 0),
    ("currency", "", Align::Left, 0),
];

const TOTALS: &[Column] = &[
    ("status", "Status", Align::Left, 0),
    ("count", "Count", Align::Right, 0),
    ("amount", "Amount", Align::Right, 0),
    ("currency", "", Align::Left, 0),
];

const METHODS: &[Column] = &[
    ("method", "Method", Align::Left, 0),
    ("count", "Count", Align::Right, 1),
    ("succeeded", "Succeeded", Align::Right, 0),
    ("success", "Success", Align::Right, 0),
    ("amount", "Amount", Align::Right, 0),
    ("currency", "", Align::Left, 0),
];

const FAILURES: &[Column] =
    &[("code", "Code", Align::Left, 0), ("count", "Count", Align::Right, 0)];

const REFUNDS: &[Column] = &[
    ("count", "Count", Align::Right, 0),
    ("amount", "Amount", Align::Right, 0),
    ("gateway_amount", "By gateway", Align::Right, 0),
    ("outside_amount", "By hand", Align::Right, 0),
    ("currency", "", Align::Left, 0),
];

const UNAPPLIED: &[Column] = &[
    ("tenant", "Tenant", Align::Left, 0),
    ("transaction", "Transaction", Align::Left, 0),
    ("amount", "Amount", Align::Right, 0),
    ("currency", "", Align::Left, 0),
];

/// Prints it.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, args: Between) -> anyhow::Result<u8> {
    let period = args.period(ctx)?;
    let report = ctx.reader()?.read(|db| transactions(db, &ctx.clock, period))?;
    let object = object(&report);
    match ctx.printer.format() {
        Format::Json => ctx.printer.document(&object)?,
        Format::Csv => {
            let mut list = ctx.printer.list(FIELDS, DAYS);
            report.days.iter().try_for_each(|of| list.row(day(of)))?;
            list.end()?;
        }
        Format::Table => print(ctx, &report, &object)?,
    }
    Ok(exit::DONE)
}

/// The report as one object.
pub fn object(report: &Transactions) -> Value {
    json!({
        "since": report.period.since,
        "until": report.period.until,
        "totals": report.totals.iter().map(total).collect::<Vec<_>>(),
        "methods": report.methods.iter().map(method).collect::<Vec<_>>(),
        "failures": report.failures.iter().map(|failure| {
            json!({ "code": failure.code, "count": failure.count })
        }).collect::<Vec<_>>(),
        "days": report.days.iter().map(day).collect::<Vec<_>>(),
        "success_rate": report.success_rate.map(|rate| rate.to_string()),
        "refunds": report.refunds.iter().map(refunds).collect::<Vec<_>>(),
        "unapplied": report.unapplied.iter().map(|(tenant, id, amount)| json!({
            "tenant": tenant,
            "transaction": id.to_string(),
            "currency": amount.currency().code(),
            "amount": amount.major(),
        })).collect::<Vec<_>>(),
    })
}

fn total(of: &StatusTally) -> Value {
    json!({
        "currency": of.amount.currency().code(),
        "status": of.status.word(),
        "count": of.count,
        "amount": of.amount.major(),
    })
}

fn method(of: &MethodTally) -> Value {
    json!({
        "currency": of.amount.currency().code(),
        "method": of.method,
        "count": of.count,
        "succeeded": of.succeeded,
        "amount": of.amount.major(),
        "success_rate": of.success_rate().map(|rate| rate.to_string()),
    })
}

fn day(of: &DayTally) -> Value {
    json!({
        "date": of.date,
        "currency": of.amount.currency().code(),
        "succeeded": of.succeeded,
        "failed": of.failed,
        "pending": of.pending,
        "unknown": of.unknown,
        "amount": of.amount.major(),
    })
}

fn refunds(of: &RefundTally) -> Value {
    json!({
        "currency": of.amount.currency().code(),
        "count": of.by_gateway + of.by_hand,
        "amount": of.amount.major(),
        "gateway_count": of.by_gateway,
        "gateway_amount": of.by_gateway_amount.major(),
        "outside_count": of.by_hand,
        "outside_amount": of.by_hand_amount.major(),
    })
}

fn print(ctx: &mut Context, report: &Transactions, object: &Value) -> anyhow::Result<()> {
    let period = report.period;
    let success = report.success_rate.map(|rate| format!(", {} succeeded", percent(rate)));
    ctx.printer.text(&format!(
        "transactions from {} to {}{}\n\n",
        period.since,
        period.until,
        success.unwrap_or_default()
    ))?;
    let rows = |name: &str| object[name].as_array().cloned().unwrap_or_default();
    ctx.printer.table(TOTALS, &rows("totals"))?;
    let methods: Vec<Value> = report
        .methods
        .iter()
        .map(|of| {
            let mut row = method(of);
            row["success"] = json!(of.success_rate().map(percent));
            row["method"] = json!(of.method.as_deref().unwrap_or("not noted"));
            row
        })
        .collect();
    let parts = [
        ("by method", METHODS, methods),
        ("failures", FAILURES, rows("failures")),
        ("by day", DAYS, rows("days")),
        ("refunds", REFUNDS, rows("refunds")),
        ("unapplied credit", UNAPPLIED, rows("unapplied")),
    ];
    for (heading, columns, rows) in parts {
        if !rows.is_empty() {
            ctx.printer.text(&format!("\n{heading}\n"))?;
            ctx.printer.table(columns, &rows)?;
        }
    }
    Ok(())
}
