//! `billing export`: the words for what leaves this program for another.

mod documents;

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{Context, FormatArg, date_arg, out_failed, words};
use crate::domain::accounting::{self, Chart};
use crate::domain::email::Locale;
use crate::domain::{self, Currency, Refusal};
use crate::failure::exit;
use crate::reports::check_order;
use crate::store::files::{Owner, Part};
use crate::store::{Days, Db};
use crate::view::journal::{Csv, Fec, Form, Hledger};
use crate::view::{Format, Printer};

/// `billing export …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The ledger, entry by entry, for whoever keeps the books
    Journal(Journal),
    /// The documents of what was issued, with a list of them
    Documents(documents::Documents),
}

#[derive(Debug, Args)]
pub struct Journal {
    /// The first day; the first that was booked where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    since: Option<NaiveDate>,
    /// The last day, all of it; today where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    until: Option<NaiveDate>,
    /// In which form: a journal of hledger, the French FEC (euros alone), or a line a posting
    #[arg(id = "format", long = "format", value_name = "FORM", required = true, value_parser = forms())]
    form: FormatArg,
    /// A new file, or - for standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Only these journals, such as sales,bank; all of them where none is named, of a FEC the sales
    #[arg(
        long,
        value_name = "JOURNAL,…",
        value_delimiter = ',',
        value_parser = words::<accounting::Journal>(),
    )]
    journals: Vec<accounting::Journal>,
}

/// The words of the forms of a journal.
fn forms() -> impl TypedValueParser<Value = FormatArg> {
    PossibleValuesParser::new(["hledger", "fec", "csv"]).map(|word| match word.as_str() {
        "hledger" => FormatArg::Hledger,
        "fec" => FormatArg::Fec,
        _ => FormatArg::Csv,
    })
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Journal(args) => journal(ctx, &args),
        Command::Documents(args) => documents::run(ctx, &args),
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, Default)]
struct Written {
    entries: u64,
    postings: u64,
}

fn journal(ctx: &mut Context, args: &Journal) -> anyhow::Result<u8> {
    let days = Days { since: args.since, until: args.until.unwrap_or_else(|| ctx.clock.today()) };
    if let Some(since) = days.since {
        check_order(since, days.until)?;
    }
    let file = Some(args.out.as_path()).filter(|path| *path != Path::new("-"));
    let chart = ctx.config.chart();
    let mut form = form(args.form, &chart, ctx.config.locale);
    let journals = match (args.journals.as_slice(), args.form) {
        ([], FormatArg::Fec) => &[accounting::Journal::Sales],
        ([], _) => accounting::Journal::ALL,
        (named, _) => named,
    };
    let mut store = ctx.reader()?;
    let (printer, owner) = (&mut ctx.printer, Owner::of(&ctx.db));
    let written = store.read(|db| {
        if args.form == FormatArg::Fec {
            check_currency(db, days)?;
        }
        let mut sink = Sink::open(file, printer)?;
        let written = write(db, days, journals, form.as_mut(), &mut sink)?;
        sink.close(owner)?;
        Ok(written)
    })?;
    if written.entries == 0 {
        let since = days.since.map(|day| format!("from {day} ")).unwrap_or_default();
        ctx.note(&format!("note: there is nothing to export {since}to {}", days.until));
    }
    if let Some(file) = file {
        ctx.changes.made();
        tell(ctx, written, file)?;
    }
    Ok(exit::DONE)
}

fn form(form: FormatArg, chart: &Chart, locale: Locale) -> Box<dyn Form + '_> {
    match form {
        FormatArg::Hledger => Box::new(Hledger::new(chart, locale)),
        FormatArg::Fec => Box::new(Fec::new(chart)),
        _ => Box::new(Csv::new(chart)),
    }
}

/// Says what was written into a file.
fn tell(ctx: &mut Context, written: Written, file: &Path) -> std::io::Result<()> {
    let Written { entries, postings } = written;
    let file = file.display();
    match ctx.printer.format() {
        Format::Json => ctx.printer.object(&json!({
            "entries": entries, "postings": postings, "file": file.to_string(),
        })),
        _ => {
            let many = if entries == 1 { "entry" } else { "entries" };
            ctx.printer.text(&format!("{entries} {many}, {postings} postings: {file}"))
        }
    }
}

/// Refuses what is not in euros.
fn check_currency(db: &Db, days: Days) -> domain::Result<()> {
    match db.foreign_booking(days, Currency::EUR)? {
        None => Ok(()),
        Some(found) => Err(Refusal::CurrencyNeedsRate {
            currency: found.currency,
            needs: Currency::EUR,
            booked_on: found.booked_on,
            invoice: found.invoice,
        }),
    }
}

fn write(
    db: &Db,
    days: Days,
    journals: &[accounting::Journal],
    form: &mut dyn Form,
    sink: &mut Sink,
) -> domain::Result<Written> {
    /// So much is written at a time.
    const CHUNK: usize = 1 << 16;
    let (mut text, mut written) = (String::new(), Written::default());
    form.head(&mut text);
    db.each_booking(days, |booking| {
        if !journals.contains(&accounting::Journal::of(&booking.entry)) {
            return Ok(());
        }
        let postings = form.entry(booking, &mut text);
        written.entries += u64::from(postings > 0);
        written.postings += postings;
        if text.len() >= CHUNK {
            sink.write(&text)?;
            text.clear();
        }
        Ok(())
    })?;
    sink.write(&text)?;
    Ok(written)
}

/// Where an export goes.
enum Sink<'p> {
    File(Part),
    Out(&'p mut Printer),
}

impl<'p> Sink<'p> {
    fn open(file: Option<&Path>, printer: &'p mut Printer) -> domain::Result<Sink<'p>> {
        match file {
            Some(path) => Ok(Sink::File(Part::begin(path)?)),
            None => Ok(Sink::Out(printer)),
        }
    }

    fn write(&mut self, text: &str) -> domain::Result<()> {
        match self {
            Sink::File(part) => part.write(text),
            Sink::Out(printer) => printer.text(text).map_err(out_failed),
        }
    }

    /// Gives a file its name, and to whom the database belongs.
    fn close(self, owner: Option<Owner>) -> domain::Result<()> {
        match self {
            Sink::File(part) => {
                owner.into_iter().for_each(|owner| owner.take(part.path()));
                part.publish()
            }
            Sink::Out(_) => Ok(()),
        }
    }
}
