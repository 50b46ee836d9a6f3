//! Billing periods, and what they are counted from.

use chrono::{Datelike, NaiveDate};

use super::plan::Interval;
use super::{calendar, words};

words! {
    /// What its periods start on: the 1st of the month, or the day on which it began.
    Anchor { Calendar = "calendar", Anniversary = "anniversary" }
}

/// A billing period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub start: NaiveDate,
    /// The first day after it.
    pub end: NaiveDate,
}

impl Period {
    /// How many days it has.
    pub fn days(self) -> i64 {
        calendar::days_between(self.start, self.end)
    }

    /// Whether the day lies in it.
    pub fn contains(self, day: NaiveDate) -> bool {
        self.start <= day && day < self.end
    }
}

/// What the periods of a subscription are counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cycle {
    /// A day in the month of a bound. Where a period starts off the bounds, the one that ends it.
    pub anchor_on: NaiveDate,
    /// The day of the month on which whole periods start, from 1 to 31; the last day of a month
    /// that is shorter.
    pub anchor_day: u32,
    pub interval: Interval,
}

impl Cycle {
    /// The cycle of periods that begin on `start`: by `anniversary` that day is the anchor, by
    /// `calendar` the 1st that it is or that comes next.
    pub fn starting(anchor: Anchor, start: NaiveDate, interval: Interval) -> Cycle {
        match anchor {
            Anchor::Anniversary => Cycle { anchor_on: start, anchor_day: start.day(), interval },
            Anchor::Calendar => Cycle { anchor_on: first_from(start), anchor_day: 1, interval },
        }
    }

    /// The bound `n` intervals after the anchor (before it where negative).
    fn bound(self, n: i64) -> NaiveDate {
        let months = months_of(self.anchor_on) + n * i64::from(self.interval.months());
        day_in_month(months, self.anchor_day)
    }

    /// The whole interval that contains the day.
    pub fn interval_around(self, day: NaiveDate) -> Period {
        let months = months_of(day) - months_of(self.anchor_on);
        let n = months.div_euclid(i64::from(self.interval.months()));
        // The bound of the day's own month may lie behind the day: 30 March is before 31 March.
        let n = if self.bound(n) > day { n - 1 } else { n };
        Period { start: self.bound(n), end: self.bound(n + 1) }
    }

    /// The period that starts on that day: to the next bound.
    pub fn period_from(self, start: NaiveDate) -> Period {
        Period { start, end: self.interval_around(start).end }
    }

    /// Which part of a whole interval the period is, where it is not a whole one.
    pub fn proration(self, period: Period) -> Option<Proration> {
        let whole = self.interval_around(period.start);
        (whole != period).then(|| Proration { days: period.days(), of: whole.days() })
    }

    /// How many periods have begun by `today` of those that start with one on `start`.
    pub fn periods_begun(self, start: NaiveDate, today: NaiveDate) -> usize {
        std::iter::successors(Some(start), |start| Some(self.period_from(*start).end))
            .take_while(|start| *start <= today)
            .count()
    }

    /// The cycle from a period's start on, with another interval: whole periods go on to start on
    /// the anchor day, and are counted from that month.
    pub fn from(self, start: NaiveDate, interval: Interval) -> Cycle {
        let on_bound = self.interval_around(start).start == start;
        Cycle { anchor_on: if on_bound { start } else { self.anchor_on }, interval, ..self }
    }
}

/// A part of an interval: its days, out of those of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proration {
    pub days: i64,
    pub of: i64,
}

/// Months since year 0.
fn months_of(date: NaiveDate) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month0())
}

/// That day of the month, or its last where it is shorter; the end of time where there is none.
fn day_in_month(months: i64, day: u32) -> NaiveDate {
    let (year, month0) = (months.div_euclid(12), months.rem_euclid(12));
    let first = i32::try_from(year)
        .ok()
        .and_then(|year| NaiveDate::from_ymd_opt(year, month0 as u32 + 1, 1));
    let Some(first) = first else { return NaiveDate::MAX };
    let last = u32::from(first.num_days_in_month());
    first.with_day(day.min(last)).unwrap_or(first)
}

/// The day itself where it is the first of its month, else the first of the next.
fn first_from(day: NaiveDate) -> NaiveDate {
    match day.day() {
        1 => day,
        _ => day_in_month(months_of(day) + 1, 1),
    }
}
