use proptest::prelude::*;

use super::*;
use crate::domain::Currency;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn policy() -> Policy {
    Policy {
        friendly_days: 3,
        urgent_days: 7,
        warning_days: 15,
        suspension_days: 30,
        min_notice_days: 7,
        pending_days: PendingDays::default(),
        start_on: None,
        minimum_amount: Minimums::default(),
        minimum_charge: Minimums::default(),
    }
}

/// Due on 1 March 2026, so that 4 March is the third day, 16 March the fifteenth, 31 March the
/// thirtieth.
fn invoice() -> InvoiceFacts {
    let amount = Money::from_minor(15000, Currency::XOF);
    InvoiceFacts {
        id: InvoiceId(1),
        number: "INV-1".into(),
        issued_on: day("2026-02-14"),
        due_on: day("2026-03-01"),
        total: amount,
        amount_due: amount,
        owed: amount,
        stage: None,
        round: 1,
        warned_on: None,
        warning_email: None,
        set_back_on: None,
        promised_until: None,
        disputed: false,
        charge_since: None,
        charge_kind: None,
        automatic: false,
        too_small: false,
    }
}

fn warned(on: &str) -> InvoiceFacts {
    InvoiceFacts {
        stage: Some(Stage::Warning),
        warned_on: Some(day(on)),
        warning_email: Some(EmailStatus::Sent),
        ..invoice()
    }
}

fn tenant(invoices: Vec<InvoiceFacts>) -> TenantFacts {
    TenantFacts { id: TenantId(1), slug: "acme".into(), status: TenantStatus::Active, invoices }
}

fn decided(facts: &InvoiceFacts, today: &str) -> InvoiceDecision {
    decide_invoice(facts, TenantStatus::Active, &policy(), day(today), |_| {})
}

#[test]
fn the_highest_stage_whose_day_has_come_is_recorded_and_no_other() {
    let none = Action::Wait;
    for (today, action) in [
        ("2026-03-01", none),
        ("2026-03-03", none),
        ("2026-03-04", Action::Record(Stage::Friendly)),
        ("2026-03-07", Action::Record(Stage::Friendly)),
        ("2026-03-08", Action::Record(Stage::Urgent)),
        ("2026-03-15", Action::Record(Stage::Urgent)),
        ("2026-03-16", Action::Record(Stage::Warning)),
        ("2026-03-30", Action::Record(Stage::Warning)),
        // Past suspension without a warning: warned, not suspended.
        ("2026-03-31", Action::Record(Stage::Warning)),
        ("2027-03-31", Action::Record(Stage::Warning)),
    ] {
        assert_eq!(decided(&invoice(), today).action, action, "{today}");
    }
    let urgent = InvoiceFacts { stage: Some(Stage::Urgent), ..invoice() };
    assert_eq!(decided(&urgent, "2026-03-10").action, Action::Wait);
}

#[test]
fn nobody_is_suspended_before_the_day_and_the_notice_have_passed() {
    for (warned_on, today, action) in [
        ("2026-03-16", "2026-03-30", Action::Wait),
        ("2026-03-16", "2026-03-31", Action::Suspend),
        // Warned late, because cron slept: the notice decides.
        ("2026-03-28", "2026-03-31", Action::Wait),
        ("2026-03-28", "2026-04-03", Action::Wait),
        ("2026-03-28", "2026-04-04", Action::Suspend),
    ] {
        assert_eq!(decided(&warned(warned_on), today).action, action, "{warned_on} {today}");
    }
}

#[test]
fn a_warning_whose_email_failed_is_no_notice_and_needs_a_person() {
    let facts = InvoiceFacts { warning_email: Some(EmailStatus::Failed), ..warned("2026-03-16") };
    let decision = decided(&facts, "2026-03-31");
    assert_eq!((decision.action, decision.problem), (Action::Wait, Some(Problem::WarningFailed)));
    assert_eq!(decision.next, None);
}

#[test]
fn a_warning_whose_email_was_canceled_is_given_again() {
    let facts = InvoiceFacts { warning_email: Some(EmailStatus::Canceled), ..warned("2026-03-16") };
    assert_eq!(decided(&facts, "2026-03-31").action, Action::Record(Stage::Warning));
}

