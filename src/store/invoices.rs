//! The rows of invoices, their lines, and the copies of seller and buyer.

use chrono::NaiveDate;
use rusqlite::{OptionalExtension, Row};
use rust_decimal::Decimal;

use super::{Db, Subject, columns};
use crate::domain::coupon::OnPlan;
use crate::domain::invoice::{Amounts, Invoice, InvoiceStatus, Line, Origin, Purpose};
use crate::domain::ledger::entries_of_new;
use crate::domain::period::Period;
use crate::domain::stage::Stage;
use crate::domain::subscription::{Collection, Subscription};
use crate::domain::tax::{TaxBasis, TaxCategory};
use crate::domain::transaction::Transaction;
use crate::domain::{
    Act, CouponId, InvoiceId, ItemId, Money, PendingItemId, PlanId, Refusal, Result,
    SubscriptionId, TenantId,
};

/// An invoice to be written, worked out.
#[derive(Debug, Clone)]
pub struct NewInvoice<'a> {
    pub number: &'a str,
    /// Series and sequence, where the number fits the format.
    pub sequence: Option<(&'a str, i64)>,
    pub origin: Origin,
    pub tenant: TenantId,
    pub status: InvoiceStatus,
    pub amounts: Amounts,
    /// Whether its amounts are with tax.
    pub tax_basis: TaxBasis,
    pub tax_rate: Decimal,
    /// `None` where it is not known.
    pub tax_category: Option<TaxCategory>,
    /// Why it bears no tax.
    pub tax_reason: Option<&'a str>,
    /// Paid before it came into this database.
    pub paid_elsewhere: Money,
    pub seller: i64,
    pub buyer: i64,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub paid_on: Option<NaiveDate>,
    pub purpose: Purpose,
    /// The subscription that it bills, and which time of it.
    pub period: Option<(SubscriptionId, Period)>,
    pub collection: Collection,
    /// Whose discount is on its lines.
    pub coupon: Option<CouponId>,
    pub lines: &'a [Line],
}

/// Which invoices are listed.
#[derive(Debug, Clone, Default)]
pub struct InvoiceFilter {
    pub status: Option<InvoiceStatus>,
    pub tenant: Option<TenantId>,
    /// Only those that are open and were due before this day.
    pub overdue_before: Option<NaiveDate>,
    /// Only those that were issued on that day or later …
    pub issued_since: Option<NaiveDate>,
    /// … and on that day or before.
    pub issued_until: Option<NaiveDate>,
    /// The newest.
    pub limit: Option<u32>,
}

macro_rules! is_listed {
    () => {
        "(?1 IS NULL OR i.status = ?1) AND (?5 IS NULL OR i.issued_on >= ?5)
         AND (?6 IS NULL OR i.issued_on <= ?6)"
    };
}

/// What makes an invoice overdue on a day: [`Invoice::days_overdue`] says it of one that was read.
macro_rules! is_overdue {
    ($invoice:literal, $day:literal) => {
        concat!($invoice, ".status = 'open' AND ", $invoice, ".due_on < ", $day)
    };
}
pub(super) use is_overdue;

macro_rules! invoice_query {
    ($($rest:expr),+) => {
        concat!(
            "SELECT i.*, t.slug AS tenant, s.document AS seller, b.document AS buyer,
                    c.code AS coupon,
                    (SELECT coalesce(sum(x.amount_minor), 0)
                     FROM transactions x INDEXED BY transactions_invoice_refunds
                     WHERE x.invoice_id = i.id AND x.kind = 'refund' AND x.status = 'succeeded')
                      AS refunded_minor
             FROM invoices i JOIN tenants t ON t.id = i.tenant_id
             JOIN parties s ON s.id = i.seller_id JOIN parties b ON b.id = i.buyer_id
             LEFT JOIN coupons c ON c.id = i.coupon_id ",
            $($rest),+
        )
    };
}

