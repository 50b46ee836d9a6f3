//! Tenants: the customers, who pay.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::email::Locale;
use super::party::{Details, Party};
use super::refusal::Why;
use super::tax::{OwnTax, SellerTax, TaxCategory, Treatment};
use super::{Currency, Refusal, Result, TenantId, text, words};

words! {
    /// Whether a tenant is served.
    TenantStatus { Active = "active", Suspended = "suspended", Closed = "closed" }
}

words! {
    /// Why a tenant is suspended, which decides what lifts the suspension: `overdue` is lifted
    /// by payment, the others by `tenant reactivate` alone.
    SuspensionCause { Overdue = "overdue", Manual = "manual", Trial = "trial" }
}

/// A tenant's suspension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// RFC 3339, UTC.
    pub at: String,
    pub cause: SuspensionCause,
    /// In words, for people; names the invoice where there is one.
    pub reason: String,
}

/// A customer as it stands.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub email: String,
    /// Who gets a copy of each e-mail.
    pub cc: Vec<String>,
    pub currency: Currency,
    pub locale: Locale,
    pub country: Option<String>,
    pub address: Option<String>,
    pub tax_id: Option<String>,
    pub details: Details,
    /// What is said of its tax.
    pub tax: OwnTax,
    /// Percent; `None`: the config's.
    pub tax_rate: Option<Decimal>,
    pub status: TenantStatus,
    pub suspension: Option<Suspension>,
    /// What the operator's own system calls it.
    pub external_id: Option<String>,
    /// What the operator notes of it, a JSON object of texts.
    pub metadata: String,
    /// What its links and sessions of the portal are made under: those of another one are over.
    pub portal_generation: i64,
    /// An address that is its own once it was confirmed from there.
    pub pending_email: Option<String>,
    pub created_at: String,
    /// The business day of that instant.
    pub created_on: NaiveDate,
    pub updated_at: String,
}

/// What is typed or imported of a tenant, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTenant {
    pub slug: String,
    pub name: String,
    pub email: String,
    /// Who gets a copy of each e-mail.
    pub cc: Vec<String>,
    pub currency: Currency,
    pub locale: Locale,
    pub country: Option<String>,
    pub address: Option<String>,
    pub tax_id: Option<String>,
    pub details: Details,
    pub tax: OwnTax,
    pub tax_rate: Option<Decimal>,
    pub external_id: Option<String>,
    /// A JSON object of texts.
    pub metadata: String,
    pub created_on: Option<NaiveDate>,
    pub status: TenantStatus,
}

words! {
    /// A field that `tenant edit` can clear.
    Clearable {
        Country = "country",
        Address = "address",
        TaxId = "tax_id",
        TaxRate = "tax_rate",
        ExternalId = "external_id",
        Metadata = "metadata",
        Street = "street",
        Postcode = "postcode",
        City = "city",
        LegalId = "legal_id",
        VatId = "vat_id",
        ElectronicAddress = "electronic_address",
        CustomerKind = "customer_kind",
        TaxCategory = "tax_category",
        TaxReason = "tax_reason",
    }
}

/// What `tenant edit` changes; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantEdit {
    pub name: Option<String>,
    pub email: Option<String>,
    /// All of them anew; empty: nobody any more.
    pub cc: Option<Vec<String>>,
    pub currency: Option<Currency>,
    pub locale: Option<Locale>,
    pub country: Option<String>,
    pub address: Option<String>,
    pub tax_id: Option<String>,
    /// Those that are given.
    pub details: Details,
    /// As far as it is given.
    pub tax: OwnTax,
    pub tax_rate: Option<Decimal>,
    pub external_id: Option<String>,
    /// All of it, as a JSON object of texts.
    pub metadata: Option<String>,
    /// Fields that are nothing from now on.
    pub cleared: Vec<Clearable>,
    /// When it became a customer; by an import alone.
    pub created_on: Option<NaiveDate>,
}

impl TenantEdit {
    /// Whether the edit clears that field.
    pub fn clears(&self, field: Clearable) -> bool {
        self.cleared.contains(&field)
    }

