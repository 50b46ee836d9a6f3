//! A plan's price that takes the place of another: for whoever comes, and for those who have the other.

use chrono::NaiveDate;
use serde_json::json;

use super::Book;
use crate::domain::event::{About, Flat, PlanEvent, PriceFacts};
use crate::domain::plan::{NewPrice, Plan};
use crate::domain::price::{Price, PriceTerms};
use crate::domain::recurrence;
use crate::domain::refusal::Why;
use crate::domain::subscription::{Subscription, SubscriptionStatus};
use crate::domain::template::Template;
use crate::domain::{Money, PriceId, Refusal, Result, SubscriptionId, calendar};
use crate::store::NewEmail;

/// What becomes of those who have the old price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Keep,
    /// Each goes to the new one with its first period that starts on or after that day; `None`: with the
    /// next.
    MoveFrom(Option<NaiveDate>),
}

/// A price that took the place of another.
#[derive(Debug, Clone)]
pub struct Repriced {
    pub new: PriceId,
    /// From which day on; `None` where those who have the old one keep it.
    pub from_on: Option<NaiveDate>,
    /// Who goes to it, and is told so.
    pub moves: Vec<Move>,
}

/// A subscription that goes to another price.
#[derive(Debug, Clone)]
pub struct Move {
    pub subscription: SubscriptionId,
    pub tenant: String,
    pub quantity: i64,
    /// Where the first period at the new price starts.
    pub from_on: NaiveDate,
    /// What a whole interval comes to, before and after.
    pub old: Money,
    pub new: Money,
}

impl Book<'_> {
    /// Archives a price, gives its plan the other one in its place, and lets the subscriptions that have
    /// the old one go to it; each of their customers is told.
    ///
    /// # Errors
    /// The day lies before today, nothing would change, or an amount is too large.
    pub fn reprice(
        &self,
        plan: &Plan,
        old: &Price,
        terms: PriceTerms,
        existing: Existing,
    ) -> Result<Repriced> {
        let today = self.act.today;
        let from_on = match existing {
            Existing::Keep => None,
            Existing::MoveFrom(None) => Some(calendar::plus_days(today, 1)),
            Existing::MoveFrom(Some(on)) if on < today => {
                let field = "today";
                return Err(Refusal::bad("from", &on.to_string(), Why::Before { field }));
            }
            Existing::MoveFrom(on) => on,
        };
        if old.terms == terms {
            let (plan, currency) = (plan.code.clone(), old.currency);
            return Err(Refusal::SamePrice { plan, currency });
        }
        self.db.archive_price(self.act, old.id)?;
        let archived = Flat(PriceFacts::of(&plan.code, None, &old.terms, old.currency));
        let reason = from_on.map(|on| format!("another price takes its place from {on} on"));
        let event = PlanEvent::PriceArchived { price: archived };
        self.record(About::NOBODY, event, reason.as_deref())?;
        let new = NewPrice { meter: None, currency: old.currency, terms };
        let id = self.db.insert_price(self.act, plan.id, &plan.code, &new)?;
        let added = Flat(PriceFacts::of(&plan.code, None, &new.terms, old.currency));
        self.record(About::NOBODY, PlanEvent::PriceAdded { price: added }, None)?;
        let mut moves = Vec::new();
        if let Some(from_on) = from_on {
            self.db.move_price(self.act, plan.id, (old.id, id), from_on)?;
            for subscription in self.db.subscriptions_that_move(id)? {
                let subscription = self.db.subscription(subscription)?;
                if let Some(to) = self.how_it_moves(&subscription, (old, id), from_on)? {
                    self.tell_price(plan, &subscription, id, &to)?;
                    moves.push(to);
                }
            }
        }
        Ok(Repriced { new: id, from_on, moves })
    }

    /// How a subscription goes to a price; `None` where it does not, because it ends before, or goes to
    /// another plan.
    fn how_it_moves(
        &self,
        subscription: &Subscription,
        (old, new): (&Price, PriceId),
        from_on: NaiveDate,
    ) -> Result<Option<Move>> {
        let today = self.act.today;
        // One price takes the place of another in their order, whichever was said to come first.
        let items = subscription.terms.items.iter().chain(subscription.coming_terms().items.iter());
        let until = items.filter_map(|item| {
            let last = item.moves.iter().position(|to| to.price.id == new)?;
            item.moves[..=last].iter().map(|to| to.from_on).max()
        });
        let from_on = until.max().unwrap_or(from_on);
        let found = match (subscription.status, subscription.trial_ends_on) {
            (SubscriptionStatus::Trialing, Some(last_day)) => {
                let paid = self.as_converted(subscription, last_day)?;
                let start = paid.next_billing_on.unwrap_or(today);
                recurrence::first_bill_from(&paid, start, from_on)
            }
            // When it comes back is not known: with its first period then.
            (SubscriptionStatus::Suspended, _) => {
                recurrence::first_bill_from(subscription, from_on.max(today), from_on)
            }
            _ => {
                let start = subscription.next_billing_on.unwrap_or(today);
                recurrence::first_bill_from(subscription, start, from_on)
            }
        };
        let Some((before, bill)) = found else { return Ok(None) };
        let Some(item) = bill.terms.items.iter().find(|item| item.price.id == new) else {
            return Ok(None);
        };
        let same_plan = before.items.iter().find(|had| had.plan_id == item.plan_id);
        let price = same_plan.map_or(old, |had| &had.price);
        Ok(Some(Move {
            subscription: subscription.id,
            tenant: subscription.tenant.clone(),
            quantity: item.quantity,
            from_on: bill.period.start,
            old: price.amount(item.quantity)?,
            new: item.amount()?,
        }))
    }

    /// Queues the e-mail that tells of it.
    fn tell_price(
        &self,
        plan: &Plan,
        subscription: &Subscription,
        price: PriceId,
        to: &Move,
    ) -> Result<()> {
        let facts = json!({
            "subscription": subscription.id.0, "plan": plan.id.0, "quantity": to.quantity,
            "from_on": to.from_on, "currency": to.new.currency().code(),
            "old_minor": to.old.minor(), "new_minor": to.new.minor(),
        });
        let key = format!("price_change/{}/{}", price.0, subscription.id.0);
        self.db.queue_email(
            self.act,
            &NewEmail {
                tenant: subscription.tenant_id,
                invoice: None,
                template: Template::PriceChange,
                domain: &self.config.mail_domain(),
                dedup_key: &key,
                facts: &facts.to_string(),
                run: None,
            },
        )?;
        Ok(())
    }
}
