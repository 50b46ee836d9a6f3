//! `billing invoice`: the words for invoices. Their rules are in `domain::invoice` and
//! `domain::dunning`, their rows in `store`, their verbs in `books`.

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::coupon::Metadata;
use super::tasks::charging;
use super::{Context, Limit, amount, date_arg};
use crate::books::issue::NewIssue;
use crate::books::{Book, Notify};
use crate::domain::dunning::{self};
use crate::domain::invoice::{self, Invoice, InvoiceStatus, Line};
use crate::domain::money::Totals;
use crate::domain::stage::Stage;
use crate::domain::transaction::{NewPayment, Overpayment};
use crate::domain::{Money, Refusal, Result, calendar, text};
use crate::failure::exit;
use crate::store::{Db, EventFilter, InvoiceFilter, Store};
use crate::tasks::charge;
use crate::view::{Align, Column, Format, explain, objects};

/// `billing invoice …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Issue an invoice
    Create(Create),
    /// List invoices
    List(List),
    /// Show an invoice
    Show(Named),
    /// Record a payment
    Pay(Pay),
    /// Charge the default payment method now
    Charge(Named),
    /// Void an invoice that should never have been issued
    Void(Closing),
    /// Give an invoice up; it may still be paid later
    WriteOff(Closing),
    /// Record until when the customer promised to pay; dunning rests until then
    Promise(Promise),
    /// Record that the customer disputes an invoice, or (--resolve) that the dispute is settled
    Dispute(Dispute),
    /// The overdue list: what is owed, the stage reached, the next step and its date
    Overdue(Overdue),
    /// Say what was done about an invoice, what today's decision is and why, and what comes next
    Explain(Named),
}

/// An invoice's number.
#[derive(Debug, Args)]
pub struct Named {
    /// The invoice's number
    number: String,
}

#[derive(Debug, Args)]
pub struct Create {
    #[arg(long, value_name = "SLUG")]
    tenant: String,
    /// Before tax, in the customer's currency
    #[arg(long, allow_negative_numbers = true)]
    amount: String,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    issued_on: Option<NaiveDate>,
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    due_on: Option<NaiveDate>,
    /// A number of your own; the next one of the series where it is not given
    #[arg(long, value_name = "N")]
    number: Option<String>,
    /// A coupon to come off the amount
    #[arg(long, value_name = "CODE")]
    coupon: Option<String>,
    #[command(flatten)]
    metadata: Metadata,
    /// Queue the e-mail with the invoice
    #[arg(long)]
    send: bool,
}

#[derive(Debug, Args)]
pub struct List {
    #[arg(long)]
    status: Option<InvoiceStatus>,
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    /// Only those that are open and past their due date
    #[arg(long)]
    overdue: bool,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Debug, Args)]
pub struct Pay {
    /// The invoice's number
    number: String,
    #[arg(long, allow_negative_numbers = true)]
    amount: String,
    /// Today where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    paid_on: Option<NaiveDate>,
    /// How it was paid: transfer, cash, mobile money …
    #[arg(long)]
    method: Option<String>,
    /// The bank's or operator's reference; the same one is the same money
    #[arg(long)]
    reference: Option<String>,
    /// Queue no e-mail
    #[arg(long)]
    no_email: bool,
}

