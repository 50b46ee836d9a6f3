//! The verbs of money and standing: paying, taking back, voiding, writing off, suspending and
//! coming back. Each is one transaction, whoever calls it: a command, an import, a task.

use chrono::NaiveDate;

use super::redeem;
use super::subscribe::{self, Which};
use crate::config::Config;
use crate::domain::dunning;
use crate::domain::invoice::{self, Invoice, InvoiceStatus, settle};
use crate::domain::letter::Template;
use crate::domain::tenant::{Suspension, SuspensionCause, Tenant, TenantStatus};
use crate::domain::transaction::{NewPayment, Overpayment, check_reversible};
use crate::domain::{Act, Money, Refusal, Result, RunId, TenantId, TransactionId};
use crate::store::{Db, NewEmail, NewEvent};

/// What happened to the invoice that held a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// It was paid, for which the customer is thanked.
    Paid,
    /// It was voided, or an import set it right.
    Corrected,
}

/// Whether the customer is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notify {
    Customer,
    Nobody,
}

/// Records a payment of an invoice, with its event and letter; the tenant comes back from a
/// suspension where nothing holds it any more.
///
/// # Errors
/// The invoice cannot be paid, the amount is above what is due, or the reference is that of
/// another payment.
pub fn pay(
    db: &Db,
    act: &Act,
    config: &Config,
    invoice: &Invoice,
    payment: &NewPayment,
    overpayment: Overpayment,
    notify: Notify,
) -> Result<TransactionId> {
    if payment.paid_on > act.today {
        return Err(Refusal::PaidInTheFuture { paid_on: payment.paid_on, today: act.today });
    }
    if let Some(reference) = &payment.reference
        && let Some(other) = db.payment_with_reference(reference)?
    {
        let (reference, transaction) = (reference.clone(), other.id.to_string());
        return Err(Refusal::ReferenceTaken { reference, transaction });
    }
    let settlement = settle(invoice, payment.amount, overpayment)?;
    let id = db.insert_payment(act, invoice, payment, settlement.applied)?;
    if !settlement.applied.is_zero() {
        db.apply_to_invoice(act, invoice.id, settlement.applied, payment.paid_on)?;
    }
    let data = serde_json::json!({
        "transaction": id.to_string(),
        "amount": payment.amount.major(),
        "applied": settlement.applied.major(),
        "remaining": settlement.remaining.major(),
        "currency": payment.amount.currency().code(),
        "paid_on": payment.paid_on,
        "method": payment.method,
        "reference": payment.reference,
    });
    invoice_event(db, act, invoice, "payment_recorded", None, &data.to_string())?;
    if notify == Notify::Customer {
        tell_of_payment(db, act, config, invoice, id, None)?;
    }
    if settlement.remaining.is_zero() {
        come_back(db, act, config, invoice.tenant_id, Because::Paid)?;
    }
    Ok(id)
}

