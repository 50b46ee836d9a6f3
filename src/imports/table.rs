//! A CSV file with a header, read row by row, its values checked column by column.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::Read;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::{Bad, BadRow, Form, Unreadable};
use crate::domain::email::Locale;
use crate::domain::refusal::Why;
use crate::domain::{Currency, Money, Refusal, Result, calendar, text, wording};

/// The file.
pub struct Table<R> {
    reader: csv::Reader<LineEnds<R>>,
    path: PathBuf,
    row: Row,
}

/// What sets the columns of a header apart where the delimiter that is asked for does not: split by
/// it, the header has names that are known.
fn other_delimiter(columns: &[String], known: &[&str], asked: u8) -> Option<char> {
    let [only] = columns else { return None };
    let is_known = |part: &str| known.contains(&part.trim().trim_matches('"'));
    [',', ';', '\t', '|']
        .into_iter()
        .filter(|delimiter| *delimiter != char::from(asked))
        .find(|delimiter| only.contains(*delimiter) && only.split(*delimiter).any(is_known))
}

/// All that is wrong with a header.
fn problems(columns: &[String], required: &[&str], known: &[&str]) -> Vec<String> {
    let mut problems = Vec::new();
    let is_unknown = |column: &&String| !column.is_empty() && !known.contains(&column.as_str());
    let unknown: Vec<String> = columns.iter().filter(is_unknown).map(|c| meant(c, known)).collect();
    match unknown.as_slice() {
        [] => {}
        [one] => problems.push(format!("unknown column: {one}")),
        several => problems.push(format!("unknown columns: {}", several.join(", "))),
    }
    for (at, column) in columns.iter().enumerate() {
        if column.is_empty() {
            problems.push(format!("column {} has no name", at + 1));
        } else if columns[..at].contains(column) {
            problems.push(format!("the column stands there twice: {column}"));
        }
    }
    let is_there = |name: &&&str| name.split('|').any(|one| columns.iter().any(|c| c == one));
    let missing: Vec<String> = required
        .iter()
        .filter(|name| !is_there(name))
        .map(|name| name.replace('|', " or "))
        .collect();
    match missing.as_slice() {
        [] => {}
        [one] => problems.push(format!("the column is missing: {one}")),
        several => problems.push(format!("columns are missing: {}", several.join(", "))),
    }
    problems
}

/// An unknown column, with the known one that it may stand for.
fn meant(column: &str, known: &[&str]) -> String {
    match text::nearest(column, known) {
        Some(name) => format!("{column} (did you mean {name}?)"),
        None => column.to_owned(),
    }
}

/// One row. Checks note what is bad, so that every column of a row is named at once.
pub struct Row {
    columns: Vec<String>,
    numbers: Locale,
    record: csv::ByteRecord,
    line: u64,
    /// A quote was opened and never closed, so that the file ended within the row.
    unclosed: bool,
    bad: RefCell<Vec<BadRow>>,
}

impl<R: Read> Table<R> {
    /// Reads the header. Of required columns such as `invoice|tenant`, one must stand there.
    ///
    /// # Errors
    /// No header, other columns than those of the kind (all of them are named), or another
    /// delimiter.
    pub fn open(
        path: &Path,
        reader: R,
        required: &[&str],
        optional: &[&str],
        form: Form,
    ) -> Result<Self> {
        let bad = |problems: Vec<String>| {
            Refusal::from(Unreadable::Header { path: path.to_owned(), problems })
        };
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .delimiter(form.delimiter)
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(LineEnds::new(reader));
        let header = reader.headers().map_err(|e| match e.kind() {
            csv::ErrorKind::Utf8 { .. } => bad(vec!["not UTF-8".to_owned()]),
            _ => bad(vec![e.to_string()]),
        })?;
        // A spreadsheet may put a byte order mark before the first name.
        let name = |name: &str| name.trim_start_matches('\u{feff}').trim().to_owned();
        let mut columns: Vec<String> = header.iter().map(name).collect();
        // … and empty columns behind the last.
        while columns.len() > 1 && columns.last().is_some_and(String::is_empty) {
            columns.pop();
        }
        let all = required.iter().chain(optional);
        let known: Vec<&str> = all.flat_map(|name| name.split('|')).collect();
        if let Some(found) = other_delimiter(&columns, &known, form.delimiter) {
            let (path, expected) = (path.to_owned(), char::from(form.delimiter));
            return Err(Unreadable::Delimiter { path, found, expected }.into());
        }
        let problems = problems(&columns, required, &known);
        if !problems.is_empty() {
            return Err(bad(problems));
        }
        let row = Row { columns, numbers: form.numbers, ..Row::default() };
        Ok(Table { reader, path: path.to_owned(), row })
    }

