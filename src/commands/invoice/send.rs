//! `billing invoice send`.

use clap::Args;

use super::super::{Context, email};
use crate::domain::text;

#[derive(Debug, Args)]
pub struct Send {
    /// The invoice's number
    number: String,
    /// To this address alone, not the customer's
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
}

pub(super) fn send(ctx: &mut Context, args: &Send) -> anyhow::Result<()> {
    let to = args.to.as_deref().map(|to| text::email("to", to)).transpose()?;
    let mut store = ctx.writer()?;
    let id = ctx.write(&mut store, |book| {
        book.send_invoice(&book.db.invoice(&args.number)?, to.as_deref())
    })?;
    email::show_queued(ctx, &mut store, id)
}
