//! Years in which everything happens to subscriptions, in an order that nobody would think of:
//! whatever was done, what is kept agrees with what it is computed from, and no run fails.
mod support;

use std::collections::BTreeMap;

use billing::books::change::NewNow;
use billing::books::pause::Credit;
use billing::books::reprice::Existing;
use billing::books::subscribe::NewStart;
use billing::books::{Back, Book, Sent, Then, Voiding};
use billing::domain::invoice::{Amounts, Invoice, Line};
use billing::domain::items::{Change, Edit};
use billing::domain::period::Anchor;
use billing::domain::plan::Plan;
use billing::domain::price::{Model, PriceTerms};
use billing::domain::proration::BillChanges;
use billing::domain::schedule::Task;
use billing::domain::subscription::{Collection, NewPause, Subscription, When};
use billing::domain::{Act, Money, Refusal, Result};
use billing::store::{Db, SubscriptionFilter};
use billing::tasks::Options;
use chrono::{Days, NaiveDate};
use support::inside::{Inside, Random, check};
use support::{Shop, rows};

const PLANS: [&str; 4] = ["monthly", "quarterly", "half-yearly", "yearly"];
/// What subscriptions that are billed each month have besides.
const EXTRAS: [&str; 2] = ["seats", "support"];
const ANCHORS: [Anchor; 2] = [Anchor::Calendar, Anchor::Anniversary];
const TENANTS: u64 = 6;
const LIVES: usize = 4;
const STEPS: usize = 220;

/// What could be asked for of the items of a subscription.
fn any_edit(db: &Db, one: &Subscription, plan: Plan, random: &mut Random) -> Result<Edit> {
    let quantity = 1 + random.below(5) as i64;
    let extra = EXTRAS[random.below(2) as usize];
    Ok(match random.below(4) {
        0 => Edit::Remove { plan: extra.to_owned() },
        1 => Edit::Add { plan: Box::new(db.plan(extra)?), quantity },
        _ => {
            let items: Vec<_> = one.coming_terms().items.iter().cloned().collect();
            let item = random.one_of(&items).map(|item| item.plan);
            // One alone goes anywhere, one of several to another plan of its interval.
            let plan = Some(plan).filter(|_| items.len() == 1);
            Edit::Change(vec![Change { item, plan, quantity: Some(quantity) }])
        }
    })
}

