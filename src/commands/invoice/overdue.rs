//! `billing invoice overdue`: what is owed, and what dunning does next.

use clap::Args;
use serde_json::json;

use super::super::Context;
use crate::domain::calendar;
use crate::domain::dunning;
use crate::domain::money::Totals;
use crate::view::{explain, objects};

#[derive(Debug, Args)]
pub struct Overdue {
    /// Only what is so many days overdue or more
    #[arg(long, value_name = "N", default_value_t = 1)]
    min_days: u32,
    /// Only those of this customer
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
}

pub(super) const OVERDUE_FIELDS: &[&str] = &[
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

pub(super) fn overdue(ctx: &mut Context, args: &Overdue) -> anyhow::Result<()> {
    let (today, policy) = (ctx.clock.today(), ctx.config.dunning_policy());
    // At least so many days overdue: due before the day that lies so many days back, exclusive.
    let due_before = calendar::plus_days(today, 1 - i64::from(args.min_days.max(1)));
    let mut store = ctx.reader()?;
    let mut totals = Totals::default();
    let mut list = ctx.printer.list_within("invoices", OVERDUE_FIELDS, objects::OVERDUE);
    store.read(|db| {
        let tenant = args.tenant.as_deref().map(|slug| db.tenant(slug)).transpose()?;
        let tenant = tenant.map(|tenant| tenant.id);
        // Before the first row is printed: a sum that cannot be said refuses all of it.
        db.each_overdue(tenant, due_before, |_, _, facts| Ok(totals.add(facts.amount_due)?))?;
        db.each_overdue(tenant, due_before, |slug, status, mut facts| {
            db.owed_beside(&mut facts, today, &policy.minimum_amount)?;
            let decision = dunning::decide_invoice(&facts, status, &policy, today, |_| {});
            list.row(explain::overdue(slug, &facts, &decision, today))
                .map_err(super::super::out_failed)
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
