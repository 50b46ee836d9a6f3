//! What lets dunning rest, and what sets it going again.

use chrono::NaiveDate;

use super::Book;
use crate::domain::event::InvoiceEvent;
use crate::domain::invoice::{self, Invoice};
use crate::domain::tenant::TenantStatus;
use crate::domain::{Refusal, Result};
use crate::store::EventFilter;

impl Book<'_> {
    /// Records a promise to pay: dunning rests until then, and what was warned before gives no notice.
    ///
    /// # Errors
    /// The invoice is not open, or the day has passed.
    pub fn promise(&self, invoice: &Invoice, until: NaiveDate, note: Option<&str>) -> Result<()> {
        invoice::check_open(invoice)?;
        if until < self.act.today {
            return Err(Refusal::PromiseInThePast { until, today: self.act.today });
        }
        self.db.promise_invoice(self.act, invoice.id, until, note)?;
        self.db.end_notice(self.act, invoice.id, false)?;
        self.record(invoice, InvoiceEvent::PromiseRecorded { until }, note)
    }

    /// Marks an invoice as disputed: dunning rests until the dispute is settled.
    ///
    /// # Errors
    /// The invoice is not open, or disputed already.
    pub fn dispute(&self, invoice: &Invoice, note: Option<&str>) -> Result<()> {
        invoice::check_open(invoice)?;
        if invoice.disputed_at.is_some() {
            return Err(Refusal::AlreadyDisputed { invoice: invoice.number.clone() });
        }
        self.db.dispute_invoice(self.act, invoice.id, Some(note))?;
        self.db.end_notice(self.act, invoice.id, false)?;
        self.record(invoice, InvoiceEvent::DisputeOpened, note)
    }

    /// Whether its customer may dispute an invoice by itself: one that is open, and once, or it would never
    /// be chased.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn may_be_disputed(&self, invoice: &Invoice) -> Result<bool> {
        let mut disputed = false;
        let filter = EventFilter {
            invoice: Some(invoice.id),
            kind: Some("dispute_opened".to_owned()),
            ..EventFilter::default()
        };
        self.db.each_event(&filter, |_| {
            disputed = true;
            Ok(())
        })?;
        Ok(invoice::check_open(invoice).is_ok() && !disputed)
    }

    /// Settles a dispute: the invoice is chased again.
    ///
    /// # Errors
    /// It is not disputed.
    pub fn resolve_dispute(&self, invoice: &Invoice, note: Option<&str>) -> Result<()> {
        if invoice.disputed_at.is_none() {
            return Err(Refusal::NotDisputed { invoice: invoice.number.clone() });
        }
        self.db.dispute_invoice(self.act, invoice.id, None)?;
        let set_back = self.chase_anew(invoice)?;
        self.record(invoice, InvoiceEvent::DisputeResolved { set_back }, note)
    }

    /// Chases an invoice that comes back into dunning: what was warned before gives no notice. Where
    /// the tenant came back from its suspension meanwhile, the invoice falls below its warning, or it
    /// could never suspend again; where it is suspended still, the invoice goes on holding it. Returns
    /// whether it may have fallen.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn chase_anew(&self, invoice: &Invoice) -> Result<bool> {
        let set_back = self.db.tenant_by_id(invoice.tenant_id)?.status != TenantStatus::Suspended;
        self.db.end_notice(self.act, invoice.id, set_back)?;
        Ok(set_back)
    }
}
