//! The words of what the other rooms refuse, each for reasons of its own.

use std::fmt::Write as _;

use super::values::bad_value;
use super::{Failure, Unprintable, cannot_print, exit, new};
use crate::clock::ClockFault;
use crate::config;
use crate::documents::Unwritable;
use crate::domain::Refusal;
use crate::gateway::Unavailable;
use crate::hooks::HookRefused;
use crate::imports::{BadRow, Unreadable};
use crate::mail::Undeliverable;
use crate::store::{Fault, FaultKind, Holder, Locked};
use crate::view::Unrenderable;

/// What another room refused, in words.
pub(super) fn of_room(refusal: &Refusal) -> Failure {
    let told = [
        refusal.of::<Fault>().map(Failure::from),
        refusal.of::<Locked>().map(Failure::from),
        refusal.of::<ClockFault>().map(Failure::from),
        refusal.of::<config::Unusable>().map(Failure::from),
        refusal.of::<Unavailable>().map(Failure::from),
        refusal.of::<Undeliverable>().map(Failure::from),
        refusal.of::<HookRefused>().map(Failure::from),
        refusal.of::<Unrenderable>().map(Failure::from),
        refusal.of::<Unwritable>().map(Failure::from),
        refusal.of::<Unreadable>().map(Failure::from),
        refusal.of::<Unprintable>().map(Failure::from),
    ];
    let told = told.into_iter().flatten().next();
    told.unwrap_or_else(|| new("internal", format!("{refusal:?}")))
}

impl From<&Fault> for Failure {
    fn from(refusal: &Fault) -> Failure {
        storage(&refusal.path.display().to_string(), &refusal.kind)
    }
}

impl From<&Locked> for Failure {
    fn from(Locked { what, path, holder }: &Locked) -> Failure {
        let (words, holder) = match holder {
            Some(Holder { name, pid, since }) => (
                format!("{name} (process {pid}) has held the lock since {since}"),
                serde_json::json!({ "task": name, "pid": pid, "since": since }),
            ),
            None => (
                format!("another process holds the lock {}", path.display()),
                serde_json::Value::Null,
            ),
        };
        let message = format!("{what} cannot start: {words}");
        let details = serde_json::json!({ "holder": holder });
        Failure { exit: exit::TRY_LATER, details, ..new("locked", message) }
            .hint("try again later, or wait for it with --wait SECONDS")
    }
}

impl From<&ClockFault> for Failure {
    fn from(refusal: &ClockFault) -> Failure {
        match refusal {
            ClockFault::NotAnInstant { value } => {
                new("bad_instant", format!("neither a date nor an RFC 3339 instant: {value}"))
                    .hint("write 2026-03-01 or 2026-03-01T09:00:00Z")
            }
            ClockFault::OutOfRange { value } => {
                new("bad_instant", format!("--as-of lies outside the years 1970 to 9000: {value}"))
                    .hint("write 2026-03-01 or 2026-03-01T09:00:00Z")
            }
            ClockFault::Impossible { now } => {
                new("clock_impossible", format!("the system clock says {now}, outside the years 1970 to 9000"))
                    .hint("set the clock right; --as-of stands in for it")
            }
            ClockFault::Jumped { last, now, ahead } => {
                let how = if *ahead { "more than 40 days after" } else { "more than a day before" };
                new("clock_jumped", format!("the system clock says {now}, {how} the last change, {last}"))
                    .hint("set the clock right; if it is right, run once with --yes")
            }
            ClockFault::Ahead { as_of, now } => {
                new("as_of_in_the_future", format!("--as-of {as_of} lies ahead of the system clock, {now}, and e-mails or money would really leave"))
                    .hint("--yes does it all the same; --dry-run changes nothing")
            }
        }
    }
}

impl From<&config::Unusable> for Failure {
    fn from(refusal: &config::Unusable) -> Failure {
        match refusal {
            config::Unusable::NoPortal => {
                new("no_portal", "billing.toml has no [portal], which says where the portal is and what signs its links")
                    .hint("billing portal init --base-url https://billing.example.com begins one")
            }
            config::Unusable::Setting { place, message } => {
                new("bad_config", format!("{place}: {message}"))
                    .hint("docs/configuration.md lists every key")
            }
            config::Unusable::Missing { path } => {
                new("config_missing", format!("there is no config file {}", path.display()))
                    .hint("billing init writes one")
            }
            config::Unusable::Untrusted { path, why } => {
                let path = path.display();
                let (why, remedy) = match why {
                    config::Untrusted::Owner { user } => {
                        (format!("it belongs to user {user}"), String::new())
                    }
                    config::Untrusted::Writable => {
                        ("others may write it".to_owned(), format!(", or chmod go-w {path}"))
                    }
                    config::Untrusted::Folder => (
                        "others may put another file in its place".to_owned(),
                        ", or chmod o-w its folder".to_owned(),
                    ),
                };
                new("untrusted_config", format!("{path} was found here and is not obeyed: {why}"))
                    .hint(format!("if you trust it, name it with --config {path}{remedy}"))
            }
        }
    }
}

