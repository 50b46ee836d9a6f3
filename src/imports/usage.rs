//! Events of usage from a file, as JSON Lines or CSV: good lines are taken, in commits of some thousands,
//! and the bad ones are named. Memory does not grow with the file.

use std::borrow::Cow;
use std::io::{BufRead, Read};
use std::path::Path;
use std::rc::Rc;

use chrono::{DateTime, Datelike};
use serde::Deserialize;
use serde_json::Value;

use super::Unreadable;
use crate::books::{Book, KnownUsage, TakenUsage};
use crate::config::Config;
use crate::domain::event::{About, UsageEvent};
use crate::domain::reject::Reject;
use crate::domain::usage::{DEFAULT_VALUE, Incoming, Subscriber};
use crate::domain::{Act, Refusal, Result, text, words};
use crate::store::{Db, Store};

words! {
    /// How the events of a file are written.
    UsageForm {
        /// A JSON object a line.
        Jsonl = "jsonl",
        Csv = "csv",
    }
}

/// So many events are written in one transaction.
const BATCH: usize = 10_000;

/// The longest line of a file, in bytes.
const LONGEST: usize = 1 << 16;

/// The columns of a CSV file, which are the fields of an event.
const COLUMNS: &[&str] = &["id", "meter", "subscription", "tenant", "at", "value", "properties"];

/// Whether good lines are taken where others are bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batches {
    /// In transactions of some thousands.
    Kept,
    /// All in one, or none.
    Atomic,
}

/// Whether what a line said is kept until it is known whether it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    Kept,
    Dropped,
}

/// A line that was not taken.
#[derive(Debug, Clone, Copy)]
pub struct Rejected<'a> {
    /// From 1 on.
    pub line: u64,
    pub why: &'a Reject,
    /// What it said, where that is kept.
    pub text: &'a str,
}

/// What became of the lines of a file.
#[derive(Debug, Default)]
pub struct ImportedUsage {
    pub lines: u64,
    pub rejected: u64,
    pub taken: TakenUsage,
}

/// An event as JSON has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    meter: Cow<'a, str>,
    #[serde(default)]
    subscription: Option<Value>,
    #[serde(borrow, default)]
    tenant: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    at: Option<Cow<'a, str>>,
    #[serde(default)]
    value: Option<Value>,
    #[serde(default)]
    properties: Option<serde_json::Map<String, Value>>,
}

/// A file of events that is being read.
pub struct UsageFile<'p, R: Read> {
    path: &'p Path,
    source: Source<R>,
    bytes: u64,
    texts: Texts,
}

impl<R: Read> std::fmt::Debug for UsageFile<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UsageFile").field("path", &self.path).finish_non_exhaustive()
    }
}

enum Source<R: Read> {
    Jsonl { reader: std::io::BufReader<R>, line: u64, buffer: Vec<u8> },
    Csv { reader: csv::Reader<R>, columns: Vec<usize>, record: csv::StringRecord },
}

/// What was read of some lines.
#[derive(Default)]
struct ReadLines {
    events: Vec<Incoming>,
    bad: Vec<(u64, Reject)>,
    /// What each line said, by its number.
    texts: Vec<(u64, String)>,
    lines: u64,
    names: Names,
}

/// The names of meters, of which there are few, each kept once.
#[derive(Default)]
struct Names(Vec<Rc<str>>);

impl Names {
    fn of(&mut self, name: &str) -> Rc<str> {
        if let Some(known) = self.0.iter().find(|known| known.as_ref() == name) {
            return known.clone();
        }
        let new: Rc<str> = name.into();
        if self.0.len() < 16 {
            self.0.push(new.clone());
        }
        new
    }
}

