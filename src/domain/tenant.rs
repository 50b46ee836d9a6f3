//! Tenants: the customers, who pay.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::email::Locale;
use super::{Currency, Result, TenantId, text, words};

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
    pub currency: Currency,
    pub locale: Locale,
    pub country: Option<String>,
    pub address: Option<String>,
    pub tax_id: Option<String>,
    /// Percent; `None`: the config's.
    pub tax_rate: Option<Decimal>,
    pub status: TenantStatus,
    pub suspension: Option<Suspension>,
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
    pub currency: Currency,
    pub locale: Locale,
    pub country: Option<String>,
    pub address: Option<String>,
    pub tax_id: Option<String>,
    pub tax_rate: Option<Decimal>,
    pub created_on: Option<NaiveDate>,
    pub status: TenantStatus,
}

/// What `tenant edit` changes; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantEdit {
    pub name: Option<String>,
    pub email: Option<String>,
    pub currency: Option<Currency>,
    pub locale: Option<Locale>,
    pub country: Option<String>,
    pub address: Option<String>,
    pub tax_id: Option<String>,
    pub tax_rate: Option<Decimal>,
    /// When it became a customer; by an import alone.
    pub created_on: Option<NaiveDate>,
}

/// Checks a tenant's name.
pub fn name(value: &str) -> Result<String> {
    text::line("name", value, 200)
}

/// Checks a tenant's postal address, which may have several lines.
pub fn address(value: &str) -> Result<String> {
    text::paragraph("address", value, 500)
}

/// Checks a tax number.
pub fn tax_id(value: &str) -> Result<String> {
    text::line("tax_id", value, 50)
}
