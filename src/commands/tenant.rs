//! `billing tenant`: the words for customers. Their rules are in `domain::tenant`, their rows in
//! `store`, and what their standing changes in `books::standing`.

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use rust_decimal::Decimal;

use super::once::Once;
use super::{Context, Limit, currency_arg, date_arg, metadata, prompt, words};
use crate::books::Book;
use crate::domain::email::Locale;
use crate::domain::event::{By, TenantEvent, TenantFacts};
use crate::domain::party::{self, CustomerKind, Details};
use crate::domain::refusal::Why;
use crate::domain::tax::{OwnTax, TaxCategory};
use crate::domain::tenant::{self, Clearable, NewTenant, TenantEdit, TenantStatus};
use crate::domain::{Currency, Refusal, Result, TenantId, text};
use crate::failure::exit;
use crate::show;
use crate::store::{Store, TenantFilter};
use crate::view::objects;

/// `billing tenant …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a customer
    Create(Create),
    /// List customers
    List(List),
    /// Show a customer
    Show(Named),
    /// Change a customer's data
    Edit(Edit),
    /// Give a customer another slug
    Rename(Rename),
    /// Suspend a customer by hand, and its subscriptions
    Suspend(Suspend),
    /// Bring a suspended customer back
    Reactivate(Reactivate),
    /// Close a customer: its subscriptions end now, what it owes is still chased
    Close(Named),
    /// Make a closed customer active again; the subscriptions that ended with it stay ended
    Reopen(Reopen),
}

/// A customer's slug.
#[derive(Debug, Args)]
pub struct Named {
    /// The customer's slug
    slug: String,
}

#[derive(Debug, Args)]
pub struct Create {
    /// A short name for commands: lower-case letters, digits, hyphens
    slug: String,
    /// What it is called on invoices
    #[arg(long)]
    name: String,
    /// Where its e-mails go
    #[arg(long)]
    email: String,
    /// Who gets a copy of each e-mail; as often as there are addresses
    #[arg(long, value_name = "ADDRESS")]
    cc: Vec<String>,
    #[command(flatten)]
    more: More,
    /// When it became a customer; today where it is not given
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    created_on: Option<NaiveDate>,
    #[command(flatten)]
    once: Once,
}

#[derive(Debug, Args)]
pub struct Rename {
    /// The customer's slug
    slug: String,
    /// What it is called from now on
    new: String,
}

#[derive(Debug, Args)]
pub struct Edit {
    /// The customer's slug
    slug: String,
    /// Make this field nothing; may be given several times
    #[arg(long, value_name = "FIELD", value_parser = words::<Clearable>())]
    clear: Vec<Clearable>,
    /// What it is called on invoices from now on
    #[arg(long)]
    name: Option<String>,
    /// Where its e-mails go from now on
    #[arg(long)]
    email: Option<String>,
    /// Who gets a copy of each e-mail, in place of those who got one before
    #[arg(long, value_name = "ADDRESS", conflicts_with = "no_cc")]
    cc: Vec<String>,
    /// Nobody gets a copy any more
    #[arg(long)]
    no_cc: bool,
    #[command(flatten)]
    more: More,
}

#[derive(Debug, Args)]
pub struct More {
    /// What it is billed in; the configured currency where it is not given
    #[arg(long, value_name = "C", value_parser = currency_arg)]
    currency: Option<Currency>,
    /// The language of its e-mails: fr or en
    #[arg(long, value_name = "L", value_parser = words::<Locale>())]
    locale: Option<Locale>,
    /// Two capital letters of ISO 3166
    #[arg(long, value_name = "CC")]
    country: Option<String>,
    /// Its postal address; \n begins a line
    #[arg(long)]
    address: Option<String>,
    /// Its tax number
    #[arg(long, value_name = "ID")]
    tax_id: Option<String>,
    #[command(flatten)]
    details: DetailsArgs,
    /// In percent; the configured rate where it is not given
    #[arg(long, value_name = "PCT")]
    tax_rate: Option<String>,
    /// Why its invoices are taxed as they are; as configured where it is not given
    #[arg(long, value_name = "CATEGORY", value_parser = words::<TaxCategory>())]
    tax_category: Option<TaxCategory>,
    /// What its invoices say in place of a tax; a text of its category where it is not given
    #[arg(long, value_name = "TEXT")]
    tax_reason: Option<String>,
    /// What your own system calls it: wherever a customer is named, @ID names it too
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// A note that is kept with it; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    metadata: Vec<String>,
}

