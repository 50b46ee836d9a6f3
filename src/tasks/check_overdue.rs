//! `tasks check-overdue`: applies the decisions of `domain::dunning` to every tenant that has
//! something due.

use chrono::NaiveDate;
use serde::Serialize;

use super::batch::{self, Met, Pass};
use super::{BATCH, Done, Given, ItemError, Options, StepCounts, Tally, item_error, item_refused};
use crate::books::Book;
use crate::config::Config;
use crate::domain::dunning::{
    Action, Decision, InvoiceDecision, InvoiceFacts, Policy, Problem, TenantFacts, decide,
};
use crate::domain::event::InvoiceEvent;
use crate::domain::stage::Stage;
use crate::domain::template::Template;
use crate::domain::tenant::SuspensionCause;
use crate::domain::{Act, EmailId, Refusal, Result, RunId, TenantId};
use crate::store::dunning::{DueKey, NewStep};
use crate::store::{Db, NewEmail, Store};

/// What the task counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Overdue invoices that were looked at, because their tenant had something due.
    pub examined: u64,
    /// Invoices whose stage was recorded.
    pub steps: StepCounts,
    pub tenants_suspended: u64,
    /// Tenants whose suspension the cap held back.
    pub suspensions_held: u64,
}

/// What the caps say before a run starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Caps {
    /// How many tenants may be suspended; `None`: any number.
    suspensions: Option<u64>,
    /// The run would suspend more than that, so that it suspends none.
    hold: bool,
    /// How many tenants may be written to, where the run would write to more: it does nothing.
    too_many_emails: Option<u64>,
}

/// Decides for everything that is due, in batches, and writes what is decided.
///
/// # Errors
/// A fault of the file; what fails of one tenant is in the errors of the result instead.
pub fn work(store: &mut Store, given: &Given, options: &Options, run: RunId) -> Result<Done> {
    let act = given.clock.act("task:check-overdue");
    let domain = given.config.mail_domain();
    let writer = Writer { config: given.config, act: &act, run, domain: &domain };
    let credited = use_credit(store, given.config, &act)?;
    let done = go_through(Pass::Run(store), given, options, |db, facts, decided| {
        writer.write(db, facts, &decided.decision)
    })?;
    let did_something = done.did_something || !credited.errors.is_empty();
    Ok(Done { did_something, errors: [credited.errors, done.errors].concat(), ..done })
}

/// Lets what customers have in credit pay what they owe, before anything is decided: a promise or a
/// dispute that kept it off an invoice may have ended since. What fails of one tenant is named, and
/// the others' credit pays all the same.
fn use_credit(store: &mut Store, config: &Config, act: &Act) -> Result<Sum> {
    let mut after = TenantId(0);
    Pass::Run(store).each_page(
        |db| {
            let page = db.tenants_with_credit(after, BATCH)?;
            after = page.last().copied().unwrap_or(after);
            Ok(page)
        },
        |db, tenants, _| {
            let book = Book::new(db, act, config);
            tenants.iter().try_for_each(|tenant| book.settle_from_credit(*tenant))?;
            Ok(Sum::default())
        },
        refused,
    )
}

/// Names a tenant of which something failed.
fn refused(db: &Db, tenant: &TenantId, refusal: &Refusal, sum: &mut Sum) -> Result<()> {
    let slug = db.tenant_by_id(*tenant).map(|tenant| tenant.slug);
    let subject = slug.unwrap_or_else(|_| tenant.to_string());
    sum.errors.push(item_refused(&subject, refusal));
    Ok(())
}

/// The facts of a tenant as they are once its credit has paid what it can: of a dry run, which pays
/// nothing.
fn facts_of(db: &Db, config: &Config, act: &Act, tenant: TenantId) -> Result<TenantFacts> {
    let mut facts = db.dunning_facts(tenant, act.today)?;
    for paid in Book::new(db, act, config).credit_plan(tenant)? {
        for invoice in facts.invoices.iter_mut().filter(|invoice| invoice.id == paid.invoice) {
            invoice.amount_due = paid.remaining;
        }
        // What it pays of an invoice that is not due yet leaves what is overdue as it is.
        if !facts.invoices.iter().any(|invoice| invoice.id == paid.invoice) {
            continue;
        }
        let currency = paid.amount.currency();
        for invoice in facts.invoices.iter_mut().filter(|i| i.owed.currency() == currency) {
            invoice.owed = invoice.owed.minus(paid.amount)?;
        }
    }
    facts.invoices.retain(|invoice| !invoice.amount_due.is_zero());
    Ok(facts)
}

