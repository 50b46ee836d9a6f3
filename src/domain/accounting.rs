//! The ledger as an accountant reads it: entries with a debit and a credit side, on the accounts of
//! a chart.

use chrono::NaiveDate;

use super::ids::{EntryId, TenantId, TransactionId};
use super::ledger::Entry;
use super::words;

words! {
    /// An account of the ledger.
    Account {
        /// What customers owe.
        Receivable = "receivable",
        /// What came in or went out.
        Cash = "cash",
        /// What was given up.
        Loss = "loss",
        /// What we owe the customer.
        Credit = "credit",
        /// Net of discount and tax.
        Revenue = "revenue",
        Tax = "tax",
    }
}

impl Account {
    /// Whether it is kept customer by customer.
    pub fn is_by_customer(self) -> bool {
        matches!(self, Account::Receivable | Account::Credit)
    }
}

words! {
    /// The journal in which an accountant keeps an entry.
    Journal {
        /// It moves revenue or tax.
        Sales = "sales",
        /// Money came in or went out.
        Bank = "bank",
        /// Everything else: credit that pays an invoice or is given, a debt that is given up.
        Other = "other",
    }
}

impl Journal {
    /// That of an entry. It is told by what the entry moves, whatever had happened.
    pub fn of(entry: &Entry) -> Journal {
        match entry {
            Entry { revenue: 0, tax: 0, cash: 0, .. } => Journal::Other,
            Entry { revenue: 0, tax: 0, .. } => Journal::Bank,
            _ => Journal::Sales,
        }
    }
}

/// What an account is called in somebody's chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    pub number: String,
    pub name: String,
}

/// The accounts of somebody's chart, one for each of the ledger's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    pub receivable: Numbered,
    pub cash: Numbered,
    pub loss: Numbered,
    pub credit: Numbered,
    pub revenue: Numbered,
    pub tax: Numbered,
}

impl Chart {
    /// What that account is called.
    pub fn of(&self, account: Account) -> &Numbered {
        match account {
            Account::Receivable => &self.receivable,
            Account::Cash => &self.cash,
            Account::Loss => &self.loss,
            Account::Credit => &self.credit,
            Account::Revenue => &self.revenue,
            Account::Tax => &self.tax,
        }
    }
}

/// Whether that is the number of an account: three digits, and then letters and digits, 20 at most.
pub fn is_account_number(text: &str) -> bool {
    let (class, rest) = text.split_at_checked(3).unwrap_or_default();
    !class.is_empty()
        && class.bytes().all(|b| b.is_ascii_digit())
        && rest.bytes().all(|b| b.is_ascii_alphanumeric())
        && text.len() <= 20
}

/// What an entry moves on one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    pub account: Account,
    /// In minor units, never nothing: a debit is positive, a credit negative.
    pub minor: i64,
}

impl Posting {
    /// In minor units; nothing of a credit.
    pub fn debit(self) -> i64 {
        self.minor.max(0)
    }

    /// In minor units; nothing of a debit.
    pub fn credit(self) -> i64 {
        -self.minor.min(0)
    }
}

/// What an entry moves, account by account. What we have, are owed or gave up is a debit where it
/// grows, where it came from a credit; so the postings of an entry add up to nothing. Of an entry
/// that moves nothing, such as an invoice over nothing, there is none.
pub fn postings(entry: &Entry) -> impl Iterator<Item = Posting> + use<> {
    [
        (Account::Receivable, entry.receivable),
        (Account::Cash, entry.cash),
        (Account::Loss, entry.loss),
        (Account::Credit, -entry.credit),
        (Account::Revenue, -entry.revenue),
        (Account::Tax, -entry.tax),
    ]
    .into_iter()
    .filter(|(_, minor)| *minor != 0)
    .map(|(account, minor)| Posting { account, minor })
}

/// An invoice as an entry names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Billed<'a> {
    pub number: &'a str,
    pub issued_on: NaiveDate,
}

/// An entry with the names of what it is about, as long as its row is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Booking<'a> {
    pub id: EntryId,
    pub entry: Entry,
    /// The day on which it was written down, in the business time zone.
    pub recorded_on: NaiveDate,
    pub tenant_id: TenantId,
    pub tenant: &'a str,
    /// What the customer is called today.
    pub name: &'a str,
    pub invoice: Option<Billed<'a>>,
    /// The number of the credit note.
    pub credit_note: Option<&'a str>,
    pub transaction: Option<TransactionId>,
}

/// The paper that proves an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A document, by its number.
    Document(&'a str),
    Transaction(TransactionId),
    /// There is none but the entry.
    Entry(EntryId),
}

