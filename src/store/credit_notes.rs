//! The rows of credit notes and their lines.

use chrono::NaiveDate;
use rusqlite::{OptionalExtension, Row};
use rust_decimal::Decimal;

use super::{Db, columns};
use crate::domain::credit_note::{Before, CreditNote, CreditReason, NoteLine, RefundStatus, Split};
use crate::domain::invoice::{Amounts, Invoice, Origin};
use crate::domain::tax::TaxBasis;
use crate::domain::{
    Act, CreditId, CreditNoteId, InvoiceId, Money, Refusal, Result, SubscriptionId, TenantId,
};

/// A credit note that is about to be written.
#[derive(Debug, Clone)]
pub struct NewCreditNote<'a> {
    pub number: &'a str,
    /// Its series, and its place there; `None` where an import brought another number.
    pub sequence: Option<(&'a str, i64)>,
    pub origin: Origin,
    pub invoice: &'a Invoice,
    pub amounts: Amounts,
    pub basis: TaxBasis,
    pub tax_rate: Decimal,
    pub split: Split,
    pub reason: CreditReason,
    pub memo: Option<&'a str>,
    pub issued_on: NaiveDate,
    pub lines: &'a [NoteLine],
}

/// Which credit notes are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct CreditNoteFilter {
    pub tenant: Option<TenantId>,
    pub invoice: Option<InvoiceId>,
    /// Only those that were issued on that day or later …
    pub since: Option<NaiveDate>,
    /// … and on that day or before.
    pub until: Option<NaiveDate>,
    /// The newest.
    pub limit: Option<u32>,
}

/// The refunds by a gateway that hold credit of a note `n`, or held it: one may hold that of several.
macro_rules! refunds_of_note {
    () => {
        "FROM credits c INDEXED BY credits_credit_note
         JOIN credit_refunds h INDEXED BY credit_refunds_credit ON h.credit_id = c.id
         JOIN transactions x ON x.id = h.transaction_id
         WHERE c.credit_note_id = n.id AND x.method IS NOT 'outside'"
    };
}

