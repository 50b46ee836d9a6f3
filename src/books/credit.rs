//! What a customer has in credit: how it is kept, and how it pays invoices by itself.

use chrono::NaiveDate;

use super::Book;
use crate::domain::credit::{ApplyCredit, CreditSource, CreditUse, Left, draw};
use crate::domain::event::CreditEvent;
use crate::domain::invoice::Invoice;
use crate::domain::ledger::{Claim, Entry};
use crate::domain::{CreditId, InvoiceId, Money, Result, TenantId, TransactionId};
use crate::store::{NewCredit, Subject};

/// What of a credit is to pay an open invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Application {
    pub invoice: InvoiceId,
    pub credit: CreditId,
    /// The payment whose surplus the credit is.
    pub transaction: Option<TransactionId>,
    pub amount: Money,
    /// What is due on the invoice after it.
    pub remaining: Money,
}

impl Book<'_> {
    /// Keeps what a payment brought above what was due, or on account, as its tenant's credit.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn keep_surplus(
        &self,
        tenant: TenantId,
        transaction: TransactionId,
        surplus: Money,
        counts_from: NaiveDate,
        source: CreditSource,
    ) -> Result<()> {
        if surplus.is_zero() {
            return Ok(());
        }
        let transaction = Some(transaction);
        let new = NewCredit {
            tenant,
            source,
            transaction,
            credit_note: None,
            amount: surplus,
            reason: None,
            counts_from,
        };
        self.db.insert_credit(self.act, &new).map(drop)
    }

    /// What the credit of a tenant would pay now: its open invoices, oldest due first, each from the
    /// oldest credit in its currency. Nothing where credit is not used by itself.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn credit_plan(&self, tenant: TenantId) -> Result<Vec<Application>> {
        let mut plan = Vec::new();
        if self.config.invoicing.apply_credit == ApplyCredit::Manual {
            return Ok(plan);
        }
        for balance in self.db.credit_balance(tenant)?.iter() {
            let currency = balance.currency();
            let mut credits = self.db.credits_left(tenant, currency)?;
            for (invoice, due) in self.db.payable_by_credit(tenant, currency, self.act.today)? {
                if credits.iter().all(|credit| credit.left.is_zero()) {
                    break;
                }
                self.plan_for(invoice, due, &mut credits, &mut plan)?;
            }
        }
        Ok(plan)
    }

    /// Adds what `credits` would pay of an invoice to the plan.
    fn plan_for(
        &self,
        invoice: InvoiceId,
        due: Money,
        credits: &mut [Left],
        plan: &mut Vec<Application>,
    ) -> Result<()> {
        let kept_off = self.db.credits_kept_off(invoice)?;
        let usable = credits.iter_mut().filter(|credit| !kept_off.contains(&credit.credit));
        let mut remaining = due;
        for (credit, amount) in draw(usable, due)? {
            remaining = remaining.minus(amount)?;
            plan.push(Application {
                invoice,
                credit: credit.credit,
                transaction: credit.transaction,
                amount,
                remaining,
            });
        }
        Ok(())
    }

    /// Lets the credit of a tenant pay its open invoices; returns whether one of them may hold it no
    /// more. Whether the tenant comes back is the caller's.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn use_credit(&self, tenant: TenantId) -> Result<bool> {
        let plan = self.credit_plan(tenant)?;
        plan.iter().try_for_each(|one| self.apply(tenant, one))?;
        let policy = self.config.dunning_policy();
        Ok(plan.iter().any(|one| policy.is_little(one.remaining)))
    }

    /// Lets the credit of a tenant pay an invoice that is being issued, before it is sent or charged.
    /// Returns how much of it.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn use_credit_on(
        &self,
        tenant: TenantId,
        invoice: InvoiceId,
        due: Money,
    ) -> Result<Money> {
        let mut used = Money::zero(due.currency());
        if self.config.invoicing.apply_credit == ApplyCredit::Manual {
            return Ok(used);
        }
        let mut credits = self.db.credits_left(tenant, due.currency())?;
        if credits.is_empty() {
            return Ok(used);
        }
        let mut plan = Vec::new();
        self.plan_for(invoice, due, &mut credits, &mut plan)?;
        for one in &plan {
            self.apply(tenant, one)?;
            used = used.plus(one.amount)?;
        }
        Ok(used)
    }

    /// What of the credit of a tenant [`Book::use_credit_on`] would let pay an invoice that is issued now.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn credit_for_new(&self, tenant: TenantId, due: Money) -> Result<Money> {
        let nothing = Money::zero(due.currency());
        if self.config.invoicing.apply_credit == ApplyCredit::Manual {
            return Ok(nothing);
        }
        let mut credits = self.db.credits_left(tenant, due.currency())?;
        let drawn = draw(&mut credits, due)?;
        Ok(drawn.into_iter().map(|(_, part)| part).try_fold(nothing, Money::plus)?)
    }

    /// Lets the credit that had paid an invoice pay what is due on it now, the newest use first in
    /// `uses`, and the oldest put back first. A person may have put it there: it goes back also where
    /// credit is not used by itself.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn put_back(&self, invoice: &Invoice, uses: &[CreditUse], due: Money) -> Result<()> {
        let mut remaining = due;
        for one in uses.iter().rev() {
            let amount =
                if one.amount.minor() < remaining.minor() { one.amount } else { remaining };
            if amount.is_zero() {
                break;
            }
            remaining = remaining.minus(amount)?;
            let (invoice_id, tenant) = (invoice.id, invoice.tenant_id);
            let (credit, transaction) = (one.credit, one.transaction);
            let one = Application { invoice: invoice_id, credit, transaction, amount, remaining };
            self.apply(tenant, &one)?;
        }
        Ok(())
    }

    /// Lets what a charge took for invoices that were too small to be charged alone pay those first:
    /// the surplus is theirs.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn use_credit_on_small(&self, charged: &Invoice) -> Result<()> {
        let least = self.config.payments.minimum_charge.of(charged.total.currency());
        for (invoice, due) in self.db.too_small_beside(charged, least, self.act.today)? {
            self.use_credit_on(charged.tenant_id, invoice, due)?;
        }
        Ok(())
    }

    /// Lets a part of a credit pay an open invoice.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn apply(&self, tenant: TenantId, one: &Application) -> Result<()> {
        let Application { invoice, credit, amount, remaining, .. } = *one;
        let credit_use = self.db.insert_credit_use(self.act, credit, invoice, amount)?;
        let entry = Entry::credit_applied(amount, Claim::Receivable, self.act.today);
        let subject = Subject {
            invoice: Some(invoice),
            transaction: one.transaction,
            ..Subject::of_tenant(tenant)
        };
        self.db.book(self.act, subject, &entry)?;
        let currency = amount.currency();
        let event = CreditEvent::Applied { credit, credit_use, amount, remaining, currency };
        self.record((tenant, invoice), event, None)
    }
}
