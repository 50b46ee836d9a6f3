//! `billing usage show`.

use clap::Args;
use serde_json::{Value, json};

use super::super::{Context, words};
use super::Of;
use crate::books::{AskedPeriod, UsedInPeriod, UsedOfMeter};
use crate::domain::invoice::Line;
use crate::domain::{Money, calendar, money, words as declare};
use crate::view::{Align, Column, Format, explain};

declare! {
    /// By what the usage is told apart.
    By { Day = "day" }
}

#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    of: Of,
    /// Only what this meter measured
    #[arg(long, value_name = "M")]
    meter: Option<String>,
    /// The period: the current one, the last, or the one that contains a day
    #[arg(long, value_name = "current|last|DATE", default_value = "current", value_parser = period)]
    period: AskedPeriod,
    /// Day by day, too
    #[arg(long, value_parser = words::<By>())]
    by: Option<By>,
}

fn period(text: &str) -> Result<AskedPeriod, String> {
    match text {
        "current" => Ok(AskedPeriod::Current),
        "last" => Ok(AskedPeriod::Last),
        day => calendar::parse_date(day)
            .map(AskedPeriod::On)
            .map_err(|_| "current, last, or a date such as 2026-03-01".to_owned()),
    }
}

const METERS: &[Column] = &[
    ("meter", "Meter", Align::Left, 0),
    ("name", "Name", Align::Left, 2),
    ("quantity", "Quantity", Align::Right, 0),
    ("unit", "", Align::Left, 1),
    ("amount", "Amount", Align::Right, 0),
    ("billed", "Billed", Align::Right, 1),
    ("currency", "", Align::Left, 0),
];

const METER_FIELDS: &[&str] =
    &["meter", "name", "aggregation", "unit", "quantity", "events", "amount", "billed", "currency"];

const LINES: &[Column] = &[
    ("description", "Line", Align::Left, 0),
    ("quantity", "Quantity", Align::Right, 1),
    ("unit_price", "Unit price", Align::Right, 1),
    ("amount", "Amount", Align::Right, 0),
    ("currency", "", Align::Left, 0),
];

const DAYS: &[Column] = &[
    ("day", "Day", Align::Left, 0),
    ("meter", "Meter", Align::Left, 0),
    ("events", "Events", Align::Right, 1),
    ("quantity", "Quantity", Align::Right, 0),
];

pub(super) fn run(ctx: &mut Context, args: &Show) -> anyhow::Result<()> {
    let used = ctx.read(&mut ctx.reader()?, |book| {
        let meter = args.meter.as_deref().map(|code| book.db.meter(code)).transpose()?;
        let id = match (args.of.subscription, &args.of.tenant) {
            (Some(id), _) => id,
            (None, name) => book.metered_subscription(name.as_deref().unwrap_or_default())?,
        };
        book.used_in(id, args.period, meter.as_ref())
    })?;
    let object = object(&used, args.by);
    let rows = |name: &str| object[name].as_array().cloned().unwrap_or_default();
    match ctx.printer.format() {
        Format::Json => Ok(ctx.printer.document(&object)?),
        Format::Csv => {
            let mut list = ctx.printer.list(METER_FIELDS, METERS);
            rows("meters").into_iter().try_for_each(|row| list.row(row))?;
            Ok(list.end()?)
        }
        Format::Table => to_people(ctx, &object),
    }
}

fn to_people(ctx: &mut Context, object: &Value) -> anyhow::Result<()> {
    let word = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
    let meters = object["meters"].as_array().cloned().unwrap_or_default();
    let says = match word("status").as_str() {
        "free" => ", on trial: free",
        "billed" => ", billed",
        "late" => ", billed, and changed since",
        _ => ", not billed yet",
    };
    ctx.printer.text(&format!(
        "{} of {}, {}{says}",
        word("subscription"),
        word("tenant"),
        word("period")
    ))?;
    ctx.printer.table(METERS, &meters)?;
    let all = |field: &str| -> Vec<Value> {
        let of = |meter: &Value| meter[field].as_array().cloned().unwrap_or_default();
        meters.iter().flat_map(of).collect()
    };
    for (field, head, columns) in
        [("lines", "as an invoice says it", LINES), ("days", "day by day", DAYS)]
    {
        let rows = all(field);
        if !rows.is_empty() {
            ctx.printer.text(&format!("\n{head}"))?;
            ctx.printer.table(columns, &rows)?;
        }
    }
    Ok(ctx.printer.text(&format!("\n{} {} so far", word("amount"), word("currency")))?)
}

fn object(used: &UsedInPeriod, by: Option<By>) -> Value {
    let UsedInPeriod { subscription, period, free, meters, amount } = used;
    let bounds = (period.period.start, period.period.end);
    let status = match (free, period.billed, period.late) {
        (true, ..) => "free",
        (false, true, None) => "billed",
        (false, true, Some(_)) => "late",
        (false, false, _) => "open",
    };
    json!({
        "subscription": subscription.id.to_string(),
        "tenant": subscription.tenant,
        "period": explain::period(Some(bounds)),
        "period_start": bounds.0,
        "period_end": bounds.1,
        "status": status,
        "meters": meters.iter().map(|meter| of_meter(meter, by)).collect::<Vec<_>>(),
        "amount": amount.major(),
        "currency": amount.currency().code(),
    })
}

fn of_meter(used: &UsedOfMeter, by: Option<By>) -> Value {
    let meter = &used.meter;
    let mut object = json!({
        "meter": meter.code,
        "name": meter.name,
        "aggregation": meter.aggregation.word(),
        "unit": meter.unit,
        "quantity": quantity(used.quantity),
        "events": used.events,
        "amount": used.amount.major(),
        "billed": used.billed.major(),
        "currency": used.amount.currency().code(),
        "lines": used.lines.iter().map(line).collect::<Vec<_>>(),
    });
    if by.is_some() {
        let day = |(day, events, many): &(chrono::NaiveDate, i64, rust_decimal::Decimal)| json!({ "day": day, "meter": meter.code, "events": events, "quantity": quantity(*many) });
        object["days"] = used.days.iter().map(day).collect();
    }
    object
}

/// A quantity as lines of invoices have it: a number where it is a whole one, else decimal text.
fn quantity(many: rust_decimal::Decimal) -> Value {
    let many = many.normalize();
    match i64::try_from(many) {
        Ok(count) if many.is_integer() => json!(count),
        _ => json!(many.to_string()),
    }
}

fn line(line: &Line) -> Value {
    let currency = line.amount.currency();
    json!({
        "description": line.description,
        "quantity": quantity(line.quantity),
        "unit_price": line.unit_price.map(|price| money::major(price, currency)),
        "amount": Money::major(line.amount),
        "currency": currency.code(),
    })
}
