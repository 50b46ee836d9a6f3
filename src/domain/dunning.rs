//! Dunning: how overdue invoices are chased, and when a tenant is suspended for them.
//!
//! [`decide`] is the whole rule. It reads nothing and writes nothing: the task applies what it
//! returns, a dry run prints it, `invoice explain` prints its reasons, and a simulation applies it
//! on a copy of the database.

use chrono::NaiveDate;

use super::calendar::{days_between, plus_days};
use super::email::EmailStatus;
use super::money::Minimums;
use super::payment_method::{PaymentMethodKind, PendingDays};
use super::stage::Stage;
use super::tenant::TenantStatus;
use super::{InvoiceId, Money, TenantId};

/// `[dunning]` of billing.toml, and `[payments] pending_days`. All in days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Days after the due date at which each stage comes.
    pub friendly_days: i64,
    pub urgent_days: i64,
    pub warning_days: i64,
    pub suspension_days: i64,
    /// The least time between a warning and the suspension it warns of.
    pub min_notice_days: i64,
    /// How long a charge without an outcome keeps an invoice at rest.
    pub pending_days: PendingDays,
    /// Invoices due before it are listed, never chased.
    pub start_on: Option<NaiveDate>,
    /// A tenant that owes less in all is listed, never chased or suspended.
    pub minimum_amount: Minimums,
    /// What the gateway takes at least: an invoice under automatic collection that is below it rests.
    pub minimum_charge: Minimums,
}

impl Policy {
    /// Whether so little is left on an invoice that it may hold its tenant no more: nothing, or less
    /// than is chased or charged.
    pub fn is_little(&self, remaining: Money) -> bool {
        remaining.is_zero()
            || self.minimum_amount.is_above(remaining)
            || self.minimum_charge.is_above(remaining)
    }

    /// Days after the due date at which the stage comes.
    pub fn days(&self, stage: Stage) -> i64 {
        match stage {
            Stage::Friendly => self.friendly_days,
            Stage::Urgent => self.urgent_days,
            Stage::Warning => self.warning_days,
            Stage::Suspension => self.suspension_days,
        }
    }

    /// The highest stage whose day has come at that age.
    pub fn stage_at(&self, age: i64) -> Option<Stage> {
        Stage::ALL.iter().rev().copied().find(|stage| age >= self.days(*stage))
    }

    /// The last due date whose invoices may have something to do while they stand at `stage`
    /// (`None`: no stage yet), if they are read on `today`.
    pub fn due_until(&self, stage: Option<Stage>, today: NaiveDate) -> Option<NaiveDate> {
        let next = Stage::ALL.iter().find(|s| Some(**s) > stage)?;
        Some(plus_days(today, -self.days(*next)))
    }
}

/// What a decision needs to know of one open, overdue invoice.
#[derive(Debug, Clone)]
pub struct InvoiceFacts {
    pub id: InvoiceId,
    pub number: String,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub total: Money,
    pub amount_due: Money,
    /// What its tenant owes of that currency in all that is overdue, this one included.
    pub owed: Money,
    /// The highest stage recorded in the present round.
    pub stage: Option<Stage>,
    pub round: i64,
    /// The day whose warning counts as notice: that on which its e-mail left, else that on which the
    /// warning was recorded.
    pub warned_on: Option<NaiveDate>,
    /// What became of that warning's e-mail: notice is given by what was sent, and nothing else.
    pub warning_email: Option<EmailStatus>,
    /// The tenant came back by hand on that day with this invoice open past suspension.
    pub set_back_on: Option<NaiveDate>,
    pub promised_until: Option<NaiveDate>,
    pub disputed: bool,
    /// Since when a charge is pending or its outcome unknown.
    pub charge_since: Option<NaiveDate>,
    /// It is collected by charges, and not by the customer's own payment.
    pub automatic: bool,
    /// The gateway said that what is due is below what it takes.
    pub too_small: bool,
    /// What it charges.
    pub charge_kind: Option<PaymentMethodKind>,
}

