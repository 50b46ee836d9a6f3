//! An e-mail's facts as its templates see them, and made-up ones to show an e-mail by.

use chrono::NaiveDate;
use minijinja::{Value, context};

use super::super::wording;
use super::credit_note;
use super::filters::{amount, day, unit_price, unless_zero};
use super::parties::{company_facts, party_facts, some};
use crate::domain::calendar::plus_days;
use crate::domain::credit_note::{CreditNote, CreditReason, NoteLine, RefundStatus, Split};
use crate::domain::email::{ByLanguage, Locale};
use crate::domain::invoice::{Amounts, Invoice, InvoiceStatus, Line, Origin, Purpose, add_up};
use crate::domain::labels;
use crate::domain::legal::LegalNotes;
use crate::domain::party::Party;
use crate::domain::plan::{Interval, IntervalUnit};
use crate::domain::stage::Stage;
use crate::domain::subscription::Collection;
use crate::domain::tax::{self, OwnTax, SellerTax, TaxBasis, Taxed, Treatment};
use crate::domain::template::{
    AfterTrial, Collecting, Company, ConfirmedPayment, Content, FailedPayment, ListedInvoice,
    NewEmail, PaidInvoice, PriceChange, SentLink, Template, ToldCreditNote, Trial, Variant,
};
use crate::domain::trial::first_paid_day;
use crate::domain::{CreditNoteId, Currency, InvoiceId, Money, Refusal, Result, TenantId};
use crate::mail::Undeliverable;

/// The longest list of invoices in an e-mail: a customer with 9 300 of them got 6.5 MB.
const LISTED: usize = 100;

fn count(number: usize, locale: Locale) -> String {
    wording::unbroken(&wording::number(&number.to_string(), locale))
}

/// What a template may fill in: `locale`, `company`, `tenant`, `suspended`, `declined`, `today`, `overdue`
/// (the newest hundred, oldest first), `overdue_count` (of all of them), `overdue_more` (how many
/// older ones are not listed), `totals`, `suspension_on`, `suspended_on`, `next_letter_on`, `comes_back`, `paid`, `invoice`
/// (whole in `invoice`; its `number` and `link` in the others that speak of one), `pays_online`,
/// `credit_note`, `attached` (whether its PDF goes with the e-mail), `payment`, `failure`, `trial`, `price_change`, `portal_link` and `new_email`. Every key is always there. A text that is not there, or empty, is `none`;
/// so are a discount, a tax and a sum paid or due of zero.
///
/// `trial` has `plan`, `quantity`, `ends_on` (the last free day), `first_paid_on`,
/// `price` (of a whole interval for that quantity), `interval` (`per month`), `after` (`suspended`,
/// `converted` or `canceled`) and `last_day_is_today`.
///
/// # Errors
/// [`Undeliverable::Template`] for an e-mail without the invoice, payment or trial that it tells of.
pub fn of(content: &Content) -> Result<Value> {
    let locale = content.locale;
    let missing = |what: &str| {
        Err(Refusal::from(Undeliverable::Template {
            name: content.template.word().to_owned(),
            message: format!("the e-mail has no {what} to tell of"),
        }))
    };
    match content.template {
        Template::Invoice if content.invoice.is_none() => return missing("invoice"),
        Template::CreditNote if content.credit_note.is_none() => return missing("credit note"),
        Template::PaymentReceived if content.payment.is_none() => return missing("payment"),
        Template::PaymentFailed if content.failure.is_none() => return missing("failed payment"),
        Template::TrialEnding | Template::TrialEnded if content.trial.is_none() => {
            return missing("trial");
        }
        Template::PriceChange if content.price_change.is_none() => return missing("price"),
        Template::PortalLink if content.portal_link.is_none() => return missing("link"),
        Template::EmailConfirm if content.confirming().is_none() => return missing("link"),
        Template::EmailChanged if content.new_email.is_none() => return missing("address"),
        _ => {}
    }
    let invoice = content.invoice.as_ref().map(|invoice| invoice_facts(invoice, content));
    let credit_note = content.credit_note.as_ref().map(|told| credit_note::facts(told, content));
    let left_out = content.overdue.len().saturating_sub(LISTED);
    let totals: Vec<Value> = content.totals.iter().map(|total| amount(*total, locale)).collect();
    let listed = content.overdue.iter().skip(left_out);
    let overdue: Vec<Value> = listed.map(|listed| listed_facts(listed, locale)).collect();
    Ok(context! {
        locale => locale.word(),
        company => company_facts(&content.company, locale),
        tenant => content.tenant_name.as_str(),
        suspended => content.tenant_suspended,
        declined => content.declined,
        today => day(content.today, locale),
        overdue => overdue,
        overdue_count => count(content.overdue.len(), locale),
        overdue_more => (left_out > 0).then(|| count(left_out, locale)),
        totals => totals,
        suspension_on => content.suspension_on.map(|date| day(date, locale)),
        suspended_on => day(content.suspended_on.unwrap_or(content.today), locale),
        suspended_today => content.suspended_on.unwrap_or(content.today) == content.today,
        next_letter_on => content.next_letter_on.map(|date| day(date, locale)),
        comes_back => content.comes_back,
        paid => content.paid,
        invoice => invoice.or_else(|| one_invoice(content)),
        credit_note => credit_note,
        pays_online => content.pays_online,
        attached => content.attached,
        labels => label_facts(content),
        payment => content.payment.as_ref().map(|payment| payment_facts(payment, locale)),
        failure => content.failure.as_ref().map(|failure| failure_facts(failure, content)),
        trial => content.trial.as_ref().map(|trial| trial_facts(trial, content)),
        price_change => content.price_change.as_ref().map(|change| price_change(change, locale)),
        portal_link => content.portal_link.as_ref().map(link_facts),
        new_email => content.new_email.as_ref().map(|new| context! {
            address => new.address.as_str(),
            ..new.link.as_ref().map_or_else(no_link, link_facts)
        }),
    })
}

