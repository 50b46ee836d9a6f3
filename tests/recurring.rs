//! Twenty-six months of a small business with subscriptions of every kind, lived with a cron that
//! works, one that stammers, one that bills on the 1st only, and one that was out for three months:
//! who is billed what for which time is the same. Only when an invoice is issued, and so its
//! number, depends on the runs.
mod support;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use billing::books::Book;
use billing::books::subscribe::NewStart;
use billing::domain::items::{Change, Edit};
use billing::domain::period::Anchor;
use billing::domain::schedule::Task;
use billing::domain::subscription::{Collection, When};
use billing::domain::{Act, Result, SubscriptionId};
use billing::store::{Db, Store};
use billing::tasks::Options;
use chrono::{Datelike, Months, NaiveDate};
use support::inside::Inside;
use support::{Prepared, Shop, assert_same, rows};

const FIRST_DAY: &str = "2027-01-01";
const LAST_DAY: &str = "2029-03-01";
/// Nothing ran from the first of these days to the day before the second: over a leap day.
const OUTAGE: [&str; 2] = ["2028-01-20", "2028-04-20"];

/// Plans: code, months, price in cents.
const PLANS: [(&str, u32, i64); 4] =
    [("monthly", 1, 999), ("quarterly", 3, 2950), ("half-yearly", 6, 5500), ("yearly", 12, 9990)];

/// So many percent off, for so many periods; it ends within the outage.
const COUPON: (&str, i64, usize) = ("THREE", 15, 3);
const COUPON_UNTIL: &str = "2028-02-15";

/// A subscription, by the name of its tenant, which has no other.
struct Subscriber {
    tenant: &'static str,
    made_on: &'static str,
    plan: &'static str,
    anchor: Anchor,
    quantity: i64,
    trial_days: u64,
    /// Its first invoice is issued when it is made, and not by the next run.
    billed_at_once: bool,
    has_coupon: bool,
}

const fn by(anchor: Anchor, tenant: &'static str, on: &'static str, plan: usize) -> Subscriber {
    let (plan, _, _) = PLANS[plan];
    Subscriber {
        tenant,
        made_on: on,
        plan,
        anchor,
        quantity: 1,
        trial_days: 0,
        billed_at_once: true,
        has_coupon: false,
    }
}

impl Subscriber {
    const fn of(self, quantity: i64) -> Self {
        Subscriber { quantity, ..self }
    }

    const fn on_trial(self, trial_days: u64) -> Self {
        Subscriber { trial_days, ..self }
    }

    const fn with_coupon(self) -> Self {
        Subscriber { has_coupon: true, ..self }
    }

    const fn left_to_the_task(self) -> Self {
        Subscriber { billed_at_once: false, ..self }
    }
}

const DAY: Anchor = Anchor::Anniversary;
const FIRST: Anchor = Anchor::Calendar;
const MONTH: usize = 0;
const QUARTER: usize = 1;
const HALF: usize = 2;
const YEAR: usize = 3;

/// Nobody touches these after they are made; their invoices can be counted on one's fingers.
const UNDISTURBED: [Subscriber; 27] = [
    by(DAY, "m31", "2027-01-31", MONTH),
    by(DAY, "m30", "2027-01-30", MONTH).of(3),
    by(DAY, "m29", "2027-01-29", MONTH),
    by(DAY, "m28", "2027-02-28", MONTH),
    by(DAY, "m31-december", "2027-12-31", MONTH),
    by(DAY, "m30-late", "2027-04-30", MONTH).left_to_the_task(),
    by(DAY, "q31", "2027-08-31", QUARTER),
    by(DAY, "q30", "2027-05-30", QUARTER),
    by(DAY, "q29", "2027-11-29", QUARTER).of(7),
    by(DAY, "h31-august", "2027-08-31", HALF),
    by(DAY, "h31-march", "2027-03-31", HALF).of(2),
    by(DAY, "y28", "2027-02-28", YEAR),
    // Made during the outage, as are the others on that day.
    by(DAY, "y29-leap", "2028-02-29", YEAR),
    by(FIRST, "c-first", "2027-01-01", MONTH),
    by(FIRST, "c-month", "2027-03-15", MONTH),
    by(FIRST, "c-february", "2027-02-28", MONTH).of(5),
    by(FIRST, "c-leap", "2028-02-29", MONTH).of(2),
    by(FIRST, "c-quarter", "2027-05-31", QUARTER),
    by(FIRST, "c-quarter-late", "2027-06-17", QUARTER).left_to_the_task(),
    by(FIRST, "c-half", "2027-02-10", HALF),
    by(FIRST, "c-year", "2027-07-20", YEAR).of(4),
    by(DAY, "trial", "2027-03-10", MONTH).on_trial(14),
    // Its trial ends during the outage: it is converted ten weeks late.
    by(FIRST, "trial-in-outage", "2028-01-05", QUARTER).on_trial(30),
    by(DAY, "coupon", "2027-01-31", MONTH).with_coupon(),
    by(FIRST, "coupon-year", "2027-02-10", YEAR).of(3).left_to_the_task().with_coupon(),
    // Its second and third period begin in the outage, in which the coupon ends.
    by(DAY, "coupon-in-outage", "2027-12-31", MONTH).with_coupon(),
    by(FIRST, "coupon-on-trial", "2027-10-09", MONTH).on_trial(14).with_coupon(),
];