impl Db<'_> {
    /// The invoice with that number, with its lines.
    ///
    /// # Errors
    /// None has it.
    pub fn invoice(&self, number: &str) -> Result<Invoice> {
        self.find_invoice(number)?.ok_or_else(|| Refusal::NotFound {
            noun: "invoice",
            name: number.to_owned(),
            near: None,
        })
    }

    /// The invoice with that number, if there is one.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn find_invoice(&self, number: &str) -> Result<Option<Invoice>> {
        let mut statement = self.conn.prepare_cached(invoice_query!("WHERE i.number = ?1"))?;
        let found = statement.query_row([number], invoice).optional()?;
        found.map(|invoice| self.with_lines(invoice)).transpose()
    }

    /// The invoice in that row, with its lines.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn invoice_by_id(&self, id: InvoiceId) -> Result<Invoice> {
        let mut statement = self.conn.prepare_cached(invoice_query!("WHERE i.id = ?1"))?;
        self.with_lines(statement.query_row([id.0], invoice)?)
    }

    fn with_lines(&self, mut invoice: Invoice) -> Result<Invoice> {
        let currency = invoice.total.currency();
        let mut statement = self.conn.prepare_cached(
            "SELECT * FROM invoice_lines WHERE invoice_id = ?1 ORDER BY position",
        )?;
        let lines = statement.query_map([invoice.id.0], |row| {
            Ok(Line {
                item: row.get::<_, Option<i64>>("item_id")?.map(ItemId),
                plan: row.get::<_, Option<i64>>("plan_id")?.map(PlanId),
                description: row.get("description")?,
                quantity: columns::word(row, "quantity")?,
                unit_price: columns::word_or_null(row, "unit_price")?,
                amount: columns::money(row, "amount_minor", currency)?,
                discount: columns::money(row, "discount_minor", currency)?,
                period: columns::period(row)?,
                pending: row.get::<_, Option<i64>>("pending_item_id")?.map(PendingItemId),
                discountable: row.get("discountable")?,
            })
        })?;
        invoice.lines = lines.collect::<rusqlite::Result<_>>()?;
        Ok(invoice)
    }

    /// Hands each invoice that the filter lets through to `each`, oldest due date first where
    /// overdue ones are asked for, else in the order in which they were written.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_invoice(
        &self,
        filter: &InvoiceFilter,
        mut each: impl FnMut(Invoice) -> Result<()>,
    ) -> Result<()> {
        // One statement an index: a customer's invoices cost what there are.
        let sql = match (filter.overdue_before, filter.tenant) {
            (Some(_), Some(_)) => columns::newest_last!(
                filter.limit,
                invoice_query,
                ["WHERE ", is_overdue!("i", "?3"), " AND i.tenant_id = ?2 AND ", is_listed!()],
                "i.id",
                "i.due_on, i.id",
                "due_on, id",
                "?4"
            ),
            (Some(_), None) => columns::newest_last!(
                filter.limit,
                invoice_query,
                ["WHERE ", is_overdue!("i", "?3"), " AND ?2 IS NULL AND ", is_listed!()],
                "i.id",
                "i.due_on, i.id",
                "due_on, id",
                "?4"
            ),
            (None, Some(_)) => columns::newest_last!(
                filter.limit,
                invoice_query,
                ["WHERE i.tenant_id = ?2 AND ?3 IS NULL AND ", is_listed!()],
                "i.id",
                "i.id",
                "id",
                "?4"
            ),
            (None, None) => columns::newest_last!(
                filter.limit,
                invoice_query,
                ["WHERE ?2 IS NULL AND ?3 IS NULL AND ", is_listed!()],
                "i.id",
                "i.id",
                "id",
                "?4"
            ),
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query((
            filter.status.map(InvoiceStatus::word),
            filter.tenant.map(|id| id.0),
            filter.overdue_before.map(|date| date.to_string()),
            columns::limit(filter.limit),
            filter.issued_since.map(|date| date.to_string()),
            filter.issued_until.map(|date| date.to_string()),
        ))?;
        while let Some(row) = rows.next()? {
            each(self.with_lines(invoice(row)?)?)?;
        }
        Ok(())
    }

    /// Hands each invoice of a customer to `each` that it may see, in the order in which they were
    /// written: those after one, at most so many.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_invoice_after(
        &self,
        (tenant, after): (TenantId, Option<InvoiceId>),
        status: Option<InvoiceStatus>,
        limit: u32,
        mut each: impl FnMut(Invoice) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(invoice_query!(
            "WHERE i.tenant_id = ?1 AND i.id > ?2 AND (?3 IS NULL OR i.status = ?3)
               AND i.status <> 'draft' ORDER BY i.id LIMIT ?4"
        ))?;
        let after = after.map_or(0, |id| id.0);
        let mut rows =
            statement.query((tenant.0, after, status.map(InvoiceStatus::word), limit))?;
        while let Some(row) = rows.next()? {
            each(self.with_lines(invoice(row)?)?)?;
        }
        Ok(())
    }

    /// The same the other way: the newest first, those before one.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_invoice_before(
        &self,
        (tenant, before): (TenantId, Option<InvoiceId>),
        limit: u32,
        mut each: impl FnMut(Invoice) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(invoice_query!(
            "WHERE i.tenant_id = ?1 AND i.id < ?2 AND i.status <> 'draft'
             ORDER BY i.id DESC LIMIT ?3"
        ))?;
        let before = before.map_or(i64::MAX, |id| id.0);
        let mut rows = statement.query((tenant.0, before, limit))?;
        while let Some(row) = rows.next()? {
            each(self.with_lines(invoice(row)?)?)?;
        }
        Ok(())
    }

    /// Writes an invoice and its lines.
    ///
    /// # Errors
    /// The number is taken, or a rule of the schema says no.
    pub fn insert_invoice(&self, act: &Act, new: &NewInvoice) -> Result<InvoiceId> {
        let at = act.at();
        let paid = match new.status {
            InvoiceStatus::Paid => new.amounts.total,
            _ => new.paid_elsewhere,
        };
        let closed = matches!(new.status, InvoiceStatus::Void | InvoiceStatus::Uncollectible);
        let inserted = self.insert_unless_there(
            "INSERT INTO invoices (number, series, sequence, origin, tenant_id, status, currency,
               subtotal_minor, discount_minor, tax_rate, tax_minor, total_minor, paid_minor,
               paid_elsewhere_minor, seller_id, buyer_id, issued_on, due_on, paid_on, closed_at,
               created_at, updated_at, subscription_id, period_start, period_end, collection,
               coupon_id, purpose, tax_inclusive, tax_category, tax_reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
               ?18, ?19, ?20, ?21, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)
             ON CONFLICT (number) DO NOTHING",
            rusqlite::params![
                new.number,
                new.sequence.map(|(series, _)| series),
                new.sequence.map(|(_, sequence)| sequence),
                new.origin.word(),
                new.tenant.0,
                new.status.word(),
                new.amounts.total.currency().code(),
                new.amounts.subtotal.minor(),
                new.amounts.discount.minor(),
                new.tax_rate.to_string(),
                new.amounts.tax.minor(),
                new.amounts.total.minor(),
                paid.minor(),
                new.paid_elsewhere.minor(),
                new.seller,
                new.buyer,
                new.issued_on.to_string(),
                new.due_on.to_string(),
                new.paid_on.map(|date| date.to_string()),
                closed.then_some(&at),
                &at,
                new.period.map(|(subscription, _)| subscription.0),
                new.period.map(|(_, period)| period.start.to_string()),
                new.period.map(|(_, period)| period.end.to_string()),
                new.collection.word(),
                new.coupon.map(|id| id.0),
                new.purpose.word(),
                new.tax_basis.is_inclusive(),
                new.tax_category.map(TaxCategory::word),
                new.tax_reason,
            ],
        )?;
        let id = inserted
            .map(InvoiceId)
            .ok_or_else(|| Refusal::Exists { noun: "invoice", name: new.number.to_owned() })?;
        self.insert_lines(id, new.lines)?;
        self.book_new(act, id, new)?;
        Ok(id)
    }

    /// Notes what credit pays of an invoice that is being issued.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn note_credit_at_issue(&self, id: InvoiceId, credit: Money) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE invoices SET credit_at_issue_minor = ?2 WHERE id = ?1")?
            .execute((id.0, credit.minor()))?;
        Ok(())
    }

    /// Books an invoice that was written with its copies: its issue, and what it had become.
    fn book_new(&self, act: &Act, invoice: InvoiceId, new: &NewInvoice) -> Result<()> {
        let subject = Subject { invoice: Some(invoice), ..Subject::of_tenant(new.tenant) };
        let (issued_on, paid_on) = (new.issued_on, new.paid_on);
        let elsewhere = new.paid_elsewhere;
        for entry in entries_of_new(&new.amounts, new.status, issued_on, elsewhere, paid_on) {
            self.insert_entry(act, subject, &entry)?;
        }
        Ok(())
    }

    fn insert_lines(&self, id: InvoiceId, lines: &[Line]) -> Result<()> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO invoice_lines (invoice_id, position, item_id, description, quantity,
               unit_price, amount_minor, discount_minor, period_start, period_end,
               pending_item_id, discountable, plan_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?;
        for (position, line) in lines.iter().enumerate() {
            insert.execute((
                id.0,
                position as i64 + 1,
                line.item.map(|item| item.0),
                &line.description,
                line.quantity.to_string(),
                line.unit_price.map(|price| price.to_string()),
                line.amount.minor(),
                line.discount.minor(),
                line.period.map(|(start, _)| start.to_string()),
                line.period.map(|(_, end)| end.to_string()),
                line.pending.map(|item| item.0),
                line.discountable,
                line.plan.map(|plan| plan.0),
            ))?;
        }
        Ok(())
    }

    /// The plans that the lines of an invoice bill, each once.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn plans_billed(&self, invoice: &Invoice) -> Result<Vec<OnPlan>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT p.id, p.code FROM invoice_lines l JOIN plans p ON p.id = l.plan_id
             WHERE l.invoice_id = ?1 GROUP BY p.id ORDER BY min(l.position)",
        )?;
        let plans = statement.query_map([invoice.id.0], |row| {
            let (id, code) = (PlanId(row.get("id")?), row.get("code")?);
            Ok(OnPlan { id, code, currency: invoice.total.currency() })
        })?;
        Ok(plans.collect::<rusqlite::Result<_>>()?)
    }

    /// The invoice of a charge, or of its refund: each has one.
    ///
    /// # Errors
    /// It is a payment on account, which has none.
    pub fn invoice_of(&self, transaction: &Transaction) -> Result<Invoice> {
        let name = || Refusal::NotFound {
            noun: "invoice",
            name: format!("of {}", transaction.id),
            near: None,
        };
        self.invoice_by_id(transaction.invoice_id.ok_or_else(name)?)
    }

    /// Corrects an imported invoice on which nothing was paid here.
    ///
    /// # Errors
    /// A rule of the schema says no.
    pub fn correct_imported(&self, act: &Act, id: InvoiceId, new: &NewInvoice) -> Result<()> {
        let closed = matches!(new.status, InvoiceStatus::Void | InvoiceStatus::Uncollectible);
        let at = act.at();
        self.unbook(act, id)?;
        self.conn
            .prepare_cached(
                "UPDATE invoices SET tenant_id = ?2, status = ?3, currency = ?4,
                   subtotal_minor = ?5, total_minor = ?5, paid_minor = ?6,
                   paid_elsewhere_minor = ?6, issued_on = ?7, due_on = ?8, paid_on = ?9,
                   closed_at = ?10, buyer_id = ?11, tax_minor = ?13, tax_rate = ?14,
                   tax_inclusive = ?15, tax_category = ?16, updated_at = max(updated_at, ?12), changed_at = ?12,
                   -- Another due date is another ladder.
                   stage = CASE WHEN due_on = ?8 THEN stage ELSE 'none' END,
                   dunning_round = dunning_round + (due_on <> ?8),
                   set_back_on = CASE WHEN due_on = ?8 THEN set_back_on END,
                   promised_until = CASE WHEN due_on = ?8 THEN promised_until END,
                   warned_on = CASE WHEN due_on = ?8 THEN warned_on END,
                   warning_email_id = CASE WHEN due_on = ?8 THEN warning_email_id END
                 WHERE id = ?1",
            )?
            .execute((
                id.0,
                new.tenant.0,
                new.status.word(),
                new.amounts.total.currency().code(),
                new.amounts.total.minor(),
                new.paid_elsewhere.minor(),
                new.issued_on.to_string(),
                new.due_on.to_string(),
                new.paid_on.map(|date| date.to_string()),
                closed.then_some(&at),
                new.buyer,
                &at,
                new.amounts.tax.minor(),
                new.tax_rate.to_string(),
                new.tax_basis.is_inclusive(),
                new.tax_category.map(TaxCategory::word),
            ))?;
        let mut line = self.conn.prepare_cached(
            "UPDATE invoice_lines SET description = ?2, unit_price = ?3, amount_minor = ?4
             WHERE invoice_id = ?1 AND position = 1",
        )?;
        for first in new.lines.iter().take(1) {
            let unit_price = first.unit_price.map(|price| price.to_string());
            line.execute((id.0, &first.description, unit_price, first.amount.minor()))?;
        }
        self.book_new(act, id, new)
    }

    /// The row of a seller's or buyer's copy; the same text is stored once.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn party(&self, document: &str) -> Result<i64> {
        let known = self
            .conn
            .prepare_cached("SELECT id FROM parties WHERE document = ?1")?
            .query_row([document], |row| row.get(0))
            .optional()?;
        match known {
            Some(id) => Ok(id),
            None => Ok(self
                .conn
                .prepare_cached("INSERT INTO parties (document) VALUES (?1)")?
                .insert([document])?),
        }
    }

    /// Keeps the reason for which an invoice was voided or given up.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn keep_closing_reason(&self, id: InvoiceId, reason: &str) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE invoices SET closed_reason = ?2 WHERE id = ?1")?
            .execute((id.0, reason))?;
        Ok(())
    }

    /// Records until when the tenant promised to pay.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn promise_invoice(
        &self,
        act: &Act,
        id: InvoiceId,
        until: NaiveDate,
        note: Option<&str>,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE invoices SET promised_until = ?2, promise_note = ?3, updated_at = max(updated_at, ?4), changed_at = ?4
                 WHERE id = ?1",
            )?
            .execute((id.0, until.to_string(), note, act.at()))?;
        Ok(())
    }

    /// Marks an invoice as disputed, or (`None`) the dispute as settled.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn dispute_invoice(
        &self,
        act: &Act,
        id: InvoiceId,
        dispute: Option<Option<&str>>,
    ) -> Result<()> {
        let at = act.at();
        self.conn
            .prepare_cached(
                "UPDATE invoices SET disputed_at = ?2, dispute_note = ?3, updated_at = max(updated_at, ?4), changed_at = ?4
                 WHERE id = ?1",
            )?
            .execute((id.0, dispute.map(|_| at.clone()), dispute.flatten(), at.clone()))?;
        Ok(())
    }

    /// Starts a new round of dunning: earlier warnings give no notice. Where `set_back`, an
    /// invoice past suspension falls below its warning, so that it is warned and may suspend anew.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn end_notice(&self, act: &Act, id: InvoiceId, set_back: bool) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE invoices SET dunning_round = dunning_round + 1, warned_on = NULL,
                   warning_email_id = NULL, set_back_on = NULL,
                   stage = CASE WHEN ?2 AND stage = 'suspension' THEN 'urgent' ELSE stage END,
                   updated_at = max(updated_at, ?3), changed_at = ?3
                 WHERE id = ?1 AND (stage <> 'none' OR set_back_on IS NOT NULL)",
            )?
            .execute((id.0, set_back, act.at()))?;
        Ok(())
    }

    /// Sets an open invoice that is past suspension back below its warning, because its tenant
    /// came back by hand: it is warned anew after the notice, and may then be suspended for.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn set_back_invoice(&self, act: &Act, id: InvoiceId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE invoices SET dunning_round = dunning_round + 1, warned_on = NULL,
                   warning_email_id = NULL, set_back_on = ?2, updated_at = max(updated_at, ?3), changed_at = ?3,
                   stage = CASE WHEN stage IN ('warning', 'suspension') THEN 'urgent' ELSE stage END
                 WHERE id = ?1",
            )?
            .execute((id.0, act.today.to_string(), act.at()))?;
        Ok(())
    }

    /// The same for what a tenant was suspended for and that was given up since: it does not keep
    /// the tenant from coming back after another suspension.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn set_back_uncollectible(&self, act: &Act, tenant: TenantId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE invoices SET dunning_round = dunning_round + 1, warned_on = NULL,
                   warning_email_id = NULL, stage = 'urgent', set_back_on = ?2, updated_at = max(updated_at, ?3), changed_at = ?3
                 WHERE tenant_id = ?1 AND stage = 'suspension' AND status = 'uncollectible'",
            )?
            .execute((tenant.0, act.today.to_string(), act.at()))?;
        Ok(())
    }

    /// Whether an invoice that a tenant was suspended for was given up and never paid.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn has_uncollectible_past_suspension(&self, tenant: TenantId) -> Result<bool> {
        let mut statement = self.conn.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM invoices WHERE tenant_id = ?1 AND stage = 'suspension'
               AND status = 'uncollectible')",
        )?;
        Ok(statement.query_row([tenant.0], |row| row.get(0))?)
    }

    /// The invoices of a subscription, oldest period first; void ones too.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn invoices_of_subscription(&self, of: &Subscription) -> Result<Vec<Invoice>> {
        // Found by the tenant: an index of all subscriptions' invoices, void ones too, would cost
        // every invoice and serve nothing else.
        let mut statement = self.conn.prepare_cached(invoice_query!(
            "WHERE i.tenant_id = ?1 AND i.subscription_id = ?2 ORDER BY i.period_start, i.id"
        ))?;
        let found = statement.query_map((of.tenant_id.0, of.id.0), invoice)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// The open invoices of a tenant that were due before `today`, oldest first.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn overdue_of(&self, tenant: TenantId, today: NaiveDate) -> Result<Vec<Invoice>> {
        let filter = InvoiceFilter {
            tenant: Some(tenant),
            overdue_before: Some(today),
            ..InvoiceFilter::default()
        };
        let mut found = Vec::new();
        self.each_invoice(&filter, |invoice| {
            found.push(invoice);
            Ok(())
        })?;
        Ok(found)
    }
}

