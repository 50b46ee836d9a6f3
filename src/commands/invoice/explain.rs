//! `billing invoice explain`.

use serde_json::{Value, json};

use super::super::Context;
use crate::clock::Clock;
use crate::domain::Result;
use crate::domain::dunning;
use crate::domain::invoice::{Invoice, InvoiceStatus};
use crate::domain::stage::Stage;
use crate::store::{Db, EventFilter};
use crate::view::{Align, Column, Format, explain, objects};

pub(super) fn explain(ctx: &mut Context, number: &str) -> anyhow::Result<()> {
    let (today, policy) = (ctx.clock.today(), ctx.config.dunning_policy());
    let clock = ctx.clock.clone();
    let explained = ctx.reader()?.read(|db| {
        let invoice = db.invoice(number)?;
        let tenant = db.tenant_by_id(invoice.tenant_id)?;
        let mut facts = db.dunning_facts_of_invoice(invoice.id)?;
        db.owed_beside(&mut facts, today, &policy.minimum_amount)?;
        let (mut rules, mut decision, mut coming) = (Vec::new(), Value::Null, Vec::new());
        if invoice.status == InvoiceStatus::Open {
            let decided = dunning::decide_invoice(&facts, tenant.status, &policy, today, |rule| {
                rules.push(explain::rule(&rule));
            });
            decision = json!({
                "action": explain::action(decided.action),
                "stage": decided.records().map(Stage::word),
                "reason": explain::reason(&decided.reason),
                "next_step": decided.next.map(|step| step.stage.word()),
                "next_step_on": decided.next.map(|step| step.on),
            });
            let steps = dunning::forecast(&facts, tenant.status, &policy, today);
            coming = steps.iter().map(explain::step).collect();
        }
        Ok(json!({
            "invoice": objects::invoice(&invoice, today),
            "tenant_status": tenant.status.word(),
            "history": history(db, &clock, &invoice)?,
            "today": today,
            "decision": decision,
            "rules": rules,
            "coming": coming,
        }))
    })?;
    match ctx.printer.format() {
        Format::Table => explain_to_people(ctx, &explained),
        // What is one table of it: what was done.
        Format::Csv => {
            let mut list = ctx.printer.list(HISTORY_FIELDS, HISTORY);
            let history = explained["history"].as_array().cloned().unwrap_or_default();
            history.into_iter().try_for_each(|row| list.row(row))?;
            Ok(list.end()?)
        }
        Format::Json => Ok(ctx.printer.document(&explained)?),
    }
}

/// What was done about an invoice: its events, and the fate of each e-mail.
pub(super) fn history(db: &Db, clock: &Clock, invoice: &Invoice) -> Result<Vec<Value>> {
    let mut history = Vec::new();
    let filter = EventFilter { invoice: Some(invoice.id), ..EventFilter::default() };
    db.each_event(&filter, |event| {
        let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
        let what = match data["stage"].as_str() {
            Some(stage) => format!("{}: {stage}", event.kind),
            None => event.kind,
        };
        history.push(json!({
            "at": event.at, "what": what, "actor": event.actor, "reason": event.reason,
            "data": data,
        }));
        Ok(())
    })?;
    for step in db.steps_of_invoice(invoice.id)? {
        let Some(email) = step.email else { continue };
        history.push(json!({
            "at": format!("{}", step.recorded_on),
            "what": format!("e-mail: {}", step.stage),
            "actor": step.run.map(|run| run.to_string()),
            "reason": step.email_status.map(|status| format!("{email} is {status}")),
            "data": {},
        }));
    }
    // Steps of dunning are kept with their business day alone.
    history.sort_by_key(|entry| clock.day_of(entry["at"].as_str().unwrap_or_default()));
    Ok(history)
}

const HISTORY_FIELDS: &[&str] = &["at", "what", "actor", "reason", "data"];

pub(super) const HISTORY: &[Column] = &[
    ("at", "When", Align::Left, 0),
    ("what", "What", Align::Left, 0),
    ("actor", "Who", Align::Left, 2),
    ("reason", "Why", Align::Left, 1),
];

pub(super) const RULES: &[Column] = &[
    ("rule", "Rule", Align::Left, 0),
    ("value", "Value", Align::Left, 0),
    ("says", "", Align::Left, 0),
];

pub(super) const COMING: &[Column] =
    &[("on", "On", Align::Left, 0), ("stage", "Stage", Align::Left, 0)];

pub(super) fn explain_to_people(ctx: &mut Context, explained: &Value) -> anyhow::Result<()> {
    let rows = |name: &str| explained[name].as_array().cloned().unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let invoice = &explained["invoice"];
    let mut head = format!(
        "{} of {}, {}: {} {} due on {}, {} {} still to be paid",
        word(&invoice["number"]),
        word(&invoice["tenant"]),
        word(&invoice["status"]),
        word(&invoice["total"]),
        word(&invoice["currency"]),
        word(&invoice["due_on"]),
        word(&invoice["amount_due"]),
        word(&invoice["currency"]),
    );
    head.push_str(&format!("\nthe tenant is {}\n\nhistory", word(&explained["tenant_status"])));
    ctx.printer.text(&head)?;
    ctx.printer.table(HISTORY, &rows("history"))?;
    let decision = &explained["decision"];
    if decision.is_null() {
        return Ok(ctx.printer.text("\nno decision is taken: only open invoices are chased")?);
    }
    ctx.printer.text(&format!(
        "\ntoday, {}: {} ({})",
        word(&explained["today"]),
        word(&decision["action"]),
        word(&decision["reason"])
    ))?;
    ctx.printer.table(RULES, &rows("rules"))?;
    ctx.printer.text("\nto come, if nothing is paid")?;
    Ok(ctx.printer.table(COMING, &rows("coming"))?)
}
