//! `billing invoice pay` and `charge`.

use chrono::NaiveDate;
use clap::Args;

use super::super::tasks::{charging, checking_out};
use super::super::{Context, amount, date_arg};
use super::{PayPage, settle, show};
use crate::books::{Notify, PaymentTerms};
use crate::domain::text;
use crate::domain::transaction::{NewPayment, Overpayment, Repeated};
use crate::failure::exit;
use crate::tasks::charge;
use crate::tasks::checkout::{self, Asked, Back};

#[derive(Debug, Args)]
pub struct Pay {
    /// The invoice's number
    number: String,
    /// How much came, in the currency of the invoice; all: exactly what is due
    #[arg(long, allow_negative_numbers = true)]
    amount: String,
    /// Today where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    paid_on: Option<NaiveDate>,
    /// How it was paid: transfer, cash, mobile money …
    #[arg(long)]
    method: Option<String>,
    /// The bank's or operator's reference; on one invoice each counts once
    #[arg(long)]
    reference: Option<String>,
    /// Take it although another payment of the invoice bears the reference, as of a standing order
    #[arg(long)]
    allow_repeated_reference: bool,
    /// Keep what is above the amount due as the customer's credit
    #[arg(long)]
    allow_overpayment: bool,
    /// Queue no e-mail
    #[arg(long)]
    no_email: bool,
}

/// Charges an invoice, and shows it; a charge whose outcome is not known is told as an error.
pub(super) fn charge(ctx: &mut Context, number: &str) -> anyhow::Result<u8> {
    let mut store = ctx.writer()?;
    let charged = charging(ctx, |given, act| charge::by_hand(&mut store, given, act, number))?;
    show(ctx, &mut store, number)?;
    Ok(if charged.errors.is_empty() { exit::DONE } else { exit::PARTIAL })
}

/// Begins a checkout, and shows it; one of which nothing is known is no success.
pub(super) fn checkout(ctx: &mut Context, args: &PayPage) -> anyhow::Result<u8> {
    let mut store = ctx.writer()?;
    let shown = args.amount.as_deref().map(|typed| {
        let currency = store.read(|db| db.invoice(&args.number))?.total.currency();
        amount("amount", typed, currency, ctx.config.locale)
    });
    let back = Back { return_url: &args.return_url, base_url: None };
    let asked = Asked { invoice: &args.number, shown: shown.transpose()?, back };
    checking_out(ctx, |given, act| checkout::begin(&mut store, given, act, &asked))
}

pub(super) fn pay(ctx: &mut Context, args: Pay) -> anyhow::Result<()> {
    let method = args.method.as_deref().map(|m| text::line("method", m, 100)).transpose()?;
    let reference =
        args.reference.as_deref().map(|r| text::line("reference", r, 200)).transpose()?;
    let terms = PaymentTerms {
        overpayment: Overpayment::kept(args.allow_overpayment),
        repeated: Repeated::taken(args.allow_repeated_reference),
        notify: if args.no_email { Notify::Nobody } else { Notify::Customer },
    };
    settle(ctx, &args.number, |book, invoice| {
        let currency = invoice.total.currency();
        let amount = match args.amount.as_str() {
            "all" => invoice.due,
            typed => amount("amount", typed, currency, book.config.locale)?,
        };
        let paid_on = args.paid_on.unwrap_or(book.act.today);
        let payment = NewPayment { amount, paid_on, method, reference };
        book.pay(invoice, &payment, terms)?;
        Ok(())
    })
}
