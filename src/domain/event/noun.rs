//! The noun that an event is about: hooks send it as it stands, beside what happened to it.

use super::data::Kind;
use super::{
    CouponEvent, CreditEvent, CreditNoteEvent, DocumentEvent, EmailEvent, InvoiceEvent, MeterEvent,
    PaymentEvent, PaymentMethodEvent, PendingItemEvent, PlanEvent, RefundEvent, SubscriptionEvent,
    TenantEvent, UsageEvent,
};

/// A noun, as commands name it, and what of an event says which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    /// The event's own.
    Tenant,
    /// The event's own.
    Invoice,
    /// `payment_method` of its data.
    PaymentMethod,
    /// `plan`.
    Plan,
    /// `subscription`.
    Subscription,
    /// `pending_item`.
    PendingItem,
    /// `transaction`.
    Transaction,
    /// `credit`.
    Credit,
    /// `credit_note`.
    CreditNote,
    /// `code`, or `coupon`.
    Coupon,
    /// `email`.
    Email,
    /// `number`, of a credit note or an invoice.
    Documented,
    /// `meter`.
    Meter,
    /// `day` and `id`.
    UsageEvent,
}

/// The kinds that are about no noun alone: several at once.
const OF_SEVERAL: &[&str] = &["coupons_generated", "usage_imported"];

const NOUNS: &[(&[Kind], Noun)] = &[
    (TenantEvent::KINDS, Noun::Tenant),
    (PaymentMethodEvent::KINDS, Noun::PaymentMethod),
    (PlanEvent::KINDS, Noun::Plan),
    (SubscriptionEvent::KINDS, Noun::Subscription),
    (PendingItemEvent::KINDS, Noun::PendingItem),
    (InvoiceEvent::KINDS, Noun::Invoice),
    (PaymentEvent::KINDS, Noun::Transaction),
    (CreditEvent::KINDS, Noun::Credit),
    (CreditNoteEvent::KINDS, Noun::CreditNote),
    (RefundEvent::KINDS, Noun::Transaction),
    (CouponEvent::KINDS, Noun::Coupon),
    (EmailEvent::KINDS, Noun::Email),
    (DocumentEvent::KINDS, Noun::Documented),
    (MeterEvent::KINDS, Noun::Meter),
    (UsageEvent::KINDS, Noun::UsageEvent),
];

impl Noun {
    /// The noun that a kind of event is about; `None`: it is about none, or about several.
    pub fn of(kind: &str) -> Option<Noun> {
        if OF_SEVERAL.contains(&kind) {
            return None;
        }
        let found = NOUNS.iter().find(|(kinds, _)| kinds.iter().any(|one| one.word == kind));
        found.map(|(_, noun)| *noun)
    }

    /// What docs/events.md calls the object that hooks send.
    pub fn shown_by(self) -> &'static str {
        match self {
            Noun::Tenant => "the customer, as `tenant show` prints it",
            Noun::Invoice => "the invoice, as `invoice show` prints it",
            Noun::PaymentMethod => "the payment method, as `payment-method list` prints it",
            Noun::Plan => "the plan, as `plan show` prints it",
            Noun::Subscription => "the subscription, as `subscription show` prints it",
            Noun::PendingItem => "the pending item, as `pending-item show` prints it",
            Noun::Transaction => "the transaction, as `transaction show` prints it",
            Noun::Credit => "the credit, as `credit show` prints it",
            Noun::CreditNote => "the credit note, as `credit-note show` prints it",
            Noun::Coupon => "the coupon, as `coupon show` prints it",
            Noun::Email => {
                "the e-mail, as `email show` prints it, but `message` null: its text has links that let in whoever has them"
            }
            Noun::Documented => "the invoice or credit note, as `show` prints it",
            Noun::Meter => "the meter, as `meter list` prints it",
            Noun::UsageEvent => "the usage, as `usage list` prints it",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the fields of a kind, those of its parts among them.
    fn fields(kind: &Kind) -> Vec<&'static str> {
        let each = kind.data.iter().flat_map(|field| match field.parts {
            Some(parts) => parts.fields.iter().map(|part| part.name).collect(),
            None => vec![field.name],
        });
        each.collect()
    }

    #[test]
    fn each_kind_names_the_noun_that_it_is_about() {
        for (_, kinds) in super::super::NOUNS {
            for kind in *kinds {
                let names = fields(kind);
                let named = |name: &str| names.contains(&name);
                let told = match Noun::of(kind.word) {
                    None => OF_SEVERAL.contains(&kind.word) || named("hook") || named("api_key"),
                    Some(Noun::Tenant | Noun::Invoice) => true,
                    Some(Noun::PaymentMethod) => named("payment_method"),
                    Some(Noun::Plan) => named("plan"),
                    Some(Noun::Subscription) => named("subscription"),
                    Some(Noun::PendingItem) => named("pending_item"),
                    Some(Noun::Transaction) => named("transaction"),
                    Some(Noun::Credit) => named("credit"),
                    Some(Noun::CreditNote) => named("credit_note"),
                    Some(Noun::Coupon) => named("code") || named("coupon"),
                    Some(Noun::Email) => named("email"),
                    Some(Noun::Documented) => named("number"),
                    Some(Noun::Meter) => named("meter"),
                    Some(Noun::UsageEvent) => named("day") && named("id"),
                };
                assert!(told, "{}: {names:?}", kind.word);
            }
        }
    }
}
