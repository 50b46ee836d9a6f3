//! The verbs of coupons that touch invoices and subscriptions: checking, redeeming, giving back.
//! Each is done in its caller's transaction, in which every rule is read anew: however many
//! commands race, a limit is never passed. The rules themselves are in `domain/coupon.rs`.

use super::Book;
use crate::domain::coupon::{self, Coupon, OnPlan, Reason, Redemption, Verdict};
use crate::domain::event::{CouponEvent, RedemptionFacts};
use crate::domain::invoice::{Invoice, Line};
use crate::domain::subscription::{self, Item, Subscription, Terms};
use crate::domain::tenant::Tenant;
use crate::domain::{Act, InvoiceId, Money, Refusal, Result, SubscriptionId, TenantId};
use crate::store::{Db, NewRedemption};

/// Who wants to use a coupon, for what.
#[derive(Debug, Clone)]
pub struct Asked {
    pub tenant: TenantId,
    /// What of the amount each plan comes to that is bought; none: no plan.
    pub bought: Vec<(OnPlan, Money)>,
    /// Before discount and tax.
    pub amount: Money,
}

/// What the rules of a coupon say, and what it would take off.
#[derive(Debug, Clone)]
pub struct Validated {
    /// `None`: no coupon has the code.
    pub coupon: Option<Coupon>,
    pub verdicts: Vec<Verdict>,
    /// Nothing where a rule says no.
    pub discount: Money,
}

impl Book<'_> {
    /// Asks every rule of a coupon, and counts the check: once a customer, coupon and day.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub fn validate_coupon(&self, code: &str, asked: &Asked) -> Result<Validated> {
        let validated = self.examine_coupon(code, asked)?;
        if let Some(coupon) = &validated.coupon {
            self.db.note_check(self.act, coupon.id, asked.tenant)?;
        }
        Ok(validated)
    }

    /// Asks every rule of a coupon, and counts nothing.
    ///
    /// # Errors
    /// As [`validate`].
    pub fn examine_coupon(&self, code: &str, asked: &Asked) -> Result<Validated> {
        let nothing = Money::zero(asked.amount.currency());
        let Some(coupon) = self.db.find_coupon(code)? else {
            let rule = "code";
            let (asks, found) = ("a coupon".to_owned(), "none".to_owned());
            let unknown = Verdict { rule, asks, found, reason: Some(Reason::NotFound) };
            return Ok(Validated { coupon: None, verdicts: vec![unknown], discount: nothing });
        };
        let facts = self.db.coupon_facts(
            self.act,
            coupon.id,
            asked.tenant,
            asked.bought.iter().map(|(plan, _)| plan.clone()).collect(),
            asked.amount,
        )?;
        let verdicts = coupon::check(&coupon, &facts);
        let discount = match coupon::reasons(&verdicts).is_empty() {
            true => coupon.offer.off(asked.amount, &asked.bought)?,
            false => nothing,
        };
        Ok(Validated { coupon: Some(coupon), verdicts, discount })
    }

    /// The coupon with that code, where all of its rules say yes.
    pub(super) fn redeemable_coupon(&self, code: &str, asked: &Asked) -> Result<Coupon> {
        let validated = self.validate_coupon(code, asked)?;
        match validated.coupon {
            Some(coupon) if coupon::reasons(&validated.verdicts).is_empty() => Ok(coupon),
            found => {
                let coupon = found.map_or_else(|| code.to_owned(), |coupon| coupon.code);
                Err(Refusal::CouponRefused { coupon, verdicts: validated.verdicts })
            }
        }
    }
}

/// The plans of terms and what each comes to, as the rules of a coupon ask for them.
fn bought(terms: &Terms) -> Result<Vec<(OnPlan, Money)>> {
    let plan = |item: &Item| OnPlan {
        id: item.plan_id,
        code: item.plan.clone(),
        currency: item.price.currency,
    };
    terms.items.iter().map(|item| Ok((plan(item), item.amount()?))).collect()
}

