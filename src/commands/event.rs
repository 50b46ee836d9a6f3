//! `billing event`: the words for the audit trail.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Context, Limit};
use crate::domain::{EventId, event};
use crate::failure::exit;
use crate::store::{EventFilter, RecordedEvent};
use crate::view::{Align, Column};

/// `billing event …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List what was done, by whom or what, and why
    List(List),
}

#[derive(Debug, Args)]
pub struct List {
    /// Only those about this customer
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    /// Only those about this invoice
    #[arg(long, value_name = "NUMBER")]
    invoice: Option<String>,
    /// Such as payment_recorded or tenant_suspended; docs/events.md lists them all
    #[arg(long, hide_possible_values = true, value_parser = kinds())]
    kind: Option<String>,
    /// Only those after this one; 0: from the first on
    #[arg(long, value_name = "ID", value_parser = after)]
    after: Option<EventId>,
    #[command(flatten)]
    limit: Limit,
}

/// Every kind of event, so that a misspelt one is no empty list.
fn kinds() -> PossibleValuesParser {
    let kinds = event::NOUNS.iter().flat_map(|(_, kinds)| kinds.iter().map(|kind| kind.word));
    PossibleValuesParser::new(kinds)
}

/// Reads the event after which a list begins: a script that reads on begins with 0.
pub(super) fn after(text: &str) -> Result<EventId, String> {
    match text {
        "0" | "evt_0" => Ok(EventId(0)),
        id => id.parse(),
    }
}

const FIELDS: &[&str] = &["id", "at", "kind", "tenant", "invoice", "actor", "reason", "data"];

const COLUMNS: &[Column] = &[
    ("id", "Event", Align::Left, 0),
    ("at", "When", Align::Left, 1),
    ("kind", "What", Align::Left, 0),
    ("tenant", "Tenant", Align::Left, 0),
    ("invoice", "Invoice", Align::Left, 3),
    ("actor", "Who", Align::Left, 4),
    ("reason", "Why", Align::Left, 2),
];

/// Carries the command out.
///
/// # Errors
/// Whatever is refused.
pub fn run(ctx: &mut Context, command: Command) -> anyhow::Result<u8> {
    let Command::List(args) = command;
    let mut store = ctx.reader()?;
    let mut list = ctx.printer.list(FIELDS, COLUMNS);
    store.read(|db| {
        let tenant = args.tenant.as_deref().map(|slug| db.tenant(slug)).transpose()?;
        let invoice = args.invoice.as_deref().map(|number| db.invoice(number)).transpose()?;
        let filter = EventFilter {
            tenant: tenant.map(|t| t.id),
            invoice: invoice.map(|i| i.id),
            kind: args.kind,
            after: args.after,
            limit: args.limit.limit,
        };
        db.each_event(&filter, |event| list.row(object(&event)).map_err(super::out_failed))
    })?;
    list.end()?;
    Ok(exit::DONE)
}

fn object(event: &RecordedEvent) -> Value {
    json!({
        "id": event.id.to_string(),
        "at": event.at,
        "kind": event.kind,
        "tenant": event.tenant,
        "invoice": event.invoice,
        "actor": event.actor,
        "reason": event.reason,
        "data": serde_json::from_str::<Value>(&event.data).unwrap_or_default(),
    })
}
