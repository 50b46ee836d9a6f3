//! The rows of credits, and of what they pay.

use chrono::NaiveDate;
use rusqlite::{OptionalExtension, Row};

use super::{Db, columns};
use crate::domain::credit::{Credit, CreditSource, CreditUse, Left};
use crate::domain::money::Totals;
use crate::domain::{
    Act, CreditId, CreditNoteId, CreditUseId, Currency, InvoiceId, Money, Refusal, Result,
    TenantId, TransactionId,
};

/// A credit that is about to be written.
#[derive(Debug, Clone)]
pub struct NewCredit<'a> {
    pub tenant: TenantId,
    pub source: CreditSource,
    pub transaction: Option<TransactionId>,
    pub credit_note: Option<CreditNoteId>,
    pub amount: Money,
    pub reason: Option<&'a str>,
    pub counts_from: NaiveDate,
}

/// Which credits are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct CreditFilter {
    pub tenant: Option<TenantId>,
    /// Only those of which something is left.
    pub open: bool,
    pub limit: Option<u32>,
}

macro_rules! use_query {
    ($rest:literal) => {
        concat!(
            "SELECT u.*, c.transaction_id, i.number FROM credit_uses u
             JOIN credits c ON c.id = u.credit_id JOIN invoices i ON i.id = u.invoice_id ",
            $rest
        )
    };
}