    /// The next row; `None` at the end of the file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_row(&mut self) -> Result<Option<&Row>> {
        while self.read_row()? {
            // A spreadsheet writes the rows that it once had as delimiters alone.
            let is_empty = |value: &[u8]| value.iter().all(u8::is_ascii_whitespace);
            if self.row.unclosed || !self.row.record.iter().all(is_empty) {
                return Ok(Some(&self.row));
            }
        }
        Ok(None)
    }

    fn read_row(&mut self) -> Result<bool> {
        let more = self.reader.read_byte_record(&mut self.row.record);
        let more = more.map_err(|e| Refusal::file(&self.path, "read", &e))?;
        // Where the record began: the reader skips empty lines before it, so its own answer is too
        // low after one. It stands behind the record's end now.
        let within = self.row.record.iter().flatten().filter(|b| **b == b'\n').count() as u64;
        self.row.unclosed = self.reader.get_ref().exhausted;
        let end = u64::from(!self.row.unclosed);
        self.row.line = self.reader.position().line().saturating_sub(end + within);
        self.row.bad.borrow_mut().clear();
        Ok(more)
    }

    /// Bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.reader.position().byte()
    }
}

impl Default for Row {
    fn default() -> Self {
        Row {
            columns: Vec::new(),
            numbers: Locale::En,
            record: csv::ByteRecord::new(),
            line: 0,
            unclosed: false,
            bad: RefCell::default(),
        }
    }
}

impl Row {
    /// Checks that the row has a value a column and is UTF-8.
    pub fn check_shape(&self) -> std::result::Result<(), Bad> {
        if self.unclosed {
            let words = "a quote is opened and never closed".to_owned();
            return Err(self.whole(Why::BadCsv(words)));
        }
        let (has, wants) = (self.record.len(), self.columns.len());
        let nothing_more = self.record.iter().skip(wants).all(|v| v.trim_ascii().is_empty());
        if has < wants || !nothing_more {
            let words = format!("{has} values where the header has {wants} columns");
            return Err(self.whole(Why::BadCsv(words)));
        }
        if self.record.iter().any(|value| std::str::from_utf8(value).is_err()) {
            return Err(self.whole(Why::BadCsv("not UTF-8".to_owned())));
        }
        Ok(())
    }

    /// The value of a column; `None` where the column or the value is absent.
    pub fn get(&self, column: &str) -> Option<&str> {
        let at = self.columns.iter().position(|c| c == column)?;
        let value = text::unquoted_cell(std::str::from_utf8(self.record.get(at)?).ok()?.trim());
        (!value.is_empty()).then_some(value)
    }

    /// Notes that a column is bad.
    pub fn note(&self, column: &str, why: Why) {
        self.note_part(column, self.get(column).unwrap_or_default(), why);
    }

    /// Notes that part of a column's value is bad.
    pub fn note_part(&self, column: &str, part: &str, why: Why) {
        let (column, value) = (column.to_owned(), part.to_owned());
        self.bad.borrow_mut().push(BadRow { line: self.line, column, value, why });
    }

    /// A row that is bad as a whole.
    pub fn whole(&self, why: Why) -> Bad {
        let row = BadRow { line: self.line, column: String::new(), value: String::new(), why };
        Bad::Rows(vec![row])
    }

    /// The values that were checked, if none was noted as bad.
    pub fn checked<T>(&self, values: Option<T>) -> std::result::Result<T, Bad> {
        let bad = std::mem::take(&mut *self.bad.borrow_mut());
        match values {
            Some(values) if bad.is_empty() => Ok(values),
            _ => Err(Bad::Rows(bad)),
        }
    }

    /// A row that is bad in one column.
    pub fn bad(&self, column: &str, why: Why) -> Bad {
        self.note(column, why);
        Bad::Rows(std::mem::take(&mut *self.bad.borrow_mut()))
    }

