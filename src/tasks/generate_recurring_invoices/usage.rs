//! Usage that goes with no period's invoice: what is left where none follows, and what was billed too much.

use super::Billed;
use crate::books::Book;
use crate::config::Config;
use crate::domain::recurrence::bills_usage_alone;
use crate::domain::subscription::Subscription;
use crate::domain::{Act, Money, Result, SubscriptionId};
use crate::store::Db;
use crate::store::usage::{LateUsage, UnbilledUsage};
use crate::tasks::batch::{Pass, Sum};
use crate::tasks::{BATCH, item_refused};

/// Looks at what changed of usage after it was billed: too much is credited, what is lacking waits for
/// the next invoice.
pub(super) fn correct(mut pass: Pass, act: &Act, config: &Config) -> Result<Billed> {
    let mut after = SubscriptionId(0);
    let is_run = matches!(pass, Pass::Run(_));
    pass.each_page(
        |db| {
            if !db.has_meters()? {
                return Ok(Vec::new());
            }
            let page = db.late_usage(after, BATCH)?;
            after = page.last().map_or(after, |last| last.subscription);
            Ok(page)
        },
        |db, page: &[LateUsage], _| {
            let book = Book::new(db, act, config);
            let mut sum = Billed::default();
            for late in page {
                let subscription = db.subscription(late.subscription)?;
                sum.counts.credit_notes_created += match is_run {
                    true => book.correct_usage(&subscription)?,
                    false => book.foresee_corrections(&subscription)?,
                };
            }
            Ok(sum)
        },
        |_, late, refusal, sum: &mut Billed| {
            sum.errors.push(item_refused(&late.subscription.to_string(), refusal));
            Ok(())
        },
    )
}

/// Hands each subscription whose settled usage is billed alone to `act_on`, which returns the totals of
/// its invoices.
pub(super) fn bill_alone(
    mut pass: Pass,
    (act, config): (&Act, &Config),
    mut act_on: impl FnMut(&Db, &Subscription) -> Result<Vec<Money>>,
) -> Result<Billed> {
    let mut sum = Billed::default();
    for scan in [Scan::Unbilled, Scan::Late] {
        let mut after = Key { unbilled: None, late: SubscriptionId(0) };
        sum.add(pass.each_page(
            |db| scan.page(&Book::new(db, act, config), &mut after),
            |db, page: &[SubscriptionId], _| {
                let book = Book::new(db, act, config);
                let mut sum = Billed::default();
                for id in page {
                    let subscription = db.subscription(*id)?;
                    if scan.takes(&book, &subscription)? {
                        sum.invoices(act_on(db, &subscription)?.into_iter());
                    }
                }
                Ok(sum)
            },
            |_, id, refusal, sum: &mut Billed| {
                sum.errors.push(item_refused(&id.to_string(), refusal));
                Ok(())
            },
        )?);
    }
    Ok(sum)
}

/// Which usage is billed alone: of periods that were never billed, and what is lacking of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scan {
    Unbilled,
    Late,
}

/// Where the scans stand.
struct Key {
    unbilled: Option<UnbilledUsage>,
    late: SubscriptionId,
}

impl Scan {
    fn page(self, book: &Book, after: &mut Key) -> Result<Vec<SubscriptionId>> {
        if !book.db.has_meters()? {
            return Ok(Vec::new());
        }
        match self {
            Scan::Unbilled => {
                let page = book.db.unbilled_usage(book.settled_day(), after.unbilled, BATCH)?;
                after.unbilled = page.last().copied().or(after.unbilled);
                Ok(page.into_iter().map(|one| one.subscription).collect())
            }
            Scan::Late => {
                let page = book.db.late_usage(after.late, BATCH)?;
                after.late = page.last().map_or(after.late, |last| last.subscription);
                Ok(page.into_iter().map(|one| one.subscription).collect())
            }
        }
    }

    fn takes(self, book: &Book, of: &Subscription) -> Result<bool> {
        Ok(match self {
            Scan::Unbilled => bills_usage_alone(of, book.act.today),
            // What is lacking of one that goes on waits for its next invoice, and what was never billed
            // takes along what is lacking.
            Scan::Late => {
                !of.is_running() && !book.db.has_unbilled_usage(of.id, book.settled_day())?
            }
        })
    }
}
