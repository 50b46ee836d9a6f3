//! `tasks generate-recurring-invoices`: applies the decisions of `domain::recurrence` to every
//! subscription whose next period has begun.

mod usage;

use chrono::NaiveDate;
use serde::{Serialize, Serializer};

use super::batch::{Pass, Sum};
use super::charge;
use super::{BATCH, Done, Given, ItemError, Options, Tally, item_error, item_refused};
use crate::books::issue::{Issued, Issuer};
use crate::books::{Book, Foreseen, Ripe};
use crate::config::Config;
use crate::domain::invoice::{Amounts, Invoice};
use crate::domain::money::Totals;
use crate::domain::period::Period;
use crate::domain::recurrence::{Backlog, Decision, Reason, after_pause, billed, decide};
use crate::domain::subscription::{Pause, Subscription, SubscriptionStatus};
use crate::domain::{Act, InvoiceId, Money, Result, RunId, SubscriptionId};
use crate::store::subscriptions::DueSubscription;
use crate::store::{Db, Store};

/// What the task counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub subscriptions_billed: u64,
    pub invoices_created: u64,
    /// What the invoices come to, one sum a currency, in major units.
    #[serde(serialize_with = "by_currency")]
    pub totals: Totals,
    pub charged: u64,
    pub declined: u64,
    /// Canceled subscriptions whose period ended.
    pub subscriptions_ended: u64,
    /// Subscriptions whose pause began, and those whose pause ended.
    pub subscriptions_paused: u64,
    pub subscriptions_resumed: u64,
    /// Credit notes over usage that was billed and is void.
    pub credit_notes_created: u64,
}

fn by_currency<S: Serializer>(
    totals: &Totals,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_map(totals.iter().map(|sum| (sum.currency().code(), sum.major())))
}

/// What is summed up over a run, a page or a subscription.
#[derive(Debug, Default)]
pub(super) struct Billed {
    pub(super) counts: Counts,
    pub(super) errors: Vec<ItemError>,
}

impl Sum for Billed {
    fn add(&mut self, other: Self) {
        self.counts.subscriptions_billed += other.counts.subscriptions_billed;
        self.counts.invoices_created += other.counts.invoices_created;
        for total in other.counts.totals.iter() {
            self.count(*total);
        }
        self.counts.subscriptions_ended += other.counts.subscriptions_ended;
        self.counts.subscriptions_paused += other.counts.subscriptions_paused;
        self.counts.subscriptions_resumed += other.counts.subscriptions_resumed;
        self.counts.credit_notes_created += other.counts.credit_notes_created;
        self.errors.extend(other.errors);
    }
}

impl Billed {
    /// Adds to the sum of a currency. A sum that leaves the range of an amount is not counted on:
    /// each invoice is sound, and the run must not fail for what it says of them together.
    fn count(&mut self, total: Money) {
        self.counts.totals.add(total).ok();
    }

    pub(super) fn invoices(&mut self, totals: impl Iterator<Item = Money>) {
        let before = self.counts.invoices_created;
        for total in totals {
            self.counts.invoices_created += 1;
            self.count(total);
        }
        self.counts.subscriptions_billed += u64::from(self.counts.invoices_created > before);
    }

    fn done(self) -> Done {
        Done {
            emails_queued: self.counts.invoices_created + self.counts.credit_notes_created,
            did_something: self.counts.invoices_created > 0
                || self.counts.credit_notes_created > 0
                || self.counts.subscriptions_ended > 0
                || self.counts.subscriptions_paused > 0
                || self.counts.subscriptions_resumed > 0
                || !self.errors.is_empty(),
            tally: Tally::GenerateRecurringInvoices(self.counts),
            errors: self.errors,
        }
    }
}

