//! What a coupon, a usage and their sums are in JSON and in lists.

use serde_json::{Value, json};

use super::{share, totals};
use crate::domain::Money;
use crate::domain::coupon::{self, Coupon, Redemption, Stats, Usage, Verdict};
use crate::domain::subscription::Subscription;
use crate::view::{Align, Column};

/// Columns of `coupon list`.
pub const COUPONS: &[Column] = &[
    ("code", "Coupon", Align::Left, 0),
    ("name", "Name", Align::Left, 4),
    ("discount", "Discount", Align::Right, 0),
    ("status", "Status", Align::Left, 0),
    ("current_uses", "Uses", Align::Right, 0),
    ("remaining", "Left", Align::Right, 1),
    ("customer_eligibility", "Customers", Align::Left, 3),
    ("duration", "Duration", Align::Left, 2),
    ("valid_to", "Valid to", Align::Left, 0),
];

/// Fields of a coupon.
pub const COUPON_FIELDS: &[&str] = &[
    "code",
    "name",
    "description",
    "discount_type",
    "discount_value",
    "currency",
    "valid_from",
    "valid_to",
    "max_uses",
    "max_uses_per_customer",
    "current_uses",
    "applicable_plans",
    "customer_eligibility",
    "minimum_purchase_amount",
    "first_payment_only",
    "is_active",
    "duration",
    "created_at",
    "updated_at",
];

/// A coupon, and where it stands at an instant.
pub fn coupon(coupon: &Coupon, at: &str) -> Value {
    let offer = &coupon.offer;
    let plans: Vec<&str> = offer.plans.iter().map(|plan| plan.code.as_str()).collect();
    json!({
        "code": coupon.code,
        "name": offer.name,
        "description": offer.description,
        "discount": offer.discount.to_string(),
        "discount_type": offer.discount.kind().word(),
        "discount_value": offer.discount.value(),
        "currency": offer.currency.map(|currency| currency.code()),
        "status": coupon.status_at(at).word(),
        "is_active": offer.is_active,
        "valid_from": offer.valid_from,
        "valid_to": offer.valid_to,
        "max_uses": offer.max_uses,
        "max_uses_per_customer": offer.max_uses_per_customer,
        "current_uses": coupon.current_uses,
        "remaining": coupon.remaining(),
        "applicable_plans": plans,
        "customer_eligibility": offer.eligibility.word(),
        "minimum_purchase_amount": offer.minimum.map(Money::major),
        "first_payment_only": offer.first_payment_only,
        "duration": offer.duration.to_string(),
        "created_at": coupon.created_at,
        "updated_at": coupon.updated_at,
    })
}

/// What `coupon validate` says: the amounts, and why not.
pub fn validation(code: &str, amount: Money, discount: Money, verdicts: &[Verdict]) -> Value {
    let reasons: Vec<&str> =
        coupon::reasons(verdicts).into_iter().map(coupon::Reason::word).collect();
    json!({
        "valid": reasons.is_empty(),
        "code": code,
        "original_amount": amount.major(),
        "discount_amount": discount.major(),
        "final_amount": Money::from_minor(amount.minor() - discount.minor(), amount.currency()).major(),
        "currency": amount.currency().code(),
        "reasons": reasons,
    })
}

/// Columns of the rules that `coupon validate` shows to people.
pub const VERDICTS: &[Column] = &[
    ("rule", "Rule", Align::Left, 0),
    ("asks", "Asks for", Align::Left, 0),
    ("found", "Found", Align::Left, 0),
    ("verdict", "", Align::Left, 0),
];

/// What a rule says.
pub fn verdict(verdict: &Verdict) -> Value {
    json!({
        "rule": verdict.rule,
        "asks": verdict.asks,
        "found": verdict.found,
        "verdict": verdict.reason.map_or("ok", |reason| reason.word()),
    })
}

/// Columns of `coupon usages`.
pub const USAGES: &[Column] = &[
    ("id", "Usage", Align::Left, 4),
    ("code", "Coupon", Align::Left, 0),
    ("tenant", "Tenant", Align::Left, 0),
    ("invoice", "Invoice", Align::Left, 0),
    ("subscription", "Subscription", Align::Left, 3),
    ("original_amount", "Before", Align::Right, 5),
    ("discount_amount", "Discount", Align::Right, 0),
    ("final_amount", "After", Align::Right, 2),
    ("currency", "", Align::Left, 0),
    ("used_at", "Used", Align::Left, 0),
    ("returned_at", "Returned", Align::Left, 1),
];

