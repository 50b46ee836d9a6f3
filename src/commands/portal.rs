//! `billing portal`: the words for customers' pages. Its settings are in `config/portal.rs`, its links in
//! `links.rs` and `books/links.rs`.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;

use super::{Context, prompt, tenant};
use crate::books::links::Links;
use crate::config::portal::{SECRET_FILE, base_url};
use crate::config::{Config, Portal, Unusable};
use crate::domain::refusal::Why;
use crate::domain::{Refusal, Result};
use crate::failure::{Failure, exit};
use crate::store::Random;
use crate::store::files::{Owner, Part};

/// `billing portal`
#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// Answer requests on a socket of its own, on loopback, to try it out
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// `billing portal …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write what signs links, and say how to go on
    Init(Init),
    /// Print a link that lets a customer in for 12 hours, or one that shows an invoice
    Link(Link),
    /// End all links to a customer's pages, and each session that began with one
    Revoke(Named),
}

#[derive(Debug, ClapArgs)]
pub struct Init {
    /// Where the portal will be; [portal] is then put at the end of billing.toml
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub struct Link {
    /// The customer's slug
    tenant: String,
    /// Show and pay this invoice, and nothing else
    #[arg(long, value_name = "NUMBER")]
    invoice: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub struct Named {
    /// The customer's slug
    tenant: String,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, args: Args) -> anyhow::Result<u8> {
    match args.command {
        Some(Command::Init(args)) => init(ctx, args)?,
        Some(Command::Link(args)) => link(ctx, &args)?,
        Some(Command::Revoke(args)) => revoke(ctx, &args.tenant)?,
        None => {
            let failure = Failure::usage("billing portal answers requests of a web server, as CGI");
            return Err(failure
                .hint("to try it out: billing portal --listen 127.0.0.1:8080")
                .into());
        }
    }
    Ok(exit::DONE)
}

/// Writes the secret; where billing.toml says nothing of the portal and its address is known, that goes
/// there first: killed in between, the command can be given again.
fn init(ctx: &mut Context, args: Init) -> anyhow::Result<()> {
    let Some(config) = ctx.config.path.clone() else {
        return Err(Refusal::from(Unusable::Missing { path: "billing.toml".into() }).into());
    };
    let portal = ctx.config.portal.clone();
    let secret = match &portal {
        Some(portal) => portal.secret_file.clone(),
        None => config.parent().map_or_else(PathBuf::new, Path::to_owned).join(SECRET_FILE),
    };
    let mut part = Part::begin(&secret)?;
    let asked = asked_url(ctx, args.base_url, portal.as_ref())?;
    let bytes = Random::default().take::<32>()?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    part.write(&format!("{hex}\n"))?;
    if let Some(url) = &asked {
        append(&config, &lines(url))?;
        ctx.changes.made();
    }
    part.publish()?;
    ctx.changes.made();
    if let Some(owner) = Owner::of(&ctx.db) {
        owner.take(&secret);
    }
    let is_configured = asked.is_some() || portal.is_some();
    let base_url = asked.or(portal.map(|portal| portal.base_url));
    let (secret, config) = (secret.display().to_string(), config.display().to_string());
    if !ctx.printer.for_people() {
        return Ok(ctx.printer.object(&json!({
            "secret_file": secret,
            "config": config,
            "configured": is_configured,
            "base_url": base_url,
        }))?);
    }
    let next = match is_configured {
        true => "next: billing portal link TENANT prints a link to a customer's pages".to_owned(),
        false => format!("next: add to {config}\n{}", lines("https://billing.example.com")),
    };
    Ok(ctx.printer.text(&format!("wrote {secret}\n{next}"))?)
}

/// The address that is put into billing.toml; `None` where it stands there, or nobody said it.
fn asked_url(
    ctx: &Context,
    given: Option<String>,
    portal: Option<&Portal>,
) -> anyhow::Result<Option<String>> {
    let check = |url: &str| -> Result<String> {
        base_url(url.trim()).map_err(|_| Refusal::bad("base_url", url, Why::NotAPortalUrl))
    };
    let url = match (given, portal) {
        (Some(given), Some(portal)) if check(&given)? != portal.base_url => {
            let there = portal.base_url.clone();
            return Err(Refusal::OtherPortal { given, there }.into());
        }
        (_, Some(_)) => return Ok(None),
        (Some(given), None) => given,
        (None, None) if ctx.can_ask() && !ctx.yes => {
            let where_to = "Where will the portal be";
            prompt::needed(ctx, "--base-url", where_to, None, |url| check(url).map(drop))?
        }
        (None, None) => return Ok(None),
    };
    Ok(Some(check(&url)?))
}

/// What billing.toml says of a portal there.
fn lines(url: &str) -> String {
    format!("\n[portal]\nbase_url = \"{url}\"\nsecret_file = \"{SECRET_FILE}\"\n")
}

/// Adds to a file, which keeps its owner and who may read it.
fn append(path: &Path, text: &str) -> Result<()> {
    let failed = |e: std::io::Error| Refusal::file(path, "write", &e);
    let before = std::fs::read(path).map_err(failed)?;
    let break_first = if before.last().is_none_or(|last| *last == b'\n') { "" } else { "\n" };
    let mut file = OpenOptions::new().append(true).open(path).map_err(failed)?;
    file.write_all(format!("{break_first}{text}").as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)
}

/// What makes links.
fn links(config: &Config) -> Result<Links> {
    Links::of(config)?.ok_or_else(|| Unusable::NoPortal.into())
}

fn link(ctx: &mut Context, args: &Link) -> anyhow::Result<()> {
    let links = links(&ctx.config)?;
    let (now, today) = (ctx.clock.machine_now(), ctx.clock.today());
    let mut store = ctx.writer()?;
    let (made, slug) = ctx.write(&mut store, |book| {
        let tenant = book.db.tenant(&args.tenant)?;
        let made = match &args.invoice {
            None => book.make_sign_in_link(&links, &tenant, now)?,
            Some(number) => {
                let invoice = book.db.invoice(number)?;
                book.make_invoice_link(&links, &tenant, &invoice, today)?
            }
        };
        Ok((made, tenant.slug))
    })?;
    if ctx.printer.for_people() {
        ctx.note(&format!("note: it holds until {}", made.expires_at));
        return Ok(ctx.printer.text(&made.url)?);
    }
    Ok(ctx.printer.object(&json!({
        "url": made.url,
        "tenant": slug,
        "invoice": args.invoice,
        "expires_at": made.expires_at,
    }))?)
}

fn revoke(ctx: &mut Context, slug: &str) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    ctx.write(&mut store, |book| book.revoke_portal(&book.db.tenant(slug)?))?;
    tenant::show(ctx, &mut store, slug)
}
