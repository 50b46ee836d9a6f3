//! `billing email`: the words for e-mails.

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Context, Limit, words};
use crate::books::links::Links;
use crate::clock::Clock;
use crate::config::{Attach, Config, PortalAction};
use crate::domain::email::{EmailStatus, Locale};
use crate::domain::stage::Stage;
use crate::domain::template::{Template, Variant};
use crate::domain::text::printable;
use crate::domain::{Act, EmailId};
use crate::failure::exit;
use crate::mail::{Example, ExamplePortal, Rendered, Renderer, sample, text_of};
use crate::show;
use crate::store::{Db, Email, EmailFilter, Store};
use crate::tasks::deliver_emails::{self, Linking};
use crate::view::{Align, Column, Format};

/// `billing email …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List e-mails, queued and sent
    List(List),
    /// Show an e-mail, as it left or as it would leave now
    Show(Named),
    /// Print a template filled in with made-up facts
    Preview(Preview),
    /// Send an e-mail again, to the customer's present address, or all that failed
    Resend(Resend),
}

#[derive(Debug, Args)]
pub struct List {
    /// Only those of this status
    #[arg(long, value_parser = words::<EmailStatus>())]
    status: Option<EmailStatus>,
    /// Only those to this customer
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    /// friendly, urgent, warning or suspension
    #[arg(long, value_parser = words::<Stage>())]
    stage: Option<Stage>,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Debug, Args)]
pub struct Named {
    /// The e-mail's id, such as eml_9
    id: EmailId,
}

#[derive(Debug, Args)]
pub struct Resend {
    /// The e-mail's id, such as eml_9
    #[arg(required_unless_present = "failed", conflicts_with = "failed")]
    id: Option<EmailId>,
    /// Every e-mail that failed and was not sent again since
    #[arg(long)]
    failed: bool,
    /// Only those that failed on that day or later
    #[arg(long, value_name = "WHEN", requires = "failed")]
    since: Option<String>,
}

#[derive(Debug, Args)]
pub struct Preview {
    /// friendly, urgent, warning, suspension, reactivation, invoice, credit_note, payment_failed,
    /// payment_received, trial_ending, trial_ended, price_change, portal_link, email_confirm or
    /// email_changed
    #[arg(value_parser = words::<Template>())]
    template: Template,
    /// In which language; as configured where it is not given
    #[arg(long, value_name = "L", value_parser = words::<Locale>())]
    locale: Option<Locale>,
    /// Another case of it: converted or canceled (trials), suspended, pending (an invoice whose
    /// charge is under way) or declined
    #[arg(long, value_name = "CASE")]
    variant: Option<Variant>,
    /// The HTML part instead of the text
    #[arg(long)]
    html: bool,
}

const FIELDS: &[&str] = &[
    "id",
    "tenant",
    "to",
    "subject",
    "template",
    "stage",
    "locale",
    "status",
    "attempts",
    "message_id",
    "queued_at",
    "next_try_at",
    "sent_at",
    "error",
    "document",
];

const COLUMNS: &[Column] = &[
    ("id", "E-mail", Align::Left, 0),
    ("tenant", "Tenant", Align::Left, 0),
    ("to", "To", Align::Left, 3),
    ("template", "Template", Align::Left, 0),
    ("status", "Status", Align::Left, 0),
    ("attempts", "Attempts", Align::Right, 5),
    ("queued_at", "Queued", Align::Left, 4),
    ("sent_at", "Sent", Align::Left, 2),
    ("error", "Error", Align::Left, 1),
];

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::List(args) => list(ctx, args)?,
        Command::Show(args) => show(ctx, args.id)?,
        Command::Preview(args) => preview(ctx, &args)?,
        Command::Resend(args) => resend(ctx, &args)?,
    }
    Ok(exit::DONE)
}

/// What an e-mail that is still queued is drawn up with, to show it.
struct Drawer<'a> {
    /// `None` where the operator's templates cannot be read.
    renderer: Option<Renderer>,
    /// `None` where there is no portal, or its secret cannot be read.
    links: Option<Links>,
    machine_now: DateTime<Utc>,
    act: Act,
    config: &'a Config,
}

fn drawer(ctx: &Context) -> Drawer<'_> {
    drawer_of(ctx.act(), &ctx.clock, &ctx.config)
}

fn drawer_of<'a>(act: Act, clock: &Clock, config: &'a Config) -> Drawer<'a> {
    let renderer = Renderer::new(config.mail.templates.as_deref()).ok();
    let links = Links::of(config).ok().flatten();
    Drawer { renderer, links, machine_now: clock.machine_now(), act, config }
}

