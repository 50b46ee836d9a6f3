//! The rules of coupons: what a code may be, what it takes off, who may use it when. Their rows are
//! in `store/coupons.rs` and `store/redemptions.rs`, their words in `commands/coupon.rs`, and what
//! joins them with invoices and subscriptions in `books/redeem.rs`.

use std::str::FromStr;

use rust_decimal::Decimal;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::money::Totals;
use super::plan::Plan;
use super::refusal::Why;
pub use super::verdict::{Reason, Verdict, reasons};
use super::{
    CouponId, Currency, Money, PlanId, RedemptionId, Refusal, Result, SubscriptionId, UsageId,
    text, words,
};

words! {
    DiscountType { Percentage = "percentage", FixedAmount = "fixed_amount" }
}

words! {
    /// Who may use a coupon. A new customer has no paid invoice of a positive total; an existing
    /// one has.
    Eligibility {
        All = "all",
        NewCustomers = "new_customers",
        ExistingCustomers = "existing_customers",
    }
}

words! {
    /// Where a coupon stands at a moment, derived from its fields.
    CouponStatus {
        /// Can be redeemed now, by whom its rules allow.
        Active = "active",
        Inactive = "inactive",
        Scheduled = "scheduled",
        Expired = "expired",
        UsedUp = "used_up",
    }
}

/// What a coupon takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discount {
    /// Percent of the amount: above 0, at most 100, at most 2 decimals.
    Percent(Decimal),
    /// That much, and never more than there is.
    Amount(Money),
}

impl Discount {
    /// Reads what is typed of a percentage: above 0, at most 100, at most 2 decimals.
    pub fn percent(text: &str) -> std::result::Result<Discount, Why> {
        let value = text::decimal(text).ok_or(Why::NotADiscount)?.normalize();
        let fits = value > Decimal::ZERO && value <= Decimal::ONE_HUNDRED && value.scale() <= 2;
        if fits { Ok(Discount::Percent(value)) } else { Err(Why::NotADiscount) }
    }

    /// Reads what is typed of an amount: more than nothing, in the currency's own decimals.
    pub fn amount(text: &str, currency: Currency) -> std::result::Result<Discount, Why> {
        match Money::parse(text, currency)? {
            amount if amount.is_zero() => Err(Why::Zero),
            amount => Ok(Discount::Amount(amount)),
        }
    }

    /// Whether it could have been typed: more than nothing, and no more than all.
    pub fn is_sound(&self) -> bool {
        match self {
            Discount::Percent(_) => Discount::percent(&self.value()).is_ok(),
            Discount::Amount(amount) => amount.minor() > 0,
        }
    }

    /// Its kind.
    pub fn kind(&self) -> DiscountType {
        match self {
            Discount::Percent(_) => DiscountType::Percentage,
            Discount::Amount(_) => DiscountType::FixedAmount,
        }
    }

    /// Percent, or major units with the currency's decimals.
    pub fn value(&self) -> String {
        match self {
            Discount::Percent(percent) => percent.normalize().to_string(),
            Discount::Amount(amount) => amount.major(),
        }
    }

    /// What comes off an amount: a percentage is rounded half away from zero to the smallest unit;
    /// never more than the amount. A fixed amount takes nothing off another currency.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn off(&self, amount: Money) -> Result<Money> {
        match self {
            Discount::Percent(percent) => Ok(amount.percent(*percent)?),
            Discount::Amount(fixed) if fixed.currency() != amount.currency() => {
                Ok(Money::zero(amount.currency()))
            }
            Discount::Amount(fixed) if fixed.minor() > amount.minor() => Ok(amount),
            Discount::Amount(fixed) => Ok(*fixed),
        }
    }
}

impl std::fmt::Display for Discount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Discount::Percent(percent) => f.pad(&format!("{} %", percent.normalize())),
            Discount::Amount(amount) => amount.fmt(f),
        }
    }
}

/// How many invoices of a subscription one redemption discounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duration {
    Once,
    Forever,
    /// So many billing periods; at least 1.
    Periods(i64),
}

impl Duration {
    /// The most periods: a century of months.
    pub const MOST_PERIODS: i64 = 1200;