impl InvoiceFacts {
    /// Days since the due date: what the stages are counted in.
    pub fn age(&self, today: NaiveDate) -> i64 {
        days_between(self.due_on, today)
    }
}

/// A tenant with all its open invoices that are past their due date, oldest first.
#[derive(Debug, Clone)]
pub struct TenantFacts {
    pub id: TenantId,
    pub slug: String,
    pub status: TenantStatus,
    pub invoices: Vec<InvoiceFacts>,
}

/// What a run does to one invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Records the stage.
    Record(Stage),
    /// Records the suspension stage, and suspends the tenant for it.
    Suspend,
    /// Nothing today.
    Wait,
    /// Nothing while the reason lasts; the invoice stays out of e-mails too.
    Rest,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    NotOverdue,
    /// It is collected by charges, and below what the gateway takes: a later charge of the tenant
    /// takes both.
    TooSmallToCharge,
    /// Its tenant owes less in all than is worth a reminder.
    BelowMinimum {
        owed: Money,
        minimum: Money,
    },
    BeforeStart {
        start_on: NaiveDate,
    },
    Disputed,
    Promised {
        until: NaiveDate,
    },
    ChargePending {
        since: NaiveDate,
        until: NaiveDate,
    },
    /// The stage's day has come and it is above what was recorded.
    StageReached {
        stage: Stage,
        age: i64,
    },
    /// Nothing above the recorded stage has come.
    StageRecorded {
        stage: Option<Stage>,
        age: i64,
    },
    /// Suspension's day has come, and no warning that counts was given.
    NoNotice,
    /// The tenant came back by hand; it is warned anew on that day.
    SetBack {
        warn_on: NaiveDate,
    },
    /// Warned, and the notice still runs.
    NoticeRuns {
        warned_on: NaiveDate,
        until: NaiveDate,
    },
    /// Warned, but the e-mail has not left yet: the notice begins when it does.
    NoticeQueued {
        warned_on: NaiveDate,
    },
    /// Warned, but the e-mail never left.
    NoticeFailed {
        warned_on: NaiveDate,
    },
    /// Warned long enough ago.
    NoticeGiven {
        warned_on: NaiveDate,
    },
    /// The configuration asks for no notice.
    NoticeNotNeeded,
    /// Would be suspended, but the cap on suspensions holds it back.
    HeldByCap,
}

/// A stage to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextStep {
    pub stage: Stage,
    pub on: NaiveDate,
}

/// Something a person must look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The warning's e-mail failed, so that suspension cannot follow.
    WarningFailed,
    /// A charge has had no outcome for longer than `pending_days`.
    ChargePendingTooLong { since: NaiveDate },
}

/// What is decided for one invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoiceDecision {
    pub action: Action,
    pub reason: Reason,
    /// What comes after today, if nothing is paid and nothing else changes.
    pub next: Option<NextStep>,
    pub problem: Option<Problem>,
}

impl InvoiceDecision {
    /// The stage that is recorded, if one is.
    pub fn records(&self) -> Option<Stage> {
        match self.action {
            Action::Record(stage) => Some(stage),
            Action::Suspend => Some(Stage::Suspension),
            Action::Wait | Action::Rest => None,
        }
    }

    /// The next step as a list shows it: a stage that the next run records comes today.
    pub fn next_step(&self, today: NaiveDate) -> Option<NextStep> {
        self.records().map(|stage| NextStep { stage, on: today }).or(self.next)
    }
}

/// What is decided for one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// One an invoice, in the order of the facts.
    pub invoices: Vec<InvoiceDecision>,
    /// The e-mail that is written: of the highest new stage, at most one a run.
    pub email: Option<Stage>,
    /// The invoice (by position) for which the tenant is suspended.
    pub suspend_for: Option<usize>,
}

