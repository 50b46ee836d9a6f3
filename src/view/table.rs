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

/// So many rows are laid out together: the memory of a list does not grow with it.
const CHUNK: usize = 1000;

/// A table that is printed as its rows come. The first thousand give the columns their widths; a
/// column that meets a wider cell later is wider from there on, so that nothing is cut.
#[derive(Debug)]
pub struct Rows<'c> {
    columns: &'c [Column],
    locale: Locale,
    styled: bool,
    /// What a test says the terminal has.
    terminal: Option<u16>,
    /// The rows that were not printed yet.
    chunk: Table,
    longest: Vec<Longest>,
    /// The widths of the columns, once rows were printed.
    widths: Option<Vec<u16>>,
}

impl<'c> Rows<'c> {
    /// A styled table is for a terminal: its numbers are written as in `locale`.
    pub fn new(columns: &'c [Column], styled: bool, locale: Locale) -> Self {
        let (chunk, longest) = (bare(styled), Vec::new());
        let mut rows =
            Rows { columns, locale, styled, terminal: None, chunk, longest, widths: None };
        rows.begin_chunk();
        rows
    }

    fn begin_chunk(&mut self) {
        self.chunk = bare(self.styled);
        if let Some(width) = self.terminal {
            self.chunk.set_width(width);
        }
        self.longest = vec![Longest::default(); self.columns.len()];
        if self.widths.is_some() {
            return;
        }
        self.chunk.set_header(self.columns.iter().map(|(_, heading, align)| {
            let cell = Cell::new(heading).set_alignment(side(*align));
            if self.styled { cell.add_attribute(Attribute::Bold) } else { cell }
        }));
        for ((_, heading, _), longest) in self.columns.iter().zip(&mut self.longest) {
            longest.see(heading);
        }
    }

