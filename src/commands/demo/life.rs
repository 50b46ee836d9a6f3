//! What happens on a day of a demo.

use std::path::Path;

use chrono::NaiveDate;

use super::minds::change_minds;
use super::{Demo, PAST_DAYS};
use crate::books::issue::{Issuer, NewIssue};
use crate::books::redeem::Asked;
use crate::books::subscribe::NewStart;
use crate::books::{Book, Crediting, Notify, PaymentTerms};
use crate::clock::Clock;
use crate::domain::calendar::plus_days;
use crate::domain::coupon::{self, OnPlan};
use crate::domain::credit_note::{AskedSplit, CreditReason, Credited, Part};
use crate::domain::invoice::{InvoiceStatus, Line};
use crate::domain::payment_method::{NewPaymentMethod, PaymentMethodKind};
use crate::domain::period::Anchor;
use crate::domain::plan::Plan;
use crate::domain::schedule::Task;
use crate::domain::subscription::Collection;
use crate::domain::tenant::{Tenant, TenantStatus};
use crate::domain::transaction::NewPayment;
use crate::domain::{Act, Money, Refusal, Result};
use crate::gateway::Gateway;
use crate::mail::Transport;
use crate::store::InvoiceFilter;
use crate::tasks::{self, Given, Options, Report};

/// What will happen on a day.
pub(super) enum Deed {
    Invoice {
        tenant: String,
        amount: Money,
        description: &'static str,
        /// The coupon that the tenant asks for, which may refuse it.
        coupon: Option<&'static str>,
    },
    Subscribe {
        tenant: String,
        plan: &'static str,
        coupon: Option<&'static str>,
        /// The token of the card that is charged for it.
        card: Option<&'static str>,
    },
    SavePaymentMethod {
        tenant: String,
    },
    /// The tenant pays the oldest of its open invoices.
    Pay {
        tenant: String,
    },
    /// The tenant gets a part of what it paid last as credit, or back by the gateway.
    Complain {
        tenant: String,
        back: bool,
    },
    /// Some change their subscriptions in the middle of a period.
    ChangeMinds,
}

pub(super) fn do_deed(issuer: &Issuer, deed: &Deed) -> Result<()> {
    let book = &issuer.book;
    let Book { db, act, .. } = *book;
    match deed {
        Deed::Invoice { tenant, amount, description, coupon } => {
            let tenant = db.tenant(tenant)?;
            let asked = Asked { tenant: tenant.id, bought: Vec::new(), amount: *amount };
            let redemption = match coupon {
                Some(code) if may_use(book, code, &asked)? => {
                    Some(book.redeem_for_new_invoice(code, &tenant, *amount, "{}")?)
                }
                _ => None,
            };
            let lines = [Line::single((*description).to_owned(), *amount)];
            let new = NewIssue {
                redemption: redemption.as_ref(),
                send: true,
                ..NewIssue::single(&tenant, &lines, act.today)
            };
            issuer.issue(&new)?;
        }
        Deed::Subscribe { tenant, plan, coupon, card } => {
            let (tenant, plan) = (db.tenant(tenant)?, db.plan(plan)?);
            // Nobody sells to a customer whose access is suspended.
            if tenant.status == TenantStatus::Active {
                let mut start = new_start(&tenant, &plan, act.today);
                if let Some(token) = card {
                    save(book, &tenant, PaymentMethodKind::Card, token, "Carte 42")?;
                    start.collection = Collection::Automatic;
                }
                let id = book.begin_subscription(&start)?;
                let amount = plan.price.amount(start.quantity)?;
                let bought = vec![(OnPlan::of(&plan), amount)];
                let asked = Asked { tenant: tenant.id, bought, amount };
                if let Some(code) = coupon
                    && may_use(book, code, &asked)?
                {
                    book.redeem_for_subscription(code, &db.subscription(id)?, "{}")?;
                }
                book.bill_first(id)?;
            }
        }
        Deed::SavePaymentMethod { tenant } => {
            save(book, &db.tenant(tenant)?, PaymentMethodKind::MobileMoney, "tok_ok", "Wave")?;
        }
        Deed::ChangeMinds => change_minds(book)?,
        Deed::Pay { tenant } => pay_oldest(book, tenant)?,
        Deed::Complain { tenant, back } => credit_newest(book, tenant, *back)?,
    }
    Ok(())
}

/// Saves a payment method as the tenant's default.
pub(super) fn save(
    book: &Book,
    tenant: &Tenant,
    kind: PaymentMethodKind,
    token: &str,
    label: &str,
) -> Result<()> {
    let (token, label) = (token.to_owned(), Some(label.to_owned()));
    let new = NewPaymentMethod { kind, token, label, is_default: true };
    book.add_payment_method(tenant, &new).map(drop)
}

/// Whether a tenant may use a coupon; that it asked is counted.
pub(super) fn may_use(book: &Book, code: &str, asked: &Asked) -> Result<bool> {
    Ok(coupon::reasons(&book.validate_coupon(code, asked)?.verdicts).is_empty())
}

