//! `billing report kpi`.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Between;
use crate::commands::Context;
use crate::failure::exit;
use crate::reports::{Kpi, Period, Target, Trend, Unit, kpi, percent};
use crate::view::{Align, Column};

/// What each figure is.
pub const FORMULAS: &str = "\
overdue_rate_count   open invoices past their due date ÷ open invoices, at the end of the last day
overdue_rate_amount  the same of what is due on them, in each currency
days_to_collect      days from issue to fully paid, mean of the invoices paid in the period
recovery_rate        of the invoices that went overdue in the period or the 60 days before it,
                     those paid by its end ÷ all of them; void ones do not count
coupon_share         first invoices of subscriptions and one-off invoices issued in the period:
                     those with a coupon ÷ all; neither renewals nor imported or void ones
acquisition_cost     ([kpi] acquisition_spend, which is taken as that of one period, + discounts
                     given in the period to customers who had paid nothing before it) ÷ customers
                     whose first payment lies in the period; in each currency. Its target is the
                     cost of the period before and [kpi] acquisition_cost_change percent
task_success_rate    runs of scheduled tasks that ended ok ÷ those that ended
emails_sent          e-mails sent in the period
emails_failed        e-mails first tried in the period that failed for good

The period before has as many days. The last day counts up to its end, and no day after today.
Targets stand in [kpi] of billing.toml.";

const FIELDS: &[&str] = &[
    "kpi",
    "currency",
    "value",
    "unit",
    "target",
    "target_to",
    "target_is",
    "met",
    "previous",
    "trend",
    "since",
    "until",
];

const COLUMNS: &[Column] = &[
    ("kpi", "Figure", Align::Left, 0),
    ("currency", "", Align::Left, 0),
    ("value", "Value", Align::Right, 0),
    ("target", "Target", Align::Right, 0),
    ("met", "Met", Align::Left, 2),
    ("previous", "Before", Align::Right, 0),
    ("trend", "", Align::Left, 1),
];

/// Prints it.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, args: Between) -> anyhow::Result<u8> {
    let period = args.period(ctx)?;
    let kpis = ctx.reader()?.read(|db| kpi(db, &ctx.clock, &ctx.config, period))?;
    if ctx.printer.for_people() {
        let before = period.before();
        ctx.printer.text(&format!(
            "from {} to {}, before: from {} to {}\n\n",
            period.since, period.until, before.since, before.until
        ))?;
        let rows: Vec<Value> = kpis.iter().map(for_people).collect();
        ctx.printer.table(COLUMNS, &rows)?;
        return Ok(exit::DONE);
    }
    let mut list = ctx.printer.list(FIELDS, COLUMNS);
    kpis.iter().try_for_each(|kpi| list.row(row(kpi, period)))?;
    list.end()?;
    Ok(exit::DONE)
}

/// A figure as an object.
pub fn row(kpi: &Kpi, period: Period) -> Value {
    let text = |value: Option<Decimal>| value.map(|value| value.to_string());
    let (target, target_to) = match kpi.target {
        Some(Target::Within(least, most)) => (Some(least), Some(most)),
        Some(Target::Below(one) | Target::AtLeast(one) | Target::AtMost(one)) => (Some(one), None),
        None => (None, None),
    };
    json!({
        "kpi": kpi.name.word(),
        "currency": kpi.currency.map(|currency| currency.code()),
        "value": text(kpi.value),
        "unit": kpi.unit.word(),
        "target": text(target),
        "target_to": text(target_to),
        "target_is": kpi.target.map(Target::word),
        "met": kpi.met(),
        "previous": text(kpi.previous),
        "trend": kpi.trend().map(Trend::word),
        "since": period.since,
        "until": period.until,
    })
}

fn for_people(kpi: &Kpi) -> Value {
    let shown = |value: Decimal| match kpi.unit {
        Unit::Rate => percent(value),
        Unit::Days => format!("{value} days"),
        Unit::Amount | Unit::Emails => value.to_string(),
    };
    let target = kpi.target.map(|target| match target {
        Target::Below(limit) => format!("< {}", shown(limit)),
        Target::AtLeast(least) => format!("≥ {}", shown(least)),
        Target::AtMost(most) => format!("≤ {}", shown(most)),
        Target::Within(least, most) => format!("{} to {}", shown(least), shown(most)),
    });
    let arrow = kpi.trend().map(|trend| match trend {
        Trend::Up => "↑",
        Trend::Down => "↓",
        Trend::Same => "=",
    });
    json!({
        "kpi": kpi.name.word().replace('_', " "),
        "currency": kpi.currency.map(|currency| currency.code()),
        "value": kpi.value.map_or("none".to_owned(), shown),
        "target": target,
        "met": kpi.met(),
        "previous": kpi.previous.map_or("none".to_owned(), shown),
        "trend": arrow,
    })
}
