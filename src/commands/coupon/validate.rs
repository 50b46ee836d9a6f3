//! `billing coupon validate`.

use clap::Args;
use serde_json::{Value, json};

use super::super::{Context, amount_or_nothing, currency_arg, prompt};
use crate::books::Book;
use crate::books::redeem::{Asked, Validated};
use crate::domain::coupon::{self, OnPlan};
use crate::domain::{Currency, Money, Refusal, text};
use crate::failure::exit;
use crate::view::{Format, objects};

#[derive(Debug, Args)]
pub struct Validate {
    /// The coupon's code, in any case
    code: Option<String>,
    /// Who wants to use it
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    /// Before discount and tax
    #[arg(long, allow_negative_numbers = true)]
    amount: Option<String>,
    /// What is bought; a coupon that is limited to plans is refused without one
    #[arg(long, value_name = "CODE")]
    plan: Option<String>,
    /// The plan's or the customer's if not given
    #[arg(long, value_name = "C", value_parser = currency_arg)]
    currency: Option<Currency>,
}

pub(super) fn validate(ctx: &mut Context, args: Validate) -> anyhow::Result<u8> {
    let any = |_: &str| Ok(());
    let code = prompt::needed(ctx, "CODE", "Code", args.code, any)?;
    let slug = prompt::needed(ctx, "--tenant", "Customer", args.tenant, any)?;
    let typed = prompt::needed(ctx, "--amount", "Amount before discount", args.amount, any)?;
    let act = ctx.act();
    let mut store = ctx.counter()?;
    // A customer at a checkout does not wait for an import: only a check that is not counted yet is
    // written down.
    let (validated, amount, tenant, counted) = ctx.read(&mut store, |book| {
        let Book { db, act, .. } = *book;
        let tenant = db.tenant(&slug)?;
        let plan = args.plan.as_deref().map(|plan| db.plan(plan)).transpose()?;
        let of_plan = plan.as_ref().map(|plan| plan.price.currency);
        let currency = args.currency.or(of_plan).unwrap_or(tenant.currency);
        let amount = amount_or_nothing("amount", &typed, currency, book.config.locale)?;
        let bought = plan.iter().map(|plan| (OnPlan::of(plan), amount)).collect();
        let asked = Asked { tenant: tenant.id, bought, amount };
        let validated = book.examine_coupon(&code, &asked)?;
        let counted = match &validated.coupon {
            Some(coupon) => db.is_checked(act, coupon.id, tenant.id)?,
            None => true,
        };
        Ok((validated, amount, tenant, counted))
    })?;
    if let Some(coupon) = validated.coupon.as_ref().filter(|_| !counted) {
        store.write(|db| db.note_check(&act, coupon.id, tenant.id))?;
    }
    let tenant = tenant.slug;
    say_validated(ctx, &code, &tenant, amount, &validated)?;
    match coupon::reasons(&validated.verdicts).is_empty() {
        true => Ok(exit::DONE),
        false => Ok(exit::REFUSED),
    }
}

pub(super) fn say_validated(
    ctx: &mut Context,
    code: &str,
    tenant: &str,
    amount: Money,
    validated: &Validated,
) -> anyhow::Result<()> {
    let code = validated.coupon.as_ref().map_or(code, |coupon| &coupon.code);
    let mut object = objects::validation(code, amount, validated.discount, &validated.verdicts);
    let rules: Vec<Value> = validated.verdicts.iter().map(objects::verdict).collect();
    match ctx.printer.format() {
        Format::Csv => Ok(ctx.printer.object(&object)?),
        Format::Json => {
            object["rules"] = json!(rules);
            Ok(ctx.printer.object(&object)?)
        }
        Format::Table => {
            let code = text::printable_value(code);
            let verdict = match coupon::reasons(&validated.verdicts).is_empty() {
                _ if validated.coupon.is_none() => format!("there is no coupon {code}"),
                true => {
                    let left = amount.minus(validated.discount).map_err(Refusal::from)?;
                    format!(
                        "{code} takes {} off {amount} for {tenant}, which leaves {left}",
                        validated.discount
                    )
                }
                false => format!("{code} cannot be used by {tenant} for {amount}"),
            };
            ctx.printer.text(&format!("{verdict}\n\n"))?;
            Ok(ctx.printer.table(objects::VERDICTS, &rules)?)
        }
    }
}
