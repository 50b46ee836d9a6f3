//! What is billed of usage, in arrears: what the periods of a subscription come to that are over, less what
//! was billed of them. Looked at by whoever bills and by whoever asks before; written by who bills.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::Book;
use crate::domain::email::Locale;
use crate::domain::invoice::Line;
use crate::domain::period::{Cycle, Period};
use crate::domain::recurrence::{Backlog, Bill, decide};
use crate::domain::subscription::{Subscription, SubscriptionStatus, Terms};
use crate::domain::tax::TaxBasis;
use crate::domain::usage::{
    self, Aggregation, Charge, Difference, Late, Meter, MeterPrice, UsagePeriod,
};
use crate::domain::{
    Currency, InvoiceId, MeterId, Money, Result, SubscriptionId, calendar, wording,
};
use crate::store::usage::BilledUsage;

impl Book<'_> {
    /// Ends the usage of a subscription with its period, on that day, before the period was to end: what was
    /// used until then is billed when it is settled, with the invoice that comes then or alone. What is used
    /// from then on belongs to the next period, or to none.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn end_usage_period(&self, subscription: &Subscription, on: NaiveDate) -> Result<()> {
        if let Some(mut arrears) = self.arrears(subscription)? {
            arrears.end(on)?;
            arrears.write()?;
        }
        Ok(())
    }

    /// Notes the time around a day on which something was used, so that it is billed at the prices that it
    /// had then: whichever plan, item or price is given up before the period is over.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn note_usage(&self, of: SubscriptionId, day: NaiveDate) -> Result<()> {
        if self.db.usage_period_at(of, day)?.is_some() {
            return Ok(());
        }
        let subscription = self.db.subscription(of)?;
        let Some(mut arrears) = self.arrears(&subscription)? else { return Ok(()) };
        arrears.note(&subscription, day)?;
        arrears.write()
    }

    /// Ends the usage of a subscription that ends on that day; the day on which it is canceled counts.
    ///
    /// # Errors
    /// A fault of the file.
    pub(super) fn end_usage(&self, subscription: &Subscription, ends_on: NaiveDate) -> Result<()> {
        let planned = subscription.ends_on == Some(ends_on);
        let until = match ends_on == self.act.today && !planned {
            true => calendar::plus_days(ends_on, 1),
            false => ends_on,
        };
        self.end_usage_period(subscription, until)?;
        self.db.wake_late_usage(subscription.id)
    }
}

/// A line that bills usage, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageLine {
    pub line: Line,
    pub starts_on: NaiveDate,
    pub meter: MeterId,
}

/// What was used by a meter.
#[derive(Debug, Clone)]
pub struct UsedOfMeter {
    pub meter: Meter,
    pub events: i64,
    pub quantity: Decimal,
    /// What it comes to, as an invoice would say it.
    pub lines: Vec<Line>,
    pub amount: Money,
    /// What of that was billed, less what was credited because it was void.
    pub billed: Money,
    /// Each day on which something was used: the events, and what they come to by themselves.
    pub days: Vec<(NaiveDate, i64, Decimal)>,
}

/// Which usage is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ripe {
    /// Of periods that ended on or before that day: the grace is over.
    Settled(NaiveDate),
    /// Of all, as it stands: somebody asks what it comes to so far.
    SoFar,
}

impl Ripe {
    fn takes(self, period: &UsagePeriod) -> bool {
        match self {
            Ripe::Settled(day) => period.period.end <= day,
            Ripe::SoFar => true,
        }
    }
}

/// The usage of a subscription that is not billed, or not billed right, as one bill after another takes it.
#[derive(Debug)]
pub struct Arrears<'a> {
    book: Book<'a>,
    of: SubscriptionId,
    locale: Locale,
    currency: Currency,
    /// What holds until a bill says otherwise.
    terms: Terms,
    cycle: Cycle,
    /// Where usage begins to be billed; before it was a trial, or nothing.
    from: Option<NaiveDate>,
    /// Whether it has ended: then no period grows any more.
    ended: bool,
    /// Oldest first; the last of them may be billed.
    periods: Vec<UsagePeriod>,
    /// As they are written.
    written: Vec<UsagePeriod>,
}

