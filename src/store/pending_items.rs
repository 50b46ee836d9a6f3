//! The rows of pending items.

use chrono::NaiveDate;
use rusqlite::{OptionalExtension, Row};

use super::{Db, columns};
use crate::domain::pending_item::{NewPendingItem, PendingItem};
use crate::domain::tax::TaxBasis;
use crate::domain::{Act, InvoiceId, PendingItemId, Refusal, Result, SubscriptionId, TenantId};

/// Which pending items are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct PendingItemFilter {
    pub tenant: Option<TenantId>,
    pub limit: Option<u32>,
}

macro_rules! item_query {
    ($rest:literal) => {
        concat!(
            "SELECT p.*, t.slug, n.number FROM pending_items p JOIN tenants t ON t.id = p.tenant_id
             LEFT JOIN invoices n ON n.id = p.invoice_id ",
            $rest
        )
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
        let mut statement = self.conn.prepare_cached(item_query!("WHERE p.id = ?1"))?;
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
                item_query!("WHERE p.tenant_id = ?1 ORDER BY p.id DESC LIMIT ?2"),
                ") ORDER BY id"
            ),
            None => concat!(
                "SELECT * FROM (",
                item_query!("WHERE ?1 IS NULL ORDER BY p.id DESC LIMIT ?2"),
                ") ORDER BY id"
            ),
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        let limit = columns::limit(filter.limit);
        let mut rows = statement.query((filter.tenant.map(|id| id.0), limit))?;
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
            "WHERE p.subscription_id = ?1 AND p.of_change = ?2 AND p.invoice_id IS NULL
               AND p.removed_at IS NULL ORDER BY p.id DESC"
        ))?;
        let found = statement.query_map((subscription.0, period_start.to_string()), item)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
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
