//! What an e-mail says, read anew when it is drawn up: the facts may have changed since it was queued.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::books::links::{CONFIRM_FOR, LinkedInvoice, Links, SIGN_IN_FOR};
use crate::books::{Book, is_sent_again_by_name, queued_facts};
use crate::config::{Config, PortalAction};
use crate::domain::charge::{LastAttempt, Retry, decide_retry};
use crate::domain::dunning::{InvoiceFacts, NextStep, Policy, TenantFacts, decide_invoice, rest};
use crate::domain::email::Locale;
use crate::domain::invoice::{Invoice, InvoiceStatus};
use crate::domain::invoice_link::{InvoiceLinkFacts, invoice_link_holds};
use crate::domain::money::Totals;
use crate::domain::party::Party;
use crate::domain::payment_method::PaymentMethod;
use crate::domain::schedule::Task;
use crate::domain::stage::Stage;
use crate::domain::subscription::{Item, SubscriptionStatus, Terms};
use crate::domain::template::{
    AfterTrial, Collecting, ConfirmedPayment, Content, FailedPayment, ListedInvoice, NewEmail,
    PaidInvoice, PriceChange, SentLink, Template, ToldCreditNote, Trial,
};
use crate::domain::tenant::{SuspensionCause, Tenant, TenantStatus};
use crate::domain::transaction::{Transaction, TransactionKind, TransactionStatus};
use crate::domain::trial::Action;
use crate::domain::{
    Act, CreditNoteId, InvoiceId, Money, PlanId, Refusal, Result, SubscriptionId, TransactionId,
};
use crate::mail::wording;
use crate::store::dunning::ToldStep;
use crate::store::{Db, Email};

pub(super) enum Facts {
    Content(Box<Content>),
    /// The e-mail has nothing left to say, and why.
    Nothing(&'static str),
}

/// What makes links, where there is a portal, and the machine's clock, which they go by.
#[derive(Debug, Clone, Copy)]
pub struct Linking<'a> {
    pub links: Option<&'a Links>,
    pub now: DateTime<Utc>,
}

/// The links of a customer's invoices in an e-mail: none where there is no portal, or where an invoice is so
/// old that its link holds no more.
#[derive(Debug, Clone, Copy)]
pub(super) struct InvoiceLinks<'a> {
    links: Option<&'a Links>,
    tenant: &'a Tenant,
    today: NaiveDate,
}

impl InvoiceLinks<'_> {
    fn to(self, invoice: &Invoice) -> Option<String> {
        self.link(LinkedInvoice::of(invoice, self.tenant))
    }

    fn to_open(self, invoice: &InvoiceFacts) -> Option<String> {
        let facts = InvoiceLinkFacts { issued_on: invoice.issued_on, paid_on: None };
        let (tenant, generation) = (self.tenant.id, self.tenant.portal_generation);
        self.link(LinkedInvoice { invoice: invoice.id, tenant, generation, facts })
    }

    fn link(self, linked: LinkedInvoice) -> Option<String> {
        let links = self.links.filter(|_| invoice_link_holds(linked.facts, self.today));
        links.map(|links| links.invoice(&linked))
    }
}