impl<'p, R: Read> UsageFile<'p, R> {
    /// Opens a file, and reads the header of a CSV.
    ///
    /// # Errors
    /// It cannot be read, or a column is none of an event.
    pub fn open(
        path: &'p Path,
        reader: R,
        form: UsageForm,
        texts: Texts,
    ) -> Result<UsageFile<'p, R>> {
        let source = match form {
            UsageForm::Jsonl => Source::Jsonl {
                reader: std::io::BufReader::with_capacity(1 << 16, reader),
                line: 0,
                buffer: Vec::new(),
            },
            UsageForm::Csv => {
                let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
                let header = reader.headers().map_err(|e| unreadable(path, &e))?.clone();
                Source::Csv {
                    columns: columns(path, &header)?,
                    reader,
                    record: csv::StringRecord::new(),
                }
            }
        };
        Ok(UsageFile { path, source, bytes: 0, texts })
    }

    /// Reads some lines; none where the file is at its end.
    fn read(&mut self) -> Result<ReadLines> {
        let mut read = ReadLines::default();
        let UsageFile { path, source, bytes, texts } = self;
        let keep_texts = *texts;
        while read.events.len() + read.bad.len() < BATCH {
            let more = match source {
                Source::Jsonl { reader, line, buffer } => {
                    next_json(path, reader, (line, buffer, bytes), keep_texts, &mut read)?
                }
                Source::Csv { reader, columns, record } => {
                    let more = next_csv(path, reader, columns, record, keep_texts, &mut read)?;
                    *bytes = reader.position().byte();
                    more
                }
            };
            if !more {
                break;
            }
        }
        Ok(read)
    }
}

fn unreadable(path: &Path, error: &csv::Error) -> Refusal {
    let line = error.position().map_or(String::new(), |at| format!(", line {}", at.line()));
    let error = std::io::Error::other(format!("{error}{line}"));
    Refusal::file(path, "read", &error)
}

/// Where each column of an event stands.
fn columns(path: &Path, header: &csv::StringRecord) -> Result<Vec<usize>> {
    let mut problems = Vec::new();
    let mut places = Vec::new();
    for name in header {
        let name = name.trim_start_matches('\u{feff}').trim();
        match COLUMNS.iter().position(|column| *column == name) {
            Some(place) if places.contains(&place) => {
                problems.push(format!("the column {name} stands twice"));
            }
            Some(place) => places.push(place),
            None => problems.push(format!("unknown column {}", text::printable_value(name))),
        }
    }
    for must in ["id", "meter", "at"] {
        if !places.iter().any(|place| COLUMNS[*place] == must) {
            problems.push(format!("the column {must} is missing"));
        }
    }
    match problems.is_empty() {
        true => Ok(places),
        false => Err(Unreadable::Columns { path: path.to_owned(), problems }.into()),
    }
}

fn next_json<R: Read>(
    path: &Path,
    reader: &mut std::io::BufReader<R>,
    (line, buffer, bytes): (&mut u64, &mut Vec<u8>, &mut u64),
    keep_texts: Texts,
    into: &mut ReadLines,
) -> Result<bool> {
    buffer.clear();
    let failed = |e: &std::io::Error| Refusal::file(path, "read", e);
    let most = LONGEST as u64 + 1;
    let got = reader.by_ref().take(most).read_until(b'\n', buffer).map_err(|e| failed(&e))?;
    if got == 0 {
        return Ok(false);
    }
    *bytes += got as u64;
    *line += 1;
    let too_long = got > LONGEST && buffer.last() != Some(&b'\n');
    if too_long {
        reader.skip_until(b'\n').map_err(|e| failed(&e))?;
    }
    let bytes = buffer.strip_prefix(b"\xef\xbb\xbf").filter(|_| *line == 1).unwrap_or(buffer);
    let bytes = bytes.trim_ascii();
    if bytes.is_empty() {
        return Ok(true);
    }
    into.lines += 1;
    if keep_texts == Texts::Kept {
        into.texts.push((*line, String::from_utf8_lossy(bytes).into_owned()));
    }
    let event = match too_long {
        true => Err(Reject::BadJson { what: format!("longer than {LONGEST} bytes") }),
        false => from_json(*line, bytes, &mut into.names),
    };
    match event {
        Ok(event) => into.events.push(event),
        Err(reject) => into.bad.push((*line, reject)),
    }
    Ok(true)
}

fn from_json(line: u64, bytes: &[u8], names: &mut Names) -> std::result::Result<Incoming, Reject> {
    let written: Written = serde_json::from_slice(bytes).map_err(|error| {
        let what = error.to_string();
        // Of a file, the line is named anyhow.
        Reject::BadJson { what: what.replace(" at line 1 column", ", column") }
    })?;
    let subscription = written.subscription.filter(|value| !value.is_null());
    let subscription = subscription.map(|value| plain_text(&value, "subscription")).transpose()?;
    let value = written.value.filter(|value| !value.is_null());
    let properties = written.properties.and_then(|map| canonical(Value::Object(map)));
    Ok(Incoming {
        line,
        of: subscriber(subscription.as_deref(), written.tenant.as_deref())?,
        id: checked("id", &written.id)?.into(),
        meter: names.of(checked("meter", &written.meter)?),
        at_us: moment(written.at.as_deref().unwrap_or_default())?,
        value: match value {
            None => DEFAULT_VALUE.into(),
            Some(value) => number_text(value)?.into(),
        },
        properties: properties.map(String::into_boxed_str),
    })
}