/// Fields of a usage.
pub const USAGE_FIELDS: &[&str] = &[
    "id",
    "redemption",
    "code",
    "tenant",
    "invoice",
    "subscription",
    "credit_note",
    "original_amount",
    "discount_amount",
    "final_amount",
    "currency",
    "metadata",
    "used_at",
    "returned_at",
];

fn parsed(metadata: &str) -> Value {
    serde_json::from_str(metadata).unwrap_or_default()
}

/// A usage: an invoice that a coupon discounted.
pub fn usage(usage: &Usage) -> Value {
    json!({
        "id": usage.id.to_string(),
        "redemption": usage.redemption.to_string(),
        "code": usage.code,
        "tenant": usage.tenant,
        "invoice": usage.invoice,
        "subscription": usage.subscription.map(|id| id.to_string()),
        "credit_note": usage.credit_note,
        "original_amount": usage.original.major(),
        "discount_amount": usage.discount.major(),
        "final_amount": usage.final_amount().major(),
        "currency": usage.original.currency().code(),
        "metadata": parsed(&usage.metadata),
        "used_at": usage.used_at,
        "returned_at": usage.returned_at,
    })
}

/// A coupon on a subscription, as a usage that has no invoice yet: what it takes off the price of
/// a full period.
pub fn redemption(
    redemption: &Redemption,
    subscription: &Subscription,
    (price, discount): (Money, Money),
    (metadata, at): (&str, String),
) -> Value {
    json!({
        "id": null,
        "redemption": redemption.id.to_string(),
        "code": redemption.code,
        "tenant": subscription.tenant,
        "invoice": null,
        "subscription": subscription.id.to_string(),
        "original_amount": price.major(),
        "discount_amount": discount.major(),
        "final_amount": Money::from_minor(price.minor() - discount.minor(), price.currency()).major(),
        "currency": price.currency().code(),
        "periods_left": redemption.periods_left,
        "metadata": parsed(metadata),
        "used_at": at,
        "returned_at": null,
    })
}

/// Fields of the sums of a coupon.
pub const STATS_FIELDS: &[&str] = &[
    "code",
    "name",
    "status",
    "uses",
    "max_uses",
    "remaining",
    "returned",
    "discount_given",
    "revenue",
    "customers",
    "checks",
    "customers_checked",
    "conversion",
    "first_use",
    "last_use",
];

/// The sums of one coupon.
pub fn coupon_stats(coupon: &Coupon, stats: &Stats, at: &str) -> Value {
    let offer = &coupon.offer;
    let mut object = json!({
        "code": coupon.code,
        "name": offer.name,
        "status": coupon.status_at(at).word(),
        "max_uses": offer.max_uses,
        "remaining": coupon.remaining(),
    });
    extend(&mut object, coupon_sums(stats));
    object
}

/// Columns of the coupons that were used most.
pub const STATS: &[Column] = &[
    ("code", "Coupon", Align::Left, 0),
    ("status", "Status", Align::Left, 2),
    ("uses", "Uses", Align::Right, 0),
    ("remaining", "Left", Align::Right, 3),
    ("returned", "Returned", Align::Right, 6),
    ("customers", "Customers", Align::Right, 4),
    ("customers_checked", "Checked by", Align::Right, 5),
    ("conversion", "Conversion", Align::Right, 0),
    ("discount_given", "Discount given", Align::Right, 0),
    ("revenue", "Revenue", Align::Right, 0),
    ("last_use", "Last use", Align::Left, 1),
];

/// The sums of all coupons, and those that were used most.
pub fn all_coupon_stats(stats: &Stats, top: Vec<Value>) -> Value {
    let mut object = coupon_sums(stats);
    extend(&mut object, json!({ "top": top }));
    object
}

fn extend(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}

/// What was made of a coupon, or of all. `conversion` is uses ÷ customers who checked, null where
/// nobody did.
pub fn coupon_sums(stats: &Stats) -> Value {
    json!({
        "uses": stats.uses,
        "returned": stats.returned,
        "customers": stats.customers,
        "checks": stats.checks,
        "customers_checked": stats.customers_checked,
        "conversion": share(stats.uses, stats.customers_checked),
        "discount_given": totals(&stats.discount_given),
        "revenue": totals(&stats.revenue),
        "first_use": stats.first_use,
        "last_use": stats.last_use,
    })
}
