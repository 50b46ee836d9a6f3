//! `billing invoice create`.

use chrono::NaiveDate;
use clap::Args;

use super::super::basis::Basis;
use super::super::coupon::Metadata;
use super::super::once::Once;
use super::super::{Context, amount_or_nothing, currency_arg, date_arg, prompt};
use super::show;
use crate::books::issue::NewIssue;
use crate::domain::email::Locale;
use crate::domain::invoice::{self, Line};
use crate::domain::tenant::Tenant;
use crate::domain::{Currency, InvoiceId, Result, calendar, text, typed_lines, wording};
use crate::store::Store;

#[derive(Debug, Args)]
pub struct Create {
    /// The customer
    #[arg(long, value_name = "SLUG")]
    tenant: String,
    /// In the customer's currency; before tax where it is not --tax-inclusive
    #[arg(long, allow_negative_numbers = true,
        required_unless_present_any = ["line", "pending"])]
    amount: Option<String>,
    /// What it is for; without it the line is called Services or Prestations
    #[arg(long, conflicts_with = "line")]
    description: Option<String>,
    /// In place of --amount: a line, split from the right, with the price of one before tax where it is not
    /// --tax-inclusive; may be repeated
    #[arg(long, value_name = "DESCRIPTION:QUANTITY:UNIT_PRICE", conflicts_with = "amount")]
    line: Vec<String>,
    /// Bill what waits for no subscription, behind what is typed; see pending-item
    #[arg(long)]
    pending: bool,
    /// The currency of what is pending, and of what is typed; the customer's where it is not given
    #[arg(long, value_name = "C", value_parser = currency_arg, requires = "pending")]
    currency: Option<Currency>,
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

impl Create {
    /// What it bills, as it was typed.
    fn billed(&self) -> Result<Billed<'_>> {
        let Some(amount) = &self.amount else { return Ok(Billed::Lines(&self.line)) };
        let description = self.description.as_deref();
        let description = description.map(|d| text::line("description", d, 500)).transpose()?;
        Ok(Billed::Amount { amount, description })
    }
}

/// What an invoice is to bill.
enum Billed<'a> {
    Amount { amount: &'a str, description: Option<String> },
    Lines(&'a [String]),
}

impl Billed<'_> {
    /// Its lines. Nothing is an amount too: an invoice over nothing is issued as paid.
    fn lines(&self, tenant: &Tenant, currency: Currency, locale: Locale) -> Result<Vec<Line>> {
        match self {
            Billed::Lines(typed) => typed_lines::read(typed, currency, locale),
            Billed::Amount { amount, description } => {
                let amount = amount_or_nothing("amount", amount, currency, locale)?;
                let unnamed = || wording::services(tenant.locale).to_owned();
                let words = description.clone().unwrap_or_else(unnamed);
                Ok(vec![Line::single(words, amount)])
            }
        }
    }

    fn is_named(&self) -> bool {
        !matches!(self, Billed::Amount { description: None, .. })
    }
}

pub(super) fn create(ctx: &mut Context, args: Create) -> anyhow::Result<()> {
    let billed = args.billed()?;
    let number = args.number.as_deref().map(invoice::number).transpose()?;
    let metadata = args.metadata.json_with(args.coupon.as_ref())?;
    let mut store = ctx.writer()?;
    if let Some(number) = &number {
        check_gap(ctx, &mut store, number)?;
    }
    for day in [args.issued_on, args.due_on].into_iter().flatten() {
        ask_far(ctx, day)?;
    }
    // The lines in their order, in which the arguments of a command are not compared.
    let in_order = args.line.join("\0");
    let mut unnamed = None;
    let made = args.once.create(ctx, &mut store, &in_order, |book| {
        let tenant = book.db.tenant(&args.tenant)?;
        let (currency, basis) =
            (args.currency.unwrap_or(tenant.currency), args.basis.get(book.config));
        let mut lines = billed.lines(&tenant, currency, book.config.locale)?;
        if !billed.is_named() {
            unnamed = lines.first().map(|line| line.description.clone());
        }
        if args.pending {
            lines.extend(book.take_what_waits(&tenant, currency, basis)?);
        }
        let issued_on = args.issued_on.unwrap_or(book.act.today);
        let redemption = match args.coupon.as_ref().zip(invoice::discountable(&lines)?) {
            Some((code, of)) => {
                invoice::check_takes_coupon(&lines, code)?;
                Some(book.redeem_for_new_invoice(code, &tenant, of, &metadata)?)
            }
            None => None,
        };
        let issued = book.issuer()?.issue(&NewIssue {
            basis,
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
