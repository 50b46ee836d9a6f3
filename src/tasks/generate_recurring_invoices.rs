//! `tasks generate-recurring-invoices`: applies the decisions of `domain::recurrence` to every
//! subscription whose next period has begun.

use serde::{Serialize, Serializer};

use super::batch::{self, Sum};
use super::charge;
use super::{BATCH, Done, Given, ItemError, Options, Tally, item_error, item_refused};
use crate::books::Book;
use crate::books::issue::{Issued, Issuer};
use crate::config::Config;
use crate::domain::invoice::Amounts;
use crate::domain::money::Totals;
use crate::domain::recurrence::{Backlog, Decision, Reason, decide};
use crate::domain::subscription::{Subscription, SubscriptionStatus};
use crate::domain::{Act, Money, Result, RunId, SubscriptionId};
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
}

fn by_currency<S: Serializer>(
    totals: &Totals,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_map(totals.iter().map(|sum| (sum.currency().code(), sum.major())))
}

/// What is summed up over a run, a page or a subscription.
#[derive(Debug, Default)]
struct Billed {
    counts: Counts,
    errors: Vec<ItemError>,
}

impl Sum for Billed {
    fn add(&mut self, other: Self) {
        self.counts.subscriptions_billed += other.counts.subscriptions_billed;
        self.counts.invoices_created += other.counts.invoices_created;
        for total in other.counts.totals.iter() {
            self.count(*total);
        }
        self.counts.subscriptions_ended += other.counts.subscriptions_ended;
        self.errors.extend(other.errors);
    }
}

impl Billed {
    /// Adds to the sum of a currency. A sum that leaves the range of an amount is not counted on:
    /// each invoice is sound, and the run must not fail for what it says of them together.
    fn count(&mut self, total: Money) {
        self.counts.totals.add(total).ok();
    }

    fn invoices(&mut self, totals: impl Iterator<Item = Money>) {
        let before = self.counts.invoices_created;
        for total in totals {
            self.counts.invoices_created += 1;
            self.count(total);
        }
        self.counts.subscriptions_billed += u64::from(self.counts.invoices_created > before);
    }