    /// How many periods a redemption has at its beginning; `None` for all to come.
    pub fn periods(self) -> Option<i64> {
        match self {
            Duration::Once => Some(1),
            Duration::Forever => None,
            Duration::Periods(count) => Some(count),
        }
    }
}

impl std::fmt::Display for Duration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Duration::Once => f.pad("once"),
            Duration::Forever => f.pad("forever"),
            Duration::Periods(count) => count.fmt(f),
        }
    }
}

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let periods = text.parse().ok().filter(|n| digits && (1..=Self::MOST_PERIODS).contains(n));
        match (text, periods) {
            ("once", _) => Ok(Duration::Once),
            ("forever", _) => Ok(Duration::Forever),
            (_, Some(periods)) => Ok(Duration::Periods(periods)),
            _ => Err(format!(
                "not once, forever or a number of periods from 1 to {}",
                Self::MOST_PERIODS
            )),
        }
    }
}

/// A plan that a coupon is limited to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnPlan {
    pub id: PlanId,
    pub code: String,
    /// What it is billed in.
    pub currency: Currency,
}

impl OnPlan {
    /// That plan.
    pub fn of(plan: &Plan) -> OnPlan {
        OnPlan { id: plan.id, code: plan.code.clone(), currency: plan.price.currency }
    }

    /// The currency of amounts that are typed without one: that of the plans where they have one in
    /// common, else the config's.
    pub fn currency_of(plans: &[OnPlan], default: Currency) -> Currency {
        match plans {
            [first, rest @ ..] if rest.iter().all(|plan| plan.currency == first.currency) => {
                first.currency
            }
            _ => default,
        }
    }

    /// Plans as an offer holds them: each once, by code.
    pub fn each_once(mut plans: Vec<OnPlan>) -> Vec<OnPlan> {
        plans.sort_by(|a, b| a.code.cmp(&b.code));
        plans.dedup();
        plans
    }
}

/// What a coupon offers and to whom: all of it but its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub name: String,
    pub description: Option<String>,
    pub discount: Discount,
    /// `None`: every currency; only of a percentage without a minimum.
    pub currency: Option<Currency>,
    /// The first and the last second: RFC 3339 in UTC, as everything stored.
    pub valid_from: String,
    pub valid_to: String,
    /// 0: as often as anyone likes.
    pub max_uses: i64,
    pub max_uses_per_customer: i64,
    /// None: all plans.
    pub plans: Vec<OnPlan>,
    pub eligibility: Eligibility,
    /// Compared with the amount before discount.
    pub minimum: Option<Money>,
    pub first_payment_only: bool,
    pub duration: Duration,
    pub is_active: bool,
}

/// The most that a limit may be.
pub const MOST_USES: i64 = 1_000_000_000;

impl Offer {
    /// What comes off an amount, of which the plans that are bought have so much each: where it is
    /// limited to plans, off those alone.
    ///
    /// # Errors
    /// An amount that is too large.
    pub fn off(&self, amount: Money, bought: &[(OnPlan, Money)]) -> Result<Money> {
        if self.plans.is_empty() {
            return self.discount.off(amount);
        }
        let mut eligible = Money::zero(amount.currency());
        for (plan, part) in bought {
            if self.plans.iter().any(|on| on.id == plan.id) {
                eligible = eligible.plus(*part)?;
            }
        }
        self.discount.off(eligible)
    }

    /// Checks what one field alone cannot say.
    ///
    /// # Errors
    /// It ends before it begins.
    pub fn check(&self) -> Result<()> {
        check_validity(&self.valid_from, &self.valid_to)
    }

    /// The same for amounts in every currency.
    ///
    /// # Errors
    /// It takes an amount off, or asks for one, which is in a currency.
    pub fn in_any_currency(self) -> Result<Offer> {
        let field = match (&self.discount, &self.minimum) {
            (Discount::Amount(_), _) => "a fixed amount",
            (_, Some(_)) => "a minimum",
            _ => return Ok(Offer { currency: None, ..self }),
        };
        Err(Refusal::bad("any_currency", "every currency", Why::NotAllowedWith { field }))
    }

