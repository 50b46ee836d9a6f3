//! Checkouts: how they begin, and what is booked of how they end. Their rules are in
//! `domain/checkout.rs`.

use super::Book;
use super::pay::{Charge, Taken};
use crate::domain::act::instant;
use crate::domain::charge::Found;
use crate::domain::checkout::{Became, Checkout, CheckoutStatus, EXPIRED, NewMethod, Opened, Page};
use crate::domain::event::{Extra, PaymentEvent};
use crate::domain::payment_method::{self, NewPaymentMethod, PaymentMethodKind};
use crate::domain::transaction::TransactionStatus;
use crate::domain::{CheckoutId, Refusal, Result, RunId, TransactionId};

/// How a checkout ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Paid,
    /// A payment method was added.
    SetUp,
    Expired,
    Failed,
    /// Nobody was told of it.
    Forgotten,
}

impl Book<'_> {
    /// Writes down what the gateway answered to a checkout that is open. One that it did not begin is over.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn checkout_answered(&self, checkout: &Checkout, answer: &Opened) -> Result<()> {
        // Two may have asked with one key: the answer of the first stands.
        if !checkout.is_open() || checkout.url.is_some() {
            return Ok(());
        }
        match answer {
            Opened::Redirect(page) => self.opened(checkout, page),
            Opened::Refused { code, message } => {
                self.failed(checkout, (code, message.as_deref())).map(drop)
            }
            Opened::Unsupported => self.failed(checkout, ("unsupported", None)).map(drop),
            // Another call with its key may have been sent.
            Opened::NotSent { .. } if checkout.status != CheckoutStatus::Prepared => Ok(()),
            Opened::NotSent { message } => {
                self.failed(checkout, ("not_sent", Some(message))).map(drop)
            }
            Opened::Unknown { message } => self.unanswered(checkout, message),
        }
    }

    fn opened(&self, checkout: &Checkout, page: &Page) -> Result<()> {
        let expires_at = page.expires_at.map(|at| checkout.until(at));
        let page = &Page { expires_at, ..page.clone() };
        let reference = page.reference.as_str();
        self.db.checkout_opened(checkout.id, page)?;
        let (status, named) = (TransactionStatus::Pending, Some(reference));
        let transaction = self.db.checkout_transaction(self.act, checkout, status, named)?;
        let expires_at = page.expires_at.map(instant);
        let event = PaymentEvent::CheckoutBegun {
            checkout: checkout.id,
            transaction: Extra(transaction),
            amount: Extra(checkout.amount),
            currency: checkout.currency,
            reference,
            expires_at: Extra(expires_at.as_deref()),
        };
        self.record((checkout.tenant_id, checkout.invoice_id), event, None)
    }

    fn unanswered(&self, checkout: &Checkout, message: &str) -> Result<()> {
        self.db.checkout_unknown(checkout.id, None, Some(message))?;
        let status = TransactionStatus::Unknown;
        let transaction = self.db.checkout_transaction(self.act, checkout, status, None)?;
        // Said once: it may be asked for again and again.
        if checkout.status != CheckoutStatus::Prepared {
            return Ok(());
        }
        let (checkout_id, transaction) = (checkout.id, Extra(transaction));
        let event = PaymentEvent::CheckoutUnknown { checkout: checkout_id, transaction, message };
        self.record((checkout.tenant_id, checkout.invoice_id), event, Some(message))
    }

    /// Books what the gateway says for good of a checkout; `None` where it is open still, or another process
    /// has booked it.
    ///
    /// What was paid is a payment of that day, with its receipt, and the tenant comes back from a suspension
    /// where nothing holds it any more. What is not due any more by then is the tenant's credit. A payment
    /// method that was added is the default one where there was none.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn checkout_became(
        &self,
        id: CheckoutId,
        became: &Became,
        run: Option<RunId>,
    ) -> Result<Option<Ended>> {
        let checkout = self.db.checkout(id)?;
        if !checkout.is_open() {
            return Ok(None);
        }
        match became {
            Became::Paid { reference, method } => {
                let reference = reference.as_deref().or(checkout.reference.as_deref());
                self.paid(&checkout, *method, reference, run)
            }
            Became::SetUp(method) => self.set_up(&checkout, method),
            Became::Expired => self.expire_checkout(&checkout),
            Became::Failed { code, message } => self.failed(&checkout, (code, message.as_deref())),
            Became::Open { reference } | Became::OnItsWay { reference } => {
                self.db.checkout_unknown(id, reference.as_deref(), None)?;
                self.db.checkout_on_its_way(id, became)?;
                Ok(None)
            }
            Became::NotFound | Became::Unknown { .. } => Ok(None),
        }
    }

    fn paid(
        &self,
        checkout: &Checkout,
        method: PaymentMethodKind,
        reference: Option<&str>,
        run: Option<RunId>,
    ) -> Result<Option<Ended>> {
        let (Some(invoice), Some(amount)) = (checkout.invoice_id, checkout.amount) else {
            let message = "the gateway says that it was paid, and nothing was to be";
            return self.failed(checkout, ("not_set_up", Some(message)));
        };
        if !self.db.end_checkout(self.act, checkout.id, CheckoutStatus::Succeeded, None)? {
            return Ok(None);
        }
        let status = TransactionStatus::Unknown;
        let made = self.db.checkout_transaction(self.act, checkout, status, reference)?;
        let Some(transaction) = made else { return Ok(None) };
        self.db.checkout_paid(self.act, checkout.id, transaction, method, reference)?;
        let (taken, method) = (Taken::OnPage, method.word());
        let charge = Charge { transaction, taken, amount, method, reference, run };
        self.charged(&self.db.invoice_by_id(invoice)?, &charge)?;
        Ok(Some(Ended::Paid))
    }

    fn set_up(&self, checkout: &Checkout, method: &NewMethod) -> Result<Option<Ended>> {
        let tenant = self.db.tenant_by_id(checkout.tenant_id)?;
        let label = method.label.as_deref().and_then(|label| payment_method::label(label).ok());
        let has_default = self.db.default_payment_method(tenant.id)?.is_some();
        let added = payment_method::token(method.token.reveal()).and_then(|token| {
            let kind = method.kind;
            // The one that the customer has already, added once more.
            if let Some(known) = self.db.payment_method_by_token(tenant.id, &token)? {
                if !has_default {
                    self.make_payment_method_default(&known)?;
                }
                return Ok(known.id);
            }
            let new = NewPaymentMethod { kind, token, label, is_default: !has_default };
            self.add_payment_method(&tenant, &new)
        });
        let id = match added {
            Ok(id) => id,
            Err(Refusal::Bad { .. }) => {
                let message = "the gateway gave no token that may be kept";
                return self.failed(checkout, ("bad_token", Some(message)));
            }
            Err(Refusal::TenantClosed { .. }) => {
                return self.failed(checkout, ("tenant_closed", None));
            }
            Err(refusal) => return Err(refusal),
        };
        self.db.end_checkout(self.act, checkout.id, CheckoutStatus::Succeeded, None)?;
        self.db.checkout_added(checkout.id, id)?;
        Ok(Some(Ended::SetUp))
    }

    /// Writes down that a person said what became of a checkout.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn checkout_resolved(
        &self,
        checkout: &Checkout,
        transaction: TransactionId,
        found: Found,
        note: &str,
    ) -> Result<()> {
        let event = PaymentEvent::ChargeResolved { transaction, found };
        self.record((checkout.tenant_id, checkout.invoice_id), event, Some(note))
    }

    /// Ends a checkout of which nothing comes any more. It is no decline: no retry is made, and nobody is
    /// written to.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn expire_checkout(&self, checkout: &Checkout) -> Result<Option<Ended>> {
        if !self.db.end_checkout(self.act, checkout.id, CheckoutStatus::Expired, None)? {
            return Ok(None);
        }
        if let Some(transaction) = checkout.transaction {
            self.db.checkout_came_to_nothing(self.act, transaction, (EXPIRED, None))?;
        }
        let event = PaymentEvent::CheckoutExpired {
            checkout: checkout.id,
            transaction: Extra(checkout.transaction),
            superseded: checkout.superseded.into(),
        };
        self.record((checkout.tenant_id, checkout.invoice_id), event, None)?;
        Ok(Some(Ended::Expired))
    }

    /// Ends a checkout that never reached the gateway, and of which nobody was told.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn forget_checkout(&self, checkout: &Checkout) -> Result<Option<Ended>> {
        let failure = ("not_sent", None);
        let status = CheckoutStatus::Failed;
        if !self.db.end_checkout(self.act, checkout.id, status, Some(failure))? {
            return Ok(None);
        }
        if let Some(transaction) = checkout.transaction {
            self.db.checkout_came_to_nothing(self.act, transaction, failure)?;
        }
        Ok(Some(Ended::Forgotten))
    }

    fn failed(
        &self,
        checkout: &Checkout,
        (code, message): (&str, Option<&str>),
    ) -> Result<Option<Ended>> {
        let (status, failure) = (CheckoutStatus::Failed, Some((code, message)));
        if !self.db.end_checkout(self.act, checkout.id, status, failure)? {
            return Ok(None);
        }
        if let Some(transaction) = checkout.transaction {
            self.db.checkout_came_to_nothing(self.act, transaction, (code, message))?;
        }
        let event = PaymentEvent::CheckoutFailed {
            checkout: checkout.id,
            transaction: Extra(checkout.transaction),
            code,
            message,
        };
        // What was refused at once changed nothing that anybody would look for.
        if checkout.reference.is_some() || checkout.transaction.is_some() {
            self.record((checkout.tenant_id, checkout.invoice_id), event, Some(code))?;
        }
        Ok(Some(Ended::Failed))
    }
}
