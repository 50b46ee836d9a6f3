//! Changes of a subscription that hold from today on, in the middle of a period. Their rules are in
//! `domain/proration.rs`, their words in `commands/subscription/change.rs`.

use chrono::NaiveDate;

use super::Book;
use super::issue::NewIssue;
use super::record::in_words;
use super::rest::{Back, BilledRest, GivenBack, Giving};
use super::subscribe::Canceled;
use crate::domain::credit_note::CreditReason;
use crate::domain::event::{Standing, SubscriptionEvent};
use crate::domain::invoice::{Invoice, Line, Purpose};
use crate::domain::items::{self, Beside, Edit, NewTerms};
use crate::domain::pending_item::{NewPendingItem, PendingItem};
use crate::domain::period::{Anchor, Cycle};
use crate::domain::proration::BillChanges;
use crate::domain::recurrence;
use crate::domain::subscription::{Subscription, SubscriptionStatus, Terms, When};
use crate::domain::{Money, Refusal, Result, TransactionId, wording};
use crate::store::subscriptions::Begins;

/// What is to hold from today on.
#[derive(Debug, Clone)]
pub struct NewNow {
    pub edit: Edit,
    /// What its periods are to be counted from: today, or the next 1st.
    pub anchor: Option<Anchor>,
    /// `None`: as configured.
    pub bill: Option<BillChanges>,
}

/// What a change came to. Amounts are before tax, or with it where the plan's prices are.
#[derive(Debug, Clone)]
pub struct Changed {
    /// What the rest of the period came to at the old terms.
    pub credit: Money,
    /// What it, or the new period, comes to at the new ones.
    pub charge: Money,
    /// On the documents, with its sign; of what waits for the next period, at the rate of today.
    pub tax: Money,
    /// What the customer pays more, or where it is below nothing less, with tax.
    pub total: Money,
    pub billed: Billed,
    pub given: GivenBack,
    /// When the difference is on a document.
    pub bill_on: Option<NaiveDate>,
    /// Why nothing is billed or credited, where that has to be said.
    pub because: Option<Unbilled>,
    /// The invoices over what had begun before and was not billed.
    pub begun: Vec<Invoice>,
}

/// What a difference is billed by.
#[derive(Debug, Clone, Default)]
pub enum Billed {
    /// Nothing is billed.
    #[default]
    Nothing,
    Invoice(Box<Invoice>),
    /// It waits for the next period.
    Pending(Box<PendingItem>),
}

/// Why a change came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unbilled {
    /// It is not billed now, or nothing is for today.
    NotBilled,
    /// Another program billed the period until that day.
    Elsewhere { until: NaiveDate },
}

impl Changed {
    fn nothing(currency: crate::domain::Currency) -> Changed {
        let zero = Money::zero(currency);
        Changed {
            credit: zero,
            charge: zero,
            tax: zero,
            total: zero,
            billed: Billed::Nothing,
            given: GivenBack::default(),
            bill_on: None,
            because: None,
            begun: Vec::new(),
        }
    }

    /// What the new terms come to above the old ones, or where it is below nothing below them.
    pub fn difference(&self) -> Money {
        Money::from_minor(self.charge.minor() - self.credit.minor(), self.charge.currency())
    }

    /// The refunds that a gateway is to be asked for.
    pub fn refunds(&self) -> &[TransactionId] {
        &self.given.refunds
    }

    /// Adds what documents come to, with tax and of that the tax.
    fn add(&mut self, total: Money, tax: Money, sign: i64) {
        let currency = self.total.currency();
        let plus = |sum: Money, part: Money| {
            Money::from_minor(sum.minor() + sign * part.minor(), currency)
        };
        (self.total, self.tax) = (plus(self.total, total), plus(self.tax, tax));
    }
}