impl std::fmt::Display for Piece<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Piece::Document(number) => f.write_str(number),
            Piece::Transaction(id) => id.fmt(f),
            Piece::Entry(id) => id.fmt(f),
        }
    }
}

impl<'a> Booking<'a> {
    /// The number of the document that it is about: a credit note, or an invoice.
    pub fn document(&self) -> Option<&'a str> {
        self.credit_note.or(self.invoice.map(|invoice| invoice.number))
    }

    /// The paper that proves it, and the day of that: of what is no sale the transaction; else the
    /// credit note or the invoice.
    pub fn piece(&self) -> (Piece<'a>, NaiveDate) {
        let booked_on = self.entry.booked_on;
        let moved = self.transaction.filter(|_| Journal::of(&self.entry) != Journal::Sales);
        match (moved, self.credit_note, self.invoice) {
            (Some(id), ..) => (Piece::Transaction(id), booked_on),
            (None, Some(number), _) => (Piece::Document(number), booked_on),
            (None, None, Some(invoice)) => (Piece::Document(invoice.number), invoice.issued_on),
            (None, None, None) => (Piece::Entry(self.id), booked_on),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ledger::EntryKind;
    use crate::domain::money::MAX_MINOR;

    fn entry([receivable, cash, loss, credit, revenue, tax]: [i64; 6]) -> Entry {
        let (kind, currency) = (EntryKind::Invoice, "EUR".parse().unwrap());
        let booked_on = "2026-03-01".parse().unwrap();
        Entry { kind, booked_on, currency, receivable, cash, loss, credit, revenue, tax }
    }

    /// Debits are positive, credits negative.
    #[test]
    fn each_side_of_an_entry_stands_where_an_accountant_looks_for_it() {
        use Account::*;
        type Row = (&'static str, [i64; 6], &'static [(Account, i64)], Journal);
        let table: [Row; 7] = [
            (
                "an invoice",
                [120, 0, 0, 0, 100, 20],
                &[(Receivable, 120), (Revenue, -100), (Tax, -20)],
                Journal::Sales,
            ),
            (
                "a payment with a surplus",
                [-120, 150, 0, 30, 0, 0],
                &[(Receivable, -120), (Cash, 150), (Credit, -30)],
                Journal::Bank,
            ),
            (
                "that bounces",
                [120, -150, 0, -30, 0, 0],
                &[(Receivable, 120), (Cash, -150), (Credit, 30)],
                Journal::Bank,
            ),
            (
                "a credit note to the balance",
                [0, 0, 0, 48, -40, -8],
                &[(Credit, -48), (Revenue, 40), (Tax, 8)],
                Journal::Sales,
            ),
            (
                "credit pays an invoice",
                [-30, 0, 0, -30, 0, 0],
                &[(Receivable, -30), (Credit, 30)],
                Journal::Other,
            ),
            (
                "a debt is given up",
                [-120, 0, 120, 0, 0, 0],
                &[(Receivable, -120), (Loss, 120)],
                Journal::Other,
            ),
            ("an invoice over nothing", [0; 6], &[], Journal::Other),
        ];
        for (what, amounts, expected, journal) in table {
            let found: Vec<_> =
                postings(&entry(amounts)).map(|posting| (posting.account, posting.minor)).collect();
            assert_eq!(found, expected, "{what}");
            assert_eq!(Journal::of(&entry(amounts)), journal, "{what}");
        }
    }

    #[test]
    fn an_account_has_three_digits_and_then_letters_or_digits() {
        for number in ["411", "44571", "512BNP", "70600000"] {
            assert!(is_account_number(number), "{number}");
        }
        for text in ["", "41", "4a1", "411 ", "411;x", "411:acme", "éé1", "411é", "(411)"] {
            assert!(!is_account_number(text), "{text:?}");
        }
    }

    proptest! {
        /// Whatever balances as a row balances as postings, and no side is negative.
        #[test]
        fn every_entry_balances(
            receivable in -MAX_MINOR..=MAX_MINOR,
            cash in -MAX_MINOR..=MAX_MINOR,
            loss in -MAX_MINOR..=MAX_MINOR,
            credit in -MAX_MINOR..=MAX_MINOR,
            tax in -MAX_MINOR..=MAX_MINOR,
        ) {
            let revenue = receivable + cash + loss - credit - tax;
            let entry = entry([receivable, cash, loss, credit, revenue, tax]);
            let all: Vec<Posting> = postings(&entry).collect();
            let sum = |side: fn(Posting) -> i64| all.iter().map(|p| i128::from(side(*p))).sum::<i128>();
            prop_assert_eq!(sum(Posting::debit), sum(Posting::credit));
            prop_assert!(all.iter().all(|p| (p.debit() > 0) != (p.credit() > 0)));
        }
    }
}