impl Decision {
    /// The same decision where no tenant may be suspended in this run: reminders go out, the
    /// suspension is not recorded and is decided again by the next run.
    pub fn held(mut self) -> Self {
        for decision in &mut self.invoices {
            if decision.action == Action::Suspend {
                decision.action = Action::Wait;
                decision.reason = Reason::HeldByCap;
            }
        }
        self.suspend_for = None;
        self.email = email_of(&self.invoices);
        self
    }

    /// Whether anything is to be written or told.
    pub fn does_something(&self) -> bool {
        self.invoices.iter().any(|d| d.records().is_some() || d.problem.is_some())
    }
}

/// A rule that was looked at, with its value: what `invoice explain` lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    Age {
        age: i64,
    },
    StartOn {
        start_on: Option<NaiveDate>,
        chased: bool,
    },
    Minimum {
        owed: Money,
        minimum: Money,
        rests: bool,
    },
    LeastCharge {
        minimum: Option<Money>,
        rests: bool,
    },
    Dispute {
        disputed: bool,
    },
    Promise {
        until: Option<NaiveDate>,
        rests: bool,
    },
    Charge {
        since: Option<NaiveDate>,
        rests: bool,
    },
    StageOfAge {
        stage: Option<Stage>,
    },
    StageRecorded {
        stage: Option<Stage>,
    },
    Tenant {
        status: TenantStatus,
    },
    Notice {
        warned_on: Option<NaiveDate>,
        email: Option<EmailStatus>,
        needed_days: i64,
        given: bool,
    },
}

/// Decides for a tenant: which stages are recorded, which e-mail is written, whether it is
/// suspended. `today` is the business date of the run.
pub fn decide(tenant: &TenantFacts, policy: &Policy, today: NaiveDate) -> Decision {
    let invoices: Vec<_> = tenant
        .invoices
        .iter()
        .map(|invoice| decide_invoice(invoice, tenant.status, policy, today, |_| {}))
        .collect();
    Decision {
        email: email_of(&invoices),
        suspend_for: invoices.iter().position(|d| d.action == Action::Suspend),
        invoices,
    }
}

/// The e-mail tells the highest new stage. A suspension that is only recorded, because the tenant
/// is suspended or closed already, is not told again.
fn email_of(invoices: &[InvoiceDecision]) -> Option<Stage> {
    invoices
        .iter()
        .filter_map(|decision| match decision.action {
            Action::Suspend => Some(Stage::Suspension),
            Action::Record(stage) => Some(stage).filter(|s| *s < Stage::Suspension),
            Action::Wait | Action::Rest => None,
        })
        .max()
}

/// Why an overdue invoice rests, and until when, if it does. What rests is in no e-mail.
pub fn rest(
    facts: &InvoiceFacts,
    policy: &Policy,
    today: NaiveDate,
    mut looked_at: impl FnMut(Rule),
) -> Option<Reason> {
    let chased = policy.start_on.is_none_or(|start| facts.due_on >= start);
    looked_at(Rule::StartOn { start_on: policy.start_on, chased });
    if let Some(start_on) = policy.start_on.filter(|_| !chased) {
        return Some(Reason::BeforeStart { start_on });
    }
    if let Some(minimum) = policy.minimum_amount.of(facts.owed.currency()) {
        let (owed, rests) = (facts.owed, facts.owed.minor() < minimum.minor());
        looked_at(Rule::Minimum { owed, minimum, rests });
        if rests {
            return Some(Reason::BelowMinimum { owed, minimum });
        }
    }
    let minimum = policy.minimum_charge.of(facts.amount_due.currency());
    let below = facts.too_small || policy.minimum_charge.is_above(facts.amount_due);
    if facts.automatic && (below || minimum.is_some()) {
        looked_at(Rule::LeastCharge { minimum, rests: below });
    }
    if facts.automatic && below {
        return Some(Reason::TooSmallToCharge);
    }
    looked_at(Rule::Dispute { disputed: facts.disputed });
    if facts.disputed {
        return Some(Reason::Disputed);
    }
    let promise = facts.promised_until.filter(|until| today <= *until);
    looked_at(Rule::Promise { until: facts.promised_until, rests: promise.is_some() });
    if let Some(until) = promise {
        return Some(Reason::Promised { until });
    }
    let pending = charge_rests_until(facts, policy);
    let pending = pending.filter(|(_, until)| today <= *until);
    looked_at(Rule::Charge { since: facts.charge_since, rests: pending.is_some() });
    pending.map(|(since, until)| Reason::ChargePending { since, until })
}