    /// What is known of a customer after the edit.
    pub fn details_after(&self, before: &Details) -> Details {
        let (new, field) = (&self.details, |f| self.clears(f));
        Details {
            street: after(field(Clearable::Street), &new.street, &before.street),
            postcode: after(field(Clearable::Postcode), &new.postcode, &before.postcode),
            city: after(field(Clearable::City), &new.city, &before.city),
            legal_id: after(field(Clearable::LegalId), &new.legal_id, &before.legal_id),
            vat_id: after(field(Clearable::VatId), &new.vat_id, &before.vat_id),
            electronic_address: after(
                field(Clearable::ElectronicAddress),
                &new.electronic_address,
                &before.electronic_address,
            ),
            kind: after(field(Clearable::CustomerKind), &new.kind, &before.kind),
        }
    }

    /// What is said of a customer's tax after the edit.
    pub fn tax_after(&self, before: &OwnTax) -> OwnTax {
        let (category, reason) = (Clearable::TaxCategory, Clearable::TaxReason);
        OwnTax {
            category: after(self.clears(category), &self.tax.category, &before.category),
            reason: after(self.clears(reason), &self.tax.reason, &before.reason),
        }
    }
}

impl Tenant {
    /// Whether that address gets a copy of its e-mails already.
    pub fn has_copy(&self, address: &str) -> bool {
        self.cc.iter().any(|copy| copy == address.trim())
    }

    /// It as the buyer of an invoice.
    pub fn party(&self) -> Party {
        let Details { street, postcode, city, legal_id, vat_id, electronic_address, kind } =
            self.details.clone();
        Party {
            name: Some(self.name.clone()),
            email: Some(self.email.clone()),
            address: self.address.clone(),
            country: self.country.clone(),
            tax_id: self.tax_id.clone(),
            street,
            postcode,
            city,
            legal_id,
            vat_id,
            electronic_address,
            kind,
            ..Party::default()
        }
    }

    /// How its invoices are taxed.
    pub fn taxed_by(&self, seller: &SellerTax) -> Treatment {
        seller.treat(&self.tax, self.tax_rate, self.locale)
    }
}

/// Checks that a buyer who accounts for the tax has a number for VAT, for which its tax number may stand.
///
/// # Errors
/// It has neither.
pub fn check_tax(
    slug: &str,
    tax: &OwnTax,
    vat_id: Option<&str>,
    tax_id: Option<&str>,
) -> Result<()> {
    let needs = tax.category == Some(TaxCategory::ReverseCharge);
    match needs && vat_id.is_none() && tax_id.is_none() {
        true => Err(Refusal::VatIdMissing { tenant: slug.to_owned() }),
        false => Ok(()),
    }
}

/// A field after an edit that clears it, sets it or leaves it.
fn after<T: Clone>(cleared: bool, new: &Option<T>, before: &Option<T>) -> Option<T> {
    if cleared { None } else { new.clone().or_else(|| before.clone()) }
}

/// Checks a tenant's name.
pub fn name(value: &str) -> Result<String> {
    text::line("name", value, 200)
}

/// Checks the addresses that get a copy of a tenant's e-mails; each is there once.
pub fn copies(values: &[String]) -> Result<Vec<String>> {
    let mut copies: Vec<String> = Vec::new();
    for value in values {
        let address = text::email("cc", value)?;
        // Another one would keep the e-mail itself from a relay that takes ASCII alone.
        if !text::ascii_address(&address).is_ascii() {
            return Err(Refusal::bad("cc", value, Why::NotAnEmailAddress));
        }
        if !copies.iter().any(|copy| copy.eq_ignore_ascii_case(&address)) {
            copies.push(address);
        }
    }
    Ok(copies)
}

/// Checks a tenant's postal address, which may have several lines.
pub fn address(value: &str) -> Result<String> {
    text::paragraph("address", value, 500)
}

/// Checks what the operator's own system calls a tenant. It is typed behind an `@`.
pub fn external_id(value: &str) -> Result<String> {
    text::line("external_id", value.strip_prefix('@').unwrap_or(value), 200)
}

/// Checks what a tenant is named by: its slug, or `@` and its external id.
pub fn named(field: &'static str, value: &str) -> Result<String> {
    match value.strip_prefix('@') {
        Some(_) => Ok(format!("@{}", external_id(value)?)),
        None => text::slug(field, value),
    }
}

/// Checks why a customer's invoices bear no tax.
pub fn tax_reason(value: &str) -> Result<String> {
    text::line("tax_reason", value, 500)
}

/// Checks a tax number.
pub fn tax_id(value: &str) -> Result<String> {
    text::line("tax_id", value, 50)
}
