//! The rows of the outbox: e-mails that are queued, and the record of those that left.

use chrono::NaiveDate;
use rusqlite::{OptionalExtension, Row};

use super::{Db, columns};
use crate::domain::email::{EmailStatus, Locale};
use crate::domain::stage::Stage;
use crate::domain::template::Template;
use crate::domain::{Act, DocumentId, EmailId, InvoiceId, Refusal, Result, RunId, TenantId};

/// An e-mail to be queued.
#[derive(Debug, Clone)]
pub struct NewEmail<'a> {
    pub tenant: TenantId,
    pub invoice: Option<InvoiceId>,
    pub template: Template,
    /// The domain of the Message-ID.
    pub domain: &'a str,
    /// What makes it the only one of its kind: a second one is not queued.
    pub dedup_key: &'a str,
    /// JSON that the e-mail needs and that stands nowhere else; `to` in it is an address in place of the
    /// customer's.
    pub facts: &'a str,
    pub run: Option<RunId>,
}

/// An e-mail as it stands.
#[derive(Debug, Clone)]
pub struct Email {
    pub id: EmailId,
    pub tenant_id: TenantId,
    pub tenant: String,
    pub invoice_id: Option<InvoiceId>,
    pub to: String,
    /// Who gets a copy; known once it is drawn up.
    pub cc: Vec<String>,
    pub template: Template,
    pub stage: Option<Stage>,
    pub locale: Locale,
    /// `None` until it is drawn up, just before its first attempt.
    pub subject: Option<String>,
    pub facts: String,
    /// What goes with it; known once it is drawn up.
    pub document: Option<DocumentId>,
    pub status: EmailStatus,
    pub attempts: i64,
    pub dedup_key: String,
    pub message_id: String,
    pub error: Option<String>,
    pub queued_at: String,
    pub first_tried_at: Option<String>,
    pub next_try_at: Option<String>,
    pub sent_at: Option<String>,
}

/// An e-mail as it was drawn up from fresh facts, for its first attempt and every later one.
#[derive(Debug, Clone, Copy)]
pub struct DrawnUp<'a> {
    pub template: Template,
    pub locale: Locale,
    pub recipient: &'a str,
    pub cc: &'a [String],
    pub subject: &'a str,
    pub message: &'a [u8],
    pub document: Option<DocumentId>,
}

/// Which e-mails are listed.
#[derive(Debug, Clone, Default)]
pub struct EmailFilter {
    pub status: Option<EmailStatus>,
    pub tenant: Option<TenantId>,
    pub stage: Option<Stage>,
    pub limit: Option<u32>,
}

macro_rules! email_query {
    ($($rest:expr),+) => {
        concat!(
            "SELECT e.*, t.slug AS tenant FROM emails e JOIN tenants t ON t.id = e.tenant_id ",
            $($rest),+
        )
    };
}