/// The invoice that an e-mail speaks of and does not carry whole: of several, the one that is to be paid
/// first.
fn one_invoice(content: &Content) -> Option<Value> {
    let listed = || content.overdue.first().map(|listed| (&listed.number, &listed.link));
    let paid = || {
        // The money ran out on the last of them.
        let paid = content.payment.as_ref().and_then(|payment| payment.paid.last());
        paid.map(|one| (&one.number, &one.link))
    };
    let failed = || content.failure.as_ref().map(|failure| (&failure.invoice, &failure.link));
    let noted = || content.credit_note.as_ref().map(|told| (&told.note.invoice, &told.link));
    let (number, link) = listed().or_else(paid).or_else(failed).or_else(noted)?;
    Some(context! { number => number.as_str(), link => some(link.as_ref()) })
}

fn link_facts(link: &SentLink) -> Value {
    context! { link => link.url.as_str(), hours => link.hours }
}

fn no_link() -> Value {
    context! { link => (), hours => () }
}

fn listed_facts(listed: &ListedInvoice, locale: Locale) -> Value {
    context! {
        number => listed.number.as_str(),
        issued_on => day(listed.issued_on, locale),
        due_on => day(listed.due_on, locale),
        days_overdue => listed.days_overdue,
        late => wording::days(listed.days_overdue, locale),
        total => amount(listed.total, locale),
        amount_due => amount(listed.amount_due, locale),
        link => some(listed.link.as_ref()),
    }
}

fn payment_facts(payment: &ConfirmedPayment, locale: Locale) -> Value {
    let numbers: Vec<&str> = payment.paid.iter().map(|one| one.number.as_str()).collect();
    let of_one = |one: &PaidInvoice| {
        context! {
            number => one.number.as_str(),
            amount => amount(one.amount, locale),
            remaining => unless_zero(one.remaining, locale),
            link => some(one.link.as_ref()),
        }
    };
    let invoices: Vec<Value> = payment.paid.iter().map(of_one).collect();
    // The money ran out on the last of them.
    let open = payment.paid.last();
    context! {
        amount => amount(payment.amount, locale),
        paid_on => day(payment.paid_on, locale),
        method => some(payment.method.as_ref()),
        reference => some(payment.reference.as_ref()),
        invoice => some((!numbers.is_empty()).then(|| numbers.join(", ")).as_ref()),
        several => numbers.len() > 1,
        invoices => invoices,
        remaining => open.and_then(|one| unless_zero(one.remaining, locale)),
        remaining_on => some(open.map(|one| &one.number)),
        to_credit => unless_zero(payment.to_credit, locale),
    }
}

