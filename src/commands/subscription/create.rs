//! `billing subscription create`.

use chrono::NaiveDate;
use clap::Args;
use serde_json::json;

use super::super::coupon::Metadata;
use super::super::once::{Made, Once};
use super::super::tasks::{charging, check_may_charge};
use super::super::{Context, date_arg, prompt, words};
use super::object;
use crate::books::subscribe::NewStart;
use crate::domain::invoice::Invoice;
use crate::domain::period::Anchor;
use crate::domain::plan::{MOST_TRIAL_DAYS, Plan};
use crate::domain::subscription::{Collection, MOST_QUANTITY};
use crate::domain::tenant::Tenant;
use crate::domain::{InvoiceId, Result, SubscriptionId};
use crate::store::{Db, Store};
use crate::tasks::charge;

#[derive(Debug, Args)]
pub struct Create {
    /// The customer
    #[arg(long, value_name = "SLUG")]
    tenant: String,
    /// What it subscribes to
    #[arg(long, value_name = "CODE")]
    plan: String,
    /// What it subscribes to besides, billed together with it; without a number, one of it
    #[arg(long, value_name = "CODE[:N]", value_parser = item_arg)]
    item: Vec<(String, i64)>,
    /// Its first day; today where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    start: Option<NaiveDate>,
    /// Free days; the plan's where it is not given and the customer had no trial of it yet
    #[arg(long, value_name = "N",
        value_parser = clap::value_parser!(i64).range(0..=MOST_TRIAL_DAYS))]
    trial_days: Option<i64>,
    /// Whether periods start on the 1st of the month, or on the day on which it begins
    #[arg(long, default_value_t = Anchor::Calendar, value_parser = words::<Anchor>())]
    anchor: Anchor,
    /// How many of the plan, such as seats
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(i64).range(1..=MOST_QUANTITY))]
    quantity: i64,
    /// A coupon for its coming invoices
    #[arg(long, value_name = "CODE")]
    coupon: Option<String>,
    #[command(flatten)]
    metadata: Metadata,
    /// Charge the default payment method, or send the invoice; as configured where not given
    #[arg(long, value_parser = words::<Collection>())]
    collection: Option<Collection>,
    /// Leave the first invoice to tasks generate-recurring-invoices
    #[arg(long)]
    no_invoice: bool,
    #[command(flatten)]
    once: Once,
}

pub(super) fn create(ctx: &mut Context, args: &Create) -> anyhow::Result<()> {
    let today = ctx.clock.today();
    let start = args.start.unwrap_or(today);
    let metadata = args.metadata.json_with(args.coupon.as_ref())?;
    let mut store = ctx.writer()?;
    if start < today {
        let begun = ctx.read(&mut store, |book| {
            let tenant = book.db.tenant(&args.tenant)?;
            let plan = book.db.plan_in(&args.plan, tenant.currency)?;
            let others = args.others(book.db, &tenant)?;
            let new = args.start(ctx, &tenant, (&plan, &others), start);
            book.periods_begun(&new)
        })?;
        let plural = if begun == 1 { "" } else { "s" };
        prompt::confirm(
            ctx,
            &format!("a start on {start} means {begun} invoice{plural} by today"),
        )?;
    }
    let (mut had_trial, mut currencies) = (false, None);
    let made = args.once.create(ctx, &mut store, "", |book| {
        let db = book.db;
        let tenant = db.tenant(&args.tenant)?;
        let plan = db.plan_in(&args.plan, tenant.currency)?;
        let others = args.others(db, &tenant)?;
        let new = args.start(ctx, &tenant, (&plan, &others), start);
        had_trial = book.subscription_start(&new)?.had_trial;
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
        currencies = Some((plan.price.currency, tenant.currency));
        Ok(id.0)
    })?;
    if had_trial {
        ctx.note("note: no trial, the customer had one of that plan; --trial-days gives another");
    }
    if let Some((billed_in, has)) = currencies.filter(|(billed_in, has)| billed_in != has) {
        let tenant = &args.tenant;
        ctx.note(&format!(
            "note: billed in {billed_in}, the plan has no price in the {has} of {tenant}"
        ));
    }
    let id = SubscriptionId(made.id());
    if let Made::Now(_) = made {
        charge_first(ctx, &mut store, id)?;
    }
    let mut created = object(ctx, &mut store, id)?;
    let first = store.read(|db| Ok(first_invoice(db, id)?.map(|invoice| invoice.number)))?;
    created["invoice"] = json!(first);
    Ok(ctx.printer.object(&created)?)
}

/// Charges the first invoice of a subscription that is collected by itself. The subscription stands
/// whatever the gateway says.
pub(super) fn charge_first(
    ctx: &mut Context,
    store: &mut Store,
    id: SubscriptionId,
) -> anyhow::Result<()> {
    let Some(invoice) = store.read(|db| first_to_charge(db, id))? else { return Ok(()) };
    charging(ctx, |given, act| charge::first_invoice(store, given, act, invoice)).map(drop)
}

/// The first invoice of a subscription that is collected by itself, where it has one.
pub(super) fn first_to_charge(db: &Db, id: SubscriptionId) -> Result<Option<InvoiceId>> {
    let automatic = db.subscription(id)?.is_automatic();
    Ok(first_invoice(db, id)?.map(|invoice| invoice.id).filter(|_| automatic))
}

fn first_invoice(db: &Db, id: SubscriptionId) -> Result<Option<Invoice>> {
    let invoices = db.invoices_of_subscription(&db.subscription(id)?)?;
    Ok(invoices.into_iter().next())
}

/// `PLAN[:QUANTITY]`.
fn item_arg(text: &str) -> std::result::Result<(String, i64), String> {
    let Some((plan, quantity)) = text.split_once(':') else { return Ok((text.to_owned(), 1)) };
    let quantity = quantity.parse().ok().filter(|n| (1..=MOST_QUANTITY).contains(n));
    match quantity {
        Some(quantity) => Ok((plan.to_owned(), quantity)),
        None => Err(format!("how many of {plan}: a whole number from 1 to {MOST_QUANTITY}")),
    }
}

impl Create {
    /// What it subscribes to besides the plan.
    fn others(&self, db: &Db, tenant: &Tenant) -> Result<Vec<(Plan, i64)>> {
        let other =
            |(code, quantity): &(String, i64)| Ok((db.plan_in(code, tenant.currency)?, *quantity));
        self.item.iter().map(other).collect()
    }

    fn start<'a>(
        &self,
        ctx: &Context,
        tenant: &'a Tenant,
        (plan, others): (&'a Plan, &'a [(Plan, i64)]),
        start: NaiveDate,
    ) -> NewStart<'a> {
        NewStart {
            tenant,
            plan,
            start,
            trial_days: self.trial_days,
            anchor: self.anchor,
            quantity: self.quantity,
            others,
            collection: self.collection.unwrap_or(ctx.config.payments.collection),
        }
    }
}
