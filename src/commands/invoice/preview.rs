//! `billing invoice preview`.

use clap::Args;

use super::super::Context;
use crate::books::Preview;
use crate::domain::SubscriptionId;
use crate::view::objects;

#[derive(Debug, Args)]
pub struct Previewed {
    /// The subscription's id, such as sub_12
    #[arg(long, value_name = "ID")]
    subscription: SubscriptionId,
}

pub(super) fn preview(ctx: &mut Context, args: &Previewed) -> anyhow::Result<()> {
    let preview = ctx.read(&mut ctx.reader()?, |book| book.preview_invoice(args.subscription))?;
    ctx.printer.object(&objects::preview(&preview.invoice, preview.by, ctx.clock.today()))?;
    say_when(ctx, &preview);
    Ok(())
}

/// Says what a preview cannot know: on which day a task will come, and whose credit is left then.
fn say_when(ctx: &Context, Preview { invoice, by }: &Preview) {
    let today = ctx.clock.today();
    let on = match invoice.issued_on {
        on if on <= today => "with its next run".to_owned(),
        on => format!("on {on}"),
    };
    ctx.note(&format!("note: tasks {by} will issue it {on}; nothing was written"));
    if !invoice.credit_applied.is_zero() {
        let credit = invoice.credit_applied;
        ctx.note(&format!("note: {credit} of credit would pay it if it were issued today"));
    }
}