/// Does something at random; being refused is an outcome like any other, and changes nothing.
fn do_something(db: &Db, act: &Act, inside: &Inside, random: &mut Random) -> Result<()> {
    let config = &inside.config;
    let tenant = db.tenant(&format!("t{}", random.below(TENANTS)))?;
    let plan = db.plan(PLANS[random.below(4) as usize])?;
    let mut subscriptions: Vec<Subscription> = Vec::new();
    let filter = SubscriptionFilter { tenant: Some(tenant.id), ..SubscriptionFilter::default() };
    db.each_subscription(&filter, |subscription| {
        subscriptions.push(subscription);
        Ok(true)
    })?;
    let subscription = random.one_of(&subscriptions);
    if random.below(25) == 0 {
        let price = Money::from_minor(500 + random.below(20_000) as i64, plan.price.currency);
        let terms = PriceTerms::plain(Model::per_unit(price));
        let from = act.today + chrono::Days::new(random.below(70));
        let existing = match random.below(4) {
            0 => Existing::Keep,
            _ => Existing::MoveFrom(Some(from)),
        };
        return Book::new(db, act, config).reprice(&plan, &plan.price, terms, existing).map(drop);
    }
    match (random.below(14), subscription) {
        (0, _) | (_, None) if subscriptions.len() < 8 => {
            let later = chrono::Days::new(random.below(3) * random.below(40));
            let mut others = Vec::new();
            if plan.code == PLANS[0] && random.below(2) == 0 {
                others.push((db.plan(EXTRAS[0])?, 1 + random.below(5) as i64));
            }
            let new = NewStart {
                tenant: &tenant,
                plan: &plan,
                start: act.today + later,
                trial_days: Some((random.below(3) * random.below(30)) as i64),
                anchor: ANCHORS[random.below(2) as usize],
                quantity: 1 + random.below(5) as i64,
                others: &others,
                collection: Collection::Invoice,
            };
            let id = Book::new(db, act, config).begin_subscription(&new)?;
            match random.below(2) {
                0 => Ok(()),
                _ => Book::new(db, act, config).bill_first(id),
            }
        }
        (1 | 2, Some(one)) => {
            let edit = any_edit(db, &one, plan, random)?;
            Book::new(db, act, config).change_subscription(&one, &edit).map(drop)
        }
        (3, Some(one)) => {
            Book::new(db, act, config).cancel_subscription(&one, When::PeriodEnd, None).map(drop)
        }
        (4, Some(one)) if random.below(6) == 0 => {
            Book::new(db, act, config).cancel_subscription(&one, When::Now, None).map(drop)
        }
        (5, Some(one)) => Book::new(db, act, config).resume(&one).map(drop),
        (6, _) if random.below(3) == 0 => Book::new(db, act, config).suspend(&tenant, "a quarrel"),
        (7 | 8, _) => Book::new(db, act, config).reactivate(&tenant, None, None).map(drop),
        (9, Some(one)) => {
            let invoices = db.invoices_of_subscription(&one)?;
            match random.one_of(&invoices) {
                Some(invoice) => {
                    let anew = random.below(2) == 0;
                    let then = if anew { Then::BillAnew } else { Then::StaysUnbilled };
                    let how = Voiding { sent: Sent::Allowed, then };
                    Book::new(db, act, config).void(&invoice, "a mistake", how)
                }
                None => Ok(()),
            }
        }
        (10 | 11, Some(one)) => {
            let new = NewNow {
                edit: any_edit(db, &one, plan, random)?,
                anchor: random.one_of(&ANCHORS).filter(|_| random.below(6) == 0),
                bill: random.one_of(&[BillChanges::Now, BillChanges::Next]),
            };
            Book::new(db, act, config).change_now(&one, &new).map(drop)
        }
        (12, Some(one)) => {
            let from = random.one_of(&[None, Some(act.today), Some(act.today + Days::new(9))]);
            let from = from.flatten();
            let first = from.unwrap_or(act.today);
            let until = first + Days::new(random.below(90));
            let asked = NewPause {
                from,
                until: Some(until).filter(|_| random.below(2) == 0),
                reason: None,
            };
            let credit = if random.below(2) == 0 { Credit::Rest } else { Credit::Nothing };
            Book::new(db, act, config).pause_subscription(&one, asked, credit).map(drop)
        }
        (13, Some(one)) if random.below(4) == 0 => {
            Book::new(db, act, config).cancel_and_give_back(&one, Back::Balance, None).map(drop)
        }
        _ => Ok(()),
    }
}

/// What an invoice says to whoever asked for the next one before.
type Said = (Option<(NaiveDate, NaiveDate)>, NaiveDate, NaiveDate, Amounts, Vec<Line>);

fn said(invoice: Invoice) -> Said {
    let amounts = invoice.amounts();
    (invoice.period, invoice.issued_on, invoice.due_on, amounts, invoice.lines)
}

/// The invoices that a task is to issue today, the next one of each subscription, by what previews say.
fn foreseen(db: &Db, act: &Act, inside: &Inside, task: Task) -> Result<BTreeMap<i64, Said>> {
    let book = Book::new(db, act, &inside.config);
    let mut foreseen = BTreeMap::new();
    db.each_subscription(&SubscriptionFilter::default(), |subscription| {
        match book.preview_invoice(subscription.id) {
            Ok(next) if next.by == task && next.invoice.issued_on == act.today => {
                foreseen.insert(subscription.id.0, said(next.invoice));
            }
            Ok(_) | Err(Refusal::NothingFollows { .. }) => {}
            Err(refusal) => return Err(refusal),
        }
        Ok(true)
    })?;
    Ok(foreseen)
}

fn last_invoice(shop: &Shop) -> i64 {
    let query = "SELECT coalesce(max(id), 0) FROM invoices";
    shop.sql().query_row(query, [], |row| row.get(0)).expect("a row")
}

/// The first invoice of each subscription of those that came after `last`.
fn issued_after(db: &Db, last: i64) -> Result<BTreeMap<i64, Said>> {
    let mut issued = BTreeMap::new();
    db.each_subscription(&SubscriptionFilter::default(), |subscription| {
        let invoices = db.invoices_of_subscription(&subscription)?.into_iter();
        let new = invoices.filter(|invoice| invoice.id.0 > last);
        if let Some(first) = new.min_by_key(|invoice| invoice.id) {
            issued.insert(subscription.id.0, said(db.invoice_by_id(first.id)?));
        }
        Ok(true)
    })?;
    Ok(issued)
}

