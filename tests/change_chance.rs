//! Lives of subscriptions that change, rest, come back and end on any day, beside a model with a
//! rounding of its own: every period comes to what it was billed at first and the differences of the
//! changes within it, to the unit; and nobody has a day twice, or one for nothing.
mod support;

use std::collections::BTreeMap;

use billing::books::change::{Billed, Changed, NewNow};
use billing::books::pause::Credit;
use billing::books::subscribe::NewStart;
use billing::books::{Back, Book, Notify, PaymentTerms};
use billing::domain::invoice::{Invoice, InvoiceStatus, Purpose};
use billing::domain::items::{Change, Edit};
use billing::domain::period::Anchor;
use billing::domain::proration::BillChanges;
use billing::domain::schedule::Task;
use billing::domain::subscription::{Collection, NewPause, Subscription, SubscriptionStatus, When};
use billing::domain::transaction::NewPayment;
use billing::domain::{Act, Money, Result, SubscriptionId};
use billing::store::{Db, InvoiceFilter, SubscriptionFilter};
use billing::tasks::Options;
use chrono::{Days, NaiveDate};
use support::change_model::{COUPONS, Model, PRICES, Served, Standing, Step, WITH_TAX};
use support::change_model::{billed_days, rest};
use support::inside::{Inside, Random, check};
use support::{Prepared, Shop, rows};

const ANCHORS: [Anchor; 2] = [Anchor::Calendar, Anchor::Anniversary];
const BILLS: [Option<BillChanges>; 3] = [None, Some(BillChanges::Now), Some(BillChanges::Next)];
const TENANTS: u64 = 6;
const STEPS: usize = 150;

/// Six customers, of whom three have prices with tax, two pay by themselves, and one has another rate.
fn business() -> Prepared {
    let shop = Shop::with_config("[invoicing]\ntax_rate = 20\n");
    for (code, price, _, months) in PRICES {
        shop.plan(code, price, months, &["--tax-exclusive"]);
        shop.plan(&format!("{code}{WITH_TAX}"), price, months, &["--tax-inclusive"]);
    }
    for (code, tenths) in COUPONS {
        let percent = format!("{}.{}", tenths / 10, tenths % 10);
        let duration = if code == "THRICE" { "3" } else { "forever" };
        let how = ["--percent", &percent, "--duration", duration, "--until", "2099-12-31"];
        let often = ["--max-uses-per-customer", "0"];
        shop.ok(&[&["coupon", "create", code, "--name", code][..], &how, &often].concat());
    }
    for n in 0..TENANTS {
        shop.tenant(&format!("t{n}"));
        if n % 3 == 0 {
            shop.pays_by_itself(&format!("t{n}"));
        }
    }
    shop.ok(&["tenant", "edit", "t1", "--tax-rate", "8.1"]);
    shop.ok(&["tenant", "edit", "t4", "--tax-rate", "5.5"]);
    shop.prepared()
}

/// One life.
struct Life<'a> {
    db: &'a Db<'a>,
    act: &'a Act,
    inside: &'a Inside<'a>,
    model: &'a Model,
    random: &'a mut Random,
}