fn failure_facts(failure: &FailedPayment, content: &Content) -> Value {
    let locale = content.locale;
    context! {
        amount => amount(failure.amount, locale),
        invoice => failure.invoice.as_str(),
        due_on => day(failure.due_on, locale),
        overdue => failure.due_on < content.today,
        method => some(failure.method.as_ref()),
        reason => failure.code.as_deref().and_then(|code| wording::decline(code, locale)),
        tried_again_on => failure.tried_again_on.map(|date| day(date, locale)),
        tried_again => failure.tried_again,
    }
}

fn trial_facts(trial: &Trial, content: &Content) -> Value {
    let locale = content.locale;
    context! {
        plan => trial.plan.as_str(),
        quantity => trial.quantity,
        ends_on => day(trial.ends_on, locale),
        first_paid_on => day(trial.first_paid_on, locale),
        price => amount(trial.price, locale),
        tax_inclusive => trial.basis.is_inclusive(),
        interval => wording::interval(trial.interval, locale),
        after => match trial.after {
            AfterTrial::Suspended => "suspended",
            AfterTrial::Converted => "converted",
            AfterTrial::Canceled => "canceled",
        },
        last_day_is_today => trial.ends_on == content.today,
    }
}

fn price_change(change: &PriceChange, locale: Locale) -> Value {
    context! {
        plan => change.plan.as_str(),
        quantity => change.quantity,
        old => amount(change.old, locale),
        new => amount(change.new, locale),
        tax_inclusive => change.basis.is_inclusive(),
        interval => wording::interval(change.interval, locale),
        from_on => day(change.from_on, locale),
    }
}

fn invoice_facts(invoice: &Invoice, content: &Content) -> Value {
    let locale = content.locale;
    let (seller, buyer) = (&content.seller, &content.buyer);
    let lines = invoice.lines.iter().map(|line| line_facts(line, invoice, locale));
    let lines: Vec<Value> = lines.collect();
    context! {
        number => invoice.number.as_str(),
        issued_on => day(invoice.issued_on, locale),
        due_on => day(invoice.due_on, locale),
        period => invoice.period.map(|period| wording::period(period, locale)),
        seller => party_facts(seller, locale),
        buyer => party_facts(buyer, locale),
        lines => lines,
        subtotal => amount(invoice.subtotal, locale),
        discount => unless_zero(invoice.discount, locale),
        net => amount(invoice.amounts().net(), locale),
        tax_inclusive => taxed_on(invoice).is_some_and(TaxBasis::is_inclusive),
        coupon => some(invoice.coupon.as_ref()),
        tax_rate => wording::unbroken(&wording::percent(&invoice.tax_rate.normalize().to_string(), locale)),
        tax => taxed_on(invoice).map(|_| amount(invoice.tax, locale)),
        tax_reason => some(invoice.tax_reason.as_ref())
            .map(|reason| wording::typographic(reason, locale)),
        legal_notes => legal_notes(content)
            .map(|notes| wording::typographic(&notes, locale)),
        total => amount(invoice.total, locale),
        paid => unless_zero(invoice.paid, locale),
        credit_applied => unless_zero(invoice.credit_applied, locale),
        credited => unless_zero(invoice.credited, locale),
        amount_due => unless_zero(invoice.due, locale),
        link => some(content.link.as_ref()),
        collecting => content.collecting.is_some(),
        collecting_by => content.collecting.as_ref().and_then(|c| some(c.method.as_ref())),
    }
}

/// What the seller wrote for its invoices, else what the law of its country wants.
fn legal_notes(content: &Content) -> Option<String> {
    let (country, kind) = (content.seller.country.as_deref(), content.buyer.kind);
    LegalNotes::on_invoice(content.legal_notes.as_ref(), country, kind, content.locale).lines()
}

/// The basis of an invoice that is taxed.
fn taxed_on(invoice: &Invoice) -> Option<TaxBasis> {
    tax::is_taxed(invoice.tax_rate, invoice.tax).then_some(invoice.tax_basis)
}

/// What the sums of the invoice or credit note are called where its seller is; one of before the
/// config named a country is where the seller is now.
fn label_facts(content: &Content) -> Option<Value> {
    if let Some(told) = &content.credit_note {
        return Some(credit_note::label_facts(told, content));
    }
    let invoice = content.invoice.as_ref()?;
    let seller = &content.seller;
    let (locale, taxed) = (content.locale, taxed_on(invoice));
    let sums = labels::sums(seller.country.as_deref(), locale, invoice.tax_rate, taxed);
    Some(context! {
        subtotal => sums.subtotal,
        net => sums.net,
        tax => sums.tax,
        total => sums.total,
        due => sums.due,
    })
}