impl Book<'_> {
    /// Redeems a coupon for one invoice that is about to be issued over that amount.
    ///
    /// # Errors
    /// A rule of the coupon says no.
    pub fn redeem_for_new_invoice(
        &self,
        code: &str,
        tenant: &Tenant,
        amount: Money,
        metadata: &str,
    ) -> Result<Redemption> {
        let asked = Asked { tenant: tenant.id, bought: Vec::new(), amount };
        let coupon = self.redeemable_coupon(code, &asked)?;
        let new =
            NewRedemption { coupon: &coupon, tenant: tenant.id, subscription: None, metadata };
        let id = self.db.insert_redemption(self.act, &new)?;
        let redemption = self.db.redemption(id)?;
        self.coupon_redeemed_event(tenant.id, None, &redemption, metadata)?;
        Ok(redemption)
    }
}
/// A coupon on a subscription.
#[derive(Debug, Clone)]
pub struct OnSubscription {
    pub redemption: Redemption,
    /// Of a full period, and what comes off it.
    pub price: Money,
    pub discount: Money,
}

impl Book<'_> {
    /// Applies a coupon to the coming invoices of a subscription. Its rules are checked here and once,
    /// against the price of a full period.
    ///
    /// # Errors
    /// The subscription has ended or has a coupon, no period follows, or a rule of the coupon says no.
    pub fn redeem_for_subscription(
        &self,
        code: &str,
        subscription: &Subscription,
        metadata: &str,
    ) -> Result<OnSubscription> {
        let coming = subscription.coming_terms();
        let amount = coming.amount()?;
        let bought = bought(coming)?;
        let asked = Asked { tenant: subscription.tenant_id, bought, amount };
        let coupon = self.redeemable_coupon(code, &asked)?;
        subscription::check_period_follows(subscription, self.act.today)?;
        if let Some(running) = subscription.coupon.as_ref().filter(|coupon| coupon.is_running()) {
            let (subject, coupon) = (subscription.id.to_string(), running.code.clone());
            return Err(Refusal::HasCoupon { subject, coupon });
        }
        let new = NewRedemption {
            coupon: &coupon,
            tenant: subscription.tenant_id,
            subscription: Some(subscription.id),
            metadata,
        };
        let redemption = self.db.redemption(self.db.insert_redemption(self.act, &new)?)?;
        self.coupon_redeemed_event(subscription.tenant_id, None, &redemption, metadata)?;
        let discount = coupon.offer.off(amount, &asked.bought)?;
        Ok(OnSubscription { redemption, price: amount, discount })
    }
}
/// What discounts the bills of a subscription, one after another: the redemption that runs, and once
/// that is used up an earlier one to which void invoices gave periods back meanwhile.
pub struct Discounts<'a> {
    db: &'a Db<'a>,
    current: Option<Redemption>,
    /// Read only where the current one is used up.
    waiting: Option<std::vec::IntoIter<Redemption>>,
    /// Those of which periods were taken.
    taken: Vec<Redemption>,
}

impl<'a> Discounts<'a> {
    /// Those of a subscription as it stands.
    pub fn of(db: &'a Db<'a>, subscription: &Subscription) -> Discounts<'a> {
        Discounts { db, current: subscription.coupon.clone(), waiting: None, taken: Vec::new() }
    }

    /// What discounts the next bill, over those lines; takes one period off it. One that is limited to
    /// plans of which there is no line waits.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn take(&mut self, lines: &[Line]) -> Result<Option<Redemption>> {
        loop {
            let Some(current) = &mut self.current else { return Ok(None) };
            if current.is_running() && !lines.iter().any(|line| current.takes(line.plan)) {
                return Ok(None);
            }
            if let Some(taken) = current.take() {
                self.taken.retain(|before| before.id != taken.id);
                self.taken.push(taken.clone());
                return Ok(Some(taken));
            }
            let of = current.subscription_id;
            let waiting = match (&mut self.waiting, of) {
                (Some(waiting), _) => waiting,
                (none, Some(of)) => none.insert(self.db.waiting_redemptions(of)?.into_iter()),
                (None, None) => return Ok(None),
            };
            self.current = waiting.next().map(|next| Redemption { ended_at: None, ..next });
        }
    }

    /// Writes down what was taken; where that used the last up, the next in line runs.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn write(self, act: &Act) -> Result<()> {
        // The last that was taken from may run still, and two never run at once.
        for taken in &self.taken {
            self.db.set_periods_left(act, taken.id, taken.periods_left, !taken.is_running())?;
        }
        match self.taken.last() {
            Some(last) if !last.is_running() => resume_next(self.db, act, last.subscription_id),
            _ => Ok(()),
        }
    }
}

