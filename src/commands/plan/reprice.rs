//! `billing plan reprice`.

use chrono::NaiveDate;
use clap::Args;
use serde_json::{Value, json};

use super::super::{Context, amount_or_nothing, currency_arg, date_arg, prompt};
use super::price::live;
use crate::books::Book;
use crate::books::reprice::{Existing, Move, Repriced};
use crate::domain::email::Locale;
use crate::domain::price::{Model, Price, PriceTerms, Tier, Tiers};
use crate::domain::{Currency, Refusal, Result, money, wording};
use crate::view::objects;

#[derive(Debug, Args)]
pub struct Reprice {
    /// The plan's code
    code: String,
    /// What it costs then, by the model that the price has
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    price: Option<String>,
    /// A tier, where the price has tiers: its last unit, or inf; what each unit costs; and a fee
    #[arg(long, value_name = "UP_TO:UNIT[:FLAT]")]
    tier: Vec<String>,
    /// The currency of the price, where the plan has several
    #[arg(long, value_name = "C", value_parser = currency_arg)]
    currency: Option<Currency>,
    /// Subscriptions go to it with their first period from this day on; with their next where not given
    #[arg(long, value_name = "DATE", value_parser = date_arg, conflicts_with = "keep_existing")]
    from: Option<NaiveDate>,
    /// Leave the subscriptions that there are at the price that they have
    #[arg(long)]
    keep_existing: bool,
    /// Say who would go to it, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, args: &Reprice) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    let act = ctx.act();
    let rehearsed = store.rehearse(|db| reprice(&Book::new(db, &act, &ctx.config), args))?;
    if args.dry_run {
        return Ok(ctx.printer.object(&told(args, &rehearsed))?);
    }
    let count = rehearsed.1.moves.len();
    if count > 0 {
        let plural = if count == 1 { "" } else { "s" };
        let what = format!("{count} subscription{plural} of {} will cost otherwise", args.code);
        prompt::ask(ctx, &format!("{what}, and each customer is told"))?;
    }
    let done = ctx.write(&mut store, |book| reprice(book, args))?;
    Ok(ctx.printer.object(&told(args, &done))?)
}

/// The price that was, and what became of it.
type Done = (Price, Repriced, Price);

fn reprice(book: &Book, args: &Reprice) -> Result<Done> {
    let plan = book.db.plan(&args.code)?;
    if plan.archived_at.is_some() {
        return Err(Refusal::PlanArchived { plan: plan.code });
    }
    let old = live(&plan.code, book.db.prices(plan.id)?, &None, args.currency)?.price;
    let terms = args.terms(&old, book.config.locale)?;
    let existing = match args.keep_existing {
        true => Existing::Keep,
        false => Existing::MoveFrom(args.from),
    };
    let repriced = book.reprice(&plan, &old, terms, existing)?;
    let new = live(&plan.code, book.db.prices(plan.id)?, &None, Some(old.currency))?.price;
    Ok((old, repriced, new))
}

impl Reprice {
    /// The terms of a price with other amounts.
    fn terms(&self, old: &Price, locale: Locale) -> Result<PriceTerms> {
        let plain = |text: &str| wording::plain_number(text, locale).into_owned();
        let (model, currency) = (old.terms.model.word().word(), old.currency);
        let is_tiered = old.terms.model.tiers().is_some();
        for (flag, is_given, must) in [
            ("--price", self.price.is_some(), !is_tiered),
            ("--tier", !self.tier.is_empty(), is_tiered),
        ] {
            match (is_given, must) {
                (true, false) => return Err(Refusal::ModelTakesNo { model, flag }),
                (false, true) => return Err(Refusal::ModelNeeds { model, flag }),
                _ => {}
            }
        }
        let price = self.price.as_deref().unwrap_or_default();
        let unit = || {
            let read = money::unit_price(&plain(price), currency);
            read.map_err(|why| Refusal::bad("price", price, why))
        };
        let tiers = || {
            let read = self.tier.iter().map(|text| Tier::parse(text, currency, plain));
            read.collect::<Result<_>>().and_then(Tiers::of)
        };
        let model = match &old.terms.model {
            Model::Flat { .. } => {
                let amount = amount_or_nothing("price", price, currency, locale)?;
                Model::Flat { amount: amount.exact() }
            }
            Model::PerUnit { .. } => Model::PerUnit { unit: unit()? },
            Model::Package { size, .. } => Model::Package { package: unit()?, size: *size },
            Model::Graduated { .. } => Model::Graduated { tiers: tiers()? },
            Model::Volume { .. } => Model::Volume { tiers: tiers()? },
            // No plan's own price is one: it is of a meter.
            Model::Percentage { .. } => return Err(Refusal::PercentageOf { meter: None }),
        };
        Ok(PriceTerms { model, ..old.terms.clone() })
    }
}

fn told(args: &Reprice, (old, repriced, new): &Done) -> Value {
    let moves: Vec<Value> = repriced.moves.iter().map(moved).collect();
    json!({
        "plan": args.code,
        "currency": old.currency.code(),
        "old": objects::price_says(&old.terms.model, old.currency),
        "new": objects::price_says(&new.terms.model, new.currency),
        "from_on": repriced.from_on,
        "dry_run": args.dry_run,
        "subscriptions": moves.len(),
        "emails_queued": moves.len(),
        "moves": moves,
    })
}

fn moved(to: &Move) -> Value {
    json!({
        "subscription": to.subscription.to_string(),
        "tenant": to.tenant,
        "quantity": to.quantity,
        "from_on": to.from_on,
        "old_amount": to.old.major(),
        "new_amount": to.new.major(),
        "currency": to.new.currency().code(),
    })
}
