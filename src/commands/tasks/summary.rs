//! What a run did, in words.

use std::io::IsTerminal;

use super::super::{Context, Verbosity};
use crate::domain::Money;
use crate::tasks::deliver_events::Counts;
use crate::tasks::{
    ItemError, Report, Tally, check_overdue, cleanup_expired_trials, generate_recurring_invoices,
    retry_failed_payments,
};
use crate::view::Format;

/// Without a terminal, a run that did something prints one line, and one that did nothing prints
/// nothing: cron mails what is printed. Errors are always told.
pub(super) fn print_report(ctx: &mut Context, report: &Report) -> anyhow::Result<()> {
    tell_errors(ctx, &report.errors);
    tell_errors(ctx, &report.hook_warnings);
    match ctx.printer.format() {
        Format::Json => Ok(ctx.printer.document(report)?),
        Format::Csv => Ok(ctx.printer.object(&serde_json::to_value(report)?)?),
        Format::Table => {
            let people = std::io::stdout().is_terminal();
            let quiet = ctx.verbosity == Verbosity::Quiet;
            if quiet || (!people && !worth_a_line(report)) {
                return Ok(());
            }
            Ok(ctx.printer.text(&summary(report))?)
        }
    }
}

/// Cron starts `deliver-emails` all day long; it is only heard where something failed.
pub(super) fn worth_a_line(report: &Report) -> bool {
    match report.tally {
        Tally::DeliverEmails {} | Tally::DeliverEvents {} => !report.errors.is_empty(),
        _ => report.did_something || report.emails_sent > 0 || !report.errors.is_empty(),
    }
}

pub(super) const MOST_ERRORS_TOLD: usize = 20;

pub(super) fn tell_errors(ctx: &Context, errors: &[ItemError]) {
    for error in errors.iter().take(MOST_ERRORS_TOLD) {
        ctx.note(&format!("warning: {}: {}", error.subject, error.message));
    }
    if let Some(more) = errors.len().checked_sub(MOST_ERRORS_TOLD).filter(|more| *more > 0) {
        ctx.note(&format!("warning: and {more} more; --json names them all"));
    }
}

/// One line that says what a run did.
pub fn summary(report: &Report) -> String {
    let would = if report.dry_run { "would have " } else { "" };
    let mut parts = match &report.tally {
        Tally::GenerateRecurringInvoices(counts) => billed(counts, would),
        Tally::RetryFailedPayments(counts) => charges(counts, would),
        Tally::CleanupExpiredTrials(counts) => trials(counts, would),
        Tally::CheckOverdue(counts) => chased(counts, would),
        Tally::DeliverEmails {} => Vec::new(),
        Tally::DeliverEvents {} => {
            let told = report.hooks.map(|counts| hooks_told(&counts, would)).unwrap_or_default();
            return end_of_summary(report, told);
        }
    };
    if report.checkouts_paid > 0 {
        let paid = plural(report.checkouts_paid, "invoice");
        parts.push(format!("{paid} paid on the gateway's page"));
    }
    let emails = [
        (report.emails_queued, "queued"),
        (report.emails_sent, "sent"),
        (report.emails_failed, "failed"),
    ];
    let told: Vec<_> =
        emails.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    parts.push(match told.is_empty() {
        true => "no e-mails".to_owned(),
        false => format!("e-mails: {}", told.join(", ")),
    });
    if let Some(counts) = report.hooks.filter(|counts| *counts != Counts::default()) {
        parts.extend(hooks_told(&counts, would));
    }
    end_of_summary(report, parts)
}

fn end_of_summary(report: &Report, mut parts: Vec<String>) -> String {
    if !report.errors.is_empty() {
        parts.push(plural(report.errors.len() as u64, "error"));
    }
    format!("{} {}: {}", report.task, report.as_of, parts.join("; "))
}

