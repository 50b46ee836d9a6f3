//! `billing credit-note create`.

use chrono::NaiveDate;
use clap::Args;

use super::super::once::Once;
use super::super::tasks::{end_checkouts, gateway, refunding};
use super::super::{Context, amount, date_arg, words};
use super::show;
use crate::books::{Book, Crediting, Notify};
use crate::domain::credit_note::{AskedSplit, CreditReason, Credited, Part, knows_no_tax};
use crate::domain::invoice::Invoice;
use crate::domain::refusal::Why;
use crate::domain::{CreditNoteId, Refusal, Result, TransactionId, text};
use crate::failure::exit;
use crate::store::{Db, Store};
use crate::tasks::refund::{self, Refunded};
use crate::view::objects;

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("credited").required(true).args(["full", "line", "amount"]))]
pub struct Create {
    /// The invoice's number
    #[arg(long, value_name = "NUMBER")]
    invoice: String,
    /// Credit all that is left of it
    #[arg(long)]
    full: bool,
    /// Credit a line: all that is left of it, or so much, before tax and discount; may be repeated
    #[arg(long, value_name = "POSITION[:AMOUNT]")]
    line: Vec<String>,
    /// Credit so much, with tax: what the customer gets
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    amount: Option<String>,
    /// Why
    #[arg(long, value_name = "R", value_parser = words::<CreditReason>())]
    reason: CreditReason,
    /// What the customer reads as the reason
    #[arg(long, value_name = "T")]
    memo: Option<String>,
    #[command(flatten)]
    split: Ways,
    /// Its date; today where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    issued_on: Option<NaiveDate>,
    /// Queue no e-mail
    #[arg(long)]
    no_email: bool,
    /// Say what it would come to, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    once: Once,
}

/// Where the part of it goes that was paid.
#[derive(Debug, Args)]
struct Ways {
    /// Of what was paid, keep so much, or the rest, as the customer's credit (the default)
    #[arg(long, value_name = "A", num_args = 0..=1, allow_negative_numbers = true)]
    credit: Option<Option<String>>,
    /// Of what was paid, ask the gateway to give so much back, or the rest
    #[arg(long, value_name = "A", num_args = 0..=1, allow_negative_numbers = true)]
    refund: Option<Option<String>>,
    /// Of what was paid, so much, or the rest, was given back by hand
    #[arg(long, value_name = "A", num_args = 0..=1, allow_negative_numbers = true)]
    outside: Option<Option<String>>,
    /// What the bank calls the money that was given back by hand
    #[arg(long, value_name = "R", requires = "outside")]
    reference: Option<String>,
}

impl Ways {
    fn asked(&self, book: &Book, invoice: &Invoice) -> Result<AskedSplit> {
        let part = |field: &'static str, given: &Option<Option<String>>| {
            let (currency, locale) = (invoice.total.currency(), book.config.locale);
            let part = given.as_ref().map(|text| match text {
                Some(text) => amount(field, text, currency, locale).map(Part::Amount),
                None => Ok(Part::Rest),
            });
            part.transpose()
        };
        Ok(AskedSplit {
            credit: part("credit", &self.credit)?,
            refund: part("refund", &self.refund)?,
            outside: part("outside", &self.outside)?,
        })
    }
}

impl Create {
    /// What of the invoice is to be credited.
    fn credited(&self, book: &Book, invoice: &Invoice) -> Result<Credited> {
        let (currency, locale) = (invoice.total.currency(), book.config.locale);
        if let Some(text) = &self.amount {
            return amount("amount", text, currency, locale).map(Credited::Amount);
        }
        if self.full {
            return Ok(Credited::Full);
        }
        let mut lines = Vec::new();
        for text in &self.line {
            let (position, of_line) = match text.split_once(':') {
                Some((position, of_line)) => (position, Some(of_line)),
                None => (text.as_str(), None),
            };
            let position = position.trim().parse().map_err(|_| {
                Refusal::bad("line", text, Why::NotACount { least: 1, most: 10_000 })
            })?;
            let of_line = of_line.map(|text| amount("line", text, currency, locale));
            lines.push((position, of_line.transpose()?));
        }
        Ok(Credited::Lines(lines))
    }

