//! `import tenants`.

use super::table::Row;
use super::{Bad, Import, RowOutcome};
use crate::domain::event::{By, TenantEvent, TenantFacts};
use crate::domain::party::{self, Details};
use crate::domain::refusal::Why;
use crate::domain::tax::{OwnTax, TaxCategory};
use crate::domain::tenant::{self, NewTenant, Tenant, TenantEdit, TenantStatus};
use crate::domain::{Refusal, text};

pub const REQUIRED: &[&str] = &["slug", "name", "email"];
pub const OPTIONAL: &[&str] = &[
    "currency",
    "locale",
    "country",
    "address",
    "tax_id",
    "tax_rate",
    "created_on",
    "status",
    "external_id",
    "street",
    "postcode",
    "city",
    "legal_id",
    "vat_id",
    "electronic_address",
    "customer_kind",
    "tax_category",
    "tax_reason",
];

/// Why a tenant is suspended that a file says is.
const IMPORTED: &str = "imported as suspended";

impl Import<'_> {
    pub(super) fn tenant(&self, row: &Row) -> Result<RowOutcome, Bad> {
        let new = self.read_tenant(row)?;
        let Some(there) = self.db.find_tenant(&new.slug)? else {
            let id = needing_vat_id(row, self.db.insert_tenant(self.act, &new))?;
            self.db.record(self.act, id, TenantEvent::created(&new, By::Import), None)?;
            return Ok(RowOutcome::Created);
        };
        let differs = differences(row, &new, &there);
        if differs.is_empty() {
            return Ok(RowOutcome::Skipped);
        }
        if !self.options.update {
            return Err(row.bad("slug", Why::Differs { fields: differs.join(", ") }));
        }
        needing_vat_id(row, self.db.edit_tenant(self.act, there.id, &edit(row, &new)))?;
        let takes_status = differs.contains(&"status");
        let edited = self.db.tenant_by_id(there.id)?;
        let (before, mut after) = (TenantFacts::of(&there), TenantFacts::of(&edited));
        if takes_status {
            after.status = new.status;
        }
        let event = TenantEvent::edited(None, &before, &after);
        self.db.record(self.act, there.id, event, None)?;
        if takes_status {
            self.take_status(&there, new.status)?;
        }
        Ok(RowOutcome::Updated)
    }

    /// Takes the status that the file insists on, as a person would by hand.
    fn take_status(&self, there: &Tenant, status: TenantStatus) -> Result<(), Bad> {
        let book = self.book();
        match status {
            TenantStatus::Active if there.status == TenantStatus::Suspended => {
                book.reactivate(there, Some("imported as active"), None)?;
            }
            TenantStatus::Active => {
                book.reopen_tenant(there, By::Import, Some("imported as active"))?;
            }
            TenantStatus::Suspended => book.suspend(there, IMPORTED)?,
            TenantStatus::Closed => {
                book.close_tenant(there, By::Import, Some("imported as closed"))?;
            }
        }
        Ok(())
    }

    fn read_tenant(&self, row: &Row) -> Result<NewTenant, Bad> {
        let slug = row.need("slug", |v| text::slug("slug", v));
        let name = row.need("name", tenant::name);
        let email = row.need("email", |v| text::email("email", v));
        let currency = row.currency("currency").unwrap_or(self.config.currency);
        let locale = row.word("locale", "fr, en").unwrap_or(self.config.locale);
        let country = row.take("country", |v| text::country("country", v));
        let address = row.take("address", tenant::address);
        let tax_id = row.take("tax_id", tenant::tax_id);
        let details = Details {
            street: row.take("street", party::street),
            postcode: row.take("postcode", party::postcode),
            city: row.take("city", party::city),
            legal_id: row.take("legal_id", party::legal_id),
            vat_id: row.take("vat_id", party::vat_id),
            electronic_address: row.take("electronic_address", party::electronic_address),
            kind: row.word("customer_kind", "business, consumer, public"),
        };
        let words = || TaxCategory::ALL.iter().map(|word| word.word()).collect::<Vec<_>>();
        let tax = OwnTax {
            category: row.word("tax_category", &words().join(", ")),
            reason: row.take("tax_reason", tenant::tax_reason),
        };
        let tax_rate = row.take("tax_rate", |v| {
            text::parse_percent(v).map_err(|why| Refusal::bad("tax_rate", v, why))
        });
        let external_id = row.take("external_id", tenant::external_id);
        let created_on = row.date("created_on");
        if created_on.is_some_and(|date| date > self.act.today) {
            row.note("created_on", Why::AfterToday);
        }
        let status = row.word("status", "active, suspended, closed");
        let status = status.unwrap_or(TenantStatus::Active);
        row.checked(slug.zip(name).zip(email).map(|((slug, name), email)| NewTenant {
            slug,
            name,
            email,
            cc: Vec::new(),
            currency,
            locale,
            country,
            address,
            tax_id,
            details,
            tax,
            tax_rate,
            external_id,
            metadata: "{}".to_owned(),
            created_on,
            status,
        }))
    }
}

