//! What is written down of a gateway's answer, and the call that follows from it.

use chrono::TimeDelta;

use super::calls::{Call, Job, Page};
use super::source::Candidate;
use super::{Charged, Charger, unknown_outcome};
use crate::books::pay;
use crate::domain::charge::{
    Answer, AttemptStatus, ChargeRequest, Exhausted, Rests, Retry, TOO_SMALL, decide_retry,
};
use crate::domain::event::PaymentEvent;
use crate::domain::invoice::Invoice;
use crate::domain::payment_method::PaymentMethodStatus;
use crate::domain::template::Template;
use crate::domain::text::printable_value;
use crate::domain::transaction::TransactionStatus;
use crate::domain::{Result, calendar};
use crate::gateway::Began;
use crate::store::charges::{Answered, Series};
use crate::store::{Db, NewEmail, Store};
use crate::tasks::batch::Pass;
use crate::tasks::{item_error, item_refused};

impl Charger<'_> {
    pub(super) fn book_page(&self, store: &mut Store, page: &[(Job, Answer)]) -> Result<Page> {
        let mut sum = Page::default();
        Pass::Run(store).page(
            page,
            &mut sum,
            |db, page, _| {
                let mut sum = Page::default();
                for (job, answer) in page {
                    let again = self.book(db, job, answer, &mut sum.charged)?;
                    sum.jobs.extend(again);
                }
                Ok(sum)
            },
            // What was answered is not lost: the attempt has no answer here, and the next run asks.
            |_, (job, _), refusal, sum| {
                sum.charged.errors.push(item_refused(&job.transaction.to_string(), refusal));
                Ok(())
            },
        )?;
        Ok(sum)
    }

    /// Writes down what the gateway answered; returns the call that follows from it, if one does.
    fn book(
        &self,
        db: &Db,
        job: &Job,
        answer: &Answer,
        charged: &mut Charged,
    ) -> Result<Option<Job>> {
        // Nobody else charges while this process holds the lock; where the lock was taken away, what
        // the other wrote down stands.
        if !db.attempt_status(job.attempt)?.is_live() {
            let message = "another process wrote its outcome down meanwhile";
            let error = item_error(&job.transaction.to_string(), "written_meanwhile", message);
            charged.errors.push(error);
            return Ok(None);
        }
        match (answer, job.call) {
            (Answer::Succeeded { reference }, _) => {
                self.succeeded(db, job, reference.as_deref())?;
                name_repeated(db, job, reference.as_deref(), charged)?;
                charged.succeeded += 1;
                charged.emails_queued += 1;
            }
            (Answer::Declined { code, .. }, _) if code == TOO_SMALL => self.too_small(db, job)?,
            (Answer::Declined { code, message, retryable }, _) => {
                self.declined(db, job, (code, message.as_deref(), !retryable), charged)?;
            }
            (Answer::Pending { reference }, _) => {
                let known = job.reference.is_some();
                self.pending(db, job, reference.as_deref(), charged)?;
                if !known {
                    name_repeated(db, job, reference.as_deref(), charged)?;
                }
            }
            (Answer::NotFound, Call::Ask) => return self.never_seen(db, job, charged),
            (Answer::NotFound, Call::Charge) => {
                let message = "the gateway answered a charge with not_found";
                self.unknown(db, job, message, charged)?;
            }
            (Answer::NotSent { message }, Call::Charge) => {
                self.not_sent(db, job, message)?;
                let words = format!("{} was not charged: {message}", job.request.invoice);
                let subject = job.transaction.to_string();
                charged.errors.push(item_error(&subject, "not_sent", words));
            }
            (Answer::NotSent { message } | Answer::Unknown { message }, _) => {
                self.unknown(db, job, message, charged)?;
            }
        }
        Ok(None)
    }

    pub(super) fn succeeded(&self, db: &Db, job: &Job, reference: Option<&str>) -> Result<()> {
        let answered = Answered { reference, ..Answered::plain(AttemptStatus::Succeeded) };
        db.answer_attempt(self.act, job.attempt, &answered)?;
        let invoice = db.invoice_by_id(job.invoice)?;
        let charge = pay::Charge {
            transaction: job.transaction,
            taken: pay::Taken::ByCharge,
            amount: job.request.amount,
            method: job.request.kind.word(),
            reference,
            run: self.run,
        };
        self.books(db).charged(&invoice, &charge)
    }

    pub(super) fn declined(
        &self,
        db: &Db,
        job: &Job,
        (code, message, hard): (&str, Option<&str>, bool),
        charged: &mut Charged,
    ) -> Result<()> {
        let (status, code_kept) = (AttemptStatus::Declined, Some(code));
        let answered =
            Answered { code: code_kept, message, hard_decline: hard, ..Answered::plain(status) };
        db.answer_attempt(self.act, job.attempt, &answered)?;
        db.charge_declined(self.act, job.transaction, code, message, hard)?;
        charged.failed += 1;
        // Credit that came while the charge had no outcome pays now.
        let tenant = db.invoice_by_id(job.invoice)?.tenant_id;
        self.books(db).settle_from_credit(tenant)?;
        let invoice = db.invoice_by_id(job.invoice)?;
        let event = PaymentEvent::ChargeDeclined {
            transaction: job.transaction,
            attempt: job.attempt,
            amount: job.request.amount,
            currency: job.request.amount.currency(),
            payment_method: job.request.method,
            code,
            message,
            retryable: !hard,
        };
        db.record(self.act, &invoice, event, Some(code))?;
        if self.tell_of_failure(db, job, &invoice)? {
            charged.emails_queued += 1;
        }
        let series = db.charge_series(job.transaction)?;
        let policy = self.given.config.retry_policy();
        match decide_retry(&series.facts, &policy, self.act.now, self.act.today) {
            Retry::Exhausted { why } => {
                self.exhaust(db, &series, why)?;
                charged.exhausted += 1;
            }
            Retry::Over { why } => self.end_series(db, &series, why)?,
            Retry::Now | Retry::Wait { .. } => {}
        }
        Ok(())
    }

    /// The gateway takes no charge as small as that, which is nobody's fault: nobody is told, no retry
    /// is made, and the invoice rests until a later charge of its tenant takes both.
    fn too_small(&self, db: &Db, job: &Job) -> Result<()> {
        let answered =
            Answered { code: Some(TOO_SMALL), ..Answered::plain(AttemptStatus::Declined) };
        db.answer_attempt(self.act, job.attempt, &answered)?;
        db.charge_declined(self.act, job.transaction, TOO_SMALL, None, false)?;
        db.end_series(self.act, job.transaction, None)?;
        let (transaction, amount) = (job.transaction, job.request.amount);
        let event =
            PaymentEvent::ChargeTooSmall { transaction, amount, currency: amount.currency() };
        db.record(self.act, &db.invoice_by_id(job.invoice)?, event, None)
    }

    /// Queues the e-mail about a first failure: once a charge, and not where nothing is owed.
    fn tell_of_failure(&self, db: &Db, job: &Job, invoice: &Invoice) -> Result<bool> {
        let dedup_key = format!("payment_failed/{}", job.transaction.0);
        if invoice.due.is_zero() {
            return Ok(false);
        }
        let facts = format!(r#"{{"transaction":{}}}"#, job.transaction.0);
        let queued = db.queue_email(
            self.act,
            &NewEmail {
                tenant: invoice.tenant_id,
                invoice: Some(invoice.id),
                template: Template::PaymentFailed,
                domain: &self.given.config.mail_domain(),
                dedup_key: &dedup_key,
                facts: &facts,
                run: self.run,
            },
        )?;
        Ok(queued.is_some())
    }

    /// Ends a series that has nothing to be tried for any more.
    pub(super) fn end_series(&self, db: &Db, series: &Series, why: Rests) -> Result<()> {
        db.end_series(self.act, series.transaction, None)?;
        let reason = match why {
            Rests::NotOpen { status } => format!("the invoice is {status}"),
            _ => "its subscription ended before the period, or on its first day".to_owned(),
        };
        let invoice = db.invoice_by_id(series.invoice)?;
        let event = PaymentEvent::ChargeTriesEnded { transaction: series.transaction };
        db.record(self.act, &invoice, event, Some(&reason))
    }

    pub(super) fn exhaust(&self, db: &Db, series: &Series, why: Exhausted) -> Result<()> {
        db.end_series(self.act, series.transaction, None)?;
        let invoice = db.invoice_by_id(series.invoice)?;
        let reason = match why {
            Exhausted::Retries { made } => format!("no attempt is left, retries made: {made}"),
            Exhausted::Window { first_failed_at } => {
                let first = first_failed_at.with_timezone(&self.given.clock.timezone);
                format!("no attempt is left, first declined on {}", first.date_naive())
            }
        };
        let event = PaymentEvent::ChargeExhausted { transaction: series.transaction };
        db.record(self.act, &invoice, event, Some(&reason))
    }

    fn pending(
        &self,
        db: &Db,
        job: &Job,
        reference: Option<&str>,
        charged: &mut Charged,
    ) -> Result<()> {
        let before = db.charge_series(job.transaction)?;
        let answered = Answered { reference, ..Answered::plain(AttemptStatus::Pending) };
        db.answer_attempt(self.act, job.attempt, &answered)?;
        db.charge_is_open(self.act, job.transaction, TransactionStatus::Pending, reference)?;
        charged.pending += 1;
        if before.status != TransactionStatus::Pending {
            let invoice = db.invoice_by_id(job.invoice)?;
            let event = PaymentEvent::ChargePending {
                transaction: job.transaction,
                reference,
                amount: job.request.amount,
                currency: job.request.amount.currency(),
            };
            return db.record(self.act, &invoice, event, None);
        }
        let zone = self.given.clock.timezone;
        let since = job.request.created_at.with_timezone(&zone).date_naive();
        let kind = db.payment_method(job.request.method)?.kind;
        let days = self.given.config.payments.pending_days.of(Some(kind));
        if calendar::days_between(since, self.act.today) > days {
            let message = format!("the charge of {} is pending since {since}", before.number);
            let subject = job.transaction.to_string();
            charged.errors.push(item_error(&subject, "pending_too_long", message));
        }
        Ok(())
    }

    /// The gateway never saw the key: the same charge is sent, under the same key, while it would
    /// still know it for the same. Where something else is to be charged by now (a part was paid,
    /// the method was removed) or nothing for the time being, the attempt is over once no call can bring
    /// the key any more, and what is owed is decided on anew.
    fn never_seen(&self, db: &Db, job: &Job, charged: &mut Charged) -> Result<Option<Job>> {
        let series = db.charge_series(job.transaction)?;
        if series.status == TransactionStatus::Pending || job.reference.is_some() {
            let message = "the gateway says that it never saw a charge that it had taken on";
            self.unknown(db, job, message, charged)?;
            return Ok(None);
        }
        let began = &series.last_attempt;
        if self.given.gateway.began(began) != Began::Here {
            let message = format!(
                "it was begun with {}, and {} never saw it, which may be another",
                began.gateway,
                self.given.gateway.name()
            );
            self.unknown(db, job, &message, charged)?;
            return Ok(None);
        }
        let owed = &series.facts.invoice;
        let same = owed.rests(self.act.today).is_none()
            && owed.amount_due == job.request.amount
            && db.payment_method(job.request.method)?.status == PaymentMethodStatus::Active;
        let machine_now = self.given.clock.machine_now();
        let remembers = self.given.gateway.remembers(&job.request, self.act.now, machine_now);
        match (same, remembers) {
            (true, true) => Ok(Some(Job { call: Call::Charge, ..job.clone() })),
            (true, false) => {
                let message = "the gateway does not know the key any more, or never did";
                self.unknown(db, job, message, charged)?;
                Ok(None)
            }
            (false, _) if self.may_be_on_its_way(&job.request) => {
                // By the day that was given it is long over: whoever gave it wonders why nothing is
                // charged.
                if self.act.now - job.request.created_at > TimeDelta::days(1) {
                    let message = "a call with its key may arrive yet, by the machine's clock";
                    self.unknown(db, job, message, charged)?;
                }
                Ok(None)
            }
            (false, _) => {
                self.not_sent(db, job, "the gateway never saw the key")?;
                self.prepare(db, Candidate::Charge(job.transaction), charged)
            }
        }
    }

    /// Whether a call with this key may arrive yet: a program that was started by a run that died
    /// goes on, and books when it pleases. Only then does "never saw it" say that it never will. The
    /// program goes by the machine's clock, whatever day the command is given.
    fn may_be_on_its_way(&self, request: &ChargeRequest) -> bool {
        let timeout = i64::from(self.given.config.payments.timeout_seconds);
        let done = TimeDelta::hours(1) + TimeDelta::seconds(2 * timeout);
        self.given.clock.machine_now() - request.prepared_at < done
    }

    /// The attempt never reached the gateway: it counts as none, and the next one has a key of its own.
    fn not_sent(&self, db: &Db, job: &Job, message: &str) -> Result<()> {
        let status = AttemptStatus::NotSent;
        let (code, words) = (Some("not_sent"), Some(message));
        let answered = Answered { code, message: words, ..Answered::plain(status) };
        db.answer_attempt(self.act, job.attempt, &answered)?;
        db.charge_was_not_sent(self.act, job.transaction)?;
        let event = PaymentEvent::ChargeNotSent {
            transaction: job.transaction,
            attempt: job.attempt,
            amount: job.request.amount,
            currency: job.request.amount.currency(),
            message,
        };
        db.record(self.act, &db.invoice_by_id(job.invoice)?, event, Some(message))
    }

    /// Nothing can be relied on: the next run asks again. What was pending stays so.
    fn unknown(&self, db: &Db, job: &Job, message: &str, charged: &mut Charged) -> Result<()> {
        let series = db.charge_series(job.transaction)?;
        if series.status != TransactionStatus::Pending {
            let (code, message) = (Some("unknown"), Some(message));
            let answered = Answered { code, message, ..Answered::plain(AttemptStatus::Unknown) };
            db.answer_attempt(self.act, job.attempt, &answered)?;
            db.charge_is_open(self.act, job.transaction, TransactionStatus::Unknown, None)?;
        }
        // Said once: it is asked for day after day.
        if series.last_attempt.status == AttemptStatus::Prepared {
            let invoice = db.invoice_by_id(job.invoice)?;
            let event = PaymentEvent::ChargeUnknown {
                transaction: job.transaction,
                attempt: job.attempt,
                amount: job.request.amount,
                currency: job.request.amount.currency(),
                message,
            };
            db.record(self.act, &invoice, event, Some(message))?;
        }
        charged.errors.push(unknown_outcome(&series, message));
        Ok(())
    }
}

/// Names a charge to which the gateway gave a reference that it gave a charge of another invoice: both
/// count as paid, and the money may have come once.
fn name_repeated(db: &Db, job: &Job, reference: Option<&str>, charged: &mut Charged) -> Result<()> {
    let Some(reference) = reference else { return Ok(()) };
    let Some((other, number)) = db.same_reference(job.attempt, reference)? else { return Ok(()) };
    let words = format!(
        "the gateway gave the charge of {} the reference {}, which it gave {other} of {number} too: \
         the money may have come once; billing transaction reverse takes one back",
        job.request.invoice,
        printable_value(reference)
    );
    charged.errors.push(item_error(&job.transaction.to_string(), "reference_repeated", words));
    Ok(())
}
