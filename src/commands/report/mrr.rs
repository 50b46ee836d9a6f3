//! `billing report mrr`.

use serde_json::{Value, json};

use super::Between;
use crate::commands::Context;
use crate::domain::{Currency, Money};
use crate::failure::exit;
use crate::reports::{Mrr, MrrMonth, mrr};
use crate::view::{Align, Column, Format, sparkline};

const FIELDS: &[&str] = &[
    "month",
    "until",
    "currency",
    "start",
    "new",
    "expansion",
    "reactivation",
    "contraction",
    "churn",
    "mrr",
    "arr",
    "customers",
    "subscriptions",
];

const COLUMNS: &[Column] = &[
    ("month", "Month", Align::Left, 0),
    ("start", "Start", Align::Right, 3),
    ("new", "New", Align::Right, 0),
    ("expansion", "Expansion", Align::Right, 0),
    ("reactivation", "Reactivation", Align::Right, 4),
    ("contraction", "Contraction", Align::Right, 0),
    ("churn", "Churn", Align::Right, 0),
    ("mrr", "MRR", Align::Right, 0),
    ("arr", "ARR", Align::Right, 1),
    ("currency", "", Align::Left, 0),
    ("customers", "Customers", Align::Right, 2),
];

/// A terminal of so many columns has room for all of the table's.
const WIDE: u16 = 120;

/// Prints it.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, days: Between) -> anyhow::Result<u8> {
    let report =
        ctx.reader()?.read(|db| mrr(db, &ctx.config, &ctx.clock, days.since, days.until))?;
    if ctx.printer.format() == Format::Table {
        print(ctx, &report)?;
        return Ok(exit::DONE);
    }
    let mut list = ctx.printer.list_within("months", FIELDS, COLUMNS);
    report.months.iter().try_for_each(|month| list.row(row(month)))?;
    list.end_with(&json!({
        "as_of": report.as_of, "mrr": last(&report, 1), "arr": last(&report, 12),
    }))?;
    Ok(exit::DONE)
}

/// What it comes to now, one sum a currency, so many times.
fn last(report: &Mrr, times: i64) -> Value {
    let now = report.months.iter().filter(|month| month.until == report.as_of);
    let sums = now.map(|month| {
        let money = Money::from_minor(month.figures.mrr.saturating_mul(times), month.currency);
        (month.currency.code().to_owned(), json!(money.major()))
    });
    Value::Object(sums.collect())
}

/// A month as an object.
pub fn row(month: &MrrMonth) -> Value {
    let money = |minor: i64| Money::from_minor(minor, month.currency).major();
    let (figures, moved) = (month.figures, month.figures.movements);
    json!({
        "month": month.month.format("%Y-%m").to_string(),
        "until": month.until,
        "currency": month.currency.code(),
        "start": money(figures.start),
        "new": money(moved.new),
        "expansion": money(moved.expansion),
        "reactivation": money(moved.reactivation),
        "contraction": money(moved.contraction),
        "churn": money(moved.churn),
        "mrr": money(figures.mrr),
        "arr": money(figures.mrr.saturating_mul(12)),
        "customers": figures.customers,
        "subscriptions": figures.subscriptions,
    })
}

/// A table a currency, with its course in a line.
fn print(ctx: &mut Context, report: &Mrr) -> anyhow::Result<()> {
    let mut currencies: Vec<Currency> = report.months.iter().map(|month| month.currency).collect();
    currencies.dedup();
    currencies.sort_by_key(|currency| currency.code());
    currencies.dedup();
    for (nth, currency) in currencies.iter().enumerate() {
        let months: Vec<_> = report.months.iter().filter(|m| m.currency == *currency).collect();
        let Some(now) = months.last() else { continue };
        let line = sparkline(&months.iter().map(|m| m.figures.mrr).collect::<Vec<_>>());
        let head = if nth > 0 { "\n" } else { "" };
        ctx.printer.text(&format!(
            "{head}MRR {} on {}, ARR {}  {line}\n",
            Money::from_minor(now.figures.mrr, *currency),
            now.until,
            Money::from_minor(now.figures.mrr.saturating_mul(12), *currency),
        ))?;
        // On a narrow terminal, what never happened makes room.
        let narrow = ctx.printer.width().is_some_and(|width| width < WIDE);
        let happened = |name: &str| {
            let moved = |month: &&MrrMonth| match (name, month.figures.movements) {
                ("expansion", moved) => moved.expansion != 0,
                ("reactivation", moved) => moved.reactivation != 0,
                ("contraction", moved) => moved.contraction != 0,
                _ => true,
            };
            months.iter().any(moved)
        };
        let columns: Vec<Column> =
            COLUMNS.iter().filter(|(name, ..)| !narrow || happened(name)).copied().collect();
        let rows: Vec<Value> = months.into_iter().map(row).collect();
        ctx.printer.table(&columns, &rows)?;
    }
    if currencies.is_empty() {
        ctx.printer.text("no revenue yet")?;
    }
    Ok(())
}
