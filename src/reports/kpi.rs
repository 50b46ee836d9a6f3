//! The key figures, each beside its target and the period before.

use rust_decimal::Decimal;

use super::{Period, period};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::domain::money::{ROUNDING, Totals, ratio, scaled, share};
use crate::domain::{Currency, Money, Refusal, Result, calendar, words};
use crate::store::Db;
use crate::store::reports::{InvoiceSums, NewPayers, Span};

/// What went overdue so many days before the period counts for its recovery rate too: the days
/// that dunning needs, twice.
const RECOVERY_DAYS: i64 = 60;

words! {
    KpiName {
        OverdueRateCount = "overdue_rate_count",
        OverdueRateAmount = "overdue_rate_amount",
        DaysToCollect = "days_to_collect",
        RecoveryRate = "recovery_rate",
        CouponShare = "coupon_share",
        AcquisitionCost = "acquisition_cost",
        TaskSuccessRate = "task_success_rate",
        EmailsSent = "emails_sent",
        EmailsFailed = "emails_failed",
    }
}

words! {
    /// What a value counts.
    Unit {
        /// A fraction of 1, with four decimals.
        Rate = "rate",
        /// With one decimal.
        Days = "days",
        /// Major units of the figure's currency.
        Amount = "amount",
        Emails = "emails",
    }
}

words! {
    /// How a value moved since the period before.
    Trend { Up = "up", Down = "down", Same = "same" }
}

/// What a value is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Below(Decimal),
    AtLeast(Decimal),
    AtMost(Decimal),
    Within(Decimal, Decimal),
}

impl Target {
    /// The rule in a word.
    pub fn word(self) -> &'static str {
        match self {
            Target::Below(_) => "below",
            Target::AtLeast(_) => "at_least",
            Target::AtMost(_) => "at_most",
            Target::Within(..) => "within",
        }
    }

    /// Whether that value meets it.
    pub fn is_met_by(self, value: Decimal) -> bool {
        match self {
            Target::Below(limit) => value < limit,
            Target::AtLeast(least) => value >= least,
            Target::AtMost(most) => value <= most,
            Target::Within(least, most) => (least..=most).contains(&value),
        }
    }
}

/// A key figure.
#[derive(Debug, Clone, Copy)]
pub struct Kpi {
    pub name: KpiName,
    pub unit: Unit,
    /// Of amounts.
    pub currency: Option<Currency>,
    /// With as many decimals as its unit has; `None` where there is nothing to divide by.
    pub value: Option<Decimal>,
    /// Of the period before.
    pub previous: Option<Decimal>,
    pub target: Option<Target>,
}

impl Kpi {
    /// Whether the target is met, where there are both.
    pub fn met(&self) -> Option<bool> {
        Some(self.target?.is_met_by(self.value?))
    }

    /// How it moved.
    pub fn trend(&self) -> Option<Trend> {
        Some(match self.value?.cmp(&self.previous?) {
            std::cmp::Ordering::Less => Trend::Down,
            std::cmp::Ordering::Equal => Trend::Same,
            std::cmp::Ordering::Greater => Trend::Up,
        })
    }
}

/// Computes them.
///
/// # Errors
/// Amounts that are too large, an `acquisition_spend` that is no amount, or a fault of the file.
pub fn kpi(db: &Db, clock: &Clock, config: &Config, period: Period) -> Result<Vec<Kpi>> {
    let (now, before) = (period.span(clock), period.before().span(clock));
    let sums = [invoice_sums(db, clock, &now)?, invoice_sums(db, clock, &before)?];
    let targets = Targets::new(&config.kpi);
    let mut kpis = of_invoices(&sums, &targets);
    kpis.extend(acquisition(db, config, &targets, &now, &before)?);
    kpis.extend(of_tasks(db, &targets, &now, &before)?);
    Ok(kpis)
}

/// A fraction of 1 as people read it, in percent with at most two decimals.
pub fn percent(rate: Decimal) -> String {
    let percent = (rate * Decimal::ONE_HUNDRED).round_dp_with_strategy(2, ROUNDING);
    format!("{} %", percent.normalize())
}

/// The targets, as fractions where the config says percent.
struct Targets {
    overdue_rate: Target,
    days_to_collect: Target,
    recovery_rate: Target,
    coupon_share: Target,
    /// What the cost of the period before is multiplied by.
    acquisition_cost: Decimal,
    task_success_rate: Target,
    emails_failed: Target,
}

impl Targets {
    fn new(given: &config::Kpi) -> Self {
        let percent = |given: Option<Decimal>, usual: i64| {
            scaled(given.unwrap_or(Decimal::from(usual)) / Decimal::ONE_HUNDRED, 4)
        };
        let days = given.days_to_collect.unwrap_or(Decimal::from(15));
        Targets {
            overdue_rate: Target::Below(percent(given.overdue_rate, 10)),
            days_to_collect: Target::Below(scaled(days, 1)),
            recovery_rate: Target::AtLeast(percent(given.recovery_rate, 90)),
            coupon_share: Target::Within(
                percent(given.coupon_share_min, 15),
                percent(given.coupon_share_max, 25),
            ),
            acquisition_cost: Decimal::ONE + percent(given.acquisition_cost_change, -20),
            task_success_rate: Target::AtLeast(percent(given.task_success_rate, 100)),
            emails_failed: Target::AtMost(Decimal::from(given.emails_failed.unwrap_or(0))),
        }
    }
}

fn invoice_sums(db: &Db, clock: &Clock, span: &Span) -> Result<Vec<InvoiceSums>> {
    // Overdue from the day after its due date.
    let overdue_since = calendar::plus_days(span.since, -RECOVERY_DAYS - 1);
    db.invoice_sums(span, period::may_have_changed(db, clock, &span.end())?, overdue_since)
}