impl Life<'_> {
    fn book(&self) -> Book<'_> {
        Book::new(self.db, self.act, &self.inside.config)
    }

    /// A plan of the customer's kind: with tax for every second one.
    fn code(&self, tenant: u64, code: &str) -> String {
        let with_tax = if tenant % 2 == 1 { WITH_TAX } else { "" };
        format!("{code}{with_tax}")
    }

    fn subscriptions(&self, tenant: u64) -> Result<Vec<Subscription>> {
        let tenant = Some(self.db.tenant(&format!("t{tenant}"))?.id);
        let mut found = Vec::new();
        let filter = SubscriptionFilter { tenant, ..SubscriptionFilter::default() };
        self.db.each_subscription(&filter, |one| {
            found.push(one);
            Ok(true)
        })?;
        Ok(found)
    }

    /// Does something at random; returns what it is to come to.
    fn does_something(&mut self) -> Result<Vec<Step>> {
        let tenant = self.random.below(TENANTS);
        let mut running = self.subscriptions(tenant)?;
        running.retain(|one| one.status != SubscriptionStatus::Canceled);
        let Some(one) = self.random.one_of(&running).filter(|_| running.len() > 1) else {
            return self.begins(tenant);
        };
        match self.random.below(16) {
            0..6 => self.changes(tenant, one.id),
            6 => {
                let mut steps = Vec::new();
                for _ in 0..2 + self.random.below(4) {
                    steps.extend(self.changes(tenant, one.id)?);
                }
                Ok(steps)
            }
            7 => {
                let edit = self.any_edit(tenant, &one)?;
                self.book().change_subscription(&one, &edit).map(|_| Vec::new())
            }
            8 | 9 => self.pauses(&one),
            10 | 11 => self.book().resume(&one).map(|_| Vec::new()),
            12 => match self.random.below(4) {
                0 => self.ends(&one),
                1 => self.book().cancel_subscription(&one, When::Now, None).map(|_| Vec::new()),
                _ => {
                    self.book().cancel_subscription(&one, When::PeriodEnd, None).map(|_| Vec::new())
                }
            },
            13 => {
                let (code, _) = self.random.one_of(&COUPONS).expect("a coupon");
                self.book().redeem_for_subscription(code, &one, "{}").map(|_| Vec::new())
            }
            _ => self.pays(tenant),
        }
    }

    fn begins(&mut self, tenant: u64) -> Result<Vec<Step>> {
        let of = self.db.tenant(&format!("t{tenant}"))?;
        let (code, ..) = self.random.one_of(&PRICES).expect("a plan");
        let plan = self.db.plan(&self.code(tenant, code))?;
        let others = match (code, self.random.below(2)) {
            ("basic" | "pro", 0) => vec![(self.db.plan(&self.code(tenant, "seats"))?, 3)],
            _ => Vec::new(),
        };
        let new = NewStart {
            tenant: &of,
            plan: &plan,
            start: self.act.today + Days::new(self.random.below(2) * self.random.below(20)),
            trial_days: None,
            anchor: ANCHORS[self.random.below(2) as usize],
            quantity: 1 + self.random.below(4) as i64,
            others: &others,
            collection: if tenant.is_multiple_of(3) {
                Collection::Automatic
            } else {
                Collection::Invoice
            },
        };
        let id = self.book().begin_subscription(&new)?;
        if self.random.below(2) == 0 {
            let (code, _) = self.random.one_of(&COUPONS).expect("a coupon");
            self.book().redeem_for_subscription(code, &self.db.subscription(id)?, "{}")?;
        }
        if self.random.below(3) > 0 {
            self.book().bill_first(id)?;
        }
        Ok(Vec::new())
    }

    fn any_edit(&mut self, tenant: u64, one: &Subscription) -> Result<Edit> {
        let quantity = 1 + self.random.below(5) as i64;
        let items: Vec<_> = one.terms.items.iter().cloned().collect();
        let extra = self.random.one_of(&["seats", "support"]).expect("one");
        let extra = self.code(tenant, extra);
        Ok(match self.random.below(5) {
            0 => Edit::Remove { plan: extra },
            1 => Edit::Add { plan: Box::new(self.db.plan(&extra)?), quantity },
            _ => {
                let item = self.random.one_of(&items).map(|item| item.plan);
                let (code, ..) = self.random.one_of(&PRICES).expect("a plan");
                let plan = self.db.plan(&self.code(tenant, code))?;
                let plan = Some(plan).filter(|_| quantity % 2 == 0);
                Edit::Change(vec![Change { item, plan, quantity: Some(quantity) }])
            }
        })
    }

    /// The invoice of the period in which today lies.
    fn period(&self, one: SubscriptionId) -> Result<Option<Invoice>> {
        let invoices = self.db.invoices_of_subscription(&self.db.subscription(one)?)?;
        Ok(self.model.period(&invoices, self.act.today).cloned())
    }

    /// Changes something from today on.
    fn changes(&mut self, tenant: u64, id: SubscriptionId) -> Result<Vec<Step>> {
        // What cron has not done yet comes first.
        let (before, _) = self.book().catch_up_pause(&self.db.subscription(id)?)?;
        let edit = self.any_edit(tenant, &before)?;
        let anchor = self.random.one_of(&ANCHORS).filter(|_| self.random.below(12) == 0);
        let bill = self.random.one_of(&BILLS).expect("one");
        let period = self.period(id)?;
        let active = before.status == SubscriptionStatus::Active;
        let Some(period) = period.clone().filter(|_| active) else {
            let changed = self.changes_to(&before, &edit, (anchor, bill))?;
            assert_eq!(changed.difference().minor(), 0, "{id}: nothing is billed for today");
            // What is billed beyond a pause was so at other terms than it has now.
            return Ok(period.iter().map(unsettled).collect());
        };
        let changed = self.changes_to(&before, &edit, (anchor, bill))?;
        let now = self.db.subscription(id)?;
        let today = self.act.today;
        let old = rest(&before.terms, before.cycle, &period, today);
        assert_eq!(changed.credit.minor(), old, "{id}: what the rest came to");
        if anchor.is_some() || now.terms.interval != before.terms.interval {
            return Ok(vec![given_back(&period, old, Some(&changed))]);
        }
        let new = rest(&now.terms, before.cycle, &period, today);
        assert_eq!(changed.charge.minor(), new, "{id}: what the rest comes to after {edit:?}");
        let mut steps = vec![changed_by(&period, new - old, &changed)];
        if self.random.below(3) == 0 {
            // There and back: the customer owes what she owed.
            let back = self.way_back(&before, &edit)?;
            let bill = self.random.one_of(&BILLS).expect("one");
            let changed = self.changes_to(&now, &back, (None, bill))?;
            assert_eq!(changed.difference().minor(), old - new, "{id}: there and back");
            assert_eq!(
                rest(&self.db.subscription(id)?.terms, before.cycle, &period, today),
                old,
                "{id}"
            );
            steps.push(changed_by(&period, old - new, &changed));
        }
        Ok(steps)
    }

    fn changes_to(
        &self,
        one: &Subscription,
        edit: &Edit,
        (anchor, bill): (Option<Anchor>, Option<BillChanges>),
    ) -> Result<Changed> {
        self.book().change_now(one, &NewNow { edit: edit.clone(), anchor, bill })
    }

    /// What takes an edit back.
    fn way_back(&self, before: &Subscription, edit: &Edit) -> Result<Edit> {
        Ok(match edit {
            Edit::Add { plan, .. } => Edit::Remove { plan: plan.code.clone() },
            Edit::Remove { plan } => {
                let item = before.terms.items.iter().find(|item| item.plan == *plan);
                let quantity = item.expect("it was there").quantity;
                Edit::Add { plan: Box::new(self.db.plan(plan)?), quantity }
            }
            Edit::Change(changes) => {
                let change = &changes[0];
                let named = change.item.as_deref().expect("one is named");
                let item = before.terms.items.iter().find(|item| item.plan == named);
                let item = item.expect("it was there");
                let now = change.plan.as_ref().map_or(named, |plan| &plan.code);
                Edit::Change(vec![Change {
                    item: Some(now.to_owned()),
                    plan: Some(self.db.plan(&item.plan)?),
                    quantity: Some(item.quantity),
                }])
            }
        })
    }

    fn pauses(&mut self, one: &Subscription) -> Result<Vec<Step>> {
        let today = self.act.today;
        let ahead = Some(today + Days::new(self.random.below(40)));
        let from = self.random.one_of(&[None, Some(today), Some(today), ahead]).expect("one");
        let until = from.unwrap_or(today) + Days::new(self.random.below(70));
        let until = Some(until).filter(|_| self.random.below(3) > 0);
        let asked = NewPause { from, until, reason: None };
        let credit = if self.random.below(2) == 0 { Credit::Rest } else { Credit::Nothing };
        let paused = self.book().pause_subscription(one, asked, credit)?;
        self.gave_back(one.id, paused.given.as_ref())
    }

    fn ends(&mut self, one: &Subscription) -> Result<Vec<Step>> {
        let (_, given) = self.book().cancel_and_give_back(one, Back::Balance, None)?;
        self.gave_back(one.id, given.as_ref())
    }

    /// What giving back the rest of today's period is to come to.
    fn gave_back(&self, id: SubscriptionId, given: Option<&Changed>) -> Result<Vec<Step>> {
        let Some(given) = given else { return Ok(Vec::new()) };
        let period = self.period(id)?.expect("a period that is billed");
        let now = self.db.subscription(id)?;
        let old = rest(&now.terms, now.cycle, &period, self.act.today);
        assert_eq!(given.credit.minor(), old, "{id}: what the rest came to");
        Ok(vec![given_back(&period, old, Some(given))])
    }

    fn pays(&mut self, tenant: u64) -> Result<Vec<Step>> {
        let tenant = self.db.tenant(&format!("t{tenant}"))?.id;
        let filter = InvoiceFilter {
            tenant: Some(tenant),
            status: Some(InvoiceStatus::Open),
            ..InvoiceFilter::default()
        };
        let mut open = Vec::new();
        self.db.each_invoice(&filter, |invoice| {
            open.push(invoice);
            Ok(())
        })?;
        let Some(invoice) = self.random.one_of(&open) else { return Ok(Vec::new()) };
        let due = invoice.due.minor();
        let part = if self.random.below(3) == 0 { (due / 3).max(1) } else { due };
        let payment = NewPayment {
            amount: Money::from_minor(part, invoice.due.currency()),
            paid_on: self.act.today,
            method: None,
            reference: None,
        };
        self.book().pay(&invoice, &payment, PaymentTerms::strict(Notify::Nobody))?;
        Ok(Vec::new())
    }
}

