//! Dates: days between them, and how they are read.

use chrono::NaiveDate;

use super::refusal::Why;

/// Reads `YYYY-MM-DD`, and nothing that merely resembles it (`2026-3-1`, `26-03-01`).
pub fn parse_date(text: &str) -> Result<NaiveDate, Why> {
    let shape =
        |(at, b): (usize, u8)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() };
    if text.len() != 10 || !text.bytes().enumerate().all(shape) {
        return Err(Why::NotADate);
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| Why::NotADate)?;
    // Terms and notices are added to it, and four digits of year must hold them.
    let sane = (1900..=9000).contains(&chrono::Datelike::year(&date));
    sane.then_some(date).ok_or(Why::NotADate)
}

/// Whole days from one date to another; negative where the second is earlier.
pub fn days_between(from: NaiveDate, to: NaiveDate) -> i64 {
    (to - from).num_days()
}

/// The date so many days later (earlier where negative); the end of time where there is none.
pub fn plus_days(date: NaiveDate, days: i64) -> NaiveDate {
    chrono::TimeDelta::try_days(days)
        .and_then(|delta| date.checked_add_signed(delta))
        .unwrap_or(if days < 0 { NaiveDate::MIN } else { NaiveDate::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_iso_dates_are_read() {
        assert!(parse_date("2028-02-29").is_ok());
        for text in [
            "2026-02-29",
            "2026-3-1",
            "26-03-01",
            "2026-13-01",
            "01/03/2026",
            "9999-12-31",
            "0001-01-01",
            "",
            "+2026-03-1",
        ] {
            assert_eq!(parse_date(text), Err(Why::NotADate), "{text}");
        }
    }
}
