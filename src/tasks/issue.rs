//! The one place where an invoice is drawn up and written: numbered, added up, with copies of
//! seller and buyer, its event, and its letter where it is sent.

use chrono::NaiveDate;

use super::settle::invoice_event;
use crate::config::Config;
use crate::domain::invoice::{InvoiceStatus, Line, Origin, add_up};
use crate::domain::letter::{Company, Template};
use crate::domain::tenant::Tenant;
use crate::domain::{Act, InvoiceId, Money, Refusal, Result, calendar};
use crate::store::{Db, NewEmail, NewInvoice};

/// An invoice to be issued.
#[derive(Debug, Clone)]
pub struct NewIssue<'a> {
    pub tenant: &'a Tenant,
    pub lines: &'a [Line],
    pub issued_on: NaiveDate,
    /// `None`: the configured days after the issue.
    pub due_on: Option<NaiveDate>,
    /// `None`: the next number of the series.
    pub number: Option<&'a str>,
    /// Whether the letter with the invoice is queued.
    pub send: bool,
}

/// Issues an invoice. One whose total is zero is issued as paid.
///
/// # Errors
/// It is due before it is issued, the number is taken, or the amounts are too large.
pub fn issue(db: &Db, act: &Act, config: &Config, new: &NewIssue) -> Result<InvoiceId> {
    let (tenant, issued_on) = (new.tenant, new.issued_on);
    let net = calendar::plus_days(issued_on, config.invoicing.net_days);
    let due_on = new.due_on.unwrap_or(net);
    if due_on < issued_on {
        return Err(Refusal::DueBeforeIssue { issued_on, due_on });
    }
    let tax_rate = tenant.tax_rate.unwrap_or(config.invoicing.tax_rate);
    let amounts = add_up(new.lines, tax_rate)?;
    let free = amounts.total.is_zero();
    let numbered = number(db, config, issued_on, new.number)?;
    let id = db.insert_invoice(
        act,
        &NewInvoice {
            number: &numbered.number,
            sequence: numbered.sequence.as_ref().map(|(series, n)| (series.as_str(), *n)),
            origin: numbered.origin,
            tenant: tenant.id,
            status: if free { InvoiceStatus::Paid } else { InvoiceStatus::Open },
            amounts,
            tax_rate,
            paid_elsewhere: Money::zero(amounts.total.currency()),
            seller: db.party(&seller(&config.company))?,
            buyer: db.party(&buyer(tenant))?,
            issued_on,
            due_on,
            paid_on: free.then_some(issued_on),
            lines: new.lines,
        },
    )?;
    let invoice = db.invoice_by_id(id)?;
    let data = serde_json::json!({
        "total": amounts.total.major(), "currency": amounts.total.currency().code(),
        "issued_on": issued_on, "due_on": due_on,
    });
    invoice_event(db, act, &invoice, "invoice_issued", None, &data.to_string())?;
    if new.send {
        db.queue_email(
            act,
            &NewEmail {
                tenant: tenant.id,
                invoice: Some(id),
                template: Template::Invoice,
                domain: &config.mail_domain(),
                dedup_key: &format!("invoice/{}", id.0),
                facts: "{}",
                run: None,
            },
        )?;
    }
    Ok(id)
}

struct Numbered {
    number: String,
    sequence: Option<(String, i64)>,
    origin: Origin,
}

/// The next number of the series; where the operator's own fits the format, the series goes on
/// above it.
fn number(db: &Db, config: &Config, issued_on: NaiveDate, typed: Option<&str>) -> Result<Numbered> {
    let format = &config.invoicing.number_format;
    if let Some(typed) = typed {
        let sequence = note_number(db, config, typed)?;
        return Ok(Numbered { number: typed.to_owned(), sequence, origin: Origin::Typed });
    }
    let series = format.series(issued_on);
    loop {
        let sequence = db.take_number(&series)?;
        let number = format.number(issued_on, sequence);
        if db.find_invoice(&number)?.is_none() {
            let sequence = Some((series, sequence));
            return Ok(Numbered { number, sequence, origin: Origin::Issued });
        }
        // The format was changed to one that earlier numbers happen to fit.
        db.skip_number(&series)?;
    }
}

/// Raises the sequence of a number that fits the format; returns its series and sequence.
///
/// # Errors
/// A fault of the file.
pub fn note_number(db: &Db, config: &Config, number: &str) -> Result<Option<(String, i64)>> {
    let read = config.invoicing.number_format.read(number);
    if let Some((series, sequence)) = &read {
        db.note_number(series, *sequence)?;
    }
    Ok(read)
}

/// The seller's copy on an invoice.
pub fn seller(company: &Company) -> String {
    serde_json::json!({
        "name": company.name, "email": company.email, "address": company.address,
        "country": null, "tax_id": company.tax_id, "registration": company.registration,
    })
    .to_string()
}

/// The buyer's copy on an invoice.
pub fn buyer(tenant: &Tenant) -> String {
    serde_json::json!({
        "name": tenant.name, "email": tenant.email, "address": tenant.address,
        "country": tenant.country, "tax_id": tenant.tax_id, "registration": null,
    })
    .to_string()
}