impl Book<'_> {
    /// Changes a subscription from today on, and bills or gives back what that comes to for the rest of the
    /// period. What is on trial, suspended, paused or not billed for today only changes its terms.
    ///
    /// # Errors
    /// It has ended; a period has begun that is not billed; the money of an invoice that would be credited
    /// is on its way; what it would give back was billed elsewhere.
    pub fn change_now(&self, subscription: &Subscription, new: &NewNow) -> Result<Changed> {
        subscription.check_running(self.act.today)?;
        let (subscription, mut begun) = self.catch_up_pause(subscription)?;
        begun.extend(self.bill_what_a_suspension_left(&subscription)?);
        // What was pending may hold by now: it came into force with what was billed.
        let subscription = &self.db.subscription(subscription.id)?;
        let beside = if new.anchor.is_some() { Beside::Anchor } else { Beside::Nothing };
        let terms = items::change_now(subscription, &new.edit, beside, self.act.today)?;
        let begins_anew =
            terms.terms.interval != subscription.terms.interval || new.anchor.is_some();
        let runs = subscription.status == SubscriptionStatus::Active;
        let billed = if runs { self.billed_rest(subscription)? } else { None };
        let mut changed = match &billed {
            None => self.change_terms(subscription, &terms, new.anchor)?,
            Some(billed) if begins_anew => {
                self.begin_anew(subscription, billed, &terms, new.anchor)?
            }
            Some(billed) => self.change_rest(subscription, billed, &terms, new.bill)?,
        };
        changed.begun = begun;
        let now = self.db.subscription(subscription.id)?;
        let event = SubscriptionEvent::Changed {
            standing: Standing::of(&now),
            credit: changed.credit,
            charge: changed.charge,
        };
        let reason = format!("{}, from today on", in_words(&now.terms));
        self.record(now.tenant_id, event, Some(&reason))?;
        Ok(changed)
    }

    /// What had begun before a suspension and is not billed is billed at the terms that held.
    fn bill_what_a_suspension_left(&self, subscription: &Subscription) -> Result<Vec<Invoice>> {
        match subscription.status {
            SubscriptionStatus::Suspended => self.bill_begun(subscription),
            _ => Ok(Vec::new()),
        }
    }

    /// Changes the terms alone. Where it has another interval or anchor then, its next period starts by
    /// that.
    fn change_terms(
        &self,
        subscription: &Subscription,
        NewTerms { terms, pending }: &NewTerms,
        new_anchor: Option<Anchor>,
    ) -> Result<Changed> {
        let id = subscription.id;
        self.db.set_terms(self.act, id, terms, pending.as_ref())?;
        let next_on = subscription.next_billing_on;
        let start = next_on.or(subscription.period.map(|period| period.end));
        if let Some(start) = start {
            let anchor = new_anchor.unwrap_or(subscription.anchor);
            let cycle = match new_anchor {
                Some(anchor) => Some(Cycle::starting(anchor, start, terms.interval)),
                None if terms.interval == subscription.terms.interval => None,
                None => Some(subscription.cycle.from(start, terms.interval)),
            };
            if let Some(cycle) = cycle {
                self.db.set_cycle(self.act, id, (anchor, cycle), next_on)?;
            }
        }
        let nothing = Changed::nothing(terms.currency());
        Ok(Changed { because: Some(Unbilled::NotBilled), ..nothing })
    }

    /// Gives the rest of the period back, and bills a new period from today on.
    fn begin_anew(
        &self,
        subscription: &Subscription,
        billed: &BilledRest,
        NewTerms { terms, pending }: &NewTerms,
        new_anchor: Option<Anchor>,
    ) -> Result<Changed> {
        let (id, today) = (subscription.id, self.act.today);
        let Some(invoice) = &billed.invoice else {
            let (subscription, until) = (id.to_string(), billed.rest.period.end);
            return Err(Refusal::BilledElsewhere { subscription, until });
        };
        let memo = self.memo(subscription, billed, terms)?;
        let giving = Giving { reason: CreditReason::Change, memo: &memo, back: Back::Balance };
        let mut changed = self.give_back_rest(subscription, billed, giving)?;
        self.db.end_period_early(self.act, invoice.id, today)?;
        // The fee is billed at once, and what was used until now once that is settled.
        self.end_usage_period(subscription, today)?;
        // What is pending waits for the period after the one that begins now.
        self.db.set_terms(self.act, id, terms, None)?;
        let anchor = new_anchor.unwrap_or(subscription.anchor);
        let cycle = Cycle::starting(anchor, today, terms.interval);
        self.db.set_cycle(self.act, id, (anchor, cycle), Some(today))?;
        self.db.begin_billing(id, today, Begins::Changed)?;
        self.bill_first(id)?;
        self.db.set_terms(self.act, id, terms, pending.as_ref())?;
        if let Some((invoice, _)) = self.db.period_invoice_on(id, today)? {
            changed.charge = invoice.subtotal.minus(invoice.discount)?;
            changed.add(invoice.total, invoice.tax, 1);
            changed.billed = Billed::Invoice(Box::new(invoice));
        }
        changed.bill_on = Some(today);
        Ok(changed)
    }

    /// Bills, or gives back, what the new terms come to above or below the old ones for the rest of the
    /// period.
    fn change_rest(
        &self,
        subscription: &Subscription,
        billed: &BilledRest,
        NewTerms { terms, pending }: &NewTerms,
        bill: Option<BillChanges>,
    ) -> Result<Changed> {
        if terms.basis() != subscription.terms.basis() {
            // An amount with tax less one without it is no amount.
            return Err(Refusal::BasisMismatch { plan: terms.first().plan.clone() });
        }
        let net = |terms: &Terms| billed.rest.net(terms, billed.redemption.as_ref());
        let mut changed = Changed::nothing(terms.currency());
        (changed.credit, changed.charge) = (net(&subscription.terms)?, net(terms)?);
        let difference = changed.difference();
        let description = self.memo(subscription, billed, terms)?;
        self.db.set_terms(self.act, subscription.id, terms, pending.as_ref())?;
        match difference.minor() {
            0 => {}
            1.. if self.bills_next(subscription, bill) => {
                self.bill_next(subscription, billed, (description, difference), &mut changed)?;
            }
            1.. => {
                self.bill_at_once(subscription, billed, (description, difference), &mut changed)?
            }
            _ => {
                let amount = Money::from_minor(-difference.minor(), difference.currency());
                let giving = Giving {
                    reason: CreditReason::Change,
                    memo: &description,
                    back: Back::Balance,
                };
                let given = self.give_back(subscription, billed, amount, giving)?;
                self.add_given(subscription, given, &mut changed)?;
            }
        }
        if billed.invoice.is_none() && changed.given.left.is_some() {
            changed.because = Some(Unbilled::Elsewhere { until: billed.rest.period.end });
        }
        Ok(changed)
    }

    fn bills_next(&self, subscription: &Subscription, bill: Option<BillChanges>) -> bool {
        let next_on = subscription.next_billing_on;
        let asked = bill.or(self.config.subscriptions.bill_changes);
        let by_default = || BillChanges::by_default(self.act.today, next_on);
        asked.unwrap_or_else(by_default) == BillChanges::Next
    }

    /// Leaves a difference to the next invoice.
    fn bill_next(
        &self,
        subscription: &Subscription,
        billed: &BilledRest,
        (description, amount): (String, Money),
        changed: &mut Changed,
    ) -> Result<()> {
        let basis = subscription.terms.basis();
        let id = self.add_pending_item(&NewPendingItem {
            tenant: subscription.tenant_id,
            subscription: Some(subscription.id),
            description,
            quantity: 1.into(),
            unit_price: Some(amount.exact()),
            amount,
            basis,
            discountable: false,
            period: None,
            of_change: Some(billed.period.start),
        })?;
        let apart = basis.take_apart(amount, self.tax_rate(subscription)?)?;
        changed.add(apart.total, apart.tax, 1);
        changed.billed = Billed::Pending(Box::new(self.db.pending_item(id)?));
        changed.bill_on = subscription.next_billing_on;
        Ok(())
    }

    /// Bills a difference by an invoice of its own.
    fn bill_at_once(
        &self,
        subscription: &Subscription,
        billed: &BilledRest,
        (description, amount): (String, Money),
        changed: &mut Changed,
    ) -> Result<()> {
        let tenant = self.db.tenant_by_id(subscription.tenant_id)?;
        let rest = billed.rest.period;
        let line =
            Line { period: Some((rest.start, rest.end)), ..Line::single(description, amount) };
        let lines = [line];
        let issued = self.issuer()?.issue(&NewIssue {
            basis: subscription.terms.basis(),
            purpose: Purpose::Change,
            period: Some((subscription.id, rest)),
            collection: subscription.collection,
            send: true,
            ..NewIssue::single(&tenant, &lines, self.act.today)
        })?;
        changed.add(issued.amounts.total, issued.amounts.tax, 1);
        changed.billed = Billed::Invoice(Box::new(self.db.invoice_by_id(issued.id)?));
        changed.bill_on = Some(self.act.today);
        Ok(())
    }

    /// Gives back all that the rest of a period comes to.
    pub(super) fn give_back_rest(
        &self,
        subscription: &Subscription,
        billed: &BilledRest,
        giving: Giving,
    ) -> Result<Changed> {
        let mut changed = Changed::nothing(subscription.terms.currency());
        changed.credit = billed.rest.net(&subscription.terms, billed.redemption.as_ref())?;
        let given = self.give_back(subscription, billed, changed.credit, giving)?;
        self.add_given(subscription, given, &mut changed)?;
        if billed.invoice.is_none() {
            changed.because = Some(Unbilled::Elsewhere { until: billed.rest.period.end });
        }
        Ok(changed)
    }

    /// Cancels a subscription now, and gives back what the rest of its period comes to. What has begun and
    /// is not billed is billed first.
    ///
    /// # Errors
    /// It is canceled; more has begun than may be billed unasked; the money of an invoice that would be
    /// credited is on its way.
    pub fn cancel_and_give_back(
        &self,
        subscription: &Subscription,
        back: Back,
        why: Option<&str>,
    ) -> Result<(Canceled, Option<Changed>)> {
        recurrence::cancel(subscription, When::Now, self.act.today)?;
        let (subscription, mut begun) = self.catch_up_pause(subscription)?;
        begun.extend(self.bill_begun(&subscription)?);
        let subscription = &self.db.subscription(subscription.id)?;
        let mut given = None;
        if let Some(billed) = self.billed_rest(subscription)? {
            let locale = self.db.tenant_by_id(subscription.tenant_id)?.locale;
            let rest = (billed.rest.period.start, billed.rest.period.end);
            let memo = wording::canceled(rest, locale);
            let giving = Giving { reason: CreditReason::Cancellation, memo: &memo, back };
            given = Some(self.give_back_rest(subscription, &billed, giving)?);
            if let Some(invoice) = &billed.invoice {
                self.db.end_period_early(self.act, invoice.id, self.act.today)?;
            }
        }
        let mut canceled = self.cancel_subscription(subscription, When::Now, why)?;
        canceled.billed.splice(0..0, begun);
        Ok((canceled, given))
    }

    /// Adds what was given back to what a change came to.
    fn add_given(
        &self,
        subscription: &Subscription,
        given: GivenBack,
        changed: &mut Changed,
    ) -> Result<()> {
        for (item, by) in &given.lowered {
            let apart = item.basis.take_apart(*by, self.tax_rate(subscription)?)?;
            changed.add(apart.total, apart.tax, -1);
        }
        for note in &given.notes {
            changed.add(note.amounts.total, note.amounts.tax, -1);
        }
        if !given.notes.is_empty() || !given.lowered.is_empty() {
            changed.bill_on = Some(self.act.today);
        }
        changed.given = given;
        Ok(())
    }

    /// What documents say of a change.
    fn memo(
        &self,
        subscription: &Subscription,
        billed: &BilledRest,
        terms: &Terms,
    ) -> Result<String> {
        let locale = self.db.tenant_by_id(subscription.tenant_id)?.locale;
        let rest = billed.rest.period;
        Ok(wording::changed(&subscription.terms, terms, (rest.start, rest.end), locale))
    }

    fn tax_rate(&self, subscription: &Subscription) -> Result<rust_decimal::Decimal> {
        let tenant = self.db.tenant_by_id(subscription.tenant_id)?;
        Ok(tenant.taxed_by(&self.config.seller_tax()).rate)
    }
}