#[derive(Debug, Args)]
pub struct Closing {
    /// The invoice's number
    number: String,
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub struct Promise {
    /// The invoice's number
    number: String,
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    until: NaiveDate,
    #[arg(long)]
    note: Option<String>,
}

#[derive(Debug, Args)]
pub struct Dispute {
    /// The invoice's number
    number: String,
    #[arg(long)]
    note: Option<String>,
    /// The dispute is settled: the invoice is chased again
    #[arg(long)]
    resolve: bool,
}

#[derive(Debug, Args)]
pub struct Overdue {
    /// Only what is so many days overdue or more
    #[arg(long, value_name = "N", default_value_t = 1)]
    min_days: u32,
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Create(args) => create(ctx, args)?,
        Command::List(args) => list(ctx, args)?,
        Command::Show(args) => show(ctx, &mut ctx.reader()?, &args.number)?,
        Command::Pay(args) => pay(ctx, args)?,
        Command::Charge(args) => return charge(ctx, &args.number),
        Command::Void(args) => {
            let reason = text::line("reason", &args.reason, 500)?;
            change(ctx, &args.number, |book, invoice| book.void(invoice, &reason))?;
        }
        Command::WriteOff(args) => {
            let reason = text::line("reason", &args.reason, 500)?;
            change(ctx, &args.number, |book, invoice| book.write_off(invoice, &reason))?;
        }
        Command::Promise(args) => {
            let note = note(args.note.as_deref())?;
            change(ctx, &args.number, |book, invoice| {
                book.promise(invoice, args.until, note.as_deref())
            })?;
        }
        Command::Dispute(args) => {
            let note = note(args.note.as_deref())?;
            change(ctx, &args.number, |book, invoice| match args.resolve {
                true => book.resolve_dispute(invoice, note.as_deref()),
                false => book.dispute(invoice, note.as_deref()),
            })?;
        }
        Command::Overdue(args) => overdue(ctx, &args)?,
        Command::Explain(args) => explain(ctx, &args.number)?,
    }
    Ok(exit::DONE)
}

fn note(text: Option<&str>) -> Result<Option<String>> {
    text.map(|text| text::line("note", text, 500)).transpose()
}

/// Changes an invoice in one transaction, and shows it.
fn change(
    ctx: &mut Context,
    number: &str,
    work: impl FnOnce(&Book, &Invoice) -> Result<()>,
) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    ctx.write(&mut store, |book| work(book, &book.db.invoice(number)?))?;
    show(ctx, &mut store, number)
}

fn show(ctx: &mut Context, store: &mut Store, number: &str) -> anyhow::Result<()> {
    let invoice = store.read(|db| db.invoice(number))?;
    Ok(ctx.printer.object(&objects::invoice(&invoice, ctx.clock.today()))?)
}

fn create(ctx: &mut Context, args: Create) -> anyhow::Result<()> {
    let description = args.description.as_deref().map(|d| text::line("description", d, 500));
    let description = description.transpose()?;
    let number = args.number.as_deref().map(invoice::number).transpose()?;
    let metadata = args.metadata.json_with(args.coupon.as_ref())?;
    let mut store = ctx.writer()?;
    let number = ctx.write(&mut store, |book| {
        let db = book.db;
        let tenant = db.tenant(&args.tenant)?;
        // Nothing is an amount too: an invoice over nothing is issued as paid.
        let amount = Money::parse(&args.amount, tenant.currency)
            .map_err(|why| Refusal::bad("amount", &args.amount, why))?;
        let words = description.clone().unwrap_or_else(|| tenant.name.clone());
        let lines = [Line::single(words, amount)];
        let issued_on = args.issued_on.unwrap_or(book.act.today);
        let redemption = match &args.coupon {
            Some(code) => Some(book.redeem_for_new_invoice(code, &tenant, amount, &metadata)?),
            None => None,
        };
        let issued = book.issuer()?.issue(&NewIssue {
            redemption: redemption.as_ref(),
            due_on: args.due_on,
            number: number.as_deref(),
            send: args.send,
            ..NewIssue::single(&tenant, &lines, issued_on)
        })?;
        Ok(db.invoice_by_id(issued.id)?.number)
    })?;
    show(ctx, &mut store, &number)
}

/// Charges an invoice, and shows it; a charge whose outcome is not known is told as an error.
fn charge(ctx: &mut Context, number: &str) -> anyhow::Result<u8> {
    let mut store = ctx.writer()?;
    let charged = charging(ctx, |given, act| charge::by_hand(&mut store, given, act, number))?;
    show(ctx, &mut store, number)?;
    Ok(if charged.errors.is_empty() { exit::DONE } else { exit::PARTIAL })
}

