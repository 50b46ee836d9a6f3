//! Payments and charges: how many, by which method, how they went, day by day; and what went back.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::period::{Period, day_of};
use crate::clock::Clock;
use crate::domain::charge::TOO_SMALL;
use crate::domain::money::share;
use crate::domain::transaction::TransactionStatus;
use crate::domain::{Money, Result, TransactionId};
use crate::store::Db;
use crate::store::reports::{Tally, WentBack};

/// The report. A charge belongs to the day on which it was first tried, a payment to that on which it
/// was made, whenever it was recorded.
#[derive(Debug, Clone)]
pub struct Transactions {
    pub period: Period,
    /// By currency, then status.
    pub totals: Vec<StatusTally>,
    /// By currency, then method.
    pub methods: Vec<MethodTally>,
    /// The commonest first.
    pub failures: Vec<CodeTally>,
    /// By day, then currency; days without a transaction are left out.
    pub days: Vec<DayTally>,
    /// Succeeded ÷ (succeeded + failed); `None` where there is neither.
    pub success_rate: Option<Decimal>,
    /// What went back to customers, by currency. Refunds are no payments: they are in nothing above.
    pub refunds: Vec<RefundTally>,
    /// What surplus payments left until the period's end, and was not given back: tenant,
    /// transaction, amount.
    pub unapplied: Vec<(String, TransactionId, Money)>,
}

/// The refunds of one currency.
#[derive(Debug, Clone, Copy)]
pub struct RefundTally {
    pub by_gateway: i64,
    pub by_gateway_amount: Money,
    pub by_hand: i64,
    pub by_hand_amount: Money,
    /// Both.
    pub amount: Money,
}

/// The transactions of one currency and status.
#[derive(Debug, Clone, Copy)]
pub struct StatusTally {
    pub status: TransactionStatus,
    pub count: i64,
    pub amount: Money,
}

/// The transactions of one currency and method.
#[derive(Debug, Clone)]
pub struct MethodTally {
    /// `None`: a payment for which none was noted.
    pub method: Option<String>,
    pub count: i64,
    pub succeeded: i64,
    pub failed: i64,
    /// Of those that succeeded.
    pub amount: Money,
}

impl MethodTally {
    /// Succeeded ÷ (succeeded + failed).
    pub fn success_rate(&self) -> Option<Decimal> {
        rate(self.succeeded, self.failed)
    }
}

/// The failed transactions with one code.
#[derive(Debug, Clone)]
pub struct CodeTally {
    pub code: Option<String>,
    pub count: i64,
}

/// The transactions of one day and currency.
#[derive(Debug, Clone, Copy)]
pub struct DayTally {
    pub date: NaiveDate,
    pub succeeded: i64,
    pub failed: i64,
    pub pending: i64,
    pub unknown: i64,
    /// Of those that succeeded.
    pub amount: Money,
    /// Of those that failed.
    pub failed_amount: Money,
}

/// Computes it.
///
/// # Errors
/// Amounts that are too large, or a fault of the file.
pub fn transactions(db: &Db, clock: &Clock, period: Period) -> Result<Transactions> {
    let span = period.span(clock);
    let mut report = Transactions {
        period,
        totals: Vec::new(),
        methods: Vec::new(),
        failures: Vec::new(),
        days: Vec::new(),
        success_rate: None,
        refunds: Vec::new(),
        unapplied: Vec::new(),
    };
    let (days, instants) = ((span.since, span.until), (span.from.as_str(), span.before.as_str()));
    db.each_tally(days, instants, |tally| report.add(clock, span.since, &tally))?;
    for back in db.went_back(span.since, span.until)? {
        report.refunds.push(refunds(&back)?);
    }
    db.each_surplus(Some(&span.before), |tenant, id, amount| {
        report.unapplied.push((tenant, id, amount));
        Ok(())
    })?;
    report.sort();
    Ok(report)
}

