//! What is written down before a gateway is called: the charge, the attempt and its key.

use super::calls::{Call, Job, Page};
use super::foresee::Foreseen;
use super::source::Candidate;
use super::{Charged, Charger, Reach, begun_with_another};
use crate::domain::act::instant;
use crate::domain::charge::Retry;
use crate::domain::payment_method::PaymentMethod;
use crate::domain::{CheckoutId, InvoiceId, Money, Result, TransactionId};
use crate::gateway::Began;
use crate::store::charges::Series;
use crate::store::{Db, Store};
use crate::tasks::batch::Pass;

impl Charger<'_> {
    pub(super) fn prepare_page(&self, store: &mut Store, page: &[Candidate]) -> Result<Page> {
        let mut sum = Page::default();
        Pass::Run(store).page(
            page,
            &mut sum,
            |db, page, _| {
                let mut sum = Page::default();
                for candidate in page {
                    match self.checkout_before(db, *candidate)? {
                        Some(checkout) => sum.behind.push((*candidate, checkout)),
                        None => sum.jobs.extend(self.prepare(db, *candidate, &mut sum.charged)?),
                    }
                }
                Ok(sum)
            },
            |db, candidate, refusal, sum| sum.charged.refused(db, *candidate, refusal),
        )?;
        Ok(sum)
    }

    /// The checkout that has to be ended before a candidate is charged.
    fn checkout_before(&self, db: &Db, candidate: Candidate) -> Result<Option<CheckoutId>> {
        let invoice = match candidate {
            Candidate::Invoice(id) => id,
            Candidate::Charge(id) => db.charge_series(id)?.invoice,
        };
        let Some(checkout) = db.wanted_checkout(invoice)? else { return Ok(None) };
        let charges = match self.foresee(db, candidate)? {
            Some(Foreseen::First { .. }) => true,
            Some(Foreseen::Retried { retry, .. }) => {
                retry == Retry::Now && self.reach == Reach::Everything
            }
            None | Some(Foreseen::NoMethod { .. } | Foreseen::Asked { .. }) => false,
        };
        Ok(charges.then_some(checkout.id))
    }

    /// Writes down what is to be asked of the gateway; `None` where there is nothing to do now, or
    /// nobody can be charged.
    pub(super) fn prepare(
        &self,
        db: &Db,
        candidate: Candidate,
        charged: &mut Charged,
    ) -> Result<Option<Job>> {
        // What the customer has in credit pays before any charge.
        let invoice = match candidate {
            Candidate::Invoice(id) => id,
            Candidate::Charge(id) => db.charge_series(id)?.invoice,
        };
        self.books(db).settle_from_credit(db.invoice_by_id(invoice)?.tenant_id)?;
        match self.foresee(db, candidate)? {
            None | Some(Foreseen::NoMethod { .. }) => Ok(None),
            Some(Foreseen::First { invoice, amount, method, .. }) => {
                charged.eligible += 1;
                self.begin(db, invoice, amount, &method).map(Some)
            }
            Some(Foreseen::Asked { series }) => {
                if self.given.gateway.began(&series.last_attempt) != Began::Elsewhere {
                    return self.ask(db, &series).map(Some);
                }
                // Another gateway never saw the key, and would be asked to charge once more.
                charged.errors.push(begun_with_another(&series, self.given.gateway));
                Ok(None)
            }
            Some(Foreseen::Retried { .. }) if self.reach == Reach::OpenAndNew => Ok(None),
            Some(Foreseen::Retried { series, retry }) => self.retry(db, &series, retry, charged),
        }
    }

    /// Another attempt of a charge that was declined, or the end of its series.
    fn retry(
        &self,
        db: &Db,
        series: &Series,
        retry: Retry,
        charged: &mut Charged,
    ) -> Result<Option<Job>> {
        match retry {
            Retry::Wait { .. } => Ok(None),
            Retry::Over { why } => {
                self.end_series(db, series, why)?;
                Ok(None)
            }
            Retry::Exhausted { why } => {
                self.exhaust(db, series, why)?;
                charged.exhausted += 1;
                Ok(None)
            }
            Retry::Now => {
                let method = db.default_payment_method(series.tenant_id)?;
                let Some(method) = method else { return Ok(None) };
                let amount = series.facts.invoice.amount_due;
                db.retry_charge(self.act, series.transaction, amount, &method)?;
                charged.eligible += 1;
                self.try_once(db, series.transaction, series.invoice, amount, &method).map(Some)
            }
        }
    }

    /// Writes a charge and its first attempt down.
    pub(super) fn begin(
        &self,
        db: &Db,
        invoice: InvoiceId,
        amount: Money,
        method: &PaymentMethod,
    ) -> Result<Job> {
        let transaction = db.insert_charge(self.act, invoice, amount, method)?;
        self.try_once(db, transaction, invoice, amount, method)
    }

    /// Writes an attempt down, with a key of its own: the number at its end says which attempt of the invoice
    /// it is.
    fn try_once(
        &self,
        db: &Db,
        transaction: TransactionId,
        invoice: InvoiceId,
        amount: Money,
        method: &PaymentMethod,
    ) -> Result<Job> {
        // One that the gateway could not end, or that came just now: it is ended by the next run.
        if let Some(checkout) = db.wanted_checkout(invoice)? {
            db.supersede_checkout(checkout.id)?;
        }
        let number = db.count_attempts(invoice)? + 1;
        let key = key(db, invoice, number)?;
        let (gateway, now) = (self.given.gateway.name(), self.given.clock.machine_now());
        let (named, now) = ((gateway.as_str(), key.as_str()), instant(now));
        let attempt = db.insert_attempt(self.act, transaction, method, named, amount, &now)?;
        let request = db.charge_request(attempt)?;
        let (call, reference) = (Call::Charge, None);
        Ok(Job { call, transaction, attempt, invoice, request, reference })
    }

    pub(super) fn ask(&self, db: &Db, series: &Series) -> Result<Job> {
        let last = &series.last_attempt;
        Ok(Job {
            call: Call::Ask,
            transaction: series.transaction,
            attempt: last.id,
            invoice: series.invoice,
            request: db.charge_request(last.id)?,
            reference: last.reference.clone(),
        })
    }
}

/// The key of an attempt of an invoice. It follows from what it is for: where a backup was brought back
/// and forgot a charge, the same attempt comes with the same key again, by which the gateway knows it.
fn key(db: &Db, invoice: InvoiceId, number: i64) -> Result<String> {
    let invoice = db.invoice_by_id(invoice)?;
    let file = uuid::Uuid::try_parse(&db.database_uuid()?).unwrap_or_default();
    let debt = format!("{}/{}/{number}", invoice.tenant, invoice.number);
    Ok(format!("{}-{number}", uuid::Uuid::new_v5(&file, debt.as_bytes())))
}
