//! `billing export documents`.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};

use crate::books::Book;
use crate::books::document::{Paper, Press, Printed};
use crate::commands::{Context, FormatArg, date_arg, document};
use crate::domain::document::{DocumentForm, DocumentOf};
use crate::domain::{Refusal, Result};
use crate::failure::{Failure, exit};
use crate::reports::check_order;
use crate::store::files::{Owner, Part, make_folder, open_to_read};
use crate::store::{Days, Store};
use crate::view::{Format, csv_line};

/// So many documents are made in a transaction: the lock is held for so long, and their bytes are in
/// memory together.
const PAGE: usize = 32;

/// The list of what is in the folder.
const MANIFEST: &str = "manifest.csv";

const HEAD: [&str; 4] = ["number", "type", "sha256", "file"];

#[derive(Debug, Args)]
pub struct Documents {
    /// Of what was issued on that day or later
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    since: Option<NaiveDate>,
    /// … and on that day or before; today where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    until: Option<NaiveDate>,
    /// The folder; what is there already is left
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// In which form; as the e-mails carry them where it is not given
    #[arg(id = "format", long = "format", value_name = "FORMAT", value_parser = forms())]
    form: Option<FormatArg>,
}

fn forms() -> impl TypedValueParser<Value = FormatArg> {
    PossibleValuesParser::new(["pdf", "facturx", "cii", "ubl"]).map(|word| match word.as_str() {
        "facturx" => FormatArg::Facturx,
        "cii" => FormatArg::Cii,
        "ubl" => FormatArg::Ubl,
        _ => FormatArg::Pdf,
    })
}

/// What came of it.
#[derive(Debug, Default)]
struct Exported {
    written: u64,
    left: u64,
    errors: Vec<Value>,
}

/// Writes the documents of what was issued in a span of days into a folder.
///
/// # Errors
/// Days in the wrong order, or a folder that cannot be written.
pub(super) fn run(ctx: &mut Context, args: &Documents) -> anyhow::Result<u8> {
    let today = ctx.clock.today();
    let until = args.until.unwrap_or_else(|| args.since.map_or(today, |since| since.max(today)));
    let days = Days { since: args.since, until };
    if let Some(since) = days.since {
        check_order(since, days.until)?;
    }
    let press = Press::new(&ctx.config);
    let form = args.form.map(FormatArg::document_form);
    let mut store = ctx.writer()?;
    let mut folder = Folder::open(&args.out, Owner::of(&ctx.db))?;
    let mut exported = Exported::default();
    let mut after = None;
    loop {
        let page = store.read(|db| db.issued_documents(days, after, PAGE))?;
        let Some(last) = page.last() else { break };
        after = Some(*last);
        for (of, made) in page.iter().zip(make(ctx, &mut store, &page, form, &press)?) {
            folder.take(*of, made, &mut exported)?;
        }
    }
    folder.close()?;
    ctx.changes.made();
    tell(ctx, args, &exported)?;
    Ok(if exported.errors.is_empty() { exit::DONE } else { exit::PARTIAL })
}

type Made = std::result::Result<Option<Printed>, (String, Refusal)>;

/// The documents of a page, in one transaction. What cannot be made of one of them leaves the others.
fn make(
    ctx: &Context,
    store: &mut Store,
    page: &[DocumentOf],
    form: Option<DocumentForm>,
    press: &Press,
) -> Result<Vec<Made>> {
    ctx.write(store, |book| {
        let make = |of: &DocumentOf| match make_one(book, *of, form, press) {
            Err((_, fatal)) if !fatal.is_of_the_item() => Err(fatal),
            made => Ok(made),
        };
        page.iter().map(make).collect()
    })
}

/// `None` of a void invoice that never had a document.
fn make_one(book: &Book, of: DocumentOf, form: Option<DocumentForm>, press: &Press) -> Made {
    let unnamed = |refusal| (String::new(), refusal);
    let make = |paper: &Paper| {
        // Where no form is named, what the customers get.
        let made = match form {
            Some(form) => book.document(paper, form, press),
            None => book.pdf(paper, press).map(|(printed, _)| printed),
        };
        match made {
            Err(Refusal::VoidHasNoDocument { .. }) => Ok(None),
            made => made.map(Some).map_err(|refusal| (paper.number().to_owned(), refusal)),
        }
    };
    match of {
        DocumentOf::Invoice(id) => {
            let invoice = book.db.invoice_by_id(id).map_err(unnamed)?;
            make(&Paper::Invoice(&invoice))
        }
        DocumentOf::CreditNote(id) => {
            let note = book.db.credit_note_by_id(id).map_err(unnamed)?;
            let invoice = book.db.invoice_by_id(note.invoice_id).map_err(unnamed)?;
            make(&Paper::CreditNote(&note, &invoice))
        }
    }
}

