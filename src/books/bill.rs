//! Subscriptions that are billed: what a decision says is due becomes invoices.

use chrono::NaiveDate;

use super::Book;
use super::arrears::{Arrears, Ripe, UsageLine};
use super::issue::{self, Issued, Issuer, NewIssue};
use super::pending::Foreseen;
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
        let mut arrears = self.book.arrears(subscription)?;
        let ripe = Ripe::Settled(self.book.settled_day());
        for bill in bills {
            let usage = usage_of(arrears.as_mut(), bill, ripe)?;
            let none = Foreseen::default();
            let lines = self.book.period_lines(subscription, &tenant, bill, &none)?;
            let lines = with_usage(&usage, lines);
            let redemption = discounts.take(&lines)?;
            let billed = (bill.period, lines.as_slice(), bill.terms.basis());
            let one = self.issue(&NewIssue {
                redemption: redemption.as_ref(),
                run,
                ..of_period(subscription, &tenant, billed, act.today)
            })?;
            if let Some(arrears) = &mut arrears {
                arrears.open(bill)?;
                arrears.write()?;
                arrears.write_lines(one.id, &usage)?;
            }
            issued.push(one);
        }
        discounts.write(act)?;
        let changes = subscription.pending.is_some() || last.terms != subscription.terms;
        let terms = changes.then_some(&last.terms);
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
        let lines = self.book.lines_anew(void, &subscription, &tenant, &Foreseen::default())?;
        let redemption = discounts.take(&lines)?;
        let billed = (Period { start, end }, lines.as_slice(), void.tax_basis);
        let issued = self.issue(&NewIssue {
            redemption: redemption.as_ref(),
            run: Some(run),
            ..of_period(&subscription, &tenant, billed, act.today)
        })?;
        discounts.write(act)?;
        db.copy_usage_lines(void.id, issued.id)?;
        db.period_rebilled(void.id)?;
        if !subscription.is_running() {
            self.book.end_redemptions(&subscription)?;
        }
        Ok(Some(issued))
    }
}

/// What a bill takes of the usage before it.
fn usage_of(arrears: Option<&mut Arrears>, bill: &Bill, ripe: Ripe) -> Result<Vec<UsageLine>> {
    match arrears {
        Some(arrears) => {
            arrears.begin(bill.period.start)?;
            arrears.take(bill.period.start, ripe, bill.terms.basis())
        }
        None => Ok(Vec::new()),
    }
}

/// The lines of an invoice: usage first.
fn with_usage(usage: &[UsageLine], lines: Vec<Line>) -> Vec<Line> {
    usage.iter().map(|usage| usage.line.clone()).chain(lines).collect()
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

/// The period's own lines of an invoice, without what a coupon took off them.
fn plain(lines: &[Line]) -> Vec<Line> {
    let nothing = |line: &Line| Money::zero(line.amount.currency());
    let own = lines.iter().filter(|line| line.pending.is_none());
    own.map(|line| Line { discount: nothing(line), ..line.clone() }).collect()
}

/// The lines of a period on its invoice, one a charge: the plan, what of its price, how many, the period.
fn lines(bill: &Bill, locale: Locale) -> Result<Vec<Line>> {
    let charges = charges(&bill.terms.items, bill.proration)?;
    Ok(charges.iter().map(|charge| line(charge, bill.period, locale)).collect())
}

impl Book<'_> {
    /// The lines of a period on its invoice, and behind them what waits for it, but for what was taken
    /// before.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub(super) fn period_lines(
        &self,
        subscription: &Subscription,
        tenant: &Tenant,
        bill: &Bill,
        before: &Foreseen,
    ) -> Result<Vec<Line>> {
        let mut lines = lines(bill, tenant.locale)?;
        let billed_in = (bill.terms.currency(), bill.terms.basis());
        lines.extend(self.pending_lines(subscription, tenant, billed_in, before)?);
        Ok(lines)
    }

    /// The lines of a period that is billed anew: those that its void invoice had of its own, and behind
    /// them what waits now. What the void one had taken waits again, unless it was taken or removed
    /// meanwhile.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub(super) fn lines_anew(
        &self,
        void: &Invoice,
        subscription: &Subscription,
        tenant: &Tenant,
        before: &Foreseen,
    ) -> Result<Vec<Line>> {
        let mut lines = plain(&void.lines);
        let billed_in = (void.total.currency(), void.tax_basis);
        lines.extend(self.pending_lines(subscription, tenant, billed_in, before)?);
        Ok(lines)
    }
}

