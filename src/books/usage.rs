//! Usage that comes in: each event once for ever, into the totals of its day. Its rules are in
//! `domain/usage.rs`; what is billed of it is in [`super::arrears`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::Book;
use crate::domain::event::UsageEvent;
use crate::domain::reject::Reject;
use crate::domain::usage::{self, Aggregation, Incoming, Late, Meter, Subscriber, Total};
use crate::domain::{Act, MeterId, Refusal, Result, SubscriptionId, act, calendar, text};
use crate::store::Db;
use crate::store::usage::{KnownRow, ListedUsage, NewUsageEvent, Taken, UsageSubscriber};

/// What became of events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakenUsage {
    pub accepted: u64,
    /// Those that were there already.
    pub duplicates: u64,
    /// Which were not taken, by their lines.
    pub rejected: Vec<(u64, Reject)>,
    /// How many were accepted, by meter.
    pub by_meter: BTreeMap<String, u64>,
}

/// What is known of meters, subscriptions and days from the events before: most events are of the same.
#[derive(Debug, Default)]
pub struct KnownUsage {
    /// Of which state of the file this is.
    version: Option<i64>,
    meters: HashMap<String, Option<Rc<Meter>>>,
    subscribers: HashMap<SubscriptionId, Option<Rc<UsageSubscriber>>>,
    tenants: HashMap<String, Option<Rc<Vec<SubscriptionId>>>>,
    /// The business day of each quarter of an hour: no zone changes its day within one.
    days: HashMap<i64, Rc<Day>>,
}

/// A business day, and as it is stored.
#[derive(Debug, PartialEq, Eq)]
struct Day {
    date: NaiveDate,
    text: Rc<str>,
}

/// So many subscriptions are known at a time.
const MOST_KNOWN: usize = 16_384;

/// Seconds of a quarter of an hour.
const QUARTER: i64 = 900;

impl KnownUsage {
    /// Forgets what another process may have changed.
    fn refresh(&mut self, db: &Db) -> Result<()> {
        let version = Some(db.data_version()?);
        if self.version != version {
            *self = KnownUsage { version, ..KnownUsage::default() };
        }
        if self.subscribers.len() + self.tenants.len() > MOST_KNOWN {
            self.subscribers.clear();
            self.tenants.clear();
        }
        Ok(())
    }

    fn meter(&mut self, db: &Db, code: &str) -> Result<Option<Rc<Meter>>> {
        if let Some(known) = self.meters.get(code) {
            return Ok(known.clone());
        }
        let found = db.find_meter(code)?.map(Rc::new);
        self.meters.insert(code.to_owned(), found.clone());
        Ok(found)
    }

    fn subscriber(
        &mut self,
        db: &Db,
        id: SubscriptionId,
        since: NaiveDate,
    ) -> Result<Option<Rc<UsageSubscriber>>> {
        if let Some(known) = self.subscribers.get(&id) {
            return Ok(known.clone());
        }
        let found = db.usage_subscriber(id, since)?.map(Rc::new);
        self.subscribers.insert(id, found.clone());
        Ok(found)
    }

    /// The subscriptions of the customer with that name; `None`: there is no such customer.
    fn tenant(&mut self, db: &Db, name: &str) -> Result<Option<Rc<Vec<SubscriptionId>>>> {
        if let Some(known) = self.tenants.get(name) {
            return Ok(known.clone());
        }
        let found = match db.tenant(name) {
            Ok(tenant) => Some(Rc::new(db.subscriptions_of(tenant.id)?)),
            Err(Refusal::NotFound { .. }) => None,
            Err(refusal) => return Err(refusal),
        };
        self.tenants.insert(name.to_owned(), found.clone());
        Ok(found)
    }
}

/// An event that may be taken, unless its id is.
struct Ready<'e> {
    event: &'e Incoming,
    day: Rc<Day>,
    meter: Rc<Meter>,
    subscriber: Rc<UsageSubscriber>,
    /// As it is stored, where it is not what was read.
    value: Option<String>,
    number: Decimal,
}

/// What becomes of an event, as far as it says by itself.
enum Looked<'e> {
    Ready(Ready<'e>),
    /// Too old to be taken; it may be there already.
    Late(Ready<'e>, Reject),
    Rejected(Reject),
}

impl Ready<'_> {
    /// Its row.
    fn as_new(&self) -> NewUsageEvent<'_> {
        NewUsageEvent {
            day: &self.day.text,
            id: &self.event.id,
            meter: self.meter.id,
            subscription: self.subscriber.id,
            at_us: self.event.at_us,
            value: self.value(),
            properties: self.event.properties.as_deref(),
        }
    }

    /// The value as it is stored.
    fn value(&self) -> &str {
        self.value.as_deref().unwrap_or(&self.event.value)
    }
}

