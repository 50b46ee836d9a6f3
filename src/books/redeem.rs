//! The verbs of coupons that touch invoices and subscriptions: checking, redeeming, giving back.
//! Each is done in its caller's transaction, in which every rule is read anew: however many
//! commands race, a limit is never passed. The rules themselves are in `domain/coupon.rs`.

use serde_json::{Value, json};

use super::issue;
use super::settle::{self, Because, invoice_event, tenant_event};
use crate::config::Config;
use crate::domain::coupon::{self, Coupon, Offer, OnPlan, Reason, Redemption, Verdict};
use crate::domain::invoice::{self, Amounts, Invoice, add_up, discounted};
use crate::domain::subscription::{self, Subscription, Terms};
use crate::domain::tenant::Tenant;
use crate::domain::{
    Act, CouponId, InvoiceId, Money, Refusal, Result, SubscriptionId, TenantId, UsageId,
};
use crate::store::{Db, NewEvent, NewRedemption, NewUsage};

/// Who wants to use a coupon, for what.
#[derive(Debug, Clone)]
pub struct Asked {
    pub tenant: TenantId,
    pub plan: Option<OnPlan>,
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

/// Asks every rule of a coupon, and counts the check: once a customer, coupon and day.
///
/// # Errors
/// An amount that is too large, or a fault of the file.
pub fn validate(db: &Db, act: &Act, code: &str, asked: &Asked) -> Result<Validated> {
    let validated = examine(db, act, code, asked)?;
    if let Some(coupon) = &validated.coupon {
        db.note_check(act, coupon.id, asked.tenant)?;
    }
    Ok(validated)
}

/// Asks every rule of a coupon, and counts nothing.
///
/// # Errors
/// As [`validate`].
pub fn examine(db: &Db, act: &Act, code: &str, asked: &Asked) -> Result<Validated> {
    let nothing = Money::zero(asked.amount.currency());
    let Some(coupon) = db.find_coupon(code)? else {
        let rule = "code";
        let (asks, found) = ("a coupon".to_owned(), "none".to_owned());
        let unknown = Verdict { rule, asks, found, reason: Some(Reason::NotFound) };
        return Ok(Validated { coupon: None, verdicts: vec![unknown], discount: nothing });
    };
    let facts = db.coupon_facts(act, coupon.id, asked.tenant, asked.plan.clone(), asked.amount)?;
    let verdicts = coupon::check(&coupon, &facts);
    let discount = match coupon::reasons(&verdicts).is_empty() {
        true => coupon.offer.discount.off(asked.amount)?,
        false => nothing,
    };
    Ok(Validated { coupon: Some(coupon), verdicts, discount })
}

/// The coupon with that code, where all of its rules say yes.
fn redeemable(db: &Db, act: &Act, code: &str, asked: &Asked) -> Result<Coupon> {
    let validated = validate(db, act, code, asked)?;
    match validated.coupon {
        Some(coupon) if coupon::reasons(&validated.verdicts).is_empty() => Ok(coupon),
        found => {
            let coupon = found.map_or_else(|| code.to_owned(), |coupon| coupon.code);
            Err(Refusal::CouponRefused { coupon, verdicts: validated.verdicts })
        }
    }
}

/// The plan of terms, as the rules of a coupon ask for it.
fn on_plan(terms: &Terms) -> OnPlan {
    let currency = terms.price.currency();
    OnPlan { id: terms.plan_id, code: terms.plan.clone(), currency }
}

/// Redeems a coupon for one invoice that is about to be issued over that amount.
///
/// # Errors
/// A rule of the coupon says no.
pub fn for_new_invoice(
    db: &Db,
    act: &Act,
    code: &str,
    tenant: &Tenant,
    amount: Money,
    metadata: &str,
) -> Result<Redemption> {
    let asked = Asked { tenant: tenant.id, plan: None, amount };
    let coupon = redeemable(db, act, code, &asked)?;
    let new = NewRedemption { coupon: &coupon, tenant: tenant.id, subscription: None, metadata };
    let id = db.insert_redemption(act, &new)?;
    let redemption = db.redemption(id)?;
    redeemed_event(db, act, tenant.id, None, &redemption, metadata)?;
    Ok(redemption)
}

/// Applies a coupon to an open, unpaid invoice that has none. One that comes to nothing is paid at
/// once: no charge and no letter follows.
///
/// # Errors
/// The invoice is not such a one, a charge of it is under way, or a rule of the coupon says no.
pub fn to_invoice(
    db: &Db,
    act: &Act,
    config: &Config,
    code: &str,
    invoice: &Invoice,
    metadata: &str,
) -> Result<UsageId> {
    let plan = match invoice.subscription_id {
        Some(id) => Some(on_plan(&db.subscription(id)?.terms)),
        None => None,
    };
    let asked = Asked { tenant: invoice.tenant_id, plan, amount: invoice.subtotal };
    // The coupon's own reasons come first: a script asks for those.
    let coupon = redeemable(db, act, code, &asked)?;
    invoice::check_discountable(invoice)?;
    if db.live_charge(invoice.id)?.is_some() {
        return Err(Refusal::ChargePending { invoice: invoice.number.clone() });
    }
    let new =
        NewRedemption { coupon: &coupon, tenant: invoice.tenant_id, subscription: None, metadata };
    let redemption = db.redemption(db.insert_redemption(act, &new)?)?;
    let lines = discounted(&invoice.lines, &redemption.discount)?;
    let amounts = add_up(&lines, invoice.tax_rate)?;
    db.discount_invoice(act, invoice.id, coupon.id, &amounts, &lines)?;
    let usage = write_usage(db, act, invoice.tenant_id, invoice.id, &redemption, &amounts)?;
    redeemed_event(db, act, invoice.tenant_id, Some(invoice.id), &redemption, metadata)?;
    let data = json!({
        "coupon": coupon.code, "usage": usage.to_string(), "discount": amounts.discount.major(),
        "tax": amounts.tax.major(), "total": amounts.total.major(),
        "total_before": invoice.total.major(), "currency": amounts.total.currency().code(),
        "on": act.today,
    });
    let reason = format!("{}: {} instead of {}", coupon.code, amounts.total, invoice.total);
    invoice_event(db, act, invoice, "coupon_applied", Some(&reason), &data.to_string())?;
    if amounts.total.is_zero() {
        let reason = Some("the coupon leaves nothing to be paid");
        invoice_event(db, act, invoice, "invoice_settled", reason, "")?;
        settle::come_back(db, act, config, invoice.tenant_id, Because::Corrected)?;
    }
    Ok(usage)
}

/// A coupon on a subscription.
#[derive(Debug, Clone)]
pub struct OnSubscription {
    pub redemption: Redemption,
    /// Of a full period, and what comes off it.
    pub price: Money,
    pub discount: Money,
}

/// Applies a coupon to the coming invoices of a subscription. Its rules are checked here and once,
/// against the price of a full period.
///
/// # Errors
/// The subscription has ended or has a coupon, no period follows, or a rule of the coupon says no.
pub fn to_subscription(
    db: &Db,
    act: &Act,
    code: &str,
    subscription: &Subscription,
    metadata: &str,
) -> Result<OnSubscription> {
    let coming = subscription.coming_terms();
    let amount = coming.price.times(coming.quantity)?;
    let asked = Asked { tenant: subscription.tenant_id, plan: Some(on_plan(coming)), amount };
    let coupon = redeemable(db, act, code, &asked)?;
    subscription::check_period_follows(subscription, act.today)?;
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
    let redemption = db.redemption(db.insert_redemption(act, &new)?)?;
    redeemed_event(db, act, subscription.tenant_id, None, &redemption, metadata)?;
    let discount = redemption.discount.off(amount)?;
    Ok(OnSubscription { redemption, price: amount, discount })
}

/// Notes what a redemption took off an invoice that was issued or discounted with it.
///
/// # Errors
/// The invoice has a discount of a coupon already.
pub fn write_usage(
    db: &Db,
    act: &Act,
    tenant: TenantId,
    invoice: InvoiceId,
    redemption: &Redemption,
    amounts: &Amounts,
) -> Result<UsageId> {
    db.insert_usage(act, &NewUsage { redemption, tenant, invoice, amounts })
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

    /// What discounts the next bill; takes one period off it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn take(&mut self) -> Result<Option<Redemption>> {
        loop {
            let Some(current) = &mut self.current else { return Ok(None) };
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

/// Lets the oldest redemption of a subscription run that has periods and waits, if one does.
fn resume_next(db: &Db, act: &Act, subscription: Option<SubscriptionId>) -> Result<()> {
    let Some(subscription) = subscription else { return Ok(()) };
    let Some(next) = db.waiting_redemptions(subscription)?.into_iter().next() else {
        return Ok(());
    };
    db.set_periods_left(act, next.id, next.periods_left, false)
}

/// Gives back what an invoice that is void now had of a coupon: its usage and its period, and the
/// use where no other invoice has it and none can follow.
///
/// # Errors
/// A fault of the file.
pub fn give_back(db: &Db, act: &Act, invoice: &Invoice) -> Result<()> {
    let Some(id) = db.return_usage_of(act, invoice.id)? else { return Ok(()) };
    let redemption = db.redemption(id)?;
    let data = json!({ "coupon": redemption.code, "redemption": id.to_string() }).to_string();
    invoice_event(db, act, invoice, "coupon_usage_returned", Some(&redemption.code), &data)?;
    let left = redemption.periods_left.map(|left| left + 1);
    let Some(of) = redemption.subscription_id else {
        return return_unless_used(db, act, invoice.tenant_id, &redemption);
    };
    // Where another coupon runs, the period waits until that one is used up.
    let other_runs = db.running_redemption(of)?.is_some_and(|other| other.id != id);
    let goes_on = db.subscription(of)?.is_running();
    db.set_periods_left(act, id, left, other_runs || !goes_on)?;
    match goes_on {
        true => Ok(()),
        false => return_unless_used(db, act, invoice.tenant_id, &redemption),
    }
}

/// Ends what discounts a subscription that has ended itself: nothing follows.
///
/// # Errors
/// A fault of the file.
pub fn end(db: &Db, act: &Act, tenant: TenantId, redemption: &Redemption) -> Result<()> {
    db.set_periods_left(act, redemption.id, redemption.periods_left, true)?;
    return_unless_used(db, act, tenant, redemption)
}

/// Returns the use of a redemption that no invoice has and that none can follow.
fn return_unless_used(db: &Db, act: &Act, tenant: TenantId, redemption: &Redemption) -> Result<()> {
    if db.has_live_usage(redemption.id)? {
        return Ok(());
    }
    db.return_redemption(act, redemption.id)?;
    let data = redemption_data(redemption, "{}");
    let reason = format!("{}: no invoice has its discount, and none can follow", redemption.code);
    tenant_event(db, act, tenant, "coupon_use_returned", Some(&reason), &data.to_string())
}

fn redeemed_event(
    db: &Db,
    act: &Act,
    tenant: TenantId,
    invoice: Option<InvoiceId>,
    redemption: &Redemption,
    metadata: &str,
) -> Result<()> {
    let data = redemption_data(redemption, metadata).to_string();
    let (kind, tenant) = ("coupon_redeemed", Some(tenant));
    let reason = match redemption.subscription_id {
        Some(id) => format!("{}: {} off, for {id}", redemption.code, redemption.discount),
        None => format!("{}: {} off", redemption.code, redemption.discount),
    };
    db.add_event(act, NewEvent { kind, tenant, invoice, reason: Some(&reason), data: &data })
}

fn redemption_data(redemption: &Redemption, metadata: &str) -> Value {
    json!({
        "coupon": redemption.code,
        "redemption": redemption.id.to_string(),
        "subscription": redemption.subscription_id.map(|id| id.to_string()),
        "discount": redemption.discount.to_string(),
        "periods": redemption.periods_left,
        "metadata": serde_json::from_str::<Value>(metadata).unwrap_or_default(),
    })
}

/// Adds an event about a coupon, which its data names: neither a customer nor an invoice tells of
/// which one.
///
/// # Errors
/// A fault of the file.
pub fn coupon_event(db: &Db, act: &Act, kind: &'static str, data: &Value) -> Result<()> {
    let reason = match (data["code"].as_str(), data["changed"].as_object()) {
        (Some(code), Some(changed)) => {
            let fields: Vec<&str> = changed.keys().map(String::as_str).collect();
            Some(format!("{code}: {}", fields.join(", ")))
        }
        (Some(code), None) => Some(code.to_owned()),
        // Many at once are named by what their codes start with.
        (None, _) => match (data["prefix"].as_str(), data["count"].as_u64()) {
            (Some(prefix), Some(count)) => Some(format!("{count} codes {prefix}")),
            _ => None,
        },
    };
    let data = data.to_string();
    let reason = reason.as_deref();
    db.add_event(act, NewEvent { kind, reason, data: &data, ..NewEvent::default() })
}

/// Makes so many single codes of one offer, in the caller's transaction; returns the first and the
/// last of their rows, which follow one another. `progress` is told how many are made.
///
/// # Errors
/// No randomness to be had, or a rule of the schema says no.
pub fn generate(
    db: &Db,
    act: &Act,
    prefix: &str,
    count: u32,
    offer: &Offer,
    mut progress: impl FnMut(u64),
) -> Result<Option<(CouponId, CouponId)>> {
    let mut random = Random::default();
    let mut ids: Option<(CouponId, CouponId)> = None;
    for made in 0..count {
        let id = loop {
            let code = coupon::generate(prefix, || random.byte())?;
            // One that is there already is drawn anew.
            if let Some(id) = db.insert_coupon(act, &code, offer, None)? {
                break id;
            }
        };
        ids = Some((ids.map_or(id, |(first, _)| first), id));
        if made % 1000 == 0 {
            progress(u64::from(made));
        }
    }
    Ok(ids)
}

/// Bytes of the system's secure source, taken some hundred at a time.
#[derive(Default)]
struct Random {
    bytes: Vec<u8>,
}

impl Random {
    fn byte(&mut self) -> Result<u8> {
        if let Some(byte) = self.bytes.pop() {
            return Ok(byte);
        }
        self.bytes.resize(4096, 0);
        let filled = getrandom::fill(&mut self.bytes);
        filled.map_err(|e| Refusal::NoRandomness { message: e.to_string() })?;
        self.byte()
    }
}

/// The amounts of an invoice over lines that a coupon discounts.
///
/// # Errors
/// Amounts that are too large.
pub fn amounts(
    config: &Config,
    tenant: &Tenant,
    lines: &[invoice::Line],
    redemption: Option<&Redemption>,
) -> Result<(Vec<invoice::Line>, Amounts)> {
    let lines = match redemption {
        Some(redemption) => discounted(lines, &redemption.discount)?,
        None => lines.to_vec(),
    };
    let amounts = add_up(&lines, issue::tax_rate(config, tenant))?;
    Ok((lines, amounts))
}
