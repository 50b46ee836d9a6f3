//! The one place where an invoice is drawn up and written: numbered, added up, with copies of
//! seller and buyer, its event, and its e-mail where it is sent.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{Book, party};
use crate::config::Config;
use crate::domain::coupon::Redemption;
use crate::domain::event::{Extra, InvoiceEvent};
use crate::domain::invoice::{
    Amounts, InvoiceStatus, Line, Origin, Purpose, add_up, discounted_by,
};
use crate::domain::period::Period;
use crate::domain::subscription::Collection;
use crate::domain::tax::{TaxBasis, Treatment};
use crate::domain::template::Template;
use crate::domain::tenant::Tenant;
use crate::domain::{InvoiceId, Money, Refusal, Result, RunId, SubscriptionId, calendar};
use crate::store::{NewEmail, NewInvoice, NewUsage};

/// An invoice to be issued.
#[derive(Debug, Clone)]
pub struct NewIssue<'a> {
    pub tenant: &'a Tenant,
    pub lines: &'a [Line],
    /// Whether the lines are with tax.
    pub basis: TaxBasis,
    pub issued_on: NaiveDate,
    /// `None`: the configured days after the issue.
    pub due_on: Option<NaiveDate>,
    /// `None`: the next number of the series.
    pub number: Option<&'a str>,
    pub purpose: Purpose,
    /// The subscription that it bills, and which time of it.
    pub period: Option<(SubscriptionId, Period)>,
    pub collection: Collection,
    /// Whose discount comes off its lines.
    pub redemption: Option<&'a Redemption>,
    /// Whether the e-mail with the invoice is queued.
    pub send: bool,
    /// The run that issues it.
    pub run: Option<RunId>,
}

impl<'a> NewIssue<'a> {
    /// An invoice of that day over those lines without tax, which belongs to no subscription and is not
    /// sent.
    pub fn single(tenant: &'a Tenant, lines: &'a [Line], issued_on: NaiveDate) -> Self {
        NewIssue {
            tenant,
            lines,
            basis: TaxBasis::Exclusive,
            issued_on,
            due_on: None,
            number: None,
            purpose: Purpose::Single,
            period: None,
            collection: Collection::Invoice,
            redemption: None,
            send: false,
            run: None,
        }
    }
}

/// What an invoice says that is to be issued.
#[derive(Debug, Clone)]
pub struct Drawn {
    pub treatment: Treatment,
    pub due_on: NaiveDate,
    /// With what a coupon takes off them.
    pub lines: Vec<Line>,
    pub amounts: Amounts,
}

impl NewIssue<'_> {
    /// Draws the invoice up: what is written when it is issued, and shown before.
    ///
    /// # Errors
    /// It is due before it is issued, or the amounts are too large.
    pub fn draw_up(&self, config: &Config) -> Result<Drawn> {
        let issued_on = self.issued_on;
        let net = calendar::plus_days(issued_on, config.invoicing.net_days);
        let due_on = self.due_on.unwrap_or(net);
        if due_on < issued_on {
            return Err(Refusal::DueBeforeIssue { issued_on, due_on });
        }
        let treatment = self.tenant.taxed_by(&config.seller_tax());
        let (lines, amounts) =
            amounts_at(treatment.rate, (self.lines, self.basis), self.redemption)?;
        Ok(Drawn { treatment, due_on, lines, amounts })
    }
}

/// Issues invoices in one transaction.
#[derive(Debug)]
pub struct Issuer<'a> {
    pub book: Book<'a>,
    /// The seller's copy, the same for all of them.
    seller: i64,
    domain: String,
}

/// An invoice that was issued.
#[derive(Debug, Clone, Copy)]
pub struct Issued {
    pub id: InvoiceId,
    pub amounts: Amounts,
}

impl<'a> Book<'a> {
    /// What issues invoices in this transaction.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn issuer(&self) -> Result<Issuer<'a>> {
        let seller = self.db.party(&party::copy(self.config.company.party()))?;
        Ok(Issuer { book: *self, seller, domain: self.config.mail_domain() })
    }

    /// Raises the sequence of a number that fits the format; returns its series and sequence.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn note_number(&self, number: &str) -> Result<Option<(String, i64)>> {
        let read = self.config.invoicing.number_format.read(number);
        if let Some((series, sequence)) = &read {
            self.db.note_number(series, *sequence)?;
        }
        Ok(read)
    }
}

