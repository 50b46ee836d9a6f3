//! What happens to customers.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::changes::{Changed, Changes};
use super::data::{By, Datum, Extra, Field, Object, Parts, field, group, kinds};
use super::values::Texts;
use crate::domain::Currency;
use crate::domain::email::Locale;
use crate::domain::party::CustomerKind;
use crate::domain::tax::TaxCategory;
use crate::domain::tenant::{NewTenant, SuspensionCause, Tenant, TenantEdit, TenantStatus};

kinds! {
    /// What happens to a customer.
    TenantEvent<'a> {
        /// A customer was added.
        Created = "tenant_created" {
            /// It was imported.
            imported: Extra<bool>,
            /// The status that it was imported with.
            status: Extra<TenantStatus>,
        },
        /// Data of a customer were changed, by `tenant edit` or by an import that updates.
        Edited = "tenant_edited" {
            /// What was typed.
            typed: Typed<'a>,
            /// An import changed them.
            imported: Extra<bool>,
            /// What changed.
            changes: Changes,
        },
        /// A customer was given another slug.
        Renamed = "tenant_renamed" {
            /// What it was called until then.
            from: &'a str,
            /// What it is called from then on.
            to: &'a str,
        },
        /// A customer was suspended, and its running subscriptions with it. The event is also the
        /// invoice's where an invoice is the cause.
        Suspended = "tenant_suspended" {
            /// Which decides what lifts the suspension: a payment lifts `overdue`, a person the
            /// others.
            cause: SuspensionCause,
        },
        /// A suspended customer, or one of its suspended subscriptions, came back.
        Reactivated = "tenant_reactivated" {
            /// How it came back.
            how: Reactivation<'a>,
        },
        /// A closed customer is active again, without the subscriptions that ended with it.
        Reopened = "tenant_reopened" {
            /// An import reopened it.
            imported: bool,
        },
        /// A customer was closed, and its subscriptions ended.
        Closed = "tenant_closed" {
            /// An import closed it.
            imported: Extra<bool>,
        },
        /// A person made a link to a customer's pages, or to one invoice of it.
        LinkMade = "portal_link_made" {
            /// The invoice that the link shows, and nothing else.
            invoice: Option<&'a str>,
            /// When the link ends.
            expires_at: &'a str,
        },
        /// All links to a customer's pages, and who had come in by them, came to an end.
        LinksRevoked = "portal_revoked",
        /// A customer asked for another address of its own, which holds once it was confirmed from there.
        EmailAsked = "tenant_email_asked" {
            /// The address.
            email: &'a str,
        },
    }
}

impl<'a> TenantEvent<'a> {
    /// A customer was added.
    pub fn created(new: &NewTenant, by: By) -> TenantEvent<'a> {
        let status = Some(new.status).filter(|_| by == By::Import);
        TenantEvent::Created { imported: by.into(), status: Extra(status) }
    }

    /// Data of a customer were changed; nothing is typed where an import changed them.
    pub fn edited(
        typed: Option<&'a TenantEdit>,
        before: &TenantFacts,
        after: &TenantFacts,
    ) -> TenantEvent<'a> {
        let (by, changed) = match typed {
            Some(_) => (By::Command, Changed::Nothing),
            None => (By::Import, Changed::Names),
        };
        let changes = Changes::between(before, after, changed);
        TenantEvent::Edited { typed: Typed(typed), imported: by.into(), changes }
    }
}

/// What was typed of a `tenant edit`: each field that was given stands in the data itself.
#[derive(Debug, Clone, Copy)]
pub struct Typed<'a>(Option<&'a TenantEdit>);

const TYPED: &[Field] = &[
    field!(name: Extra<&str>, "As it was typed."),
    field!(email: Extra<&str>, "As it was typed."),
    field!(cc: Extra<&[String]>, "As it was typed."),
    field!(currency: Extra<Currency>, "As it was typed."),
    field!(locale: Extra<Locale>, "As it was typed."),
    field!(country: Extra<&str>, "As it was typed."),
    field!(address: Extra<&str>, "As it was typed."),
    field!(tax_id: Extra<&str>, "As it was typed."),
    field!(tax_rate: Extra<Decimal>, "As it was typed."),
    field!(external_id: Extra<&str>, "As it was typed."),
    field!(street: Extra<&str>, "As it was typed."),
    field!(postcode: Extra<&str>, "As it was typed."),
    field!(city: Extra<&str>, "As it was typed."),
    field!(legal_id: Extra<&str>, "As it was typed."),
    field!(vat_id: Extra<&str>, "As it was typed."),
    field!(electronic_address: Extra<&str>, "As it was typed."),
    field!(customer_kind: Extra<CustomerKind>, "As it was typed."),
    field!(tax_category: Extra<TaxCategory>, "As it was typed."),
    field!(tax_reason: Extra<&str>, "As it was typed."),
];

