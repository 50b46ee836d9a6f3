//! The file of entries of article A47 A-1 of the French book of fiscal procedures (FEC).

use std::fmt::Write as _;

use chrono::{Datelike, NaiveDate};

use super::{Form, add};
use crate::domain::Money;
use crate::domain::accounting::{Account, Booking, Chart, Journal, Piece, postings};
use crate::domain::email::Locale;

/// The columns, in their order.
const COLUMNS: [&str; 18] = [
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "CompAuxNum",
    "CompAuxLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "EcritureLet",
    "DateLet",
    "ValidDate",
    "Montantdevise",
    "Idevise",
];

/// What a journal is called: its code, and its name.
fn called(journal: Journal) -> (&'static str, &'static str) {
    match journal {
        Journal::Sales => ("VE", "Ventes"),
        Journal::Bank => ("BQ", "Banque"),
        Journal::Other => ("OD", "Opérations diverses"),
    }
}

/// The form of the FEC. Entries are in euros.
#[derive(Debug)]
pub struct Fec {
    /// Number and name of each account, in the order of [`Account::ALL`].
    accounts: Vec<String>,
    /// How many entries each journal has so far, in the order of [`Journal::ALL`].
    numbers: [u64; Journal::ALL.len()],
    /// What stands before and behind the account and the amounts of an entry's lines.
    before: String,
    customer: String,
    piece: String,
    recorded: String,
}

impl Fec {
    /// A file on the accounts of that chart, in which each journal is numbered from 1.
    pub fn new(chart: &Chart) -> Self {
        let numbers = [0; Journal::ALL.len()];
        let account = |account: &Account| {
            let called = chart.of(*account);
            let mut text = format!("{}\t", called.number);
            add(&mut text, &called.name, &[]);
            text
        };
        let accounts = Account::ALL.iter().map(account).collect();
        let [before, customer, piece, recorded] = Default::default();
        Fec { accounts, numbers, before, customer, piece, recorded }
    }
}

fn day(text: &mut String, day: NaiveDate) {
    let _ = write!(text, "{:04}{:02}{:02}", day.year(), day.month(), day.day());
}

impl Form for Fec {
    fn head(&self, text: &mut String) {
        text.push_str(&COLUMNS.join("\t"));
        text.push('\n');
    }

    fn entry(&mut self, booking: &Booking, text: &mut String) -> u64 {
        let entry = &booking.entry;
        if postings(entry).next().is_none() {
            return 0;
        }
        let journal = Journal::of(entry);
        let number = &mut self.numbers[journal as usize];
        *number += 1;
        let (code, name) = called(journal);
        self.before.clear();
        let _ = write!(self.before, "{code}\t{name}\t{number}\t");
        day(&mut self.before, entry.booked_on);
        self.before.push('\t');
        self.piece.clear();
        let (piece, piece_on) = booking.piece();
        match piece {
            Piece::Document(number) => add(&mut self.piece, number, &[]),
            piece => drop(write!(self.piece, "{piece}")),
        }
        self.piece.push('\t');
        day(&mut self.piece, piece_on);
        let _ = write!(self.piece, "\t{}", entry.kind.said(Locale::Fr));
        if let Some(number) = booking.document() {
            self.piece.push(' ');
            add(&mut self.piece, number, &[]);
        }
        self.customer.clear();
        add(&mut self.customer, booking.name, &[]);
        let _ = write!(self.piece, " {}", self.customer);
        self.recorded.clear();
        day(&mut self.recorded, booking.recorded_on);
        let mut written = 0;
        for posting in postings(entry) {
            text.push_str(&self.before);
            text.push_str(&self.accounts[posting.account as usize]);
            text.push('\t');
            if posting.account.is_by_customer() {
                text.push_str(booking.tenant);
                text.push('\t');
                text.push_str(&self.customer);
            } else {
                text.push('\t');
            }
            text.push('\t');
            text.push_str(&self.piece);
            text.push('\t');
            Money::from_minor(posting.debit(), entry.currency).write_major(text, ',');
            text.push('\t');
            Money::from_minor(posting.credit(), entry.currency).write_major(text, ',');
            text.push_str("\t\t\t");
            text.push_str(&self.recorded);
            text.push_str("\t\t\n");
            written += 1;
        }
        written
    }
}