/// Bills everything that is due, in batches, and records the end of what was canceled.
///
/// # Errors
/// A fault of the file; what fails of one subscription is in the errors of the result instead.
pub fn work(store: &mut Store, given: &Given, options: &Options, run: RunId) -> Result<Done> {
    let act = given.clock.act("task:generate-recurring-invoices");
    // Before what follows: what a coupon's period is given back for takes it again.
    let mut sum = rebill(Pass::Run(store), act.today, |db, reopened| {
        let issuer = Book::new(db, &act, given.config).issuer()?;
        let issued = reopened.iter().map(|void| issuer.rebill(void, run));
        issued.map(|issued| Ok(issued?.map(|issued| issued.amounts.total))).collect()
    })?;
    // Too much is given back before more is billed.
    sum.add(usage::correct(Pass::Run(store), &act, given.config)?);
    sum.add(go_through(Pass::Run(store), (&act, given.config), options, |db, due| {
        let issuer = Book::new(db, &act, given.config).issuer()?;
        due.iter().map(|decided| write(&issuer, decided, run)).collect()
    })?);
    sum.add(usage::bill_alone(Pass::Run(store), (&act, given.config), |db, one| {
        let issued = Book::new(db, &act, given.config).issuer()?.bill_usage(one, run)?;
        Ok(issued.iter().map(|issued| issued.amounts.total).collect())
    })?);
    let charged = charge::new_invoices(store, given, &act, run)?;
    sum.counts.charged = charged.succeeded;
    sum.counts.declined = charged.failed;
    let mut done = sum.done();
    done.did_something |= charged.did_something();
    done.emails_queued += charged.emails_queued;
    done.errors.extend(charged.errors);
    Ok(done)
}

/// Hands what a run would decide to `each`, with what the invoice of each period would come to, and what
/// would bill at the end of a subscription what waits for it; returns what it would count. Writes nothing.
///
/// # Errors
/// What `each` refuses, or a fault of the file.
pub fn dry_run(
    store: &mut Store,
    given: &Given,
    options: &Options,
    mut each: impl FnMut(&Subscription, &Decision, &[Amounts], Option<&Amounts>) -> Result<()>,
) -> Result<Done> {
    let act = given.clock.act("task:generate-recurring-invoices");
    let sum = store.read(|db| {
        let taken = &mut Foreseen::default();
        let mut sum = rebill(Pass::DryRun(db), act.today, |db, reopened| {
            let book = Book::new(db, &act, given.config);
            let foreseen = reopened.iter().map(|void| {
                let Some((id, (start, end))) = void.billed_period() else { return Ok(None) };
                let subscription = db.subscription(id)?;
                let decision = Decision::to_rebill(&subscription, Period { start, end });
                let amounts = book.foresee_rebill(void, &subscription, taken)?;
                each(&subscription, &decision, &[amounts], None)?;
                Ok(Some(amounts.total))
            });
            foreseen.collect()
        })?;
        sum.add(usage::correct(Pass::DryRun(db), &act, given.config)?);
        sum.add(go_through(Pass::DryRun(db), (&act, given.config), options, |db, due| {
            let book = Book::new(db, &act, given.config);
            let foreseen = due.iter().map(|Decided { subscription, decision, .. }| {
                let amounts = book.bill_amounts(subscription, &decision.bills, taken)?;
                let at_end = match decision.ends {
                    Some(_) => book.foresee_end(subscription, taken)?,
                    None => None,
                };
                each(subscription, decision, &amounts, at_end.as_ref())?;
                let alone = usage_at_end(&book, subscription, decision)?;
                for (period, amounts) in &alone {
                    each(
                        subscription,
                        &Decision::of_usage(subscription, *period),
                        &[*amounts],
                        None,
                    )?;
                }
                let alone = alone.iter().map(|(_, amounts)| amounts);
                Ok(amounts.iter().chain(&at_end).chain(alone).map(|one| one.total).collect())
            });
            foreseen.collect()
        })?);
        sum.add(usage::bill_alone(Pass::DryRun(db), (&act, given.config), |db, one| {
            let book = Book::new(db, &act, given.config);
            let foreseen = book.foresee_usage(one, &[], Ripe::Settled(book.settled_day()))?;
            for (period, amounts) in &foreseen {
                each(one, &Decision::of_usage(one, *period), &[*amounts], None)?;
            }
            Ok(foreseen.iter().map(|(_, amounts)| amounts.total).collect())
        })?);
        Ok(sum)
    })?;
    Ok(sum.done())
}

/// What is billed alone of the usage of a subscription that ends. One that is active and has no other bill
/// is met where usage is billed alone.
fn usage_at_end(
    book: &Book,
    of: &Subscription,
    decision: &Decision,
) -> Result<Vec<(Period, Amounts)>> {
    let met = of.status == SubscriptionStatus::Active && decision.bills.is_empty();
    match decision.ends {
        Some(_) if !met => {
            book.foresee_usage(of, &decision.bills, Ripe::Settled(book.settled_day()))
        }
        _ => Ok(Vec::new()),
    }
}

