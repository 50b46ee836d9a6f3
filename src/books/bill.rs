//! Subscriptions that are billed: what a decision says is due becomes invoices.

use chrono::NaiveDate;

use super::Book;
use super::issue::{self, Issued, Issuer, NewIssue};
use super::record::in_words;
use super::redeem::Discounts;
use crate::domain::email::Locale;
use crate::domain::event::{Standing, SubscriptionEvent};
use crate::domain::invoice::{Amounts, Invoice, Line, Purpose};
use crate::domain::period::{Cycle, Period};
use crate::domain::pricing::{Charge, charges};
use crate::domain::recurrence::{self, Backlog, Bill, Decision, Reason};
use crate::domain::subscription::Subscription;
use crate::domain::tax::TaxBasis;
use crate::domain::tenant::Tenant;
use crate::domain::{Money, Refusal, Result, RunId, SubscriptionId};
use crate::mail::wording;
use crate::store::subscriptions::Billed;

impl Issuer<'_> {
    /// Issues what a decision says is due, and moves the subscription on behind it.
    ///
    /// # Errors
    /// A period that is billed already, an amount that is too large, or a fault of the file.
    pub fn bill(
        &self,
        subscription: &Subscription,
        decision: &Decision,
        run: Option<RunId>,
    ) -> Result<Vec<Issued>> {
        let Some(next_on) = decision.next_on else { return Ok(Vec::new()) };
        self.bill_periods(subscription, &decision.bills, decision.cycle, next_on, run)
    }

    fn bill_periods(
        &self,
        subscription: &Subscription,
        bills: &[Bill],
        cycle: Cycle,
        next_on: NaiveDate,
        run: Option<RunId>,
    ) -> Result<Vec<Issued>> {
        let Some(last) = bills.last() else { return Ok(Vec::new()) };
        let (db, act) = (self.book.db, self.book.act);
        let tenant = db.tenant_by_id(subscription.tenant_id)?;
        let mut issued = Vec::with_capacity(bills.len());
        let mut discounts = Discounts::of(db, subscription);
        for bill in bills {
            let redemption = discounts.take()?;
            let lines = lines(bill, tenant.locale)?;
            let billed = (bill.period, lines.as_slice(), bill.terms.basis());
            issued.push(self.issue(&NewIssue {
                redemption: redemption.as_ref(),
                run,
                ..of_period(subscription, &tenant, billed, act.today)
            })?);
        }
        discounts.write(act)?;
        let terms = subscription.pending.as_ref().map(|_| &last.terms);
        db.move_on(act, subscription.id, &Billed { period: last.period, next_on, cycle, terms })?;
        if terms.is_some() {
            let changed = db.subscription(subscription.id)?;
            let reason = format!("now {}", in_words(&changed.terms));
            let (standing, since) = (Standing::of(&changed), bills.first());
            let since = since.map(|bill| bill.period.start);
            let event = SubscriptionEvent::ChangeApplied { standing, since };
            self.book.record(changed.tenant_id, event, Some(&reason))?;
        }
        Ok(issued)
    }
}

impl Issuer<'_> {
    /// Bills a period anew whose invoice was voided, with the lines that it had: at the terms of that
    /// period, whatever the subscription changed to since. Its coupon discounts it anew.
    ///
    /// # Errors
    /// The period is billed already, or a fault of the file.
    pub fn rebill(&self, void: &Invoice, run: RunId) -> Result<Option<Issued>> {
        let (db, act) = (self.book.db, self.book.act);
        let Some((id, (start, end))) = void.subscription_id.zip(void.period) else {
            return Ok(None);
        };
        let subscription = db.subscription(id)?;
        let tenant = db.tenant_by_id(subscription.tenant_id)?;
        let mut discounts = Discounts::of(db, &subscription);
        let redemption = discounts.take()?;
        let lines = plain(&void.lines);
        let billed = (Period { start, end }, lines.as_slice(), void.tax_basis);
        let issued = self.issue(&NewIssue {
            redemption: redemption.as_ref(),
            run: Some(run),
            ..of_period(&subscription, &tenant, billed, act.today)
        })?;
        discounts.write(act)?;
        db.period_rebilled(void.id)?;
        if !subscription.is_running() {
            self.book.end_redemptions(&subscription)?;
        }
        Ok(Some(issued))
    }
}

/// The invoice of a period of a subscription over those lines, which it is sent with.
pub(super) fn of_period<'a>(
    subscription: &Subscription,
    tenant: &'a Tenant,
    (period, lines, basis): (Period, &'a [Line], TaxBasis),
    issued_on: NaiveDate,
) -> NewIssue<'a> {
    NewIssue {
        basis,
        purpose: Purpose::Period,
        period: Some((subscription.id, period)),
        collection: subscription.collection,
        send: true,
        ..NewIssue::single(tenant, lines, issued_on)
    }
}

/// Lines without what a coupon took off them.
pub(super) fn plain(lines: &[Line]) -> Vec<Line> {
    let nothing = |line: &Line| Money::zero(line.amount.currency());
    lines.iter().map(|line| Line { discount: nothing(line), ..line.clone() }).collect()
}