    /// The fields in which another offer differs, by their names in the interface.
    pub fn differences(&self, other: &Offer) -> Vec<&'static str> {
        let pairs = [
            ("name", self.name == other.name),
            ("description", self.description == other.description),
            ("discount_type", self.discount.kind() == other.discount.kind()),
            ("discount_value", self.discount.value() == other.discount.value()),
            ("currency", self.currency == other.currency),
            ("valid_from", self.valid_from == other.valid_from),
            ("valid_to", self.valid_to == other.valid_to),
            ("max_uses", self.max_uses == other.max_uses),
            ("max_uses_per_customer", self.max_uses_per_customer == other.max_uses_per_customer),
            ("applicable_plans", self.plans == other.plans),
            ("customer_eligibility", self.eligibility == other.eligibility),
            ("minimum_purchase_amount", self.minimum == other.minimum),
            ("first_payment_only", self.first_payment_only == other.first_payment_only),
            ("is_active", self.is_active == other.is_active),
            ("duration", self.duration == other.duration),
        ];
        pairs.into_iter().filter(|(_, same)| !same).map(|(field, _)| field).collect()
    }
}

/// Checks the first and the last second of an offer.
///
/// # Errors
/// It ends before it begins.
pub fn check_validity(from: &str, to: &str) -> Result<()> {
    if from < to {
        return Ok(());
    }
    Err(Refusal::bad("valid_to", to, Why::NotAfter { field: "valid_from" }))
}

/// What may change after the first use: whoever redeemed the coupon agreed to the rest.
const CHANGES_AFTER_USE: &[&str] = &[
    "name",
    "description",
    "valid_to",
    "max_uses",
    "max_uses_per_customer",
    "applicable_plans",
    "is_active",
];

/// How a coupon was used so far, for what may still change of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsedSoFar {
    /// Redemptions there ever were, returned ones too.
    pub ever: i64,
    /// Not returned.
    pub uses: i64,
    /// Not returned, of the customer who has most.
    pub most_by_one_customer: i64,
}

/// Checks that a coupon may become another offer.
///
/// # Errors
/// It was used, and the change touches what its users agreed to; or a limit would lie below what
/// is used.
pub fn check_edit(coupon: &Coupon, new: &Offer, used: UsedSoFar) -> Result<()> {
    new.check()?;
    edit_faults(coupon, new, used).into_iter().next().map_or(Ok(()), Err)
}

/// Every field that keeps a coupon from becoming another offer, where [`check_edit`] names one.
pub fn edit_faults(coupon: &Coupon, new: &Offer, used: UsedSoFar) -> Vec<Refusal> {
    let changed = coupon.offer.differences(new);
    let agreed = changed.iter().filter(|field| !CHANGES_AFTER_USE.contains(field));
    let mut faults: Vec<Refusal> = agreed
        .filter(|_| used.ever > 0)
        .map(|field| Refusal::CouponUsed { coupon: coupon.code.clone(), field })
        .collect();
    let limits = [
        ("max_uses", new.max_uses, used.uses),
        ("max_uses_per_customer", new.max_uses_per_customer, used.most_by_one_customer),
    ];
    for (field, limit, used) in limits {
        if changed.contains(&field) && limit > 0 && limit < used {
            faults.push(Refusal::bad(field, &limit.to_string(), Why::BelowUsed { used }));
        }
    }
    faults
}

/// A coupon as it stands.
#[derive(Debug, Clone)]
pub struct Coupon {
    pub id: CouponId,
    pub code: String,
    pub offer: Offer,
    /// Redemptions that were not returned.
    pub current_uses: i64,
    pub created_at: String,
    pub updated_at: String,
}

impl Coupon {
    /// Where it stands at an instant.
    pub fn status_at(&self, at: &str) -> CouponStatus {
        let offer = &self.offer;
        match () {
            () if !offer.is_active => CouponStatus::Inactive,
            () if at > offer.valid_to.as_str() => CouponStatus::Expired,
            () if at < offer.valid_from.as_str() => CouponStatus::Scheduled,
            () if self.is_used_up() => CouponStatus::UsedUp,
            () => CouponStatus::Active,
        }
    }

    /// How many uses are left; `None`: as many as anyone likes.
    pub fn remaining(&self) -> Option<i64> {
        let limit = self.offer.max_uses;
        (limit > 0).then(|| (limit - self.current_uses).max(0))
    }

