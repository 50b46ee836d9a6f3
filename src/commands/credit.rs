//! `billing credit`: the words for what customers have in credit. Its rules are in
//! `domain/credit.rs`, its rows in `store/credits.rs`, its verbs in `books/credit.rs` and
//! `books/account.rs`.

use clap::{Args, Subcommand};

use super::{Context, Limit, amount, currency_arg};
use crate::domain::{CreditId, CreditUseId, Currency, text};
use crate::failure::exit;
use crate::show;
use crate::store::{CreditFilter, Store};
use crate::view::objects;

/// `billing credit …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Give a customer credit; it pays open and coming invoices by itself
    Grant(Grant),
    /// List credits: where each comes from, and what is left of it
    List(List),
    /// Show a credit, and which invoices it paid
    Show(Named),
    /// Let credit pay an open invoice now
    Apply(Apply),
    /// Take credit off an invoice again; the invoice is open, and the credit left
    Unapply(Unapply),
}

#[derive(Debug, Args)]
pub struct Named {
    /// The credit's id, such as crd_3
    id: CreditId,
}

#[derive(Debug, Args)]
pub struct Grant {
    /// Who is given it
    #[arg(long, value_name = "SLUG")]
    tenant: String,
    /// How much, in major units
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    amount: String,
    /// The customer's currency where it is not given
    #[arg(long, value_name = "C", value_parser = currency_arg)]
    currency: Option<Currency>,
    /// Why, for the books and whoever looks later
    #[arg(long, value_name = "R")]
    reason: String,
}

#[derive(Debug, Args)]
pub struct List {
    /// Only of this customer
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    /// Only those of which something is left
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Debug, Args)]
pub struct Apply {
    /// The open invoice that it pays
    #[arg(long, value_name = "NUMBER")]
    invoice: String,
    /// How much; as much as is due and left where it is not given
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    amount: Option<String>,
}

#[derive(Debug, Args)]
pub struct Unapply {
    /// The use of the credit, such as cru_5; invoice show and credit show name it
    id: CreditUseId,
    /// Why
    #[arg(long, value_name = "R")]
    reason: String,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Grant(args) => grant(ctx, &args)?,
        Command::List(args) => list(ctx, &args)?,
        Command::Show(args) => show(ctx, &mut ctx.reader()?, args.id)?,
        Command::Apply(args) => apply(ctx, &args)?,
        Command::Unapply(args) => {
            let reason = text::line("reason", &args.reason, 500)?;
            let mut store = ctx.writer()?;
            let (number, followed) =
                ctx.write(&mut store, |book| book.unapply_credit(args.id, &reason))?;
            for opened in followed.opened {
                ctx.note(&format!(
                    "note: {opened} is open again: it was paid by a credit note of {number}"
                ));
            }
            if !followed.lost.is_zero() {
                let lost = followed.lost;
                ctx.note(&format!(
                    "note: {lost} of what {number} was credited had gone back, and are lost"
                ));
            }
            super::invoice::show(ctx, &mut store, &number)?;
        }
    }
    Ok(exit::DONE)
}

fn show(ctx: &mut Context, store: &mut Store, id: CreditId) -> anyhow::Result<()> {
    let object = store.read(|db| show::credit(db, id))?;
    Ok(ctx.printer.object(&object)?)
}

fn grant(ctx: &mut Context, args: &Grant) -> anyhow::Result<()> {
    let reason = text::line("reason", &args.reason, 500)?;
    let mut store = ctx.writer()?;
    let id = ctx.write(&mut store, |book| {
        let tenant = book.db.tenant(&args.tenant)?;
        let amount = {
            let currency = args.currency.unwrap_or(tenant.currency);
            amount("amount", &args.amount, currency, book.config.locale)?
        };
        book.grant_credit(&tenant, amount, &reason)
    })?;
    show(ctx, &mut store, id)
}

fn list(ctx: &mut Context, args: &List) -> anyhow::Result<()> {
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list(objects::CREDIT_FIELDS, objects::CREDITS);
    store.read(|db| {
        let tenant = args.tenant.as_deref().map(|slug| db.tenant(slug)).transpose()?;
        let filter = CreditFilter {
            tenant: tenant.map(|tenant| tenant.id),
            open: args.open,
            limit: args.limit.limit,
        };
        db.each_credit(&filter, |credit| {
            list.row(objects::credit(&credit)).map_err(super::out_failed)
        })
    })?;
    Ok(list.end()?)
}

fn apply(ctx: &mut Context, args: &Apply) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    let applied = ctx.write(&mut store, |book| {
        let invoice = book.db.invoice(&args.invoice)?;
        let currency = invoice.due.currency();
        let locale = book.config.locale;
        let asked = args.amount.as_deref().map(|text| amount("amount", text, currency, locale));
        book.apply_credit(&invoice, asked.transpose()?)
    })?;
    ctx.note(&format!("{applied} of credit pay {}", args.invoice));
    super::invoice::show(ctx, &mut store, &args.invoice)
}