/// The figures of invoices: counts of all currencies together, amounts of each on its own.
fn of_invoices(sums: &[Vec<InvoiceSums>; 2], targets: &Targets) -> Vec<Kpi> {
    let all = |part: fn(&InvoiceSums) -> (i64, i64)| {
        sums.each_ref()
            .map(|sums| sums.iter().map(part).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)))
    };
    let shares = |of: [(i64, i64); 2]| of.map(|(part, whole)| share(part, whole));
    let overdue = of_both(
        KpiName::OverdueRateCount,
        Unit::Rate,
        shares(all(|s| (s.overdue, s.open))),
        targets.overdue_rate,
    );
    let mut kpis = vec![overdue];
    for currency in currencies(sums.iter().flatten().map(|sums| sums.currency)) {
        let amounts = sums.each_ref().map(|sums| {
            let sums = sums.iter().find(|sums| sums.currency == currency)?;
            share(sums.overdue_minor, sums.open_minor)
        });
        let name = KpiName::OverdueRateAmount;
        let kpi = of_both(name, Unit::Rate, amounts, targets.overdue_rate);
        kpis.push(Kpi { currency: Some(currency), ..kpi });
    }
    let days = all(|s| (s.paid_days, s.paid)).map(|(days, paid)| ratio(days, paid, 1));
    let recovered = shares(all(|s| (s.recovered, s.went_overdue)));
    let coupons = shares(all(|s| (s.with_coupon, s.checkouts)));
    kpis.extend([
        of_both(KpiName::DaysToCollect, Unit::Days, days, targets.days_to_collect),
        of_both(KpiName::RecoveryRate, Unit::Rate, recovered, targets.recovery_rate),
        of_both(KpiName::CouponShare, Unit::Rate, coupons, targets.coupon_share),
    ]);
    kpis
}

/// What a new paying customer cost, in each currency that has one, or has spent on one. The spend
/// of the config is in its currency, and that of a period, whatever its length.
fn acquisition(
    db: &Db,
    config: &Config,
    targets: &Targets,
    now: &Span,
    before: &Span,
) -> Result<Vec<Kpi>> {
    let given = [db.discounts_to_new(now)?, db.discounts_to_new(before)?];
    let payers = db.new_payers(now, before)?;
    let spend = spend(config)?;
    let discounted = given.iter().flat_map(Totals::iter).map(|money| money.currency());
    let paying = payers.iter().map(|payers| payers.currency);
    let all = currencies(discounted.chain(paying).chain([config.currency]));
    let cost = |currency: Currency, given: &Totals, count: i64| {
        let spent = if currency == config.currency { spend.minor() } else { 0 };
        let given = given.iter().find(|given| given.currency() == currency);
        let minor = spent.saturating_add(given.map_or(0, |given| given.minor()));
        major(Decimal::from(minor).checked_div(Decimal::from(count))?, currency)
    };
    Ok(all
        .into_iter()
        .map(|currency| {
            let none = NewPayers { currency, now: 0, before: 0 };
            let new = payers.iter().find(|p| p.currency == currency).copied().unwrap_or(none);
            let previous = cost(currency, &given[1], new.before);
            let target = previous
                .and_then(|previous| previous.checked_mul(targets.acquisition_cost))
                .map(|target| Target::AtMost(scaled(target, currency.decimals())));
            Kpi {
                name: KpiName::AcquisitionCost,
                unit: Unit::Amount,
                currency: Some(currency),
                value: cost(currency, &given[0], new.now),
                previous,
                target,
            }
        })
        .collect())
}

fn spend(config: &Config) -> Result<Money> {
    let Some(text) = &config.kpi.acquisition_spend else {
        return Ok(Money::zero(config.currency));
    };
    let bad = |why| Refusal::bad("[kpi] acquisition_spend", text, why);
    Money::parse(text, config.currency).map_err(bad)
}

/// Minor units, and a fraction of one, as major units.
fn major(minor: Decimal, currency: Currency) -> Option<Decimal> {
    let whole = minor.round_dp_with_strategy(0, ROUNDING);
    let minor = i64::try_from(whole).ok()?;
    Some(Decimal::new(minor, currency.decimals()))
}

fn of_tasks(db: &Db, targets: &Targets, now: &Span, before: &Span) -> Result<[Kpi; 3]> {
    let runs = [db.runs_in(now)?, db.runs_in(before)?];
    let runs = runs.map(|(all, ok)| share(ok, all));
    let emails = [db.emails_in(now)?, db.emails_in(before)?];
    let sent = emails.map(|(sent, _)| Some(Decimal::from(sent)));
    let failed = emails.map(|(_, failed)| Some(Decimal::from(failed)));
    Ok([
        of_both(KpiName::TaskSuccessRate, Unit::Rate, runs, targets.task_success_rate),
        of_both(KpiName::EmailsSent, Unit::Emails, sent, None),
        of_both(KpiName::EmailsFailed, Unit::Emails, failed, targets.emails_failed),
    ])
}

fn of_both(
    name: KpiName,
    unit: Unit,
    values: [Option<Decimal>; 2],
    target: impl Into<Option<Target>>,
) -> Kpi {
    let [value, previous] = values;
    Kpi { name, unit, currency: None, value, previous, target: target.into() }
}

/// Each once, by code.
fn currencies(all: impl Iterator<Item = Currency>) -> Vec<Currency> {
    let mut all: Vec<Currency> = all.collect();
    all.sort_by_key(|currency| currency.code());
    all.dedup();
    all
}
