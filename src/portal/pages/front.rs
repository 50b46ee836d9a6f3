//! The first page: what is due, how the customer stands, and its subscriptions.

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::{Answer, Desk};
use crate::books::{AskedPeriod, Book};
use crate::config::PortalAction;
use crate::domain::invoice::{Invoice, InvoiceStatus};
use crate::domain::subscription::{Item, Subscription, SubscriptionStatus};
use crate::domain::tenant::{SuspensionCause, TenantStatus};
use crate::domain::{Result, wording};
use crate::portal::response::Status;
use crate::store::{InvoiceFilter, Order, Store, SubscriptionFilter};
use crate::view::objects;

/// So many open invoices are shown at most; the rest is behind a link.
const MOST_OPEN: usize = 12;

/// … and of so many running subscriptions what their next invoice comes to.
const MOST_FORESEEN: usize = 10;

/// The page.
pub fn page(desk: &Desk, store: &mut Store) -> Answer {
    let tenant = desk.tenant()?;
    let ctx = desk.visit.context("portal");
    let (act, today) = (ctx.act(), ctx.clock.today());
    let facts = store.read(|db| {
        let book = Book::new(db, &act, &ctx.config);
        let mut open = Vec::new();
        let status = Some(InvoiceStatus::Open);
        let filter = InvoiceFilter { status, tenant: Some(tenant.id), ..InvoiceFilter::default() };
        db.each_invoice(&filter, |invoice| {
            open.push(invoice);
            Ok(())
        })?;
        open.sort_by_key(|invoice| (invoice.due_on, invoice.id.0));
        let mut subscriptions = Vec::new();
        let filter = SubscriptionFilter { tenant: Some(tenant.id), order: Order::NewestFirst };
        db.each_subscription(&filter, |subscription| {
            subscriptions.push(subscription);
            Ok(true)
        })?;
        // What runs comes first; what ended long ago is of the past.
        subscriptions.sort_by_key(|one| one.status == SubscriptionStatus::Canceled);
        let rows = subscriptions.iter().enumerate();
        let rows = rows.map(|(nth, one)| row(desk, &book, one, today, nth < MOST_FORESEEN));
        let cause = tenant.suspension.as_ref().map(|suspension| suspension.cause);
        Ok(json!({
            "tenant": objects::tenant(tenant, &db.balance_due(tenant.id)?),
            "credit": objects::totals(&db.credit_balance(tenant.id)?),
            "late": open.iter().any(|invoice| invoice.days_overdue(today) > 0),
            "more_open": open.len() > MOST_OPEN,
            "open": open.iter().take(MOST_OPEN).map(|i| invoice(desk, i, today)).collect::<Vec<_>>(),
            "ends_by_paying": cause == Some(SuspensionCause::Overdue)
                && ctx.config.dunning.reactivate_on_payment,
            "subscriptions": rows.collect::<Result<Vec<_>>>()?,
        }))
    })?;
    desk.page(Status::Ok, "portal/front.html", facts)
}

/// An invoice as pages show it: `payable` is one that can be paid here.
pub(super) fn invoice(desk: &Desk, invoice: &Invoice, today: NaiveDate) -> Value {
    let mut object = objects::invoice(invoice, today);
    let open = invoice.status == InvoiceStatus::Open && !invoice.due.is_zero();
    object["payable"] = json!(open && desk.may(PortalAction::Pay) && desk.takes_payments());
    object
}

/// A subscription as pages show it; `foreseen`: with its next invoice, and what it used so far.
pub(super) fn row(
    desk: &Desk,
    book: &Book,
    subscription: &Subscription,
    today: NaiveDate,
    foreseen: bool,
) -> Result<Value> {
    let overdue = book.db.has_overdue(subscription, today)?;
    let mut row = objects::subscription(subscription, subscription.status_on(today, overdue));
    let interval = subscription.terms.interval;
    row["every"] = json!(wording::interval(interval, desk.locale));
    let price = subscription.terms.amount()?;
    row["price_now"] = json!((!price.is_zero()).then(|| price.major()));
    row["shown_items"] = subscription
        .terms
        .items
        .iter()
        .map(|item| shown(book, subscription, item))
        .collect::<Result<Value>>()?;
    let running = foreseen && subscription.status != SubscriptionStatus::Canceled;
    // Of one that is not billed any more, no invoice follows.
    let next = if running { book.preview_invoice(subscription.id).ok() } else { None };
    row["next"] = json!(next.map(|next| json!({
        "total": next.invoice.total.major(),
        "currency": next.invoice.total.currency().code(),
        "issued_on": next.invoice.issued_on,
    })));
    let used =
        if running { book.used_in(subscription.id, AskedPeriod::Current, None).ok() } else { None };
    let meters = used.map(|used| used.meters).unwrap_or_default();
    row["usage"] = meters
        .iter()
        .map(|used| {
            json!({
                "name": used.meter.name,
                "quantity": used.quantity.normalize().to_string(),
            })
        })
        .collect();
    Ok(row)
}

fn shown(book: &Book, subscription: &Subscription, item: &Item) -> Result<Value> {
    let coming = subscription.coming_terms();
    let next = coming.items.same(item);
    let name = |plan: &str| book.db.plan(plan).map(|plan| plan.name);
    let pending = match next {
        Some(next) if next.plan == item.plan && next.quantity == item.quantity => None,
        Some(next) => Some(format!("{} × {}", next.quantity, name(&next.plan)?)),
        None => Some(format!("0 × {}", name(&item.plan)?)),
    };
    Ok(json!({
        "plan": item.plan,
        "name": name(&item.plan)?,
        "quantity": item.quantity,
        "price": item.price.major(),
        "currency": item.price.currency.code(),
        "pending": pending,
    }))
}

/// Whether it is active, for what only then can be done.
pub(super) fn is_active(status: TenantStatus) -> bool {
    status == TenantStatus::Active
}
