//! What a task would do, printed: nothing is written.

use serde_json::{Value, json};

use super::summary::tell_errors;
use super::{Simulate, summary};
use crate::clock::Clock;
use crate::commands::{Context, out_failed, scratch_folder};
use crate::config::Config;
use crate::domain::invoice::Amounts;
use crate::domain::recurrence::{Decision, Reason};
use crate::domain::refusal::Why;
use crate::domain::schedule::Task;
use crate::domain::subscription::Subscription;
use crate::domain::{Refusal, calendar};
use crate::failure::exit;
use crate::gateway::Gateway;
use crate::mail::Transport;
use crate::store::Email;
use crate::tasks::generate_recurring_invoices as recurring;
use crate::tasks::{self, Given, Options, Report, Tally, simulate};
use crate::view::{Align, Column, Format, explain};

/// What `generate-recurring-invoices` would issue.
pub fn generate_recurring_invoices(ctx: &mut Context, options: &Options) -> anyhow::Result<u8> {
    let mut store = ctx.reader()?;
    let gateway = super::gateway(&ctx.config);
    let given = given(&ctx.config, &ctx.clock, &gateway);
    let for_people = ctx.printer.format() == Format::Table;
    let mut list = ctx.printer.list_within("decisions", BILL_FIELDS, BILLS);
    let done = recurring::dry_run(
        &mut store,
        &given,
        options,
        |subscription, decision, amounts, at_end| {
            let rows = bills(subscription, decision, amounts, at_end).into_iter();
            let row = |row| if for_people { explain::with_items(row) } else { row };
            let mut rows = rows.map(row);
            rows.try_for_each(|row| list.row(row)).map_err(out_failed)
        },
    )?;
    let report = Report::of_dry_run(Task::GenerateRecurringInvoices, &ctx.clock, done);
    list.end_with(&serde_json::to_value(&report)?)?;
    end(ctx, &report)
}

/// What `retry-failed-payments` would do: nobody is called.
pub fn retry_failed_payments(ctx: &mut Context) -> anyhow::Result<u8> {
    let mut store = ctx.reader()?;
    let gateway = super::gateway(&ctx.config);
    let given = given(&ctx.config, &ctx.clock, &gateway);
    let mut list = ctx.printer.list_within("decisions", CHARGE_FIELDS, CHARGES);
    let done = tasks::retry_failed_payments::dry_run(&mut store, &given, |candidate| {
        list.row(json!({
            "tenant": candidate.tenant, "invoice": candidate.invoice,
            "transaction": candidate.transaction, "amount": candidate.amount.major(),
            "currency": candidate.amount.currency().code(), "action": candidate.action,
            "reason": candidate.reason,
        }))
        .map_err(out_failed)
    })?;
    let report = Report::of_dry_run(Task::RetryFailedPayments, &ctx.clock, done);
    list.end_with(&serde_json::to_value(&report)?)?;
    end(ctx, &report)
}

/// What a dry run is given: no e-mail leaves, and the gateway is named and not called.
fn given<'a>(config: &'a Config, clock: &'a Clock, gateway: &'a Gateway) -> Given<'a> {
    Given { config, clock, transport: &Transport::Nowhere, gateway }
}

const CHARGES: &[Column] = &[
    ("tenant", "Tenant", Align::Left, 0),
    ("invoice", "Invoice", Align::Left, 0),
    ("transaction", "Transaction", Align::Left, 2),
    ("amount", "Amount", Align::Right, 0),
    ("currency", "", Align::Left, 0),
    ("action", "Action", Align::Left, 0),
    ("reason", "Reason", Align::Left, 1),
];

const CHARGE_FIELDS: &[&str] =
    &["tenant", "invoice", "transaction", "amount", "currency", "action", "reason"];

/// What `cleanup-expired-trials` would do.
pub fn cleanup_expired_trials(ctx: &mut Context) -> anyhow::Result<u8> {
    let mut store = ctx.reader()?;
    let gateway = super::gateway(&ctx.config);
    let given = given(&ctx.config, &ctx.clock, &gateway);
    let mut list = ctx.printer.list_within("decisions", TRIAL_FIELDS, TRIALS);
    let done = tasks::cleanup_expired_trials::dry_run(&mut store, &given, |trial, action| {
        list.row(json!({
            "tenant": trial.tenant, "subscription": trial.id.to_string(),
            "plan": trial.terms.first().plan, "trial_ends_on": trial.trial_ends_on,
            "action": action.word(),
        }))
        .map_err(out_failed)
    })?;
    let report = Report::of_dry_run(Task::CleanupExpiredTrials, &ctx.clock, done);
    list.end_with(&serde_json::to_value(&report)?)?;
    end(ctx, &report)
}

