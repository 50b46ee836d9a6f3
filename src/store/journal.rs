//! The rows of the ledger with the names of what they are about, for whoever keeps the books.

use chrono::NaiveDate;
use rusqlite::types::ValueRef;

use super::{Db, columns};
use crate::domain::accounting::{Billed, Booking};
use crate::domain::ledger::Entry;
use crate::domain::{Currency, EntryId, Result, TenantId, TransactionId};

/// Days from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// `None`: from the first that was booked.
    pub since: Option<NaiveDate>,
    pub until: NaiveDate,
}

impl Days {
    /// As they are compared with `booked_on`: every date comes after nothing.
    fn texts(self) -> (String, String) {
        (self.since.map(|day| day.to_string()).unwrap_or_default(), self.until.to_string())
    }
}

/// An entry that stands in the way of an export, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    pub currency: Currency,
    pub booked_on: NaiveDate,
    pub invoice: Option<String>,
}

impl Db<'_> {
    /// Hands each entry that was booked on these days to `each`, by the day on which it was booked
    /// and then as it was written down.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_booking(
        &self,
        days: Days,
        mut each: impl FnMut(&Booking) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(
            "SELECT l.id, l.booked_on, l.recorded_at, l.kind, l.tenant_id, t.slug, t.name,
               i.number, i.issued_on, l.transaction_id, l.currency, l.receivable_minor,
               l.cash_minor, l.loss_minor, l.credit_minor, l.revenue_minor, l.tax_minor,
               n.number AS credit_note
             FROM ledger l INDEXED BY ledger_booked JOIN tenants t ON t.id = l.tenant_id
             LEFT JOIN invoices i ON i.id = l.invoice_id
             LEFT JOIN credit_notes n ON n.id = l.credit_note_id
             WHERE l.booked_on BETWEEN ?1 AND ?2 ORDER BY l.booked_on, l.id",
        )?;
        let [
            id,
            booked,
            recorded,
            kind,
            tenant_id,
            slug,
            name,
            number,
            issued,
            transaction,
            currency,
            receivable,
            cash,
            loss,
            credit,
            revenue,
            tax,
            note,
        ] = columns::places(
            &statement,
            [
                "id",
                "booked_on",
                "recorded_at",
                "kind",
                "tenant_id",
                "slug",
                "name",
                "number",
                "issued_on",
                "transaction_id",
                "currency",
                "receivable_minor",
                "cash_minor",
                "loss_minor",
                "credit_minor",
                "revenue_minor",
                "tax_minor",
                "credit_note",
            ],
        )?;
        // Most entries were written down at the moment of the one before them.
        let mut recorded_on: (String, NaiveDate) = Default::default();
        let mut rows = statement.query(days.texts())?;
        while let Some(row) = rows.next()? {
            let text = |place: usize| -> rusqlite::Result<&str> {
                row.get_ref(place)?.as_str().map_err(|_| columns::bad(place, "no text"))
            };
            let text_or_null = |place: usize| match row.get_ref(place)? {
                ValueRef::Null => Ok(None),
                _ => text(place).map(Some),
            };
            let at = text(recorded)?;
            if recorded_on.0 != at {
                let day = columns::date_in(row, recorded, self.zone)?;
                recorded_on = (at.to_owned(), day.ok_or_else(|| columns::bad(recorded, "null"))?);
            }
            let invoice = match text_or_null(number)? {
                None => None,
                Some(number) => Some(Billed { number, issued_on: columns::date(row, issued)? }),
            };
            each(&Booking {
                id: EntryId(row.get(id)?),
                entry: Entry {
                    kind: columns::word(row, kind)?,
                    booked_on: columns::date(row, booked)?,
                    currency: columns::word(row, currency)?,
                    receivable: row.get(receivable)?,
                    cash: row.get(cash)?,
                    loss: row.get(loss)?,
                    credit: row.get(credit)?,
                    revenue: row.get(revenue)?,
                    tax: row.get(tax)?,
                },
                recorded_on: recorded_on.1,
                tenant_id: TenantId(row.get(tenant_id)?),
                tenant: text(slug)?,
                name: text(name)?,
                invoice,
                credit_note: text_or_null(note)?,
                transaction: row.get::<_, Option<i64>>(transaction)?.map(TransactionId),
            })?;
        }
        Ok(())
    }

    /// The first entry of these days that is in another currency, where there is one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn foreign_booking(&self, days: Days, currency: Currency) -> Result<Option<Foreign>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT l.booked_on, l.currency, i.number
             FROM ledger l INDEXED BY ledger_booked LEFT JOIN invoices i ON i.id = l.invoice_id
             WHERE l.booked_on BETWEEN ?1 AND ?2 AND l.currency <> ?3
             ORDER BY l.booked_on LIMIT 1",
        )?;
        let (since, until) = days.texts();
        let mut rows = statement.query((since, until, currency.code()))?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(Foreign {
            currency: columns::word(row, "currency")?,
            booked_on: columns::date(row, "booked_on")?,
            invoice: row.get("number")?,
        }))
    }
}
