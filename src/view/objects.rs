//! The objects of the interface: what a tenant, an invoice, an e-mail is in JSON, and which of its
//! fields are the columns of a list.

mod api_key;
mod checkouts;
mod coupons;
mod credit_notes;
mod credits;
mod payments;
mod pending_items;
mod usage;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Align, Column};
use crate::domain::calendar;
use crate::domain::charge::Attempt;
use crate::domain::invoice::{Invoice, Line, count};
use crate::domain::money::{self, Totals};
use crate::domain::payment_method::PaymentMethod;
use crate::domain::plan::{ListedPrice, Plan};
use crate::domain::price::{Model, PriceTerms, Tier, bound};
use crate::domain::schedule::Task;
use crate::domain::subscription::{Item, Subscription, SubscriptionStatus};
use crate::domain::tenant::Tenant;
use crate::domain::transaction::{Transaction, TransactionKind};
use crate::domain::{Currency, Money, recurrence};

pub use api_key::*;
pub use checkouts::*;
pub use coupons::*;
pub use credit_notes::*;
pub use credits::*;
pub use payments::*;
pub use pending_items::*;
pub use usage::*;

/// A share as [`money::share`] says; null of nothing.
pub fn share(part: impl Into<Decimal>, whole: impl Into<Decimal>) -> Value {
    money::share(part, whole).map_or(Value::Null, |share| Value::from(share.to_string()))
}

/// Columns of `tenant list`.
pub const TENANTS: &[Column] = &[
    ("slug", "Tenant", Align::Left, 0),
    ("name", "Name", Align::Left, 1),
    ("email", "E-mail", Align::Left, 2),
    ("status", "Status", Align::Left, 0),
    ("balance_due", "Due", Align::Right, 0),
    ("currency", "", Align::Left, 0),
];

/// Fields of a tenant.
pub const TENANT_FIELDS: &[&str] = &[
    "slug",
    "name",
    "email",
    "currency",
    "locale",
    "country",
    "address",
    "tax_id",
    "tax_rate",
    "status",
    "suspended_at",
    "suspension_cause",
    "suspension_reason",
    "balance_due",
    "created_at",
    "updated_at",
    "external_id",
    "street",
    "postcode",
    "city",
    "legal_id",
    "vat_id",
    "electronic_address",
    "customer_kind",
    "tax_category",
    "tax_reason",
];

/// A tenant. `balance_due` is in its own currency; `other_balances` are what it owes in others.
pub fn tenant(tenant: &Tenant, balances: &Totals) -> Value {
    let mut others = serde_json::Map::new();
    let mut balance = Money::zero(tenant.currency);
    for sum in balances.iter() {
        if sum.currency() == tenant.currency {
            balance = *sum;
        } else {
            others.insert(sum.currency().code().to_owned(), json!(sum.major()));
        }
    }
    let suspension = tenant.suspension.as_ref();
    json!({
        "slug": tenant.slug,
        "name": tenant.name,
        "email": tenant.email,
        "cc": tenant.cc,
        "currency": tenant.currency.code(),
        "locale": tenant.locale.word(),
        "country": tenant.country,
        "address": tenant.address,
        "street": tenant.details.street,
        "postcode": tenant.details.postcode,
        "city": tenant.details.city,
        "tax_id": tenant.tax_id,
        "legal_id": tenant.details.legal_id,
        "vat_id": tenant.details.vat_id,
        "electronic_address": tenant.details.electronic_address,
        "customer_kind": tenant.details.kind.map(|kind| kind.word()),
        "tax_category": tenant.tax.category.map(|category| category.word()),
        "tax_reason": tenant.tax.reason,
        "tax_rate": tenant.tax_rate.map(|rate| rate.to_string()),
        "status": tenant.status.word(),
        "suspended_at": suspension.map(|s| &s.at),
        "suspension_cause": suspension.map(|s| s.cause.word()),
        "suspension_reason": suspension.map(|s| &s.reason),
        "balance_due": balance.major(),
        "other_balances": others,
        "external_id": tenant.external_id,
        "metadata": serde_json::from_str::<Value>(&tenant.metadata).unwrap_or_default(),
        "created_at": tenant.created_at,
        "updated_at": tenant.updated_at,
    })
}