/// What e-invoices want in parts.
#[derive(Debug, Args)]
pub struct DetailsArgs {
    /// The street of its address
    #[arg(long)]
    street: Option<String>,
    /// The postcode of its address
    #[arg(long)]
    postcode: Option<String>,
    /// The city of its address
    #[arg(long)]
    city: Option<String>,
    /// Its number in the register of companies: SIREN, RCCM
    #[arg(long, value_name = "ID")]
    legal_id: Option<String>,
    /// Its number for VAT; its tax number where it is not given
    #[arg(long, value_name = "ID")]
    vat_id: Option<String>,
    /// Where it takes e-invoices
    #[arg(long, value_name = "ADDRESS")]
    electronic_address: Option<String>,
    /// What it is: business, consumer or public
    #[arg(long, value_name = "KIND", value_parser = words::<CustomerKind>())]
    customer_kind: Option<CustomerKind>,
}

impl DetailsArgs {
    fn checked(&self) -> Result<Details> {
        let read = |value: &Option<String>, check: fn(&str) -> Result<String>| {
            value.as_deref().map(check).transpose()
        };
        Ok(Details {
            street: read(&self.street, party::street)?,
            postcode: read(&self.postcode, party::postcode)?,
            city: read(&self.city, party::city)?,
            legal_id: read(&self.legal_id, party::legal_id)?,
            vat_id: read(&self.vat_id, party::vat_id)?,
            electronic_address: read(&self.electronic_address, party::electronic_address)?,
            kind: self.customer_kind,
        })
    }
}

#[derive(Debug, Args)]
pub struct List {
    /// Only those of this status
    #[arg(long, value_parser = words::<TenantStatus>())]
    status: Option<TenantStatus>,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Debug, Args)]
pub struct Suspend {
    /// The customer's slug
    slug: String,
    /// Why, for whoever asks later; the customer is told
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub struct Reactivate {
    /// The customer's slug
    slug: String,
    /// Why, for whoever asks later
    #[arg(long)]
    reason: Option<String>,
    /// With a debt still open: until when it promised to pay
    #[arg(long, value_name = "DATE", value_parser = date_arg)]
    until: Option<NaiveDate>,
}

#[derive(Debug, Args)]
pub struct Reopen {
    /// The customer's slug
    slug: String,
    /// Why, for the audit trail
    #[arg(long)]
    reason: Option<String>,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::List(args) => return list(ctx, &args),
        Command::Show(args) => show(ctx, &mut ctx.reader()?, &args.slug)?,
        Command::Create(args) => create(ctx, args)?,
        Command::Edit(args) => edit(ctx, args)?,
        Command::Rename(args) => rename(ctx, &args)?,
        Command::Suspend(args) => {
            let reason = text::line("reason", &args.reason, 500)?;
            change(ctx, &args.slug, |book, tenant| book.suspend(tenant, &reason))?;
        }
        Command::Reactivate(args) => {
            let reason =
                args.reason.as_deref().map(|r| text::line("reason", r, 500)).transpose()?;
            let mut unbilled = Vec::new();
            change(ctx, &args.slug, |book, tenant| {
                unbilled = book.reactivate(tenant, reason.as_deref(), args.until)?;
                Ok(())
            })?;
            unbilled.iter().for_each(|what| ctx.note(&format!("warning: {what}")));
        }
        Command::Close(args) => close(ctx, &args.slug)?,
        Command::Reopen(args) => {
            let reason =
                args.reason.as_deref().map(|r| text::line("reason", r, 500)).transpose()?;
            change(ctx, &args.slug, |book, tenant| {
                book.reopen_tenant(tenant, By::Command, reason.as_deref())
            })?;
        }
    }
    Ok(exit::DONE)
}

