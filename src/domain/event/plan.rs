//! What happens to plans.

use super::changes::Changes;
use super::data::{By, Extra, Flat, Object, group, kinds};
use super::values::{Value, quote};
use crate::domain::money::major;
use crate::domain::plan::{NewPlan, Plan};
use crate::domain::price::{ModelWord, PriceTerms, Tiers};
use crate::domain::{Currency, Money};

kinds! {
    /// What happens to a plan.
    PlanEvent<'a> {
        /// A plan was added.
        Created = "plan_created" {
            /// Its code.
            plan: &'a str,
            /// Of one for a whole interval.
            price: Money,
            /// What the price is in.
            currency: Currency,
            /// It was imported.
            imported: Extra<bool>,
        },
        /// The name or the trial of a plan was changed; nothing else of one ever changes.
        Edited = "plan_edited" {
            /// Its code.
            plan: &'a str,
            /// An import changed it.
            imported: bool,
            /// What changed.
            changes: Changes,
        },
        /// A plan was taken off the offer; its subscribers stay on it.
        Archived = "plan_archived" {
            /// Its code.
            plan: &'a str,
        },
        /// A plan got a price: in a currency more, or in the place of one that was archived.
        PriceAdded = "plan_price_added" {
            /// What it is.
            price: Flat<PriceFacts<'a>>,
        },
        /// A price was taken off the offer; the subscriptions that have it keep it.
        PriceArchived = "plan_price_archived" {
            /// What it is.
            price: Flat<PriceFacts<'a>>,
        },
    }
}

impl<'a> PlanEvent<'a> {
    /// A plan was added.
    pub fn created(new: &'a NewPlan, by: By) -> PlanEvent<'a> {
        let (price, currency) = (new.price, new.currency());
        PlanEvent::Created { plan: &new.code, price, currency, imported: by.into() }
    }
}

group! {
    /// What can be changed of a plan.
    PlanFacts<'a> {
        /// What invoices call it.
        name: &'a str,
        /// Free days at the start of a subscription.
        trial_days: i64,
    }
}

impl<'a> PlanFacts<'a> {
    /// Those of a plan as it stands.
    pub fn of(plan: &'a Plan) -> PlanFacts<'a> {
        PlanFacts { name: &plan.name, trial_days: plan.trial_days }
    }
}

group! {
    /// A price of a plan, for a whole interval.
    PriceFacts<'a> {
        /// The plan's code.
        plan: &'a str,
        /// The code of the meter that it is for; null: of the plan itself.
        meter: Option<&'a str>,
        /// By which model it is charged.
        model: ModelWord,
        /// What a unit costs, a package, or (flat) all of it; null where there are tiers or a percentage.
        unit_amount: Option<String>,
        /// How many hundredths of a value it takes.
        percent: Option<String>,
        /// The tiers, which rise; the last has no bound.
        tiers: Option<TiersFacts<'a>>,
        /// How many units a package has.
        package_size: Option<i64>,
        /// So many units are free.
        included: i64,
        /// What a period comes to at least.
        minimum: Option<Money>,
        /// What the price is in.
        currency: Currency,
    }
}

impl<'a> PriceFacts<'a> {
    /// Those of a price in that currency of the plan with that code, for that meter or none.
    pub fn of(
        plan: &'a str,
        meter: Option<&'a str>,
        terms: &'a PriceTerms,
        currency: Currency,
    ) -> PriceFacts<'a> {
        PriceFacts {
            plan,
            meter,
            model: terms.model.word(),
            unit_amount: terms.model.unit_amount().map(|amount| major(amount, currency)),
            percent: terms.model.percent().map(|percent| percent.normalize().to_string()),
            tiers: terms.model.tiers().map(|tiers| TiersFacts { tiers, currency }),
            package_size: terms.model.package_size(),
            included: terms.included,
            minimum: terms.minimum,
            currency,
        }
    }
}

/// The tiers of a price.
#[derive(Debug, Clone)]
pub struct TiersFacts<'a> {
    tiers: &'a Tiers,
    currency: Currency,
}

impl Value for TiersFacts<'_> {
    fn is() -> String {
        "list of object of `up_to` (number, or null), `unit`, `flat`".to_owned()
    }

    fn write(&self, json: &mut String) {
        json.push('[');
        for (at, tier) in self.tiers.iter().enumerate() {
            if at > 0 {
                json.push(',');
            }
            let mut object = Object::new();
            tier.up_to.write(object.field("up_to"));
            quote(&major(tier.unit, self.currency), object.field("unit"));
            quote(&major(tier.flat, self.currency), object.field("flat"));
            json.push_str(&object.end());
        }
        json.push(']');
    }
}
