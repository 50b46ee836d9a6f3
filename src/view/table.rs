//! Tables for people.

use chrono_tz::Tz;
use comfy_table::presets::NOTHING;
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width,
};
use rust_decimal::Decimal;
use serde_json::Value;

use super::Column;
use crate::clock;
use crate::domain::email::Locale;
use crate::domain::text::printable;
use crate::domain::wording;

/// On which side of its column a cell stands: amounts right, words left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// On what a table is printed, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// With colours and bold type.
    pub styled: bool,
    /// How many characters a line may have; `None`: as many as it takes.
    pub width: Option<u16>,
    /// Numbers are written as in that language; `None`: as JSON has them.
    pub numbers: Option<Locale>,
    /// Where an instant is a date and a time of day.
    pub zone: Tz,
}

/// So many rows are laid out together: the memory of a list does not grow with it.
const CHUNK: usize = 1000;

/// A table that is printed as its rows come. The first thousand give the columns their widths, and
/// say which of them a narrow terminal has room for; a column that meets a wider cell later is wider
/// from there on, so that nothing is cut.
#[derive(Debug)]
pub struct Rows<'c> {
    columns: &'c [Column],
    screen: Screen,
    /// The rows that were not printed yet.
    chunk: Table,
    extents: Vec<Extent>,
    /// How the first rows were laid out, once they were printed.
    layout: Option<Layout>,
}

/// What is settled by the first rows of a table.
#[derive(Debug)]
struct Layout {
    hidden: Vec<bool>,
    /// Of each column, `None` where it is hidden.
    widths: Vec<Option<u16>>,
}

impl<'c> Rows<'c> {
    /// A table with those columns.
    pub fn new(columns: &'c [Column], screen: Screen) -> Self {
        let (chunk, extents) = (bare(screen), Vec::new());
        let mut rows = Rows { columns, screen, chunk, extents, layout: None };
        rows.begin_chunk();
        rows
    }

    fn begin_chunk(&mut self) {
        self.chunk = bare(self.screen);
        self.extents = vec![Extent::default(); self.columns.len()];
        if self.layout.is_some() {
            return;
        }
        self.chunk.set_header(self.columns.iter().map(|(_, heading, align, _)| {
            let cell = Cell::new(heading).set_alignment(side(*align));
            if self.screen.styled { cell.add_attribute(Attribute::Bold) } else { cell }
        }));
        for ((_, heading, ..), extent) in self.columns.iter().zip(&mut self.extents) {
            extent.head(heading);
        }
    }

    /// Takes a row; returns the text of those before it where enough have come.
    pub fn row(&mut self, row: &Value) -> Option<String> {
        let full = (self.chunk.row_count() >= CHUNK).then(|| self.chunk_with_more_to_come());
        let screen = self.screen;
        self.chunk.add_row(self.columns.iter().zip(&mut self.extents).map(|(column, extent)| {
            let (field, _, align, _) = column;
            let text = cell(&row[*field], screen.zone);
            let number = *align == Align::Right && text.parse::<Decimal>().is_ok();
            let shown = match screen.numbers.filter(|_| number) {
                // A thousand that French sets apart by a space stays with its number.
                Some(locale) => wording::number(&text, locale).replace(' ', "\u{a0}"),
                None => text.clone(),
            };
            extent.see(&shown);
            let shown = Cell::new(shown).set_alignment(side(*align));
            match color_of(field, &text).filter(|_| screen.styled) {
                Some(color) => shown.fg(color),
                None => shown,
            }
        }));
        full
    }

    fn hidden(&self) -> Vec<bool> {
        match &self.layout {
            Some(layout) => layout.hidden.clone(),
            None => {
                let ranks: Vec<u8> = self.columns.iter().map(|(.., rank)| *rank).collect();
                without_room(&self.extents, &ranks, self.screen.width)
            }
        }
    }

    /// The rows that have come, and the widths of their columns for those that follow: a last row,
    /// which is not shown, has a mark at the end of each column.
    fn chunk_with_more_to_come(&mut self) -> String {
        let mark = || Cell::new(MARK).set_alignment(CellAlignment::Right);
        self.chunk.add_row(self.columns.iter().map(|_| mark()));
        let hidden = self.lay_out();
        let mut text = without_trailing_space(&self.chunk);
        let shown = text.trim_end_matches('\n').rfind('\n').map_or(0, |end| end + 1);
        let marks = text.split_off(shown);
        let mut start = 0;
        let marked = marks.chars().enumerate().filter(|(_, c)| *c == MARK);
        let mut marked = marked.map(|(at, _)| {
            let width = at + 1 - start;
            start = at + 1 + usize::from(GAP);
            u16::try_from(width).unwrap_or(u16::MAX)
        });
        let widths = hidden.iter().map(|hidden| if *hidden { None } else { marked.next() });
        self.layout = Some(Layout { widths: widths.collect(), hidden });
        self.begin_chunk();
        text
    }