fn close(ctx: &mut Context, slug: &str) -> anyhow::Result<()> {
    prompt::ask(ctx, &format!("the subscriptions of {slug} end now, and do not come back"))?;
    let mut unbilled = Vec::new();
    change(ctx, slug, |book, tenant| {
        unbilled = book.close_tenant(tenant, By::Command, None)?;
        Ok(())
    })?;
    unbilled.iter().for_each(|what| ctx.note(&format!("note: {what}")));
    Ok(())
}

/// Changes a tenant in one transaction, and shows it.
fn change(
    ctx: &mut Context,
    slug: &str,
    work: impl FnOnce(&Book, &tenant::Tenant) -> Result<()>,
) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    ctx.write(&mut store, |book| work(book, &book.db.tenant(slug)?))?;
    show(ctx, &mut store, slug)
}

pub(super) fn show(ctx: &mut Context, store: &mut Store, slug: &str) -> anyhow::Result<()> {
    let object = store.read(|db| show::tenant(db, &db.tenant(slug)?))?;
    Ok(ctx.printer.object(&object)?)
}

fn create(ctx: &mut Context, args: Create) -> anyhow::Result<()> {
    let today = ctx.clock.today();
    if let Some(date) = args.created_on.filter(|date| *date > today) {
        return Err(Refusal::bad("created_on", &date.to_string(), Why::AfterToday).into());
    }
    let metadata = noted("{}", &args.more.metadata)?;
    let more = args.more.checked()?;
    let new = NewTenant {
        slug: text::slug("slug", &args.slug)?,
        name: tenant::name(&args.name)?,
        email: text::email("email", &args.email)?,
        cc: tenant::copies(&args.cc)?,
        currency: more.currency.unwrap_or(ctx.config.currency),
        locale: more.locale.unwrap_or(ctx.config.locale),
        country: more.country,
        address: more.address,
        tax_id: more.tax_id,
        details: more.details,
        tax: more.tax,
        tax_rate: more.tax_rate,
        external_id: more.external_id,
        metadata,
        created_on: args.created_on,
        status: TenantStatus::Active,
    };
    let mut store = ctx.writer()?;
    let made = args.once.create(ctx, &mut store, "", |book| {
        let id = book.db.insert_tenant(book.act, &new)?;
        book.record(id, TenantEvent::created(&new, By::Command), None)?;
        Ok(id.0)
    })?;
    let slug = store.read(|db| Ok(db.tenant_by_id(TenantId(made.id()))?.slug))?;
    show(ctx, &mut store, &slug)
}

fn rename(ctx: &mut Context, args: &Rename) -> anyhow::Result<()> {
    let slug = text::slug("slug", &args.new)?;
    let mut store = ctx.writer()?;
    ctx.write(&mut store, |book| {
        let tenant = book.db.tenant(&args.slug)?;
        book.db.rename_tenant(book.act, tenant.id, &slug)?;
        book.record(tenant.id, TenantEvent::Renamed { from: &tenant.slug, to: &slug }, None)
    })?;
    show(ctx, &mut store, &slug)
}

/// Notes as they are kept, with the pairs that were typed; a pair without a value takes one away.
fn noted(before: &str, pairs: &[String]) -> Result<String> {
    let mut notes = serde_json::from_str(before).unwrap_or_default();
    metadata::put(pairs, &mut notes)?;
    notes.retain(|_, value| value != "");
    Ok(serde_json::Value::Object(notes).to_string())
}

fn edit(ctx: &mut Context, args: Edit) -> anyhow::Result<()> {
    edit_and(ctx, args, |_, _| Ok(()))
}