/// Hands what a run would decide to `each`, and returns what it would count. Writes nothing.
///
/// # Errors
/// What `each` refuses, or a fault of the file.
pub fn dry_run(
    store: &mut Store,
    given: &Given,
    options: &Options,
    mut each: impl FnMut(&TenantFacts, &Decision) -> Result<()>,
) -> Result<Done> {
    store.read(|db| {
        go_through(Pass::DryRun(db), given, options, |_, facts, decided| {
            if decided.decision.does_something() || decided.held {
                each(facts, &decided.decision)?;
            }
            Ok(decided.decision.email.is_some())
        })
    })
}

/// Decides for each tenant that has something due, once, and hands the decision to `act_on`, which
/// says whether an e-mail was queued.
fn go_through(
    mut pass: Pass,
    given: &Given,
    options: &Options,
    mut act_on: impl FnMut(&Db, &TenantFacts, &Decided) -> Result<bool>,
) -> Result<Done> {
    let policy = given.config.dunning_policy();
    let today = given.clock.today();
    let act = given.clock.act("task:check-overdue");
    let caps = pass.read(|db| caps(db, given.config, &policy, &act, options))?;
    if let Some(most) = caps.too_many_emails {
        return Ok(Sum { errors: vec![mass_email(most)], ..Sum::default() }.done());
    }
    let mut scan = Scan::new(&policy, today);
    let mut sum = pass.each_page(
        |db| scan.page(db),
        |db, tenants, before: &Sum| {
            let mut sum = Sum::default();
            for tenant in tenants {
                let facts = facts_of(db, given.config, &act, *tenant)?;
                let suspended = before.counts.tenants_suspended + sum.counts.tenants_suspended;
                let decided = decide_within(&facts, &policy, today, caps, suspended);
                let queued = act_on(db, &facts, &decided)?;
                sum.count(&facts, &decided, queued);
            }
            Ok(sum)
        },
        refused,
    )?;
    if sum.counts.suspensions_held > 0 {
        sum.errors.push(mass_suspension(sum.counts.suspensions_held, caps.suspensions));
    }
    Ok(sum.done())
}

/// A decision, and whether the cap changed it.
struct Decided {
    decision: Decision,
    held: bool,
}

/// The decision for a tenant, held back where no (further) tenant may be suspended.
fn decide_within(
    facts: &TenantFacts,
    policy: &Policy,
    today: NaiveDate,
    caps: Caps,
    suspended: u64,
) -> Decided {
    let decision = decide(facts, policy, today);
    let full = caps.suspensions.is_some_and(|most| suspended >= most);
    let held = decision.suspend_for.is_some() && (caps.hold || full);
    Decided { decision: if held { decision.held() } else { decision }, held }
}

/// So many tenants may be written to, however few there are.
const LEAST_EMAILS: u64 = 100;

/// Counts what a run would do before it does anything, where a cap asks for it.
fn caps(db: &Db, config: &Config, policy: &Policy, act: &Act, options: &Options) -> Result<Caps> {
    let today = act.today;
    let mut caps = Caps { suspensions: None, hold: false, too_many_emails: None };
    if options.allow_mass_email && options.allow_mass_suspension {
        return Ok(caps);
    }
    let mut most_emails = match options.allow_mass_email {
        true => Some(u64::MAX),
        false => config.dunning.max_emails_per_run.map(u64::from),
    };
    let mut scan = Scan::new(policy, today);
    let mut due = Due::default();
    while most_emails.is_none_or(|most| due.held_emails <= most) {
        let page = scan.page(db)?;
        if page.is_empty() {
            break;
        }
        for tenant in page {
            due.count(decide(&facts_of(db, config, act, tenant)?, policy, today));
        }
        // The tenants are counted only once it matters: a run with little due costs the same
        // however many there are.
        if most_emails.is_none() && due.emails > LEAST_EMAILS {
            most_emails = Some(most(db, None, LEAST_EMAILS, 25)?);
        }
    }
    if !options.allow_mass_suspension && due.suspensions > 0 {
        let most = most(db, config.dunning.max_suspensions_per_run, 10, 5)?;
        caps.suspensions = Some(most);
        caps.hold = due.suspensions > most;
    }
    let emails = if caps.hold { due.held_emails } else { due.emails };
    caps.too_many_emails = most_emails.filter(|most| emails > *most);
    Ok(caps)
}

/// What is due: e-mails if suspensions take place, e-mails if they are held back, suspensions.
#[derive(Debug, Default)]
struct Due {
    emails: u64,
    held_emails: u64,
    suspensions: u64,
}

