//! `import subscriptions`: those that began elsewhere, with the periods that were billed there.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::table::Row;
use super::{Bad, Import, RowOutcome};
use crate::domain::event::{By, Changes, Standing, SubscriptionEvent};
use crate::domain::money::BadAmount;
use crate::domain::period::{Anchor, Period};
use crate::domain::plan::Plan;
use crate::domain::refusal::Why;
use crate::domain::subscription::{Collection, MOST_QUANTITY, Subscription, SubscriptionStatus};
use crate::domain::takeover::{self, Stated, Takeover};
use crate::domain::tenant::{SuspensionCause, Tenant, TenantStatus};
use crate::domain::{Refusal, SubscriptionId, items, plan, tenant};
use crate::store::subscriptions::{Begins, NewItem};
use crate::store::{Db, NewSubscription};

pub const REQUIRED: &[&str] = &["tenant", "plan", "started_on"];
pub const OPTIONAL: &[&str] = &[
    "status",
    "current_period_start",
    "current_period_end",
    "trial_ends_on",
    "anchor",
    "quantity",
    "collection",
    "items",
];

/// A row, checked.
struct Read {
    tenant: Tenant,
    /// The subscription that the row names, where there is one.
    there: Option<Subscription>,
    stated: Stated,
    items: Vec<NewItem>,
    collection: Collection,
    /// What the row says in each optional column, `null` where it says nothing. It is kept, so that
    /// the same row is known again whatever has become of the subscription.
    said: Value,
}

/// The subscriptions that rows of this file named. Equal rows are so many subscriptions: the second
/// of two is matched with the second of two equal ones that were there. Holds only what was matched.
pub struct Named {
    /// The newest subscription before this import.
    before: SubscriptionId,
    ids: HashSet<SubscriptionId>,
}

impl Named {
    pub fn new(db: &Db) -> crate::domain::Result<Self> {
        Ok(Named { before: db.newest_subscription()?, ids: HashSet::new() })
    }
}

