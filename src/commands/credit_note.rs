//! `billing credit-note`: the words for taking back what was billed. Its rules are in
//! `domain/credit_note.rs`, its rows in `store/credit_notes.rs`, its verb in `books/credit_note.rs`.

mod create;

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::document::{self, Check, Noun, Pdf, Xml};
use super::{Context, Limit, date_arg};
use crate::failure::exit;
use crate::store::{CreditNoteFilter, Store};
use crate::view::objects;

/// `billing credit-note …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Credit an invoice: all of it, some of its lines, or an amount
    Create(create::Create),
    /// List credit notes
    List(List),
    /// Show a credit note, with its lines and where its total went
    Show(Named),
    /// Its PDF: made once, the same bytes for ever
    Pdf(Pdf),
    /// Its e-invoice (EN 16931)
    Xml(Xml),
    /// What an e-invoice of it lacks, and where to set it
    Check(Check),
}

#[derive(Debug, Args)]
pub struct Named {
    /// The credit note's number
    number: String,
}

#[derive(Debug, Args)]
pub struct List {
    /// Only those of this customer
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    /// Only those of this invoice
    #[arg(long, value_name = "NUMBER")]
    invoice: Option<String>,
    /// Only those issued on that day or later
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    since: Option<NaiveDate>,
    /// Only those issued on that day or before
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    until: Option<NaiveDate>,
    #[command(flatten)]
    limit: Limit,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Create(args) => return create::create(ctx, args),
        Command::List(args) => list(ctx, &args)?,
        Command::Pdf(args) => document::pdf(ctx, Noun::CreditNote, &args)?,
        Command::Xml(args) => document::xml(ctx, Noun::CreditNote, &args)?,
        Command::Check(args) => return document::check(ctx, Noun::CreditNote, &args),
        Command::Show(args) => show(ctx, &mut ctx.reader()?, &args.number)?,
    }
    Ok(exit::DONE)
}

fn show(ctx: &mut Context, store: &mut Store, number: &str) -> anyhow::Result<()> {
    let note = store.read(|db| db.credit_note(number))?;
    Ok(ctx.printer.object(&objects::credit_note(&note))?)
}

fn list(ctx: &mut Context, args: &List) -> anyhow::Result<()> {
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list(objects::CREDIT_NOTE_FIELDS, objects::CREDIT_NOTES);
    store.read(|db| {
        let tenant = args.tenant.as_deref().map(|slug| db.tenant(slug)).transpose()?;
        let invoice = args.invoice.as_deref().map(|number| db.invoice(number)).transpose()?;
        let filter = CreditNoteFilter {
            tenant: tenant.map(|tenant| tenant.id),
            invoice: invoice.map(|invoice| invoice.id),
            since: args.since,
            until: args.until,
            limit: args.limit.limit,
        };
        db.each_credit_note(&filter, |note| {
            list.row(objects::credit_note(&note)).map_err(super::out_failed)
        })
    })?;
    Ok(list.end()?)
}
