//! The flags that say what a coupon offers, shared by `create`, `generate` and `edit`.

use chrono_tz::Tz;
use clap::Args;

use super::super::{Context, currency_arg, prompt, words};
use crate::clock::stored_shown;
use crate::domain::coupon::{self, Discount, Duration, Eligibility, MOST_USES, Offer, OnPlan};
use crate::domain::email::Locale;
use crate::domain::refusal::Why;
use crate::domain::{Currency, Money, Refusal, Result, wording};
use crate::store::Db;

/// What a coupon offers, as it is typed; what is not given stays open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct OfferArgs {
    /// What it is called in lists and statistics
    #[arg(long, value_name = "N")]
    pub name: Option<String>,
    /// A note for whoever looks at it later
    #[arg(long, value_name = "D")]
    pub description: Option<String>,
    /// Percent off: above 0, at most 100, at most 2 decimals
    #[arg(long, value_name = "P", conflicts_with = "amount", allow_negative_numbers = true)]
    pub percent: Option<String>,
    /// A fixed amount off, in major units
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    pub amount: Option<String>,
    /// Only for amounts in this currency; of --amount and --minimum, as configured if not given
    #[arg(long, value_name = "C", value_parser = currency_arg)]
    pub currency: Option<Currency>,
    /// The first moment: a date or an RFC 3339 instant
    #[arg(long, value_name = "WHEN")]
    pub from: Option<String>,
    /// The last moment; of a date, its last second
    #[arg(long, value_name = "WHEN")]
    pub until: Option<String>,
    /// How often it can be used in all; 0: as often as anyone likes
    #[arg(long, value_name = "N", allow_negative_numbers = true,
        value_parser = clap::value_parser!(i64).range(0..=MOST_USES))]
    pub max_uses: Option<i64>,
    /// How often one customer can use it; 0: as often as it likes
    #[arg(long, value_name = "N", allow_negative_numbers = true,
        value_parser = clap::value_parser!(i64).range(0..=MOST_USES))]
    pub max_uses_per_customer: Option<i64>,
    /// Only for this plan; may be given several times
    #[arg(long = "plan", value_name = "P")]
    pub plans: Vec<String>,
    /// Who may use it: a new customer has no paid invoice yet, an existing one has
    #[arg(long, value_parser = words::<Eligibility>())]
    pub eligibility: Option<Eligibility>,
    /// The least amount before discount
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    pub minimum: Option<String>,
    /// Only for a customer's first payment
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub first_payment_only: Option<bool>,
    /// How many invoices of a subscription it discounts: one, all that come, or so many
    #[arg(long, value_name = "once|forever|N")]
    pub duration: Option<Duration>,
}

impl OfferArgs {
    /// Asks for what a new coupon needs and was not given, on a terminal; refuses without one.
    ///
    /// Returns whether it was asked what the coupon gives.
    ///
    /// # Errors
    /// Something is missing and nobody can be asked.
    pub fn complete(&mut self, ctx: &Context, name: Option<&str>) -> anyhow::Result<Asked> {
        self.read_numbers(ctx.config.locale);
        let given = self.clone();
        let asked = self.name.take().or_else(|| name.map(str::to_owned));
        let checked = |text: &str| coupon::name(text).map(drop);
        self.name = Some(prompt::needed(ctx, "--name", "Name", asked, checked)?);
        if self.percent.is_none() && self.amount.is_none() {
            self.ask_discount(ctx)?;
        }
        let clock = ctx.clock.clone();
        let checked = |text: &str| clock.end("valid_to", text).map(drop);
        let asked = self.until.take();
        self.until = Some(prompt::needed(ctx, "--until", "Valid until", asked, checked)?);
        let asked_discount = given.percent.is_none() && given.amount.is_none();
        let asked = asked_discount || given.until.is_none();
        Ok(if asked { Asked::Something } else { Asked::Nothing })
    }

    /// Takes numbers as people write them in `locale`.
    pub fn read_numbers(&mut self, locale: Locale) {
        for number in [&mut self.percent, &mut self.amount, &mut self.minimum] {
            *number = number.take().map(|typed| wording::plain_number(&typed, locale).into_owned());
        }
    }

