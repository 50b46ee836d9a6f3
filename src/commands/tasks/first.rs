//! The first run of a task: at a terminal a person is asked before it writes to many.

use super::super::{Context, prompt};
use super::{gateway, recurring};
use crate::domain::schedule::Task;
use crate::mail::Transport;
use crate::store::Store;
use crate::tasks::{self, Given, Options};

/// So many e-mails a first run may write unasked.
const UNASKED: u64 = 10;

/// Asks before the first run of a task that writes more than ten e-mails: who tries it out on real
/// customers may not mean it. Without a terminal nothing is asked.
pub(super) fn ask(
    ctx: &Context,
    store: &mut Store,
    task: Task,
    options: &Options,
) -> anyhow::Result<()> {
    if !ctx.can_ask() || ctx.yes || task == Task::DeliverEvents {
        return Ok(());
    }
    let now = ctx.clock.act("first").at();
    if store.read(|db| db.last_run_until(task, &now))?.is_some() {
        return Ok(());
    }
    let gateway = gateway(&ctx.config);
    let given = Given {
        config: &ctx.config,
        clock: &ctx.clock,
        transport: &Transport::Nowhere,
        gateway: &gateway,
    };
    let mut due = 0;
    tasks::deliver_emails::dry_run(store, &given, |_| {
        due += 1;
        Ok(())
    })?;
    let queued = match task {
        Task::CheckOverdue => {
            tasks::check_overdue::dry_run(store, &given, options, |_, _| Ok(()))?.emails_queued
        }
        Task::GenerateRecurringInvoices => {
            recurring::dry_run(store, &given, options, |_, _, _, _| Ok(()))?.emails_queued
        }
        Task::CleanupExpiredTrials => {
            tasks::cleanup_expired_trials::dry_run(store, &given, |_, _| Ok(()))?.emails_queued
        }
        Task::RetryFailedPayments | Task::DeliverEmails | Task::DeliverEvents => 0,
    };
    let writes = queued + if options.no_deliver { 0 } else { due };
    if writes <= UNASKED {
        return Ok(());
    }
    prompt::ask(ctx, &format!("the first run of {task} writes {writes} e-mails"))
}