    fn lay_out(&mut self) -> Vec<bool> {
        let hidden = self.hidden();
        let widths = self.layout.as_ref().map(|layout| layout.widths.as_slice());
        fit(&mut self.chunk, &self.extents, &hidden, widths, self.screen.width);
        hidden
    }

    /// The rows that were not printed yet (`none` where none has come), and the columns that the
    /// terminal had no room for.
    pub fn end(mut self) -> (String, Vec<&'static str>) {
        if self.layout.is_none() && self.chunk.is_empty() {
            return ("none\n".to_owned(), Vec::new());
        }
        let hidden = self.lay_out();
        let missing = self.columns.iter().zip(hidden).filter(|(_, hidden)| *hidden);
        let name =
            |(field, heading, ..): &Column| if heading.is_empty() { *field } else { *heading };
        let missing = missing.map(|(column, _)| name(column)).collect();
        (without_trailing_space(&self.chunk), missing)
    }
}

/// Marks the end of a column.
const MARK: char = '|';

/// An object's fields, one a line; lists and objects inside it as tables below. Also the columns of
/// those tables that the terminal had no room for.
pub fn fields(object: &Value, screen: Screen) -> (String, Vec<String>) {
    let mut table = bare(screen);
    let (mut below, mut extents) = (String::new(), [Extent::default(); 2]);
    let mut missing = Vec::new();
    for (name, value) in object.as_object().into_iter().flatten() {
        match value {
            Value::Array(items) if items.iter().any(Value::is_object) => {
                let (text, without) = nested(items, screen);
                below.push_str(&format!("\n{name}\n{text}"));
                missing.extend(without);
            }
            Value::Null => {}
            Value::Array(items) if items.is_empty() => {}
            Value::Object(inside) if inside.is_empty() => {}
            _ => {
                let text = cell(value, screen.zone);
                extents[0].see(name);
                extents[1].see(&text);
                let name = Cell::new(name);
                let name = if screen.styled { name.add_attribute(Attribute::Bold) } else { name };
                table.add_row([name, Cell::new(text)]);
            }
        }
    }
    fit(&mut table, &extents, &[false; 2], None, screen.width);
    (without_trailing_space(&table) + &below, missing)
}

/// What gives way first in the tables inside an object; of other fields, the last.
const SPARED_FIRST: &[&str] =
    &["idempotency_key", "answered_at", "gateway", "period_end", "period_start", "payment_method"];

fn nested(items: &[Value], screen: Screen) -> (String, Vec<String>) {
    let first = items.iter().find_map(Value::as_object);
    let mut table = bare(screen);
    let shown = |name: &&String| items.iter().any(|item| !item[name.as_str()].is_null());
    let names: Vec<&String> = first.into_iter().flat_map(|o| o.keys()).filter(shown).collect();
    table.set_header(names.iter().copied());
    let mut extents = vec![Extent::default(); names.len()];
    for (name, extent) in names.iter().zip(&mut extents) {
        extent.head(name);
    }
    for item in items {
        table.add_row(names.iter().zip(&mut extents).map(|(name, extent)| {
            let text = cell(&item[name.as_str()], screen.zone);
            extent.see(&text);
            text
        }));
    }
    let rank = |(nth, name): (usize, &&String)| {
        let spared = SPARED_FIRST.iter().position(|first| first == name);
        let rank = spared.map_or(nth, |place| usize::from(u8::MAX) - place);
        u8::try_from(rank).unwrap_or(u8::MAX)
    };
    let ranks: Vec<u8> = names.iter().enumerate().map(rank).collect();
    let hidden = without_room(&extents, &ranks, screen.width);
    fit(&mut table, &extents, &hidden, None, screen.width);
    let missing = names.iter().zip(&hidden).filter(|(_, hidden)| **hidden);
    (without_trailing_space(&table), missing.map(|(name, _)| (*name).clone()).collect())
}

/// How wide a column is.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    /// Its longest word: what it needs at the narrowest. A word is an amount, a date, a code: broken
    /// in two it would be read as another one.
    word: u16,
    /// Its longest cell.
    cell: u16,
    /// Whether any cell below its heading says anything.
    filled: bool,
}

impl Extent {
    fn see(&mut self, cell: &str) {
        self.filled |= !cell.is_empty();
        self.head(cell);
    }