/// Reads the facts of an e-mail now.
pub(super) fn facts(
    db: &Db,
    email: &Email,
    tenant: &Tenant,
    config: &Config,
    policy: &Policy,
    act: &Act,
    Linking { links: maker, now }: Linking,
) -> Result<Facts> {
    let links = InvoiceLinks { links: maker, tenant, today: act.today };
    let mut content = Content {
        template: email.template,
        locale: tenant.locale,
        company: config.company.clone(),
        legal_notes: config.invoicing.legal_notes.clone(),
        tenant_name: tenant.name.clone(),
        tenant_suspended: tenant.status == TenantStatus::Suspended,
        declined: false,
        today: act.today,
        overdue: Vec::new(),
        totals: Vec::new(),
        suspension_on: None,
        suspended_on: None,
        next_letter_on: None,
        paid: false,
        comes_back: config.dunning.reactivate_on_payment
            && tenant.suspension.as_ref().is_none_or(|s| s.cause == SuspensionCause::Overdue),
        invoice: None,
        link: None,
        pays_online: config.portal.as_ref().is_some_and(|p| p.allows(PortalAction::Pay)),
        attached: false,
        seller: Party::default(),
        buyer: Party::default(),
        credit_note: None,
        collecting: None,
        payment: None,
        failure: None,
        trial: None,
        price_change: None,
        portal_link: None,
        new_email: None,
        in_reply_to: None,
    };
    match email.template {
        Template::Friendly | Template::Urgent | Template::Warning | Template::Suspension => {
            if let Some(nothing) = dunning_facts(db, email, links, policy, act, &mut content)? {
                return Ok(Facts::Nothing(nothing));
            }
        }
        Template::Reactivation => {
            if tenant.status != TenantStatus::Active {
                return Ok(Facts::Nothing("the tenant is not active any more"));
            }
            content.paid = queued_facts(email)["paid"] == true;
            let facts = db.dunning_facts(tenant.id, act.today)?;
            list_overdue(&mut content, &chased(&facts, policy, act.today), act, links)?;
        }
        Template::Invoice => {
            let Some(id) = email.invoice_id else { return Ok(Facts::Nothing("no invoice")) };
            let invoice = db.invoice_by_id(id)?;
            if invoice.status == InvoiceStatus::Void {
                return Ok(Facts::Nothing("the invoice is void"));
            }
            content.collecting = collecting(db, id, tenant.locale)?;
            let copies = (invoice.seller.as_str(), invoice.buyer.as_str());
            let book = Book::new(db, act, config);
            (content.seller, content.buyer) = book.parties(&invoice.number, copies, tenant)?;
            content.link = links.to(&invoice);
            content.invoice = Some(invoice);
        }
        Template::CreditNote => {
            let Some(told) = told_credit_note(db, email, links)? else {
                return Ok(Facts::Nothing("no credit note"));
            };
            let copies = (told.note.seller.as_str(), told.note.buyer.as_str());
            let book = Book::new(db, act, config);
            (content.seller, content.buyer) = book.parties(&told.note.number, copies, tenant)?;
            content.credit_note = Some(told);
        }
        Template::PaymentReceived => {
            content.payment = confirmed_payment(db, email, tenant.locale, links)?;
            if content.payment.is_none() {
                return Ok(Facts::Nothing("the payment was taken back"));
            }
        }
        Template::PaymentFailed => {
            content.failure = failed_payment(db, email, config, act, links)?;
            if content.failure.is_none() {
                return Ok(Facts::Nothing("the invoice is settled, or its charge is under way"));
            }
        }
        Template::PriceChange => {
            content.price_change = price_change(db, email, act)?;
            if content.price_change.is_none() {
                return Ok(Facts::Nothing("the subscription has ended"));
            }
        }
        Template::PortalLink => match asked_link(email, tenant, now, maker) {
            Ok((links, until)) => {
                let url = links.sign_in(tenant.id, tenant.portal_generation, until);
                content.portal_link = Some(SentLink { url, hours: SIGN_IN_FOR.num_hours() });
            }
            Err(nothing) => return Ok(Facts::Nothing(nothing)),
        },
        Template::EmailConfirm => match asked_link(email, tenant, now, maker) {
            _ if tenant.pending_email.as_ref() != Some(&email.to) => {
                return Ok(Facts::Nothing("another address was set or asked for"));
            }
            Ok((links, until)) => {
                let url = links.confirm(tenant.id, tenant.portal_generation, &email.to, until);
                let link = Some(SentLink { url, hours: CONFIRM_FOR.num_hours() });
                content.new_email = Some(NewEmail { address: email.to.clone(), link });
            }
            Err(nothing) => return Ok(Facts::Nothing(nothing)),
        },
        Template::EmailChanged => {
            let address = queued_facts(email)["new"].as_str().unwrap_or(&tenant.email).to_owned();
            content.new_email = Some(NewEmail { address, link: None });
        }
        Template::TrialEnding | Template::TrialEnded => {
            if let Some(nothing) = trial_facts(db, email, config, act, &mut content)? {
                return Ok(Facts::Nothing(nothing));
            }
        }
    }
    Ok(Facts::Content(Box::new(content)))
}