    fn crediting<'a>(
        &'a self,
        book: &Book,
        invoice: &Invoice,
        memo: Option<&'a str>,
        reference: Option<&'a str>,
    ) -> Result<Crediting<'a>> {
        Ok(Crediting {
            credited: self.credited(book, invoice)?,
            split: self.split.asked(book, invoice)?,
            reason: self.reason,
            memo,
            reference,
            issued_on: self.issued_on.unwrap_or(book.act.today),
            notify: if self.no_email { Notify::Nobody } else { Notify::Customer },
        })
    }
}

pub(super) fn create(ctx: &mut Context, args: Create) -> anyhow::Result<u8> {
    let memo = args.memo.as_deref().map(|memo| text::line("memo", memo, 500)).transpose()?;
    let reference = args.split.reference.as_deref().map(|r| text::line("reference", r, 200));
    let reference = reference.transpose()?;
    let (memo, reference) = (memo.as_deref(), reference.as_deref());
    if args.dry_run {
        if args.split.refund.is_some() {
            refund::check(&gateway(&ctx.config))?;
        }
        let (invoice, planned) = ctx.read(&mut ctx.reader()?, |book| {
            let invoice = book.db.invoice(&args.invoice)?;
            let new = args.crediting(book, &invoice, memo, reference)?;
            let planned = book.plan_credit_note(&invoice, &new)?;
            Ok((invoice, planned))
        })?;
        say_what_is_missing(ctx, &invoice);
        let issued_on = args.issued_on.unwrap_or(ctx.clock.today());
        let object = {
            let planned = (&planned.drawn, &planned.split);
            let new = objects::Foreseen { reason: args.reason, memo, issued_on };
            objects::planned_credit_note(&invoice, planned, &new)
        };
        ctx.printer.object(&object)?;
        return Ok(exit::DONE);
    }
    let mut store = ctx.writer()?;
    end_checkouts(ctx, &mut store, &args.invoice)?;
    let (noted, refunded) = match args.split.refund {
        None => {
            let noted = write(ctx, &args, &mut store, (memo, reference), &|_, _| Ok(()))?;
            (noted, Refunded::default())
        }
        Some(_) => {
            let mut noted = None;
            let refunded = refunding(ctx, |given, act| {
                // The keys are on disk with the note, before the gateway is called.
                let prepare = |db: &Db, id| refund::prepare(db, given, act, id);
                let written = write(ctx, &args, &mut store, (memo, reference), &prepare)?;
                let begun = written.refunds.clone();
                noted = Some(written);
                refund::begun(&mut store, given, act, &begun)
            })?;
            (noted.unwrap_or_default(), refunded)
        }
    };
    if let Some(invoice) = &noted.invoice {
        say_what_is_missing(ctx, invoice);
    }
    let id = CreditNoteId(noted.id);
    let number = store.read(|db| Ok(db.credit_note_by_id(id)?.number))?;
    show(ctx, &mut store, &number)?;
    Ok(if refunded.errors.is_empty() { exit::DONE } else { exit::PARTIAL })
}

/// A note that was written.
#[derive(Default)]
struct Noted {
    id: i64,
    /// The invoice before it; `None` where the note was written before, under the same key.
    invoice: Option<Invoice>,
    refunds: Vec<TransactionId>,
}

/// Writes the note, and has `prepare` make the keys of its refunds, in one transaction.
fn write(
    ctx: &Context,
    args: &Create,
    store: &mut Store,
    (memo, reference): (Option<&str>, Option<&str>),
    prepare: &dyn Fn(&Db, TransactionId) -> Result<()>,
) -> Result<Noted> {
    let mut noted = Noted::default();
    let made = args.once.create(ctx, store, "", |book| {
        let invoice = book.db.invoice(&args.invoice)?;
        let new = args.crediting(book, &invoice, memo, reference)?;
        let note = book.credit(&invoice, &new)?;
        note.refunds.iter().try_for_each(|id| prepare(book.db, *id))?;
        (noted.invoice, noted.refunds) = (Some(invoice), note.refunds);
        Ok(note.id.0)
    })?;
    noted.id = made.id();
    Ok(noted)
}

fn say_what_is_missing(ctx: &Context, invoice: &Invoice) {
    if knows_no_tax(invoice) {
        ctx.note(&format!(
            "note: {} was imported without a tax rate: the credit note has no tax",
            invoice.number
        ));
    }
}