    fn head(&mut self, cell: &str) {
        let length = |text: &str| u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
        self.cell = self.cell.max(length(cell));
        for word in cell.split(' ') {
            self.word = self.word.max(length(word));
        }
    }

    /// What it needs to be read with ease: a sentence is not broken after each word.
    fn comfortable(&self) -> u16 {
        self.word.max(self.cell.min(SENTENCE))
    }
}

/// Spaces between two columns.
const GAP: u16 = 2;

/// Characters of a line that a sentence is given before a column goes.
const SENTENCE: u16 = 24;

/// Columns of a terminal below which no table can be told from noise.
const LEAST_WIDTH: u16 = 40;

fn bare(screen: Screen) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    if let Some(width) = screen.width {
        table.set_width(width);
    }
    if screen.styled {
        table.enforce_styling();
    }
    table
}

/// How many characters a line may have: what `COLUMNS` says, else the terminal that is standard
/// output; `None`: it is none. One that says that it has no columns (a pseudo-terminal of a script)
/// is not obeyed.
pub fn width() -> Option<u16> {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    said.or_else(|| Table::new().width()).filter(|width| *width >= LEAST_WIDTH)
}

/// What the columns need that are not hidden, with the gaps between them.
fn needed(extents: &[Extent], hidden: &[bool], need: impl Fn(&Extent) -> u16) -> u16 {
    let shown = extents.iter().zip(hidden).filter(|(_, hidden)| !**hidden);
    let widths = shown.map(|(extent, _)| need(extent).saturating_add(GAP));
    widths.fold(0, u16::saturating_add).saturating_sub(GAP)
}

/// Which columns a line of that width has no room for. `ranks` says in which order they give way:
/// the highest goes first, 0 never; but one that is empty goes before any that is not.
fn without_room(extents: &[Extent], ranks: &[u8], width: Option<u16>) -> Vec<bool> {
    let mut hidden = vec![false; extents.len()];
    let Some(width) = width else { return hidden };
    let mut order: Vec<usize> = (0..ranks.len()).filter(|nth| ranks[*nth] > 0).collect();
    order.sort_by_key(|nth| (extents[*nth].filled, std::cmp::Reverse(ranks[*nth])));
    for nth in order {
        if needed(extents, &hidden, Extent::comfortable) <= width {
            break;
        }
        hidden[nth] = true;
    }
    hidden
}

