//! What was done at the gateway without being asked: refunds, and disputes.

use super::credit_note::{Crediting, Planned};
use super::refund::{Way, take};
use super::{Book, Notify};
use crate::domain::credit_note::{AskedSplit, CreditReason, Credited, Split, basis, draw_up};
use crate::domain::event::PaymentEvent;
use crate::domain::gateway_refund::DisputeStatus;
use crate::domain::invoice::{Invoice, InvoiceStatus};
use crate::domain::transaction::{Transaction, TransactionStatus};
use crate::domain::{Money, Refusal, Result, TransactionId};

impl Book<'_> {
    /// Books a refund that was made at the gateway: out of the credit that its invoice's payments and
    /// notes left and that is not used, and the rest by a credit note, which takes nothing off what is
    /// due: the money went back. Returns the refund.
    ///
    /// # Errors
    /// More went back than the charge brought, or than is left to be credited: a person has to look.
    pub fn refunded_at_gateway(
        &self,
        charge: &Transaction,
        amount: Money,
        reference: &str,
    ) -> Result<TransactionId> {
        let left = self.db.refundable_of(charge.id)?.map(|one| one.left);
        let left = left.unwrap_or(Money::zero(amount.currency()));
        if amount.minus(left)?.minor() > 0 {
            let transaction = charge.id.to_string();
            return Err(Refusal::RefundedTooMuch { transaction, amount, left });
        }
        let reason = format!("{reference} at the gateway");
        let credits = self.db.credit_from(charge)?;
        let mut free = Money::zero(amount.currency());
        for one in &credits {
            free = free.plus(one.left)?;
        }
        let from_credit = if free.minor() < amount.minor() { free } else { amount };
        let credits = take(&credits, from_credit)?;
        let way = Way::AtGateway { charge: charge.id, reference, credits: &credits };
        let rest = amount.minus(from_credit)?;
        if rest.is_zero() {
            return self.refund(charge, Some(amount), way, &reason);
        }
        let invoice = self.db.invoice_of(charge)?;
        let new = Crediting {
            credited: Credited::Amount(rest),
            split: AskedSplit::default(),
            reason: CreditReason::Other,
            memo: Some(&reason),
            reference: None,
            issued_on: self.act.today.max(invoice.issued_on),
            notify: Notify::Customer,
        };
        let before = self.db.credited_before(&invoice)?;
        let basis = basis(&invoice, &new.credited);
        let drawn =
            draw_up(&invoice, basis, &before, &new.credited).map_err(|refusal| match refusal {
                // The invoice is credited already, and the credit pays something else.
                Refusal::NothingToCredit { .. } | Refusal::CreditNoteAboveInvoice { .. } => {
                    Refusal::RefundedTooMuch {
                        transaction: charge.id.to_string(),
                        amount,
                        left: free,
                    }
                }
                other => other,
            })?;
        let zero = Money::zero(rest.currency());
        let split = Split { reduces_due: zero, to_credit: zero, refunded: rest, outside: zero };
        let note = self.write_note(&invoice, &new, &Planned { drawn, basis, split }, way)?;
        note.refunds.first().copied().ok_or_else(|| Refusal::NotRefundable {
            transaction: charge.id.to_string(),
            status: charge.status.word(),
        })
    }

    /// Books how a dispute of a charge stands at the gateway: an open one lets its invoice rest, a lost
    /// one takes the charge back.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn disputed_at_gateway(
        &self,
        charge: &Transaction,
        status: DisputeStatus,
        reference: &str,
    ) -> Result<()> {
        let invoice = self.db.invoice_of(charge)?;
        let transaction = charge.id;
        let event = PaymentEvent::ChargeDisputed { transaction, reference, status };
        self.record(&invoice, event, None)?;
        let note = format!("{reference} at the gateway");
        let ours = invoice.dispute_note.as_deref() == Some(&note);
        match status {
            DisputeStatus::Open if rests_undisputed(&invoice) => {
                self.dispute(&invoice, Some(&note))
            }
            DisputeStatus::Open => Ok(()),
            DisputeStatus::Won | DisputeStatus::Lost => {
                if ours && invoice.disputed_at.is_some() {
                    self.resolve_dispute(&invoice, Some(&format!("{note}: {status}")))?;
                    self.settle_from_credit(invoice.tenant_id)?;
                }
                if status == DisputeStatus::Lost && charge.status == TransactionStatus::Succeeded {
                    self.reverse(charge.id, &format!("{note} was lost"))?;
                }
                Ok(())
            }
        }
    }
}

fn rests_undisputed(invoice: &Invoice) -> bool {
    invoice.status == InvoiceStatus::Open && invoice.disputed_at.is_none()
}
