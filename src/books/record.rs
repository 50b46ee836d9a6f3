//! What the books write into the audit trail.

use serde_json::{Value, json};

use super::Book;
use crate::domain::invoice::Invoice;
use crate::domain::subscription::{Subscription, Terms};
use crate::domain::{Result, TenantId};
use crate::store::NewEvent;

impl Book<'_> {
    /// Adds an event about an invoice.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn invoice_event(
        &self,
        invoice: &Invoice,
        kind: &'static str,
        reason: Option<&str>,
        data: &str,
    ) -> Result<()> {
        let (tenant, invoice) = (Some(invoice.tenant_id), Some(invoice.id));
        self.db.add_event(self.act, NewEvent { kind, tenant, invoice, reason, data })
    }

    /// Adds an event about a tenant.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn tenant_event(
        &self,
        tenant: TenantId,
        kind: &'static str,
        reason: Option<&str>,
        data: &str,
    ) -> Result<()> {
        self.db.add_event(
            self.act,
            NewEvent { kind, tenant: Some(tenant), invoice: None, reason, data },
        )
    }

    /// Adds an event about a coupon, which its data names: neither a customer nor an invoice tells of
    /// which one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn coupon_event(&self, kind: &'static str, data: &Value) -> Result<()> {
        let reason = match (data["code"].as_str(), data["changed"].as_object()) {
            (Some(code), Some(changed)) => {
                let fields: Vec<&str> = changed.keys().map(String::as_str).collect();
                Some(format!("{code}: {}", fields.join(", ")))
            }
            (Some(code), None) => Some(code.to_owned()),
            // Many at once are named by what their codes start with.
            (None, _) => match (data["prefix"].as_str(), data["count"].as_u64()) {
                (Some(prefix), Some(count)) => Some(format!("{count} codes {prefix}")),
                _ => None,
            },
        };
        let data = data.to_string();
        let reason = reason.as_deref();
        self.db.add_event(self.act, NewEvent { kind, reason, data: &data, ..NewEvent::default() })
    }

    /// Adds an event about a subscription, with how it stands now.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn subscription_event(
        &self,
        subscription: &Subscription,
        kind: &'static str,
        reason: Option<&str>,
        more: Value,
    ) -> Result<()> {
        let terms = |terms: &Terms| {
            let item = terms.first();
            json!({
                "plan": item.plan, "quantity": item.quantity, "price": item.price.major(),
                "currency": item.price.currency.code(),
            })
        };
        let mut data = json!({
            "subscription": subscription.id.to_string(),
            "status": subscription.status.word(),
            "terms": terms(&subscription.terms),
            "pending": subscription.pending.as_ref().map(terms),
            "next_billing_on": subscription.next_billing_on,
            "trial_ends_on": subscription.trial_ends_on,
            "ends_on": subscription.ends_on,
        });
        if let (Some(data), Some(more)) = (data.as_object_mut(), more.as_object()) {
            data.extend(more.clone());
        }
        self.tenant_event(subscription.tenant_id, kind, reason, &data.to_string())
    }
}

/// Terms as a reason says them: `3 × basic`.
pub(super) fn in_words(terms: &Terms) -> String {
    let items: Vec<_> =
        terms.items.iter().map(|item| format!("{} × {}", item.quantity, item.plan)).collect();
    items.join(", ")
}
