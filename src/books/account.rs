//! What a person does with the credit of a customer.

use super::credit::Application;
use super::{Because, Book};
use crate::domain::credit::{CreditSource, draw};
use crate::domain::event::CreditEvent;
use crate::domain::invoice::{self, Invoice};
use crate::domain::ledger::Entry;
use crate::domain::tenant::Tenant;
use crate::domain::{CreditId, Money, Refusal, Result, TenantId};
use crate::store::{NewCredit, Subject};

impl Book<'_> {
    /// Gives a customer credit, which pays its open invoices at once.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn grant_credit(&self, tenant: &Tenant, amount: Money, reason: &str) -> Result<CreditId> {
        let counts_from = self.act.today;
        let new = NewCredit {
            tenant: tenant.id,
            source: CreditSource::Grant,
            transaction: None,
            credit_note: None,
            amount,
            reason: Some(reason),
            counts_from,
        };
        let credit = self.db.insert_credit(self.act, &new)?;
        let subject = Subject::of_tenant(tenant.id);
        self.db.book(self.act, subject, &Entry::credit_granted(amount, counts_from))?;
        let currency = amount.currency();
        let event = CreditEvent::Granted { credit, amount, currency, reason };
        self.record(tenant.id, event, Some(reason))?;
        self.settle_from_credit(tenant.id)?;
        Ok(credit)
    }

    /// Lets the credit of a tenant pay what it can; where nothing holds the tenant any more, it comes
    /// back from its suspension.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn settle_from_credit(&self, tenant: TenantId) -> Result<()> {
        match self.use_credit(tenant)? {
            true => self.come_back(tenant, Because::Paid),
            false => Ok(()),
        }
    }

    /// Takes all credit off an invoice that is to be set right; it goes back by itself.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn take_credit_off(&self, invoice: &Invoice, reason: &str) -> Result<Invoice> {
        match invoice.credit_applied.is_zero() {
            true => Ok(invoice.clone()),
            false => self.release_all(invoice, reason),
        }
    }

    /// Lets credit pay an open invoice, whatever was taken off it before: `amount` of it, else as much
    /// as is due and there is. Returns how much it was.
    ///
    /// # Errors
    /// The invoice is not open, a charge of it has no outcome yet, there is no credit in its currency,
    /// or the amount is above what is due or left.
    pub fn apply_credit(&self, invoice: &Invoice, amount: Option<Money>) -> Result<Money> {
        invoice::check_open(invoice)?;
        if self.db.live_charge(invoice.id)?.is_some() {
            return Err(Refusal::ChargePending { invoice: invoice.number.clone() });
        }
        let (due, currency) = (invoice.due, invoice.due.currency());
        let mut credits = self.db.credits_left(invoice.tenant_id, currency)?;
        let mut left = Money::zero(currency);
        for credit in &credits {
            left = left.plus(credit.left)?;
        }
        if left.is_zero() || amount.is_some_and(|amount| amount.minor() > left.minor()) {
            let (tenant, asked) = (invoice.tenant.clone(), amount.unwrap_or(due));
            return Err(Refusal::CreditTooSmall { tenant, asked, left });
        }
        if let Some(given) = amount.filter(|amount| amount.minor() > due.minor()) {
            return Err(Refusal::AboveDue { invoice: invoice.number.clone(), given, due });
        }
        let mut remaining = due;
        for (credit, part) in draw(&mut credits, amount.unwrap_or(due))? {
            remaining = remaining.minus(part)?;
            let (credit, transaction) = (credit.credit, credit.transaction);
            let (tenant, invoice, amount) = (invoice.tenant_id, invoice.id, part);
            // A person puts it back: it is kept off no more.
            self.db.let_credit_on(credit, invoice)?;
            let one = Application { invoice, credit, transaction, amount, remaining };
            self.apply(tenant, &one)?;
        }
        if self.config.dunning_policy().is_little(remaining) {
            self.come_back(invoice.tenant_id, Because::Paid)?;
        }
        due.minus(remaining).map_err(Refusal::from)
    }
}