/// Columns of `invoice list`.
pub const INVOICES: &[Column] = &[
    ("number", "Invoice", Align::Left, 0),
    ("tenant", "Tenant", Align::Left, 0),
    ("status", "Status", Align::Left, 0),
    ("issued_on", "Issued", Align::Left, 2),
    ("due_on", "Due", Align::Left, 0),
    ("total", "Total", Align::Right, 1),
    ("amount_due", "Amount due", Align::Right, 0),
    ("currency", "", Align::Left, 0),
    ("days_overdue", "Days overdue", Align::Right, 3),
    ("stage", "Stage", Align::Left, 4),
];

/// Fields of an invoice.
pub const INVOICE_FIELDS: &[&str] = &[
    "number",
    "tenant",
    "subscription",
    "status",
    "currency",
    "subtotal",
    "discount",
    "tax_rate",
    "tax",
    "total",
    "amount_paid",
    "credited",
    "credit_applied",
    "amount_due",
    "credit_notes_total",
    "refunded",
    "issued_on",
    "due_on",
    "paid_on",
    "period_start",
    "period_end",
    "overdue",
    "days_overdue",
    "stage",
    "warned_on",
    "promised_until",
    "disputed",
    "coupon",
    "closed_reason",
    "created_at",
    "updated_at",
    "tax_inclusive",
    "net",
    "tax_category",
    "tax_reason",
    "purpose",
    "billed_until",
];

/// An invoice as it stands on `today`.
pub fn invoice(invoice: &Invoice, today: NaiveDate) -> Value {
    let days_overdue = invoice.days_overdue(today);
    json!({
        "number": invoice.number,
        "tenant": invoice.tenant,
        "subscription": invoice.subscription_id.map(|id| id.to_string()),
        "status": invoice.status.word(),
        "currency": invoice.total.currency().code(),
        "subtotal": invoice.subtotal.major(),
        "discount": invoice.discount.major(),
        "tax_inclusive": invoice.tax_basis.is_inclusive(),
        "net": invoice.amounts().net().major(),
        "tax_rate": invoice.tax_rate.normalize().to_string(),
        "tax_category": invoice.tax_category.map(|category| category.word()),
        "tax_reason": invoice.tax_reason,
        "tax": invoice.tax.major(),
        "total": invoice.total.major(),
        "amount_paid": invoice.paid.major(),
        "credited": invoice.credited.major(),
        "credit_applied": invoice.credit_applied.major(),
        "amount_due": invoice.due.major(),
        "credit_notes_total": invoice.credit_notes_total.major(),
        "refunded": invoice.refunded.major(),
        "issued_on": invoice.issued_on,
        "due_on": invoice.due_on,
        "paid_on": invoice.paid_on,
        "period_start": invoice.period.map(|(start, _)| start),
        "period_end": invoice.period.map(|(_, end)| end),
        "overdue": days_overdue > 0,
        "days_overdue": days_overdue,
        "stage": invoice.stage.map(|stage| stage.word()),
        "warned_on": invoice.warned_on,
        "promised_until": invoice.promised_until,
        "promise_note": invoice.promise_note,
        "disputed": invoice.disputed_at.is_some(),
        "disputed_at": invoice.disputed_at,
        "dispute_note": invoice.dispute_note,
        "closed_reason": invoice.closed_reason,
        "collection": invoice.collection.word(),
        "coupon": invoice.coupon,
        "origin": invoice.origin.word(),
        "seller": party(&invoice.seller, SELLER_PARTS),
        "buyer": party(&invoice.buyer, BUYER_PARTS),
        "lines": lines(&invoice.lines, &invoice.line_nets()),
        "created_at": invoice.created_at,
        "updated_at": invoice.updated_at,
        "purpose": invoice.purpose.word(),
        "billed_until": invoice.billed_until,
    })
}

/// An invoice that is to come, and the task that will issue it. It has what one has that was issued, but
/// what comes with the issue alone is null.
pub fn preview(draft: &Invoice, by: Task, today: NaiveDate) -> Value {
    let mut object = invoice(draft, today);
    for field in ["number", "origin", "created_at", "updated_at"] {
        object[field] = Value::Null;
    }
    object["issued_by"] = json!(by.word());
    object
}

/// What a copy of seller or buyer has in parts, null where its row leaves it out.
pub(super) const SELLER_PARTS: &[&str] =
    &["street", "postcode", "city", "legal_id", "vat_id", "electronic_address", "iban", "bic"];
