//! What charging would do, for `--dry-run`.

use super::source::{Candidate, Source};
use crate::domain::charge::{Retry, decide_retry};
use crate::domain::transaction::TransactionStatus;
use crate::domain::{Act, Money, Result, TransactionId};
use crate::store::Store;
use crate::store::charges::Series;
use crate::tasks::{BATCH, Given};

/// What a run of `retry-failed-payments` would do about one charge or invoice, for `--dry-run`.
#[derive(Debug, Clone)]
pub enum Foreseen {
    /// It would be charged for the first time.
    First {
        number: String,
        tenant: String,
        amount: Money,
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

/// Hands what a run would do to `each`. Writes nothing, and calls nobody.
///
/// # Errors
/// What `each` refuses, or a fault of the file.
pub fn foresee(
    store: &mut Store,
    given: &Given,
    act: &Act,
    mut each: impl FnMut(Foreseen) -> Result<()>,
) -> Result<()> {
    let policy = given.config.retry_policy();
    let mut source = Source::Charges { after: TransactionId(0) };
    loop {
        let page = source.page(store, BATCH)?;
        if page.is_empty() {
            return Ok(());
        }
        for candidate in page {
            let foreseen = store.read(|db| match candidate {
                Candidate::Charge(id) => {
                    let series = db.charge_series(id)?;
                    Ok(Some(match series.status {
                        TransactionStatus::Failed => {
                            let retry = decide_retry(&series.facts, &policy, act.now, act.today);
                            Foreseen::Retried { series, retry }
                        }
                        _ => Foreseen::Asked { series },
                    }))
                }
                Candidate::Invoice(id) => {
                    let (owed, invoice) = (db.owed(id)?, db.invoice_by_id(id)?);
                    if owed.rests(act.today).is_some() {
                        return Ok(None);
                    }
                    let (number, tenant) = (invoice.number.clone(), invoice.tenant.clone());
                    let amount = owed.amount_due;
                    Ok(Some(match db.default_payment_method(invoice.tenant_id)? {
                        Some(_) => Foreseen::First { number, tenant, amount },
                        None => Foreseen::NoMethod { number, tenant, amount },
                    }))
                }
            })?;
            foreseen.map_or(Ok(()), &mut each)?;
        }
    }
}
