//! The rows of redemptions and of the invoices that they discounted.

use chrono::NaiveDate;
use rusqlite::{OptionalExtension, Row};

use super::{Db, columns, coupons};
use crate::domain::coupon::{Coupon, Facts, OnPlan, Redemption, Usage};
use crate::domain::invoice::{Amounts, Line};
use crate::domain::{
    Act, CouponId, CreditNoteId, InvoiceId, Money, RedemptionId, Result, SubscriptionId, TenantId,
    UsageId,
};

/// A coupon that is redeemed.
#[derive(Debug, Clone, Copy)]
pub struct NewRedemption<'a> {
    pub coupon: &'a Coupon,
    pub tenant: TenantId,
    /// The subscription whose coming invoices it discounts; `None`: one invoice.
    pub subscription: Option<SubscriptionId>,
    /// JSON.
    pub metadata: &'a str,
}

/// An invoice that a redemption discounts.
#[derive(Debug, Clone, Copy)]
pub struct NewUsage<'a> {
    pub redemption: &'a Redemption,
    pub tenant: TenantId,
    pub invoice: InvoiceId,
    pub amounts: &'a Amounts,
}

/// Which usages are listed.
#[derive(Debug, Clone, Default)]
pub struct UsageFilter {
    pub coupon: Option<CouponId>,
    pub tenant: Option<TenantId>,
    pub limit: Option<u32>,
}

macro_rules! redemption_query {
    ($rest:literal) => {
        concat!(
            "SELECT r.*, c.code, c.discount_type, c.percent, c.amount_minor, c.currency,
                    (SELECT group_concat(plan_id) FROM coupon_plans WHERE coupon_id = c.id) AS plans
             FROM redemptions r JOIN coupons c ON c.id = r.coupon_id ",
            $rest
        )
    };
}

macro_rules! usage_query {
    ($($rest:expr),+) => {
        concat!(
            "SELECT u.*, c.code, t.slug AS tenant, i.number AS invoice, i.subscription_id,
                    r.metadata, n.number AS credit_note
             FROM coupon_usages u JOIN coupons c ON c.id = u.coupon_id
             JOIN tenants t ON t.id = u.tenant_id JOIN invoices i ON i.id = u.invoice_id
             JOIN redemptions r ON r.id = u.redemption_id
             LEFT JOIN credit_notes n ON n.id = u.credit_note_id ",
            $($rest),+
        )
    };
}