#[test]
fn without_a_notice_period_the_ladder_is_plain() {
    let policy = Policy { min_notice_days: 0, ..policy() };
    let today = day("2026-03-31");
    let decision = decide_invoice(&invoice(), TenantStatus::Active, &policy, today, |_| {});
    assert_eq!(decision.action, Action::Suspend);
}

#[test]
fn a_warning_that_failed_holds_suspension_back_without_a_notice_period_too() {
    let policy = Policy { min_notice_days: 0, ..policy() };
    let facts = InvoiceFacts { warning_email: Some(EmailStatus::Failed), ..warned("2026-03-16") };
    let today = day("2026-03-31");
    let decision = decide_invoice(&facts, TenantStatus::Active, &policy, today, |_| {});
    assert_eq!(decision.problem, Some(Problem::WarningFailed));
}

#[test]
fn a_suspended_tenant_is_held_by_what_would_suspend_it() {
    let today = day("2026-03-31");
    let holds = |facts: &InvoiceFacts| holds(facts, &policy(), today);
    let recorded = InvoiceFacts { stage: Some(Stage::Suspension), ..invoice() };
    assert!(holds(&recorded));
    assert!(holds(&InvoiceFacts { promised_until: Some(day("2026-05-01")), ..recorded.clone() }));
    assert!(!holds(&InvoiceFacts { disputed: true, ..recorded }));
    // Not recorded yet, because no run came since its day.
    assert!(holds(&warned("2026-03-16")));
    assert!(!holds(&warned("2026-03-28")) && !holds(&invoice()));
}

#[test]
fn what_is_promised_disputed_pending_or_before_the_start_rests() {
    let promised = InvoiceFacts { promised_until: Some(day("2026-03-20")), ..invoice() };
    let disputed = InvoiceFacts { disputed: true, ..invoice() };
    let pending = InvoiceFacts { charge_since: Some(day("2026-03-15")), ..invoice() };
    for facts in [&promised, &disputed, &pending] {
        assert_eq!(decided(facts, "2026-03-20").action, Action::Rest);
    }
    assert_eq!(decided(&promised, "2026-03-21").action, Action::Record(Stage::Warning));
    let late = decided(&pending, "2026-03-21");
    assert_eq!(late.action, Action::Record(Stage::Warning));
    assert!(matches!(late.problem, Some(Problem::ChargePendingTooLong { .. })));
    let policy = Policy { start_on: Some(day("2026-03-02")), ..policy() };
    let today = day("2026-03-20");
    let backlog = decide_invoice(&invoice(), TenantStatus::Active, &policy, today, |_| {});
    assert_eq!(backlog.action, Action::Rest);
}

