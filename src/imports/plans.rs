//! `import plans`.

use super::table::Row;
use super::{Bad, Import, RowOutcome};
use crate::domain::event::{About, By, Changed, Changes, PlanEvent, PlanFacts};
use crate::domain::plan::{self, Interval, IntervalUnit, MOST_TRIAL_DAYS, NewPlan, Plan};
use crate::domain::price::{Model, PriceTerms};
use crate::domain::refusal::Why;
use crate::domain::tax::TaxBasis;

pub const REQUIRED: &[&str] = &["code", "name", "price", "interval"];
pub const OPTIONAL: &[&str] = &["currency", "interval_count", "trial_days", "tax_inclusive"];

/// What is sold under a code: whoever subscribed to it agreed to these.
const TERMS: &[&str] = &["price", "currency", "interval", "interval_count", "tax_inclusive"];

impl Import<'_> {
    pub(super) fn plan(&self, row: &Row) -> Result<RowOutcome, Bad> {
        let new = self.read_plan(row)?;
        let Some(there) = self.db.find_plan_in(&new.code, new.currency())? else {
            self.db.insert_plan(self.act, &new)?;
            let event = PlanEvent::created(&new, By::Import);
            self.db.record(self.act, About::NOBODY, event, None)?;
            return Ok(RowOutcome::Created);
        };
        let differs = differences(row, &new, &there);
        if differs.is_empty() {
            return Ok(RowOutcome::Skipped);
        }
        if differs.iter().any(|column| TERMS.contains(column)) {
            let what = "it is there already with another price, currency, interval or tax_inclusive, \
                        which never change; archive it, and import the new terms under a code of their own";
            return Err(row.bad("code", Why::CannotChange { what }));
        }
        if !self.options.update {
            return Err(row.bad("code", Why::Differs { fields: differs.join(", ") }));
        }
        let trial_days = row.get("trial_days").map_or(there.trial_days, |_| new.trial_days);
        self.db.edit_plan(self.act, there.id, &new.name, trial_days)?;
        let (before, after) = (PlanFacts::of(&there), PlanFacts { name: &new.name, trial_days });
        let changes = Changes::between(&before, &after, Changed::Names);
        let event = PlanEvent::Edited { plan: &new.code, imported: true, changes };
        self.db.record(self.act, About::NOBODY, event, None)?;
        Ok(RowOutcome::Updated)
    }

    fn read_plan(&self, row: &Row) -> Result<NewPlan, Bad> {
        let code = row.need("code", plan::code);
        let name = row.need("name", plan::name);
        let currency = row.currency("currency").unwrap_or(self.config.currency);
        let price = row.need_amount("price", currency);
        let unit: Option<IntervalUnit> = row.need_word("interval", "month, year");
        let count = row.count("interval_count", 1, i64::from(Interval::MOST));
        let count = count.and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
        let trial_days = row.count("trial_days", 0, MOST_TRIAL_DAYS).unwrap_or(0);
        let basis = row.flag("tax_inclusive").map(TaxBasis::of);
        let basis = basis.unwrap_or(self.config.invoicing.basis());
        row.checked((|| {
            let interval = Interval { unit: unit?, count };
            let (code, name, price) = (code?, name?, price?);
            Some(NewPlan { code, name, price, basis, interval, trial_days })
        })())
    }
}

/// The columns of the row whose values are not those that are stored.
fn differences(row: &Row, new: &NewPlan, there: &Plan) -> Vec<&'static str> {
    let same_currency = new.currency() == there.price.currency;
    let pairs = [
        ("name", new.name == there.name),
        (
            "price",
            same_currency && PriceTerms::plain(Model::per_unit(new.price)) == there.price.terms,
        ),
        ("currency", same_currency),
        ("interval", new.interval.unit == there.interval.unit),
        ("interval_count", new.interval.count == there.interval.count),
        ("tax_inclusive", new.basis == there.basis),
        ("trial_days", new.trial_days == there.trial_days),
    ];
    let given = pairs.into_iter().filter(|(column, _)| row.get(column).is_some());
    given.filter(|(_, same)| !same).map(|(column, _)| column).collect()
}