impl Db<'_> {
    /// What the rules of a coupon ask about a customer who is to pay an amount.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn coupon_facts(
        &self,
        act: &Act,
        coupon: CouponId,
        tenant: TenantId,
        plans: Vec<OnPlan>,
        amount: Money,
    ) -> Result<Facts> {
        // `paid_elsewhere_minor`: an invoice that was paid before its import counts as a payment.
        let mut statement = self.conn.prepare_cached(
            "SELECT
               (SELECT count(*) FROM redemptions
                WHERE coupon_id = ?1 AND tenant_id = ?2 AND returned_at IS NULL) AS uses,
               EXISTS (SELECT 1 FROM invoices
                WHERE tenant_id = ?2 AND status = 'paid' AND total_minor > 0) AS has_paid_invoice,
               EXISTS (SELECT 1 FROM transactions WHERE tenant_id = ?2 AND status = 'succeeded'
                   AND kind <> 'refund')
                 OR EXISTS (SELECT 1 FROM invoices
                   WHERE tenant_id = ?2 AND paid_elsewhere_minor > 0) AS has_payment",
        )?;
        Ok(statement.query_row((coupon.0, tenant.0), |row| {
            Ok(Facts {
                at: act.at(),
                uses_by_customer: row.get("uses")?,
                plans,
                has_paid_invoice: row.get("has_paid_invoice")?,
                has_payment: row.get("has_payment")?,
                amount,
            })
        })?)
    }

    /// Writes a redemption, which is one use of its coupon.
    ///
    /// # Errors
    /// The coupon is used up, or its subscription has one already.
    pub fn insert_redemption(&self, act: &Act, new: &NewRedemption) -> Result<RedemptionId> {
        let at = act.at();
        // Of an invoice, nothing can follow.
        let (left, ended_at) = match new.subscription {
            Some(_) => (new.coupon.offer.duration.periods(), None),
            None => (Some(0), Some(&at)),
        };
        let id = self
            .conn
            .prepare_cached(
                "INSERT INTO redemptions (coupon_id, tenant_id, subscription_id, periods_left,
                   metadata, redeemed_at, ended_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .insert((
                new.coupon.id.0,
                new.tenant.0,
                new.subscription.map(|id| id.0),
                left,
                new.metadata,
                &at,
                ended_at,
            ))?;
        Ok(RedemptionId(id))
    }

    /// The redemption in that row.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn redemption(&self, id: RedemptionId) -> Result<Redemption> {
        let mut statement = self.conn.prepare_cached(redemption_query!("WHERE r.id = ?1"))?;
        Ok(statement.query_row([id.0], redemption)?)
    }

    /// The redemption that discounts a subscription's coming invoices.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn running_redemption(&self, id: SubscriptionId) -> Result<Option<Redemption>> {
        let mut statement = self.conn.prepare_cached(redemption_query!(
            "WHERE r.subscription_id = ?1 AND r.subscription_id IS NOT NULL
               AND r.ended_at IS NULL AND r.returned_at IS NULL"
        ))?;
        Ok(statement.query_row([id.0], redemption).optional()?)
    }

    /// The redemption of a subscription that runs, else the one that was made last.
    pub(super) fn last_redemption(
        &self,
        id: SubscriptionId,
    ) -> rusqlite::Result<Option<Redemption>> {
        let mut statement = self.conn.prepare_cached(redemption_query!(
            "WHERE r.subscription_id = ?1 AND r.subscription_id IS NOT NULL
               AND r.returned_at IS NULL AND r.removed_at IS NULL
             ORDER BY r.ended_at IS NULL DESC, r.id DESC LIMIT 1"
        ))?;
        statement.query_row([id.0], redemption).optional()
    }

    /// Writes what a redemption took off an invoice.
    ///
    /// # Errors
    /// The invoice has a discount already.
    pub fn insert_usage(&self, act: &Act, new: &NewUsage) -> Result<UsageId> {
        let amounts = new.amounts;
        let id = self
            .conn
            .prepare_cached(
                "INSERT INTO coupon_usages (redemption_id, coupon_id, tenant_id, invoice_id,
                   original_minor, discount_minor, currency, used_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .insert((
                new.redemption.id.0,
                new.redemption.coupon_id.0,
                new.tenant.0,
                new.invoice.0,
                amounts.subtotal.minor(),
                amounts.discount.minor(),
                amounts.subtotal.currency().code(),
                act.at(),
            ))?;
        Ok(UsageId(id))
    }

    /// Notes that a credit note gave the discount of a usage.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn usage_by_note(&self, id: UsageId, note: CreditNoteId) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE coupon_usages SET credit_note_id = ?2 WHERE id = ?1")?
            .execute((id.0, note.0))?;
        Ok(())
    }

    /// Whether a coupon discounts an invoice, or a credit note of it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn has_usage(&self, invoice: InvoiceId) -> Result<bool> {
        let mut statement = self.conn.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM coupon_usages
               WHERE invoice_id = ?1 AND returned_at IS NULL)",
        )?;
        Ok(statement.query_row([invoice.0], |row| row.get(0))?)
    }

    /// Takes a coupon's discount off an open invoice; one that comes to nothing is paid `on` that
    /// day. The entry of the ledger is the caller's.
    ///
    /// # Errors
    /// It has a coupon, or something was paid on it.
    pub fn discount_invoice(
        &self,
        act: &Act,
        id: InvoiceId,
        coupon: CouponId,
        amounts: &Amounts,
        lines: &[Line],
        on: NaiveDate,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE invoices SET coupon_id = ?2, discount_minor = ?3, tax_minor = ?4,
                   total_minor = ?5, status = CASE WHEN ?5 = 0 THEN 'paid' ELSE status END,
                   paid_on = CASE WHEN ?5 = 0 THEN ?6 END, updated_at = max(updated_at, ?7)
                 WHERE id = ?1",
            )?
            .execute((
                id.0,
                coupon.0,
                amounts.discount.minor(),
                amounts.tax.minor(),
                amounts.total.minor(),
                on.to_string(),
                act.at(),
            ))?;
        let mut update = self.conn.prepare_cached(
            "UPDATE invoice_lines SET discount_minor = ?3 WHERE invoice_id = ?1 AND position = ?2",
        )?;
        for (position, line) in lines.iter().enumerate() {
            update.execute((id.0, position as i64 + 1, line.discount.minor()))?;
        }
        Ok(())
    }

    /// Sets how many periods a redemption discounts still, and whether nothing follows any more.
    ///
    /// # Errors
    /// Another redemption discounts the same subscription.
    pub fn set_periods_left(
        &self,
        act: &Act,
        id: RedemptionId,
        left: Option<i64>,
        ended: bool,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE redemptions SET periods_left = ?2,
                   ended_at = CASE WHEN ?3 THEN coalesce(ended_at, ?4) END
                 WHERE id = ?1",
            )?
            .execute((id.0, left, ended, act.at()))?;
        Ok(())
    }

    /// Ends a redemption for good, whatever is left of it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn remove_redemption(&self, act: &Act, id: RedemptionId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE redemptions SET removed_at = ?2, ended_at = coalesce(ended_at, ?2)
                 WHERE id = ?1",
            )?
            .execute((id.0, act.at()))?;
        Ok(())
    }

    /// Returns the use of a redemption: it counts no more.
    ///
    /// # Errors
    /// It was returned before.
    pub fn return_redemption(&self, act: &Act, id: RedemptionId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE redemptions SET returned_at = ?2, ended_at = coalesce(ended_at, ?2)
                 WHERE id = ?1",
            )?
            .execute((id.0, act.at()))?;
        Ok(())
    }

    /// Returns the usage of an invoice, and says of which redemption it was; `None` where the
    /// invoice has none.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn return_usage_of(&self, act: &Act, invoice: InvoiceId) -> Result<Option<RedemptionId>> {
        let found: Option<(i64, i64)> = self
            .conn
            .prepare_cached(
                "SELECT id, redemption_id FROM coupon_usages
                 WHERE invoice_id = ?1 AND returned_at IS NULL",
            )?
            .query_row([invoice.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((usage, redemption)) = found else { return Ok(None) };
        self.conn
            .prepare_cached("UPDATE coupon_usages SET returned_at = ?2 WHERE id = ?1")?
            .execute((usage, act.at()))?;
        Ok(Some(RedemptionId(redemption)))
    }

    /// Whether a redemption discounts an invoice that is not void.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn has_live_usage(&self, id: RedemptionId) -> Result<bool> {
        let mut statement = self.conn.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM coupon_usages
               WHERE redemption_id = ?1 AND returned_at IS NULL)",
        )?;
        Ok(statement.query_row([id.0], |row| row.get(0))?)
    }

    /// The usage in that row.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn usage(&self, id: UsageId) -> Result<Usage> {
        let mut statement = self.conn.prepare_cached(usage_query!("WHERE u.id = ?1"))?;
        Ok(statement.query_row([id.0], usage)?)
    }

    /// Hands each usage that the filter lets through to `each`, oldest first.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_usage(
        &self,
        filter: &UsageFilter,
        mut each: impl FnMut(Usage) -> Result<()>,
    ) -> Result<()> {
        // One statement an index: a customer's history costs what it holds.
        let sql = match (filter.coupon, filter.tenant) {
            (_, Some(_)) => columns::newest_last!(
                filter.limit,
                usage_query,
                ["WHERE u.tenant_id = ?2 AND (?1 IS NULL OR u.coupon_id = ?1)"],
                "u.id",
                "u.id",
                "id",
                "?3"
            ),
            (Some(_), None) => columns::newest_last!(
                filter.limit,
                usage_query,
                ["WHERE u.coupon_id = ?1 AND ?2 IS NULL"],
                "u.id",
                "u.id",
                "id",
                "?3"
            ),
            (None, None) => columns::newest_last!(
                filter.limit,
                usage_query,
                ["WHERE ?1 IS NULL AND ?2 IS NULL"],
                "u.id",
                "u.id",
                "id",
                "?3"
            ),
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query((
            filter.coupon.map(|id| id.0),
            filter.tenant.map(|id| id.0),
            columns::limit(filter.limit),
        ))?;
        while let Some(row) = rows.next()? {
            each(usage(row)?)?;
        }
        Ok(())
    }

    /// The redemptions of a subscription that discount coming invoices, or wait to.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn open_redemptions(&self, of: SubscriptionId) -> Result<Vec<Redemption>> {
        let mut statement = self.conn.prepare_cached(redemption_query!(
            "WHERE r.subscription_id = ?1 AND r.subscription_id IS NOT NULL
               AND r.returned_at IS NULL AND r.removed_at IS NULL
               AND (r.ended_at IS NULL OR r.periods_left > 0)
             ORDER BY r.id"
        ))?;
        let found = statement.query_map([of.0], redemption)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// The redemptions of a subscription that wait for the one that runs, oldest first: void
    /// invoices gave them periods back.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn waiting_redemptions(&self, of: SubscriptionId) -> Result<Vec<Redemption>> {
        let open = self.open_redemptions(of)?;
        Ok(open.into_iter().filter(|redemption| redemption.ended_at.is_some()).collect())
    }
}