#[test]
fn a_transfer_that_is_pending_rests_longer_than_a_card() {
    let rests_until = |kind| {
        let charge_since = Some(day("2026-03-15"));
        let pending = InvoiceFacts { charge_since, charge_kind: Some(kind), ..invoice() };
        match decided(&pending, "2026-03-16").reason {
            Reason::ChargePending { until, .. } => until.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(rests_until(PaymentMethodKind::Card), "2026-03-20");
    assert_eq!(rests_until(PaymentMethodKind::BankTransfer), "2026-03-29");
}

#[test]
fn a_tenant_that_came_back_by_hand_is_warned_after_the_notice_and_then_suspended() {
    let mut facts = InvoiceFacts {
        stage: Some(Stage::Urgent),
        set_back_on: Some(day("2026-04-10")),
        ..invoice()
    };
    assert_eq!(decided(&facts, "2026-04-16").action, Action::Wait);
    assert_eq!(decided(&facts, "2026-04-17").action, Action::Record(Stage::Warning));
    (facts.stage, facts.warned_on) = (Some(Stage::Warning), Some(day("2026-04-17")));
    facts.warning_email = Some(EmailStatus::Sent);
    assert_eq!(decided(&facts, "2026-04-23").action, Action::Wait);
    assert_eq!(decided(&facts, "2026-04-24").action, Action::Suspend);
}

#[test]
fn what_could_suspend_before_a_new_notice_has_run_is_warned_anew_with_the_rest() {
    let today = day("2026-04-10");
    let anew = |due_on: &str, stage| {
        let facts = InvoiceFacts { due_on: day(due_on), stage, ..invoice() };
        is_warned_anew(&facts, &policy(), today)
    };
    // The new notice ends on 24 April: 30 days after 25 March.
    assert!(anew("2026-03-24", Some(Stage::Warning)) && anew("2026-03-24", None));
    assert!(!anew("2026-03-25", Some(Stage::Warning)));
    let second = InvoiceFacts {
        due_on: day("2026-03-20"),
        stage: Some(Stage::Urgent),
        set_back_on: Some(today),
        ..invoice()
    };
    let wait = decided(&second, "2026-04-11");
    let warn_on = day("2026-04-17");
    assert_eq!((wait.action, wait.reason), (Action::Wait, Reason::SetBack { warn_on }));
    assert_eq!(wait.next, Some(NextStep { stage: Stage::Warning, on: warn_on }));
    assert_eq!(decided(&second, "2026-04-17").action, Action::Record(Stage::Warning));
    let forecast = forecast(&second, TenantStatus::Active, &policy(), today);
    let days: Vec<_> = forecast.iter().map(|step| step.on.to_string()).collect();
    assert_eq!(days, ["2026-04-17", "2026-04-24"]);
}

#[test]
fn a_tenant_gets_one_email_of_the_highest_new_stage() {
    let newer = InvoiceFacts { due_on: day("2026-03-12"), ..invoice() };
    let decision = decide(&tenant(vec![invoice(), newer]), &policy(), day("2026-03-16"));
    let actions: Vec<_> = decision.invoices.iter().map(|d| d.action).collect();
    assert_eq!(actions, [Action::Record(Stage::Warning), Action::Record(Stage::Friendly)]);
    assert_eq!(decision.email, Some(Stage::Warning));
}

#[test]
fn a_suspended_tenants_other_invoices_are_recorded_and_it_is_told_once() {
    let mut facts = tenant(vec![warned("2026-03-16")]);
    facts.status = TenantStatus::Suspended;
    let decision = decide(&facts, &policy(), day("2026-03-31"));
    assert_eq!(decision.invoices[0].action, Action::Record(Stage::Suspension));
    assert_eq!((decision.email, decision.suspend_for), (None, None));
}

#[test]
fn a_held_suspension_leaves_the_reminders() {
    let newer = InvoiceFacts { due_on: day("2026-03-24"), ..invoice() };
    let facts = tenant(vec![warned("2026-03-16"), newer]);
    let decision = decide(&facts, &policy(), day("2026-03-31"));
    assert_eq!((decision.email, decision.suspend_for), (Some(Stage::Suspension), Some(0)));
    let held = decision.held();
    assert_eq!((held.email, held.suspend_for), (Some(Stage::Urgent), None));
    assert_eq!(held.invoices[0].records(), None);
    assert_eq!(held.invoices[1].records(), Some(Stage::Urgent));
}

#[test]
fn the_forecast_names_each_step_to_come() {
    let steps = |facts: &InvoiceFacts, today: &str| -> Vec<_> {
        let forecast = forecast(facts, TenantStatus::Active, &policy(), day(today));
        forecast.iter().map(|step| format!("{} {}", step.on, step.stage)).collect()
    };
    assert_eq!(
        steps(&invoice(), "2026-03-02"),
        ["2026-03-04 friendly", "2026-03-08 urgent", "2026-03-16 warning", "2026-03-31 suspension"]
    );
    assert_eq!(steps(&invoice(), "2026-04-10"), ["2026-04-17 suspension"]);
    let promised = InvoiceFacts { promised_until: Some(day("2026-04-05")), ..invoice() };
    assert_eq!(steps(&promised, "2026-03-10"), ["2026-04-06 warning", "2026-04-13 suspension"]);
}

fn any_facts() -> impl Strategy<Value = InvoiceFacts> {
    let date = |offset: i64| plus_days(day("2026-03-01"), offset);
    let some_day = move || prop::option::of((-10i64..120).prop_map(date));
    (
        prop::option::of(prop::sample::select(Stage::ALL)),
        some_day(),
        prop::option::of(prop::sample::select(EmailStatus::ALL)),
        some_day(),
        some_day(),
        any::<bool>(),
        some_day(),
    )
        .prop_map(
            |(stage, warned_on, email, set_back_on, promised_until, disputed, charge)| {
                InvoiceFacts {
                    stage,
                    warned_on,
                    warning_email: email.filter(|_| warned_on.is_some()),
                    set_back_on,
                    promised_until,
                    disputed,
                    charge_since: charge,
                    charge_kind: None,
                    ..invoice()
                }
            },
        )
}

/// The facts after a decision was applied.
fn applied(mut facts: InvoiceFacts, decision: &InvoiceDecision, today: NaiveDate) -> InvoiceFacts {
    if let Some(stage) = decision.records() {
        facts.stage = Some(stage);
        if stage == Stage::Warning {
            (facts.warned_on, facts.warning_email) = (Some(today), Some(EmailStatus::Queued));
        }
    }
    facts
}

proptest! {
    #[test]
    fn a_decision_that_was_applied_is_not_taken_again(facts in any_facts(), age in 0i64..150) {
        let today = plus_days(facts.due_on, age);
        for status in [TenantStatus::Active, TenantStatus::Suspended, TenantStatus::Closed] {
            let first = decide_invoice(&facts, status, &policy(), today, |_| {});
            let suspended = first.action == Action::Suspend;
            let after = if suspended { TenantStatus::Suspended } else { status };
            let facts = applied(facts.clone(), &first, today);
            let second = decide_invoice(&facts, after, &policy(), today, |_| {});
            prop_assert_eq!(second.records(), None);
        }
    }

    #[test]
    fn nothing_happens_before_the_next_step_that_was_named(facts in any_facts(), age in 0i64..150) {
        let today = plus_days(facts.due_on, age);
        let status = TenantStatus::Active;
        let decision = decide_invoice(&facts, status, &policy(), today, |_| {});
        prop_assume!(decision.action != Action::Suspend);
        let mut facts = applied(facts, &decision, today);
        // What is queued leaves today.
        if facts.warning_email == Some(EmailStatus::Queued) {
            facts.warned_on = facts.warned_on.max(Some(today));
            facts.warning_email = Some(EmailStatus::Sent);
        }
        for later in 1..160 {
            let day = plus_days(today, later);
            let then = decide_invoice(&facts, status, &policy(), day, |_| {});
            match (then.records(), decision.next) {
                (None, Some(next)) => prop_assert!(day < next.on, "{} {:?}", day, next),
                (Some(stage), next) => {
                    prop_assert_eq!(next, Some(NextStep { stage, on: day }));
                    break;
                }
                (None, None) => {}
            }
        }
    }

    #[test]
    fn nobody_is_ever_suspended_without_notice(facts in any_facts(), age in 0i64..150) {
        let today = plus_days(facts.due_on, age);
        let decision = decide_invoice(&facts, TenantStatus::Active, &policy(), today, |_| {});
        if decision.action == Action::Suspend {
            let warned_on = facts.warned_on.expect("a warning");
            prop_assert!(days_between(warned_on, today) >= 7 && age >= 30);
            prop_assert_eq!(facts.warning_email, Some(EmailStatus::Sent));
        }
    }

    #[test]
    fn the_index_of_what_is_due_finds_every_decision(facts in any_facts(), age in 0i64..150) {
        let today = plus_days(facts.due_on, age);
        let decision = decide_invoice(&facts, TenantStatus::Active, &policy(), today, |_| {});
        if decision.records().is_some() || decision.problem == Some(Problem::WarningFailed) {
            let until = policy().due_until(facts.stage, today);
            prop_assert!(until.is_some_and(|until| facts.due_on <= until));
        }
    }
}

#[test]
fn a_warning_that_has_not_left_gives_no_notice_and_one_that_left_late_gives_it_from_then() {
    let warned = |on: &str, email| InvoiceFacts {
        stage: Some(Stage::Warning),
        warned_on: Some(day(on)),
        warning_email: Some(email),
        ..invoice()
    };
    // Recorded on 16 March, and still queued when suspension's day has come.
    let queued = warned("2026-03-16", EmailStatus::Queued);
    let decision = decided(&queued, "2026-03-31");
    let warned_on = day("2026-03-16");
    assert_eq!(
        (decision.action, decision.reason),
        (Action::Wait, Reason::NoticeQueued { warned_on })
    );
    // It left on the 30th.
    let sent = warned("2026-03-30", EmailStatus::Sent);
    assert_eq!(decided(&sent, "2026-04-05").action, Action::Wait);
    assert_eq!(decided(&sent, "2026-04-06").action, Action::Suspend);
}
