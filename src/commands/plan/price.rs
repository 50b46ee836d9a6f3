//! `billing plan price`: what a plan costs, in several currencies and by several models. Its rules
//! are in `domain/price.rs`, its rows in `store/plans.rs`.

use clap::{Args, Subcommand};

use super::super::{Context, Limit, amount, amount_or_nothing, currency_arg, words};
use crate::domain::email::Locale;
use crate::domain::event::{About, Flat, PlanEvent, PriceFacts};
use crate::domain::plan::{ListedPrice, NewPrice};
use crate::domain::price::{self, MOST_UNITS, Model, ModelWord, PriceTerms, Tier, Tiers};
use crate::domain::usage;
use crate::domain::{Currency, PriceId, Refusal, Result, money, wording};
use crate::store::Store;
use crate::view::objects;

/// `billing plan price …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Give a plan a price: in another currency, or in the place of one that was archived
    Add(Add),
    /// List the prices that a plan has and had
    List(List),
    /// Take a price off the offer; subscriptions that have it keep it
    Archive(Archive),
}

#[derive(Debug, Args)]
pub struct Add {
    /// The plan's code
    code: String,
    /// What the price is in; the currency of the plan's first price where it is not given
    #[arg(long, value_name = "C", value_parser = currency_arg)]
    currency: Option<Currency>,
    /// The meter whose usage it is for; the plan itself where it is not given
    #[arg(long, value_name = "M")]
    meter: Option<String>,
    /// How a quantity comes to an amount
    #[arg(long, value_parser = words::<ModelWord>())]
    model: ModelWord,
    /// What it costs: all of it (flat), each unit (per_unit) or each package begun (package)
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    price: Option<String>,
    /// Units of a package
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=MOST_UNITS))]
    package_size: Option<i64>,
    /// How much of the value that a meter sums up (percentage)
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    percent: Option<String>,
    /// A tier (graduated, volume): its last unit, or inf; what each unit costs; and a fee for the tier
    #[arg(long, value_name = "UP_TO:UNIT[:FLAT]")]
    tier: Vec<String>,
    /// So many units are free, and come off first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=MOST_UNITS))]
    included: Option<i64>,
    /// What a period comes to at least
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    minimum: Option<String>,
}

#[derive(Debug, Args)]
pub struct List {
    /// The plan's code
    code: String,
    /// Only those for the usage of this meter
    #[arg(long, value_name = "M")]
    meter: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Debug, Args)]
pub struct Archive {
    /// The plan's code
    code: String,
    /// The currency of the price, where the plan has several
    #[arg(long, value_name = "C", value_parser = currency_arg)]
    currency: Option<Currency>,
    /// The meter whose price it is; the plan's own where it is not given
    #[arg(long, value_name = "M")]
    meter: Option<String>,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(args) => add(ctx, &args),
        Command::List(args) => list(ctx, &args),
        Command::Archive(args) => archive(ctx, &args),
    }
}

impl Add {
    /// What the flags say of a price in that currency.
    fn terms(&self, currency: Currency, locale: Locale) -> Result<PriceTerms> {
        self.check_flags()?;
        let plain = |text: &str| wording::plain_number(text, locale).into_owned();
        let price = self.price.as_deref().unwrap_or_default();
        let unit = || {
            let read = money::unit_price(&plain(price), currency);
            read.map_err(|why| Refusal::bad("price", price, why))
        };
        let tiers = || {
            let read = self.tier.iter().map(|text| Tier::parse(text, currency, plain));
            read.collect::<Result<_>>().and_then(Tiers::of)
        };
        let model = match self.model {
            ModelWord::Flat => {
                let amount = amount_or_nothing("price", price, currency, locale)?;
                Model::Flat { amount: amount.exact() }
            }
            ModelWord::PerUnit => Model::PerUnit { unit: unit()? },
            ModelWord::Percentage => {
                let text = self.percent.as_deref().unwrap_or_default();
                Model::Percentage { percent: price::percent(&plain(text))? }
            }
            ModelWord::Graduated => Model::Graduated { tiers: tiers()? },
            ModelWord::Volume => Model::Volume { tiers: tiers()? },
            ModelWord::Package => {
                Model::Package { package: unit()?, size: self.package_size.unwrap_or(1) }
            }
        };
        let minimum = self.minimum.as_deref();
        let minimum = minimum.map(|text| amount("minimum", text, currency, locale)).transpose()?;
        Ok(PriceTerms { model, included: self.included.unwrap_or(0), minimum })
    }

