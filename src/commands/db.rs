//! `billing db`: the words for the database file.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Context;
use crate::domain::credit::ApplyCredit;
use crate::failure::exit;
use crate::store::{Access, CHASED, Copies, Fault, FaultKind, Migration, Shelf, Store, VERSION};
use crate::view::{Align, Column, Format};

/// `billing db …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Schema version, and each migration applied or pending
    Status,
    /// Lift the database to this program's schema; make it where there is none
    Migrate,
    /// Copy the database, sound and complete, also while others write; checked as by `db check`
    Backup(Backup),
    /// Prove that the file is sound and that what is kept agrees with what it is computed from
    Check,
}

#[derive(Debug, Args)]
pub struct Backup {
    /// A file that is not there yet
    file: PathBuf,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Status => status(ctx),
        Command::Migrate => migrate(ctx),
        Command::Backup(args) => {
            // One of an older version too: it is copied before it is lifted.
            let store = Store::open_any_version(&ctx.db, Access::Read)?;
            let which = match ctx.yes {
                true => Copies::Readable,
                false => Copies::Checked { but: passed_over(ctx) },
            };
            store.backup(&args.file, which)?;
            ctx.changes.made();
            let size = std::fs::metadata(&args.file).map_or(0, |meta| meta.len());
            let file = args.file.display().to_string();
            ctx.printer.object(&json!({ "backup": file, "bytes": size }))?;
            if let Some(folder) = &ctx.config.documents.directory {
                let folder = folder.display();
                ctx.note(&format!("note: documents lie in {folder}: copy that folder now, too"));
            }
            Ok(exit::DONE)
        }
        Command::Check => check(ctx),
    }
}

const MIGRATIONS: &[Column] = &[
    ("version", "Version", Align::Right, 0),
    ("summary", "Brings", Align::Left, 0),
    ("state", "State", Align::Left, 0),
];

fn status(ctx: &mut Context) -> anyhow::Result<u8> {
    let store = Store::open_any_version(&ctx.db, Access::Read)?;
    let version = store.version()?;
    let migrations: Vec<_> = Migration::all()
        .iter()
        .map(|m| {
            let state = if m.version <= version { "applied" } else { "pending" };
            json!({ "version": m.version, "summary": m.summary, "state": state })
        })
        .collect();
    let database = ctx.db.display().to_string();
    match ctx.printer.format() {
        Format::Table => {
            let known = match version > VERSION {
                true => format!(", newer than the {VERSION} that this program knows"),
                false => format!(" of {VERSION}"),
            };
            ctx.printer.text(&format!("{database}: schema version {version}{known}"))?;
            ctx.printer.table(MIGRATIONS, &migrations)?;
        }
        _ => ctx.printer.object(&json!({
            "database": database, "version": version, "known_version": VERSION,
            "migrations": migrations,
        }))?,
    }
    Ok(exit::DONE)
}

fn migrate(ctx: &mut Context) -> anyhow::Result<u8> {
    let act = ctx.act();
    let applied: Vec<i64> = match Store::open_any_version(&ctx.db, Access::Write) {
        Err(refusal)
            if matches!(refusal.of::<Fault>(), Some(Fault { kind: FaultKind::Missing, .. })) =>
        {
            Store::create(&ctx.db, &act)?;
            ctx.changes.made();
            Migration::all().iter().map(|m| m.version).collect()
        }
        Ok(mut store) => {
            let day_of = |at: &str| ctx.clock.day_of(at);
            let applied = store.migrate(&day_of)?;
            if !applied.is_empty() {
                ctx.changes.made();
            }
            applied.iter().map(|m| m.version).collect()
        }
        Err(other) => return Err(other.into()),
    };
    let database = ctx.db.display().to_string();
    match ctx.printer.format() {
        Format::Table if applied.is_empty() => {
            ctx.printer.text(&format!("{database}: schema version {VERSION}, nothing to do"))?;
        }
        Format::Table => ctx.printer.text(&format!("{database}: now schema version {VERSION}"))?,
        _ => ctx.printer.object(&json!({
            "database": database, "version": VERSION, "applied": applied,
        }))?,
    }
    Ok(exit::DONE)
}

const FINDINGS: &[Column] =
    &[("check", "Check", Align::Left, 0), ("detail", "Found", Align::Left, 0)];

/// The check that proves nothing by this config.
fn passed_over(ctx: &Context) -> Option<&'static str> {
    (ctx.config.invoicing.apply_credit == ApplyCredit::Manual).then_some(CHASED)
}

/// The check of documents: their bytes may lie in a folder beside the database.
const DOCUMENTS: &str = "documents";
const DOCUMENTS_PROVE: &str = "each document that was made is there, and is what it was";

/// So many lost documents are named.
const MOST_LOST: u64 = 100;

/// A check that finds nothing says nothing to a person, but for what a person may want to settle.
fn check(ctx: &mut Context) -> anyhow::Result<u8> {
    let mut store = Store::open(&ctx.db, Access::Read)?;
    let (mut checks, mut rows) = (Vec::new(), Vec::new());
    store.check_each(|check, found| {
        ctx.debug(&format!("{}: {}", check.name, check.proves));
        if Some(check.name) == passed_over(ctx) {
            return Ok(());
        }
        let named = found.findings.len() as u64;
        checks.push(json!({
            "name": check.name, "proves": check.proves, "found": named + found.more,
        }));
        let row = |detail: String| json!({ "check": check.name, "detail": detail });
        rows.extend(found.findings.into_iter().map(|finding| row(finding.detail)));
        if found.more > 0 && ctx.printer.for_people() {
            rows.push(row(format!("and {} more", found.more)));
        }
        Ok(())
    })?;
    let (mut credits, mut lost) = (Vec::new(), 0u64);
    let shelf = Shelf { folder: ctx.config.documents.directory.as_deref() };
    store.read(|db| {
        db.each_lost_document(shelf, |detail| {
            lost += 1;
            if lost <= MOST_LOST {
                rows.push(json!({ "check": DOCUMENTS, "detail": detail }));
            }
            Ok(())
        })?;
        db.each_surplus(None, |tenant, transaction, surplus| {
            credits.push(json!({
                "tenant": tenant, "transaction": transaction.to_string(),
                "amount": surplus.major(), "currency": surplus.currency().code(),
            }));
            Ok(())
        })
    })?;
    ctx.debug(&format!("{DOCUMENTS}: {DOCUMENTS_PROVE}"));
    checks.push(json!({ "name": DOCUMENTS, "proves": DOCUMENTS_PROVE, "found": lost }));
    match ctx.printer.format() {
        Format::Table => {
            if !rows.is_empty() {
                ctx.printer.table(FINDINGS, &rows)?;
            }
            for credit in &credits {
                ctx.printer.text(&format!(
                    "{} has an unapplied credit of {} {} from {}",
                    credit["tenant"].as_str().unwrap_or_default(),
                    credit["amount"].as_str().unwrap_or_default(),
                    credit["currency"].as_str().unwrap_or_default(),
                    credit["transaction"].as_str().unwrap_or_default(),
                ))?;
            }
        }
        _ => ctx.printer.object(&json!({
            "ok": rows.is_empty(), "findings": rows, "unapplied_credits": credits,
            "checks": checks,
        }))?,
    }
    Ok(if rows.is_empty() { exit::DONE } else { exit::REFUSED })
}
