//! Money that comes in for an invoice, and money that goes back.

use chrono::NaiveDate;

use super::{Because, Book};
use crate::domain::credit::CreditSource;
use crate::domain::event::PaymentEvent;
use crate::domain::invoice::{self, Invoice, InvoiceStatus, settle};
use crate::domain::ledger::{EntryKind, entry_of_payment};
use crate::domain::template::Template;
use crate::domain::transaction::{NewPayment, Overpayment, Repeated};
use crate::domain::{InvoiceId, Money, Refusal, Result, RunId, TenantId, TransactionId};
use crate::store::{NewEmail, Subject};

/// Whether the customer is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notify {
    Customer,
    Nobody,
}

/// How a payment is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentTerms {
    pub overpayment: Overpayment,
    pub repeated: Repeated,
    pub notify: Notify,
}

impl PaymentTerms {
    /// Never more than is due, never a reference twice.
    pub fn strict(notify: Notify) -> Self {
        PaymentTerms { overpayment: Overpayment::Refuse, repeated: Repeated::Refuse, notify }
    }
}

/// How a gateway came to take the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It charged a payment method.
    ByCharge,
    /// The customer paid on its page.
    OnPage,
}

/// A charge or checkout that a gateway, or a person who asked it, says has succeeded.
#[derive(Debug, Clone, Copy)]
pub struct Charge<'a> {
    pub transaction: TransactionId,
    pub taken: Taken,
    pub amount: Money,
    /// The kind of the payment method.
    pub method: &'static str,
    pub reference: Option<&'a str>,
    pub run: Option<RunId>,
}

impl Book<'_> {
    /// Records a payment of an invoice, with its event and e-mail; the tenant comes back from a
    /// suspension where nothing holds it any more.
    ///
    /// # Errors
    /// The invoice cannot be paid, the amount is above what is due, or another payment of it bears
    /// the reference.
    pub fn pay(
        &self,
        invoice: &Invoice,
        payment: &NewPayment,
        terms: PaymentTerms,
    ) -> Result<TransactionId> {
        if payment.paid_on > self.act.today {
            return Err(Refusal::PaidInTheFuture {
                paid_on: payment.paid_on,
                today: self.act.today,
            });
        }
        if let Some(reference) = &payment.reference
            && terms.repeated == Repeated::Refuse
        {
            let alike = self.db.payments_alike(invoice.id, payment, None)?;
            if let Some(transaction) = alike.newest.or(alike.other) {
                let (of, reference) = (invoice.number.clone(), reference.clone());
                return Err(Refusal::ReferenceTaken { of, reference, transaction });
            }
        }
        let settlement = settle(invoice, payment.amount, terms.overpayment)?;
        let id = self.db.insert_payment(
            self.act,
            Subject::of(invoice, None),
            payment,
            settlement.applied,
        )?;
        let (kind, paid_on) = (EntryKind::Payment, payment.paid_on);
        let entry = entry_of_payment(kind, invoice, payment.amount, &settlement, paid_on);
        self.db.book(self.act, Subject::of(invoice, Some(id)), &entry)?;
        let event = PaymentEvent::Recorded {
            transaction: id,
            amount: payment.amount,
            applied: settlement.applied,
            remaining: settlement.remaining,
            currency: payment.amount.currency(),
            paid_on: payment.paid_on,
            method: payment.method.as_deref(),
            reference: payment.reference.as_deref(),
        };
        self.record(invoice, event, None)?;
        if terms.notify == Notify::Customer {
            self.tell_of_payment((invoice.tenant_id, Some(invoice.id)), id, None)?;
        }
        let surplus = payment.amount.minus(settlement.applied)?;
        self.keep_surplus(
            invoice.tenant_id,
            id,
            surplus,
            payment.paid_on,
            CreditSource::Overpayment,
        )?;
        let settled = !surplus.is_zero() && self.use_credit(invoice.tenant_id)?;
        if self.config.dunning_policy().is_little(settlement.remaining) || settled {
            self.come_back(invoice.tenant_id, Because::Paid)?;
        }
        Ok(id)
    }

    pub(super) fn tell_of_payment(
        &self,
        (tenant, invoice): (TenantId, Option<InvoiceId>),
        id: TransactionId,
        run: Option<RunId>,
    ) -> Result<()> {
        let (key, facts) = (format!("payment/{}", id.0), format!(r#"{{"transaction":{}}}"#, id.0));
        self.db.queue_email(
            self.act,
            &NewEmail {
                tenant,
                invoice,
                template: Template::PaymentReceived,
                domain: &self.config.mail_domain(),
                dedup_key: &key,
                facts: &facts,
                run,
            },
        )?;
        Ok(())
    }

    /// Books a charge or checkout that succeeded, with its event and e-mail; the tenant comes back from a
    /// suspension where nothing holds it any more. What is not owed any more, because the invoice was
    /// settled in another way meanwhile, is the tenant's unapplied credit: the money is there.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn charged(&self, invoice: &Invoice, charge: &Charge) -> Result<()> {
        let id = charge.transaction;
        let nothing = Money::zero(charge.amount.currency());
        let settlement = match invoice.status {
            InvoiceStatus::Void | InvoiceStatus::Draft => {
                invoice::Settlement { applied: nothing, remaining: nothing }
            }
            _ => settle(invoice, charge.amount, Overpayment::KeepAsCredit)?,
        };
        self.db.charge_succeeded(self.act, id, settlement.applied, charge.reference)?;
        let (kind, today) = (EntryKind::Charge, self.act.today);
        let entry = entry_of_payment(kind, invoice, charge.amount, &settlement, today);
        self.db.book(self.act, Subject::of(invoice, Some(id)), &entry)?;
        self.record(invoice, took(charge, &settlement, today), None)?;
        self.tell_of_payment((invoice.tenant_id, Some(invoice.id)), id, charge.run)?;
        let surplus = charge.amount.minus(settlement.applied)?;
        let source = CreditSource::Overpayment;
        self.keep_surplus(invoice.tenant_id, id, surplus, self.act.today, source)?;
        if !surplus.is_zero() {
            self.use_credit_on_small(invoice)?;
        }
        let settled = !surplus.is_zero() && self.use_credit(invoice.tenant_id)?;
        let left = self.config.dunning_policy().is_little(settlement.remaining);
        if settled || (left && !settlement.applied.is_zero()) {
            self.come_back(invoice.tenant_id, Because::Paid)?;
        }
        Ok(())
    }
}

/// What is told of a charge or checkout that succeeded on that day.
fn took<'a>(
    charge: &Charge<'a>,
    settlement: &invoice::Settlement,
    paid_on: NaiveDate,
) -> PaymentEvent<'a> {
    let Charge { transaction, amount, method, reference, .. } = *charge;
    let (applied, remaining) = (settlement.applied, settlement.remaining);
    let currency = amount.currency();
    match charge.taken {
        Taken::ByCharge => PaymentEvent::ChargeSucceeded {
            transaction,
            amount,
            applied,
            remaining,
            currency,
            paid_on,
            method,
            reference,
        },
        Taken::OnPage => PaymentEvent::CheckoutSucceeded {
            transaction,
            amount,
            applied,
            remaining,
            currency,
            paid_on,
            method,
            reference,
        },
    }
}
