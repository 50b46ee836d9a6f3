//! What is to be done about one charge or invoice: a run prepares it, a dry run shows it.

use super::source::{Candidate, Source};
use super::{Charged, Charger};
use crate::domain::charge::{Retry, decide_retry};
use crate::domain::credit::ApplyCredit;
use crate::domain::invoice::Invoice;
use crate::domain::payment_method::PaymentMethod;
use crate::domain::transaction::TransactionStatus;
use crate::domain::{InvoiceId, Money, Result, TransactionId};
use crate::store::charges::Series;
use crate::store::{Db, Store};
use crate::tasks::BATCH;
use crate::tasks::batch::Pass;

/// What a run of `retry-failed-payments` does about one charge or invoice.
#[derive(Debug, Clone)]
pub enum Foreseen {
    /// It is charged for the first time.
    First {
        invoice: InvoiceId,
        number: String,
        tenant: String,
        amount: Money,
        method: PaymentMethod,
    },
    /// Nothing can be charged: why.
    NoMethod {
        number: String,
        tenant: String,
        amount: Money,
    },
    Asked {
        series: Series,
    },
    Retried {
        series: Series,
        retry: Retry,
    },
}

impl Charger<'_> {
    /// What is to be done; `None`: nothing, and nothing is to be said of it.
    pub(super) fn foresee(&self, db: &Db, candidate: Candidate) -> Result<Option<Foreseen>> {
        match candidate {
            Candidate::Charge(id) => self.foresee_charge(db, id),
            Candidate::Invoice(id) => self.foresee_invoice(db, id),
        }
    }

    fn foresee_invoice(&self, db: &Db, id: InvoiceId) -> Result<Option<Foreseen>> {
        let owed = db.owed(id)?;
        if owed.rests(self.act.today).is_some() || db.was_charged(id)? || db.is_on_its_way(id)? {
            return Ok(None);
        }
        let invoice = db.invoice_by_id(id)?;
        let Some(amount) = self.chargeable(db, &invoice)? else { return Ok(None) };
        let method = db.default_payment_method(invoice.tenant_id)?;
        let (number, tenant) = (invoice.number, invoice.tenant);
        Ok(Some(match method {
            Some(method) => Foreseen::First { invoice: id, number, tenant, amount, method },
            None => Foreseen::NoMethod { number, tenant, amount },
        }))
    }

    /// What is charged for an invoice: what is due, and with it what the tenant owes on others that are
    /// too small to be charged alone; booked on this one, the surplus is credit, which pays those.
    /// `None` where credit pays it, or where all of it is still too small: the invoice rests.
    fn chargeable(&self, db: &Db, invoice: &Invoice) -> Result<Option<Money>> {
        let config = self.given.config;
        // A run has let credit pay before; a dry run foresees it.
        let plan = self.books(db).credit_plan(invoice.tenant_id)?;
        let paid = plan.iter().rfind(|one| one.invoice == invoice.id);
        let mut amount = paid.map_or(invoice.due, |one| one.remaining);
        if amount.is_zero() {
            return Ok(None);
        }
        if config.invoicing.apply_credit == ApplyCredit::Automatic {
            let least = config.payments.minimum_charge.of(amount.currency());
            for (_, due) in db.too_small_beside(invoice, least, self.act.today)? {
                amount = amount.plus(due)?;
            }
        }
        Ok(Some(amount).filter(|amount| !config.payments.minimum_charge.is_above(*amount)))
    }

    fn foresee_charge(&self, db: &Db, id: TransactionId) -> Result<Option<Foreseen>> {
        let mut series = db.charge_series(id)?;
        Ok(match series.status {
            TransactionStatus::Succeeded => None,
            TransactionStatus::Pending | TransactionStatus::Unknown => {
                Some(Foreseen::Asked { series })
            }
            TransactionStatus::Failed => {
                let policy = self.given.config.retry_policy();
                let retry = decide_retry(&series.facts, &policy, self.act.now, self.act.today);
                if retry == Retry::Now {
                    if db.is_on_its_way(series.invoice)? {
                        return Ok(None);
                    }
                    let invoice = db.invoice_by_id(series.invoice)?;
                    let Some(amount) = self.chargeable(db, &invoice)? else { return Ok(None) };
                    series.facts.invoice.amount_due = amount;
                }
                Some(Foreseen::Retried { series, retry })
            }
        })
    }

    /// Hands what a run would do to `each`, and returns what would fail of it. Writes nothing, and
    /// calls nobody.
    pub(super) fn dry_run(
        &self,
        store: &mut Store,
        mut each: impl FnMut(Foreseen) -> Result<()>,
    ) -> Result<Charged> {
        let mut source = Source::Charges { after: TransactionId(0) };
        store.read(|db| {
            Pass::DryRun(db).each_page(
                |db| source.page(db, BATCH),
                |db, page, _| {
                    for candidate in page {
                        self.foresee(db, *candidate)?.map_or(Ok(()), &mut each)?;
                    }
                    Ok(Charged::default())
                },
                |db, candidate, refusal, charged| charged.refused(db, *candidate, refusal),
            )
        })
    }
}