impl Book<'_> {
    /// Gives back what an invoice that is void now had of a coupon: its usage and its period, and the
    /// use where no other invoice has it and none can follow.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn return_coupon(&self, invoice: &Invoice) -> Result<()> {
        let Some(id) = self.db.return_usage_of(self.act, invoice.id)? else { return Ok(()) };
        let redemption = self.db.redemption(id)?;
        let coupon = &redemption.code;
        let event = CouponEvent::UsageReturned { coupon, redemption: id };
        self.record(invoice, event, Some(coupon))?;
        let left = redemption.periods_left.map(|left| left + 1);
        let Some(of) = redemption.subscription_id else {
            return self.return_unless_used(invoice.tenant_id, &redemption);
        };
        // Where another coupon runs, the period waits until that one is used up.
        let other_runs = self.db.running_redemption(of)?.is_some_and(|other| other.id != id);
        // A period that is billed anew takes it again.
        let follows =
            self.db.subscription(of)?.is_running() || !self.db.reopened_of(of)?.is_empty();
        let goes_on = follows && redemption.removed_at.is_none();
        self.db.set_periods_left(self.act, id, left, other_runs || !goes_on)?;
        match goes_on {
            true => Ok(()),
            false => self.return_unless_used(invoice.tenant_id, &redemption),
        }
    }

    /// Ends what discounts a subscription that has ended itself: nothing follows.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn end_redemption(&self, tenant: TenantId, redemption: &Redemption) -> Result<()> {
        self.db.set_periods_left(self.act, redemption.id, redemption.periods_left, true)?;
        self.return_unless_used(tenant, redemption)
    }

    /// Ends the coupons of a subscription of which no invoice follows; not while a period of it is to
    /// be billed anew.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn end_redemptions(&self, subscription: &Subscription) -> Result<()> {
        if !self.db.reopened_of(subscription.id)?.is_empty() {
            return Ok(());
        }
        for redemption in self.db.open_redemptions(subscription.id)? {
            self.end_redemption(subscription.tenant_id, &redemption)?;
        }
        Ok(())
    }

    /// Returns the use of a redemption that no invoice has and that none can follow.
    pub(super) fn return_unless_used(
        &self,
        tenant: TenantId,
        redemption: &Redemption,
    ) -> Result<()> {
        if self.db.has_live_usage(redemption.id)? {
            return Ok(());
        }
        self.db.return_redemption(self.act, redemption.id)?;
        let redemption = RedemptionFacts::of(redemption, "{}");
        let reason =
            format!("{}: no invoice has its discount, and none can follow", redemption.0.coupon);
        self.record(tenant, CouponEvent::UseReturned { redemption }, Some(&reason))
    }

    pub(super) fn coupon_redeemed_event(
        &self,
        tenant: TenantId,
        invoice: Option<InvoiceId>,
        redemption: &Redemption,
        metadata: &str,
    ) -> Result<()> {
        let reason = match redemption.subscription_id {
            Some(id) => format!("{}: {} off, for {id}", redemption.code, redemption.discount),
            None => format!("{}: {} off", redemption.code, redemption.discount),
        };
        let redemption = RedemptionFacts::of(redemption, metadata);
        self.record((tenant, invoice), CouponEvent::Redeemed { redemption }, Some(&reason))
    }
}

/// Lets the oldest redemption of a subscription run that has periods and waits, if one does.
fn resume_next(db: &Db, act: &Act, subscription: Option<SubscriptionId>) -> Result<()> {
    let Some(subscription) = subscription else { return Ok(()) };
    let Some(next) = db.waiting_redemptions(subscription)?.into_iter().next() else {
        return Ok(());
    };
    db.set_periods_left(act, next.id, next.periods_left, false)
}
