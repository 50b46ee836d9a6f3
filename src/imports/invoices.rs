//! `import invoices`.

use std::collections::HashMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::table::Row;
use super::{Bad, Import, RowOutcome};
use crate::books::{Because, party};
use crate::domain::event::{InvoiceEvent, Reopened};
use crate::domain::invoice::{self, Amounts, Invoice, InvoiceStatus, Line, Origin, Purpose};
use crate::domain::refusal::Why;
use crate::domain::subscription::Collection;
use crate::domain::tax::{TaxBasis, TaxCategory};
use crate::domain::{Currency, Money, Refusal, TenantId, tenant, text};
use crate::store::{Fault, FaultKind, NewInvoice};

pub const REQUIRED: &[&str] = &["number", "tenant", "total", "issued_on", "due_on"];
pub const OPTIONAL: &[&str] = &["currency", "description", "status", "paid_on", "tax_rate"];

/// Tenants that rows named lately, so that a million invoices of a thousand tenants do not read
/// each a thousand times. Emptied when it is full: memory does not grow with the file.
#[derive(Default)]
pub struct Tenants {
    known: HashMap<String, KnownTenant>,
    seller: Option<i64>,
}

#[derive(Clone, Copy)]
struct KnownTenant {
    id: TenantId,
    currency: Currency,
    buyer: i64,
}

const MOST_KNOWN: usize = 4096;

/// A row, checked.
#[derive(Clone)]
struct Read {
    number: String,
    tenant: KnownTenant,
    total: Money,
    issued_on: NaiveDate,
    due_on: NaiveDate,
    line: Line,
    status: InvoiceStatus,
    paid_on: Option<NaiveDate>,
    /// Percent of the tax in the total; `None`: what of it is tax is not known.
    tax_rate: Option<Decimal>,
    /// The tax in the total.
    tax: Money,
}

/// The tax in a total, as far as its rate is known.
fn tax_in(total: Money, rate: Option<Decimal>) -> crate::domain::Result<Money> {
    match rate {
        Some(rate) => Ok(TaxBasis::Inclusive.take_apart(total, rate)?.tax),
        None => Ok(Money::zero(total.currency())),
    }
}

impl Read {
    /// The same; a row that says nothing of the tax leaves what is known of it.
    fn with_tax_of(&self, there: &Invoice) -> crate::domain::Result<Read> {
        let known = there.tax_category.map(|_| there.tax_rate);
        let tax_rate = self.tax_rate.or(known);
        Ok(Read { tax_rate, tax: tax_in(self.total, tax_rate)?, ..self.clone() })
    }
}