/// The last day on which a promise or a charge without outcome keeps an invoice at rest: where
/// there are both, the later one.
fn rests_until(facts: &InvoiceFacts, policy: &Policy, today: NaiveDate) -> NaiveDate {
    let pending = charge_rests_until(facts, policy).map(|(_, until)| until);
    facts.promised_until.max(pending).unwrap_or(today)
}

/// Since when a charge has no outcome, and the last day on which that keeps the invoice at rest.
fn charge_rests_until(facts: &InvoiceFacts, policy: &Policy) -> Option<(NaiveDate, NaiveDate)> {
    let days = policy.pending_days.of(facts.charge_kind);
    facts.charge_since.map(|since| (since, plus_days(since, days)))
}

/// Decides for one invoice of a tenant in that status; each rule that is looked at is handed to
/// `looked_at` with its value.
pub fn decide_invoice(
    facts: &InvoiceFacts,
    status: TenantStatus,
    policy: &Policy,
    today: NaiveDate,
    mut looked_at: impl FnMut(Rule),
) -> InvoiceDecision {
    let age = facts.age(today);
    let expected = leaving_today(facts, today);
    looked_at(Rule::Age { age });
    if let Some(reason) = rest(facts, policy, today, &mut looked_at) {
        let next = match reason {
            Reason::Promised { .. } | Reason::ChargePending { .. } => step_after(
                &expected,
                policy,
                status,
                plus_days(rests_until(facts, policy, today), 1),
            ),
            _ => None,
        };
        return InvoiceDecision { action: Action::Rest, reason, next, problem: None };
    }
    let problem = facts.charge_since.map(|since| Problem::ChargePendingTooLong { since });
    let reached = policy.stage_at(age);
    looked_at(Rule::StageOfAge { stage: reached });
    looked_at(Rule::StageRecorded { stage: facts.stage });
    let (action, reason) = match reached {
        Some(Stage::Suspension) if facts.stage != Some(Stage::Suspension) => {
            suspension(facts, status, policy, today, age, &mut looked_at)
        }
        Some(stage) if facts.stage.is_none_or(|recorded| stage > recorded) => {
            match set_back(facts, policy, today).filter(|_| stage == Stage::Warning) {
                Some(reason) => (Action::Wait, reason),
                None => (Action::Record(stage), Reason::StageReached { stage, age }),
            }
        }
        _ if age < 1 => (Action::Wait, Reason::NotOverdue),
        _ => (Action::Wait, Reason::StageRecorded { stage: facts.stage, age }),
    };
    let problem = match reason {
        Reason::NoticeFailed { .. } => Some(Problem::WarningFailed),
        _ => problem,
    };
    let next = match (action, reason) {
        (_, Reason::NoticeFailed { .. }) => None,
        (Action::Record(stage), _) => {
            let mut after = expected.clone();
            after.stage = Some(stage);
            if stage == Stage::Warning {
                (after.warned_on, after.warning_email) = (Some(today), Some(EmailStatus::Sent));
            }
            step_after(&after, policy, status, plus_days(today, 1))
        }
        (Action::Suspend, _) => None,
        _ => step_after(&expected, policy, status, plus_days(today, 1)),
    };
    InvoiceDecision { action, reason, next, problem }
}

/// Whether an open invoice keeps a suspended tenant suspended: its suspension stage is recorded,
/// or would be by a run of today, and it is not disputed. A promise lets dunning rest, but pays
/// nothing.
pub fn holds(facts: &InvoiceFacts, policy: &Policy, today: NaiveDate) -> bool {
    let rests = rest(facts, policy, today, |_| {});
    let little = matches!(rests, Some(Reason::BelowMinimum { .. } | Reason::TooSmallToCharge));
    if facts.disputed || little {
        return false;
    }
    let decided = || decide_invoice(facts, TenantStatus::Suspended, policy, today, |_| {});
    facts.stage == Some(Stage::Suspension) || decided().records() == Some(Stage::Suspension)
}

