//! What the periods of subscriptions should come to, by integers of its own: what each was billed at
//! first, and for every change from a day on the difference of what the rest comes to at the new terms
//! and at the old ones.

use std::collections::{BTreeMap, BTreeSet};

use billing::domain::invoice::{Invoice, Purpose};
use billing::domain::period::Cycle;
use billing::domain::subscription::{Subscription, SubscriptionStatus, Terms};
use chrono::{Datelike, Months, NaiveDate};
use rusqlite::Connection;

/// The plans: their codes, and what each comes to in its interval, in cents.
pub const PRICES: [(&str, &str, i64, &str); 7] = [
    ("basic", "29.99", 2_999, "1"),
    ("pro", "62.05", 6_205, "1"),
    ("seats", "7.35", 735, "1"),
    ("support", "10.01", 1_001, "1"),
    ("quarter", "89.95", 8_995, "3"),
    ("quarter-pro", "171.11", 17_111, "3"),
    ("year", "365.17", 36_517, "12"),
];
/// What prices are with tax bear behind their codes.
pub const WITH_TAX: &str = "-incl";
/// The coupons: their codes, and what each takes off, in tenths of a percent.
pub const COUPONS: [(&str, i64); 3] = [("TEN", 100), ("ODD", 125), ("THRICE", 333)];

/// `a` ÷ `b` of what is not negative, a half upwards.
pub fn rounded(a: i64, b: i64) -> i64 {
    (2 * a + b) / (2 * b)
}

/// What terms come to for a whole interval.
fn whole(terms: &Terms) -> i64 {
    let of = |code: &str| {
        let code = code.trim_end_matches(WITH_TAX);
        PRICES.iter().find(|(plan, ..)| *plan == code).expect("one of the plans").2
    };
    terms.items.iter().map(|item| of(&item.plan) * item.quantity).sum()
}

/// The bound of a cycle in the month that lies so many after that of its anchor.
fn bound(cycle: Cycle, months: i32) -> NaiveDate {
    let first = cycle.anchor_on.with_day(1).expect("a first");
    let month = match months {
        0.. => first + Months::new(months.unsigned_abs()),
        _ => first - Months::new(months.unsigned_abs()),
    };
    let last = (month + Months::new(1)).pred_opt().expect("a day").day();
    month.with_day(cycle.anchor_day.min(last)).expect("a day of the month")
}

/// The days of the whole interval in which the day lies.
fn interval_days(cycle: Cycle, day: NaiveDate) -> i64 {
    let step = cycle.interval.months();
    let mut at = 0;
    while bound(cycle, at * step) > day {
        at -= 1;
    }
    while bound(cycle, (at + 1) * step) <= day {
        at += 1;
    }
    (bound(cycle, (at + 1) * step) - bound(cycle, at * step)).num_days()
}

/// What the rest of a period comes to at those terms, before tax or with it where their prices are.
pub fn rest(terms: &Terms, cycle: Cycle, period: &Invoice, today: NaiveDate) -> i64 {
    let (_, until) = period.period.expect("a period");
    let coupon = period.coupon.as_deref().filter(|_| !period.discount.is_zero());
    let tenths = coupon.map_or(0, |code| {
        COUPONS.iter().find(|(coupon, _)| *coupon == code).expect("one of the coupons").1
    });
    let whole = whole(terms);
    let net = whole - rounded(whole * tenths, 1000);
    rounded(net * (until - today).num_days(), interval_days(cycle, today))
}

/// What a verb did to a period, beside the documents that it wrote.
#[derive(Debug, Clone)]
pub struct Step {
    /// The invoice of the period.
    pub period: i64,
    /// What the period comes to more, or less.
    pub by: i64,
    /// What of that could not be given back: more than was billed.
    pub left: i64,
    /// The invoice of the change.
    pub invoice: Option<i64>,
    /// What waits for the next period.
    pub pending: Option<i64>,
    /// Whether the rest of it is given back whole.
    pub ends: bool,
    /// Whether what it comes to is known: not where its terms changed while nothing was to be billed.
    pub settled: bool,
}

/// The periods as they should be.
#[derive(Debug, Default)]
pub struct Model {
    by: BTreeMap<i64, i64>,
    invoices: BTreeMap<i64, i64>,
    pending: BTreeMap<i64, i64>,
    ended: BTreeSet<i64>,
    unsettled: BTreeSet<i64>,
    /// How often something was given back whole, was billed at once, waited, and was left over.
    pub told: [usize; 4],
}