const DISTURBED: [Subscriber; 6] = [
    by(DAY, "changed", "2027-01-20", MONTH),
    by(FIRST, "changed-on-1st", "2027-02-01", MONTH),
    by(DAY, "canceled", "2027-03-10", MONTH),
    by(FIRST, "canceled-in-life", "2027-01-01", QUARTER),
    by(DAY, "away", "2027-01-31", MONTH),
    // Without a method to pay with it does not become a paid one, and is never billed.
    by(DAY, "trial-only", "2027-06-01", MONTH).on_trial(14),
];

/// What is done by hand to them, at ten o'clock.
///
/// A change holds from the next period that is billed. One that is made while a period has begun
/// and cron has not billed it yet changes that period already, and rightly so: nobody has an
/// invoice over it. So the changes are made when no kind of cron owes one: outside the outage,
/// and between the 1st and the day on which the period starts. A cancellation and a suspension
/// know of periods that have begun, whether they are billed or not, and may come at any time.
const BY_HAND: [(&str, &str, Hand); 6] = [
    ("2027-08-20", "canceled-in-life", Hand::Cancel),
    ("2027-09-10", "changed", Hand::Change("yearly", 1)),
    ("2028-02-10", "away", Hand::Suspend),
    ("2028-02-25", "canceled", Hand::Cancel),
    ("2028-03-05", "away", Hand::ComeBack),
    ("2028-05-15", "changed-on-1st", Hand::Change("half-yearly", 2)),
];