pub(super) const BUYER_PARTS: &[&str] =
    &["street", "postcode", "city", "legal_id", "vat_id", "electronic_address", "customer_kind"];

/// Seller or buyer as an invoice keeps them. Where they say nothing else, the tax number is that for VAT,
/// and the registration the number in the register.
pub(super) fn party(document: &str, parts: &[&str]) -> Value {
    let mut party = serde_json::from_str::<Value>(document).unwrap_or(Value::Null);
    if let Some(fields) = party.as_object_mut() {
        for part in parts {
            let stands_for = match *part {
                "vat_id" => fields.get("tax_id"),
                "legal_id" => fields.get("registration"),
                _ => None,
            };
            let fallback = stands_for.cloned().unwrap_or_default();
            fields.entry(*part).or_insert(fallback);
        }
    }
    party
}

/// The lines of an invoice, each with what it comes to without tax and after its discount.
pub fn lines(lines: &[Line], nets: &[Money]) -> Value {
    lines.iter().zip(nets).map(|(line, net)| self::line(line, *net)).collect()
}

/// A quantity: a number where it is a whole one, else decimal text.
fn quantity(quantity: Decimal) -> Value {
    match count(quantity) {
        Some(count) => json!(count),
        None => json!(quantity.normalize().to_string()),
    }
}

/// A line of an invoice, and what it comes to without tax and after its discount.
fn line(line: &Line, net: Money) -> Value {
    json!({
        "description": line.description,
        "quantity": quantity(line.quantity),
        "unit_price": line.unit_price.map(|price| money::major(price, line.amount.currency())),
        "amount": line.amount.major(),
        "discount": line.discount.major(),
        "net": net.major(),
        "currency": line.amount.currency().code(),
        "period_start": line.period.map(|(start, _)| start),
        "period_end": line.period.map(|(_, end)| end),
    })
}

/// Columns of `invoice overdue`.
pub const OVERDUE: &[Column] = &[
    ("tenant", "Tenant", Align::Left, 0),
    ("number", "Invoice", Align::Left, 0),
    ("due_on", "Due", Align::Left, 4),
    ("days_overdue", "Days", Align::Right, 0),
    ("amount_due", "Amount due", Align::Right, 0),
    ("currency", "", Align::Left, 0),
    ("stage", "Stage", Align::Left, 3),
    ("next_step", "Next", Align::Left, 0),
    ("next_step_on", "On", Align::Left, 1),
    ("rests", "Rests", Align::Left, 2),
];

/// Sums as an object, one field a currency.
pub fn totals(totals: &Totals) -> Value {
    let sums = totals.iter().map(|sum| (sum.currency().code().to_owned(), json!(sum.major())));
    Value::Object(sums.collect())
}

/// Columns of `transaction list`.
pub const TRANSACTIONS: &[Column] = &[
    ("id", "Transaction", Align::Left, 0),
    ("invoice", "Invoice", Align::Left, 0),
    ("tenant", "Tenant", Align::Left, 1),
    ("kind", "Kind", Align::Left, 1),
    ("status", "Status", Align::Left, 0),
    ("amount", "Amount", Align::Right, 0),
    ("currency", "", Align::Left, 0),
    ("paid_on", "Paid on", Align::Left, 0),
    ("method", "Method", Align::Left, 3),
    ("attempts", "Attempts", Align::Right, 4),
    ("failure_code", "Why", Align::Left, 2),
    ("reference", "Reference", Align::Left, 6),
];

/// Fields of a transaction.
pub const TRANSACTION_FIELDS: &[&str] = &[
    "id",
    "invoice",
    "tenant",
    "kind",
    "status",
    "amount",
    "applied",
    "currency",
    "paid_on",
    "method",
    "reference",
    "refund_of",
    "credit_note",
    "part_of",
    "attempts",
    "failure_code",
    "reversed_at",
    "reversal_reason",
    "created_at",
    "updated_at",
];

