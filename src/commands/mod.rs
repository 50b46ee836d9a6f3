//! The words of the command line, one file a noun: each asks for what is missing, calls what does
//! the work, and says what came of it. Nothing is computed here.

pub mod api_key;
pub mod asked;
mod basis;
pub mod coupon;
pub mod credit;
pub mod credit_note;

pub mod db;
pub mod demo;
mod document;
pub mod email;
pub mod event;
pub mod examples;
pub mod export;
pub mod hook;
pub mod import;
pub mod init;
pub mod invoice;
pub mod manual;
pub mod metadata;
pub mod meter;
pub mod once;
pub mod payment;
pub mod payment_method;
pub mod pending_item;
pub mod plan;
pub mod portal;
pub mod prompt;
pub mod report;
pub mod shell;
pub mod subscription;
pub mod tasks;
pub mod tenant;
pub mod transaction;
pub mod usage;

use std::io::IsTerminal;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDate;
use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::books::Book;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::document::DocumentForm;
use crate::domain::email::Locale;
use crate::domain::invoice::Invoice;
use crate::domain::refusal::Why;
use crate::domain::{self, Act, Currency, Money, Refusal, Words, act, calendar, wording};
use crate::failure::Unprintable;
pub use crate::store::Changes;
use crate::store::{Access, Store};
use crate::tasks::deliver_events;
use crate::view::{Printer, explain};

/// How much is said on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    Quiet,
    Normal,
    Verbose,
}

impl Verbosity {
    /// Says something beside the result, on standard error, unless that was to be quiet.
    pub fn note(self, text: &str) {
        if self >= Verbosity::Normal {
            say(text);
        }
    }
}

/// What every command is given: the configuration, the moment, the file, and where to print.
#[derive(Debug)]
pub struct Context {
    pub config: Config,
    pub clock: Clock,
    /// The database to be opened.
    pub db: PathBuf,
    /// The database and config as the command line or environment named them.
    pub db_named: Option<PathBuf>,
    pub config_named: Option<PathBuf>,
    pub as_of: Option<String>,
    /// The command and what it was given, whatever the order: what tells two of them apart.
    pub typed: String,
    pub printer: Printer,
    /// Whether anything was changed yet.
    pub changes: Changes,
    pub verbosity: Verbosity,
    pub yes: bool,
    /// Who acts, where that is not the person at the command line, who alone can be asked.
    pub actor: Option<String>,
    /// How long another command's transaction is waited for; `None`: as long as a person waits.
    pub patience: Option<Duration>,
}

impl Context {
    /// Opens the database to read.
    pub fn reader(&self) -> anyhow::Result<Store> {
        self.debug(&format!("reading {}", self.db.display()));
        self.opened(Access::Read)
    }

    fn opened(&self, access: Access) -> anyhow::Result<Store> {
        let store = Store::open(&self.db, access)?.in_zone(self.config.timezone);
        if let Some(patience) = self.patience {
            store.wait_at_most(patience)?;
        }
        Ok(store)
    }

    /// Opens the database to write, by a clock that has not jumped.
    pub fn writer(&self) -> anyhow::Result<Store> {
        let mut store = self.counter()?;
        if self.clock.given {
            deliver_events::register(&mut store, &self.config, self.clock.machine_now())?;
            return Ok(store.noting(&self.changes));
        }
        if let Some(last) = store.read(|db| db.system_at())?.filter(|_| !self.yes) {
            self.clock.check_jump(&last)?;
        }
        deliver_events::register(&mut store, &self.config, self.clock.machine_now())?;
        Ok(store.noting(&self.changes).by_system_clock(act::instant(self.clock.now)))
    }

    /// Opens the database for what reads, and writes no more than that it did.
    pub fn counter(&self) -> anyhow::Result<Store> {
        self.debug(&format!("writing {}", self.db.display()));
        self.opened(Access::Write)
    }

    /// Works on the books in one transaction.
    fn write<T>(
        &self,
        store: &mut Store,
        work: impl FnOnce(&Book) -> domain::Result<T>,
    ) -> domain::Result<T> {
        let act = self.act();
        store.write(|db| work(&Book::new(db, &act, &self.config)))
    }

    /// Reads the books in one snapshot.
    fn read<T>(
        &self,
        store: &mut Store,
        work: impl FnOnce(&Book) -> domain::Result<T>,
    ) -> domain::Result<T> {
        let act = self.act();
        store.read(|db| work(&Book::new(db, &act, &self.config)))
    }