impl Model {
    /// The live invoice of the period in which the day lies, whose rest is not given back.
    pub fn period<'a>(&self, invoices: &'a [Invoice], today: NaiveDate) -> Option<&'a Invoice> {
        let lies_in = |invoice: &&Invoice| {
            let contains = |(start, end)| start <= today && today < end;
            invoice.purpose == Purpose::Period
                && invoice.period.is_some_and(contains)
                && !self.ended.contains(&invoice.id.0)
        };
        invoices.iter().filter(lies_in).max_by_key(|invoice| invoice.id)
    }

    /// Takes over what a verb did.
    pub fn take(&mut self, step: &Step) {
        *self.by.entry(step.period).or_default() += step.by + step.left;
        if let Some(id) = step.invoice {
            self.invoices.insert(id, step.period);
        }
        if let Some(id) = step.pending {
            self.pending.insert(id, step.period);
        }
        if step.ends {
            self.ended.insert(step.period);
        }
        if !step.settled {
            self.unsettled.insert(step.period);
        }
        // Of a period whose items were rounded one by one, a unit each may be lacking.
        let known = !self.unsettled.contains(&step.period);
        assert!(step.left <= 3 || !known, "could not be given back: {step:?}");
        let told = [step.ends, step.invoice.is_some(), step.pending.is_some(), step.left > 0];
        for (count, is) in self.told.iter_mut().zip(told) {
            *count += usize::from(is);
        }
    }

    /// Proves that each period comes to what it should, by what the file says.
    pub fn check(&self, sql: &Connection, what: &str) {
        // What invoices billed, less their credit notes: of a period, its items alone.
        let of_period =
            "SELECT l.invoice_id, sum(l.amount_minor - l.discount_minor) FROM invoice_lines l
                         WHERE l.item_id IS NOT NULL GROUP BY l.invoice_id";
        let of_change = "SELECT id, subtotal_minor - discount_minor FROM invoices
                         WHERE purpose = 'change'";
        let credited = "SELECT invoice_id, sum(subtotal_minor - discount_minor) FROM credit_notes
                        GROUP BY invoice_id";
        // On an invoice, or waiting still; what a later change took back has a smaller amount.
        let pending = "SELECT id, iif(removed_at IS NULL, amount_minor, 0) FROM pending_items";
        let [of_period, of_change, credited, pending] =
            [of_period, of_change, credited, pending].map(|query| amounts(sql, query));
        let mut is: BTreeMap<i64, i64> = BTreeMap::new();
        let left = |id: &i64, billed: i64| billed - credited.get(id).copied().unwrap_or(0);
        for (id, first) in &of_period {
            *is.entry(*id).or_default() += left(id, *first);
        }
        for (id, billed) in &of_change {
            let period = self.invoices.get(id).unwrap_or_else(|| panic!("{what}: inv_{id}"));
            *is.entry(*period).or_default() += left(id, *billed);
        }
        for (id, amount) in &pending {
            let period = self.pending.get(id).unwrap_or_else(|| panic!("{what}: pit_{id}"));
            *is.entry(*period).or_default() += amount;
        }
        let by = |id: &i64| self.by.get(id).copied().unwrap_or(0);
        is.retain(|id, _| !self.unsettled.contains(id));
        let of_period = of_period.iter().filter(|(id, _)| !self.unsettled.contains(id));
        let wanted: BTreeMap<i64, i64> =
            of_period.map(|(id, first)| (*id, first + by(id))).collect();
        assert_eq!(is, wanted, "{what}: what periods come to");
    }
}

/// An amount for each id.
fn amounts(sql: &Connection, query: &str) -> BTreeMap<i64, i64> {
    let mut statement = sql.prepare(query).expect("a query");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

/// On which days a subscription should be served for money.
#[derive(Debug, Clone)]
pub struct Standing {
    status: SubscriptionStatus,
    since: NaiveDate,
    pause: Option<(NaiveDate, Option<NaiveDate>)>,
    ends_on: Option<NaiveDate>,
}

impl Standing {
    pub fn of(one: &Subscription) -> Standing {
        Standing {
            status: one.status,
            since: one.started_on,
            pause: one.pause.as_ref().map(|pause| (pause.from, pause.until)),
            ends_on: one.ends_on,
        }
    }

    /// Whether it is to be billed for a day, if nothing is done to it until then.
    pub fn is_served_on(&self, day: NaiveDate) -> bool {
        let rests = match (self.status, self.pause) {
            (SubscriptionStatus::Active, None) => false,
            (SubscriptionStatus::Active | SubscriptionStatus::Paused, Some((from, until))) => {
                from <= day && until.is_none_or(|until| day <= until)
            }
            _ => true,
        };
        !rests && self.since <= day && self.ends_on.is_none_or(|on| day < on)
    }
}

/// The days that a subscription was served, and the days that it was not.
#[derive(Debug, Default)]
pub struct Served {
    pub served: BTreeSet<NaiveDate>,
    pub rested: BTreeSet<NaiveDate>,
}

impl Served {
    /// Notes the days from one to the day before another. On the first of them something may have been
    /// billed before the rest began.
    pub fn note(&mut self, standing: &Standing, from: NaiveDate, until: NaiveDate) {
        for day in from.iter_days().take_while(|day| *day < until) {
            match standing.is_served_on(day) {
                true => self.served.insert(day),
                false => day > from && self.rested.insert(day),
            };
        }
    }
}

/// The days that live invoices of periods bill of a subscription, `[start, end)` each: none twice.
pub fn billed_days(sql: &Connection, subscription: i64, what: &str) -> Vec<(NaiveDate, NaiveDate)> {
    let query = "SELECT period_start, coalesce(billed_until, period_end) FROM invoices
                 WHERE subscription_id = ?1 AND purpose = 'period' AND status <> 'void'
                   AND coalesce(billed_until, period_end) > period_start
                 ORDER BY period_start, id";
    let mut statement = sql.prepare(query).expect("a query");
    let day = |text: String| text.parse::<NaiveDate>().expect("a date");
    let rows = statement.query_map([subscription], |row| {
        Ok((day(row.get::<_, String>(0)?), day(row.get::<_, String>(1)?)))
    });
    let days: Vec<_> = rows.expect("rows").map(|row| row.expect("a row")).collect();
    for pair in days.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "{what}: sub_{subscription}: a day twice: {pair:?}");
    }
    days
}
