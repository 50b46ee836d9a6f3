//! The only reader of the system's clock, and of `--as-of`, which stands in for it.

use std::time::Instant;

use chrono::{DateTime, Datelike, Local, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::domain::act::instant;
use crate::domain::refusal::{Reasons, Why};
use crate::domain::{Act, Refusal, Result, calendar};

/// Why a moment is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClockFault {
    /// Neither a date nor an instant.
    NotAnInstant { value: String },
    /// `--as-of` lies outside the years that are reckoned with.
    OutOfRange { value: String },
    /// The system's clock does.
    Impossible { now: String },
    /// The system's clock lies far from the last change that was made by it.
    Jumped { last: String, now: String, ahead: bool },
    /// `--as-of` lies ahead of the system's clock, where something would leave the machine.
    Ahead { as_of: String, now: String },
}

impl Reasons for ClockFault {}

/// How far the system's clock may lie behind the last change made by it before nothing is written by
/// it any more.
const MOST_BEHIND: TimeDelta = TimeDelta::days(1);
/// … and ahead of it: past a month's holiday, a clock that jumped is likelier than a cron that
/// slept.
const MOST_AHEAD: TimeDelta = TimeDelta::days(40);

/// Four digits of year, or neither dates nor their order as text would hold.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9000;

/// The moment at which a command acts, fixed once.
#[derive(Debug, Clone)]
pub struct Clock {
    pub now: DateTime<Utc>,
    pub timezone: Tz,
    /// Whether `--as-of` gave it.
    pub given: bool,
    /// Whether `--as-of` lies after the system's clock (a bare date: after today).
    pub in_the_future: bool,
    started: Instant,
}

impl Clock {
    /// The clock of a command: `--as-of` as `YYYY-MM-DD` (noon of that day in the business time
    /// zone), RFC 3339, or `YYYY-MM-DD HH:MM` in that zone, else the system's.
    ///
    /// # Errors
    /// Something else, or a year outside 1970 to 9000, also of the system's clock.
    pub fn new(as_of: Option<&str>, timezone: Tz) -> Result<Clock> {
        let system = system_now();
        let started = Instant::now();
        let Some(text) = as_of else {
            if !YEARS.contains(&system.year()) {
                return Err(ClockFault::Impossible { now: instant(system) }.into());
            }
            return Ok(Clock {
                now: system,
                timezone,
                given: false,
                in_the_future: false,
                started,
            });
        };
        let bad = || Refusal::from(ClockFault::NotAnInstant { value: text.to_owned() });
        let far = || Refusal::from(ClockFault::OutOfRange { value: text.to_owned() });
        let (now, in_the_future) = match calendar::parse_date(text) {
            Ok(date) => {
                let today = system.with_timezone(&timezone).date_naive();
                (at_noon(date, timezone).ok_or_else(bad)?, date > today)
            }
            Err(_) if text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() => {
                return Err(if text.as_bytes()[4] == b'-' { far() } else { bad() });
            }
            Err(_) => {
                let now = in_full(text, timezone).ok_or_else(bad)?;
                (now, now > system)
            }
        };
        if !YEARS.contains(&now.year()) {
            return Err(far());
        }
        Ok(Clock { now, timezone, given: true, in_the_future, started })
    }

    /// The date in the business time zone.
    pub fn today(&self) -> NaiveDate {
        self.now.with_timezone(&self.timezone).date_naive()
    }

    /// The business day on which an instant lies, as both are stored; what is no instant, its first
    /// ten letters.
    pub fn day_of(&self, at: &str) -> String {
        match DateTime::parse_from_rfc3339(at) {
            Ok(at) => at.with_timezone(&self.timezone).date_naive().to_string(),
            Err(_) => at.chars().take(10).collect(),
        }
    }

    /// Someone acts now.
    pub fn act(&self, actor: impl Into<String>) -> Act {
        Act { now: self.now, today: self.today(), actor: actor.into() }
    }

    /// What the machine's clock says, whatever `--as-of` is: for what really took place elsewhere,
    /// such as a call of a gateway.
    pub fn machine_now(&self) -> DateTime<Utc> {
        system_now()
    }

    /// Milliseconds since the command started, by a clock that never jumps.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// `now` and what has passed since the command started.
    pub fn later(&self) -> DateTime<Utc> {
        self.now + TimeDelta::milliseconds(i64::try_from(self.elapsed_ms()).unwrap_or(0))
    }

