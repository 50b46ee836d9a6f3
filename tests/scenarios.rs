//! The documents whose commands and output are tests: every scenario.
mod support;

use std::path::Path;

fn scenario(document: &Path) {
    support::transcript::run(document, |_| {});
}

support::transcript::documents! {
    "tests/scenarios", scenario;
    at_once => "at-once.md",
    backlog => "backlog.md",
    begun => "begun.md",
    changes => "changes.md",
    charges => "charges.md",
    checkouts => "checkouts.md",
    coupons => "coupons.md",
    credit => "credit.md",
    credit_notes => "credit-notes.md",
    credit_and_dunning => "credit-and-dunning.md",
    customers => "customers.md",
    delivery => "delivery.md",
    documents => "documents.md",
    dunning => "dunning.md",
    events => "events.md",
    export_journal => "export-journal.md",
    import => "import.md",
    items => "items.md",
    least_amounts => "least-amounts.md",
    lines => "lines.md",
    money => "money.md",
    parties => "parties.md",
    pauses => "pauses.md",
    payment_record => "payment-record.md",
    payments => "payments.md",
    pending_items => "pending-items.md",
    periods => "periods.md",
    portal_emails => "portal-emails.md",
    portal_links => "portal-links.md",
    prices => "prices.md",
    redemptions => "redemptions.md",
    refunds => "refunds.md",
    reports => "reports.md",
    reprice => "reprice.md",
    suspension => "suspension.md",
    taken_back => "taken-back.md",
    tax_categories => "tax-categories.md",
    tax_inclusive => "tax-inclusive.md",
    tax_report => "tax-report.md",
    usage => "usage.md",
    void => "void.md",
    year => "year.md",
}

/// What is refused.
mod errors {
    use super::{scenario, support};

    support::transcript::documents! {
        "tests/scenarios/errors", scenario;
        changes => "changes.md",
    charges => "charges.md",
    checkouts => "checkouts.md",
        command_line => "command-line.md",
        configuration => "configuration.md",
        coupons => "coupons.md",
        credit_notes => "credit-notes.md",
        customers => "customers.md",
        database => "database.md",
        emails => "emails.md",
        exports => "exports.md",
        hooks => "hooks.md",
        imports => "imports.md",
        invoices => "invoices.md",
        pending_items => "pending-items.md",
        portal => "portal.md",
        prices => "prices.md",
        refunds => "refunds.md",
        subscriptions => "subscriptions.md",
        tasks => "tasks.md",
        usage => "usage.md",
        api_keys => "api-keys.md",
    }
}
