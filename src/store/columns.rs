//! How values stand in columns, and how they are read back. A value that this program could not
//! have written is an error of its row, never a panic.

use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rusqlite::types::{FromSqlError, Type, ValueRef};
use rusqlite::{Row, RowIndex, Statement};

use crate::domain::{Currency, Money};

/// A column, by its name, or by its place where rows are so many that looking names up in each
/// would take as long as reading them: see [`places`].
pub trait Column: RowIndex + Copy + Display {}

impl<T: RowIndex + Copy + Display> Column for T {}

/// Where those columns stand.
pub fn places<const N: usize>(
    statement: &Statement,
    names: [&str; N],
) -> rusqlite::Result<[usize; N]> {
    let mut places = [0; N];
    for (place, name) in places.iter_mut().zip(names) {
        *place = statement.column_index(name)?;
    }
    Ok(places)
}

/// A column that holds what this program could not have written.
pub fn bad(name: impl Column, text: &str) -> rusqlite::Error {
    let message = format!("column {name} holds {text:?}");
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, message.into())
}

/// A value that is stored as its word: a status, a stage, a currency, a decimal.
pub fn word<T: FromStr>(row: &Row, name: impl Column) -> rusqlite::Result<T> {
    let text = row.get_ref(name)?.as_str().map_err(|_| bad(name, "no text"))?;
    text.parse().map_err(|_| bad(name, text))
}

/// Like [`word`], where the column may be null.
pub fn word_or_null<T: FromStr>(row: &Row, name: impl Column) -> rusqlite::Result<Option<T>> {
    match row.get_ref(name)? {
        ValueRef::Null => Ok(None),
        _ => word(row, name).map(Some),
    }
}

/// A date.
pub fn date(row: &Row, name: impl Column) -> rusqlite::Result<NaiveDate> {
    date_or_null(row, name)?.ok_or_else(|| bad(name, "null"))
}

/// A date, or null.
pub fn date_or_null(row: &Row, name: impl Column) -> rusqlite::Result<Option<NaiveDate>> {
    let text = match row.get_ref(name)? {
        ValueRef::Null => return Ok(None),
        value => value.as_str().map_err(|_: FromSqlError| bad(name, "no text"))?,
    };
    iso_date(text).map(Some).ok_or_else(|| bad(name, text))
}

/// `YYYY-MM-DD`. Read by hand: a run reads millions of them, and chrono's general parser takes
/// five times as long.
fn iso_date(text: &str) -> Option<NaiveDate> {
    let bytes: &[u8; 10] = text.as_bytes().try_into().ok()?;
    let number = |range: std::ops::Range<usize>| {
        bytes[range]
            .iter()
            .try_fold(0u32, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0')))
    };
    let year = i32::try_from(number(0..4)?).ok()?;
    NaiveDate::from_ymd_opt(year, number(5..7)?, number(8..10)?)
}

/// An instant as it is stored: RFC 3339 in UTC.
pub fn instant(row: &Row, name: impl Column) -> rusqlite::Result<DateTime<Utc>> {
    instant_or_null(row, name)?.ok_or_else(|| bad(name, "null"))
}

/// An instant, or null.
pub fn instant_or_null(row: &Row, name: impl Column) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let text: Option<String> = row.get(name)?;
    let Some(text) = text else { return Ok(None) };
    let at = DateTime::parse_from_rfc3339(&text).map_err(|_| bad(name, &text))?;
    Ok(Some(at.to_utc()))
}

/// The date of an instant in that zone, or null.
pub fn date_in(row: &Row, name: impl Column, zone: Tz) -> rusqlite::Result<Option<NaiveDate>> {
    Ok(instant_or_null(row, name)?.map(|at| at.with_timezone(&zone).date_naive()))
}

/// An amount in that currency.
pub fn money(row: &Row, name: impl Column, currency: Currency) -> rusqlite::Result<Money> {
    Ok(Money::from_minor(row.get(name)?, currency))
}

/// A half-open period from two columns, or none.
pub fn period(row: &Row) -> rusqlite::Result<Option<(NaiveDate, NaiveDate)>> {
    Ok(date_or_null(row, "period_start")?.zip(date_or_null(row, "period_end")?))
}

/// The query of a list that may have a limit: all rows in their usual order, or the newest of them,
/// by their id, in the same order. `$order` is that order inside the query, `$outside` what it is
/// called of its rows.
macro_rules! newest_last {
    ($limit:expr, $query:ident, [$($where:expr),+], $id:literal, $order:literal, $outside:literal,
     $count:literal) => {
        match $limit {
            None => $query!($($where),+, " ORDER BY ", $order, " LIMIT ", $count),
            Some(_) => concat!(
                "SELECT * FROM (",
                $query!($($where),+, " ORDER BY ", $id, " DESC LIMIT ", $count),
                ") ORDER BY ",
                $outside
            ),
        }
    };
}
pub(super) use newest_last;

/// `LIMIT` as SQLite wants it: -1 for all.
pub fn limit(limit: Option<u32>) -> i64 {
    limit.map_or(-1, i64::from)
}
/// A list of one-line texts as a column keeps it; `None` where it is empty.
pub fn lines(texts: &[String]) -> Option<String> {
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// The list that [`lines`] wrote.
pub fn from_lines(row: &Row, column: &str) -> rusqlite::Result<Vec<String>> {
    let text: Option<String> = row.get(column)?;
    Ok(text.iter().flat_map(|text| text.lines()).map(str::to_owned).collect())
}
