//! What is written down of a gateway's answer to a refund.

use super::{Call, Job, Refunded, Refunder, outcome_unknown};
use crate::domain::Result;
use crate::domain::calendar;
use crate::domain::charge::{Answer, AttemptStatus, Found};
use crate::domain::event::RefundEvent;
use crate::domain::transaction::TransactionStatus;
use crate::gateway::{Began, Gateway};
use crate::store::charges::Answered;
use crate::store::{Again, Db, RefundSeries};
use crate::tasks::item_error;

impl Refunder<'_> {
    /// Writes down what the gateway answered; returns the call that follows from it, if one does.
    pub(super) fn book(
        &self,
        db: &Db,
        job: &Job,
        answer: &Answer,
        refunded: &mut Refunded,
    ) -> Result<Option<Job>> {
        let series = db.refund_series(job.refund)?;
        let was_done = series.facts.status == TransactionStatus::Succeeded;
        // Where the lock was taken away, what the other wrote down stands.
        if !was_done && !db.attempt_status(job.attempt)?.is_live() {
            return Ok(None);
        }
        match (answer, job.call) {
            (Answer::Succeeded { reference }, _) => {
                let reference = reference.as_deref();
                self.succeeded(db, &series, job, reference)?;
                refunded.succeeded += u64::from(!was_done);
            }
            (Answer::Declined { code, message, retryable }, _) => {
                let told = (code.as_str(), message.as_deref());
                let status = AttemptStatus::Declined;
                let (code, message) = (Some(told.0), told.1);
                let answered = Answered { code, message, ..Answered::plain(status) };
                db.answer_attempt(self.act, job.attempt, &answered)?;
                match *retryable && !was_done {
                    true => self.declined(db, &series, job, told)?,
                    false => self.failed(db, &series, told, refunded)?,
                }
            }
            // One that succeeded may be on its way again after all; it has gone back in our books.
            (Answer::Pending { .. }, _) if was_done => self.looked_after(db, &series)?,
            (Answer::Pending { reference }, _) => {
                self.pending(db, &series, job, reference.as_deref(), refunded)?;
            }
            (Answer::NotFound, Call::Ask) => return self.never_seen(db, &series, job, refunded),
            (Answer::NotSent { message }, Call::Send) => {
                self.not_sent(db, &series, job, message, refunded)?;
            }
            (Answer::NotFound, _) => {
                let message = "the gateway answered a refund with not_found";
                self.unknown(db, &series, job, message, refunded)?;
            }
            (Answer::NotSent { message } | Answer::Unknown { message }, _) => {
                self.unknown(db, &series, job, message, refunded)?;
            }
        }
        Ok(None)
    }

    /// A gateway whose refunds may fail after they succeeded is asked about them once a day.
    pub(super) fn again(&self) -> Again {
        match self.given.gateway {
            Gateway::Stripe(_) => Again::Yes,
            _ => Again::No,
        }
    }

    fn succeeded(
        &self,
        db: &Db,
        series: &RefundSeries,
        job: &Job,
        reference: Option<&str>,
    ) -> Result<()> {
        let answered = Answered { reference, ..Answered::plain(AttemptStatus::Succeeded) };
        db.answer_attempt(self.act, job.attempt, &answered)?;
        self.books(db).refund_succeeded(series.transaction, reference, self.again())
    }

    fn looked_after(&self, db: &Db, series: &RefundSeries) -> Result<()> {
        self.books(db).refund_succeeded(series.transaction, None, self.again())
    }

    /// It failed for good, and is credit again: named, since the customer waits for it.
    pub(super) fn failed(
        &self,
        db: &Db,
        series: &RefundSeries,
        (code, message): (&str, Option<&str>),
        refunded: &mut Refunded,
    ) -> Result<()> {
        let id = series.transaction;
        self.books(db).refund_failed(id, code, message)?;
        refunded.failed += 1;
        let why = message.unwrap_or(code);
        let words = format!(
            "{} could not go back to {} for {}: {why}; the amount is the customer's credit",
            series.amount, series.tenant, series.number
        );
        refunded.errors.push(item_error(&id.to_string(), "refund_failed", words));
        Ok(())
    }

    /// It was declined, and is tried again.
    fn declined(
        &self,
        db: &Db,
        series: &RefundSeries,
        job: &Job,
        (code, message): (&str, Option<&str>),
    ) -> Result<()> {
        let (id, status) = (series.transaction, TransactionStatus::Failed);
        db.refund_stands(self.act, id, status, None, Some((code, message)), Again::Yes)?;
        let (attempt, amount) = (job.attempt, series.amount);
        let currency = amount.currency();
        let event =
            RefundEvent::Declined { transaction: id, attempt, amount, currency, code, message };
        self.record(db, series, event, code)
    }

    fn pending(
        &self,
        db: &Db,
        series: &RefundSeries,
        job: &Job,
        reference: Option<&str>,
        refunded: &mut Refunded,
    ) -> Result<()> {
        let answered = Answered { reference, ..Answered::plain(AttemptStatus::Pending) };
        db.answer_attempt(self.act, job.attempt, &answered)?;
        let (id, status) = (series.transaction, TransactionStatus::Pending);
        db.refund_stands(self.act, id, status, reference, None, Again::Yes)?;
        refunded.pending += 1;
        let (amount, currency) = (series.amount, series.amount.currency());
        if series.facts.status != TransactionStatus::Pending {
            let event = RefundEvent::Pending { transaction: id, reference, amount, currency };
            let refund = db.transaction(id)?;
            return db.record(self.act, (refund.tenant_id, refund.invoice_id), event, None);
        }
        let zone = self.given.clock.timezone;
        let since = job.request.created_at.with_timezone(&zone).date_naive();
        let days = self.given.config.payments.pending_days.of(series.method);
        if calendar::days_between(since, self.act.today) > days {
            let words = format!("the refund of {} is pending since {since}", series.number);
            refunded.errors.push(item_error(&id.to_string(), "pending_too_long", words));
        }
        Ok(())
    }

    /// The gateway never saw the key: the same refund is sent, under the same key, while it would still
    /// know it for the same.
    fn never_seen(
        &self,
        db: &Db,
        series: &RefundSeries,
        job: &Job,
        refunded: &mut Refunded,
    ) -> Result<Option<Job>> {
        let gateway = self.given.gateway;
        let taken_on = series.facts.status != TransactionStatus::Unknown || job.reference.is_some();
        let here = series.last_attempt.as_ref().is_some_and(|a| gateway.began(a) == Began::Here);
        let machine_now = self.given.clock.machine_now();
        let message = match () {
            () if taken_on => "the gateway says that it never saw a refund that it had taken on",
            () if !here => "it may have been begun with another gateway",
            () if !gateway.remembers_refund(&job.request, self.act.now, machine_now) => {
                "the gateway does not know the key any more, or never did"
            }
            () => {
                let job = self.job(db, job.refund, job.attempt, Call::SendAgain)?;
                return Ok(Some(job));
            }
        };
        self.unknown(db, series, job, message, refunded)?;
        Ok(None)
    }

    /// The attempt never reached the gateway: it counts as none, and the next one has a key of its own.
    fn not_sent(
        &self,
        db: &Db,
        series: &RefundSeries,
        job: &Job,
        message: &str,
        refunded: &mut Refunded,
    ) -> Result<()> {
        let (code, words) = (Some("not_sent"), Some(message));
        let answered = Answered { code, message: words, ..Answered::plain(AttemptStatus::NotSent) };
        db.answer_attempt(self.act, job.attempt, &answered)?;
        let (id, status) = (series.transaction, TransactionStatus::Failed);
        db.refund_stands(self.act, id, status, None, Some(("not_sent", None)), Again::Yes)?;
        let (attempt, amount) = (job.attempt, series.amount);
        let currency = amount.currency();
        let event = RefundEvent::NotSent { transaction: id, attempt, amount, currency, message };
        self.record(db, series, event, message)?;
        let words = format!("the gateway was not reached: {message}; the next run tries again");
        refunded.errors.push(item_error(&id.to_string(), "not_sent", words));
        Ok(())
    }

    /// Nothing can be relied on: the next run asks again. What was pending, or has succeeded, stays so.
    fn unknown(
        &self,
        db: &Db,
        series: &RefundSeries,
        job: &Job,
        message: &str,
        refunded: &mut Refunded,
    ) -> Result<()> {
        let id = series.transaction;
        if series.facts.status == TransactionStatus::Succeeded {
            return self.looked_after(db, series);
        }
        let first = series.last_attempt.as_ref().is_some_and(|attempt| attempt.is_prepared());
        if series.facts.status != TransactionStatus::Pending {
            let (code, words) = (Some("unknown"), Some(message));
            let answered =
                Answered { code, message: words, ..Answered::plain(AttemptStatus::Unknown) };
            db.answer_attempt(self.act, job.attempt, &answered)?;
            let status = TransactionStatus::Unknown;
            db.refund_stands(self.act, id, status, None, None, Again::Yes)?;
        }
        // Said once: it is asked for day after day.
        if first {
            let (attempt, amount) = (job.attempt, series.amount);
            let currency = amount.currency();
            let event =
                RefundEvent::Unknown { transaction: id, attempt, amount, currency, message };
            self.record(db, series, event, message)?;
        }
        refunded.errors.push(outcome_unknown(series, message));
        Ok(())
    }

    /// Writes down what a person found out.
    pub(super) fn found(
        &self,
        db: &Db,
        series: &RefundSeries,
        found: Found,
        note: &str,
    ) -> Result<()> {
        let (id, attempt) = (series.transaction, series.last_attempt.as_ref());
        let status = match found {
            Found::Succeeded => AttemptStatus::Succeeded,
            Found::Failed => AttemptStatus::Declined,
        };
        if let Some(attempt) = attempt {
            db.answer_attempt(self.act, attempt.id, &Answered::plain(status))?;
        }
        match found {
            Found::Succeeded => self.books(db).refund_succeeded(id, None, Again::No),
            Found::Failed => self.books(db).refund_failed(id, "resolved_failed", Some(note)),
        }
    }

    fn record(
        &self,
        db: &Db,
        series: &RefundSeries,
        event: RefundEvent,
        reason: &str,
    ) -> Result<()> {
        let refund = db.transaction(series.transaction)?;
        db.record(self.act, (refund.tenant_id, refund.invoice_id), event, Some(reason))
    }
}
