//! What was invoiced by rate and category of tax: what a tax declaration asks for.

use std::collections::BTreeMap;

use super::Period;
use crate::domain::{Currency, Result};
use crate::store::Db;
use crate::store::reports::TaxSum;

/// The report.
#[derive(Debug, Clone)]
pub struct Taxes {
    pub period: Period,
    /// By currency, then category, the highest rate first; what was imported without a rate last.
    pub rates: Vec<TaxSum>,
    /// A currency each: net and tax, less what credit notes took back; without what is not known.
    pub totals: Vec<TaxTotal>,
}

/// What is left of all rates of a currency, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaxTotal {
    pub currency: Currency,
    pub net: i64,
    pub tax: i64,
}

/// Adds up what was booked in the period.
///
/// # Errors
/// A fault of the file.
pub fn taxes(db: &Db, period: Period) -> Result<Taxes> {
    let mut rates: Vec<TaxSum> = Vec::new();
    for sum in db.tax_sums(period.since, period.until)? {
        let same = |known: &&mut TaxSum| {
            (known.currency, known.category, known.rate) == (sum.currency, sum.category, sum.rate)
        };
        // 20 and 20.0 are one rate.
        match rates.iter_mut().find(same) {
            Some(known) => {
                known.invoices += sum.invoices;
                known.net += sum.net;
                known.tax += sum.tax;
                known.credited_net += sum.credited_net;
                known.credited_tax += sum.credited_tax;
            }
            None => rates.push(sum),
        }
    }
    rates.sort_by_key(|sum| {
        (sum.currency.code(), sum.category.is_none(), sum.category, std::cmp::Reverse(sum.rate))
    });
    let mut totals: BTreeMap<&str, TaxTotal> = BTreeMap::new();
    // What was imported without a rate stands apart: its tax is not known, and none of it is a sum.
    for sum in rates.iter().filter(|sum| sum.category.is_some()) {
        let none = TaxTotal { currency: sum.currency, net: 0, tax: 0 };
        let total = totals.entry(sum.currency.code()).or_insert(none);
        total.net += sum.net - sum.credited_net;
        total.tax += sum.tax - sum.credited_tax;
    }
    Ok(Taxes { period, rates, totals: totals.into_values().collect() })
}
