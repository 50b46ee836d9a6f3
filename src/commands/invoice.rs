//! `billing invoice`: the words for invoices. Their rules are in `domain::invoice` and
//! `domain::dunning`, their rows in `store`, their verbs in `books`.

mod create;
mod explain;
mod overdue;
mod pay;
mod preview;
mod send;
mod void;

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::document::{self, Check, Noun, Pdf, Xml};
use super::tasks::end_checkouts;
use super::{Context, Limit, date_arg, prompt, words};
use crate::books::Book;
use crate::domain::invoice::{Invoice, InvoiceStatus};
use crate::domain::{Result, text};
use crate::failure::exit;
use crate::show;
use crate::store::{InvoiceFilter, Store};
use crate::view::objects;
use create::Create;
use overdue::Overdue;
use pay::Pay;
use preview::Previewed;
use void::Void;

/// `billing invoice …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Issue an invoice
    Create(Create),
    /// Show the next invoice of a subscription as it stands today; nothing is written
    Preview(Previewed),
    /// List invoices
    List(List),
    /// Show an invoice
    Show(Named),
    /// Record a payment
    Pay(Pay),
    /// Charge the default payment method now
    Charge(Named),
    /// Make a page of the gateway's on which the customer pays it, and show its address
    Checkout(PayPage),
    /// Void an invoice that should never have been issued
    Void(Void),
    /// Give an invoice up; it may still be paid later
    WriteOff(Closing),
    /// Its PDF: made once, the same bytes for ever
    Pdf(Pdf),
    /// Its e-invoice (EN 16931)
    Xml(Xml),
    /// What an e-invoice of it lacks, and where to set it
    Check(Check),
    /// Send it by e-mail, also where it was imported
    Send(send::Send),
    /// Record until when the customer promised to pay; dunning rests until then
    Promise(Promise),
    /// Record that the customer disputes an invoice, or (--resolve) that the dispute is settled
    Dispute(Dispute),
    /// The overdue list: what is owed, the stage reached, the next step and its date
    Overdue(Overdue),
    /// Say what was done about an invoice, what today's decision is and why, and what comes next
    Explain(Named),
}

/// An invoice's number.
#[derive(Debug, Args)]
pub struct Named {
    /// The invoice's number
    number: String,
}

#[derive(Debug, Args)]
pub struct PayPage {
    /// The invoice's number
    number: String,
    /// Where the gateway sends the customer afterwards, paid or not
    #[arg(long, value_name = "URL")]
    return_url: String,
    /// What the customer was shown as due; refused where another amount is due by now
    #[arg(long, allow_negative_numbers = true)]
    amount: Option<String>,
}

#[derive(Debug, Args)]
pub struct List {
    /// Only those of this status
    #[arg(long, value_parser = words::<InvoiceStatus>())]
    status: Option<InvoiceStatus>,
    /// Only those of this customer
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    /// Only those that are open and past their due date
    #[arg(long)]
    overdue: bool,
    /// Only those issued on that day or later
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    since: Option<NaiveDate>,
    /// Only those issued on that day or before
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    until: Option<NaiveDate>,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Debug, Args)]
pub struct Closing {
    /// The invoice's number
    number: String,
    /// Why, for whoever asks later
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub struct Promise {
    /// The invoice's number
    number: String,
    /// The day by which the customer promised to pay
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    until: NaiveDate,
    /// Who promised it, and how
    #[arg(long)]
    note: Option<String>,
}

#[derive(Debug, Args)]
pub struct Dispute {
    /// The invoice's number
    number: String,
    /// What the customer says, or how it was settled
    #[arg(long)]
    note: Option<String>,
    /// The dispute is settled: the invoice is chased again
    #[arg(long)]
    resolve: bool,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Create(args) => create::create(ctx, args)?,
        Command::Preview(args) => preview::preview(ctx, &args)?,
        Command::List(args) => list(ctx, args)?,
        Command::Show(args) => show(ctx, &mut ctx.reader()?, &args.number)?,
        Command::Pdf(args) => document::pdf(ctx, Noun::Invoice, &args)?,
        Command::Xml(args) => document::xml(ctx, Noun::Invoice, &args)?,
        Command::Check(args) => return document::check(ctx, Noun::Invoice, &args),
        Command::Send(args) => send::send(ctx, &args)?,
        Command::Pay(args) => pay::pay(ctx, args)?,
        Command::Charge(args) => return pay::charge(ctx, &args.number),
        Command::Checkout(args) => return pay::checkout(ctx, &args),
        Command::Void(args) => void::void(ctx, &args)?,
        Command::WriteOff(args) => {
            let reason = text::line("reason", &args.reason, 500)?;
            prompt::ask(ctx, &format!("{} is given up, and chased no more", args.number))?;
            settle(ctx, &args.number, |book, invoice| book.write_off(invoice, &reason))?;
        }
        Command::Promise(args) => {
            let note = note(args.note.as_deref())?;
            change(ctx, &args.number, |book, invoice| {
                book.promise(invoice, args.until, note.as_deref())
            })?;
        }
        Command::Dispute(args) => {
            let note = note(args.note.as_deref())?;
            change(ctx, &args.number, |book, invoice| match args.resolve {
                true => {
                    book.resolve_dispute(invoice, note.as_deref())?;
                    // It may be paid by credit again.
                    book.settle_from_credit(invoice.tenant_id)
                }
                false => book.dispute(invoice, note.as_deref()),
            })?;
        }
        Command::Overdue(args) => overdue::overdue(ctx, &args)?,
        Command::Explain(args) => explain::explain(ctx, &args.number)?,
    }
    Ok(exit::DONE)
}

fn note(text: Option<&str>) -> Result<Option<String>> {
    text.map(|text| text::line("note", text, 500)).transpose()
}

/// Changes an invoice in one transaction, and shows it.
fn change(
    ctx: &mut Context,
    number: &str,
    work: impl FnOnce(&Book, &Invoice) -> Result<()>,
) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    ctx.write(&mut store, |book| work(book, &book.db.invoice(number)?))?;
    show(ctx, &mut store, number)
}

/// Changes what is due on an invoice, and shows it. Nobody goes on to pay what was due before.
fn settle(
    ctx: &mut Context,
    number: &str,
    work: impl FnOnce(&Book, &Invoice) -> Result<()>,
) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    end_checkouts(ctx, &mut store, number)?;
    ctx.write(&mut store, |book| work(book, &book.db.invoice(number)?))?;
    show(ctx, &mut store, number)
}

/// Shows an invoice, and what of the customer's credit pays it.
pub(super) fn show(ctx: &mut Context, store: &mut Store, number: &str) -> anyhow::Result<()> {
    let today = ctx.clock.today();
    let object = store.read(|db| show::invoice(db, &db.invoice(number)?, today))?;
    Ok(ctx.printer.object(&object)?)
}

fn list(ctx: &mut Context, args: List) -> anyhow::Result<()> {
    let today = ctx.clock.today();
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list(objects::INVOICE_FIELDS, objects::INVOICES);
    store.read(|db| {
        let tenant = args.tenant.as_deref().map(|slug| db.tenant(slug)).transpose()?;
        let filter = InvoiceFilter {
            status: args.status,
            tenant: tenant.map(|t| t.id),
            overdue_before: args.overdue.then_some(today),
            issued_since: args.since,
            issued_until: args.until,
            limit: args.limit.limit,
        };
        db.each_invoice(&filter, |invoice| {
            list.row(objects::invoice(&invoice, today)).map_err(super::out_failed)
        })
    })?;
    Ok(list.end()?)
}
