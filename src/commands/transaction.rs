//! `billing transaction`: the words for money that moved.

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::tasks::{charging, refunding};
use super::{Context, Limit, amount, date_arg, prompt, words};
use crate::books::{Book, Way};
use crate::domain::charge::Found;
use crate::domain::invoice::InvoiceStatus;
use crate::domain::transaction::{Transaction, TransactionKind, TransactionStatus};
use crate::domain::{TransactionId, act, text};
use crate::failure::exit;
use crate::show;
use crate::store::{Store, TransactionFilter};
use crate::tasks::charge::{self, Charged};
use crate::tasks::checkout;
use crate::tasks::refund::{self, Refunded};
use crate::view::objects;

/// `billing transaction …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List transactions
    List(List),
    /// Show a transaction
    Show(Named),
    /// Say what became of a charge or refund whose outcome is not known
    Resolve(Resolve),
    /// Give back what of a payment is credit that is not used
    Refund(Refund),
    /// Take a payment back: the money never came, or went back; the invoice is open again
    Reverse(Reverse),
}

#[derive(Debug, Args)]
pub struct Named {
    /// The transaction's id, such as txn_7
    id: TransactionId,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("found").required(true).args(["succeeded", "failed"]))]
pub struct Resolve {
    /// The transaction's id, such as txn_7
    id: TransactionId,
    /// The money moved: that of a charge came, that of a refund went back
    #[arg(long)]
    succeeded: bool,
    /// It did not move
    #[arg(long)]
    failed: bool,
    /// Where you found it out
    #[arg(long, value_name = "N")]
    note: String,
}

#[derive(Debug, Args)]
pub struct Refund {
    /// The id of the payment or charge, such as txn_7
    id: TransactionId,
    /// How much; all of it that is credit and not used where it is not given
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    amount: Option<String>,
    /// Why
    #[arg(long, value_name = "R")]
    reason: String,
    /// It was given back by hand: no gateway is asked
    #[arg(long)]
    outside: bool,
    /// What the bank calls the money that was given back by hand
    #[arg(long, value_name = "R", requires = "outside")]
    reference: Option<String>,
}

#[derive(Debug, Args)]
pub struct Reverse {
    /// The transaction's id, such as txn_7
    id: TransactionId,
    /// Why, such as a cheque that bounced
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub struct List {
    /// Only those of this status
    #[arg(long, value_parser = words::<TransactionStatus>())]
    status: Option<TransactionStatus>,
    /// Only those of this customer
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    /// Only those of this invoice
    #[arg(long, value_name = "NUMBER")]
    invoice: Option<String>,
    /// Only those recorded on that day or later
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    since: Option<NaiveDate>,
    /// Only those recorded on that day or before
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
        Command::List(args) => list(ctx, args)?,
        Command::Show(args) => show(ctx, &mut ctx.reader()?, args.id)?,
        Command::Resolve(args) => {
            let note = text::line("note", &args.note, 500)?;
            let found = if args.succeeded { Found::Succeeded } else { Found::Failed };
            let mut store = ctx.writer()?;
            let kind = store.read(|db| Ok(db.transaction(args.id)?.kind))?;
            charging(ctx, |given, act| {
                match kind {
                    TransactionKind::Refund => {
                        refund::resolve(&mut store, given, act, args.id, found, &note)?;
                    }
                    TransactionKind::Checkout => {
                        checkout::resolve(&mut store, given, act, args.id, (found, &note))?;
                    }
                    _ => charge::resolve(&mut store, given, act, args.id, found, &note)?,
                }
                Ok(Charged::default())
            })?;
            show(ctx, &mut store, args.id)?;
        }
        Command::Refund(args) => return give_back(ctx, &args),
        Command::Reverse(args) => {
            let reason = text::line("reason", &args.reason, 500)?;
            ask_whether_refund(ctx, &reason)?;
            let mut store = ctx.writer()?;
            let back = ctx.write(&mut store, |book| book.reverse(args.id, &reason))?;
            say_what_follows(ctx, &mut store, args.id)?;
            name_other_parts(ctx, &mut store, args.id)?;
            for number in back.opened {
                ctx.note(&format!(
                    "note: {number} is open again: it was paid by credit that came from {}",
                    args.id
                ));
            }
            if !back.lost.is_zero() {
                ctx.note(&format!(
                    "note: {} of {} had gone back to the customer, and are lost",
                    back.lost, args.id
                ));
            }
            show(ctx, &mut store, args.id)?;
        }
    }
    Ok(exit::DONE)
}

