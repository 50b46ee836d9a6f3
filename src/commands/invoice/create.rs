//! `billing invoice create`.

use chrono::NaiveDate;
use clap::Args;

use super::super::basis::Basis;
use super::super::coupon::Metadata;
use super::super::once::Once;
use super::super::{Context, amount_or_nothing, date_arg, prompt};
use super::show;
use crate::books::issue::NewIssue;
use crate::domain::invoice::{self, Line};
use crate::domain::{InvoiceId, calendar, text, wording};
use crate::store::Store;

#[derive(Debug, Args)]
pub struct Create {
    /// The customer
    #[arg(long, value_name = "SLUG")]
    tenant: String,
    /// In the customer's currency; before tax where it is not --tax-inclusive
    #[arg(long, allow_negative_numbers = true)]
    amount: String,
    /// What it is for; without it the line is called Services or Prestations
    #[arg(long)]
    description: Option<String>,
    /// Its date; today where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    issued_on: Option<NaiveDate>,
    /// Until when it is to be paid; the configured days later where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    due_on: Option<NaiveDate>,
    /// A number of your own; the next one of the series where it is not given
    #[arg(long, value_name = "N")]
    number: Option<String>,
    /// A coupon to come off the amount
    #[arg(long, value_name = "CODE")]
    coupon: Option<String>,
    #[command(flatten)]
    metadata: Metadata,
    /// Queue the e-mail with the invoice
    #[arg(long)]
    send: bool,
    #[command(flatten)]
    basis: Basis,
    #[command(flatten)]
    once: Once,
}

pub(super) fn create(ctx: &mut Context, args: Create) -> anyhow::Result<()> {
    let description = args.description.as_deref().map(|d| text::line("description", d, 500));
    let description = description.transpose()?;
    let number = args.number.as_deref().map(invoice::number).transpose()?;
    let metadata = args.metadata.json_with(args.coupon.as_ref())?;
    let mut store = ctx.writer()?;
    if let Some(number) = &number {
        check_gap(ctx, &mut store, number)?;
    }
    for day in [args.issued_on, args.due_on].into_iter().flatten() {
        ask_far(ctx, day)?;
    }
    let mut unnamed = None;
    let made = args.once.create(ctx, &mut store, "", |book| {
        let db = book.db;
        let tenant = db.tenant(&args.tenant)?;
        // Nothing is an amount too: an invoice over nothing is issued as paid.
        let (currency, locale) = (tenant.currency, book.config.locale);
        let amount = amount_or_nothing("amount", &args.amount, currency, locale)?;
        let words = description.clone().unwrap_or_else(|| {
            let words = wording::services(tenant.locale).to_owned();
            unnamed = Some(words.clone());
            words
        });
        let lines = [Line::single(words, amount)];
        let issued_on = args.issued_on.unwrap_or(book.act.today);
        let redemption = match &args.coupon {
            Some(code) => Some(book.redeem_for_new_invoice(code, &tenant, amount, &metadata)?),
            None => None,
        };
        let issued = book.issuer()?.issue(&NewIssue {
            basis: args.basis.get(book.config),
            redemption: redemption.as_ref(),
            due_on: args.due_on,
            number: number.as_deref(),
            send: args.send,
            ..NewIssue::single(&tenant, &lines, issued_on)
        })?;
        Ok(issued.id.0)
    })?;
    if let Some(words) = unnamed {
        let note =
            format!("warning: the line is called \"{words}\"; --description says what it is for");
        ctx.note(&note);
    }
    let number = store.read(|db| Ok(db.invoice_by_id(InvoiceId(made.id()))?.number))?;
    show(ctx, &mut store, &number)
}

/// So many days from today, a day is more likely a slip of the keyboard: 2031-06-30 for 2026-06-30.
const FAR: i64 = 400;

/// Asks at a terminal before a day that lies far ahead or behind.
fn ask_far(ctx: &Context, day: NaiveDate) -> anyhow::Result<()> {
    let away = calendar::days_between(ctx.clock.today(), day);
    match away {
        _ if away > FAR => prompt::ask(ctx, &format!("{day} is {away} days from now")),
        _ if away < -FAR => prompt::ask(ctx, &format!("{day} was {} days ago", -away)),
        _ => Ok(()),
    }
}

/// Asks before a number that fits the series and lies ahead of its next: those between are lost for good.
fn check_gap(ctx: &Context, store: &mut Store, number: &str) -> anyhow::Result<()> {
    let Some((series, sequence)) = ctx.config.invoicing.number_format.read(number) else {
        return Ok(());
    };
    match store.read(|db| db.numbers_passed(&series, sequence))? {
        0 => Ok(()),
        1 => prompt::confirm(ctx, &format!("{number} leaves a gap: 1 number before it is lost")),
        lost => prompt::confirm(
            ctx,
            &format!("{number} leaves a gap: {lost} numbers before it are lost"),
        ),
    }
}