impl<'a> Book<'a> {
    /// The first day that is not settled: what was used before it was sent by now, `[usage] grace_hours` after
    /// its end.
    pub fn settled_day(&self) -> NaiveDate {
        let grace = chrono::TimeDelta::try_hours(self.config.usage.grace_hours).unwrap_or_default();
        (self.act.now - grace).with_timezone(&self.config.timezone).date_naive()
    }

    /// The usage of a subscription that is not billed; `None` where it has no meter and had none.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn arrears(&self, subscription: &Subscription) -> Result<Option<Arrears<'a>>> {
        if !self.db.has_meters()? {
            return Ok(None);
        }
        let trial = subscription.trial_ends_on.map(|last| calendar::plus_days(last, 1));
        let billed =
            subscription.period.filter(|period| trial.is_none_or(|end| period.start >= end));
        let periods = self.db.open_usage_periods(subscription.id)?;
        let arrears = Arrears {
            book: *self,
            of: subscription.id,
            locale: self.db.tenant_by_id(subscription.tenant_id)?.locale,
            currency: subscription.terms.currency(),
            terms: subscription.terms.clone(),
            cycle: subscription.cycle,
            from: billed.map(|period| period.start).or(subscription.period.and(trial)),
            ended: subscription.status == SubscriptionStatus::Canceled,
            written: periods.clone(),
            periods,
        };
        let is_metered = !arrears.periods.is_empty()
            || !arrears.prices(&arrears.terms)?.is_empty()
            || match &subscription.pending {
                Some(pending) => !arrears.prices(pending)?.is_empty(),
                None => false,
            };
        Ok(is_metered.then_some(arrears))
    }

    /// The day up to which periods of a subscription are billed today: one that follows usage waits until
    /// that is settled.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn billing_day(&self, subscription: &Subscription) -> Result<NaiveDate> {
        let (today, settled) = (self.act.today, self.settled_day());
        let from = subscription.unbilled.map(|unbilled| unbilled.from);
        if subscription.next_billing_on.or(from).is_none_or(|next| next > today) {
            return Ok(today);
        }
        let Some(mut arrears) = self.arrears(subscription)? else { return Ok(today) };
        // One after another: a period may be the last that has a meter.
        for bill in decide(subscription, today, Backlog::Allowed).bills {
            let start = bill.period.start;
            if start > settled && arrears.waits_for(start, settled)? {
                return Ok(calendar::plus_days(start, -1));
            }
            arrears.pass_over(&bill)?;
        }
        Ok(today)
    }
}