/// Invoices over a period that began while its subscription was suspended, by its history.
fn billed_in_absence(shop: &Shop) -> Vec<String> {
    rows(
        &shop.sql(),
        "SELECT i.number, i.subscription_id, i.period_start, i.period_end, h.since, h.until
         FROM invoices i JOIN (
           SELECT subscription_id, status, since,
             lead(since, 1, '9999') OVER (PARTITION BY item_id ORDER BY id) AS until
           FROM subscription_states) h ON h.subscription_id = i.subscription_id
         WHERE h.status = 'suspended' AND date(h.since) < i.period_start
           AND i.period_start < substr(h.until, 1, 10)",
    )
}

#[test]
fn whatever_is_done_in_whatever_order_every_run_succeeds_and_the_books_agree() {
    let mut random = Random::seeded();
    let shop = Shop::with_config("[trials]\non_end = \"convert\"\n");
    for (code, months) in PLANS.into_iter().zip(["1", "3", "6", "12"]) {
        shop.plan(code, "99.90", months, &[]);
    }
    EXTRAS.iter().for_each(|code| shop.plan(code, "7.35", "1", &[]));
    for n in 0..TENANTS {
        shop.tenant(&format!("t{n}"));
        if n % 2 == 0 {
            shop.pays_by_itself(&format!("t{n}"));
        }
    }
    let prepared = shop.prepared();
    let first: NaiveDate = "2027-01-01".parse().expect("a date");
    let (mut compared_in_all, mut done) = (0, [0; 3]);
    for life in 0..LIVES {
        let shop = prepared.shop();
        let inside = Inside::new(&shop);
        let mut store = inside.open();
        let options = Options { no_deliver: true, ..Options::default() };
        let (mut day, mut compared) = (first, 0);
        for step in 0..STEPS {
            // Mostly a few days pass; now and then cron is out for months.
            let days = if random.below(25) == 0 { random.below(150) } else { random.below(9) };
            day = day + chrono::Days::new(days);
            let act = inside.clock(&format!("{day}T10:00:00Z")).act("operator");
            let what = format!("life {life}, step {step}, {day}");
            for _ in 0..=random.below(2) {
                let done = store.write(|db| do_something(db, &act, &inside, &mut random));
                if let Err(refusal) = done {
                    assert!(refusal.is_of_the_item(), "{what}: {refusal:?}");
                }
            }
            for task in [Task::GenerateRecurringInvoices, Task::CleanupExpiredTrials] {
                if random.below(3) > 0 {
                    let at = format!("{day}T12:00:00Z");
                    let is_foreseen = step % 3 == 0;
                    let last = last_invoice(&shop);
                    let looked = store.read(|db| match is_foreseen {
                        true => foreseen(db, &act, &inside, task),
                        false => Ok(BTreeMap::new()),
                    });
                    let looked = looked.expect("previews");
                    inside.run(&mut store, task, &at, &options);
                    if is_foreseen {
                        let issued = store.read(|db| issued_after(db, last)).expect("invoices");
                        assert_eq!(looked, issued, "{what}: {task} issues what was foreseen");
                        compared += issued.len();
                    }
                    let again = inside.run(&mut store, task, &at, &options);
                    assert_eq!(again.emails_queued, 0, "{what}: {task} does its work once");
                }
            }
            if step % 10 == 9 {
                check(&mut store, &what);
            }
        }
        drop(store);
        shop.check();
        let count = |what: &str| rows(&shop.sql(), &format!("SELECT 1 FROM {what}")).len();
        let (invoices, standings) = (count("invoices"), count("subscription_states"));
        println!(
            "life {life}: {invoices} invoices, {standings} standings, until {day}, {compared} foreseen"
        );
        assert!(invoices > 15 && standings > 15);
        let (changes, pauses) = (
            count("invoices WHERE purpose = 'change'"),
            count("subscription_states WHERE status = 'paused'"),
        );
        let given_back = count("invoices WHERE billed_until IS NOT NULL");
        println!("{changes} invoices of changes, {pauses} pauses, {given_back} rests given back");
        for (sum, of_life) in done.iter_mut().zip([changes, pauses, given_back]) {
            *sum += of_life;
        }
        compared_in_all += compared;
        assert_eq!(billed_in_absence(&shop), Vec::<String>::new(), "life {life}");
    }
    assert!(compared_in_all > 10);
    assert!(done.iter().sum::<usize>() > 5, "{done:?}");
}
