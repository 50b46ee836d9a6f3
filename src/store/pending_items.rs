//! The rows of pending items.

use chrono::NaiveDate;
use rusqlite::{OptionalExtension, Row};

use super::{Db, columns};
use crate::domain::pending_item::{NewPendingItem, PendingItem, PendingStatus};
use crate::domain::subscription::Subscription;
use crate::domain::tax::TaxBasis;
use crate::domain::{
    Act, Currency, InvoiceId, PendingItemId, Refusal, Result, SubscriptionId, TenantId,
};

/// Which pending items are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct PendingItemFilter {
    pub tenant: Option<TenantId>,
    pub status: Option<PendingStatus>,
    pub limit: Option<u32>,
}

macro_rules! item_query {
    ($index:literal, $($rest:expr),+) => {
        concat!(
            "SELECT p.*, t.slug, n.number FROM pending_items p ",
            $index,
            " JOIN tenants t ON t.id = p.tenant_id LEFT JOIN invoices n ON n.id = p.invoice_id ",
            $($rest),+
        )
    };
}

/// What waits of a tenant (`?1`) in a currency (`?2`).
macro_rules! waiting_query {
    () => {
        item_query!(
            "INDEXED BY pending_items_waiting",
            "WHERE p.tenant_id = ?1 AND p.currency = ?2 AND p.invoice_id IS NULL
               AND p.removed_at IS NULL"
        )
    };
}

/// Whether the subscription that an item names has ended, and nothing of it is left to the next run.
macro_rules! subscription_is_over {
    () => {
        "EXISTS (SELECT 1 FROM subscriptions o WHERE o.id = p.subscription_id
           AND o.status = 'canceled' AND o.unbilled_from IS NULL)"
    };
}

/// [`PendingItem::status`] says it of one that was read.
macro_rules! has_status {
    () => {
        "(?3 IS NULL OR ?3 = CASE WHEN p.invoice_id IS NOT NULL THEN 'invoiced'
           WHEN p.removed_at IS NOT NULL THEN 'removed' ELSE 'pending' END)"
    };
}