/// What hooks were told.
fn hooks_told(counts: &Counts, would: &str) -> Vec<String> {
    let mut parts = vec![match counts.delivered {
        0 => "no event delivered".to_owned(),
        delivered => format!("{would}delivered {}", plural(delivered, "event")),
    }];
    if counts.held > 0 {
        parts.push(format!("{} held back", plural(counts.held, "event")));
    }
    parts
}

pub(super) fn billed(counts: &generate_recurring_invoices::Counts, would: &str) -> Vec<String> {
    let totals: Vec<_> = counts.totals.iter().map(Money::to_string).collect();
    let mut parts = vec![match counts.invoices_created {
        0 => "no new invoice".to_owned(),
        created => format!(
            "{would}issued {} to {}, {}",
            plural(created, "invoice"),
            plural(counts.subscriptions_billed, "subscription"),
            totals.join(", ")
        ),
    }];
    if counts.charged + counts.declined > 0 {
        parts.push(format!("charged {}, {} declined", counts.charged, counts.declined));
    }
    if counts.credit_notes_created > 0 {
        let notes = plural(counts.credit_notes_created, "credit note");
        parts.push(format!("{would}credited usage by {notes}"));
    }
    for (count, did) in [
        (counts.subscriptions_ended, "ended"),
        (counts.subscriptions_paused, "paused"),
        (counts.subscriptions_resumed, "resumed"),
    ] {
        if count > 0 {
            parts.push(format!("{would}{did} {}", plural(count, "subscription")));
        }
    }
    parts
}

pub(super) fn charges(counts: &retry_failed_payments::Counts, would: &str) -> Vec<String> {
    let mut parts = vec![match counts.eligible {
        0 => "nothing to charge".to_owned(),
        eligible => format!("{would}tried {}", plural(eligible, "charge")),
    }];
    let outcomes = [
        (counts.succeeded, "succeeded"),
        (counts.failed, "declined"),
        (counts.pending, "pending"),
        (counts.exhausted, "without an attempt left"),
        (counts.refunds_succeeded, "refunded"),
        (counts.refunds_failed, "not refunded"),
        (counts.refunds_pending, "being refunded"),
        (counts.changes_booked, "done at the gateway"),
    ];
    let told: Vec<_> =
        outcomes.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    parts.extend((!told.is_empty()).then(|| told.join(", ")));
    parts
}

pub(super) fn trials(counts: &cleanup_expired_trials::Counts, would: &str) -> Vec<String> {
    let canceled = counts.expired - counts.suspended - counts.converted;
    let done = [
        (counts.suspended, "suspended"),
        (counts.converted, "converted"),
        (canceled, "canceled"),
        (counts.reminded, "announced"),
    ];
    let told = done.iter().filter(|(n, _)| *n > 0);
    let told: Vec<_> =
        told.map(|(n, what)| format!("{would}{what} {}", plural(*n, "trial"))).collect();
    if told.is_empty() { vec!["no trial ends".to_owned()] } else { told }
}

pub(super) fn chased(counts: &check_overdue::Counts, would: &str) -> Vec<String> {
    let steps = [
        (counts.steps.friendly, "friendly"),
        (counts.steps.urgent, "urgent"),
        (counts.steps.warning, "warning"),
        (counts.steps.suspension, "suspension"),
    ];
    let recorded: Vec<_> =
        steps.iter().filter(|(n, _)| *n > 0).map(|(n, stage)| format!("{n} {stage}")).collect();
    let mut parts = vec![match recorded.is_empty() {
        true => "no new stage".to_owned(),
        false => format!("{would}recorded {}", recorded.join(", ")),
    }];
    if counts.tenants_suspended > 0 {
        parts.push(format!("{would}suspended {}", plural(counts.tenants_suspended, "tenant")));
    }
    if counts.suspensions_held > 0 {
        parts.push(format!("held back {}", plural(counts.suspensions_held, "suspension")));
    }
    parts
}

pub(super) fn plural(count: u64, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