/// What makes the link that a customer asked for, and until when it holds; or why it would not.
fn asked_link<'a>(
    email: &Email,
    tenant: &Tenant,
    now: DateTime<Utc>,
    links: Option<&'a Links>,
) -> std::result::Result<(&'a Links, DateTime<Utc>), &'static str> {
    let links = links.ok_or("there is no portal any more")?;
    let facts = queued_facts(email);
    if facts["generation"].as_i64() != Some(tenant.portal_generation) {
        return Err("the customer's links were revoked");
    }
    let until = facts["expires_at"].as_str();
    let until = until.and_then(|at| DateTime::parse_from_rfc3339(at).ok());
    let until = until.map(|at| at.to_utc()).filter(|until| now < *until);
    until.map(|until| (links, until)).ok_or("its link holds no more")
}

/// The credit note that an e-mail brings, with its invoice as it stands now.
fn told_credit_note(db: &Db, email: &Email, links: InvoiceLinks) -> Result<Option<ToldCreditNote>> {
    let Some(id) = queued_facts(email)["credit_note"].as_i64() else { return Ok(None) };
    let note = db.credit_note_by_id(CreditNoteId(id))?;
    let invoice = db.invoice_by_id(note.invoice_id)?;
    let link = links.to(&invoice);
    Ok(Some(ToldCreditNote { note, invoice, link }))
}

/// Fills an e-mail about a trial in. Returns why there is nothing to say, if so: the trial that was
/// to end has ended, or the one that ended goes on after all.
pub(super) fn trial_facts(
    db: &Db,
    email: &Email,
    config: &Config,
    act: &Act,
    content: &mut Content,
) -> Result<Option<&'static str>> {
    let Some(id) = queued_facts(email)["subscription"].as_i64() else {
        return Ok(Some("no subscription"));
    };
    let book = Book::new(db, act, config);
    let subscription = db.subscription(SubscriptionId(id))?;
    let Some(ends_on) = subscription.trial_ends_on else { return Ok(Some("no trial")) };
    let status = subscription.status_on(act.today, false);
    let cause = subscription.suspension.as_ref().map(|suspension| suspension.cause);
    let action = queued_facts(email)["action"].as_str().and_then(Action::from_word);
    let after = match (action, status) {
        (Some(Action::Remind), SubscriptionStatus::Trialing) if ends_on >= act.today => {
            match subscription.cancel_at_period_end {
                true => AfterTrial::Canceled,
                false if book.trial_converts(subscription.tenant_id)? => AfterTrial::Converted,
                false => AfterTrial::Suspended,
            }
        }
        (Some(Action::Convert), SubscriptionStatus::Active) => AfterTrial::Converted,
        (Some(Action::Suspend), SubscriptionStatus::Suspended)
            if cause == Some(SuspensionCause::Trial) =>
        {
            AfterTrial::Suspended
        }
        (Some(Action::Remind), _) => return Ok(Some("the trial is over, or was ended before")),
        _ => return Ok(Some("the subscription is not any more what the trial's end made it")),
    };
    let first_paid_on = book.paid_from(&subscription, ends_on)?.0;
    let terms = subscription.coming_terms();
    let terms = &terms.moved(first_paid_on).unwrap_or_else(|| terms.clone());
    let (plan, quantity) = sold(terms);
    content.trial = Some(Trial {
        plan,
        quantity,
        ends_on,
        first_paid_on,
        price: terms.amount()?,
        basis: terms.basis(),
        interval: terms.interval,
        after,
    });
    Ok(None)
}

/// The price that changes; `None` where the subscription has ended or will have by then.
fn price_change(db: &Db, email: &Email, act: &Act) -> Result<Option<PriceChange>> {
    let facts = queued_facts(email);
    let (id, plan) = (facts["subscription"].as_i64(), facts["plan"].as_i64());
    let from_on = facts["from_on"].as_str().and_then(|text| text.parse().ok());
    let currency = facts["currency"].as_str().and_then(|text| text.parse().ok());
    let (Some((id, plan)), Some((from_on, currency))) = (id.zip(plan), from_on.zip(currency))
    else {
        return Ok(None);
    };
    let subscription = db.subscription(SubscriptionId(id))?;
    let ended = subscription.status_on(act.today, false) == SubscriptionStatus::Canceled;
    if ended || subscription.ends_on.is_some_and(|on| on <= from_on) {
        return Ok(None);
    }
    let plan = db.plan_by_id(PlanId(plan))?;
    let amount = |name: &str| Money::from_minor(facts[name].as_i64().unwrap_or_default(), currency);
    Ok(Some(PriceChange {
        plan: plan.name,
        quantity: facts["quantity"].as_i64().unwrap_or(1),
        old: amount("old_minor"),
        new: amount("new_minor"),
        basis: plan.basis,
        interval: plan.interval,
        from_on,
    }))
}

/// What is sold, and how many of it: several items are said as one thing, each with its number.
fn sold(terms: &Terms) -> (String, i64) {
    let first = terms.first();
    let counted = |item: &Item| match item.quantity {
        1 => item.plan_name.clone(),
        count => format!("{count} × {}", item.plan_name),
    };
    let items: Vec<_> = terms.items.iter().map(counted).collect();
    match items.len() {
        1 => (first.plan_name.clone(), first.quantity),
        _ => (items.join(" + "), 1),
    }
}