/// Gives money back, and shows the refund.
fn give_back(ctx: &mut Context, args: &Refund) -> anyhow::Result<u8> {
    let reason = text::line("reason", &args.reason, 500)?;
    let reference = args.reference.as_deref().map(|r| text::line("reference", r, 200));
    let reference = reference.transpose()?;
    let way = match args.outside {
        true => Way::Outside { reference: reference.as_deref() },
        false => Way::Gateway,
    };
    let mut store = ctx.writer()?;
    let begin = |book: &Book| {
        let payment = book.db.transaction(args.id)?;
        let (currency, locale) = (payment.amount.currency(), book.config.locale);
        let asked = args.amount.as_deref().map(|a| amount("amount", a, currency, locale));
        book.refund(&payment, asked.transpose()?, way, &reason)
    };
    let (id, refunded) = match args.outside {
        true => (ctx.write(&mut store, begin)?, Refunded::default()),
        false => {
            let mut id = args.id;
            let refunded = refunding(ctx, |given, act| {
                id = ctx.write(&mut store, |book| {
                    let id = begin(book)?;
                    refund::prepare(book.db, given, act, id).map(|()| id)
                })?;
                refund::begun(&mut store, given, act, &[id])
            })?;
            (id, refunded)
        }
    };
    show(ctx, &mut store, id)?;
    Ok(if refunded.errors.is_empty() { exit::DONE } else { exit::PARTIAL })
}

/// Money that was given back is no money that never came: whoever says refund may mean a credit note.
fn ask_whether_refund(ctx: &Context, reason: &str) -> anyhow::Result<()> {
    let reason = reason.to_lowercase();
    if !["refund", "rembours"].iter().any(|word| reason.contains(word)) {
        return Ok(());
    }
    let meant = "taking a payment back opens its invoice again, and the customer is reminded; \
                 money that is given back is billing credit-note create --refund";
    ctx.note(&format!("note: {meant}"));
    prompt::ask(ctx, "the money never came")
}

/// Says that the invoice of a payment that was taken back is chased, and what to do where the customer
/// owes nothing, as when the money was given back: nobody would expect reminders to follow.
fn say_what_follows(ctx: &Context, store: &mut Store, id: TransactionId) -> anyhow::Result<()> {
    let invoice = store.read(|db| {
        let invoice = db.transaction(id)?.invoice_id;
        invoice.map(|invoice| db.invoice_by_id(invoice)).transpose()
    })?;
    let Some(invoice) = invoice else { return Ok(()) };
    if invoice.status == InvoiceStatus::Open {
        ctx.note(&format!(
            "note: {} is open again: {} is reminded of the {} that are due on {}; \
             where nothing is owed, billing credit-note create --full takes it back",
            invoice.number, invoice.tenant, invoice.due, invoice.due_on
        ));
    }
    Ok(())
}

/// Names the other parts of a payment on account of which one was taken back: where none of the money
/// came, each is to be taken back.
fn name_other_parts(ctx: &Context, store: &mut Store, id: TransactionId) -> anyhow::Result<()> {
    let parts = store.read(|db| match db.transaction(id)?.part_of {
        Some(first) => db.parts_of(first),
        None => Ok(Vec::new()),
    })?;
    let stands = |part: &&Transaction| part.status == TransactionStatus::Succeeded;
    for part in parts.iter().filter(stands) {
        ctx.note(&format!(
            "note: {} of {} is another part of that payment, and stands",
            part.id, part.amount
        ));
    }
    Ok(())
}

fn show(ctx: &mut Context, store: &mut Store, id: TransactionId) -> anyhow::Result<()> {
    let object = store.read(|db| show::transaction(db, id))?;
    Ok(ctx.printer.object(&object)?)
}

fn list(ctx: &mut Context, args: List) -> anyhow::Result<()> {
    let since = args.since.map(|date| act::instant(ctx.clock.start_of(date)));
    let until = args.until.map(|date| ctx.clock.end("until", &date.to_string())).transpose()?;
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list(objects::TRANSACTION_FIELDS, objects::TRANSACTIONS);
    store.read(|db| {
        let tenant = args.tenant.as_deref().map(|slug| db.tenant(slug)).transpose()?;
        let invoice = args.invoice.as_deref().map(|number| db.invoice(number)).transpose()?;
        let filter = TransactionFilter {
            status: args.status,
            tenant: tenant.map(|t| t.id),
            invoice: invoice.map(|i| i.id),
            since,
            until,
            limit: args.limit.limit,
        };
        db.each_transaction(&filter, |transaction| {
            list.row(objects::transaction(&transaction)).map_err(super::out_failed)
        })
    })?;
    Ok(list.end()?)
}
