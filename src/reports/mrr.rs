//! Monthly recurring revenue, and what moved it.

use chrono::{DateTime, Datelike, Months, NaiveDate};

use super::Period;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::revenue::{Cut, Month, Parts, Roll, Timeline};
use crate::domain::{Currency, Result, TenantId, act, calendar};
use crate::store::Db;

/// So many months are shown before that of the day, where nothing else is said.
const MONTHS: u32 = 12;

/// The report.
#[derive(Debug, Clone)]
pub struct Mrr {
    pub as_of: NaiveDate,
    /// Oldest first; within a month, by currency.
    pub months: Vec<MrrMonth>,
}

/// A month of one currency.
#[derive(Debug, Clone, Copy)]
pub struct MrrMonth {
    /// Its first day, and the day at whose end it is looked at.
    pub month: NaiveDate,
    pub until: NaiveDate,
    pub currency: Currency,
    pub figures: Month,
}

/// Computes it at the end of `until`, or now where that is earlier, and at the end of each month
/// before, from that of `since`.
///
/// # Errors
/// `until` lies before `since`, amounts that are too large, or a fault of the file.
pub fn mrr(
    db: &Db,
    config: &Config,
    clock: &Clock,
    since: Option<NaiveDate>,
    until: Option<NaiveDate>,
) -> Result<Mrr> {
    let until = until.unwrap_or_else(|| clock.today());
    let day = until.min(clock.today());
    let year_before = || first_of(day).checked_sub_months(Months::new(MONTHS)).unwrap_or(day);
    let period = Period::new(clock, Some(since.unwrap_or_else(year_before)), Some(until))?;
    let cuts = cuts(clock, period.since.min(day), day);
    let mut rolls: Vec<Roll> = Vec::new();
    let parts = Parts::of(db.intervals()?.iter().map(|interval| i64::from(interval.months())));
    let mut customer = Customer::default();
    db.each_timeline(
        |day| act::instant(clock.start_of(day)),
        &config.seller_tax(),
        |tenant, timeline| {
            if customer.tenant != Some(tenant) {
                customer.close(clock, &cuts, parts, &mut rolls)?;
                customer.tenant = Some(tenant);
            }
            // Of one that is made later nothing is shown, not even a row of its currency.
            if cuts.last().is_some_and(|last| timeline.is_made_by(last)) {
                customer.add(timeline, &cuts, parts)?;
            }
            Ok(())
        },
    )?;
    customer.close(clock, &cuts, parts, &mut rolls)?;
    rolls.sort_by_key(|roll| roll.currency.code());
    let mut months = Vec::new();
    for (nth, cut) in cuts.iter().skip(1).enumerate() {
        for roll in &rolls {
            months.push(MrrMonth {
                month: first_of(cut.on),
                until: cut.on,
                currency: roll.currency,
                figures: roll.month(nth)?,
            });
        }
    }
    Ok(Mrr { as_of: day, months })
}

fn first_of(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

/// The end of the month before that of `since`, the ends of the months from then on, and that of
/// `day`, or now.
fn cuts(clock: &Clock, since: NaiveDate, day: NaiveDate) -> Vec<Cut> {
    let end_of = |on| {
        let end = clock.start_of(calendar::plus_days(on, 1)) - chrono::TimeDelta::seconds(1);
        Cut { at: act::instant(end.min(clock.now)), on }
    };
    let (mut first, mut cuts) = (first_of(day), vec![end_of(day)]);
    while first >= first_of(since) {
        let last_day = calendar::plus_days(first, -1);
        cuts.push(end_of(last_day));
        first = first_of(last_day);
    }
    cuts.reverse();
    cuts
}

/// A moment as it is stored, and its day in the business time zone.
fn cut_at(clock: &Clock, at: &str) -> Cut {
    let moment = DateTime::parse_from_rfc3339(at).map_or(clock.now, |at| at.to_utc());
    Cut { at: at.to_owned(), on: moment.with_timezone(&clock.timezone).date_naive() }
}

/// One customer's subscriptions, added up at each cut, currency by currency.
#[derive(Debug, Default)]
struct Customer {
    tenant: Option<TenantId>,
    sums: Vec<Sums>,
}

#[derive(Debug)]
struct Sums {
    currency: Currency,
    /// In parts of a minor unit.
    monthly: Vec<i128>,
    subscriptions: Vec<u64>,
    of: Vec<Timeline>,
}

impl Customer {
    fn add(&mut self, timeline: Timeline, cuts: &[Cut], parts: Parts) -> Result<()> {
        let Some(currency) = timeline.currency() else { return Ok(()) };
        let at = match self.sums.iter().position(|sums| sums.currency == currency) {
            Some(at) => at,
            None => {
                let (monthly, subscriptions) = (vec![0; cuts.len()], vec![0; cuts.len()]);
                self.sums.push(Sums { currency, monthly, subscriptions, of: Vec::new() });
                self.sums.len() - 1
            }
        };
        let sums = &mut self.sums[at];
        for (nth, cut) in cuts.iter().enumerate() {
            let share = timeline.monthly(cut, parts)?;
            sums.monthly[nth] += share;
            sums.subscriptions[nth] += u64::from(share > 0);
        }
        sums.of.push(timeline);
        Ok(())
    }

    fn close(
        &mut self,
        clock: &Clock,
        cuts: &[Cut],
        parts: Parts,
        rolls: &mut Vec<Roll>,
    ) -> Result<()> {
        for sums in self.sums.drain(..) {
            let at = match rolls.iter().position(|roll| roll.currency == sums.currency) {
                Some(at) => at,
                None => {
                    rolls.push(Roll::new(sums.currency, cuts.len() - 1, parts));
                    rolls.len() - 1
                }
            };
            let had = |nth: usize| sums.came_to_something_by(clock, &cuts[nth], parts);
            rolls[at].add(&sums.monthly, &sums.subscriptions, had)?;
        }
        Ok(())
    }
}

impl Sums {
    /// Whether any of the subscriptions came to something at that moment or before.
    fn came_to_something_by(&self, clock: &Clock, cut: &Cut, parts: Parts) -> Result<bool> {
        for timeline in self.of.iter().filter(|timeline| timeline.is_made_by(cut)) {
            let first = timeline.first_revenue(
                |at| cut_at(clock, at),
                |on| Cut { at: act::instant(clock.start_of(on)), on },
                parts,
            )?;
            if first.is_some_and(|at| at <= cut.at) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
