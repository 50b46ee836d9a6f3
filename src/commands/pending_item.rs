//! `billing pending-item`: the words for what waits for an invoice. Its rules are in
//! `domain/pending_item.rs`, its rows in `store/pending_items.rs`, its verbs in `books/pending.rs`.

use clap::{Args, Subcommand};

use super::basis::Basis;
use super::once::Once;
use super::{Context, Limit, amount, currency_arg, words};
use crate::books::Book;
use crate::domain::invoice::Line;
use crate::domain::pending_item::{NewPendingItem, PendingStatus};
use crate::domain::{Currency, PendingItemId, Result, SubscriptionId, text, typed_lines};
use crate::failure::exit;
use crate::store::{PendingItemFilter, Store};
use crate::view::objects;

/// `billing pending-item …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Let something be billed with the next invoice
    #[command(
        long_about = "Let something be billed with the next invoice: that of the next period of --subscription, else of any \
        subscription of the customer in that currency. Where none follows, invoice create --pending bills it. A subscription that \
        ends bills at its end what waits for it."
    )]
    Create(Create),
    /// List pending items: what waits, what was billed, what was removed
    List(List),
    /// Show a pending item
    Show(Named),
    /// Let a pending item be billed no more
    Remove(Named),
}

/// A pending item's id.
#[derive(Debug, Args)]
pub struct Named {
    /// The pending item's id, such as pit_3
    id: PendingItemId,
}

#[derive(Debug, Args)]
pub struct Create {
    /// Who is billed
    #[arg(long, value_name = "SLUG")]
    tenant: String,
    /// How much, in major units; before tax where it is not --tax-inclusive
    #[arg(long, value_name = "A", allow_negative_numbers = true,
        required_unless_present_all = ["quantity", "unit_price"],
        conflicts_with_all = ["quantity", "unit_price"])]
    amount: Option<String>,
    /// In place of --amount: how many
    #[arg(long, value_name = "Q", requires = "unit_price")]
    quantity: Option<String>,
    /// What each of them costs
    #[arg(long, value_name = "P", requires = "quantity", allow_negative_numbers = true)]
    unit_price: Option<String>,
    /// What it is for, as the invoice says it
    #[arg(long, value_name = "D")]
    description: String,
    /// The subscription whose next invoice takes it; any of the customer's where it is not given
    #[arg(long, value_name = "ID")]
    subscription: Option<SubscriptionId>,
    /// That of the subscription, else of the customer, where it is not given
    #[arg(long, value_name = "C", value_parser = currency_arg)]
    currency: Option<Currency>,
    /// Let a coupon take something off it
    #[arg(long)]
    discountable: bool,
    #[command(flatten)]
    basis: Basis,
    #[command(flatten)]
    once: Once,
}

#[derive(Debug, Args)]
pub struct List {
    /// Only of this customer
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    /// Only those of this status
    #[arg(long, value_parser = words::<PendingStatus>())]
    status: Option<PendingStatus>,
    #[command(flatten)]
    limit: Limit,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Create(args) => create(ctx, &args)?,
        Command::List(args) => list(ctx, &args)?,
        Command::Show(args) => show(ctx, &mut ctx.reader()?, args.id)?,
        Command::Remove(args) => {
            let mut store = ctx.writer()?;
            ctx.write(&mut store, |book| {
                book.remove_pending_item(&book.db.pending_item(args.id)?, None)
            })?;
            show(ctx, &mut store, args.id)?;
        }
    }
    Ok(exit::DONE)
}

fn show(ctx: &mut Context, store: &mut Store, id: PendingItemId) -> anyhow::Result<()> {
    let item = store.read(|db| db.pending_item(id))?;
    Ok(ctx.printer.object(&objects::pending_item(&item))?)
}

impl Create {
    /// The line that was typed, in that currency.
    fn line(&self, book: &Book, currency: Currency) -> Result<Line> {
        let description = text::line("description", &self.description, 500)?;
        let locale = book.config.locale;
        match (&self.amount, &self.quantity, &self.unit_price) {
            (None, Some(quantity), Some(price)) => {
                typed_lines::of_parts(description, quantity, price, currency, locale)
            }
            (typed, _, _) => {
                let typed = typed.as_deref().unwrap_or_default();
                Ok(Line::single(description, amount("amount", typed, currency, locale)?))
            }
        }
    }
}

fn create(ctx: &mut Context, args: &Create) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    let made = args.once.create(ctx, &mut store, "", |book| {
        let tenant = book.db.tenant(&args.tenant)?;
        let currency = book.pending_currency(&tenant, args.subscription, args.currency)?;
        let line = args.line(book, currency)?;
        let id = book.add_pending_item(&NewPendingItem {
            tenant: tenant.id,
            subscription: args.subscription,
            description: line.description,
            quantity: line.quantity,
            unit_price: line.unit_price,
            amount: line.amount,
            basis: args.basis.get(book.config),
            discountable: args.discountable,
            period: None,
            of_change: None,
        })?;
        Ok(id.0)
    })?;
    show(ctx, &mut store, PendingItemId(made.id()))
}

fn list(ctx: &mut Context, args: &List) -> anyhow::Result<()> {
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list(objects::PENDING_ITEM_FIELDS, objects::PENDING_ITEMS);
    store.read(|db| {
        let tenant = args.tenant.as_deref().map(|slug| db.tenant(slug)).transpose()?;
        let filter = PendingItemFilter {
            tenant: tenant.map(|tenant| tenant.id),
            status: args.status,
            limit: args.limit.limit,
        };
        db.each_pending_item(&filter, |item| {
            list.row(objects::pending_item(&item)).map_err(super::out_failed)
        })
    })?;
    Ok(list.end()?)
}