/// A text, or a whole number in its place.
fn plain_text(value: &Value, field: &str) -> std::result::Result<String, Reject> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) if number.is_u64() => Ok(number.to_string()),
        _ => Err(Reject::BadJson { what: format!("{field} is no text") }),
    }
}

/// A value as text. A number that has more digits than a JSON number keeps is not taken as one.
fn number_text(value: Value) -> std::result::Result<String, Reject> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => {
            let text = number.to_string();
            let is_whole = number.is_i64() || number.is_u64();
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            if is_whole || digits <= 15 { Ok(text) } else { Err(Reject::BadValue { value: text }) }
        }
        other => Err(Reject::BadValue { value: other.to_string() }),
    }
}

/// What else an event says, as it is typed: a JSON object; `None` of an empty one.
///
/// # Errors
/// It is none.
pub fn usage_properties(text: &str) -> std::result::Result<Option<String>, Reject> {
    let object = serde_json::from_str::<serde_json::Map<String, Value>>(text);
    let bad = |e: serde_json::Error| Reject::BadJson { what: format!("properties: {e}") };
    Ok(canonical(Value::Object(object.map_err(bad)?)))
}

/// A JSON object with its fields in order, so that two that say the same are the same; `None`: empty.
fn canonical(value: Value) -> Option<String> {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut fields: Vec<_> = map.into_iter().collect();
                fields.sort_by(|(one, _), (other, _)| one.cmp(other));
                Value::Object(fields.into_iter().map(|(name, of)| (name, sorted(of))).collect())
            }
            Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
            other => other,
        }
    }
    let empty = value.as_object().is_some_and(serde_json::Map::is_empty);
    (!empty).then(|| sorted(value).to_string())
}

fn subscriber(
    subscription: Option<&str>,
    tenant: Option<&str>,
) -> std::result::Result<Subscriber, Reject> {
    let of = |what: &str| Reject::BadJson { what: what.to_owned() };
    match (subscription, tenant) {
        (Some(id), None) => {
            let unknown = |_| Reject::UnknownSubscription { name: format!("subscription {id}") };
            id.parse().map(Subscriber::Subscription).map_err(unknown)
        }
        (None, Some(name)) => Ok(Subscriber::Tenant(name.to_owned())),
        (Some(_), Some(_)) => Err(of("it names a subscription and a tenant")),
        (None, None) => Err(of("it names neither a subscription nor a tenant")),
    }
}

/// A name of an event or a meter: one line, not empty.
fn checked<'v>(field: &'static str, value: &'v str) -> std::result::Result<&'v str, Reject> {
    let fits = !value.is_empty() && value.len() <= 200 && !value.bytes().any(|b| b < 0x20);
    if fits && value.is_ascii() {
        return Ok(value);
    }
    let read = text::line(field, value, 200).ok().filter(|line| line == value);
    read.map(|_| value).ok_or_else(|| Reject::BadJson {
        what: format!("{field} is empty, longer than 200 characters, or no line"),
    })
}

/// Microseconds since 1970 of an instant of RFC 3339.
fn moment(text: &str) -> std::result::Result<i64, Reject> {
    let at = DateTime::parse_from_rfc3339(text).ok();
    let at = at.filter(|at| (1970..=9000).contains(&at.year()));
    let bad = || Reject::BadTime { value: text.to_owned() };
    at.map(|at| at.timestamp_micros()).ok_or_else(bad)
}

fn next_csv<R: Read>(
    path: &Path,
    reader: &mut csv::Reader<R>,
    columns: &[usize],
    record: &mut csv::StringRecord,
    keep_texts: Texts,
    into: &mut ReadLines,
) -> Result<bool> {
    let line = reader.position().line();
    match reader.read_record(record) {
        Ok(true) => {}
        Ok(false) => return Ok(false),
        Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
            into.lines += 1;
            into.bad.push((line, Reject::BadJson { what: "not UTF-8".to_owned() }));
            return Ok(true);
        }
        Err(error) => return Err(unreadable(path, &error)),
    }
    let line = record.position().map_or(line, csv::Position::line);
    into.lines += 1;
    if keep_texts == Texts::Kept {
        into.texts.push((line, record.iter().collect::<Vec<_>>().join(",")));
    }
    match from_csv(line, columns, record, &mut into.names) {
        Ok(event) => into.events.push(event),
        Err(reject) => into.bad.push((line, reject)),
    }
    Ok(true)
}

