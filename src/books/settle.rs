//! Usage that no period's invoice bills: what is left of a subscription that has none to come, and what was
//! billed too much.

use super::arrears::{Arrears, Ripe, UsageLine};
use super::credit_note::Crediting;
use super::issue::{Issued, Issuer, NewIssue};
use super::{Book, Notify};
use crate::domain::coupon::{Discount, Redemption};
use crate::domain::credit_note::{AskedSplit, CreditReason, Credited};
use crate::domain::invoice::{Amounts, Line, Purpose, subtotal};
use crate::domain::period::Period;
use crate::domain::recurrence::Bill;
use crate::domain::subscription::{Subscription, SubscriptionStatus};
use crate::domain::tax::TaxBasis;
use crate::domain::tenant::Tenant;
use crate::domain::usage::Late;
use crate::domain::{InvoiceId, Money, Refusal, Result, RunId};
use crate::store::usage::BilledUsage;

/// What of an invoice's lines is taken back.
type Parts = Vec<(usize, Option<Money>)>;

impl Book<'_> {
    /// What the usage of a subscription comes to that is billed alone once `bills` have taken theirs, an
    /// invoice for each kind of basis; nothing where it comes to nothing.
    ///
    /// # Errors
    /// Amounts that are too large, or a fault of the file.
    pub fn foresee_usage(
        &self,
        subscription: &Subscription,
        bills: &[Bill],
        ripe: Ripe,
    ) -> Result<Vec<(Period, Amounts)>> {
        let Some(mut arrears) = self.arrears(subscription)? else { return Ok(Vec::new()) };
        for bill in bills {
            arrears.begin(bill.period.start)?;
            arrears.take(bill.period.start, ripe, bill.terms.basis())?;
            arrears.open(bill)?;
        }
        let tenant = self.db.tenant_by_id(subscription.tenant_id)?;
        let until = match ripe {
            Ripe::Settled(day) => day,
            Ripe::SoFar => arrears.last_end().max(Some(self.act.today)).unwrap_or(self.act.today),
        };
        let mut foreseen = Vec::new();
        for basis in [TaxBasis::Exclusive, TaxBasis::Inclusive] {
            let usage = arrears.take(until, ripe, basis)?;
            let lines = plain(&usage);
            let redemption = coupon_of(subscription);
            if let Some(new) = alone(subscription, &tenant, &usage, (&lines, basis), self)? {
                let new = NewIssue { redemption: redemption.as_ref(), ..new };
                let amounts = new.draw_up(self.config)?.amounts;
                foreseen.extend(new.period.map(|(_, period)| (period, amounts)));
            }
        }
        Ok(foreseen)
    }

    /// Takes back what was billed of usage that is void now, newest line first, by a credit note an
    /// invoice; what is lacking instead waits for the next invoice, or where none follows, for this run.
    /// Returns how many notes were written.
    ///
    /// # Errors
    /// A charge of such an invoice has no outcome yet, or a fault of the file.
    pub fn correct_usage(&self, subscription: &Subscription) -> Result<u64> {
        let Some(mut arrears) = self.arrears(subscription)? else { return Ok(0) };
        let mut written = 0;
        for (invoice, parts) in corrections(&arrears)? {
            written += u64::from(self.write_correction(invoice, parts)?);
        }
        arrears.looked_at(match subscription.is_running() {
            true => Late::Waits,
            false => Late::New,
        })?;
        Ok(written)
    }

    /// How many credit notes [`Book::correct_usage`] would write.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub fn foresee_corrections(&self, subscription: &Subscription) -> Result<u64> {
        let Some(arrears) = self.arrears(subscription)? else { return Ok(0) };
        Ok(corrections(&arrears)?.len() as u64)
    }

    /// Credits parts of an invoice's lines; not where nothing is left of them but their discount.
    fn write_correction(&self, invoice: InvoiceId, parts: Parts) -> Result<bool> {
        let invoice = self.db.invoice_by_id(invoice)?;
        let new = Crediting {
            credited: Credited::Lines(parts),
            split: AskedSplit::default(),
            reason: CreditReason::Correction,
            memo: None,
            reference: None,
            issued_on: self.act.today,
            notify: Notify::Customer,
        };
        match self.credit(&invoice, &new) {
            Ok(written) => {
                self.db.insert_usage_correction(written.id)?;
                Ok(true)
            }
            Err(Refusal::NothingToCredit { .. }) => Ok(false),
            Err(refusal) => Err(refusal),
        }
    }
}

