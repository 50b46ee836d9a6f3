//! `billing coupon apply`, and what is to be remembered of a use.

use clap::{ArgGroup, Args};
use serde_json::{Map, Value, json};

use super::super::Context;
use crate::domain::refusal::Why;
use crate::domain::{Refusal, Result, SubscriptionId, text};
use crate::failure::Failure;
use crate::view::objects;

/// What is to be remembered of a use.
#[derive(Debug, Args)]
pub struct Metadata {
    /// What is to be remembered of the coupon's use; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    metadata: Vec<String>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("to").required(true).args(["invoice", "subscription"]))]
pub struct Apply {
    /// The coupon's code, in any case
    code: String,
    /// An open invoice on which nothing was paid
    #[arg(long, value_name = "NUMBER")]
    invoice: Option<String>,
    /// A subscription whose coming invoices it discounts
    #[arg(long, value_name = "ID")]
    subscription: Option<SubscriptionId>,
    #[command(flatten)]
    metadata: Metadata,
}

pub(super) fn apply(ctx: &mut Context, args: &Apply) -> anyhow::Result<()> {
    let metadata = args.metadata.json()?;
    let mut store = ctx.writer()?;
    let (object, begun) =
        ctx.write(&mut store, |book| match (&args.invoice, args.subscription) {
            (Some(number), _) => {
                let invoice = book.db.invoice(number)?;
                let id = book.discount_invoice(&args.code, &invoice, &metadata)?;
                Ok((objects::usage(&book.db.usage(id)?), Vec::new()))
            }
            (None, subscription) => {
                // One of them was given, clap says.
                let id = subscription.unwrap_or(SubscriptionId(0));
                let subscription = book.db.subscription(id)?;
                let (applied, begun) =
                    book.discount_subscription(&args.code, &subscription, &metadata)?;
                let amounts = (applied.price, applied.discount);
                let noted = (metadata.as_str(), book.act.at());
                let object =
                    objects::redemption(&applied.redemption, &subscription, amounts, noted);
                Ok((object, begun))
            }
        })?;
    ctx.note_begun(&begun);
    Ok(ctx.printer.object(&object)?)
}

/// The most pairs that one use may carry.
pub(super) const MOST_METADATA: usize = 20;

impl Metadata {
    /// The same of a command that need not use a coupon.
    ///
    /// # Errors
    /// As [`Metadata::json`], or there is something to be remembered and no coupon is used.
    pub fn json_with(&self, coupon: Option<&String>) -> anyhow::Result<String> {
        if coupon.is_none() && !self.metadata.is_empty() {
            return Err(Failure::usage("--metadata goes with --coupon").into());
        }
        Ok(self.json()?)
    }

    /// An object of texts, as JSON.
    ///
    /// # Errors
    /// One of them is no `KEY=VALUE`, a key stands there twice, or there are too many.
    pub fn json(&self) -> Result<String> {
        let bad = |pair: &str| Refusal::bad("metadata", pair, Why::NotMetadata);
        let mut object = Map::new();
        for pair in &self.metadata {
            let (key, value) = pair.split_once('=').ok_or_else(|| bad(pair))?;
            let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let fits = (1..=40).contains(&key.len()) && key.chars().all(is_key);
            if !fits || object.contains_key(key) || object.len() == MOST_METADATA {
                return Err(bad(pair));
            }
            let value = match value.trim() {
                "" => String::new(),
                value => text::line("metadata", value, 500)?,
            };
            object.insert(key.to_owned(), json!(value));
        }
        Ok(Value::Object(object).to_string())
    }
}