/// Breaks text where the terminal is too narrow for its lines, and nothing but text. What does not
/// fit even so is left to the terminal, which wraps whole lines. Where rows were printed before,
/// `widths` are those of their columns, which these rows keep to if they can.
fn fit(
    table: &mut Table,
    extents: &[Extent],
    hidden: &[bool],
    widths: Option<&[Option<u16>]>,
    screen: Option<u16>,
) {
    let last = hidden.iter().rposition(|hidden| !hidden);
    for (nth, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if Some(nth) == last { 0 } else { GAP }));
    }
    let fits = |need: fn(&Extent) -> u16| {
        screen.is_some_and(|screen| needed(extents, hidden, need) <= screen)
    };
    let least: fn(&Extent) -> u16 = match fits(Extent::comfortable) {
        true => Extent::comfortable,
        false => |extent| extent.word,
    };
    let breaks = fits(least);
    if breaks {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    // Once a later row is too wide for the columns of the first, none of them is kept.
    let kept = widths.filter(|widths| {
        let narrower = |(extent, width): (&Extent, &Option<u16>)| {
            width.is_none_or(|width| extent.word <= width)
        };
        !breaks || extents.iter().zip(*widths).all(narrower)
    });
    for (nth, column) in table.column_iter_mut().enumerate() {
        let gap = if Some(nth) == last { 0 } else { GAP };
        let with_gap = |width: u16| Width::Fixed(width.saturating_add(gap));
        let before = kept.and_then(|widths| widths[nth]);
        let constraint = match before {
            _ if hidden[nth] => ColumnConstraint::Hidden,
            Some(width) if breaks => ColumnConstraint::Absolute(with_gap(width)),
            Some(width) => ColumnConstraint::LowerBoundary(with_gap(width)),
            None if breaks => ColumnConstraint::LowerBoundary(with_gap(least(&extents[nth]))),
            None => continue,
        };
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

fn cell(value: &Value, zone: Tz) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => printable(&clock::stored_shown(text, zone)).replace('\n', ", "),
        Value::Array(items) => {
            items.iter().map(|item| cell(item, zone)).collect::<Vec<_>>().join(", ")
        }
        // Sums by currency, or what a person noted.
        Value::Object(fields) => {
            let known = fields.iter().filter(|(_, value)| !value.is_null());
            let pairs = known.map(|(name, value)| match is_currency(name) {
                true => format!("{} {name}", cell(value, zone)),
                false => format!("{}={}", printable(name), cell(value, zone)),
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
        ("name", "Name", Align::Left, 0),
        ("amount", "Amount due", Align::Right, 0),
        ("on", "Oldest due", Align::Left, 0),
    ];

    fn screen(width: Option<u16>) -> Screen {
        Screen { styled: false, width, numbers: None, zone: Tz::UTC }
    }

    fn print(width: Option<u16>, styled: bool, rows: impl Iterator<Item = Value>) -> String {
        let numbers = styled.then_some(Locale::Fr);
        print_on(Screen { styled, numbers, ..screen(width) }, COLUMNS, rows).0
    }

    fn print_on(
        screen: Screen,
        columns: &[Column],
        rows: impl Iterator<Item = Value>,
    ) -> (String, Vec<&'static str>) {
        let mut table = Rows::new(columns, screen);
        let mut text: String = rows.filter_map(|row| table.row(&row)).collect();
        let (rest, missing) = table.end();
        text.push_str(&rest);
        (text, missing)
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
            on_terminal(42, "Pharmacie du Grand Marché de Thiès", false),
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
        let text = print(Some(48), false, rows);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1 + 2 * CHUNK + 3);
        let last = &lines[lines.len() - 3..];
        assert_eq!(last[1..], lines[1..3]);
        assert_eq!(last[0].find("12.00"), lines[1].find("12.00"));
    }

    const SPARE: &[Column] = &[
        ("name", "Name", Align::Left, 1),
        ("amount", "Amount due", Align::Right, 0),
        ("currency", "", Align::Left, 3),
        ("on", "Oldest due", Align::Left, 2),
    ];

    #[test]
    fn the_least_needed_columns_go_first_and_are_named() {
        let row = json!({
            "name": "pharmacie-du-marche", "amount": "1241900.00", "currency": "XOF",
            "on": "2026-10-23",
        });
        for (width, missing, line) in [
            (60, vec![], "pharmacie-du-marche  1241900.00  XOF  2026-10-23"),
            (48, vec![], "pharmacie-du-marche  1241900.00  XOF  2026-10-23"),
            (47, vec!["currency"], "pharmacie-du-marche  1241900.00  2026-10-23"),
            (42, vec!["currency", "Oldest due"], "pharmacie-du-marche  1241900.00"),
        ] {
            let (text, without) = print_on(screen(Some(width)), SPARE, [row.clone()].into_iter());
            assert_eq!(text.lines().nth(1), Some(line), "{width}");
            assert_eq!(without, missing, "{width}");
        }
    }

    #[test]
    fn an_empty_column_goes_before_one_that_says_something() {
        let row =
            json!({ "name": "", "amount": "1241900.00", "currency": "XOF", "on": "2026-10-23" });
        let rows = std::iter::repeat_n(row, 3);
        let columns =
            &[("padding", "A heading of many more words", Align::Left, 0), SPARE[0], SPARE[2]];
        let (_, without) = print_on(screen(Some(34)), columns, rows);
        assert_eq!(without, ["Name"]);
    }

    #[test]
    fn later_rows_have_the_columns_of_the_first() {
        let row = json!({ "name": "n", "amount": "8.00", "currency": "XOF", "on": "2026-10-23" });
        let wide =
            json!({ "name": "x".repeat(35), "amount": "8.00", "currency": "XOF", "on": "-" });
        let all = [("a", "A heading of eighteen", Align::Left, 0), SPARE[0], SPARE[1], SPARE[2]];
        let rows = std::iter::repeat_n(wide, CHUNK).chain(std::iter::repeat_n(row, CHUNK + 1));
        let (text, without) = print_on(screen(Some(50)), &all, rows);
        assert_eq!(without, ["Name", "currency"]);
        assert!(text.lines().skip(1).all(|line| line == text.lines().nth(1).unwrap()), "{text}");
    }

    #[test]
    fn an_instant_is_shown_in_the_business_time_zone() {
        let zone = "Pacific/Auckland".parse().unwrap();
        for (stored, shown) in [
            ("2026-03-01T12:00:00Z", "2026-03-02 01:00"),
            ("2026-03-01T12:00:00.123Z", "2026-03-02 01:00"),
            ("2026-03-01", "2026-03-01"),
            ("at 2026-03-01T12:00:00Z", "at 2026-03-01T12:00:00Z"),
        ] {
            assert_eq!(cell(&json!(stored), zone), shown);
        }
    }
}