/// Tells what went wrong, and to people what it comes to.
fn end(ctx: &mut Context, report: &Report) -> anyhow::Result<u8> {
    tell_errors(ctx, &report.errors);
    if ctx.printer.for_people() {
        ctx.printer.text(&summary(report))?;
    }
    Ok(if report.errors.is_empty() { exit::DONE } else { exit::PARTIAL })
}

const TRIALS: &[Column] = &[
    ("tenant", "Tenant", Align::Left, 0),
    ("subscription", "Subscription", Align::Left, 0),
    ("plan", "Plan", Align::Left, 1),
    ("trial_ends_on", "Last free day", Align::Left, 0),
    ("action", "Action", Align::Left, 0),
];

const TRIAL_FIELDS: &[&str] = &["tenant", "subscription", "plan", "trial_ends_on", "action"];

const BILLS: &[Column] = &[
    ("tenant", "Tenant", Align::Left, 0),
    ("subscription", "Subscription", Align::Left, 4),
    ("action", "Action", Align::Left, 0),
    ("plan", "Plan", Align::Left, 2),
    ("quantity", "Quantity", Align::Right, 3),
    ("period", "Period", Align::Left, 0),
    ("total", "Total", Align::Right, 0),
    ("currency", "", Align::Left, 0),
    ("reason", "Reason", Align::Left, 1),
];

const BILL_FIELDS: &[&str] = &[
    "tenant",
    "subscription",
    "action",
    "plan",
    "quantity",
    "period_start",
    "period_end",
    "subtotal",
    "tax",
    "total",
    "currency",
    "reason",
];

/// Each bill of a decision, and the end of the subscription where it has come, with what that bills of
/// what waits.
fn bills(
    subscription: &Subscription,
    decision: &Decision,
    amounts: &[Amounts],
    at_end: Option<&Amounts>,
) -> Vec<Value> {
    let reason = explain::billing_reason(&decision.reason);
    let row = |action: &str, bill: Option<Value>| {
        let mut row = json!({
            "tenant": subscription.tenant, "subscription": subscription.id.to_string(),
            "action": action, "reason": reason,
        });
        if let (Some(row), Some(Value::Object(bill))) = (row.as_object_mut(), bill) {
            row.extend(bill);
        }
        row
    };
    let pairs = decision.bills.iter().zip(amounts);
    let action = if decision.reason == Reason::UsageAlone { "bill_usage" } else { "bill" };
    let mut rows: Vec<_> =
        pairs.map(|(bill, amounts)| row(action, Some(explain::bill(bill, amounts)))).collect();
    if decision.ends.is_some() {
        rows.push(row("end", at_end.map(explain::amounts)));
    } else if rows.is_empty() {
        rows.push(row("hold", None));
    }
    rows
}

/// What `check-overdue` would do.
pub fn check_overdue(ctx: &mut Context, options: &Options) -> anyhow::Result<u8> {
    let mut store = ctx.reader()?;
    let gateway = super::gateway(&ctx.config);
    let given = given(&ctx.config, &ctx.clock, &gateway);
    let mut list = ctx.printer.list_within("decisions", DECISION_FIELDS, explain::DECISIONS);
    let done = tasks::check_overdue::dry_run(&mut store, &given, options, |facts, decision| {
        let mut rows = explain::decisions(facts, decision).into_iter();
        rows.try_for_each(|row| list.row(row)).map_err(out_failed)
    })?;
    let report = Report::of_dry_run(Task::CheckOverdue, &ctx.clock, done);
    list.end_with(&serde_json::to_value(&report)?)?;
    end(ctx, &report)
}

const DECISION_FIELDS: &[&str] = &[
    "tenant",
    "invoice",
    "due_on",
    "amount_due",
    "currency",
    "action",
    "stage",
    "letter",
    "reason",
    "next_step",
    "next_step_on",
];

const DUE_LETTERS: &[Column] = &[
    ("id", "E-mail", Align::Left, 0),
    ("tenant", "Tenant", Align::Left, 0),
    ("to", "To", Align::Left, 1),
    ("template", "Template", Align::Left, 0),
    ("attempts", "Attempts", Align::Right, 3),
    ("queued_at", "Queued", Align::Left, 2),
];

/// What `deliver-emails` would send.
pub fn deliver_emails(ctx: &mut Context) -> anyhow::Result<u8> {
    let mut store = ctx.reader()?;
    let given = given(&ctx.config, &ctx.clock, &Gateway::None);
    let mut list = ctx.printer.list_within("due", DUE_FIELDS, DUE_LETTERS);
    let done = tasks::deliver_emails::dry_run(&mut store, &given, |email| {
        list.row(due_email(email)).map_err(out_failed)
    })?;
    let report = Report::of_dry_run(Task::DeliverEmails, &ctx.clock, done);
    list.end_with(&serde_json::to_value(&report)?)?;
    Ok(exit::DONE)
}