impl Db<'_> {
    /// The number of the newest e-mail; 0 where there is none.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn newest_email(&self) -> Result<u64> {
        let mut statement = self.conn.prepare_cached("SELECT coalesce(max(id), 0) FROM emails")?;
        Ok(statement.query_row([], |row| row.get::<_, i64>(0))?.unsigned_abs())
    }

    /// The day since which the customer may have an invoice, where it is out: its e-mail left, or its
    /// document was made.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn invoice_out_since(&self, invoice: InvoiceId) -> Result<Option<NaiveDate>> {
        let days = [self.invoice_sent_on(invoice)?, self.document_made_on(invoice)?];
        Ok(days.into_iter().flatten().min())
    }

    /// The day on which the e-mail with an invoice left, where it did.
    ///
    /// # Errors
    /// A fault of the file.
    fn invoice_sent_on(&self, invoice: InvoiceId) -> Result<Option<NaiveDate>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT e.sent_at FROM invoices i JOIN emails e ON e.tenant_id = i.tenant_id
             WHERE i.id = ?1 AND e.invoice_id = i.id AND e.template = 'invoice'
               AND e.status = 'sent' ORDER BY e.sent_at LIMIT 1",
        )?;
        let zone = self.zone;
        let row = statement.query_row([invoice.0], |row| columns::date_in(row, "sent_at", zone));
        Ok(row.optional()?.flatten())
    }

    /// The e-mail with an invoice that has not left yet, to that address or, where none is named, to the
    /// customer.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn queued_invoice_email(
        &self,
        invoice: InvoiceId,
        to: Option<&str>,
    ) -> Result<Option<EmailId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT e.id FROM invoices i JOIN emails e ON e.tenant_id = i.tenant_id
             WHERE i.id = ?1 AND e.invoice_id = i.id AND e.template = 'invoice'
               AND e.status = 'queued' AND e.facts ->> 'to' IS ?2 LIMIT 1",
        )?;
        Ok(statement.query_row((invoice.0, to), |row| Ok(EmailId(row.get(0)?))).optional()?)
    }

    /// Queues an e-mail to a tenant, in its language, due now. Returns its id, or `None` where the
    /// same e-mail was queued before.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn queue_email(&self, act: &Act, new: &NewEmail) -> Result<Option<EmailId>> {
        // Id and Message-ID come from the row's number and the file's uuid: the same run on the
        // same file gives the same e-mails, and no two files ever give the same Message-ID.
        let id = self.insert_unless_there(
            "INSERT INTO emails (tenant_id, invoice_id, template, stage, locale, recipient, facts,
               dedup_key, message_id, run_id, queued_at, next_try_at)
             VALUES (?1, ?2, ?3, ?4, (SELECT locale FROM tenants WHERE id = ?1),
               coalesce(?5 ->> 'to', (SELECT email FROM tenants WHERE id = ?1)), ?5, ?6,
               (SELECT coalesce(max(id), 0) + 1 FROM emails) || '.'
                 || (SELECT uuid FROM database_info WHERE id = 1) || '@' || ?9,
               ?7, ?8, ?8)
             ON CONFLICT (dedup_key) DO NOTHING",
            (
                new.tenant.0,
                new.invoice.map(|id| id.0),
                new.template.word(),
                new.template.stage().map(Stage::word),
                new.facts,
                new.dedup_key,
                new.run.map(|id| id.0),
                act.at(),
                new.domain,
            ),
        )?;
        Ok(id.map(EmailId))
    }

    /// The e-mail with that id.
    ///
    /// # Errors
    /// There is none.
    pub fn email(&self, id: EmailId) -> Result<Email> {
        self.conn
            .prepare_cached(email_query!("WHERE e.id = ?1"))?
            .query_row([id.0], email)
            .optional()?
            .ok_or_else(|| Refusal::NotFound { noun: "email", name: id.to_string(), near: None })
    }

    /// The bytes of an e-mail as they left but for its document, if it was tried.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn message(&self, id: EmailId) -> Result<Option<Vec<u8>>> {
        Ok(self
            .conn
            .prepare_cached("SELECT message FROM email_messages WHERE email_id = ?1")?
            .query_row([id.0], |row| row.get(0))
            .optional()?)
    }

    /// Hands each e-mail that the filter lets through to `each`, oldest first.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_email(
        &self,
        filter: &EmailFilter,
        mut each: impl FnMut(Email) -> Result<()>,
    ) -> Result<()> {
        let sql = match filter.tenant {
            Some(_) => columns::newest_last!(
                filter.limit,
                email_query,
                ["WHERE e.tenant_id = ?2 AND (?1 IS NULL OR e.status = ?1)
                       AND (?3 IS NULL OR e.stage = ?3)"],
                "e.id",
                "e.id",
                "id",
                "?4"
            ),
            None => columns::newest_last!(
                filter.limit,
                email_query,
                ["WHERE ?2 IS NULL AND (?1 IS NULL OR e.status = ?1)
                       AND (?3 IS NULL OR e.stage = ?3)"],
                "e.id",
                "e.id",
                "id",
                "?4"
            ),
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query((
            filter.status.map(EmailStatus::word),
            filter.tenant.map(|id| id.0),
            filter.stage.map(Stage::word),
            columns::limit(filter.limit),
        ))?;
        while let Some(row) = rows.next()? {
            each(email(row)?)?;
        }
        Ok(())
    }

    /// A page of e-mails that are due, by due time and id, after `after`.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn due_emails(
        &self,
        act: &Act,
        after: Option<(&str, EmailId)>,
        limit: usize,
    ) -> Result<Vec<Email>> {
        let mut statement = self.conn.prepare_cached(email_query!(
            "WHERE e.next_try_at IS NOT NULL AND e.next_try_at <= ?1
               AND (e.next_try_at, e.id) > (?2, ?3)
             ORDER BY e.next_try_at, e.id LIMIT ?4"
        ))?;
        let (time, id) = after.map_or(("", 0), |(time, id)| (time, id.0));
        let page = statement.query_map((act.at(), time, id, limit as i64), email)?;
        Ok(page.collect::<rusqlite::Result<_>>()?)
    }

    /// The e-mails that are queued since before `since`, oldest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn waiting_emails(&self, since: &str, limit: u32) -> Result<Vec<Email>> {
        let mut statement = self.conn.prepare_cached(email_query!(
            "WHERE e.next_try_at > '' AND e.queued_at < ?1 ORDER BY e.queued_at, e.id LIMIT ?2"
        ))?;
        let waiting = statement.query_map((since, limit), email)?;
        Ok(waiting.collect::<rusqlite::Result<_>>()?)
    }

    /// How many e-mails are queued since before `since`.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn count_waiting(&self, since: &str) -> Result<u64> {
        let mut statement = self.conn.prepare_cached(
            "SELECT count(*) FROM emails WHERE next_try_at > '' AND queued_at < ?1",
        )?;
        Ok(statement.query_row([since], |row| row.get::<_, i64>(0))?.unsigned_abs())
    }

    /// The e-mails that failed for good, since then where a time is given, oldest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn failed_emails(&self, since: Option<&str>) -> Result<Vec<Email>> {
        let mut statement = self.conn.prepare_cached(email_query!(
            "WHERE e.status = 'failed' AND (?1 IS NULL OR e.ended_at >= ?1) ORDER BY e.id"
        ))?;
        let failed = statement.query_map([since], email)?;
        Ok(failed.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether any e-mail is due.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn has_due_emails(&self, act: &Act) -> Result<bool> {
        let mut statement = self.conn.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM emails WHERE next_try_at IS NOT NULL
               AND next_try_at <= ?1)",
        )?;
        Ok(statement.query_row([act.at()], |row| row.get(0))?)
    }

    /// Keeps the bytes that are about to be tried for the first time; every later attempt sends them.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn draw_up_email(&self, act: &Act, id: EmailId, drawn_up: &DrawnUp) -> Result<()> {
        self.conn
            .prepare_cached("INSERT INTO email_messages (email_id, message) VALUES (?1, ?2)")?
            .execute((id.0, drawn_up.message))?;
        self.conn
            .prepare_cached(
                "UPDATE emails SET subject = ?2, template = ?3, stage = ?4,
                   first_tried_at = coalesce(first_tried_at, ?5),
                   locale = ?6, recipient = ?7, cc = ?8, document_id = ?9
                 WHERE id = ?1",
            )?
            .execute((
                id.0,
                drawn_up.subject,
                drawn_up.template.word(),
                drawn_up.template.stage().map(Stage::word),
                act.at(),
                drawn_up.locale.word(),
                drawn_up.recipient,
                columns::lines(drawn_up.cc),
                drawn_up.document.map(|id| id.0),
            ))?;
        Ok(())
    }

    /// The Message-ID of the newest e-mail before `email` that left and told of that invoice: with
    /// the invoice itself, or a stage of its dunning.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn email_before(&self, email: EmailId, invoice: InvoiceId) -> Result<Option<String>> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT message_id FROM emails
                 WHERE id < ?1 AND sent_at IS NOT NULL AND id = max(
                   coalesce((SELECT max(email_id) FROM dunning_steps
                     WHERE invoice_id = ?2 AND email_id < ?1), 0),
                   coalesce((SELECT max(e.id) FROM emails e
                     JOIN invoices i ON i.tenant_id = e.tenant_id
                     WHERE i.id = ?2 AND e.invoice_id = ?2 AND e.template = 'invoice'
                       AND e.id < ?1), 0))",
            )?
            .query_row((email.0, invoice.0), |row| row.get(0))
            .optional()?)
    }

    /// Records that an e-mail has nothing left to say.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn cancel_email(&self, act: &Act, id: EmailId, reason: &str) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE emails SET status = 'canceled', next_try_at = NULL, error = ?2, ended_at = ?3
                 WHERE id = ?1",
            )?
            .execute((id.0, reason, act.at()))?;
        Ok(())
    }

    /// Records that an e-mail was taken by the transport, and what became of copies that were not.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn email_sent(&self, act: &Act, id: EmailId, copies: Option<&str>) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE emails SET status = 'sent', attempts = attempts + 1, sent_at = ?2,
                   next_try_at = NULL, error = ?3
                 WHERE id = ?1",
            )?
            .execute((id.0, act.at(), copies))?;
        Ok(())
    }

    /// Records an attempt that failed: for good, or until the next attempt.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn email_failed(
        &self,
        act: &Act,
        id: EmailId,
        error: &str,
        next_try_at: Option<&str>,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE emails SET status = CASE WHEN ?3 IS NULL THEN 'failed' ELSE 'queued' END,
                   attempts = attempts + 1, error = ?2, next_try_at = ?3,
                   first_tried_at = coalesce(first_tried_at, ?4),
                   ended_at = CASE WHEN ?3 IS NULL THEN ?4 END
                 WHERE id = ?1",
            )?
            .execute((id.0, error, next_try_at, act.at()))?;
        Ok(())
    }
}

fn email(row: &Row) -> rusqlite::Result<Email> {
    Ok(Email {
        id: EmailId(row.get("id")?),
        tenant_id: TenantId(row.get("tenant_id")?),
        tenant: row.get("tenant")?,
        invoice_id: row.get::<_, Option<i64>>("invoice_id")?.map(InvoiceId),
        to: row.get("recipient")?,
        cc: columns::from_lines(row, "cc")?,
        template: columns::word(row, "template")?,
        stage: columns::word_or_null(row, "stage")?,
        locale: columns::word(row, "locale")?,
        subject: row.get("subject")?,
        facts: row.get("facts")?,
        document: row.get::<_, Option<i64>>("document_id")?.map(DocumentId),
        status: columns::word(row, "status")?,
        attempts: row.get("attempts")?,
        dedup_key: row.get("dedup_key")?,
        message_id: row.get("message_id")?,
        error: row.get("error")?,
        queued_at: row.get("queued_at")?,
        first_tried_at: row.get("first_tried_at")?,
        next_try_at: row.get("next_try_at")?,
        sent_at: row.get("sent_at")?,
    })
}
