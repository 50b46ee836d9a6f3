//! How results are printed: tables for people, JSON and CSV for programs, all from the same
//! objects, so that a field has one name everywhere.

pub mod explain;
pub mod html;
pub mod journal;
pub mod objects;
pub mod progress;
mod table;

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use chrono_tz::Tz;
use serde::Serialize;
use serde_json::Value;

use crate::domain::email::Locale;
use crate::domain::text;
pub use html::Unrenderable;
pub use table::{Align, Screen};

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Table,
    Json,
    Csv,
}

/// A column of a table for people: the field of the object, its heading, its side, and in which order
/// it gives way where a line has no room for all: the highest goes first, 0 never.
pub type Column = (&'static str, &'static str, Align, u8);

/// Where results go, in one form.
#[derive(Debug)]
pub struct Printer {
    format: Format,
    screen: Screen,
    /// The columns that a narrow terminal had no room for.
    missing: Vec<String>,
    out: BufWriter<Sink>,
}

/// Standard output, or the memory of who asks in place of a person.
#[derive(Debug)]
enum Sink {
    Stdout(StdoutLock<'static>),
    Memory(Vec<u8>),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Stdout(out) => out.write(bytes),
            Sink::Memory(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Stdout(out) => out.flush(),
            Sink::Memory(_) => Ok(()),
        }
    }
}

/// A list that is being printed, row by row: its memory does not grow with it.
#[derive(Debug)]
pub struct List<'p> {
    printer: &'p mut Printer,
    fields: &'static [&'static str],
    table: table::Rows<'static>,
    count: u64,
    /// The field of a JSON object that the list is; `None`: it is the document itself.
    within: Option<&'static str>,
}

impl Printer {
    /// A printer on standard output.
    pub fn new(format: Format, screen: Screen) -> Printer {
        let out = BufWriter::with_capacity(1 << 16, Sink::Stdout(io::stdout().lock()));
        Printer { format, screen, missing: Vec::new(), out }
    }

    /// A printer of JSON whose text [`Printer::into_bytes`] hands over.
    pub fn captured(zone: Tz) -> Printer {
        let screen = Screen { styled: false, width: None, numbers: None, zone };
        let out = BufWriter::new(Sink::Memory(Vec::new()));
        Printer { format: Format::Json, screen, missing: Vec::new(), out }
    }

    /// What was printed, of a printer that was [`Printer::captured`]; nothing of another.
    pub fn into_bytes(self) -> Vec<u8> {
        match self.out.into_inner() {
            Ok(Sink::Memory(bytes)) => bytes,
            _ => Vec::new(),
        }
    }

    /// In which form.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether a person reads it.
    pub fn for_people(&self) -> bool {
        self.format == Format::Table
    }

    /// How many characters a line may have; `None`: as many as it takes.
    pub fn width(&self) -> Option<u16> {
        self.screen.width
    }

    /// Prints one object: as a list of fields, as JSON, or as CSV with one row.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn object(&mut self, object: &Value) -> io::Result<()> {
        match self.format {
            Format::Json => self.document(object),
            Format::Table => {
                let (text, missing) = table::fields(object, self.screen);
                self.miss(missing);
                self.text(&text)
            }
            Format::Csv => {
                let row = object.as_object().into_iter().flatten();
                let (names, cells): (Vec<_>, Vec<_>) =
                    row.map(|(name, value)| (name.clone(), csv_cell(value))).unzip();
                self.csv_record(&names)?;
                self.csv_record(&cells)
            }
        }
    }

    /// Prints one JSON document.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn document(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.out, value)?;
        self.out.write_all(b"\n")
    }

    /// Prints text as it is.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        if text.is_empty() || text.ends_with('\n') { Ok(()) } else { self.out.write_all(b"\n") }
    }

    /// Prints bytes as they are.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }

    /// Starts a list. `fields` are the columns of its CSV, `columns` those of its table. Nothing
    /// is printed before its first row or its end: what is refused meanwhile leaves no `[`.
    pub fn list(
        &mut self,
        fields: &'static [&'static str],
        columns: &'static [Column],
    ) -> List<'_> {
        let table = table::Rows::new(columns, self.screen);
        List { printer: self, within: None, fields, table, count: 0 }
    }

    /// Starts a list that in JSON is the field `name` of an object; [`List::end_with`] adds the
    /// object's other fields.
    pub fn list_within(
        &mut self,
        name: &'static str,
        fields: &'static [&'static str],
        columns: &'static [Column],
    ) -> List<'_> {
        List { within: Some(name), ..self.list(fields, columns) }
    }

    /// Prints a table for people.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn table(&mut self, columns: &[Column], rows: &[Value]) -> io::Result<()> {
        let mut table = table::Rows::new(columns, self.screen);
        for row in rows {
            table.row(row).map_or(Ok(()), |text| self.text(&text))?;
        }
        self.end_of(table)
    }

    fn end_of(&mut self, table: table::Rows) -> io::Result<()> {
        let (text, missing) = table.end();
        self.miss(missing.into_iter().map(str::to_owned));
        self.text(&text)
    }

    fn miss(&mut self, columns: impl IntoIterator<Item = String>) {
        for column in columns {
            if !self.missing.contains(&column) {
                self.missing.push(column);
            }
        }
    }

    /// Makes sure that everything was written. Returns what is to be said of the columns that the
    /// terminal had no room for, if there were any.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn finish(mut self) -> io::Result<Option<String>> {
        self.out.flush()?;
        let width = self.screen.width.filter(|_| !self.missing.is_empty());
        Ok(width.map(|width| {
            let missing = self.missing.join(", ");
            format!("not shown at {width} columns: {missing} (--json has everything)")
        }))
    }

    fn csv_record<S: AsRef<str>>(&mut self, cells: &[S]) -> io::Result<()> {
        // Into memory first: a writer on `out` would flush it, and make a system call a record. Its
        // own buffer of 8 KB would be zeroed for each.
        let mut writer = csv::WriterBuilder::new().buffer_capacity(256).from_writer(Vec::new());
        writer.write_record(cells.iter().map(AsRef::as_ref))?;
        let record = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
        self.out.write_all(&record)
    }
}

