//! The rows of checkouts. Their rules are in `domain/checkout.rs`.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Row};

use super::{Db, columns};
use crate::domain::act::instant;
use crate::domain::charge::Token;
use crate::domain::checkout::{
    Became, Checkout, CheckoutRequest, CheckoutStatus, Page, Purpose, SandboxOutcome,
};
use crate::domain::payment_method::PaymentMethodKind;
use crate::domain::transaction::TransactionStatus;
use crate::domain::{
    Act, CheckoutId, Currency, InvoiceId, Money, PaymentMethodId, Refusal, Result, TenantId,
    TransactionId,
};

/// A checkout that is about to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewCheckout<'a> {
    pub tenant: TenantId,
    /// What is paid, and how much; none where a payment method is added.
    pub pays: Option<(InvoiceId, Money)>,
    pub currency: Currency,
    pub gateway: &'a str,
    pub idempotency_key: &'a str,
    pub return_url: &'a str,
    pub base_url: &'a str,
}

macro_rules! checkout_query {
    ($rest:literal) => {
        concat!(
            "SELECT c.*, i.number AS invoice, t.slug AS tenant
             FROM checkouts c LEFT JOIN invoices i ON i.id = c.invoice_id
             JOIN tenants t ON t.id = c.tenant_id ",
            $rest
        )
    };
}

