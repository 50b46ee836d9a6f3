//! What is overdue, by age and by customer.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::period;
use crate::clock::Clock;
use crate::domain::dunning::{self, Action, NextStep, Policy, Reason};
use crate::domain::money::Totals;
use crate::domain::stage::Stage;
use crate::domain::{Currency, Money, Result, TenantId};
use crate::store::Db;
use crate::store::reports::OverdueInvoice;

/// Days overdue, from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    pub name: &'static str,
    pub first: i64,
    /// `None`: without end.
    pub last: Option<i64>,
}

/// The ages that what is overdue is sorted into.
pub const AGES: [Age; 5] = [
    Age { name: "1-3", first: 1, last: Some(3) },
    Age { name: "4-7", first: 4, last: Some(7) },
    Age { name: "8-15", first: 8, last: Some(15) },
    Age { name: "16-30", first: 16, last: Some(30) },
    Age { name: "31+", first: 31, last: None },
];

/// The report.
#[derive(Debug, Clone)]
pub struct Overdue {
    pub as_of: NaiveDate,
    /// Only what was due on that day or later, where it is given.
    pub since: Option<NaiveDate>,
    /// By currency, then by age; of each currency in which something is overdue, every age.
    pub buckets: Vec<Bucket>,
    /// What is chased, a customer and currency each: by currency, the largest amount first.
    pub tenants: Vec<Debtor>,
    /// What rests (promised, disputed, a charge without outcome, due before dunning starts), in
    /// the same order: one a customer, currency and reason.
    pub rests: Vec<Debtor>,
    /// All of it, one sum a currency.
    pub totals: Totals,
}

/// What is overdue in one currency for so many days.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    pub age: Age,
    pub invoices: u64,
    pub amount: Money,
}

/// What a customer owes in one currency.
#[derive(Debug, Clone)]
pub struct Debtor {
    pub tenant: String,
    pub name: String,
    pub amount: Money,
    pub invoices: u64,
    pub oldest_due_on: NaiveDate,
    /// Of the oldest.
    pub days_overdue: i64,
    /// The highest stage recorded for any of them.
    pub stage: Option<Stage>,
    /// The first that comes for any of them; on one day, the highest.
    pub next: Option<NextStep>,
    /// Why it rests, where it does.
    pub rests: Option<Reason>,
}

/// Computes it at the end of the clock's day, or of `until` where that is earlier; `since`: only
/// what was due on that day or later. The steps to come are decided as a run of that day would.
///
/// # Errors
/// `until` lies before `since`, amounts that are too large, or a fault of the file.
pub fn overdue(
    db: &Db,
    clock: &Clock,
    policy: &Policy,
    since: Option<NaiveDate>,
    until: Option<NaiveDate>,
) -> Result<Overdue> {
    let until = until.unwrap_or_else(|| clock.today());
    since.map_or(Ok(()), |since| period::check_order(since, until))?;
    let end = period::end(clock, until);
    let later = period::may_have_changed(db, clock, &end)?;
    let mut sorted = Sorted::new(end.day, policy);
    db.each_overdue_at(&end, since, later, |mut invoice| {
        // How it was on a past day, the invoices of that day say one by one.
        if !later {
            db.owed_beside(&mut invoice.facts, end.day, &policy.minimum_amount)?;
        }
        sorted.add(invoice)
    })?;
    Ok(Overdue { since, ..sorted.report() })
}

/// What was read so far: as large as the number of customers that owe.
struct Sorted<'a> {
    today: NaiveDate,
    policy: &'a Policy,
    buckets: BTreeMap<&'static str, [Bucket; AGES.len()]>,
    /// By customer and currency; one for each reason to rest, and one for what is chased.
    debtors: BTreeMap<(TenantId, &'static str), Vec<Debtor>>,
    totals: Totals,
}

impl<'a> Sorted<'a> {
    fn new(today: NaiveDate, policy: &'a Policy) -> Self {
        let (buckets, debtors) = (BTreeMap::new(), BTreeMap::new());
        Sorted { today, policy, buckets, debtors, totals: Totals::default() }
    }

    fn add(&mut self, invoice: OverdueInvoice) -> Result<()> {
        let facts = &invoice.facts;
        let (amount, currency) = (facts.amount_due, facts.amount_due.currency());
        let days = facts.age(self.today);
        let nth = AGES.iter().position(|age| age.last.is_none_or(|last| days <= last));
        let bucket = &mut self.buckets.entry(currency.code()).or_insert_with(|| none_of(currency))
            [nth.unwrap_or(AGES.len() - 1)];
        bucket.invoices += 1;
        bucket.amount = bucket.amount.plus(amount)?;
        self.totals.add(amount)?;

        let decided =
            dunning::decide_invoice(facts, invoice.status, self.policy, self.today, |_| {});
        let rests = (decided.action == Action::Rest).then_some(decided.reason);
        let next = decided.next_step(self.today);
        // Most have one entry, and there are many: a vector that grows by itself begins with four.
        let key = (invoice.tenant_id, currency.code());
        let of = self.debtors.entry(key).or_insert_with(|| Vec::with_capacity(1));
        match of.iter_mut().find(|debtor| debtor.rests == rests) {
            Some(debtor) => {
                // They come by due date, so the first was the oldest.
                debtor.amount = debtor.amount.plus(amount)?;
                debtor.invoices += 1;
                debtor.stage = debtor.stage.max(facts.stage);
                debtor.next = sooner(debtor.next, next);
            }
            None => of.push(Debtor {
                amount,
                invoices: 1,
                oldest_due_on: facts.due_on,
                days_overdue: days,
                stage: facts.stage,
                next,
                rests,
                tenant: invoice.tenant,
                name: invoice.name,
            }),
        }
        Ok(())
    }

    fn report(self) -> Overdue {
        let mut debtors: Vec<Debtor> = self.debtors.into_values().flatten().collect();
        debtors.sort_by(|one, other| rank(one).cmp(&rank(other)));
        let chased = debtors.partition_point(|debtor| debtor.rests.is_none());
        let rests = debtors.split_off(chased);
        let tenants = debtors;
        let buckets = self.buckets.into_values().flatten().collect();
        Overdue { as_of: self.today, since: None, buckets, tenants, rests, totals: self.totals }
    }
}

/// What is chased comes first; then by currency, the largest amount first.
fn rank(debtor: &Debtor) -> (bool, &str, i64, &str) {
    let amount = debtor.amount;
    (debtor.rests.is_some(), amount.currency().code(), -amount.minor(), &debtor.tenant)
}

fn none_of(currency: Currency) -> [Bucket; AGES.len()] {
    AGES.map(|age| Bucket { age, invoices: 0, amount: Money::zero(currency) })
}

fn sooner(one: Option<NextStep>, other: Option<NextStep>) -> Option<NextStep> {
    let key = |step: &NextStep| (step.on, std::cmp::Reverse(step.stage));
    one.into_iter().chain(other).min_by_key(key)
}