#[derive(Clone, Copy)]
enum Hand {
    Change(&'static str, i64),
    Cancel,
    Suspend,
    ComeBack,
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn subscribers() -> impl Iterator<Item = &'static Subscriber> {
    UNDISTURBED.iter().chain(&DISTURBED)
}

/// In tenths of a percent, by the length of the name: none, 20 or 5.5.
fn tax_rate(tenant: &str) -> i64 {
    [0, 200, 55][tenant.len() % 3]
}

/// The business before its first day: tenants, plans, and how some of them pay.
static OPENED: LazyLock<Prepared> = LazyLock::new(|| {
    // One call of the gateway at a time: e-mails are written in the order of its answers, and two
    // lives are compared to the last number.
    let shop = Shop::with_config("[trials]\non_end = \"convert\"\n[payments]\nparallel = 1\n");
    for (code, months, cents) in PLANS {
        let price = format!("{}.{:02}", cents / 100, cents % 100);
        shop.plan(code, &price, &months.to_string(), &[]);
    }
    let mut tenants = "slug,name,email,tax_rate\n".to_owned();
    for Subscriber { tenant, .. } in subscribers() {
        let rate = tax_rate(tenant);
        let rate = format!("{}.{}", rate / 10, rate % 10);
        tenants.push_str(&format!("{tenant},{tenant},{tenant}@clients.example,{rate}\n"));
    }
    shop.write("tenants.csv", &tenants);
    shop.ok(&["import", "tenants", "tenants.csv", "--as-of", FIRST_DAY, "--quiet"]);
    let (code, percent, periods) = COUPON;
    let (percent, periods) = (percent.to_string(), periods.to_string());
    let offer = ["--name", "Three periods", "--percent", &percent, "--duration", &periods];
    let when = ["--until", COUPON_UNTIL, "--as-of", FIRST_DAY, "--quiet"];
    shop.ok(&[&["coupon", "create", code], &offer[..], &when].concat());
    for tenant in ["trial", "trial-in-outage", "coupon-on-trial"] {
        shop.pays_by_itself(tenant);
    }
    shop.prepared()
});

/// When which task runs: at its hour, and, of one that stammers, a minute later again.
type Cron = fn(NaiveDate, Task) -> usize;

fn daily(_: NaiveDate, _: Task) -> usize {
    1
}

/// Lives the twenty-six months.
fn live(cron: Cron) -> Shop {
    let shop = OPENED.shop();
    let inside = Inside::new(&shop);
    let mut store = inside.open();
    let until = date(LAST_DAY);
    for day in date(FIRST_DAY).iter_days().take_while(|day| *day <= until) {
        let hours = [(Task::GenerateRecurringInvoices, "00"), (Task::CleanupExpiredTrials, "03")];
        for (task, hour) in hours {
            for minute in 0..cron(day, task) {
                let at = format!("{day}T{hour}:0{minute}:00Z");
                // The e-mails are another subject.
                let options = Options { no_deliver: true, ..Options::default() };
                inside.run(&mut store, task, &at, &options);
            }
        }
        let act = inside.clock(&format!("{day}T10:00:00Z")).act("operator");
        for subscriber in subscribers().filter(|one| date(one.made_on) == day) {
            in_one(&mut store, |db| make(db, &act, &inside, subscriber));
        }
        for (_, tenant, hand) in BY_HAND.iter().filter(|(on, ..)| date(on) == day) {
            in_one(&mut store, |db| act_by_hand(db, &act, &inside, tenant, *hand));
        }
    }
    drop(store);
    shop.check();
    shop
}

fn in_one(store: &mut Store, work: impl FnOnce(&Db) -> Result<()>) {
    store.write(work).unwrap_or_else(|e| panic!("{e:?}"));
}

fn make(db: &Db, act: &Act, inside: &Inside, subscriber: &Subscriber) -> Result<()> {
    let new = NewStart {
        tenant: &db.tenant(subscriber.tenant)?,
        plan: &db.plan(subscriber.plan)?,
        start: act.today,
        trial_days: Some(subscriber.trial_days as i64),
        anchor: subscriber.anchor,
        quantity: subscriber.quantity,
        others: &[],
        collection: Collection::Invoice,
    };
    let id = Book::new(db, act, &inside.config).begin_subscription(&new)?;
    if subscriber.has_coupon {
        Book::new(db, act, &inside.config).redeem_for_subscription(
            COUPON.0,
            &db.subscription(id)?,
            "{}",
        )?;
    }
    match subscriber.billed_at_once {
        true => Book::new(db, act, &inside.config).bill_first(id),
        false => Ok(()),
    }
}

fn act_by_hand(db: &Db, act: &Act, inside: &Inside, tenant: &str, hand: Hand) -> Result<()> {
    let tenant = db.tenant(tenant)?;
    let filter =
        billing::store::SubscriptionFilter { tenant: Some(tenant.id), ..Default::default() };
    let mut id = SubscriptionId(0);
    db.each_subscription(&filter, |subscription| {
        id = subscription.id;
        Ok(true)
    })?;
    let subscription = db.subscription(id)?;
    match hand {
        Hand::Change(plan, quantity) => {
            let plan = Some(db.plan(plan)?);
            let change = Change { item: None, plan, quantity: Some(quantity) };
            let change = Edit::Change(vec![change]);
            Book::new(db, act, &inside.config).change_subscription(&subscription, &change).map(drop)
        }
        Hand::Cancel => Book::new(db, act, &inside.config)
            .cancel_subscription(&subscription, When::PeriodEnd, None)
            .map(drop),
        Hand::Suspend => Book::new(db, act, &inside.config).suspend(&tenant, "a quarrel"),
        Hand::ComeBack => {
            Book::new(db, act, &inside.config).reactivate(&tenant, None, None).map(drop)
        }
    }
}

/// What stands on the invoices of all subscriptions, whenever they were issued.
fn billed(shop: &Shop) -> Vec<String> {
    rows(
        &shop.sql(),
        "SELECT t.slug, i.period_start, i.period_end, l.position, l.description, l.quantity,
           l.unit_price, l.amount_minor, l.period_start AS line_start, l.period_end AS line_end,
           i.subtotal_minor, i.discount_minor, i.tax_rate, i.tax_minor, i.total_minor, i.status
         FROM invoices i JOIN tenants t ON t.id = i.tenant_id
         LEFT JOIN invoice_lines l ON l.invoice_id = i.id
         ORDER BY t.slug, i.period_start, l.position",
    )
}

/// An invoice as it can be counted by hand: its period, subtotal, discount and tax.
type Counted = (NaiveDate, NaiveDate, i64, i64, i64);

fn found(shop: &Shop) -> BTreeMap<String, Vec<Counted>> {
    let sql = shop.sql();
    let mut statement = sql
        .prepare(
            "SELECT t.slug, period_start, period_end, subtotal_minor, discount_minor, tax_minor
             FROM invoices i JOIN tenants t ON t.id = i.tenant_id ORDER BY period_start",
        )
        .expect("the invoices");
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut rows = statement.query([]).expect("rows");
    while let Some(row) = rows.next().expect("a row") {
        let day = |at| date(&row.get::<_, String>(at).expect("a day"));
        let cents = |at| row.get::<_, i64>(at).expect("an amount");
        let tenant: String = row.get(0).expect("a slug");
        found.entry(tenant).or_default().push((day(1), day(2), cents(3), cents(4), cents(5)));
    }
    found
}

/// What the interface promises to a subscription that nobody touches, counted plainly: nothing of
/// it is the program's.
fn count_by_the_rules(one: &Subscriber) -> Vec<Counted> {
    let (_, months, price) = PLANS.into_iter().find(|(code, ..)| *code == one.plan).expect("it");
    let whole = price * one.quantity;
    let (_, percent, periods) = COUPON;
    // Half of a cent counts as one.
    let part = |amount: i64, of_thousand: i64| (amount * of_thousand * 2 + 1000) / 2000;
    let bill = |nth: usize, start, end, subtotal: i64| {
        let discounted = one.has_coupon && nth < periods;
        let discount = if discounted { part(subtotal, percent * 10) } else { 0 };
        (start, end, subtotal, discount, part(subtotal - discount, tax_rate(one.tenant)))
    };
    let paid_from = date(one.made_on) + chrono::Days::new(one.trial_days);
    let mut counted = Vec::new();
    let first = match one.anchor {
        Anchor::Calendar if paid_from.day() > 1 => {
            let first = paid_from.with_day(1).expect("a first") + Months::new(1);
            let days = (first - paid_from).num_days();
            let of = (first - (first - Months::new(months))).num_days();
            counted.push(bill(0, paid_from, first, (whole * days * 2 + of) / (of * 2)));
            first
        }
        _ => paid_from,
    };
    // So many months from the first, in short ones on their last day.
    let bound = |n: u32| first + Months::new(n * months);
    let begun = (0..).take_while(|n| bound(*n) <= date(LAST_DAY));
    let before = counted.len();
    counted.extend(begun.map(|n| bill(before + n as usize, bound(n), bound(n + 1), whole)));
    counted
}

/// The life that nothing disturbed: what the others are compared with.
static DAILY: LazyLock<Shop> = LazyLock::new(|| live(daily));

#[test]
fn daily_runs_bill_what_counting_by_the_rules_says() {
    let found = found(&DAILY);
    for one in &UNDISTURBED {
        assert_eq!(found[one.tenant], count_by_the_rules(one), "{}", one.tenant);
    }
    let invoices: usize = found.values().map(Vec::len).sum();
    println!("{invoices} invoices of {} subscriptions", subscribers().count());
    assert!(!found.contains_key("trial-only"));
}

#[test]
fn changes_cancellations_and_suspensions_bill_the_periods_that_they_leave() {
    let found = found(&DAILY);
    let starts = |tenant: &str| -> Vec<String> {
        found[tenant].iter().map(|(start, ..)| start.to_string()).collect()
    };
    let end = |tenant: &str| found[tenant].last().map(|(_, end, ..)| end.to_string());
    // The year starts where the month ended, on the same day of the month.
    let changed = &starts("changed")[7..];
    assert_eq!(changed, ["2027-08-20", "2027-09-20", "2028-09-20"]);
    assert_eq!(starts("changed-on-1st")[15..], ["2028-05-01", "2028-06-01", "2028-12-01"]);
    assert_eq!(found["changed-on-1st"][16].2, 2 * 5500);
    assert_eq!(end("canceled").as_deref(), Some("2028-03-10"));
    assert_eq!(end("canceled-in-life").as_deref(), Some("2027-10-01"));
    // Away when its period ended: a new one starts on the day of its return, month after month.
    let away = &starts("away")[12..15];
    assert_eq!(away, ["2028-01-31", "2028-03-05", "2028-04-05"]);
    assert_eq!(found["away"][12].1, date("2028-02-29"));
}

#[test]
fn two_runs_of_each_task_every_day_leave_what_one_leaves() {
    let stammers = live(|_, _| 2);
    assert_same("two runs a day", &stammers.contents(), &DAILY.contents());
}

#[test]
fn a_cron_that_bills_on_the_1st_only_bills_the_same() {
    let shop = live(|day, task| match task {
        Task::GenerateRecurringInvoices => usize::from(day.day() == 1),
        _ => 1,
    });
    assert_same_invoices(&shop);
}

#[test]
fn three_months_without_cron_are_made_up_for_by_its_next_run() {
    let [from, to] = OUTAGE.map(date);
    assert_eq!((from + Months::new(3), from.leap_year()), (to, true));
    let shop = live(|day, _| {
        let [from, to] = OUTAGE.map(date);
        usize::from(!(from..to).contains(&day))
    });
    assert_same_invoices(&shop);
}

fn assert_same_invoices(shop: &Shop) {
    let (found, expected) = (billed(shop), billed(&DAILY));
    let missing: Vec<_> = expected.iter().filter(|row| !found.contains(row)).collect();
    let extra: Vec<_> = found.iter().filter(|row| !expected.contains(row)).collect();
    assert!(found == expected, "missing: {missing:#?}\nextra: {extra:#?}");
}
