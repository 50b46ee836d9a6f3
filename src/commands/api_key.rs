//! `billing api-key`: the words for keys of the API. What they are is in `domain/api_key.rs`, their rows
//! in `store/api_keys.rs`; what answers to them is `portal/api.rs`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Context, Limit, words};
use crate::domain::Refusal;
use crate::domain::api_key::{self, ApiKey, Scope};
use crate::domain::event::{About, ApiKeyEvent};
use crate::failure::exit;
use crate::store::{NewApiKey, Store};
use crate::view::objects;

/// `billing api-key …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a key; it is shown this once
    Create(Create),
    /// List keys: what each may ask for, never the key itself
    List(Limit),
    /// Let a key open nothing any more
    Revoke(Named),
}

#[derive(Debug, Args)]
pub struct Create {
    /// Who or what is given it
    #[arg(long, value_name = "N")]
    name: String,
    /// What it may ask for: all that only looks, everything, coupons, or to hand usage in; may be given several times
    #[arg(long, required = true, value_delimiter = ',', value_parser = words::<Scope>())]
    scope: Vec<Scope>,
    /// The customer whose key it is: it sees nobody else, and nothing of the product's own
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
}

/// A key's id or name.
#[derive(Debug, Args)]
pub struct Named {
    /// The key's id, such as key_3, or its name
    #[arg(value_name = "ID|NAME")]
    key: String,
}

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Create(args) => create(ctx, args)?,
        Command::List(limit) => list(ctx, limit)?,
        Command::Revoke(args) => revoke(ctx, &args.key)?,
    }
    Ok(exit::DONE)
}

fn create(ctx: &mut Context, args: Create) -> anyhow::Result<()> {
    let name = api_key::name(&args.name)?;
    let mut scopes = args.scope;
    scopes.sort();
    scopes.dedup();
    let mut store = ctx.writer()?;
    let (key, secret) = ctx.write(&mut store, |book| {
        let tenant = args.tenant.as_deref().map(|slug| book.db.tenant(slug)).transpose()?;
        let tenant = tenant.map(|tenant| tenant.id);
        let new = NewApiKey { name: &name, scopes: &scopes, tenant };
        let (id, secret) = book.db.insert_api_key(book.act, &new)?;
        let key = book.db.api_key(id)?;
        let event = ApiKeyEvent::Created {
            api_key: id,
            name: &name,
            scope: &key.scope(),
            prefix: &key.prefix,
        };
        book.record(about(&key), event, None)?;
        Ok((key, secret))
    })?;
    let mut object = objects::api_key(&key);
    object["key"] = json!(secret);
    ctx.printer.object(&object)?;
    ctx.note("note: the key is shown this once; only a hash of it is kept");
    Ok(())
}

fn revoke(ctx: &mut Context, name: &str) -> anyhow::Result<()> {
    let mut store = ctx.writer()?;
    let id = ctx.write(&mut store, |book| {
        let key = book.db.api_key_named(name)?;
        if key.revoked_at.is_some() {
            return Err(Refusal::ApiKeyRevoked { key: key.id.to_string() });
        }
        book.db.revoke_api_key(book.act, key.id)?;
        let event = ApiKeyEvent::Revoked { api_key: key.id, name: &key.name };
        book.record(about(&key), event, None)?;
        Ok(key.id)
    })?;
    let key = store.read(|db| db.api_key(id))?;
    Ok(ctx.printer.object(&objects::api_key(&key))?)
}

fn about(key: &ApiKey) -> About {
    key.tenant.as_ref().map_or(About::NOBODY, |(tenant, _)| About::from(*tenant))
}

fn list(ctx: &mut Context, limit: Limit) -> anyhow::Result<()> {
    let mut store: Store = ctx.reader()?;
    let mut list = ctx.printer.list(objects::API_KEY_FIELDS, objects::API_KEYS);
    store.read(|db| {
        db.each_api_key(limit.limit, |key| {
            list.row(objects::api_key(&key)).map_err(super::out_failed)
        })
    })?;
    Ok(list.end()?)
}
