//! `import coupons`.

use super::table::Row;
use super::{Bad, Import, RowOutcome};
use crate::clock;
use crate::domain::coupon::{
    self, Coupon, Discount, DiscountType, Duration, Eligibility, MOST_USES, Offer, OnPlan,
};
use crate::domain::event::{By, CouponEvent};
use crate::domain::refusal::Why;
use crate::domain::{Currency, Money, Refusal};

pub const REQUIRED: &[&str] = &["code", "name", "discount_type", "discount_value", "valid_to"];
pub const OPTIONAL: &[&str] = &[
    "description",
    "currency",
    "valid_from",
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

/// A row, checked.
struct Read {
    code: String,
    /// The coupon that the row names, where there is one.
    there: Option<Coupon>,
    /// What the row comes to: a cell that is empty leaves what is there as it is.
    offer: Offer,
    created_at: Option<String>,
}

impl Import<'_> {
    pub(super) fn coupon(&self, row: &Row) -> Result<RowOutcome, Bad> {
        let read = self.read_coupon(row)?;
        match &read.there {
            Some(there) => self.existing_coupon(row, there, &read.offer),
            None => self.new_coupon(&read),
        }
    }

    fn new_coupon(&self, read: &Read) -> Result<RowOutcome, Bad> {
        let Read { code, offer, created_at, .. } = read;
        let made = self.db.insert_coupon(self.act, code, offer, created_at.as_deref())?;
        let Some(id) = made else {
            return Err(Refusal::Exists { noun: "coupon", name: code.clone() }.into());
        };
        let coupon = self.db.coupon_in(id)?;
        let event = CouponEvent::created(&coupon, &self.act.at(), By::Import);
        self.book().record_coupon(event)?;
        Ok(RowOutcome::Created)
    }

    /// Takes what differs by the rules of `coupon edit`.
    fn existing_coupon(&self, row: &Row, there: &Coupon, offer: &Offer) -> Result<RowOutcome, Bad> {
        let differs = there.offer.differences(offer);
        if differs.is_empty() {
            return Ok(RowOutcome::Skipped);
        }
        if !self.options.update {
            return Err(row.bad("code", Why::Differs { fields: differs.join(", ") }));
        }
        for fault in coupon::edit_faults(there, offer, self.db.used_so_far(there.id)?) {
            note_fault(row, fault)?;
        }
        row.checked(Some(()))?;
        self.db.update_coupon(self.act, there.id, offer)?;
        let after = self.db.coupon_in(there.id)?;
        let event = CouponEvent::edited(there, &after, &self.act.at(), By::Import);
        self.book().record_coupon(event)?;
        Ok(RowOutcome::Updated)
    }

    fn read_coupon(&self, row: &Row) -> Result<Read, Bad> {
        let code = row.need("code", coupon::code);
        let there = match &code {
            Some(code) => self.db.find_coupon(code)?,
            None => None,
        };
        let offer = self.read_offer(row, there.as_ref().map(|there| &there.offer))?;
        check_uses(row, there.as_ref());
        let created_at = self.moment(row, "created_at");
        if created_at.as_ref().is_some_and(|at| *at > self.act.at()) {
            row.note("created_at", Why::AfterNow);
        }
        // Every change here notes its own moment; a file's is a moment, and no more.
        self.moment(row, "updated_at");
        row.checked(code.zip(offer).map(|(code, offer)| Read { code, there, offer, created_at }))
    }

    /// What the row says, else what is there, else what `coupon create` takes as well.
    fn read_offer(&self, row: &Row, there: Option<&Offer>) -> Result<Option<Offer>, Bad> {
        let name = row.need("name", coupon::name);
        let description = row.take("description", coupon::description).flatten();
        let plans = self.read_plans(row)?;
        let money = self.read_money(row, there, plans.as_deref().unwrap_or_default());
        let validity = self.read_validity(row, there);
        let max_uses = row.count("max_uses", 0, MOST_USES);
        let per_customer = row.count("max_uses_per_customer", 0, MOST_USES);
        let words = "all, new_customers, existing_customers";
        let eligibility = row.word("customer_eligibility", words);
        let first_payment_only = row.flag("first_payment_only");
        let is_active = row.flag("is_active");
        let words = format!("once, forever, 1 to {}", Duration::MOST_PERIODS);
        let duration = row.word("duration", &words);
        Ok((|| {
            let ((discount, currency, minimum), (valid_from, valid_to)) = (money?, validity?);
            Some(Offer {
                name: name?,
                description: description.or_else(|| there?.description.clone()),
                discount,
                currency,
                valid_from,
                valid_to,
                max_uses: max_uses.or(there.map(|o| o.max_uses)).unwrap_or(0),
                max_uses_per_customer: per_customer
                    .or(there.map(|o| o.max_uses_per_customer))
                    .unwrap_or(1),
                plans: plans.or_else(|| Some(there?.plans.clone())).unwrap_or_default(),
                eligibility: eligibility
                    .or(there.map(|o| o.eligibility))
                    .unwrap_or(Eligibility::All),
                minimum,
                first_payment_only: first_payment_only
                    .or(there.map(|o| o.first_payment_only))
                    .unwrap_or(false),
                duration: duration.or(there.map(|o| o.duration)).unwrap_or(Duration::Once),
                is_active: is_active.or(there.map(|o| o.is_active)).unwrap_or(true),
            })
        })())
    }

    /// Discount, currency and minimum. A percentage without a minimum takes every currency, unless
    /// one is named.
    fn read_money(
        &self,
        row: &Row,
        there: Option<&Offer>,
        plans: &[OnPlan],
    ) -> Option<(Discount, Option<Currency>, Option<Money>)> {
        let kind: Option<DiscountType> = row.need_word("discount_type", "percentage, fixed_amount");
        let stated = row.currency("currency");
        let there_in = there.and_then(|offer| offer.currency);
        let default = OnPlan::currency_of(plans, self.config.currency);
        let currency = stated.or(there_in).unwrap_or(default);
        // Amounts of a currency that nobody knows are not looked at.
        let known = stated.is_some() || row.get("currency").is_none();
        let discount = row.need("discount_value", |v| {
            let discount = match kind {
                Some(DiscountType::Percentage) => Discount::percent(&row.plain(v)).map(Some),
                Some(DiscountType::FixedAmount) if known => {
                    Discount::amount(&row.number(v, currency), currency).map(Some)
                }
                _ => Ok(None),
            };
            discount.map_err(|why| Refusal::bad("discount_value", v, why))
        });
        let minimum = match row.get("minimum_purchase_amount") {
            None => self.kept_minimum(row, there, currency),
            Some(_) if !known => None,
            Some(_) => row.take("minimum_purchase_amount", |v| {
                let minimum = coupon::minimum(&row.number(v, currency), currency);
                minimum.map_err(|why| Refusal::bad("minimum_purchase_amount", v, why))
            })?,
        };
        let discount = discount.flatten()?;
        let needs_currency = discount.kind() == DiscountType::FixedAmount || minimum.is_some();
        Some((discount, stated.or(there_in).or(needs_currency.then_some(currency)), minimum))
    }

    /// The minimum of what is there, which a row with another currency has to name anew: 5000 XOF
    /// are not 5000 EUR.
    fn kept_minimum(&self, row: &Row, there: Option<&Offer>, currency: Currency) -> Option<Money> {
        let minimum = there?.minimum?;
        if minimum.currency() != currency {
            row.note("minimum_purchase_amount", Why::NeededWith { field: "another currency" });
        }
        Some(minimum)
    }

    /// The first and the last second. One that is new and does not say from when is valid from now
    /// on.
    fn read_validity(&self, row: &Row, there: Option<&Offer>) -> Option<(String, String)> {
        let from = self.moment(row, "valid_from");
        let zone = self.config.timezone;
        let to = row.need("valid_to", |v| clock::end("valid_to", v, zone))?;
        let from = match (row.get("valid_from"), there) {
            (Some(_), _) => from?,
            (None, Some(there)) => there.valid_from.clone(),
            (None, None) => clock::start_before(self.act.now, &to),
        };
        if let Err(Refusal::Bad { why, .. }) = coupon::check_validity(&from, &to) {
            row.note("valid_to", why);
        }
        Some((from, to))
    }

    /// A moment, as it is stored; of a date, its first second.
    fn moment(&self, row: &Row, column: &'static str) -> Option<String> {
        row.take(column, |v| clock::start(column, v, self.config.timezone))
    }

    /// The plans that the row limits its coupon to; archived ones too, as they keep their
    /// subscribers. `None` where it says nothing.
    fn read_plans(&self, row: &Row) -> Result<Option<Vec<OnPlan>>, Bad> {
        let Some(codes) = row.get("applicable_plans") else { return Ok(None) };
        let mut plans = Vec::new();
        let separates = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|');
        for code in codes.split(separates).filter(|code| !code.is_empty()) {
            match self.db.find_plan(code)? {
                Some(plan) => plans.push(OnPlan::of(&plan)),
                None => row.note_part("applicable_plans", code, Why::UnknownPlan),
            }
        }
        // Separators alone limit to nothing, which would be all plans.
        if codes.chars().all(separates) {
            row.note("applicable_plans", Why::Empty);
        }
        Ok(Some(OnPlan::each_once(plans)))
    }
}

/// Uses belong to the redemptions that are recorded here, and cannot be imported. A file that knows
/// of fewer tells of the past: it may be read again after a use.
fn check_uses(row: &Row, there: Option<&Coupon>) {
    let stated = row.count("current_uses", 0, MOST_USES);
    let here = there.map_or(0, |there| there.current_uses);
    if stated.is_some_and(|uses| uses > here) {
        row.note("current_uses", Why::UsesElsewhere);
    }
}

/// Notes why a coupon cannot become what the row says.
fn note_fault(row: &Row, fault: Refusal) -> Result<(), Bad> {
    match fault {
        Refusal::CouponUsed { field, .. } => {
            let what = "the coupon was used, and its users agreed to what it offers; deactivate it, \
                        and import the new offer under a code of its own";
            // A currency may follow from what is given, and is not a value of the row then.
            if row.get(field).is_some() {
                row.note(field, Why::CannotChange { what });
            }
        }
        Refusal::Bad { field, why, .. } => row.note(field, why),
        other => return Err(other.into()),
    }
    Ok(())
}