impl List<'_> {
    /// Prints a row, or keeps it for the next part of the table.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn row(&mut self, object: Value) -> io::Result<()> {
        match self.printer.format {
            Format::Table => {
                let text = self.table.row(&object);
                text.map_or(Ok(()), |text| self.printer.text(&text))?;
            }
            Format::Json => {
                self.head()?;
                let separator: &[u8] = if self.count == 0 { b"\n" } else { b",\n" };
                self.printer.out.write_all(separator)?;
                serde_json::to_writer(&mut self.printer.out, &object)?;
            }
            Format::Csv => {
                self.head()?;
                let cells: Vec<_> =
                    self.fields.iter().map(|name| csv_cell(&object[*name])).collect();
                self.printer.csv_record(&cells)?;
            }
        }
        self.count += 1;
        Ok(())
    }

    /// What stands before the first row.
    fn head(&mut self) -> io::Result<()> {
        match (self.printer.format, self.within) {
            _ if self.count > 0 => Ok(()),
            (Format::Csv, _) => self.printer.csv_record(self.fields),
            (Format::Json, Some(name)) => write!(self.printer.out, "{{{}:[", Value::from(name)),
            (Format::Json, None) => self.printer.out.write_all(b"["),
            (Format::Table, _) => Ok(()),
        }
    }

    /// Ends the list; an empty one says `none` to a person.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn end(self) -> io::Result<()> {
        self.end_with(&Value::Null)
    }

    /// Ends a list that was begun by [`Printer::list_within`]: in JSON, the fields of `others`
    /// follow it.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn end_with(mut self, others: &Value) -> io::Result<()> {
        if self.count == 0 {
            self.head()?;
        }
        let List { printer, table, count, within, .. } = self;
        match printer.format {
            Format::Csv => return Ok(()),
            Format::Table => return printer.end_of(table),
            Format::Json => {}
        }
        printer.out.write_all(if count == 0 { b"]" } else { b"\n]" })?;
        for (name, value) in others.as_object().into_iter().flatten() {
            write!(printer.out, ",\n{}:{value}", Value::from(name.as_str()))?;
        }
        printer.text(if within.is_some() { "}" } else { "\n" })
    }
}

/// Cells as a line of CSV; texts as [`text::quoted_cell`] says.
pub fn csv_line(cells: &[&str]) -> String {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    // A Vec takes whatever is written to it.
    writer.write_record(cells.iter().map(|cell| text::quoted_cell(cell).into_owned())).ok();
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// A value as a CSV cell; texts as [`text::quoted_cell`] says.
fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text::quoted_cell(text).into_owned(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().map(csv_cell).collect::<Vec<_>>().join(",")
        }
        // Items, as an import takes them: so many of a plan each.
        Value::Array(items) if items.iter().all(|item| item["plan"].is_string()) => {
            let counted = items.iter().filter(|item| item["quantity"] != 0);
            let of = |item: &Value| format!("{}:{}", csv_cell(&item["plan"]), item["quantity"]);
            counted.map(of).collect::<Vec<_>>().join(";")
        }
        other => other.to_string(),
    }
}

/// Amounts as a line of blocks, one each: the lowest is the lowest block, the highest the highest.
pub fn sparkline(amounts: &[i64]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (least, most) = (amounts.iter().min(), amounts.iter().max());
    let (least, range) = match least.zip(most) {
        Some((least, most)) => (i128::from(*least), i128::from(*most) - i128::from(*least)),
        None => return String::new(),
    };
    let block = |amount: &i64| match range {
        0 => BLOCKS[0],
        _ => {
            let height = (i128::from(*amount) - least) * (BLOCKS.len() as i128 - 1) / range;
            BLOCKS[usize::try_from(height).unwrap_or(0)]
        }
    };
    amounts.iter().map(block).collect()
}

/// An amount as a bar of blocks, whose full length is `whole`: what is not nothing is seen.
pub fn bar(part: i64, whole: i64) -> String {
    const WIDTH: i128 = 20;
    let (part, whole) = (i128::from(part), i128::from(whole));
    if part <= 0 || whole <= 0 {
        return String::new();
    }
    let blocks = ((part * WIDTH * 2 + whole) / (whole * 2)).clamp(1, WIDTH);
    "█".repeat(usize::try_from(blocks).unwrap_or(1))
}

impl Screen {
    /// Standard output. It is styled as asked, else where it is a terminal that can, and nobody set
    /// `NO_COLOR`; whether numbers are written as in `locale` depends on the terminal alone.
    pub fn stdout(color: Option<bool>, locale: Locale, zone: Tz) -> Screen {
        let terminal = io::stdout().is_terminal();
        let can = || {
            terminal
                && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
                && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
        };
        Screen {
            styled: color.unwrap_or_else(can),
            width: table::width(),
            numbers: terminal.then_some(locale),
            zone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_a_spreadsheet_would_run_is_quoted() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("-5+1", "'-5+1"),
            ("-5.00", "-5.00"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(csv_cell(&Value::from(text)), cell);
        }
        assert_eq!(csv_cell(&Value::from(-5)), "-5");
    }
}
