//! What a program tells of refunds and disputes, checked field by field: a list of which a part cannot
//! be relied on is not taken at all, and everything that is wrong with it is said at once.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::answer::{self, LONGEST_CODE, LONGEST_REFERENCE, string};
use super::words::Words;
use crate::domain::gateway_refund::{Change, DisputeStatus, Done};
use crate::domain::{Currency, Money, text};
use crate::outside::run::Ran;

/// How much a program may tell: some ten thousand changes.
pub const LONGEST_LIST: usize = 4 * 1024 * 1024;

/// So many faults are named; the others are counted.
const MOST_FAULTS: usize = 10;

/// What is looked at in the answer. A field that is there twice is refused by the derived code, an
/// unknown one is passed over.
#[derive(Deserialize)]
struct Told {
    changes: Vec<Entry>,
}

/// One of the list, each field of whatever type.
#[derive(Deserialize)]
struct Entry {
    kind: Option<Value>,
    status: Option<Value>,
    reference: Option<Value>,
    charge: Option<Value>,
    amount: Option<Value>,
    currency: Option<Value>,
    at: Option<Value>,
}

/// Reads the changes out of a run, in the order in which they were told.
///
/// # Errors
/// What was wrong, each fault with the number of its change from 1.
pub fn judge(ran: &Ran, patience: Duration) -> Result<Vec<Change>, String> {
    // Nothing secret was said to the program.
    let words = Words::hiding_nothing();
    let stdout = answer::spoken(ran, patience, &words)?;
    let told = answer::object(stdout, LONGEST_LIST)
        .and_then(|text| shape(text).and_then(|()| answer::parsed::<Told>(text)))
        .map_err(|what| {
            answer::with_excerpt(format!("answered with {what}"), &words.excerpt(stdout))
        })?;
    let (mut changes, mut faults) = (Vec::new(), Vec::new());
    let mut refunds = BTreeSet::new();
    for (at, entry) in told.changes.into_iter().enumerate() {
        match change(entry, &words) {
            Ok(change) => {
                let again = matches!(change.done, Done::Refund { .. })
                    && !refunds.insert(change.reference.clone());
                if again {
                    let twice = format!("the refund {} a second time", change.reference);
                    faults.push((at + 1, vec![twice]));
                }
                changes.push(change);
            }
            Err(wrong) => faults.push((at + 1, wrong)),
        }
    }
    match faults.is_empty() {
        true => Ok(changes),
        false => Err(format!("answered with {}", named(&faults))),
    }
}

/// That the answer is an object with a list of objects: the derived code would take arrays for them.
fn shape(text: &str) -> Result<(), String> {
    let told: Value = serde_json::from_str(text).map_err(|_| answer::no_object())?;
    let list = match &told["changes"] {
        Value::Null => return Err("no changes".to_owned()),
        Value::Array(list) => list,
        _ => return Err("changes that are no list".to_owned()),
    };
    match list.iter().position(|entry| !entry.is_object()) {
        Some(at) => Err(format!("a change {} that is no object", at + 1)),
        None => Ok(()),
    }
}

/// One change, or all that is wrong with it.
fn change(entry: Entry, words: &Words) -> Result<Change, Vec<String>> {
    let mut wrong = Wrong(Vec::new());
    let reference = wrong.note(name("reference", entry.reference));
    let charge = wrong.note(name("charge", entry.charge));
    let at = wrong.note(needed("at", entry.at).and_then(|at| moment(&at, words)));
    let kind = wrong.note(needed("kind", entry.kind));
    let done = match kind.as_deref() {
        Some("refund") => wrong.refund(entry.amount, entry.currency, words),
        Some("dispute") => wrong.dispute(entry.status, words),
        Some(other) => wrong.note(Err::<Done, _>(unknown("kind", other, words))),
        None => None,
    };
    match (reference, charge, at, done, wrong.0) {
        (Some(reference), Some(charge), Some(at), Some(done), none) if none.is_empty() => {
            Ok(Change { reference, charge, at, done })
        }
        (.., wrong) => Err(wrong),
    }
}

/// What is wrong so far.
struct Wrong(Vec<String>);

impl Wrong {
    fn note<T>(&mut self, read: Result<T, String>) -> Option<T> {
        read.map_err(|what| self.0.push(what)).ok()
    }

    fn refund(
        &mut self,
        amount: Option<Value>,
        currency: Option<Value>,
        words: &Words,
    ) -> Option<Done> {
        let amount = self.note(needed("amount", amount));
        let currency = needed("currency", currency).and_then(|code| {
            code.parse::<Currency>().map_err(|_| unknown("currency", &code, words))
        });
        let currency = self.note(currency)?;
        let amount = amount.map(|amount| match Money::parse(&amount, currency) {
            Ok(money) if money.minor() > 0 => Ok(money),
            _ => Err(format!("no amount of {currency}: {}", words.line(&amount, LONGEST_CODE))),
        })?;
        Some(Done::Refund { amount: self.note(amount)?, idempotency_key: None })
    }

    fn dispute(&mut self, status: Option<Value>, words: &Words) -> Option<Done> {
        let status = needed("status", status).and_then(|status| {
            DisputeStatus::from_word(&status).ok_or_else(|| unknown("status", &status, words))
        });
        self.note(status).map(|status| Done::Dispute { status })
    }
}

fn needed(field: &str, value: Option<Value>) -> Result<String, String> {
    string(field, value)?.ok_or_else(|| format!("no {field}"))
}

/// A reference, which is compared with what was answered to a refund or a charge.
fn name(field: &'static str, value: Option<Value>) -> Result<String, String> {
    let name = needed(field, value)?;
    text::line(field, &name, LONGEST_REFERENCE)
        .map_err(|_| format!("a {field} that is no line of 1 to {LONGEST_REFERENCE} characters"))
}

fn moment(text: &str, words: &Words) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.with_timezone(&Utc))
        .map_err(|_| format!("an at that is no RFC 3339: {}", words.line(text, LONGEST_CODE)))
}

fn unknown(field: &str, word: &str, words: &Words) -> String {
    format!("an unknown {field}: {}", words.line(word, LONGEST_CODE))
}

/// The faults in words, change by change.
fn named(faults: &[(usize, Vec<String>)]) -> String {
    let each = |(at, wrong): &(usize, Vec<String>)| format!("change {at}: {}", wrong.join(", "));
    let first: Vec<String> = faults.iter().take(MOST_FAULTS).map(each).collect();
    match faults.len().saturating_sub(MOST_FAULTS) {
        0 => first.join("; "),
        more => format!("{}; and {more} more changes with faults", first.join("; ")),
    }
}

#[cfg(test)]
mod tests;
