//! The words for the documents of invoices and credit notes: `pdf`, `xml` and `check` of both nouns.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{Context, words};
use crate::books::Book;
use crate::books::document::{Paper, Press, Printed};
use crate::documents::einvoice::Syntax;
use crate::domain::document::DocumentForm;
use crate::domain::{Refusal, Result};
use crate::failure::{self, exit};
use crate::store::files::{Owner, Part, read_file};
use crate::store::{Db, KeptDocument};
use crate::view::{Align, Column, Format};

/// Which noun's document it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Noun {
    Invoice,
    CreditNote,
}

#[derive(Debug, Args)]
pub struct Pdf {
    /// The number
    number: String,
    /// A new file, or - for standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// With the e-invoice inside, whatever [documents] attach says
    #[arg(long)]
    facturx: bool,
}

#[derive(Debug, Args)]
pub struct Xml {
    /// The number
    number: String,
    /// In which of the two syntaxes of EN 16931
    #[arg(long, value_name = "SYNTAX", default_value = "cii", value_parser = words::<Syntax>())]
    syntax: Syntax,
    /// A new file, or - for standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Check {
    /// The number
    number: String,
}

const LACKS: &[Column] = &[
    ("term", "Term", Align::Left, 2),
    ("message", "Lacks", Align::Left, 0),
    ("hint", "How to mend it", Align::Left, 0),
];

const LACK_FIELDS: &[&str] = &["number", "term", "code", "message", "hint"];

/// Hands the invoice or credit note of that number to `work`.
fn with_paper<T>(
    db: &Db,
    noun: Noun,
    number: &str,
    work: impl FnOnce(&Paper) -> Result<T>,
) -> Result<T> {
    match noun {
        Noun::Invoice => work(&Paper::Invoice(&db.invoice(number)?)),
        Noun::CreditNote => {
            let note = db.credit_note(number)?;
            work(&Paper::CreditNote(&note, &db.invoice_by_id(note.invoice_id)?))
        }
    }
}

pub(super) fn pdf(ctx: &mut Context, noun: Noun, args: &Pdf) -> anyhow::Result<()> {
    if args.out == Path::new("-") && std::io::stdout().is_terminal() {
        return Err(Refusal::PdfToTerminal { number: args.number.clone() }.into());
    }
    let (made, facturx) = (&args.number, DocumentForm::Facturx);
    let kept = read(ctx, noun, made, |book, paper| match args.facturx {
        true => book.kept(paper, facturx),
        false => book.first_pdf(paper),
    })?;
    if let Some(printed) = kept {
        return hand_out(ctx, printed, &args.out);
    }
    let (printed, without) = make(ctx, noun, made, |book, paper, press| match args.facturx {
        true => Ok((book.document(paper, facturx, press)?, None)),
        false => book.pdf(paper, press),
    })?;
    if let Some(refusal) = without {
        let why = failure::Failure::from(&refusal).message;
        ctx.note(&format!("note: no e-invoice is inside: {why}"));
    }
    hand_out(ctx, printed, &args.out)
}

pub(super) fn xml(ctx: &mut Context, noun: Noun, args: &Xml) -> anyhow::Result<()> {
    let (number, form) = (&args.number, form_of(args.syntax));
    let printed = match read(ctx, noun, number, |book, paper| book.kept(paper, form))? {
        Some(printed) => printed,
        None => make(ctx, noun, number, |book, paper, press| book.document(paper, form, press))?,
    };
    hand_out(ctx, printed, &args.out)
}

/// Looks at what was made: an auditor's copy may be one that nobody can write.
fn read<T>(
    ctx: &mut Context,
    noun: Noun,
    number: &str,
    work: impl FnOnce(&Book, &Paper) -> Result<T>,
) -> anyhow::Result<T> {
    let mut store = ctx.reader()?;
    Ok(ctx.read(&mut store, |book| with_paper(book.db, noun, number, |paper| work(book, paper)))?)
}

fn form_of(syntax: Syntax) -> DocumentForm {
    match syntax {
        Syntax::Cii => DocumentForm::Cii,
        Syntax::Ubl => DocumentForm::Ubl,
    }
}

/// Makes the document where it was not made yet.
fn make<T>(
    ctx: &mut Context,
    noun: Noun,
    number: &str,
    work: impl FnOnce(&Book, &Paper, &Press) -> Result<T>,
) -> anyhow::Result<T> {
    let press = Press::new(&ctx.config);
    let mut store = ctx.writer()?;
    Ok(ctx.write(&mut store, |book| {
        with_paper(book.db, noun, number, |paper| work(book, paper, &press))
    })?)
}

fn hand_out(ctx: &mut Context, printed: Printed, out: &Path) -> anyhow::Result<()> {
    if out == Path::new("-") {
        return Ok(ctx.printer.bytes(&printed.bytes)?);
    }
    put(out, &printed.bytes, Owner::of(&ctx.db))?;
    tell(ctx, &printed.kept, out)
}

/// Writes a document into a file; the same document there already is left.
///
/// # Errors
/// Another file is there, or there is no room or permission.
pub(super) fn put(path: &Path, bytes: &[u8], owner: Option<Owner>) -> Result<()> {
    if read_file(path).is_some_and(|there| there == bytes) {
        return Ok(());
    }
    let mut part = Part::begin(path)?;
    part.write_bytes(bytes)?;
    owner.into_iter().for_each(|owner| owner.take(part.path()));
    part.publish()
}

fn tell(ctx: &mut Context, kept: &KeptDocument, file: &Path) -> anyhow::Result<()> {
    let file = file.display().to_string();
    match ctx.printer.format() {
        Format::Table => ctx.printer.text(&file)?,
        _ => ctx.printer.object(&json!({
            "number": kept.number,
            "form": kept.form.word(),
            "file": file,
            "size": kept.size,
            "sha256": kept.hash(),
        }))?,
    }
    Ok(())
}

pub(super) fn check(ctx: &mut Context, noun: Noun, args: &Check) -> anyhow::Result<u8> {
    let (lacks, slug) = read(ctx, noun, &args.number, |book, paper| {
        Ok((book.lacks(paper)?, book.db.tenant_by_id(paper.tenant())?.slug))
    })?;
    let valid = lacks.is_empty();
    let lacks: Vec<Value> = lacks
        .iter()
        .map(|lack| {
            json!({
                "number": args.number,
                "term": lack.term(),
                "code": lack.code(),
                "message": failure::einvoice::message(lack),
                "hint": failure::einvoice::hint(lack, &slug),
            })
        })
        .collect();
    match ctx.printer.format() {
        Format::Json => ctx.printer.document(&json!({
            "number": args.number, "valid": valid, "lacks": lacks,
        }))?,
        Format::Table if valid => {
            ctx.printer.text(&format!("{}: an e-invoice lacks nothing", args.number))?;
        }
        _ => {
            let mut list = ctx.printer.list(LACK_FIELDS, LACKS);
            lacks.into_iter().try_for_each(|lack| list.row(lack))?;
            list.end()?;
        }
    }
    Ok(if valid { exit::DONE } else { exit::REFUSED })
}
