//! A subscription's page: what it is, and what its customer may do with it.

use serde_json::{Value, json};

use super::trouble::Trouble;
use super::{Answer, Desk, done, front, missing};
use crate::books::Book;
use crate::commands::asked::Noun;
use crate::config::{Portal, PortalAction};
use crate::domain::plan::Plan;
use crate::domain::subscription::{Subscription, SubscriptionStatus};
use crate::domain::{Refusal, Result, SubscriptionId};
use crate::failure::{Failure, api};
use crate::portal::response::Status;
use crate::store::{Db, Guess, Store};

/// The page.
pub fn page(desk: &Desk, store: &mut Store, id: &str) -> Answer {
    let ctx = desk.visit.context("portal");
    let (act, today) = (ctx.act(), ctx.clock.today());
    let facts = store.read(|db| {
        let Some(subscription) = own(desk, db, id)? else { return Ok(None) };
        let book = Book::new(db, &act, &ctx.config);
        let row = front::row(desk, &book, &subscription, today, true)?;
        let offered = offered(desk, db, &subscription)?;
        Ok(Some(json!({ "row": row, "plans": offered, "may": may(desk, &subscription)? })))
    })?;
    desk.page(Status::Ok, "portal/subscription.html", facts.ok_or_else(Trouble::missing)?)
}

/// A subscription of this customer. Another one's is as if there were none.
pub(super) fn own(desk: &Desk, db: &Db, id: &str) -> Result<Option<Subscription>> {
    let Some(customer) = &desk.customer else { return Ok(None) };
    let Ok(id) = id.parse::<SubscriptionId>() else { return Ok(None) };
    let found = super::found(db.subscription(id))?;
    Ok(found.filter(|subscription| subscription.tenant_id == customer.tenant.id))
}

/// What can be done with it now.
fn may(desk: &Desk, subscription: &Subscription) -> Result<Value> {
    use SubscriptionStatus::{Active, Canceled, Trialing};
    let tenant = desk.customer.as_ref().map(|customer| customer.tenant.status);
    let active = tenant.is_some_and(front::is_active);
    let runs = matches!(subscription.status, Active | Trialing) && active;
    let ends = subscription.cancel_at_period_end;
    Ok(json!({
        "change": runs && !ends && desk.may(PortalAction::Change),
        // What runs can change from today; a trial bills nothing yet.
        "now": subscription.status == Active && subscription.period.is_some(),
        "coupon": runs && !ends && desk.may(PortalAction::Coupon),
        "cancel": subscription.status != Canceled && !ends && desk.may(PortalAction::Cancel),
        "resume": ends && subscription.status != Canceled && desk.may(PortalAction::Cancel),
    }))
}

/// The plans to which it can change, as the page shows them.
pub(super) fn offered(desk: &Desk, db: &Db, subscription: &Subscription) -> Result<Vec<Value>> {
    let plans = offered_by(Some(desk.portal), db, subscription)?.into_iter();
    let shown =
        |plan: Plan| json!({ "code": plan.code, "name": plan.name, "price": plan.price.major() });
    Ok(plans.map(shown).collect())
}

/// The plans to which a customer can change a subscription, on the page or by a program: of its interval,
/// with a price in its currency, that the portal offers (all, where there is none); and those that it has.
pub(in crate::portal) fn offered_by(
    portal: Option<&Portal>,
    db: &Db,
    subscription: &Subscription,
) -> Result<Vec<Plan>> {
    let terms = &subscription.terms;
    let has = |code: &str| terms.items.iter().any(|item| item.plan == code);
    let mut codes = Vec::new();
    db.each_plan(None, |plan| {
        let offers = portal.is_none_or(|portal| portal.offers(&plan.code));
        let fits = plan.interval == terms.interval && offers;
        if has(&plan.code) || (fits && plan.archived_at.is_none()) {
            codes.push(plan.code.clone());
        }
        Ok(())
    })?;
    let found = codes.iter().map(|code| db.find_plan_in(code, terms.currency()));
    found.filter_map(Result::transpose).collect()
}

/// Cancels it, takes that back, or uses a coupon for it.
pub fn act(desk: &Desk, store: &mut Store, id: &str, verb: &str) -> Answer {
    let fields = desk.form(verb)?;
    desk.require(if verb == "coupon" { PortalAction::Coupon } else { PortalAction::Cancel })?;
    let found = store.read(|db| own(desk, db, id))?;
    let id = found.ok_or_else(|| missing("subscription", id))?.id;
    let back = format!("/subscription/{id}");
    let refused = |why| Trouble::back_to(why, back.clone());
    let code = match verb {
        "cancel" => {
            let mut words = vec!["cancel".to_owned(), id.to_string()];
            if let Some(reason) = fields.filled("reason") {
                let reason: Vec<&str> = reason.split_whitespace().collect();
                words.push(format!("--reason={}", reason.join(" ")));
            }
            desk.ask(Noun::Subscription, &words).map_err(refused)?;
            "canceled"
        }
        "resume" => {
            let words = ["resume".to_owned(), id.to_string()];
            desk.ask(Noun::Subscription, &words).map_err(refused)?;
            "resumed"
        }
        _ => {
            let code = fields.filled("code").unwrap_or_default();
            use_coupon(desk, code, id).map_err(refused)?;
            "coupon"
        }
    };
    Ok(done(desk, &back, code))
}

/// Uses a coupon for a subscription. Who guesses codes is sent away after a while.
fn use_coupon(
    desk: &Desk,
    code: &str,
    id: SubscriptionId,
) -> std::result::Result<(), Box<Failure>> {
    let boxed = |refusal: Refusal| Box::new(Failure::from(&refusal));
    let Some(customer) = &desk.customer else { return Ok(()) };
    let tenant = customer.tenant.id;
    let ctx = desk.visit.context(&desk.actor());
    let writer = || ctx.writer().map_err(|error| Box::new(Failure::of(&error)));
    // Counted before it is looked up: however many are tried at once, no more are looked up than may be.
    let begun = writer()?.write(|db| db.begin_guess(tenant, desk.now)).map_err(boxed)?;
    let guess = match begun {
        Guess::Counted(guess) => guess,
        Guess::Wait { seconds } => return Err(Box::new(api::too_many_wrong_coupons(seconds))),
    };
    let words =
        ["apply".to_owned(), format!("--subscription={id}"), "--".to_owned(), code.to_owned()];
    let used = desk.ask(Noun::Coupon, &words);
    if !used.as_ref().is_err_and(|failure| coupon_is_unknown(&failure.details["reasons"])) {
        writer()?.write(|db| db.guess_was_right(guess)).map_err(boxed)?;
    }
    used.map(|_| ()).map_err(|mut failure| {
        // There is such a page; it is the code that there is not.
        if failure.code == "not_found" {
            failure.code = "coupon_not_found";
        }
        failure
    })
}

/// Whether the reasons why a coupon cannot be used say that there is none.
pub(in crate::portal) fn coupon_is_unknown(reasons: &Value) -> bool {
    reasons.as_array().into_iter().flatten().any(|reason| reason == "not_found")
}