/// Hands the void invoices whose periods are billed anew to `act_on`, page by page, which returns what
/// each comes to now.
fn rebill(
    mut pass: Pass,
    today: NaiveDate,
    mut act_on: impl FnMut(&Db, &[Invoice]) -> Result<Vec<Option<Money>>>,
) -> Result<Billed> {
    let mut after = InvoiceId(0);
    pass.each_page(
        |db| {
            let page = db.reopened_periods(today, after, BATCH)?;
            after = page.last().copied().unwrap_or(after);
            page.into_iter().map(|id| db.invoice_by_id(id)).collect()
        },
        |db, page, _| {
            let mut sum = Billed::default();
            for total in act_on(db, page)? {
                sum.invoices(total.into_iter());
            }
            Ok(sum)
        },
        |_, void, refusal, sum: &mut Billed| {
            sum.errors.push(item_refused(&void.number, refusal));
            Ok(())
        },
    )
}

/// A subscription that has something due, and what is decided of it.
struct Decided {
    /// As it will stand: one whose pause ended goes on.
    subscription: Subscription,
    decision: Decision,
    /// As it stands, where its pause ended.
    paused: Option<Subscription>,
}

/// Decides for each subscription that has something due, and hands the decisions of a page to
/// `act_on`, which returns the totals of the invoices of each.
fn go_through(
    mut pass: Pass,
    (act, config): (&Act, &Config),
    options: &Options,
    mut act_on: impl FnMut(&Db, &[Decided]) -> Result<Vec<Vec<Money>>>,
) -> Result<Billed> {
    let mut sum = Billed::default();
    let is_dry = matches!(pass, Pass::DryRun(_));
    for scan in [Scan::Pausing, Scan::Resuming, Scan::Due, Scan::Ending, Scan::Ended] {
        let mut after = None;
        sum.add(pass.each_page(
            |db| {
                let page = scan.page(db, act, after)?;
                after = page.last().copied().or(after);
                Ok(page)
            },
            |db, page, _| {
                let book = Book::new(db, act, config);
                let mut due = scan.decide(&book, options.backlog(), page)?;
                if is_dry && scan == Scan::Pausing {
                    due.extend(gone_on(&book, options.backlog(), &due)?);
                }
                let totals = act_on(db, &due)?;
                let mut sum = Billed::default();
                for (Decided { subscription, decision, paused }, totals) in due.iter().zip(totals) {
                    sum.invoices(totals.into_iter());
                    sum.counts.subscriptions_ended += u64::from(decision.ends.is_some());
                    sum.counts.subscriptions_paused += u64::from(decision.pauses.is_some());
                    let resumed =
                        paused.is_some() && subscription.status == SubscriptionStatus::Active;
                    sum.counts.subscriptions_resumed += u64::from(resumed);
                    sum.errors.extend(problem(subscription.id, decision));
                }
                Ok(sum)
            },
            |_, due, refusal, sum: &mut Billed| {
                sum.errors.push(item_refused(&due.id.to_string(), refusal));
                Ok(())
            },
        )?);
    }
    Ok(sum)
}

/// What a run goes through: active subscriptions whose pause begins, paused ones whose pause ended, active
/// ones by the start of their next period, canceled ones by their end, and those that ended with their
/// tenant before what had begun was billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scan {
    Pausing,
    Resuming,
    Due,
    Ending,
    Ended,
}

impl Scan {
    fn page(
        self,
        db: &Db,
        act: &Act,
        after: Option<DueSubscription>,
    ) -> Result<Vec<DueSubscription>> {
        match self {
            Scan::Pausing => db.pausing(act.today, after, BATCH),
            Scan::Resuming => db.resuming(act.today, after, BATCH),
            Scan::Due => db.due_for_billing(act.today, after, BATCH),
            Scan::Ending => db.ending(act.today, after, BATCH),
            Scan::Ended => db.ended_unbilled(act.today, after, BATCH),
        }
    }