    /// The first instant of a day in the business time zone.
    pub fn start_of(&self, date: NaiveDate) -> DateTime<Utc> {
        at_time(date, NaiveTime::MIN, self.timezone)
    }

    /// A moment that something starts at, as it is typed: the first instant of a date in the business
    /// time zone, or an RFC 3339 instant; as it is stored.
    ///
    /// # Errors
    /// It is neither.
    pub fn start(&self, field: &'static str, text: &str) -> Result<String> {
        start(field, text, self.timezone)
    }

    /// A moment that something ends at: of a date, its last second.
    ///
    /// # Errors
    /// It is neither a date nor an instant.
    pub fn end(&self, field: &'static str, text: &str) -> Result<String> {
        end(field, text, self.timezone)
    }

    /// Now, as the beginning of what ends at `end`: see [`start_before`].
    pub fn start_before(&self, end: &str) -> String {
        start_before(self.now, end)
    }

    /// Checks that the system's clock has not jumped since the last change that was made by it.
    ///
    /// # Errors
    /// More than a day behind that change, or more than 40 days ahead of it.
    pub fn check_jump(&self, last_change: &str) -> Result<()> {
        let Ok(last) = DateTime::parse_from_rfc3339(last_change) else { return Ok(()) };
        let passed = self.now - last.to_utc();
        if self.given || (-MOST_BEHIND..=MOST_AHEAD).contains(&passed) {
            return Ok(());
        }
        Err(Refusal::from(ClockFault::Jumped {
            last: last_change.to_owned(),
            now: instant(self.now),
            ahead: passed > TimeDelta::zero(),
        }))
    }

    /// Checks that `--as-of` does not lie in the future, where something would leave the machine.
    ///
    /// # Errors
    /// It does.
    pub fn check_not_in_the_future(&self) -> Result<()> {
        if !self.in_the_future {
            return Ok(());
        }
        let now = instant(system_now());
        Err(ClockFault::Ahead { as_of: instant(self.now), now }.into())
    }

    /// `at` in the host's time zone, in which cron reads its lines.
    pub fn host_time(at: DateTime<Utc>) -> DateTime<Local> {
        at.with_timezone(&Local)
    }
}

/// As [`Clock::start`], in that time zone.
///
/// # Errors
/// The text is neither a date nor an instant.
pub fn start(field: &'static str, text: &str, timezone: Tz) -> Result<String> {
    moment(field, text, timezone, |date| at_time(date, NaiveTime::MIN, timezone))
}

/// As [`Clock::end`], in that time zone.
///
/// # Errors
/// The text is neither a date nor an instant.
pub fn end(field: &'static str, text: &str, timezone: Tz) -> Result<String> {
    moment(field, text, timezone, |date| {
        at_time(calendar::plus_days(date, 1), NaiveTime::MIN, timezone) - TimeDelta::seconds(1)
    })
}

/// A moment, as the beginning of what ends at `end` (as it is stored): where that has passed by
/// then, the day that led to it, for nothing ends before it begins.
pub fn start_before(now: DateTime<Utc>, end: &str) -> String {
    let now = instant(now);
    match DateTime::parse_from_rfc3339(end) {
        Ok(end) if now >= instant(end.to_utc()) => {
            instant(end.to_utc() - TimeDelta::days(1) + TimeDelta::seconds(1))
        }
        _ => now,
    }
}

fn moment(
    field: &'static str,
    text: &str,
    timezone: Tz,
    of_date: impl FnOnce(NaiveDate) -> DateTime<Utc>,
) -> Result<String> {
    let parsed = match calendar::parse_date(text) {
        Ok(date) => Some(of_date(date)),
        Err(_) => in_full(text, timezone),
    };
    parsed
        .filter(|at| YEARS.contains(&at.year()))
        .map(instant)
        .ok_or_else(|| Refusal::bad(field, text, Why::NotAnInstant))
}

/// What the system's clock says, also where it stands before 1970, as that of a machine whose battery
/// is empty may: chrono's own reader panics then.
fn system_now() -> DateTime<Utc> {
    DateTime::from(std::time::SystemTime::now())
}