macro_rules! note_query {
    ($($rest:expr),+) => {
        concat!(
            "SELECT n.*, i.number AS invoice, i.subscription_id, t.slug AS tenant,
               s.document AS seller, b.document AS buyer,
               (SELECT count(*) FILTER (WHERE x.status IN ('pending', 'unknown')
                  OR x.next_retry_at IS NOT NULL AND x.status = 'failed') ",
            refunds_of_note!(),
            ") AS refunds_open,
               (SELECT count(*) FILTER (WHERE x.status = 'succeeded') ",
            refunds_of_note!(),
            ") AS refunds_succeeded,
               (SELECT count(*) ",
            refunds_of_note!(),
            ") AS refunds
             FROM credit_notes n JOIN invoices i ON i.id = n.invoice_id
             JOIN tenants t ON t.id = n.tenant_id
             JOIN parties s ON s.id = n.seller_id JOIN parties b ON b.id = n.buyer_id ",
            $($rest),+
        )
    };
}

macro_rules! is_listed {
    () => {
        "(?3 IS NULL OR n.issued_on >= ?3) AND (?4 IS NULL OR n.issued_on <= ?4)"
    };
}

impl Db<'_> {
    /// Writes a credit note and its lines, and what its invoice's notes come to in all.
    ///
    /// # Errors
    /// The number is taken, or a rule of the schema says no.
    pub fn insert_credit_note(&self, act: &Act, new: &NewCreditNote) -> Result<CreditNoteId> {
        let inserted = self.insert_unless_there(
            "INSERT INTO credit_notes (number, series, sequence, origin, tenant_id, invoice_id,
               currency, subtotal_minor, discount_minor, tax_rate, tax_minor, tax_inclusive,
               total_minor, reduces_due_minor, to_credit_minor, refunded_minor, outside_minor,
               reason, memo, seller_id, buyer_id, issued_on, created_at)
             SELECT ?1, ?2, ?3, ?4, i.tenant_id, i.id, i.currency, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
               ?13, ?14, ?15, ?16, ?17, i.seller_id, i.buyer_id, ?18, ?19
             FROM invoices i WHERE i.id = ?5
             ON CONFLICT (number) DO NOTHING",
            rusqlite::params![
                new.number,
                new.sequence.map(|(series, _)| series),
                new.sequence.map(|(_, sequence)| sequence),
                new.origin.word(),
                new.invoice.id.0,
                new.amounts.subtotal.minor(),
                new.amounts.discount.minor(),
                new.tax_rate.to_string(),
                new.amounts.tax.minor(),
                new.basis == TaxBasis::Inclusive,
                new.amounts.total.minor(),
                new.split.reduces_due.minor(),
                new.split.to_credit.minor(),
                new.split.refunded.minor(),
                new.split.outside.minor(),
                new.reason.word(),
                new.memo,
                new.issued_on.to_string(),
                act.at(),
            ],
        )?;
        let id = inserted
            .map(CreditNoteId)
            .ok_or_else(|| Refusal::Exists { noun: "credit note", name: new.number.to_owned() })?;
        self.insert_note_lines(id, new.lines)?;
        self.conn
            .prepare_cached(
                "UPDATE invoices SET credit_notes_minor = credit_notes_minor + ?2 WHERE id = ?1",
            )?
            .execute((new.invoice.id.0, new.amounts.total.minor()))?;
        Ok(id)
    }

    fn insert_note_lines(&self, id: CreditNoteId, lines: &[NoteLine]) -> Result<()> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO credit_note_lines (credit_note_id, position, line, description,
               amount_minor, discount_minor, net_minor)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for (position, line) in lines.iter().enumerate() {
            let values = (
                id.0,
                position as i64 + 1,
                line.line as i64,
                &line.description,
                line.amount.minor(),
                line.discount.minor(),
                line.net.minor(),
            );
            insert.execute(values)?;
        }
        Ok(())
    }

    /// The credit note with that number, with its lines.
    ///
    /// # Errors
    /// None has it.
    pub fn credit_note(&self, number: &str) -> Result<CreditNote> {
        self.find_credit_note(number)?.ok_or_else(|| Refusal::NotFound {
            noun: "credit note",
            name: number.to_owned(),
            near: None,
        })
    }

    /// The credit note with that number, if there is one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn find_credit_note(&self, number: &str) -> Result<Option<CreditNote>> {
        let mut statement = self.conn.prepare_cached(note_query!("WHERE n.number = ?1"))?;
        let found = statement.query_row([number], credit_note).optional()?;
        found.map(|note| self.with_note_lines(note)).transpose()
    }

    /// The credit note in that row, with its lines.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn credit_note_by_id(&self, id: CreditNoteId) -> Result<CreditNote> {
        let mut statement = self.conn.prepare_cached(note_query!("WHERE n.id = ?1"))?;
        self.with_note_lines(statement.query_row([id.0], credit_note)?)
    }

    fn with_note_lines(&self, mut note: CreditNote) -> Result<CreditNote> {
        let currency = note.amounts.total.currency();
        let mut statement = self.conn.prepare_cached(
            "SELECT * FROM credit_note_lines WHERE credit_note_id = ?1 ORDER BY position",
        )?;
        let lines = statement.query_map([note.id.0], |row| {
            Ok(NoteLine {
                line: row.get::<_, u32>("line")? as usize,
                description: row.get("description")?,
                amount: columns::money(row, "amount_minor", currency)?,
                discount: columns::money(row, "discount_minor", currency)?,
                net: columns::money(row, "net_minor", currency)?,
            })
        })?;
        note.lines = lines.collect::<rusqlite::Result<_>>()?;
        Ok(note)
    }

    /// Hands each credit note that the filter lets through to `each`, oldest first.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_credit_note(
        &self,
        filter: &CreditNoteFilter,
        mut each: impl FnMut(CreditNote) -> Result<()>,
    ) -> Result<()> {
        let sql = match (filter.invoice, filter.tenant) {
            (Some(_), _) => columns::newest_last!(
                filter.limit,
                note_query,
                ["WHERE n.invoice_id = ?2 AND (?1 IS NULL OR n.tenant_id = ?1) AND ", is_listed!()],
                "n.id",
                "n.id",
                "id",
                "?5"
            ),
            (None, Some(_)) => columns::newest_last!(
                filter.limit,
                note_query,
                ["WHERE n.tenant_id = ?1 AND ?2 IS NULL AND ", is_listed!()],
                "n.id",
                "n.id",
                "id",
                "?5"
            ),
            (None, None) => columns::newest_last!(
                filter.limit,
                note_query,
                ["WHERE ?1 IS NULL AND ?2 IS NULL AND ", is_listed!()],
                "n.id",
                "n.id",
                "id",
                "?5"
            ),
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query((
            filter.tenant.map(|id| id.0),
            filter.invoice.map(|id| id.0),
            filter.since.map(|day| day.to_string()),
            filter.until.map(|day| day.to_string()),
            columns::limit(filter.limit),
        ))?;
        while let Some(row) = rows.next()? {
            each(self.with_note_lines(credit_note(row)?)?)?;
        }
        Ok(())
    }

    /// The credit notes of an invoice, oldest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn credit_notes_of(&self, invoice: InvoiceId) -> Result<Vec<CreditNote>> {
        let filter = CreditNoteFilter { invoice: Some(invoice), ..CreditNoteFilter::default() };
        let mut notes = Vec::new();
        self.each_credit_note(&filter, |note| {
            notes.push(note);
            Ok(())
        })?;
        Ok(notes)
    }

    /// What the credit notes of an invoice took back so far.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn credited_before(&self, invoice: &Invoice) -> Result<Before> {
        let mut before = Before::nothing(invoice);
        if invoice.credit_notes_total.is_zero() {
            return Ok(before);
        }
        let currency = invoice.total.currency();
        let mut lines = self.conn.prepare_cached(
            "SELECT l.line, sum(l.amount_minor) AS amount, sum(l.discount_minor) AS discount
             FROM credit_notes n JOIN credit_note_lines l ON l.credit_note_id = n.id
             WHERE n.invoice_id = ?1 GROUP BY l.line",
        )?;
        let mut rows = lines.query([invoice.id.0])?;
        while let Some(row) = rows.next()? {
            let line = row.get::<_, u32>("line")? as usize;
            let sums = (
                columns::money(row, "amount", currency)?,
                columns::money(row, "discount", currency)?,
            );
            if let Some(of_line) = before.lines.get_mut(line - 1) {
                *of_line = sums;
            }
        }
        let mut sums = self.conn.prepare_cached(
            "SELECT sum(tax_minor) AS tax, sum(total_minor) AS total
             FROM credit_notes WHERE invoice_id = ?1",
        )?;
        (before.tax, before.total) = sums.query_row([invoice.id.0], |row| {
            Ok((columns::money(row, "tax", currency)?, columns::money(row, "total", currency)?))
        })?;
        Ok(before)
    }

    /// Says anew where the total of a credit note went; what it comes to is never changed.
    ///
    /// # Errors
    /// The parts do not add up to it.
    pub fn split_credit_note(&self, id: CreditNoteId, split: &Split, lost: Money) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE credit_notes SET reduces_due_minor = ?2, to_credit_minor = ?3,
                   refunded_minor = ?4, outside_minor = ?5, lost_minor = ?6
                 WHERE id = ?1",
            )?
            .execute((
                id.0,
                split.reduces_due.minor(),
                split.to_credit.minor(),
                split.refunded.minor(),
                split.outside.minor(),
                lost.minor(),
            ))?;
        Ok(())
    }

    /// The credit that a note gave, where it gave any.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn credit_of_note(&self, id: CreditNoteId) -> Result<Option<CreditId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id FROM credits WHERE credit_note_id = ?1 AND taken_back_at IS NULL",
        )?;
        Ok(statement.query_row([id.0], |row| Ok(CreditId(row.get(0)?))).optional()?)
    }
}