impl Drawer<'_> {
    /// The e-mail as it would be now; `None` where there is none, or where it cannot be drawn up,
    /// which its delivery tells.
    fn draw(&self, db: &Db, email: &Email) -> Option<Rendered> {
        let renderer = self.renderer.as_ref()?;
        let linking = Linking { links: self.links.as_ref(), now: self.machine_now };
        let made_with = (renderer, linking);
        deliver_emails::preview(db, &self.act, self.config, made_with, email).ok().flatten()
    }

    /// An e-mail. The subject of one that is still queued is what it would be now.
    fn object(&self, db: &Db, email: &Email) -> Value {
        show::email(email, || self.draw(db, email))
    }
}

fn list(ctx: &mut Context, args: List) -> anyhow::Result<()> {
    let mut store = ctx.reader()?;
    let drawer = drawer_of(ctx.act(), &ctx.clock, &ctx.config);
    let mut list = ctx.printer.list(FIELDS, COLUMNS);
    store.read(|db| {
        let tenant = args.tenant.as_deref().map(|slug| db.tenant(slug)).transpose()?;
        let filter = EmailFilter {
            status: args.status,
            tenant: tenant.map(|t| t.id),
            stage: args.stage,
            limit: args.limit.limit,
        };
        db.each_email(&filter, |email| {
            list.row(drawer.object(db, &email)).map_err(super::out_failed)
        })
    })?;
    Ok(list.end()?)
}

fn show(ctx: &mut Context, id: EmailId) -> anyhow::Result<()> {
    let drawer = drawer(ctx);
    let for_people = ctx.printer.for_people();
    let object = ctx.reader()?.read(|db| {
        let email = db.email(id)?;
        let mut shown = show::email_in_full(db, &email, || drawer.draw(db, &email))?;
        // For a person without its encoding.
        if let Some(text) = db.message(id)?.filter(|_| for_people).and_then(|b| text_of(&b)) {
            shown["message"] = json!(text);
        }
        Ok(shown)
    })?;
    if ctx.printer.format() != Format::Table {
        return Ok(ctx.printer.object(&object)?);
    }
    let mut fields = object;
    let message = fields.as_object_mut().and_then(|o| o.shift_remove("message"));
    ctx.printer.object(&fields)?;
    let message = message.as_ref().and_then(Value::as_str).unwrap_or_default().replace('\r', "");
    Ok(ctx.printer.text(&format!("\n{}", printable(&message)))?)
}

fn resend(ctx: &mut Context, args: &Resend) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    let since = args.since.as_deref();
    let since = since.map(|since| ctx.clock.start("since", since)).transpose()?;
    if let Some(id) = args.id {
        let id = ctx.write(&mut store, |book| book.resend(id))?;
        return show_queued(ctx, &mut store, id);
    }
    let queued = ctx.write(&mut store, |book| book.resend_failed(since.as_deref()))?;
    let drawer = drawer_of(ctx.act(), &ctx.clock, &ctx.config);
    let mut list = ctx.printer.list(FIELDS, COLUMNS);
    store.read(|db| {
        queued.iter().try_for_each(|id| {
            list.row(drawer.object(db, &db.email(*id)?)).map_err(super::out_failed)
        })
    })?;
    Ok(list.end()?)
}

/// Shows an e-mail that was queued.
pub(super) fn show_queued(ctx: &mut Context, store: &mut Store, id: EmailId) -> anyhow::Result<()> {
    let drawer = drawer(ctx);
    let email = store.read(|db| Ok(drawer.object(db, &db.email(id)?)))?;
    Ok(ctx.printer.object(&email)?)
}

fn preview(ctx: &mut Context, args: &Preview) -> anyhow::Result<()> {
    let locale = args.locale.unwrap_or(ctx.config.locale);
    if let Some(variant) = args.variant.filter(|variant| !variant.is_of(args.template)) {
        ctx.note(&format!("note: {} reads the same where {variant}", args.template));
    }
    let content = sample(&Example {
        template: args.template,
        locale,
        variant: args.variant,
        company: &ctx.config.company,
        currency: ctx.config.currency,
        today: ctx.clock.today(),
        tax: ctx.config.seller_tax(),
        basis: ctx.config.invoicing.basis(),
        legal_notes: ctx.config.invoicing.legal_notes.as_ref(),
        net_days: ctx.config.invoicing.net_days,
        attached: ctx.config.documents.attach != Attach::None,
        portal: ctx.config.portal.as_ref().map(|portal| ExamplePortal {
            base_url: &portal.base_url,
            pays: portal.allows(PortalAction::Pay),
        }),
    });
    let rendered = Renderer::new(ctx.config.mail.templates.as_deref())?.render(&content)?;
    if !ctx.printer.for_people() {
        return Ok(ctx.printer.object(&json!({
            "template": args.template.word(),
            "locale": locale.word(),
            "subject": rendered.subject,
            "text": rendered.text,
            "html": rendered.html,
        }))?);
    }
    match args.html {
        true => Ok(ctx.printer.text(&rendered.html)?),
        false => {
            Ok(ctx.printer.text(&format!("Subject: {}\n\n{}", rendered.subject, rendered.text))?)
        }
    }
}