impl Db<'_> {
    /// Writes a pending item, which waits from today on.
    ///
    /// # Errors
    /// A rule of the schema says no.
    pub fn insert_pending_item(&self, act: &Act, new: &NewPendingItem) -> Result<PendingItemId> {
        let id = self
            .conn
            .prepare_cached(
                "INSERT INTO pending_items (tenant_id, subscription_id, currency, description,
                   quantity, unit_price, amount_minor, tax_inclusive, discountable, period_start,
                   period_end, of_change, created_on, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            )?
            .insert((
                new.tenant.0,
                new.subscription.map(|id| id.0),
                new.amount.currency().code(),
                &new.description,
                new.quantity.to_string(),
                new.unit_price.map(|price| price.to_string()),
                new.amount.minor(),
                new.basis.is_inclusive(),
                new.discountable,
                new.period.map(|(start, _)| start.to_string()),
                new.period.map(|(_, end)| end.to_string()),
                new.of_change.map(|start| start.to_string()),
                act.today.to_string(),
                act.at(),
            ))?;
        Ok(PendingItemId(id))
    }

    /// The pending item with that id.
    ///
    /// # Errors
    /// There is none.
    pub fn pending_item(&self, id: PendingItemId) -> Result<PendingItem> {
        let mut statement = self.conn.prepare_cached(item_query!("", "WHERE p.id = ?1"))?;
        statement.query_row([id.0], item).optional()?.ok_or_else(|| Refusal::NotFound {
            noun: "pending item",
            name: id.to_string(),
            near: None,
        })
    }

    /// Hands each pending item that the filter lets through to `each`, oldest first; of a limit, the
    /// newest.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_pending_item(
        &self,
        filter: &PendingItemFilter,
        mut each: impl FnMut(PendingItem) -> Result<()>,
    ) -> Result<()> {
        let sql = match filter.tenant {
            Some(_) => concat!(
                "SELECT * FROM (",
                item_query!(
                    "",
                    "WHERE p.tenant_id = ?1 AND ",
                    has_status!(),
                    " ORDER BY p.id DESC LIMIT ?2"
                ),
                ") ORDER BY id"
            ),
            None => concat!(
                "SELECT * FROM (",
                item_query!(
                    "",
                    "WHERE ?1 IS NULL AND ",
                    has_status!(),
                    " ORDER BY p.id DESC LIMIT ?2"
                ),
                ") ORDER BY id"
            ),
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        let limit = columns::limit(filter.limit);
        let status = filter.status.map(PendingStatus::word);
        let mut rows = statement.query((filter.tenant.map(|id| id.0), limit, status))?;
        while let Some(row) = rows.next()? {
            each(item(row)?)?;
        }
        Ok(())
    }

    /// The items that wait and that changes of a subscription's period made, newest first; the period is
    /// told by its start.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn pending_items_of_change(
        &self,
        subscription: SubscriptionId,
        period_start: NaiveDate,
    ) -> Result<Vec<PendingItem>> {
        let mut statement = self.conn.prepare_cached(item_query!(
            "",
            "WHERE p.subscription_id = ?1 AND p.of_change = ?2 AND p.invoice_id IS NULL
               AND p.removed_at IS NULL ORDER BY p.id DESC"
        ))?;
        let found = statement.query_map((subscription.0, period_start.to_string()), item)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// What waits for the next period of a subscription in that currency, oldest first: what names it,
    /// what names no subscription, and what names one that has ended and is billed to its end.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn waiting_for_period(
        &self,
        of: &Subscription,
        currency: Currency,
    ) -> Result<Vec<PendingItem>> {
        let mut statement = self.conn.prepare_cached(concat!(
            waiting_query!(),
            " AND (p.subscription_id IS NULL OR p.subscription_id = ?3 OR ",
            subscription_is_over!(),
            ") ORDER BY p.id"
        ))?;
        let found = statement.query_map((of.tenant_id.0, currency.code(), of.id.0), item)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// What waits in that currency and names a subscription, oldest first: what its end bills.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn waiting_at_end(
        &self,
        of: &Subscription,
        currency: Currency,
    ) -> Result<Vec<PendingItem>> {
        let mut statement = self.conn.prepare_cached(concat!(
            waiting_query!(),
            " AND p.subscription_id = ?3 ORDER BY p.id"
        ))?;
        let found = statement.query_map((of.tenant_id.0, currency.code(), of.id.0), item)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// What waits of a tenant in that currency and is of no subscription that has not ended, oldest
    /// first: an invoice of its own may bill it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn waiting_for_any(
        &self,
        tenant: TenantId,
        currency: Currency,
    ) -> Result<Vec<PendingItem>> {
        let mut statement = self.conn.prepare_cached(concat!(
            waiting_query!(),
            " AND (p.subscription_id IS NULL OR ",
            subscription_is_over!(),
            ") ORDER BY p.id"
        ))?;
        let found = statement.query_map((tenant.0, currency.code()), item)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// All that waits of a tenant, oldest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn waiting_of(&self, tenant: TenantId) -> Result<Vec<PendingItem>> {
        let mut statement = self.conn.prepare_cached(item_query!(
            "INDEXED BY pending_items_waiting",
            "WHERE p.tenant_id = ?1 AND p.invoice_id IS NULL AND p.removed_at IS NULL
             ORDER BY p.id"
        ))?;
        let found = statement.query_map([tenant.0], item)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether the next period of another subscription of the tenant, billed in that currency, comes
    /// before the one of `of` that starts on `on`: runs go by that day, then by id.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn has_period_before(
        &self,
        of: &Subscription,
        on: NaiveDate,
        currency: Currency,
    ) -> Result<bool> {
        let mut statement = self.conn.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM subscriptions s INDEXED BY subscriptions_tenant
               WHERE s.tenant_id = ?1 AND s.id <> ?2 AND s.status = 'active'
                 AND (s.next_billing_on, s.id) < (?3, ?2)
                 AND (s.ends_on IS NULL OR s.next_billing_on < s.ends_on)
                 AND EXISTS (SELECT 1 FROM subscription_items i JOIN prices r ON r.id = i.price_id
                   WHERE i.subscription_id = s.id AND r.currency = ?4))",
        )?;
        let values = (of.tenant_id.0, of.id.0, on.to_string(), currency.code());
        Ok(statement.query_row(values, |row| row.get(0))?)
    }

    /// What has waited since that day or longer, oldest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn waiting_since(&self, on: NaiveDate) -> Result<Vec<PendingItem>> {
        let mut statement = self.conn.prepare_cached(item_query!(
            "INDEXED BY pending_items_oldest",
            "WHERE p.invoice_id IS NULL AND p.removed_at IS NULL AND p.created_on <= ?1
             ORDER BY p.created_on, p.id"
        ))?;
        let found = statement.query_map([on.to_string()], item)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Lets an invoice take a pending item.
    ///
    /// # Errors
    /// It was removed, or a fault of the file.
    pub fn take_pending_item(&self, id: PendingItemId, by: InvoiceId) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE pending_items SET invoice_id = ?2 WHERE id = ?1")?
            .execute((id.0, by.0))?;
        Ok(())
    }

    /// Lets what an invoice has taken wait again, and returns it, oldest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn return_pending_items(&self, invoice: InvoiceId) -> Result<Vec<PendingItem>> {
        let mut statement =
            self.conn.prepare_cached(item_query!("", "WHERE p.invoice_id = ?1 ORDER BY p.id"))?;
        let found = statement.query_map([invoice.0], item)?;
        let returned = found.collect::<rusqlite::Result<Vec<_>>>()?;
        self.conn
            .prepare_cached("UPDATE pending_items SET invoice_id = NULL WHERE invoice_id = ?1")?
            .execute([invoice.0])?;
        Ok(returned)
    }

    /// Writes what a pending item comes to that was lowered.
    ///
    /// # Errors
    /// It does not wait, or comes to no less.
    pub fn lower_pending_item(&self, lowered: &PendingItem) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE pending_items SET amount_minor = ?2, unit_price = ?3 WHERE id = ?1",
            )?
            .execute((
                lowered.id.0,
                lowered.amount.minor(),
                lowered.unit_price.map(|price| price.to_string()),
            ))?;
        Ok(())
    }

    /// Lets a pending item be billed no more.
    ///
    /// # Errors
    /// It was removed before, or an invoice has taken it.
    pub fn remove_pending_item(&self, act: &Act, id: PendingItemId) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE pending_items SET removed_at = ?2 WHERE id = ?1")?
            .execute((id.0, act.at()))?;
        Ok(())
    }
}

fn item(row: &Row) -> rusqlite::Result<PendingItem> {
    let currency = columns::word(row, "currency")?;
    Ok(PendingItem {
        id: PendingItemId(row.get("id")?),
        tenant_id: TenantId(row.get("tenant_id")?),
        tenant: row.get("slug")?,
        subscription: row.get::<_, Option<i64>>("subscription_id")?.map(SubscriptionId),
        description: row.get("description")?,
        quantity: columns::word(row, "quantity")?,
        unit_price: columns::word_or_null(row, "unit_price")?,
        amount: columns::money(row, "amount_minor", currency)?,
        basis: TaxBasis::of(row.get("tax_inclusive")?),
        discountable: row.get("discountable")?,
        period: columns::period(row)?,
        of_change: columns::date_or_null(row, "of_change")?,
        created_on: columns::date(row, "created_on")?,
        created_at: row.get("created_at")?,
        invoice_id: row.get::<_, Option<i64>>("invoice_id")?.map(InvoiceId),
        invoice: row.get("number")?,
        removed_at: row.get("removed_at")?,
    })
}