    fn is_used_up(&self) -> bool {
        self.offer.max_uses > 0 && self.current_uses >= self.offer.max_uses
    }
}

/// What the rules of a coupon ask about.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The moment: RFC 3339, UTC.
    pub at: String,
    /// Redemptions of this coupon by the customer that were not returned.
    pub uses_by_customer: i64,
    /// What is bought; none: no plan.
    pub plans: Vec<OnPlan>,
    /// Whether the customer has a paid invoice of a positive total.
    pub has_paid_invoice: bool,
    /// Whether a payment of the customer ever succeeded, also before an import.
    pub has_payment: bool,
    /// Before discount.
    pub amount: Money,
}

/// Asks every rule of a coupon, in the order in which reasons are listed.
pub fn check(coupon: &Coupon, facts: &Facts) -> Vec<Verdict> {
    let offer = &coupon.offer;
    let verdict = |rule, asks: String, found: String, refuses: bool, reason| Verdict {
        rule,
        asks,
        found,
        reason: Some(reason).filter(|_| refuses),
    };
    let at = &facts.at;
    let limit = |limit: i64| if limit == 0 { "any".to_owned() } else { format!("below {limit}") };
    let reached = |limit: i64, uses: i64| limit > 0 && uses >= limit;
    let plans: Vec<&str> = offer.plans.iter().map(|plan| plan.code.as_str()).collect();
    let bought: Vec<&str> = facts.plans.iter().map(|plan| plan.code.as_str()).collect();
    let on_plan = |plan: &OnPlan| offer.plans.iter().any(|on| on.id == plan.id);
    let not_eligible = match offer.eligibility {
        Eligibility::All => None,
        Eligibility::NewCustomers => {
            Some(Reason::NotNewCustomer).filter(|_| facts.has_paid_invoice)
        }
        Eligibility::ExistingCustomers => {
            Some(Reason::NotExistingCustomer).filter(|_| !facts.has_paid_invoice)
        }
    };
    let other_currency = offer.currency.is_some_and(|c| c != facts.amount.currency());
    let below = |least: Money| !other_currency && facts.amount.minor() < least.minor();
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    vec![
        verdict("active", "yes".into(), yes(offer.is_active), !offer.is_active, Reason::Inactive),
        verdict(
            "valid from",
            offer.valid_from.clone(),
            at.clone(),
            *at < offer.valid_from,
            Reason::NotYetValid,
        ),
        verdict(
            "valid to",
            offer.valid_to.clone(),
            at.clone(),
            *at > offer.valid_to,
            Reason::Expired,
        ),
        verdict(
            "uses",
            limit(offer.max_uses),
            coupon.current_uses.to_string(),
            coupon.is_used_up(),
            Reason::MaxUsesReached,
        ),
        verdict(
            "uses by this customer",
            limit(offer.max_uses_per_customer),
            facts.uses_by_customer.to_string(),
            reached(offer.max_uses_per_customer, facts.uses_by_customer),
            Reason::MaxUsesPerCustomerReached,
        ),
        verdict(
            "plan",
            if plans.is_empty() { "any".to_owned() } else { plans.join(", ") },
            if bought.is_empty() { "none".to_owned() } else { bought.join(", ") },
            !plans.is_empty() && !facts.plans.iter().any(on_plan),
            Reason::PlanNotApplicable,
        ),
        Verdict {
            rule: "customer",
            asks: match offer.eligibility {
                Eligibility::All => "any",
                Eligibility::NewCustomers => "new",
                Eligibility::ExistingCustomers => "existing",
            }
            .to_owned(),
            found: if facts.has_paid_invoice { "existing" } else { "new" }.to_owned(),
            reason: not_eligible,
        },
        verdict(
            "amount before discount",
            offer.minimum.map_or("any".to_owned(), |least| format!("at least {least}")),
            facts.amount.to_string(),
            offer.minimum.is_some_and(below),
            Reason::BelowMinimum,
        ),
        verdict(
            "first payment",
            if offer.first_payment_only { "yes" } else { "any" }.to_owned(),
            yes(!facts.has_payment),
            offer.first_payment_only && facts.has_payment,
            Reason::NotFirstPayment,
        ),
        verdict(
            "currency",
            offer.currency.map_or("any".to_owned(), |currency| currency.to_string()),
            facts.amount.currency().to_string(),
            other_currency,
            Reason::CurrencyMismatch,
        ),
    ]
}