const DUE_FIELDS: &[&str] = &["id", "tenant", "to", "template", "attempts", "queued_at"];

fn due_email(email: &Email) -> Value {
    json!({
        "id": email.id.to_string(), "tenant": email.tenant, "to": email.to,
        "template": email.template.word(), "attempts": email.attempts,
        "queued_at": email.queued_at,
    })
}

const TO_TELL: &[Column] = &[
    ("hook", "Hook", Align::Left, 0),
    ("id", "Event", Align::Left, 0),
    ("kind", "What", Align::Left, 0),
    ("tenant", "Tenant", Align::Left, 1),
    ("invoice", "Invoice", Align::Left, 2),
    ("at", "When", Align::Left, 3),
];

/// What `deliver-events` would tell: nobody is called.
pub fn deliver_events(ctx: &mut Context) -> anyhow::Result<u8> {
    let mut store = ctx.reader()?;
    let given = given(&ctx.config, &ctx.clock, &Gateway::None);
    let fields = &["hook", "id", "kind", "tenant", "invoice", "at"];
    let mut list = ctx.printer.list_within("due", fields, TO_TELL);
    let done = tasks::deliver_events::dry_run(&mut store, &given, |hook, to_tell| {
        let event = &to_tell.event;
        list.row(json!({
            "hook": hook.name, "id": event.id.to_string(), "kind": event.kind,
            "tenant": event.tenant, "invoice": event.invoice, "at": event.at,
        }))
        .map_err(out_failed)
    })?;
    let mut report = Report::of_dry_run(Task::DeliverEvents, &ctx.clock, done.0);
    report.hooks = Some(done.1);
    list.end_with(&serde_json::to_value(&report)?)?;
    end(ctx, &report)
}

const SIMULATED: &[Column] = &[
    ("on", "On", Align::Left, 0),
    ("friendly", "Friendly", Align::Right, 0),
    ("urgent", "Urgent", Align::Right, 0),
    ("warning", "Warning", Align::Right, 0),
    ("suspension", "Suspension", Align::Right, 0),
    ("tenants_suspended", "Suspended", Align::Right, 2),
    ("letters", "E-mails", Align::Right, 0),
    ("held", "Held back", Align::Left, 1),
];

/// So many days are simulated at most: each is a run.
const MOST_DAYS: i64 = 3 * 366;

/// What `check-overdue` would do each day if nobody paid.
pub fn simulation(ctx: &mut Context, args: &Simulate) -> anyhow::Result<u8> {
    let from = ctx.clock.today();
    let until = args.until.unwrap_or(calendar::plus_days(from, 45));
    if until < from {
        let why = Why::Before { field: "today" };
        return Err(Refusal::bad("until", &until.to_string(), why).into());
    }
    let last = calendar::plus_days(from, MOST_DAYS);
    if until > last {
        return Err(Refusal::bad("until", &until.to_string(), Why::After { last }).into());
    }
    let options = args.caps.lift(Options { yes: true, ..Options::default() });
    let store = ctx.reader()?;
    let folder = scratch_folder("billing-simulation")?;
    let mut rows = Vec::new();
    let simulated =
        simulate::simulate(&store, &ctx.config, &folder, from, until, &options, |day, report| {
            let Tally::CheckOverdue(counts) = report.tally else { return Ok(()) };
            if simulate::is_quiet(report) {
                return Ok(());
            }
            let held: Vec<_> = report.errors.iter().map(|e| e.code.clone()).collect();
            rows.push(json!({
                "on": day, "friendly": counts.steps.friendly, "urgent": counts.steps.urgent,
                "warning": counts.steps.warning, "suspension": counts.steps.suspension,
                "tenants_suspended": counts.tenants_suspended, "letters": report.emails_queued,
                "held": held,
            }));
            Ok(())
        });
    std::fs::remove_dir_all(&folder).ok();
    simulated?;
    match ctx.printer.format() {
        Format::Table => ctx.printer.table(SIMULATED, &rows)?,
        _ => {
            let fields = &[
                "on",
                "friendly",
                "urgent",
                "warning",
                "suspension",
                "tenants_suspended",
                "letters",
                "held",
            ];
            let mut list = ctx.printer.list(fields, SIMULATED);
            rows.into_iter().try_for_each(|row| list.row(row))?;
            list.end()?;
        }
    }
    Ok(exit::DONE)
}
