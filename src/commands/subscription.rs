//! `billing subscription`: the words for running agreements. Their rules are in
//! `domain::subscription` and `domain::recurrence`, their rows in `store`, their verbs in
//! `books::subscribe`.

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::coupon::Metadata;
use super::tasks::{charging, check_may_charge};
use super::{Context, Limit, date_arg, prompt};
use crate::books::subscribe::NewStart;
use crate::books::{Book, Explained};
use crate::domain::invoice::Amounts;
use crate::domain::period::Anchor;
use crate::domain::plan::{MOST_TRIAL_DAYS, Plan};
use crate::domain::recurrence::{self, Bill};
use crate::domain::subscription::{
    Change, Collection, MOST_QUANTITY, Subscription, SubscriptionStatus, When,
};
use crate::domain::tenant::Tenant;
use crate::domain::{InvoiceId, Result, SubscriptionId};
use crate::failure::exit;
use crate::store::{Db, Store, SubscriptionFilter};
use crate::tasks::charge;
use crate::view::{Align, Column, Format, explain, objects};

/// `billing subscription …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Begin a subscription, and issue its first invoice
    Create(Create),
    /// List subscriptions
    List(List),
    /// Show a subscription
    Show(Named),
    /// Change plan or quantity from the next period on
    Change(ChangeArgs),
    /// End a subscription with its period, or (--now) at once
    Cancel(Cancel),
    /// Take a cancellation at the period's end back
    Resume(Named),
    /// Say which period it is in, what was billed, and what the next invoice will be
    Explain(Named),
}

/// A subscription's id.
#[derive(Debug, Args)]
pub struct Named {
    /// The subscription's id, such as sub_12
    id: SubscriptionId,
}

#[derive(Debug, Args)]
pub struct Create {
    #[arg(long, value_name = "SLUG")]
    tenant: String,
    #[arg(long, value_name = "CODE")]
    plan: String,
    /// Its first day; today where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    start: Option<NaiveDate>,
    /// Free days; the plan's where it is not given and the customer had no trial of it yet
    #[arg(long, value_name = "N",
        value_parser = clap::value_parser!(i64).range(0..=MOST_TRIAL_DAYS))]
    trial_days: Option<i64>,
    /// Whether periods start on the 1st of the month, or on the day on which it begins
    #[arg(long, value_name = "calendar|anniversary", default_value_t = Anchor::Calendar)]
    anchor: Anchor,
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(i64).range(1..=MOST_QUANTITY))]
    quantity: i64,
    /// A coupon for its coming invoices
    #[arg(long, value_name = "CODE")]
    coupon: Option<String>,
    #[command(flatten)]
    metadata: Metadata,
    /// Charge the default payment method, or send the invoice; as configured where not given
    #[arg(long, value_name = "automatic|invoice")]
    collection: Option<Collection>,
    /// Leave the first invoice to tasks generate-recurring-invoices
    #[arg(long)]
    no_invoice: bool,
}

#[derive(Debug, Args)]
pub struct List {
    #[arg(long)]
    status: Option<SubscriptionStatus>,
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// The subscription's id, such as sub_12
    id: SubscriptionId,
    #[arg(long, value_name = "CODE", required_unless_present = "quantity")]
    plan: Option<String>,
    #[arg(long, value_name = "N",
        value_parser = clap::value_parser!(i64).range(1..=MOST_QUANTITY))]
    quantity: Option<i64>,
}

#[derive(Debug, Args)]
pub struct Cancel {
    /// The subscription's id, such as sub_12
    id: SubscriptionId,
    /// End it at once; nothing that was billed is credited
    #[arg(long)]
    now: bool,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Create(args) => create(ctx, &args)?,
        Command::List(args) => list(ctx, &args)?,
        Command::Show(args) => show(ctx, &mut ctx.reader()?, args.id)?,
        Command::Change(args) => change(ctx, args.id, |book, subscription| {
            let plan = args.plan.as_deref().map(|code| book.db.plan(code)).transpose()?;
            let wanted = Change { plan, quantity: args.quantity };
            book.change_subscription(subscription, &wanted)
        })?,
        Command::Cancel(args) => cancel(ctx, &args)?,
        Command::Resume(args) => change(ctx, args.id, |book, one| book.resume_subscription(one))?,
        Command::Explain(args) => explain(ctx, args.id)?,
    }
    Ok(exit::DONE)
}

/// Changes a subscription in one transaction, and shows it.
fn change(
    ctx: &mut Context,
    id: SubscriptionId,
    work: impl FnOnce(&Book, &Subscription) -> Result<()>,
) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    ctx.write(&mut store, |book| work(book, &book.db.subscription(id)?))?;
    show(ctx, &mut store, id)
}