fn line_facts(line: &Line, invoice: &Invoice, locale: Locale) -> Value {
    let currency = line.amount.currency();
    // The period that the invoice names above is not named again.
    let period = line.period.filter(|period| Some(*period) != invoice.period);
    context! {
        description => wording::typographic(&line.description, locale),
        quantity => match line.count() {
            Some(count) => Value::from(count),
            None => Value::from(wording::number(&line.quantity.normalize().to_string(), locale)),
        },
        unit_price => line.unit_price.map(|exact| unit_price(exact, currency, locale)),
        amount => amount(line.amount, locale),
        period => period.map(|period| wording::period(period, locale)),
    }
}

/// What a made-up e-mail is made of.
#[derive(Debug, Clone, Copy)]
pub struct Example<'a> {
    pub template: Template,
    pub locale: Locale,
    /// The case that it is of; `None`: the one that is met most.
    pub variant: Option<Variant>,
    pub company: &'a Company,
    pub currency: Currency,
    pub today: NaiveDate,
    /// How customers are taxed of whom nothing else is said, and whether prices are with tax.
    pub tax: SellerTax<'a>,
    pub basis: TaxBasis,
    pub legal_notes: Option<&'a ByLanguage>,
    /// From the issue of an invoice to its due date.
    pub net_days: i64,
    /// Whether documents go with e-mails.
    pub attached: bool,
    pub portal: Option<ExamplePortal<'a>>,
}

/// The portal that the links of a made-up e-mail lead to.
#[derive(Debug, Clone, Copy)]
pub struct ExamplePortal<'a> {
    pub base_url: &'a str,
    /// Whether customers may pay there.
    pub pays: bool,
}

/// An e-mail of made-up facts, as `email preview` shows it: two invoices, one of them partly paid,
/// or a trial that access does not outlast, of a customer that is plainly an example.
pub fn sample(example: &Example) -> Content {
    let Example { template, locale, variant, company, currency, today, .. } = *example;
    let tenant_name = match locale {
        Locale::Fr => "Atelier Exemple",
        Locale::En => "Example Workshop",
    };
    let invoice = sample_invoice(example);
    let link = sample_link(example);
    let overdue = match template.stage() {
        Some(stage) => sample_overdue(&invoice, stage, example),
        None => Vec::new(),
    };
    let owed = overdue.iter().map(|listed| listed.amount_due.minor()).sum();
    let totals = if overdue.is_empty() { vec![] } else { vec![Money::from_minor(owed, currency)] };
    let suspended = variant == Some(Variant::Suspended)
        || matches!(template, Template::Suspension | Template::TrialEnded);
    Content {
        template,
        locale,
        company: company.clone(),
        legal_notes: example.legal_notes.cloned(),
        tenant_name: tenant_name.to_owned(),
        tenant_suspended: suspended,
        declined: variant == Some(Variant::Declined),
        today,
        overdue,
        totals,
        suspension_on: (template == Template::Warning).then(|| plus_days(today, 7)),
        suspended_on: (template == Template::Suspension).then_some(today),
        next_letter_on: match template {
            _ if suspended => None,
            Template::Friendly => Some(plus_days(today, 4)),
            Template::Urgent => Some(plus_days(today, 8)),
            _ => None,
        },
        in_reply_to: None,
        trial: sample_trial(example),
        price_change: (template == Template::PriceChange).then(|| PriceChange {
            plan: sample_plan(locale).to_owned(),
            quantity: 1,
            old: sample_price(currency),
            new: Money::from_minor(sample_price(currency).minor() / 100 * 110, currency),
            basis: example.basis,
            interval: Interval { unit: IntervalUnit::Month, count: 1 },
            from_on: plus_days(today, 30),
        }),
        portal_link: (template == Template::PortalLink).then(|| sample_sent(example, 12)),
        new_email: sample_new_email(example),
        comes_back: true,
        paid: true,
        collecting: (variant == Some(Variant::Pending))
            .then(|| Collecting { method: Some("Wave".into()) }),
        failure: (template == Template::PaymentFailed).then(|| FailedPayment {
            amount: invoice.total,
            invoice: invoice.number.clone(),
            due_on: invoice.due_on,
            method: Some(match locale {
                Locale::Fr => "carte •••• 0042".into(),
                Locale::En => "card •••• 0042".into(),
            }),
            code: Some(match variant {
                Some(Variant::Declined) => "expired_card".into(),
                _ => "insufficient_funds".into(),
            }),
            tried_again: variant != Some(Variant::Declined),
            tried_again_on: (variant != Some(Variant::Declined)).then(|| plus_days(today, 1)),
            link: link.clone(),
        }),
        payment: (template == Template::PaymentReceived).then(|| ConfirmedPayment {
            amount: invoice.total,
            paid_on: today,
            method: wording::paid_by("transfer", locale).map(str::to_owned),
            reference: Some("REF-0007".into()),
            paid: vec![PaidInvoice {
                number: invoice.number.clone(),
                amount: invoice.total,
                remaining: Money::zero(currency),
                link: link.clone(),
            }],
            to_credit: Money::zero(currency),
        }),
        credit_note: (template == Template::CreditNote)
            .then(|| sample_credit_note(&invoice, today, link.clone())),
        invoice: (template == Template::Invoice).then_some(invoice),
        link,
        pays_online: example.portal.is_some_and(|portal| portal.pays),
        attached: example.attached && matches!(template, Template::Invoice | Template::CreditNote),
        seller: company.party(),
        buyer: Party {
            name: Some(tenant_name.to_owned()),
            email: Some("billing@example.com".to_owned()),
            ..Party::default()
        },
    }
}