    /// A value that a check of `domain` takes or refuses; notes what it refuses.
    pub fn take<T>(
        &self,
        column: &'static str,
        check: impl FnOnce(&str) -> Result<T>,
    ) -> Option<T> {
        match check(self.get(column)?) {
            Ok(value) => Some(value),
            Err(Refusal::Bad { why, .. }) => {
                self.note(column, why);
                None
            }
            // Whatever it is, the row is not taken.
            Err(other) => {
                self.note(column, Why::BadCsv(other.to_string()));
                None
            }
        }
    }

    /// Like [`Row::take`], of a value that must be there.
    pub fn need<T>(
        &self,
        column: &'static str,
        check: impl FnOnce(&str) -> Result<T>,
    ) -> Option<T> {
        if self.get(column).is_none() {
            self.note(column, Why::Empty);
        }
        self.take(column, check)
    }

    /// A date.
    pub fn date(&self, column: &'static str) -> Option<NaiveDate> {
        self.take(column, |v| calendar::parse_date(v).map_err(|why| Refusal::bad(column, v, why)))
    }

    /// A date that must be there.
    pub fn need_date(&self, column: &'static str) -> Option<NaiveDate> {
        self.need(column, |v| calendar::parse_date(v).map_err(|why| Refusal::bad(column, v, why)))
    }

    /// An amount that must be there.
    pub fn need_amount(&self, column: &'static str, currency: Currency) -> Option<Money> {
        if self.get(column).is_none() {
            self.note(column, Why::Empty);
        }
        self.amount(column, currency)
    }

    /// An amount.
    pub fn amount(&self, column: &'static str, currency: Currency) -> Option<Money> {
        self.take(column, |v| {
            Money::parse(&self.number(v, currency), currency)
                .map_err(|why| Refusal::bad(column, v, why))
        })
    }

    /// A number of this file as it would be typed.
    pub fn plain<'v>(&self, value: &'v str) -> Cow<'v, str> {
        wording::plain_number(value, self.numbers)
    }

    /// An amount of this file as it would be typed: with a point, and without zeros that its
    /// currency has no decimals for. Other programs write 15000.00 XOF.
    pub fn number(&self, value: &str, currency: Currency) -> String {
        let plain = self.plain(value);
        match plain.split_once('.') {
            Some((whole, fraction)) => {
                let places = currency.decimals() as usize;
                let kept = fraction.trim_end_matches('0');
                match kept.len() {
                    0 => whole.to_owned(),
                    length if length <= places => format!("{whole}.{kept}"),
                    _ => plain.into_owned(),
                }
            }
            None => plain.into_owned(),
        }
    }

    /// A currency.
    pub fn currency(&self, column: &'static str) -> Option<Currency> {
        self.take(column, |v| {
            Currency::typed(v).map_err(|why| Refusal::bad(column, v, Why::from(why)))
        })
    }

    /// A whole number.
    pub fn count(&self, column: &'static str, least: i64, most: i64) -> Option<i64> {
        self.take(column, |v| {
            let digits = v.bytes().all(|b| b.is_ascii_digit());
            let count = v.parse().ok().filter(|n| digits && (least..=most).contains(n));
            count.ok_or_else(|| Refusal::bad(column, v, Why::NotACount { least, most }))
        })
    }

    /// Yes or no.
    pub fn flag(&self, column: &'static str) -> Option<bool> {
        self.take(column, |v| match v.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(true),
            "false" | "no" | "0" => Ok(false),
            _ => {
                let words = "true, false, yes, no, 1, 0".to_owned();
                Err(Refusal::bad(column, v, Why::NotOneOf { words }))
            }
        })
    }

    /// One of an enum's words that must be there.
    pub fn need_word<T: std::str::FromStr>(&self, column: &'static str, words: &str) -> Option<T> {
        if self.get(column).is_none() {
            self.note(column, Why::Empty);
        }
        self.word(column, words)
    }

    /// One of an enum's words.
    pub fn word<T: std::str::FromStr>(&self, column: &'static str, words: &str) -> Option<T> {
        self.take(column, |v| {
            let why = Why::NotOneOf { words: words.to_owned() };
            v.parse().map_err(|_| Refusal::bad(column, v, why))
        })
    }
}

