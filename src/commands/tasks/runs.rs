//! `billing tasks runs`.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};

use super::super::{Context, Limit};
use crate::domain::schedule::Task;
use crate::failure::exit;
use crate::reports::run_status;
use crate::store::{Run, RunStatus};
use crate::tasks::{self};
use crate::view::{Align, Column};

#[derive(Debug, Args)]
pub struct Runs {
    /// Only the runs of this task
    #[arg(long, value_parser = task())]
    task: Option<Task>,
    #[command(flatten)]
    limit: Limit,
}

/// A task by its name or its alias.
fn task() -> impl TypedValueParser<Value = Task> {
    let values = Task::ALL.iter().map(|task| {
        let alias = match task {
            Task::CheckOverdue => Some("check-overdue-invoices"),
            Task::GenerateRecurringInvoices => Some("generate-recurring"),
            _ => None,
        };
        PossibleValue::new(task.word()).aliases(alias)
    });
    PossibleValuesParser::new(values).try_map(|name| match name.as_str() {
        "check-overdue-invoices" => Ok(Task::CheckOverdue),
        "generate-recurring" => Ok(Task::GenerateRecurringInvoices),
        name => name.parse(),
    })
}

pub(super) const RUNS: &[Column] = &[
    ("id", "Run", Align::Left, 0),
    ("task", "Task", Align::Left, 0),
    ("as_of", "As of", Align::Left, 0),
    ("status", "Status", Align::Left, 0),
    ("did", "Result", Align::Left, 1),
];

pub(super) fn runs(ctx: &mut Context, args: &Runs) -> anyhow::Result<u8> {
    let fields = &["id", "task", "as_of", "status", "started_at", "finished_at"];
    let mut store = ctx.reader()?;
    let dead = tasks::lock::dead_runs(&mut store)?;
    let mut list = ctx.printer.list(fields, RUNS);
    store.read(|db| {
        db.each_run(args.task, args.limit.limit, |run| {
            let status = run_status(run.id, run.status, &dead);
            list.row(run_object(&run, status)).map_err(super::super::out_failed)
        })
    })?;
    list.end()?;
    Ok(exit::DONE)
}

pub(super) fn run_object(run: &Run, status: RunStatus) -> Value {
    let result = run.result.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let did = result.as_ref().map(|result| did(run.task, result));
    json!({
        "id": run.id.to_string(),
        "task": run.task.word(),
        "as_of": run.as_of,
        "status": status.word(),
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "did": did,
        "result": result,
    })
}

/// What a run did, from its stored result.
pub(super) fn did(task: Task, result: &Value) -> String {
    let count = |name: &str| result[name].as_u64().unwrap_or(0);
    let what = match task {
        Task::GenerateRecurringInvoices => format!("{} invoices, ", count("invoices_created")),
        Task::RetryFailedPayments => format!(
            "{} charges tried: {} succeeded, {} declined, {} pending, ",
            count("eligible"),
            count("succeeded"),
            count("failed"),
            count("pending")
        ),
        Task::CleanupExpiredTrials => {
            format!("{} trials ended, {} announced, ", count("expired"), count("reminded"))
        }
        Task::CheckOverdue => {
            let steps = result["steps"].as_object().into_iter().flatten();
            let recorded: u64 = steps.filter_map(|(_, n)| n.as_u64()).sum();
            format!("{recorded} stages, ")
        }
        Task::DeliverEmails => String::new(),
        Task::DeliverEvents => {
            let told = |name: &str| result["hooks"][name].as_u64().unwrap_or(0);
            return format!(
                "{} events delivered, {} hooks failed, {} events held back",
                told("delivered"),
                told("failed") + told("stopped"),
                told("held")
            );
        }
    };
    format!(
        "{what}{} e-mails queued, {} sent, {} failed",
        count("emails_queued"),
        count("emails_sent"),
        count("emails_failed")
    )
}