/// What could not be given back.
fn left(changed: &Changed) -> i64 {
    changed.given.left.map_or(0, Money::minor)
}

fn changed_by(period: &Invoice, by: i64, changed: &Changed) -> Step {
    let (mut invoice, mut pending) = (None, None);
    match &changed.billed {
        Billed::Nothing => assert!(by <= 0, "{changed:?}"),
        Billed::Invoice(billed) => {
            assert_eq!(billed.purpose, Purpose::Change);
            invoice = Some(billed.id.0);
        }
        Billed::Pending(item) => pending = Some(item.id.0),
    }
    Step {
        period: period.id.0,
        by,
        left: left(changed),
        invoice,
        pending,
        ends: false,
        settled: true,
    }
}

fn given_back(period: &Invoice, old: i64, changed: Option<&Changed>) -> Step {
    let left = changed.map_or(0, left);
    Step {
        period: period.id.0,
        by: -old,
        left,
        invoice: None,
        pending: None,
        ends: true,
        settled: true,
    }
}

/// A period whose terms changed without a document.
fn unsettled(period: &Invoice) -> Step {
    let period = period.id.0;
    Step { period, by: 0, left: 0, invoice: None, pending: None, ends: false, settled: false }
}

/// What no sequence of changes may bring about.
const NEVER: [&str; 3] = [
    // A credit note above what its invoice billed.
    "SELECT i.number FROM invoices i JOIN credit_notes n ON n.invoice_id = i.id GROUP BY i.id
     HAVING sum(n.total_minor) > i.total_minor OR sum(n.tax_minor) > i.tax_minor
       OR sum(n.subtotal_minor - n.discount_minor) > i.subtotal_minor - i.discount_minor",
    // More of a line than it billed.
    "SELECT l.invoice_id, l.position FROM invoice_lines l
       JOIN credit_notes n ON n.invoice_id = l.invoice_id
       JOIN credit_note_lines c ON c.credit_note_id = n.id AND c.line = l.position
     GROUP BY l.invoice_id, l.position
     HAVING sum(c.amount_minor - c.discount_minor) > l.amount_minor - l.discount_minor",
    // A pending item that its invoice bills at another amount.
    "SELECT p.id FROM pending_items p JOIN invoice_lines l ON l.pending_item_id = p.id
     WHERE p.invoice_id = l.invoice_id AND l.amount_minor <> p.amount_minor",
];

