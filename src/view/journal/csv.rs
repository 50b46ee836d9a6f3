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
    debit: String,
    credit: String,
}

impl<'c> Csv<'c> {
    /// Lines on the accounts of that chart.
    pub fn new(chart: &'c Chart) -> Self {
        Csv { chart, lines: Vec::new(), debit: String::new(), credit: String::new() }
    }
}

/// Adds the records that `write` writes.
fn add(
    text: &mut String,
    lines: &mut Vec<u8>,
    write: impl FnOnce(&mut csv::Writer<&mut Vec<u8>>) -> csv::Result<()>,
) {
    lines.clear();
    // Its own buffer of 8 KB would be zeroed for each entry.
    let mut writer = csv::WriterBuilder::new().buffer_capacity(512).from_writer(&mut *lines);
    let written = write(&mut writer).is_ok() && writer.flush().is_ok();
    drop(writer);
    // Into memory, records of one length, of texts: none of it can fail.
    debug_assert!(written);
    text.push_str(std::str::from_utf8(lines).unwrap_or_default());
}

impl Form for Csv<'_> {
    fn head(&self, text: &mut String) {
        add(text, &mut Vec::new(), |writer| writer.write_record(COLUMNS));
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
        let Csv { chart, lines, debit, credit } = self;
        add(text, lines, |writer| {
            for posting in postings(entry) {
                let account = chart.of(posting.account);
                for (side, minor) in
                    [(&mut *debit, posting.debit()), (&mut *credit, posting.credit())]
                {
                    side.clear();
                    Money::from_minor(minor, entry.currency).write_major(side, '.');
                }
                writer.write_record([
                    &*date,
                    &id,
                    entry.kind.word(),
                    Journal::of(entry).word(),
                    &account.number,
                    &quoted_cell(&account.name),
                    &tenant,
                    &name,
                    &invoice,
                    &credit_note,
                    &transaction,
                    entry.currency.code(),
                    debit,
                    credit,
                    &recorded_on,
                ])?;
                written += 1;
            }
            Ok(())
        });
        written
    }
}