/// A file with its line ends made plain: CR LF becomes LF, and the last line has one, so that lines
/// can be counted by their ends.
struct LineEnds<R> {
    from: R,
    /// What was read and made plain, and how much of it was given on.
    chunk: Vec<u8>,
    given: usize,
    /// A CR that was read last and may belong to an LF.
    held: bool,
    last: u8,
    /// Its end was asked for and told.
    exhausted: bool,
}

const CHUNK: usize = 1 << 16;

impl<R: Read> LineEnds<R> {
    fn new(from: R) -> Self {
        LineEnds {
            from,
            chunk: Vec::with_capacity(CHUNK + 1),
            given: 0,
            held: false,
            last: b'\n',
            exhausted: false,
        }
    }

    /// Reads the next chunk; leaves it empty at the end of the file.
    fn fill(&mut self) -> std::io::Result<()> {
        self.given = 0;
        self.chunk.clear();
        while self.chunk.is_empty() {
            self.chunk.extend(self.held.then_some(b'\r'));
            let read = (&mut self.from).take(CHUNK as u64).read_to_end(&mut self.chunk)?;
            if read == 0 {
                self.held = false;
                let last = self.chunk.last().copied().unwrap_or(self.last);
                self.chunk.extend((last != b'\n').then_some(b'\n'));
                self.last = b'\n';
                return Ok(());
            }
            self.make_plain();
        }
        self.last = self.chunk.last().copied().unwrap_or(self.last);
        Ok(())
    }

    /// Drops each CR before an LF; a last CR is held back until what follows it is known.
    fn make_plain(&mut self) {
        self.held = self.chunk.pop_if(|last| *last == b'\r').is_some();
        let Some(first) = self.chunk.iter().position(|b| *b == b'\r') else { return };
        let mut to = first;
        for at in first..self.chunk.len() {
            let before_lf = self.chunk[at] == b'\r' && self.chunk.get(at + 1) == Some(&b'\n');
            if !before_lf {
                self.chunk[to] = self.chunk[at];
                to += 1;
            }
        }
        self.chunk.truncate(to);
    }
}