fn line(charge: &Charge, period: Period, locale: Locale) -> Line {
    let what = wording::part(&charge.item.plan_name, charge.of, locale);
    let description = match charge.proration {
        Some(part) => wording::prorated(&what, part.days, part.of, locale),
        None => what,
    };
    Line {
        item: Some(charge.item.id),
        plan: Some(charge.item.plan_id),
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
    /// coupon takes off them, and the amounts. What they take of what waits is added to `before`.
    ///
    /// # Errors
    /// Amounts that are too large, or a fault of the file.
    pub fn foresee_bills<'b>(
        &self,
        subscription: &Subscription,
        bills: impl IntoIterator<Item = &'b Bill>,
        ripe: Ripe,
        before: &mut Foreseen,
    ) -> Result<Vec<(Vec<Line>, Amounts)>> {
        let tenant = self.db.tenant_by_id(subscription.tenant_id)?;
        let mut discounts = Discounts::of(self.db, subscription);
        // Periods that are billed anew come first.
        for void in self.db.reopened_of(subscription.id)? {
            discounts.take(&void.lines)?;
        }
        let mut arrears = self.arrears(subscription)?;
        let (mut foreseen, mut first) = (Vec::new(), Vec::new());
        for bill in bills {
            let usage = usage_of(arrears.as_mut(), bill, ripe)?;
            if let Some(arrears) = &mut arrears {
                arrears.open(bill)?;
            }
            // The first takes all that waits.
            let plain = match foreseen.is_empty() {
                true => self.period_lines(subscription, &tenant, bill, before)?,
                false => lines(bill, tenant.locale)?,
            };
            let plain = with_usage(&usage, plain);
            let redemption = discounts.take(&plain)?;
            let billed = (plain.as_slice(), bill.terms.basis());
            foreseen.push(issue::amounts(self.config, &tenant, billed, redemption.as_ref())?);
            if first.is_empty() {
                first = plain;
            }
        }
        before.take(&first);
        Ok(foreseen)
    }

    /// The lines of the bill that is to come: what was used so far, its own, and what waits, but for what
    /// was taken before.
    ///
    /// # Errors
    /// An amount that is too large.
    pub(super) fn coming_lines(
        &self,
        subscription: &Subscription,
        tenant: &Tenant,
        bill: &Bill,
        before: &Foreseen,
    ) -> Result<Vec<Line>> {
        let mut arrears = self.arrears(subscription)?;
        let usage = usage_of(arrears.as_mut(), bill, Ripe::SoFar)?;
        Ok(with_usage(&usage, self.period_lines(subscription, tenant, bill, before)?))
    }

    /// What the period of a void invoice comes to that is billed anew. What it takes of what waits is
    /// added to `before`.
    ///
    /// # Errors
    /// Amounts that are too large, or a fault of the file.
    pub fn foresee_rebill(
        &self,
        void: &Invoice,
        subscription: &Subscription,
        before: &mut Foreseen,
    ) -> Result<Amounts> {
        let tenant = self.db.tenant_by_id(void.tenant_id)?;
        let mut discounts = Discounts::of(self.db, subscription);
        let reopened = self.db.reopened_of(subscription.id)?;
        for earlier in reopened.iter().filter(|other| other.id < void.id) {
            discounts.take(&earlier.lines)?;
        }
        let lines = self.lines_anew(void, subscription, &tenant, before)?;
        let redemption = discounts.take(&lines)?;
        let billed = (lines.as_slice(), void.tax_basis);
        let (_, amounts) = issue::amounts(self.config, &tenant, billed, redemption.as_ref())?;
        before.take(&lines);
        Ok(amounts)
    }

    /// What each bill of a subscription comes to as an invoice that a run issues now: with what is settled
    /// of usage.
    ///
    /// # Errors
    /// As [`foresee`].
    pub fn bill_amounts(
        &self,
        subscription: &Subscription,
        bills: &[Bill],
        before: &mut Foreseen,
    ) -> Result<Vec<Amounts>> {
        let ripe = Ripe::Settled(self.settled_day());
        let foreseen = self.foresee_bills(subscription, bills, ripe, before)?;
        Ok(foreseen.into_iter().map(|(_, amounts)| amounts).collect())
    }
}

/// The invoice over what waited for a subscription that ends: of no period, and collected as it was.
pub(super) fn at_end<'a>(
    subscription: &Subscription,
    tenant: &'a Tenant,
    lines: &'a [Line],
    issued_on: NaiveDate,
) -> NewIssue<'a> {
    NewIssue {
        basis: subscription.terms.basis(),
        collection: subscription.collection,
        send: true,
        ..NewIssue::single(tenant, lines, issued_on)
    }
}

impl Issuer<'_> {
    /// Issues an invoice over what waits for a subscription that ends, where something does: no period
    /// follows that would take it. No coupon discounts it.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub fn bill_at_end(
        &self,
        subscription: &Subscription,
        run: Option<RunId>,
    ) -> Result<Option<Issued>> {
        let tenant = self.book.db.tenant_by_id(subscription.tenant_id)?;
        let lines = self.book.lines_at_end(subscription, &tenant, &Foreseen::default())?;
        if lines.is_empty() {
            return Ok(None);
        }
        let new = at_end(subscription, &tenant, &lines, self.book.act.today);
        Ok(Some(self.issue(&NewIssue { run, ..new })?))
    }
}

impl Book<'_> {
    /// What the end of a subscription bills of what waits for it, once what `before` has taken is off.
    ///
    /// # Errors
    /// Amounts that are too large, or a fault of the file.
    pub fn foresee_end(
        &self,
        subscription: &Subscription,
        before: &mut Foreseen,
    ) -> Result<Option<Amounts>> {
        let tenant = self.db.tenant_by_id(subscription.tenant_id)?;
        let lines = self.lines_at_end(subscription, &tenant, before)?;
        if lines.is_empty() {
            return Ok(None);
        }
        let billed = (lines.as_slice(), subscription.terms.basis());
        let (_, amounts) = issue::amounts(self.config, &tenant, billed, None)?;
        before.take(&lines);
        Ok(Some(amounts))
    }
}
