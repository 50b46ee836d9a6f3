//! `billing report overdue`.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::Between;
use crate::commands::Context;
use crate::domain::money::{self, Totals};
use crate::domain::stage::Stage;
use crate::failure::exit;
use crate::reports::{Bucket, Debtor, Overdue, overdue};
use crate::view::{Align, Column, Format, bar, explain, objects};

const FIELDS: &[&str] = &[
    "tenant",
    "name",
    "currency",
    "amount",
    "invoices",
    "oldest_due_on",
    "days_overdue",
    "stage",
    "next_step",
    "next_step_on",
    "rests",
];

const BUCKETS: &[Column] = &[
    ("bucket", "Days", Align::Right, 0),
    ("invoices", "Invoices", Align::Right, 0),
    ("amount", "Amount", Align::Right, 0),
    ("currency", "", Align::Left, 0),
    ("share", "Share", Align::Right, 0),
    ("bar", "", Align::Left, 1),
];

const TENANTS: &[Column] = &[
    ("tenant", "Tenant", Align::Left, 0),
    ("name", "Name", Align::Left, 3),
    ("amount", "Amount", Align::Right, 0),
    ("currency", "", Align::Left, 0),
    ("invoices", "Invoices", Align::Right, 2),
    ("oldest_due_on", "Oldest due", Align::Left, 5),
    ("days_overdue", "Days", Align::Right, 0),
    ("stage", "Stage", Align::Left, 4),
    ("next_step", "Next", Align::Left, 0),
    ("next_step_on", "On", Align::Left, 1),
];

const RESTS: &[Column] = &[
    ("tenant", "Tenant", Align::Left, 0),
    ("name", "Name", Align::Left, 2),
    ("amount", "Amount", Align::Right, 0),
    ("currency", "", Align::Left, 0),
    ("invoices", "Invoices", Align::Right, 1),
    ("oldest_due_on", "Oldest due", Align::Left, 3),
    ("days_overdue", "Days", Align::Right, 0),
    ("rests", "Rests", Align::Left, 0),
];

/// Prints it.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, days: Between) -> anyhow::Result<u8> {
    let policy = ctx.config.dunning_policy();
    let found = ctx.reader()?.read(|db| overdue(db, &ctx.clock, &policy, days.since, days.until));
    let report = found?;
    match ctx.printer.format() {
        Format::Json => ctx.printer.document(&Document {
            as_of: report.as_of,
            since: report.since,
            buckets: report.buckets.iter().map(bucket).collect(),
            tenants: Rows(&report.tenants, chased),
            rests: Rows(&report.rests, debtor),
            totals: objects::totals(&report.totals),
        })?,
        Format::Csv => {
            let mut list = ctx.printer.list(FIELDS, TENANTS);
            let all = report.tenants.iter().chain(&report.rests);
            all.map(debtor).try_for_each(|row| list.row(row))?;
            list.end()?;
        }
        Format::Table => print(ctx, &report)?,
    }
    Ok(exit::DONE)
}

/// The report as it is printed: each customer's object is made when its turn comes. All of them
/// at once would take ten times the memory of the report.
#[derive(Serialize)]
struct Document<'a> {
    as_of: NaiveDate,
    since: Option<NaiveDate>,
    buckets: Vec<Value>,
    tenants: Rows<'a>,
    rests: Rows<'a>,
    totals: Value,
}

struct Rows<'a>(&'a [Debtor], fn(&Debtor) -> Value);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

fn bucket(bucket: &Bucket) -> Value {
    json!({
        "currency": bucket.amount.currency().code(),
        "bucket": bucket.age.name,
        "invoices": bucket.invoices,
        "amount": bucket.amount.major(),
    })
}

/// What a customer owes, as an object.
pub fn debtor(debtor: &Debtor) -> Value {
    json!({
        "tenant": debtor.tenant,
        "name": debtor.name,
        "currency": debtor.amount.currency().code(),
        "amount": debtor.amount.major(),
        "invoices": debtor.invoices,
        "oldest_due_on": debtor.oldest_due_on,
        "days_overdue": debtor.days_overdue,
        "stage": debtor.stage.map(Stage::word),
        "next_step": debtor.next.map(|step| step.stage.word()),
        "next_step_on": debtor.next.map(|step| step.on),
        "rests": debtor.rests.as_ref().map(explain::reason),
    })
}

/// What is chased does not rest.
fn chased(of: &Debtor) -> Value {
    let mut row = debtor(of);
    if let Some(fields) = row.as_object_mut() {
        fields.remove("rests");
    }
    row
}

fn print(ctx: &mut Context, report: &Overdue) -> anyhow::Result<()> {
    if report.totals.is_empty() {
        return Ok(ctx.printer.text(&match report.since {
            None => format!("nothing is overdue on {}", report.as_of),
            Some(since) => {
                format!("nothing that was due since {since} is overdue on {}", report.as_of)
            }
        })?);
    }
    let due = report.since.map_or_else(String::new, |since| format!(", due since {since}"));
    let totals: Vec<_> = report.totals.iter().map(ToString::to_string).collect();
    ctx.printer.text(&format!("overdue on {}{due}: {}\n\n", report.as_of, totals.join(", ")))?;
    let buckets: Vec<_> = report.buckets.iter().map(|b| shared(b, &report.totals)).collect();
    ctx.printer.table(BUCKETS, &buckets)?;
    for (heading, columns, of) in
        [("chased", TENANTS, &report.tenants), ("rests", RESTS, &report.rests)]
    {
        if !of.is_empty() {
            ctx.printer.text(&format!("\n{heading}\n"))?;
            ctx.printer.table(columns, &of.iter().map(debtor).collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

/// A bucket with its share of what is overdue in its currency.
fn shared(of: &Bucket, totals: &Totals) -> Value {
    let (part, currency) = (of.amount.minor(), of.amount.currency());
    let total = totals.iter().find(|total| total.currency() == currency);
    let whole = total.map_or(0, |total| total.minor());
    let hundredfold = Decimal::from(part) * Decimal::ONE_HUNDRED;
    let percent = money::ratio(hundredfold, whole, 0).unwrap_or_default();
    let mut row = bucket(of);
    row["share"] = json!(format!("{percent} %"));
    row["bar"] = json!(bar(part, whole));
    row
}
