//! `billing report usage`.

use serde_json::{Value, json};

use super::Between;
use crate::commands::Context;
use crate::domain::money::Totals;
use crate::domain::{Money, Refusal};
use crate::failure::exit;
use crate::store::reports::UsageSum;
use crate::view::{Align, Column, Format, objects};

const FIELDS: &[&str] =
    &["meter", "name", "currency", "subscriptions", "billed", "credited", "revenue"];

const COLUMNS: &[Column] = &[
    ("meter", "Meter", Align::Left, 0),
    ("name", "Name", Align::Left, 2),
    ("subscriptions", "Subscriptions", Align::Right, 1),
    ("billed", "Billed", Align::Right, 0),
    ("credited", "Credited", Align::Right, 0),
    ("revenue", "Revenue", Align::Right, 0),
    ("currency", "", Align::Left, 0),
];

/// Prints it.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, days: Between) -> anyhow::Result<u8> {
    let period = days.period(ctx)?;
    let sums = ctx.reader()?.read(|db| db.usage_sums(period.since, period.until))?;
    let mut totals = Totals::default();
    for sum in &sums {
        totals.add(revenue(sum)).map_err(Refusal::from)?;
    }
    let rows = sums.iter().map(row);
    if ctx.printer.format() == Format::Table {
        ctx.printer.text(&format!("usage billed from {} to {}\n", period.since, period.until))?;
        if sums.is_empty() {
            ctx.printer.text("nothing")?;
            return Ok(exit::DONE);
        }
        ctx.printer.table(COLUMNS, &rows.collect::<Vec<_>>())?;
        for total in totals.iter() {
            ctx.printer.text(&format!("\n{total} in all"))?;
        }
        return Ok(exit::DONE);
    }
    let mut list = ctx.printer.list_within("meters", FIELDS, COLUMNS);
    rows.into_iter().try_for_each(|row| list.row(row))?;
    let totals = objects::totals(&totals);
    list.end_with(&json!({ "since": period.since, "until": period.until, "totals": totals }))?;
    Ok(exit::DONE)
}

fn revenue(sum: &UsageSum) -> Money {
    Money::from_minor(sum.billed - sum.credited, sum.currency)
}

fn row(sum: &UsageSum) -> Value {
    let major = |minor| Money::from_minor(minor, sum.currency).major();
    json!({
        "meter": sum.meter,
        "name": sum.name,
        "currency": sum.currency.code(),
        "subscriptions": sum.subscriptions,
        "billed": major(sum.billed),
        "credited": major(sum.credited),
        "revenue": revenue(sum).major(),
    })
}