    /// Checks that the model has the flags that it needs, and no other.
    fn check_flags(&self) -> Result<()> {
        let (model, is_tiered) = match self.model {
            model @ (ModelWord::Graduated | ModelWord::Volume) => (model, true),
            model => (model, false),
        };
        let is_package = model == ModelWord::Package;
        let is_percentage = model == ModelWord::Percentage;
        let has_price = !is_tiered && !is_percentage;
        let may_include = model != ModelWord::Flat;
        let model = model.word();
        for (flag, is_given, may, must) in [
            ("--price", self.price.is_some(), has_price, has_price),
            ("--percent", self.percent.is_some(), is_percentage, is_percentage),
            ("--tier", !self.tier.is_empty(), is_tiered, is_tiered),
            ("--package-size", self.package_size.is_some(), is_package, is_package),
            ("--included", self.included.is_some(), may_include, false),
        ] {
            if is_given && !may {
                return Err(Refusal::ModelTakesNo { model, flag });
            }
            if must && !is_given {
                return Err(Refusal::ModelNeeds { model, flag });
            }
        }
        Ok(())
    }
}

fn add(ctx: &mut Context, args: &Add) -> anyhow::Result<()> {
    let locale = ctx.config.locale;
    let mut store = ctx.writer()?;
    let id = ctx.write(&mut store, |book| {
        let plan = book.db.plan(&args.code)?;
        if plan.archived_at.is_some() {
            return Err(Refusal::PlanArchived { plan: plan.code });
        }
        let currency = args.currency.unwrap_or(plan.price.currency);
        let meter = args.meter.as_deref().map(|code| book.db.meter(code)).transpose()?;
        let terms = args.terms(currency, locale)?;
        usage::check_price(meter.as_ref(), &terms)?;
        let new = NewPrice { meter: meter.map(|meter| (meter.id, meter.code)), currency, terms };
        let id = book.db.insert_price(book.act, plan.id, &plan.code, &new)?;
        let meter = new.meter.as_ref().map(|(_, code)| code.as_str());
        let price = Flat(PriceFacts::of(&plan.code, meter, &new.terms, currency));
        book.record(About::NOBODY, PlanEvent::PriceAdded { price }, None)?;
        Ok(id)
    })?;
    show(ctx, &mut store, &args.code, id)
}

fn archive(ctx: &mut Context, args: &Archive) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    let id = ctx.write(&mut store, |book| {
        let plan = book.db.plan(&args.code)?;
        let meter = args.meter.as_deref().map(|code| book.db.meter(code)).transpose()?;
        let meter = meter.map(|meter| meter.code);
        let price = live(&plan.code, book.db.prices(plan.id)?, &meter, args.currency)?.price;
        book.db.archive_price(book.act, price.id)?;
        let facts =
            Flat(PriceFacts::of(&plan.code, meter.as_deref(), &price.terms, price.currency));
        book.record(About::NOBODY, PlanEvent::PriceArchived { price: facts }, None)?;
        Ok(price.id)
    })?;
    show(ctx, &mut store, &args.code, id)
}

/// The live price for that meter or none, in that currency; the only one where none is named.
pub(super) fn live(
    plan: &str,
    mut prices: Vec<ListedPrice>,
    meter: &Option<String>,
    currency: Option<Currency>,
) -> Result<ListedPrice> {
    let plan = plan.to_owned();
    prices.retain(|listed| listed.archived_at.is_none() && listed.meter == *meter);
    prices.retain(|listed| currency.is_none_or(|currency| currency == listed.price.currency));
    match prices.len() {
        0 | 1 => {
            let meter = meter.clone();
            prices.pop().ok_or(Refusal::NoPrice { plan, meter, currency })
        }
        _ => {
            let currencies = prices.iter().map(|listed| listed.price.currency).collect();
            Err(Refusal::WhichPrice { plan, currencies })
        }
    }
}

fn show(ctx: &mut Context, store: &mut Store, code: &str, id: PriceId) -> anyhow::Result<()> {
    let prices = store.read(|db| db.prices(db.plan(code)?.id))?;
    let shown = prices.iter().find(|listed| listed.price.id == id);
    let shown = shown.map(|listed| match ctx.printer.for_people() {
        true => objects::price_for_people(code, listed),
        false => objects::price(code, listed),
    });
    Ok(ctx.printer.object(&shown.unwrap_or_default())?)
}

fn list(ctx: &mut Context, args: &List) -> anyhow::Result<()> {
    let mut prices = ctx.reader()?.read(|db| {
        if let Some(code) = &args.meter {
            db.meter(code)?;
        }
        db.prices(db.plan(&args.code)?.id)
    })?;
    prices.retain(|listed| args.meter.is_none() || listed.meter == args.meter);
    let newest = args.limit.limit.map_or(prices.len(), |limit| limit as usize);
    let mut list = ctx.printer.list(objects::PRICE_FIELDS, objects::PRICES);
    for listed in prices.iter().skip(prices.len().saturating_sub(newest)) {
        list.row(objects::price(&args.code, listed))?;
    }
    Ok(list.end()?)
}
