//! The calls themselves: several at once, with no transaction open, and one thread that speaks to the
//! database.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::Scope;

use super::source::{Candidate, Source};
use super::{Charged, Charger};
use crate::domain::charge::{Answer, ChargeRequest};
use crate::domain::{AttemptId, CheckoutId, InvoiceId, Result, TransactionId};
use crate::gateway::Gateway;
use crate::store::Store;
use crate::tasks::batch::Sum;
use crate::tasks::checkout;

/// What a gateway is asked, and about which attempt.
#[derive(Debug, Clone)]
pub struct Job {
    pub call: Call,
    pub transaction: TransactionId,
    pub attempt: AttemptId,
    pub invoice: InvoiceId,
    pub request: ChargeRequest,
    pub reference: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Charge,
    /// What became of it.
    Ask,
}

/// Jobs that follow from a page, and what it came to.
#[derive(Default)]
pub struct Page {
    pub jobs: Vec<Job>,
    /// What waits for a checkout of its invoice to be ended, and that checkout.
    pub behind: Vec<(Candidate, CheckoutId)>,
    pub charged: Charged,
}

impl Sum for Page {
    fn add(&mut self, other: Self) {
        self.jobs.extend(other.jobs);
        self.behind.extend(other.behind);
        self.charged.add(other.charged);
    }
}

/// What the threads that call the gateway share.
struct Calls<'a> {
    gateway: &'a Gateway,
    jobs: Mutex<Receiver<Job>>,
    /// The file failed: nothing is charged any more whose outcome could not be written.
    stop: AtomicBool,
}

impl Calls<'_> {
    fn work(&self, answers: &Sender<(Job, Answer)>) {
        loop {
            let job = match self.jobs.lock() {
                Ok(jobs) => jobs.recv(),
                Err(_) => return,
            };
            let Ok(job) = job else { return };
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            // A fault of ours in there must not leave the others waiting for an answer for ever.
            let called =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match job.call {
                    Call::Charge => self.gateway.charge(&job.request),
                    Call::Ask => self.gateway.status(&job.request, job.reference.as_deref()),
                }));
            let message = || "the call broke off".to_owned();
            let answer = called.unwrap_or_else(|_| Answer::Unknown { message: message() });
            if answers.send((job, answer)).is_err() {
                return;
            }
        }
    }
}

/// The hands that call: as many as there is work for, and no more than the config allows.
struct Workers<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    calls: &'scope Calls<'env>,
    send: Sender<Job>,
    answers: Sender<(Job, Answer)>,
    most: usize,
    hired: usize,
    in_flight: usize,
}

impl<'scope> Workers<'scope, '_> {
    fn give(&mut self, job: Job) {
        self.in_flight += 1;
        if self.hired < self.most.min(self.in_flight) {
            let (calls, answers) = (self.calls, self.answers.clone());
            self.scope.spawn(move || calls.work(&answers));
            self.hired += 1;
        }
        // Somebody receives as long as this lives.
        let _ = self.send.send(job);
    }
}

impl Charger<'_> {
    /// Goes through the candidates: prepares, calls, books, until nothing is left.
    pub(super) fn drive(
        &self,
        store: &mut Store,
        source: Source,
        ready: Vec<Job>,
    ) -> Result<Charged> {
        let (send, jobs) = mpsc::channel();
        let (answers, answered) = mpsc::channel();
        let stop = AtomicBool::new(false);
        let calls = Calls { gateway: self.given.gateway, jobs: Mutex::new(jobs), stop };
        let most = self.given.config.payments.parallel.max(1) as usize;
        std::thread::scope(|scope| {
            let (hired, in_flight) = (0, 0);
            let mut hands = Workers { scope, calls: &calls, send, answers, most, hired, in_flight };
            ready.into_iter().for_each(|job| hands.give(job));
            let done = self.go_through(store, source, &mut hands, &answered);
            calls.stop.store(done.is_err(), Ordering::Relaxed);
            drop(hands);
            done
        })
    }

    fn go_through(
        &self,
        store: &mut Store,
        mut source: Source,
        hands: &mut Workers,
        answered: &Receiver<(Job, Answer)>,
    ) -> Result<Charged> {
        let mut sum = Charged::default();
        let mut more = true;
        let mut behind = Vec::new();
        loop {
            // Twice as many are prepared as can be called at once, so that no hand waits for a
            // commit.
            let room = (2 * hands.most).saturating_sub(hands.in_flight);
            if more && room >= hands.most {
                let page = store.read(|db| source.page(db, room))?;
                more = !page.is_empty();
                let Page { jobs, behind: waiting, charged } = self.prepare_page(store, &page)?;
                sum.add(charged);
                behind.extend(waiting);
                jobs.into_iter().for_each(|job| hands.give(job));
                continue;
            }
            if hands.in_flight == 0 && !behind.is_empty() {
                source = Source::These(self.clear_the_way(store, &mut behind, &mut sum)?);
                more = true;
                continue;
            }
            if hands.in_flight == 0 {
                return Ok(sum);
            }
            let Ok(first) = answered.recv() else { return Ok(sum) };
            let page: Vec<_> = std::iter::once(first).chain(answered.try_iter()).collect();
            hands.in_flight -= page.len();
            let Page { jobs, behind: waiting, charged } = self.book_page(store, &page)?;
            sum.add(charged);
            behind.extend(waiting);
            jobs.into_iter().for_each(|job| hands.give(job));
        }
    }

    /// Ends the checkouts behind which charges wait, so that nobody pays by both; returns what waited.
    fn clear_the_way(
        &self,
        store: &mut Store,
        behind: &mut Vec<(Candidate, CheckoutId)>,
        sum: &mut Charged,
    ) -> Result<Vec<Candidate>> {
        let (candidates, checkouts): (Vec<_>, Vec<_>) = behind.drain(..).unzip();
        let ended = checkout::expire(store, self.given, self.act, self.run, &checkouts)?;
        sum.emails_queued += ended.emails_queued;
        sum.errors.extend(ended.errors);
        Ok(candidates)
    }
}