/// A credit note over the second line of the made-up invoice, which was not paid yet.
fn sample_credit_note(invoice: &Invoice, today: NaiveDate, link: Option<String>) -> ToldCreditNote {
    let line = invoice.lines.last().map_or(Money::zero(invoice.total.currency()), |l| l.amount);
    #[expect(clippy::expect_used, reason = "a line of the example")]
    let Taxed { net, tax, total } =
        invoice.tax_basis.take_apart(line, invoice.tax_rate).expect("a small amount");
    let zero = Money::zero(line.currency());
    let description = invoice.lines.last().map(|l| l.description.clone()).unwrap_or_default();
    let note = CreditNote {
        id: CreditNoteId(0),
        number: invoice.number.replace("0042", "0007"),
        tenant_id: invoice.tenant_id,
        tenant: invoice.tenant.clone(),
        invoice_id: invoice.id,
        invoice: invoice.number.clone(),
        subscription: None,
        reason: CreditReason::Correction,
        memo: None,
        amounts: Amounts { subtotal: line, discount: zero, tax, total },
        basis: invoice.tax_basis,
        tax_rate: invoice.tax_rate,
        split: Split { reduces_due: total, to_credit: zero, refunded: zero, outside: zero },
        lost: zero,
        refund_status: RefundStatus::None,
        issued_on: today,
        seller: invoice.seller.clone(),
        buyer: invoice.buyer.clone(),
        created_at: String::new(),
        lines: vec![NoteLine { line: 2, description, amount: line, discount: zero, net }],
    };
    let due = Money::from_minor(invoice.due.minor() - total.minor(), line.currency());
    let invoice = Invoice { due, credited: total, ..invoice.clone() };
    ToldCreditNote { note, invoice, link }
}

/// A trial of the plan that the made-up invoice bills: three days ahead of its end, or a day after.
fn sample_trial(example: &Example) -> Option<Trial> {
    let (locale, currency, today) = (example.locale, example.currency, example.today);
    let ends_on = match example.template {
        Template::TrialEnding => plus_days(today, 3),
        Template::TrialEnded => plus_days(today, -1),
        _ => return None,
    };
    Some(Trial {
        plan: sample_plan(locale).to_owned(),
        quantity: 1,
        ends_on,
        first_paid_on: first_paid_day(ends_on),
        price: sample_price(currency),
        basis: example.basis,
        interval: Interval { unit: IntervalUnit::Month, count: 1 },
        after: match example.variant {
            Some(Variant::Converted) => AfterTrial::Converted,
            Some(Variant::Canceled) => AfterTrial::Canceled,
            _ => AfterTrial::Suspended,
        },
    })
}

fn sample_plan(locale: Locale) -> &'static str {
    match locale {
        Locale::Fr => "Abonnement Pro (exemple)",
        Locale::En => "Pro plan (example)",
    }
}