/// What the new events of a day come to.
type Folded = BTreeMap<(SubscriptionId, MeterId, Rc<str>), (Aggregation, Total)>;

/// What follows from the new events of a batch.
#[derive(Default)]
struct Following {
    totals: Folded,
    /// Values of meters that count different ones.
    values: BTreeMap<(SubscriptionId, MeterId, Rc<str>, String), i64>,
    /// Periods that were billed before.
    late: BTreeSet<(SubscriptionId, NaiveDate)>,
    /// Days that no period of usage has, of a time that no bill to come will note as one.
    unnoted: BTreeSet<(SubscriptionId, NaiveDate)>,
}

impl Book<'_> {
    /// Takes events, each once for ever: those that are there already are passed over, those that cannot be
    /// taken are named.
    ///
    /// # Errors
    /// A day's sum that is too large, or a fault of the file.
    pub fn take_usage(
        &self,
        known: &mut KnownUsage,
        events: &[Incoming],
        taken: &mut TakenUsage,
    ) -> Result<()> {
        known.refresh(self.db)?;
        let mut ready = Vec::with_capacity(events.len());
        let mut late = Vec::new();
        for event in events {
            match self.ready(known, event)? {
                Looked::Ready(one) => ready.push(one),
                Looked::Late(one, reject) => late.push((one, reject)),
                Looked::Rejected(reject) => taken.rejected.push((event.line, reject)),
            }
        }
        // As they lie in the table; of two with one id, the first line comes first.
        ready.sort_by(|one, other| {
            (&one.day.text, &one.event.id).cmp(&(&other.day.text, &other.event.id))
        });
        let mut following = Following::default();
        let mut writer = self.db.usage_writer()?;
        for (one, reject) in late {
            // A file is sent again as a whole, however long ago it was sent first.
            match writer.has(&one.as_new())? {
                true => taken.duplicates += 1,
                false => taken.rejected.push((one.event.line, reject)),
            }
        }
        for one in &ready {
            match writer.take(&one.as_new())? {
                Taken::New => {
                    taken.accepted += 1;
                    match taken.by_meter.get_mut(&one.meter.code) {
                        Some(count) => *count += 1,
                        None => drop(taken.by_meter.insert(one.meter.code.clone(), 1)),
                    }
                    self.follow(known, one, &mut following)?;
                }
                Taken::Duplicate => taken.duplicates += 1,
                Taken::Conflict => {
                    let (id, day) = (one.event.id.to_string(), one.day.date);
                    taken.rejected.push((one.event.line, Reject::IdConflict { id, day }));
                }
            }
        }
        drop(writer);
        self.write_following(following)
    }

    /// What an event comes to, before its id is looked at.
    fn ready<'e>(&self, known: &mut KnownUsage, event: &'e Incoming) -> Result<Looked<'e>> {
        let rejected = |reject| Ok(Looked::Rejected(reject));
        let Some(meter) = known.meter(self.db, &event.meter)? else {
            return rejected(Reject::UnknownMeter { meter: event.meter.to_string() });
        };
        let Some((value, number)) = read_value(&event.value, meter.aggregation) else {
            return rejected(Reject::BadValue { value: event.value.to_string() });
        };
        let day = self.day_of(known, event.at_us);
        let earliest = self.earliest_usage();
        let found = match &event.of {
            Subscriber::Subscription(id) => self.named(known, *id, earliest)?,
            Subscriber::Tenant(name) => {
                self.of_tenant(known, name, &meter, (day.date, event.at_us), earliest)?
            }
        };
        let subscriber = match found {
            Ok(subscriber) => subscriber,
            Err(reject) => return rejected(reject),
        };
        let fits = fits(&subscriber, &meter, day.date, event.at_us)
            .and_then(|()| self.in_time(day.date, event.at_us, earliest));
        let is_late = day.date < earliest;
        let one = Ready { event, day, meter, subscriber, value, number };
        Ok(match fits {
            Ok(()) => Looked::Ready(one),
            Err(reject) if is_late => Looked::Late(one, reject),
            Err(reject) => Looked::Rejected(reject),
        })
    }

    fn named(
        &self,
        known: &mut KnownUsage,
        id: SubscriptionId,
        since: NaiveDate,
    ) -> Result<std::result::Result<Rc<UsageSubscriber>, Reject>> {
        let unknown = || Reject::UnknownSubscription { name: format!("subscription {id}") };
        Ok(known.subscriber(self.db, id, since)?.ok_or_else(unknown))
    }

    /// The one subscription of a customer that has the meter at that time: one that runs, else one that ran
    /// then, else one that has it at all.
    fn of_tenant(
        &self,
        known: &mut KnownUsage,
        name: &str,
        meter: &Meter,
        (day, at_us): (NaiveDate, i64),
        since: NaiveDate,
    ) -> Result<std::result::Result<Rc<UsageSubscriber>, Reject>> {
        let Some(ids) = known.tenant(self.db, name)? else {
            return Ok(Err(Reject::UnknownSubscription { name: format!("tenant {name}") }));
        };
        let [mut running, mut ended, mut metered] = [const { Vec::new() }; 3];
        for id in ids.iter() {
            let Some(one) = known.subscriber(self.db, *id, since)? else { continue };
            let has_ended = one.ends_on.is_some_and(|on| on <= self.act.today);
            match fits(&one, meter, day, at_us) {
                Ok(()) if has_ended => ended.push(one),
                Ok(()) => running.push(one),
                Err(_) if has_meter(&one, meter.id) => metered.push(one),
                Err(_) => {}
            }
        }
        let (tenant, meter) = (name.to_owned(), meter.code.clone());
        let found = [running, ended, metered].into_iter().find(|several| !several.is_empty());
        let mut found = found.unwrap_or_default();
        Ok(match (found.len(), found.pop()) {
            (1, Some(one)) => Ok(one),
            (_, None) => Err(Reject::NotMetered { who: tenant, meter }),
            (_, Some(last)) => {
                let all = found.iter().chain(std::iter::once(&last));
                let subscriptions = all.map(|one| one.id.to_string()).collect();
                Err(Reject::AmbiguousTenant { tenant, meter, subscriptions })
            }
        })
    }

    /// Checks that an event is neither too old nor of the future.
    fn in_time(
        &self,
        day: NaiveDate,
        at_us: i64,
        earliest: NaiveDate,
    ) -> std::result::Result<(), Reject> {
        if day < earliest {
            return Err(Reject::TooLate { day, earliest });
        }
        let minutes = self.config.usage.accept_early_minutes;
        let latest = self.act.now + TimeDelta::try_minutes(minutes).unwrap_or_default();
        match at_us > latest.timestamp_micros() {
            true => Err(Reject::InFuture { at: instant(at_us), latest: act::instant(latest) }),
            false => Ok(()),
        }
    }

    /// The first day whose events are taken still.
    pub fn earliest_usage(&self) -> NaiveDate {
        calendar::plus_days(self.act.today, -self.config.usage.accept_late_days)
    }

    fn day_of(&self, known: &mut KnownUsage, at_us: i64) -> Rc<Day> {
        let quarter = at_us.div_euclid(QUARTER * 1_000_000);
        let zone = self.config.timezone;
        let day = known.days.entry(quarter).or_insert_with(|| {
            let at = DateTime::from_timestamp(quarter * QUARTER, 0).unwrap_or_default();
            let date = at.with_timezone(&zone).date_naive();
            Rc::new(Day { date, text: date.to_string().into() })
        });
        let day = day.clone();
        if known.days.len() > MOST_KNOWN {
            known.days.clear();
        }
        day
    }

    /// Notes what follows from a new event.
    fn follow(&self, known: &mut KnownUsage, one: &Ready, to: &mut Following) -> Result<()> {
        let (subscription, meter) = (one.subscriber.id, &one.meter);
        let aggregation = meter.aggregation;
        let new = Total::of(aggregation, one.number, one.event.at_us, &one.event.id);
        let key = (subscription, meter.id, one.day.text.clone());
        let too_large = || Refusal::UsageTooLarge { subscription: subscription.to_string() };
        let (_, total) = to.totals.entry(key).or_insert((aggregation, Total::default()));
        *total = std::mem::take(total).plus(new, aggregation).ok_or_else(too_large)?;
        if aggregation == Aggregation::Unique {
            let value = one.value().to_owned();
            let key = (subscription, meter.id, one.day.text.clone(), value);
            *to.values.entry(key).or_insert(0) += 1;
        }
        let day = one.day.date;
        let mut rows = one.subscriber.rows.iter();
        let Some(row) = rows.find(|row| row.starts_on <= day && day < row.ends_on) else {
            let free = one.subscriber.trial_ends_on.is_some_and(|last| day <= last);
            let is_to_come = one.subscriber.bills_from.is_some_and(|from| from <= day);
            if !free && !is_to_come {
                to.unnoted.insert((subscription, day));
                // It is read anew, with the period of that day.
                known.subscribers.remove(&subscription);
            }
            return Ok(());
        };
        if row.billed {
            to.late.insert((subscription, row.starts_on));
        }
        if !row.has(meter.id, None)
            && let Some(offer) = one.subscriber.offers.iter().find(|offer| offer.meter == meter.id)
        {
            self.db.join_meter(subscription, row.starts_on, offer)?;
            // It is read anew, with the meter in that period.
            known.subscribers.remove(&subscription);
        }
        Ok(())
    }

    fn write_following(&self, following: Following) -> Result<()> {
        for ((subscription, meter, day), (aggregation, total)) in following.totals {
            self.db.add_usage_total((subscription, meter, &day), aggregation, total)?;
        }
        for ((subscription, meter, day, value), count) in following.values {
            self.db.count_usage_value((subscription, meter, &day), &value, count)?;
        }
        for (subscription, day) in following.unnoted {
            self.note_usage(subscription, day)?;
        }
        for (subscription, starts_on) in following.late {
            self.db.set_usage_late(subscription, starts_on, Some(Late::New))?;
        }
        Ok(())
    }

    /// Voids an event: it counts no more, and what was billed of it is corrected by the next run.
    ///
    /// # Errors
    /// There is no such event on that day, or it was voided already.
    pub fn void_usage(&self, day: NaiveDate, id: &str, reason: &str) -> Result<ListedUsage> {
        let event = self.db.usage_event(day, id)?;
        if event.voided_at.is_some() {
            return Err(Refusal::UsageVoided { id: event.id });
        }
        self.db.void_usage_event(self.act, &event, reason)?;
        if let Some(period) = self.db.usage_period_at(event.subscription, day)? {
            self.db.set_usage_late(event.subscription, period.period.start, Some(Late::New))?;
        }
        let voided = UsageEvent::Voided {
            id: &event.id,
            day,
            meter: &event.meter,
            subscription: event.subscription,
            value: &event.value,
        };
        self.record(event.tenant_id, voided, Some(reason))?;
        self.db.usage_event(day, id)
    }
}