/// An instant in RFC 3339, or as tables show it: `2026-03-01 14:30` in the business time zone.
fn in_full(text: &str, timezone: Tz) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    let (date, time) = text.split_once(' ')?;
    // Chrono would take any spaces before the hour.
    let time = Some(time).filter(|time| time.starts_with(|c: char| c.is_ascii_digit()))?;
    let time =
        ["%H:%M", "%H:%M:%S"].iter().find_map(|f| NaiveTime::parse_from_str(time, f).ok())?;
    Some(at_time(calendar::parse_date(date).ok()?, time, timezone))
}

fn at_noon(date: NaiveDate, timezone: Tz) -> Option<DateTime<Utc>> {
    Some(at_time(date, NaiveTime::from_hms_opt(12, 0, 0)?, timezone))
}

/// A local time as an instant; where summer time skips it, the first moment after the gap.
fn at_time(date: NaiveDate, time: NaiveTime, timezone: Tz) -> DateTime<Utc> {
    let local = date.and_time(time);
    (0..=24)
        .filter_map(|quarters| {
            let later = local + TimeDelta::minutes(15 * quarters);
            timezone.from_local_datetime(&later).earliest()
        })
        .next()
        .map_or_else(|| local.and_utc(), |found| found.to_utc())
}

/// An instant as a person sees it, in the business time zone: `2026-03-01 14:30`.
pub fn shown(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
}

/// The same of one as it is stored; other text stays as it is.
pub fn stored_shown(text: &str, zone: Tz) -> String {
    as_stored(text).map_or_else(|| text.to_owned(), |at| shown(at, zone))
}

/// An instant as it is stored: `2026-03-01T12:00:00Z`.
fn as_stored(text: &str) -> Option<DateTime<Utc>> {
    let stored = text.len() >= 20 && text.as_bytes()[10] == b'T' && text.ends_with('Z');
    let at = stored.then(|| DateTime::parse_from_rfc3339(text).ok())?;
    at.map(|at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_means_noon_in_the_business_time_zone() {
        let clock = |text, zone: &str| Clock::new(Some(text), zone.parse().unwrap()).unwrap();
        assert_eq!(instant(clock("2026-03-01", "UTC").now), "2026-03-01T12:00:00Z");
        assert_eq!(instant(clock("2026-07-01", "Europe/Paris").now), "2026-07-01T10:00:00Z");
        assert_eq!(instant(clock("2026-03-01", "Pacific/Auckland").now), "2026-02-28T23:00:00Z");
        assert_eq!(clock("2026-03-01", "Pacific/Auckland").today(), "2026-03-01".parse().unwrap());
    }

    #[test]
    fn a_time_of_day_as_a_table_shows_it_is_one_in_the_business_time_zone() {
        let paris = "Europe/Paris".parse().unwrap();
        let at = |text| Clock::new(Some(text), paris).map(|clock| instant(clock.now));
        assert_eq!(at("2026-07-01 14:30"), Ok("2026-07-01T12:30:00Z".to_owned()));
        assert_eq!(at("2026-07-01 14:30:05"), Ok("2026-07-01T12:30:05Z".to_owned()));
        assert_eq!(start("from", "2026-07-01 14:30", paris), Ok("2026-07-01T12:30:00Z".into()));
        for text in ["2026-07-01 14", "2026-07-01 25:00", "2026-07-01  14:30", "14:30"] {
            assert!(at(text).is_err(), "{text}");
        }
    }

    #[test]
    fn today_is_the_date_where_the_business_is() {
        let late =
            Clock::new(Some("2026-03-01T23:30:00Z"), "Europe/Paris".parse().unwrap()).unwrap();
        assert_eq!(late.today(), "2026-03-02".parse().unwrap());
        let early =
            Clock::new(Some("2026-03-01T02:30:00Z"), "America/New_York".parse().unwrap()).unwrap();
        assert_eq!(early.today(), "2026-02-28".parse().unwrap());
    }

    #[test]
    fn a_day_that_starts_in_a_gap_of_summer_time_starts_after_it() {
        // Santiago skips midnight on 6 September 2026.
        let clock = Clock::new(Some("2026-09-06"), "America/Santiago".parse().unwrap()).unwrap();
        assert_eq!(instant(clock.start_of(clock.today())), "2026-09-06T04:00:00Z");
    }

    #[test]
    fn other_words_are_refused() {
        for text in
            ["tomorrow", "2026-02-30", "2026-03-01T12:00:00", "99999-01-01", "0001-01-01", ""]
        {
            assert!(Clock::new(Some(text), Tz::UTC).is_err(), "{text}");
        }
    }
}