fn tell_of_payment(
    db: &Db,
    act: &Act,
    config: &Config,
    invoice: &Invoice,
    id: TransactionId,
    run: Option<RunId>,
) -> Result<()> {
    let (key, facts) = (format!("payment/{}", id.0), format!(r#"{{"transaction":{}}}"#, id.0));
    db.queue_email(
        act,
        &NewEmail {
            tenant: invoice.tenant_id,
            invoice: Some(invoice.id),
            template: Template::PaymentReceived,
            domain: &config.mail_domain(),
            dedup_key: &key,
            facts: &facts,
            run,
        },
    )?;
    Ok(())
}

/// A charge that a gateway, or a person who asked it, says has succeeded.
#[derive(Debug, Clone, Copy)]
pub struct Charge<'a> {
    pub transaction: TransactionId,
    pub amount: Money,
    /// The kind of the payment method.
    pub method: &'static str,
    pub reference: Option<&'a str>,
    pub run: Option<RunId>,
}

/// Books a charge that succeeded, with its event and letter; the tenant comes back from a
/// suspension where nothing holds it any more. What is not owed any more, because the invoice was
/// settled in another way meanwhile, is the tenant's unapplied credit: the money is there.
///
/// # Errors
/// A fault of the file.
pub fn charged(
    db: &Db,
    act: &Act,
    config: &Config,
    invoice: &Invoice,
    charge: &Charge,
) -> Result<()> {
    let id = charge.transaction;
    let nothing = Money::zero(charge.amount.currency());
    let settlement = match invoice.status {
        InvoiceStatus::Void | InvoiceStatus::Draft => {
            invoice::Settlement { applied: nothing, remaining: nothing }
        }
        _ => settle(invoice, charge.amount, Overpayment::KeepAsCredit)?,
    };
    db.charge_succeeded(act, id, settlement.applied, charge.reference)?;
    if !settlement.applied.is_zero() {
        db.apply_to_invoice(act, invoice.id, settlement.applied, act.today)?;
    }
    let data = serde_json::json!({
        "transaction": id.to_string(),
        "amount": charge.amount.major(),
        "applied": settlement.applied.major(),
        "remaining": settlement.remaining.major(),
        "currency": charge.amount.currency().code(),
        "paid_on": act.today,
        "method": charge.method,
        "reference": charge.reference,
    });
    invoice_event(db, act, invoice, "charge_succeeded", None, &data.to_string())?;
    tell_of_payment(db, act, config, invoice, id, charge.run)?;
    if settlement.remaining.is_zero() && !settlement.applied.is_zero() {
        come_back(db, act, config, invoice.tenant_id, Because::Paid)?;
    }
    Ok(())
}

/// Takes a payment back: the money never came, or went back. The invoice is open again.
///
/// # Errors
/// It did not succeed, or was taken back already.
pub fn reverse(db: &Db, act: &Act, id: TransactionId, reason: &str) -> Result<()> {
    let transaction = db.transaction(id)?;
    check_reversible(&transaction)?;
    let before = db.invoice_by_id(transaction.invoice_id)?;
    db.reverse_transaction(act, id, reason)?;
    // A surplus that was kept as credit never touched the invoice.
    if !transaction.applied.is_zero() {
        db.unapply_from_invoice(act, before.id, transaction.applied)?;
    }
    let reopened = before.status == InvoiceStatus::Paid && !transaction.applied.is_zero();
    let set_back = reopened && chase_anew(db, act, &before)?;
    let invoice = db.invoice_by_id(before.id)?;
    let data = serde_json::json!({
        "transaction": id.to_string(),
        "amount": transaction.amount.major(),
        "currency": transaction.amount.currency().code(),
        "reopened": reopened,
        "set_back": set_back,
    });
    invoice_event(db, act, &invoice, "payment_reversed", Some(reason), &data.to_string())
}

/// Voids an invoice: it should never have been issued. A tenant that was suspended for it alone
/// comes back.
///
/// # Errors
/// It is not open, something was paid on it, or a charge of it has no outcome yet.
pub fn void(db: &Db, act: &Act, config: &Config, invoice: &Invoice, reason: &str) -> Result<()> {
    invoice::check_voidable(invoice)?;
    // The money may be on its way.
    if db.live_charge(invoice.id)?.is_some() {
        return Err(Refusal::ChargePending { invoice: invoice.number.clone() });
    }
    db.close_invoice(act, invoice.id, InvoiceStatus::Void, reason)?;
    invoice_event(db, act, invoice, "invoice_voided", Some(reason), "")?;
    redeem::give_back(db, act, invoice)?;
    come_back(db, act, config, invoice.tenant_id, Because::Corrected)
}

/// Gives an invoice up. It may still be paid later, and a tenant that was suspended for it stays
/// so: nothing was paid.
///
/// # Errors
/// It is not open.
pub fn write_off(db: &Db, act: &Act, invoice: &Invoice, reason: &str) -> Result<()> {
    invoice::check_open(invoice)?;
    db.close_invoice(act, invoice.id, InvoiceStatus::Uncollectible, reason)?;
    invoice_event(db, act, invoice, "invoice_written_off", Some(reason), "")
}

/// Records a promise to pay: dunning rests until then, and what was warned before gives no notice.
///
/// # Errors
/// The invoice is not open, or the day has passed.
pub fn promise(
    db: &Db,
    act: &Act,
    invoice: &Invoice,
    until: NaiveDate,
    note: Option<&str>,
) -> Result<()> {
    invoice::check_open(invoice)?;
    if until < act.today {
        return Err(Refusal::PromiseInThePast { until, today: act.today });
    }
    db.promise_invoice(act, invoice.id, until, note)?;
    db.end_notice(act, invoice.id, false)?;
    let data = format!(r#"{{"until":"{until}"}}"#);
    invoice_event(db, act, invoice, "promise_recorded", note, &data)
}

/// Marks an invoice as disputed: dunning rests until the dispute is settled.
///
/// # Errors
/// The invoice is not open, or disputed already.
pub fn dispute(db: &Db, act: &Act, invoice: &Invoice, note: Option<&str>) -> Result<()> {
    invoice::check_open(invoice)?;
    if invoice.disputed_at.is_some() {
        return Err(Refusal::AlreadyDisputed { invoice: invoice.number.clone() });
    }
    db.dispute_invoice(act, invoice.id, Some(note))?;
    db.end_notice(act, invoice.id, false)?;
    invoice_event(db, act, invoice, "dispute_opened", note, "")
}

/// Settles a dispute: the invoice is chased again.
///
/// # Errors
/// It is not disputed.
pub fn resolve_dispute(db: &Db, act: &Act, invoice: &Invoice, note: Option<&str>) -> Result<()> {
    if invoice.disputed_at.is_none() {
        return Err(Refusal::NotDisputed { invoice: invoice.number.clone() });
    }
    db.dispute_invoice(act, invoice.id, None)?;
    let set_back = chase_anew(db, act, invoice)?;
    let data = format!(r#"{{"set_back":{set_back}}}"#);
    invoice_event(db, act, invoice, "dispute_resolved", note, &data)
}

/// Chases an invoice that comes back into dunning: what was warned before gives no notice. Where
/// the tenant came back from its suspension meanwhile, the invoice falls below its warning, or it
/// could never suspend again; where it is suspended still, the invoice goes on holding it. Returns
/// whether it may have fallen.
///
/// # Errors
/// A fault of the file.
pub fn chase_anew(db: &Db, act: &Act, invoice: &Invoice) -> Result<bool> {
    let set_back = db.tenant_by_id(invoice.tenant_id)?.status != TenantStatus::Suspended;
    db.end_notice(act, invoice.id, set_back)?;
    Ok(set_back)
}

/// Suspends a tenant by hand: it stays so until it is reactivated by hand, whatever is paid.
///
/// # Errors
/// It is closed, or suspended by hand already.
pub fn suspend(db: &Db, act: &Act, tenant: &Tenant, reason: &str) -> Result<()> {
    match (&tenant.status, &tenant.suspension) {
        (TenantStatus::Closed, _) => {
            return Err(Refusal::TenantClosed { tenant: tenant.slug.clone() });
        }
        (_, Some(s)) if s.cause == SuspensionCause::Manual => {
            return Err(Refusal::AlreadySuspended { tenant: tenant.slug.clone() });
        }
        _ => {}
    }
    let cause = SuspensionCause::Manual;
    db.suspend_tenant(
        act,
        tenant.id,
        &Suspension { at: act.at(), cause, reason: reason.to_owned() },
    )?;
    tenant_event(db, act, tenant.id, "tenant_suspended", Some(reason), r#"{"cause":"manual"}"#)
}

/// Brings a suspended tenant back by hand. Invoices that are past suspension are warned anew after
/// the notice; with `until`, each overdue invoice is promised until then. Returns what of its
/// subscriptions stays unbilled, in words.
///
/// # Errors
/// It is closed, or not suspended, or the promised day has passed.
pub fn reactivate(
    db: &Db,
    act: &Act,
    config: &Config,
    tenant: &Tenant,
    reason: Option<&str>,
    until: Option<NaiveDate>,
) -> Result<Vec<String>> {
    if tenant.status == TenantStatus::Closed {
        return Err(Refusal::TenantClosed { tenant: tenant.slug.clone() });
    }
    let Some(suspension) = &tenant.suspension else {
        return reactivate_subscriptions(db, act, config, tenant, reason);
    };
    if let Some(until) = until {
        if until < act.today {
            return Err(Refusal::PromiseInThePast { until, today: act.today });
        }
        for invoice in db.overdue_of(tenant.id, act.today)? {
            promise(db, act, &invoice, until, reason)?;
        }
    }
    let (policy, mut set_back) = (config.dunning_policy(), Vec::new());
    for facts in db.dunning_facts(tenant.id, act.today)?.invoices {
        if dunning::is_past_suspension(&facts, &policy, act.today) {
            db.set_back_invoice(act, facts.id)?;
            set_back.push(facts.number);
        }
    }
    db.set_back_uncollectible(act, tenant.id)?;
    let data = serde_json::json!({
        "by_hand": true, "promised_until": until, "set_back": set_back, "on": act.today,
    });
    bring_back(db, act, config, tenant.id, suspension, Which::All, reason, &data.to_string())
}

/// Brings back the suspended subscriptions of a tenant that is active itself: one whose trial
/// ended while another went on.
fn reactivate_subscriptions(
    db: &Db,
    act: &Act,
    config: &Config,
    tenant: &Tenant,
    reason: Option<&str>,
) -> Result<Vec<String>> {
    if db.suspended_subscriptions(tenant.id)?.is_empty() {
        return Err(Refusal::NotSuspended { tenant: tenant.slug.clone() });
    }
    let data = r#"{"by_hand":true,"subscriptions_only":true}"#;
    tenant_event(db, act, tenant.id, "tenant_reactivated", reason, data)?;
    subscribe::come_back(db, act, config, tenant.id, Which::All)
}

/// Closes a tenant: it is not served any more, and its subscriptions end now. What it owes is
/// chased all the same.
///
/// # Errors
/// It is closed already.
pub fn close(db: &Db, act: &Act, tenant: &Tenant) -> Result<()> {
    if tenant.status == TenantStatus::Closed {
        return Err(Refusal::TenantClosed { tenant: tenant.slug.clone() });
    }
    let redemptions = db.open_redemptions_of(tenant.id)?;
    db.close_tenant(act, tenant.id)?;
    for redemption in redemptions {
        redeem::end(db, act, tenant.id, &redemption)?;
    }
    tenant_event(db, act, tenant.id, "tenant_closed", None, "")
}

/// Brings a tenant back that was suspended for overdue invoices, where none of them holds it any
/// more because each was paid or voided.
///
/// # Errors
/// A fault of the file.
pub fn come_back(
    db: &Db,
    act: &Act,
    config: &Config,
    id: TenantId,
    because: Because,
) -> Result<()> {
    if !config.dunning.reactivate_on_payment {
        return Ok(());
    }
    let tenant = db.tenant_by_id(id)?;
    let Some(suspension) = tenant.suspension else { return Ok(()) };
    if suspension.cause != SuspensionCause::Overdue {
        return Ok(());
    }
    let policy = config.dunning_policy();
    let facts = db.dunning_facts(id, act.today)?;
    let held = facts.invoices.iter().any(|i| dunning::holds(i, &policy, act.today));
    if held || db.has_uncollectible_past_suspension(id)? {
        return Ok(());
    }
    let reason = Some("no overdue invoice holds it any more");
    let data = match because {
        Because::Paid => r#"{"by_hand":false,"paid":true}"#,
        Because::Corrected => r#"{"by_hand":false,"paid":false}"#,
    };
    bring_back(db, act, config, id, &suspension, Which::Overdue, reason, data).map(drop)
}

#[expect(clippy::too_many_arguments, reason = "each is a different thing, for two callers")]
fn bring_back(
    db: &Db,
    act: &Act,
    config: &Config,
    id: TenantId,
    suspension: &Suspension,
    which: Which,
    reason: Option<&str>,
    data: &str,
) -> Result<Vec<String>> {
    db.reactivate_tenant(act, id)?;
    tenant_event(db, act, id, "tenant_reactivated", reason, data)?;
    let dropped = subscribe::come_back(db, act, config, id, which)?;
    let key = format!("reactivation/{}/{}/{}", id.0, suspension.at, act.at());
    db.queue_email(
        act,
        &NewEmail {
            tenant: id,
            invoice: None,
            template: Template::Reactivation,
            domain: &config.mail_domain(),
            dedup_key: &key,
            facts: data,
            run: None,
        },
    )?;
    Ok(dropped)
}

/// Adds an event about an invoice.
///
/// # Errors
/// A fault of the file.
pub fn invoice_event(
    db: &Db,
    act: &Act,
    invoice: &Invoice,
    kind: &'static str,
    reason: Option<&str>,
    data: &str,
) -> Result<()> {
    let (tenant, invoice) = (Some(invoice.tenant_id), Some(invoice.id));
    db.add_event(act, NewEvent { kind, tenant, invoice, reason, data })
}

/// Adds an event about a tenant.
///
/// # Errors
/// A fault of the file.
pub fn tenant_event(
    db: &Db,
    act: &Act,
    tenant: TenantId,
    kind: &'static str,
    reason: Option<&str>,
    data: &str,
) -> Result<()> {
    db.add_event(act, NewEvent { kind, tenant: Some(tenant), invoice: None, reason, data })
}
