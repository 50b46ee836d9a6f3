//! The rows of payment methods.

use rusqlite::{OptionalExtension, Row};

use super::{Db, columns};
use crate::domain::payment_method::{NewPaymentMethod, PaymentMethod};
use crate::domain::{Act, PaymentMethodId, Refusal, Result, TenantId};

macro_rules! method_query {
    ($($rest:expr),+) => {
        concat!(
            "SELECT m.*, t.slug AS tenant FROM payment_methods m
             JOIN tenants t ON t.id = m.tenant_id ",
            $($rest),+
        )
    };
}

impl Db<'_> {
    /// The payment method with that id.
    ///
    /// # Errors
    /// There is none.
    pub fn payment_method(&self, id: PaymentMethodId) -> Result<PaymentMethod> {
        self.conn
            .prepare_cached(method_query!("WHERE m.id = ?1"))?
            .query_row([id.0], method)
            .optional()?
            .ok_or_else(|| Refusal::NotFound {
                noun: "payment method",
                name: id.to_string(),
                near: None,
            })
    }

    /// The default payment method of a tenant, if it has one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn default_payment_method(&self, tenant: TenantId) -> Result<Option<PaymentMethod>> {
        Ok(self
            .conn
            .prepare_cached(method_query!("WHERE m.tenant_id = ?1 AND m.is_default = 1"))?
            .query_row([tenant.0], method)
            .optional()?)
    }

    /// Hands each payment method to `each`, of one tenant or of all, in the order in which they
    /// were added; removed ones too.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_payment_method(
        &self,
        tenant: Option<TenantId>,
        limit: Option<u32>,
        mut each: impl FnMut(PaymentMethod) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(columns::newest_last!(
            limit,
            method_query,
            ["WHERE ?1 IS NULL OR m.tenant_id = ?1"],
            "m.id",
            "m.id",
            "id",
            "?2"
        ))?;
        let mut rows = statement.query((tenant.map(|id| id.0), columns::limit(limit)))?;
        while let Some(row) = rows.next()? {
            each(method(row)?)?;
        }
        Ok(())
    }

    /// The payment method of a tenant that is in use and has that token, if there is one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn payment_method_by_token(
        &self,
        tenant: TenantId,
        token: &str,
    ) -> Result<Option<PaymentMethod>> {
        let mut statement = self.conn.prepare_cached(method_query!(
            "WHERE m.tenant_id = ?1 AND m.token = ?2 AND m.status = 'active' ORDER BY m.id LIMIT 1"
        ))?;
        Ok(statement.query_row((tenant.0, token), method).optional()?)
    }

    /// Adds a payment method. The token is stored and never read back for show.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn insert_payment_method(
        &self,
        act: &Act,
        tenant: TenantId,
        new: &NewPaymentMethod,
    ) -> Result<PaymentMethodId> {
        let id = self
            .conn
            .prepare_cached(
                "INSERT INTO payment_methods (tenant_id, kind, token, label, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
            )?
            .insert((tenant.0, new.kind.word(), &new.token, &new.label, act.at()))?;
        Ok(PaymentMethodId(id))
    }

    /// Makes one payment method the tenant's default, and no other.
    ///
    /// # Errors
    /// A rule of the schema says no: it was removed.
    pub fn set_default_payment_method(
        &self,
        act: &Act,
        tenant: TenantId,
        id: PaymentMethodId,
    ) -> Result<()> {
        let at = act.at();
        self.conn
            .prepare_cached(
                "UPDATE payment_methods SET is_default = 0, updated_at = ?2
                 WHERE tenant_id = ?1 AND is_default = 1",
            )?
            .execute((tenant.0, &at))?;
        self.conn
            .prepare_cached(
                "UPDATE payment_methods SET is_default = 1, updated_at = ?2 WHERE id = ?1",
            )?
            .execute((id.0, &at))?;
        Ok(())
    }

    /// Removes a payment method: it stays in the record and is used no more.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn remove_payment_method(&self, act: &Act, id: PaymentMethodId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE payment_methods SET status = 'removed', is_default = 0, updated_at = ?2
                 WHERE id = ?1",
            )?
            .execute((id.0, act.at()))?;
        Ok(())
    }
}

fn method(row: &Row) -> rusqlite::Result<PaymentMethod> {
    Ok(PaymentMethod {
        id: PaymentMethodId(row.get("id")?),
        tenant_id: TenantId(row.get("tenant_id")?),
        tenant: row.get("tenant")?,
        kind: columns::word(row, "kind")?,
        label: row.get("label")?,
        status: columns::word(row, "status")?,
        is_default: row.get("is_default")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