impl Db<'_> {
    /// Writes a credit; all of it is left.
    ///
    /// # Errors
    /// A rule of the schema says no.
    pub fn insert_credit(&self, act: &Act, new: &NewCredit) -> Result<CreditId> {
        let id = self
            .conn
            .prepare_cached(
                "INSERT INTO credits (tenant_id, currency, source, transaction_id, amount_minor,
                   left_minor, reason, counts_from, created_at, credit_note_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9)",
            )?
            .insert((
                new.tenant.0,
                new.amount.currency().code(),
                new.source.word(),
                new.transaction.map(|id| id.0),
                new.amount.minor(),
                new.reason,
                new.counts_from.to_string(),
                act.at(),
                new.credit_note.map(|id| id.0),
            ))?;
        Ok(CreditId(id))
    }

    /// The credit with that id.
    ///
    /// # Errors
    /// There is none.
    pub fn credit(&self, id: CreditId) -> Result<Credit> {
        self.conn
            .prepare_cached(
                "SELECT c.*, t.slug, n.number FROM credits c JOIN tenants t ON t.id = c.tenant_id
                 LEFT JOIN credit_notes n ON n.id = c.credit_note_id WHERE c.id = ?1",
            )?
            .query_row([id.0], credit)
            .optional()?
            .ok_or_else(|| Refusal::NotFound { noun: "credit", name: id.to_string(), near: None })
    }

    /// Hands each credit that the filter lets through to `each`, oldest first; of a limit, the
    /// newest.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_credit(
        &self,
        filter: &CreditFilter,
        mut each: impl FnMut(Credit) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(
            "SELECT * FROM (SELECT c.*, t.slug, n.number
               FROM credits c JOIN tenants t ON t.id = c.tenant_id
               LEFT JOIN credit_notes n ON n.id = c.credit_note_id
               WHERE (?1 IS NULL OR c.tenant_id = ?1) AND (NOT ?2 OR c.left_minor > 0)
               ORDER BY c.id DESC LIMIT ?3) ORDER BY id",
        )?;
        let limit = columns::limit(filter.limit);
        let mut rows = statement.query((filter.tenant.map(|id| id.0), filter.open, limit))?;
        while let Some(row) = rows.next()? {
            each(credit(row)?)?;
        }
        Ok(())
    }

    /// What is left of a tenant's credit, a sum a currency.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn credit_balance(&self, tenant: TenantId) -> Result<Totals> {
        let mut statement = self.conn.prepare_cached(
            "SELECT currency, sum(left_minor) AS left_minor FROM credits INDEXED BY credits_left
             WHERE tenant_id = ?1 AND left_minor > 0 GROUP BY currency",
        )?;
        let mut totals = Totals::default();
        let mut rows = statement.query([tenant.0])?;
        while let Some(row) = rows.next()? {
            totals.add(columns::money(row, "left_minor", columns::word(row, "currency")?)?)?;
        }
        Ok(totals)
    }

    /// The credits of a tenant in a currency of which something is left, oldest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn credits_left(&self, tenant: TenantId, currency: Currency) -> Result<Vec<Left>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, transaction_id, left_minor FROM credits INDEXED BY credits_left
             WHERE tenant_id = ?1 AND currency = ?2 AND left_minor > 0 ORDER BY counts_from, id",
        )?;
        let left = statement.query_map((tenant.0, currency.code()), |row| {
            let left = columns::money(row, "left_minor", currency)?;
            let transaction = row.get::<_, Option<i64>>("transaction_id")?.map(TransactionId);
            Ok(Left { credit: CreditId(row.get("id")?), transaction, left })
        })?;
        Ok(left.collect::<rusqlite::Result<_>>()?)
    }

    /// The open invoices of a tenant in a currency that credit may pay by itself, oldest due first,
    /// with what is due: not the disputed and promised ones, nor those with a charge whose outcome
    /// is not known yet.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn payable_by_credit(
        &self,
        tenant: TenantId,
        currency: Currency,
        today: NaiveDate,
    ) -> Result<Vec<(InvoiceId, Money)>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, due_minor FROM invoices i INDEXED BY invoices_open
             WHERE tenant_id = ?1 AND status = 'open' AND currency = ?2 AND disputed_at IS NULL
               AND (promised_until IS NULL OR promised_until < ?3)
               AND NOT EXISTS (SELECT 1 FROM transactions x INDEXED BY transactions_live
                 WHERE x.invoice_id = i.id AND x.kind = 'charge'
                   AND x.status IN ('pending', 'unknown'))
             ORDER BY due_on, id",
        )?;
        let values = (tenant.0, currency.code(), today.to_string());
        let invoices = statement.query_map(values, |row| {
            Ok((InvoiceId(row.get("id")?), columns::money(row, "due_minor", currency)?))
        })?;
        Ok(invoices.collect::<rusqlite::Result<_>>()?)
    }

    /// The credits that a person took off an invoice: they don't go back there by themselves.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn credits_kept_off(&self, invoice: InvoiceId) -> Result<Vec<CreditId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT DISTINCT credit_id FROM credit_uses INDEXED BY credit_uses_invoice
             WHERE invoice_id = ?1 AND kept_off = 1",
        )?;
        let credits = statement.query_map([invoice.0], |row| Ok(CreditId(row.get(0)?)))?;
        Ok(credits.collect::<rusqlite::Result<_>>()?)
    }

    /// Lets a credit that a person took off an invoice pay it again by itself.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn let_credit_on(&self, credit: CreditId, invoice: InvoiceId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE credit_uses SET kept_off = 0
                 WHERE invoice_id = ?2 AND credit_id = ?1 AND kept_off = 1",
            )?
            .execute((credit.0, invoice.0))?;
        Ok(())
    }

    /// Writes down that a credit pays an invoice, and takes it off what is left of the credit.
    ///
    /// # Errors
    /// More than is left, or a fault of the file.
    pub fn insert_credit_use(
        &self,
        act: &Act,
        credit: CreditId,
        invoice: InvoiceId,
        amount: Money,
    ) -> Result<CreditUseId> {
        self.conn
            .prepare_cached("UPDATE credits SET left_minor = left_minor - ?2 WHERE id = ?1")?
            .execute((credit.0, amount.minor()))?;
        let id = self
            .conn
            .prepare_cached(
                "INSERT INTO credit_uses (credit_id, tenant_id, currency, invoice_id, amount_minor,
                   applied_on, applied_at)
                 SELECT id, tenant_id, currency, ?2, ?3, ?4, ?5 FROM credits WHERE id = ?1",
            )?
            .insert((credit.0, invoice.0, amount.minor(), act.today.to_string(), act.at()))?;
        Ok(CreditUseId(id))
    }

    /// Takes a credit off an invoice again; `kept_off`: for good, unless a person says otherwise.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn end_credit_use(
        &self,
        act: &Act,
        ended: &CreditUse,
        reason: &str,
        kept_off: bool,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE credit_uses SET unapplied_at = ?2, unapplied_reason = ?3, kept_off = ?4
                 WHERE id = ?1",
            )?
            .execute((ended.id.0, act.at(), reason, kept_off))?;
        self.conn
            .prepare_cached("UPDATE credits SET left_minor = left_minor + ?2 WHERE id = ?1")?
            .execute((ended.credit.0, ended.amount.minor()))?;
        Ok(())
    }

    /// The use of a credit with that id.
    ///
    /// # Errors
    /// There is none.
    pub fn credit_use(&self, id: CreditUseId) -> Result<CreditUse> {
        self.conn
            .prepare_cached(use_query!("WHERE u.id = ?1"))?
            .query_row([id.0], credit_use)
            .optional()?
            .ok_or_else(|| Refusal::NotFound {
                noun: "use of a credit",
                name: id.to_string(),
                near: None,
            })
    }

    /// What pays an invoice of credit now, newest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn credit_uses_of_invoice(&self, invoice: InvoiceId) -> Result<Vec<CreditUse>> {
        let mut statement = self.conn.prepare_cached(use_query!(
            "WHERE u.invoice_id = ?1 AND u.unapplied_at IS NULL ORDER BY u.id DESC"
        ))?;
        let uses = statement.query_map([invoice.0], credit_use)?;
        Ok(uses.collect::<rusqlite::Result<_>>()?)
    }

    /// What a credit paid so far, also what was taken off again, oldest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn credit_uses_of(&self, credit: CreditId) -> Result<Vec<CreditUse>> {
        let mut statement =
            self.conn.prepare_cached(use_query!("WHERE u.credit_id = ?1 ORDER BY u.id"))?;
        let uses = statement.query_map([credit.0], credit_use)?;
        Ok(uses.collect::<rusqlite::Result<_>>()?)
    }

    /// The surplus of a payment that was not taken back, where it left one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn credit_of_transaction(&self, id: TransactionId) -> Result<Option<CreditId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id FROM credits WHERE transaction_id = ?1 AND taken_back_at IS NULL",
        )?;
        Ok(statement.query_row([id.0], |row| Ok(CreditId(row.get(0)?))).optional()?)
    }

    /// Takes a credit back with the payment that it came from; nothing of it pays an invoice.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn take_credit_back(&self, act: &Act, id: CreditId) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE credits SET left_minor = 0, taken_back_at = ?2 WHERE id = ?1")?
            .execute((id.0, act.at()))?;
        Ok(())
    }

    /// A page of tenants with credit left and an open invoice in its currency, after `after`, by id.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn tenants_with_credit(&self, after: TenantId, limit: usize) -> Result<Vec<TenantId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT DISTINCT tenant_id FROM credits c INDEXED BY credits_left
             WHERE tenant_id > ?1 AND left_minor > 0
               AND EXISTS (SELECT 1 FROM invoices i INDEXED BY invoices_open
                 WHERE i.tenant_id = c.tenant_id AND i.status = 'open' AND i.currency = c.currency)
             ORDER BY tenant_id LIMIT ?2",
        )?;
        let tenants =
            statement.query_map((after.0, limit as i64), |row| Ok(TenantId(row.get(0)?)))?;
        Ok(tenants.collect::<rusqlite::Result<_>>()?)
    }
}