/// A transaction.
pub fn transaction(transaction: &Transaction) -> Value {
    let mut metadata = serde_json::from_str::<Value>(&transaction.metadata).unwrap_or_default();
    if let (TransactionKind::Charge, Some(metadata)) = (transaction.kind, metadata.as_object_mut())
    {
        metadata.insert("retries".to_owned(), json!(transaction.retries));
    }
    json!({
        "id": transaction.id.to_string(),
        "invoice": transaction.invoice,
        "tenant": transaction.tenant,
        "kind": transaction.kind.word(),
        "status": transaction.status.word(),
        "amount": transaction.amount.major(),
        "applied": transaction.applied.major(),
        "currency": transaction.amount.currency().code(),
        "paid_on": transaction.paid_on,
        "method": transaction.method,
        "reference": transaction.reference,
        "refund_of": transaction.refund_of.map(|id| id.to_string()),
        "credit_note": transaction.credit_note,
        "part_of": transaction.part_of.map(|id| id.to_string()),
        "attempts": transaction.attempts,
        "failure_code": transaction.failure_code,
        "failure_message": transaction.failure_message,
        "reversed_at": transaction.reversed_at,
        "reversal_reason": transaction.reversal_reason,
        "metadata": metadata,
        "created_at": transaction.created_at,
        "updated_at": transaction.updated_at,
    })
}

/// One attempt of a charge, for whoever asks what happened; without the token.
pub fn attempt(attempt: &Attempt) -> Value {
    json!({
        "id": attempt.id.to_string(),
        "at": attempt.created_at,
        "answered_at": attempt.answered_at,
        "status": attempt.status.word(),
        "amount": attempt.amount.major(),
        "currency": attempt.amount.currency().code(),
        "gateway": attempt.gateway,
        "payment_method": attempt.method.map(|id| id.to_string()),
        "idempotency_key": attempt.idempotency_key,
        "reference": attempt.reference,
        "code": attempt.code,
        "message": attempt.message,
    })
}

/// Columns of `plan list`.
pub const PLANS: &[Column] = &[
    ("code", "Plan", Align::Left, 0),
    ("name", "Name", Align::Left, 3),
    ("price", "Price", Align::Right, 0),
    ("currency", "", Align::Left, 0),
    ("each", "Each", Align::Left, 0),
    ("trial_days", "Trial days", Align::Right, 1),
    ("archived", "Archived", Align::Left, 2),
];

/// Fields of a plan.
pub const PLAN_FIELDS: &[&str] = &[
    "code",
    "name",
    "price",
    "currency",
    "interval",
    "interval_count",
    "trial_days",
    "archived",
    "created_at",
    "updated_at",
    "tax_inclusive",
];

/// A plan, and the prices that it has and had.
pub fn plan(plan: &Plan, prices: &[ListedPrice]) -> Value {
    let prices = prices.iter().map(|listed| price(&plan.code, listed));
    json!({
        "code": plan.code,
        "name": plan.name,
        "price": plan.price.major(),
        "currency": plan.price.currency.code(),
        "interval": plan.interval.unit.word(),
        "interval_count": plan.interval.count,
        "each": plan.interval.to_string(),
        "trial_days": plan.trial_days,
        "tax_inclusive": plan.basis.is_inclusive(),
        "archived": plan.archived_at.is_some(),
        "archived_at": plan.archived_at,
        "created_at": plan.created_at,
        "updated_at": plan.updated_at,
        "prices": prices.collect::<Vec<_>>(),
    })
}

/// The same for people: of each price what its words do not say, and nothing of one that is said above.
pub fn plan_for_people(plan: &Plan, prices: &[ListedPrice]) -> Value {
    let mut object = self::plan(plan, prices);
    let is_said = plan.price.unit_price().is_some() && plan.price_archived_at.is_none();
    if prices.len() == 1 && is_said {
        drop_fields(&mut object, &["prices"]);
    }
    for price in object.get_mut("prices").and_then(Value::as_array_mut).into_iter().flatten() {
        drop_fields(
            price,
            &["plan", "unit_amount", "tiers", "package_size", "archived", "created_at"],
        );
    }
    object
}

/// A price for people, whose words say its tiers.
pub fn price_for_people(plan: &str, listed: &ListedPrice) -> Value {
    let mut object = price(plan, listed);
    drop_fields(&mut object, &["unit_amount", "tiers", "package_size"]);
    object
}

fn drop_fields(object: &mut Value, names: &[&str]) {
    if let Some(fields) = object.as_object_mut() {
        names.iter().for_each(|name| drop(fields.shift_remove(*name)));
    }
}