impl From<&HookRefused> for Failure {
    fn from(refusal: &HookRefused) -> Failure {
        match refusal {
            HookRefused::Unknown { name, meant } => {
                let failure = new("not_found", format!("no hook of billing.toml is called {name}"));
                let meant =
                    meant.as_ref().map(|name| format!("did you mean {name}? ")).unwrap_or_default();
                failure.hint(format!("{meant}billing hook list shows them all"))
            }
            HookRefused::Failed { name, why } => {
                new("hook_failed", format!("{name} did not take the made-up event: {why}"))
                    .hint("docs/hooks.md says what a receiver answers")
            }
            HookRefused::NotToldYet { name, told } => {
                new("not_told_yet", format!("{name} was told of no event after {told} yet"))
                    .hint("a replay goes back; billing hook skip passes over one event")
            }
            HookRefused::NotNext { name, event, next } => {
                let failure = new("not_next", format!("{event} is not the next event of {name}"));
                match next {
                    Some(next) => failure.hint(format!("it is to be told of {next} next")),
                    None => failure.hint("it is told of all there is"),
                }
            }
        }
    }
}

impl From<&Unavailable> for Failure {
    fn from(refusal: &Unavailable) -> Failure {
        match refusal {
            Unavailable::None => {
                new("no_gateway", "no gateway is configured, so nothing can be charged")
                    .hint("set [payments] gateway in billing.toml")
            }
            Unavailable::Checkouts { gateway } => {
                let words = match gateway.as_str() {
                    "none" => "no gateway has a page to pay on".to_owned(),
                    gateway => format!("{gateway} has no page to pay on"),
                };
                new("checkout_unsupported", words)
                    .hint("docs/gateways.md says what a program answers that can; stripe and the sandbox can")
            }
            Unavailable::Checkout { code, message } => {
                let why = message.as_deref().unwrap_or(code);
                let words = format!("the gateway gives no page to pay on: {why}");
                Failure { details: serde_json::json!({ "gateway_code": code }), ..new("checkout_refused", words) }
            }
            Unavailable::Refunds { gateway } => {
                new("refunds_unsupported", format!("{gateway} gives nothing back"))
                    .hint("a program that can says so with [payments] refunds = true; else give it back by hand, then say --outside")
            }
            Unavailable::Another { took, gateway } => {
                new("other_gateway", format!("the money was taken by {took}, and {gateway} is configured"))
                    .hint("give it back there by hand, then say --outside")
            }
            Unavailable::Setting { place, message } => {
                new("bad_config", format!("{place}: {message}"))
                    .hint("docs/configuration.md lists every key")
            }
        }
    }
}

impl From<&Undeliverable> for Failure {
    fn from(refusal: &Undeliverable) -> Failure {
        match refusal {
            Undeliverable::Template { name, message } => {
                new("bad_template", format!("template {name}: {message}"))
                    .hint("billing email preview shows an e-mail as it would be sent")
            }
            Undeliverable::Transport { message } => new("bad_mail", message.clone()),
        }
    }
}

impl From<&Unrenderable> for Failure {
    fn from(Unrenderable { name, message }: &Unrenderable) -> Failure {
        new("bad_template", format!("template {name}: {message}"))
    }
}

impl From<&Unreadable> for Failure {
    fn from(refusal: &Unreadable) -> Failure {
        match refusal {
            Unreadable::Rows { path, rows } => bad_rows(path, rows),
            Unreadable::Header { path, problems } => {
                new("bad_header", format!("{}:1: {}", path.display(), problems.join("; ")))
                    .hint("billing import --help lists the columns of each kind")
            }
            Unreadable::Columns { path, problems } => {
                new("bad_header", format!("{}:1: {}", path.display(), problems.join("; ")))
                    .hint("billing usage import --help lists the columns")
            }
            Unreadable::Delimiter { path, found, expected } => {
                let named = |c: &char| match c {
                    '\t' => "a tab".to_owned(),
                    other => format!("\"{other}\""),
                };
                let message = format!(
                    "{}:1: its columns are set apart by {}, not by {}",
                    path.display(),
                    named(found),
                    named(expected)
                );
                let typed = if *found == '\t' { "tab".to_owned() } else { format!("'{found}'") };
                new("bad_delimiter", message).hint(format!("--delimiter {typed} reads it"))
            }
        }
    }
}

