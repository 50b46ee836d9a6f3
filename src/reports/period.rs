//! The days that a report is about.

use chrono::{DateTime, NaiveDate, Utc};

use crate::clock::Clock;
use crate::domain::refusal::Why;
use crate::domain::{Refusal, Result, act, calendar};
use crate::store::Db;
use crate::store::reports::{End, Span};

/// So many days are looked at where nothing else is said, today included.
const DAYS: i64 = 30;

/// Days from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub since: NaiveDate,
    pub until: NaiveDate,
}

impl Period {
    /// The period between these days: where `until` is not given, up to today; where `since` is
    /// not, the 30 days up to `until`.
    ///
    /// # Errors
    /// It ends before it begins.
    pub fn new(clock: &Clock, since: Option<NaiveDate>, until: Option<NaiveDate>) -> Result<Self> {
        let until = until.unwrap_or_else(|| clock.today());
        let since = since.unwrap_or_else(|| calendar::plus_days(until, 1 - DAYS));
        check_order(since, until)?;
        Ok(Period { since, until })
    }

    /// As many days, up to the day before it.
    pub fn before(self) -> Self {
        let until = calendar::plus_days(self.since, -1);
        let days = calendar::days_between(self.since, self.until);
        Period { since: calendar::plus_days(until, -days), until }
    }

    /// It as far as it has come: nothing is said of days after the clock's.
    pub fn span(self, clock: &Clock) -> Span {
        let end = end(clock, self.until);
        Span {
            since: self.since,
            until: end.day,
            from: act::instant(clock.start_of(self.since)),
            before: end.before,
        }
    }
}

/// Checks that a period does not end before it begins.
///
/// # Errors
/// It does.
pub fn check_order(since: NaiveDate, until: NaiveDate) -> Result<()> {
    if since <= until {
        return Ok(());
    }
    Err(Refusal::bad("until", &until.to_string(), Why::Before { field: "since" }))
}

/// The end of a day, or of the clock's where that is earlier.
pub fn end(clock: &Clock, day: NaiveDate) -> End {
    let day = day.min(clock.today());
    End { day, before: act::instant(clock.start_of(calendar::plus_days(day, 1))) }
}

/// Whether something may have been recorded after that end, so that a look at it has to ask what was
/// changed since. On the system's clock, nothing was recorded after today, unless a command was given
/// a later day: to look for it would read every invoice for nothing.
///
/// # Errors
/// A fault of the file.
pub fn may_have_changed(db: &Db, clock: &Clock, end: &End) -> Result<bool> {
    Ok(clock.given || end.day < clock.today() || db.has_newer_event(&end.before)?)
}

/// The day of an instant, as it is stored, in the business time zone.
pub fn day_of(clock: &Clock, at: &str) -> Option<NaiveDate> {
    parsed(at).map(|at| at.with_timezone(&clock.timezone).date_naive())
}

/// An instant as it is stored.
pub fn parsed(at: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(at).ok().map(|at| at.to_utc())
}
