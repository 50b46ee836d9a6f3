//! What templates can do with a value: amounts, dates, columns of text.

use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, HtmlEscape, State};
use rust_decimal::Decimal;

use crate::domain::email::Locale;
use crate::domain::wording::{self, unbroken};
use crate::domain::{Currency, Money};

/// An amount in an e-mail, in major units; it prints in the e-mail's language.
#[derive(Debug, Clone, Copy)]
struct Amount(Decimal, Currency, Locale);

/// A date in an e-mail; it prints in the e-mail's language.
#[derive(Debug, Clone, Copy)]
struct Day(NaiveDate, Locale);

impl Object for Amount {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&unbroken(&wording::exact_amount(self.0, self.1, self.2)))
    }
}

impl Object for Day {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&wording::date(self.0, self.1))
    }
}

/// The amount as a template sees it.
pub fn amount(money: Money, locale: Locale) -> Value {
    unit_price(money.exact(), money.currency(), locale)
}

/// The same of one that is not nothing.
pub fn unless_zero(money: Money, locale: Locale) -> Option<Value> {
    (!money.is_zero()).then(|| amount(money, locale))
}

/// The price of one as a template sees it: an amount that may have more decimals than its currency.
pub fn unit_price(exact: Decimal, currency: Currency, locale: Locale) -> Value {
    Value::from_object(Amount(exact, currency, locale))
}

/// The date as a template sees it.
pub fn day(date: NaiveDate, locale: Locale) -> Value {
    Value::from_object(Day(date, locale))
}

/// Makes the filters known: `amount`, `date`, `br`, `left`, `right`, `columns`.
pub fn add(environment: &mut Environment) {
    environment.add_filter("amount", |state: &State, value: Value| {
        match value.downcast_object_ref::<Amount>() {
            Some(_) => Ok(on_one_line(state, &value)),
            None => Err(not_a("amount")),
        }
    });
    environment.add_filter("date", |state: &State, value: Value| {
        match value.downcast_object_ref::<Day>() {
            Some(_) => Ok(on_one_line(state, &value)),
            None => Err(not_a("date")),
        }
    });
    environment.add_filter("br", with_breaks);
    environment.add_filter("left", |value: Value, width: usize| within(&value, width, false));
    environment.add_filter("right", |value: Value, width: usize| within(&value, width, true));
    environment.add_filter("columns", |rows: Vec<Value>, columns: Vec<Vec<String>>| {
        table(&rows, &columns)
    });
}

fn not_a(what: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("the value is not one of the e-mail's {what}s"))
}

/// The value as it prints; HTML keeps it from being broken over two lines.
fn on_one_line(state: &State, value: &Value) -> Value {
    match state.auto_escape() {
        AutoEscape::Html => Value::from_safe_string(format!(
            "<span style=\"white-space:nowrap\">{}</span>",
            HtmlEscape(&value.to_string())
        )),
        _ => Value::from(value.to_string()),
    }
}

/// A text of several lines in HTML.
fn with_breaks(state: &State, value: Value) -> Value {
    let text = value.to_string();
    match state.auto_escape() {
        AutoEscape::Html => {
            let lines: Vec<_> = text.lines().map(|line| HtmlEscape(line).to_string()).collect();
            Value::from_safe_string(lines.join("<br>\n"))
        }
        _ => Value::from(text),
    }
}

/// Widest column; a line of mail has at most 998 characters (RFC 5322, 2.1.1).
const WIDEST: usize = 500;

fn within(value: &Value, width: usize, to_the_right: bool) -> Result<String, Error> {
    match width {
        ..=WIDEST => Ok(padded(value, width, to_the_right)),
        _ => Err(Error::new(ErrorKind::InvalidOperation, "a column is at most 500 wide")),
    }
}

fn padded(value: &Value, width: usize, to_the_right: bool) -> String {
    let text = value.to_string();
    if to_the_right { format!("{text:>width$}") } else { format!("{text:<width$}") }
}

/// A table in plain text. A column is the key of the value, its heading, and `right` where it is
/// aligned to the right.
fn table(rows: &[Value], columns: &[Vec<String>]) -> Result<String, Error> {
    let mut lines = vec![String::new(); rows.len() + 1];
    for (place, column) in columns.iter().enumerate() {
        let [key, heading, align @ ..] = column.as_slice() else {
            let message = "a column is [key, heading] or [key, heading, \"right\"]";
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        };
        let to_the_right = align.first().is_some_and(|align| align == "right");
        let mut cells = vec![heading.clone()];
        for row in rows {
            let cell = row.get_attr(key)?;
            if cell.is_undefined() {
                let message = format!("no such column: {key}");
                return Err(Error::new(ErrorKind::UndefinedError, message));
            }
            cells.push(cell.to_string());
        }
        let width = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
        for (line, cell) in lines.iter_mut().zip(cells) {
            line.push_str(if place == 0 { "" } else { "  " });
            line.push_str(&padded(&Value::from(cell), width, to_the_right));
        }
    }
    let rule = "-".repeat(lines[0].chars().count());
    lines.insert(1, rule);
    Ok(lines.join("\n"))
}