fn pay(ctx: &mut Context, args: Pay) -> anyhow::Result<()> {
    let method = args.method.as_deref().map(|m| text::line("method", m, 100)).transpose()?;
    let reference =
        args.reference.as_deref().map(|r| text::line("reference", r, 200)).transpose()?;
    let notify = if args.no_email { Notify::Nobody } else { Notify::Customer };
    change(ctx, &args.number, |book, invoice| {
        let amount = amount("amount", &args.amount, invoice.total.currency())?;
        let paid_on = args.paid_on.unwrap_or(book.act.today);
        let payment = NewPayment { amount, paid_on, method, reference };
        book.pay(invoice, &payment, Overpayment::Refuse, notify)?;
        Ok(())
    })
}

fn list(ctx: &mut Context, args: List) -> anyhow::Result<()> {
    let today = ctx.clock.today();
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list(objects::INVOICE_FIELDS, objects::INVOICES);
    store.read(|db| {
        let tenant = args.tenant.as_deref().map(|slug| db.tenant(slug)).transpose()?;
        let filter = InvoiceFilter {
            status: args.status,
            tenant: tenant.map(|t| t.id),
            overdue_before: args.overdue.then_some(today),
            limit: args.limit.limit,
        };
        db.each_invoice(&filter, |invoice| {
            list.row(objects::invoice(&invoice, today)).map_err(super::out_failed)
        })
    })?;
    Ok(list.end()?)
}

const OVERDUE_FIELDS: &[&str] = &[
    "tenant",
    "number",
    "due_on",
    "days_overdue",
    "amount_due",
    "currency",
    "stage",
    "next_step",
    "next_step_on",
    "rests",
];

fn overdue(ctx: &mut Context, args: &Overdue) -> anyhow::Result<()> {
    let (today, policy) = (ctx.clock.today(), ctx.config.dunning_policy());
    // At least so many days overdue: due before the day that lies so many days back, exclusive.
    let due_before = calendar::plus_days(today, 1 - i64::from(args.min_days.max(1)));
    let mut store = ctx.reader()?;
    let mut totals = Totals::default();
    let mut list = ctx.printer.list_within("invoices", OVERDUE_FIELDS, objects::OVERDUE);
    store.read(|db| {
        let tenant = args.tenant.as_deref().map(|slug| db.tenant(slug)).transpose()?;
        db.each_overdue(tenant.map(|t| t.id), due_before, |slug, status, facts| {
            let decision = dunning::decide_invoice(&facts, status, &policy, today, |_| {});
            totals.add(facts.amount_due)?;
            list.row(explain::overdue(slug, &facts, &decision, today)).map_err(super::out_failed)
        })
    })?;
    list.end_with(&json!({ "totals": objects::totals(&totals) }))?;
    if ctx.printer.for_people() {
        for total in totals.iter() {
            ctx.printer.text(&format!("total {total}"))?;
        }
    }
    Ok(())
}

fn explain(ctx: &mut Context, number: &str) -> anyhow::Result<()> {
    let (today, policy) = (ctx.clock.today(), ctx.config.dunning_policy());
    let explained = ctx.reader()?.read(|db| {
        let invoice = db.invoice(number)?;
        let tenant = db.tenant_by_id(invoice.tenant_id)?;
        let facts = db.dunning_facts_of_invoice(invoice.id)?;
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
            "history": history(db, &invoice)?,
            "today": today,
            "decision": decision,
            "rules": rules,
            "coming": coming,
        }))
    })?;
    match ctx.printer.format() {
        Format::Table => explain_to_people(ctx, &explained),
        _ => Ok(ctx.printer.document(&explained)?),
    }
}

/// What was done about an invoice: its events, and the fate of each e-mail.
fn history(db: &Db, invoice: &Invoice) -> Result<Vec<Value>> {
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
    history.sort_by_key(|entry| entry["at"].as_str().unwrap_or_default()[..10].to_owned());
    Ok(history)
}

const HISTORY: &[Column] = &[
    ("at", "When", Align::Left),
    ("what", "What", Align::Left),
    ("actor", "Who", Align::Left),
    ("reason", "Why", Align::Left),
];

const RULES: &[Column] =
    &[("rule", "Rule", Align::Left), ("value", "Value", Align::Left), ("says", "", Align::Left)];

const COMING: &[Column] = &[("on", "On", Align::Left), ("stage", "Stage", Align::Left)];

fn explain_to_people(ctx: &mut Context, explained: &Value) -> anyhow::Result<()> {
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
