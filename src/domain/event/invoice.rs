//! What happens to invoices, but for what is paid on them.

use chrono::NaiveDate;

use super::changes::{Changed, Changes};
use super::data::{Extra, group, kinds};
use crate::domain::invoice::{Invoice, InvoiceStatus};
use crate::domain::stage::Stage;
use crate::domain::{Currency, EmailId, Money, RunId, SubscriptionId};

kinds! {
    /// What happens to an invoice.
    InvoiceEvent<'a> {
        /// An invoice was issued here; where its total is nothing, it is paid.
        Issued = "invoice_issued" {
            /// What is to be paid.
            total: Money,
            /// What it is in.
            currency: Currency,
            /// The day of its issue.
            issued_on: NaiveDate,
            /// Until when it is to be paid.
            due_on: NaiveDate,
            /// Whose period it bills.
            subscription: Option<SubscriptionId>,
            /// The first day of the period.
            period_start: Option<NaiveDate>,
            /// The first day after the period.
            period_end: Option<NaiveDate>,
            /// The code of the coupon that discounts it.
            coupon: Extra<&'a str>,
            /// What the coupon takes off, before tax where the invoice's amounts are.
            discount: Extra<Money>,
        },
        /// An invoice that was issued elsewhere was imported.
        Imported = "invoice_imported",
        /// An import set an imported invoice right.
        Corrected = "invoice_corrected" {
            /// What changed.
            changes: Changes,
            /// It is open again.
            reopened: Extra<bool>,
            /// Of one that is open again: its notice of suspension begins anew.
            set_back: Extra<bool>,
        },
        /// A coupon left nothing to be paid of an open invoice.
        Settled = "invoice_settled",
        /// An invoice was voided: it should never have been issued.
        Voided = "invoice_voided",
        /// An invoice was given up; it may still be paid.
        WrittenOff = "invoice_written_off",
        /// A person had the e-mail with the invoice queued.
        SentByHand = "invoice_send_requested" {
            /// The e-mail.
            email: EmailId,
            /// To which address, where it is not the customer's.
            to: Extra<&'a str>,
        },
        /// The customer promised to pay: nobody chases the invoice until then.
        PromiseRecorded = "promise_recorded" {
            /// The last day of the promise.
            until: NaiveDate,
        },
        /// The customer disputes the invoice: nobody chases it.
        DisputeOpened = "dispute_opened",
        /// A dispute was settled: the invoice is chased again.
        DisputeResolved = "dispute_resolved" {
            /// Its notice of suspension begins anew.
            set_back: bool,
        },
        /// An overdue invoice reached a stage of dunning.
        StageRecorded = "dunning_stage_recorded" {
            /// The stage.
            stage: Stage,
            /// Days since its due date.
            days_overdue: i64,
            /// The run that recorded it.
            run: RunId,
        },
    }
}

/// What an import did to an invoice besides setting it right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reopened {
    No,
    Yes {
        /// Its notice of suspension begins anew.
        set_back: bool,
    },
}

impl InvoiceEvent<'_> {
    /// An import set those fields of an invoice right.
    pub fn corrected(
        before: &Invoice,
        after: &Invoice,
        names: &[&str],
        reopened: Reopened,
    ) -> InvoiceEvent<'static> {
        let (before, after) = (InvoiceFacts::of(before), InvoiceFacts::of(after));
        let (reopened, set_back) = match reopened {
            Reopened::No => (None, None),
            Reopened::Yes { set_back } => (Some(true), Some(set_back)),
        };
        InvoiceEvent::Corrected {
            changes: Changes::between(&before, &after, Changed::Names).only(names),
            reopened: Extra(reopened),
            set_back: Extra(set_back),
        }
    }
}

group! {
    /// What an import can set right of an invoice.
    InvoiceFacts<'a> {
        /// Whose it is.
        tenant: &'a str,
        /// What it came to.
        total: Money,
        /// What it is in.
        currency: Currency,
        /// The day of its issue.
        issued_on: NaiveDate,
        /// Until when it is to be paid.
        due_on: NaiveDate,
        /// What it is for.
        description: Option<&'a str>,
        /// Where it stands.
        status: InvoiceStatus,
        /// When it was paid.
        paid_on: Option<NaiveDate>,
    }
}

impl<'a> InvoiceFacts<'a> {
    /// Those of an invoice as it stands. One that was imported has one line.
    fn of(invoice: &'a Invoice) -> InvoiceFacts<'a> {
        InvoiceFacts {
            tenant: &invoice.tenant,
            total: invoice.total,
            currency: invoice.total.currency(),
            issued_on: invoice.issued_on,
            due_on: invoice.due_on,
            description: invoice.lines.first().map(|line| line.description.as_str()),
            status: invoice.status,
            paid_on: invoice.paid_on,
        }
    }
}
