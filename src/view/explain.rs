//! Decisions in words: the reason of each, the rules that were looked at, what comes next.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{Align, Column};
use crate::clock::stored_shown;
use crate::domain::calendar;
use crate::domain::dunning::{
    Action, Decision, InvoiceDecision, InvoiceFacts, NextStep, Reason, Rule, TenantFacts,
};
use crate::domain::invoice::Amounts;
use crate::domain::recurrence::{self, Bill};
use crate::domain::stage::Stage;

/// Columns of a dry run of `tasks check-overdue`.
pub const DECISIONS: &[Column] = &[
    ("tenant", "Tenant", Align::Left, 0),
    ("invoice", "Invoice", Align::Left, 0),
    ("due_on", "Due", Align::Left, 4),
    ("amount_due", "Amount due", Align::Right, 0),
    ("currency", "", Align::Left, 0),
    ("action", "Action", Align::Left, 0),
    ("reason", "Reason", Align::Left, 1),
    ("next_step", "Next", Align::Left, 3),
    ("next_step_on", "On", Align::Left, 2),
];

/// Each invoice's decision of a tenant, as a dry run prints it.
pub fn decisions(facts: &TenantFacts, decision: &Decision) -> Vec<Value> {
    let email = decision.email.map(Stage::word);
    let pairs = facts.invoices.iter().zip(&decision.invoices);
    pairs
        .map(|(invoice, decided)| {
            json!({
                "tenant": facts.slug,
                "invoice": invoice.number,
                "due_on": invoice.due_on,
                "amount_due": invoice.amount_due.major(),
                "currency": invoice.amount_due.currency().code(),
                "action": action(decided.action),
                "stage": decided.records().map(Stage::word),
                "letter": email.filter(|_| decided.action != Action::Rest),
                "reason": reason(&decided.reason),
                "next_step": decided.next.map(|step| step.stage.word()),
                "next_step_on": decided.next.map(|step| step.on),
            })
        })
        .collect()
}

/// What is done, in a word or two.
pub fn action(action: Action) -> String {
    match action {
        Action::Record(stage) => format!("record {stage}"),
        Action::Suspend => "suspend".to_owned(),
        Action::Wait => "wait".to_owned(),
        Action::Rest => "rest".to_owned(),
    }
}

/// Why, as a clause.
pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::NotOverdue => "not overdue".to_owned(),
        Reason::TooSmallToCharge => {
            "too small to be charged: a later charge of the customer takes both".to_owned()
        }
        Reason::BelowMinimum { owed, minimum } => {
            format!("{owed} are owed in all, less than the {minimum} that are chased")
        }
        Reason::BeforeStart { start_on } => {
            format!("due before dunning starts on {start_on}: listed, never chased")
        }
        Reason::Disputed => "disputed".to_owned(),
        Reason::Promised { until } => format!("promised until {until}"),
        Reason::ChargePending { since, until } => {
            format!("a charge has had no outcome since {since}, waits until {until}")
        }
        Reason::StageReached { stage, age } => format!("{age} days overdue: {stage} has come"),
        Reason::StageRecorded { stage: Some(stage), age } => {
            format!("{age} days overdue, {stage} is recorded")
        }
        Reason::StageRecorded { stage: None, age } => {
            format!("{age} days overdue, no stage has come")
        }
        Reason::NoNotice => "suspension has come, but no warning that counts was given".to_owned(),
        Reason::SetBack { warn_on } => {
            format!("the tenant came back by hand, is warned anew on {warn_on}")
        }
        Reason::NoticeRuns { warned_on, until } => {
            format!("warned on {warned_on}, the notice runs until {until}")
        }
        Reason::NoticeQueued { warned_on } => {
            format!("warned on {warned_on}, but the e-mail has not left yet")
        }
        Reason::NoticeFailed { warned_on } => {
            format!("warned on {warned_on}, but the e-mail was not delivered")
        }
        Reason::NoticeGiven { warned_on } => {
            format!("warned on {warned_on}, the notice has passed")
        }
        Reason::NoticeNotNeeded => "suspension has come, no notice is asked for".to_owned(),
        Reason::HeldByCap => "held back by the cap on suspensions".to_owned(),
    }
}