    /// Takes a row; returns the text of those before it where enough have come.
    pub fn row(&mut self, row: &Value) -> Option<String> {
        let full = (self.chunk.row_count() >= CHUNK).then(|| self.chunk_with_more_to_come());
        let (styled, locale) = (self.styled, self.locale);
        self.chunk.add_row(self.columns.iter().zip(&mut self.longest).map(|(column, longest)| {
            let (field, _, align) = column;
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
        full
    }

    /// The rows that have come, and the widths of their columns for those that follow: a last row,
    /// which is not shown, has a mark at the end of each column.
    fn chunk_with_more_to_come(&mut self) -> String {
        let mark = || Cell::new(MARK).set_alignment(CellAlignment::Right);
        self.chunk.add_row(self.columns.iter().map(|_| mark()));
        fit(&mut self.chunk, &self.longest, self.widths.as_deref());
        let mut text = without_trailing_space(&self.chunk);
        let shown = text.trim_end_matches('\n').rfind('\n').map_or(0, |end| end + 1);
        let marks = text.split_off(shown);
        let mut start = 0;
        let marked = marks.chars().enumerate().filter(|(_, c)| *c == MARK);
        let width = |(at, _): (usize, char)| {
            let width = at + 1 - start;
            start = at + 1 + usize::from(GAP);
            u16::try_from(width).unwrap_or(u16::MAX)
        };
        self.widths = Some(marked.map(width).collect());
        self.begin_chunk();
        text
    }

    /// The rows that were not printed yet; `none` where none has come.
    pub fn end(mut self) -> String {
        if self.widths.is_none() && self.chunk.is_empty() {
            return "none\n".to_owned();
        }
        fit(&mut self.chunk, &self.longest, self.widths.as_deref());
        without_trailing_space(&self.chunk)
    }
}

/// Marks the end of a column.
const MARK: char = '|';

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
    fit(&mut table, &longest, None);
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
    fit(&mut table, &longest, None);
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
/// fit even so is left to the terminal, which wraps whole lines. Where rows were printed before,
/// `widths` are those of their columns, which these rows keep to if they can.
fn fit(table: &mut Table, longest: &[Longest], widths: Option<&[u16]>) {
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    let least = longest.iter().map(|longest| longest.0.saturating_add(GAP));
    let least = least.fold(0, u16::saturating_add);
    // A terminal that says that it has no columns (a pseudo-terminal of a script) is not obeyed.
    let terminal = table.width().filter(|width| *width >= LEAST_WIDTH);
    let breaks = terminal.is_some_and(|width| least <= width);
    if breaks {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    let keep = |widths: &[u16]| longest.iter().zip(widths).all(|(longest, w)| longest.0 <= *w);
    let with_gap = |width: u16| Width::Fixed(width.saturating_add(GAP));
    let at_least = |width: u16| ColumnConstraint::LowerBoundary(with_gap(width));
    let constraints: Vec<_> = match widths {
        Some(widths) if !breaks => widths.iter().map(|width| at_least(*width)).collect(),
        Some(widths) if keep(widths) => {
            widths.iter().map(|width| ColumnConstraint::Absolute(with_gap(*width))).collect()
        }
        _ if breaks => longest.iter().map(|longest| at_least(longest.0)).collect(),
        _ => return,
    };
    for (column, constraint) in table.column_iter_mut().zip(constraints) {
        column.set_constraint(constraint);
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

    fn print(width: Option<u16>, styled: bool, rows: impl Iterator<Item = Value>) -> String {
        let mut table = Rows { terminal: width, ..Rows::new(COLUMNS, styled, Locale::Fr) };
        table.begin_chunk();
        let mut text: String = rows.filter_map(|row| table.row(&row)).collect();
        text.push_str(&table.end());
        text
    }

    fn on_terminal(width: u16, name: &str, styled: bool) -> String {
        let rows = [
            json!({ "name": name, "amount": "1241900.00", "on": "2026-10-23" }),
            json!({ "name": "Acme", "amount": "8.00", "on": "2026-11-23" }),
        ];
        print(Some(width), styled, rows.into_iter())
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
    fn many(count: usize) -> impl Iterator<Item = Value> {
        (0..count)
            .map(|n| json!({ "name": format!("Customer {n:04}"), "amount": "8.00", "on": null }))
    }

    #[test]
    fn a_long_table_is_printed_in_parts_that_look_like_one() {
        for (width, styled) in [(None, false), (None, true), (Some(60), false), (Some(60), true)] {
            let text = print(width, styled, many(3 * CHUNK + 7));
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines.len(), 3 * CHUNK + 8, "{width:?}");
            let ends: Vec<_> =
                lines.iter().map(|line| line.find("8.00").or(line.find("8,00"))).collect();
            assert!(lines[0].contains("Name"), "{}", lines[0]);
            assert!(ends[1].is_some() && ends[1..].iter().all(|end| *end == ends[1]), "{width:?}");
            assert!(!text.contains(MARK), "{width:?}");
        }
    }

    #[test]
    fn a_part_more_or_less_makes_no_row_more_or_less() {
        for count in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1] {
            let text = print(None, false, many(count));
            assert_eq!(text.lines().count(), count + 1, "{count}");
            assert_eq!(text == "none\n", count == 0);
        }
    }

    #[test]
    fn a_column_that_meets_a_wider_cell_later_is_wider_from_there_on() {
        let wide = json!({ "name": "a-much-longer-name-than-any", "amount": "8.00", "on": "x" });
        let rows = many(CHUNK).chain([wide]).chain(many(CHUNK)).chain(many(1));
        let text = print(None, false, rows);
        let lines: Vec<&str> = text.lines().collect();
        let at = |line: usize| lines[line].find("8.00").expect("an amount");
        assert_eq!(at(1), at(CHUNK));
        assert!(at(CHUNK + 1) > at(CHUNK));
        assert!(lines[CHUNK + 1].starts_with("a-much-longer-name-than-any  "));
        assert_eq!(at(CHUNK + 1), at(CHUNK + 2));
        assert_eq!(at(CHUNK + 1), at(2 * CHUNK + 2), "the last part keeps the width");
    }

    #[test]
    fn on_a_narrow_terminal_later_rows_keep_to_the_widths_of_the_first() {
        let name = "Pharmacie du Grand Marché de Thiès";
        let row = |name: &str| json!({ "name": name, "amount": "12.00", "on": "2026-10-23" });
        let rows = std::iter::repeat_n(row(name), CHUNK).chain([row("Acme"), row(name)]);
        let text = print(Some(50), false, rows);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1 + 2 * CHUNK + 3);
        let last = &lines[lines.len() - 3..];
        assert_eq!(last[1..], lines[1..3]);
        assert_eq!(last[0].find("12.00"), lines[1].find("12.00"));
    }
}
