//! Pending items: what waits for an invoice, and which takes it.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::Book;
use crate::domain::event::{PendingItemEvent, PendingItemFacts};
use crate::domain::invoice::{Invoice, Line};
use crate::domain::pending_item::{NewPendingItem, PendingItem};
use crate::domain::subscription::Subscription;
use crate::domain::tax::TaxBasis;
use crate::domain::tenant::Tenant;
use crate::domain::{Currency, InvoiceId, Money, PendingItemId, Refusal, Result, SubscriptionId};

/// The pending items that invoices have taken which are foreseen one after another: none is on two.
#[derive(Debug, Clone, Default)]
pub struct Foreseen(BTreeSet<PendingItemId>);

impl Foreseen {
    /// Notes what an invoice over those lines takes.
    pub(super) fn take(&mut self, lines: &[Line]) {
        self.0.extend(lines.iter().filter_map(|line| line.pending));
    }
}

impl Book<'_> {
    /// The lines of what waits for the next period of a subscription, on an invoice of that basis, but for
    /// what was taken before.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub(super) fn pending_lines(
        &self,
        of: &Subscription,
        tenant: &Tenant,
        (currency, basis): (Currency, TaxBasis),
        before: &Foreseen,
    ) -> Result<Vec<Line>> {
        self.lines_of(&self.db.waiting_for_period(of, currency)?, tenant, basis, before)
    }

    /// The lines of what the end of a subscription bills, but for what was taken before.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub(super) fn lines_at_end(
        &self,
        of: &Subscription,
        tenant: &Tenant,
        before: &Foreseen,
    ) -> Result<Vec<Line>> {
        let waiting = self.db.waiting_at_end(of, of.terms.currency())?;
        self.lines_of(&waiting, tenant, of.terms.basis(), before)
    }

    /// The lines of what waits in a currency of a customer, and for no subscription that has not ended, on
    /// an invoice of that basis.
    ///
    /// # Errors
    /// Nothing waits, an amount that is too large, or a fault of the file.
    pub fn take_what_waits(
        &self,
        tenant: &Tenant,
        currency: Currency,
        basis: TaxBasis,
    ) -> Result<Vec<Line>> {
        let waiting = self.db.waiting_for_any(tenant.id, currency)?;
        if waiting.is_empty() {
            let tenant = tenant.slug.clone();
            return Err(Refusal::NothingPending { tenant, currency });
        }
        self.lines_of(&waiting, tenant, basis, &Foreseen::default())
    }

    fn lines_of(
        &self,
        waiting: &[PendingItem],
        tenant: &Tenant,
        basis: TaxBasis,
        before: &Foreseen,
    ) -> Result<Vec<Line>> {
        // Nothing waits for most invoices of a run.
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        let rate = tenant.taxed_by(&self.config.seller_tax()).rate;
        let left = waiting.iter().filter(|item| !before.0.contains(&item.id));
        left.map(|item| item.line(basis, rate)).collect()
    }

    /// What another subscription's invoice takes before that of the period which starts on `on`: what
    /// names no subscription goes to the first.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn taken_before(&self, of: &Subscription, on: NaiveDate) -> Result<Foreseen> {
        let currency = of.terms.currency();
        let mut waiting = self.db.waiting_for_period(of, currency)?;
        waiting.retain(|item| item.subscription != Some(of.id));
        if waiting.is_empty() || !self.db.has_period_before(of, on, currency)? {
            return Ok(Foreseen::default());
        }
        Ok(Foreseen(waiting.iter().map(|item| item.id).collect()))
    }

    /// Lets an invoice that is being issued take what its lines bill.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn take_pending(&self, invoice: InvoiceId, lines: &[Line]) -> Result<()> {
        for id in lines.iter().filter_map(|line| line.pending) {
            self.db.take_pending_item(id, invoice)?;
            let taken = self.db.pending_item(id)?;
            let event = PendingItemEvent::Invoiced { item: PendingItemFacts::of(&taken) };
            self.record((taken.tenant_id, invoice), event, Some(&taken.description))?;
        }
        Ok(())
    }

    /// Lets what an invoice had taken wait again: it is void.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn return_pending(&self, invoice: &Invoice) -> Result<()> {
        for item in self.db.return_pending_items(invoice.id)? {
            let event = PendingItemEvent::Returned { item: PendingItemFacts::of(&item) };
            self.record(invoice, event, Some(&item.description))?;
        }
        Ok(())
    }

    /// What a pending item is in: the currency of the subscription that it waits for, else the one that
    /// is asked for, else the customer's.
    ///
    /// # Errors
    /// The subscription is of another customer, has ended, or is billed in another currency than asked.
    pub fn pending_currency(
        &self,
        tenant: &Tenant,
        subscription: Option<SubscriptionId>,
        asked: Option<Currency>,
    ) -> Result<Currency> {
        let Some(id) = subscription else { return Ok(asked.unwrap_or(tenant.currency)) };
        let found = self.db.subscription(id)?;
        if found.tenant_id != tenant.id {
            let (subscription, tenant) = (id.to_string(), tenant.slug.clone());
            return Err(Refusal::NotOfTenant { subscription, tenant });
        }
        found.check_running(self.act.today)?;
        let has = found.terms.currency();
        match asked.filter(|asked| *asked != has) {
            Some(asked) => {
                Err(Refusal::SubscriptionCurrency { subscription: id.to_string(), has, asked })
            }
            None => Ok(has),
        }
    }

    /// Lets something wait for the next invoice.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn add_pending_item(&self, new: &NewPendingItem) -> Result<PendingItemId> {
        let id = self.db.insert_pending_item(self.act, new)?;
        let added = self.db.pending_item(id)?;
        let item = PendingItemFacts::of(&added);
        let reason = format!("{}: {}", added.description, added.amount);
        self.record(added.tenant_id, PendingItemEvent::Created { item }, Some(&reason))?;
        Ok(id)
    }

    /// Takes so much off a pending item; one of which nothing is left is removed.
    ///
    /// # Errors
    /// It does not wait, or comes to less than that.
    pub fn lower_pending_item(&self, before: &PendingItem, by: Money) -> Result<()> {
        let Some(lowered) = before.lowered(by)? else {
            return self.remove_pending_item(before, Some("a later change took all of it back"));
        };
        self.db.lower_pending_item(&lowered)?;
        let item = PendingItemFacts::of(&lowered);
        let event = PendingItemEvent::Lowered { item, amount_before: before.amount };
        let reason = format!("{}: {} instead of {}", before.id, lowered.amount, before.amount);
        self.record(before.tenant_id, event, Some(&reason))
    }

    /// Lets a pending item be billed no more.
    ///
    /// # Errors
    /// An invoice has taken it, or it was removed before.
    pub fn remove_pending_item(&self, item: &PendingItem, reason: Option<&str>) -> Result<()> {
        item.check_waits()?;
        self.db.remove_pending_item(self.act, item.id)?;
        let event = PendingItemEvent::Removed { item: PendingItemFacts::of(item) };
        self.record(item.tenant_id, event, reason)
    }
}