impl Arrears<'_> {
    /// The prices that terms have for meters: those of the period before where the plan had them then, so
    /// that what a subscriber agreed to stays, else those that the plan offers.
    fn prices(&self, terms: &Terms) -> Result<Vec<MeterPrice>> {
        let before = self.periods.last().map_or(&[][..], |last| &last.prices);
        let mut prices: Vec<MeterPrice> = Vec::new();
        for item in terms.items.iter() {
            let kept = before.iter().filter(|price| price.plan == item.plan_id).cloned();
            let kept = kept.map(|price| MeterPrice { item: item.id, ..price });
            let offered =
                self.book.db.offered_meter_prices(item.plan_id, item.price.currency, item.id)?;
            for price in kept.chain(offered) {
                if prices.iter().all(|there| there.meter.id != price.meter.id) {
                    prices.push(price);
                }
            }
        }
        Ok(prices)
    }

    /// Notes the time up to that day in which the subscription was not billed itself: usage of it counts.
    fn fill(&mut self, until: NaiveDate) -> Result<()> {
        let last = self.periods.last().map(|last| last.period.end);
        // What ended was noted when it did.
        let from = last.or(self.from).filter(|from| *from < until && !self.ended);
        let Some(from) = from else { return Ok(()) };
        let prices = self.prices(&self.terms)?;
        if prices.is_empty() {
            return Ok(());
        }
        for period in usage::tiles(self.cycle, from, until) {
            self.periods.push(UsagePeriod::away(period, prices.clone()));
        }
        Ok(())
    }

    /// Whether a bill from that day on takes usage that is not billed.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn precedes(&mut self, start: NaiveDate) -> Result<bool> {
        self.fill(start)?;
        Ok(self.periods.iter().any(|period| !period.billed && period.period.end <= start))
    }

    /// Goes on behind a bill, which takes what is settled by then.
    fn pass_over(&mut self, bill: &Bill) -> Result<()> {
        self.begin(bill.period.start)?;
        for period in self.periods.iter_mut().filter(|one| one.period.end <= bill.period.start) {
            period.billed = true;
        }
        self.open(bill)
    }

    /// Whether usage that a bill from that day on takes is not settled.
    fn waits_for(&mut self, start: NaiveDate, settled: NaiveDate) -> Result<bool> {
        self.fill(start)?;
        let mut before = self.periods.iter().filter(|period| period.period.end <= start);
        Ok(before.any(|period| !period.billed && period.period.end > settled))
    }

    /// Ends what runs on the day on which a period begins that is billed: where one is billed before the one
    /// before it was to end, its usage belongs to it from that day on.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn begin(&mut self, start: NaiveDate) -> Result<()> {
        self.fill(start)?;
        let spans = |one: &&mut UsagePeriod| {
            !one.billed && one.period.start < start && start < one.period.end
        };
        for period in self.periods.iter_mut().filter(spans) {
            period.period.end = start;
        }
        Ok(())
    }

    /// Notes the time around a day that no period of usage has: of what was billed then, else of the cycle,
    /// as far as no other is of it.
    fn note(&mut self, of: &Subscription, day: NaiveDate) -> Result<()> {
        let db = self.book.db;
        let billed = match db.period_invoice_on(of.id, day)? {
            Some((invoice, until)) => invoice.period.map(|(start, _)| Period { start, end: until }),
            None => of.period.filter(|period| period.contains(day)),
        };
        let mut around = billed.unwrap_or_else(|| self.cycle.interval_around(day));
        let paid_from = of.trial_ends_on.map(|last| calendar::plus_days(last, 1));
        around.start = around.start.max(paid_from.unwrap_or(of.started_on));
        let (before, after) = db.usage_periods_beside(of.id, day)?;
        around.start = before.map_or(around.start, |end| around.start.max(end));
        around.end = after.map_or(around.end, |start| around.end.min(start));
        let prices = self.prices(&of.terms)?;
        if around.contains(day) && !prices.is_empty() {
            self.periods.push(UsagePeriod::away(around, prices));
            self.periods.sort_by_key(|one| one.period.start);
        }
        Ok(())
    }

    /// Notes that a period is billed itself: its usage follows.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn open(&mut self, bill: &Bill) -> Result<()> {
        let period = bill.period;
        self.terms = bill.terms.clone();
        self.from = Some(self.from.map_or(period.start, |from| from.min(period.start)));
        let prices = self.prices(&bill.terms)?;
        let whole_days = bill.proration.map_or(period.days(), |part| part.of);
        let mut later = self.periods.iter_mut().filter(|there| there.period.end > period.start);
        match later.next() {
            // Where it ended in the middle, that day stays.
            Some(there) if there.period.start == period.start && !there.billed => {
                there.away = false;
                there.whole_days = whole_days;
                if !self.ended {
                    there.period.end = period.end;
                }
            }
            Some(_) => {}
            None if prices.is_empty() => {}
            None => {
                self.periods.push(UsagePeriod::running(period, whole_days, prices));
            }
        }
        Ok(())
    }

    /// Ends what runs on that day: what is used from then on belongs to another period, or to none.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn end(&mut self, on: NaiveDate) -> Result<()> {
        self.fill(on)?;
        for period in self.periods.iter_mut().filter(|one| !one.billed && one.period.start < on) {
            period.period.end = period.period.end.min(on);
        }
        Ok(())
    }

    /// The lines that a bill from `until` on takes, whose amounts are on that basis: of each period before
    /// it what is not billed, oldest first. What it takes, the next one does not.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub fn take(
        &mut self,
        until: NaiveDate,
        ripe: Ripe,
        basis: TaxBasis,
    ) -> Result<Vec<UsageLine>> {
        self.fill(until)?;
        let mut lines = Vec::new();
        let mut periods = std::mem::take(&mut self.periods);
        for period in &mut periods {
            let fits = period.period.end <= until && ripe.takes(period) && period.is_open();
            if fits && period.prices.first().is_some_and(|price| price.basis == basis) {
                lines.extend(self.take_period(period)?);
            }
        }
        self.periods = periods;
        Ok(lines)
    }

    /// What is lacking of a period; what was billed too much of it stays as it is, for a credit note.
    fn take_period(&self, period: &mut UsagePeriod) -> Result<Vec<UsageLine>> {
        let (mut lines, mut less) = (Vec::new(), false);
        for price in &period.prices {
            match self.difference(period, price)?.0 {
                Difference::Nothing => {}
                Difference::Less(_) => less = true,
                Difference::More(charges) => {
                    let line = |charge| self.line(period, price, &charge);
                    lines.extend(charges.into_iter().map(line));
                }
            }
        }
        period.late = if less { Some(Late::New) } else { None };
        period.billed = true;
        Ok(lines)
    }

    /// What is lacking to what the usage of a period comes to by a price, or above it, and the lines that
    /// bill it.
    fn difference(
        &self,
        period: &UsagePeriod,
        price: &MeterPrice,
    ) -> Result<(Difference, Vec<BilledUsage>)> {
        let (db, meter) = (self.book.db, &price.meter);
        let (total, distinct) =
            db.usage_total(self.of, (meter.id, meter.aggregation), period.period)?;
        let quantity = total.quantity(meter.aggregation, distinct);
        let whole = period.charges(&price.price, quantity, total.events)?;
        let lines = match period.billed {
            true => db.billed_usage(self.of, period.period.start, meter.id, self.currency)?,
            false => Vec::new(),
        };
        let zero = Money::zero(self.currency);
        let mut billed = None;
        for line in &lines {
            let kept = line.amount.minus(line.corrected)?;
            billed = Some(billed.unwrap_or(zero).plus(kept)?);
        }
        Ok((usage::difference(whole, billed, zero)?, lines))
    }

    fn line(&self, period: &UsagePeriod, price: &MeterPrice, charge: &Charge) -> UsageLine {
        let says = wording::usage(&price.meter.name, charge.of, self.locale);
        let line = Line {
            item: Some(price.item),
            plan: Some(price.plan),
            quantity: charge.quantity,
            unit_price: Some(charge.unit_price),
            period: Some((period.period.start, period.period.end)),
            ..Line::single(says, charge.amount)
        };
        UsageLine { line, starts_on: period.period.start, meter: price.meter.id }
    }

    /// Writes down what the bills so far took and opened.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn write(&mut self) -> Result<()> {
        for period in self.periods.iter().filter(|period| !self.written.contains(period)) {
            self.book.db.write_usage_period(self.book.act, self.of, period)?;
        }
        self.written.clone_from(&self.periods);
        Ok(())
    }

    /// Writes down which lines of an invoice bill usage: its first ones. The periods are written before.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn write_lines(&self, invoice: InvoiceId, lines: &[UsageLine]) -> Result<()> {
        for (position, line) in (1..).zip(lines) {
            let at = (invoice, position);
            self.book.db.insert_usage_line(at, self.of, line.starts_on, line.meter)?;
        }
        Ok(())
    }

    /// What was billed too much of what changed later, and which lines bill it, newest first.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub fn too_much(&self) -> Result<Vec<(Money, Vec<BilledUsage>)>> {
        let mut found = Vec::new();
        for period in self.periods.iter().filter(|period| period.late.is_some()) {
            for price in &period.prices {
                if let (Difference::Less(less), lines) = self.difference(period, price)? {
                    found.push((less, lines));
                }
            }
        }
        Ok(found)
    }

    /// Notes that a run has looked at what changed later: what is lacking stands as `late` says.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub fn looked_at(&mut self, late: Late) -> Result<()> {
        let mut periods = std::mem::take(&mut self.periods);
        for period in periods.iter_mut().filter(|period| period.late.is_some()) {
            let mut lacking = false;
            for price in &period.prices {
                lacking |= matches!(self.difference(period, price)?.0, Difference::More(_));
            }
            period.late = lacking.then_some(late);
        }
        self.periods = periods;
        self.write()
    }

    /// The first day after the last period that was noted.
    pub fn last_end(&self) -> Option<NaiveDate> {
        self.periods.last().map(|last| last.period.end)
    }

    /// A time that is not charged.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn free(&self, start: NaiveDate, end: NaiveDate) -> Result<UsagePeriod> {
        Ok(UsagePeriod::away(Period { start, end }, self.prices(&self.terms)?))
    }

    /// Adds what the plans offer now to a period that is under way.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn add_offered(&self, to: &mut UsagePeriod) -> Result<()> {
        for price in self.prices(&self.terms)? {
            if to.prices.iter().all(|there| there.meter.id != price.meter.id) {
                to.prices.push(price);
            }
        }
        Ok(())
    }

    /// The period that contains a day and was not noted yet: where the subscription `runs`, one that is
    /// billed, or is about to be.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn noted_on(&self, of: &Subscription, day: NaiveDate, runs: bool) -> Result<UsagePeriod> {
        let billed = of.period.filter(|period| period.contains(day));
        let coming = of.next_billing_on.filter(|next| runs && *next <= day);
        let period = match (billed, coming) {
            (Some(period), _) => period,
            (None, Some(next)) => {
                let mut period = self.cycle.period_from(next);
                while !period.contains(day) && period.start < period.end {
                    period = self.cycle.period_from(period.end);
                }
                period
            }
            (None, None) => {
                let whole = self.cycle.interval_around(day);
                let start = self.last_end().or(self.from).map_or(whole.start, |end| {
                    if end <= day { end.max(whole.start) } else { whole.start }
                });
                Period { start, ..whole }
            }
        };
        let prices = self.prices(&of.terms)?;
        Ok(match coming {
            Some(_) => {
                let whole_days = self.cycle.interval_around(period.start).days();
                UsagePeriod::running(period, whole_days, prices)
            }
            None => UsagePeriod::away(period, prices),
        })
    }

    /// What was used by a meter in a period, and what it comes to by a price.
    ///
    /// # Errors
    /// An amount that is too large, or a fault of the file.
    pub fn used(&self, period: &UsagePeriod, price: &MeterPrice) -> Result<UsedOfMeter> {
        let (db, meter) = (self.book.db, &price.meter);
        let (total, distinct) =
            db.usage_total(self.of, (meter.id, meter.aggregation), period.period)?;
        let quantity = total.quantity(meter.aggregation, distinct);
        let charges = period.charges(&price.price, quantity, total.events)?;
        let lines: Vec<Line> =
            charges.iter().map(|charge| self.line(period, price, charge).line).collect();
        let zero = Money::zero(self.currency);
        let (mut amount, mut billed) = (zero, zero);
        for charge in &charges {
            amount = amount.plus(charge.amount)?;
        }
        for line in db.billed_usage(self.of, period.period.start, meter.id, self.currency)? {
            billed = billed.plus(line.amount)?.minus(line.corrected)?;
        }
        let mut days = Vec::new();
        for (day, total) in db.usage_days(self.of, meter.id, period.period)? {
            let one = Period { start: day, end: calendar::plus_days(day, 1) };
            let distinct = match meter.aggregation {
                Aggregation::Unique => db.distinct_usage(self.of, meter.id, one)?,
                _ => 0,
            };
            days.push((day, total.events, total.quantity(meter.aggregation, distinct)));
        }
        let (meter, events) = (meter.clone(), total.events);
        Ok(UsedOfMeter { meter, events, quantity, lines, amount, billed, days })
    }
}
