//! Tables for people.

use comfy_table::presets::NOTHING;
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width,
};
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
    table(columns, rows, bare(styled), styled, locale)
}

fn table(
    columns: &[Column],
    rows: &[Value],
    mut table: Table,
    styled: bool,
    locale: Locale,
) -> String {
    if rows.is_empty() {
        return "none\n".to_owned();
    }
    table.set_header(columns.iter().map(|(_, heading, align)| {
        let cell = Cell::new(heading).set_alignment(side(*align));
        if styled { cell.add_attribute(Attribute::Bold) } else { cell }
    }));
    let mut longest = vec![Longest::default(); columns.len()];
    for ((_, heading, _), longest) in columns.iter().zip(&mut longest) {
        longest.see(heading);
    }
    for row in rows {
        table.add_row(columns.iter().zip(&mut longest).map(|((field, _, align), longest)| {
            let text = cell(&row[*field]);
            let number = styled && *align == Align::Right && text.parse::<Decimal>().is_ok();
            // A thousand that French sets apart by a space stays with its number.
            let spaced = || wording::number(&text, locale).replace(' ', "\u{a0}");
            let shown = if number { spaced() } else { text.clone() };
            longest.see(&shown);
            let shown = Cell::new(shown).set_alignment(side(*align));
            match color_of(field, &text).filter(|_| styled) {
                Some(color) => shown.fg(color),
                None => shown,
            }
        }));
    }
    fit(&mut table, &longest);
    without_trailing_space(&table)
}

/// An object's fields, one a line; lists and objects inside it as tables below.
pub fn fields(object: &Value, styled: bool) -> String {
    let mut table = bare(styled);
    let (mut below, mut longest) = (String::new(), [Longest::default(); 2]);
    for (name, value) in object.as_object().into_iter().flatten() {
        match value {
            Value::Array(items) if items.iter().any(Value::is_object) => {
                below.push_str(&format!("\n{name}\n{}", nested(items, styled)));
            }
            Value::Null => {}
            Value::Array(items) if items.is_empty() => {}
            Value::Object(inside) if inside.is_empty() => {}
            _ => {
                let text = cell(value);
                longest[0].see(name);
                longest[1].see(&text);
                let name = Cell::new(name);
                let name = if styled { name.add_attribute(Attribute::Bold) } else { name };
                table.add_row([name, Cell::new(text)]);
            }
        }
    }
    fit(&mut table, &longest);
    without_trailing_space(&table) + &below
}

fn nested(items: &[Value], styled: bool) -> String {
    let first = items.iter().find_map(Value::as_object);
    let mut table = bare(styled);
    let shown = |name: &&String| items.iter().any(|item| !item[name.as_str()].is_null());
    let names: Vec<&String> = first.into_iter().flat_map(|o| o.keys()).filter(shown).collect();
    table.set_header(names.iter().copied());
    let mut longest = vec![Longest::default(); names.len()];
    for (name, longest) in names.iter().zip(&mut longest) {
        longest.see(name);
    }
    for item in items {
        table.add_row(names.iter().zip(&mut longest).map(|(name, longest)| {
            let text = cell(&item[name.as_str()]);
            longest.see(&text);
            text
        }));
    }
    fit(&mut table, &longest);
    without_trailing_space(&table)
}

/// The longest word of a column: what it needs at the narrowest. A word is an amount, a date, a code:
/// broken in two it would be read as another one.
#[derive(Debug, Clone, Copy, Default)]
struct Longest(u16);

impl Longest {
    fn see(&mut self, cell: &str) {
        for word in cell.split(' ') {
            self.0 = self.0.max(u16::try_from(word.chars().count()).unwrap_or(u16::MAX));
        }
    }
}

/// Spaces between two columns.
const GAP: u16 = 2;

/// Columns of a terminal below which no table can be told from noise.
const LEAST_WIDTH: u16 = 40;

fn bare(styled: bool) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    if styled {
        table.enforce_styling();
    }
    table
}

/// How many columns the terminal has that is standard output; `None`: it is none.
pub fn width() -> Option<u16> {
    Table::new().width()
}

/// Breaks text where the terminal is too narrow for its lines, and nothing but text. What does not
/// fit even so is left to the terminal, which wraps whole lines.
fn fit(table: &mut Table, longest: &[Longest]) {
    let width = table.width();
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    // A terminal that says that it has no columns (a pseudo-terminal of a script) is not obeyed.
    let Some(width) = width.filter(|width| *width >= LEAST_WIDTH) else { return };
    let least = longest.iter().map(|longest| longest.0.saturating_add(GAP));
    if least.clone().fold(0, u16::saturating_add) > width {
        return;
    }
    table.set_content_arrangement(ContentArrangement::Dynamic);
    for (column, least) in table.column_iter_mut().zip(least) {
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
    }
}

/// The table without the spaces that pad its last column: they would stand in every transcript
/// and every copy.
fn without_trailing_space(table: &Table) -> String {
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: &[Column] = &[
        ("name", "Name", Align::Left),
        ("amount", "Amount due", Align::Right),
        ("on", "Oldest due", Align::Left),
    ];

    fn on_terminal(width: u16, name: &str, styled: bool) -> String {
        let rows = [
            json!({ "name": name, "amount": "1241900.00", "on": "2026-10-23" }),
            json!({ "name": "Acme", "amount": "8.00", "on": "2026-11-23" }),
        ];
        let mut narrow = bare(styled);
        narrow.set_width(width);
        table(COLUMNS, &rows, narrow, styled, Locale::Fr)
    }

    #[test]
    fn a_narrow_terminal_breaks_names_and_no_amount_or_date() {
        assert_eq!(
            on_terminal(50, "Pharmacie du Grand Marché de Thiès", false),
            "\
Name                Amount due  Oldest due
Pharmacie du Grand  1241900.00  2026-10-23
Marché de Thiès
Acme                      8.00  2026-11-23
"
        );
    }

    #[test]
    fn what_does_not_fit_even_so_is_not_broken_at_all() {
        assert_eq!(
            on_terminal(40, "pharmacie-du-grand-marche", false),
            "\
Name                       Amount due  Oldest due
pharmacie-du-grand-marche  1241900.00  2026-10-23
Acme                             8.00  2026-11-23
"
        );
    }

    #[test]
    fn on_a_terminal_thousands_stay_together_and_headings_stand_above_their_columns() {
        let shown = on_terminal(46, "Pharmacie du Grand Marché", true);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[0].starts_with("\u{1b}[1mName "), "{shown}");
        assert!(lines[1].contains("1\u{a0}241\u{a0}900,00"), "{shown}");
    }
}