impl Datum for Typed<'_> {
    const PARTS: Option<Parts> = Some(Parts { title: "What was typed.", fields: TYPED });

    fn put(&self, _: &str, object: &mut Object) {
        let Some(edit) = self.0 else { return };
        Extra(edit.name.as_deref()).put("name", object);
        Extra(edit.email.as_deref()).put("email", object);
        Extra(edit.cc.as_deref()).put("cc", object);
        Extra(edit.currency).put("currency", object);
        Extra(edit.locale).put("locale", object);
        Extra(edit.country.as_deref()).put("country", object);
        Extra(edit.address.as_deref()).put("address", object);
        Extra(edit.tax_id.as_deref()).put("tax_id", object);
        Extra(edit.tax_rate).put("tax_rate", object);
        Extra(edit.external_id.as_deref()).put("external_id", object);
        let details = &edit.details;
        Extra(details.street.as_deref()).put("street", object);
        Extra(details.postcode.as_deref()).put("postcode", object);
        Extra(details.city.as_deref()).put("city", object);
        Extra(details.legal_id.as_deref()).put("legal_id", object);
        Extra(details.vat_id.as_deref()).put("vat_id", object);
        Extra(details.electronic_address.as_deref()).put("electronic_address", object);
        Extra(details.kind).put("customer_kind", object);
        Extra(edit.tax.category).put("tax_category", object);
        Extra(edit.tax.reason.as_deref()).put("tax_reason", object);
    }
}

/// How a customer came back.
#[derive(Debug, Clone, Copy)]
pub enum Reactivation<'a> {
    /// By a person.
    ByHand {
        promised_until: Option<NaiveDate>,
        /// The invoices whose notice of suspension begins anew.
        set_back: &'a [String],
        on: NaiveDate,
    },
    /// By a person, and the customer itself was not suspended.
    SubscriptionsOnly,
    /// The last invoice that held it was paid.
    Paid,
    /// The last invoice that held it was voided, set right or discounted to nothing.
    Corrected,
}

const REACTIVATION: &[Field] = &[
    field!(by_hand: bool, "By `tenant reactivate`, or an import."),
    field!(promised_until: Extra<Option<NaiveDate>>,
        "By hand: until when its overdue invoices are promised."),
    field!(set_back: Extra<&[String]>,
        "By hand: the numbers of the invoices that are warned of suspension anew."),
    field!(on: Extra<NaiveDate>, "By hand: the business day."),
    field!(subscriptions_only: Extra<bool>,
        "The customer was active, and only subscriptions of it came back."),
    field!(paid: Extra<bool>,
        "Not by hand: the last invoice that held it was paid, and not voided or set right."),
];

impl Datum for Reactivation<'_> {
    const PARTS: Option<Parts> = Some(Parts { title: "How it came back.", fields: REACTIVATION });

    fn put(&self, _: &str, object: &mut Object) {
        match *self {
            Reactivation::ByHand { promised_until, set_back, on } => {
                true.put("by_hand", object);
                promised_until.put("promised_until", object);
                set_back.put("set_back", object);
                on.put("on", object);
            }
            Reactivation::SubscriptionsOnly => {
                true.put("by_hand", object);
                true.put("subscriptions_only", object);
            }
            Reactivation::Paid | Reactivation::Corrected => {
                false.put("by_hand", object);
                matches!(self, Reactivation::Paid).put("paid", object);
            }
        }
    }
}

group! {
    /// What can be changed of a customer.
    TenantFacts<'a> {
        /// Its name.
        name: &'a str,
        /// Where its e-mails go.
        email: &'a str,
        /// Who gets a copy of them.
        cc: &'a [String],
        /// What it is billed in.
        currency: Currency,
        /// The language of its e-mails.
        locale: Locale,
        /// ISO 3166.
        country: Option<&'a str>,
        /// Its postal address.
        address: Option<&'a str>,
        /// Its tax number.
        tax_id: Option<&'a str>,
        /// The street of its address.
        street: Option<&'a str>,
        /// The postcode of its address.
        postcode: Option<&'a str>,
        /// The city of its address.
        city: Option<&'a str>,
        /// Its number in the register of companies.
        legal_id: Option<&'a str>,
        /// Its number for VAT.
        vat_id: Option<&'a str>,
        /// Where it takes e-invoices.
        electronic_address: Option<&'a str>,
        /// What it is.
        customer_kind: Option<CustomerKind>,
        /// Why its invoices are taxed as they are.
        tax_category: Option<TaxCategory>,
        /// What its invoices say in place of a tax.
        tax_reason: Option<&'a str>,
        /// Its own rate in percent.
        tax_rate: Option<Decimal>,
        /// What the operator's own system calls it.
        external_id: Option<&'a str>,
        /// What the operator notes of it.
        metadata: Texts<'a>,
        /// Since when it is a customer.
        created_on: NaiveDate,
        /// Whether it is served.
        status: TenantStatus,
    }
}

impl<'a> TenantFacts<'a> {
    /// Those of a customer as it stands.
    pub fn of(tenant: &'a Tenant) -> TenantFacts<'a> {
        TenantFacts {
            name: &tenant.name,
            email: &tenant.email,
            cc: &tenant.cc,
            currency: tenant.currency,
            locale: tenant.locale,
            country: tenant.country.as_deref(),
            address: tenant.address.as_deref(),
            tax_id: tenant.tax_id.as_deref(),
            street: tenant.details.street.as_deref(),
            postcode: tenant.details.postcode.as_deref(),
            city: tenant.details.city.as_deref(),
            legal_id: tenant.details.legal_id.as_deref(),
            vat_id: tenant.details.vat_id.as_deref(),
            electronic_address: tenant.details.electronic_address.as_deref(),
            customer_kind: tenant.details.kind,
            tax_category: tenant.tax.category,
            tax_reason: tenant.tax.reason.as_deref(),
            tax_rate: tenant.tax_rate,
            external_id: tenant.external_id.as_deref(),
            metadata: Texts(&tenant.metadata),
            created_on: tenant.created_on,
            status: tenant.status,
        }
    }
}
