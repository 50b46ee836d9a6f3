//! Tables for people.

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table};
use rust_decimal::Decimal;
use serde_json::Value;

use super::Column;
use crate::domain::email::Locale;
use crate::domain::text::printable;
use crate::domain::wording;

/// On which side of its column a cell stands: amounts right, words left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// A table of rows; `none` where there is none. A styled one is for a terminal: its numbers are
/// written as in `locale`.
pub fn rows(columns: &[Column], rows: &[Value], styled: bool, locale: Locale) -> String {
    if rows.is_empty() {
        return "none\n".to_owned();
    }
    let mut table = bare(styled);
    table.set_header(columns.iter().map(|(_, heading, align)| {
        let cell = Cell::new(heading).set_alignment(side(*align));
        if styled { cell.add_attribute(Attribute::Bold) } else { cell }
    }));
    for row in rows {
        table.add_row(columns.iter().map(|(field, _, align)| {
            let text = cell(&row[*field]);
            let number = styled && *align == Align::Right && text.parse::<Decimal>().is_ok();
            let shown = if number { wording::number(&text, locale) } else { text.clone() };
            let shown = Cell::new(shown).set_alignment(side(*align));
            match color_of(field, &text).filter(|_| styled) {
                Some(color) => shown.fg(color),
                None => shown,
            }
        }));
    }
    without_trailing_space(&table)
}

/// An object's fields, one a line; lists and objects inside it as tables below.
pub fn fields(object: &Value, styled: bool) -> String {
    let mut table = bare(styled);
    let mut below = String::new();
    for (name, value) in object.as_object().into_iter().flatten() {
        match value {
            Value::Array(items) if items.iter().any(Value::is_object) => {
                below.push_str(&format!("\n{name}\n{}", nested(items, styled)));
            }
            Value::Null => {}
            Value::Array(items) if items.is_empty() => {}
            Value::Object(inside) if inside.is_empty() => {}
            _ => {
                let name = Cell::new(name);
                let name = if styled { name.add_attribute(Attribute::Bold) } else { name };
                table.add_row([name, Cell::new(cell(value))]);
            }
        }
    }
    without_trailing_space(&table) + &below
}

fn nested(items: &[Value], styled: bool) -> String {
    let first = items.iter().find_map(Value::as_object);
    let mut table = bare(styled);
    let shown = |name: &&String| items.iter().any(|item| !item[name.as_str()].is_null());
    let names: Vec<&String> = first.into_iter().flat_map(|o| o.keys()).filter(shown).collect();
    table.set_header(names.iter().copied());
    for item in items {
        table.add_row(names.iter().map(|name| cell(&item[name.as_str()])));
    }
    without_trailing_space(&table)
}

/// Columns below which no table can be told from noise.
const LEAST_WIDTH: u16 = 40;

fn bare(styled: bool) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    if styled {
        table.enforce_styling();
        // A terminal that says that it has no columns (a pseudo-terminal of a script) is not obeyed.
        let fits = table.width().is_some_and(|width| width >= LEAST_WIDTH);
        let dynamic = ContentArrangement::Dynamic;
        let arrangement = if fits { dynamic } else { ContentArrangement::Disabled };
        table.set_content_arrangement(arrangement);
    } else {
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.force_no_tty();
    }
    table
}

/// The table without the spaces that pad its last column: they would stand in every transcript
/// and every copy.
fn without_trailing_space(table: &Table) -> String {
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.strip_prefix(' ').unwrap_or(&line).trim_end());
        text.push('\n');
    }
    text
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => printable(text).replace('\n', ", "),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        // Sums by currency, or what a person noted.
        Value::Object(fields) => {
            let known = fields.iter().filter(|(_, value)| !value.is_null());
            let pairs = known.map(|(name, value)| match is_currency(name) {
                true => format!("{} {name}", cell(value)),
                false => format!("{}={}", printable(name), cell(value)),
            });
            pairs.collect::<Vec<_>>().join(", ")
        }
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}

fn is_currency(name: &str) -> bool {
    name.len() == 3 && name.bytes().all(|b| b.is_ascii_uppercase())
}

fn side(align: Align) -> CellAlignment {
    match align {
        Align::Left => CellAlignment::Left,
        Align::Right => CellAlignment::Right,
    }
}

/// Colour only what needs an eye.
fn color_of(field: &str, text: &str) -> Option<Color> {
    match (field, text) {
        ("status", "suspended" | "failed" | "interrupted" | "uncollectible") => Some(Color::Red),
        ("status", "unknown" | "partial" | "pending") => Some(Color::Yellow),
        ("stage", "suspension") => Some(Color::Red),
        ("stage", "warning") => Some(Color::Yellow),
        ("late", "yes") => Some(Color::Red),
        _ => None,
    }
}
