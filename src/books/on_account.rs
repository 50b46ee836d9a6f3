//! A payment that names its customer and no invoice: it pays what is due, and the rest is credit.

use super::{Book, Notify, PaymentTerms};
use crate::domain::credit::CreditSource;
use crate::domain::event::PaymentEvent;
use crate::domain::ledger::{Claim, Entry, EntryKind};
use crate::domain::on_account::OnAccount;
use crate::domain::tenant::Tenant;
use crate::domain::transaction::{NewPayment, Repeated};
use crate::domain::{InvoiceId, Money, Refusal, Result, TenantId, TransactionId};
use crate::store::Subject;

impl Book<'_> {
    /// Records what a customer paid without saying what for: its open invoices in that currency get
    /// it, the oldest due first, as a transaction each, and what is left is one more, which is credit.
    /// One e-mail tells of all of it.
    ///
    /// # Errors
    /// It was paid in the future, or the same payment is there already, or another one on account
    /// bears the reference.
    pub fn pay_on_account(
        &self,
        tenant: &Tenant,
        payment: &NewPayment,
        repeated: Repeated,
        notify: Notify,
    ) -> Result<OnAccount> {
        if payment.paid_on > self.act.today {
            let (paid_on, today) = (payment.paid_on, self.act.today);
            return Err(Refusal::PaidInTheFuture { paid_on, today });
        }
        if let Some(reference) = payment.reference.clone()
            && repeated == Repeated::Refuse
        {
            let alike = self.db.payments_alike_on_account(tenant.id, payment, None)?;
            if let Some(transaction) = alike.newest.or(alike.other) {
                let of = tenant.slug.clone();
                return Err(Refusal::ReferenceTaken { of, reference, transaction });
            }
        }
        let mut booked = self.share_out(tenant.id, payment)?;
        if !booked.to_credit.is_zero() {
            let rest = NewPayment { amount: booked.to_credit, ..payment.clone() };
            booked.transactions.push(self.keep_on_account(tenant.id, &rest)?);
        }
        let Some(first) = booked.transactions.first() else { return Ok(booked) };
        self.db.join_payment(*first, &booked.transactions)?;
        if notify == Notify::Customer {
            let only = match &booked.paid[..] {
                [(invoice, _)] if booked.to_credit.is_zero() => Some(invoice.id),
                _ => None,
            };
            self.tell_of_payment((tenant.id, only), *first, None)?;
        }
        self.settle_from_credit(tenant.id)?;
        Ok(booked)
    }

    /// Pays the open invoices, as far as the payment goes.
    fn share_out(&self, tenant: TenantId, payment: &NewPayment) -> Result<OnAccount> {
        let mut booked = OnAccount {
            transactions: Vec::new(),
            paid: Vec::new(),
            to_credit: payment.amount,
            passed_over: Vec::new(),
        };
        // What may be repeated was decided for the whole, and the customer is told of the whole.
        let terms =
            PaymentTerms { repeated: Repeated::Take, ..PaymentTerms::strict(Notify::Nobody) };
        for (id, passed_over) in self.db.open_in(tenant, payment.amount.currency())? {
            if booked.to_credit.is_zero() {
                break;
            }
            let invoice = self.db.invoice_by_id(id)?;
            if let Some(why) = passed_over {
                booked.passed_over.push((invoice.number, why));
                continue;
            }
            let left = booked.to_credit;
            let amount = if invoice.due.minor() < left.minor() { invoice.due } else { left };
            let part = NewPayment { amount, ..payment.clone() };
            booked.transactions.push(self.pay(&invoice, &part, terms)?);
            booked.paid.push((self.db.invoice_by_id(id)?, amount));
            booked.to_credit = left.minus(amount)?;
        }
        Ok(booked)
    }

    /// Books what pays no invoice: all of it is credit.
    fn keep_on_account(&self, tenant: TenantId, payment: &NewPayment) -> Result<TransactionId> {
        let (amount, paid_on) = (payment.amount, payment.paid_on);
        let nothing = Money::zero(amount.currency());
        let about = Subject::of_tenant(tenant);
        let id = self.db.insert_payment(self.act, about, payment, nothing)?;
        let (kind, claim) = (EntryKind::Payment, Claim::Receivable);
        let entry = Entry::paid(kind, amount, nothing, claim, paid_on);
        self.db.book(self.act, Subject { transaction: Some(id), ..about }, &entry)?;
        let event = PaymentEvent::Recorded {
            transaction: id,
            amount,
            applied: nothing,
            remaining: nothing,
            currency: amount.currency(),
            paid_on,
            method: payment.method.as_deref(),
            reference: payment.reference.as_deref(),
        };
        self.record((tenant, None::<InvoiceId>), event, None)?;
        self.keep_surplus(tenant, id, amount, paid_on, CreditSource::OnAccount)?;
        Ok(id)
    }
}