/// How subscriptions stand.
fn standings(db: &Db) -> Result<BTreeMap<i64, (Standing, Subscription)>> {
    let mut found = BTreeMap::new();
    db.each_subscription(&SubscriptionFilter::default(), |one| {
        found.insert(one.id.0, (Standing::of(&one), one));
        Ok(true)
    })?;
    Ok(found)
}

/// Proves that each day on which a subscription was served is billed, and that no period began on a day on
/// which it rested.
fn check_days(shop: &Shop, served: &BTreeMap<i64, Served>, what: &str) {
    let sql = shop.sql();
    for (id, days) in served {
        let billed = billed_days(&sql, *id, what);
        let is_billed = |day: &NaiveDate| billed.iter().any(|(from, to)| from <= day && day < to);
        let free: Vec<_> = days.served.iter().filter(|day| !is_billed(day)).collect();
        assert!(free.is_empty(), "{what}: sub_{id}: days for nothing: {free:?} of {billed:?}");
        let began: Vec<_> = billed.iter().filter(|(from, _)| days.rested.contains(from)).collect();
        assert!(began.is_empty(), "{what}: sub_{id}: billed while it rested: {began:?}");
    }
}

fn lives(prepared: &Prepared, life: u64, seed: u64, done: &mut [usize; 4]) {
    let shop = prepared.shop();
    let inside = Inside::new(&shop);
    let mut store = inside.open();
    let options = Options { no_deliver: true, ..Options::default() };
    let mut random = Random::with(seed);
    let (mut model, mut served) = (Model::default(), BTreeMap::<i64, Served>::new());
    let mut day: NaiveDate = "2027-01-01".parse().expect("a date");
    let mut stood = BTreeMap::new();
    for step in 0..STEPS {
        // Mostly days pass; now and then cron is out for months.
        let days = if random.below(25) == 0 { random.below(120) } else { random.below(8) };
        let before = day;
        day = day + Days::new(days);
        for (id, (standing, _)) in &stood {
            served.entry(*id).or_default().note(standing, before, day);
        }
        let act = inside.clock(&format!("{day}T10:00:00Z")).act("operator");
        let what = format!("life {life} of seed {seed}, step {step}, {day}");
        if random.below(4) > 0 {
            let at = format!("{day}T09:00:00Z");
            inside.run(&mut store, Task::GenerateRecurringInvoices, &at, &options);
        }
        for _ in 0..=random.below(3) {
            let done = store.write(|db| {
                let random = &mut random;
                let (act, inside, model) = (&act, &inside, &model);
                Life { db, act, inside, model, random }.does_something()
            });
            match done {
                Ok(steps) => steps.iter().for_each(|step| model.take(step)),
                Err(refusal) => assert!(refusal.is_of_the_item(), "{what}: {refusal:?}"),
            }
        }
        model.check(&shop.sql(), &what);
        let is_run = random.below(4) > 0;
        if is_run {
            let at = format!("{day}T12:00:00Z");
            inside.run(&mut store, Task::GenerateRecurringInvoices, &at, &options);
        }
        stood = store.read(standings).expect("subscriptions");
        if is_run {
            check_days(&shop, &served, &what);
        }
    }
    for query in NEVER {
        assert_eq!(rows(&shop.sql(), query), Vec::<String>::new(), "life {life} of seed {seed}");
    }
    check(&mut store, &format!("life {life} of seed {seed}"));
    done.iter_mut().zip(model.told).for_each(|(sum, of_life)| *sum += of_life);
}

/// `BILLING_CHANGE_LIVES` of them, from `BILLING_REPLAY_SEED` on: see tests/soak.sh.
#[test]
fn whatever_changes_each_period_comes_to_its_bill_and_the_differences() {
    let lives_to_live = std::env::var("BILLING_CHANGE_LIVES").ok();
    let count = lives_to_live.map_or(2, |text| text.parse().expect("a number"));
    let mut random = Random::seeded();
    let prepared = business();
    let mut done = [0; 4];
    for life in 0..count {
        lives(&prepared, life, random.below(u64::MAX), &mut done);
    }
    let [given_back, at_once, waited, left] = done;
    println!(
        "{given_back} rests given back, {at_once} differences billed at once, {waited} waited, {left} left"
    );
    assert!(given_back > 20 && at_once > 20 && waited > 20, "{done:?}");
}