/// Names the column that is missing of a buyer who is to account for the tax.
fn needing_vat_id<T>(row: &Row, done: crate::domain::Result<T>) -> Result<T, Bad> {
    match done {
        Err(Refusal::VatIdMissing { .. }) => {
            Err(row.bad("vat_id", Why::NeededWith { field: "tax_category reverse_charge" }))
        }
        done => Ok(done?),
    }
}

/// The columns of the row whose values are not those that are stored. A suspension that came about
/// here since the import is no difference to a file that says `active`.
fn differences(row: &Row, new: &NewTenant, there: &Tenant) -> Vec<&'static str> {
    let suspended_here = there.suspension.as_ref().is_some_and(|s| s.reason != IMPORTED);
    let same_status =
        new.status == there.status || (new.status == TenantStatus::Active && suspended_here);
    let pairs = [
        ("name", new.name == there.name),
        ("email", new.email == there.email),
        ("currency", new.currency == there.currency),
        ("locale", new.locale == there.locale),
        ("country", new.country == there.country),
        ("address", new.address == there.address),
        ("tax_id", new.tax_id == there.tax_id),
        ("street", new.details.street == there.details.street),
        ("postcode", new.details.postcode == there.details.postcode),
        ("city", new.details.city == there.details.city),
        ("legal_id", new.details.legal_id == there.details.legal_id),
        ("vat_id", new.details.vat_id == there.details.vat_id),
        ("electronic_address", new.details.electronic_address == there.details.electronic_address),
        ("customer_kind", new.details.kind == there.details.kind),
        ("tax_category", new.tax.category == there.tax.category),
        ("tax_reason", new.tax.reason == there.tax.reason),
        ("tax_rate", new.tax_rate == there.tax_rate),
        ("external_id", new.external_id == there.external_id),
        ("created_on", new.created_on.is_none_or(|date| date == there.created_on)),
        ("status", same_status),
    ];
    let given = pairs.into_iter().filter(|(column, _)| row.get(column).is_some());
    given.filter(|(_, same)| !same).map(|(column, _)| column).collect()
}

/// What the row says, and nothing that it leaves out.
fn edit(row: &Row, new: &NewTenant) -> TenantEdit {
    TenantEdit {
        name: Some(new.name.clone()),
        email: Some(new.email.clone()),
        cc: None,
        currency: row.get("currency").map(|_| new.currency),
        locale: row.get("locale").map(|_| new.locale),
        country: new.country.clone(),
        address: new.address.clone(),
        tax_id: new.tax_id.clone(),
        details: new.details.clone(),
        tax: new.tax.clone(),
        tax_rate: new.tax_rate,
        external_id: new.external_id.clone(),
        created_on: new.created_on,
        ..TenantEdit::default()
    }
}