    fn ask_discount(&mut self, ctx: &Context) -> anyhow::Result<()> {
        let (currency, locale) = (self.currency.unwrap_or(ctx.config.currency), ctx.config.locale);
        let question = format!("Discount, such as 30 % or 5000 {currency}");
        let checked = |text: &str| answer(text, currency, locale).map(drop);
        let typed = prompt::needed(ctx, "--percent or --amount", &question, None, checked)?;
        match answer(&typed, currency, locale)? {
            Answer::Percent(percent) => self.percent = Some(percent),
            Answer::Amount(amount) => self.amount = Some(amount),
        }
        Ok(())
    }

    /// The offer of a new coupon, with `max_uses` where no limit is given.
    ///
    /// # Errors
    /// A value is refused, or there is no such plan.
    pub fn offer(&self, ctx: &Context, db: &Db, max_uses: i64, is_active: bool) -> Result<Offer> {
        let plans = plans(db, &self.plans)?;
        let default = OnPlan::currency_of(&plans, ctx.config.currency);
        let (discount, currency, minimum) = self.money(default)?;
        let valid_to = ctx.clock.end("valid_to", self.until.as_deref().unwrap_or_default())?;
        let offer = Offer {
            name: coupon::name(self.name.as_deref().unwrap_or_default())?,
            description: match &self.description {
                Some(description) => coupon::description(description)?,
                None => None,
            },
            discount,
            currency,
            valid_from: match &self.from {
                Some(from) => ctx.clock.start("valid_from", from)?,
                None => ctx.clock.start_before(&valid_to),
            },
            valid_to,
            max_uses: self.max_uses.unwrap_or(max_uses),
            max_uses_per_customer: self.max_uses_per_customer.unwrap_or(1),
            plans,
            eligibility: self.eligibility.unwrap_or(Eligibility::All),
            minimum,
            first_payment_only: self.first_payment_only.unwrap_or(false),
            duration: self.duration.unwrap_or(Duration::Once),
            is_active,
        };
        offer.check()?;
        Ok(offer)
    }

    /// Discount, currency and minimum. A percentage without a minimum takes every currency, unless
    /// one is named.
    fn money(&self, default: Currency) -> Result<(Discount, Option<Currency>, Option<Money>)> {
        let in_currency = self.currency.unwrap_or(default);
        let minimum = read_minimum(self.minimum.as_deref(), in_currency)?;
        let needs_currency = self.amount.is_some() || minimum.is_some();
        let currency = self.currency.or(needs_currency.then_some(default));
        let discount = match (&self.amount, &self.percent) {
            (Some(amount), _) => Discount::amount(amount, in_currency)
                .map_err(|why| Refusal::bad("amount", amount, why))?,
            (None, percent) => {
                let percent = percent.as_deref().unwrap_or_default();
                Discount::percent(percent).map_err(|why| Refusal::bad("percent", percent, why))?
            }
        };
        Ok((discount, currency, minimum))
    }

    /// What a coupon offers with these changes; `all_plans` takes its limit to plans away.
    ///
    /// # Errors
    /// A value is refused, there is no such plan, or a new currency leaves an amount without one.
    pub fn edited(&self, ctx: &Context, db: &Db, now: &Offer, all_plans: bool) -> Result<Offer> {
        let mut new = now.clone();
        if let Some(name) = &self.name {
            new.name = coupon::name(name)?;
        }
        if let Some(description) = &self.description {
            new.description = coupon::description(description)?;
        }
        self.edit_money(ctx.config.currency, &mut new)?;
        if let Some(from) = &self.from {
            new.valid_from = ctx.clock.start("valid_from", from)?;
        }
        if let Some(until) = &self.until {
            new.valid_to = ctx.clock.end("valid_to", until)?;
        }
        new.max_uses = self.max_uses.unwrap_or(now.max_uses);
        new.max_uses_per_customer = self.max_uses_per_customer.unwrap_or(now.max_uses_per_customer);
        if all_plans {
            new.plans.clear();
        } else if !self.plans.is_empty() {
            new.plans = plans(db, &self.plans)?;
        }
        new.eligibility = self.eligibility.unwrap_or(now.eligibility);
        new.first_payment_only = self.first_payment_only.unwrap_or(now.first_payment_only);
        new.duration = self.duration.unwrap_or(now.duration);
        Ok(new)
    }