/// The lines of a period on its invoice, one a charge: the plan, what of its price, how many, the period.
pub(super) fn lines(bill: &Bill, locale: Locale) -> Result<Vec<Line>> {
    let charges = charges(&bill.terms.items, bill.proration)?;
    Ok(charges.iter().map(|charge| line(charge, bill.period, locale)).collect())
}

fn line(charge: &Charge, period: Period, locale: Locale) -> Line {
    let what = wording::part(&charge.item.plan_name, charge.of, locale);
    let description = match charge.proration {
        Some(part) => wording::prorated(&what, part.days, part.of, locale),
        None => what,
    };
    Line {
        item: Some(charge.item.id),
        quantity: charge.quantity,
        unit_price: charge.unit_price,
        period: Some((period.start, period.end)),
        ..Line::single(description, charge.amount)
    }
}

impl Book<'_> {
    /// Issues the first invoice of a subscription, where it has begun and is not on trial.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub fn bill_first(&self, id: SubscriptionId) -> Result<()> {
        let subscription = self.db.subscription(id)?;
        let Some(next) = subscription.next_billing_on.filter(|on| *on <= self.act.today) else {
            return Ok(());
        };
        let bill = recurrence::bill_from(&subscription, next);
        let (cycle, next_on) = (subscription.cycle, bill.period.end);
        self.issuer()?.bill_periods(&subscription, &[bill], cycle, next_on, None)?;
        Ok(())
    }

    /// Bills what of a subscription has begun and no run has billed, at the terms that it has: what
    /// is changed now is to hold from the next period. Returns the invoices.
    ///
    /// # Errors
    /// More has begun than may be billed unasked, an amount that is too large, or a fault of the file.
    pub fn bill_begun(&self, subscription: &Subscription) -> Result<Vec<Invoice>> {
        let begun = recurrence::begun(subscription, self.act.today, Backlog::Held);
        if let Reason::Backlog { count, since } = begun.reason {
            let subscription = subscription.id.to_string();
            return Err(Refusal::PeriodNotBilled { subscription, count, since });
        }
        if begun.bills.is_empty() {
            return Ok(Vec::new());
        }
        let issued = self.issuer()?.bill(subscription, &begun, None)?;
        issued.iter().map(|issued| self.db.invoice_by_id(issued.id)).collect()
    }

    /// Leaves periods unbilled that had begun: more than may be billed unasked, where nobody can be
    /// waited for. Returns what is left, in words.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn drop_backlog(
        &self,
        subscription: &Subscription,
        count: usize,
        since: NaiveDate,
    ) -> Result<String> {
        let reason = format!("{count} periods since {since} were missed and stay unbilled");
        let event = SubscriptionEvent::BacklogDropped { standing: Standing::of(subscription) };
        self.record(subscription.tenant_id, event, Some(&reason))?;
        Ok(format!("{}: {reason}", subscription.id))
    }

    /// What the bills of a subscription come to as invoices, one after another: the lines, with what a
    /// coupon takes off them, and the amounts.
    ///
    /// # Errors
    /// Amounts that are too large, or a fault of the file.
    pub fn foresee_bills<'b>(
        &self,
        subscription: &Subscription,
        bills: impl IntoIterator<Item = &'b Bill>,
    ) -> Result<Vec<(Vec<Line>, Amounts)>> {
        let tenant = self.db.tenant_by_id(subscription.tenant_id)?;
        let mut discounts = Discounts::of(self.db, subscription);
        // Periods that are billed anew come first.
        for _ in self.db.reopened_of(subscription.id)? {
            discounts.take()?;
        }
        let mut foreseen = Vec::new();
        for bill in bills {
            let redemption = discounts.take()?;
            let plain = lines(bill, tenant.locale)?;
            let plain = (plain.as_slice(), bill.terms.basis());
            foreseen.push(issue::amounts(self.config, &tenant, plain, redemption.as_ref())?);
        }
        Ok(foreseen)
    }

    /// What the period of a void invoice comes to that is billed anew.
    ///
    /// # Errors
    /// Amounts that are too large, or a fault of the file.
    pub fn foresee_rebill(&self, void: &Invoice, subscription: &Subscription) -> Result<Amounts> {
        let tenant = self.db.tenant_by_id(void.tenant_id)?;
        let mut discounts = Discounts::of(self.db, subscription);
        let mut redemption = discounts.take()?;
        for _ in self.db.reopened_of(subscription.id)?.iter().filter(|other| other.id < void.id) {
            redemption = discounts.take()?;
        }
        let lines = plain(&void.lines);
        let lines = (lines.as_slice(), void.tax_basis);
        Ok(issue::amounts(self.config, &tenant, lines, redemption.as_ref())?.1)
    }

    /// What each bill of a subscription comes to as an invoice.
    ///
    /// # Errors
    /// As [`foresee`].
    pub fn bill_amounts(
        &self,
        subscription: &Subscription,
        bills: &[Bill],
    ) -> Result<Vec<Amounts>> {
        let foreseen = self.foresee_bills(subscription, bills)?;
        Ok(foreseen.into_iter().map(|(_, amounts)| amounts).collect())
    }
}