impl Import<'_> {
    pub(super) fn subscription(&self, named: &mut Named, row: &Row) -> Result<RowOutcome, Bad> {
        let read = self.read_subscription(named, row)?;
        let Some(there) = &read.there else {
            self.write_subscription(&read, None)?;
            return Ok(RowOutcome::Created);
        };
        named.ids.insert(there.id);
        let cannot = |what| row.bad("started_on", Why::CannotChange { what });
        let Some(imported) = &there.imported else {
            return Err(cannot("that subscription was begun here, and no import rewrites it"));
        };
        let before: Value = serde_json::from_str(imported).unwrap_or_default();
        let differs: Vec<_> =
            OPTIONAL.iter().copied().filter(|field| before[*field] != read.said[*field]).collect();
        if differs.is_empty() {
            return Ok(RowOutcome::Skipped);
        }
        if !self.options.update {
            return Err(row.bad("started_on", Why::Differs { fields: differs.join(", ") }));
        }
        if let Some(why) = closed(&read.tenant, read.stated.status) {
            return Err(row.bad("tenant", why));
        }
        if !self.db.invoices_of_subscription(there)?.is_empty() {
            return Err(cannot("periods of that subscription were billed here already"));
        }
        if was_changed_here(there, &before) {
            return Err(cannot(
                "that subscription was suspended, canceled or changed here since its import",
            ));
        }
        // Its rules were asked about what the subscription is, and its use waits for an invoice.
        if there.coupon.is_some() {
            return Err(cannot("a coupon was applied to that subscription here"));
        }
        let changes = differs.iter().map(|field| {
            let (before, after) = (&before[*field], &read.said[*field]);
            (*field, before.to_string(), after.to_string())
        });
        self.write_subscription(&read, Some((there.id, Changes::of_import(changes))))?;
        Ok(RowOutcome::Updated)
    }

    fn read_subscription(&self, named: &Named, row: &Row) -> Result<Read, Bad> {
        let tenant = self.known_tenant_of(row)?;
        let plan = self.known_plan_of(row, tenant.as_ref())?;
        let started_on = row.need_date("started_on");
        let candidates = self.not_named_yet(named, tenant.as_ref(), plan.as_ref(), started_on)?;
        let words = "trialing, active, suspended, canceled";
        let status = row.word("status", words).map(|status| match status {
            // It follows from the invoices, here as elsewhere.
            SubscriptionStatus::PastDue => SubscriptionStatus::Active,
            status => status,
        });
        let trial_ends_on = row.date("trial_ends_on");
        check_status(row, status, words);
        let anchor: Option<Anchor> = row.word("anchor", "calendar, anniversary");
        let quantity = row.count("quantity", 1, MOST_QUANTITY);
        let collection: Option<Collection> = row.word("collection", "automatic, invoice");
        let period = read_period(row, status, started_on);
        let others = self.read_others(row, tenant.as_ref(), plan.as_ref(), quantity)?;
        let mut said = json!({
            "status": status.map(SubscriptionStatus::word),
            "current_period_start": period.map(|period| period.start),
            "current_period_end": period.map(|period| period.end),
            "trial_ends_on": trial_ends_on,
            "anchor": anchor.map(Anchor::word),
            "quantity": quantity,
            "collection": collection.map(Collection::word),
        });
        // Rows of before there was the column say the same without it.
        if let Some(items) = row.get("items") {
            said["items"] = items.into();
        }
        let there = the_one(candidates, &said);
        // A row that was taken before its tenant was closed is known again.
        let new_for = tenant.as_ref().filter(|_| there.is_none());
        if let Some(why) = new_for.and_then(|tenant| closed(tenant, status)) {
            row.note("tenant", why);
        }
        check_after(row, "trial_ends_on", trial_ends_on, started_on);
        let terms =
            plan.as_ref().map(|plan| items::taken_over((plan, quantity.unwrap_or(1)), &others));
        let items = match terms {
            Some(Ok(terms)) => terms.items.iter().map(NewItem::of).collect(),
            Some(Err(Refusal::MoneyFault(_))) => {
                row.note("quantity", Why::Amount(BadAmount::TooLarge));
                Vec::new()
            }
            Some(Err(_)) => {
                row.note("items", Why::ItemsApart);
                Vec::new()
            }
            None => Vec::new(),
        };
        row.checked((|| {
            let (tenant, plan, started_on) = (tenant?, plan?, started_on?);
            let (anchor, interval) = (anchor.unwrap_or(Anchor::Calendar), plan.interval);
            let stated = Stated { status, started_on, period, trial_ends_on, anchor, interval };
            let collection = collection.unwrap_or(self.config.payments.collection);
            Some(Read { tenant, there, stated, items, collection, said })
        })())
    }

    fn known_tenant_of(&self, row: &Row) -> Result<Option<Tenant>, Bad> {
        let Some(slug) = row.need("tenant", |v| tenant::named("tenant", v)) else {
            return Ok(None);
        };
        let tenant = self.db.find_tenant(&slug)?;
        if tenant.is_none() {
            row.note("tenant", Why::UnknownTenant);
        }
        Ok(tenant)
    }

    /// The items of a row but for the first, which is its plan: `pro:1;seats:5`.
    fn read_others(
        &self,
        row: &Row,
        tenant: Option<&Tenant>,
        plan: Option<&Plan>,
        quantity: Option<i64>,
    ) -> Result<Vec<(Plan, i64)>, Bad> {
        let mut items = Vec::new();
        for part in row.get("items").into_iter().flat_map(|items| items.split(';')) {
            let (code, count) = part.trim().split_once(':').unwrap_or((part.trim(), "1"));
            let found = match tenant {
                Some(tenant) => self.db.find_plan_in(code, tenant.currency)?,
                None => self.db.find_plan(code)?,
            };
            let (least, most) = (1, MOST_QUANTITY);
            match (found, count.parse().ok().filter(|n| (least..=most).contains(n))) {
                (None, _) => row.note_part("items", code, Why::UnknownPlan),
                (Some(_), None) => row.note_part("items", count, Why::NotACount { least, most }),
                (Some(plan), Some(count)) => items.push((plan, count)),
            }
        }
        let first = items.first().zip(plan);
        if first
            .is_some_and(|(first, plan)| first.0.id != plan.id || first.1 != quantity.unwrap_or(1))
        {
            row.note("items", Why::FirstItem);
        }
        Ok(items.into_iter().skip(1).collect())
    }

    /// Archived plans too: they keep their subscribers.
    fn known_plan_of(&self, row: &Row, tenant: Option<&Tenant>) -> Result<Option<Plan>, Bad> {
        let Some(code) = row.need("plan", plan::code) else { return Ok(None) };
        let plan = match tenant {
            Some(tenant) => self.db.find_plan_in(&code, tenant.currency)?,
            None => self.db.find_plan(&code)?,
        };
        if plan.is_none() {
            row.note("plan", Why::UnknownPlan);
        }
        Ok(plan)
    }

    fn not_named_yet(
        &self,
        named: &Named,
        tenant: Option<&Tenant>,
        plan: Option<&Plan>,
        started_on: Option<NaiveDate>,
    ) -> Result<Vec<Subscription>, Bad> {
        let (Some(tenant), Some(plan), Some(on)) = (tenant, plan, started_on) else {
            return Ok(Vec::new());
        };
        let mut found = self.db.find_subscriptions(tenant.id, plan.id, on)?;
        let named_yet = |id| id > named.before || named.ids.contains(&id);
        found.retain(|subscription| !named_yet(subscription.id));
        Ok(found)
    }

    /// Writes what the row comes to today: as a new subscription, or over one that was imported.
    fn write_subscription(
        &self,
        read: &Read,
        over: Option<(SubscriptionId, Changes)>,
    ) -> Result<(), Bad> {
        let (db, act) = (self.db, self.act);
        let held = read.tenant.suspension.as_ref().map(|suspension| suspension.cause);
        let taken = takeover::take_over(&read.stated, held, act.today);
        // A trial is suspended once it is written, so that it comes back to its trial.
        let trialing = taken.status == SubscriptionStatus::Trialing;
        let (suspended_trial, suspension) = match trialing {
            true => (taken.suspended, None),
            false => (None, taken.suspended),
        };
        let imported = read.said.to_string();
        let new = NewSubscription {
            imported: Some(&imported),
            ..new_subscription(read, &taken, suspension)
        };
        let id = match &over {
            None => db.insert_subscription(act, &new)?,
            Some((id, _)) => {
                db.correct_imported_subscription(act, *id, &new)?;
                *id
            }
        };
        if let Some(cause) = suspended_trial {
            db.suspend_subscription(act, id, cause)?;
        }
        if let Some(on) = taken.begins_on() {
            db.begin_billing(id, on, Begins::Imported)?;
        }
        let written = db.subscription(id)?;
        let standing = Standing::of(&written);
        let event = match over {
            None => SubscriptionEvent::Created { standing, imported: By::Import.into() },
            Some((_, changes)) => {
                SubscriptionEvent::Corrected { standing, imported: true, changes }
            }
        };
        Ok(db.record(act, written.tenant_id, event, None)?)
    }
}