    /// Decides for a page; passes over what does not belong to this scan.
    fn decide(
        self,
        book: &Book,
        backlog: Backlog,
        page: &[DueSubscription],
    ) -> Result<Vec<Decided>> {
        let mut decided = Vec::with_capacity(page.len());
        for due in page {
            let subscription = book.db.subscription(due.id)?;
            let (subscription, paused) = match self {
                Scan::Resuming => go_on(book.db, subscription)?,
                _ => (subscription, None),
            };
            let day = match self {
                Scan::Due => book.billing_day(&subscription)?,
                _ => book.act.today,
            };
            let decision = decide(&subscription, day, backlog);
            if self.takes(&subscription, &decision) {
                decided.push(Decided { subscription, decision, paused });
            }
        }
        Ok(decided)
    }

    /// Whether what is decided of a subscription belongs to this scan: one that is active and was
    /// canceled is met by both.
    fn takes(self, subscription: &Subscription, decision: &Decision) -> bool {
        let active = subscription.status == SubscriptionStatus::Active;
        match (self, decision.reason) {
            (Scan::Pausing, _) => decision.pauses.is_some(),
            (Scan::Resuming, _) => decision.ends.is_none(),
            (Scan::Due, Reason::Due { .. } | Reason::Backlog { .. }) => decision.pauses.is_none(),
            (Scan::Ending, Reason::Backlog { .. }) => !active,
            (Scan::Ended, Reason::Due { .. } | Reason::Backlog { .. }) => true,
            (Scan::Ending, Reason::Ended { .. }) => true,
            _ => false,
        }
    }
}

/// What is held back of a decision, named.
pub fn problem(id: SubscriptionId, decision: &Decision) -> Option<ItemError> {
    let Reason::Backlog { count, since } = decision.reason else { return None };
    let message = format!(
        "{count} periods since {since} are not billed, so none was; \
         look at billing subscription explain {id}, then run once with --allow-backlog"
    );
    Some(item_error(&id.to_string(), "backlog", message))
}

/// The subscription as it goes on after its pause, and before it as it stands. One whose tenant is
/// suspended is not billed: it is suspended from now on.
fn go_on(db: &Db, paused: Subscription) -> Result<(Subscription, Option<Subscription>)> {
    let tenant = db.tenant_by_id(paused.tenant_id)?;
    let goes_on = after_pause(&paused).filter(|_| tenant.suspension.is_none());
    Ok((goes_on.unwrap_or_else(|| paused.clone()), Some(paused)))
}

/// What a run decides next of those whose pause begins and has ended since: a dry run, which writes nothing,
/// does not meet them as paused.
fn gone_on(book: &Book, backlog: Backlog, pausing: &[Decided]) -> Result<Vec<Decided>> {
    let mut decided = Vec::new();
    for Decided { subscription, decision, .. } in pausing {
        let ended = |pause: &Pause| pause.goes_on_from().is_some_and(|on| on <= book.act.today);
        if !subscription.pause.as_ref().is_some_and(ended) {
            continue;
        }
        let paused = billed(subscription, decision);
        let paused = Subscription { status: SubscriptionStatus::Paused, ..paused };
        let (subscription, paused) = go_on(book.db, paused)?;
        let decision = decide(&subscription, book.act.today, backlog);
        if Scan::Resuming.takes(&subscription, &decision) {
            decided.push(Decided { subscription, decision, paused });
        }
    }
    Ok(decided)
}

/// Writes what is decided of a subscription, in the issuer's transaction; returns the totals of the
/// invoices.
fn write(issuer: &Issuer, decided: &Decided, run: RunId) -> Result<Vec<Money>> {
    let Decided { subscription, decision, paused } = decided;
    // What is held back stays as it is, and is decided again by the next run.
    let held = matches!(decision.reason, Reason::Backlog { .. });
    if let Some(paused) = paused.as_ref().filter(|_| !held)
        && let Some(on) = paused.pause.as_ref().and_then(Pause::goes_on_from)
    {
        issuer.book.end_pause(paused, on)?;
    }
    let mut issued = issuer.bill(subscription, decision, Some(run))?;
    if decision.pauses.is_some() {
        issuer.book.begin_pause(subscription.id)?;
    }
    if subscription.unbilled.is_some() && !issued.is_empty() {
        issuer.book.end_redemptions(subscription)?;
    }
    if let Some(on) = decision.ends {
        let billed = issuer.book.db.subscription(subscription.id)?;
        issued.extend(issuer.book.end_subscription(&billed, on, Some(run))?);
    }
    Ok(issued.iter().map(|issued: &Issued| issued.amounts.total).collect())
}