/// What is taken back of which invoices, the newest first.
fn corrections(arrears: &Arrears) -> Result<Vec<(InvoiceId, Parts)>> {
    let mut by_invoice: Vec<(InvoiceId, Parts)> = Vec::new();
    for (less, lines) in arrears.too_much()? {
        take_back(less, &lines, &mut by_invoice)?;
    }
    by_invoice.sort_by_key(|(invoice, _)| std::cmp::Reverse(*invoice));
    Ok(by_invoice)
}

/// Spreads what is taken back over lines, newest first, never more of one than it billed and was not credited.
fn take_back(less: Money, lines: &[BilledUsage], into: &mut Vec<(InvoiceId, Parts)>) -> Result<()> {
    let mut left = less;
    for line in lines {
        let of_line = line.amount.minus(line.credited)?;
        let part = if of_line.minor() < left.minor() { of_line } else { left };
        if part.minor() <= 0 {
            continue;
        }
        left = left.minus(part)?;
        let part = (line.position, Some(part));
        match into.iter_mut().find(|(invoice, _)| *invoice == line.invoice) {
            Some((_, parts)) => parts.push(part),
            None => into.push((line.invoice, vec![part])),
        }
    }
    Ok(())
}

impl Issuer<'_> {
    /// Bills the settled usage of a subscription alone, an invoice for each kind of basis.
    ///
    /// # Errors
    /// Amounts that are too large, or a fault of the file.
    pub fn bill_usage(&self, subscription: &Subscription, run: RunId) -> Result<Vec<Issued>> {
        let book = &self.book;
        let Some(mut arrears) = book.arrears(subscription)? else { return Ok(Vec::new()) };
        let tenant = book.db.tenant_by_id(subscription.tenant_id)?;
        let redemption = coupon_of(subscription);
        let settled = book.settled_day();
        let mut issued = Vec::new();
        for basis in [TaxBasis::Exclusive, TaxBasis::Inclusive] {
            let usage = arrears.take(settled, Ripe::Settled(settled), basis)?;
            let lines = plain(&usage);
            arrears.write()?;
            if let Some(new) = alone(subscription, &tenant, &usage, (&lines, basis), book)? {
                let new = NewIssue { redemption: redemption.as_ref(), run: Some(run), ..new };
                let one = self.issue(&new)?;
                arrears.write_lines(one.id, &usage)?;
                issued.push(one);
            }
        }
        Ok(issued)
    }
}

fn plain(usage: &[UsageLine]) -> Vec<Line> {
    usage.iter().map(|usage| usage.line.clone()).collect()
}

/// The invoice over usage alone, of the time from its first day to its last; `None` of nothing.
fn alone<'a>(
    subscription: &Subscription,
    tenant: &'a Tenant,
    usage: &[UsageLine],
    (lines, basis): (&'a [Line], TaxBasis),
    book: &Book,
) -> Result<Option<NewIssue<'a>>> {
    let start = usage.iter().filter_map(|usage| usage.line.period).map(|(start, _)| start).min();
    let end = usage.iter().filter_map(|usage| usage.line.period).map(|(_, end)| end).max();
    let is_something = subtotal(lines)?.is_some_and(|sum| !sum.is_zero());
    let Some((start, end)) = start.zip(end).filter(|_| is_something) else { return Ok(None) };
    Ok(Some(NewIssue {
        basis,
        purpose: Purpose::Usage,
        period: Some((subscription.id, Period { start, end })),
        collection: subscription.collection,
        send: true,
        ..NewIssue::single(tenant, lines, book.act.today)
    }))
}

/// The coupon that discounts usage which is billed alone: a percentage that comes off all invoices. No period
/// of a coupon is used up by it, and an amount comes off once a period.
fn coupon_of(subscription: &Subscription) -> Option<Redemption> {
    let coupon = subscription.coupon.clone()?;
    let is_percentage = matches!(coupon.discount, Discount::Percent(_));
    let runs = coupon.is_running() || subscription.status == SubscriptionStatus::Canceled;
    (is_percentage && runs && coupon.periods_left.is_none()).then_some(coupon)
}