impl Db<'_> {
    /// The checkout with that id.
    ///
    /// # Errors
    /// There is none.
    pub fn checkout(&self, id: CheckoutId) -> Result<Checkout> {
        self.conn
            .prepare_cached(checkout_query!("WHERE c.id = ?1"))?
            .query_row([id.0], checkout)
            .optional()?
            .ok_or_else(|| Refusal::NotFound { noun: "checkout", name: id.to_string(), near: None })
    }

    /// The checkout of a transaction, where it is one's.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn checkout_of(&self, transaction: TransactionId) -> Result<Option<Checkout>> {
        let mut statement =
            self.conn.prepare_cached(checkout_query!("WHERE c.transaction_id = ?1"))?;
        Ok(statement.query_row([transaction.0], checkout).optional()?)
    }

    /// The open checkout of an invoice that asks for what is due on it, where there is one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn wanted_checkout(&self, invoice: InvoiceId) -> Result<Option<Checkout>> {
        let mut statement = self.conn.prepare_cached(checkout_query!(
            "WHERE c.invoice_id = ?1 AND c.ended_at IS NULL AND c.superseded = 0"
        ))?;
        Ok(statement.query_row([invoice.0], checkout).optional()?)
    }

    /// The open checkout by which a tenant may add a payment method, where there is one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn wanted_setup(&self, tenant: TenantId) -> Result<Option<Checkout>> {
        let mut statement = self.conn.prepare_cached(checkout_query!(
            "WHERE c.tenant_id = ?1 AND c.ended_at IS NULL AND c.superseded = 0
               AND c.invoice_id IS NULL"
        ))?;
        Ok(statement.query_row([tenant.0], checkout).optional()?)
    }

    /// The checkouts of an invoice of which something may come yet.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn open_checkouts_of(&self, invoice: InvoiceId) -> Result<Vec<CheckoutId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id FROM checkouts INDEXED BY checkouts_invoice
             WHERE invoice_id = ?1 AND ended_at IS NULL ORDER BY id",
        )?;
        let ids = statement.query_map([invoice.0], |row| Ok(CheckoutId(row.get(0)?)))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// The checkouts of a tenant of which something may come yet, of invoices and of payment methods.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn open_checkouts_of_tenant(&self, tenant: TenantId) -> Result<Vec<CheckoutId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id FROM checkouts INDEXED BY checkouts_tenant
             WHERE tenant_id = ?1 AND ended_at IS NULL ORDER BY id",
        )?;
        let ids = statement.query_map([tenant.0], |row| Ok(CheckoutId(row.get(0)?)))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// Those of them whose page is to be ended.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn superseded_checkouts_of_tenant(&self, tenant: TenantId) -> Result<Vec<CheckoutId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id FROM checkouts INDEXED BY checkouts_tenant
             WHERE tenant_id = ?1 AND ended_at IS NULL AND superseded = 1 ORDER BY id",
        )?;
        let ids = statement.query_map([tenant.0], |row| Ok(CheckoutId(row.get(0)?)))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// A page of the checkouts of which something may come yet, after `after`.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn open_checkouts(&self, after: CheckoutId, limit: usize) -> Result<Vec<CheckoutId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id FROM checkouts INDEXED BY checkouts_open
             WHERE ended_at IS NULL AND id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let ids =
            statement.query_map((after.0, limit as i64), |row| Ok(CheckoutId(row.get(0)?)))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// The sandbox's checkout of that reference.
    ///
    /// # Errors
    /// There is none.
    pub fn sandbox_checkout(&self, reference: &str) -> Result<Checkout> {
        self.conn
            .prepare_cached(checkout_query!(
                "WHERE c.reference = ?1 AND c.reference IS NOT NULL AND c.gateway = 'sandbox'"
            ))?
            .query_row([reference], checkout)
            .optional()?
            .ok_or_else(|| Refusal::NotFound {
                noun: "checkout",
                name: reference.to_owned(),
                near: None,
            })
    }

    /// Writes down what was chosen on the sandbox's page; whether the checkout was open.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn set_sandbox_outcome(&self, id: CheckoutId, outcome: SandboxOutcome) -> Result<bool> {
        let set = self
            .conn
            .prepare_cached(
                "UPDATE checkouts SET outcome = ?2
                 WHERE id = ?1 AND ended_at IS NULL AND gateway = 'sandbox'",
            )?
            .execute((id.0, outcome.word()))?;
        Ok(set > 0)
    }

    /// How many checkouts an invoice had, or a tenant for payment methods.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn count_checkouts(&self, tenant: TenantId, invoice: Option<InvoiceId>) -> Result<i64> {
        let mut statement = self.conn.prepare_cached(
            "SELECT CASE WHEN ?2 IS NULL THEN
               (SELECT count(*) FROM checkouts INDEXED BY checkouts_tenant
                WHERE tenant_id = ?1 AND invoice_id IS NULL)
             ELSE (SELECT count(*) FROM checkouts INDEXED BY checkouts_invoice
                WHERE invoice_id = ?2) END",
        )?;
        Ok(statement.query_row((tenant.0, invoice.map(|id| id.0)), |row| row.get(0))?)
    }

    /// Writes a checkout's key down, before the gateway is called. The gateway knows the customer by the
    /// payment method that it had last, the default one before all.
    ///
    /// # Errors
    /// Another checkout asks for the same.
    pub fn insert_checkout(
        &self,
        act: &Act,
        new: &NewCheckout,
        machine_now: DateTime<Utc>,
    ) -> Result<CheckoutId> {
        let id = self
            .conn
            .prepare_cached(
                "INSERT INTO checkouts (tenant_id, invoice_id, currency, amount_minor, known_by,
                   gateway, idempotency_key, return_url, base_url, tenant_slug, status, created_at,
                   prepared_at, process_id)
                 VALUES (?1, ?2, ?3, ?4,
                   (SELECT id FROM payment_methods INDEXED BY payment_methods_tenant
                    WHERE tenant_id = ?1 AND status = 'active'
                    ORDER BY is_default DESC, id DESC LIMIT 1),
                   ?5, ?6, ?7, ?8, (SELECT slug FROM tenants WHERE id = ?1), 'prepared', ?9, ?10, ?11)",
            )?
            .insert((
                new.tenant.0,
                new.pays.map(|(invoice, _)| invoice.0),
                new.currency.code(),
                new.pays.map(|(_, amount)| amount.minor()),
                new.gateway,
                new.idempotency_key,
                new.return_url,
                new.base_url,
                act.at(),
                instant(machine_now),
                std::process::id(),
            ))?;
        Ok(CheckoutId(id))
    }

    /// Says that this process calls the gateway with the key of a checkout.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn call_for_checkout(&self, id: CheckoutId) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE checkouts SET process_id = ?2 WHERE id = ?1")?
            .execute((id.0, std::process::id()))?;
        Ok(())
    }

    /// Says that a second process calls the gateway with the key of a checkout that another is asking for: what
    /// either is not answered says nothing of the other.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn call_too(&self, id: CheckoutId) -> Result<()> {
        self.checkout_unknown(id, None, None)?;
        self.call_for_checkout(id)
    }

    /// What the gateway is asked, the same each time.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn checkout_request(&self, id: CheckoutId) -> Result<CheckoutRequest> {
        let mut statement = self.conn.prepare_cached(
            "SELECT c.*, i.number, m.token FROM checkouts c
             LEFT JOIN invoices i ON i.id = c.invoice_id
             LEFT JOIN payment_methods m ON m.id = c.known_by WHERE c.id = ?1",
        )?;
        Ok(statement.query_row([id.0], |row| {
            let currency = columns::word(row, "currency")?;
            let invoice: Option<String> = row.get("number")?;
            let purpose = match invoice {
                Some(invoice) => Purpose::Payment {
                    amount: columns::money(row, "amount_minor", currency)?,
                    invoice,
                },
                None => Purpose::Setup { currency },
            };
            Ok(CheckoutRequest {
                idempotency_key: row.get("idempotency_key")?,
                purpose,
                tenant: row.get("tenant_slug")?,
                return_url: row.get("return_url")?,
                base_url: row.get("base_url")?,
                customer: row.get::<_, Option<String>>("token")?.map(Token::new),
                created_at: columns::instant(row, "created_at")?,
                prepared_at: columns::instant(row, "prepared_at")?,
                outcome: columns::word_or_null(row, "outcome")?,
            })
        })?)
    }

    /// Writes down where the customer pays.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn checkout_opened(&self, id: CheckoutId, page: &Page) -> Result<()> {
        let expires_at = page.expires_at.map(instant);
        self.conn
            .prepare_cached(
                "UPDATE checkouts SET status = 'pending', reference = ?2, url = ?3, expires_at = ?4,
                   code = NULL, message = NULL
                 WHERE id = ?1",
            )?
            .execute((id.0, &page.reference, &page.url, expires_at))?;
        Ok(())
    }

    /// Writes down that nothing is known of a checkout but perhaps its name at the gateway.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn checkout_unknown(
        &self,
        id: CheckoutId,
        reference: Option<&str>,
        message: Option<&str>,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE checkouts SET status = CASE status WHEN 'prepared' THEN 'unknown'
                     ELSE status END,
                   reference = coalesce(reference, ?2), message = coalesce(?3, message)
                 WHERE id = ?1",
            )?
            .execute((id.0, reference, message))?;
        Ok(())
    }

    /// Writes down whether money is on its way by a checkout, where the gateway says that.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn checkout_on_its_way(&self, id: CheckoutId, became: &Became) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE checkouts SET on_its_way = coalesce(?2, on_its_way) WHERE id = ?1",
            )?
            .execute((id.0, became.is_on_its_way()))?;
        Ok(())
    }

    /// Whether money for an invoice is on its way by a page of the gateway's: it is not to be taken twice.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn is_on_its_way(&self, invoice: InvoiceId) -> Result<bool> {
        let mut statement = self.conn.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM checkouts INDEXED BY checkouts_invoice
             WHERE invoice_id = ?1 AND ended_at IS NULL AND on_its_way = 1)",
        )?;
        Ok(statement.query_row([invoice.0], |row| row.get(0))?)
    }

    /// Ends a checkout; false where another process had ended it, and nothing is to be booked.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn end_checkout(
        &self,
        act: &Act,
        id: CheckoutId,
        status: CheckoutStatus,
        failure: Option<(&str, Option<&str>)>,
    ) -> Result<bool> {
        let (code, message) = failure.unzip();
        let ended = self
            .conn
            .prepare_cached(
                "UPDATE checkouts SET status = ?2, code = ?3, message = ?4, ended_at = ?5
                 WHERE id = ?1 AND ended_at IS NULL",
            )?
            .execute((id.0, status.word(), code, message.flatten(), act.at()))?;
        Ok(ended > 0)
    }

    /// Writes down which payment method a checkout added.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn checkout_added(&self, id: CheckoutId, method: PaymentMethodId) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE checkouts SET payment_method_id = ?2 WHERE id = ?1")?
            .execute((id.0, method.0))?;
        Ok(())
    }

    /// Says that a checkout is not to be paid any more; it goes on to be asked about.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn supersede_checkout(&self, id: CheckoutId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE checkouts SET superseded = 1
                 WHERE id = ?1 AND ended_at IS NULL AND superseded = 0",
            )?
            .execute([id.0])?;
        Ok(())
    }

    /// Writes the transaction of a checkout down, or how it stands now.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn checkout_transaction(
        &self,
        act: &Act,
        checkout: &Checkout,
        status: TransactionStatus,
        reference: Option<&str>,
    ) -> Result<Option<TransactionId>> {
        let (Some(invoice), Some(amount)) = (checkout.invoice_id, checkout.amount) else {
            return Ok(None);
        };
        if let Some(id) = checkout.transaction {
            self.conn
                .prepare_cached(
                    "UPDATE transactions SET status = ?2, reference = coalesce(?3, reference),
                       updated_at = max(updated_at, ?4)
                     WHERE id = ?1",
                )?
                .execute((id.0, status.word(), reference, act.at()))?;
            return Ok(Some(id));
        }
        let id = self
            .conn
            .prepare_cached(
                "INSERT INTO transactions (invoice_id, tenant_id, kind, status, currency,
                   amount_minor, reference, last_tried_at, created_at, updated_at)
                 VALUES (?1, ?2, 'checkout', ?3, ?4, ?5, ?6, ?7, ?7, ?7)",
            )?
            .insert((
                invoice.0,
                checkout.tenant_id.0,
                status.word(),
                amount.currency().code(),
                amount.minor(),
                reference,
                act.at(),
            ))?;
        self.conn
            .prepare_cached("UPDATE checkouts SET transaction_id = ?2 WHERE id = ?1")?
            .execute((checkout.id.0, id))?;
        Ok(Some(TransactionId(id)))
    }

    /// Marks the transaction of a checkout as one of which nothing came. No customer was declined: it has
    /// not failed for the first time.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn checkout_came_to_nothing(
        &self,
        act: &Act,
        id: TransactionId,
        (code, message): (&str, Option<&str>),
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE transactions SET status = 'failed', failure_code = ?2, failure_message = ?3,
                   updated_at = max(updated_at, ?4)
                 WHERE id = ?1",
            )?
            .execute((id.0, code, message, act.at()))?;
        Ok(())
    }

    /// Writes down how a checkout was paid, and the attempt by which the gateway is asked about that payment
    /// from now on: whether it was disputed, or to give it back.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn checkout_paid(
        &self,
        act: &Act,
        checkout: CheckoutId,
        transaction: TransactionId,
        method: PaymentMethodKind,
        reference: Option<&str>,
    ) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE transactions SET method = ?2 WHERE id = ?1")?
            .execute((transaction.0, method.word()))?;
        self.conn
            .prepare_cached(
                "INSERT INTO charge_attempts (transaction_id, tenant_id, gateway, idempotency_key,
                   amount_minor, status, reference, created_at, prepared_at, answered_at)
                 SELECT ?2, tenant_id, gateway, idempotency_key, amount_minor, 'succeeded', ?3,
                   created_at, prepared_at, ?4
                 FROM checkouts WHERE id = ?1",
            )?
            .execute((checkout.0, transaction.0, reference, act.at()))?;
        Ok(())
    }
}