fn refunds(back: &WentBack) -> Result<RefundTally> {
    let by_gateway_amount = Money::from_minor(back.by_gateway_minor, back.currency);
    let by_hand_amount = Money::from_minor(back.by_hand_minor, back.currency);
    Ok(RefundTally {
        by_gateway: back.by_gateway,
        by_gateway_amount,
        by_hand: back.by_hand,
        by_hand_amount,
        amount: by_gateway_amount.plus(by_hand_amount)?,
    })
}

impl Transactions {
    fn add(&mut self, clock: &Clock, first: NaiveDate, tally: &Tally) -> Result<()> {
        let (key, amount) = (&tally.key, Money::from_minor(tally.minor, tally.key.currency));
        // What a gateway calls too small is no decline: it is charged with a later invoice.
        if key.failure_code.as_deref() == Some(TOO_SMALL) {
            return Ok(());
        }
        let zero = Money::zero(key.currency);
        let came = if key.status == TransactionStatus::Succeeded { amount } else { zero };
        let (succeeded, failed) = match key.status {
            TransactionStatus::Succeeded => (tally.count, 0),
            TransactionStatus::Failed => (0, tally.count),
            TransactionStatus::Pending | TransactionStatus::Unknown => (0, 0),
        };

        let total = found(
            &mut self.totals,
            |total| total.amount.currency() == key.currency && total.status == key.status,
            || StatusTally { status: key.status, count: 0, amount: zero },
        );
        total.count += tally.count;
        total.amount = total.amount.plus(amount)?;

        let method = found(
            &mut self.methods,
            |method| method.amount.currency() == key.currency && method.method == key.method,
            || MethodTally {
                method: key.method.clone(),
                count: 0,
                succeeded: 0,
                failed: 0,
                amount: zero,
            },
        );
        method.count += tally.count;
        method.succeeded += succeeded;
        method.failed += failed;
        method.amount = method.amount.plus(came)?;

        if failed > 0 {
            let code = found(
                &mut self.failures,
                |failure| failure.code == key.failure_code,
                || CodeTally { code: key.failure_code.clone(), count: 0 },
            );
            code.count += failed;
        }
        // The tallies come by time: the day is one of the last.
        let tried_on = || key.quarter.as_deref().and_then(|quarter| day_of(clock, quarter));
        let date = key.paid_on.or_else(tried_on).unwrap_or(first);
        let day = found(
            &mut self.days,
            |day| day.date == date && day.amount.currency() == key.currency,
            || DayTally {
                date,
                succeeded: 0,
                failed: 0,
                pending: 0,
                unknown: 0,
                amount: zero,
                failed_amount: zero,
            },
        );
        *day.count_of(key.status) += tally.count;
        day.amount = day.amount.plus(came)?;
        if failed > 0 {
            day.failed_amount = day.failed_amount.plus(amount)?;
        }
        Ok(())
    }

    fn sort(&mut self) {
        let code = |amount: Money| amount.currency().code();
        self.totals.sort_by_key(|total| (code(total.amount), total.status.word()));
        self.methods.sort_by_key(|method| (code(method.amount), method.method.clone()));
        self.failures.sort_by_key(|f| (std::cmp::Reverse(f.count), f.code.clone()));
        self.days.sort_by_key(|day| (day.date, code(day.amount)));
        let of = |status| {
            let totals = self.totals.iter().filter(move |total| total.status == status);
            totals.map(|total| total.count).sum()
        };
        self.success_rate = rate(of(TransactionStatus::Succeeded), of(TransactionStatus::Failed));
    }
}

impl DayTally {
    fn count_of(&mut self, status: TransactionStatus) -> &mut i64 {
        match status {
            TransactionStatus::Succeeded => &mut self.succeeded,
            TransactionStatus::Failed => &mut self.failed,
            TransactionStatus::Pending => &mut self.pending,
            TransactionStatus::Unknown => &mut self.unknown,
        }
    }
}

fn rate(succeeded: i64, failed: i64) -> Option<Decimal> {
    share(succeeded, succeeded + failed)
}

/// The last item that is meant, or a new one.
fn found<T>(items: &mut Vec<T>, meant: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> &mut T {
    let at = items.iter().rposition(meant).unwrap_or_else(|| {
        items.push(new());
        items.len() - 1
    });
    &mut items[at]
}