fn credit_note(row: &Row) -> rusqlite::Result<CreditNote> {
    let currency = columns::word(row, "currency")?;
    let money = |name| columns::money(row, name, currency);
    let inclusive: bool = row.get("tax_inclusive")?;
    let counts: [i64; 3] =
        [row.get("refunds")?, row.get("refunds_open")?, row.get("refunds_succeeded")?];
    Ok(CreditNote {
        id: CreditNoteId(row.get("id")?),
        number: row.get("number")?,
        tenant_id: TenantId(row.get("tenant_id")?),
        tenant: row.get("tenant")?,
        invoice_id: InvoiceId(row.get("invoice_id")?),
        invoice: row.get("invoice")?,
        subscription: row.get::<_, Option<i64>>("subscription_id")?.map(SubscriptionId),
        reason: columns::word(row, "reason")?,
        memo: row.get("memo")?,
        amounts: Amounts {
            subtotal: money("subtotal_minor")?,
            discount: money("discount_minor")?,
            tax: money("tax_minor")?,
            total: money("total_minor")?,
        },
        basis: if inclusive { TaxBasis::Inclusive } else { TaxBasis::Exclusive },
        tax_rate: columns::word(row, "tax_rate")?,
        split: Split {
            reduces_due: money("reduces_due_minor")?,
            to_credit: money("to_credit_minor")?,
            refunded: money("refunded_minor")?,
            outside: money("outside_minor")?,
        },
        lost: money("lost_minor")?,
        refund_status: match counts {
            [0, ..] => RefundStatus::None,
            [_, open, _] if open > 0 => RefundStatus::Pending,
            [all, _, succeeded] if all == succeeded => RefundStatus::Succeeded,
            [_, _, 0] => RefundStatus::Failed,
            _ => RefundStatus::Partial,
        },
        issued_on: columns::date(row, "issued_on")?,
        seller: row.get("seller")?,
        buyer: row.get("buyer")?,
        created_at: row.get("created_at")?,
        lines: Vec::new(),
    })
}
