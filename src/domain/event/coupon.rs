//! What happens to coupons, and to what they take off.

use chrono::NaiveDate;

use super::changes::{Changed, Changes};
use super::data::{By, Extra, Flat, Nested, group, kinds};
use super::values::Texts;
use crate::domain::coupon::{Coupon, CouponStatus, DiscountType, Eligibility, Redemption};
use crate::domain::{Currency, Money, RedemptionId, SubscriptionId, UsageId};

kinds! {
    /// What happens to a coupon.
    CouponEvent<'a> {
        /// A coupon was added.
        Created = "coupon_created" {
            /// The coupon.
            coupon: Flat<CouponFacts<'a>>,
            /// It was imported.
            imported: Extra<bool>,
        },
        /// What a coupon offers was changed.
        Edited = "coupon_edited" {
            /// The coupon's code.
            code: &'a str,
            /// An import changed it.
            imported: Extra<bool>,
            /// What changed.
            changes: Changes,
        },
        /// A coupon can be used again.
        Activated = "coupon_activated" {
            /// The coupon's code.
            code: &'a str,
        },
        /// A coupon cannot be used any more; what it discounts goes on.
        Deactivated = "coupon_deactivated" {
            /// The coupon's code.
            code: &'a str,
        },
        /// A coupon that was never used was deleted.
        Deleted = "coupon_deleted" {
            /// The coupon as it was.
            coupon: Flat<CouponFacts<'a>>,
        },
        /// Many single-use codes were made at once; none of them has an event of its own.
        Generated = "coupons_generated" {
            /// How many.
            count: u32,
            /// What each of them starts with.
            prefix: &'a str,
            /// The first one; the others differ from it in their codes alone.
            first: Option<Nested<CouponFacts<'a>>>,
        },
        /// A coupon was redeemed: one use of it. The event is also the invoice's where it is for an
        /// invoice that was there before.
        Redeemed = "coupon_redeemed" {
            /// The use.
            redemption: Flat<RedemptionFacts<'a>>,
        },
        /// A coupon was taken off an open invoice.
        Applied = "coupon_applied" {
            /// The coupon's code.
            coupon: &'a str,
            /// The usage, as `coupon usages` lists it.
            usage: UsageId,
            /// What it took off, before tax where the invoice's amounts are.
            discount: Money,
            /// The invoice's tax now.
            tax: Money,
            /// The invoice's total now.
            total: Money,
            /// What the total was.
            total_before: Money,
            /// What the amounts are in.
            currency: Currency,
            /// The business day.
            on: NaiveDate,
        },
        /// A credit note gave the discount of an invoice that had left, or was paid.
        AppliedByNote = "coupon_applied_by_note" {
            /// The coupon's code.
            coupon: &'a str,
            /// The usage, as `coupon usages` lists it.
            usage: UsageId,
            /// The number of the credit note.
            credit_note: &'a str,
            /// What it took off, before tax.
            discount: Money,
            /// The tax of that.
            tax: Money,
            /// What the credit note comes to.
            total: Money,
            /// What the amounts are in.
            currency: Currency,
            /// The business day.
            on: NaiveDate,
        },
        /// A coupon was taken off the invoices of a subscription that are to come.
        Removed = "coupon_removed" {
            /// The coupon's code.
            coupon: &'a str,
            /// Of which use.
            redemption: RedemptionId,
            /// The subscription.
            subscription: SubscriptionId,
        },
        /// A discounted invoice was voided: the coupon took nothing off it.
        UsageReturned = "coupon_usage_returned" {
            /// The coupon's code.
            coupon: &'a str,
            /// Of which use.
            redemption: RedemptionId,
        },
        /// A use was given back: no invoice has its discount, and none can follow.
        UseReturned = "coupon_use_returned" {
            /// The use.
            redemption: Flat<RedemptionFacts<'a>>,
        },
    }
}

