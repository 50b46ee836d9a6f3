//! Random lives of customers. What the report adds up is worked out here once more, from what
//! happened and in the simplest way: the day is replayed from the beginning.

use proptest::prelude::*;

use super::*;
use crate::domain::calendar;
use crate::domain::plan::IntervalUnit;

/// What happens to a subscription at noon of a day.
#[derive(Debug, Clone, Copy)]
enum Event {
    Suspended,
    Returned,
    Canceled,
    /// Another plan, or more or less of it.
    Changed {
        minor: i64,
        quantity: i64,
        yearly: bool,
    },
}

/// A coupon from noon of a day on, up to the start of another or forever.
#[derive(Debug, Clone, Copy)]
struct Off {
    from: i64,
    until: Option<i64>,
    percent: i64,
}

/// The life of a subscription. Days are counted from that on which it was made.
#[derive(Debug, Clone)]
struct Life {
    made: i64,
    starts: i64,
    /// The first day after its end, planned and not recorded.
    ends: Option<i64>,
    on_trial: bool,
    minor: i64,
    quantity: i64,
    yearly: bool,
    /// Each some days after the one before.
    events: Vec<(i64, Event)>,
    off: Option<Off>,
}

/// The first day of 2025 and so many more.
fn day(nth: i64) -> NaiveDate {
    calendar::plus_days(NaiveDate::from_ymd_opt(2025, 1, 1).unwrap(), nth)
}

fn noon(nth: i64) -> String {
    format!("{}T12:00:00Z", day(nth))
}

impl Life {
    /// What the report knows of it.
    fn timeline(&self) -> Timeline {
        let whole = |minor, quantity| Money::from_minor(minor * quantity, Currency::XOF);
        let interval = |yearly| Interval {
            unit: if yearly { IntervalUnit::Year } else { IntervalUnit::Month },
            count: 1,
        };
        let status =
            if self.on_trial { SubscriptionStatus::Trialing } else { SubscriptionStatus::Active };
        let mut standings = vec![Standing {
            plan: PlanId(1),
            since: noon(self.made),
            status,
            whole: whole(self.minor, self.quantity),
            basis: TaxBasis::Exclusive,
            interval: interval(self.yearly),
        }];
        let mut at = self.made;
        for (days, event) in &self.events {
            at += days;
            let mut next = Standing { since: noon(at), ..standings[standings.len() - 1].clone() };
            match *event {
                Event::Suspended => next.status = SubscriptionStatus::Suspended,
                Event::Returned => next.status = SubscriptionStatus::Active,
                Event::Canceled => next.status = SubscriptionStatus::Canceled,
                Event::Changed { minor, quantity, yearly } => {
                    next.whole = whole(minor, quantity);
                    next.interval = interval(yearly);
                }
            }
            standings.push(next);
        }
        let coupon = self.off.map(|off| Lasting {
            plans: Vec::new(),
            redeemed_at: noon(self.made + off.from),
            returned_at: None,
            discount: Discount::Percent(off.percent.into()),
            periods: off.until.map(|_| 1),
            usages: (off.until.into_iter())
                .map(|until| Discounted {
                    used_at: noon(self.made + off.from),
                    returned_at: None,
                    until: day(self.made + until),
                })
                .collect(),
        });
        Timeline {
            started_on: day(self.made + self.starts),
            ends_on: self.ends.map(|days| day(self.made + days)),
            items: vec![standings],
            coupons: coupon.into_iter().collect(),
            rates: Rates::default(),
        }
    }