fn checkout(row: &Row) -> rusqlite::Result<Checkout> {
    let currency = columns::word(row, "currency")?;
    let amount: Option<i64> = row.get("amount_minor")?;
    Ok(Checkout {
        id: CheckoutId(row.get("id")?),
        tenant_id: TenantId(row.get("tenant_id")?),
        tenant: row.get("tenant")?,
        invoice_id: row.get::<_, Option<i64>>("invoice_id")?.map(InvoiceId),
        invoice: row.get("invoice")?,
        transaction: row.get::<_, Option<i64>>("transaction_id")?.map(TransactionId),
        amount: amount.map(|minor| Money::from_minor(minor, currency)),
        currency,
        gateway: row.get("gateway")?,
        status: columns::word(row, "status")?,
        superseded: row.get("superseded")?,
        on_its_way: row.get("on_its_way")?,
        reference: row.get("reference")?,
        url: row.get("url")?,
        expires_at: columns::instant_or_null(row, "expires_at")?,
        return_url: row.get("return_url")?,
        code: row.get("code")?,
        message: row.get("message")?,
        payment_method: row.get::<_, Option<i64>>("payment_method_id")?.map(PaymentMethodId),
        created_at: columns::instant(row, "created_at")?,
        prepared_at: columns::instant(row, "prepared_at")?,
        process_id: row.get("process_id")?,
    })
}