/// Whether an open invoice is past suspension, by its stage or its age.
pub fn is_past_suspension(facts: &InvoiceFacts, policy: &Policy, today: NaiveDate) -> bool {
    let age = facts.age(today);
    facts.stage == Some(Stage::Suspension) || age >= policy.suspension_days
}

/// Whether an open invoice is warned anew where its tenant comes back by hand: it is past suspension,
/// or would be before a new notice has run out. An old warning of a second invoice would else cut
/// short the notice that the first one is given.
pub fn is_warned_anew(facts: &InvoiceFacts, policy: &Policy, today: NaiveDate) -> bool {
    let notice_ends = plus_days(warns_anew_on(today, policy), policy.min_notice_days);
    let suspends_on = plus_days(facts.due_on, policy.suspension_days);
    is_past_suspension(facts, policy, today) || suspends_on < notice_ends
}

/// When an invoice is warned anew whose tenant came back by hand on that day: at the earliest on the
/// day after, or a second run of the same day would do more than one.
fn warns_anew_on(set_back_on: NaiveDate, policy: &Policy) -> NaiveDate {
    plus_days(set_back_on, policy.min_notice_days.max(1))
}

/// The day whose warning counts, or will once its e-mail has left.
fn warned_on(facts: &InvoiceFacts) -> Option<NaiveDate> {
    facts.warned_on.filter(|_| may_give_notice(facts))
}

/// What suspension's day brings: nobody is suspended without a warning that counts, whose e-mail left
/// at least `min_notice_days` ago.
fn suspension(
    facts: &InvoiceFacts,
    status: TenantStatus,
    policy: &Policy,
    today: NaiveDate,
    age: i64,
    looked_at: &mut impl FnMut(Rule),
) -> (Action, Reason) {
    looked_at(Rule::Tenant { status });
    let take = match status {
        TenantStatus::Active => Action::Suspend,
        // Goes on ageing and is recorded; the tenant is suspended, and told so, once.
        TenantStatus::Suspended => Action::Record(Stage::Suspension),
        TenantStatus::Closed => {
            // Nothing is left to be suspended, so nothing is to be warned of.
            let stage = Stage::Suspension;
            return (Action::Record(stage), Reason::StageReached { stage, age });
        }
    };
    let warned_on = warned_on(facts);
    let until = warned_on.map(|on| plus_days(on, policy.min_notice_days));
    let email = facts.warning_email;
    let (failed, sent) = (email == Some(EmailStatus::Failed), email == Some(EmailStatus::Sent));
    looked_at(Rule::Notice {
        warned_on,
        email,
        needed_days: policy.min_notice_days,
        given: !failed
            && (policy.min_notice_days == 0 || (sent && until.is_some_and(|until| today >= until))),
    });
    match (warned_on, until) {
        (Some(warned_on), _) if failed => (Action::Wait, Reason::NoticeFailed { warned_on }),
        _ if policy.min_notice_days == 0 && facts.set_back_on.is_none_or(|on| today > on) => {
            (take, Reason::NoticeNotNeeded)
        }
        (Some(warned_on), _) if !sent => (Action::Wait, Reason::NoticeQueued { warned_on }),
        (Some(warned_on), Some(until)) if today >= until => {
            (take, Reason::NoticeGiven { warned_on })
        }
        (Some(warned_on), Some(until)) => (Action::Wait, Reason::NoticeRuns { warned_on, until }),
        _ => match set_back(facts, policy, today) {
            Some(reason) => (Action::Wait, reason),
            None => (Action::Record(Stage::Warning), Reason::NoNotice),
        },
    }
}

