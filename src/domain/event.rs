//! What happens to the nouns, as a type: a variant for each kind of event, with the fields of its
//! data. Hooks send them, so that this is an interface: fields and kinds are added, never renamed.
//! docs/events.md is made from what stands here.

mod api_key;
mod changes;
mod coupon;
mod credit;
mod credit_note;
mod data;
mod document;
mod email;
mod hook;
mod invoice;
mod noun;
mod payment;
mod payment_method;
mod pending_item;
mod plan;
mod subscription;
mod tenant;
mod usage;
mod values;

use super::invoice::Invoice;
use super::{InvoiceId, TenantId};

pub use api_key::ApiKeyEvent;
pub use changes::{Changed, Changes};
pub use coupon::{CouponEvent, CouponFacts, RedemptionFacts};
pub use credit::CreditEvent;
pub use credit_note::{CreditNoteEvent, RefundEvent};
pub use data::{By, Extra, Field, Flat, Kind, Nested, Parts};
pub use document::DocumentEvent;
pub use email::{EmailEvent, EmailFacts};
pub use hook::HookEvent;
pub use invoice::{InvoiceEvent, Reopened};
pub use noun::Noun;
pub use payment::PaymentEvent;
pub use payment_method::PaymentMethodEvent;
pub use pending_item::{PendingItemEvent, PendingItemFacts};
pub use plan::{PlanEvent, PlanFacts, PriceFacts};
pub use subscription::{Standing, SubscriptionEvent};
pub use tenant::{Reactivation, TenantEvent, TenantFacts};
pub use usage::{MeterEvent, UsageEvent};
pub use values::quote;

/// Something that happens.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    TenantEvent(TenantEvent<'a>),
    PaymentMethodEvent(PaymentMethodEvent<'a>),
    PlanEvent(PlanEvent<'a>),
    SubscriptionEvent(SubscriptionEvent<'a>),
    PendingItemEvent(PendingItemEvent<'a>),
    InvoiceEvent(InvoiceEvent<'a>),
    PaymentEvent(PaymentEvent<'a>),
    CreditEvent(CreditEvent<'a>),
    CreditNoteEvent(CreditNoteEvent<'a>),
    RefundEvent(RefundEvent<'a>),
    CouponEvent(CouponEvent<'a>),
    EmailEvent(EmailEvent<'a>),
    DocumentEvent(DocumentEvent<'a>),
    MeterEvent(MeterEvent<'a>),
    UsageEvent(UsageEvent<'a>),
    HookEvent(HookEvent<'a>),
    ApiKeyEvent(ApiKeyEvent<'a>),
}

/// Every kind there is, by noun.
pub const NOUNS: &[(&str, &[Kind])] = &[
    ("Customers", TenantEvent::KINDS),
    ("Payment methods", PaymentMethodEvent::KINDS),
    ("Plans", PlanEvent::KINDS),
    ("Subscriptions", SubscriptionEvent::KINDS),
    ("Pending items", PendingItemEvent::KINDS),
    ("Invoices", InvoiceEvent::KINDS),
    ("Payments and charges", PaymentEvent::KINDS),
    ("Credit", CreditEvent::KINDS),
    ("Credit notes", CreditNoteEvent::KINDS),
    ("Refunds", RefundEvent::KINDS),
    ("Coupons", CouponEvent::KINDS),
    ("E-mails", EmailEvent::KINDS),
    ("Documents", DocumentEvent::KINDS),
    ("Meters", MeterEvent::KINDS),
    ("Usage", UsageEvent::KINDS),
    ("Hooks", HookEvent::KINDS),
    ("Keys of the API", ApiKeyEvent::KINDS),
];

/// Does the same with each noun's events.
macro_rules! each_noun {
    ($event:expr, $of:ident => $do:expr) => {
        match $event {
            Event::TenantEvent($of) => $do,
            Event::PaymentMethodEvent($of) => $do,
            Event::PlanEvent($of) => $do,
            Event::SubscriptionEvent($of) => $do,
            Event::PendingItemEvent($of) => $do,
            Event::InvoiceEvent($of) => $do,
            Event::PaymentEvent($of) => $do,
            Event::CreditEvent($of) => $do,
            Event::CreditNoteEvent($of) => $do,
            Event::RefundEvent($of) => $do,
            Event::CouponEvent($of) => $do,
            Event::EmailEvent($of) => $do,
            Event::DocumentEvent($of) => $do,
            Event::MeterEvent($of) => $do,
            Event::UsageEvent($of) => $do,
            Event::HookEvent($of) => $do,
            Event::ApiKeyEvent($of) => $do,
        }
    };
}

impl Event<'_> {
    /// The word of its kind.
    pub const fn word(&self) -> &'static str {
        each_noun!(self, of => of.word())
    }

    /// Its data as JSON.
    pub fn data(&self) -> String {
        let mut object = data::Object::new();
        each_noun!(self, of => of.put_all(&mut object));
        object.end()
    }
}

/// Whom an event is about, where it is about someone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct About {
    pub tenant: Option<TenantId>,
    pub invoice: Option<InvoiceId>,
}

impl About {
    /// A plan or a coupon, which belong to no customer.
    pub const NOBODY: About = About { tenant: None, invoice: None };
}

impl From<TenantId> for About {
    fn from(tenant: TenantId) -> About {
        About { tenant: Some(tenant), invoice: None }
    }
}

impl From<&Invoice> for About {
    fn from(invoice: &Invoice) -> About {
        About::from((invoice.tenant_id, invoice.id))
    }
}

impl From<(TenantId, InvoiceId)> for About {
    fn from((tenant, invoice): (TenantId, InvoiceId)) -> About {
        About { tenant: Some(tenant), invoice: Some(invoice) }
    }
}

impl From<(TenantId, Option<InvoiceId>)> for About {
    fn from((tenant, invoice): (TenantId, Option<InvoiceId>)) -> About {
        About { tenant: Some(tenant), invoice }
    }
}

#[cfg(test)]
mod tests;
