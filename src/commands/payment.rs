//! `billing payment`: the words for money that came in on a customer's account. Its verb is in
//! `books/on_account.rs`.

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::tasks::end_superseded;
use super::{Context, amount, currency_arg, date_arg};
use crate::books::Notify;
use crate::domain::on_account::PassedOver;
use crate::domain::transaction::{NewPayment, Repeated};
use crate::domain::{Currency, text};
use crate::failure::exit;
use crate::view::objects;

/// `billing payment …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Record a payment that names no invoice: it pays what is due, the oldest first
    #[command(
        long_about = "Record a payment that names no invoice: it pays the open invoices in its currency, the oldest due first, \
        and what is left is the customer's credit. Disputed invoices are passed over, and so are those with a charge that has no outcome yet."
    )]
    Record(Record),
}

#[derive(Debug, Args)]
pub struct Record {
    /// Who paid
    #[arg(long, value_name = "SLUG")]
    tenant: String,
    /// How much came, in major units
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    amount: String,
    /// The customer's currency where it is not given
    #[arg(long, value_name = "C", value_parser = currency_arg)]
    currency: Option<Currency>,
    /// Today where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    paid_on: Option<NaiveDate>,
    /// How it was paid: transfer, cash, mobile money …
    #[arg(long)]
    method: Option<String>,
    /// The bank's or operator's reference; on one account each counts once
    #[arg(long)]
    reference: Option<String>,
    /// Take it although another payment on account bears the reference, as of a standing order
    #[arg(long)]
    allow_repeated_reference: bool,
    /// Queue no e-mail
    #[arg(long)]
    no_email: bool,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Record(args) => record(ctx, &args)?,
    }
    Ok(exit::DONE)
}

fn record(ctx: &mut Context, args: &Record) -> anyhow::Result<()> {
    let method = args.method.as_deref().map(|m| text::line("method", m, 100)).transpose()?;
    let reference =
        args.reference.as_deref().map(|r| text::line("reference", r, 200)).transpose()?;
    let repeated = Repeated::taken(args.allow_repeated_reference);
    let notify = if args.no_email { Notify::Nobody } else { Notify::Customer };
    let mut store = ctx.writer()?;
    let (tenant, payment, booked) = ctx.write(&mut store, |book| {
        let tenant = book.db.tenant(&args.tenant)?;
        let currency = args.currency.unwrap_or(tenant.currency);
        let amount = amount("amount", &args.amount, currency, book.config.locale)?;
        let paid_on = args.paid_on.unwrap_or(book.act.today);
        let payment = NewPayment { amount, paid_on, method, reference };
        let booked = book.pay_on_account(&tenant, &payment, repeated, notify)?;
        Ok((tenant, payment, booked))
    })?;
    for (number, why) in &booked.passed_over {
        let why = match why {
            PassedOver::Disputed => "it is disputed",
            PassedOver::ChargePending => "a charge of it has no outcome yet",
        };
        ctx.note(&format!("note: {number} is passed over: {why}"));
    }
    end_superseded(ctx, &mut store, tenant.id)?;
    Ok(ctx.printer.object(&objects::payment_on_account(&tenant.slug, &payment, &booked))?)
}
