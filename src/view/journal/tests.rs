use super::*;
use crate::domain::accounting::{Billed, Chart, Numbered};
use crate::domain::email::Locale;
use crate::domain::ledger::{Entry, EntryKind};
use crate::domain::text::quoted_cell;
use crate::domain::{EntryId, TenantId, TransactionId};

fn chart() -> Chart {
    let called = |number: &str, name: &str| Numbered { number: number.into(), name: name.into() };
    Chart {
        receivable: called("411", "Clients"),
        cash: called("512", "Banque"),
        loss: called("654", "Pertes"),
        credit: called("4197", "Avoirs"),
        revenue: called("706", "Services"),
        tax: called("4457", "TVA"),
    }
}

fn booking(name: &'static str, number: &'static str, currency: &str) -> Booking<'static> {
    let day = "2026-03-01".parse().unwrap();
    Booking {
        id: EntryId(1),
        entry: Entry {
            kind: EntryKind::Invoice,
            booked_on: day,
            currency: currency.parse().unwrap(),
            receivable: 1200,
            cash: 0,
            loss: 0,
            credit: 0,
            revenue: 1000,
            tax: 200,
        },
        recorded_on: day,
        tenant_id: TenantId(1),
        tenant: "acme",
        name,
        invoice: Some(Billed { number, issued_on: day }),
        credit_note: None,
        transaction: None,
    }
}

/// Whatever a customer or an invoice is called stays in its place.
const HOSTILE: [(&str, &str); 6] = [
    ("a;b|c", "N;1|2"),
    ("a\n2026-01-01 x\n    411  5 EUR\n    706", "N\r\n1"),
    ("(code) * ! =2026-01-01", "N)1 ("),
    ("a, type:L, date:2020-01-01 [2020-01-01]", "N, date:2020-01-01"),
    ("a  \t b\u{a0}\u{2028}c", "N\t1"),
    ("=HYPERLINK(\"x\")", "=1+1"),
];

#[test]
fn amounts_have_the_decimals_of_their_currency() {
    let chart = chart();
    for (currency, commodity, amount) in [
        ("XOF", "commodity 1000. XOF", "    411:acme  1200 XOF"),
        ("EUR", "commodity 1000.00 EUR", "    411:acme  12.00 EUR"),
        ("KWD", "commodity 1000.000 KWD", "    411:acme  1.200 KWD"),
    ] {
        let mut text = String::new();
        assert_eq!(
            Hledger::new(&chart, Locale::En).entry(&booking("A", "1", currency), &mut text),
            3
        );
        assert!(text.lines().any(|line| line == commodity), "{text}");
        assert!(text.lines().any(|line| line == amount), "{text}");
    }
}

#[test]
fn no_name_breaks_an_entry_of_hledger() {
    let chart = chart();
    for (name, number) in HOSTILE {
        let mut text = String::new();
        Hledger::new(&chart, Locale::En).entry(&booking(name, number, "EUR"), &mut text);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 8, "{text}");
        let (account, head) = (lines[2], lines[4]);
        assert_eq!(account.matches([':', ',', ';']).count(), 2, "{account}");
        let (description, tags) = head.split_once(';').expect("tags");
        assert_eq!(description.matches('|').count(), 1, "{head}");
        assert!(description.trim_end().len() + 2 == description.len(), "{head}");
        assert!(!description.trim_end().contains("  "), "{head}");
        let code = description.split_once('(').unwrap().1.split_once(')').unwrap().0;
        assert!(code.starts_with('N') || code == "=1+1", "{head}");
        assert_eq!((tags.matches(',').count(), tags.matches(':').count()), (3, 4), "{tags}");
    }
}

#[test]
fn an_account_is_declared_once() {
    let chart = chart();
    let mut form = Hledger::new(&chart, Locale::En);
    let mut text = String::new();
    for tenant in [1, 2, 1, 33, i64::MAX, 2] {
        let one = Booking { tenant_id: TenantId(tenant), ..booking("A", "1", "EUR") };
        form.entry(&one, &mut text);
        let paid = Entry { receivable: -1200, credit: -1200, revenue: 0, tax: 0, ..one.entry };
        form.entry(&Booking { entry: paid, ..one }, &mut text);
    }
    assert_eq!(text.matches("account 411:").count(), 4, "{text}");
    assert_eq!(text.matches("account 4197:").count(), 4);
    assert_eq!(text.matches("commodity ").count(), 1);
}

#[test]
fn a_line_of_the_fec_has_its_18_columns_whatever_a_customer_is_called() {
    let chart = chart();
    for (name, number) in HOSTILE {
        let mut text = String::new();
        Fec::new(&chart).entry(&booking(name, number, "EUR"), &mut text);
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.lines().all(|line| line.split('\t').count() == 18), "{text}");
        assert!(text.chars().all(|c| c == '\t' || c == '\n' || !c.is_control()), "{text}");
    }
}

#[test]
fn each_journal_of_the_fec_counts_for_itself_and_without_gaps() {
    let chart = chart();
    let sold = booking("A", "1", "EUR");
    let nothing = Entry { receivable: 0, revenue: 0, tax: 0, ..sold.entry };
    let paid = Entry { receivable: -1200, cash: 1200, kind: EntryKind::Payment, ..nothing };
    let lost = Entry { receivable: -1200, loss: 1200, kind: EntryKind::WriteOff, ..nothing };
    let (mut form, mut text) = (Fec::new(&chart), String::new());
    for entry in [sold.entry, nothing, paid, sold.entry, lost, paid] {
        let transaction = Some(TransactionId(3));
        form.entry(&Booking { entry, transaction, ..sold }, &mut text);
    }
    let cells = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
    let named = |cells: Vec<String>| format!("{}{} {}", cells[0], cells[2], cells[8]);
    let mut numbers: Vec<String> = text.lines().map(cells).map(named).collect();
    numbers.dedup();
    assert_eq!(numbers, ["VE1 1", "BQ1 txn_3", "VE2 1", "OD1 txn_3", "BQ2 txn_3"]);
}

#[test]
fn a_spreadsheet_runs_nothing_of_the_csv() {
    let chart = chart();
    let mut text = String::new();
    let mut form = Csv::new(&chart);
    form.head(&mut text);
    for (name, number) in HOSTILE {
        form.entry(&booking(name, number, "EUR"), &mut text);
    }
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let records: Vec<_> = reader.records().map(|record| record.expect("a record")).collect();
    assert_eq!(records.len(), 18);
    for (at, record) in records.iter().enumerate() {
        assert_eq!(record.len(), 15);
        assert!(record.iter().all(|cell| !cell.starts_with(['=', '+', '@'])), "{record:?}");
        let (name, number) = HOSTILE[at / 3];
        assert_eq!((&record[7], &record[8]), (&*quoted_cell(name), &*quoted_cell(number)));
    }
}