fn from_csv(
    line: u64,
    columns: &[usize],
    record: &csv::StringRecord,
    names: &mut Names,
) -> std::result::Result<Incoming, Reject> {
    if record.len() != columns.len() {
        let what = format!("{} values in {} columns", record.len(), columns.len());
        return Err(Reject::BadJson { what });
    }
    let field = |name: &str| {
        let place = columns.iter().position(|place| COLUMNS[*place] == name)?;
        record.get(place).map(str::trim).filter(|value| !value.is_empty())
    };
    let properties = match field("properties") {
        None => None,
        Some(text) => usage_properties(text)?,
    };
    Ok(Incoming {
        line,
        of: subscriber(field("subscription"), field("tenant"))?,
        id: checked("id", field("id").unwrap_or_default())?.into(),
        meter: names.of(checked("meter", field("meter").unwrap_or_default())?),
        at_us: moment(field("at").unwrap_or_default())?,
        value: field("value").unwrap_or(DEFAULT_VALUE).into(),
        properties: properties.map(String::into_boxed_str),
    })
}

/// Takes the events of a file; each line that is not taken is handed to `reject`, `progress` is told now
/// and then how many bytes were read.
///
/// # Errors
/// The file cannot be read, or of an atomic import some lines are not taken: then none is.
pub fn import_usage<R: Read>(
    store: &mut Store,
    (act, config): (&Act, &Config),
    mut file: UsageFile<R>,
    batches: Batches,
    mut reject: impl FnMut(Rejected) -> Result<()>,
    mut progress: impl FnMut(u64),
) -> Result<ImportedUsage> {
    let mut import =
        Importing { act, config, known: KnownUsage::default(), done: ImportedUsage::default() };
    match batches {
        Batches::Kept => loop {
            let read = file.read()?;
            if read.lines == 0 {
                return Ok(import.done);
            }
            let bad = store.write(|db| import.take(db, &read))?;
            import.name(bad, &read.texts, &mut reject)?;
            progress(file.bytes);
        },
        Batches::Atomic => store.write(|db| {
            loop {
                let read = file.read()?;
                if read.lines == 0 {
                    break;
                }
                let bad = import.take(db, &read)?;
                import.name(bad, &read.texts, &mut reject)?;
                progress(file.bytes);
            }
            match import.done.rejected {
                0 => Ok(std::mem::take(&mut import.done)),
                rejected => {
                    let lines = import.done.lines;
                    Err(Refusal::UsageRejected { lines, rejected })
                }
            }
        }),
    }
}

struct Importing<'a> {
    act: &'a Act,
    config: &'a Config,
    known: KnownUsage,
    done: ImportedUsage,
}

impl Importing<'_> {
    /// Takes what was read, and returns which lines are not taken.
    fn take(&mut self, db: &Db, read: &ReadLines) -> Result<Vec<(u64, Reject)>> {
        let book = Book::new(db, self.act, self.config);
        let mut taken = TakenUsage::default();
        book.take_usage(&mut self.known, &read.events, &mut taken)?;
        if taken.accepted > 0 {
            let (accepted, duplicates) = (taken.accepted, taken.duplicates);
            let event = UsageEvent::Imported { accepted, duplicates };
            book.record(About::NOBODY, event, None)?;
        }
        let mut bad = read.bad.clone();
        bad.append(&mut taken.rejected);
        bad.sort_by_key(|(line, _)| *line);
        self.done.lines += read.lines;
        self.done.rejected += bad.len() as u64;
        self.done.taken.accepted += taken.accepted;
        self.done.taken.duplicates += taken.duplicates;
        for (meter, count) in taken.by_meter {
            *self.done.taken.by_meter.entry(meter).or_insert(0) += count;
        }
        Ok(bad)
    }

    fn name(
        &self,
        bad: Vec<(u64, Reject)>,
        texts: &[(u64, String)],
        reject: &mut impl FnMut(Rejected) -> Result<()>,
    ) -> Result<()> {
        for (line, why) in &bad {
            let at = texts.binary_search_by_key(line, |(at, _)| *at).ok();
            let text = at.map_or("", |at| texts[at].1.as_str());
            reject(Rejected { line: *line, why, text })?;
        }
        Ok(())
    }
}