fn credit(row: &Row) -> rusqlite::Result<Credit> {
    let currency = columns::word(row, "currency")?;
    Ok(Credit {
        id: CreditId(row.get("id")?),
        tenant: row.get("slug")?,
        source: columns::word(row, "source")?,
        transaction: row.get::<_, Option<i64>>("transaction_id")?.map(TransactionId),
        credit_note: row.get("number")?,
        amount: columns::money(row, "amount_minor", currency)?,
        left: columns::money(row, "left_minor", currency)?,
        reason: row.get("reason")?,
        counts_from: columns::date(row, "counts_from")?,
        taken_back_at: row.get("taken_back_at")?,
        created_at: row.get("created_at")?,
    })
}

fn credit_use(row: &Row) -> rusqlite::Result<CreditUse> {
    let currency = columns::word(row, "currency")?;
    Ok(CreditUse {
        id: CreditUseId(row.get("id")?),
        credit: CreditId(row.get("credit_id")?),
        transaction: row.get::<_, Option<i64>>("transaction_id")?.map(TransactionId),
        invoice_id: InvoiceId(row.get("invoice_id")?),
        invoice: row.get("number")?,
        amount: columns::money(row, "amount_minor", currency)?,
        applied_on: columns::date(row, "applied_on")?,
        unapplied_at: row.get("unapplied_at")?,
        unapplied_reason: row.get("unapplied_reason")?,
    })
}