impl<'a> CouponEvent<'a> {
    /// A coupon was added at that instant.
    pub fn created(coupon: &'a Coupon, at: &str, by: By) -> CouponEvent<'a> {
        CouponEvent::Created { coupon: Flat(CouponFacts::of(coupon, at)), imported: by.into() }
    }

    /// What a coupon offers was changed at that instant.
    pub fn edited(before: &'a Coupon, after: &Coupon, at: &str, by: By) -> CouponEvent<'a> {
        let changed = match by {
            By::Command => Changed::FromTo,
            By::Import => Changed::Names,
        };
        let names = before.offer.differences(&after.offer);
        let facts = (CouponFacts::of(before, at), CouponFacts::of(after, at));
        let changes = Changes::between(&facts.0, &facts.1, changed).only(&names);
        CouponEvent::Edited { code: &before.code, imported: by.into(), changes }
    }

    /// A coupon was deleted at that instant.
    pub fn deleted(coupon: &'a Coupon, at: &str) -> CouponEvent<'a> {
        CouponEvent::Deleted { coupon: Flat(CouponFacts::of(coupon, at)) }
    }

    /// Which coupon an event is about that is no customer's: it has no other subject.
    pub fn named(&self) -> Option<String> {
        match self {
            CouponEvent::Created { coupon, .. } | CouponEvent::Deleted { coupon } => {
                Some(coupon.0.code.to_owned())
            }
            CouponEvent::Edited { code, imported: Extra(None), changes } => {
                Some(format!("{code}: {}", changes.names().join(", ")))
            }
            CouponEvent::Edited { code, .. }
            | CouponEvent::Activated { code }
            | CouponEvent::Deactivated { code } => Some((*code).to_owned()),
            // Many at once are named by what their codes start with.
            CouponEvent::Generated { count, prefix, .. } => Some(format!("{count} codes {prefix}")),
            CouponEvent::Redeemed { .. }
            | CouponEvent::Applied { .. }
            | CouponEvent::AppliedByNote { .. }
            | CouponEvent::Removed { .. }
            | CouponEvent::UsageReturned { .. }
            | CouponEvent::UseReturned { .. } => None,
        }
    }
}

group! {
    /// One use of a coupon.
    RedemptionFacts<'a> {
        /// The coupon's code.
        coupon: &'a str,
        /// The use.
        redemption: RedemptionId,
        /// Whose coming invoices it discounts.
        subscription: Option<SubscriptionId>,
        /// What it takes off: a percentage, or an amount with its currency.
        discount: String,
        /// How many billing periods it has left; null: all that come.
        periods: Option<i64>,
        /// What was to be remembered of it.
        metadata: Texts<'a>,
    }
}

impl<'a> RedemptionFacts<'a> {
    /// Those of a redemption; `metadata` is the JSON that is kept of it.
    pub fn of(redemption: &'a Redemption, metadata: &'a str) -> Flat<RedemptionFacts<'a>> {
        Flat(RedemptionFacts {
            coupon: &redemption.code,
            redemption: redemption.id,
            subscription: redemption.subscription_id,
            discount: redemption.discount.to_string(),
            periods: redemption.periods_left,
            metadata: Texts(metadata),
        })
    }
}

group! {
    /// A coupon, and where it stands.
    CouponFacts<'a> {
        /// Its code.
        code: &'a str,
        /// Its name.
        name: &'a str,
        /// What it is for.
        description: Option<&'a str>,
        /// What it takes off, in words.
        discount: String,
        /// Of which kind that is.
        discount_type: DiscountType,
        /// Percent, or an amount.
        discount_value: String,
        /// Which amounts it is for; null: those of every currency.
        currency: Option<Currency>,
        /// Where it stands.
        status: CouponStatus,
        /// Nobody has switched it off.
        is_active: bool,
        /// Its first second.
        valid_from: &'a str,
        /// Its last second.
        valid_to: &'a str,
        /// How often it can be used; 0: as often as anyone likes.
        max_uses: i64,
        /// How often by one customer; 0: as often as it likes.
        max_uses_per_customer: i64,
        /// How often it was used.
        current_uses: i64,
        /// How many uses are left; null: as many as anyone likes.
        remaining: Option<i64>,
        /// The plans it is limited to; none: all.
        applicable_plans: Vec<&'a str>,
        /// Whose customers may use it.
        customer_eligibility: Eligibility,
        /// The least amount before discount.
        minimum_purchase_amount: Option<Money>,
        /// Only for the first payment of a customer.
        first_payment_only: bool,
        /// `once`, `forever`, or for how many billing periods.
        duration: String,
        /// When it was made.
        created_at: &'a str,
        /// When it was changed last.
        updated_at: &'a str,
    }
}

impl<'a> CouponFacts<'a> {
    /// Those of a coupon at an instant.
    pub fn of(coupon: &'a Coupon, at: &str) -> CouponFacts<'a> {
        let offer = &coupon.offer;
        CouponFacts {
            code: &coupon.code,
            name: &offer.name,
            description: offer.description.as_deref(),
            discount: offer.discount.to_string(),
            discount_type: offer.discount.kind(),
            discount_value: offer.discount.value(),
            currency: offer.currency,
            status: coupon.status_at(at),
            is_active: offer.is_active,
            valid_from: &offer.valid_from,
            valid_to: &offer.valid_to,
            max_uses: offer.max_uses,
            max_uses_per_customer: offer.max_uses_per_customer,
            current_uses: coupon.current_uses,
            remaining: coupon.remaining(),
            applicable_plans: offer.plans.iter().map(|plan| plan.code.as_str()).collect(),
            customer_eligibility: offer.eligibility,
            minimum_purchase_amount: offer.minimum,
            first_payment_only: offer.first_payment_only,
            duration: offer.duration.to_string(),
            created_at: &coupon.created_at,
            updated_at: &coupon.updated_at,
        }
    }
}