impl Issuer<'_> {
    /// Issues an invoice. One whose total is zero is issued as paid.
    ///
    /// # Errors
    /// It is due before it is issued, the number is taken, the amounts are too large, or its
    /// period is billed already.
    pub fn issue(&self, new: &NewIssue) -> Result<Issued> {
        let (tenant, issued_on) = (new.tenant, new.issued_on);
        let Drawn { treatment, due_on, lines, amounts } = new.draw_up(self.book.config)?;
        let free = amounts.total.is_zero();
        let row = NewInvoice {
            number: "",
            sequence: None,
            origin: Origin::Typed,
            tenant: tenant.id,
            status: if free { InvoiceStatus::Paid } else { InvoiceStatus::Open },
            amounts,
            tax_basis: new.basis,
            tax_rate: treatment.rate,
            tax_category: Some(treatment.category),
            tax_reason: treatment.reason.as_deref(),
            paid_elsewhere: Money::zero(amounts.total.currency()),
            seller: self.seller,
            buyer: self.book.db.party(&party::copy(tenant.party()))?,
            issued_on,
            due_on,
            paid_on: free.then_some(issued_on),
            purpose: new.purpose,
            period: new.period,
            collection: new.collection,
            coupon: new.redemption.map(|redemption| redemption.coupon_id),
            lines: &lines,
        };
        let id = self.insert(row, new.number)?;
        if let Some(redemption) = new.redemption {
            let (tenant, invoice, amounts) = (tenant.id, id, &amounts);
            self.book
                .db
                .insert_usage(self.book.act, &NewUsage { redemption, tenant, invoice, amounts })?;
        }
        let reason = new.redemption.map(|r| format!("{}: {} off", r.code, amounts.discount));
        self.book.record((tenant.id, id), issued(new, &amounts, due_on), reason.as_deref())?;
        self.book.take_pending(id, &lines)?;
        if !free {
            let credit = self.book.use_credit_on(tenant.id, id, amounts.total)?;
            if !credit.is_zero() {
                self.book.db.note_credit_at_issue(id, credit)?;
            }
        }
        if new.send {
            self.send(new, id)?;
        }
        Ok(Issued { id, amounts })
    }

    fn send(&self, new: &NewIssue, id: InvoiceId) -> Result<()> {
        self.book.db.queue_email(
            self.book.act,
            &NewEmail {
                tenant: new.tenant.id,
                invoice: Some(id),
                template: Template::Invoice,
                domain: &self.domain,
                dedup_key: &format!("invoice/{}", id.0),
                facts: "{}",
                run: new.run,
            },
        )?;
        Ok(())
    }

    /// Writes the row under the operator's number, which raises the sequence where it fits the
    /// format, or under the next number of the series.
    fn insert(&self, row: NewInvoice, typed: Option<&str>) -> Result<InvoiceId> {
        if let Some(number) = typed {
            let sequence = self.book.note_number(number)?;
            let sequence = sequence.as_ref().map(|(series, n)| (series.as_str(), *n));
            return self
                .book
                .db
                .insert_invoice(self.book.act, &NewInvoice { number, sequence, ..row });
        }
        let format = &self.book.config.invoicing.number_format;
        let series = format.series(row.issued_on);
        loop {
            let sequence = self.book.db.take_number(&series)?;
            let number = format.number(row.issued_on, sequence);
            let numbered = NewInvoice {
                number: &number,
                sequence: Some((&series, sequence)),
                origin: Origin::Issued,
                ..row.clone()
            };
            match self.book.db.insert_invoice(self.book.act, &numbered) {
                // The format was changed to one that earlier numbers happen to fit.
                Err(Refusal::Exists { .. }) => self.book.db.skip_number(&series)?,
                inserted => return inserted,
            }
        }
    }
}

/// The amounts of an invoice over lines that a coupon discounts; with the lines comes whether they
/// are with tax.
///
/// # Errors
/// Amounts that are too large.
pub fn amounts(
    config: &Config,
    tenant: &Tenant,
    lines: (&[Line], TaxBasis),
    redemption: Option<&Redemption>,
) -> Result<(Vec<Line>, Amounts)> {
    amounts_at(tenant.taxed_by(&config.seller_tax()).rate, lines, redemption)
}

fn amounts_at(
    rate: Decimal,
    (lines, basis): (&[Line], TaxBasis),
    redemption: Option<&Redemption>,
) -> Result<(Vec<Line>, Amounts)> {
    let lines = match redemption {
        Some(redemption) => discounted_by(lines, redemption)?,
        None => lines.to_vec(),
    };
    let amounts = add_up(&lines, basis, rate)?;
    Ok((lines, amounts))
}

fn issued<'a>(new: &NewIssue<'a>, amounts: &Amounts, due_on: NaiveDate) -> InvoiceEvent<'a> {
    let redemption = new.redemption;
    InvoiceEvent::Issued {
        total: amounts.total,
        currency: amounts.total.currency(),
        issued_on: new.issued_on,
        due_on,
        subscription: new.period.map(|(subscription, _)| subscription),
        period_start: new.period.map(|(_, period)| period.start),
        period_end: new.period.map(|(_, period)| period.end),
        coupon: Extra(redemption.map(|redemption| redemption.code.as_str())),
        discount: Extra(redemption.map(|_| amounts.discount)),
    }
}
