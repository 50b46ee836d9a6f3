//! The rows of tenants.

use chrono::{NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use rusqlite::{OptionalExtension, Row};

use super::{Db, columns};
use crate::domain::money::{MoneyFault, Totals};
use crate::domain::party::{CustomerKind, Details};
use crate::domain::tax::{OwnTax, TaxCategory};
use crate::domain::tenant::{
    Clearable, NewTenant, Suspension, Tenant, TenantEdit, TenantStatus, check_tax,
};
use crate::domain::{Act, Currency, Money, Refusal, Result, TenantId, act};

/// Which tenants are listed.
#[derive(Debug, Clone, Default)]
pub struct TenantFilter {
    pub status: Option<TenantStatus>,
    pub limit: Option<u32>,
}

impl Db<'_> {
    /// The tenant that is named: by its slug, or behind an `@` by its external id.
    ///
    /// # Errors
    /// None is; the refusal names the closest slug there is.
    pub fn tenant(&self, name: &str) -> Result<Tenant> {
        if let Some(tenant) = self.find_tenant(name)? {
            return Ok(tenant);
        }
        let near = if name.starts_with('@') { None } else { self.near_slug(name)? };
        Err(Refusal::NotFound { noun: "tenant", name: name.to_owned(), near })
    }

    /// The tenant in that row.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn tenant_by_id(&self, id: TenantId) -> Result<Tenant> {
        let mut statement = self.conn.prepare_cached("SELECT * FROM tenants WHERE id = ?1")?;
        Ok(statement.query_row([id.0], |row| tenant(row, self.zone))?)
    }

    /// The same, if there is one: a token may be of another file.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn find_tenant_by_id(&self, id: TenantId) -> Result<Option<Tenant>> {
        let mut statement = self.conn.prepare_cached("SELECT * FROM tenants WHERE id = ?1")?;
        Ok(statement.query_row([id.0], |row| tenant(row, self.zone)).optional()?)
    }

    /// The tenant that is named as for [`Db::tenant`], if there is one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn find_tenant(&self, name: &str) -> Result<Option<Tenant>> {
        let (sql, name) = match name.strip_prefix('@') {
            Some(external_id) => ("SELECT * FROM tenants WHERE external_id = ?1", external_id),
            None => ("SELECT * FROM tenants WHERE slug = ?1", name),
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        Ok(statement.query_row([name], |row| tenant(row, self.zone)).optional()?)
    }

    /// The tenants whose own address that is, whatever its case, closed ones too.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn tenants_at(&self, email: &str) -> Result<Vec<Tenant>> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT * FROM tenants WHERE email = ?1 COLLATE NOCASE ORDER BY id")?;
        let tenants = statement.query_map([email], |row| tenant(row, self.zone))?;
        Ok(tenants.collect::<rusqlite::Result<_>>()?)
    }

    /// Checks that no other tenant has that external id.
    fn check_external_id(&self, external_id: Option<&str>, of: Option<TenantId>) -> Result<()> {
        let Some(external_id) = external_id else { return Ok(()) };
        match self.find_tenant(&format!("@{external_id}"))? {
            Some(other) if Some(other.id) != of => Err(Refusal::ExternalIdTaken {
                external_id: external_id.to_owned(),
                tenant: other.slug,
            }),
            _ => Ok(()),
        }
    }

    /// Gives a tenant another slug.
    ///
    /// # Errors
    /// The slug is taken.
    pub fn rename_tenant(&self, act: &Act, id: TenantId, slug: &str) -> Result<()> {
        if self.find_tenant(slug)?.is_some() {
            return Err(Refusal::Exists { noun: "tenant", name: slug.to_owned() });
        }
        self.conn
            .prepare_cached(
                "UPDATE tenants SET slug = ?2, updated_at = max(updated_at, ?3), changed_at = ?3
                 WHERE id = ?1",
            )?
            .execute((id.0, slug, act.at()))?;
        Ok(())
    }

    /// The closest slug, among the first thousand that start with the same e-mail.
    fn near_slug(&self, slug: &str) -> Result<Option<String>> {
        let first: String = slug.chars().take(1).collect();
        let mut statement = self.conn.prepare_cached(
            "SELECT slug FROM tenants WHERE slug >= ?1 AND slug < ?1 || char(1114111) LIMIT 1000",
        )?;
        let slugs = statement.query_map([first], |row| row.get::<_, String>(0))?;
        let mut best = None;
        for candidate in slugs {
            let candidate = candidate?;
            let likeness = strsim::jaro_winkler(slug, &candidate);
            if likeness > 0.8 && best.as_ref().is_none_or(|(most, _)| likeness > *most) {
                best = Some((likeness, candidate));
            }
        }
        Ok(best.map(|(_, slug)| slug))
    }

    /// Adds a tenant.
    ///
    /// # Errors
    /// The slug is taken, or the buyer is to account for the tax without a number for VAT.
    pub fn insert_tenant(&self, act: &Act, new: &NewTenant) -> Result<TenantId> {
        self.check_external_id(new.external_id.as_deref(), None)?;
        let (vat_id, tax_id) = (new.details.vat_id.as_deref(), new.tax_id.as_deref());
        check_tax(&new.slug, &new.tax, vat_id, tax_id)?;
        let at = act.at();
        let created_at = new.created_on.map_or(at.clone(), |date| noon_of(date, self.zone));
        let suspended = (new.status == TenantStatus::Suspended).then_some(());
        let inserted = self.insert_unless_there(
            "INSERT INTO tenants (slug, name, email, currency, locale, country, address, tax_id,
               tax_rate, status, suspended_at, suspension_cause, suspension_reason, created_at,
               updated_at, external_id, metadata, cc)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
               ?18)
             ON CONFLICT (slug) DO NOTHING",
            rusqlite::params![
                &new.slug,
                &new.name,
                &new.email,
                new.currency.code(),
                new.locale.word(),
                &new.country,
                &new.address,
                &new.tax_id,
                new.tax_rate.map(|rate| rate.to_string()),
                new.status.word(),
                suspended.map(|()| at.clone()),
                suspended.map(|()| "manual"),
                suspended.map(|()| "imported as suspended"),
                created_at,
                &at,
                &new.external_id,
                &new.metadata,
                columns::lines(&new.cc),
            ],
        )?;
        let taken = || Refusal::Exists { noun: "tenant", name: new.slug.clone() };
        let id = inserted.map(TenantId).ok_or_else(taken)?;
        if new.details != Details::default() || new.tax != OwnTax::default() {
            self.set_details(id, &new.details, &new.tax)?;
        }
        Ok(id)
    }

    /// Changes what the edit names.
    ///
    /// # Errors
    /// Another tenant has the external id, or the buyer is to account for the tax without a number for
    /// VAT.
    pub fn edit_tenant(&self, act: &Act, id: TenantId, edit: &TenantEdit) -> Result<()> {
        self.check_external_id(edit.external_id.as_deref(), Some(id))?;
        self.conn
            .prepare_cached(
                "UPDATE tenants SET name = coalesce(?2, name), email = coalesce(?3, email),
                   pending_email = iif(?3 IS NULL, pending_email, NULL),
                   currency = coalesce(?4, currency), locale = coalesce(?5, locale),
                   country = iif(?12, NULL, coalesce(?6, country)),
                   address = iif(?13, NULL, coalesce(?7, address)),
                   tax_id = iif(?14, NULL, coalesce(?8, tax_id)),
                   tax_rate = iif(?15, NULL, coalesce(?9, tax_rate)),
                   external_id = iif(?16, NULL, coalesce(?17, external_id)),
                   metadata = coalesce(?18, metadata),
                   created_at = coalesce(?11, created_at),
                   cc = CASE WHEN ?19 IS NULL THEN cc ELSE nullif(?19, '') END,
                   updated_at = max(updated_at, ?10), changed_at = ?10
                 WHERE id = ?1",
            )?
            .execute(rusqlite::params![
                id.0,
                &edit.name,
                &edit.email,
                edit.currency.map(|c| c.code()),
                edit.locale.map(|l| l.word()),
                &edit.country,
                &edit.address,
                &edit.tax_id,
                edit.tax_rate.map(|rate| rate.to_string()),
                act.at(),
                edit.created_on.map(|date| noon_of(date, self.zone)),
                edit.clears(Clearable::Country),
                edit.clears(Clearable::Address),
                edit.clears(Clearable::TaxId),
                edit.clears(Clearable::TaxRate),
                edit.clears(Clearable::ExternalId),
                &edit.external_id,
                &edit.metadata,
                edit.cc.as_ref().map(|cc| cc.join("\n")),
            ])?;
        // Its tax number is the new one already.
        let before = self.tenant_by_id(id)?;
        let details = edit.details_after(&before.details);
        let tax = edit.tax_after(&before.tax);
        check_tax(&before.slug, &tax, details.vat_id.as_deref(), before.tax_id.as_deref())?;
        if details != before.details || tax != before.tax {
            self.set_details(id, &details, &tax)?;
        }
        Ok(())
    }

    fn set_details(&self, id: TenantId, details: &Details, tax: &OwnTax) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE tenants SET street = ?2, postcode = ?3, city = ?4, legal_id = ?5,
                   vat_id = ?6, electronic_address = ?7, customer_kind = ?8,
                   tax_category = ?9, tax_reason = ?10
                 WHERE id = ?1",
            )?
            .execute((
                id.0,
                &details.street,
                &details.postcode,
                &details.city,
                &details.legal_id,
                &details.vat_id,
                &details.electronic_address,
                details.kind.map(CustomerKind::word),
                tax.category.map(TaxCategory::word),
                &tax.reason,
            ))?;
        Ok(())
    }

    /// Suspends a tenant and its running subscriptions, or gives a suspended one another cause.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn suspend_tenant(&self, act: &Act, id: TenantId, suspension: &Suspension) -> Result<()> {
        let cause = suspension.cause.word();
        self.conn
            .prepare_cached(
                "UPDATE tenants SET status = 'suspended', suspended_at = ?2, suspension_cause = ?3,
                   suspension_reason = ?4, updated_at = max(updated_at, ?5), changed_at = ?5
                 WHERE id = ?1",
            )?
            .execute((id.0, &suspension.at, cause, &suspension.reason, act.at()))?;
        self.conn
            .prepare_cached(
                "UPDATE subscriptions SET suspended_from = status, status = 'suspended',
                   suspended_at = ?2, suspended_on = ?3, suspension_cause = ?4, updated_at = max(updated_at, ?5)
                 WHERE tenant_id = ?1 AND status IN ('active', 'trialing')",
            )?
            .execute((id.0, &suspension.at, act.today.to_string(), cause, act.at()))?;
        Ok(())
    }

    /// Makes a suspended tenant active. Its subscriptions come back one by one, each by its own
    /// rule.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn reactivate_tenant(&self, act: &Act, id: TenantId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE tenants SET status = 'active', suspended_at = NULL,
                   suspension_cause = NULL, suspension_reason = NULL, updated_at = max(updated_at, ?2), changed_at = ?2
                 WHERE id = ?1",
            )?
            .execute((id.0, act.at()))?;
        Ok(())
    }

    /// Closes a tenant and ends its subscriptions now.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn close_tenant(&self, act: &Act, id: TenantId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE tenants SET status = 'closed', suspended_at = NULL,
                   suspension_cause = NULL, suspension_reason = NULL, updated_at = max(updated_at, ?2), changed_at = ?2
                 WHERE id = ?1",
            )?
            .execute((id.0, act.at()))?;
        self.conn
            .prepare_cached(
                "UPDATE subscriptions SET status = 'canceled', canceled_at = ?2, ends_on = ?3,
                   suspended_at = NULL, suspended_on = NULL, suspension_cause = NULL,
                   suspended_from = NULL, pause_from = NULL, pause_until = NULL, pause_reason = NULL,
                   next_billing_on = NULL, updated_at = max(updated_at, ?2)
                 WHERE tenant_id = ?1 AND status <> 'canceled'",
            )?
            .execute((id.0, act.at(), act.today.to_string()))?;
        Ok(())
    }

    /// Hands each tenant that the filter lets through to `each`, by slug.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_tenant(
        &self,
        filter: &TenantFilter,
        mut each: impl FnMut(Tenant) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(columns::newest_last!(
            filter.limit,
            concat,
            ["SELECT * FROM tenants WHERE ?1 IS NULL OR status = ?1"],
            "id",
            "slug",
            "slug",
            "?2"
        ))?;
        let status = filter.status.map(TenantStatus::word);
        let mut rows = statement.query((status, columns::limit(filter.limit)))?;
        while let Some(row) = rows.next()? {
            each(tenant(row, self.zone)?)?;
        }
        Ok(())
    }

    /// What a tenant owes on its open invoices, one sum a currency.
    ///
    /// # Errors
    /// A sum that is too large, or a fault of the file.
    pub fn balance_due(&self, id: TenantId) -> Result<Totals> {
        let mut statement = self.conn.prepare_cached(
            "SELECT currency, sum(due_minor / 1000000) AS millions, sum(due_minor % 1000000) AS rest
             FROM invoices
             WHERE tenant_id = ?1 AND status = 'open' GROUP BY currency ORDER BY currency",
        )?;
        let mut rows = statement.query([id.0])?;
        let mut totals = Totals::default();
        while let Some(row) = rows.next()? {
            totals.add(sum_due(row)?)?;
        }
        Ok(totals)
    }

    /// Checks that what each tenant owes can be said, before a list of them says the first.
    ///
    /// # Errors
    /// A sum that is too large, or a fault of the file.
    pub fn check_balances(&self) -> Result<()> {
        let mut statement = self.conn.prepare_cached(
            "SELECT currency, sum(due_minor / 1000000) AS millions, sum(due_minor % 1000000) AS rest
             FROM invoices WHERE status = 'open' GROUP BY tenant_id, currency",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            sum_due(row)?;
        }
        Ok(())
    }

    /// How many tenants are active. Costs what it counts: ask only where it matters.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn count_active_tenants(&self) -> Result<i64> {
        let mut statement =
            self.conn.prepare_cached("SELECT count(*) FROM tenants WHERE status = 'active'")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }
}

