//! A line a posting, for spreadsheets.

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
    lines: Vec<u8>,
}

impl<'c> Csv<'c> {
    /// Lines on the accounts of that chart.
    pub fn new(chart: &'c Chart) -> Self {
        Csv { chart, lines: Vec::new() }
    }
}

/// Adds records, of which each has as many cells.
fn add<'r, const N: usize>(
    text: &mut String,
    lines: &mut Vec<u8>,
    records: impl Iterator<Item = [&'r str; N]>,
) {
    lines.clear();
    // Its own buffer of 8 KB would be zeroed for each entry.
    let mut writer = csv::WriterBuilder::new().buffer_capacity(512).from_writer(&mut *lines);
    let written = { records }.try_for_each(|record| writer.write_record(record));
    let written = written.is_ok() && writer.flush().is_ok();
    drop(writer);
    // Into memory, records of one length, of texts: none of it can fail.
    debug_assert!(written);
    text.push_str(std::str::from_utf8(lines).unwrap_or_default());
}

impl Form for Csv<'_> {
    fn head(&self, text: &mut String) {
        add(text, &mut Vec::new(), std::iter::once(COLUMNS));
    }

    fn entry(&mut self, booking: &Booking, text: &mut String) -> u64 {
        let entry = &booking.entry;
        let [date, recorded_on] = [entry.booked_on, booking.recorded_on].map(|day| day.to_string());
        let id = booking.id.to_string();
        let transaction = booking.transaction.map(|id| id.to_string()).unwrap_or_default();
        let [tenant, name, invoice, credit_note] = [
            booking.tenant,
            booking.name,
            booking.invoice.map_or("", |invoice| invoice.number),
            booking.credit_note.unwrap_or_default(),
        ]
        .map(quoted_cell);
        let mut written = 0;
        for posting in postings(entry) {
            let account = self.chart.of(posting.account);
            let [debit, credit] = [posting.debit(), posting.credit()]
                .map(|minor| Money::from_minor(minor, entry.currency).major());
            let account_name = quoted_cell(&account.name);
            let record = [
                &date,
                &id,
                entry.kind.word(),
                Journal::of(entry).word(),
                &account.number,
                &account_name,
                &tenant,
                &name,
                &invoice,
                &credit_note,
                &transaction,
                entry.currency.code(),
                &debit,
                &credit,
                &recorded_on,
            ];
            add(text, &mut self.lines, std::iter::once(record));
            written += 1;
        }
        written
    }
}