fn redemption(row: &Row) -> rusqlite::Result<Redemption> {
    Ok(Redemption {
        id: RedemptionId(row.get("id")?),
        coupon_id: CouponId(row.get("coupon_id")?),
        code: row.get("code")?,
        discount: coupons::discount(row, "discount_type", "percent", "amount_minor", "currency")?,
        periods_left: row.get("periods_left")?,
        subscription_id: row.get::<_, Option<i64>>("subscription_id")?.map(SubscriptionId),
        ended_at: row.get("ended_at")?,
        removed_at: row.get("removed_at")?,
        plans: coupons::plan_ids(row, "plans")?,
    })
}

fn usage(row: &Row) -> rusqlite::Result<Usage> {
    let currency = columns::word(row, "currency")?;
    Ok(Usage {
        id: UsageId(row.get("id")?),
        redemption: RedemptionId(row.get("redemption_id")?),
        code: row.get("code")?,
        tenant: row.get("tenant")?,
        invoice: row.get("invoice")?,
        subscription: row.get::<_, Option<i64>>("subscription_id")?.map(SubscriptionId),
        original: columns::money(row, "original_minor", currency)?,
        discount: columns::money(row, "discount_minor", currency)?,
        metadata: row.get("metadata")?,
        used_at: row.get("used_at")?,
        returned_at: row.get("returned_at")?,
        credit_note: row.get("credit_note")?,
    })
}