/// Why a subscription is billed or not, as a clause.
pub fn billing_reason(reason: &recurrence::Reason) -> String {
    use recurrence::Reason;
    match reason {
        Reason::NotBilled { status } => format!("{status}: not billed"),
        Reason::NotYet { next_on } => format!("the next period starts on {next_on}"),
        Reason::Due { count: 1, since } => format!("a period began on {since}"),
        Reason::Due { count, since } => format!("{count} periods have begun since {since}"),
        Reason::Backlog { count, since } => {
            format!("{count} periods since {since} were missed: held until --allow-backlog")
        }
        Reason::RunsOut { on } => format!("canceled, and paid to its end on {on}"),
        Reason::Ended { on } => format!("canceled, ended on {on}"),
        Reason::Paused { from } => format!("paused from {from} on"),
        Reason::WaitsForUsage { since } => {
            format!(
                "a period began on {since}; it is billed with the usage before it, once that is settled"
            )
        }
        Reason::UsageAlone => "usage that goes with no period".to_owned(),
        Reason::Reopened { since } => {
            format!("the invoice of the period from {since} on was voided")
        }
    }
}

/// A period's bill, with what it comes to as an invoice.
pub fn bill(bill: &Bill, amounts: &Amounts) -> Value {
    let items = bill.terms.items.iter();
    let items = items.map(|item| json!({ "plan": item.plan, "quantity": item.quantity }));
    let mut object = json!({
        "plan": bill.terms.first().plan,
        "quantity": bill.terms.first().quantity,
        "items": items.collect::<Vec<_>>(),
        "period": period(Some((bill.period.start, bill.period.end))),
        "period_start": bill.period.start,
        "period_end": bill.period.end,
        "prorated_days": bill.proration.map(|part| part.days),
        "prorated_of": bill.proration.map(|part| part.of),
    });
    if let (Some(object), Value::Object(amounts)) = (object.as_object_mut(), self::amounts(amounts))
    {
        object.extend(amounts);
    }
    object
}

/// What an invoice comes to.
pub fn amounts(amounts: &Amounts) -> Value {
    json!({
        "subtotal": amounts.subtotal.major(),
        "discount": amounts.discount.major(),
        "net": amounts.net().major(),
        "tax": amounts.tax.major(),
        "total": amounts.total.major(),
        "currency": amounts.total.currency().code(),
    })
}

/// Items as people read them, those that there are now: `3 × pro`.
pub fn counted(items: &Value) -> Vec<String> {
    let items = items.as_array().into_iter().flatten().filter(|item| item["quantity"] != 0);
    let plan = |item: &Value| item["plan"].as_str().unwrap_or_default().to_owned();
    items.map(|item| format!("{} × {}", item["quantity"], plan(item))).collect()
}

/// Items as they will be with the next period.
fn coming(items: &Value) -> Vec<String> {
    let mut coming = items.as_array().cloned().unwrap_or_default();
    for item in &mut coming {
        for field in ["plan", "quantity"] {
            let pending = item[format!("pending_{field}")].take();
            if !pending.is_null() {
                item[field] = pending;
            }
        }
    }
    counted(&Value::Array(coming))
}

/// A bill with all of its items where a table has one plan.
pub fn with_items(mut bill: Value) -> Value {
    let items = counted(&bill["items"]);
    if items.len() > 1 {
        bill["plan"] = json!(items.join(", "));
        bill["quantity"] = Value::Null;
    }
    bill
}

/// A half-open period as people read it: with its last day.
pub fn period(period: Option<(NaiveDate, NaiveDate)>) -> Option<String> {
    let (start, end) = period?;
    Some(format!("{start} to {}", calendar::plus_days(end, -1)))
}