/// The subscription that a row means: the one whose row said the same, else the first.
fn the_one(mut candidates: Vec<Subscription>, said: &Value) -> Option<Subscription> {
    let says_so = |subscription: &Subscription| {
        let imported = subscription.imported.as_deref();
        imported.and_then(|text| serde_json::from_str::<Value>(text).ok()).as_ref() == Some(said)
    };
    let at = candidates.iter().position(says_so).unwrap_or(0);
    (at < candidates.len()).then(|| candidates.swap_remove(at))
}

fn new_subscription<'a>(
    read: &'a Read,
    taken: &Takeover,
    suspension: Option<SuspensionCause>,
) -> NewSubscription<'a> {
    NewSubscription {
        tenant: read.tenant.id,
        items: &read.items,
        status: suspension.map_or(taken.status, |_| SubscriptionStatus::Suspended),
        anchor: read.stated.anchor,
        cycle: taken.cycle,
        started_on: read.stated.started_on,
        period: taken.period,
        next_billing_on: taken.next_billing_on,
        trial_ends_on: read.stated.trial_ends_on,
        collection: read.collection,
        ends_on: taken.ends_on,
        suspension,
        billed_elsewhere_until: taken.billed_elsewhere_until,
        imported: None,
    }
}

/// Why a tenant that is closed takes no subscription of that status: none runs there.
fn closed(tenant: &Tenant, status: Option<SubscriptionStatus>) -> Option<Why> {
    let runs = status != Some(SubscriptionStatus::Canceled);
    let field = "a status other than canceled, since it is closed";
    (runs && tenant.status == TenantStatus::Closed).then_some(Why::NotAllowedWith { field })
}

fn check_status(row: &Row, status: Option<SubscriptionStatus>, words: &str) {
    // Nothing says until when, and one that was taken as active would be billed.
    if status == Some(SubscriptionStatus::Paused) {
        row.note("status", Why::NotOneOf { words: words.to_owned() });
    }
    if status == Some(SubscriptionStatus::Trialing) && row.get("trial_ends_on").is_none() {
        row.note("trial_ends_on", Why::NeededWith { field: "status trialing" });
    }
}

/// The period that was billed last: both days or neither, and not before the start, or what comes
/// next would be billed before it too.
fn read_period(
    row: &Row,
    status: Option<SubscriptionStatus>,
    started_on: Option<NaiveDate>,
) -> Option<Period> {
    let (start, end) = (row.date("current_period_start"), row.date("current_period_end"));
    let given = |column| row.get(column).is_some();
    match (given("current_period_start"), given("current_period_end")) {
        (true, false) => {
            row.note("current_period_end", Why::NeededWith { field: "current_period_start" });
        }
        (false, true) => {
            row.note("current_period_start", Why::NeededWith { field: "current_period_end" });
        }
        _ => {}
    }
    // Of a trial it is not looked at.
    if status != Some(SubscriptionStatus::Trialing) {
        check_after(row, "current_period_start", start, started_on);
    }
    let period = start.zip(end).map(|(start, end)| Period { start, end })?;
    if period.end <= period.start {
        row.note("current_period_end", Why::Before { field: "the day after current_period_start" });
    }
    Some(period)
}

fn check_after(
    row: &Row,
    column: &'static str,
    day: Option<NaiveDate>,
    started_on: Option<NaiveDate>,
) {
    if day.zip(started_on).is_some_and(|(day, started_on)| day < started_on) {
        row.note(column, Why::Before { field: "started_on" });
    }
}

/// Whether someone changed a subscription since the row that says `before` was imported: that is
/// newer than any file.
fn was_changed_here(there: &Subscription, before: &Value) -> bool {
    let canceled = before["status"] == SubscriptionStatus::Canceled.word();
    // One that was imported as suspended has been so since then, and waits for no period.
    let suspended = |since: &str| since != there.created_at || there.next_billing_on.is_some();
    (there.ends_on.is_some() && !canceled)
        || there.suspension.as_ref().is_some_and(|suspension| suspended(&suspension.at))
        || there.pending.is_some()
}