impl Due {
    fn count(&mut self, decision: Decision) {
        self.emails += u64::from(decision.email.is_some());
        self.suspensions += u64::from(decision.suspend_for.is_some());
        self.held_emails += u64::from(decision.held().email.is_some());
    }
}

/// A cap: as configured, else `least` or that share of the active tenants, whichever is more.
fn most(db: &Db, configured: Option<u32>, least: u64, percent: u64) -> Result<u64> {
    match configured {
        Some(most) => Ok(u64::from(most)),
        None => {
            let active = u64::try_from(db.count_active_tenants()?).unwrap_or(0);
            Ok(least.max(active * percent / 100))
        }
    }
}

fn mass_email(most: u64) -> ItemError {
    item_error(
        "run",
        "mass_email",
        format!(
            "more than {} would be written to, so nothing was done; \
             look at --dry-run --allow-mass-email, then run once with --allow-mass-email",
            tenants(most)
        ),
    )
}

fn mass_suspension(held: u64, most: Option<u64>) -> ItemError {
    let most = most.unwrap_or(0);
    item_error(
        "run",
        "mass_suspension",
        format!(
            "{} would be suspended and the cap is {most}, so none was; \
             look at --dry-run --allow-mass-suspension, then run once with --allow-mass-suspension",
            tenants(held)
        ),
    )
}

fn tenants(count: u64) -> String {
    if count == 1 { "1 tenant".to_owned() } else { format!("{count} tenants") }
}

/// Walks the index of what is due: a stage at a time, highest first, then by due date and tenant.
/// A tenant is met once, under the first of its invoices, however many of them are due: one that
/// fails, rests or was held back stays in the index and must not be decided for again.
struct Scan<'a> {
    policy: &'a Policy,
    today: NaiveDate,
    stages: Vec<Option<Stage>>,
    after: Option<DueKey>,
    met: Met,
}

impl<'a> Scan<'a> {
    fn new(policy: &'a Policy, today: NaiveDate) -> Self {
        // Taken from the back: warning, urgent, friendly, none.
        let below = [Stage::Friendly, Stage::Urgent, Stage::Warning].map(Some);
        let stages = std::iter::once(None).chain(below).collect();
        Scan { policy, today, stages, after: None, met: Met::default() }
    }

    /// The next tenants; none where all were read.
    fn page(&mut self, db: &Db) -> Result<Vec<TenantId>> {
        while let Some(stage) = self.stages.last().copied() {
            let keys = match self.policy.due_until(stage, self.today) {
                Some(until) => {
                    let start_on = self.policy.start_on;
                    db.due_for_dunning(stage, until, start_on, self.after, BATCH)?
                }
                None => Vec::new(),
            };
            self.after = keys.last().copied();
            if keys.is_empty() {
                self.stages.pop();
                continue;
            }
            let tenants = keys.iter().map(|key| key.tenant);
            let new: Vec<_> = tenants.filter(|tenant| self.met.insert(*tenant)).collect();
            if !new.is_empty() {
                return Ok(new);
            }
        }
        Ok(Vec::new())
    }
}

/// What is summed up over a run, a page or a tenant.
#[derive(Debug, Default)]
struct Sum {
    counts: Counts,
    emails_queued: u64,
    errors: Vec<ItemError>,
}

impl batch::Sum for Sum {
    fn add(&mut self, other: Sum) {
        let (mine, theirs) = (&mut self.counts, other.counts);
        mine.examined += theirs.examined;
        mine.steps.friendly += theirs.steps.friendly;
        mine.steps.urgent += theirs.steps.urgent;
        mine.steps.warning += theirs.steps.warning;
        mine.steps.suspension += theirs.steps.suspension;
        mine.tenants_suspended += theirs.tenants_suspended;
        mine.suspensions_held += theirs.suspensions_held;
        self.emails_queued += other.emails_queued;
        self.errors.extend(other.errors);
    }
}

impl Sum {
    fn count(&mut self, facts: &TenantFacts, decided: &Decided, queued: bool) {
        let counts = &mut self.counts;
        counts.examined += facts.invoices.len() as u64;
        for stage in decided.decision.invoices.iter().filter_map(|d| d.records()) {
            *match stage {
                Stage::Friendly => &mut counts.steps.friendly,
                Stage::Urgent => &mut counts.steps.urgent,
                Stage::Warning => &mut counts.steps.warning,
                Stage::Suspension => &mut counts.steps.suspension,
            } += 1;
        }
        counts.tenants_suspended += u64::from(decided.decision.suspend_for.is_some());
        counts.suspensions_held += u64::from(decided.held);
        self.emails_queued += u64::from(queued);
        let decisions = facts.invoices.iter().zip(&decided.decision.invoices);
        let problems = decisions.filter_map(|(invoice, d)| Some((invoice, d.problem?)));
        self.errors.extend(problems.map(|(invoice, problem)| problem_of(facts, invoice, problem)));
    }