impl Import<'_> {
    pub(super) fn invoice(&self, tenants: &mut Tenants, row: &Row) -> Result<RowOutcome, Bad> {
        let read = self.read_invoice(tenants, row)?;
        if let Some(there) = self.db.find_invoice(&read.number)? {
            return self.existing_invoice(tenants, row, &read, &there);
        }
        let sequence = self.book().note_number(&read.number)?;
        let sequence = sequence.as_ref().map(|(series, n)| (series.as_str(), *n));
        let new = self.new_invoice(tenants, &read, sequence)?;
        let id = self.db.insert_invoice(self.act, &new)?;
        self.db.record(self.act, (read.tenant.id, id), InvoiceEvent::Imported, None)?;
        if read.status == InvoiceStatus::Open {
            self.book().settle_from_credit(read.tenant.id)?;
        }
        Ok(RowOutcome::Created)
    }

    fn read_invoice(&self, tenants: &mut Tenants, row: &Row) -> Result<Read, Bad> {
        let number = row.need("number", invoice::number);
        let slug = row.need("tenant", |v| tenant::named("tenant", v));
        let tenant = match slug {
            Some(slug) => {
                let known = self.known_tenant(tenants, &slug)?;
                if known.is_none() {
                    row.note("tenant", Why::UnknownTenant);
                }
                known
            }
            None => None,
        };
        let currency = row.currency("currency");
        let currency = currency.or(tenant.map(|t| t.currency)).unwrap_or(self.config.currency);
        let total = row.need_amount("total", currency);
        let (issued_on, due_on) = (row.need_date("issued_on"), row.need_date("due_on"));
        if issued_on.zip(due_on).is_some_and(|(issued_on, due_on)| due_on < issued_on) {
            row.note("due_on", Why::Before { field: "issued_on" });
        }
        let description = row.take("description", |v| text::line("description", v, 500));
        let (status, paid_on) = read_status(row, total, issued_on);
        if paid_on.is_some_and(|paid_on| paid_on > self.act.today) {
            row.note("paid_on", Why::AfterToday);
        }
        if paid_on.zip(issued_on).is_some_and(|(paid_on, issued_on)| paid_on < issued_on) {
            row.note("paid_on", Why::Before { field: "issued_on" });
        }
        let tax_rate = row.take("tax_rate", |v| {
            text::parse_percent(v).map_err(|why| Refusal::bad("tax_rate", v, why))
        });
        let tax = total.map(|total| tax_in(total, tax_rate)).transpose()?;
        row.checked((|| {
            let (number, total, tax) = (number?, total?, tax?);
            let description = description.unwrap_or_else(|| number.clone());
            let line = Line::single(description, total);
            let (tenant, issued_on, due_on) = (tenant?, issued_on?, due_on?);
            Some(Read {
                number,
                tenant,
                total,
                issued_on,
                due_on,
                line,
                status,
                paid_on,
                tax_rate,
                tax,
            })
        })())
    }

    fn known_tenant(&self, tenants: &mut Tenants, slug: &str) -> Result<Option<KnownTenant>, Bad> {
        if let Some(known) = tenants.known.get(slug) {
            return Ok(Some(*known));
        }
        let Some(tenant) = self.db.find_tenant(slug)? else { return Ok(None) };
        let buyer = self.db.party(&party::copy(tenant.party()))?;
        let known = KnownTenant { id: tenant.id, currency: tenant.currency, buyer };
        if tenants.known.len() >= MOST_KNOWN {
            tenants.known.clear();
        }
        tenants.known.insert(slug.to_owned(), known);
        Ok(Some(known))
    }

    /// An imported invoice bears its total as it was: what of it was tax is in it where the rate is given,
    /// else not known here.
    fn new_invoice<'r>(
        &self,
        tenants: &mut Tenants,
        read: &'r Read,
        sequence: Option<(&'r str, i64)>,
    ) -> Result<NewInvoice<'r>, Bad> {
        let seller = match tenants.seller {
            Some(seller) => seller,
            None => {
                *tenants.seller.insert(self.db.party(&party::copy(self.config.company.party()))?)
            }
        };
        let zero = Money::zero(read.total.currency());
        let paid = read.status == InvoiceStatus::Paid;
        Ok(NewInvoice {
            number: &read.number,
            sequence,
            origin: Origin::Imported,
            tenant: read.tenant.id,
            status: read.status,
            amounts: Amounts {
                subtotal: read.total,
                discount: zero,
                tax: read.tax,
                total: read.total,
            },
            tax_basis: TaxBasis::of(read.tax_rate.is_some()),
            tax_rate: read.tax_rate.unwrap_or_default(),
            tax_category: read.tax_rate.map(|_| TaxCategory::Standard),
            tax_reason: None,
            paid_elsewhere: if paid { read.total } else { zero },
            seller,
            buyer: read.tenant.buyer,
            issued_on: read.issued_on,
            due_on: read.due_on,
            paid_on: read.paid_on,
            purpose: Purpose::Single,
            period: None,
            collection: Collection::Invoice,
            coupon: None,
            lines: std::slice::from_ref(&read.line),
        })
    }

    fn existing_invoice(
        &self,
        tenants: &mut Tenants,
        row: &Row,
        read: &Read,
        there: &Invoice,
    ) -> Result<RowOutcome, Bad> {
        let differs = differences(row, read, there);
        if differs.is_empty() {
            return Ok(RowOutcome::Skipped);
        }
        if !self.options.update {
            return Err(row.bad("number", Why::Differs { fields: differs.join(", ") }));
        }
        if there.origin != Origin::Imported {
            let what = "it was issued here, and an issued invoice is never rewritten";
            return Err(row.bad("number", Why::CannotChange { what }));
        }
        if there.status == InvoiceStatus::Void || self.db.has_transactions(there.id)? {
            let what = "it is void, or a payment of it was recorded here";
            return Err(row.bad("number", Why::CannotChange { what }));
        }
        if !there.credit_notes_total.is_zero() {
            let what = "it has credit notes";
            return Err(row.bad("number", Why::CannotChange { what }));
        }
        if is_printed(&differs) && self.db.invoice_out_since(there.id)?.is_some() {
            let what = "its e-mail has left, or its document was made: a credit note takes it back";
            return Err(row.bad("number", Why::CannotChange { what }));
        }
        if there.coupon.is_some() {
            let what = "a coupon was applied to it here";
            return Err(row.bad("number", Why::CannotChange { what }));
        }
        let read = &read.with_tax_of(there)?;
        let new = self.new_invoice(tenants, read, None)?;
        let there = &self.book().take_credit_off(there, "an import sets the invoice right")?;
        match self.db.correct_imported(self.act, there.id, &new) {
            Err(refusal)
                if matches!(
                    refusal.of::<Fault>(),
                    Some(Fault { kind: FaultKind::Constraint(_), .. })
                ) =>
            {
                let what = "e-mails or reminders of it were written to its tenant already";
                return Err(row.bad("tenant", Why::CannotChange { what }));
            }
            corrected => corrected?,
        }
        let reopened = read.status == InvoiceStatus::Open && there.status != InvoiceStatus::Open;
        let reopened = match reopened {
            true => Reopened::Yes { set_back: self.book().chase_anew(there)? },
            false => Reopened::No,
        };
        let after = self.db.invoice_by_id(there.id)?;
        let event = InvoiceEvent::corrected(there, &after, &differs, reopened);
        self.db.record(self.act, &after, event, None)?;
        self.book().settle_from_credit(there.tenant_id)?;
        self.book().settle_from_credit(read.tenant.id)?;
        let because = match read.status {
            InvoiceStatus::Paid => Because::Paid,
            _ => Because::Corrected,
        };
        self.book().come_back(there.tenant_id, because)?;
        Ok(RowOutcome::Updated)
    }
}