    /// The person at the command line acts now, or whoever asks in its place.
    pub fn act(&self) -> Act {
        if let Some(actor) = &self.actor {
            return self.clock.act(actor.clone());
        }
        let name = ["LOGNAME", "USER"].into_iter().find_map(|name| std::env::var(name).ok());
        let name = name.filter(|n| !n.is_empty() && !n.contains(|c: char| c.is_control()));
        let name = name.unwrap_or_else(|| rustix::process::getuid().as_raw().to_string());
        self.clock.act(format!("operator:{name}"))
    }

    /// Says something beside the result, on standard error.
    fn note(&self, text: &str) {
        self.verbosity.note(text);
    }

    /// Says what had begun and was billed before a change.
    fn note_begun(&self, invoices: &[Invoice]) {
        for invoice in invoices {
            let period = explain::period(invoice.period).unwrap_or_default();
            self.note(&format!("note: {period} had begun, {} bills it", invoice.number));
        }
    }

    /// Says what only someone who looks closely wants to know.
    fn debug(&self, text: &str) {
        if self.verbosity >= Verbosity::Verbose {
            say(text);
        }
    }

    /// Whether a person sits at the command line and can be asked.
    fn can_ask(&self) -> bool {
        self.actor.is_none() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }
}

/// A line on standard error; where that is closed, there is nobody to tell.
fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{}", crate::domain::text::printable(text));
}

/// A result that could not be printed, inside a transaction.
fn out_failed(error: std::io::Error) -> Refusal {
    let reader_gone = error.kind() == std::io::ErrorKind::BrokenPipe;
    Unprintable { message: error.to_string(), reader_gone }.into()
}

/// A new folder among the temporary ones, for its owner alone.
fn scratch_folder(name: &str) -> Result<PathBuf, Refusal> {
    let path = std::env::temp_dir().join(format!("{name}-{}", uuid::Uuid::new_v4().simple()));
    let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
    made.map_err(|e| Refusal::file(&path, "make", &e))?;
    Ok(path)
}

/// An amount of a flag, in a currency that is known only once the tenant is, as people write it in
/// `locale`. Nothing is an amount too.
fn amount_or_nothing(
    field: &'static str,
    text: &str,
    currency: Currency,
    locale: Locale,
) -> Result<Money, Refusal> {
    let plain = wording::plain_number(text, locale);
    Money::parse(&plain, currency).map_err(|why| Refusal::bad(field, text, why))
}

/// The same of an amount that is something.
fn amount(
    field: &'static str,
    text: &str,
    currency: Currency,
    locale: Locale,
) -> Result<Money, Refusal> {
    let amount = amount_or_nothing(field, text, currency, locale)?;
    if amount.is_zero() {
        return Err(Refusal::bad(field, text, Why::Zero));
    }
    Ok(amount)
}

/// Reads a date of a flag.
fn date_arg(text: &str) -> Result<NaiveDate, String> {
    calendar::parse_date(text).map_err(|_| "not a date such as 2026-03-01".to_owned())
}

/// Reads a currency of a flag.
fn currency_arg(text: &str) -> Result<Currency, String> {
    Currency::typed(text).map_err(|why| why.to_string())
}

/// Reads one of a few words, which help and completions name; one with `_` may be typed with `-`.
fn words<T: Words>() -> impl TypedValueParser<Value = T> {
    let values = T::all().into_iter().map(|word| {
        PossibleValue::new(word).aliases(word.contains('_').then(|| word.replace('_', "-")))
    });
    let parse = |word: String| word.parse().or_else(|_| word.replace('-', "_").parse::<T>());
    PossibleValuesParser::new(values).try_map(parse)
}

/// `--format`: how a result is printed, or in which form it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    Table,
    Json,
    Csv,
    /// Of a journal alone, as [`export`] says.
    #[value(skip)]
    Hledger,
    #[value(skip)]
    Fec,
    /// Of documents alone.
    #[value(skip)]
    Pdf,
    #[value(skip)]
    Facturx,
    #[value(skip)]
    Cii,
    #[value(skip)]
    Ubl,
    /// Of a file of usage alone, which is read.
    #[value(skip)]
    UsageJsonl,
    #[value(skip)]
    UsageCsv,
}

impl FormatArg {
    /// The form of a document that it names.
    fn document_form(self) -> DocumentForm {
        match self {
            FormatArg::Facturx => DocumentForm::Facturx,
            FormatArg::Cii => DocumentForm::Cii,
            FormatArg::Ubl => DocumentForm::Ubl,
            _ => DocumentForm::Pdf,
        }
    }
}

/// `--limit` of every list.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Limit {
    /// The newest N alone
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
}
