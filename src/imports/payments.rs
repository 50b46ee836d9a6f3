//! `import payments`.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::table::Row;
use super::{Bad, Import, RowOutcome};
use crate::books::{Notify, PaymentTerms};
use crate::domain::invoice::Invoice;
use crate::domain::refusal::Why;
use crate::domain::tenant::Tenant;
use crate::domain::transaction::{NewPayment, Repeated};
use crate::domain::{Currency, InvoiceId, Refusal, TenantId, TransactionId, invoice, tenant, text};
use crate::store::Db;

pub const REQUIRED: &[&str] = &["invoice|tenant", "amount", "paid_on"];
pub const OPTIONAL: &[&str] = &["method", "reference", "currency"];

/// What a row pays: an invoice, or what is due of a customer.
enum Target {
    Invoice(Box<Invoice>),
    Account(Box<Tenant>),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum TargetId {
    Invoice(InvoiceId),
    Account(TenantId),
}

/// Rows that were matched with payments of an earlier import: the second of two equal rows is
/// matched with the second of two equal payments. Holds only what was matched.
pub struct Matched {
    /// The newest transaction before this import.
    before: TransactionId,
    counts: HashMap<Same, i64>,
}

/// What tells whether two payments are the same one.
#[derive(PartialEq, Eq, Hash)]
struct Same {
    target: TargetId,
    minor: i64,
    currency: String,
    paid_on: NaiveDate,
    reference: Option<String>,
}

impl Matched {
    pub fn new(db: &Db) -> crate::domain::Result<Self> {
        Ok(Matched { before: db.newest_transaction()?, counts: HashMap::new() })
    }
}

impl Target {
    fn id(&self) -> TargetId {
        match self {
            Target::Invoice(invoice) => TargetId::Invoice(invoice.id),
            Target::Account(tenant) => TargetId::Account(tenant.id),
        }
    }

    fn in_words(&self) -> &'static str {
        match self {
            Target::Invoice(_) => "invoice",
            Target::Account(_) => "account",
        }
    }
}

impl Import<'_> {
    pub(super) fn payment(&self, matched: &mut Matched, row: &Row) -> Result<RowOutcome, Bad> {
        let target = self.target(row)?;
        let currency = self.currency_of(row, target.as_ref());
        let amount = row.need_amount("amount", currency);
        if amount.is_some_and(|a| a.is_zero()) {
            row.note("amount", Why::Zero);
        }
        let paid_on = row.need_date("paid_on");
        if paid_on.is_some_and(|date| date > self.act.today) {
            row.note("paid_on", Why::AfterToday);
        }
        let method = row.take("method", |v| text::line("method", v, 100));
        let reference = row.take("reference", |v| text::line("reference", v, 200));
        let (target, payment) = row.checked((|| {
            let payment = NewPayment { amount: amount?, paid_on: paid_on?, method, reference };
            Some((target?, payment))
        })())?;
        if self.is_there(matched, row, &target, &payment)? {
            return Ok(RowOutcome::Skipped);
        }
        match &target {
            Target::Invoice(invoice) => self.pay(row, invoice, &payment),
            Target::Account(tenant) => {
                // What may be repeated was decided above, for equal rows as well.
                let repeated = Repeated::Take;
                self.book().pay_on_account(tenant, &payment, repeated, Notify::Nobody)?;
                Ok(RowOutcome::Created)
            }
        }
    }

    /// What the row pays: it names an invoice or, of a payment on account, the tenant.
    fn target(&self, row: &Row) -> Result<Option<Target>, Bad> {
        if row.get("tenant").is_none() {
            let Some(number) = row.need("invoice", invoice::number) else { return Ok(None) };
            let found = self.db.find_invoice(&number)?;
            if found.is_none() {
                row.note("invoice", Why::UnknownInvoice);
            }
            return Ok(found.map(|invoice| Target::Invoice(Box::new(invoice))));
        }
        if row.get("invoice").is_some() {
            row.note("tenant", Why::NotAllowedWith { field: "invoice" });
        }
        let Some(slug) = row.need("tenant", |v| tenant::named("tenant", v)) else {
            return Ok(None);
        };
        let found = self.db.find_tenant(&slug)?;
        if found.is_none() {
            row.note("tenant", Why::UnknownTenant);
        }
        Ok(found.map(|tenant| Target::Account(Box::new(tenant))))
    }

    /// The currency of the row, which is that of its invoice, or of its tenant where none is given.
    fn currency_of(&self, row: &Row, target: Option<&Target>) -> Currency {
        let given = row.currency("currency");
        match target {
            Some(Target::Invoice(invoice)) => {
                let currency = invoice.total.currency();
                if given.is_some_and(|given| given != currency) {
                    row.note("currency", Why::NotOneOf { words: currency.code().to_owned() });
                }
                currency
            }
            Some(Target::Account(tenant)) => given.unwrap_or(tenant.currency),
            None => given.unwrap_or(self.config.currency),
        }
    }

    /// Whether the payment was recorded by an earlier import, or in another way. Equal rows of one
    /// file are so many payments.
    fn is_there(
        &self,
        matched: &mut Matched,
        row: &Row,
        target: &Target,
        payment: &NewPayment,
    ) -> Result<bool, Bad> {
        let before = Some(matched.before);
        let alike = match target.id() {
            TargetId::Invoice(id) => self.db.payments_alike(id, payment, before)?,
            TargetId::Account(id) => self.db.payments_alike_on_account(id, payment, before)?,
        };
        if alike.same > 0 {
            let same = Same {
                target: target.id(),
                minor: payment.amount.minor(),
                currency: payment.amount.currency().code().to_owned(),
                paid_on: payment.paid_on,
                reference: payment.reference.clone(),
            };
            let count = matched.counts.entry(same).or_default();
            *count += 1;
            if *count <= alike.same {
                return Ok(true);
            }
        }
        let of = target.in_words();
        let repeats = payment.reference.is_some() && self.options.repeated == Repeated::Refuse;
        match alike.other.filter(|_| repeats) {
            Some(transaction) if transaction > matched.before => {
                Err(row.bad("reference", Why::ReferenceRepeated { of }))
            }
            Some(transaction) => Err(row.bad("reference", Why::ReferenceTaken { transaction, of })),
            None => Ok(false),
        }
    }

    fn pay(&self, row: &Row, invoice: &Invoice, payment: &NewPayment) -> Result<RowOutcome, Bad> {
        // What may be repeated was decided above, for equal rows as well.
        let terms = PaymentTerms {
            overpayment: self.options.overpayment,
            repeated: Repeated::Take,
            notify: Notify::Nobody,
        };
        match self.book().pay(invoice, payment, terms) {
            Ok(_) => Ok(RowOutcome::Created),
            Err(Refusal::AboveDue { due, .. }) => Err(row.bad("amount", Why::AboveDue { due })),
            Err(Refusal::AlreadyPaid { .. }) => {
                Err(row.bad("invoice", Why::NotPayable { status: "paid" }))
            }
            Err(Refusal::NotPayable { status, .. }) => {
                Err(row.bad("invoice", Why::NotPayable { status }))
            }
            Err(other) => Err(other.into()),
        }
    }
}
