//! Payment methods of a tenant: added, removed, made the default.

use super::Book;
use crate::domain::event::{Extra, PaymentMethodEvent};
use crate::domain::payment_method::{NewPaymentMethod, PaymentMethod, PaymentMethodStatus};
use crate::domain::tenant::{Tenant, TenantStatus};
use crate::domain::{PaymentMethodId, Refusal, Result, TenantId};

impl Book<'_> {
    /// Adds a payment method.
    ///
    /// # Errors
    /// The tenant is closed.
    pub fn add_payment_method(
        &self,
        tenant: &Tenant,
        new: &NewPaymentMethod,
    ) -> Result<PaymentMethodId> {
        if tenant.status == TenantStatus::Closed {
            return Err(Refusal::TenantClosed { tenant: tenant.slug.clone() });
        }
        let id = self.db.insert_payment_method(self.act, tenant.id, new)?;
        let instead_of = match new.is_default {
            true => self.set_default(tenant.id, id)?,
            false => Extra(None),
        };
        let event = PaymentMethodEvent::Created {
            payment_method: id,
            kind: new.kind,
            default: new.is_default,
            label: Extra(new.label.as_deref()),
            instead_of,
        };
        self.record(tenant.id, event, None)?;
        Ok(id)
    }

    /// Makes a payment method the one that is charged.
    ///
    /// # Errors
    /// It was removed.
    pub fn make_payment_method_default(&self, method: &PaymentMethod) -> Result<()> {
        check_in_use(method)?;
        let instead_of = self.set_default(method.tenant_id, method.id)?;
        let event = PaymentMethodEvent::MadeDefault { payment_method: method.id, instead_of };
        self.record(method.tenant_id, event, None)
    }

    /// Removes a payment method: it is used no more.
    ///
    /// # Errors
    /// It was removed before.
    pub fn remove_payment_method(&self, method: &PaymentMethod) -> Result<()> {
        check_in_use(method)?;
        self.db.remove_payment_method(self.act, method.id)?;
        let default = method.is_default.into();
        let event = PaymentMethodEvent::Removed { payment_method: method.id, default };
        self.record(method.tenant_id, event, None)
    }

    /// Makes a payment method the default; returns which other one was.
    fn set_default(&self, tenant: TenantId, id: PaymentMethodId) -> Result<Extra<PaymentMethodId>> {
        let before = self.db.default_payment_method(tenant)?.map(|method| method.id);
        self.db.set_default_payment_method(self.act, tenant, id)?;
        Ok(Extra(before.filter(|before| *before != id)))
    }
}

fn check_in_use(method: &PaymentMethod) -> Result<()> {
    match method.status {
        PaymentMethodStatus::Active => Ok(()),
        PaymentMethodStatus::Removed => {
            Err(Refusal::PaymentMethodRemoved { payment_method: method.id.to_string() })
        }
    }
}
