//! A journal of hledger, which `hledger check --strict` accepts, alone or included in another.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Form, add};
use crate::domain::accounting::{Account, Booking, Chart, Piece, postings};
use crate::domain::email::Locale;
use crate::domain::{Currency, Money, TenantId};

/// What begins a comment, and what sets a payee apart from a note.
const DESCRIPTION: &[(char, char)] = &[(';', ','), ('|', '/')];
/// Besides, what ends a code.
const CODE: &[(char, char)] = &[(';', ','), ('|', '/'), ('(', '['), (')', ']')];
/// What ends a value in a comment, and what makes a word a tag: `type:` of an account, `date:`.
const REMARK: &[(char, char)] = &[(',', ' '), (':', ' '), (';', ' ')];

/// The form of hledger.
#[derive(Debug)]
pub struct Hledger<'c> {
    chart: &'c Chart,
    locale: Locale,
    /// What was declared so far.
    currencies: Vec<Currency>,
    accounts: Declared,
}

/// Which accounts of which customers were declared: two bits each, so that a million of them are
/// no burden.
#[derive(Debug, Default)]
struct Declared(BTreeMap<i64, u64>);

impl Declared {
    /// Whether it is declared for the first time.
    fn add(&mut self, tenant: TenantId, account: Account) -> bool {
        let which = u32::from(account == Account::Credit);
        let place = tenant.0.rem_euclid(32) as u32 * 2 + which;
        let bits = self.0.entry(tenant.0.div_euclid(32)).or_default();
        let before = std::mem::replace(bits, *bits | 1 << place);
        before & 1 << place == 0
    }
}

/// What hledger takes an account for.
fn kind(account: Account) -> char {
    match account {
        Account::Receivable => 'A',
        Account::Cash => 'C',
        Account::Loss => 'X',
        Account::Credit | Account::Tax => 'L',
        Account::Revenue => 'R',
    }
}

impl<'c> Hledger<'c> {
    /// A journal on the accounts of that chart, whose entries are called as in `locale`.
    pub fn new(chart: &'c Chart, locale: Locale) -> Self {
        Hledger { chart, locale, currencies: Vec::new(), accounts: Declared::default() }
    }

    /// Declares the currency and the accounts of customers that come for the first time.
    fn declare(&mut self, booking: &Booking, text: &mut String) {
        let currency = booking.entry.currency;
        let begin = text.len();
        text.push('\n');
        if !self.currencies.contains(&currency) {
            self.currencies.push(currency);
            let decimals = currency.decimals() as usize;
            // A commodity without decimals is declared with a point all the same.
            let _ = writeln!(text, "commodity 1000.{:0<decimals$} {currency}", "");
        }
        for posting in postings(&booking.entry).filter(|posting| posting.account.is_by_customer()) {
            if self.accounts.add(booking.tenant_id, posting.account) {
                let number = &self.chart.of(posting.account).number;
                let _ = write!(text, "account {number}:{}  ; ", booking.tenant);
                add(text, booking.name, REMARK);
                text.push('\n');
            }
        }
        // Nothing was: the entry begins with an empty line itself.
        if text.len() == begin + 1 {
            text.truncate(begin);
        }
    }

    /// The line of a date, a code and a description, with what it is about as tags.
    fn headline(&self, booking: &Booking, text: &mut String) {
        let entry = &booking.entry;
        let _ = write!(text, "\n{} * (", entry.booked_on);
        match booking.piece().0 {
            Piece::Document(number) => add(text, number, CODE),
            piece => drop(write!(text, "{piece}")),
        }
        text.push_str(") ");
        add(text, booking.name, DESCRIPTION);
        text.push_str(" | ");
        text.push_str(entry.kind.said(self.locale));
        if let Some(number) = booking.document() {
            text.push(' ');
            add(text, number, DESCRIPTION);
        }
        let _ = write!(text, "  ; kind:{}, entry:{}, tenant:", entry.kind, booking.id);
        text.push_str(booking.tenant);
        let documents = [
            ("invoice", booking.invoice.map(|invoice| invoice.number)),
            ("credit_note", booking.credit_note),
        ];
        for (tag, number) in documents {
            let Some(number) = number else { continue };
            let _ = write!(text, ", {tag}:");
            add(text, number, REMARK);
        }
        if let Some(transaction) = booking.transaction {
            let _ = write!(text, ", transaction:{transaction}");
        }
        text.push('\n');
    }
}

impl Form for Hledger<'_> {
    fn head(&self, text: &mut String) {
        text.push_str("decimal-mark .\n\n");
        let mut declared: Vec<&str> = Vec::new();
        for &account in Account::ALL {
            let numbered = self.chart.of(account);
            if declared.contains(&numbered.number.as_str()) {
                continue;
            }
            declared.push(&numbered.number);
            let _ = write!(text, "account {}  ; ", numbered.number);
            add(text, &numbered.name, REMARK);
            let _ = writeln!(text, ", type:{}", kind(account));
        }
    }

    fn entry(&mut self, booking: &Booking, text: &mut String) -> u64 {
        if postings(&booking.entry).next().is_none() {
            return 0;
        }
        self.declare(booking, text);
        self.headline(booking, text);
        let mut written = 0;
        for posting in postings(&booking.entry) {
            text.push_str("    ");
            text.push_str(&self.chart.of(posting.account).number);
            if posting.account.is_by_customer() {
                text.push(':');
                text.push_str(booking.tenant);
            }
            text.push_str("  ");
            let currency = booking.entry.currency;
            Money::from_minor(posting.minor, currency).write_major(text, '.');
            let _ = writeln!(text, " {}", currency.code());
            written += 1;
        }
        written
    }
}
