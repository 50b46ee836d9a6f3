//! An example or two of each command: help shows them, and so do the manual pages.

use clap::Command;

/// By the words of a command.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("billing", &["billing demo", "billing init --currency EUR --company \"Example Services\""]),
    ("billing init", &["billing init --currency XOF --timezone Africa/Dakar --locale fr"]),
    ("billing demo", &["billing demo --dir try --tenants 50"]),
    (
        "billing tenant create",
        &[
            "billing tenant create acme --name \"Acme SARL\" --email compta@acme.example",
            "billing tenant create birch --name Birch --email b@birch.example --external-id u-17",
        ],
    ),
    ("billing tenant list", &["billing tenant list --status suspended"]),
    ("billing tenant show", &["billing tenant show acme", "billing tenant show @u-17 --json"]),
    (
        "billing tenant edit",
        &[
            "billing tenant edit acme --email billing@acme.example",
            "billing tenant edit acme --clear tax_id --metadata owner=awa",
        ],
    ),
    ("billing tenant rename", &["billing tenant rename acme acme-group"]),
    ("billing tenant suspend", &["billing tenant suspend acme --reason \"abuse of the service\""]),
    ("billing tenant reactivate", &["billing tenant reactivate acme --until 2026-03-31"]),
    ("billing tenant close", &["billing tenant close acme"]),
    ("billing tenant reopen", &["billing tenant reopen acme --reason \"signed again\""]),
    (
        "billing plan create",
        &[
            "billing plan create pro --name Pro --price 49.90 --currency EUR --interval month",
            "billing plan create year --name Yearly --price 150000 --interval year --trial-days 14",
        ],
    ),
    ("billing plan list", &["billing plan list"]),
    ("billing plan show", &["billing plan show pro --json"]),
    ("billing plan edit", &["billing plan edit pro --name \"Pro 2026\" --trial-days 30"]),
    ("billing plan archive", &["billing plan archive pro"]),
    (
        "billing plan price add",
        &[
            "billing plan price add pro --currency USD --model per_unit --price 54.90",
            "billing plan price add team --model graduated --tier 10:9.00 --tier inf:7.50 --minimum 50",
            "billing plan price add pro --meter sms --model per_unit --price 0.05 --included 100",
        ],
    ),
    (
        "billing plan reprice",
        &[
            "billing plan reprice pro --price 54.90 --from 2027-01-01 --dry-run",
            "billing plan reprice pro --price 54.90 --keep-existing",
        ],
    ),
    ("billing plan price list", &["billing plan price list pro"]),
    ("billing plan price archive", &["billing plan price archive pro --currency USD"]),
    ("billing meter create", &["billing meter create sms --name SMS --aggregation sum --unit SMS"]),
    ("billing meter list", &["billing meter list"]),
    ("billing meter show", &["billing meter show sms"]),
    ("billing meter archive", &["billing meter archive sms"]),
    (
        "billing usage add",
        &[
            "billing usage add --meter sms --tenant acme --value 12",
            "billing usage add --meter sms --subscription sub_12 --at 2026-11-03T10:00:00Z --id e-17",
        ],
    ),
    (
        "billing usage import",
        &[
            "billing usage import events.jsonl --rejects bad.jsonl",
            "billing usage import - --format csv --atomic",
        ],
    ),
    (
        "billing usage show",
        &[
            "billing usage show --tenant acme",
            "billing usage show --subscription sub_12 --period last --by day",
        ],
    ),
    (
        "billing usage void",
        &["billing usage void e-17 --at 2026-11-03 --reason \"a test of ours\""],
    ),
    (
        "billing api-key create",
        &[
            "billing api-key create --name shop --scope coupons,usage",
            "billing api-key create --name \"Acme's own\" --scope write --tenant acme",
        ],
    ),
    ("billing api-key list", &["billing api-key list --json"]),
    ("billing api-key revoke", &["billing api-key revoke shop"]),
    ("billing usage list", &["billing usage list --tenant acme --meter sms --limit 20"]),
    (
        "billing subscription create",
        &[
            "billing subscription create --tenant acme --plan pro",
            "billing subscription create --tenant acme --plan pro --quantity 5 --coupon WELCOME",
            "billing subscription create --tenant acme --plan pro --item support --item seats:12",
        ],
    ),
    ("billing subscription list", &["billing subscription list --status past_due"]),
    ("billing subscription show", &["billing subscription show sub_12"]),
    (
        "billing subscription change",
        &[
            "billing subscription change sub_12 --quantity 8",
            "billing subscription change sub_12 --plan team --now --dry-run",
            "billing subscription change sub_12 --item seats --quantity 15",
            "billing subscription change sub_12 --collection automatic",
        ],
    ),
    (
        "billing subscription add",
        &[
            "billing subscription add sub_12 --plan support",
            "billing subscription add sub_12 --plan support --now",
        ],
    ),
    ("billing subscription remove", &["billing subscription remove sub_12 --plan support"]),
    (
        "billing subscription trial",
        &[
            "billing subscription trial sub_12 --extend-days 7",
            "billing subscription trial sub_12 --end-now",
        ],
    ),
    ("billing subscription coupon", &["billing subscription coupon sub_12 --remove"]),
    (
        "billing subscription cancel",
        &[
            "billing subscription cancel sub_12",
            "billing subscription cancel sub_12 --now --credit",
        ],
    ),
    (
        "billing subscription pause",
        &[
            "billing subscription pause sub_12 --until 2026-09-30 --reason holidays",
            "billing subscription pause sub_12 --now --credit",
        ],
    ),
    ("billing subscription resume", &["billing subscription resume sub_12"]),
    ("billing subscription explain", &["billing subscription explain sub_12"]),
    (
        "billing payment-method create",
        &["billing payment-method create --tenant acme --kind card --token pm_1Q2w3E --default"],
    ),
    ("billing payment-method list", &["billing payment-method list --tenant acme"]),
    ("billing payment-method remove", &["billing payment-method remove pm_3"]),
    ("billing payment-method set-default", &["billing payment-method set-default pm_3"]),
    (
        "billing pending-item create",
        &[
            "billing pending-item create --tenant acme --amount 120 --description Training",
            "billing pending-item create --tenant acme --subscription sub_12 --quantity 1.5 --unit-price 80 --description Support",
        ],
    ),
    ("billing pending-item list", &["billing pending-item list --tenant acme --status pending"]),
    ("billing pending-item show", &["billing pending-item show pit_3"]),
    ("billing pending-item remove", &["billing pending-item remove pit_3"]),
    (
        "billing invoice create",
        &[
            "billing invoice create --tenant acme --amount 120 --description Training --send",
            "billing invoice create --tenant acme --line \"Support: on site:1.5:80\" --line SMS:1200:0.0123",
        ],
    ),
    ("billing invoice preview", &["billing invoice preview --subscription sub_12"]),
    (
        "billing invoice list",
        &[
            "billing invoice list --tenant acme --status open",
            "billing invoice list --since 2026-01-01 --until 2026-03-31 --format csv",
        ],
    ),
    ("billing invoice show", &["billing invoice show INV-2026-000042 --json"]),
    (
        "billing invoice pay",
        &["billing invoice pay INV-2026-000042 --amount 120 --method transfer --reference BANK-17"],
    ),
    ("billing invoice charge", &["billing invoice charge INV-2026-000042"]),
    (
        "billing invoice checkout",
        &[
            "billing invoice checkout INV-2026-000042 --return-url https://shop.example/thanks --json",
        ],
    ),
    (
        "billing payment-method setup",
        &["billing payment-method setup --tenant acme --return-url https://shop.example/thanks"],
    ),
    ("billing invoice void", &["billing invoice void INV-2026-000042 --reason \"issued twice\""]),
    (
        "billing invoice write-off",
        &["billing invoice write-off INV-2026-000042 --reason insolvent"],
    ),
    (
        "billing invoice promise",
        &["billing invoice promise INV-2026-000042 --until 2026-03-31 --note \"on the phone\""],
    ),
    (
        "billing invoice dispute",
        &[
            "billing invoice dispute INV-2026-000042 --note \"the quantity\"",
            "billing invoice dispute INV-2026-000042 --resolve",
        ],
    ),
    ("billing invoice overdue", &["billing invoice overdue --min-days 15"]),
    (
        "billing invoice pdf",
        &[
            "billing invoice pdf INV-2026-000012 --out INV-2026-000012.pdf",
            "billing invoice pdf INV-2026-000012 --facturx > invoice.pdf",
        ],
    ),
    (
        "billing invoice xml",
        &[
            "billing invoice xml INV-2026-000012 > invoice.xml",
            "billing invoice xml INV-2026-000012 --syntax ubl --out invoice.xml",
        ],
    ),
    ("billing invoice check", &["billing invoice check INV-2026-000012"]),
    (
        "billing invoice send",
        &[
            "billing invoice send INV-2026-000012",
            "billing invoice send INV-2026-000012 --to accounts@acme.example",
        ],
    ),
    ("billing invoice explain", &["billing invoice explain INV-2026-000042"]),
    ("billing transaction list", &["billing transaction list --status failed --since 2026-03-01"]),
    ("billing transaction show", &["billing transaction show txn_7"]),
    (
        "billing transaction resolve",
        &["billing transaction resolve txn_7 --succeeded --note \"seen on the account\""],
    ),
    ("billing transaction reverse", &["billing transaction reverse txn_7 --reason \"it bounced\""]),
    (
        "billing credit grant",
        &["billing credit grant --tenant acme --amount 20 --reason \"a day of outage\""],
    ),
    ("billing credit list", &["billing credit list --tenant acme --open"]),
    ("billing credit show", &["billing credit show crd_3"]),
    ("billing credit apply", &["billing credit apply --invoice INV-2026-000042"]),
    (
        "billing credit unapply",
        &["billing credit unapply cru_5 --reason \"it was meant for the next one\""],
    ),
    (
        "billing credit-note create",
        &[
            "billing credit-note create --invoice INV-2026-000042 --full --reason cancellation --refund",
            "billing credit-note create --invoice INV-2026-000042 --line 2:10.00 --reason error --dry-run",
            "billing credit-note create --invoice INV-2026-000042 --amount 12 --reason goodwill --outside --reference \"transfer 77\"",
        ],
    ),
    (
        "billing transaction refund",
        &[
            "billing transaction refund txn_7 --reason \"paid twice\"",
            "billing transaction refund txn_7 --amount 12 --reason \"paid twice\" --outside --reference \"transfer 78\"",
        ],
    ),
    ("billing credit-note list", &["billing credit-note list --tenant acme --since 2026-01-01"]),
    ("billing credit-note pdf", &["billing credit-note pdf CN-2026-000003 --out note.pdf"]),
    ("billing credit-note xml", &["billing credit-note xml CN-2026-000003 --syntax ubl"]),
    ("billing credit-note check", &["billing credit-note check CN-2026-000003"]),
    ("billing credit-note show", &["billing credit-note show CN-2026-000001 --json"]),
    (
        "billing payment record",
        &[
            "billing payment record --tenant acme --amount 150 --paid-on 2026-03-14 --method transfer --reference BANK-71",
        ],
    ),
    (
        "billing coupon create",
        &[
            "billing coupon create WELCOME --name Welcome --percent 20 --until 2026-12-31 --max-uses 100",
            "billing coupon create LOYAL --name Loyal --amount 5 --currency EUR --until 2026-12-31 --duration forever",
        ],
    ),
    (
        "billing coupon generate",
        &["billing coupon generate --count 50 --prefix FAIR --percent 30 --until 2026-06-30"],
    ),
    ("billing coupon list", &["billing coupon list --active"]),
    ("billing coupon show", &["billing coupon show WELCOME"]),
    ("billing coupon edit", &["billing coupon edit WELCOME --until 2027-03-31"]),
    ("billing coupon activate", &["billing coupon activate WELCOME"]),
    ("billing coupon deactivate", &["billing coupon deactivate WELCOME"]),
    ("billing coupon delete", &["billing coupon delete WELCOME"]),
    ("billing coupon validate", &["billing coupon validate WELCOME --tenant acme --amount 49.90"]),
    ("billing coupon apply", &["billing coupon apply WELCOME --invoice INV-2026-000042"]),
    ("billing coupon usages", &["billing coupon usages WELCOME --format csv"]),
    ("billing coupon stats", &["billing coupon stats", "billing coupon stats WELCOME"]),
    ("billing tasks check-overdue", &["billing tasks check-overdue --dry-run"]),
    ("billing tasks retry-failed-payments", &["billing tasks retry-failed-payments --dry-run"]),
    (
        "billing tasks generate-recurring-invoices",
        &["billing tasks generate-recurring-invoices --dry-run"],
    ),
    ("billing tasks cleanup-expired-trials", &["billing tasks cleanup-expired-trials --dry-run"]),
    ("billing tasks deliver-emails", &["billing tasks deliver-emails"]),
    ("billing tasks deliver-events", &["billing tasks deliver-events --dry-run"]),
    ("billing hook list", &["billing hook list"]),
    ("billing hook test", &["billing hook test app"]),
    ("billing hook replay", &["billing hook replay app --after evt_88"]),
    (
        "billing hook skip",
        &["billing hook skip app evt_90 --reason \"the product dropped that user\""],
    ),
    ("billing hook resume", &["billing hook resume app"]),
    ("billing tasks status", &["billing tasks status || echo \"look at billing\""]),
    ("billing tasks runs", &["billing tasks runs --task check-overdue --limit 5"]),
    ("billing report mrr", &["billing report mrr --since 2026-01-01"]),
    ("billing report tax", &["billing report tax --since 2026-01-01 --until 2026-03-31"]),
    ("billing report usage", &["billing report usage --since 2026-01-01 --until 2026-03-31"]),
    ("billing report overdue", &["billing report overdue --until 2026-03-31"]),
    ("billing report transactions", &["billing report transactions --since 2026-03-01"]),
    ("billing report kpi", &["billing report kpi --since 2026-01-01 --until 2026-03-31"]),
    ("billing report coupons", &["billing report coupons"]),
    ("billing report automation", &["billing report automation --since 2026-03-01"]),
    ("billing report html", &["billing report html --out pages"]),
    ("billing email list", &["billing email list --status failed"]),
    ("billing email show", &["billing email show eml_9"]),
    ("billing email preview", &["billing email preview warning --locale fr"]),
    ("billing email resend", &["billing email resend eml_9"]),
    ("billing portal init", &["billing portal init --base-url https://billing.example.com"]),
    (
        "billing portal link",
        &["billing portal link acme", "billing portal link acme --invoice INV-2026-000042 --json"],
    ),
    ("billing portal revoke", &["billing portal revoke acme"]),
    (
        "billing event list",
        &[
            "billing event list --tenant acme",
            "billing event list --after evt_88 --limit 100 --json",
        ],
    ),
    (
        "billing import",
        &[
            "billing import tenants tenants.csv --dry-run",
            "billing import invoices factures.csv --delimiter ';' --decimal ,",
        ],
    ),
    (
        "billing export documents",
        &[
            "billing export documents --since 2026-03-01 --until 2026-03-31 --out march",
            "billing export documents --since 2026-03-01 --out march --format facturx",
        ],
    ),
    (
        "billing export journal",
        &[
            "billing export journal --since 2026-03-01 --until 2026-03-31 --format hledger --out march.journal",
            "billing export journal --since 2026-01-01 --until 2026-12-31 --format fec --out sales.txt",
        ],
    ),
    ("billing db status", &["billing db status"]),
    ("billing db migrate", &["billing db migrate"]),
    ("billing db backup", &["billing db backup /var/backups/billing.db"]),
    ("billing db check", &["billing db check"]),
    ("billing completions", &["billing completions bash > /etc/bash_completion.d/billing"]),
    ("billing man", &["billing man --out /usr/local/share/man/man1"]),
];

/// Those of a command, by its words.
pub fn of(words: &str) -> &'static [&'static str] {
    let found = EXAMPLES.iter().find(|(command, _)| *command == words);
    found.map_or(&[], |(_, examples)| examples)
}

/// Every command with its examples, for a test.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    EXAMPLES.iter().flat_map(|(words, lines)| lines.iter().map(move |line| (*words, *line)))
}

/// The tree of commands with their examples at the foot of their help.
pub fn add(command: Command) -> Command {
    let words = command.get_name().to_owned();
    add_below(command, &words)
}

fn add_below(mut command: Command, words: &str) -> Command {
    let names: Vec<String> =
        command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        let below = format!("{words} {name}");
        command = command.mut_subcommand(name, |sub| add_below(sub, &below));
    }
    let lines = of(words);
    if lines.is_empty() {
        return command;
    }
    let told = command.get_after_help().map(|text| format!("{text}\n\n")).unwrap_or_default();
    let head = if lines.len() == 1 { "Example" } else { "Examples" };
    let more = match words {
        "billing" => "\n\nbilling help config lists the keys of billing.toml.",
        _ => "",
    };
    command.after_help(format!("{told}{head}:\n  {}{more}", lines.join("\n  ")))
}