fn show(ctx: &mut Context, store: &mut Store, id: SubscriptionId) -> anyhow::Result<()> {
    let today = ctx.clock.today();
    let object = store.read(|db| {
        let subscription = db.subscription(id)?;
        let overdue = db.has_overdue(&subscription, today)?;
        Ok(objects::subscription(&subscription, subscription.status_on(today, overdue)))
    })?;
    Ok(ctx.printer.object(&object)?)
}

fn create(ctx: &mut Context, args: &Create) -> anyhow::Result<()> {
    let today = ctx.clock.today();
    let start = args.start.unwrap_or(today);
    let metadata = args.metadata.json_with(args.coupon.as_ref())?;
    let mut store = ctx.writer()?;
    if start < today {
        let begun = ctx.read(&mut store, |book| {
            let (tenant, plan) = (book.db.tenant(&args.tenant)?, book.db.plan(&args.plan)?);
            let new = args.start(ctx, &tenant, &plan, start);
            book.periods_begun(&new)
        })?;
        let plural = if begun == 1 { "" } else { "s" };
        prompt::confirm(
            ctx,
            &format!("a start on {start} means {begun} invoice{plural} by today"),
        )?;
    }
    let (id, had_trial) = ctx.write(&mut store, |book| {
        let db = book.db;
        let (tenant, plan) = (db.tenant(&args.tenant)?, db.plan(&args.plan)?);
        let new = args.start(ctx, &tenant, &plan, start);
        let had_trial = book.subscription_start(&new)?.had_trial;
        let id = book.begin_subscription(&new)?;
        if let Some(code) = &args.coupon {
            book.redeem_for_subscription(code, &db.subscription(id)?, &metadata)?;
        }
        if !args.no_invoice {
            book.bill_first(id)?;
        }
        // What would be refused after this had been written would be written again by who gives it
        // again.
        if first_to_charge(db, id)?.is_some() {
            check_may_charge(ctx)?;
        }
        Ok((id, had_trial))
    })?;
    if had_trial {
        ctx.note("note: no trial, the customer had one of that plan; --trial-days gives another");
    }
    charge_first(ctx, &mut store, id)?;
    show(ctx, &mut store, id)
}

/// Charges the first invoice of a subscription that is collected by itself. The subscription stands
/// whatever the gateway says.
fn charge_first(ctx: &mut Context, store: &mut Store, id: SubscriptionId) -> anyhow::Result<()> {
    let Some(invoice) = store.read(|db| first_to_charge(db, id))? else { return Ok(()) };
    charging(ctx, |given, act| charge::first_invoice(store, given, act, invoice)).map(drop)
}

/// The first invoice of a subscription that is collected by itself, where it has one.
fn first_to_charge(db: &Db, id: SubscriptionId) -> Result<Option<InvoiceId>> {
    let subscription = db.subscription(id)?;
    let invoices = db.invoices_of_subscription(&subscription)?;
    Ok(invoices.first().map(|i| i.id).filter(|_| subscription.is_automatic()))
}

impl Create {
    fn start<'a>(
        &self,
        ctx: &Context,
        tenant: &'a Tenant,
        plan: &'a Plan,
        start: NaiveDate,
    ) -> NewStart<'a> {
        NewStart {
            tenant,
            plan,
            start,
            trial_days: self.trial_days,
            anchor: self.anchor,
            quantity: self.quantity,
            collection: self.collection.unwrap_or(ctx.config.payments.collection),
        }
    }
}

fn cancel(ctx: &mut Context, args: &Cancel) -> anyhow::Result<()> {
    let when = if args.now { When::Now } else { When::PeriodEnd };
    let mut billed = (None, 0);
    change(ctx, args.id, |book, subscription| {
        billed = (
            book.db.billed_until(subscription)?,
            recurrence::count_due(subscription, book.act.today),
        );
        book.cancel_subscription(subscription, when)
    })?;
    if args.now {
        let (until, unbilled) = billed;
        match until {
            Some(until) => ctx.note(&format!("note: billed until {until}; nothing is credited")),
            None => ctx.note("note: nothing was billed"),
        }
        if unbilled > 0 {
            let plural = if unbilled == 1 { "period that has" } else { "periods that have" };
            ctx.note(&format!("note: {unbilled} {plural} begun will never be billed"));
        }
    }
    Ok(())
}

fn list(ctx: &mut Context, args: &List) -> anyhow::Result<()> {
    let today = ctx.clock.today();
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list(objects::SUBSCRIPTION_FIELDS, objects::SUBSCRIPTIONS);
    store.read(|db| {
        let tenant = args.tenant.as_deref().map(|slug| db.tenant(slug)).transpose()?;
        let filter = SubscriptionFilter { tenant: tenant.map(|t| t.id) };
        let mut left = args.limit.limit.unwrap_or(u32::MAX);
        db.each_subscription(&filter, |subscription| {
            if left == 0 {
                return Ok(false);
            }
            let overdue = db.has_overdue(&subscription, today)?;
            // Derived: the database cannot sort it out.
            let status = subscription.status_on(today, overdue);
            if args.status.is_none_or(|wanted| wanted == status) {
                left -= 1;
                let object = objects::subscription(&subscription, status);
                list.row(object).map_err(super::out_failed)?;
            }
            Ok(true)
        })
    })?;
    Ok(list.end()?)
}