pub(super) fn new_start<'a>(tenant: &'a Tenant, plan: &'a Plan, start: NaiveDate) -> NewStart<'a> {
    NewStart {
        tenant,
        plan,
        start,
        trial_days: None,
        anchor: Anchor::Calendar,
        quantity: 1,
        others: &[],
        collection: Collection::Invoice,
    }
}

pub(super) fn pay_oldest(book: &Book, tenant: &str) -> Result<()> {
    let tenant = book.db.tenant(tenant)?;
    let filter = InvoiceFilter {
        tenant: Some(tenant.id),
        status: Some(InvoiceStatus::Open),
        ..InvoiceFilter::default()
    };
    let mut oldest = None;
    book.db.each_invoice(&filter, |invoice| {
        oldest.get_or_insert(invoice);
        Ok(())
    })?;
    let Some(invoice) = oldest else { return Ok(()) };
    let payment = NewPayment {
        amount: invoice.due,
        paid_on: book.act.today,
        method: Some("mobile_money".to_owned()),
        reference: Some(format!("MM-{}", invoice.number)),
    };
    book.pay(&invoice, &payment, PaymentTerms::strict(Notify::Customer))?;
    Ok(())
}

/// Credits a quarter of what a tenant paid last, or, where it goes `back` and a gateway took it, half of
/// it; the run of the next night asks the gateway.
fn credit_newest(book: &Book, tenant: &str, back: bool) -> Result<()> {
    let tenant = book.db.tenant(tenant)?;
    let filter = InvoiceFilter {
        tenant: Some(tenant.id),
        status: Some(InvoiceStatus::Paid),
        ..InvoiceFilter::default()
    };
    let mut newest = None;
    book.db.each_invoice(&filter, |invoice| {
        newest = Some(invoice).filter(|invoice| !invoice.paid.is_zero()).or(newest.take());
        Ok(())
    })?;
    let Some(invoice) = newest else { return Ok(()) };
    let amount = invoice.paid.share(1, if back { 2 } else { 4 })?;
    let refund = back.then_some(Part::Rest);
    let new = Crediting {
        credited: Credited::Amount(amount),
        split: AskedSplit { refund, ..AskedSplit::default() },
        reason: if back { CreditReason::Cancellation } else { CreditReason::Goodwill },
        memo: (!back).then_some("panne du 3"),
        reference: None,
        issued_on: book.act.today,
        notify: Notify::Customer,
    };
    match book.credit(&invoice, &new) {
        // It was paid by hand, or is credited already.
        Err(Refusal::RefundAbovePaid { .. } | Refusal::NothingToCredit { .. }) => Ok(()),
        done => done.map(drop),
    }
}

impl Demo<'_> {
    /// Lives through the days before today: the runs of the night, what people do, the run of the
    /// morning.
    pub(super) fn past(&mut self, mut progress: impl FnMut(u64)) -> Result<()> {
        for back in (1..=PAST_DAYS).rev() {
            let day = plus_days(self.today, -back);
            let clock = Clock::new(Some(&day.to_string()), self.config.timezone)?;
            self.run(&clock, Task::GenerateRecurringInvoices, &Transport::Nowhere)?;
            self.run(&clock, Task::RetryFailedPayments, &Transport::Nowhere)?;
            self.run(&clock, Task::CleanupExpiredTrials, &Transport::Nowhere)?;
            self.live(&clock.act("demo"))?;
            self.run(&clock, Task::CheckOverdue, &Transport::Nowhere)?;
            progress((PAST_DAYS - back) as u64);
        }
        Ok(())
    }

    pub(super) fn live(&mut self, act: &Act) -> Result<()> {
        let config = self.config;
        let Some(deeds) = self.planned.remove(&act.today) else { return Ok(()) };
        self.store.write(|db| {
            let issuer = Book::new(db, act, config).issuer()?;
            deeds.iter().try_for_each(|deed| do_deed(&issuer, deed))
        })
    }

    /// Every scheduled task, once, with its e-mails as files.
    pub(super) fn today(&mut self, clock: &Clock, mail: &Path) -> Result<Vec<Report>> {
        let transport = Transport::File { directory: mail.to_owned(), owner: None };
        let tasks = Task::ALL.iter().copied();
        tasks.map(|task| self.run(clock, task, &transport)).collect()
    }

    pub(super) fn run(
        &mut self,
        clock: &Clock,
        task: Task,
        transport: &Transport,
    ) -> Result<Report> {
        let gateway = &Gateway::Sandbox;
        let given = Given { config: self.config, clock, transport, gateway };
        // A demo is asked about nothing: it harms nobody.
        let options = Options {
            yes: true,
            allow_mass_email: true,
            allow_mass_suspension: true,
            ..Options::default()
        };
        tasks::run(self.store, &given, task, &options)
    }

    pub(super) fn act(&self, day: NaiveDate) -> Result<Act> {
        Ok(Clock::new(Some(&day.to_string()), self.config.timezone)?.act("demo"))
    }
}