/// A sum of amounts due, in its two parts: neither can leave the range of a number, as the sum might.
fn sum_due(row: &Row) -> Result<Money> {
    let currency: Currency = columns::word(row, "currency")?;
    let (millions, rest): (i64, i64) = (row.get("millions")?, row.get("rest")?);
    let sum = i64::try_from(i128::from(millions) * 1_000_000 + i128::from(rest));
    let minor = sum.map_err(|_| MoneyFault::Overflow { currency })?;
    Ok(Money::from_minor(minor, currency))
}

/// The instant that stands for a day on which someone became a customer: its noon where the business
/// is. Noon in UTC is the next day in Auckland.
fn noon_of(date: NaiveDate, zone: Tz) -> String {
    let noon = date.and_time(NaiveTime::MIN) + TimeDelta::hours(12);
    let at = zone.from_local_datetime(&noon).earliest();
    act::instant(at.map_or_else(|| noon.and_utc(), |at| at.to_utc()))
}

fn tenant(row: &Row, zone: Tz) -> rusqlite::Result<Tenant> {
    let suspension = match columns::word_or_null(row, "suspension_cause")? {
        Some(cause) => Some(Suspension {
            at: row.get("suspended_at")?,
            cause,
            reason: row.get("suspension_reason")?,
        }),
        None => None,
    };
    Ok(Tenant {
        id: TenantId(row.get("id")?),
        slug: row.get("slug")?,
        name: row.get("name")?,
        email: row.get("email")?,
        cc: columns::from_lines(row, "cc")?,
        currency: columns::word(row, "currency")?,
        locale: columns::word(row, "locale")?,
        country: row.get("country")?,
        address: row.get("address")?,
        tax_id: row.get("tax_id")?,
        details: details(row)?,
        tax: OwnTax {
            category: columns::word_or_null(row, "tax_category")?,
            reason: row.get("tax_reason")?,
        },
        tax_rate: columns::word_or_null(row, "tax_rate")?,
        status: columns::word(row, "status")?,
        suspension,
        external_id: row.get("external_id")?,
        metadata: row.get("metadata")?,
        portal_generation: row.get("portal_generation")?,
        pending_email: row.get("pending_email")?,
        created_at: row.get("created_at")?,
        created_on: columns::date_in(row, "created_at", zone)?
            .ok_or_else(|| columns::bad("created_at", "null"))?,
        updated_at: row.get("updated_at")?,
    })
}

fn details(row: &Row) -> rusqlite::Result<Details> {
    Ok(Details {
        street: row.get("street")?,
        postcode: row.get("postcode")?,
        city: row.get("city")?,
        legal_id: row.get("legal_id")?,
        vat_id: row.get("vat_id")?,
        electronic_address: row.get("electronic_address")?,
        kind: columns::word_or_null(row, "customer_kind")?,
    })
}
