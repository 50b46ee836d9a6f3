//! Imports: one CSV file, one transaction, all or nothing. Memory does not grow with the file, but
//! for its bad rows, all of which are named.

mod coupons;
mod credit_notes;
mod invoices;
mod payments;
mod plans;
mod refusal;
mod subscriptions;
mod table;
mod tenants;
mod usage;

use std::io::Read;
use std::path::Path;

use crate::books::Book;
use crate::config::Config;
use crate::domain::email::Locale;
use crate::domain::transaction::{Overpayment, Repeated};
use crate::domain::{Act, Refusal, Result, words};
use crate::store::{Db, Store};
pub use refusal::{BadRow, Unreadable};
use table::{Row, Table};
pub use usage::{
    Batches, ImportedUsage, Rejected, Texts, UsageFile, UsageForm, import_usage, usage_properties,
};

words! {
    /// What can be imported.
    Kind {
        Tenants = "tenants",
        Plans = "plans",
        Subscriptions = "subscriptions",
        Invoices = "invoices",
        Payments = "payments",
        Coupons = "coupons",
        CreditNotes = "credit-notes",
    }
}

/// How the values of a file are written.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// What sets its columns apart.
    pub delimiter: u8,
    /// Whose decimals its amounts have: French ones have a comma.
    pub numbers: Locale,
}

impl Default for Form {
    fn default() -> Self {
        Form { delimiter: b',', numbers: Locale::En }
    }
}

/// How an import is to be done.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    pub form: Form,
    /// Checks everything and writes nothing.
    pub dry_run: bool,
    /// Takes rows that differ from what is there.
    pub update: bool,
    /// What becomes of a payment's surplus.
    pub overpayment: Overpayment,
    /// Whether two payments of one invoice may bear the same reference.
    pub repeated: Repeated,
}

/// What became of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    pub created: u64,
    pub updated: u64,
    /// Were there already, unchanged.
    pub skipped: u64,
}

/// What became of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowOutcome {
    Created,
    Updated,
    Skipped,
}

/// What every row is taken with.
struct Import<'a> {
    db: &'a Db<'a>,
    act: &'a Act,
    config: &'a Config,
    options: ImportOptions,
}

impl Import<'_> {
    fn book(&self) -> Book<'_> {
        Book::new(self.db, self.act, self.config)
    }
}

impl Kind {
    /// The columns that must stand in the header, and those that may.
    pub fn columns(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Kind::Tenants => (tenants::REQUIRED, tenants::OPTIONAL),
            Kind::Plans => (plans::REQUIRED, plans::OPTIONAL),
            Kind::Subscriptions => (subscriptions::REQUIRED, subscriptions::OPTIONAL),
            Kind::Invoices => (invoices::REQUIRED, invoices::OPTIONAL),
            Kind::Payments => (payments::REQUIRED, payments::OPTIONAL),
            Kind::Coupons => (coupons::REQUIRED, coupons::OPTIONAL),
            Kind::CreditNotes => (credit_notes::REQUIRED, credit_notes::OPTIONAL),
        }
    }
}

/// Imports a file; `progress` is told now and then how many bytes were read.
///
/// # Errors
/// The file cannot be read, its header has a column too many or too few, or rows cannot be taken:
/// then each is named and nothing was written.
#[expect(clippy::too_many_arguments, reason = "each is a different thing, and there is one caller")]
pub fn import(
    store: &mut Store,
    act: &Act,
    config: &Config,
    kind: Kind,
    path: &Path,
    reader: impl Read,
    options: ImportOptions,
    progress: impl FnMut(u64),
) -> Result<Imported> {
    let (required, optional) = kind.columns();
    let mut table = Table::open(path, reader, required, optional, options.form)?;
    let work = |db: &Db| {
        let import = Import { db, act, config, options };
        match kind {
            Kind::Tenants => import.rows(&mut table, path, progress, Import::tenant),
            Kind::Plans => import.rows(&mut table, path, progress, Import::plan),
            Kind::Subscriptions => {
                let mut named = subscriptions::Named::new(db)?;
                import.rows(&mut table, path, progress, |import, row| {
                    import.subscription(&mut named, row)
                })
            }
            Kind::Coupons => import.rows(&mut table, path, progress, Import::coupon),
            Kind::CreditNotes => import.rows(&mut table, path, progress, Import::credit_note),
            Kind::Invoices => {
                let mut tenants = invoices::Tenants::default();
                import.rows(&mut table, path, progress, |import, row| {
                    import.invoice(&mut tenants, row)
                })
            }
            Kind::Payments => {
                let mut matched = payments::Matched::new(db)?;
                import.rows(&mut table, path, progress, |import, row| {
                    import.payment(&mut matched, row)
                })
            }
        }
    };
    if options.dry_run { store.rehearse(work) } else { store.write(work) }
}

impl Import<'_> {
    /// Takes each row; the bad ones are collected, so that all of them are named at once.
    fn rows<R: Read>(
        &self,
        table: &mut Table<R>,
        path: &Path,
        mut progress: impl FnMut(u64),
        mut take: impl FnMut(&Self, &Row) -> std::result::Result<RowOutcome, Bad>,
    ) -> Result<Imported> {
        let mut imported = Imported::default();
        let mut bad: Vec<BadRow> = Vec::new();
        let mut count = 0u64;
        while let Some(row) = table.next_row()? {
            match row.check_shape().and_then(|()| take(self, row)) {
                Ok(RowOutcome::Created) => imported.created += 1,
                Ok(RowOutcome::Updated) => imported.updated += 1,
                Ok(RowOutcome::Skipped) => imported.skipped += 1,
                Err(Bad::Rows(rows)) => bad.extend(rows),
                Err(Bad::Fatal(refusal)) => return Err(refusal),
            }
            count += 1;
            if count.is_multiple_of(1000) {
                progress(table.bytes_read());
            }
        }
        if bad.is_empty() {
            return Ok(imported);
        }
        Err(Unreadable::Rows { path: path.to_owned(), rows: bad }.into())
    }
}

/// Why a row was not taken.
enum Bad {
    /// The row is bad, perhaps in several columns.
    Rows(Vec<BadRow>),
    /// Nothing more can be taken.
    Fatal(Refusal),
}

impl From<Refusal> for Bad {
    fn from(refusal: Refusal) -> Bad {
        Bad::Fatal(refusal)
    }
}