/// A redemption that discounts invoices: of an invoice, or of a subscription for its coming ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redemption {
    pub id: RedemptionId,
    pub coupon_id: CouponId,
    pub code: String,
    pub discount: Discount,
    /// Billing periods that it discounts still; `None`: all that come.
    pub periods_left: Option<i64>,
    pub subscription_id: Option<SubscriptionId>,
    /// No period follows: it is used up, or its subscription ended.
    pub ended_at: Option<String>,
    /// A person took it off its subscription: no period follows, whatever is left.
    pub removed_at: Option<String>,
    /// The plans that its coupon is limited to; none: all.
    pub plans: Vec<PlanId>,
}

impl Redemption {
    /// Whether it takes anything off what is billed of that plan; `None`: of no plan.
    pub fn takes(&self, plan: Option<PlanId>) -> bool {
        self.plans.is_empty() || plan.is_some_and(|plan| self.plans.contains(&plan))
    }

    /// Whether it discounts the next invoice of its subscription.
    pub fn is_running(&self) -> bool {
        self.ended_at.is_none() && self.periods_left != Some(0)
    }

    /// Takes one period off what is left; `None` where nothing is.
    pub fn take(&mut self) -> Option<Redemption> {
        if !self.is_running() {
            return None;
        }
        self.periods_left = self.periods_left.map(|left| left - 1);
        Some(self.clone())
    }
}

/// An invoice that a redemption discounted.
#[derive(Debug, Clone)]
pub struct Usage {
    pub id: UsageId,
    pub redemption: RedemptionId,
    pub code: String,
    pub tenant: String,
    pub invoice: String,
    pub subscription: Option<SubscriptionId>,
    pub original: Money,
    pub discount: Money,
    /// JSON.
    pub metadata: String,
    pub used_at: String,
    pub returned_at: Option<String>,
    /// The number of the credit note that gave the discount, where the invoice had left before.
    pub credit_note: Option<String>,
}

impl Usage {
    /// Original less discount: before tax where the invoice's amounts are.
    pub fn final_amount(&self) -> Money {
        Money::from_minor(self.original.minor() - self.discount.minor(), self.original.currency())
    }
}

/// What was made of one coupon, or of all.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Redemptions that were not returned.
    pub uses: i64,
    pub returned: i64,
    /// Customers with a redemption that was not returned.
    pub customers: i64,
    /// Customers and days on which they checked it.
    pub checks: i64,
    /// Customers that checked it; of all coupons, pairs of customer and coupon.
    pub customers_checked: i64,
    /// What was taken off, and what the same invoices came to after it: before tax
    /// where their amounts are.
    pub discount_given: Totals,
    pub revenue: Totals,
    pub first_use: Option<String>,
    pub last_use: Option<String>,
}

/// The fewest and the most characters of a code.
pub const CODE_LENGTH: std::ops::RangeInclusive<usize> = 2..=50;

/// Checks a code: 2 to 50 letters and digits, with `-`, `_` and `.` between. It is
/// kept in Unicode's composed form, so that É typed as E and an accent is É.
pub fn code(value: &str) -> Result<String> {
    let code: String = value.trim().nfc().collect();
    let length = code.chars().count();
    let why = if code.is_empty() {
        Why::Empty
    } else if length > *CODE_LENGTH.end() {
        Why::TooLong { max: *CODE_LENGTH.end() }
    } else if length < *CODE_LENGTH.start() || !code.chars().all(is_code_char) {
        Why::NotACouponCode
    } else if !code.starts_with(is_letter_or_digit) {
        // One that starts with a hyphen would be taken for a flag.
        Why::NotACouponCode
    } else if !fold(&code).chars().all(|c| is_code_char(c) || is_combining_mark(c)) {
        // A sign that is written with a space or a slash where it is written out, such as ½.
        Why::NotACouponCode
    } else {
        return Ok(code);
    };
    Err(Refusal::bad("code", value, why))
}

