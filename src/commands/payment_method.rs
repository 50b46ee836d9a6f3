//! `billing payment-method`: the words for how customers pay by themselves. Their rules are in
//! `domain::payment_method`, their rows in `store`, their verbs in `books`.

use clap::{Args, Subcommand};

use super::once::Once;
use super::tasks::checking_out;
use super::{Context, Limit, words};
use crate::books::Book;
use crate::domain::payment_method::{self, NewPaymentMethod, PaymentMethod, PaymentMethodKind};
use crate::domain::{PaymentMethodId, Result};
use crate::failure::exit;
use crate::store::Store;
use crate::tasks::checkout::{self, Back};
use crate::view::objects;

/// `billing payment-method …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a payment method by its gateway's token
    Create(Create),
    /// Make a page of the gateway's on which the customer adds one, and show its address
    Setup(Setup),
    /// List payment methods; their tokens are never shown
    List(List),
    /// Remove a payment method: it is used no more
    Remove(Named),
    /// Make a payment method the customer's default
    SetDefault(Named),
}

/// A payment method's id.
#[derive(Debug, Args)]
pub struct Named {
    /// The payment method's id, such as pm_3
    id: PaymentMethodId,
}

#[derive(Debug, Args)]
pub struct Create {
    /// The customer
    #[arg(long, value_name = "SLUG")]
    tenant: String,
    /// What it is
    #[arg(long, value_parser = words::<PaymentMethodKind>())]
    kind: PaymentMethodKind,
    /// What the gateway calls it: a token, never a card number; - reads it from standard input
    #[arg(long)]
    token: String,
    /// What it is called in lists
    #[arg(long)]
    label: Option<String>,
    /// Charge this one by default
    #[arg(long)]
    default: bool,
    #[command(flatten)]
    once: Once,
}

#[derive(Debug, Args)]
pub struct Setup {
    /// The customer
    #[arg(long, value_name = "SLUG")]
    tenant: String,
    /// Where the gateway sends the customer afterwards, done or not
    #[arg(long, value_name = "URL")]
    return_url: String,
}

#[derive(Debug, Args)]
pub struct List {
    /// Only those of this customer
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
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
        Command::Setup(args) => {
            let mut store = ctx.writer()?;
            let back = Back { return_url: &args.return_url, base_url: None };
            return checking_out(ctx, |given, act| {
                checkout::begin_setup(&mut store, given, act, &args.tenant, &back)
            });
        }
        Command::List(args) => list(ctx, &args)?,
        Command::Remove(args) => change(ctx, args.id, |book, m| book.remove_payment_method(m))?,
        Command::SetDefault(args) => {
            change(ctx, args.id, |book, m| book.make_payment_method_default(m))?
        }
    }
    Ok(exit::DONE)
}

fn create(ctx: &mut Context, args: &Create) -> anyhow::Result<()> {
    let token = match args.token.as_str() {
        "-" => payment_method::token(&std::io::read_to_string(std::io::stdin())?)?,
        token => payment_method::token(token)?,
    };
    let label = args.label.as_deref().map(payment_method::label).transpose()?;
    let new = NewPaymentMethod { kind: args.kind, token, label, is_default: args.default };
    let mut store = ctx.writer()?;
    let read = if args.token == "-" { new.token.as_str() } else { "" };
    let made = args.once.create(ctx, &mut store, read, |book| {
        Ok(book.add_payment_method(&book.db.tenant(&args.tenant)?, &new)?.0)
    })?;
    show(ctx, &mut store, PaymentMethodId(made.id()))
}

/// Changes a payment method, and shows it.
fn change(
    ctx: &mut Context,
    id: PaymentMethodId,
    work: impl FnOnce(&Book, &PaymentMethod) -> Result<()>,
) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    ctx.write(&mut store, |book| work(book, &book.db.payment_method(id)?))?;
    show(ctx, &mut store, id)
}

fn show(ctx: &mut Context, store: &mut Store, id: PaymentMethodId) -> anyhow::Result<()> {
    let method = store.read(|db| db.payment_method(id))?;
    Ok(ctx.printer.object(&objects::payment_method(&method))?)
}

fn list(ctx: &mut Context, args: &List) -> anyhow::Result<()> {
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list(objects::PAYMENT_METHOD_FIELDS, objects::PAYMENT_METHODS);
    store.read(|db| {
        let tenant = args.tenant.as_deref().map(|slug| db.tenant(slug)).transpose()?;
        db.each_payment_method(tenant.map(|t| t.id), args.limit.limit, |method| {
            list.row(objects::payment_method(&method)).map_err(super::out_failed)
        })
    })?;
    Ok(list.end()?)
}
