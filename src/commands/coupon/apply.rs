//! `billing coupon apply`, and what is to be remembered of a use.

use clap::{ArgGroup, Args};
use serde_json::{Map, Value};

use super::super::tasks::end_superseded;
use super::super::{Context, metadata};
use crate::domain::{Result, SubscriptionId};
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
    /// An open or paid invoice; where it has left or was paid, a credit note gives the discount
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
    if let Some(number) = &args.invoice {
        let tenant = store.read(|db| db.invoice(number))?.tenant_id;
        end_superseded(ctx, &mut store, tenant)?;
    }
    Ok(ctx.printer.object(&object)?)
}

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
        let mut object = Map::new();
        metadata::put(&self.metadata, &mut object)?;
        Ok(Value::Object(object).to_string())
    }
}