/// The facts as they are once a warning that is queued has left: today at the earliest.
fn leaving_today(facts: &InvoiceFacts, today: NaiveDate) -> InvoiceFacts {
    let mut facts = facts.clone();
    if facts.warning_email == Some(EmailStatus::Queued) {
        facts.warned_on = facts.warned_on.max(Some(today));
        facts.warning_email = Some(EmailStatus::Sent);
    }
    facts
}

/// Whether there is a warning that counts, or will once its e-mail has left.
fn may_give_notice(facts: &InvoiceFacts) -> bool {
    !matches!(facts.warning_email, None | Some(EmailStatus::Canceled))
}

/// Why an invoice is not warned yet: its tenant came back by hand, and the day has not come on which
/// it is warned anew.
fn set_back(facts: &InvoiceFacts, policy: &Policy, today: NaiveDate) -> Option<Reason> {
    if warned_on(facts).is_some() {
        return None;
    }
    let warn_on = warns_anew_on(facts.set_back_on?, policy);
    (today < warn_on).then_some(Reason::SetBack { warn_on })
}

/// The next stage of an invoice on or after `from`, if nothing is paid and nothing else changes
/// until then.
fn step_after(
    facts: &InvoiceFacts,
    policy: &Policy,
    status: TenantStatus,
    from: NaiveDate,
) -> Option<NextStep> {
    let recorded = facts.stage;
    if recorded == Some(Stage::Suspension) {
        return None;
    }
    let day_of = |stage| plus_days(facts.due_on, policy.days(stage)).max(from);
    let suspends_on = day_of(Stage::Suspension);
    let higher = Stage::ALL.iter().copied().filter(|s| recorded.is_none_or(|r| *s > r));
    // Stages whose days lie before `from` are passed over for the highest of them.
    let next = higher.clone().filter(|s| day_of(*s) == from).max().or_else(|| higher.min())?;
    if next != Stage::Suspension {
        let anew = next == Stage::Warning && warned_on(facts).is_none();
        let warned_anew = facts.set_back_on.filter(|_| anew);
        let on = day_of(next).max(warned_anew.map_or(from, |on| warns_anew_on(on, policy)));
        return Some(NextStep { stage: next, on });
    }
    if status == TenantStatus::Closed {
        return Some(NextStep { stage: next, on: suspends_on });
    }
    match warned_on(facts) {
        Some(_) if facts.warning_email == Some(EmailStatus::Failed) => None,
        Some(on) => {
            let on = suspends_on.max(plus_days(on, policy.min_notice_days));
            Some(NextStep { stage: Stage::Suspension, on })
        }
        None => {
            let set_back = |days| {
                facts.set_back_on.map_or(suspends_on, |on| plus_days(on, days).max(suspends_on))
            };
            Some(match policy.min_notice_days {
                // No warning is asked for; not on the very day on which the tenant came back.
                0 => NextStep { stage: Stage::Suspension, on: set_back(1) },
                days => NextStep { stage: Stage::Warning, on: set_back(days) },
            })
        }
    }
}

/// Each step that is still to come for an invoice, with its date, if nothing is paid: the
/// decision taken again on each date that it names.
pub fn forecast(
    facts: &InvoiceFacts,
    status: TenantStatus,
    policy: &Policy,
    today: NaiveDate,
) -> Vec<NextStep> {
    let mut steps = Vec::new();
    let mut facts = leaving_today(facts, today);
    let mut decision = decide_invoice(&facts, status, policy, today, |_| {});
    let mut day = today;
    // The ladder has four rungs and a warning can come once more.
    for _ in 0..8 {
        if let Some(stage) = decision.records() {
            if day > today {
                steps.push(NextStep { stage, on: day });
            }
            facts.stage = Some(stage);
            if stage == Stage::Warning {
                (facts.warned_on, facts.warning_email) = (Some(day), Some(EmailStatus::Sent));
            }
        }
        let Some(next) = decision.next else { break };
        day = next.on;
        decision = decide_invoice(&facts, status, policy, day, |_| {});
    }
    steps
}

#[cfg(test)]
mod tests;
