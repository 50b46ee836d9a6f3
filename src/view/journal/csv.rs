//! A line a posting, for spreadsheets.

use std::fmt::Write as _;

use super::Form;
use crate::domain::Money;
use crate::domain::accounting::{Booking, Chart, Journal, postings};
use crate::domain::text::quoted_cell;

const COLUMNS: [&str; 15] = [
    "date",
    "entry",
    "kind",
    "journal",
    "account",
    "account_name",
    "tenant",
    "name",
    "invoice",
    "credit_note",
    "transaction",
    "currency",
    "debit",
    "credit",
    "recorded_on",
];

/// The form of CSV.
#[derive(Debug)]
pub struct Csv<'c> {
    chart: &'c Chart,
    /// What stands before the account of an entry's lines, and between it and the amounts.
    before: String,
    about: String,
}

impl<'c> Csv<'c> {
    /// Lines on the accounts of that chart.
    pub fn new(chart: &'c Chart) -> Self {
        Csv { chart, before: String::new(), about: String::new() }
    }
}

/// Adds a cell, and the comma behind it. By hand: a writer of records looks at each cell of an
/// entry's every line, and takes as long as all the rest of an export.
fn add(text: &mut String, value: &str) {
    let value = quoted_cell(value);
    if value.contains([',', '"', '\n', '\r']) {
        let _ = write!(text, "\"{}\"", value.replace('"', "\"\""));
    } else {
        text.push_str(&value);
    }
    text.push(',');
}

impl Form for Csv<'_> {
    fn head(&self, text: &mut String) {
        text.push_str(&COLUMNS.join(","));
        text.push('\n');
    }

    fn entry(&mut self, booking: &Booking, text: &mut String) -> u64 {
        let entry = &booking.entry;
        let Csv { chart, before, about } = self;
        before.clear();
        let (kind, journal) = (entry.kind.word(), Journal::of(entry).word());
        let _ = write!(before, "{},{},{kind},{journal},", entry.booked_on, booking.id);
        about.clear();
        for value in [
            booking.tenant,
            booking.name,
            booking.invoice.map_or("", |invoice| invoice.number),
            booking.credit_note.unwrap_or_default(),
        ] {
            add(about, value);
        }
        if let Some(transaction) = booking.transaction {
            let _ = write!(about, "{transaction}");
        }
        let _ = write!(about, ",{},", entry.currency.code());
        let mut written = 0;
        for posting in postings(entry) {
            let account = chart.of(posting.account);
            text.push_str(before);
            add(text, &account.number);
            add(text, &account.name);
            text.push_str(about);
            Money::from_minor(posting.debit(), entry.currency).write_major(text, '.');
            text.push(',');
            Money::from_minor(posting.credit(), entry.currency).write_major(text, '.');
            let _ = writeln!(text, ",{}", booking.recorded_on);
            written += 1;
        }
        written
    }
}