fn tell(ctx: &mut Context, args: &Documents, exported: &Exported) -> anyhow::Result<()> {
    let Exported { written, left, errors } = exported;
    let out = args.out.display().to_string();
    if ctx.printer.format() != Format::Table {
        return Ok(ctx.printer.object(&json!({
            "written": written, "left": left, "folder": out, "errors": errors,
        }))?);
    }
    for error in errors {
        let [number, message] = ["number", "message"].map(|name| error[name].as_str());
        let (number, message) = (number.unwrap_or_default(), message.unwrap_or_default());
        match message.starts_with(number) {
            true => ctx.note(message),
            false => ctx.note(&format!("{number}: {message}")),
        }
    }
    let many = if *written == 1 { "document" } else { "documents" };
    Ok(ctx.printer.text(&format!("{written} {many}, {left} were there: {out}"))?)
}

/// The folder with its list. The list is written anew beside the old one, whose lines it takes over, so
/// that it is whole at any time.
struct Folder {
    path: PathBuf,
    owner: Option<Owner>,
    manifest: Part,
    /// What the list names already, by half of its SHA-256: a list of a million lines is not held whole.
    listed: HashSet<u128>,
}

impl Folder {
    fn open(path: &Path, owner: Option<Owner>) -> Result<Folder> {
        make_folder(path, owner)?;
        let list = path.join(MANIFEST);
        let mut manifest = Part::begin_over(&list)?;
        owner.into_iter().for_each(|owner| owner.take(manifest.path()));
        let mut listed = HashSet::new();
        let head = csv_line(&HEAD);
        manifest.write(&head)?;
        let failed = |error: std::io::Error| Refusal::file(&list, "read", &error);
        match open_to_read(&list) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
            Ok(file) => {
                for line in BufReader::new(file).lines().skip(1) {
                    let line = line.map_err(failed)? + "\n";
                    manifest.write(&line)?;
                    listed.extend(line.rsplit(',').nth(1).and_then(half));
                }
            }
        }
        Ok(Folder { path: path.to_owned(), owner, manifest, listed })
    }

    /// Puts a document into the folder, and its line into the list.
    fn take(&mut self, of: DocumentOf, made: Made, exported: &mut Exported) -> Result<()> {
        let printed = match made {
            Ok(Some(printed)) => printed,
            Ok(None) => return Ok(()),
            Err((number, refusal)) => {
                exported.errors.push(named(&number, &refusal));
                return Ok(());
            }
        };
        let name = printed.kept.file_name();
        let path = self.path.join(&name);
        let is_there = path.exists();
        if let Err(refusal) = document::put(&path, &printed.bytes, self.owner) {
            // Another file has its name: it is left, and told.
            if !matches!(refusal, Refusal::WouldOverwrite { .. }) {
                return Err(refusal);
            }
            exported.errors.push(named(&printed.kept.number, &refusal));
            return Ok(());
        }
        match is_there {
            true => exported.left += 1,
            false => exported.written += 1,
        }
        let kind = match of {
            DocumentOf::Invoice(_) => "invoice",
            DocumentOf::CreditNote(_) => "credit_note",
        };
        let hash = printed.kept.hash();
        // A line whose hash another hand has changed is not known, and is written again.
        if half(&hash).is_none_or(|half| self.listed.insert(half)) {
            self.manifest.write(&csv_line(&[&printed.kept.number, kind, &hash, &name]))?;
        }
        Ok(())
    }

    fn close(self) -> Result<()> {
        self.manifest.publish_over()
    }
}

/// The first half of a SHA-256 in hexadecimal digits.
fn half(hash: &str) -> Option<u128> {
    u128::from_str_radix(hash.get(..32)?, 16).ok()
}

fn named(number: &str, refusal: &Refusal) -> Value {
    let failure = Failure::from(refusal);
    json!({ "number": number, "code": failure.code, "message": failure.message })
}