impl<R: Read> Read for LineEnds<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.given == self.chunk.len() {
            self.fill()?;
        }
        let read = (&self.chunk[self.given..]).read(buffer)?;
        self.given += read;
        self.exhausted = read == 0 && !buffer.is_empty();
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<u64> {
        let mut table =
            Table::open(Path::new("x.csv"), text.as_bytes(), &["a"], &["b"], Form::default())
                .unwrap();
        let mut lines = Vec::new();
        while let Some(row) = table.next_row().unwrap() {
            lines.push(row.line);
        }
        lines
    }

    #[test]
    fn a_row_is_named_by_the_line_on_which_it_begins() {
        for (text, expected) in [
            ("a,b\n1,2\n3,4\n", vec![2, 3]),
            ("a,b\r\n1,2\r\n3,4\r\n", vec![2, 3]),
            ("a,b\n1,2\n3,4", vec![2, 3]),
            ("a,b\n\n\n1,2\n\n3,4\n", vec![4, 6]),
            ("a,b\r\n\"1\r\nx\",2\r\n3,4", vec![2, 4]),
            ("a,b\n1,2\n3,4\r", vec![2, 3]),
        ] {
            assert_eq!(lines(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_is_told_with_the_line_of_its_row() {
        for (text, line) in [("a,b\n1,2\n3,\"x\n5,6\n", 3), ("a,b\n1,\"2\n", 2), ("a,b\n1,\"2", 2)]
        {
            let mut table =
                Table::open(Path::new("x.csv"), text.as_bytes(), &["a"], &["b"], Form::default())
                    .unwrap();
            let mut last = 0;
            while let Some(row) = table.next_row().unwrap() {
                assert_eq!(row.check_shape().is_err(), row.line == line, "{text:?} {}", row.line);
                last = row.line;
            }
            assert_eq!(last, line, "{text:?}");
        }
    }

    fn header(text: &str, delimiter: u8) -> std::result::Result<Vec<String>, Unreadable> {
        let form = Form { delimiter, ..Form::default() };
        let (required, optional) = (&["slug", "name", "email"], &["country", "tax_id"]);
        match Table::open(Path::new("x.csv"), text.as_bytes(), required, optional, form) {
            Ok(table) => Ok(table.row.columns),
            Err(refusal) => Err(refusal.of::<Unreadable>().expect("of the file").clone()),
        }
    }

    #[test]
    fn all_that_is_wrong_with_a_header_is_named_at_once() {
        let found = |text| match header(text, b',') {
            Err(Unreadable::Header { problems, .. }) => problems.join("; "),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            found("slug,nom,e-mail,colour\n"),
            "unknown columns: nom, e-mail (did you mean email?), colour; columns are missing: name, email"
        );
        assert_eq!(
            found("slug,name,name\n"),
            "the column stands there twice: name; the column is missing: email"
        );
        assert_eq!(found("slug,,name,email\n"), "column 2 has no name");
        assert_eq!(
            found("Name,slug,email\n"),
            "unknown column: Name (did you mean name?); the column is missing: name"
        );
        assert_eq!(header("slug,name,email,,\n", b',').expect("columns").len(), 3);
    }

    #[test]
    fn another_delimiter_is_named_as_that() {
        for (text, asked, found) in [
            ("slug;name;email\n", b',', ';'),
            ("slug\tname\temail\n", b',', '\t'),
            ("\u{feff}slug|name|email\n", b',', '|'),
            ("slug,name,email\n", b';', ','),
        ] {
            let expected = char::from(asked);
            let path = PathBuf::from("x.csv");
            let named = Err(Unreadable::Delimiter { path, found, expected });
            assert_eq!(header(text, asked), named, "{text}");
        }
        assert!(matches!(header("a;b\n", b','), Err(Unreadable::Header { .. })));
        assert_eq!(header("slug;name;email\n", b';').expect("columns").len(), 3);
    }

    #[test]
    fn empty_rows_and_columns_at_the_end_are_nothing() {
        for (text, expected) in [
            ("a,b\n1,2\n,\n3,4\n , \n", vec![2, 4]),
            ("a,b,,\n1,2,,\n3,4,,\n,,,\n", vec![2, 3]),
            ("a,b\n1,2,,\n", vec![2]),
        ] {
            assert_eq!(lines(text), expected, "{text:?}");
        }
        let open = |text: &'static str| {
            Table::open(Path::new("x.csv"), text.as_bytes(), &["a"], &["b"], Form::default())
                .unwrap()
        };
        for (text, good) in [
            ("a,b,,\n1,2,,\n", true),
            ("a,b\n1,2,\n", true),
            ("a,b\n1,2,3\n", false),
            ("a,b,\n1,2,3\n", false),
            ("a,b\n1\n", false),
        ] {
            let mut table = open(text);
            let row = table.next_row().unwrap().expect("a row");
            assert_eq!(row.check_shape().is_ok(), good, "{text:?}");
        }
    }

    #[test]
    fn amounts_are_read_as_other_programs_write_them() {
        for (numbers, value, code, read) in [
            (Locale::En, "15000.00", "XOF", "15000"),
            (Locale::En, "15000.50", "XOF", "15000.50"),
            (Locale::En, "12.5000", "EUR", "12.5"),
            (Locale::En, "12.345", "EUR", "12.345"),
            (Locale::En, "1,234.50", "EUR", "1234.5"),
            (Locale::Fr, "1 234,50", "EUR", "1234.5"),
            (Locale::Fr, "15000,00", "XOF", "15000"),
            (Locale::En, "12,50", "EUR", "12,50"),
            (Locale::En, "1250", "KWD", "1250"),
        ] {
            let row = Row { numbers, ..Row::default() };
            assert_eq!(row.number(value, code.parse().unwrap()), read, "{value} {code}");
        }
    }

    #[test]
    fn line_ends_are_made_plain_whatever_the_pieces() {
        struct Pieces(std::collections::VecDeque<Vec<u8>>);
        impl Read for Pieces {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let Some(piece) = self.0.pop_front() else { return Ok(0) };
                buffer[..piece.len()].copy_from_slice(&piece);
                Ok(piece.len())
            }
        }
        let text = b"a\r\nb\rc\n\r\n\rd";
        for size in 1..text.len() {
            let pieces = text.chunks(size).map(<[u8]>::to_vec).collect();
            let mut plain = Vec::new();
            LineEnds::new(Pieces(pieces)).read_to_end(&mut plain).unwrap();
            assert_eq!(plain, b"a\nb\rc\n\n\rd\n", "{size}");
        }
    }
}