/// Columns of `plan price list`.
pub const PRICES: &[Column] = &[
    ("meter", "Meter", Align::Left, 0),
    ("currency", "Currency", Align::Left, 0),
    ("model", "Model", Align::Left, 2),
    ("says", "Price", Align::Left, 0),
    ("included", "Included", Align::Right, 1),
    ("minimum", "Minimum", Align::Right, 0),
    ("archived", "Archived", Align::Left, 0),
];

/// Fields of a price.
pub const PRICE_FIELDS: &[&str] = &[
    "plan",
    "meter",
    "currency",
    "model",
    "unit_amount",
    "percent",
    "tiers",
    "package_size",
    "included",
    "minimum",
    "archived",
    "archived_at",
    "created_at",
];

/// A price of the plan with that code. `says` is what it costs, for people.
pub fn price(plan: &str, listed: &ListedPrice) -> Value {
    let currency = listed.price.currency;
    let PriceTerms { model, included, minimum } = &listed.price.terms;
    let tiers = model.tiers().map(|tiers| -> Value {
        let tier = |tier: &Tier| {
            json!({
                "up_to": tier.up_to,
                "unit": money::major(tier.unit, currency),
                "flat": money::major(tier.flat, currency),
            })
        };
        tiers.iter().map(tier).collect()
    });
    json!({
        "plan": plan,
        "meter": listed.meter,
        "currency": currency.code(),
        "model": model.word().word(),
        "says": price_says(model, currency),
        "unit_amount": model.unit_amount().map(|amount| money::major(amount, currency)),
        "percent": model.percent().map(|percent| percent.normalize().to_string()),
        "tiers": tiers,
        "package_size": model.package_size(),
        "included": included,
        "minimum": minimum.map(Money::major),
        "archived": listed.archived_at.is_some(),
        "archived_at": listed.archived_at,
        "created_at": listed.created_at,
    })
}

/// What a price costs: `49.90`, `10.00 per 100`, `to 10: 5.00 + 20.00; to inf: 4.00`.
pub fn price_says(model: &Model, currency: Currency) -> String {
    let major = |amount| money::major(amount, currency);
    let tier = |tier: &Tier| {
        let flat = (!tier.flat.is_zero()).then(|| format!(" + {}", major(tier.flat)));
        format!("to {}: {}{}", bound(tier.up_to), major(tier.unit), flat.unwrap_or_default())
    };
    match model {
        Model::Flat { amount } => major(*amount),
        Model::PerUnit { unit } => format!("{} each", major(*unit)),
        Model::Percentage { percent } => format!("{} %", percent.normalize()),
        Model::Package { package, size } => format!("{} per {size}", major(*package)),
        Model::Graduated { tiers } | Model::Volume { tiers } => {
            tiers.iter().map(tier).collect::<Vec<_>>().join("; ")
        }
    }
}

/// Columns of `subscription list`.
pub const SUBSCRIPTIONS: &[Column] = &[
    ("id", "Subscription", Align::Left, 0),
    ("tenant", "Tenant", Align::Left, 0),
    ("plan", "Plan", Align::Left, 0),
    ("quantity", "Quantity", Align::Right, 1),
    ("status", "Status", Align::Left, 0),
    ("current_period_start", "Period from", Align::Left, 4),
    ("last_day", "To", Align::Left, 2),
    ("trial_ends_on", "Trial to", Align::Left, 3),
    ("next_billing_on", "Next invoice", Align::Left, 0),
];

/// Fields of a subscription.
pub const SUBSCRIPTION_FIELDS: &[&str] = &[
    "id",
    "tenant",
    "plan",
    "status",
    "quantity",
    "price",
    "currency",
    "anchor",
    "anchor_day",
    "started_on",
    "current_period_start",
    "current_period_end",
    "next_billing_on",
    "trial_ends_on",
    "cancel_at_period_end",
    "ends_on",
    "collection",
    "coupon",
    "suspended_at",
    "suspension_cause",
    "canceled_at",
    "created_at",
    "updated_at",
    "items",
];