/// Fills a dunning e-mail in: its stage is the highest that it tells of and that still holds, its
/// list is what is overdue now and does not rest. Returns why there is nothing to say, if so.
pub(super) fn dunning_facts(
    db: &Db,
    email: &Email,
    links: InvoiceLinks,
    policy: &Policy,
    act: &Act,
    content: &mut Content,
) -> Result<Option<&'static str>> {
    let tenant = links.tenant;
    let facts = db.dunning_facts(tenant.id, act.today)?;
    let chased = chased(&facts, policy, act.today);
    let told = db.steps_of_email(email.id)?;
    let Some(step) = still_true(&told, email, tenant, &chased) else {
        return Ok(Some("nothing that it tells of is still owed and unpaid"));
    };
    let stage = step.stage;
    content.template = Template::of_stage(stage);
    content.in_reply_to = db.email_before(email.id, step.invoice)?;
    content.declined = chased.iter().try_fold(false, |declined, invoice| {
        Ok::<_, Refusal>(declined || db.was_declined(invoice.id)?)
    })?;
    if stage == Stage::Suspension {
        content.suspended_on = Some(step.recorded_on);
    }
    list_overdue(content, &chased, act, links)?;
    if tenant.status == TenantStatus::Active {
        let told = chased.iter().filter(|invoice| invoice.stage == Some(stage));
        let next = told.filter_map(|invoice| upcoming(invoice, tenant, policy, act.today));
        content.next_letter_on = next.map(|step| step.on).min();
        let next = chased.iter().filter_map(|invoice| upcoming(invoice, tenant, policy, act.today));
        let suspensions = next.filter(|step| step.stage == Stage::Suspension);
        content.suspension_on = suspensions.map(|step| step.on).min();
    }
    Ok(None)
}

/// The highest stage that an e-mail tells of and that still holds, if one does.
pub(super) fn still_true<'a>(
    told: &'a [ToldStep],
    email: &Email,
    tenant: &Tenant,
    chased: &[&InvoiceFacts],
) -> Option<&'a ToldStep> {
    let suspended = tenant.suspension.as_ref().is_some_and(|s| s.cause == SuspensionCause::Overdue);
    let by_hand = is_sent_again_by_name(email);
    let stages: HashMap<_, _> = chased.iter().map(|invoice| (invoice.id, invoice.stage)).collect();
    let holds = |step: &&ToldStep| match step.stage {
        // The suspension itself is told, whichever of the overdue invoices keeps it up by now.
        Stage::Suspension => suspended && !chased.is_empty(),
        // What has come to a higher stage meanwhile is told by that stage's e-mail: nobody gets a
        // warning together with the suspension. One that a person sends again is sent.
        stage => {
            stages.get(&step.invoice).is_some_and(|reached| by_hand || *reached <= Some(stage))
        }
    };
    told.iter().filter(holds).max_by_key(|step| step.stage)
}

/// The overdue invoices that do not rest: what an e-mail lists.
pub(super) fn chased<'a>(
    facts: &'a TenantFacts,
    policy: &Policy,
    today: NaiveDate,
) -> Vec<&'a InvoiceFacts> {
    facts.invoices.iter().filter(|i| rest(i, policy, today, |_| {}).is_none()).collect()
}

/// Lists overdue invoices with what they come to. A sum that is larger than any amount is told to
/// nobody.
pub(super) fn list_overdue(
    content: &mut Content,
    invoices: &[&InvoiceFacts],
    act: &Act,
    links: InvoiceLinks,
) -> Result<()> {
    content.overdue = invoices.iter().map(|invoice| listed(invoice, act, links)).collect();
    let mut totals = Totals::default();
    for invoice in invoices {
        totals.add(invoice.amount_due)?;
    }
    content.totals = totals.iter().copied().collect();
    Ok(())
}

/// The next step of an invoice: where an e-mail is drawn up late, one whose day has come already.
pub(super) fn upcoming(
    invoice: &InvoiceFacts,
    tenant: &Tenant,
    policy: &Policy,
    today: NaiveDate,
) -> Option<NextStep> {
    let decided = decide_invoice(invoice, tenant.status, policy, today, |_| {});
    decided.next_step(today)
}