    fn done(self) -> Done {
        Done {
            emails_queued: self.counts.invoices_created,
            did_something: self.counts.invoices_created > 0
                || self.counts.subscriptions_ended > 0
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
    let writer = Writer { config: given.config, act: &act, backlog: options.backlog(), run };
    let mut sum = Billed::default();
    for scan in [Scan::Due, Scan::Ending] {
        let mut after = None;
        loop {
            let page = store.read(|db| scan.page(db, &act, after))?;
            let Some(last) = page.last().copied() else { break };
            after = Some(last);
            sum.add(batch::write(
                store,
                &page,
                |db, page, _| writer.write_all(db, page, scan),
                |_, due, refusal, sum: &mut Billed| {
                    sum.errors.push(item_refused(&due.id.to_string(), refusal));
                    Ok(())
                },
            )?);
        }
    }
    let charged = charge::new_invoices(store, given, &act, run)?;
    sum.counts.charged = charged.succeeded;
    sum.counts.declined = charged.failed;
    let mut done = sum.done();
    done.did_something |= charged.did_something();
    done.emails_queued += charged.emails_queued;
    done.errors.extend(charged.errors);
    Ok(done)
}

/// Hands what a run would decide to `each`, with what each invoice would come to, and returns what
/// it would count. Writes nothing.
///
/// # Errors
/// What `each` refuses, or a fault of the file.
pub fn dry_run(
    store: &mut Store,
    given: &Given,
    options: &Options,
    mut each: impl FnMut(&Subscription, &Decision, &[Amounts]) -> Result<()>,
) -> Result<Done> {
    let act = given.clock.act("task:generate-recurring-invoices");
    store.read(|db| {
        let mut sum = Billed::default();
        for scan in [Scan::Due, Scan::Ending] {
            let mut after = None;
            loop {
                let page = scan.page(db, &act, after)?;
                let Some(last) = page.last().copied() else { break };
                after = Some(last);
                for due in page {
                    let foreseen = foresee(db, given.config, &act, options, due.id);
                    let (subscription, decision, amounts) = match foreseen {
                        Ok(foreseen) => foreseen,
                        Err(refusal) if refusal.is_of_the_item() => {
                            sum.errors.push(item_refused(&due.id.to_string(), &refusal));
                            continue;
                        }
                        Err(fatal) => return Err(fatal),
                    };
                    if !scan.takes(&subscription, &decision) {
                        continue;
                    }
                    sum.invoices(amounts.iter().map(|amounts| amounts.total));
                    sum.counts.subscriptions_ended += u64::from(decision.ends.is_some());
                    sum.errors.extend(problem(due.id, &decision));
                    each(&subscription, &decision, &amounts)?;
                }
            }
        }
        Ok(sum.done())
    })
}

/// A subscription, what is decided of it, and what each bill would come to as an invoice.
type Foreseen = (Subscription, Decision, Vec<Amounts>);

fn foresee(
    db: &Db,
    config: &Config,
    act: &Act,
    options: &Options,
    id: SubscriptionId,
) -> Result<Foreseen> {
    let subscription = db.subscription(id)?;
    let decision = decide(&subscription, act.today, options.backlog())?;
    let amounts = Book::new(db, act, config).bill_amounts(&subscription, &decision.bills)?;
    Ok((subscription, decision, amounts))
}

/// What a run goes through: active subscriptions by the start of their next period, and canceled
/// ones by their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scan {
    Due,
    Ending,
}

impl Scan {
    fn page(
        self,
        db: &Db,
        act: &Act,
        after: Option<DueSubscription>,
    ) -> Result<Vec<DueSubscription>> {
        match self {
            Scan::Due => db.due_for_billing(act.today, after, BATCH),
            Scan::Ending => db.ending(act.today, after, BATCH),
        }
    }

    /// Whether what is decided of a subscription belongs to this scan: one that is active and was
    /// canceled is met by both.
    fn takes(self, subscription: &Subscription, decision: &Decision) -> bool {
        let active = subscription.status == SubscriptionStatus::Active;
        match (self, decision.reason) {
            (Scan::Due, Reason::Due { .. } | Reason::Backlog { .. }) => true,
            (Scan::Ending, Reason::Backlog { .. }) => !active,
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

/// Writes decisions.
struct Writer<'a> {
    config: &'a Config,
    act: &'a Act,
    backlog: Backlog,
    run: RunId,
}

impl Writer<'_> {
    /// Writes some of a page, in the caller's transaction.
    fn write_all(&self, db: &Db, page: &[DueSubscription], scan: Scan) -> Result<Billed> {
        let issuer = Book::new(db, self.act, self.config).issuer()?;
        let mut sum = Billed::default();
        for due in page {
            sum.add(self.write(&issuer, due.id, scan)?);
        }
        Ok(sum)
    }

    /// Reads a subscription, decides, and writes what is decided.
    fn write(&self, issuer: &Issuer, id: SubscriptionId, scan: Scan) -> Result<Billed> {
        let db = issuer.book.db;
        let subscription = db.subscription(id)?;
        let decision = decide(&subscription, self.act.today, self.backlog)?;
        let mut sum = Billed::default();
        if !scan.takes(&subscription, &decision) {
            return Ok(sum);
        }
        let issued = issuer.bill(&subscription, &decision, Some(self.run))?;
        sum.invoices(issued.iter().map(|issued: &Issued| issued.amounts.total));
        if let Some(on) = decision.ends {
            Book::new(db, self.act, self.config).end_subscription(&db.subscription(id)?, on)?;
            sum.counts.subscriptions_ended += 1;
        }
        sum.errors.extend(problem(id, &decision));
        Ok(sum)
    }
}
