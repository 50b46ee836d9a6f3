//! `billing report automation`.

use serde_json::{Map, Value, json};

use super::{Between, coupons};
use crate::commands::Context;
use crate::domain::act;
use crate::failure::exit;
use crate::reports::{Automation, EmailCount, LastRun, TaskLine, automation, percent};
use crate::tasks::lock::dead_runs;
use crate::view::{Align, Column, Format, objects};

const TASKS: &[Column] = &[
    ("task", "Task", Align::Left, 0),
    ("last_run_at", "Last run", Align::Left, 0),
    ("status", "Status", Align::Left, 0),
    ("duration_ms", "ms", Align::Right, 6),
    ("late", "Late", Align::Left, 0),
    ("runs", "Runs", Align::Right, 3),
    ("ok", "Ok", Align::Right, 4),
    ("partial", "Partial", Align::Right, 5),
    ("failed", "Failed", Align::Right, 2),
    ("success_rate", "Success", Align::Right, 1),
];

const EMAILS: &[Column] = &[
    ("day", "Day", Align::Left, 0),
    ("sent", "Sent", Align::Right, 0),
    ("failed", "Failed", Align::Right, 0),
    ("letters", "E-mails", Align::Left, 1),
];

/// Prints it.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, days: Between) -> anyhow::Result<u8> {
    let period = days.period(ctx)?;
    let mut store = ctx.reader()?;
    let dead = dead_runs(&mut store)?;
    let report = store.read(|db| automation(db, &ctx.clock, period, &dead))?;
    drop(store);
    match ctx.printer.format() {
        Format::Json => ctx.printer.document(&document(&report))?,
        Format::Csv => csv(ctx, &document(&report))?,
        Format::Table => print(ctx, &document(&report))?,
    }
    Ok(exit::DONE)
}

/// The report as one object.
pub fn document(report: &Automation) -> Value {
    let (emails, turns) = (&report.emails, &report.turns);
    let causes = turns.causes.iter().map(|(cause, n)| (cause.word().to_owned(), json!(n)));
    json!({
        "since": report.period.since,
        "until": report.period.until,
        "tasks": report.tasks.iter().map(task).collect::<Vec<_>>(),
        "emails_sent": emails.iter().map(|email| email.sent).sum::<u64>(),
        "emails_failed": emails.iter().map(|email| email.failed).sum::<u64>(),
        "emails_queued": report.queued,
        "emails": emails.iter().map(email).collect::<Vec<_>>(),
        "suspensions_held": report.suspensions_held,
        "tenants_suspended": turns.suspended,
        "suspension_causes": causes.collect::<Map<_, _>>(),
        "tenants_returned": turns.returned,
        "coupons": coupons::top(&report.coupons),
    })
}

fn task(line: &TaskLine) -> Value {
    let last = line.last.first();
    let run = |last: &LastRun| {
        json!({
            "run": last.run.id.to_string(), "as_of": last.run.as_of,
            "status": last.status.word(), "duration_ms": last.duration_ms,
        })
    };
    json!({
        "task": line.task.word(),
        "last_run": last.map(|last| last.run.id.to_string()),
        "last_run_at": last.map(|last| &last.run.as_of),
        "status": last.map_or("never run", |last| last.status.word()),
        "duration_ms": last.and_then(|last| last.duration_ms),
        "next_expected_at": act::instant(line.next_expected),
        "late": line.late,
        "runs": line.runs,
        "ok": line.ok,
        "partial": line.partial,
        "failed": line.failed,
        "success_rate": objects::share(line.ok, line.runs),
        "last_runs": line.last.iter().map(run).collect::<Vec<_>>(),
    })
}

fn email(count: &EmailCount) -> Value {
    json!({
        "day": count.day,
        "template": count.template.word(),
        "stage": count.template.stage().map(|stage| stage.word()),
        "sent": count.sent,
        "failed": count.failed,
    })
}

/// The sums that stand beside the lists.
const SUMS: &[&str] = &[
    "emails_sent",
    "emails_failed",
    "emails_queued",
    "suspensions_held",
    "tenants_suspended",
    "tenants_returned",
];

fn rows<'a>(document: &'a Value, field: &str) -> &'a [Value] {
    document[field].as_array().map_or(&[], Vec::as_slice)
}

fn print(ctx: &mut Context, document: &Value) -> anyhow::Result<()> {
    let word = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
    ctx.printer.text(&format!("from {} to {}\n\ntasks\n", word("since"), word("until")))?;
    let mut tasks = rows(document, "tasks").to_vec();
    for task in &mut tasks {
        let rate = task["success_rate"].as_str().and_then(|rate| rate.parse().ok());
        task["success_rate"] = json!(rate.map(percent));
    }
    ctx.printer.table(TASKS, &tasks)?;
    ctx.printer.text("\nletters\n")?;
    ctx.printer.table(EMAILS, &by_day(rows(document, "emails")))?;
    ctx.printer.text("\n")?;
    let sums = SUMS.iter().map(|name| ((*name).to_owned(), document[*name].clone()));
    ctx.printer.object(&sums.collect())?;
    ctx.printer.text("\ncoupons used most\n")?;
    Ok(ctx.printer.table(coupons::COLUMNS, rows(document, "coupons"))?)
}

/// The e-mails of each day on one row.
fn by_day(emails: &[Value]) -> Vec<Value> {
    let mut days: Vec<(&Value, u64, u64, Vec<String>)> = Vec::new();
    for email in emails {
        let count = |name: &str| email[name].as_u64().unwrap_or(0);
        let (sent, failed) = (count("sent"), count("failed"));
        let told = email["template"].as_str().map(|name| format!("{} {name}", sent + failed));
        match days.last_mut().filter(|(day, ..)| **day == email["day"]) {
            Some((_, all_sent, all_failed, all_told)) => {
                *all_sent += sent;
                *all_failed += failed;
                all_told.extend(told);
            }
            None => days.push((&email["day"], sent, failed, told.into_iter().collect())),
        }
    }
    let row = |(day, sent, failed, told): (&Value, u64, u64, Vec<String>)| json!({ "day": day, "sent": sent, "failed": failed, "letters": told.join(", ") });
    days.into_iter().map(row).collect()
}

/// One number a row, for lists of several kinds do not fit one header.
fn csv(ctx: &mut Context, document: &Value) -> anyhow::Result<()> {
    let mut list = ctx.printer.list(&["part", "item", "day", "measure", "value"], &[]);
    let mut put = |part: &str, item: &Value, day: &Value, measure: &str, value: &Value| {
        list.row(json!({
            "part": part, "item": item, "day": day, "measure": measure, "value": value,
        }))
    };
    let lists =
        [("tasks", "task", None), ("emails", "template", Some("day")), ("coupons", "code", None)];
    for (part, item, day) in lists {
        for row in rows(document, part) {
            let day = day.map_or(&Value::Null, |day| &row[day]);
            let measures = row.as_object().into_iter().flatten();
            for (measure, value) in measures.filter(|(name, _)| *name != item && *name != "day") {
                put(part, &row[item], day, measure, value)?;
            }
        }
    }
    for name in SUMS {
        put("sums", &Value::Null, &Value::Null, name, &document[*name])?;
    }
    Ok(list.end()?)
}