fn is_code_char(c: char) -> bool {
    is_letter_or_digit(c) || matches!(c, '-' | '_' | '.')
}

/// E-mails and digits that can be seen: Unicode counts the fillers of Hangul as e-mails, and they
/// look like spaces; and some marks as well, which stand on the e-mail before them or not at all.
fn is_letter_or_digit(c: char) -> bool {
    let is_filler = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    c.is_alphanumeric() && !is_combining_mark(c) && !is_filler
}

/// A code without case, by which codes are compared: `été` is `ÉTÉ`, `straße` is `STRASSE`, and
/// wide forms are plain ones. Whatever was typed, it may be looked up by it.
pub fn fold(code: &str) -> String {
    // The same for ASCII, which most codes are, at a fraction of the time.
    if code.is_ascii() {
        return code.trim().to_ascii_lowercase();
    }
    // Character by character: the lower case of a whole word ends σ as ς. Lower case first: ẞ is
    // its own upper case, and its lower one is the ß that becomes SS.
    let lower: String = code.trim().nfkc().flat_map(char::to_lowercase).collect();
    let upper: String = lower.chars().flat_map(char::to_uppercase).collect();
    upper.chars().flat_map(char::to_lowercase).nfkc().collect()
}

/// Checks a coupon's name.
pub fn name(value: &str) -> Result<String> {
    text::line("name", value, 200)
}

/// Checks a coupon's description; `None` where it is empty.
pub fn description(value: &str) -> Result<Option<String>> {
    match value.trim() {
        "" => Ok(None),
        value => text::paragraph("description", value, 2000).map(Some),
    }
}

/// Reads a minimum as it is typed; `None` where it is nothing.
///
/// # Errors
/// It is no amount of that currency.
pub fn minimum(text: &str, currency: Currency) -> std::result::Result<Option<Money>, Why> {
    let minimum = Money::parse(text, currency)?;
    Ok(Some(minimum).filter(|minimum| !minimum.is_zero()))
}

/// The letters of generated codes: those that nobody takes for another when a code is read out or
/// copied from paper. No 0 and O, no 1, I and L.
pub const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";

/// Characters of a generated code besides its prefix and hyphens: 31^12 are 59 bits, so that of a
/// million live codes nobody finds one by guessing.
pub const RANDOM_LENGTH: usize = 12;

/// The longest prefix: with it a generated code has 50 characters.
pub const MOST_PREFIX: usize = 35;

/// Checks the prefix of generated codes, which may be empty.
pub fn prefix(value: &str) -> Result<String> {
    let composed: String = value.nfc().collect();
    let trimmed = composed.trim().trim_end_matches('-');
    if trimmed.is_empty() {
        return Ok(String::new());
    }
    if trimmed.chars().count() > MOST_PREFIX {
        return Err(Refusal::bad("prefix", value, Why::TooLong { max: MOST_PREFIX }));
    }
    // With two more e-mails it is as long as a code has to be.
    let checked = code(&format!("{trimmed}XX"))
        .map_err(|_| Refusal::bad("prefix", value, Why::NotACouponCode))?;
    Ok(checked.strip_suffix("XX").unwrap_or(&checked).to_owned())
}

/// A code made of a prefix and random e-mails in groups of four, `SUMMER-7KQM-2RXW-9HTB`. `random`
/// hands in bytes from a secure source, as many as are asked for: one that would favour some
/// e-mails is passed over.
///
/// # Errors
/// The source failed.
pub fn generate(prefix: &str, mut random: impl FnMut() -> Result<u8>) -> Result<String> {
    let mut code = String::with_capacity(prefix.len() + RANDOM_LENGTH + 3);
    code.push_str(prefix);
    for at in 0..RANDOM_LENGTH {
        if at % 4 == 0 && !code.is_empty() {
            code.push('-');
        }
        // 248 is the last multiple of 31 that a byte holds.
        let email = loop {
            let byte = random()?;
            if byte < 248 {
                break ALPHABET[usize::from(byte) % ALPHABET.len()];
            }
        };
        code.push(char::from(email));
    }
    Ok(code)
}

#[cfg(test)]
mod tests;