/// Status and payment date. A payment date alone says that the invoice is paid; so does a total
/// of nothing.
fn read_status(
    row: &Row,
    total: Option<Money>,
    issued_on: Option<NaiveDate>,
) -> (InvoiceStatus, Option<NaiveDate>) {
    let words = "open, paid, void, uncollectible";
    let status: Option<InvoiceStatus> = row.word("status", words);
    let paid_on = row.date("paid_on");
    let free = total.is_some_and(Money::is_zero);
    match (status, paid_on) {
        // What credits one is a document of its own: see `import credit-notes`.
        (Some(InvoiceStatus::Draft | InvoiceStatus::Credited), _) => {
            row.note("status", Why::NotOneOf { words: words.to_owned() });
        }
        (Some(InvoiceStatus::Paid), None) if !free => {
            row.note("paid_on", Why::NeededWith { field: "status paid" });
        }
        (None | Some(InvoiceStatus::Paid), Some(_)) => return (InvoiceStatus::Paid, paid_on),
        (Some(_), Some(_)) => row.note("paid_on", Why::NotAllowedWith { field: "that status" }),
        (None | Some(InvoiceStatus::Open | InvoiceStatus::Paid), None) if free => {
            return (InvoiceStatus::Paid, issued_on);
        }
        _ => {}
    }
    (status.unwrap_or(InvoiceStatus::Open), None)
}

/// The columns of the row whose values are not those that are stored. A status that an open
/// invoice came to here (it was paid, credited, voided or written off since its import) is no
/// difference.
/// Whether one of these columns stands on the document of an invoice, which is never made anew. What was
/// paid since elsewhere does not.
fn is_printed(columns: &[&str]) -> bool {
    columns.iter().any(|column| !["status", "paid_on"].contains(column))
}

fn differences(row: &Row, read: &Read, there: &Invoice) -> Vec<&'static str> {
    let closed_here = there.closed_reason.is_some()
        || there.status == InvoiceStatus::Credited
        || (there.status == InvoiceStatus::Paid && there.paid_elsewhere.is_zero());
    let same_status = read.status == there.status
        || (read.status == InvoiceStatus::Open && (closed_here || row.get("status").is_none()));
    let described = there.lines.first().is_some_and(|l| l.description == read.line.description);
    let pairs = [
        ("tenant", read.tenant.id == there.tenant_id),
        // The tax of an imported invoice is in its subtotal: what a coupon took off it here is no
        // difference.
        ("total", read.total.minor() == there.subtotal.minor()),
        (
            "tax_rate",
            row.get("tax_rate").is_none()
                || (read.tax_rate == Some(there.tax_rate) && there.tax_category.is_some()),
        ),
        ("currency", read.total.currency() == there.total.currency()),
        ("issued_on", read.issued_on == there.issued_on),
        ("due_on", read.due_on == there.due_on),
        ("description", described || row.get("description").is_none()),
        ("status", same_status),
        ("paid_on", row.get("paid_on").is_none() || read.paid_on == there.paid_on),
    ];
    pairs.into_iter().filter(|(_, same)| !same).map(|(column, _)| column).collect()
}