pub(super) fn listed(invoice: &InvoiceFacts, act: &Act, links: InvoiceLinks) -> ListedInvoice {
    ListedInvoice {
        number: invoice.number.clone(),
        issued_on: invoice.issued_on,
        due_on: invoice.due_on,
        days_overdue: invoice.age(act.today),
        total: invoice.total,
        amount_due: invoice.amount_due,
        link: links.to_open(invoice),
    }
}

/// The payment that an e-mail confirms; `None` where it was taken back.
pub(super) fn confirmed_payment(
    db: &Db,
    email: &Email,
    locale: Locale,
    links: InvoiceLinks,
) -> Result<Option<ConfirmedPayment>> {
    let Some(id) = queued_facts(email)["transaction"].as_i64() else { return Ok(None) };
    let payment = db.transaction(TransactionId(id))?;
    let parts = match payment.part_of {
        Some(first) => db.parts_of(first)?,
        None => vec![payment.clone()],
    };
    let came = |part: &&Transaction| part.status == TransactionStatus::Succeeded;
    let parts: Vec<&Transaction> = parts.iter().filter(came).collect();
    let Some(paid_on) = parts.first().and_then(|part| part.paid_on) else { return Ok(None) };
    let nothing = Money::zero(payment.amount.currency());
    let (mut amount, mut to_credit, mut paid) = (nothing, nothing, Vec::new());
    for part in parts {
        amount = amount.plus(part.amount)?;
        match part.invoice_id {
            Some(id) => {
                let invoice = db.invoice_by_id(id)?;
                let link = links.to(&invoice);
                let (number, remaining) = (invoice.number, invoice.due);
                paid.push(PaidInvoice { number, amount: part.amount, remaining, link });
            }
            None => to_credit = to_credit.plus(part.amount)?,
        }
    }
    Ok(Some(ConfirmedPayment {
        amount,
        paid_on,
        method: payment.method.and_then(|method| match payment.kind {
            TransactionKind::Charge | TransactionKind::Checkout => wording::method(&method, locale),
            TransactionKind::Payment | TransactionKind::Refund => {
                Some(wording::paid_by(&method, locale).map_or(method, str::to_owned))
            }
        }),
        reference: payment.reference,
        paid,
        to_credit,
    }))
}

/// The charge of an invoice that is on its way, if there is one: the money may be taken already.
pub(super) fn collecting(
    db: &Db,
    invoice: InvoiceId,
    locale: Locale,
) -> Result<Option<Collecting>> {
    let Some(id) = db.live_charge(invoice)? else { return Ok(None) };
    let method = db.charge_series(id)?.last_attempt.method;
    let method = method.map(|id| db.payment_method(id)).transpose()?;
    let method = method.and_then(|method| method_in_words(method, locale));
    Ok(Some(Collecting { method }))
}

/// What a payment method is called, or its kind.
pub(super) fn method_in_words(method: PaymentMethod, locale: Locale) -> Option<String> {
    method.label.or_else(|| wording::method(method.kind.word(), locale))
}

/// What a charge came to that was declined; `None` where the invoice is settled by now, or a later
/// attempt has not failed.
pub(super) fn failed_payment(
    db: &Db,
    email: &Email,
    config: &Config,
    act: &Act,
    links: InvoiceLinks,
) -> Result<Option<FailedPayment>> {
    let Some(id) = queued_facts(email)["transaction"].as_i64() else { return Ok(None) };
    let series = db.charge_series(TransactionId(id))?;
    let invoice = db.invoice_by_id(series.invoice)?;
    let open = invoice.status == InvoiceStatus::Open;
    if !open || series.status != TransactionStatus::Failed {
        return Ok(None);
    }
    let tried_again = series.is_tried_again && series.facts.last != LastAttempt::DeclinedForGood;
    // The next run that finds the least interval between two attempts over.
    let ready = match decide_retry(&series.facts, &config.retry_policy(), act.now, act.today) {
        Retry::Wait { until, .. } => until,
        Retry::Now => Some(act.now),
        Retry::Exhausted { .. } | Retry::Over { .. } => None,
    };
    let run = Task::RetryFailedPayments.schedule();
    let tried_again_on = ready
        .filter(|_| tried_again)
        .map(|ready| run.next(&ready.with_timezone(&config.timezone)).date_naive());
    let method = series.last_attempt.method.map(|id| db.payment_method(id)).transpose()?;
    Ok(Some(FailedPayment {
        amount: series.last_attempt.amount,
        link: links.to(&invoice),
        invoice: invoice.number,
        due_on: invoice.due_on,
        method: method.and_then(|method| method_in_words(method, links.tenant.locale)),
        code: series.failure_code,
        tried_again,
        tried_again_on,
    }))
}