fn explain(ctx: &mut Context, id: SubscriptionId) -> anyhow::Result<()> {
    let explained =
        ctx.read(&mut ctx.reader()?, |book| Ok(value(&book.explain_subscription(id)?)))?;
    match ctx.printer.format() {
        Format::Table => explain_to_people(ctx, &explained),
        _ => Ok(ctx.printer.document(&explained)?),
    }
}

fn value(explained: &Explained) -> Value {
    let subscription = &explained.subscription;
    let pairs = |pairs: &[(Bill, Amounts)]| -> Vec<Value> {
        pairs.iter().map(|(bill, amounts)| explain::bill(bill, amounts)).collect()
    };
    let billed = explained.invoices.iter().map(|invoice| {
        json!({
            "invoice": invoice.number, "period": explain::period(invoice.period),
            "period_start": invoice.period.map(|(start, _)| start),
            "period_end": invoice.period.map(|(_, end)| end),
            "issued_on": invoice.issued_on, "due_on": invoice.due_on,
            "total": invoice.total.major(), "currency": invoice.total.currency().code(),
            "status": invoice.status.word(),
        })
    });
    let next = explained.next.as_ref().map(|next| {
        let mut object = explain::bill(&next.bill, &next.amounts);
        object["on"] = json!(next.bill.period.start);
        object["lines"] = next.lines.iter().map(objects::line).collect();
        object["if"] = json!(next.provided.map(|provided| provided.word()));
        object
    });
    json!({
        "subscription": objects::subscription(subscription, explained.status),
        "today": explained.today,
        "period": explain::period(subscription.period.map(|p| (p.start, p.end))),
        "reason": explain::billing_reason(&explained.decision.reason),
        "billed": billed.collect::<Vec<_>>(),
        "due": pairs(&explained.due),
        "next": next,
    })
}

const BILLED: &[Column] = &[
    ("invoice", "Invoice", Align::Left),
    ("period", "Period", Align::Left),
    ("issued_on", "Issued", Align::Left),
    ("due_on", "Due", Align::Left),
    ("total", "Total", Align::Right),
    ("currency", "", Align::Left),
    ("status", "Status", Align::Left),
];

const DUE: &[Column] = &[
    ("plan", "Plan", Align::Left),
    ("quantity", "Quantity", Align::Right),
    ("period", "Period", Align::Left),
    ("total", "Total", Align::Right),
    ("currency", "", Align::Left),
];

const LINES: &[Column] = &[
    ("description", "Line", Align::Left),
    ("quantity", "Quantity", Align::Right),
    ("unit_price", "Unit price", Align::Right),
    ("amount", "Amount", Align::Right),
    ("discount", "Discount", Align::Right),
    ("currency", "", Align::Left),
];

fn explain_to_people(ctx: &mut Context, explained: &Value) -> anyhow::Result<()> {
    let rows = |name: &str| explained[name].as_array().cloned().unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let subscription = &explained["subscription"];
    ctx.printer.text(&format!(
        "{} of {}, {}: {} × {}, {} {} each {}",
        word(&subscription["id"]),
        word(&subscription["tenant"]),
        word(&subscription["status"]),
        subscription["quantity"],
        word(&subscription["plan"]),
        word(&subscription["price"]),
        word(&subscription["currency"]),
        word(&subscription["each"]),
    ))?;
    let standing = explain::standing(subscription);
    standing.iter().try_for_each(|line| ctx.printer.text(line))?;
    ctx.printer.text(&format!(
        "today, {}: {}",
        word(&explained["today"]),
        word(&explained["reason"])
    ))?;
    for (name, head, columns) in
        [("billed", "billed", BILLED), ("due", "begun and not billed yet", DUE)]
    {
        let rows = rows(name);
        if !rows.is_empty() {
            ctx.printer.text(&format!("\n{head}"))?;
            ctx.printer.table(columns, &rows)?;
        }
    }
    let next = &explained["next"];
    if next.is_null() {
        return Ok(ctx.printer.text("\nno invoice follows")?);
    }
    let provided = next["if"].as_str().map(|what| format!(", {what}")).unwrap_or_default();
    ctx.printer.text(&format!(
        "\nnext invoice, on {}{provided}, for {}",
        word(&next["on"]),
        word(&next["period"])
    ))?;
    ctx.printer.table(LINES, &next["lines"].as_array().cloned().unwrap_or_default())?;
    Ok(ctx.printer.text(&format!(
        "subtotal {}, discount {}, tax {}, total {} {}",
        word(&next["subtotal"]),
        word(&next["discount"]),
        word(&next["tax"]),
        word(&next["total"]),
        word(&next["currency"])
    ))?)
}