    /// What it comes to a month on a day, in the morning or in the afternoon, in twelfths.
    fn comes_to(&self, today: i64, afternoon: bool) -> i128 {
        let is_past = |on: i64| on < today || on == today && afternoon;
        let starts = self.made + self.starts;
        let over = self.ends.is_some_and(|days| self.made + days <= today);
        if !is_past(self.made) || today < starts || over {
            return 0;
        }
        let (mut runs, mut at) = (!self.on_trial, self.made);
        let (mut minor, mut quantity, mut yearly) = (self.minor, self.quantity, self.yearly);
        for (days, event) in &self.events {
            at += days;
            match *event {
                _ if !is_past(at) => break,
                Event::Suspended | Event::Canceled => runs = false,
                Event::Returned => runs = true,
                Event::Changed { minor: m, quantity: q, yearly: y } => {
                    (minor, quantity, yearly) = (m, q, y);
                }
            }
        }
        let whole = minor * quantity;
        let off = match self.off {
            Some(off) if is_past(self.made + off.from) => match off.until {
                Some(until) if self.made + until <= today => 0,
                _ => (whole * off.percent + 50) / 100,
            },
            _ => 0,
        };
        let twelfths = if yearly { 1 } else { 12 };
        if runs { i128::from((whole - off) * twelfths) } else { 0 }
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => Just(Event::Suspended),
        3 => Just(Event::Returned),
        1 => Just(Event::Canceled),
        4 => (0i64..50_000, 1i64..5, any::<bool>())
            .prop_map(|(minor, quantity, yearly)| Event::Changed { minor, quantity, yearly }),
    ]
}

prop_compose! {
    fn any_off()(from in 0i64..90, until in prop::option::of(1i64..200), percent in 1i64..=100)
        -> Off
    {
        // Every third takes all of it.
        Off { from, until: until.map(|days| from + days), percent: (percent * 3 / 2).min(100) }
    }
}

prop_compose! {
    fn any_life()(
        made in 0i64..300, starts in prop_oneof![3 => Just(0i64), 1 => 1i64..60],
        ends in prop::option::of(1i64..300), on_trial in prop::bool::weighted(0.2),
        minor in 1i64..50_000, quantity in 1i64..5, yearly in any::<bool>(),
        events in prop::collection::vec((1i64..70, any_event()), 0..6),
        off in prop::option::of(any_off()),
    ) -> Life {
        Life { made, starts, ends, on_trial, minor, quantity, yearly, events, off }
    }
}

#[test]
fn a_month_s_share_is_exact_and_rounded_once_in_the_sum() {
    let parts = Parts::of([1, 12, 3]);
    let mut roll = Roll::new(Currency::XOF, 1, parts);
    for _ in 0..3 {
        roll.add(&[0, parts.share(10_000, 12)], &[0, 1], |_| Ok(false)).unwrap();
    }
    let month = roll.month(0).unwrap();
    assert_eq!((month.mrr, month.movements.new), (2_500, 2_500));
    // A half is away from zero, and no sum of ten thousand thirds loses one.
    assert_eq!(parts.rounded(parts.share(1, 12) * 6), Some(1));
    assert_eq!(parts.rounded(parts.share(-1, 12) * 6), Some(-1));
    assert_eq!(parts.rounded(parts.share(1, 3) * 10_000), Some(3_333));
    // More kinds of intervals than parts can be had for are near enough.
    let many = Parts::of(1..1440);
    assert!(many.0 <= FINEST);
    assert_eq!(many.rounded(many.share(1_439_000, 1439)), Some(1_000));
}

