//! `billing report tax`.

use serde_json::{Map, Value, json};

use super::Between;
use crate::commands::Context;
use crate::domain::{Currency, Money};
use crate::failure::exit;
use crate::reports::{TaxTotal, Taxes, taxes};
use crate::store::reports::TaxSum;
use crate::view::{Align, Column, Format};

const FIELDS: &[&str] = &[
    "category",
    "rate",
    "currency",
    "invoices",
    "net",
    "tax",
    "total",
    "credited_net",
    "credited_tax",
    "credited_total",
];

const COLUMNS: &[Column] = &[
    ("category", "Category", Align::Left, 0),
    ("rate", "Rate", Align::Right, 0),
    ("invoices", "Invoices", Align::Right, 2),
    ("net", "Net", Align::Right, 0),
    ("tax", "Tax", Align::Right, 0),
    ("total", "Total", Align::Right, 1),
    ("currency", "", Align::Left, 0),
];

/// Where there are credit notes.
const CREDITED: &[Column] = &[
    ("credited_net", "Credited net", Align::Right, 1),
    ("credited_tax", "Credited tax", Align::Right, 1),
];

/// Prints it.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, days: Between) -> anyhow::Result<u8> {
    let period = days.period(ctx)?;
    let report = ctx.reader()?.read(|db| taxes(db, period))?;
    if ctx.printer.format() == Format::Table {
        print(ctx, &report)?;
        return Ok(exit::DONE);
    }
    let mut list = ctx.printer.list_within("rates", FIELDS, COLUMNS);
    report.rates.iter().try_for_each(|sum| list.row(row(sum)))?;
    let totals: Map<String, Value> =
        report.totals.iter().map(|sum| (sum.currency.code().to_owned(), total(sum))).collect();
    list.end_with(&json!({ "since": period.since, "until": period.until, "totals": totals }))?;
    Ok(exit::DONE)
}

fn major(minor: i64, currency: Currency) -> String {
    Money::from_minor(minor, currency).major()
}

fn row(sum: &TaxSum) -> Value {
    let money = |minor| major(minor, sum.currency);
    json!({
        "category": sum.category.map(|category| category.word()),
        "rate": sum.rate.map(|rate| rate.to_string()),
        "currency": sum.currency.code(),
        "invoices": sum.invoices,
        "net": money(sum.net),
        "tax": money(sum.tax),
        "total": money(sum.net + sum.tax),
        "credited_net": money(sum.credited_net),
        "credited_tax": money(sum.credited_tax),
        "credited_total": money(sum.credited_net + sum.credited_tax),
    })
}

fn total(sum: &TaxTotal) -> Value {
    let money = |minor| major(minor, sum.currency);
    json!({ "net": money(sum.net), "tax": money(sum.tax), "total": money(sum.net + sum.tax) })
}

fn print(ctx: &mut Context, report: &Taxes) -> anyhow::Result<()> {
    let period = report.period;
    ctx.printer.text(&format!("invoiced from {} to {}\n", period.since, period.until))?;
    if report.rates.is_empty() {
        return Ok(ctx.printer.text("nothing")?);
    }
    let credited = report.rates.iter().any(|sum| sum.credited_net != 0 || sum.credited_tax != 0);
    let (columns, currency) = COLUMNS.split_at(COLUMNS.len() - 1);
    let credited = if credited { CREDITED } else { &[] };
    let rows: Vec<Value> = report.rates.iter().map(told).collect();
    ctx.printer.table(&[columns, credited, currency].concat(), &rows)?;
    ctx.printer.text("")?;
    for sum in &report.totals {
        let money = |minor| major(minor, sum.currency);
        ctx.printer.text(&format!(
            "net {}, tax {}, total {} {}",
            money(sum.net),
            money(sum.tax),
            money(sum.net + sum.tax),
            sum.currency
        ))?;
    }
    if report.rates.iter().any(|sum| sum.category.is_none()) {
        ctx.printer.text("what was imported without a rate is in none of these sums")?;
    }
    Ok(())
}

/// A row as people read it.
fn told(sum: &TaxSum) -> Value {
    let mut row = row(sum);
    match (sum.category, sum.rate) {
        (None, _) => row["category"] = json!("imported, not known"),
        (_, Some(rate)) => row["rate"] = json!(format!("{rate} %")),
        _ => {}
    }
    row
}
