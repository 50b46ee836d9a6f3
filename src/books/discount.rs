//! A coupon on an invoice that was issued.

use super::credit_note::Crediting;
use super::redeem::{Asked, OnSubscription};
use super::{Because, Book, Notify};
use crate::domain::coupon::Coupon;
use crate::domain::credit_note::{AskedSplit, CreditReason, Credited};
use crate::domain::event::{CouponEvent, InvoiceEvent};
use crate::domain::invoice::{self, Amounts, Invoice, InvoiceStatus, Line, add_up, discounted_by};
use crate::domain::ledger::Entry;
use crate::domain::subscription::Subscription;
use crate::domain::{Money, Refusal, Result, UsageId};
use crate::store::{NewRedemption, NewUsage, Subject};

impl Book<'_> {
    /// Applies a coupon to the coming invoices of a subscription. What has begun and is not billed is
    /// billed first, without it; but for a first invoice that was left to the run of this very day,
    /// which it still discounts. Returns those invoices too.
    ///
    /// # Errors
    /// As [`Book::redeem_for_subscription`] and [`Book::bill_begun`].
    pub fn discount_subscription(
        &self,
        code: &str,
        subscription: &Subscription,
        metadata: &str,
    ) -> Result<(OnSubscription, Vec<Invoice>)> {
        if self.is_first_of_today(subscription) {
            let applied = self.redeem_for_subscription(code, subscription, metadata)?;
            return Ok((applied, Vec::new()));
        }
        subscription.check_running(self.act.today)?;
        let begun = self.bill_begun(subscription)?;
        let subscription = self.db.subscription(subscription.id)?;
        Ok((self.redeem_for_subscription(code, &subscription, metadata)?, begun))
    }

    /// Takes the coupon of a subscription off its invoices to come; what it took off others stays. What
    /// has begun and is not billed is billed first, with it; but for a first invoice that was left to the
    /// run of this very day. Returns those invoices.
    ///
    /// # Errors
    /// The subscription has ended, no coupon runs, or as [`Book::bill_begun`].
    pub fn remove_coupon(&self, subscription: &Subscription) -> Result<Vec<Invoice>> {
        subscription.check_running(self.act.today)?;
        let begun = match self.is_first_of_today(subscription) {
            true => Vec::new(),
            false => self.bill_begun(subscription)?,
        };
        let open = self.db.open_redemptions(subscription.id)?;
        if open.is_empty() {
            return Err(Refusal::NoCoupon { subscription: subscription.id.to_string() });
        }
        for redemption in open {
            self.db.remove_redemption(self.act, redemption.id)?;
            let event = CouponEvent::Removed {
                coupon: &redemption.code,
                redemption: redemption.id,
                subscription: subscription.id,
            };
            let reason = format!("{}, off {}", redemption.code, subscription.id);
            self.record(subscription.tenant_id, event, Some(&reason))?;
            self.return_unless_used(subscription.tenant_id, &redemption)?;
        }
        Ok(begun)
    }

    /// Whether the first invoice of a subscription is left to the run of this very day.
    fn is_first_of_today(&self, subscription: &Subscription) -> bool {
        subscription.period.is_none() && subscription.next_billing_on == Some(self.act.today)
    }

    /// Applies a coupon to an open or paid invoice that has none. One that comes to nothing is paid at
    /// once: no charge and no e-mail follows. One that has left, or on which something was paid, is not
    /// rewritten: a credit note gives the discount.
    ///
    /// # Errors
    /// The invoice is not such a one, a charge of it is under way, or a rule of the coupon says no.
    pub fn discount_invoice(
        &self,
        code: &str,
        invoice: &Invoice,
        metadata: &str,
    ) -> Result<UsageId> {
        let amount = invoice::discountable(&invoice.lines)?.unwrap_or(invoice.subtotal);
        let mut bought = Vec::new();
        for plan in self.db.plans_billed(invoice)? {
            let of_it = invoice.lines.iter().filter(|line| line.plan == Some(plan.id));
            let nothing = Money::zero(invoice.subtotal.currency());
            let comes_to = of_it.map(|line| line.amount).try_fold(nothing, Money::plus)?;
            bought.push((plan, comes_to));
        }
        let asked = Asked { tenant: invoice.tenant_id, bought, amount };
        // The coupon's own reasons come first: a script asks for those.
        let coupon = self.redeemable_coupon(code, &asked)?;
        invoice::check_discountable(invoice)?;
        invoice::check_takes_coupon(&invoice.lines, &coupon.code)?;
        if self.db.live_charge(invoice.id)?.is_some() {
            return Err(Refusal::ChargePending { invoice: invoice.number.clone() });
        }
        // What the customer has, or has paid, is never rewritten.
        let sent = self.db.invoice_out_since(invoice.id)?.is_some();
        let is_open = invoice.status == InvoiceStatus::Open && invoice.paid.is_zero();
        if sent || !is_open || !invoice.credit_notes_total.is_zero() {
            return self.discount_by_note(&coupon, invoice, metadata);
        }
        // What credit paid of it is taken off, and pays what the coupon leaves.
        let uses = self.db.credit_uses_of_invoice(invoice.id)?;
        let invoice = &self.release_all(invoice, "a coupon is taken off the invoice")?;
        let new = NewRedemption {
            coupon: &coupon,
            tenant: invoice.tenant_id,
            subscription: None,
            metadata,
        };
        let redemption = self.db.redemption(self.db.insert_redemption(self.act, &new)?)?;
        let lines = discounted_by(&invoice.lines, &redemption)?;
        let amounts = add_up(&lines, invoice.tax_basis, invoice.tax_rate)?;
        let on = self.act.today.max(invoice.issued_on);
        self.db.discount_invoice(self.act, invoice.id, coupon.id, &amounts, &lines, on)?;
        let entry = Entry::discounted(&invoice.amounts(), &amounts, on);
        self.db.book(self.act, Subject::of(invoice, None), &entry)?;
        let (tenant, id) = (invoice.tenant_id, invoice.id);
        let new_usage =
            NewUsage { redemption: &redemption, tenant, invoice: id, amounts: &amounts };
        let usage = self.db.insert_usage(self.act, &new_usage)?;
        self.coupon_redeemed_event(invoice.tenant_id, Some(invoice.id), &redemption, metadata)?;
        let event = CouponEvent::Applied {
            coupon: &coupon.code,
            usage,
            discount: amounts.discount,
            tax: amounts.tax,
            total: amounts.total,
            total_before: invoice.total,
            currency: amounts.total.currency(),
            on: self.act.today,
        };
        let reason = format!("{}: {} instead of {}", coupon.code, amounts.total, invoice.total);
        self.record(invoice, event, Some(&reason))?;
        self.put_back(invoice, &uses, amounts.total)?;
        let settled = self.use_credit(invoice.tenant_id)?;
        let left = self.db.invoice_by_id(invoice.id)?.due;
        if amounts.total.is_zero() {
            let reason = Some("the coupon leaves nothing to be paid");
            self.record(invoice, InvoiceEvent::Settled, reason)?;
        }
        if settled || self.config.dunning_policy().is_little(left) {
            self.come_back(invoice.tenant_id, Because::Corrected)?;
        }
        Ok(usage)
    }

    /// Gives the discount of a coupon by a credit note: what of it is due no more is taken off, what was
    /// paid is the customer's credit.
    fn discount_by_note(
        &self,
        coupon: &Coupon,
        invoice: &Invoice,
        metadata: &str,
    ) -> Result<UsageId> {
        let (tenant, id) = (invoice.tenant_id, invoice.id);
        if self.db.has_usage(id)? {
            let (subject, coupon) = (invoice.number.clone(), coupon.code.clone());
            return Err(Refusal::HasCoupon { subject, coupon });
        }
        let new = NewRedemption { coupon, tenant, subscription: None, metadata };
        let redemption = self.db.redemption(self.db.insert_redemption(self.act, &new)?)?;
        let lines = discounted_by(&invoice.lines, &redemption)?;
        let of_line = |(at, line): (usize, &Line)| (at + 1, Some(line.discount));
        let parts = lines.iter().enumerate().map(of_line);
        let parts = parts.filter(|(_, part)| part.is_some_and(|part| !part.is_zero())).collect();
        let crediting = Crediting {
            credited: Credited::Lines(parts),
            split: AskedSplit::default(),
            reason: CreditReason::Goodwill,
            memo: Some(&coupon.code),
            reference: None,
            issued_on: self.act.today.max(invoice.issued_on),
            notify: Notify::Customer,
        };
        let written = self.credit(invoice, &crediting)?;
        let note = self.db.credit_note_by_id(written.id)?;
        let Amounts { subtotal, tax, total, .. } = note.amounts;
        let off = Amounts { subtotal: invoice.subtotal, discount: subtotal, tax, total };
        let new = NewUsage { redemption: &redemption, tenant, invoice: id, amounts: &off };
        let usage = self.db.insert_usage(self.act, &new)?;
        self.db.usage_by_note(usage, written.id)?;
        self.coupon_redeemed_event(tenant, Some(id), &redemption, metadata)?;
        let event = CouponEvent::AppliedByNote {
            coupon: &coupon.code,
            usage,
            credit_note: &note.number,
            discount: subtotal,
            tax,
            total,
            currency: total.currency(),
            on: self.act.today,
        };
        self.record(invoice, event, Some(&coupon.code))?;
        Ok(usage)
    }
}