proptest! {
    /// Start and movements add up to the revenue of each month, and a month starts with that of
    /// the one before.
    #[test]
    fn the_movements_explain_every_month(
        customers in prop::collection::vec(prop::collection::vec(any_life(), 1..4), 1..8),
    ) {
        // The last days of 17 months, the first of them before anything happened.
        let mut ends = vec![-1];
        ends.extend((0..480).filter(|nth| day(nth + 1).format("%d").to_string() == "01"));
        let cuts: Vec<Cut> = (ends.iter())
            .map(|nth| Cut { at: format!("{}T23:59:59Z", day(*nth)), on: day(*nth) })
            .collect();
        let at = |at: &str| Cut { at: at.to_owned(), on: at[..10].parse().unwrap() };
        let start_of = |on: NaiveDate| Cut { at: format!("{on}T00:00:00Z"), on };

        let parts = Parts::of([1, 12]);
        let mut roll = Roll::new(Currency::XOF, cuts.len() - 1, parts);
        for lives in &customers {
            let timelines: Vec<_> = lives.iter().map(Life::timeline).collect();
            let sums = cuts.iter().map(|cut| timelines.iter().map(|t| t.monthly(cut, parts).unwrap()).sum());
            let run = cuts.iter().map(|cut| {
                timelines.iter().filter(|t| t.monthly(cut, parts).unwrap() > 0).count() as u64
            });
            let first = timelines.iter().filter_map(|t| t.first_revenue(at, start_of, parts).unwrap()).min();
            let had = |nth: usize| Ok(first.as_ref().is_some_and(|first| *first <= cuts[nth].at));
            roll.add(&sums.collect::<Vec<_>>(), &run.collect::<Vec<_>>(), had).unwrap();
        }

        let pays = |lives: &[Life], on: i64, afternoon: bool| -> i128 {
            lives.iter().map(|life| life.comes_to(on, afternoon)).sum()
        };
        for (nth, exact) in roll.months.iter().enumerate() {
            let month = roll.month(nth).unwrap();
            let (before, after) = (ends[nth], ends[nth + 1]);
            let total = |on| customers.iter().map(|lives| pays(lives, on, true)).sum::<i128>();
            let shown = |twelfths: i128| i64::try_from((twelfths + 6) / 12).unwrap();
            prop_assert_eq!(month.start, shown(total(before)));
            prop_assert_eq!(month.mrr, shown(total(after)));
            prop_assert_eq!(month.start + month.movements.sum(), month.mrr);
            if nth > 0 {
                prop_assert_eq!(month.start, roll.month(nth - 1).unwrap().mrr);
            }
            let mut moved = [0i128; 5];
            let (mut paying, mut running) = (0, 0);
            for lives in &customers {
                let (was, is) = (pays(lives, before, true), pays(lives, after, true));
                let had = (0..=before)
                    .any(|on| pays(lives, on, false) > 0 || pays(lives, on, true) > 0);
                match (was == 0, is == 0) {
                    (true, _) if had => moved[REACTIVATION] += is,
                    (true, _) => moved[NEW] += is,
                    (false, true) => moved[CHURN] -= was,
                    (false, false) if is > was => moved[EXPANSION] += is - was,
                    (false, false) => moved[CONTRACTION] += is - was,
                }
                paying += u64::from(is > 0);
                running += lives.iter().filter(|life| life.comes_to(after, true) > 0).count() as u64;
            }
            prop_assert_eq!(exact.moved, moved);
            let Movements { new, expansion, contraction, churn, reactivation } = month.movements;
            for (shown, exact) in
                [new, expansion, contraction, churn, reactivation].into_iter().zip(moved)
            {
                prop_assert!((i128::from(shown) * 12 - exact).abs() < 12, "{} of {}", shown, exact);
            }
            prop_assert_eq!((month.customers, month.subscriptions), (paying, running));
        }
    }
}

#[test]
fn a_price_with_tax_counts_without_it_at_the_rate_of_its_day() {
    let standing = Standing {
        since: noon(0),
        plan: PlanId(1),
        status: SubscriptionStatus::Active,
        whole: Money::from_minor(10_000, Currency::XOF),
        basis: TaxBasis::Inclusive,
        interval: Interval { unit: IntervalUnit::Month, count: 1 },
    };
    let mut timeline = Timeline {
        started_on: day(0),
        ends_on: None,
        items: vec![vec![standing]],
        coupons: Vec::new(),
        rates: Rates { billed: Vec::new(), now: Decimal::from(18) },
    };
    let comes_to = |timeline: &Timeline, nth| {
        timeline.monthly(&Cut { at: noon(nth), on: day(nth) }, Parts::of([1])).unwrap()
    };
    assert_eq!(comes_to(&timeline, 1), 8475);
    // What was billed at another rate before stays what it was.
    timeline.rates.billed = vec![(noon(2), Decimal::from(20)), (noon(40), Decimal::from(18))];
    let then = [1, 30, 39, 40].map(|nth| comes_to(&timeline, nth));
    assert_eq!(then, [8333, 8333, 8333, 8475]);
}
