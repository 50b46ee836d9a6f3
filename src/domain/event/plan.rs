//! What happens to plans.

use super::changes::Changes;
use super::data::{By, Extra, group, kinds};
use crate::domain::plan::{NewPlan, Plan};
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
        /// An import changed the name or the trial of a plan; nothing else of one ever changes.
        Edited = "plan_edited" {
            /// Its code.
            plan: &'a str,
            /// True: nothing but an import edits a plan.
            imported: bool,
            /// What changed.
            changes: Changes,
        },
        /// A plan was taken off the offer; its subscribers stay on it.
        Archived = "plan_archived" {
            /// Its code.
            plan: &'a str,
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