/// How a subscription stands, in lines: its period, its trial, what is to change, when it ends.
/// Instants are in the business time zone.
pub fn standing(subscription: &Value, zone: Tz) -> Vec<String> {
    let word = |name: &str| subscription[name].as_str();
    let mut lines = Vec::new();
    let date = |name: &str| word(name).and_then(|text| text.parse().ok());
    let current = date("current_period_start").zip(date("current_period_end"));
    let trial_ends_on: Option<NaiveDate> = date("trial_ends_on");
    let on_trial =
        current.is_some_and(|(_, end)| trial_ends_on == Some(calendar::plus_days(end, -1)));
    if let Some(period) = period(current) {
        lines.push(match (on_trial, word("status")) {
            (true, Some("trialing")) => format!("on trial from {period}"),
            (true, _) => format!("was on trial from {period}, never billed"),
            (false, _) => format!("last period billed: {period}"),
        });
    }
    if !subscription["pending"].is_null() {
        let items = coming(&subscription["items"]).join(", ");
        lines.push(format!("changes to {items} with the next period"));
    }
    if let Some(code) = word("coupon") {
        let ended = word("status") == Some("canceled");
        lines.push(match subscription["coupon_periods_left"].as_i64() {
            Some(0) => format!("the coupon {code} is used up"),
            _ if ended => format!("the coupon {code} ended with it"),
            Some(1) => format!("the coupon {code} comes off one more invoice"),
            Some(left) => format!("the coupon {code} comes off {left} more invoices"),
            None => format!("the coupon {code} comes off every invoice to come"),
        });
    }
    match (word("ends_on"), word("status")) {
        (Some(on), Some("canceled")) => lines.push(format!("ended on {on}")),
        (Some(on), _) => lines.push(format!("canceled: ends on {on}")),
        _ => {}
    }
    if let Some(from) = subscription["pause"]["from"].as_str() {
        let reason = subscription["pause"]["reason"].as_str();
        let until = match subscription["pause"]["until"].as_str() {
            Some(until) => format!("{from} to {until}"),
            None => format!("{from} on"),
        };
        let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        lines.push(format!("paused from {until}{reason}"));
    }
    if let Some(cause) = word("suspension_cause") {
        let at = stored_shown(word("suspended_at").unwrap_or_default(), zone);
        lines.push(format!("suspended since {at} ({cause})"));
    }
    lines
}

/// A rule that was looked at: its name, its value, what it says.
pub fn rule(rule: &Rule) -> Value {
    let date = |date: Option<NaiveDate>| date.map_or("none".to_owned(), |d| d.to_string());
    let stage = |stage: Option<Stage>| stage.map_or("none", Stage::word).to_owned();
    let rests = |rests: bool| if rests { "rests" } else { "goes on" };
    let (name, value, says) = match rule {
        Rule::Age { age } => (
            "days past the due date",
            age.to_string(),
            if *age > 0 { "overdue" } else { "not overdue" },
        ),
        Rule::StartOn { start_on, chased } => {
            ("dunning starts on", date(*start_on), if *chased { "chased" } else { "never chased" })
        }
        Rule::LeastCharge { minimum, rests } => (
            "least charge",
            minimum.map_or_else(|| "none".to_owned(), |minimum| minimum.to_string()),
            if *rests { "rests" } else { "chased" },
        ),
        Rule::Minimum { owed, minimum, rests } => (
            "minimum amount",
            format!("{owed} owed in all, {minimum} are chased"),
            if *rests { "rests" } else { "chased" },
        ),
        Rule::Dispute { disputed } => {
            ("disputed", if *disputed { "yes" } else { "no" }.to_owned(), rests(*disputed))
        }
        Rule::Promise { until, rests: r } => ("promised until", date(*until), rests(*r)),
        Rule::Charge { since, rests: r } => {
            ("charge without outcome since", date(*since), rests(*r))
        }
        Rule::StageOfAge { stage: s } => ("highest stage whose day has come", stage(*s), ""),
        Rule::StageRecorded { stage: s } => ("highest stage recorded", stage(*s), ""),
        Rule::Tenant { status } => ("tenant", status.word().to_owned(), ""),
        Rule::Notice { warned_on, email, needed_days, given } => {
            let email = email.map_or("no e-mail", |status| status.word());
            let value = match warned_on {
                Some(on) => format!("warned on {on}, e-mail {email}, {needed_days} days needed"),
                None => format!("no warning that counts, {needed_days} days needed"),
            };
            ("notice of suspension", value, if *given { "given" } else { "not given" })
        }
    };
    json!({ "rule": name, "value": value, "says": says })
}

/// A step to come.
pub fn step(step: &NextStep) -> Value {
    json!({ "stage": step.stage.word(), "on": step.on })
}

/// A line of the overdue list.
pub fn overdue(
    tenant: &str,
    facts: &InvoiceFacts,
    decision: &InvoiceDecision,
    today: NaiveDate,
) -> Value {
    let rests = (decision.action == Action::Rest).then(|| reason(&decision.reason));
    let next = decision.next_step(today);
    json!({
        "tenant": tenant,
        "number": facts.number,
        "due_on": facts.due_on,
        "days_overdue": facts.age(today),
        "amount_due": facts.amount_due.major(),
        "currency": facts.amount_due.currency().code(),
        "stage": facts.stage.map(Stage::word),
        "next_step": next.map(|step| step.stage.word()),
        "next_step_on": next.map(|step| step.on),
        "rests": rests,
    })
}
