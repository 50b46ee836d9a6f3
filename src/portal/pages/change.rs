//! A change of plan or seats: its price first, then the click.

use serde_json::{Value, json};

use super::trouble::Trouble;
use super::{Answer, Desk, done, missing, subscription};
use crate::books::Book;
use crate::commands::asked::Noun;
use crate::config::PortalAction;
use crate::domain::items::{Change, Edit};
use crate::domain::subscription::{MOST_QUANTITY, Subscription};
use crate::domain::{Refusal, Result, wording};
use crate::failure::Failure;
use crate::portal::request::Fields;
use crate::portal::response::Status;
use crate::store::{Db, Store};

/// What a customer wants, as its form says.
struct Wanted {
    item: String,
    plan: String,
    quantity: i64,
    now: bool,
}

impl Wanted {
    fn read(fields: &Fields) -> std::result::Result<Wanted, Trouble> {
        let word = |name: &str| fields.filled(name).map(str::to_owned);
        let quantity = fields.filled("quantity").and_then(|n| n.parse::<i64>().ok());
        let quantity = quantity.filter(|n| (1..=MOST_QUANTITY).contains(n));
        let (Some(item), Some(plan), Some(quantity)) = (word("item"), word("plan"), quantity)
        else {
            return Err(Trouble::Status(Status::BadRequest));
        };
        Ok(Wanted { item, plan, quantity, now: fields.get("when") == Some("now") })
    }

    /// The command that does it.
    fn words(&self, id: &str) -> Vec<String> {
        let mut words = vec![
            "change".to_owned(),
            format!("--item={}", self.item),
            format!("--plan={}", self.plan),
            format!("--quantity={}", self.quantity),
        ];
        if self.now {
            words.push("--now".to_owned());
        }
        words.push(id.to_owned());
        words
    }

    fn edit(&self, db: &Db, of: &Subscription) -> Result<Edit> {
        let change = Change {
            item: Some(self.item.clone()),
            plan: Some(db.plan_in(&self.plan, of.terms.currency())?),
            quantity: Some(self.quantity),
        };
        Ok(Edit::Change(vec![change]))
    }
}

/// The subscription, if its customer may change it to that plan.
fn checked(
    desk: &Desk,
    store: &mut Store,
    id: &str,
    wanted: &Wanted,
) -> std::result::Result<Subscription, Trouble> {
    desk.require(PortalAction::Change)?;
    let (found, offered) = store.read(|db| {
        let found = subscription::own(desk, db, id)?;
        let offered = found.as_ref().map(|of| subscription::offered(desk, db, of)).transpose()?;
        Ok((found, offered.unwrap_or_default()))
    })?;
    let found = found.ok_or_else(|| missing("subscription", id))?;
    match offered.iter().any(|plan| plan["code"] == wanted.plan.as_str()) {
        true => Ok(found),
        false => Err(Trouble::from(missing("plan", &wanted.plan))),
    }
}

/// What it comes to, before anything changes.
pub fn preview(desk: &Desk, store: &mut Store, id: &str) -> Answer {
    show(desk, store, id, &desk.visit.request.query, Status::Ok)
}

fn show(desk: &Desk, store: &mut Store, id: &str, fields: &Fields, status: Status) -> Answer {
    let wanted = Wanted::read(fields)?;
    let found = checked(desk, store, id, &wanted)?;
    let back = format!("/subscription/{}", found.id);
    let change = what_it_comes_to(desk, &found, &wanted)
        .map_err(|why| Trouble::back_to(why, back.clone()))?;
    let item = found.terms.items.iter().find(|item| item.plan == wanted.item);
    let item = item.ok_or_else(|| missing("item", &wanted.item))?;
    let mut name = |plan: &str| store.read(|db| Ok(db.plan(plan)?.name));
    let mut facts = change;
    facts["from"] = json!(format!("{} × {}", item.quantity, name(&item.plan)?));
    facts["to"] = json!(format!("{} × {}", wanted.quantity, name(&wanted.plan)?));
    let fields = json!({
        "item": wanted.item, "plan": wanted.plan, "quantity": wanted.quantity.to_string(),
        "when": if wanted.now { "now" } else { "next" }, "amount": amount_of(&facts),
    });
    desk.page(
        status,
        "portal/change.html",
        json!({
            "row": { "id": found.id.to_string() }, "change": facts, "fields": fields,
        }),
    )
}

/// What is shown and must still be so at the click.
fn amount_of(change: &Value) -> String {
    let amount = match change["when"].as_str() {
        Some("now") => &change["total"],
        _ => match &change["next"]["total"] {
            Value::Null => &change["price"],
            total => total,
        },
    };
    amount.as_str().unwrap_or_default().to_owned()
}

/// As the command would say it with `--dry-run`: computed by what would write it, and taken back.
fn what_it_comes_to(
    desk: &Desk,
    found: &Subscription,
    wanted: &Wanted,
) -> std::result::Result<Value, Box<Failure>> {
    if wanted.now {
        let mut words = wanted.words(&found.id.to_string());
        words.insert(1, "--dry-run".to_owned());
        let printed = desk.ask(Noun::Subscription, &words)?.printed;
        let mut change: Value = serde_json::from_slice(&printed).unwrap_or_default();
        change["when"] = json!("now");
        let tax = change["tax"].as_str().unwrap_or_default();
        change["has_tax"] = json!(tax.bytes().any(|b| (b'1'..=b'9').contains(&b)));
        return Ok(change);
    }
    let boxed = |refusal: Refusal| Box::new(Failure::from(&refusal));
    let ctx = desk.visit.context("portal");
    let act = ctx.act();
    let mut store = ctx.counter().map_err(|error| Box::new(Failure::of(&error)))?;
    let next = store.rehearse(|db| {
        let book = Book::new(db, &act, &ctx.config);
        book.change_subscription(found, &wanted.edit(db, found)?)?;
        let changed = db.subscription(found.id)?;
        let price = changed.coming_terms().amount()?;
        // That nothing follows, as of a trial that will not go on by itself, is no reason against it.
        Ok((price, book.preview_invoice(found.id).ok()))
    });
    let (price, next) = next.map_err(boxed)?;
    let next = next.map(|next| {
        json!({
            "total": next.invoice.total.major(),
            "currency": next.invoice.total.currency().code(),
            "issued_on": next.invoice.issued_on,
        })
    });
    Ok(json!({
        "when": "next",
        "next": next,
        "price": price.major(),
        "currency": price.currency().code(),
        "every": wording::interval(found.terms.interval, desk.locale),
    }))
}

/// Changes it, if that comes to what was shown.
pub fn change(desk: &Desk, store: &mut Store, id: &str) -> Answer {
    let fields = desk.form("change")?;
    let wanted = Wanted::read(&fields)?;
    let found = checked(desk, store, id, &wanted)?;
    let back = format!("/subscription/{}", found.id);
    let refused = |why| Trouble::back_to(why, back.clone());
    let now = what_it_comes_to(desk, &found, &wanted).map_err(refused)?;
    if fields.get("amount") != Some(amount_of(&now).as_str()) {
        return show(desk, store, id, &fields, Status::Conflict);
    }
    let mut words = wanted.words(&found.id.to_string());
    if wanted.now {
        // Once more where nothing can come in between.
        words.insert(1, format!("--total={}", amount_of(&now)));
    }
    desk.ask(Noun::Subscription, &words).map_err(refused)?;
    Ok(done(desk, &back, "changed").and_deliver())
}
