//! Customers of a demo who change their minds in the middle of a period, or use what is measured.

use crate::books::change::NewNow;
use crate::books::pause::Credit;
use crate::books::{Book, KnownUsage, TakenUsage};
use crate::domain::event::{About, Flat, MeterEvent, PlanEvent, PriceFacts};
use crate::domain::items::{Change, Edit};
use crate::domain::pending_item::NewPendingItem;
use crate::domain::plan::{NewPrice, Plan};
use crate::domain::price::{Model, PriceTerms, Tier, Tiers};
use crate::domain::subscription::{NewPause, Subscription, SubscriptionStatus};
use crate::domain::usage::{Aggregation, Incoming, NewMeter, Subscriber};
use crate::domain::{Currency, Money, Refusal, Result, SubscriptionId};
use crate::store::SubscriptionFilter;

/// What is measured of that.
const METER: &str = "sms";

/// What some have besides: code, name and price a month in XOF.
pub(super) const EXTRA: (&str, &str, i64) = ("support", "Assistance", 5_000);

/// Of the first who are billed in XOF for today: one has more of what it has, one another item, one is to be
/// billed for an hour's work with its next invoice, and one pauses from the end of what is billed.
pub(super) fn change_minds(book: &Book) -> Result<()> {
    let billed = billed_today(book)?;
    let extra = book.db.plan(EXTRA.0)?;
    meter(book, &extra)?;
    let monthly = |one: &&Subscription| one.terms.interval == extra.interval;
    if let Some(one) = billed.iter().find(monthly) {
        let more = Change { quantity: Some(3), ..Change::default() };
        change(book, one, Edit::Change(vec![more]))?;
    }
    if let Some(one) = billed.iter().filter(monthly).nth(1) {
        change(book, one, Edit::Add { plan: Box::new(extra.clone()), quantity: 2 })?;
        send_texts(book, one.id)?;
    }
    if let Some(one) = billed.iter().filter(monthly).nth(2) {
        let amount = Money::from_minor(20_000, Currency::XOF);
        book.add_pending_item(&NewPendingItem {
            tenant: one.tenant_id,
            subscription: Some(one.id),
            description: "Formation".to_owned(),
            quantity: 1.into(),
            unit_price: Some(amount.exact()),
            amount,
            basis: one.terms.basis(),
            discountable: false,
            period: None,
            of_change: None,
        })?;
    }
    if let Some(one) = billed.iter().filter(monthly).nth(3) {
        let reason = Some("travaux".to_owned());
        let asked = NewPause { from: Some(book.act.today), until: None, reason };
        book.pause_subscription(one, asked, Credit::Nothing)?;
    }
    Ok(())
}

fn billed_today(book: &Book) -> Result<Vec<Subscription>> {
    let mut found = Vec::new();
    book.db.each_subscription(&SubscriptionFilter::default(), |one| {
        let active = one.status == SubscriptionStatus::Active && !one.cancel_at_period_end;
        let is_billed = one.next_billing_on.is_some_and(|next| next > book.act.today);
        if active && is_billed && one.terms.currency() == Currency::XOF {
            found.push(one);
        }
        Ok(true)
    })?;
    Ok(found)
}

fn change(book: &Book, one: &Subscription, edit: Edit) -> Result<()> {
    book.change_now(one, &NewNow { edit, anchor: None, bill: None }).map(drop)
}

/// What is measured of it: the first 100 are free, the next 900 cost 25 each, and all above them 15.
fn meter(book: &Book, plan: &Plan) -> Result<()> {
    let new = NewMeter::check(METER, "SMS", Aggregation::Sum, None)?;
    let meter = book.db.insert_meter(book.act, &new)?;
    let event = MeterEvent::Created { meter: METER, aggregation: new.aggregation, unit: None };
    book.record(About::NOBODY, event, None)?;
    let tier = |up_to, unit: i64| Tier { up_to, unit: unit.into(), flat: 0.into() };
    let tiers = Tiers::of(vec![tier(Some(900), 25), tier(None, 15)])?;
    let terms = PriceTerms { included: 100, ..PriceTerms::plain(Model::Graduated { tiers }) };
    let meter = Some((meter, METER.to_owned()));
    let new = NewPrice { meter, currency: Currency::XOF, terms };
    book.db.insert_price(book.act, plan.id, &plan.code, &new)?;
    let price = Flat(PriceFacts::of(&plan.code, Some(METER), &new.terms, new.currency));
    book.record(About::NOBODY, PlanEvent::PriceAdded { price }, None)
}

/// What it has used since yesterday: 1,200 messages in four events.
fn send_texts(book: &Book, id: SubscriptionId) -> Result<()> {
    let event = |nth: u64| Incoming {
        line: nth,
        id: format!("sms-{nth}").into(),
        meter: METER.into(),
        of: Subscriber::Subscription(id),
        at_us: book.act.now.timestamp_micros(),
        value: "300".into(),
        properties: None,
    };
    let events: Vec<_> = (1..=4).map(event).collect();
    let mut taken = TakenUsage::default();
    book.take_usage(&mut KnownUsage::default(), &events, &mut taken)?;
    match taken.rejected.pop() {
        Some((_, reject)) => Err(Refusal::Usage(reject)),
        None => Ok(()),
    }
}