impl From<&Unprintable> for Failure {
    fn from(Unprintable { message, .. }: &Unprintable) -> Failure {
        cannot_print(message)
    }
}

/// All bad rows of an import, each with the code that its value alone would be refused with.
fn bad_rows(path: &std::path::Path, rows: &[BadRow]) -> Failure {
    let mut message = match rows.len() {
        1 => "1 bad value, nothing was imported".to_owned(),
        n => format!("{n} bad values, nothing was imported"),
    };
    let mut details = Vec::new();
    for row in rows {
        let column =
            if row.column.is_empty() { String::new() } else { format!("{}: ", row.column) };
        let (code, words, _) = bad_value(&row.value, &row.why);
        let _ = write!(message, "\n  {}:{}: {column}{words}", path.display(), row.line);
        let column = Some(&row.column).filter(|c| !c.is_empty());
        details.push(serde_json::json!({
            "line": row.line, "column": column, "code": code, "reason": words,
        }));
    }
    let first = rows.first().and_then(|row| bad_value(&row.value, &row.why).2);
    let failure = first.into_iter().fold(new("bad_rows", message), Failure::hint);
    Failure { details: serde_json::json!({ "rows": details }), ..failure }
}

fn storage(path: &str, fault: &FaultKind) -> Failure {
    match fault {
        FaultKind::Missing => new("no_database", format!("there is no database {path}"))
            .hint("billing init makes one; --db or BILLING_DB names another"),
        FaultKind::NotADatabase => new("not_a_database", format!("not a SQLite database: {path}"))
            .hint("--db or BILLING_DB names another file"),
        FaultKind::NotOurs => {
            new("foreign_database", format!("a database of another program: {path}"))
                .hint("--db or BILLING_DB names another file")
        }
        FaultKind::Corrupt(what) => {
            new("damaged_database", format!("the database is damaged, {what}: {path}"))
                .hint("bring back the last backup; billing db check says what is wrong")
        }
        FaultKind::Unsound { found, first } => {
            let more = match found {
                1 => String::new(),
                more => format!(", and {} more", more - 1),
            };
            new("unsound_copy", format!("what would be copied is not sound, {first}{more}: {path}"))
                .hint("billing db check names all of it; --yes keeps the copy all the same")
        }
        FaultKind::Newer { found, known } => new(
            "newer_database",
            format!("the database has schema version {found}, this program knows {known}: {path}"),
        )
        .hint("install the newer billing that wrote it"),
        FaultKind::Older { found, known } => new(
            "older_database",
            format!("the database has schema version {found}, this program needs {known}: {path}"),
        )
        .hint("make a backup with billing db backup, then run billing db migrate"),
        FaultKind::ReadOnly => {
            new("read_only", format!("the database or its folder cannot be written: {path}"))
                .hint("check the owner and the mode of the folder and of the file")
        }
        FaultKind::Full { room: None } => new("disk_full", format!("the disk is full: {path}"))
            .hint("make room, then run the command again: nothing was changed"),
        FaultKind::Full { room: Some((free, needed)) } => {
            let mb = |bytes: &u64| bytes / (1 << 20);
            let (free, needed) = (mb(free), mb(needed));
            new(
                "disk_full",
                format!("{free} MB are free on the disk and {needed} MB are needed: {path}"),
            )
            .hint("make room, then run the command again: nothing was changed")
        }
        FaultKind::Busy => {
            new("busy", format!("another command has been writing for a minute: {path}"))
                .hint("try again when it has finished")
        }
        FaultKind::Denied => new("denied", format!("the database cannot be opened: {path}"))
            .hint("check the owner and the mode of the folder and of the file"),
        FaultKind::Io(what) => new("io", format!("the disk failed, {what}: {path}"))
            .hint("whether the last change took place is not known: look before you repeat it"),
        FaultKind::Constraint(what) => {
            new("constraint", format!("the database refused it: {what}"))
        }
        FaultKind::Other(what) => new("storage", format!("{what}: {path}")),
    }
}