/// The value of an event as it is stored, where it is not what was read, and as a number, where it is one.
fn read_value(value: &str, aggregation: Aggregation) -> Option<(Option<String>, Decimal)> {
    let (stored, number) = match aggregation {
        Aggregation::Unique => (text::line("value", value, 200).ok()?, Decimal::ZERO),
        _ => {
            let number = usage::number(value).ok()?;
            // Most are whole numbers that are written as they are stored.
            if number.is_integer() && !value.starts_with('0') && !value.contains(['.', '-']) {
                return Some((None, number));
            }
            (number.to_string(), number)
        }
    };
    Some((Some(stored).filter(|stored| stored != value), number))
}

fn has_meter(of: &UsageSubscriber, meter: MeterId) -> bool {
    of.offers.iter().any(|offer| offer.meter == meter)
        || of.rows.iter().any(|row| row.has(meter, None))
}

/// Checks that a subscription had the meter at that time.
fn fits(
    of: &UsageSubscriber,
    meter: &Meter,
    day: NaiveDate,
    at_us: i64,
) -> std::result::Result<(), Reject> {
    let (subscription, code) = (|| of.id.to_string(), || meter.code.clone());
    let not_metered = || Reject::NotMetered { who: subscription(), meter: code() };
    if !has_meter(of, meter.id) {
        return Err(not_metered());
    }
    if day < of.started_on {
        let started_on = of.started_on;
        return Err(Reject::BeforeStart { subscription: subscription(), started_on });
    }
    let contains = |row: &&KnownRow| row.starts_on <= day && day < row.ends_on;
    let row = of.rows.iter().find(contains);
    if let Some(ends_on) = of.ends_on.filter(|on| day >= *on) {
        let ended_at = of.ended_at.as_deref().and_then(|at| DateTime::parse_from_rfc3339(at).ok());
        let until = ended_at.map(|at| at.timestamp_micros()).filter(|_| row.is_some());
        if until.is_none_or(|until| at_us > until) {
            return Err(Reject::AfterEnd { subscription: subscription(), ends_on });
        }
    }
    let in_row = row.is_some_and(|row| row.has(meter.id, Some(day)));
    let offered = of.offers.iter().any(|offer| offer.meter == meter.id && offer.from <= day);
    if in_row || offered { Ok(()) } else { Err(not_metered()) }
}

/// A moment as it is shown: RFC 3339 in UTC, to the microsecond where it has such.
pub fn instant(at_us: i64) -> String {
    let at: DateTime<Utc> = DateTime::from_timestamp_micros(at_us).unwrap_or_default();
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// Who takes events.
pub fn importer(by: &Act) -> Act {
    by.by("import:usage")
}