    fn edit_money(&self, default: Currency, new: &mut Offer) -> Result<()> {
        let currency = self.currency.or(new.currency);
        let (amount, minimum) = (self.amount.as_deref(), self.minimum.as_deref());
        if currency != new.currency {
            // 5000 XOF are not 5000 EUR.
            let left = [
                (
                    "amount",
                    matches!(new.discount, Discount::Amount(_))
                        && amount.is_none()
                        && self.percent.is_none(),
                ),
                ("minimum", new.minimum.is_some() && minimum.is_none()),
            ];
            if let Some((field, _)) = left.iter().find(|(_, left)| *left) {
                return Err(Refusal::bad(field, "", Why::NeededWith { field: "currency" }));
            }
        }
        let in_currency = currency.unwrap_or(default);
        if let Some(amount) = amount {
            new.discount = Discount::amount(amount, in_currency)
                .map_err(|why| Refusal::bad("amount", amount, why))?;
        }
        if let Some(percent) = &self.percent {
            new.discount =
                Discount::percent(percent).map_err(|why| Refusal::bad("percent", percent, why))?;
        }
        if let Some(minimum) = minimum {
            new.minimum = read_minimum(Some(minimum), in_currency)?;
        }
        let needs = matches!(new.discount, Discount::Amount(_)) || new.minimum.is_some();
        new.currency = currency.or(needs.then_some(in_currency));
        Ok(())
    }
}

/// Whether a person was asked what a coupon gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Nothing,
    Something,
}

/// What a person answers when asked for a discount, as its flag would be given.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Percent(String),
    Amount(String),
}

/// Reads the answer: `20 %`, or `20 EUR`. A bare number may be meant as either.
fn answer(text: &str, currency: Currency, locale: Locale) -> Result<Answer> {
    let text = text.trim();
    let bad = |why| Refusal::bad("discount", text, why);
    let number = |typed: &str| wording::plain_number(typed.trim(), locale).into_owned();
    if let Some(percent) = text.strip_suffix('%') {
        let percent = number(percent);
        Discount::percent(&percent).map_err(bad)?;
        return Ok(Answer::Percent(percent));
    }
    let code = text.len().checked_sub(3).and_then(|at| text.split_at_checked(at));
    match code.filter(|(_, code)| code.eq_ignore_ascii_case(currency.code())) {
        Some((amount, _)) => {
            let amount = number(amount);
            Discount::amount(&amount, currency).map_err(bad)?;
            Ok(Answer::Amount(amount))
        }
        None => {
            let words = format!("30 %, 5000 {currency}");
            Err(bad(Why::NotOneOf { words }))
        }
    }
}

/// What a coupon gives, in a line, to be confirmed.
pub fn in_words(code: &str, offer: &Offer, zone: Tz) -> String {
    let invoices = match offer.duration {
        Duration::Once => "one invoice".to_owned(),
        Duration::Forever => "every invoice to come".to_owned(),
        Duration::Periods(count) => format!("{count} invoices"),
    };
    let uses = match offer.max_uses {
        0 => "as often as anyone likes".to_owned(),
        1 => "once in all".to_owned(),
        count => format!("{count} times in all"),
    };
    let state = if offer.is_active { "" } else { ", once it is activated" };
    let until = stored_shown(&offer.valid_to, zone);
    format!("{code} takes {} off {invoices}, {uses}, until {until}{state}", offer.discount)
}

/// A minimum as it is typed; nothing is none.
fn read_minimum(text: Option<&str>, currency: Currency) -> Result<Option<Money>> {
    let Some(text) = text else { return Ok(None) };
    coupon::minimum(text, currency).map_err(|why| Refusal::bad("minimum", text, why))
}

/// The plans of these codes, each once, by code.
fn plans(db: &Db, codes: &[String]) -> Result<Vec<OnPlan>> {
    let mut plans = Vec::new();
    for code in codes {
        let plan = db.plan(code)?;
        plans.push(OnPlan::of(&plan));
    }
    Ok(OnPlan::each_once(plans))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_is_neither_a_percentage_nor_an_amount() {
        let eur: Currency = "EUR".parse().unwrap();
        let read = |text| answer(text, eur, Locale::Fr);
        for (text, percent) in [("20 %", "20"), ("20%", "20"), (" 12,5 % ", "12.5")] {
            assert_eq!(read(text), Ok(Answer::Percent(percent.to_owned())), "{text}");
        }
        for (text, amount) in [("20 EUR", "20"), ("20eur", "20"), ("1 234,50 EUR", "1234.50")] {
            assert_eq!(read(text), Ok(Answer::Amount(amount.to_owned())), "{text}");
        }
        for text in ["20", "20 USD", "", "%", "EUR", "0 %", "0 EUR", "120 %", "é€"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