/// 15,000 where the currency has no decimals, 49.90 where it has.
fn sample_price(currency: Currency) -> Money {
    let minor = match currency.decimals() {
        0 => 15_000,
        decimals => 499 * 10_i64.pow(decimals - 1),
    };
    Money::from_minor(minor, currency)
}

/// Where a link would lead; nothing is shown there.
fn sample_link(example: &Example) -> Option<String> {
    example.portal.map(|portal| format!("{}/in/EXAMPLE", portal.base_url))
}

/// These e-mails are sent from a portal alone, so that they have a link in any case.
fn sample_sent(example: &Example, hours: i64) -> SentLink {
    let url = sample_link(example);
    SentLink { url: url.unwrap_or_else(|| "https://billing.example.com/in/EXAMPLE".into()), hours }
}

fn sample_new_email(example: &Example) -> Option<NewEmail> {
    let link = match example.template {
        Template::EmailConfirm => Some(sample_sent(example, 24)),
        Template::EmailChanged => None,
        _ => return None,
    };
    Some(NewEmail { address: "accounts@example.com".to_owned(), link })
}

fn sample_overdue(latest: &Invoice, stage: Stage, example: &Example) -> Vec<ListedInvoice> {
    let (today, net_days) = (example.today, example.net_days);
    let oldest = match stage {
        Stage::Friendly => 3,
        Stage::Urgent => 10,
        Stage::Warning => 20,
        Stage::Suspension => 30,
    };
    let listed = |number: &str, days_overdue: i64, amount_due: i64| ListedInvoice {
        number: number.to_owned(),
        issued_on: plus_days(today, -days_overdue - net_days),
        due_on: plus_days(today, -days_overdue),
        days_overdue,
        total: latest.total,
        amount_due: Money::from_minor(amount_due, latest.total.currency()),
        link: sample_link(example),
    };
    let whole = latest.total.minor();
    vec![
        listed(&latest.number.replace("42", "41"), oldest, whole - whole / 3),
        listed(&latest.number, 1, whole),
    ]
}

fn sample_invoice(example: &Example) -> Invoice {
    let Example { locale, currency, today, basis, .. } = *example;
    let Treatment { category, rate, reason } = example.tax.treat(&OwnTax::default(), None, locale);
    let (mark, seats) = match locale {
        Locale::Fr => ("EXEMPLE", "Utilisateurs supplémentaires"),
        Locale::En => ("EXAMPLE", "Additional users"),
    };
    let price = sample_price(currency);
    let period = Some((today, plus_days(today, 30)));
    let lines = vec![
        Line { period, ..Line::single(sample_plan(locale).to_owned(), price) },
        Line {
            quantity: 2.into(),
            unit_price: Some(price.exact()),
            ..Line::single(seats.to_owned(), Money::from_minor(2 * price.minor(), currency))
        },
    ];
    #[expect(clippy::expect_used, reason = "two small amounts of one currency add up")]
    let sums = add_up(&lines, basis, rate).expect("the example's amounts are small");
    Invoice {
        id: InvoiceId(0),
        number: format!("{mark}-0042"),
        origin: Origin::Issued,
        tenant_id: TenantId(0),
        tenant: "example".into(),
        subscription_id: None,
        purpose: Purpose::Single,
        collection: Collection::Invoice,
        status: InvoiceStatus::Open,
        subtotal: sums.subtotal,
        discount: sums.discount,
        tax_basis: basis,
        tax_rate: rate,
        tax_category: Some(category),
        tax_reason: reason,
        tax: sums.tax,
        total: sums.total,
        due: sums.total,
        paid: Money::zero(currency),
        credit_applied: Money::zero(currency),
        credit_at_issue: Money::zero(currency),
        credited: Money::zero(currency),
        credit_notes_total: Money::zero(currency),
        refunded: Money::zero(currency),
        paid_elsewhere: Money::zero(currency),
        coupon: None,
        issued_on: today,
        due_on: plus_days(today, example.net_days),
        paid_on: None,
        period,
        billed_until: None,
        closed_reason: None,
        stage: None,
        warned_on: None,
        promised_until: None,
        promise_note: None,
        disputed_at: None,
        dispute_note: None,
        seller: String::new(),
        buyer: String::new(),
        created_at: String::new(),
        updated_at: String::new(),
        lines,
    }
}