/// A stage as it is stored, `none` where there is none yet.
pub(super) fn stage_word(stage: Option<Stage>) -> &'static str {
    stage.map_or("none", Stage::word)
}

/// The stage that a row holds.
pub(super) fn stage(row: &Row) -> rusqlite::Result<Option<Stage>> {
    match row.get_ref("stage")?.as_str()? {
        "none" => Ok(None),
        _ => columns::word(row, "stage").map(Some),
    }
}

fn invoice(row: &Row) -> rusqlite::Result<Invoice> {
    let currency = columns::word(row, "currency")?;
    Ok(Invoice {
        id: InvoiceId(row.get("id")?),
        number: row.get("number")?,
        origin: columns::word(row, "origin")?,
        tenant_id: TenantId(row.get("tenant_id")?),
        tenant: row.get("tenant")?,
        subscription_id: row.get::<_, Option<i64>>("subscription_id")?.map(SubscriptionId),
        purpose: columns::word(row, "purpose")?,
        collection: columns::word(row, "collection")?,
        status: columns::word(row, "status")?,
        subtotal: columns::money(row, "subtotal_minor", currency)?,
        discount: columns::money(row, "discount_minor", currency)?,
        tax_basis: TaxBasis::of(row.get("tax_inclusive")?),
        tax_rate: columns::word(row, "tax_rate")?,
        tax_category: columns::word_or_null(row, "tax_category")?,
        tax_reason: row.get("tax_reason")?,
        tax: columns::money(row, "tax_minor", currency)?,
        total: columns::money(row, "total_minor", currency)?,
        due: columns::money(row, "due_minor", currency)?,
        paid: columns::money(row, "paid_minor", currency)?,
        credit_applied: columns::money(row, "credit_applied_minor", currency)?,
        credit_at_issue: columns::money(row, "credit_at_issue_minor", currency)?,
        paid_elsewhere: columns::money(row, "paid_elsewhere_minor", currency)?,
        credited: columns::money(row, "credited_minor", currency)?,
        credit_notes_total: columns::money(row, "credit_notes_minor", currency)?,
        refunded: columns::money(row, "refunded_minor", currency)?,
        coupon: row.get("coupon")?,
        issued_on: columns::date(row, "issued_on")?,
        due_on: columns::date(row, "due_on")?,
        paid_on: columns::date_or_null(row, "paid_on")?,
        period: columns::period(row)?,
        billed_until: columns::date_or_null(row, "billed_until")?,
        closed_reason: row.get("closed_reason")?,
        stage: stage(row)?,
        warned_on: columns::date_or_null(row, "warned_on")?,
        promised_until: columns::date_or_null(row, "promised_until")?,
        promise_note: row.get("promise_note")?,
        disputed_at: row.get("disputed_at")?,
        dispute_note: row.get("dispute_note")?,
        seller: row.get("seller")?,
        buyer: row.get("buyer")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        lines: Vec::new(),
    })
}