/// The items of a subscription: what each is now, and (`pending_…`, where that differs) will be with the
/// next period. One that joins has a quantity of 0 now, one that leaves will have.
fn items(subscription: &Subscription) -> Vec<Value> {
    let (terms, coming) = (&subscription.terms, subscription.coming_terms());
    // At the prices of the next period.
    let moved = subscription.next_billing_on.and_then(|on| coming.moved(on));
    let coming = moved.as_ref().unwrap_or(coming);
    let with = |item: &Item, quantity: i64, next: Option<&Item>, joins: bool| {
        let pending = next.map_or(0, |next| next.quantity);
        json!({
            "plan": item.plan,
            "quantity": quantity,
            "pending_plan": next.map(|next| &next.plan).filter(|plan| **plan != item.plan),
            "pending_quantity": Some(pending).filter(|pending| *pending != quantity),
            "price": item.price.major(),
            "pending_price": next.filter(|next| next.price != item.price)
                .and_then(|next| next.price.major()),
            "currency": item.price.currency.code(),
            "joins": joins,
            "leaves": next.is_none(),
        })
    };
    let has =
        terms.items.iter().map(|item| with(item, item.quantity, coming.items.same(item), false));
    let joins = coming.items.iter().filter(|item| terms.items.same(item).is_none());
    has.chain(joins.map(|item| with(item, 0, Some(item), true))).collect()
}

/// A subscription as it stands; `status` is the one of today. `last_day` is that of its period, for
/// people.
pub fn subscription(subscription: &Subscription, status: SubscriptionStatus) -> Value {
    let item = subscription.terms.first();
    let suspension = subscription.suspension.as_ref();
    let period = subscription.period;
    // Once it is paid to its end, no period follows; after a pause, the one that its end begins.
    let next = match &subscription.pause {
        Some(pause) if subscription.next_billing_on.is_none_or(|next| pause.from <= next) => {
            recurrence::after_pause(subscription).and_then(|goes_on| goes_on.next_billing_on)
        }
        _ => subscription.next_billing_on,
    };
    let next = next.filter(|next| subscription.ends_on.is_none_or(|on| *next < on));
    json!({
        "id": subscription.id.to_string(),
        "tenant": subscription.tenant,
        "plan": item.plan,
        "status": status.word(),
        "quantity": item.quantity,
        "price": item.price.major(),
        "currency": item.price.currency.code(),
        "each": subscription.terms.interval.to_string(),
        "anchor": subscription.anchor.word(),
        "anchor_day": subscription.cycle.anchor_day,
        "started_on": subscription.started_on,
        "current_period_start": period.map(|period| period.start),
        "current_period_end": period.map(|period| period.end),
        "last_day": period.map(|period| calendar::plus_days(period.end, -1)),
        "next_billing_on": next,
        "trial_ends_on": subscription.trial_ends_on,
        "pending": subscription.pending.as_ref().map(|terms| {
            json!({ "plan": terms.first().plan, "quantity": terms.first().quantity })
        }),
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "ends_on": subscription.ends_on,
        "collection": subscription.collection.word(),
        "coupon": subscription.coupon.as_ref().map(|coupon| &coupon.code),
        "coupon_periods_left": subscription.coupon.as_ref().and_then(|coupon| coupon.periods_left),
        "pause": subscription.pause.as_ref().map(|pause| {
            json!({ "from": pause.from, "until": pause.until, "reason": pause.reason })
        }),
        "suspended_at": suspension.map(|suspension| &suspension.at),
        "suspension_cause": suspension.map(|suspension| suspension.cause.word()),
        "canceled_at": subscription.canceled_at,
        "created_at": subscription.created_at,
        "updated_at": subscription.updated_at,
        "items": items(subscription),
    })
}

/// Columns of `payment-method list`.
pub const PAYMENT_METHODS: &[Column] = &[
    ("id", "Payment method", Align::Left, 0),
    ("tenant", "Tenant", Align::Left, 0),
    ("kind", "Kind", Align::Left, 2),
    ("label", "Label", Align::Left, 1),
    ("is_default", "Default", Align::Left, 0),
    ("status", "Status", Align::Left, 0),
];

/// Fields of a payment method.
pub const PAYMENT_METHOD_FIELDS: &[&str] =
    &["id", "tenant", "kind", "label", "is_default", "status", "created_at", "updated_at"];

/// A payment method, without its token.
pub fn payment_method(method: &PaymentMethod) -> Value {
    json!({
        "id": method.id.to_string(),
        "tenant": method.tenant,
        "kind": method.kind.word(),
        "label": method.label,
        "is_default": method.is_default,
        "status": method.status.word(),
        "created_at": method.created_at,
        "updated_at": method.updated_at,
    })
}