/// Edits a customer and does `also`, which is given it as it was, in the same transaction.
pub(super) fn edit_and(
    ctx: &mut Context,
    args: Edit,
    also: impl FnOnce(&Book, &tenant::Tenant) -> Result<()>,
) -> anyhow::Result<()> {
    let pairs = args.more.metadata.clone();
    let mut edit = args.more.checked()?;
    edit.name = args.name.as_deref().map(tenant::name).transpose()?;
    edit.email = args.email.as_deref().map(|v| text::email("email", v)).transpose()?;
    edit.cc = match args.no_cc || !args.cc.is_empty() {
        true => Some(tenant::copies(&args.cc)?),
        false => None,
    };
    edit.cleared = args.clear;
    if edit == TenantEdit::default() && pairs.is_empty() {
        return Err(Refusal::NothingToEdit { noun: "tenant" }.into());
    }
    check_clear(&edit)?;
    change(ctx, &args.slug, |book, before| {
        let kept = if edit.clears(Clearable::Metadata) { "{}" } else { &before.metadata };
        edit.metadata = Some(noted(kept, &pairs)?);

        book.db.edit_tenant(book.act, before.id, &edit)?;
        let after = book.db.tenant_by_id(before.id)?;
        let event =
            TenantEvent::edited(Some(&edit), &TenantFacts::of(before), &TenantFacts::of(&after));
        book.record(before.id, event, None)?;
        also(book, before)
    })
}

/// Checks that nothing is cleared and set at once.
fn check_clear(edit: &TenantEdit) -> Result<()> {
    let set = |field: Clearable| match field {
        Clearable::Country => edit.country.is_some(),
        Clearable::Address => edit.address.is_some(),
        Clearable::TaxId => edit.tax_id.is_some(),
        Clearable::TaxRate => edit.tax_rate.is_some(),
        Clearable::ExternalId => edit.external_id.is_some(),
        // What is noted anew stands alone.
        Clearable::Metadata => false,
        Clearable::Street => edit.details.street.is_some(),
        Clearable::Postcode => edit.details.postcode.is_some(),
        Clearable::City => edit.details.city.is_some(),
        Clearable::LegalId => edit.details.legal_id.is_some(),
        Clearable::VatId => edit.details.vat_id.is_some(),
        Clearable::ElectronicAddress => edit.details.electronic_address.is_some(),
        Clearable::CustomerKind => edit.details.kind.is_some(),
        Clearable::TaxCategory => edit.tax.category.is_some(),
        Clearable::TaxReason => edit.tax.reason.is_some(),
    };
    match edit.cleared.iter().find(|field| set(**field)) {
        Some(field) => Err(Refusal::ClearedAndSet { field: field.word() }),
        None => Ok(()),
    }
}

impl More {
    fn checked(self) -> Result<TenantEdit> {
        let rate = |v: &str| -> Result<Decimal> {
            text::parse_percent(v).map_err(|why| Refusal::bad("tax_rate", v, why))
        };
        Ok(TenantEdit {
            cc: None,
            currency: self.currency,
            locale: self.locale,
            country: self.country.as_deref().map(|v| text::country("country", v)).transpose()?,
            address: self.address.as_deref().map(tenant::address).transpose()?,
            details: self.details.checked()?,
            tax: OwnTax {
                category: self.tax_category,
                reason: self.tax_reason.as_deref().map(tenant::tax_reason).transpose()?,
            },
            tax_id: self.tax_id.as_deref().map(tenant::tax_id).transpose()?,
            tax_rate: self.tax_rate.as_deref().map(rate).transpose()?,
            external_id: self.external_id.as_deref().map(tenant::external_id).transpose()?,
            ..TenantEdit::default()
        })
    }
}

fn list(ctx: &mut Context, args: &List) -> anyhow::Result<u8> {
    let mut store = ctx.reader()?;
    let filter = TenantFilter { status: args.status, limit: args.limit.limit };
    let mut list = ctx.printer.list(objects::TENANT_FIELDS, objects::TENANTS);
    store.read(|db| {
        db.check_balances()?;
        db.each_tenant(&filter, |tenant| {
            let object = objects::tenant(&tenant, &db.balance_due(tenant.id)?);
            list.row(object).map_err(super::out_failed)
        })
    })?;
    list.end()?;
    Ok(exit::DONE)
}
