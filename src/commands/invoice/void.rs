//! `billing invoice void`.

use clap::Args;

use super::super::{Context, prompt};
use super::settle;
use crate::books::{Sent, Then, Voiding};
use crate::domain::text;
use crate::view::explain;

#[derive(Debug, Args)]
pub struct Void {
    /// The invoice's number
    number: String,
    /// Why, for the customer's record
    #[arg(long)]
    reason: String,
    /// Let the next run bill its period of a subscription anew, with the same lines
    #[arg(long)]
    rebill: bool,
}

pub(super) fn void(ctx: &mut Context, args: &Void) -> anyhow::Result<()> {
    let reason = text::line("reason", &args.reason, 500)?;
    prompt::ask(ctx, &format!("{} is void for good, and its number stays taken", args.number))?;
    let sure = ctx.yes || ctx.can_ask();
    let how = Voiding {
        sent: if sure { Sent::Allowed } else { Sent::Refused },
        then: if args.rebill { Then::BillAnew } else { Then::StaysUnbilled },
    };
    let mut period = None;
    settle(ctx, &args.number, |book, invoice| {
        period = invoice.billed_period();
        book.void(invoice, &reason, how)
    })?;
    if let Some((subscription, days)) = period {
        let days = explain::period(Some(days)).unwrap_or_default();
        ctx.note(&match how.then {
            Then::BillAnew => format!("note: the next run bills {days} of {subscription} anew"),
            Then::StaysUnbilled => {
                format!(
                    "note: {days} of {subscription} stays unbilled; --rebill would have opened it"
                )
            }
        });
    }
    Ok(())
}