    fn done(self) -> Done {
        let steps = self.counts.steps;
        let recorded = steps.friendly + steps.urgent + steps.warning + steps.suspension;
        Done {
            tally: Tally::CheckOverdue(self.counts),
            emails_queued: self.emails_queued,
            did_something: recorded > 0 || !self.errors.is_empty(),
            errors: self.errors,
        }
    }
}

fn problem_of(facts: &TenantFacts, invoice: &InvoiceFacts, problem: Problem) -> ItemError {
    let number = &invoice.number;
    match problem {
        Problem::WarningFailed => item_error(
            &facts.slug,
            "warning_not_delivered",
            format!(
                "the warning for {number} could not be delivered, so suspension waits; \
                 correct the address, then billing email resend"
            ),
        ),
        Problem::ChargePendingTooLong { since } => item_error(
            &facts.slug,
            "charge_pending",
            format!("a charge of {number} has had no outcome since {since}"),
        ),
    }
}

/// Writes decisions.
struct Writer<'a> {
    config: &'a Config,
    act: &'a Act,
    run: RunId,
    domain: &'a str,
}

impl Writer<'_> {
    /// Writes what is decided for a tenant, in the caller's transaction, and says whether an e-mail
    /// was queued.
    fn write(&self, db: &Db, facts: &TenantFacts, decision: &Decision) -> Result<bool> {
        let email = self.queue_email(db, facts, decision)?;
        for (invoice, decision) in facts.invoices.iter().zip(&decision.invoices) {
            if let Some(stage) = decision.records() {
                self.record(db, facts.id, invoice, stage, email)?;
            }
        }
        if let Some(invoice) = decision.suspend_for.map(|at| &facts.invoices[at]) {
            self.suspend(db, facts, invoice)?;
        }
        Ok(email.is_some())
    }

    /// Queues the one e-mail of the decision. Its key is the stage that it tells of, so that no
    /// second run can queue it again.
    fn queue_email(
        &self,
        db: &Db,
        facts: &TenantFacts,
        decision: &Decision,
    ) -> Result<Option<EmailId>> {
        let Some(stage) = decision.email else { return Ok(None) };
        let told = |(_, d): &(&InvoiceFacts, &_)| match decision_stage(d) {
            Some(recorded) => recorded == stage,
            None => false,
        };
        let Some((first, _)) = facts.invoices.iter().zip(&decision.invoices).find(told) else {
            return Ok(None);
        };
        let key = format!("dunning/{}/{}/{stage}", first.id.0, round_of(first, stage));
        db.queue_email(
            self.act,
            &NewEmail {
                tenant: facts.id,
                invoice: None,
                template: Template::of_stage(stage),
                domain: self.domain,
                dedup_key: &key,
                facts: "{}",
                run: Some(self.run),
            },
        )
    }

    fn record(
        &self,
        db: &Db,
        tenant: TenantId,
        invoice: &InvoiceFacts,
        stage: Stage,
        email: Option<EmailId>,
    ) -> Result<()> {
        let days_overdue = invoice.age(self.act.today);
        let round = round_of(invoice, stage);
        let step = NewStep { stage, round, days_overdue, run: Some(self.run), email };
        db.record_step(self.act, invoice, tenant, step)?;
        let reason = format!("{stage}: {days_overdue} days overdue");
        let event = InvoiceEvent::StageRecorded { stage, days_overdue, run: self.run };
        db.record(self.act, (tenant, invoice.id), event, Some(&reason))
    }

    fn suspend(&self, db: &Db, facts: &TenantFacts, invoice: &InvoiceFacts) -> Result<()> {
        let days = invoice.age(self.act.today);
        let reason = format!("invoice {} is {days} days overdue", invoice.number);
        let (book, cause) = (Book::new(db, self.act, self.config), SuspensionCause::Overdue);
        book.suspend_tenant(facts.id, cause, &reason, Some(invoice.id))
    }
}

fn decision_stage(decision: &InvoiceDecision) -> Option<Stage> {
    match decision.action {
        // Recorded without being told: the tenant is suspended already.
        Action::Record(Stage::Suspension) => None,
        _ => decision.records(),
    }
}

/// The round that a step belongs to: a warning given again, because the e-mail of the first was
/// canceled, opens a new one.
fn round_of(invoice: &InvoiceFacts, stage: Stage) -> i64 {
    invoice.round + i64::from(stage == Stage::Warning && invoice.warned_on.is_some())
}
