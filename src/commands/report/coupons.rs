//! `billing report coupons`.

use serde_json::{Value, json};

use super::Between;
use crate::commands::Context;
use crate::failure::exit;
use crate::reports::{CouponLine, Coupons, coupons};
use crate::view::{Align, Column, Format, objects};

const FIELDS: &[&str] = &[
    "code",
    "name",
    "uses",
    "customers",
    "customers_checked",
    "conversion",
    "discount_given",
    "revenue",
];

/// Columns of the coupons that were used most.
pub const COLUMNS: &[Column] = &[
    ("code", "Coupon", Align::Left, 0),
    ("uses", "Uses", Align::Right, 0),
    ("customers", "Customers", Align::Right, 1),
    ("customers_checked", "Checked by", Align::Right, 2),
    ("conversion", "Conversion", Align::Right, 0),
    ("discount_given", "Discount given", Align::Right, 0),
    ("revenue", "Revenue with it", Align::Right, 0),
];

/// Prints it.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, days: Between) -> anyhow::Result<u8> {
    let period = days.period(ctx)?;
    let report = ctx.reader()?.read(|db| coupons(db, &ctx.clock, period))?;
    match ctx.printer.format() {
        Format::Json => ctx.printer.document(&document(&report))?,
        Format::Csv => {
            let mut list = ctx.printer.list(FIELDS, COLUMNS);
            top(&report).into_iter().try_for_each(|row| list.row(row))?;
            list.end()?;
        }
        Format::Table => {
            let all = sums(&report);
            ctx.printer.text(&format!("coupons from {} to {}\n", period.since, period.until))?;
            ctx.printer.object(&all)?;
            ctx.printer.text("\nused most\n")?;
            ctx.printer.table(COLUMNS, &top(&report))?;
        }
    }
    Ok(exit::DONE)
}

/// The report as one object.
pub fn document(report: &Coupons) -> Value {
    let mut object = json!({ "since": report.period.since, "until": report.period.until });
    if let (Some(object), Value::Object(all)) = (object.as_object_mut(), sums(report)) {
        object.extend(all);
    }
    object["top"] = Value::Array(top(report));
    object
}

/// The coupons that were used most.
pub fn top(report: &Coupons) -> Vec<Value> {
    report.top.iter().map(row).collect()
}

fn row(line: &CouponLine) -> Value {
    let mut row = json!({ "code": line.coupon.code, "name": line.coupon.offer.name });
    let sums = objects::coupon_sums(&line.stats);
    for field in &FIELDS[2..] {
        row[*field] = sums[*field].clone();
    }
    row
}

fn sums(report: &Coupons) -> Value {
    let sums = objects::coupon_sums(&report.all);
    FIELDS[2..].iter().map(|field| ((*field).to_owned(), sums[*field].clone())).collect()
}
