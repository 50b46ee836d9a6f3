//! What tasks and charges are given: how e-mails leave, and who takes the money, as billing.toml says.

use std::path::PathBuf;
use std::time::Duration;

use super::super::Context;
use super::summary::tell_errors;
use crate::config::{Config, GatewayKind, TlsKind, TransportKind};
use crate::domain::checkout::Checkout;
use crate::domain::{Act, Result, TenantId};
use crate::failure::exit;
use crate::gateway::{Gateway, Program, Stripe};
use crate::mail::{Secret, Smtp, Tls, Transport};
use crate::store::Store;
use crate::store::files::Owner;
use crate::tasks::charge::Charged;
use crate::tasks::refund::Refunded;
use crate::tasks::{Given, checkout};
use crate::view::objects;

/// How long each of the two calls may take by which a page is ended before an invoice is paid.
const BEFORE: Duration = Duration::from_secs(3);

/// The same once it is paid.
const AFTER: Duration = Duration::from_millis(1500);

/// How e-mails leave, as billing.toml says.
///
/// # Errors
/// A password file that cannot be read or that others may read.
pub fn transport(config: &Config, db: &std::path::Path) -> Result<Transport> {
    let mail = &config.mail;
    Ok(match mail.transport {
        TransportKind::File => Transport::File {
            directory: mail_folder(config, db),
            owner: Owner::of(db).map(|owner| (owner.user, owner.group)),
        },
        TransportKind::Sendmail => Transport::Sendmail { program: mail.sendmail.clone() },
        TransportKind::Smtp => {
            let tls = match mail.tls {
                TlsKind::Starttls => Tls::Starttls,
                TlsKind::Implicit => Tls::Implicit,
                TlsKind::None => Tls::None,
            };
            let standard = if mail.tls == TlsKind::Implicit { 465 } else { 587 };
            Transport::Smtp(Smtp {
                host: mail.host.clone().unwrap_or_default(),
                port: mail.port.unwrap_or(standard),
                tls,
                user: mail.user.clone(),
                password: config.smtp_password()?.map(Secret::new),
                connections: mail.connections as usize,
                timeout: Duration::from_secs(30),
                ca_file: mail.ca_file.clone(),
            })
        }
    })
}

/// Who takes the money, as billing.toml says.
pub fn gateway(config: &Config) -> Gateway {
    let payments = &config.payments;
    let timeout = Duration::from_secs(u64::from(payments.timeout_seconds));
    match payments.gateway {
        GatewayKind::None => Gateway::None,
        GatewayKind::Sandbox => Gateway::Sandbox,
        GatewayKind::Command => Gateway::Command(Program {
            command: payments.command.clone(),
            timeout,
            pass_env: payments.pass_env.clone(),
            name: payments.name.clone(),
            refunds: payments.refunds,
        }),
        GatewayKind::Stripe => match config.stripe_secret_key() {
            Ok(key) => {
                let account = Stripe::new(key, &payments.stripe.base_url, timeout);
                Gateway::Stripe(account.named(payments.name.clone()))
            }
            Err(refusal) => Gateway::Unusable(refusal),
        },
    }
}

/// Checks that a command may charge: one that lies in the future is refused where money would
/// really move.
///
/// # Errors
/// It lies in the future.
pub fn check_may_charge(ctx: &Context) -> Result<()> {
    match gateway(&ctx.config).moves_money() && !ctx.yes {
        true => ctx.clock.check_not_in_the_future(),
        false => Ok(()),
    }
}

/// Does what calls a gateway and sends no e-mail.
pub fn asking<T>(ctx: &Context, gateway: &Gateway, work: impl FnOnce(&Given, &Act) -> T) -> T {
    let given =
        Given { config: &ctx.config, clock: &ctx.clock, transport: &Transport::Nowhere, gateway };
    work(&given, &ctx.act())
}

/// Charges as a command asks for it, and says what came of it.
///
/// # Errors
/// What `work` refuses, or it lies in the future.
pub fn charging(
    ctx: &Context,
    work: impl FnOnce(&Given, &Act) -> Result<Charged>,
) -> anyhow::Result<Charged> {
    check_may_charge(ctx)?;
    let charged = asking(ctx, &gateway(&ctx.config), work)?;
    tell_errors(ctx, &charged.errors);
    if charged.failed > 0 {
        ctx.note("note: the charge was declined; billing transaction list shows why");
    }
    if charged.pending > 0 {
        ctx.note("note: the charge is pending; billing tasks retry-failed-payments asks for it");
    }
    Ok(charged)
}

/// Ends the checkouts of an invoice that is about to be paid, credited or closed by hand.
///
/// # Errors
/// A fault of the file.
pub fn end_checkouts(ctx: &Context, store: &mut Store, number: &str) -> Result<()> {
    let gateway = gateway(&ctx.config).within(BEFORE);
    let ended =
        asking(ctx, &gateway, |given, act| checkout::expire_first(store, given, act, number))?;
    tell_errors(ctx, &ended.errors);
    Ok(())
}

/// Ends the checkouts of a tenant that what is committed already has superseded. What the gateway does not end
/// within a moment is the runs' to end.
///
/// # Errors
/// A fault of the file.
pub fn end_superseded(ctx: &Context, store: &mut Store, tenant: TenantId) -> Result<()> {
    let gateway = gateway(&ctx.config).within(AFTER);
    let ended =
        asking(ctx, &gateway, |given, act| checkout::expire_superseded(store, given, act, tenant))?;
    tell_errors(ctx, &ended.errors);
    Ok(())
}

/// Begins a checkout as a command asks for it.
///
/// # Errors
/// What `work` refuses, or it lies in the future.
pub fn checking_out(
    ctx: &mut Context,
    work: impl FnOnce(&Given, &Act) -> Result<Checkout>,
) -> anyhow::Result<u8> {
    check_may_charge(ctx)?;
    let checkout = asking(ctx, &gateway(&ctx.config), work)?;
    ctx.printer.object(&objects::checkout(&checkout, ctx.clock.now))?;
    if checkout.url.is_some() {
        return Ok(exit::DONE);
    }
    let why = checkout.message.as_deref().unwrap_or("another process is asking for it");
    ctx.note(&format!("warning: whether there is a page is not known: {why}; try again"));
    Ok(exit::PARTIAL)
}

/// Asks for refunds as a command asks for it, and says what came of it.
///
/// # Errors
/// What `work` refuses, or it lies in the future.
pub fn refunding(
    ctx: &Context,
    work: impl FnOnce(&Given, &Act) -> Result<Refunded>,
) -> anyhow::Result<Refunded> {
    check_may_charge(ctx)?;
    let refunded = asking(ctx, &gateway(&ctx.config), work)?;
    tell_errors(ctx, &refunded.errors);
    if refunded.pending > 0 {
        ctx.note("note: the refund is pending; billing tasks retry-failed-payments asks for it");
    }
    Ok(refunded)
}

/// Where the `file` transport writes: as configured, else `mail/` beside the database.
pub(super) fn mail_folder(config: &Config, db: &std::path::Path) -> PathBuf {
    let beside = || db.parent().map(|folder| folder.join("mail")).unwrap_or_else(|| "mail".into());
    config.mail.directory.clone().unwrap_or_else(beside)
}
